/* SPDX-License-Identifier: MIT */
#ifndef VP_PICTURE_JPEG_H
#define VP_PICTURE_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JPEG by libjpeg-turbo, opened when it is first asked for. Pixels are of 32 bits, 8 for each of blue, green, red and
 * one that does not count. */
struct vp_jpeg;

/* Whether the library is installed. Thread-safe. */
bool vp_jpeg_is_usable(void);

/* For one thread; NULL without the library or memory. */
struct vp_jpeg *vp_jpeg_create(void);
void vp_jpeg_destroy(struct vp_jpeg *jpeg); /* NULL is fine */

/* Compresses rows of pixels that lie without gaps, with a quality of 1 to 100. The result is the jpeg's and valid until
 * the next call; NULL when it could not be done. */
const uint8_t *vp_jpeg_compress(struct vp_jpeg *jpeg, const uint8_t *pixels, uint32_t width, uint32_t height,
                                unsigned quality, size_t *size);

/* The other way; the last byte of each pixel becomes 255. False when the data are no picture of just that size. */
bool vp_jpeg_decompress(struct vp_jpeg *jpeg, const uint8_t *data, size_t size, uint8_t *pixels, uint32_t width,
                        uint32_t height);

#endif
