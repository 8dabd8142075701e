/* SPDX-License-Identifier: MIT */
/* Phase 11: acceleration structures, built by the GPU out of buffers. Those of the objects are made smaller afterwards,
 * by a copy of the size that the GPU says. */

#include <string.h>

#include "test-app/phase_11_ray.h"

#define BUILD_INPUT \
   (VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_BUILD_INPUT_READ_ONLY_BIT_KHR | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT)

VkDeviceAddress ray_address(struct ray *r, const struct app_buffer *buffer)
{
   const VkBufferDeviceAddressInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
      .buffer = buffer->handle,
   };
   return vkGetBufferDeviceAddress(r->m->ctx.device, &info);
}

static bool input_create(struct ray *r, struct app_buffer *buffer, const void *data, size_t size)
{
   if (!app_buffer_create(&r->m->ctx, buffer, size, BUILD_INPUT, APP_MEMORY_UPLOAD))
      return false;
   memcpy(buffer->map, data, size);
   return true;
}

static bool structure_create(struct ray *r, struct ray_structure *s, VkAccelerationStructureTypeKHR type,
                             VkDeviceSize size)
{
   VkAccelerationStructureCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_CREATE_INFO_KHR,
      .size = size,
      .type = type,
   };
   VkAccelerationStructureDeviceAddressInfoKHR address = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_DEVICE_ADDRESS_INFO_KHR,
   };
   if (!app_buffer_create(&r->m->ctx, &s->buffer, size,
                          VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_STORAGE_BIT_KHR |
                             VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
                          APP_MEMORY_DEVICE))
      return false;
   info.buffer = s->buffer.handle;
   if (!VK_CHECK(r->m->test, r->create(r->m->ctx.device, &info, NULL, &s->handle)))
      return false;
   address.accelerationStructure = s->handle;
   s->address = r->get_address(r->m->ctx.device, &address);
   return CHECK(r->m->test, s->address != 0);
}

static void structure_destroy(struct ray *r, struct ray_structure *s)
{
   if (s->handle)
      r->destroy(r->m->ctx.device, s->handle, NULL);
   app_buffer_destroy(&r->m->ctx, &s->buffer);
   *s = (struct ray_structure){0};
}

static bool structure_build(struct ray *r, struct ray_structure *s, VkAccelerationStructureTypeKHR type,
                            const VkAccelerationStructureGeometryKHR *geometry, uint32_t primitives)
{
   VkAccelerationStructureBuildGeometryInfoKHR build = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_BUILD_GEOMETRY_INFO_KHR,
      .type = type,
      .flags = VK_BUILD_ACCELERATION_STRUCTURE_ALLOW_COMPACTION_BIT_KHR,
      .mode = VK_BUILD_ACCELERATION_STRUCTURE_MODE_BUILD_KHR,
      .geometryCount = 1,
      .pGeometries = geometry,
   };
   VkAccelerationStructureBuildSizesInfoKHR sizes = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_BUILD_SIZES_INFO_KHR,
   };
   const VkAccelerationStructureBuildRangeInfoKHR range = {.primitiveCount = primitives};
   const VkAccelerationStructureBuildRangeInfoKHR *ranges = &range;
   struct app_buffer scratch = {0};
   r->get_sizes(r->m->ctx.device, VK_ACCELERATION_STRUCTURE_BUILD_TYPE_DEVICE_KHR, &build, &primitives, &sizes);
   bool good = CHECK(r->m->test, sizes.accelerationStructureSize > 0) &&
               structure_create(r, s, type, sizes.accelerationStructureSize) &&
               app_buffer_create(&r->m->ctx, &scratch, sizes.buildScratchSize + r->scratch_alignment,
                                 VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
                                 APP_MEMORY_DEVICE);
   VkCommandBuffer commands = good ? app_commands_begin(&r->m->ctx) : VK_NULL_HANDLE;
   if (commands) {
      const VkDeviceAddress at = ray_address(r, &scratch) + r->scratch_alignment - 1;
      build.dstAccelerationStructure = s->handle;
      build.scratchData.deviceAddress = at - at % r->scratch_alignment;
      r->cmd_build(commands, 1, &build, &ranges);
      app_cmd_barrier(commands);
   }
   good = app_commands_run(&r->m->ctx, commands);
   app_buffer_destroy(&r->m->ctx, &scratch);
   return good;
}

static bool compact_size(struct ray *r, const struct ray_structure *s, VkDeviceSize *size)
{
   const VkQueryPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
      .queryType = VK_QUERY_TYPE_ACCELERATION_STRUCTURE_COMPACTED_SIZE_KHR,
      .queryCount = 1,
   };
   VkQueryPool pool = VK_NULL_HANDLE;
   bool good = VK_CHECK(r->m->test, vkCreateQueryPool(r->m->ctx.device, &info, NULL, &pool));
   VkCommandBuffer commands = good ? app_commands_begin(&r->m->ctx) : VK_NULL_HANDLE;
   if (commands) {
      vkCmdResetQueryPool(commands, pool, 0, 1);
      r->cmd_write(commands, 1, &s->handle, info.queryType, pool, 0);
   }
   good = app_commands_run(&r->m->ctx, commands) &&
          VK_CHECK(r->m->test, vkGetQueryPoolResults(r->m->ctx.device, pool, 0, 1, sizeof(*size), size, sizeof(*size),
                                                     VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT));
   vkDestroyQueryPool(r->m->ctx.device, pool, NULL);
   return good && CHECK(r->m->test, *size > 0 && *size <= s->buffer.size);
}

