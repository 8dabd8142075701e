/* SPDX-License-Identifier: MIT */
/* Deferred operations are the client's own: they are complete, and the server hears nothing of them. */
#include "client/core/entry_table.h"
#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"

static struct peer peer;

int main(void)
{
   peer_start(&peer, NULL, 0, NULL);
   const VkDevice device = peer_device(&peer);
   VkDeferredOperationKHR operation = VK_NULL_HANDLE;

   CHECK(vp_vkCreateDeferredOperationKHR(device, NULL, &operation) == VK_SUCCESS);
   CHECK(operation);
   CHECK(vp_vkGetDeferredOperationMaxConcurrencyKHR(device, operation) == 0);
   CHECK(vp_vkDeferredOperationJoinKHR(device, operation) == VK_SUCCESS);
   CHECK(vp_vkGetDeferredOperationResultKHR(device, operation) == VK_SUCCESS);
   const VkDebugUtilsObjectNameInfoEXT name = {.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
                                               .objectType = VK_OBJECT_TYPE_DEFERRED_OPERATION_KHR,
                                               .objectHandle = (uint64_t)(uintptr_t)operation,
                                               .pObjectName = "operation"};
   CHECK(vp_vkSetDebugUtilsObjectNameEXT(device, &name) == VK_SUCCESS);
   vp_vkDestroyDeferredOperationKHR(device, operation, NULL);
   vp_vkDestroyDeferredOperationKHR(device, VK_NULL_HANDLE, NULL);
   peer_stop(&peer);
   CHECK(peer.call_count == 0);
   return check_finish();
}
