/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_PIPELINE_H
#define VP_CLIENT_PIPELINE_PIPELINE_H

#include <stdbool.h>

#include "client/link/object.h"
#include "common/util/arena.h"
#include "common/wire/pipeline_flags.h"

struct VkPipelineInfosVP;
struct vp_connection;
struct vp_executables;
struct vp_object_table;

/* What a graphics pipeline that is linked from others must know of them. */
struct vp_pipeline_facts {
   VkGraphicsPipelineLibraryFlagsEXT subsets; /* of the state, that it has or has linked */

   /* With the pre-rasterization subset: */
   bool vertex_shader; /* else it has mesh shaders */
   bool discards;      /* there is never rasterization */

   /* With the fragment output subset: */
   VkImageAspectFlags aspects; /* of the attachments: colour, depth, stencil */
};

struct vp_pipeline {
   struct vp_object base;
   struct vp_pipeline_facts facts;
   bool told; /* the server says what it consists of when it has made it */

   /* Under the progress lock. */
   bool has_executables;               /* the server has said: */
   struct vp_executables *executables; /* NULL: it cannot say */
};

/* An EXECUTABLES frame. False when it makes no sense. */
bool vp_pipeline_receive_executables(struct vp_connection *conn, struct vp_pipeline *pipeline, const uint8_t *data,
                                     size_t size);

/* Gives a pipeline's id and memory back. NULL is fine. */
void vp_pipeline_free(struct vp_object_table *table, const VkAllocationCallbacks *allocator,
                      struct vp_pipeline *pipeline);

/* Makes all state that Vulkan lets be garbage absent, since the encoder follows
 * every pointer. The struct and its chain are copies; what else changes is
 * copied, too. False when there is no memory. */
bool vp_graphics_pipeline_clean(struct vp_arena *arena, VkGraphicsPipelineCreateInfo *info,
                                struct vp_pipeline_facts *facts);

/* Copies, for the server, the create-info that a chain consists of, if there is one. False without memory. */
bool vp_pipeline_copy_infos(struct vp_arena *arena, const void *chain, struct VkPipelineInfosVP *infos);

#endif
