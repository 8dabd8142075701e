/* SPDX-License-Identifier: MIT */
/* Phase 6: several queues at once, and several threads at one queue. */

#include <pthread.h>
#include <string.h>

#include "test-app/phase_06_submission.h"

/* One piece of work per queue, all at once, each with its own buffer, pool and fence. */
struct lane {
   struct app_buffer buffer;
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkFence fence;
};

static bool lane_create(struct submission *f, struct lane *lane, const struct app_queue *queue, uint32_t value)
{
   VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = queue->family,
   };
   if (!app_buffer_create(&f->ctx, &lane->buffer, 65536, VK_BUFFER_USAGE_TRANSFER_DST_BIT, APP_MEMORY_READBACK) ||
       !VK_CHECK(f->test, vkCreateCommandPool(f->ctx.device, &pool, NULL, &lane->pool)))
      return false;
   lane->commands = app_commands_begin_in(&f->ctx, lane->pool, 0);
   if (!lane->commands)
      return false;
   vkCmdFillBuffer(lane->commands, lane->buffer.handle, 0, VK_WHOLE_SIZE, value);
   app_cmd_barrier(lane->commands);
   lane->fence = app_fence_create(&f->ctx, 0);
   return VK_CHECK(f->test, vkEndCommandBuffer(lane->commands)) && lane->fence;
}

static void lane_destroy(struct submission *f, struct lane *lane)
{
   vkDestroyFence(f->ctx.device, lane->fence, NULL);
   vkDestroyCommandPool(f->ctx.device, lane->pool, NULL);
   app_buffer_destroy(&f->ctx, &lane->buffer);
}

static void lane_check(struct submission *f, const struct lane *lane, uint32_t value)
{
   const uint32_t *words = lane->buffer.map;
   bool good = true;
   for (uint32_t i = 0; i < 65536 / 4; i++)
      good &= words[i] == value;
   CHECK(f->test, good);
}

void submission_check_queues(struct submission *f)
{
   struct app_test *t = f->test;
   struct lane lanes[APP_MAX_QUEUES];
   VkFence fences[APP_MAX_QUEUES] = {VK_NULL_HANDLE};
   uint32_t count = f->ctx.queue_count;
   bool good = true;
   memset(lanes, 0, sizeof(lanes));
   for (uint32_t i = 0; i < count && good; i++) {
      good = lane_create(f, &lanes[i], &f->ctx.queues[i], 0x51000000 + i);
      fences[i] = lanes[i].fence;
   }
   for (uint32_t i = 0; i < count && good; i++) {
      VkSubmitInfo submit = submission_batch(&lanes[i].commands, 1);
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

struct submitter {
   struct submission *fixture;
   pthread_mutex_t *lock;
   bool good;
};

static void *submitter_main(void *argument)
{
   struct submitter *s = argument;
   struct submission *f = s->fixture;
   VkSubmitInfo submit = submission_batch(&f->plus_one, 1);
   VkFence fence = app_fence_create(&f->ctx, 0);
   s->good = fence != VK_NULL_HANDLE;
   for (int i = 0; i < 25 && s->good; i++) {
      pthread_mutex_lock(s->lock);
      s->good = VK_CHECK(f->test, vkQueueSubmit(submission_queue(f), 1, &submit, fence));
      pthread_mutex_unlock(s->lock);
      s->good = s->good && app_fence_wait(&f->ctx, fence);
   }
   vkDestroyFence(f->ctx.device, fence, NULL);
   return NULL;
}

/* Four threads share the main queue behind a lock; each waits for its own fences without it. */
void submission_check_submitting_threads(struct submission *f)
{
   pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
   struct submitter submitters[4];
   pthread_t threads[4];
   uint32_t started = 0;
   submission_clear(f);
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
   submission_check_words(f, started * 25);
   pthread_mutex_destroy(&lock);
}
