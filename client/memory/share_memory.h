/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MEMORY_SHARE_MEMORY_H
#define VP_CLIENT_MEMORY_SHARE_MEMORY_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

struct vp_device;
struct vp_device_memory;

/* Memory, buffers and images that are lent may be those of other processes, too. */

/* What an allocation imports; NULL: nothing. */
const VkImportMemoryFdInfoKHR *vp_memory_fd_of(const VkMemoryAllocateInfo *info);

/* Whether it is imported or to be exported. */
bool vp_memory_is_lent(const VkMemoryAllocateInfo *info);
bool vp_buffer_is_lent(const VkBufferCreateInfo *info);
bool vp_image_is_lent(const VkImageCreateInfo *info);

/* Waits for the import. The descriptor is closed when it succeeds. */
VkResult vp_memory_import_fd(struct vp_device_memory *memory, const VkMemoryAllocateInfo *info);

/* Leaves out the memory types that can be mapped where others will do, since what is lent cannot. */
void vp_memory_requirements_lend(const struct vp_device *device, VkMemoryRequirements *requirements);

#endif
