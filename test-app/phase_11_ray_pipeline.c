/* SPDX-License-Identifier: MIT */
/* Phase 11: a ray tracing pipeline and its shader binding table, whose records hold the colours of the instances. */

#include <string.h>

#include "test-app/phase_11_ray.h"
#include "test-app/shaders.h"

enum { GENERATE, SKY, LIT, SOLID, GROUND, GROUPS };

#define MAX_HANDLE 128 /* Vulkan says 32 */

struct ray_table {
   struct app_buffer buffer;
   VkStridedDeviceAddressRegionKHR generate, miss, hit;
};

static bool ray_pipeline_create(struct ray *r, VkPipeline *pipeline)
{
   static const struct {
      const struct app_shader *shader;
      VkShaderStageFlagBits stage;
   } sources[GROUPS] = {
      [GENERATE] = {&shader_ray_rgen, VK_SHADER_STAGE_RAYGEN_BIT_KHR},
      [SKY] = {&shader_ray_sky, VK_SHADER_STAGE_MISS_BIT_KHR},
      [LIT] = {&shader_ray_lit, VK_SHADER_STAGE_MISS_BIT_KHR},
      [SOLID] = {&shader_ray_solid, VK_SHADER_STAGE_CLOSEST_HIT_BIT_KHR},
      [GROUND] = {&shader_ray_ground, VK_SHADER_STAGE_CLOSEST_HIT_BIT_KHR},
   };
   PFN_vkCreateRayTracingPipelinesKHR create = MODERN_LOAD(r->m, vkCreateRayTracingPipelinesKHR);
   VkPipelineShaderStageCreateInfo stages[GROUPS];
   VkRayTracingShaderGroupCreateInfoKHR groups[GROUPS];
   const VkRayTracingPipelineCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_RAY_TRACING_PIPELINE_CREATE_INFO_KHR,
      .stageCount = GROUPS,
      .pStages = stages,
      .groupCount = GROUPS,
      .pGroups = groups,
      .maxPipelineRayRecursionDepth = 1,
      .layout = r->set.layout,
   };
   bool good = create != NULL;
   for (uint32_t i = 0; i < GROUPS; i++) {
      const bool hit = sources[i].stage == VK_SHADER_STAGE_CLOSEST_HIT_BIT_KHR;
      stages[i] = (VkPipelineShaderStageCreateInfo){
         .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = sources[i].stage,
         .module = app_shader_module(&r->m->ctx, sources[i].shader),
         .pName = "main",
      };
      groups[i] = (VkRayTracingShaderGroupCreateInfoKHR){
         .sType = VK_STRUCTURE_TYPE_RAY_TRACING_SHADER_GROUP_CREATE_INFO_KHR,
         .type = hit ? VK_RAY_TRACING_SHADER_GROUP_TYPE_TRIANGLES_HIT_GROUP_KHR
                     : VK_RAY_TRACING_SHADER_GROUP_TYPE_GENERAL_KHR,
         .generalShader = hit ? VK_SHADER_UNUSED_KHR : i,
         .closestHitShader = hit ? i : VK_SHADER_UNUSED_KHR,
         .anyHitShader = VK_SHADER_UNUSED_KHR,
         .intersectionShader = VK_SHADER_UNUSED_KHR,
      };
      good &= stages[i].module != VK_NULL_HANDLE;
   }
   good =
      good && VK_CHECK(r->m->test, create(r->m->ctx.device, VK_NULL_HANDLE, VK_NULL_HANDLE, 1, &info, NULL, pipeline));
   for (uint32_t i = 0; i < GROUPS; i++)
      vkDestroyShaderModule(r->m->ctx.device, stages[i].module, NULL);
   return good;
}

static VkDeviceSize round_up(VkDeviceSize size, VkDeviceSize step)
{
   return (size + step - 1) / step * step;
}

