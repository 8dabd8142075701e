/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_WAYLAND_LIBRARY_H
#define VP_CLIENT_WSI_WAYLAND_LIBRARY_H

#include <wayland-client.h>

/* libwayland-client, opened when it is needed first. The inline functions of its header name its symbols directly, so
 * none of them may be called. */

#define VP_WAYLAND_SYMBOLS(S)           \
   S(wl_buffer_interface)               \
   S(wl_callback_interface)             \
   S(wl_display_cancel_read)            \
   S(wl_display_create_queue)           \
   S(wl_display_dispatch_queue_pending) \
   S(wl_display_flush)                  \
   S(wl_display_get_error)              \
   S(wl_display_get_fd)                 \
   S(wl_display_prepare_read_queue)     \
   S(wl_display_read_events)            \
   S(wl_display_roundtrip_queue)        \
   S(wl_event_queue_destroy)            \
   S(wl_proxy_add_listener)             \
   S(wl_proxy_create_wrapper)           \
   S(wl_proxy_destroy)                  \
   S(wl_proxy_get_version)              \
   S(wl_proxy_marshal_flags)            \
   S(wl_proxy_set_queue)                \
   S(wl_proxy_wrapper_destroy)          \
   S(wl_registry_interface)             \
   S(wl_shm_interface)                  \
   S(wl_shm_pool_interface)

#define VP_WAYLAND_POINTER(name) __typeof__(name) *name;

struct vp_wayland_library {
   VP_WAYLAND_SYMBOLS(VP_WAYLAND_POINTER)
};

/* NULL when it is not installed. Thread-safe. */
const struct vp_wayland_library *vp_wayland_library(void);

#endif
