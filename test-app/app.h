/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_APP_H
#define VP_TEST_APP_APP_H

/* What the phases share: options, checks, a ready-made device, buffers, images and one-shot commands.
 *
 * A phase is a function that makes Vulkan calls and checks what came of them. A failed check is counted and printed
 * with its place; the phase goes on or, where nothing sensible can follow, jumps to its label `done` and cleans up. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#define APP_MAX_FAMILIES 16
#define APP_MAX_QUEUES 8
#define APP_MAX_GPUS 16
#define APP_WAIT_NS (60ull * 1000 * 1000 * 1000) /* a wait that takes longer than this has failed */
#define APP_COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct app_options {
   const char *gpu; /* index or part of the name, NULL: the first */
   const char *out; /* directory for pictures */
   uint32_t frames;
   uint32_t width;
   uint32_t height;
};

/* One run of one phase. The counters may be used from several threads. */
struct app_test {
   const struct app_options *options;
   const char *name;
   atomic_uint passed;
   atomic_uint failed;
   bool skipped; /* the GPU has nothing of what the phase tries */
};

struct app_phase {
   const char *name;
   const char *title;
   void (*run)(struct app_test *t);
};

/* In order; the phase's number is its index plus one. */
#define APP_PHASES 11
extern const struct app_phase app_phases[APP_PHASES];

void phase_network(struct app_test *t);
void phase_instance(struct app_test *t);
void phase_device(struct app_test *t);
void phase_resources(struct app_test *t);
void phase_recording(struct app_test *t);
void phase_submission(struct app_test *t);
void phase_execution(struct app_test *t);
void phase_memory(struct app_test *t);
void phase_compute(struct app_test *t);
void phase_graphics(struct app_test *t);
void phase_modern(struct app_test *t);

/* Checks. Each gives true when it held, counts itself, and prints file, line and values when it did not.
 * The TRY forms go to the label `done` of the enclosing function when the check failed. */
