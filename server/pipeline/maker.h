/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_MAKER_H
#define VP_SERVER_PIPELINE_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vp_context;
struct vps_creation;
struct vps_device;
struct vps_making;

/* Pipelines that an application's threads create side by side are made by several threads here, too. The executing
 * thread decodes the command, enters the new objects as pending (VPS_OBJECT_PENDING), and goes on; who looks for one of
 * them waits. What a creation may use is destroyed after it, in the order of the stream. */

/* What is under way, in the order of the stream. Of the executing thread; starts zeroed. */
struct vps_makings {
   struct vps_making *first, *last;
   unsigned count;
   size_t size; /* of the temporary memory that they took over */
};

/* How many threads suit this machine. */
unsigned vps_maker_suitable(void);

/* From now on so many threads make pipelines of this process; with 0 the executing thread makes them itself. They are
 * started when there is something to do, and end with the process. */
void vps_maker_allow(unsigned threads);

/* Lets a thread create the pipelines of the current command, whose temporary memory it takes over. False when that is
 * better done at once; nothing has been done then. */
bool vps_maker_start(struct vp_context *ctx, const struct vps_creation *creation);

/* The driver's object, which may be used by what is under way, is destroyed when it is not any more. False when it can
 * be destroyed now. */
bool vps_maker_put_off(struct vps_device *device, int32_t type, uint64_t handle);

/* Completes the creation of a pending object. False when the id is of no such object. */
bool vps_maker_complete(struct vp_context *ctx, uint64_t id);

/* Completes what is done already. */
void vps_maker_reap(struct vp_context *ctx);

/* Completes everything. */
void vps_maker_settle(struct vp_context *ctx);

#endif
