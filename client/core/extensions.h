/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_EXTENSIONS_H
#define VP_CLIENT_CORE_EXTENSIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "client/vp_extensions.h"

/* One extension that the codec knows. Generated, sorted by name, indexed by enum vp_extension. */
struct vp_extension_info {
   const char *name;
   uint32_t spec_version;
   uint32_t number;
   bool instance; /* else: of a device */
   bool offered;  /* to applications, if the GPU has it */
   bool local;    /* answered by the client, whatever the GPU has */
};

extern const struct vp_extension_info vp_extensions[];

struct vp_extension_set {
   uint64_t words[(VP_EXTENSION_COUNT + 63) / 64];
};

static inline bool vp_extension_set_has(const struct vp_extension_set *set, int extension)
{
   return extension >= 0 && (set->words[extension / 64] >> extension % 64 & 1);
}

static inline void vp_extension_set_add(struct vp_extension_set *set, int extension)
{
   set->words[extension / 64] |= UINT64_C(1) << extension % 64;
}

/* enum vp_extension of a name, or -1. */
int vp_extension_find(const char *name);

/* Whether something that came with that core version (0: none) or any of four
 * extensions (-1: none) is there. */
bool vp_extension_available(const struct vp_extension_set *set, uint32_t api_version, uint32_t core_version,
                            const int16_t extensions[4]);

#endif
