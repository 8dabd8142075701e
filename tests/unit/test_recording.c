/* SPDX-License-Identifier: MIT */

/* How recordings come to the server: short ones when they end, long ones in pieces before that, also when they are
 * given up in the middle. */

#include "client/record/command_buffer.h"
#include "client/sync/queue.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/bytes.h"
#include "common/util/spin.h"
#include "tests/unit/command_peer.h"

PEER_CODEC(vkCreateCommandPool)
PEER_CODEC(vkDestroyCommandPool)
PEER_CODEC(vkResetCommandPool)
PEER_CODEC(vkAllocateCommandBuffers)
PEER_CODEC(vkFreeCommandBuffers)
PEER_CODEC(vkBeginCommandBuffer)
PEER_CODEC(vkEndCommandBuffer)
PEER_CODEC(vkResetCommandBuffer)
PEER_CODEC(vkCmdUpdateBuffer)
PEER_CODEC(vkCmdExecuteCommands)
PEER_CODEC(vkQueueSubmit)
PEER_CODEC(vkGetBufferDeviceAddress)

static const struct peer_command commands[] = {
   PEER_COMMAND(vkCreateCommandPool),      PEER_COMMAND(vkDestroyCommandPool),
   PEER_COMMAND(vkResetCommandPool),       PEER_COMMAND(vkAllocateCommandBuffers),
   PEER_COMMAND(vkFreeCommandBuffers),     PEER_COMMAND(vkBeginCommandBuffer),
   PEER_COMMAND(vkEndCommandBuffer),       PEER_COMMAND(vkResetCommandBuffer),
   PEER_COMMAND(vkCmdUpdateBuffer),        PEER_COMMAND(vkQueueSubmit),
   PEER_COMMAND(vkGetBufferDeviceAddress), PEER_COMMAND(vkCmdExecuteCommands),
};

static struct peer peer;
static struct vp_queue queue;
static struct vp_queue *queues[] = {&queue};
static struct vp_instance instance; /* without early waits */
static unsigned seen;               /* of the peer's calls */

/* What is recorded: commands of this size, so many of which are more than a piece. */
enum { UPDATE = 4000, PIECE = VP_STREAM_PIECE / UPDATE + 1 };
static struct vp_resource buffer = {.base = {.id = 77, .type = VK_OBJECT_TYPE_BUFFER}};

static void start(bool apart)
{
   peer_start(&peer, commands, sizeof(commands) / sizeof(*commands), NULL);
   queue = (struct vp_queue){.base.type = VK_OBJECT_TYPE_QUEUE, .device = &peer.device};
   CHECK(vp_object_table_add(&peer.conn->objects, &queue.base));
   peer.gpu.instance = &instance;
   peer.device.queues = queues;
   peer.device.queue_count = 1;
   peer.conn->stream.direct_size = apart ? 1000 : SIZE_MAX;
   seen = 0;
}

static VkCommandPool create_pool(uint32_t count, VkCommandBuffer *buffers)
{
   const VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
   VkCommandPool pool = VK_NULL_HANDLE;
   CHECK(vp_vkCreateCommandPool(peer_device(&peer), &info, NULL, &pool) == VK_SUCCESS);
   const VkCommandBufferAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = count};
   CHECK(vp_vkAllocateCommandBuffers(peer_device(&peer), &allocation, buffers) == VK_SUCCESS);
   peer_next(&peer, &seen, VP_CMD_vkCreateCommandPool);
   peer_next(&peer, &seen, VP_CMD_vkAllocateCommandBuffers);
   return pool;
}

static void begin(VkCommandBuffer commands_in)
{
   const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   CHECK(vp_vkBeginCommandBuffer(commands_in, &info) == VK_SUCCESS);
}

/* Each says its number. */
static void record(VkCommandBuffer commands_in, unsigned first, unsigned count)
{
   static const uint32_t data[UPDATE / 4];
   for (unsigned i = first; i < first + count; i++)
      vp_vkCmdUpdateBuffer(commands_in, VP_TO_HANDLE(VkBuffer, &buffer), i, UPDATE, data);
}

