/* SPDX-License-Identifier: MIT */

/* Videos: profiles, sessions, their memory and parameters, and pictures that are decoded. The driver of the test has 4
 * slots and 3 references for any profile, and wants 256 bytes of memory for 0 and for 7. */

#include "tests/unit/checks.h"

#ifdef VP_HAS_VIDEO

enum {
   SESSION = FREE,
   PARAMETERS,
   STREAM,
   PICTURE,
   PICTURE_VIEW,
   OTHER_SESSION,
   OTHER_PARAMETERS,
   STATUS,
   AGAIN,
};

static VkVideoDecodeH264ProfileInfoKHR h264 = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_PROFILE_INFO_KHR};
static VkVideoProfileInfoKHR profile = {.sType = VK_STRUCTURE_TYPE_VIDEO_PROFILE_INFO_KHR,
                                        .pNext = &h264,
                                        .videoCodecOperation = VK_VIDEO_CODEC_OPERATION_DECODE_H264_BIT_KHR};
static const VkVideoProfileListInfoKHR profiles = {
   .sType = VK_STRUCTURE_TYPE_VIDEO_PROFILE_LIST_INFO_KHR, .profileCount = 1, .pProfiles = &profile};
static const VkExtensionProperties standard = {"a standard", 1};

#define SESSION_INFO                                                                                                   \
   {                                                                                                                   \
      .sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_CREATE_INFO_KHR, .pVideoProfile = &profile, .maxCodedExtent = {64, 64}, \
      .maxDpbSlots = 4, .maxActiveReferencePictures = 3, .pStdHeaderVersion = &standard                                \
   }

static StdVideoH264SequenceParameterSet sequence = {.seq_parameter_set_id = 3};
static StdVideoH264PictureParameterSet picture_sets[2] = {{.seq_parameter_set_id = 3, .pic_parameter_set_id = 9},
                                                          {.seq_parameter_set_id = 3, .pic_parameter_set_id = 10}};
static VkVideoDecodeH264SessionParametersAddInfoKHR add = {
   .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_SESSION_PARAMETERS_ADD_INFO_KHR,
   .stdSPSCount = 1,
   .pStdSPSs = &sequence,
   .stdPPSCount = 1,
   .pStdPPSs = picture_sets};
static VkVideoDecodeH264SessionParametersCreateInfoKHR sets = {
   .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_SESSION_PARAMETERS_CREATE_INFO_KHR,
   .maxStdSPSCount = 1,
   .maxStdPPSCount = 1,
   .pParametersAddInfo = &add};

/* What the tests have made wrong. */
static void make_right(void)
{
   profile.pNext = &h264;
   sequence.seq_parameter_set_id = 3;
   sequence.flags.vui_parameters_present_flag = 0;
   add.stdPPSCount = sets.maxStdPPSCount = 1;
   add.pStdPPSs = picture_sets;
}

/* --- objects --- */

static void create_session(unsigned which)
{
   const VkVideoSessionCreateInfoKHR info = SESSION_INFO;
   VkVideoSessionKHR session = OBJECT(VkVideoSessionKHR, which);
   DO(vkCreateVideoSessionKHR, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pVideoSession = &session);
}

static void create_parameters(unsigned which, unsigned session)
{
   const VkVideoSessionParametersCreateInfoKHR info = {.sType =
                                                          VK_STRUCTURE_TYPE_VIDEO_SESSION_PARAMETERS_CREATE_INFO_KHR,
                                                       .pNext = &sets,
                                                       .videoSession = OBJECT(VkVideoSessionKHR, session)};
   VkVideoSessionParametersKHR parameters = OBJECT(VkVideoSessionParametersKHR, which);
   DO(vkCreateVideoSessionParametersKHR, .device = DEVICE_OBJECT, .pCreateInfo = &info,
      .pVideoSessionParameters = &parameters);
}

static VkBindVideoSessionMemoryInfoKHR bind(uint32_t index, VkDeviceSize offset)
{
   return (VkBindVideoSessionMemoryInfoKHR){.sType = VK_STRUCTURE_TYPE_BIND_VIDEO_SESSION_MEMORY_INFO_KHR,
                                            .memoryBindIndex = index,
                                            .memory = OBJECT(VkDeviceMemory, MEMORY),
                                            .memoryOffset = offset,
                                            .memorySize = 256};
}

