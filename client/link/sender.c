/* SPDX-License-Identifier: MIT */

/* The sender, or a thread that waits for it, takes a batch and sends it; at its marks it looks for changed memory, and
 * sends that before the commands behind it. */

#include "client/link/sender.h"

#include <pthread.h>

#include "client/link/connection.h"
#include "common/net/frame.h"
#include "common/util/log.h"
#include "common/util/spin.h"
#include "common/util/thread.h"

/* What 1024 bytes take on a network of 2 Gbit/s, which is about as fast as packing. */
#define SLOW_ARRIVAL_NS 4096u

/* How long the sender looks for the next piece of a recording before it sleeps: to wake it would cost the thread that
 * records more than to record some hundred commands. */
#define SPIN_NS INT64_C(50000)

/* --- bytes --- */

void vp_sender_send_bytes(struct vp_connection *conn, struct vp_batch *batch, size_t end, bool all)
{
   struct iovec part = {.iov_base = batch->data.start + batch->sent, .iov_len = end - batch->sent};
   uint64_t blocked_ns = 0;
   ptrdiff_t n = 0;
   if (vp_connection_lost(conn))
      return;
   if (!all)
      n = vp_channel_write_some(&conn->channel, part.iov_base, part.iov_len);
   else
      n = vp_channel_write(&conn->channel, &part, 1, false, &blocked_ns) ? (ptrdiff_t)(end - batch->sent) : -1;
   if (n < 0) {
      vp_connection_lose_sending(conn);
      return;
   }
   batch->sent += (size_t)n;
   vp_stats_add(&conn->stats.bytes_sent, (uint64_t)n);
}

/* Packing pays where what a byte takes is more than packing it does. */
bool vp_sender_packs(const struct vp_connection *conn)
{
   switch (conn->stream.memory.packer.mode) {
   case VP_COMPRESS_NONE:
      return false;
   case VP_COMPRESS_AUTO:
      return vp_pace_arrival(&conn->pace) > SLOW_ARRIVAL_NS;
   default:
      return true;
   }
}

/* --- sending a batch; of whoever does the sender's work --- */

static void mark_is_seen(struct vp_stream *stream, const struct vp_mark *mark)
{
   pthread_mutex_lock(&stream->lock);
   stream->seen_marks = mark->number;
   pthread_cond_broadcast(&stream->room);
   pthread_mutex_unlock(&stream->lock);
}

/* False when the frame is to be sent as it is. */
static bool send_packed(struct vp_connection *conn, const struct vp_frame_header *header, const uint8_t *payload)
{
   const uint8_t *packed;
   size_t size;
   if (!vp_sender_packs(conn) || !vp_stream_pack(&conn->stream.packer, payload, header->length, &packed, &size))
      return false;
   if (!vp_frame_write(&conn->channel, VP_FRAME_PACKED_COMMANDS, header->tag, packed, size, NULL, 0))
      vp_connection_lose_sending(conn);
   vp_stats_add(&conn->stats.bytes_sent, VP_FRAME_HEADER_SIZE + size);
   vp_stats_add(&conn->stats.unpacked, header->length);
   vp_stats_add(&conn->stats.packed, size);
   return true;
}

/* All frames up to `end`; of the first one a part may be sent already. */
static void send_frames(struct vp_connection *conn, struct vp_batch *batch, size_t end)
{
   while (batch->sent < end && !vp_connection_lost(conn)) {
      const uint8_t *start = batch->data.start + batch->frame;
      struct vp_frame_header header;
      vp_frame_header_load(&header, start);
      const size_t next = batch->frame + VP_FRAME_HEADER_SIZE + header.length;
      if (batch->sent == batch->frame && send_packed(conn, &header, start + VP_FRAME_HEADER_SIZE))
         batch->sent = next;
      else if (batch->sent < next)
         vp_sender_send_bytes(conn, batch, next, true);
      batch->frame = next;
   }
}

/* Behind the memory that was looked at before, which may still be on its way to the socket. */
static void send_commands(struct vp_connection *conn, struct vp_batch *batch, size_t end)
{
   if (batch->sent == end)
      return;
   vp_memory_frames_wait(&conn->stream.memory);
   if (vp_sender_packs(conn))
      send_frames(conn, batch, end);
   else
      vp_sender_send_bytes(conn, batch, end, true);
}

static void send_piece(struct vp_connection *conn, struct vp_mark *mark)
{
   struct vp_stream *stream = &conn->stream;
   const struct vp_frame_header header = {
      .type = mark->piece_type, .length = (uint32_t)vp_encoder_size(&mark->piece), .tag = mark->tag};
   vp_memory_frames_wait(&stream->memory);
   if (!vp_connection_lost(conn) && !send_packed(conn, &header, mark->piece.start)) {
      if (!vp_frame_write(&conn->channel, header.type, header.tag, mark->piece.start, header.length, NULL, 0))
         vp_connection_lose_sending(conn);
      vp_stats_add(&conn->stats.bytes_sent, VP_FRAME_HEADER_SIZE + header.length);
   }
   pthread_mutex_lock(&stream->lock);
   vp_stream_give_spare(stream, &mark->piece);
   pthread_mutex_unlock(&stream->lock);
}

