/* SPDX-License-Identifier: MIT */
/* Copies between an image and the application's memory, on a driver that shows what it is given: the bytes that have
 * come with the request, and the driver's own bytes, which go back with the reply; under either name of its functions.
 */
#include <vulkan/vulkan.h>

#include "tests/unit/check.h"

#ifdef VK_EXT_host_image_copy

#include <sys/socket.h>
#include <unistd.h>

#include "common/net/frame.h"
#include "server/core/device.h"
#include "server/core/instance.h"
#include "tests/unit/null_session.h"

enum { IMAGE = FIRST_OBJECT };

#define SIZE ((size_t)1000)

/* --- the driver --- */

static const char *suffix; /* of the names of its functions */
static VkResult result;
static unsigned calls;
static uint8_t given[2][SIZE];
static int client_fd;

static VKAPI_ATTR VkResult VKAPI_CALL copy_to_image(VkDevice device, const VkCopyMemoryToImageInfoEXT *info)
{
   (void)device;
   calls++;
   CHECK((uintptr_t)info->dstImage == vps_object_find(&ctx.objects, objects[IMAGE].id)->handle);
   CHECK(info->dstImageLayout == VK_IMAGE_LAYOUT_GENERAL && info->flags == 0 && info->regionCount == 2);
   for (uint32_t i = 0; i < 2; i++) {
      CHECK(info->pRegions[i].memoryRowLength == 25 && info->pRegions[i].imageOffset.x == (int32_t)i);
      CHECK(info->pRegions[i].imageExtent.width == 10 && info->pRegions[i].imageSubresource.mipLevel == i);
      memcpy(given[i], info->pRegions[i].pHostPointer, SIZE);
   }
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL copy_to_memory(VkDevice device, const VkCopyImageToMemoryInfoEXT *info)
{
   (void)device;
   calls++;
   CHECK((uintptr_t)info->srcImage == vps_object_find(&ctx.objects, objects[IMAGE].id)->handle);
   CHECK(info->regionCount == 1 && info->pRegions[0].imageExtent.width == 10);
   memset(info->pRegions[0].pHostPointer, 0x5c, SIZE);
   return result;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL find(VkDevice device, const char *name)
{
   static const struct null_function functions[] = {{"vkCopyMemoryToImage", (PFN_vkVoidFunction)copy_to_image},
                                                    {"vkCopyImageToMemory", (PFN_vkVoidFunction)copy_to_memory}};
   (void)device;
   for (unsigned i = 0; suffix && i < 2; i++) {
      const size_t length = strlen(functions[i].name);
      if (!strncmp(name, functions[i].name, length) && !strcmp(name + length, suffix))
         return functions[i].function;
   }
   return NULL;
}

/* --- the client --- */

static void create_image(void)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .imageType = VK_IMAGE_TYPE_2D,
                                   .format = VK_FORMAT_R8G8B8A8_UNORM,
                                   .extent = {32, 32, 1},
                                   .mipLevels = 2,
                                   .arrayLayers = 1,
                                   .samples = VK_SAMPLE_COUNT_1_BIT,
                                   .usage = VK_IMAGE_USAGE_HOST_TRANSFER_BIT_EXT};
   VkImage image = OBJECT(VkImage, IMAGE);
   DO(vkCreateImage, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pImage = &image);
}

/* Executes what was encoded and gives a decoder for its reply. */
static struct vp_decoder reply_of(struct vp_frame *frame, struct vp_arena *arena)
{
   struct vp_decoder reply;
   CHECK(session_run());
   CHECK(vp_frame_read(&VP_CHANNEL(client_fd), frame, 20000) == VP_FRAME_OK && frame->header.type == VP_FRAME_REPLY);
   vp_decoder_init(&reply, frame->payload, frame->header.length, arena);
   reply.keep_ids = true;
   return reply;
}

/* Asks for a reply and decodes it into the call. */
#define ASK(name, call)                                   \
   do {                                                   \
      struct vp_frame frame = {0};                        \
      struct vp_arena arena;                              \
      vp_arena_init(&arena, 1 << 20);                     \
      vp_request_##name(&enc, 1, call);                   \
      struct vp_decoder reply = reply_of(&frame, &arena); \
      vp_reply_##name(&reply, call);                      \
      CHECK(!reply.error);                                \
      vp_arena_finish(&arena);                            \
      vp_frame_finish(&frame);                            \
   } while (0)

