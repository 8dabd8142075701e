/* SPDX-License-Identifier: MIT */

/* Threads append commands to an open batch, with marks where mapped memory has to be looked at. Who waits for what
 * comes of them sends them at once if he can; otherwise they are for the sender. */

#include "client/link/stream.h"

#include <errno.h>
#include <string.h>

#include "client/link/connection.h"
#include "client/link/sender.h"
#include "common/net/frame.h"
#include "common/util/clock.h"
#include "common/util/cores.h"

/* Buffered commands are sent when there are this many bytes of them, so that the server begins before all is said. */
#define SEND_SIZE VP_STREAM_PIECE

#define NO_FRAME SIZE_MAX

/* Who waits for so long at least may do the sender's work meanwhile: a server that takes nothing for longer is lost,
 * unless it can come back. */
#define LONG_NS UINT64_C(10000000000)
#define NS_PER_S UINT64_C(1000000000)

/* --- the open batch; all with the lock --- */

void vp_stream_close_frame(struct vp_connection *conn)
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
      vp_stream_close_frame(conn);
      return;
   }
   stream->open.data.cur = stream->open.data.start + stream->open_frame;
   stream->open_frame = NO_FRAME;
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
   vp_stream_close_frame(conn);
   if (!vp_batch_size(open) || stream->handed_over)
      return;
   if (stream->taken == stream->done && !vp_sender_packs(conn) && vp_batch_size(open) < stream->direct_size) {
      vp_sender_send_bytes(conn, open, vp_encoder_size(&open->data), false);
      if (open->sent == vp_encoder_size(&open->data) || vp_connection_lost(conn)) {
         vp_batch_empty(open);
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
   while (vp_batch_size(&stream->open) > VP_STREAM_MAX_OPEN ||
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

void vp_stream_give_spare(struct vp_stream *stream, struct vp_encoder *spare)
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
   vp_stream_close_frame(conn);
   if (!vp_batch_add_mark(&stream->open, &(struct vp_mark){.offset = vp_encoder_size(&stream->open.data)})) {
      vp_stream_give_spare(stream, &spare);
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
   if (!vp_batch_add_mark(&stream->open, &mark))
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

void vp_stream_flush_and_help(struct vp_connection *conn)
{
   pthread_mutex_lock(&conn->stream.lock);
   vp_stream_flush_locked(conn);
   vp_sender_help(conn, VP_ALL_MARKS);
}

bool vp_stream_wait_for_looks(struct vp_connection *conn, uint64_t timeout)
{
   struct vp_stream *stream = &conn->stream;
   const struct timespec deadline = vp_clock_after(timeout);
   pthread_mutex_lock(&stream->lock);
   vp_stream_flush_locked(conn);
   const uint64_t last = stream->mark_count;
   if (timeout >= LONG_NS + conn->resume_s * NS_PER_S) {
      vp_sender_help(conn, last);
      pthread_mutex_lock(&stream->lock);
   }
   const bool seen = wait_for_sender(stream, &stream->seen_marks, last, timeout, &deadline);
   vp_stream_unlock(conn);
   return seen;
}

/* --- life --- */

bool vp_stream_init(struct vp_stream *stream, enum vp_compression compression, const struct vp_wire_peer *peer)
{
   *stream = (struct vp_stream){.open_frame = NO_FRAME};
   if (!vp_batch_init(&stream->open, peer) || !vp_batch_init(&stream->sending, peer) ||
       !vp_memory_frames_init(&stream->memory, compression) || !vp_clock_cond_init(&stream->room)) {
      vp_batch_finish(&stream->open);
      vp_batch_finish(&stream->sending);
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
   vp_batch_finish(&stream->open);
   vp_batch_finish(&stream->sending);
   while (stream->spare_count)
      vp_encoder_finish(&stream->spares[--stream->spare_count]);
   vp_memory_frames_finish(&stream->memory);
   vp_stream_packer_finish(&stream->packer);
   pthread_mutex_destroy(&stream->lock);
   pthread_cond_destroy(&stream->work);
   pthread_cond_destroy(&stream->room);
}
