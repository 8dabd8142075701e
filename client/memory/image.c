/* SPDX-License-Identifier: MIT */

/* Images: the first that is created in some way waits for its result and its memory requirements, all others that are
 * alike do not. */

#include <stdlib.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/memory/device_memory.h"
#include "client/memory/resource.h"
#include "client/memory/share_memory.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

struct vp_resource_kind *vp_image_kind(struct vp_device *device, const VkImageCreateInfo *info)
{
   struct vp_cmd_vkCreateImage a = {.device = VP_TO_HANDLE(VkDevice, device), .pCreateInfo = info};
   struct vp_encoder request;
   if (!vp_encoder_init(&request))
      return NULL;
   request.peer = &device->conn->server.codec;
   vp_request_vkCreateImage(&request, 0, &a);
   struct vp_resource_kind *kind = vp_resource_kind_get(&device->kinds, &request);
   vp_encoder_finish(&request);
   return kind;
}

/* The first image of a kind waits for its result, and asks for the requirements in the same exchange, since they are
 * what a program wants to know next. (Those of disjoint images are asked for each plane.) */
static VkResult create_first_image(struct vp_device *device, struct vp_cmd_vkCreateImage *a, struct vp_resource *image)
{
   struct vp_connection *conn = device->conn;
   const VkImageMemoryRequirementsInfo2 info = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2,
                                                .image = *a->pImage};
   VkMemoryDedicatedRequirements dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   VkMemoryRequirements2 answer = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated};
   struct vp_cmd_vkGetImageMemoryRequirements2 question = {
      .device = a->device, .pInfo = &info, .pMemoryRequirements = &answer};
   const bool ask = !(a->pCreateInfo->flags & VK_IMAGE_CREATE_DISJOINT_BIT);
   struct vp_call calls[2];
   vp_request_vkCreateImage(vp_call_begin(conn), 1, a);
   const bool asked = vp_call_queue(conn, &calls[0]) == VK_SUCCESS && ask;
   if (asked) {
      vp_request_vkGetImageMemoryRequirements2(vp_call_begin(conn), 1, &question);
      vp_call_queue(conn, &calls[1]);
   }
   VkResult result = vp_call_wait(conn, &calls[0], VP_CMD_vkCreateImage);
   if (result == VK_SUCCESS) {
      vp_reply_vkCreateImage(&calls[0].dec, a);
      result = a->ret;
   }
   vp_call_end(conn, &calls[0]);
   if (asked && vp_call_wait(conn, &calls[1], UINT32_MAX) == VK_SUCCESS)
      vp_reply_vkGetImageMemoryRequirements2(&calls[1].dec, &question);
   const bool answered = asked && vp_call_end(conn, &calls[1]) == VK_SUCCESS;
   if (result == VK_SUCCESS)
      vp_resource_set_made(&device->kinds, image);
   if (result == VK_SUCCESS && answered && answer.memoryRequirements.size)
      vp_resource_remember(&device->kinds, image, 0, &answer.memoryRequirements, &dedicated);
   return result;
}

void *vp_make_vkCreateImage(struct vp_device *device, const VkAllocationCallbacks *allocator,
                            const VkImageCreateInfo *given)
{
   const VkImageCreateInfo info = vp_swapchain_like(given);
   struct vp_image *image = vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_IMAGE, sizeof(*image));
   if (!image)
      return NULL;
   image->format = info.format;
   image->usage = info.usage;
   image->layers = info.arrayLayers;
   image->resource.lent = vp_image_is_lent(&info);
   image->resource.kind = vp_image_kind(device, &info);
   if (!image->resource.kind) {
      vp_object_destroy(&device->conn->objects, allocator, image);
      return NULL;
   }
   return image;
}

VkResult vp_say_vkCreateImage(struct vp_device *device, void *object, struct vp_cmd_vkCreateImage *a)
{
   const VkImageCreateInfo info = vp_swapchain_like(a->pCreateInfo);
   struct vp_cmd_vkCreateImage like = {.device = a->device, .pCreateInfo = &info, .pImage = a->pImage};
   struct vp_image *image = object;
   return vp_resource_is_made(&device->kinds, &image->resource) ? vp_try_vkCreateImage(device, false, &like)
                                                                : create_first_image(device, &like, &image->resource);
}

/* An image of several parts, each with its memory, does not count as hidden. */
static void note_image_binding(const VkBindImageMemoryInfo *info)
{
   struct vp_resource *resource = VP_FROM_HANDLE(struct vp_resource, info->image);
   resource->hidden = VP_FROM_HANDLE(struct vp_device_memory, info->memory)->hidden &&
                      !vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_BIND_IMAGE_PLANE_MEMORY_INFO);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkBindImageMemory(VkDevice handle, VkImage image, VkDeviceMemory memory,
                                                    VkDeviceSize memoryOffset)
{
   const VkBindImageMemoryInfo info = {.image = image, .memory = memory};
   const struct vp_cmd_vkBindImageMemory a = {
      .device = handle, .image = image, .memory = memory, .memoryOffset = memoryOffset};
   note_image_binding(&info);
   return vp_send_vkBindImageMemory(vp_device_from_handle(handle)->conn, &a);
}

