/* SPDX-License-Identifier: MIT */

/* venus-bench gpu: rows of tools/bench_gpu in which nothing is drawn. Each prints lines of a name and a number. */

#include <stdio.h>
#include <stdlib.h>

#include "tools/bench.h"

/* --- work that is seen to be done --- */

/* Words of mapped memory that the GPU writes. */
struct work {
   struct bench_device on;
   VkCommandPool pool;
   struct bench_slot *slots;
   unsigned count;
   struct bench_buffer words;
   uint32_t value;
};

static void work_init(struct work *work, struct bench_slot *slots, unsigned count)
{
   work->slots = slots;
   work->count = count;
   work->pool = bench_slots_init(&work->on, slots, count);
   bench_buffer_init_host(&work->on, &work->words, count * sizeof(uint32_t), VK_BUFFER_USAGE_TRANSFER_DST_BIT, 0);
}

static void work_finish(struct work *work)
{
   bench_buffer_finish(&work->on, &work->words);
   bench_slots_finish(&work->on, work->pool, work->slots, work->count);
   bench_device_finish(&work->on);
}

/* Each slot writes its word. */
static void record_words(void *user)
{
   struct work *work = user;

   work->value++;
   for (unsigned i = 0; i < work->count; i++) {
      bench_begin(&work->slots[i]);
      vkCmdFillBuffer(work->slots[i].commands, work->words.buffer, i * sizeof(uint32_t), sizeof(uint32_t), work->value);
      bench_end(&work->slots[i]);
   }
}

/* One submission for each, and one wait for all. */
static void write_words(void *user)
{
   struct work *work = user;
   struct bench_slot *last = &work->slots[work->count - 1];

   for (unsigned i = 0; i + 1 < work->count; i++) {
      const VkSubmitInfo info = {
         .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &work->slots[i].commands};
      VK(vkQueueSubmit(work->on.queue, 1, &info, VK_NULL_HANDLE));
   }
   bench_submit_and_wait(&work->on, last);
   for (unsigned i = 0; i < work->count; i++) {
      if (work->words.data[i] != work->value)
         bench_die("reading what the GPU wrote", (long)work->words.data[i]);
   }
}

/* --- the rows --- */

static void start(double seconds)
{
   struct work work = {0};
   struct bench_slot slot;

   (void)seconds;
   const double begin = bench_now(CLOCK_MONOTONIC);
   bench_device_init(&work.on, NULL);
   const double device = bench_now(CLOCK_MONOTONIC);
   work_init(&work, &slot, 1);
   record_words(&work);
   write_words(&work);
   const double result = bench_now(CLOCK_MONOTONIC);
   printf("device_ns %.0f\nresult_ns %.0f\ndevice %s\n", device - begin, result - begin, work.on.properties.deviceName);
   work_finish(&work);
}

#define SUBMISSIONS 16

static void submissions(double seconds)
{
   struct work work = {0};
   struct bench_slot slots[SUBMISSIONS];

   bench_device_init(&work.on, NULL);
   work_init(&work, slots, SUBMISSIONS);
   printf("ns %.0f\n", bench_typical(&(struct bench_operation){record_words, write_words, &work}, seconds));
   work_finish(&work);
}

#define AHEAD_NS 0.15e9
#define AHEAD_SIZE (64 * KIB)
#define AHEAD_COUNT 32768 /* 2 GiB */

static void ahead(double seconds)
{
   static VkDeviceMemory memory[AHEAD_COUNT];
   struct work work = {0};
   struct bench_slot slot;
   unsigned count = 0;

   (void)seconds;
   bench_device_init(&work.on, NULL);
   work_init(&work, &slot, 1);
   record_words(&work);
   write_words(&work);
   record_words(&work);
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = AHEAD_SIZE,
      .memoryTypeIndex = bench_memory_type(&work.on, UINT32_MAX, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0,
                                           VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT),
   };
   const unsigned limit = work.on.properties.limits.maxMemoryAllocationCount - 8;
   const double end = bench_now(CLOCK_MONOTONIC) + AHEAD_NS;
   while (count < AHEAD_COUNT && count < limit && bench_now(CLOCK_MONOTONIC) < end)
      VK(vkAllocateMemory(work.on.device, &info, NULL, &memory[count++]));
   const double begin = bench_now(CLOCK_MONOTONIC);
   write_words(&work);
   printf("ns %.0f\ncount %u\n", bench_now(CLOCK_MONOTONIC) - begin, count);
   for (unsigned i = 0; i < count; i++)
      vkFreeMemory(work.on.device, memory[i], NULL);
   work_finish(&work);
}