static VkResult write_image(const uint8_t *data)
{
   VkMemoryToImageCopyMESA regions[2];
   for (uint32_t i = 0; i < 2; i++)
      regions[i] = (VkMemoryToImageCopyMESA){.sType = VK_STRUCTURE_TYPE_MEMORY_TO_IMAGE_COPY_MESA,
                                             .dataSize = SIZE,
                                             .pData = data + i * SIZE,
                                             .memoryRowLength = 25,
                                             .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, i, 0, 1},
                                             .imageOffset = {(int32_t)i, 0, 0},
                                             .imageExtent = {10, 10, 1}};
   const VkCopyMemoryToImageInfoMESA info = {.sType = VK_STRUCTURE_TYPE_COPY_MEMORY_TO_IMAGE_INFO_MESA,
                                             .dstImage = OBJECT(VkImage, IMAGE),
                                             .dstImageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                             .regionCount = 2,
                                             .pRegions = regions};
   struct vp_cmd_vkCopyMemoryToImageMESA call = {.device = OBJECT(VkDevice, DEVICE), .pCopyMemoryToImageInfo = &info};
   ASK(vkCopyMemoryToImageMESA, &call);
   return call.ret;
}

static VkResult read_image(uint8_t *data)
{
   const VkCopyImageToMemoryInfoMESA info = {.sType = VK_STRUCTURE_TYPE_COPY_IMAGE_TO_MEMORY_INFO_MESA,
                                             .srcImage = OBJECT(VkImage, IMAGE),
                                             .srcImageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                             .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                             .imageExtent = {10, 10, 1}};
   struct vp_cmd_vkCopyImageToMemoryMESA call = {
      .device = OBJECT(VkDevice, DEVICE), .pCopyImageToMemoryInfo = &info, .dataSize = SIZE, .pData = data};
   ASK(vkCopyImageToMemoryMESA, &call);
   return call.ret;
}

/* As core functions, and as those of the extension. */
static void test_copies(const char *as)
{
   uint8_t data[2 * SIZE], read[SIZE] = {0};
   for (size_t i = 0; i < sizeof(data); i++)
      data[i] = (uint8_t)(i * 7);
   suffix = as;
   result = VK_SUCCESS;
   calls = 0;
   CHECK(write_image(data) == VK_SUCCESS);
   CHECK(!memcmp(given[0], data, SIZE) && !memcmp(given[1], data + SIZE, SIZE));
   CHECK(read_image(read) == VK_SUCCESS);
   CHECK(read[0] == 0x5c && !memcmp(read, read + 1, SIZE - 1));
   CHECK(calls == 2);
}

static void test_errors(void)
{
   uint8_t data[2 * SIZE] = {0};
   result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
   CHECK(write_image(data) == result);
   CHECK(read_image(data) == result);
}

/* A driver without the functions: the session ends. */
static void test_missing(void)
{
   const VkCopyMemoryToImageInfoMESA info = {.sType = VK_STRUCTURE_TYPE_COPY_MEMORY_TO_IMAGE_INFO_MESA,
                                             .dstImage = OBJECT(VkImage, IMAGE)};
   suffix = NULL;
   vp_request_vkCopyMemoryToImageMESA(
      &enc, 1,
      &(struct vp_cmd_vkCopyMemoryToImageMESA){.device = OBJECT(VkDevice, DEVICE), .pCopyMemoryToImageInfo = &info});
   CHECK(!vps_executor_run(&ctx, enc.start, vp_encoder_size(&enc)));
}

int main(void)
{
   int fds[2];
   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0))
      return check_finish();
   session_open();
   writer.channel.fd = fds[0];
   client_fd = fds[1];
   ctx.instance->functions.GetDeviceProcAddr = find;
   create_image();
   test_copies("");
   test_copies("EXT");
   test_errors();
   test_missing();
   session_close();
   close(fds[0]);
   close(fds[1]);
   return check_finish();
}

#else

int main(void)
{
   return check_skip("the registry of this build has no host image copies");
}

#endif
