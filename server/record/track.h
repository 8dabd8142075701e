/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_RECORD_TRACK_H
#define VP_SERVER_RECORD_TRACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/memory/writes.h"

struct vps_event;
struct vps_object;
struct vps_query_pool;

struct vps_query_range {
   struct vps_query_pool *pool;
   uint32_t first, count;
};

/* An object that may be destroyed meanwhile: it is the one that is meant while it has this id. Only the executing
 * thread, and those that replay recordings for it, may look at it. */
struct vps_object_name {
   const struct vps_object *object; /* NULL: none */
   uint64_t id;
};

/* Which events, queries and memory the execution of a command buffer changes. While only one holds it, it can grow; a
 * track that submissions hold too stays as it is. */
struct vps_track {
   atomic_uint refs;
   struct vps_event **events;
   unsigned event_count, event_capacity;
   struct vps_query_range *ranges;
   unsigned range_count, range_capacity;
   struct vps_writes writes;
   struct vps_object_name *late; /* descriptor sets whose descriptors count when they are submitted */
   unsigned late_count, late_capacity;
};

struct vps_track *vps_track_ref(struct vps_track *track);

/* NULL is fine. */
void vps_track_unref(struct vps_track *track);

/* These make the track (*track == NULL) or a copy of one that others hold too. False without memory. */
bool vps_track_add_event(struct vps_track **track, struct vps_event *event);
bool vps_track_add_queries(struct vps_track **track, struct vps_query_pool *pool, uint32_t first, uint32_t count);
bool vps_track_add_classes(struct vps_track **track, unsigned classes);
bool vps_track_add_write(struct vps_track **track, struct vps_memory *memory, VkDeviceSize start, VkDeviceSize end);
bool vps_track_add_late(struct vps_track **track, const struct vps_object *descriptor_set);
bool vps_track_merge(struct vps_track **track, const struct vps_track *other);

#endif
