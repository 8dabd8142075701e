/* SPDX-License-Identifier: MIT */

/* Writes only to pages that are not zeros already where reading them makes none, and simply clears all else. */

#include "server/memory/zero.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/memory/private.h"

#define PAGE ((size_t)4096)

/* To write to so much takes less time than to ask what it is. */
#define SMALL ((size_t)1 << 20)

static bool is_zero(const uint8_t *bytes, size_t size)
{
   return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* To read a page that nobody has used shows the kernel's page of zeros, where the first write makes one. */
static void zero_used_pages(uint8_t *bytes, size_t size)
{
   for (size_t at = 0, length; at < size; at += length) {
      const size_t left = size - at, rest = PAGE - (uintptr_t)(bytes + at) % PAGE;
      length = rest < left ? rest : left;
      if (!is_zero(bytes + at, length))
         memset(bytes + at, 0, length);
   }
}

/* Shared memory gets its pages by reading, too, and a device's may be slow to read. */
void vps_zero(void *memory, size_t size)
{
   if (size > SMALL && vp_memory_is_private(memory, size))
      zero_used_pages(memory, size);
   else
      memset(memory, 0, size);
}
