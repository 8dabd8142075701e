/* SPDX-License-Identifier: MIT */

/* Profiles of videos, their sessions and parameters: what drivers look for in chains without asking whether it is
 * there, and what they have room for. */

#include "common/wire/chain.h"
#include "common/wire/video_profile.h"
#include "server/check/check.h"
#include "server/core/device.h"
#include "server/core/instance.h"
#include "server/memory/memory.h"
#include "server/record/video.h"
#include "server/vp_dispatch.h"

#ifdef VP_HAS_VIDEO

/* type: 0: it needs none. */
static bool has_node(struct vps_context *ctx, const void *chain, uint32_t type, const char *of)
{
   if (type == 0 || vp_chain_find(chain, (VkStructureType)type))
      return true;
   vps_fail(ctx, "the chain of %s has no struct %u, which its codec needs", of, type);
   return false;
}

bool vps_check_vkCreateQueryPool(struct vps_context *ctx, const struct vp_cmd_vkCreateQueryPool *a)
{
   const VkVideoProfileInfoKHR *profile =
      vp_chain_find(a->pCreateInfo->pNext, VK_STRUCTURE_TYPE_VIDEO_PROFILE_INFO_KHR);

   VkVideoProfileInfoKHR whole = {0};

#ifdef VP_HAS_VIDEO_ENCODE
   if (a->pCreateInfo->queryType == VK_QUERY_TYPE_VIDEO_ENCODE_FEEDBACK_KHR &&
       (!profile ||
        !vp_chain_find(a->pCreateInfo->pNext, VK_STRUCTURE_TYPE_QUERY_POOL_VIDEO_ENCODE_FEEDBACK_CREATE_INFO_KHR))) {
      vps_fail(ctx, "queries of an encoded video lack its profile, or what they are to tell");
      return false;
   }
#endif
   if (!profile)
      return true;
   whole.videoCodecOperation = profile->videoCodecOperation;
   whole.pNext = a->pCreateInfo->pNext;
   if (vp_video_profile_is_whole(&whole))
      return true;
   vps_fail(ctx, "the profile of a video lacks what its codec needs");
   return false;
}

bool vps_check_vkGetPhysicalDeviceVideoFormatPropertiesKHR(
   struct vps_context *ctx, const struct vp_cmd_vkGetPhysicalDeviceVideoFormatPropertiesKHR *a)
{
   return has_node(ctx, a->pVideoFormatInfo->pNext, VK_STRUCTURE_TYPE_VIDEO_PROFILE_LIST_INFO_KHR,
                   "a question for formats");
}

static uint32_t common_capabilities(const struct vps_video_codec *codec)
{
#ifdef VP_HAS_VIDEO_ENCODE
   if (codec->encodes)
      return VK_STRUCTURE_TYPE_VIDEO_ENCODE_CAPABILITIES_KHR;
#endif
   (void)codec;
   return VK_STRUCTURE_TYPE_VIDEO_DECODE_CAPABILITIES_KHR;
}

bool vps_check_vkGetPhysicalDeviceVideoCapabilitiesKHR(struct vps_context *ctx,
                                                       const struct vp_cmd_vkGetPhysicalDeviceVideoCapabilitiesKHR *a)
{
   const void *chain = a->pCapabilities->pNext;

   const struct vps_video_codec *codec =
      vps_video_codec((VkVideoCodecOperationFlagsKHR)a->pVideoProfile->videoCodecOperation);
   return has_node(ctx, chain, common_capabilities(codec), "a video's capabilities") &&
          has_node(ctx, chain, codec->capabilities, "a video's capabilities");
}

/* --- sessions --- */

/* Drivers say nothing of what is not what they can. False: they say of the profile that they cannot. */
static bool ask_capabilities(const struct vps_context *ctx, const VkVideoProfileInfoKHR *profile,
                             VkVideoCapabilitiesKHR *capabilities, uint32_t *layers)
{
   const struct vps_video_codec *codec = vps_video_codec((VkVideoCodecOperationFlagsKHR)profile->videoCodecOperation);
   VkPhysicalDevice gpu = (VkPhysicalDevice)(uintptr_t)ctx->used[0]->parent->handle;
   PFN_vkGetPhysicalDeviceVideoCapabilitiesKHR ask = ctx->instance->functions.GetPhysicalDeviceVideoCapabilitiesKHR;
   union { /* none is larger */
      VkBaseOutStructure base;
      uint64_t room[32];
#ifdef VP_HAS_VIDEO_ENCODE
      VkVideoEncodeCapabilitiesKHR encode;
#endif
   } own = {.base = {.sType = (VkStructureType)codec->capabilities}},
     common = {.base = {.sType = (VkStructureType)common_capabilities(codec), .pNext = &own.base}};

   *capabilities = (VkVideoCapabilitiesKHR){.sType = VK_STRUCTURE_TYPE_VIDEO_CAPABILITIES_KHR, .pNext = &common.base};
   const bool known = ask && ask(gpu, profile, capabilities) >= 0;
   capabilities->pNext = NULL;
   *layers = 0;
#ifdef VP_HAS_VIDEO_ENCODE
   if (known && codec->encodes)
      *layers = common.encode.maxRateControlLayers;
#endif
   return known;
}

