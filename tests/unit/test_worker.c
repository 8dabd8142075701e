/* SPDX-License-Identifier: MIT */
#include <sys/ioctl.h>

#include "common/util/cores.h"
#include "tests/unit/session_gpu.h"

/* The recorded frame of a type with this tag, the last one; NULL: none. */
static const struct recorded *last_frame(const struct session *s, uint32_t type, uint64_t tag)
{
   for (unsigned i = s->recorded_count; i > 0; i--) {
      if (s->recorded[i - 1].type == type && s->recorded[i - 1].tag == tag)
         return &s->recorded[i - 1];
   }
   return NULL;
}

static bool all_bytes(const uint8_t *data, size_t size, uint8_t value)
{
   for (size_t i = 0; i < size; i++) {
      if (data[i] != value)
         return false;
   }
   return true;
}

/* Tells the server what has changed in our copy of the memory. */
static void send_changes(struct session *s)
{
   struct vp_encoder enc;
   size_t position = 0;

   if (!CHECK(vp_encoder_init(&enc)))
      return;
   vp_delta_collect(&enc, s->memory, s->twin, SIZE, &position, SIZE);
   CHECK(session_send(s, VP_FRAME_MEMORY, s->memory_id, enc.start, vp_encoder_size(&enc)));
   vp_encoder_finish(&enc);
}

static uint32_t load_at(const struct session *s, size_t offset)
{
   return vp_bytes_load_u32(s->memory + offset);
}

static void destroy_all(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = x->buffer);
   SEND(s, vkFreeMemory, .device = x->device, .memory = x->memory);
   SEND(s, vkDestroyCommandPool, .device = x->device, .commandPool = x->pool);
   SEND(s, vkDestroyDevice, .device = x->device);
   struct vp_cmd_vkDestroyInstance last = {.instance = x->instance};
   CHECK(CALL(s, vkDestroyInstance, &last));
}

/* How many frames of a type there were about the memory since the first `from` of all. */
static unsigned count_frames(const struct session *s, unsigned from, uint32_t type)
{
   unsigned count = 0;
   for (unsigned i = from; i < s->recorded_count; i++)
      count += s->recorded[i].type == type && s->recorded[i].tag == s->memory_id;
   return count;
}

/* A session in order: memory goes there and comes back, batches are counted, the worker ends when the client does. */
static void test_memory(void)
{
   struct session s;
   struct setup x;
   if (!prepare(&s, &x, false) || !map_memory(&s, &x, true))
      return;

   /* The GPU writes to the whole buffer but four bytes. */
   VkCommandBuffer command_buffer = start_recording(&s, &x);
   SEND(&s, vkCmdFillBuffer, .commandBuffer = command_buffer, .dstBuffer = x.buffer, .dstOffset = 0, .size = 1024,
        .data = 0x01010101);
   SEND(&s, vkCmdFillBuffer, .commandBuffer = command_buffer, .dstBuffer = x.buffer, .dstOffset = 1028,
        .size = VK_WHOLE_SIZE, .data = 0x01010101);
   end_and_submit(&s, &x, command_buffer);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 1) == VK_SUCCESS);
   CHECK(all_bytes(s.memory, 1024, 1) && load_at(&s, 1024) == 0 && all_bytes(s.memory + 1028, SIZE - 1028, 1));
   CHECK(count_frames(&s, 0, VP_FRAME_MEMORY) >= 1 && s.recorded[s.recorded_count - 1].type == VP_FRAME_PROGRESS);

   /* We write, the GPU copies; only what it has changed comes back. */
   const unsigned before = s.recorded_count;
   memset(s.memory + 100, 7, 50);
   send_changes(&s);
   command_buffer = start_recording(&s, &x);
   const VkBufferCopy copy = {.srcOffset = 0, .dstOffset = 32768, .size = 400};
   SEND(&s, vkCmdCopyBuffer, .commandBuffer = command_buffer, .srcBuffer = x.buffer, .dstBuffer = x.buffer,
        .regionCount = 1, .pRegions = &copy);
   end_and_submit(&s, &x, command_buffer);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 2) == VK_SUCCESS);
   CHECK(memcmp(s.memory, s.memory + 32768, 400) == 0 && s.memory[32768 + 100] == 7);
   const struct recorded *memory = &s.recorded[before];
   CHECK(memory->type == VP_FRAME_MEMORY && memory->length < 200 &&
         (size_t)vp_bytes_load_u64(memory->start) / 64 == (32768 + 100) / 64);

   /* Nothing changes: no MEMORY frame. Two batches, one of them by the newer way. */
   const unsigned quiet = s.recorded_count;
   const VkSubmitInfo2 info2 = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2};
   submit(&s, &x, NULL);
   SEND(&s, vkQueueSubmit2, .queue = x.queue, .submitCount = 1, .pSubmits = &info2);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 4) == VK_SUCCESS);
   for (unsigned i = quiet; i < s.recorded_count; i++)
      CHECK(s.recorded[i].type == VP_FRAME_PROGRESS);

   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

