/* SPDX-License-Identifier: MIT */
/* One memory of up to 4 GiB that is mapped all the time, of which a few places are used: windows, which are buffers of
 * the GPU and the host, and spots, to which only the host writes. What is between them must not cost memory. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

#define WINDOWS 12u
#define WINDOW_SIZE (96 * 1024 + 44u)
#define SPOTS 40u
#define SPOT_SIZE 100u
#define MAX_SIZE (UINT64_C(4) << 30)
#define MIN_SIZE (UINT64_C(64) << 20)
#define MIN_RSS_LIMIT (UINT64_C(192) << 20)

/* A buffer somewhere in the heap. */
struct window {
   VkBuffer buffer;
   VkDeviceSize offset;
   uint8_t *model;
};

struct spot {
   VkDeviceSize offset;
   uint8_t model[SPOT_SIZE];
};

struct heap {
   VkDeviceMemory memory;
   VkDeviceSize size;
   uint8_t *map;
   struct window windows[WINDOWS];
   struct spot spots[SPOTS];
   uint64_t rss_before; /* bytes */
};

/* --- rounds --- */

static uint64_t resident_bytes(const struct world *world)
{
   unsigned long size, resident;
   FILE *file = fopen("/proc/self/statm", "r");
   if (!file || fscanf(file, "%lu %lu", &size, &resident) != 2)
      give_up(world, "/proc/self/statm", -1);
   fclose(file);
   return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void check_memory_use(struct worker *w, const struct heap *heap)
{
   const uint64_t now = resident_bytes(w->world),
                  limit = heap->size / 4 > MIN_RSS_LIMIT ? heap->size / 4 : MIN_RSS_LIMIT;
   if (now > heap->rss_before + limit)
      report(w, "a sparse heap of %llu MiB, of which little is used, takes %llu MiB",
             (unsigned long long)heap->size >> 20, (unsigned long long)(now - heap->rss_before) >> 20);
}

static struct window *random_window(struct worker *w, struct heap *heap)
{
   return &heap->windows[below(&w->random, WINDOWS)];
}

static void change_places(struct worker *w, struct heap *heap)
{
   for (unsigned i = 1 + below(&w->random, 4); i > 0; i--) {
      struct window *window = random_window(w, heap);
      const uint32_t at = below(&w->random, WINDOW_SIZE), size = 1 + below(&w->random, WINDOW_SIZE - at);
      host_change(w, heap->map + window->offset + at, window->model + at, size);
   }
   for (unsigned i = below(&w->random, 4); i > 0; i--) {
      struct spot *spot = &heap->spots[below(&w->random, SPOTS)];
      host_change(w, heap->map + spot->offset, spot->model, SPOT_SIZE);
   }
}

static void record_copies(struct worker *w, struct heap *heap)
{
   for (unsigned i = 1 + below(&w->random, 6); i > 0; i--) {
      const struct window *from = random_window(w, heap), *to = random_window(w, heap);
      const uint32_t size = 1 + below(&w->random, WINDOW_SIZE);
      const uint32_t source = below(&w->random, WINDOW_SIZE - size + 1);
      const uint32_t target = below(&w->random, WINDOW_SIZE - size + 1);
      if (from == to)
         continue;
      gpu_copy(w, from->buffer, source, to->buffer, target, size);
      memcpy(to->model + target, from->model + source, size);
   }
}

static void compare_places(struct worker *w, const struct heap *heap)
{
   for (unsigned i = 0; i < WINDOWS; i++)
      compare(w, "a window of a sparse heap", heap->windows[i].model, heap->map + heap->windows[i].offset, WINDOW_SIZE,
              heap->windows[i].offset);
   for (unsigned i = 0; i < SPOTS; i++)
      compare(w, "a spot of a sparse heap", heap->spots[i].model, heap->map + heap->spots[i].offset, SPOT_SIZE,
              heap->spots[i].offset);
}

static void sparse_heap_round(struct worker *w)
{
   struct heap *heap = w->part_state;
   change_places(w, heap);
   gpu_begin(w);
   record_copies(w, heap);
   gpu_submit(w);
   gpu_wait(w);
   compare_places(w, heap);
   check_memory_use(w, heap);
   gpu_recycle(w);
}

/* --- set-up --- */

static VkDeviceSize wanted_size(const struct world *world, uint32_t type)
{
   const VkDeviceSize memory_size = world->memory.memoryHeaps[world->memory.memoryTypes[type].heapIndex].size;
   const VkDeviceSize available = (VkDeviceSize)sysconf(_SC_AVPHYS_PAGES) * (VkDeviceSize)sysconf(_SC_PAGESIZE);
   VkDeviceSize size = MAX_SIZE;
   if (size > memory_size - memory_size / 16)
      size = memory_size - memory_size / 16;
   if (size > world->max_allocation)
      size = world->max_allocation;
   if (size > available / 3) /* a software GPU may need it, a server and its copy */
      size = available / 3;
   return size / 65536 * 65536;
}

static void allocate(struct world *world, struct heap *heap, uint32_t type)
{
   VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
   for (heap->size = wanted_size(world, type); heap->size >= MIN_SIZE; heap->size /= 2) {
      const VkMemoryAllocateInfo info = {
         .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
         .allocationSize = heap->size,
         .memoryTypeIndex = type,
      };
      result = vkAllocateMemory(world->device, &info, NULL, &heap->memory);
      if (result == VK_SUCCESS)
         break;
   }
   if (result != VK_SUCCESS)
      give_up(world, "a large memory", result);
   printf("sparse-heap   %llu MiB\n", (unsigned long long)heap->size >> 20);
}

static VkMemoryRequirements create_buffers(struct world *world, struct heap *heap)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = WINDOW_SIZE,
      .usage = COPY_USAGE,
   };
   VkMemoryRequirements needs;
   for (unsigned i = 0; i < WINDOWS; i++)
      MUST(world, vkCreateBuffer(world->device, &info, NULL, &heap->windows[i].buffer));
   vkGetBufferMemoryRequirements(world->device, heap->windows[0].buffer, &needs);
   return needs;
}

