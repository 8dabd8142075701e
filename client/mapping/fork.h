/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_FORK_H
#define VP_CLIENT_MAPPING_FORK_H

struct vp_pages;

/* What a child of fork() gets to see of mapped memory: a copy of its own, as of any other memory. Without that it would
 * write into ours. Thread-safe. */
struct vp_mapping_fork {
   const struct vp_pages *pages;
   struct vp_mapping_fork *next, **link; /* link NULL: not registered */
};

void vp_mapping_fork_add(struct vp_mapping_fork *fork, const struct vp_pages *pages);
void vp_mapping_fork_remove(struct vp_mapping_fork *fork);

#endif
