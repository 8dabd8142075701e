/* SPDX-License-Identifier: MIT */

/* Keeps the list of workers, and has some wait for clients of those users who came last. */

#include "server/process/workers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/log.h"

/* Workers for clients to come are started one by one, with this time in between and after a client has come: what these
 * do first is not to share the processor with that. */
#define READY_PAUSE_MS 100

/* One loads its driver at a time: NVIDIA's goes without what it keeps on disk while another process loads it. Which is
 * not waited for longer than this. */
#define READY_LOAD_MS 5000

/* The time, doubled each time, after one of them has ended by itself; for how long it must have lived to count as an
 * accident. */
#define READY_LEAST_PENALTY_MS 1000
#define READY_MOST_PENALTY_MS 60000
#define READY_LIFE_MS 10000

/* When a worker has ended whose driver had compiled much, those of its user that wait are replaced, not more often than
 * this. */
#define RENEWAL_PAUSE_MS 5000

/* --- whom they are for --- */

/* The folder of this user. Without caches there is nothing that would be one user's alone. */
static void name_cache(const struct vps_workers *workers, const char *user, char name[VPS_SHADER_CACHE_NAME_SIZE])
{
   const char *cache = workers->options->cache;

   if (cache && strcmp(cache, "none") == 0)
      name[0] = '\0';
   else
      vps_shader_cache_name(name, user);
}

static unsigned find_awaited(const struct vps_workers *workers, const char *cache)
{
   unsigned i = 0;

   while (i < workers->awaited_count && strcmp(workers->awaited[i].cache, cache) != 0)
      i++;
   return i;
}

/* Its user came last. */
static void put_first(struct vps_workers *workers, const char *cache)
{
   const unsigned room = workers->options->ready;
   const unsigned known = find_awaited(workers, cache);
   struct vps_awaited first = {0};

   if (room == 0)
      return;
   snprintf(first.cache, sizeof(first.cache), "%s", cache);
   if (known < workers->awaited_count)
      first = workers->awaited[known];
   else if (workers->awaited_count < room)
      workers->awaited_count++;
   const unsigned place = known < workers->awaited_count ? known : workers->awaited_count - 1;
   memmove(&workers->awaited[1], &workers->awaited[0], place * sizeof(*workers->awaited));
   workers->awaited[0] = first;
}

/* Before anybody has come: who is the only one that can come there. With TLS that is nobody. */
static void expect_first_users(struct vps_workers *workers)
{
   const struct vps_options *options = workers->options;
   char user[VPS_USER_SIZE], cache[VPS_SHADER_CACHE_NAME_SIZE];

   if (options->tcp && !vps_options_have_credentials(options)) {
      name_cache(workers, "address:", cache);
      put_first(workers, cache);
   }
   if (options->unix_path) {
      snprintf(user, sizeof(user), "uid:%u", (unsigned)geteuid());
      name_cache(workers, user, cache);
      put_first(workers, cache);
   }
}

bool vps_workers_make_room(struct vps_workers *workers)
{
   const unsigned ready = workers->options->ready, room = 2 * (workers->options->max_clients + ready);
   struct vps_awaited *awaited = realloc(workers->awaited, (ready ? ready : 1) * sizeof(*awaited));

   if (!awaited)
      return false;
   workers->awaited = awaited;
   if (workers->awaited_count > ready)
      workers->awaited_count = ready;
   if (workers->awaited_count == 0)
      expect_first_users(workers);
   if (room <= workers->room)
      return true;
   struct vps_worker_process *list = realloc(workers->list, room * sizeof(*list));
   if (!list)
      return false;
   workers->list = list;
   workers->room = room;
   return true;
}

bool vps_workers_init(struct vps_workers *workers, const struct vps_options *options)
{
   *workers = (struct vps_workers){.options = options, .desk.epoll_fd = -1};
   if (!vps_share_desk_open(&workers->desk))
      vp_log(VP_LOG_WARN, "sessions can share nothing: %s", strerror(errno));
   return vps_workers_make_room(workers);
}

void vps_workers_finish(struct vps_workers *workers)
{
   free(workers->list);
   free(workers->awaited);
   vps_share_desk_close(&workers->desk);
   *workers = (struct vps_workers){0};
}

/* --- the list --- */

static bool is_ready(const struct vps_worker_process *worker)
{
   return worker->handover_fd >= 0 && !vps_worker_process_has_client(worker);
}

static bool takes_place(const struct vps_worker_process *worker)
{
   return vps_worker_process_has_client(worker) && !worker->dismissed;
}

static unsigned count_workers(const struct vps_workers *workers, bool (*which)(const struct vps_worker_process *worker))
{
   unsigned count = 0;

   for (unsigned i = 0; i < workers->count; i++)
      count += which(&workers->list[i]);
   return count;
}

