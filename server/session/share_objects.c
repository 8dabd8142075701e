/* SPDX-License-Identifier: MIT */

/* Gives memory, semaphores and fences a descriptor of the driver's, for which others get a token, and imports what
 * others have given one. */

#include <string.h>
#include <unistd.h>

#include "common/wire/chain.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/instance.h"
#include "server/core/sharing.h"
#include "server/memory/memory.h"
#include "server/queue/queue_state.h"
#include "server/queue/semaphore.h"

#define OPAQUE_MEMORY VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT
#define OPAQUE_SEMAPHORE VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT
#define OPAQUE_FENCE VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT

/* Of the GPU that the command's device is on. */
static void name_gpu(const struct vps_context *ctx, uint8_t name[VPS_GPU_SIZE])
{
   const struct vps_object *gpu = ctx->used[0]->parent;
   VkPhysicalDeviceIDProperties id = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
   VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &id};

   _Static_assert(VPS_GPU_SIZE == 2 * VK_UUID_SIZE, "of device and driver");
   if (gpu && ctx->instance->functions.GetPhysicalDeviceProperties2)
      ctx->instance->functions.GetPhysicalDeviceProperties2((VkPhysicalDevice)(uintptr_t)gpu->handle, &properties);
   memcpy(name, id.deviceUUID, VK_UUID_SIZE);
   memcpy(name + VK_UUID_SIZE, id.driverUUID, VK_UUID_SIZE);
}

static struct vps_share_facts facts_of(const struct vps_context *ctx, enum vps_share_kind kind, uint32_t type,
                                       uint64_t size)
{
   struct vps_share_facts facts = {.kind = kind, .type = type, .size = size};

   name_gpu(ctx, facts.gpu);
   return facts;
}

static VkResult result_of(enum vps_share_answer answer)
{
   return answer == VPS_SHARE_FULL ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_ERROR_INVALID_EXTERNAL_HANDLE;
}

void vps_handle_vkDropTokenVP(struct vps_context *ctx, struct vp_cmd_vkDropTokenVP *a)
{
   vps_sharing_drop(ctx, a->pToken);
}

/* --- memory --- */

void vps_handle_vkExportMemoryVP(struct vps_context *ctx, struct vp_cmd_vkExportMemoryVP *a)
{
   const struct vps_device *device = ctx->used[0]->device;
   const struct vps_memory *memory = ctx->used[1]->state;
   const VkMemoryGetFdInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR, .memory = a->memory, .handleType = OPAQUE_MEMORY};
   int fd = -1;

   *a->pToken = (VkTokenVP){0};
   if (!memory || !memory->lent || !device->functions.GetMemoryFdKHR) {
      vps_fail(ctx, "the memory was not allocated to be exported");
      return;
   }
   a->ret = device->functions.GetMemoryFdKHR(device->handle, &info, &fd);
   if (a->ret < 0)
      return;
   const struct vps_share_facts facts = facts_of(ctx, VPS_SHARE_MEMORY, memory->type, memory->size);
   a->ret = vps_sharing_lend(ctx, &facts, memory->id, fd, a->pToken);
}

void vps_handle_vkAllocateMemoryVP(struct vps_context *ctx, struct vp_cmd_vkAllocateMemoryVP *a)
{
   struct vps_device *device = ctx->used[0]->device;
   const struct vps_share_facts facts =
      facts_of(ctx, VPS_SHARE_MEMORY, a->pAllocateInfo->memoryTypeIndex, a->pAllocateInfo->allocationSize);
   VkImportMemoryFdInfoKHR import = {.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
                                     .pNext = a->pAllocateInfo->pNext,
                                     .handleType = OPAQUE_MEMORY};
   VkMemoryAllocateInfo info = *a->pAllocateInfo;

   info.pNext = &import;
   if (!device->functions.GetMemoryFdKHR) {
      vps_missing_function(ctx);
      return;
   }
   *a->pReason = vps_sharing_borrow(ctx, &facts, a->pToken, &import.fd);
   a->ret = *a->pReason == VPS_SHARE_OK ? VK_SUCCESS : result_of((enum vps_share_answer) * a->pReason);
   vps_memory_import(ctx, &info, (uint64_t)(uintptr_t)*a->pMemory, &a->ret);
   if (import.fd >= 0 && a->ret < 0) {
      close(import.fd);
      *a->pReason = VPS_SHARE_DRIVER;
   }
}

/* --- semaphores --- */

void vps_handle_vkExportSemaphoreVP(struct vps_context *ctx, struct vp_cmd_vkExportSemaphoreVP *a)
{
   const struct vps_device *device = ctx->used[0]->device;
   const VkSemaphoreGetFdInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR, .semaphore = a->semaphore, .handleType = OPAQUE_SEMAPHORE};
   int fd = -1;

   *a->pToken = (VkTokenVP){0};
   if (!vps_semaphore_may_leave(ctx->used[1]) || !device->functions.GetSemaphoreFdKHR) {
      vps_fail(ctx, "the semaphore was not created to be exported");
      return;
   }
   a->ret = device->functions.GetSemaphoreFdKHR(device->handle, &info, &fd);
   if (a->ret < 0)
      return;
   const struct vps_share_facts facts = facts_of(ctx, VPS_SHARE_SEMAPHORE, vps_semaphore_type(ctx->used[1]), 0);
   a->ret = vps_sharing_lend(ctx, &facts, 0, fd, a->pToken);
}

