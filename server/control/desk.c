/* SPDX-License-Identifier: MIT */

/* Few connections, little to read, a deadline for each: who asks slowly, or much, costs only others who ask. */

#include "server/control/desk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/clock.h"

/* When the process has no descriptors, for example. */
#define REST_MS 200

unsigned vps_desk_prepare(const struct vps_desk *desk, struct pollfd pollfds[VPS_DESK_POLLFDS])
{
   const bool has_room = desk->count < VPS_DESK_ROOM && vp_clock_ms() >= desk->rest_ms;
   unsigned n = 0;

   pollfds[n++] = (struct pollfd){.fd = has_room ? desk->listen_fd : -1, .events = POLLIN};
   for (unsigned i = 0; i < desk->count; i++) {
      const struct vps_caller *caller = &desk->callers[i];
      const bool speaks = !caller->request && !caller->is_done;
      pollfds[n++] = (struct pollfd){.fd = caller->fd, .events = speaks ? POLLOUT : POLLIN};
   }
   return n;
}

int64_t vps_desk_due(const struct vps_desk *desk)
{
   int64_t due = desk->rest_ms > vp_clock_ms() ? desk->rest_ms : INT64_MAX;

   for (unsigned i = 0; i < desk->count; i++) {
      if (desk->callers[i].deadline_ms < due)
         due = desk->callers[i].deadline_ms;
   }
   return due;
}

void vps_desk_rest(struct vps_desk *desk)
{
   desk->rest_ms = vp_clock_ms() + REST_MS;
}

void vps_desk_enter(struct vps_desk *desk, int fd)
{
   char *request = desk->count < VPS_DESK_ROOM ? malloc(VPS_DESK_REQUEST_SIZE + 1) : NULL;

   if (!request) {
      close(fd);
      return;
   }
   desk->callers[desk->count++] =
      (struct vps_caller){.fd = fd, .deadline_ms = vp_clock_ms() + VPS_DESK_MS, .request = request};
}

static bool is_nothing_now(ssize_t n)
{
   return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

/* False: it has left. */
static bool read_request(struct vps_desk *desk, struct vps_caller *caller)
{
   const ssize_t n =
      recv(caller->fd, caller->request + caller->size, VPS_DESK_REQUEST_SIZE - caller->size, MSG_DONTWAIT);

   if (n <= 0)
      return is_nothing_now(n);
   caller->size += (size_t)n;
   caller->request[caller->size] = '\0';
   if (memchr(caller->request, '\0', caller->size))
      return false;
   if (desk->clerk(desk->owner, caller->request, caller->size, &caller->answer)) {
      free(caller->request);
      caller->request = NULL;
   }
   return !caller->answer.failed;
}

static bool say_answer(struct vps_caller *caller)
{
   while (caller->said < caller->answer.size) {
      const ssize_t n = send(caller->fd, caller->answer.data + caller->said, caller->answer.size - caller->said,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0)
         return is_nothing_now(n);
      caller->said += (size_t)n;
   }
   caller->is_done = true;
   vps_answer_finish(&caller->answer);
   return shutdown(caller->fd, SHUT_WR) == 0;
}

/* Whatever it still says, since TCP would throw away the answer otherwise. False: it has closed its end. */
static bool hear_out(const struct vps_caller *caller)
{
   char ignored[4096];
   const ssize_t n = recv(caller->fd, ignored, sizeof(ignored), MSG_DONTWAIT);

   return n > 0 || is_nothing_now(n);
}

/* False: it is to go. */
static bool tend_caller(struct vps_desk *desk, struct vps_caller *caller)
{
   if (vp_clock_ms() >= caller->deadline_ms)
      return false;
   if (caller->request && !read_request(desk, caller))
      return false;
   if (!caller->request && !caller->is_done && !say_answer(caller))
      return false;
   return !caller->is_done || hear_out(caller);
}

static void desk_let_go(struct vps_desk *desk, struct vps_caller *caller)
{
   close(caller->fd);
   free(caller->request);
   vps_answer_finish(&caller->answer);
   *caller = desk->callers[--desk->count];
}

void vps_desk_tend(struct vps_desk *desk)
{
   /* From the end: the last one takes the place of one that goes. */
   for (unsigned i = desk->count; i-- > 0;) {
      if (!tend_caller(desk, &desk->callers[i]))
         desk_let_go(desk, &desk->callers[i]);
   }
}

void vps_desk_close(struct vps_desk *desk)
{
   while (desk->count > 0)
      desk_let_go(desk, &desk->callers[0]);
   desk->listen_fd = -1;
}
