/* SPDX-License-Identifier: MIT */
#include "client/core/instance.h"
#include "client/memory/resource.h"
#include "client/sync/early_wait.h"
#include "client/sync/fence.h"
#include "client/sync/queue.h"
#include "client/vp_entry.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "tests/unit/command_peer.h"

/* Which waits return before the server has said anything. */

PEER_CODEC(vkAllocateMemory)
PEER_CODEC(vkFreeMemory)
PEER_CODEC(vkCreateBuffer)
PEER_CODEC(vkDestroyBuffer)
PEER_CODEC(vkBindBufferMemory)
PEER_CODEC(vkBindBufferMemory2)
PEER_CODEC(vkBindImageMemory2)
PEER_CODEC(vkCreateCommandPool)
PEER_CODEC(vkDestroyCommandPool)
PEER_CODEC(vkAllocateCommandBuffers)
PEER_CODEC(vkBeginCommandBuffer)
PEER_CODEC(vkEndCommandBuffer)
PEER_CODEC(vkCmdCopyBuffer)
PEER_CODEC(vkCmdFillBuffer)
PEER_CODEC(vkCmdPipelineBarrier)
PEER_CODEC(vkCmdBindPipeline)
PEER_CODEC(vkCmdDispatch)
PEER_CODEC(vkCmdSetEvent)
PEER_CODEC(vkCmdWriteTimestamp)
PEER_CODEC(vkCreateSemaphore)
PEER_CODEC(vkDestroySemaphore)
PEER_CODEC(vkSignalSemaphore)
PEER_CODEC(vkQueueSubmit)
PEER_CODEC(vkQueueSubmit2)
PEER_CODEC(vkWaitBatchVP)

static const struct peer_command commands[] = {
   PEER_COMMAND(vkAllocateMemory),     PEER_COMMAND(vkFreeMemory),         PEER_COMMAND(vkCreateBuffer),
   PEER_COMMAND(vkDestroyBuffer),      PEER_COMMAND(vkBindBufferMemory),   PEER_COMMAND(vkBindBufferMemory2),
   PEER_COMMAND(vkCreateCommandPool),  PEER_COMMAND(vkDestroyCommandPool), PEER_COMMAND(vkAllocateCommandBuffers),
   PEER_COMMAND(vkBeginCommandBuffer), PEER_COMMAND(vkEndCommandBuffer),   PEER_COMMAND(vkCmdCopyBuffer),
   PEER_COMMAND(vkCmdFillBuffer),      PEER_COMMAND(vkCmdPipelineBarrier), PEER_COMMAND(vkCmdBindPipeline),
   PEER_COMMAND(vkCmdDispatch),        PEER_COMMAND(vkCmdSetEvent),        PEER_COMMAND(vkCmdWriteTimestamp),
   PEER_COMMAND(vkCreateSemaphore),    PEER_COMMAND(vkDestroySemaphore),   PEER_COMMAND(vkSignalSemaphore),
   PEER_COMMAND(vkQueueSubmit),        PEER_COMMAND(vkQueueSubmit2),       PEER_COMMAND(vkWaitBatchVP),
   PEER_COMMAND(vkBindImageMemory2),
};

#define SHORT_NS UINT64_C(20000000)

enum { HIDDEN, VISIBLE };

static struct peer peer;
static struct vp_instance instance;
static struct vp_queue queues[2];
static struct vp_queue *queue_list[] = {&queues[0], &queues[1]};
static VkDeviceMemory memory[2];
static VkBuffer buffers[2];
static VkCommandPool pool;
static VkCommandBuffer cmd;
static VkFence fence;

static struct vp_object event = {.id = 901, .type = VK_OBJECT_TYPE_EVENT};
static struct vp_object query_pool = {.id = 902, .type = VK_OBJECT_TYPE_QUERY_POOL};
static struct vp_object pipeline = {.id = 903, .type = VK_OBJECT_TYPE_PIPELINE};
static struct vp_image images[2] = {
   {.resource = {.base = {.id = 904, .type = VK_OBJECT_TYPE_IMAGE}, .hidden = true}},
   {.resource = {.base = {.id = 905, .type = VK_OBJECT_TYPE_IMAGE}}},
};

