/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_GPU_LIST_H
#define VP_SERVER_PROCESS_GPU_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <vulkan/vulkan.h>

#include "server/process/options.h"

/* The validation layer, for --validate. */
#define VPS_VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

struct vps_gpu {
   char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
   char driver[VK_MAX_DRIVER_NAME_SIZE + VK_MAX_DRIVER_INFO_SIZE]; /* name and version */
   VkPhysicalDeviceType type;
   uint32_t api_version;
};

/* The GPUs of this machine in the order of the Vulkan loader; a GPU's place is
 * its index. Our own driver, if it is installed here too, is left out. */
struct vps_gpu_list {
   struct vps_gpu *gpus;
   unsigned count;
};

/* Loads the Vulkan drivers into this process and makes an instance of our own. Thread-safe. */
VkResult vps_gpu_instance_create(VkInstance *instance);

/* Loads the Vulkan drivers into this process and asks them. False with a
 * sentence in `error` when that fails or there is no GPU; there is nothing to
 * finish then. */
bool vps_gpu_list_init(struct vps_gpu_list *list, char *error, size_t error_size);
void vps_gpu_list_finish(struct vps_gpu_list *list);

/* Whether this server can do what the options ask: there are GPUs, every --gpu
 * is one of them, and the validation layer is there if it is needed. False
 * with a sentence in `error`. */
bool vps_gpu_list_check(const struct vps_gpu_list *list, const struct vps_options *options, char *error,
                        size_t error_size);

/* Writes a table of the GPUs that the options select. */
void vps_gpu_list_print(const struct vps_gpu_list *list, const struct vps_options *options, FILE *out);

/* Whether --gpu lets the GPU with this index and name be offered. A --gpu of
 * digits is an index, any other a part of the name in upper or lower case. */
bool vps_gpu_selected(const struct vps_options *options, unsigned index, const char *name);

#endif
