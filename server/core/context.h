/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_CONTEXT_H
#define VP_SERVER_CORE_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/error_frame.h"
#include "common/util/arena.h"
#include "common/wire/decoder.h"
#include "common/wire/encoder.h"
#include "server/core/meter.h"
#include "server/core/objects.h"
#include "server/process/options.h"
#include "server/vp_dispatch.h"

struct vps_frame_writer;
struct vps_instance;
struct vps_making;
struct vps_sharing;

/* Pipelines that are being made (server/pipeline/maker.h), in the order of the stream. Of the executing thread; starts
 * zeroed. */
struct vps_makings {
   struct vps_making *first, *last;
   unsigned count;
   size_t size; /* of the temporary memory that they took over */
};

/* How many commands were executed that the tally does not count yet. */
struct vps_executed {
   uint64_t recorded, async, sync; /* as VPS_COUNT_... */
};

/* A session: everything of one client. It belongs to the thread that executes its commands; what other threads need
 * is in the structs of devices, queues and memory. Threads that replay recordings have contexts of their own. */
struct vps_context {
   const struct vps_options *options;
   struct vps_frame_writer *writer;
   PFN_vkGetInstanceProcAddr get_proc_addr; /* where all of Vulkan comes from */
   struct vps_object_table objects;
   struct vps_instance *instance; /* NULL before its creation */

   /* The command that is being executed. */
   struct vp_decoder dec;
   struct vp_arena arena;
   struct vp_encoder enc; /* for its reply */
   uint32_t command;
   bool reply;               /* it wants one */
   bool failed;              /* the session is over; `error` says why */
   bool apart;               /* all commands must be recorded into one command buffer: */
   uint64_t recorded_into;   /* its id */
   bool refused;             /* it is poisoned because a quota is used up */
   VkResult poison;          /* of the first unusable object that it uses, or VK_SUCCESS */
   struct vps_object **used; /* all objects that it uses, in the order of its data */
   unsigned used_count, used_capacity;
   struct vps_object *target; /* the command buffer of the last recorded command; may be something else by now */
   struct vps_makings makings;
   struct vps_sharing *sharing; /* what it lends other sessions; NULL: nothing yet */
   struct vps_device *strained; /* its reserve is to be filled at the end of the command; or NULL */

   struct vps_meter meter;
   struct vps_executed executed;

   uint64_t stream_offset; /* of the data that is being executed */
   uint64_t reply_count;   /* that were sent */

   struct vp_error error;
   bool grown;           /* a command has taken much memory since the last vps_context_shrink */
   bool abandoned;       /* the GPU is still busy with something that should have been destroyed */
   atomic_bool has_lost; /* a device, since all of them were last looked at */
};

/* `writer` must live longer than the context; its own fd may be -1. Nothing is loaded before the client creates an
 * instance, all of it by get_proc_addr. False without memory. */
bool vps_context_init(struct vps_context *ctx, const struct vps_options *options, struct vps_frame_writer *writer,
                      PFN_vkGetInstanceProcAddr get_proc_addr);

/* A context for another thread, which uses the objects of a session's own. It can execute nothing but recordings. Ended
 * by vps_context_finish_beside(), before the other one. */
void vps_context_init_beside(struct vps_context *ctx, const struct vps_context *session);
void vps_context_finish_beside(struct vps_context *ctx);

/* Destroys all that the client has left, but what the GPU is still busy with: then ctx->abandoned is set, and the
 * process should end without more ado. */
void vps_context_finish(struct vps_context *ctx);

/* Between two frames: gives back what commands of unusual size have made grow, all but a part of it to the system. */
void vps_context_shrink(struct vps_context *ctx);

/* The next commands come from this data. */
void vps_context_decode(struct vps_context *ctx, const uint8_t *data, size_t size);

