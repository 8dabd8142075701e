/* SPDX-License-Identifier: MIT */
/* The commands that write to buffers, each into a place of its own; the host writes what lies between these places, and
 * what a command leaves out within its place: the ends of an image's rows, the space between query results. */
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define SIZE (192 * 1024 + 5)
#define HIDDEN_SIZE 4096 /* what is copied from */
#define IMAGE_WIDTH 64u
#define IMAGE_HEIGHT 48u
#define IMAGE_SIZE 12288u
#define QUERIES 4u
#define QUERY_SIZE 16u /* result and availability */
#define MAX_PLACES 24
#define MAX_PIECES 2048 /* that commands of one round write */

enum command { FILL, UPDATE, COPY_BUFFER, COPY_IMAGE, COPY_QUERIES };

struct piece {
   uint32_t offset, size;
};

struct commands {
   struct mirror mirror;
   struct area hidden; /* only the GPU sees it, and the image */
   VkImage image;
   VkDeviceMemory image_memory;
   uint8_t hidden_content[HIDDEN_SIZE], image_content[IMAGE_SIZE];
   VkQueryPool queries;
   struct piece pieces[MAX_PIECES]; /* of this round, from the start to the end */
   unsigned piece_count;
   uint32_t query_offset, query_stride, query_count; /* of this round; the model gets them when they are known */
};

static void add_piece(struct commands *state, uint32_t offset, uint32_t size)
{
   state->pieces[state->piece_count++] = (struct piece){offset, size};
}

/* --- one command each; they begin at a multiple of 8 and return where they end --- */

static uint32_t fill(struct worker *w, struct commands *state, uint32_t offset)
{
   const uint32_t size = 4 * (1 + below(&w->random, 800)), value = (uint32_t)next_random(&w->random);
   vkCmdFillBuffer(w->commands, state->mirror.area.buffer, offset, size, value);
   for (uint32_t i = 0; i < size; i += 4)
      memcpy(state->mirror.model + offset + i, &value, 4);
   add_piece(state, offset, size);
   return offset + size;
}

static uint32_t update(struct worker *w, struct commands *state, uint32_t offset)
{
   const uint32_t size = 4 * (1 + below(&w->random, 300));
   random_bytes(&w->random, state->mirror.model + offset, size);
   vkCmdUpdateBuffer(w->commands, state->mirror.area.buffer, offset, size, state->mirror.model + offset);
   add_piece(state, offset, size);
   return offset + size;
}

static uint32_t copy_buffer(struct worker *w, struct commands *state, uint32_t offset)
{
   const uint32_t size = 1 + below(&w->random, 3000), source = below(&w->random, HIDDEN_SIZE - size);
   offset += below(&w->random, 8);
   vkCmdCopyBuffer(w->commands, state->hidden.buffer, state->mirror.area.buffer, 1,
                   &(VkBufferCopy){source, offset, size});
   memcpy(state->mirror.model + offset, state->hidden_content + source, size);
   add_piece(state, offset, size);
   return offset + size;
}

static uint32_t copy_image(struct worker *w, struct commands *state, uint32_t offset)
{
   const uint32_t x = below(&w->random, IMAGE_WIDTH), y = below(&w->random, IMAGE_HEIGHT);
   const uint32_t width = 1 + below(&w->random, IMAGE_WIDTH - x), height = 1 + below(&w->random, IMAGE_HEIGHT - y);
   const uint32_t row_length = width + below(&w->random, 6);
   const VkBufferImageCopy region = {
      .bufferOffset = offset,
      .bufferRowLength = row_length,
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageOffset = {(int32_t)x, (int32_t)y, 0},
      .imageExtent = {width, height, 1},
   };
   vkCmdCopyImageToBuffer(w->commands, state->image, VK_IMAGE_LAYOUT_GENERAL, state->mirror.area.buffer, 1, &region);
   for (uint32_t row = 0; row < height; row++, offset += row_length * 4) {
      memcpy(state->mirror.model + offset, state->image_content + ((size_t)(y + row) * IMAGE_WIDTH + x) * 4,
             (size_t)width * 4);
      add_piece(state, offset, width * 4);
   }
   return offset;
}

/* Once in a round, since there is one set of queries. */
static uint32_t copy_queries(struct worker *w, struct commands *state, uint32_t offset)
{
   if (state->query_count)
      return offset;
   state->query_offset = offset;
   state->query_count = 1 + below(&w->random, QUERIES);
   state->query_stride = QUERY_SIZE + 8 * below(&w->random, 4);
   vkCmdResetQueryPool(w->commands, state->queries, 0, QUERIES);
   for (uint32_t i = 0; i < state->query_count; i++, offset += state->query_stride) {
      vkCmdWriteTimestamp(w->commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, state->queries, i);
      add_piece(state, offset, QUERY_SIZE);
   }
   vkCmdCopyQueryPoolResults(w->commands, state->queries, 0, state->query_count, state->mirror.area.buffer,
                             state->query_offset, state->query_stride,
                             VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT);
   return offset;
}

static uint32_t record_command(struct worker *w, struct commands *state, uint32_t offset, bool with_queries)
{
   switch ((enum command)below(&w->random, with_queries ? COPY_QUERIES + 1 : COPY_QUERIES)) {
   case FILL:
      return fill(w, state, offset);
   case UPDATE:
      return update(w, state, offset);
   case COPY_BUFFER:
      return copy_buffer(w, state, offset);
   case COPY_IMAGE:
      return copy_image(w, state, offset);
   default:
      return copy_queries(w, state, offset);
   }
}

