/* SPDX-License-Identifier: MIT */
/* A server that stops in the middle of a frame and stays connected: its client gives it up. */
#include "common/net/limits.h"
#include "common/util/clock.h"
#include "tests/unit/command_peer.h"

static bool lost_within(const struct peer *peer, int64_t ms)
{
   const int64_t end = vp_clock_ms() + ms;

   while (!vp_connection_lost(peer->conn) && vp_clock_ms() < end)
      usleep(1000);
   return vp_connection_lost(peer->conn);
}

int main(void)
{
   const struct vp_frame_header header = {.type = VP_FRAME_MEMORY, .length = 1000};
   uint8_t bytes[VP_FRAME_HEADER_SIZE + 100] = {0};

   vp_frame_header_store(bytes, &header);
   vp_frame_set_stall(200);
   for (size_t size = 5; size <= sizeof(bytes); size += 50) {
      struct peer peer;
      peer_start(&peer, NULL, 0, NULL);
      CHECK(!lost_within(&peer, 400)); /* it need not say anything */
      CHECK(write(peer.fd, bytes, size) == (ssize_t)size);
      CHECK(lost_within(&peer, 5000));
      peer_stop(&peer);
   }
   vp_frame_set_stall(VP_FRAME_STALL_MS);
   return check_finish();
}
