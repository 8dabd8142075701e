/* SPDX-License-Identifier: MIT */

/* Memory that the client maps is mapped here, too, and followed: it begins as zeros, has a twin where something is
 * bound that the GPU may write to, and gets what the client sends. */

#include "server/memory/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/memory/delta.h"
#include "common/util/log.h"
#include "common/wire/encoder.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/device_memory.h"
#include "server/core/host_memory.h"
#include "server/core/sharing.h"
#include "server/memory/address.h"
#include "server/memory/clear.h"
#include "server/memory/readback.h"
#include "server/memory/writes.h"

static size_t count_pieces(VkDeviceSize size)
{
   return (size_t)(size / VPS_PIECE + 1);
}

static size_t count_words(VkDeviceSize size)
{
   return (size_t)(size / VPS_PAGE / 64 + 1);
}

/* No larger memory can be mapped: what is kept of its pieces takes memory before the driver is asked. */
#define MAX_MAPPED (UINT64_C(1) << 40)

static struct vps_memory *create_memory_state(struct vps_device *device, uint64_t id, const VkMemoryAllocateInfo *info,
                                              bool lent)
{
   struct vps_memory *memory = calloc(1, sizeof(*memory));
   if (!memory || pthread_mutex_init(&memory->lock, NULL) != 0) {
      free(memory);
      return NULL;
   }
   memory->device = device;
   memory->id = id;
   memory->size = info->allocationSize;
   memory->type = info->memoryTypeIndex;
   memory->lent = lent;
   atomic_init(&memory->refs, 1);
   if (info->memoryTypeIndex < device->memory.memoryTypeCount) {
      const VkMemoryPropertyFlags flags = device->memory.memoryTypes[info->memoryTypeIndex].propertyFlags;
      memory->visible = !lent && (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) && memory->size <= MAX_MAPPED;
      memory->coherent = flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   }
   if (memory->visible)
      memory->exposed = calloc(count_pieces(memory->size), sizeof(*memory->exposed));
   if (!memory->visible || memory->exposed)
      return memory;
   pthread_mutex_destroy(&memory->lock);
   free(memory);
   return NULL;
}

struct vps_memory *vps_memory_ref(struct vps_memory *memory)
{
   atomic_fetch_add(&memory->refs, 1);
   return memory;
}

void vps_memory_unref(struct vps_memory *memory)
{
   if (!memory || atomic_fetch_sub(&memory->refs, 1) != 1)
      return;
   pthread_mutex_destroy(&memory->lock);
   free(memory->exposed);
   free(memory);
}

static void list_add(struct vps_memory *memory)
{
   struct vps_device *device = memory->device;

   pthread_mutex_lock(&device->mapped_lock);
   memory->next = device->mapped;
   memory->link = &device->mapped;
   if (memory->next)
      memory->next->link = &memory->next;
   device->mapped = memory;
   pthread_mutex_unlock(&device->mapped_lock);
}

static void list_remove(struct vps_memory *memory)
{
   pthread_mutex_lock(&memory->device->mapped_lock);
   if (memory->link) {
      *memory->link = memory->next;
      if (memory->next)
         memory->next->link = memory->link;
      memory->link = NULL;
   }
   pthread_mutex_unlock(&memory->device->mapped_lock);
}

/* Gives the memory of it back, which never fails: there is always a twin of what is followed. */
static void clear_twin(struct vps_memory *memory)
{
   if (madvise(memory->twin, memory->size, MADV_DONTNEED) != 0)
      memset(memory->twin, 0, memory->size);
}

static void drop_twin(struct vps_memory *memory)
{
   if (memory->twin)
      munmap(memory->twin, memory->size);
   memory->twin = NULL;
}

/* Before the driver frees it, which unmaps it too. */
static void release_memory(void *state)
{
   struct vps_memory *memory = state;

   list_remove(memory);
   pthread_mutex_lock(&memory->lock); /* until nobody looks at it */
   vps_readback_close(memory);
   memory->handle = VK_NULL_HANDLE;
   memory->pointer = memory->real = NULL;
   drop_twin(memory);
   free(memory->dirty);
   memory->dirty = NULL;
   pthread_mutex_unlock(&memory->lock);
   const struct vps_memory_account account = vps_memory_account_of(memory->device, memory->size);
   if (vps_sharing_forgets(memory->device->ctx, memory->id, &account))
      vps_memory_account_give(&account);
   vps_memory_unref(memory);
}

