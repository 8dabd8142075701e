/* SPDX-License-Identifier: MIT */

/* Goes through a picture in bands of tile rows and sends what has changed, and remembers of which tiles the client has
 * no exact copy, to send these exactly when there is time. */

#include "server/wsi/encoder.h"

#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/net/frame.h"
#include "common/picture/h264.h"
#include "common/picture/jpeg.h"
#include "common/picture/planes.h"
#include "common/picture/present_frame.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/core/tally.h"
#include "server/wsi/swapchain.h"

/* A part of a picture is about this large before compression. */
#define PART_SIZE ((size_t)256 << 10)

/* Less is not worth a picture of a video: it goes as it is. */
#define VIDEO_BYTES ((size_t)64 << 10)

/* Pictures have little time. */
#define ZSTD_LEVEL 1

struct vps_encoder {
   struct vps_swapchain *swapchain;
   bool lossy; /* what the client has cannot be built upon, since it may not be exact */
   ZSTD_CCtx *zstd;
   struct vp_jpeg *jpeg;         /* these two: NULL when not here, or not there, or pictures must be exact */
   struct vp_h264_encoder *h264; /* made when it is needed first */
   uint8_t *planes;              /* same */

   uint32_t rows;    /* of tiles in a part */
   size_t mask_size; /* of so many */
   uint8_t *tiles, *packed;
   size_t packed_size;
   uint8_t *head;    /* header and mask, which may be that of the whole picture */
   uint8_t *inexact; /* masks of the parts: tiles of which the client has no exact copy */
   uint8_t *waiting; /* same: tiles that go with the picture of the video */
   bool unsharp;     /* some are not exact */

   /* Of the frame that is being sent. */
   struct vp_present_header header;
   struct vps_sent_frame sent;
   enum vp_present_codec last_codec; /* of its last part; VP_PRESENT_CODECS: it has none yet */
   size_t trial_left, waiting_bytes;
};

static uint32_t rows_from(const struct vps_encoder *encoder, uint32_t first)
{
   const uint32_t left = vp_picture_tile_rows(&encoder->swapchain->picture) - first;
   return left < encoder->rows ? left : encoder->rows;
}

/* The mask of the current part. */
static uint8_t *mask_of(const struct vps_encoder *encoder, uint8_t *masks)
{
   return masks + encoder->header.first_row / encoder->rows * encoder->mask_size;
}

static void set_band(struct vps_encoder *encoder, uint32_t first)
{
   encoder->header.first_row = first;
   encoder->header.row_count = rows_from(encoder, first);
}

static bool send_part(struct vps_encoder *encoder, size_t mask_size, const uint8_t *data, size_t size)
{
   const struct vps_swapchain *swapchain = encoder->swapchain;

   encoder->header.encode_us = (uint32_t)(encoder->sent.encode_ns / 1000);
   encoder->sent.wire_bytes += VP_PRESENT_HEADER_SIZE + mask_size + size;
   vps_tally_add(VPS_COUNT_FRAME_BYTES, VP_PRESENT_HEADER_SIZE + mask_size + size);
   if (size)
      encoder->last_codec = encoder->header.codec;
   vp_present_header_store(encoder->head, &encoder->header);
   return vps_frame_writer_send(swapchain->device->writer, VP_FRAME_PRESENT, swapchain->id, encoder->head,
                                VP_PRESENT_HEADER_SIZE + mask_size, data, size);
}

/* --- exact parts --- */

/* What travels of the tiles that were collected, as it is or packed; it is of the tiles of the mask that goes with it,
 * which the picture has already. */
