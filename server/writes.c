/* SPDX-License-Identifier: MIT */
#include "server/writes.h"

#include <stdbool.h>
#include <stdlib.h>

#include "server/memory.h"

static void drop_ranges(struct vps_writes *writes)
{
   for (unsigned i = 0; i < writes->count; i++)
      vps_memory_unref(writes->ranges[i].memory);
   writes->count = 0;
}

void vps_writes_finish(struct vps_writes *writes)
{
   drop_ranges(writes);
   free(writes->ranges);
   *writes = (struct vps_writes){0};
}

static void extend(struct vps_write_range *range, VkDeviceSize start, VkDeviceSize end)
{
   range->start = start < range->start ? start : range->start;
   range->end = end > range->end ? end : range->end;
}

/* The last range of that memory, if `touching` the last one that is next to these pages or overlaps them. */
static struct vps_write_range *find(const struct vps_writes *writes, const struct vps_memory *memory,
                                    VkDeviceSize start, VkDeviceSize end, bool touching)
{
   for (unsigned i = writes->count; i > 0; i--) {
      struct vps_write_range *range = &writes->ranges[i - 1];
      if (range->memory == memory && (!touching || (start <= range->end && end >= range->start)))
         return range;
   }
   return NULL;
}

static void add_everything(struct vps_writes *writes)
{
   drop_ranges(writes); /* what is written exactly has a class too */
   writes->classes = VPS_WRITES_ALL;
}

void vps_writes_add_range(struct vps_writes *writes, struct vps_memory *memory, VkDeviceSize start, VkDeviceSize end)
{
   if (start >= end || writes->classes == VPS_WRITES_ALL)
      return;
   start = start / VPS_PAGE * VPS_PAGE;
   end = (end + VPS_PAGE - 1) / VPS_PAGE * VPS_PAGE;
   struct vps_write_range *range = find(writes, memory, start, end, true);
   if (!range && writes->count == VPS_MAX_RANGES)
      range = find(writes, memory, start, end, false);
   if (range) {
      extend(range, start, end);
      return;
   }
   if (!writes->ranges)
      writes->ranges = malloc(VPS_MAX_RANGES * sizeof(*writes->ranges));
   if (!writes->ranges || writes->count == VPS_MAX_RANGES) {
      add_everything(writes);
      return;
   }
   writes->ranges[writes->count++] =
      (struct vps_write_range){.memory = vps_memory_ref(memory), .start = start, .end = end};
}

void vps_writes_add(struct vps_writes *writes, const struct vps_writes *more)
{
   writes->classes |= more->classes;
   if (writes->classes == VPS_WRITES_ALL)
      add_everything(writes);
   for (unsigned i = 0; i < more->count; i++)
      vps_writes_add_range(writes, more->ranges[i].memory, more->ranges[i].start, more->ranges[i].end);
}
