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

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

/* Nanoseconds. */
double bench_now(clockid_t clock);

/* Sorts the values. */
double bench_median(double *values, unsigned count);

/* Bytes that the TCP connections of this process have carried so far, as the kernel counts them. */
struct bench_traffic {
   uint64_t sent, received;
};

struct bench_traffic bench_traffic(void);

/* Words that no codec makes smaller; other ones for each seed. */
void bench_noise(uint32_t *to, size_t words, uint32_t seed);
/* Small differences of the value are large ones of the result, as in the shaders. */
uint32_t bench_hash(uint32_t value);

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
void bench_submit_and_wait(const struct bench_device *on, struct bench_slot *slot);
/* Copies the bytes to the same place of the other buffer. */
void bench_record_copy(const struct bench_slot *slot, const struct bench_buffer *from, const struct bench_buffer *to,
                       size_t offset, size_t size);

VkShaderModule bench_shader(const struct bench_device *on, const uint32_t *words, size_t size);

/* What is done again and again, and its time taken: `prepare` first, if there is one, which does not count. */
struct bench_operation {
   void (*prepare)(void *user);
   void (*measure)(void *user);
   void *user;
};

/* Median of the nanoseconds, of all that are begun within `seconds` after some that do not count. */
double bench_typical(const struct bench_operation *operation, double seconds);

/* A picture that is drawn to, RGBA with 8 bits each. */
struct bench_target {
   uint32_t width, height, layers;
   VkImage image;
   VkDeviceMemory memory;
   VkImageView view;
};

void bench_target_init(const struct bench_device *on, struct bench_target *target, uint32_t width, uint32_t height,
                       uint32_t layers);
void bench_target_finish(const struct bench_device *on, struct bench_target *target);
/* Clears it and begins rendering; all layers are views. */
void bench_target_begin(const struct bench_slot *slot, const struct bench_target *target);
void bench_target_end(const struct bench_slot *slot);
/* The upper left part of the first layer. */
void bench_target_copy(const struct bench_slot *slot, const struct bench_target *target, VkBuffer to, uint32_t width,
                       uint32_t height);

/* Push constants of all shaders that draw. */
struct bench_push {
   float place[4]; /* a corner of the triangle, and where the other two are from there */
   uint32_t round;
};

/* Pipelines that draw one triangle to the target with bench_draw.vert. */
struct bench_drawing {
   const struct bench_target *target;
   VkPipelineLayout layout;
   VkShaderModule vertex, fragment;
   VkBool32 from_set; /* constant 0 of the vertex shader */
   uint32_t seed;     /* constant 0 of the fragment shader */
};

void bench_drawing_init(const struct bench_device *on, struct bench_drawing *drawing, const struct bench_target *target,
                        VkPipelineLayout layout, const uint32_t *fragment, size_t fragment_size);
void bench_drawing_finish(const struct bench_device *on, struct bench_drawing *drawing);
VkPipeline bench_drawing_pipeline(const struct bench_device *on, const struct bench_drawing *drawing);

/* Sets that bind buffers from 0 on, and a layout that has such a set and push constants. */
struct bench_set {
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkDescriptorPool pool;
   VkDescriptorType type;
   uint32_t buffers; /* of a set */
};

#define BENCH_SET_BUFFERS 2 /* at most */

/* For so many sets. The range of push constants says also which shaders see the buffers. */
void bench_set_init(const struct bench_device *on, struct bench_set *set, VkDescriptorType type, uint32_t buffers,
                    uint32_t count, VkPushConstantRange push);
/* With as many buffers as were said. */
VkDescriptorSet bench_set_new(const struct bench_device *on, const struct bench_set *set,
                              const VkDescriptorBufferInfo *buffers);
void bench_set_finish(const struct bench_device *on, struct bench_set *set);
VkPipeline bench_compute_pipeline(const struct bench_device *on, VkPipelineCreateFlags flags, VkPipelineLayout layout,
                                  VkShaderModule module, uint32_t seed);

/* A row of the rows that a benchmark has. */
struct bench_row {
   const char *name;
   void (*run)(double seconds);
};

/* False when there is no such row. */
bool bench_run_row(const struct bench_row *rows, size_t count, const char *name, double seconds);

/* The benchmarks. */
void bench_record(void);
void bench_threads(void);
void bench_latency(void);
void bench_memory(const char *row, unsigned repetitions);
void bench_memory_list(void);
/* A row of `venus-bench gpu`; false when there is no such row. */
bool bench_gpu(const char *row, double seconds);
bool bench_frames(const char *row, double seconds);
bool bench_pipelines(const char *row, double seconds);
void bench_tcp_listen(void);
void bench_tcp(const char *address);

#endif
