/* SPDX-License-Identifier: MIT */

/* Finds the driver's manifests: beside the program where it was built, else where they are installed. */

#include "client/run/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/run/own_path.h"
#include "common/util/identity.h"

/* venus_icd.x86_64.json, for example. */
#define MANIFEST_END ".json"

static int manifest_is_one(const struct dirent *entry)
{
   const size_t length = strlen(entry->d_name), end = strlen(MANIFEST_END);

   return strncmp(entry->d_name, VP_MANIFEST_START, strlen(VP_MANIFEST_START)) == 0 && length > end &&
          strcmp(entry->d_name + length - end, MANIFEST_END) == 0;
}

/* Adds a path to the list. NULL, and the list is gone: out of memory. */
static char *manifest_add(char *list, const char *folder, const char *name)
{
   char *longer;

   if (asprintf(&longer, "%s%s%s/%s", list, *list ? ":" : "", folder, name) < 0)
      longer = NULL;
   free(list);
   return longer;
}

/* Empty: there is none. NULL: out of memory. */
static char *manifest_list(const char *folder)
{
   struct dirent **entries = NULL;
   char *list = strdup("");
   const int count = scandir(folder, &entries, manifest_is_one, alphasort);

   for (int i = 0; i < count; i++) {
      if (list)
         list = manifest_add(list, folder, entries[i]->d_name);
      free(entries[i]);
   }
   free(entries);
   return list;
}

char *vp_manifest_find(char *error, size_t error_size)
{
   static const char *const places[] = {".", VP_RUN_MANIFESTS};
   char *folder = NULL, *list = NULL;

   for (unsigned i = 0; i < sizeof(places) / sizeof(*places) && !(list && *list); i++) {
      free(folder);
      free(list);
      folder = vp_own_path(places[i]);
      list = folder ? manifest_list(folder) : NULL;
   }
   if (!list) {
      snprintf(error, error_size, "cannot look for the driver: %s", strerror(errno));
   } else if (!*list) {
      snprintf(error, error_size,
               "the driver is missing: there is no " VP_MANIFEST_START "*" MANIFEST_END " in %.300s, nor beside this "
               "program; install it, or build it",
               folder);
      free(list);
      list = NULL;
   }
   free(folder);
   return list;
}