#define LARGE_BUFFER (300 * MIB) /* drivers prefer memory of their own for such ones */

static const VkBufferUsageFlags all_usages =
   VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |
   VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
   VK_BUFFER_USAGE_INDEX_BUFFER_BIT | VK_BUFFER_USAGE_VERTEX_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT |
   VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;

static void one_buffer(const struct bench_device *on, size_t size, VkBufferUsageFlags usage)
{
   struct bench_buffer buffer;

   bench_buffer_init_gpu(on, &buffer, size, usage);
   if (usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT) {
      const VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                              .buffer = buffer.buffer};
      if (!vkGetBufferDeviceAddress(on->device, &info))
         bench_die("vkGetBufferDeviceAddress", (long)size);
   }
   bench_buffer_finish(on, &buffer);
}

/* Without memory: whether that waits is another matter. */
static void large_buffer(const struct bench_device *on, VkBufferUsageFlags usage)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = LARGE_BUFFER, .usage = usage};
   VkMemoryRequirements requirements;
   VkBuffer buffer;

   VK(vkCreateBuffer(on->device, &info, NULL, &buffer));
   vkGetBufferMemoryRequirements(on->device, buffer, &requirements);
   if (requirements.size < LARGE_BUFFER)
      bench_die("vkGetBufferMemoryRequirements", (long)requirements.size);
   vkDestroyBuffer(on->device, buffer, NULL);
}

/* Gives how many there are. */
static unsigned buffers_of_usage(const struct bench_device *on, VkBufferUsageFlags usage)
{
   static const size_t sizes[] = {256, 64 * KIB, 5 * MIB};
   const size_t count = sizeof(sizes) / sizeof(sizes[0]);

   for (size_t i = 0; i < count; i++)
      one_buffer(on, sizes[i], usage);
   large_buffer(on, usage);
   return (unsigned)count + 1;
}

static void init_for_buffers(struct bench_device *on)
{
   VkPhysicalDeviceVulkan12Features features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                                                .bufferDeviceAddress = VK_TRUE};
   bench_device_init(on, &features);
}

/* With each usage, with each and a device address, and with all of them; the driver's counters are asked for the rest.
 */
static void buffers(double seconds)
{
   const VkBufferUsageFlags address = VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
   struct bench_device on;
   unsigned count = 0;

   (void)seconds;
   init_for_buffers(&on);
   const double begin = bench_now(CLOCK_MONOTONIC);
   for (VkBufferUsageFlags bit = 1; bit < address; bit <<= 1) {
      if (all_usages & bit)
         count += buffers_of_usage(&on, bit) + buffers_of_usage(&on, bit | address);
   }
   count += buffers_of_usage(&on, all_usages);
   printf("ns %.0f\ncount %u\n", (bench_now(CLOCK_MONOTONIC) - begin) / count, count);
   bench_device_finish(&on);
}

/* What `buffers` does without any. */
static void no_buffers(double seconds)
{
   struct bench_device on;

   (void)seconds;
   init_for_buffers(&on);
   bench_device_finish(&on);
}

#define FLUSHES 64

static VkDeviceSize down_to(VkDeviceSize size, VkDeviceSize atom)
{
   return size / atom * atom;
}

/* Writes something and flushes two thirds of the memory at its end and two thirds at its beginning, again and again. */
static void flush_overlapping(const struct bench_device *on, uint32_t type, VkDeviceSize size)
{
   const VkDeviceSize atom = on->properties.limits.nonCoherentAtomSize, most = down_to(size * 2 / 3, atom);
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = size, .memoryTypeIndex = type};
   VkMappedMemoryRange ranges[2] = {{.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .size = VK_WHOLE_SIZE},
                                    {.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .size = VK_WHOLE_SIZE}};
   void *data;

   VK(vkAllocateMemory(on->device, &info, NULL, &ranges[0].memory));
   VK(vkMapMemory(on->device, ranges[0].memory, 0, VK_WHOLE_SIZE, 0, &data));
   ranges[0].offset = down_to(size / 3, atom);
   ranges[1].memory = ranges[0].memory;
   if (most)
      ranges[1].size = most;
   for (VkDeviceSize i = 0; i < FLUSHES; i++) {
      ((uint8_t *)data)[i * size / FLUSHES] = (uint8_t)i;
      VK(vkFlushMappedMemoryRanges(on->device, 2, ranges));
      VK(vkInvalidateMappedMemoryRanges(on->device, 2, ranges));
   }
   vkFreeMemory(on->device, ranges[0].memory, NULL);
}

