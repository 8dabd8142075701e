/* SPDX-License-Identifier: MIT */
/* Phase 6: submissions and everything that orders them: fences, binary and timeline semaphores, events, queries, and
 * several queues. The work is always small additions to words of a buffer, so that order and number can be checked. */

#include <pthread.h>
#include <string.h>

#include "test-app/app.h"
#include "test-app/shaders.h"

#define WORDS 1024
#define BATCHES 32

struct fixture {
   struct app_context ctx;
   struct app_test *test;
   struct app_buffer target; /* host visible */
   struct app_compute add;
   VkCommandBuffer plus_one;       /* adds 1 to all words; may be submitted many times */
   VkCommandBuffer steps[BATCHES]; /* step i copies word i to word i + 1 */
   VkFence fence;
};

static bool record(struct fixture *f, VkCommandBuffer *commands)
{
   VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = f->ctx.pool,
      .commandBufferCount = 1,
   };
   VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
   };
   return VK_CHECK(f->test, vkAllocateCommandBuffers(f->ctx.device, &info, commands)) &&
          VK_CHECK(f->test, vkBeginCommandBuffer(*commands, &begin));
}

static bool record_all(struct fixture *f)
{
   const uint32_t push[3] = {0, WORDS, 1};
   if (!record(f, &f->plus_one))
      return false;
   app_cmd_barrier(f->plus_one);
   app_cmd_compute(f->plus_one, &f->add, push, sizeof(push), WORDS / 64, 1);
   app_cmd_barrier(f->plus_one);
   if (!VK_CHECK(f->test, vkEndCommandBuffer(f->plus_one)))
      return false;
   for (uint32_t i = 0; i < BATCHES; i++) {
      if (!record(f, &f->steps[i]))
         return false;
      app_cmd_barrier(f->steps[i]);
      vkCmdCopyBuffer(f->steps[i], f->target.handle, f->target.handle, 1, &(VkBufferCopy){i * 4, (i + 1) * 4, 4});
      app_cmd_barrier(f->steps[i]);
      if (!VK_CHECK(f->test, vkEndCommandBuffer(f->steps[i])))
         return false;
   }
   return true;
}

static VkFence make_fence(struct fixture *f, VkFenceCreateFlags flags)
{
   VkFence fence = VK_NULL_HANDLE;
   VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, .flags = flags};
   VK_CHECK(f->test, vkCreateFence(f->ctx.device, &info, NULL, &fence));
   return fence;
}

static bool fixture_create(struct app_test *t, struct fixture *f)
{
   const VkBufferUsageFlags usage =
      VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
   memset(f, 0, sizeof(*f));
   f->test = t;
   if (!app_context_create(t, &f->ctx) ||
       !app_buffer_create(&f->ctx, &f->target, WORDS * 4, usage, APP_MEMORY_READBACK) ||
       !app_compute_create(&f->ctx, &f->add, &shader_add, 1, 12))
      return false;
   const struct app_buffer *target = &f->target;
   app_compute_buffers(&f->ctx, &f->add, &target, 1);
   f->fence = make_fence(f, 0);
   return f->fence && record_all(f);
}

static void fixture_destroy(struct fixture *f)
{
   if (f->ctx.device)
      vkDestroyFence(f->ctx.device, f->fence, NULL);
   app_compute_destroy(&f->ctx, &f->add);
   app_buffer_destroy(&f->ctx, &f->target);
   app_context_destroy(&f->ctx);
}

static VkQueue main_queue(struct fixture *f)
{
   return f->ctx.queues[0].handle;
}

static void clear(struct fixture *f)
{
   memset(f->target.map, 0, WORDS * 4);
}

static void check_all_words(struct fixture *f, uint32_t value)
{
   uint32_t expected[WORDS];
   for (uint32_t i = 0; i < WORDS; i++)
      expected[i] = value;
   CHECK_BYTES(f->test, expected, f->target.map, sizeof(expected));
}

static VkSubmitInfo batch(const VkCommandBuffer *commands, uint32_t count)
{
   return (VkSubmitInfo){
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = count,
      .pCommandBuffers = commands,
   };
}

static bool wait_fence(struct fixture *f, VkFence fence)
{
   return VK_CHECK(f->test, vkWaitForFences(f->ctx.device, 1, &fence, VK_TRUE, APP_WAIT_NS)) &&
          VK_CHECK(f->test, vkResetFences(f->ctx.device, 1, &fence));
}