unsigned vps_workers_count_clients(const struct vps_workers *workers)
{
   return count_workers(workers, takes_place);
}

void vps_workers_find_gpus(struct vps_workers *workers, uint32_t *gpus, uint64_t *memory)
{
   for (unsigned i = 0; i < workers->count; i++) {
      struct vps_worker_process *worker = &workers->list[i];
      if (!is_ready(worker))
         continue;
      vps_worker_process_hear(worker);
      if (worker->news.loaded) {
         workers->gpus = worker->news.gpus;
         workers->memory = worker->news.memory;
      }
   }
   *gpus = workers->gpus;
   *memory = workers->memory;
}

/* A worker without a client; NULL with errno. */
static struct vps_worker_process *start_worker(struct vps_workers *workers, const char *cache)
{
   if (workers->count == workers->room) {
      errno = EAGAIN;
      return NULL;
   }
   struct vps_worker_process *worker = &workers->list[workers->count];
   if (!vps_worker_process_start(worker, workers->options, cache))
      return NULL;
   workers->count++;
   return worker;
}

/* The one for this user that has waited longest; NULL: none. */
static struct vps_worker_process *find_ready_worker(struct vps_workers *workers, const char *cache)
{
   struct vps_worker_process *found = NULL;

   for (unsigned i = 0; i < workers->count; i++) {
      struct vps_worker_process *worker = &workers->list[i];
      if (is_ready(worker) && strcmp(worker->cache, cache) == 0 && (!found || worker->since_ms < found->since_ms))
         found = worker;
   }
   return found;
}

static bool serve_with_desk(struct vps_workers *workers, struct vps_worker_process *worker, int fd,
                            const struct vps_client *client)
{
   struct vps_client own = *client;

   vps_share_desk_enter(&workers->desk, worker, &own.share_fd);
   const bool served = vps_worker_process_serve(worker, fd, &own);
   const int saved_errno = errno;
   if (own.share_fd >= 0)
      close(own.share_fd);
   if (!served)
      vps_share_desk_leave(&workers->desk, worker);
   errno = saved_errno;
   return served;
}

/* A ready worker that has ended, which we have not noticed yet, takes no client. */
static struct vps_worker_process *give_to_worker(struct vps_workers *workers, const char *cache, int fd,
                                                 const struct vps_client *client)
{
   struct vps_worker_process *worker;

   while ((worker = find_ready_worker(workers, cache))) {
      if (serve_with_desk(workers, worker, fd, client))
         return worker;
   }
   worker = start_worker(workers, cache);
   return worker && serve_with_desk(workers, worker, fd, client) ? worker : NULL;
}

struct vps_worker_process *vps_workers_give(struct vps_workers *workers, int fd, const struct vps_client *client)
{
   char cache[VPS_SHADER_CACHE_NAME_SIZE];

   name_cache(workers, client->user, cache);
   struct vps_worker_process *worker = give_to_worker(workers, cache, fd, client);
   if (!worker)
      return NULL;
   put_first(workers, cache);
   if (workers->ready_after_ms <= vp_clock_ms())
      workers->ready_after_ms = vp_clock_ms() + READY_PAUSE_MS;
   return worker;
}

struct vps_worker_process *vps_workers_find(const struct vps_workers *workers, pid_t pid)
{
   for (unsigned i = 0; i < workers->count; i++) {
      if (workers->list[i].pid == pid)
         return &workers->list[i];
   }
   return NULL;
}

/* A worker that had no client has ended by itself. */
static void note_early_end(struct vps_workers *workers, const struct vps_worker_process *worker, int status)
{
   const int64_t now = vp_clock_ms();

   if (now - worker->since_ms >= READY_LIFE_MS)
      workers->ready_penalty_ms = 0;
   if (workers->ready_penalty_ms == 0)
      vps_worker_process_log_end(worker, status, false);
   workers->ready_penalty_ms = workers->ready_penalty_ms ? 2 * workers->ready_penalty_ms : READY_LEAST_PENALTY_MS;
   if (workers->ready_penalty_ms > READY_MOST_PENALTY_MS)
      workers->ready_penalty_ms = READY_MOST_PENALTY_MS;
   workers->ready_after_ms = now + workers->ready_penalty_ms;
}

static void note_compiled(struct vps_workers *workers, const char *cache)
{
   const unsigned whose = find_awaited(workers, cache);

   if (whose == workers->awaited_count)
      return;
   workers->awaited[whose].stale = true;
   if (!workers->renewal_ms)
      workers->renewal_ms = workers->last_renewal_ms + RENEWAL_PAUSE_MS;
}

