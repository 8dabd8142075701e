/* SPDX-License-Identifier: MIT */
/* Sparse binding, on a driver that shows what it is given: each binding arrives as it was asked for, with the driver's
 * handles; a batch signals the queue's timeline and what the application wants; and where the driver has no memory for
 * the bindings, the batch binds nothing, signals nevertheless, and the client hears why. */
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "server/core/device.h"
#include "tests/unit/null_session.h"

enum { QUEUE = FIRST_OBJECT, MEMORY, BUFFER, IMAGE, WAITED, SIGNALLED };

#define PAGE ((VkDeviceSize)65536)

static int client_fd;
static uint64_t serial;

/* --- the driver --- */

static struct {
   unsigned calls;
   bool no_memory; /* for bindings */
   VkQueue queue;
   VkBindSparseInfo info;
   VkSparseMemoryBind buffer, opaque;
   VkSparseImageMemoryBind image;
   VkBuffer buffer_handle;
   VkImage image_handle;
   uint64_t last_value; /* of the last semaphore that is signalled */
} given;

static VKAPI_ATTR VkResult VKAPI_CALL bind_sparse(VkQueue queue, uint32_t count, const VkBindSparseInfo *infos,
                                                  VkFence fence)
{
   given.calls++;
   given.queue = queue;
   given.info = infos[0];
   if (infos[0].bufferBindCount) {
      given.buffer = infos[0].pBufferBinds[0].pBinds[0];
      given.buffer_handle = infos[0].pBufferBinds[0].buffer;
   }
   if (infos[0].imageOpaqueBindCount)
      given.opaque = infos[0].pImageOpaqueBinds[0].pBinds[0];
   if (infos[0].imageBindCount) {
      given.image = infos[0].pImageBinds[0].pBinds[0];
      given.image_handle = infos[0].pImageBinds[0].image;
   }
   const VkTimelineSemaphoreSubmitInfo *values = infos[0].pNext;
   CHECK(values && values->signalSemaphoreValueCount == infos[0].signalSemaphoreCount);
   given.last_value = values->pSignalSemaphoreValues[values->signalSemaphoreValueCount - 1];
   if (given.no_memory && infos[0].bufferBindCount)
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
   return null_vkQueueBindSparse(queue, count, infos, fence);
}

/* --- the client --- */

static uint64_t handle_of(unsigned which)
{
   return vps_object_find(&ctx.objects, objects[which].id)->handle;
}

static void create_objects(void)
{
   const VkDevice device = OBJECT(VkDevice, DEVICE);
   const VkDeviceQueueInfo2 queue_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2};
   const VkMemoryAllocateInfo memory_info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                             .allocationSize = 4 * PAGE};
   const VkBufferCreateInfo buffer_info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                           .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
                                           .size = 16 * PAGE,
                                           .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
   const VkImageCreateInfo image_info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                         .flags =
                                            VK_IMAGE_CREATE_SPARSE_BINDING_BIT | VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
                                         .imageType = VK_IMAGE_TYPE_2D,
                                         .format = VK_FORMAT_R8G8B8A8_UNORM,
                                         .extent = {1024, 1024, 1},
                                         .mipLevels = 1,
                                         .arrayLayers = 1,
                                         .samples = VK_SAMPLE_COUNT_1_BIT,
                                         .usage = VK_IMAGE_USAGE_SAMPLED_BIT};
   const VkSemaphoreCreateInfo semaphore_info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
   VkQueue queue = OBJECT(VkQueue, QUEUE);
   VkDeviceMemory memory = OBJECT(VkDeviceMemory, MEMORY);
   VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   VkImage image = OBJECT(VkImage, IMAGE);

   DO(vkGetDeviceQueue2, .device = device, .pQueueInfo = &queue_info, .pQueue = &queue);
   DO(vkAllocateMemory, .device = device, .pAllocateInfo = &memory_info, .pMemory = &memory);
   DO(vkCreateBuffer, .device = device, .pCreateInfo = &buffer_info, .pBuffer = &buffer);
   DO(vkCreateImage, .device = device, .pCreateInfo = &image_info, .pImage = &image);
   for (unsigned i = WAITED; i <= SIGNALLED; i++) {
      VkSemaphore semaphore = OBJECT(VkSemaphore, i);
      DO(vkCreateSemaphore, .device = device, .pCreateInfo = &semaphore_info, .pSemaphore = &semaphore);
   }
}

static void destroy_objects(void)
{
   const VkDevice device = OBJECT(VkDevice, DEVICE);
   for (unsigned i = WAITED; i <= SIGNALLED; i++)
      DO(vkDestroySemaphore, .device = device, .semaphore = OBJECT(VkSemaphore, i));
   DO(vkDestroyImage, .device = device, .image = OBJECT(VkImage, IMAGE));
   DO(vkDestroyBuffer, .device = device, .buffer = OBJECT(VkBuffer, BUFFER));
   DO(vkFreeMemory, .device = device, .memory = OBJECT(VkDeviceMemory, MEMORY));
}

