/* SPDX-License-Identifier: MIT */
/* Sets of parameters of H.264 and H.265 with all that they can have, and a picture that refers to others: for a GPU
 * that is played, which says what it was given (tests/e2e/layers/played_video.c). No stream is like that. */
#include "tests/e2e/extensions/part.h"

#ifdef VK_KHR_video_decode_h265

/* Numbers that differ. The structs are static: what is between their members is zero, on both sides. */
static void fill(void *array, size_t count, size_t size, uint32_t first)
{
   for (size_t i = 0; i < count; i++) {
      const uint32_t number = (first + (uint32_t)i) * 2654435761u;
      memcpy((char *)array + i * size, &number, size < 4 ? size : 4);
   }
}
#define FILL(array, first) fill(&(array), sizeof(array) / sizeof((array)[0]), sizeof((array)[0]), first)
/* Of two dimensions, of bytes or of numbers with two bytes. */
#define FILL_2(array, first) fill(&(array), sizeof(array) / sizeof((array)[0][0]), sizeof((array)[0][0]), first)

/* --- H.264 --- */

static StdVideoH264ScalingLists lists_h264 = {.scaling_list_present_mask = 0xfff,
                                              .use_default_scaling_matrix_mask = 0x123};
static StdVideoH264HrdParameters hrd_h264 = {
   .cpb_cnt_minus1 = 31, .bit_rate_scale = 5, .cpb_size_scale = 7, .time_offset_length = 24};
static StdVideoH264SequenceParameterSetVui vui_h264 = {
   .flags = {.overscan_info_present_flag = 1, .vcl_hrd_parameters_present_flag = 1, .fixed_frame_rate_flag = 1},
   .aspect_ratio_idc = STD_VIDEO_H264_ASPECT_RATIO_IDC_EXTENDED_SAR,
   .sar_width = 65535,
   .sar_height = 77,
   .video_format = 5,
   .time_scale = 60000,
   .num_units_in_tick = 1001,
   .max_dec_frame_buffering = 4,
   .pHrdParameters = &hrd_h264};
static int32_t offsets_h264[255];
static StdVideoH264SequenceParameterSet sequence_h264 = {.flags = {.constraint_set5_flag = 1,
                                                                   .frame_cropping_flag = 1,
                                                                   .seq_scaling_matrix_present_flag = 1,
                                                                   .vui_parameters_present_flag = 1},
                                                         .profile_idc = STD_VIDEO_H264_PROFILE_IDC_HIGH,
                                                         .level_idc = STD_VIDEO_H264_LEVEL_IDC_5_1,
                                                         .chroma_format_idc = STD_VIDEO_H264_CHROMA_FORMAT_IDC_420,
                                                         .seq_parameter_set_id = 31,
                                                         .log2_max_frame_num_minus4 = 12,
                                                         .pic_order_cnt_type = STD_VIDEO_H264_POC_TYPE_1,
                                                         .offset_for_non_ref_pic = -2147483647,
                                                         .offset_for_top_to_bottom_field = -1,
                                                         .num_ref_frames_in_pic_order_cnt_cycle = 255,
                                                         .max_num_ref_frames = 16,
                                                         .pic_width_in_mbs_minus1 = 119,
                                                         .pic_height_in_map_units_minus1 = 67,
                                                         .frame_crop_bottom_offset = 4,
                                                         .pOffsetForRefFrame = offsets_h264,
                                                         .pScalingLists = &lists_h264,
                                                         .pSequenceParameterSetVui = &vui_h264};
static StdVideoH264PictureParameterSet pictures_h264[2] = {
   {.flags = {.transform_8x8_mode_flag = 1, .pic_scaling_matrix_present_flag = 1},
    .seq_parameter_set_id = 31,
    .pic_parameter_set_id = 255,
    .num_ref_idx_l0_default_active_minus1 = 31,
    .weighted_bipred_idc = STD_VIDEO_H264_WEIGHTED_BIPRED_IDC_IMPLICIT,
    .pic_init_qp_minus26 = -26,
    .pic_init_qs_minus26 = 25,
    .chroma_qp_index_offset = -12,
    .second_chroma_qp_index_offset = 12,
    .pScalingLists = &lists_h264},
   /* Without its flag a pointer is not looked at, wherever it leads. */
   {.seq_parameter_set_id = 31, .pic_parameter_set_id = 1, .pScalingLists = (const StdVideoH264ScalingLists *)8}};

