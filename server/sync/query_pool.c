/* SPDX-License-Identifier: MIT */

/* Reads results of complete batches from the driver and sends them, each with how often the host has reset its query,
 * by which the client sees what is out of date. */

#include "server/sync/query_pool.h"

#include <stdlib.h>
#include <string.h>

#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "common/util/log.h"
#include "common/wire/query_values.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"

/* Queries that travel in one frame. */
#define MAX_BATCH 4096u

#define HEADER_SIZE 16

struct vps_query_pool *vps_query_pool_ref(struct vps_query_pool *pool)
{
   atomic_fetch_add(&pool->refs, 1);
   return pool;
}

void vps_query_pool_unref(struct vps_query_pool *pool)
{
   if (atomic_fetch_sub(&pool->refs, 1) != 1)
      return;
   pthread_mutex_destroy(&pool->lock);
   free(pool->host_resets);
   free(pool);
}

/* No pool is larger: what is kept for each query has addresses before the driver is asked, and memory when it is reset.
 */
#define MAX_QUERIES (UINT32_C(1) << 28)

static struct vps_query_pool *create_query_pool_state(struct vps_device *device, uint64_t id,
                                                      const VkQueryPoolCreateInfo *info)
{
   struct vps_query_pool *pool = info->queryCount <= MAX_QUERIES ? calloc(1, sizeof(*pool)) : NULL;
   if (!pool)
      return NULL;
   pool->host_resets = calloc(info->queryCount ? info->queryCount : 1, sizeof(*pool->host_resets));
   if (!pool->host_resets || pthread_mutex_init(&pool->lock, NULL) != 0) {
      free(pool->host_resets);
      free(pool);
      return NULL;
   }
   atomic_init(&pool->refs, 1);
   pool->device = device;
   pool->id = id;
   pool->count = info->queryCount;
   pool->values = vp_query_values(info);
   pool->flag = vp_query_result_flag(info);
   return pool;
}

static void release_pool(void *state)
{
   struct vps_query_pool *pool = state;

   pthread_mutex_lock(&pool->lock);
   pool->handle = VK_NULL_HANDLE;
   pthread_mutex_unlock(&pool->lock);
   vps_query_pool_unref(pool);
}

void vps_handle_vkCreateQueryPool(struct vps_context *ctx, struct vp_cmd_vkCreateQueryPool *a)
{
   const uint64_t id = (uint64_t)(uintptr_t)*a->pQueryPool;
   struct vps_device *device = ctx->used[0]->device;
   VkQueryPool handle = VK_NULL_HANDLE;

   struct vps_query_pool *pool = create_query_pool_state(device, id, a->pCreateInfo);
   do
      a->ret = pool ? device->functions.CreateQueryPool(device->handle, a->pCreateInfo, NULL, &handle)
                    : VK_ERROR_OUT_OF_HOST_MEMORY;
   while (vps_try_again(ctx, a->ret));
   struct vps_object *object =
      vps_created(ctx, VK_OBJECT_TYPE_QUERY_POOL, id, a->ret < 0 ? 0 : (uint64_t)(uintptr_t)handle, a->ret);
   if (!object) {
      if (pool)
         vps_query_pool_unref(pool);
      return;
   }
   pool->handle = handle;
   object->state = pool;
   object->release = release_pool;
}

bool vps_query_pool_has(struct vps_context *ctx, const struct vps_query_pool *pool, uint32_t first, uint32_t count)
{
   if (first <= pool->count && count <= pool->count - first)
      return true;
   vps_fail(ctx, "the queries %u to %llu are not all in their pool of %u", first, (unsigned long long)first + count,
            pool->count);
   return false;
}

bool vps_query_flags_fit(struct vps_context *ctx, VkQueryResultFlags flags)
{
   if (!(flags & VK_QUERY_RESULT_WITH_AVAILABILITY_BIT) || !(flags & VP_QUERY_RESULT_WITH_STATUS))
      return true;
   vps_fail(ctx, "results of queries come with either their availability or a status");
   return false;
}

void vps_handle_vkResetQueryPool(struct vps_context *ctx, struct vp_cmd_vkResetQueryPool *a)
{
   const struct vps_device *device = ctx->used[0]->device;
   struct vps_object *object = vps_use(ctx, VK_OBJECT_TYPE_QUERY_POOL, (uint64_t)(uintptr_t)a->queryPool);
   if (!object || ctx->poison)
      return;
   struct vps_query_pool *pool = object->state;
   if (!vps_query_pool_has(ctx, pool, a->firstQuery, a->queryCount))
      return;

   pthread_mutex_lock(&pool->lock);
   device->functions.ResetQueryPool(device->handle, pool->handle, a->firstQuery, a->queryCount);
   for (uint32_t i = 0; i < a->queryCount; i++)
      pool->host_resets[a->firstQuery + i]++;
   pthread_mutex_unlock(&pool->lock);
}

