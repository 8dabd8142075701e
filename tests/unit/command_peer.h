/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_COMMAND_PEER_H
#define VP_UNIT_COMMAND_PEER_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "common/net/frame.h"
#include "common/net/hello.h"
#include "common/net/socket.h"
#include "common/util/arena.h"
#include "server/vp_recorded_calls.h"
#include "server/vp_server_calls.h"
#include "tests/unit/check.h"
#include "tools/check_table.h"

/* The other end of a client's connection: decodes every command as the server
 * does, keeps it for the test to look at, and answers it with what the test
 * says. Handles in decoded commands are object ids. */

/* A command that the peer understands. */
struct peer_command {
   uint32_t number;
   size_t size;
   void (*decode)(struct vp_decoder *dec, void *call);
   void (*answer)(struct vp_encoder *enc, const void *call);
};

#define PEER_CODEC(NAME)                                               \
   static void decode_##NAME(struct vp_decoder *dec, void *call)       \
   {                                                                   \
      vp_decode_##NAME(dec, call);                                     \
   }                                                                   \
   static void answer_##NAME(struct vp_encoder *out, const void *call) \
   {                                                                   \
      vp_answer_##NAME(out, call);                                     \
   }
#define PEER_COMMAND(NAME)                                                      \
   {                                                                            \
      VP_CMD_##NAME, sizeof(struct vp_cmd_##NAME), decode_##NAME, answer_##NAME \
   }

#define PEER_MAX_CALLS 1024

struct peer_call {
   uint32_t number, flags;
   uint32_t frame; /* type of the frame in which it came */
   void *args;     /* struct vp_cmd_NAME */
};

struct peer {
   const struct peer_command *commands;
   size_t command_count;
   void (*respond)(uint32_t number, void *args); /* fills the outputs; on the peer's thread */
   atomic_bool deaf;                             /* closes instead of answering */
   int listener, fd;
   pthread_t thread;
   pthread_mutex_t lock;
   pthread_cond_t cond;
   struct vp_arena arena;
   struct peer_call calls[PEER_MAX_CALLS];
   unsigned call_count;
   uint64_t frames;   /* that it has decoded */
   const char *error; /* what it could not decode */
   bool ended;

   /* The client's side. */
   struct vp_connection *conn;
   struct vp_physical_device gpu;
   struct vp_device device;
};

static uint64_t peer_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   (void)dec, (void)type;
   return id;
}

static void peer_keep(struct peer *peer, const struct peer_call *call, const char *error)
{
   pthread_mutex_lock(&peer->lock);
   if (error)
      peer->error = error;
   else if (peer->call_count < PEER_MAX_CALLS)
      peer->calls[peer->call_count++] = *call;
   else
      peer->error = "too many calls for this test";
   pthread_cond_broadcast(&peer->cond);
   pthread_mutex_unlock(&peer->lock);
}

static bool peer_reply(struct peer *peer, const struct peer_command *command, const struct peer_call *call,
                       uint64_t *replies)
{
   struct vp_encoder enc;
   if (peer->deaf || !vp_encoder_init(&enc))
      return false;
   if (peer->respond)
      peer->respond(call->number, call->args);
   command->answer(&enc, call->args);
   const bool ok =
      vp_frame_write(&VP_CHANNEL(peer->fd), VP_FRAME_REPLY, (*replies)++, enc.start, vp_encoder_size(&enc), NULL, 0) &&
      !enc.failed;
   vp_encoder_finish(&enc);
   return ok;
}

static bool peer_take(struct peer *peer, struct vp_decoder *dec, uint32_t frame, uint64_t *replies)
{
   struct peer_call call = {.frame = frame};
   const struct peer_command *command = NULL;
   call.number = vp_dec_u32(dec);
   call.flags = vp_dec_u32(dec);
   for (size_t i = 0; i < peer->command_count; i++) {
      if (peer->commands[i].number == call.number)
         command = &peer->commands[i];
   }
   call.args = command ? vp_dec_alloc(dec, 1, command->size) : NULL;
   if (!call.args) {
      peer_keep(peer, NULL, "a command that this test does not expect");
      return false;
   }
   command->decode(dec, call.args);
   peer_keep(peer, &call, dec->error);
   if (dec->error)
      return false;
   return !(call.flags & 1) || peer_reply(peer, command, &call, replies);
}

static bool peer_greet(struct peer *peer, struct vp_frame *frame)
{
   struct vp_hello hello;
   uint8_t data[VP_HELLO_WIRE_MAX];
   vp_hello_init(&hello, "peer");
   const size_t size = vp_hello_store(data, &hello, VP_SERVER);
   return vp_frame_read(&VP_CHANNEL(peer->fd), frame, 10000) == VP_FRAME_OK && frame->header.type == VP_FRAME_HELLO &&
          vp_frame_write(&VP_CHANNEL(peer->fd), VP_FRAME_HELLO, 0, data, size, NULL, 0);
}

