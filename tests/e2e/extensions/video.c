/* SPDX-License-Identifier: MIT */
/* VK_KHR_video_decode_h264: what a GPU can decode, and a picture that it decodes, whose pixels FFmpeg knows, too; and
 * for a GPU that is played the structs of the codecs with all that they can have (video_sets.c). */
#include <stdlib.h>

#include "tests/e2e/extensions/part.h"
#include "tests/e2e/extensions/picture.h"

#ifdef VK_KHR_video_decode_h264

#define SIDE 64u
#define PIXELS (SIDE * SIDE * 3 / 2)
#define FFMPEG_HASH 0xd29305f8 /* of its NV12 */

#define NV12 VK_FORMAT_G8_B8R8_2PLANE_420_UNORM

static const VkVideoDecodeH264ProfileInfoKHR h264 = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_PROFILE_INFO_KHR,
                                                     .stdProfileIdc = STD_VIDEO_H264_PROFILE_IDC_MAIN,
                                                     .pictureLayout =
                                                        VK_VIDEO_DECODE_H264_PICTURE_LAYOUT_PROGRESSIVE_KHR};
static const VkVideoProfileInfoKHR profile = {.sType = VK_STRUCTURE_TYPE_VIDEO_PROFILE_INFO_KHR,
                                              .pNext = &h264,
                                              .videoCodecOperation = VK_VIDEO_CODEC_OPERATION_DECODE_H264_BIT_KHR,
                                              .chromaSubsampling = VK_VIDEO_CHROMA_SUBSAMPLING_420_BIT_KHR,
                                              .lumaBitDepth = VK_VIDEO_COMPONENT_BIT_DEPTH_8_BIT_KHR,
                                              .chromaBitDepth = VK_VIDEO_COMPONENT_BIT_DEPTH_8_BIT_KHR};
static const VkVideoProfileListInfoKHR profiles = {
   .sType = VK_STRUCTURE_TYPE_VIDEO_PROFILE_LIST_INFO_KHR, .profileCount = 1, .pProfiles = &profile};

/* --- what the GPU can --- */

struct can {
   VkVideoCapabilitiesKHR of;
   VkVideoDecodeCapabilitiesKHR decode;
   VkVideoDecodeH264CapabilitiesKHR h264;
   bool status; /* its queue tells how decoding ended */
};

static void ask_formats(const struct gpu *gpu, VkImageUsageFlags usage)
{
   GET_INSTANCE(gpu, GetPhysicalDeviceVideoFormatPropertiesKHR);
   const VkPhysicalDeviceVideoFormatInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VIDEO_FORMAT_INFO_KHR, .pNext = &profiles, .imageUsage = usage};
   VkVideoFormatPropertiesKHR formats[16];
   uint32_t count = 0;
   VkResult result = GetPhysicalDeviceVideoFormatPropertiesKHR(gpu->physical, &info, &count, NULL);
   printf("formats for %#x: %d, %u\n", usage, result, count);
   count = count < 16 ? count : 16;
   for (uint32_t i = 0; i < count; i++)
      formats[i] = (VkVideoFormatPropertiesKHR){.sType = VK_STRUCTURE_TYPE_VIDEO_FORMAT_PROPERTIES_KHR};
   result = result < 0 ? result : GetPhysicalDeviceVideoFormatPropertiesKHR(gpu->physical, &info, &count, formats);
   for (uint32_t i = 0; result >= 0 && i < count; i++)
      printf("   %d, flags %#x, type %d, tiling %d, usage %#x, swizzle %d %d\n", formats[i].format,
             formats[i].imageCreateFlags, formats[i].imageType, formats[i].imageTiling, formats[i].imageUsageFlags,
             formats[i].componentMapping.r, formats[i].componentMapping.a);
}

static void ask_queue(const struct gpu *gpu, struct can *can)
{
   VkQueueFamilyQueryResultStatusPropertiesKHR status[32];
   VkQueueFamilyVideoPropertiesKHR video[32];
   VkQueueFamilyProperties2 families[32];
   uint32_t count = 32;
   for (uint32_t i = 0; i < count; i++) {
      status[i] = (VkQueueFamilyQueryResultStatusPropertiesKHR){
         .sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_QUERY_RESULT_STATUS_PROPERTIES_KHR};
      video[i] = (VkQueueFamilyVideoPropertiesKHR){.sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_VIDEO_PROPERTIES_KHR,
                                                   .pNext = &status[i]};
      families[i] =
         (VkQueueFamilyProperties2){.sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2, .pNext = &video[i]};
   }
   vkGetPhysicalDeviceQueueFamilyProperties2(gpu->physical, &count, families);
   can->status = status[gpu->family].queryResultStatusSupport;
   printf("queue: codecs %#x, status %u\n", video[gpu->family].videoCodecOperations & 7, can->status);
}

