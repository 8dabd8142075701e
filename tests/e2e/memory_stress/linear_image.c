/* SPDX-License-Identifier: MIT */
/* Images with linear tiling in mapped memory: the GPU clears them and copies to them, the host writes and reads their
 * texels, and owns what lies before and behind the image. */
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define TEXEL 4u
#define MAX_EXTENT 90u
#define SOURCE_SIZE (MAX_EXTENT * MAX_EXTENT * TEXEL)
#define MARGIN 5000u /* at most this before the image, and this behind it */

struct image {
   VkImage image;
   VkDeviceMemory memory;
   uint32_t width, height;
   uint32_t size, begin, end; /* of the memory, and where the image lies */
   VkSubresourceLayout layout;
   uint8_t *map, *model; /* of the memory; padding in the image is not meant */
};

static const VkImageSubresourceRange whole_range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
static const VkImageSubresourceLayers whole_layers = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};

static uint32_t row_offset(const struct image *image, uint32_t y)
{
   return image->begin + (uint32_t)(image->layout.offset + y * image->layout.rowPitch);
}

/* --- life of an image --- */

static void bind(struct worker *w, struct image *image)
{
   struct world *world = w->world;
   VkMemoryRequirements needs;
   vkGetImageMemoryRequirements(world->device, image->image, &needs);
   const uint32_t alignment = (uint32_t)needs.alignment;
   image->begin = below(&w->random, MARGIN) / alignment * alignment;
   image->end = image->begin + (uint32_t)needs.size;
   image->size = image->end + below(&w->random, MARGIN);
   const VkMemoryAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = image->size,
      .memoryTypeIndex = find_memory_type(world, needs.memoryTypeBits,
                                          VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT),
   };
   MUST(world, vkAllocateMemory(world->device, &allocate, NULL, &image->memory));
   MUST(world, vkBindImageMemory(world->device, image->image, image->memory, image->begin));
   MUST(world, vkMapMemory(world->device, image->memory, 0, VK_WHOLE_SIZE, 0, (void **)&image->map));
}

static void image_create(struct worker *w, struct image *image)
{
   struct world *world = w->world;
   image->width = 1 + below(&w->random, MAX_EXTENT);
   image->height = 1 + below(&w->random, MAX_EXTENT);
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UINT,
      .extent = {image->width, image->height, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_LINEAR,
      .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
      .initialLayout = VK_IMAGE_LAYOUT_PREINITIALIZED,
   };
   MUST(world, vkCreateImage(world->device, &info, NULL, &image->image));
   bind(w, image);
   vkGetImageSubresourceLayout(world->device, image->image, &(VkImageSubresource){VK_IMAGE_ASPECT_COLOR_BIT, 0, 0},
                               &image->layout);
   image->model = must_alloc(image->size);
   random_bytes(&w->random, image->model, image->size);
   memcpy(image->map, image->model, image->size);
}

static void image_destroy(struct world *world, struct image *image)
{
   vkDestroyImage(world->device, image->image, NULL);
   vkFreeMemory(world->device, image->memory, NULL);
   free(image->model);
}

/* --- uses --- */

static void record_layout_change(struct worker *w, const struct image *image)
{
   const VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_HOST_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
      .oldLayout = VK_IMAGE_LAYOUT_PREINITIALIZED,
      .newLayout = VK_IMAGE_LAYOUT_GENERAL,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image->image,
      .subresourceRange = whole_range,
   };
   vkCmdPipelineBarrier(w->commands, VK_PIPELINE_STAGE_HOST_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0, NULL, 1,
                        &barrier);
}

static void record_clear(struct worker *w, struct image *image)
{
   VkClearColorValue color;
   for (unsigned i = 0; i < 4; i++)
      color.uint32[i] = below(&w->random, 256);
   vkCmdClearColorImage(w->commands, image->image, VK_IMAGE_LAYOUT_GENERAL, &color, 1, &whole_range);
   for (uint32_t y = 0; y < image->height; y++) {
      uint8_t *row = image->model + row_offset(image, y);
      for (uint32_t i = 0; i < image->width * TEXEL; i++)
         row[i] = (uint8_t)color.uint32[i % 4];
   }
}

