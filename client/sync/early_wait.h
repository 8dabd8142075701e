/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_SYNC_EARLY_WAIT_H
#define VP_CLIENT_SYNC_EARLY_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vp_queue;

/* A wait that nobody can see through need not wait for the GPU: where the batches that run can have changed nothing
 * that the host can look at, they count as complete when all that they need has left the application's memory. In place
 * of the wait a command goes into the stream: the server waits before it goes on, so that all that follows comes after
 * them, as the application believes. */

/* Whether the end of these batches, which go to a queue, could be seen by other means than a wait: of a command buffer
 * that is `observable`, or because they wait for another queue or for something that the host has yet to do. */
bool vp_submits_show(const struct vp_queue *queue, const VkSubmitInfo *submits, uint32_t count);
bool vp_submits2_show(const struct vp_queue *queue, const VkSubmitInfo2 *submits, uint32_t count);

/* Lets the batches of a queue up to a serial count as complete if that cannot be seen, within *timeout nanoseconds, of
 * which what is left remains. No lock may be held. */
void vp_queue_complete_early(struct vp_queue *queue, uint64_t serial, uint64_t *timeout);

#endif
