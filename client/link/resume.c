/* SPDX-License-Identifier: MIT */

/* Tries again and again to get another connection to the session's worker, until the server says that there is no such
 * session, nobody listens there any more, or the time is up. */

#include "client/link/resume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/link/connection.h"
#include "client/process/dial.h"
#include "common/net/error_frame.h"
#include "common/net/resume.h"
#include "common/net/socket.h"
#include "common/util/clock.h"
#include "common/util/log.h"

/* Between two tries: the first pause, doubled each time, and the longest. */
#define LEAST_PAUSE_MS 100
#define MOST_PAUSE_MS 1000

/* For each step of one try. */
#define TRY_MS 5000

/* So often in a row, which is within a second, a machine that is there says that nobody listens: the server is gone. */
#define MOST_REFUSALS 4

enum outcome {
   RESUMED,
   FAILED,  /* this time */
   NOBODY,  /* likewise: the machine is there and nobody listens */
   REFUSED, /* for ever */
};

static int try_ms(int64_t deadline_ms)
{
   const int64_t left = deadline_ms - vp_clock_ms();
   return left < 0 ? 0 : left < TRY_MS ? (int)left : TRY_MS;
}

static enum outcome take_over(struct vp_connection *conn, int fd, const struct vp_resume *server,
                              char reason[VP_ERROR_TEXT_SIZE])
{
   vp_channel_hold(&conn->channel);
   if (vp_channel_can_go_on(&conn->channel, server->received))
      return vp_channel_adopt(&conn->channel, fd, server->received) ? RESUMED : REFUSED;
   vp_channel_release(&conn->channel);
   snprintf(reason, VP_ERROR_TEXT_SIZE, "more was on its way than can be sent again");
   return REFUSED;
}

static enum outcome understand(struct vp_connection *conn, int fd, const struct vp_frame *frame,
                               char reason[VP_ERROR_TEXT_SIZE])
{
   const uint32_t length = frame->header.length;
   struct vp_resume server;
   struct vp_error error;
   if (frame->header.type == VP_FRAME_RESUME && vp_resume_load(&server, VP_SERVER, frame->payload, length))
      return take_over(conn, fd, &server, reason);
   const bool said = frame->header.type == VP_FRAME_ERROR && vp_error_load(&error, frame->payload, length);
   snprintf(reason, VP_ERROR_TEXT_SIZE, "%s", said ? error.text : "the server does not speak our protocol");
   if (!said || error.command != VP_ERROR_ON_THE_WAY)
      return REFUSED;
   return error.offset == ECONNREFUSED ? NOBODY : FAILED;
}

/* Over a connection that is there. */
static enum outcome ask(struct vp_connection *conn, int fd, int64_t deadline_ms, char reason[VP_ERROR_TEXT_SIZE])
{
   struct vp_resume resume = {.received = vp_channel_hold(&conn->channel)};
   struct vp_frame frame = {0};
   enum outcome outcome = FAILED;
   vp_channel_release(&conn->channel);
   memcpy(resume.session, conn->server.session, sizeof(resume.session));
   enum vp_frame_status status = VP_FRAME_BROKEN;
   if (vp_resume_send(fd, &resume, VP_CLIENT))
      status = vp_frame_read_first(&VP_CHANNEL(fd), &frame, vp_clock_ms() + try_ms(deadline_ms));
   if (status == VP_FRAME_OK)
      outcome = understand(conn, fd, &frame, reason);
   else
      snprintf(reason, VP_ERROR_TEXT_SIZE, "%s", vp_frame_status_text(status, VP_SERVER));
   vp_frame_finish(&frame);
   return outcome;
}

static enum outcome try_once(struct vp_connection *conn, int64_t deadline_ms, char reason[VP_ERROR_TEXT_SIZE])
{
   char error[VP_SOCKET_ERROR_SIZE];
   const int fd = vp_dial(&conn->server_address, try_ms(deadline_ms), error);
   if (fd < 0) {
      const enum outcome outcome = errno == ECONNREFUSED ? NOBODY : FAILED;
      snprintf(reason, VP_ERROR_TEXT_SIZE, "%s", error);
      return outcome;
   }
   atomic_store(&conn->fresh_fd, fd);
   const enum outcome outcome = ask(conn, fd, deadline_ms, reason);
   atomic_store(&conn->fresh_fd, -1);
   close(fd);
   return outcome;
}

/* Until it is clear how it ends. False: the connection is lost otherwise, or on purpose. */
static enum outcome try_for(struct vp_connection *conn, int64_t deadline_ms, char reason[VP_ERROR_TEXT_SIZE])
{
   int pause_ms = LEAST_PAUSE_MS;
   unsigned refusals = 0;
   for (;;) {
      const enum outcome outcome = try_once(conn, deadline_ms, reason);
      refusals = outcome == NOBODY ? refusals + 1 : 0;
      if (outcome == RESUMED || outcome == REFUSED || refusals == MOST_REFUSALS || vp_clock_ms() >= deadline_ms ||
          !vp_channel_pause(&conn->channel, pause_ms))
         return outcome;
      pause_ms = 2 * pause_ms < MOST_PAUSE_MS ? 2 * pause_ms : MOST_PAUSE_MS;
   }
}

bool vp_resume_mend(void *context)
{
   struct vp_connection *conn = context;
   const int64_t start_ms = vp_clock_ms();
   char reason[VP_ERROR_TEXT_SIZE], text[VP_ERROR_TEXT_SIZE + 64];
   vp_log(VP_LOG_WARN, "the connection to %s is lost; trying to resume for %u s", conn->address, conn->resume_s);
   const enum outcome outcome = try_for(conn, start_ms + 1000 * (int64_t)conn->resume_s, reason);
   if (outcome == RESUMED) {
      vp_log(VP_LOG_WARN, "the connection to %s is back after %.1f s", conn->address,
             (double)(vp_clock_ms() - start_ms) / 1000);
      return true;
   }
   snprintf(text, sizeof(text), "the connection broke and cannot be resumed: %s", reason);
   vp_connection_lose(conn, text);
   return false;
}
