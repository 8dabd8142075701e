/* SPDX-License-Identifier: MIT */
#ifndef VP_WIRE_CU_EXTRAS_H
#define VP_WIRE_CU_EXTRAS_H

/* The keys in the list behind pExtras of VkCuLaunchInfoNVX, which are CUDA's. */
#define VP_CU_EXTRA_END ((const void *)0)
#define VP_CU_EXTRA_BUFFER ((const void *)1) /* a pointer to the parameters */
#define VP_CU_EXTRA_SIZE ((const void *)2)   /* a pointer to their size */

#endif
