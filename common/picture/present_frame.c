/* SPDX-License-Identifier: MIT */

/* The header of PRESENT frames to bytes and back, and what codecs are called in statistics. */

#include "common/picture/present_frame.h"

#include "common/util/bytes.h"

void vp_present_header_store(uint8_t out[VP_PRESENT_HEADER_SIZE], const struct vp_present_header *header)
{
   vp_bytes_store_u64(out, header->frame);
   vp_bytes_store_u32(out + 8, header->flags);
   vp_bytes_store_u32(out + 12, header->codec);
   vp_bytes_store_u32(out + 16, header->first_row);
   vp_bytes_store_u32(out + 20, header->row_count);
   vp_bytes_store_u32(out + 24, header->gpu_us);
   vp_bytes_store_u32(out + 28, header->encode_us);
}

void vp_present_header_load(struct vp_present_header *header, const uint8_t in[VP_PRESENT_HEADER_SIZE])
{
   *header = (struct vp_present_header){
      .frame = vp_bytes_load_u64(in),
      .flags = vp_bytes_load_u32(in + 8),
      .codec = vp_bytes_load_u32(in + 12),
      .first_row = vp_bytes_load_u32(in + 16),
      .row_count = vp_bytes_load_u32(in + 20),
      .gpu_us = vp_bytes_load_u32(in + 24),
      .encode_us = vp_bytes_load_u32(in + 28),
   };
}

const char *vp_present_codec_name(uint32_t codec)
{
   static const char *const names[VP_PRESENT_CODECS] = {"raw", "lz4", "lz4", "zstd", "zstd", "jpeg", "h264"};

   return codec < VP_PRESENT_CODECS ? names[codec] : "?";
}
