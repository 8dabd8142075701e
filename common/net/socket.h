/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_SOCKET_H
#define VP_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VP_DEFAULT_PORT 5556

/* Longest text that the functions below write into `error`, NUL included. */
#define VP_SOCKET_ERROR_SIZE 256

/* Splits "host", "host:port", "[v6]" or "[v6]:port" (an unbracketed address
 * with several colons is a v6 address without port). Without a port *port becomes
 * VP_DEFAULT_PORT. False when it is none of these, the host does not fit or the
 * port is not 1..65535. host_size counts the NUL. */
bool vp_socket_parse_address(const char *text, char *host, size_t host_size, uint16_t *port);

/* Connects within timeout_ms (looking up the name and trying all its addresses
 * together). The socket is blocking, close-on-exec, TCP_NODELAY, with keep-alive
 * that notices a dead peer in about 15 seconds. Returns -1, with errno, and a
 * sentence in `error` on failure. */
int vp_socket_connect(const char *host, uint16_t port, int timeout_ms, char error[VP_SOCKET_ERROR_SIZE]);

/* Listens on host:port (port 0: any free one) and stores the real port. The
 * socket is non-blocking and close-on-exec. "::" takes IPv4 clients too. Returns -1 and a sentence in `error` on
 * failure. */
int vp_socket_listen(const char *host, uint16_t port, uint16_t *real_port, char error[VP_SOCKET_ERROR_SIZE]);

/* The same in two steps: nobody can connect in between. */
int vp_socket_bind(const char *host, uint16_t port, uint16_t *real_port, char error[VP_SOCKET_ERROR_SIZE]);
bool vp_socket_open(int fd, const char *host, uint16_t port, char error[VP_SOCKET_ERROR_SIZE]);

/* Accepts with the same options as vp_socket_connect; `peer` gets a printable
 * address. Returns -1 with errno on failure. */
int vp_socket_accept(int listener, char *peer, size_t peer_size);

enum vp_reach {
   VP_REACH_LOOPBACK, /* this machine only */
   VP_REACH_ADDRESS,  /* those who reach one address of this machine */
   VP_REACH_ALL,      /* any of its addresses: the wildcard */
};

/* From where a socket that is bound can be reached. */
enum vp_reach vp_socket_reach(int fd);

/* Whether the peer of a connection is a program of this machine, by its address. */
bool vp_socket_peer_is_here(int fd);

/* Writes "address:port" ("[address]:port" for v6). */
void vp_socket_format_address(const char *host, uint16_t port, char *out, size_t size);

/* The same of a socket's own address. */
void vp_socket_format_local(int fd, char *out, size_t size);

/* Applies the options (TCP_NODELAY, keep-alive) to an inherited socket. */
void vp_socket_configure(int fd);

/* Whether the peer's machine has not answered at all for about 15 seconds
 * although it was sent data several times. This is the half of the job that
 * keep-alive cannot do, which is silent while data is under way. A peer that is
 * there but does not read (busy, or stopped in a debugger) is not lost, which is
 * why TCP_USER_TIMEOUT does not serve. False for what is not a TCP socket. */
bool vp_socket_peer_lost(int fd);

/* How many bytes that were sent the peer's machine, or on this one the peer, has not taken; -1: not known. */
int vp_socket_unsent(int fd);

#endif
