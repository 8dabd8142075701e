/* SPDX-License-Identifier: MIT */

/* What is known of the client's semaphores. A binary one can be signalled by the client: an image that is acquired is
 * ready when the client says so, and no submission is needed to signal its semaphore, so the server remembers that it
 * counts as signalled and leaves it out of the batch that waits for it. Timelines can be asked for their value. */

#include "server/queue/semaphore.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/wire/chain.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/queue/queue_state.h"
#include "server/queue/submit.h"

struct vps_timeline {
   atomic_uint refs;
   const struct vps_device *device;
   pthread_mutex_t lock;
   VkSemaphore handle; /* under the lock; null: it has been destroyed */
};

/* The state of a semaphore that is a timeline, that the client has ever signalled, or that others may use; the rest
 * have none. */
struct semaphore {
   bool is_signalled;
   bool may_leave;                /* it was created to be exported */
   bool lent;                     /* others may wait for it: it is signalled in earnest */
   struct vps_timeline *timeline; /* held, or NULL */
};

/* --- timelines --- */

void vps_timeline_unref(struct vps_timeline *timeline)
{
   if (atomic_fetch_sub(&timeline->refs, 1) != 1)
      return;
   pthread_mutex_destroy(&timeline->lock);
   free(timeline);
}

static struct vps_timeline *create_timeline(const struct vps_object *object)
{
   struct vps_timeline *timeline = calloc(1, sizeof(*timeline));
   if (!timeline || pthread_mutex_init(&timeline->lock, NULL) != 0) {
      free(timeline);
      return NULL;
   }
   atomic_init(&timeline->refs, 1);
   timeline->device = object->device;
   timeline->handle = (VkSemaphore)(uintptr_t)object->handle;
   return timeline;
}

static void release_semaphore(void *state)
{
   struct semaphore *semaphore = state;

   if (semaphore->timeline) {
      pthread_mutex_lock(&semaphore->timeline->lock);
      semaphore->timeline->handle = VK_NULL_HANDLE;
      pthread_mutex_unlock(&semaphore->timeline->lock);
      vps_timeline_unref(semaphore->timeline);
   }
   free(semaphore);
}

/* What is known of one; NULL ends the session. */
static struct semaphore *keep_semaphore(struct vps_context *ctx, struct vps_object *object)
{
   struct semaphore *semaphore = object->state ? object->state : calloc(1, sizeof(*semaphore));
   if (!semaphore) {
      vps_fail(ctx, "the server is out of memory");
      return NULL;
   }
   object->state = semaphore;
   object->release = release_semaphore;
   return semaphore;
}

void vps_observe_vkCreateSemaphore(struct vps_context *ctx, const struct vp_cmd_vkCreateSemaphore *a)
{
   const VkSemaphoreTypeCreateInfo *type =
      vp_chain_find(a->pCreateInfo->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pSemaphore);

   const VkExportSemaphoreCreateInfo *export =
      vp_chain_find(a->pCreateInfo->pNext, VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO);
   const bool may_leave = export && (export->handleTypes & VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT);
   const bool is_timeline = type && type->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE;
   if (!object || (!is_timeline && !may_leave))
      return;
   struct semaphore *semaphore = keep_semaphore(ctx, object);
   if (!semaphore)
      return;
   semaphore->may_leave = semaphore->lent = may_leave;
   if (is_timeline && !(semaphore->timeline = create_timeline(object)))
      vps_fail(ctx, "the server is out of memory");
}

VkSemaphoreType vps_semaphore_type(const struct vps_object *object)
{
   const struct semaphore *semaphore = object->state;

   return semaphore && semaphore->timeline ? VK_SEMAPHORE_TYPE_TIMELINE : VK_SEMAPHORE_TYPE_BINARY;
}

bool vps_semaphore_may_leave(const struct vps_object *object)
{
   const struct semaphore *semaphore = object->state;

   return semaphore && semaphore->may_leave;
}

