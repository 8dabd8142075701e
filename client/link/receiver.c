/* SPDX-License-Identifier: MIT */

/* Threads that take turns to read frames: replies go to their calls, changes of memory into mappings (large ones while
 * the next thread reads on), all else to what it is about. */

#include "client/link/receiver.h"

#include <stdio.h>

#include "client/link/connection.h"
#include "client/link/object_table.h"
#include "client/link/turns.h"
#include "common/net/error_frame.h"
#include "common/net/limits.h"
#include "common/util/cores.h"
#include "common/util/log.h"
#include "common/util/spin.h"
#include "common/util/thread.h"

/* What the server says next, while it is busy, comes soon. */
#define RECEIVE_SPIN_NS INT64_C(50000)

/* Reading a part of memory takes a little longer than taking it in. */
#define HELPERS 2u

struct receiver {
   struct vp_connection *conn;
   struct vp_turns turns; /* of those who read */
};

static bool receive_reply(struct vp_connection *conn, struct vp_frame *frame)
{
   uint64_t said = 0;
   pthread_mutex_lock(&conn->reply_lock);
   struct vp_call *call = conn->first_call;
   const bool ok = call && frame->header.tag == conn->next_reply;
   if (ok) {
      conn->next_reply++;
      said = call->said;
      if (call->objects > conn->objects_answered)
         conn->objects_answered = call->objects;
      conn->first_call = call->next;
      if (!call->next)
         conn->last_call = &conn->first_call;
      vp_decoder_init(&call->dec, frame->payload, frame->header.length, NULL);
      call->payload = frame->payload; /* the frame gets a new one */
      frame->payload = NULL;
      frame->capacity = 0;
      call->done = true;
      pthread_cond_signal(&call->cond);
   }
   pthread_mutex_unlock(&conn->reply_lock);
   vp_pace_executed(conn, said);
   return ok;
}

static bool apply_memory(struct vp_connection *conn, struct vp_mapping *mapping, const struct vp_frame *frame)
{
   const uint8_t *data = frame->payload;
   size_t size = frame->header.length;
   if (frame->header.type == VP_FRAME_PACKED &&
       !vp_unpack(&conn->unpacker, frame->payload, frame->header.length, &data, &size))
      return false;
   vp_stats_add(&conn->stats.memory_received, size);
   return !mapping || vp_memory_news.apply(mapping, data, size);
}

/* The mapping that a frame is about, held; NULL when it is gone by now. */
static struct vp_mapping *hold_received_mapping(struct vp_connection *conn, const struct vp_frame *frame)
{
   pthread_mutex_lock(&conn->objects.lock);
   struct vp_object *object = vp_object_table_find(&conn->objects, frame->header.tag);
   struct vp_mapping *mapping = object ? vp_memory_news.hold(object) : NULL;
   pthread_mutex_unlock(&conn->objects.lock);
   return mapping;
}

static bool receive_memory(struct receiver *receiver, const struct vp_frame *frame)
{
   struct vp_mapping *mapping = hold_received_mapping(receiver->conn, frame);
   vp_turns_settle(&receiver->turns);
   const bool ok = apply_memory(receiver->conn, mapping, frame);
   vp_memory_news.release(mapping);
   return ok;
}

/* The next frame is read meanwhile, where there is another thread. */
static bool receive_part(struct receiver *receiver, const struct vp_frame *frame)
{
   struct vp_mapping *mapping = hold_received_mapping(receiver->conn, frame);
   vp_turns_step_aside(&receiver->turns);
   const bool ok = apply_memory(receiver->conn, mapping, frame);
   vp_memory_news.release(mapping);
   vp_turns_come_back(&receiver->turns);
   return ok;
}

/* Frames about one object. The object may be gone by now, which is no error. */
static bool receive_for_object(struct vp_connection *conn, struct vp_frame *frame)
{
   pthread_mutex_lock(&conn->objects.lock);
   struct vp_object *object = vp_object_table_find(&conn->objects, frame->header.tag);
   const bool ok = vp_news_handlers[frame->header.type](conn, object, frame);
   pthread_mutex_unlock(&conn->objects.lock);
   return ok;
}

