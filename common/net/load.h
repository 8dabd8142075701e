/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_LOAD_H
#define VP_NET_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VP_LOAD_SIZE 32

/* How busy a server is: the payload of its VP_FRAME_LOAD. A client asks with an empty one, before its greeting. */
struct vp_load {
   uint32_t sessions, places; /* that there are, and that there can be */
   uint32_t gpus;             /* 0: not known */
   uint64_t memory;           /* of these GPUs, in bytes; 0: not known */
   uint64_t memory_taken;     /* by all sessions */
};

void vp_load_store(uint8_t out[VP_LOAD_SIZE], const struct vp_load *load);

/* What is behind it is of a later release. False: there are too few bytes. */
bool vp_load_load(struct vp_load *load, const uint8_t *data, size_t size);

/* Sends it, without waiting for the client. False: that is not possible. */
bool vp_load_tell(int fd, const struct vp_load *load);

/* Which of two servers has more room: less than 0: the first. The one that has a place for another session; then that
 * with fewer sessions for each GPU, then that with more free memory. */
int vp_load_compare(const struct vp_load *a, const struct vp_load *b);

#endif
