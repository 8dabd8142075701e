/* SPDX-License-Identifier: MIT */

/* Puts an error's text and place into bytes and back. */

#include "common/net/error_frame.h"

#include <string.h>

#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "common/util/text.h"

#define FIXED_SIZE (4 + 8)

size_t vp_error_store(uint8_t out[VP_ERROR_WIRE_MAX], const struct vp_error *error)
{
   const size_t length = strnlen(error->text, sizeof(error->text) - 1);

   vp_bytes_store_u32(out, error->command);
   vp_bytes_store_u64(out + 4, error->offset);
   memcpy(out + FIXED_SIZE, error->text, length);
   return FIXED_SIZE + length;
}

bool vp_error_load(struct vp_error *error, const uint8_t *data, size_t size)
{
   if (size < FIXED_SIZE)
      return false;

   error->command = vp_bytes_load_u32(data);
   error->offset = vp_bytes_load_u64(data + 4);
   vp_text_copy(error->text, sizeof(error->text), (const char *)data + FIXED_SIZE, size - FIXED_SIZE);
   return true;
}

bool vp_error_send(int fd, const struct vp_error *error)
{
   uint8_t payload[VP_ERROR_WIRE_MAX];
   const size_t size = vp_error_store(payload, error);

   return vp_frame_write(&VP_CHANNEL(fd), VP_FRAME_ERROR, 0, payload, size, NULL, 0);
}
