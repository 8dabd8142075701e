/* SPDX-License-Identifier: MIT */
/* Phase 7: from one image to another: copies in the old and the new form, blits, resolves. */

#include <stdlib.h>
#include <string.h>

#include "test-app/phase_07_execution.h"

#define PAIR_WIDTH 48
#define PAIR_HEIGHT 32

typedef void pair_work(struct execution *f, VkCommandBuffer commands, VkImage from, VkImage to);

/* Random texels into one RGBA8 image, zero into another of the given format and size, some work between the two, and
 * the second one back into the readback buffer. */
static bool run_pair(struct execution *f, VkFormat format, uint32_t width, uint32_t height, pair_work *work)
{
   const VkImageUsageFlags usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   const VkClearColorValue zero = {.uint32 = {0, 0, 0, 0}};
   const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
   VkImageCreateInfo from_info = app_image_info(VK_FORMAT_R8G8B8A8_UNORM, PAIR_WIDTH, PAIR_HEIGHT, usage);
   VkImageCreateInfo to_info = app_image_info(format, width, height, usage);
   VkBufferImageCopy up = execution_whole(PAIR_WIDTH, PAIR_HEIGHT, VK_IMAGE_ASPECT_COLOR_BIT);
   VkBufferImageCopy down = execution_whole(width, height, VK_IMAGE_ASPECT_COLOR_BIT);
   struct app_image from = {0};
   struct app_image to = {0};
   bool good = app_image_create(&f->ctx, &from, &from_info, 0) && app_image_create(&f->ctx, &to, &to_info, 0);
   VkCommandBuffer commands = good ? app_commands_begin(&f->ctx) : VK_NULL_HANDLE;
   good = commands != VK_NULL_HANDLE;
   if (good) {
      memset(f->readback.map, 0xee, width * height * 4);
      execution_cmd_to_target(commands, &from);
      execution_cmd_to_target(commands, &to);
      vkCmdCopyBufferToImage(commands, f->upload.handle, from.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &up);
      vkCmdClearColorImage(commands, to.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &zero, 1, &range);
      execution_cmd_to_source(commands, &from);
      app_cmd_barrier(commands);
      work(f, commands, from.handle, to.handle);
      execution_cmd_to_source(commands, &to);
      vkCmdCopyImageToBuffer(commands, to.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle, 1, &down);
      app_cmd_barrier(commands);
      good = app_commands_run(&f->ctx, commands);
   }
   app_image_destroy(&f->ctx, &to);
   app_image_destroy(&f->ctx, &from);
   return good;
}

static const uint8_t *source_texel(struct execution *f, uint32_t x, uint32_t y)
{
   return (const uint8_t *)f->upload.map + (y * PAIR_WIDTH + x) * 4;
}

static void random_source(struct execution *f)
{
   app_random_bytes(&f->seed, f->upload.map, PAIR_WIDTH * PAIR_HEIGHT * 4);
}

static const VkImageSubresourceLayers color_layer = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};

static void work_image_copy(struct execution *f, VkCommandBuffer commands, VkImage from, VkImage to)
{
   const VkImageCopy regions[2] = {
      {color_layer, {3, 5, 0}, color_layer, {11, 2, 0}, {17, 9, 1}},
      {color_layer, {0, 0, 0}, color_layer, {40, 25, 0}, {5, 6, 1}},
   };
   (void)f;
   vkCmdCopyImage(commands, from, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, to, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 2,
                  regions);
}

void execution_check_image_copy(struct execution *f)
{
   random_source(f);
   if (!run_pair(f, VK_FORMAT_R8G8B8A8_UNORM, PAIR_WIDTH, PAIR_HEIGHT, work_image_copy))
      return;
   memset(f->expected, 0, PAIR_WIDTH * PAIR_HEIGHT * 4);
   for (uint32_t y = 0; y < 9; y++)
      memcpy(f->expected + ((y + 2) * PAIR_WIDTH + 11) * 4, source_texel(f, 3, y + 5), 17 * 4);
   for (uint32_t y = 0; y < 6; y++)
      memcpy(f->expected + ((y + 25) * PAIR_WIDTH + 40) * 4, source_texel(f, 0, y), 5 * 4);
   CHECK_BYTES(f->test, f->expected, f->readback.map, PAIR_WIDTH * PAIR_HEIGHT * 4);
}