/* False when there is none, which may have ended the session. */
static bool enter_memory(struct vps_context *ctx, struct vps_memory *memory, uint64_t id, VkDeviceMemory handle,
                         VkResult result)
{
   struct vps_object *object =
      vps_created(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY, id, result < 0 ? 0 : (uint64_t)(uintptr_t)handle, result);
   if (!object) {
      vps_memory_unref(memory);
      return false;
   }
   memory->handle = handle;
   object->state = memory;
   object->release = release_memory;
   return true;
}

void vps_memory_import(struct vps_context *ctx, const VkMemoryAllocateInfo *info, uint64_t id, VkResult *result)
{
   struct vps_device *device = ctx->used[0]->device;
   struct vps_memory *memory = create_memory_state(device, id, info, true);
   VkDeviceMemory handle = VK_NULL_HANDLE;

   if (!memory)
      *result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (*result >= 0)
      *result = vps_device_memory_allocate(device, info, &handle);
   enter_memory(ctx, memory, id, handle, *result);
}

void vps_handle_vkAllocateMemory(struct vps_context *ctx, struct vp_cmd_vkAllocateMemory *a)
{
   const uint64_t id = (uint64_t)(uintptr_t)*a->pMemory;
   struct vps_device *device = ctx->used[0]->device;
   VkDeviceMemory handle = VK_NULL_HANDLE;

   struct vps_memory *memory = create_memory_state(device, id, a->pAllocateInfo, vps_sharing_lends(a->pAllocateInfo));
   do
      a->ret = memory ? vps_clear_allocate(device, a->pAllocateInfo, &handle) : VK_ERROR_OUT_OF_HOST_MEMORY;
   while (vps_try_again(ctx, a->ret));
   if (a->ret == VK_ERROR_OUT_OF_DEVICE_MEMORY)
      vps_device_memory_report(a->pAllocateInfo->allocationSize);
   vps_reserve_want(ctx, device, false);
   if (enter_memory(ctx, memory, id, handle, a->ret))
      vps_address_tell(device, id, handle, a->pAllocateInfo);
}

void vps_handle_vkFreeMemory(struct vps_context *ctx, struct vp_cmd_vkFreeMemory *a)
{
   vps_destroy(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)(uintptr_t)a->memory);
   vps_reserve_want(ctx, ctx->used[0]->device, true);
}

/* --- what both sides keep equal; with the lock --- */

static VkMappedMemoryRange whole(const struct vps_memory *memory)
{
   return (VkMappedMemoryRange){
      .sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE,
      .memory = memory->handle,
      .size = VK_WHOLE_SIZE,
   };
}

void vps_memory_invalidate(const struct vps_memory *memory)
{
   const struct vps_device *device = memory->device;
   const VkMappedMemoryRange range = whole(memory);

   if (!memory->coherent && device->functions.InvalidateMappedMemoryRanges(device->handle, 1, &range) < 0)
      vp_log(VP_LOG_WARN, "mapped memory cannot be invalidated");
}

/* Makes what we wrote visible to the GPU. */
static void flush_memory(const struct vps_memory *memory)
{
   const struct vps_device *device = memory->device;
   const VkMappedMemoryRange range = whole(memory);

   if (!memory->coherent && device->functions.FlushMappedMemoryRanges(device->handle, 1, &range) < 0)
      vp_log(VP_LOG_WARN, "mapped memory cannot be flushed");
}

/* A twin of zeros. It takes memory only where it becomes something else, in large pieces where the system has them:
 * each page that is looked at first would cost more than comparing it. */
static bool make_twin(struct vps_memory *memory)
{
   if (memory->twin)
      return true;
   void *twin = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   if (twin == MAP_FAILED)
      return false;
   madvise(twin, memory->size, MADV_HUGEPAGE);
   memory->twin = twin;
   return true;
}