static void check_fences(struct fixture *f)
{
   struct app_test *t = f->test;
   VkDevice device = f->ctx.device;
   VkFence fences[4] = {VK_NULL_HANDLE};
   for (uint32_t i = 0; i < 4; i++) {
      fences[i] = make_fence(f, i == 3 ? VK_FENCE_CREATE_SIGNALED_BIT : 0);
      if (!fences[i])
         goto done;
   }
   VK_EXPECT(t, VK_NOT_READY, vkGetFenceStatus(device, fences[0]));
   VK_CHECK(t, vkGetFenceStatus(device, fences[3]));
   VK_EXPECT(t, VK_TIMEOUT, vkWaitForFences(device, 1, &fences[0], VK_TRUE, 0));
   double start = app_now();
   VK_EXPECT(t, VK_TIMEOUT, vkWaitForFences(device, 2, fences, VK_FALSE, 20 * 1000 * 1000));
   CHECK(t, app_now() - start > 0.019);
   VK_CHECK(t, vkWaitForFences(device, 4, fences, VK_FALSE, APP_WAIT_NS));
   VK_EXPECT(t, VK_TIMEOUT, vkWaitForFences(device, 4, fences, VK_TRUE, 1000));
   VK_CHECK(t, vkResetFences(device, 1, &fences[3]));
   VK_EXPECT(t, VK_NOT_READY, vkGetFenceStatus(device, fences[3]));

   clear(f);
   VkSubmitInfo submit = batch(&f->plus_one, 1);
   for (uint32_t i = 0; i < 4; i++)
      VK_TRY(t, vkQueueSubmit(main_queue(f), 1, &submit, fences[i]));
   VK_TRY(t, vkWaitForFences(device, 4, fences, VK_TRUE, APP_WAIT_NS));
   for (uint32_t i = 0; i < 4; i++)
      VK_CHECK(t, vkGetFenceStatus(device, fences[i]));
   check_all_words(f, 4);
   VK_CHECK(t, vkResetFences(device, 4, fences));
   for (uint32_t i = 0; i < 4; i++)
      VK_EXPECT(t, VK_NOT_READY, vkGetFenceStatus(device, fences[i]));

   /* A fence with no batch is signalled when all before it is done. */
   VK_TRY(t, vkQueueSubmit(main_queue(f), 1, &submit, VK_NULL_HANDLE));
   VK_TRY(t, vkQueueSubmit(main_queue(f), 0, NULL, fences[0]));
   VK_TRY(t, vkWaitForFences(device, 1, fences, VK_TRUE, APP_WAIT_NS));
   check_all_words(f, 5);
done:
   for (uint32_t i = 0; i < 4; i++)
      vkDestroyFence(device, fences[i], NULL);
   vkDestroyFence(device, VK_NULL_HANDLE, NULL);
}

static VkSemaphore make_semaphore(struct fixture *f, bool timeline, uint64_t value)
{
   VkSemaphore semaphore = VK_NULL_HANDLE;
   VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
      .initialValue = value,
   };
   VkSemaphoreCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
      .pNext = timeline ? &type : NULL,
   };
   VK_CHECK(f->test, vkCreateSemaphore(f->ctx.device, &info, NULL, &semaphore));
   return semaphore;
}

/* A chain of batches in one submission, each waiting for the one before by a binary semaphore. */
static void check_batches(struct fixture *f)
{
   static const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   struct app_test *t = f->test;
   VkSemaphore semaphores[BATCHES] = {VK_NULL_HANDLE};
   VkSubmitInfo batches[BATCHES];
   uint32_t *words = f->target.map;
   for (uint32_t i = 0; i < BATCHES; i++) {
      semaphores[i] = make_semaphore(f, false, 0);
      if (!semaphores[i])
         goto done;
      batches[i] = batch(&f->steps[i], 1);
      if (i > 0) {
         batches[i].waitSemaphoreCount = 1;
         batches[i].pWaitSemaphores = &semaphores[i - 1];
         batches[i].pWaitDstStageMask = &stage;
      }
      batches[i].signalSemaphoreCount = i + 1 < BATCHES;
      batches[i].pSignalSemaphores = &semaphores[i];
   }
   for (uint32_t round = 0; round < 4; round++) {
      clear(f);
      words[0] = 0xabc00000 + round;
      VK_TRY(t, vkQueueSubmit(main_queue(f), BATCHES, batches, f->fence));
      if (!wait_fence(f, f->fence))
         goto done;
      for (uint32_t i = 0; i <= BATCHES; i++)
         CHECK_EQ(t, 0xabc00000 + round, words[i]);
      CHECK_EQ(t, 0, words[BATCHES + 1]);
   }
done:
   for (uint32_t i = 0; i < BATCHES; i++)
      vkDestroySemaphore(f->ctx.device, semaphores[i], NULL);
}

/* Empty batches, several command buffers in a batch, many submissions without any wait between. */
static void check_many_submissions(struct fixture *f)
{
   struct app_test *t = f->test;
   VkCommandBuffer three[3] = {f->plus_one, f->plus_one, f->plus_one};
   VkSubmitInfo batches[3] = {batch(three, 3), batch(NULL, 0), batch(three, 1)};
   clear(f);
   for (int i = 0; i < 100; i++)
      VK_TRY(t, vkQueueSubmit(main_queue(f), 3, batches, VK_NULL_HANDLE));
   VK_TRY(t, vkQueueWaitIdle(main_queue(f)));
   check_all_words(f, 400);
   VK_TRY(t, vkQueueSubmit(main_queue(f), 3, batches, VK_NULL_HANDLE));
   VK_TRY(t, vkDeviceWaitIdle(f->ctx.device));
   check_all_words(f, 404);
done:
   return;
}

static VkResult wait_value(struct fixture *f, VkSemaphore semaphore, uint64_t value, uint64_t timeout)
{
   VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &semaphore,
      .pValues = &value,
   };
   return vkWaitSemaphores(f->ctx.device, &info, timeout);
}

/* Before semaphores go: a driver may still be busy with a signal that the host has already seen. */
static void rest(struct fixture *f)
{
   VK_CHECK(f->test, vkDeviceWaitIdle(f->ctx.device));
}

