/* SPDX-License-Identifier: MIT */

/* Recordings of several command pools that several threads of the server replay: side by side, those of one pool in
 * their order and never at once, and with what is wrong in the order of the stream. */

#include <pthread.h>
#include <time.h>

#include "common/util/cores.h"
#include "server/core/device.h"
#include "server/session/replay.h"
#include "server/session/uploads.h"
#include "tests/unit/null_session.h"

#define POOLS 8
#define BUFFERS 2 /* of each pool */
#define WAIT_S 20

enum { LAYOUT = FIRST_OBJECT, PIPELINE_LAYOUT, BUFFER, POOL, COMMANDS = POOL + POOLS };
_Static_assert(COMMANDS + POOLS * BUFFERS < MAX_OBJECTS, "too many objects");

static struct vps_replay replay;

/* --- the driver --- */

static struct {
   pthread_mutex_t lock;
   pthread_cond_t changed;
   VkCommandBuffer handles[POOLS * BUFFERS];
   uint32_t next[POOLS * BUFFERS]; /* what is to be recorded next */
   bool busy[POOLS];
   unsigned inside, wanted; /* so many wait for each other */
   bool met, disorder;
   unsigned elsewhere; /* commands that another thread than the executing one recorded */
   unsigned begun, failures;
   pthread_t executing;
} driver = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void wait_for_others(void)
{
   struct timespec end;

   clock_gettime(CLOCK_REALTIME, &end);
   end.tv_sec += WAIT_S;
   driver.inside++;
   pthread_cond_broadcast(&driver.changed);
   while (driver.inside < driver.wanted && pthread_cond_timedwait(&driver.changed, &driver.lock, &end) == 0)
      ;
   driver.met = driver.met || (driver.wanted && driver.inside >= driver.wanted);
   driver.wanted = driver.met ? 0 : driver.wanted;
   driver.inside--;
}

/* The width says which command it is. */
static VKAPI_ATTR void VKAPI_CALL set_line_width(VkCommandBuffer commands, float width)
{
   unsigned which = 0;

   pthread_mutex_lock(&driver.lock);
   while (driver.handles[which] != commands)
      which++;
   bool *busy = &driver.busy[which / BUFFERS];
   driver.disorder = driver.disorder || *busy || (uint32_t)width != driver.next[which];
   driver.next[which] = (uint32_t)width + 1;
   driver.elsewhere += !pthread_equal(pthread_self(), driver.executing);
   *busy = true;
   if (driver.wanted)
      wait_for_others();
   pthread_mutex_unlock(&driver.lock);
   sched_yield();
   pthread_mutex_lock(&driver.lock);
   *busy = false;
   pthread_mutex_unlock(&driver.lock);
}

static PFN_vkBeginCommandBuffer begin_commands;

static VKAPI_ATTR VkResult VKAPI_CALL begin_or_fail(VkCommandBuffer commands, const VkCommandBufferBeginInfo *info)
{
   pthread_mutex_lock(&driver.lock);
   const bool fails = driver.failures > 0;
   driver.failures -= fails;
   driver.begun += !fails;
   pthread_mutex_unlock(&driver.lock);
   return fails ? VK_ERROR_OUT_OF_HOST_MEMORY : begin_commands(commands, info);
}

/* --- the session --- */

static struct vps_object *object_of(unsigned which)
{
   return vps_object_find(&ctx.objects, objects[which].id);
}

static VkCommandBuffer commands_of(unsigned which)
{
   return OBJECT(VkCommandBuffer, COMMANDS + which);
}

static void create_layouts(void)
{
   const VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                                 .descriptorCount = 1,
                                                 .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   VkDescriptorSetLayout layout = OBJECT(VkDescriptorSetLayout, LAYOUT);
   const VkPipelineLayoutCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &layout};
   VkPipelineLayout pipeline_layout = OBJECT(VkPipelineLayout, PIPELINE_LAYOUT);
   const VkBufferCreateInfo buffer_info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 256};
   VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   const VkDevice device = OBJECT(VkDevice, DEVICE);

   DO(vkCreateDescriptorSetLayout, .device = device, .pCreateInfo = &layout_info, .pSetLayout = &layout);
   DO(vkCreatePipelineLayout, .device = device, .pCreateInfo = &info, .pPipelineLayout = &pipeline_layout);
   DO(vkCreateBuffer, .device = device, .pCreateInfo = &buffer_info, .pBuffer = &buffer);
}