/* A random multiple of the alignment in [begin, end). */
static VkDeviceSize random_offset(uint64_t *random, VkDeviceSize begin, VkDeviceSize end, VkDeviceSize alignment)
{
   return (begin + next_random(random) % (end - begin)) / alignment * alignment;
}

/* Windows in the first half of each twelfth, spots in the last quarters. */
static void place(struct world *world, struct heap *heap, const VkMemoryRequirements *needs, uint64_t *random)
{
   const VkDeviceSize twelfth = heap->size / WINDOWS / needs->alignment * needs->alignment;
   for (unsigned i = 0; i < WINDOWS; i++) {
      struct window *window = &heap->windows[i];
      window->offset = random_offset(random, i * twelfth, i * twelfth + twelfth / 2, needs->alignment);
      window->model = must_alloc(WINDOW_SIZE);
      MUST(world, vkBindBufferMemory(world->device, window->buffer, heap->memory, window->offset));
      random_bytes(random, window->model, WINDOW_SIZE);
      memcpy(heap->map + window->offset, window->model, WINDOW_SIZE);
   }
   for (unsigned i = 0; i < SPOTS; i++) {
      struct spot *spot = &heap->spots[i];
      const VkDeviceSize begin = i % WINDOWS * twelfth + twelfth * 3 / 4, step = twelfth / 20;
      spot->offset = random_offset(random, begin + i / WINDOWS * step, begin + (i / WINDOWS + 1) * step - SPOT_SIZE, 1);
      memcpy(heap->map + spot->offset, spot->model, SPOT_SIZE);
   }
}

static void *sparse_heap_create(struct world *world, uint64_t *random)
{
   struct heap *heap = must_alloc(sizeof(*heap));
   heap->rss_before = resident_bytes(world);
   const VkMemoryRequirements needs = create_buffers(world, heap);
   allocate(world, heap,
            find_memory_type(world, needs.memoryTypeBits,
                             VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT));
   MUST(world, vkMapMemory(world->device, heap->memory, 0, VK_WHOLE_SIZE, 0, (void **)&heap->map));
   place(world, heap, &needs, random);
   /* A driver may take long over a new memory of this size; that is not part of the rounds. */
   MUST(world, vkQueueSubmit(world->queue, 0, NULL, VK_NULL_HANDLE));
   MUST(world, vkQueueWaitIdle(world->queue));
   return heap;
}

static void sparse_heap_destroy(struct world *world, void *part_state)
{
   struct heap *heap = part_state;
   for (unsigned i = 0; i < WINDOWS; i++) {
      vkDestroyBuffer(world->device, heap->windows[i].buffer, NULL);
      free(heap->windows[i].model);
   }
   vkFreeMemory(world->device, heap->memory, NULL);
   free(heap);
}

const struct part part_sparse_heap = {
   .name = "sparse-heap",
   .threads = 1,
   .with_heap = true,
   .create = sparse_heap_create,
   .round = sparse_heap_round,
   .destroy = sparse_heap_destroy,
};
