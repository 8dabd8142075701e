/* SPDX-License-Identifier: MIT */
#include "client/device_memory.h"

#include "client/connection.h"
#include "client/device.h"
#include "client/mapping/mapping.h"
#include "client/physical_device.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

/* One MEMORY frame is about this long at most. */
#define FRAME_SIZE ((size_t)1 << 20)

/* --- allocation --- */

/* Whether the server might refuse it, so that the application must hear the
 * answer: large ones, full heaps, and counts near the limit. */
static bool may_fail(struct vp_device *device, const VkMemoryAllocateInfo *info, uint32_t heap)
{
   const struct vp_physical_device *gpu = device->physical_device;
   const VkDeviceSize heap_size = gpu->memory.memoryProperties.memoryHeaps[heap].size;
   const uint32_t max_count = gpu->properties.properties.limits.maxMemoryAllocationCount;
   pthread_mutex_lock(&device->memory_lock);
   const VkDeviceSize used = device->heap_used[heap];
   const uint32_t count = device->allocation_count;
   pthread_mutex_unlock(&device->memory_lock);
   return info->allocationSize > heap_size / 8 || used + info->allocationSize > heap_size / 2 ||
          count + 64 > max_count / 2;
}

static VkResult allocate(struct vp_device *device, const VkMemoryAllocateInfo *info, VkDeviceMemory handle, bool wait)
{
   struct vp_cmd_vkAllocateMemory a = {
      .device = VP_TO_HANDLE(VkDevice, device), .pAllocateInfo = info, .pMemory = &handle};
   if (!wait)
      return vp_send_vkAllocateMemory(device->conn, &a);
   const VkResult result = vp_call_vkAllocateMemory(device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

static void account(struct vp_device *device, struct vp_device_memory *memory, bool more)
{
   pthread_mutex_lock(&device->memory_lock);
   if (more) {
      device->heap_used[memory->heap] += memory->size;
      device->allocation_count++;
   } else {
      device->heap_used[memory->heap] -= memory->size;
      device->allocation_count--;
   }
   pthread_mutex_unlock(&device->memory_lock);
   device->physical_device->allocation_changes++;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkAllocateMemory(VkDevice handle, const VkMemoryAllocateInfo *pAllocateInfo,
                                                   const VkAllocationCallbacks *pAllocator, VkDeviceMemory *pMemory)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, device->allocator);
   const VkPhysicalDeviceMemoryProperties *types = &device->physical_device->memory.memoryProperties;
   struct vp_device_memory *memory =
      vp_object_create(device->conn, allocator, VK_OBJECT_TYPE_DEVICE_MEMORY, sizeof(*memory));
   if (!memory)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   memory->device = device;
   memory->size = pAllocateInfo->allocationSize;
   memory->heap = types->memoryTypes[pAllocateInfo->memoryTypeIndex % VK_MAX_MEMORY_TYPES].heapIndex;
   memory->born = device->submission_count;
   pthread_mutex_init(&memory->lock, NULL);
   const bool wait = may_fail(device, pAllocateInfo, memory->heap);
   const VkResult result = allocate(device, pAllocateInfo, VP_TO_HANDLE(VkDeviceMemory, memory), wait);
   if (result != VK_SUCCESS) {
      pthread_mutex_destroy(&memory->lock);
      vp_object_destroy(device->conn, allocator, memory);
      return result;
   }
   account(device, memory, true);
   *pMemory = VP_TO_HANDLE(VkDeviceMemory, memory);
   return VK_SUCCESS;
}

static void link_mapped(struct vp_device_memory *memory)
{
   struct vp_device *device = memory->device;
   pthread_mutex_lock(&device->memory_lock);
   memory->next = device->mapped_memories;
   if (memory->next)
      memory->next->prev = memory;
   device->mapped_memories = memory;
   pthread_mutex_unlock(&device->memory_lock);
}

static void unlink_mapped(struct vp_device_memory *memory)
{
   struct vp_device *device = memory->device;
   pthread_mutex_lock(&device->memory_lock);
   if (memory->prev)
      memory->prev->next = memory->next;
   else
      device->mapped_memories = memory->next;
   if (memory->next)
      memory->next->prev = memory->prev;
   pthread_mutex_unlock(&device->memory_lock);
}

VKAPI_ATTR void VKAPI_CALL vp_vkFreeMemory(VkDevice handle, VkDeviceMemory memory_handle,
                                           const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_device_memory *memory = VP_FROM_HANDLE(struct vp_device_memory, memory_handle);
   if (!memory)
      return;
   if (memory->mapping)
      unlink_mapped(memory);
   const struct vp_cmd_vkFreeMemory a = {.device = handle, .memory = memory_handle};
   vp_send_vkFreeMemory(device->conn, &a);
   account(device, memory, false);
   struct vp_mapping *mapping = memory->mapping;
   /* The receiver uses it only while it is in the table of objects. */
   vp_connection_remove_object(device->conn, &memory->base);
   vp_mapping_destroy(mapping);
   pthread_mutex_destroy(&memory->lock);
   vp_object_free(vp_allocator(pAllocator, device->allocator), memory);
}

/* --- mapping --- */

/* Whether nothing can have used the memory is decided at the command's place in the stream, since another thread may
 * submit something meanwhile. */
static VkResult say_mapped(struct vp_device_memory *memory)
{
   struct vp_device *device = memory->device;
   struct vp_connection *conn = device->conn;
   struct vp_call call;
   struct vp_encoder *enc = vp_call_begin(conn);
   struct vp_cmd_vkMapMemoryVP a = {
      .device = VP_TO_HANDLE(VkDevice, device),
      .memory = VP_TO_HANDLE(VkDeviceMemory, memory),
      .fresh = memory->born == device->submission_count,
   };
   vp_request_vkMapMemoryVP(enc, !a.fresh, &a);
   if (a.fresh)
      return vp_stream_end(conn);
   vp_call_queue(conn, &call);
   /* What the GPU has written comes before the reply. */
   const VkResult result = vp_call_wait(conn, &call, VP_CMD_vkMapMemoryVP);
   if (result == VK_SUCCESS)
      vp_reply_vkMapMemoryVP(&call.dec, &a);
   const VkResult end = vp_call_end(conn, &call);
   return result != VK_SUCCESS ? result : end != VK_SUCCESS ? end : a.ret;
}

/* The first mapping: from now on the two sides keep the memory equal. */
static VkResult start_mapping(struct vp_device_memory *memory)
{
   struct vp_mapping *mapping = vp_mapping_create((size_t)memory->size);
   if (!mapping)
      return VK_ERROR_MEMORY_MAP_FAILED;
   pthread_mutex_lock(&memory->lock);
   memory->mapping = mapping;
   pthread_mutex_unlock(&memory->lock);
   const VkResult result = say_mapped(memory);
   if (result == VK_SUCCESS) {
      link_mapped(memory);
      return VK_SUCCESS;
   }
   pthread_mutex_lock(&memory->lock);
   memory->mapping = NULL;
   pthread_mutex_unlock(&memory->lock);
   vp_mapping_destroy(mapping);
   return result == VK_ERROR_DEVICE_LOST ? VK_ERROR_MEMORY_MAP_FAILED : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkMapMemory(VkDevice device, VkDeviceMemory handle, VkDeviceSize offset,
                                              VkDeviceSize size, VkMemoryMapFlags flags, void **ppData)
{
   (void)device, (void)size, (void)flags;
   struct vp_device_memory *memory = VP_FROM_HANDLE(struct vp_device_memory, handle);
   if (memory->base.error)
      return VK_ERROR_MEMORY_MAP_FAILED;
   if (!memory->mapping) {
      const VkResult result = start_mapping(memory);
      if (result != VK_SUCCESS)
         return result;
   }
   pthread_mutex_lock(&memory->lock);
   memory->mapped = true;
   memory->maybe_changed = true;
   pthread_mutex_unlock(&memory->lock);
   *ppData = vp_mapping_pointer(memory->mapping) + offset;
   return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vp_vkUnmapMemory(VkDevice device, VkDeviceMemory handle)
{
   (void)device;
   struct vp_device_memory *memory = VP_FROM_HANDLE(struct vp_device_memory, handle);
   pthread_mutex_lock(&memory->lock);
   memory->mapped = false;
   pthread_mutex_unlock(&memory->lock);
}

#ifdef VK_KHR_map_memory2
VKAPI_ATTR VkResult VKAPI_CALL vp_vkMapMemory2(VkDevice device, const VkMemoryMapInfoKHR *info, void **ppData)
{
   return vp_vkMapMemory(device, info->memory, info->offset, info->size, info->flags, ppData);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkUnmapMemory2(VkDevice device, const VkMemoryUnmapInfoKHR *info)
{
   vp_vkUnmapMemory(device, info->memory);
   return VK_SUCCESS;
}
#endif

/* Every submission looks at all that is mapped, every completed wait has
 * brought what the GPU wrote: ranges add nothing to that. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkFlushMappedMemoryRanges(VkDevice device, uint32_t count,
                                                            const VkMappedMemoryRange *ranges)
{
   (void)device, (void)count, (void)ranges;
   return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkInvalidateMappedMemoryRanges(VkDevice device, uint32_t count,
                                                                 const VkMappedMemoryRange *ranges)
{
   (void)device, (void)count, (void)ranges;
   return VK_SUCCESS;
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

/* --- transfers --- */

/* Notes what may change from now on: everything before is about to be sent. */
static bool take_maybe_changed(struct vp_device_memory *memory)
{
   pthread_mutex_lock(&memory->lock);
   const bool maybe_changed = memory->maybe_changed;
   memory->maybe_changed = memory->mapped;
   pthread_mutex_unlock(&memory->lock);
   return maybe_changed;
}

/* Looks without the stream, which other threads go on with. */
static size_t find_change(struct vp_device_memory *memory, size_t position)
{
   pthread_mutex_lock(&memory->lock);
   position = vp_mapping_find_change(memory->mapping, position);
   pthread_mutex_unlock(&memory->lock);
   return position;
}

/* Frame by frame. The memory's lock is not held while a frame is sent: the
 * receiver may need it to make room for the server to go on. */
static VkResult flush_memory(struct vp_device_memory *memory)
{
   struct vp_connection *conn = memory->device->conn;
   size_t position = 0;
   while ((position = find_change(memory, position)) < memory->size) {
      struct vp_encoder *enc = vp_stream_begin_frame(conn, VP_FRAME_MEMORY, memory->base.id);
      pthread_mutex_lock(&memory->lock);
      const size_t changed = vp_mapping_collect(memory->mapping, enc, &position, FRAME_SIZE);
      pthread_mutex_unlock(&memory->lock);
      if (!changed && !enc->failed) {
         vp_stream_cancel_frame(conn);
         continue;
      }
      vp_stats_add(&conn->stats.memory_sent, changed);
      const VkResult result = vp_stream_end_frame(conn);
      if (result == VK_ERROR_OUT_OF_HOST_MEMORY) /* the twin has it, the server does not */
         vp_connection_lose(conn, "there is no memory left to send mapped memory with");
      if (result != VK_SUCCESS)
         return result;
   }
   return VK_SUCCESS;
}

VkResult vp_device_flush_mapped_memory(struct vp_device *device)
{
   VkResult result = VK_SUCCESS;
   device->submission_count++;
   pthread_mutex_lock(&device->memory_lock);
   for (struct vp_device_memory *memory = device->mapped_memories; memory && result == VK_SUCCESS;
        memory = memory->next) {
      if (take_maybe_changed(memory))
         result = flush_memory(memory);
   }
   pthread_mutex_unlock(&device->memory_lock);
   return result;
}

bool vp_device_memory_receive(struct vp_device_memory *memory, const uint8_t *data, size_t size)
{
   pthread_mutex_lock(&memory->lock);
   const bool ok = !memory->mapping || vp_mapping_apply(memory->mapping, data, size);
   pthread_mutex_unlock(&memory->lock);
   return ok;
}
