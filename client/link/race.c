/* SPDX-License-Identifier: MIT */

/* A thread for each server connects to it, or asks it how busy it is, or asks the DNS which servers there are; what
 * comes when the race is over is let go. */

#include "client/link/race.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/process/config.h"
#include "client/process/dial.h"
#include "common/net/error_frame.h"
#include "common/net/frame.h"
#include "common/util/clock.h"
#include "common/util/text.h"
#include "common/util/thread.h"

/* How long a word of venus-tls takes, on a machine that is busy. */
#define ON_THE_WAY_MS 500

/* A server closes connections without a word when very many come at once. After a pause there may be room. */
#define FIRST_PAUSE_MS 50
#define LONGEST_PAUSE_MS 400
#define PATIENCE_MS 4000

struct vp_race *vp_race_create(const struct vp_connection_terms *terms, bool asks, int64_t deadline_ms)
{
   struct vp_race *race = calloc(1, sizeof(*race));

   if (!race || !vp_clock_cond_init(&race->news)) {
      free(race);
      return NULL;
   }
   pthread_mutex_init(&race->lock, NULL);
   race->users = 1;
   race->asks = asks;
   race->deadline_ms = deadline_ms;
   race->terms = *terms;
   vp_text_copy(race->application, sizeof(race->application), terms->application, strlen(terms->application));
   race->terms.application = race->application;
   return race;
}

void vp_race_leave(struct vp_race *race)
{
   pthread_mutex_lock(&race->lock);
   const bool last = --race->users == 0;
   pthread_mutex_unlock(&race->lock);
   if (!last)
      return;
   for (struct vp_candidate *candidate = race->first, *next; candidate; candidate = next) {
      next = candidate->next;
      free(candidate);
   }
   pthread_mutex_destroy(&race->lock);
   pthread_cond_destroy(&race->news);
   free(race);
}

/* Behind that one; NULL: at the beginning. NULL: no memory, or no room. */
static struct vp_candidate *insert(struct vp_race *race, struct vp_candidate *before, unsigned place)
{
   struct vp_candidate *candidate = race->count < VP_RACE_ROOM ? calloc(1, sizeof(*candidate)) : NULL;

   if (!candidate)
      return NULL;
   *candidate =
      (struct vp_candidate){.race = race, .place = place, .fd = -1, .next = before ? before->next : race->first};
   if (before)
      before->next = candidate;
   else
      race->first = candidate;
   if (!candidate->next)
      race->last = candidate;
   race->count++;
   return candidate;
}

bool vp_race_add(struct vp_race *race, const struct vp_server_address *address, unsigned place)
{
   struct vp_candidate *candidate = insert(race, race->last, place);

   if (candidate)
      candidate->address = *address;
   return candidate;
}

void vp_candidate_let_go(struct vp_candidate *candidate)
{
   vp_connection_destroy(candidate->conn);
   candidate->conn = NULL;
   if (candidate->fd < 0)
      return;
   shutdown(candidate->fd, SHUT_RDWR); /* children of fork() may have it, too */
   close(candidate->fd);
   candidate->fd = -1;
}

/* --- in a thread of a candidate --- */

static int time_left(const struct vp_race *race)
{
   const int64_t left = race->deadline_ms - vp_clock_ms();

   return left > 0 ? (int)left : 0;
}

static bool is_over(struct vp_race *race)
{
   pthread_mutex_lock(&race->lock);
   const bool over = race->over;
   pthread_mutex_unlock(&race->lock);
   return over;
}

/* One that is not wanted any more when it is reached is not greeted. */
static bool connect_candidate(struct vp_candidate *result)
{
   struct vp_race *race = result->race;
   const int fd = vp_dial(&result->address, time_left(race), result->error);

   if (fd < 0)
      return false;
   if (is_over(race)) {
      close(fd);
      errno = ECANCELED;
      return false;
   }
   result->conn = vp_connection_create(&result->address, fd, &race->terms, time_left(race), result->error);
   return result->conn;
}

/* What a server answers to the question. False: it is not there. */
static bool hear_load(struct vp_candidate *result)
{
   struct vp_frame frame = {0};
   struct vp_error said = {0};
   char address[300];
   const int64_t deadline_ms = result->race->deadline_ms + (result->address.way == VP_WAY_TLS ? ON_THE_WAY_MS : 0);
   const enum vp_frame_status status = vp_frame_read_first(&VP_CHANNEL(result->fd), &frame, deadline_ms);

   const bool is_error = status == VP_FRAME_OK && frame.header.type == VP_FRAME_ERROR &&
                         vp_error_load(&said, frame.payload, frame.header.length);
   const bool is_load = status == VP_FRAME_OK && frame.header.type == VP_FRAME_LOAD;
   result->knows_load = is_load && vp_load_load(&result->load, frame.payload, frame.header.length);
   vp_frame_finish(&frame);
   if (result->knows_load)
      return true;
   vp_server_address_format(&result->address, address, sizeof(address));
   vp_candidate_let_go(result);
   if (is_error && said.command == VP_ERROR_ON_THE_WAY)
      snprintf(result->error, sizeof(result->error), "%s", said.text);
   else
      snprintf(result->error, sizeof(result->error), "the server at %s does not answer as a Venus server: %s", address,
               status == VP_FRAME_OK ? "it speaks something else" : vp_frame_status_text(status, VP_SERVER));
   const bool is_gone = is_error && said.command == VP_ERROR_ON_THE_WAY
                           ? said.offset == ECONNRESET
                           : status == VP_FRAME_CLOSED || status == VP_FRAME_BROKEN;
   errno = is_gone && result->address.way != VP_WAY_EXEC ? ECONNRESET : EPROTO;
   return is_error && said.command != VP_ERROR_ON_THE_WAY;
}

