/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "client/sync/query_pool.h"
#include "client/sync/queue.h"
#include "client/vp_entry.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "tests/unit/command_peer.h"

/* How long a wait for queries goes on. */

PEER_CODEC(vkCreateQueryPool)
PEER_CODEC(vkDestroyQueryPool)
PEER_CODEC(vkResetQueryPool)
PEER_CODEC(vkGetQueryPoolResults)

static const struct peer_command commands[] = {
   PEER_COMMAND(vkCreateQueryPool),
   PEER_COMMAND(vkDestroyQueryPool),
   PEER_COMMAND(vkResetQueryPool),
   PEER_COMMAND(vkGetQueryPoolResults),
};

#define QUERIES 4u
#define QUERY_SIZE 24u

static struct peer peer;

/* The driver has no results. */
static void respond(uint32_t number, void *args)
{
   if (number == VP_CMD_vkGetQueryPoolResults)
      ((struct vp_cmd_vkGetQueryPoolResults *)args)->ret = VK_NOT_READY;
}

/* A batch has changed all queries, of which so many have results. */
static void report(uint64_t pool, unsigned results)
{
   uint8_t payload[16 + QUERIES * QUERY_SIZE] = {0};
   vp_bytes_store_u32(payload + 4, QUERIES);
   vp_bytes_store_u32(payload + 8, 1);
   for (unsigned i = 0; i < results; i++) {
      vp_bytes_store_u64(payload + 16 + (size_t)i * QUERY_SIZE + 8, 1);
      vp_bytes_store_u64(payload + 16 + (size_t)i * QUERY_SIZE + 16, 70 + i);
   }
   assert(vp_frame_write(&VP_CHANNEL(peer.fd), VP_FRAME_QUERIES, pool, payload, sizeof(payload), NULL, 0));
}

static VkQueryPool create(void)
{
   const VkQueryPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_OCCLUSION, .queryCount = QUERIES};
   VkQueryPool pool;
   CHECK(vp_vkCreateQueryPool(peer_device(&peer), &info, NULL, &pool) == VK_SUCCESS);
   return pool;
}

static VkResult wait(VkQueryPool pool, uint64_t results[QUERIES], int64_t *duration_ms)
{
   const int64_t start = vp_clock_ms();
   const VkResult result =
      vp_vkGetQueryPoolResults(peer_device(&peer), pool, 0, QUERIES, QUERIES * sizeof(uint64_t), results,
                               sizeof(uint64_t), VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
   *duration_ms = vp_clock_ms() - start;
   return result;
}

/* What the batches have left without a result does not get one. */
static void test_in_vain(VkQueryPool pool)
{
   uint64_t results[QUERIES] = {0};
   int64_t duration;
   report(id_of(pool), 1);
   for (unsigned i = 0; i < 3; i++) {
      CHECK(wait(pool, results, &duration) == VK_NOT_READY);
      CHECK(results[0] == 70 && duration < 800);
   }
}

static void *report_later(void *data)
{
   usleep(300000);
   report(*(const uint64_t *)data, QUERIES);
   return NULL;
}

/* What no batch has changed may be what another thread is about to submit; also after a reset. */
static void test_later(VkQueryPool pool)
{
   uint64_t id = id_of(pool), results[QUERIES] = {0};
   int64_t duration;
   pthread_t thread;
   CHECK(pthread_create(&thread, NULL, report_later, &id) == 0);
   CHECK(wait(pool, results, &duration) == VK_SUCCESS);
   CHECK(results[QUERIES - 1] == 70 + QUERIES - 1);
   pthread_join(thread, NULL);
   vp_vkResetQueryPool(peer_device(&peer), pool, 0, QUERIES);
   CHECK(wait(pool, results, &duration) == VK_NOT_READY && duration > 800);
}

int main(void)
{
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), respond);
   VkQueryPool pool = create();
   test_later(pool);
   vp_vkDestroyQueryPool(peer_device(&peer), pool, NULL);
   pool = create();
   test_in_vain(pool);
   vp_vkDestroyQueryPool(peer_device(&peer), pool, NULL);
   peer_stop(&peer);
   return check_finish();
}
