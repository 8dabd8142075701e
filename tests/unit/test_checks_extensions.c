/* SPDX-License-Identifier: MIT */
/* What commands of ours that stand for those of extensions do not let through. */
#include "server/core/device.h"
#include "tests/unit/checks.h"

/* --- ray tracing --- */

/* A pipeline with one group and one stage that is compiled later. */
static void create_rays(VkRayTracingPipelineCreateInfoNV info)
{
   const VkRayTracingShaderGroupCreateInfoNV group = {.sType =
                                                         VK_STRUCTURE_TYPE_RAY_TRACING_SHADER_GROUP_CREATE_INFO_NV,
                                                      .closestHitShader = VK_SHADER_UNUSED_KHR,
                                                      .anyHitShader = VK_SHADER_UNUSED_KHR,
                                                      .intersectionShader = VK_SHADER_UNUSED_KHR};
   VkPipeline pipeline = OBJECT(VkPipeline, FREE);
   info.flags = VK_PIPELINE_CREATE_DEFER_COMPILE_BIT_NV;
   info.groupCount = 1;
   info.pGroups = &group;
   GOOD(vkCreateRayTracingPipelinesNV, .device = DEVICE_OBJECT, .createInfoCount = 1, .pCreateInfos = &info,
        .pPipelines = &pipeline);
}

/* Drivers look numbers up in tables of the pipeline. */
static void test_groups(VkRayTracingPipelineCreateInfoNV info)
{
   uint8_t data[64];
   create_rays(info);
#define OF .device = DEVICE_OBJECT, .pipeline = OBJECT(VkPipeline, FREE)
#define HANDLES(FIRST, COUNT) OF, .firstGroup = (FIRST), .groupCount = (COUNT), .dataSize = sizeof(data), .pData = data
   GOOD(vkCompileDeferredNV, OF, .shader = 0);
   GOOD(vkGetRayTracingShaderGroupHandlesKHR, HANDLES(0, 1));
   GOOD(vkGetRayTracingShaderGroupStackSizeKHR, OF, .group = 0, .groupShader = 3);
   BAD("the stages that are compiled later", vkCompileDeferredNV, OF, .shader = 1);
   create_rays(info);
   BAD("groups of shaders", vkGetRayTracingShaderGroupHandlesKHR, HANDLES(1, 1));
   create_rays(info);
   BAD("groups of shaders", vkGetRayTracingShaderGroupHandlesKHR, HANDLES(UINT32_MAX, 1));
   create_rays(info);
   BAD("groups of shaders", vkGetRayTracingShaderGroupStackSizeKHR, OF, .group = 1);
   create_rays(info);
   BAD("the shaders of a group", vkGetRayTracingShaderGroupStackSizeKHR, OF, .groupShader = 4);
#undef HANDLES
#undef OF
}

static void test_rays(void)
{
   const VkRayTracingShaderGroupCreateInfoNV group = {.sType =
                                                         VK_STRUCTURE_TYPE_RAY_TRACING_SHADER_GROUP_CREATE_INFO_NV,
                                                      .generalShader = 1,
                                                      .closestHitShader = VK_SHADER_UNUSED_KHR,
                                                      .anyHitShader = VK_SHADER_UNUSED_KHR,
                                                      .intersectionShader = VK_SHADER_UNUSED_KHR};
   const VkPipelineShaderStageCreateInfo stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                  .stage = VK_SHADER_STAGE_RAYGEN_BIT_KHR,
                                                  .module = OBJECT(VkShaderModule, MODULE),
                                                  .pName = "main"};
   VkRayTracingPipelineCreateInfoNV info = {.sType = VK_STRUCTURE_TYPE_RAY_TRACING_PIPELINE_CREATE_INFO_NV,
                                            .stageCount = 1,
                                            .pStages = &stage,
                                            .groupCount = 1,
                                            .pGroups = &group,
                                            .layout = OBJECT(VkPipelineLayout, LAYOUT),
                                            .basePipelineIndex = -1};
   VkPipeline pipeline = OBJECT(VkPipeline, FREE);
   BAD("a shader of group 0 is not among the 1 stages", vkCreateRayTracingPipelinesNV, .device = DEVICE_OBJECT,
       .createInfoCount = 1, .pCreateInfos = &info, .pPipelines = &pipeline);
   info.groupCount = 0;
   GOOD(vkCreateRayTracingPipelinesNV, .device = DEVICE_OBJECT, .createInfoCount = 1, .pCreateInfos = &info,
        .pPipelines = &pipeline);
   BAD("the stages that are compiled later", vkCompileDeferredNV, .device = DEVICE_OBJECT, .pipeline = pipeline);
   test_groups(info);

   const VkAccelerationStructureCreateInfoNV structure_info = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_CREATE_INFO_NV,
      .info = {.sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_INFO_NV}};
   VkAccelerationStructureNV structure = OBJECT(VkAccelerationStructureNV, FREE + 1);
   uint32_t handle[2];
   GOOD(vkCreateAccelerationStructureNV, .device = DEVICE_OBJECT, .pCreateInfo = &structure_info,
        .pAccelerationStructure = &structure);
   GOOD(vkGetAccelerationStructureHandleNV, .device = DEVICE_OBJECT, .accelerationStructure = structure, .dataSize = 8,
        .pData = handle);
   BAD("1 handles take 8 bytes, not 4", vkGetAccelerationStructureHandleNV, .device = DEVICE_OBJECT,
       .accelerationStructure = structure, .dataSize = 4, .pData = handle);
}

