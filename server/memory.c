/* SPDX-License-Identifier: MIT */
#include "server/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory/delta.h"
#include "common/net/frame.h"
#include "common/util/log.h"
#include "server/channel.h"
#include "server/context.h"
#include "server/device.h"

/* About so much goes into one frame. */
#define FRAME_SIZE ((size_t)1 << 20)

/* What the GPU may write to is known in pieces of this size. */
#define PIECE_SIZE ((VkDeviceSize)64 << 10)

/* The state of a VkDeviceMemory. The device's list of mapped memory holds it too, for the threads of queues. */
struct vps_memory {
   struct vps_device *device;
   uint64_t id;
   VkDeviceMemory handle;
   VkDeviceSize size;
   bool visible, coherent;

   unsigned refs;                   /* under the device's mapped_lock */
   struct vps_memory *next, **link; /* same; link NULL: not in the list */

   pthread_mutex_t lock; /* of what follows */
   uint8_t *real;        /* NULL: not mapped, or freed */
   uint8_t *twin;        /* what the client has */
   bool bound;           /* something is bound to it */
   bool unclean;         /* mapped as fresh and not filled with zeros yet */
   bool *exposed;        /* by piece: something is there that the GPU can write to; NULL: not visible */
};

static size_t count_pieces(VkDeviceSize size)
{
   return (size_t)(size / PIECE_SIZE + 1);
}

/* No larger memory can be mapped: what is kept of its pieces takes memory before the driver is asked. */
#define MAX_MAPPED (UINT64_C(1) << 40)

