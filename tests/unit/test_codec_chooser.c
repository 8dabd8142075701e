/* SPDX-License-Identifier: MIT */

/* What a swapchain's thread learns of the way to the client, on simulated links: which codec it takes, what trying
 * others costs, how large pictures of a video may be, and how many frames it lets be under way. */

#include <math.h>
#include <stdlib.h>

#include "server/wsi/codec_chooser.h"
#include "tests/unit/check.h"

#define MS INT64_C(1000000)
#define FRAME (1000 * MS / 60)
#define MBIT 125e3 /* bytes in a second */
#define ALL_CODECS (VP_PRESENT_CODEC_BIT(VP_PRESENT_CODECS) - 1)

/* For a byte of tiles: bytes on the wire, nanoseconds of encoding and decoding. */
struct nature {
   double wire, encode_ns, decode_ns;
};

static const struct nature natures[VP_PRESENT_CODECS] = {
   [VP_PRESENT_RAW] = {1, 0.2, 0.2},         [VP_PRESENT_LZ4] = {0.33, 1.5, 0.5},
   [VP_PRESENT_LZ4_PLAIN] = {0.5, 1.5, 0.5}, [VP_PRESENT_ZSTD] = {0.2, 4, 1.5},
   [VP_PRESENT_ZSTD_PLAIN] = {0.3, 4, 1.5},  [VP_PRESENT_JPEG] = {0.04, 1.2, 1.2},
   [VP_PRESENT_H264] = {0.012, 1.5, 1.5},
};

/* The client's clock. */
#define OTHER_CLOCK INT64_C(-77777777777)
#define OTHER_SPEED 1.00005

struct simulated {
   int64_t trip_ns;   /* there and back */
   int64_t extra_ns;  /* on the way back, behind what else the client sends */
   double rate;       /* of the link, bytes in a second */
   int64_t period_ns; /* between frames of the program; 0: as fast as they go */
   bool display;      /* of 60 Hz, which each frame waits for */
   double slowness;   /* of the client's decoder */
   size_t bytes;      /* of a frame */

   struct vps_codec_chooser chooser;
   int64_t now_ns, link_free_ns, shown_ns, presented_ns;
   struct vps_acknowledgement acks[VP_PRESENT_MAX_UNDER_WAY]; /* in order; their time is that of their arrival here */
   int64_t starts[VP_PRESENT_MAX_UNDER_WAY];
   unsigned under_way;

   /* Of the last frames that were simulated. */
   unsigned frames, crowded, changes, by_codec[VP_PRESENT_CODECS];
   int64_t longest_ns, begun_ns;
   double wire_bytes;
};

static void receive_ack(struct simulated *s)
{
   const struct vps_acknowledgement ack = s->acks[0];
   if (ack.now_ns > s->now_ns)
      s->now_ns = ack.now_ns;
   CHECK(vps_codec_chooser_acknowledge(&s->chooser, 1, &ack));
   if (ack.now_ns - s->starts[0] > s->longest_ns)
      s->longest_ns = ack.now_ns - s->starts[0];
   for (unsigned i = 1; i < VP_PRESENT_MAX_UNDER_WAY; i++) {
      s->acks[i - 1] = s->acks[i];
      s->starts[i - 1] = s->starts[i];
   }
   s->under_way--;
}

/* The frame's way to the display, and the acknowledgement's back. */
static void deliver(struct simulated *s, int64_t start_ns, int64_t sent_ns, double wire, double decode_ns)
{
   const int64_t refresh_ns = FRAME;
   s->link_free_ns = (s->link_free_ns > sent_ns ? s->link_free_ns : sent_ns) + (int64_t)(wire / s->rate * 1e9);
   const int64_t arrival_ns = s->link_free_ns + s->trip_ns / 2;
   const int64_t held_ns = s->shown_ns > arrival_ns ? s->shown_ns - arrival_ns : 0;
   const int64_t decoded_ns = arrival_ns + held_ns + (int64_t)decode_ns;
   s->shown_ns = s->display ? (decoded_ns / refresh_ns + 1) * refresh_ns : decoded_ns;
   s->starts[s->under_way] = start_ns;
   s->acks[s->under_way++] = (struct vps_acknowledgement){
      .now_ns = decoded_ns + s->trip_ns / 2 + s->extra_ns,
      .arrival_ns = (int64_t)((double)arrival_ns * OTHER_SPEED) + OTHER_CLOCK,
      .decode_ns = (int64_t)decode_ns,
   };
}

