/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_RESUME_H
#define VP_NET_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/frame.h"
#include "common/net/hello.h"

/* What a RESUME frame says: of a client that its session is to go on over this connection, and how many bytes it has
 * received since the greetings; of a server, which has nothing but that number in it, that it does. */
struct vp_resume {
   uint8_t session[VP_SESSION_ID_SIZE];
   uint64_t received;
};

/* Writes the frame of a side at once, into a connection that is new. False with errno. */
bool vp_resume_send(int fd, const struct vp_resume *resume, enum vp_side from);

/* The whole frame of a client, header and payload. */
#define VP_RESUME_FRAME_SIZE (VP_FRAME_HEADER_SIZE + VP_SESSION_ID_SIZE + 8)

/* Understands the payload of a RESUME frame of a side. False when it is none. */
bool vp_resume_load(struct vp_resume *resume, enum vp_side from, const uint8_t *payload, size_t size);

/* Compares two ids of sessions in a time that does not say where they differ. An id of zeros is none, and equals no
 * other. */
bool vp_session_is(const uint8_t a[VP_SESSION_ID_SIZE], const uint8_t b[VP_SESSION_ID_SIZE]);

#endif