static void cmd_blit(VkCommandBuffer commands, VkImage from, VkImage to, VkFilter filter, VkOffset3D to_first,
                     VkOffset3D to_last)
{
   VkImageBlit region = {
      .srcSubresource = color_layer,
      .srcOffsets = {{0, 0, 0}, {PAIR_WIDTH, PAIR_HEIGHT, 1}},
      .dstSubresource = color_layer,
      .dstOffsets = {to_first, to_last},
   };
   vkCmdBlitImage(commands, from, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, to, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1,
                  &region, filter);
}

static void work_blit_double(struct execution *f, VkCommandBuffer commands, VkImage from, VkImage to)
{
   (void)f;
   cmd_blit(commands, from, to, VK_FILTER_NEAREST, (VkOffset3D){0, 0, 0},
            (VkOffset3D){2 * PAIR_WIDTH, 2 * PAIR_HEIGHT, 1});
}

static void work_blit_flip(struct execution *f, VkCommandBuffer commands, VkImage from, VkImage to)
{
   (void)f;
   cmd_blit(commands, from, to, VK_FILTER_NEAREST, (VkOffset3D){PAIR_WIDTH, PAIR_HEIGHT, 0}, (VkOffset3D){0, 0, 1});
}

static void work_blit_half(struct execution *f, VkCommandBuffer commands, VkImage from, VkImage to)
{
   (void)f;
   cmd_blit(commands, from, to, VK_FILTER_LINEAR, (VkOffset3D){0, 0, 0},
            (VkOffset3D){PAIR_WIDTH / 2, PAIR_HEIGHT / 2, 1});
}

void execution_check_blits(struct execution *f)
{
   random_source(f);
   if (run_pair(f, VK_FORMAT_R8G8B8A8_UNORM, 2 * PAIR_WIDTH, 2 * PAIR_HEIGHT, work_blit_double)) {
      for (uint32_t y = 0; y < 2 * PAIR_HEIGHT; y++) {
         for (uint32_t x = 0; x < 2 * PAIR_WIDTH; x++)
            memcpy(f->expected + (y * 2 * PAIR_WIDTH + x) * 4, source_texel(f, x / 2, y / 2), 4);
      }
      CHECK_BYTES(f->test, f->expected, f->readback.map, 4 * PAIR_WIDTH * PAIR_HEIGHT * 4);
   }
   /* Turned by half a turn, and red and blue change places in memory. */
   if (run_pair(f, VK_FORMAT_B8G8R8A8_UNORM, PAIR_WIDTH, PAIR_HEIGHT, work_blit_flip)) {
      for (uint32_t y = 0; y < PAIR_HEIGHT; y++) {
         for (uint32_t x = 0; x < PAIR_WIDTH; x++) {
            const uint8_t *from = source_texel(f, PAIR_WIDTH - 1 - x, PAIR_HEIGHT - 1 - y);
            memcpy(f->expected + (y * PAIR_WIDTH + x) * 4, (uint8_t[]){from[2], from[1], from[0], from[3]}, 4);
         }
      }
      CHECK_BYTES(f->test, f->expected, f->readback.map, PAIR_WIDTH * PAIR_HEIGHT * 4);
   }
   /* Half the size with a linear filter is the mean of four texels, give or take rounding. */
   if (run_pair(f, VK_FORMAT_R8G8B8A8_UNORM, PAIR_WIDTH / 2, PAIR_HEIGHT / 2, work_blit_half)) {
      const uint8_t *got = f->readback.map;
      bool good = true;
      for (uint32_t i = 0; i < PAIR_WIDTH / 2 * PAIR_HEIGHT / 2 * 4; i++) {
         uint32_t x = i / 4 % (PAIR_WIDTH / 2) * 2;
         uint32_t y = i / 4 / (PAIR_WIDTH / 2) * 2;
         int sum = source_texel(f, x, y)[i % 4] + source_texel(f, x + 1, y)[i % 4] + source_texel(f, x, y + 1)[i % 4] +
                   source_texel(f, x + 1, y + 1)[i % 4];
         good &= abs(4 * got[i] - sum) <= 8;
      }
      CHECK(f->test, good);
   }
}

