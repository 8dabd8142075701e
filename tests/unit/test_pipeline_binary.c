/* SPDX-License-Identifier: MIT */
/* Pipeline binaries, and pipelines of NVIDIA's first ray tracing, against a peer that looks at each command: what may
 * be garbage does not travel, and of what the peer did not make there is nothing left. */
#include "client/pipeline/pipeline.h"
#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"

#define GARBAGE ((void *)(uintptr_t)0xdead0000)

PEER_CODEC(vkCreateRayTracingPipelinesNV)
PEER_CODEC(vkCreateRayTracingPipelinesNVVP)
PEER_CODEC(vkDestroyPipeline)
PEER_CODEC(vkGetPipelineKeyVP)
PEER_CODEC(vkCreatePipelineBinariesVP)
PEER_CODEC(vkGetPipelineBinaryDataVP)
#ifdef VK_KHR_pipeline_binary
PEER_CODEC(vkDestroyPipelineBinaryKHR)
#endif

static const struct peer_command commands[] = {
   PEER_COMMAND(vkCreateRayTracingPipelinesNV),
   PEER_COMMAND(vkCreateRayTracingPipelinesNVVP),
   PEER_COMMAND(vkDestroyPipeline),
   PEER_COMMAND(vkGetPipelineKeyVP),
   PEER_COMMAND(vkCreatePipelineBinariesVP),
   PEER_COMMAND(vkGetPipelineBinaryDataVP),
#ifdef VK_KHR_pipeline_binary
   PEER_COMMAND(vkDestroyPipelineBinaryKHR),
#endif
};

static struct peer peer;
static unsigned seen;
static bool lies; /* the peer says more than there is room for */
static struct vp_object layout = {.id = 501, .type = VK_OBJECT_TYPE_PIPELINE_LAYOUT};

static uint64_t id(const void *handle)
{
   return (uint64_t)(uintptr_t)handle;
}

/* --- ray tracing --- */

static void test_rays(void)
{
   VkRayTracingPipelineCreateInfoNV info = {.sType = VK_STRUCTURE_TYPE_RAY_TRACING_PIPELINE_CREATE_INFO_NV,
                                            .maxRecursionDepth = 3,
                                            .layout = (VkPipelineLayout)&layout,
                                            .basePipelineHandle = GARBAGE};
   VkPipelineCreationFeedback feedback = {.duration = 5};
   const VkPipelineCreationFeedbackCreateInfo wanted = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO, .pPipelineCreationFeedback = &feedback};
   VkPipeline pipeline = VK_NULL_HANDLE;
   CHECK(vp_vkCreateRayTracingPipelinesNV(peer_device(&peer), VK_NULL_HANDLE, 1, &info, NULL, &pipeline) == VK_SUCCESS);
   const struct vp_cmd_vkCreateRayTracingPipelinesNV *a = peer_next(&peer, &seen, VP_CMD_vkCreateRayTracingPipelinesNV);
   CHECK(a && !a->pCreateInfos[0].basePipelineHandle && id(a->pCreateInfos[0].layout) == 501);
   CHECK(a && a->pCreateInfos[0].maxRecursionDepth == 3);
   vp_vkDestroyPipeline(peer_device(&peer), pipeline, NULL);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkDestroyPipeline));

   info.pNext = &wanted;
   CHECK(vp_vkCreateRayTracingPipelinesNV(peer_device(&peer), VK_NULL_HANDLE, 1, &info, NULL, &pipeline) ==
         VK_ERROR_OUT_OF_DEVICE_MEMORY);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkCreateRayTracingPipelinesNVVP));
   CHECK(!pipeline && feedback.duration == 77);
}

#ifdef VK_KHR_pipeline_binary

/* --- binaries --- */

static VkGraphicsPipelineCreateInfo graphics_info(const void *chain)
{
   return (VkGraphicsPipelineCreateInfo){.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                         .pNext = chain,
                                         .flags = VK_PIPELINE_CREATE_LIBRARY_BIT_KHR,
                                         .pVertexInputState = GARBAGE,
                                         .pTessellationState = GARBAGE,
                                         .pMultisampleState = GARBAGE,
                                         .pColorBlendState = GARBAGE,
                                         .basePipelineHandle = GARBAGE};
}

