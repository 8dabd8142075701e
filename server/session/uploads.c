/* SPDX-License-Identifier: MIT */

/* Reads frames into a ring of places, so that another thread can unpack and apply a large change of memory while the
 * next frame is read. */

#include "server/session/uploads.h"

#include <sys/socket.h>

#include "server/core/context.h"
#include "server/memory/memory.h"

/* Smaller frames are applied sooner than another thread wakes up. */
#define LARGE_FRAME ((uint32_t)64 << 10)

static const char *apply(struct vp_unpacker *unpacker, const struct vps_upload *upload)
{
   const uint8_t *data = upload->frame.payload;
   size_t size = upload->frame.header.length;

   if (upload->frame.header.type == VP_FRAME_PACKED && !vp_unpack(unpacker, data, size, &data, &size))
      return "packed changes of memory cannot be unpacked";
   return vps_memory_receive(upload->memory, data, size);
}

static void finish(void *context, unsigned place)
{
   struct vps_uploads *uploads = context;
   const char *problem = apply(&uploads->unpacker, &uploads->places[place]);

   if (problem)
      atomic_store(&uploads->problem, problem);
}

void vps_uploads_start(struct vps_uploads *uploads)
{
   vp_relay_start(&uploads->relay, VPS_UPLOADS, finish, uploads);
}

void vps_uploads_stop(struct vps_uploads *uploads)
{
   vp_relay_stop(&uploads->relay);
   for (unsigned i = 0; i < VPS_UPLOADS; i++)
      vp_frame_finish(&uploads->places[i].frame);
   vp_unpacker_finish(&uploads->unpacker);
}

static bool check_uploads(struct vps_uploads *uploads, struct vps_context *ctx)
{
   const char *problem = atomic_load(&uploads->problem);

   if (problem)
      vps_fail(ctx, "%s", problem);
   return !problem;
}

static bool has_input(int fd)
{
   uint8_t byte;

   return recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) > 0;
}

struct vp_frame *vps_uploads_next(struct vps_uploads *uploads, struct vps_context *ctx, int fd)
{
   /* Who finished just now may have found a problem, and the client may say nothing more. */
   if (vp_relay_is_idle(&uploads->relay) ? !check_uploads(uploads, ctx)
                                         : !has_input(fd) && !vps_uploads_wait(uploads, ctx))
      return NULL;
   struct vp_frame *frame = &uploads->places[vp_relay_places(&uploads->relay, 1)].frame;
   if (frame->capacity > VPS_KEEP_SIZE)
      vp_frame_finish(frame);
   return frame;
}

bool vps_uploads_apply(struct vps_uploads *uploads, struct vps_context *ctx)
{
   struct vps_upload *upload = &uploads->places[vp_relay_places(&uploads->relay, 1)];
   const bool is_big = upload->frame.capacity > VPS_KEEP_SIZE;

   if (!vps_memory_find(ctx, upload->frame.header.tag, &upload->memory))
      return false;
   if (!upload->memory)
      return true;
   if (is_big)
      vp_relay_wait(&uploads->relay);
   vp_relay_give(&uploads->relay, upload->frame.header.length >= LARGE_FRAME && !is_big);
   if (is_big)
      vp_frame_finish(&upload->frame);
   return check_uploads(uploads, ctx);
}

bool vps_uploads_wait(struct vps_uploads *uploads, struct vps_context *ctx)
{
   vp_relay_wait(&uploads->relay);
   return check_uploads(uploads, ctx);
}