static void expect_updates(unsigned count)
{
   for (unsigned i = 0; i < count; i++) {
      const struct vp_cmd_vkCmdUpdateBuffer *call = peer_next(&peer, &seen, VP_CMD_vkCmdUpdateBuffer);
      if (!call || !CHECK(call->dstOffset == i) || !CHECK(call->dataSize == UPDATE))
         return;
   }
}

/* Waits until so many more calls have come, though nobody asks for them. */
static void wait_for(unsigned count)
{
   pthread_mutex_lock(&peer.lock);
   while (peer.call_count < seen + count && !peer.ended && !peer.error)
      pthread_cond_wait(&peer.cond, &peer.lock);
   pthread_mutex_unlock(&peer.lock);
}

/* Waits until all that was said has come, and nothing else. */
static void expect_no_more(void)
{
   static struct vp_object object = {.id = 78, .type = VK_OBJECT_TYPE_BUFFER};
   const VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                           .buffer = VP_TO_HANDLE(VkBuffer, &object)};
   struct vp_cmd_vkGetBufferDeviceAddress a = {.device = peer_device(&peer), .pInfo = &info};
   CHECK(vp_call_vkGetBufferDeviceAddress(peer.conn, &a) == VK_SUCCESS);
   peer_next(&peer, &seen, VP_CMD_vkGetBufferDeviceAddress);
   pthread_mutex_lock(&peer.lock);
   CHECK(peer.call_count == seen);
   pthread_mutex_unlock(&peer.lock);
}

static void finish(VkCommandPool pool)
{
   vp_vkDestroyCommandPool(peer_device(&peer), pool, NULL);
   peer_next(&peer, &seen, VP_CMD_vkDestroyCommandPool);
   expect_no_more();
   peer_stop(&peer);
}

/* Up to a piece nothing is said before the end. */
static void test_short(void)
{
   VkCommandBuffer recording;
   start(false);
   const VkCommandPool pool = create_pool(1, &recording);
   begin(recording);
   record(recording, 0, PIECE - 1);
   expect_no_more();
   CHECK(vp_vkEndCommandBuffer(recording) == VK_SUCCESS);
   peer_next(&peer, &seen, VP_CMD_vkBeginCommandBuffer);
   expect_updates(PIECE - 1);
   peer_next(&peer, &seen, VP_CMD_vkEndCommandBuffer);
   finish(pool);
}

static bool sender_has_sent(void)
{
   pthread_mutex_lock(&peer.conn->stream.lock);
   const bool sent = peer.conn->stream.taken > 0;
   vp_stream_unlock(peer.conn);
   return sent;
}

/* More goes to the server while it is recorded: the application sends it, or the sender does. */
static void test_long(bool apart)
{
   VkCommandBuffer recording;
   start(apart);
   const VkCommandPool pool = create_pool(1, &recording);
   begin(recording);
   record(recording, 0, 3 * PIECE);
   wait_for(1 + 2 * PIECE);
   CHECK(sender_has_sent() == apart);
   record(recording, 3 * PIECE, PIECE);
   CHECK(vp_vkEndCommandBuffer(recording) == VK_SUCCESS);
   peer_next(&peer, &seen, VP_CMD_vkBeginCommandBuffer);
   expect_updates(4 * PIECE);
   peer_next(&peer, &seen, VP_CMD_vkEndCommandBuffer);
   CHECK(vp_command_buffer_error(VP_FROM_HANDLE(struct vp_command_buffer, recording)) == VK_SUCCESS);
   finish(pool);
}

/* A long command ends a piece, however much memory it has brought. */
static void test_long_command(void)
{
   static const uint32_t data[(64 << 10) / 4];
   VkCommandBuffer recording;
   start(true);
   const VkCommandPool pool = create_pool(1, &recording);
   begin(recording);
   for (unsigned i = 0; i < 3; i++) {
      vp_vkCmdUpdateBuffer(recording, VP_TO_HANDLE(VkBuffer, &buffer), 0, sizeof(data), data);
      record(recording, 0, 1);
      wait_for(i ? 1 : 2); /* without another command */
      if (i == 0)
         peer_next(&peer, &seen, VP_CMD_vkBeginCommandBuffer);
      else
         expect_updates(1);
      peer_next(&peer, &seen, VP_CMD_vkCmdUpdateBuffer);
   }
   CHECK(vp_vkEndCommandBuffer(recording) == VK_SUCCESS);
   expect_updates(1);
   peer_next(&peer, &seen, VP_CMD_vkEndCommandBuffer);
   finish(pool);
}