/* --- rounds --- */

static void record(struct worker *w, struct commands *state, bool with_queries)
{
   const uint32_t largest = (IMAGE_WIDTH + 5) * IMAGE_HEIGHT * 4 + 8;
   uint32_t offset = 0;
   state->piece_count = 0;
   state->query_count = 0;
   gpu_begin(w);
   for (unsigned i = 0; i < MAX_PLACES; i++) {
      offset += below(&w->random, one_in(&w->random, 2) ? 20 : 6000);
      offset = (offset + 7) & ~7u;
      if (offset + largest > SIZE)
         break;
      offset = record_command(w, state, offset, with_queries);
   }
   gpu_barrier(w);
}

static void change_between(struct worker *w, struct commands *state)
{
   uint32_t end = 0;
   for (unsigned i = 0; i < state->piece_count; i++) {
      mirror_change(w, &state->mirror, end, state->pieces[i].offset - end);
      end = state->pieces[i].offset + state->pieces[i].size;
   }
   mirror_change(w, &state->mirror, end, SIZE - end);
}

/* What the host is told without the buffer. */
static void learn_queries(struct worker *w, struct commands *state)
{
   uint64_t results[QUERIES][2];
   if (!state->query_count)
      return;
   MUST(w->world,
        vkGetQueryPoolResults(w->world->device, state->queries, 0, state->query_count, sizeof(results), results,
                              QUERY_SIZE, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT));
   for (uint32_t i = 0; i < state->query_count; i++)
      memcpy(state->mirror.model + state->query_offset + (size_t)i * state->query_stride, results[i], QUERY_SIZE);
}

static void commands_round(struct worker *w)
{
   struct commands *state = w->part_state;
   const bool with_queries = w->world->has_timestamps && one_in(&w->random, 3);
   if (with_queries)
      pthread_mutex_lock(&w->world->query_lock);
   mirror_change(w, &state->mirror, 0, SIZE);
   record(w, state, with_queries);
   gpu_submit(w);
   change_between(w, state);
   gpu_wait(w);
   learn_queries(w, state);
   if (!one_in(&w->random, 4))
      mirror_compare(w, &state->mirror, "what commands wrote");
   gpu_recycle(w);
   if (with_queries)
      pthread_mutex_unlock(&w->world->query_lock);
}

/* --- set-up --- */

static void create_image(struct world *world, struct commands *state)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UINT,
      .extent = {IMAGE_WIDTH, IMAGE_HEIGHT, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
   };
   VkMemoryRequirements needs;
   MUST(world, vkCreateImage(world->device, &info, NULL, &state->image));
   vkGetImageMemoryRequirements(world->device, state->image, &needs);
   const VkMemoryAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = needs.size,
      .memoryTypeIndex = find_memory_type(world, needs.memoryTypeBits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT),
   };
   MUST(world, vkAllocateMemory(world->device, &allocate, NULL, &state->image_memory));
   MUST(world, vkBindImageMemory(world->device, state->image, state->image_memory, 0));
}

static void record_image_fill(VkCommandBuffer commands, const struct commands *state)
{
   const VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
      .newLayout = VK_IMAGE_LAYOUT_GENERAL,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = state->image,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
   };
   const VkBufferImageCopy region = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {IMAGE_WIDTH, IMAGE_HEIGHT, 1},
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0,
                        NULL, 1, &barrier);
   vkCmdCopyBufferToImage(commands, state->mirror.area.buffer, state->image, VK_IMAGE_LAYOUT_GENERAL, 1, &region);
}

/* The image and the hidden buffer get what the mirror begins with. */
static void fill_sources(struct world *world, struct commands *state)
{
   struct worker w = {.world = world, .random = 1};
   worker_create_gpu(&w);
   gpu_begin(&w);
   record_image_fill(w.commands, state);
   gpu_copy(&w, state->mirror.area.buffer, 0, state->hidden.buffer, 0, HIDDEN_SIZE);
   gpu_submit(&w);
   MUST(world, vkQueueWaitIdle(world->queue)); /* a software GPU signals the semaphore after the fence */
   worker_destroy_gpu(&w);
   memcpy(state->image_content, state->mirror.model, IMAGE_SIZE);
   memcpy(state->hidden_content, state->mirror.model, HIDDEN_SIZE);
}

static void *commands_create(struct world *world, uint64_t *random)
{
   const VkQueryPoolCreateInfo queries = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
      .queryType = VK_QUERY_TYPE_TIMESTAMP,
      .queryCount = QUERIES,
   };
   struct commands *state = must_alloc(sizeof(*state));
   mirror_create(world, &state->mirror, SIZE, COPY_USAGE, random);
   area_create(world, &state->hidden, HIDDEN_SIZE, COPY_USAGE, false);
   create_image(world, state);
   fill_sources(world, state);
   MUST(world, vkCreateQueryPool(world->device, &queries, NULL, &state->queries));
   if (!world->has_timestamps)
      printf("commands      without vkCmdCopyQueryPoolResults: the queue has no timestamps\n");
   return state;
}

static void commands_destroy(struct world *world, void *part_state)
{
   struct commands *state = part_state;
   vkDestroyQueryPool(world->device, state->queries, NULL);
   vkDestroyImage(world->device, state->image, NULL);
   vkFreeMemory(world->device, state->image_memory, NULL);
   area_destroy(world, &state->hidden);
   mirror_destroy(world, &state->mirror);
   free(state);
}

const struct part part_commands = {
   .name = "commands",
   .threads = 1,
   .create = commands_create,
   .round = commands_round,
   .destroy = commands_destroy,
};
