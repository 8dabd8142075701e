/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_QUEUE_SEMAPHORE_H
#define VP_SERVER_QUEUE_SEMAPHORE_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_context;
struct vps_object;

/* A timeline semaphore of the client's, whose value other threads may ask for. */
struct vps_timeline;

/* The one with this handle that the current command uses, held; NULL: there is none. For the executing thread. */
struct vps_timeline *vps_timeline_find(const struct vps_context *ctx, VkSemaphore handle);

/* Thread-safe. */
void vps_timeline_unref(struct vps_timeline *timeline);

/* Whether its value is that or more, or it has been destroyed. Thread-safe. */
bool vps_timeline_has_reached(struct vps_timeline *timeline, uint64_t value);

/* Of the executing thread: VkSemaphoreType; whether it may be exported. */
VkSemaphoreType vps_semaphore_type(const struct vps_object *object);
bool vps_semaphore_may_leave(const struct vps_object *object);

/* Others may wait for it or signal it from now on. */
void vps_semaphore_lend(struct vps_context *ctx, struct vps_object *object);

#endif
