/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_FAREWELL_H
#define VP_SERVER_PROCESS_FAREWELL_H

#include <poll.h>
#include <stdint.h>

#define VPS_FAREWELL_ROOM 16u

/* Connections over which all has been said: they live on until the client has closed its end, since closing one with
 * unread data in it would make TCP throw away what was said. All zero: none. */
struct vps_farewells {
   struct {
      int fd;
      int64_t deadline_ms;
   } clients[VPS_FAREWELL_ROOM];
   unsigned count;
};

/* Takes one, for two seconds at most. Of too many, those that come are closed at once. */
void vps_farewell_begin(struct vps_farewells *farewells, int fd);

/* What poll() is to wait for: returns how many. */
unsigned vps_farewell_prepare(const struct vps_farewells *farewells, struct pollfd pollfds[VPS_FAREWELL_ROOM]);

/* When there is something to do without an event; INT64_MAX: never. */
int64_t vps_farewell_due(const struct vps_farewells *farewells);

/* Throws away what they send; lets go of those that are done. */
void vps_farewell_tend(struct vps_farewells *farewells);

void vps_farewell_close(struct vps_farewells *farewells);

#endif