/* Memory that the GPU has written before it is mapped arrives before the reply. */
static void test_late_mapping(void)
{
   struct session s;
   struct setup x;
   if (!prepare(&s, &x, false))
      return;

   VkCommandBuffer command_buffer = start_recording(&s, &x);
   SEND(&s, vkCmdFillBuffer, .commandBuffer = command_buffer, .dstBuffer = x.buffer, .dstOffset = 0,
        .size = VK_WHOLE_SIZE, .data = 0);
   SEND(&s, vkCmdFillBuffer, .commandBuffer = command_buffer, .dstBuffer = x.buffer, .dstOffset = 4096, .size = 8,
        .data = 0x0a0b0c0d);
   end_and_submit(&s, &x, command_buffer);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 1) == VK_SUCCESS);
   CHECK(map_memory(&s, &x, false));
   CHECK(load_at(&s, 4096) == 0x0a0b0c0d && load_at(&s, 4100) == 0x0a0b0c0d);
   CHECK(all_bytes(s.memory, 4096, 0) && all_bytes(s.memory + 4104, SIZE - 4104, 0));
   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

static void fill(struct session *s, struct setup *x, uint32_t data)
{
   VkCommandBuffer command_buffer = start_recording(s, x);
   SEND(s, vkCmdFillBuffer, .commandBuffer = command_buffer, .dstBuffer = x->buffer, .dstOffset = 0,
        .size = VK_WHOLE_SIZE, .data = data);
   end_and_submit(s, x, command_buffer);
}

/* The same as prepare(), after another memory of the type had to be asked for: the server expects readbacks. */
static bool prepare_for_readback(struct session *s, struct setup *x)
{
   if (!prepare(s, x, false))
      return false;
   struct vp_cmd_vkMapMemoryVP call = {.device = x->device, .memory = x->memory};
   if (!CHECK(CALL(s, vkMapMemoryVP, &call)) || !CHECK(call.ret == VK_SUCCESS))
      return false;
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = x->buffer);
   SEND(s, vkFreeMemory, .device = x->device, .memory = x->memory);
   return create_buffer(s, x);
}

/* A readback that costs no round trip: what the GPU has written to memory that was never mapped comes before the
 * progress, and the first mapping needs no answer. A buffer that is full of what memory is fresh with is told too. */
static void test_sent_ahead(uint32_t data)
{
   struct session s;
   struct setup x;
   if (!prepare_for_readback(&s, &x) || !listen_to_memory(&s, &x))
      return;
   fill(&s, &x, data);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 1) == VK_SUCCESS);
   CHECK(count_frames(&s, 0, VP_FRAME_MEMORY) == 1 && all_bytes(s.memory, SIZE, (uint8_t)data));

   const unsigned before = s.recorded_count;
   SEND(&s, vkMapMemoryVP, .device = x.device, .memory = x.memory);
   fill(&s, &x, 0x05050505);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 2) == VK_SUCCESS);
   CHECK(count_frames(&s, before, VP_FRAME_MEMORY) >= 1 && all_bytes(s.memory, SIZE, 5));

   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

