/* SPDX-License-Identifier: MIT */

/* A bitmap of pages: bits are set, found and cleared in words of 64, and those that are set are counted. */

#include "server/memory/dirty.h"

#include "server/memory/memory.h"
#include "server/memory/writes.h"

void vps_dirty_mark(struct vps_memory *memory, VkDeviceSize start, VkDeviceSize end)
{
   const VkDeviceSize count = ((end < memory->size ? end : memory->size) + VPS_PAGE - 1) / VPS_PAGE;

   for (VkDeviceSize page = start / VPS_PAGE; page < count; page = (page / 64 + 1) * 64) {
      const VkDeviceSize left = count - page / 64 * 64;
      const uint64_t until = left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX, bits = until & UINT64_MAX << page % 64;
      uint64_t *word = &memory->dirty[page / 64];
      memory->dirty_pages += (size_t)__builtin_popcountll(bits & ~*word);
      *word |= bits;
   }
}

size_t vps_dirty_count(const struct vps_memory *memory)
{
   return (size_t)((memory->size + VPS_PAGE - 1) / VPS_PAGE);
}

size_t vps_dirty_find(const struct vps_memory *memory, size_t page, size_t count, bool marked)
{
   while (page < count) {
      const uint64_t word = memory->dirty[page / 64], wanted = (marked ? word : ~word) >> page % 64;
      if (wanted) {
         page += (size_t)__builtin_ctzll(wanted);
         return page < count ? page : count;
      }
      page = (page / 64 + 1) * 64;
   }
   return count;
}

void vps_dirty_clear(struct vps_memory *memory)
{
   const size_t count = vps_dirty_count(memory);

   for (size_t page = 0; (page = vps_dirty_find(memory, page, count, true)) < count; page = (page / 64 + 1) * 64)
      memory->dirty[page / 64] = 0;
   memory->dirty_pages = 0;
}
