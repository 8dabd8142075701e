/* SPDX-License-Identifier: MIT */
#include "server/link.h"

/* Codecs that are not in use are tried again after so many frames. */
#define TRIAL_PERIOD 128

/* Frames with less say nothing of a codec. */
#define LEARN_BYTES ((size_t)64 << 10)

/* A frame that takes longer cannot be followed by 60 in a second. */
#define SLOW_NS 15e6

/* Frames that come in longer intervals are fewer than 60 in a second. */
#define SLOW_INTERVAL_NS INT64_C(18000000)

/* More than 120 frames in a second are not aimed at. */
#define LEAST_INTERVAL_NS INT64_C(8000000)

/* When the way may have become longer: how long frames take alone is measured again after this time. */
#define DRAIN_NS INT64_C(4000000000)

/* How much of a new measurement counts. */
#define NEW_PART 0.3

/* Frames that the client takes in while one goes its way alone, and the one that is encoded meanwhile. When the way is
 * slower than the frames, that is two. While too few are under way, they come back in longer intervals than they could:
 * they fit exactly into the time that one takes. A little more time leads to one more each time. */
static uint64_t most_under_way(const struct vps_link *link)
{
   const int64_t interval_ns = link->interval_ns > LEAST_INTERVAL_NS ? link->interval_ns : LEAST_INTERVAL_NS;
   const int64_t most = (link->alone_ns + link->alone_ns / 8) / interval_ns + 1;

   if (link->drain)
      return 1;
   return most < 2 ? 2 : most < VP_PRESENT_MAX_UNDER_WAY ? (uint64_t)most : VP_PRESENT_MAX_UNDER_WAY;
}

bool vps_link_has_room(struct vps_link *link)
{
   const bool ok = link->sent - link->acknowledged < most_under_way(link);

   link->waited = link->waited || !ok;
   return ok;
}

enum vp_present_codec vps_link_choose(struct vps_link *link, enum vps_lossy lossy)
{
   const struct vps_codec_cost *raw = &link->costs[VP_PRESENT_RAW], *lz4 = &link->costs[VP_PRESENT_LZ4];
   const bool raw_is_cheaper = lz4->known && (!raw->known || raw->per_byte < lz4->per_byte);
   const enum vp_present_codec cheap = raw_is_cheaper ? VP_PRESENT_RAW : VP_PRESENT_LZ4;
   const enum vp_present_codec other = raw_is_cheaper ? VP_PRESENT_LZ4 : VP_PRESENT_RAW;

   const bool slow = link->costs[cheap].per_byte * (double)link->usual_bytes > SLOW_NS;

   if (lossy == VPS_LOSSY_ALWAYS || (lossy == VPS_LOSSY_WHEN_SLOW && slow))
      return VP_PRESENT_JPEG;
   if (++link->costs[other].age < TRIAL_PERIOD)
      return cheap;
   link->costs[other].age = 0;
   return other;
}

void vps_link_sent(struct vps_link *link, int64_t start_ns, enum vp_present_codec codec, size_t bytes)
{
   link->drain = link->drain && link->sent != link->acknowledged;
   link->frames[link->sent++ % VP_PRESENT_MAX_UNDER_WAY] =
      (struct vps_sent_frame){.start_ns = start_ns, .bytes = bytes, .codec = codec};
}

static void learn(struct vps_codec_cost *cost, double per_byte)
{
   cost->per_byte = cost->known ? cost->per_byte + (per_byte - cost->per_byte) * NEW_PART : per_byte;
   cost->known = true;
   cost->age = 0;
}

/* How long a frame takes alone: one that was not cannot have taken less. Where frames have to wait, though there are
 * fewer than 60 in a second, and none was alone for some time, one will be. */
static void note_time(struct vps_link *link, int64_t time_ns, bool alone, int64_t now_ns)
{
   if (alone)
      link->measured_ns = now_ns;
   if (alone || time_ns < link->alone_ns)
      link->alone_ns = time_ns;
   link->interval_ns += (int64_t)((double)(link->busy_ns - link->interval_ns) * NEW_PART);
   if (link->waited && link->interval_ns > SLOW_INTERVAL_NS && now_ns - link->measured_ns > DRAIN_NS)
      link->drain = true;
   link->waited = false;
}

static void take_in(struct vps_link *link, const struct vps_sent_frame *frame, int64_t now_ns)
{
   const bool alone = frame->start_ns >= link->last_ns;

   link->busy_ns = now_ns - (alone ? frame->start_ns : link->last_ns);
   link->last_ns = now_ns;
   note_time(link, now_ns - frame->start_ns, alone, now_ns);
   if (!link->least_ns || now_ns - frame->start_ns < link->least_ns)
      link->least_ns = now_ns - frame->start_ns;
   if (frame->bytes < LEARN_BYTES)
      return;
   link->usual_bytes = frame->bytes;
   /* The way there and back costs nothing where others are under way meanwhile. */
   learn(&link->costs[frame->codec], (double)(link->busy_ns - (alone ? link->least_ns : 0)) / (double)frame->bytes);
}

bool vps_link_acknowledge(struct vps_link *link, uint32_t count, int64_t now_ns)
{
   if (count > link->sent - link->acknowledged)
      return false;
   while (count-- > 0)
      take_in(link, &link->frames[link->acknowledged++ % VP_PRESENT_MAX_UNDER_WAY], now_ns);
   return true;
}