/* A region of records of this size behind `at`, which is moved behind it. */
static VkStridedDeviceAddressRegionKHR region(VkDeviceAddress *at, VkDeviceSize alignment, VkDeviceSize stride,
                                              uint32_t count)
{
   const VkStridedDeviceAddressRegionKHR found = {round_up(*at, alignment), stride, stride * count};
   *at = found.deviceAddress + found.size;
   return found;
}

static bool ray_table_create(struct ray *r, VkPipeline pipeline, struct ray_table *table)
{
   PFN_vkGetRayTracingShaderGroupHandlesKHR get_handles = MODERN_LOAD(r->m, vkGetRayTracingShaderGroupHandlesKHR);
   VkPhysicalDeviceRayTracingPipelinePropertiesKHR p = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_RAY_TRACING_PIPELINE_PROPERTIES_KHR,
   };
   VkPhysicalDeviceProperties2 properties = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &p, {0}};
   uint8_t handles[GROUPS * MAX_HANDLE];
   vkGetPhysicalDeviceProperties2(r->m->ctx.physical, &properties);
   const VkDeviceSize size = p.shaderGroupHandleSize;
   const VkDeviceSize plain = round_up(size, p.shaderGroupHandleAlignment);
   const VkDeviceSize with_tint = round_up(size + sizeof(uint32_t), p.shaderGroupHandleAlignment);
   const VkDeviceSize base = p.shaderGroupBaseAlignment;
   if (!CHECK(r->m->test, get_handles && size <= MAX_HANDLE && base <= 65536) ||
       !app_buffer_create(&r->m->ctx, &table->buffer, 4 * base + 3 * plain + RAY_INSTANCES * with_tint,
                          VK_BUFFER_USAGE_SHADER_BINDING_TABLE_BIT_KHR | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
                          APP_MEMORY_UPLOAD) ||
       !VK_CHECK(r->m->test, get_handles(r->m->ctx.device, pipeline, 0, GROUPS, GROUPS * size, handles)))
      return false;
   const VkDeviceAddress start = ray_address(r, &table->buffer);
   VkDeviceAddress at = start;
   uint8_t *map = table->buffer.map;
   table->generate = region(&at, base, plain, 1);
   table->miss = region(&at, base, plain, 2);
   table->hit = region(&at, base, with_tint, RAY_INSTANCES);
   memcpy(map + (table->generate.deviceAddress - start), handles + GENERATE * size, size);
   memcpy(map + (table->miss.deviceAddress - start), handles + SKY * size, size);
   memcpy(map + (table->miss.deviceAddress - start) + plain, handles + LIT * size, size);
   for (uint32_t i = 0; i < RAY_INSTANCES; i++) {
      uint8_t *record = map + (table->hit.deviceAddress - start) + i * with_tint;
      memcpy(record, handles + (i == 0 ? GROUND : SOLID) * size, size);
      memcpy(record + size, &ray_tints[i], sizeof(ray_tints[i]));
   }
   return true;
}

bool ray_trace_by_pipeline(struct ray *r)
{
   PFN_vkCmdTraceRaysKHR trace = MODERN_LOAD(r->m, vkCmdTraceRaysKHR);
   const VkStridedDeviceAddressRegionKHR none = {0};
   struct ray_table table = {0};
   VkPipeline pipeline = VK_NULL_HANDLE;
   bool good = trace && ray_pipeline_create(r, &pipeline) && ray_table_create(r, pipeline, &table);
   VkCommandBuffer commands = good ? app_commands_begin(&r->m->ctx) : VK_NULL_HANDLE;
   if (commands) {
      vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_RAY_TRACING_KHR, pipeline);
      vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_RAY_TRACING_KHR, r->set.layout, 0, 1, &r->set.set, 0,
                              NULL);
      trace(commands, &table.generate, &table.miss, &table.hit, &none, MODERN_WIDTH, MODERN_HEIGHT, 1);
      app_cmd_barrier(commands);
   }
   good = app_commands_run(&r->m->ctx, commands);
   vkDestroyPipeline(r->m->ctx.device, pipeline, NULL);
   app_buffer_destroy(&r->m->ctx, &table.buffer);
   return good;
}