static struct vps_memory *create_state(struct vps_device *device, uint64_t id, const VkMemoryAllocateInfo *info)
{
   struct vps_memory *memory = calloc(1, sizeof(*memory));
   if (!memory || pthread_mutex_init(&memory->lock, NULL) != 0) {
      free(memory);
      return NULL;
   }
   memory->device = device;
   memory->id = id;
   memory->size = info->allocationSize;
   memory->refs = 1;
   if (info->memoryTypeIndex < device->memory.memoryTypeCount) {
      const VkMemoryPropertyFlags flags = device->memory.memoryTypes[info->memoryTypeIndex].propertyFlags;
      memory->visible = (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) && memory->size <= MAX_MAPPED;
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

static void unref(struct vps_memory *memory)
{
   pthread_mutex_t *lock = &memory->device->mapped_lock;

   pthread_mutex_lock(lock);
   const bool last = --memory->refs == 0;
   pthread_mutex_unlock(lock);
   if (!last)
      return;
   pthread_mutex_destroy(&memory->lock);
   free(memory->twin);
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

/* Before the driver frees it, which unmaps it too. */
static void release_memory(void *state)
{
   struct vps_memory *memory = state;

   list_remove(memory);
   pthread_mutex_lock(&memory->lock); /* until nobody looks at it */
   memory->real = NULL;
   pthread_mutex_unlock(&memory->lock);
   unref(memory);
}

void vp_handle_vkAllocateMemory(struct vp_context *ctx, struct vp_cmd_vkAllocateMemory *a)
{
   const uint64_t id = (uint64_t)(uintptr_t)*a->pMemory;
   struct vps_device *device = ctx->used[0]->device;
   VkDeviceMemory handle = VK_NULL_HANDLE;

   struct vps_memory *memory = create_state(device, id, a->pAllocateInfo);
   a->ret = memory ? device->functions.AllocateMemory(device->handle, a->pAllocateInfo, NULL, &handle)
                   : VK_ERROR_OUT_OF_HOST_MEMORY;
   struct vps_object *object =
      vps_created(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY, id, a->ret < 0 ? 0 : (uint64_t)(uintptr_t)handle, a->ret);
   if (!object) {
      if (memory)
         unref(memory);
      return;
   }
   memory->handle = handle;
   object->state = memory;
   object->release = release_memory;
}

void vp_handle_vkFreeMemory(struct vp_context *ctx, struct vp_cmd_vkFreeMemory *a)
{
   vps_destroy(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)(uintptr_t)a->memory);
}

/* --- what both sides keep equal --- */

static VkMappedMemoryRange whole(const struct vps_memory *memory)
{
   return (VkMappedMemoryRange){
      .sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE,
      .memory = memory->handle,
      .size = VK_WHOLE_SIZE,
   };
}

/* Makes what the GPU wrote visible to us. With the lock. */
static void invalidate(const struct vps_memory *memory)
{
   const struct vps_device *device = memory->device;
   const VkMappedMemoryRange range = whole(memory);

   if (!memory->coherent && device->functions.InvalidateMappedMemoryRanges(device->handle, 1, &range) < 0)
      vp_log(VP_LOG_WARN, "mapped memory cannot be invalidated");
}

/* Makes what we wrote visible to the GPU. With the lock. */
static void flush(const struct vps_memory *memory)
{
   const struct vps_device *device = memory->device;
   const VkMappedMemoryRange range = whole(memory);

   if (!memory->coherent && device->functions.FlushMappedMemoryRanges(device->handle, 1, &range) < 0)
      vp_log(VP_LOG_WARN, "mapped memory cannot be flushed");
}

/* Sends what differs from the twin in [position, end), and makes that equal. With the lock, so that frames of one
 * memory keep their order. False without memory. */
static bool send_range(struct vps_memory *memory, size_t position, size_t end, struct vp_encoder *enc)
{
   while (position < end && !enc->failed) {
      vp_encoder_reset(enc);
      vp_delta_collect(enc, memory->real, memory->twin, end, &position, FRAME_SIZE);
      if (vp_encoder_size(enc) && !enc->failed)
         vps_channel_send(memory->device->channel, VP_FRAME_MEMORY, memory->id, enc->start, vp_encoder_size(enc), NULL,
                          0);
   }
   return !enc->failed;
}

/* Fresh memory has any content and the client takes it for zeros. That is made true as soon as anybody but us could
 * look at it or write to it: many a memory is mapped and freed unused. With the lock. */
static void clean(struct vps_memory *memory)
{
   if (!memory->unclean || !memory->real)
      return;
   memory->unclean = false;
   memset(memory->real, 0, memory->size);
   flush(memory);
}

/* Everything, whoever wrote it. */
static bool send_all(struct vps_memory *memory, struct vp_encoder *enc)
{
   invalidate(memory);
   return send_range(memory, 0, memory->size, enc);
}

/* What the GPU can have written. Reading such memory can be slow, so the rest of it is left alone. */
static bool send_changes(struct vps_memory *memory, struct vp_encoder *enc)
{
   const size_t count = count_pieces(memory->size);
   bool ok = true, invalidated = false;

   for (size_t first = 0, end; first < count && ok; first = end) {
      end = first + 1;
      if (!memory->exposed[first])
         continue;
      while (end < count && memory->exposed[end])
         end++;
      if (!invalidated)
         invalidate(memory);
      invalidated = true;
      const VkDeviceSize last = end * PIECE_SIZE;
      ok = send_range(memory, first * PIECE_SIZE, last < memory->size ? last : memory->size, enc);
   }
   return ok;
}

void vps_memory_expose(struct vps_object *object, VkDeviceSize offset, VkDeviceSize size)
{
   struct vps_memory *memory = object->state;

   if (!memory || !memory->exposed || offset >= memory->size)
      return;
   const VkDeviceSize end = size < memory->size - offset ? offset + size : memory->size;
   pthread_mutex_lock(&memory->lock);
   memory->bound = true;
   clean(memory);
   for (VkDeviceSize piece = offset / PIECE_SIZE; size && piece * PIECE_SIZE < end; piece++)
      memory->exposed[piece] = true;
   pthread_mutex_unlock(&memory->lock);
}

static VkResult map(struct vps_memory *memory, bool fresh, struct vp_encoder *enc)
{
   const struct vps_device *device = memory->device;
   void *real = NULL;

   memory->twin = calloc(1, memory->size);
   VkResult result = memory->twin ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
   if (result >= 0)
      result = device->functions.MapMemory(device->handle, memory->handle, 0, VK_WHOLE_SIZE, 0, &real);
   if (result < 0)
      goto fail;

   /* From here on no change is missed: what completes now is sent by whoever reports it. */
   memory->real = real;
   list_add(memory);
   if (fresh) {
      memory->unclean = true;
      if (memory->bound)
         clean(memory);
   } else if (!send_all(memory, enc)) {
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
      goto fail_unmap;
   }
   return VK_SUCCESS;

fail_unmap:
   list_remove(memory);
   device->functions.UnmapMemory(device->handle, memory->handle);
   memory->real = NULL;
fail:
   free(memory->twin);
   memory->twin = NULL;
   return result;
}

void vp_handle_vkMapMemoryVP(struct vp_context *ctx, struct vp_cmd_vkMapMemoryVP *a)
{
   struct vps_object *object = vps_use(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)(uintptr_t)a->memory);
   a->ret = ctx->poison;
   if (!object || ctx->poison)
      return;

   struct vps_memory *memory = object->state;
   struct vp_encoder enc;
   if (!memory->visible || (memory->twin && a->fresh)) {
      vps_fail(ctx, "the memory %#llx %s", (unsigned long long)object->id,
               memory->twin ? "is mapped already" : "cannot be mapped");
      return;
   }
   a->ret = VK_SUCCESS;
   if (memory->twin) /* the client has been sent all changes */
      return;
   a->ret = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (vp_encoder_init(&enc)) {
      pthread_mutex_lock(&memory->lock);
      a->ret = map(memory, a->fresh, &enc);
      pthread_mutex_unlock(&memory->lock);
      vp_encoder_finish(&enc);
   }
   if (a->ret < 0 && !ctx->reply)
      vps_object_failed(ctx, object, a->ret);
}

/* What is not mapped is kept equal all the same. */
void vp_handle_vkUnmapMemoryVP(struct vp_context *ctx, struct vp_cmd_vkUnmapMemoryVP *a)
{
   vps_use(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)(uintptr_t)a->memory);
}