static void open_session(unsigned cores)
{
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};

   session_open();
   struct vps_device_functions *functions = &object_of(DEVICE)->device->functions;
   begin_commands = functions->BeginCommandBuffer;
   functions->BeginCommandBuffer = begin_or_fail;
   functions->CmdSetLineWidth = set_line_width;
   create_layouts();
   for (unsigned i = 0; i < POOLS; i++) {
      VkCommandPool pool = OBJECT(VkCommandPool, POOL + i);
      DO(vkCreateCommandPool, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &pool_info, .pCommandPool = &pool);
   }
   for (unsigned i = 0; i < POOLS * BUFFERS; i++) {
      create_commands(POOL + i / BUFFERS, COMMANDS + i, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
      driver.handles[i] = (VkCommandBuffer)(uintptr_t)object_of(COMMANDS + i)->handle;
      driver.next[i] = 0;
   }
   driver.elsewhere = driver.begun = driver.failures = 0;
   driver.met = driver.disorder = false;
   driver.executing = pthread_self();
   vp_cores_assume(cores);
   vps_replay_start(&replay, &ctx);
}

static void close_session(void)
{
   CHECK(!driver.disorder);
   vps_replay_stop(&replay);
   vp_cores_assume(0);
   session_close();
}

static void make_room(struct vp_frame *frame, size_t size)
{
   if (frame->capacity < size) {
      free(frame->payload);
      frame->payload = malloc(size);
      frame->capacity = size;
   }
}

/* What was encoded becomes a frame. */
static bool give(struct vp_frame *frame)
{
   const size_t size = vp_encoder_size(&enc);

   make_room(frame, size);
   memcpy(frame->payload, enc.start, size);
   frame->header = (struct vp_frame_header){.type = VP_FRAME_RECORDED, .length = (uint32_t)size};
   vp_encoder_reset(&enc);
   return vps_replay_run(&replay, frame);
}

static bool give_frame(void)
{
   static struct vp_frame frame; /* as the worker's: its memory is exchanged */
   const bool ok = give(&frame);
   vp_frame_finish(&frame);
   return ok;
}

static void put_begin(unsigned which)
{
   const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   vp_request_vkBeginCommandBuffer(
      &enc, 0, &(struct vp_cmd_vkBeginCommandBuffer){.commandBuffer = commands_of(which), .pBeginInfo = &info});
}

static void put_end(unsigned which)
{
   vp_request_vkEndCommandBuffer(&enc, 0, &(struct vp_cmd_vkEndCommandBuffer){.commandBuffer = commands_of(which)});
}

static void put_widths(unsigned which, unsigned first, unsigned count)
{
   for (unsigned i = first; i < first + count; i++)
      vp_request_vkCmdSetLineWidth(
         &enc, 0, &(struct vp_cmd_vkCmdSetLineWidth){.commandBuffer = commands_of(which), .lineWidth = (float)i});
}

static bool give_widths(unsigned which, unsigned first, unsigned count)
{
   put_widths(which, first, count);
   return give_frame();
}

static void begin_all(void)
{
   for (unsigned i = 0; i < POOLS * BUFFERS; i++)
      begin(COMMANDS + i);
}

/* --- tests --- */

/* All threads are inside the driver at once, and everything is done when it was waited for. */
static void test_side_by_side(void)
{
   open_session(2 * POOLS);
   begin_all();
   for (unsigned i = 0; i < POOLS; i++)
      CHECK(give_widths(i * BUFFERS, 0, 1));
   CHECK(vps_replay_wait(&replay));
   driver.wanted = POOLS;
   for (unsigned i = 0; i < POOLS; i++)
      CHECK(give_widths(i * BUFFERS, 1, 10));
   CHECK(vps_replay_wait(&replay));
   CHECK(driver.met && replay.started == VPS_MAX_LANES);
   for (unsigned i = 0; i < POOLS * BUFFERS; i++)
      CHECK(driver.next[i] == (i % BUFFERS ? 0 : 11));
   close_session();
}

/* More pools than threads, several command buffers of a pool, recordings that go on and are begun anew, and between
 * them what only the executing thread does. */
static void test_order(void)
{
   uint32_t random = 1, said[POOLS * BUFFERS] = {0};

   open_session(6);
   begin_all();
   for (unsigned round = 0; round < 3000; round++) {
      random = random * 1664525 + 1013904223;
      const unsigned which = random >> 16 & (POOLS * BUFFERS - 1), count = 1 + (random >> 8 & 15);
      put_widths(which, said[which], count);
      said[which] += count;
      if (random >> 24 < 16) {
         put_end(which);
         put_begin(which);
      }
      CHECK(give_frame());
      if (round % 500 == 499) {
         CHECK(vps_replay_wait(&replay));
         DO(vkResetCommandPool, .device = OBJECT(VkDevice, DEVICE),
            .commandPool = OBJECT(VkCommandPool, POOL + which / BUFFERS));
         begin(COMMANDS + which / BUFFERS * BUFFERS);
         begin(COMMANDS + which / BUFFERS * BUFFERS + 1);
      }
   }
   CHECK(vps_replay_wait(&replay));
   for (unsigned i = 0; i < POOLS * BUFFERS; i++)
      CHECK(driver.next[i] == said[i]);
   CHECK(replay.started > 1 && replay.started <= 3 && driver.elsewhere > 0);
   close_session();
}