static struct can ask_gpu(const struct gpu *gpu)
{
   GET_INSTANCE(gpu, GetPhysicalDeviceVideoCapabilitiesKHR);
   struct can can = {
      .of = {.sType = VK_STRUCTURE_TYPE_VIDEO_CAPABILITIES_KHR},
      .decode = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_CAPABILITIES_KHR},
      .h264 = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_CAPABILITIES_KHR},
   };
   can.of.pNext = &can.decode;
   can.decode.pNext = &can.h264;
   OK(GetPhysicalDeviceVideoCapabilitiesKHR(gpu->physical, &profile, &can.of));
   printf("capabilities %#x, aligned %llu %llu, granularity %ux%u, from %ux%u to %ux%u, %u slots, %u references\n",
          can.of.flags, (unsigned long long)can.of.minBitstreamBufferOffsetAlignment,
          (unsigned long long)can.of.minBitstreamBufferSizeAlignment, can.of.pictureAccessGranularity.width,
          can.of.pictureAccessGranularity.height, can.of.minCodedExtent.width, can.of.minCodedExtent.height,
          can.of.maxCodedExtent.width, can.of.maxCodedExtent.height, can.of.maxDpbSlots,
          can.of.maxActiveReferencePictures);
   printf("%s %#x, decode %#x, level %d, fields at %d %d\n", can.of.stdHeaderVersion.extensionName,
          can.of.stdHeaderVersion.specVersion, can.decode.flags, can.h264.maxLevelIdc,
          can.h264.fieldOffsetGranularity.x, can.h264.fieldOffsetGranularity.y);
   ask_queue(gpu, &can);
   ask_formats(gpu, VK_IMAGE_USAGE_VIDEO_DECODE_DST_BIT_KHR | VK_IMAGE_USAGE_TRANSFER_SRC_BIT);
   ask_formats(gpu, VK_IMAGE_USAGE_VIDEO_DECODE_DPB_BIT_KHR);
   ask_formats(gpu, VK_IMAGE_USAGE_VIDEO_DECODE_DST_BIT_KHR | VK_IMAGE_USAGE_VIDEO_DECODE_DPB_BIT_KHR |
                       VK_IMAGE_USAGE_TRANSFER_SRC_BIT);
   can.of.pNext = can.decode.pNext = NULL; /* not in the copy */
   return can;
}

/* --- a session --- */

#define MAX_BINDS 32

struct session {
   VkVideoSessionKHR handle;
   VkVideoSessionParametersKHR parameters;
   VkDeviceMemory memory[MAX_BINDS];
   uint32_t binds;
};

static void bind_session(const struct gpu *gpu, struct session *session)
{
   GET(gpu, GetVideoSessionMemoryRequirementsKHR);
   GET(gpu, BindVideoSessionMemoryKHR);
   VkVideoSessionMemoryRequirementsKHR needs[MAX_BINDS];
   VkBindVideoSessionMemoryInfoKHR binds[MAX_BINDS];
   OK(GetVideoSessionMemoryRequirementsKHR(gpu->device, session->handle, &session->binds, NULL));
   NEED(session->binds <= MAX_BINDS);
   for (uint32_t i = 0; i < session->binds; i++)
      needs[i] =
         (VkVideoSessionMemoryRequirementsKHR){.sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_MEMORY_REQUIREMENTS_KHR};
   OK(GetVideoSessionMemoryRequirementsKHR(gpu->device, session->handle, &session->binds, needs));
   printf("the session needs");
   for (uint32_t i = 0; i < session->binds; i++) {
      printf(" %u: %llu", needs[i].memoryBindIndex, (unsigned long long)needs[i].memoryRequirements.size);
      session->memory[i] = part_allocate(gpu, &needs[i].memoryRequirements);
      binds[i] = (VkBindVideoSessionMemoryInfoKHR){.sType = VK_STRUCTURE_TYPE_BIND_VIDEO_SESSION_MEMORY_INFO_KHR,
                                                   .memoryBindIndex = needs[i].memoryBindIndex,
                                                   .memory = session->memory[i],
                                                   .memorySize = needs[i].memoryRequirements.size};
   }
   printf("\n");
   OK(BindVideoSessionMemoryKHR(gpu->device, session->handle, session->binds, binds));
}

