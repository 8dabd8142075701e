/* SPDX-License-Identifier: MIT */
/* NVIDIA's first ray tracing: structures that are built, copied and asked for their size. And optical flow: images
 * whose flow the GPU's own processor finds, which is none between two equal ones. */
#include "tests/e2e/extensions/part.h"

/* --- acceleration structures --- */

struct structure {
   VkAccelerationStructureNV handle;
   VkDeviceMemory memory;
};

static VkMemoryRequirements requirements_of(const struct gpu *gpu, VkAccelerationStructureNV handle,
                                            VkAccelerationStructureMemoryRequirementsTypeNV type)
{
   GET(gpu, GetAccelerationStructureMemoryRequirementsNV);
   const VkAccelerationStructureMemoryRequirementsInfoNV info = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_MEMORY_REQUIREMENTS_INFO_NV,
      .type = type,
      .accelerationStructure = handle};
   VkMemoryRequirements2 requirements = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
   GetAccelerationStructureMemoryRequirementsNV(gpu->device, &info, &requirements);
   return requirements.memoryRequirements;
}

static struct structure create_structure(const struct gpu *gpu, const VkAccelerationStructureInfoNV *info)
{
   GET(gpu, CreateAccelerationStructureNV);
   GET(gpu, BindAccelerationStructureMemoryNV);
   const VkAccelerationStructureCreateInfoNV create = {.sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_CREATE_INFO_NV,
                                                       .info = *info};
   struct structure structure;
   OK(CreateAccelerationStructureNV(gpu->device, &create, NULL, &structure.handle));
   const VkMemoryRequirements requirements =
      requirements_of(gpu, structure.handle, VK_ACCELERATION_STRUCTURE_MEMORY_REQUIREMENTS_TYPE_OBJECT_NV);
   structure.memory = part_allocate(gpu, &requirements);
   const VkBindAccelerationStructureMemoryInfoNV bind = {
      .sType = VK_STRUCTURE_TYPE_BIND_ACCELERATION_STRUCTURE_MEMORY_INFO_NV,
      .accelerationStructure = structure.handle,
      .memory = structure.memory};
   OK(BindAccelerationStructureMemoryNV(gpu->device, 1, &bind));
   return structure;
}

static void destroy_structure(const struct gpu *gpu, const struct structure *structure)
{
   GET(gpu, DestroyAccelerationStructureNV);
   DestroyAccelerationStructureNV(gpu->device, structure->handle, NULL);
   vkFreeMemory(gpu->device, structure->memory, NULL);
}

static uint64_t handle_of(const struct gpu *gpu, const struct structure *structure)
{
   GET(gpu, GetAccelerationStructureHandleNV);
   uint64_t handle = 0;
   OK(GetAccelerationStructureHandleNV(gpu->device, structure->handle, sizeof(handle), &handle));
   NEED(handle);
   return handle;
}

/* Builds a structure and writes its compacted size to a query. */
static void build(const struct gpu *gpu, const struct structure *structure, const VkAccelerationStructureInfoNV *info,
                  VkBuffer instances, VkQueryPool query)
{
   GET(gpu, CmdBuildAccelerationStructureNV);
   GET(gpu, CmdWriteAccelerationStructuresPropertiesNV);
   const VkMemoryRequirements needed =
      requirements_of(gpu, structure->handle, VK_ACCELERATION_STRUCTURE_MEMORY_REQUIREMENTS_TYPE_BUILD_SCRATCH_NV);
   const struct gpu_buffer scratch = gpu_map_addressed(gpu, needed.size, VK_BUFFER_USAGE_RAY_TRACING_BIT_NV, NULL);
   VkCommandPool pool;
   VkCommandBuffer commands = gpu_create_commands(gpu, &pool);
   gpu_begin(commands);
   vkCmdResetQueryPool(commands, query, 0, 1);
   CmdBuildAccelerationStructureNV(commands, info, instances, 0, VK_FALSE, structure->handle, VK_NULL_HANDLE,
                                   scratch.handle, 0);
   gpu_barrier(commands);
   CmdWriteAccelerationStructuresPropertiesNV(commands, 1, &structure->handle,
                                              VK_QUERY_TYPE_ACCELERATION_STRUCTURE_COMPACTED_SIZE_NV, query, 0);
   gpu_run(gpu, commands);
   vkDestroyCommandPool(gpu->device, pool, NULL);
   gpu_free_buffer(gpu, &scratch);
}

