/* SPDX-License-Identifier: MIT */
#include "client/stats.h"

#include "client/command_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_OWN_COMMAND 0x10000u

void vp_stats_blocking(struct vp_stats *stats, uint32_t command)
{
   uint32_t slot = command;
   if (command >= FIRST_OWN_COMMAND)
      slot = command - FIRST_OWN_COMMAND + VP_STATS_VENUS_COMMANDS;
   vp_stats_add(&stats->blocking[slot < VP_STATS_COMMANDS ? slot : VP_STATS_COMMANDS - 1], 1);
}

static uint32_t command_in_slot(uint32_t slot)
{
   return slot < VP_STATS_VENUS_COMMANDS ? slot : slot - VP_STATS_VENUS_COMMANDS + FIRST_OWN_COMMAND;
}

bool vp_stats_wanted(void)
{
   const char *debug = getenv("VENUS_DEBUG");
   return debug && strstr(debug, "stats");
}

static void print_presents(const struct vp_stats *stats)
{
   static const char *const names[VP_STAGE_COUNT] = {"gpu", "encode", "network", "decode", "show"};
   const uint64_t shown = stats->frames_shown;
   if (!stats->presents)
      return;
   fprintf(stderr, "venus:   presented: %" PRIu64 " frames, %" PRIu64 " shown, %" PRIu64 " bytes of pictures\n",
           stats->presents, shown, stats->picture_bytes);
   for (unsigned i = 0; i < VP_STAGE_COUNT && shown; i++)
      fprintf(stderr, "venus:     %8.2f ms %s\n", (double)stats->present_us[i] / 1000 / (double)shown, names[i]);
}

void vp_stats_print(const struct vp_stats *stats, const char *address)
{
   uint64_t blocking = stats->bursts + stats->hellos;
   for (unsigned i = 0; i < VP_STATS_COMMANDS; i++)
      blocking += stats->blocking[i];
   fprintf(stderr, "venus: statistics of the session with %s\n", address);
   fprintf(stderr,
           "venus:   calls: %" PRIu64 " asynchronous, %" PRIu64 " recorded, %" PRIu64 " from the cache, %" PRIu64
           " submissions\n",
           stats->async_calls, stats->recorded_calls, stats->cached_calls, stats->submissions);
   fprintf(stderr, "venus:   sent: %" PRIu64 " bytes in %" PRIu64 " frames, %" PRIu64 " of them mapped memory\n",
           stats->bytes_sent, stats->frames_sent, stats->memory_sent);
   fprintf(stderr, "venus:   received: %" PRIu64 " bytes in %" PRIu64 " frames, %" PRIu64 " of them mapped memory\n",
           stats->bytes_received, stats->frames_received, stats->memory_received);
   print_presents(stats);
   fprintf(stderr, "venus:   blocking round trips: %" PRIu64 "\n", blocking);
   if (stats->hellos)
      fprintf(stderr, "venus:     %6" PRIu64 " greeting\n", stats->hellos);
   if (stats->bursts)
      fprintf(stderr, "venus:     %6" PRIu64 " questions in one burst\n", stats->bursts);
   for (unsigned i = 0; i < VP_STATS_COMMANDS; i++) {
      if (stats->blocking[i])
         fprintf(stderr, "venus:     %6" PRIu64 " %s\n", stats->blocking[i], vp_command_name(command_in_slot(i)));
   }
}
