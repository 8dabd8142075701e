/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_CODEC_CHECK_H
#define VP_UNIT_CODEC_CHECK_H

#include <string.h>

#include "client/link/object.h"
#include "common/util/arena.h"
#include "tools/vp_check_table.h"

/* For programs that give any bytes to the codecs of both sides. */

/* Handles need something to point to: an object made up for each id. */
static inline uint64_t codec_object(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   (void)type;
   struct vp_object *object = vp_dec_alloc(dec, 1, sizeof(*object));
   if (object)
      object->id = id;
   return (uint64_t)(uintptr_t)object;
}

static inline const struct vp_check_command *codec_find(uint32_t number)
{
   for (size_t i = 0; i < sizeof(vp_check_commands) / sizeof(*vp_check_commands); i++) {
      if (vp_check_commands[i].number == number)
         return &vp_check_commands[i];
   }
   return NULL;
}

/* A request as the server reads it; call stays in the arena. */
struct codec_call {
   const struct vp_check_command *command; /* NULL: the number is unknown or missing */
   uint32_t flags;
   void *call;        /* NULL: the request is not valid */
   const char *error; /* why */
};

static inline struct codec_call codec_read_request(const void *data, size_t size, struct vp_arena *arena)
{
   struct codec_call result = {0};
   struct vp_decoder dec;

   vp_decoder_init(&dec, data, size, arena);
   dec.find_handle = codec_object;
   dec.new_handle = codec_object;
   result.command = codec_find(vp_dec_u32(&dec));
   result.flags = vp_dec_u32(&dec);
   if (dec.error || !result.command) {
      result.command = NULL;
      result.error = "there is no known command";
      return result;
   }
   result.call = vp_dec_alloc(&dec, 1, result.command->size);
   if (result.call)
      result.command->decode(&dec, result.call);
   if (!dec.error && dec.cur != dec.end)
      vp_dec_fail(&dec, "trailing data");
   result.error = dec.error;
   if (dec.error)
      result.call = NULL;
   return result;
}

/* The reply as the client reads it, into the outputs of the call. NULL or what is wrong with it. */
static inline const char *codec_read_reply(const struct codec_call *call, const void *data, size_t size,
                                           struct vp_arena *arena)
{
   struct vp_decoder dec;

   vp_decoder_init(&dec, data, size, arena);
   dec.keep_ids = true;
   call->command->reply(&dec, call->call);
   if (!dec.error && dec.cur != dec.end)
      vp_dec_fail(&dec, "trailing data");
   return dec.error;
}

#endif
