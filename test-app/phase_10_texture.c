/* SPDX-License-Identifier: MIT */
/* Phase 10: the texture, painted by the host, with smaller levels that the device makes and that are checked. */

#include <stdlib.h>

#include "test-app/phase_10_renderer.h"
#include "test-app/scene.h"

#define TEXTURE_LEVELS 9

static void cmd_level_layout(VkCommandBuffer commands, VkImage image, uint32_t level, VkImageLayout from,
                             VkAccessFlags from_access, VkImageLayout to, VkAccessFlags to_access,
                             VkPipelineStageFlags to_stage)
{
   VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = from_access,
      .dstAccessMask = to_access,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, level, 1, 0, 1},
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, to_stage, 0, 0, NULL, 0, NULL, 1, &barrier);
}

static VkBufferImageCopy level_copy(uint32_t level, VkDeviceSize offset)
{
   return (VkBufferImageCopy){
      .bufferOffset = offset,
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, 0, 1},
      .imageExtent = {SCENE_TEXTURE >> level, SCENE_TEXTURE >> level, 1},
   };
}

/* Level 0 from the buffer, each other level from the one above it by a blit, all levels back behind the first. */
static void cmd_make_levels(VkCommandBuffer commands, VkImage image, VkBuffer buffer)
{
   VkBufferImageCopy copy = level_copy(0, 0);
   VkDeviceSize offset = SCENE_TEXTURE * SCENE_TEXTURE * 4;
   app_cmd_image_layout(commands, image, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_UNDEFINED,
                        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
   vkCmdCopyBufferToImage(commands, buffer, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
   for (uint32_t level = 0; level < TEXTURE_LEVELS; level++) {
      int32_t size = SCENE_TEXTURE >> level;
      VkImageBlit blit = {
         .srcSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, 0, 1},
         .srcOffsets = {{0, 0, 0}, {size, size, 1}},
         .dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level + 1, 0, 1},
         .dstOffsets = {{0, 0, 0}, {size / 2, size / 2, 1}},
      };
      cmd_level_layout(commands, image, level, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT,
                       VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT,
                       VK_PIPELINE_STAGE_TRANSFER_BIT);
      if (level + 1 < TEXTURE_LEVELS)
         vkCmdBlitImage(commands, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, image,
                        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &blit, VK_FILTER_LINEAR);
      copy = level_copy(level, offset);
      vkCmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, buffer, 1, &copy);
      offset += (VkDeviceSize)size * size * 4;
   }
   for (uint32_t level = 0; level < TEXTURE_LEVELS; level++)
      cmd_level_layout(commands, image, level, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, 0,
                       VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_ACCESS_SHADER_READ_BIT,
                       VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT);
   app_cmd_barrier(commands);
}

/* Level 0 is what was painted; each smaller one is the mean of four texels of the level above, give or take rounding.
 * All levels follow each other. */
static void check_levels(struct renderer *r, const uint8_t *painted, const uint8_t *levels)
{
   const uint8_t *above = levels;
   uint32_t size = SCENE_TEXTURE;
   if (!CHECK(r->test, levels != NULL))
      return;
   CHECK_BYTES(r->test, painted, levels, SCENE_TEXTURE * SCENE_TEXTURE * 4);
   for (uint32_t level = 1; level < TEXTURE_LEVELS; level++) {
      const uint8_t *now = above + (size_t)size * size * 4;
      bool good = true;
      uint32_t half = size / 2;
      for (uint32_t i = 0; i < half * half * 4; i++) {
         const uint8_t *corner = above + ((size_t)(i / 4 / half) * 2 * size + i / 4 % half * 2) * 4 + i % 4;
         int sum = corner[0] + corner[4] + corner[size * 4] + corner[size * 4 + 4];
         good &= abs(4 * now[i] - sum) <= 8;
      }
      CHECK(r->test, good);
      above = now;
      size = half;
   }
}

bool renderer_create_texture(struct renderer *r)
{
   VkImageCreateInfo info =
      app_image_info(VK_FORMAT_R8G8B8A8_UNORM, SCENE_TEXTURE, SCENE_TEXTURE,
                     VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
   const size_t painted = SCENE_TEXTURE * SCENE_TEXTURE * 4;
   struct app_buffer staging = {0};
   bool good;
   info.mipLevels = TEXTURE_LEVELS;
   good = app_image_create(&r->ctx, &r->texture, &info, VK_IMAGE_ASPECT_COLOR_BIT) &&
          app_buffer_create(&r->ctx, &staging, 3 * painted,
                            VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT, APP_MEMORY_READBACK);
   VkCommandBuffer commands = good ? app_commands_begin(&r->ctx) : VK_NULL_HANDLE;
   if (commands) {
      scene_paint(staging.map);
      cmd_make_levels(commands, r->texture.handle, staging.handle);
   }
   good = app_commands_run(&r->ctx, commands);
   if (good)
      check_levels(r, staging.map, (const uint8_t *)staging.map + painted);
   app_buffer_destroy(&r->ctx, &staging);
   if (!good)
      return false;
   VkSamplerCreateInfo sampler = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .magFilter = VK_FILTER_LINEAR,
      .minFilter = VK_FILTER_LINEAR,
      .mipmapMode = VK_SAMPLER_MIPMAP_MODE_LINEAR,
      .maxLod = VK_LOD_CLAMP_NONE,
   };
   return VK_CHECK(r->test, vkCreateSampler(r->ctx.device, &sampler, NULL, &r->sampler));
}