static void copy_structure(const struct gpu *gpu, const struct structure *from, const struct structure *to)
{
   GET(gpu, CmdCopyAccelerationStructureNV);
   VkCommandPool pool;
   VkCommandBuffer commands = gpu_create_commands(gpu, &pool);
   gpu_begin(commands);
   CmdCopyAccelerationStructureNV(commands, to->handle, from->handle, VK_COPY_ACCELERATION_STRUCTURE_MODE_CLONE_KHR);
   gpu_run(gpu, commands);
   vkDestroyCommandPool(gpu->device, pool, NULL);
}

static void run_rays(struct gpu *gpu)
{
   static const float corners[9] = {0, 0, 0, 1, 0, 0, 0, 1, 0};
   const struct gpu_buffer vertices = gpu_map_addressed(gpu, sizeof(corners), VK_BUFFER_USAGE_RAY_TRACING_BIT_NV, NULL);
   const VkQueryPoolCreateInfo query_info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                             .queryType = VK_QUERY_TYPE_ACCELERATION_STRUCTURE_COMPACTED_SIZE_NV,
                                             .queryCount = 1};
   memcpy(vertices.data, corners, sizeof(corners));
   const VkGeometryNV geometry = {.sType = VK_STRUCTURE_TYPE_GEOMETRY_NV,
                                  .geometryType = VK_GEOMETRY_TYPE_TRIANGLES_KHR,
                                  .geometry = {.triangles = {.sType = VK_STRUCTURE_TYPE_GEOMETRY_TRIANGLES_NV,
                                                             .vertexData = vertices.handle,
                                                             .vertexCount = 3,
                                                             .vertexStride = 12,
                                                             .vertexFormat = VK_FORMAT_R32G32B32_SFLOAT,
                                                             .indexType = VK_INDEX_TYPE_NONE_KHR},
                                               .aabbs = {.sType = VK_STRUCTURE_TYPE_GEOMETRY_AABB_NV}}};
   const VkAccelerationStructureInfoNV info = {.sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_INFO_NV,
                                               .type = VK_ACCELERATION_STRUCTURE_TYPE_BOTTOM_LEVEL_KHR,
                                               .flags = VK_BUILD_ACCELERATION_STRUCTURE_ALLOW_COMPACTION_BIT_KHR,
                                               .geometryCount = 1,
                                               .pGeometries = &geometry};
   const struct structure first = create_structure(gpu, &info), second = create_structure(gpu, &info);
   VkQueryPool query;
   uint64_t compacted = 0;
   OK(vkCreateQueryPool(gpu->device, &query_info, NULL, &query));
   build(gpu, &first, &info, VK_NULL_HANDLE, query);
   OK(vkGetQueryPoolResults(gpu->device, query, 0, 1, sizeof(compacted), &compacted, sizeof(compacted),
                            VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT));
   copy_structure(gpu, &first, &second);
   NEED(compacted && handle_of(gpu, &first) != handle_of(gpu, &second));
   printf("  a triangle takes %llu bytes\n", (unsigned long long)compacted);
   vkDestroyQueryPool(gpu->device, query, NULL);
   destroy_structure(gpu, &first);
   destroy_structure(gpu, &second);
   gpu_free_buffer(gpu, &vertices);
}

static const char *const ray_extensions[] = {VK_NV_RAY_TRACING_EXTENSION_NAME, NULL};

/* --- optical flow --- */

#ifdef VK_NV_optical_flow

#define SIDE 256

static VkFormat flow_format(const struct gpu *gpu, VkOpticalFlowUsageFlagsNV usage)
{
   GET_INSTANCE(gpu, GetPhysicalDeviceOpticalFlowImageFormatsNV);
   const VkOpticalFlowImageFormatInfoNV info = {.sType = VK_STRUCTURE_TYPE_OPTICAL_FLOW_IMAGE_FORMAT_INFO_NV,
                                                .usage = usage};
   VkOpticalFlowImageFormatPropertiesNV formats[32];
   uint32_t count = 0;
   OK(GetPhysicalDeviceOpticalFlowImageFormatsNV(gpu->physical, &info, &count, NULL));
   NEED(count && count <= 32);
   for (uint32_t i = 0; i < count; i++)
      formats[i] =
         (VkOpticalFlowImageFormatPropertiesNV){.sType = VK_STRUCTURE_TYPE_OPTICAL_FLOW_IMAGE_FORMAT_PROPERTIES_NV};
   OK(GetPhysicalDeviceOpticalFlowImageFormatsNV(gpu->physical, &info, &count, formats));
   printf("  usage %#x:", usage);
   for (uint32_t i = 0; i < count; i++)
      printf(" %d", formats[i].format);
   puts("");
   return formats[0].format;
}

