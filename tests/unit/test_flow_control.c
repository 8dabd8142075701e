/* SPDX-License-Identifier: MIT */

/* How many frames a server lets be under way, on simulated links: enough for 60 in a second, and no queue on the way.
 */

#include "common/picture/present_frame.h"
#include "server/wsi/flow_control.h"
#include "tests/unit/check.h"

#define MS INT64_C(1000000)
#define MAX VP_PRESENT_MAX_UNDER_WAY

struct simulated {
   struct vps_flow_control flow;
   int64_t trip_ns;                /* there and back */
   int64_t encode_ns, link_ns;     /* what a frame takes of each */
   int64_t now_ns, link_free_ns;   /* link_free_ns: when the link has sent all */
   int64_t starts[MAX], acks[MAX]; /* of those under way, by number */

   /* Of the second half of a run. */
   uint64_t most;
   int64_t longest_ns; /* from the start of a frame until the link has sent it */
   double rate;        /* frames in a second */
};

static void receive_ack(struct simulated *s)
{
   const uint64_t slot = s->flow.acknowledged % MAX;
   if (s->acks[slot] > s->now_ns)
      s->now_ns = s->acks[slot];
   vps_flow_control_acknowledged(&s->flow, s->starts[slot], s->acks[slot]);
}

static void send_frame(struct simulated *s)
{
   const uint64_t slot = s->flow.sent % MAX;
   s->starts[slot] = s->now_ns;
   s->now_ns += s->encode_ns;
   while (vps_flow_control_under_way(&s->flow) && s->acks[s->flow.acknowledged % MAX] <= s->now_ns)
      receive_ack(s);
   s->link_free_ns = (s->link_free_ns > s->now_ns ? s->link_free_ns : s->now_ns) + s->link_ns;
   s->acks[slot] = s->link_free_ns + s->trip_ns;
   vps_flow_control_sent(&s->flow);
   if (s->link_free_ns - s->starts[slot] > s->longest_ns)
      s->longest_ns = s->link_free_ns - s->starts[slot];
   if (vps_flow_control_under_way(&s->flow) > s->most)
      s->most = vps_flow_control_under_way(&s->flow);
}

/* Frames as fast as they go. */
static void run(struct simulated *s, unsigned frames)
{
   const unsigned middle = frames / 2;
   int64_t begin_ns = s->now_ns;
   for (unsigned i = 0; i < frames; i++) {
      if (i == middle) {
         s->most = 0;
         s->longest_ns = 0;
         begin_ns = s->now_ns;
      }
      while (!vps_flow_control_is_there(&s->flow))
         receive_ack(s);
      send_frame(s);
   }
   s->rate = (frames - middle) / ((double)(s->now_ns - begin_ns) / 1e9);
}

int main(void)
{
   struct simulated near = {.now_ns = MS, .trip_ns = MS / 10, .encode_ns = 2 * MS, .link_ns = MS};
   run(&near, 1000);
   CHECK(near.most <= 2 && near.rate > 400);

   struct simulated distant = {.now_ns = MS, .trip_ns = 50 * MS, .encode_ns = MS / 2, .link_ns = MS / 8};
   run(&distant, 1000);
   CHECK(distant.rate > 60 && distant.rate < 170);
   CHECK(distant.most >= 4 && distant.most <= 8);

   struct simulated farthest = {.now_ns = MS, .trip_ns = 200 * MS, .encode_ns = MS / 2, .link_ns = MS / 8};
   run(&farthest, 1000);
   CHECK(farthest.rate > 60 && farthest.most == MAX);

   /* A link that becomes slow, and a way that becomes longer. */
   struct simulated changing = {.now_ns = MS, .trip_ns = 10 * MS, .encode_ns = 2 * MS, .link_ns = 4 * MS};
   run(&changing, 1000);
   CHECK(changing.rate > 100);
   changing.link_ns = 200 * MS;
   run(&changing, 100);
   CHECK(changing.most == 2 && changing.longest_ns < 630 * MS);
   changing.link_ns = 4 * MS;
   changing.trip_ns = 100 * MS;
   run(&changing, 1000);
   CHECK(changing.rate > 60);
   return check_finish();
}
