/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_X11_LIBRARY_H
#define VP_CLIENT_WSI_X11_LIBRARY_H

#include <stdbool.h>
#include <xcb/present.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>

/* The X11 libraries, opened when they are needed first. */

#define VP_XCB_SYMBOLS(S)                \
   S(xcb_connection_has_error)           \
   S(xcb_create_gc_checked)              \
   S(xcb_depth_next)                     \
   S(xcb_depth_visuals_iterator)         \
   S(xcb_discard_reply)                  \
   S(xcb_flush)                          \
   S(xcb_free_gc_checked)                \
   S(xcb_generate_id)                    \
   S(xcb_get_extension_data)             \
   S(xcb_get_file_descriptor)            \
   S(xcb_get_geometry)                   \
   S(xcb_get_geometry_reply)             \
   S(xcb_get_setup)                      \
   S(xcb_get_window_attributes)          \
   S(xcb_get_window_attributes_reply)    \
   S(xcb_poll_for_special_event)         \
   S(xcb_put_image_checked)              \
   S(xcb_register_for_special_xge)       \
   S(xcb_request_check)                  \
   S(xcb_screen_allowed_depths_iterator) \
   S(xcb_screen_next)                    \
   S(xcb_setup_roots_iterator)           \
   S(xcb_unregister_for_special_event)   \
   S(xcb_visualtype_next)

#define VP_XCB_SHM_SYMBOLS(S)   \
   S(xcb_shm_attach_fd_checked) \
   S(xcb_shm_detach_checked)    \
   S(xcb_shm_id)                \
   S(xcb_shm_put_image_checked) \
   S(xcb_shm_query_version)     \
   S(xcb_shm_query_version_reply)

#define VP_XCB_PRESENT_SYMBOLS(S)     \
   S(xcb_present_id)                  \
   S(xcb_present_notify_msc_checked)  \
   S(xcb_present_query_version)       \
   S(xcb_present_query_version_reply) \
   S(xcb_present_select_input_checked)

#define VP_XCB_POINTER(name) __typeof__(name) *name;

struct vp_x11_library {
   VP_XCB_SYMBOLS(VP_XCB_POINTER)
   bool has_shm, has_present; /* of what follows, which need not be installed */
   VP_XCB_SHM_SYMBOLS(VP_XCB_POINTER)
   VP_XCB_PRESENT_SYMBOLS(VP_XCB_POINTER)
};

/* NULL when libxcb is not installed. Thread-safe. */
const struct vp_x11_library *vp_x11_library(void);

#endif
