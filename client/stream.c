/* SPDX-License-Identifier: MIT */
#include "client/stream.h"

#include "client/connection.h"
#include "client/device_memory.h"
#include "client/mapping/mapping.h"
#include "common/net/frame.h"
#include "common/util/log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Buffered commands are sent when there are this many bytes of them. */
#define SEND_SIZE ((size_t)256 << 10)

/* Keeps up to this much memory of a part after a burst. */
#define KEEP_SIZE ((size_t)4 << 20)

/* Whoever has something to say waits while so much is under way. */
#define MAX_QUEUED ((size_t)32 << 20)

/* Parts that are kept for the next ones: a submission is two. */
#define MAX_SPARE 8

#define NO_FRAME SIZE_MAX

/* Frames to be sent, or the place of memory. */
struct vp_part {
   struct vp_part *next;
   struct vp_encoder data;
   size_t sent;                /* of the data, already */
   uint64_t place;             /* its number */
   struct vp_device *device;   /* NULL: data */
   struct vp_mapping *mapping; /* NULL: all of the device */
};

/* --- the open part; all with the lock --- */

static void close_frame(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   if (stream->open_frame == NO_FRAME)
      return;
   const size_t payload = vp_encoder_size(&stream->open) - stream->open_frame - VP_FRAME_HEADER_SIZE;
   const uint32_t length = (uint32_t)payload;
   if (!stream->open.failed)
      memcpy(stream->open.start + stream->open_frame + 4, &length, 4);
   stream->open_frame = NO_FRAME;
   vp_stats_add(&conn->stats.frames_sent, 1);
}

static void open_frame(struct vp_stream *stream)
{
   stream->open_frame = vp_encoder_size(&stream->open);
   vp_frame_header_store(vp_enc_space(&stream->open, VP_FRAME_HEADER_SIZE),
                         &(struct vp_frame_header){.type = VP_FRAME_COMMANDS});
}

/* Sends bytes from *sent on as far as the socket takes them, or all of them. False when the connection is lost. */
static bool send_bytes(struct vp_connection *conn, const struct vp_encoder *data, size_t *sent, bool all)
{
   const size_t size = vp_encoder_size(data), before = *sent;
   while (*sent < size && !vp_connection_lost(conn)) {
      const ssize_t n = send(conn->fd, data->start + *sent, size - *sent, MSG_NOSIGNAL | (all ? 0 : MSG_DONTWAIT));
      if (n >= 0)
         *sent += (size_t)n;
      else if (!all && (errno == EAGAIN || errno == EWOULDBLOCK))
         break;
      else if (errno != EINTR)
         vp_connection_lose(conn, "the connection broke while sending");
   }
   vp_stats_add(&conn->stats.bytes_sent, *sent - before);
   return !vp_connection_lost(conn);
}

static void empty(struct vp_encoder *encoder)
{
   const struct vp_wire_peer *peer = encoder->peer;
   struct vp_encoder smaller;
   vp_encoder_reset(encoder);
   if ((size_t)(encoder->end - encoder->start) <= KEEP_SIZE || !vp_encoder_init(&smaller))
      return;
   vp_encoder_finish(encoder);
   *encoder = smaller;
   encoder->peer = peer;
}

/* --- parts; all with the lock --- */

static struct vp_part *new_part(struct vp_stream *stream)
{
   struct vp_part *part = stream->spare;
   if (part) {
      stream->spare = part->next;
      stream->spare_count--;
      return part;
   }
   part = calloc(1, sizeof(*part));
   if (part && vp_encoder_init(&part->data))
      return part;
   free(part);
   return NULL;
}

static void free_part(struct vp_part *part)
{
   vp_encoder_finish(&part->data);
   free(part);
}

static bool is_idle(const struct vp_stream *stream)
{
   return stream->done == stream->handed_over;
}

static void append_part(struct vp_stream *stream, struct vp_part *part)
{
   part->next = NULL;
   part->place = ++stream->handed_over;
   stream->queued += vp_encoder_size(&part->data);
   *stream->last = part;
   stream->last = &part->next;
   pthread_cond_signal(&stream->work);
}

