/* SPDX-License-Identifier: MIT */

/* Allocates memory that is zeros: asks the driver for them, maps it and writes them, or lets the GPU fill buffers that
 * are bound to all of it, and waits, so that nothing needs to be ordered after it. */

#include "server/memory/clear.h"

#include <string.h>

#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/wire/chain.h"
#include "server/core/device.h"
#include "server/core/device_memory.h"
#include "server/memory/zero.h"

/* The GPU may be busy with something else for so long. */
#define WAIT_MS 10000

/* No buffer is larger. All drivers can make such ones, and it is a multiple of any alignment. */
#define CHUNK ((VkDeviceSize)1 << 30)

static VkMemoryPropertyFlags find_properties(const struct vps_device *device, const VkMemoryAllocateInfo *info)
{
   const VkPhysicalDeviceMemoryProperties *memory = &device->memory;

   return info->memoryTypeIndex < memory->memoryTypeCount ? memory->memoryTypes[info->memoryTypeIndex].propertyFlags
                                                          : 0;
}

/* --- by the CPU --- */

/* Only the CPU's own GPU has memory that nobody has used yet; a device's is not worth the question. */
void vps_clear_mapping(const struct vps_device *device, void *memory, size_t size)
{
   if (device->is_processor)
      vps_zero(memory, size);
   else
      memset(memory, 0, size);
}

static VkResult clear_mapped(const struct vps_device *device, VkDeviceMemory memory, const VkMemoryAllocateInfo *info)
{
   const struct vps_device_functions *functions = &device->functions;
   const VkMappedMemoryRange range = {
      .sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .memory = memory, .size = VK_WHOLE_SIZE};
   void *pointer;

   VkResult result = functions->MapMemory(device->handle, memory, 0, VK_WHOLE_SIZE, 0, &pointer);
   if (result < 0)
      return result;
   vps_clear_mapping(device, pointer, info->allocationSize);
   if (!(find_properties(device, info) & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT))
      result = functions->FlushMappedMemoryRanges(device->handle, 1, &range);
   functions->UnmapMemory(device->handle, memory);
   return result;
}

/* --- by the GPU --- */

/* False when it cannot be had. */
static bool prepare_filling(struct vps_device *device)
{
   const struct vps_device_functions *functions = &device->functions;
   struct vps_clear *clear = &device->clear;
   const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                         .queueFamilyIndex = clear->family};
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
   const VkSemaphoreCreateInfo timeline = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   const VkDeviceQueueInfo2 queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2, .queueFamilyIndex = clear->family, .queueIndex = clear->index};

   if (!clear->can_copy)
      return false;
   if (!clear->queue)
      functions->GetDeviceQueue2(device->handle, &queue, &clear->queue);
   if (!clear->pool && functions->CreateCommandPool(device->handle, &pool, NULL, &clear->pool) < 0)
      clear->pool = VK_NULL_HANDLE;
   const VkCommandBufferAllocateInfo commands = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = clear->pool, .commandBufferCount = 1};
   if (clear->pool && !clear->commands &&
       functions->AllocateCommandBuffers(device->handle, &commands, &clear->commands) < 0)
      clear->commands = NULL;
   if (!clear->timeline && functions->CreateSemaphore(device->handle, &timeline, NULL, &clear->timeline) < 0)
      clear->timeline = VK_NULL_HANDLE;
   return clear->queue && clear->commands && clear->timeline;
}

static VkResult record_filling(const struct vps_device *device)
{
   const struct vps_device_functions *functions = &device->functions;
   const struct vps_clear *clear = &device->clear;
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                           .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
   const VkMemoryBarrier after = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                  .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                  .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};

   const VkResult result = functions->BeginCommandBuffer(clear->commands, &begin);
   if (result < 0)
      return result;
   functions->CmdFillBuffer(clear->commands, clear->buffer, 0, VK_WHOLE_SIZE, 0);
   functions->CmdPipelineBarrier(clear->commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0,
                                 1, &after, 0, NULL, 0, NULL);
   return functions->EndCommandBuffer(clear->commands);
}

static VkResult submit_filling(struct vps_device *device)
{
   struct vps_clear *clear = &device->clear;
   const uint64_t value = clear->value + 1;
   const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .signalSemaphoreValueCount = 1,
                                                 .pSignalSemaphoreValues = &value};
   const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .pNext = &values,
                              .commandBufferCount = 1,
                              .pCommandBuffers = &clear->commands,
                              .signalSemaphoreCount = 1,
                              .pSignalSemaphores = &clear->timeline};

   const VkResult result = vps_device_submit(device, clear->queue, &info);
   if (result >= 0)
      clear->value = value;
   return result;
}

static VkResult await(const struct vps_device *device, int64_t timeout_ms)
{
   const VkSemaphoreWaitInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                     .semaphoreCount = 1,
                                     .pSemaphores = &device->clear.timeline,
                                     .pValues = &device->clear.value};

   return device->functions.WaitSemaphores(device->handle, &info, (uint64_t)timeout_ms * 1000000);
}

