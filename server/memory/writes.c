/* SPDX-License-Identifier: MIT */

/* Classes as bits, and ranges of whole pages sorted by memory and place. Ranges that touch are joined; when there are
 * too many, one grows over the gap to a new one. */

#include "server/memory/writes.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/memory/memory.h"

#define FIRST_CAPACITY 8u

static void drop_ranges(struct vps_writes *writes)
{
   for (unsigned i = 0; writes->ranges && i < writes->count; i++)
      vps_memory_unref(writes->ranges[i].memory);
   writes->count = 0;
}

void vps_writes_finish(struct vps_writes *writes)
{
   drop_ranges(writes);
   free(writes->ranges);
   *writes = (struct vps_writes){0};
}

/* The first range that does not end before a place; those of one memory lie together. */
static unsigned writes_find(const struct vps_writes *writes, const struct vps_memory *memory, VkDeviceSize start)
{
   unsigned low = 0, high = writes->count;

   while (low < high) {
      const unsigned middle = (low + high) / 2;
      const struct vps_write_range *range = &writes->ranges[middle];
      if ((uintptr_t)range->memory < (uintptr_t)memory || (range->memory == memory && range->end < start))
         low = middle + 1;
      else
         high = middle;
   }
   return low;
}

const struct vps_write_range *vps_writes_find(const struct vps_writes *writes, const struct vps_memory *memory,
                                              unsigned *count)
{
   const unsigned first = writes_find(writes, memory, 0);
   unsigned end = first;

   while (end < writes->count && writes->ranges[end].memory == memory)
      end++;
   *count = end - first;
   return *count > 0 ? &writes->ranges[first] : NULL;
}

static void add_everything(struct vps_writes *writes)
{
   drop_ranges(writes); /* what is written exactly has a class too */
   writes->classes = VPS_WRITES_ALL;
}

static bool make_room_for_writes(struct vps_writes *writes)
{
   if (writes->count < writes->capacity)
      return true;
   const unsigned wanted = writes->capacity ? writes->capacity * 2 : FIRST_CAPACITY;
   struct vps_write_range *ranges = wanted <= VPS_MAX_RANGES ? realloc(writes->ranges, wanted * sizeof(*ranges)) : NULL;
   if (!ranges)
      return false;
   writes->ranges = ranges;
   writes->capacity = wanted;
   return true;
}

/* Makes the ranges from `at` up to `end`, which touch the new one, one with it. */
static void join_writes(struct vps_writes *writes, unsigned at, unsigned end, VkDeviceSize start, VkDeviceSize stop)
{
   struct vps_write_range *range = &writes->ranges[at];
   const VkDeviceSize last = writes->ranges[end - 1].end;

   range->start = start < range->start ? start : range->start;
   range->end = stop > last ? stop : last;
   for (unsigned i = at + 1; i < end; i++)
      vps_memory_unref(writes->ranges[i].memory);
   memmove(range + 1, writes->ranges + end, (writes->count - end) * sizeof(*range));
   writes->count -= end - at - 1;
}

/* Without room for a new range before number `at`: one of the same memory beside it grows. */
static void widen(struct vps_writes *writes, unsigned at, const struct vps_memory *memory, VkDeviceSize start,
                  VkDeviceSize end)
{
   struct vps_write_range *next = at < writes->count ? &writes->ranges[at] : NULL,
                          *previous = at > 0 ? &writes->ranges[at - 1] : NULL;

   next = next && next->memory == memory ? next : NULL;
   previous = previous && previous->memory == memory ? previous : NULL;
   if (next && (!previous || next->start - end < start - previous->end))
      next->start = start;
   else if (previous)
      previous->end = end;
   else
      add_everything(writes);
}

void vps_writes_add_range(struct vps_writes *writes, struct vps_memory *memory, VkDeviceSize start, VkDeviceSize end)
{
   if (start >= end || writes->classes == VPS_WRITES_ALL)
      return;
   start = start / VPS_PAGE * VPS_PAGE;
   end = (end + VPS_PAGE - 1) / VPS_PAGE * VPS_PAGE;
   const unsigned at = writes_find(writes, memory, start);
   const struct vps_write_range *ranges = writes->ranges;
   unsigned behind = at;
   while (behind < writes->count && ranges[behind].memory == memory && ranges[behind].start <= end)
      behind++;
   if (behind == at + 1 && ranges[at].start <= start && end <= ranges[at].end)
      return; /* commands tend to write where others did */
   if (behind > at) {
      join_writes(writes, at, behind, start, end);
      return;
   }
   if (!make_room_for_writes(writes)) {
      widen(writes, at, memory, start, end);
      return;
   }
   memmove(writes->ranges + at + 1, writes->ranges + at, (writes->count - at) * sizeof(*writes->ranges));
   writes->ranges[at] = (struct vps_write_range){.memory = vps_memory_ref(memory), .start = start, .end = end};
   writes->count++;
}

void vps_writes_add(struct vps_writes *writes, const struct vps_writes *more)
{
   writes->classes |= more->classes;
   if (writes->classes == VPS_WRITES_ALL)
      add_everything(writes);
   for (unsigned i = 0; i < more->count; i++)
      vps_writes_add_range(writes, more->ranges[i].memory, more->ranges[i].start, more->ranges[i].end);
}

/* Of the memory of ranges and the other's classes. */
static bool meets_ranges(const struct vps_writes *writes, const struct vps_writes *ranges)
{
   for (unsigned i = 0; i < ranges->count; i++) {
      const struct vps_memory *memory = ranges->ranges[i].memory;
      unsigned count;
      vps_writes_find(writes, memory, &count);
      if (count > 0 || (writes->classes & atomic_load(&memory->classes)))
         return true;
   }
   return false;
}

bool vps_writes_meet(const struct vps_writes *a, const struct vps_writes *b)
{
   return (a->classes & b->classes) || meets_ranges(a, b) || meets_ranges(b, a);
}
