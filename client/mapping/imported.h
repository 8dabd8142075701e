/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_IMPORTED_H
#define VP_CLIENT_MAPPING_IMPORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct vp_pages;

/* Memory of the application's own. It may be shared with anybody, and be protected, unmapped or cut off from its file
 * at any time: the GPU that it was given to would not mind as long as it keeps off. So the driver reaches it in ways
 * that fail, whatever the application does with its signals. Thread-safe. */

/* How many bytes could be copied. */
size_t vp_imported_read(const void *memory, void *copy, size_t size);

/* Writes pieces of data to such memory, through protection where the kernel allows it, as a GPU does. The twin takes
 * what the memory took. */
struct vp_imported_writer {
   uint8_t *memory, *twin;
   const struct vp_pages *buffer; /* of the driver's own, VP_IMPORTED_BUFFER bytes */
   size_t used, count;            /* that are in the buffer, and for how many pieces of memory; 0 at first */
   struct iovec pieces[1024];
};

#define VP_IMPORTED_BUFFER ((size_t)65536)

void vp_imported_put(struct vp_imported_writer *writer, size_t offset, const uint8_t *bytes, size_t length);
void vp_imported_flush(struct vp_imported_writer *writer); /* after the last one */

#endif
