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

/* Of the PCI address of a GPU, as 0000:c1:00.0; empty where the driver does not say it. */
#define VPS_GPU_PCI_SIZE 32

struct vps_gpu {
   char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
   char driver[VK_MAX_DRIVER_NAME_SIZE + VK_MAX_DRIVER_INFO_SIZE]; /* name and version */
   char pci[VPS_GPU_PCI_SIZE];
   VkPhysicalDeviceType type;
   uint32_t api_version;
   uint64_t memory; /* its own, in bytes */
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

/* Those of an instance that is there. The list stays empty on failure. */
VkResult vps_gpu_list_of(struct vps_gpu_list *list, VkInstance instance);
void vps_gpu_list_finish(struct vps_gpu_list *list);

/* Whether this server can do what the options ask: there are GPUs, every --gpu
 * is one of them, and the validation layer is there if it is needed. False
 * with a sentence in `error`. */
bool vps_gpu_list_check(const struct vps_gpu_list *list, const struct vps_options *options, char *error,
                        size_t error_size);

/* Writes a table of the GPUs that the options select. */
void vps_gpu_list_print(const struct vps_gpu_list *list, const struct vps_options *options, FILE *out);

/* Whether a GPU has a device extension, by a function of its instance. Without memory it has none. */
bool vps_gpu_has_extension(VkPhysicalDevice device, PFN_vkEnumerateDeviceExtensionProperties enumerate,
                           const char *name);

/* Asks a driver for the PCI address of its GPU, with functions of that instance, which may be NULL. */
void vps_gpu_find_pci(char pci[VPS_GPU_PCI_SIZE], VkPhysicalDevice device,
                      PFN_vkEnumerateDeviceExtensionProperties enumerate, PFN_vkGetPhysicalDeviceProperties2 get);

/* Whether --gpu lets the GPU with this index, name and PCI address be offered. A --gpu of
 * digits is an index, one that begins with "pci:" an address, any other a part of the name in upper or lower case. */
bool vps_gpu_selected(const struct vps_options *options, unsigned index, const char *name, const char *pci);

/* Whether a --gpu is an address, so that vps_gpu_selected() needs those of GPUs. */
bool vps_gpu_selects_by_pci(const struct vps_options *options);

#endif
