/* SPDX-License-Identifier: MIT */

/* Connects to a server and exchanges greetings; and calls: a request goes into the stream, and its thread waits for the
 * reply at once or after others that share the round trip. */

#include "client/link/connection.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/link/object.h"
#include "client/link/receiver.h"
#include "client/process/program.h"
#include "common/net/error_frame.h"
#include "common/net/socket.h"
#include "common/net/unix_connect.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/spin.h"

/* --- calls --- */

struct vp_encoder *vp_call_begin(struct vp_connection *conn)
{
   return vp_stream_begin(conn);
}

/* Takes back a call that was not sent. The receiver has done so already if it ended meanwhile. */
static void withdraw_call(struct vp_connection *conn, struct vp_call *call)
{
   pthread_mutex_lock(&conn->reply_lock);
   for (struct vp_call **link = &conn->first_call; *link; link = &(*link)->next) {
      if (*link != call)
         continue;
      *link = call->next;
      if (!*link)
         conn->last_call = link;
      break;
   }
   call->failed = true;
   call->done = true;
   pthread_mutex_unlock(&conn->reply_lock);
}

/* The lock is not held while sending: the receiver may need it to make room for the server to go on. */
VkResult vp_call_queue(struct vp_connection *conn, struct vp_call *call)
{
   *call = (struct vp_call){.said = atomic_load_explicit(&conn->pace.said, memory_order_relaxed)};
   pthread_cond_init(&call->cond, NULL);
   pthread_mutex_lock(&conn->reply_lock);
   *conn->last_call = call;
   conn->last_call = &call->next;
   pthread_mutex_unlock(&conn->reply_lock);
   const VkResult result = vp_stream_commit(conn);
   if (result != VK_SUCCESS)
      withdraw_call(conn, call);
   vp_stream_unlock(conn);
   return result;
}

VkResult vp_call_wait(struct vp_connection *conn, struct vp_call *call, uint32_t command)
{
   if (command != UINT32_MAX)
      vp_stats_blocking(&conn->stats, command);
   vp_stream_flush_and_help(conn);
   VP_SPIN_THEN_SLEEP(call->done, VP_WAIT_SPIN_NS, &call->cond, &conn->reply_lock);
   if (!call->failed)
      return VK_SUCCESS;
   return vp_connection_lost(conn) ? VK_ERROR_DEVICE_LOST : VK_ERROR_OUT_OF_HOST_MEMORY;
}

VkResult vp_call_end(struct vp_connection *conn, struct vp_call *call)
{
   VkResult result = call->failed ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
   if (!call->failed && (call->dec.error || call->dec.cur != call->dec.end)) {
      vp_connection_misunderstand(conn, call->dec.error ? call->dec.error : "a reply is longer than expected");
      result = VK_ERROR_DEVICE_LOST;
   }
   pthread_cond_destroy(&call->cond);
   free(call->payload);
   return result;
}

/* --- news --- */

void vp_news_unlock(struct vp_connection *conn)
{
   atomic_fetch_add_explicit(&conn->news, 1, memory_order_release);
   pthread_mutex_unlock(&conn->progress_lock);
   pthread_cond_broadcast(&conn->progress_cond); /* who wakes up finds the lock free */
}

void vp_news_tell(struct vp_connection *conn)
{
   pthread_mutex_lock(&conn->progress_lock);
   vp_news_unlock(conn);
}

void vp_news_expect(struct vp_connection *conn)
{
   vp_stats_add(&conn->stats.news_waits, 1);
   vp_stream_flush(conn);
}

void vp_news_wait(struct vp_connection *conn)
{
   pthread_cond_wait(&conn->progress_cond, &conn->progress_lock);
}

