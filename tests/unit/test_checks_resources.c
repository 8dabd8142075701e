/* SPDX-License-Identifier: MIT */
/* Checks of what names a part of a buffer, an image, a memory or a pool of queries. */

#include "tests/unit/checks.h"

/* --- buffers --- */

static void test_buffer_ranges(void)
{
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER), other = OBJECT(VkBuffer, OTHER);
   static const VkDeviceSize wrong[][2] = {
      {0, SIZE + 4}, {SIZE - 4, 8}, {SIZE + 4, 0}, {UINT64_MAX - 3, 8}, {8, UINT64_MAX - 7}, {UINT64_MAX, UINT64_MAX},
   };
   const uint32_t word = 0;

   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
      const VkBufferCopy from = {.srcOffset = wrong[i][0], .size = wrong[i][1]};
      const VkBufferCopy to = {.dstOffset = wrong[i][0], .size = wrong[i][1]};
      const VkBufferCopy2 to2 = {
         .sType = VK_STRUCTURE_TYPE_BUFFER_COPY_2, .dstOffset = wrong[i][0], .size = wrong[i][1]};
      const VkCopyBufferInfo2 info2 = {.sType = VK_STRUCTURE_TYPE_COPY_BUFFER_INFO_2,
                                       .srcBuffer = buffer,
                                       .dstBuffer = other,
                                       .regionCount = 1,
                                       .pRegions = &to2};
      BAD_CMD("are not all in srcBuffer", vkCmdCopyBuffer, .srcBuffer = buffer, .dstBuffer = other, .regionCount = 1,
              .pRegions = &from);
      BAD_CMD("Buffer, which has 4096", vkCmdCopyBuffer, .srcBuffer = buffer, .dstBuffer = other, .regionCount = 1,
              .pRegions = &to);
      BAD_CMD("Buffer, which has 4096", vkCmdCopyBuffer2, .pCopyBufferInfo = &info2);
      if (wrong[i][1] != VK_WHOLE_SIZE)
         BAD_CMD("are not all in dstBuffer", vkCmdFillBuffer, .dstBuffer = buffer, .dstOffset = wrong[i][0],
                 .size = wrong[i][1]);
   }
   const VkBufferCopy regions[] = {{0, 0, SIZE}, {SIZE, SIZE, 0}, {4, SIZE - 4, 4}};
   GOOD_CMD(vkCmdCopyBuffer, .srcBuffer = buffer, .dstBuffer = other, .regionCount = 3, .pRegions = regions);
   GOOD_CMD(vkCmdFillBuffer, .dstBuffer = buffer, .dstOffset = SIZE - 4, .size = 4);
   GOOD_CMD(vkCmdFillBuffer, .dstBuffer = buffer, .dstOffset = SIZE - 4, .size = VK_WHOLE_SIZE);
   BAD_CMD("dstBuffer", vkCmdFillBuffer, .dstBuffer = buffer, .dstOffset = SIZE + 4, .size = VK_WHOLE_SIZE);
   GOOD_CMD(vkCmdUpdateBuffer, .dstBuffer = buffer, .dstOffset = SIZE - 4, .dataSize = 4, .pData = &word);
   BAD_CMD("dstBuffer", vkCmdUpdateBuffer, .dstBuffer = buffer, .dstOffset = SIZE, .dataSize = 4, .pData = &word);
}

static void test_indirect(void)
{
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);

   GOOD_CMD(vkCmdDispatchIndirect, .buffer = buffer, .offset = SIZE - 12);
   BAD_CMD("12 bytes from 4088 on", vkCmdDispatchIndirect, .buffer = buffer, .offset = SIZE - 8);
   GOOD_CMD(vkCmdDrawIndirect, .buffer = buffer, .offset = UINT64_MAX, .drawCount = 0);
   GOOD_CMD(vkCmdDrawIndirect, .buffer = buffer, .offset = SIZE - 16, .drawCount = 1, .stride = UINT32_MAX);
   GOOD_CMD(vkCmdDrawIndirect, .buffer = buffer, .drawCount = SIZE / 16, .stride = 16);
   BAD_CMD("not all in buffer", vkCmdDrawIndirect, .buffer = buffer, .drawCount = SIZE / 16 + 1, .stride = 16);
   BAD_CMD("not all in buffer", vkCmdDrawIndirect, .buffer = buffer, .drawCount = UINT32_MAX, .stride = UINT32_MAX);
   BAD_CMD("not all in buffer", vkCmdDrawIndirect, .buffer = buffer, .offset = UINT64_MAX - 3, .drawCount = 1);
   BAD_CMD("not all in buffer", vkCmdDrawIndexedIndirect, .buffer = buffer, .offset = SIZE - 16, .drawCount = 1);
   GOOD_CMD(vkCmdDrawIndirectCount, .buffer = buffer, .countBuffer = OBJECT(VkBuffer, OTHER),
            .countBufferOffset = SIZE - 4, .maxDrawCount = 1, .stride = 16);
   BAD_CMD("in countBuffer", vkCmdDrawIndirectCount, .buffer = buffer, .countBuffer = OBJECT(VkBuffer, OTHER),
           .countBufferOffset = SIZE, .maxDrawCount = 1, .stride = 16);
}