/* --- H.265 --- */

#define LAYERS 3

static StdVideoH265SubLayerHrdParameters layers[LAYERS];
static StdVideoH265HrdParameters hrd = {
   .flags = {.nal_hrd_parameters_present_flag = 1, .fixed_pic_rate_general_flag = 0x55, .low_delay_hrd_flag = 0x2a},
   .tick_divisor_minus2 = 98,
   .cpb_cnt_minus1 = {31, 1, 2, 0, 0, 0, 7},
   .pSubLayerHrdParametersNal = layers,
   .pSubLayerHrdParametersVcl = (const StdVideoH265SubLayerHrdParameters *)8};
static StdVideoH265ProfileTierLevel level = {.flags = {.general_tier_flag = 1, .general_frame_only_constraint_flag = 1},
                                             .general_profile_idc = STD_VIDEO_H265_PROFILE_IDC_MAIN_10,
                                             .general_level_idc = STD_VIDEO_H265_LEVEL_IDC_5_1};
static StdVideoH265DecPicBufMgr buffers;
static StdVideoH265ScalingLists lists;
static StdVideoH265PredictorPaletteEntries palette;
static StdVideoH265ShortTermRefPicSet short_sets[64];
static StdVideoH265LongTermRefPicsSps long_pictures = {.used_by_curr_pic_lt_sps_flag = 0xdeadbeef};
static StdVideoH265SequenceParameterSetVui vui = {
   .flags = {.bitstream_restriction_flag = 1, .vui_hrd_parameters_present_flag = 1, .restricted_ref_pic_lists_flag = 1},
   .aspect_ratio_idc = STD_VIDEO_H265_ASPECT_RATIO_IDC_160_99,
   .def_disp_win_right_offset = 4711,
   .vui_time_scale = 90000,
   .log2_max_mv_length_vertical = 15,
   .pHrdParameters = &hrd};
static StdVideoH265VideoParameterSet video = {.flags = {.vps_poc_proportional_to_timing_flag = 1},
                                              .vps_video_parameter_set_id = 15,
                                              .vps_max_sub_layers_minus1 = LAYERS - 1,
                                              .vps_time_scale = 1000000,
                                              .vps_num_ticks_poc_diff_one_minus1 = 3,
                                              .pDecPicBufMgr = &buffers,
                                              .pHrdParameters = &hrd,
                                              .pProfileTierLevel = &level};
static StdVideoH265SequenceParameterSet sequence = {.flags = {.sps_temporal_id_nesting_flag = 1,
                                                              .sps_scaling_list_data_present_flag = 1,
                                                              .long_term_ref_pics_present_flag = 1,
                                                              .vui_parameters_present_flag = 1,
                                                              .sps_palette_predictor_initializers_present_flag = 1,
                                                              .intra_boundary_filtering_disabled_flag = 1},
                                                    .chroma_format_idc = STD_VIDEO_H265_CHROMA_FORMAT_IDC_420,
                                                    .pic_width_in_luma_samples = 3840,
                                                    .pic_height_in_luma_samples = 2160,
                                                    .sps_video_parameter_set_id = 15,
                                                    .sps_max_sub_layers_minus1 = LAYERS - 1,
                                                    .sps_seq_parameter_set_id = 14,
                                                    .num_short_term_ref_pic_sets = 64,
                                                    .num_long_term_ref_pics_sps = 32,
                                                    .conf_win_bottom_offset = 8,
                                                    .sps_num_palette_predictor_initializers_minus1 = 127,
                                                    .pProfileTierLevel = &level,
                                                    .pDecPicBufMgr = &buffers,
                                                    .pScalingLists = &lists,
                                                    .pShortTermRefPicSet = short_sets,
                                                    .pLongTermRefPicsSps = &long_pictures,
                                                    .pSequenceParameterSetVui = &vui,
                                                    .pPredictorPaletteEntries = &palette};
