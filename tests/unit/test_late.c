/* SPDX-License-Identifier: MIT */

/* What the client makes of errors that come after it had told the application of success, and when it waits so that
 * they do not come late. */

#include "client/device/image_format.h"
#include "client/record/command_buffer.h"
#include "client/sync/queue.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/bytes.h"
#include "tests/unit/command_peer.h"

PEER_CODEC(vkAllocateMemory)
PEER_CODEC(vkFreeMemory)
PEER_CODEC(vkCreateSampler)
PEER_CODEC(vkCreateSemaphore)
PEER_CODEC(vkDestroySampler)
PEER_CODEC(vkDestroySemaphore)
PEER_CODEC(vkCreateCommandPool)
PEER_CODEC(vkDestroyCommandPool)
PEER_CODEC(vkAllocateCommandBuffers)
PEER_CODEC(vkBeginCommandBuffer)
PEER_CODEC(vkEndCommandBuffer)
PEER_CODEC(vkResetCommandBuffer)
PEER_CODEC(vkQueueSubmit)
PEER_CODEC(vkGetBufferDeviceAddress)
PEER_CODEC(vkGetPhysicalDeviceImageFormatProperties2)
PEER_CODEC(vkCreateBuffer)
PEER_CODEC(vkDestroyBuffer)
PEER_CODEC(vkCreateDescriptorPool)
PEER_CODEC(vkDestroyDescriptorPool)

static const struct peer_command commands[] = {
   PEER_COMMAND(vkAllocateMemory),
   PEER_COMMAND(vkFreeMemory),
   PEER_COMMAND(vkCreateSampler),
   PEER_COMMAND(vkCreateSemaphore),
   PEER_COMMAND(vkDestroySampler),
   PEER_COMMAND(vkDestroySemaphore),
   PEER_COMMAND(vkCreateCommandPool),
   PEER_COMMAND(vkDestroyCommandPool),
   PEER_COMMAND(vkAllocateCommandBuffers),
   PEER_COMMAND(vkBeginCommandBuffer),
   PEER_COMMAND(vkEndCommandBuffer),
   PEER_COMMAND(vkResetCommandBuffer),
   PEER_COMMAND(vkQueueSubmit),
   PEER_COMMAND(vkGetBufferDeviceAddress),
   PEER_COMMAND(vkGetPhysicalDeviceImageFormatProperties2),
   PEER_COMMAND(vkCreateBuffer),
   PEER_COMMAND(vkDestroyBuffer),
   PEER_COMMAND(vkCreateDescriptorPool),
   PEER_COMMAND(vkDestroyDescriptorPool),
};

static struct peer peer;
static struct vp_queue queue;
static struct vp_queue *queues[] = {&queue};
static struct vp_instance instance; /* without early waits */
static VkResult answer;             /* of all commands that are asked */

static void respond(uint32_t number, void *args)
{
   switch (number) {
   case VP_CMD_vkCreateSampler:
      ((struct vp_cmd_vkCreateSampler *)args)->ret = answer;
      break;
   case VP_CMD_vkEndCommandBuffer:
      ((struct vp_cmd_vkEndCommandBuffer *)args)->ret = answer;
      break;
   case VP_CMD_vkGetPhysicalDeviceImageFormatProperties2:
      ((struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 *)args)->ret = answer;
      break;
   default:
      break;
   }
}

static void start(void)
{
   peer_start(&peer, commands, sizeof(commands) / sizeof(*commands), respond);
   answer = VK_SUCCESS;
   queue = (struct vp_queue){.base.type = VK_OBJECT_TYPE_QUEUE, .device = &peer.device};
   CHECK(vp_object_table_add(&peer.conn->objects, &queue.base));
   peer.gpu.instance = &instance;
   peer.device.queues = queues;
   peer.device.queue_count = 1;
   peer.gpu.properties.properties.limits.maxMemoryAllocationCount = 4096;
   VkPhysicalDeviceMemoryProperties *memory = &peer.gpu.memory.memoryProperties;
   memory->memoryTypeCount = memory->memoryHeapCount = 1;
   memory->memoryHeaps[0].size = UINT64_C(8) << 30;
}

static void finish(void)
{
   peer_stop(&peer);
}

/* Waits until the client has taken in all frames that were sent before. */
static void settle(void)
{
   static struct vp_object buffer = {.id = 77, .type = VK_OBJECT_TYPE_BUFFER};
   const VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                           .buffer = VP_TO_HANDLE(VkBuffer, &buffer)};
   struct vp_cmd_vkGetBufferDeviceAddress a = {.device = peer_device(&peer), .pInfo = &info};
   CHECK(vp_call_vkGetBufferDeviceAddress(peer.conn, &a) == VK_SUCCESS);
}

