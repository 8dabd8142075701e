/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_ANY_CLIENT_H
#define VP_UNIT_ANY_CLIENT_H

#include "server/session/worker.h"

/* vps_worker_run for a client without quotas. */
static inline int run_worker_for_any_client(int fd, struct vps_options options)
{
   const struct vps_client client = {
      .peer = "a test", .user = "a test", .account_fd = -1, .page_fd = -1, .share_fd = -1};

   options.quota = options.user_quota = (struct vps_quota_limits)VPS_QUOTA_UNLIMITED;
   return vps_worker_run(fd, &client, &options);
}

#endif
