/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_FRAME_WRITER_H
#define VP_SERVER_CORE_FRAME_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "common/memory/pack.h"
#include "common/net/channel.h"
#include "common/net/error_frame.h"

/* Why a session ends though its client says nothing wrong. */
enum vps_end {
   VPS_END_NONE,
   VPS_END_ASKED,   /* the server is told to end */
   VPS_END_STALLED, /* the client takes nothing of what it is sent */
   VPS_END_HUNG,    /* the GPU takes too long */
   VPS_END_KICKED,  /* the operator ends it */
};

/* The way to the client, for all threads of a worker. */
struct vps_frame_writer {
   struct vp_channel channel; /* its fd is -1: nobody listens; what is sent is lost */
   pthread_mutex_t lock;
   bool broken;                   /* under the lock: nothing can be sent any more */
   _Atomic(int64_t) last_sent_ms; /* vp_clock_ms() */

   atomic_bool ending;         /* nothing but last words is sent any more, by the watch */
   _Atomic(enum vps_end) end;  /* a moment later */
   struct vp_error last_words; /* with an end */

   pthread_mutex_t pack_lock; /* taken before the other */
   struct vp_packer packer;   /* under it */
};

bool vps_frame_writer_init(struct vps_frame_writer *writer, int fd, enum vp_compression compression);
void vps_frame_writer_finish(struct vps_frame_writer *writer);

/* Ends the session with a sentence, which the client gets if it listens (server/session/watchdog.h). The first end
 * counts: false for any other. Thread-safe; waits for nobody. */
bool vps_frame_writer_end(struct vps_frame_writer *writer, enum vps_end end, const char *format, ...)
   __attribute__((format(printf, 3, 4)));

/* Sends a frame whose payload is in up to two parts, as vp_frame_write does, and blocks like it. False when it cannot
 * be sent; when the client has taken nothing for so long that it was given up, the session ends. Thread-safe. */
bool vps_frame_writer_send(struct vps_frame_writer *writer, uint32_t type, uint64_t tag, const void *a, size_t a_size,
                           const void *b, size_t b_size);

/* Sends a frame of changes of a memory, compressed if that pays. `is_part`: the client may take it in before, after or
 * while it takes in others of which that is said. `followed`: something else is sent right after it, and they may leave
 * together. Thread-safe. */
bool vps_frame_writer_send_memory(struct vps_frame_writer *writer, uint64_t id, const void *payload, size_t size,
                                  bool is_part, bool followed);

/* Tells the client that a command could not do something for an object; recording: which one of a command buffer, or 0.
 * Thread-safe. */
void vps_frame_writer_send_object_error(struct vps_frame_writer *writer, uint64_t id, uint32_t command, VkResult result,
                                        uint32_t recording);

/* Tells the client the address of a memory or an acceleration structure; 0: it has none. Thread-safe. */
void vps_frame_writer_send_address(struct vps_frame_writer *writer, uint64_t id, VkDeviceAddress address);

/* Tells it that it will not hear what a pipeline consists of: there is no such pipeline. Thread-safe. */
void vps_frame_writer_send_no_executables(struct vps_frame_writer *writer, uint64_t id);

/* Sends an ERROR frame. Thread-safe. */
bool vps_frame_writer_send_error(struct vps_frame_writer *writer, const struct vp_error *error);

/* Sends an ERROR frame with the last words, but only if that is possible without waiting for the client or for another
 * thread. */
bool vps_frame_writer_offer_last_words(struct vps_frame_writer *writer);

/* Sends an ALIVE frame when nothing was sent for some time and it need not wait for anything. Thread-safe. */
void vps_frame_writer_keep_alive(struct vps_frame_writer *writer);

/* Tells the client that there is nothing more to come and waits, for at most timeout_ms, until it has closed its side,
 * so that the last frame reaches it. */
void vps_frame_writer_linger(struct vps_frame_writer *writer, int timeout_ms);

#endif
