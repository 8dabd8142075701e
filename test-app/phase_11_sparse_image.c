/* SPDX-License-Identifier: MIT */
/* Phase 11: an image of which every other tile has memory, and the smallest levels; then one tile's memory becomes
 * another's. What is there is copied out, and looked at by a shader that can tell where there is none. */

#include <stdlib.h>
#include <string.h>

#include "test-app/phase_11_sparse.h"
#include "test-app/shaders.h"

#define TILES_X 4
#define TILES_Y 3
#define TILES (TILES_X * TILES_Y)
#define LEVELS 5
#define MAX_REQUIREMENTS 4

struct sparse_image {
   VkImage handle;
   VkImageView view;
   VkDeviceMemory memory;
   VkMemoryRequirements needs;
   VkExtent3D tile;
   uint32_t width;
   uint32_t height;
   bool has_tail; /* the smallest level has memory */
   bool bound[TILES];
   struct app_buffer painted; /* level 0, then the smallest level */
   struct app_buffer copied;  /* the same, read back */
};

/* What is painted at a place; each painting differs. */
static uint32_t paint(uint32_t x, uint32_t y, uint32_t round)
{
   const uint32_t wave = (x ^ y) & 255;
   return 0xff000000 | wave | ((x / 2) & 255) << (round ? 16 : 8) | ((255 - wave) / 2) << (round ? 8 : 16);
}

static size_t smallest_level(const struct sparse_image *image)
{
   return (size_t)(image->width >> (LEVELS - 1)) * (image->height >> (LEVELS - 1));
}

static bool create_image(struct sparse *s, struct sparse_image *image, uint32_t width, uint32_t height)
{
   VkImageCreateInfo info =
      app_image_info(VK_FORMAT_R8G8B8A8_UNORM, width, height,
                     VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
   info.flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT | VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT;
   info.mipLevels = LEVELS;
   image->width = width;
   image->height = height;
   return VK_CHECK(s->m->test, vkCreateImage(s->m->ctx.device, &info, NULL, &image->handle));
}

static bool create_image_of_tiles(struct sparse *s, struct sparse_image *image)
{
   VkSparseImageFormatProperties formats[MAX_REQUIREMENTS];
   uint32_t count = MAX_REQUIREMENTS;
   vkGetPhysicalDeviceSparseImageFormatProperties(
      s->m->ctx.physical, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D, VK_SAMPLE_COUNT_1_BIT,
      VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
      VK_IMAGE_TILING_OPTIMAL, &count, formats);
   if (!CHECK(s->m->test, count > 0))
      return false;
   image->tile = formats[0].imageGranularity;
   return CHECK(s->m->test, image->tile.width >= 32 && image->tile.width <= 1024 && image->tile.height >= 32 &&
                               image->tile.height <= 1024) &&
          create_image(s, image, TILES_X * image->tile.width, TILES_Y * image->tile.height);
}

/* Fills in what has to be bound whole, the smallest levels and what the driver keeps for itself; its size is given. */
static VkDeviceSize tails(struct sparse *s, struct sparse_image *image, VkDeviceSize offset, VkSparseMemoryBind *binds,
                          uint32_t *count)
{
   VkSparseImageMemoryRequirements needs[MAX_REQUIREMENTS];
   VkDeviceSize size = 0;
   uint32_t needs_count = MAX_REQUIREMENTS;
   vkGetImageSparseMemoryRequirements(s->m->ctx.device, image->handle, &needs_count, needs);
   *count = 0;
   for (uint32_t i = 0; i < needs_count; i++) {
      const bool metadata = needs[i].formatProperties.aspectMask & VK_IMAGE_ASPECT_METADATA_BIT;
      if (needs[i].imageMipTailSize == 0 || (!metadata && needs[i].imageMipTailFirstLod >= LEVELS))
         continue;
      image->has_tail |= !metadata;
      binds[(*count)++] = (VkSparseMemoryBind){
         .resourceOffset = needs[i].imageMipTailOffset,
         .size = needs[i].imageMipTailSize,
         .memoryOffset = offset + size,
         .flags = metadata ? VK_SPARSE_MEMORY_BIND_METADATA_BIT : 0,
      };
      size += needs[i].imageMipTailSize;
   }
   return size;
}

/* Where tile i lies, bound to a block of memory, or to none. */
static VkSparseImageMemoryBind tile_bind(const struct sparse_image *image, uint32_t i, bool bound, uint32_t block)
{
   return (VkSparseImageMemoryBind){
      .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0},
      .offset = {(int32_t)(i % TILES_X * image->tile.width), (int32_t)(i / TILES_X * image->tile.height), 0},
      .extent = image->tile,
      .memory = bound ? image->memory : VK_NULL_HANDLE,
      .memoryOffset = bound ? block * image->needs.alignment : 0,
   };
}

