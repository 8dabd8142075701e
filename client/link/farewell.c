/* SPDX-License-Identifier: MIT */

/* BYE, at the end of a connection and, when the process exits with connections open, from a destructor of the library,
 * which waits for nobody. */

#include "client/link/farewell.h"

#include "client/link/connection.h"
#include "common/net/frame.h"

void vp_farewell_say(struct vp_connection *conn)
{
   if (!vp_channel_is_resumable(&conn->channel))
      return;
   vp_channel_end(&conn->channel);
   vp_frame_write(&conn->channel, VP_FRAME_BYE, 0, NULL, 0, NULL, 0);
}

/* Nobody is in the middle of a frame. With the stream lock. */
static bool is_between_frames(const struct vp_stream *stream)
{
   return !stream->busy && !stream->handed_over && stream->taken == stream->done;
}

/* Other threads of the process still run, and a handler of a signal may have interrupted one with any lock. What is
 * called later finds the connection lost, without a word. */
static void say_at_exit(struct vp_connection *conn)
{
   struct vp_stream *stream = &conn->stream;
   if (!vp_channel_is_resumable(&conn->channel) || pthread_mutex_trylock(&stream->lock) != 0)
      return;
   if (is_between_frames(stream) && !atomic_exchange(&conn->lost, true)) {
      vp_channel_end(&conn->channel);
      vp_frame_write_now(&conn->channel, VP_FRAME_BYE, 0, NULL, 0);
   }
   pthread_mutex_unlock(&stream->lock);
}

__attribute__((destructor)) static void say_all(void)
{
   vp_connection_each(say_at_exit);
}
