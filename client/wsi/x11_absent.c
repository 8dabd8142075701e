/* SPDX-License-Identifier: MIT */

/* A build without X11: its surfaces are not offered. */

#include <stddef.h>

#include "client/wsi/window.h"

const struct vp_window_class vp_x11_class;

bool vp_xcb_is_usable(void)
{
   return false;
}

bool vp_xlib_is_usable(void)
{
   return false;
}

xcb_connection_t *vp_xlib_connection(Display *display)
{
   (void)display;
   return NULL;
}