static void create_picture(void)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .pNext = &profiles,
                                   .imageType = VK_IMAGE_TYPE_2D,
                                   .format = VK_FORMAT_G8_B8R8_2PLANE_420_UNORM,
                                   .extent = {64, 64, 1},
                                   .mipLevels = 1,
                                   .arrayLayers = 2,
                                   .samples = VK_SAMPLE_COUNT_1_BIT,
                                   .usage = VK_IMAGE_USAGE_VIDEO_DECODE_DST_BIT_KHR};
   const VkImageViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = OBJECT(VkImage, PICTURE),
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, VK_REMAINING_ARRAY_LAYERS}};
   VkImage image = OBJECT(VkImage, PICTURE);
   VkImageView view = OBJECT(VkImageView, PICTURE_VIEW);
   DO(vkCreateImage, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pImage = &image);
   DO(vkCreateImageView, .device = DEVICE_OBJECT, .pCreateInfo = &view_info, .pView = &view);
}

/* After a wrong command all is made anew, of what is right. */
static void open_video(void)
{
   const VkMemoryAllocateInfo memory_info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = 512};
   const VkBindVideoSessionMemoryInfoKHR binds[2] = {bind(7, 256), bind(0, 0)};
   VkDeviceMemory memory = OBJECT(VkDeviceMemory, MEMORY);
   DO(vkAllocateMemory, .device = DEVICE_OBJECT, .pAllocateInfo = &memory_info, .pMemory = &memory);
   create_buffer(STREAM);
   create_picture();
   create_session(SESSION);
   create_session(OTHER_SESSION);
   DO(vkBindVideoSessionMemoryKHR, .device = DEVICE_OBJECT, .videoSession = OBJECT(VkVideoSessionKHR, SESSION),
      .bindSessionMemoryInfoCount = 2, .pBindSessionMemoryInfos = binds);
   create_parameters(PARAMETERS, SESSION);
   create_parameters(OTHER_PARAMETERS, OTHER_SESSION);
}

#define WRONG(text, name, ...)                               \
   do {                                                      \
      BAD(text, name, .device = DEVICE_OBJECT, __VA_ARGS__); \
      make_right();                                          \
      open_video();                                          \
   } while (0)
#define WRONG_CMD(text, name, ...)      \
   do {                                 \
      BAD_CMD(text, name, __VA_ARGS__); \
      make_right();                     \
      open_video();                     \
   } while (0)

/* --- what a session is made of --- */

static void check_profiles(void)
{
   VkBuffer buffer = OBJECT(VkBuffer, AGAIN);
   const VkBufferCreateInfo buffer_info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .pNext = &profiles, .size = SIZE};
   profile.pNext = NULL;
   WRONG("the profile of a video lacks", vkCreateBuffer, .pCreateInfo = &buffer_info, .pBuffer = &buffer);
}

static void check_sessions(void)
{
   VkVideoSessionKHR session = OBJECT(VkVideoSessionKHR, AGAIN);
   VkVideoSessionCreateInfoKHR info = SESSION_INFO;
   info.maxDpbSlots = 5;
   WRONG("more than the GPU can", vkCreateVideoSessionKHR, .pCreateInfo = &info, .pVideoSession = &session);
   info = (VkVideoSessionCreateInfoKHR)SESSION_INFO;
   info.maxCodedExtent.height = 4097;
   WRONG("more than the GPU can", vkCreateVideoSessionKHR, .pCreateInfo = &info, .pVideoSession = &session);
   info = (VkVideoSessionCreateInfoKHR)SESSION_INFO;
   info.queueFamilyIndex = 9;
   WRONG("queues of family 9", vkCreateVideoSessionKHR, .pCreateInfo = &info, .pVideoSession = &session);
}

static void check_memory(void)
{
   VkVideoSessionKHR other = OBJECT(VkVideoSessionKHR, OTHER_SESSION);
   VkBindVideoSessionMemoryInfoKHR one = bind(1, 0);
   WRONG("as number 1", vkBindVideoSessionMemoryKHR, .videoSession = other, .bindSessionMemoryInfoCount = 1,
         .pBindSessionMemoryInfos = &one);
   one = bind(0, 257);
   WRONG("not placed as it must be", vkBindVideoSessionMemoryKHR, .videoSession = other,
         .bindSessionMemoryInfoCount = 1, .pBindSessionMemoryInfos = &one);
   one = bind(0, 320);
   WRONG("are not all in the memory", vkBindVideoSessionMemoryKHR, .videoSession = other,
         .bindSessionMemoryInfoCount = 1, .pBindSessionMemoryInfos = &one);
   one = bind(7, 0);
   WRONG("as number 7", vkBindVideoSessionMemoryKHR, .videoSession = OBJECT(VkVideoSessionKHR, SESSION),
         .bindSessionMemoryInfoCount = 1, .pBindSessionMemoryInfos = &one);
}

