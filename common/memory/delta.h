/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_DELTA_H
#define VP_MEMORY_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/encoder.h"

/* Differences between a memory and its twin, the copy of what the other side
 * has. Byte-exact: a byte that did not change is neither sent nor touched, so
 * that both sides can write different bytes of one cache line. */

/* Appends the payload of a MEMORY frame (docs/PROTOCOL.md) for what differs in
 * [*position, size), and takes it over into the twin. Stops after about `limit`
 * bytes; *position says where to go on, size when done. The memory may be
 * written to meanwhile. Returns the number of bytes that differed. */
size_t vp_delta_collect(struct vp_encoder *enc, const uint8_t *memory, uint8_t *twin, size_t size, size_t *position,
                        size_t limit);

/* Bytes that are to be set for pages (of 4096 bytes, from the start of the memory) in which something differed. */
struct vp_delta_stamps {
   uint8_t *pages, stamp;
};

/* The same for `length` bytes at an offset, of which the pointers are the place, without an end before that. `stamps`
 * may be NULL. */
size_t vp_delta_collect_part(struct vp_encoder *enc, const uint8_t *memory, uint8_t *twin, size_t offset, size_t length,
                             const struct vp_delta_stamps *stamps);

/* Applies such a payload to a memory of `size` bytes and its twin. False, with
 * nothing beyond the fault applied, when it is malformed or out of bounds. */
bool vp_delta_apply(const uint8_t *data, size_t length, uint8_t *memory, uint8_t *twin, size_t size);

/* The same with a twin that is only kept in some pieces of the memory: where the byte of the piece is not 0. In the
 * others nobody but the sender of the payload may have written to the memory. */
bool vp_delta_apply_pieces(const uint8_t *data, size_t length, uint8_t *memory, uint8_t *twin, size_t size,
                           const uint8_t *pieces, size_t piece_size);

/* The same for memory that takes care to write to: calls `store` for all bytes in pieces, in order. */
typedef void vp_delta_store(void *context, size_t offset, const uint8_t *bytes, size_t length);
bool vp_delta_read(const uint8_t *data, size_t length, size_t size, vp_delta_store *store, void *context);

#endif
