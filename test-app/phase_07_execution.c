/* SPDX-License-Identifier: MIT */
/* Phase 7: real work of the copy and raster hardware: copies, clears, blits, resolves, on buffers and on images of all
 * shapes. Every byte that comes back is compared with what it must be. */

#include <stdlib.h>
#include <string.h>

#include "test-app/app.h"

#define STAGING_SIZE (4u << 20)

struct fixture {
   struct app_context ctx;
   struct app_test *test;
   struct app_buffer upload;
   struct app_buffer readback;
   uint8_t *expected; /* STAGING_SIZE */
   uint64_t seed;
};

static bool fixture_create(struct app_test *t, struct fixture *f)
{
   memset(f, 0, sizeof(*f));
   f->test = t;
   f->seed = 4711;
   f->expected = calloc(1, STAGING_SIZE);
   return CHECK(t, f->expected != NULL) && app_context_create(t, &f->ctx) &&
          app_buffer_create(&f->ctx, &f->upload, STAGING_SIZE, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, APP_MEMORY_UPLOAD) &&
          app_buffer_create(&f->ctx, &f->readback, STAGING_SIZE, VK_BUFFER_USAGE_TRANSFER_DST_BIT, APP_MEMORY_READBACK);
}

static void fixture_destroy(struct fixture *f)
{
   app_buffer_destroy(&f->ctx, &f->readback);
   app_buffer_destroy(&f->ctx, &f->upload);
   app_context_destroy(&f->ctx);
   free(f->expected);
}

static bool has_graphics(const struct fixture *f)
{
   return (f->ctx.queues[0].flags & VK_QUEUE_GRAPHICS_BIT) != 0;
}

