/* SPDX-License-Identifier: MIT */
#ifndef VP_TOOLS_BENCH_H
#define VP_TOOLS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <vulkan/vulkan.h>

/* What the parts of venus-bench share. All of them write their results to standard output as JSON, and end the program
 * when anything fails. */

_Noreturn void bench_die(const char *what, long result);
void bench_check(VkResult result, const char *what);

#define VK(call) bench_check((call), #call)

/* Nanoseconds. */
double bench_now(clockid_t clock);

/* Sorts the values. */
double bench_median(double *values, unsigned count);

/* Bytes that the TCP connections of this process have carried so far, as the kernel counts them. */
struct bench_traffic {
   uint64_t sent, received;
};

struct bench_traffic bench_traffic(void);

/* The first GPU, and a device with one queue of family 0. */
struct bench_device {
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkPhysicalDeviceProperties properties;
   VkDevice device;
   VkQueue queue;
};

/* `features` is chained to what the device is created with; NULL: none but dynamic rendering. */
void bench_device_init(struct bench_device *device, void *features);
void bench_device_finish(struct bench_device *device);

/* A buffer with memory of its own. */
struct bench_buffer {
   VkBuffer buffer;
   VkDeviceMemory memory;
   uint32_t *data; /* NULL: not mapped */
};

/* In coherent memory of the host, if possible of a type with the flags `liked`; mapped. */
void bench_buffer_init_host(const struct bench_device *on, struct bench_buffer *buffer, size_t size,
                            VkBufferUsageFlags usage, VkMemoryPropertyFlags liked);
/* In the GPU's own memory. */
void bench_buffer_init_gpu(const struct bench_device *on, struct bench_buffer *buffer, size_t size,
                           VkBufferUsageFlags usage);
void bench_buffer_map(const struct bench_device *on, struct bench_buffer *buffer);
void bench_buffer_unmap(const struct bench_device *on, struct bench_buffer *buffer);
void bench_buffer_finish(const struct bench_device *on, struct bench_buffer *buffer);

/* The first memory type of `bits` that has all flags of `needed`, those of `liked` and none of `disliked`; if there is
 * none, the first with those of `needed`. */
uint32_t bench_memory_type(const struct bench_device *on, uint32_t bits, VkMemoryPropertyFlags needed,
                           VkMemoryPropertyFlags liked, VkMemoryPropertyFlags disliked);

/* A submission that can be under way. */
struct bench_slot {
   VkCommandBuffer commands;
   VkFence fence;
   bool submitted;
};

VkCommandPool bench_slots_init(const struct bench_device *on, struct bench_slot *slots, unsigned count);
void bench_slots_finish(const struct bench_device *on, VkCommandPool pool, struct bench_slot *slots, unsigned count);

/* A recording that sees what was written before, and whose writes the host sees. */
void bench_begin(const struct bench_slot *slot);
void bench_end(const struct bench_slot *slot);
void bench_submit(const struct bench_device *on, struct bench_slot *slot);
/* Does nothing when it was not submitted. */
void bench_wait(const struct bench_device *on, struct bench_slot *slot);

VkShaderModule bench_shader(const struct bench_device *on, const uint32_t *words, size_t size);

/* The benchmarks. */
void bench_record(void);
void bench_threads(void);
void bench_latency(void);
void bench_memory(const char *row, unsigned repetitions);
void bench_memory_list(void);

#endif
