/* SPDX-License-Identifier: MIT */

/* vkMapMemory, which gives pages of the client's, and what the server has of them that the client lacks. */

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/mapping/mapping.h"
#include "client/memory/device_memory.h"
#include "client/memory/mapping_list.h"
#include "client/memory/unanswered.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/log.h"

/* Changes of a memory this large are sent as soon as the application says that it is done with them. */
#define EARLY_SIZE ((VkDeviceSize)1 << 20)

/* --- start and end --- */

/* Tells the server that the application maps the memory with this id. `ask`: for what the server has and we lack, or
 * whether it can. Whether nothing can have used the memory is decided at the command's place in the stream, since
 * another thread may submit something meanwhile; *born (NULL: it is known already) is the count of submissions at its
 * allocation. */
static VkResult say_mapped(struct vp_device *device, struct vp_mapping *mapping, bool ask, const uint64_t *born)
{
   struct vp_connection *conn = device->conn;
   struct vp_object named = {.id = vp_mapping_id(mapping)}; /* the object itself may go while we ask */
   struct vp_call call;
   struct vp_encoder *enc = vp_stream_begin(conn);
   if (vp_mapping_is_closed(mapping)) { /* its end may be in the stream already */
      vp_stream_unlock(conn);
      return VK_SUCCESS;
   }
   struct vp_cmd_vkMapMemoryVP a = {
      .device = VP_TO_HANDLE(VkDevice, device),
      .memory = VP_TO_HANDLE(VkDeviceMemory, &named),
      .fresh = born && (*born == VP_BORN_NOW || *born == device->submission_count),
   };
   const bool reply = ask || (born && !a.fresh);
   vp_mapping_set_place(mapping, vp_stream_place(conn));
   vp_request_vkMapMemoryVP(enc, reply, &a);
   if (!reply)
      return vp_stream_end(conn);
   vp_call_queue(conn, &call);
   /* What the GPU has written comes before the reply. */
   const VkResult result = vp_call_wait(conn, &call, VP_CMD_vkMapMemoryVP);
   if (result == VK_SUCCESS)
      vp_reply_vkMapMemoryVP(&call.dec, &a);
   const VkResult end = vp_call_end(conn, &call);
   if (result == VK_SUCCESS && end == VK_SUCCESS && a.ret == VK_SUCCESS)
      vp_mapping_set_stale(mapping, false);
   return result != VK_SUCCESS ? result : end != VK_SUCCESS ? end : a.ret;
}

/* The memory's mapping, made when there is none. *is_new: the server has not sent anything of it. */
static struct vp_mapping *get_mapping(struct vp_device_memory *memory, bool *is_new)
{
   pthread_mutex_lock(&memory->lock);
   *is_new = !memory->mapping;
   /* What a process cannot have at once, as of 32 bits, is not asked for with fewer bits. */
   if (!memory->mapping && memory->size <= SIZE_MAX / 2)
      memory->mapping = vp_mapping_create(memory->base.id, (size_t)memory->size);
   struct vp_mapping *mapping = memory->mapping;
   pthread_mutex_unlock(&memory->lock);
   return mapping;
}

/* The first mapping has failed: the next one starts anew. */
static void forget_mapping(struct vp_device_memory *memory)
{
   vp_mapping_list_remove(memory->device, memory->mapping);
   vp_mapping_close(memory->mapping);
   pthread_mutex_lock(&memory->lock);
   struct vp_mapping *mapping = memory->mapping;
   memory->mapping = NULL;
   pthread_mutex_unlock(&memory->lock);
   vp_mapping_unref(mapping);
}

