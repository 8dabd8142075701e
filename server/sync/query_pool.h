/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SYNC_QUERY_POOL_H
#define VP_SERVER_SYNC_QUERY_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_context;
struct vps_device;

/* The state of a VkQueryPool; shared like that of an event. */
struct vps_query_pool {
   atomic_uint refs;
   struct vps_device *device;
   uint64_t id;
   uint32_t count;
   uint32_t values;         /* per query */
   VkQueryResultFlags flag; /* what is told beside them: vp_query_result_flag() */

   pthread_mutex_t lock;  /* of what follows */
   VkQueryPool handle;    /* null once it was destroyed */
   uint64_t *host_resets; /* per query: how many vkResetQueryPool have covered it */
};

struct vps_query_pool *vps_query_pool_ref(struct vps_query_pool *pool);
void vps_query_pool_unref(struct vps_query_pool *pool);

/* Whether the pool has these queries; if not, the session ends. */
bool vps_query_pool_has(struct vps_context *ctx, const struct vps_query_pool *pool, uint32_t first, uint32_t count);

/* Whether availability and status are not both asked for: there is room for one. If not, the session ends. */
bool vps_query_flags_fit(struct vps_context *ctx, VkQueryResultFlags flags);

/* Sends the results of count queries from first to the client. False when the device is lost. */
bool vps_query_pool_send(struct vps_query_pool *pool, uint32_t first, uint32_t count);

#endif
