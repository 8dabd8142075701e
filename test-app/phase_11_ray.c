/* SPDX-License-Identifier: MIT */
/* Phase 11: ray tracing, by ray queries in a compute shader and by a ray tracing pipeline. Both draw a scene that the
 * host draws, too; only at edges may they differ. */

#include "test-app/phase_11_ray.h"

#include <stdlib.h>
#include <string.h>

#include "test-app/shaders.h"

struct ray_wishes {
   bool query;
   bool pipeline;
};

static void write_set(struct ray *r)
{
   const VkWriteDescriptorSetAccelerationStructureKHR structure = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_ACCELERATION_STRUCTURE_KHR,
      .accelerationStructureCount = 1,
      .pAccelerationStructures = &r->top.handle,
   };
   const VkDescriptorBufferInfo buffers[2] = {{r->picture.handle, 0, VK_WHOLE_SIZE},
                                              {r->tints.handle, 0, VK_WHOLE_SIZE}};
   const VkWriteDescriptorSet writes[2] = {
      {
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .pNext = &structure,
         .dstSet = r->set.set,
         .descriptorCount = 1,
         .descriptorType = VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR,
      },
      {
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstSet = r->set.set,
         .dstBinding = 1,
         .descriptorCount = 2, /* goes on with binding 2 */
         .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         .pBufferInfo = buffers,
      },
   };
   vkUpdateDescriptorSets(r->m->ctx.device, 2, writes, 0, NULL);
}

static bool ray_create(struct ray *r, const struct ray_wishes *wishes)
{
   static const VkDescriptorType types[3] = {VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR,
                                             VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER};
   if (!ray_structures_create(r) ||
       !app_buffer_create(&r->m->ctx, &r->picture, (VkDeviceSize)MODERN_PIXELS * 4, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                          APP_MEMORY_READBACK) ||
       !app_buffer_create(&r->m->ctx, &r->tints, sizeof(ray_tints), VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                          APP_MEMORY_UPLOAD) ||
       !modern_set_create(r->m, &r->set, types, 3,
                          VK_SHADER_STAGE_COMPUTE_BIT | (wishes->pipeline ? VK_SHADER_STAGE_RAYGEN_BIT_KHR : 0)))
      return false;
   memcpy(r->tints.map, ray_tints, sizeof(ray_tints));
   write_set(r);
   return true;
}

static void ray_destroy(struct ray *r)
{
   modern_set_destroy(r->m, &r->set);
   app_buffer_destroy(&r->m->ctx, &r->tints);
   app_buffer_destroy(&r->m->ctx, &r->picture);
   ray_structures_destroy(r);
}

static bool ray_trace_by_query(struct ray *r)
{
   VkPipeline pipeline = VK_NULL_HANDLE;
   bool good = modern_compute_pipeline(r->m, &shader_ray_query, r->set.layout, &pipeline);
   VkCommandBuffer commands = good ? app_commands_begin(&r->m->ctx) : VK_NULL_HANDLE;
   if (commands) {
      vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
      vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, r->set.layout, 0, 1, &r->set.set, 0, NULL);
      vkCmdDispatch(commands, MODERN_WIDTH / 8, MODERN_HEIGHT / 8, 1);
      app_cmd_barrier(commands);
   }
   good = app_commands_run(&r->m->ctx, commands);
   vkDestroyPipeline(r->m->ctx.device, pipeline, NULL);
   return good;
}

static void check_traced(struct ray *r, const char *name, const uint32_t *expected)
{
   const uint32_t *traced = r->picture.map;
   uint32_t wrong = 0;
   for (uint32_t i = 0; i < MODERN_PIXELS; i++)
      wrong += traced[i] != expected[i];
   CHECK(r->m->test, wrong <= MODERN_PIXELS / 100);
   modern_picture(r->m, name, r->picture.map);
}

static void trace(struct ray *r, const struct ray_wishes *wishes)
{
   uint32_t *expected = malloc((size_t)MODERN_PIXELS * 4);
   if (CHECK(r->m->test, expected != NULL) && ray_create(r, wishes)) {
      ray_draw_here(expected);
      if (wishes->query && ray_trace_by_query(r))
         check_traced(r, "ray-query", expected);
      memset(r->picture.map, 0, r->picture.size);
      if (wishes->pipeline && ray_trace_by_pipeline(r))
         check_traced(r, "ray-pipeline", expected);
   }
   ray_destroy(r);
   free(expected);
}

