/* SPDX-License-Identifier: MIT */
/* Several threads and the GPU change mapped memory in all ways that Vulkan allows, as fast as they can, and compare
 * every byte with a model of it.
 *
 * usage: memory_stress [SECONDS [SEED]]
 *
 * One large memory is mapped all the time. It is cut into chunks of random sizes, of which each belongs to one thread,
 * so that pages, and often words, have several owners. Some smaller memories are shared: whoever holds their lock maps,
 * uses and unmaps them, and uses them by the GPU while others map them. And every thread makes memories that live
 * shortly, are mapped before or after the GPU has written to them, and are freed while mapped.
 *
 * Exit status: 0 when all was as the models say, 1 otherwise, with the seed and the first bytes that differ. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#define THREADS 4
#define LARGE_SIZE (3 * 1024 * 1024 + 1237)
#define SHARED_COUNT 2
#define SHARED_SIZE (5 * 1024 * 1024 + 77)
#define MAX_CHUNKS 8192
#define MAX_CHUNK 5000
#define MAX_REGIONS 16
#define SOURCE_SIZE 65536 /* of the file that is read into mapped memory */
#define WAIT_NS (60ull * 1000 * 1000 * 1000)

struct chunk {
   uint32_t offset, size;
};

/* A buffer with a memory of its own. */
struct area {
   VkBuffer buffer;
   VkDeviceMemory memory;
   VkDeviceSize size; /* of the memory */
   uint8_t *map;      /* NULL: not mapped */
};

/* What all threads may use, one at a time. Its bytes belong to threads like those of the large memory do. */
struct shared {
   struct area area;
   pthread_mutex_t lock; /* of mapping and unmapping */
};

struct world {
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkDevice device;
   uint32_t visible_type, local_type;
   VkQueue queue;
   pthread_mutex_t queue_lock;
   struct area large;
   struct shared shared[SHARED_COUNT];
   int file; /* SOURCE_SIZE random bytes */
   uint8_t source[SOURCE_SIZE];
   uint64_t seed;
   atomic_bool stop;
   atomic_uint failures;
   atomic_ulong rounds, bytes_compared;
};

struct worker {
   struct world *world;
   unsigned index;
   uint64_t random;
   pthread_t thread;
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkFence fence;
   VkSemaphore timeline;
   uint64_t timeline_value;
   struct area hidden;                     /* memory that only the GPU sees, as large as the largest copy */
   struct chunk *chunks[1 + SHARED_COUNT]; /* own chunks of the large and the shared memories */
   unsigned chunk_counts[1 + SHARED_COUNT];
   uint8_t *models[1 + SHARED_COUNT]; /* only the bytes of own chunks are meant */
   uint8_t *before;                   /* an old state of the large memory's chunks, to go back to */
};

enum wait_kind { WAIT_FENCE, WAIT_FENCE_STATUS, WAIT_TIMELINE, WAIT_COUNTER, WAIT_QUEUE, WAIT_KINDS };

static _Noreturn void give_up(const char *what, VkResult result)
{
   fprintf(stderr, "memory_stress: %s: unexpected result %d\n", what, result);
   exit(1);
}

