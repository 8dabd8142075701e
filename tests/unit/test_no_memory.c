/* SPDX-License-Identifier: MIT */

/* A whole session on a driver that does nothing, once for each allocation and each thread that the server makes in it:
 * that one fails, or it and some after it. The session may end then, with a reason, but nothing else. */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/util/log.h"
#include "server/core/context.h"
#include "server/core/frame_writer.h"
#include "server/memory/memory.h"
#include "server/session/executor.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);

/* The driver has memory. */
#define malloc __real_malloc
#define calloc __real_calloc
#include "tests/fuzz/null_vulkan.h"
#undef malloc
#undef calloc
#include "tests/fuzz/session.h"
#include "tests/unit/check.h"

#define NEVER (1 << 30)

static atomic_int left = NEVER; /* allocations that succeed before one fails */

static int burst; /* so many fail then */

static bool fails(void)
{
   const int before = atomic_fetch_sub(&left, 1);
   return before <= 0 && before > -burst;
}

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

void *__wrap_malloc(size_t size)
{
   return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
   return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
   return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
   return fails() ? MAP_FAILED : __real_mmap(address, size, protection, flags, fd, offset);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
   return fails() ? 11 : __real_pthread_create(thread, attributes, run, argument);
}

static bool is_map_with_reply(const uint8_t *data, size_t size)
{
   uint32_t words[2] = {0};
   if (size >= sizeof(words))
      memcpy(words, data, sizeof(words));
   return words[0] == VP_CMD_vkMapMemoryVP && words[1] == 1;
}

static void receive_memory(struct vps_context *ctx, uint64_t id, const uint8_t *data, size_t size)
{
   struct vps_memory *memory;
   const char *problem = vps_memory_find(ctx, id, &memory) && memory ? vps_memory_receive(memory, data, size) : NULL;
   if (problem)
      vps_fail(ctx, "%s", problem);
}

static void execute(struct vps_context *ctx, uint8_t *data, size_t size)
{
   while (size >= 4 && !ctx->failed) {
      uint32_t head;
      uint64_t id = 0;
      memcpy(&head, data, 4);
      const size_t length = head & SESSION_SIZE_MASK;
      if (is_map_with_reply(data + 4, length))
         usleep(10000); /* until what the GPU wrote was sent, most likely */
      if (head & SESSION_MEMORY) {
         memcpy(&id, data + 4, 8);
         receive_memory(ctx, id, data + 12, length - 8);
      } else {
         vps_executor_run(ctx, data + 4, length);
      }
      data += 4 + length;
      size -= 4 + length;
   }
}

/* Whether the session needed the allocation that failed. */
static bool run(const struct vp_encoder *commands, int succeeding)
{
   static const struct vps_options options = {.worker_fd = -1, .clear_memory = VPS_CLEAR_MEMORY_OFF};
   struct vps_frame_writer writer;
   struct vps_context ctx;

   atomic_store(&left, succeeding);
   if (vps_frame_writer_init(&writer, -1, VP_COMPRESS_NONE)) {
      if (vps_context_init(&ctx, &options, &writer, null_vkGetInstanceProcAddr)) {
         execute(&ctx, commands->start + SESSION_HEAD, vp_encoder_size(commands) - SESSION_HEAD);
         CHECK(!ctx.failed || ctx.error.text[0]);
         vps_context_finish(&ctx);
         CHECK(!ctx.abandoned);
      }
      vps_frame_writer_finish(&writer);
   }
   const bool failed = atomic_load(&left) < 0;
   atomic_store(&left, NEVER);
   return failed;
}

static void *known(struct session *session, struct vp_object *object, int32_t type)
{
   object->id = session_pick(session, type);
   return object;
}

/* Memory that is sent after the GPU wrote to it, and mapped only then; and freed. */
static void add_late_map(struct session *session)
{
   struct vp_object objects[6] = {0};
   VkDevice device = known(session, &objects[0], VK_OBJECT_TYPE_DEVICE);
   VkQueue queue = known(session, &objects[1], VK_OBJECT_TYPE_QUEUE);
   VkCommandBuffer commands = known(session, &objects[2], VK_OBJECT_TYPE_COMMAND_BUFFER);
   VkDeviceMemory memory = (VkDeviceMemory)(uintptr_t)session_new(session, &objects[3], VK_OBJECT_TYPE_DEVICE_MEMORY);
   VkBuffer buffer = (VkBuffer)(uintptr_t)session_new(session, &objects[4], VK_OBJECT_TYPE_BUFFER);
   const VkMemoryAllocateInfo memory_info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = 9000, .memoryTypeIndex = 2};
   const VkBufferCreateInfo buffer_info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 8000, .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
   const struct vp_cmd_vkMapMemoryVP map = {.device = device, .memory = memory};

   SESSION_ADD(session, vkAllocateMemory, .device = device, .pAllocateInfo = &memory_info, .pMemory = &memory);
   SESSION_ADD(session, vkCreateBuffer, .device = device, .pCreateInfo = &buffer_info, .pBuffer = &buffer);
   SESSION_ADD(session, vkBindBufferMemory, .device = device, .buffer = buffer, .memory = memory);
   SESSION_ADD(session, vkCmdFillBuffer, .commandBuffer = commands, .dstBuffer = buffer, .size = VK_WHOLE_SIZE);
   SESSION_ADD(session, vkEndCommandBuffer, .commandBuffer = commands);
   SESSION_ADD(session, vkQueueSubmit, .queue = queue, .submitCount = 1, .pSubmits = &submit);
   session_append(session, codec_find(VP_CMD_vkMapMemoryVP), 1, &map);
   SESSION_ADD(session, vkQueueSubmit, .queue = queue, .submitCount = 1, .pSubmits = &submit);
   SESSION_ADD(session, vkFreeMemory, .device = device, .memory = memory);
}

int main(void)
{
   struct session session;
   const int bursts[] = {1, 2, 3, 4, NEVER};

   vp_log_init("test", VP_LOG_ERROR);
   CHECK(vp_encoder_init(&null_state.enc));
   session_init(&session, NULL, 1);
   session_add_start(&session);
   session_add_memory(&session);
   add_late_map(&session);
   CHECK(!session.out.failed && !session.failed);
   for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++) {
      int count = 0;
      burst = bursts[i];
      while (run(&session.out, count))
         count++;
      CHECK(count > 20);
   }
   session_finish(&session);
   vp_encoder_finish(&null_state.enc);
   return check_finish();
}
