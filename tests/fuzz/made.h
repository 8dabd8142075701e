/* SPDX-License-Identifier: MIT */
#ifndef VP_FUZZ_MADE_H
#define VP_FUZZ_MADE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/codec_check.h"
#include "tests/unit/golden.h"
#include "tests/vp_visit.h"

/* Requests and replies of every command that the tables make up, in place of golden ones: with all pointers, so many
 * elements in each array, each kind of a union, and all structs that a chain may have. */

#define MADE_ARENA ((size_t)64 << 20)
#define MADE_LARGEST 16000 /* inputs are 20,000 bytes at most */

static inline uint64_t made_handle(struct visit *w, VkObjectType type)
{
   struct vp_object *object = visit_alloc(w, 1, sizeof(*object));
   object->type = type;
   object->id = 3 + w->numbers++ % 1000;
   return (uint64_t)(uintptr_t)object;
}

static inline struct golden_bytes made_copy(const struct vp_encoder *enc)
{
   struct golden_bytes bytes = {.data = malloc(vp_encoder_size(enc) + 1), .size = vp_encoder_size(enc)};
   if (!bytes.data || enc->failed)
      abort();
   memcpy(bytes.data, enc->start, bytes.size);
   return bytes;
}

/* Whether the list has this request already as its last, or as the one before that. */
static inline bool made_is_there(const struct golden_list *list, const struct vp_encoder *enc)
{
   for (size_t i = list->count; i > 0 && i + 4 > list->count; i--) {
      const struct golden_bytes *other = &list->vectors[i - 1].request;
      if (other->size == vp_encoder_size(enc) && !memcmp(other->data, enc->start, other->size))
         return true;
   }
   return false;
}

struct made_shape {
   const char *name;
   uint64_t n;
   uint32_t turn;
   unsigned chains;
};

static inline void made_add(struct golden_list *list, size_t which, const struct made_shape *shape,
                            struct vp_arena *arena, struct vp_encoder *enc)
{
   const struct vp_check_command *command = &vp_check_commands[which];
   struct visit w = {.fill = true,
                     .arena = arena,
                     .handle = made_handle,
                     .n = shape->n,
                     .period = 7,
                     .turn = shape->turn,
                     .chains = shape->chains};
   void *call = visit_alloc(&w, 1, command->size);

   visit_commands[which](&w, call);
   vp_encoder_reset(enc);
   command->request(enc, 0, call);
   if (vp_encoder_size(enc) <= MADE_LARGEST && !made_is_there(list, enc)) {
      struct golden_vector *vector = golden_new(list);
      vector->request = made_copy(enc);
      snprintf(vector->name, sizeof(vector->name), "%s.%s", command->name, shape->name);
      vp_encoder_reset(enc);
      command->answer(enc, call);
      vector->reply = made_copy(enc);
   }
   vp_arena_reset(arena);
}

/* Adds those of all commands. */
static inline void made_add_all(struct golden_list *list)
{
   static const struct made_shape shapes[] = {
      {"least", 0, 0, 0},  {"chains", 1, 0, 1}, {"deep", 1, 0, 2},
      {"second", 1, 1, 0}, {"third", 1, 2, 0},  {"arrays", 3, 0, 0},
   };
   struct vp_arena arena;
   struct vp_encoder enc;

   vp_arena_init(&arena, MADE_ARENA);
   if (!vp_encoder_init(&enc))
      abort();
   for (size_t i = 0; i < sizeof(vp_check_commands) / sizeof(*vp_check_commands); i++) {
      for (size_t k = 0; k < sizeof(shapes) / sizeof(*shapes); k++)
         made_add(list, i, &shapes[k], &arena, &enc);
   }
   vp_encoder_finish(&enc);
   vp_arena_finish(&arena);
}

#endif