static void cmd_to_source(VkCommandBuffer commands, const struct app_image *image)
{
   app_cmd_image_layout(commands, image->handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                        VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
}

static void cmd_to_target(VkCommandBuffer commands, const struct app_image *image)
{
   app_cmd_image_layout(commands, image->handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_UNDEFINED,
                        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
}

/* Level 0 and layer 0 of an image, whole, from offset 0 of a buffer or to it. */
static VkBufferImageCopy whole(uint32_t width, uint32_t height, VkImageAspectFlags aspect)
{
   return (VkBufferImageCopy){
      .imageSubresource = {aspect, 0, 0, 1},
      .imageExtent = {width, height, 1},
   };
}

/* A line of device buffers; each step moves pieces of odd sizes to other places. */
static void check_copy_chain(struct fixture *f)
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

struct clear_case {
   VkFormat format;
   VkClearColorValue color;
   uint32_t size;
   uint8_t texel[16];
};

static const struct clear_case clear_cases[] = {
   {VK_FORMAT_R8G8B8A8_UNORM, {.float32 = {0.2f, 0.4f, 0.6f, 1.0f}}, 4, {51, 102, 153, 255}},
   {VK_FORMAT_B8G8R8A8_UNORM, {.float32 = {0.2f, 0.4f, 0.6f, 0.0f}}, 4, {153, 102, 51, 0}},
   {VK_FORMAT_R8_UINT, {.uint32 = {0x7f}}, 1, {0x7f}},
   {VK_FORMAT_R16G16_SINT, {.int32 = {-2, 258}}, 4, {0xfe, 0xff, 0x02, 0x01}},
   {VK_FORMAT_R32_UINT, {.uint32 = {0x89abcdef}}, 4, {0xef, 0xcd, 0xab, 0x89}},
   {VK_FORMAT_R16G16B16A16_SFLOAT, {.float32 = {1.0f, -2.0f, 0.5f, 0.0f}}, 8, {0, 0x3c, 0, 0xc0, 0, 0x38, 0, 0}},
   {VK_FORMAT_R32G32B32A32_SFLOAT,
    {.float32 = {1.0f, -2.0f, 0.5f, 0.0f}},
    16,
    {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0, 0, 0, 0}},
};

/* Three levels; the middle one is cleared a second time, to zero. */
static void check_clear(struct fixture *f, const struct clear_case *c)
{
   enum { WIDTH = 37, HEIGHT = 21, LEVELS = 3 };
   const VkClearColorValue zero = {.uint32 = {0, 0, 0, 0}};
   const VkImageSubresourceRange all = {VK_IMAGE_ASPECT_COLOR_BIT, 0, LEVELS, 0, 1};
   const VkImageSubresourceRange middle = {VK_IMAGE_ASPECT_COLOR_BIT, 1, 1, 0, 1};
   VkImageCreateInfo info =
      app_image_info(c->format, WIDTH, HEIGHT, VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
   VkBufferImageCopy regions[LEVELS];
   struct app_image image = {0};
   uint32_t offset = 0;
   info.mipLevels = LEVELS;
   if (!app_image_supported(&f->ctx, &info)) {
      app_note(f->test, "format %d cannot be copied", (int)c->format);
      return;
   }
   VkCommandBuffer commands = VK_NULL_HANDLE;
   if (!app_image_create(&f->ctx, &image, &info, 0))
      goto done;
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   cmd_to_target(commands, &image);
   vkCmdClearColorImage(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &c->color, 1, &all);
   app_cmd_barrier(commands);
   vkCmdClearColorImage(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &zero, 1, &middle);
   cmd_to_source(commands, &image);
   for (uint32_t level = 0; level < LEVELS; level++) {
      regions[level] = whole(WIDTH >> level, HEIGHT >> level, VK_IMAGE_ASPECT_COLOR_BIT);
      regions[level].imageSubresource.mipLevel = level;
      regions[level].bufferOffset = offset;
      uint32_t texels = (WIDTH >> level) * (HEIGHT >> level);
      for (uint32_t i = 0; i < texels; i++) {
         uint8_t *texel = f->expected + offset + i * c->size;
         memset(texel, 0, c->size);
         if (level != 1)
            memcpy(texel, c->texel, c->size);
      }
      memset(f->expected + offset + texels * c->size, 0xee, 16);
      offset += (texels * c->size + 15) / 16 * 16;
   }
   memset(f->readback.map, 0xee, offset);
   vkCmdCopyImageToBuffer(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle, LEVELS,
                          regions);
   app_cmd_barrier(commands);
   if (app_commands_run(&f->ctx, commands))
      CHECK_BYTES(f->test, f->expected, f->readback.map, offset);
done:
   app_image_destroy(&f->ctx, &image);
}

static void check_depth_clear(struct fixture *f, VkFormat format, float depth, uint32_t size, const uint8_t *texel)
{
   enum { SIZE = 33 };
   VkImageCreateInfo info =
      app_image_info(format, SIZE, SIZE, VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
   VkClearDepthStencilValue value = {depth, 0};
   VkImageSubresourceRange range = {VK_IMAGE_ASPECT_DEPTH_BIT, 0, 1, 0, 1};
   VkBufferImageCopy region = whole(SIZE, SIZE, VK_IMAGE_ASPECT_DEPTH_BIT);
   struct app_image image = {0};
   if (!app_image_supported(&f->ctx, &info))
      return;
   VkCommandBuffer commands = VK_NULL_HANDLE;
   if (!app_image_create(&f->ctx, &image, &info, 0))
      goto done;
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   app_cmd_image_layout(commands, image.handle, VK_IMAGE_ASPECT_DEPTH_BIT, VK_IMAGE_LAYOUT_UNDEFINED,
                        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
   vkCmdClearDepthStencilImage(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &value, 1, &range);
   app_cmd_image_layout(commands, image.handle, VK_IMAGE_ASPECT_DEPTH_BIT, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                        VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
   vkCmdCopyImageToBuffer(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle, 1, &region);
   app_cmd_barrier(commands);
   if (app_commands_run(&f->ctx, commands)) {
      for (uint32_t i = 0; i < SIZE * SIZE; i++)
         memcpy(f->expected + i * size, texel, size);
      CHECK_BYTES(f->test, f->expected, f->readback.map, SIZE * SIZE * size);
   }
done:
   app_image_destroy(&f->ctx, &image);
}

static void check_clears(struct fixture *f)
{
   for (uint32_t i = 0; i < APP_COUNT(clear_cases); i++)
      check_clear(f, &clear_cases[i]);
   if (!has_graphics(f))
      return;
   check_depth_clear(f, VK_FORMAT_D16_UNORM, 1.0f, 2, (const uint8_t[]){0xff, 0xff});
   check_depth_clear(f, VK_FORMAT_D16_UNORM, 0.0f, 2, (const uint8_t[]){0, 0});
   check_depth_clear(f, VK_FORMAT_D32_SFLOAT, 0.25f, 4, (const uint8_t[]){0, 0, 0x80, 0x3e});
}

/* Random texels to an image and back, all levels and layers, through a buffer layout with longer rows. */
static void check_round_trip(struct fixture *f, const VkImageCreateInfo *info, uint32_t texel)
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
   app_random_bytes(&f->seed, f->upload.map, STAGING_SIZE / 4);
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
   cmd_to_target(commands, &image);
   vkCmdCopyBufferToImage(commands, f->upload.handle, image.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                          info->mipLevels, up);
   cmd_to_source(commands, &image);
   vkCmdCopyImageToBuffer(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle,
                          info->mipLevels, down);
   app_cmd_barrier(commands);
   if (CHECK(f->test, up_offset <= STAGING_SIZE / 4) && app_commands_run(&f->ctx, commands))
      CHECK_BYTES(f->test, f->expected, f->readback.map, down_offset);
done:
   app_image_destroy(&f->ctx, &image);
}

static void check_round_trips(struct fixture *f)
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

#define PAIR_WIDTH 48
#define PAIR_HEIGHT 32

typedef void pair_work(struct fixture *f, VkCommandBuffer commands, VkImage from, VkImage to);

/* Random texels into one RGBA8 image, zero into another of the given format and size, some work between the two, and
 * the second one back into the readback buffer. */
static bool run_pair(struct fixture *f, VkFormat format, uint32_t width, uint32_t height, pair_work *work)
{
   const VkImageUsageFlags usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   const VkClearColorValue zero = {.uint32 = {0, 0, 0, 0}};
   const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
   VkImageCreateInfo from_info = app_image_info(VK_FORMAT_R8G8B8A8_UNORM, PAIR_WIDTH, PAIR_HEIGHT, usage);
   VkImageCreateInfo to_info = app_image_info(format, width, height, usage);
   VkBufferImageCopy up = whole(PAIR_WIDTH, PAIR_HEIGHT, VK_IMAGE_ASPECT_COLOR_BIT);
   VkBufferImageCopy down = whole(width, height, VK_IMAGE_ASPECT_COLOR_BIT);
   struct app_image from = {0};
   struct app_image to = {0};
   bool good = app_image_create(&f->ctx, &from, &from_info, 0) && app_image_create(&f->ctx, &to, &to_info, 0);
   VkCommandBuffer commands = good ? app_commands_begin(&f->ctx) : VK_NULL_HANDLE;
   good = commands != VK_NULL_HANDLE;
   if (good) {
      memset(f->readback.map, 0xee, width * height * 4);
      cmd_to_target(commands, &from);
      cmd_to_target(commands, &to);
      vkCmdCopyBufferToImage(commands, f->upload.handle, from.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &up);
      vkCmdClearColorImage(commands, to.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &zero, 1, &range);
      cmd_to_source(commands, &from);
      app_cmd_barrier(commands);
      work(f, commands, from.handle, to.handle);
      cmd_to_source(commands, &to);
      vkCmdCopyImageToBuffer(commands, to.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle, 1, &down);
      app_cmd_barrier(commands);
      good = app_commands_run(&f->ctx, commands);
   }
   app_image_destroy(&f->ctx, &to);
   app_image_destroy(&f->ctx, &from);
   return good;
}

static const uint8_t *source_texel(struct fixture *f, uint32_t x, uint32_t y)
{
   return (const uint8_t *)f->upload.map + (y * PAIR_WIDTH + x) * 4;
}

static void random_source(struct fixture *f)
{
   app_random_bytes(&f->seed, f->upload.map, PAIR_WIDTH * PAIR_HEIGHT * 4);
}

static const VkImageSubresourceLayers color_layer = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};

static void work_image_copy(struct fixture *f, VkCommandBuffer commands, VkImage from, VkImage to)
{
   const VkImageCopy regions[2] = {
      {color_layer, {3, 5, 0}, color_layer, {11, 2, 0}, {17, 9, 1}},
      {color_layer, {0, 0, 0}, color_layer, {40, 25, 0}, {5, 6, 1}},
   };
   (void)f;
   vkCmdCopyImage(commands, from, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, to, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 2,
                  regions);
}

static void check_image_copy(struct fixture *f)
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

static void work_blit_double(struct fixture *f, VkCommandBuffer commands, VkImage from, VkImage to)
{
   (void)f;
   cmd_blit(commands, from, to, VK_FILTER_NEAREST, (VkOffset3D){0, 0, 0},
            (VkOffset3D){2 * PAIR_WIDTH, 2 * PAIR_HEIGHT, 1});
}

static void work_blit_flip(struct fixture *f, VkCommandBuffer commands, VkImage from, VkImage to)
{
   (void)f;
   cmd_blit(commands, from, to, VK_FILTER_NEAREST, (VkOffset3D){PAIR_WIDTH, PAIR_HEIGHT, 0}, (VkOffset3D){0, 0, 1});
}

static void work_blit_half(struct fixture *f, VkCommandBuffer commands, VkImage from, VkImage to)
{
   (void)f;
   cmd_blit(commands, from, to, VK_FILTER_LINEAR, (VkOffset3D){0, 0, 0},
            (VkOffset3D){PAIR_WIDTH / 2, PAIR_HEIGHT / 2, 1});
}

static void check_blits(struct fixture *f)
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
static void check_resolve(struct fixture *f)
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
   VkBufferImageCopy down = whole(SIZE, SIZE, VK_IMAGE_ASPECT_COLOR_BIT);
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
   cmd_to_target(commands, &many);
   cmd_to_target(commands, &one);
   vkCmdClearColorImage(commands, many.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &color, 1, &range);
   cmd_to_source(commands, &many);
   vkCmdResolveImage(commands, many.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, one.handle,
                     VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
   cmd_to_source(commands, &one);
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

#define PASS_SIZE 50

static bool pass_create(struct fixture *f, const struct app_image *image, VkRenderPass *pass,
                        VkFramebuffer *framebuffer)
{
   VkAttachmentDescription attachment = {
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
      .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
      .finalLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
   };
   VkAttachmentReference reference = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
   VkSubpassDescription subpass = {.colorAttachmentCount = 1, .pColorAttachments = &reference};
   VkRenderPassCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment,
      .subpassCount = 1,
      .pSubpasses = &subpass,
   };
   if (!VK_CHECK(f->test, vkCreateRenderPass(f->ctx.device, &info, NULL, pass)))
      return false;
   VkFramebufferCreateInfo framebuffer_info = {
      .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
      .renderPass = *pass,
      .attachmentCount = 1,
      .pAttachments = &image->view,
      .width = PASS_SIZE,
      .height = PASS_SIZE,
      .layers = 1,
   };
   return VK_CHECK(f->test, vkCreateFramebuffer(f->ctx.device, &framebuffer_info, NULL, framebuffer));
}

/* A render pass that draws nothing: cleared when it begins, two rectangles cleared inside it. */
static void check_pass_clears(struct fixture *f)
{
   VkImageCreateInfo info = app_image_info(VK_FORMAT_R8G8B8A8_UNORM, PASS_SIZE, PASS_SIZE,
                                           VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT);
   const VkClearValue ground = {.color = {.float32 = {0.2f, 0.4f, 0.6f, 1.0f}}};
   const VkClearAttachment inner = {VK_IMAGE_ASPECT_COLOR_BIT, 0, {.color = {.float32 = {1.0f, 0.0f, 0.0f, 1.0f}}}};
   const VkClearRect rects[2] = {{{{7, 9}, {20, 11}}, 0, 1}, {{{30, 30}, {20, 20}}, 0, 1}};
   VkBufferImageCopy down = whole(PASS_SIZE, PASS_SIZE, VK_IMAGE_ASPECT_COLOR_BIT);
   VkRenderPass pass = VK_NULL_HANDLE;
   VkFramebuffer framebuffer = VK_NULL_HANDLE;
   struct app_image image = {0};
   VkCommandBuffer commands = VK_NULL_HANDLE;
   if (!app_image_create(&f->ctx, &image, &info, VK_IMAGE_ASPECT_COLOR_BIT) ||
       !pass_create(f, &image, &pass, &framebuffer))
      goto done;
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   VkRenderPassBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
      .renderPass = pass,
      .framebuffer = framebuffer,
      .renderArea = {{0, 0}, {PASS_SIZE, PASS_SIZE}},
      .clearValueCount = 1,
      .pClearValues = &ground,
   };
   vkCmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
   vkCmdClearAttachments(commands, 1, &inner, 2, rects);
   vkCmdEndRenderPass(commands);
   app_cmd_barrier(commands);
   vkCmdCopyImageToBuffer(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle, 1, &down);
   app_cmd_barrier(commands);
   if (!app_commands_run(&f->ctx, commands))
      goto done;
   for (uint32_t y = 0; y < PASS_SIZE; y++) {
      for (uint32_t x = 0; x < PASS_SIZE; x++) {
         bool red = (x >= 7 && x < 27 && y >= 9 && y < 20) || (x >= 30 && y >= 30);
         memcpy(f->expected + (y * PASS_SIZE + x) * 4,
                red ? (const uint8_t[]){255, 0, 0, 255} : (const uint8_t[]){51, 102, 153, 255}, 4);
      }
   }
   CHECK_BYTES(f->test, f->expected, f->readback.map, PASS_SIZE * PASS_SIZE * 4);
done:
   vkDestroyFramebuffer(f->ctx.device, framebuffer, NULL);
   vkDestroyRenderPass(f->ctx.device, pass, NULL);
   app_image_destroy(&f->ctx, &image);
}

/* The newer forms of the copy commands do what the older ones do. */
static void work_copy2(struct fixture *f, VkCommandBuffer commands, VkImage from, VkImage to)
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

static void check_copy2(struct fixture *f)
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

void phase_execution(struct app_test *t)
{
   struct fixture f;
   if (fixture_create(t, &f)) {
      check_copy_chain(&f);
      check_clears(&f);
      check_round_trips(&f);
      check_image_copy(&f);
      check_copy2(&f);
      if (has_graphics(&f)) {
         check_blits(&f);
         check_resolve(&f);
         check_pass_clears(&f);
      } else {
         app_note(t, "no graphics queue; blits, resolves and render passes are left out");
      }
   }
   fixture_destroy(&f);
}