uint32_t vps_video_layers(const struct vps_context *ctx, const VkVideoProfileInfoKHR *profile)
{
   VkVideoCapabilitiesKHR can;
   uint32_t layers;

   return ask_capabilities(ctx, profile, &can, &layers) ? layers : 0;
}

static bool is_family_of(const struct vps_device *device, uint32_t family)
{
   for (uint32_t i = 0; i < device->range_count; i++) {
      if (device->ranges[i].family == family)
         return true;
   }
   return false;
}

bool vps_check_vkCreateVideoSessionKHR(struct vps_context *ctx, const struct vp_cmd_vkCreateVideoSessionKHR *a)
{
   const VkVideoSessionCreateInfoKHR *info = a->pCreateInfo;
   VkVideoCapabilitiesKHR can;
   uint32_t layers;

   if (!ask_capabilities(ctx, info->pVideoProfile, &can, &layers))
      vps_fail(ctx, "the GPU does not have the profile of a video's session");
   else if (!is_family_of(ctx->used[0]->device, info->queueFamilyIndex))
      vps_fail(ctx, "a video's session is for queues of family %u, which the device has not", info->queueFamilyIndex);
   else if (info->maxDpbSlots > can.maxDpbSlots || info->maxActiveReferencePictures > can.maxActiveReferencePictures ||
            info->maxCodedExtent.width > can.maxCodedExtent.width ||
            info->maxCodedExtent.height > can.maxCodedExtent.height)
      vps_fail(ctx, "a video's session with %u slots, %u references and pictures of %ux%u is more than the GPU can",
               info->maxDpbSlots, info->maxActiveReferencePictures, info->maxCodedExtent.width,
               info->maxCodedExtent.height);
   return !ctx->failed;
}

static bool check_bind(struct vps_context *ctx, const struct vps_video_session *session,
                       const VkBindVideoSessionMemoryInfoKHR *info, const struct vps_object *object)
{
   const struct vps_memory *memory = object ? object->state : NULL;
   const struct vps_video_bind *bind = NULL;

   for (uint32_t i = 0; i < session->bind_count && !bind; i++)
      bind = session->binds[i].index == info->memoryBindIndex ? &session->binds[i] : NULL;
   if (!bind || bind->bound) {
      vps_fail(ctx, "memory cannot be bound to a video's session as number %u", info->memoryBindIndex);
      return false;
   }
   if (info->memorySize < bind->requirements.size ||
       (bind->requirements.alignment && info->memoryOffset % bind->requirements.alignment)) {
      vps_fail(ctx, "the memory number %u of a video's session is not as large or not placed as it must be",
               info->memoryBindIndex);
      return false;
   }
   return !memory || vps_fits(info->memoryOffset, info->memorySize, memory->size) ||
          vps_refuse_range(ctx, "the memory", info->memoryOffset, info->memorySize, memory->size);
}

bool vps_check_vkBindVideoSessionMemoryKHR(struct vps_context *ctx, const struct vp_cmd_vkBindVideoSessionMemoryKHR *a)
{
   const struct vps_video_session *session = ctx->used[1]->state;
   bool ok = session && ctx->used_count == 2 + (uint64_t)a->bindSessionMemoryInfoCount;

   if (!ok)
      vps_fail(ctx, "a video's session or memory for it is missing");
   for (uint32_t i = 0; i < a->bindSessionMemoryInfoCount && ok; i++)
      ok = check_bind(ctx, session, &a->pBindSessionMemoryInfos[i], ctx->used[2 + i]);
   return ok;
}

/* --- parameters --- */

/* Whether there is room for more sets of a kind. Those of a template (created) that are given anew need none. */
static bool check_room(struct vps_context *ctx, const struct vps_video_sets *sets, uint32_t most,
                       const struct vps_video_addition *addition, unsigned kind, bool created)
{
   uint64_t count = sets ? sets->count : 0;

   for (uint32_t i = 0; i < addition->count[kind]; i++)
      count += !sets || !created || !vps_video_has(sets, vps_video_key(addition, kind, i));
   if (count <= most && most <= VPS_VIDEO_KEYS)
      return true;
   vps_fail(ctx, "a video's parameters have room for %u sets, and %llu are given", most, (unsigned long long)count);
   return false;
}

