/* SPDX-License-Identifier: MIT */
/* How many bytes a copy between an image and the application's memory takes. */
#include <vulkan/vulkan.h>

#include "tests/unit/check.h"

#ifdef VK_EXT_host_image_copy

#include "client/memory/resource.h"
#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"

PEER_CODEC(vkCopyMemoryToImageMESA)
PEER_CODEC(vkCopyImageToMemoryMESA)

static const struct peer_command commands[] = {PEER_COMMAND(vkCopyMemoryToImageMESA),
                                               PEER_COMMAND(vkCopyImageToMemoryMESA)};

#define WIDTH 4u
#define HEIGHT 2u
#define LAYERS 5u

static struct peer peer;
static struct vp_image image = {
   .resource.base = {.id = 600, .type = VK_OBJECT_TYPE_IMAGE}, .format = VK_FORMAT_R8G8B8A8_UNORM, .layers = LAYERS};

static void check(uint32_t base, uint32_t count, uint32_t expected, unsigned *seen)
{
   static uint8_t pixels[WIDTH * HEIGHT * 4 * LAYERS];
   const VkMemoryToImageCopyEXT in = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_TO_IMAGE_COPY_EXT,
      .pHostPointer = pixels,
      .imageSubresource = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, .baseArrayLayer = base, .layerCount = count},
      .imageExtent = {WIDTH, HEIGHT, 1},
   };
   const VkCopyMemoryToImageInfoEXT to = {.sType = VK_STRUCTURE_TYPE_COPY_MEMORY_TO_IMAGE_INFO_EXT,
                                          .dstImage = VP_TO_HANDLE(VkImage, &image),
                                          .regionCount = 1,
                                          .pRegions = &in};
   const VkImageToMemoryCopyEXT out = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_TO_MEMORY_COPY_EXT,
      .pHostPointer = pixels,
      .imageSubresource = in.imageSubresource,
      .imageExtent = in.imageExtent,
   };
   const VkCopyImageToMemoryInfoEXT from = {.sType = VK_STRUCTURE_TYPE_COPY_IMAGE_TO_MEMORY_INFO_EXT,
                                            .srcImage = VP_TO_HANDLE(VkImage, &image),
                                            .regionCount = 1,
                                            .pRegions = &out};
   CHECK(vp_vkCopyMemoryToImage(peer_device(&peer), &to) == VK_SUCCESS);
   const struct vp_cmd_vkCopyMemoryToImageMESA *written = peer_next(&peer, seen, VP_CMD_vkCopyMemoryToImageMESA);
   CHECK(written && written->pCopyMemoryToImageInfo->pRegions[0].dataSize == WIDTH * HEIGHT * 4 * expected);
   CHECK(vp_vkCopyImageToMemory(peer_device(&peer), &from) == VK_SUCCESS);
   const struct vp_cmd_vkCopyImageToMemoryMESA *read = peer_next(&peer, seen, VP_CMD_vkCopyImageToMemoryMESA);
   CHECK(read && read->dataSize == WIDTH * HEIGHT * 4 * expected);
}

int main(void)
{
   unsigned seen = 0;
   peer_start(&peer, commands, sizeof(commands) / sizeof(*commands), NULL);
   check(0, 1, 1, &seen);
   check(1, 3, 3, &seen);
   check(0, VK_REMAINING_ARRAY_LAYERS, LAYERS, &seen);
   check(2, VK_REMAINING_ARRAY_LAYERS, LAYERS - 2, &seen);
   peer_stop(&peer);
   return check_finish();
}

#else

int main(void)
{
   return check_skip("the registry of this build has no host image copies");
}

#endif
