/* SPDX-License-Identifier: MIT */

/* Swapchains, whose images are ordinary ones on the server. vkAcquireNextImageKHR gives the one that was presented
 * longest ago, as soon as it is copied and there is room for another frame on the way. */

#include "client/wsi/swapchain.h"

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/list_query.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/memory/resource.h"
#include "client/sync/fence.h"
#include "client/sync/queue.h"
#include "client/sync/semaphore.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "client/wsi/surface.h"

#define SWAPCHAIN(handle) VP_FROM_HANDLE(struct vp_swapchain, handle)

/* Of JPEG pictures. */
#define QUALITY_AUTO 90
#define QUALITY_FAST 75

/* --- images --- */

/* The server copies them, and other images may be bound to their memory. */
#define OUR_FLAGS VK_IMAGE_CREATE_ALIAS_BIT
#define OUR_USAGE VK_IMAGE_USAGE_TRANSFER_SRC_BIT

VkImageCreateInfo vp_swapchain_like(const VkImageCreateInfo *info)
{
   const VkImageSwapchainCreateInfoKHR *swapchain =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR);
   VkImageCreateInfo image = *info;
   if (swapchain && swapchain->swapchain) {
      image.flags |= OUR_FLAGS;
      image.usage |= OUR_USAGE;
   }
   return image;
}

static VkImageCreateInfo image_info(const VkSwapchainCreateInfoKHR *info)
{
   VkImageCreateInfo image = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = OUR_FLAGS,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = info->imageFormat,
      .extent = {info->imageExtent.width, info->imageExtent.height, 1},
      .mipLevels = 1,
      .arrayLayers = info->imageArrayLayers,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = info->imageUsage | OUR_USAGE,
      .sharingMode = info->imageSharingMode,
      .queueFamilyIndexCount = info->queueFamilyIndexCount,
      .pQueueFamilyIndices = info->pQueueFamilyIndices,
      .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
   };
   if (info->flags & VK_SWAPCHAIN_CREATE_MUTABLE_FORMAT_BIT_KHR)
      image.flags |= VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT | VK_IMAGE_CREATE_EXTENDED_USAGE_BIT;
   return image;
}

/* The first one on the GPU. Later ones have more to them, such as a small window of the CPU's, or no caches. */
static uint32_t find_memory_type(const struct vp_device *device, uint32_t allowed)
{
   const VkPhysicalDeviceMemoryProperties *memory = &device->physical_device->memory.memoryProperties;
   uint32_t any = 0, local = UINT32_MAX;
   for (uint32_t i = memory->memoryTypeCount; i-- > 0;) {
      if (!(allowed >> i & 1))
         continue;
      any = i;
      if (memory->memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT)
         local = i;
   }
   return local == UINT32_MAX ? any : local;
}

static VkResult allocate_images(VkDevice device, struct vp_swapchain_image *image)
{
   VkMemoryDedicatedRequirements dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   VkMemoryRequirements2 requirements = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated};
   const VkImageMemoryRequirementsInfo2 about = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2,
      .image = image->handle,
   };
   vp_vkGetImageMemoryRequirements2(device, &about, &requirements);
   const VkMemoryDedicatedAllocateInfo dedication = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
      .image = image->handle,
   };
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = dedicated.requiresDedicatedAllocation ? &dedication : NULL,
      .allocationSize = requirements.memoryRequirements.size,
      .memoryTypeIndex =
         find_memory_type(vp_device_from_handle(device), requirements.memoryRequirements.memoryTypeBits),
   };
   return vp_vkAllocateMemory(device, &info, NULL, &image->memory);
}

static VkResult create_image(VkDevice device, const VkImageCreateInfo *info, struct vp_swapchain_image *image)
{
   VkResult result = vp_vkCreateImage(device, info, NULL, &image->handle);
   if (result == VK_SUCCESS)
      result = allocate_images(device, image);
   if (result == VK_SUCCESS)
      result = vp_vkBindImageMemory(device, image->handle, image->memory, 0);
   return result;
}

