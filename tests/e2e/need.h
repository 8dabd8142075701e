/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_NEED_H
#define VP_TESTS_E2E_NEED_H

#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

/* For the programs of this folder: without these they cannot go on. */

#define NEED(condition)                                                 \
   do {                                                                 \
      if (!(condition)) {                                               \
         printf("%s:%d: %s: not so\n", __FILE__, __LINE__, #condition); \
         exit(1);                                                       \
      }                                                                 \
   } while (0)

#define OK(call)                                                                        \
   do {                                                                                 \
      const VkResult ok_result = (call);                                                \
      if (ok_result != VK_SUCCESS) {                                                    \
         printf("%s:%d: %s: VkResult %d\n", __FILE__, __LINE__, #call, (int)ok_result); \
         exit(1);                                                                       \
      }                                                                                 \
   } while (0)

#endif
