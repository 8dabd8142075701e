/* SPDX-License-Identifier: MIT */

/* Where the program is, so that what belongs to it is found wherever all of it was installed or built. */

#include "client/run/own_path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UP "../"

char *vp_own_path(const char *path)
{
   char own[PATH_MAX], *joined;

   if (path[0] == '/')
      return strdup(path);
   const ssize_t length = readlink("/proc/self/exe", own, sizeof(own));
   if (length < 0 || (size_t)length == sizeof(own)) {
      errno = length < 0 ? errno : ENAMETOOLONG;
      return NULL;
   }
   own[length] = '\0';
   *strrchr(own, '/') = '\0';
   if (strcmp(path, ".") == 0)
      return strdup(own);
   /* There is no link in it. */
   for (char *slash = strrchr(own, '/'); slash && strncmp(path, UP, strlen(UP)) == 0; slash = strrchr(own, '/')) {
      *slash = '\0';
      path += strlen(UP);
   }
   return asprintf(&joined, "%s/%s", own, path) < 0 ? NULL : joined;
}