static void check_submit2(struct fixture *f)
{
   struct app_test *t = f->test;
   VkSemaphore binary = VK_NULL_HANDLE;
   VkSemaphore timeline = VK_NULL_HANDLE;
   if (!f->ctx.has_sync2) {
      app_note(t, "no vkQueueSubmit2 (needs Vulkan 1.3)");
      return;
   }
   binary = make_semaphore(f, false, 0);
   timeline = make_semaphore(f, true, 10);
   if (!binary || !timeline)
      goto done;
   VkCommandBufferSubmitInfo commands = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
      .commandBuffer = f->plus_one,
   };
   VkSemaphoreSubmitInfo on_binary = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
      .semaphore = binary,
      .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
   };
   VkSemaphoreSubmitInfo on_timeline = on_binary;
   on_timeline.semaphore = timeline;
   on_timeline.value = 15;
   VkSemaphoreSubmitInfo last = on_timeline;
   last.value = 20;
   VkSubmitInfo2 batches[3] = {
      {
         .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
         .commandBufferInfoCount = 1,
         .pCommandBufferInfos = &commands,
         .signalSemaphoreInfoCount = 1,
         .pSignalSemaphoreInfos = &on_binary,
      },
      {
         .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
         .waitSemaphoreInfoCount = 1,
         .pWaitSemaphoreInfos = &on_binary,
         .commandBufferInfoCount = 1,
         .pCommandBufferInfos = &commands,
         .signalSemaphoreInfoCount = 1,
         .pSignalSemaphoreInfos = &on_timeline,
      },
      {
         .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
         .waitSemaphoreInfoCount = 1,
         .pWaitSemaphoreInfos = &on_timeline,
         .commandBufferInfoCount = 1,
         .pCommandBufferInfos = &commands,
         .signalSemaphoreInfoCount = 1,
         .pSignalSemaphoreInfos = &last,
      },
   };
   uint64_t value = 0;
   clear(f);
   VK_CHECK(t, vkGetSemaphoreCounterValue(f->ctx.device, timeline, &value));
   CHECK_EQ(t, 10, value);
   VK_TRY(t, vkQueueSubmit2(main_queue(f), 3, batches, f->fence));
   VK_TRY(t, wait_value(f, timeline, 20, APP_WAIT_NS));
   VK_CHECK(t, vkGetSemaphoreCounterValue(f->ctx.device, timeline, &value));
   CHECK_EQ(t, 20, value);
   check_all_words(f, 3);
   wait_fence(f, f->fence);
done:
   rest(f);
   vkDestroySemaphore(f->ctx.device, timeline, NULL);
   vkDestroySemaphore(f->ctx.device, binary, NULL);
}

static VkResult host_signal(struct fixture *f, VkSemaphore semaphore, uint64_t value)
{
   VkSemaphoreSignalInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = semaphore,
      .value = value,
   };
   return vkSignalSemaphore(f->ctx.device, &info);
}

static VkResult submit_timeline(struct fixture *f, VkQueue queue, VkSemaphore wait, uint64_t wait_for,
                                VkSemaphore signal, uint64_t signal_to, VkCommandBuffer commands, VkFence fence)
{
   static const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = wait ? 1 : 0,
      .pWaitSemaphoreValues = &wait_for,
      .signalSemaphoreValueCount = signal ? 1 : 0,
      .pSignalSemaphoreValues = &signal_to,
   };
   VkSubmitInfo info = batch(&commands, commands ? 1 : 0);
   (void)f;
   info.pNext = &values;
   info.waitSemaphoreCount = wait ? 1 : 0;
   info.pWaitSemaphores = &wait;
   info.pWaitDstStageMask = &stage;
   info.signalSemaphoreCount = signal ? 1 : 0;
   info.pSignalSemaphores = &signal;
   return vkQueueSubmit(queue, 1, &info, fence);
}

static void check_timeline_host(struct fixture *f)
{
   struct app_test *t = f->test;
   VkSemaphore semaphores[3] = {VK_NULL_HANDLE};
   uint64_t values[3] = {5, 5, 5};
   uint64_t value = 0;
   for (uint32_t i = 0; i < 3; i++) {
      semaphores[i] = make_semaphore(f, true, i);
      if (!semaphores[i])
         goto done;
   }
   for (uint32_t i = 0; i < 3; i++) {
      VK_CHECK(t, vkGetSemaphoreCounterValue(f->ctx.device, semaphores[i], &value));
      CHECK_EQ(t, i, value);
   }
   VkSemaphoreWaitInfo all = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 3,
      .pSemaphores = semaphores,
      .pValues = values,
   };
   VkSemaphoreWaitInfo any = all;
   any.flags = VK_SEMAPHORE_WAIT_ANY_BIT;
   VK_EXPECT(t, VK_TIMEOUT, vkWaitSemaphores(f->ctx.device, &any, 0));
   double start = app_now();
   VK_EXPECT(t, VK_TIMEOUT, vkWaitSemaphores(f->ctx.device, &any, 20 * 1000 * 1000));
   CHECK(t, app_now() - start > 0.019);
   VK_CHECK(t, host_signal(f, semaphores[1], 7));
   VK_CHECK(t, vkWaitSemaphores(f->ctx.device, &any, APP_WAIT_NS));
   VK_EXPECT(t, VK_TIMEOUT, vkWaitSemaphores(f->ctx.device, &all, 1000));
   VK_CHECK(t, host_signal(f, semaphores[0], 5));
   VK_CHECK(t, host_signal(f, semaphores[2], UINT64_C(0x40000005)));
   VK_CHECK(t, vkWaitSemaphores(f->ctx.device, &all, APP_WAIT_NS));
   VK_CHECK(t, vkGetSemaphoreCounterValue(f->ctx.device, semaphores[2], &value));
   CHECK_EQ(t, 0x40000005, value);
   VK_CHECK(t, wait_value(f, semaphores[1], 0, 0));
