/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_WSI_FLOW_CONTROL_H
#define VP_SERVER_WSI_FLOW_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

/* How many frames may be under way to a client at once, from how long they took to be acknowledged: enough to keep the
 * way busy while they are answered, or to have 120 in a second, and no more, since each makes all of them older. Starts
 * zeroed; the caller has a lock. */
struct vps_flow_control {
   uint64_t sent, acknowledged; /* frames */
   int64_t last_ns;             /* of the last acknowledgement */
   int64_t alone_ns;    /* how long a frame takes that has the way for itself, to its acknowledgement, or less */
   int64_t measured_ns; /* when that was last so */
   int64_t interval_ns; /* how long frames kept the way busy lately, on the average */
   bool waited;         /* a frame has been waiting for room since the last acknowledgement */
   bool drain;          /* the next frame has to have the way for itself */
};

/* Whether one more frame may be sent; otherwise it waits. At most VP_PRESENT_MAX_UNDER_WAY are under way. */
bool vps_flow_control_is_there(struct vps_flow_control *flow);

void vps_flow_control_sent(struct vps_flow_control *flow);

/* The oldest frame that is under way, whose encoding had begun at start_ns, was acknowledged. */
void vps_flow_control_acknowledged(struct vps_flow_control *flow, int64_t start_ns, int64_t now_ns);

static inline uint64_t vps_flow_control_under_way(const struct vps_flow_control *flow)
{
   return flow->sent - flow->acknowledged;
}

#endif
