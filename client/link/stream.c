/* SPDX-License-Identifier: MIT */

/* Threads append commands to an open batch, with marks where mapped memory has to be looked at. The sender, or a thread
 * that waits for it, takes the batch, looks, and sends changed memory before the commands behind it. */

#include "client/link/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/link/connection.h"
#include "common/net/frame.h"
#include "common/util/clock.h"
#include "common/util/cores.h"
#include "common/util/log.h"
#include "common/util/spin.h"
#include "common/util/thread.h"

/* Buffered commands are sent when there are this many bytes of them, so that the server begins before all is said. */
#define SEND_SIZE VP_STREAM_PIECE

/* Keeps up to this much memory of a batch after a burst. */
#define KEEP_SIZE ((size_t)16 << 20)

#define NO_FRAME SIZE_MAX
#define ALL_MARKS UINT64_MAX

/* Who waits for so long at least may do the sender's work meanwhile: a server that takes nothing for longer is lost. */
#define LONG_NS UINT64_C(10000000000)

/* What 1024 bytes take on a network of 2 Gbit/s, which is about as fast as packing. */
#define SLOW_ARRIVAL_NS 4096u

/* How long the sender looks for the next piece of a recording before it sleeps: to wake it would cost the thread that
 * records more than to record some hundred commands. */
#define SPIN_NS INT64_C(50000)

/* --- batches --- */

static bool batch_init(struct vp_batch *batch, const struct vp_wire_peer *peer)
{
   *batch = (struct vp_batch){0};
   if (!vp_encoder_init(&batch->data))
      return false;
   batch->data.peer = peer;
   return true;
}

static void batch_finish(struct vp_batch *batch)
{
   vp_encoder_finish(&batch->data);
   free(batch->marks);
}

static size_t batch_size(const struct vp_batch *batch)
{
   return vp_encoder_size(&batch->data) + batch->piece_size + batch->mark_count * sizeof(*batch->marks);
}

static bool batch_add_mark(struct vp_batch *batch, const struct vp_mark *mark)
{
   if (batch->mark_count == batch->mark_capacity) {
      const size_t capacity = batch->mark_capacity ? batch->mark_capacity * 2 : 16;
      struct vp_mark *marks = realloc(batch->marks, capacity * sizeof(*marks));
      if (!marks)
         return false;
      batch->marks = marks;
      batch->mark_capacity = capacity;
   }
   batch->marks[batch->mark_count++] = *mark;
   return true;
}

static void batch_empty(struct vp_batch *batch)
{
   vp_encoder_trim(&batch->data, KEEP_SIZE);
   batch->sent = 0;
   batch->frame = 0;
   batch->mark_count = 0;
   batch->next_mark = 0;
   batch->looked = NULL;
   batch->piece_size = 0;
   if (batch->mark_capacity * sizeof(*batch->marks) > KEEP_SIZE) {
      free(batch->marks);
      batch->marks = NULL;
      batch->mark_capacity = 0;
   }
}

/* --- the open batch; all with the lock --- */

static void close_frame(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   struct vp_encoder *data = &stream->open.data;
   if (stream->open_frame == NO_FRAME)
      return;
   const uint32_t length = (uint32_t)(vp_encoder_size(data) - stream->open_frame - VP_FRAME_HEADER_SIZE);
   const uint64_t tag = vp_pace_tag(conn);
   memcpy(data->start + stream->open_frame + 4, &length, 4);
   memcpy(data->start + stream->open_frame + 8, &tag, 8);
   stream->open_frame = NO_FRAME;
   vp_stats_add(&conn->stats.frames_sent, 1);
}

static void open_frame(struct vp_stream *stream, uint32_t type)
{
   stream->open_frame = vp_encoder_size(&stream->open.data);
   vp_frame_header_store(vp_enc_space(&stream->open.data, VP_FRAME_HEADER_SIZE),
                         &(struct vp_frame_header){.type = type});
}

static size_t payload_size(const struct vp_stream *stream)
{
   return vp_encoder_size(&stream->open.data) - stream->open_frame - VP_FRAME_HEADER_SIZE;
}

