/* SPDX-License-Identifier: MIT */

/* Learns from acknowledgements how long encoding, sending and decoding took for a byte of each codec and what rate the
 * link has, and tries idle codecs on small parts of frames now and then. */

#include "server/wsi/codec_chooser.h"

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

static bool has_codec(const struct vps_codec_chooser *chooser, enum vp_present_codec codec)
{
   return chooser->codecs & VP_PRESENT_CODEC_BIT(codec);
}

enum vp_present_codec vps_codec_chooser_exact(const struct vps_codec_chooser *chooser)
{
   const struct vps_codec_cost *least = NULL;
   enum vp_present_codec best = VP_PRESENT_RAW;

   for (unsigned i = EXACT_CODECS; i-- > 0;) {
      const struct vps_codec_cost *cost = &chooser->costs[exact_codecs[i]];
      if (!has_codec(chooser, exact_codecs[i]) || (least && (!cost->known || cost->per_byte >= least->per_byte)))
         continue;
      best = exact_codecs[i];
      least = cost->known ? cost : NULL;
   }
   return best;
}

static enum vp_present_codec codec_of(const struct vps_codec_chooser *chooser, enum vps_way way)
{
   return way == VPS_H264 ? VP_PRESENT_H264 : way == VPS_JPEG ? VP_PRESENT_JPEG : vps_codec_chooser_exact(chooser);
}

static bool has_way(const struct vps_codec_chooser *chooser, enum vps_way way)
{
   return has_codec(chooser, codec_of(chooser, way));
}

/* The next worse way that there is, or the same. */
static enum vps_way worse_way(const struct vps_codec_chooser *chooser)
{
   for (enum vps_way way = chooser->way; way < VPS_H264;) {
      if (has_way(chooser, ++way))
         return way;
   }
   return chooser->way;
}

static enum vps_way better_way(const struct vps_codec_chooser *chooser)
{
   return chooser->way == VPS_H264 && has_codec(chooser, VP_PRESENT_JPEG) ? VPS_JPEG : VPS_EXACT;
}

void vps_codec_chooser_init(struct vps_codec_chooser *chooser, enum vps_lossy lossy, uint32_t codecs)
{
   *chooser = (struct vps_codec_chooser){
      .lossy = lossy,
      .codecs = codecs | VP_PRESENT_CODEC_BIT(VP_PRESENT_RAW),
      .rate = FIRST_RATE,
      .patience = TRIAL_PERIOD,
      .trial = {.wait = FIRST_TRIAL},
   };
   if (lossy == VPS_LOSSY_ALWAYS)
      chooser->way = has_codec(chooser, VP_PRESENT_H264)   ? VPS_H264
                     : has_codec(chooser, VP_PRESENT_JPEG) ? VPS_JPEG
                                                           : VPS_EXACT;
}

/* Gives up a way that is too slow, and is the more patient the shorter it was good. */
static void fall(struct vps_codec_chooser *chooser, enum vps_way way)
{
   const bool soon = chooser->risen_at && chooser->flow.sent - chooser->risen_at < SOON;

   chooser->patience = !soon ? TRIAL_PERIOD : chooser->patience < MAX_PATIENCE ? 2 * chooser->patience : MAX_PATIENCE;
   chooser->trial = (struct vps_trial){.wait = chooser->patience};
   chooser->way = way;
}

static void rise(struct vps_codec_chooser *chooser, enum vps_way way)
{
   chooser->way = way;
   chooser->risen_at = chooser->flow.sent;
}

static void check_way(struct vps_codec_chooser *chooser)
{
   const struct vps_codec_cost *cost = &chooser->costs[codec_of(chooser, chooser->way)];

   if (chooser->lossy == VPS_LOSSY_WHEN_SLOW && cost->known &&
       cost->per_byte * (double)chooser->usual_bytes > SLOW_NS && worse_way(chooser) != chooser->way)
      fall(chooser, worse_way(chooser));
}

void vps_codec_chooser_forget(struct vps_codec_chooser *chooser, enum vp_present_codec codec)
{
   chooser->codecs &= ~VP_PRESENT_CODEC_BIT(codec);
   while (!has_way(chooser, chooser->way))
      chooser->way--;
   if (!has_codec(chooser, chooser->trial.codec))
      chooser->trial = (struct vps_trial){.wait = TRIAL_PERIOD};
}

/* --- trials --- */

/* The exact codec but `codec` that was not tried for the longest time; `codec` when there is none. */
static enum vp_present_codec find_oldest_codec(const struct vps_codec_chooser *chooser, enum vp_present_codec codec)
{
   enum vp_present_codec oldest = codec;