static bool bind_every_other(struct sparse *s, struct sparse_image *image)
{
   VkSparseMemoryBind whole[MAX_REQUIREMENTS];
   VkSparseImageMemoryBind tiles[TILES];
   uint32_t whole_count;
   uint32_t count = 0;
   VkSparseImageOpaqueMemoryBindInfo opaque = {.image = image->handle, .pBinds = whole};
   VkSparseImageMemoryBindInfo binds = {.image = image->handle, .pBinds = tiles};
   VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .pImageOpaqueBinds = &opaque,
      .imageBindCount = 1,
      .pImageBinds = &binds,
   };
   vkGetImageMemoryRequirements(s->m->ctx.device, image->handle, &image->needs);
   const VkDeviceSize blocks = TILES / 2 * image->needs.alignment;
   const VkDeviceSize size = blocks + tails(s, image, blocks, whole, &whole_count);
   if (!CHECK(s->m->test, size <= 64u << 20) || !sparse_allocate(s, &image->needs, size, &image->memory))
      return false;
   for (uint32_t i = 0; i < whole_count; i++)
      whole[i].memory = image->memory;
   for (uint32_t i = 0; i < TILES; i++) {
      image->bound[i] = (i % TILES_X + i / TILES_X) % 2 == 0;
      if (image->bound[i]) {
         tiles[count] = tile_bind(image, i, true, count);
         count++;
      }
   }
   opaque.bindCount = whole_count;
   binds.bindCount = count;
   info.imageOpaqueBindCount = whole_count > 0;
   return sparse_bind(s, &info);
}

/* The first tile's memory becomes the second's. */
static bool move_a_tile(struct sparse *s, struct sparse_image *image)
{
   const VkSparseImageMemoryBind tiles[2] = {tile_bind(image, 0, false, 0), tile_bind(image, 1, true, 0)};
   const VkSparseImageMemoryBindInfo binds = {image->handle, 2, tiles};
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .imageBindCount = 1,
      .pImageBinds = &binds,
   };
   image->bound[0] = false;
   image->bound[1] = true;
   return sparse_bind(s, &info);
}

static bool create_rest(struct sparse *s, struct sparse_image *image)
{
   const VkDeviceSize size = ((VkDeviceSize)image->width * image->height + smallest_level(image)) * 4;
   const VkImageViewCreateInfo view = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image->handle,
      .viewType = VK_IMAGE_VIEW_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
   };
   return VK_CHECK(s->m->test, vkCreateImageView(s->m->ctx.device, &view, NULL, &image->view)) &&
          app_buffer_create(&s->m->ctx, &image->painted, size, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, APP_MEMORY_UPLOAD) &&
          app_buffer_create(&s->m->ctx, &image->copied, size, VK_BUFFER_USAGE_TRANSFER_DST_BIT, APP_MEMORY_READBACK);
}

/* Level 0 and, where it has memory, the smallest level. */
static uint32_t copies(const struct sparse_image *image, VkBufferImageCopy regions[2])
{
   regions[0] = (VkBufferImageCopy){
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {image->width, image->height, 1},
   };
   regions[1] = (VkBufferImageCopy){
      .bufferOffset = (VkDeviceSize)image->width * image->height * 4,
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, LEVELS - 1, 0, 1},
      .imageExtent = {image->width >> (LEVELS - 1), image->height >> (LEVELS - 1), 1},
   };
   return image->has_tail ? 2 : 1;
}

