/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_SESSION_H
#define VP_UNIT_SESSION_H

#include <dirent.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/vp_client_calls.h"
#include "common/memory/delta.h"
#include "common/memory/pack.h"
#include "common/net/error_frame.h"
#include "common/net/frame.h"
#include "common/net/hello.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "tests/unit/any_client.h"
#include "tests/unit/check.h"

/* A client that is nothing but the protocol: it talks to a worker in a process of its own, over a socket pair, with
 * the client's encoders and handles that are only ids. */

#define MAX_OBJECTS 512
#define MAX_RECORDED 64
#define FRAME_TIMEOUT_MS 20000

struct recorded {
   uint32_t type;
   uint64_t tag;
   uint32_t length;
   uint8_t start[256]; /* of the payload */
};

struct session {
   int fd;
   pid_t worker;
   struct vp_encoder enc;
   struct vp_arena arena;
   struct vp_frame frame;
   struct vp_object objects[MAX_OBJECTS];
   unsigned object_count;
   uint64_t replies;

   /* All frames but ALIVE and REPLY, in order. */
   struct recorded recorded[MAX_RECORDED];
   unsigned recorded_count;

   /* What MEMORY frames for this memory are applied to. */
   uint64_t memory_id;
   uint8_t *memory, *twin;
   size_t memory_size;
};

/* How the next worker compresses. */
static enum vp_compression session_compression = VP_COMPRESS_AUTO;

static inline void session_use_driver(void)
{
   /* The suppressions of the sanitizers only know libraries that are not unloaded. */
   dlopen("libvulkan_lvp.so", RTLD_NOW | RTLD_NODELETE);
   const char *icd = getenv("VP_NATIVE_ICD");
   if (icd)
      setenv("VK_DRIVER_FILES", icd, 1);
   setenv("VENUS_DISABLE", "1", 1);
}

/* Starts a worker; nothing is said yet. */
static inline bool session_open(struct session *s, bool validate)
{
   int fds[2];

   memset(s, 0, sizeof(*s));
   if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
      return false;
   fflush(NULL);
   s->worker = fork();
   if (s->worker == 0) {
      struct vps_options options = {.mode = VPS_MODE_WORKER, .validate = validate, .compression = session_compression};
      close(fds[0]);
      if (validate)
         setenv("VK_INSTANCE_LAYERS", "VK_LAYER_KHRONOS_validation", 1);
      exit(run_worker_for_any_client(fds[1], options));
   }
   close(fds[1]);
   s->fd = fds[0];
   vp_arena_init(&s->arena, (size_t)64 << 20);
   return s->worker > 0 && vp_encoder_init(&s->enc);
}

static inline void session_free(struct session *s)
{
   if (s->fd >= 0)
      close(s->fd);
   s->fd = -1;
   vp_encoder_finish(&s->enc);
   vp_arena_finish(&s->arena);
   vp_frame_finish(&s->frame);
   free(s->memory);
   free(s->twin);
   s->memory = s->twin = NULL;
}

