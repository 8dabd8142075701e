/* SPDX-License-Identifier: MIT */
#include "server/wsi/codec_choice.h"

/* A codec that is not in use is tried again after so many frames; one that was never tried sooner. */
#define TRIAL_PERIOD 128
#define FIRST_TRIAL 16

/* A better way that was left soon is tried again later and later. */
#define MAX_PATIENCE 2048
#define SOON 256

/* A trial goes on while frames do not take much longer, with this much more of each frame. */
#define TRIAL_LENIENCE 1.25
#define TRIAL_GROWTH 4
#define MIN_PART 0.004

/* Frames with less say nothing of a codec. */
#define LEARN_BYTES ((size_t)64 << 10)

/* A frame that takes longer cannot be followed by 60 in a second. */
#define SLOW_NS 15e6
#define FRAME_NS (1e9 / 60)

/* How much of a new measurement counts. */
#define NEW_PART 0.3

/* The rate to begin with, in bytes for a second. */
#define FIRST_RATE 2.5e6
#define LEAST_RATE 30e3
#define MOST_RATE 1e10

/* It is too high when frames take longer than this on the link; and it grows while frames that are about as large as it
 * allows take less than that. */
#define LATE_NS (1.1 * FRAME_NS)
#define EARLY_NS (0.95 * FRAME_NS)
#define LARGE_PART 0.6
#define RATE_GROWTH 1.05

/* Shorter times on the link are not measured well. */
#define LEAST_LINK_NS 2e6

/* Of the time that the bytes of the quickest frame took, what counts at most. */
#define COUNTED_NS (0.7 * FRAME_NS)

/* How much two clocks may differ in speed: one in so many. */
#define CLOCK_DRIFT 10000

/* --- codecs and ways --- */

/* Those that are likely to be best come first. */
static const enum vp_present_codec exact_codecs[] = {VP_PRESENT_LZ4, VP_PRESENT_LZ4_PLAIN, VP_PRESENT_ZSTD,
                                                     VP_PRESENT_ZSTD_PLAIN, VP_PRESENT_RAW};
#define EXACT_CODECS (sizeof(exact_codecs) / sizeof(exact_codecs[0]))

static bool has(const struct vps_link *link, enum vp_present_codec codec)
{
   return link->codecs & VP_PRESENT_CODEC_BIT(codec);
}

enum vp_present_codec vps_link_exact(const struct vps_link *link)
{
   const struct vps_codec_cost *least = NULL;
   enum vp_present_codec best = VP_PRESENT_RAW;

   for (unsigned i = EXACT_CODECS; i-- > 0;) {
      const struct vps_codec_cost *cost = &link->costs[exact_codecs[i]];
      if (!has(link, exact_codecs[i]) || (least && (!cost->known || cost->per_byte >= least->per_byte)))
         continue;
      best = exact_codecs[i];
      least = cost->known ? cost : NULL;
   }
   return best;
}

static enum vp_present_codec codec_of(const struct vps_link *link, enum vps_way way)
{
   return way == VPS_H264 ? VP_PRESENT_H264 : way == VPS_JPEG ? VP_PRESENT_JPEG : vps_link_exact(link);
}

static bool has_way(const struct vps_link *link, enum vps_way way)
{
   return has(link, codec_of(link, way));
}

/* The next worse way that there is, or the same. */
static enum vps_way worse_way(const struct vps_link *link)
{
   for (enum vps_way way = link->way; way < VPS_H264;) {
      if (has_way(link, ++way))
         return way;
   }
   return link->way;
}

static enum vps_way better_way(const struct vps_link *link)
{
   return link->way == VPS_H264 && has(link, VP_PRESENT_JPEG) ? VPS_JPEG : VPS_EXACT;
}

void vps_link_init(struct vps_link *link, enum vps_lossy lossy, uint32_t codecs)
{
   *link = (struct vps_link){
      .lossy = lossy,
      .codecs = codecs | VP_PRESENT_CODEC_BIT(VP_PRESENT_RAW),
      .rate = FIRST_RATE,
      .patience = TRIAL_PERIOD,
      .trial = {.wait = FIRST_TRIAL},
   };
   if (lossy == VPS_LOSSY_ALWAYS)
      link->way = has(link, VP_PRESENT_H264) ? VPS_H264 : has(link, VP_PRESENT_JPEG) ? VPS_JPEG : VPS_EXACT;
}

/* Gives up a way that is too slow, and is the more patient the shorter it was good. */
static void fall(struct vps_link *link, enum vps_way way)
{
   const bool soon = link->risen_at && link->room.sent - link->risen_at < SOON;

   link->patience = !soon ? TRIAL_PERIOD : link->patience < MAX_PATIENCE ? 2 * link->patience : MAX_PATIENCE;
   link->trial = (struct vps_trial){.wait = link->patience};
   link->way = way;
}

static void rise(struct vps_link *link, enum vps_way way)
{
   link->way = way;
   link->risen_at = link->room.sent;
}