static void send_frame(uint32_t type, uint64_t tag, const uint8_t *payload, size_t size)
{
   settle(); /* the peer is not writing now */
   CHECK(vp_frame_write(&VP_CHANNEL(peer.fd), type, tag, payload, size, NULL, 0));
   settle();
}

static void send_object_error(const void *object, uint32_t command, VkResult result, uint32_t recording)
{
   uint8_t payload[12];
   vp_bytes_store_u32(payload, command);
   vp_bytes_store_u32(payload + 4, (uint32_t)result);
   vp_bytes_store_u32(payload + 8, recording);
   send_frame(VP_FRAME_OBJECT_ERROR, id_of(object), payload, sizeof(payload));
}

static void send_for_queue(uint32_t type, uint64_t serial, VkResult result)
{
   uint8_t payload[12];
   vp_bytes_store_u64(payload, serial);
   vp_bytes_store_u32(payload + 8, (uint32_t)result);
   send_frame(type, queue.base.id, payload, sizeof(payload));
}

static void send_reserve(uint32_t complete)
{
   uint8_t payload[4];
   vp_bytes_store_u32(payload, complete);
   send_frame(VP_FRAME_RESERVE, peer.device.base.id, payload, sizeof(payload));
}

/* The flags of the last command with that number that has arrived: 1 when an answer was waited for. */
static uint32_t last_flags(uint32_t number)
{
   uint32_t flags = UINT32_MAX;
   settle();
   pthread_mutex_lock(&peer.lock);
   for (unsigned i = 0; i < peer.call_count; i++) {
      if (peer.calls[i].number == number)
         flags = peer.calls[i].flags;
   }
   pthread_mutex_unlock(&peer.lock);
   return flags;
}

static unsigned count_calls(uint32_t number)
{
   unsigned count = 0;
   settle();
   pthread_mutex_lock(&peer.lock);
   for (unsigned i = 0; i < peer.call_count; i++)
      count += peer.calls[i].number == number;
   pthread_mutex_unlock(&peer.lock);
   return count;
}

/* --- command buffers --- */

static VkCommandPool create_pool(VkCommandBuffer *commands_out)
{
   const VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   VkCommandPool pool = VK_NULL_HANDLE;
   CHECK(vp_vkCreateCommandPool(peer_device(&peer), &info, NULL, &pool) == VK_SUCCESS);
   const VkCommandBufferAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
   CHECK(vp_vkAllocateCommandBuffers(peer_device(&peer), &allocation, commands_out) == VK_SUCCESS);
   return pool;
}

static void begin(VkCommandBuffer buffer)
{
   const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   CHECK(vp_vkBeginCommandBuffer(buffer, &info) == VK_SUCCESS);
}

static VkResult submit(VkCommandBuffer buffer, VkFence fence)
{
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = buffer ? 1 : 0, .pCommandBuffers = &buffer};
   return vp_vkQueueSubmit(VP_TO_HANDLE(VkQueue, &queue), 1, &info, fence);
}