static void add_codec(const struct simulated *s, enum vp_present_codec codec, double bytes, double sums[3])
{
   const struct nature *nature = &natures[codec];
   double wire = nature->wire * bytes;
   if (codec == VP_PRESENT_H264 && wire > VPS_VIDEO_SHARE * s->chooser.rate / 60)
      wire = VPS_VIDEO_SHARE * s->chooser.rate / 60;
   sums[0] += wire;
   sums[1] += nature->encode_ns * bytes;
   sums[2] += nature->decode_ns * bytes * (s->slowness > 0 ? s->slowness : 1);
}

static void send_frame(struct simulated *s)
{
   const enum vps_way before = s->chooser.way;
   const struct vps_choice choice = vps_codec_chooser_choose(&s->chooser);
   const double trial = choice.trial_bytes < s->bytes ? (double)choice.trial_bytes : (double)s->bytes;
   double sums[3] = {0};
   add_codec(s, choice.trial, trial, sums);
   add_codec(s, choice.codec, (double)s->bytes - trial, sums);
   const struct vps_sent_frame frame = {
      .choice = choice,
      .start_ns = s->now_ns,
      .encode_ns = (int64_t)sums[1],
      .bytes = s->bytes,
      .wire_bytes = (size_t)sums[0],
   };
   vps_codec_chooser_sent(&s->chooser, &frame);
   s->now_ns += frame.encode_ns;
   deliver(s, frame.start_ns, s->now_ns, sums[0], sums[2]);
   s->changes += s->chooser.way != before;
   s->by_codec[choice.codec]++;
   s->wire_bytes += sums[0];
   s->frames++;
   s->crowded += s->under_way > 2;
}

/* Simulates so many frames; the figures are of these. */
static void go_on(struct simulated *s, unsigned frames)
{
   s->frames = s->crowded = s->changes = 0;
   s->longest_ns = 0;
   s->wire_bytes = 0;
   s->begun_ns = s->now_ns;
   for (unsigned i = 0; i < VP_PRESENT_CODECS; i++)
      s->by_codec[i] = 0;
   while (s->frames < frames) {
      s->presented_ns += s->period_ns;
      if (s->presented_ns > s->now_ns)
         s->now_ns = s->presented_ns;
      while (s->under_way && (s->acks[0].now_ns <= s->now_ns || !vps_flow_control_is_there(&s->chooser.flow)))
         receive_ack(s);
      send_frame(s);
   }
}

static void start(struct simulated *s, enum vps_lossy lossy, uint32_t codecs)
{
   s->now_ns = MS;
   vps_codec_chooser_init(&s->chooser, lossy, codecs);
}

static double frames_per_second(const struct simulated *s)
{
   return s->frames * 1e9 / (double)(s->now_ns - s->begun_ns);
}

/* --- exact codecs --- */

static void test_exact(void)
{
   /* What is sent as it is takes 84 ms, and with zstd 17: nobody may see the trials. */
   static struct simulated slow = {.trip_ns = 10 * MS, .rate = 100 * MBIT, .bytes = 1u << 20};
   start(&slow, VPS_LOSSY_NEVER, ALL_CODECS);
   go_on(&slow, 400);
   go_on(&slow, 2000);
   CHECK(slow.by_codec[VP_PRESENT_ZSTD] > 1900);
   CHECK(slow.longest_ns < 88 * MS);

   static struct simulated quick = {.trip_ns = MS, .rate = 2000 * MBIT, .bytes = 4u << 20};
   start(&quick, VPS_LOSSY_NEVER, ALL_CODECS);
   go_on(&quick, 500);
   go_on(&quick, 1000);
   CHECK(quick.by_codec[VP_PRESENT_LZ4] > 950);

   static struct simulated fast = {.trip_ns = MS / 10, .rate = 20000 * MBIT, .bytes = 1u << 20};
   start(&fast, VPS_LOSSY_NEVER, ALL_CODECS);
   go_on(&fast, 500);
   go_on(&fast, 1000);
   CHECK(fast.by_codec[VP_PRESENT_RAW] > 950);

   static struct simulated old = {.trip_ns = 10 * MS, .rate = 100 * MBIT, .bytes = 1u << 20};
   start(&old, VPS_LOSSY_NEVER, VP_PRESENT_CODEC_BIT(VP_PRESENT_LZ4)); /* a client without zstd */
   go_on(&old, 1000);
   CHECK(old.by_codec[VP_PRESENT_LZ4] > 950 && !old.by_codec[VP_PRESENT_ZSTD]);
   CHECK(old.crowded < 250); /* pictures need not queue */

   static struct simulated distant = {.trip_ns = 50 * MS, .rate = 8000 * MBIT, .bytes = 1u << 17};
   start(&distant, VPS_LOSSY_NEVER, ALL_CODECS);
   go_on(&distant, 1000);
   CHECK(distant.crowded > 500);
}

