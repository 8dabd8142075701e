/* SPDX-License-Identifier: MIT */
/* Compute shaders write words of a mapped buffer while the host writes the words between them: by descriptors of all
 * kinds, which get what they say in all ways, and by the buffer's address. */
#include <stdlib.h>

#include "stress.h"

#define SIZE 163840u
#define MAX_WRITES 5

struct shader {
   struct mirror mirror;
   struct area decoy; /* what a descriptor that is written late says before */
   struct program program;
   uint32_t base;                    /* where the target of this round begins in the buffer */
   uint32_t words;                   /* in the target */
   uint32_t begin, end, step, phase; /* the words of the GPU: of [begin, end) those at a multiple of step, plus phase */
};

static uint32_t alignment_of(const struct world *world, enum program_kind kind)
{
   const VkDeviceSize texels = world->texel_alignment < 4 ? 4 : world->texel_alignment;
   return kind == PROGRAM_ADDRESS ? 4 : (uint32_t)(kind == PROGRAM_TEXELS ? texels : world->storage_alignment);
}

/* The rest of the words is the host's in this round. */
static void deal_words(struct worker *w, struct shader *state)
{
   const uint32_t alignment = alignment_of(w->world, state->program.kind);
   state->base = below(&w->random, SIZE / 2 / alignment) * alignment;
   state->words = (SIZE - state->base) / 4;
   state->step = 1 + below(&w->random, 5);
   state->phase = below(&w->random, state->step);
   state->begin = below(&w->random, state->words / 2);
   state->end = state->words - below(&w->random, state->words / 4);
}

static bool is_of_gpu(const struct shader *state, uint32_t word)
{
   return word >= state->begin && word < state->end && word % state->step == state->phase;
}

static struct program_write random_write(struct worker *w, const struct shader *state)
{
   struct program_write write = {
      .first = state->begin + below(&w->random, (state->end - state->begin) / 2),
      .step = state->step,
      .add = one_in(&w->random, 3),
      .value = (uint32_t)next_random(&w->random),
   };
   while (!is_of_gpu(state, write.first))
      write.first++;
   write.count = 1 + below(&w->random, (state->end - 1 - write.first) / state->step);
   return write;
}

/* Single bytes and pieces of words between those of the GPU. */
static void change_other_words(struct worker *w, struct shader *state)
{
   for (unsigned i = below(&w->random, 60); i > 0; i--) {
      const uint32_t word = below(&w->random, state->words), first = below(&w->random, 4);
      const uint32_t at = state->base + word * 4 + first;
      if (!is_of_gpu(state, word))
         host_change(w, state->mirror.area.map + at, state->mirror.model + at, 1 + below(&w->random, 4 - first));
   }
}

static void record(struct worker *w, struct shader *state)
{
   struct program_write writes[MAX_WRITES];
   const unsigned count = 1 + below(&w->random, MAX_WRITES);
   const bool late = state->program.kind == PROGRAM_LATE;
   for (unsigned i = 0; i < count; i++) {
      writes[i] = random_write(w, state);
      program_model(state->mirror.model + state->base, &writes[i]);
   }
   const VkDeviceSize size = (VkDeviceSize)state->words * 4;
   program_set_target(w->world, &state->program, late ? state->decoy.buffer : state->mirror.area.buffer,
                      late ? 0 : state->base, size);
   gpu_begin(w);
   program_record(w, &state->program, writes, count);
   if (late)
      program_set_target(w->world, &state->program, state->mirror.area.buffer, state->base, size);
}

static void shader_round(struct worker *w)
{
   struct shader *state = w->part_state;
   deal_words(w, state);
   mirror_change(w, &state->mirror, 0, SIZE);
   record(w, state);
   gpu_submit(w);
   change_other_words(w, state);
   gpu_wait(w);
   if (!one_in(&w->random, 4))
      mirror_compare(w, &state->mirror, "what a shader wrote");
   gpu_recycle(w);
}

static struct shader *shader_create(struct world *world, enum program_kind kind, uint64_t *random)
{
   struct shader *state = must_alloc(sizeof(*state));
   const VkBufferUsageFlags usage =
      kind == PROGRAM_TEXELS ? VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT : VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
   program_create(world, &state->program, kind);
   mirror_create(world, &state->mirror, SIZE,
                 kind == PROGRAM_ADDRESS ? usage | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT : usage, random);
   area_create(world, &state->decoy, SIZE, usage, false);
   return state;
}

static void *storage_create(struct world *world, uint64_t *random)
{
   return shader_create(world, PROGRAM_DESCRIPTOR, random);
}

static void *address_create(struct world *world, uint64_t *random)
{
   return shader_create(world, PROGRAM_ADDRESS, random);
}

static void *late_binding_create(struct world *world, uint64_t *random)
{
   return shader_create(world, PROGRAM_LATE, random);
}

static void *dynamic_offset_create(struct world *world, uint64_t *random)
{
   return shader_create(world, PROGRAM_DYNAMIC, random);
}

static void *copied_descriptor_create(struct world *world, uint64_t *random)
{
   return shader_create(world, PROGRAM_COPIED, random);
}

static void *pushed_descriptor_create(struct world *world, uint64_t *random)
{
   return shader_create(world, PROGRAM_PUSHED, random);
}

static void *texels_create(struct world *world, uint64_t *random)
{
   return shader_create(world, PROGRAM_TEXELS, random);
}

static const char *push_lacks(const struct world *world)
{
   return world->has_push_descriptors ? NULL : "the GPU has no descriptors that are recorded";
}

static const char *address_lacks(const struct world *world)
{
   return world->has_address ? NULL : "the GPU has no buffer addresses";
}

static const char *late_binding_lacks(const struct world *world)
{
   return world->has_update_after_bind ? NULL : "the GPU has no storage buffers that are updated after binding";
}

static void shader_destroy(struct world *world, void *part_state)
{
   struct shader *state = part_state;
   program_destroy(world, &state->program);
   mirror_destroy(world, &state->mirror);
   area_destroy(world, &state->decoy);
   free(state);
}

const struct part part_storage = {
   .name = "storage",
   .threads = 1,
   .create = storage_create,
   .round = shader_round,
   .destroy = shader_destroy,
};

const struct part part_address = {
   .name = "address",
   .threads = 1,
   .lacks = address_lacks,
   .create = address_create,
   .round = shader_round,
   .destroy = shader_destroy,
};

const struct part part_late_binding = {
   .name = "late-binding",
   .threads = 1,
   .lacks = late_binding_lacks,
   .create = late_binding_create,
   .round = shader_round,
   .destroy = shader_destroy,
};

const struct part part_dynamic_offset = {
   .name = "dynamic-offset",
   .threads = 1,
   .create = dynamic_offset_create,
   .round = shader_round,
   .destroy = shader_destroy,
};

const struct part part_copied_descriptor = {
   .name = "copied-descriptor",
   .threads = 1,
   .create = copied_descriptor_create,
   .round = shader_round,
   .destroy = shader_destroy,
};

const struct part part_pushed_descriptor = {
   .name = "pushed-descriptor",
   .threads = 1,
   .lacks = push_lacks,
   .create = pushed_descriptor_create,
   .round = shader_round,
   .destroy = shader_destroy,
};

const struct part part_texels = {
   .name = "texels",
   .threads = 1,
   .create = texels_create,
   .round = shader_round,
   .destroy = shader_destroy,
};
