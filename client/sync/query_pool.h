/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_SYNC_QUERY_POOL_H
#define VP_CLIENT_SYNC_QUERY_POOL_H

#include <stdbool.h>

#include "client/link/object.h"

struct vp_connection;

/* The server sends results when the submission that made them is complete, so
 * they are read from here. All state is under the connection's progress lock. */
struct vp_query_pool {
   struct vp_object base;
   uint32_t count;
   uint32_t values;         /* per query */
   VkQueryResultFlags flag; /* what is known beside them: vp_query_result_flag() */
   uint64_t *state;         /* per query, see query_pool.c */
};

/* A QUERIES frame. False when it makes no sense. */
bool vp_query_pool_receive(struct vp_connection *conn, struct vp_query_pool *pool, const uint8_t *data, size_t size);

#endif
