/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_OBJECT_TABLE_H
#define VP_CLIENT_LINK_OBJECT_TABLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vp_object;

/* One object id: slot number in its low half, generation in its high half. */
struct vp_slot {
   struct vp_object *object; /* NULL: free */
   uint32_t generation;
   uint32_t next_free; /* 0: none */
};

/* Every object of a session by the slot of its id. The connection owns the table, which ends with it; the table does
 * not own the objects. All functions but init and finish may be called by any thread. */
struct vp_object_table {
   pthread_mutex_t lock; /* who holds it can use what was found: nothing is removed meanwhile */
   struct vp_slot *slots;
   uint32_t slot_count, slot_capacity, free_slot;
   _Atomic uint64_t added; /* objects, ever */
};

void vp_object_table_init(struct vp_object_table *table);

/* Objects that are still in it are left as they are. */
void vp_object_table_finish(struct vp_object_table *table);

/* Gives the object an id. False when memory or ids are used up. */
bool vp_object_table_add(struct vp_object_table *table, struct vp_object *object);

/* Gives the id back; the command that destroys the object must be in the stream already. */
void vp_object_table_remove(struct vp_object_table *table, struct vp_object *object);

/* `other` takes the place and the id of an object. */
void vp_object_table_replace(struct vp_object_table *table, struct vp_object *object, struct vp_object *other);

/* The object of that id, NULL when it is gone. The caller holds the lock. */
struct vp_object *vp_object_table_find(const struct vp_object_table *table, uint64_t id);

#endif
