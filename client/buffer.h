/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_BUFFER_H
#define VP_CLIENT_BUFFER_H

#include <pthread.h>
#include <stdbool.h>
#include <vulkan/vulkan.h>

#include "vp_commands.h"

/* Buffers with the core usages of Vulkan 1.0 only: every combination. */
#define VP_CORE_USAGES 512

/* How a device makes the memory requirements of plain buffers, so that they
 * need not be asked: known for the core usages from the start, for others after
 * the first question. */
struct vp_buffer_rules {
   pthread_mutex_t lock;
   VkBufferRuleVP core[VP_CORE_USAGES];
   struct vp_buffer_rule *others;
};

void vp_buffer_rules_init(struct vp_buffer_rules *rules);
void vp_buffer_rules_finish(struct vp_buffer_rules *rules);

/* Fills the request for the rules of all core usages; `usages` must live until the reply. */
struct vp_cmd_vkGetBufferRulesVP vp_buffer_rules_request(struct vp_buffer_rules *rules, VkDevice device,
                                                         VkBufferUsageFlags usages[VP_CORE_USAGES]);

#endif