static void unfollow(struct vps_memory *memory)
{
   const struct vps_device *device = memory->device;

   list_remove(memory);
   if (memory->pointer)
      device->functions.UnmapMemory(device->handle, memory->handle);
   memory->pointer = memory->real = NULL;
   drop_twin(memory);
   free(memory->dirty);
   memory->dirty = NULL;
   memory->dirty_pages = 0;
}

/* All that may fail when the memory is to be followed. The twin, too: nothing may fail when something is bound later.
 */
static VkResult prepare(struct vps_memory *memory)
{
   const struct vps_device *device = memory->device;
   VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;

   if (memory->pointer)
      return VK_SUCCESS;
   if (vps_host_memory_look() == VPS_HOST_MEMORY_FULL)
      return result;
   memory->dirty = calloc(count_words(memory->size), sizeof(*memory->dirty));
   if (memory->dirty && make_twin(memory))
      result = device->functions.MapMemory(device->handle, memory->handle, 0, VK_WHOLE_SIZE, 0, &memory->pointer);
   if (result >= 0)
      return VK_SUCCESS;
   memory->pointer = NULL;
   unfollow(memory);
   return result;
}

/* From here on what the GPU may have changed is noted. */
static VkResult follow(struct vps_memory *memory)
{
   const VkResult result = prepare(memory);
   if (result < 0)
      return result;
   memory->real = memory->pointer;
   list_add(memory);
   return VK_SUCCESS;
}

/* Fresh memory has any content and the client takes it for zeros. That is made true as soon as anybody but us could
 * look at it or write to it: many a memory is mapped and freed unused. */
static void clean(struct vps_memory *memory)
{
   if (!memory->unclean || !memory->real)
      return;
   memory->unclean = false;
   vps_clear_mapping(memory->device, memory->real, memory->size);
   flush_memory(memory);
}

/* The GPU may write to these pieces from now on, so they need a twin. Up to now only the client has written there. */
static void expose(struct vps_memory *memory, VkDeviceSize start, VkDeviceSize end, unsigned classes)
{
   atomic_fetch_or(&memory->classes, classes);
   for (VkDeviceSize piece = start / VPS_PIECE; piece * VPS_PIECE < end; piece++) {
      if (!memory->exposed[piece] && memory->real && memory->received) {
         const VkDeviceSize at = piece * VPS_PIECE, left = memory->size - at;
         memcpy(memory->twin + at, memory->real + at, left < VPS_PIECE ? left : VPS_PIECE);
      }
      memory->exposed[piece] |= (uint8_t)classes;
   }
}

/* What is known to be zeros can be sent without being asked for, when the GPU has written to it. */
static void start_clean(struct vps_memory *memory, bool copies)
{
   if (memory->real || atomic_load(&memory->classes) || !vps_readback_is_likely(memory, copies))
      return;
   if (follow(memory) < 0) /* it does as well without */
      return;
   memory->unclean = memory->device->clear.way == VPS_CLEAR_KERNEL;
   clean(memory);
}

void vps_memory_bind(struct vps_object *object, VkDeviceSize offset, VkDeviceSize size, unsigned classes, bool copies)
{
   struct vps_memory *memory = object->state;

   if (!memory || !memory->exposed || offset >= memory->size)
      return;
   const VkDeviceSize end = size < memory->size - offset ? offset + size : memory->size;
   pthread_mutex_lock(&memory->lock);
   memory->bound = true;
   clean(memory);
   if (classes) {
      start_clean(memory, copies);
      expose(memory, offset, end, classes);
   }
   pthread_mutex_unlock(&memory->lock);
}

/* --- mapping --- */

/* Nothing can have used it since its allocation. */
static VkResult map_fresh(struct vps_memory *memory)
{
   if (memory->real)
      return VK_SUCCESS; /* it was made zeros when something was bound to it */
   const VkResult result = follow(memory);
   memory->unclean = result >= 0 && memory->device->clear.way == VPS_CLEAR_KERNEL;
   if (memory->bound)
      clean(memory);
   return result;
}

