/* SPDX-License-Identifier: MIT */

/* Where server and venus-ctl find each other: the folder of the service manager, that of root, or that of the user. */

#include "server/control/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool vps_control_place(char *path, size_t size)
{
   const char *service = getenv("RUNTIME_DIRECTORY"), *user = getenv("XDG_RUNTIME_DIR");
   int length = -1;

   if (service && service[0] == '/')
      length = snprintf(path, size, "%s/control", service);
   else if (geteuid() == 0)
      length = snprintf(path, size, "%s", VPS_CONTROL_SYSTEM_PLACE);
   else if (user && user[0] == '/')
      length = snprintf(path, size, "%s/venus-server/control", user);
   return length > 0 && (size_t)length < size;
}
