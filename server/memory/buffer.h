/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_BUFFER_H
#define VP_SERVER_MEMORY_BUFFER_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

struct vps_memory;

/* The state of a VkBuffer. */
struct vps_buffer {
   VkDeviceSize size;
   unsigned classes;          /* VPS_WRITES_...: how the GPU may write to it; 0: it only reads */
   bool copies;               /* nothing can be done with it but copying */
   struct vps_memory *memory; /* held; NULL: none yet, or it is sparse */
   VkDeviceSize offset;       /* in that memory */
};

#endif