/* What the stream of the picture says. */
static void create_parameters(const struct gpu *gpu, struct session *session)
{
   GET(gpu, CreateVideoSessionParametersKHR);
   const StdVideoH264SequenceParameterSetVui vui = {
      .flags = {.aspect_ratio_info_present_flag = 1, .timing_info_present_flag = 1, .bitstream_restriction_flag = 1},
      .aspect_ratio_idc = STD_VIDEO_H264_ASPECT_RATIO_IDC_SQUARE,
      .num_units_in_tick = 1,
      .time_scale = 50};
   const StdVideoH264SequenceParameterSet sequence = {.flags = {.constraint_set1_flag = 1,
                                                                .direct_8x8_inference_flag = 1,
                                                                .frame_mbs_only_flag = 1,
                                                                .vui_parameters_present_flag = 1},
                                                      .profile_idc = STD_VIDEO_H264_PROFILE_IDC_MAIN,
                                                      .level_idc = STD_VIDEO_H264_LEVEL_IDC_1_0,
                                                      .chroma_format_idc = STD_VIDEO_H264_CHROMA_FORMAT_IDC_420,
                                                      .pic_order_cnt_type = STD_VIDEO_H264_POC_TYPE_2,
                                                      .pic_width_in_mbs_minus1 = SIDE / 16 - 1,
                                                      .pic_height_in_map_units_minus1 = SIDE / 16 - 1,
                                                      .pSequenceParameterSetVui = &vui};
   const StdVideoH264PictureParameterSet picture = {
      .flags = {.deblocking_filter_control_present_flag = 1, .entropy_coding_mode_flag = 1},
      .pic_init_qp_minus26 = 10,
      .chroma_qp_index_offset = -2,
      .second_chroma_qp_index_offset = -2};
   const VkVideoDecodeH264SessionParametersAddInfoKHR add = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_SESSION_PARAMETERS_ADD_INFO_KHR,
      .stdSPSCount = 1,
      .pStdSPSs = &sequence,
      .stdPPSCount = 1,
      .pStdPPSs = &picture};
   const VkVideoDecodeH264SessionParametersCreateInfoKHR sets = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_SESSION_PARAMETERS_CREATE_INFO_KHR,
      .maxStdSPSCount = 1,
      .maxStdPPSCount = 1,
      .pParametersAddInfo = &add};
   const VkVideoSessionParametersCreateInfoKHR info = {.sType =
                                                          VK_STRUCTURE_TYPE_VIDEO_SESSION_PARAMETERS_CREATE_INFO_KHR,
                                                       .pNext = &sets,
                                                       .videoSession = session->handle};
   OK(CreateVideoSessionParametersKHR(gpu->device, &info, NULL, &session->parameters));
}

static struct session create_session(const struct gpu *gpu, const struct can *can)
{
   GET(gpu, CreateVideoSessionKHR);
   const VkVideoSessionCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_CREATE_INFO_KHR,
                                             .queueFamilyIndex = gpu->family,
                                             .pVideoProfile = &profile,
                                             .pictureFormat = NV12,
                                             .maxCodedExtent = {SIDE, SIDE},
                                             .referencePictureFormat = NV12,
                                             .maxDpbSlots = 1,
                                             .maxActiveReferencePictures = 1,
                                             .pStdHeaderVersion = &can->of.stdHeaderVersion};
   struct session session = {0};
   OK(CreateVideoSessionKHR(gpu->device, &info, NULL, &session.handle));
   bind_session(gpu, &session);
   create_parameters(gpu, &session);
   return session;
}

static void destroy_session(const struct gpu *gpu, const struct session *session)
{
   GET(gpu, DestroyVideoSessionParametersKHR);
   GET(gpu, DestroyVideoSessionKHR);
   DestroyVideoSessionParametersKHR(gpu->device, session->parameters, NULL);
   DestroyVideoSessionKHR(gpu->device, session->handle, NULL);
   for (uint32_t i = 0; i < session->binds; i++)
      vkFreeMemory(gpu->device, session->memory[i], NULL);
}

