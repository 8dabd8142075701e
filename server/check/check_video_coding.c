/* SPDX-License-Identifier: MIT */

/* Commands that decode and encode: they are recorded between the beginning and the end of a coding, and name slots,
 * pictures, sets of parameters and places in a stream. */

#include <stddef.h>

#include "common/wire/chain.h"
#include "server/check/check.h"
#include "server/core/device.h"
#include "server/record/command_buffer.h"
#include "server/record/video.h"
#include "server/sync/query_pool.h"
#include "server/vp_dispatch.h"

#ifdef VP_HAS_VIDEO

/* What a command is checked against. */
struct coding {
   const struct vps_video_session *session;
   const struct vps_video_parameters *parameters; /* NULL: there are none */
   unsigned next;                                 /* place in ctx->used behind the views that were looked at */
};

/* The coding that is being recorded. False: there is none. */
static bool find_coding(struct vps_context *ctx, struct coding *coding)
{
   const struct vps_command_buffer *recorded = ctx->used[0]->state;

   *coding = (struct coding){.session = vps_video_session(ctx, recorded->video_session),
                             .parameters = vps_video_parameters(ctx, recorded->video_parameters),
                             .next = 1};
   if (coding->session && (coding->parameters || recorded->video_parameters.id == 0))
      return true; /* neither was destroyed since the beginning: the driver still looks at them */
   vps_fail(ctx, "no coding of a video is being recorded");
   return false;
}

static bool refuse_coding(struct vps_context *ctx, const char *what)
{
   vps_fail(ctx, "%s", what);
   return false;
}

/* --- pictures and slots --- */

static const struct vps_object *next_view(const struct vps_context *ctx, struct coding *coding)
{
   while (coding->next < ctx->used_count && ctx->used[coding->next]->type != VK_OBJECT_TYPE_IMAGE_VIEW)
      coding->next++;
   return coding->next < ctx->used_count ? ctx->used[coding->next++] : NULL;
}

/* Sizes of pictures are rounded up by codecs, to 64 at most. */
static uint64_t round_up(uint32_t size)
{
   return ((uint64_t)size + 63) / 64 * 64;
}

static bool check_picture(struct vps_context *ctx, struct coding *coding, const VkVideoPictureResourceInfoKHR *picture)
{
   const struct vps_object *object = next_view(ctx, coding);
   const struct vps_video_view *view = object ? object->state : NULL;
   const VkExtent2D *extent = &picture->codedExtent, *most = &coding->session->extent;

   if (!view)
      return refuse_coding(ctx, "a picture is not of an image for video");
   if (picture->baseArrayLayer < view->layers && extent->width && extent->height && extent->width <= most->width &&
       extent->height <= most->height && extent->width <= round_up(view->extent.width) &&
       extent->height <= round_up(view->extent.height) && picture->codedOffset.x >= 0 && picture->codedOffset.y >= 0 &&
       (uint32_t)picture->codedOffset.x < view->extent.width && (uint32_t)picture->codedOffset.y < view->extent.height)
      return true;
   vps_fail(ctx, "%ux%u of layer %u are not in a picture of %ux%u with %u layers", extent->width, extent->height,
            picture->baseArrayLayer, view->extent.width, view->extent.height, view->layers);
   return false;
}

/* least: -1 where a picture need not have a slot yet. type: what its chain must have; 0: nothing. */
static bool check_slot(struct vps_context *ctx, struct coding *coding, const VkVideoReferenceSlotInfoKHR *slot,
                       int32_t least, uint32_t type)
{
   if (slot->slotIndex < least || (slot->slotIndex >= 0 && (uint32_t)slot->slotIndex >= coding->session->slots))
      return refuse_coding(ctx, "a slot is not one of the session's");
   if (type && !vp_chain_find(slot->pNext, (VkStructureType)type))
      return refuse_coding(ctx, "a slot does not say what its codec needs");
   if (type && !slot->pPictureResource)
      return refuse_coding(ctx, "a slot has no picture");
   return !slot->pPictureResource || check_picture(ctx, coding, slot->pPictureResource);
}

static bool check_slots(struct vps_context *ctx, struct coding *coding, const VkVideoReferenceSlotInfoKHR *slots,
                        uint32_t count)
{
   bool ok =
      count <= coding->session->references || refuse_coding(ctx, "there are more references than the session has");

   for (uint32_t i = 0; i < count && ok; i++)
      ok = check_slot(ctx, coding, &slots[i], 0, coding->session->codec->slot);
   return ok;
}

/* --- the beginning and the end --- */

static bool is_backed(const struct vps_video_session *session)
{
   for (uint32_t i = 0; i < session->bind_count; i++) {
      if (!session->binds[i].bound)
         return false;
   }
   return true;
}

