/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_GPU_CHOICE_H
#define VP_UTIL_GPU_CHOICE_H

#include <stdbool.h>

/* Whether what a person has written means this GPU: its index, or a part of its name, in capitals or not. */
bool vp_gpu_is_meant(const char *wanted, unsigned index, const char *name);

/* The same for several with commas between. An empty list means none. */
bool vp_gpu_is_in_list(const char *list, unsigned index, const char *name);

#endif