/* Wherever in a command a piece would end, it ends before that: commands arrive whole, and each once. */
static void test_all_sizes(bool apart)
{
   enum { COUNT = 200 };
   static const uint32_t data[2000];
   VkCommandBuffer recording;
   start(apart);
   const VkCommandPool pool = create_pool(1, &recording);
   begin(recording);
   for (unsigned i = 0; i < COUNT; i++)
      vp_vkCmdUpdateBuffer(recording, VP_TO_HANDLE(VkBuffer, &buffer), i, 4 + i * 1028 % 8000, data);
   CHECK(vp_vkEndCommandBuffer(recording) == VK_SUCCESS);
   peer_next(&peer, &seen, VP_CMD_vkBeginCommandBuffer);
   for (unsigned i = 0; i < COUNT; i++) {
      const struct vp_cmd_vkCmdUpdateBuffer *call = peer_next(&peer, &seen, VP_CMD_vkCmdUpdateBuffer);
      if (!call || !CHECK(call->dstOffset == i) || !CHECK(call->dataSize == 4 + i * 1028 % 8000))
         return;
   }
   peer_next(&peer, &seen, VP_CMD_vkEndCommandBuffer);
   finish(pool);
}

/* A recording of which a piece has been said; what is left is forgotten. */
static void begin_piece(VkCommandBuffer recording)
{
   begin(recording);
   record(recording, 0, PIECE + 2);
}

static void expect_piece(void)
{
   peer_next(&peer, &seen, VP_CMD_vkBeginCommandBuffer);
   expect_updates(PIECE);
}

static void test_given_up(void)
{
   VkCommandBuffer recordings[2];
   start(true);
   const VkCommandPool pool = create_pool(2, recordings);

   begin_piece(recordings[0]);
   CHECK(vp_vkResetCommandBuffer(recordings[0], 0) == VK_SUCCESS);
   expect_piece();
   peer_next(&peer, &seen, VP_CMD_vkResetCommandBuffer);

   begin_piece(recordings[0]);
   begin(recordings[0]); /* natively that resets it */
   CHECK(vp_vkEndCommandBuffer(recordings[0]) == VK_SUCCESS);
   expect_piece();
   peer_next(&peer, &seen, VP_CMD_vkResetCommandBuffer);
   peer_next(&peer, &seen, VP_CMD_vkBeginCommandBuffer);
   peer_next(&peer, &seen, VP_CMD_vkEndCommandBuffer);

   begin_piece(recordings[0]);
   CHECK(vp_vkResetCommandPool(peer_device(&peer), pool, 0) == VK_SUCCESS);
   begin(recordings[0]);
   CHECK(vp_vkEndCommandBuffer(recordings[0]) == VK_SUCCESS);
   expect_piece();
   peer_next(&peer, &seen, VP_CMD_vkResetCommandPool);
   peer_next(&peer, &seen, VP_CMD_vkBeginCommandBuffer);
   peer_next(&peer, &seen, VP_CMD_vkEndCommandBuffer);

   begin_piece(recordings[0]);
   vp_vkFreeCommandBuffers(peer_device(&peer), pool, 1, &recordings[0]);
   expect_piece();
   peer_next(&peer, &seen, VP_CMD_vkFreeCommandBuffers);

   begin_piece(recordings[1]); /* and the pool goes */
   expect_piece();
   finish(pool);
}