static StdVideoH265PictureParameterSet picture = {.flags = {.dependent_slice_segments_enabled_flag = 1,
                                                            .pps_scaling_list_data_present_flag = 1,
                                                            .pps_palette_predictor_initializers_present_flag = 1,
                                                            .tiles_enabled_flag = 1},
                                                  .pps_pic_parameter_set_id = 63,
                                                  .pps_seq_parameter_set_id = 14,
                                                  .sps_video_parameter_set_id = 15,
                                                  .init_qp_minus26 = -26,
                                                  .pps_cb_qp_offset = -12,
                                                  .pps_cr_qp_offset = 12,
                                                  .chroma_qp_offset_list_len_minus1 = 5,
                                                  .cb_qp_offset_list = {-1, 2, -3, 4, -5, 6},
                                                  .pps_act_cr_qp_offset_plus3 = -9,
                                                  .num_tile_columns_minus1 = 18,
                                                  .num_tile_rows_minus1 = 20,
                                                  .pScalingLists = &lists,
                                                  .pPredictorPaletteEntries = &palette};

static void fill_sets(void)
{
   FILL(offsets_h264, 1);
   FILL_2(lists_h264.ScalingList4x4, 2);
   FILL_2(lists_h264.ScalingList8x8, 3);
   FILL(hrd_h264.bit_rate_value_minus1, 4);
   FILL(hrd_h264.cbr_flag, 5);
   for (unsigned i = 0; i < LAYERS; i++) {
      FILL(layers[i].bit_rate_value_minus1, 6 + i);
      FILL(layers[i].cpb_size_du_value_minus1, 9 + i);
      layers[i].cbr_flag = 0x80000001u + i;
   }
   FILL(hrd.elemental_duration_in_tc_minus1, 12);
   FILL(buffers.max_latency_increase_plus1, 13);
   FILL(buffers.max_num_reorder_pics, 14);
   FILL_2(lists.ScalingList4x4, 15);
   FILL_2(lists.ScalingList8x8, 16);
   FILL_2(lists.ScalingList16x16, 17);
   FILL_2(lists.ScalingList32x32, 18);
   FILL(lists.ScalingListDCCoef32x32, 19);
   FILL_2(palette.PredictorPaletteEntries, 20);
   FILL(long_pictures.lt_ref_pic_poc_lsb_sps, 21);
   FILL(picture.column_width_minus1, 22);
   FILL(picture.row_height_minus1, 23);
   for (unsigned i = 0; i < 64; i++) {
      short_sets[i].flags.inter_ref_pic_set_prediction_flag = i & 1;
      short_sets[i].delta_idx_minus1 = i;
      short_sets[i].num_negative_pics = (uint8_t)(i % 17);
      short_sets[i].num_positive_pics = 16;
      FILL(short_sets[i].delta_poc_s1_minus1, 24 + i);
   }
}

/* --- what is done with them --- */

static const VkVideoDecodeH264ProfileInfoKHR profile_h264 = {
   .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_PROFILE_INFO_KHR, .stdProfileIdc = STD_VIDEO_H264_PROFILE_IDC_HIGH};
static const VkVideoDecodeH265ProfileInfoKHR profile_h265 = {
   .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_PROFILE_INFO_KHR, .stdProfileIdc = STD_VIDEO_H265_PROFILE_IDC_MAIN_10};

static VkVideoProfileInfoKHR profile_of(bool is_h265)
{
   return (VkVideoProfileInfoKHR){.sType = VK_STRUCTURE_TYPE_VIDEO_PROFILE_INFO_KHR,
                                  .pNext = is_h265 ? (const void *)&profile_h265 : &profile_h264,
                                  .videoCodecOperation = is_h265 ? VK_VIDEO_CODEC_OPERATION_DECODE_H265_BIT_KHR
                                                                 : VK_VIDEO_CODEC_OPERATION_DECODE_H264_BIT_KHR,
                                  .chromaSubsampling = VK_VIDEO_CHROMA_SUBSAMPLING_420_BIT_KHR,
                                  .lumaBitDepth = VK_VIDEO_COMPONENT_BIT_DEPTH_8_BIT_KHR,
                                  .chromaBitDepth = VK_VIDEO_COMPONENT_BIT_DEPTH_8_BIT_KHR};
}

