/* SPDX-License-Identifier: MIT */

/* Greets the client, then reads frame after frame and has it done: memory by the uploads, recordings by the replay,
 * other commands by the executor. */

#include "server/session/worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/memory/pack_stream.h"
#include "common/net/error_frame.h"
#include "common/net/frame.h"
#include "common/net/hello.h"
#include "common/net/limits.h"
#include "common/net/load.h"
#include "common/net/socket.h"
#include "common/util/heap.h"
#include "common/util/log.h"
#include "common/util/pool.h"
#include "common/util/spin.h"
#include "common/util/text.h"
#include "server/core/bandwidth.h"
#include "server/core/context.h"
#include "server/core/frame_writer.h"
#include "server/core/instance.h"
#include "server/core/quota.h"
#include "server/core/sharing.h"
#include "server/core/tally.h"
#include "server/pipeline/maker.h"
#include "server/process/compiled.h"
#include "server/process/handover.h"
#include "server/process/machine.h"
#include "server/session/executor.h"
#include "server/session/probe.h"
#include "server/session/replay.h"
#include "server/session/resumption.h"
#include "server/session/uploads.h"
#include "server/session/watchdog.h"

/* What a client says next, while it is busy, comes soon. */
#define CLIENT_SPIN_NS INT64_C(50000)

/* A client that says nothing for so long leaves time to put things in order. */
#define QUIET_MS 500

/* How long a client may take to read why its session was ended. */
#define LINGER_MS 2000

struct worker {
   const struct vps_options *options;
   const struct vps_client *who;
   struct vps_frame_writer writer;
   struct vps_watchdog watchdog;
   struct vps_resumption resumption;
   struct vps_uploads uploads;
   struct vps_replay replay;
   struct vp_stream_unpacker unpacker; /* of commands */
   struct vp_hello client, server;     /* what the two have said of themselves */
   uint64_t frames;                    /* of the client's, after the greeting */
   bool grown;                         /* memory was given back that the system does not have yet */
   bool left;                          /* the client has said BYE */
};

/* Says why the session ends, to the listener alone. */
static void tell_end(const struct worker *worker, const char *what, const char *why)
{
   char sentence[VP_ERROR_TEXT_SIZE];

   snprintf(sentence, sizeof(sentence), "%s%.400s", what, why);
   vps_handover_tell_end(worker->options->worker_fd, sentence);
}

/* And to the client. */
static void refuse_greeting(struct worker *worker, const struct vp_error *reason)
{
   struct vp_error error = *reason;

   vp_hello_explain(&worker->client, &worker->server, error.text, sizeof(error.text));
   vps_handover_tell_end(worker->options->worker_fd, error.text);
   vp_log(VP_LOG_DEBUG, "that was at byte %llu of the commands", (unsigned long long)error.offset);
   vps_frame_writer_send_error(&worker->writer, &error);
   vps_frame_writer_linger(&worker->writer, LINGER_MS);
}

static void refuse_text(struct worker *worker, uint64_t offset, const char *text)
{
   struct vp_error error = {.command = VP_ERROR_NO_COMMAND, .offset = offset};

   snprintf(error.text, sizeof(error.text), "%s", text);
   refuse_greeting(worker, &error);
}

/* Why the server does not do what a frame of a reserved type asks for; NULL: it is not of one. */
static const char *refusal_of(uint32_t type)
{
   switch (type) {
   case VP_FRAME_AUTH:
      return "the server does not ask for authentication";
   case VP_FRAME_RESUME:
      return "there is no session here that could be resumed; start a new one";
   default:
      return NULL;
   }
}

static bool asks_for_load(const struct vp_frame *frame)
{
   return frame->header.type == VP_FRAME_LOAD && frame->header.length == 0;
}

/* The greeting. Who comes through no network may ask before how busy the server is; others have done so in the lobby.
 */
static enum vp_frame_status hear_first(struct worker *worker, struct vp_frame *frame)
{
   struct vp_channel *channel = &worker->writer.channel;
   const int64_t deadline_ms = vp_clock_ms() + VP_GREETING_MS;
   enum vp_frame_status status = vp_frame_read_first(channel, frame, deadline_ms);

   if (status == VP_FRAME_OK && asks_for_load(frame) && worker->who->source.size == 0 &&
       vp_load_tell(channel->fd, &worker->who->load))
      status = vp_frame_read_first(channel, frame, deadline_ms);
   return status;
}

