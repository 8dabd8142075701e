/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_COMMAND_BUFFER_H
#define VP_CLIENT_COMMAND_BUFFER_H

#include "client/object.h"
#include "common/wire/encoder.h"

#include <stdbool.h>

struct vp_device;
struct vp_command_pool;

/* Recording writes into memory of the command buffer's own, without any lock;
 * vkEndCommandBuffer puts it into the stream as a whole. */
struct vp_command_buffer {
   struct vp_object base;
   struct vp_device *device;
   const VkAllocationCallbacks *allocator;
   struct vp_encoder commands;
   uint64_t recorded; /* commands since vkBeginCommandBuffer */
   bool recording;
   VkCommandBufferLevel level;
   struct vp_command_pool *pool;
   struct vp_command_buffer *prev, *next; /* in the pool */
};

struct vp_command_pool {
   struct vp_object base;
   const VkAllocationCallbacks *allocator;
   struct vp_command_buffer *buffers;
};

#endif