/* Notes what is left out; false where nothing is left. */
static bool ray_wishes(struct modern *m, struct ray_wishes *wishes)
{
   VkPhysicalDeviceRayTracingPipelineFeaturesKHR pipeline = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_RAY_TRACING_PIPELINE_FEATURES_KHR,
   };
   VkPhysicalDeviceRayQueryFeaturesKHR query = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_RAY_QUERY_FEATURES_KHR};
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
   void **next = &features.pNext;
   if (modern_extension(m, VK_KHR_RAY_QUERY_EXTENSION_NAME)) {
      *next = &query;
      next = &query.pNext;
   }
   if (modern_extension(m, VK_KHR_RAY_TRACING_PIPELINE_EXTENSION_NAME))
      *next = &pipeline;
   vkGetPhysicalDeviceFeatures2(m->ctx.physical, &features);
   *wishes = (struct ray_wishes){query.rayQuery, pipeline.rayTracingPipeline};
   if (!wishes->query && !wishes->pipeline)
      return modern_skip(m, "the GPU has neither rayQuery nor rayTracingPipeline");
   if (!wishes->query || !wishes->pipeline)
      app_note(m->test, "%s: the GPU does not have %s", m->part, wishes->query ? "rayTracingPipeline" : "rayQuery");
   return true;
}

static bool ray_create_device(struct modern *m, const struct ray_wishes *wishes)
{
   const char *extensions[4] = {VK_KHR_ACCELERATION_STRUCTURE_EXTENSION_NAME,
                                VK_KHR_DEFERRED_HOST_OPERATIONS_EXTENSION_NAME};
   uint32_t count = 2;
   VkPhysicalDeviceRayTracingPipelineFeaturesKHR pipeline = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_RAY_TRACING_PIPELINE_FEATURES_KHR,
      .rayTracingPipeline = VK_TRUE,
   };
   VkPhysicalDeviceRayQueryFeaturesKHR query = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_RAY_QUERY_FEATURES_KHR,
      .rayQuery = VK_TRUE,
   };
   VkPhysicalDeviceBufferDeviceAddressFeatures address = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES,
      .bufferDeviceAddress = VK_TRUE,
   };
   VkPhysicalDeviceAccelerationStructureFeaturesKHR structure = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ACCELERATION_STRUCTURE_FEATURES_KHR,
      .pNext = &address,
      .accelerationStructure = VK_TRUE,
   };
   const VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &structure, {0}};
   if (wishes->query) {
      extensions[count++] = VK_KHR_RAY_QUERY_EXTENSION_NAME;
      query.pNext = address.pNext;
      address.pNext = &query;
   }
   if (wishes->pipeline) {
      extensions[count++] = VK_KHR_RAY_TRACING_PIPELINE_EXTENSION_NAME;
      pipeline.pNext = address.pNext;
      address.pNext = &pipeline;
   }
   return app_context_create_device(&m->ctx, &features, extensions, count);
}

bool modern_ray_tracing(struct modern *m)
{
   static const char *const extensions[] = {VK_KHR_ACCELERATION_STRUCTURE_EXTENSION_NAME,
                                            VK_KHR_DEFERRED_HOST_OPERATIONS_EXTENSION_NAME};
   VkPhysicalDeviceBufferDeviceAddressFeatures address = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES,
   };
   VkPhysicalDeviceAccelerationStructureFeaturesKHR structure = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ACCELERATION_STRUCTURE_FEATURES_KHR,
      .pNext = &address,
   };
   VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &structure, {0}};
   VkPhysicalDeviceAccelerationStructurePropertiesKHR limits = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ACCELERATION_STRUCTURE_PROPERTIES_KHR,
   };
   VkPhysicalDeviceProperties2 properties = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &limits, {0}};
   struct ray_wishes wishes;
   if (!modern_has_extensions(m, extensions, APP_COUNT(extensions)))
      return false;
   vkGetPhysicalDeviceFeatures2(m->ctx.physical, &features);
   vkGetPhysicalDeviceProperties2(m->ctx.physical, &properties);
   if (!modern_has_feature(m, "accelerationStructure", structure.accelerationStructure) ||
       !modern_has_feature(m, "bufferDeviceAddress", address.bufferDeviceAddress) || !ray_wishes(m, &wishes))
      return false;
   struct ray r = {.m = m, .scratch_alignment = limits.minAccelerationStructureScratchOffsetAlignment};
   if (CHECK(m->test, r.scratch_alignment > 0 && r.scratch_alignment <= 65536) && ray_create_device(m, &wishes))
      trace(&r, &wishes);
   return true;
}
