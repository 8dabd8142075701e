/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_GENERATED_COMMANDS_H
#define VP_SERVER_PIPELINE_GENERATED_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

/* What is remembered of layouts and sets for commands that the GPU makes, as their states. NULL where there was no
 * memory for it. */

/* VkIndirectCommandsLayoutEXT */
struct vps_commands_layout {
   bool takes_set;     /* the commands choose among the pipelines or shaders of a set */
   bool takes_shaders; /* which has shaders */
};

/* VkIndirectExecutionSetEXT */
struct vps_execution_set {
   bool shaders; /* else pipelines: */
   uint32_t count;
};

/* VkIndirectCommandsLayoutNV */
struct vps_commands_layout_nv {
   VkPipelineBindPoint bind_point;
   bool chooses_pipeline; /* the commands do */
   uint32_t stream_count;
   uint32_t strides[];
};

#endif