/* --- which way --- */

/* Pictures of 1280x720 in which all changes. */
#define PICTURE ((size_t)1280 * 720 * 4)

static void test_auto(double mbit, enum vps_way expected, unsigned least_rate)
{
   struct simulated s = {.trip_ns = 10 * MS, .rate = mbit * MBIT, .period_ns = FRAME, .bytes = PICTURE};
   start(&s, VPS_LOSSY_WHEN_SLOW, ALL_CODECS);
   go_on(&s, 500);
   go_on(&s, 3000);
   if (!CHECK(s.chooser.way == expected) || !CHECK(s.changes <= 6) || !CHECK(frames_per_second(&s) > least_rate))
      printf("%g Mbit/s: way %d, %u changes, %.1f frames/s, codecs %u %u %u %u %u, longest %.1f ms\n", mbit,
             s.chooser.way, s.changes, frames_per_second(&s), s.by_codec[VP_PRESENT_RAW], s.by_codec[VP_PRESENT_LZ4],
             s.by_codec[VP_PRESENT_ZSTD], s.by_codec[VP_PRESENT_JPEG], s.by_codec[VP_PRESENT_H264],
             (double)s.longest_ns / 1e6);
}

/* Neither a display nor a long way counts as a slow link. */
static void test_display(void)
{
   for (unsigned trip = 1; trip <= 25; trip += 8) {
      struct simulated s = {.trip_ns = trip * MS, .rate = 4000 * MBIT, .display = true, .bytes = PICTURE / 2};
      start(&s, VPS_LOSSY_WHEN_SLOW, ALL_CODECS);
      go_on(&s, 2000);
      CHECK(s.chooser.way == VPS_EXACT && s.changes == 0);
   }
}

/* A link that becomes better and worse: what is in use follows. */
static void test_changes(void)
{
   struct simulated s = {.trip_ns = 5 * MS, .rate = 10 * MBIT, .period_ns = FRAME, .bytes = PICTURE};
   start(&s, VPS_LOSSY_WHEN_SLOW, ALL_CODECS);
   go_on(&s, 500);
   CHECK(s.chooser.way == VPS_H264);
   s.rate = 100 * MBIT;
   go_on(&s, 1000);
   CHECK(s.chooser.way == VPS_JPEG);
   s.rate = 4000 * MBIT;
   go_on(&s, 1500);
   CHECK(s.chooser.way == VPS_EXACT);
   s.rate = 10 * MBIT;
   go_on(&s, 100);
   CHECK(s.chooser.way == VPS_H264);
}

/* Without H.264 it is JPEG, without JPEG it is H.264, and without either pictures stay exact. */
static void test_missing(void)
{
   const uint32_t jpeg = VP_PRESENT_CODEC_BIT(VP_PRESENT_JPEG), h264 = VP_PRESENT_CODEC_BIT(VP_PRESENT_H264);
   const struct {
      uint32_t missing;
      enum vps_way way;
   } cases[] = {{0, VPS_H264}, {h264, VPS_JPEG}, {jpeg, VPS_H264}, {jpeg | h264, VPS_EXACT}};

   for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      for (enum vps_lossy lossy = VPS_LOSSY_WHEN_SLOW; lossy <= VPS_LOSSY_ALWAYS; lossy++) {
         struct simulated s = {.trip_ns = MS, .rate = 5 * MBIT, .period_ns = 50 * MS, .bytes = PICTURE};
         start(&s, lossy, ALL_CODECS & ~cases[i].missing);
         go_on(&s, 200);
         CHECK(s.chooser.way == cases[i].way);
         CHECK(lossy == VPS_LOSSY_WHEN_SLOW || s.by_codec[cases[i].way == VPS_H264   ? VP_PRESENT_H264
                                                          : cases[i].way == VPS_JPEG ? VP_PRESENT_JPEG
                                                                                     : VP_PRESENT_LZ4] > 0);
      }
   }
   struct simulated s = {.trip_ns = MS, .rate = 5 * MBIT, .bytes = PICTURE};
   start(&s, VPS_LOSSY_ALWAYS, ALL_CODECS);
   go_on(&s, 20);
   vps_codec_chooser_forget(&s.chooser, VP_PRESENT_H264); /* its encoder fails */
   CHECK(vps_codec_chooser_choose(&s.chooser).codec == VP_PRESENT_JPEG);
   vps_codec_chooser_forget(&s.chooser, VP_PRESENT_JPEG);
   CHECK(vps_codec_chooser_choose(&s.chooser).codec == vps_codec_chooser_exact(&s.chooser));
}