/* A client that did not listen gets everything when it asks for the first time, and changes afterwards. */
static void test_asking_after_all(void)
{
   struct session s;
   struct setup x;
   if (!prepare_for_readback(&s, &x))
      return;
   fill(&s, &x, 0x03030303);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 1) == VK_SUCCESS);
   const unsigned before = s.recorded_count;
   CHECK(map_memory(&s, &x, false) && all_bytes(s.memory, SIZE, 3));
   CHECK(count_frames(&s, before, VP_FRAME_MEMORY) == 1);
   struct vp_cmd_vkMapMemoryVP again = {.device = x.device, .memory = x.memory};
   CHECK(CALL(&s, vkMapMemoryVP, &again) && again.ret == VK_SUCCESS);
   CHECK(count_frames(&s, before, VP_FRAME_MEMORY) == 1);
   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

/* An image in the same memory, so that it is not known what a barrier writes to. */
static VkImage create_linear_image(struct session *s, struct setup *x)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {16, 16, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_LINEAR,
      .usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
   };
   VkImage image = session_object(s);
   SEND(s, vkCreateImage, .device = x->device, .pCreateInfo = &info, .pImage = &image);
   SEND(s, vkBindImageMemory, .device = x->device, .image = image, .memory = x->memory);
   return image;
}

static void clear_image(struct session *s, struct setup *x, VkImage image, float value)
{
   const VkClearColorValue color = {.float32 = {value, value, value, value}};
   const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
   VkCommandBuffer command_buffer = start_recording(s, x);
   SEND(s, vkCmdClearColorImage, .commandBuffer = command_buffer, .image = image,
        .imageLayout = VK_IMAGE_LAYOUT_GENERAL, .pColor = &color, .rangeCount = 1, .pRanges = &range);
   end_and_submit(s, x, command_buffer);
}

/* Unmapped memory with changes of unknown extent becomes stale, once; mapping it brings them. */
static void test_stale(void)
{
   struct session s;
   struct setup x;
   if (!prepare(&s, &x, false) || !map_memory(&s, &x, true))
      return;
   VkImage image = create_linear_image(&s, &x);
   SEND(&s, vkUnmapMemoryVP, .device = x.device, .memory = x.memory);
   clear_image(&s, &x, image, 1);
   clear_image(&s, &x, image, 1);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 2) == VK_SUCCESS);
   CHECK(count_frames(&s, 0, VP_FRAME_STALE) == 1 && count_frames(&s, 0, VP_FRAME_MEMORY) == 0);
   CHECK(s.recorded[s.recorded_count - 1].type == VP_FRAME_PROGRESS);

   unsigned before = s.recorded_count;
   struct vp_cmd_vkMapMemoryVP call = {.device = x.device, .memory = x.memory};
   CHECK(CALL(&s, vkMapMemoryVP, &call) && call.ret == VK_SUCCESS);
   CHECK(count_frames(&s, before, VP_FRAME_MEMORY) == 1 && s.memory[0] == 255);

   /* Mapped: sent. Unmapped again: sent too, since it was looked at the last time. */
   before = s.recorded_count;
   clear_image(&s, &x, image, 0);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 3) == VK_SUCCESS && s.memory[0] == 0);
   SEND(&s, vkUnmapMemoryVP, .device = x.device, .memory = x.memory);
   clear_image(&s, &x, image, 1);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 4) == VK_SUCCESS && s.memory[0] == 255);
   CHECK(count_frames(&s, before, VP_FRAME_MEMORY) >= 2 && count_frames(&s, before, VP_FRAME_STALE) == 0);

   SEND(&s, vkDestroyImage, .device = x.device, .image = image);
   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

/* What the client wrote before something was bound that the GPU can write to is known on both sides. */
static void test_late_binding(void)
{
   struct session s;
   struct setup x;
   if (!session_start(&s, false) || !create_instance(&s, &x) || !find_gpu(&s, &x) || !create_device(&s, &x) ||
       !create_unbound_buffer(&s, &x) || !map_memory(&s, &x, true))
      return;
   memset(s.memory + 1000, 9, 1000);
   CHECK(session_flush(&s));
   send_changes(&s);
   SEND(&s, vkBindBufferMemory, .device = x.device, .buffer = x.buffer, .memory = x.memory);

   VkCommandBuffer command_buffer = start_recording(&s, &x);
   SEND(&s, vkCmdFillBuffer, .commandBuffer = command_buffer, .dstBuffer = x.buffer, .dstOffset = 1500, .size = 4,
        .data = 0);
   end_and_submit(&s, &x, command_buffer);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 1) == VK_SUCCESS);
   const struct recorded *frame = last_frame(&s, VP_FRAME_MEMORY, s.memory_id);
   CHECK(frame && frame->length < 100); /* nothing but the zeros */
   CHECK(all_bytes(s.memory + 1000, 500, 9) && load_at(&s, 1500) == 0 && all_bytes(s.memory + 1504, 496, 9));
   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