/* --- binaries of CUDA --- */

static void test_launches(void)
{
   static const uint8_t parameters[(32 << 10) + 1];
   const VkCuModuleCreateInfoNVX module_info = {
      .sType = VK_STRUCTURE_TYPE_CU_MODULE_CREATE_INFO_NVX, .dataSize = 16, .pData = parameters};
   VkCuModuleNVX module = OBJECT(VkCuModuleNVX, FREE + 2);
   VkCuFunctionNVX function = OBJECT(VkCuFunctionNVX, FREE + 3);
   GOOD(vkCreateCuModuleNVX, .device = DEVICE_OBJECT, .pCreateInfo = &module_info, .pModule = &module);
   const VkCuFunctionCreateInfoNVX function_info = {
      .sType = VK_STRUCTURE_TYPE_CU_FUNCTION_CREATE_INFO_NVX, .module = module, .pName = "f"};
   GOOD(vkCreateCuFunctionNVX, .device = DEVICE_OBJECT, .pCreateInfo = &function_info, .pFunction = &function);
   GOOD_CMD(vkCmdCuLaunchKernelVP, .function = function, .parameterSize = sizeof(parameters) - 1,
            .pParameters = parameters);
   GOOD_CMD(vkCmdCuLaunchKernelVP, .function = function);
   BAD_CMD("no kernel has parameters of 32769 bytes", vkCmdCuLaunchKernelVP, .function = function,
           .parameterSize = sizeof(parameters), .pParameters = parameters);
}

/* --- faults --- */

static VKAPI_ATTR VkResult VKAPI_CALL say_much(VkDevice device, VkDeviceFaultCountsEXT *counts,
                                               VkDeviceFaultInfoEXT *info)
{
   (void)device, (void)info;
   *counts = (VkDeviceFaultCountsEXT){VK_STRUCTURE_TYPE_DEVICE_FAULT_COUNTS_EXT, NULL, 1000, 1000, 100000};
   return VK_SUCCESS;
}

