/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_RECORD_COMMAND_BUFFER_H
#define VP_CLIENT_RECORD_COMMAND_BUFFER_H

#include <stdbool.h>

#include "client/link/object.h"
#include "client/link/stream.h"
#include "client/memory/resource.h"
#include "common/wire/encoder.h"

struct vp_device;
struct vp_command_pool;

/* Recording writes into memory of the command buffer's own, without any lock; vkEndCommandBuffer puts it into the
 * stream. A long recording goes there in pieces, so that the server executes what is recorded while the application
 * records more, and so that it takes no more memory than a short one. */
struct vp_command_buffer {
   struct vp_object base;
   struct vp_device *device;
   const VkAllocationCallbacks *allocator;
   struct vp_encoder commands;
   uint64_t recorded; /* commands since vkBeginCommandBuffer */
   bool observable;   /* it may change what the host can look at */
   bool executes;     /* or looks at other command buffers, in what has not been said yet */
   bool recording;
   bool begun;                  /* pieces of a recording that has not ended are in the stream */
   VkResult result;             /* of the pieces; once it is an error, what follows is not said any more */
   uint32_t said;               /* recordings that are in the stream */
   uint32_t current;            /* the number of what is or was recorded last, from 1; 0: nothing */
   _Atomic uint64_t late_error; /* what the server said of a recording: its number, and a VkResult below that */
   VkCommandBufferLevel level;
   struct vp_command_pool *pool;
   struct vp_command_buffer *prev, *next; /* in the pool */
};

/* The command writes to this VkBuffer or VkImage. */
static inline void vp_command_buffer_note_write(struct vp_command_buffer *cmd, uint64_t resource)
{
   if (!VP_FROM_HANDLE(struct vp_resource, resource)->hidden)
      cmd->observable = true;
}

struct vp_command_pool {
   struct vp_object base;
   const VkAllocationCallbacks *allocator;
   struct vp_command_buffer *buffers;
};

/* Puts what was recorded into the stream. An error is kept for vkEndCommandBuffer. */
void vp_command_buffer_say(struct vp_command_buffer *cmd);

/* Whether a command that needs so much at its beginning can be recorded: all that most commands look at. */
static inline bool vp_command_buffer_has_room(const struct vp_command_buffer *cmd, size_t size)
{
   return __builtin_expect(size <= (size_t)(cmd->commands.end - cmd->commands.cur), 1);
}

/* Makes that room: a long recording is said, a short one gets more memory. False without memory, which
 * vkEndCommandBuffer will say. */
bool vp_command_buffer_make_room(struct vp_command_buffer *cmd, size_t size);

/* Of functions that are called so rarely that it should cost those that call them nothing. */
#define VP_RARELY __attribute__((noinline, cold))

/* Takes the room for the next command. */
static inline uint8_t *vp_record(struct vp_command_buffer *cmd, size_t size)
{
   uint8_t *p = cmd->commands.cur;
   cmd->commands.cur += size;
   cmd->recorded++;
   return p;
}

/* The server could not record it, or not all of it. For the receiver. */
void vp_command_buffer_fail(struct vp_command_buffer *cmd, uint32_t recording, int32_t error);

/* The error of its allocation or of its last recording, as far as it is known. */
VkResult vp_command_buffer_error(const struct vp_command_buffer *cmd);

#endif