/* An error is one of the recording that it says, however late it comes. */
static void test_recordings(void)
{
   VkCommandBuffer buffer;
   start();
   const VkCommandPool pool = create_pool(&buffer);
   begin(buffer);
   CHECK(vp_vkEndCommandBuffer(buffer) == VK_SUCCESS);
   begin(buffer);
   send_object_error(buffer, VP_CMD_vkEndCommandBuffer, VK_ERROR_OUT_OF_HOST_MEMORY, 1);
   CHECK(vp_vkEndCommandBuffer(buffer) == VK_SUCCESS && submit(buffer, VK_NULL_HANDLE) == VK_SUCCESS);
   send_object_error(buffer, VP_CMD_vkEndCommandBuffer, VK_ERROR_OUT_OF_HOST_MEMORY, 1);
   CHECK(submit(buffer, VK_NULL_HANDLE) == VK_SUCCESS);
   send_object_error(buffer, VP_CMD_vkEndCommandBuffer, VK_ERROR_OUT_OF_HOST_MEMORY, 2);
   CHECK(submit(buffer, VK_NULL_HANDLE) == VK_ERROR_OUT_OF_HOST_MEMORY);
   CHECK(vp_vkResetCommandBuffer(buffer, 0) == VK_SUCCESS);
   send_object_error(buffer, VP_CMD_vkEndCommandBuffer, VK_ERROR_OUT_OF_HOST_MEMORY, 2);
   begin(buffer);
   CHECK(vp_vkEndCommandBuffer(buffer) == VK_SUCCESS && submit(buffer, VK_NULL_HANDLE) == VK_SUCCESS);
   send_object_error(buffer, VP_CMD_vkEndCommandBuffer, VK_ERROR_INITIALIZATION_FAILED, 3);
   CHECK(submit(buffer, VK_NULL_HANDLE) == VK_ERROR_UNKNOWN);

   /* When the server is short of memory, the end waits. */
   send_reserve(0);
   begin(buffer);
   CHECK(vp_vkEndCommandBuffer(buffer) == VK_SUCCESS && last_flags(VP_CMD_vkEndCommandBuffer) == 1);
   answer = VK_ERROR_OUT_OF_DEVICE_MEMORY;
   begin(buffer);
   CHECK(vp_vkEndCommandBuffer(buffer) == VK_ERROR_OUT_OF_DEVICE_MEMORY);
   CHECK(submit(buffer, VK_NULL_HANDLE) == VK_ERROR_OUT_OF_DEVICE_MEMORY);
   send_reserve(1);
   begin(buffer);
   CHECK(vp_vkEndCommandBuffer(buffer) == VK_SUCCESS && last_flags(VP_CMD_vkEndCommandBuffer) == 0);
   CHECK(submit(buffer, VK_NULL_HANDLE) == VK_SUCCESS);

   /* An error of its allocation is one of all recordings. */
   send_object_error(buffer, VP_CMD_vkAllocateCommandBuffers, VK_ERROR_OUT_OF_HOST_MEMORY, 0);
   begin(buffer);
   CHECK(vp_vkEndCommandBuffer(buffer) == VK_ERROR_OUT_OF_HOST_MEMORY);
   CHECK(submit(buffer, VK_NULL_HANDLE) == VK_ERROR_OUT_OF_HOST_MEMORY);
   vp_vkDestroyCommandPool(peer_device(&peer), pool, NULL);
   finish();
}

/* --- batches --- */

static VkFence create_fence(void)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fence = VK_NULL_HANDLE;
   CHECK(vp_vkCreateFence(peer_device(&peer), &info, NULL, &fence) == VK_SUCCESS);
   return fence;
}

static VkResult wait_for(VkFence fence)
{
   return vp_vkWaitForFences(peer_device(&peer), 1, &fence, VK_TRUE, UINT64_MAX);
}

/* The wait that covers a batch says its error, once; no other does. */
static void test_batches(void)
{
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   VkFence fences[4];
   VkSemaphore semaphore;
   start();
   for (unsigned i = 0; i < 4; i++) {
      fences[i] = create_fence();
      CHECK(submit(NULL, fences[i]) == VK_SUCCESS);
   }
   send_for_queue(VP_FRAME_BATCH_ERROR, 2, VK_ERROR_OUT_OF_DEVICE_MEMORY);
   send_for_queue(VP_FRAME_BATCH_ERROR, 3, VK_ERROR_INVALID_SHADER_NV);
   send_for_queue(VP_FRAME_BATCH_ERROR, 4, VK_ERROR_OUT_OF_HOST_MEMORY);
   CHECK(vp_vkGetFenceStatus(peer_device(&peer), fences[1]) == VK_NOT_READY);
   send_for_queue(VP_FRAME_PROGRESS, 4, VK_SUCCESS);
   CHECK(wait_for(fences[0]) == VK_SUCCESS);
   CHECK(wait_for(fences[1]) == VK_ERROR_OUT_OF_DEVICE_MEMORY && wait_for(fences[1]) == VK_SUCCESS);
   CHECK(vp_vkGetFenceStatus(peer_device(&peer), fences[2]) == VK_ERROR_UNKNOWN);
   CHECK(vp_vkGetFenceStatus(peer_device(&peer), fences[2]) == VK_SUCCESS);
   CHECK(vp_vkDeviceWaitIdle(peer_device(&peer)) == VK_ERROR_OUT_OF_HOST_MEMORY);
   CHECK(vp_vkQueueWaitIdle(VP_TO_HANDLE(VkQueue, &queue)) == VK_SUCCESS && wait_for(fences[3]) == VK_SUCCESS);

   CHECK(vp_vkCreateSemaphore(peer_device(&peer), &info, NULL, &semaphore) == VK_SUCCESS);
   const uint64_t value = 7;
   const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .signalSemaphoreValueCount = 1,
                                                 .pSignalSemaphoreValues = &value};
   const VkSubmitInfo batch = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                               .pNext = &values,
                               .signalSemaphoreCount = 1,
                               .pSignalSemaphores = &semaphore};
   CHECK(vp_vkQueueSubmit(VP_TO_HANDLE(VkQueue, &queue), 1, &batch, VK_NULL_HANDLE) == VK_SUCCESS);
   send_for_queue(VP_FRAME_BATCH_ERROR, 5, VK_ERROR_OUT_OF_HOST_MEMORY);
   send_for_queue(VP_FRAME_PROGRESS, 5, VK_SUCCESS);
   const VkSemaphoreWaitInfo wait = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                     .semaphoreCount = 1,
                                     .pSemaphores = &semaphore,
                                     .pValues = &value};
   CHECK(vp_vkWaitSemaphores(peer_device(&peer), &wait, UINT64_MAX) == VK_ERROR_OUT_OF_HOST_MEMORY);
   CHECK(vp_vkWaitSemaphores(peer_device(&peer), &wait, UINT64_MAX) == VK_SUCCESS);
   vp_vkDestroySemaphore(peer_device(&peer), semaphore, NULL);
   for (unsigned i = 0; i < 4; i++)
      vp_vkDestroyFence(peer_device(&peer), fences[i], NULL);
   finish();
}

