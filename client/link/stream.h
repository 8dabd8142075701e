/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_STREAM_H
#define VP_CLIENT_LINK_STREAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "client/link/batch.h"
#include "client/link/memory_frames.h"
#include "common/memory/pack_stream.h"
#include "common/wire/encoder.h"

struct vp_connection;
struct vp_device;
struct vp_mapping;

/* Whoever has something to say can say this much at once, also when there is no memory. */
#define VP_STREAM_ROOM ((size_t)12 << 10)

/* So much at once pays a system call and a look by the server. */
#define VP_STREAM_PIECE ((size_t)60 << 10)

/* For a piece and the command after which it is one, if that is short. Encoders grow to that size, too. */
#define VP_STREAM_PIECE_ROOM ((size_t)64 << 10)

/* Whoever has something to say waits while more than this is in the open batch; the sender may have as much. */
#define VP_STREAM_MAX_OPEN ((size_t)8 << 20)

/* Memory for so many pieces is kept after a burst: for as many as can be under way. */
#define VP_STREAM_SPARES (2 * (VP_STREAM_MAX_OPEN / VP_STREAM_PIECE + 1))

/* What the sender does for mapped memory when it gets to a mark; in client/memory/looks.c, for the stream does not know
 * what memory is. */
struct vp_looks {
   /* Sends what has changed in a memory, or in all of a device: see vp_device_send_memory(). */
   void (*look)(struct vp_device *device, struct vp_mapping *mapping, uint64_t after, uint64_t place);
   uint64_t (*batch)(const struct vp_mapping *mapping);      /* the last one that looks at it */
   void (*hold)(struct vp_mapping *mapping, uint64_t batch); /* sets it, and takes a reference */
   void (*release)(struct vp_mapping *mapping);              /* NULL is fine */
};
extern const struct vp_looks vp_looks;

/* What goes to the server, in order. Threads append commands to the open batch under the lock. When something waits for
 * it, it is sent at once if the socket takes it. Otherwise it is handed to the sender: a thread that waits for the
 * network so that nobody else has to, and that looks for changes of mapped memory before the submissions that need
 * them; whoever waits for that can do it, too, one thread at a time. There is a second batch for that, which takes the
 * open one's place, so that handing over needs no memory. */
struct vp_stream {
   pthread_mutex_t lock;
   struct vp_batch open;
   size_t open_frame; /* offset of the header of the open COMMANDS frame, or SIZE_MAX */
   size_t command_start;
   uint64_t mark_count; /* of memory, in all batches */
   size_t direct_size;  /* whoever says less than this sends it, if he can: copying more costs him too much */
   uint64_t seen_marks; /* those of memory that the sender has looked at */

   atomic_bool handed_over; /* the open batch: it is taken as soon as the other one is done */
   bool wake;               /* the sender, which may sleep, does not know of that yet */
   uint64_t taken, done;    /* how many batches */
   struct vp_batch sending; /* while these differ */
   bool busy;               /* a thread does the sender's work: `sending`, `memory` and `packer` are its own */
   bool stop;
   struct vp_encoder spares[VP_STREAM_SPARES]; /* memory for pieces, of the same size each */
   unsigned spare_count;
   pthread_cond_t work; /* for the sender */
   pthread_cond_t room; /* for those who wait for it */
   pthread_t sender;

   struct vp_memory_frames memory;
   struct vp_stream_packer packer; /* where the network is slow it packs the commands, and sends all of them */
};

/* `peer` is what the server's decoder will be known to understand when the first command is said. */
bool vp_stream_init(struct vp_stream *stream, enum vp_compression compression, const struct vp_wire_peer *peer);
void vp_stream_finish(struct vp_stream *stream);

/* Locks the stream and gives its encoder for one command without reply. Waits for the network when too much is under
 * way, or when there is no memory for a command of VP_STREAM_ROOM bytes: such a command always fits. */
struct vp_encoder *vp_stream_begin(struct vp_connection *conn);

/* Unlocks. VK_ERROR_OUT_OF_HOST_MEMORY when the command did not fit in memory
 * (it is then not sent), VK_ERROR_DEVICE_LOST on a dead connection. */
VkResult vp_stream_end(struct vp_connection *conn);

/* Same, and keeps the stream locked for more. */
VkResult vp_stream_commit(struct vp_connection *conn);

/* Sends all that was said. vp_stream_flush_locked() is for a holder of the stream. */
VkResult vp_stream_flush(struct vp_connection *conn);
void vp_stream_flush_locked(struct vp_connection *conn);

/* The same before a wait for what comes of it: also does the sender's work, if that has not begun. */
void vp_stream_flush_and_help(struct vp_connection *conn);

void vp_stream_unlock(struct vp_connection *conn);

/* Whole commands that were recorded elsewhere. `apart`: all of them into one command buffer, and they concern no other
 * one; so that the server can execute them beside those of others they become a frame of their own. Long pieces are not
 * copied where the sender sends them: their memory is exchanged. The encoder is to be emptied afterwards. */
VkResult vp_stream_append_recorded(struct vp_connection *conn, struct vp_encoder *commands, bool apart);

/* What has changed in the mapped memory of a device (or in one of its memories) has its place here. */
VkResult vp_stream_add_memory(struct vp_connection *conn, struct vp_device *device, struct vp_mapping *mapping);

/* The place of the next command, to be compared with that of memory: with the stream locked. */
uint64_t vp_stream_place(const struct vp_connection *conn);

/* Waits, for `timeout` nanoseconds at most, until the sender has done all that was said, or the connection is lost.
 * False when there was no time for it. */
bool vp_stream_drain(struct vp_connection *conn, uint64_t timeout);

/* The same until it has seen what has changed in mapped memory, which can then change again. What was said is on its
 * way at least. */
bool vp_stream_wait_for_looks(struct vp_connection *conn, uint64_t timeout);

/* For the sender, with the lock: ends the open frame, if there is one; keeps the memory of a piece that was sent,
 * unless it has grown for a long command. */
void vp_stream_close_frame(struct vp_connection *conn);
void vp_stream_give_spare(struct vp_stream *stream, struct vp_encoder *spare);

#endif
