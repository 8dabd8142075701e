/* SPDX-License-Identifier: MIT */

/* Finds the worker of a client that comes back over another connection, by the secret id of its session, and the one
 * that waits for such a client for the longest time. */

#include "server/process/returning.h"

#include <string.h>
#include <sys/socket.h>

bool vps_returning_peek(int fd, struct vp_resume *resume)
{
   uint8_t bytes[VP_RESUME_FRAME_SIZE];
   struct vp_frame_header header;
   const ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);

   if (size < VP_FRAME_HEADER_SIZE)
      return false;
   vp_frame_header_load(&header, bytes);
   if (header.type != VP_FRAME_RESUME)
      return false;
   if (header.length != (size_t)size - VP_FRAME_HEADER_SIZE ||
       !vp_resume_load(resume, VP_CLIENT, bytes + VP_FRAME_HEADER_SIZE, header.length))
      *resume = (struct vp_resume){0};
   return true;
}

static bool is_address(const char *user)
{
   return strncmp(user, "address:", strlen("address:")) == 0;
}

struct vps_worker_process *vps_returning_find(struct vps_worker_process *workers, unsigned count,
                                              const struct vp_resume *resume, const struct vps_client *client)
{
   struct vps_worker_process *found = NULL;

   for (unsigned i = 0; i < count; i++) {
      const char *user = workers[i].client.user;
      const bool same = strcmp(user, client->user) == 0 || (is_address(user) && is_address(client->user));
      if (vp_session_is(workers[i].client.session, resume->session) && same && workers[i].handover_fd >= 0 &&
          !workers[i].dismissed && !workers[i].kill_ms)
         found = &workers[i];
   }
   return found;
}

struct vps_worker_process *vps_returning_longest_away(struct vps_worker_process *workers, unsigned count)
{
   struct vps_worker_process *found = NULL;

   for (unsigned i = 0; i < count; i++) {
      vps_worker_process_hear(&workers[i]);
      const int64_t lost_ms = workers[i].news.lost_ms;
      if (lost_ms && !workers[i].dismissed && !workers[i].kill_ms && (!found || lost_ms < found->news.lost_ms))
         found = &workers[i];
   }
   return found;
}
