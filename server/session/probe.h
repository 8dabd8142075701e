/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SESSION_PROBE_H
#define VP_SERVER_SESSION_PROBE_H

#include <stdbool.h>

#include "common/net/frame.h"
#include "server/core/context.h"

/* No PROBE frame has more bytes, either way. */
#define VPS_PROBE_MOST (1u << 20)

/* Answers a client that measures the link with as many bytes as it asks for. False: the session is over. */
bool vps_probe_answer(struct vps_context *ctx, const struct vp_frame *frame);

#endif