/* --- a picture --- */

struct buffer {
   VkBuffer handle;
   VkDeviceMemory memory;
   uint8_t *data;
   VkDeviceSize size;
};

static struct buffer create_buffer(const struct gpu *gpu, VkDeviceSize size, VkBufferUsageFlags usage,
                                   const void *chain)
{
   const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .pNext = chain, .size = size, .usage = usage};
   struct buffer buffer = {.size = size};
   VkPhysicalDeviceMemoryProperties types;
   VkMemoryRequirements needs;
   VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
   OK(vkCreateBuffer(gpu->device, &info, NULL, &buffer.handle));
   vkGetBufferMemoryRequirements(gpu->device, buffer.handle, &needs);
   vkGetPhysicalDeviceMemoryProperties(gpu->physical, &types);
   while (allocation.memoryTypeIndex < types.memoryTypeCount &&
          (!(needs.memoryTypeBits >> allocation.memoryTypeIndex & 1) ||
           (types.memoryTypes[allocation.memoryTypeIndex].propertyFlags & wanted) != wanted))
      allocation.memoryTypeIndex++;
   NEED(allocation.memoryTypeIndex < types.memoryTypeCount);
   allocation.allocationSize = needs.size;
   OK(vkAllocateMemory(gpu->device, &allocation, NULL, &buffer.memory));
   OK(vkBindBufferMemory(gpu->device, buffer.handle, buffer.memory, 0));
   OK(vkMapMemory(gpu->device, buffer.memory, 0, VK_WHOLE_SIZE, 0, (void **)&buffer.data));
   return buffer;
}

static void destroy_buffer(const struct gpu *gpu, const struct buffer *buffer)
{
   vkDestroyBuffer(gpu->device, buffer->handle, NULL);
   vkFreeMemory(gpu->device, buffer->memory, NULL);
}

static VkQueryPool create_pool(const struct gpu *gpu)
{
   const VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                       .pNext = &profile,
                                       .queryType = VK_QUERY_TYPE_RESULT_STATUS_ONLY_KHR,
                                       .queryCount = 2};
   VkQueryPool pool;
   OK(vkCreateQueryPool(gpu->device, &info, NULL, &pool));
   return pool;
}

struct decoding {
   VkCommandBuffer commands;
   const struct session *session;
   const struct buffer *stream;
   struct part_image picture, reference; /* the same where both are one */
   VkQueryPool pool;                     /* or null */
};

static VkVideoPictureResourceInfoKHR resource_of(const struct part_image *image)
{
   return (VkVideoPictureResourceInfoKHR){.sType = VK_STRUCTURE_TYPE_VIDEO_PICTURE_RESOURCE_INFO_KHR,
                                          .codedExtent = {SIDE, SIDE},
                                          .imageViewBinding = image->view};
}

static void record_decode(const struct gpu *gpu, const struct decoding *d, const VkVideoReferenceSlotInfoKHR *slot)
{
   GET(gpu, CmdDecodeVideoKHR);
   const StdVideoDecodeH264PictureInfo picture = {.flags = {.is_intra = 1, .IdrPicFlag = 1, .is_reference = 1}};
   const StdVideoDecodeH264ReferenceInfo reference = {0};
   const uint32_t offset = 0;
   const VkVideoDecodeH264PictureInfoKHR of = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_PICTURE_INFO_KHR,
                                               .pStdPictureInfo = &picture,
                                               .sliceCount = 1,
                                               .pSliceOffsets = &offset};
   const VkVideoDecodeH264DpbSlotInfoKHR dpb = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_DPB_SLOT_INFO_KHR,
                                                .pStdReferenceInfo = &reference};
   VkVideoReferenceSlotInfoKHR setup = *slot;
   setup.pNext = &dpb;
   setup.slotIndex = 0;
   const VkVideoDecodeInfoKHR info = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_INFO_KHR,
                                      .pNext = &of,
                                      .srcBuffer = d->stream->handle,
                                      .srcBufferRange = d->stream->size,
                                      .dstPictureResource = resource_of(&d->picture),
                                      .pSetupReferenceSlot = &setup};
   CmdDecodeVideoKHR(d->commands, &info);
}

