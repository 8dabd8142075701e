/* SPDX-License-Identifier: MIT */
#include "server/compiled.h"

#include <stdatomic.h>

/* Less is not worth the time that it takes to load a driver. */
#define MUCH_NS INT64_C(100000000)

static _Atomic int64_t total_ns;
static int64_t seen_ns, told_ns; /* of the total: at the last question, and when it was news */

void vps_compiled_note(int64_t ns)
{
   atomic_fetch_add(&total_ns, ns);
}

bool vps_compiled_is_news(bool more)
{
   const int64_t now_ns = atomic_load(&total_ns);
   const bool settled = now_ns == seen_ns || !more;

   seen_ns = now_ns;
   if (!settled || now_ns - told_ns < MUCH_NS)
      return false;
   told_ns = now_ns;
   return true;
}