/* --- the rate --- */

/* On a slow link, a picture takes about its share of a second; on a fast one it may be as large as it likes, however
 * slow the client is or how long the way. */
static void test_rate(void)
{
   const double rates[] = {2, 5, 10};
   for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
      struct simulated s = {.trip_ns = 30 * MS, .rate = rates[i] * MBIT, .period_ns = FRAME, .bytes = PICTURE};
      start(&s, VPS_LOSSY_ALWAYS, ALL_CODECS);
      go_on(&s, 300);
      go_on(&s, 600);
      if (!CHECK(s.chooser.rate > 0.6 * s.rate && s.chooser.rate < 1.5 * s.rate))
         printf("%g Mbit/s: %g, %.1f frames/s\n", rates[i], s.chooser.rate / MBIT, frames_per_second(&s));
   }
   struct simulated fast = {.trip_ns = 60 * MS, .rate = 500 * MBIT, .period_ns = FRAME, .bytes = PICTURE};
   start(&fast, VPS_LOSSY_ALWAYS, ALL_CODECS);
   go_on(&fast, 300);
   CHECK(fast.chooser.rate / 60 > natures[VP_PRESENT_H264].wire * PICTURE);
   fast.slowness = 10; /* decoding takes 55 ms */
   go_on(&fast, 300);
   CHECK(fast.chooser.rate / 60 > natures[VP_PRESENT_H264].wire * PICTURE);
   fast.slowness = 1;
   fast.extra_ns = 200 * MS; /* acknowledgements are late */
   go_on(&fast, 300);
   CHECK(fast.chooser.rate / 60 > natures[VP_PRESENT_H264].wire * PICTURE);
   fast.period_ns = 100 * MS;
   go_on(&fast, 300);
   CHECK(fast.chooser.rate / 60 > natures[VP_PRESENT_H264].wire * PICTURE);
}

static void test_counts(void)
{
   const struct vps_acknowledgement ack = {0};
   struct vps_codec_chooser chooser;
   vps_codec_chooser_init(&chooser, VPS_LOSSY_NEVER, 0);
   CHECK(vps_codec_chooser_choose(&chooser).codec == VP_PRESENT_RAW);
   CHECK(!vps_codec_chooser_acknowledge(&chooser, 1, &ack));
   vps_codec_chooser_sent(&chooser, &(struct vps_sent_frame){.start_ns = 0});
   CHECK(!vps_codec_chooser_acknowledge(&chooser, 2, &ack));
   CHECK(vps_codec_chooser_acknowledge(&chooser, 1, &ack));
   CHECK(!vps_codec_chooser_acknowledge(&chooser, UINT32_MAX, &ack));

   /* What makes no sense does no harm. */
   for (unsigned i = 0; i < 10; i++) {
      const struct vps_acknowledgement strange = {
         .now_ns = 1, .decode_ns = UINT32_MAX * INT64_C(1000), .arrival_ns = i % 2 ? 0 : INT64_C(1) << 60};
      vps_codec_chooser_choose(&chooser);
      vps_codec_chooser_sent(&chooser,
                             &(struct vps_sent_frame){.start_ns = 100, .bytes = 1u << 20, .wire_bytes = 1u << 20});
      CHECK(vps_codec_chooser_acknowledge(&chooser, 1, &strange) && isfinite(chooser.rate));
   }
}

int main(void)
{
   test_exact();
   test_auto(10000, VPS_EXACT, 55);
   test_auto(100, VPS_JPEG, 50);
   test_auto(10, VPS_H264, 40);
   test_auto(2, VPS_H264, 40);
   test_display();
   test_changes();
   test_missing();
   test_rate();
   test_counts();
   return check_finish();
}