/* False when there is no client, which is logged. */
static bool hear_hello(struct worker *worker)
{
   struct vp_frame *frame = &worker->uploads.places[0].frame;
   char error[VP_ERROR_TEXT_SIZE];
   const enum vp_frame_status status = hear_first(worker, frame);

   if (status == VP_FRAME_CLOSED)
      vps_handover_tell(worker->options->worker_fd, VPS_HANDOVER_SILENT);
   if (status != VP_FRAME_OK && status != VP_FRAME_MALFORMED) {
      tell_end(worker, "no greeting from the client: ", vp_frame_status_text(status, VP_CLIENT));
      return false;
   }
   if (status == VP_FRAME_OK && refusal_of(frame->header.type)) {
      refuse_text(worker, 0, refusal_of(frame->header.type));
      return false;
   }
   const bool is_hello = status == VP_FRAME_OK && frame->header.type == VP_FRAME_HELLO;
   if (!vp_hello_load(&worker->client, VP_CLIENT, frame->payload, is_hello ? frame->header.length : 0, error,
                      sizeof(error)) ||
       !vp_hello_compatible(&worker->client, &worker->server, error, sizeof(error))) {
      refuse_text(worker, 0, error);
      return false;
   }
   if (vp_hello_joins(&worker->client)) {
      refuse_text(worker, 0, "the server does not let another connection join a session");
      return false;
   }
   return true;
}

static bool make_hello(const struct worker *worker, struct vp_hello *hello)
{
   char host[128] = "", name[VP_HELLO_NAME_SIZE];

   gethostname(host, sizeof(host) - 1);
   snprintf(name, sizeof(name), "%s, venus-server %s", host, VP_VERSION);
   vp_hello_init(hello, name);
   vp_text_copy(hello->host, sizeof(hello->host), host, sizeof(host));
   vps_machine_identify(hello->machine);
   hello->probe = VPS_PROBE_MOST;
   hello->share = 1;
   memcpy(hello->session, worker->who->session, sizeof(hello->session));
   return getentropy(hello->nonce, sizeof(hello->nonce)) == 0;
}

/* False when there is no client of ours, which is logged. */
static bool greet(struct worker *worker)
{
   uint8_t wire[VP_HELLO_WIRE_MAX];
   char text[VP_ERROR_TEXT_SIZE];

   const bool made = make_hello(worker, &worker->server);
   if (!hear_hello(worker))
      return false;
   if (!made) {
      refuse_text(worker, 0, "the server gets no random numbers from its system");
      return false;
   }
   worker->server.resume =
      vps_resumption_prepare(&worker->resumption, worker->client.resume, worker->options->resume_s);
   const size_t size = vp_hello_store(wire, &worker->server, VP_SERVER);
   if (!vps_frame_writer_send(&worker->writer, VP_FRAME_HELLO, 0, wire, size, NULL, 0))
      return false;
   vps_resumption_begin(&worker->resumption);
   vps_tally_program(worker->client.name);

   snprintf(text, sizeof(text), "serving \"%s\" of %s", worker->client.name, worker->who->user);
   vp_hello_explain(&worker->client, &worker->server, text, sizeof(text));
   vp_log(VP_LOG_INFO, "%s", text);
   return true;
}

static bool handle_commands(struct vps_context *ctx, uint64_t tag, const uint8_t *data, size_t size)
{
   if (!vps_executor_run(ctx, data, size))
      return false;
   vps_executor_tell(ctx, tag);
   return true;
}

static bool handle_packed_commands(struct worker *worker, struct vps_context *ctx, const struct vp_frame *frame)
{
   const uint8_t *data;
   size_t size;

   if (vp_stream_unpack(&worker->unpacker, frame->payload, frame->header.length, &data, &size))
      return handle_commands(ctx, frame->header.tag, data, size);
   vps_fail(ctx, "packed commands cannot be unpacked");
   return false;
}

static bool handle_recorded(struct worker *worker, struct vps_context *ctx, struct vp_frame *frame)
{
   const uint64_t tag = frame->header.tag;

   if (!vps_replay_run(&worker->replay, frame) || (tag && !vps_replay_wait(&worker->replay)))
      return false;
   vps_executor_tell(ctx, tag);
   return true;
}

/* What a client says after a loss may destroy what the GPU is still busy with. */
static bool comes_to_rest(struct vps_context *ctx)
{
   if (atomic_load(&ctx->has_lost) && atomic_exchange(&ctx->has_lost, false) && ctx->instance &&
       !vps_instance_comes_to_rest(ctx->instance))
      vps_fail(ctx, "a device is lost, and the GPU is still busy with it");
   return !ctx->failed;
}