done:
   for (uint32_t i = 0; i < 3; i++)
      vkDestroySemaphore(f->ctx.device, semaphores[i], NULL);
}

/* The device waits for a value that the host signals later: nothing may run before, all must run after. */
static void check_wait_before_host_signal(struct fixture *f)
{
   struct app_test *t = f->test;
   VkSemaphore gate = make_semaphore(f, true, 0);
   VkSemaphore counter = make_semaphore(f, true, 100);
   uint64_t value = 0;
   if (!gate || !counter)
      goto done;
   clear(f);
   VK_TRY(t, submit_timeline(f, main_queue(f), gate, 3, counter, 101, f->plus_one, f->fence));
   VK_CHECK(t, host_signal(f, gate, 2));
   app_sleep_ms(30);
   VK_EXPECT(t, VK_NOT_READY, vkGetFenceStatus(f->ctx.device, f->fence));
   VK_EXPECT(t, VK_TIMEOUT, vkWaitForFences(f->ctx.device, 1, &f->fence, VK_TRUE, 10 * 1000 * 1000));
   VK_EXPECT(t, VK_TIMEOUT, wait_value(f, counter, 101, 1000));
   VK_CHECK(t, vkGetSemaphoreCounterValue(f->ctx.device, counter, &value));
   CHECK_EQ(t, 100, value);
   check_all_words(f, 0);
   VK_TRY(t, host_signal(f, gate, 3));
   VK_CHECK(t, wait_value(f, counter, 101, APP_WAIT_NS));
   wait_fence(f, f->fence);
   check_all_words(f, 1);
done:
   rest(f);
   vkDestroySemaphore(f->ctx.device, counter, NULL);
   vkDestroySemaphore(f->ctx.device, gate, NULL);
}

/* A queue waits for a value whose signal is submitted to another queue only afterwards. */
static void check_wait_before_queue_signal(struct fixture *f)
{
   struct app_test *t = f->test;
   VkSemaphore gate;
   if (f->ctx.queue_count < 2) {
      app_note(t, "one queue only; waits between queues are left out");
      return;
   }
   gate = make_semaphore(f, true, 0);
   if (!gate)
      return;
   clear(f);
   VK_TRY(t, submit_timeline(f, main_queue(f), gate, 1, VK_NULL_HANDLE, 0, f->plus_one, f->fence));
   VK_EXPECT(t, VK_NOT_READY, vkGetFenceStatus(f->ctx.device, f->fence));
   VK_TRY(t, submit_timeline(f, f->ctx.queues[1].handle, VK_NULL_HANDLE, 0, gate, 1, VK_NULL_HANDLE, VK_NULL_HANDLE));
   wait_fence(f, f->fence);
   check_all_words(f, 1);
done:
   rest(f);
   vkDestroySemaphore(f->ctx.device, gate, NULL);
}

/* A line of submissions, each waiting for the value before; the host follows the counter, which must never go back. */
static void check_timeline_chain(struct fixture *f)
{
   enum { LENGTH = 50 };
   struct app_test *t = f->test;
   VkSemaphore chain = make_semaphore(f, true, 0);
   uint64_t before = 0;
   if (!chain)
      return;
   clear(f);
   for (uint64_t i = 0; i < LENGTH; i++)
      VK_TRY(t, submit_timeline(f, main_queue(f), i ? chain : VK_NULL_HANDLE, i, chain, i + 1, f->plus_one,
                                VK_NULL_HANDLE));
   double start = app_now();
   bool monotonic = true;
   while (before < LENGTH && app_now() - start < 60.0) {
      uint64_t value = 0;
      VkResult result = vkGetSemaphoreCounterValue(f->ctx.device, chain, &value);
      if (result != VK_SUCCESS || value < before) {
         monotonic = false;
         break;
      }
      before = value;
   }
   CHECK(t, monotonic);
   CHECK_EQ(t, LENGTH, before);
   check_all_words(f, LENGTH);
   VK_CHECK(t, wait_value(f, chain, LENGTH, 0));
done:
   rest(f);
   vkDestroySemaphore(f->ctx.device, chain, NULL);
}

struct signaller {
   struct fixture *fixture;
   VkSemaphore semaphore;
};

static void *signaller_main(void *argument)
{
   struct signaller *s = argument;
   for (uint64_t value = 1; value <= 10; value++) {
      app_sleep_ms(2);
      VK_CHECK(s->fixture->test, host_signal(s->fixture, s->semaphore, value));
   }
   return NULL;
}

/* One thread signals, this one waits, for the host and for the device. */
static void check_timeline_threads(struct fixture *f)
{
   struct app_test *t = f->test;
   struct signaller s = {.fixture = f, .semaphore = make_semaphore(f, true, 0)};
   pthread_t thread;
   if (!s.semaphore)
      return;
   clear(f);
   VK_TRY(t, submit_timeline(f, main_queue(f), s.semaphore, 5, VK_NULL_HANDLE, 0, f->plus_one, f->fence));
   if (!CHECK(t, pthread_create(&thread, NULL, signaller_main, &s) == 0)) {
      host_signal(f, s.semaphore, 10);
      goto done;
   }
   for (uint64_t value = 1; value <= 10; value++)
      VK_CHECK(t, wait_value(f, s.semaphore, value, APP_WAIT_NS));
   CHECK(t, pthread_join(thread, NULL) == 0);
   wait_fence(f, f->fence);
   check_all_words(f, 1);
done:
   rest(f);
   vkDestroySemaphore(f->ctx.device, s.semaphore, NULL);
}