/* --- set-up --- */

static void make_gpu(void)
{
   instance.config.early_waits = true;
   peer.gpu.instance = &instance;
   VkPhysicalDeviceMemoryProperties *properties = &peer.gpu.memory.memoryProperties;
   properties->memoryHeapCount = 1;
   properties->memoryHeaps[0].size = UINT64_C(1) << 34;
   properties->memoryTypeCount = 2;
   properties->memoryTypes[VISIBLE].propertyFlags =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   peer.gpu.properties.properties.limits.maxMemoryAllocationCount = 4096;
   pthread_mutex_init(&peer.device.memory_lock, NULL);
   vp_resource_kinds_init(&peer.device.kinds);
   for (unsigned i = 0; i < 2; i++) {
      queues[i].base.type = VK_OBJECT_TYPE_QUEUE;
      queues[i].device = &peer.device;
      CHECK(vp_object_table_add(&peer.conn->objects, &queues[i].base));
   }
   peer.device.queues = queue_list;
   peer.device.queue_count = 2;
}

static void make_buffers(void)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 4096, .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   for (uint32_t i = 0; i < 2; i++) {
      const VkMemoryAllocateInfo allocation = {
         .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = 4096, .memoryTypeIndex = i};
      CHECK(vp_vkAllocateMemory(peer_device(&peer), &allocation, NULL, &memory[i]) == VK_SUCCESS);
      CHECK(vp_vkCreateBuffer(peer_device(&peer), &info, NULL, &buffers[i]) == VK_SUCCESS);
   }
   const VkBindBufferMemoryInfo bind = {
      .sType = VK_STRUCTURE_TYPE_BIND_BUFFER_MEMORY_INFO, .buffer = buffers[1], .memory = memory[1]};
   CHECK(vp_vkBindBufferMemory(peer_device(&peer), buffers[0], memory[0], 0) == VK_SUCCESS);
   CHECK(vp_vkBindBufferMemory2(peer_device(&peer), 1, &bind) == VK_SUCCESS);
}

#ifdef VK_KHR_maintenance6

/* What a binding is told of its result, whatever was there. */
static void bind_again(VkResult expected)
{
   VkResult results[] = {VK_ERROR_UNKNOWN, VK_ERROR_UNKNOWN};
   const VkBindMemoryStatusKHR status[] = {
      {.sType = VK_STRUCTURE_TYPE_BIND_MEMORY_STATUS_KHR, .pResult = &results[0]},
      {.sType = VK_STRUCTURE_TYPE_BIND_MEMORY_STATUS_KHR, .pResult = &results[1]},
   };
   const VkBindBufferMemoryInfo buffer = {.sType = VK_STRUCTURE_TYPE_BIND_BUFFER_MEMORY_INFO,
                                          .pNext = &status[0],
                                          .buffer = buffers[1],
                                          .memory = memory[1]};
   const VkBindImageMemoryInfo image = {.sType = VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO,
                                        .pNext = &status[1],
                                        .image = (VkImage)(uintptr_t)&images[1],
                                        .memory = memory[1]};
   CHECK(vp_vkBindBufferMemory2(peer_device(&peer), 1, &buffer) == expected);
   CHECK(vp_vkBindImageMemory2(peer_device(&peer), 1, &image) == expected);
   CHECK(results[0] == expected && results[1] == expected);
}

static void test_binding(void)
{
   bind_again(VK_SUCCESS);
   atomic_store(&peer.conn->lost, true);
   bind_again(VK_ERROR_DEVICE_LOST);
   atomic_store(&peer.conn->lost, false);
}

#else

static void test_binding(void)
{
}

#endif