static void test_key(void)
{
   VkPipelineCreationFeedback feedback;
   const VkPipelineCreationFeedbackCreateInfo wanted = {.sType =
                                                           VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO,
                                                        .pPipelineCreationFeedback = &feedback,
                                                        .pipelineStageCreationFeedbackCount = 2,
                                                        .pPipelineStageCreationFeedbacks = GARBAGE};
   const VkGraphicsPipelineLibraryCreateInfoEXT nothing = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_LIBRARY_CREATE_INFO_EXT, .pNext = (void *)(uintptr_t)&wanted};
   VkGraphicsPipelineCreateInfo graphics = graphics_info(&nothing);
   const VkPipelineCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CREATE_INFO_KHR, .pNext = &graphics};
   VkPipelineBinaryKeyKHR key = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_KEY_KHR};
   CHECK(vp_vkGetPipelineKeyKHR(peer_device(&peer), &info, &key) == VK_SUCCESS);
   const struct vp_cmd_vkGetPipelineKeyVP *a = peer_next(&peer, &seen, VP_CMD_vkGetPipelineKeyVP);
   CHECK(a && a->pInfos->graphicsCount == 1 && a->pInfos->computeCount == 0 && a->pInfos->rayTracingCount == 0);
   CHECK(a && !a->pInfos->pGraphics->pVertexInputState && !a->pInfos->pGraphics->basePipelineHandle);
   CHECK(key.keySize == 3 && key.key[0] == 'k' && key.key[2] == 'y');
   CHECK(vp_vkGetPipelineKeyKHR(peer_device(&peer), NULL, &key) == VK_SUCCESS);
   a = peer_next(&peer, &seen, VP_CMD_vkGetPipelineKeyVP);
   CHECK(a && a->pInfos->graphicsCount == 0);
}

/* Programs read no further than what they have given. */
static void test_lies(void)
{
   const VkPipelineBinaryDataInfoKHR about = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_DATA_INFO_KHR};
   VkPipelineBinaryKeyKHR key = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_KEY_KHR};
   uint8_t bytes[8];
   size_t size = sizeof(bytes);
   lies = true;
   CHECK(vp_vkGetPipelineKeyKHR(peer_device(&peer), NULL, &key) == VK_SUCCESS && key.keySize == sizeof(key.key));
   CHECK(vp_vkGetPipelineBinaryDataKHR(peer_device(&peer), &about, &key, &size, bytes) == VK_SUCCESS && size == 6);
   lies = false;
   CHECK(peer_next(&peer, &seen, VP_CMD_vkGetPipelineKeyVP));
   CHECK(peer_next(&peer, &seen, VP_CMD_vkGetPipelineBinaryDataVP));
}

