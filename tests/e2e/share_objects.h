/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_SHARE_OBJECTS_H
#define VP_TESTS_E2E_SHARE_OBJECTS_H

#include "tests/e2e/gpu.h"

/* What share.c shares, and how it looks at that. */

#define SHARED_SIZE ((VkDeviceSize)64 << 10)
#define SHARED_WIDTH 64u
#define OPAQUE VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT
#define OPAQUE_SEMAPHORE VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT
#define OPAQUE_FENCE VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT

struct side {
   struct gpu gpu;
   VkCommandPool pool;
   VkCommandBuffer commands;
   struct gpu_buffer staging;
   bool has_semaphores, has_fences;
};

struct shared_object {
   VkDeviceMemory memory;
   VkDeviceSize size;
   uint32_t type;
   VkMemoryDedicatedAllocateInfo dedicated;
};

struct shared_buffer {
   VkBuffer handle;
   struct shared_object object;
};

struct shared_image {
   VkImage handle;
   struct shared_object object;
};

#define FUNCTION(device, name) PFN_##name name = (PFN_##name)vkGetDeviceProcAddr(device, #name)

static inline bool gpu_has(const struct gpu *gpu, const char *name)
{
   uint32_t count = 0;
   bool found = false;
   OK(vkEnumerateDeviceExtensionProperties(gpu->physical, NULL, &count, NULL));
   VkExtensionProperties *all = calloc(count + 1, sizeof(*all));
   NEED(all);
   OK(vkEnumerateDeviceExtensionProperties(gpu->physical, NULL, &count, all));
   for (uint32_t i = 0; i < count; i++)
      found = found || strcmp(all[i].extensionName, name) == 0;
   free(all);
   return found;
}

static inline void open_side(struct side *side)
{
   const VkPhysicalDeviceVulkan12Features features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                                                      .timelineSemaphore = VK_TRUE};
   const char *names[3] = {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME};
   uint32_t count = 1;
   gpu_open_instance(&side->gpu);
   if (!gpu_has(&side->gpu, names[0])) {
      printf("no shared memory\n");
      exit(77);
   }
   side->has_semaphores = gpu_has(&side->gpu, VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME);
   side->has_fences = gpu_has(&side->gpu, VK_KHR_EXTERNAL_FENCE_FD_EXTENSION_NAME);
   if (side->has_semaphores)
      names[count++] = VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME;
   if (side->has_fences)
      names[count++] = VK_KHR_EXTERNAL_FENCE_FD_EXTENSION_NAME;
   gpu_open_device(&side->gpu, &features, names, count);
   side->commands = gpu_create_commands(&side->gpu, &side->pool);
   side->staging =
      gpu_map_buffer(&side->gpu, SHARED_SIZE, VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT);
}

static inline void close_side(struct side *side)
{
   gpu_free_buffer(&side->gpu, &side->staging);
   vkDestroyCommandPool(side->gpu.device, side->pool, NULL);
   gpu_close(&side->gpu);
}

/* --- memory --- */

/* The first type that a resource can have: not one that can be mapped, if there is another. */
static inline struct shared_object object_for(const struct gpu *gpu, VkMemoryRequirements requirements)
{
   VkPhysicalDeviceMemoryProperties memory;
   struct shared_object object = {.size = requirements.size, .type = UINT32_MAX};
   vkGetPhysicalDeviceMemoryProperties(gpu->physical, &memory);
   for (uint32_t i = 0; i < memory.memoryTypeCount; i++) {
      const bool visible = memory.memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
      if ((requirements.memoryTypeBits >> i & 1) && (object.type == UINT32_MAX || !visible)) {
         object.type = i;
         if (!visible)
            break;
      }
   }
   NEED(object.type != UINT32_MAX);
   return object;
}

static inline struct shared_buffer create_shared_buffer(const struct gpu *gpu)
{
   const VkExternalMemoryBufferCreateInfo external = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
                                                      .handleTypes = OPAQUE};
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .pNext = &external,
                                    .size = SHARED_SIZE,
                                    .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   struct shared_buffer buffer;
   VkMemoryRequirements requirements;
   OK(vkCreateBuffer(gpu->device, &info, NULL, &buffer.handle));
   vkGetBufferMemoryRequirements(gpu->device, buffer.handle, &requirements);
   buffer.object = object_for(gpu, requirements);
   buffer.object.dedicated = (VkMemoryDedicatedAllocateInfo){.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
                                                             .buffer = buffer.handle};
   return buffer;
}

