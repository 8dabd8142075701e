/* SPDX-License-Identifier: MIT */
#ifndef MEMORY_STRESS_H
#define MEMORY_STRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <vulkan/vulkan.h>

/* The parts of memory_stress and what they share; main.c says how they are run. */

#define WAIT_NS (60ull * 1000 * 1000 * 1000)

/* What the whole program has. */
struct world {
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkDevice device;
   VkPhysicalDeviceMemoryProperties memory;
   VkDeviceSize max_allocation;
   VkDeviceSize storage_alignment; /* of a storage buffer's offset */
   VkDeviceSize texel_alignment;   /* of a texel buffer's offset */
   bool has_timestamps, has_address, has_update_after_bind, has_push_descriptors;
   VkQueue queue;
   pthread_mutex_t queue_lock;
   pthread_mutex_t query_lock; /* of what uses queries, and of what waits for the GPU to set an event: to a software GPU
                                * asking for the results of queries means waiting for all that was submitted */
   uint64_t seed;
   bool kernel_writes;  /* read(2) and its like into mapped memory */
   bool blocked_faults; /* threads that block all signals block SIGSEGV and SIGBUS too */
   unsigned seconds;
   atomic_bool stop;
   atomic_uint failures;
   atomic_ulong bytes_compared;
};

/* A way to get bytes into mapped memory through the kernel needs something that it reads them from. */
struct kernel_sources {
   int file, pipe[2], socket[2];
};

/* A thread of a part. */
struct worker {
   struct world *world;
   const struct part *part;
   unsigned index;   /* among the part's threads */
   uint64_t random;  /* state of its random numbers */
   void *part_state; /* what the part's create function returned */
   unsigned long rounds;
   pthread_t thread;
   VkCommandPool pool;
   VkCommandBuffer primary, secondary, commands; /* the last: that of the two that is recorded */
   VkFence fence;
   VkSemaphore timeline;
   uint64_t timeline_value;
   struct kernel_sources sources;
};

/* One kind of use. `create` makes what its threads share, on the main thread; `round` is called by each of them again
 * and again; `destroy` comes when the GPU is idle. */
struct part {
   const char *name;
   unsigned threads;
   bool with_heap;                                  /* belongs to the second half, with the sparse heap */
   const char *(*lacks)(const struct world *world); /* what the GPU has not, or NULL; may be NULL itself */
   void *(*create)(struct world *world, uint64_t *random);
   void (*round)(struct worker *w);
   void (*destroy)(struct world *world, void *part_state);
};

extern const struct part part_chunks, part_short_lived, part_remap, part_counters, part_storage, part_address,
   part_late_binding, part_dynamic_offset, part_copied_descriptor, part_pushed_descriptor, part_texels, part_commands,
   part_linear_image, part_host_signals, part_fork, part_faults, part_sparse_heap;

/* --- util.c --- */

/* The test cannot go on. */
_Noreturn void give_up(const struct world *world, const char *what, int result);

