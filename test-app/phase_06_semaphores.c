/* SPDX-License-Identifier: MIT */
/* Phase 6: binary and timeline semaphores, in the old and the new form of submission, waits before their signals, and
 * signals from the host and from other threads. */

#include <pthread.h>

#include "test-app/phase_06_submission.h"

/* Before semaphores go: a driver may still be busy with a signal that the host has already seen. */
static void rest(struct submission *f)
{
   VK_CHECK(f->test, vkDeviceWaitIdle(f->ctx.device));
}

/* A chain of batches in one submission, each waiting for the one before by a binary semaphore. */
void submission_check_batches(struct submission *f)
{
   static const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   struct app_test *t = f->test;
   VkSemaphore semaphores[SUBMISSION_BATCHES] = {VK_NULL_HANDLE};
   VkSubmitInfo batches[SUBMISSION_BATCHES];
   uint32_t *words = f->target.map;
   for (uint32_t i = 0; i < SUBMISSION_BATCHES; i++) {
      semaphores[i] = app_semaphore_create(&f->ctx, false, 0);
      if (!semaphores[i])
         goto done;
      batches[i] = submission_batch(&f->steps[i], 1);
      if (i > 0) {
         batches[i].waitSemaphoreCount = 1;
         batches[i].pWaitSemaphores = &semaphores[i - 1];
         batches[i].pWaitDstStageMask = &stage;
      }
      batches[i].signalSemaphoreCount = i + 1 < SUBMISSION_BATCHES;
      batches[i].pSignalSemaphores = &semaphores[i];
   }
   for (uint32_t round = 0; round < 4; round++) {
      submission_clear(f);
      words[0] = 0xabc00000 + round;
      VK_TRY(t, vkQueueSubmit(submission_queue(f), SUBMISSION_BATCHES, batches, f->fence));
      if (!app_fence_wait(&f->ctx, f->fence))
         goto done;
      for (uint32_t i = 0; i <= SUBMISSION_BATCHES; i++)
         CHECK_EQ(t, 0xabc00000 + round, words[i]);
      CHECK_EQ(t, 0, words[SUBMISSION_BATCHES + 1]);
   }
done:
   for (uint32_t i = 0; i < SUBMISSION_BATCHES; i++)
      vkDestroySemaphore(f->ctx.device, semaphores[i], NULL);
}

/* Work goes round over two queues, ordered by binary semaphores alone. */
void submission_check_queue_ping_pong(struct submission *f)
{
   static const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   struct app_test *t = f->test;
   VkSemaphore semaphores[SUBMISSION_BATCHES] = {VK_NULL_HANDLE};
   uint32_t *words = f->target.map;
   if (f->ctx.queue_count < 2 || f->ctx.queues[1].family != f->ctx.queues[0].family)
      return;
   submission_clear(f);
   words[0] = 0x600d;
   for (uint32_t i = 0; i < SUBMISSION_BATCHES; i++) {
      VkSubmitInfo submit = submission_batch(&f->steps[i], 1);
      bool last = i + 1 == SUBMISSION_BATCHES;
      semaphores[i] = app_semaphore_create(&f->ctx, false, 0);
      if (!semaphores[i])
         goto done;
      submit.waitSemaphoreCount = i > 0;
      submit.pWaitSemaphores = i > 0 ? &semaphores[i - 1] : NULL;
      submit.pWaitDstStageMask = &stage;
      submit.signalSemaphoreCount = !last;
      submit.pSignalSemaphores = &semaphores[i];
      VK_TRY(t, vkQueueSubmit(f->ctx.queues[i % 2].handle, 1, &submit, last ? f->fence : VK_NULL_HANDLE));
   }
   if (!app_fence_wait(&f->ctx, f->fence))
      goto done;
   for (uint32_t i = 0; i <= SUBMISSION_BATCHES; i++)
      CHECK_EQ(t, 0x600d, words[i]);
done:
   rest(f);
   for (uint32_t i = 0; i < SUBMISSION_BATCHES; i++)
      vkDestroySemaphore(f->ctx.device, semaphores[i], NULL);
}

static VkResult wait_value(struct submission *f, VkSemaphore semaphore, uint64_t value, uint64_t timeout)
{
   VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &semaphore,
      .pValues = &value,
   };
   return vkWaitSemaphores(f->ctx.device, &info, timeout);
}

void submission_check_submit2(struct submission *f)
{
   struct app_test *t = f->test;
   VkSemaphore binary = VK_NULL_HANDLE;
   VkSemaphore timeline = VK_NULL_HANDLE;
   if (!f->ctx.has_sync2) {
      app_note(t, "no vkQueueSubmit2 (needs Vulkan 1.3)");
      return;
   }
   binary = app_semaphore_create(&f->ctx, false, 0);
   timeline = app_semaphore_create(&f->ctx, true, 10);
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
   submission_clear(f);
   VK_CHECK(t, vkGetSemaphoreCounterValue(f->ctx.device, timeline, &value));
   CHECK_EQ(t, 10, value);
   VK_TRY(t, vkQueueSubmit2(submission_queue(f), 3, batches, f->fence));
   VK_TRY(t, wait_value(f, timeline, 20, APP_WAIT_NS));
   VK_CHECK(t, vkGetSemaphoreCounterValue(f->ctx.device, timeline, &value));
   CHECK_EQ(t, 20, value);
   submission_check_words(f, 3);
   app_fence_wait(&f->ctx, f->fence);
done:
   rest(f);
   vkDestroySemaphore(f->ctx.device, timeline, NULL);
   vkDestroySemaphore(f->ctx.device, binary, NULL);
}

static VkResult host_signal(struct submission *f, VkSemaphore semaphore, uint64_t value)
{
   VkSemaphoreSignalInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = semaphore,
      .value = value,
   };
   return vkSignalSemaphore(f->ctx.device, &info);
}

