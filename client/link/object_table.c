/* SPDX-License-Identifier: MIT */

/* A growing array of slots with a list of the free ones. A slot counts its generation up when its object goes, so an
 * old id finds nothing. */

#include "client/link/object_table.h"

#include <stdlib.h>

#include "client/link/object.h"
#include "common/net/limits.h"

/* A slot that is free, or 0, which is no slot. */
static uint32_t take_slot(struct vp_object_table *table)
{
   const uint32_t free_slot = table->free_slot;
   if (free_slot) {
      table->free_slot = table->slots[free_slot].next_free;
      return free_slot;
   }
   if (table->slot_count == table->slot_capacity) {
      const uint32_t capacity = table->slot_capacity ? table->slot_capacity * 2 : 1024;
      struct vp_slot *slots = capacity <= VP_MAX_SLOTS ? realloc(table->slots, capacity * sizeof(*slots)) : NULL;
      if (!slots)
         return 0;
      table->slots = slots;
      table->slot_capacity = capacity;
      if (!table->slot_count)
         table->slots[table->slot_count++] = (struct vp_slot){0}; /* id 0 is the null handle */
   }
   table->slots[table->slot_count] = (struct vp_slot){0};
   return table->slot_count++;
}

void vp_object_table_init(struct vp_object_table *table)
{
   *table = (struct vp_object_table){0};
   pthread_mutex_init(&table->lock, NULL);
}

void vp_object_table_finish(struct vp_object_table *table)
{
   pthread_mutex_destroy(&table->lock);
   free(table->slots);
}

bool vp_object_table_add(struct vp_object_table *table, struct vp_object *object)
{
   pthread_mutex_lock(&table->lock);
   const uint32_t slot = take_slot(table);
   if (slot) {
      table->slots[slot].object = object;
      object->id = slot | (uint64_t)table->slots[slot].generation << 32;
      table->added++;
   }
   pthread_mutex_unlock(&table->lock);
   return slot != 0;
}

void vp_object_table_remove(struct vp_object_table *table, struct vp_object *object)
{
   pthread_mutex_lock(&table->lock);
   struct vp_slot *slot = &table->slots[(uint32_t)object->id];
   slot->object = NULL;
   slot->generation++;
   slot->next_free = table->free_slot;
   table->free_slot = (uint32_t)object->id;
   pthread_mutex_unlock(&table->lock);
}

void vp_object_table_replace(struct vp_object_table *table, struct vp_object *object, struct vp_object *other)
{
   pthread_mutex_lock(&table->lock);
   other->id = object->id;
   other->type = object->type;
   table->slots[(uint32_t)object->id].object = other;
   pthread_mutex_unlock(&table->lock);
}

struct vp_object *vp_object_table_find(const struct vp_object_table *table, uint64_t id)
{
   const uint32_t slot = (uint32_t)id;
   if (!slot || slot >= table->slot_count || table->slots[slot].generation != id >> 32)
      return NULL;
   return table->slots[slot].object;
}