static VkResult make_buffer(const struct vps_device *device, const VkMemoryAllocateInfo *info, VkDeviceSize size,
                            VkBuffer *buffer, VkMemoryRequirements *needs)
{
   const VkExportMemoryAllocateInfo *export = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO);
   const VkExternalMemoryBufferCreateInfo external = {
      .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
      .handleTypes = export ? export->handleTypes : 0,
   };
   const VkBufferCreateInfo buffer_info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .pNext = external.handleTypes ? &external : NULL,
      .size = size,
      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   const VkResult result = device->functions.CreateBuffer(device->handle, &buffer_info, NULL, buffer);
   if (result >= 0)
      device->functions.GetBufferMemoryRequirements(device->handle, *buffer, needs);
   else
      *buffer = VK_NULL_HANDLE;
   return result;
}

/* Whether a buffer can be bound to all of such an allocation; makes that as large as the buffer needs. */
static bool fit(const struct vps_device *device, VkMemoryAllocateInfo *info)
{
   const VkDeviceSize at = (info->allocationSize - 1) / CHUNK * CHUNK; /* of the last buffer */
   VkMemoryRequirements needs;
   VkBuffer buffer;

   if (make_buffer(device, info, info->allocationSize - at, &buffer, &needs) < 0)
      return false;
   device->functions.DestroyBuffer(device->handle, buffer, NULL);
   if (!(needs.memoryTypeBits >> info->memoryTypeIndex & 1))
      return false;
   return needs.size <= info->allocationSize - at || !__builtin_add_overflow(at, needs.size, &info->allocationSize);
}

static void drop_buffer(struct vps_device *device)
{
   device->functions.DestroyBuffer(device->handle, device->clear.buffer, NULL);
   device->clear.buffer = VK_NULL_HANDLE;
}

/* Fills one chunk. VK_TIMEOUT: the GPU may still do that later. */
static VkResult fill_chunk(struct vps_device *device, VkDeviceMemory memory, const VkMemoryAllocateInfo *info,
                           VkDeviceSize at)
{
   struct vps_clear *clear = &device->clear;
   const VkDeviceSize left = info->allocationSize - at;
   VkMemoryRequirements needs;

   VkResult result = make_buffer(device, info, left < CHUNK ? left : CHUNK, &clear->buffer, &needs);
   if (result < 0)
      return result;
   result = device->functions.BindBufferMemory(device->handle, clear->buffer, memory, at);
   if (result >= 0)
      result = record_filling(device);
   if (result >= 0)
      result = submit_filling(device);
   if (result >= 0)
      result = await(device, WAIT_MS);
   if (result != VK_TIMEOUT)
      drop_buffer(device);
   return result;
}

static VkResult clear_filled(struct vps_device *device, VkDeviceMemory memory, const VkMemoryAllocateInfo *info)
{
   VkResult result = VK_SUCCESS;

   for (VkDeviceSize at = 0; result == VK_SUCCESS && at < info->allocationSize; at += CHUNK)
      result = fill_chunk(device, memory, info, at);
   return result;
}

/* --- memory of one buffer or image alone --- */

static bool requires_dedicated(const struct vps_device *device, const VkMemoryDedicatedAllocateInfo *dedicated)
{
   const struct vps_device_functions *functions = &device->functions;
   const VkImageMemoryRequirementsInfo2 image = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2,
                                                 .image = dedicated->image};
   const VkBufferMemoryRequirementsInfo2 buffer = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2,
                                                   .buffer = dedicated->buffer};
   VkMemoryDedicatedRequirements wants = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS,
                                          .requiresDedicatedAllocation = VK_TRUE};
   VkMemoryRequirements2 needs = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &wants};

   if (dedicated->image && functions->GetImageMemoryRequirements2)
      functions->GetImageMemoryRequirements2(device->handle, &image, &needs);
   else if (dedicated->buffer && functions->GetBufferMemoryRequirements2)
      functions->GetBufferMemoryRequirements2(device->handle, &buffer, &needs);
   return wants.requiresDedicatedAllocation;
}

/* Only the image or buffer that memory is dedicated to may be bound to it, and only once. So where the driver does not
 * insist, it becomes ordinary memory. */
static bool can_be_shared(const struct vps_device *device, const VkMemoryAllocateInfo *info)
{
   VkMemoryDedicatedAllocateInfo *dedicated =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO);

   if (vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_DEDICATED_ALLOCATION_MEMORY_ALLOCATE_INFO_NV))
      return false;
   if (!dedicated || (!dedicated->image && !dedicated->buffer))
      return true;
   if (requires_dedicated(device, dedicated))
      return false;
   dedicated->image = VK_NULL_HANDLE;
   dedicated->buffer = VK_NULL_HANDLE;
   return true;
}