bool vps_check_vkCreateVideoSessionParametersKHR(struct vps_context *ctx,
                                                 const struct vp_cmd_vkCreateVideoSessionParametersKHR *a)
{
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_KHR);
   const struct vps_object *model = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_PARAMETERS_KHR);
   const struct vps_video_session *session = object ? object->state : NULL;
   const struct vps_video_parameters *known = model ? model->state : NULL;

   if (!session || (known && known->session.serial != session->serial)) {
      vps_fail(ctx, "a video's parameters are not made for its session");
      return false;
   }
   const struct vps_video_addition addition = vps_video_addition(session->codec, a->pCreateInfo->pNext, true);
   bool ok = has_node(ctx, a->pCreateInfo->pNext, session->codec->parameters, "a video's parameters");
   for (unsigned kind = 0; kind < 3 && ok; kind++)
      ok = check_room(ctx, known ? &known->sets[kind] : NULL, addition.most[kind], &addition, kind, true);
   return ok;
}

bool vps_check_vkUpdateVideoSessionParametersKHR(struct vps_context *ctx,
                                                 const struct vp_cmd_vkUpdateVideoSessionParametersKHR *a)
{
   const struct vps_video_parameters *known = ctx->used[1]->state;
   const struct vps_video_session *session = known ? vps_video_session(ctx, known->session) : NULL;
   bool ok = session != NULL;

   if (!ok) {
      vps_fail(ctx, "a video's parameters have no session");
      return false;
   }
   const struct vps_video_addition addition = vps_video_addition(session->codec, a->pUpdateInfo->pNext, false);
   for (unsigned kind = 0; kind < 3 && ok; kind++)
      ok = check_room(ctx, &known->sets[kind], known->sets[kind].most, &addition, kind, false);
   return ok;
}

#ifdef VP_HAS_VIDEO_ENCODE

/* Which sets a program asks for. */
static bool has_asked_sets(const struct vps_video_parameters *known, const struct vps_video_codec *codec,
                           const void *chain)
{
   if (codec->operation == VK_VIDEO_CODEC_OPERATION_ENCODE_H264_BIT_KHR) {
      const VkVideoEncodeH264SessionParametersGetInfoKHR *info =
         vp_chain_find(chain, VK_STRUCTURE_TYPE_VIDEO_ENCODE_H264_SESSION_PARAMETERS_GET_INFO_KHR);
      return info && info->stdSPSId < 32 && info->stdPPSId < 256 &&
             (!info->writeStdSPS || vps_video_has(&known->sets[1], info->stdSPSId)) &&
             (!info->writeStdPPS || vps_video_has(&known->sets[2], info->stdSPSId | info->stdPPSId << 5));
   }
   const VkVideoEncodeH265SessionParametersGetInfoKHR *info =
      vp_chain_find(chain, VK_STRUCTURE_TYPE_VIDEO_ENCODE_H265_SESSION_PARAMETERS_GET_INFO_KHR);
   if (!info || info->stdVPSId > 15 || info->stdSPSId > 15 || info->stdPPSId > 63)
      return false;
   const uint32_t sequence = info->stdVPSId | info->stdSPSId << 4;
   return (!info->writeStdVPS || vps_video_has(&known->sets[0], info->stdVPSId)) &&
          (!info->writeStdSPS || vps_video_has(&known->sets[1], sequence)) &&
          (!info->writeStdPPS || vps_video_has(&known->sets[2], sequence | info->stdPPSId << 8));
}

bool vps_check_vkGetEncodedVideoSessionParametersKHR(struct vps_context *ctx,
                                                     const struct vp_cmd_vkGetEncodedVideoSessionParametersKHR *a)
{
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_VIDEO_SESSION_PARAMETERS_KHR);
   const struct vps_video_parameters *known = object ? object->state : NULL;
   const struct vps_video_session *session = known ? vps_video_session(ctx, known->session) : NULL;

   if (session && session->codec->encodes &&
       has_asked_sets(known, session->codec, a->pVideoSessionParametersInfo->pNext))
      return true;
   vps_fail(ctx, "these parameters have no such sets of an encoded video");
   return false;
}

#endif

#else

bool vps_check_vkCreateQueryPool(struct vps_context *ctx, const struct vp_cmd_vkCreateQueryPool *a)
{
   (void)ctx, (void)a;
   return true;
}

#endif