/* A driver says how much it knows, which is no more than fits into the answer. */
static void test_faults(void)
{
   VkDeviceFaultCountsEXT counts = {VK_STRUCTURE_TYPE_DEVICE_FAULT_COUNTS_EXT, NULL, 1, 1, 8};
   VkDeviceFaultInfoEXT info = {.sType = VK_STRUCTURE_TYPE_DEVICE_FAULT_INFO_EXT};
   VkDeviceFaultAddressInfoEXT address;
   VkDeviceFaultVendorInfoEXT vendor;
   uint8_t data[8];
   struct vp_cmd_vkGetDeviceFaultInfoVP a = {.device = DEVICE_OBJECT,
                                             .pFaultCounts = &counts,
                                             .pFaultInfo = &info,
                                             .pAddressInfos = &address,
                                             .pVendorInfos = &vendor,
                                             .pVendorBinaryData = data};
   vps_object_find(&ctx.objects, objects[DEVICE].id)->device->functions.GetDeviceFaultInfoEXT = say_much;
   vp_request_vkGetDeviceFaultInfoVP(&enc, 1, &a);
   CHECK(session_run());
   struct vp_decoder reply;
   vp_decoder_init(&reply, ctx.enc.start, vp_encoder_size(&ctx.enc), NULL);
   vp_reply_vkGetDeviceFaultInfoVP(&reply, &a);
   CHECK(!reply.error && counts.addressInfoCount == 1 && counts.vendorInfoCount == 1 && counts.vendorBinarySize == 8);
   a.pFaultInfo = NULL;
   for (unsigned i = 0; i < 3; i++) {
      a.pAddressInfos = i == 0 ? &address : NULL;
      a.pVendorInfos = i == 1 ? &vendor : NULL;
      a.pVendorBinaryData = i == 2 ? data : NULL;
      vps_object_find(&ctx.objects, objects[DEVICE].id)->device->functions.GetDeviceFaultInfoEXT = say_much;
      vp_request_vkGetDeviceFaultInfoVP(&enc, 1, &a);
      CHECK(refused(VP_CMD_vkGetDeviceFaultInfoVP, "a fault that is not asked for"));
   }
}

#ifdef VK_NV_cooperative_vector

/* --- matrices --- */

static void test_matrices(void)
{
   uint8_t data[128] = {0}, room[128];
   const VkCooperativeVectorMatrixVP optimal = {VK_COMPONENT_TYPE_FLOAT16_KHR,
                                                VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_INFERENCING_OPTIMAL_NV, 0};
   VkCooperativeVectorMatrixVP lines = {VK_COMPONENT_TYPE_FLOAT16_KHR, VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV,
                                        32};
   size_t size = sizeof(room);
#define MATRIX(SOURCE_SIZE)                                                                           \
   .device = DEVICE_OBJECT, .numRows = 4, .numColumns = 16, .pSrc = &lines, .srcSize = (SOURCE_SIZE), \
   .pSrcData = data, .pDst = &optimal, .pDstSize = &size, .pDstData = room
   GOOD(vkConvertCooperativeVectorMatrixVP, MATRIX(128));
   size = 1; /* that the application is told */
   GOOD(vkConvertCooperativeVectorMatrixVP, MATRIX(128));
   size = sizeof(room);
   BAD("127 bytes are too few for the matrix", vkConvertCooperativeVectorMatrixVP, MATRIX(127));
   lines.stride = SIZE_MAX / 2;
   BAD("128 bytes are too few for the matrix", vkConvertCooperativeVectorMatrixVP, MATRIX(128));
   lines = optimal; /* of which the driver says that there are 64 */
   GOOD(vkConvertCooperativeVectorMatrixVP, MATRIX(64));
   BAD("63 bytes are too few for the matrix", vkConvertCooperativeVectorMatrixVP, MATRIX(63));
   lines.layout = 4;
   BAD("no known layout", vkConvertCooperativeVectorMatrixVP, MATRIX(64));
   lines.layout = -1;
   BAD("no known layout", vkConvertCooperativeVectorMatrixVP, MATRIX(64));
   lines = (VkCooperativeVectorMatrixVP){77, VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV, 32};
   BAD("no known layout or type", vkConvertCooperativeVectorMatrixVP, MATRIX(128));
}

#else

static void test_matrices(void)
{
}

#endif

#ifdef VK_KHR_pipeline_binary

/* --- pipeline binaries --- */

static void test_sources(void)
{
   const VkComputePipelineCreateInfo compute = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                                .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                          .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                                          .module = OBJECT(VkShaderModule, MODULE),
                                                          .pName = "main"},
                                                .layout = OBJECT(VkPipelineLayout, LAYOUT),
                                                .basePipelineIndex = -1};
   VkComputePipelineCreateInfo infos[] = {compute, compute};
   VkPipelineInfosVP one = {.computeCount = 1, .pCompute = infos}, two = {.computeCount = 2, .pCompute = infos},
                     none = {0};
   VkPipelineKeyVP key;
   VkPipelineBinaryVP given = {.key = {.size = 4}, .dataSize = 4, .pData = "abc"};
   uint64_t ids[] = {objects[FREE + 4].id, objects[FREE + 5].id, objects[FREE + 6].id};
   uint32_t count;
   VkBool32 created[3];