#define CHECK(t, condition)                                                                              \
   ((condition) ? app_check((t), true, __FILE__, __LINE__, #condition) || true /* for static analysis */ \
                : app_check((t), false, __FILE__, __LINE__, #condition) && false)
#define CHECK_EQ(t, expected, actual) \
   app_check_equal((t), (uint64_t)(expected), (uint64_t)(actual), __FILE__, __LINE__, #actual)
#define VK_EXPECT(t, expected, call) app_check_result((t), (expected), (call), __FILE__, __LINE__, #call)
#define VK_CHECK(t, call) VK_EXPECT(t, VK_SUCCESS, call)
#define TRY(t, condition)       \
   do {                         \
      if (!CHECK(t, condition)) \
         goto done;             \
   } while (0)
#define VK_TRY(t, call)       \
   do {                       \
      if (!VK_CHECK(t, call)) \
         goto done;           \
   } while (0)

bool app_check(struct app_test *t, bool condition, const char *file, int line, const char *text);
bool app_check_equal(struct app_test *t, uint64_t expected, uint64_t actual, const char *file, int line,
                     const char *text);
bool app_check_result(struct app_test *t, VkResult expected, VkResult result, const char *file, int line,
                      const char *text);

/* Compares two byte ranges completely; prints the first byte that differs and how many do. */
#define CHECK_BYTES(t, expected, actual, size) \
   app_check_bytes((t), (expected), (actual), (size), __FILE__, __LINE__, #actual)
bool app_check_bytes(struct app_test *t, const void *expected, const void *actual, size_t size, const char *file,
                     int line, const char *text);

/* Says something that a reader of the results should know, such as what the device cannot do. */
void app_note(struct app_test *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

const char *app_result_name(VkResult result);

struct app_queue {
   VkQueue handle;
   uint32_t family;
   VkQueueFlags flags;
   uint32_t timestamp_bits;
};

/* An instance, a physical device and a device with all that the phases use. queues[0] does compute, and graphics where
 * the device has it. `pool` belongs to the family of queues[0] and to the thread that made the context. */
struct app_context {
   struct app_test *test;
   VkInstance instance;
   VkPhysicalDevice physical;
   VkDevice device;
   uint32_t api; /* the lower one of the instance's and the device's version */
   VkPhysicalDeviceProperties properties;
   VkPhysicalDeviceFeatures features; /* supported; enabled are the few the phases need */
   VkPhysicalDeviceMemoryProperties memory;
   uint32_t family_count; /* families that have a queue in `queues` */
   uint32_t families[APP_MAX_FAMILIES];
   uint32_t queue_count;
   struct app_queue queues[APP_MAX_QUEUES];
   bool has_timeline;
   bool has_host_query_reset;
   bool has_sync2;
   bool has_dynamic_rendering;
   bool has_private_data;
   VkCommandPool pool;
};

/* An instance of the highest version up to 1.3 that the loader has. Counts a failed check when it cannot. */
bool app_instance_create(struct app_test *t, VkInstance *instance, uint32_t *api);
/* The physical device that --gpu names. */
bool app_gpu_pick(struct app_test *t, VkInstance instance, VkPhysicalDevice *physical);
/* Both are safe on a zeroed context; destroy also on one that create gave up half-way. */
bool app_context_create(struct app_test *t, struct app_context *ctx);
/* The same in two steps, for a device with other features and with extensions: all but the device and `pool`, then
 * these with `features` and the chain behind it. The has_... of the context are not filled in. */
bool app_context_open(struct app_test *t, struct app_context *ctx);
bool app_context_create_device(struct app_context *ctx, const VkPhysicalDeviceFeatures2 *features,
                               const char *const *extensions, uint32_t extension_count);
void app_context_destroy(struct app_context *ctx);

enum app_memory {
   APP_MEMORY_DEVICE,   /* device local where there is such a thing, not mapped */
   APP_MEMORY_UPLOAD,   /* host visible and coherent, mapped for its whole life */
   APP_MEMORY_READBACK, /* the same, cached where there is such a type */
};

struct app_buffer {
   VkBuffer handle;
   VkDeviceMemory memory;
   VkDeviceSize size;
   void *map; /* NULL for APP_MEMORY_DEVICE */
};

struct app_image {
   VkImage handle;
   VkDeviceMemory memory;
   VkImageView view; /* of all levels and layers, VK_NULL_HANDLE where none was asked for */
};

/* Index of a memory type in `bits` that has all of `required`, best with `preferred`; UINT32_MAX if there is none. */
uint32_t app_memory_type(const struct app_context *ctx, uint32_t bits, VkMemoryPropertyFlags required,
                         VkMemoryPropertyFlags preferred);
/* Buffers are shared between all queue families in use. Destroy is safe on a zeroed or half-made object. */
bool app_buffer_create(struct app_context *ctx, struct app_buffer *buffer, VkDeviceSize size, VkBufferUsageFlags usage,
                       enum app_memory kind);
void app_buffer_destroy(struct app_context *ctx, struct app_buffer *buffer);

/* A 2D image of one level, layer and sample with optimal tiling, for the caller to change before app_image_create. */
VkImageCreateInfo app_image_info(VkFormat format, uint32_t width, uint32_t height, VkImageUsageFlags usage);
/* Device memory; `aspect` 0 means that no view is wanted. */
bool app_image_create(struct app_context *ctx, struct app_image *image, const VkImageCreateInfo *info,
                      VkImageAspectFlags aspect);
void app_image_destroy(struct app_context *ctx, struct app_image *image);
/* Whether the device can make this image at all. */
bool app_image_supported(const struct app_context *ctx, const VkImageCreateInfo *info);

/* One-shot commands on queues[0]: begin, record, run. Run submits, waits and frees; NULL in gives false out. */
VkCommandBuffer app_commands_begin(struct app_context *ctx);
bool app_commands_run(struct app_context *ctx, VkCommandBuffer commands);
/* Begun like those above, but in any pool and for the caller to end, submit and free. */
VkCommandBuffer app_commands_begin_in(struct app_context *ctx, VkCommandPool pool, VkCommandBufferUsageFlags usage);

/* VK_NULL_HANDLE, and a failed check, where there is none to be had. */
VkFence app_fence_create(struct app_context *ctx, VkFenceCreateFlags flags);
/* Waits, and resets it for its next use. */
bool app_fence_wait(struct app_context *ctx, VkFence fence);
/* `value` is where a timeline semaphore begins; a binary one has none. */
VkSemaphore app_semaphore_create(struct app_context *ctx, bool timeline, uint64_t value);

/* All earlier device writes become visible to all later commands and to the host. */
void app_cmd_barrier(VkCommandBuffer commands);
/* The same for all levels and layers of an image, with a change of layout. */
void app_cmd_image_layout(VkCommandBuffer commands, VkImage image, VkImageAspectFlags aspect, VkImageLayout from,
                          VkImageLayout to);

struct app_shader {
   const uint32_t *code;
   size_t size; /* in bytes */
};

VkShaderModule app_shader_module(struct app_context *ctx, const struct app_shader *shader);

#define APP_COMPUTE_BUFFERS 4

/* A compute pipeline over up to four storage buffers (bindings 0..) and push constants, with one descriptor set. */
struct app_compute {
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkPipeline pipeline;
   VkDescriptorPool pool;
   VkDescriptorSet set;
};

bool app_compute_create(struct app_context *ctx, struct app_compute *compute, const struct app_shader *shader,
                        uint32_t buffers, uint32_t push_size);
void app_compute_destroy(struct app_context *ctx, struct app_compute *compute);
/* Points binding i at the whole of buffers[i]. The set must not be in use by the device. */
void app_compute_buffers(struct app_context *ctx, struct app_compute *compute, const struct app_buffer *const *buffers,
                         uint32_t count);
void app_cmd_compute(VkCommandBuffer commands, const struct app_compute *compute, const void *push, uint32_t push_size,
                     uint32_t groups_x, uint32_t groups_y);

/* A repeatable stream of numbers; start from any state but 0. */
uint32_t app_random(uint64_t *state);
void app_random_bytes(uint64_t *state, void *bytes, size_t size);
/* Seconds of a clock that only runs forward. */
double app_now(void);
void app_sleep_ms(unsigned ms);

/* Writes 8-bit RGBA, rows from the top. False, with a message, when the file cannot be written. */
bool app_png_write(struct app_test *t, const char *path, uint32_t width, uint32_t height, const uint8_t *rgba);

#endif
