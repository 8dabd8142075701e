/* SPDX-License-Identifier: MIT */

/* Both sides count vkSetEvent and vkResetEvent: a state from the server that has a lower count is older than what the
 * host did since, and is dropped. */

#include "client/sync/event.h"

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/memory/device_memory.h"
#include "client/sync/queue.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/bytes.h"

bool vp_event_receive(struct vp_connection *conn, struct vp_event *event, const uint8_t *data, size_t size)
{
   if (size != 16)
      return false;
   pthread_mutex_lock(&conn->progress_lock);
   if (vp_bytes_load_u64(data) == event->host_operations) /* else older than what the host has done since */
      event->set = vp_bytes_load_u32(data + 8) != 0;
   pthread_mutex_unlock(&conn->progress_lock);
   return true;
}

void *vp_make_vkCreateEvent(struct vp_device *device, const VkAllocationCallbacks *allocator,
                            const VkEventCreateInfo *info)
{
   (void)info;
   return vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_EVENT, sizeof(struct vp_event));
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetEventStatus(VkDevice handle, VkEvent event)
{
   struct vp_device *device = vp_device_from_handle(handle);
   if (vp_device_is_lost(device))
      return VK_ERROR_DEVICE_LOST;
   if (!VP_FROM_HANDLE(struct vp_event, event)->set)
      return VK_EVENT_RESET;
   vp_device_acquire_memory(device);
   return VK_EVENT_SET;
}

/* Counts what was just said, with the stream locked: both sides count in the same order, and nothing that does not get
 * into the stream. */
static void change(struct vp_device *device, const struct vp_encoder *said, VkEvent handle, uint32_t set)
{
   struct vp_event *event = VP_FROM_HANDLE(struct vp_event, handle);
   if (said->failed)
      return;
   pthread_mutex_lock(&device->conn->progress_lock);
   event->host_operations++;
   event->set = set;
   pthread_mutex_unlock(&device->conn->progress_lock);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkSetEvent(VkDevice handle, VkEvent event)
{
   struct vp_device *device = vp_device_from_handle(handle);
   VkResult result = vp_device_flush_mapped_memory(device); /* a submission may be waiting to read it */
   if (result != VK_SUCCESS)
      return result;
   struct vp_encoder *enc = vp_stream_begin(device->conn);
   vp_request_vkSetEvent(enc, 0, &(struct vp_cmd_vkSetEvent){.device = handle, .event = event});
   change(device, enc, event, 1);
   result = vp_stream_end(device->conn);
   return result == VK_SUCCESS ? vp_stream_flush(device->conn) : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkResetEvent(VkDevice handle, VkEvent event)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_encoder *enc = vp_stream_begin(device->conn);
   vp_request_vkResetEvent(enc, 0, &(struct vp_cmd_vkResetEvent){.device = handle, .event = event});
   change(device, enc, event, 0);
   return vp_stream_end(device->conn);
}
