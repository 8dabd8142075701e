/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_SHARING_H
#define VP_SERVER_CORE_SHARING_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "server/core/device_memory.h"
#include "server/process/share_desk.h"
#include "server/vp_dispatch.h"

struct vps_context;

/* What a session lends others and borrows from them. Of the executing thread. */
struct vps_sharing;

/* Where the listener is asked, whose end becomes its own; -1: nowhere, then the session can only borrow from itself.
 * NULL without memory. */
struct vps_sharing *vps_sharing_create(int end);
void vps_sharing_destroy(struct vps_sharing *sharing);

/* A token for a descriptor of the driver's, which becomes the store's. memory: the id of the memory that it is of, or
 * 0.
 */
VkResult vps_sharing_lend(struct vps_context *ctx, const struct vps_share_facts *facts, uint64_t memory, int fd,
                          VkTokenVP *token);

/* The descriptor for a token, which becomes the caller's. */
enum vps_share_answer vps_sharing_borrow(struct vps_context *ctx, const struct vps_share_facts *facts,
                                         const VkTokenVP *token, int *fd);

/* The client has no descriptor with this token any more. */
void vps_sharing_drop(struct vps_context *ctx, const VkTokenVP *token);

/* Whether an allocation is to be exported: others may change it, and it is never mapped. */
bool vps_sharing_lends(const VkMemoryAllocateInfo *info);

/* The memory with this id is freed. False: somebody may still have a descriptor of it, which keeps it; it is on the
 * account until that has gone. */
bool vps_sharing_forgets(struct vps_context *ctx, uint64_t memory, const struct vps_memory_account *account);

#endif