/* --- results --- */

/* Asks the driver, with the lock. */
static VkResult read_results(const struct vps_query_pool *pool, uint32_t first, uint32_t count, uint64_t *results)
{
   const struct vps_device *device = pool->device;
   const size_t stride = ((size_t)pool->values + 1) * 8;

   memset(results, 0, count * stride);
   return device->functions.GetQueryPoolResults(device->handle, pool->handle, first, count, count * stride, results,
                                                stride, VK_QUERY_RESULT_64_BIT | pool->flag);
}

/* With the lock. The driver gives values and then availability or status, the frame has that first. */
static bool send_batch(struct vps_query_pool *pool, uint32_t first, uint32_t count, uint64_t *results, uint8_t *payload)
{
   const struct vps_device *device = pool->device;
   const size_t stride = ((size_t)pool->values + 1) * 8;
   const VkResult result = read_results(pool, first, count, results);

   if (result < 0) {
      vp_log(VP_LOG_WARN, "the results of queries cannot be read: VkResult %d", result);
      return result != VK_ERROR_DEVICE_LOST;
   }

   uint8_t *p = payload + HEADER_SIZE;
   for (uint32_t i = 0; i < count; i++, p += 8 + stride) {
      uint64_t *values = results + (size_t)i * (pool->values + 1);
      /* With a status the driver does not say of which query there is no result. */
      const bool apart = pool->flag == VP_QUERY_RESULT_WITH_STATUS && result == VK_NOT_READY && values[pool->values];
      const bool ready = !apart || read_results(pool, first + i, 1, values) == VK_SUCCESS;
      vp_bytes_store_u64(p, pool->host_resets[first + i]);
      vp_bytes_store_u64(p + 8, vp_query_pack(values[pool->values], ready));
      for (uint32_t k = 0; k < pool->values; k++)
         vp_bytes_store_u64(p + 16 + (size_t)8 * k, values[k]);
   }
   vp_bytes_store_u32(payload, first);
   vp_bytes_store_u32(payload + 4, count);
   vp_bytes_store_u32(payload + 8, pool->values);
   vp_bytes_store_u32(payload + 12, 0);
   vps_frame_writer_send(device->writer, VP_FRAME_QUERIES, pool->id, payload, (size_t)(p - payload), NULL, 0);
   return true;
}

bool vps_query_pool_send(struct vps_query_pool *pool, uint32_t first, uint32_t count)
{
   const uint32_t batch = count < MAX_BATCH ? count : MAX_BATCH;
   const size_t size = ((size_t)pool->values + 1) * 8;
   uint64_t *results = malloc(batch * size);
   uint8_t *payload = malloc(HEADER_SIZE + batch * (size + 8));
   bool ok = results && payload;

   if (!ok)
      vp_log(VP_LOG_ERROR, "there is no memory for the results of %u queries", count);
   pthread_mutex_lock(&pool->lock);
   for (uint32_t done = 0; ok && pool->handle && done < count; done += batch) {
      const uint32_t now = count - done < batch ? count - done : batch;
      ok = send_batch(pool, first + done, now, results, payload);
   }
   pthread_mutex_unlock(&pool->lock);
   free(results);
   free(payload);
   return ok;
}

/* Only for queries that no submission has brought: the others come with it. */
void vps_handle_vkGetQueryPoolResults(struct vps_context *ctx, struct vp_cmd_vkGetQueryPoolResults *a)
{
   const struct vps_object *object = vps_use(ctx, VK_OBJECT_TYPE_QUERY_POOL, (uint64_t)(uintptr_t)a->queryPool);
   a->ret = ctx->poison;
   if (!object || ctx->poison)
      return;

   const struct vps_query_pool *pool = object->state;
   const uint64_t value = a->flags & VK_QUERY_RESULT_64_BIT ? 8 : 4, stride = a->stride;
   const uint64_t result = value * (pool->values + 1);
   if (!vps_query_pool_has(ctx, pool, a->firstQuery, a->queryCount) || !vps_query_flags_fit(ctx, a->flags))
      return;
   if (a->dataSize / 8 > (uint64_t)a->queryCount * (pool->values + 1)) {
      vps_fail(ctx, "%u results do not take %zu bytes", a->queryCount, a->dataSize);
   } else if (a->flags & VK_QUERY_RESULT_WAIT_BIT) {
      vps_fail(ctx, "a wait for queries belongs to the client");
   } else if (a->queryCount &&
              (!a->pData || stride > UINT32_MAX || (a->queryCount - 1) * stride + result > a->dataSize)) {
      vps_fail(ctx, "%u results do not fit into %zu bytes", a->queryCount, a->dataSize);
   } else {
      a->ret = ctx->used[0]->device->functions.GetQueryPoolResults(
         a->device, pool->handle, a->firstQuery, a->queryCount, a->dataSize, a->pData, stride, a->flags);
   }
}
