/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_WINDOW_H
#define VP_CLIENT_WSI_WINDOW_H

#include <stdbool.h>

#include "client/wsi/platform.h"
#include "common/picture/tiles.h"

struct vp_surface;
struct vp_window;

/* Of newer headers. */
#define VP_PRESENT_MODE_FIFO_LATEST_READY ((VkPresentModeKHR)1000361000)

/* FIFO modes show each frame; the others only the newest. */
static inline bool vp_present_mode_is_fifo(VkPresentModeKHR mode)
{
   return mode == VK_PRESENT_MODE_FIFO_KHR || mode == VK_PRESENT_MODE_FIFO_RELAXED_KHR;
}

/* Whether a frame is shown when the display begins with a picture. */
static inline bool vp_present_mode_waits(VkPresentModeKHR mode)
{
   return vp_present_mode_is_fifo(mode) || mode == VP_PRESENT_MODE_FIFO_LATEST_READY;
}

/* What a swapchain wants of the window that it presents to. */
struct vp_window_info {
   VkExtent2D extent;
   VkFormat format;
   VkCompositeAlphaFlagBitsKHR alpha;
};

/* A surface has at most so many formats. All of them have 32 bits for a pixel, and pictures are shown as they are. */
#define VP_SURFACE_FORMATS 8

/* A window system. Its functions may be called by several threads, but those of one vp_window by one at a time. */
struct vp_window_class {
   bool has_pictures; /* false: nobody looks at what is presented */
   const VkPresentModeKHR *modes;
   uint32_t mode_count;
   uint32_t min_images; /* with fewer images programs would wait for each other's pictures */
   VkCompositeAlphaFlagsKHR alphas;

   /* The size of the surface; UINT32_MAX when the swapchain decides. VK_ERROR_SURFACE_LOST_KHR when it is gone. */
   VkResult (*get_extent)(const struct vp_surface *surface, VkExtent2D *extent);

   /* The formats of a surface, those that other drivers have there: programs that take the first one get what they get
    * from these, and those that look for the most bits find what the display can show. 0: the surface is gone. */
   uint32_t (*get_formats)(const struct vp_surface *surface, VkFormat formats[VP_SURFACE_FORMATS]);

   /* A place for the pictures of one swapchain. */
   VkResult (*open)(const struct vp_surface *surface, const struct vp_window_info *info, struct vp_window **window);

   /* Shows a picture of which only the rectangle has changed since the last call (nothing: it is empty), in modes that
    * wait when the display is ready for the next one. Never waits for more than about a second. VK_SUBOPTIMAL_KHR when
    * the surface has another size. */
   VkResult (*show)(struct vp_window *window, const struct vp_picture *picture, VkRect2D changed,
                    VkPresentModeKHR mode);
   void (*close)(struct vp_window *window);

   /* Time between two pictures of the display, in nanoseconds, as far as it is known. Any thread may ask. */
   uint64_t (*get_refresh)(const struct vp_window *window);
};

/* That of a display of which nothing is known. */
#define VP_USUAL_REFRESH_NS INT64_C(16666667)

/* --- the window systems of this build; whether they can be used is found out at run time --- */

extern const struct vp_window_class vp_headless_class;

bool vp_xcb_is_usable(void);
bool vp_xlib_is_usable(void);
extern const struct vp_window_class vp_x11_class;

bool vp_wayland_is_usable(void);
extern const struct vp_window_class vp_wayland_class;

/* The connection behind an Xlib display. */
xcb_connection_t *vp_xlib_connection(Display *display);

#endif
