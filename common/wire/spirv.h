/* SPDX-License-Identifier: MIT */
#ifndef VP_WIRE_SPIRV_H
#define VP_WIRE_SPIRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The form of SPIR-V modules: a header, then instructions, each of which begins with its length in words (the high
 * half) and its opcode. */
#define VP_SPIRV_MAGIC 0x07230203u
#define VP_SPIRV_HEADER_WORDS 5u
#define VP_SPIRV_BOUND 3u             /* the word of the header that all ids are below, */
#define VP_SPIRV_MAX_BOUND (1u << 22) /* which is at most this, says the specification */

/* The length of the instruction that begins there; 0 when it does not fit. */
static inline size_t vp_spirv_length(const uint32_t *words, size_t count, size_t at)
{
   const size_t length = words[at] >> 16;
   return length <= count - at ? length : 0;
}

/* Copies the instructions that declare entry points whose functions are there, and returns how many words they have.
 * `out` NULL: only counts. 0 for a module that is malformed. */
size_t vp_spirv_entry_points(const uint32_t *words, size_t count, uint32_t *out);

/* Whether one of them has this execution model and name. */
bool vp_spirv_has_entry_point(const uint32_t *entry_points, size_t count, uint32_t model, const char *name);

#endif
