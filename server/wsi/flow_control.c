/* SPDX-License-Identifier: MIT */
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
static uint64_t most_under_way(const struct vps_room *room)
{
   const int64_t interval_ns = room->interval_ns > LEAST_INTERVAL_NS ? room->interval_ns : LEAST_INTERVAL_NS;
   const int64_t most = (room->alone_ns + room->alone_ns / 8) / interval_ns + 1;

   if (room->drain)
      return 1;
   return most < 2 ? 2 : most < VP_PRESENT_MAX_UNDER_WAY ? (uint64_t)most : VP_PRESENT_MAX_UNDER_WAY;
}

bool vps_room_is_there(struct vps_room *room)
{
   const bool ok = vps_room_under_way(room) < most_under_way(room);

   room->waited = room->waited || !ok;
   return ok;
}

void vps_room_sent(struct vps_room *room)
{
   room->drain = room->drain && vps_room_under_way(room) > 0;
   room->sent++;
}

/* A frame that was not alone cannot have taken less than one that was. Where frames have to wait, though there are
 * fewer than 60 in a second, and none was alone for some time, one will be. */
void vps_room_acknowledged(struct vps_room *room, int64_t start_ns, int64_t now_ns)
{
   const bool alone = start_ns >= room->last_ns;
   const int64_t busy_ns = now_ns - (alone ? start_ns : room->last_ns);

   room->acknowledged++;
   room->last_ns = now_ns;
   if (alone)
      room->measured_ns = now_ns;
   if (alone || now_ns - start_ns < room->alone_ns)
      room->alone_ns = now_ns - start_ns;
   room->interval_ns += (int64_t)((double)(busy_ns - room->interval_ns) * NEW_PART);
   if (room->waited && room->interval_ns > SLOW_INTERVAL_NS && now_ns - room->measured_ns > DRAIN_NS)
      room->drain = true;
   room->waited = false;
}