#define MUST(call)                   \
   do {                              \
      const VkResult must_ = (call); \
      if (must_ != VK_SUCCESS)       \
         give_up(#call, must_);      \
   } while (0)

static void *must_alloc(size_t size)
{
   void *p = calloc(1, size);
   if (!p)
      give_up("memory for the test", VK_ERROR_OUT_OF_HOST_MEMORY);
   return p;
}

/* --- random numbers (xorshift) --- */

static uint64_t next_random(uint64_t *state)
{
   *state ^= *state << 13;
   *state ^= *state >> 7;
   *state ^= *state << 17;
   return *state;
}

static uint32_t below(uint64_t *state, uint32_t limit)
{
   return (uint32_t)((next_random(state) >> 16) % limit);
}

static void random_bytes(uint64_t *state, uint8_t *bytes, size_t size)
{
   for (size_t i = 0; i < size; i++)
      bytes[i] = (uint8_t)(next_random(state) >> 24);
}

/* --- comparison --- */

static void compare(struct worker *w, const char *what, const uint8_t *expected, const uint8_t *actual, size_t size,
                    size_t offset)
{
   atomic_fetch_add(&w->world->bytes_compared, size);
   if (!memcmp(expected, actual, size))
      return;
   size_t first = 0, wrong = 0;
   while (expected[first] == actual[first])
      first++;
   for (size_t i = first; i < size; i++)
      wrong += expected[i] != actual[i];
   fprintf(
      stderr,
      "memory_stress: thread %u, seed %llu: %s: %zu of %zu bytes at %zu are wrong, the first at %zu: %#x instead of "
      "%#x\n",
      w->index, (unsigned long long)w->world->seed, what, wrong, size, offset, offset + first, actual[first],
      expected[first]);
   atomic_fetch_add(&w->world->failures, 1);
   atomic_store(&w->world->stop, true);
}

static void compare_chunks(struct worker *w, unsigned which, const uint8_t *map, const char *what)
{
   for (unsigned i = 0; i < w->chunk_counts[which]; i++) {
      const struct chunk *chunk = &w->chunks[which][i];
      compare(w, what, w->models[which] + chunk->offset, map + chunk->offset, chunk->size, chunk->offset);
   }
}

/* --- areas --- */

static void area_create(struct world *world, struct area *area, VkDeviceSize size, uint32_t type)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = size,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VkMemoryRequirements needs;
   MUST(vkCreateBuffer(world->device, &info, NULL, &area->buffer));
   vkGetBufferMemoryRequirements(world->device, area->buffer, &needs);
   if (!(needs.memoryTypeBits & 1u << type))
      give_up("the memory type cannot hold buffers", VK_ERROR_UNKNOWN);
   const VkMemoryAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = needs.size,
      .memoryTypeIndex = type,
   };
   MUST(vkAllocateMemory(world->device, &allocate, NULL, &area->memory));
   MUST(vkBindBufferMemory(world->device, area->buffer, area->memory, 0));
   area->size = needs.size;
   area->map = NULL;
}

static void area_map(struct world *world, struct area *area)
{
   MUST(vkMapMemory(world->device, area->memory, 0, VK_WHOLE_SIZE, 0, (void **)&area->map));
}

static void area_unmap(struct world *world, struct area *area)
{
   vkUnmapMemory(world->device, area->memory);
   area->map = NULL;
}

static void area_destroy(struct world *world, struct area *area)
{
   vkDestroyBuffer(world->device, area->buffer, NULL);
   vkFreeMemory(world->device, area->memory, NULL);
}

/* --- what the GPU does --- */

static void begin(struct worker *w)
{
   const VkCommandBufferBeginInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
   };
   MUST(vkBeginCommandBuffer(w->commands, &info));
}

static void barrier(struct worker *w)
{
   const VkMemoryBarrier all = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_READ_BIT,
   };
   vkCmdPipelineBarrier(w->commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &all, 0, NULL, 0, NULL);
}

static void submit(struct worker *w)
{
   const uint64_t value = ++w->timeline_value;
   const VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .signalSemaphoreValueCount = 1,
      .pSignalSemaphoreValues = &value,
   };
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = &values,
      .commandBufferCount = 1,
      .pCommandBuffers = &w->commands,
      .signalSemaphoreCount = 1,
      .pSignalSemaphores = &w->timeline,
   };
   MUST(vkEndCommandBuffer(w->commands));
   pthread_mutex_lock(&w->world->queue_lock);
   MUST(vkQueueSubmit(w->world->queue, 1, &info, w->fence));
   pthread_mutex_unlock(&w->world->queue_lock);
}

static int64_t now_ns(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void poll_until(struct worker *w, bool counter)
{
   const int64_t deadline = now_ns() + (int64_t)WAIT_NS;
   const struct timespec pause = {.tv_nsec = 50000};
   for (;;) {
      uint64_t value = 0;
      VkResult result = counter ? vkGetSemaphoreCounterValue(w->world->device, w->timeline, &value)
                                : vkGetFenceStatus(w->world->device, w->fence);
      if (counter && result == VK_SUCCESS && value < w->timeline_value)
         result = VK_NOT_READY;
      if (result == VK_SUCCESS)
         return;
      if (result != VK_NOT_READY || now_ns() > deadline)
         give_up("polling", result);
      nanosleep(&pause, NULL);
   }
}

/* In a random way. The fence is ready for the next submission afterwards. */
static void wait_done(struct worker *w)
{
   const VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &w->timeline,
      .pValues = &w->timeline_value,
   };
   switch ((enum wait_kind)below(&w->random, WAIT_KINDS)) {
   case WAIT_FENCE:
      MUST(vkWaitForFences(w->world->device, 1, &w->fence, VK_TRUE, WAIT_NS));
      break;
   case WAIT_FENCE_STATUS:
      poll_until(w, false);
      break;
   case WAIT_TIMELINE:
      MUST(vkWaitSemaphores(w->world->device, &info, WAIT_NS));
      break;
   case WAIT_COUNTER:
      poll_until(w, true);
      break;
   default:
      pthread_mutex_lock(&w->world->queue_lock);
      MUST(vkQueueWaitIdle(w->world->queue));
      pthread_mutex_unlock(&w->world->queue_lock);
      break;
   }
}