/* False when the session is over; ctx->failed: because of an error. */
static bool handle_frame(struct worker *worker, struct vps_context *ctx, struct vp_frame *frame)
{
   const bool is_memory = frame->header.type == VP_FRAME_MEMORY || frame->header.type == VP_FRAME_PACKED;
   struct vp_error error;

   if (vp_frame_is_skippable(&frame->header))
      return true;
   vps_meter_arrival(&ctx->meter, frame->awaited, frame->awaited_ns);
   if (frame->header.type != VP_FRAME_RECORDED && !vps_replay_wait(&worker->replay))
      return false;
   if (is_memory)
      return vps_uploads_apply(&worker->uploads, ctx);
   if (!vps_uploads_wait(&worker->uploads, ctx) || !comes_to_rest(ctx))
      return false;
   switch (frame->header.type) {
   case VP_FRAME_COMMANDS:
      return handle_commands(ctx, frame->header.tag, frame->payload, frame->header.length);
   case VP_FRAME_RECORDED:
      return handle_recorded(worker, ctx, frame);
   case VP_FRAME_PACKED_COMMANDS:
      return handle_packed_commands(worker, ctx, frame);
   case VP_FRAME_ERROR:
      if (vp_error_load(&error, frame->payload, frame->header.length))
         tell_end(worker, "the client gave up: ", error.text);
      return false;
   case VP_FRAME_PROBE:
      return vps_probe_answer(ctx, frame);
   case VP_FRAME_BYE:
      worker->left = true;
      return false;
   case VP_FRAME_AUTH:
   case VP_FRAME_RESUME:
      vps_fail(ctx, "%s", refusal_of(frame->header.type));
      return false;
   default:
      vps_fail(ctx, "a client does not send frames of type %u", frame->header.type);
      return false;
   }
}

/* And what it has made grow does not stay so large. */
static bool handle_whole(struct worker *worker, struct vps_context *ctx, struct vp_frame *frame)
{
   ctx->grown = ctx->grown || frame->header.length > VPS_KEEP_SIZE;
   const bool ok = handle_frame(worker, ctx, frame);

   if (ctx->grown) {
      vps_context_shrink(ctx);
      worker->grown = true;
   }
   return ok;
}

/* What a command of unusual size has taken goes back to the system in a quiet moment; the C library would keep some of
 * it. */
static void trim(struct worker *worker)
{
   if (!worker->grown || vp_channel_await(&worker->writer.channel, QUIET_MS) != VP_FRAME_TIMEOUT)
      return;
   vp_heap_give_back();
   worker->grown = false;
}

/* Waits for what the client says next. False when it has not said anything for too long. */
static bool await_client(struct worker *worker, struct vps_context *ctx)
{
   const unsigned idle_s = worker->options->idle_timeout_s;

   if (!idle_s)
      return true;
   while (vp_channel_await(&worker->writer.channel, (int)idle_s * 1000) == VP_FRAME_TIMEOUT) {
      if (ctx->instance && vps_instance_is_busy(ctx->instance))
         continue;
      vps_fail(ctx, "the client has said nothing for %u s; see the server's --idle-timeout", idle_s);
      return false;
   }
   return true;
}

/* The next frame; NULL: the session is over. Before it is waited for, all before it is done with, so that a client that
 * says nothing more hears what is wrong. */
static struct vp_frame *read_next(struct worker *worker, struct vps_context *ctx, enum vp_frame_status *status)
{
   const int fd = worker->writer.channel.fd;
   struct vp_frame *frame = vps_uploads_next(&worker->uploads, ctx, fd);

   if (frame)
      vp_spin_for_data(fd, vp_clock_ns() + CLIENT_SPIN_NS);
   if (!frame || !vps_replay_wait_for_data(&worker->replay, fd))
      return NULL;
   trim(worker);
   if (!await_client(worker, ctx))
      return NULL;
   vps_bandwidth_wait(fd);
   *status = vp_frame_read(&worker->writer.channel, frame, -1);
   vps_bandwidth_use(VP_FRAME_HEADER_SIZE + frame->header.length);
   worker->frames += *status == VP_FRAME_OK;
   vps_tally_add(VPS_COUNT_BYTES_IN, VP_FRAME_HEADER_SIZE + (uint64_t)frame->header.length);
   return frame;
}

/* Of a session that the watch has ended. */
static int end_status(const struct worker *worker)
{
   return atomic_load(&worker->writer.end) == VPS_END_ASKED ? 0 : 1;
}