/* One pool is one thread's, also with other things in between. */
static void test_one_pool(void)
{
   open_session(2 * POOLS);
   begin_all();
   for (unsigned i = 0; i < 100; i++)
      CHECK(give_widths(0, i, 1));
   CHECK(vps_replay_wait(&replay));
   CHECK(replay.started == 1 && driver.elsewhere == 100);
   for (unsigned i = 100; i < 120; i++)
      CHECK(give_widths(0, i, 1) && vps_replay_wait(&replay));
   CHECK(replay.started == 1 && driver.elsewhere == 120 && driver.next[0] == 120);
   close_session();
}

/* The memory that a long frame has left is not kept by a lane, nor by who reads, so that the next one has a lane. */
static void test_large_buffer(void)
{
   struct vps_uploads uploads = {0};

   open_session(2 * POOLS);
   begin_all();
   vps_uploads_start(&uploads);
   struct vp_frame *frame = vps_uploads_next(&uploads, &ctx, -1);
   make_room(frame, VPS_KEEP_SIZE + 1);
   put_widths(0, 0, 1);
   CHECK(give(frame) && vps_replay_wait(&replay));
   CHECK(driver.elsewhere == 0 && driver.next[0] == 1);
   frame = vps_uploads_next(&uploads, &ctx, -1);
   CHECK(frame->capacity == 0);
   make_room(frame, VPS_KEEP_SIZE);
   put_widths(0, 1, 1);
   CHECK(give(frame) && vps_replay_wait(&replay));
   CHECK(driver.elsewhere == 1 && driver.next[0] == 2);
   vps_uploads_stop(&uploads);
   close_session();
}

/* Where there are few cores nothing is handed over. */
static void test_few_cores(void)
{
   open_session(VP_MIN_CORES_TO_SHARE - 1);
   begin_all();
   for (unsigned i = 0; i < 100; i++)
      CHECK(give_widths(i % 4, i / 4, 1));
   CHECK(replay.started == 0 && driver.elsewhere == 0);
   close_session();
}

/* What threads share: the references of a layout that all push to, and a reserve that is given up when the driver has
 * no memory. */
static void test_shared(void)
{
   enum { ROUNDS = 20, FAILURES = 2 };
   const VkDescriptorBufferInfo info = {.buffer = OBJECT(VkBuffer, BUFFER), .range = VK_WHOLE_SIZE};
   const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                       .descriptorCount = 1,
                                       .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                       .pBufferInfo = &info};

   open_session(2 * POOLS);
   for (unsigned round = 0; round < ROUNDS; round++) {
      pthread_mutex_lock(&driver.lock);
      driver.failures = FAILURES;
      pthread_mutex_unlock(&driver.lock);
      for (unsigned i = 0; i < POOLS * BUFFERS; i += BUFFERS) {
         put_begin(i);
         vp_request_vkCmdPushDescriptorSet(
            &enc, 0,
            &(struct vp_cmd_vkCmdPushDescriptorSet){.commandBuffer = commands_of(i),
                                                    .pipelineBindPoint = VK_PIPELINE_BIND_POINT_COMPUTE,
                                                    .layout = OBJECT(VkPipelineLayout, PIPELINE_LAYOUT),
                                                    .descriptorWriteCount = 1,
                                                    .pDescriptorWrites = &write});
         put_end(i);
         CHECK(give_frame());
      }
   }
   CHECK(vps_replay_wait(&replay));
   CHECK(replay.started > 0 && driver.begun >= (POOLS - FAILURES) * ROUNDS);
   close_session();
}

/* --- what is wrong --- */

static void another_command_buffer(void)
{
   put_widths(2, 1, 1);
}

/* Of the same pool it is another one, too. */
static void its_neighbour(void)
{
   put_widths(1, 1, 1);
}

static void another_kind(void)
{
   vp_request_vkDestroyBuffer(
      &enc, 0,
      &(struct vp_cmd_vkDestroyBuffer){.device = OBJECT(VkDevice, DEVICE), .buffer = OBJECT(VkBuffer, BUFFER)});
}