static void test_bound_buffers(void)
{
   const VkBuffer buffers[] = {OBJECT(VkBuffer, BUFFER), VK_NULL_HANDLE, OBJECT(VkBuffer, OTHER)};
   const VkDeviceSize right[] = {0, UINT64_MAX, SIZE}, wrong[] = {0, 0, SIZE + 1}, sizes[] = {SIZE, 7, 0};
   const VkDeviceSize wrong_sizes[] = {SIZE + 1, 7, 0};

   GOOD_CMD(vkCmdBindVertexBuffers, .firstBinding = 29, .bindingCount = 3, .pBuffers = buffers, .pOffsets = right);
   GOOD_CMD(vkCmdBindVertexBuffers2, .bindingCount = 3, .pBuffers = buffers, .pOffsets = right, .pSizes = sizes);
   BAD_CMD("maxVertexInputBindings", vkCmdBindVertexBuffers, .firstBinding = 30, .bindingCount = 3, .pBuffers = buffers,
           .pOffsets = right);
   BAD_CMD("maxVertexInputBindings", vkCmdBindVertexBuffers, .firstBinding = UINT32_MAX, .bindingCount = 3,
           .pBuffers = buffers, .pOffsets = right);
   BAD_CMD("a buffer, which has", vkCmdBindVertexBuffers, .bindingCount = 3, .pBuffers = buffers, .pOffsets = wrong);
   BAD_CMD("a buffer, which has", vkCmdBindVertexBuffers2, .bindingCount = 3, .pBuffers = buffers, .pOffsets = right,
           .pSizes = wrong_sizes);
   GOOD_CMD(vkCmdBindIndexBuffer, .buffer = buffers[0], .offset = SIZE - 2);
   BAD_CMD("buffer, which has", vkCmdBindIndexBuffer, .buffer = buffers[0], .offset = SIZE + 2);
   GOOD_CMD(vkCmdBindTransformFeedbackBuffersEXT, .firstBinding = 3, .bindingCount = 1, .pBuffers = buffers,
            .pOffsets = right, .pSizes = sizes);
   BAD_CMD("maxTransformFeedbackBuffers", vkCmdBindTransformFeedbackBuffersEXT, .firstBinding = 4, .bindingCount = 1,
           .pBuffers = buffers, .pOffsets = right, .pSizes = sizes);
}

static void test_buffer_views(void)
{
   VkBufferViewCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                                  .buffer = OBJECT(VkBuffer, BUFFER),
                                  .offset = SIZE - 16,
                                  .range = 16};
   VkBufferView view = OBJECT(VkBufferView, FREE);

   GOOD(vkCreateBufferView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view);
   GOOD(vkDestroyBufferView, .device = DEVICE_OBJECT, .bufferView = view);
   info.range = 17;
   BAD("not all in buffer", vkCreateBufferView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view);
   info.range = UINT64_MAX - 8;
   BAD("not all in buffer", vkCreateBufferView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view);
}

static void test_queries(void)
{
   const VkQueryPool pool = OBJECT(VkQueryPool, QUERIES);
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   const VkQueryResultFlags flags = VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT;

   GOOD_CMD(vkCmdCopyQueryPoolResults, .queryPool = pool, .firstQuery = 5, .queryCount = 3, .dstBuffer = buffer,
            .dstOffset = SIZE - 4);
   GOOD_CMD(vkCmdCopyQueryPoolResults, .queryPool = pool, .queryCount = 3, .dstBuffer = buffer, .dstOffset = SIZE - 48,
            .stride = 16, .flags = flags);
   BAD_CMD("not all in dstBuffer", vkCmdCopyQueryPoolResults, .queryPool = pool, .queryCount = 3, .dstBuffer = buffer,
           .dstOffset = SIZE - 40, .stride = 16, .flags = flags);
   BAD_CMD("not all in dstBuffer", vkCmdCopyQueryPoolResults, .queryPool = pool, .queryCount = 3, .dstBuffer = buffer,
           .stride = UINT64_MAX / 2 + 2);
   BAD_CMD("not all in their pool", vkCmdCopyQueryPoolResults, .queryPool = pool, .firstQuery = 6, .queryCount = 3,
           .dstBuffer = buffer, .stride = 4);
}

