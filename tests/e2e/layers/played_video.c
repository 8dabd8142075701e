/* SPDX-License-Identifier: MIT */

/* A GPU that is told to decode videos says what it was given, with a hash of each struct of a codec, and how it has
 * ended; nothing is decoded. Its sessions, parameters and queries are numbers. */

#include "tests/e2e/layers/played_video.h"

#ifdef VK_KHR_video_decode_h264

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define VIDEO_IMAGES                                                                    \
   (VK_IMAGE_USAGE_VIDEO_DECODE_DST_BIT_KHR | VK_IMAGE_USAGE_VIDEO_DECODE_SRC_BIT_KHR | \
    VK_IMAGE_USAGE_VIDEO_DECODE_DPB_BIT_KHR)
#define VIDEO_BUFFERS (VK_BUFFER_USAGE_VIDEO_DECODE_SRC_BIT_KHR | VK_BUFFER_USAGE_VIDEO_DECODE_DST_BIT_KHR)

static PFN_vkGetPhysicalDeviceQueueFamilyProperties next_families;
static PFN_vkCreateImage next_image;
static PFN_vkCreateBuffer next_buffer;
static PFN_vkCreateQueryPool next_pool;
static PFN_vkDestroyQueryPool next_destroy_pool;
static PFN_vkGetQueryPoolResults next_results;
static PFN_vkCmdBeginQuery next_begin_query;
static PFN_vkCmdEndQuery next_end_query;
static PFN_vkCmdResetQueryPool next_reset;

static const void *find_node(const void *chain, VkStructureType type)
{
   const VkBaseInStructure *node = chain;
   while (node && node->sType != type)
      node = node->pNext;
   return node;
}

/* --- what the GPU can --- */

static VKAPI_ATTR void VKAPI_CALL get_families(VkPhysicalDevice gpu, uint32_t *count, VkQueueFamilyProperties *families)
{
   next_families(gpu, count, families);
   for (uint32_t i = 0; families && i < *count; i++)
      families[i].queueFlags |= VK_QUEUE_VIDEO_DECODE_BIT_KHR;
}

void played_video_families(VkQueueFamilyProperties2 *families, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      families[i].queueFamilyProperties.queueFlags |= VK_QUEUE_VIDEO_DECODE_BIT_KHR;
      for (VkBaseOutStructure *node = families[i].pNext; node; node = node->pNext) {
         if (node->sType == VK_STRUCTURE_TYPE_QUEUE_FAMILY_VIDEO_PROPERTIES_KHR)
            ((VkQueueFamilyVideoPropertiesKHR *)(void *)node)->videoCodecOperations =
               VK_VIDEO_CODEC_OPERATION_DECODE_H264_BIT_KHR | VK_VIDEO_CODEC_OPERATION_DECODE_H265_BIT_KHR;
         else if (node->sType == VK_STRUCTURE_TYPE_QUEUE_FAMILY_QUERY_RESULT_STATUS_PROPERTIES_KHR)
            ((VkQueueFamilyQueryResultStatusPropertiesKHR *)(void *)node)->queryResultStatusSupport = VK_TRUE;
      }
   }
}