/* Memory that is compressed on its way, in both directions. */
static void test_packed(void)
{
   struct vp_packer packer;
   struct vp_encoder enc;
   struct session s;
   struct setup x;
   const uint8_t *data;
   size_t size, position = 0;

   session_compression = VP_COMPRESS_ZSTD;
   const bool ready = prepare(&s, &x, false) && map_memory(&s, &x, true);
   session_compression = VP_COMPRESS_AUTO;
   if (!ready || !CHECK(vp_encoder_init(&enc)))
      return;
   CHECK(session_flush(&s));
   vp_packer_init(&packer, VP_COMPRESS_LZ4);
   memset(s.memory + 5000, 7, 20000);
   vp_delta_collect(&enc, s.memory, s.twin, SIZE, &position, SIZE);
   CHECK(vp_packer_pack(&packer, enc.start, vp_encoder_size(&enc), &data, &size) && size < 1000);
   CHECK(session_send(&s, VP_FRAME_PACKED, s.memory_id, data, size));
   vp_packer_finish(&packer);
   vp_encoder_finish(&enc);

   /* The GPU copies what has arrived. */
   const VkBufferCopy copy = {.srcOffset = 4096, .dstOffset = 32768, .size = 28672};
   VkCommandBuffer command_buffer = start_recording(&s, &x);
   SEND(&s, vkCmdCopyBuffer, .commandBuffer = command_buffer, .srcBuffer = x.buffer, .dstBuffer = x.buffer,
        .regionCount = 1, .pRegions = &copy);
   end_and_submit(&s, &x, command_buffer);
   CHECK(session_flush(&s));
   CHECK(session_progress(&s, x.queue, 1) == VK_SUCCESS);
   CHECK(memcmp(s.memory + 4096, s.memory + 32768, 28672) == 0 && s.memory[32768 + 1000] == 7);
   CHECK(count_frames(&s, 0, VP_FRAME_PACKED) == 1); /* the ends, which come last, are too short for that */
   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

/* Large changes one after another: each is applied when the GPU is told to copy, and in their order, with a thread that
 * applies one while the next is read and without. */
static void test_uploads(unsigned cores)
{
   const VkBufferCopy copy = {.srcOffset = 0, .dstOffset = 32768, .size = 400};
   struct session s;
   struct setup x;

   vp_cores_assume(cores);
   const bool ready = prepare(&s, &x, false) && map_memory(&s, &x, true);
   vp_cores_assume(0);
   if (!ready)
      return;
   CHECK(session_flush(&s));
   for (unsigned round = 1; round <= 20; round++) {
      for (unsigned i = 1; i <= 10; i++) {
         for (size_t at = 0; at < SIZE; at++)
            s.memory[at] = (uint8_t)(round * 17 + i + at / 1000);
         send_changes(&s);
      }
      VkCommandBuffer command_buffer = start_recording(&s, &x);
      SEND(&s, vkCmdCopyBuffer, .commandBuffer = command_buffer, .srcBuffer = x.buffer, .dstBuffer = x.buffer,
           .regionCount = 1, .pRegions = &copy);
      end_and_submit(&s, &x, command_buffer);
      CHECK(session_flush(&s));
      CHECK(session_progress(&s, x.queue, round) == VK_SUCCESS);
      CHECK(s.memory[0] == (uint8_t)(round * 17 + 10) && memcmp(s.memory, s.memory + 32768, 400) == 0);
   }
   destroy_all(&s, &x);
   CHECK(session_close(&s) == 0);
}

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

/* One error per session: each ends with an ERROR frame that says what, and exit status 1. */
static void expect_error(struct session *s, uint32_t command, const char *text)
{
   struct vp_error error;
   if (CHECK(session_error(s, &error))) {
      if (!CHECK(strstr(error.text, text)) || !CHECK(error.command == command))
         fprintf(stderr, "  it says: %s (command %u)\n", error.text, error.command);
   }
   CHECK(session_close(s) == 1);
}

static void test_greetings(void)
{
   struct session s;
   struct vp_hello hello;

   vp_hello_init(&hello, "test");
   hello.protocol_version = 77;
   CHECK(session_open(&s, false) && session_greet(&s, &hello));
   expect_error(&s, VP_ERROR_NO_COMMAND, "the client speaks version 77");

   vp_hello_init(&hello, "test");
   hello.own_commands ^= 1;
   CHECK(session_open(&s, false) && session_greet(&s, &hello));
   expect_error(&s, VP_ERROR_NO_COMMAND, "; the server has the own commands ");

   vp_hello_init(&hello, "test");
   hello.join[0] = 1;
   CHECK(session_open(&s, false) && session_greet(&s, &hello));
   expect_error(&s, VP_ERROR_NO_COMMAND, "does not let another connection join");

   CHECK(session_open(&s, false) && session_send(&s, VP_FRAME_RESUME, 0, NULL, 0));
   expect_error(&s, VP_ERROR_NO_COMMAND, "does not keep sessions");

   CHECK(session_open(&s, false) && session_send(&s, VP_FRAME_COMMANDS, 0, "abcdefgh", 8));
   expect_error(&s, VP_ERROR_NO_COMMAND, "does not speak the protocol");

   CHECK(session_open(&s, false) && write(s.fd, "GET / HTTP/1.1\r\n\r\n", 18) == 18);
   expect_error(&s, VP_ERROR_NO_COMMAND, "does not speak the protocol");

   CHECK(session_open(&s, false));
   CHECK(session_close(&s) == 1);
}

/* Two builds get along; when something goes wrong, it is said how they differ. */
static void test_other_builds(void)
{
   struct session s;
   struct vp_hello hello;

   vp_hello_init(&hello, "test");
   hello.codec.vk_xml_version = VK_MAKE_API_VERSION(0, 1, 3, 77);
   CHECK(session_start_as(&s, false, &hello) && session_send(&s, VP_FRAME_REPLY, 0, NULL, 0));
   expect_error(&s, VP_ERROR_NO_COMMAND, ", the client from 1.3.77");
}

static void test_bad_frames(void)
{
   static const uint8_t run[24] = {0, 0, 1, 0, 0, 0, 0, 0, 8};
   struct session s;
   struct setup x;

   CHECK(session_start(&s, false) && session_send(&s, VP_FRAME_REPLY, 0, NULL, 0));
   expect_error(&s, VP_ERROR_NO_COMMAND, "frames of type 3");

   CHECK(session_start(&s, false) && session_send(&s, 99, 0, NULL, 0));
   expect_error(&s, VP_ERROR_NO_COMMAND, "the client sent data that is not of this protocol");

   CHECK(session_start(&s, false) && session_send(&s, VP_FRAME_SKIPPABLE | 99, 7, run, sizeof(run)));
   CHECK(session_send(&s, VP_FRAME_AUTH, 0, NULL, 0));
   expect_error(&s, VP_ERROR_NO_COMMAND, "does not ask for authentication");

   CHECK(session_start(&s, false) && session_send(&s, VP_FRAME_MEMORY, 5, run, sizeof(run)));
   expect_error(&s, VP_ERROR_NO_COMMAND, "no object with the id 0x5");

   CHECK(prepare(&s, &x, false) && session_flush(&s));
   CHECK(session_send(&s, VP_FRAME_MEMORY, ID(x.memory), run, sizeof(run)));
   expect_error(&s, VP_ERROR_NO_COMMAND, "is not mapped");

   CHECK(prepare(&s, &x, false) && map_memory(&s, &x, true) && session_flush(&s));
   CHECK(session_send(&s, VP_FRAME_MEMORY, ID(x.memory), run, sizeof(run)));
   expect_error(&s, VP_ERROR_NO_COMMAND, "do not fit");
}

/* A client whose large frame is wrong, and that says nothing else that counts, hears of it. */
static void test_bad_upload(void)
{
   static uint8_t data[100000];
   struct session s;
   struct setup x;

   vp_put_u64(vp_put_u64(data, SIZE), sizeof(data) - 16);
   vp_cores_assume(VP_MIN_CORES_TO_SHARE);
   CHECK(prepare(&s, &x, false) && map_memory(&s, &x, true) && session_flush(&s));
   vp_cores_assume(0);
   CHECK(session_send(&s, VP_FRAME_MEMORY, ID(x.memory), data, sizeof(data)));
   CHECK(session_send(&s, VP_FRAME_SKIPPABLE, 0, data, 100));
   expect_error(&s, VP_ERROR_NO_COMMAND, "do not fit");
}

static bool send_recorded(struct session *s)
{
   const bool ok = session_send(s, VP_FRAME_RECORDED, 0, s->enc.start, vp_encoder_size(&s->enc));
   vp_encoder_reset(&s->enc);
   return ok;
}

static void put_fill(struct session *s, const struct setup *x, VkCommandBuffer commands)
{
   SEND(s, vkCmdFillBuffer, .commandBuffer = commands, .dstBuffer = x->buffer, .size = VK_WHOLE_SIZE);
}

/* A client that recorded something wrong and says nothing else hears of it: from threads, or without. */
static void test_bad_recording(unsigned cores)
{
   struct session s;
   struct setup x;
   VkCommandBuffer commands[2];

   vp_cores_assume(cores);
   CHECK(prepare(&s, &x, false));
   vp_cores_assume(0);
   const VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   commands[0] = start_recording(&s, &x);
   x.pool = session_object(&s);
   SEND(&s, vkCreateCommandPool, .device = x.device, .pCreateInfo = &info, .pCommandPool = &x.pool);
   commands[1] = start_recording(&s, &x);
   CHECK(session_flush(&s));
   for (unsigned i = 0; i < 4; i++) {
      put_fill(&s, &x, commands[i % 2]);
      CHECK(send_recorded(&s));
   }
   put_fill(&s, &x, commands[0]);
   put_fill(&s, &x, commands[1]);
   CHECK(send_recorded(&s));
   expect_error(&s, VP_CMD_vkCmdFillBuffer, "recorded into another command buffer");
}

/* Encodes one bad thing after a good start. */
struct bad_command {
   uint32_t command; /* that the error names */
   const char *text; /* that it says */
   void (*encode)(struct session *s, struct setup *x);
};

static void put_header(struct session *s, uint32_t number, uint32_t flags)
{
   vp_enc_u32(&s->enc, number);
   vp_enc_u32(&s->enc, flags);
}

static void unknown_number(struct session *s, struct setup *x)
{
   (void)x;
   put_header(s, 0x3fff, 0);
}

static void refused_command(struct session *s, struct setup *x)
{
   SEND(s, vkDeviceWaitIdle, .device = x->device);
}

static void transport_command(struct session *s, struct setup *x)
{
   (void)x;
   SEND(s, vkNotifyRingMESA, .ring = 1);
}

static void unknown_flags(struct session *s, struct setup *x)
{
   vp_request_vkDestroyBuffer(&s->enc, 2, &(struct vp_cmd_vkDestroyBuffer){.device = x->device, .buffer = x->buffer});
}

static void half_a_header(struct session *s, struct setup *x)
{
   (void)x;
   vp_enc_u32(&s->enc, VP_CMD_vkDestroyBuffer);
}

static void truncated(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = x->buffer);
   s->enc.cur -= 4;
}