static void wait_until_idle(struct vp_stream *stream)
{
   const uint64_t place = stream->handed_over;
   while (stream->done < place)
      pthread_cond_wait(&stream->room, &stream->lock);
}

/* Everything said goes to the socket or to the sender. */
void vp_stream_flush_locked(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   size_t sent = 0;
   close_frame(conn);
   if (!vp_encoder_size(&stream->open))
      return;
   if (is_idle(stream) && (!send_bytes(conn, &stream->open, &sent, false) || sent == vp_encoder_size(&stream->open))) {
      empty(&stream->open);
      return;
   }
   struct vp_part *part = new_part(stream);
   if (!part) { /* without memory everybody waits */
      wait_until_idle(stream);
      send_bytes(conn, &stream->open, &sent, true);
      empty(&stream->open);
      return;
   }
   const struct vp_encoder data = part->data;
   part->data = stream->open;
   part->sent = sent;
   part->device = NULL;
   stream->open = data;
   stream->open.peer = part->data.peer;
   append_part(stream, part);
}

uint64_t vp_stream_place(const struct vp_connection *conn)
{
   return conn->stream.handed_over + 1;
}

/* --- saying something --- */

static void lock_with_room(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   pthread_mutex_lock(&stream->lock);
   while (stream->queued > MAX_QUEUED)
      pthread_cond_wait(&stream->room, &stream->lock);
}

struct vp_encoder *vp_stream_begin(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   lock_with_room(conn);
   if (stream->open_frame == NO_FRAME)
      open_frame(stream);
   stream->command_start = vp_encoder_size(&stream->open);
   return &stream->open;
}