static void check_sets(void)
{
   VkVideoSessionParametersKHR parameters = OBJECT(VkVideoSessionParametersKHR, AGAIN);
   VkVideoSessionParametersCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_PARAMETERS_CREATE_INFO_KHR,
                                                 .videoSession = OBJECT(VkVideoSessionKHR, SESSION)};
   const VkVideoSessionParametersUpdateInfoKHR update = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_PARAMETERS_UPDATE_INFO_KHR, .pNext = &add, .updateSequenceCount = 1};
   WRONG("which its codec needs", vkCreateVideoSessionParametersKHR, .pCreateInfo = &info,
         .pVideoSessionParameters = &parameters);
   info.pNext = &sets;
   info.videoSessionParametersTemplate = OBJECT(VkVideoSessionParametersKHR, OTHER_PARAMETERS);
   WRONG("not made for its session", vkCreateVideoSessionParametersKHR, .pCreateInfo = &info,
         .pVideoSessionParameters = &parameters);
   info.videoSessionParametersTemplate = VK_NULL_HANDLE;
   add.stdPPSCount = 2;
   WRONG("have room for 1 sets, and 2", vkCreateVideoSessionParametersKHR, .pCreateInfo = &info,
         .pVideoSessionParameters = &parameters);
   add.stdPPSCount = 2;
   sets.maxStdPPSCount = UINT32_MAX;
   WRONG("have room for 4294967295", vkCreateVideoSessionParametersKHR, .pCreateInfo = &info,
         .pVideoSessionParameters = &parameters);
   add.pStdPPSs = picture_sets + 1;
   WRONG("have room for 1 sets, and 2", vkUpdateVideoSessionParametersKHR,
         .videoSessionParameters = OBJECT(VkVideoSessionParametersKHR, PARAMETERS), .pUpdateInfo = &update);
   WRONG("have room for 1 sets, and 2", vkUpdateVideoSessionParametersKHR,
         .videoSessionParameters = OBJECT(VkVideoSessionParametersKHR, PARAMETERS), .pUpdateInfo = &update);
}

static void check_standards(void)
{
   VkVideoSessionParametersKHR parameters = OBJECT(VkVideoSessionParametersKHR, AGAIN);
   const VkVideoSessionParametersCreateInfoKHR info = {.sType =
                                                          VK_STRUCTURE_TYPE_VIDEO_SESSION_PARAMETERS_CREATE_INFO_KHR,
                                                       .pNext = &sets,
                                                       .videoSession = OBJECT(VkVideoSessionKHR, SESSION)};
   sequence.seq_parameter_set_id = 32;
   WRONG("seq_parameter_set_id is too large", vkCreateVideoSessionParametersKHR, .pCreateInfo = &info,
         .pVideoSessionParameters = &parameters);
   sequence.flags.vui_parameters_present_flag = 1;
   WRONG("pSequenceParameterSetVui is missing", vkCreateVideoSessionParametersKHR, .pCreateInfo = &info,
         .pVideoSessionParameters = &parameters);
}

/* --- coding --- */

static VkVideoPictureResourceInfoKHR resource = {
   .sType = VK_STRUCTURE_TYPE_VIDEO_PICTURE_RESOURCE_INFO_KHR, .codedExtent = {64, 64}, .baseArrayLayer = 1};
static StdVideoDecodeH264ReferenceInfo reference;
static const VkVideoDecodeH264DpbSlotInfoKHR dpb = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_DPB_SLOT_INFO_KHR,
                                                    .pStdReferenceInfo = &reference};

static VkVideoReferenceSlotInfoKHR slot(int32_t index)
{
   return (VkVideoReferenceSlotInfoKHR){.sType = VK_STRUCTURE_TYPE_VIDEO_REFERENCE_SLOT_INFO_KHR,
                                        .pNext = &dpb,
                                        .slotIndex = index,
                                        .pPictureResource = &resource};
}

static void begin_coding(const VkVideoBeginCodingInfoKHR *info)
{
   GOOD_CMD(vkCmdBeginVideoCodingKHR, .pBeginInfo = info);
}

static VkVideoBeginCodingInfoKHR coding(void)
{
   return (VkVideoBeginCodingInfoKHR){.sType = VK_STRUCTURE_TYPE_VIDEO_BEGIN_CODING_INFO_KHR,
                                      .videoSession = OBJECT(VkVideoSessionKHR, SESSION),
                                      .videoSessionParameters = OBJECT(VkVideoSessionParametersKHR, PARAMETERS)};
}

