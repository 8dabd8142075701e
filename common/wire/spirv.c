/* SPDX-License-Identifier: MIT */

/* Walks from instruction to instruction, and lists the OpEntryPoints of a module in which all of them are whole and all
 * functions end. */

#include "common/wire/spirv.h"

#include <string.h>

enum {
   OP_ENTRY_POINT = 15, /* execution model, function, name, variables */
   OP_FUNCTION = 54,    /* type, result, ... */
   OP_FUNCTION_END = 56,
};

static unsigned opcode(uint32_t word)
{
   return word & 0xffff;
}

/* Whether all instructions are whole, and all functions end. */
static bool is_whole(const uint32_t *words, size_t count)
{
   bool inside = false;
   size_t at = VP_SPIRV_HEADER_WORDS;
   if (count < VP_SPIRV_HEADER_WORDS || words[0] != VP_SPIRV_MAGIC)
      return false;
   while (at < count) {
      const size_t length = vp_spirv_length(words, count, at);
      const bool begins = opcode(words[at]) == OP_FUNCTION, ends = opcode(words[at]) == OP_FUNCTION_END;
      if (!length || (begins && (inside || length < 3)) || (ends && !inside))
         return false;
      inside = begins || (inside && !ends);
      at += length;
   }
   return !inside;
}

static bool has_function(const uint32_t *words, size_t count, uint32_t id)
{
   for (size_t at = VP_SPIRV_HEADER_WORDS; at < count; at += vp_spirv_length(words, count, at)) {
      if (opcode(words[at]) == OP_FUNCTION && words[at + 2] == id)
         return true;
   }
   return false;
}

/* The name in an instruction of `length` words, which begins with its fourth; NULL when it does not end. */
static const char *find_name(const uint32_t *words, size_t length)
{
   const char *name = length > 3 ? (const char *)(words + 3) : NULL;
   return name && memchr(name, 0, (length - 3) * sizeof(*words)) ? name : NULL;
}

size_t vp_spirv_entry_points(const uint32_t *words, size_t count, uint32_t *out)
{
   size_t copied = 0;
   if (!is_whole(words, count))
      return 0;
   for (size_t at = VP_SPIRV_HEADER_WORDS; at < count; at += vp_spirv_length(words, count, at)) {
      const size_t length = vp_spirv_length(words, count, at);
      if (opcode(words[at]) != OP_ENTRY_POINT || !find_name(words + at, length) ||
          !has_function(words, count, words[at + 2]))
         continue;
      if (out)
         memcpy(out + copied, words + at, length * sizeof(*out));
      copied += length;
   }
   return copied;
}

bool vp_spirv_has_entry_point(const uint32_t *entry_points, size_t count, uint32_t model, const char *name)
{
   for (size_t at = 0; at < count; at += vp_spirv_length(entry_points, count, at)) {
      const char *found = find_name(entry_points + at, vp_spirv_length(entry_points, count, at));
      if (!found)
         return false;
      if (entry_points[at + 1] == model && strcmp(found, name) == 0)
         return true;
   }
   return false;
}