/* Ends the session with a sentence; the first one counts. It gets the name of the current command. */
void vps_fail(struct vps_context *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The driver lacks the function of the current command. */
void vps_missing_function(struct vps_context *ctx);

/* Zeroed memory until the end of the command. NULL ends the session. */
void *vps_alloc(struct vps_context *ctx, uint64_t count, size_t size);

/* vps_decoded() when it is not. */
bool vps_not_decoded(struct vps_context *ctx);

/* After decoding: whether the command is well-formed and begins with an object of that type
 * (VK_OBJECT_TYPE_UNKNOWN: any). */
static inline bool vps_decoded(struct vps_context *ctx, int32_t first_type)
{
   return (!ctx->failed && !ctx->dec.error &&
           (first_type == VK_OBJECT_TYPE_UNKNOWN || (ctx->used_count && ctx->used[0]->type == first_type))) ||
          vps_not_decoded(ctx);
}

/* Notes that the command uses an object, for which there is room. */
static inline void vps_note_used(struct vps_context *ctx, struct vps_object *object)
{
   ctx->used[ctx->used_count++] = object;
   if (__builtin_expect(object->poison != VK_SUCCESS, 0) && ctx->poison == VK_SUCCESS)
      ctx->poison = object->poison;
}

/* The object with this id, noted as used, with its poison. NULL ends the session. */
struct vps_object *vps_use(struct vps_context *ctx, int32_t type, uint64_t id);

/* The same as the driver's handle, or 0. */
uint64_t vps_use_handle(struct vps_context *ctx, int32_t type, uint64_t id);

/* The same without poison: for what ends with the command. */
struct vps_object *vps_find(struct vps_context *ctx, int32_t type, uint64_t id);

/* The command buffer of a recorded command: mostly that of the one before. Its handle, or 0. */
uint64_t vps_use_target(struct vps_context *ctx, uint64_t id);

/* Says what is wrong with a command that cannot be recorded, or makes its command buffer unusable. Returns false. */
bool vps_not_recordable(struct vps_context *ctx);

/* The first used object of a type, or NULL. */
struct vps_object *vps_used(const struct vps_context *ctx, int32_t type);

/* Makes all used objects of a type unusable. */
void vps_poison_used(struct vps_context *ctx, int32_t type, VkResult result);

/* Whether an id can be given to a new object; otherwise the session ends. */
bool vps_check_new(struct vps_context *ctx, uint64_t id);

/* Before a command makes so many objects: where a quota does not have them, the command is poisoned. */
void vps_admit(struct vps_context *ctx, uint64_t count);

/* Enters a new object whose parent is the command's first one. NULL ends the session. */
struct vps_object *vps_add(struct vps_context *ctx, int32_t type, uint64_t id, uint64_t handle);
struct vps_object *vps_add_child(struct vps_context *ctx, int32_t type, uint64_t id, uint64_t handle,
                                 struct vps_object *parent);

/* After a creation: enters the object, or, when there is none because of an error and the client waits for no reply,
 * tells it and poisons the id. Returns the object if it is usable. When it cannot be entered the session ends, and the
 * driver's object is destroyed, unless it ends with the parent or with a state that the caller has made. */
struct vps_object *vps_created(struct vps_context *ctx, int32_t type, uint64_t id, uint64_t handle, VkResult result);
struct vps_object *vps_created_child(struct vps_context *ctx, int32_t type, uint64_t id, uint64_t handle,
                                     VkResult result, struct vps_object *parent);

/* A command about an object has failed and the client waits for no reply: tells it and poisons the object. */
void vps_object_failed(struct vps_context *ctx, struct vps_object *object, VkResult result);

/* The same for the object that the command was about. */
void vps_not_done(struct vps_context *ctx, VkResult result);

/* vkDestroy...: ends an object of the command's device; id 0 is fine. */
void vps_destroy(struct vps_context *ctx, int32_t type, uint64_t id);

/* Sends what is in ctx->enc as the reply. */
void vps_send_reply(struct vps_context *ctx);

#endif
