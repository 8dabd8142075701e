/* SPDX-License-Identifier: MIT */

/* Life of a memory: vkAllocateMemory, which waits only where memory may be short, vkFreeMemory; and its address. */

#include "client/memory/device_memory.h"

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/link/object_table.h"
#include "client/mapping/mapping.h"
#include "client/mapping/pages.h"
#include "client/memory/mapping_list.h"
#include "client/memory/share_memory.h"
#include "client/memory/unanswered.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/memory/address.h"

/* --- allocation --- */

/* Whether so many allocations may be refused, or this one for other reasons than its size. */
static bool may_fail(struct vp_device *device, const VkMemoryAllocateInfo *info)
{
   const uint32_t max_count = device->physical_device->properties.properties.limits.maxMemoryAllocationCount;
   pthread_mutex_lock(&device->memory_lock);
   const uint32_t count = device->allocation_count;
   pthread_mutex_unlock(&device->memory_lock);
   return count + 64 > max_count / 2 ||
          vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_MEMORY_OPAQUE_CAPTURE_ADDRESS_ALLOCATE_INFO);
}

/* Waits for the allocation. Memory that can be mapped is prepared for that in the same exchange. */
static VkResult ask_for_memory(struct vp_device_memory *memory, struct vp_cmd_vkAllocateMemory *a)
{
   struct vp_connection *conn = memory->device->conn;
   struct vp_cmd_vkPrepareMemoryVP prepare = {.device = a->device, .memory = *a->pMemory, .ret = VK_ERROR_UNKNOWN};
   struct vp_call calls[2];
   vp_request_vkAllocateMemory(vp_call_begin(conn), 1, a);
   VkResult result = vp_call_queue(conn, &calls[0]);
   const bool prepares = result == VK_SUCCESS && !memory->hidden;
   if (prepares) {
      vp_request_vkPrepareMemoryVP(vp_call_begin(conn), 1, &prepare);
      vp_call_queue(conn, &calls[1]);
   }
   result = vp_call_wait(conn, &calls[0], VP_CMD_vkAllocateMemory);
   if (result == VK_SUCCESS)
      vp_reply_vkAllocateMemory(&calls[0].dec, a);
   const VkResult end = vp_call_end(conn, &calls[0]);
   if (prepares && vp_call_wait(conn, &calls[1], UINT32_MAX) == VK_SUCCESS)
      vp_reply_vkPrepareMemoryVP(&calls[1].dec, &prepare);
   memory->prepared = prepares && vp_call_end(conn, &calls[1]) == VK_SUCCESS && prepare.ret == VK_SUCCESS;
   return result != VK_SUCCESS ? result : end != VK_SUCCESS ? end : a->ret;
}

static VkResult allocate_device_memory(struct vp_device_memory *memory, const VkMemoryAllocateInfo *info)
{
   struct vp_device *device = memory->device;
   VkDeviceMemory handle = VP_TO_HANDLE(VkDeviceMemory, memory);
   struct vp_cmd_vkAllocateMemory a = {
      .device = VP_TO_HANDLE(VkDevice, device), .pAllocateInfo = info, .pMemory = &handle};
   const bool wait = vp_device_is_careful(device, VP_CMD_vkAllocateMemory) || may_fail(device, info) ||
                     vp_unanswered_exceeds(device, memory->heap, info->allocationSize);
   const uint64_t said = vp_unanswered_said(device);
   const VkResult result = wait ? ask_for_memory(memory, &a) : vp_send_vkAllocateMemory(device->conn, &a);
   if (wait && result != VK_ERROR_DEVICE_LOST)
      vp_unanswered_settle(device, said);
   return result;
}

static void account(struct vp_device *device, bool more)
{
   pthread_mutex_lock(&device->memory_lock);
   device->allocation_count += more ? 1 : -1;
   pthread_mutex_unlock(&device->memory_lock);
   device->physical_device->allocation_changes++;
}

/* --- life --- */

