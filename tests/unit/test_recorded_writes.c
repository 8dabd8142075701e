/* SPDX-License-Identifier: MIT */
#include "server/core/device.h"
#include "server/memory/memory.h"
#include "tests/unit/null_session.h"

/* What the server takes recorded commands to write to. */

#define PAGE VPS_PAGE
#define SIZE (64 * PAGE)

enum {
   MEMORY = FIRST_OBJECT,
   BUFFER,
   UNBOUND,
   READ_ONLY,
   IMAGE,
   POOL,
   COMMANDS,
   SECONDARY,
   QUERIES,
   LAYOUT,
   READER,
   WRITER,
   READING_PIPELINE,
   WRITING_PIPELINE,
   UNKNOWN_PIPELINE,
   INHERITING, /* a device */
};

/* --- objects --- */

static void create_buffer(unsigned which, VkBufferUsageFlags usage)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = SIZE - PAGE, .usage = usage};
   VkBuffer buffer = OBJECT(VkBuffer, which);

   DO(vkCreateBuffer, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pBuffer = &buffer);
}

static void create_resources(void)
{
   const VkMemoryAllocateInfo memory_info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = SIZE, .memoryTypeIndex = 1};
   const VkImageCreateInfo image_info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                         .imageType = VK_IMAGE_TYPE_2D,
                                         .format = VK_FORMAT_R8G8B8A8_UNORM,
                                         .extent = {1024, 2, 1},
                                         .mipLevels = 1,
                                         .arrayLayers = 1,
                                         .samples = VK_SAMPLE_COUNT_1_BIT};
   const VkQueryPoolCreateInfo query_info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryCount = 64};
   const VkDevice device = OBJECT(VkDevice, DEVICE);
   VkDeviceMemory memory = OBJECT(VkDeviceMemory, MEMORY);
   VkImage image = OBJECT(VkImage, IMAGE);
   VkQueryPool queries = OBJECT(VkQueryPool, QUERIES);

   DO(vkAllocateMemory, .device = device, .pAllocateInfo = &memory_info, .pMemory = &memory);
   create_buffer(BUFFER, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   create_buffer(UNBOUND, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   create_buffer(READ_ONLY, VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
   DO(vkBindBufferMemory, .device = device, .buffer = OBJECT(VkBuffer, BUFFER), .memory = memory, .memoryOffset = PAGE);
   DO(vkCreateImage, .device = device, .pCreateInfo = &image_info, .pImage = &image);
   DO(vkCreateQueryPool, .device = device, .pCreateInfo = &query_info, .pQueryPool = &queries);
}

/* A shader that stores to a variable of a storage class. */
static void create_shader(unsigned which, uint32_t storage_class)
{
   const uint32_t code[] = {
      0x07230203,
      0x10000,
      0,
      5,
      0, /* header */
      4 << 16 | 21,
      1,
      32,
      0, /* TypeInt */
      4 << 16 | 32,
      2,
      storage_class,
      1, /* TypePointer */
      4 << 16 | 43,
      1,
      3,
      7, /* Constant */
      4 << 16 | 59,
      2,
      4,
      storage_class, /* Variable */
      3 << 16 | 62,
      4,
      3, /* Store */
   };
   const VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(code), .pCode = code};
   VkShaderModule module = OBJECT(VkShaderModule, which);

   DO(vkCreateShaderModule, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pShaderModule = &module);
}

/* In one command: one that only reads, one that writes, one of which there is no code. */
static void create_pipelines(void)
{
   VkComputePipelineCreateInfo infos[3] = {{0}};
   VkPipeline pipelines[3] = {OBJECT(VkPipeline, READING_PIPELINE), OBJECT(VkPipeline, WRITING_PIPELINE),
                              OBJECT(VkPipeline, UNKNOWN_PIPELINE)};
   const VkPipelineLayoutCreateInfo layout_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
   const VkDevice device = OBJECT(VkDevice, DEVICE);
   VkPipelineLayout layout = OBJECT(VkPipelineLayout, LAYOUT);

   DO(vkCreatePipelineLayout, .device = device, .pCreateInfo = &layout_info, .pPipelineLayout = &layout);
   create_shader(READER, 6 /* Private */);
   create_shader(WRITER, 12 /* StorageBuffer */);
   for (unsigned i = 0; i < 3; i++) {
      infos[i].sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
      infos[i].layout = layout;
      infos[i].stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
      infos[i].stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
      infos[i].stage.pName = "main";
   }
   infos[0].stage.module = OBJECT(VkShaderModule, READER);
   infos[1].stage.module = OBJECT(VkShaderModule, WRITER);
   DO(vkCreateComputePipelines, .device = device, .createInfoCount = 3, .pCreateInfos = infos, .pPipelines = pipelines);
}

static void create_all(void)
{
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   VkCommandPool pool = OBJECT(VkCommandPool, POOL);

   create_resources();
   DO(vkCreateCommandPool, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &pool_info, .pCommandPool = &pool);
   create_commands(POOL, COMMANDS, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   create_commands(POOL, SECONDARY, VK_COMMAND_BUFFER_LEVEL_SECONDARY);
   create_pipelines();
}

/* --- checks --- */

/* What has been recorded since begin() writes in these classes and nowhere else. */
static bool writes_classes(unsigned classes)
{
   const struct vps_writes writes = writes_of(COMMANDS);
   return writes.classes == classes && writes.count == 0;
}

/* It writes to pages of the buffer, which begins in the second page of its memory, and nowhere else. */
static bool writes_pages(VkDeviceSize first, VkDeviceSize end)
{
   const struct vps_writes writes = writes_of(COMMANDS);
   return writes.classes == 0 && writes.count == 1 && writes.ranges[0].start == (first + 1) * PAGE &&
          writes.ranges[0].end == (end + 1) * PAGE;
}

#define RECORD(name, ...) (begin(COMMANDS), DO(name, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS), __VA_ARGS__))

#define TARGET OBJECT(VkBuffer, BUFFER)

static void test_exact(void)
{
   const VkBufferCopy copy = {.dstOffset = 3 * PAGE, .size = 2 * PAGE};
   const VkBufferCopy2 copy2 = {.sType = VK_STRUCTURE_TYPE_BUFFER_COPY_2, .dstOffset = 3 * PAGE, .size = 2 * PAGE};
   const VkCopyBufferInfo2 info2 = {.sType = VK_STRUCTURE_TYPE_COPY_BUFFER_INFO_2,
                                    .srcBuffer = OBJECT(VkBuffer, READ_ONLY),
                                    .dstBuffer = TARGET,
                                    .regionCount = 1,
                                    .pRegions = &copy2};
   const uint32_t four = 4;

   RECORD(vkCmdFillBuffer, .dstBuffer = TARGET, .dstOffset = PAGE + 4, .size = 8);
   CHECK(writes_pages(1, 2));
   RECORD(vkCmdFillBuffer, .dstBuffer = TARGET, .dstOffset = 60 * PAGE, .size = VK_WHOLE_SIZE);
   CHECK(writes_pages(60, 63));
   RECORD(vkCmdUpdateBuffer, .dstBuffer = TARGET, .dstOffset = 2 * PAGE, .dataSize = 4, .pData = &four);
   CHECK(writes_pages(2, 3));
   RECORD(vkCmdCopyBuffer, .srcBuffer = OBJECT(VkBuffer, READ_ONLY), .dstBuffer = TARGET, .regionCount = 1,
          .pRegions = &copy);
   CHECK(writes_pages(3, 5));
   RECORD(vkCmdCopyBuffer2, .pCopyBufferInfo = &info2);
   CHECK(writes_pages(3, 5));
   RECORD(vkCmdWriteBufferMarkerAMD, .dstBuffer = TARGET, .dstOffset = 7 * PAGE);
   CHECK(writes_pages(7, 8));
   RECORD(vkCmdWriteBufferMarker2AMD, .dstBuffer = TARGET, .dstOffset = 7 * PAGE);
   CHECK(writes_pages(7, 8));
   RECORD(vkCmdCopyQueryPoolResults, .queryPool = OBJECT(VkQueryPool, QUERIES), .queryCount = 3, .dstBuffer = TARGET,
          .dstOffset = PAGE, .stride = PAGE);
   CHECK(writes_pages(1, 5));
}

static void test_image_copies(void)
{
   const VkBufferImageCopy region = {
      .bufferOffset = PAGE, .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1}, .imageExtent = {1024, 2, 1}};
   const VkBufferImageCopy2 region2 = {.sType = VK_STRUCTURE_TYPE_BUFFER_IMAGE_COPY_2,
                                       .bufferOffset = PAGE,
                                       .bufferRowLength = 2048,
                                       .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                       .imageExtent = {1024, 2, 1}};
   const VkCopyImageToBufferInfo2 info2 = {.sType = VK_STRUCTURE_TYPE_COPY_IMAGE_TO_BUFFER_INFO_2,
                                           .srcImage = OBJECT(VkImage, IMAGE),
                                           .dstBuffer = TARGET,
                                           .regionCount = 1,
                                           .pRegions = &region2};

   RECORD(vkCmdCopyImageToBuffer, .srcImage = OBJECT(VkImage, IMAGE), .dstBuffer = TARGET, .regionCount = 1,
          .pRegions = &region);
   CHECK(writes_pages(1, 3));
   RECORD(vkCmdCopyImageToBuffer2, .pCopyImageToBufferInfo = &info2);
   CHECK(writes_pages(1, 4));
}

static void test_transform_feedback(void)
{
   VkBuffer buffers[] = {TARGET, TARGET};
   const VkDeviceSize offsets[] = {PAGE, 2 * PAGE}, sizes[] = {4, VK_WHOLE_SIZE};

   RECORD(vkCmdBindTransformFeedbackBuffersEXT, .bindingCount = 1, .pBuffers = buffers, .pOffsets = offsets,
          .pSizes = sizes);
   CHECK(writes_pages(1, 2));
   RECORD(vkCmdBindTransformFeedbackBuffersEXT, .bindingCount = 2, .pBuffers = buffers, .pOffsets = offsets,
          .pSizes = sizes);
   CHECK(writes_pages(1, 63));
   RECORD(vkCmdBeginTransformFeedbackEXT, .counterBufferCount = 2, .pCounterBuffers = buffers,
          .pCounterBufferOffsets = offsets);
   CHECK(writes_classes(0));
   buffers[0] = VK_NULL_HANDLE;
   RECORD(vkCmdEndTransformFeedbackEXT, .counterBufferCount = 2, .pCounterBuffers = buffers,
          .pCounterBufferOffsets = offsets);
   CHECK(writes_pages(2, 3));
   RECORD(vkCmdEndTransformFeedbackEXT, .counterBufferCount = 2, .pCounterBuffers = buffers);
   CHECK(writes_pages(0, 1));
}

/* What is not known exactly, or not at all. */
static void test_classes(void)
{
   const VkClearColorValue black = {0};
   const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};

   RECORD(vkCmdFillBuffer, .dstBuffer = OBJECT(VkBuffer, UNBOUND), .size = 4);
   CHECK(writes_classes(VPS_WRITES_ALL));
   RECORD(vkCmdClearColorImage, .image = OBJECT(VkImage, IMAGE), .pColor = &black, .rangeCount = 1, .pRanges = &range);
   CHECK(writes_classes(VPS_WRITES_IMAGE));
   RECORD(vkCmdPipelineBarrier, .srcStageMask = 1, .dstStageMask = 1);
   CHECK(writes_classes(VPS_WRITES_IMAGE));
   RECORD(vkCmdBuildAccelerationStructuresKHR, .infoCount = 0); /* writes=everything */
   CHECK(writes_classes(VPS_WRITES_ALL));
}