/* --- when the client waits --- */

static VkResult create_sampler(VkSampler *sampler)
{
   const VkSamplerCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO};
   return vp_vkCreateSampler(peer_device(&peer), &info, NULL, sampler);
}

static VkResult create_buffer(VkDeviceSize size, VkBuffer *buffer)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size, .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   return vp_vkCreateBuffer(peer_device(&peer), &info, NULL, buffer);
}

static VkResult create_descriptor_pool(uint32_t sets, VkDescriptorPool *pool)
{
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_SAMPLER, sets};
   const VkDescriptorPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = sets, .poolSizeCount = 1, .pPoolSizes = &size};
   return vp_vkCreateDescriptorPool(peer_device(&peer), &info, NULL, pool);
}

static void test_care(void)
{
   VkSampler samplers[4];
   VkBuffer buffers[3];
   VkDescriptorPool pools[2];
   start();
   CHECK(create_sampler(&samplers[0]) == VK_SUCCESS && last_flags(VP_CMD_vkCreateSampler) == 0);

   /* After a late failure of a command, this one waits, and no other. */
   send_object_error(samplers[0], VP_CMD_vkCreateSampler, VK_ERROR_TOO_MANY_OBJECTS, 0);
   CHECK(create_sampler(&samplers[1]) == VK_SUCCESS && last_flags(VP_CMD_vkCreateSampler) == 1);
   answer = VK_ERROR_TOO_MANY_OBJECTS;
   CHECK(create_sampler(&samplers[2]) == VK_ERROR_TOO_MANY_OBJECTS && !samplers[2]);
   answer = VK_SUCCESS;
   CHECK(create_buffer(4096, &buffers[0]) == VK_SUCCESS && last_flags(VP_CMD_vkCreateBuffer) == 0);

   /* Without a reserve, all wait. */
   send_reserve(0);
   CHECK(create_buffer(4096, &buffers[1]) == VK_SUCCESS && last_flags(VP_CMD_vkCreateBuffer) == 1);
   send_reserve(1);

   /* What is huge waits. */
   CHECK(create_buffer(4096, &buffers[2]) == VK_SUCCESS && last_flags(VP_CMD_vkCreateBuffer) == 0);
   vp_vkDestroyBuffer(peer_device(&peer), buffers[2], NULL);
   CHECK(create_buffer((VkDeviceSize)5 << 30, &buffers[2]) == VK_SUCCESS && last_flags(VP_CMD_vkCreateBuffer) == 1);
   CHECK(create_descriptor_pool(1000, &pools[0]) == VK_SUCCESS && last_flags(VP_CMD_vkCreateDescriptorPool) == 0);
   CHECK(create_descriptor_pool(1 << 30, &pools[1]) == VK_SUCCESS && last_flags(VP_CMD_vkCreateDescriptorPool) == 1);

   for (unsigned i = 0; i < 3; i++)
      vp_vkDestroyBuffer(peer_device(&peer), buffers[i], NULL);
   for (unsigned i = 0; i < 2; i++) {
      vp_vkDestroySampler(peer_device(&peer), samplers[i], NULL);
      vp_vkDestroyDescriptorPool(peer_device(&peer), pools[i], NULL);
   }
   finish();
}

