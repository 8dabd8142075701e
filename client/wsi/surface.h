/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_SURFACE_H
#define VP_CLIENT_WSI_SURFACE_H

#include "client/link/object.h"
#include "client/wsi/window.h"

struct vp_swapchain;

/* Surfaces are the client's alone and have no id. */
struct vp_surface {
   struct vp_object base;
   const struct vp_window_class *class;
   struct vp_swapchain *swapchain; /* that presents to it, or NULL; retired ones do not count */
   union {
      struct {
         xcb_connection_t *connection;
         xcb_window_t window;
      } x11;
      struct {
         struct wl_display *display;
         struct wl_surface *surface;
      } wayland;
   };
};

/* Whether applications are offered an instance extension: one of a window system only when its library is there, which
 * is not looked for without a server. */
bool vp_wsi_offers(int extension);

/* Whether a queue family can present. */
bool vp_wsi_queue_can_present(VkQueueFlags flags);

#endif