static inline struct shared_image create_shared_image(const struct gpu *gpu)
{
   const VkExternalMemoryImageCreateInfo external = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
                                                     .handleTypes = OPAQUE};
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .pNext = &external,
                                   .imageType = VK_IMAGE_TYPE_2D,
                                   .format = VK_FORMAT_R8G8B8A8_UNORM,
                                   .extent = {SHARED_WIDTH, SHARED_WIDTH, 1},
                                   .mipLevels = 1,
                                   .arrayLayers = 1,
                                   .samples = VK_SAMPLE_COUNT_1_BIT,
                                   .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT};
   struct shared_image image;
   VkMemoryRequirements requirements;
   OK(vkCreateImage(gpu->device, &info, NULL, &image.handle));
   vkGetImageMemoryRequirements(gpu->device, image.handle, &requirements);
   image.object = object_for(gpu, requirements);
   image.object.dedicated =
      (VkMemoryDedicatedAllocateInfo){.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO, .image = image.handle};
   return image;
}

static inline VkResult try_import_memory(const struct gpu *gpu, struct shared_object *object, int fd)
{
   const VkImportMemoryFdInfoKHR import = {.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
                                           .pNext = &object->dedicated,
                                           .handleType = OPAQUE,
                                           .fd = fd};
   const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                      .pNext = &import,
                                      .allocationSize = object->size,
                                      .memoryTypeIndex = object->type};
   return vkAllocateMemory(gpu->device, &info, NULL, &object->memory);
}

static inline VkResult try_allocate_shared(const struct gpu *gpu, struct shared_object *object)
{
   const VkExportMemoryAllocateInfo export = {
      .sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO, .pNext = &object->dedicated, .handleTypes = OPAQUE};
   const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                      .pNext = &export,
                                      .allocationSize = object->size,
                                      .memoryTypeIndex = object->type};
   return vkAllocateMemory(gpu->device, &info, NULL, &object->memory);
}

/* fd: -1: to be exported. */
static inline void allocate_shared(const struct gpu *gpu, struct shared_object *object, int fd)
{
   OK(fd >= 0 ? try_import_memory(gpu, object, fd) : try_allocate_shared(gpu, object));
}

static inline int export_memory(const struct gpu *gpu, VkDeviceMemory memory)
{
   const VkMemoryGetFdInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR, .memory = memory, .handleType = OPAQUE};
   FUNCTION(gpu->device, vkGetMemoryFdKHR);
   int fd = -1;
   OK(vkGetMemoryFdKHR(gpu->device, &info, &fd));
   NEED(fd >= 0);
   return fd;
}

static inline void destroy_buffer(const struct gpu *gpu, const struct shared_buffer *buffer)
{
   vkDestroyBuffer(gpu->device, buffer->handle, NULL);
   vkFreeMemory(gpu->device, buffer->object.memory, NULL);
}

static inline void destroy_image(const struct gpu *gpu, const struct shared_image *image)
{
   vkDestroyImage(gpu->device, image->handle, NULL);
   vkFreeMemory(gpu->device, image->object.memory, NULL);
}

/* --- what is in it --- */

static inline void fill_staging(struct side *side, uint32_t seed)
{
   uint32_t *words = side->staging.data;
   for (uint32_t i = 0; i < SHARED_SIZE / 4; i++)
      words[i] = (i + 1) * 2654435761u * (2 * seed + 1);
}

static inline uint32_t hash_staging(const struct side *side, VkDeviceSize size)
{
   const uint8_t *bytes = side->staging.data;
   uint32_t hash = 2166136261u;
   for (VkDeviceSize i = 0; i < size; i++)
      hash = (hash ^ bytes[i]) * 16777619u;
   return hash;
}

static inline void copy_buffer(struct side *side, VkBuffer from, VkBuffer to)
{
   const VkBufferCopy region = {.size = SHARED_SIZE};
   gpu_begin(side->commands);
   vkCmdCopyBuffer(side->commands, from, to, 1, &region);
   gpu_barrier(side->commands);
   gpu_run(&side->gpu, side->commands);
}

static inline void fill_buffer(struct side *side, const struct shared_buffer *buffer, uint32_t seed)
{
   fill_staging(side, seed);
   copy_buffer(side, side->staging.handle, buffer->handle);
}

static inline uint32_t hash_buffer(struct side *side, const struct shared_buffer *buffer)
{
   copy_buffer(side, buffer->handle, side->staging.handle);
   return hash_staging(side, SHARED_SIZE);
}

/* The image is given away, or taken over, in the general layout. */
static inline void pass_image(VkCommandBuffer commands, const struct shared_image *image, VkImageLayout from,
                              uint32_t family_from, uint32_t family_to)
{
   const VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
      .oldLayout = from,
      .newLayout = VK_IMAGE_LAYOUT_GENERAL,
      .srcQueueFamilyIndex = family_from,
      .dstQueueFamilyIndex = family_to,
      .image = image->handle,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0,
                        NULL, 1, &barrier);
}