static void make_commands(void)
{
   const VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   const VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   CHECK(vp_vkCreateCommandPool(peer_device(&peer), &info, NULL, &pool) == VK_SUCCESS);
   const VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                 .commandPool = pool,
                                                 .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                                 .commandBufferCount = 1};
   CHECK(vp_vkAllocateCommandBuffers(peer_device(&peer), &allocate, &cmd) == VK_SUCCESS);
   CHECK(vp_vkCreateFence(peer_device(&peer), &fence_info, NULL, &fence) == VK_SUCCESS);
}

/* --- steps --- */

static void begin(void)
{
   const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   CHECK(vp_vkBeginCommandBuffer(cmd, &info) == VK_SUCCESS);
}

static VkQueue queue_handle(unsigned index)
{
   return VP_TO_HANDLE(VkQueue, &queues[index]);
}

static void submit(unsigned queue, const void *chain, VkSemaphore wait)
{
   const VkPipelineStageFlags stages = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = chain,
      .waitSemaphoreCount = wait != VK_NULL_HANDLE,
      .pWaitSemaphores = &wait,
      .pWaitDstStageMask = &stages,
      .commandBufferCount = 1,
      .pCommandBuffers = &cmd,
   };
   CHECK(vp_vkEndCommandBuffer(cmd) == VK_SUCCESS);
   CHECK(vp_vkResetFences(peer_device(&peer), 1, &fence) == VK_SUCCESS);
   CHECK(vp_vkQueueSubmit(queue_handle(queue), 1, &info, fence) == VK_SUCCESS);
}

static VkResult wait_for_fence(uint64_t timeout)
{
   return vp_vkWaitForFences(peer_device(&peer), 1, &fence, VK_TRUE, timeout);
}

static void check_last(uint32_t number)
{
   const struct peer_call *call = peer_last_call(&peer);
   CHECK(call && call->number == number);
}

/* The GPU has done all. */
static void complete(unsigned queue)
{
   uint8_t payload[12] = {0};
   const uint64_t serial = queues[queue].submitted;
   vp_bytes_store_u64(payload, serial);
   vp_frame_write(&VP_CHANNEL(peer.fd), VP_FRAME_PROGRESS, queues[queue].base.id, payload, sizeof(payload), NULL, 0);
   while (queues[queue].reported < serial)
      usleep(100);
}

static void check_early(void)
{
   submit(0, NULL, VK_NULL_HANDLE);
   CHECK(wait_for_fence(UINT64_MAX) == VK_SUCCESS);
   const struct peer_call *call = peer_last_call(&peer);
   if (CHECK(call && call->number == VP_CMD_vkWaitBatchVP))
      CHECK(((struct vp_cmd_vkWaitBatchVP *)call->args)->serial == queues[0].submitted);
   CHECK(vp_vkGetFenceStatus(peer_device(&peer), fence) == VK_SUCCESS);
   complete(0);
}

static void check_late(void)
{
   submit(0, NULL, VK_NULL_HANDLE);
   CHECK(vp_vkGetFenceStatus(peer_device(&peer), fence) == VK_NOT_READY);
   CHECK(wait_for_fence(SHORT_NS) == VK_TIMEOUT);
   check_last(VP_CMD_vkQueueSubmit);
   complete(0);
   CHECK(wait_for_fence(UINT64_MAX) == VK_SUCCESS);
}

/* --- tests --- */

static void copy(unsigned to)
{
   const VkBufferCopy region = {.size = 16};
   vp_vkCmdCopyBuffer(cmd, buffers[VISIBLE], buffers[to], 1, &region);
}

static void barrier(unsigned image)
{
   const VkImageMemoryBarrier info = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                      .image = VP_TO_HANDLE(VkImage, &images[image])};
   vp_vkCmdPipelineBarrier(cmd, 1, 1, 0, 0, NULL, 0, NULL, 1, &info);
}

static void test_upload(void)
{
   begin();
   copy(HIDDEN);
   barrier(HIDDEN);
   check_early();
}

