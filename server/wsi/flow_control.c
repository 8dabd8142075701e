/* SPDX-License-Identifier: MIT */

/* Averages the interval of acknowledgements, and divides by it the time that a frame takes which is alone on the way;
 * when that may be out of date, a frame is kept back until it is alone. */

#include "server/wsi/flow_control.h"

#include "common/picture/present_frame.h"

/* Frames that come in longer intervals are fewer than 60 in a second. */
#define SLOW_INTERVAL_NS INT64_C(18000000)

/* More than 120 frames in a second are not aimed at. */
#define LEAST_INTERVAL_NS INT64_C(8000000)

/* When the way may have become longer: how long frames take alone is measured again after this time. */
#define DRAIN_NS INT64_C(4000000000)

/* How much of a new interval counts. */
#define NEW_PART 0.3

/* Frames that the client takes in while one goes its way alone, and the one that is encoded meanwhile. When the way is
 * slower than the frames, that is two. While too few are under way, they come back in longer intervals than they could:
 * they fit exactly into the time that one takes. A little more time leads to one more each time. */
static uint64_t most_under_way(const struct vps_flow_control *flow)
{
   const int64_t interval_ns = flow->interval_ns > LEAST_INTERVAL_NS ? flow->interval_ns : LEAST_INTERVAL_NS;
   const int64_t most = (flow->alone_ns + flow->alone_ns / 8) / interval_ns + 1;

   if (flow->drain)
      return 1;
   return most < 2 ? 2 : most < VP_PRESENT_MAX_UNDER_WAY ? (uint64_t)most : VP_PRESENT_MAX_UNDER_WAY;
}

bool vps_flow_control_is_there(struct vps_flow_control *flow)
{
   const bool ok = vps_flow_control_under_way(flow) < most_under_way(flow);

   flow->waited = flow->waited || !ok;
   return ok;
}

void vps_flow_control_sent(struct vps_flow_control *flow)
{
   flow->drain = flow->drain && vps_flow_control_under_way(flow) > 0;
   flow->sent++;
}

/* A frame that was not alone cannot have taken less than one that was. Where frames have to wait, though there are
 * fewer than 60 in a second, and none was alone for some time, one will be. */
void vps_flow_control_acknowledged(struct vps_flow_control *flow, int64_t start_ns, int64_t now_ns)
{
   const bool alone = start_ns >= flow->last_ns;
   const int64_t busy_ns = now_ns - (alone ? start_ns : flow->last_ns);

   flow->acknowledged++;
   flow->last_ns = now_ns;
   if (alone)
      flow->measured_ns = now_ns;
   if (alone || now_ns - start_ns < flow->alone_ns)
      flow->alone_ns = now_ns - start_ns;
   flow->interval_ns += (int64_t)((double)(busy_ns - flow->interval_ns) * NEW_PART);
   if (flow->waited && flow->interval_ns > SLOW_INTERVAL_NS && now_ns - flow->measured_ns > DRAIN_NS)
      flow->drain = true;
   flow->waited = false;
}