static void check_timelines(struct fixture *f)
{
   if (!f->ctx.has_timeline) {
      app_note(f->test, "no timeline semaphores (need Vulkan 1.2)");
      return;
   }
   check_timeline_host(f);
   check_wait_before_host_signal(f);
   check_wait_before_queue_signal(f);
   check_timeline_chain(f);
   check_timeline_threads(f);
}

static VkEvent make_event(struct fixture *f)
{
   VkEvent event = VK_NULL_HANDLE;
   VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   VK_CHECK(f->test, vkCreateEvent(f->ctx.device, &info, NULL, &event));
   return event;
}

static void check_events(struct fixture *f)
{
   struct app_test *t = f->test;
   VkDevice device = f->ctx.device;
   VkEvent events[2] = {make_event(f), make_event(f)};
   const uint32_t push[3] = {0, WORDS, 1};
   if (!events[0] || !events[1])
      goto done;
   VK_EXPECT(t, VK_EVENT_RESET, vkGetEventStatus(device, events[0]));
   VK_CHECK(t, vkSetEvent(device, events[0]));
   VK_EXPECT(t, VK_EVENT_SET, vkGetEventStatus(device, events[0]));
   VK_CHECK(t, vkResetEvent(device, events[0]));
   VK_EXPECT(t, VK_EVENT_RESET, vkGetEventStatus(device, events[0]));

   /* The device sets, then resets. */
   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   vkCmdSetEvent(commands, events[0], VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
   if (!app_commands_run(&f->ctx, commands))
      goto done;
   VK_EXPECT(t, VK_EVENT_SET, vkGetEventStatus(device, events[0]));
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   vkCmdResetEvent(commands, events[0], VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
   if (!app_commands_run(&f->ctx, commands))
      goto done;
   VK_EXPECT(t, VK_EVENT_RESET, vkGetEventStatus(device, events[0]));

   /* One set by the host before, one by the device; the additions go between and after them. */
   clear(f);
   VK_CHECK(t, vkSetEvent(device, events[1]));
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT,
   };
   app_cmd_compute(commands, &f->add, push, sizeof(push), WORDS / 64, 1);
   vkCmdSetEvent(commands, events[0], VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT);
   vkCmdWaitEvents(commands, 2, events, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_HOST_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 1, &barrier, 0, NULL, 0, NULL);
   app_cmd_compute(commands, &f->add, push, sizeof(push), WORDS / 64, 1);
   app_cmd_barrier(commands);
   if (!app_commands_run(&f->ctx, commands))
      goto done;
   check_all_words(f, 2);
   VK_EXPECT(t, VK_EVENT_SET, vkGetEventStatus(device, events[0]));
   VK_EXPECT(t, VK_EVENT_SET, vkGetEventStatus(device, events[1]));
done:
   vkDestroyEvent(device, events[0], NULL);
   vkDestroyEvent(device, events[1], NULL);
}

static VkQueryPool make_queries(struct fixture *f, VkQueryType type, uint32_t count, VkQueryPipelineStatisticFlags what)
{
   VkQueryPool pool = VK_NULL_HANDLE;
   VkQueryPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
      .queryType = type,
      .queryCount = count,
      .pipelineStatistics = what,
   };
   VK_CHECK(f->test, vkCreateQueryPool(f->ctx.device, &info, NULL, &pool));
   return pool;
}

/* Timestamps never go back in one queue's order; what the host reads is what the device copies to a buffer. */
static void check_timestamps(struct fixture *f)
{
   enum { STAMPS = 8 };
   struct app_test *t = f->test;
   VkDevice device = f->ctx.device;
   uint32_t bits = f->ctx.queues[0].timestamp_bits;
   uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
   uint64_t stamps[STAMPS + 1][2];
   VkQueryPool pool;
   if (bits == 0) {
      app_note(t, "no timestamps on the main queue");
      return;
   }
   pool = make_queries(f, VK_QUERY_TYPE_TIMESTAMP, STAMPS + 1, 0);
   if (!pool)
      return;
   clear(f);
   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   TRY(t, commands != VK_NULL_HANDLE);
   vkCmdResetQueryPool(commands, pool, 0, STAMPS + 1);
   for (uint32_t i = 0; i < STAMPS; i++) {
      vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool, i);
      vkCmdFillBuffer(commands, f->target.handle, 2048, 1024, i);
      app_cmd_barrier(commands);
   }
   vkCmdCopyQueryPoolResults(commands, pool, 0, STAMPS, f->target.handle, 0, 16,
                             VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT);
   app_cmd_barrier(commands);
   if (!app_commands_run(&f->ctx, commands))
      goto done;
   memset(stamps, 0, sizeof(stamps));
   const VkQueryResultFlags flags = VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT;
   VK_CHECK(t, vkGetQueryPoolResults(device, pool, 0, STAMPS, sizeof(stamps), stamps, 16, flags));
   CHECK_BYTES(t, f->target.map, stamps, STAMPS * 16);
   for (uint32_t i = 0; i < STAMPS; i++) {
      CHECK(t, stamps[i][1] != 0);
      CHECK_EQ(t, 0, stamps[i][0] & ~mask);
      CHECK(t, i == 0 || stamps[i][0] >= stamps[i - 1][0] || bits < 64);
   }
   /* The last one was reset but never written. */
   VK_EXPECT(t, VK_NOT_READY, vkGetQueryPoolResults(device, pool, 0, STAMPS + 1, sizeof(stamps), stamps, 16, flags));
   CHECK_EQ(t, 0, stamps[STAMPS][1]);
   uint32_t narrow[STAMPS];
   VK_CHECK(t, vkGetQueryPoolResults(device, pool, 0, STAMPS, sizeof(narrow), narrow, 4, VK_QUERY_RESULT_WAIT_BIT));
   if (f->ctx.has_host_query_reset) {
      vkResetQueryPool(device, pool, 0, STAMPS);
      VK_EXPECT(t, VK_NOT_READY, vkGetQueryPoolResults(device, pool, 0, 1, 16, stamps, 16, VK_QUERY_RESULT_64_BIT));
   }
