/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_H
#define VP_CLIENT_MAPPING_H

#include "common/wire/encoder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The client's side of a host-visible memory object: what the application maps,
 * and which of it must be sent. This mechanism compares with a twin, the copy
 * of what the server has. All functions but create and destroy want the
 * memory's lock held. */
struct vp_mapping;

/* Zeros. NULL when there is no memory. */
struct vp_mapping *vp_mapping_create(size_t size);
void vp_mapping_destroy(struct vp_mapping *mapping);

/* What the application gets; stays where it is. */
uint8_t *vp_mapping_pointer(struct vp_mapping *mapping);

/* Where to look for what has changed since the last collection, from that position on; the size when nothing has. */
size_t vp_mapping_find_change(const struct vp_mapping *mapping, size_t position);

/* Appends what has changed since the last time, about `limit` bytes of it;
 * *position starts at 0 and goes up to the size. Returns the number of changed bytes. */
size_t vp_mapping_collect(struct vp_mapping *mapping, struct vp_encoder *enc, size_t *position, size_t limit);

/* Takes in what the server has changed. False when it makes no sense. */
bool vp_mapping_apply(struct vp_mapping *mapping, const uint8_t *data, size_t length);

#endif
