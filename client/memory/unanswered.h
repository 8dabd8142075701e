/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MEMORY_UNANSWERED_H
#define VP_CLIENT_MEMORY_UNANSWERED_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vp_device;

/* Bytes that were allocated or mapped without waiting for an answer. The server keeps a reserve for them, of which at
 * most half is used so. Thread-safe. */

/* Whether the server might have no memory for that much more of what it is told without waiting, so that the
 * application must hear the answer. Otherwise it is counted. */
bool vp_unanswered_exceeds(struct vp_device *device, uint32_t heap, VkDeviceSize size);

/* What was said up to now, and, after an answer to something that was said later, that all of it is there. */
uint64_t vp_unanswered_said(struct vp_device *device);
void vp_unanswered_settle(struct vp_device *device, uint64_t said);

#endif
