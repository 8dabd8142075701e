/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "client/process/trusted.h"

const char *vp_trusted_getenv(const char *name)
{
   return secure_getenv(name);
}