static VkVideoSessionKHR create_session(const struct gpu *gpu, bool is_h265, uint32_t version, VkResult expected)
{
   GET(gpu, CreateVideoSessionKHR);
   const VkVideoProfileInfoKHR profile = profile_of(is_h265);
   const VkExtensionProperties standard = {"a standard", version};
   const VkVideoSessionCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_CREATE_INFO_KHR,
                                             .queueFamilyIndex = gpu->family,
                                             .pVideoProfile = &profile,
                                             .pictureFormat = VK_FORMAT_G8_B8R8_2PLANE_420_UNORM,
                                             .maxCodedExtent = {64, 64},
                                             .referencePictureFormat = VK_FORMAT_G8_B8R8_2PLANE_420_UNORM,
                                             .maxDpbSlots = 17,
                                             .maxActiveReferencePictures = 16,
                                             .pStdHeaderVersion = &standard};
   VkVideoSessionKHR session = VK_NULL_HANDLE;
   const VkResult result = CreateVideoSessionKHR(gpu->device, &info, NULL, &session);
   printf("session: %d\n", result);
   NEED(result == expected && (session != VK_NULL_HANDLE) == (result == VK_SUCCESS));
   return session;
}

static VkVideoSessionParametersKHR create_parameters(const struct gpu *gpu, VkVideoSessionKHR session, const void *sets)
{
   GET(gpu, CreateVideoSessionParametersKHR);
   const VkVideoSessionParametersCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_PARAMETERS_CREATE_INFO_KHR, .pNext = sets, .videoSession = session};
   VkVideoSessionParametersKHR parameters;
   OK(CreateVideoSessionParametersKHR(gpu->device, &info, NULL, &parameters));
   return parameters;
}

static void run_sets_h264(const struct gpu *gpu)
{
   GET(gpu, UpdateVideoSessionParametersKHR);
   GET(gpu, DestroyVideoSessionParametersKHR);
   GET(gpu, DestroyVideoSessionKHR);
   VkVideoDecodeH264SessionParametersAddInfoKHR add = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_SESSION_PARAMETERS_ADD_INFO_KHR,
      .stdSPSCount = 1,
      .pStdSPSs = &sequence_h264,
      .stdPPSCount = 1,
      .pStdPPSs = pictures_h264};
   const VkVideoDecodeH264SessionParametersCreateInfoKHR sets = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_SESSION_PARAMETERS_CREATE_INFO_KHR,
      .maxStdSPSCount = 1,
      .maxStdPPSCount = 2,
      .pParametersAddInfo = &add};
   const VkVideoSessionParametersUpdateInfoKHR update = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_PARAMETERS_UPDATE_INFO_KHR, .pNext = &add, .updateSequenceCount = 1};
   create_session(gpu, false, 0, VK_ERROR_VIDEO_STD_VERSION_NOT_SUPPORTED_KHR);
   VkVideoSessionKHR session = create_session(gpu, false, VK_MAKE_VERSION(1, 2, 3), VK_SUCCESS);
   VkVideoSessionParametersKHR parameters = create_parameters(gpu, session, &sets);
   add.stdSPSCount = 0;
   add.pStdPPSs = pictures_h264 + 1;
   OK(UpdateVideoSessionParametersKHR(gpu->device, parameters, &update));
   DestroyVideoSessionParametersKHR(gpu->device, parameters, NULL);
   DestroyVideoSessionKHR(gpu->device, session, NULL);
}

