/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_VISIT_H
#define VP_UNIT_VISIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "common/util/arena.h"

/* What the generated functions of vp_visit.h are made of. They walk through all that a command's parameters point to,
 * and either make it up (fill) or count it. */
struct visit {
   bool fill;
   struct vp_arena *arena;                                 /* fill: for all that is made up */
   uint64_t (*handle)(struct visit *w, VkObjectType type); /* fill */
   uint64_t n;                                             /* fill: elements of each array */
   uint32_t period;                                        /* fill: numbers go from 1 to this, again and again */
   uint32_t outer;                                         /* what a set of a video codec has of sub-layers */
   uint32_t numbers, turn;                                 /* fill: how many numbers, how many chosen unions */
   unsigned chains;                                        /* fill: how deep chains may be within chains */
   bool output;                  /* what a call is to overwrite: filled with a pattern that is looked for afterwards */
   unsigned undefined, dangling; /* how many outputs still have it, how many handles name nothing */
   uint64_t counted;             /* a hash of all counts and chain nodes */
   uint64_t most;                /* count: no array is longer (0: any may be as long as it is) */
   unsigned longer;              /* so many were, and were not looked into */
};

typedef void (*visit_function)(struct visit *w, void *data);

struct visit_node {
   uint32_t type;
   size_t size;
   visit_function visit; /* all but sType and pNext */
};

static inline void *visit_alloc(struct visit *w, uint64_t count, size_t size)
{
   void *memory = vp_arena_alloc_array(w->arena, (size_t)count, size);
   if (!memory)
      abort();
   return memory;
}

static inline void visit_counted(struct visit *w, uint64_t count)
{
   w->counted = (w->counted ^ count) * UINT64_C(0x100000001b3) + 1;
}

#define VISIT_PATTERN 0xa5
#define VISIT_ROOM 4096 /* bytes behind a pointer to what is not known */

/* One entry point of the driver. */
struct visit_call {
   const char *name;
   VkResult (*call)(struct visit *w);
   bool must_fail; /* without a server */
};

static inline bool visit_has_pattern(const void *data, size_t size)
{
   const uint8_t *bytes = data;
   while (size > 0 && bytes[size - 1] == VISIT_PATTERN)
      size--;
   return size == 0;
}

enum visit_scalar { VISIT_NUMBER, VISIT_ENUM, VISIT_FLAGS };

/* An enum is 1, flags are 2: with these all parts of structs count that count under a condition. */
static inline void visit_scalar(struct visit *w, void *value, size_t size, enum visit_scalar kind)
{
   const uint64_t number = kind == VISIT_NUMBER ? 1 + w->numbers++ % w->period : (uint64_t)kind;
   if (w->fill && w->output)
      memset(value, VISIT_PATTERN, size);
   else if (w->fill)
      memcpy(value, &number, size);
   else if (w->output)
      w->undefined += visit_has_pattern(value, size);
}

static inline void visit_byte(struct visit *w, void *value)
{
   visit_scalar(w, value, 1, VISIT_NUMBER);
}

static inline void visit_text(struct visit *w, char *text, size_t size)
{
   if (w->fill && w->output)
      memset(text, VISIT_PATTERN, size);
   else if (w->fill)
      memset(text, 'a' + (int)(w->numbers++ % 26), size / 2);
   else if (w->output)
      w->undefined += visit_has_pattern(text, size);
}

static inline void *visit_pointer(struct visit *w, const void *pointer, size_t size, visit_function visit)
{
   void *data = w->fill ? visit_alloc(w, 1, size) : (void *)(uintptr_t)pointer;
   visit_counted(w, data != NULL);
   if (data)
      visit(w, data);
   return data;
}

/* Only the first element is as large as may be: each may have arrays of its own. */
static inline void *visit_array(struct visit *w, const void *pointer, uint64_t count, size_t size, visit_function visit)
{
   void *data = w->fill ? visit_alloc(w, count, size) : (void *)(uintptr_t)pointer;
   const uint64_t n = w->n;
   const unsigned chains = w->chains;

   visit_counted(w, data ? count : 0);
   if (data && w->most && count > w->most) {
      w->longer++;
      return data;
   }
   for (uint64_t i = 0; data && visit && i < count; i++) {
      w->n = i ? i % 3 : n;
      w->chains = i ? 0 : chains;
      visit(w, (uint8_t *)data + i * size);
   }
   w->n = n;
   w->chains = chains;
   return data;
}

static inline const char *visit_string(struct visit *w, const char *text)
{
   char *made = w->fill ? visit_alloc(w, w->n + 1, 1) : NULL;
   if (made)
      memset(made, 's', (size_t)w->n);
   visit_counted(w, made ? w->n : text ? strlen(text) : UINT64_MAX);
   return made ? made : text;
}

static inline const char *const *visit_strings(struct visit *w, const char **texts, uint64_t count)
{
   if (w->fill)
      texts = visit_alloc(w, count, sizeof(*texts));
   visit_counted(w, texts ? count : 0);
   if (texts && w->most && count > w->most) {
      w->longer++;
      return texts;
   }
   for (uint64_t i = 0; texts && i < count; i++)
      texts[i] = visit_string(w, texts[i]);
   return texts;
}

/* sType and pNext: a chain of one of each. */
static inline void visit_head(struct visit *w, void *data, uint32_t type, const struct visit_node *nodes, size_t count)
{
   VkBaseOutStructure *head = data, *last = head;

   if (w->fill)
      head->sType = (VkStructureType)type;
   for (size_t i = 0; w->fill && w->chains && i < count; i++) {
      last->pNext = visit_alloc(w, 1, nodes[i].size);
      last = last->pNext;
      last->sType = (VkStructureType)nodes[i].type;
   }
   const unsigned chains = w->chains;
   w->chains = chains ? chains - 1 : 0;
   for (VkBaseOutStructure *node = head->pNext; node; node = node->pNext) {
      visit_counted(w, node->sType);
      for (size_t i = 0; i < count; i++) {
         if (nodes[i].type == (uint32_t)node->sType)
            nodes[i].visit(w, node);
      }
   }
   w->chains = chains;
}

#endif
