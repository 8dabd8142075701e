/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_DIRTY_H
#define VP_SERVER_MEMORY_DIRTY_H

#include <stdbool.h>
#include <stddef.h>
#include <vulkan/vulkan.h>

struct vps_memory;

/* The pages of a memory that may differ from the twin: one bit for each. With the memory's lock. */

/* Marks those of a range. */
void vps_dirty_mark(struct vps_memory *memory, VkDeviceSize start, VkDeviceSize end);

/* How many pages the memory has, the last one as far as it goes. */
size_t vps_dirty_count(const struct vps_memory *memory);

/* The first page from there on that is marked (or is not); `count` when there is none. */
size_t vps_dirty_find(const struct vps_memory *memory, size_t page, size_t count, bool marked);

/* Takes all marks off. */
void vps_dirty_clear(struct vps_memory *memory);

#endif
