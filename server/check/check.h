/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CHECK_H
#define VP_SERVER_CHECK_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

#include "server/core/context.h"
#include "server/memory/buffer.h"

struct vps_set_layout;

/* What drivers trust a program with is checked before they see it; protocol/checks.table says what. A check that fails
 * ends the session and returns false. */

/* Whether [offset, offset + size) lies in something of this size. */
static inline bool vps_fits(VkDeviceSize offset, VkDeviceSize size, VkDeviceSize whole)
{
   return offset <= whole && size <= whole - offset;
}

/* The same where VK_WHOLE_SIZE is all that is behind the offset. */
static inline bool vps_part_fits(VkDeviceSize offset, VkDeviceSize size, VkDeviceSize whole)
{
   return size == VK_WHOLE_SIZE ? offset <= whole : vps_fits(offset, size, whole);
}

/* Say what is wrong. Return false. */
bool vps_refuse_range(struct vps_context *ctx, const char *name, VkDeviceSize offset, VkDeviceSize size,
                      VkDeviceSize whole);
bool vps_refuse_slots(struct vps_context *ctx, uint32_t first, uint32_t count, uint32_t limit, const char *name);

/* The buffer is the command's used object number `which`. */
static inline VkDeviceSize vps_buffer_size(const struct vps_context *ctx, unsigned which)
{
   const struct vps_buffer *buffer = ctx->used[which]->state;
   return buffer->size;
}

static inline bool vps_check_range(struct vps_context *ctx, unsigned which, const char *name, VkDeviceSize offset,
                                   VkDeviceSize size)
{
   const VkDeviceSize whole = vps_buffer_size(ctx, which);
   return __builtin_expect(vps_fits(offset, size, whole), 1) || vps_refuse_range(ctx, name, offset, size, whole);
}

static inline bool vps_check_part(struct vps_context *ctx, unsigned which, const char *name, VkDeviceSize offset,
                                  VkDeviceSize size)
{
   const VkDeviceSize whole = vps_buffer_size(ctx, which);
   return __builtin_expect(vps_part_fits(offset, size, whole), 1) || vps_refuse_range(ctx, name, offset, size, whole);
}

/* `count` structs of `size` bytes, which is less than 4 GiB, as often as not at once. */
static inline bool vps_check_commands(struct vps_context *ctx, unsigned which, const char *name, VkDeviceSize offset,
                                      uint32_t count, uint32_t stride, uint32_t size)
{
   return count == 0 || vps_check_range(ctx, which, name, offset, ((VkDeviceSize)count - 1) * stride + size);
}

static inline bool vps_check_slots(struct vps_context *ctx, uint32_t first, uint32_t count, uint32_t limit,
                                   const char *name)
{
   return __builtin_expect((uint64_t)first + count <= limit, 1) || vps_refuse_slots(ctx, first, count, limit, name);
}

/* What drivers keep of a layout in tables of a fixed size: so many sets, and these push constants. */
bool vps_check_layout(struct vps_context *ctx, uint32_t sets, uint32_t count, const VkPushConstantRange *ranges);

/* Descriptors that are to be written to a set of this layout (NULL: not known). `at` is a place in ctx->used, from
 * where on the writes' objects are found; moved behind them. */
bool vps_check_write(struct vps_context *ctx, const struct vps_set_layout *layout, const VkWriteDescriptorSet *write,
                     unsigned *at);

#endif
