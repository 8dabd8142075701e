/* SPDX-License-Identifier: MIT */
/* Phase 6: fences, and events, which order work in the middle of a command buffer. */

#include "test-app/phase_06_submission.h"

void submission_check_fences(struct submission *f)
{
   struct app_test *t = f->test;
   VkDevice device = f->ctx.device;
   VkFence fences[4] = {VK_NULL_HANDLE};
   for (uint32_t i = 0; i < 4; i++) {
      fences[i] = app_fence_create(&f->ctx, i == 3 ? VK_FENCE_CREATE_SIGNALED_BIT : 0);
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

   submission_clear(f);
   VkSubmitInfo submit = submission_batch(&f->plus_one, 1);
   for (uint32_t i = 0; i < 4; i++)
      VK_TRY(t, vkQueueSubmit(submission_queue(f), 1, &submit, fences[i]));
   VK_TRY(t, vkWaitForFences(device, 4, fences, VK_TRUE, APP_WAIT_NS));
   for (uint32_t i = 0; i < 4; i++)
      VK_CHECK(t, vkGetFenceStatus(device, fences[i]));
   submission_check_words(f, 4);
   VK_CHECK(t, vkResetFences(device, 4, fences));
   for (uint32_t i = 0; i < 4; i++)
      VK_EXPECT(t, VK_NOT_READY, vkGetFenceStatus(device, fences[i]));

   /* A fence with no batch is signalled when all before it is done. */
   VK_TRY(t, vkQueueSubmit(submission_queue(f), 1, &submit, VK_NULL_HANDLE));
   VK_TRY(t, vkQueueSubmit(submission_queue(f), 0, NULL, fences[0]));
   VK_TRY(t, vkWaitForFences(device, 1, fences, VK_TRUE, APP_WAIT_NS));
   submission_check_words(f, 5);
done:
   for (uint32_t i = 0; i < 4; i++)
      vkDestroyFence(device, fences[i], NULL);
   vkDestroyFence(device, VK_NULL_HANDLE, NULL);
}

static VkEvent make_event(struct submission *f)
{
   VkEvent event = VK_NULL_HANDLE;
   VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   VK_CHECK(f->test, vkCreateEvent(f->ctx.device, &info, NULL, &event));
   return event;
}

void submission_check_events(struct submission *f)
{
   struct app_test *t = f->test;
   VkDevice device = f->ctx.device;
   VkEvent events[2] = {make_event(f), make_event(f)};
   const uint32_t push[3] = {0, SUBMISSION_WORDS, 1};
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
   submission_clear(f);
   VK_CHECK(t, vkSetEvent(device, events[1]));
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT,
   };
   app_cmd_compute(commands, &f->add, push, sizeof(push), SUBMISSION_WORDS / 64, 1);
   vkCmdSetEvent(commands, events[0], VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT);
   vkCmdWaitEvents(commands, 2, events, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_HOST_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 1, &barrier, 0, NULL, 0, NULL);
   app_cmd_compute(commands, &f->add, push, sizeof(push), SUBMISSION_WORDS / 64, 1);
   app_cmd_barrier(commands);
   if (!app_commands_run(&f->ctx, commands))
      goto done;
   submission_check_words(f, 2);
   VK_EXPECT(t, VK_EVENT_SET, vkGetEventStatus(device, events[0]));
   VK_EXPECT(t, VK_EVENT_SET, vkGetEventStatus(device, events[1]));
done:
   vkDestroyEvent(device, events[0], NULL);
   vkDestroyEvent(device, events[1], NULL);
}