static void check_way(struct vps_link *link)
{
   const struct vps_codec_cost *cost = &link->costs[codec_of(link, link->way)];

   if (link->lossy == VPS_LOSSY_WHEN_SLOW && cost->known && cost->per_byte * (double)link->usual_bytes > SLOW_NS &&
       worse_way(link) != link->way)
      fall(link, worse_way(link));
}

void vps_link_forget(struct vps_link *link, enum vp_present_codec codec)
{
   link->codecs &= ~VP_PRESENT_CODEC_BIT(codec);
   while (!has_way(link, link->way))
      link->way--;
   if (!has(link, link->trial.codec))
      link->trial = (struct vps_trial){.wait = TRIAL_PERIOD};
}

/* --- trials --- */

/* The exact codec but `codec` that was not tried for the longest time; `codec` when there is none. */
static enum vp_present_codec find_oldest(const struct vps_link *link, enum vp_present_codec codec)
{
   enum vp_present_codec oldest = codec;

   for (unsigned i = 0; i < EXACT_CODECS; i++) {
      const enum vp_present_codec other = exact_codecs[i];
      if (has(link, other) && other != codec &&
          (oldest == codec || link->costs[other].tried_at < link->costs[oldest].tried_at))
         oldest = other;
   }
   return oldest;
}

/* What may be tried instead of what is in use; that itself when there is nothing. */
static enum vp_present_codec find_candidate(const struct vps_link *link, enum vp_present_codec usual)
{
   if (link->lossy == VPS_LOSSY_ALWAYS)
      return usual;
   if (link->way == VPS_EXACT)
      return find_oldest(link, usual);
   return better_way(link) == VPS_JPEG ? VP_PRESENT_JPEG : find_oldest(link, usual);
}

/* The first part is small enough that the frame becomes no more than about twice as large, however badly the codec
 * packs. */
static void begin_trial(struct vps_link *link, enum vp_present_codec usual)
{
   struct vps_trial *trial = &link->trial;

   if (!link->costs[usual].known || (trial->wait > 0 && --trial->wait > 0))
      return;
   trial->codec = find_candidate(link, usual);
   trial->usual = usual;
   link->costs[trial->codec].tried_at = link->room.sent;
   trial->part = trial->codec == usual ? 0 : link->ratio < MIN_PART ? MIN_PART : link->ratio > 1 ? 1 : link->ratio;
}

static bool all_were_tried(const struct vps_link *link)
{
   for (unsigned i = 0; i < EXACT_CODECS; i++) {
      if (has(link, exact_codecs[i]) && !link->costs[exact_codecs[i]].tried_at)
         return false;
   }
   return true;
}

static void end_trial(struct vps_link *link)
{
   const unsigned period = all_were_tried(link) ? TRIAL_PERIOD : FIRST_TRIAL;

   link->trial = (struct vps_trial){.wait = link->way == VPS_EXACT ? period : link->patience};
}

struct vps_choice vps_link_choose(struct vps_link *link)
{
   struct vps_trial *trial = &link->trial;

   check_way(link);
   struct vps_choice choice = {.codec = codec_of(link, link->way)};
   for (unsigned i = 0; i < VP_PRESENT_CODECS; i++)
      link->costs[i].age++;
   if (trial->under_way)
      return choice;
   if (!(trial->part > 0))
      begin_trial(link, choice.codec);
   if (!(trial->part > 0))
      return choice;
   trial->under_way = choice.is_trial = true;
   if (trial->part < 1) {
      choice.trial = trial->codec;
      choice.trial_bytes = (size_t)(trial->part * (double)link->usual_bytes);
   } else {
      choice.codec = trial->codec;
   }
   return choice;
}

/* What the trial has come to, now that a frame of it took so long. */
static void judge(struct vps_link *link, const struct vps_sent_frame *frame, double took_ns)
{
   struct vps_trial *trial = &link->trial;
   const bool is_better = link->way != VPS_EXACT;
   const double usual_ns = TRIAL_LENIENCE * link->costs[trial->usual].per_byte * (double)frame->bytes;

   trial->under_way = false;
   if (frame->bytes < LEARN_BYTES)
      return; /* it says nothing */
   const double allowed_ns = is_better && usual_ns < SLOW_NS ? SLOW_NS : usual_ns;
   if (took_ns > allowed_ns) {
      end_trial(link);
   } else if (trial->part < 1) {
      trial->part = TRIAL_GROWTH * trial->part < 1 ? TRIAL_GROWTH * trial->part : 1;
   } else {
      if (is_better)
         rise(link, better_way(link));
      end_trial(link);
   }
}

/* --- what acknowledgements say --- */

void vps_link_sent(struct vps_link *link, const struct vps_sent_frame *frame)
{
   link->frames[link->room.sent % VP_PRESENT_MAX_UNDER_WAY] = *frame;
   vps_room_sent(&link->room);
}

static void blend(double *average, double value)
{
   *average += (value - *average) * NEW_PART;
}