static void *peer_main(void *data)
{
   struct peer *peer = data;
   struct vp_frame frame = {0};
   char address[64];
   uint64_t replies = 0;
   while ((peer->fd = vp_socket_accept(peer->listener, address, sizeof(address))) < 0)
      usleep(1000);
   bool ok = peer_greet(peer, &frame);
   while (ok && vp_frame_read(&VP_CHANNEL(peer->fd), &frame, -1) == VP_FRAME_OK) {
      struct vp_decoder dec;
      vp_decoder_init(&dec, frame.payload, frame.header.length, &peer->arena);
      dec.find_handle = peer_handle;
      dec.new_handle = peer_handle;
      while (ok && vp_dec_remaining(&dec) > 0)
         ok = peer_take(peer, &dec, frame.header.type, &replies);
      pthread_mutex_lock(&peer->lock);
      peer->frames++;
      pthread_cond_broadcast(&peer->cond);
      pthread_mutex_unlock(&peer->lock);
      if (ok && frame.header.tag)
         ok = vp_frame_write(&VP_CHANNEL(peer->fd), VP_FRAME_EXECUTED, frame.header.tag, NULL, 0, NULL, 0);
   }
   close(peer->fd);
   vp_frame_finish(&frame);
   pthread_mutex_lock(&peer->lock);
   peer->ended = true;
   pthread_cond_broadcast(&peer->cond);
   pthread_mutex_unlock(&peer->lock);
   return NULL;
}

/* Ends the program when it cannot start: there is nothing to test then. */
static void peer_start(struct peer *peer, const struct peer_command *commands, size_t count,
                       void (*respond)(uint32_t number, void *args))
{
   char error[VP_SOCKET_ERROR_SIZE];
   uint16_t port;
   *peer = (struct peer){.commands = commands, .command_count = count, .respond = respond};
   pthread_mutex_init(&peer->lock, NULL);
   pthread_cond_init(&peer->cond, NULL);
   vp_arena_init(&peer->arena, (size_t)64 << 20);
   peer->listener = vp_socket_listen("127.0.0.1", 0, &port, error);
   if (peer->listener < 0 || pthread_create(&peer->thread, NULL, peer_main, peer)) {
      fprintf(stderr, "cannot start the peer\n");
      exit(1);
   }
   const struct vp_server_address address = {.port = port, .place = "127.0.0.1"};
   const struct vp_connection_terms terms = {.application = "test", .compression = VP_COMPRESS_AUTO};
   char why[VP_CONNECTION_ERROR_SIZE];
   peer->conn = vp_connection_create(&address, -1, &terms, 10000, why);
   if (!peer->conn)
      exit(1);
   peer->gpu.conn = peer->conn;
   peer->device.conn = peer->conn;
   peer->device.physical_device = &peer->gpu;
   peer->device.base.type = VK_OBJECT_TYPE_DEVICE;
   if (!vp_object_table_add(&peer->conn->objects, &peer->device.base))
      exit(1);
}

static void peer_stop(struct peer *peer)
{
   vp_connection_destroy(peer->conn);
   pthread_join(peer->thread, NULL);
   close(peer->listener);
   CHECK(!peer->error);
   if (peer->error)
      fprintf(stderr, "the peer: %s\n", peer->error);
   vp_arena_finish(&peer->arena);
   pthread_cond_destroy(&peer->cond);
   pthread_mutex_destroy(&peer->lock);
}

static inline VkDevice peer_device(struct peer *peer)
{
   return VP_TO_HANDLE(VkDevice, &peer->device);
}

/* Waits until the peer has as many commands as that; the last of them, or NULL. */
static inline const struct peer_call *peer_call(struct peer *peer, unsigned count)
{
   vp_stream_flush(peer->conn);
   pthread_mutex_lock(&peer->lock);
   while (peer->call_count < count && !peer->ended && !peer->error)
      pthread_cond_wait(&peer->cond, &peer->lock);
   const struct peer_call *call = peer->call_count >= count ? &peer->calls[count - 1] : NULL;
   pthread_mutex_unlock(&peer->lock);
   return call;
}

/* Waits until the peer has all that was said; the last command of it. */
static inline const struct peer_call *peer_last_call(struct peer *peer)
{
   vp_stream_drain(peer->conn, UINT64_MAX);
   pthread_mutex_lock(&peer->lock);
   while (peer->frames < peer->conn->stats.frames_sent && !peer->ended && !peer->error)
      pthread_cond_wait(&peer->cond, &peer->lock);
   const struct peer_call *call = peer->call_count ? &peer->calls[peer->call_count - 1] : NULL;
   pthread_mutex_unlock(&peer->lock);
   return call;
}

/* The arguments of the next command, whose number must be that; NULL: it is something else. */
static inline void *peer_next(struct peer *peer, unsigned *seen, uint32_t number)
{
   const struct peer_call *call = peer_call(peer, ++*seen);
   if (!CHECK(call) || !CHECK(call->number == number))
      return NULL;
   return call->args;
}

static inline uint64_t id_of(const void *object)
{
   return vp_object_id((uint64_t)(uintptr_t)object);
}

#endif