/* A multisampled image, cleared and resolved. */
void execution_check_resolve(struct execution *f)
{
   enum { SIZE = 40 };
   const VkImageUsageFlags usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   const VkClearColorValue color = {.float32 = {1.0f, 0.2f, 0.0f, 0.6f}};
   const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
   VkImageCreateInfo many_info =
      app_image_info(VK_FORMAT_R8G8B8A8_UNORM, SIZE, SIZE, usage | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT);
   VkImageCreateInfo one_info = app_image_info(VK_FORMAT_R8G8B8A8_UNORM, SIZE, SIZE, usage);
   VkImageResolve region = {
      .srcSubresource = color_layer,
      .dstSubresource = color_layer,
      .extent = {SIZE, SIZE, 1},
   };
   VkBufferImageCopy down = execution_whole(SIZE, SIZE, VK_IMAGE_ASPECT_COLOR_BIT);
   struct app_image many = {0};
   struct app_image one = {0};
   VkCommandBuffer commands = VK_NULL_HANDLE;
   many_info.samples = VK_SAMPLE_COUNT_4_BIT;
   if (!CHECK(f->test, app_image_supported(&f->ctx, &many_info)))
      return;
   if (!app_image_create(&f->ctx, &many, &many_info, 0) || !app_image_create(&f->ctx, &one, &one_info, 0))
      goto done;
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   execution_cmd_to_target(commands, &many);
   execution_cmd_to_target(commands, &one);
   vkCmdClearColorImage(commands, many.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &color, 1, &range);
   execution_cmd_to_source(commands, &many);
   vkCmdResolveImage(commands, many.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, one.handle,
                     VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
   execution_cmd_to_source(commands, &one);
   vkCmdCopyImageToBuffer(commands, one.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle, 1, &down);
   app_cmd_barrier(commands);
   if (app_commands_run(&f->ctx, commands)) {
      for (uint32_t i = 0; i < SIZE * SIZE; i++)
         memcpy(f->expected + i * 4, (const uint8_t[]){255, 51, 0, 153}, 4);
      CHECK_BYTES(f->test, f->expected, f->readback.map, SIZE * SIZE * 4);
   }
done:
   app_image_destroy(&f->ctx, &one);
   app_image_destroy(&f->ctx, &many);
}

/* The newer forms of the copy commands do what the older ones do. */
static void work_copy2(struct execution *f, VkCommandBuffer commands, VkImage from, VkImage to)
{
   VkImageCopy2 copy = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_COPY_2,
      .srcSubresource = color_layer,
      .srcOffset = {0, 0, 0},
      .dstSubresource = color_layer,
      .dstOffset = {PAIR_WIDTH / 2, 0, 0},
      .extent = {PAIR_WIDTH / 2, PAIR_HEIGHT, 1},
   };
   VkCopyImageInfo2 copy_info = {
      .sType = VK_STRUCTURE_TYPE_COPY_IMAGE_INFO_2,
      .srcImage = from,
      .srcImageLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
      .dstImage = to,
      .dstImageLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
      .regionCount = 1,
      .pRegions = &copy,
   };
   VkBufferImageCopy2 up = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_IMAGE_COPY_2,
      .bufferRowLength = PAIR_WIDTH,
      .imageSubresource = color_layer,
      .imageExtent = {PAIR_WIDTH / 2, PAIR_HEIGHT, 1},
   };
   VkCopyBufferToImageInfo2 up_info = {
      .sType = VK_STRUCTURE_TYPE_COPY_BUFFER_TO_IMAGE_INFO_2,
      .srcBuffer = f->upload.handle,
      .dstImage = to,
      .dstImageLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
      .regionCount = 1,
      .pRegions = &up,
   };
   vkCmdCopyImage2(commands, &copy_info);
   vkCmdCopyBufferToImage2(commands, &up_info);
}

void execution_check_copy2(struct execution *f)
{
   if (f->ctx.api < VK_API_VERSION_1_3) {
      app_note(f->test, "no vkCmdCopyImage2 and the like (need Vulkan 1.3)");
      return;
   }
   random_source(f);
   if (!run_pair(f, VK_FORMAT_R8G8B8A8_UNORM, PAIR_WIDTH, PAIR_HEIGHT, work_copy2))
      return;
   for (uint32_t y = 0; y < PAIR_HEIGHT; y++) {
      uint8_t *row = f->expected + y * PAIR_WIDTH * 4;
      memcpy(row, source_texel(f, 0, y), PAIR_WIDTH * 2);
      memcpy(row + PAIR_WIDTH * 2, row, PAIR_WIDTH * 2);
   }
   CHECK_BYTES(f->test, f->expected, f->readback.map, PAIR_WIDTH * PAIR_HEIGHT * 4);
}
