/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_STREAM_H
#define VP_CLIENT_STREAM_H

#include "common/memory/pack.h"
#include "common/wire/encoder.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vp_connection;
struct vp_device;
struct vp_mapping;
struct vp_part;

/* What goes to the server, in order. Threads append commands to the open part under the lock. When something waits for
 * it, it is sent at once if the socket takes it, and otherwise handed to the sender: a thread that waits for the
 * network so that nobody else has to, and that looks for changes of mapped memory before the submissions that need
 * them. */
struct vp_stream {
   pthread_mutex_t lock;
   struct vp_encoder open; /* whole frames, the last one perhaps open */
   size_t open_frame;      /* offset of the header of the open COMMANDS frame, or SIZE_MAX */
   size_t command_start;

   struct vp_part *first, **last; /* handed over */
   struct vp_part *spare;         /* their memory can be used again */
   unsigned spare_count;
   size_t queued;              /* bytes of these parts */
   uint64_t handed_over, done; /* how many parts */
   bool stop;
   pthread_cond_t work; /* for the sender */
   pthread_cond_t room; /* for those who wait for it */
   pthread_t sender;

   /* The sender's own, for memory. */
   struct vp_encoder memory;
   struct vp_packer packer;
};

bool vp_stream_init(struct vp_stream *stream, enum vp_compression compression);
void vp_stream_finish(struct vp_stream *stream);

/* The sender's life. Stopping it sends what is left. */
bool vp_stream_start(struct vp_connection *conn);
void vp_stream_stop(struct vp_connection *conn);

/* Locks the stream and gives its encoder for one command without reply. */
struct vp_encoder *vp_stream_begin(struct vp_connection *conn);

/* Unlocks. VK_ERROR_OUT_OF_HOST_MEMORY when the command did not fit in memory
 * (it is then not sent), VK_ERROR_DEVICE_LOST on a dead connection. */
VkResult vp_stream_end(struct vp_connection *conn);

/* Same, and keeps the stream locked for more. */
VkResult vp_stream_commit(struct vp_connection *conn);

/* Sends all that was said. vp_stream_flush_locked() is for a holder of the stream. */
VkResult vp_stream_flush(struct vp_connection *conn);
void vp_stream_flush_locked(struct vp_connection *conn);
void vp_stream_unlock(struct vp_connection *conn);

/* Whole commands that were encoded elsewhere. */
VkResult vp_stream_append(struct vp_connection *conn, const void *data, size_t size);

/* What has changed in the mapped memory of a device (or in one of its memories) has its place here. */
VkResult vp_stream_add_memory(struct vp_connection *conn, struct vp_device *device, struct vp_mapping *mapping);

/* The place of the next command, to be compared with that of memory: with the stream locked. */
uint64_t vp_stream_place(const struct vp_connection *conn);

/* Waits until the sender has done all that was said, or the connection is lost. */
void vp_stream_drain(struct vp_connection *conn);

#endif
