/* SPDX-License-Identifier: MIT */

/* One VkDeviceMemory for each heap and a mapping of the process, all given up when a call reports a shortage; later it
 * is tried to have them again, and the client is told what came of it. */

#include "server/core/reserve.h"

#include <sys/mman.h>

#include "common/memory/reserve.h"
#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/device_memory.h"
#include "server/core/frame_writer.h"
#include "server/core/host_memory.h"
#include "server/core/quota.h"

/* Of the process. */
#define HOST_SIZE ((size_t)32 << 20)

/* How long it is not tried again when nothing was freed. */
#define PAUSE_MS 1000

/* Memory of these types is for special purposes only, or needs a feature. */
#define SPECIAL                                                                  \
   (VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT | VK_MEMORY_PROPERTY_PROTECTED_BIT | \
    VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD | VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD)

/* The first ordinary type of a heap, or UINT32_MAX. */
static uint32_t find_type(const VkPhysicalDeviceMemoryProperties *memory, uint32_t heap)
{
   for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
      if (memory->memoryTypes[i].heapIndex == heap && !(memory->memoryTypes[i].propertyFlags & SPECIAL))
         return i;
   }
   return UINT32_MAX;
}

static bool is_shortage(VkResult result)
{
   return result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY ||
          result == VK_ERROR_TOO_MANY_OBJECTS || result == VK_ERROR_MEMORY_MAP_FAILED;
}

/* False when the heap has no room for it. Heaps of which nothing can be had at all need none. */
static bool fill_heap(struct vps_device *device, uint32_t heap)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = vp_reserve_size(device->memory.memoryHeaps[heap].size),
      .memoryTypeIndex = find_type(&device->memory, heap),
   };
   VkDeviceMemory *memory = &device->reserve.heaps[heap];

   if (*memory || info.memoryTypeIndex == UINT32_MAX || !info.allocationSize)
      return true;
   return !is_shortage(vps_device_memory_allocate(device, &info, memory));
}

static bool fill_host(struct vps_reserve *reserve)
{
   if (reserve->host)
      return true;
   void *host = mmap(NULL, HOST_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   reserve->host = host == MAP_FAILED ? NULL : host;
   return reserve->host != NULL;
}

static bool fill_objects(struct vps_reserve *reserve)
{
   reserve->objects = reserve->objects || vps_quota_take(VPS_QUOTA_OBJECTS, VP_RESERVE_OBJECTS);
   return reserve->objects;
}

void vps_reserve_fill(struct vps_device *device)
{
   struct vps_reserve *reserve = &device->reserve;
   uint8_t payload[4];

   /* The lock is held until it is said, so that the client believes what came last. */
   pthread_mutex_lock(&reserve->lock);
   bool complete = fill_host(reserve) && vps_host_memory_look() == VPS_HOST_MEMORY_THERE;
   complete = fill_objects(reserve) && complete;
   for (uint32_t i = 0; i < device->memory.memoryHeapCount; i++)
      complete = fill_heap(device, i) && complete;
   reserve->tried_ms = vp_clock_ms();
   if (complete)
      reserve->lent = 0;
   if (complete == reserve->missed) {
      reserve->missed = !complete;
      vp_log(VP_LOG_INFO,
             complete ? "there is enough memory again" : "there is little memory left: the client waits for answers");
      vp_bytes_store_u32(payload, complete);
      vps_frame_writer_send(device->writer, VP_FRAME_RESERVE, device->id, payload, sizeof(payload), NULL, 0);
   }
   pthread_mutex_unlock(&reserve->lock);
}

bool vps_reserve_empty(struct vps_device *device)
{
   struct vps_reserve *reserve = &device->reserve;

   pthread_mutex_lock(&reserve->lock);
   bool any = reserve->host;
   if (reserve->host)
      munmap(reserve->host, HOST_SIZE);
   reserve->host = NULL;
   any = any || reserve->objects;
   if (reserve->objects)
      vps_quota_give(VPS_QUOTA_OBJECTS, VP_RESERVE_OBJECTS);
   reserve->objects = false;
   for (uint32_t i = 0; i < VK_MAX_MEMORY_HEAPS; i++) {
      if (!reserve->heaps[i])
         continue;
      vps_device_memory_free(device, reserve->heaps[i], vp_reserve_size(device->memory.memoryHeaps[i].size));
      reserve->heaps[i] = VK_NULL_HANDLE;
      any = true;
   }
   pthread_mutex_unlock(&reserve->lock);
   return any;
}

bool vps_reserve_lend(struct vps_device *device, uint64_t count)
{
   struct vps_reserve *reserve = &device->reserve;

   pthread_mutex_lock(&reserve->lock);
   const bool may = count <= VP_RESERVE_OBJECTS - reserve->lent;
   if (may)
      reserve->lent += count;
   pthread_mutex_unlock(&reserve->lock);
   return may;
}

void vps_reserve_want(struct vps_context *ctx, struct vps_device *device, bool freed)
{
   if (device && device->reserve.missed && (freed || vp_clock_ms() >= device->reserve.tried_ms + PAUSE_MS))
      ctx->strained = device;
}

bool vps_reserve_give_up(struct vps_device *device, VkResult result)
{
   return is_shortage(result) && device && vps_reserve_empty(device);
}

bool vps_try_again(struct vps_context *ctx, VkResult result)
{
   struct vps_device *device = ctx->used_count ? ctx->used[0]->device : NULL;

   if (!vps_reserve_give_up(device, result))
      return false;
   ctx->strained = device;
   return true;
}

void vps_reserve_settle(struct vps_context *ctx)
{
   struct vps_device *device = ctx->strained;

   ctx->strained = NULL;
   if (device)
      vps_reserve_fill(device);
}