static uint32_t allocation_flags(VkDeviceSize size, VkDeviceMemory *memory)
{
   const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = size};
   CHECK(vp_vkAllocateMemory(peer_device(&peer), &info, NULL, memory) == VK_SUCCESS);
   return last_flags(VP_CMD_vkAllocateMemory);
}

/* No more than half of the server's reserve is under way without an answer. */
static void test_allocations(void)
{
   const VkDeviceSize mib = (VkDeviceSize)1 << 20;
   VkDeviceMemory memories[40];
   unsigned count = 0;
   start();
   for (unsigned i = 0; i < 16; i++)
      CHECK(allocation_flags(mib, &memories[count++]) == 0);
   CHECK(allocation_flags(mib, &memories[count++]) == 1);
   for (unsigned i = 0; i < 4; i++)
      CHECK(allocation_flags(4 * mib, &memories[count++]) == 0);
   CHECK(allocation_flags(4096, &memories[count++]) == 1);
   CHECK(allocation_flags(64 * mib, &memories[count++]) == 1);
   CHECK(allocation_flags(4096, &memories[count++]) == 0);
   while (count)
      vp_vkFreeMemory(peer_device(&peer), memories[--count], NULL);
   finish();
}

/* --- answers that are kept --- */

static VkResult ask_format(VkFormat format, VkImageUsageFlags usage)
{
   VkImageFormatProperties properties;
   return vp_vkGetPhysicalDeviceImageFormatProperties(VP_TO_HANDLE(VkPhysicalDevice, &peer.gpu), format,
                                                      VK_IMAGE_TYPE_2D, VK_IMAGE_TILING_OPTIMAL, usage, 0, &properties);
}

/* That the server had no memory is no answer to keep; that the GPU cannot do something is. */
static void test_cache(void)
{
   const uint32_t number = VP_CMD_vkGetPhysicalDeviceImageFormatProperties2;
   start();
   CHECK(vp_reply_cache_init(&peer.gpu.cache));
   CHECK((peer.gpu.image_formats = vp_image_formats_create()));
   answer = VK_ERROR_OUT_OF_HOST_MEMORY;
   CHECK(ask_format(VK_FORMAT_R8_UNORM, 4) == VK_ERROR_OUT_OF_HOST_MEMORY && count_calls(number) == 1);
   answer = VK_SUCCESS;
   CHECK(ask_format(VK_FORMAT_R8_UNORM, 4) == VK_SUCCESS && count_calls(number) == 2);
   CHECK(ask_format(VK_FORMAT_R8_UNORM, 4) == VK_SUCCESS && count_calls(number) == 2);
   answer = VK_ERROR_FORMAT_NOT_SUPPORTED;
   CHECK(ask_format(VK_FORMAT_R8_SRGB, 4) == VK_ERROR_FORMAT_NOT_SUPPORTED && count_calls(number) == 3);
   CHECK(ask_format(VK_FORMAT_R8_SRGB, 4) == VK_ERROR_FORMAT_NOT_SUPPORTED && count_calls(number) == 3);

   /* The fifth question about a format is asked with all others of its kind, in vain, and then alone. */
   answer = VK_ERROR_OUT_OF_HOST_MEMORY;
   for (uint32_t usage = 1; usage < 5; usage++)
      CHECK(ask_format(VK_FORMAT_R8_SINT, usage) == VK_ERROR_OUT_OF_HOST_MEMORY && count_calls(number) == 3 + usage);
   CHECK(ask_format(VK_FORMAT_R8_SINT, 5) == VK_ERROR_OUT_OF_HOST_MEMORY && count_calls(number) == 7 + 255 + 1);
   answer = VK_ERROR_FORMAT_NOT_SUPPORTED;
   CHECK(ask_format(VK_FORMAT_R8_SINT, 5) == VK_ERROR_FORMAT_NOT_SUPPORTED && count_calls(number) == 263 + 255);
   answer = VK_SUCCESS;
   for (uint32_t usage = 1; usage < 256; usage++)
      CHECK(ask_format(VK_FORMAT_R8_SINT, usage) == VK_ERROR_FORMAT_NOT_SUPPORTED && count_calls(number) == 518);
   vp_image_formats_destroy(peer.gpu.image_formats);
   vp_reply_cache_finish(&peer.gpu.cache);
   finish();
}

int main(void)
{
   test_recordings();
   test_batches();
   test_care();
   test_allocations();
   test_cache();
   return check_finish();
}