/* --- images --- */

static VkImageSubresourceLayers layers(uint32_t level, uint32_t first, uint32_t count)
{
   return (VkImageSubresourceLayers){VK_IMAGE_ASPECT_COLOR_BIT, level, first, count};
}

static VkBufferImageCopy piece(VkImageSubresourceLayers where, VkOffset3D offset, VkExtent3D extent)
{
   return (VkBufferImageCopy){.imageSubresource = where, .imageOffset = offset, .imageExtent = extent};
}

static void test_image_pieces(void)
{
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   const VkBufferImageCopy right[] = {
      piece(layers(0, 2, 1), (VkOffset3D){60, 28, 0}, (VkExtent3D){4, 4, 1}),
      piece(layers(3, 0, 3), (VkOffset3D){0, 0, 0}, (VkExtent3D){8, 4, 1}),
      piece(layers(3, 1, VK_REMAINING_ARRAY_LAYERS), (VkOffset3D){7, 3, 0}, (VkExtent3D){1, 1, 1}),
   };
   const VkBufferImageCopy wrong[] = {
      piece(layers(4, 0, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){1, 1, 1}),
      piece(layers(0, 3, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){1, 1, 1}),
      piece(layers(0, 1, 3), (VkOffset3D){0, 0, 0}, (VkExtent3D){1, 1, 1}),
      piece(layers(0, 2, UINT32_MAX - 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){1, 1, 1}),
      piece(layers(0, 0, 1), (VkOffset3D){61, 28, 0}, (VkExtent3D){4, 4, 1}),
      piece(layers(0, 0, 1), (VkOffset3D){0, -1, 0}, (VkExtent3D){4, 4, 1}),
      piece(layers(0, 0, 1), (VkOffset3D){0, 0, 1}, (VkExtent3D){4, 4, 1}),
      piece(layers(0, 0, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){4, 4, 2}),
      piece(layers(0, 0, 1), (VkOffset3D){8, 0, 0}, (VkExtent3D){UINT32_MAX - 7, 4, 1}),
      piece(layers(1, 0, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){33, 1, 1}),
   };
   const VkImage image = OBJECT(VkImage, IMAGE);

   GOOD_CMD(vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = image, .regionCount = 3, .pRegions = right);
   GOOD_CMD(vkCmdCopyImageToBuffer, .srcImage = image, .dstBuffer = buffer, .regionCount = 3, .pRegions = right);
   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
      BAD_CMD("not in the image of 64x32x1", vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = image,
              .regionCount = 1, .pRegions = &wrong[i]);
      BAD_CMD("not in the image of 64x32x1", vkCmdCopyImageToBuffer, .srcImage = image, .dstBuffer = buffer,
              .regionCount = 1, .pRegions = &wrong[i]);
   }
}

/* What a copy takes of a buffer follows from the format. */
static void test_image_bytes(void)
{
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   const VkImage image = OBJECT(VkImage, IMAGE), blocks = OBJECT(VkImage, BLOCKS), volume = OBJECT(VkImage, VOLUME);
   VkBufferImageCopy region = piece(layers(0, 0, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){64, 16, 1});

   GOOD_CMD(vkCmdCopyImageToBuffer, .srcImage = image, .dstBuffer = buffer, .regionCount = 1, .pRegions = &region);
   region.bufferOffset = 4;
   BAD_CMD("4096 bytes from 4 on", vkCmdCopyImageToBuffer, .srcImage = image, .dstBuffer = buffer, .regionCount = 1,
           .pRegions = &region);
   region.bufferOffset = 0;
   region.bufferRowLength = 65;
   BAD_CMD("4156 bytes from 0 on", vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = image, .regionCount = 1,
           .pRegions = &region);
   region.bufferRowLength = UINT32_MAX;
   BAD_CMD("the buffer, which has", vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = image, .regionCount = 1,
           .pRegions = &region);

   region = piece(layers(0, 0, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){30, 30, 1}); /* 8x8 blocks of 16 bytes */
   region.bufferOffset = SIZE - 1024;
   GOOD_CMD(vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = blocks, .regionCount = 1, .pRegions = &region);
   region.bufferOffset += 16;
   BAD_CMD("1024 bytes", vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = blocks, .regionCount = 1,
           .pRegions = &region);

   region = piece(layers(0, 0, 1), (VkOffset3D){0, 0, 15}, (VkExtent3D){16, 16, 1});
   GOOD_CMD(vkCmdCopyImageToBuffer, .srcImage = volume, .dstBuffer = buffer, .regionCount = 1, .pRegions = &region);
   region.imageExtent.depth = 2;
   BAD_CMD("texels are not in", vkCmdCopyImageToBuffer, .srcImage = volume, .dstBuffer = buffer, .regionCount = 1,
           .pRegions = &region);
   region.imageOffset.z = 14;
   BAD_CMD("8192 bytes", vkCmdCopyImageToBuffer, .srcImage = volume, .dstBuffer = buffer, .regionCount = 1,
           .pRegions = &region);
}