done:
   vkDestroyQueryPool(device, pool, NULL);
}

#define TARGET_SIZE 64

/* The smallest graphics set-up there is: one triangle over one colour target. */
struct triangle {
   struct app_image image;
   VkRenderPass pass;
   VkFramebuffer framebuffer;
   VkPipelineLayout layout;
   VkPipeline pipeline;
};

static bool triangle_create_pass(struct fixture *f, struct triangle *tri)
{
   VkImageCreateInfo image =
      app_image_info(VK_FORMAT_R8G8B8A8_UNORM, TARGET_SIZE, TARGET_SIZE, VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT);
   if (!app_image_create(&f->ctx, &tri->image, &image, VK_IMAGE_ASPECT_COLOR_BIT))
      return false;
   VkAttachmentDescription attachment = {
      .format = image.format,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
      .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
      .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
      .finalLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
   };
   VkAttachmentReference reference = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
   VkSubpassDescription subpass = {
      .pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
      .colorAttachmentCount = 1,
      .pColorAttachments = &reference,
   };
   VkRenderPassCreateInfo pass = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment,
      .subpassCount = 1,
      .pSubpasses = &subpass,
   };
   if (!VK_CHECK(f->test, vkCreateRenderPass(f->ctx.device, &pass, NULL, &tri->pass)))
      return false;
   VkFramebufferCreateInfo framebuffer = {
      .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
      .renderPass = tri->pass,
      .attachmentCount = 1,
      .pAttachments = &tri->image.view,
      .width = TARGET_SIZE,
      .height = TARGET_SIZE,
      .layers = 1,
   };
   return VK_CHECK(f->test, vkCreateFramebuffer(f->ctx.device, &framebuffer, NULL, &tri->framebuffer));
}

static bool triangle_create_pipeline(struct fixture *f, struct triangle *tri)
{
   VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
   VkShaderModule vertex = app_shader_module(&f->ctx, &shader_fullscreen);
   VkShaderModule fragment = app_shader_module(&f->ctx, &shader_flat);
   VkPipelineShaderStageCreateInfo stages[2] = {
      {
         .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = VK_SHADER_STAGE_VERTEX_BIT,
         .module = vertex,
         .pName = "main",
      },
      {
         .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = VK_SHADER_STAGE_FRAGMENT_BIT,
         .module = fragment,
         .pName = "main",
      },
   };
   VkPipelineVertexInputStateCreateInfo input = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
   };
   VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST,
   };
   VkViewport viewport = {0.0f, 0.0f, TARGET_SIZE, TARGET_SIZE, 0.0f, 1.0f};
   VkRect2D scissor = {{0, 0}, {TARGET_SIZE, TARGET_SIZE}};
   VkPipelineViewportStateCreateInfo view = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
      .viewportCount = 1,
      .pViewports = &viewport,
      .scissorCount = 1,
      .pScissors = &scissor,
   };
   VkPipelineRasterizationStateCreateInfo raster = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .lineWidth = 1.0f,
   };
   VkPipelineMultisampleStateCreateInfo samples = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
      .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT,
   };
   VkPipelineColorBlendAttachmentState attachment = {.colorWriteMask = 0xf};
   VkPipelineColorBlendStateCreateInfo blend = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment,
   };
   bool good =
      vertex && fragment && VK_CHECK(f->test, vkCreatePipelineLayout(f->ctx.device, &layout, NULL, &tri->layout));
   VkGraphicsPipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .stageCount = 2,
      .pStages = stages,
      .pVertexInputState = &input,
      .pInputAssemblyState = &assembly,
      .pViewportState = &view,
      .pRasterizationState = &raster,
      .pMultisampleState = &samples,
      .pColorBlendState = &blend,
      .layout = tri->layout,
      .renderPass = tri->pass,
   };
   good = good &&
          VK_CHECK(f->test, vkCreateGraphicsPipelines(f->ctx.device, VK_NULL_HANDLE, 1, &info, NULL, &tri->pipeline));
   vkDestroyShaderModule(f->ctx.device, fragment, NULL);
   vkDestroyShaderModule(f->ctx.device, vertex, NULL);
   return good;
}

