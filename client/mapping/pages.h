/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_PAGES_H
#define VP_CLIENT_MAPPING_PAGES_H

#include <stddef.h>

/* Whole pages of zeros, which take memory when they are touched; NULL when
 * there are none. */
void *vp_pages_alloc(size_t size);
void vp_pages_free(void *pages, size_t size);

#endif
