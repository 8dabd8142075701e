/* SPDX-License-Identifier: MIT */

/* Takes from the quotas of device memory and of allocations before the driver is asked. */

#include "server/core/device_memory.h"

#include "server/core/device.h"
#include "server/core/host_memory.h"
#include "server/core/quota.h"
#include "server/core/tally.h"

static bool take_allocation(VkDeviceSize size)
{
   if (!vps_quota_take(VPS_QUOTA_ALLOCATIONS, 1))
      return false;
   if (vps_quota_take(VPS_QUOTA_DEVICE_MEMORY, size))
      return true;
   vps_quota_give(VPS_QUOTA_ALLOCATIONS, 1);
   return false;
}

VkResult vps_device_memory_allocate(const struct vps_device *device, const VkMemoryAllocateInfo *info,
                                    VkDeviceMemory *memory)
{
   VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;

   *memory = VK_NULL_HANDLE;
   if (!take_allocation(info->allocationSize))
      return result;
   if (device->is_processor)
      vps_host_memory_is_device_memory((int64_t)info->allocationSize);
   vps_tally_memory(device->tally_gpu, (int64_t)info->allocationSize);
   result = device->functions.AllocateMemory(device->handle, info, NULL, memory);
   if (result >= 0)
      return result;
   *memory = VK_NULL_HANDLE;
   vps_device_memory_forget(device, info->allocationSize);
   return result;
}

void vps_device_memory_report(VkDeviceSize size)
{
   if (!vps_quota_has_room(VPS_QUOTA_ALLOCATIONS, 1))
      vps_quota_report(VPS_QUOTA_ALLOCATIONS);
   else if (!vps_quota_has_room(VPS_QUOTA_DEVICE_MEMORY, size))
      vps_quota_report(VPS_QUOTA_DEVICE_MEMORY);
}

void vps_device_memory_free(const struct vps_device *device, VkDeviceMemory memory, VkDeviceSize size)
{
   if (!memory)
      return;
   device->functions.FreeMemory(device->handle, memory, NULL);
   vps_device_memory_forget(device, size);
}

static void give_size(const struct vps_memory_account *account)
{
   if (account->is_processor)
      vps_host_memory_is_device_memory(-(int64_t)account->size);
   vps_quota_give(VPS_QUOTA_DEVICE_MEMORY, account->size);
   vps_tally_memory(account->tally_gpu, -(int64_t)account->size);
}

struct vps_memory_account vps_memory_account_of(const struct vps_device *device, VkDeviceSize size)
{
   return (struct vps_memory_account){
      .size = size, .tally_gpu = device->tally_gpu, .is_processor = device->is_processor};
}

void vps_memory_account_give(const struct vps_memory_account *account)
{
   give_size(account);
   vps_quota_give(VPS_QUOTA_ALLOCATIONS, 1);
}

void vps_device_memory_trim(const struct vps_device *device, VkDeviceSize excess)
{
   const struct vps_memory_account account = vps_memory_account_of(device, excess);

   give_size(&account);
}

void vps_device_memory_forget(const struct vps_device *device, VkDeviceSize size)
{
   const struct vps_memory_account account = vps_memory_account_of(device, size);

   vps_memory_account_give(&account);
}
