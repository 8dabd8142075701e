/* SPDX-License-Identifier: MIT */

/* vkAllocateMemory, which waits only where memory may be short, vkMapMemory, which gives pages of the client's, and a
 * device's list of mappings, which are looked at before the GPU is set going. */

#include "client/memory/device_memory.h"

#include <stdlib.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/link/object_table.h"
#include "client/mapping/mapping.h"
#include "client/mapping/pages.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/memory/address.h"
#include "common/memory/reserve.h"
#include "common/net/frame.h"

/* Changes of a memory this large are sent as soon as the application says that it is done with them. */
#define EARLY_SIZE ((VkDeviceSize)1 << 20)

/* In place of a count of submissions: nothing can use it before its first mapping. */
#define BORN_NOW UINT64_MAX

/* --- allocation --- */

/* Whether the server might have no memory for that much more of what it is told without waiting, so that the
 * application must hear the answer. Otherwise it is counted. */
static bool exceeds_reserve(struct vp_device *device, uint32_t heap, VkDeviceSize size)
{
   const VkDeviceSize heap_size = device->physical_device->memory.memoryProperties.memoryHeaps[heap].size;
   const VkDeviceSize most = vp_reserve_size(heap_size) / 2;
   pthread_mutex_lock(&device->memory_lock);
   const bool exceeds = size > most || device->memory_said - device->memory_answered > most - size;
   if (!exceeds)
      device->memory_said += size;
   pthread_mutex_unlock(&device->memory_lock);
   return exceeds;
}

/* What was said up to now, and, after an answer to something that was said later, that all of it is there. */
static uint64_t memory_said(struct vp_device *device)
{
   pthread_mutex_lock(&device->memory_lock);
   const uint64_t said = device->memory_said;
   pthread_mutex_unlock(&device->memory_lock);
   return said;
}

static void memory_is_answered(struct vp_device *device, uint64_t said)
{
   pthread_mutex_lock(&device->memory_lock);
   if (device->memory_answered < said)
      device->memory_answered = said;
   pthread_mutex_unlock(&device->memory_lock);
}

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
                     exceeds_reserve(device, memory->heap, info->allocationSize);
   const uint64_t said = memory_said(device);
   const VkResult result = wait ? ask_for_memory(memory, &a) : vp_send_vkAllocateMemory(device->conn, &a);
   if (wait && result != VK_ERROR_DEVICE_LOST)
      memory_is_answered(device, said);
   return result;
}

static void account(struct vp_device *device, bool more)
{
   pthread_mutex_lock(&device->memory_lock);
   device->allocation_count += more ? 1 : -1;
   pthread_mutex_unlock(&device->memory_lock);
   device->physical_device->allocation_changes++;
}

/* --- the mappings of a device --- */

static bool list_add(struct vp_device *device, struct vp_mapping *mapping)
{
   bool ok = true;
   pthread_mutex_lock(&device->memory_lock);
   if (device->mapping_count == device->mapping_capacity) {
      const size_t capacity = device->mapping_capacity ? device->mapping_capacity * 2 : 16;
      struct vp_mapping **mappings = realloc(device->mappings, capacity * sizeof(struct vp_mapping *));
      ok = mappings != NULL;
      if (ok) {
         device->mappings = mappings;
         device->mapping_capacity = capacity;
      }
   }
   if (ok)
      device->mappings[device->mapping_count++] = vp_mapping_ref(mapping);
   pthread_mutex_unlock(&device->memory_lock);
   return ok;
}

static void list_remove(struct vp_device *device, struct vp_mapping *mapping)
{
   bool found = false;
   pthread_mutex_lock(&device->memory_lock);
   for (size_t i = 0; i < device->mapping_count && !found; i++) {
      found = device->mappings[i] == mapping;
      if (found)
         device->mappings[i] = device->mappings[--device->mapping_count];
   }
   pthread_mutex_unlock(&device->memory_lock);
   if (found)
      vp_mapping_unref(mapping);
}

/* Goes through the list, or those of it that are due to be looked at, from *at (at first SIZE_MAX) down, without
 * holding its lock meanwhile: what is removed then has the last one take its place, which was seen. Returns a
 * reference, or NULL at the end. */
