/* SPDX-License-Identifier: MIT */

/* How many frames a client lets be on their way, on simulated links with a display of 60 Hz: enough for the display,
 * and no queue that grows. */

#include "client/wsi/pacing.h"
#include "common/picture/present_frame.h"
#include "server/wsi/flow_control.h"
#include "tests/unit/check.h"

#define MS INT64_C(1000000)
#define REFRESH_NS (1000 * MS / 60)
#define USUAL 2
#define MAX_FRAMES 8000

/* A program that is always ready to present, and its way to the display. */
struct simulated {
   struct vp_pacing pacing;
   struct vps_flow_control flow; /* as the server sees it */
   int64_t trip_ns;              /* there and back */
   int64_t upload_ns, work_ns,
      link_ns;     /* that the way to the server, the server and the way back are busy with a frame */
   int64_t now_ns; /* when the last one was presented */
   int64_t upload_free_ns, work_free_ns, link_free_ns;
   int64_t start_ns[MAX_FRAMES], arrival_ns[MAX_FRAMES], shown_ns[MAX_FRAMES]; /* by frame */
   unsigned frames;
   uint32_t most; /* the largest limit, in the second half of a run */
   double rate, delay_ms, last_delay_ms;
};

static int64_t later(int64_t a, int64_t b)
{
   return a > b ? a : b;
}

/* Acknowledges the next frame. The time when the server hears of it. */
static int64_t acknowledge(struct simulated *s)
{
   const unsigned frame = (unsigned)s->flow.acknowledged + 1;
   const int64_t ack_ns = s->arrival_ns[frame] + s->trip_ns / 2;
   vps_flow_control_acknowledged(&s->flow, s->start_ns[frame], ack_ns);
   return ack_ns;
}

/* The server encodes a frame that has come in, when it has room for it and is done with the one before. */
static void encode(struct simulated *s, int64_t at_server_ns)
{
   int64_t start_ns = later(at_server_ns, s->work_free_ns);
   while (vps_flow_control_under_way(&s->flow) && s->arrival_ns[s->flow.acknowledged + 1] + s->trip_ns / 2 <= start_ns)
      acknowledge(s);
   while (!vps_flow_control_is_there(&s->flow))
      start_ns = later(start_ns, acknowledge(s));
   s->work_free_ns = start_ns + s->work_ns;
   vps_flow_control_sent(&s->flow);
   s->start_ns[s->flow.sent] = start_ns;
}

/* The limit is as it was when this frame is presented: all frames shown until then have been noted. */
static void present(struct simulated *s, unsigned n)
{
   const uint32_t limit = vp_pacing_limit(&s->pacing, USUAL);
   if (n > limit && s->shown_ns[n - limit] > s->now_ns) {
      CHECK(!vp_pacing_has_room(&s->pacing, USUAL, limit));
      s->now_ns = s->shown_ns[n - limit];
   }
   CHECK(vp_pacing_has_room(&s->pacing, USUAL, limit - 1));
   const bool alone = n == 1 || s->shown_ns[n - 1] <= s->now_ns;
   const int64_t presented_ns = s->now_ns;
   s->upload_free_ns = later(s->upload_free_ns, presented_ns) + s->upload_ns;
   const int64_t at_server_ns = s->upload_free_ns + s->trip_ns / 2;
   encode(s, at_server_ns);
   const int64_t first_ns = later(s->link_free_ns, s->work_free_ns) + s->link_ns / 12 + s->trip_ns / 2;
   s->link_free_ns = later(s->link_free_ns, s->work_free_ns) + s->link_ns;
   s->arrival_ns[n] = s->link_free_ns + s->trip_ns / 2;
   s->shown_ns[n] = (later(s->arrival_ns[n], s->shown_ns[n - 1]) / REFRESH_NS + 1) * REFRESH_NS;
   const struct vp_pacing_frame frame = {
      .arrival_ns = s->arrival_ns[n],
      .network_ns = first_ns - presented_ns - (s->work_free_ns - at_server_ns),
      .alone = alone,
   };
   vp_pacing_note(&s->pacing, &frame);
   s->last_delay_ms = (double)(s->shown_ns[n] - presented_ns) / 1e6;
}

