/* SPDX-License-Identifier: MIT */

/* Video: what the server remembers of sessions, their parameters, views of pictures and the coding that is recorded, by
 * which server/check/check_video.c checks what follows. */

#include "server/record/video.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/chain.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/memory/image.h"
#include "server/record/command_buffer.h"
#include "server/record/recorded.h"
#include "server/sync/query_pool.h"

#ifdef VP_HAS_VIDEO

static const struct vps_video_codec codecs[] = {
   {VK_VIDEO_CODEC_OPERATION_DECODE_H264_BIT_KHR, false, VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_CAPABILITIES_KHR,
    VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_SESSION_PARAMETERS_CREATE_INFO_KHR,
    VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_PICTURE_INFO_KHR, VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_DPB_SLOT_INFO_KHR},
   {VK_VIDEO_CODEC_OPERATION_DECODE_H265_BIT_KHR, false, VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_CAPABILITIES_KHR,
    VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_SESSION_PARAMETERS_CREATE_INFO_KHR,
    VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_PICTURE_INFO_KHR, VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_DPB_SLOT_INFO_KHR},
#ifdef VK_KHR_video_decode_av1
   {VK_VIDEO_CODEC_OPERATION_DECODE_AV1_BIT_KHR, false, VK_STRUCTURE_TYPE_VIDEO_DECODE_AV1_CAPABILITIES_KHR,
    VK_STRUCTURE_TYPE_VIDEO_DECODE_AV1_SESSION_PARAMETERS_CREATE_INFO_KHR,
    VK_STRUCTURE_TYPE_VIDEO_DECODE_AV1_PICTURE_INFO_KHR, VK_STRUCTURE_TYPE_VIDEO_DECODE_AV1_DPB_SLOT_INFO_KHR},
#endif
#ifdef VP_HAS_VIDEO_ENCODE
   {VK_VIDEO_CODEC_OPERATION_ENCODE_H264_BIT_KHR, true, VK_STRUCTURE_TYPE_VIDEO_ENCODE_H264_CAPABILITIES_KHR,
    VK_STRUCTURE_TYPE_VIDEO_ENCODE_H264_SESSION_PARAMETERS_CREATE_INFO_KHR,
    VK_STRUCTURE_TYPE_VIDEO_ENCODE_H264_PICTURE_INFO_KHR, VK_STRUCTURE_TYPE_VIDEO_ENCODE_H264_DPB_SLOT_INFO_KHR},
   {VK_VIDEO_CODEC_OPERATION_ENCODE_H265_BIT_KHR, true, VK_STRUCTURE_TYPE_VIDEO_ENCODE_H265_CAPABILITIES_KHR,
    VK_STRUCTURE_TYPE_VIDEO_ENCODE_H265_SESSION_PARAMETERS_CREATE_INFO_KHR,
    VK_STRUCTURE_TYPE_VIDEO_ENCODE_H265_PICTURE_INFO_KHR, VK_STRUCTURE_TYPE_VIDEO_ENCODE_H265_DPB_SLOT_INFO_KHR},
#endif
};

const struct vps_video_codec *vps_video_codec(VkVideoCodecOperationFlagsKHR operation)
{
   for (unsigned i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
      if (codecs[i].operation == operation)
         return &codecs[i];
   }
   return NULL;
}

/* --- objects that may be gone --- */

static uint64_t next_video_serial(void)
{
   static atomic_uint_fast64_t last;

   return atomic_fetch_add(&last, 1) + 1;
}

/* The state of what has the id, if it is of the type. */
static const void *find_video(const struct vps_context *ctx, VkObjectType type, uint64_t id)
{
   const struct vps_object *object = vps_object_find(&ctx->objects, id);

   return object && object->type == (int32_t)type ? object->state : NULL;
}

const struct vps_video_session *vps_video_session(const struct vps_context *ctx, struct vps_video_ref ref)
{
   const struct vps_video_session *session = find_video(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_KHR, ref.id);

   return session && session->serial == ref.serial ? session : NULL;
}

