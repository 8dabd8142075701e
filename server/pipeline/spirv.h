/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_SPIRV_H
#define VP_SERVER_PIPELINE_SPIRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More bindings than these are not told apart. */
#define VPS_MAX_STORED 16u

struct vps_binding {
   uint32_t set, number;
};

/* What shaders may write to that others can see. */
struct vps_stores {
   unsigned classes;  /* VPS_WRITES_STORAGE: anything; _IMAGE: images and texel buffers; _ADDRESS: through addresses */
   bool all_bindings; /* to any storage buffer that is bound; otherwise to those in these bindings */
   unsigned count;
   struct vps_binding bindings[VPS_MAX_STORED];
};

/* Of a shader of which nothing is known. */
extern const struct vps_stores vps_stores_anything;

/* Of a module. What is malformed or not known may write to anything. */
struct vps_stores vps_spirv_find_stores(const uint32_t *words, size_t count);

static inline bool vps_stores_nothing(const struct vps_stores *stores)
{
   return !stores->classes && !stores->all_bindings && stores->count == 0;
}

void vps_stores_add(struct vps_stores *stores, const struct vps_stores *more);

#endif
