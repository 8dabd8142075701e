/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_WRITES_H
#define VP_SERVER_MEMORY_WRITES_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

struct vps_memory;

/* Ways in which the GPU writes to memory where it is not known exactly what. Memory has the classes of what is bound to
 * it; a command that writes in a class may have written anything there. */
#define VPS_WRITES_STORAGE 1u /* by shaders, to storage buffers and texel buffers */
#define VPS_WRITES_IMAGE 2u   /* to images: by shaders, rendering, transfers, changes of layout */
#define VPS_WRITES_OTHER 4u   /* to what only exact commands write to, by one that is not known */
#define VPS_WRITES_ADDRESS 8u /* by shaders, to buffers of which they have the address */
#define VPS_WRITES_ALL 15u

/* What shaders that are not known may write to. */
#define VPS_WRITES_SHADERS (VPS_WRITES_STORAGE | VPS_WRITES_IMAGE | VPS_WRITES_ADDRESS)

/* Memory is followed in pages of this size. */
#define VPS_PAGE ((VkDeviceSize)4096)

/* More ranges than this are not kept apart. */
#define VPS_MAX_RANGES 1024u

/* Whole pages of one memory, from start up to end. */
struct vps_write_range {
   struct vps_memory *memory; /* held */
   VkDeviceSize start, end;
};

/* What the GPU may write to. Starts zeroed. Adding never fails: where memory is short, or there is too much to tell,
 * the set becomes larger than it must be. */
struct vps_writes {
   unsigned classes;
   unsigned count, capacity;
   struct vps_write_range *ranges; /* by memory and start; no two of them touch */
};

void vps_writes_finish(struct vps_writes *writes);

/* `end` is at most the size of the memory; an empty range is fine. */
void vps_writes_add_range(struct vps_writes *writes, struct vps_memory *memory, VkDeviceSize start, VkDeviceSize end);
void vps_writes_add(struct vps_writes *writes, const struct vps_writes *more);

/* Whether both may write to the same memory. */
bool vps_writes_meet(const struct vps_writes *a, const struct vps_writes *b);

/* The first range of a memory (NULL: none) and how many there are. */
const struct vps_write_range *vps_writes_find(const struct vps_writes *writes, const struct vps_memory *memory,
                                              unsigned *count);

#endif