static void run(struct simulated *s, unsigned frames)
{
   const unsigned first = s->frames + 1, last = s->frames + frames, middle = s->frames + frames / 2;
   double delays_ms = 0;
   s->most = 0;
   for (unsigned n = first; n <= last; n++) {
      present(s, n);
      if (n <= middle)
         continue;
      const uint32_t limit = vp_pacing_limit(&s->pacing, USUAL);
      s->most = limit > s->most ? limit : s->most;
      delays_ms += s->last_delay_ms;
   }
   s->frames = last;
   s->rate = (last - middle) / ((double)(s->shown_ns[last] - s->shown_ns[middle]) / 1e9);
   s->delay_ms = delays_ms / (last - middle);
}

/* The display's rate, with a delay that is the network's and so many pictures of the display. */
static void check_display(int64_t trip_ns, int64_t link_ns, double pictures)
{
   static struct simulated s;
   s = (struct simulated){.trip_ns = trip_ns, .work_ns = 4 * MS, .link_ns = link_ns};
   run(&s, 2000);
   if (!CHECK(s.rate > 59.5) || !CHECK(s.delay_ms < (double)trip_ns / 1e6 + pictures * 1000 / 60))
      fprintf(stderr, "trip %.0f ms: %.1f frames/s, %.1f ms, limit %u\n", (double)trip_ns / 1e6, s.rate, s.delay_ms,
              s.most);
}

/* What is too slow for the display gets no more than one frame to queue. */
static void check_slow(struct simulated *s)
{
   run(s, 2000);
   if (!CHECK(s->most <= USUAL + 1) || !CHECK(s->rate > 9.5) || !CHECK(s->delay_ms < 320))
      fprintf(stderr, "%.1f frames/s, %.1f ms, limit %u\n", s->rate, s->delay_ms, s->most);
}

int main(void)
{
   check_display(MS / 10, 6 * MS, 2.1);
   check_display(10 * MS, 6 * MS, 3);
   check_display(20 * MS, 6 * MS, 3);
   check_display(50 * MS, 6 * MS, 3.5);
   check_display(100 * MS, 6 * MS, 3.5);
   /* Links that have just enough. */
   check_display(10 * MS, 15 * MS, 3.5);
   check_display(20 * MS, 15 * MS, 3.5);
   check_display(50 * MS, 15 * MS, 3.5);

   static struct simulated slow = {.trip_ns = 10 * MS, .work_ns = 4 * MS, .link_ns = 100 * MS};
   check_slow(&slow);
   static struct simulated upload = {.trip_ns = 10 * MS, .work_ns = 4 * MS, .link_ns = 6 * MS, .upload_ns = 100 * MS};
   check_slow(&upload);
   static struct simulated gpu = {.trip_ns = 10 * MS, .work_ns = 100 * MS, .link_ns = 6 * MS};
   check_slow(&gpu);

   /* A way that becomes longer, and shorter. */
   static struct simulated changing = {.trip_ns = MS, .work_ns = 4 * MS, .link_ns = 6 * MS};
   run(&changing, 1000);
   CHECK(changing.most == USUAL);
   changing.trip_ns = 60 * MS;
   run(&changing, 2000);
   CHECK(changing.rate > 59 && changing.most > USUAL + 2);
   changing.trip_ns = MS;
   run(&changing, 1000);
   CHECK(changing.rate > 59.5 && changing.most == USUAL);

   static struct simulated farthest = {.trip_ns = 500 * MS, .work_ns = 4 * MS, .link_ns = 6 * MS};
   run(&farthest, 1000);
   CHECK(farthest.most == USUAL + VP_PRESENT_EXTRA_FRAMES);
   return check_finish();
}
