/* SPDX-License-Identifier: MIT */

/* vkCreateDevice, with timeline semaphores for the server's own use, whatever the client enables; and vkDestroyDevice,
 * which stops the queues and gives up on a GPU that does not finish. */

#include "server/core/device.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/wire/chain.h"
#include "server/core/context.h"
#include "server/core/instance.h"
#include "server/core/quota.h"
#include "server/core/tally.h"
#include "server/memory/clear.h"
#include "server/memory/readback.h"
#include "server/pipeline/maker.h"
#include "server/process/gpu_list.h"
#include "server/queue/queue.h"
#include "server/session/questions.h"

/* What still runs on the GPU when its device is destroyed gets this long. */
#define STOP_MS 1000

void vps_device_stop(struct vps_device *device)
{
   vps_maker_settle(device->ctx);
   const int64_t deadline_ms = vp_clock_ms() + STOP_MS;

   for (struct vps_queue *queue = device->queues; queue; queue = vps_queue_next(queue))
      device->abandoned = !vps_queue_stop(queue, deadline_ms) || device->abandoned;
   if (device->handle)
      device->abandoned = !vps_clear_stop(device, deadline_ms) || device->abandoned;
   if (device->abandoned)
      device->ctx->abandoned = true;
}

static void release_device(void *state)
{
   struct vps_device *device = state;

   if (device->ctx->strained == device)
      device->ctx->strained = NULL;
   if (device->handle && device->functions.DestroyDevice && !device->abandoned) {
      vps_reserve_empty(device);
      vps_clear_finish(device);
      device->functions.DestroyDevice(device->handle, NULL);
   }
   pthread_mutex_destroy(&device->reserve.lock);
   pthread_mutex_destroy(&device->report_lock);
   pthread_mutex_destroy(&device->mapped_lock);
   vps_quota_give(VPS_QUOTA_THREADS, device->threads);
   free(device->ranges);
   free(device);
}

static struct vps_device *new_device(struct vps_context *ctx, const VkDeviceCreateInfo *info)
{
   struct vps_device *device = calloc(1, sizeof(*device));
   if (!device)
      return NULL;
   device->ctx = ctx;
   device->writer = ctx->writer;
   device->ranges = calloc(info->queueCreateInfoCount ? info->queueCreateInfoCount : 1, sizeof(*device->ranges));
   if (!device->ranges || pthread_mutex_init(&device->mapped_lock, NULL) != 0)
      goto fail;
   if (pthread_mutex_init(&device->report_lock, NULL) != 0)
      goto fail_mapped_lock;
   if (pthread_mutex_init(&device->reserve.lock, NULL) != 0)
      goto fail_report_lock;
   for (uint32_t i = 0; i < info->queueCreateInfoCount; i++) {
      const VkDeviceQueueCreateInfo *queue = &info->pQueueCreateInfos[i];
      device->ranges[device->range_count++] =
         (struct vps_queue_range){.flags = queue->flags, .family = queue->queueFamilyIndex, .count = queue->queueCount};
   }
   return device;

fail_report_lock:
   pthread_mutex_destroy(&device->report_lock);
fail_mapped_lock:
   pthread_mutex_destroy(&device->mapped_lock);
fail:
   free(device->ranges);
   free(device);
   return NULL;
}

static bool listed(const char *const *names, uint32_t count, const char *name)
{
   for (uint32_t i = 0; i < count; i++) {
      if (strcmp(names[i], name) == 0)
         return true;
   }
   return false;
}

bool vps_device_gpu_has(const struct vps_context *ctx, VkPhysicalDevice gpu, const char *name)
{
   return vps_gpu_has_extension(gpu, ctx->instance->functions.EnumerateDeviceExtensionProperties, name);
}

bool vps_device_enable(struct vps_context *ctx, VkDeviceCreateInfo *info, const char *name)
{
   if (listed(info->ppEnabledExtensionNames, info->enabledExtensionCount, name))
      return true;
   const char **names = vps_alloc(ctx, (uint64_t)info->enabledExtensionCount + 1, sizeof(*names));
   if (!names)
      return false;
   if (info->enabledExtensionCount)
      memcpy(names, info->ppEnabledExtensionNames, info->enabledExtensionCount * sizeof(*names));
   names[info->enabledExtensionCount++] = name;
   info->ppEnabledExtensionNames = names;
   return true;
}

/* Our queues count with timeline semaphores, whether or not the application wants some. */
static bool enable_timelines(struct vps_context *ctx, VkPhysicalDevice gpu, VkDeviceCreateInfo *info)
{
   VkPhysicalDeviceVulkan12Features *core =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
   VkPhysicalDeviceTimelineSemaphoreFeatures *timeline =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES);

   if (core) {
      core->timelineSemaphore = VK_TRUE;
   } else if (timeline) {
      timeline->timelineSemaphore = VK_TRUE;
   } else {
      timeline = vps_alloc(ctx, 1, sizeof(*timeline));
      if (!timeline)
         return false;
      timeline->sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES;
      timeline->pNext = (void *)(uintptr_t)info->pNext;
      timeline->timelineSemaphore = VK_TRUE;
      info->pNext = timeline;
   }

   /* The extension is the way that works for every version that the application asks for. */
   const char *name = VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME;
   return !vps_device_gpu_has(ctx, gpu, name) || vps_device_enable(ctx, info, name);
}