/* Whatever is in it, the client has nothing but zeros. */
static VkResult map_unknown(struct vps_memory *memory)
{
   if (memory->real) { /* it was made zeros; the GPU may have changed that */
      clear_twin(memory);
      vps_readback_mark_exposed(memory);
      return VK_SUCCESS;
   }
   const VkResult result = follow(memory);
   if (result < 0)
      return result;
   vps_readback_mark_all(memory);
   return VK_SUCCESS;
}

static VkResult map(struct vps_memory *memory, bool fresh, bool reply, struct vp_encoder *enc)
{
   const bool asked = !fresh && !memory->shared && atomic_load(&memory->classes);
   VkResult result = VK_SUCCESS;

   if (fresh)
      result = map_fresh(memory);
   else if (!memory->shared || (!memory->opened && reply))
      result = map_unknown(memory);
   if (result >= 0 && !vps_readback_open(memory, asked, enc))
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (result >= 0) {
      memory->shared = memory->opened = true;
      memory->mapped = true;
   } else if (!memory->shared) {
      unfollow(memory);
   }
   return result;
}

void vps_handle_vkMapMemoryVP(struct vps_context *ctx, struct vp_cmd_vkMapMemoryVP *a)
{
   struct vps_object *object = vps_use(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)(uintptr_t)a->memory);
   a->ret = ctx->poison;
   if (!object || ctx->poison)
      return;

   struct vps_memory *memory = object->state;
   struct vp_encoder enc;
   pthread_mutex_lock(&memory->lock);
   if (!memory->visible || (memory->shared && a->fresh)) {
      vps_fail(ctx, "the memory %#llx %s", (unsigned long long)object->id,
               memory->shared ? "is not fresh" : "cannot be mapped");
   } else if (vp_encoder_init(&enc)) {
      do
         a->ret = map(memory, a->fresh, ctx->reply, &enc);
      while (vps_try_again(ctx, a->ret));
      vp_encoder_finish(&enc);
   } else {
      a->ret = VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   pthread_mutex_unlock(&memory->lock);
   if (a->ret < 0 && !ctx->reply)
      vps_object_failed(ctx, object, a->ret);
}

void vps_handle_vkPrepareMemoryVP(struct vps_context *ctx, struct vp_cmd_vkPrepareMemoryVP *a)
{
   struct vps_memory *memory = vps_used(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY)->state;

   pthread_mutex_lock(&memory->lock);
   do
      a->ret = memory->visible ? prepare(memory) : VK_ERROR_MEMORY_MAP_FAILED;
   while (vps_try_again(ctx, a->ret));
   pthread_mutex_unlock(&memory->lock);
}

void vps_handle_vkUnmapMemoryVP(struct vps_context *ctx, struct vp_cmd_vkUnmapMemoryVP *a)
{
   const struct vps_object *object = vps_use(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)(uintptr_t)a->memory);
   if (!object || ctx->poison)
      return;
   struct vps_memory *memory = object->state;
   pthread_mutex_lock(&memory->lock);
   memory->mapped = false;
   pthread_mutex_unlock(&memory->lock);
}

bool vps_memory_find(struct vps_context *ctx, uint64_t id, struct vps_memory **memory)
{
   ctx->used_count = 0; /* no command */
   const struct vps_object *object = vps_find(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY, id);
   if (!object)
      return false;
   *memory = object->poison ? NULL : object->state;
   if (object->poison && object->device) /* what the application wrote cannot be kept */
      object->device->late_error = object->poison;
   return true;
}

const char *vps_memory_receive(struct vps_memory *memory, const uint8_t *data, size_t size)
{
   const char *problem = NULL;

   pthread_mutex_lock(&memory->lock);
   clean(memory);
   memory->received = true;
   if (!memory->shared)
      problem = "memory that is not mapped has changed";
   else if (!vp_delta_apply_pieces(data, size, memory->real, memory->twin, memory->size, memory->exposed, VPS_PIECE))
      problem = "changes of memory do not fit it";
   else
      flush_memory(memory);
   pthread_mutex_unlock(&memory->lock);
   return problem;
}