static void test_pipelines(void)
{
   const VkPipelineBindPoint compute = VK_PIPELINE_BIND_POINT_COMPUTE;
   VkCommandBuffer commands = OBJECT(VkCommandBuffer, COMMANDS);

   RECORD(vkCmdDispatch, .groupCountX = 1);
   CHECK(writes_classes(0));
   RECORD(vkCmdBindPipeline, .pipelineBindPoint = compute, .pipeline = OBJECT(VkPipeline, READING_PIPELINE));
   DO(vkCmdDispatch, .commandBuffer = commands, .groupCountX = 1);
   CHECK(writes_classes(0));
   RECORD(vkCmdBindPipeline, .pipelineBindPoint = compute, .pipeline = OBJECT(VkPipeline, WRITING_PIPELINE));
   DO(vkCmdDispatch, .commandBuffer = commands, .groupCountX = 1);
   CHECK(writes_classes(0)); /* nothing is bound */
   RECORD(vkCmdBindPipeline, .pipelineBindPoint = compute, .pipeline = OBJECT(VkPipeline, UNKNOWN_PIPELINE));
   CHECK(writes_classes(0)); /* and is not run */
   DO(vkCmdDispatch, .commandBuffer = commands, .groupCountX = 1);
   CHECK(writes_classes(VPS_WRITES_SHADERS));
   RECORD(vkCmdBindPipeline, .pipelineBindPoint = (VkPipelineBindPoint)12345,
          .pipeline = OBJECT(VkPipeline, UNKNOWN_PIPELINE));
   CHECK(writes_classes(VPS_WRITES_SHADERS));
}