   for (unsigned i = 0; i < EXACT_CODECS; i++) {
      const enum vp_present_codec other = exact_codecs[i];
      if (has_codec(chooser, other) && other != codec &&
          (oldest == codec || chooser->costs[other].tried_at < chooser->costs[oldest].tried_at))
         oldest = other;
   }
   return oldest;
}

/* What may be tried instead of what is in use; that itself when there is nothing. */
static enum vp_present_codec find_candidate(const struct vps_codec_chooser *chooser, enum vp_present_codec usual)
{
   if (chooser->lossy == VPS_LOSSY_ALWAYS)
      return usual;
   if (chooser->way == VPS_EXACT)
      return find_oldest_codec(chooser, usual);
   return better_way(chooser) == VPS_JPEG ? VP_PRESENT_JPEG : find_oldest_codec(chooser, usual);
}

/* The first part is small enough that the frame becomes no more than about twice as large, however badly the codec
 * packs. */
static void begin_trial(struct vps_codec_chooser *chooser, enum vp_present_codec usual)
{
   struct vps_trial *trial = &chooser->trial;

   if (!chooser->costs[usual].known || (trial->wait > 0 && --trial->wait > 0))
      return;
   trial->codec = find_candidate(chooser, usual);
   trial->usual = usual;
   chooser->costs[trial->codec].tried_at = chooser->flow.sent;
   trial->part = trial->codec == usual       ? 0
                 : chooser->ratio < MIN_PART ? MIN_PART
                 : chooser->ratio > 1        ? 1
                                             : chooser->ratio;
}

static bool all_were_tried(const struct vps_codec_chooser *chooser)
{
   for (unsigned i = 0; i < EXACT_CODECS; i++) {
      if (has_codec(chooser, exact_codecs[i]) && !chooser->costs[exact_codecs[i]].tried_at)
         return false;
   }
   return true;
}

static void end_trial(struct vps_codec_chooser *chooser)
{
   const unsigned period = all_were_tried(chooser) ? TRIAL_PERIOD : FIRST_TRIAL;

   chooser->trial = (struct vps_trial){.wait = chooser->way == VPS_EXACT ? period : chooser->patience};
}

struct vps_choice vps_codec_chooser_choose(struct vps_codec_chooser *chooser)
{
   struct vps_trial *trial = &chooser->trial;

   check_way(chooser);
   struct vps_choice choice = {.codec = codec_of(chooser, chooser->way)};
   for (unsigned i = 0; i < VP_PRESENT_CODECS; i++)
      chooser->costs[i].age++;
   if (trial->under_way)
      return choice;
   if (!(trial->part > 0))
      begin_trial(chooser, choice.codec);
   if (!(trial->part > 0))
      return choice;
   trial->under_way = choice.is_trial = true;
   if (trial->part < 1) {
      choice.trial = trial->codec;
      choice.trial_bytes = (size_t)(trial->part * (double)chooser->usual_bytes);
   } else {
      choice.codec = trial->codec;
   }
   return choice;
}

/* What the trial has come to, now that a frame of it took so long. */
static void judge(struct vps_codec_chooser *chooser, const struct vps_sent_frame *frame, double took_ns)
{
   struct vps_trial *trial = &chooser->trial;
   const bool is_better = chooser->way != VPS_EXACT;
   const double usual_ns = TRIAL_LENIENCE * chooser->costs[trial->usual].per_byte * (double)frame->bytes;

   trial->under_way = false;
   if (frame->bytes < LEARN_BYTES)
      return; /* it says nothing */
   const double allowed_ns = is_better && usual_ns < SLOW_NS ? SLOW_NS : usual_ns;
   if (took_ns > allowed_ns) {
      end_trial(chooser);
   } else if (trial->part < 1) {
      trial->part = TRIAL_GROWTH * trial->part < 1 ? TRIAL_GROWTH * trial->part : 1;
   } else {
      if (is_better)
         rise(chooser, better_way(chooser));
      end_trial(chooser);
   }
}

/* --- what acknowledgements say --- */

void vps_codec_chooser_sent(struct vps_codec_chooser *chooser, const struct vps_sent_frame *frame)
{
   chooser->frames[chooser->flow.sent % VP_PRESENT_MAX_UNDER_WAY] = *frame;
   vps_flow_control_sent(&chooser->flow);
}

static void blend(double *average, double value)
{
   *average += (value - *average) * NEW_PART;
}

