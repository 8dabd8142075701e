/* SPDX-License-Identifier: MIT */

/* Asks the driver for the state of an event after batches that may change it, and sends that unless the host has set or
 * reset it since; both sides count these calls. */

#include "server/sync/event.h"

#include <stdlib.h>

#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"

struct vps_event *vps_event_ref(struct vps_event *event)
{
   atomic_fetch_add(&event->refs, 1);
   return event;
}

void vps_event_unref(struct vps_event *event)
{
   if (atomic_fetch_sub(&event->refs, 1) != 1)
      return;
   pthread_mutex_destroy(&event->lock);
   free(event);
}

static struct vps_event *create_event_state(struct vps_device *device, uint64_t id, VkEvent handle, bool device_only)
{
   struct vps_event *event = calloc(1, sizeof(*event));
   if (!event || pthread_mutex_init(&event->lock, NULL) != 0) {
      free(event);
      return NULL;
   }
   atomic_init(&event->refs, 1);
   event->device = device;
   event->id = id;
   event->handle = handle;
   event->device_only = device_only;
   return event;
}

static void release_event(void *state)
{
   struct vps_event *event = state;

   pthread_mutex_lock(&event->lock);
   event->handle = VK_NULL_HANDLE;
   pthread_mutex_unlock(&event->lock);
   vps_event_unref(event);
}

/* With the lock. */
static bool event_is_set(const struct vps_event *event)
{
   return event->device->functions.GetEventStatus(event->device->handle, event->handle) == VK_EVENT_SET;
}

bool vps_event_sample(struct vps_event *event)
{
   pthread_mutex_lock(&event->lock);
   if (event->handle) {
      event->sampled = event_is_set(event);
      event->sampled_operations = event->host_operations;
   }
   const bool changed = event->handle && event->sampled != event->set;
   pthread_mutex_unlock(&event->lock);
   return changed;
}

void vps_event_send(struct vps_event *event)
{
   uint8_t payload[8 + 4 + 4] = {0};

   /* The lock is held until it is sent, so that an older state never follows a newer one. */
   pthread_mutex_lock(&event->lock);
   if (event->handle && event->sampled_operations == event->host_operations) {
      event->set = event->sampled;
      vp_bytes_store_u64(payload, event->host_operations);
      vp_bytes_store_u32(payload + 8, event->set);
      vps_frame_writer_send(event->device->writer, VP_FRAME_EVENT, event->id, payload, sizeof(payload), NULL, 0);
   }
   pthread_mutex_unlock(&event->lock);
}

void vps_handle_vkCreateEvent(struct vps_context *ctx, struct vp_cmd_vkCreateEvent *a)
{
   const uint64_t id = (uint64_t)(uintptr_t)*a->pEvent;
   struct vps_device *device = ctx->used[0]->device;
   VkEvent handle = VK_NULL_HANDLE;
   struct vps_event *event = NULL;

   do
      a->ret = device->functions.CreateEvent(device->handle, a->pCreateInfo, NULL, &handle);
   while (vps_try_again(ctx, a->ret));
   if (a->ret >= 0) {
      event = create_event_state(device, id, handle, a->pCreateInfo->flags & VK_EVENT_CREATE_DEVICE_ONLY_BIT);
      if (!event) {
         device->functions.DestroyEvent(device->handle, handle, NULL);
         a->ret = VK_ERROR_OUT_OF_HOST_MEMORY;
      }
   }
   struct vps_object *object =
      vps_created(ctx, VK_OBJECT_TYPE_EVENT, id, a->ret < 0 ? 0 : (uint64_t)(uintptr_t)handle, a->ret);
   if (!object)
      return;
   object->state = event;
   object->release = release_event;
}

/* vkSetEvent and vkResetEvent. */
static VkResult event_change(struct vps_context *ctx, uint64_t id, bool set)
{
   const struct vps_device *device = ctx->used[0]->device;
   struct vps_object *object = vps_use(ctx, VK_OBJECT_TYPE_EVENT, id);
   if (!object || ctx->poison)
      return ctx->poison;

   struct vps_event *event = object->state;
   pthread_mutex_lock(&event->lock);
   const VkResult result = set ? device->functions.SetEvent(device->handle, event->handle)
                               : device->functions.ResetEvent(device->handle, event->handle);
   event->host_operations++;
   if (result >= 0)
      event->set = set;
   pthread_mutex_unlock(&event->lock);
   if (result < 0 && !ctx->reply)
      vps_object_failed(ctx, object, result);
   return result;
}

void vps_handle_vkSetEvent(struct vps_context *ctx, struct vp_cmd_vkSetEvent *a)
{
   a->ret = event_change(ctx, (uint64_t)(uintptr_t)a->event, true);
}

void vps_handle_vkResetEvent(struct vps_context *ctx, struct vp_cmd_vkResetEvent *a)
{
   a->ret = event_change(ctx, (uint64_t)(uintptr_t)a->event, false);
}
