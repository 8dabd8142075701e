/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_SENDING_H
#define VP_SERVER_MEMORY_SENDING_H

#include <stdbool.h>

struct vp_encoder;
struct vps_memory;
struct vps_stretches;

/* Finding what the GPU has changed in a memory and sending it, by one thread or several. With the memory's lock, which
 * keeps its frames in order. */

struct vps_outbox {
   struct vp_encoder *enc; /* what is to be sent next, all of one memory; empty when its lock is taken and released */
   bool followed;          /* by the news that the memory is there */
};

/* Sends what differs from the twin, and makes that equal: of all marked pages, or of what lies between the ends of
 * stretches. A rest may be left in the outbox. Returns how many frames were sent. The encoder has failed when there was
 * no memory for it. */
unsigned vps_sending_pages(struct vps_memory *memory, const struct vps_outbox *out);
unsigned vps_sending_stretches(struct vps_memory *memory, const struct vps_stretches *stretches,
                               const struct vps_outbox *out);

/* Sends the rest. Returns how many frames that were: one or none. */
unsigned vps_sending_flush(const struct vps_memory *memory, const struct vps_outbox *out);

#endif