/* What is old counts for nothing. */
static void learn_speed(struct vps_codec_cost *cost, double per_byte)
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
static double note_cost(struct vps_codec_chooser *chooser, const struct vps_sent_frame *frame, int64_t decoded_ns)
{
   if (!chooser->timed || decoded_ns - frame->start_ns < chooser->least_ns)
      chooser->least_ns = decoded_ns - frame->start_ns;
   int64_t begun_ns = frame->start_ns + chooser->least_ns;
   if (chooser->timed)
      begun_ns = later(begun_ns, chooser->last_decoded_ns);
   const double took_ns = (double)later(decoded_ns - begun_ns, 0);
   chooser->last_decoded_ns = decoded_ns;
   if (frame->bytes < LEARN_BYTES)
      return 0;
   if (!chooser->usual_bytes)
      chooser->usual_bytes = frame->bytes;
   chooser->usual_bytes = (size_t)((1 - NEW_PART) * (double)chooser->usual_bytes + NEW_PART * (double)frame->bytes);
   if (!frame->choice.trial_bytes) {
      learn_speed(&chooser->costs[frame->choice.codec], took_ns / (double)frame->bytes);
      chooser->costs[frame->choice.codec].tried_at = chooser->flow.sent;
      chooser->ratio = (double)frame->wire_bytes / (double)frame->bytes;
   }
   return took_ns;
}

/* The way without anything on it: what the quickest frame took, but for the time that its bytes took as far as the rate
 * is right. Of that time only a part counts, so that a rate that is far too low does not make all frames look late. */
static double empty_trip_ns(const struct vps_codec_chooser *chooser)
{
   const double bytes_ns = (double)chooser->least_trip_bytes * 1e9 / chooser->rate;

   return (double)chooser->least_trip_ns - (bytes_ns < COUNTED_NS ? bytes_ns : COUNTED_NS);
}

static void note_trip(struct vps_codec_chooser *chooser, int64_t trip_ns, size_t bytes)
{
   if (chooser->timed && trip_ns >= chooser->least_trip_ns)
      return;
   chooser->least_trip_ns = trip_ns;
   chooser->least_trip_bytes = bytes;
}

/* The rate is higher when a frame was quicker; it is lower when a frame is late because of the link; and it may be
 * higher when frames are as large as they may be and none is late. */
static void note_rate(struct vps_codec_chooser *chooser, const struct vps_sent_frame *frame, int64_t arrival_ns)
{
   const int64_t sent_ns = frame->start_ns + frame->encode_ns;

   note_trip(chooser, arrival_ns - sent_ns, frame->wire_bytes);
   int64_t begun_ns = sent_ns + (int64_t)empty_trip_ns(chooser);
   if (chooser->timed)
      begun_ns = later(begun_ns, chooser->last_arrival_ns);
   const double link_ns = (double)(arrival_ns - begun_ns), bytes_1e9 = (double)frame->wire_bytes * 1e9;
   const double seen = bytes_1e9 / (link_ns > LEAST_LINK_NS ? link_ns : LEAST_LINK_NS);
   chooser->last_arrival_ns = arrival_ns;
   if (seen > chooser->rate || link_ns > LATE_NS)
      blend(&chooser->rate, seen);
   else if (link_ns < EARLY_NS && bytes_1e9 > LARGE_PART * chooser->rate * FRAME_NS)
      chooser->rate *= RATE_GROWTH;
   chooser->rate = chooser->rate < LEAST_RATE ? LEAST_RATE : chooser->rate > MOST_RATE ? MOST_RATE : chooser->rate;
}

/* Clocks do not run alike, so what was the least once is not for ever. */
static void forget_least(struct vps_codec_chooser *chooser, int64_t elapsed_ns)
{
   chooser->least_ns += elapsed_ns / CLOCK_DRIFT;
   chooser->least_trip_ns += elapsed_ns / CLOCK_DRIFT;
}

static void take_in(struct vps_codec_chooser *chooser, const struct vps_sent_frame *frame,
                    const struct vps_acknowledgement *acknowledgement)
{
   const int64_t arrival_ns = acknowledgement->arrival_ns;

   forget_least(chooser, acknowledgement->now_ns - chooser->flow.last_ns);
   vps_flow_control_acknowledged(&chooser->flow, frame->start_ns, acknowledgement->now_ns);
   const double took_ns = note_cost(chooser, frame, arrival_ns + acknowledgement->decode_ns);
   note_rate(chooser, frame, arrival_ns);
   chooser->timed = true;
   if (frame->choice.is_trial)
      judge(chooser, frame, took_ns);
}

bool vps_codec_chooser_acknowledge(struct vps_codec_chooser *chooser, uint32_t count,
                                   const struct vps_acknowledgement *acknowledgement)
{
   if (count > vps_flow_control_under_way(&chooser->flow))
      return false;
   while (count-- > 0)
      take_in(chooser, &chooser->frames[chooser->flow.acknowledged % VP_PRESENT_MAX_UNDER_WAY], acknowledgement);
   return true;
}
