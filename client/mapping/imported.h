/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_IMPORTED_H
#define VP_CLIENT_MAPPING_IMPORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory of the application's own. It may be shared with anybody, and be protected, unmapped or cut off from its file
 * at any time: the GPU that it was given to would not mind as long as it keeps off. So the driver reaches it in ways
 * that fail, whatever the application does with its signals. Thread-safe. */

/* Whether only stores and system calls through this range can change it: private memory with no file behind it. False
 * when that is not known. */
bool vp_imported_is_private(const void *memory, size_t size);

/* How many bytes could be copied. */
size_t vp_imported_read(const void *memory, void *copy, size_t size);

/* For writing much of a range piece by piece; {0} at first. */
struct vp_imported_writer {
   uintptr_t first, end; /* pages that were looked at last */
   bool plain;           /* and whether they can be written to as any other memory */
};

/* Writes through protection where the kernel allows it, as a GPU does. False, with nothing or some of it done, when it
 * does not. */
bool vp_imported_write(struct vp_imported_writer *writer, void *memory, const void *bytes, size_t size);

#endif
