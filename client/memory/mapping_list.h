/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MEMORY_MAPPING_LIST_H
#define VP_CLIENT_MEMORY_MAPPING_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct vp_device;
struct vp_mapping;

/* The mappings of a device: of every memory that was mapped once and is not freed. Thread-safe. */

/* The list takes a reference. False without memory. */
bool vp_mapping_list_add(struct vp_device *device, struct vp_mapping *mapping);
void vp_mapping_list_remove(struct vp_device *device, struct vp_mapping *mapping); /* if it is there */

/* Goes through the list, or those of it that are due to be looked at, from *at (at first SIZE_MAX) down, without
 * holding its lock meanwhile: what is removed then has the last one take its place, which was seen. Returns a
 * reference, or NULL at the end. */
struct vp_mapping *vp_mapping_list_next(struct vp_device *device, size_t *at, bool due);

#endif