static void unknown_object(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = session_object(s));
}

static void wrong_type(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = (VkBuffer)(void *)x->memory);
}

static void wrong_type_first(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .device = (VkDevice)x->gpu, .buffer = x->buffer);
}

static void no_device(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .buffer = x->buffer);
}

static void no_pipeline(struct session *s, struct setup *x)
{
   VkCommandBuffer command_buffer = start_recording(s, x);
   SEND(s, vkCmdBindPipeline, .commandBuffer = command_buffer);
}

static void id_in_use(struct session *s, struct setup *x)
{
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   VkEvent event = (VkEvent)(void *)x->buffer;
   SEND(s, vkCreateEvent, .device = x->device, .pCreateInfo = &info, .pEvent = &event);
}

static void id_out_of_range(struct session *s, struct setup *x)
{
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   VkEvent event = session_object(s);
   ((struct vp_object *)(void *)event)->id = 4194304;
   SEND(s, vkCreateEvent, .device = x->device, .pCreateInfo = &info, .pEvent = &event);
}

static void one_id_twice(struct session *s, struct setup *x)
{
   VkCommandBuffer both[2];
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = x->pool,
      .commandBufferCount = 2,
   };
   both[0] = both[1] = session_object(s);
   SEND(s, vkAllocateCommandBuffers, .device = x->device, .pAllocateInfo = &info, .pCommandBuffers = both);
}