/* It is in the list before the server hears of it, since nothing may fail after that. */
VkResult vp_device_memory_start_mapping(struct vp_device_memory *memory)
{
   struct vp_device *device = memory->device;
   bool is_new;
   struct vp_mapping *mapping = memory->hidden ? NULL : get_mapping(memory, &is_new);
   if (!mapping)
      return VK_ERROR_MEMORY_MAP_FAILED;
   const bool is_first = !memory->listed, is_known = !is_new && !(memory->imported && is_first);
   const bool may_fail =
      !is_known && !memory->prepared &&
      (vp_device_is_careful(device, VP_CMD_vkMapMemoryVP) || vp_unanswered_exceeds(device, memory->heap, memory->size));
   const uint64_t said = vp_unanswered_said(device);
   if (is_first && !vp_mapping_list_add(device, mapping)) {
      if (is_new)
         forget_mapping(memory);
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   vp_mapping_set_writable(mapping, true);
   const VkResult result =
      say_mapped(device, mapping, may_fail || vp_mapping_is_stale(mapping), is_known ? NULL : &memory->born);
   if (may_fail && result != VK_ERROR_DEVICE_LOST)
      vp_unanswered_settle(device, said);
   memory->listed = !is_first || result == VK_SUCCESS;
   if (result == VK_SUCCESS)
      return VK_SUCCESS;
   vp_mapping_set_writable(mapping, false);
   if (is_first)
      forget_mapping(memory);
   return result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY ? result
                                                                                           : VK_ERROR_MEMORY_MAP_FAILED;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkMapMemory(VkDevice device, VkDeviceMemory handle, VkDeviceSize offset,
                                              VkDeviceSize size, VkMemoryMapFlags flags, void **ppData)
{
   (void)device, (void)size, (void)flags;
   struct vp_device_memory *memory = VP_FROM_HANDLE(struct vp_device_memory, handle);
   if (memory->base.error)
      return VK_ERROR_MEMORY_MAP_FAILED;
   if (memory->lent) {
      vp_log(VP_LOG_WARN, "memory that is shared by file descriptors cannot be mapped");
      return VK_ERROR_MEMORY_MAP_FAILED;
   }
   const VkResult result = vp_device_memory_start_mapping(memory);
   if (result == VK_SUCCESS)
      *ppData = vp_mapping_pointer(memory->mapping) + offset;
   return result;
}

/* A place that the application chose is its own again: unmapped, or reserved. */
static VkResult end_mapping(struct vp_device_memory *memory, bool reserve)
{
   struct vp_device *device = memory->device;
   if (!memory->mapping || memory->imported)
      return VK_SUCCESS;
   if (memory->placed && !vp_mapping_move(memory->mapping, NULL, reserve))
      return VK_ERROR_MEMORY_MAP_FAILED;
   memory->placed = false;
   vp_mapping_set_writable(memory->mapping, false);
   if (memory->size >= EARLY_SIZE)
      vp_stream_add_memory(device->conn, device, memory->mapping);
   vp_send_vkUnmapMemoryVP(device->conn, &(struct vp_cmd_vkUnmapMemoryVP){
                                            .device = VP_TO_HANDLE(VkDevice, device),
                                            .memory = VP_TO_HANDLE(VkDeviceMemory, memory),
                                         });
   return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vp_vkUnmapMemory(VkDevice device, VkDeviceMemory memory)
{
   (void)device;
   end_mapping(VP_FROM_HANDLE(struct vp_device_memory, memory), false);
}

#ifdef VK_KHR_map_memory2
VKAPI_ATTR VkResult VKAPI_CALL vp_vkMapMemory2(VkDevice device, const VkMemoryMapInfoKHR *info, void **ppData)
{
   const VkResult result = vp_vkMapMemory(device, info->memory, info->offset, info->size, info->flags, ppData);
#ifdef VK_EXT_map_memory_placed
   const VkMemoryMapPlacedInfoEXT *placed = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_MEMORY_MAP_PLACED_INFO_EXT);
   struct vp_device_memory *memory = VP_FROM_HANDLE(struct vp_device_memory, info->memory);
   if (result != VK_SUCCESS || !(info->flags & VK_MEMORY_MAP_PLACED_BIT_EXT) || !placed)
      return result;
   /* All of the memory, since parts of it are a feature that is not offered. */
   memory->placed = vp_mapping_move(memory->mapping, placed->pPlacedAddress, false);
   if (!memory->placed) {
      end_mapping(memory, false);
      return VK_ERROR_MEMORY_MAP_FAILED;
   }
   *ppData = placed->pPlacedAddress;
#endif
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkUnmapMemory2(VkDevice device, const VkMemoryUnmapInfoKHR *info)
{
   (void)device;
#ifdef VK_EXT_map_memory_placed
   const bool reserve = info->flags & VK_MEMORY_UNMAP_RESERVE_BIT_EXT;
#else
   const bool reserve = false;
#endif
   return end_mapping(VP_FROM_HANDLE(struct vp_device_memory, info->memory), reserve);
}
#endif

/* Every submission looks at all that is mapped, so this says no more than that much can be sent already. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkFlushMappedMemoryRanges(VkDevice handle, uint32_t count,
                                                            const VkMappedMemoryRange *ranges)
{
   struct vp_device *device = vp_device_from_handle(handle);
   for (uint32_t i = 0; i < count; i++) {
      const struct vp_device_memory *memory = VP_FROM_HANDLE(struct vp_device_memory, ranges[i].memory);
      const VkDeviceSize rest = memory->size - ranges[i].offset;
      if (memory->mapping && (ranges[i].size < rest ? ranges[i].size : rest) >= EARLY_SIZE)
         vp_stream_add_memory(device->conn, device, memory->mapping);
   }
   return VK_SUCCESS;
}

/* Every completed wait has brought what the GPU wrote. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkInvalidateMappedMemoryRanges(VkDevice device, uint32_t count,
                                                                 const VkMappedMemoryRange *ranges)
{
   (void)device, (void)count, (void)ranges;
   return VK_SUCCESS;
}

/* --- what the server sends, or has not sent --- */

/* Content of memory that was never mapped comes when the server expects that it will be. */
struct vp_mapping *vp_device_memory_hold_mapping(struct vp_device_memory *memory)
{
   bool is_new;
   struct vp_mapping *mapping = get_mapping(memory, &is_new);
   if (!mapping)
      vp_connection_lose(memory->device->conn, "there is no memory left for what the GPU has written");
   return mapping ? vp_mapping_ref(mapping) : NULL;
}

void vp_device_memory_receive_stale(struct vp_device_memory *memory)
{
   bool is_new;
   struct vp_mapping *mapping = get_mapping(memory, &is_new);
   if (!mapping)
      vp_connection_lose(memory->device->conn, "there is no memory left for what the GPU has written");
   else if (vp_mapping_set_stale(mapping, true))
      memory->device->stale_news++; /* it was mapped while the server wrote that it is not */
}

static void fetch_all(struct vp_device *device)
{
   struct vp_mapping *mapping;
   for (size_t at = SIZE_MAX; (mapping = vp_mapping_list_next(device, &at, false));) {
      if (vp_mapping_is_stale(mapping) && vp_mapping_is_writable(mapping))
         say_mapped(device, mapping, true, NULL);
      vp_mapping_unref(mapping);
   }
}

void vp_device_fetch_stale(struct vp_device *device)
{
   pthread_mutex_lock(&device->fetch_lock);
   const uint64_t news = device->stale_news;
   if (news != device->stale_fetched)
      fetch_all(device);
   device->stale_fetched = news;
   pthread_mutex_unlock(&device->fetch_lock);
}
