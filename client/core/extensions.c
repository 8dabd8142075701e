/* SPDX-License-Identifier: MIT */

/* Binary searches in the generated tables of extensions and entry points; and the rule that an entry is available by
 * its core version or by any one of its extensions. */

#include "client/core/extensions.h"

#include <stdlib.h>
#include <string.h>

#include "client/core/entry_table.h"

static int compare_extension(const void *name, const void *extension)
{
   return strcmp(name, ((const struct vp_extension_info *)extension)->name);
}

int vp_extension_find(const char *name)
{
   const struct vp_extension_info *found =
      bsearch(name, vp_extensions, VP_EXTENSION_COUNT, sizeof(*vp_extensions), compare_extension);
   return found ? (int)(found - vp_extensions) : -1;
}

bool vp_extension_available(const struct vp_extension_set *set, uint32_t api_version, uint32_t core_version,
                            const int16_t extensions[4])
{
   if (core_version && api_version >= core_version)
      return true;
   for (unsigned i = 0; i < 4; i++) {
      if (vp_extension_set_has(set, extensions[i]))
         return true;
   }
   return false;
}

static int compare_entry(const void *name, const void *entry)
{
   return strcmp(name, ((const struct vp_entry *)entry)->name);
}

const struct vp_entry *vp_entry_find(const char *name)
{
   return bsearch(name, vp_entries, vp_entry_count, sizeof(*vp_entries), compare_entry);
}