/* The slot of an object, for another generation of ids. */
static void *same_slot(struct session *s, const void *object)
{
   struct vp_object *other = session_object(s);
   other->id = (uint32_t)ID(object) | UINT64_C(8) << 32;
   return other;
}

static VkDevice failing_device(struct session *s, struct setup *x)
{
   const char *extension = "VK_VP_of_no_driver";
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .enabledExtensionCount = 1,
      .ppEnabledExtensionNames = &extension,
   };
   VkDevice device = session_object(s);
   SEND(s, vkCreateDevice, .physicalDevice = x->gpu, .pCreateInfo = &info, .pDevice = &device);
   return device;
}

/* A child would become its own parent. */
static void slot_of_its_parent(struct session *s, struct setup *x)
{
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   VkDevice device = failing_device(s, x);
   VkEvent event = same_slot(s, device);
   SEND(s, vkCreateEvent, .device = device, .pCreateInfo = &info, .pEvent = &event);
}

/* The pool that the command uses would end with its device. */
static void slot_of_an_ancestor(struct session *s, struct setup *x)
{
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   VkDevice device = failing_device(s, x);
   VkCommandPool pool = session_object(s);
   VkCommandBuffer command_buffer = same_slot(s, device);
   SEND(s, vkCreateCommandPool, .device = device, .pCreateInfo = &pool_info, .pCommandPool = &pool);
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = pool,
      .commandBufferCount = 1,
   };
   SEND(s, vkAllocateCommandBuffers, .device = x->device, .pAllocateInfo = &info, .pCommandBuffers = &command_buffer);
}

