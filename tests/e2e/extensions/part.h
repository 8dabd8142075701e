/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_EXTENSIONS_PART_H
#define VP_TESTS_E2E_EXTENSIONS_PART_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

/* A part of the program "extensions" uses one extension on a device of its own, checks what it can, and prints what
 * must be the same natively and through our driver. */

struct part {
   const char *name;
   const char *const *extensions; /* that the device must have, ended by NULL; the first one is that of the part */
   void (*run)(struct gpu *gpu);
   void *features;     /* a chain of feature structs, which are asked for and enabled; or NULL */
   VkQueueFlags queue; /* that the device's one queue must have */
};

extern const struct part parts_compute[], parts_memory[], parts_pipeline[], parts_fault[], parts_rays[],
   parts_present[], parts_kernel[], parts_video[];

#define GET(gpu, NAME) PFN_vk##NAME NAME = (PFN_vk##NAME)vkGetDeviceProcAddr((gpu)->device, "vk" #NAME)
#define GET_INSTANCE(gpu, NAME) PFN_vk##NAME NAME = (PFN_vk##NAME)vkGetInstanceProcAddr((gpu)->instance, "vk" #NAME)

/* A layer of the test's plays the GPU that has the extensions: nothing really happens. */
bool part_is_played(void);

/* A square image with a view. `chain` is that of its create-info. */
struct part_image {
   VkImage handle;
   VkDeviceMemory memory;
   VkImageView view;
};
struct part_image part_create_image(const struct gpu *gpu, VkFormat format, uint32_t side, VkImageUsageFlags usage,
                                    const void *chain);
void part_destroy_image(const struct gpu *gpu, const struct part_image *image);

/* Memory of the GPU's, bound by the caller. */
VkDeviceMemory part_allocate(const struct gpu *gpu, const VkMemoryRequirements *requirements);

/* In video_sets.c. */
void part_run_video_sets(struct gpu *gpu);

/* For what is too long to print. */
uint32_t part_hash(const void *data, size_t size);

#endif
