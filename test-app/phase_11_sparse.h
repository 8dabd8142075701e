/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_PHASE_11_SPARSE_H
#define VP_TEST_APP_PHASE_11_SPARSE_H

/* Phase 11: what both kinds of resources that have memory in parts need. */

#include "test-app/phase_11_modern.h"

struct sparse {
   struct modern *m;
   bool strict;       /* what has no memory reads as zero */
   bool can_tell;     /* shaders can ask whether memory is there */
   VkSemaphore bound; /* between binding and what uses it */
};

/* Binds on the first queue; what is submitted there later comes after it. */
bool sparse_bind(struct sparse *s, const VkBindSparseInfo *what);
/* `count` blocks in device memory for what has these requirements. */
bool sparse_allocate(struct sparse *s, const VkMemoryRequirements *needs, VkDeviceSize size, VkDeviceMemory *memory);
/* phase_11_sparse_image.c */
void sparse_check_image(struct sparse *s);

#endif
