/* SPDX-License-Identifier: MIT */
/* Phase 8: mapped memory. The host and the device write to the same memory in every allowed pattern, in steps as small
 * as a byte, and after every kind of wait each must see exactly what the other wrote, and keep what it wrote itself.
 * Here are the memory and the kinds of wait, and what the phase does in which order. */

#include "test-app/phase_08_memory.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static bool mapped_create(struct app_test *t, struct mapped *f)
{
   const VkBufferUsageFlags usage =
      VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
   memset(f, 0, sizeof(*f));
   f->test = t;
   f->seed = 20240229;
   f->model_a = calloc(1, MAPPED_SIZE);
   f->model_b = calloc(1, MAPPED_SIZE);
   if (!CHECK(t, f->model_a && f->model_b) || !app_context_create(t, &f->ctx) ||
       !app_buffer_create(&f->ctx, &f->a, MAPPED_SIZE, usage, APP_MEMORY_UPLOAD) ||
       !app_buffer_create(&f->ctx, &f->b, MAPPED_SIZE, usage, APP_MEMORY_READBACK))
      return false;
   f->fence = app_fence_create(&f->ctx, 0);
   if (!f->fence)
      return false;
   memset(f->a.map, 0, MAPPED_SIZE);
   memset(f->b.map, 0, MAPPED_SIZE);
   if (f->ctx.has_timeline) {
      f->timeline = app_semaphore_create(&f->ctx, true, 0);
      return f->timeline != VK_NULL_HANDLE;
   }
   app_note(t, "no timeline semaphores; two kinds of wait are left out");
   return true;
}

static void mapped_destroy(struct mapped *f)
{
   if (f->ctx.device) {
      VK_CHECK(f->test, vkDeviceWaitIdle(f->ctx.device));
      vkDestroySemaphore(f->ctx.device, f->timeline, NULL);
      vkDestroyFence(f->ctx.device, f->fence, NULL);
   }
   app_buffer_destroy(&f->ctx, &f->b);
   app_buffer_destroy(&f->ctx, &f->a);
   app_context_destroy(&f->ctx);
   free(f->model_a);
   free(f->model_b);
}

bool mapped_submit(struct mapped *f, VkCommandBuffer commands, enum wait_kind kind)
{
   bool on_fence = kind == WAIT_FENCE || kind == WAIT_FENCE_STATUS;
   bool on_timeline = kind == WAIT_TIMELINE || kind == WAIT_COUNTER;
   VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .signalSemaphoreValueCount = 1,
      .pSignalSemaphoreValues = &f->timeline_value,
   };
   VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = on_timeline ? &values : NULL,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
      .signalSemaphoreCount = on_timeline ? 1 : 0,
      .pSignalSemaphores = &f->timeline,
   };
   f->timeline_value += on_timeline;
   return VK_CHECK(f->test, vkQueueSubmit(f->ctx.queues[0].handle, 1, &info, on_fence ? f->fence : VK_NULL_HANDLE));
}

static bool poll_fence(struct mapped *f)
{
   double start = app_now();
   VkResult result = VK_NOT_READY;
   while (result == VK_NOT_READY && app_now() - start < 60.0) {
      result = vkGetFenceStatus(f->ctx.device, f->fence);
      sched_yield();
   }
   return VK_CHECK(f->test, result);
}

static bool poll_counter(struct mapped *f)
{
   double start = app_now();
   uint64_t value = 0;
   VkResult result = VK_SUCCESS;
   while (result == VK_SUCCESS && value < f->timeline_value && app_now() - start < 60.0) {
      result = vkGetSemaphoreCounterValue(f->ctx.device, f->timeline, &value);
      sched_yield();
   }
   return VK_CHECK(f->test, result) && CHECK_EQ(f->test, f->timeline_value, value);
}

bool mapped_wait(struct mapped *f, enum wait_kind kind)
{
   VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &f->timeline,
      .pValues = &f->timeline_value,
   };
   switch (kind) {
   case WAIT_FENCE:
      return app_fence_wait(&f->ctx, f->fence);
   case WAIT_FENCE_STATUS:
      return poll_fence(f) && VK_CHECK(f->test, vkResetFences(f->ctx.device, 1, &f->fence));
   case WAIT_QUEUE:
      return VK_CHECK(f->test, vkQueueWaitIdle(f->ctx.queues[0].handle));
   case WAIT_TIMELINE:
      return VK_CHECK(f->test, vkWaitSemaphores(f->ctx.device, &info, APP_WAIT_NS));
   case WAIT_COUNTER:
      return poll_counter(f);
   default:
      return VK_CHECK(f->test, vkDeviceWaitIdle(f->ctx.device));
   }
}

enum wait_kind mapped_next_wait(struct mapped *f)
{
   return (enum wait_kind)(f->rounds++ % (f->ctx.has_timeline ? WAIT_KINDS : WAIT_TIMELINE));
}

bool mapped_run(struct mapped *f, VkCommandBuffer commands, enum wait_kind kind)
{
   app_cmd_barrier(commands);
   if (!VK_CHECK(f->test, vkEndCommandBuffer(commands)) || !mapped_submit(f, commands, kind) || !mapped_wait(f, kind))
      return false;
   vkFreeCommandBuffers(f->ctx.device, f->ctx.pool, 1, &commands);
   return true;
}

void mapped_compare(struct mapped *f)
{
   CHECK_BYTES(f->test, f->model_a, f->a.map, MAPPED_SIZE);
   CHECK_BYTES(f->test, f->model_b, f->b.map, MAPPED_SIZE);
}

void phase_memory(struct app_test *t)
{
   struct mapped f;
   if (mapped_create(t, &f)) {
      mapped_check_random(&f);
      mapped_check_single_bytes(&f);
      mapped_check_shared_pages(&f);
      mapped_check_two_in_flight(&f);
      mapped_check_two_writers(&f);
      mapped_check_restless_writer(&f);
      mapped_check_files(&f);
      mapped_check_ping_pong(&f);
      mapped_check_remap(&f);
      mapped_check_freed_while_mapped(&f);
      mapped_check_types(&f);
      mapped_check_large(&f);
   }
   mapped_destroy(&f);
}