void vps_workers_remove(struct vps_workers *workers, struct vps_worker_process *worker, int wait_status)
{
   if (is_ready(worker))
      note_early_end(workers, worker, wait_status);
   if (vps_worker_process_has_client(worker) && worker->news.compiled)
      note_compiled(workers, worker->cache);
   vps_share_desk_leave(&workers->desk, worker);
   vps_worker_process_dismiss(worker);
   vps_worker_process_finish(worker);
   *worker = workers->list[--workers->count];
}

void vps_workers_signal(const struct vps_workers *workers, int number)
{
   for (unsigned i = 0; i < workers->count; i++)
      kill(workers->list[i].pid, number);
}

/* --- those that wait --- */

void vps_workers_dismiss_ready(struct vps_workers *workers)
{
   for (unsigned i = 0; i < workers->count; i++) {
      if (is_ready(&workers->list[i]))
         vps_worker_process_dismiss(&workers->list[i]);
   }
}

static unsigned count_ready(const struct vps_workers *workers, const char *cache)
{
   unsigned count = 0;

   for (unsigned i = 0; i < workers->count; i++)
      count += is_ready(&workers->list[i]) && strcmp(workers->list[i].cache, cache) == 0;
   return count;
}

/* How many are to wait for that user: all have as many, but for the rest, which are for those who came last. */
static unsigned share_of(const struct vps_workers *workers, unsigned whose)
{
   const unsigned ready = workers->options->ready, users = workers->awaited_count;

   return whose < users ? ready / users + (whose < ready % users) : 0;
}

/* Of whom another one is to wait for a client; NULL: of nobody. Never so many that clients have no room, also when some
 * do not end that were dismissed. */
static const struct vps_awaited *find_wanted(const struct vps_workers *workers)
{
   const struct vps_options *options = workers->options;
   const unsigned clients = vps_workers_count_clients(workers);
   const unsigned places = clients < options->max_clients ? options->max_clients - clients : 0;
   const unsigned wanted = options->ready < places ? options->ready : places;
   const unsigned with_client = count_workers(workers, vps_worker_process_has_client);

   if (count_workers(workers, is_ready) >= wanted || workers->count - with_client >= 2 * options->ready)
      return NULL;
   for (unsigned i = 0; i < workers->awaited_count; i++) {
      if (count_ready(workers, workers->awaited[i].cache) < share_of(workers, i))
         return &workers->awaited[i];
   }
   return NULL;
}

/* Those that others are to wait in place of. */
static void dismiss_surplus(struct vps_workers *workers)
{
   for (unsigned i = 0; i < workers->count; i++) {
      struct vps_worker_process *worker = &workers->list[i];
      const unsigned whose = find_awaited(workers, worker->cache);
      if (is_ready(worker) && count_ready(workers, worker->cache) > share_of(workers, whose))
         vps_worker_process_dismiss(worker);
   }
}

static void renew_ready_workers(struct vps_workers *workers)
{
   if (!workers->renewal_ms || vp_clock_ms() < workers->renewal_ms)
      return;
   vp_log(VP_LOG_DEBUG, "workers without a client are replaced, since a driver has compiled more than they know of");
   workers->last_renewal_ms = vp_clock_ms();
   workers->renewal_ms = 0;
   for (unsigned i = 0; i < workers->count; i++) {
      const unsigned whose = find_awaited(workers, workers->list[i].cache);
      if (is_ready(&workers->list[i]) && whose < workers->awaited_count && workers->awaited[whose].stale)
         vps_worker_process_dismiss(&workers->list[i]);
   }
   for (unsigned i = 0; i < workers->awaited_count; i++)
      workers->awaited[i].stale = false;
}

static bool one_is_loading(struct vps_workers *workers)
{
   bool loading = false;

   for (unsigned i = 0; i < workers->count; i++) {
      struct vps_worker_process *worker = &workers->list[i];
      if (!is_ready(worker) || worker->news.loaded)
         continue;
      vps_worker_process_hear(worker);
      loading = loading || (!worker->news.loaded && vp_clock_ms() < worker->since_ms + READY_LOAD_MS);
   }
   return loading;
}

void vps_workers_tend(struct vps_workers *workers)
{
   renew_ready_workers(workers);
   dismiss_surplus(workers);
   const struct vps_awaited *wanted = find_wanted(workers);
   if (!wanted || vp_clock_ms() < workers->ready_after_ms)
      return;
   if (!one_is_loading(workers) && !start_worker(workers, wanted->cache))
      vp_log(VP_LOG_DEBUG, "cannot start a worker for a client to come: %s", strerror(errno));
   workers->ready_after_ms = vp_clock_ms() + READY_PAUSE_MS;
}

int64_t vps_workers_due(const struct vps_workers *workers)
{
   int64_t due = find_wanted(workers) ? workers->ready_after_ms : INT64_MAX;

   if (workers->renewal_ms && workers->renewal_ms < due)
      due = workers->renewal_ms;
   return due;
}
