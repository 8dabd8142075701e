/* SPDX-License-Identifier: MIT */

/* Recorded commands of a payload go to the driver one after another without an answer; each other command is decoded,
 * checked, handled and answered. How long they take is measured. */

#include "server/session/executor.h"

#include "common/util/bytes.h"
#include "server/core/context.h"
#include "server/core/host_memory.h"
#include "server/core/reserve.h"
#include "server/core/tally.h"
#include "server/pipeline/maker.h"
#include "server/record/command_buffer.h"
#include "server/wsi/swapchain.h"

#define FLAG_REPLY 1u

/* Number and flags. */
#define COMMAND_HEAD_SIZE 8

/* Whether a command, whose data is at p, is recorded into the one command buffer and concerns no other. Its first
 * object comes first. */
static bool is_apart(const struct vps_context *ctx, const struct vps_dispatch *entry, const uint8_t *p)
{
   return entry->apart && (ctx->dec.end - p < 8 || vp_bytes_load_u64(p) == ctx->recorded_into);
}

/* Recorded commands from p on, up to any other one or to one that wants an answer. Returns where they end. */
static const uint8_t *record_stretch(struct vps_context *ctx, const uint8_t *p)
{
   const bool apart = ctx->apart;
   struct vps_object *target = ctx->target;
   const uint8_t *begin = p;

   ctx->reply = false;
   while (!ctx->failed && ctx->dec.end - p >= COMMAND_HEAD_SIZE) {
      const uint8_t *start = p, *data = p;
      const uint32_t number = vp_get_u32(&data), flags = vp_get_u32(&data);
      const struct vps_dispatch *entry = vps_dispatch_find(number);
      if (!entry || !entry->record || flags || (apart && !is_apart(ctx, entry, data)))
         break;
      ctx->command = number;
      p = entry->record(ctx, data);
      vp_arena_reset(&ctx->arena);
      ctx->executed.recorded++;
      if (ctx->target != target) {
         vps_command_buffer_note_recorded(target, (size_t)(start - begin));
         target = ctx->target;
         begin = start;
      }
   }
   vps_command_buffer_note_recorded(target, (size_t)(p - begin));
   return p;
}

/* What is measured with recorded commands. */
static void run_measured_by_size(struct vps_context *ctx, const struct vps_dispatch *entry)
{
   const uint8_t *start = ctx->dec.cur - COMMAND_HEAD_SIZE;

   entry->run(ctx);
   vps_meter_record(&ctx->meter, (size_t)(ctx->dec.cur - start));
}

/* A single recorded command that wants an answer. */
static void record_answered(struct vps_context *ctx, const struct vps_dispatch *entry)
{
   const uint8_t *start = ctx->dec.cur;

   ctx->dec.cur = entry->record(ctx, start);
   const size_t size = COMMAND_HEAD_SIZE + (size_t)(ctx->dec.cur - start);
   vps_meter_record(&ctx->meter, size);
   vps_command_buffer_note_recorded(ctx->target, size);
   if (ctx->failed)
      return;
   vp_enc_u32(&ctx->enc, ctx->command);
   vps_send_reply(ctx);
}

static void run_measured_alone(struct vps_context *ctx, const struct vps_dispatch *entry)
{
   vps_meter_begin(&ctx->meter);
   entry->run(ctx);
   vps_meter_end(&ctx->meter, ctx->command);
   if (ctx->meter.urgent)
      vps_meter_tell(&ctx->meter, ctx->writer, 0);
}

/* Says why a command cannot be among those of one command buffer. */
static void refuse_apart(struct vps_context *ctx, const struct vps_dispatch *entry)
{
   if (!entry->apart || ctx->reply)
      vps_fail(ctx, "it cannot be among commands that are recorded into one command buffer");
   else
      vps_fail(ctx, "it is among commands that are recorded into another command buffer");
}

static void run_command(struct vps_context *ctx)
{
   ctx->command = vp_dec_u32(&ctx->dec);
   const uint32_t flags = vp_dec_u32(&ctx->dec);
   const struct vps_dispatch *entry = vps_dispatch_find(ctx->command);

   ctx->reply = flags & FLAG_REPLY;
   if (ctx->reply)
      ctx->executed.sync++;
   else
      ctx->executed.async++;
   ctx->poison = VK_SUCCESS;
   ctx->refused = false;
   ctx->used_count = 0;
   if (ctx->reply)
      vp_encoder_reset(&ctx->enc);

   if (ctx->dec.error)
      vps_fail(ctx, "%s", ctx->dec.error);
   else if (!entry)
      vps_fail(ctx, "the server does not know the command %u; use the same release of Venus Plus on both machines",
               ctx->command);
   else if (entry->refusal)
      vps_fail(ctx, "this command %s", entry->refusal);
   else if (flags & ~FLAG_REPLY)
      vps_fail(ctx, "unknown flags %#x", flags);
   else if (ctx->apart && (ctx->reply || !is_apart(ctx, entry, ctx->dec.cur)))
      refuse_apart(ctx, entry);
   else if (entry->record)
      record_answered(ctx, entry);
   else if (entry->measured_by_size)
      run_measured_by_size(ctx, entry);
   else
      run_measured_alone(ctx, entry);
   if (ctx->strained)
      vps_reserve_settle(ctx);
   vp_arena_reset(&ctx->arena);
}

/* Not for each of them, since others look at the tally. */
static void tally_commands(struct vps_context *ctx)
{
   vps_tally_add(VPS_COUNT_RECORDED, ctx->executed.recorded);
   vps_tally_add(VPS_COUNT_ASYNC, ctx->executed.async);
   vps_tally_add(VPS_COUNT_SYNC, ctx->executed.sync);
   ctx->executed = (struct vps_executed){0};
}

bool vps_executor_run(struct vps_context *ctx, const uint8_t *data, size_t size)
{
   vps_context_decode(ctx, data, size);
   ctx->dec.present_layout = VPS_PRESENT_LAYOUT;
   vps_meter_start(&ctx->meter);

   while (!ctx->failed && vp_dec_remaining(&ctx->dec) > 0) {
      const uint8_t *start = ctx->dec.cur;
      ctx->dec.cur = record_stretch(ctx, start);
      vps_meter_record(&ctx->meter, (size_t)(ctx->dec.cur - start));
      if (!ctx->failed && vp_dec_remaining(&ctx->dec) > 0)
         run_command(ctx);
   }
   tally_commands(ctx);
   vps_host_memory_note(size);
   vps_meter_begin(&ctx->meter);
   vps_maker_reap(ctx);
   if (ctx->strained)
      vps_reserve_settle(ctx);
   ctx->stream_offset += size;
   ctx->dec.start = ctx->dec.cur;
   ctx->command = VP_ERROR_NO_COMMAND;
   return !ctx->failed;
}

uint64_t vps_executor_recorded_into(const uint8_t *data, size_t size)
{
   return size >= COMMAND_HEAD_SIZE + 8 ? vp_bytes_load_u64(data + COMMAND_HEAD_SIZE) : 0;
}

bool vps_executor_run_apart(struct vps_context *ctx, const uint8_t *data, size_t size)
{
   ctx->apart = true;
   ctx->recorded_into = vps_executor_recorded_into(data, size);
   const bool ok = vps_executor_run(ctx, data, size);
   ctx->apart = false;
   return ok;
}

void vps_executor_tell(struct vps_context *ctx, uint64_t tag)
{
   if (tag && !ctx->failed)
      vps_meter_tell(&ctx->meter, ctx->writer, tag);
}
