/* SPDX-License-Identifier: MIT */

/* Sends what the application has changed in mapped memory, before the GPU is set going. */

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/mapping/mapping.h"
#include "client/mapping/pages.h"
#include "client/memory/device_memory.h"
#include "client/memory/mapping_list.h"
#include "common/net/frame.h"

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
   while (!vp_connection_lost(conn) && (mapping = vp_mapping_list_next(device, &at, true))) {
      send_between(conn, mapping, after, place);
      vp_mapping_unref(mapping);
   }
}

static bool maybe_changed(struct vp_device *device)
{
   struct vp_mapping *mapping;
   bool found = false;
   for (size_t at = SIZE_MAX; !found && (mapping = vp_mapping_list_next(device, &at, true));) {
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