/* Of three binaries the peer makes the first and the last one. */
static void test_creation(void)
{
   VkPipelineBinaryKeyKHR keys[3] = {{.keySize = 1, .key = "a"}, {.keySize = 2, .key = "bc"}, {.keySize = 32}};
   const VkPipelineBinaryDataKHR data[3] = {{1, "x"}, {2, "yz"}, {3, "123"}};
   const VkPipelineBinaryKeysAndDataKHR given = {3, keys, data};
   const VkPipelineBinaryCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_CREATE_INFO_KHR,
                                               .pKeysAndDataInfo = &given};
   VkPipelineBinaryKHR handles[3] = {GARBAGE, GARBAGE, GARBAGE};
   VkPipelineBinaryHandlesInfoKHR out = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_HANDLES_INFO_KHR};
   CHECK(vp_vkCreatePipelineBinariesKHR(peer_device(&peer), &info, NULL, &out) == VK_PIPELINE_BINARY_MISSING_KHR);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkCreatePipelineBinariesVP) && out.pipelineBinaryCount == 3);
   out.pPipelineBinaries = handles;
   CHECK(vp_vkCreatePipelineBinariesKHR(peer_device(&peer), &info, NULL, &out) == VK_PIPELINE_BINARY_MISSING_KHR);
   const struct vp_cmd_vkCreatePipelineBinariesVP *a = peer_next(&peer, &seen, VP_CMD_vkCreatePipelineBinariesVP);
   CHECK(out.pipelineBinaryCount == 3 && handles[0] && !handles[1] && handles[2]);
   CHECK(a && a->givenCount == 3 && a->pGiven[1].key.size == 2 && a->pGiven[1].key.key[1] == 'c');
   CHECK(a && a->pGiven[2].dataSize == 3 && memcmp(a->pGiven[2].pData, "123", 3) == 0);
   CHECK(a && a->pIds[2] == vp_object_id((uint64_t)(uintptr_t)handles[2]));

   const VkPipelineBinaryDataInfoKHR about = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_DATA_INFO_KHR,
                                              .pipelineBinary = handles[2]};
   uint8_t bytes[8] = {0};
   size_t size = 4;
   CHECK(vp_vkGetPipelineBinaryDataKHR(peer_device(&peer), &about, &keys[0], &size, bytes) ==
         VK_ERROR_NOT_ENOUGH_SPACE_KHR);
   const struct vp_cmd_vkGetPipelineBinaryDataVP *b = peer_next(&peer, &seen, VP_CMD_vkGetPipelineBinaryDataVP);
   CHECK(b && b->pipelineBinary == vp_object_id((uint64_t)(uintptr_t)handles[2]) && size == 6 && !bytes[0]);
   size = 8;
   CHECK(vp_vkGetPipelineBinaryDataKHR(peer_device(&peer), &about, &keys[0], &size, bytes) == VK_SUCCESS);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkGetPipelineBinaryDataVP) && size == 6 && !memcmp(bytes, "binary", 6));
   for (unsigned i = 0; i < 3; i++)
      vp_vkDestroyPipelineBinaryKHR(peer_device(&peer), handles[i], NULL);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkDestroyPipelineBinaryKHR));
   CHECK(peer_next(&peer, &seen, VP_CMD_vkDestroyPipelineBinaryKHR));
}

#define BINARY_MISSING VK_PIPELINE_BINARY_MISSING_KHR
#define NOT_ENOUGH_SPACE VK_ERROR_NOT_ENOUGH_SPACE_KHR

#else

static void test_key(void)
{
}

static void test_lies(void)
{
}

static void test_creation(void)
{
}

#define BINARY_MISSING VK_INCOMPLETE
#define NOT_ENOUGH_SPACE VK_INCOMPLETE

#endif

static void respond(uint32_t number, void *args)
{
   struct vp_cmd_vkCreateRayTracingPipelinesNVVP *rays = args;
   struct vp_cmd_vkGetPipelineKeyVP *key = args;
   struct vp_cmd_vkCreatePipelineBinariesVP *binaries = args;
   struct vp_cmd_vkGetPipelineBinaryDataVP *data = args;
   if (number == VP_CMD_vkCreateRayTracingPipelinesNVVP) {
      rays->ret = VK_ERROR_OUT_OF_DEVICE_MEMORY;
      rays->pFeedback[0].duration = 77;
   } else if (number == VP_CMD_vkGetPipelineKeyVP) {
      *key->pKey = (VkPipelineKeyVP){.size = lies ? 33 : 3, .key = "key"};
   } else if (number == VP_CMD_vkCreatePipelineBinariesVP) {
      binaries->ret = BINARY_MISSING;
      *binaries->pBinaryCount = 3;
      for (uint32_t i = 0; i < binaries->idCount; i++)
         binaries->pCreated[i] = i != 1;
   } else if (number == VP_CMD_vkGetPipelineBinaryDataVP) {
      const bool fits = *data->pDataSize >= 6;
      data->ret = fits ? VK_SUCCESS : NOT_ENOUGH_SPACE;
      *data->pNeeded = lies ? 1000 : 6;
      *data->pDataSize = fits ? 6 : 0;
      if (fits)
         memcpy(data->pData, "binary", 6);
   }
}

int main(void)
{
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), respond);
   test_rays();
   test_key();
   test_lies();
   test_creation();
   peer_stop(&peer);
   return check_finish();
}
