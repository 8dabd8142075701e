/* SPDX-License-Identifier: MIT */
#include "client/link/object_table.h"

#include <stdlib.h>

#include "client/link/connection.h"
#include "client/link/object.h"
#include "common/net/limits.h"

/* A slot that is free, or 0, which is no slot. */
static uint32_t take_slot(struct vp_connection *conn)
{
   const uint32_t free_slot = conn->free_slot;
   if (free_slot) {
      conn->free_slot = conn->slots[free_slot].next_free;
      return free_slot;
   }
   if (conn->slot_count == conn->slot_capacity) {
      const uint32_t capacity = conn->slot_capacity ? conn->slot_capacity * 2 : 1024;
      struct vp_slot *slots = capacity <= VP_MAX_SLOTS ? realloc(conn->slots, capacity * sizeof(*slots)) : NULL;
      if (!slots)
         return 0;
      conn->slots = slots;
      conn->slot_capacity = capacity;
      if (!conn->slot_count)
         conn->slots[conn->slot_count++] = (struct vp_slot){0}; /* id 0 is the null handle */
   }
   conn->slots[conn->slot_count] = (struct vp_slot){0};
   return conn->slot_count++;
}

bool vp_connection_add_object(struct vp_connection *conn, struct vp_object *object)
{
   pthread_mutex_lock(&conn->object_lock);
   const uint32_t slot = take_slot(conn);
   if (slot) {
      conn->slots[slot].object = object;
      object->id = slot | (uint64_t)conn->slots[slot].generation << 32;
   }
   pthread_mutex_unlock(&conn->object_lock);
   return slot != 0;
}

void vp_connection_remove_object(struct vp_connection *conn, struct vp_object *object)
{
   pthread_mutex_lock(&conn->object_lock);
   struct vp_slot *slot = &conn->slots[(uint32_t)object->id];
   slot->object = NULL;
   slot->generation++;
   slot->next_free = conn->free_slot;
   conn->free_slot = (uint32_t)object->id;
   pthread_mutex_unlock(&conn->object_lock);
}

void vp_connection_replace_object(struct vp_connection *conn, struct vp_object *object, struct vp_object *other)
{
   pthread_mutex_lock(&conn->object_lock);
   other->id = object->id;
   other->type = object->type;
   conn->slots[(uint32_t)object->id].object = other;
   pthread_mutex_unlock(&conn->object_lock);
}

struct vp_object *vp_object_table_find(struct vp_connection *conn, uint64_t id)
{
   const uint32_t slot = (uint32_t)id;
   if (!slot || slot >= conn->slot_count || conn->slots[slot].generation != id >> 32)
      return NULL;
   return conn->slots[slot].object;
}