static void record_coding(const struct gpu *gpu, const struct decoding *d)
{
   GET(gpu, CmdBeginVideoCodingKHR);
   GET(gpu, CmdControlVideoCodingKHR);
   GET(gpu, CmdEndVideoCodingKHR);
   const VkVideoPictureResourceInfoKHR resource = resource_of(&d->reference);
   const VkVideoReferenceSlotInfoKHR slot = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_REFERENCE_SLOT_INFO_KHR, .slotIndex = -1, .pPictureResource = &resource};
   const VkVideoBeginCodingInfoKHR begin = {.sType = VK_STRUCTURE_TYPE_VIDEO_BEGIN_CODING_INFO_KHR,
                                            .videoSession = d->session->handle,
                                            .videoSessionParameters = d->session->parameters,
                                            .referenceSlotCount = 1,
                                            .pReferenceSlots = &slot};
   const VkVideoCodingControlInfoKHR control = {.sType = VK_STRUCTURE_TYPE_VIDEO_CODING_CONTROL_INFO_KHR,
                                                .flags = VK_VIDEO_CODING_CONTROL_RESET_BIT_KHR};
   const VkVideoEndCodingInfoKHR end = {.sType = VK_STRUCTURE_TYPE_VIDEO_END_CODING_INFO_KHR};
   CmdBeginVideoCodingKHR(d->commands, &begin);
   CmdControlVideoCodingKHR(d->commands, &control);
   if (d->pool)
      vkCmdBeginQuery(d->commands, d->pool, 0, 0);
   record_decode(gpu, d, &slot);
   if (d->pool)
      vkCmdEndQuery(d->commands, d->pool, 0);
   CmdEndVideoCodingKHR(d->commands, &end);
}

static void change_layout(VkCommandBuffer commands, VkImage image, VkImageLayout from, VkImageLayout to)
{
   const VkImageMemoryBarrier2 barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER_2,
                                          .srcStageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
                                          .srcAccessMask = VK_ACCESS_2_MEMORY_WRITE_BIT,
                                          .dstStageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
                                          .dstAccessMask = VK_ACCESS_2_MEMORY_READ_BIT | VK_ACCESS_2_MEMORY_WRITE_BIT,
                                          .oldLayout = from,
                                          .newLayout = to,
                                          .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                          .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                          .image = image,
                                          .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
   const VkDependencyInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO, .imageMemoryBarrierCount = 1, .pImageMemoryBarriers = &barrier};
   vkCmdPipelineBarrier2(commands, &info);
}