/* Takes the last command back when it could not be written. */
VkResult vp_stream_commit(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   struct vp_encoder *open = &stream->open;
   const bool too_long = stream->open_frame != NO_FRAME &&
                         vp_encoder_size(open) - stream->open_frame - VP_FRAME_HEADER_SIZE > VP_FRAME_MAX_PAYLOAD;
   if (open->failed || too_long) {
      open->failed = false;
      open->cur = open->start + stream->command_start;
      if (stream->command_start < stream->open_frame + VP_FRAME_HEADER_SIZE)
         stream->open_frame = NO_FRAME; /* its header is not there or goes, too */
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   if (vp_encoder_size(open) >= SEND_SIZE)
      vp_stream_flush_locked(conn);
   return vp_connection_lost(conn) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

void vp_stream_unlock(struct vp_connection *conn)
{
   pthread_mutex_unlock(&conn->stream.lock);
}

VkResult vp_stream_end(struct vp_connection *conn)
{
   vp_stats_add(&conn->stats.async_calls, 1);
   const VkResult result = vp_stream_commit(conn);
   vp_stream_unlock(conn);
   return result;
}

VkResult vp_stream_flush(struct vp_connection *conn)
{
   pthread_mutex_lock(&conn->stream.lock);
   vp_stream_flush_locked(conn);
   vp_stream_unlock(conn);
   return vp_connection_lost(conn) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

VkResult vp_stream_append(struct vp_connection *conn, const void *data, size_t size)
{
   struct vp_encoder *open = vp_stream_begin(conn);
   struct vp_stream *stream = &conn->stream;
   const size_t payload = vp_encoder_size(open) - stream->open_frame - VP_FRAME_HEADER_SIZE;
   if (payload && payload + size > SEND_SIZE) { /* a frame of its own, so that the limit is per command buffer */
      vp_stream_flush_locked(conn);
      open_frame(stream);
      stream->command_start = vp_encoder_size(open);
   }
   vp_enc_bytes(open, data, size, 1);
   const VkResult result = vp_stream_commit(conn);
   vp_stream_unlock(conn);
   return result;
}

VkResult vp_stream_add_memory(struct vp_connection *conn, struct vp_device *device, struct vp_mapping *mapping)
{
   struct vp_stream *stream = &conn->stream;
   lock_with_room(conn);
   vp_stream_flush_locked(conn);
   struct vp_part *part = new_part(stream);
   if (part) {
      part->device = device;
      part->mapping = mapping ? vp_mapping_ref(mapping) : NULL;
      append_part(stream, part);
   }
   vp_stream_unlock(conn);
   return vp_connection_lost(conn) ? VK_ERROR_DEVICE_LOST : part ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

void vp_stream_drain(struct vp_connection *conn)
{
   pthread_mutex_lock(&conn->stream.lock);
   vp_stream_flush_locked(conn);
   wait_until_idle(&conn->stream);
   vp_stream_unlock(conn);
}

/* --- the sender --- */

static struct vp_part *wait_for_part(struct vp_stream *stream)
{
   pthread_mutex_lock(&stream->lock);
   while (!stream->first && !stream->stop)
      pthread_cond_wait(&stream->work, &stream->lock);
   struct vp_part *part = stream->first;
   if (part) {
      stream->first = part->next;
      if (!stream->first)
         stream->last = &stream->first;
   }
   pthread_mutex_unlock(&stream->lock);
   return part;
}

static void part_is_done(struct vp_stream *stream, struct vp_part *part)
{
   vp_mapping_unref(part->mapping);
   part->mapping = NULL;
   pthread_mutex_lock(&stream->lock);
   stream->queued -= vp_encoder_size(&part->data);
   stream->done = part->place;
   empty(&part->data);
   const bool keep = stream->spare_count < MAX_SPARE;
   if (keep) {
      part->next = stream->spare;
      stream->spare = part;
      stream->spare_count++;
   }
   pthread_cond_broadcast(&stream->room);
   pthread_mutex_unlock(&stream->lock);
   if (!keep)
      free_part(part);
}

/* After the connection is lost it goes on, without sending anything, for those who wait. */
static void *sender_main(void *data)
{
   struct vp_connection *conn = data;
   struct vp_part *part;
   while ((part = wait_for_part(&conn->stream))) {
      if (part->device)
         vp_device_send_memory(part->device, part->mapping, part->place);
      else
         send_bytes(conn, &part->data, &part->sent, true);
      part_is_done(&conn->stream, part);
   }
   return NULL;
}

bool vp_stream_start(struct vp_connection *conn)
{
   sigset_t all, before;
   sigfillset(&all); /* the application's signals are for its own threads */
   pthread_sigmask(SIG_SETMASK, &all, &before);
   const bool ok = !pthread_create(&conn->stream.sender, NULL, sender_main, conn);
   pthread_sigmask(SIG_SETMASK, &before, NULL);
   if (!ok)
      vp_log(VP_LOG_ERROR, "cannot start a thread for the connection to %s", conn->address);
   return ok;
}

void vp_stream_stop(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   vp_stream_flush(conn);
   pthread_mutex_lock(&stream->lock);
   stream->stop = true;
   pthread_cond_signal(&stream->work);
   pthread_mutex_unlock(&stream->lock);
   pthread_join(stream->sender, NULL);
}

/* --- life --- */

bool vp_stream_init(struct vp_stream *stream, enum vp_compression compression)
{
   *stream = (struct vp_stream){.open_frame = NO_FRAME};
   stream->last = &stream->first;
   if (!vp_encoder_init(&stream->open))
      return false;
   if (!vp_encoder_init(&stream->memory)) {
      vp_encoder_finish(&stream->open);
      return false;
   }
   vp_packer_init(&stream->packer, compression);
   pthread_mutex_init(&stream->lock, NULL);
   pthread_cond_init(&stream->work, NULL);
   pthread_cond_init(&stream->room, NULL);
   return true;
}

void vp_stream_finish(struct vp_stream *stream)
{
   vp_encoder_finish(&stream->open);
   vp_encoder_finish(&stream->memory);
   vp_packer_finish(&stream->packer);
   while (stream->spare) {
      struct vp_part *next = stream->spare->next;
      free_part(stream->spare);
      stream->spare = next;
   }
   pthread_mutex_destroy(&stream->lock);
   pthread_cond_destroy(&stream->work);
   pthread_cond_destroy(&stream->room);
}
