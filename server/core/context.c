/* SPDX-License-Identifier: MIT */

/* A session's state and its rules: ids of a command become the driver's handles while it is decoded, what it creates or
 * destroys is entered, and what breaks a rule ends the session. */

#include "server/core/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/net/frame.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/core/host_memory.h"
#include "server/core/instance.h"
#include "server/core/quota.h"
#include "server/core/reserve.h"
#include "server/core/sharing.h"

/* Temporary memory of one command. */
#define ARENA_LIMIT ((size_t)1 << 30)

/* More than this is not kept for the next reply. */
#define KEEP_REPLY ((size_t)2 << 20)

/* Objects that a command may use before there must be more room. */
#define FIRST_USED 64u

/* The target when there is none. */
static struct vps_object nothing;

bool vps_context_init(struct vps_context *ctx, const struct vps_options *options, struct vps_frame_writer *writer,
                      PFN_vkGetInstanceProcAddr get_proc_addr)
{
   *ctx = (struct vps_context){
      .options = options,
      .writer = writer,
      .get_proc_addr = get_proc_addr,
      .command = VP_ERROR_NO_COMMAND,
      .target = &nothing,
   };
   vp_arena_init(&ctx->arena, ARENA_LIMIT);
   if (!vp_encoder_init(&ctx->enc))
      return false;
   if (vps_object_table_init(&ctx->objects))
      return true;
   vp_encoder_finish(&ctx->enc);
   return false;
}

void vps_context_init_beside(struct vps_context *ctx, const struct vps_context *session)
{
   *ctx = (struct vps_context){
      .options = session->options,
      .writer = session->writer,
      .get_proc_addr = session->get_proc_addr,
      .objects = session->objects,
      .command = VP_ERROR_NO_COMMAND,
      .target = &nothing,
   };
   vp_arena_init(&ctx->arena, ARENA_LIMIT);
}

void vps_context_finish_beside(struct vps_context *ctx)
{
   vp_arena_finish(&ctx->arena);
   free(ctx->used);
   ctx->used = NULL;
}

void vps_context_finish(struct vps_context *ctx)
{
   if (ctx->instance)
      vps_object_destroy(ctx->instance->object);
   vps_sharing_destroy(ctx->sharing);
   ctx->sharing = NULL;
   vps_object_table_finish(&ctx->objects);
   vp_encoder_finish(&ctx->enc);
   vps_context_finish_beside(ctx);
}

void vps_context_shrink(struct vps_context *ctx)
{
   if (ctx->used_capacity > FIRST_USED) {
      struct vps_object **fewer = realloc(ctx->used, FIRST_USED * sizeof(*fewer));
      ctx->used = fewer ? fewer : ctx->used;
      ctx->used_capacity = fewer ? FIRST_USED : ctx->used_capacity;
   }
   vp_encoder_trim(&ctx->enc, KEEP_REPLY);
   ctx->grown = false;
}

/* --- errors --- */

static const char *command_name(const struct vps_context *ctx)
{
   const struct vps_dispatch *entry = vps_dispatch_find(ctx->command);
   return entry ? entry->name : NULL;
}

void vps_fail(struct vps_context *ctx, const char *format, ...)
{
   char reason[VP_ERROR_TEXT_SIZE];
   va_list arguments;

   if (ctx->failed)
      return;
   ctx->failed = true;
   va_start(arguments, format);
   vsnprintf(reason, sizeof(reason), format, arguments);
   va_end(arguments);

   const char *name = command_name(ctx);
   ctx->error.command = ctx->command;
   ctx->error.offset = ctx->stream_offset + (uint64_t)(ctx->dec.cur - ctx->dec.start);
   if (name)
      snprintf(ctx->error.text, sizeof(ctx->error.text), "%s: %.400s", name, reason);
   else
      snprintf(ctx->error.text, sizeof(ctx->error.text), "%s", reason);
}

void vps_missing_function(struct vps_context *ctx)
{
   vps_fail(ctx, "the GPU's driver does not have this command, or its extension was not enabled");
}

void *vps_alloc(struct vps_context *ctx, uint64_t count, size_t size)
{
   void *memory = count <= SIZE_MAX ? vp_arena_alloc_array(&ctx->arena, (size_t)count, size) : NULL;
   if (!memory)
      vps_fail(ctx, "the command needs too much temporary memory");
   return memory;
}

bool vps_not_decoded(struct vps_context *ctx)
{
   vps_fail(ctx, "%s", ctx->dec.error ? ctx->dec.error : "its first object is missing");
   return false;
}

/* --- objects --- */