/* Replaces a structure by a copy that is no larger than it has to be. */
static bool structure_compact(struct ray *r, struct ray_structure *s)
{
   VkCopyAccelerationStructureInfoKHR copy = {
      .sType = VK_STRUCTURE_TYPE_COPY_ACCELERATION_STRUCTURE_INFO_KHR,
      .src = s->handle,
      .mode = VK_COPY_ACCELERATION_STRUCTURE_MODE_COMPACT_KHR,
   };
   struct ray_structure small = {0};
   VkDeviceSize size = 0;
   bool good =
      compact_size(r, s, &size) && structure_create(r, &small, VK_ACCELERATION_STRUCTURE_TYPE_BOTTOM_LEVEL_KHR, size);
   VkCommandBuffer commands = good ? app_commands_begin(&r->m->ctx) : VK_NULL_HANDLE;
   if (commands) {
      copy.dst = small.handle;
      r->cmd_copy(commands, &copy);
      app_cmd_barrier(commands);
   }
   good = app_commands_run(&r->m->ctx, commands);
   structure_destroy(r, s);
   *s = small;
   return good;
}

static bool bottom_create(struct ray *r, struct ray_structure *s, const struct app_buffer *vertices,
                          uint32_t vertex_count, const struct app_buffer *indices, uint32_t triangles)
{
   const VkAccelerationStructureGeometryKHR geometry = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_GEOMETRY_KHR,
      .geometryType = VK_GEOMETRY_TYPE_TRIANGLES_KHR,
      .geometry.triangles =
         {
            .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_GEOMETRY_TRIANGLES_DATA_KHR,
            .vertexFormat = VK_FORMAT_R32G32B32_SFLOAT,
            .vertexData.deviceAddress = ray_address(r, vertices),
            .vertexStride = 3 * sizeof(float),
            .maxVertex = vertex_count - 1,
            .indexType = VK_INDEX_TYPE_UINT16,
            .indexData.deviceAddress = ray_address(r, indices),
         },
      .flags = VK_GEOMETRY_OPAQUE_BIT_KHR,
   };
   return structure_build(r, s, VK_ACCELERATION_STRUCTURE_TYPE_BOTTOM_LEVEL_KHR, &geometry, triangles) &&
          structure_compact(r, s);
}

static bool top_create(struct ray *r)
{
   VkAccelerationStructureInstanceKHR instances[RAY_INSTANCES];
   VkAccelerationStructureGeometryKHR geometry = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_GEOMETRY_KHR,
      .geometryType = VK_GEOMETRY_TYPE_INSTANCES_KHR,
      .geometry.instances = {.sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_GEOMETRY_INSTANCES_DATA_KHR},
   };
   for (uint32_t i = 0; i < RAY_INSTANCES; i++) {
      instances[i] = (VkAccelerationStructureInstanceKHR){
         .instanceCustomIndex = i,
         .mask = ray_mask(i),
         .instanceShaderBindingTableRecordOffset = i,
         .flags = VK_GEOMETRY_INSTANCE_TRIANGLE_FACING_CULL_DISABLE_BIT_KHR,
         .accelerationStructureReference = r->bottoms[i > 0].address,
      };
      ray_transform(i, instances[i].transform.matrix);
   }
   if (!input_create(r, &r->instances, instances, sizeof(instances)))
      return false;
   geometry.geometry.instances.data.deviceAddress = ray_address(r, &r->instances);
   return structure_build(r, &r->top, VK_ACCELERATION_STRUCTURE_TYPE_TOP_LEVEL_KHR, &geometry, RAY_INSTANCES);
}

static bool load_functions(struct ray *r)
{
   r->create = MODERN_LOAD(r->m, vkCreateAccelerationStructureKHR);
   r->destroy = MODERN_LOAD(r->m, vkDestroyAccelerationStructureKHR);
   r->get_sizes = MODERN_LOAD(r->m, vkGetAccelerationStructureBuildSizesKHR);
   r->get_address = MODERN_LOAD(r->m, vkGetAccelerationStructureDeviceAddressKHR);
   r->cmd_build = MODERN_LOAD(r->m, vkCmdBuildAccelerationStructuresKHR);
   r->cmd_write = MODERN_LOAD(r->m, vkCmdWriteAccelerationStructuresPropertiesKHR);
   r->cmd_copy = MODERN_LOAD(r->m, vkCmdCopyAccelerationStructureKHR);
   return r->create && r->destroy && r->get_sizes && r->get_address && r->cmd_build && r->cmd_write && r->cmd_copy;
}

bool ray_structures_create(struct ray *r)
{
   return load_functions(r) && input_create(r, &r->ground, ray_ground_vertices, sizeof(ray_ground_vertices)) &&
          input_create(r, &r->ground_indices, ray_ground_indices, sizeof(ray_ground_indices)) &&
          input_create(r, &r->solid, ray_solid_vertices, sizeof(ray_solid_vertices)) &&
          input_create(r, &r->solid_indices, ray_solid_indices, sizeof(ray_solid_indices)) &&
          bottom_create(r, &r->bottoms[0], &r->ground, RAY_GROUND_VERTICES, &r->ground_indices, RAY_GROUND_TRIANGLES) &&
          bottom_create(r, &r->bottoms[1], &r->solid, RAY_SOLID_VERTICES, &r->solid_indices, RAY_SOLID_TRIANGLES) &&
          top_create(r);
}

void ray_structures_destroy(struct ray *r)
{
   structure_destroy(r, &r->top);
   structure_destroy(r, &r->bottoms[1]);
   structure_destroy(r, &r->bottoms[0]);
   app_buffer_destroy(&r->m->ctx, &r->instances);
   app_buffer_destroy(&r->m->ctx, &r->solid_indices);
   app_buffer_destroy(&r->m->ctx, &r->solid);
   app_buffer_destroy(&r->m->ctx, &r->ground_indices);
   app_buffer_destroy(&r->m->ctx, &r->ground);
}
