/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_SYNC_SHARE_SYNC_H
#define VP_CLIENT_SYNC_SHARE_SYNC_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

/* Whether it is created to be exported by a file descriptor of ours. */
bool vp_semaphore_may_leave(const VkSemaphoreCreateInfo *info);
bool vp_fence_may_leave(const VkFenceCreateInfo *info);

#endif