/* Some of everything: the buffer's third page, the image's first, and one block of the image. */
static void bind_all(VkSemaphore wait, VkSemaphore signal)
{
   const VkDeviceMemory memory = OBJECT(VkDeviceMemory, MEMORY);
   const VkSparseMemoryBind buffer_page = {.resourceOffset = 2 * PAGE, .size = PAGE, .memory = memory};
   const VkSparseMemoryBind image_page = {.size = PAGE, .memory = memory, .memoryOffset = PAGE};
   const VkSparseImageMemoryBind block = {.subresource = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT},
                                          .offset = {128, 0, 0},
                                          .extent = {128, 128, 1},
                                          .memory = memory,
                                          .memoryOffset = 3 * PAGE};
   const VkSparseBufferMemoryBindInfo buffer_info = {
      .buffer = OBJECT(VkBuffer, BUFFER), .bindCount = 1, .pBinds = &buffer_page};
   const VkSparseImageOpaqueMemoryBindInfo opaque_info = {
      .image = OBJECT(VkImage, IMAGE), .bindCount = 1, .pBinds = &image_page};
   const VkSparseImageMemoryBindInfo image_info = {.image = OBJECT(VkImage, IMAGE), .bindCount = 1, .pBinds = &block};
   const VkBindSparseInfo info = {.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
                                  .waitSemaphoreCount = wait != VK_NULL_HANDLE,
                                  .pWaitSemaphores = &wait,
                                  .bufferBindCount = 1,
                                  .pBufferBinds = &buffer_info,
                                  .imageOpaqueBindCount = 1,
                                  .pImageOpaqueBinds = &opaque_info,
                                  .imageBindCount = 1,
                                  .pImageBinds = &image_info,
                                  .signalSemaphoreCount = signal != VK_NULL_HANDLE,
                                  .pSignalSemaphores = &signal};
   DO(vkQueueBindSparse, .queue = OBJECT(VkQueue, QUEUE), .bindInfoCount = 1, .pBindInfo = &info);
   serial++;
}

/* What the client has heard of the batch when it is complete. */
static VkResult result_of_batch(void)
{
   struct vp_frame frame = {0};
   VkResult result = VK_SUCCESS;
   for (uint64_t reached = 0; reached < serial;) {
      if (!CHECK(vp_frame_read(&VP_CHANNEL(client_fd), &frame, 20000) == VP_FRAME_OK))
         break;
      if (frame.header.type == VP_FRAME_PROGRESS) {
         reached = vp_bytes_load_u64(frame.payload);
         CHECK(vp_bytes_load_u32(frame.payload + 8) == VK_SUCCESS);
      } else if (frame.header.type == VP_FRAME_BATCH_ERROR) {
         CHECK(vp_bytes_load_u64(frame.payload) == serial);
         result = (VkResult)vp_bytes_load_u32(frame.payload + 8);
      } else {
         continue;
      }
      CHECK(frame.header.tag == objects[QUEUE].id);
   }
   vp_frame_finish(&frame);
   return result;
}

static void test_bindings(void)
{
   const uint64_t memory = handle_of(MEMORY);
   bind_all(OBJECT(VkSemaphore, WAITED), OBJECT(VkSemaphore, SIGNALLED));
   CHECK(given.calls == 1 && (uintptr_t)given.queue == handle_of(QUEUE));
   CHECK(given.info.bufferBindCount == 1 && given.info.imageOpaqueBindCount == 1 && given.info.imageBindCount == 1);
   CHECK((uintptr_t)given.buffer_handle == handle_of(BUFFER) && (uintptr_t)given.image_handle == handle_of(IMAGE));
   CHECK((uintptr_t)given.buffer.memory == memory && given.buffer.resourceOffset == 2 * PAGE &&
         given.buffer.size == PAGE && given.buffer.memoryOffset == 0);
   CHECK((uintptr_t)given.opaque.memory == memory && given.opaque.resourceOffset == 0 &&
         given.opaque.memoryOffset == PAGE);
   CHECK((uintptr_t)given.image.memory == memory && given.image.offset.x == 128 && given.image.extent.height == 128 &&
         given.image.memoryOffset == 3 * PAGE);
   CHECK(given.info.waitSemaphoreCount == 1 && given.info.signalSemaphoreCount == 2);
   CHECK(given.last_value == serial);
   CHECK(result_of_batch() == VK_SUCCESS);
}

static void test_no_memory(void)
{
   given.no_memory = true;
   bind_all(VK_NULL_HANDLE, OBJECT(VkSemaphore, SIGNALLED));
   CHECK(given.info.bufferBindCount == 0 && given.info.imageOpaqueBindCount == 0 && given.info.imageBindCount == 0);
   CHECK(given.info.signalSemaphoreCount == 2 && given.last_value == serial);
   CHECK(result_of_batch() == VK_ERROR_OUT_OF_DEVICE_MEMORY);
}

int main(void)
{
   int fds[2];
   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0))
      return check_finish();
   session_open();
   writer.channel.fd = fds[0];
   client_fd = fds[1];
   struct vps_device *device = vps_object_find(&ctx.objects, objects[DEVICE].id)->state;
   device->functions.QueueBindSparse = bind_sparse;
   create_objects();
   test_bindings();
   test_no_memory();
   destroy_objects();
   session_close();
   close(fds[0]);
   close(fds[1]);
   return check_finish();
}