/* As if an empty frame had not been opened, or closes it. */
static void end_stream_frame(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   if (stream->open_frame == NO_FRAME)
      return;
   if (payload_size(stream)) {
      close_frame(conn);
      return;
   }
   stream->open.data.cur = stream->open.data.start + stream->open_frame;
   stream->open_frame = NO_FRAME;
}

/* Sends bytes up to `end` as far as the socket takes them, or all of them. */
static void send_bytes(struct vp_connection *conn, struct vp_batch *batch, size_t end, bool all)
{
   const size_t before = batch->sent;
   while (batch->sent < end && !vp_connection_lost(conn)) {
      const ssize_t n =
         send(conn->fd, batch->data.start + batch->sent, end - batch->sent, MSG_NOSIGNAL | (all ? 0 : MSG_DONTWAIT));
      if (n >= 0)
         batch->sent += (size_t)n;
      else if (!all && (errno == EAGAIN || errno == EWOULDBLOCK))
         break;
      else if (errno != EINTR)
         vp_connection_lose(conn, "the connection broke while sending");
   }
   vp_stats_add(&conn->stats.bytes_sent, batch->sent - before);
}

/* Packing pays where what a byte takes is more than packing it does. */
static bool is_worth_packing(const struct vp_connection *conn)
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

/* Whoever has the lock wakes the sender when he gives it up, so that it need not wait for the lock. */
static void hand_over(struct vp_stream *stream)
{
   stream->wake |= !stream->handed_over;
   stream->handed_over = true;
}

static void wake_sender(struct vp_stream *stream)
{
   if (stream->wake)
      pthread_cond_signal(&stream->work);
   stream->wake = false;
}

/* Everything said goes to the socket or to the sender. */
void vp_stream_flush_locked(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   struct vp_batch *open = &stream->open;
   close_frame(conn);
   if (!batch_size(open) || stream->handed_over)
      return;
   if (stream->taken == stream->done && !is_worth_packing(conn) && batch_size(open) < stream->direct_size) {
      send_bytes(conn, open, vp_encoder_size(&open->data), false);
      if (open->sent == vp_encoder_size(&open->data) || vp_connection_lost(conn)) {
         batch_empty(open);
         return;
      }
   }
   hand_over(stream);
}

uint64_t vp_stream_place(const struct vp_connection *conn)
{
   return conn->stream.mark_count + 1;
}

/* --- saying something --- */

/* Waits on `room`; false: the deadline has passed, if there is one. */
static bool stream_wait_for_room(struct vp_stream *stream, const struct timespec *deadline)
{
   wake_sender(stream);
   if (deadline)
      return pthread_cond_timedwait(&stream->room, &stream->lock, deadline) != ETIMEDOUT;
   return pthread_cond_wait(&stream->room, &stream->lock) == 0;
}

/* Whoever says something meanwhile waits, too. An empty batch has room. */
static void lock_with_room(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   pthread_mutex_lock(&stream->lock);
   while (batch_size(&stream->open) > VP_STREAM_MAX_OPEN ||
          !vp_encoder_reserve(&stream->open.data, VP_FRAME_HEADER_SIZE + VP_STREAM_ROOM)) {
      vp_stream_flush_locked(conn);
      if (stream->handed_over)
         stream_wait_for_room(stream, NULL);
   }
}

struct vp_encoder *vp_stream_begin(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   lock_with_room(conn);
   if (stream->open_frame == NO_FRAME)
      open_frame(stream, VP_FRAME_COMMANDS);
   stream->command_start = vp_encoder_size(&stream->open.data);
   return &stream->open.data;
}

