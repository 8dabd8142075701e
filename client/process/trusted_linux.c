/* SPDX-License-Identifier: MIT */

/* Where a process runs with the rights of somebody else, its environment is not to be trusted. */

#include <stdlib.h>

#include "client/process/trusted.h"

const char *vp_trusted_getenv(const char *name)
{
   return secure_getenv(name);
}