/* Paints everything, also where there is no memory, and reads everything back. */
static bool paint_and_copy(struct sparse *s, struct sparse_image *image, uint32_t round)
{
   VkBufferImageCopy regions[2];
   const uint32_t count = copies(image, regions);
   uint32_t *words = image->painted.map;
   VkCommandBuffer commands = app_commands_begin(&s->m->ctx);
   if (!commands)
      return false;
   for (uint32_t y = 0; y < image->height; y++) {
      for (uint32_t x = 0; x < image->width; x++)
         *words++ = paint(x, y, round);
   }
   for (size_t i = 0; i < smallest_level(image); i++)
      *words++ = paint((uint32_t)i, round, round);
   app_cmd_image_layout(commands, image->handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_UNDEFINED,
                        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
   vkCmdCopyBufferToImage(commands, image->painted.handle, image->handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, count,
                          regions);
   app_cmd_image_layout(commands, image->handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                        VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
   vkCmdCopyImageToBuffer(commands, image->handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, image->copied.handle, count,
                          regions);
   app_cmd_image_layout(commands, image->handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                        VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
   app_cmd_barrier(commands);
   return app_commands_run(&s->m->ctx, commands);
}

static bool has_memory(const struct sparse_image *image, uint32_t x, uint32_t y)
{
   return image->bound[y / image->tile.height * TILES_X + x / image->tile.width];
}

static void check_copies(struct sparse *s, const struct sparse_image *image)
{
   const uint32_t *painted = image->painted.map;
   const uint32_t *copied = image->copied.map;
   const size_t texels = (size_t)image->width * image->height;
   uint32_t wrong = 0;
   uint32_t not_zero = 0;
   for (size_t i = 0; i < texels; i++) {
      if (has_memory(image, (uint32_t)(i % image->width), (uint32_t)(i / image->width)))
         wrong += copied[i] != painted[i];
      else
         not_zero += copied[i] != 0;
   }
   CHECK_EQ(s->m->test, 0, wrong);
   if (s->strict)
      CHECK_EQ(s->m->test, 0, not_zero);
   if (image->has_tail)
      CHECK_BYTES(s->m->test, painted + texels, copied + texels, smallest_level(image) * 4);
}

/* What the shader's picture must hold: whether there is memory, and the colour. */
static void check_seen(struct sparse *s, const struct sparse_image *image, const uint32_t *seen)
{
   const uint32_t *painted = image->painted.map;
   uint32_t wrong = 0;
   uint32_t not_zero = 0;
   for (uint32_t i = 0; i < MODERN_PIXELS; i++) {
      const uint32_t x = i % MODERN_WIDTH * image->width / MODERN_WIDTH;
      const uint32_t y = i / MODERN_WIDTH * image->height / MODERN_HEIGHT;
      const bool bound = has_memory(image, x, y);
      wrong += seen[2 * i] != bound || (bound && seen[2 * i + 1] != painted[(size_t)y * image->width + x]);
      not_zero += !bound && seen[2 * i + 1] != 0;
   }
   CHECK_EQ(s->m->test, 0, wrong);
   if (s->strict)
      CHECK_EQ(s->m->test, 0, not_zero);
}

/* Has a shader look at the image. */
static bool look(struct sparse *s, const struct sparse_image *image, VkSampler sampler, struct modern_set *set,
                 VkPipeline *pipeline, const struct app_buffer *seen)
{
   static const VkDescriptorType types[2] = {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                             VK_DESCRIPTOR_TYPE_STORAGE_BUFFER};
   struct modern *m = s->m;
   if (!modern_set_create(m, set, types, 2, VK_SHADER_STAGE_COMPUTE_BIT) ||
       !modern_compute_pipeline(m, &shader_sparse, set->layout, pipeline))
      return false;
   const VkDescriptorImageInfo texture = {sampler, image->view, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
   const VkDescriptorBufferInfo buffer = {seen->handle, 0, VK_WHOLE_SIZE};
   const VkWriteDescriptorSet writes[2] = {
      {
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstSet = set->set,
         .descriptorCount = 1,
         .descriptorType = types[0],
         .pImageInfo = &texture,
      },
      {
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstSet = set->set,
         .dstBinding = 1,
         .descriptorCount = 1,
         .descriptorType = types[1],
         .pBufferInfo = &buffer,
      },
   };
   vkUpdateDescriptorSets(m->ctx.device, 2, writes, 0, NULL);
   VkCommandBuffer commands = app_commands_begin(&m->ctx);
   if (!commands)
      return false;
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, *pipeline);
   vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, set->layout, 0, 1, &set->set, 0, NULL);
   vkCmdDispatch(commands, MODERN_WIDTH / 8, MODERN_HEIGHT / 8, 1);
   app_cmd_barrier(commands);
   return app_commands_run(&m->ctx, commands);
}

static void check_with_shader(struct sparse *s, const struct sparse_image *image)
{
   const VkSamplerCreateInfo nearest = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO};
   struct modern_set set = {0};
   struct app_buffer seen = {0};
   VkSampler sampler = VK_NULL_HANDLE;
   VkPipeline pipeline = VK_NULL_HANDLE;
   if (VK_CHECK(s->m->test, vkCreateSampler(s->m->ctx.device, &nearest, NULL, &sampler)) &&
       app_buffer_create(&s->m->ctx, &seen, (VkDeviceSize)MODERN_PIXELS * 8, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                         APP_MEMORY_READBACK) &&
       look(s, image, sampler, &set, &pipeline, &seen))
      check_seen(s, image, seen.map);
   app_buffer_destroy(&s->m->ctx, &seen);
   vkDestroyPipeline(s->m->ctx.device, pipeline, NULL);
   modern_set_destroy(s->m, &set);
   vkDestroySampler(s->m->ctx.device, sampler, NULL);
}

/* What was copied, grey where there is no memory. */
static void write_sparse_picture(struct sparse *s, const struct sparse_image *image)
{
   const uint8_t *copied = image->copied.map;
   uint8_t *rgba = malloc((size_t)MODERN_PIXELS * 4);
   if (!CHECK(s->m->test, rgba != NULL))
      return;
   for (uint32_t i = 0; i < MODERN_PIXELS; i++) {
      const uint32_t x = i % MODERN_WIDTH * image->width / MODERN_WIDTH;
      const uint32_t y = i / MODERN_WIDTH * image->height / MODERN_HEIGHT;
      if (has_memory(image, x, y))
         memcpy(rgba + (size_t)i * 4, copied + ((size_t)y * image->width + x) * 4, 4);
      else
         memcpy(rgba + (size_t)i * 4, (const uint8_t[4]){48, 48, 48, 255}, 4);
   }
   modern_picture(s->m, "sparse", rgba);
   free(rgba);
}

void sparse_check_image(struct sparse *s)
{
   struct sparse_image image = {0};
   bool good = create_image_of_tiles(s, &image) && bind_every_other(s, &image) && create_rest(s, &image);
   for (uint32_t round = 0; good && round < 2; round++) {
      good = (round == 0 || move_a_tile(s, &image)) && paint_and_copy(s, &image, round);
      if (!good)
         break;
      check_copies(s, &image);
      if (s->can_tell)
         check_with_shader(s, &image);
   }
   if (good)
      write_sparse_picture(s, &image);
   app_buffer_destroy(&s->m->ctx, &image.copied);
   app_buffer_destroy(&s->m->ctx, &image.painted);
   vkDestroyImageView(s->m->ctx.device, image.view, NULL);
   vkDestroyImage(s->m->ctx.device, image.handle, NULL);
   vkFreeMemory(s->m->ctx.device, image.memory, NULL);
}
