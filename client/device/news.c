/* SPDX-License-Identifier: MIT */

/* What the server says of objects without being asked: which of its frames is for which of them. */

#include "client/core/device.h"
#include "client/link/command_names.h"
#include "client/link/connection.h"
#include "client/link/receiver.h"
#include "client/mapping/mapping.h"
#include "client/memory/acceleration_structure.h"
#include "client/memory/device_memory.h"
#include "client/pipeline/pipeline.h"
#include "client/record/command_buffer.h"
#include "client/sync/event.h"
#include "client/sync/query_pool.h"
#include "client/sync/queue.h"
#include "client/wsi/swapchain.h"
#include "common/util/bytes.h"
#include "common/util/log.h"

static bool receive_stale(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame)
{
   (void)conn;
   if (object && object->type == VK_OBJECT_TYPE_DEVICE_MEMORY)
      vp_device_memory_receive_stale((struct vp_device_memory *)object);
   return frame->header.length == 0;
}

static bool receive_progress(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame)
{
   if (frame->header.length != 12)
      return false;
   if (object && object->type == VK_OBJECT_TYPE_QUEUE)
      vp_queue_receive_progress(conn, (struct vp_queue *)object, vp_bytes_load_u64(frame->payload),
                                (VkResult)(int32_t)vp_bytes_load_u32(frame->payload + 8));
   return true;
}

static bool receive_object_error(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame)
{
   if (frame->header.length != 12)
      return false;
   const int32_t result = (int32_t)vp_bytes_load_u32(frame->payload + 4);
   const uint32_t recording = vp_bytes_load_u32(frame->payload + 8);
   vp_log(VP_LOG_WARN, "%s failed on the server with VkResult %d; the application hears of it when it uses the object",
          vp_command_name(vp_bytes_load_u32(frame->payload)), result);
   vp_connection_note_failure(conn, vp_bytes_load_u32(frame->payload));
   if (object && object->type == VK_OBJECT_TYPE_COMMAND_BUFFER && recording)
      vp_command_buffer_fail((struct vp_command_buffer *)object, recording, result);
   else if (object)
      object->error = result;
   vp_news_tell(conn);
   return true;
}

static bool receive_batch_error(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame)
{
   if (frame->header.length != 12)
      return false;
   const VkResult error = (VkResult)(int32_t)vp_bytes_load_u32(frame->payload + 8);
   vp_log(VP_LOG_WARN, "a submission goes without something that failed with VkResult %d; a wait for it says so",
          error);
   if (object && object->type == VK_OBJECT_TYPE_QUEUE &&
       !vp_queue_receive_error(conn, (struct vp_queue *)object, vp_bytes_load_u64(frame->payload), error))
      vp_connection_lose(conn, "there is no memory left for what it says");
   return true;
}

static bool receive_address(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame)
{
   if (frame->header.length != 8)
      return false;
   const VkDeviceAddress address = vp_bytes_load_u64(frame->payload);
   if (object && object->type == VK_OBJECT_TYPE_DEVICE_MEMORY)
      vp_device_memory_receive_address((struct vp_device_memory *)object, address);
   else if (object && object->type == VK_OBJECT_TYPE_ACCELERATION_STRUCTURE_KHR)
      vp_acceleration_structure_receive_address(conn, (struct vp_acceleration_structure *)object, address);
   return true;
}

static bool receive_executables(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame)
{
   if (!object || object->type != VK_OBJECT_TYPE_PIPELINE)
      return true;
   return vp_pipeline_receive_executables(conn, (struct vp_pipeline *)object, frame->payload, frame->header.length);
}

static bool receive_reserve(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame)
{
   (void)conn;
   if (frame->header.length != 4)
      return false;
   if (object && object->type == VK_OBJECT_TYPE_DEVICE)
      ((struct vp_device *)object)->is_short = !vp_bytes_load_u32(frame->payload);
   return true;
}

static bool receive_event(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame)
{
   if (!object || object->type != VK_OBJECT_TYPE_EVENT)
      return true;
   return vp_event_receive(conn, (struct vp_event *)object, frame->payload, frame->header.length);
}

static bool receive_present(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame)
{
   (void)conn;
   if (!object || object->type != VK_OBJECT_TYPE_SWAPCHAIN_KHR)
      return true;
   return vp_presenter_receive(((struct vp_swapchain *)object)->presenter, frame);
}

static bool receive_queries(struct vp_connection *conn, struct vp_object *object, struct vp_frame *frame)
{
   if (!object || object->type != VK_OBJECT_TYPE_QUERY_POOL)
      return true;
   return vp_query_pool_receive(conn, (struct vp_query_pool *)object, frame->payload, frame->header.length);
}

vp_news_handler *const vp_news_handlers[VP_FRAME_END] = {
   [VP_FRAME_STALE] = receive_stale,
   [VP_FRAME_PROGRESS] = receive_progress,
   [VP_FRAME_OBJECT_ERROR] = receive_object_error,
   [VP_FRAME_BATCH_ERROR] = receive_batch_error,
   [VP_FRAME_ADDRESS] = receive_address,
   [VP_FRAME_EXECUTABLES] = receive_executables,
   [VP_FRAME_RESERVE] = receive_reserve,
   [VP_FRAME_EVENT] = receive_event,
   [VP_FRAME_PRESENT] = receive_present,
   [VP_FRAME_QUERIES] = receive_queries,
};

static struct vp_mapping *hold_news_mapping(struct vp_object *object)
{
   return object->type == VK_OBJECT_TYPE_DEVICE_MEMORY
             ? vp_device_memory_hold_mapping((struct vp_device_memory *)object)
             : NULL;
}

const struct vp_memory_news vp_memory_news = {
   .hold = hold_news_mapping,
   .apply = vp_mapping_apply,
   .release = vp_mapping_unref,
};
