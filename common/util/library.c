/* SPDX-License-Identifier: MIT */

/* dlopen() of what need not be installed: either all symbols are found, or the library is closed again. */

#include "common/util/library.h"

#include <dlfcn.h>
#include <string.h>

bool vp_library_load(const char *file, const struct vp_symbol *symbols)
{
   void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
   if (!library)
      return false;
   for (const struct vp_symbol *symbol = symbols; symbol->name; symbol++) {
      void *address = dlsym(library, symbol->name);
      if (!address) {
         dlclose(library);
         return false;
      }
      memcpy(symbol->pointer, &address, sizeof(address));
   }
   return true;
}
