/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_FRAME_H
#define VP_NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/channel.h"
#include "common/net/side.h"

/* Everything between client and server travels in frames: a header of 16
 * bytes (all little-endian) and a payload of `length` bytes. docs/PROTOCOL.md
 * describes each payload. */
enum vp_frame_type {
   VP_FRAME_HELLO = 1,        /* both ways, once, first */
   VP_FRAME_COMMANDS = 2,     /* client: whole Venus commands, back to back; tag: for EXECUTED, or 0 */
   VP_FRAME_REPLY = 3,        /* server: one Venus reply; tag = its number, from 0 */
   VP_FRAME_MEMORY = 4,       /* both ways: changed bytes of one mapped memory; tag = memory id */
   VP_FRAME_PROGRESS = 5,     /* server: a queue has completed a submission; tag = queue id */
   VP_FRAME_OBJECT_ERROR = 6, /* server: an asynchronous command failed; tag = id of the object */
   VP_FRAME_ERROR = 7,        /* both ways: the session is over, and why */
   VP_FRAME_ALIVE = 8,        /* server: nothing to say, but still there */
   VP_FRAME_EVENT = 9,        /* server: state of an event; tag = event id */
   VP_FRAME_QUERIES = 10,     /* server: results of queries; tag = query pool id */
   VP_FRAME_STALE = 11,       /* server: the GPU has changed a memory that is not mapped; tag = memory id */
   VP_FRAME_PACKED = 12,      /* both ways: a MEMORY payload, compressed; tag = memory id */
   VP_FRAME_BATCH_ERROR = 13, /* server: a batch goes without something that failed; tag = queue id */
   VP_FRAME_RESERVE = 14,     /* server: whether it can still make up for a lack of memory; tag = device id */
   VP_FRAME_ADDRESS = 15,     /* server: where shaders find something; tag = id of memory, ... */
   VP_FRAME_PRESENT = 16,     /* server: part of a picture; tag = swapchain id */
   VP_FRAME_EXECUTABLES = 17, /* server: what a pipeline consists of; tag = pipeline id */
   VP_FRAME_EXECUTED = 18,    /* server: what has been executed, and what it costs; tag = that of a COMMANDS frame */
   VP_FRAME_PACKED_COMMANDS = 19, /* client: a COMMANDS payload, compressed; tag: same */
   VP_FRAME_MEMORY_PART = 20,     /* server: as MEMORY, in any order with others of its kind; tag = memory id */
   VP_FRAME_RECORDED = 21,        /* client: COMMANDS that are all recorded into one command buffer; tag: same */
   VP_FRAME_AUTH = 22,            /* reserved: who a side is */
   VP_FRAME_RESUME = 23,          /* both ways, first: a session goes on over another connection */
   VP_FRAME_BYE = 24,             /* client: it ends the session */
   VP_FRAME_LOAD = 25,            /* both ways, before the greetings: how busy the server is */
   VP_FRAME_PROBE = 26,           /* both ways: measures the link */
   VP_FRAME_END,                  /* no type */
};

/* In a type: who does not know it takes the frame for nothing. No type has it yet, so that they are read without their
 * payload. */
#define VP_FRAME_SKIPPABLE UINT32_C(0x80000000)

/* Size of the header on the wire. */
#define VP_FRAME_HEADER_SIZE 16

/* No payload is longer. Longer data is split by its sender (memory) or refused
 * before it is sent (one single command). */
#define VP_FRAME_MAX_PAYLOAD (512u << 20)

/* The same of what comes before the sides know each other: HELLO, AUTH, RESUME, and whatever the first frame is. */
#define VP_FRAME_MAX_FIRST_PAYLOAD (64u << 10)

struct vp_frame_header {
   uint32_t type;   /* enum vp_frame_type */
   uint32_t length; /* bytes of payload, <= VP_FRAME_MAX_PAYLOAD */
   uint64_t tag;    /* meaning depends on the type; else 0 */
};

static inline bool vp_frame_is_skippable(const struct vp_frame_header *header)
{
   return header->type & VP_FRAME_SKIPPABLE;
}

void vp_frame_header_store(uint8_t out[VP_FRAME_HEADER_SIZE], const struct vp_frame_header *header);
void vp_frame_header_load(struct vp_frame_header *header, const uint8_t in[VP_FRAME_HEADER_SIZE]);

/* A frame as received. The payload buffer is reused from frame to frame and
 * grows with the bytes that really arrive, never with what a header claims. */
struct vp_frame {
   struct vp_frame_header header;
   uint8_t *payload;
   size_t capacity;
   size_t awaited;      /* bytes of the payload that were not there yet when the reader came to them */
   uint64_t awaited_ns; /* how long it took until they were */
};

/* Frees the payload. The frame can be used again. */
void vp_frame_finish(struct vp_frame *frame);

/* A short text for a status of what a side sends, e.g. "the client closed the connection". */
const char *vp_frame_status_text(enum vp_frame_status status, enum vp_side from);

/* Reads one frame. Waits at most timeout_ms for each next piece of data (-1:
 * for ever, but a peer that is gone is noticed: see vp_socket_peer_lost), and no
 * longer than VP_FRAME_STALL_MS in the middle of the frame. One reader per
 * channel at a time. `frame` starts zeroed; its payload is valid until
 * the next read, and undefined after anything but VP_FRAME_OK. */
enum vp_frame_status vp_frame_read(struct vp_channel *channel, struct vp_frame *frame, int timeout_ms);

/* For tests: another time than VP_FRAME_STALL_MS, in the whole process. */
void vp_frame_set_stall(int ms);

/* The first frame of a peer, which is not trusted with anything yet: all of it must be there at deadline_ms of
 * vp_clock_ms(), it has at most VP_FRAME_MAX_FIRST_PAYLOAD bytes, and nothing is skipped. */
enum vp_frame_status vp_frame_read_first(struct vp_channel *channel, struct vp_frame *frame, int64_t deadline_ms);

/* Writes a header and its payload, which may be in up to two parts (b may be
 * NULL with b_size 0). Blocks until everything is written or the connection is
 * broken or the peer is gone (returns false with errno; EMSGSIZE, and nothing
 * written, for a payload over the limit; ETIME when the peer takes nothing for too long). Never raises SIGPIPE. The
 * caller serialises writers. */
bool vp_frame_write(struct vp_channel *channel, uint32_t type, uint64_t tag, const void *a, size_t a_size,
                    const void *b, size_t b_size);

/* The same for a small payload, without ever blocking. */
enum vp_frame_sent vp_frame_write_now(struct vp_channel *channel, uint32_t type, uint64_t tag, const void *payload,
                                      size_t size);

/* Same, and adds to *blocked_ns how long it waited for room in the socket's buffer. */
bool vp_frame_write_timed(struct vp_channel *channel, uint32_t type, uint64_t tag, const void *a, size_t a_size,
                          const void *b, size_t b_size, uint64_t *blocked_ns);

/* Same, when another frame follows: what does not fill a packet may leave with that one. */
bool vp_frame_write_before(struct vp_channel *channel, uint32_t type, uint64_t tag, const void *payload, size_t size,
                           uint64_t *blocked_ns);

#endif
