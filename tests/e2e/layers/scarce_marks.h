/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_SCARCE_MARKS_H
#define VP_TESTS_E2E_SCARCE_MARKS_H

#include <vulkan/vulkan.h>

/* What the layer refuses, and with which result: objects that have this number somewhere (a buffer's size, an image's
 * width, a sampler's least level of detail, a timeline's first value, a pool's count of sets or queries, a module's
 * generator), pipelines without optimization, transient command pools. */
#define MARK 1236
#define MARK_RESULT VK_ERROR_INITIALIZATION_FAILED

/* Memory of these sizes cannot be allocated, mapped, or bound to a buffer. */
#define MARK_ALLOCATE ((VkDeviceSize)61 * 4096)
#define MARK_MAP ((VkDeviceSize)62 * 4096)
#define MARK_BIND ((VkDeviceSize)63 * 4096)

#endif