static const VkBufferImageCopy whole_image = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                              .imageExtent = {SHARED_WIDTH, SHARED_WIDTH, 1}};

static inline void fill_image(struct side *side, const struct shared_image *image, uint32_t seed)
{
   fill_staging(side, seed);
   gpu_begin(side->commands);
   pass_image(side->commands, image, VK_IMAGE_LAYOUT_UNDEFINED, VK_QUEUE_FAMILY_IGNORED, VK_QUEUE_FAMILY_IGNORED);
   vkCmdCopyBufferToImage(side->commands, side->staging.handle, image->handle, VK_IMAGE_LAYOUT_GENERAL, 1,
                          &whole_image);
   pass_image(side->commands, image, VK_IMAGE_LAYOUT_GENERAL, side->gpu.family, VK_QUEUE_FAMILY_EXTERNAL);
   gpu_run(&side->gpu, side->commands);
}

static inline uint32_t hash_image(struct side *side, const struct shared_image *image)
{
   gpu_begin(side->commands);
   pass_image(side->commands, image, VK_IMAGE_LAYOUT_GENERAL, VK_QUEUE_FAMILY_EXTERNAL, side->gpu.family);
   vkCmdCopyImageToBuffer(side->commands, image->handle, VK_IMAGE_LAYOUT_GENERAL, side->staging.handle, 1,
                          &whole_image);
   gpu_barrier(side->commands);
   gpu_run(&side->gpu, side->commands);
   return hash_staging(side, (VkDeviceSize)SHARED_WIDTH * SHARED_WIDTH * 4);
}

/* --- semaphores and fences --- */

static inline VkSemaphore create_semaphore(const struct gpu *gpu, bool timeline, bool exported)
{
   const VkExportSemaphoreCreateInfo export = {.sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO,
                                               .handleTypes = OPAQUE_SEMAPHORE};
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .pNext = exported ? &export : NULL,
      .semaphoreType = timeline ? VK_SEMAPHORE_TYPE_TIMELINE : VK_SEMAPHORE_TYPE_BINARY,
   };
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   VkSemaphore semaphore;
   OK(vkCreateSemaphore(gpu->device, &info, NULL, &semaphore));
   return semaphore;
}

static inline int export_semaphore(const struct gpu *gpu, VkSemaphore semaphore)
{
   const VkSemaphoreGetFdInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR, .semaphore = semaphore, .handleType = OPAQUE_SEMAPHORE};
   FUNCTION(gpu->device, vkGetSemaphoreFdKHR);
   int fd = -1;
   OK(vkGetSemaphoreFdKHR(gpu->device, &info, &fd));
   return fd;
}

static inline void import_semaphore(const struct gpu *gpu, VkSemaphore semaphore, int fd, bool temporary)
{
   const VkImportSemaphoreFdInfoKHR info = {.sType = VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR,
                                            .semaphore = semaphore,
                                            .flags = temporary ? VK_SEMAPHORE_IMPORT_TEMPORARY_BIT : 0,
                                            .handleType = OPAQUE_SEMAPHORE,
                                            .fd = fd};
   FUNCTION(gpu->device, vkImportSemaphoreFdKHR);
   OK(vkImportSemaphoreFdKHR(gpu->device, &info));
}

/* A batch of nothing. Of semaphores either may be null; with a value the second one is a timeline. */
static inline void submit(struct side *side, VkSemaphore wait, VkSemaphore signal, uint64_t value, VkFence fence)
{
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const uint64_t none = 0;
   const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .waitSemaphoreValueCount = wait != VK_NULL_HANDLE,
                                                 .pWaitSemaphoreValues = &none,
                                                 .signalSemaphoreValueCount = signal != VK_NULL_HANDLE,
                                                 .pSignalSemaphoreValues = &value};
   const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .pNext = value ? &values : NULL,
                              .waitSemaphoreCount = wait != VK_NULL_HANDLE,
                              .pWaitSemaphores = &wait,
                              .pWaitDstStageMask = &stage,
                              .signalSemaphoreCount = signal != VK_NULL_HANDLE,
                              .pSignalSemaphores = &signal};
   OK(vkQueueSubmit(side->gpu.queue, 1, &info, fence));
}