static void note_families(struct vps_context *ctx, struct vps_device *device, VkPhysicalDevice gpu)
{
   const PFN_vkGetPhysicalDeviceQueueFamilyProperties get =
      ctx->instance->functions.GetPhysicalDeviceQueueFamilyProperties;
   uint32_t count = 0;

   get(gpu, &count, NULL);
   VkQueueFamilyProperties *families = vps_alloc(ctx, count, sizeof(*families));
   if (!families)
      return;
   get(gpu, &count, families);
   for (uint32_t i = 0; i < count && i < 64; i++) {
      if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)
         device->compute_families |= UINT64_C(1) << i;
      if (families[i].queueFlags & (VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT))
         device->copy_families |= UINT64_C(1) << i;
   }
}

static size_t largest_descriptor(const VkPhysicalDeviceDescriptorBufferPropertiesEXT *of,
                                 const VkPhysicalDeviceDescriptorBufferDensityMapPropertiesEXT *density)
{
   const size_t sizes[] = {
      of->samplerDescriptorSize,
      of->combinedImageSamplerDescriptorSize,
      of->sampledImageDescriptorSize,
      of->storageImageDescriptorSize,
      of->uniformTexelBufferDescriptorSize,
      of->robustUniformTexelBufferDescriptorSize,
      of->storageTexelBufferDescriptorSize,
      of->robustStorageTexelBufferDescriptorSize,
      of->uniformBufferDescriptorSize,
      of->robustUniformBufferDescriptorSize,
      of->storageBufferDescriptorSize,
      of->robustStorageBufferDescriptorSize,
      of->inputAttachmentDescriptorSize,
      of->accelerationStructureDescriptorSize,
      density->combinedImageSamplerDensityMapDescriptorSize,
   };
   size_t largest = 0;

   for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
      largest = sizes[i] > largest ? sizes[i] : largest;
   return largest;
}

/* As far as the GPU's driver knows what is asked. */
static void note_limits(struct vps_context *ctx, VkPhysicalDevice gpu, const VkPhysicalDeviceLimits *limits,
                        struct vps_limits *out)
{
   const struct vps_instance_functions *functions = &ctx->instance->functions;
   VkPhysicalDeviceDeviceGeneratedCommandsPropertiesNV generated_nv = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEVICE_GENERATED_COMMANDS_PROPERTIES_NV};
#ifdef VK_EXT_device_generated_commands
   VkPhysicalDeviceDeviceGeneratedCommandsPropertiesEXT generated = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEVICE_GENERATED_COMMANDS_PROPERTIES_EXT};
   generated_nv.pNext = &generated;
#endif
   VkPhysicalDeviceRayTracingPipelinePropertiesKHR rays = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_RAY_TRACING_PIPELINE_PROPERTIES_KHR, .pNext = &generated_nv};
   VkPhysicalDeviceDiscardRectanglePropertiesEXT rectangles = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DISCARD_RECTANGLE_PROPERTIES_EXT, .pNext = &rays};
   VkPhysicalDeviceTransformFeedbackPropertiesEXT feedback = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TRANSFORM_FEEDBACK_PROPERTIES_EXT, .pNext = &rectangles};
   VkPhysicalDeviceDescriptorBufferPropertiesEXT descriptors = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_PROPERTIES_EXT, .pNext = &feedback};
   VkPhysicalDeviceDescriptorBufferDensityMapPropertiesEXT density = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_DENSITY_MAP_PROPERTIES_EXT, .pNext = &descriptors};
   VkPhysicalDeviceProperties2 more = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &density};

   if (functions->GetPhysicalDeviceProperties2 && vps_questions_select(ctx, gpu, &more))
      functions->GetPhysicalDeviceProperties2(gpu, &more);
   *out = (struct vps_limits){
      .maxBoundDescriptorSets = limits->maxBoundDescriptorSets,
      .maxColorAttachments = limits->maxColorAttachments,
      .maxDescriptorBufferBindings = descriptors.maxDescriptorBufferBindings,
      .maxDiscardRectangles = rectangles.maxDiscardRectangles,
      .maxPushConstantsSize = limits->maxPushConstantsSize,
      .maxTransformFeedbackBuffers = feedback.maxTransformFeedbackBuffers,
      .maxUniformBufferRange = limits->maxUniformBufferRange,
      .maxVertexInputAttributes = limits->maxVertexInputAttributes,
      .maxVertexInputBindings = limits->maxVertexInputBindings,
      .maxViewports = limits->maxViewports,
      .minStorageBufferOffsetAlignment = limits->minStorageBufferOffsetAlignment,
      .minUniformBufferOffsetAlignment = limits->minUniformBufferOffsetAlignment,
      .shaderGroupHandleCaptureReplaySize = rays.shaderGroupHandleCaptureReplaySize,
      .shaderGroupHandleSize = rays.shaderGroupHandleSize,
      .largest_descriptor = largest_descriptor(&descriptors, &density),
      .generated_nv = generated_nv,
   };
   out->generated_nv.pNext = NULL;
