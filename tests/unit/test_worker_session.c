/* SPDX-License-Identifier: MIT */
/* A session with a worker: what its client is told beside memory, and how it ends when nothing is wrong with it. */

#include <sys/ioctl.h>

#include "tests/unit/session_gpu.h"

static uint64_t event_operations(const struct recorded *frame)
{
   return vp_bytes_load_u64(frame->start);
}

static bool event_set(const struct recorded *frame)
{
   return vp_bytes_load_u32(frame->start + 8) == 1;
}

/* Events: set by us, reset and set by the GPU, directly and in a secondary command buffer. */
static void test_events(void)
{
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   struct session s;
   struct setup x;
   if (!prepare(&s, &x, false))
      return;
   VkEvent first = session_object(&s), second = session_object(&s);
   SEND(&s, vkCreateEvent, .device = x.device, .pCreateInfo = &info, .pEvent = &first);
   SEND(&s, vkCreateEvent, .device = x.device, .pCreateInfo = &info, .pEvent = &second);
   SEND(&s, vkSetEvent, .device = x.device, .event = first);
   SEND(&s, vkResetEvent, .device = x.device, .event = first);
   SEND(&s, vkSetEvent, .device = x.device, .event = first);

   VkCommandBuffer secondary = allocate(&s, &x, VK_COMMAND_BUFFER_LEVEL_SECONDARY);
   begin(&s, secondary);
   SEND(&s, vkCmdSetEvent, .commandBuffer = secondary, .event = second,
        .stageMask = VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT);
   SEND(&s, vkEndCommandBuffer, .commandBuffer = secondary);
   VkCommandBuffer command_buffer = start_recording(&s, &x);
   SEND(&s, vkCmdResetEvent, .commandBuffer = command_buffer, .event = first,
        .stageMask = VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT);
   SEND(&s, vkCmdExecuteCommands, .commandBuffer = command_buffer, .commandBufferCount = 1,
        .pCommandBuffers = &secondary);
   end_and_submit(&s, &x, command_buffer);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 1) == VK_SUCCESS);
   const struct recorded *frame = last_frame(&s, VP_FRAME_EVENT, ID(first));
   CHECK(frame && event_operations(frame) == 3 && !event_set(frame));
   frame = last_frame(&s, VP_FRAME_EVENT, ID(second));
   CHECK(frame && event_operations(frame) == 0 && event_set(frame));

   /* The queue runs on after the first event, which is told at once, until we set the second one. */
   SEND(&s, vkResetEvent, .device = x.device, .event = second);
   command_buffer = start_recording(&s, &x);
   SEND(&s, vkCmdSetEvent, .commandBuffer = command_buffer, .event = first,
        .stageMask = VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT);
   SEND(&s, vkCmdWaitEvents, .commandBuffer = command_buffer, .eventCount = 1, .pEvents = &second,
        .srcStageMask = VK_PIPELINE_STAGE_HOST_BIT, .dstStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT);
   end_and_submit(&s, &x, command_buffer);
   const unsigned before = s.recorded_count;
   CHECK(session_flush(&s));
   CHECK(session_until(&s, VP_FRAME_EVENT) && s.frame.header.tag == ID(first));
   CHECK(s.recorded_count == before + 1 && event_set(&s.recorded[before]));
   SEND(&s, vkSetEvent, .device = x.device, .event = second);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 2) == VK_SUCCESS);

   /* Destroyed right after its submission. */
   SEND(&s, vkDestroyEvent, .device = x.device, .event = second);
   SEND(&s, vkDestroyEvent, .device = x.device, .event = first);
   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