static const uint8_t *pack(struct vps_encoder *encoder, enum vp_present_codec codec, size_t *size)
{
   struct vp_present_header *header = &encoder->header;
   size_t packed;

   header->codec = codec;
   if (codec == VP_PRESENT_RAW)
      return encoder->tiles;
   if (codec == VP_PRESENT_LZ4 || codec == VP_PRESENT_LZ4_PLAIN)
      packed = (size_t)LZ4_compress_default((const char *)encoder->tiles, (char *)encoder->packed, (int)*size,
                                            (int)encoder->packed_size);
   else
      packed =
         ZSTD_compressCCtx(encoder->zstd, encoder->packed, encoder->packed_size, encoder->tiles, *size, ZSTD_LEVEL);
   if (packed && !ZSTD_isError(packed)) {
      *size = packed;
      return encoder->packed;
   }
   header->codec = VP_PRESENT_RAW; /* there was no memory for the work */
   *size = vp_tiles_gather(&encoder->swapchain->picture, header->first_row, header->row_count,
                           encoder->head + VP_PRESENT_HEADER_SIZE, encoder->tiles);
   return encoder->tiles;
}

static enum vp_present_codec exact_codec(const struct vps_encoder *encoder)
{
   struct vps_swapchain *swapchain = encoder->swapchain;

   pthread_mutex_lock(&swapchain->lock);
   const enum vp_present_codec codec = vps_codec_chooser_exact(&swapchain->chooser);
   pthread_mutex_unlock(&swapchain->lock);
   return codec;
}

/* Notes what the client has of the tiles of a mask of the current part. */
static void note_exactness(struct vps_encoder *encoder, const uint8_t *mask, bool exact)
{
   uint8_t *inexact = mask_of(encoder, encoder->inexact);

   for (size_t i = 0; i < vp_tiles_mask_size(&encoder->swapchain->picture, encoder->header.row_count); i++)
      inexact[i] = exact ? inexact[i] & (uint8_t)~mask[i] : inexact[i] | mask[i];
   encoder->unsharp = encoder->unsharp || !exact;
}

/* The tiles of the current part that a mask names, exactly. */
static bool send_exactly(struct vps_encoder *encoder, const uint8_t *mask)
{
   const struct vp_picture *picture = &encoder->swapchain->picture;
   const uint32_t first = encoder->header.first_row, count = encoder->header.row_count;
   const size_t mask_size = vp_tiles_mask_size(picture, count);
   const int64_t start = vp_clock_ns();

   memcpy(encoder->head + VP_PRESENT_HEADER_SIZE, mask, mask_size);
   size_t size = vp_tiles_gather(picture, first, count, mask, encoder->tiles);
   if (!size)
      return true;
   const uint8_t *data = pack(encoder, exact_codec(encoder), &size);
   encoder->sent.encode_ns += vp_clock_ns() - start;
   note_exactness(encoder, encoder->head + VP_PRESENT_HEADER_SIZE, true);
   return send_part(encoder, mask_size, data, size);
}

/* --- parts of what has changed --- */

/* The band as a JPEG picture; NULL when that is not worth while. */
static const uint8_t *draw(struct vps_encoder *encoder, const uint8_t *pixels, size_t *size)
{
   const struct vp_picture *picture = &encoder->swapchain->picture;
   const uint32_t first = encoder->header.first_row, count = encoder->header.row_count;

   if (*size < vp_tiles_max_size(picture, count) / 4)
      return NULL;
   encoder->header.codec = VP_PRESENT_JPEG;
   return vp_jpeg_compress(encoder->jpeg, pixels + vp_band_offset(picture, first), picture->width,
                           vp_band_height(picture, first, count), encoder->swapchain->quality, size);
}

static const uint8_t *encode(struct vps_encoder *encoder, enum vp_present_codec codec, const uint8_t *pixels,
                             size_t *size)
{
   const uint8_t *data = codec == VP_PRESENT_JPEG ? draw(encoder, pixels, size) : NULL;

   if (data)
      return data;
   return pack(encoder, codec == VP_PRESENT_JPEG ? exact_codec(encoder) : codec, size);
}

/* Tiles of the current part that have changed, from number *next on, so many bytes of them. */
static bool send_tiles(struct vps_encoder *encoder, enum vp_present_codec codec, const uint8_t *pixels, size_t *next,
                       size_t limit)
{
   const struct vp_picture *picture = &encoder->swapchain->picture;
   const uint32_t first = encoder->header.first_row, count = encoder->header.row_count;
   const bool combined = vp_present_codec_combines(codec);
   const int64_t start = vp_clock_ns();
   uint8_t *mask = encoder->head + VP_PRESENT_HEADER_SIZE;

   size_t size = vp_tiles_collect(picture, pixels, first, count, next, limit, combined, mask, encoder->tiles);
   encoder->sent.bytes += size;
   const uint8_t *data = size ? encode(encoder, codec, pixels, &size) : NULL;
   encoder->sent.encode_ns += vp_clock_ns() - start;
   if (!data)
      return true;
   if (encoder->lossy)
      note_exactness(encoder, mask, encoder->header.codec != VP_PRESENT_JPEG);
   return send_part(encoder, vp_tiles_mask_size(picture, count), data, size);
}

