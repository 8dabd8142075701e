/* SPDX-License-Identifier: MIT */

/* Work that the application's own threads may do. None is left to them: pipelines are compiled by the server, and
 * nothing else can be deferred here. So each operation is complete from the beginning. */

#include "client/vp_entry.h"

VKAPI_ATTR uint32_t VKAPI_CALL vp_vkGetDeferredOperationMaxConcurrencyKHR(VkDevice device,
                                                                          VkDeferredOperationKHR operation)
{
   (void)device, (void)operation;
   return 0; /* no thread has anything to do */
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetDeferredOperationResultKHR(VkDevice device, VkDeferredOperationKHR operation)
{
   (void)device, (void)operation;
   return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkDeferredOperationJoinKHR(VkDevice device, VkDeferredOperationKHR operation)
{
   (void)device, (void)operation;
   return VK_SUCCESS;
}