static bool ask_for_load(struct vp_candidate *result)
{
   result->fd = vp_dial(&result->address, time_left(result->race), result->error);
   if (result->fd < 0)
      return false;
   /* Who does not take the question may have said why. */
   (void)vp_frame_write(&VP_CHANNEL(result->fd), VP_FRAME_LOAD, 0, NULL, 0, NULL, 0);
   return hear_load(result);
}

/* Half of the time to all of it, so that many who have been sent away do not come back together. */
static void pause_for(int64_t ms)
{
   const long ns = (long)(ms * 500000 + ms * 500000 * (vp_clock_ns() / 1000 % 256) / 256);

   nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static bool reach_candidate(struct vp_candidate *result)
{
   struct vp_race *race = result->race;
   const int64_t patience_ms = vp_clock_ms() + PATIENCE_MS;
   const int64_t end_ms = patience_ms < race->deadline_ms ? patience_ms : race->deadline_ms;

   for (int64_t pause_ms = FIRST_PAUSE_MS;; pause_ms = pause_ms < LONGEST_PAUSE_MS ? 2 * pause_ms : pause_ms) {
      if (race->asks ? ask_for_load(result) : connect_candidate(result))
         return true;
      if (errno != ECONNRESET || vp_clock_ms() + pause_ms > end_ms || is_over(race))
         return false;
      pause_for(pause_ms);
   }
}

static bool find_service(struct vp_candidate *result, struct vp_service *service)
{
   if (!vp_service_find(service, result->address.place, result->error))
      return false;
   vp_service_order(service, VP_MAX_SERVERS, vp_service_random);
   return true;
}

/* Its servers come behind it, in their order. */
static void insert_servers(struct vp_candidate *candidate, const struct vp_service *service)
{
   struct vp_candidate *before = candidate;

   for (unsigned i = 0; i < service->count; i++) {
      struct vp_candidate *server = insert(candidate->race, before, candidate->place);
      if (!server)
         return;
      vp_server_address_of(&server->address, &candidate->address, &service->servers[i]);
      server->priority = service->servers[i].priority;
      before = server;
   }
}

/* What the thread has found out becomes known. False: nobody wants it. */
static bool note_candidate(struct vp_candidate *candidate, const struct vp_candidate *result,
                           const struct vp_service *service)
{
   struct vp_race *race = candidate->race;

   pthread_mutex_lock(&race->lock);
   const bool wanted = !race->over;
   if (wanted) {
      struct vp_candidate *next = candidate->next;
      *candidate = *result;
      candidate->next = next;
      candidate->since_ms = vp_clock_ms();
      if (candidate->state == VP_CANDIDATE_KNOWN)
         insert_servers(candidate, service);
      pthread_cond_signal(&race->news);
   }
   pthread_mutex_unlock(&race->lock);
   return wanted;
}

static void *try_candidate(void *data)
{
   struct vp_candidate *candidate = data, result;
   struct vp_race *race = candidate->race;
   struct vp_service service = {0};
   bool ok;

   pthread_mutex_lock(&race->lock);
   result = *candidate;
   pthread_mutex_unlock(&race->lock);
   if (result.address.is_service)
      ok = find_service(&result, &service);
   else
      ok = reach_candidate(&result);
   result.state = !ok ? VP_CANDIDATE_FAILED : service.count ? VP_CANDIDATE_KNOWN : VP_CANDIDATE_THERE;
   if (!note_candidate(candidate, &result, &service))
      vp_candidate_let_go(&result);
   vp_service_finish(&service);
   vp_race_leave(race);
   return NULL;
}

void vp_race_start(struct vp_race *race, struct vp_candidate *candidate, bool alone)
{
   pthread_t thread;

   candidate->state = VP_CANDIDATE_TRIES;
   candidate->since_ms = vp_clock_ms();
   race->users++;
   if (!alone && vp_thread_start(&thread, try_candidate, candidate)) {
      pthread_detach(thread);
      return;
   }
   pthread_mutex_unlock(&race->lock);
   try_candidate(candidate);
   pthread_mutex_lock(&race->lock);
}
