/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_CHANNEL_H
#define VP_NET_CHANNEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* A stream of bytes each way, in order and each of them once. As long as nothing else is said it is one connection, and
 * over with it. A channel that is *resumable* outlives its connections: when one breaks, who reads or writes waits
 * until another one has taken its place, and goes on in the middle of whatever it was doing. For that it counts bytes,
 * and keeps the last ones that were written, so that what the peer says it lacks is sent again.
 *
 * One thread reads and one writes at a time; their callers see to that. All else may be called at any time. */
struct vp_channel {
   int fd; /* the same number for each connection: the next one takes its place */

   pthread_mutex_t receive_lock; /* held while the socket is asked for bytes, */
   pthread_mutex_t
      send_lock;             /* or given some, and by both while it is replaced; never while one waits. Before `lock` */
   uint64_t received;        /* bytes up to now, under receive_lock */
   uint64_t written, pushed; /* likewise, and those that were given to a socket, under send_lock */
   uint8_t *history;         /* the last bytes that were written, in a ring; NULL: not resumable */
   size_t history_size;
   atomic_bool behind; /* pushed < written: whoever can goes on with it */

   pthread_mutex_t lock;
   pthread_cond_t changed;
   unsigned number;    /* of the connection; changes with all three locks */
   unsigned sleepers;  /* threads that wait for the socket */
   atomic_bool broken; /* this connection; changes with the lock */
   atomic_bool ended;  /* no other one will come; likewise */
   int64_t broken_ms;  /* since then, of vp_clock_ms() */

   int keep_ms; /* how long another one is waited for, where `mend` is not there */
   bool (*mend)(void *context);
   void *context;
};

/* A channel that is this connection. Needs no vp_channel_finish() unless it becomes resumable. */
#define VP_CHANNEL(descriptor)                                     \
   ((struct vp_channel){.fd = (descriptor),                        \
                        .receive_lock = PTHREAD_MUTEX_INITIALIZER, \
                        .send_lock = PTHREAD_MUTEX_INITIALIZER,    \
                        .lock = PTHREAD_MUTEX_INITIALIZER,         \
                        .changed = PTHREAD_COND_INITIALIZER})

/* Size of the history that both sides have. What has left one side when a connection breaks, and not come to the other,
 * is in the buffers of two kernels, and of tunnels. */
#define VP_CHANNEL_HISTORY ((size_t)16 << 20)

/* From here on it is resumable, and bytes are counted. `history` is of malloc(), of that size, and the channel's if
 * this succeeds. `mend`: is called by whoever reads when the connection has broken, or is silent for too long; makes
 * another one, and gives it to vp_channel_adopt(); false: there will be none. Without it, another one is waited for,
 * for keep_ms since the connection broke. Nobody else uses the channel yet. False without memory. */
bool vp_channel_make_resumable(struct vp_channel *channel, uint8_t *history, size_t size, int keep_ms,
                               bool (*mend)(void *context), void *context);

/* The connection is the caller's to close. */
void vp_channel_finish(struct vp_channel *channel);

/* --- reading and writing --- */

/* What came of reading bytes, or a frame. */
enum vp_frame_status {
   VP_FRAME_OK,
   VP_FRAME_CLOSED,    /* the peer closed between two frames */
   VP_FRAME_BROKEN,    /* connection error, or closed inside a frame */
   VP_FRAME_TIMEOUT,   /* nothing arrived in time */
   VP_FRAME_MALFORMED, /* unknown type that is not to be skipped, or a length over the limit */
   VP_FRAME_NO_MEMORY,
};

/* How long a reader waits for the next bytes. */
struct vp_patience {
   int timeout_ms;      /* -1: for ever */
   int64_t deadline_ms; /* of vp_clock_ms(), in place of it; VP_NO_DEADLINE: none */
};

#define VP_NO_DEADLINE INT64_MAX

/* Receives between 1 and `size` bytes. VP_FRAME_CLOSED at the end of the stream, VP_FRAME_BROKEN or VP_FRAME_TIMEOUT.
 * *waited: they were not there yet. *fast: they are expected at any moment, and still are afterwards. */
enum vp_frame_status vp_channel_read(struct vp_channel *channel, uint8_t *data, size_t size,
                                     const struct vp_patience *patience, size_t *received, bool *waited, bool *fast);

/* Waits until there is something to read, or what reading will tell: VP_FRAME_OK; otherwise VP_FRAME_TIMEOUT, or
 * VP_FRAME_BROKEN when the peer is gone. timeout_ms: -1: for ever. For the reader. */
enum vp_frame_status vp_channel_await(struct vp_channel *channel, int timeout_ms);

/* How long those who write wait for a peer that takes nothing, in the whole process; -1, as at the start: for ever. */
void vp_channel_set_room_timeout(int ms);

/* Writes all of the parts, which are used up, and adds to *blocked_ns how long it waited for room in the socket. While
 * there is no connection some bytes are taken for the next one. `more`: others follow at once. False with errno: the
 * channel is over, ETIME when the peer has taken nothing for too long. */
bool vp_channel_write(struct vp_channel *channel, struct iovec *parts, size_t count, bool more, uint64_t *blocked_ns);

/* Writes what there is room for now. Returns how many bytes, or -1: the channel is over. */
ptrdiff_t vp_channel_write_some(struct vp_channel *channel, const void *data, size_t size);

enum vp_frame_sent {
   VP_FRAME_SENT,
   VP_FRAME_NO_ROOM, /* nothing was written */
   VP_FRAME_CUT,     /* nothing can be written any more */
};

/* Writes the parts, which are few bytes, if there is room for them and much more, and a connection. */
enum vp_frame_sent vp_channel_write_now(struct vp_channel *channel, const struct iovec *parts, size_t count);

/* --- another connection --- */

/* Nobody reads or writes until vp_channel_release(), or vp_channel_adopt(). Returns how many bytes were received. */
uint64_t vp_channel_hold(struct vp_channel *channel);
void vp_channel_release(struct vp_channel *channel);

/* Whether all that a peer lacks which has so many bytes can be sent again. Held. */
bool vp_channel_can_go_on(const struct vp_channel *channel, uint64_t peer_received);

/* This connection takes the place of the one before; what the peer lacks is sent again, by those who read or write and,
 * since they may all be busy, by whoever calls this: with vp_channel_push() as long as the channel is behind and there
 * is room, unless it is the reader. Held, and released by it; `fd` stays the caller's to close. False: the channel has
 * ended meanwhile. */
bool vp_channel_adopt(struct vp_channel *channel, int fd, uint64_t peer_received);

/* Sends again what there is room for, in place of those who wait to read or write. */
void vp_channel_push(struct vp_channel *channel);

/* Nobody waits for another connection any more. The one that it has stays as it is. */
void vp_channel_end(struct vp_channel *channel);

/* Waits for so long, or until the channel ends: false then. */
bool vp_channel_pause(struct vp_channel *channel, int ms);

static inline bool vp_channel_is_resumable(const struct vp_channel *channel)
{
   return channel->history;
}

static inline bool vp_channel_is_broken(const struct vp_channel *channel)
{
   return atomic_load_explicit(&channel->broken, memory_order_relaxed);
}

static inline bool vp_channel_is_behind(const struct vp_channel *channel)
{
   return atomic_load_explicit(&channel->behind, memory_order_relaxed);
}

#endif