static bool needs_parameters(const struct vps_video_session *session)
{
#ifdef VK_KHR_video_maintenance2
   if (session->flags & VK_VIDEO_SESSION_CREATE_INLINE_SESSION_PARAMETERS_BIT_KHR)
      return false;
#endif
   return session->codec->parameters != 0;
}

/* Drivers have room for so many layers. */
static bool check_rate_layers(struct vps_context *ctx, const struct vps_video_session *session, const void *chain)
{
#ifdef VP_HAS_VIDEO_ENCODE
   const VkVideoEncodeRateControlInfoKHR *rate =
      vp_chain_find(chain, VK_STRUCTURE_TYPE_VIDEO_ENCODE_RATE_CONTROL_INFO_KHR);

   return !rate || rate->layerCount <= session->layers ||
          refuse_coding(ctx, "the control of a video's rate has more layers than the GPU has");
#else
   (void)ctx, (void)session, (void)chain;
   return true;
#endif
}

bool vps_check_vkCmdBeginVideoCodingKHR(struct vps_context *ctx, const struct vp_cmd_vkCmdBeginVideoCodingKHR *a)
{
   const VkVideoBeginCodingInfoKHR *info = a->pBeginInfo;
   const struct vps_command_buffer *recorded = ctx->used[0]->state;
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_KHR);
   const struct vps_object *parameters = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_PARAMETERS_KHR);
   const struct vps_video_parameters *of = parameters ? parameters->state : NULL;
   struct coding coding = {.session = object ? object->state : NULL, .next = 1};

   if (recorded->video_session.id)
      return refuse_coding(ctx, "the coding of another video is being recorded");
   if (!coding.session || !is_backed(coding.session))
      return refuse_coding(ctx, "a video's session has not all its memory");
   if (of ? of->session.serial != coding.session->serial : needs_parameters(coding.session))
      return refuse_coding(ctx, "a video's parameters are not those of its session");
   if (info->referenceSlotCount > (uint64_t)coding.session->slots + 1)
      return refuse_coding(ctx, "there are more slots than the session has");
   bool ok = check_rate_layers(ctx, coding.session, info->pNext);
   for (uint32_t i = 0; i < info->referenceSlotCount && ok; i++)
      ok = check_slot(ctx, &coding, &info->pReferenceSlots[i], -1, 0);
   return ok;
}

bool vps_check_vkCmdControlVideoCodingKHR(struct vps_context *ctx, const struct vp_cmd_vkCmdControlVideoCodingKHR *a)
{
   struct coding coding;

   return find_coding(ctx, &coding) && check_rate_layers(ctx, coding.session, a->pCodingControlInfo->pNext);
}

bool vps_check_vkCmdEndVideoCodingKHR(struct vps_context *ctx, const struct vp_cmd_vkCmdEndVideoCodingKHR *a)
{
   struct coding coding;

   (void)a;
   return find_coding(ctx, &coding);
}

/* --- streams --- */

static bool check_parts(struct vps_context *ctx, const uint32_t *offsets, uint32_t count, VkDeviceSize range)
{
   bool ok = count > 0;

   for (uint32_t i = 0; i < count && ok; i++)
      ok = offsets[i] < range;
   return ok || refuse_coding(ctx, "the parts of a picture are not in the range of its stream");
}

/* The chain may have objects, too: its only buffer is looked for. */
static bool check_stream(struct vps_context *ctx, const char *name, VkDeviceSize offset, VkDeviceSize size)
{
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_BUFFER);
   const struct vps_buffer *buffer = object ? object->state : NULL;

   if (!buffer)
      return refuse_coding(ctx, "the buffer of a stream is missing");
   return vps_fits(offset, size, buffer->size) || vps_refuse_range(ctx, name, offset, size, buffer->size);
}

static bool check_queries(struct vps_context *ctx, const void *chain)
{
#ifdef VK_KHR_video_maintenance1
   const VkVideoInlineQueryInfoKHR *queries = vp_chain_find(chain, VK_STRUCTURE_TYPE_VIDEO_INLINE_QUERY_INFO_KHR);
   const struct vps_object *pool = vps_used(ctx, VK_OBJECT_TYPE_QUERY_POOL);

   return !queries || !queries->queryPool || !pool || !pool->state ||
          vps_query_pool_has(ctx, pool->state, queries->firstQuery, queries->queryCount);
#else
   (void)ctx, (void)chain;
   return true;
#endif
}

/* Whether a picture's set is among the parameters, or comes with it. */
static bool has_set(const struct coding *coding, unsigned kind, uint32_t key, const void *inline_set)
{
   return inline_set || (coding->parameters && vps_video_has(&coding->parameters->sets[kind], key));
}

