/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CONTROL_METRICS_H
#define VP_SERVER_CONTROL_METRICS_H

#include "server/control/desk.h"
#include "server/control/report.h"

/* The clerk of --metrics: HTTP, of which it knows GET for /metrics, /healthz and /readyz. Its owner is a struct
 * vps_oversight. */
vps_desk_clerk vps_metrics_answer;

/* A report in the text format of Prometheus. */
void vps_metrics_write(const struct vps_report *report, struct vps_answer *answer);

#endif
