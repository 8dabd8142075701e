/* SPDX-License-Identifier: MIT */

/* Starts gates, passes them the guests of the lobby that speak TLS, and takes back those that are let in. */

#include "server/process/gates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/text.h"
#include "server/process/gate.h"
#include "server/process/passing.h"
#include "server/process/spawn.h"

/* At the start of the server: how long the gate may take to read its files. */
#define START_MS 20000

/* Before the next one is started after one that has ended by itself, doubled each time; and for how long it must have
 * lived for that to begin anew. */
#define LEAST_PAUSE_MS 500
#define MOST_PAUSE_MS 60000
#define LIFE_MS 10000

/* VPS_GATES: there is none in that state. */
static unsigned find_gate(const struct vps_gates *gates, enum vps_gate_state state)
{
   unsigned i = 0;

   while (i < VPS_GATES && gates->gates[i].state != state)
      i++;
   return i;
}

/* Its guests are lost only when its process has ended, which says so. */
static void dismiss_gate(struct vps_gates *gates, unsigned i)
{
   if (gates->gates[i].fd >= 0)
      close(gates->gates[i].fd);
   gates->gates[i].fd = -1;
   gates->gates[i].state = VPS_GATE_NONE;
}

/* False with errno. */
static bool spawn_gate(struct vps_gates *gates, unsigned i)
{
   int ends[2];
   char **argv = vps_options_make_argv(gates->options, VPS_MODE_GATE);

   if (!argv || !vps_passing_open(ends)) {
      free(argv);
      return false;
   }
   const pid_t pid = vps_spawn_self(argv, ends[1]);
   const int saved_errno = errno;
   free(argv);
   close(ends[1]);
   if (pid < 0)
      close(ends[0]);
   errno = saved_errno;
   if (pid < 0)
      return false;
   gates->gates[i].state = VPS_GATE_STARTING;
   gates->gates[i].pid = pid;
   gates->gates[i].fd = ends[0];
   gates->gates[i].since_ms = vp_clock_ms();
   return true;
}

static void put_off(struct vps_gates *gates)
{
   gates->pause_ms = gates->pause_ms ? 2 * gates->pause_ms : LEAST_PAUSE_MS;
   if (gates->pause_ms > MOST_PAUSE_MS)
      gates->pause_ms = MOST_PAUSE_MS;
   gates->start_after_ms = vp_clock_ms() + gates->pause_ms;
}

static void start_gate(struct vps_gates *gates)
{
   const unsigned before = find_gate(gates, VPS_GATE_STARTING);

   gates->start_after_ms = INT64_MAX;
   gates->has_old_files = false;
   if (before < VPS_GATES)
      dismiss_gate(gates, before);
   if (spawn_gate(gates, find_gate(gates, VPS_GATE_NONE)))
      return;
   vp_log(VP_LOG_ERROR, "cannot start a process for TLS handshakes: %s", strerror(errno));
   if (find_gate(gates, VPS_GATE_SERVING) == VPS_GATES)
      put_off(gates);
}

bool vps_gates_open(struct vps_gates *gates, const struct vps_options *options, struct vps_lobby *lobby,
                    struct vps_farewells *farewells)
{
   *gates = (struct vps_gates){.options = options, .lobby = lobby, .farewells = farewells, .start_after_ms = INT64_MAX};
   for (unsigned i = 0; i < VPS_GATES; i++)
      gates->gates[i].fd = -1;
   if (!vps_options_have_credentials(options))
      return true;
   if (!spawn_gate(gates, 0)) {
      vp_log(VP_LOG_ERROR, "cannot start a process for TLS handshakes: %s", strerror(errno));
      return false;
   }
   struct pollfd pollfd = {.fd = gates->gates[0].fd, .events = POLLIN};
   struct vps_gate_news news;
   int fds[VPS_PASSING_MOST];
   if (poll(&pollfd, 1, START_MS) == 0)
      vp_log(VP_LOG_ERROR, "the process for TLS handshakes does not get ready");
   if (vps_passing_receive(pollfd.fd, &news, sizeof(news), fds, MSG_DONTWAIT) != (ssize_t)sizeof(news) ||
       news.word != VPS_GATE_READY)
      return false; /* it has said why */
   gates->gates[0].state = VPS_GATE_SERVING;
   return true;
}

void vps_gates_reload(struct vps_gates *gates)
{
   if (vps_options_have_credentials(gates->options))
      start_gate(gates);
}

enum vps_reload vps_gates_reloaded(const struct vps_gates *gates)
{
   if (find_gate(gates, VPS_GATE_STARTING) < VPS_GATES)
      return VPS_RELOAD_GOES_ON;
   return gates->has_old_files ? VPS_RELOAD_FAILED : VPS_RELOAD_DONE;
}

unsigned vps_gates_prepare(const struct vps_gates *gates, struct pollfd pollfds[VPS_GATES])
{
   unsigned count = 0;

   for (unsigned i = 0; i < VPS_GATES; i++) {
      if (gates->gates[i].fd >= 0)
         pollfds[count++] = (struct pollfd){.fd = gates->gates[i].fd, .events = POLLIN};
   }
   return count;
}

int64_t vps_gates_due(const struct vps_gates *gates)
{
   return gates->start_after_ms;
}

