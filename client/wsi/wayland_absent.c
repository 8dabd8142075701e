/* SPDX-License-Identifier: MIT */

/* A build without Wayland: its surfaces are not offered. */

#include "client/wsi/window.h"

const struct vp_window_class vp_wayland_class;

bool vp_wayland_is_usable(void)
{
   return false;
}
