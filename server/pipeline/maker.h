/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_MAKER_H
#define VP_SERVER_PIPELINE_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_context;
struct vps_creation;

/* Pipelines that an application's threads create side by side are made by several threads here, too. The executing
 * thread decodes the command, enters the new objects as pending (VPS_OBJECT_PENDING), and goes on; who looks for one of
 * them waits. What a creation may use is destroyed after it, in the order of the stream. */

/* How many threads suit this machine. */
unsigned vps_maker_suitable(void);

/* From now on so many threads make pipelines of this process; with 0 the executing thread makes them itself. They are
 * started when there is something to do, and end with the process. */
void vps_maker_allow(unsigned threads);

/* Lets a thread create the pipelines of the current command, whose temporary memory it takes over. False when that is
 * better done at once; nothing has been done then. */
bool vps_maker_start(struct vps_context *ctx, const struct vps_creation *creation);

/* Completes what is done already. */
void vps_maker_reap(struct vps_context *ctx);

/* Completes everything. */
void vps_maker_settle(struct vps_context *ctx);

#endif
