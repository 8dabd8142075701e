/* SPDX-License-Identifier: MIT */

/* Keeps the smaller of the last two times of each kind of command, and tells the client those that have changed by a
 * quarter: with the next tag, or at once if much costs more. */

#include "server/core/meter.h"

#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "server/core/frame_writer.h"

/* A difference to what the client believes that it should know of before the next tag. */
#define URGENT_NS 50000u

/* So many bytes of recorded commands are measured together. */
#define MIN_RECORDED ((size_t)4096)

/* Fewer bytes say nothing of the network. */
#define MIN_ARRIVED ((size_t)8192)

/* In one frame. */
#define MAX_PAIRS 64u

/* Once is no rule: of two the smaller one counts. From then on it is believed at once that something costs more, and by
 * and by that it costs less. */
static void note_measure(struct vps_meter *meter, uint32_t command, int64_t ns)
{
   struct vps_cost *cost = &meter->costs[vp_cost_kind(command)];
   const uint32_t now = ns < 1 ? 1 : ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
   const uint32_t least = cost->last && cost->last < now ? cost->last : now;

   cost->last = now;
   cost->ns = least >= cost->ns ? least : cost->ns - (cost->ns - least + 1) / 2;
   const uint32_t low = cost->told - cost->told / 4, high = cost->told + cost->told / 4;
   if (cost->ns >= low && cost->ns <= high)
      return;
   meter->urgent = meter->urgent || cost->ns / 2 > cost->told + URGENT_NS / 2;
   if (!cost->changed)
      meter->changed[meter->changed_count++] = command;
   cost->changed = true;
}

void vps_meter_start(struct vps_meter *meter)
{
   if (meter->runs)
      meter->start_ns = vp_clock_ns();
   meter->recorded = 0;
}

void vps_meter_begin(struct vps_meter *meter)
{
   if (!meter->runs || meter->recorded == 0)
      return;
   const int64_t now_ns = vp_clock_ns();
   vps_meter_add_recorded(meter, meter->recorded, now_ns - meter->start_ns);
   meter->start_ns = now_ns;
   meter->recorded = 0;
}

void vps_meter_add_recorded(struct vps_meter *meter, size_t size, int64_t ns)
{
   if (!meter->runs)
      return;
   meter->sum_bytes += size;
   meter->sum_ns += ns;
   if (meter->sum_bytes < MIN_RECORDED)
      return;
   note_measure(meter, VP_COST_RECORDED,
                (int64_t)((double)meter->sum_ns * VP_COST_RECORDED_BYTES / (double)meter->sum_bytes));
   meter->sum_bytes = 0;
   meter->sum_ns = 0;
}

void vps_meter_end(struct vps_meter *meter, uint32_t command)
{
   if (!meter->runs)
      return;
   const int64_t now_ns = vp_clock_ns();
   note_measure(meter, command, now_ns - meter->start_ns);
   meter->start_ns = now_ns;
}

void vps_meter_arrival(struct vps_meter *meter, size_t size, uint64_t ns)
{
   if (meter->runs && size >= MIN_ARRIVED)
      note_measure(meter, VP_COST_ARRIVAL, (int64_t)((double)ns * 1024 / (double)size));
}

static size_t take_changes(struct vps_meter *meter, uint8_t payload[MAX_PAIRS * VP_COST_PAIR_SIZE])
{
   uint32_t count = 0;

   while (meter->changed_count > 0 && count < MAX_PAIRS) {
      const uint32_t command = meter->changed[--meter->changed_count];
      struct vps_cost *cost = &meter->costs[vp_cost_kind(command)];
      cost->told = cost->ns;
      cost->changed = false;
      vp_bytes_store_u32(payload + (size_t)count * VP_COST_PAIR_SIZE, command);
      vp_bytes_store_u32(payload + (size_t)count * VP_COST_PAIR_SIZE + 4, cost->ns);
      count++;
   }
   return (size_t)count * VP_COST_PAIR_SIZE;
}

void vps_meter_tell(struct vps_meter *meter, struct vps_frame_writer *writer, uint64_t tag)
{
   uint8_t payload[MAX_PAIRS * VP_COST_PAIR_SIZE];

   meter->runs = meter->runs || tag;
   if (!tag && !meter->urgent)
      return;
   const size_t size = take_changes(meter, payload);
   meter->urgent = false;
   vps_frame_writer_send(writer, VP_FRAME_EXECUTED, tag, payload, size, NULL, 0);
}
