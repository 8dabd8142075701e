/* SPDX-License-Identifier: MIT */

/* What a swapchain's thread learns of the way to the client, on simulated links: which codec it takes, and how many
 * frames it lets be under way. */

#include "server/link.h"
#include "tests/unit/check.h"

#define MS INT64_C(1000000)

struct simulated {
   int64_t trip_ns;                        /* there and back */
   double byte_ns;                         /* of the link */
   double ratio;                           /* of compression */
   double pack_ns;                         /* compressing a byte */
   int64_t now_ns, link_free_ns;           /* when the link has sent all */
   int64_t acks[VP_PRESENT_MAX_UNDER_WAY]; /* when they arrive, in order */
   unsigned under_way, most_under_way, packed, sent;
   int64_t longest_ns; /* from the start of a frame until the link has sent it */
   double rate;        /* frames in a second */
};

static void receive_ack(struct simulated *s, struct vps_link *link)
{
   if (s->acks[0] > s->now_ns)
      s->now_ns = s->acks[0];
   CHECK(vps_link_acknowledge(link, 1, s->acks[0]));
   for (unsigned i = 1; i < VP_PRESENT_MAX_UNDER_WAY; i++)
      s->acks[i - 1] = s->acks[i];
   s->under_way--;
}

/* Those that have come in while a frame was encoded. */
static void receive_acks(struct simulated *s, struct vps_link *link)
{
   while (s->under_way && s->acks[0] <= s->now_ns)
      receive_ack(s, link);
}

/* Frames as fast as they go. */
static void run_on(struct simulated *s, struct vps_link *link, unsigned frames, size_t bytes)
{
   const int64_t begin_ns = s->now_ns;
   s->most_under_way = s->packed = s->sent = 0;
   s->longest_ns = 0;
   for (unsigned i = 0; i < frames; i++) {
      while (!vps_link_has_room(link))
         receive_ack(s, link);
      const int64_t start_ns = s->now_ns;
      const enum vp_present_codec codec = vps_link_choose(link, VPS_LOSSY_NEVER);
      const double wire_bytes = codec == VP_PRESENT_LZ4 ? (double)bytes / s->ratio : (double)bytes;
      if (codec == VP_PRESENT_LZ4)
         s->now_ns += (int64_t)(s->pack_ns * (double)bytes);
      receive_acks(s, link);
      s->link_free_ns =
         (s->link_free_ns > s->now_ns ? s->link_free_ns : s->now_ns) + (int64_t)(wire_bytes * s->byte_ns);
      vps_link_sent(link, start_ns, codec, bytes);
      s->acks[s->under_way++] = s->link_free_ns + s->trip_ns;
      if (s->under_way > s->most_under_way && i > frames / 2)
         s->most_under_way = s->under_way;
      if (s->link_free_ns - start_ns > s->longest_ns && i > frames / 2)
         s->longest_ns = s->link_free_ns - start_ns;
      s->packed += codec == VP_PRESENT_LZ4;
      s->sent++;
   }
   s->rate = frames / ((double)(s->now_ns - begin_ns) / 1e9);
}

static void run(struct simulated *s, unsigned frames, size_t bytes)
{
   struct vps_link link = {0};
   s->now_ns = MS;
   run_on(s, &link, frames, bytes);
}

int main(void)
{
   static struct simulated slow = {.trip_ns = 10 * MS, .byte_ns = 80, .ratio = 3, .pack_ns = 1.5};
   run(&slow, 1000, 1u << 20);
   CHECK(slow.packed > 950);        /* 100 Mbit/s: compression pays */
   CHECK(slow.most_under_way == 2); /* and pictures need not queue */

   static struct simulated fast = {.trip_ns = MS / 10, .byte_ns = 0.4, .ratio = 1.3, .pack_ns = 1.5};
   run(&fast, 1000, 1u << 20);
   CHECK(fast.packed < 50);

   static struct simulated distant = {.trip_ns = 50 * MS, .byte_ns = 1, .ratio = 1.3, .pack_ns = 1.5};
   run(&distant, 1000, 1u << 17);
   CHECK(distant.rate > 60 && distant.rate < 170);
   CHECK(distant.most_under_way >= 4 && distant.most_under_way <= 8);

   static struct simulated farthest = {.trip_ns = 200 * MS, .byte_ns = 1, .ratio = 1.3, .pack_ns = 1.5};
   run(&farthest, 1000, 1u << 17);
   CHECK(farthest.rate > 60 && farthest.most_under_way == VP_PRESENT_MAX_UNDER_WAY);

   /* A link that becomes slow, and a way that becomes longer. */
   static struct simulated changing = {.now_ns = MS, .trip_ns = 10 * MS, .byte_ns = 8, .ratio = 2, .pack_ns = 1.5};
   static struct vps_link changing_link;
   run_on(&changing, &changing_link, 1000, 1u << 20);
   CHECK(changing.rate > 100);
   changing.byte_ns = 400;
   run_on(&changing, &changing_link, 100, 1u << 20);
   CHECK(changing.most_under_way == 2 && changing.longest_ns < 630 * MS);
   changing.byte_ns = 8;
   changing.trip_ns = 100 * MS;
   run_on(&changing, &changing_link, 1000, 1u << 20);
   CHECK(changing.rate > 60);

   struct vps_link slow_link = {.costs = {{.per_byte = 80, .known = true}, {.per_byte = 30, .known = true}},
                                .usual_bytes = 1u << 20};
   CHECK(vps_link_choose(&slow_link, VPS_LOSSY_NEVER) == VP_PRESENT_LZ4);
   CHECK(vps_link_choose(&slow_link, VPS_LOSSY_WHEN_SLOW) == VP_PRESENT_JPEG);
   slow_link.usual_bytes = 1u << 18;
   CHECK(vps_link_choose(&slow_link, VPS_LOSSY_WHEN_SLOW) == VP_PRESENT_LZ4);
   CHECK(vps_link_choose(&slow_link, VPS_LOSSY_ALWAYS) == VP_PRESENT_JPEG);

   struct vps_link link = {0};
   CHECK(!vps_link_acknowledge(&link, 1, 0));
   vps_link_sent(&link, 0, VP_PRESENT_RAW, 0);
   CHECK(!vps_link_acknowledge(&link, 2, 0));
   CHECK(vps_link_acknowledge(&link, 1, 0));
   CHECK(!vps_link_acknowledge(&link, UINT32_MAX, 0));
   return check_finish();
}
