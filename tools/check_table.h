/* SPDX-License-Identifier: MIT */
#ifndef VP_TOOLS_CHECK_TABLE_H
#define VP_TOOLS_CHECK_TABLE_H

#include <vulkan/vulkan.h>

#include "common/wire/decoder.h"
#include "common/wire/encoder.h"

/* How the decoders of recorded commands find objects. */
static inline uint64_t vps_find_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   return vp_dec_handle(dec, type, id);
}

static inline uint64_t vps_find_target(struct vp_decoder *dec, uint64_t id)
{
   return vp_dec_handle(dec, VK_OBJECT_TYPE_COMMAND_BUFFER, id);
}

/* One command with the codecs of both sides behind one type. The generated
 * vp_check_table.h has one for each. */
struct vp_check_command {
   const char *name;
   uint32_t number;
   size_t size;                                        /* of its struct vp_cmd_NAME */
   void (*decode)(struct vp_decoder *dec, void *call); /* server: request, after number and flags */
   void (*request)(struct vp_encoder *enc, uint32_t flags, const void *call); /* client */
   void (*answer)(struct vp_encoder *enc, const void *call);                  /* server: reply */
   void (*reply)(struct vp_decoder *dec, void *call);                         /* client */
};

#endif
