/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_BUFFER_RULES_H
#define VP_CLIENT_CORE_BUFFER_RULES_H

#include <pthread.h>
#include <stdbool.h>
#include <vulkan/vulkan.h>

#include "common/net/limits.h"
#include "vp_commands.h"

struct vp_device;

/* How a device makes the memory requirements of plain buffers, so that they
 * need not be asked: known from the start for each usage that the device has, and so for all that they can be put
 * together to; where that does not hold, after the first question. */
struct vp_buffer_rules {
   VkBufferUsageFlags usages[VP_MAX_USAGES]; /* one bit each */
   VkBufferRuleVP of_usage[VP_MAX_USAGES];
   uint32_t count;

   pthread_mutex_t lock;
   struct vp_buffer_rule *others;
};

void vp_buffer_rules_init(struct vp_buffer_rules *rules);
void vp_buffer_rules_finish(struct vp_buffer_rules *rules);

/* The request for the rules of a device, whose extensions are known. */
struct vp_cmd_vkGetBufferRulesVP vp_buffer_rules_request(struct vp_device *device);

#endif
