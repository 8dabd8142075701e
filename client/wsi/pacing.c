/* SPDX-License-Identifier: MIT */

/* Averages the interval of frames, and sees once a second whether the least time on the way has grown: then one frame
 * is made to go alone, which tells a longer way from a longer queue. */

#include "client/wsi/pacing.h"

#include "common/picture/present_frame.h"

#define MS INT64_C(1000000)

/* What is taken for the interval before it is known, and the least that it can be. */
#define USUAL_INTERVAL_NS (INT64_C(50) * MS / 3)
#define LEAST_INTERVAL_NS (INT64_C(4) * MS)

/* How much of a new interval counts: one part in so many. */
#define NEW_INTERVAL 8

#define PERIOD_NS (INT64_C(1000) * MS)

/* A frame is made to wait until it is alone at most so often; twice as seldom each time that it was in vain. */
#define LEAST_PATIENCE_NS (INT64_C(5000) * MS)
#define MOST_PATIENCE_NS (INT64_C(160000) * MS)

static int64_t interval_of(const struct vp_pacing *pacing)
{
   const int64_t interval_ns = pacing->interval_ns ? pacing->interval_ns : USUAL_INTERVAL_NS;
   return interval_ns > LEAST_INTERVAL_NS ? interval_ns : LEAST_INTERVAL_NS;
}

/* Frames that are shown while the network takes so long; a quarter of one is neglected. */
static uint32_t extra_frames(const struct vp_pacing *pacing, int64_t way_ns)
{
   const int64_t interval_ns = interval_of(pacing), counted_ns = way_ns - interval_ns / 4;
   if (counted_ns <= 0)
      return 0;
   const int64_t frames = (counted_ns - 1) / interval_ns + 1;
   return frames < VP_PRESENT_EXTRA_FRAMES ? (uint32_t)frames : VP_PRESENT_EXTRA_FRAMES;
}

static void note_interval(struct vp_pacing *pacing, const struct vp_pacing_frame *frame)
{
   const int64_t interval_ns = frame->arrival_ns - pacing->last_ns;
   pacing->last_ns = frame->arrival_ns;
   if (!frame->alone)
      pacing->interval_ns = interval_of(pacing) + (interval_ns - interval_of(pacing)) / NEW_INTERVAL;
}

/* Whether the frames of the period that has ended say that the way is longer than it was. */
static void end_period(struct vp_pacing *pacing, int64_t now_ns)
{
   const bool longer = pacing->least_ns > pacing->way_ns + interval_of(pacing) / 2 &&
                       extra_frames(pacing, pacing->least_ns) > extra_frames(pacing, pacing->way_ns);
   if (longer && pacing->waited && now_ns >= pacing->drain_ns)
      pacing->drain = true;
   pacing->waited = false;
   pacing->least_ns = INT64_MAX;
   pacing->end_ns = now_ns + PERIOD_NS;
}

/* After a frame for which others had to wait. */
static void end_drain(struct vp_pacing *pacing, const struct vp_pacing_frame *frame)
{
   const bool in_vain = extra_frames(pacing, frame->network_ns) <= extra_frames(pacing, pacing->way_ns);
   pacing->patience_ns = in_vain ? 2 * pacing->patience_ns : LEAST_PATIENCE_NS;
   if (pacing->patience_ns < LEAST_PATIENCE_NS)
      pacing->patience_ns = LEAST_PATIENCE_NS;
   if (pacing->patience_ns > MOST_PATIENCE_NS)
      pacing->patience_ns = MOST_PATIENCE_NS;
   pacing->drain_ns = frame->arrival_ns + pacing->patience_ns;
   pacing->drain = false;
}

void vp_pacing_note(struct vp_pacing *pacing, const struct vp_pacing_frame *frame)
{
   note_interval(pacing, frame);
   if (pacing->drain && frame->alone)
      end_drain(pacing, frame);
   if (frame->network_ns <= 0)
      return;
   if (frame->alone || frame->network_ns < pacing->way_ns)
      pacing->way_ns = frame->network_ns;
   if (frame->network_ns < pacing->least_ns)
      pacing->least_ns = frame->network_ns;
   if (frame->arrival_ns >= pacing->end_ns)
      end_period(pacing, frame->arrival_ns);
}

uint32_t vp_pacing_limit(const struct vp_pacing *pacing, uint32_t usual)
{
   return pacing->drain ? 1 : usual + extra_frames(pacing, pacing->way_ns);
}

bool vp_pacing_has_room(struct vp_pacing *pacing, uint32_t usual, uint64_t under_way)
{
   const bool ok = under_way < vp_pacing_limit(pacing, usual);
   pacing->waited = pacing->waited || !ok;
   return ok;
}