/* Says why an id of a command cannot be used. Returns NULL. */
static struct vps_object *refuse_object(struct vps_context *ctx, int32_t type, uint64_t id)
{
   const struct vps_object *object = vps_object_find(&ctx->objects, id);

   if (!object)
      vps_fail(ctx, "there is no object with the id %#llx", (unsigned long long)id);
   else if (object->type != type)
      vps_fail(ctx, "the object with the id %#llx is of type %d instead of %d", (unsigned long long)id, object->type,
               type);
   else
      vps_fail(ctx, "the object with the id %#llx belongs to another device", (unsigned long long)id);
   vp_dec_fail(&ctx->dec, "an object cannot be used");
   return NULL;
}

/* The object, or NULL when the command cannot use it. */
static inline struct vps_object *look_up(const struct vps_context *ctx, int32_t type, uint64_t id)
{
   struct vps_object *object = vps_object_find(&ctx->objects, id);
   const struct vps_device *device = ctx->used_count ? ctx->used[0]->device : NULL;

   return object && object->type == type && (!device || !object->device || object->device == device) ? object : NULL;
}

struct vps_object *vps_find(struct vps_context *ctx, int32_t type, uint64_t id)
{
   struct vps_object *object = look_up(ctx, type, id);
   if (!object && vps_object_complete(ctx, id))
      object = look_up(ctx, type, id);
   return object ? object : refuse_object(ctx, type, id);
}

struct vps_object *vps_use(struct vps_context *ctx, int32_t type, uint64_t id)
{
   struct vps_object *object = vps_find(ctx, type, id);
   if (object && ctx->used_count == ctx->used_capacity) {
      const unsigned capacity = ctx->used_capacity ? ctx->used_capacity * 2 : FIRST_USED;
      struct vps_object **used = realloc(ctx->used, capacity * sizeof(*used));
      if (!used) {
         vps_fail(ctx, "the server is out of memory");
         return NULL;
      }
      ctx->used = used;
      ctx->used_capacity = capacity;
   }
   if (object)
      vps_note_used(ctx, object);
   return object;
}

uint64_t vps_use_handle(struct vps_context *ctx, int32_t type, uint64_t id)
{
   const struct vps_object *object = vps_use(ctx, type, id);
   return object ? object->handle : 0;
}

static uint64_t find_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   struct vps_context *ctx = dec->context;
   struct vps_object *object = look_up(ctx, type, id);

   if (!object || ctx->used_count == ctx->used_capacity)
      return vps_use_handle(ctx, type, id);
   vps_note_used(ctx, object);
   return object->handle;
}

static uint64_t new_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   (void)dec;
   (void)type;
   return id;
}

void vps_context_decode(struct vps_context *ctx, const uint8_t *data, size_t size)
{
   ctx->target = &nothing; /* a long recording is looked at again now and then */
   vp_decoder_init(&ctx->dec, data, size, &ctx->arena);
   ctx->dec.find_handle = find_handle;
   ctx->dec.new_handle = new_handle;
   ctx->dec.context = ctx;
}

/* The client hears of it when it begins to be short. */
static enum vps_host_memory look_at_host_memory(struct vps_context *ctx, struct vps_device *device)
{
   const enum vps_host_memory memory = vps_host_memory_look();

   if (memory != VPS_HOST_MEMORY_THERE && device && !device->reserve.missed)
      ctx->strained = device;
   return memory;
}

uint64_t vps_use_target(struct vps_context *ctx, uint64_t id)
{
   ctx->poison = VK_SUCCESS;
   ctx->used_count = 0;
   struct vps_object *object = id ? vps_use(ctx, VK_OBJECT_TYPE_COMMAND_BUFFER, id) : NULL;
   ctx->target = object ? object : &nothing;
   if (object && !object->poison && look_at_host_memory(ctx, object->device) == VPS_HOST_MEMORY_FULL) {
      vps_quota_report(VPS_QUOTA_HOST_MEMORY);
      object->poison = ctx->poison = VK_ERROR_OUT_OF_HOST_MEMORY; /* told at its end */
   }
   return ctx->target->handle;
}

bool vps_not_recordable(struct vps_context *ctx)
{
   if (vps_decoded(ctx, VK_OBJECT_TYPE_COMMAND_BUFFER))
      ctx->used[0]->poison = ctx->poison;
   return false;
}

struct vps_object *vps_used(const struct vps_context *ctx, int32_t type)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      if (ctx->used[i]->type == type)
         return ctx->used[i];
   }
   return NULL;
}

void vps_poison_used(struct vps_context *ctx, int32_t type, VkResult result)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      if (ctx->used[i]->type == type && ctx->used[i]->poison == VK_SUCCESS)
         ctx->used[i]->poison = result;
   }
}

