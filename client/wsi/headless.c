/* SPDX-License-Identifier: MIT */

/* A surface that nobody sees: presenting is accounted for, but no picture is sent. */

#include "client/wsi/window.h"

static const VkPresentModeKHR modes[] = {
   VK_PRESENT_MODE_FIFO_KHR,          VK_PRESENT_MODE_FIFO_RELAXED_KHR,
   VK_PRESENT_MODE_MAILBOX_KHR,       VK_PRESENT_MODE_IMMEDIATE_KHR,
#ifdef VK_EXT_present_mode_fifo_latest_ready
   VP_PRESENT_MODE_FIFO_LATEST_READY,
#endif
};

static VkResult headless_get_extent(const struct vp_surface *surface, VkExtent2D *extent)
{
   (void)surface;
   *extent = (VkExtent2D){UINT32_MAX, UINT32_MAX};
   return VK_SUCCESS;
}

static uint32_t headless_get_formats(const struct vp_surface *surface, VkFormat formats[VP_SURFACE_FORMATS])
{
   (void)surface;
   formats[0] = VK_FORMAT_B8G8R8A8_SRGB;
   formats[1] = VK_FORMAT_B8G8R8A8_UNORM;
   formats[2] = VK_FORMAT_R8G8B8A8_SRGB;
   formats[3] = VK_FORMAT_R8G8B8A8_UNORM;
   formats[4] = VK_FORMAT_A2R10G10B10_UNORM_PACK32;
   formats[5] = VK_FORMAT_A2B10G10R10_UNORM_PACK32;
   return 6;
}

static VkResult headless_open_window(const struct vp_surface *surface, const struct vp_window_info *info,
                                     struct vp_window **window)
{
   (void)surface, (void)info;
   *window = NULL;
   return VK_SUCCESS;
}

static VkResult headless_show(struct vp_window *window, const struct vp_picture *picture, VkRect2D changed,
                              VkPresentModeKHR mode)
{
   (void)window, (void)picture, (void)changed, (void)mode;
   return VK_SUCCESS;
}

static void headless_close_window(struct vp_window *window)
{
   (void)window;
}

static uint64_t headless_get_refresh(const struct vp_window *window)
{
   (void)window;
   return VP_USUAL_REFRESH_NS;
}

const struct vp_window_class vp_headless_class = {
   .modes = modes,
   .mode_count = sizeof(modes) / sizeof(*modes),
   .alphas = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR | VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR,
   .min_images = 3,
   .get_extent = headless_get_extent,
   .get_formats = headless_get_formats,
   .open = headless_open_window,
   .show = headless_show,
   .close = headless_close_window,
   .get_refresh = headless_get_refresh,
};
