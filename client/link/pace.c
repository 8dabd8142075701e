/* SPDX-License-Identifier: MIT */

/* Adds up what commands will cost the server, puts the sum as a tag on a frame after each step of work, and makes
 * whoever speaks wait while the work that is queued there is too much for the length of a round trip. */

#include "client/link/pace.h"

#include "client/link/connection.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "vp_commands.h"

#define MS INT64_C(1000000)

/* So much work may be queued at the server, and what it can do during a round trip besides. */
#define QUEUED_NS ((uint64_t)(80 * MS))
#define MAX_ROUND_TRIP_NS (400 * MS)

/* Work between two tags, and until what was said is sent. */
#define STEP_NS ((uint64_t)(20 * MS))

/* Without news for so long, nobody waits. */
#define PATIENCE_NS (1000 * MS)

#define MAX_COST_NS 1000000000u

/* Until the server has told: rather too much than too little, where it may be much. */
static uint32_t guess_cost(uint32_t command)
{
   switch (command) {
   case VP_COST_RECORDED:
      return 4 * VP_COST_RECORDED_BYTES;
   case VP_CMD_vkCreateGraphicsPipelines:
   case VP_CMD_vkCreateComputePipelines:
   case VP_CMD_vkCreateRayTracingPipelinesKHR:
      return 10000000;
   case VP_CMD_vkAllocateMemory:
   case VP_CMD_vkMapMemoryVP:
   case VP_CMD_vkWaitBatchVP:
      return 1000000;
   default:
      return 50000;
   }
}

bool vp_pace_add(struct vp_pace *pace, uint32_t command, size_t size)
{
   const uint32_t known = atomic_load_explicit(&pace->costs[vp_cost_kind(command)], memory_order_relaxed);
   const uint64_t cost = known ? known : guess_cost(command);
   const uint64_t said = atomic_load_explicit(&pace->said, memory_order_relaxed) +
                         (command == VP_COST_RECORDED ? 1 + cost * size / VP_COST_RECORDED_BYTES : cost);
   atomic_store_explicit(&pace->said, said, memory_order_relaxed);
   return said - pace->tagged >= STEP_NS;
}

/* The first frame has a tag too: from then on the server measures. */
uint64_t vp_pace_tag(struct vp_connection *conn)
{
   struct vp_pace *pace = &conn->pace;
   const uint64_t said = atomic_load_explicit(&pace->said, memory_order_relaxed);
   if (pace->tagged && said - pace->tagged < STEP_NS)
      return 0;
   pthread_mutex_lock(&conn->progress_lock);
   if (!pace->probe && said - pace->executed < 2 * STEP_NS) {
      pace->probe = said;
      pace->probe_ns = vp_clock_ns();
   }
   pthread_mutex_unlock(&conn->progress_lock);
   pace->tagged = said;
   return said;
}

static bool is_ahead(struct vp_pace *pace, uint64_t said)
{
   const int64_t round_trip_ns = atomic_load_explicit(&pace->round_trip_ns, memory_order_relaxed);
   const uint64_t executed = atomic_load_explicit(&pace->executed, memory_order_relaxed);
   return said > executed && said - executed > QUEUED_NS + (uint64_t)round_trip_ns;
}

static void wait_for_server(struct vp_connection *conn, uint64_t said)
{
   struct vp_pace *pace = &conn->pace;
   bool more = true;
   pthread_mutex_lock(&conn->progress_lock);
   while (more && is_ahead(pace, said) && !vp_connection_lost(conn)) {
      const uint64_t executed = pace->executed;
      const struct timespec deadline = vp_clock_deadline(vp_clock_ns() + PATIENCE_NS);
      int error = 0;
      while (!error && pace->executed == executed && !vp_connection_lost(conn))
         error = pthread_cond_timedwait(&conn->progress_cond, &conn->progress_lock, &deadline);
      more = pace->executed != executed;
   }
   pthread_mutex_unlock(&conn->progress_lock);
}

void vp_pace_wait(struct vp_connection *conn)
{
   const uint64_t said = atomic_load_explicit(&conn->pace.said, memory_order_relaxed);
   if (!is_ahead(&conn->pace, said))
      return;
   vp_stream_flush(conn);
   vp_stats_add(&conn->stats.paces, 1);
   wait_for_server(conn, said);
}

/* With the progress lock. */
static void end_probe(struct vp_pace *pace)
{
   int64_t ns = vp_clock_ns() - pace->probe_ns;
   if (ns > MAX_ROUND_TRIP_NS)
      ns = MAX_ROUND_TRIP_NS;
   if (!pace->round_trip_ns || ns < pace->round_trip_ns)
      pace->round_trip_ns = ns;
   pace->probe = 0;
}

void vp_pace_executed(struct vp_connection *conn, uint64_t tag)
{
   struct vp_pace *pace = &conn->pace;
   pthread_mutex_lock(&conn->progress_lock);
   if (pace->probe && tag >= pace->probe)
      end_probe(pace);
   if (tag > pace->executed) {
      pace->executed = tag;
      pthread_cond_broadcast(&conn->progress_cond);
   }
   pthread_mutex_unlock(&conn->progress_lock);
}

bool vp_pace_receive(struct vp_connection *conn, uint64_t tag, const uint8_t *costs, size_t size)
{
   struct vp_pace *pace = &conn->pace;
   if (size % VP_COST_PAIR_SIZE || tag > atomic_load(&pace->said))
      return false;
   for (size_t i = 0; i < size; i += VP_COST_PAIR_SIZE) {
      const uint32_t command = vp_bytes_load_u32(costs + i), cost = vp_bytes_load_u32(costs + i + 4);
      atomic_store_explicit(&pace->costs[vp_cost_kind(command)], cost > MAX_COST_NS ? MAX_COST_NS : cost + !cost,
                            memory_order_relaxed);
   }
   if (tag)
      vp_pace_executed(conn, tag);
   return true;
}