void vps_handle_vkImportSemaphoreVP(struct vps_context *ctx, struct vp_cmd_vkImportSemaphoreVP *a)
{
   const struct vps_device *device = ctx->used[0]->device;
   const struct vps_share_facts facts = facts_of(ctx, VPS_SHARE_SEMAPHORE, vps_semaphore_type(ctx->used[1]), 0);
   VkImportSemaphoreFdInfoKHR info = {.sType = VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR,
                                      .semaphore = a->semaphore,
                                      .flags = a->temporary ? VK_SEMAPHORE_IMPORT_TEMPORARY_BIT : 0,
                                      .handleType = OPAQUE_SEMAPHORE};

   if (!device->functions.ImportSemaphoreFdKHR) {
      vps_missing_function(ctx);
      return;
   }
   if (a->temporary && facts.type == VK_SEMAPHORE_TYPE_TIMELINE) {
      vps_fail(ctx, "a timeline semaphore cannot be imported for once");
      return;
   }
   *a->pReason = vps_sharing_borrow(ctx, &facts, a->pToken, &info.fd);
   if (*a->pReason != VPS_SHARE_OK) {
      a->ret = result_of((enum vps_share_answer) * a->pReason);
      return;
   }
   a->ret = device->functions.ImportSemaphoreFdKHR(device->handle, &info);
   if (a->ret < 0) {
      close(info.fd);
      *a->pReason = VPS_SHARE_DRIVER;
      return;
   }
   vps_semaphore_lend(ctx, ctx->used[1]);
}

/* --- fences --- */

/* The state of a fence that may be exported. */
static char lent_fence;

void vps_observe_vkCreateFence(struct vps_context *ctx, const struct vp_cmd_vkCreateFence *a)
{
   const VkExportFenceCreateInfo *export =
      vp_chain_find(a->pCreateInfo->pNext, VK_STRUCTURE_TYPE_EXPORT_FENCE_CREATE_INFO);
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pFence);

   if (object && export && (export->handleTypes & OPAQUE_FENCE))
      object->state = &lent_fence;
}

void vps_handle_vkExportFenceVP(struct vps_context *ctx, struct vp_cmd_vkExportFenceVP *a)
{
   const struct vps_device *device = ctx->used[0]->device;
   const VkFenceGetFdInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_FENCE_GET_FD_INFO_KHR, .fence = a->fence, .handleType = OPAQUE_FENCE};
   int fd = -1;

   *a->pToken = (VkTokenVP){0};
   if (!ctx->used[1]->state || !device->functions.GetFenceFdKHR) {
      vps_fail(ctx, "the fence was not created to be exported");
      return;
   }
   a->ret = device->functions.GetFenceFdKHR(device->handle, &info, &fd);
   if (a->ret < 0)
      return;
   const struct vps_share_facts facts = facts_of(ctx, VPS_SHARE_FENCE, 0, 0);
   a->ret = vps_sharing_lend(ctx, &facts, 0, fd, a->pToken);
}

void vps_handle_vkImportFenceVP(struct vps_context *ctx, struct vp_cmd_vkImportFenceVP *a)
{
   const struct vps_device *device = ctx->used[0]->device;
   const struct vps_share_facts facts = facts_of(ctx, VPS_SHARE_FENCE, 0, 0);
   VkImportFenceFdInfoKHR info = {.sType = VK_STRUCTURE_TYPE_IMPORT_FENCE_FD_INFO_KHR,
                                  .fence = a->fence,
                                  .flags = a->temporary ? VK_FENCE_IMPORT_TEMPORARY_BIT : 0,
                                  .handleType = OPAQUE_FENCE};

   if (!device->functions.ImportFenceFdKHR) {
      vps_missing_function(ctx);
      return;
   }
   *a->pReason = vps_sharing_borrow(ctx, &facts, a->pToken, &info.fd);
   if (*a->pReason != VPS_SHARE_OK) {
      a->ret = result_of((enum vps_share_answer) * a->pReason);
      return;
   }
   a->ret = device->functions.ImportFenceFdKHR(device->handle, &info);
   if (a->ret < 0) {
      close(info.fd);
      *a->pReason = VPS_SHARE_DRIVER;
   }
}

void vps_handle_vkSignalFenceVP(struct vps_context *ctx, struct vp_cmd_vkSignalFenceVP *a)
{
   struct vps_queue *queue = ctx->used[0]->state;

   if (!queue || atomic_load(&queue->device->lost))
      return;
   pthread_mutex_lock(&queue->handle_lock);
   const VkResult result = queue->device->functions.QueueSubmit(queue->handle, 0, NULL, a->fence);
   pthread_mutex_unlock(&queue->handle_lock);
   if (result < 0)
      vps_queue_lose_device(queue, "a shared fence cannot be signalled", result);
}

void vps_handle_vkAwaitExecutionVP(struct vps_context *ctx, struct vp_cmd_vkAwaitExecutionVP *a)
{
   (void)ctx;
   (void)a;
}