/* A batch that waits for a timeline. */
static inline void submit_after(struct side *side, VkSemaphore line, uint64_t value)
{
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .waitSemaphoreValueCount = 1,
                                                 .pWaitSemaphoreValues = &value};
   const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .pNext = &values,
                              .waitSemaphoreCount = 1,
                              .pWaitSemaphores = &line,
                              .pWaitDstStageMask = &stage};
   OK(vkQueueSubmit(side->gpu.queue, 1, &info, VK_NULL_HANDLE));
}

static inline uint64_t value_of(const struct gpu *gpu, VkSemaphore semaphore)
{
   uint64_t value = 0;
   OK(vkGetSemaphoreCounterValue(gpu->device, semaphore, &value));
   return value;
}

static inline void wait_for_value(const struct gpu *gpu, VkSemaphore semaphore, uint64_t value)
{
   const VkSemaphoreWaitInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                     .semaphoreCount = 1,
                                     .pSemaphores = &semaphore,
                                     .pValues = &value};
   OK(vkWaitSemaphores(gpu->device, &info, UINT64_MAX));
}

static inline void signal_value(const struct gpu *gpu, VkSemaphore semaphore, uint64_t value)
{
   const VkSemaphoreSignalInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = semaphore, .value = value};
   OK(vkSignalSemaphore(gpu->device, &info));
}

static inline VkFence create_fence(const struct gpu *gpu, bool exported)
{
   const VkExportFenceCreateInfo export = {.sType = VK_STRUCTURE_TYPE_EXPORT_FENCE_CREATE_INFO,
                                           .handleTypes = OPAQUE_FENCE};
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, .pNext = exported ? &export : NULL};
   VkFence fence;
   OK(vkCreateFence(gpu->device, &info, NULL, &fence));
   return fence;
}

static inline int export_fence(const struct gpu *gpu, VkFence fence)
{
   const VkFenceGetFdInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_FENCE_GET_FD_INFO_KHR, .fence = fence, .handleType = OPAQUE_FENCE};
   FUNCTION(gpu->device, vkGetFenceFdKHR);
   int fd = -1;
   OK(vkGetFenceFdKHR(gpu->device, &info, &fd));
   return fd;
}

static inline void import_fence(const struct gpu *gpu, VkFence fence, int fd)
{
   const VkImportFenceFdInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_IMPORT_FENCE_FD_INFO_KHR, .fence = fence, .handleType = OPAQUE_FENCE, .fd = fd};
   FUNCTION(gpu->device, vkImportFenceFdKHR);
   OK(vkImportFenceFdKHR(gpu->device, &info));
}

/* --- what is offered --- */

static inline void print_what_is_offered(const struct side *side)
{
   const VkPhysicalDeviceExternalBufferInfo buffer = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
                                                      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                                      .handleType = OPAQUE};
   VkExternalBufferProperties buffers = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
   vkGetPhysicalDeviceExternalBufferProperties(side->gpu.physical, &buffer, &buffers);
   printf("buffers: %x\n", buffers.externalMemoryProperties.externalMemoryFeatures);
   const VkPhysicalDeviceExternalImageFormatInfo external = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO, .handleType = OPAQUE};
   const VkPhysicalDeviceImageFormatInfo2 image = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
                                                   .pNext = &external,
                                                   .format = VK_FORMAT_R8G8B8A8_UNORM,
                                                   .type = VK_IMAGE_TYPE_2D,
                                                   .usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT};
   VkExternalImageFormatProperties images = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES};
   VkImageFormatProperties2 properties = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, .pNext = &images};
   OK(vkGetPhysicalDeviceImageFormatProperties2(side->gpu.physical, &image, &properties));
   printf("images: %x\n", images.externalMemoryProperties.externalMemoryFeatures);
   for (unsigned i = 0; i < 2 && side->has_semaphores; i++) {
      const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                              .semaphoreType = (VkSemaphoreType)i};
      const VkPhysicalDeviceExternalSemaphoreInfo info = {.sType =
                                                             VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO,
                                                          .pNext = &type,
                                                          .handleType = OPAQUE_SEMAPHORE};
      VkExternalSemaphoreProperties answer = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES};
      vkGetPhysicalDeviceExternalSemaphoreProperties(side->gpu.physical, &info, &answer);
      printf("semaphores %u: %x\n", i, answer.externalSemaphoreFeatures);
   }
   const VkPhysicalDeviceExternalFenceInfo fence = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_FENCE_INFO,
                                                    .handleType = OPAQUE_FENCE};
   VkExternalFenceProperties fences = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_FENCE_PROPERTIES};
   vkGetPhysicalDeviceExternalFenceProperties(side->gpu.physical, &fence, &fences);
   printf("fences: %x\n", side->has_fences ? fences.externalFenceFeatures : 0);
}

#endif
