/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_PAGES_H
#define VP_CLIENT_MAPPING_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Changes are looked for in pages of this size, whatever the processor's. */
#define VP_PAGE_SIZE ((size_t)4096)

/* What one page table is about. Views are aligned to it when they are not smaller. */
#define VP_TABLE_SIZE ((size_t)2 << 20)

/* Memory of the application and of the driver at once: the same pages are
 * mapped twice, so that what the driver writes is not taken for the application's. */
struct vp_pages {
   uint8_t *view;  /* the application's */
   uint8_t *alias; /* the driver's */
   size_t size;    /* in bytes, whole pages */
   bool imported;  /* both are memory that the application brought */
   uint64_t place; /* in the file that backs them, or VP_NO_FILE */
};

#define VP_NO_FILE UINT64_MAX

/* Opens what all mapped memory of the process lies in, while it can: a process may give up descriptors, system calls
 * and the size of files later. Without it memory can be mapped all the same, but nobody knows what of it was never
 * touched. Thread-safe. */
void vp_pages_prepare(void);

/* In a child of fork(), after vp_pages_give_copy(): its memory will lie in something of its own. Async-signal-safe. */
void vp_pages_begin_anew(void);

/* Zeros, which take memory when they are touched. False when there are none. */
bool vp_pages_create(struct vp_pages *pages, size_t size);

/* The application's own memory. */
void vp_pages_import(struct vp_pages *pages, void *memory, size_t size);

void vp_pages_destroy(struct vp_pages *pages);

/* Moves the application's view to this address (NULL: to any); the old place is unmapped or stays reserved. False, and
 * everything as it was, when that fails. */
bool vp_pages_move_view(struct vp_pages *pages, void *address, bool reserve);

/* In a child of fork(): a copy of the pages appears where the view was. Async-signal-safe. */
void vp_pages_give_copy(const struct vp_pages *pages);

/* The run of pages at or after `position` (in bytes) that anybody has ever written to: [*start, *end); *start is the
 * size when there is none. Memory that is not in the file is one run. */
void vp_pages_find_data(const struct vp_pages *pages, size_t position, size_t *start, size_t *end);

/* Copies from these pages, from `position` on, to memory that may be protected or missing. How many bytes could be
 * written before the first that could not. */
struct iovec;
size_t vp_pages_scatter(const struct vp_pages *pages, size_t position, const struct iovec *to, size_t count);

/* Private zeros for the driver alone, which take memory when they are touched; NULL when there are none. */
void *vp_private_pages_create(size_t size);
void vp_private_pages_destroy(void *pages, size_t size);

#endif