/* Timestamps and their resets on both sides. */
static void test_queries(void)
{
   const VkQueryPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
      .queryType = VK_QUERY_TYPE_TIMESTAMP,
      .queryCount = 6000,
   };
   struct session s;
   struct setup x;
   if (!prepare(&s, &x, false))
      return;
   VkQueryPool pool = session_object(&s);
   SEND(&s, vkCreateQueryPool, .device = x.device, .pCreateInfo = &info, .pQueryPool = &pool);
   SEND(&s, vkResetQueryPool, .device = x.device, .queryPool = pool, .firstQuery = 2, .queryCount = 2);
   VkCommandBuffer command_buffer = start_recording(&s, &x);
   SEND(&s, vkCmdResetQueryPool, .commandBuffer = command_buffer, .queryPool = pool, .firstQuery = 0,
        .queryCount = 6000);
   for (uint32_t i = 1; i < 4; i++)
      SEND(&s, vkCmdWriteTimestamp, .commandBuffer = command_buffer,
           .pipelineStage = VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, .queryPool = pool, .query = i);
   end_and_submit(&s, &x, command_buffer);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 1) == VK_SUCCESS);

   const struct recorded *frame = NULL;
   uint32_t seen = 0;
   for (unsigned i = 0; i < s.recorded_count; i++) {
      if (s.recorded[i].type != VP_FRAME_QUERIES)
         continue;
      const uint8_t *p = s.recorded[i].start;
      CHECK(vp_bytes_load_u32(p) == seen && vp_bytes_load_u32(p + 8) == 1);
      CHECK(s.recorded[i].length == 16 + vp_bytes_load_u32(p + 4) * 24);
      seen += vp_bytes_load_u32(p + 4);
      frame = frame ? frame : &s.recorded[i];
   }
   if (CHECK(frame && seen == 6000)) {
      const uint8_t *p = frame->start + 16;
      for (unsigned i = 0; i < 5; i++, p += 24) {
         CHECK(vp_bytes_load_u64(p) == (i == 2 || i == 3 ? 1 : 0));
         CHECK(vp_bytes_load_u64(p + 8) == (i >= 1 && i <= 3 ? 1 : 0));
      }
   }
   SEND(&s, vkDestroyQueryPool, .device = x.device, .queryPool = pool);
   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

/* More than its memory has room for. */
static const VkImageCreateInfo huge_image = {
   .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
   .imageType = VK_IMAGE_TYPE_2D,
   .format = VK_FORMAT_R32G32B32A32_SFLOAT,
   .extent = {16384, 16384, 1},
   .mipLevels = 1,
   .arrayLayers = 2048,
   .samples = VK_SAMPLE_COUNT_1_BIT,
   .usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
};

/* What uses an image whose memory could not be bound is skipped, and so is a command buffer that uses it: the client is
 * told of both, and the rest of the batch goes on. */
static void test_poison(void)
{
   static const VkClearColorValue black;
   static const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
   struct session s;
   struct setup x;
   if (!prepare(&s, &x, false))
      return;
   VkImage image = session_object(&s);
   SEND(&s, vkCreateImage, .device = x.device, .pCreateInfo = &huge_image, .pImage = &image);
   SEND(&s, vkBindImageMemory, .device = x.device, .image = image, .memory = x.memory);
   CHECK(session_flush(&s));
   CHECK(session_until(&s, VP_FRAME_OBJECT_ERROR) && s.frame.header.tag == ID(image) && s.frame.header.length == 12);
   CHECK(vp_bytes_load_u32(s.frame.payload) == VP_CMD_vkBindImageMemory);
   const VkResult error = (VkResult)vp_bytes_load_u32(s.frame.payload + 4);
   CHECK(error == VK_ERROR_OUT_OF_DEVICE_MEMORY || error == VK_ERROR_OUT_OF_HOST_MEMORY);

   /* A recording that uses it is given up; the next one on the same command buffer is fine. */
   VkCommandBuffer command_buffer = start_recording(&s, &x);
   SEND(&s, vkCmdClearColorImage, .commandBuffer = command_buffer, .image = image, .pColor = &black, .rangeCount = 1,
        .pRanges = &range);
   struct vp_cmd_vkEndCommandBuffer end = {.commandBuffer = command_buffer};
   CHECK(CALL(&s, vkEndCommandBuffer, &end) && end.ret == error);
   begin(&s, command_buffer);
   SEND(&s, vkCmdFillBuffer, .commandBuffer = command_buffer, .dstBuffer = x.buffer, .size = VK_WHOLE_SIZE, .data = 1);
   end_and_submit(&s, &x, command_buffer);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 1) == VK_SUCCESS);

   VkCommandBuffer other = start_recording(&s, &x);
   SEND(&s, vkCmdFillBuffer, .commandBuffer = other, .dstBuffer = x.buffer, .size = VK_WHOLE_SIZE, .data = 0x02020202);
   SEND(&s, vkEndCommandBuffer, .commandBuffer = other);
   begin(&s, command_buffer);
   SEND(&s, vkCmdClearColorImage, .commandBuffer = command_buffer, .image = image, .pColor = &black, .rangeCount = 1,
        .pRanges = &range);
   SEND(&s, vkEndCommandBuffer, .commandBuffer = command_buffer);
   CHECK(session_flush(&s));
   CHECK(session_until(&s, VP_FRAME_OBJECT_ERROR) && s.frame.header.tag == ID(command_buffer));
   CHECK(vp_bytes_load_u32(s.frame.payload) == VP_CMD_vkEndCommandBuffer);
   CHECK((VkResult)vp_bytes_load_u32(s.frame.payload + 4) == error && vp_bytes_load_u32(s.frame.payload + 8) == 3);

   const VkCommandBuffer both[] = {command_buffer, other};
   const VkSubmitInfo batches[] = {
      {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 2, .pCommandBuffers = both},
      {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &other},
   };
   SEND(&s, vkQueueSubmit, .queue = x.queue, .submitCount = 2, .pSubmits = batches);
   CHECK(session_flush(&s));
   CHECK(session_until(&s, VP_FRAME_BATCH_ERROR) && s.frame.header.tag == ID(x.queue) && s.frame.header.length == 12);
   CHECK(vp_bytes_load_u64(s.frame.payload) == 2 && (VkResult)vp_bytes_load_u32(s.frame.payload + 8) == error);
   CHECK(session_progress(&s, x.queue, 3) == VK_SUCCESS);
   CHECK(map_memory(&s, &x, false) && all_bytes(s.memory, SIZE, 2));

   const VkCommandBufferSubmitInfo infos[] = {
      {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO, .commandBuffer = other},
      {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO, .commandBuffer = command_buffer},
   };
   const VkSubmitInfo2 batch2 = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2, .commandBufferInfoCount = 2, .pCommandBufferInfos = infos};
   SEND(&s, vkQueueSubmit2, .queue = x.queue, .submitCount = 1, .pSubmits = &batch2);
   CHECK(session_flush(&s));
   CHECK(session_until(&s, VP_FRAME_BATCH_ERROR) && vp_bytes_load_u64(s.frame.payload) == 4);
   CHECK(session_progress(&s, x.queue, 4) == VK_SUCCESS);
   submit(&s, &x, NULL);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 5) == VK_SUCCESS);
   const struct recorded *last = last_frame(&s, VP_FRAME_BATCH_ERROR, ID(x.queue));
   CHECK(last && vp_bytes_load_u64(last->start) == 4);

   SEND(&s, vkDestroyImage, .device = x.device, .image = image);
   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