static void test_what_shows(void)
{
   begin();
   copy(VISIBLE);
   check_late();
   begin();
   copy(HIDDEN);
   barrier(VISIBLE);
   check_late();
   begin();
   vp_vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, VP_TO_HANDLE(VkPipeline, &pipeline));
   vp_vkCmdDispatch(cmd, 1, 1, 1);
   check_late();
   begin();
   vp_vkCmdSetEvent(cmd, VP_TO_HANDLE(VkEvent, &event), VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
   check_late();
   begin();
   vp_vkCmdWriteTimestamp(cmd, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VP_TO_HANDLE(VkQueryPool, &query_pool), 0);
   check_late();
   test_upload(); /* the next recording is judged anew */
}

static void test_other_waits(void)
{
   begin();
   copy(HIDDEN);
   submit(0, NULL, VK_NULL_HANDLE);
   CHECK(vp_vkQueueWaitIdle(queue_handle(0)) == VK_SUCCESS);
   check_last(VP_CMD_vkWaitBatchVP);
   begin();
   copy(HIDDEN);
   submit(1, NULL, VK_NULL_HANDLE);
   CHECK(vp_vkDeviceWaitIdle(peer_device(&peer)) == VK_SUCCESS);
   check_last(VP_CMD_vkWaitBatchVP);
   begin();
   copy(HIDDEN);
   submit(0, NULL, VK_NULL_HANDLE);
   CHECK(vp_vkGetFenceStatus(peer_device(&peer), fence) == VK_SUCCESS);
   check_last(VP_CMD_vkWaitBatchVP);
   complete(0);
   complete(1);
}

/* What runs on another queue may have been waited for. */
static void test_other_queue(void)
{
   begin();
   copy(VISIBLE);
   submit(1, NULL, VK_NULL_HANDLE);
   begin();
   copy(HIDDEN);
   submit(0, NULL, VK_NULL_HANDLE);
   CHECK(wait_for_fence(SHORT_NS) == VK_TIMEOUT);
   complete(1);
   CHECK(wait_for_fence(UINT64_MAX) == VK_SUCCESS);
   check_last(VP_CMD_vkWaitBatchVP);
   complete(0);
}

static VkSemaphore create_timeline(void)
{
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   VkSemaphore semaphore = VK_NULL_HANDLE;
   CHECK(vp_vkCreateSemaphore(peer_device(&peer), &info, NULL, &semaphore) == VK_SUCCESS);
   return semaphore;
}

/* A semaphore's value is not behind what waited for it. */
static void test_order_of_queues(void)
{
   const VkSemaphore semaphore = create_timeline();
   uint64_t value = 1;
   const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .waitSemaphoreValueCount = 1,
                                                 .pWaitSemaphoreValues = &value,
                                                 .signalSemaphoreValueCount = 1,
                                                 .pSignalSemaphoreValues = &value};
   const VkSubmitInfo signal = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                .pNext = &values,
                                .signalSemaphoreCount = 1,
                                .pSignalSemaphores = &semaphore};
   CHECK(vp_vkQueueSubmit(queue_handle(1), 1, &signal, VK_NULL_HANDLE) == VK_SUCCESS);
   begin();
   copy(HIDDEN);
   submit(0, &values, semaphore);
   CHECK(wait_for_fence(SHORT_NS) == VK_TIMEOUT);
   complete(1);
   complete(0);
   CHECK(wait_for_fence(UINT64_MAX) == VK_SUCCESS);
   CHECK(vp_vkGetSemaphoreCounterValue(peer_device(&peer), semaphore, &value) == VK_SUCCESS && value == 1);

   value = 2; /* on one queue, what comes before is complete, too */
   CHECK(vp_vkQueueSubmit(queue_handle(0), 1, &signal, VK_NULL_HANDLE) == VK_SUCCESS);
   begin();
   copy(HIDDEN);
   submit(0, &values, semaphore);
   CHECK(wait_for_fence(UINT64_MAX) == VK_SUCCESS);
   CHECK(vp_vkGetSemaphoreCounterValue(peer_device(&peer), semaphore, &value) == VK_SUCCESS && value == 2);
   complete(0);
   vp_vkDestroySemaphore(peer_device(&peer), semaphore, NULL);
}