/* After what is to be seen has been compared: this wait must not help it. */
static void recycle(struct worker *w)
{
   MUST(vkWaitForFences(w->world->device, 1, &w->fence, VK_TRUE, WAIT_NS));
   MUST(vkResetFences(w->world->device, 1, &w->fence));
   MUST(vkResetCommandPool(w->world->device, w->pool, 0));
}

/* --- what the host does --- */

static void host_read_file(struct worker *w, uint8_t *to, uint8_t *model, uint32_t size)
{
   const uint32_t from = below(&w->random, SOURCE_SIZE - size);
   uint32_t done = 0;
   while (done < size) {
      const ssize_t n = pread(w->world->file, to + done, size - done, from + done);
      if (n <= 0)
         give_up("read(2) into mapped memory", VK_ERROR_UNKNOWN);
      done += (uint32_t)n;
   }
   memcpy(model, w->world->source + from, size);
}

/* One random change within a chunk, in memory and model alike. */
static void host_write(struct worker *w, unsigned which, uint8_t *map, const struct chunk *chunk)
{
   const uint32_t first = below(&w->random, chunk->size);
   const uint32_t size = 1 + below(&w->random, chunk->size - first);
   uint8_t *to = map + chunk->offset + first, *model = w->models[which] + chunk->offset + first;
   uint32_t counter;
   switch (below(&w->random, 6)) {
   case 0: /* a counter that goes up, and sometimes back to where it began */
      if (chunk->size < sizeof(counter))
         break;
      to = map + chunk->offset;
      memcpy(&counter, to, sizeof(counter));
      counter = below(&w->random, 4) ? counter + 1 : 0;
      memcpy(to, &counter, sizeof(counter));
      memcpy(w->models[which] + chunk->offset, &counter, sizeof(counter));
      break;
   case 1:
      host_read_file(w, to, model, size);
      break;
   case 2: /* what was there some time ago */
      if (which == 0) {
         memcpy(to, w->before + chunk->offset + first, size);
         memcpy(model, w->before + chunk->offset + first, size);
      }
      break;
   case 3:
      ++*model;
      memcpy(to, model, 1);
      break;
   case 4:
      memset(model, 0, size);
      memcpy(to, model, size);
      break;
   default:
      random_bytes(&w->random, model, size);
      memcpy(to, model, size);
   }
}

static const struct chunk *random_chunk(struct worker *w, unsigned which)
{
   return &w->chunks[which][below(&w->random, w->chunk_counts[which])];
}

/* --- rounds --- */

/* Copies between random own chunks, straight or by way of memory that the host does not see. The model learns it too.
 */
static void record_copies(struct worker *w, unsigned which, VkBuffer buffer)
{
   const unsigned count = 1 + below(&w->random, MAX_REGIONS);
   for (unsigned i = 0; i < count; i++) {
      const struct chunk *from = random_chunk(w, which), *to = random_chunk(w, which);
      if (from == to)
         continue;
      uint32_t size = from->size < to->size ? from->size : to->size;
      size = 1 + below(&w->random, size);
      const uint32_t source = from->offset + below(&w->random, from->size - size + 1);
      const uint32_t target = to->offset + below(&w->random, to->size - size + 1);
      if (below(&w->random, 2)) {
         vkCmdCopyBuffer(w->commands, buffer, buffer, 1, &(VkBufferCopy){source, target, size});
      } else {
         vkCmdCopyBuffer(w->commands, buffer, w->hidden.buffer, 1, &(VkBufferCopy){source, 3, size});
         barrier(w);
         vkCmdCopyBuffer(w->commands, w->hidden.buffer, buffer, 1, &(VkBufferCopy){3, target, size});
      }
      barrier(w);
      memcpy(w->models[which] + target, w->models[which] + source, size);
   }
}

