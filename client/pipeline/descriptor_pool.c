/* SPDX-License-Identifier: MIT */

/* Counts sets and descriptors of each type against the pool's sizes. After sets were freed there may be room only in
 * pieces, so then fewer allocations are certain to succeed. */

#include "client/pipeline/descriptor_pool.h"

#include <string.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/pipeline/descriptor_set.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

/* Of sets and descriptors (and bytes of inline uniform blocks) together. */
#define HUGE_COUNT (UINT64_C(1) << 20)

/* --- accounting --- */

static struct vp_descriptor_counts taken(const struct vp_descriptor_set_layout *layout, uint32_t variable_count)
{
   struct vp_descriptor_counts counts = layout->counts;
   if (layout->variable)
      vp_descriptor_counts_add(&counts, layout->variable->type, variable_count);
   return counts;
}

bool vp_descriptor_pool_is_sure(const struct vp_descriptor_pool *pool, const VkDescriptorSetAllocateInfo *info)
{
   struct vp_descriptor_counts total = pool->used;
   if (pool->is_uncertain || (uint64_t)pool->set_count + info->descriptorSetCount > pool->max_sets)
      return false;
   for (uint32_t i = 0; i < info->descriptorSetCount; i++) {
      const struct vp_descriptor_set_layout *layout =
         VP_FROM_HANDLE(struct vp_descriptor_set_layout, info->pSetLayouts[i]);
      const struct vp_descriptor_counts counts = taken(layout, vp_descriptor_set_variable_count(info, i));
      if (!layout->is_countable)
         return false;
      /* Free space in pieces is enough only for more of the same. */
      if (pool->has_freed && (pool->is_mixed || memcmp(&counts, &pool->shape, sizeof(counts)) != 0))
         return false;
      for (unsigned kind = 0; kind < VP_DESCRIPTOR_KIND_COUNT; kind++)
         total.of[kind] += counts.of[kind];
   }
   for (unsigned kind = 0; kind < VP_DESCRIPTOR_KIND_COUNT; kind++) {
      if (total.of[kind] > pool->capacity.of[kind])
         return false;
   }
   return true;
}

void vp_descriptor_pool_add(struct vp_descriptor_pool *pool, struct vp_descriptor_set *set)
{
   const struct vp_descriptor_counts counts = taken(set->layout, set->variable_count);
   if (!pool->set_count && !pool->has_freed)
      pool->shape = counts;
   pool->is_mixed |= memcmp(&counts, &pool->shape, sizeof(counts)) != 0;
   pool->is_uncertain |= !set->layout->is_countable;
   for (unsigned kind = 0; kind < VP_DESCRIPTOR_KIND_COUNT; kind++)
      pool->used.of[kind] += counts.of[kind];
   pool->set_count++;
   set->next = pool->sets;
   if (set->next)
      set->next->prev = set;
   pool->sets = set;
}

void vp_descriptor_pool_remove(struct vp_descriptor_pool *pool, struct vp_descriptor_set *set)
{
   const struct vp_descriptor_counts counts = taken(set->layout, set->variable_count);
   for (unsigned kind = 0; kind < VP_DESCRIPTOR_KIND_COUNT; kind++)
      pool->used.of[kind] -= counts.of[kind];
   pool->set_count--;
   pool->has_freed = true;
   if (set->prev)
      set->prev->next = set->next;
   else
      pool->sets = set->next;
   if (set->next)
      set->next->prev = set->prev;
}

static void init_capacity(struct vp_descriptor_pool *pool, const VkDescriptorPoolCreateInfo *info)
{
   const VkDescriptorPoolInlineUniformBlockCreateInfo *blocks =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_INLINE_UNIFORM_BLOCK_CREATE_INFO);
   pool->max_sets = info->maxSets;
   if (blocks)
      pool->capacity.of[VP_DESCRIPTOR_INLINE_BLOCKS] = blocks->maxInlineUniformBlockBindings;
   for (uint32_t i = 0; i < info->poolSizeCount; i++)
      vp_descriptor_counts_add(&pool->capacity, info->pPoolSizes[i].type, info->pPoolSizes[i].descriptorCount);
}

/* Whether the driver might have no memory for it. */
static bool is_huge_pool(const struct vp_descriptor_pool *pool)
{
   uint64_t total = pool->max_sets;
   for (unsigned kind = 0; kind < VP_DESCRIPTOR_KIND_COUNT; kind++)
      total += pool->capacity.of[kind];
   return total > HUGE_COUNT;
}

/* --- lifetime --- */

void *vp_make_vkCreateDescriptorPool(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                     const VkDescriptorPoolCreateInfo *info)
{
   struct vp_descriptor_pool *pool =
      vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_DESCRIPTOR_POOL, sizeof(*pool));
   if (pool)
      init_capacity(pool, info);
   return pool;
}

VkResult vp_say_vkCreateDescriptorPool(struct vp_device *device, void *object, struct vp_cmd_vkCreateDescriptorPool *a)
{
   return vp_try_vkCreateDescriptorPool(device, is_huge_pool(object), a);
}

/* The sets are gone on the server already. */
static void destroy_sets(struct vp_device *device, struct vp_descriptor_pool *pool)
{
   while (pool->sets) {
      struct vp_descriptor_set *set = pool->sets;
      pool->sets = set->next;
      vp_descriptor_set_destroy(device, set);
   }
}

void vp_finish_vkDestroyDescriptorPool(struct vp_device *device, void *object)
{
   destroy_sets(device, object);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkResetDescriptorPool(VkDevice handle, VkDescriptorPool pool_handle,
                                                        VkDescriptorPoolResetFlags flags)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_descriptor_pool *pool = VP_FROM_HANDLE(struct vp_descriptor_pool, pool_handle);
   const struct vp_cmd_vkResetDescriptorPool a = {.device = handle, .descriptorPool = pool_handle, .flags = flags};
   const VkResult result = vp_send_vkResetDescriptorPool(device->conn, &a);
   if (result == VK_ERROR_OUT_OF_HOST_MEMORY)
      return result; /* it was not said, so the server still has the sets */
   destroy_sets(device, pool);
   pool->set_count = 0;
   pool->used = (struct vp_descriptor_counts){0};
   pool->has_freed = pool->is_uncertain = pool->is_mixed = false;
   return VK_SUCCESS; /* also where there is no server any more, since Vulkan knows no other result */
}
