/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_ENTRY_TABLE_H
#define VP_CLIENT_CORE_ENTRY_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

enum vp_entry_level {
   VP_ENTRY_GLOBAL,
   VP_ENTRY_INSTANCE,
   VP_ENTRY_PHYSICAL_DEVICE,
   VP_ENTRY_DEVICE,
};

/* One name that vkGetInstanceProcAddr or vkGetDeviceProcAddr can find. */
struct vp_entry {
   const char *name;
   PFN_vkVoidFunction function;
   enum vp_entry_level level;
   uint32_t core_version; /* that has it; 0: none */
   int16_t extensions[4]; /* enum vp_extension, any of which brings it; -1: none */
};

/* Generated, sorted by name. */
extern const struct vp_entry vp_entries[];
extern const size_t vp_entry_count;

/* NULL when there is no such name. */
const struct vp_entry *vp_entry_find(const char *name);

#endif