void vps_semaphore_lend(struct vps_context *ctx, struct vps_object *object)
{
   struct semaphore *semaphore = keep_semaphore(ctx, object);

   if (!semaphore)
      return;
   semaphore->lent = true;
   semaphore->is_signalled = false;
}

struct vps_timeline *vps_timeline_find(const struct vps_context *ctx, VkSemaphore handle)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      const struct vps_object *object = ctx->used[i];
      const struct semaphore *semaphore = object->type == VK_OBJECT_TYPE_SEMAPHORE ? object->state : NULL;
      if (!semaphore || !semaphore->timeline || object->handle != (uint64_t)(uintptr_t)handle)
         continue;
      atomic_fetch_add(&semaphore->timeline->refs, 1);
      return semaphore->timeline;
   }
   return NULL;
}

bool vps_timeline_has_reached(struct vps_timeline *timeline, uint64_t value)
{
   const struct vps_device *device = timeline->device;
   uint64_t reached = 0;

   pthread_mutex_lock(&timeline->lock);
   const bool gone =
      !timeline->handle || device->functions.GetSemaphoreCounterValue(device->handle, timeline->handle, &reached) < 0;
   pthread_mutex_unlock(&timeline->lock);
   return gone || reached >= value;
}

/* --- what the client has signalled --- */

/* False: it is not done, since there is no queue or the driver has no memory. */
static bool signal_in_earnest(const struct vps_device *device, VkSemaphore semaphore)
{
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .signalSemaphoreCount = 1, .pSignalSemaphores = &semaphore};

   return device->queues && vps_device_submit(device, device->queues->handle, &info) >= 0;
}

void vps_handle_vkSignalBinarySemaphoreVP(struct vps_context *ctx, struct vp_cmd_vkSignalBinarySemaphoreVP *a)
{
   struct semaphore *semaphore = keep_semaphore(ctx, ctx->used[1]);

   if (semaphore && (!semaphore->lent || !signal_in_earnest(ctx->used[0]->device, a->semaphore)))
      semaphore->is_signalled = true;
}

/* Whether a semaphore of the current command is signalled by the client. That is over once it was waited for. */
static bool take_signal(struct vps_context *ctx, VkSemaphore handle)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      const struct vps_object *object = ctx->used[i];
      struct semaphore *semaphore = object->type == VK_OBJECT_TYPE_SEMAPHORE ? object->state : NULL;
      if (!semaphore || !semaphore->is_signalled || object->handle != (uint64_t)(uintptr_t)handle)
         continue;
      semaphore->is_signalled = false;
      return true;
   }
   return false;
}

/* Arrays with an element for each wait or signal; NULL where there is none. All are in temporary memory and ours to
 * change. */
struct columns {
   VkSemaphore *semaphores;
   VkPipelineStageFlags *stages;
   uint64_t *values;
   uint32_t *device_indices;
};

/* Whether a wait or signal is left out: those of semaphores that could not be created, which have no handle, and waits
 * for what the client has signalled. */
static bool is_left_out(struct vps_context *ctx, VkSemaphore semaphore, bool wait)
{
   return !semaphore || (wait && take_signal(ctx, semaphore));
}

/* Returns how many are left. */
static uint32_t drop(struct vps_context *ctx, const struct columns *columns, uint32_t count, bool wait)
{
   uint32_t kept = 0;

   for (uint32_t i = 0; columns->semaphores && i < count; i++) {
      if (is_left_out(ctx, columns->semaphores[i], wait))
         continue;
      columns->semaphores[kept] = columns->semaphores[i];
      if (columns->stages)
         columns->stages[kept] = columns->stages[i];
      if (columns->values)
         columns->values[kept] = columns->values[i];
      if (columns->device_indices)
         columns->device_indices[kept] = columns->device_indices[i];
      kept++;
   }
   return columns->semaphores ? kept : count;
}