const struct vps_video_parameters *vps_video_parameters(const struct vps_context *ctx, struct vps_video_ref ref)
{
   const struct vps_video_parameters *known = find_video(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_PARAMETERS_KHR, ref.id);

   return known && known->serial == ref.serial ? known : NULL;
}

/* --- sessions --- */

/* The state of a new object; NULL: there is no object, or no memory. */
static void *init_video(struct vps_context *ctx, uint64_t id, size_t size)
{
   struct vps_object *object = vps_object_find(&ctx->objects, id);

   if (!object || object->poison)
      return NULL;
   object->state = calloc(1, size);
   object->release = free;
   if (!object->state)
      vps_fail(ctx, "the server is out of memory");
   return object->state;
}

#define MAX_BINDS 256u /* of a session; drivers have about ten */

/* What memory the driver wants for a session. Their number; 0: none, or no answer. */
static uint32_t ask_binds(struct vps_context *ctx, uint64_t id, VkVideoSessionMemoryRequirementsKHR *binds)
{
   const struct vps_device *device = ctx->used[0]->device;
   const struct vps_object *object = vps_object_find(&ctx->objects, id);
   uint32_t count = MAX_BINDS;

   for (uint32_t i = 0; i < MAX_BINDS; i++)
      binds[i].sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_MEMORY_REQUIREMENTS_KHR;
   if (!object || object->poison || !device->functions.GetVideoSessionMemoryRequirementsKHR ||
       device->functions.GetVideoSessionMemoryRequirementsKHR(
          device->handle, (VkVideoSessionKHR)(uintptr_t)object->handle, &count, binds) < 0)
      return 0;
   return count < MAX_BINDS ? count : MAX_BINDS;
}

void vps_observe_vkCreateVideoSessionKHR(struct vps_context *ctx, const struct vp_cmd_vkCreateVideoSessionKHR *a)
{
   const VkVideoSessionCreateInfoKHR *info = a->pCreateInfo;
   const uint64_t id = (uint64_t)(uintptr_t)*a->pVideoSession;
   VkVideoSessionMemoryRequirementsKHR *binds = vps_alloc(ctx, MAX_BINDS, sizeof(*binds));
   const uint32_t count = binds ? ask_binds(ctx, id, binds) : 0;
   struct vps_video_session *session = init_video(ctx, id, sizeof(*session) + count * sizeof(session->binds[0]));

   if (!session)
      return;
   session->serial = next_video_serial();
   session->codec = vps_video_codec((VkVideoCodecOperationFlagsKHR)info->pVideoProfile->videoCodecOperation);
   session->flags = info->flags;
   session->slots = info->maxDpbSlots;
   session->layers = session->codec->encodes ? vps_video_layers(ctx, info->pVideoProfile) : 0;
   session->references = info->maxActiveReferencePictures;
   session->extent = info->maxCodedExtent;
   session->bind_count = count;
   for (uint32_t i = 0; i < count; i++)
      session->binds[i] =
         (struct vps_video_bind){.index = binds[i].memoryBindIndex, .requirements = binds[i].memoryRequirements};
}

void vps_observe_vkBindVideoSessionMemoryKHR(struct vps_context *ctx,
                                             const struct vp_cmd_vkBindVideoSessionMemoryKHR *a)
{
   struct vps_video_session *session = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_KHR)->state;

   for (uint32_t i = 0; session && i < a->bindSessionMemoryInfoCount; i++) {
      for (uint32_t k = 0; k < session->bind_count; k++) {
         if (session->binds[k].index == a->pBindSessionMemoryInfos[i].memoryBindIndex)
            session->binds[k].bound = true;
      }
   }
}

/* --- parameters --- */

