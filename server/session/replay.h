/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SESSION_REPLAY_H
#define VP_SERVER_SESSION_REPLAY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "common/net/frame.h"

struct vps_context;
struct vps_lane;
struct vps_object;

/* What an application's threads record side by side is recorded into the driver's command buffers side by side, too. A
 * RECORDED frame concerns one command buffer and its pool alone. So the executing thread hands frames of different
 * pools to different threads, those of one pool in their order to one of them, receives the next ones meanwhile, and
 * waits for all threads before it
 * executes anything else. While they run nothing changes but what is a command buffer's own: what they look up stays.
 */

#define VPS_MAX_LANES 8u

/* All is for the executing thread, but `failed`. */
struct vps_replay {
   struct vps_context *ctx;
   unsigned allowed, started;
   struct vps_lane *lanes[VPS_MAX_LANES];
   bool waited_for;    /* nothing was handed over since all was waited for */
   atomic_bool failed; /* something is wrong with what was handed over */
};

/* Threads are started when they are needed, where there are cores for them. */
void vps_replay_start(struct vps_replay *replay, struct vps_context *ctx);

/* Executes what is left, and ends the threads. */
void vps_replay_stop(struct vps_replay *replay);

/* Executes a RECORDED frame now or soon; takes its payload over and gives it another one. False when the session is
 * over, perhaps because of an earlier frame. */
bool vps_replay_run(struct vps_replay *replay, struct vp_frame *frame);

/* Before anything else is executed: waits until all frames are. False when the session is over. */
bool vps_replay_wait(struct vps_replay *replay);

/* Before something is read, for which one may have to wait: until there is something to read, or all frames are
 * executed and it is known what is wrong with one. False when the session is over. */
bool vps_replay_wait_for_data(struct vps_replay *replay, int fd);

#endif