bool vps_check_new(struct vps_context *ctx, uint64_t id)
{
   const char *problem = vps_object_reserve(&ctx->objects, id, ctx->used, ctx->used_count);
   if (problem)
      vps_fail(ctx, "%s (%#llx)", problem, (unsigned long long)id);
   return !problem;
}

static bool has_room_for(uint64_t count, bool full)
{
   if (!full && vps_quota_has_room(VPS_QUOTA_OBJECTS, count))
      return true;
   vps_quota_report(full ? VPS_QUOTA_HOST_MEMORY : VPS_QUOTA_OBJECTS);
   return false;
}

void vps_admit(struct vps_context *ctx, uint64_t count)
{
   struct vps_device *device = ctx->used_count ? ctx->used[0]->device : NULL;
   const enum vps_host_memory memory = look_at_host_memory(ctx, device);

   if (ctx->poison)
      return;
   const bool full = memory == VPS_HOST_MEMORY_FULL && !(device && vps_reserve_lend(device, count));
   while (!has_room_for(count, full)) {
      if (vps_try_again(ctx, VK_ERROR_OUT_OF_HOST_MEMORY))
         continue;
      ctx->poison = VK_ERROR_OUT_OF_HOST_MEMORY;
      ctx->refused = true;
      return;
   }
}

struct vps_object *vps_add_child(struct vps_context *ctx, int32_t type, uint64_t id, uint64_t handle,
                                 struct vps_object *parent)
{
   /* The command may have given the slot to another of its new objects. */
   return vps_check_new(ctx, id) ? vps_object_add(&ctx->objects, type, id, handle, parent) : NULL;
}

struct vps_object *vps_add(struct vps_context *ctx, int32_t type, uint64_t id, uint64_t handle)
{
   return vps_add_child(ctx, type, id, handle, ctx->used_count ? ctx->used[0] : NULL);
}

void vps_object_failed(struct vps_context *ctx, struct vps_object *object, VkResult result)
{
   object->poison = result;
   vps_frame_writer_send_object_error(ctx->writer, object->id, ctx->command, result, vps_object_recording(object));
}

struct vps_object *vps_created_child(struct vps_context *ctx, int32_t type, uint64_t id, uint64_t handle,
                                     VkResult result, struct vps_object *parent)
{
   if (!handle && result >= 0)
      return NULL;

   struct vps_object *object = vps_add_child(ctx, type, id, handle, parent);
   if (!object && handle && parent && parent->device)
      vps_destroy_handle(parent->device, type, handle);
   if (!object || handle)
      return object;

   object->poison = ctx->poison ? ctx->poison : result;
   if ((!ctx->poison || ctx->refused) && !ctx->reply) /* else the client knows already, or hears it from the reply */
      vps_object_failed(ctx, object, result);
   else if (ctx->poison && type == VK_OBJECT_TYPE_PIPELINE) /* of these a client may wait to hear */
      vps_frame_writer_send_no_executables(ctx->writer, id);
   else if (ctx->poison && type == VK_OBJECT_TYPE_ACCELERATION_STRUCTURE_KHR)
      vps_frame_writer_send_address(ctx->writer, id, 0);
   return NULL;
}

struct vps_object *vps_created(struct vps_context *ctx, int32_t type, uint64_t id, uint64_t handle, VkResult result)
{
   return vps_created_child(ctx, type, id, handle, result, ctx->used_count ? ctx->used[0] : NULL);
}

void vps_not_done(struct vps_context *ctx, VkResult result)
{
   vps_object_failed(ctx, ctx->used[ctx->used_count > 1 ? 1 : 0], result);
}

void vps_destroy(struct vps_context *ctx, int32_t type, uint64_t id)
{
   struct vps_object *object = id ? vps_find(ctx, type, id) : NULL;
   if (object)
      vps_object_destroy(object);
   vps_host_memory_note_freed();
   if (ctx->used_count)
      vps_reserve_want(ctx, ctx->used[0]->device, false);
}

/* --- replies --- */

void vps_send_reply(struct vps_context *ctx)
{
   vps_reserve_settle(ctx); /* the client hears of a shortage before it goes on */
   if (ctx->enc.failed)
      vps_fail(ctx, "the server has no memory for the reply");
   else if (vp_encoder_size(&ctx->enc) > VP_FRAME_MAX_PAYLOAD)
      vps_fail(ctx, "the reply is too long");
   else
      vps_frame_writer_send(ctx->writer, VP_FRAME_REPLY, ctx->reply_count++, ctx->enc.start, vp_encoder_size(&ctx->enc),
                            NULL, 0);
   ctx->grown = ctx->grown || vp_encoder_size(&ctx->enc) > KEEP_REPLY;
}