static struct vp_mapping *list_next(struct vp_device *device, size_t *at, bool due)
{
   struct vp_mapping *mapping = NULL;
   pthread_mutex_lock(&device->memory_lock);
   if (*at > device->mapping_count)
      *at = device->mapping_count;
   while (*at && !mapping) {
      struct vp_mapping *next = device->mappings[--*at];
      mapping = !due || vp_mapping_is_due(next) ? vp_mapping_ref(next) : NULL;
   }
   pthread_mutex_unlock(&device->memory_lock);
   return mapping;
}

/* --- mapping --- */

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
      .fresh = born && (*born == BORN_NOW || *born == device->submission_count),
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
   if (!memory->mapping)
      memory->mapping = vp_mapping_create(memory->base.id, (size_t)memory->size);
   struct vp_mapping *mapping = memory->mapping;
   pthread_mutex_unlock(&memory->lock);
   return mapping;
}

/* The first mapping has failed: the next one starts anew. */
static void forget_mapping(struct vp_device_memory *memory)
{
   list_remove(memory->device, memory->mapping);
   vp_mapping_close(memory->mapping);
   pthread_mutex_lock(&memory->lock);
   struct vp_mapping *mapping = memory->mapping;
   memory->mapping = NULL;
   pthread_mutex_unlock(&memory->lock);
   vp_mapping_unref(mapping);
}

/* What the application maps is kept equal on both sides from the first time on. It is in the list before the server
 * hears of it, since nothing may fail after that. */
