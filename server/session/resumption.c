/* SPDX-License-Identifier: MIT */

/* Reads the RESUME frame of a connection that the listener has passed on, answers it, and gives the channel that
 * connection. */

#include "server/session/resumption.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/error_frame.h"
#include "common/net/limits.h"
#include "common/net/resume.h"
#include "common/net/socket.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/text.h"
#include "server/process/handover.h"
#include "server/process/options.h"

/* Where no cable is, what is kept for another connection would be copied in vain, which a fast one notices. */
static bool is_of_this_machine(const struct vps_client *client)
{
   static const char *const starts[] = {"127.", "[::1]", "[::ffff:127."};

   const char *at = strstr(client->peer, " at "); /* behind a name */
   const char *address = at ? at + strlen(" at ") : client->peer;

   for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
      if (strncmp(address, starts[i], strlen(starts[i])) == 0)
         return true;
   }
   return false;
}

unsigned vps_resumption_prepare(struct vps_resumption *resumption, unsigned wanted, unsigned allowed)
{
   if (allowed == VPS_RESUME_AUTO)
      allowed = is_of_this_machine(resumption->client) ? 0 : VPS_RESUME_S;
   unsigned seconds = wanted < allowed ? wanted : allowed;

   if (seconds > 0 && resumption->worker_fd >= 0)
      resumption->history = malloc(VP_CHANNEL_HISTORY);
   if (!resumption->history)
      seconds = 0;
   resumption->keep_seconds = seconds;
   return seconds;
}

void vps_resumption_begin(struct vps_resumption *resumption)
{
   const int keep_ms = (int)resumption->keep_seconds * 1000;

   if (!resumption->history ||
       vp_channel_make_resumable(resumption->channel, resumption->history, VP_CHANNEL_HISTORY, keep_ms, NULL, NULL))
      return;
   free(resumption->history);
   resumption->history = NULL;
}

void vps_resumption_note_lost(struct vps_resumption *resumption)
{
   resumption->lost_ms = vp_clock_ms();
   vps_handover_tell(resumption->worker_fd, VPS_HANDOVER_LOST);
}

void vps_resumption_report(struct vps_resumption *resumption)
{
   if (resumption->said || !vp_channel_is_broken(resumption->channel))
      return;
   resumption->said = true;
   vp_log(VP_LOG_INFO, "the connection to the client is lost; its session is kept for %u s", resumption->keep_seconds);
}

/* All of the frame is there: the listener has looked. */
static bool read_resume(int fd, struct vp_resume *resume)
{
   uint8_t bytes[VP_RESUME_FRAME_SIZE];
   struct vp_frame_header header;

   if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) != (ssize_t)sizeof(bytes))
      return false;
   vp_frame_header_load(&header, bytes);
   return header.type == VP_FRAME_RESUME && header.length == sizeof(bytes) - VP_FRAME_HEADER_SIZE &&
          vp_resume_load(resume, VP_CLIENT, bytes + VP_FRAME_HEADER_SIZE, header.length);
}

static void refuse_resume(int fd, const char *text)
{
   struct vp_error error = {.command = VP_ERROR_NO_COMMAND};

   vp_log(VP_LOG_WARN, "the session is not resumed: %s", text);
   vp_text_copy(error.text, sizeof(error.text), text, strlen(text));
   vp_error_send(fd, &error);
}

static bool resume_over(struct vps_resumption *resumption, int fd)
{
   struct vp_channel *channel = resumption->channel;
   struct vp_resume resume;

   if (!read_resume(fd, &resume) || !vp_session_is(resume.session, resumption->client->session))
      return false;
   const struct vp_resume answer = {.received = vp_channel_hold(channel)};
   const char *problem = !vp_channel_is_resumable(channel) ? "it cannot be"
                         : vp_channel_can_go_on(channel, resume.received)
                            ? NULL
                            : "more was on its way to the client than can be sent again";
   if (!problem && vp_resume_send(fd, &answer, VP_SERVER))
      return vp_channel_adopt(channel, fd, resume.received);
   vp_channel_release(channel);
   if (problem)
      refuse_resume(fd, problem);
   return false;
}

bool vps_resumption_receive(struct vps_resumption *resumption, bool *listens)
{
   struct vps_client client;
   const int fd = vps_handover_receive(resumption->worker_fd, &client);

   *listens = fd >= 0;
   if (fd < 0)
      return false;
   vp_socket_configure(fd);
   const bool resumed = resume_over(resumption, fd);
   close(fd);
   if (!resumed)
      return false;
   vp_log(VP_LOG_INFO, "the session goes on over a connection from %s after %.1f s", client.peer,
          resumption->lost_ms ? (double)(vp_clock_ms() - resumption->lost_ms) / 1000 : 0.0);
   resumption->lost_ms = 0;
   resumption->said = false;
   vps_handover_tell(resumption->worker_fd, VPS_HANDOVER_RESUMED);
   return true;
}
