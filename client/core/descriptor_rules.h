/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_DESCRIPTOR_RULES_H
#define VP_CLIENT_CORE_DESCRIPTOR_RULES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/memory/descriptor_rule.h"

struct vp_device;

struct vp_address_range {
   VkDeviceAddress start, end;
};

/* How descriptors of buffers follow from their addresses: so they need not be asked for. It holds for memories whose
 * address the server has told, since it has tried the rules there. */
struct vp_descriptor_rules {
   VkDescriptorRuleVP uniform, storage; /* constant once the device is there */
   pthread_rwlock_t lock;               /* of the memories, by address: */
   struct vp_address_range *ranges;
   size_t count, capacity;
};

void vp_descriptor_rules_init(struct vp_descriptor_rules *rules);
void vp_descriptor_rules_finish(struct vp_descriptor_rules *rules);

/* How large descriptors are in the device's descriptor buffers; NULL: it has none. */
const VkPhysicalDeviceDescriptorBufferPropertiesEXT *vp_descriptor_sizes(const struct vp_device *device);

/* Whether a device that is created in this way has a use for rules; then the request for them. */
bool vp_descriptor_rules_request(struct vp_device *device, const VkDeviceCreateInfo *info,
                                 struct vp_cmd_vkGetDescriptorRulesVP *request);

/* After the reply: drops rules that make no sense. */
void vp_descriptor_rules_settle(struct vp_descriptor_rules *rules);

/* A memory with an address that was told is there, or is not any more. Without room for it nothing is known of it. */
void vp_descriptor_rules_add(struct vp_descriptor_rules *rules, VkDeviceAddress start, VkDeviceSize size);
void vp_descriptor_rules_remove(struct vp_descriptor_rules *rules, VkDeviceAddress start);

/* Makes a descriptor of `size` bytes. False when no rule says what it is. */
bool vp_descriptor_rules_make(struct vp_descriptor_rules *rules, const VkDescriptorGetInfoEXT *info, size_t size,
                              void *descriptor);

#endif
