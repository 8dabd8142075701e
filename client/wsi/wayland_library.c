/* SPDX-License-Identifier: MIT */

/* Which symbols of libwayland-client are used, and whether all of them are there. */

#include "client/wsi/wayland_library.h"

#include <pthread.h>

#include "client/wsi/window.h"
#include "common/util/library.h"

static struct vp_wayland_library symbols;
static bool usable;

static void wayland_library_load(void)
{
#define SYMBOL(name) {#name, &symbols.name},
   static const struct vp_symbol wayland[] = {VP_WAYLAND_SYMBOLS(SYMBOL){NULL, NULL}};
   usable = vp_library_load("libwayland-client.so.0", wayland);
}

const struct vp_wayland_library *vp_wayland_library(void)
{
   static pthread_once_t once = PTHREAD_ONCE_INIT;
   pthread_once(&once, wayland_library_load);
   return usable ? &symbols : NULL;
}

bool vp_wayland_is_usable(void)
{
   return vp_wayland_library() != NULL;
}
