/* SPDX-License-Identifier: MIT */
/* test: no-tsan */
/* Counts that promise what is not there: in a request of every command, with one element in each array, each word
 * becomes 2^32-1, 2^30+1 and 2^23, once with what follows it and once at the end of the data. None of it costs memory,
 * what is cut is refused, and of what is accepted no array is longer than what came. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/vp_client_calls.h"
#include "tests/unit/check.h"
#include "tests/unit/codec_check.h"
#include "tests/vp_visit.h"

#define LIMIT ((size_t)1 << 30) /* as the server has it */
#define COMMANDS (sizeof(vp_check_commands) / sizeof(*vp_check_commands))
#define HEAD 8                    /* number and flags */
#define MOST (VP_ARENA_KEEP + 64) /* that a request of these takes: a chunk may be as large */
#define TOO_MANY 0x40000001u      /* even of bytes */
#define MUCH 8192                 /* a request of so many bytes is mostly numbers: sets of a video's parameters */

_Static_assert(COMMANDS == sizeof(visit_commands) / sizeof(*visit_commands), "the tables are of the same commands");

/* --- allocations --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* That was asked for, but for zeros: the room for what the driver will write is that, and costs nothing before. */
static size_t largest;

static void note_size(size_t size)
{
   if (size > largest)
      largest = size;
}

void *__wrap_malloc(size_t size)
{
   note_size(size);
   return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
   return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
   note_size(size);
   return __real_realloc(memory, size);
}

/* --- requests --- */

static struct vp_arena making, reading;
static struct vp_encoder request;
static unsigned refused, accepted;

static uint64_t make_handle(struct visit *w, VkObjectType type)
{
   struct vp_object *object = visit_alloc(w, 1, sizeof(*object));
   object->type = type;
   object->id = 3 + w->numbers++;
   return (uint64_t)(uintptr_t)object;
}

static void make_request(size_t which, uint64_t n, uint32_t turn)
{
   struct visit w = {
      .fill = true, .arena = &making, .handle = make_handle, .n = n, .period = 251, .turn = turn, .chains = 2};
   void *call = visit_alloc(&w, 1, vp_check_commands[which].size);

   visit_commands[which](&w, call);
   vp_encoder_reset(&request);
   vp_check_commands[which].request(&request, 0, call);
   vp_arena_reset(&making);
}

static unsigned longer_arrays(size_t which, void *call)
{
   struct visit w = {.period = 1, .most = vp_encoder_size(&request)};
   visit_commands[which](&w, call);
   return w.longer;
}

static void try_request(size_t which, const uint8_t *data, size_t size, size_t at, uint64_t value, bool cut)
{
   largest = 0;
   const struct codec_call read = codec_read_request(data, size, &reading);
   const bool fits = largest <= MOST && (reading.used <= MOST || value < TOO_MANY);
   const unsigned longer = fits && read.call ? longer_arrays(which, read.call) : 0;

   if (!CHECK(fits) || !CHECK(!cut || !read.call) || !CHECK(!longer))
      printf("%s with %#llx at %zu of %zu%s: %s, %zu bytes at once and %zu in all, %u arrays too long\n",
             vp_check_commands[which].name, (unsigned long long)value, at, vp_encoder_size(&request),
             cut ? ", cut" : "", read.call ? "accepted" : read.error, largest, reading.used, longer);
   vp_arena_reset(&reading);
   refused += !read.call;
   accepted += read.call != NULL;
}

/* The value as a word, and as a number of two words. */
static void try_place(size_t which, size_t at, uint64_t value)
{
   const size_t size = vp_encoder_size(&request);

   for (unsigned width = 4; width <= 8 && at + width <= size; width += 4) {
      uint8_t *cut = malloc(at + width); /* of its exact size, for the address sanitizer */
      uint8_t kept[8];
      if (!cut)
         abort();
      memcpy(kept, request.start + at, width);
      memcpy(request.start + at, &value, width);
      memcpy(cut, request.start, at + width);
      if (at + width < size)
         try_request(which, cut, at + width, at, value, true);
      try_request(which, request.start, size, at, value, false);
      memcpy(request.start + at, kept, width);
      free(cut);
   }
}

/* Whether a word may be a count: in requests that are mostly numbers a small one, since each array has one element. */
static bool may_count(size_t at)
{
   uint32_t word;
   memcpy(&word, request.start + at, sizeof(word));
   return vp_encoder_size(&request) < MUCH || word < 4;
}

/* Counts of arrays that are not there at all, where somebody would read them. */
#define CHECK_ABSENT(NAME, ...)                                                            \
   do {                                                                                    \
      vp_encoder_reset(&request);                                                          \
      vp_request_##NAME(&request, 0, &(struct vp_cmd_##NAME){__VA_ARGS__});                \
      CHECK(!codec_read_request(request.start, vp_encoder_size(&request), &reading).call); \
      vp_arena_reset(&reading);                                                            \
   } while (0)

static void test_absent_arrays(void)
{
   struct vp_object object = {.id = 7};
   VkCommandBuffer commands = (VkCommandBuffer)(uintptr_t)&object;
   VkDevice device = (VkDevice)(uintptr_t)&object;
   const VkRenderPassBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
                                        .renderPass = (VkRenderPass)(uintptr_t)&object,
                                        .framebuffer = (VkFramebuffer)(uintptr_t)&object,
                                        .clearValueCount = UINT32_MAX};

   CHECK_ABSENT(vkFreeDescriptorSets, .device = device, .descriptorPool = (VkDescriptorPool)(uintptr_t)&object,
                .descriptorSetCount = UINT32_MAX);
   CHECK_ABSENT(vkFreeCommandBuffers, .device = device, .commandPool = (VkCommandPool)(uintptr_t)&object,
                .commandBufferCount = UINT32_MAX);
   CHECK_ABSENT(vkCmdDrawMultiEXT, .commandBuffer = commands, .drawCount = UINT32_MAX);
   CHECK_ABSENT(vkCmdDrawMultiIndexedEXT, .commandBuffer = commands, .drawCount = UINT32_MAX);
   CHECK_ABSENT(vkCmdBeginRenderPass, .commandBuffer = commands, .pRenderPassBegin = &begin);
}

int main(void)
{
   static const uint64_t values[] = {UINT32_MAX, TOO_MANY, 0x800000};
   size_t words = 0;

   vp_arena_init(&making, LIMIT);
   vp_arena_init(&reading, LIMIT);
   if (!vp_encoder_init(&request))
      abort();
   for (size_t i = 0; i < COMMANDS; i++) {
      for (uint32_t turn = 0; turn < 3; turn++) { /* a union has as many kinds */
         make_request(i, 1, turn);
         words += vp_encoder_size(&request) / 4;
         for (size_t at = HEAD; at < vp_encoder_size(&request); at += 4) {
            for (unsigned v = 0; may_count(at) && v < sizeof(values) / sizeof(*values); v++)
               try_place(i, at, values[v]);
         }
      }
   }
   test_absent_arrays();
   printf("%zu words; %u requests were refused, %u accepted\n", words, refused, accepted);
   CHECK(refused > 10000);
   vp_encoder_finish(&request);
   vp_arena_finish(&making);
   vp_arena_finish(&reading);
   return check_finish();
}
