/* SPDX-License-Identifier: MIT */

/* Which symbols are used of libxcb, of its extensions for shared memory and presenting, which may be missing, and of
 * libX11-xcb for Xlib's displays. */

#include "client/wsi/x11_library.h"

#include <pthread.h>
#include <stddef.h>

#include "client/wsi/window.h"
#include "common/util/library.h"

static struct vp_x11_library symbols;
static bool usable;

static void x11_library_load(void)
{
#define SYMBOL(name) {#name, &symbols.name},
   static const struct vp_symbol xcb[] = {VP_XCB_SYMBOLS(SYMBOL){NULL, NULL}};
   static const struct vp_symbol shm[] = {VP_XCB_SHM_SYMBOLS(SYMBOL){NULL, NULL}};
   static const struct vp_symbol present[] = {VP_XCB_PRESENT_SYMBOLS(SYMBOL){NULL, NULL}};
   usable = vp_library_load("libxcb.so.1", xcb);
   symbols.has_shm = usable && vp_library_load("libxcb-shm.so.0", shm);
   symbols.has_present = usable && vp_library_load("libxcb-present.so.0", present);
}

const struct vp_x11_library *vp_x11_library(void)
{
   static pthread_once_t once = PTHREAD_ONCE_INIT;
   pthread_once(&once, x11_library_load);
   return usable ? &symbols : NULL;
}

bool vp_xcb_is_usable(void)
{
   return vp_x11_library() != NULL;
}

/* --- Xlib, whose displays have an xcb connection inside --- */

static xcb_connection_t *(*get_connection)(Display *display);

static void load_xlib(void)
{
   static const struct vp_symbol xlib[] = {{"XGetXCBConnection", &get_connection}, {NULL, NULL}};
   if (!vp_library_load("libX11-xcb.so.1", xlib))
      get_connection = NULL;
}

bool vp_xlib_is_usable(void)
{
   static pthread_once_t once = PTHREAD_ONCE_INIT;
   pthread_once(&once, load_xlib);
   return get_connection && vp_xcb_is_usable();
}

xcb_connection_t *vp_xlib_connection(Display *display)
{
   return vp_xlib_is_usable() ? get_connection(display) : NULL;
}