/* What decoding and encoding call by other names: Kind and KIND are Decode and DECODE, or Encode and ENCODE. */
#define ADD_H264_SETS(Kind, KIND, addition, chain, creates)                                                         \
   do {                                                                                                             \
      const VkVideo##Kind##H264SessionParametersCreateInfoKHR *made =                                               \
         (creates) ? vp_chain_find(chain, VK_STRUCTURE_TYPE_VIDEO_##KIND##_H264_SESSION_PARAMETERS_CREATE_INFO_KHR) \
                   : NULL;                                                                                          \
      const VkVideo##Kind##H264SessionParametersAddInfoKHR *add =                                                   \
         made ? made->pParametersAddInfo                                                                            \
              : vp_chain_find(chain, VK_STRUCTURE_TYPE_VIDEO_##KIND##_H264_SESSION_PARAMETERS_ADD_INFO_KHR);        \
      if (made)                                                                                                     \
         (addition)->most[1] = made->maxStdSPSCount, (addition)->most[2] = made->maxStdPPSCount;                    \
      if (add) {                                                                                                    \
         (addition)->count[1] = add->stdSPSCount, (addition)->sets[1] = add->pStdSPSs;                              \
         (addition)->count[2] = add->stdPPSCount, (addition)->sets[2] = add->pStdPPSs;                              \
      }                                                                                                             \
   } while (0)

#define ADD_H265_SETS(Kind, KIND, addition, chain, creates)                                                         \
   do {                                                                                                             \
      const VkVideo##Kind##H265SessionParametersCreateInfoKHR *made =                                               \
         (creates) ? vp_chain_find(chain, VK_STRUCTURE_TYPE_VIDEO_##KIND##_H265_SESSION_PARAMETERS_CREATE_INFO_KHR) \
                   : NULL;                                                                                          \
      const VkVideo##Kind##H265SessionParametersAddInfoKHR *add =                                                   \
         made ? made->pParametersAddInfo                                                                            \
              : vp_chain_find(chain, VK_STRUCTURE_TYPE_VIDEO_##KIND##_H265_SESSION_PARAMETERS_ADD_INFO_KHR);        \
      if (made) {                                                                                                   \
         (addition)->most[0] = made->maxStdVPSCount, (addition)->most[1] = made->maxStdSPSCount;                    \
         (addition)->most[2] = made->maxStdPPSCount;                                                                \
      }                                                                                                             \
      if (add) {                                                                                                    \
         (addition)->count[0] = add->stdVPSCount, (addition)->sets[0] = add->pStdVPSs;                              \
         (addition)->count[1] = add->stdSPSCount, (addition)->sets[1] = add->pStdSPSs;                              \
         (addition)->count[2] = add->stdPPSCount, (addition)->sets[2] = add->pStdPPSs;                              \
      }                                                                                                             \
   } while (0)

static void add_sets(struct vps_video_addition *addition, const void *chain, bool creates)
{
   switch (addition->codec->operation) {
   case VK_VIDEO_CODEC_OPERATION_DECODE_H264_BIT_KHR:
      ADD_H264_SETS(Decode, DECODE, addition, chain, creates);
      break;
   case VK_VIDEO_CODEC_OPERATION_DECODE_H265_BIT_KHR:
      ADD_H265_SETS(Decode, DECODE, addition, chain, creates);
      break;
#ifdef VP_HAS_VIDEO_ENCODE
   case VK_VIDEO_CODEC_OPERATION_ENCODE_H264_BIT_KHR:
      ADD_H264_SETS(Encode, ENCODE, addition, chain, creates);
      break;
   case VK_VIDEO_CODEC_OPERATION_ENCODE_H265_BIT_KHR:
      ADD_H265_SETS(Encode, ENCODE, addition, chain, creates);
      break;
#endif
   default: /* that of AV1 is given with the creation */
      break;
   }
}

struct vps_video_addition vps_video_addition(const struct vps_video_codec *codec, const void *chain, bool creates)
{
   struct vps_video_addition addition = {.codec = codec};

   add_sets(&addition, chain, creates);
   for (unsigned kind = 0; kind < 3; kind++) { /* an array that is not there */
      if (!addition.sets[kind])
         addition.count[kind] = 0;
   }
   return addition;
}

/* The sets of H.264 have the same places, whatever is done with them, and so do those of H.265. */
static bool is_h265(const struct vps_video_codec *codec)
{
#ifdef VP_HAS_VIDEO_ENCODE
   if (codec->operation == VK_VIDEO_CODEC_OPERATION_ENCODE_H265_BIT_KHR)
      return true;
#endif
   return codec->operation == VK_VIDEO_CODEC_OPERATION_DECODE_H265_BIT_KHR;
}

/* The codec has looked at the numbers: they are as small as they must be. */
uint32_t vps_video_key(const struct vps_video_addition *addition, unsigned kind, uint32_t which)
{
   const void *sets = addition->sets[kind];

   if (is_h265(addition->codec)) {
      if (kind == 0)
         return ((const StdVideoH265VideoParameterSet *)sets)[which].vps_video_parameter_set_id;
      if (kind == 1) {
         const StdVideoH265SequenceParameterSet *set = (const StdVideoH265SequenceParameterSet *)sets + which;
         return set->sps_video_parameter_set_id | (uint32_t)set->sps_seq_parameter_set_id << 4;
      }
      const StdVideoH265PictureParameterSet *set = (const StdVideoH265PictureParameterSet *)sets + which;
      return set->sps_video_parameter_set_id | (uint32_t)set->pps_seq_parameter_set_id << 4 |
             (uint32_t)set->pps_pic_parameter_set_id << 8;
   }
   if (kind == 1)
      return ((const StdVideoH264SequenceParameterSet *)sets)[which].seq_parameter_set_id;
   const StdVideoH264PictureParameterSet *set = (const StdVideoH264PictureParameterSet *)sets + which;
   return set->seq_parameter_set_id | (uint32_t)set->pic_parameter_set_id << 5;
}

/* created: sets that are given anew take the place of the template's; drivers may just add others. */
static void add_keys(struct vps_video_sets *sets, const struct vps_video_addition *addition, unsigned kind,
                     bool created)
{
   for (uint32_t i = 0; i < addition->count[kind]; i++) {
      const uint32_t key = vps_video_key(addition, kind, i);
      sets->count += !created || !vps_video_has(sets, key);
      sets->keys[key / 64] |= UINT64_C(1) << key % 64;
   }
}

/* The template's sets count, too, unless they are given anew. */
void vps_observe_vkCreateVideoSessionParametersKHR(struct vps_context *ctx,
                                                   const struct vp_cmd_vkCreateVideoSessionParametersKHR *a)
{
   const struct vps_object *session = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_KHR);
   const struct vps_object *model = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_PARAMETERS_KHR);
   const struct vps_video_session *state = session->state;
   const struct vps_video_addition addition = vps_video_addition(state->codec, a->pCreateInfo->pNext, true);
   struct vps_video_parameters *parameters =
      init_video(ctx, (uint64_t)(uintptr_t)*a->pVideoSessionParameters, sizeof(*parameters));

   if (!parameters)
      return;
   if (model && model->state)
      memcpy(parameters, model->state, sizeof(*parameters));
   parameters->serial = next_video_serial();
   parameters->session = (struct vps_video_ref){session->id, state->serial};
   for (unsigned kind = 0; kind < 3; kind++) {
      parameters->sets[kind].most = addition.most[kind];
      add_keys(&parameters->sets[kind], &addition, kind, true);
   }
}

void vps_observe_vkUpdateVideoSessionParametersKHR(struct vps_context *ctx,
                                                   const struct vp_cmd_vkUpdateVideoSessionParametersKHR *a)
{
   struct vps_video_parameters *parameters = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_PARAMETERS_KHR)->state;
   const struct vps_video_session *state = parameters ? vps_video_session(ctx, parameters->session) : NULL;

   if (!state)
      return;
   const struct vps_video_addition addition = vps_video_addition(state->codec, a->pUpdateInfo->pNext, false);
   for (unsigned kind = 0; kind < 3; kind++)
      add_keys(&parameters->sets[kind], &addition, kind, false);
}

/* --- coding --- */

void vps_observe_vkCmdBeginVideoCodingKHR(struct vps_context *ctx, const struct vp_cmd_vkCmdBeginVideoCodingKHR *a)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;
   const struct vps_object *session = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_KHR);
   const struct vps_object *parameters = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_PARAMETERS_KHR);

   (void)a;
   const struct vps_video_session *state = session->state;
   const struct vps_video_parameters *known = parameters ? parameters->state : NULL;
   command_buffer->video_session = (struct vps_video_ref){session->id, state->serial};
   command_buffer->video_parameters =
      known ? (struct vps_video_ref){parameters->id, known->serial} : (struct vps_video_ref){0};
}