static struct part_image create_flow_image(const struct gpu *gpu, VkFormat format, uint32_t side,
                                           VkOpticalFlowUsageFlagsNV usage)
{
   const VkOpticalFlowImageFormatInfoNV flow = {.sType = VK_STRUCTURE_TYPE_OPTICAL_FLOW_IMAGE_FORMAT_INFO_NV,
                                                .usage = usage};
   return part_create_image(gpu, format, side, VK_IMAGE_USAGE_SAMPLED_BIT, &flow);
}

static void record_flow(const struct gpu *gpu, VkCommandBuffer commands, VkOpticalFlowSessionNV session,
                        const struct part_image *images, uint32_t count)
{
   GET(gpu, CmdOpticalFlowExecuteNV);
   const VkOpticalFlowExecuteInfoNV info = {.sType = VK_STRUCTURE_TYPE_OPTICAL_FLOW_EXECUTE_INFO_NV};
   for (uint32_t i = 0; i < count; i++) {
      const VkImageMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                            .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
                                            .newLayout = VK_IMAGE_LAYOUT_GENERAL,
                                            .image = images[i].handle,
                                            .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
      vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL,
                           0, NULL, 1, &barrier);
   }
   CmdOpticalFlowExecuteNV(commands, session, &info);
}

static void run_flow(struct gpu *gpu)
{
   GET(gpu, CreateOpticalFlowSessionNV);
   GET(gpu, BindOpticalFlowSessionImageNV);
   GET(gpu, DestroyOpticalFlowSessionNV);
   const VkFormat input = flow_format(gpu, VK_OPTICAL_FLOW_USAGE_INPUT_BIT_NV);
   const VkFormat vectors = flow_format(gpu, VK_OPTICAL_FLOW_USAGE_OUTPUT_BIT_NV);
   const VkOpticalFlowSessionCreateInfoNV info = {.sType = VK_STRUCTURE_TYPE_OPTICAL_FLOW_SESSION_CREATE_INFO_NV,
                                                  .width = SIDE,
                                                  .height = SIDE,
                                                  .imageFormat = input,
                                                  .flowVectorFormat = vectors,
                                                  .outputGridSize = VK_OPTICAL_FLOW_GRID_SIZE_4X4_BIT_NV,
                                                  .performanceLevel = VK_OPTICAL_FLOW_PERFORMANCE_LEVEL_SLOW_NV};
   const struct part_image images[] = {
      create_flow_image(gpu, input, SIDE, VK_OPTICAL_FLOW_USAGE_INPUT_BIT_NV),
      create_flow_image(gpu, input, SIDE, VK_OPTICAL_FLOW_USAGE_INPUT_BIT_NV),
      create_flow_image(gpu, vectors, SIDE / 4, VK_OPTICAL_FLOW_USAGE_OUTPUT_BIT_NV),
   };
   const VkOpticalFlowSessionBindingPointNV points[] = {VK_OPTICAL_FLOW_SESSION_BINDING_POINT_INPUT_NV,
                                                        VK_OPTICAL_FLOW_SESSION_BINDING_POINT_REFERENCE_NV,
                                                        VK_OPTICAL_FLOW_SESSION_BINDING_POINT_FLOW_VECTOR_NV};
   VkOpticalFlowSessionNV session;
   VkCommandPool pool;
   VkCommandBuffer commands = gpu_create_commands(gpu, &pool);
   OK(CreateOpticalFlowSessionNV(gpu->device, &info, NULL, &session));
   for (unsigned i = 0; i < 3; i++)
      OK(BindOpticalFlowSessionImageNV(gpu->device, session, points[i], images[i].view, VK_IMAGE_LAYOUT_GENERAL));
   gpu_begin(commands);
   record_flow(gpu, commands, session, images, 3);
   gpu_run(gpu, commands);
   puts("  the flow between two images was found");
   DestroyOpticalFlowSessionNV(gpu->device, session, NULL);
   vkDestroyCommandPool(gpu->device, pool, NULL);
   for (unsigned i = 0; i < 3; i++)
      part_destroy_image(gpu, &images[i]);
}

static VkPhysicalDeviceOpticalFlowFeaturesNV flow_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_OPTICAL_FLOW_FEATURES_NV};
static const char *const flow_extensions[] = {VK_NV_OPTICAL_FLOW_EXTENSION_NAME, NULL};
#define PART_FLOW {"optical_flow", flow_extensions, run_flow, &flow_features, VK_QUEUE_OPTICAL_FLOW_BIT_NV},

#else
#define PART_FLOW
#endif

const struct part parts_rays[] = {{"ray_tracing", ray_extensions, run_rays, NULL, VK_QUEUE_COMPUTE_BIT}, PART_FLOW{0}};