static void test_image_copies(void)
{
   const VkImage image = OBJECT(VkImage, IMAGE), blocks = OBJECT(VkImage, BLOCKS), volume = OBJECT(VkImage, VOLUME);
   const VkOffset3D zero = {0, 0, 0};
   VkImageCopy region = {layers(0, 0, 1), zero, layers(0, 0, 1), zero, {16, 16, 1}};

   GOOD_CMD(vkCmdCopyImage, .srcImage = image, .dstImage = volume, .regionCount = 1, .pRegions = &region);
   region.dstOffset.z = 16;
   BAD_CMD("of 16x16x16", vkCmdCopyImage, .srcImage = image, .dstImage = volume, .regionCount = 1, .pRegions = &region);
   region.dstOffset.z = 13; /* layers become slices */
   region.srcSubresource.layerCount = region.extent.depth = 3;
   GOOD_CMD(vkCmdCopyImage, .srcImage = image, .dstImage = volume, .regionCount = 1, .pRegions = &region);

   /* One texel of 16 bytes is a block: 8x8 of them are 32x32 texels, of which there are 30. */
   region = (VkImageCopy){layers(0, 0, 1), zero, layers(0, 0, 1), zero, {8, 8, 1}};
   GOOD_CMD(vkCmdCopyImage, .srcImage = volume, .dstImage = blocks, .regionCount = 1, .pRegions = &region);
   region.extent.width = 9;
   BAD_CMD("of 30x30x1", vkCmdCopyImage, .srcImage = volume, .dstImage = blocks, .regionCount = 1, .pRegions = &region);
   region.extent = (VkExtent3D){30, 30, 1};
   region.dstOffset = (VkOffset3D){8, 8, 0};
   GOOD_CMD(vkCmdCopyImage, .srcImage = blocks, .dstImage = volume, .regionCount = 1, .pRegions = &region);
   region.dstOffset.x = 9;
   BAD_CMD("of 16x16x16", vkCmdCopyImage, .srcImage = blocks, .dstImage = volume, .regionCount = 1,
           .pRegions = &region);

   VkImageResolve resolve = {layers(0, 0, 1), zero, layers(3, 0, 1), zero, {8, 4, 1}};
   GOOD_CMD(vkCmdResolveImage, .srcImage = image, .dstImage = image, .regionCount = 1, .pRegions = &resolve);
   resolve.extent.height = 5;
   BAD_CMD("texels are not in", vkCmdResolveImage, .srcImage = image, .dstImage = image, .regionCount = 1,
           .pRegions = &resolve);

   VkImageBlit blit = {layers(0, 0, 1), {{64, 32, 1}, {0, 0, 0}}, layers(1, 0, 1), {{0, 0, 0}, {32, 16, 1}}};
   GOOD_CMD(vkCmdBlitImage, .srcImage = image, .dstImage = image, .regionCount = 1, .pRegions = &blit);
   blit.srcOffsets[1].x = -1;
   BAD_CMD("texels are not in", vkCmdBlitImage, .srcImage = image, .dstImage = image, .regionCount = 1,
           .pRegions = &blit);
   blit.srcOffsets[1].x = 0;
   blit.dstOffsets[1].x = 33;
   BAD_CMD("texels are not in", vkCmdBlitImage, .srcImage = image, .dstImage = image, .regionCount = 1,
           .pRegions = &blit);
}