static VkResult start_mapping(struct vp_device_memory *memory)
{
   struct vp_device *device = memory->device;
   bool is_new;
   struct vp_mapping *mapping = memory->hidden ? NULL : get_mapping(memory, &is_new);
   if (!mapping)
      return VK_ERROR_MEMORY_MAP_FAILED;
   const bool is_first = !memory->listed, is_known = !is_new && !(memory->imported && is_first);
   const bool may_fail =
      !is_known && !memory->prepared &&
      (vp_device_is_careful(device, VP_CMD_vkMapMemoryVP) || exceeds_reserve(device, memory->heap, memory->size));
   const uint64_t said = memory_said(device);
   if (is_first && !list_add(device, mapping)) {
      if (is_new)
         forget_mapping(memory);
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   vp_mapping_set_writable(mapping, true);
   const VkResult result =
      say_mapped(device, mapping, may_fail || vp_mapping_is_stale(mapping), is_known ? NULL : &memory->born);
   if (may_fail && result != VK_ERROR_DEVICE_LOST)
      memory_is_answered(device, said);
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
   const VkResult result = start_mapping(memory);
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

VKAPI_ATTR void VKAPI_CALL vp_vkGetDeviceMemoryCommitment(VkDevice handle, VkDeviceMemory memory,
                                                          VkDeviceSize *pCommitted)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_cmd_vkGetDeviceMemoryCommitment a = {
      .device = handle, .memory = memory, .pCommittedMemoryInBytes = pCommitted};
   *pCommitted = 0;
   vp_call_vkGetDeviceMemoryCommitment(device->conn, &a);
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
   memory->born = BORN_NOW;
   return memory->imported ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

static void release_memory(struct vp_device_memory *memory, const VkAllocationCallbacks *allocator)
{
   /* The receiver uses it only while it is in the table of objects, and may have made the mapping until then. */
   vp_object_table_remove(&memory->device->conn->objects, &memory->base);
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
      list_remove(device, mapping);
      vp_mapping_close(mapping);
   }
   const struct vp_cmd_vkFreeMemory a = {.device = handle, .memory = VP_TO_HANDLE(VkDeviceMemory, memory)};
   vp_send_vkFreeMemory(device->conn, &a);
   release_memory(memory, allocator);
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
   memory->hidden = !(type->propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT);
   memory->told = vp_address_is_told(pAllocateInfo);
   memory->born = device->submission_count;
   pthread_mutex_init(&memory->lock, NULL);
   const VkImportMemoryHostPointerInfoEXT *import =
      vp_chain_find(pAllocateInfo->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT);
   VkResult result = import && import->handleType ? import_memory(memory, import) : VK_SUCCESS;
   if (result == VK_SUCCESS)
      result = allocate_device_memory(memory, pAllocateInfo);
   if (result != VK_SUCCESS) {
      release_memory(memory, allocator);
      return result;
   }
   account(device, true);
   *pMemory = VP_TO_HANDLE(VkDeviceMemory, memory);
   if (memory->imported)
      result = start_mapping(memory);
   if (result != VK_SUCCESS)
      vp_vkFreeMemory(handle, *pMemory, pAllocator);
   else if (memory->imported)
      vp_import_add(memory, pAllocateInfo);
   return result;
}

/* --- transfers --- */

/* Encoders in which a part has room. Without memory there is one, and less goes into it. */
static unsigned next_parts(struct vp_memory_frames *frames, struct vp_mapping_part *parts, size_t *limit)
{
   struct vp_encoder *encs[VP_MEMORY_FRAMES_AT_ONCE];
   unsigned count = vp_memory_frames_next(frames, encs);
   *limit = VP_MAPPING_PART_SIZE;
   for (unsigned i = 0; i < count; i++) {
      parts[i].enc = encs[i];
      if (!vp_encoder_reserve(encs[i], 3 * VP_MAPPING_PART_SIZE))
         count = i ? i : 1;
   }
   if (!vp_encoder_reserve(encs[0], 3 * VP_MAPPING_PART_SIZE))
      *limit = VP_PAGE_SIZE;
   return count;
}

/* No lock is held while a frame is sent: the receiver may need it to make room for the server to go on. */
static void send_mapping(struct vp_connection *conn, struct vp_mapping *mapping)
{
   struct vp_memory_frames *frames = &conn->stream.memory;
   bool more = !vp_connection_lost(conn) && vp_mapping_look(mapping);
   while (more && !vp_connection_lost(conn)) {
      struct vp_mapping_part parts[VP_MEMORY_FRAMES_AT_ONCE];
      size_t limit;
      unsigned count = next_parts(frames, parts, &limit);
      if (count == 1)
         more = vp_mapping_collect(mapping, parts->enc, limit, &parts->changed);
      else
         more = vp_mapping_collect_parts(mapping, parts, &count);
      for (unsigned i = 0; i < count; i++) {
         if (parts[i].enc->failed) { /* the twin has it, the server does not */
            vp_connection_lose(conn, "there is no memory left to send mapped memory with");
            return;
         }
         vp_memory_frames_send(frames, vp_mapping_id(mapping), more || i + 1 < count);
         vp_stats_add(&conn->stats.memory_sent, parts[i].changed);
      }
   }
}

static void send_between(struct vp_connection *conn, struct vp_mapping *mapping, uint64_t after, uint64_t place)
{
   const uint64_t own = vp_mapping_place(mapping);
   if (own > after && own <= place)
      send_mapping(conn, mapping);
}

void vp_device_send_memory(struct vp_device *device, struct vp_mapping *mapping, uint64_t after, uint64_t place)
{
   struct vp_connection *conn = device->conn;
   size_t at = SIZE_MAX;
   if (mapping) {
      send_between(conn, mapping, after, UINT64_MAX);
      return;
   }
   while (!vp_connection_lost(conn) && (mapping = list_next(device, &at, true))) {
      send_between(conn, mapping, after, place);
      vp_mapping_unref(mapping);
   }
}

static bool maybe_changed(struct vp_device *device)
{
   struct vp_mapping *mapping;
   bool found = false;
   for (size_t at = SIZE_MAX; !found && (mapping = list_next(device, &at, true));) {
      found = vp_mapping_maybe_changed(mapping);
      vp_mapping_unref(mapping);
   }
   return found;
}

VkResult vp_device_flush_mapped_memory(struct vp_device *device)
{
   device->submission_count++;
   return maybe_changed(device) ? vp_stream_add_memory(device->conn, device, NULL) : VK_SUCCESS;
}

/* Content of memory that was never mapped comes when the server expects that it will be. */
struct vp_mapping *vp_device_memory_hold_mapping(struct vp_device_memory *memory)
{
   bool is_new;
   struct vp_mapping *mapping = get_mapping(memory, &is_new);
   if (!mapping)
      vp_connection_lose(memory->device->conn, "there is no memory left for what the GPU has written");
   return mapping ? vp_mapping_ref(mapping) : NULL;
}

/* --- addresses --- */

void vp_device_memory_receive_address(struct vp_device_memory *memory, VkDeviceAddress address)
{
   struct vp_connection *conn = memory->device->conn;
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

/* --- what the server has not sent --- */

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
   for (size_t at = SIZE_MAX; (mapping = list_next(device, &at, false));) {
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