static void check_coding(void)
{
   const VkVideoCodingControlInfoKHR control = {.sType = VK_STRUCTURE_TYPE_VIDEO_CODING_CONTROL_INFO_KHR};
   const VkVideoEndCodingInfoKHR end = {.sType = VK_STRUCTURE_TYPE_VIDEO_END_CODING_INFO_KHR};
   VkVideoReferenceSlotInfoKHR slots[1] = {slot(4)};
   VkVideoBeginCodingInfoKHR info = coding();
   resource.imageViewBinding = OBJECT(VkImageView, PICTURE_VIEW);
   WRONG_CMD("no coding of a video", vkCmdControlVideoCodingKHR, .pCodingControlInfo = &control);
   WRONG_CMD("no coding of a video", vkCmdEndVideoCodingKHR, .pEndCodingInfo = &end);
   info.referenceSlotCount = 1;
   info.pReferenceSlots = slots;
   WRONG_CMD("not one of the session's", vkCmdBeginVideoCodingKHR, .pBeginInfo = &info);
   info = coding();
   info.videoSessionParameters = OBJECT(VkVideoSessionParametersKHR, OTHER_PARAMETERS);
   WRONG_CMD("not those of its session", vkCmdBeginVideoCodingKHR, .pBeginInfo = &info);
   info.videoSessionParameters = VK_NULL_HANDLE;
   WRONG_CMD("not those of its session", vkCmdBeginVideoCodingKHR, .pBeginInfo = &info);
   info.videoSession = OBJECT(VkVideoSessionKHR, OTHER_SESSION);
   WRONG_CMD("not all its memory", vkCmdBeginVideoCodingKHR, .pBeginInfo = &info);
   info = coding();
#ifdef VP_HAS_VIDEO_ENCODE
   const VkVideoEncodeRateControlLayerInfoKHR layer = {.sType =
                                                          VK_STRUCTURE_TYPE_VIDEO_ENCODE_RATE_CONTROL_LAYER_INFO_KHR};
   const VkVideoEncodeRateControlInfoKHR rate = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_ENCODE_RATE_CONTROL_INFO_KHR, .layerCount = 1, .pLayers = &layer};
   info.pNext = &rate;
   WRONG_CMD("more layers than the GPU has", vkCmdBeginVideoCodingKHR, .pBeginInfo = &info);
   info = coding();
#endif
   begin_coding(&info);
   GOOD_CMD(vkCmdControlVideoCodingKHR, .pCodingControlInfo = &control);
   GOOD_CMD(vkCmdEndVideoCodingKHR, .pEndCodingInfo = &end);
   begin_coding(&info);
   WRONG_CMD("another video is being recorded", vkCmdBeginVideoCodingKHR, .pBeginInfo = &info);
}

static void destroy_session(unsigned which)
{
   DO(vkDestroyVideoSessionKHR, .device = DEVICE_OBJECT, .videoSession = OBJECT(VkVideoSessionKHR, which));
}

static void destroy_parameters(unsigned which)
{
   DO(vkDestroyVideoSessionParametersKHR, .device = DEVICE_OBJECT,
      .videoSessionParameters = OBJECT(VkVideoSessionParametersKHR, which));
}

/* What is destroyed while it is used, and what has its id then. */
static void check_lifetimes(void)
{
   const VkVideoCodingControlInfoKHR control = {.sType = VK_STRUCTURE_TYPE_VIDEO_CODING_CONTROL_INFO_KHR};
   const VkVideoEndCodingInfoKHR end = {.sType = VK_STRUCTURE_TYPE_VIDEO_END_CODING_INFO_KHR};
   const VkVideoSessionParametersUpdateInfoKHR update = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_PARAMETERS_UPDATE_INFO_KHR, .pNext = &add, .updateSequenceCount = 1};
   VkVideoBeginCodingInfoKHR info = coding();
   begin_coding(&info);
   destroy_session(SESSION);
   create_buffer(SESSION);
   WRONG_CMD("no coding of a video", vkCmdControlVideoCodingKHR, .pCodingControlInfo = &control);
   begin_coding(&info);
   destroy_session(SESSION);
   WRONG_CMD("no coding of a video", vkCmdEndVideoCodingKHR, .pEndCodingInfo = &end);
   begin_coding(&info);
   destroy_session(SESSION);
   create_session(SESSION);
   WRONG_CMD("no coding of a video", vkCmdEndVideoCodingKHR, .pEndCodingInfo = &end);
   begin_coding(&info);
   destroy_parameters(PARAMETERS);
   WRONG_CMD("no coding of a video", vkCmdControlVideoCodingKHR, .pCodingControlInfo = &control);
   begin_coding(&info);
   destroy_parameters(PARAMETERS);
   create_buffer(PARAMETERS);
   WRONG_CMD("no coding of a video", vkCmdEndVideoCodingKHR, .pEndCodingInfo = &end);
   destroy_session(SESSION);
   create_buffer(SESSION);
   WRONG("parameters have no session", vkUpdateVideoSessionParametersKHR,
         .videoSessionParameters = OBJECT(VkVideoSessionParametersKHR, PARAMETERS), .pUpdateInfo = &update);
}

