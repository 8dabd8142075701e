/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_OBJECT_H
#define VP_CLIENT_OBJECT_H

#include <stdint.h>

/* What every Vulkan handle of ours points to, dispatchable or not. */
struct vp_object {
   uintptr_t loader_data; /* dispatchable objects: the loader's, which replaces the magic */
   uint64_t id;           /* the object's name on the wire */
};

static inline uint64_t vp_object_id(uint64_t handle)
{
   return handle ? ((const struct vp_object *)(uintptr_t)handle)->id : 0;
}

#endif
