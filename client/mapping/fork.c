/* SPDX-License-Identifier: MIT */

/* Views are not inherited (MADV_DONTFORK), so private copies are mapped in their places when a child begins. */

#include "client/mapping/fork.h"

#include "client/mapping/pages.h"

/* The view is not there at all (MADV_DONTFORK). */
static void give_copy(struct vp_fork_item *item)
{
   vp_pages_give_copy(((const struct vp_mapping_fork *)item)->pages);
}

void vp_mapping_fork_add(struct vp_mapping_fork *fork, const struct vp_pages *pages)
{
   fork->pages = pages;
   if (!pages->imported)
      vp_fork_add(&fork->item, give_copy);
}

void vp_mapping_fork_remove(struct vp_mapping_fork *fork)
{
   vp_fork_remove(&fork->item);
}
