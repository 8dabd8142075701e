/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_RECORD_COMMAND_POOL_H
#define VP_SERVER_RECORD_COMMAND_POOL_H

#include <stdint.h>

struct vps_lane;

/* The state of a VkCommandPool from its first allocation on, whose command buffers are recorded by one thread at a
 * time. */
struct vps_command_pool {
   struct vps_lane *lane; /* of vps_replay: the thread that had its last frame, or NULL; */
   uint64_t frames;       /* that frame is the last one of so many */
   uint64_t recorded;     /* bytes of commands that its command buffers have now */
   uint64_t kept;         /* that count as used: a driver may keep the memory until the pool gives it back */
};

/* Commands of so many bytes were recorded. */
void vps_command_pool_add(struct vps_command_pool *pool, uint64_t bytes);

#endif
