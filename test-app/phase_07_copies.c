/* SPDX-License-Identifier: MIT */
/* Phase 7: copies between buffers, and from buffers to images and back. */

#include <string.h>

#include "test-app/phase_07_execution.h"

/* A line of device buffers; each step moves pieces of odd sizes to other places. */
void execution_check_copy_chain(struct execution *f)
{
   enum { LENGTH = 12, PIECES = 61, PIECE = 1021, SIZE = PIECES * PIECE };
   struct app_buffer chain[LENGTH];
   VkBufferCopy regions[PIECES];
   uint8_t *now = f->expected;
   uint8_t *next = f->expected + SIZE;
   VkCommandBuffer commands = VK_NULL_HANDLE;
   memset(chain, 0, sizeof(chain));
   for (uint32_t i = 0; i < LENGTH; i++) {
      if (!app_buffer_create(&f->ctx, &chain[i], SIZE,
                             VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT, APP_MEMORY_DEVICE))
         goto done;
   }
   app_random_bytes(&f->seed, now, SIZE);
   memcpy(f->upload.map, now, SIZE);
   memset(f->readback.map, 0, SIZE + 4);
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   vkCmdCopyBuffer(commands, f->upload.handle, chain[0].handle, 1, &(VkBufferCopy){0, 0, SIZE});
   for (uint32_t i = 1; i < LENGTH; i++) {
      for (uint32_t p = 0; p < PIECES; p++) {
         regions[p] = (VkBufferCopy){p * PIECE, (p * (2 * i + 1) + i) % PIECES * PIECE, PIECE};
         memcpy(next + regions[p].dstOffset, now + regions[p].srcOffset, PIECE);
      }
      uint8_t *swap = now;
      now = next;
      next = swap;
      app_cmd_barrier(commands);
      vkCmdCopyBuffer(commands, chain[i - 1].handle, chain[i].handle, PIECES, regions);
   }
   app_cmd_barrier(commands);
   vkCmdCopyBuffer(commands, chain[LENGTH - 1].handle, f->readback.handle, 1, &(VkBufferCopy){0, 1, SIZE});
   app_cmd_barrier(commands);
   if (app_commands_run(&f->ctx, commands)) {
      const uint8_t *got = f->readback.map;
      CHECK_BYTES(f->test, now, got + 1, SIZE);
      CHECK_EQ(f->test, 0, got[0]);
      CHECK_EQ(f->test, 0, got[SIZE + 1]);
   }
done:
   for (uint32_t i = 0; i < LENGTH; i++)
      app_buffer_destroy(&f->ctx, &chain[i]);
}

/* Random texels to an image and back, all levels and layers, through a buffer layout with longer rows. */
static void check_round_trip(struct execution *f, const VkImageCreateInfo *info, uint32_t texel)
{
   VkBufferImageCopy up[16];
   VkBufferImageCopy down[16];
   uint32_t up_offset = 0;
   uint32_t down_offset = 0;
   struct app_image image = {0};
   VkCommandBuffer commands = VK_NULL_HANDLE;
   const uint8_t *source = f->upload.map;
   if (!CHECK(f->test, info->mipLevels <= APP_COUNT(up)) || !app_image_supported(&f->ctx, info))
      return;
   if (!app_image_create(&f->ctx, &image, info, 0))
      goto done;
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   app_random_bytes(&f->seed, f->upload.map, EXECUTION_STAGING / 4);
   for (uint32_t level = 0; level < info->mipLevels; level++) {
      VkExtent3D size = {info->extent.width >> level, info->extent.height >> level, info->extent.depth >> level};
      size.width += size.width == 0;
      size.height += size.height == 0;
      size.depth += size.depth == 0;
      uint32_t row = size.width + 5;
      uint32_t slice = row * (size.height + 3);
      uint32_t slices = size.depth * info->arrayLayers;
      up[level] = (VkBufferImageCopy){
         .bufferOffset = up_offset,
         .bufferRowLength = row,
         .bufferImageHeight = size.height + 3,
         .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, 0, info->arrayLayers},
         .imageExtent = size,
      };
      down[level] = up[level];
      down[level].bufferOffset = down_offset;
      down[level].bufferRowLength = 0;
      down[level].bufferImageHeight = 0;
      for (uint32_t z = 0; z < slices; z++) {
         for (uint32_t y = 0; y < size.height; y++)
            memcpy(f->expected + down_offset + (z * size.height + y) * size.width * texel,
                   source + up_offset + (z * slice + y * row) * texel, size.width * texel);
      }
      up_offset += (slice * slices * texel + 15) / 16 * 16;
      uint32_t bytes = size.width * size.height * slices * texel;
      memset(f->expected + down_offset + bytes, 0, 16);
      down_offset += (bytes + 15) / 16 * 16;
   }
   memset(f->readback.map, 0, down_offset);
   execution_cmd_to_target(commands, &image);
   vkCmdCopyBufferToImage(commands, f->upload.handle, image.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                          info->mipLevels, up);
   execution_cmd_to_source(commands, &image);
   vkCmdCopyImageToBuffer(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle,
                          info->mipLevels, down);
   app_cmd_barrier(commands);
   if (CHECK(f->test, up_offset <= EXECUTION_STAGING / 4) && app_commands_run(&f->ctx, commands))
      CHECK_BYTES(f->test, f->expected, f->readback.map, down_offset);
done:
   app_image_destroy(&f->ctx, &image);
}

void execution_check_round_trips(struct execution *f)
{
   static const struct {
      VkFormat format;
      uint32_t texel;
   } formats[] = {
      {VK_FORMAT_R8_UINT, 1},  {VK_FORMAT_R16_UINT, 2},    {VK_FORMAT_R8G8B8A8_UNORM, 4},
      {VK_FORMAT_R32_UINT, 4}, {VK_FORMAT_R32G32_UINT, 8}, {VK_FORMAT_R32G32B32A32_UINT, 16},
   };
   const VkImageUsageFlags usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   for (uint32_t i = 0; i < APP_COUNT(formats); i++) {
      VkImageCreateInfo info = app_image_info(formats[i].format, 53, 41, usage);
      check_round_trip(f, &info, formats[i].texel);
      info.mipLevels = 6;
      info.arrayLayers = 3;
      check_round_trip(f, &info, formats[i].texel);
      info.imageType = VK_IMAGE_TYPE_1D;
      info.extent.height = 1;
      check_round_trip(f, &info, formats[i].texel);
      info = app_image_info(formats[i].format, 19, 13, usage);
      info.imageType = VK_IMAGE_TYPE_3D;
      info.extent.depth = 7;
      info.mipLevels = 3;
      check_round_trip(f, &info, formats[i].texel);
      info = app_image_info(formats[i].format, 64, 32, usage);
      info.tiling = VK_IMAGE_TILING_LINEAR;
      check_round_trip(f, &info, formats[i].texel);
   }
}
