/* SPDX-License-Identifier: MIT */

/* One function for each sort of codec: tiles plain, XORed, by LZ4 or zstd, bands by JPEG, whole pictures by H.264, of
 * which only tiles in the mask are copied. */

#include "client/wsi/picture_decoder.h"

#include <lz4.h>
#include <stdlib.h>
#include <zstd.h>

#include "common/picture/h264.h"
#include "common/picture/jpeg.h"

void vp_picture_decoder_finish(struct vp_picture_decoder *decoder)
{
   ZSTD_freeDCtx(decoder->zstd);
   vp_jpeg_destroy(decoder->jpeg);
   vp_h264_decoder_destroy(decoder->h264);
   free(decoder->picture.pixels);
   free(decoder->tiles);
}

/* Memory for what is unpacked of so many rows; NULL when there is none. */
static uint8_t *reserve_tiles(struct vp_picture_decoder *decoder, uint32_t rows)
{
   const size_t size = vp_tiles_max_size(&decoder->picture, rows);
   if (size > decoder->tiles_size) {
      uint8_t *tiles = realloc(decoder->tiles, size);
      if (!tiles)
         return NULL;
      decoder->tiles = tiles;
      decoder->tiles_size = size;
   }
   return decoder->tiles;
}

/* What comes out of an LZ4 block, at most so many bytes; SIZE_MAX when it makes no sense. */
static size_t decode_lz4(uint8_t *tiles, size_t most, const uint8_t *data, size_t size)
{
   if (size > INT32_MAX || most > INT32_MAX)
      return SIZE_MAX;
   const int unpacked = LZ4_decompress_safe((const char *)data, (char *)tiles, (int)size, (int)most);
   return unpacked < 0 ? SIZE_MAX : (size_t)unpacked;
}

/* The same of a zstd frame. The library would take several frames, or frames that it skips. */
static size_t decode_zstd(struct vp_picture_decoder *decoder, uint8_t *tiles, size_t most, const uint8_t *data,
                          size_t size)
{
   if (!decoder->zstd && !(decoder->zstd = ZSTD_createDCtx()))
      return SIZE_MAX;
   if (ZSTD_findFrameCompressedSize(data, size) != size)
      return SIZE_MAX;
   const size_t unpacked = ZSTD_decompressDCtx(decoder->zstd, tiles, most, data, size);
   return ZSTD_isError(unpacked) ? SIZE_MAX : unpacked;
}

static bool is_zstd(uint32_t codec)
{
   return codec == VP_PRESENT_ZSTD || codec == VP_PRESENT_ZSTD_PLAIN;
}

/* The tiles that were packed, or NULL. */
static const uint8_t *unpack(struct vp_picture_decoder *decoder, const struct vp_present_header *header,
                             const uint8_t *data, size_t *size)
{
   const size_t most = vp_tiles_max_size(&decoder->picture, header->row_count);
   uint8_t *tiles = reserve_tiles(decoder, header->row_count);
   if (!tiles)
      return NULL;
   *size =
      is_zstd(header->codec) ? decode_zstd(decoder, tiles, most, data, *size) : decode_lz4(tiles, most, data, *size);
   return *size == SIZE_MAX ? NULL : tiles;
}

static bool apply_jpeg(struct vp_picture_decoder *decoder, const struct vp_present_header *header, const uint8_t *mask,
                       const uint8_t *data, size_t size)
{
   const struct vp_picture *picture = &decoder->picture;
   uint8_t *band = reserve_tiles(decoder, header->row_count);
   if (!decoder->jpeg)
      decoder->jpeg = vp_jpeg_create();
   if (!band || !decoder->jpeg ||
       !vp_jpeg_decompress(decoder->jpeg, data, size, band, picture->width,
                           vp_band_height(picture, header->first_row, header->row_count)))
      return false;
   vp_tiles_copy(picture, header->first_row, header->row_count, mask, band);
   return true;
}

/* The next picture of the video, which is always a whole one. */
static bool apply_h264(struct vp_picture_decoder *decoder, const struct vp_present_header *header, const uint8_t *mask,
                       const uint8_t *data, size_t size)
{
   const struct vp_picture *picture = &decoder->picture;
   if (header->row_count != vp_picture_tile_rows(picture) || !vp_h264_fits(picture->width, picture->height))
      return false;
   uint8_t *pixels = reserve_tiles(decoder, header->row_count);
   if (!decoder->h264)
      decoder->h264 = vp_h264_decoder_create(picture->width, picture->height);
   if (!pixels || !decoder->h264 || !vp_h264_decode(decoder->h264, data, size, pixels))
      return false;
   vp_tiles_copy(picture, 0, header->row_count, mask, pixels);
   return true;
}

static bool picture_decoder_apply(struct vp_picture_decoder *decoder, const struct vp_present_header *header,
                                  const uint8_t *mask, const uint8_t *data, size_t size)
{
   switch (header->codec) {
   case VP_PRESENT_RAW:
      break;
   case VP_PRESENT_LZ4:
   case VP_PRESENT_LZ4_PLAIN:
   case VP_PRESENT_ZSTD:
   case VP_PRESENT_ZSTD_PLAIN:
      data = unpack(decoder, header, data, &size);
      break;
   case VP_PRESENT_JPEG:
      return apply_jpeg(decoder, header, mask, data, size);
   case VP_PRESENT_H264:
      return apply_h264(decoder, header, mask, data, size);
   default:
      return false;
   }
   return data && vp_tiles_apply(&decoder->picture, header->first_row, header->row_count,
                                 vp_present_codec_combines(header->codec), mask, data, size);
}

bool vp_picture_decode(struct vp_picture_decoder *decoder, const struct vp_present_header *header, const uint8_t *data,
                       size_t size)
{
   const struct vp_picture *picture = &decoder->picture;
   const uint32_t rows = vp_picture_tile_rows(picture);
   if (!header->row_count)
      return size == 0 && header->codec < VP_PRESENT_CODECS;
   if (!picture->pixels || header->row_count > rows || header->first_row > rows - header->row_count)
      return false;
   const size_t mask_size = vp_tiles_mask_size(picture, header->row_count);
   return size >= mask_size && picture_decoder_apply(decoder, header, data, data + mask_size, size - mask_size);
}
