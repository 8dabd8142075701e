/* SPDX-License-Identifier: MIT */

/* Acceleration structures: the server tells the device address of each unasked, sizes are asked for and kept, and what
 * the host would have to build or copy is refused. */

#include "client/memory/acceleration_structure.h"

#include "client/core/device.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

void *vp_make_vkCreateAccelerationStructureKHR(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                               const VkAccelerationStructureCreateInfoKHR *info)
{
   (void)info;
   return vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_ACCELERATION_STRUCTURE_KHR,
                           sizeof(struct vp_acceleration_structure));
}

/* --- addresses --- */

void vp_acceleration_structure_receive_address(struct vp_connection *conn, struct vp_acceleration_structure *structure,
                                               VkDeviceAddress address)
{
   pthread_mutex_lock(&conn->progress_lock);
   structure->address = address;
   structure->has_address = true;
   vp_news_unlock(conn);
}

VKAPI_ATTR VkDeviceAddress VKAPI_CALL
vp_vkGetAccelerationStructureDeviceAddressKHR(VkDevice handle, const VkAccelerationStructureDeviceAddressInfoKHR *pInfo)
{
   struct vp_connection *conn = vp_device_from_handle(handle)->conn;
   const struct vp_acceleration_structure *structure =
      VP_FROM_HANDLE(struct vp_acceleration_structure, pInfo->accelerationStructure);
   vp_news_await(conn, &structure->base, &structure->has_address);
   pthread_mutex_lock(&conn->progress_lock);
   const VkDeviceAddress address = structure->address;
   pthread_mutex_unlock(&conn->progress_lock);
   return address;
}

/* --- work --- */

/* Work on acceleration structures by the host's own processor reads and writes
 * host memory by address, which is another machine's here. The feature is
 * reported as missing; a call of an application that does not look ends well. */

VKAPI_ATTR VkResult VKAPI_CALL
vp_vkBuildAccelerationStructuresKHR(VkDevice device, VkDeferredOperationKHR deferredOperation, uint32_t infoCount,
                                    const VkAccelerationStructureBuildGeometryInfoKHR *pInfos,
                                    const VkAccelerationStructureBuildRangeInfoKHR *const *ppBuildRangeInfos)
{
   (void)device, (void)deferredOperation, (void)infoCount, (void)pInfos, (void)ppBuildRangeInfos;
   return VK_ERROR_FEATURE_NOT_PRESENT;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCopyAccelerationStructureKHR(VkDevice device,
                                                                 VkDeferredOperationKHR deferredOperation,
                                                                 const VkCopyAccelerationStructureInfoKHR *pInfo)
{
   (void)device, (void)deferredOperation, (void)pInfo;
   return VK_ERROR_FEATURE_NOT_PRESENT;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCopyAccelerationStructureToMemoryKHR(
   VkDevice device, VkDeferredOperationKHR deferredOperation, const VkCopyAccelerationStructureToMemoryInfoKHR *pInfo)
{
   (void)device, (void)deferredOperation, (void)pInfo;
   return VK_ERROR_FEATURE_NOT_PRESENT;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCopyMemoryToAccelerationStructureKHR(
   VkDevice device, VkDeferredOperationKHR deferredOperation, const VkCopyMemoryToAccelerationStructureInfoKHR *pInfo)
{
   (void)device, (void)deferredOperation, (void)pInfo;
   return VK_ERROR_FEATURE_NOT_PRESENT;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkWriteAccelerationStructuresPropertiesKHR(
   VkDevice device, uint32_t accelerationStructureCount, const VkAccelerationStructureKHR *pAccelerationStructures,
   VkQueryType queryType, size_t dataSize, void *pData, size_t stride)
{
   (void)device, (void)accelerationStructureCount, (void)pAccelerationStructures, (void)queryType;
   (void)dataSize, (void)pData, (void)stride;
   return VK_ERROR_FEATURE_NOT_PRESENT;
}

/* Sizes do not depend on which structures there are, and their handles may be garbage. */
VKAPI_ATTR void VKAPI_CALL vp_vkGetAccelerationStructureBuildSizesKHR(
   VkDevice handle, VkAccelerationStructureBuildTypeKHR buildType,
   const VkAccelerationStructureBuildGeometryInfoKHR *pBuildInfo, const uint32_t *pMaxPrimitiveCounts,
   VkAccelerationStructureBuildSizesInfoKHR *pSizeInfo)
{
   struct vp_device *device = vp_device_from_handle(handle);
   VkAccelerationStructureBuildGeometryInfoKHR info = *pBuildInfo;
   info.mode = VK_BUILD_ACCELERATION_STRUCTURE_MODE_BUILD_KHR;
   info.srcAccelerationStructure = VK_NULL_HANDLE;
   info.dstAccelerationStructure = VK_NULL_HANDLE;
   info.scratchData = (VkDeviceOrHostAddressKHR){0};
   struct vp_cmd_vkGetAccelerationStructureBuildSizesKHR a = {.device = handle,
                                                              .buildType = buildType,
                                                              .pBuildInfo = &info,
                                                              .pMaxPrimitiveCounts = pMaxPrimitiveCounts,
                                                              .pSizeInfo = pSizeInfo};
   vp_ask_vkGetAccelerationStructureBuildSizesKHR(&device->cache, device->conn, &a);
}
