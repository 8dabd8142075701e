/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_PLATFORM_H
#define VP_CLIENT_WSI_PLATFORM_H

/* Vulkan with the window systems that it may be built for. Of their own headers only a few names are needed, so the
 * entry points are there in every build; whether they are offered is another matter (vp_wsi_offers). */

#include <stdint.h>
#include <vulkan/vulkan.h>

typedef struct xcb_connection_t xcb_connection_t;
typedef uint32_t xcb_window_t;
typedef uint32_t xcb_visualid_t;
#include <vulkan/vulkan_xcb.h>

typedef struct _XDisplay Display; // NOLINT(bugprone-reserved-identifier): Xlib's name
typedef unsigned long XID;
typedef XID Window;
typedef unsigned long VisualID;
#include <vulkan/vulkan_xlib.h>

struct wl_display;
struct wl_surface;
#include <vulkan/vulkan_wayland.h>

#endif
