/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_LIBRARY_H
#define VP_UTIL_LIBRARY_H

#include <stdbool.h>

/* A function (or variable) of a library and the pointer that is to point to it. */
struct vp_symbol {
   const char *name;
   void *pointer; /* of a pointer */
};

/* Opens a shared library, for as long as the process lives, and looks up all symbols of a list that ends with a NULL
 * name. False when the library or one of them is not there; pointers may have changed then. */
bool vp_library_load(const char *file, const struct vp_symbol *symbols);

#endif
