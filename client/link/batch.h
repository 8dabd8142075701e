/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_BATCH_H
#define VP_CLIENT_LINK_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/encoder.h"

struct vp_device;
struct vp_mapping;

/* Something between the frames of a batch: what has changed in mapped memory is sent here, or a piece of a recording.
 */
struct vp_mark {
   size_t offset;           /* in the data, between two frames */
   struct vp_encoder piece; /* with memory: the commands of a frame of their own */
   uint64_t tag;            /* of that, */
   uint32_t piece_type;     /* and its type */
   uint64_t number;
   struct vp_device *device;   /* otherwise: look at its memory */
   struct vp_mapping *mapping; /* NULL: all of the device */
};

/* Data and marks in their order. */
struct vp_batch {
   struct vp_encoder data; /* whole frames, the last one perhaps open */
   size_t sent;            /* of the data, already */
   size_t frame;           /* offset of a frame that is not sent as a whole, or of one before it */
   struct vp_mark *marks;
   size_t mark_count, mark_capacity;
   size_t next_mark;             /* all before it are done */
   const struct vp_mark *looked; /* the last one for all of a device */
   size_t piece_size;            /* of all pieces */
};

/* False without memory. `peer` is what the server's decoder will be known to understand. Finishing is fine
 * after that has failed, too. */
bool vp_batch_init(struct vp_batch *batch, const struct vp_wire_peer *peer);
void vp_batch_finish(struct vp_batch *batch);

/* Of all that is in it, in bytes of memory. */
static inline size_t vp_batch_size(const struct vp_batch *batch)
{
   return vp_encoder_size(&batch->data) + batch->piece_size + batch->mark_count * sizeof(*batch->marks);
}

/* Copies the mark to the end. False without memory. */
bool vp_batch_add_mark(struct vp_batch *batch, const struct vp_mark *mark);

/* After it was sent. Keeps memory for the next one. */
void vp_batch_empty(struct vp_batch *batch);

#endif