static VkResult say_images_bound(uint32_t count, const VkBindImageMemoryInfo *infos, VkResult result)
{
   for (uint32_t i = 0; i < count; i++)
      vp_resource_say_bound(infos[i].pNext, result);
   return result;
}

/* An image can be bound to what an image of a swapchain is bound to; on the server that is a memory like any other. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkBindImageMemory2(VkDevice handle, uint32_t bindInfoCount,
                                                     const VkBindImageMemoryInfo *pBindInfos)
{
   VkBindImageMemoryInfo *infos = calloc((size_t)bindInfoCount + 1, sizeof(*infos));
   if (!infos)
      return say_images_bound(bindInfoCount, pBindInfos, VK_ERROR_OUT_OF_HOST_MEMORY);
   for (uint32_t i = 0; i < bindInfoCount; i++) {
      const VkBindImageMemorySwapchainInfoKHR *swapchain =
         vp_chain_find(pBindInfos[i].pNext, VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR);
      infos[i] = pBindInfos[i];
      if (swapchain && swapchain->swapchain) {
         infos[i].memory = vp_swapchain_memory(swapchain->swapchain, swapchain->imageIndex);
         infos[i].memoryOffset = 0;
      }
      note_image_binding(&infos[i]);
   }
   struct vp_cmd_vkBindImageMemory2 a = {.device = handle, .bindInfoCount = bindInfoCount, .pBindInfos = infos};
   say_images_bound(bindInfoCount, pBindInfos, VK_SUCCESS); /* the statuses are sent, too */
   const VkResult result = vp_try_vkBindImageMemory2(vp_device_from_handle(handle), false, &a);
   free(infos);
   return say_images_bound(bindInfoCount, pBindInfos, result);
}

/* 0 for the image, 1 to 3 for a plane of a disjoint one. */
static unsigned plane_of(const VkImageMemoryRequirementsInfo2 *info)
{
   const VkImagePlaneMemoryRequirementsInfo *plane =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_IMAGE_PLANE_MEMORY_REQUIREMENTS_INFO);
   if (!plane)
      return 0;
   switch ((uint32_t)plane->planeAspect) {
   case VK_IMAGE_ASPECT_PLANE_0_BIT:
      return 1;
   case VK_IMAGE_ASPECT_PLANE_1_BIT:
      return 2;
   case VK_IMAGE_ASPECT_PLANE_2_BIT:
      return 3;
   default:
      return 0;
   }
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetImageMemoryRequirements2(VkDevice handle,
                                                            const VkImageMemoryRequirementsInfo2 *pInfo,
                                                            VkMemoryRequirements2 *pMemoryRequirements)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_resource *image = VP_FROM_HANDLE(struct vp_resource, pInfo->image);
   const unsigned plane = plane_of(pInfo);
   if (vp_resource_answer(device, image, plane, pMemoryRequirements))
      return;
   VkMemoryDedicatedRequirements dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   VkMemoryRequirements2 answer = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated};
   struct vp_cmd_vkGetImageMemoryRequirements2 a = {.device = handle, .pInfo = pInfo, .pMemoryRequirements = &answer};
   if (vp_call_vkGetImageMemoryRequirements2(device->conn, &a) == VK_SUCCESS && answer.memoryRequirements.size)
      vp_resource_remember(&device->kinds, image, plane, &answer.memoryRequirements, &dedicated);
   else /* there is no such image, or no server */
      answer.memoryRequirements = (VkMemoryRequirements){.size = 1, .alignment = 1};
   if (image->lent)
      vp_memory_requirements_lend(device, &answer.memoryRequirements);
   vp_memory_requirements_fill(pMemoryRequirements, &answer.memoryRequirements, &dedicated);
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetImageMemoryRequirements(VkDevice device, VkImage image,
                                                           VkMemoryRequirements *pMemoryRequirements)
{
   const VkImageMemoryRequirementsInfo2 info = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2,
                                                .image = image};
   VkMemoryRequirements2 requirements = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
   vp_vkGetImageMemoryRequirements2(device, &info, &requirements);
   *pMemoryRequirements = requirements.memoryRequirements;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetDeviceImageMemoryRequirements(VkDevice handle,
                                                                 const VkDeviceImageMemoryRequirements *pInfo,
                                                                 VkMemoryRequirements2 *pMemoryRequirements)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_cmd_vkGetDeviceImageMemoryRequirements a = {
      .device = handle, .pInfo = pInfo, .pMemoryRequirements = pMemoryRequirements};
   vp_ask_vkGetDeviceImageMemoryRequirements(&device->cache, device->conn, &a);
   if (vp_image_is_lent(pInfo->pCreateInfo))
      vp_memory_requirements_lend(device, &pMemoryRequirements->memoryRequirements);
}