static void triangle_destroy(struct fixture *f, struct triangle *tri)
{
   vkDestroyPipeline(f->ctx.device, tri->pipeline, NULL);
   vkDestroyPipelineLayout(f->ctx.device, tri->layout, NULL);
   vkDestroyFramebuffer(f->ctx.device, tri->framebuffer, NULL);
   vkDestroyRenderPass(f->ctx.device, tri->pass, NULL);
   app_image_destroy(&f->ctx, &tri->image);
}

/* Query 0 counts a triangle over all samples, query 1 a pass without any draw. */
static void cmd_draw_queries(struct triangle *tri, VkCommandBuffer commands, VkQueryPool pool,
                             VkQueryControlFlags flags)
{
   VkClearValue black = {.color = {.float32 = {0.0f, 0.0f, 0.0f, 1.0f}}};
   VkRenderPassBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
      .renderPass = tri->pass,
      .framebuffer = tri->framebuffer,
      .renderArea = {{0, 0}, {TARGET_SIZE, TARGET_SIZE}},
      .clearValueCount = 1,
      .pClearValues = &black,
   };
   vkCmdResetQueryPool(commands, pool, 0, 2);
   vkCmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, tri->pipeline);
   vkCmdBeginQuery(commands, pool, 0, flags);
   vkCmdDraw(commands, 3, 1, 0, 0);
   vkCmdEndQuery(commands, pool, 0);
   vkCmdBeginQuery(commands, pool, 1, flags);
   vkCmdEndQuery(commands, pool, 1);
   vkCmdEndRenderPass(commands);
}

static bool run_queries(struct fixture *f, struct triangle *tri, VkQueryPool pool, VkQueryControlFlags flags,
                        uint64_t results[2])
{
   VkCommandBuffer commands = pool ? app_commands_begin(&f->ctx) : VK_NULL_HANDLE;
   if (!commands)
      return false;
   cmd_draw_queries(tri, commands, pool, flags);
   return app_commands_run(&f->ctx, commands) &&
          VK_CHECK(f->test, vkGetQueryPoolResults(f->ctx.device, pool, 0, 2, 16, results, 8,
                                                  VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT));
}

static void check_draw_queries(struct fixture *f)
{
   const uint64_t all = TARGET_SIZE * TARGET_SIZE;
   struct app_test *t = f->test;
   struct triangle tri = {0};
   VkQueryPool occlusion = VK_NULL_HANDLE;
   VkQueryPool statistics = VK_NULL_HANDLE;
   uint64_t results[2] = {0, 7};
   if (!(f->ctx.queues[0].flags & VK_QUEUE_GRAPHICS_BIT)) {
      app_note(t, "no graphics queue; occlusion queries are left out");
      return;
   }
   if (!triangle_create_pass(f, &tri) || !triangle_create_pipeline(f, &tri))
      goto done;
   occlusion = make_queries(f, VK_QUERY_TYPE_OCCLUSION, 2, 0);
   if (run_queries(f, &tri, occlusion, 0, results)) {
      CHECK(t, results[0] > 0);
      CHECK_EQ(t, 0, results[1]);
   }
   if (f->ctx.features.occlusionQueryPrecise &&
       run_queries(f, &tri, occlusion, VK_QUERY_CONTROL_PRECISE_BIT, results)) {
      CHECK_EQ(t, all, results[0]);
      CHECK_EQ(t, 0, results[1]);
   }
   if (!f->ctx.features.pipelineStatisticsQuery)
      goto done;
   statistics = make_queries(f, VK_QUERY_TYPE_PIPELINE_STATISTICS, 2,
                             VK_QUERY_PIPELINE_STATISTIC_FRAGMENT_SHADER_INVOCATIONS_BIT);
   if (run_queries(f, &tri, statistics, 0, results)) {
      CHECK(t, results[0] >= all);
      CHECK_EQ(t, 0, results[1]);
   }
done:
   vkDestroyQueryPool(f->ctx.device, statistics, NULL);
   vkDestroyQueryPool(f->ctx.device, occlusion, NULL);
   triangle_destroy(f, &tri);
}

/* One piece of work per queue, all at once, each with its own buffer, pool and fence. */
struct lane {
   struct app_buffer buffer;
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkFence fence;
};

static bool lane_create(struct fixture *f, struct lane *lane, const struct app_queue *queue, uint32_t value)
{
   VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = queue->family,
   };
   if (!app_buffer_create(&f->ctx, &lane->buffer, 65536, VK_BUFFER_USAGE_TRANSFER_DST_BIT, APP_MEMORY_READBACK) ||
       !VK_CHECK(f->test, vkCreateCommandPool(f->ctx.device, &pool, NULL, &lane->pool)))
      return false;
   VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = lane->pool,
      .commandBufferCount = 1,
   };
   VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   if (!VK_CHECK(f->test, vkAllocateCommandBuffers(f->ctx.device, &info, &lane->commands)) ||
       !VK_CHECK(f->test, vkBeginCommandBuffer(lane->commands, &begin)))
      return false;
   vkCmdFillBuffer(lane->commands, lane->buffer.handle, 0, VK_WHOLE_SIZE, value);
   app_cmd_barrier(lane->commands);
   lane->fence = make_fence(f, 0);
   return VK_CHECK(f->test, vkEndCommandBuffer(lane->commands)) && lane->fence;
}

static void lane_destroy(struct fixture *f, struct lane *lane)
{
   vkDestroyFence(f->ctx.device, lane->fence, NULL);
   vkDestroyCommandPool(f->ctx.device, lane->pool, NULL);
   app_buffer_destroy(&f->ctx, &lane->buffer);
}