#define BINARIES(IDS) \
   .device = DEVICE_OBJECT, .idCount = (IDS), .pIds = ids, .pBinaryCount = &count, .pCreated = created
   GOOD(vkGetPipelineKeyVP, .device = DEVICE_OBJECT, .pInfos = &none, .pKey = &key);
   GOOD(vkGetPipelineKeyVP, .device = DEVICE_OBJECT, .pInfos = &one, .pKey = &key);
   BAD("2 create-infos are of no pipeline together", vkGetPipelineKeyVP, .device = DEVICE_OBJECT, .pInfos = &two,
       .pKey = &key);
   infos[0].stage.stage = VK_SHADER_STAGE_VERTEX_BIT;
   BAD("is no stage that is possible here", vkGetPipelineKeyVP, .device = DEVICE_OBJECT, .pInfos = &one, .pKey = &key);
   infos[0] = compute;
   BAD("binaries come from one source, not 0", vkCreatePipelineBinariesVP, BINARIES(3), .pInfos = &none);
   BAD("binaries come from one source, not 2", vkCreatePipelineBinariesVP, BINARIES(3), .pInfos = &one, .givenCount = 1,
       .pGiven = &given);
   given.key.size = 33;
   BAD("a key of 33 bytes is too long", vkCreatePipelineBinariesVP, BINARIES(3), .pInfos = &none, .givenCount = 1,
       .pGiven = &given);
   given.key.size = 32;
   GOOD(vkCreatePipelineBinariesVP, BINARIES(1), .pInfos = &none, .givenCount = 1, .pGiven = &given);
   BAD("id", vkCreatePipelineBinariesVP, BINARIES(1), .pInfos = &one); /* it is taken */
}

/* Data is only sent back as far as there is some, and a driver that says how much it needs sends none. */
static void test_data(void)
{
   const VkPipelineInfosVP none = {0};
   const VkPipelineBinaryVP given = {.key = {.size = 4}, .dataSize = 4, .pData = "abc"};
   const uint64_t id = objects[FREE + 7].id;
   VkPipelineKeyVP key = {0};
   size_t needed, size;
   uint8_t data[16] = {0};
   uint32_t count;
   VkBool32 created;
   GOOD(vkCreatePipelineBinariesVP, .device = DEVICE_OBJECT, .idCount = 1, .pIds = &id, .pBinaryCount = &count,
        .pCreated = &created, .pInfos = &none, .givenCount = 1, .pGiven = &given);
   for (size = 0; size <= sizeof(data); size += 4) {
      size_t room = size;
      struct vp_cmd_vkGetPipelineBinaryDataVP a = {.device = DEVICE_OBJECT,
                                                   .pipelineBinary = id,
                                                   .pKey = &key,
                                                   .pNeeded = &needed,
                                                   .pDataSize = &room,
                                                   .pData = size ? data : NULL};
      vp_request_vkGetPipelineBinaryDataVP(&enc, 1, &a);
      CHECK(session_run());
      struct vp_decoder reply;
      vp_decoder_init(&reply, ctx.enc.start, vp_encoder_size(&ctx.enc), NULL);
      vp_reply_vkGetPipelineBinaryDataVP(&reply, &a);
      CHECK(!reply.error && needed == 8 && key.size == 4);
      CHECK(a.ret == (size == 4 ? VK_ERROR_NOT_ENOUGH_SPACE_KHR : VK_SUCCESS) && room == (size >= 8 ? 8 : 0));
   }
   BAD("id", vkGetPipelineBinaryDataVP, .device = DEVICE_OBJECT, .pipelineBinary = objects[FREE + 8].id, .pKey = &key,
       .pNeeded = &needed, .pDataSize = &size);
}

#else

static void test_sources(void)
{
}

static void test_data(void)
{
}

#endif

int main(void)
{
   open_all();
   test_rays();
   test_launches();
   test_faults();
   test_matrices();
   test_sources();
   test_data();
   session_close();
   return check_finish();
}