/* The mapping that is there for ever. Half of the chunks are the GPU's in this round; the host goes on changing the
 * others while the GPU works. */
static void round_large(struct worker *w)
{
   struct world *world = w->world;
   struct chunk *all = w->chunks[0];
   const unsigned count = w->chunk_counts[0], gpu_count = 2 + below(&w->random, count - 4);
   const unsigned host_count = count - gpu_count;

   for (unsigned i = below(&w->random, 12); i > 0; i--)
      host_write(w, 0, world->large.map, &all[below(&w->random, count)]);
   w->chunk_counts[0] = gpu_count;
   begin(w);
   record_copies(w, 0, world->large.buffer);
   submit(w);
   for (unsigned i = below(&w->random, 40); i > 0; i--)
      host_write(w, 0, world->large.map, &all[gpu_count + below(&w->random, host_count)]);
   wait_done(w);
   w->chunk_counts[0] = count;
   compare_chunks(w, 0, world->large.map, "the large memory");
   recycle(w);
   if (below(&w->random, 8) == 0) {
      for (unsigned i = 0; i < count; i++)
         memcpy(w->before + all[i].offset, w->models[0] + all[i].offset, all[i].size);
   }
}

/* Maps the end of it only, and compares what belongs to us there. */
static void look_at_part(struct worker *w, unsigned which, struct area *area)
{
   const uint32_t offset = below(&w->random, SHARED_SIZE);
   void *part;
   MUST(vkMapMemory(w->world->device, area->memory, offset, VK_WHOLE_SIZE, 0, &part));
   for (unsigned i = 0; i < w->chunk_counts[which]; i++) {
      const struct chunk *chunk = &w->chunks[which][i];
      if (chunk->offset >= offset)
         compare(w, "a part of a shared memory", w->models[which] + chunk->offset,
                 (uint8_t *)part + (chunk->offset - offset), chunk->size, chunk->offset);
   }
   vkUnmapMemory(w->world->device, area->memory);
}

/* A memory that others map and unmap between our steps. */
static void round_shared(struct worker *w)
{
   const unsigned which = 1 + below(&w->random, SHARED_COUNT);
   struct shared *shared = &w->world->shared[which - 1];
   const bool everything = below(&w->random, 4) == 0; /* more than fits into one frame */

   pthread_mutex_lock(&shared->lock);
   look_at_part(w, which, &shared->area);
   area_map(w->world, &shared->area);
   uint8_t *map = shared->area.map;
   for (unsigned i = 0; i < w->chunk_counts[which] && everything; i++) {
      const struct chunk *chunk = &w->chunks[which][i];
      random_bytes(&w->random, w->models[which] + chunk->offset, chunk->size);
      memcpy(map + chunk->offset, w->models[which] + chunk->offset, chunk->size);
   }
   for (unsigned i = below(&w->random, 8); i > 0; i--)
      host_write(w, which, map, random_chunk(w, which));
   area_unmap(w->world, &shared->area);
   pthread_mutex_unlock(&shared->lock);

   begin(w);
   record_copies(w, which, shared->area.buffer);
   submit(w);
   wait_done(w);
   pthread_mutex_lock(&shared->lock);
   area_map(w->world, &shared->area);
   compare_chunks(w, which, shared->area.map, "a shared memory");
   area_unmap(w->world, &shared->area);
   pthread_mutex_unlock(&shared->lock);
   recycle(w);
}

