/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_X11_VISUAL_H
#define VP_CLIENT_WSI_X11_VISUAL_H

#include "client/wsi/window.h"

/* The formats whose pixels are those of an X11 window; 0: there are none, or the window is gone. Waits for the display.
 */
uint32_t vp_x11_formats(xcb_connection_t *connection, xcb_window_t window, VkFormat formats[VP_SURFACE_FORMATS]);

#endif
