/* SPDX-License-Identifier: MIT */

/* pNext chains after generated tables: one of all structs that the server can fill, an application's filled from what
 * was stored, and copies without structs that are not known. */

#include "client/core/chain.h"

#include <string.h>

bool vp_chain_build(const struct vp_chain_table *table, struct vp_arena *arena, void **chain)
{
   *chain = NULL;
   for (size_t i = 0; i < table->count; i++) {
      if (table->nodes[i].has_pointer)
         continue;
      VkBaseOutStructure *node = vp_arena_alloc(arena, table->nodes[i].size);
      if (!node)
         return false;
      node->sType = table->nodes[i].type;
      node->pNext = *chain;
      *chain = node;
   }
   return true;
}

static const struct vp_chain_node *find_node(const struct vp_chain_table *table, VkStructureType type)
{
   for (size_t i = 0; i < table->count; i++) {
      if (table->nodes[i].type == type)
         return &table->nodes[i];
   }
   return NULL;
}

bool vp_chain_answer(const struct vp_chain_table *table, const void *stored, void *chain, uint32_t api_version,
                     const struct vp_extension_set *extensions)
{
   const size_t head = sizeof(VkBaseOutStructure);
   for (VkBaseOutStructure *out = chain; out; out = out->pNext) {
      const struct vp_chain_node *node = find_node(table, out->sType);
      if (!node || !vp_extension_available(extensions, api_version, node->core_version, node->extensions))
         continue;
      const void *answer = vp_chain_find(stored, out->sType);
      if (!answer)
         return false;
      memcpy((uint8_t *)out + head, (const uint8_t *)answer + head, node->size - head);
   }
   return true;
}

bool vp_chain_copy(const struct vp_chain_table *table, struct vp_arena *arena, const void *chain, void **copy)
{
   *copy = NULL;
   VkBaseOutStructure *last = NULL;
   for (const VkBaseInStructure *in = chain; in; in = in->pNext) {
      const struct vp_chain_node *node = find_node(table, in->sType);
      if (!node)
         continue;
      VkBaseOutStructure *out = vp_arena_alloc(arena, node->size);
      if (!out)
         return false;
      memcpy(out, in, node->size);
      out->pNext = NULL;
      if (last)
         last->pNext = out;
      else
         *copy = out;
      last = out;
   }
   return true;
}
