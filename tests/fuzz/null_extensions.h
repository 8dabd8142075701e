/* SPDX-License-Identifier: MIT */
#ifndef VP_FUZZ_NULL_EXTENSIONS_H
#define VP_FUZZ_NULL_EXTENSIONS_H

/* A part of the driver of null_vulkan.h: functions of extensions that do not travel as Vulkan has them. */

static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetDeviceFaultInfoEXT(VkDevice device, VkDeviceFaultCountsEXT *counts,
                                                                   VkDeviceFaultInfoEXT *info)
{
   (void)device;
   null_enter();
   const VkDeviceFaultCountsEXT room = *counts;
   counts->addressInfoCount = null_count(info ? room.addressInfoCount : UINT32_MAX);
   counts->vendorInfoCount = null_count(info ? room.vendorInfoCount : UINT32_MAX);
   counts->vendorBinarySize = null_count(info ? room.vendorBinarySize : UINT32_MAX);
   if (info)
      snprintf(info->description, sizeof(info->description), "nothing is wrong");
   if (info && info->pAddressInfos)
      null_touch(info->pAddressInfos, room.addressInfoCount, sizeof(*info->pAddressInfos));
   if (info && info->pVendorInfos)
      null_touch(info->pVendorInfos, room.vendorInfoCount, sizeof(*info->pVendorInfos));
   if (info && info->pVendorBinaryData)
      null_fill(info->pVendorBinaryData, room.vendorBinarySize, 1);
   const VkResult result = null_result();
   null_leave();
   return result;
}

/* Reads the bytes of the parameters, and as many as a kernel can have. */
static VKAPI_ATTR void VKAPI_CALL null_vkCmdCuLaunchKernelNVX(VkCommandBuffer commands, const VkCuLaunchInfoNVX *info)
{
   (void)commands;
   null_enter();
   if (info->extraCount != 1 || info->pExtras[0] != (void *)1 || info->pExtras[2] != (void *)2 || info->pExtras[4])
      abort();
   vp_enc_u64(&null_state.enc, *(const size_t *)info->pExtras[3]);
   for (size_t i = 0; i < 32768; i++)
      (void)((volatile const uint8_t *)info->pExtras[1])[i];
   if (null_object((uint64_t)(uintptr_t)info->function)->base.type != VK_OBJECT_TYPE_CU_FUNCTION_NVX)
      abort();
   null_leave();
}

#ifdef VK_KHR_video_queue

/* Of any profile. */
static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetPhysicalDeviceVideoCapabilitiesKHR(VkPhysicalDevice gpu,
                                                                                   const VkVideoProfileInfoKHR *profile,
                                                                                   VkVideoCapabilitiesKHR *capabilities)
{
   (void)gpu, (void)profile;
   null_enter();
   capabilities->maxCodedExtent = (VkExtent2D){4096, 4096};
   capabilities->maxDpbSlots = 4;
   capabilities->maxActiveReferencePictures = 3;
   const VkResult result = null_result();
   null_leave();
   return result;
}

/* All sessions need the same. */
static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetVideoSessionMemoryRequirementsKHR(
   VkDevice device, VkVideoSessionKHR session, uint32_t *count, VkVideoSessionMemoryRequirementsKHR *requirements)
{
   (void)device, (void)session;
   null_enter();
   *count = requirements && *count < 2 ? *count : 2;
   for (uint32_t i = 0; requirements && i < *count; i++) {
      requirements[i].memoryBindIndex = 7 * i;
      requirements[i].memoryRequirements = (VkMemoryRequirements){.size = 256, .alignment = 64, .memoryTypeBits = 1};
   }
   const VkResult result = null_result();
   null_leave();
   return result;
}

#endif

#ifdef VK_NV_cooperative_vector

/* All optimal layouts have as many bytes as elements. */
static VKAPI_ATTR VkResult VKAPI_CALL
null_vkConvertCooperativeVectorMatrixNV(VkDevice device, const VkConvertCooperativeVectorMatrixInfoNV *info)
{
   (void)device;
   null_enter();
   const uint64_t size = (uint64_t)info->numRows * info->numColumns;
   if (info->dstData.hostAddress) {
      volatile const uint8_t *source = info->srcData.hostAddress;
      for (size_t i = 0; i < info->srcSize; i++)
         (void)source[i];
      null_fill(info->dstData.hostAddress, *info->pDstSize, 1);
   } else {
      *info->pDstSize = size > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)size;
   }
   const VkResult result = null_result();
   null_leave();
   return result;
}