/* Memory of the application's takes the place of pages of ours. Unlike them it has content already. */
static VkResult import_memory(struct vp_device_memory *memory, const VkImportMemoryHostPointerInfoEXT *info)
{
   const size_t size = (size_t)memory->size;
   if (info->handleType != VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT ||
       ((uintptr_t)info->pHostPointer | size) % VP_PAGE_SIZE != 0)
      return VK_ERROR_INVALID_EXTERNAL_HANDLE;
   memory->mapping = vp_mapping_import(memory->base.id, info->pHostPointer, size);
   memory->imported = memory->mapping != NULL;
   memory->import.handles = 1;
   memory->born = VP_BORN_NOW;
   return memory->imported ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

static void release_memory(struct vp_device_memory *memory, const VkAllocationCallbacks *allocator)
{
   /* The receiver uses it only while it is in the table of objects, and may have made the mapping until then. */
   vp_object_table_remove(&memory->device->conn->objects, &memory->base);
   if (memory->address) /* other memory may get it */
      vp_descriptor_rules_remove(&memory->device->descriptor_rules, memory->address);
   vp_mapping_unref(memory->mapping);
   pthread_mutex_destroy(&memory->lock);
   vp_object_free(allocator, memory);
}

VKAPI_ATTR void VKAPI_CALL vp_vkFreeMemory(VkDevice handle, VkDeviceMemory memory_handle,
                                           const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_device_memory *memory = VP_FROM_HANDLE(struct vp_device_memory, memory_handle);
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, device->allocator);
   if (!memory)
      return;
   account(device, false);
   if (memory->imported && !vp_import_release(&memory, &allocator))
      return;
   struct vp_mapping *mapping = memory->mapping;
   if (mapping) {
      vp_mapping_list_remove(device, mapping);
      vp_mapping_close(mapping);
   }
   const struct vp_cmd_vkFreeMemory a = {.device = handle, .memory = VP_TO_HANDLE(VkDeviceMemory, memory)};
   vp_send_vkFreeMemory(device->conn, &a);
   release_memory(memory, allocator);
   vp_exports_sweep(device->physical_device);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkAllocateMemory(VkDevice handle, const VkMemoryAllocateInfo *pAllocateInfo,
                                                   const VkAllocationCallbacks *pAllocator, VkDeviceMemory *pMemory)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, device->allocator);
   const VkPhysicalDeviceMemoryProperties *types = &device->physical_device->memory.memoryProperties;
   struct vp_device_memory *memory = vp_import_again(device, pAllocateInfo, allocator);
   if (memory) {
      account(device, true);
      *pMemory = VP_TO_HANDLE(VkDeviceMemory, memory);
      return VK_SUCCESS;
   }
   memory = vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_DEVICE_MEMORY, sizeof(*memory));
   if (!memory)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   memory->device = device;
   memory->size = pAllocateInfo->allocationSize;
   const VkMemoryType *type = &types->memoryTypes[pAllocateInfo->memoryTypeIndex % VK_MAX_MEMORY_TYPES];
   memory->heap = type->heapIndex;
   memory->lent = vp_memory_is_lent(pAllocateInfo);
   memory->hidden = memory->lent || !(type->propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT);
   memory->told = vp_address_is_told(pAllocateInfo);
   memory->born = device->submission_count;
   pthread_mutex_init(&memory->lock, NULL);
   const VkImportMemoryHostPointerInfoEXT *import =
      vp_chain_find(pAllocateInfo->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT);
   VkResult result = import && import->handleType ? import_memory(memory, import) : VK_SUCCESS;
   if (result == VK_SUCCESS)
      result = vp_memory_fd_of(pAllocateInfo) ? vp_memory_import_fd(memory, pAllocateInfo)
                                              : allocate_device_memory(memory, pAllocateInfo);
   if (result != VK_SUCCESS) {
      release_memory(memory, allocator);
      return result;
   }
   account(device, true);
   *pMemory = VP_TO_HANDLE(VkDeviceMemory, memory);
   if (memory->imported)
      result = vp_device_memory_start_mapping(memory);
   if (result != VK_SUCCESS)
      vp_vkFreeMemory(handle, *pMemory, pAllocator);
   else if (memory->imported)
      vp_import_add(memory, pAllocateInfo);
   return result;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetDeviceMemoryCommitment(VkDevice handle, VkDeviceMemory memory,
                                                          VkDeviceSize *pCommitted)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_cmd_vkGetDeviceMemoryCommitment a = {
      .device = handle, .memory = memory, .pCommittedMemoryInBytes = pCommitted};
   *pCommitted = 0;
   vp_call_vkGetDeviceMemoryCommitment(device->conn, &a);
}

/* --- addresses --- */

void vp_device_memory_receive_address(struct vp_device_memory *memory, VkDeviceAddress address)
{
   struct vp_connection *conn = memory->device->conn;
   vp_descriptor_rules_add(&memory->device->descriptor_rules, address, memory->size);
   pthread_mutex_lock(&conn->progress_lock);
   memory->address = address;
   memory->has_address = true;
   vp_news_unlock(conn);
}

/* Whether all is known that will be known of an address. With the progress lock and that of objects. */
static bool find_address(const struct vp_connection *conn, const struct vp_object *object, VkDeviceAddress *address)
{
   const struct vp_device_memory *memory = (const void *)object;
   *address = 0;
   if (!object || object->type != VK_OBJECT_TYPE_DEVICE_MEMORY || object->error ||
       ((const struct vp_device_memory *)(const void *)object)->device->base.error || vp_connection_lost(conn))
      return true;
   *address = memory->address;
   return memory->has_address;
}

VkDeviceAddress vp_device_memory_address(struct vp_device *device, uint64_t id)
{
   struct vp_connection *conn = device->conn;
   VkDeviceAddress address;
   bool known, waits = false;
   do {
      pthread_mutex_lock(&conn->objects.lock);
      pthread_mutex_lock(&conn->progress_lock);
      known = find_address(conn, vp_object_table_find(&conn->objects, id), &address);
      pthread_mutex_unlock(&conn->objects.lock);
      if (!known && waits)
         vp_news_wait(conn);
      pthread_mutex_unlock(&conn->progress_lock);
      if (!known && !waits)
         vp_news_expect(conn);
      waits = true;
   } while (!known);
   return address;
}
