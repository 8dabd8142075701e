/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_EXECUTABLES_H
#define VP_SERVER_PIPELINE_EXECUTABLES_H

#include <vulkan/vulkan.h>

struct vps_device;

/* Tells the client what a pipeline consists of, if it was created with these flags because somebody wants to know. */
void vps_executables_tell(const struct vps_device *device, uint64_t id, VkPipeline pipeline,
                          VkPipelineCreateFlags flags, const void *chain);

#endif