static void lane_check(struct fixture *f, const struct lane *lane, uint32_t value)
{
   const uint32_t *words = lane->buffer.map;
   bool good = true;
   for (uint32_t i = 0; i < 65536 / 4; i++)
      good &= words[i] == value;
   CHECK(f->test, good);
}

static void check_queues(struct fixture *f)
{
   struct app_test *t = f->test;
   struct lane lanes[APP_MAX_QUEUES];
   VkFence fences[APP_MAX_QUEUES];
   uint32_t count = f->ctx.queue_count;
   bool good = true;
   memset(lanes, 0, sizeof(lanes));
   for (uint32_t i = 0; i < count && good; i++) {
      good = lane_create(f, &lanes[i], &f->ctx.queues[i], 0x51000000 + i);
      fences[i] = lanes[i].fence;
   }
   for (uint32_t i = 0; i < count && good; i++) {
      VkSubmitInfo submit = batch(&lanes[i].commands, 1);
      good = VK_CHECK(t, vkQueueSubmit(f->ctx.queues[i].handle, 1, &submit, lanes[i].fence));
   }
   if (good && VK_CHECK(t, vkWaitForFences(f->ctx.device, count, fences, VK_TRUE, APP_WAIT_NS))) {
      for (uint32_t i = 0; i < count; i++)
         lane_check(f, &lanes[i], 0x51000000 + i);
   }
   for (uint32_t i = 0; i < count; i++)
      VK_CHECK(t, vkQueueWaitIdle(f->ctx.queues[i].handle));
   for (uint32_t i = 0; i < count; i++)
      lane_destroy(f, &lanes[i]);
}

/* Work goes round over two queues, ordered by binary semaphores alone. */
static void check_queue_ping_pong(struct fixture *f)
{
   static const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   struct app_test *t = f->test;
   VkSemaphore semaphores[BATCHES] = {VK_NULL_HANDLE};
   uint32_t *words = f->target.map;
   if (f->ctx.queue_count < 2 || f->ctx.queues[1].family != f->ctx.queues[0].family)
      return;
   clear(f);
   words[0] = 0x600d;
   for (uint32_t i = 0; i < BATCHES; i++) {
      VkSubmitInfo submit = batch(&f->steps[i], 1);
      bool last = i + 1 == BATCHES;
      semaphores[i] = make_semaphore(f, false, 0);
      if (!semaphores[i])
         goto done;
      submit.waitSemaphoreCount = i > 0;
      submit.pWaitSemaphores = i > 0 ? &semaphores[i - 1] : NULL;
      submit.pWaitDstStageMask = &stage;
      submit.signalSemaphoreCount = !last;
      submit.pSignalSemaphores = &semaphores[i];
      VK_TRY(t, vkQueueSubmit(f->ctx.queues[i % 2].handle, 1, &submit, last ? f->fence : VK_NULL_HANDLE));
   }
   if (!wait_fence(f, f->fence))
      goto done;
   for (uint32_t i = 0; i <= BATCHES; i++)
      CHECK_EQ(t, 0x600d, words[i]);
done:
   rest(f);
   for (uint32_t i = 0; i < BATCHES; i++)
      vkDestroySemaphore(f->ctx.device, semaphores[i], NULL);
}

struct submitter {
   struct fixture *fixture;
   pthread_mutex_t *lock;
   bool good;
};

static void *submitter_main(void *argument)
{
   struct submitter *s = argument;
   struct fixture *f = s->fixture;
   VkSubmitInfo submit = batch(&f->plus_one, 1);
   VkFence fence = make_fence(f, 0);
   s->good = fence != VK_NULL_HANDLE;
   for (int i = 0; i < 25 && s->good; i++) {
      pthread_mutex_lock(s->lock);
      s->good = VK_CHECK(f->test, vkQueueSubmit(main_queue(f), 1, &submit, fence));
      pthread_mutex_unlock(s->lock);
      s->good = s->good && wait_fence(f, fence);
   }
   vkDestroyFence(f->ctx.device, fence, NULL);
   return NULL;
}

/* Four threads share the main queue behind a lock; each waits for its own fences without it. */
static void check_submitting_threads(struct fixture *f)
{
   pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
   struct submitter submitters[4];
   pthread_t threads[4];
   uint32_t started = 0;
   clear(f);
   for (uint32_t i = 0; i < 4; i++) {
      submitters[i] = (struct submitter){.fixture = f, .lock = &lock};
      if (!CHECK(f->test, pthread_create(&threads[i], NULL, submitter_main, &submitters[i]) == 0))
         break;
      started++;
   }
   for (uint32_t i = 0; i < started; i++) {
      CHECK(f->test, pthread_join(threads[i], NULL) == 0);
      CHECK(f->test, submitters[i].good);
   }
   check_all_words(f, started * 25);
   pthread_mutex_destroy(&lock);
}

void phase_submission(struct app_test *t)
{
   struct fixture f;
   if (fixture_create(t, &f)) {
      check_fences(&f);
      check_batches(&f);
      check_many_submissions(&f);
      check_submit2(&f);
      check_timelines(&f);
      check_events(&f);
      check_timestamps(&f);
      check_draw_queries(&f);
      check_queues(&f);
      check_queue_ping_pong(&f);
      check_submitting_threads(&f);
   }
   fixture_destroy(&f);
}
