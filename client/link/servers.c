/* SPDX-License-Identifier: MIT */

/* Which servers are used (VENUS_POLICY): decides which of them are tried when, when there is nothing more to wait for,
 * and which stay. */

#include "client/link/servers.h"

#include <stdio.h>
#include <string.h>

#include "client/link/race.h"
#include "common/util/clock.h"
#include "common/util/log.h"

/* Where one is enough, each has so much of a head start on the next one: who needs longer than that is as good as not
 * there. */
#define HEAD_START_MS 500

/* When one has said how busy it is, others have so much time to say it, too. */
#define GRACE_MS 500

/* Who is between the two says so when the time is over. */
#define SLACK_MS 600

struct selection {
   struct vp_race *race;
   enum vp_server_policy policy;
   int64_t end_ms; /* nothing is waited for any more */
};

/* Of which one is enough. */
static bool belong_together(enum vp_server_policy policy, const struct vp_candidate *a, const struct vp_candidate *b)
{
   switch (policy) {
   case VP_SERVERS_FIRST:
   case VP_SERVERS_LEAST_LOADED:
      return true;
   case VP_SERVERS_EACH:
      return a->place == b->place;
   case VP_SERVERS_ALL:
      break;
   }
   return a == b;
}

static bool is_undecided(const struct vp_candidate *candidate)
{
   return candidate->state == VP_CANDIDATE_WAITS || candidate->state == VP_CANDIDATE_TRIES;
}

/* The first of those of which one is enough that is there; NULL: none. */
static struct vp_candidate *find_there(const struct selection *selection, const struct vp_candidate *of)
{
   struct vp_candidate *candidate = selection->race->first;

   while (candidate && (candidate->state != VP_CANDIDATE_THERE || !belong_together(selection->policy, candidate, of)))
      candidate = candidate->next;
   return candidate;
}

/* Where one is enough: when another one may be tried beside it. */
static int64_t head_start_end(const struct selection *selection, const struct vp_candidate *waiting)
{
   int64_t end_ms = 0;

   if (selection->policy == VP_SERVERS_LEAST_LOADED)
      return 0;
   for (const struct vp_candidate *other = selection->race->first; other; other = other->next) {
      if (other->state == VP_CANDIDATE_TRIES && belong_together(selection->policy, other, waiting) &&
          other->since_ms + HEAD_START_MS > end_ms)
         end_ms = other->since_ms + HEAD_START_MS;
   }
   return end_ms;
}

/* Until when it is waited for. */
static int64_t wait_end(const struct selection *selection, const struct vp_candidate *candidate)
{
   const struct vp_candidate *there = find_there(selection, candidate);

   if (!is_undecided(candidate))
      return 0;
   if (!there)
      return selection->end_ms;
   if (selection->policy != VP_SERVERS_LEAST_LOADED)
      return 0;
   int64_t first_ms = there->since_ms;
   for (const struct vp_candidate *other = selection->race->first; other; other = other->next) {
      if (other->state == VP_CANDIDATE_THERE && other->since_ms < first_ms)
         first_ms = other->since_ms;
   }
   return first_ms + GRACE_MS < selection->end_ms ? first_ms + GRACE_MS : selection->end_ms;
}

/* With the lock. */
static void start_those_due(const struct selection *selection)
{
   const bool alone = selection->race->count == 1 && !selection->race->first->address.is_service;

   for (struct vp_candidate *candidate = selection->race->first; candidate; candidate = candidate->next) {
      if (candidate->state == VP_CANDIDATE_WAITS && vp_clock_ms() < wait_end(selection, candidate) &&
          vp_clock_ms() >= head_start_end(selection, candidate))
         vp_race_start(selection->race, candidate, alone);
   }
}

/* When there is something to do without news; 0: all is decided. */
static int64_t find_due(const struct selection *selection)
{
   const int64_t now = vp_clock_ms();
   int64_t due = 0;

   for (const struct vp_candidate *candidate = selection->race->first; candidate; candidate = candidate->next) {
      int64_t end_ms = wait_end(selection, candidate);
      if (end_ms <= now)
         continue;
      if (candidate->state == VP_CANDIDATE_WAITS && head_start_end(selection, candidate) < end_ms)
         end_ms = head_start_end(selection, candidate);
      if (due == 0 || end_ms < due)
         due = end_ms;
   }
   return due;
}

static void run_race(const struct selection *selection)
{
   struct vp_race *race = selection->race;

   pthread_mutex_lock(&race->lock);
   for (;;) {
      start_those_due(selection);
      const int64_t due_ms = find_due(selection);
      if (!due_ms)
         break;
      const struct timespec due = vp_clock_deadline(due_ms * 1000000);
      pthread_cond_timedwait(&race->news, &race->lock, &due);
   }
   race->over = true;
   pthread_mutex_unlock(&race->lock);
}

/* --- which of them stay; no thread changes anything any more --- */

static void take_candidate(struct vp_servers *servers, struct vp_candidate *candidate)
{
   if (servers->count == VP_MAX_SERVERS) {
      vp_log(VP_LOG_WARN, "there are more than %d servers; the rest is ignored", VP_MAX_SERVERS);
      return;
   }
   servers->list[servers->count++] = candidate->conn;
   candidate->conn = NULL;
}

static void take_those_there(struct vp_servers *servers, const struct selection *selection)
{
   for (struct vp_candidate *candidate = selection->race->first; candidate; candidate = candidate->next) {
      if (candidate->state == VP_CANDIDATE_THERE && find_there(selection, candidate) == candidate)
         take_candidate(servers, candidate);
   }
}

