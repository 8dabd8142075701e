/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_PIPELINE_H
#define VP_SERVER_PIPELINE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "server/pipeline/spirv.h"
#include "server/vp_dispatch.h"

struct vps_context;
struct vps_device;
struct vps_object;
struct vps_pipeline_kind;

/* Pipelines, or shaders without pipelines, that one command creates. What it points to is in the command's temporary
 * memory. */
struct vps_creation {
   const struct vps_pipeline_kind *kind;
   struct vps_device *device;
   uint32_t number; /* of the command */
   bool answered;   /* its reply tells of errors */
   union {
      struct vp_cmd_vkCreateGraphicsPipelines graphics;
      struct vp_cmd_vkCreateComputePipelines compute;
      struct vp_cmd_vkCreateRayTracingPipelinesKHR ray_tracing;
      struct vp_cmd_vkCreateRayTracingPipelinesNV ray_tracing_nv;
#ifdef VK_EXT_shader_object
      struct vp_cmd_vkCreateShadersEXT shaders;
#endif
   } command;
   uint32_t count;
   struct vps_object **objects; /* pending until they know what came of it */
   VkPipeline *handles;         /* the driver's, those of shaders in the form of these */
   VkResult result;
   bool strained; /* the device's reserve was given up */
};

/* Calls the driver and tells the client what it has to know. On any thread. */
void vps_creation_run(struct vps_creation *creation);

/* Tells the objects what came of it. On the executing thread. */
void vps_creation_finish(struct vps_context *ctx, const struct vps_creation *creation);

struct vps_parts;

/* One kind of what is created. */
struct vps_pipeline_kind {
   int32_t type; /* of the objects */
   VkResult (*create)(const struct vps_creation *creation);

   /* Of an object that is entered: what its shaders may write to. On the executing thread. */
   void (*note)(struct vps_context *ctx, const struct vps_creation *creation, uint32_t i);

   /* What a pipeline's create-info says; NULL: these are none. */
   struct vps_parts (*look)(const struct vps_creation *creation, uint32_t i);
};

/* Creates what the command asks for, whose new ids are given, or lets the maker do it. The id of what there is not
 * becomes null. Returns the command's result. */
VkResult vps_create(struct vps_context *ctx, struct vps_creation *creation, uint32_t count, VkPipeline *ids);

/* The state of a VkPipeline, where it is known. */
struct vps_pipeline {
   struct vps_stores stores;
   uint32_t groups;     /* of shaders, that can be bound by themselves */
   uint32_t ray_groups; /* of shaders that trace rays, with those of its libraries */
   uint32_t deferred;   /* stages that can be compiled later */
};

/* What the shaders of a pipeline may write to. */
const struct vps_stores *vps_pipeline_stores(const struct vps_object *pipeline);

#endif