bool vps_memory_receive(struct vp_context *ctx, uint64_t id, const uint8_t *data, size_t size)
{
   ctx->used_count = 0; /* no command */
   const struct vps_object *object = vps_find(ctx, VK_OBJECT_TYPE_DEVICE_MEMORY, id);
   if (!object)
      return false;
   if (object->poison) { /* what the application wrote cannot be kept, so no submission may use it */
      if (object->device && !atomic_exchange(&object->device->lost, true))
         vp_log(VP_LOG_WARN, "the device is lost: memory that could not be had or mapped was written to");
      return true;
   }

   struct vps_memory *memory = object->state;
   pthread_mutex_lock(&memory->lock);
   clean(memory);
   if (!memory->real)
      vps_fail(ctx, "memory that is not mapped (%#llx) has changed", (unsigned long long)id);
   else if (!vp_delta_apply(data, size, memory->real, memory->twin, memory->size))
      vps_fail(ctx, "the changes of the memory %#llx do not fit it", (unsigned long long)id);
   else
      flush(memory);
   pthread_mutex_unlock(&memory->lock);
   return !ctx->failed;
}

/* A list of all mapped memory, held because others may free it meanwhile. False without memory. */
static bool hold_all(struct vps_device *device, struct vps_memory ***held, unsigned *count)
{
   unsigned total = 0;

   *count = 0;
   pthread_mutex_lock(&device->mapped_lock);
   for (const struct vps_memory *memory = device->mapped; memory; memory = memory->next)
      total++;
   *held = malloc((total + 1) * sizeof(struct vps_memory *));
   for (struct vps_memory *memory = device->mapped; *held && memory; memory = memory->next) {
      memory->refs++;
      (*held)[(*count)++] = memory;
   }
   pthread_mutex_unlock(&device->mapped_lock);
   return *held != NULL;
}

bool vps_memory_send_changes(struct vps_device *device)
{
   struct vps_memory **held;
   struct vp_encoder enc;
   unsigned count;

   if (!vp_encoder_init(&enc))
      return false;
   bool ok = hold_all(device, &held, &count);
   for (unsigned i = 0; i < count; i++) {
      pthread_mutex_lock(&held[i]->lock);
      if (held[i]->real && !held[i]->unclean)
         ok = send_changes(held[i], &enc) && ok;
      pthread_mutex_unlock(&held[i]->lock);
      unref(held[i]);
   }
   free(held);
   vp_encoder_finish(&enc);
   return ok;
}
