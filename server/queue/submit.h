/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_QUEUE_SUBMIT_H
#define VP_SERVER_QUEUE_SUBMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_context;

/* These make a batch, which is in temporary memory, signal one more timeline semaphore with a value. False without
 * memory; the session is over then. */
bool vps_submit_add_signal(struct vps_context *ctx, VkSubmitInfo *info, VkSemaphore semaphore, uint64_t value);
bool vps_submit2_add_signal(struct vps_context *ctx, VkSubmitInfo2 *info, VkSemaphore semaphore, uint64_t value);
bool vps_bind_sparse_add_signal(struct vps_context *ctx, VkBindSparseInfo *info, VkSemaphore semaphore, uint64_t value);

/* What the batch says of device groups, or NULL. */
VkDeviceGroupSubmitInfo *vps_submit_find_group(const VkSubmitInfo *info);

/* These take the semaphores that the client has signalled itself (vkSignalBinarySemaphoreVP) out of what such a batch
 * waits for, and make them unsignalled; and those that could not be created out of what it waits for and signals. */
void vps_submit_drop_semaphores(struct vps_context *ctx, VkSubmitInfo *info);
void vps_submit2_drop_semaphores(struct vps_context *ctx, VkSubmitInfo2 *info);
void vps_bind_sparse_drop_semaphores(struct vps_context *ctx, VkBindSparseInfo *info);

#endif
