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
#include <time.h>
#include <unistd.h>

#include "client/link/farewell.h"
#include "client/link/object.h"
#include "client/link/receiver.h"
#include "client/link/resume.h"
#include "client/link/sender.h"
#include "client/process/dial.h"
#include "common/net/error_frame.h"
#include "common/net/socket.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/spin.h"
#include "common/util/text.h"

/* How long a word of venus-tls takes, on a machine that is busy. */
#define ON_THE_WAY_MS 500

/* How long what a server has said before it closed a connection takes to be heard. */
#define LAST_WORDS_MS 300

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
   *call = (struct vp_call){.said = atomic_load_explicit(&conn->pace.said, memory_order_relaxed),
                            .objects = atomic_load_explicit(&conn->objects.added, memory_order_relaxed)};
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

/* All that waits for the server wakes up. */
static void cut_off(struct vp_connection *conn)
{
   vp_channel_end(&conn->channel);
   shutdown(conn->channel.fd, SHUT_RDWR);
   vp_news_tell(conn);
}

void vp_connection_lose(struct vp_connection *conn, const char *reason)
{
   if (atomic_exchange(&conn->lost, true))
      return;
   if (reason)
      vp_log(VP_LOG_ERROR, "lost the server at %s: %s", conn->address, reason);
   cut_off(conn);
}

