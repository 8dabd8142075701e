/* SPDX-License-Identifier: MIT */

/* Estimates the link's speed from windows in which the sender had to wait, and picks the codec with which the slower of
 * packing and sending is fastest, if that beats sending as it is by a margin. */

#include "common/memory/pack_policy.h"

#include <math.h>

/* On a link this fast the CPU has better things to do. */
#define FAST_LINK 1.0

/* What compressing must gain at least, as it also costs the receiver something. */
#define MARGIN 1.1

/* How much is sent, or how long it is waited, before the link's speed is looked at: a single send may have been delayed
 * by anything. */
#define WINDOW_BYTES ((size_t)256 << 10)
#define WINDOW_BLOCKED_NS 20000000u

/* A link that makes nobody wait may have become faster. It is taken for twice as fast after so many bytes. */
#define GROWTH_BYTES ((double)(16 << 20))

/* Samples are taken so far apart: the more often nothing pays, the farther. */
#define MIN_SAMPLE_DISTANCE ((size_t)1 << 20)
#define MAX_SAMPLE_DISTANCE ((size_t)16 << 20)

void vp_pack_policy_init(struct vp_pack_policy *policy, int64_t now_ns)
{
   *policy = (struct vp_pack_policy){.link = INFINITY, .window = {.start_ns = now_ns}};
}

/* In a window in which the sender waited, the link was busy at least while it waited, and at most all the time. So its
 * speed is between two limits, and what was believed is changed only as far as they say. The lower one is known only
 * when the window did not begin with room in the socket's buffer, which takes bytes at any speed. */
static void see_blocked_window(struct vp_pack_policy *policy, double bytes, double blocked_ns, double elapsed_ns)
{
   const double high = bytes / blocked_ns;
   const double low = policy->window.was_full ? bytes / fmax(elapsed_ns, blocked_ns) : 0;
   const double seen = fmin(fmax(policy->link, low), high);

   policy->link = isinf(policy->link) ? seen : (policy->link + seen) / 2;
}

void vp_pack_policy_sent(struct vp_pack_policy *policy, size_t bytes, uint64_t blocked_ns, int64_t now_ns)
{
   policy->window.bytes += bytes;
   policy->window.blocked_ns += blocked_ns;
   if (policy->window.bytes < WINDOW_BYTES && policy->window.blocked_ns < WINDOW_BLOCKED_NS)
      return;

   const double all = (double)policy->window.bytes, blocked = (double)policy->window.blocked_ns;
   if (blocked > 0)
      see_blocked_window(policy, all, blocked, (double)(now_ns - policy->window.start_ns));
   else
      policy->link *= 1 + all / GROWTH_BYTES;
   policy->window.bytes = 0;
   policy->window.blocked_ns = 0;
   policy->window.start_ns = now_ns;
   policy->window.was_full = blocked > 0;
}

void vp_pack_policy_measured(struct vp_pack_policy *policy, enum vp_codec codec, size_t raw, size_t packed, uint64_t ns)
{
   struct vp_codec_rate *rate = &policy->codecs[codec];
   const double ns_per_byte = ((double)ns + 1) / (double)raw, size = (double)packed / (double)raw;
   const bool first = rate->ns_per_byte == 0;

   /* The half that the last measurement counts for makes it give up incompressible data at once. */
   rate->ns_per_byte = first ? ns_per_byte : (rate->ns_per_byte + ns_per_byte) / 2;
   rate->size = first ? size : (rate->size + size) / 2;
}

bool vp_pack_policy_wants_sample(struct vp_pack_policy *policy, size_t size)
{
   if (policy->link >= FAST_LINK)
      return false;
   if (size < policy->until_sample) {
      policy->until_sample -= size;
      return false;
   }
   const bool pays = vp_pack_policy_choose(policy) != VP_CODEC_NONE;
   if (pays || policy->sample_distance == 0)
      policy->sample_distance = MIN_SAMPLE_DISTANCE;
   else if (policy->sample_distance < MAX_SAMPLE_DISTANCE)
      policy->sample_distance *= 2;
   policy->until_sample = policy->sample_distance;
   return true;
}

/* The socket's buffer lets compressing and sending overlap, so the slower of the two decides. */
enum vp_codec vp_pack_policy_choose(const struct vp_pack_policy *policy)
{
   enum vp_codec best = VP_CODEC_NONE;
   double best_speed = policy->link * MARGIN;

   if (policy->link >= FAST_LINK)
      return VP_CODEC_NONE;
   for (enum vp_codec codec = VP_CODEC_LZ4; codec < VP_CODECS; codec++) {
      const struct vp_codec_rate *rate = &policy->codecs[codec];
      if (rate->ns_per_byte == 0)
         continue;
      const double speed = fmin(1 / rate->ns_per_byte, policy->link / rate->size);
      if (speed > best_speed) {
         best = codec;
         best_speed = speed;
      }
   }
   return best;
}