/* Memory that is mapped before or after the GPU has written to it, and freed while it is mapped. */
static void round_short(struct worker *w)
{
   const uint32_t size = 1 + below(&w->random, below(&w->random, 2) ? 300 : 300000);
   const uint32_t part = 1 + below(&w->random, size), at = below(&w->random, size - part + 1);
   const bool early = below(&w->random, 2);
   uint8_t *model = must_alloc(size);
   struct area area, source;

   area_create(w->world, &area, size, w->world->visible_type);
   area_create(w->world, &source, size, w->world->visible_type);
   area_map(w->world, &source);
   random_bytes(&w->random, model, size);
   memcpy(source.map, model, size);
   if (early) {
      area_map(w->world, &area);
      random_bytes(&w->random, model, size);
      memcpy(area.map, model, size);
   }
   begin(w);
   if (!early)
      vkCmdCopyBuffer(w->commands, source.buffer, area.buffer, 1, &(VkBufferCopy){0, 0, size});
   barrier(w);
   vkCmdCopyBuffer(w->commands, source.buffer, area.buffer, 1, &(VkBufferCopy){at, at, part});
   barrier(w);
   submit(w);
   memcpy(model + (early ? at : 0), source.map + (early ? at : 0), early ? part : size);
   if (below(&w->random, 2) && !early)
      area_map(w->world, &area); /* while the GPU is at it */
   wait_done(w);
   if (!area.map)
      area_map(w->world, &area);
   compare(w, "a short-lived memory", model, area.map, size, 0);
   recycle(w);
   area_destroy(w->world, &source);
   area_destroy(w->world, &area);
   free(model);
}

static void *work(void *argument)
{
   struct worker *w = argument;
   while (!atomic_load(&w->world->stop)) {
      const uint32_t choice = below(&w->random, 8);
      if (choice < 5)
         round_large(w);
      else if (choice < 7)
         round_shared(w);
      else
         round_short(w);
      atomic_fetch_add(&w->world->rounds, 1);
   }
   return NULL;
}

/* --- set-up --- */

static uint32_t find_type(const VkPhysicalDeviceMemoryProperties *memory, VkMemoryPropertyFlags wanted)
{
   for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
      if ((memory->memoryTypes[i].propertyFlags & wanted) == wanted)
         return i;
   }
   give_up("no memory of the wanted kind", VK_ERROR_UNKNOWN);
}

static void world_create(struct world *world)
{
   const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = "memory_stress",
      .apiVersion = VK_API_VERSION_1_2,
   };
   const VkInstanceCreateInfo instance = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &application,
   };
   uint32_t count = 1;
   MUST(vkCreateInstance(&instance, NULL, &world->instance));
   const VkResult result = vkEnumeratePhysicalDevices(world->instance, &count, &world->gpu);
   if (result < 0 || count == 0)
      give_up("no GPU", result);
   const float priority = 1.0f;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1, /* of the first family: nobody has one there that cannot copy */
      .pQueuePriorities = &priority,
   };
   VkPhysicalDeviceVulkan12Features features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
      .timelineSemaphore = VK_TRUE,
   };
   const VkDeviceCreateInfo device = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &features,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
   };
   MUST(vkCreateDevice(world->gpu, &device, NULL, &world->device));
   vkGetDeviceQueue(world->device, 0, 0, &world->queue);
   VkPhysicalDeviceMemoryProperties memory;
   vkGetPhysicalDeviceMemoryProperties(world->gpu, &memory);
   world->visible_type = find_type(&memory, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
   world->local_type = find_type(&memory, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
}

static void world_fill(struct world *world, uint64_t *random)
{
   pthread_mutex_init(&world->queue_lock, NULL);
   area_create(world, &world->large, LARGE_SIZE, world->visible_type);
   area_map(world, &world->large);
   for (unsigned i = 0; i < SHARED_COUNT; i++) {
      pthread_mutex_init(&world->shared[i].lock, NULL);
      area_create(world, &world->shared[i].area, SHARED_SIZE, world->visible_type);
   }
   random_bytes(random, world->source, SOURCE_SIZE);
   world->file = memfd_create("memory_stress", MFD_CLOEXEC);
   if (world->file < 0 || pwrite(world->file, world->source, SOURCE_SIZE, 0) != SOURCE_SIZE)
      give_up("a file to read from", VK_ERROR_UNKNOWN);
}

/* Deals the bytes of a memory out to the threads. */
static void deal_chunks(struct worker workers[THREADS], unsigned which, uint32_t total, uint64_t *random)
{
   for (unsigned i = 0; i < THREADS; i++)
      workers[i].chunks[which] = must_alloc(MAX_CHUNKS * sizeof(struct chunk));
   for (uint32_t offset = 0; offset < total;) {
      struct worker *w = &workers[below(random, THREADS)];
      uint32_t size = 1 + below(random, below(random, 3) ? 24 : MAX_CHUNK);
      if (size > total - offset)
         size = total - offset;
      if (w->chunk_counts[which] == MAX_CHUNKS)
         give_up("too many chunks", VK_ERROR_UNKNOWN);
      w->chunks[which][w->chunk_counts[which]++] = (struct chunk){offset, size};
      offset += size;
   }
}

/* Brings own chunks and their models to the same random state. */
static void worker_fill(struct worker *w, unsigned which, uint8_t *map)
{
   for (unsigned i = 0; i < w->chunk_counts[which]; i++) {
      const struct chunk *chunk = &w->chunks[which][i];
      random_bytes(&w->random, w->models[which] + chunk->offset, chunk->size);
      memcpy(map + chunk->offset, w->models[which] + chunk->offset, chunk->size);
   }
}

static void worker_create(struct worker *w, struct world *world, unsigned index)
{
   const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   w->world = world;
   w->index = index;
   w->random = world->seed * 1000003 + index * UINT64_C(7919) + 1;
   MUST(vkCreateCommandPool(world->device, &pool, NULL, &w->pool));
   const VkCommandBufferAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = w->pool,
      .commandBufferCount = 1,
   };
   MUST(vkAllocateCommandBuffers(world->device, &allocate, &w->commands));
   MUST(vkCreateFence(world->device, &fence, NULL, &w->fence));
   MUST(vkCreateSemaphore(world->device, &semaphore, NULL, &w->timeline));
   area_create(world, &w->hidden, MAX_CHUNK + 3, world->local_type);
   for (unsigned which = 0; which <= SHARED_COUNT; which++)
      w->models[which] = must_alloc(which ? SHARED_SIZE : LARGE_SIZE);
   w->before = must_alloc(LARGE_SIZE);
   worker_fill(w, 0, world->large.map);
   for (unsigned i = 0; i < SHARED_COUNT; i++) {
      area_map(world, &world->shared[i].area);
      worker_fill(w, 1 + i, world->shared[i].area.map);
      area_unmap(world, &world->shared[i].area);
   }
}