/* Until the session is over. Returns the exit status. */
static int serve(struct worker *worker, struct vps_context *ctx)
{
   enum vp_frame_status status = VP_FRAME_OK;
   struct vp_frame *frame;

   do {
      if (atomic_load(&worker->watchdog.over))
         return end_status(worker);
      frame = read_next(worker, ctx, &status);
   } while (frame && status == VP_FRAME_OK && handle_whole(worker, ctx, frame));
   vps_replay_wait(&worker->replay);
   vps_uploads_wait(&worker->uploads, ctx);

   if (atomic_load(&worker->watchdog.over))
      return end_status(worker);
   if (status == VP_FRAME_CLOSED || worker->left)
      return 0;
   if (ctx->failed) {
      refuse_greeting(worker, &ctx->error);
      return 1;
   }
   if (status == VP_FRAME_MALFORMED || status == VP_FRAME_NO_MEMORY) {
      refuse_text(worker, ctx->stream_offset, vp_frame_status_text(status, VP_CLIENT));
      return 1;
   }
   if (status == VP_FRAME_TIMEOUT) {
      refuse_text(worker, ctx->stream_offset, "the client has stopped in the middle of a message");
      return 1;
   }
   if (status != VP_FRAME_OK)
      tell_end(worker, "", vp_frame_status_text(status, VP_CLIENT));
   return status == VP_FRAME_OK ? 1 : 0;
}

static void log_session(const struct worker *worker)
{
   const uint64_t commands =
      vps_tally_of(VPS_COUNT_RECORDED) + vps_tally_of(VPS_COUNT_ASYNC) + vps_tally_of(VPS_COUNT_SYNC);

   vp_log(
      VP_LOG_DEBUG,
      "the session of \"%s\" with client %s is over: %llu commands in %llu messages, %llu bytes received, %llu sent",
      worker->client.name, worker->who->peer, (unsigned long long)commands, (unsigned long long)worker->frames,
      (unsigned long long)vps_tally_of(VPS_COUNT_BYTES_IN), (unsigned long long)vps_tally_of(VPS_COUNT_BYTES_OUT));
}

static int run_session(struct worker *worker)
{
   struct vps_context ctx;

   if (!greet(worker))
      return atomic_load(&worker->watchdog.over) ? end_status(worker) : 1;
   vps_watchdog_greeted(&worker->watchdog);
   if (!vps_context_init(&ctx, worker->options, &worker->writer, vkGetInstanceProcAddr)) {
      refuse_text(worker, 0, "the server is out of memory");
      return 1;
   }
   ctx.enc.peer = &worker->client.codec;
   vps_replay_start(&worker->replay, &ctx);
   if (worker->who->share_fd >= 0 && !(ctx.sharing = vps_sharing_create(worker->who->share_fd)))
      close(worker->who->share_fd);
   const int status = serve(worker, &ctx);
   vps_watchdog_announce_end(&worker->watchdog);
   vps_replay_stop(&worker->replay);
   log_session(worker);
   vps_context_finish(&ctx);
   if (ctx.abandoned) {
      vp_log(VP_LOG_WARN, "the GPU is still busy with what the client has left; ending without it");
      _exit(status);
   }
   return status;
}

int vps_worker_run(int fd, const struct vps_client *who, const struct vps_options *options)
{
   struct worker worker = {.options = options, .who = who};

   if (!vps_quota_start(options, who))
      return 1;
   vps_tally_start(who->page_fd);
   vp_socket_configure(fd);
   if (options->stall_timeout_s)
      vp_channel_set_room_timeout((int)options->stall_timeout_s * 1000);
   vp_pool_allow(vp_pool_suitable());
   vps_maker_allow(vps_maker_suitable());
   vp_spin_allow(vp_spin_is_suitable());
   if (!vps_frame_writer_init(&worker.writer, fd, options->compression)) {
      vp_log(VP_LOG_ERROR, "cannot start: out of memory");
      return 1;
   }
   worker.resumption =
      (struct vps_resumption){.channel = &worker.writer.channel, .client = who, .worker_fd = options->worker_fd};
   if (!vps_watchdog_start(&worker.watchdog, &worker.writer, &worker.resumption, VP_GREETING_MS)) {
      vps_frame_writer_finish(&worker.writer);
      return 1;
   }
   vps_uploads_start(&worker.uploads);
   const int status = run_session(&worker);
   vps_uploads_stop(&worker.uploads);
   vp_stream_unpacker_finish(&worker.unpacker);
   vps_watchdog_announce_end(&worker.watchdog);
   vps_watchdog_stop(&worker.watchdog);
   vps_frame_writer_finish(&worker.writer);
   close(fd);
   if (vps_compiled_much())
      vps_handover_tell(options->worker_fd, VPS_HANDOVER_COMPILED);
   return status;
}
