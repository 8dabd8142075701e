/* SPDX-License-Identifier: MIT */

/* The RESUME frame in bytes and back, and the comparison of the secret in it. */

#include "common/net/resume.h"

#include <string.h>

#include "common/util/bytes.h"

bool vp_resume_send(int fd, const struct vp_resume *resume, enum vp_side from)
{
   uint8_t payload[VP_SESSION_ID_SIZE + 8];
   const size_t id_size = from == VP_CLIENT ? VP_SESSION_ID_SIZE : 0;

   memcpy(payload, resume->session, id_size);
   vp_bytes_store_u64(payload + id_size, resume->received);
   return vp_frame_write_now(&VP_CHANNEL(fd), VP_FRAME_RESUME, 0, payload, id_size + 8) == VP_FRAME_SENT;
}

bool vp_resume_load(struct vp_resume *resume, enum vp_side from, const uint8_t *payload, size_t size)
{
   const size_t id_size = from == VP_CLIENT ? VP_SESSION_ID_SIZE : 0;

   *resume = (struct vp_resume){0};
   if (size != id_size + 8)
      return false;
   memcpy(resume->session, payload, id_size);
   resume->received = vp_bytes_load_u64(payload + id_size);
   return true;
}

bool vp_session_is(const uint8_t a[VP_SESSION_ID_SIZE], const uint8_t b[VP_SESSION_ID_SIZE])
{
   volatile uint8_t differs = 0, any = 0;

   for (size_t i = 0; i < VP_SESSION_ID_SIZE; i++) {
      differs |= a[i] ^ b[i];
      any |= a[i];
   }
   return !differs && any;
}