/* What says that memory is there comes after the memory. */
static bool receive_news(struct receiver *receiver, struct vp_frame *frame)
{
   struct vp_connection *conn = receiver->conn;
   struct vp_error error;
   vp_turns_settle(&receiver->turns);
   switch (frame->header.type) {
   case VP_FRAME_REPLY:
      return receive_reply(conn, frame);
   case VP_FRAME_EXECUTED:
      return vp_pace_receive(conn, frame->header.tag, frame->payload, frame->header.length);
   case VP_FRAME_ALIVE:
      return true;
   case VP_FRAME_ERROR:
      vp_connection_lose(conn, vp_error_load(&error, frame->payload, frame->header.length) ? error.text
                                                                                           : "it ended the session");
      return false;
   case VP_FRAME_AUTH:
      vp_connection_lose(conn, "the server asks for authentication, which the client cannot give");
      return false;
   default:
      return vp_news_handlers[frame->header.type] && receive_for_object(conn, frame);
   }
}

static bool take_in(struct receiver *receiver, struct vp_frame *frame)
{
   if (vp_frame_is_skippable(&frame->header))
      return true;
   switch (frame->header.type) {
   case VP_FRAME_MEMORY:
   case VP_FRAME_PACKED:
      return receive_memory(receiver, frame);
   case VP_FRAME_MEMORY_PART:
      return receive_part(receiver, frame);
   default:
      return receive_news(receiver, frame);
   }
}

/* False, with the connection lost, when nothing more can be received. */
static bool receive_frame(struct receiver *receiver, struct vp_frame *frame)
{
   struct vp_connection *conn = receiver->conn;
   const enum vp_frame_status status = vp_frame_read(&conn->channel, frame, VP_SILENCE_MS);
   if (status == VP_FRAME_MALFORMED) {
      vp_connection_misunderstand(conn, vp_frame_status_text(status, VP_SERVER));
      return false;
   }
   if (status != VP_FRAME_OK) {
      vp_connection_lose(conn, status == VP_FRAME_TIMEOUT ? "no sign of life for ten seconds"
                                                          : vp_frame_status_text(status, VP_SERVER));
      return false;
   }
   vp_stats_add(&conn->stats.frames_received, 1);
   vp_stats_add(&conn->stats.bytes_received, VP_FRAME_HEADER_SIZE + (uint64_t)frame->header.length);
   const bool ok = take_in(receiver, frame);
   if (!ok)
      vp_connection_misunderstand(conn, "it sent something that makes no sense");
   return ok;
}

static void fail_calls(struct vp_connection *conn)
{
   pthread_mutex_lock(&conn->reply_lock);
   for (struct vp_call *call = conn->first_call; call;) {
      struct vp_call *next = call->next; /* a finished call may vanish */
      call->failed = true;
      call->done = true;
      pthread_cond_signal(&call->cond);
      call = next;
   }
   conn->first_call = NULL;
   conn->last_call = &conn->first_call;
   pthread_mutex_unlock(&conn->reply_lock);
}

/* Until the connection is lost. */
static void *receive(void *data)
{
   struct receiver *receiver = data;
   struct vp_connection *conn = receiver->conn;
   struct vp_frame frame = {0};
   vp_turns_take(&receiver->turns);
   while (!vp_connection_lost(conn) && receive_frame(receiver, &frame))
      vp_spin_for_data(conn->channel.fd, vp_clock_ns() + RECEIVE_SPIN_NS);
   vp_connection_lose(conn, NULL);
   vp_turns_end(&receiver->turns);
   vp_frame_finish(&frame);
   return NULL;
}

static void *receiver_main(void *data)
{
   struct vp_connection *conn = data;
   struct receiver receiver = {.conn = conn};
   pthread_t helpers[HELPERS];
   unsigned count = 0;
   vp_turns_init(&receiver.turns);
   if (vp_cores_count() >= VP_MIN_CORES_TO_SHARE) {
      while (count < HELPERS && vp_thread_start(&helpers[count], receive, &receiver))
         count++;
   }
   receive(&receiver);
   while (count > 0)
      pthread_join(helpers[--count], NULL);
   fail_calls(conn);
   vp_turns_finish(&receiver.turns);
   return NULL;
}

bool vp_receiver_start(struct vp_connection *conn)
{
   const bool ok = vp_thread_start(&conn->receiver, receiver_main, conn);
   if (!ok)
      vp_log(VP_LOG_ERROR, "cannot start a thread for the connection to %s", conn->address);
   return ok;
}
