/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_CLEAR_STATE_H
#define VP_SERVER_CORE_CLEAR_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

/* Who makes a device's fresh memory zeros, so that nobody finds there what another client has left. */
enum vps_clear_way {
   VPS_CLEAR_KERNEL, /* the kernel's driver, which is known to, or nobody (--clear-memory off) */
   VPS_CLEAR_DRIVER, /* the Vulkan driver, which is asked to at each allocation (VK_EXT_zero_initialize_device_memory)
                      */
   VPS_CLEAR_SERVER, /* we: with the CPU what can be mapped, with the GPU all else */
};

/* Of the executing thread. All but the way is for memory that the host cannot see. */
struct vps_clear {
   enum vps_clear_way way;
   bool can_copy;          /* there is a queue that can: */
   uint32_t family, index; /* one that the client does not know of, or its first */
   VkQueue queue;          /* NULL before the first use, as what follows */
   bool told;              /* the log has a line about what cannot be cleared */
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkSemaphore timeline; /* reaches the value when the last filling is done */
   uint64_t value;
   VkBuffer buffer;      /* that is being filled */
   VkDeviceMemory stuck; /* its memory, when the GPU has not come to it in time; or null */
   VkDeviceSize stuck_size;
};

#endif