#endif

#ifdef VK_KHR_pipeline_binary

/* What a pipeline is made of is read as for its creation. */
static void null_read_pipeline(const VkPipelineCreateInfoKHR *info)
{
   const VkBaseInStructure *node = info ? info->pNext : NULL;
   if (node && node->sType == VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO) {
      const struct vp_cmd_vkCreateGraphicsPipelines a = {.createInfoCount = 1, .pCreateInfos = (const void *)node};
      vp_request_vkCreateGraphicsPipelines(&null_state.enc, 0, &a);
   } else if (node && node->sType == VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO) {
      const struct vp_cmd_vkCreateComputePipelines a = {.createInfoCount = 1, .pCreateInfos = (const void *)node};
      vp_request_vkCreateComputePipelines(&null_state.enc, 0, &a);
   } else if (node) {
      const struct vp_cmd_vkCreateRayTracingPipelinesKHR a = {.createInfoCount = 1, .pCreateInfos = (const void *)node};
      vp_request_vkCreateRayTracingPipelinesKHR(&null_state.enc, 0, &a);
   }
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetPipelineKeyKHR(VkDevice device, const VkPipelineCreateInfoKHR *info,
                                                               VkPipelineBinaryKeyKHR *key)
{
   (void)device;
   null_enter();
   null_read_pipeline(info);
   key->keySize = 4;
   null_fill(key->key, key->keySize, 1);
   const VkResult result = null_result();
   null_leave();
   return result;
}

/* Each has 8 bytes. */
static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetPipelineBinaryDataKHR(VkDevice device,
                                                                      const VkPipelineBinaryDataInfoKHR *info,
                                                                      VkPipelineBinaryKeyKHR *key, size_t *size,
                                                                      void *data)
{
   const size_t room = *size, needed = 8;
   (void)device;
   null_enter();
   if (null_object((uint64_t)(uintptr_t)info->pipelineBinary)->base.type != VK_OBJECT_TYPE_PIPELINE_BINARY_KHR)
      abort();
   key->keySize = 4;
   null_fill(key->key, key->keySize, 1);
   *size = needed;
   VkResult result = null_result();
   if (data && room < needed)
      result = VK_ERROR_NOT_ENOUGH_SPACE_KHR;
   else if (data)
      null_fill(data, needed, 1);
   null_leave();
   return result;
}

/* Of those that are given one for each, else two. */
static VKAPI_ATTR VkResult VKAPI_CALL null_vkCreatePipelineBinariesKHR(VkDevice device,
                                                                       const VkPipelineBinaryCreateInfoKHR *info,
                                                                       const VkAllocationCallbacks *allocator,
                                                                       VkPipelineBinaryHandlesInfoKHR *out)
{
   const VkPipelineBinaryKeysAndDataKHR *given = info->pKeysAndDataInfo;
   const uint32_t count = given ? given->binaryCount : 2, room = out->pipelineBinaryCount;
   (void)allocator;
   null_enter();
   null_read_pipeline(info->pPipelineCreateInfo);
   for (uint32_t i = 0; given && i < count; i++) {
      for (size_t k = 0; k < given->pPipelineBinaryData[i].dataSize; k++)
         (void)((volatile const uint8_t *)given->pPipelineBinaryData[i].pData)[k];
      if (given->pPipelineBinaryKeys[i].keySize > sizeof(given->pPipelineBinaryKeys[i].key))
         abort();
   }
   VkResult result = null_result();
   for (uint32_t i = 0; result >= 0 && out->pPipelineBinaries && i < room; i++) {
      out->pPipelineBinaries[i] =
         (VkPipelineBinaryKHR)(uintptr_t)(i < count
                                             ? null_object_create((uint64_t)(uintptr_t)device,
                                                                  VK_OBJECT_TYPE_PIPELINE_BINARY_KHR, false, result)
                                             : 0);
   }
   out->pipelineBinaryCount = out->pPipelineBinaries && room < count ? room : count;
   if (result == VK_SUCCESS && out->pPipelineBinaries && room < count)
      result = VK_INCOMPLETE;
   null_leave();
   return result;
}

#endif

#endif