void vps_observe_vkCmdEndVideoCodingKHR(struct vps_context *ctx, const struct vp_cmd_vkCmdEndVideoCodingKHR *a)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;

   (void)a;
   command_buffer->video_session = (struct vps_video_ref){0};
}

/* Queries that a chain names are changed by the command. server/check/check_video.c has looked whether they are there.
 */
static void note_inline_queries(struct vps_context *ctx, const void *chain)
{
#ifdef VK_KHR_video_maintenance1
   const VkVideoInlineQueryInfoKHR *queries = vp_chain_find(chain, VK_STRUCTURE_TYPE_VIDEO_INLINE_QUERY_INFO_KHR);
   const struct vps_object *pool = vps_used(ctx, VK_OBJECT_TYPE_QUERY_POOL);

   if (queries && pool && pool->state)
      vps_command_buffer_note_queries(ctx, pool->state, queries->firstQuery, queries->queryCount);
#else
   (void)ctx, (void)chain;
#endif
}

void vps_observe_vkCmdDecodeVideoKHR(struct vps_context *ctx, const struct vp_cmd_vkCmdDecodeVideoKHR *a)
{
   note_inline_queries(ctx, a->pDecodeInfo->pNext);
}

#ifdef VP_HAS_VIDEO_ENCODE

void vps_observe_vkCmdEncodeVideoKHR(struct vps_context *ctx, const struct vp_cmd_vkCmdEncodeVideoKHR *a)
{
   note_inline_queries(ctx, a->pEncodeInfo->pNext);
   vps_note_buffer_write(ctx, a->pEncodeInfo->dstBufferOffset, a->pEncodeInfo->dstBufferRange);
}

