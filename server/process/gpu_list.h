/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_GPU_LIST_H
#define VP_SERVER_PROCESS_GPU_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <vulkan/vulkan.h>

#include "server/process/options.h"

/* The validation layer, for --validate. */
#define VP_VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

struct vp_gpu {
   char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
   char driver[VK_MAX_DRIVER_NAME_SIZE + VK_MAX_DRIVER_INFO_SIZE]; /* name and version */
   VkPhysicalDeviceType type;
   uint32_t api_version;
};

/* The GPUs of this machine in the order of the Vulkan loader; a GPU's place is
 * its index. Our own driver, if it is installed here too, is left out. */
struct vp_gpu_list {
   struct vp_gpu *gpus;
   unsigned count;
};

/* Loads the Vulkan drivers into this process and makes an instance of our own. Thread-safe. */
VkResult vp_gpu_instance_create(VkInstance *instance);

/* Loads the Vulkan drivers into this process and asks them. False with a
 * sentence in `error` when that fails or there is no GPU; there is nothing to
 * finish then. */
bool vp_gpu_list_init(struct vp_gpu_list *list, char *error, size_t error_size);
void vp_gpu_list_finish(struct vp_gpu_list *list);

/* Whether this server can do what the options ask: there are GPUs, every --gpu
 * is one of them, and the validation layer is there if it is needed. False
 * with a sentence in `error`. */
bool vp_gpu_list_check(const struct vp_gpu_list *list, const struct vp_server_options *options, char *error,
                       size_t error_size);

/* Writes a table of the GPUs that the options select. */
void vp_gpu_list_print(const struct vp_gpu_list *list, const struct vp_server_options *options, FILE *out);

/* Whether --gpu lets the GPU with this index and name be offered. A --gpu of
 * digits is an index, any other a part of the name in upper or lower case. */
bool vp_gpu_selected(const struct vp_server_options *options, unsigned index, const char *name);

#endif