/* A creation that fails is told in its reply, and its id stays free. */
static void test_failing_reply(void)
{
   static const char *const extension = "VK_VP_there_is_no_such_extension";
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .enabledExtensionCount = 1,
      .ppEnabledExtensionNames = &extension,
   };
   const VkEventCreateInfo event_info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   struct session s;
   struct setup x;
   if (!prepare(&s, &x, false))
      return;
   VkDevice device = session_object(&s);
   struct vp_cmd_vkCreateDevice call = {.physicalDevice = x.gpu, .pCreateInfo = &info, .pDevice = &device};
   CHECK(CALL(&s, vkCreateDevice, &call) && call.ret == VK_ERROR_EXTENSION_NOT_PRESENT && s.recorded_count == 1);
   VkEvent event = (VkEvent)(void *)device;
   struct vp_cmd_vkCreateEvent create = {.device = x.device, .pCreateInfo = &event_info, .pEvent = &event};
   CHECK(CALL(&s, vkCreateEvent, &create) && create.ret == VK_SUCCESS);
   SEND(&s, vkDestroyEvent, .device = x.device, .event = event);
   SEND(&s, vkSetObjectNameVP, .device = x.device, .object = ID(x.buffer), .pObjectName = "a buffer");
   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

/* A client that goes without a word leaves nothing: the worker frees all of it (the leak sanitizer would tell). */
static void test_leftovers(void)
{
   const VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 8};
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = 4,
      .poolSizeCount = 1,
      .pPoolSizes = &size,
   };
   const VkDescriptorSetLayoutBinding binding = {
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .descriptorCount = 2,
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
   };
   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = 1,
      .pBindings = &binding,
   };
   struct session s;
   struct setup x;
   if (!prepare(&s, &x, false) || !map_memory(&s, &x, true))
      return;
   VkDescriptorPool pool = session_object(&s);
   VkDescriptorSetLayout layout = session_object(&s);
   VkDescriptorSet sets[5];
   VkDescriptorSetLayout layouts[5];
   for (unsigned i = 0; i < 5; i++) {
      sets[i] = session_object(&s);
      layouts[i] = layout;
   }
   const VkDescriptorSetAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = pool,
      .descriptorSetCount = 4,
      .pSetLayouts = layouts,
   };
   SEND(&s, vkCreateDescriptorPool, .device = x.device, .pCreateInfo = &pool_info, .pDescriptorPool = &pool);
   SEND(&s, vkCreateDescriptorSetLayout, .device = x.device, .pCreateInfo = &layout_info, .pSetLayout = &layout);
   SEND(&s, vkAllocateDescriptorSets, .device = x.device, .pAllocateInfo = &allocation, .pDescriptorSets = sets);
   /* The sets end with the reset: their ids can be given again. */
   SEND(&s, vkResetDescriptorPool, .device = x.device, .descriptorPool = pool);
   struct vp_cmd_vkAllocateDescriptorSets again = {
      .device = x.device,
      .pAllocateInfo = &allocation,
      .pDescriptorSets = sets,
   };
   CHECK(CALL(&s, vkAllocateDescriptorSets, &again) && again.ret == VK_SUCCESS);
   VkCommandBuffer command_buffer = start_recording(&s, &x);
   SEND(&s, vkCmdFillBuffer, .commandBuffer = command_buffer, .dstBuffer = x.buffer, .size = VK_WHOLE_SIZE, .data = 1);
   end_and_submit(&s, &x, command_buffer);
   CHECK(session_flush(&s));
   CHECK(session_close(&s) == 0);
}