/* Two that are recorded in turns: each is whole. */
static void test_in_turns(void)
{
   VkCommandBuffer recordings[2];
   unsigned next[2] = {0, 0};
   start(true);
   const VkCommandPool pool = create_pool(2, recordings);
   const uint64_t ids[2] = {id_of(recordings[0]), id_of(recordings[1])};
   for (unsigned i = 0; i < 2; i++)
      begin(recordings[i]);
   for (unsigned i = 0; i < 2 * PIECE; i++)
      record(recordings[i % 2], i / 2, 1);
   for (unsigned i = 0; i < 2; i++)
      record(recordings[i], PIECE, PIECE);
   for (unsigned i = 0; i < 2; i++)
      CHECK(vp_vkEndCommandBuffer(recordings[i]) == VK_SUCCESS);
   for (unsigned i = 0; i < 2 * (1 + 2 * PIECE + 1); i++) {
      const struct peer_call *call = peer_call(&peer, ++seen);
      const struct vp_cmd_vkCmdUpdateBuffer *update = call ? call->args : NULL;
      if (!CHECK(update))
         return;
      /* the command buffer is the first parameter of all */
      const unsigned index = (uint64_t)(uintptr_t)update->commandBuffer == ids[1];
      const unsigned place = next[index]++;
      CHECK((uint64_t)(uintptr_t)update->commandBuffer == ids[index]);
      CHECK(call->number == (place == 0               ? VP_CMD_vkBeginCommandBuffer
                             : place == 2 * PIECE + 1 ? VP_CMD_vkEndCommandBuffer
                                                      : VP_CMD_vkCmdUpdateBuffer));
      CHECK(call->number != VP_CMD_vkCmdUpdateBuffer || update->dstOffset == place - 1);
   }
   finish(pool);
}

static void send_error(VkCommandBuffer recording, uint32_t number)
{
   uint8_t payload[12];
   vp_bytes_store_u32(payload, VP_CMD_vkCmdUpdateBuffer);
   vp_bytes_store_u32(payload + 4, (uint32_t)VK_ERROR_OUT_OF_DEVICE_MEMORY);
   vp_bytes_store_u32(payload + 8, number);
   CHECK(
      vp_frame_write(&VP_CHANNEL(peer.fd), VP_FRAME_OBJECT_ERROR, id_of(recording), payload, sizeof(payload), NULL, 0));
   expect_no_more();
}

static VkResult submit(VkCommandBuffer recording)
{
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &recording};
   return vp_vkQueueSubmit(VP_TO_HANDLE(VkQueue, &queue), 1, &info, VK_NULL_HANDLE);
}

/* What the server says of a piece before the recording ends is its error, and not that of the one after it. */
static void test_error_in_the_middle(void)
{
   VkCommandBuffer recording;
   start(true);
   const VkCommandPool pool = create_pool(1, &recording);
   begin_piece(recording);
   expect_piece();
   send_error(recording, 1);
   CHECK(vp_vkEndCommandBuffer(recording) == VK_SUCCESS);
   CHECK(submit(recording) == VK_ERROR_OUT_OF_DEVICE_MEMORY);
   peer_next(&peer, &seen, VP_CMD_vkCmdUpdateBuffer);
   peer_next(&peer, &seen, VP_CMD_vkCmdUpdateBuffer);
   peer_next(&peer, &seen, VP_CMD_vkEndCommandBuffer);

   begin_piece(recording);
   expect_piece();
   CHECK(vp_vkResetCommandBuffer(recording, 0) == VK_SUCCESS);
   peer_next(&peer, &seen, VP_CMD_vkResetCommandBuffer);
   begin(recording);
   send_error(recording, 2);
   CHECK(vp_vkEndCommandBuffer(recording) == VK_SUCCESS && submit(recording) == VK_SUCCESS);
   peer_next(&peer, &seen, VP_CMD_vkBeginCommandBuffer);
   peer_next(&peer, &seen, VP_CMD_vkEndCommandBuffer);
   peer_next(&peer, &seen, VP_CMD_vkQueueSubmit);
   finish(pool);
}

