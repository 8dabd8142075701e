/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_H
#define VP_CLIENT_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/encoder.h"

/* The client's side of a host-visible memory object: the pages that the application maps, the twin (what the server is
 * known to have), and what of it must be compared. Thread-safe; references are counted, since the sender may be busy
 * with a memory that the application frees. */
struct vp_mapping;

/* Opens what all mappings need while the process can: it may give up descriptors, system calls and /proc later. */
void vp_mapping_prepare(void);

/* Zeros, for the memory with this id. NULL when there is no memory. */
struct vp_mapping *vp_mapping_create(uint64_t id, size_t size);

/* Memory of the application's, all of which has yet to be sent. */
struct vp_mapping *vp_mapping_import(uint64_t id, void *memory, size_t size);

struct vp_mapping *vp_mapping_ref(struct vp_mapping *mapping);
void vp_mapping_unref(struct vp_mapping *mapping); /* NULL is fine */

uint64_t vp_mapping_id(const struct vp_mapping *mapping);

/* What the application gets. It stays where it is, unless it is moved: to this address, or to any (NULL). The old place
 * is unmapped, or stays reserved. False, with nothing done, when that is not possible. */
uint8_t *vp_mapping_pointer(const struct vp_mapping *mapping);
bool vp_mapping_move(struct vp_mapping *mapping, void *address, bool reserve);

/* Whether the application can write to it from now on, and whether it may have since the last look: as far as that is
 * known at once (a look at what is not due finds nothing), and what can be said of it in little time. */
void vp_mapping_set_writable(struct vp_mapping *mapping, bool writable);
bool vp_mapping_is_due(const struct vp_mapping *mapping);
bool vp_mapping_maybe_changed(struct vp_mapping *mapping);

bool vp_mapping_is_writable(struct vp_mapping *mapping);

/* Whether the server has content that it has not sent. Setting it returns whether the application can look at it now.
 */
bool vp_mapping_set_stale(struct vp_mapping *mapping, bool stale);
bool vp_mapping_is_stale(struct vp_mapping *mapping);

/* Where in the stream the server hears of the mapping (see vp_stream_place()); the first one counts. Before that it
 * lies after everything. */
#define VP_NO_PLACE UINT64_MAX
void vp_mapping_set_place(struct vp_mapping *mapping, uint64_t place);
uint64_t vp_mapping_place(struct vp_mapping *mapping);

/* The batch of the stream in which a look at it is due that has not begun; of the stream, under its lock. */
void vp_mapping_set_batch(struct vp_mapping *mapping, uint64_t batch);
uint64_t vp_mapping_batch(const struct vp_mapping *mapping);

/* The memory is freed: nothing of it is sent any more. */
void vp_mapping_close(struct vp_mapping *mapping);
bool vp_mapping_is_closed(const struct vp_mapping *mapping);

/* Looks for pages that have been written to. False when there are none. Only one thread at a time sends a memory. */
bool vp_mapping_look(struct vp_mapping *mapping);

/* Appends what has changed on these pages, about `limit` bytes of it, and takes it for sent; *changed: how many bytes
 * that is. False when that was all. */
bool vp_mapping_collect(struct vp_mapping *mapping, struct vp_encoder *enc, size_t limit, size_t *changed);

/* What has changed in a part of about this size is appended to an encoder in which there is room for three times as
 * much. */
#define VP_MAPPING_PART_SIZE ((size_t)256 << 10)
struct vp_mapping_part {
   struct vp_encoder *enc;
   size_t first, end; /* pages */
   size_t changed;    /* bytes */
};

/* The same for up to *count parts at once, together with other threads where there are some; *count: how many there
 * were. */
bool vp_mapping_collect_parts(struct vp_mapping *mapping, struct vp_mapping_part *parts, unsigned *count);

/* Takes in what the server has changed. Several threads can do so at once, for different bytes. False when it makes no
 * sense. */
bool vp_mapping_apply(struct vp_mapping *mapping, const uint8_t *data, size_t length);

#endif