static void use_after_destruction(struct session *s, struct setup *x)
{
   VkCommandBuffer command_buffer = start_recording(s, x);
   SEND(s, vkDestroyCommandPool, .device = x->device, .commandPool = x->pool);
   SEND(s, vkEndCommandBuffer, .commandBuffer = command_buffer);
}

static void giant_count(struct session *s, struct setup *x)
{
   put_header(s, VP_CMD_vkQueueSubmit, 0);
   vp_enc_u64(&s->enc, ID(x->queue));
   vp_enc_u32(&s->enc, UINT32_MAX);
   vp_enc_u64(&s->enc, UINT32_MAX);
}

static void giant_output(struct session *s, struct setup *x)
{
   put_header(s, VP_CMD_vkEnumeratePhysicalDeviceGroups, 1);
   vp_enc_u64(&s->enc, ID(x->instance));
   vp_enc_u64(&s->enc, 1);
   vp_enc_u32(&s->enc, 0x7fffffff);
   vp_enc_u64(&s->enc, 0x7fffffff);
}

static void second_instance(struct session *s, struct setup *x)
{
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   VkInstance instance = session_object(s);
   (void)x;
   SEND(s, vkCreateInstance, .pCreateInfo = &info, .pInstance = &instance);
}

static void second_mapping(struct session *s, struct setup *x)
{
   SEND(s, vkMapMemoryVP, .device = x->device, .memory = x->memory, .fresh = VK_TRUE);
   SEND(s, vkMapMemoryVP, .device = x->device, .memory = x->memory, .fresh = VK_TRUE);
}

static void missing_queue(struct session *s, struct setup *x)
{
   const VkDeviceQueueInfo2 info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2, .queueIndex = 1};
   VkQueue queue = session_object(s);
   SEND(s, vkGetDeviceQueue2, .device = x->device, .pQueueInfo = &info, .pQueue = &queue);
}

static void missing_queries(struct session *s, struct setup *x)
{
   const VkQueryPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
      .queryType = VK_QUERY_TYPE_TIMESTAMP,
      .queryCount = 4,
   };
   VkQueryPool pool = session_object(s);
   SEND(s, vkCreateQueryPool, .device = x->device, .pCreateInfo = &info, .pQueryPool = &pool);
   SEND(s, vkResetQueryPool, .device = x->device, .queryPool = pool, .firstQuery = 3, .queryCount = UINT32_MAX);
}

