/* SPDX-License-Identifier: MIT */
#include "server/link.h"

/* Codecs that are not in use are tried again after so many frames. */
#define TRIAL_PERIOD 128

/* Frames with less say nothing of a codec. */
#define LEARN_BYTES ((size_t)64 << 10)

/* How much of a new measurement counts. */
#define NEW_PART 0.3

bool vps_link_has_room(const struct vps_link *link)
{
   /* Two keep the way busy when one of them takes half the time until it is answered. */
   const unsigned most = 2 * link->busy_ns >= link->alone_ns ? 2 : VPS_MAX_UNDER_WAY;

   return link->sent - link->acknowledged < most;
}

enum vp_present_codec vps_link_choose(struct vps_link *link)
{
   const bool raw_is_cheaper = link->costs[VP_PRESENT_RAW].per_byte < link->costs[VP_PRESENT_LZ4].per_byte;
   const enum vp_present_codec cheap = raw_is_cheaper ? VP_PRESENT_RAW : VP_PRESENT_LZ4;
   const enum vp_present_codec other = raw_is_cheaper ? VP_PRESENT_LZ4 : VP_PRESENT_RAW;

   if (++link->costs[other].age < TRIAL_PERIOD)
      return cheap;
   link->costs[other].age = 0;
   return other;
}

void vps_link_sent(struct vps_link *link, int64_t start_ns, enum vp_present_codec codec, size_t bytes)
{
   link->frames[link->sent++ % VPS_MAX_UNDER_WAY] =
      (struct vps_sent_frame){.start_ns = start_ns, .bytes = bytes, .codec = codec};
}

static void learn(struct vps_codec_cost *cost, double per_byte)
{
   cost->per_byte = cost->per_byte > 0 ? cost->per_byte + (per_byte - cost->per_byte) * NEW_PART : per_byte;
   cost->age = 0;
}

static void take_in(struct vps_link *link, const struct vps_sent_frame *frame, int64_t now_ns)
{
   const bool alone = frame->start_ns >= link->last_ns;

   link->busy_ns = now_ns - (alone ? frame->start_ns : link->last_ns);
   link->last_ns = now_ns;
   if (alone)
      link->alone_ns = link->busy_ns;
   if (frame->bytes >= LEARN_BYTES)
      learn(&link->costs[frame->codec], (double)link->busy_ns / (double)frame->bytes);
}

bool vps_link_acknowledge(struct vps_link *link, uint32_t count, int64_t now_ns)
{
   if (count > link->sent - link->acknowledged)
      return false;
   while (count-- > 0)
      take_in(link, &link->frames[link->acknowledged++ % VPS_MAX_UNDER_WAY], now_ns);
   return true;
}
