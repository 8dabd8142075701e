/* SPDX-License-Identifier: MIT */

/* Keeps memory requirements, and whether memory of its own is preferred or required, with a kind of resources: for the
 * whole and for each plane. */

#include "client/memory/resource.h"

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/memory/share_memory.h"

void vp_memory_requirements_fill(VkMemoryRequirements2 *out, const VkMemoryRequirements *requirements,
                                 const VkMemoryDedicatedRequirements *dedicated)
{
   VkMemoryDedicatedRequirements *to = vp_chain_find(out->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS);
   out->memoryRequirements = *requirements;
   if (to) {
      to->prefersDedicatedAllocation = dedicated->prefersDedicatedAllocation;
      to->requiresDedicatedAllocation = dedicated->requiresDedicatedAllocation;
   }
}

bool vp_resource_answer(struct vp_device *device, const struct vp_resource *resource, unsigned plane,
                        VkMemoryRequirements2 *out)
{
   const struct vp_resource_kind *kind = resource->kind;
   pthread_mutex_lock(&device->kinds.lock);
   const bool known = kind->answers[plane].known;
   if (known)
      vp_memory_requirements_fill(out, &kind->answers[plane].requirements, &kind->answers[plane].dedicated);
   pthread_mutex_unlock(&device->kinds.lock);
   if (known && resource->lent)
      vp_memory_requirements_lend(device, &out->memoryRequirements);
   return known;
}

bool vp_resource_is_made(struct vp_resource_kinds *kinds, const struct vp_resource *resource)
{
   pthread_mutex_lock(&kinds->lock);
   const bool made = resource->kind->made;
   pthread_mutex_unlock(&kinds->lock);
   return made;
}

void vp_resource_set_made(struct vp_resource_kinds *kinds, struct vp_resource *resource)
{
   pthread_mutex_lock(&kinds->lock);
   resource->kind->made = true;
   pthread_mutex_unlock(&kinds->lock);
}

void vp_resource_remember(struct vp_resource_kinds *kinds, struct vp_resource *resource, unsigned plane,
                          const VkMemoryRequirements *requirements, const VkMemoryDedicatedRequirements *dedicated)
{
   struct vp_resource_kind *kind = resource->kind;
   pthread_mutex_lock(&kinds->lock);
   kind->made = true;
   kind->answers[plane].known = true;
   kind->answers[plane].requirements = *requirements;
   kind->answers[plane].dedicated = *dedicated;
   pthread_mutex_unlock(&kinds->lock);
}

void vp_resource_say_bound(const void *chain, VkResult result)
{
#ifdef VK_KHR_maintenance6
   const VkBindMemoryStatusKHR *status = vp_chain_find(chain, VK_STRUCTURE_TYPE_BIND_MEMORY_STATUS_KHR);
   if (status)
      *status->pResult = result;
#else
   (void)chain;
   (void)result;
#endif
}