/* To rows from `y` on; returns how many. */
static uint32_t record_copy(struct worker *w, const struct mirror *source, struct image *image, uint32_t y)
{
   const uint32_t x = below(&w->random, image->width), width = 1 + below(&w->random, image->width - x);
   const uint32_t height = 1 + below(&w->random, image->height - y);
   const uint32_t offset = below(&w->random, (SOURCE_SIZE - width * height * TEXEL) / TEXEL + 1) * TEXEL;
   const VkBufferImageCopy region = {
      .bufferOffset = offset,
      .imageSubresource = whole_layers,
      .imageOffset = {(int32_t)x, (int32_t)y, 0},
      .imageExtent = {width, height, 1},
   };
   vkCmdCopyBufferToImage(w->commands, source->area.buffer, image->image, VK_IMAGE_LAYOUT_GENERAL, 1, &region);
   for (uint32_t row = 0; row < height; row++)
      memcpy(image->model + row_offset(image, y + row) + (size_t)x * TEXEL,
             source->model + offset + (size_t)row * width * TEXEL, (size_t)width * TEXEL);
   return height;
}

static void change_bytes(struct worker *w, struct image *image, uint32_t offset, uint32_t size)
{
   const uint32_t first = size ? below(&w->random, size) : 0;
   if (size)
      host_change(w, image->map + offset + first, image->model + offset + first, 1 + below(&w->random, size - first));
}

static void change_rows(struct worker *w, struct image *image, uint32_t begin, uint32_t end)
{
   for (unsigned i = begin < end ? below(&w->random, 20) : 0; i > 0; i--)
      change_bytes(w, image, row_offset(image, begin + below(&w->random, end - begin)), image->width * TEXEL);
}

static void compare_image(struct worker *w, const struct image *image)
{
   compare(w, "before an image", image->model, image->map, image->begin, 0);
   for (uint32_t y = 0; y < image->height; y++) {
      const uint32_t offset = row_offset(image, y);
      compare(w, "an image", image->model + offset, image->map + offset, (size_t)image->width * TEXEL, offset);
   }
   compare(w, "behind an image", image->model + image->end, image->map + image->end, image->size - image->end,
           image->end);
}

/* A clear, a copy, or both; then the host changes rows that the copy has not. */
static void use_image(struct worker *w, struct image *image, bool first)
{
   const struct mirror *source = w->part_state;
   const uint32_t begin = below(&w->random, image->height);
   const bool clears = one_in(&w->random, 3);
   uint32_t end = begin;
   change_rows(w, image, 0, image->height);
   gpu_begin(w);
   if (first)
      record_layout_change(w, image);
   if (clears)
      record_clear(w, image);
   gpu_barrier(w);
   if (!clears || one_in(&w->random, 2))
      end += record_copy(w, source, image, begin);
   gpu_barrier(w);
   gpu_submit(w);
   change_bytes(w, image, 0, image->begin);
   change_bytes(w, image, image->end, image->size - image->end);
   if (!clears) {
      change_rows(w, image, 0, begin);
      change_rows(w, image, end, image->height);
   }
   gpu_wait(w);
   compare_image(w, image);
   gpu_recycle(w);
}

static void linear_image_round(struct worker *w)
{
   struct image image = {0};
   image_create(w, &image);
   for (unsigned i = 0, count = 1 + below(&w->random, 5); i < count; i++)
      use_image(w, &image, i == 0);
   image_destroy(w->world, &image);
}

static const char *linear_image_lacks(const struct world *world)
{
   const VkFormatFeatureFlags wanted = VK_FORMAT_FEATURE_TRANSFER_SRC_BIT | VK_FORMAT_FEATURE_TRANSFER_DST_BIT;
   VkFormatProperties format;
   vkGetPhysicalDeviceFormatProperties(world->gpu, VK_FORMAT_R8G8B8A8_UINT, &format);
   return (format.linearTilingFeatures & wanted) == wanted ? NULL : "the GPU has no linear images of that format";
}

static void *linear_image_create(struct world *world, uint64_t *random)
{
   struct mirror *source = must_alloc(sizeof(*source)); /* of texels to copy */
   mirror_create(world, source, SOURCE_SIZE, COPY_USAGE, random);
   return source;
}

static void linear_image_destroy(struct world *world, void *part_state)
{
   mirror_destroy(world, part_state);
   free(part_state);
}

const struct part part_linear_image = {
   .name = "linear-image",
   .threads = 1,
   .lacks = linear_image_lacks,
   .create = linear_image_create,
   .round = linear_image_round,
   .destroy = linear_image_destroy,
};