static VkResult create_images(struct vp_swapchain *swapchain, const VkSwapchainCreateInfoKHR *info)
{
   VkImageCreateInfo image = image_info(info);
   VkImageFormatListCreateInfo list;
   const VkImageFormatListCreateInfo *formats =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO);
   if (formats) {
      list = *formats;
      list.pNext = NULL;
      image.pNext = &list;
   }
   VkResult result = VK_SUCCESS;
   swapchain->image_count = info->minImageCount;
   for (uint32_t i = 0; i < swapchain->image_count && result == VK_SUCCESS; i++)
      result = create_image(VP_TO_HANDLE(VkDevice, swapchain->device), &image, &swapchain->images[i]);
   return result;
}

static void destroy_images(struct vp_swapchain *swapchain)
{
   VkDevice device = VP_TO_HANDLE(VkDevice, swapchain->device);
   for (uint32_t i = 0; i < swapchain->image_count; i++) {
      vp_vkDestroyImage(device, swapchain->images[i].handle, NULL);
      vp_vkFreeMemory(device, swapchain->images[i].memory, NULL);
   }
}

/* --- creation --- */

/* What codecs for the eye can make of its pixels: 8 bits for a colour, and nothing behind the window is seen. */
static bool can_be_lossy(const VkSwapchainCreateInfoKHR *info)
{
   switch ((uint32_t)info->imageFormat) {
   case VK_FORMAT_B8G8R8A8_SRGB:
   case VK_FORMAT_B8G8R8A8_UNORM:
   case VK_FORMAT_R8G8B8A8_SRGB:
   case VK_FORMAT_R8G8B8A8_UNORM:
      return info->compositeAlpha == VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
   default:
      return false;
   }
}