/* The exit status of the worker, which must have a reason to end; -1 when a signal ended it. */
static inline int session_wait(struct session *s)
{
   int status = 0;
   waitpid(s->worker, &status, 0);
   return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int session_close(struct session *s)
{
   close(s->fd);
   s->fd = -1;
   const int status = session_wait(s);
   session_free(s);
   return status;
}

static inline bool session_send(struct session *s, uint32_t type, uint64_t tag, const void *data, size_t size)
{
   return vp_frame_write(&VP_CHANNEL(s->fd), type, tag, data, size, NULL, 0);
}

/* Applies changes of the memory, packed or not. */
static inline void session_apply(struct session *s)
{
   struct vp_unpacker unpacker = {0};
   const uint8_t *data = s->frame.payload;
   size_t size = s->frame.header.length;

   if (s->frame.header.type == VP_FRAME_PACKED)
      CHECK(vp_unpack(&unpacker, data, size, &data, &size));
   CHECK(vp_delta_apply(data, size, s->memory, s->twin, s->memory_size));
   vp_unpacker_finish(&unpacker);
}

static inline void session_record(struct session *s)
{
   if (s->recorded_count == MAX_RECORDED)
      return;
   struct recorded *r = &s->recorded[s->recorded_count++];
   *r = (struct recorded){s->frame.header.type, s->frame.header.tag, s->frame.header.length, {0}};
   memcpy(r->start, s->frame.payload ? s->frame.payload : r->start,
          r->length < sizeof(r->start) ? r->length : sizeof(r->start));
   if ((r->type == VP_FRAME_MEMORY || r->type == VP_FRAME_MEMORY_PART || r->type == VP_FRAME_PACKED) &&
       r->tag == s->memory_id)
      session_apply(s);
}

/* The next frame that is not ALIVE. Frames that are no reply are recorded. */
static inline bool session_next(struct session *s)
{
   do {
      if (vp_frame_read(&VP_CHANNEL(s->fd), &s->frame, FRAME_TIMEOUT_MS) != VP_FRAME_OK)
         return false;
   } while (s->frame.header.type == VP_FRAME_ALIVE);
   if (s->frame.header.type != VP_FRAME_REPLY)
      session_record(s);
   return true;
}

/* Reads until a frame of this type. */
static inline bool session_until(struct session *s, uint32_t type)
{
   do {
      if (!session_next(s))
         return false;
   } while (s->frame.header.type != type);
   return true;
}

/* Sends what was encoded as one frame. */
static inline bool session_flush(struct session *s)
{
   const bool ok = !s->enc.failed && session_send(s, VP_FRAME_COMMANDS, 0, s->enc.start, vp_encoder_size(&s->enc));
   vp_encoder_reset(&s->enc);
   return ok;
}

static inline bool session_greet(struct session *s, const struct vp_hello *hello)
{
   uint8_t wire[VP_HELLO_WIRE_MAX];
   return session_send(s, VP_FRAME_HELLO, 0, wire, vp_hello_store(wire, hello, VP_CLIENT));
}

/* Begins a session for a client that says this of itself. */
static inline bool session_start_as(struct session *s, bool validate, const struct vp_hello *hello)
{
   struct vp_hello server;
   char error[256];

   return CHECK(session_open(s, validate)) && CHECK(session_greet(s, hello)) &&
          CHECK(session_until(s, VP_FRAME_HELLO)) &&
          CHECK(vp_hello_load(&server, VP_SERVER, s->frame.payload, s->frame.header.length, error, sizeof(error))) &&
          CHECK(vp_hello_compatible(hello, &server, error, sizeof(error)));
}

static inline bool session_start(struct session *s, bool validate)
{
   struct vp_hello hello;
   vp_hello_init(&hello, "test");
   return session_start_as(s, validate, &hello);
}

/* A handle with a new id. */
static inline void *session_object(struct session *s)
{
   struct vp_object *object = &s->objects[s->object_count++ % MAX_OBJECTS];
   object->id = UINT64_C(0x700000000) + s->object_count;
   return object;
}

#define ID(handle) vp_object_id((uint64_t)(uintptr_t)(handle))

/* Encodes a command without reply: SEND(s, vkDestroyBuffer, .device = device, .buffer = buffer). */
#define SEND(s, name, ...) vp_request_##name(&(s)->enc, 0, &(struct vp_cmd_##name){__VA_ARGS__})

/* Sends a command and all before it and waits for its reply, which is decoded into *call. */
#define CALL(s, name, call)                \
   (vp_request_##name(&(s)->enc, 1, call), \
    session_flush(s) && session_reply(s) && (vp_reply_##name(session_decoder(s), call), session_decoded(s)))

static struct vp_decoder session_dec;

static inline bool session_reply(struct session *s)
{
   return session_until(s, VP_FRAME_REPLY) && CHECK(s->frame.header.tag == s->replies++);
}

static inline struct vp_decoder *session_decoder(struct session *s)
{
   vp_decoder_init(&session_dec, s->frame.payload, s->frame.header.length, &s->arena);
   return &session_dec;
}

static inline bool session_decoded(struct session *s)
{
   (void)s;
   return CHECK(!session_dec.error) && CHECK(session_dec.cur == session_dec.end);
}

/* Whether no thread of the worker runs or wants to; *turns: how often they did. */
static inline bool session_rests(const struct session *s, uint64_t *turns)
{
   char path[64], state = 'R';
   unsigned long long count = 0;
   snprintf(path, sizeof(path), "/proc/%d/task", (int)s->worker);
   DIR *threads = opendir(path);
   bool rests = threads;
   *turns = 0;
   for (struct dirent *thread; threads && (thread = readdir(threads));) {
      if (thread->d_name[0] == '.')
         continue;
      snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stat", (int)s->worker, thread->d_name);
      FILE *file = fopen(path, "r");
      rests = rests && file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && state == 'S';
      if (file)
         fclose(file);
      snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", (int)s->worker, thread->d_name);
      file = fopen(path, "r");
      if (file && fscanf(file, "%*u %*u %llu", &count) == 1)
         *turns += count;
      if (file)
         fclose(file);
   }
   if (threads)
      closedir(threads);
   return rests;
}

/* Until the worker has done all that it can, and waits. */
static inline void session_settle(const struct session *s)
{
   const int64_t deadline = vp_clock_ms() + FRAME_TIMEOUT_MS;
   uint64_t before = 0, turns = 0;
   bool rested = false, rests = false;
   do {
      before = turns;
      rested = rests;
      usleep(10000);
      rests = session_rests(s, &turns);
   } while (!(rests && rested && turns == before) && CHECK(vp_clock_ms() < deadline));
}

/* Until a PROGRESS of this queue with this serial; its result. */
static inline VkResult session_progress(struct session *s, const void *queue, uint64_t serial)
{
   for (;;) {
      if (!session_until(s, VP_FRAME_PROGRESS))
         return VK_ERROR_UNKNOWN;
      CHECK(s->frame.header.tag == ID(queue) && s->frame.header.length == 12);
      const VkResult result = (VkResult)vp_bytes_load_u32(s->frame.payload + 8);
      if (vp_bytes_load_u64(s->frame.payload) >= serial || result != VK_SUCCESS)
         return result;
   }
}

/* The ERROR frame that the session ends with; false without one. */
static inline bool session_error(struct session *s, struct vp_error *error)
{
   return session_until(s, VP_FRAME_ERROR) && vp_error_load(error, s->frame.payload, s->frame.header.length);
}

#endif