#endif

/* --- pictures --- */

#define PICTURE_USAGES                                                                  \
   (VK_IMAGE_USAGE_VIDEO_DECODE_DST_BIT_KHR | VK_IMAGE_USAGE_VIDEO_DECODE_SRC_BIT_KHR | \
    VK_IMAGE_USAGE_VIDEO_DECODE_DPB_BIT_KHR | 0x0000e000 /* the same to encode */)

void vps_observe_vkCreateImageView(struct vps_context *ctx, const struct vp_cmd_vkCreateImageView *a)
{
   const VkImageSubresourceRange *range = &a->pCreateInfo->subresourceRange;
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_IMAGE);
   const struct vps_image *image = object ? object->state : NULL;

   if (!image || !(image->usage & PICTURE_USAGES))
      return;
   struct vps_video_view *view = init_video(ctx, (uint64_t)(uintptr_t)*a->pView, sizeof(*view));
   if (view) {
      const uint32_t level = range->baseMipLevel < 32 ? range->baseMipLevel : 31;
      view->extent = (VkExtent2D){image->extent.width >> level, image->extent.height >> level};
      view->layers =
         range->layerCount == VK_REMAINING_ARRAY_LAYERS ? image->layers - range->baseArrayLayer : range->layerCount;
   }
}

#else

void vps_observe_vkCreateImageView(struct vps_context *ctx, const struct vp_cmd_vkCreateImageView *a)
{
   (void)ctx, (void)a;
}

#endif
