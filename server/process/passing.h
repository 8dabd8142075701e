/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_PASSING_H
#define VP_SERVER_PROCESS_PASSING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Messages between processes of the server, each whole and with some descriptors, on a pair of sockets. Both ends are
 * close-on-exec. False with errno. */
bool vps_passing_open(int ends[2]);

/* With a message travel at most so many. */
#define VPS_PASSING_MOST 4u

/* The descriptors are copied, and stay the caller's. flags: MSG_DONTWAIT or 0. False with errno. */
bool vps_passing_send(int end, const void *data, size_t size, const int fds[], unsigned count, int flags);

/* Those that came along become the caller's, the others -1. Returns the bytes of the message, of which those that have
 * no room are lost; 0: the other end is closed, or the message is empty; -1 with errno. */
ssize_t vps_passing_receive(int end, void *data, size_t size, int fds[VPS_PASSING_MOST], int flags);

#endif
