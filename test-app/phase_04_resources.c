/* SPDX-License-Identifier: MIT */
/* Phase 4: the objects that hold data or describe it. Here are pipeline caches and private data, and what the phase
 * does in which order. */

#include "test-app/phase_04_resources.h"

#include <stdlib.h>
#include <string.h>

#include "test-app/shaders.h"

static VkPipeline pipeline_with_cache(struct app_context *ctx, const struct app_compute *compute, VkPipelineCache cache)
{
   VkPipeline pipeline = VK_NULL_HANDLE;
   VkShaderModule module = app_shader_module(ctx, &shader_add);
   VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage =
         {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = module,
            .pName = "main",
         },
      .layout = compute->layout,
   };
   if (module)
      VK_CHECK(ctx->test, vkCreateComputePipelines(ctx->device, cache, 1, &info, NULL, &pipeline));
   vkDestroyShaderModule(ctx->device, module, NULL);
   return pipeline;
}

static void check_cache_header(struct app_context *ctx, const uint8_t *data, size_t size)
{
   struct app_test *t = ctx->test;
   VkPipelineCacheHeaderVersionOne header;
   if (!CHECK(t, size >= sizeof(header)))
      return;
   memcpy(&header, data, sizeof(header));
   CHECK(t, header.headerSize >= sizeof(header) && header.headerSize <= size);
   CHECK_EQ(t, VK_PIPELINE_CACHE_HEADER_VERSION_ONE, header.headerVersion);
   CHECK_EQ(t, ctx->properties.vendorID, header.vendorID);
   CHECK_EQ(t, ctx->properties.deviceID, header.deviceID);
   CHECK_BYTES(t, ctx->properties.pipelineCacheUUID, header.pipelineCacheUUID, VK_UUID_SIZE);
}

/* Data comes out, goes into a second cache, and both are merged; foreign data is ignored without an error. */
static void check_caches(struct app_context *ctx)
{
   struct app_test *t = ctx->test;
   VkPipelineCache caches[3] = {VK_NULL_HANDLE};
   VkPipeline pipelines[2] = {VK_NULL_HANDLE};
   struct app_compute compute;
   uint8_t *data = NULL;
   size_t size = 0;
   VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
   if (!app_compute_create(ctx, &compute, &shader_add, 1, 12))
      goto done;
   VK_TRY(t, vkCreatePipelineCache(ctx->device, &info, NULL, &caches[0]));
   pipelines[0] = pipeline_with_cache(ctx, &compute, caches[0]);
   VK_TRY(t, vkGetPipelineCacheData(ctx->device, caches[0], &size, NULL));
   data = malloc(size);
   TRY(t, data != NULL);
   VK_TRY(t, vkGetPipelineCacheData(ctx->device, caches[0], &size, data));
   check_cache_header(ctx, data, size);
   size_t small = size - 1;
   VK_EXPECT(t, VK_INCOMPLETE, vkGetPipelineCacheData(ctx->device, caches[0], &small, data));
   CHECK(t, small < size);
   VK_TRY(t, vkGetPipelineCacheData(ctx->device, caches[0], &size, data));

   info.pInitialData = data;
   info.initialDataSize = size;
   VK_TRY(t, vkCreatePipelineCache(ctx->device, &info, NULL, &caches[1]));
   pipelines[1] = pipeline_with_cache(ctx, &compute, caches[1]);
   data[offsetof(VkPipelineCacheHeaderVersionOne, pipelineCacheUUID)] ^= 0xff;
   VK_TRY(t, vkCreatePipelineCache(ctx->device, &info, NULL, &caches[2]));
   VK_CHECK(t, vkMergePipelineCaches(ctx->device, caches[2], 2, caches));
done:
   for (uint32_t i = 0; i < 2; i++)
      vkDestroyPipeline(ctx->device, pipelines[i], NULL);
   for (uint32_t i = 0; i < 3; i++)
      vkDestroyPipelineCache(ctx->device, caches[i], NULL);
   free(data);
   app_compute_destroy(ctx, &compute);
}

static void check_private_data(struct app_context *ctx)
{
   struct app_test *t = ctx->test;
   VkPrivateDataSlot slots[3] = {VK_NULL_HANDLE};
   struct app_buffer buffers[2] = {{0}};
   if (!ctx->has_private_data) {
      app_note(t, "no private data (needs Vulkan 1.3)");
      return;
   }
   VkPrivateDataSlotCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PRIVATE_DATA_SLOT_CREATE_INFO};
   for (uint32_t i = 0; i < 3; i++)
      VK_TRY(t, vkCreatePrivateDataSlot(ctx->device, &info, NULL, &slots[i]));
   for (uint32_t i = 0; i < 2; i++) {
      if (!app_buffer_create(ctx, &buffers[i], 64, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, APP_MEMORY_DEVICE))
         goto done;
   }
   uint64_t value = 7;
   vkGetPrivateData(ctx->device, VK_OBJECT_TYPE_BUFFER, (uint64_t)buffers[0].handle, slots[0], &value);
   CHECK_EQ(t, 0, value);
   for (uint32_t s = 0; s < 3; s++) {
      for (uint32_t b = 0; b < 2; b++)
         VK_CHECK(t, vkSetPrivateData(ctx->device, VK_OBJECT_TYPE_BUFFER, (uint64_t)buffers[b].handle, slots[s],
                                      UINT64_C(0x123456789abcdef0) + s * 10 + b));
      VK_CHECK(t, vkSetPrivateData(ctx->device, VK_OBJECT_TYPE_DEVICE, (uint64_t)(uintptr_t)ctx->device, slots[s],
                                   UINT64_C(0xfedcba9876543210) - s));
   }
   for (uint32_t s = 0; s < 3; s++) {
      for (uint32_t b = 0; b < 2; b++) {
         vkGetPrivateData(ctx->device, VK_OBJECT_TYPE_BUFFER, (uint64_t)buffers[b].handle, slots[s], &value);
         CHECK_EQ(t, UINT64_C(0x123456789abcdef0) + s * 10 + b, value);
      }
      vkGetPrivateData(ctx->device, VK_OBJECT_TYPE_DEVICE, (uint64_t)(uintptr_t)ctx->device, slots[s], &value);
      CHECK_EQ(t, UINT64_C(0xfedcba9876543210) - s, value);
   }
done:
   for (uint32_t i = 0; i < 2; i++)
      app_buffer_destroy(ctx, &buffers[i]);
   for (uint32_t i = 0; i < 3; i++)
      vkDestroyPrivateDataSlot(ctx->device, slots[i], NULL);
}

void phase_resources(struct app_test *t)
{
   struct app_context ctx;
   if (app_context_create(t, &ctx)) {
      resources_check_memory(&ctx);
      resources_check_many_allocations(&ctx);
      resources_check_buffers(&ctx);
      resources_check_bind_and_views(&ctx);
      resources_check_images(&ctx);
      resources_check_cube_and_swizzle(&ctx);
      resources_check_linear_layout(&ctx);
      resources_check_samplers(&ctx);
      resources_check_layouts(&ctx);
      resources_check_descriptors(&ctx);
      check_caches(&ctx);
      check_private_data(&ctx);
   }
   app_context_destroy(&ctx);
}