/* Of those of a service only such count that have the lowest priority. */
static bool is_eligible(const struct vp_race *race, const struct vp_candidate *candidate)
{
   for (const struct vp_candidate *other = race->first; other; other = other->next) {
      if (other->state == VP_CANDIDATE_THERE && other->place == candidate->place &&
          other->priority < candidate->priority)
         return false;
   }
   return candidate->state == VP_CANDIDATE_THERE;
}

/* Less than 0: the first is less busy. Who cannot say it comes last. */
static int compare_load(const struct vp_candidate *a, const struct vp_candidate *b)
{
   if (!a->knows_load || !b->knows_load)
      return (int)b->knows_load - (int)a->knows_load;
   return vp_load_compare(&a->load, &b->load);
}

/* Of several that are equal one by chance, since others may choose at the same time. */
static struct vp_candidate *find_least_loaded(const struct vp_race *race)
{
   struct vp_candidate *found = NULL;
   uint64_t equal = 0;

   for (struct vp_candidate *candidate = race->first; candidate; candidate = candidate->next) {
      if (!is_eligible(race, candidate))
         continue;
      const int order = found ? compare_load(candidate, found) : -1;
      equal = order < 0 ? 1 : equal + (order == 0);
      if (order < 0 || (order == 0 && vp_service_random(equal) == 0))
         found = candidate;
   }
   return found;
}

static void say_choice(const struct vp_candidate *candidate)
{
   char address[300];

   vp_server_address_format(&candidate->address, address, sizeof(address));
   if (candidate->knows_load)
      vp_log(VP_LOG_INFO, "the server at %s is the least loaded: %u of %u sessions, on %u GPUs", address,
             candidate->load.sessions, candidate->load.places, candidate->load.gpus);
   else
      vp_log(VP_LOG_INFO, "the server at %s is taken, which is too old to say how loaded it is", address);
}

/* One that refuses is not there after all. */
static void take_least_loaded(struct vp_servers *servers, const struct vp_race *race, int64_t end_ms)
{
   struct vp_candidate *candidate;

   while (servers->count == 0 && (candidate = find_least_loaded(race))) {
      const int64_t left_ms = end_ms - vp_clock_ms();
      const int fd = candidate->fd;
      candidate->fd = -1;
      say_choice(candidate);
      candidate->conn =
         vp_connection_create(&candidate->address, fd, &race->terms, left_ms > 0 ? (int)left_ms : 0, candidate->error);
      if (candidate->conn)
         take_candidate(servers, candidate);
      else
         candidate->state = VP_CANDIDATE_FAILED;
   }
}

/* Why it was not had; it is of no interest where another one is there in its place. */
static void say_failure(const struct vp_candidate *candidate, bool replaced, int timeout_ms)
{
   const enum vp_log_level level = replaced ? VP_LOG_INFO : VP_LOG_ERROR;
   char address[300];

   if (candidate->state == VP_CANDIDATE_FAILED)
      vp_log(level, "%s", candidate->error);
   if (candidate->state != VP_CANDIDATE_TRIES)
      return;
   vp_server_address_format(&candidate->address, address, sizeof(address));
   if (replaced)
      vp_log(level, "the server at %s is not waited for: another one has answered", address);
   else if (candidate->address.is_service)
      vp_log(level, "the DNS has not said within %d ms which servers %s is", timeout_ms, address);
   else
      vp_log(level, "the server at %s has not answered within %d ms; check the address and the firewall", address,
             timeout_ms);
}

/* --- all of it --- */

static struct vp_race *prepare_race(const struct vp_config *config, enum vp_server_policy policy,
                                    const char *application, int64_t start_ms)
{
   const bool asks = policy == VP_SERVERS_LEAST_LOADED;
   const struct vp_connection_terms terms = {
      .application = application, .compression = config->compression, .resume_s = config->resume_s};
   struct vp_race *race = vp_race_create(&terms, asks, start_ms + (asks ? config->timeout_ms / 2 : config->timeout_ms));
   bool ok = race;

   for (unsigned i = 0; i < config->server_count && ok; i++)
      ok = vp_race_add(race, &config->servers[i], i);
   if (!ok)
      vp_log(VP_LOG_ERROR, "there is no memory for connections to Venus servers");
   return race;
}

/* There is nothing to choose. */
static bool is_one(const struct vp_config *config)
{
   return config->server_count == 1 && !config->servers[0].is_service;
}

void vp_servers_connect(struct vp_servers *servers, const struct vp_config *config, const char *application)
{
   const int64_t start_ms = vp_clock_ms();
   struct selection selection = {.policy = is_one(config) ? VP_SERVERS_EACH : config->policy};

   *servers = (struct vp_servers){0};
   if (config->server_count == 0)
      return;
   selection.race = prepare_race(config, selection.policy, application, start_ms);
   if (!selection.race)
      return;
   selection.end_ms = selection.race->deadline_ms + SLACK_MS;
   run_race(&selection);
   if (selection.policy == VP_SERVERS_LEAST_LOADED)
      take_least_loaded(servers, selection.race, start_ms + config->timeout_ms);
   else
      take_those_there(servers, &selection);
   for (struct vp_candidate *candidate = selection.race->first; candidate; candidate = candidate->next) {
      const bool replaced =
         selection.policy == VP_SERVERS_LEAST_LOADED ? servers->count > 0 : find_there(&selection, candidate) != NULL;
      say_failure(candidate, replaced, config->timeout_ms);
      if (candidate->state == VP_CANDIDATE_THERE) /* others have nothing, or are a thread's */
         vp_candidate_let_go(candidate);
   }
   vp_race_leave(selection.race);
}