static void executes_others(void)
{
   VkCommandBuffer other = commands_of(2);
   vp_request_vkCmdExecuteCommands(&enc, 0,
                                   &(struct vp_cmd_vkCmdExecuteCommands){.commandBuffer = commands_of(0),
                                                                         .commandBufferCount = 1,
                                                                         .pCommandBuffers = &other});
}

static void wants_a_reply(void)
{
   vp_request_vkEndCommandBuffer(&enc, 1, &(struct vp_cmd_vkEndCommandBuffer){.commandBuffer = commands_of(0)});
}

static void truncated(void)
{
   put_widths(0, 1, 1);
   enc.cur -= 4;
}

static void half_an_id(void)
{
   put_widths(0, 1, 1);
   enc.cur -= 8;
}

static void unknown_object(void)
{
   vp_request_vkCmdBindPipeline(
      &enc, 0, &(struct vp_cmd_vkCmdBindPipeline){.commandBuffer = commands_of(0), .pipeline = OBJECT(VkPipeline, 99)});
}

static const struct bad {
   void (*put)(void);
   const char *text;
} bads[] = {
   {another_command_buffer, "vkCmdSetLineWidth: it is among commands that are recorded into another"},
   {its_neighbour, "vkCmdSetLineWidth: it is among commands that are recorded into another"},
   {another_kind, "vkDestroyBuffer: it cannot be among commands"},
   {executes_others, "vkCmdExecuteCommands: it cannot be among commands"},
   {wants_a_reply, "vkEndCommandBuffer: it cannot be among commands"},
   {truncated, "vkCmdSetLineWidth"},
   {half_an_id, "vkCmdSetLineWidth"},
   {unknown_object, "vkCmdBindPipeline: there is no object"},
};

/* The session ends with the same words whoever executes it, and nothing of that command buffer is executed any more. */
static void test_bad(const struct bad *bad, bool apart)
{
   open_session(apart ? 2 * POOLS : 2);
   begin_all();
   for (unsigned i = 0; i < 4; i++)
      CHECK(give_widths(i, 0, 1));
   put_widths(0, 1, 1);
   bad->put();
   const uint64_t start = ctx.stream_offset, end = start + vp_encoder_size(&enc);
   CHECK(give_frame() == apart);
   if (apart) {
      give_widths(1, 1, 1);
      give_widths(4, 0, 1);
   }
   CHECK(!vps_replay_wait(&replay) && ctx.failed && strstr(ctx.error.text, bad->text));
   CHECK(ctx.error.offset > start && ctx.error.offset <= end && driver.next[0] == 2);
   CHECK(!give_widths(4, 1, 1));
   close_session();
}

/* A command buffer that is not there any more, or never was, or no id at all. */
static void test_gone(bool apart)
{
   VkCommandBuffer gone = commands_of(0);

   open_session(apart ? 2 * POOLS : 2);
   begin_all();
   for (unsigned i = 0; i < 4; i++)
      CHECK(give_widths(i, 0, 1));
   CHECK(vps_replay_wait(&replay));
   DO(vkFreeCommandBuffers, .device = OBJECT(VkDevice, DEVICE), .commandPool = OBJECT(VkCommandPool, POOL),
      .commandBufferCount = 1, .pCommandBuffers = &gone);
   CHECK(give_widths(2, 1, 1));
   CHECK(!give_widths(0, 1, 1) && strstr(ctx.error.text, "vkCmdSetLineWidth: there is no object"));
   close_session();

   open_session(2 * POOLS);
   vp_enc_u32(&enc, VP_CMD_vkCmdSetLineWidth);
   CHECK(!give_frame() && ctx.failed);
   close_session();
}

/* Of two errors the one that was said first counts, though it is found last. */
static void test_first_error(void)
{
   open_session(2 * POOLS);
   begin_all();
   for (unsigned i = 0; i < 4; i++)
      CHECK(give_widths(i * BUFFERS, 0, 1));
   CHECK(vps_replay_wait(&replay));
   driver.wanted = 2;
   put_widths(0, 1, 1); /* waits for the other one's last command */
   executes_others();
   CHECK(give_frame());
   put_widths(2, 1, 1);
   another_kind();
   give_frame();
   CHECK(!vps_replay_wait(&replay) && strstr(ctx.error.text, "vkCmdExecuteCommands"));
   close_session();
}

int main(void)
{
   test_side_by_side();
   test_order();
   test_one_pool();
   test_large_buffer();
   test_few_cores();
   test_shared();
   for (unsigned i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
      test_bad(&bads[i], false);
      test_bad(&bads[i], true);
   }
   test_gone(false);
   test_gone(true);
   test_first_error();
   return check_finish();
}