static VkDeviceMemory bind_all(const struct gpu *gpu, VkVideoSessionKHR session)
{
   GET(gpu, GetVideoSessionMemoryRequirementsKHR);
   GET(gpu, BindVideoSessionMemoryKHR);
   VkVideoSessionMemoryRequirementsKHR needs[8];
   VkBindVideoSessionMemoryInfoKHR binds[8];
   VkMemoryRequirements all = {0};
   uint32_t count = 8;
   for (uint32_t i = 0; i < count; i++)
      needs[i] =
         (VkVideoSessionMemoryRequirementsKHR){.sType = VK_STRUCTURE_TYPE_VIDEO_SESSION_MEMORY_REQUIREMENTS_KHR};
   OK(GetVideoSessionMemoryRequirementsKHR(gpu->device, session, &count, needs));
   for (uint32_t i = 0; i < count; i++) {
      binds[i] = (VkBindVideoSessionMemoryInfoKHR){.sType = VK_STRUCTURE_TYPE_BIND_VIDEO_SESSION_MEMORY_INFO_KHR,
                                                   .memoryBindIndex = needs[i].memoryBindIndex,
                                                   .memoryOffset = all.size,
                                                   .memorySize = needs[i].memoryRequirements.size};
      all.size += needs[i].memoryRequirements.size;
      all.memoryTypeBits = needs[i].memoryRequirements.memoryTypeBits;
   }
   VkDeviceMemory memory = part_allocate(gpu, &all);
   for (uint32_t i = 0; i < count; i++)
      binds[i].memory = memory;
   OK(BindVideoSessionMemoryKHR(gpu->device, session, count, binds));
   return memory;
}

/* A picture that refers to 16 others. */
static void record_h265(const struct gpu *gpu, VkCommandBuffer commands, VkBuffer stream, VkImageView view)
{
   GET(gpu, CmdDecodeVideoKHR);
   static StdVideoDecodeH265ReferenceInfo references[17];
   static VkVideoDecodeH265DpbSlotInfoKHR dpb[17];
   VkVideoReferenceSlotInfoKHR slots[17];
   const VkVideoPictureResourceInfoKHR resource = {.sType = VK_STRUCTURE_TYPE_VIDEO_PICTURE_RESOURCE_INFO_KHR,
                                                   .codedOffset = {0, 1},
                                                   .codedExtent = {64, 48},
                                                   .imageViewBinding = view};
   const uint32_t segments[3] = {0, 1000, 8191};
   static StdVideoDecodeH265PictureInfo std = {.flags = {.IrapPicFlag = 1, .short_term_ref_pic_set_sps_flag = 1},
                                               .sps_video_parameter_set_id = 15,
                                               .pps_seq_parameter_set_id = 14,
                                               .pps_pic_parameter_set_id = 63,
                                               .NumDeltaPocsOfRefRpsIdx = 9,
                                               .PicOrderCntVal = -1000000,
                                               .NumBitsForSTRefPicSetInSlice = 0x4321,
                                               .RefPicSetStCurrBefore = {0, 1, 2, 3, 4, 5, 6, 7},
                                               .RefPicSetStCurrAfter = {8, 9, 255, 255, 255, 255, 255, 255},
                                               .RefPicSetLtCurr = {16, 255, 255, 255, 255, 255, 255, 255}};
   for (int i = 0; i < 17; i++) {
      references[i].flags.used_for_long_term_reference = i == 16;
      references[i].PicOrderCntVal = -i;
      dpb[i] = (VkVideoDecodeH265DpbSlotInfoKHR){.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_DPB_SLOT_INFO_KHR,
                                                 .pStdReferenceInfo = &references[i]};
      slots[i] = (VkVideoReferenceSlotInfoKHR){.sType = VK_STRUCTURE_TYPE_VIDEO_REFERENCE_SLOT_INFO_KHR,
                                               .pNext = &dpb[i],
                                               .slotIndex = 16 - i,
                                               .pPictureResource = &resource};
   }
   const VkVideoDecodeH265PictureInfoKHR of = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_PICTURE_INFO_KHR,
                                               .pStdPictureInfo = &std,
                                               .sliceSegmentCount = 3,
                                               .pSliceSegmentOffsets = segments};
   const VkVideoDecodeInfoKHR info = {.sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_INFO_KHR,
                                      .pNext = &of,
                                      .srcBuffer = stream,
                                      .srcBufferOffset = 256,
                                      .srcBufferRange = 8192,
                                      .dstPictureResource = resource,
                                      .pSetupReferenceSlot = &slots[16],
                                      .referenceSlotCount = 16,
                                      .pReferenceSlots = slots};
   CmdDecodeVideoKHR(commands, &info);
}