/* --- allocations --- */

/* Whether the GPU has come to what it was stuck before, which is given up then. */
static bool recover(struct vps_device *device)
{
   struct vps_clear *clear = &device->clear;

   if (!clear->stuck)
      return true;
   if (await(device, 0) != VK_SUCCESS)
      return false;
   drop_buffer(device);
   vps_device_memory_free(device, clear->stuck, clear->stuck_size);
   clear->stuck = VK_NULL_HANDLE;
   return true;
}

/* Allocates memory that the host cannot see. */
static VkResult allocate_filled(struct vps_device *device, const VkMemoryAllocateInfo *info, VkDeviceMemory *memory)
{
   VkMemoryAllocateInfo larger = *info;

   if (!recover(device))
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
   if (!can_be_shared(device, info) || !prepare_filling(device) || !fit(device, &larger)) {
      if (!device->clear.told)
         vp_log(VP_LOG_WARN, "memory of type %u cannot be cleared, so there is none (--clear-memory)",
                info->memoryTypeIndex);
      device->clear.told = true;
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
   }
   VkResult result = vps_device_memory_allocate(device, &larger, memory);
   if (result < 0)
      return result;
   result = clear_filled(device, *memory, &larger);
   if (result == VK_SUCCESS) {
      vps_device_memory_trim(device, larger.allocationSize - info->allocationSize);
   } else if (result == VK_TIMEOUT) {
      device->clear.stuck = *memory;
      device->clear.stuck_size = larger.allocationSize;
   } else {
      vps_device_memory_free(device, *memory, larger.allocationSize);
   }
   return result;
}

static VkResult allocate_mapped(const struct vps_device *device, const VkMemoryAllocateInfo *info,
                                VkDeviceMemory *memory)
{
   VkResult result = vps_device_memory_allocate(device, info, memory);

   if (result < 0)
      return result;
   result = clear_mapped(device, *memory, info);
   if (result < 0)
      vps_device_memory_free(device, *memory, info->allocationSize);
   return result;
}

static VkResult allocate_zeros_of_driver(const struct vps_device *device, const VkMemoryAllocateInfo *info,
                                         VkDeviceMemory *memory)
{
   VkMemoryAllocateFlagsInfo *flags = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO);
   const VkMemoryAllocateFlagsInfo own = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                          .pNext = info->pNext,
                                          .flags = VPS_MEMORY_ALLOCATE_ZERO_INITIALIZE};
   VkMemoryAllocateInfo with = *info;

   if (!flags) {
      with.pNext = &own;
      return vps_device_memory_allocate(device, &with, memory);
   }
   const VkMemoryAllocateFlags asked = flags->flags;
   flags->flags |= VPS_MEMORY_ALLOCATE_ZERO_INITIALIZE;
   const VkResult result = vps_device_memory_allocate(device, info, memory);
   flags->flags = asked; /* others look at it, too */
   return result;
}

static VkResult allocate_zeros(struct vps_device *device, const VkMemoryAllocateInfo *info, VkDeviceMemory *memory)
{
   const VkMemoryPropertyFlags properties = find_properties(device, info);

   if (device->clear.way == VPS_CLEAR_DRIVER)
      return allocate_zeros_of_driver(device, info, memory);
   /* What is protected never gets to where anybody could read it. */
   if (device->clear.way == VPS_CLEAR_KERNEL || (properties & VK_MEMORY_PROPERTY_PROTECTED_BIT))
      return vps_device_memory_allocate(device, info, memory);
   if (properties & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)
      return allocate_mapped(device, info, memory);
   const VkResult result = allocate_filled(device, info, memory);
   return result == VK_SUCCESS || result == VK_ERROR_OUT_OF_HOST_MEMORY ? result : VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

VkResult vps_clear_allocate(struct vps_device *device, const VkMemoryAllocateInfo *info, VkDeviceMemory *memory)
{
   const VkResult result = allocate_zeros(device, info, memory);

   if (result < 0)
      *memory = VK_NULL_HANDLE;
   return result;
}

/* --- the device's end --- */

bool vps_clear_stop(const struct vps_device *device, int64_t deadline_ms)
{
   const int64_t left_ms = deadline_ms - vp_clock_ms();

   return !device->clear.stuck || await(device, left_ms > 0 ? left_ms : 0) != VK_TIMEOUT;
}

void vps_clear_finish(struct vps_device *device)
{
   const struct vps_device_functions *functions = &device->functions;
   struct vps_clear *clear = &device->clear;

   if (clear->timeline)
      functions->DestroySemaphore(device->handle, clear->timeline, NULL);
   if (clear->pool)
      functions->DestroyCommandPool(device->handle, clear->pool, NULL);
   if (clear->buffer)
      functions->DestroyBuffer(device->handle, clear->buffer, NULL);
   vps_device_memory_free(device, clear->stuck, clear->stuck_size);
}