/* Notes what has changed in the current part, for the picture of the video. */
static void collect_waiting(struct vps_encoder *encoder, const uint8_t *pixels, size_t *next)
{
   const int64_t start = vp_clock_ns();
   const size_t size =
      vp_tiles_collect(&encoder->swapchain->picture, pixels, encoder->header.first_row, encoder->header.row_count, next,
                       SIZE_MAX, false, mask_of(encoder, encoder->waiting), NULL);

   encoder->waiting_bytes += size;
   encoder->sent.bytes += size;
   encoder->sent.encode_ns += vp_clock_ns() - start;
}

/* What is tried out gets the first tiles that have changed. */
static bool send_band(struct vps_encoder *encoder, const uint8_t *pixels)
{
   const struct vps_choice *choice = &encoder->sent.choice;
   size_t next = 0;

   if (encoder->trial_left) {
      const size_t before = encoder->sent.bytes;
      if (!send_tiles(encoder, choice->trial, pixels, &next, encoder->trial_left))
         return false;
      const size_t done = encoder->sent.bytes - before;
      encoder->trial_left -= done < encoder->trial_left ? done : encoder->trial_left;
   }
   if (choice->codec != VP_PRESENT_H264)
      return send_tiles(encoder, choice->codec, pixels, &next, SIZE_MAX);
   collect_waiting(encoder, pixels, &next);
   return true;
}

/* --- video --- */

/* The picture as a packet; NULL when that is not possible. */
static const uint8_t *encode_video(struct vps_encoder *encoder, const struct vps_slot *slot, size_t *size)
{
   struct vps_swapchain *swapchain = encoder->swapchain;
   const struct vp_picture *picture = &swapchain->picture;
   const uint8_t *planes = slot->planes;

   if (!encoder->h264)
      encoder->h264 = vp_h264_encoder_create(picture->width, picture->height, swapchain->quality);
   if (!planes && !encoder->planes)
      encoder->planes = malloc(vp_planes_of(picture->width, picture->height).size);
   if (!encoder->h264 || (!planes && !encoder->planes))
      return NULL;
   if (!planes) {
      vp_planes_make(slot->pixels, picture->width, picture->height, encoder->planes);
      planes = encoder->planes;
   }
   pthread_mutex_lock(&swapchain->lock);
   const double rate = VPS_VIDEO_SHARE * swapchain->chooser.rate;
   pthread_mutex_unlock(&swapchain->lock);
   return vp_h264_encode(encoder->h264, planes, rate, size);
}

/* Puts what waits into one mask, and notes that it will not be exact. */
static void take_waiting(struct vps_encoder *encoder)
{
   const struct vp_picture *picture = &encoder->swapchain->picture;
   const uint32_t rows = vp_picture_tile_rows(picture);
   uint8_t *whole = encoder->head + VP_PRESENT_HEADER_SIZE;

   memset(whole, 0, vp_tiles_mask_size(picture, rows));
   for (uint32_t first = 0; first < rows; first += encoder->rows) {
      set_band(encoder, first);
      const uint8_t *mask = mask_of(encoder, encoder->waiting);
      note_exactness(encoder, mask, false);
      vp_tiles_place_mask(picture, first, encoder->header.row_count, mask, whole);
   }
}

static bool send_waiting_exactly(struct vps_encoder *encoder)
{
   const uint32_t rows = vp_picture_tile_rows(&encoder->swapchain->picture);
   bool ok = true;

   for (uint32_t first = 0; ok && first < rows; first += encoder->rows) {
      set_band(encoder, first);
      ok = send_exactly(encoder, mask_of(encoder, encoder->waiting));
   }
   return ok;
}