static VkResult submit_timeline(struct submission *f, VkQueue queue, VkSemaphore wait, uint64_t wait_for,
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
   VkSubmitInfo info = submission_batch(&commands, commands ? 1 : 0);
   (void)f;
   info.pNext = &values;
   info.waitSemaphoreCount = wait ? 1 : 0;
   info.pWaitSemaphores = &wait;
   info.pWaitDstStageMask = &stage;
   info.signalSemaphoreCount = signal ? 1 : 0;
   info.pSignalSemaphores = &signal;
   return vkQueueSubmit(queue, 1, &info, fence);
}

static void check_timeline_host(struct submission *f)
{
   struct app_test *t = f->test;
   VkSemaphore semaphores[3] = {VK_NULL_HANDLE};
   uint64_t values[3] = {5, 5, 5};
   uint64_t value = 0;
   for (uint32_t i = 0; i < 3; i++) {
      semaphores[i] = app_semaphore_create(&f->ctx, true, i);
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
static void check_wait_before_host_signal(struct submission *f)
{
   struct app_test *t = f->test;
   VkSemaphore gate = app_semaphore_create(&f->ctx, true, 0);
   VkSemaphore counter = app_semaphore_create(&f->ctx, true, 100);
   uint64_t value = 0;
   if (!gate || !counter)
      goto done;
   submission_clear(f);
   VK_TRY(t, submit_timeline(f, submission_queue(f), gate, 3, counter, 101, f->plus_one, f->fence));
   VK_CHECK(t, host_signal(f, gate, 2));
   app_sleep_ms(30);
   VK_EXPECT(t, VK_NOT_READY, vkGetFenceStatus(f->ctx.device, f->fence));
   VK_EXPECT(t, VK_TIMEOUT, vkWaitForFences(f->ctx.device, 1, &f->fence, VK_TRUE, 10 * 1000 * 1000));
   VK_EXPECT(t, VK_TIMEOUT, wait_value(f, counter, 101, 1000));
   VK_CHECK(t, vkGetSemaphoreCounterValue(f->ctx.device, counter, &value));
   CHECK_EQ(t, 100, value);
   submission_check_words(f, 0);
   VK_TRY(t, host_signal(f, gate, 3));
   VK_CHECK(t, wait_value(f, counter, 101, APP_WAIT_NS));
   app_fence_wait(&f->ctx, f->fence);
   submission_check_words(f, 1);
done:
   rest(f);
   vkDestroySemaphore(f->ctx.device, counter, NULL);
   vkDestroySemaphore(f->ctx.device, gate, NULL);
}

/* A queue waits for a value whose signal is submitted to another queue only afterwards. */
static void check_wait_before_queue_signal(struct submission *f)
{
   struct app_test *t = f->test;
   VkSemaphore gate;
   if (f->ctx.queue_count < 2) {
      app_note(t, "one queue only; waits between queues are left out");
      return;
   }
   gate = app_semaphore_create(&f->ctx, true, 0);
   if (!gate)
      return;
   submission_clear(f);
   VK_TRY(t, submit_timeline(f, submission_queue(f), gate, 1, VK_NULL_HANDLE, 0, f->plus_one, f->fence));
   VK_EXPECT(t, VK_NOT_READY, vkGetFenceStatus(f->ctx.device, f->fence));
   VK_TRY(t, submit_timeline(f, f->ctx.queues[1].handle, VK_NULL_HANDLE, 0, gate, 1, VK_NULL_HANDLE, VK_NULL_HANDLE));
   app_fence_wait(&f->ctx, f->fence);
   submission_check_words(f, 1);
done:
   rest(f);
   vkDestroySemaphore(f->ctx.device, gate, NULL);
}

/* A line of submissions, each waiting for the value before; the host follows the counter, which must never go back. */
static void check_timeline_chain(struct submission *f)
{
   enum { LENGTH = 50 };
   struct app_test *t = f->test;
   VkSemaphore chain = app_semaphore_create(&f->ctx, true, 0);
   uint64_t before = 0;
   if (!chain)
      return;
   submission_clear(f);
   for (uint64_t i = 0; i < LENGTH; i++)
      VK_TRY(t, submit_timeline(f, submission_queue(f), i ? chain : VK_NULL_HANDLE, i, chain, i + 1, f->plus_one,
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
   submission_check_words(f, LENGTH);
   VK_CHECK(t, wait_value(f, chain, LENGTH, 0));
done:
   rest(f);
   vkDestroySemaphore(f->ctx.device, chain, NULL);
}

struct signaller {
   struct submission *fixture;
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
static void check_timeline_threads(struct submission *f)
{
   struct app_test *t = f->test;
   struct signaller s = {.fixture = f, .semaphore = app_semaphore_create(&f->ctx, true, 0)};
   pthread_t thread;
   if (!s.semaphore)
      return;
   submission_clear(f);
   VK_TRY(t, submit_timeline(f, submission_queue(f), s.semaphore, 5, VK_NULL_HANDLE, 0, f->plus_one, f->fence));
   if (!CHECK(t, pthread_create(&thread, NULL, signaller_main, &s) == 0)) {
      host_signal(f, s.semaphore, 10);
      goto done;
   }
   for (uint64_t value = 1; value <= 10; value++)
      VK_CHECK(t, wait_value(f, s.semaphore, value, APP_WAIT_NS));
   CHECK(t, pthread_join(thread, NULL) == 0);
   app_fence_wait(&f->ctx, f->fence);
   submission_check_words(f, 1);
done:
   rest(f);
   vkDestroySemaphore(f->ctx.device, s.semaphore, NULL);
}

void submission_check_timelines(struct submission *f)
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
