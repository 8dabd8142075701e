/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_ERROR_FRAME_H
#define VP_NET_ERROR_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The payload of VP_FRAME_ERROR: u32 command, u64 offset, then the text in
 * UTF-8 without a NUL, up to the end of the frame. */
#define VP_ERROR_NO_COMMAND UINT32_MAX
#define VP_ERROR_ON_THE_WAY (UINT32_MAX - 1) /* it comes from a program between the two, and says all itself */
#define VP_ERROR_TEXT_SIZE 512               /* NUL included */
#define VP_ERROR_WIRE_MAX (4 + 8 + VP_ERROR_TEXT_SIZE - 1)

struct vp_error {
   uint32_t command; /* number of the Venus command at fault, or one of the above */
   uint64_t offset;  /* of the fault, in bytes from the start of the stream of commands; on the way: errno */
   char text[VP_ERROR_TEXT_SIZE]; /* one sentence */
};

/* Returns the number of bytes stored. */
size_t vp_error_store(uint8_t out[VP_ERROR_WIRE_MAX], const struct vp_error *error);

/* False when there are too few bytes. A longer text is cut. It is as the other side
 * made it, and for the log alone (vp_log). */
bool vp_error_load(struct vp_error *error, const uint8_t *data, size_t size);

/* Sends a frame with this error, as vp_frame_write does. */
bool vp_error_send(int fd, const struct vp_error *error);

#endif