void vp_news_await(struct vp_connection *conn, const struct vp_object *object, const bool *said)
{
   bool waits = false;
   pthread_mutex_lock(&conn->progress_lock);
   while (!*said && !object->error && !vp_connection_lost(conn)) {
      if (waits) {
         vp_news_wait(conn);
         continue;
      }
      pthread_mutex_unlock(&conn->progress_lock);
      vp_news_expect(conn);
      waits = true;
      pthread_mutex_lock(&conn->progress_lock);
   }
   pthread_mutex_unlock(&conn->progress_lock);
}

/* --- the connection --- */

void vp_connection_lose(struct vp_connection *conn, const char *reason)
{
   if (atomic_exchange(&conn->lost, true))
      return;
   if (reason)
      vp_log(VP_LOG_ERROR, "lost the server at %s: %s", conn->address, reason);
   shutdown(conn->fd, SHUT_RDWR);
   vp_news_tell(conn);
}

VkResult vp_connection_sure(struct vp_connection *conn, VkResult result)
{
   if (result == VK_ERROR_OUT_OF_HOST_MEMORY)
      vp_connection_lose(conn, "there is no memory left for a call that cannot fail");
   return result;
}

void vp_connection_misunderstand(struct vp_connection *conn, const char *reason)
{
   char text[VP_ERROR_TEXT_SIZE];
   struct vp_hello own;
   vp_hello_init(&own, "");
   snprintf(text, sizeof(text), "%s", reason);
   vp_hello_explain(&own, &conn->server, text, sizeof(text));
   vp_connection_lose(conn, text);
}

static bool say_hello(struct vp_connection *conn, const struct vp_hello *own)
{
   uint8_t data[VP_HELLO_WIRE_MAX];
   const size_t size = vp_hello_store(data, own, VP_CLIENT);
   return vp_frame_write(conn->fd, VP_FRAME_HELLO, 0, data, size, NULL, 0);
}

/* Instead of a greeting. A command may have written the reason on standard error, or take its time. */
static void say_no_answer(const struct vp_connection *conn, enum vp_frame_status status)
{
   const bool is_command = conn->way == VP_WAY_EXEC;
   if (is_command && (status == VP_FRAME_CLOSED || status == VP_FRAME_BROKEN))
      vp_log(VP_LOG_ERROR,
             "the command of VENUS_SERVER=%s ended before a Venus server answered; it may have said why on standard "
             "error",
             conn->address);
   else
      vp_log(VP_LOG_ERROR, "the server at %s does not answer as a Venus server: %s; check VENUS_SERVER%s",
             conn->address, vp_frame_status_text(status, VP_SERVER),
             is_command && status == VP_FRAME_TIMEOUT ? ", or give it more time with VENUS_TIMEOUT" : "");
}

/* The server's hello, or its reason why not. */
static bool hear_hello(struct vp_connection *conn, const struct vp_hello *own, int64_t deadline_ms)
{
   struct vp_frame frame = {0};
   char text[VP_ERROR_TEXT_SIZE];
   struct vp_error error;
   bool ok = false;
   const enum vp_frame_status status = vp_frame_read_first(conn->fd, &frame, deadline_ms);
   if (status != VP_FRAME_OK) {
      say_no_answer(conn, status);
   } else if (frame.header.type == VP_FRAME_ERROR && vp_error_load(&error, frame.payload, frame.header.length)) {
      vp_log(VP_LOG_ERROR, "the server at %s refuses: %s", conn->address, error.text);
   } else if (frame.header.type != VP_FRAME_HELLO) {
      vp_log(VP_LOG_ERROR, "the server at %s does not speak our protocol; check VENUS_SERVER", conn->address);
   } else if (!vp_hello_load(&conn->server, VP_SERVER, frame.payload, frame.header.length, text, sizeof(text)) ||
              !vp_hello_compatible(own, &conn->server, text, sizeof(text))) {
      vp_hello_explain(own, &conn->server, text, sizeof(text));
      vp_log(VP_LOG_ERROR, "the server at %s does not fit: %s", conn->address, text);
   } else {
      ok = true;
   }
   vp_frame_finish(&frame);
   return ok;
}