static void give_up_video(struct vps_encoder *encoder)
{
   struct vps_swapchain *swapchain = encoder->swapchain;

   vp_log(VP_LOG_WARN, "a picture of %ux%u could not be encoded as H.264; the others will not be",
          swapchain->picture.width, swapchain->picture.height);
   pthread_mutex_lock(&swapchain->lock);
   vps_codec_chooser_forget(&swapchain->chooser, VP_PRESENT_H264);
   pthread_mutex_unlock(&swapchain->lock);
}

/* What has changed and was not sent yet. */
static bool send_video(struct vps_encoder *encoder, const struct vps_slot *slot)
{
   const struct vp_picture *picture = &encoder->swapchain->picture;
   const uint32_t rows = vp_picture_tile_rows(picture);
   const int64_t start = vp_clock_ns();
   size_t size;

   if (encoder->waiting_bytes < VIDEO_BYTES)
      return send_waiting_exactly(encoder);
   const uint8_t *data = encode_video(encoder, slot, &size);
   encoder->sent.encode_ns += vp_clock_ns() - start;
   if (!data) {
      give_up_video(encoder);
      return send_waiting_exactly(encoder);
   }
   take_waiting(encoder);
   encoder->header.codec = VP_PRESENT_H264;
   encoder->header.first_row = 0;
   encoder->header.row_count = rows;
   return send_part(encoder, vp_tiles_mask_size(picture, rows), data, size);
}

/* --- frames --- */

void vps_encoder_begin(struct vps_encoder *encoder, uint64_t frame)
{
   struct vps_swapchain *swapchain = encoder->swapchain;

   encoder->header = (struct vp_present_header){.frame = frame};
   encoder->sent = (struct vps_sent_frame){.start_ns = vp_clock_ns()};
   pthread_mutex_lock(&swapchain->lock);
   encoder->sent.choice = vps_codec_chooser_choose(&swapchain->chooser);
   pthread_mutex_unlock(&swapchain->lock);
   encoder->last_codec = VP_PRESENT_CODECS;
   encoder->trial_left = encoder->sent.choice.trial_bytes;
   encoder->waiting_bytes = 0;
}

bool vps_encoder_send_picture(struct vps_encoder *encoder, const struct vps_slot *slot)
{
   const uint32_t rows = vp_picture_tile_rows(&encoder->swapchain->picture);
   bool ok = true;

   encoder->header.gpu_us = (uint32_t)((encoder->sent.start_ns - slot->arrival_ns) / 1000);
   for (uint32_t first = 0; ok && first < rows; first += encoder->rows) {
      set_band(encoder, first);
      ok = send_band(encoder, slot->pixels);
   }
   return ok && (!encoder->waiting_bytes || send_video(encoder, slot));
}

static bool end_frame(struct vps_encoder *encoder, uint32_t flags)
{
   struct vps_swapchain *swapchain = encoder->swapchain;

   pthread_mutex_lock(&swapchain->lock);
   vps_codec_chooser_sent(&swapchain->chooser, &encoder->sent);
   pthread_mutex_unlock(&swapchain->lock);
   encoder->header.flags = VP_PRESENT_LAST | flags;
   encoder->header.codec = VP_PRESENT_RAW;
   encoder->header.first_row = encoder->header.row_count = 0;
   return send_part(encoder, 0, NULL, 0);
}

bool vps_encoder_end(struct vps_encoder *encoder)
{
   vps_tally_frame(encoder->last_codec);
   return end_frame(encoder, 0);
}

bool vps_encoder_is_unsharp(const struct vps_encoder *encoder)
{
   return encoder->unsharp;
}

bool vps_encoder_refine(struct vps_encoder *encoder)
{
   const uint32_t rows = vp_picture_tile_rows(&encoder->swapchain->picture);
   uint32_t first = 0;
   bool ok = true;

   encoder->header = (struct vp_present_header){.frame = encoder->header.frame};
   encoder->sent = (struct vps_sent_frame){.start_ns = vp_clock_ns()};
   while (ok && first < rows && !vps_presenter_has_frame(encoder->swapchain)) {
      set_band(encoder, first);
      ok = send_exactly(encoder, mask_of(encoder, encoder->inexact));
      first += encoder->rows;
   }
   encoder->unsharp = first < rows;
   return ok && end_frame(encoder, VP_PRESENT_REFINEMENT);
}