/* Takes what was written last back when it could not be written. */
static VkResult stream_commit(struct vp_connection *conn, bool recorded)
{
   struct vp_stream *stream = &conn->stream;
   struct vp_encoder *data = &stream->open.data;
   if (data->failed || payload_size(stream) > VP_FRAME_MAX_PAYLOAD) {
      data->failed = false;
      data->cur = data->start + stream->command_start;
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   const size_t size = vp_encoder_size(data) - stream->command_start;
   uint32_t command = VP_COST_RECORDED;
   if (!recorded && size >= sizeof(command))
      memcpy(&command, data->start + stream->command_start, sizeof(command));
   if (vp_pace_add(&conn->pace, command, size) || vp_encoder_size(data) >= SEND_SIZE)
      vp_stream_flush_locked(conn);
   return vp_connection_lost(conn) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

VkResult vp_stream_commit(struct vp_connection *conn)
{
   return stream_commit(conn, false);
}

void vp_stream_unlock(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   const bool wake = stream->wake;
   stream->wake = false;
   pthread_mutex_unlock(&stream->lock);
   if (wake)
      pthread_cond_signal(&stream->work);
}

VkResult vp_stream_end(struct vp_connection *conn)
{
   vp_stats_add(&conn->stats.async_calls, 1);
   const VkResult result = vp_stream_commit(conn);
   vp_stream_unlock(conn);
   vp_pace_wait(conn);
   return result;
}

VkResult vp_stream_flush(struct vp_connection *conn)
{
   pthread_mutex_lock(&conn->stream.lock);
   vp_stream_flush_locked(conn);
   vp_stream_unlock(conn);
   return vp_connection_lost(conn) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

/* --- recordings --- */

/* In the open frame, or in one of their own: so that the limit is for these alone, or because of its type. */
static VkResult append(struct vp_connection *conn, const struct vp_encoder *commands, uint32_t type)
{
   const size_t size = vp_encoder_size(commands);
   struct vp_encoder *open = vp_stream_begin(conn);
   struct vp_stream *stream = &conn->stream;
   if (type != VP_FRAME_COMMANDS || payload_size(stream) + size > SEND_SIZE) {
      end_stream_frame(conn);
      open_frame(stream, type);
      stream->command_start = vp_encoder_size(open);
   }
   vp_enc_bytes(open, commands->start, size, 1);
   const VkResult result = stream_commit(conn, true);
   if (type != VP_FRAME_COMMANDS)
      end_stream_frame(conn);
   vp_stream_unlock(conn);
   vp_pace_wait(conn);
   return result;
}

/* Memory for another piece, or none. With the lock. */
static bool take_spare(struct vp_stream *stream, struct vp_encoder *spare)
{
   if (!stream->spare_count)
      return vp_encoder_init_sized(spare, VP_STREAM_PIECE_ROOM);
   *spare = stream->spares[--stream->spare_count];
   return true;
}

/* With the lock. What has grown for a long command is not kept. */
static void give_spare(struct vp_stream *stream, struct vp_encoder *spare)
{
   vp_encoder_reset(spare);
   if (stream->spare_count < VP_STREAM_SPARES && (size_t)(spare->limit - spare->start) == VP_STREAM_PIECE_ROOM)
      stream->spares[stream->spare_count++] = *spare;
   else
      vp_encoder_finish(spare);
}

static bool take_piece(struct vp_connection *conn, struct vp_encoder *commands, uint32_t type)
{
   struct vp_stream *stream = &conn->stream;
   const size_t size = vp_encoder_size(commands);
   struct vp_encoder spare;
   if (!take_spare(stream, &spare))
      return false;
   close_frame(conn);
   if (!batch_add_mark(&stream->open, &(struct vp_mark){.offset = vp_encoder_size(&stream->open.data)})) {
      give_spare(stream, &spare);
      return false;
   }
   vp_pace_add(&conn->pace, VP_COST_RECORDED, size);
   struct vp_mark *mark = &stream->open.marks[stream->open.mark_count - 1];
   mark->tag = vp_pace_tag(conn);
   mark->piece = *commands;
   mark->piece_type = type;
   stream->open.piece_size += size;
   spare.peer = commands->peer;
   spare.piece = commands->piece;
   *commands = spare;
   vp_stats_add(&conn->stats.frames_sent, 1);
   hand_over(stream);
   return true;
}

VkResult vp_stream_append_recorded(struct vp_connection *conn, struct vp_encoder *commands, bool apart)
{
   const uint32_t type = apart ? VP_FRAME_RECORDED : VP_FRAME_COMMANDS;
   const size_t size = vp_encoder_size(commands);
   bool taken = false;
   if (size >= conn->stream.direct_size && size <= VP_FRAME_MAX_PAYLOAD) {
      lock_with_room(conn);
      taken = take_piece(conn, commands, type);
      vp_stream_unlock(conn);
   }
   if (!taken)
      return append(conn, commands, type);
   vp_pace_wait(conn);
   return vp_connection_lost(conn) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

/* --- marks of memory --- */

/* Since the open batch is not begun, and has a mark from the first one on until it is taken, one look at a memory in it
 * is enough: it sees all that was written before the last who asked for it. */
static bool is_marked(const struct vp_stream *stream, const struct vp_mapping *mapping)
{
   return mapping && vp_looks.batch(mapping) == stream->taken + 1;
}

static bool add_mark(struct vp_stream *stream, struct vp_device *device, struct vp_mapping *mapping)
{
   const struct vp_mark mark = {
      .offset = vp_encoder_size(&stream->open.data),
      .number = stream->mark_count + 1,
      .device = device,
      .mapping = mapping,
   };
   if (!batch_add_mark(&stream->open, &mark))
      return false;
   stream->mark_count++;
   if (mapping)
      vp_looks.hold(mapping, stream->taken + 1);
   hand_over(stream);
   return true;
}

VkResult vp_stream_add_memory(struct vp_connection *conn, struct vp_device *device, struct vp_mapping *mapping)
{
   struct vp_stream *stream = &conn->stream;
   bool ok = true;
   lock_with_room(conn);
   if (!is_marked(stream, mapping)) {
      vp_stream_flush_locked(conn);
      ok = add_mark(stream, device, mapping);
   }
   vp_stream_unlock(conn);
   return vp_connection_lost(conn) ? VK_ERROR_DEVICE_LOST : ok ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

/* Until the sender has come so far, or the deadline of this timeout; with the lock. */
static bool wait_for_sender(struct vp_stream *stream, const uint64_t *count, uint64_t last, uint64_t timeout,
                            const struct timespec *deadline)
{
   bool more = timeout > 0;
   while (*count < last && more)
      more = stream_wait_for_room(stream, deadline);
   return *count >= last;
}

bool vp_stream_drain(struct vp_connection *conn, uint64_t timeout)
{
   struct vp_stream *stream = &conn->stream;
   const struct timespec deadline = vp_clock_after(timeout);
   pthread_mutex_lock(&stream->lock);
   vp_stream_flush_locked(conn);
   const bool done = wait_for_sender(stream, &stream->done, stream->taken + stream->handed_over, timeout, &deadline);
   vp_stream_unlock(conn);
   return done;
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
   if (!is_worth_packing(conn) || !vp_stream_pack(&conn->stream.packer, payload, header->length, &packed, &size))
      return false;
   if (!vp_frame_write(conn->fd, VP_FRAME_PACKED_COMMANDS, header->tag, packed, size, NULL, 0))
      vp_connection_lose(conn, "the connection broke while sending");
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
         send_bytes(conn, batch, next, true);
      batch->frame = next;
   }
}

/* Behind the memory that was looked at before, which may still be on its way to the socket. */
static void send_commands(struct vp_connection *conn, struct vp_batch *batch, size_t end)
{
   if (batch->sent == end)
      return;
   vp_memory_frames_wait(&conn->stream.memory);
   if (is_worth_packing(conn))
      send_frames(conn, batch, end);
   else
      send_bytes(conn, batch, end, true);
}

static void send_piece(struct vp_connection *conn, struct vp_mark *mark)
{
   struct vp_stream *stream = &conn->stream;
   const struct vp_frame_header header = {
      .type = mark->piece_type, .length = (uint32_t)vp_encoder_size(&mark->piece), .tag = mark->tag};
   vp_memory_frames_wait(&stream->memory);
   if (!vp_connection_lost(conn) && !send_packed(conn, &header, mark->piece.start)) {
      if (!vp_frame_write(conn->fd, header.type, header.tag, mark->piece.start, header.length, NULL, 0))
         vp_connection_lose(conn, "the connection broke while sending");
      vp_stats_add(&conn->stats.bytes_sent, VP_FRAME_HEADER_SIZE + header.length);
   }
   pthread_mutex_lock(&stream->lock);
   give_spare(stream, &mark->piece);
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
   if (last_mark == ALL_MARKS) {
      send_commands(conn, batch, end);
      vp_memory_frames_wait(&conn->stream.memory);
      return true;
   }
   if (!vp_memory_frames_are_sent(&conn->stream.memory))
      return false; /* nobody else may write to the socket meanwhile */
   if (!is_worth_packing(conn))
      send_bytes(conn, batch, end, false);
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
   close_frame(conn);
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
      batch_empty(&stream->sending);
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
      end_work(conn, send_batch(conn, ALL_MARKS));
      if (is_recording) /* it goes on, probably */
         VP_SPIN_UNTIL(atomic_load(&conn->stream.handed_over), SPIN_NS);
   }
   return NULL;
}

/* Whoever waits for the sender anyway does its work when it has not begun: to wake it takes longer than most looks.
 * Gives the lock up. */
static void help_sender(struct vp_connection *conn, uint64_t last_mark)
{
   struct vp_stream *stream = &conn->stream;
   const bool helps = has_work(stream) && stream->seen_marks < last_mark;
   if (helps)
      begin_work(conn);
   vp_stream_unlock(conn);
   if (helps)
      end_work(conn, send_batch(conn, last_mark));
}

void vp_stream_flush_and_help(struct vp_connection *conn)
{
   pthread_mutex_lock(&conn->stream.lock);
   vp_stream_flush_locked(conn);
   help_sender(conn, ALL_MARKS);
}

bool vp_stream_wait_for_looks(struct vp_connection *conn, uint64_t timeout)
{
   struct vp_stream *stream = &conn->stream;
   const struct timespec deadline = vp_clock_after(timeout);
   pthread_mutex_lock(&stream->lock);
   vp_stream_flush_locked(conn);
   const uint64_t last = stream->mark_count;
   if (timeout >= LONG_NS) {
      help_sender(conn, last);
      pthread_mutex_lock(&stream->lock);
   }
   const bool seen = wait_for_sender(stream, &stream->seen_marks, last, timeout, &deadline);
   vp_stream_unlock(conn);
   return seen;
}

bool vp_stream_start(struct vp_connection *conn)
{
   vp_memory_frames_start(&conn->stream.memory, conn);
   const bool ok = vp_thread_start(&conn->stream.sender, sender_main, conn);
   if (ok)
      return true;
   vp_memory_frames_stop(&conn->stream.memory);
   vp_log(VP_LOG_ERROR, "cannot start a thread for the connection to %s", conn->address);
   return false;
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
   vp_memory_frames_stop(&stream->memory);
}

/* --- life --- */

bool vp_stream_init(struct vp_stream *stream, enum vp_compression compression, const struct vp_wire_peer *peer)
{
   *stream = (struct vp_stream){.open_frame = NO_FRAME};
   if (!batch_init(&stream->open, peer) || !batch_init(&stream->sending, peer) ||
       !vp_memory_frames_init(&stream->memory, compression) || !vp_clock_cond_init(&stream->room)) {
      batch_finish(&stream->open);
      batch_finish(&stream->sending);
      vp_memory_frames_finish(&stream->memory);
      return false;
   }
   stream->direct_size = vp_cores_count() < VP_MIN_CORES_TO_SHARE ? SIZE_MAX : SEND_SIZE;
   pthread_mutex_init(&stream->lock, NULL);
   pthread_cond_init(&stream->work, NULL);
   return true;
}

void vp_stream_finish(struct vp_stream *stream)
{
   batch_finish(&stream->open);
   batch_finish(&stream->sending);
   while (stream->spare_count)
      vp_encoder_finish(&stream->spares[--stream->spare_count]);
   vp_memory_frames_finish(&stream->memory);
   vp_stream_packer_finish(&stream->packer);
   pthread_mutex_destroy(&stream->lock);
   pthread_cond_destroy(&stream->work);
   pthread_cond_destroy(&stream->room);
}
