/* SPDX-License-Identifier: MIT */

/* Semaphores and fences that several processes have, by file descriptors of ours. */

#include "client/sync/share_sync.h"

#include <unistd.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/sync/fence.h"
#include "client/sync/semaphore.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/log.h"

#define OPAQUE_SEMAPHORE VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT
#define OPAQUE_FENCE VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT

bool vp_semaphore_may_leave(const VkSemaphoreCreateInfo *info)
{
   const VkExportSemaphoreCreateInfo *export =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO);
   return export && (export->handleTypes & OPAQUE_SEMAPHORE);
}

bool vp_fence_may_leave(const VkFenceCreateInfo *info)
{
   const VkExportFenceCreateInfo *export = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_EXPORT_FENCE_CREATE_INFO);
   return export && (export->handleTypes & OPAQUE_FENCE);
}

/* --- export --- */

static VkResult give_descriptor(struct vp_device *device, enum vp_token_kind kind, const VkTokenVP *token, int *fd)
{
   *fd = vp_exports_add(device->physical_device, kind, token);
   return *fd >= 0 ? VK_SUCCESS : VK_ERROR_TOO_MANY_OBJECTS;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetSemaphoreFdKHR(VkDevice handle, const VkSemaphoreGetFdInfoKHR *pGetFdInfo,
                                                      int *pFd)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_semaphore *semaphore = VP_FROM_HANDLE(struct vp_semaphore, pGetFdInfo->semaphore);
   VkTokenVP token;
   *pFd = -1;
   if (pGetFdInfo->handleType != OPAQUE_SEMAPHORE || !semaphore->may_leave)
      return VK_ERROR_TOO_MANY_OBJECTS;
   vp_exports_sweep(device->physical_device);
   vp_semaphore_lend(device, semaphore);
   struct vp_cmd_vkExportSemaphoreVP a = {.device = handle, .semaphore = pGetFdInfo->semaphore, .pToken = &token};
   const VkResult result = vp_call_vkExportSemaphoreVP(device->conn, &a);
   if (result != VK_SUCCESS || a.ret != VK_SUCCESS)
      return result != VK_SUCCESS ? result : a.ret;
   return give_descriptor(device, VP_TOKEN_SEMAPHORE, &token, pFd);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetFenceFdKHR(VkDevice handle, const VkFenceGetFdInfoKHR *pGetFdInfo, int *pFd)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const struct vp_fence *fence = VP_FROM_HANDLE(struct vp_fence, pGetFdInfo->fence);
   VkTokenVP token;
   *pFd = -1;
   if (pGetFdInfo->handleType != OPAQUE_FENCE || !fence->may_leave)
      return VK_ERROR_TOO_MANY_OBJECTS;
   vp_exports_sweep(device->physical_device);
   device->shares = true;
   struct vp_cmd_vkExportFenceVP a = {.device = handle, .fence = pGetFdInfo->fence, .pToken = &token};
   const VkResult result = vp_call_vkExportFenceVP(device->conn, &a);
   if (result != VK_SUCCESS || a.ret != VK_SUCCESS)
      return result != VK_SUCCESS ? result : a.ret;
   return give_descriptor(device, VP_TOKEN_FENCE, &token, pFd);
}

/* --- import --- */

static bool read_token(int fd, enum vp_token_kind kind, const char *what, VkTokenVP *token)
{
   if (vp_token_read(fd, kind, token))
      return true;
   vp_log(VP_LOG_WARN, "cannot import %s from a file descriptor: it is none of this driver's", what);
   return false;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkImportSemaphoreFdKHR(VkDevice handle,
                                                         const VkImportSemaphoreFdInfoKHR *pImportSemaphoreFdInfo)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkImportSemaphoreFdInfoKHR *info = pImportSemaphoreFdInfo;
   VkTokenVP token;
   uint32_t reason = 0;
   if (info->handleType != OPAQUE_SEMAPHORE || !read_token(info->fd, VP_TOKEN_SEMAPHORE, "a semaphore", &token))
      return VK_ERROR_INVALID_EXTERNAL_HANDLE;
   vp_semaphore_lend(device, VP_FROM_HANDLE(struct vp_semaphore, info->semaphore));
   struct vp_cmd_vkImportSemaphoreVP a = {.device = handle,
                                          .semaphore = info->semaphore,
                                          .temporary = (info->flags & VK_SEMAPHORE_IMPORT_TEMPORARY_BIT) != 0,
                                          .pToken = &token,
                                          .pReason = &reason};
   VkResult result = vp_call_vkImportSemaphoreVP(device->conn, &a);
   result = result != VK_SUCCESS ? result : a.ret;
   if (result == VK_SUCCESS)
      close(info->fd);
   else
      vp_exports_log_refusal(device->physical_device, "a semaphore", reason);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkImportFenceFdKHR(VkDevice handle, const VkImportFenceFdInfoKHR *pImportFenceFdInfo)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkImportFenceFdInfoKHR *info = pImportFenceFdInfo;
   VkTokenVP token;
   uint32_t reason = 0;
   if (info->handleType != OPAQUE_FENCE || !read_token(info->fd, VP_TOKEN_FENCE, "a fence", &token))
      return VK_ERROR_INVALID_EXTERNAL_HANDLE;
   device->shares = true;
   VkResult result = vp_fence_make_real(device, VP_FROM_HANDLE(struct vp_fence, info->fence));
   if (result != VK_SUCCESS)
      return result;
   struct vp_cmd_vkImportFenceVP a = {.device = handle,
                                      .fence = info->fence,
                                      .temporary = (info->flags & VK_FENCE_IMPORT_TEMPORARY_BIT) != 0,
                                      .pToken = &token,
                                      .pReason = &reason};
   result = vp_call_vkImportFenceVP(device->conn, &a);
   result = result != VK_SUCCESS ? result : a.ret;
   if (result == VK_SUCCESS)
      close(info->fd);
   else
      vp_exports_log_refusal(device->physical_device, "a fence", reason);
   return result;
}