/* What was written before any of the batch's marks is there when the first one is looked at, so each memory is looked
 * at once. */
static void send_memory(struct vp_batch *batch, const struct vp_mark *mark)
{
   const struct vp_mark *looked = batch->looked;
   vp_looks.look(mark->device, mark->mapping, looked && mark->device == looked->device ? looked->number : 0,
                 mark->number);
   if (!mark->mapping)
      batch->looked = mark;
}

static void send_mark(struct vp_connection *conn, struct vp_batch *batch, struct vp_mark *mark)
{
   send_commands(conn, batch, mark->offset);
   if (mark->piece.start) {
      send_piece(conn, mark);
      return;
   }
   send_memory(batch, mark);
   vp_looks.release(mark->mapping);
   mark_is_seen(&conn->stream, mark);
}

/* False when there is more of the batch: whoever waits only for looks goes no further than that, and does not wait for
 * the network behind them. After the connection is lost all goes on, without sending anything, for those who wait. */
static bool send_batch(struct vp_connection *conn, uint64_t last_mark)
{
   struct vp_batch *batch = &conn->stream.sending;
   const size_t end = vp_encoder_size(&batch->data);
   while (batch->next_mark < batch->mark_count && conn->stream.seen_marks < last_mark)
      send_mark(conn, batch, &batch->marks[batch->next_mark++]);
   if (batch->next_mark < batch->mark_count)
      return false;
   if (last_mark == VP_ALL_MARKS) {
      send_commands(conn, batch, end);
      vp_memory_frames_wait(&conn->stream.memory);
      return true;
   }
   if (!vp_memory_frames_are_sent(&conn->stream.memory))
      return false; /* nobody else may write to the socket meanwhile */
   if (!vp_sender_packs(conn))
      vp_sender_send_bytes(conn, batch, end, false);
   return batch->sent == end;
}

/* --- who does the sender's work --- */

/* And nobody does it. With the lock. */
static bool has_work(const struct vp_stream *stream)
{
   return !stream->busy && (stream->taken != stream->done || stream->handed_over);
}

/* This thread does it. What is not begun is the open batch: it becomes the one that is sent, and that, which is empty,
 * the open one. With the lock. */
static void begin_work(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   stream->busy = true;
   if (stream->taken != stream->done)
      return;
   const struct vp_batch empty = stream->sending;
   vp_stream_close_frame(conn);
   stream->sending = stream->open;
   stream->open = empty;
   stream->handed_over = stream->wake = false;
   stream->taken++;
   pthread_cond_broadcast(&stream->room);
}

static void end_work(struct vp_connection *conn, bool done)
{
   struct vp_stream *stream = &conn->stream;
   if (done)
      vp_batch_empty(&stream->sending);
   pthread_mutex_lock(&stream->lock);
   stream->busy = false;
   if (done) {
      stream->done = stream->taken;
      pthread_cond_broadcast(&stream->room);
   }
   stream->wake |= has_work(stream);
   vp_stream_unlock(conn);
}

/* False: there is no more. */
static bool stream_wait_for_work(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   pthread_mutex_lock(&stream->lock);
   while (!has_work(stream) && !stream->stop)
      pthread_cond_wait(&stream->work, &stream->lock);
   const bool more = has_work(stream);
   if (more)
      begin_work(conn);
   pthread_mutex_unlock(&stream->lock);
   return more;
}

static void *sender_main(void *data)
{
   struct vp_connection *conn = data;
   while (stream_wait_for_work(conn)) {
      const bool is_recording = conn->stream.sending.piece_size > 0;
      end_work(conn, send_batch(conn, VP_ALL_MARKS));
      if (is_recording) /* it goes on, probably */
         VP_SPIN_UNTIL(atomic_load(&conn->stream.handed_over), SPIN_NS);
   }
   return NULL;
}

void vp_sender_help(struct vp_connection *conn, uint64_t last_mark)
{
   struct vp_stream *stream = &conn->stream;
   const bool helps = has_work(stream) && stream->seen_marks < last_mark;
   if (helps)
      begin_work(conn);
   vp_stream_unlock(conn);
   if (helps)
      end_work(conn, send_batch(conn, last_mark));
}

bool vp_sender_start(struct vp_connection *conn)
{
   vp_memory_frames_start(&conn->stream.memory, conn);
   const bool ok = vp_thread_start(&conn->stream.sender, sender_main, conn);
   if (ok)
      return true;
   vp_memory_frames_stop(&conn->stream.memory);
   vp_log(VP_LOG_ERROR, "cannot start a thread for the connection to %s", conn->address);
   return false;
}

void vp_sender_stop(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   vp_stream_flush(conn);
   pthread_mutex_lock(&stream->lock);
   stream->stop = true;
   pthread_cond_signal(&stream->work);
   pthread_mutex_unlock(&stream->lock);
   pthread_join(stream->sender, NULL);
   vp_memory_frames_stop(&stream->memory);
}