static void worker_destroy(struct worker *w)
{
   const VkDevice device = w->world->device;
   area_destroy(w->world, &w->hidden);
   vkDestroySemaphore(device, w->timeline, NULL);
   vkDestroyFence(device, w->fence, NULL);
   vkDestroyCommandPool(device, w->pool, NULL);
   for (unsigned which = 0; which <= SHARED_COUNT; which++) {
      free(w->chunks[which]);
      free(w->models[which]);
   }
   free(w->before);
}

static void world_destroy(struct world *world)
{
   for (unsigned i = 0; i < SHARED_COUNT; i++)
      area_destroy(world, &world->shared[i].area);
   area_destroy(world, &world->large);
   close(world->file);
   vkDestroyDevice(world->device, NULL);
   vkDestroyInstance(world->instance, NULL);
}

static struct world world;
static struct worker workers[THREADS];

int main(int argc, char **argv)
{
   const unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10;
   world.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
   uint64_t random = world.seed * 2654435761u + 88172645463325252u;
   world_create(&world);
   world_fill(&world, &random);
   deal_chunks(workers, 0, LARGE_SIZE, &random);
   for (unsigned i = 0; i < SHARED_COUNT; i++)
      deal_chunks(workers, 1 + i, SHARED_SIZE, &random);
   for (unsigned i = 0; i < THREADS; i++)
      worker_create(&workers[i], &world, i);
   for (unsigned i = 0; i < THREADS; i++) {
      if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
         give_up("a thread", VK_ERROR_UNKNOWN);
   }
   const int64_t end = now_ns() + (int64_t)seconds * 1000000000;
   while (now_ns() < end && !atomic_load(&world.stop))
      nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
   atomic_store(&world.stop, true);
   for (unsigned i = 0; i < THREADS; i++)
      pthread_join(workers[i].thread, NULL);
   MUST(vkDeviceWaitIdle(world.device));
   for (unsigned i = 0; i < THREADS; i++)
      worker_destroy(&workers[i]);
   world_destroy(&world);
   printf("%lu rounds, %lu MiB compared, seed %llu\n", atomic_load(&world.rounds),
          atomic_load(&world.bytes_compared) >> 20, (unsigned long long)world.seed);
   return atomic_load(&world.failures) ? 1 : 0;
}
