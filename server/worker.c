/* SPDX-License-Identifier: MIT */
#include "server/worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/memory/pack_stream.h"
#include "common/net/error_frame.h"
#include "common/net/frame.h"
#include "common/net/hello.h"
#include "common/net/socket.h"
#include "common/util/log.h"
#include "common/util/pool.h"
#include "common/util/spin.h"
#include "server/channel.h"
#include "server/compiled.h"
#include "server/context.h"
#include "server/handover.h"
#include "server/maker.h"
#include "server/replay.h"
#include "server/uploads.h"
#include "server/watch.h"

#define GREETING_MS 10000

/* What a client says next, while it is busy, comes soon. */
#define CLIENT_SPIN_NS INT64_C(50000)

/* How long a client may take to read why its session was ended. */
#define LINGER_MS 2000

/* What the codec speaks. */
#define WIRE_FORMAT_VERSION 1
#define SERIALIZATION_SPEC 1
#define VENUS_SPEC 3

struct worker {
   const struct vp_server_options *options;
   struct vps_channel channel;
   struct vps_watch watch;
   struct vps_uploads uploads;
   struct vps_replay replay;
   struct vp_stream_unpacker unpacker; /* of commands */
};

static void make_hello(struct vp_hello *hello)
{
   static const uint32_t mask[VP_HELLO_EXTENSION_WORDS] = VP_EXTENSION_MASK;
   char host[128] = "";

   *hello = (struct vp_hello){
      .protocol_version = VP_PROTOCOL_VERSION,
      .wire_format_version = WIRE_FORMAT_VERSION,
      .vk_xml_version = VP_REGISTRY_VERSION,
      .serialization_spec = SERIALIZATION_SPEC,
      .venus_spec = VENUS_SPEC,
      .codec_hash = VP_CODEC_HASH,
   };
   memcpy(hello->extension_mask, mask, sizeof(mask));
   gethostname(host, sizeof(host) - 1);
   snprintf(hello->name, sizeof(hello->name), "%s, venus-server %s", host, VP_VERSION);
}

/* Says why the session ends, to the log and to the client. */
static void refuse(struct worker *worker, const struct vp_error *error)
{
   vp_log(VP_LOG_ERROR, "%s (at byte %llu of the commands)", error->text, (unsigned long long)error->offset);
   vps_channel_send_error(&worker->channel, error);
   vps_channel_linger(&worker->channel, LINGER_MS);
}

static void refuse_text(struct worker *worker, uint64_t offset, const char *text)
{
   struct vp_error error = {.command = VP_ERROR_NO_COMMAND, .offset = offset};

   snprintf(error.text, sizeof(error.text), "%s", text);
   refuse(worker, &error);
}

/* False when there is no client of ours, which is logged. */
static bool greet(struct worker *worker, struct vp_wire_peer *peer)
{
   struct vp_hello own, client;
   uint8_t wire[VP_HELLO_WIRE_SIZE];
   char error[256];

   struct vp_frame *frame = &worker->uploads.places[0].frame;
   const enum vp_frame_status status = vp_frame_read(worker->channel.fd, frame, GREETING_MS);
   if (status != VP_FRAME_OK && status != VP_FRAME_MALFORMED) {
      vp_log(VP_LOG_WARN, "no greeting from the client: %s", vp_frame_status_text(status));
      return false;
   }
   make_hello(&own);
   if (status == VP_FRAME_MALFORMED || frame->header.type != VP_FRAME_HELLO) {
      refuse_text(worker, 0, "the other side does not speak the protocol of Venus Plus; is the port right?");
      return false;
   }
   if (!vp_hello_load(&client, frame->payload, frame->header.length, error, sizeof(error)) ||
       !vp_hello_compatible(&own, &client, error, sizeof(error))) {
      refuse_text(worker, 0, error);
      return false;
   }
   vp_hello_store(wire, &own);
   if (!vps_channel_send(&worker->channel, VP_FRAME_HELLO, 0, wire, sizeof(wire), NULL, 0))
      return false;

   peer->vk_xml_version = client.vk_xml_version;
   memcpy(peer->extension_mask, client.extension_mask, sizeof(peer->extension_mask));
   vp_log(VP_LOG_INFO, "serving \"%s\"", client.name);
   return true;
}

static bool handle_commands(struct vp_context *ctx, uint64_t tag, const uint8_t *data, size_t size)
{
   if (!vp_executor_run(ctx, data, size))
      return false;
   vp_executor_tell(ctx, tag);
   return true;
}

static bool handle_packed_commands(struct worker *worker, struct vp_context *ctx, const struct vp_frame *frame)
{
   const uint8_t *data;
   size_t size;

   if (vp_stream_unpack(&worker->unpacker, frame->payload, frame->header.length, &data, &size))
      return handle_commands(ctx, frame->header.tag, data, size);
   vps_fail(ctx, "packed commands cannot be unpacked");
   return false;
}

