/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_OBJECT_TABLE_H
#define VP_CLIENT_LINK_OBJECT_TABLE_H

#include <stdint.h>

struct vp_connection;
struct vp_object;

/* One object id: slot number in its low half, generation in its high half. */
struct vp_slot {
   struct vp_object *object; /* NULL: free */
   uint32_t generation;
   uint32_t next_free; /* 0: none */
};

/* The object of that id, NULL when it is gone. The caller holds object_lock. */
struct vp_object *vp_object_table_find(struct vp_connection *conn, uint64_t id);

#endif
