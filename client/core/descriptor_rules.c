/* SPDX-License-Identifier: MIT */

/* The rules of a device for descriptors of buffers, and a sorted list of the memories for which they hold. */

#include "client/core/descriptor_rules.h"

#include <stdlib.h>
#include <string.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/vp_extensions.h"

void vp_descriptor_rules_init(struct vp_descriptor_rules *rules)
{
   pthread_rwlock_init(&rules->lock, NULL);
}

void vp_descriptor_rules_finish(struct vp_descriptor_rules *rules)
{
   free(rules->ranges);
   pthread_rwlock_destroy(&rules->lock);
}

const VkPhysicalDeviceDescriptorBufferPropertiesEXT *vp_descriptor_sizes(const struct vp_device *device)
{
   const bool has_buffers = vp_extension_set_has(&device->extensions, VP_EXT_VK_EXT_descriptor_buffer);
   return has_buffers ? vp_chain_find(device->physical_device->properties.pNext,
                                      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_PROPERTIES_EXT)
                      : NULL;
}

/* With it descriptors are longer. */
static bool is_robust(const VkDeviceCreateInfo *info)
{
   const VkPhysicalDeviceFeatures2 *features = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
   const VkPhysicalDeviceFeatures *plain = features ? &features->features : info->pEnabledFeatures;
   return plain && plain->robustBufferAccess;
}

bool vp_descriptor_rules_request(struct vp_device *device, const VkDeviceCreateInfo *info,
                                 struct vp_cmd_vkGetDescriptorRulesVP *request)
{
   const VkPhysicalDeviceDescriptorBufferPropertiesEXT *sizes = vp_descriptor_sizes(device);
   if (!sizes)
      return false;
   const size_t uniform =
      is_robust(info) ? sizes->robustUniformBufferDescriptorSize : sizes->uniformBufferDescriptorSize;
   const size_t storage =
      is_robust(info) ? sizes->robustStorageBufferDescriptorSize : sizes->storageBufferDescriptorSize;
   *request = (struct vp_cmd_vkGetDescriptorRulesVP){.device = VP_TO_HANDLE(VkDevice, device),
                                                     .uniformSize = (uint32_t)uniform,
                                                     .storageSize = (uint32_t)storage,
                                                     .pUniform = &device->descriptor_rules.uniform,
                                                     .pStorage = &device->descriptor_rules.storage};
   return true;
}

void vp_descriptor_rules_settle(struct vp_descriptor_rules *rules)
{
   rules->uniform.valid = vp_descriptor_rule_is_sound(&rules->uniform);
   rules->storage.valid = vp_descriptor_rule_is_sound(&rules->storage);
}

/* The first memory that ends behind an address. */
static size_t find_range(const struct vp_descriptor_rules *rules, VkDeviceAddress address)
{
   size_t low = 0, high = rules->count;
   while (low < high) {
      const size_t middle = low + (high - low) / 2;
      if (rules->ranges[middle].end <= address)
         low = middle + 1;
      else
         high = middle;
   }
   return low;
}

static bool make_room_for_range(struct vp_descriptor_rules *rules)
{
   if (rules->count < rules->capacity)
      return true;
   const size_t wanted = rules->capacity ? rules->capacity * 2 : 16;
   struct vp_address_range *grown = realloc(rules->ranges, wanted * sizeof(*grown));
   if (!grown)
      return false;
   rules->ranges = grown;
   rules->capacity = wanted;
   return true;
}

void vp_descriptor_rules_add(struct vp_descriptor_rules *rules, VkDeviceAddress start, VkDeviceSize size)
{
   if ((!rules->uniform.valid && !rules->storage.valid) || !start || size > UINT64_MAX - start)
      return;
   pthread_rwlock_wrlock(&rules->lock);
   const size_t at = find_range(rules, start);
   const bool is_free = at == rules->count || rules->ranges[at].start >= start + size;
   if (is_free && make_room_for_range(rules)) {
      memmove(rules->ranges + at + 1, rules->ranges + at, (rules->count - at) * sizeof(*rules->ranges));
      rules->ranges[at] = (struct vp_address_range){start, start + size};
      rules->count++;
   }
   pthread_rwlock_unlock(&rules->lock);
}

void vp_descriptor_rules_remove(struct vp_descriptor_rules *rules, VkDeviceAddress start)
{
   pthread_rwlock_wrlock(&rules->lock);
   const size_t at = find_range(rules, start);
   if (at < rules->count && rules->ranges[at].start == start) {
      rules->count--;
      memmove(rules->ranges + at, rules->ranges + at + 1, (rules->count - at) * sizeof(*rules->ranges));
   }
   pthread_rwlock_unlock(&rules->lock);
}

static bool is_known(struct vp_descriptor_rules *rules, VkDeviceAddress address, VkDeviceSize size)
{
   pthread_rwlock_rdlock(&rules->lock);
   const size_t at = find_range(rules, address);
   const bool known =
      at < rules->count && rules->ranges[at].start <= address && size <= rules->ranges[at].end - address;
   pthread_rwlock_unlock(&rules->lock);
   return known;
}

bool vp_descriptor_rules_make(struct vp_descriptor_rules *rules, const VkDescriptorGetInfoEXT *info, size_t size,
                              void *descriptor)
{
   const bool uniform = info->type == VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
   const VkDescriptorRuleVP *rule = uniform ? &rules->uniform : &rules->storage;
   if (!uniform && info->type != VK_DESCRIPTOR_TYPE_STORAGE_BUFFER)
      return false;
   const VkDescriptorAddressInfoEXT *buffer = info->data.pStorageBuffer;
   if (!buffer || info->pNext || buffer->pNext || size != rule->size ||
       !vp_descriptor_rule_covers(rule, buffer->address, buffer->range) ||
       !is_known(rules, buffer->address, buffer->range))
      return false;
   vp_descriptor_rule_apply(rule, buffer->address, buffer->range, descriptor);
   return true;
}