/* With what the chain of a batch has for its waits. Returns how many waits there are after the drop. */
static uint32_t drop_waits(struct vps_context *ctx, const void *chain, const VkSemaphore *semaphores,
                           const VkPipelineStageFlags *stages, uint32_t count)
{
   VkTimelineSemaphoreSubmitInfo *values = vp_chain_find(chain, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
   VkDeviceGroupSubmitInfo *group = vp_chain_find(chain, VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO);
   struct columns columns = {(VkSemaphore *)(uintptr_t)semaphores, (VkPipelineStageFlags *)(uintptr_t)stages, NULL,
                             NULL};

   if (values && values->waitSemaphoreValueCount == count)
      columns.values = (uint64_t *)(uintptr_t)values->pWaitSemaphoreValues;
   if (group && group->waitSemaphoreCount == count)
      columns.device_indices = (uint32_t *)(uintptr_t)group->pWaitSemaphoreDeviceIndices;
   const uint32_t kept = drop(ctx, &columns, count, true);
   if (values && columns.values)
      values->waitSemaphoreValueCount = kept;
   if (group && columns.device_indices)
      group->waitSemaphoreCount = kept;
   return kept;
}

static uint32_t drop_signals(struct vps_context *ctx, const void *chain, const VkSemaphore *semaphores, uint32_t count)
{
   VkTimelineSemaphoreSubmitInfo *values = vp_chain_find(chain, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
   VkDeviceGroupSubmitInfo *group = vp_chain_find(chain, VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO);
   struct columns columns = {(VkSemaphore *)(uintptr_t)semaphores, NULL, NULL, NULL};

   if (values && values->signalSemaphoreValueCount == count)
      columns.values = (uint64_t *)(uintptr_t)values->pSignalSemaphoreValues;
   if (group && group->signalSemaphoreCount == count)
      columns.device_indices = (uint32_t *)(uintptr_t)group->pSignalSemaphoreDeviceIndices;
   const uint32_t kept = drop(ctx, &columns, count, false);
   if (values && columns.values)
      values->signalSemaphoreValueCount = kept;
   if (group && columns.device_indices)
      group->signalSemaphoreCount = kept;
   return kept;
}

void vps_submit_drop_semaphores(struct vps_context *ctx, VkSubmitInfo *info)
{
   info->waitSemaphoreCount =
      drop_waits(ctx, info->pNext, info->pWaitSemaphores, info->pWaitDstStageMask, info->waitSemaphoreCount);
   info->signalSemaphoreCount = drop_signals(ctx, info->pNext, info->pSignalSemaphores, info->signalSemaphoreCount);
}

void vps_bind_sparse_drop_semaphores(struct vps_context *ctx, VkBindSparseInfo *info)
{
   info->waitSemaphoreCount = drop_waits(ctx, info->pNext, info->pWaitSemaphores, NULL, info->waitSemaphoreCount);
   info->signalSemaphoreCount = drop_signals(ctx, info->pNext, info->pSignalSemaphores, info->signalSemaphoreCount);
}

/* Of infos, each with all that belongs to it. */
static uint32_t drop_infos(struct vps_context *ctx, const VkSemaphoreSubmitInfo *infos, uint32_t count, bool wait)
{
   VkSemaphoreSubmitInfo *all = (VkSemaphoreSubmitInfo *)(uintptr_t)infos;
   uint32_t kept = 0;

   for (uint32_t i = 0; all && i < count; i++) {
      if (!is_left_out(ctx, all[i].semaphore, wait))
         all[kept++] = all[i];
   }
   return all ? kept : count;
}

void vps_submit2_drop_semaphores(struct vps_context *ctx, VkSubmitInfo2 *info)
{
   info->waitSemaphoreInfoCount = drop_infos(ctx, info->pWaitSemaphoreInfos, info->waitSemaphoreInfoCount, true);
   info->signalSemaphoreInfoCount = drop_infos(ctx, info->pSignalSemaphoreInfos, info->signalSemaphoreInfoCount, false);
}