/* The one before it takes no more guests, and goes on with those it has; one before that gives up. */
static void begin_to_serve(struct vps_gates *gates, unsigned i)
{
   const unsigned oldest = find_gate(gates, VPS_GATE_RETIRING), old = find_gate(gates, VPS_GATE_SERVING);

   if (oldest < VPS_GATES)
      dismiss_gate(gates, oldest);
   if (old < VPS_GATES) {
      shutdown(gates->gates[old].fd, SHUT_WR);
      gates->gates[old].state = VPS_GATE_RETIRING;
      vp_log(VP_LOG_INFO, "TLS: the keys and certificates were read anew");
   }
   gates->gates[i].state = VPS_GATE_SERVING;
}

/* What a gate says is not believed further than need be: strangers talk to it. */
static void take_news(struct vps_gates *gates, unsigned i, struct vps_gate_news *news, int fd)
{
   news->user[sizeof(news->user) - 1] = news->reason[sizeof(news->reason) - 1] = '\0';
   vp_text_make_line(news->user);
   vp_text_make_line(news->reason);
   if (news->word == VPS_GATE_READY && gates->gates[i].state == VPS_GATE_STARTING) {
      begin_to_serve(gates, i);
   } else if (news->word == VPS_GATE_ADMITTED && fd >= 0) {
      vps_lobby_admit(gates->lobby, gates->gates[i].pid, news->connection, fd, news->user,
                      news->by_certificate ? "certificate" : "key");
      return;
   } else if (news->word == VPS_GATE_REFUSED) {
      const int refused =
         vps_lobby_refuse(gates->lobby, gates->gates[i].pid, news->connection, news->user, news->reason);
      if (refused >= 0)
         vps_farewell_begin(gates->farewells, refused);
   }
   if (fd >= 0)
      close(fd);
}

static void hear_gate(struct vps_gates *gates, unsigned i)
{
   struct vps_gate_news news;
   ssize_t size;
   int fds[VPS_PASSING_MOST];

   while ((size = vps_passing_receive(gates->gates[i].fd, &news, sizeof(news), fds, MSG_DONTWAIT)) > 0) {
      if (size == (ssize_t)sizeof(news))
         take_news(gates, i, &news, fds[0]);
      else if (fds[0] >= 0)
         close(fds[0]);
      if (fds[1] >= 0)
         close(fds[1]);
   }
   /* It has ended, or is about to. */
   if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
      close(gates->gates[i].fd);
      gates->gates[i].fd = -1;
   }
}

static void pass_guests(struct vps_gates *gates)
{
   const unsigned serving = find_gate(gates, VPS_GATE_SERVING);
   struct vps_guest *guest;

   if (serving == VPS_GATES || gates->gates[serving].fd < 0)
      return;
   while ((guest = vps_lobby_next_for_gate(gates->lobby))) {
      if (!vps_passing_send(gates->gates[serving].fd, &guest->number, sizeof(guest->number), &guest->fd, 1,
                            MSG_DONTWAIT))
         return; /* it is busy; they have until their deadline */
      guest->gate = gates->gates[serving].pid;
   }
}

void vps_gates_tend(struct vps_gates *gates, const struct pollfd *pollfds, unsigned count)
{
   for (unsigned k = 0; k < count; k++) {
      for (unsigned i = 0; pollfds[k].revents && i < VPS_GATES; i++) {
         if (gates->gates[i].fd == pollfds[k].fd)
            hear_gate(gates, i);
      }
   }
   if (vp_clock_ms() >= gates->start_after_ms)
      start_gate(gates);
   pass_guests(gates);
}

static void describe_end(int wait_status, char *out, size_t size)
{
   if (WIFSIGNALED(wait_status))
      snprintf(out, size, "was ended by signal %d (%s)", WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
   else
      snprintf(out, size, "ended with exit code %d", WEXITSTATUS(wait_status));
}

bool vps_gates_note_end(struct vps_gates *gates, pid_t pid, int wait_status)
{
   char how[128];
   unsigned i = 0;

   while (i < VPS_GATES && (gates->gates[i].state == VPS_GATE_NONE || gates->gates[i].pid != pid))
      i++;
   if (i < VPS_GATES && gates->gates[i].fd >= 0)
      hear_gate(gates, i); /* its last words */
   vps_lobby_lose_gate(gates->lobby, pid);
   if (i == VPS_GATES)
      return false;
   const enum vps_gate_state state = gates->gates[i].state;
   const bool lived = vp_clock_ms() - gates->gates[i].since_ms >= LIFE_MS;
   dismiss_gate(gates, i);
   if (state == VPS_GATE_RETIRING)
      return true;
   describe_end(wait_status, how, sizeof(how));
   if (state == VPS_GATE_STARTING && find_gate(gates, VPS_GATE_SERVING) < VPS_GATES) {
      vp_log(VP_LOG_ERROR, "TLS: the keys and certificates stay as they were");
      gates->has_old_files = true;
      return true;
   }
   vp_log(VP_LOG_WARN, "the process for TLS handshakes %s; it is started again", how);
   if (lived)
      gates->pause_ms = 0;
   if (find_gate(gates, VPS_GATE_STARTING) == VPS_GATES)
      put_off(gates);
   return true;
}

void vps_gates_close(struct vps_gates *gates)
{
   for (unsigned i = 0; i < VPS_GATES; i++)
      dismiss_gate(gates, i);
   gates->start_after_ms = INT64_MAX;
}
