/* SPDX-License-Identifier: MIT */

/* vkAllocateDescriptorSets waits for the server only where the pool may be short, vkUpdateDescriptorSets never. */

#include "client/pipeline/descriptor_set.h"

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/pipeline/descriptor_pool.h"
#include "client/pipeline/descriptor_set_layout.h"
#include "client/pipeline/descriptor_write.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

/* --- allocation --- */

uint32_t vp_descriptor_set_variable_count(const VkDescriptorSetAllocateInfo *info, uint32_t index)
{
   const VkDescriptorSetVariableDescriptorCountAllocateInfo *counts =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_DESCRIPTOR_SET_VARIABLE_DESCRIPTOR_COUNT_ALLOCATE_INFO);
   return counts && index < counts->descriptorSetCount ? counts->pDescriptorCounts[index] : 0;
}

void vp_descriptor_set_destroy(struct vp_device *device, struct vp_descriptor_set *set)
{
   vp_descriptor_set_layout_unref(device, set->layout);
   vp_object_destroy(&device->conn->objects, vp_allocator(NULL, device->allocator), set);
}

static struct vp_descriptor_set *create_set(struct vp_device *device, const VkDescriptorSetAllocateInfo *info,
                                            uint32_t index)
{
   struct vp_descriptor_set *set = vp_object_create(&device->conn->objects, vp_allocator(NULL, device->allocator),
                                                    VK_OBJECT_TYPE_DESCRIPTOR_SET, sizeof(*set));
   if (!set)
      return NULL;
   set->layout =
      vp_descriptor_set_layout_ref(VP_FROM_HANDLE(struct vp_descriptor_set_layout, info->pSetLayouts[index]));
   set->variable_count = vp_descriptor_set_variable_count(info, index);
   return set;
}

static VkResult allocate_sets(struct vp_device *device, const VkDescriptorSetAllocateInfo *info, VkDescriptorSet *sets,
                              bool wait)
{
   struct vp_cmd_vkAllocateDescriptorSets a = {
      .device = VP_TO_HANDLE(VkDevice, device), .pAllocateInfo = info, .pDescriptorSets = sets};
   return vp_try_vkAllocateDescriptorSets(device, wait, &a);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkAllocateDescriptorSets(VkDevice handle,
                                                           const VkDescriptorSetAllocateInfo *pAllocateInfo,
                                                           VkDescriptorSet *pDescriptorSets)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_descriptor_pool *pool = VP_FROM_HANDLE(struct vp_descriptor_pool, pAllocateInfo->descriptorPool);
   const uint32_t count = pAllocateInfo->descriptorSetCount;
   uint32_t created = 0;
   VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;
   for (; created < count; created++) {
      struct vp_descriptor_set *set = create_set(device, pAllocateInfo, created);
      if (!set)
         goto fail;
      pDescriptorSets[created] = VP_TO_HANDLE(VkDescriptorSet, set);
   }
   /* A pool that could not be created answers with its own error. */
   const bool wait = pool->base.error || !vp_descriptor_pool_is_sure(pool, pAllocateInfo);
   result = allocate_sets(device, pAllocateInfo, pDescriptorSets, wait);
   if (result != VK_SUCCESS)
      goto fail;
   for (uint32_t i = 0; i < count; i++)
      vp_descriptor_pool_add(pool, VP_FROM_HANDLE(struct vp_descriptor_set, pDescriptorSets[i]));
   return VK_SUCCESS;
fail:
   for (uint32_t i = 0; i < count; i++) {
      if (i < created)
         vp_descriptor_set_destroy(device, VP_FROM_HANDLE(struct vp_descriptor_set, pDescriptorSets[i]));
      pDescriptorSets[i] = VK_NULL_HANDLE;
   }
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkFreeDescriptorSets(VkDevice handle, VkDescriptorPool pool_handle,
                                                       uint32_t descriptorSetCount,
                                                       const VkDescriptorSet *pDescriptorSets)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_descriptor_pool *pool = VP_FROM_HANDLE(struct vp_descriptor_pool, pool_handle);
   const struct vp_cmd_vkFreeDescriptorSets a = {
      .device = handle,
      .descriptorPool = pool_handle,
      .descriptorSetCount = descriptorSetCount,
      .pDescriptorSets = pDescriptorSets,
   };
   const VkResult result = vp_send_vkFreeDescriptorSets(device->conn, &a);
   if (result == VK_ERROR_OUT_OF_HOST_MEMORY)
      return result; /* it was not said, so the server still has the sets */
   for (uint32_t i = 0; i < descriptorSetCount; i++) {
      struct vp_descriptor_set *set = VP_FROM_HANDLE(struct vp_descriptor_set, pDescriptorSets[i]);
      if (!set)
         continue;
      vp_descriptor_pool_remove(pool, set);
      vp_descriptor_set_destroy(device, set);
   }
   return VK_SUCCESS; /* as vkResetDescriptorPool */
}

/* --- updates --- */

static void say(void *target, uint32_t count, const VkWriteDescriptorSet *writes)
{
   struct vp_device *device = target;
   const struct vp_cmd_vkUpdateDescriptorSets a = {
      .device = VP_TO_HANDLE(VkDevice, device), .descriptorWriteCount = count, .pDescriptorWrites = writes};
   vp_send_vkUpdateDescriptorSets(device->conn, &a);
}

void vp_descriptor_set_writer_init(struct vp_descriptor_writer *writer, struct vp_device *device)
{
   vp_descriptor_writer_init(writer, say, device);
}

VKAPI_ATTR void VKAPI_CALL vp_vkUpdateDescriptorSets(VkDevice handle, uint32_t descriptorWriteCount,
                                                     const VkWriteDescriptorSet *pDescriptorWrites,
                                                     uint32_t descriptorCopyCount,
                                                     const VkCopyDescriptorSet *pDescriptorCopies)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_descriptor_writer writer;
   vp_descriptor_set_writer_init(&writer, device);
   for (uint32_t i = 0; i < descriptorWriteCount; i++) {
      const VkWriteDescriptorSet *write = &pDescriptorWrites[i];
      vp_descriptor_writer_add(&writer, VP_FROM_HANDLE(struct vp_descriptor_set, write->dstSet)->layout, write);
   }
   vp_descriptor_writer_flush(&writer);
   if (!descriptorCopyCount)
      return;
   const struct vp_cmd_vkUpdateDescriptorSets a = {
      .device = handle, .descriptorCopyCount = descriptorCopyCount, .pDescriptorCopies = pDescriptorCopies};
   vp_send_vkUpdateDescriptorSets(device->conn, &a);
}