/* What is old counts for nothing. */
static void learn(struct vps_codec_cost *cost, double per_byte)
{
   if (cost->known && cost->age < TRIAL_PERIOD / 2)
      blend(&cost->per_byte, per_byte);
   else
      cost->per_byte = per_byte;
   cost->known = true;
   cost->age = 0;
}

static int64_t later(int64_t a, int64_t b)
{
   return a > b ? a : b;
}

/* How long a frame kept encoder, link and decoder from the next one. The way costs nothing, since others are under way
 * meanwhile; nor does the display. */
static double note_cost(struct vps_link *link, const struct vps_sent_frame *frame, int64_t decoded_ns)
{
   if (!link->timed || decoded_ns - frame->start_ns < link->least_ns)
      link->least_ns = decoded_ns - frame->start_ns;
   int64_t begun_ns = frame->start_ns + link->least_ns;
   if (link->timed)
      begun_ns = later(begun_ns, link->last_decoded_ns);
   const double took_ns = (double)later(decoded_ns - begun_ns, 0);
   link->last_decoded_ns = decoded_ns;
   if (frame->bytes < LEARN_BYTES)
      return 0;
   if (!link->usual_bytes)
      link->usual_bytes = frame->bytes;
   link->usual_bytes = (size_t)((1 - NEW_PART) * (double)link->usual_bytes + NEW_PART * (double)frame->bytes);
   if (!frame->choice.trial_bytes) {
      learn(&link->costs[frame->choice.codec], took_ns / (double)frame->bytes);
      link->costs[frame->choice.codec].tried_at = link->room.sent;
      link->ratio = (double)frame->wire_bytes / (double)frame->bytes;
   }
   return took_ns;
}

/* The way without anything on it: what the quickest frame took, but for the time that its bytes took as far as the rate
 * is right. Of that time only a part counts, so that a rate that is far too low does not make all frames look late. */
static double empty_trip_ns(const struct vps_link *link)
{
   const double bytes_ns = (double)link->least_trip_bytes * 1e9 / link->rate;

   return (double)link->least_trip_ns - (bytes_ns < COUNTED_NS ? bytes_ns : COUNTED_NS);
}

static void note_trip(struct vps_link *link, int64_t trip_ns, size_t bytes)
{
   if (link->timed && trip_ns >= link->least_trip_ns)
      return;
   link->least_trip_ns = trip_ns;
   link->least_trip_bytes = bytes;
}

/* The rate is higher when a frame was quicker; it is lower when a frame is late because of the link; and it may be
 * higher when frames are as large as they may be and none is late. */
static void note_rate(struct vps_link *link, const struct vps_sent_frame *frame, int64_t arrival_ns)
{
   const int64_t sent_ns = frame->start_ns + frame->encode_ns;

   note_trip(link, arrival_ns - sent_ns, frame->wire_bytes);
   int64_t begun_ns = sent_ns + (int64_t)empty_trip_ns(link);
   if (link->timed)
      begun_ns = later(begun_ns, link->last_arrival_ns);
   const double link_ns = (double)(arrival_ns - begun_ns), bytes_1e9 = (double)frame->wire_bytes * 1e9;
   const double seen = bytes_1e9 / (link_ns > LEAST_LINK_NS ? link_ns : LEAST_LINK_NS);
   link->last_arrival_ns = arrival_ns;
   if (seen > link->rate || link_ns > LATE_NS)
      blend(&link->rate, seen);
   else if (link_ns < EARLY_NS && bytes_1e9 > LARGE_PART * link->rate * FRAME_NS)
      link->rate *= RATE_GROWTH;
   link->rate = link->rate < LEAST_RATE ? LEAST_RATE : link->rate > MOST_RATE ? MOST_RATE : link->rate;
}

/* Clocks do not run alike, so what was the least once is not for ever. */
static void forget_least(struct vps_link *link, int64_t elapsed_ns)
{
   link->least_ns += elapsed_ns / CLOCK_DRIFT;
   link->least_trip_ns += elapsed_ns / CLOCK_DRIFT;
}

static void take_in(struct vps_link *link, const struct vps_sent_frame *frame,
                    const struct vps_acknowledgement *acknowledgement)
{
   const int64_t arrival_ns = acknowledgement->arrival_ns;

   forget_least(link, acknowledgement->now_ns - link->room.last_ns);
   vps_room_acknowledged(&link->room, frame->start_ns, acknowledgement->now_ns);
   const double took_ns = note_cost(link, frame, arrival_ns + acknowledgement->decode_ns);
   note_rate(link, frame, arrival_ns);
   link->timed = true;
   if (frame->choice.is_trial)
      judge(link, frame, took_ns);
}

bool vps_link_acknowledge(struct vps_link *link, uint32_t count, const struct vps_acknowledgement *acknowledgement)
{
   if (count > vps_room_under_way(&link->room))
      return false;
   while (count-- > 0)
      take_in(link, &link->frames[link->room.acknowledged % VP_PRESENT_MAX_UNDER_WAY], acknowledgement);
   return true;
}
