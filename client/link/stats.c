/* SPDX-License-Identifier: MIT */

/* Prints a connection's counters when it ends, or when the process does, since many programs do not destroy their
 * instance. */

#include "client/link/stats.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/link/command_names.h"
#include "client/mapping/tracker.h"
#include "client/process/config.h"
#include "common/util/text.h"

void vp_stats_blocking(struct vp_stats *stats, uint32_t command)
{
   vp_stats_add(&stats->blocking[vp_cost_kind(command)], 1);
}

static void print_presents(const struct vp_stats *stats)
{
   static const char *const names[VP_STAGE_COUNT] = {"gpu", "encode", "network", "decode", "show"};
   const uint64_t shown = stats->frames_shown;
   if (!stats->presents)
      return;
   fprintf(stderr, "venus:   presented: %" PRIu64 " frames, %" PRIu64 " shown, %" PRIu64 " bytes of pictures\n",
           stats->presents, shown, stats->picture_bytes);
   for (unsigned i = 0; i < VP_STAGE_COUNT && shown; i++) {
      char ms[VP_TEXT_DECIMAL_SIZE];
      vp_text_format_decimal(ms, (double)stats->present_us[i] / 1000 / (double)shown, 2);
      fprintf(stderr, "venus:     %8s ms %s\n", ms, names[i]);
   }
}

static void print(const struct vp_stats *stats)
{
   uint64_t blocking = stats->bursts + stats->hellos;
   for (unsigned i = 0; i < VP_COST_KINDS; i++)
      blocking += stats->blocking[i];
   fprintf(stderr, "venus: statistics of the session with %s\n", stats->address);
   fprintf(stderr,
           "venus:   calls: %" PRIu64 " asynchronous, %" PRIu64 " recorded, %" PRIu64 " from the cache, %" PRIu64
           " submissions, %" PRIu64 " waits that returned early\n",
           stats->async_calls, stats->recorded_calls, stats->cached_calls, stats->submissions, stats->early_waits);
   if (stats->packed)
      fprintf(stderr, "venus:   packed: %" PRIu64 " bytes of commands into %" PRIu64 "\n", stats->unpacked,
              stats->packed);
   if (stats->paces)
      fprintf(stderr, "venus:   calls that waited since the server had too much to do: %" PRIu64 "\n", stats->paces);
   fprintf(stderr, "venus:   sent: %" PRIu64 " bytes in %" PRIu64 " frames, %" PRIu64 " of them mapped memory\n",
           stats->bytes_sent, stats->frames_sent, stats->memory_sent);
   fprintf(stderr, "venus:   received: %" PRIu64 " bytes in %" PRIu64 " frames, %" PRIu64 " of them mapped memory\n",
           stats->bytes_received, stats->frames_received, stats->memory_received);
   fprintf(stderr, "venus:   changes of mapped memory are found by: %s\n", vp_tracker_get()->name);
   print_presents(stats);
   fprintf(stderr, "venus:   blocking round trips: %" PRIu64 "\n", blocking);
   if (stats->hellos)
      fprintf(stderr, "venus:     %6" PRIu64 " greeting\n", stats->hellos);
   if (stats->bursts)
      fprintf(stderr, "venus:     %6" PRIu64 " questions in one burst\n", stats->bursts);
   for (unsigned i = 0; i < VP_COST_KINDS; i++) {
      if (stats->blocking[i])
         fprintf(stderr, "venus:     %6" PRIu64 " %s\n", stats->blocking[i], vp_command_name(vp_cost_command(i)));
   }
   fprintf(stderr, "venus:   waits for addresses and pipelines that are being made: %" PRIu64 "\n", stats->news_waits);
}

/* --- connections that are open --- */

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct vp_stats *open_stats;

void vp_stats_begin(struct vp_stats *stats, const char *address)
{
   stats->address = address;
   pthread_mutex_lock(&open_lock);
   stats->next = open_stats;
   stats->link = &open_stats;
   if (stats->next)
      stats->next->link = &stats->next;
   open_stats = stats;
   pthread_mutex_unlock(&open_lock);
}

void vp_stats_end(struct vp_stats *stats)
{
   if (!stats->link)
      return;
   pthread_mutex_lock(&open_lock);
   *stats->link = stats->next;
   if (stats->next)
      stats->next->link = stats->link;
   pthread_mutex_unlock(&open_lock);
   if (vp_config_wants_statistics())
      print(stats);
}

void vp_stats_begin_anew(void)
{
   open_stats = NULL;
   pthread_mutex_init(&open_lock, NULL);
}

/* Many programs end without destroying their instance. */
__attribute__((destructor)) static void print_open(void)
{
   if (!open_stats || !vp_config_wants_statistics())
      return;
   pthread_mutex_lock(&open_lock);
   for (const struct vp_stats *stats = open_stats; stats; stats = stats->next)
      print(stats);
   pthread_mutex_unlock(&open_lock);
}
