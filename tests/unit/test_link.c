/* SPDX-License-Identifier: MIT */

/* What a swapchain's thread learns of the way to the client, on simulated links: which codec it takes, and how many
 * frames it lets be under way. */

#include "server/link.h"
#include "tests/unit/check.h"

#define MS INT64_C(1000000)

struct simulated {
   int64_t trip_ns;                 /* there and back */
   double byte_ns;                  /* of the link */
   double ratio;                    /* of compression */
   double pack_ns;                  /* compressing a byte */
   int64_t now_ns, link_free_ns;    /* when the link has sent all */
   int64_t acks[VPS_MAX_UNDER_WAY]; /* when they arrive, in order */
   unsigned under_way, most_under_way, packed, sent;
};

static void receive_ack(struct simulated *s, struct vps_link *link)
{
   if (s->acks[0] > s->now_ns)
      s->now_ns = s->acks[0];
   CHECK(vps_link_acknowledge(link, 1, s->now_ns));
   for (unsigned i = 1; i < VPS_MAX_UNDER_WAY; i++)
      s->acks[i - 1] = s->acks[i];
   s->under_way--;
}

/* Frames as fast as they go. */
static void run(struct simulated *s, unsigned frames, size_t bytes)
{
   struct vps_link link = {0};
   s->now_ns = MS;
   for (unsigned i = 0; i < frames; i++) {
      while (!vps_link_has_room(&link))
         receive_ack(s, &link);
      const int64_t start_ns = s->now_ns;
      const enum vp_present_codec codec = vps_link_choose(&link, VPS_LOSSY_NEVER);
      const double wire_bytes = codec == VP_PRESENT_LZ4 ? (double)bytes / s->ratio : (double)bytes;
      if (codec == VP_PRESENT_LZ4)
         s->now_ns += (int64_t)(s->pack_ns * (double)bytes);
      s->link_free_ns =
         (s->link_free_ns > s->now_ns ? s->link_free_ns : s->now_ns) + (int64_t)(wire_bytes * s->byte_ns);
      vps_link_sent(&link, start_ns, codec, bytes);
      s->acks[s->under_way++] = s->link_free_ns + s->trip_ns;
      if (s->under_way > s->most_under_way && i > frames / 2)
         s->most_under_way = s->under_way;
      s->packed += codec == VP_PRESENT_LZ4;
      s->sent++;
   }
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
   CHECK(distant.most_under_way == 3);

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