/* The same for fences, behind a semaphore that has no value. */
static void test_order_of_fences(void)
{
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
   VkSemaphore semaphore;
   CHECK(vp_vkCreateSemaphore(peer_device(&peer), &info, NULL, &semaphore) == VK_SUCCESS);
   const VkSubmitInfo signal = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .signalSemaphoreCount = 1, .pSignalSemaphores = &semaphore};
   CHECK(vp_vkQueueSubmit(queue_handle(1), 1, &signal, VK_NULL_HANDLE) == VK_SUCCESS);
   begin();
   copy(HIDDEN);
   submit(0, NULL, semaphore);
   CHECK(wait_for_fence(SHORT_NS) == VK_TIMEOUT);
   complete(1);
   complete(0);
   CHECK(wait_for_fence(UINT64_MAX) == VK_SUCCESS);
   CHECK(vp_vkQueueSubmit(queue_handle(0), 1, &signal, VK_NULL_HANDLE) == VK_SUCCESS);
   begin();
   copy(HIDDEN);
   submit(0, NULL, semaphore); /* nothing runs elsewhere */
   CHECK(wait_for_fence(UINT64_MAX) == VK_SUCCESS);
   check_last(VP_CMD_vkWaitBatchVP);
   complete(0);
   vp_vkDestroySemaphore(peer_device(&peer), semaphore, NULL);
}

/* The server does not wait for what may be over last. */
static void test_any(void)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fences[2] = {fence};
   CHECK(vp_vkCreateFence(peer_device(&peer), &info, NULL, &fences[1]) == VK_SUCCESS);
   begin();
   copy(HIDDEN);
   submit(0, NULL, VK_NULL_HANDLE);
   CHECK(vp_vkQueueSubmit(queue_handle(1), 0, NULL, fences[1]) == VK_SUCCESS);
   CHECK(vp_vkWaitForFences(peer_device(&peer), 2, fences, VK_FALSE, SHORT_NS) == VK_TIMEOUT);
   complete(1);
   CHECK(vp_vkWaitForFences(peer_device(&peer), 2, fences, VK_FALSE, UINT64_MAX) == VK_SUCCESS);
   check_last(VP_CMD_vkQueueSubmit);
   complete(0);
   vp_vkDestroyFence(peer_device(&peer), fences[1], NULL);
}

/* All fences together are waited for no longer than that, also when what was said before is still to be sent. */
static void test_timeout(void)
{
   const uint64_t timeout = UINT64_C(400000000);
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fences[8];
   begin();
   copy(HIDDEN);
   submit(0, NULL, VK_NULL_HANDLE);
   for (unsigned i = 0; i < 8; i++) {
      CHECK(vp_vkCreateFence(peer_device(&peer), &info, NULL, &fences[i]) == VK_SUCCESS);
      vp_fence_set_pending(VP_FROM_HANDLE(struct vp_fence, fences[i]), &queues[0], queues[0].submitted);
   }
   pthread_mutex_lock(&peer.device.memory_lock); /* which the sender needs */
   CHECK(vp_stream_add_memory(peer.conn, &peer.device, NULL) == VK_SUCCESS);
   const int64_t start_ns = vp_clock_ns();
   CHECK(vp_vkWaitForFences(peer_device(&peer), 8, fences, VK_TRUE, timeout) == VK_TIMEOUT);
   CHECK(vp_clock_ns() - start_ns < 8 * (int64_t)timeout); /* one after another */
   pthread_mutex_unlock(&peer.device.memory_lock);
   complete(0);
   for (unsigned i = 0; i < 8; i++)
      vp_vkDestroyFence(peer_device(&peer), fences[i], NULL);
}

