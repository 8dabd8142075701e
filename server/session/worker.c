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
#include "common/net/socket.h"
#include "common/util/log.h"
#include "common/util/pool.h"
#include "common/util/spin.h"
#include "server/core/context.h"
#include "server/core/frame_writer.h"
#include "server/pipeline/maker.h"
#include "server/process/compiled.h"
#include "server/process/handover.h"
#include "server/session/executor.h"
#include "server/session/replay.h"
#include "server/session/uploads.h"
#include "server/session/watchdog.h"

/* What a client says next, while it is busy, comes soon. */
#define CLIENT_SPIN_NS INT64_C(50000)

/* How long a client may take to read why its session was ended. */
#define LINGER_MS 2000

struct worker {
   const struct vps_options *options;
   struct vps_frame_writer writer;
   struct vps_watchdog watchdog;
   struct vps_uploads uploads;
   struct vps_replay replay;
   struct vp_stream_unpacker unpacker; /* of commands */
   struct vp_hello client, server;     /* what the two have said of themselves */
};

/* Says why the session ends, to the log and to the client. */
static void refuse_greeting(struct worker *worker, const struct vp_error *reason)
{
   struct vp_error error = *reason;

   vp_hello_explain(&worker->client, &worker->server, error.text, sizeof(error.text));
   vp_log(VP_LOG_ERROR, "%s (at byte %llu of the commands)", error.text, (unsigned long long)error.offset);
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
      return "the server does not keep sessions that could be resumed; start a new one";
   default:
      return NULL;
   }
}

/* False when there is no client, which is logged. */
static bool hear_hello(struct worker *worker)
{
   struct vp_frame *frame = &worker->uploads.places[0].frame;
   char error[VP_ERROR_TEXT_SIZE];
   const enum vp_frame_status status = vp_frame_read_first(worker->writer.fd, frame, vp_clock_ms() + VP_GREETING_MS);

   if (status != VP_FRAME_OK && status != VP_FRAME_MALFORMED) {
      vp_log(VP_LOG_WARN, "no greeting from the client: %s", vp_frame_status_text(status, VP_CLIENT));
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

static bool make_hello(struct vp_hello *hello)
{
   char host[128] = "", name[VP_HELLO_NAME_SIZE];

   gethostname(host, sizeof(host) - 1);
   snprintf(name, sizeof(name), "%s, venus-server %s", host, VP_VERSION);
   vp_hello_init(hello, name);
   return getentropy(hello->nonce, sizeof(hello->nonce)) == 0 &&
          getentropy(hello->session, sizeof(hello->session)) == 0;
}

/* False when there is no client of ours, which is logged. */
static bool greet(struct worker *worker)
{
   uint8_t wire[VP_HELLO_WIRE_MAX];
   char text[VP_ERROR_TEXT_SIZE];

   const bool made = make_hello(&worker->server);
   if (!hear_hello(worker))
      return false;
   if (!made) {
      refuse_text(worker, 0, "the server gets no random numbers from its system");
      return false;
   }
   const size_t size = vp_hello_store(wire, &worker->server, VP_SERVER);
   if (!vps_frame_writer_send(&worker->writer, VP_FRAME_HELLO, 0, wire, size, NULL, 0))
      return false;

   snprintf(text, sizeof(text), "serving \"%s\"", worker->client.name);
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
   if (!vps_uploads_wait(&worker->uploads, ctx))
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
         vp_log(VP_LOG_WARN, "the client gave up: %s", error.text);
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

/* The next frame; NULL: the session is over. Before it is waited for, all before it is done with, so that a client that
 * says nothing more hears what is wrong. */
static struct vp_frame *read_next(struct worker *worker, struct vps_context *ctx, enum vp_frame_status *status)
{
   const int fd = worker->writer.fd;
   struct vp_frame *frame = vps_uploads_next(&worker->uploads, ctx, fd);

   if (frame)
      vp_spin_for_data(fd, vp_clock_ns() + CLIENT_SPIN_NS);
   if (!frame || !vps_replay_wait_for_data(&worker->replay, fd))
      return NULL;
   *status = vp_frame_read(fd, frame, -1);
   return frame;
}

/* Until the session is over. Returns the exit status. */
static int serve(struct worker *worker, struct vps_context *ctx)
{
   enum vp_frame_status status = VP_FRAME_OK;
   struct vp_frame *frame;

   do {
      if (atomic_load(&worker->watchdog.terminated))
         return 0;
      frame = read_next(worker, ctx, &status);
   } while (frame && status == VP_FRAME_OK && handle_frame(worker, ctx, frame));
   vps_replay_wait(&worker->replay);
   vps_uploads_wait(&worker->uploads, ctx);

   if (atomic_load(&worker->watchdog.terminated) || status == VP_FRAME_CLOSED)
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
      vp_log(VP_LOG_WARN, "%s", vp_frame_status_text(status, VP_CLIENT));
   return status == VP_FRAME_OK ? 1 : 0;
}

static int run_session(struct worker *worker)
{
   struct vps_context ctx;

   if (!greet(worker))
      return atomic_load(&worker->watchdog.terminated) ? 0 : 1;
   vps_watchdog_greeted(&worker->watchdog);
   if (!vps_context_init(&ctx, worker->options, &worker->writer, vkGetInstanceProcAddr)) {
      refuse_text(worker, 0, "the server is out of memory");
      return 1;
   }
   ctx.enc.peer = &worker->client.codec;
   vps_replay_start(&worker->replay, &ctx);
   const int status = serve(worker, &ctx);
   vps_watchdog_announce_end(&worker->watchdog);
   vps_replay_stop(&worker->replay);
   vps_context_finish(&ctx);
   if (ctx.abandoned) {
      vp_log(VP_LOG_WARN, "the GPU is still busy with what the client has left; ending without it");
      _exit(status);
   }
   return status;
}

int vps_worker_run(int fd, const struct vps_options *options)
{
   struct worker worker = {.options = options};

   vp_socket_configure(fd);
   vp_pool_allow(vp_pool_suitable());
   vps_maker_allow(vps_maker_suitable());
   vp_spin_allow(vp_spin_is_suitable());
   if (!vps_frame_writer_init(&worker.writer, fd, options->compression)) {
      vp_log(VP_LOG_ERROR, "cannot start: out of memory");
      return 1;
   }
   if (!vps_watchdog_start(&worker.watchdog, &worker.writer, VP_GREETING_MS)) {
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
