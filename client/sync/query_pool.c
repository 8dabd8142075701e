/* SPDX-License-Identifier: MIT */

/* vkGetQueryPoolResults waits for results that submissions bring, for as long as any may. Those of queries that no
 * submission has touched are asked for. */

#include "client/sync/query_pool.h"

#include <stdlib.h>
#include <string.h>

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/memory/device_memory.h"
#include "client/sync/queue.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "common/wire/query_values.h"

/* How long a wait goes on when nothing is submitted that could end it: drivers wait for ever there, or not at all.
 * Where the batches that change the queries are complete and have left no results, as with queries for several views of
 * which the first one has all, it is hardly worth it. */
#define IDLE_WAIT_NS 1000000000
#define VAIN_WAIT_NS 20000000

/* The driver might have no memory for a pool with more queries. */
#define HUGE_COUNT 65536

/* What comes before a query's values in `state`: how often the host has reset it, whether a batch has changed it since,
 * and whether it has a result and how it ended (vp_query_pack). */
enum { RESETS, CHANGED, AVAILABLE, VALUES };

/* On the wire it is followed by as much from AVAILABLE on. */
#define WIRE_RESETS 1

static uint64_t *query_state(const struct vp_query_pool *pool, uint32_t query)
{
   return pool->state + (size_t)query * (VALUES + pool->values);
}

bool vp_query_pool_receive(struct vp_connection *conn, struct vp_query_pool *pool, const uint8_t *data, size_t size)
{
   if (size < 16)
      return false;
   const uint32_t first = vp_bytes_load_u32(data), count = vp_bytes_load_u32(data + 4);
   const size_t known = VALUES - AVAILABLE + (size_t)pool->values, words = WIRE_RESETS + known;
   if (first > pool->count || count > pool->count - first || vp_bytes_load_u32(data + 8) != pool->values ||
       size != 16 + count * words * 8)
      return false;
   data += 16;
   pthread_mutex_lock(&conn->progress_lock);
   for (uint32_t i = 0; i < count; i++, data += words * 8) {
      uint64_t *state = query_state(pool, first + i);
      if (vp_bytes_load_u64(data) != state[RESETS]) /* the host has reset it since */
         continue;
      state[CHANGED] = true;
      memcpy(state + AVAILABLE, data + 8, known * 8);
   }
   pthread_mutex_unlock(&conn->progress_lock);
   return true;
}

void *vp_make_vkCreateQueryPool(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                const VkQueryPoolCreateInfo *info)
{
   struct vp_query_pool *pool =
      vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_QUERY_POOL, sizeof(*pool));
   if (!pool)
      return NULL;
   pool->count = info->queryCount;
   pool->values = vp_query_values(info);
   pool->flag = vp_query_result_flag(info);
   pool->state = calloc((size_t)pool->count * (VALUES + pool->values) + 1, sizeof(uint64_t));
   if (!pool->state) {
      vp_object_destroy(&device->conn->objects, allocator, pool);
      return NULL;
   }
   return pool;
}

VkResult vp_say_vkCreateQueryPool(struct vp_device *device, void *object, struct vp_cmd_vkCreateQueryPool *a)
{
   const struct vp_query_pool *pool = object;
   return vp_try_vkCreateQueryPool(device, pool->count > HUGE_COUNT, a);
}

void vp_finish_vkDestroyQueryPool(struct vp_device *device, void *object)
{
   struct vp_query_pool *pool = object;
   (void)device;
   free(pool->state);
}

VKAPI_ATTR void VKAPI_CALL vp_vkResetQueryPool(VkDevice handle, VkQueryPool pool_handle, uint32_t firstQuery,
                                               uint32_t queryCount)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_query_pool *pool = VP_FROM_HANDLE(struct vp_query_pool, pool_handle);
   const struct vp_cmd_vkResetQueryPool a = {
      .device = handle, .queryPool = pool_handle, .firstQuery = firstQuery, .queryCount = queryCount};
   struct vp_encoder *enc = vp_stream_begin(device->conn);
   vp_request_vkResetQueryPool(enc, 0, &a);
   /* With the stream locked: both sides count in the same order, and nothing that does not get into the stream. */
   pthread_mutex_lock(&device->conn->progress_lock);
   for (uint32_t i = 0; i < queryCount && firstQuery + i < pool->count && !enc->failed; i++) {
      uint64_t *state = query_state(pool, firstQuery + i);
      state[RESETS]++;
      state[CHANGED] = state[AVAILABLE] = 0;
   }
   pthread_mutex_unlock(&device->conn->progress_lock);
   vp_stream_end(device->conn);
}

static void store_value(uint8_t *out, uint64_t value, bool wide)
{
   const uint32_t narrow = (uint32_t)value;
   if (wide)
      memcpy(out, &value, 8);
   else
      memcpy(out, &narrow, 4);
}

/* One query's results; false when they are not available. */
static bool write_result(const struct vp_query_pool *pool, uint32_t query, VkQueryResultFlags flags, uint8_t *out)
{
   const uint64_t *state = query_state(pool, query);
   const bool wide = flags & VK_QUERY_RESULT_64_BIT, available = vp_query_is_ready(state[AVAILABLE]);
   const size_t size = wide ? 8 : 4;
   if (available || (flags & VK_QUERY_RESULT_PARTIAL_BIT)) {
      for (uint32_t i = 0; i < pool->values; i++)
         store_value(out + i * size, available ? state[VALUES + i] : 0, wide);
   }
   if (flags & VP_QUERY_RESULT_WITH_STATUS)
      store_value(out + pool->values * size, vp_query_status(state[AVAILABLE]), wide);
   else if (flags & VK_QUERY_RESULT_WITH_AVAILABILITY_BIT)
      store_value(out + pool->values * size, available, wide);
   return available;
}

