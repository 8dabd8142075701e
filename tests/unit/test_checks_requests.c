/* SPDX-License-Identifier: MIT */
/* Checks that requests of all kinds have in common: what must be there, and only once, and room for the answer. */

#include "server/core/device.h"
#include "tests/unit/checks.h"

/* --- what must be there, and only once --- */

static void test_missing(void)
{
   const VkCopyBufferInfo2 copy = {.sType = VK_STRUCTURE_TYPE_COPY_BUFFER_INFO_2,
                                   .dstBuffer = OBJECT(VkBuffer, BUFFER)};
   const VkCopyImageInfo2 images = {.sType = VK_STRUCTURE_TYPE_COPY_IMAGE_INFO_2, .srcImage = OBJECT(VkImage, IMAGE)};
   const VkBindBufferMemoryInfo bind = {.sType = VK_STRUCTURE_TYPE_BIND_BUFFER_MEMORY_INFO,
                                        .buffer = OBJECT(VkBuffer, BUFFER)};
   const VkImageViewCreateInfo view_info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO};
   const VkBufferMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER, .size = VK_WHOLE_SIZE};
   const VkImageMemoryBarrier image_barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER};
   const VkComputePipelineCreateInfo pipeline_info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = OBJECT(VkShaderModule, MODULE),
                .pName = "main"}};
   const VkCommandBufferAllocateInfo commands_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                      .commandBufferCount = 1};
   const VkDescriptorSetLayout layouts[] = {VK_NULL_HANDLE};
   const VkDescriptorSetAllocateInfo sets_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                                  .descriptorPool = OBJECT(VkDescriptorPool, SET_POOL),
                                                  .descriptorSetCount = 1,
                                                  .pSetLayouts = layouts};
   VkImageView view = OBJECT(VkImageView, FREE);
   VkPipeline pipeline = OBJECT(VkPipeline, FREE);
   VkCommandBuffer commands = OBJECT(VkCommandBuffer, FREE);
   VkDescriptorSet set = OBJECT(VkDescriptorSet, FREE);
   const VkEvent event = VK_NULL_HANDLE;

   BAD_CMD("srcBuffer is missing", vkCmdCopyBuffer2, .pCopyBufferInfo = &copy);
   BAD_CMD("dstImage is missing", vkCmdCopyImage2, .pCopyImageInfo = &images);
   BAD_CMD("buffer is missing", vkCmdPipelineBarrier, .srcStageMask = 1, .dstStageMask = 1,
           .bufferMemoryBarrierCount = 1, .pBufferMemoryBarriers = &barrier);
   BAD_CMD("image is missing", vkCmdPipelineBarrier, .srcStageMask = 1, .dstStageMask = 1, .imageMemoryBarrierCount = 1,
           .pImageMemoryBarriers = &image_barrier);
   BAD_CMD("pEvents is missing", vkCmdWaitEvents, .eventCount = 1, .pEvents = &event);
   BAD("memory is missing", vkBindBufferMemory2, .device = DEVICE_OBJECT, .bindInfoCount = 1, .pBindInfos = &bind);
   BAD("image is missing", vkCreateImageView, .device = DEVICE_OBJECT, .pCreateInfo = &view_info, .pView = &view);
   BAD("layout is missing", vkCreateComputePipelines, .device = DEVICE_OBJECT, .createInfoCount = 1,
       .pCreateInfos = &pipeline_info, .pPipelines = &pipeline);
   BAD("commandPool is missing", vkAllocateCommandBuffers, .device = DEVICE_OBJECT, .pAllocateInfo = &commands_info,
       .pCommandBuffers = &commands);
   BAD("pSetLayouts is missing", vkAllocateDescriptorSets, .device = DEVICE_OBJECT, .pAllocateInfo = &sets_info,
       .pDescriptorSets = &set);
}