/* Everything, with the picture in the buffer at the end. */
static void record_all(const struct gpu *gpu, const struct decoding *d, const struct buffer *out)
{
   const bool one = d->picture.handle == d->reference.handle;
   const VkImageLayout layout = one ? VK_IMAGE_LAYOUT_VIDEO_DECODE_DPB_KHR : VK_IMAGE_LAYOUT_VIDEO_DECODE_DST_KHR;
   const VkBufferImageCopy planes[2] = {
      {.imageSubresource = {VK_IMAGE_ASPECT_PLANE_0_BIT, 0, 0, 1}, .imageExtent = {SIDE, SIDE, 1}},
      {.bufferOffset = SIDE * SIDE,
       .imageSubresource = {VK_IMAGE_ASPECT_PLANE_1_BIT, 0, 0, 1},
       .imageExtent = {SIDE / 2, SIDE / 2, 1}}};
   gpu_begin(d->commands);
   if (d->pool)
      vkCmdResetQueryPool(d->commands, d->pool, 0, 2);
   change_layout(d->commands, d->picture.handle, VK_IMAGE_LAYOUT_UNDEFINED, layout);
   if (!one)
      change_layout(d->commands, d->reference.handle, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_VIDEO_DECODE_DPB_KHR);
   record_coding(gpu, d);
   change_layout(d->commands, d->picture.handle, layout, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
   vkCmdCopyImageToBuffer(d->commands, d->picture.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, out->handle, 2, planes);
   gpu_run(gpu, d->commands);
}

static void tell_status(const struct gpu *gpu, VkQueryPool pool)
{
   int32_t narrow[2] = {77, 77};
   int64_t wide[2] = {77, 77};
   const VkResult first = vkGetQueryPoolResults(gpu->device, pool, 0, 1, sizeof(narrow), narrow, sizeof(narrow[0]),
                                                VK_QUERY_RESULT_WITH_STATUS_BIT_KHR);
   const VkResult second = vkGetQueryPoolResults(gpu->device, pool, 0, 2, sizeof(wide), wide, sizeof(wide[0]),
                                                 VK_QUERY_RESULT_WITH_STATUS_BIT_KHR | VK_QUERY_RESULT_64_BIT);
   printf("status %d: %d; %d: %lld, the other %lld\n", first, narrow[0], second, (long long)wide[0],
          (long long)wide[1]);
}

static void run_h264(struct gpu *gpu)
{
   const struct can can = ask_gpu(gpu);
   const bool one = can.decode.flags & VK_VIDEO_DECODE_CAPABILITY_DPB_AND_OUTPUT_COINCIDE_BIT_KHR;
   const VkDeviceSize step = can.of.minBitstreamBufferSizeAlignment ? can.of.minBitstreamBufferSizeAlignment : 1;
   const struct session session = create_session(gpu, &can);
   const struct buffer stream = create_buffer(gpu, (sizeof(picture_h264) + step - 1) / step * step,
                                              VK_BUFFER_USAGE_VIDEO_DECODE_SRC_BIT_KHR, &profiles);
   const struct buffer out = create_buffer(gpu, PIXELS, VK_BUFFER_USAGE_TRANSFER_DST_BIT, NULL);
   const VkImageUsageFlags picture = VK_IMAGE_USAGE_VIDEO_DECODE_DST_BIT_KHR | VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
   const VkImageUsageFlags reference = VK_IMAGE_USAGE_VIDEO_DECODE_DPB_BIT_KHR;
   struct decoding d = {.session = &session, .stream = &stream, .pool = can.status ? create_pool(gpu) : VK_NULL_HANDLE};
   VkCommandPool pool;
   d.commands = gpu_create_commands(gpu, &pool);
   d.picture = part_create_image(gpu, NV12, SIDE, one ? picture | reference : picture, &profiles);
   d.reference = one ? d.picture : part_create_image(gpu, NV12, SIDE, reference, &profiles);
   memcpy(stream.data, picture_h264, sizeof(picture_h264));
   record_all(gpu, &d, &out);
   if (d.pool)
      tell_status(gpu, d.pool);
   const uint32_t hash = part_hash(out.data, PIXELS);
   if (!part_is_played()) {
      printf("picture %08x, which is %s\n", hash, hash == FFMPEG_HASH ? "right" : "not FFmpeg's");
      NEED(hash == FFMPEG_HASH);
   }
   vkDestroyQueryPool(gpu->device, d.pool, NULL);
   vkDestroyCommandPool(gpu->device, pool, NULL);
   part_destroy_image(gpu, &d.picture);
   if (!one)
      part_destroy_image(gpu, &d.reference);
   destroy_buffer(gpu, &stream);
   destroy_buffer(gpu, &out);
   destroy_session(gpu, &session);
}

static VkPhysicalDeviceSynchronization2Features features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SYNCHRONIZATION_2_FEATURES};

const struct part parts_video[] = {
   {.name = "video_decode_h264",
    .extensions =
       (const char *const[]){VK_KHR_VIDEO_DECODE_H264_EXTENSION_NAME, VK_KHR_VIDEO_DECODE_QUEUE_EXTENSION_NAME,
                             VK_KHR_VIDEO_QUEUE_EXTENSION_NAME, NULL},
    .run = run_h264,
    .features = &features,
    .queue = VK_QUEUE_VIDEO_DECODE_BIT_KHR | VK_QUEUE_TRANSFER_BIT},
   {.name = "video_sets",
    .extensions =
       (const char *const[]){VK_KHR_VIDEO_DECODE_H265_EXTENSION_NAME, VK_KHR_VIDEO_DECODE_H264_EXTENSION_NAME,
                             VK_KHR_VIDEO_DECODE_QUEUE_EXTENSION_NAME, VK_KHR_VIDEO_QUEUE_EXTENSION_NAME, NULL},
    .run = part_run_video_sets,
    .features = &features,
    .queue = VK_QUEUE_VIDEO_DECODE_BIT_KHR},
   {0}};

#else

const struct part parts_video[] = {{0}};

#endif
