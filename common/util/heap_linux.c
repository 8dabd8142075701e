/* SPDX-License-Identifier: MIT */

/* Of glibc; other C libraries give it back by themselves. */

#include <malloc.h>

#include "common/util/heap.h"

void vp_heap_give_back(void)
{
#ifdef __GLIBC__
   malloc_trim(0);
#endif
}
