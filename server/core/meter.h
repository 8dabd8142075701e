/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_METER_H
#define VP_SERVER_CORE_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/cost.h"

struct vps_frame_writer;

/* Measures how long commands take and tells the client, which must not run ahead of the server too far. Of the
 * executing thread. Nothing is measured before the client has asked for the first time. */
struct vps_meter {
   bool runs;
   int64_t start_ns; /* of what is being measured */
   size_t recorded;  /* bytes of recorded commands since then */
   size_t sum_bytes; /* of recorded commands that were measured, until they are enough to say something */
   int64_t sum_ns;
   struct vps_cost {
      uint32_t ns, last; /* what it usually costs, and what it did the last time */
      uint32_t told;
      bool changed;
   } costs[VP_COST_KINDS];
   uint32_t changed[VP_COST_KINDS], changed_count; /* commands whose cost is to be told */
   bool urgent;                                    /* and soon, since the client believes in much less */
};

/* Begins with other things, which are not measured, behind us. */
void vps_meter_start(struct vps_meter *meter);

/* A recorded command is next, or any other. */
static inline void vps_meter_record(struct vps_meter *meter, size_t size)
{
   meter->recorded += size;
}
void vps_meter_begin(struct vps_meter *meter);

/* What is not recorded has been executed. */
void vps_meter_end(struct vps_meter *meter, uint32_t command);

/* So many bytes of recorded commands have taken that long elsewhere. */
void vps_meter_add_recorded(struct vps_meter *meter, size_t size, int64_t ns);

/* So many bytes that were waited for came in that time. */
void vps_meter_arrival(struct vps_meter *meter, size_t size, uint64_t ns);

/* Tells what has changed, if that is urgent, or with the tag of a frame that was executed. */
void vps_meter_tell(struct vps_meter *meter, struct vps_frame_writer *writer, uint64_t tag);

#endif
