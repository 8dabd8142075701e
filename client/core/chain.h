/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_CHAIN_H
#define VP_CLIENT_CORE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <vulkan/vulkan.h>

#include "client/core/extensions.h"
#include "common/util/arena.h"
#include "common/wire/chain.h"

/* A struct that can stand in some chain. */
struct vp_chain_node {
   VkStructureType type;
   size_t size;
   bool has_pointer;      /* its answer does not fit into the struct alone */
   uint32_t core_version; /* a driver fills it from this version on, or with one of these extensions */
   int16_t extensions[4];
};

struct vp_chain_table {
   const struct vp_chain_node *nodes;
   size_t count;
};

/* A chain of all plain nodes of the table. False when there is no memory. */
bool vp_chain_build(const struct vp_chain_table *table, struct vp_arena *arena, void **chain);

/* Fills the application's chain from a stored one: nodes that a driver with
 * that version and these extensions would fill. False when one is in it that
 * is not stored (some others may be filled then). */
bool vp_chain_answer(const struct vp_chain_table *table, const void *stored, void *chain, uint32_t api_version,
                     const struct vp_extension_set *extensions);

/* A copy of the nodes that are in the table, without what they point to. False
 * when there is no memory. */
bool vp_chain_copy(const struct vp_chain_table *table, struct vp_arena *arena, const void *chain, void **copy);

#endif