/* A picture that is fine, and what `change` makes of it, which is not. */
struct decode {
   StdVideoDecodeH264PictureInfo std;
   uint32_t offsets[2];
   VkVideoDecodeH264PictureInfoKHR of;
   VkVideoReferenceSlotInfoKHR setup, slots[4];
   VkVideoDecodeInfoKHR info;
};

static struct decode decode;

static void reset_decode(void)
{
   resource.imageViewBinding = OBJECT(VkImageView, PICTURE_VIEW);
   decode = (struct decode){
      .std = {.seq_parameter_set_id = 3, .pic_parameter_set_id = 9},
      .offsets = {0, 99},
      .of = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_PICTURE_INFO_KHR,
             .pStdPictureInfo = &decode.std,
             .sliceCount = 2,
             .pSliceOffsets = decode.offsets},
      .setup = slot(0),
      .slots = {slot(1), slot(2), slot(3), slot(0)},
      .info = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_INFO_KHR,
               .pNext = &decode.of,
               .srcBuffer = OBJECT(VkBuffer, STREAM),
               .srcBufferOffset = SIZE - 100,
               .srcBufferRange = 100,
               .dstPictureResource = resource,
               .pSetupReferenceSlot = &decode.setup,
               .referenceSlotCount = 3,
               .pReferenceSlots = decode.slots},
   };
}

static void wrong_decode(const char *text)
{
   const VkVideoBeginCodingInfoKHR info = coding();
   begin_coding(&info);
   WRONG_CMD(text, vkCmdDecodeVideoKHR, .pDecodeInfo = &decode.info);
   reset_decode();
}

static void check_decode(void)
{
   const VkVideoBeginCodingInfoKHR info = coding();
   reset_decode();
   WRONG_CMD("no coding of a video", vkCmdDecodeVideoKHR, .pDecodeInfo = &decode.info);
   begin_coding(&info);
   GOOD_CMD(vkCmdDecodeVideoKHR, .pDecodeInfo = &decode.info);
   begin(COMMANDS); /* forgets the coding, too */
   decode.info.srcBufferRange = 101;
   wrong_decode("are not all in srcBuffer");
   decode.offsets[1] = 100;
   wrong_decode("not in the range of its stream");
   decode.of.sliceCount = 0;
   wrong_decode("not in the range of its stream");
   decode.std.pic_parameter_set_id = 10;
   wrong_decode("sets are not among the parameters");
   decode.info.pNext = NULL;
   wrong_decode("not one of the session's codec");
   decode.info.referenceSlotCount = 4;
   wrong_decode("more references than the session has");
   decode.slots[2].slotIndex = 4;
   wrong_decode("not one of the session's");
   decode.slots[2].slotIndex = -1;
   wrong_decode("not one of the session's");
   decode.slots[2].pNext = NULL;
   wrong_decode("does not say what its codec needs");
   decode.setup.pPictureResource = NULL;
   wrong_decode("a slot has no picture");
   decode.info.dstPictureResource.baseArrayLayer = 2;
   wrong_decode("layer 2 are not in a picture");
   decode.info.dstPictureResource.codedExtent.width = 65;
   wrong_decode("65x64 of layer 1");
   decode.info.dstPictureResource.imageViewBinding = OBJECT(VkImageView, VIEW);
   wrong_decode("not of an image for video");
}

