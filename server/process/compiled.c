/* SPDX-License-Identifier: MIT */

/* Adds up how long this process's driver has compiled. */

#include "server/process/compiled.h"

#include <stdatomic.h>

#define MUCH_NS INT64_C(100000000)

static _Atomic int64_t total_ns;

void vps_compiled_note(int64_t ns)
{
   atomic_fetch_add(&total_ns, ns);
}

bool vps_compiled_much(void)
{
   return atomic_load(&total_ns) >= MUCH_NS;
}