/* The caller holds the progress lock. */
static bool are_available(const struct vp_query_pool *pool, uint32_t first, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      if (!vp_query_is_ready(query_state(pool, first + i)[AVAILABLE]))
         return false;
   }
   return true;
}

static bool is_idle(const struct vp_device *device)
{
   for (uint32_t i = 0; i < device->queue_count; i++) {
      if (!vp_queue_is_complete(device->queues[i], device->queues[i]->submitted))
         return false;
   }
   return true;
}

/* Whether the driver has an answer. Without the progress lock. */
static VkResult ask_driver(struct vp_device *device, VkQueryPool handle, uint32_t first, uint32_t count,
                           uint64_t *answer)
{
   const struct vp_query_pool *pool = VP_FROM_HANDLE(struct vp_query_pool, handle);
   const size_t stride = (pool->values + 1) * sizeof(uint64_t);
   struct vp_cmd_vkGetQueryPoolResults a = {
      .device = VP_TO_HANDLE(VkDevice, device),
      .queryPool = handle,
      .firstQuery = first,
      .queryCount = count,
      .dataSize = count * stride,
      .pData = answer,
      .stride = stride,
      .flags = VK_QUERY_RESULT_64_BIT | pool->flag,
   };
   const VkResult result = vp_call_vkGetQueryPoolResults(device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

/* What the driver says of queries that no submission has brought: it may have
 * an answer for those that were never begun. The caller holds the progress lock. */
static void ask_results(struct vp_device *device, VkQueryPool handle, uint32_t first, uint32_t count)
{
   const struct vp_query_pool *pool = VP_FROM_HANDLE(struct vp_query_pool, handle);
   const size_t words = pool->values + 1;
   uint64_t *answer = calloc(count, words * sizeof(uint64_t));
   if (!answer)
      return;
   pthread_mutex_unlock(&device->conn->progress_lock);
   const VkResult result = ask_driver(device, handle, first, count, answer);
   for (uint32_t i = 0; i < count && result >= 0; i++) {
      uint64_t *of = answer + i * words;
      const bool apart = pool->flag == VP_QUERY_RESULT_WITH_STATUS && result == VK_NOT_READY && of[pool->values];
      const bool ready = !apart || ask_driver(device, handle, first + i, 1, of) == VK_SUCCESS;
      of[pool->values] = vp_query_pack(of[pool->values], ready);
   }
   pthread_mutex_lock(&device->conn->progress_lock);
   for (uint32_t i = 0; i < count && result >= 0; i++) {
      uint64_t *state = query_state(pool, first + i);
      if (!vp_query_is_ready(state[AVAILABLE])) {
         state[AVAILABLE] = answer[i * words + pool->values];
         memcpy(state + VALUES, answer + i * words, pool->values * sizeof(uint64_t));
      }
   }
   free(answer);
}

/* How long queries are waited for from now on if nothing is submitted. */
static struct timespec idle_deadline(const struct vp_query_pool *pool, uint32_t first, uint32_t count)
{
   bool vain = true;
   for (uint32_t i = 0; i < count && vain; i++)
      vain = query_state(pool, first + i)[CHANGED];
   return vp_clock_after(vain ? VAIN_WAIT_NS : IDLE_WAIT_NS);
}

/* Waits for queries as long as something may bring them: what is submitted, or
 * another thread that is about to submit. The caller holds the progress lock. */
static void wait_for_queries(struct vp_device *device, const struct vp_query_pool *pool, uint32_t first, uint32_t count)
{
   struct timespec deadline = idle_deadline(pool, first, count);
   while (!are_available(pool, first, count) && !vp_device_is_lost(device)) {
      if (!is_idle(device)) {
         vp_progress_wait(device->conn, NULL);
         deadline = idle_deadline(pool, first, count);
      } else if (!vp_progress_wait(device->conn, &deadline)) {
         return;
      }
   }
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetQueryPoolResults(VkDevice handle, VkQueryPool queryPool, uint32_t firstQuery,
                                                        uint32_t queryCount, size_t dataSize, void *pData,
                                                        VkDeviceSize stride, VkQueryResultFlags flags)
{
   (void)dataSize;
   struct vp_device *device = vp_device_from_handle(handle);
   const struct vp_query_pool *pool = VP_FROM_HANDLE(struct vp_query_pool, queryPool);
   VkResult result = VK_SUCCESS;
   pthread_mutex_lock(&device->conn->progress_lock);
   if (!are_available(pool, firstQuery, queryCount) && is_idle(device))
      ask_results(device, queryPool, firstQuery, queryCount);
   if (flags & VK_QUERY_RESULT_WAIT_BIT)
      wait_for_queries(device, pool, firstQuery, queryCount);
   for (uint32_t i = 0; i < queryCount; i++) {
      if (!write_result(pool, firstQuery + i, flags, (uint8_t *)pData + i * stride) &&
          !(flags & VK_QUERY_RESULT_PARTIAL_BIT))
         result = VK_NOT_READY;
   }
   pthread_mutex_unlock(&device->conn->progress_lock);
   vp_device_acquire_memory(device);
   return vp_device_is_lost(device) ? VK_ERROR_DEVICE_LOST : result;
}