static void missing_extension(struct session *s, struct setup *x)
{
   VkCommandBuffer command_buffer = start_recording(s, x);
   SEND(s, vkCmdDrawMeshTasksEXT, .commandBuffer = command_buffer, .groupCountX = 1);
}

static void foreign_object(struct session *s, struct setup *x)
{
   const VkDevice device = x->device;
   create_device(s, x);
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = x->buffer);
   x->device = device;
}

static const struct bad_command bad_commands[] = {
   {0x3fff, "does not know the command 16383", unknown_number},
   {VP_CMD_vkDeviceWaitIdle, "must be answered by the client", refused_command},
   {VP_CMD_vkNotifyRingMESA, "does not use", transport_command},
   {VP_CMD_vkDestroyBuffer, "unknown flags 0x2", unknown_flags},
   {VP_CMD_vkDestroyBuffer, "the data ends inside a command", half_a_header},
   {VP_CMD_vkDestroyBuffer, "the data ends inside a command", truncated},
   {VP_CMD_vkDestroyBuffer, "there is no object", unknown_object},
   {VP_CMD_vkDestroyBuffer, "is of type 8 instead of 9", wrong_type},
   {VP_CMD_vkDestroyBuffer, "is of type 2 instead of 3", wrong_type_first},
   {VP_CMD_vkDestroyBuffer, "its first object is missing", no_device},
   {VP_CMD_vkCmdBindPipeline, "pipeline is missing", no_pipeline},
   {VP_CMD_vkCreateEvent, "is in use", id_in_use},
   {VP_CMD_vkCreateEvent, "out of range", id_out_of_range},
   {VP_CMD_vkAllocateCommandBuffers, "is in use", one_id_twice},
   {VP_CMD_vkCreateEvent, "the slot of one that the command needs", slot_of_its_parent},
   {VP_CMD_vkAllocateCommandBuffers, "the slot of one that the command needs", slot_of_an_ancestor},
   {VP_CMD_vkEndCommandBuffer, "there is no object", use_after_destruction},
   {VP_CMD_vkQueueSubmit, "longer than the data", giant_count},
   {VP_CMD_vkEnumeratePhysicalDeviceGroups, "longer than the data", giant_output},
   {VP_CMD_vkCreateInstance, "has an instance already", second_instance},
   {VP_CMD_vkMapMemoryVP, "is not fresh", second_mapping},
   {VP_CMD_vkGetDeviceQueue2, "without queue 1", missing_queue},
   {VP_CMD_vkResetQueryPool, "not all in their pool of 4", missing_queries},
   {VP_CMD_vkCmdDrawMeshTasksEXT, "does not have this command", missing_extension},
   {VP_CMD_vkDestroyBuffer, "another device", foreign_object},
};

static void test_bad_commands(void)
{
   for (size_t i = 0; i < sizeof(bad_commands) / sizeof(bad_commands[0]); i++) {
      struct session s;
      struct setup x;
      if (!prepare(&s, &x, false) || !CHECK(session_flush(&s)))
         return;
      bad_commands[i].encode(&s, &x);
      if (vp_encoder_size(&s.enc))
         CHECK(session_flush(&s));
      expect_error(&s, bad_commands[i].command, bad_commands[i].text);
   }
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
   CHECK(vp_frame_read(s.fd, &s.frame, 4000) == VP_FRAME_OK && s.frame.header.type == VP_FRAME_ALIVE);
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
   test_memory();
   test_late_mapping();
   test_sent_ahead(0x0b0b0b0b);
   test_sent_ahead(0);
   test_asking_after_all();
   test_stale();
   test_late_binding();
   test_packed();
   test_uploads(1);
   test_uploads(VP_MIN_CORES_TO_SHARE);
   test_events();
   test_queries();
   test_poison();
   test_failing_reply();
   test_leftovers();
   test_greetings();
   test_other_builds();
   test_bad_frames();
   test_bad_upload();
   test_bad_recording(1);
   test_bad_recording(VP_MIN_CORES_TO_SHARE);
   test_bad_commands();
   test_termination();
   test_unread(true);
   test_unread(false);
   test_alive();
   test_stuck_gpu();
   return check_finish();
}