static void run_commands(const struct gpu *gpu, VkVideoSessionKHR session, VkVideoSessionParametersKHR parameters)
{
   GET(gpu, CmdBeginVideoCodingKHR);
   GET(gpu, CmdEndVideoCodingKHR);
   const VkVideoProfileInfoKHR profile = profile_of(true);
   const VkVideoProfileListInfoKHR profiles = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_PROFILE_LIST_INFO_KHR, .profileCount = 1, .pProfiles = &profile};
   const VkBufferCreateInfo buffer = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                      .pNext = &profiles,
                                      .size = 256 + 8192,
                                      .usage = VK_BUFFER_USAGE_VIDEO_DECODE_SRC_BIT_KHR};
   const VkVideoReferenceSlotInfoKHR slot = {.sType = VK_STRUCTURE_TYPE_VIDEO_REFERENCE_SLOT_INFO_KHR, .slotIndex = 16};
   const VkVideoBeginCodingInfoKHR begin = {.sType = VK_STRUCTURE_TYPE_VIDEO_BEGIN_CODING_INFO_KHR,
                                            .videoSession = session,
                                            .videoSessionParameters = parameters,
                                            .referenceSlotCount = 1,
                                            .pReferenceSlots = &slot};
   const VkVideoEndCodingInfoKHR end = {.sType = VK_STRUCTURE_TYPE_VIDEO_END_CODING_INFO_KHR};
   const struct part_image image =
      part_create_image(gpu, VK_FORMAT_G8_B8R8_2PLANE_420_UNORM, 64,
                        VK_IMAGE_USAGE_VIDEO_DECODE_DST_BIT_KHR | VK_IMAGE_USAGE_VIDEO_DECODE_DPB_BIT_KHR, &profiles);
   VkCommandPool pool;
   VkBuffer stream;
   VkCommandBuffer commands = gpu_create_commands(gpu, &pool);
   OK(vkCreateBuffer(gpu->device, &buffer, NULL, &stream));
   gpu_begin(commands);
   CmdBeginVideoCodingKHR(commands, &begin);
   record_h265(gpu, commands, stream, image.view);
   CmdEndVideoCodingKHR(commands, &end);
   gpu_run(gpu, commands);
   vkDestroyCommandPool(gpu->device, pool, NULL);
   vkDestroyBuffer(gpu->device, stream, NULL);
   part_destroy_image(gpu, &image);
}

static void run_sets_h265(const struct gpu *gpu)
{
   GET(gpu, DestroyVideoSessionParametersKHR);
   GET(gpu, DestroyVideoSessionKHR);
   const VkVideoDecodeH265SessionParametersAddInfoKHR add = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_SESSION_PARAMETERS_ADD_INFO_KHR,
      .stdVPSCount = 1,
      .pStdVPSs = &video,
      .stdSPSCount = 1,
      .pStdSPSs = &sequence,
      .stdPPSCount = 1,
      .pStdPPSs = &picture};
   const VkVideoDecodeH265SessionParametersCreateInfoKHR sets = {
      .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_SESSION_PARAMETERS_CREATE_INFO_KHR,
      .maxStdVPSCount = 1,
      .maxStdSPSCount = 1,
      .maxStdPPSCount = 1,
      .pParametersAddInfo = &add};
   VkVideoSessionKHR session = create_session(gpu, true, VK_MAKE_VERSION(1, 2, 3), VK_SUCCESS);
   VkDeviceMemory memory = bind_all(gpu, session);
   VkVideoSessionParametersKHR parameters = create_parameters(gpu, session, &sets);
   run_commands(gpu, session, parameters);
   DestroyVideoSessionParametersKHR(gpu->device, parameters, NULL);
   DestroyVideoSessionKHR(gpu->device, session, NULL);
   vkFreeMemory(gpu->device, memory, NULL);
}

void part_run_video_sets(struct gpu *gpu)
{
   if (!part_is_played())
      return;
   fill_sets();
   run_sets_h264(gpu);
   run_sets_h265(gpu);
}

#endif