/* --- life --- */

/* Which codecs both sides have. */
static void choose_codecs(struct vps_encoder *encoder)
{
   struct vps_swapchain *swapchain = encoder->swapchain;
   uint32_t codecs = VP_PRESENT_CODEC_BIT(VP_PRESENT_RAW);

   if (swapchain->codecs & VP_PRESENT_CODEC_BIT(VP_PRESENT_JPEG))
      encoder->jpeg = vp_jpeg_create();
   if (encoder->jpeg)
      codecs |= VP_PRESENT_CODEC_BIT(VP_PRESENT_JPEG);
   if (swapchain->video)
      codecs |= VP_PRESENT_CODEC_BIT(VP_PRESENT_H264);
   encoder->lossy = codecs != VP_PRESENT_CODEC_BIT(VP_PRESENT_RAW);
   codecs |=
      swapchain->codecs & (VP_PRESENT_CODEC_BIT(VP_PRESENT_LZ4_PLAIN) | VP_PRESENT_CODEC_BIT(VP_PRESENT_ZSTD_PLAIN));
   if (!encoder->lossy)
      codecs |= swapchain->codecs & (VP_PRESENT_CODEC_BIT(VP_PRESENT_LZ4) | VP_PRESENT_CODEC_BIT(VP_PRESENT_ZSTD));
   const enum vps_lossy lossy = swapchain->always_lossy ? VPS_LOSSY_ALWAYS : VPS_LOSSY_WHEN_SLOW;
   vps_codec_chooser_init(&swapchain->chooser, encoder->lossy ? lossy : VPS_LOSSY_NEVER, codecs);
}

void vps_encoder_destroy(struct vps_encoder *encoder)
{
   if (!encoder)
      return;
   ZSTD_freeCCtx(encoder->zstd);
   vp_jpeg_destroy(encoder->jpeg);
   vp_h264_encoder_destroy(encoder->h264);
   free(encoder->planes);
   free(encoder->tiles);
   free(encoder->packed);
   free(encoder->head);
   free(encoder->inexact);
   free(encoder->waiting);
   free(encoder);
}

static size_t packed_bound(size_t size)
{
   const size_t lz4 = (size_t)LZ4_compressBound((int)size), zstd = ZSTD_compressBound(size);
   return lz4 > zstd ? lz4 : zstd;
}

struct vps_encoder *vps_encoder_create(struct vps_swapchain *swapchain)
{
   const struct vp_picture *picture = &swapchain->picture;
   const uint32_t rows = vp_picture_tile_rows(picture);
   struct vps_encoder *encoder = calloc(1, sizeof(*encoder));
   if (!encoder)
      return NULL;
   encoder->swapchain = swapchain;
   encoder->rows = (uint32_t)(PART_SIZE / vp_tiles_max_size(picture, 1)) + 1;
   choose_codecs(encoder);
   const size_t size = vp_tiles_max_size(picture, encoder->rows), parts = rows / encoder->rows + 1;
   const size_t whole_mask = vp_tiles_mask_size(picture, rows);
   encoder->mask_size = vp_tiles_mask_size(picture, encoder->rows);
   encoder->packed_size = packed_bound(size);
   encoder->head = malloc(VP_PRESENT_HEADER_SIZE + (whole_mask > encoder->mask_size ? whole_mask : encoder->mask_size));
   encoder->tiles = malloc(size);
   encoder->packed = malloc(encoder->packed_size);
   encoder->inexact = calloc(parts, encoder->mask_size);
   encoder->waiting = calloc(parts, encoder->mask_size);
   encoder->zstd = ZSTD_createCCtx();
   if (encoder->head && encoder->tiles && encoder->packed && encoder->inexact && encoder->waiting && encoder->zstd)
      return encoder;
   vps_encoder_destroy(encoder);
   return NULL;
}