void vp_connection_lose_sending(struct vp_connection *conn)
{
   const int64_t end_ms = vp_clock_ms() + LAST_WORDS_MS;

   while (!vp_connection_lost(conn) && vp_clock_ms() < end_ms)
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
   vp_connection_lose(conn, "the connection broke while sending");
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

/* What the channel needs to outlive its connection is there before the server is told that it can. */
static bool handshake(struct vp_connection *conn, const char *application, int64_t deadline_ms, char *error)
{
   const enum vp_way way = conn->server_address.way;
   const bool may_break = way == VP_WAY_TCP || way == VP_WAY_TLS;
   uint8_t *history = may_break && conn->resume_s ? malloc(VP_CHANNEL_HISTORY) : NULL;
   struct vp_hello own;
   vp_hello_init(&own, application);
   own.resume = history ? conn->resume_s : 0;
   const bool ok = vp_greet(&conn->channel, &conn->server_address, &own, &conn->server, deadline_ms, error);
   const int why = errno;
   vp_stats_add(&conn->stats.hellos, ok);
   if (conn->server.resume < conn->resume_s)
      conn->resume_s = conn->server.resume;
   if (!ok || !history || !conn->resume_s ||
       !vp_channel_make_resumable(&conn->channel, history, VP_CHANNEL_HISTORY, 0, vp_resume_mend, conn))
      free(history);
   errno = why;
   return ok;
}

static struct vp_connection *of_fork_item(struct vp_fork_item *item)
{
   return (struct vp_connection *)((char *)item - offsetof(struct vp_connection, fork));
}

/* The parent's ends when the parent says so, or ends itself; nothing is to be said in its name. */
static void let_go(struct vp_fork_item *item)
{
   struct vp_connection *conn = of_fork_item(item);
   close(conn->channel.fd);
   conn->channel.fd = -1;
   if (conn->fresh_fd >= 0)
      close(conn->fresh_fd);
}

void vp_connection_each(void (*what)(struct vp_connection *conn))
{
   if (!vp_fork_try_lock())
      return;
   for (struct vp_fork_item *item = vp_fork_first(); item; item = item->next) {
      if (item->in_child == let_go)
         what(of_fork_item(item));
   }
   vp_fork_unlock();
}

static void say_connected(const struct vp_connection *conn, enum vp_compression compression, int64_t start_ns)
{
   const struct vp_hello *server = &conn->server;
   const uint32_t registry = server->codec.vk_xml_version;
   char ms[VP_TEXT_DECIMAL_SIZE];
   vp_text_format_decimal(ms, (double)(vp_clock_ns() - start_ns) / 1e6, 1);
   vp_log(VP_LOG_INFO, "the server at %s is %s; connected after %s ms", conn->address, server->name, ms);
   vp_log(VP_LOG_DEBUG,
          "the server at %s: release %s, Vulkan registry %u.%u.%u; memory is packed: %s; a session that breaks is kept "
          "for %u s",
          conn->address, server->release, VK_API_VERSION_MAJOR(registry), VK_API_VERSION_MINOR(registry),
          VK_API_VERSION_PATCH(registry), vp_compression_name(compression),
          vp_channel_is_resumable(&conn->channel) ? conn->resume_s : 0);
}

/* All that needs no connection. NULL: no memory; the connection of `fd` is closed. */
static struct vp_connection *prepare_connection(const struct vp_server_address *address, int fd,
                                                const struct vp_connection_terms *terms)
{
   struct vp_connection *conn = calloc(1, sizeof(*conn));
   if (conn) {
      conn->channel = VP_CHANNEL(fd);
      conn->server_address = *address;
      conn->resume_s = terms->resume_s;
      conn->fresh_fd = -1;
      vp_server_address_format(address, conn->address, sizeof(conn->address));
      conn->last_call = &conn->first_call;
      vp_object_table_init(&conn->objects);
      if (init_locks(conn)) {
         if (vp_stream_init(&conn->stream, terms->compression, &conn->server.codec))
            return conn;
         finish_locks(conn);
      }
      vp_object_table_finish(&conn->objects);
   }
   free(conn);
   if (fd >= 0)
      close(fd);
   return NULL;
}

struct vp_connection *vp_connection_create(const struct vp_server_address *address, int fd,
                                           const struct vp_connection_terms *terms, int timeout_ms,
                                           char error[VP_CONNECTION_ERROR_SIZE])
{
   int why = ENOMEM;
   /* Who is between the two says so when the time is over. */
   const int64_t start_ns = vp_clock_ns();
   const int64_t deadline_ms = vp_clock_ms() + timeout_ms + (address->way == VP_WAY_TLS ? ON_THE_WAY_MS : 0);
   struct vp_connection *conn = prepare_connection(address, fd, terms);
   snprintf(error, VP_CONNECTION_ERROR_SIZE, "there is no memory for a connection to a Venus server");
   if (!conn)
      return NULL;
   if (conn->channel.fd < 0)
      conn->channel = VP_CHANNEL(vp_dial(address, timeout_ms, error));
   if (conn->channel.fd < 0) {
      why = errno;
      goto fail_socket;
   }
   conn->fork_generation = vp_fork_generation();
   vp_fork_add(&conn->fork, let_go);
   if (!handshake(conn, terms->application, deadline_ms, error)) {
      why = errno;
      goto fail_handshake;
   }
   snprintf(error, VP_CONNECTION_ERROR_SIZE, "there is no thread for the connection to %s", conn->address);
   if (!vp_sender_start(conn))
      goto fail_handshake;
   if (!vp_receiver_start(conn))
      goto fail_receiver;
   vp_stats_begin(&conn->stats, conn->address);
   say_connected(conn, terms->compression, start_ns);
   return conn;
fail_receiver:
   vp_sender_stop(conn);
fail_handshake:
   vp_fork_remove(&conn->fork);
   close(conn->channel.fd);
   vp_channel_finish(&conn->channel);
fail_socket:
   vp_stream_finish(&conn->stream);
   vp_object_table_finish(&conn->objects);
   finish_locks(conn);
   free(conn);
   errno = why;
   return NULL;
}

void vp_connection_destroy(struct vp_connection *conn)
{
   if (!conn)
      return;
   vp_sender_stop(conn);
   if (!atomic_exchange(&conn->lost, true)) /* before the server goes */
      vp_farewell_say(conn);
   cut_off(conn);
   pthread_join(conn->receiver, NULL);
   vp_fork_remove(&conn->fork);
   close(conn->channel.fd);
   vp_channel_finish(&conn->channel);
   vp_stats_end(&conn->stats);
   vp_log(VP_LOG_DEBUG, "the server at %s: disconnected", conn->address);
   vp_stream_finish(&conn->stream);
   vp_object_table_finish(&conn->objects);
   finish_locks(conn);
   vp_unpacker_finish(&conn->unpacker);
   free(conn);
}
