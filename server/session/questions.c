/* SPDX-License-Identifier: MIT */

/* Asks a GPU's driver only what it knows. Clients ask for all that they know, before they know the GPU. Drivers pass
 * over what is strange to them, but a validation layer that is older than this build complains of each such struct. */

#include "server/session/questions.h"

#include <stdlib.h>
#include <string.h>

#include "server/core/context.h"
#include "server/core/instance.h"

/* What the driver of a GPU has. */
struct known {
   uint32_t api_version;
   uint32_t extension_count;
   VkExtensionProperties *extensions; /* sorted by name */
};

static int compare_names(const void *a, const void *b)
{
   return strcmp(((const VkExtensionProperties *)a)->extensionName, ((const VkExtensionProperties *)b)->extensionName);
}

static int compare_with_name(const void *name, const void *extension)
{
   return strcmp(name, ((const VkExtensionProperties *)extension)->extensionName);
}

static bool learn_known(struct vps_context *ctx, VkPhysicalDevice gpu, struct known *known)
{
   const struct vps_instance_functions *functions = &ctx->instance->functions;
   VkPhysicalDeviceProperties properties;

   functions->GetPhysicalDeviceProperties(gpu, &properties);
   *known = (struct known){.api_version = properties.apiVersion};
   if (functions->EnumerateDeviceExtensionProperties(gpu, NULL, &known->extension_count, NULL) < 0)
      known->extension_count = 0;
   known->extensions = vps_alloc(ctx, known->extension_count, sizeof(*known->extensions));
   if (!known->extensions)
      return false;
   if (functions->EnumerateDeviceExtensionProperties(gpu, NULL, &known->extension_count, known->extensions) < 0)
      known->extension_count = 0;
   qsort(known->extensions, known->extension_count, sizeof(*known->extensions), compare_names);
   return true;
}

static int compare_question_types(const void *a, const void *b)
{
   const VkStructureType left = ((const struct vps_question *)a)->type, right = ((const struct vps_question *)b)->type;
   return (left > right) - (left < right);
}

static bool knows(const struct known *known, VkStructureType type)
{
   const struct vps_question key = {.type = type};
   const struct vps_question *question =
      bsearch(&key, vps_questions, vps_question_count, sizeof(key), compare_question_types);

   if (!question || (question->core_version && known->api_version >= question->core_version))
      return true;
   for (const char *const *name = question->extensions; *name; name++) {
      if (bsearch(*name, known->extensions, known->extension_count, sizeof(*known->extensions), compare_with_name))
         return true;
   }
   return false;
}

VkBaseOutStructure **vps_questions_select(struct vps_context *ctx, VkPhysicalDevice gpu, void *root)
{
   VkBaseOutStructure *last = root;
   struct known known;
   size_t count = 0;

   for (const VkBaseOutStructure *node = last->pNext; node; node = node->pNext)
      count++;
   VkBaseOutStructure **all = vps_alloc(ctx, count + 1, sizeof(VkBaseOutStructure *));
   if (!all || !learn_known(ctx, gpu, &known))
      return NULL;
   VkBaseOutStructure *node = last->pNext;
   for (size_t i = 0; i < count; i++, node = node->pNext) {
      all[i] = node;
      if (knows(&known, node->sType)) {
         last->pNext = node;
         last = node;
      }
   }
   last->pNext = NULL;
   return all;
}

void vps_questions_restore(void *root, VkBaseOutStructure **all)
{
   for (VkBaseOutStructure *last = root; last; last = *all++)
      last->pNext = *all;
}