#ifdef VK_KHR_video_maintenance2
#define INLINE_SET(chain, codec, member)                                                                            \
   inline_set_of(vp_chain_find(chain, VK_STRUCTURE_TYPE_VIDEO_DECODE_##codec##_INLINE_SESSION_PARAMETERS_INFO_KHR), \
                 offsetof(VkVideoDecode##codec##InlineSessionParametersInfoKHR, member))

static const void *inline_set_of(const void *node, size_t offset)
{
   return node ? *(const void *const *)(const void *)((const char *)node + offset) : NULL;
}
#else
#define INLINE_SET(chain, codec, member) NULL
#endif

static bool check_h264(struct vps_context *ctx, const struct coding *coding, const VkVideoDecodeInfoKHR *info,
                       const VkVideoDecodeH264PictureInfoKHR *picture)
{
   const uint32_t sequence = picture->pStdPictureInfo->seq_parameter_set_id;
   const uint32_t key = sequence | (uint32_t)picture->pStdPictureInfo->pic_parameter_set_id << 5;

   if (!has_set(coding, 1, sequence, INLINE_SET(info->pNext, H264, pStdSPS)) ||
       !has_set(coding, 2, key, INLINE_SET(info->pNext, H264, pStdPPS)))
      return refuse_coding(ctx, "a picture's sets are not among the parameters");
   return check_parts(ctx, picture->pSliceOffsets, picture->sliceCount, info->srcBufferRange);
}

/* Places among the session's slots, or none. */
static bool are_slots(const struct coding *coding, const uint8_t *slots, unsigned count)
{
   bool ok = true;

   for (unsigned i = 0; i < count && ok; i++)
      ok = slots[i] == 0xff || slots[i] < coding->session->slots;
   return ok;
}

static bool check_h265(struct vps_context *ctx, const struct coding *coding, const VkVideoDecodeInfoKHR *info,
                       const VkVideoDecodeH265PictureInfoKHR *picture)
{
   const StdVideoDecodeH265PictureInfo *of = picture->pStdPictureInfo;
   const uint32_t video = of->sps_video_parameter_set_id;
   const uint32_t sequence = video | (uint32_t)of->pps_seq_parameter_set_id << 4;
   const uint32_t key = sequence | (uint32_t)of->pps_pic_parameter_set_id << 8;

   if (!has_set(coding, 0, video, INLINE_SET(info->pNext, H265, pStdVPS)) ||
       !has_set(coding, 1, sequence, INLINE_SET(info->pNext, H265, pStdSPS)) ||
       !has_set(coding, 2, key, INLINE_SET(info->pNext, H265, pStdPPS)))
      return refuse_coding(ctx, "a picture's sets are not among the parameters");
   if (!are_slots(coding, of->RefPicSetStCurrBefore, STD_VIDEO_DECODE_H265_REF_PIC_SET_LIST_SIZE) ||
       !are_slots(coding, of->RefPicSetStCurrAfter, STD_VIDEO_DECODE_H265_REF_PIC_SET_LIST_SIZE) ||
       !are_slots(coding, of->RefPicSetLtCurr, STD_VIDEO_DECODE_H265_REF_PIC_SET_LIST_SIZE))
      return refuse_coding(ctx, "a picture refers to slots that the session has not");
   return check_parts(ctx, picture->pSliceSegmentOffsets, picture->sliceSegmentCount, info->srcBufferRange);
}

#ifdef VK_KHR_video_decode_av1

static bool check_av1(struct vps_context *ctx, const struct coding *coding, const VkVideoDecodeInfoKHR *info,
                      const VkVideoDecodeAV1PictureInfoKHR *picture)
{
   for (unsigned i = 0; i < VK_MAX_VIDEO_AV1_REFERENCES_PER_FRAME_KHR; i++) {
      if (picture->referenceNameSlotIndices[i] >= 0 &&
          (uint32_t)picture->referenceNameSlotIndices[i] >= coding->session->slots)
         return refuse_coding(ctx, "a picture refers to slots that the session has not");
   }
   for (uint32_t i = 0; i < picture->tileCount; i++) {
      if (!vps_fits(picture->pTileOffsets[i], picture->pTileSizes[i], info->srcBufferRange))
         return refuse_coding(ctx, "a tile is not in the range of its stream");
   }
   return picture->frameHeaderOffset < info->srcBufferRange ||
          refuse_coding(ctx, "a frame's header is not in the range of its stream");
}

#endif

static bool check_codec(struct vps_context *ctx, const struct coding *coding, const VkVideoDecodeInfoKHR *info)
{
   const struct vps_video_codec *codec = coding->session->codec;
   const void *picture = vp_chain_find(info->pNext, (VkStructureType)codec->picture);

   if (!picture || codec->encodes)
      return refuse_coding(ctx, "a picture is not one of the session's codec");
   if (codec->operation == VK_VIDEO_CODEC_OPERATION_DECODE_H264_BIT_KHR)
      return check_h264(ctx, coding, info, picture);
#ifdef VK_KHR_video_decode_av1
   if (codec->operation == VK_VIDEO_CODEC_OPERATION_DECODE_AV1_BIT_KHR)
      return check_av1(ctx, coding, info, picture);
#endif
   return check_h265(ctx, coding, info, picture);
}

bool vps_check_vkCmdDecodeVideoKHR(struct vps_context *ctx, const struct vp_cmd_vkCmdDecodeVideoKHR *a)
{
   const VkVideoDecodeInfoKHR *info = a->pDecodeInfo;
   struct coding coding;

   return find_coding(ctx, &coding) && check_queries(ctx, info->pNext) &&
          check_stream(ctx, "srcBuffer", info->srcBufferOffset, info->srcBufferRange) &&
          check_codec(ctx, &coding, info) && check_picture(ctx, &coding, &info->dstPictureResource) &&
          (!info->pSetupReferenceSlot ||
           check_slot(ctx, &coding, info->pSetupReferenceSlot, 0, coding.session->codec->slot)) &&
          check_slots(ctx, &coding, info->pReferenceSlots, info->referenceSlotCount);
}

#ifdef VP_HAS_VIDEO_ENCODE

/* Slices or segments, and what they refer to. */
static bool check_encoded(const struct coding *coding, const void *node)
{
   if (coding->session->codec->operation == VK_VIDEO_CODEC_OPERATION_ENCODE_H264_BIT_KHR) {
      const VkVideoEncodeH264PictureInfoKHR *picture = node;
      const StdVideoEncodeH264ReferenceListsInfo *lists = picture->pStdPictureInfo->pRefLists;
      const uint32_t sequence = picture->pStdPictureInfo->seq_parameter_set_id;
      return picture->naluSliceEntryCount > 0 && has_set(coding, 1, sequence, NULL) &&
             has_set(coding, 2, sequence | (uint32_t)picture->pStdPictureInfo->pic_parameter_set_id << 5, NULL) &&
             (!lists || (are_slots(coding, lists->RefPicList0, STD_VIDEO_H264_MAX_NUM_LIST_REF) &&
                         are_slots(coding, lists->RefPicList1, STD_VIDEO_H264_MAX_NUM_LIST_REF)));
   }
   const VkVideoEncodeH265PictureInfoKHR *picture = node;
   const StdVideoEncodeH265PictureInfo *of = picture->pStdPictureInfo;
   const uint32_t sequence = of->sps_video_parameter_set_id | (uint32_t)of->pps_seq_parameter_set_id << 4;
   return picture->naluSliceSegmentEntryCount > 0 && has_set(coding, 0, of->sps_video_parameter_set_id, NULL) &&
          has_set(coding, 1, sequence, NULL) &&
          has_set(coding, 2, sequence | (uint32_t)of->pps_pic_parameter_set_id << 8, NULL) &&
          (!of->pRefLists || (are_slots(coding, of->pRefLists->RefPicList0, STD_VIDEO_H265_MAX_NUM_LIST_REF) &&
                              are_slots(coding, of->pRefLists->RefPicList1, STD_VIDEO_H265_MAX_NUM_LIST_REF)));
}

bool vps_check_vkCmdEncodeVideoKHR(struct vps_context *ctx, const struct vp_cmd_vkCmdEncodeVideoKHR *a)
{
   const VkVideoEncodeInfoKHR *info = a->pEncodeInfo;
   struct coding coding;

   if (!find_coding(ctx, &coding) || !check_queries(ctx, info->pNext) ||
       !check_stream(ctx, "dstBuffer", info->dstBufferOffset, info->dstBufferRange))
      return false;
   const void *picture = vp_chain_find(info->pNext, (VkStructureType)coding.session->codec->picture);
   if (!picture || !coding.session->codec->encodes || !check_encoded(&coding, picture))
      return refuse_coding(ctx, "a picture is not one of the session's codec, or its sets and slots are not there");
#ifdef VK_KHR_video_encode_quantization_map
   const VkVideoEncodeQuantizationMapInfoKHR *map =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_VIDEO_ENCODE_QUANTIZATION_MAP_INFO_KHR);
   if (map && map->quantizationMap)
      next_view(ctx, &coding);
#endif
   return check_picture(ctx, &coding, &info->srcPictureResource) &&
          (!info->pSetupReferenceSlot ||
           check_slot(ctx, &coding, info->pSetupReferenceSlot, 0, coding.session->codec->slot)) &&
          check_slots(ctx, &coding, info->pReferenceSlots, info->referenceSlotCount);
}

#endif

#endif
