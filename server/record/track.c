/* SPDX-License-Identifier: MIT */

/* Lists of events, ranges of queries, writes and sets, with a count of references: a track that a submission holds,
 * too, is copied before it is changed. */

#include "server/record/track.h"

#include <stdlib.h>

#include "server/core/objects.h"
#include "server/sync/event.h"
#include "server/sync/query_pool.h"

/* A new range is joined with one of the last few. */
#define JOIN_DEPTH 8u

/* With more descriptor sets that count late all storage does. */
#define MAX_LATE 256u

struct vps_track *vps_track_ref(struct vps_track *track)
{
   atomic_fetch_add(&track->refs, 1);
   return track;
}

void vps_track_unref(struct vps_track *track)
{
   if (!track || atomic_fetch_sub(&track->refs, 1) != 1)
      return;
   for (unsigned i = 0; i < track->event_count; i++)
      vps_event_unref(track->events[i]);
   for (unsigned i = 0; i < track->range_count; i++)
      vps_query_pool_unref(track->ranges[i].pool);
   vps_writes_finish(&track->writes);
   free(track->events);
   free(track->ranges);
   free(track->late);
   free(track);
}

/* The array with room for one more element, or NULL. */
static void *grow(void *array, unsigned count, unsigned *capacity, size_t size)
{
   if (count < *capacity)
      return array;
   const unsigned wanted = *capacity ? *capacity * 2 : 8;
   void *grown = wanted > *capacity ? realloc(array, wanted * size) : NULL;
   if (grown)
      *capacity = wanted;
   return grown;
}

static bool append_event(struct vps_track *track, struct vps_event *event)
{
   for (unsigned i = 0; i < track->event_count; i++) {
      if (track->events[i] == event)
         return true;
   }
   struct vps_event **events = grow(track->events, track->event_count, &track->event_capacity, sizeof(*events));
   if (!events)
      return false;
   track->events = events;
   track->events[track->event_count++] = vps_event_ref(event);
   return true;
}

/* Extends the range by [first, first + count) if they touch. */
static bool join_ranges(struct vps_query_range *range, const struct vps_query_pool *pool, uint32_t first,
                        uint32_t count)
{
   const uint64_t end = (uint64_t)first + count, range_end = (uint64_t)range->first + range->count;

   if (range->pool != pool || first > range_end || end < range->first)
      return false;
   const uint32_t joined = first < range->first ? first : range->first;
   range->count = (uint32_t)((end > range_end ? end : range_end) - joined);
   range->first = joined;
   return true;
}

static bool append_queries(struct vps_track *track, struct vps_query_pool *pool, uint32_t first, uint32_t count)
{
   for (unsigned i = 0; i < track->range_count && i < JOIN_DEPTH; i++) {
      if (join_ranges(&track->ranges[track->range_count - 1 - i], pool, first, count))
         return true;
   }
   struct vps_query_range *ranges = grow(track->ranges, track->range_count, &track->range_capacity, sizeof(*ranges));
   if (!ranges)
      return false;
   track->ranges = ranges;
   track->ranges[track->range_count++] =
      (struct vps_query_range){.pool = vps_query_pool_ref(pool), .first = first, .count = count};
   return true;
}

static bool append_late(struct vps_track *track, const struct vps_object_name *name)
{
   static const struct vps_writes all = {.classes = VPS_WRITES_STORAGE};

   for (unsigned i = track->late_count; i > 0; i--) { /* that of the last command is the likeliest */
      if (track->late[i - 1].id == name->id)
         return true;
   }
   if (track->late_count == MAX_LATE) {
      vps_writes_add(&track->writes, &all);
      return true;
   }
   struct vps_object_name *late = grow(track->late, track->late_count, &track->late_capacity, sizeof(*late));
   if (!late)
      return false;
   track->late = late;
   track->late[track->late_count++] = *name;
   return true;
}

static bool append_track(struct vps_track *track, const struct vps_track *other)
{
   for (unsigned i = 0; i < other->event_count; i++) {
      if (!append_event(track, other->events[i]))
         return false;
   }
   for (unsigned i = 0; i < other->range_count; i++) {
      if (!append_queries(track, other->ranges[i].pool, other->ranges[i].first, other->ranges[i].count))
         return false;
   }
   for (unsigned i = 0; i < other->late_count; i++) {
      if (!append_late(track, &other->late[i]))
         return false;
   }
   vps_writes_add(&track->writes, &other->writes);
   return true;
}

/* Makes *track one that only its holder has. */
static bool own(struct vps_track **track)
{
   if (*track && atomic_load(&(*track)->refs) == 1)
      return true;
   struct vps_track *copy = calloc(1, sizeof(*copy));
   if (!copy)
      return false;
   atomic_init(&copy->refs, 1);
   if (*track && !append_track(copy, *track)) {
      vps_track_unref(copy);
      return false;
   }
   vps_track_unref(*track);
   *track = copy;
   return true;
}

bool vps_track_add_event(struct vps_track **track, struct vps_event *event)
{
   return own(track) && append_event(*track, event);
}

bool vps_track_add_queries(struct vps_track **track, struct vps_query_pool *pool, uint32_t first, uint32_t count)
{
   return own(track) && append_queries(*track, pool, first, count);
}

bool vps_track_add_classes(struct vps_track **track, unsigned classes)
{
   if (*track && ((*track)->writes.classes & classes) == classes)
      return true;
   const struct vps_writes more = {.classes = classes};
   if (!own(track))
      return false;
   vps_writes_add(&(*track)->writes, &more);
   return true;
}

bool vps_track_add_write(struct vps_track **track, struct vps_memory *memory, VkDeviceSize start, VkDeviceSize end)
{
   if (!own(track))
      return false;
   vps_writes_add_range(&(*track)->writes, memory, start, end);
   return true;
}

bool vps_track_add_late(struct vps_track **track, const struct vps_object *descriptor_set)
{
   const struct vps_object_name name = {.object = descriptor_set, .id = descriptor_set->id};
   return own(track) && append_late(*track, &name);
}

bool vps_track_merge(struct vps_track **track, const struct vps_track *other)
{
   return other == *track || (own(track) && append_track(*track, other));
}
