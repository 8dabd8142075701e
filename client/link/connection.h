/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_CONNECTION_H
#define VP_CLIENT_LINK_CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "client/link/object_table.h"
#include "client/link/pace.h"
#include "client/link/stats.h"
#include "client/link/stream.h"
#include "client/process/fork.h"
#include "client/process/greeting.h"
#include "client/process/server_address.h"
#include "common/memory/reserve.h"
#include "common/net/frame.h"
#include "common/net/hello.h"
#include "common/net/socket.h"
#include "common/wire/decoder.h"
#include "common/wire/encoder.h"

struct vp_object;

/* The connection to one server: an ordered stream of commands to it, and a
 * thread that takes in what it sends.
 *
 * Locks, in the order in which they are taken: stream, objects, a memory's, a mapping's, progress, replies. Neither the
 * receiver nor the sender takes the stream lock while it has another, or anything to do: a network that does not take
 * more cannot keep the receiver from making room for the server to go on. */
struct vp_connection {
   struct vp_channel channel;
   atomic_int fresh_fd; /* another connection for the channel, while the server is asked for the session; -1: none */
   unsigned resume_s;   /* for how long that is tried; of use where the channel is resumable */
   struct vp_fork_item fork;
   unsigned fork_generation; /* of the process that it belongs to */
   struct vp_server_address server_address;
   char address[300];
   struct vp_hello server; /* what the server said of itself */
   struct vp_stats stats;
   atomic_bool lost;
   _Atomic uint64_t failed[8]; /* by the low bits of a command's number: it failed after success had been told */

   struct vp_stream stream;
   struct vp_pace pace;

   pthread_mutex_t reply_lock;
   struct vp_call *first_call, **last_call; /* waiting for replies, in order */
   uint64_t next_reply;

   struct vp_object_table objects;
   _Atomic uint64_t objects_answered; /* of those that were ever added: the server has got to what made them */

   /* State of queues, fences, semaphores, events and queries, and the news of it. */
   pthread_mutex_t progress_lock;
   pthread_cond_t progress_cond;
   _Atomic uint64_t news; /* how many there were */

   pthread_t receiver;
   struct vp_unpacker unpacker; /* the receiver's */
};

/* One call that waits for its reply. */
struct vp_call {
   struct vp_decoder dec; /* of the reply, once it is there */
   struct vp_call *next;
   pthread_cond_t cond;
   uint8_t *payload;
   uint64_t said;    /* of the pace, before this call */
   uint64_t objects; /* that were added before */
   bool failed;
   atomic_bool done; /* the last to be set */
};

/* How a session is to be. */
struct vp_connection_terms {
   const char *application; /* its name */
   enum vp_compression compression;
   unsigned resume_s; /* for so many seconds it is tried to go on with it when a connection through a network breaks, if
                         the server keeps it for so long; 0: not at all */
};

#define VP_CONNECTION_ERROR_SIZE VP_GREETING_ERROR_SIZE

/* Shakes hands over `fd`, which it takes over; -1: connects first. NULL, a sentence in `error`, and errno: ECONNRESET
 * is that of vp_greet(). */
struct vp_connection *vp_connection_create(const struct vp_server_address *address, int fd,
                                           const struct vp_connection_terms *terms, int timeout_ms,
                                           char error[VP_CONNECTION_ERROR_SIZE]);

/* For each connection of this process, which are not created or destroyed meanwhile; for none when somebody is at that
 * just now. */
void vp_connection_each(void (*what)(struct vp_connection *conn));

/* Sends what is left, closes and frees. NULL is fine. No other thread may use
 * it any more. */
void vp_connection_destroy(struct vp_connection *conn);

/* Ends the session: all that waits returns, all that follows fails. */
void vp_connection_lose(struct vp_connection *conn, const char *reason);

/* The same when nothing can be sent any more: the server may have said why, which the receiver hears in a moment. */
void vp_connection_lose_sending(struct vp_connection *conn);

/* The same, where the two sides do not understand each other: says how their builds differ. */
void vp_connection_misunderstand(struct vp_connection *conn, const char *reason);

/* Who waits for the server looks for so long before it sleeps. */
#define VP_WAIT_SPIN_NS INT64_C(100000)

/* For commands that cannot say that there is no memory: ends the session instead. Gives the result. */
VkResult vp_connection_sure(struct vp_connection *conn, VkResult result);

static inline bool vp_connection_lost(const struct vp_connection *conn)
{
   return atomic_load_explicit(&conn->lost, memory_order_relaxed);
}

/* A command has failed after the application had been told of success; and whether that, or its like, has. */
static inline void vp_connection_note_failure(struct vp_connection *conn, uint32_t command)
{
   conn->failed[command / 64 % 8] |= UINT64_C(1) << command % 64;
}

static inline bool vp_connection_has_failed(const struct vp_connection *conn, uint32_t command)
{
   return atomic_load_explicit(&conn->failed[command / 64 % 8], memory_order_relaxed) >> command % 64 & 1;
}

/* Whether the server might have no room for more objects of which it is told without waiting, see
 * common/memory/reserve.h (one that is just being made counts). */
static inline bool vp_connection_exceeds_reserve(const struct vp_connection *conn)
{
   return atomic_load_explicit(&conn->objects.added, memory_order_relaxed) -
             atomic_load_explicit(&conn->objects_answered, memory_order_relaxed) >
          VP_RESERVE_OBJECTS / 2;
}

/* Whether a process has it only because it is a child of fork(): then it is not to be used in any way. */
static inline bool vp_connection_is_inherited(const struct vp_connection *conn)
{
   return conn->fork_generation != vp_fork_generation();
}

/* --- calls with a reply --- */

/* Like vp_stream_begin(); the command must have the reply bit. */
struct vp_encoder *vp_call_begin(struct vp_connection *conn);

/* Queues the call for its reply, without sending it: several calls can be
 * under way. The stream is unlocked. */
VkResult vp_call_queue(struct vp_connection *conn, struct vp_call *call);

/* Sends, waits and makes call->dec ready. Must be followed by vp_call_end(),
 * also when it fails. `command` is for the statistics. */
VkResult vp_call_wait(struct vp_connection *conn, struct vp_call *call, uint32_t command);

/* Frees the reply. A reply that was not understood, or not to its last byte,
 * loses the connection. */
VkResult vp_call_end(struct vp_connection *conn, struct vp_call *call);

/* --- news --- */

/* What the server says without being asked is noted under the progress lock, and then told to all who wait for it.
 * vp_news_unlock() also releases the lock. */
void vp_news_tell(struct vp_connection *conn);
void vp_news_unlock(struct vp_connection *conn);

/* Waits until the server has said of an object what it says by itself when it has made it (*said, under the progress
 * lock), or that it could not make it. */
void vp_news_await(struct vp_connection *conn, const struct vp_object *object, const bool *said);

/* Before a wait for something that the server will say once it has executed what was said before. */
void vp_news_expect(struct vp_connection *conn);

/* Waits for any news, or the end of the connection. The caller holds the progress lock. */
void vp_news_wait(struct vp_connection *conn);

#endif