static bool handle_recorded(struct worker *worker, struct vp_context *ctx, struct vp_frame *frame)
{
   const uint64_t tag = frame->header.tag;

   if (!vps_replay_run(&worker->replay, frame) || (tag && !vps_replay_wait(&worker->replay)))
      return false;
   vp_executor_tell(ctx, tag);
   return true;
}

/* False when the session is over; ctx->failed: because of an error. */
static bool handle_frame(struct worker *worker, struct vp_context *ctx, struct vp_frame *frame)
{
   const bool is_memory = frame->header.type == VP_FRAME_MEMORY || frame->header.type == VP_FRAME_PACKED;
   struct vp_error error;

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
   default:
      vps_fail(ctx, "a client does not send frames of type %u", frame->header.type);
      return false;
   }
}

/* The next frame; NULL: the session is over. Before it is waited for, all before it is done with, so that a client that
 * says nothing more hears what is wrong. */
static struct vp_frame *read_next(struct worker *worker, struct vp_context *ctx, enum vp_frame_status *status)
{
   const int fd = worker->channel.fd;
   struct vp_frame *frame = vps_uploads_next(&worker->uploads, ctx, fd);

   if (frame)
      vp_spin_for_data(fd, vp_clock_ns() + CLIENT_SPIN_NS);
   if (!frame || !vps_replay_wait_for_data(&worker->replay, fd))
      return NULL;
   *status = vp_frame_read(fd, frame, -1);
   return frame;
}

/* Until the session is over. Returns the exit status. */
static int serve(struct worker *worker, struct vp_context *ctx)
{
   enum vp_frame_status status = VP_FRAME_OK;
   struct vp_frame *frame;

   do {
      if (atomic_load(&worker->watch.terminated))
         return 0;
      frame = read_next(worker, ctx, &status);
   } while (frame && status == VP_FRAME_OK && handle_frame(worker, ctx, frame));
   vps_replay_wait(&worker->replay);
   vps_uploads_wait(&worker->uploads, ctx);

   if (atomic_load(&worker->watch.terminated) || status == VP_FRAME_CLOSED)
      return 0;
   if (ctx->failed) {
      refuse(worker, &ctx->error);
      return 1;
   }
   if (status == VP_FRAME_MALFORMED || status == VP_FRAME_NO_MEMORY) {
      refuse_text(worker, ctx->stream_offset, vp_frame_status_text(status));
      return 1;
   }
   if (status != VP_FRAME_OK)
      vp_log(VP_LOG_WARN, "%s", vp_frame_status_text(status));
   return status == VP_FRAME_OK ? 1 : 0;
}

static int run_session(struct worker *worker)
{
   struct vp_wire_peer peer;
   struct vp_context ctx;

   if (!greet(worker, &peer))
      return atomic_load(&worker->watch.terminated) ? 0 : 1;
   vps_watch_greeted(&worker->watch);
   if (!vp_context_init(&ctx, worker->options, &worker->channel, vkGetInstanceProcAddr)) {
      refuse_text(worker, 0, "the server is out of memory");
      return 1;
   }
   ctx.enc.peer = &peer;
   vps_replay_start(&worker->replay, &ctx);
   const int status = serve(worker, &ctx);
   vps_watch_announce_end(&worker->watch);
   vps_replay_stop(&worker->replay);
   vp_context_finish(&ctx);
   if (ctx.abandoned) {
      vp_log(VP_LOG_WARN, "the GPU is still busy with what the client has left; ending without it");
      _exit(status);
   }
   return status;
}

int vp_worker_run(int fd, const struct vp_server_options *options)
{
   struct worker worker = {.options = options};

   vp_socket_configure(fd);
   vp_pool_allow(vp_pool_suitable());
   vps_maker_allow(vps_maker_suitable());
   vp_spin_allow(vp_spin_is_suitable());
   if (!vps_channel_init(&worker.channel, fd, options->compression)) {
      vp_log(VP_LOG_ERROR, "cannot start: out of memory");
      return 1;
   }
   if (!vps_watch_start(&worker.watch, &worker.channel, GREETING_MS)) {
      vps_channel_finish(&worker.channel);
      return 1;
   }
   vps_uploads_start(&worker.uploads);
   const int status = run_session(&worker);
   vps_uploads_stop(&worker.uploads);
   vp_stream_unpacker_finish(&worker.unpacker);
   vps_watch_announce_end(&worker.watch);
   vps_watch_stop(&worker.watch);
   vps_channel_finish(&worker.channel);
   close(fd);
   if (vps_compiled_much())
      vp_handover_tell(options->worker_fd, VP_HANDOVER_COMPILED);
   return status;
}
