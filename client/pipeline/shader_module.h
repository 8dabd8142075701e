/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_SHADER_MODULE_H
#define VP_CLIENT_PIPELINE_SHADER_MODULE_H

#include <stdbool.h>

#include "client/link/object.h"
#include "common/util/arena.h"

struct vp_shader_module {
   struct vp_object base;
   size_t count;            /* words: */
   uint32_t entry_points[]; /* see common/wire/spirv.h; none of a module that is malformed */
};

/* Whether nothing is wrong with the stage that can be seen at a glance: its shader is well-formed and has the entry
 * point, and its constants lie in their data. Otherwise the driver is likely to refuse it. The arena is for temporary
 * memory. */
bool vp_shader_stage_is_sound(struct vp_arena *arena, const VkPipelineShaderStageCreateInfo *stage);

/* Whether SPIR-V of `size` bytes is well-formed and has this entry point for the stage. */
bool vp_shader_code_is_sound(struct vp_arena *arena, const void *code, size_t size, VkShaderStageFlagBits stage,
                             const char *name);

/* Whether the constants lie in their data. NULL is fine. */
bool vp_specialization_is_sound(const VkSpecializationInfo *info);

#endif