/* Numbers by which drivers go through arrays of a fixed size. */
static void check_numbers(void)
{
#ifdef VK_KHR_video_decode_av1
   static const int32_t none[VK_MAX_VIDEO_AV1_REFERENCES_PER_FRAME_KHR] = {-1, -1, -1, -1, -1, -1, -1};
   const StdVideoAV1TileInfo tiles = {.TileCols = 0};
   const StdVideoAV1Quantization quantization = {.base_q_idx = 1};
   const StdVideoAV1LoopFilter filter = {.loop_filter_sharpness = 1};
   const StdVideoAV1CDEF cdef = {.cdef_bits = 4};
   const StdVideoDecodeAV1PictureInfo std = {
      .pTileInfo = &tiles, .pQuantization = &quantization, .pLoopFilter = &filter, .pCDEF = &cdef};
   VkVideoDecodeAV1PictureInfoKHR picture = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_AV1_PICTURE_INFO_KHR,
                                             .pStdPictureInfo = &std};
   memcpy(picture.referenceNameSlotIndices, none, sizeof(none));
   decode.info.pNext = &picture;
   wrong_decode("cdef_bits is too large");
#endif
#ifdef VP_HAS_VIDEO_ENCODE
   const StdVideoEncodeH265LongTermRefPics long_term = {.num_long_term_pics = 17};
   const StdVideoEncodeH265PictureInfo h265 = {.pLongTermRefPics = &long_term};
   const VkVideoEncodeH265PictureInfoKHR encoded = {.sType = VK_STRUCTURE_TYPE_VIDEO_ENCODE_H265_PICTURE_INFO_KHR,
                                                    .pStdPictureInfo = &h265};
   const VkVideoEncodeInfoKHR info = {.sType = VK_STRUCTURE_TYPE_VIDEO_ENCODE_INFO_KHR,
                                      .pNext = &encoded,
                                      .dstBuffer = OBJECT(VkBuffer, STREAM),
                                      .srcPictureResource = resource};
   WRONG_CMD("num_long_term_pics is too large", vkCmdEncodeVideoKHR, .pEncodeInfo = &info);
#endif
}

/* --- queries --- */

static void check_status(void)
{
   const VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                       .pNext = &profile,
                                       .queryType = VK_QUERY_TYPE_RESULT_STATUS_ONLY_KHR,
                                       .queryCount = 4};
   VkQueryPool pool = OBJECT(VkQueryPool, STATUS);
   GOOD(vkCreateQueryPool, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pQueryPool = &pool);
   GOOD_CMD(vkCmdCopyQueryPoolResults, .queryPool = pool, .queryCount = 4, .dstBuffer = OBJECT(VkBuffer, BUFFER),
            .dstOffset = SIZE - 16, .stride = 4, .flags = VK_QUERY_RESULT_WITH_STATUS_BIT_KHR);
   BAD_CMD("not all in dstBuffer", vkCmdCopyQueryPoolResults, .queryPool = OBJECT(VkQueryPool, QUERIES),
           .queryCount = 4, .dstBuffer = OBJECT(VkBuffer, BUFFER), .dstOffset = SIZE - 16, .stride = 4,
           .flags = VK_QUERY_RESULT_WITH_STATUS_BIT_KHR);
   open_video();
   const VkQueryResultFlags both = VK_QUERY_RESULT_WITH_STATUS_BIT_KHR | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT;
   uint64_t results[4] = {0};
   WRONG("either", vkGetQueryPoolResults, .queryPool = OBJECT(VkQueryPool, QUERIES), .queryCount = 2, .dataSize = 32,
         .pData = results, .stride = 16, .flags = VK_QUERY_RESULT_64_BIT | both);
   WRONG_CMD("either", vkCmdCopyQueryPoolResults, .queryPool = OBJECT(VkQueryPool, QUERIES), .queryCount = 2,
             .dstBuffer = OBJECT(VkBuffer, BUFFER), .stride = 16, .flags = both);
#ifdef VP_HAS_VIDEO_ENCODE
   VkQueryPoolCreateInfo feedback = info;
   feedback.queryType = VK_QUERY_TYPE_VIDEO_ENCODE_FEEDBACK_KHR;
   WRONG("what they are to tell", vkCreateQueryPool, .pCreateInfo = &feedback, .pQueryPool = &pool);
#endif
   profile.pNext = NULL;
   WRONG("the profile of a video lacks", vkCreateQueryPool, .pCreateInfo = &info, .pQueryPool = &pool);
}

int main(void)
{
   open_all();
   open_video();
   check_profiles();
   check_sessions();
   check_memory();
   check_sets();
   check_standards();
   check_coding();
   check_lifetimes();
   check_decode();
   check_numbers();
   check_status();
   session_close();
   return check_finish();
}

#else

int main(void)
{
   return 0;
}

#endif
