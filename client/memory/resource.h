/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MEMORY_RESOURCE_H
#define VP_CLIENT_MEMORY_RESOURCE_H

#include "client/core/resource_kind.h"
#include "client/link/object.h"

/* A VkBuffer or VkImage. */
struct vp_resource {
   struct vp_object base;
   struct vp_resource_kind *kind;
   bool hidden; /* bound to memory that the host cannot map */
   bool lent;   /* made for memory that other processes may have, too */
};

struct vp_image {
   struct vp_resource resource;
   VkFormat format;
   VkImageUsageFlags usage;
   uint32_t layers;
};

struct vp_device;

/* The kind of images that are created in this way; NULL without memory. */
struct vp_resource_kind *vp_image_kind(struct vp_device *device, const VkImageCreateInfo *info);

/* Fills the answer from the kind. False when it is not known yet. */
bool vp_resource_answer(struct vp_device *device, const struct vp_resource *resource, unsigned plane,
                        VkMemoryRequirements2 *out);

/* Fills the requirements and, where its chain has them, the dedicated ones. */
void vp_memory_requirements_fill(VkMemoryRequirements2 *out, const VkMemoryRequirements *requirements,
                                 const VkMemoryDedicatedRequirements *dedicated);

/* Whether the server could create one of that kind. */
bool vp_resource_is_made(struct vp_resource_kinds *kinds, const struct vp_resource *resource);
void vp_resource_set_made(struct vp_resource_kinds *kinds, struct vp_resource *resource);

void vp_resource_remember(struct vp_resource_kinds *kinds, struct vp_resource *resource, unsigned plane,
                          const VkMemoryRequirements *requirements, const VkMemoryDedicatedRequirements *dedicated);

/* Writes the result of binding where the chain of a binding wants it. */
void vp_resource_say_bound(const void *chain, VkResult result);

/* --- images of swapchains, which lie above: client/wsi/swapchain.c --- */

/* What an image is created with on the server: when it is to be bound to the memory of a swapchain, as the images of
 * swapchains are. */
VkImageCreateInfo vp_swapchain_like(const VkImageCreateInfo *info);

/* The memory of an image. */
VkDeviceMemory vp_swapchain_memory(VkSwapchainKHR swapchain, uint32_t index);

#endif
