/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_LIST_QUERY_H
#define VP_CLIENT_CORE_LIST_QUERY_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

/* Vulkan's way to return a list: a count alone, or as much as fits. */
struct vp_list_query {
   uint32_t *count;
   uint32_t capacity, written, total;
   bool fill;
};

static inline void vp_list_query_begin(struct vp_list_query *list, uint32_t *count, bool fill)
{
   *list = (struct vp_list_query){.count = count, .capacity = fill ? *count : 0, .fill = fill};
}

/* Counts one more element; true when it is to be stored at written - 1. */
static inline bool vp_list_query_next(struct vp_list_query *list)
{
   list->total++;
   if (list->written == list->capacity)
      return false;
   list->written++;
   return true;
}

static inline VkResult vp_list_query_end(const struct vp_list_query *list)
{
   *list->count = list->fill ? list->written : list->total;
   return list->fill && list->written < list->total ? VK_INCOMPLETE : VK_SUCCESS;
}

#endif