static void test_image_ranges(void)
{
   const VkClearColorValue color = {.uint32 = {0}};
   VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 3, VK_REMAINING_MIP_LEVELS, 1, 2};
   VkImageViewCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                 .image = OBJECT(VkImage, VOLUME),
                                 .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 1, 1, 4, 4}};
   VkImageView view = OBJECT(VkImageView, FREE);

   GOOD_CMD(vkCmdClearColorImage, .image = OBJECT(VkImage, IMAGE), .pColor = &color, .rangeCount = 1,
            .pRanges = &range);
   range.layerCount = 3;
   BAD_CMD("a level or a layer", vkCmdClearColorImage, .image = OBJECT(VkImage, IMAGE), .pColor = &color,
           .rangeCount = 1, .pRanges = &range);
   range.layerCount = 1;
   range.baseMipLevel = 4;
   BAD_CMD("a level or a layer", vkCmdClearColorImage, .image = OBJECT(VkImage, IMAGE), .pColor = &color,
           .rangeCount = 1, .pRanges = &range);
   GOOD(vkCreateImageView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view); /* slices */
   GOOD(vkDestroyImageView, .device = DEVICE_OBJECT, .imageView = view);
   info.subresourceRange.layerCount = 5;
   BAD("a level or a layer", vkCreateImageView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view);
   info.subresourceRange = (VkImageSubresourceRange){VK_IMAGE_ASPECT_COLOR_BIT, 1, 2, 0, 1};
   BAD("a level or a layer", vkCreateImageView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view);
}

static void test_image_creation(void)
{
   static const struct {
      VkExtent3D extent;
      uint32_t levels, layers, samples;
      VkImageType type;
   } wrong[] = {
      {{0, 4, 1}, 1, 1, 1, VK_IMAGE_TYPE_2D}, {{4, 4, 1}, 4, 1, 1, VK_IMAGE_TYPE_2D},
      {{4, 4, 1}, 0, 1, 1, VK_IMAGE_TYPE_2D}, {{4, 4, 1}, UINT32_MAX, 1, 1, VK_IMAGE_TYPE_2D},
      {{4, 4, 1}, 1, 0, 1, VK_IMAGE_TYPE_2D}, {{4, 4, 1}, 1, 1, 3, VK_IMAGE_TYPE_2D},
      {{4, 4, 2}, 1, 1, 1, VK_IMAGE_TYPE_2D}, {{4, 4, 1}, 1, 1, 1, VK_IMAGE_TYPE_1D},
      {{4, 4, 4}, 1, 2, 1, VK_IMAGE_TYPE_3D},
   };
   VkImage image = OBJECT(VkImage, FREE);

   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
      const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                      .imageType = wrong[i].type,
                                      .format = VK_FORMAT_R8_UNORM,
                                      .extent = wrong[i].extent,
                                      .mipLevels = wrong[i].levels,
                                      .arrayLayers = wrong[i].layers,
                                      .samples = (VkSampleCountFlagBits)wrong[i].samples};
      BAD("there is no image of", vkCreateImage, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pImage = &image);
   }
}

/* --- memory --- */

static void test_bindings(void)
{
   const VkMemoryAllocateInfo memory_info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = (VkDeviceSize)2 * SIZE, .memoryTypeIndex = 1};
   VkDeviceMemory memory = OBJECT(VkDeviceMemory, MEMORY);
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   VkBindImageMemoryInfo info = {.sType = VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO,
                                 .image = OBJECT(VkImage, IMAGE),
                                 .memory = memory,
                                 .memoryOffset = 2 * SIZE + 1};
   static const VkDeviceSize wrong[] = {SIZE + 1, UINT64_MAX - SIZE + 1, UINT64_MAX};

   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
      GOOD(vkAllocateMemory, .device = DEVICE_OBJECT, .pAllocateInfo = &memory_info, .pMemory = &memory);
      BAD("are not all in the memory", vkBindBufferMemory, .device = DEVICE_OBJECT, .buffer = buffer, .memory = memory,
          .memoryOffset = wrong[i]);
   }
   GOOD(vkAllocateMemory, .device = DEVICE_OBJECT, .pAllocateInfo = &memory_info, .pMemory = &memory);
   GOOD(vkBindBufferMemory, .device = DEVICE_OBJECT, .buffer = buffer, .memory = memory, .memoryOffset = SIZE);
   BAD("are not all in the memory", vkBindImageMemory2, .device = DEVICE_OBJECT, .bindInfoCount = 1,
       .pBindInfos = &info);
   info.memory = VK_NULL_HANDLE;
   BAD("its memory is missing", vkBindImageMemory2, .device = DEVICE_OBJECT, .bindInfoCount = 1, .pBindInfos = &info);
}

int main(void)
{
   open_all();
   test_bindings();
   test_buffer_ranges();
   test_indirect();
   test_bound_buffers();
   test_buffer_views();
   test_queries();
   test_image_pieces();
   test_image_bytes();
   test_image_copies();
   test_image_ranges();
   test_image_creation();
   session_close();
   return check_finish();
}