/* SIGTERM: the client is told, and all is freed. */
static void test_termination(void)
{
   struct session s;
   struct setup x;
   struct vp_error error;

   if (!prepare(&s, &x, false) || !CHECK(session_flush(&s)))
      return;
   kill(s.worker, SIGTERM);
   CHECK(session_error(&s, &error) && strstr(error.text, "shutting down"));
   CHECK(session_wait(&s) == 0);
   session_free(&s);
}

/* Until no more replies come, because nobody reads them. */
static void wait_until_full(const struct session *s)
{
   int size = 0;

   session_settle(s);
   ioctl(s->fd, FIONREAD, &size);
   CHECK(size > 0);
}

/* A worker that waits for a client that does not read ends nevertheless, by SIGTERM or because the client has gone. */
static void test_unread(bool terminated)
{
   struct session s;
   struct setup x;
   VkPhysicalDeviceMemoryProperties properties;
   struct vp_cmd_vkGetPhysicalDeviceMemoryProperties call = {.pMemoryProperties = &properties};

   if (!prepare(&s, &x, false))
      return;
   call.physicalDevice = x.gpu;
   for (unsigned i = 0; i < 4000; i++)
      vp_request_vkGetPhysicalDeviceMemoryProperties(&s.enc, 1, &call);
   CHECK(session_flush(&s));
   wait_until_full(&s);
   if (terminated)
      kill(s.worker, SIGTERM);
   else
      shutdown(s.fd, SHUT_RDWR);
   const int64_t deadline = vp_clock_ms() + 60000;
   int status = 0;
   pid_t ended = 0;
   while (ended == 0 && vp_clock_ms() < deadline) {
      usleep(20000);
      ended = waitpid(s.worker, &status, WNOHANG);
   }
   CHECK(ended == s.worker && WIFEXITED(status));
   if (ended != s.worker)
      kill(s.worker, SIGKILL);
   session_free(&s);
}

static void test_alive(void)
{
   struct session s;
   if (!session_start(&s, false))
      return;
   CHECK(vp_frame_read(&VP_CHANNEL(s.fd), &s.frame, 4000) == VP_FRAME_OK && s.frame.header.type == VP_FRAME_ALIVE);
   CHECK(session_close(&s) == 0);
}

/* A client that goes while the GPU waits for ever does not keep the worker. */
static void test_stuck_gpu(void)
{
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   struct session s;
   struct setup x;
   if (!prepare(&s, &x, false))
      return;
   VkEvent event = session_object(&s);
   SEND(&s, vkCreateEvent, .device = x.device, .pCreateInfo = &info, .pEvent = &event);
   VkCommandBuffer command_buffer = start_recording(&s, &x);
   SEND(&s, vkCmdWaitEvents, .commandBuffer = command_buffer, .eventCount = 1, .pEvents = &event,
        .srcStageMask = VK_PIPELINE_STAGE_HOST_BIT, .dstStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT);
   end_and_submit(&s, &x, command_buffer);
   CHECK(session_flush(&s));
   const int64_t start = vp_clock_ms();
   CHECK(session_close(&s) == 0);
   CHECK(vp_clock_ms() - start < 8000);
}

int main(void)
{
   session_use_driver();
   test_events();
   test_queries();
   test_poison();
   test_failing_reply();
   test_leftovers();
   test_termination();
   test_unread(true);
   test_unread(false);
   test_alive();
   test_stuck_gpu();
   return check_finish();
}
