/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_SHADER_OBJECT_H
#define VP_SERVER_PIPELINE_SHADER_OBJECT_H

#include <vulkan/vulkan.h>

#include "server/pipeline/spirv.h"

/* Stages of shaders without pipelines have the bits below this one. */
#define VPS_SHADER_STAGES 8u

/* The state of a VkShaderEXT. */
struct vps_shader {
   VkShaderStageFlags stage;
   struct vps_stores stores;
};

#endif