#ifdef VK_EXT_device_generated_commands
   out->generated = generated;
   out->generated.pNext = NULL;
#endif
}

static bool inherits_state(const VkDeviceCreateInfo *info)
{
#ifdef VK_NV_command_buffer_inheritance
   const VkPhysicalDeviceCommandBufferInheritanceFeaturesNV *features =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COMMAND_BUFFER_INHERITANCE_FEATURES_NV);
   return features && features->commandBufferInheritance;
#else
   (void)info;
   return false;
#endif
}

static VkResult create_device(struct vps_context *ctx, struct vps_device *device, VkPhysicalDevice gpu,
                              const VkDeviceCreateInfo *wanted)
{
   const struct vps_instance_functions *functions = &ctx->instance->functions;
   VkDeviceCreateInfo info = *wanted;
   VkPhysicalDeviceProperties properties;

   info.enabledLayerCount = 0;
   if (!enable_timelines(ctx, gpu, &info) || !vps_clear_choose(ctx, gpu, &info, &device->clear))
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   const VkResult result = functions->CreateDevice(gpu, &info, NULL, &device->handle);
   if (result < 0) {
      device->handle = VK_NULL_HANDLE;
      return result;
   }

   vps_device_functions_load(&device->functions, functions->GetDeviceProcAddr, device->handle);
   functions->GetPhysicalDeviceMemoryProperties(gpu, &device->memory);
   vps_readback_init(device);
   functions->GetPhysicalDeviceProperties(gpu, &properties);
   device->storage_limit = properties.limits.maxStorageBufferRange;
   device->inherits = inherits_state(wanted);
   device->is_processor = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
   device->tally_gpu = vps_tally_gpu(properties.deviceName);
   note_limits(ctx, gpu, &properties.limits, &device->limits);
   note_families(ctx, device, gpu);
   device->atom = properties.limits.nonCoherentAtomSize ? properties.limits.nonCoherentAtomSize : 1;
   if (device->functions.WaitSemaphores && device->functions.GetSemaphoreCounterValue) {
      vp_log(VP_LOG_DEBUG, "the client has chosen the GPU %s (%04x:%04x), with %u extensions", properties.deviceName,
             properties.vendorID, properties.deviceID, wanted->enabledExtensionCount);
      return result;
   }
   vp_log(VP_LOG_ERROR, "the GPU %s cannot be used: its driver has no timeline semaphores (Vulkan 1.2)",
          properties.deviceName);
   return VK_ERROR_INITIALIZATION_FAILED;
}

/* Each of its queues can have one. */
static bool take_threads(struct vps_device *device)
{
   uint64_t count = 0;

   for (uint32_t i = 0; i < device->range_count; i++)
      count += device->ranges[i].count;
   if (!vps_quota_take(VPS_QUOTA_THREADS, count)) {
      vps_quota_report(VPS_QUOTA_THREADS);
      return false;
   }
   device->threads = count;
   return true;
}

void vps_handle_vkCreateDevice(struct vps_context *ctx, struct vp_cmd_vkCreateDevice *a)
{
   const uint64_t id = (uint64_t)(uintptr_t)*a->pDevice;

   struct vps_device *device = new_device(ctx, a->pCreateInfo);
   if (!device) {
      a->ret = VK_ERROR_OUT_OF_HOST_MEMORY;
      vps_created(ctx, VK_OBJECT_TYPE_DEVICE, id, 0, a->ret);
      return;
   }
   a->ret =
      take_threads(device) ? create_device(ctx, device, a->physicalDevice, a->pCreateInfo) : VK_ERROR_TOO_MANY_OBJECTS;
   const uint64_t handle = a->ret < 0 ? 0 : (uint64_t)(uintptr_t)device->handle;
   struct vps_object *object = ctx->failed ? NULL : vps_created(ctx, VK_OBJECT_TYPE_DEVICE, id, handle, a->ret);
   if (!object) {
      release_device(device);
      return;
   }
   object->device = device;
   object->state = device;
   object->release = release_device;
   device->id = id;
   vps_reserve_fill(device);
}

void vps_handle_vkDestroyDevice(struct vps_context *ctx, struct vp_cmd_vkDestroyDevice *a)
{
   (void)a;
   vps_object_destroy(ctx->used[0]);
}