/* What a secondary command buffer writes, the one that executes it writes; until it is begun anew. */
static void test_secondary(void)
{
   VkCommandBuffer secondary = OBJECT(VkCommandBuffer, SECONDARY);

   begin(SECONDARY);
   DO(vkCmdFillBuffer, .commandBuffer = secondary, .dstBuffer = TARGET, .dstOffset = 5 * PAGE, .size = 4);
   CHECK(writes_of(SECONDARY).count == 1);
   RECORD(vkCmdExecuteCommands, .commandBufferCount = 1, .pCommandBuffers = &secondary);
   CHECK(writes_pages(5, 6));
   begin(COMMANDS);
   CHECK(writes_classes(0));
}

#ifdef VK_NV_command_buffer_inheritance

static struct vps_device *device_state(unsigned which)
{
   return vps_object_find(&ctx.objects, objects[which].id)->state;
}

/* Where command buffers go on with what is bound in others, one that executes others may write anything. */
static void test_inheritance(void)
{
   const VkPhysicalDeviceCommandBufferInheritanceFeaturesNV features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COMMAND_BUFFER_INHERITANCE_FEATURES_NV,
      .commandBufferInheritance = VK_TRUE};
   const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .pNext = &features};
   VkDevice inheriting = OBJECT(VkDevice, INHERITING);
   VkCommandBuffer secondary = OBJECT(VkCommandBuffer, SECONDARY);

   DO(vkCreateDevice, .physicalDevice = OBJECT(VkPhysicalDevice, GPU), .pCreateInfo = &info, .pDevice = &inheriting);
   CHECK(device_state(INHERITING)->inherits && !device_state(DEVICE)->inherits);
   device_state(DEVICE)->inherits = true;
   begin(SECONDARY);
   RECORD(vkCmdExecuteCommands, .commandBufferCount = 1, .pCommandBuffers = &secondary);
   CHECK(writes_classes(VPS_WRITES_ALL));
   device_state(DEVICE)->inherits = false;
}

#endif

int main(void)
{
   session_open();
   create_all();
   if (!ctx.failed) {
      test_exact();
      test_image_copies();
      test_transform_feedback();
      test_classes();
      test_pipelines();
      test_secondary();
#ifdef VK_NV_command_buffer_inheritance
      test_inheritance();
#endif
   }
   session_close();
   return check_finish();
}
