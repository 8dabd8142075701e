/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_LAYERS_PLAYED_VIDEO_H
#define VP_TESTS_E2E_LAYERS_PLAYED_VIDEO_H

#include <vulkan/vulkan.h>

/* The part of played_layer.c that plays the decoding of videos. */

/* A function of Vulkan by its name, or NULL. */
PFN_vkVoidFunction played_video_find(const char *name);

/* What it adds to queue families: each one decodes. */
void played_video_families(VkQueueFamilyProperties2 *families, uint32_t count);

/* Where it goes on with what is not about videos. */
void played_video_instance(PFN_vkGetInstanceProcAddr next, VkInstance instance);
void played_video_device(PFN_vkGetDeviceProcAddr next, VkDevice device);

#endif