#define MUST(world, call)                   \
   do {                                     \
      const VkResult must_ = (call);        \
      if (must_ != VK_SUCCESS)              \
         give_up(world, #call, (int)must_); \
   } while (0)

/* Zeros. */
void *must_alloc(size_t size);

uint64_t next_random(uint64_t *state);
uint32_t below(uint64_t *state, uint32_t limit);
bool one_in(uint64_t *state, uint32_t n);
void random_bytes(uint64_t *state, uint8_t *bytes, size_t size);

int64_t now_ns(void);
void pause_ns(long ns);

/* Counts a failure, says seed, thread and what (of the first few), and ends the test. */
void report(struct worker *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Looks whether `size` bytes are what they should be; `offset` is where they lie, for the message. */
void compare(struct worker *w, const char *what, const uint8_t *expected, const uint8_t *actual, size_t size,
             size_t offset);

/* --- host_write.c --- */

void kernel_sources_init(struct world *world, struct kernel_sources *sources);
void kernel_sources_finish(struct kernel_sources *sources);

/* Copies to mapped memory in one of many ways: with stores of all sizes, or by the kernel. */
void host_store(struct worker *w, uint8_t *to, const uint8_t *from, size_t size);

/* Random bytes, zeros, or one byte that is different: into the model, and from there into the memory. */
void host_change(struct worker *w, uint8_t *to, uint8_t *model, size_t size);

/* --- gpu.c --- */

void world_create(struct world *world);
void world_destroy(struct world *world);
void worker_create_gpu(struct worker *w);
void worker_destroy_gpu(struct worker *w);

/* A buffer with a memory of its own. */
struct area {
   VkBuffer buffer;
   VkDeviceMemory memory;
   VkDeviceSize size; /* of the memory */
   uint8_t *map;      /* NULL: not mapped */
};

#define COPY_USAGE (VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT)

/* The first memory type among those bits that has the properties. */
uint32_t find_memory_type(const struct world *world, uint32_t bits, VkMemoryPropertyFlags wanted);

void area_create(struct world *world, struct area *area, VkDeviceSize size, VkBufferUsageFlags usage, bool visible);
void area_map(struct world *world, struct area *area);
void area_unmap(struct world *world, struct area *area);
void area_destroy(struct world *world, struct area *area);

/* An area that is mapped all the time, with a model of its content, which is random to begin with. */
struct mirror {
   struct area area;
   uint8_t *model;
   uint32_t size;
};

void mirror_create(struct world *world, struct mirror *mirror, uint32_t size, VkBufferUsageFlags usage,
                   uint64_t *random);
void mirror_destroy(struct world *world, struct mirror *mirror);
void mirror_compare(struct worker *w, const struct mirror *mirror, const char *what);
/* A few random changes by the host within [offset, offset + size). */
void mirror_change(struct worker *w, struct mirror *mirror, uint32_t offset, uint32_t size);

/* Recording goes to w->commands, often a secondary command buffer. */
void gpu_begin(struct worker *w);
/* All that the GPU did so far comes before all that it does after; the host sees it when the GPU is done. */
void gpu_barrier(struct worker *w);
void gpu_copy(struct worker *w, VkBuffer from, VkDeviceSize source, VkBuffer to, VkDeviceSize target,
              VkDeviceSize size);
void gpu_submit(struct worker *w);
/* The submission waits until the host signals that value. */
void gpu_submit_after(struct worker *w, VkSemaphore semaphore, uint64_t value);
/* In a random way. */
void gpu_wait(struct worker *w);
/* After what is to be seen has been compared: this wait must not help it. Ready for gpu_begin afterwards. */
void gpu_recycle(struct worker *w);

/* --- program.c --- */

enum program_kind {
   PROGRAM_DESCRIPTOR,
   PROGRAM_ADDRESS, /* of the buffer */
   PROGRAM_LATE,    /* the descriptor is written after the recording */
   PROGRAM_DYNAMIC, /* it is moved when it is bound */
   PROGRAM_COPIED,  /* it is copied from another set */
   PROGRAM_PUSHED,  /* it is recorded */
   PROGRAM_TEXELS,  /* of a texel buffer, which is written as an image */
};

/* What a dispatch does to 32-bit words of its target: sets them to `value` plus a multiple of a number, or adds it. */
struct program_write {
   uint32_t first, step, count, add, value;
};

/* A compute shader for one thread, and what it writes to. */
struct program {
   enum program_kind kind;
   VkDescriptorSetLayout set_layout;
   VkDescriptorPool pool;
   VkDescriptorSet set, other; /* the other is copied from */
   VkPipelineLayout layout;
   VkPipeline pipeline;
   VkDeviceAddress address;
   VkBuffer buffer; /* of the target, where it is said when recording */
   VkDeviceSize offset, size;
   VkBufferView view;
   PFN_vkCmdPushDescriptorSetKHR push;
};

void program_create(struct world *world, struct program *program, enum program_kind kind);
void program_destroy(struct world *world, struct program *program);
/* A part of a buffer. Before program_record, except PROGRAM_LATE: after it and before the
 * submission. */
void program_set_target(struct world *world, struct program *program, VkBuffer buffer, VkDeviceSize offset,
                        VkDeviceSize size);
void program_record(struct worker *w, const struct program *program, const struct program_write *writes,
                    unsigned count);
/* What the program does, to words at `model`. */
void program_model(uint8_t *model, const struct program_write *write);

/* --- faults.c --- */

/* Before anything of Vulkan: the application's handlers that are there before the driver's. */
void faults_install_first(void);
/* In a child: mapped memory that is not there ends it with this status. */
#define CHILD_WITHOUT_MEMORY 4
void faults_in_child(void);

#endif
