/* SPDX-License-Identifier: MIT */

/* The memory of a batch, which is kept from one to the next. */

#include "client/link/batch.h"

#include <stdlib.h>

/* Keeps up to this much memory of a batch after a burst. */
#define KEEP_SIZE ((size_t)16 << 20)

bool vp_batch_init(struct vp_batch *batch, const struct vp_wire_peer *peer)
{
   *batch = (struct vp_batch){0};
   if (!vp_encoder_init(&batch->data))
      return false;
   batch->data.peer = peer;
   return true;
}

void vp_batch_finish(struct vp_batch *batch)
{
   vp_encoder_finish(&batch->data);
   free(batch->marks);
}

bool vp_batch_add_mark(struct vp_batch *batch, const struct vp_mark *mark)
{
   if (batch->mark_count == batch->mark_capacity) {
      const size_t capacity = batch->mark_capacity ? batch->mark_capacity * 2 : 16;
      struct vp_mark *marks = realloc(batch->marks, capacity * sizeof(*marks));
      if (!marks)
         return false;
      batch->marks = marks;
      batch->mark_capacity = capacity;
   }
   batch->marks[batch->mark_count++] = *mark;
   return true;
}

void vp_batch_empty(struct vp_batch *batch)
{
   vp_encoder_trim(&batch->data, KEEP_SIZE);
   batch->sent = 0;
   batch->frame = 0;
   batch->mark_count = 0;
   batch->next_mark = 0;
   batch->looked = NULL;
   batch->piece_size = 0;
   if (batch->mark_capacity * sizeof(*batch->marks) > KEEP_SIZE) {
      free(batch->marks);
      batch->marks = NULL;
      batch->mark_capacity = 0;
   }
}