static VKAPI_ATTR VkResult VKAPI_CALL get_capabilities(VkPhysicalDevice gpu, const VkVideoProfileInfoKHR *profile,
                                                       VkVideoCapabilitiesKHR *capabilities)
{
   (void)gpu;
   if (profile->chromaSubsampling != VK_VIDEO_CHROMA_SUBSAMPLING_420_BIT_KHR)
      return VK_ERROR_VIDEO_PROFILE_FORMAT_NOT_SUPPORTED_KHR;
   capabilities->flags = VK_VIDEO_CAPABILITY_SEPARATE_REFERENCE_IMAGES_BIT_KHR;
   capabilities->minBitstreamBufferOffsetAlignment = 256;
   capabilities->minBitstreamBufferSizeAlignment = 128;
   capabilities->pictureAccessGranularity = (VkExtent2D){16, 16};
   capabilities->minCodedExtent = (VkExtent2D){48, 16};
   capabilities->maxCodedExtent = (VkExtent2D){4096, 2048};
   capabilities->maxDpbSlots = 17;
   capabilities->maxActiveReferencePictures = 16;
   strcpy(capabilities->stdHeaderVersion.extensionName, "a played standard");
   capabilities->stdHeaderVersion.specVersion = VK_MAKE_VERSION(1, 2, 3);
   for (VkBaseOutStructure *node = capabilities->pNext; node; node = node->pNext) {
      if (node->sType == VK_STRUCTURE_TYPE_VIDEO_DECODE_CAPABILITIES_KHR)
         ((VkVideoDecodeCapabilitiesKHR *)(void *)node)->flags =
            VK_VIDEO_DECODE_CAPABILITY_DPB_AND_OUTPUT_COINCIDE_BIT_KHR;
      else if (node->sType == VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_CAPABILITIES_KHR)
         ((VkVideoDecodeH264CapabilitiesKHR *)(void *)node)->maxLevelIdc = STD_VIDEO_H264_LEVEL_IDC_5_2;
      else if (node->sType == VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_CAPABILITIES_KHR)
         ((VkVideoDecodeH265CapabilitiesKHR *)(void *)node)->maxLevelIdc = STD_VIDEO_H265_LEVEL_IDC_6_1;
   }
   return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_formats(VkPhysicalDevice gpu, const VkPhysicalDeviceVideoFormatInfoKHR *info,
                                                  uint32_t *count, VkVideoFormatPropertiesKHR *formats)
{
   const VkVideoProfileListInfoKHR *list = find_node(info->pNext, VK_STRUCTURE_TYPE_VIDEO_PROFILE_LIST_INFO_KHR);
   const uint32_t have = list && list->profileCount ? 2 : 0;
   (void)gpu;
   if (!formats) {
      *count = have;
      return VK_SUCCESS;
   }
   const VkResult result = *count < have ? VK_INCOMPLETE : VK_SUCCESS;
   *count = *count < have ? *count : have;
   for (uint32_t i = 0; i < *count; i++) {
      formats[i].format = i ? VK_FORMAT_G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16 : VK_FORMAT_G8_B8R8_2PLANE_420_UNORM;
      formats[i].componentMapping.a = VK_COMPONENT_SWIZZLE_ONE;
      formats[i].imageType = VK_IMAGE_TYPE_2D;
      formats[i].imageUsageFlags = info->imageUsage | VK_IMAGE_USAGE_SAMPLED_BIT;
   }
   return result;
}

/* --- what is below must not see --- */

static VKAPI_ATTR VkResult VKAPI_CALL create_image(VkDevice device, const VkImageCreateInfo *info,
                                                   const VkAllocationCallbacks *allocator, VkImage *image)
{
   VkImageCreateInfo plain = *info;
   if (info->usage & VIDEO_IMAGES) {
      plain.pNext = NULL;
      plain.usage = (info->usage & ~(VkImageUsageFlags)VIDEO_IMAGES) | VK_IMAGE_USAGE_SAMPLED_BIT;
   }
   return next_image(device, &plain, allocator, image);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_buffer(VkDevice device, const VkBufferCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkBuffer *buffer)
{
   VkBufferCreateInfo plain = *info;
   if (info->usage & VIDEO_BUFFERS) {
      plain.pNext = NULL;
      plain.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
   }
   return next_buffer(device, &plain, allocator, buffer);
}

/* --- queries: the first has ended well, and the others have a status although there is no result --- */

#define POOL ((VkQueryPool)(uintptr_t)0x51a7)

static VKAPI_ATTR VkResult VKAPI_CALL create_pool(VkDevice device, const VkQueryPoolCreateInfo *info,
                                                  const VkAllocationCallbacks *allocator, VkQueryPool *pool)
{
   if (info->queryType != VK_QUERY_TYPE_RESULT_STATUS_ONLY_KHR)
      return next_pool(device, info, allocator, pool);
   *pool = POOL;
   return find_node(info->pNext, VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_PROFILE_INFO_KHR) ? VK_SUCCESS : VK_ERROR_UNKNOWN;
}

static VKAPI_ATTR void VKAPI_CALL destroy_pool(VkDevice device, VkQueryPool pool,
                                               const VkAllocationCallbacks *allocator)
{
   if (pool != POOL)
      next_destroy_pool(device, pool, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_results(VkDevice device, VkQueryPool pool, uint32_t first, uint32_t count,
                                                  size_t size, void *data, VkDeviceSize stride,
                                                  VkQueryResultFlags flags)
{
   if (pool != POOL)
      return next_results(device, pool, first, count, size, data, stride, flags);
   if (!(flags & VK_QUERY_RESULT_WITH_STATUS_BIT_KHR))
      return VK_ERROR_UNKNOWN;
   for (uint32_t i = 0; i < count; i++) {
      const int64_t wide = first + i == 0 ? VK_QUERY_RESULT_STATUS_COMPLETE_KHR : VK_QUERY_RESULT_STATUS_ERROR_KHR;
      const int32_t narrow = (int32_t)wide;
      if (flags & VK_QUERY_RESULT_64_BIT)
         memcpy((char *)data + i * stride, &wide, sizeof(wide));
      else
         memcpy((char *)data + i * stride, &narrow, sizeof(narrow));
   }
   return first + count > 1 ? VK_NOT_READY : VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL begin_query(VkCommandBuffer commands, VkQueryPool pool, uint32_t query,
                                              VkQueryControlFlags flags)
{
   if (pool != POOL)
      next_begin_query(commands, pool, query, flags);
}

static VKAPI_ATTR void VKAPI_CALL end_query(VkCommandBuffer commands, VkQueryPool pool, uint32_t query)
{
   if (pool != POOL)
      next_end_query(commands, pool, query);
}

static VKAPI_ATTR void VKAPI_CALL reset_pool(VkCommandBuffer commands, VkQueryPool pool, uint32_t first, uint32_t count)
{
   if (pool != POOL)
      next_reset(commands, pool, first, count);
}

/* --- structs of the codecs --- */

static uint32_t hash_bytes(const void *data, size_t size)
{
   const uint8_t *bytes = data;
   uint32_t hash = 1;
   for (size_t i = 0; i < size; i++)
      hash = hash * 31 + bytes[i];
   return hash;
}

static void tell(const char *what, const void *data, size_t size)
{
   if (data)
      fprintf(stderr, "played: %s %zu %08x\n", what, size, hash_bytes(data, size));
   else
      fprintf(stderr, "played: no %s\n", what);
}

#define TELL(what, pointer) tell(what, pointer, sizeof(*(pointer)))

/* Without its pointers, which are told by themselves, where a flag says that they lead somewhere. */
static void tell_h264(const StdVideoH264SequenceParameterSet *set)
{
   StdVideoH264SequenceParameterSet flat = *set;
   flat.pOffsetForRefFrame = NULL;
   flat.pScalingLists = NULL;
   flat.pSequenceParameterSetVui = NULL;
   TELL("a sequence of H.264", &flat);
   for (unsigned i = 0; set->pOffsetForRefFrame && i < set->num_ref_frames_in_pic_order_cnt_cycle; i++)
      TELL("offset", &set->pOffsetForRefFrame[i]);
   TELL("lists", set->pScalingLists);
   if (set->pSequenceParameterSetVui) {
      StdVideoH264SequenceParameterSetVui vui = *set->pSequenceParameterSetVui;
      vui.pHrdParameters = NULL;
      TELL("usability", &vui);
      TELL("reference decoder", set->pSequenceParameterSetVui->pHrdParameters);
   }
}

static void tell_h264_picture(const StdVideoH264PictureParameterSet *set)
{
   StdVideoH264PictureParameterSet flat = *set;
   flat.pScalingLists = NULL;
   TELL("a picture of H.264", &flat);
   TELL("lists", set->flags.pic_scaling_matrix_present_flag ? set->pScalingLists : NULL);
}

static void tell_hrd(const StdVideoH265HrdParameters *hrd, unsigned layers)
{
   if (!hrd)
      return;
   StdVideoH265HrdParameters flat = *hrd;
   flat.pSubLayerHrdParametersNal = flat.pSubLayerHrdParametersVcl = NULL;
   TELL("reference decoder", &flat);
   for (unsigned i = 0; i < layers; i++) {
      if (hrd->flags.nal_hrd_parameters_present_flag)
         TELL("sub-layer", &hrd->pSubLayerHrdParametersNal[i]);
      if (hrd->flags.vcl_hrd_parameters_present_flag)
         TELL("coded sub-layer", &hrd->pSubLayerHrdParametersVcl[i]);
   }
}

static void tell_h265_video(const StdVideoH265VideoParameterSet *set)
{
   StdVideoH265VideoParameterSet flat = *set;
   flat.pDecPicBufMgr = NULL;
   flat.pHrdParameters = NULL;
   flat.pProfileTierLevel = NULL;
   TELL("a video of H.265", &flat);
   TELL("buffers", set->pDecPicBufMgr);
   TELL("profile", set->pProfileTierLevel);
   tell_hrd(set->pHrdParameters, set->vps_max_sub_layers_minus1 + 1u);
}

static void tell_h265_sequence(const StdVideoH265SequenceParameterSet *set)
{
   StdVideoH265SequenceParameterSet flat = *set;
   flat.pProfileTierLevel = NULL;
   flat.pDecPicBufMgr = NULL;
   flat.pScalingLists = NULL;
   flat.pShortTermRefPicSet = NULL;
   flat.pLongTermRefPicsSps = NULL;
   flat.pSequenceParameterSetVui = NULL;
   flat.pPredictorPaletteEntries = NULL;
   TELL("a sequence of H.265", &flat);
   TELL("profile", set->pProfileTierLevel);
   TELL("buffers", set->pDecPicBufMgr);
   TELL("lists", set->pScalingLists);
   for (unsigned i = 0; i < set->num_short_term_ref_pic_sets; i++)
      TELL("short", &set->pShortTermRefPicSet[i]);
   TELL("long", set->pLongTermRefPicsSps);
   TELL("palette", set->pPredictorPaletteEntries);
   if (set->pSequenceParameterSetVui) {
      StdVideoH265SequenceParameterSetVui vui = *set->pSequenceParameterSetVui;
      vui.pHrdParameters = NULL;
      TELL("usability", &vui);
      tell_hrd(set->pSequenceParameterSetVui->pHrdParameters, set->sps_max_sub_layers_minus1 + 1u);
   }
}

static void tell_h265_picture(const StdVideoH265PictureParameterSet *set)
{
   StdVideoH265PictureParameterSet flat = *set;
   flat.pScalingLists = NULL;
   flat.pPredictorPaletteEntries = NULL;
   TELL("a picture of H.265", &flat);
   TELL("lists", set->pScalingLists);
   TELL("palette", set->pPredictorPaletteEntries);
}

static void tell_sets(const void *chain)
{
   const VkVideoDecodeH264SessionParametersCreateInfoKHR *h264 =
      find_node(chain, VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_SESSION_PARAMETERS_CREATE_INFO_KHR);
   const VkVideoDecodeH265SessionParametersCreateInfoKHR *h265 =
      find_node(chain, VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_SESSION_PARAMETERS_CREATE_INFO_KHR);
   const VkVideoDecodeH264SessionParametersAddInfoKHR *add_h264 =
      h264 ? h264->pParametersAddInfo
           : find_node(chain, VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_SESSION_PARAMETERS_ADD_INFO_KHR);
   const VkVideoDecodeH265SessionParametersAddInfoKHR *add_h265 =
      h265 ? h265->pParametersAddInfo
           : find_node(chain, VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_SESSION_PARAMETERS_ADD_INFO_KHR);
   for (uint32_t i = 0; add_h264 && i < add_h264->stdSPSCount; i++)
      tell_h264(&add_h264->pStdSPSs[i]);
   for (uint32_t i = 0; add_h264 && i < add_h264->stdPPSCount; i++)
      tell_h264_picture(&add_h264->pStdPPSs[i]);
   for (uint32_t i = 0; add_h265 && i < add_h265->stdVPSCount; i++)
      tell_h265_video(&add_h265->pStdVPSs[i]);
   for (uint32_t i = 0; add_h265 && i < add_h265->stdSPSCount; i++)
      tell_h265_sequence(&add_h265->pStdSPSs[i]);
   for (uint32_t i = 0; add_h265 && i < add_h265->stdPPSCount; i++)
      tell_h265_picture(&add_h265->pStdPPSs[i]);
}

/* --- sessions --- */

static VKAPI_ATTR VkResult VKAPI_CALL create_session(VkDevice device, const VkVideoSessionCreateInfoKHR *info,
                                                     const VkAllocationCallbacks *allocator, VkVideoSessionKHR *session)
{
   (void)device, (void)allocator;
   fprintf(stderr, "played: a session of %#x, %ux%u, %u slots, %u references, %s\n",
           info->pVideoProfile->videoCodecOperation, info->maxCodedExtent.width, info->maxCodedExtent.height,
           info->maxDpbSlots, info->maxActiveReferencePictures, info->pStdHeaderVersion->extensionName);
   if (info->pStdHeaderVersion->specVersion != VK_MAKE_VERSION(1, 2, 3))
      return VK_ERROR_VIDEO_STD_VERSION_NOT_SUPPORTED_KHR;
   *session = (VkVideoSessionKHR)(uintptr_t)0x5e55;
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_session(VkDevice device, VkVideoSessionKHR session,
                                                  const VkAllocationCallbacks *allocator)
{
   (void)device, (void)allocator, (void)session;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_needs(VkDevice device, VkVideoSessionKHR session, uint32_t *count,
                                                VkVideoSessionMemoryRequirementsKHR *needs)
{
   const uint32_t have = 3;
   (void)device, (void)session;
   if (!needs) {
      *count = have;
      return VK_SUCCESS;
   }
   const VkResult result = *count < have ? VK_INCOMPLETE : VK_SUCCESS;
   *count = *count < have ? *count : have;
   for (uint32_t i = 0; i < *count; i++) {
      needs[i].memoryBindIndex = i * 2;
      needs[i].memoryRequirements = (VkMemoryRequirements){.size = 4096 << i, .alignment = 256, .memoryTypeBits = 1};
   }
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_memory(VkDevice device, VkVideoSessionKHR session, uint32_t count,
                                                  const VkBindVideoSessionMemoryInfoKHR *infos)
{
   (void)device, (void)session;
   for (uint32_t i = 0; i < count; i++)
      fprintf(stderr, "played: memory %u has %llu bytes from %llu on\n", infos[i].memoryBindIndex,
              (unsigned long long)infos[i].memorySize, (unsigned long long)infos[i].memoryOffset);
   return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_parameters(VkDevice device,
                                                        const VkVideoSessionParametersCreateInfoKHR *info,
                                                        const VkAllocationCallbacks *allocator,
                                                        VkVideoSessionParametersKHR *parameters)
{
   (void)device, (void)allocator;
   tell_sets(info->pNext);
   *parameters = (VkVideoSessionParametersKHR)(uintptr_t)0x9a7a;
   return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL update_parameters(VkDevice device, VkVideoSessionParametersKHR parameters,
                                                        const VkVideoSessionParametersUpdateInfoKHR *info)
{
   (void)device, (void)parameters;
   fprintf(stderr, "played: update %u\n", info->updateSequenceCount);
   tell_sets(info->pNext);
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_parameters(VkDevice device, VkVideoSessionParametersKHR parameters,
                                                     const VkAllocationCallbacks *allocator)
{
   (void)device, (void)allocator, (void)parameters;
}

/* --- commands --- */

static void tell_slot(const char *what, const VkVideoReferenceSlotInfoKHR *slot)
{
   const VkVideoPictureResourceInfoKHR *picture = slot->pPictureResource;
   const VkVideoDecodeH264DpbSlotInfoKHR *h264 =
      find_node(slot->pNext, VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_DPB_SLOT_INFO_KHR);
   const VkVideoDecodeH265DpbSlotInfoKHR *h265 =
      find_node(slot->pNext, VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_DPB_SLOT_INFO_KHR);
   fprintf(stderr, "played: %s %d", what, slot->slotIndex);
   if (picture)
      fprintf(stderr, ", %ux%u at %d %d, layer %u", picture->codedExtent.width, picture->codedExtent.height,
              picture->codedOffset.x, picture->codedOffset.y, picture->baseArrayLayer);
   fprintf(stderr, "\n");
   if (h264)
      TELL("reference", h264->pStdReferenceInfo);
   if (h265)
      TELL("reference", h265->pStdReferenceInfo);
}

static VKAPI_ATTR void VKAPI_CALL begin_coding(VkCommandBuffer commands, const VkVideoBeginCodingInfoKHR *info)
{
   (void)commands;
   fprintf(stderr, "played: begins with %u slots\n", info->referenceSlotCount);
   for (uint32_t i = 0; i < info->referenceSlotCount; i++)
      tell_slot("slot", &info->pReferenceSlots[i]);
}

static VKAPI_ATTR void VKAPI_CALL control_coding(VkCommandBuffer commands, const VkVideoCodingControlInfoKHR *info)
{
   (void)commands;
   fprintf(stderr, "played: control %#x\n", info->flags);
}

static VKAPI_ATTR void VKAPI_CALL end_coding(VkCommandBuffer commands, const VkVideoEndCodingInfoKHR *info)
{
   (void)commands, (void)info;
   fprintf(stderr, "played: ends\n");
}

static VKAPI_ATTR void VKAPI_CALL decode(VkCommandBuffer commands, const VkVideoDecodeInfoKHR *info)
{
   const VkVideoDecodeH264PictureInfoKHR *h264 =
      find_node(info->pNext, VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_PICTURE_INFO_KHR);
   const VkVideoDecodeH265PictureInfoKHR *h265 =
      find_node(info->pNext, VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_PICTURE_INFO_KHR);
   (void)commands;
   fprintf(stderr, "played: decodes %llu bytes from %llu on\n", (unsigned long long)info->srcBufferRange,
           (unsigned long long)info->srcBufferOffset);
   if (h264) {
      TELL("picture", h264->pStdPictureInfo);
      for (uint32_t i = 0; i < h264->sliceCount; i++)
         TELL("slice", &h264->pSliceOffsets[i]);
   }
   if (h265) {
      TELL("picture", h265->pStdPictureInfo);
      for (uint32_t i = 0; i < h265->sliceSegmentCount; i++)
         TELL("segment", &h265->pSliceSegmentOffsets[i]);
   }
   if (info->pSetupReferenceSlot)
      tell_slot("becomes", info->pSetupReferenceSlot);
   for (uint32_t i = 0; i < info->referenceSlotCount; i++)
      tell_slot("refers to", &info->pReferenceSlots[i]);
}

#define ROW(NAME, OWN)                \
   {                                  \
      NAME, (PFN_vkVoidFunction)(OWN) \
   }
static const struct {
   const char *name;
   PFN_vkVoidFunction own;
} functions[] = {
   ROW("vkGetPhysicalDeviceQueueFamilyProperties", get_families),
   ROW("vkGetPhysicalDeviceVideoCapabilitiesKHR", get_capabilities),
   ROW("vkGetPhysicalDeviceVideoFormatPropertiesKHR", get_formats),
   ROW("vkCreateImage", create_image),
   ROW("vkCreateBuffer", create_buffer),
   ROW("vkCreateQueryPool", create_pool),
   ROW("vkDestroyQueryPool", destroy_pool),
   ROW("vkGetQueryPoolResults", get_results),
   ROW("vkCmdBeginQuery", begin_query),
   ROW("vkCmdEndQuery", end_query),
   ROW("vkCmdResetQueryPool", reset_pool),
   ROW("vkCreateVideoSessionKHR", create_session),
   ROW("vkDestroyVideoSessionKHR", destroy_session),
   ROW("vkGetVideoSessionMemoryRequirementsKHR", get_needs),
   ROW("vkBindVideoSessionMemoryKHR", bind_memory),
   ROW("vkCreateVideoSessionParametersKHR", create_parameters),
   ROW("vkUpdateVideoSessionParametersKHR", update_parameters),
   ROW("vkDestroyVideoSessionParametersKHR", destroy_parameters),
   ROW("vkCmdBeginVideoCodingKHR", begin_coding),
   ROW("vkCmdControlVideoCodingKHR", control_coding),
   ROW("vkCmdEndVideoCodingKHR", end_coding),
   ROW("vkCmdDecodeVideoKHR", decode),
};

PFN_vkVoidFunction played_video_find(const char *name)
{
   for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
      if (strcmp(functions[i].name, name) == 0)
         return functions[i].own;
   }
   return NULL;
}

void played_video_instance(PFN_vkGetInstanceProcAddr next, VkInstance instance)
{
   next_families =
      (PFN_vkGetPhysicalDeviceQueueFamilyProperties)next(instance, "vkGetPhysicalDeviceQueueFamilyProperties");
}

void played_video_device(PFN_vkGetDeviceProcAddr next, VkDevice device)
{
   next_image = (PFN_vkCreateImage)next(device, "vkCreateImage");
   next_buffer = (PFN_vkCreateBuffer)next(device, "vkCreateBuffer");
   next_pool = (PFN_vkCreateQueryPool)next(device, "vkCreateQueryPool");
   next_destroy_pool = (PFN_vkDestroyQueryPool)next(device, "vkDestroyQueryPool");
   next_results = (PFN_vkGetQueryPoolResults)next(device, "vkGetQueryPoolResults");
   next_begin_query = (PFN_vkCmdBeginQuery)next(device, "vkCmdBeginQuery");
   next_end_query = (PFN_vkCmdEndQuery)next(device, "vkCmdEndQuery");
   next_reset = (PFN_vkCmdResetQueryPool)next(device, "vkCmdResetQueryPool");
}

#else

void played_video_families(VkQueueFamilyProperties2 *families, uint32_t count)
{
   (void)families, (void)count;
}

PFN_vkVoidFunction played_video_find(const char *name)
{
   (void)name;
   return NULL;
}

void played_video_instance(PFN_vkGetInstanceProcAddr next, VkInstance instance)
{
   (void)next, (void)instance;
}

void played_video_device(PFN_vkGetDeviceProcAddr next, VkDevice device)
{
   (void)next, (void)device;
}

#endif