static void test_chains(void)
{
   VkImageFormatListCreateInfo list = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO};
   VkImageStencilUsageCreateInfo usage = {.sType = VK_STRUCTURE_TYPE_IMAGE_STENCIL_USAGE_CREATE_INFO, .pNext = &list};
   VkImageFormatListCreateInfo first = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO, .pNext = &usage};
   VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                             .pNext = &usage,
                             .imageType = VK_IMAGE_TYPE_2D,
                             .format = VK_FORMAT_R8_UNORM,
                             .extent = {4, 4, 1},
                             .mipLevels = 1,
                             .arrayLayers = 1,
                             .samples = VK_SAMPLE_COUNT_1_BIT};
   VkImage image = OBJECT(VkImage, FREE);

   GOOD(vkCreateImage, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pImage = &image);
   image = OBJECT(VkImage, FREE + 1);
   info.pNext = &first;
   BAD("a chain has two structs of a type", vkCreateImage, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pImage = &image);
}

/* --- answers --- */

/* The address sanitizer takes an eighth. */
#define LITTLE ((size_t)256 << 20)

static size_t resident(void)
{
   FILE *file = fopen("/proc/self/statm", "re");
   unsigned long pages = 0;

   if (file && fscanf(file, "%*u %lu", &pages) != 1)
      pages = 0;
   if (file)
      fclose(file);
   return (size_t)pages * 4096;
}

static size_t most_resident;

/* Writes as much as there is, which is little. */
static VKAPI_ATTR VkResult VKAPI_CALL get_cache_data(VkDevice device, VkPipelineCache cache, size_t *size, void *data)
{
   (void)device, (void)cache;
   most_resident = resident();
   if (!CHECK(data && *size >= 32))
      return VK_INCOMPLETE;
   memset(data, 7, 32);
   *size = 32;
   return VK_SUCCESS;
}

/* Room that a client says it has takes no memory, and is not all sent back. */
static void test_room(void)
{
   const VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
   VkPipelineCache cache = OBJECT(VkPipelineCache, FREE);
   size_t size = (size_t)900 << 20;
   uint8_t data[1];
   uint32_t results[3] = {0};

   GOOD(vkCreatePipelineCache, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pPipelineCache = &cache);
   ((struct vps_device *)vps_object_find(&ctx.objects, objects[DEVICE].id)->state)->functions.GetPipelineCacheData =
      get_cache_data;
   const size_t before = resident();
   vp_request_vkGetPipelineCacheData(
      &enc, 1,
      &(struct vp_cmd_vkGetPipelineCacheData){
         .device = DEVICE_OBJECT, .pipelineCache = cache, .pDataSize = &size, .pData = data});
   CHECK(session_run());
   CHECK(vp_encoder_size(&ctx.enc) < 200);
#ifndef __SANITIZE_THREAD__ /* it has memory of its own beside each allocation */
   CHECK(most_resident < before + LITTLE && resident() < before + LITTLE);
#endif

   BAD("3 results do not take", vkGetQueryPoolResults, .device = DEVICE_OBJECT,
       .queryPool = OBJECT(VkQueryPool, QUERIES), .queryCount = 3, .dataSize = (size_t)900 << 20, .pData = results,
       .stride = 4);
   BAD("3 results do not fit", vkGetQueryPoolResults, .device = DEVICE_OBJECT,
       .queryPool = OBJECT(VkQueryPool, QUERIES), .queryCount = 3, .dataSize = 12, .pData = results,
       .stride = UINT32_MAX);
   BAD("too much temporary memory", vkGetQueryPoolResults, .device = DEVICE_OBJECT,
       .queryPool = OBJECT(VkQueryPool, QUERIES), .queryCount = 3, .dataSize = (size_t)1 << 40, .pData = results);
   CHECK(resident() < before + LITTLE);
}

int main(void)
{
   open_all();
   test_room();
   test_missing();
   test_chains();
   session_close();
   return check_finish();
}
