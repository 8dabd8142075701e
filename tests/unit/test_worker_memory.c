/* SPDX-License-Identifier: MIT */
/* A worker and the memory that its client maps: what is sent of it, in both directions, and when. */

#include "common/util/cores.h"
#include "tests/unit/session_gpu.h"

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
   return check_finish();
}