/* Without memory after the first piece: the end says so, and what the server has of it is taken back. */
static void test_no_memory_in_the_middle(void)
{
   VkCommandBuffer recording;
   start(true);
   const VkCommandPool pool = create_pool(1, &recording);
   begin_piece(recording);
   VP_FROM_HANDLE(struct vp_command_buffer, recording)->commands.failed = true;
   record(recording, 0, 3 * PIECE);
   CHECK(vp_vkEndCommandBuffer(recording) == VK_ERROR_OUT_OF_HOST_MEMORY);
   expect_piece();
   begin(recording);
   CHECK(vp_vkEndCommandBuffer(recording) == VK_SUCCESS);
   peer_next(&peer, &seen, VP_CMD_vkResetCommandBuffer);
   peer_next(&peer, &seen, VP_CMD_vkBeginCommandBuffer);
   peer_next(&peer, &seen, VP_CMD_vkEndCommandBuffer);
   finish(pool);
}

/* So many more calls came in frames of this type; the last of them. */
static void expect_in(uint32_t type, unsigned count, uint32_t last)
{
   for (unsigned i = 0; i < count; i++) {
      const struct peer_call *call = peer_call(&peer, ++seen);
      if (!CHECK(call) || !CHECK(call->frame == type))
         return;
      CHECK(i + 1 < count || call->number == last);
   }
}

/* What the server can execute beside other recordings is in frames of its own if it is long: pieces and what is left
 * after them, but nothing in which other command buffers are executed. */
static void test_apart(bool apart)
{
   VkCommandBuffer recordings[2];
   start(apart);
   const VkCommandPool pool = create_pool(2, recordings);
   begin(recordings[0]);
   CHECK(vp_vkEndCommandBuffer(recordings[0]) == VK_SUCCESS);
   expect_in(VP_FRAME_COMMANDS, 2, VP_CMD_vkEndCommandBuffer);

   begin(recordings[0]);
   record(recordings[0], 0, 5);
   CHECK(vp_vkEndCommandBuffer(recordings[0]) == VK_SUCCESS);
   expect_in(VP_FRAME_RECORDED, 7, VP_CMD_vkEndCommandBuffer);

   begin(recordings[0]);
   record(recordings[0], 0, PIECE + 1);
   CHECK(vp_vkEndCommandBuffer(recordings[0]) == VK_SUCCESS);
   expect_in(VP_FRAME_RECORDED, PIECE + 3, VP_CMD_vkEndCommandBuffer);

   begin(recordings[0]);
   record(recordings[0], 0, PIECE);
   vp_vkCmdExecuteCommands(recordings[0], 1, &recordings[1]); /* the first of the second piece */
   record(recordings[0], 0, 2 * PIECE);
   CHECK(vp_vkEndCommandBuffer(recordings[0]) == VK_SUCCESS);
   expect_in(VP_FRAME_RECORDED, 1 + PIECE, VP_CMD_vkCmdUpdateBuffer);
   expect_in(VP_FRAME_COMMANDS, 1, VP_CMD_vkCmdExecuteCommands);
   expect_in(VP_FRAME_COMMANDS, PIECE, VP_CMD_vkCmdUpdateBuffer);
   expect_in(VP_FRAME_RECORDED, PIECE + 1, VP_CMD_vkEndCommandBuffer);

   begin(recordings[0]); /* and given up: what is recorded instead has none */
   vp_vkCmdExecuteCommands(recordings[0], 1, &recordings[1]);
   begin(recordings[0]);
   record(recordings[0], 0, 5);
   CHECK(vp_vkEndCommandBuffer(recordings[0]) == VK_SUCCESS);
   expect_in(VP_FRAME_RECORDED, 7, VP_CMD_vkEndCommandBuffer);
   finish(pool);
}

int main(void)
{
   test_short();
   test_apart(false);
   test_apart(true);
   test_long(false);
   test_long(true);
   test_long_command();
   test_all_sizes(false);
   test_all_sizes(true);
   vp_spin_allow(true); /* the sender looks for the next piece */
   test_all_sizes(true);
   vp_spin_allow(false);
   test_given_up();
   test_in_turns();
   test_error_in_the_middle();
   test_no_memory_in_the_middle();
   return check_finish();
}
