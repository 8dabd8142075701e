/* SPDX-License-Identifier: MIT */

/* How people name a GPU, to the server (--gpu) and to the driver (VENUS_GPU). */

#include "common/util/gpu_choice.h"

#include <stdio.h>
#include <string.h>

/* Longer ones are no part of any name (VK_MAX_PHYSICAL_DEVICE_NAME_SIZE). */
#define WANTED_SIZE 256

static bool gpu_is_index(const char *wanted)
{
   return wanted[0] != '\0' && strspn(wanted, "0123456789") == strlen(wanted);
}

bool vp_gpu_is_meant(const char *wanted, unsigned index, const char *name)
{
   if (!gpu_is_index(wanted))
      return strcasestr(name, wanted) != NULL;

   char text[16];
   snprintf(text, sizeof(text), "%u", index);
   while (wanted[0] == '0' && wanted[1] != '\0')
      wanted++;
   return strcmp(text, wanted) == 0;
}

bool vp_gpu_is_in_list(const char *list, unsigned index, const char *name)
{
   char wanted[WANTED_SIZE];

   while (*list) {
      list += strspn(list, ", ");
      size_t length = strcspn(list, ",");
      const char *rest = list + length;
      while (length && list[length - 1] == ' ')
         length--;
      if (length && length < sizeof(wanted)) {
         memcpy(wanted, list, length);
         wanted[length] = '\0';
         if (vp_gpu_is_meant(wanted, index, name))
            return true;
      }
      list = rest;
   }
   return false;
}
