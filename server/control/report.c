/* SPDX-License-Identifier: MIT */

/* The names of what a report counts. */

#include "server/control/report.h"

#include <stdlib.h>

const char *vps_reject_name(enum vps_reject reject)
{
   static const char *const names[VPS_REJECTS] = {
      [VPS_REJECT_FULL] = "full",       [VPS_REJECT_PROCESS] = "process",     [VPS_REJECT_USER] = "user",
      [VPS_REJECT_STRANGE] = "strange", [VPS_REJECT_SILENT] = "silent",       [VPS_REJECT_PLAIN] = "plain",
      [VPS_REJECT_TLS] = "tls",         [VPS_REJECT_NO_RESUME] = "no-resume",
   };

   return names[reject];
}

const char *vps_frame_kind_name(unsigned kind)
{
   static const char *const names[VPS_FRAME_KINDS] = {
      "raw", "lz4-xor", "lz4", "zstd-xor", "zstd", "jpeg", "h264", "unchanged",
   };

   return names[kind];
}

void vps_report_finish(struct vps_report *report)
{
   free(report->sessions);
   *report = (struct vps_report){0};
}
