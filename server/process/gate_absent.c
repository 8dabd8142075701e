/* SPDX-License-Identifier: MIT */

/* A build without TLS has no gate, and so no server with keys. */

#include "common/util/log.h"
#include "server/process/gate.h"

int vps_gate_run(int fd, const struct vps_options *options)
{
   (void)fd;
   (void)options;
   vp_log(VP_LOG_ERROR, "TLS: this build of venus-server has none (it was made with -DVP_TLS=OFF)");
   return 1;
}