static bool init_locks(struct vp_connection *conn)
{
   if (!vp_clock_cond_init(&conn->progress_cond))
      return false;
   pthread_mutex_init(&conn->reply_lock, NULL);
   pthread_mutex_init(&conn->progress_lock, NULL);
   return true;
}

static void finish_locks(struct vp_connection *conn)
{
   pthread_mutex_destroy(&conn->reply_lock);
   pthread_mutex_destroy(&conn->progress_lock);
   pthread_cond_destroy(&conn->progress_cond);
}

static bool handshake(struct vp_connection *conn, const char *application, int64_t deadline_ms)
{
   struct vp_hello own;
   vp_hello_init(&own, application);
   /* Who does not listen may have said why. */
   const bool said = say_hello(conn, &own);
   if (!hear_hello(conn, &own, deadline_ms))
      return false;
   if (!said) {
      say_no_answer(conn, VP_FRAME_CLOSED);
      return false;
   }
   vp_stats_add(&conn->stats.hellos, 1);
   return true;
}

/* The parent's ends when the parent says so, or ends itself; nothing is to be said in its name. */
static void let_go(struct vp_fork_item *item)
{
   struct vp_connection *conn = (struct vp_connection *)((char *)item - offsetof(struct vp_connection, fork));
   close(conn->fd);
   conn->fd = -1;
}

static int connect_to(const struct vp_server_address *address, int timeout_ms, char error[VP_SOCKET_ERROR_SIZE])
{
   switch (address->way) {
   case VP_WAY_UNIX:
      return vp_unix_connect(address->place, timeout_ms, error);
   case VP_WAY_EXEC:
      return vp_program_start(address->place, error);
   case VP_WAY_TCP:
      break;
   }
   return vp_socket_connect(address->place, address->port, timeout_ms, error);
}

struct vp_connection *vp_connection_create(const struct vp_server_address *address, const char *application,
                                           int timeout_ms, enum vp_compression compression)
{
   char error[VP_SOCKET_ERROR_SIZE];
   const int64_t deadline_ms = vp_clock_ms() + timeout_ms;
   struct vp_connection *conn = calloc(1, sizeof(*conn));
   if (!conn)
      return NULL;
   conn->way = address->way;
   vp_server_address_format(address, conn->address, sizeof(conn->address));
   conn->last_call = &conn->first_call;
   if (!init_locks(conn))
      goto fail_locks;
   vp_object_table_init(&conn->objects);
   if (!vp_stream_init(&conn->stream, compression, &conn->server.codec))
      goto fail_stream;
   conn->fd = connect_to(address, timeout_ms, error);
   if (conn->fd < 0) {
      vp_log(VP_LOG_ERROR, "%s", error);
      goto fail_socket;
   }
   conn->fork_generation = vp_fork_generation();
   vp_fork_add(&conn->fork, let_go);
   if (!handshake(conn, application, deadline_ms))
      goto fail_handshake;
   if (!vp_stream_start(conn))
      goto fail_handshake;
   if (!vp_receiver_start(conn))
      goto fail_receiver;
   vp_stats_begin(&conn->stats, conn->address);
   return conn;
fail_receiver:
   vp_stream_stop(conn);
fail_handshake:
   vp_fork_remove(&conn->fork);
   close(conn->fd);
fail_socket:
   vp_stream_finish(&conn->stream);
fail_stream:
   vp_object_table_finish(&conn->objects);
   finish_locks(conn);
fail_locks:
   free(conn);
   return NULL;
}

void vp_connection_destroy(struct vp_connection *conn)
{
   if (!conn)
      return;
   vp_stream_stop(conn);
   vp_connection_lose(conn, NULL);
   pthread_join(conn->receiver, NULL);
   vp_fork_remove(&conn->fork);
   close(conn->fd);
   vp_stats_end(&conn->stats);
   vp_stream_finish(&conn->stream);
   vp_object_table_finish(&conn->objects);
   finish_locks(conn);
   vp_unpacker_finish(&conn->unpacker);
   free(conn);
}
