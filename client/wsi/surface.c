/* SPDX-License-Identifier: MIT */

/* Surfaces and what is asked of them: extents and formats come from the window, and are offered where the GPU can
 * render to the format and copy from it. */

#include "client/wsi/surface.h"

#include <stdlib.h>
#include <vulkan/vk_icd.h>

#include "client/core/chain.h"
#include "client/core/instance.h"
#include "client/core/list_query.h"
#include "client/core/physical_device.h"
#include "client/vp_entry.h"
#include "client/wsi/swapchain.h"

#define SURFACE(handle) VP_FROM_HANDLE(struct vp_surface, handle)

bool vp_wsi_offers(int extension)
{
   switch (extension) {
   case VP_EXT_VK_KHR_xcb_surface:
      return vp_config_is_there() && vp_xcb_is_usable();
   case VP_EXT_VK_KHR_xlib_surface:
      return vp_config_is_there() && vp_xlib_is_usable();
   case VP_EXT_VK_KHR_wayland_surface:
      return vp_config_is_there() && vp_wayland_is_usable();
   default:
      return true;
   }
}

bool vp_wsi_queue_can_present(VkQueueFlags flags)
{
   return flags & (VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT);
}

/* --- creation --- */

static struct vp_surface *create_surface(const struct vp_instance *instance, const VkAllocationCallbacks *callbacks,
                                         const struct vp_window_class *class, VkSurfaceKHR *handle)
{
   struct vp_surface *surface =
      vp_alloc(vp_allocator(callbacks, instance->allocator), sizeof(*surface), VK_SYSTEM_ALLOCATION_SCOPE_OBJECT);
   if (!surface)
      return NULL;
   surface->base.loader_data = ICD_LOADER_MAGIC;
   surface->base.type = VK_OBJECT_TYPE_SURFACE_KHR;
   surface->class = class;
   *handle = VP_TO_HANDLE(VkSurfaceKHR, surface);
   return surface;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateHeadlessSurfaceEXT(VkInstance instance,
                                                             const VkHeadlessSurfaceCreateInfoEXT *pCreateInfo,
                                                             const VkAllocationCallbacks *pAllocator,
                                                             VkSurfaceKHR *pSurface)
{
   (void)pCreateInfo;
   return create_surface(VP_FROM_HANDLE(struct vp_instance, instance), pAllocator, &vp_headless_class, pSurface)
             ? VK_SUCCESS
             : VK_ERROR_OUT_OF_HOST_MEMORY;
}

static VkResult create_x11_surface(VkInstance instance, const VkAllocationCallbacks *callbacks,
                                   xcb_connection_t *connection, xcb_window_t window, VkSurfaceKHR *handle)
{
   struct vp_surface *surface =
      create_surface(VP_FROM_HANDLE(struct vp_instance, instance), callbacks, &vp_x11_class, handle);
   if (!surface)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   surface->x11.connection = connection;
   surface->x11.window = window;
   return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateXcbSurfaceKHR(VkInstance instance,
                                                        const VkXcbSurfaceCreateInfoKHR *pCreateInfo,
                                                        const VkAllocationCallbacks *pAllocator, VkSurfaceKHR *pSurface)
{
   return create_x11_surface(instance, pAllocator, pCreateInfo->connection, pCreateInfo->window, pSurface);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateXlibSurfaceKHR(VkInstance instance,
                                                         const VkXlibSurfaceCreateInfoKHR *pCreateInfo,
                                                         const VkAllocationCallbacks *pAllocator,
                                                         VkSurfaceKHR *pSurface)
{
   return create_x11_surface(instance, pAllocator, vp_xlib_connection(pCreateInfo->dpy),
                             (xcb_window_t)pCreateInfo->window, pSurface);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateWaylandSurfaceKHR(VkInstance instance,
                                                            const VkWaylandSurfaceCreateInfoKHR *pCreateInfo,
                                                            const VkAllocationCallbacks *pAllocator,
                                                            VkSurfaceKHR *pSurface)
{
   struct vp_surface *surface =
      create_surface(VP_FROM_HANDLE(struct vp_instance, instance), pAllocator, &vp_wayland_class, pSurface);
   if (!surface)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   surface->wayland.display = pCreateInfo->display;
   surface->wayland.surface = pCreateInfo->surface;
   return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroySurfaceKHR(VkInstance instance, VkSurfaceKHR surface,
                                                  const VkAllocationCallbacks *pAllocator)
{
   if (surface)
      vp_object_free(vp_allocator(pAllocator, VP_FROM_HANDLE(struct vp_instance, instance)->allocator),
                     SURFACE(surface));
}

/* --- which queues --- */

static VkBool32 can_present(VkPhysicalDevice handle, uint32_t family)
{
   const struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, handle);
   return family < gpu->queue_family_count &&
          vp_wsi_queue_can_present(gpu->queue_families[family].queueFamilyProperties.queueFlags);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceSurfaceSupportKHR(VkPhysicalDevice gpu, uint32_t family,
                                                                       VkSurfaceKHR surface, VkBool32 *pSupported)
{
   (void)surface;
   *pSupported = can_present(gpu, family);
   return VK_SUCCESS;
}

VKAPI_ATTR VkBool32 VKAPI_CALL vp_vkGetPhysicalDeviceXcbPresentationSupportKHR(VkPhysicalDevice gpu, uint32_t family,
                                                                               xcb_connection_t *connection,
                                                                               xcb_visualid_t visual)
{
   (void)connection, (void)visual;
   return can_present(gpu, family);
}

VKAPI_ATTR VkBool32 VKAPI_CALL vp_vkGetPhysicalDeviceXlibPresentationSupportKHR(VkPhysicalDevice gpu, uint32_t family,
                                                                                Display *display, VisualID visual)
{
   (void)display, (void)visual;
   return can_present(gpu, family);
}

VKAPI_ATTR VkBool32 VKAPI_CALL vp_vkGetPhysicalDeviceWaylandPresentationSupportKHR(VkPhysicalDevice gpu,
                                                                                   uint32_t family,
                                                                                   struct wl_display *display)
{
   (void)display;
   return can_present(gpu, family);
}

/* --- capabilities --- */

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceSurfaceCapabilitiesKHR(VkPhysicalDevice handle,
                                                                            VkSurfaceKHR surface_handle,
                                                                            VkSurfaceCapabilitiesKHR *pCapabilities)
{
   const struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, handle);
   const struct vp_surface *surface = SURFACE(surface_handle);
   const uint32_t limit = gpu->properties.properties.limits.maxImageDimension2D;
   const uint32_t most = limit < VP_PICTURE_MAX ? limit : VP_PICTURE_MAX;
   VkExtent2D extent;
   const VkResult result = surface->class->get_extent(surface, &extent);
   if (result != VK_SUCCESS)
      return result;
   const bool fixed = extent.width != UINT32_MAX;
   *pCapabilities = (VkSurfaceCapabilitiesKHR){
      .minImageCount = surface->class->min_images,
      .maxImageCount = VP_MAX_SWAPCHAIN_IMAGES,
      .currentExtent = extent,
      .minImageExtent = fixed ? extent : (VkExtent2D){1, 1},
      .maxImageExtent = fixed ? extent : (VkExtent2D){most, most},
      .maxImageArrayLayers = 1,
      .supportedTransforms = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
      .currentTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
      .supportedCompositeAlpha = surface->class->alphas,
      .supportedUsageFlags = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT |
                             VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_STORAGE_BIT |
                             VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT,
   };
   return VK_SUCCESS;
}

/* A swapchain can change between all modes of its surface. */
static VkResult list_modes(const struct vp_surface *surface, uint32_t *count, VkPresentModeKHR *modes)
{
   struct vp_list_query list;
   vp_list_query_begin(&list, count, modes != NULL);
   for (uint32_t i = 0; i < surface->class->mode_count; i++) {
      if (vp_list_query_next(&list))
         modes[list.written - 1] = surface->class->modes[i];
   }
   return vp_list_query_end(&list);
}

static void list_compatible_modes(const struct vp_surface *surface, VkSurfacePresentModeCompatibilityEXT *out)
{
   list_modes(surface, &out->presentModeCount, out->pPresentModes);
}

#ifdef VK_NV_low_latency2

static void list_latency_modes(const struct vp_surface *surface, VkLatencySurfaceCapabilitiesNV *out)
{
   list_modes(surface, &out->presentModeCount, out->pPresentModes);
}

#endif

/* Pictures are never scaled. */
static void describe_scaling(const VkSurfaceCapabilitiesKHR *capabilities, VkSurfacePresentScalingCapabilitiesEXT *out)
{
   out->supportedPresentScaling = 0;
   out->supportedPresentGravityX = 0;
   out->supportedPresentGravityY = 0;
   out->minScaledImageExtent = capabilities->minImageExtent;
   out->maxScaledImageExtent = capabilities->maxImageExtent;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceSurfaceCapabilities2KHR(
   VkPhysicalDevice gpu, const VkPhysicalDeviceSurfaceInfo2KHR *pInfo, VkSurfaceCapabilities2KHR *pCapabilities)
{
   const VkResult result =
      vp_vkGetPhysicalDeviceSurfaceCapabilitiesKHR(gpu, pInfo->surface, &pCapabilities->surfaceCapabilities);
   if (result != VK_SUCCESS)
      return result;
   for (VkBaseOutStructure *node = pCapabilities->pNext; node; node = node->pNext) {
      switch ((uint32_t)node->sType) {
      case VK_STRUCTURE_TYPE_SURFACE_PROTECTED_CAPABILITIES_KHR:
         ((VkSurfaceProtectedCapabilitiesKHR *)node)->supportsProtected = VK_FALSE;
         break;
      case VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_COMPATIBILITY_EXT:
         list_compatible_modes(SURFACE(pInfo->surface), (VkSurfacePresentModeCompatibilityEXT *)node);
         break;
      case VK_STRUCTURE_TYPE_SURFACE_PRESENT_SCALING_CAPABILITIES_EXT:
         describe_scaling(&pCapabilities->surfaceCapabilities, (VkSurfacePresentScalingCapabilitiesEXT *)node);
         break;
#ifdef VK_KHR_present_id2
      case VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_PRESENT_ID_2_KHR:
         ((VkSurfaceCapabilitiesPresentId2KHR *)node)->presentId2Supported = VK_TRUE;
         break;
#endif
#ifdef VK_KHR_present_wait2
      case VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_PRESENT_WAIT_2_KHR:
         ((VkSurfaceCapabilitiesPresentWait2KHR *)node)->presentWait2Supported = VK_TRUE;
         break;
#endif
#ifdef VK_NV_low_latency2
      case VK_STRUCTURE_TYPE_LATENCY_SURFACE_CAPABILITIES_NV:
         list_latency_modes(SURFACE(pInfo->surface), (VkLatencySurfaceCapabilitiesNV *)node);
         break;
#endif
      default:
         break;
      }
   }
   return VK_SUCCESS;
}

/* --- formats and modes --- */

/* The GPU must be able to render to it and to copy from it. */
static bool is_usable_surface(VkPhysicalDevice gpu, VkFormat format)
{
   const VkFormatFeatureFlags needed = VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT | VK_FORMAT_FEATURE_TRANSFER_SRC_BIT;
   VkFormatProperties properties;
   vp_vkGetPhysicalDeviceFormatProperties(gpu, format, &properties);
   return (properties.optimalTilingFeatures & needed) == needed;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceSurfaceFormatsKHR(VkPhysicalDevice gpu, VkSurfaceKHR surface,
                                                                       uint32_t *pCount, VkSurfaceFormatKHR *pFormats)
{
   VkFormat formats[VP_SURFACE_FORMATS];
   const uint32_t count = SURFACE(surface)->class->get_formats(SURFACE(surface), formats);
   struct vp_list_query list;
   if (!count)
      return VK_ERROR_SURFACE_LOST_KHR;
   vp_list_query_begin(&list, pCount, pFormats != NULL);
   for (uint32_t i = 0; i < count; i++) {
      if (is_usable_surface(gpu, formats[i]) && vp_list_query_next(&list))
         pFormats[list.written - 1] = (VkSurfaceFormatKHR){formats[i], VK_COLOR_SPACE_SRGB_NONLINEAR_KHR};
   }
   return vp_list_query_end(&list);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceSurfaceFormats2KHR(VkPhysicalDevice gpu,
                                                                        const VkPhysicalDeviceSurfaceInfo2KHR *pInfo,
                                                                        uint32_t *pCount, VkSurfaceFormat2KHR *pFormats)
{
   VkSurfaceFormatKHR formats[VP_SURFACE_FORMATS];
   uint32_t count = VP_SURFACE_FORMATS;
   struct vp_list_query list;
   const VkResult result = vp_vkGetPhysicalDeviceSurfaceFormatsKHR(gpu, pInfo->surface, &count, formats);
   if (result != VK_SUCCESS)
      return result;
   vp_list_query_begin(&list, pCount, pFormats != NULL);
   for (uint32_t i = 0; i < count; i++) {
      if (vp_list_query_next(&list))
         pFormats[list.written - 1].surfaceFormat = formats[i];
   }
   return vp_list_query_end(&list);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceSurfacePresentModesKHR(VkPhysicalDevice gpu, VkSurfaceKHR surface,
                                                                            uint32_t *pCount, VkPresentModeKHR *pModes)
{
   (void)gpu;
   return list_modes(SURFACE(surface), pCount, pModes);
}

/* --- device groups: each GPU is one of its own --- */

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDevicePresentRectanglesKHR(VkPhysicalDevice gpu,
                                                                          VkSurfaceKHR surface_handle, uint32_t *pCount,
                                                                          VkRect2D *pRectangles)
{
   const struct vp_surface *surface = SURFACE(surface_handle);
   struct vp_list_query list;
   VkExtent2D extent;
   (void)gpu;
   const VkResult result = surface->class->get_extent(surface, &extent);
   if (result != VK_SUCCESS)
      return result;
   vp_list_query_begin(&list, pCount, pRectangles != NULL);
   if (vp_list_query_next(&list))
      pRectangles[0] = (VkRect2D){.extent = extent};
   return vp_list_query_end(&list);
}

VKAPI_ATTR VkResult VKAPI_CALL
vp_vkGetDeviceGroupPresentCapabilitiesKHR(VkDevice device, VkDeviceGroupPresentCapabilitiesKHR *pCapabilities)
{
   (void)device;
   for (uint32_t i = 0; i < VK_MAX_DEVICE_GROUP_SIZE; i++)
      pCapabilities->presentMask[i] = i == 0;
   pCapabilities->modes = VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR;
   return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetDeviceGroupSurfacePresentModesKHR(VkDevice device, VkSurfaceKHR surface,
                                                                         VkDeviceGroupPresentModeFlagsKHR *pModes)
{
   (void)device, (void)surface;
   *pModes = VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR;
   return VK_SUCCESS;
}
