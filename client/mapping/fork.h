/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_FORK_H
#define VP_CLIENT_MAPPING_FORK_H

#include "client/process/fork.h"

struct vp_pages;

/* What a child of fork() gets to see of mapped memory: a copy of its own, as of any other memory. Without that it would
 * write into ours. Thread-safe. */
struct vp_mapping_fork {
   struct vp_fork_item item; /* first */
   const struct vp_pages *pages;
};

void vp_mapping_fork_add(struct vp_mapping_fork *fork, const struct vp_pages *pages);
void vp_mapping_fork_remove(struct vp_mapping_fork *fork);

#endif
