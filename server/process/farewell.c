/* SPDX-License-Identifier: MIT */

/* A client that is refused gets time to read why. */

#include "server/process/farewell.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/clock.h"

#define FAREWELL_MS 2000

void vps_farewell_begin(struct vps_farewells *farewells, int fd)
{
   if (farewells->count == VPS_FAREWELL_ROOM) {
      close(fd);
      return;
   }
   shutdown(fd, SHUT_WR);
   farewells->clients[farewells->count].fd = fd;
   farewells->clients[farewells->count++].deadline_ms = vp_clock_ms() + FAREWELL_MS;
}

unsigned vps_farewell_prepare(const struct vps_farewells *farewells, struct pollfd pollfds[VPS_FAREWELL_ROOM])
{
   for (unsigned i = 0; i < farewells->count; i++)
      pollfds[i] = (struct pollfd){.fd = farewells->clients[i].fd, .events = POLLIN};
   return farewells->count;
}

int64_t vps_farewell_due(const struct vps_farewells *farewells)
{
   int64_t due = INT64_MAX;

   for (unsigned i = 0; i < farewells->count; i++) {
      if (farewells->clients[i].deadline_ms < due)
         due = farewells->clients[i].deadline_ms;
   }
   return due;
}

static void let_go_of(struct vps_farewells *farewells, unsigned index)
{
   close(farewells->clients[index].fd);
   farewells->clients[index] = farewells->clients[--farewells->count];
}

void vps_farewell_tend(struct vps_farewells *farewells)
{
   char waste[4096];
   const int64_t now = vp_clock_ms();

   for (unsigned i = farewells->count; i-- > 0;) {
      const ssize_t n = recv(farewells->clients[i].fd, waste, sizeof(waste), MSG_DONTWAIT);
      const bool open = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
      if (!open || now >= farewells->clients[i].deadline_ms)
         let_go_of(farewells, i);
   }
}

void vps_farewell_close(struct vps_farewells *farewells)
{
   while (farewells->count > 0)
      let_go_of(farewells, 0);
}
