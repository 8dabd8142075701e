/* SPDX-License-Identifier: MIT */
#ifndef VP_PICTURE_PRESENT_FRAME_H
#define VP_PICTURE_PRESENT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The payload of a PRESENT frame: this header, then, if it has tile rows, their mask and their tiles. A picture comes
 * in several parts, so that other frames of the connection find their way between them. */
struct vp_present_header {
   uint64_t frame;                /* counted from 1 by the client that presents */
   uint32_t flags;                /* VP_PRESENT_... */
   uint32_t codec;                /* enum vp_present_codec, of the tiles */
   uint32_t first_row, row_count; /* of tiles */
   uint32_t gpu_us;               /* from the arrival of the present to the finished copy */
   uint32_t encode_us;            /* of all parts up to this one */
};

#define VP_PRESENT_HEADER_SIZE ((size_t)32)

/* The last part of its picture. This frame and all before it are done with. */
#define VP_PRESENT_LAST 1u

/* Part of what makes the picture of the last frame exact. */
#define VP_PRESENT_REFINEMENT 2u

/* Each loses more than those before it, or costs more. */
enum vp_present_codec {
   VP_PRESENT_RAW = 0,        /* pixels */
   VP_PRESENT_LZ4 = 1,        /* pixels combined with what was there by exclusive or, in an LZ4 block */
   VP_PRESENT_LZ4_PLAIN = 2,  /* pixels in an LZ4 block */
   VP_PRESENT_ZSTD = 3,       /* as LZ4, in a zstd frame */
   VP_PRESENT_ZSTD_PLAIN = 4, /* pixels in a zstd frame */
   VP_PRESENT_JPEG = 5,       /* a JPEG picture of all tiles of the part, of which those in the mask count */
   VP_PRESENT_H264 = 6, /* the next packet of an H.264 stream: the whole picture, of which the mask's tiles count */
   VP_PRESENT_CODECS,
};

/* Whether tiles are combined with what was there. */
static inline bool vp_present_codec_combines(uint32_t codec)
{
   return codec == VP_PRESENT_LZ4 || codec == VP_PRESENT_ZSTD;
}

/* What a client can decode, in the creation of its swapchain. Nothing: it does not want pictures. */
#define VP_PRESENT_CODEC_BIT(codec) (1u << (codec))

/* A server never sends more frames than this that the client has not acknowledged. */
#define VP_PRESENT_MAX_UNDER_WAY 16

/* In FIFO modes a client has at most as many frames on their way as the swapchain has images, less one, and these. */
#define VP_PRESENT_EXTRA_FRAMES 8

/* Static text, the same for the two kinds of one codec. */
const char *vp_present_codec_name(uint32_t codec);

void vp_present_header_store(uint8_t out[VP_PRESENT_HEADER_SIZE], const struct vp_present_header *header);
void vp_present_header_load(struct vp_present_header *header, const uint8_t in[VP_PRESENT_HEADER_SIZE]);

#endif
