/* SPDX-License-Identifier: MIT */

/* Compares pages with the twin, joins those that differ and are next to each other, and finds the first and the last
 * word that differ in each stretch. */

#include "server/memory/stretches.h"

#include <string.h>

#include "common/memory/compare.h"
#include "common/memory/delta.h"
#include "server/memory/memory.h"
#include "server/memory/writes.h"

/* The begins of pages this far ahead are asked for, since the processor itself asks for nothing behind a page. */
#define PAGES_AHEAD 8

static bool range_differs(const struct vps_memory *memory, size_t place, size_t length)
{
   return memcmp(memory->real + place, memory->twin + place, length) != 0;
}

/* The end of a page, in whole words and one that may be shorter. */
static size_t page_end(const struct vps_memory *memory, size_t page)
{
   const size_t end = (page + 1) * VPS_PAGE;

   return end < memory->size ? end : (size_t)memory->size;
}

static bool page_differs(const struct vps_memory *memory, size_t page)
{
   const size_t place = page * VPS_PAGE, length = page_end(memory, page) - place,
                ahead = place + PAGES_AHEAD * VPS_PAGE;

   if (ahead < memory->size) {
      __builtin_prefetch(memory->real + ahead);
      __builtin_prefetch(memory->twin + ahead);
   }
   return vp_compare_skip(memory->real + place, memory->twin + place, length) < length;
}

static size_t word_length(const struct vps_memory *memory, size_t place)
{
   const size_t left = (size_t)memory->size - place;

   return left < VPS_WORD ? left : VPS_WORD;
}

static void stretch_set_end(struct vps_stretch *stretch, unsigned end, size_t place)
{
   const struct vps_memory *memory = stretch->memory;
   const size_t length = word_length(memory, place);

   stretch->place[end] = place;
   memcpy(stretch->value[end], memory->real + place, length);
   memcpy(stretch->twin[end], memory->twin + place, length);
}

/* The words may be changing while they are looked for: then the ends are those of the page. */
static void set_first(struct vps_stretch *stretch, size_t page)
{
   size_t place = page * VPS_PAGE;
   const size_t end = page_end(stretch->memory, page);

   while (place + VPS_WORD < end && !range_differs(stretch->memory, place, VPS_WORD))
      place += VPS_WORD;
   stretch_set_end(stretch, 0, place);
}

static void set_last(struct vps_stretch *stretch, size_t page)
{
   size_t place = (page_end(stretch->memory, page) - 1) / VPS_WORD * VPS_WORD;

   while (place > page * VPS_PAGE && !range_differs(stretch->memory, place, word_length(stretch->memory, place)))
      place -= VPS_WORD;
   stretch_set_end(stretch, 1, place > stretch->place[0] ? place : stretch->place[0]);
}

bool vps_stretches_add(struct vps_stretches *stretches, struct vps_memory *memory)
{
   const size_t count = (size_t)((memory->size + VPS_PAGE - 1) / VPS_PAGE);
   const unsigned before = stretches->count;
   struct vps_stretch *open = NULL;

   for (size_t page = 0; page < count; page++) {
      const bool marked = memory->dirty[page / 64] >> page % 64 & 1, changed = marked && page_differs(memory, page);
      if (changed && !open) {
         if (stretches->count == VPS_MAX_STRETCHES) {
            stretches->count = before;
            return false;
         }
         open = &stretches->list[stretches->count++];
         *open = (struct vps_stretch){.memory = memory};
         set_first(open, page);
      } else if (!changed && open) {
         set_last(open, page - 1);
         open = NULL;
      }
   }
   if (open)
      set_last(open, count - 1);
   return true;
}

bool vps_stretch_read(struct vps_stretch *stretch)
{
   const struct vps_memory *memory = stretch->memory;
   bool same = true;

   for (unsigned end = 0; end < 2 && memory->real; end++) {
      const size_t place = stretch->place[end], length = word_length(memory, place);
      uint8_t now[VPS_WORD];
      memcpy(now, memory->real + place, length); /* once: the GPU may write there */
      same = same && !memcmp(stretch->value[end], now, length);
      memcpy(stretch->value[end], now, length);
   }
   return same;
}

bool vps_stretches_equal(const struct vps_stretches *a, const struct vps_stretches *b)
{
   if (a->count != b->count)
      return false;
   for (unsigned i = 0; i < a->count; i++) {
      const struct vps_stretch *x = &a->list[i], *y = &b->list[i];
      if (x->memory != y->memory || x->place[0] != y->place[0] || x->place[1] != y->place[1])
         return false;
   }
   return true;
}

static void collect_end(const struct vps_stretch *stretch, unsigned end, struct vp_encoder *enc)
{
   struct vps_memory *memory = stretch->memory;
   const size_t place = stretch->place[end], length = word_length(memory, place);
   uint8_t now[VPS_WORD], *twin = memory->twin + place;

   for (size_t i = 0; i < length; i++)
      now[i] = twin[i] == stretch->twin[end][i] ? stretch->value[end][i] : twin[i];
   vp_delta_collect_part(enc, now, twin, place, length, NULL);
}

static bool is_single(const struct vps_stretch *stretch)
{
   return stretch->place[0] == stretch->place[1];
}

bool vps_stretches_have(const struct vps_stretches *stretches, const struct vps_memory *memory, bool single)
{
   for (unsigned i = 0; i < stretches->count; i++) {
      if (stretches->list[i].memory == memory && is_single(&stretches->list[i]) == single)
         return true;
   }
   return false;
}

void vps_stretches_collect(const struct vps_stretches *stretches, struct vps_memory *memory, struct vp_encoder *enc)
{
   for (unsigned i = 0; i < stretches->count; i++) {
      const struct vps_stretch *stretch = &stretches->list[i];
      if (stretch->memory != memory || is_single(stretch))
         continue;
      collect_end(stretch, 1, enc);
      collect_end(stretch, 0, enc);
   }
   for (unsigned i = 0; i < stretches->count; i++) {
      if (stretches->list[i].memory == memory && is_single(&stretches->list[i]))
         collect_end(&stretches->list[i], 0, enc);
   }
}