static VkResult create_swapchain_on_server(struct vp_swapchain *swapchain, const VkSwapchainCreateInfoKHR *info)
{
   VkImage images[VP_MAX_SWAPCHAIN_IMAGES];
   for (uint32_t i = 0; i < swapchain->image_count; i++)
      images[i] = swapchain->images[i].handle;
   const enum vp_present_policy policy = swapchain->device->physical_device->instance->config.present;
   const bool lossy = policy != VP_POLICY_LOSSLESS && can_be_lossy(info);
   const VkSwapchainInfoVP about = {
      .extent = info->imageExtent,
      .codecs = vp_presenter_codecs(swapchain->surface, lossy),
      .quality = policy == VP_POLICY_FAST ? QUALITY_FAST : QUALITY_AUTO,
      .alwaysLossy = policy == VP_POLICY_FAST,
      .imageCount = swapchain->image_count,
      .pImages = images,
   };
   VkSwapchainKHR handle = VP_TO_HANDLE(VkSwapchainKHR, swapchain);
   struct vp_cmd_vkCreateSwapchainVP a = {
      .device = VP_TO_HANDLE(VkDevice, swapchain->device), .pInfo = &about, .pSwapchain = &handle};
   const VkResult result = vp_call_vkCreateSwapchainVP(swapchain->device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

/* The server must have been told of the end, if it knows the swapchain. */
static void destroy_swapchain(struct vp_swapchain *swapchain, const VkAllocationCallbacks *allocator)
{
   if (swapchain->surface->swapchain == swapchain)
      swapchain->surface->swapchain = NULL;
   destroy_images(swapchain);
   vp_object_table_remove(&swapchain->device->conn->objects, &swapchain->base); /* nothing more is received for it */
   vp_presenter_destroy(swapchain->presenter);
   vp_object_free(allocator, swapchain);
}

static VkResult fill_swapchain(struct vp_swapchain *swapchain, const VkSwapchainCreateInfoKHR *info)
{
   const struct vp_window_info window = {
      .extent = info->imageExtent,
      .format = info->imageFormat,
      .alpha = info->compositeAlpha,
   };
   VkResult result = vp_presenter_create(swapchain, &window, &swapchain->presenter);
   if (result == VK_SUCCESS)
      result = create_images(swapchain, info);
   if (result == VK_SUCCESS)
      result = create_swapchain_on_server(swapchain, info);
   if (result != VK_SUCCESS && swapchain->presenter)
      vp_presenter_stop(swapchain->presenter);
   return result;
}

static bool is_sane(const VkSwapchainCreateInfoKHR *info)
{
   return info->minImageCount && info->minImageCount <= VP_MAX_SWAPCHAIN_IMAGES && info->imageExtent.width &&
          info->imageExtent.height && info->imageExtent.width <= VP_PICTURE_MAX &&
          info->imageExtent.height <= VP_PICTURE_MAX;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateSwapchainKHR(VkDevice handle, const VkSwapchainCreateInfoKHR *pCreateInfo,
                                                       const VkAllocationCallbacks *pAllocator,
                                                       VkSwapchainKHR *pSwapchain)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, device->allocator);
   struct vp_surface *surface = VP_FROM_HANDLE(struct vp_surface, pCreateInfo->surface);
   struct vp_swapchain *old = SWAPCHAIN(pCreateInfo->oldSwapchain);
   if (old)
      old->retired = true; /* whatever happens now */
   if (surface->swapchain && surface->swapchain != old)
      return VK_ERROR_NATIVE_WINDOW_IN_USE_KHR;
   surface->swapchain = NULL;
   if (!is_sane(pCreateInfo))
      return VK_ERROR_INITIALIZATION_FAILED;
   struct vp_swapchain *swapchain =
      vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_SWAPCHAIN_KHR, sizeof(*swapchain));
   if (!swapchain)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   swapchain->device = device;
   swapchain->surface = surface;
   swapchain->mode = pCreateInfo->presentMode;
   const VkResult result = fill_swapchain(swapchain, pCreateInfo);
   if (result != VK_SUCCESS) {
      destroy_swapchain(swapchain, allocator);
      return result;
   }
   surface->swapchain = swapchain;
   *pSwapchain = VP_TO_HANDLE(VkSwapchainKHR, swapchain);
   return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroySwapchainKHR(VkDevice handle, VkSwapchainKHR swapchain_handle,
                                                    const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_swapchain *swapchain = SWAPCHAIN(swapchain_handle);
   if (!swapchain)
      return;
   vp_presenter_stop(swapchain->presenter);
   const struct vp_cmd_vkDestroySwapchainVP a = {.device = handle, .swapchain = swapchain_handle};
   vp_send_vkDestroySwapchainVP(device->conn, &a);
   destroy_swapchain(swapchain, vp_allocator(pAllocator, device->allocator));
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetSwapchainImagesKHR(VkDevice device, VkSwapchainKHR handle, uint32_t *pCount,
                                                          VkImage *pImages)
{
   const struct vp_swapchain *swapchain = SWAPCHAIN(handle);
   struct vp_list_query list;
   (void)device;
   vp_list_query_begin(&list, pCount, pImages != NULL);
   for (uint32_t i = 0; i < swapchain->image_count; i++) {
      if (vp_list_query_next(&list))
         pImages[i] = swapchain->images[i].handle;
   }
   return vp_list_query_end(&list);
}

VkDeviceMemory vp_swapchain_memory(VkSwapchainKHR handle, uint32_t index)
{
   return SWAPCHAIN(handle)->images[index].memory;
}

/* --- acquiring --- */

/* So many frames may be on their way to the display: what a program that runs ahead of it shows is older with each. On
 * other drivers it is the same without a network, since one image is always on the display. */
static bool has_room(struct vp_swapchain *swapchain)
{
   const uint32_t usual = swapchain->image_count > 2 ? swapchain->image_count - 1 : 2;
   return vp_pacing_has_room(&swapchain->pacing, usual, swapchain->presented - swapchain->settled);
}

/* With the progress lock. */
static bool is_copied(const struct vp_swapchain_image *image)
{
   return !image->queue || vp_queue_is_complete(image->queue, image->serial);
}

/* What the server still has to copy is not free, unless everything that may be done with it comes after that: the copy
 * is followed by a barrier for all that its queue does later. In FIFO modes not much does. With the progress lock. */
static bool is_free(const struct vp_swapchain *swapchain, const struct vp_swapchain_image *image)
{
   const bool ordered = swapchain->device->queue_count == 1 && vp_present_mode_is_fifo(swapchain->mode);
   return !image->acquired && (ordered || is_copied(image));
}

/* The one that was presented longest ago. With the progress lock. */
static struct vp_swapchain_image *find_free(struct vp_swapchain *swapchain)
{
   struct vp_swapchain_image *found = NULL;
   if (vp_present_mode_is_fifo(swapchain->mode) && !has_room(swapchain))
      return NULL;
   for (uint32_t i = 0; i < swapchain->image_count; i++) {
      struct vp_swapchain_image *image = &swapchain->images[i];
      if (is_free(swapchain, image) && (!found || image->frame < found->frame))
         found = image;
   }
   return found;
}

struct acquisition {
   struct vp_swapchain *swapchain;
   struct vp_swapchain_image **image;
   VkResult *status;
};

/* With the progress lock. */
static bool is_decided(const void *data)
{
   const struct acquisition *acquisition = data;
   *acquisition->status = acquisition->swapchain->status;
   *acquisition->image = find_free(acquisition->swapchain);
   return *acquisition->status < 0 || *acquisition->image;
}

/* For the queue, what the semaphore of an acquisition waits for has happened; for the host it may not yet have. */
static VkResult signal_acquired(struct vp_device *device, const struct vp_swapchain_image *image, VkSemaphore semaphore,
                                VkFence fence)
{
   if (fence && is_copied(image))
      vp_fence_signal(device->conn, VP_FROM_HANDLE(struct vp_fence, fence));
   else if (fence)
      vp_fence_set_pending(VP_FROM_HANDLE(struct vp_fence, fence), image->queue, image->serial);
   if (fence)
      vp_fence_signal_real(image->queue ? image->queue : device->queues[0], VP_FROM_HANDLE(struct vp_fence, fence));
   if (!semaphore)
      return VK_SUCCESS;
   const struct vp_cmd_vkSignalBinarySemaphoreVP a = {.device = VP_TO_HANDLE(VkDevice, device), .semaphore = semaphore};
   const VkResult result = vp_send_vkSignalBinarySemaphoreVP(device->conn, &a);
   return result == VK_SUCCESS && VP_FROM_HANDLE(struct vp_semaphore, semaphore)->lent
             ? vp_device_await_execution(device)
             : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkAcquireNextImage2KHR(VkDevice handle, const VkAcquireNextImageInfoKHR *pInfo,
                                                         uint32_t *pImageIndex)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_swapchain *swapchain = SWAPCHAIN(pInfo->swapchain);
   struct vp_swapchain_image *image;
   VkResult status;
   if (swapchain->retired)
      return VK_ERROR_OUT_OF_DATE_KHR;
   const struct acquisition acquisition = {swapchain, &image, &status};
   VkResult result = vp_device_wait(device, is_decided, &acquisition, pInfo->timeout);
   if (result == VK_TIMEOUT && !pInfo->timeout)
      return VK_NOT_READY;
   if (result != VK_SUCCESS)
      return result;
   if (status < 0)
      return status;
   if (VP_FROM_HANDLE(struct vp_object, image->handle)->error)
      return (VkResult)VP_FROM_HANDLE(struct vp_object, image->handle)->error;
   result = signal_acquired(device, image, pInfo->semaphore, pInfo->fence);
   if (result != VK_SUCCESS)
      return result;
   image->acquired = true;
   *pImageIndex = (uint32_t)(image - swapchain->images);
   return status;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkAcquireNextImageKHR(VkDevice device, VkSwapchainKHR swapchain, uint64_t timeout,
                                                        VkSemaphore semaphore, VkFence fence, uint32_t *pImageIndex)
{
   const VkAcquireNextImageInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_ACQUIRE_NEXT_IMAGE_INFO_KHR,
      .swapchain = swapchain,
      .timeout = timeout,
      .semaphore = semaphore,
      .fence = fence,
      .deviceMask = 1,
   };
   return vp_vkAcquireNextImage2KHR(device, &info, pImageIndex);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkReleaseSwapchainImagesEXT(VkDevice device,
                                                              const VkReleaseSwapchainImagesInfoEXT *pReleaseInfo)
{
   struct vp_swapchain *swapchain = SWAPCHAIN(pReleaseInfo->swapchain);
   (void)device;
   for (uint32_t i = 0; i < pReleaseInfo->imageIndexCount; i++)
      swapchain->images[pReleaseInfo->pImageIndices[i]].acquired = false;
   return VK_SUCCESS;
}