/* Until the GPU has done something that comes later. */
static void flush_all_types(void *user)
{
   static const VkDeviceSize sizes[] = {33, 257, 4087, 8095, MIB + 1, 64 * MIB};
   struct work *work = user;
   VkPhysicalDeviceMemoryProperties properties;

   vkGetPhysicalDeviceMemoryProperties(work->on.gpu, &properties);
   for (uint32_t type = 0; type < properties.memoryTypeCount; type++) {
      if (!(properties.memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
         continue;
      for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
         flush_overlapping(&work->on, type, sizes[i]);
   }
   write_words(work);
}

static void flushes(double seconds)
{
   struct work work = {0};
   struct bench_slot slot;

   bench_device_init(&work.on, NULL);
   work_init(&work, &slot, 1);
   printf("ns %.0f\n", bench_typical(&(struct bench_operation){record_words, flush_all_types, &work}, seconds));
   work_finish(&work);
}

/* --- what mapped memory takes --- */

#define USED_SIZE (256 * MIB)
#define UNTOUCHED_SIZE ((size_t)1 << 30)
#define USED_ROUNDS 4

/* Whoever started us looks at how much memory is in use, and then says that we can go on. */
static void let_look(const char *when)
{
   char line[16];

   printf("%s\n", when);
   fflush(stdout);
   if (!fgets(line, sizeof(line), stdin))
      exit(0);
}

/* New data up, and other data down. */
static void use_all(struct work *work, const struct bench_buffer *host, const struct bench_buffer *gpu, uint32_t round)
{
   struct bench_slot *slot = &work->slots[0];

   bench_noise(host->data, USED_SIZE / 4, round);
   bench_record_copy(slot, host, gpu, 0, USED_SIZE);
   bench_submit_and_wait(&work->on, slot);
   bench_begin(slot);
   vkCmdFillBuffer(slot->commands, host->buffer, 0, USED_SIZE, round);
   bench_end(slot);
   bench_submit_and_wait(&work->on, slot);
   if (host->data[USED_SIZE / 4 - 1] != round)
      bench_die("reading what the GPU wrote", (long)round);
}

static void memory_used(double seconds)
{
   struct work work = {0};
   struct bench_slot slot;
   struct bench_buffer host, gpu;

   (void)seconds;
   bench_device_init(&work.on, NULL);
   work_init(&work, &slot, 1);
   record_words(&work);
   write_words(&work);
   let_look("before");
   bench_buffer_init_gpu(&work.on, &gpu, USED_SIZE, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   bench_buffer_init_host(&work.on, &host, USED_SIZE,
                          VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                          VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   for (uint32_t i = 1; i <= USED_ROUNDS; i++)
      use_all(&work, &host, &gpu, i);
   let_look("after");
   bench_buffer_finish(&work.on, &host);
   bench_buffer_finish(&work.on, &gpu);
   work_finish(&work);
}

static void memory_untouched(double seconds)
{
   struct work work = {0};
   struct bench_slot slot;
   struct bench_buffer host;

   (void)seconds;
   bench_device_init(&work.on, NULL);
   work_init(&work, &slot, 1);
   record_words(&work);
   write_words(&work);
   let_look("before");
   bench_buffer_init_host(&work.on, &host, UNTOUCHED_SIZE, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, 0);
   for (int i = 0; i < 16; i++) {
      record_words(&work);
      write_words(&work);
   }
   let_look("after");
   bench_buffer_finish(&work.on, &host);
   work_finish(&work);
}

bool bench_gpu(const char *row, double seconds)
{
   static const struct bench_row rows[] = {
      {"start", start},
      {"submissions", submissions},
      {"ahead", ahead},
      {"buffers", buffers},
      {"no-buffers", no_buffers},
      {"flushes", flushes},
      {"memory-used", memory_used},
      {"memory-untouched", memory_untouched},
   };
   return bench_run_row(rows, sizeof(rows) / sizeof(rows[0]), row, seconds);
}
