/* SPDX-License-Identifier: MIT */
#include "client/memory/resource.h"

#include "client/core/chain.h"

bool vp_resource_answer(struct vp_resource_kinds *kinds, const struct vp_resource *resource, unsigned plane,
                        VkMemoryRequirements2 *out)
{
   const struct vp_resource_kind *kind = resource->kind;
   pthread_mutex_lock(&kinds->lock);
   const bool known = kind->answers[plane].known;
   if (known) {
      out->memoryRequirements = kind->answers[plane].requirements;
      VkMemoryDedicatedRequirements *dedicated =
         vp_chain_find(out->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS);
      if (dedicated) {
         dedicated->prefersDedicatedAllocation = kind->answers[plane].prefers_dedicated;
         dedicated->requiresDedicatedAllocation = kind->answers[plane].requires_dedicated;
      }
   }
   pthread_mutex_unlock(&kinds->lock);
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
                          const VkMemoryRequirements2 *answer)
{
   const VkMemoryDedicatedRequirements *dedicated =
      vp_chain_find(answer->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS);
   struct vp_resource_kind *kind = resource->kind;
   pthread_mutex_lock(&kinds->lock);
   kind->made = true;
   kind->answers[plane].known = true;
   kind->answers[plane].requirements = answer->memoryRequirements;
   kind->answers[plane].prefers_dedicated = dedicated->prefersDedicatedAllocation;
   kind->answers[plane].requires_dedicated = dedicated->requiresDedicatedAllocation;
   pthread_mutex_unlock(&kinds->lock);
}

void vp_memory_requirements_copy(VkMemoryRequirements2 *out, const VkMemoryRequirements2 *answer)
{
   VkMemoryDedicatedRequirements *to = vp_chain_find(out->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS);
   const VkMemoryDedicatedRequirements *from =
      vp_chain_find(answer->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS);
   out->memoryRequirements = answer->memoryRequirements;
   if (to && from) {
      to->prefersDedicatedAllocation = from->prefersDedicatedAllocation;
      to->requiresDedicatedAllocation = from->requiresDedicatedAllocation;
   }
}
