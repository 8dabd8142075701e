/* SPDX-License-Identifier: MIT */
/* Phase 6: submissions and everything that orders them. The work is always small additions to words of a buffer, so
 * that order and number can be checked. Here are that work, many submissions of it, and what the phase does in which
 * order. */

#include "test-app/phase_06_submission.h"

#include <string.h>

#include "test-app/shaders.h"

static VkCommandBuffer begin_reusable(struct submission *f)
{
   return app_commands_begin_in(&f->ctx, f->ctx.pool, VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT);
}

static bool record_all(struct submission *f)
{
   const uint32_t push[3] = {0, SUBMISSION_WORDS, 1};
   f->plus_one = begin_reusable(f);
   if (!f->plus_one)
      return false;
   app_cmd_barrier(f->plus_one);
   app_cmd_compute(f->plus_one, &f->add, push, sizeof(push), SUBMISSION_WORDS / 64, 1);
   app_cmd_barrier(f->plus_one);
   if (!VK_CHECK(f->test, vkEndCommandBuffer(f->plus_one)))
      return false;
   for (uint32_t i = 0; i < SUBMISSION_BATCHES; i++) {
      f->steps[i] = begin_reusable(f);
      if (!f->steps[i])
         return false;
      app_cmd_barrier(f->steps[i]);
      vkCmdCopyBuffer(f->steps[i], f->target.handle, f->target.handle, 1, &(VkBufferCopy){i * 4, (i + 1) * 4, 4});
      app_cmd_barrier(f->steps[i]);
      if (!VK_CHECK(f->test, vkEndCommandBuffer(f->steps[i])))
         return false;
   }
   return true;
}

static bool submission_create(struct app_test *t, struct submission *f)
{
   const VkBufferUsageFlags usage =
      VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
   memset(f, 0, sizeof(*f));
   f->test = t;
   if (!app_context_create(t, &f->ctx) ||
       !app_buffer_create(&f->ctx, &f->target, SUBMISSION_WORDS * 4, usage, APP_MEMORY_READBACK) ||
       !app_compute_create(&f->ctx, &f->add, &shader_add, 1, 12))
      return false;
   const struct app_buffer *target = &f->target;
   app_compute_buffers(&f->ctx, &f->add, &target, 1);
   f->fence = app_fence_create(&f->ctx, 0);
   return f->fence && record_all(f);
}

static void submission_destroy(struct submission *f)
{
   if (f->ctx.device)
      vkDestroyFence(f->ctx.device, f->fence, NULL);
   app_compute_destroy(&f->ctx, &f->add);
   app_buffer_destroy(&f->ctx, &f->target);
   app_context_destroy(&f->ctx);
}

VkQueue submission_queue(struct submission *f)
{
   return f->ctx.queues[0].handle;
}

void submission_clear(struct submission *f)
{
   memset(f->target.map, 0, SUBMISSION_WORDS * 4);
}

void submission_check_words(struct submission *f, uint32_t value)
{
   uint32_t expected[SUBMISSION_WORDS];
   for (uint32_t i = 0; i < SUBMISSION_WORDS; i++)
      expected[i] = value;
   CHECK_BYTES(f->test, expected, f->target.map, sizeof(expected));
}

VkSubmitInfo submission_batch(const VkCommandBuffer *commands, uint32_t count)
{
   return (VkSubmitInfo){
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = count,
      .pCommandBuffers = commands,
   };
}

/* Empty batches, several command buffers in a batch, many submissions without any wait between. */
static void check_many_submissions(struct submission *f)
{
   struct app_test *t = f->test;
   VkCommandBuffer three[3] = {f->plus_one, f->plus_one, f->plus_one};
   VkSubmitInfo batches[3] = {submission_batch(three, 3), submission_batch(NULL, 0), submission_batch(three, 1)};
   submission_clear(f);
   for (int i = 0; i < 100; i++)
      VK_TRY(t, vkQueueSubmit(submission_queue(f), 3, batches, VK_NULL_HANDLE));
   VK_TRY(t, vkQueueWaitIdle(submission_queue(f)));
   submission_check_words(f, 400);
   VK_TRY(t, vkQueueSubmit(submission_queue(f), 3, batches, VK_NULL_HANDLE));
   VK_TRY(t, vkDeviceWaitIdle(f->ctx.device));
   submission_check_words(f, 404);
done:
   return;
}

void phase_submission(struct app_test *t)
{
   struct submission f;
   if (submission_create(t, &f)) {
      submission_check_fences(&f);
      submission_check_batches(&f);
      check_many_submissions(&f);
      submission_check_submit2(&f);
      submission_check_timelines(&f);
      submission_check_events(&f);
      submission_check_timestamps(&f);
      submission_check_draw_queries(&f);
      submission_check_queues(&f);
      submission_check_queue_ping_pong(&f);
      submission_check_submitting_threads(&f);
   }
   submission_destroy(&f);
}
