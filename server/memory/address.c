/* SPDX-License-Identifier: MIT */

/* Binds a small buffer to the first and the last place of new memory: if their addresses are as far apart as their
 * offsets, the client can add any offset to the first. */

#include "server/memory/address.h"

#include "common/memory/address.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/memory/descriptor_rules.h"

#define PROBE_SIZE ((VkDeviceSize)16)

/* Binds the buffer to the memory's first or last place that it fits into. 0 when it does not, has no address, or one at
 * which the client would make wrong descriptors. */
static VkDeviceAddress bind(const struct vps_device *device, VkBuffer buffer, VkDeviceMemory memory,
                            const VkMemoryAllocateInfo *info, bool last, VkDeviceSize *offset)
{
   const struct vps_device_functions *functions = &device->functions;
   const VkBufferDeviceAddressInfo question = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = buffer};
   VkMemoryRequirements needs;

   functions->GetBufferMemoryRequirements(device->handle, buffer, &needs);
   if (needs.size > info->allocationSize || !(needs.memoryTypeBits >> info->memoryTypeIndex & 1))
      return 0;
   *offset = last ? (info->allocationSize - needs.size) / needs.alignment * needs.alignment : 0;
   if (functions->BindBufferMemory(device->handle, buffer, memory, *offset) < 0)
      return 0;
   const VkDeviceAddress address = functions->GetBufferDeviceAddress(device->handle, &question);
   return address && vps_descriptor_rules_hold(device, address, PROBE_SIZE) ? address : 0;
}

static VkDeviceAddress try_address(const struct vps_device *device, VkDeviceMemory memory,
                                   const VkMemoryAllocateInfo *info, bool last, VkDeviceSize *offset)
{
   const VkBufferCreateInfo probe = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = PROBE_SIZE,
      .usage = vps_descriptor_rules_usage(device),
   };
   VkBuffer buffer;

   if (device->functions.CreateBuffer(device->handle, &probe, NULL, &buffer) < 0)
      return 0;
   const VkDeviceAddress address = bind(device, buffer, memory, info, last, offset);
   device->functions.DestroyBuffer(device->handle, buffer, NULL);
   return address;
}

/* 0 when the addresses in this memory do not follow from that of its beginning. */
static VkDeviceAddress find_address(const struct vps_device *device, VkDeviceMemory memory,
                                    const VkMemoryAllocateInfo *info)
{
   VkDeviceSize first, last;

   if (!device->functions.GetBufferDeviceAddress)
      return 0;
   const VkDeviceAddress start = try_address(device, memory, info, false, &first);
   const VkDeviceAddress end = start ? try_address(device, memory, info, true, &last) : 0;
   return end && end - start == last ? start : 0;
}

void vps_address_tell(struct vps_device *device, uint64_t id, VkDeviceMemory memory, const VkMemoryAllocateInfo *info)
{
   if (vp_address_is_told(info))
      vps_frame_writer_send_address(device->writer, id, find_address(device, memory, info));
}

void vps_observe_vkCreateAccelerationStructureKHR(struct vps_context *ctx,
                                                  const struct vp_cmd_vkCreateAccelerationStructureKHR *a)
{
   const struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pAccelerationStructure);
   const struct vps_device *device = ctx->used[0]->device;
   const PFN_vkGetAccelerationStructureDeviceAddressKHR get =
      device->functions.GetAccelerationStructureDeviceAddressKHR;

   if (!object || object->poison)
      return;
   const VkAccelerationStructureDeviceAddressInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_DEVICE_ADDRESS_INFO_KHR,
      .accelerationStructure = (VkAccelerationStructureKHR)(uintptr_t)object->handle,
   };
   vps_frame_writer_send_address(ctx->writer, object->id, get ? get(device->handle, &info) : 0);
}