/* The server would wait for a signal that comes after the wait in the stream. */
static void test_host_signal(void)
{
   const uint64_t value = 5;
   const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .waitSemaphoreValueCount = 1,
                                                 .pWaitSemaphoreValues = &value};
   const VkSemaphore semaphore = create_timeline();
   const VkSemaphoreSignalInfo signal = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = semaphore, .value = value};
   begin();
   copy(HIDDEN);
   submit(0, &values, semaphore);
   CHECK(wait_for_fence(SHORT_NS) == VK_TIMEOUT);
   CHECK(vp_vkSignalSemaphore(peer_device(&peer), &signal) == VK_SUCCESS);
   complete(0);
   CHECK(wait_for_fence(UINT64_MAX) == VK_SUCCESS);

   begin(); /* the value is there now */
   copy(HIDDEN);
   submit(0, &values, semaphore);
   CHECK(wait_for_fence(UINT64_MAX) == VK_SUCCESS);
   complete(0);
   vp_vkDestroySemaphore(peer_device(&peer), semaphore, NULL);
}

/* A semaphore that the batch signals is reached with it. */
static void test_semaphore(void)
{
   const VkSemaphore semaphore = create_timeline();
   uint64_t value = 3;
   const VkSemaphoreSubmitInfo signal = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO, .semaphore = semaphore, .value = value};
   const VkCommandBufferSubmitInfo buffer = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
                                             .commandBuffer = cmd};
   const VkSubmitInfo2 submit2 = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
                                  .commandBufferInfoCount = 1,
                                  .pCommandBufferInfos = &buffer,
                                  .signalSemaphoreInfoCount = 1,
                                  .pSignalSemaphoreInfos = &signal};
   const VkSemaphoreWaitInfo wait = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                     .semaphoreCount = 1,
                                     .pSemaphores = &semaphore,
                                     .pValues = &value};
   begin();
   copy(HIDDEN);
   CHECK(vp_vkEndCommandBuffer(cmd) == VK_SUCCESS);
   CHECK(vp_vkQueueSubmit2(queue_handle(0), 1, &submit2, VK_NULL_HANDLE) == VK_SUCCESS);
   CHECK(vp_vkGetSemaphoreCounterValue(peer_device(&peer), semaphore, &value) == VK_SUCCESS && value == 0);
   value = 3;
   CHECK(vp_vkWaitSemaphores(peer_device(&peer), &wait, UINT64_MAX) == VK_SUCCESS);
   check_last(VP_CMD_vkWaitBatchVP);
   CHECK(vp_vkGetSemaphoreCounterValue(peer_device(&peer), semaphore, &value) == VK_SUCCESS && value == 3);
   complete(0);
   vp_vkDestroySemaphore(peer_device(&peer), semaphore, NULL);
}

static void test_switch(void)
{
   instance.config.early_waits = false;
   begin();
   copy(HIDDEN);
   check_late();
   instance.config.early_waits = true;
}

static void clean_up(void)
{
   vp_vkDestroyFence(peer_device(&peer), fence, NULL);
   vp_vkDestroyCommandPool(peer_device(&peer), pool, NULL);
   for (unsigned i = 0; i < 2; i++) {
      vp_vkDestroyBuffer(peer_device(&peer), buffers[i], NULL);
      vp_vkFreeMemory(peer_device(&peer), memory[i], NULL);
      vp_object_table_remove(&peer.conn->objects, &queues[i].base);
   }
   vp_resource_kinds_finish(&peer.device.kinds);
   pthread_mutex_destroy(&peer.device.memory_lock);
}

int main(void)
{
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), NULL);
   make_gpu();
   make_buffers();
   make_commands();
   test_upload();
   test_what_shows();
   test_other_waits();
   test_other_queue();
   test_order_of_queues();
   test_order_of_fences();
   test_any();
   test_timeout();
   test_host_signal();
   test_semaphore();
   test_switch();
   test_binding();
   clean_up();
   peer_stop(&peer);
   return check_finish();
}
