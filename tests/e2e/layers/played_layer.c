/* SPDX-License-Identifier: MIT */

/* A Vulkan layer that plays a GPU with extensions that few have, natively or under the server: its answers follow from
 * what it is given, so that both say the same when all of that comes through. Nothing is executed. One device at a
 * time. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/layers/layer.h"
#include "tests/e2e/layers/played_video.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL played_get_instance_proc_addr(VkInstance instance, const char *name);
EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL played_get_device_proc_addr(VkDevice device, const char *name);

static PFN_vkGetInstanceProcAddr next_instance;
static PFN_vkGetDeviceProcAddr next_device;
static PFN_vkEnumerateDeviceExtensionProperties next_enumerate;

static uint32_t hash_of(const void *data, size_t size)
{
   const uint8_t *bytes = data;
   uint32_t hash = 1;
   for (size_t i = 0; i < size; i++)
      hash = hash * 31 + bytes[i];
   return hash;
}

/* Fills the application's array as two calls want it. */
static uint32_t give_count(uint32_t *count, uint32_t have, const void *array)
{
   *count = array && *count < have ? *count : have;
   return *count;
}

/* --- faults and checkpoints --- */

static VKAPI_ATTR VkResult VKAPI_CALL get_fault(VkDevice device, VkDeviceFaultCountsEXT *counts,
                                                VkDeviceFaultInfoEXT *info)
{
   (void)device;
   const VkDeviceFaultCountsEXT room = *counts;
   counts->addressInfoCount = 2;
   counts->vendorInfoCount = 1;
   counts->vendorBinarySize = 100;
   if (!info)
      return VK_SUCCESS;
   if (room.addressInfoCount < 2 || room.vendorInfoCount < 1 || room.vendorBinarySize < 100)
      return VK_INCOMPLETE;
   strcpy(info->description, "played");
   for (uint32_t i = 0; i < 2; i++)
      info->pAddressInfos[i] = (VkDeviceFaultAddressInfoEXT){VK_DEVICE_FAULT_ADDRESS_TYPE_WRITE_INVALID_EXT,
                                                             UINT64_C(0xdeadbeef0000) + i, 4096u << i};
   info->pVendorInfos[0] = (VkDeviceFaultVendorInfoEXT){"a vendor's words", 17, UINT64_C(1) << 40};
   memset(info->pVendorBinaryData, 0x5a, 100);
   return VK_SUCCESS;
}

static const void *checkpoints[16];
static uint32_t checkpoint_count;

static VKAPI_ATTR void VKAPI_CALL set_checkpoint(VkCommandBuffer commands, const void *marker)
{
   (void)commands;
   checkpoints[checkpoint_count++ % 16] = marker;
}

static VKAPI_ATTR void VKAPI_CALL get_checkpoints(VkQueue queue, uint32_t *count, VkCheckpointDataNV *data)
{
   (void)queue;
   give_count(count, checkpoint_count < 16 ? checkpoint_count : 16, data);
   for (uint32_t i = 0; data && i < *count; i++) {
      data[i].stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
      data[i].pCheckpointMarker = (void *)(uintptr_t)checkpoints[i];
   }
}

static VKAPI_ATTR void VKAPI_CALL copy_indirect(VkCommandBuffer commands, VkDeviceAddress address, uint32_t count,
                                                uint32_t stride)
{
   (void)commands, (void)address, (void)count, (void)stride;
}

/* --- binaries of CUDA: a kernel says what it was launched with --- */

static VKAPI_ATTR VkResult VKAPI_CALL create_module(VkDevice device, const VkCuModuleCreateInfoNVX *info,
                                                    const VkAllocationCallbacks *allocator, VkCuModuleNVX *module)
{
   (void)device, (void)allocator;
   *module = (VkCuModuleNVX)(uintptr_t)(hash_of(info->pData, info->dataSize) | 1);
   return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_function(VkDevice device, const VkCuFunctionCreateInfoNVX *info,
                                                      const VkAllocationCallbacks *allocator, VkCuFunctionNVX *function)
{
   (void)device, (void)allocator;
   *function = (VkCuFunctionNVX)(uintptr_t)(hash_of(info->pName, strlen(info->pName)) | 1);
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_module(VkDevice device, VkCuModuleNVX module,
                                                 const VkAllocationCallbacks *allocator)
{
   (void)device, (void)module, (void)allocator;
}

static VKAPI_ATTR void VKAPI_CALL destroy_function(VkDevice device, VkCuFunctionNVX function,
                                                   const VkAllocationCallbacks *allocator)
{
   (void)device, (void)function, (void)allocator;
}

/* Of the program's kernel: what is behind the address counts. */
static VKAPI_ATTR void VKAPI_CALL launch(VkCommandBuffer commands, const VkCuLaunchInfoNVX *info)
{
   uint16_t factor = 0;
   uint32_t add = 0;
   (void)commands;
   if (info->paramCount == 3) {
      memcpy(&factor, info->pParams[1], sizeof(factor));
      memcpy(&add, info->pParams[2], sizeof(add));
   } else if (info->extraCount) {
      memcpy(&factor, (const char *)info->pExtras[1] + 8, sizeof(factor));
      memcpy(&add, (const char *)info->pExtras[1] + 12, sizeof(add));
   }
   fprintf(stderr, "played: launched %ux%ux%u with %u and %u\n", info->blockDimX, info->blockDimY, info->blockDimZ,
           factor, add);
}

#ifdef VK_NV_cooperative_vector

/* --- cooperative vectors: an optimal layout has its bytes turned over --- */

static VKAPI_ATTR VkResult VKAPI_CALL convert(VkDevice device, const VkConvertCooperativeVectorMatrixInfoNV *info)
{
   const size_t size = (size_t)info->numRows * info->numColumns * 2;
   (void)device;
   if (!info->dstData.hostAddress) {
      *info->pDstSize = size;
      return VK_SUCCESS;
   }
   if (*info->pDstSize < size)
      return VK_INCOMPLETE;
   for (size_t i = 0; i < size; i++)
      ((uint8_t *)info->dstData.hostAddress)[i] = (uint8_t) ~((const uint8_t *)info->srcData.hostAddress)[i];
   *info->pDstSize = size;
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL record_convert(VkCommandBuffer commands, uint32_t count,
                                                 const VkConvertCooperativeVectorMatrixInfoNV *infos)
{
   (void)commands;
   for (uint32_t i = 0; i < count; i++)
      fprintf(stderr, "played: converts %ux%u, %zu bytes to %zu\n", infos[i].numRows, infos[i].numColumns,
              infos[i].srcSize, *infos[i].pDstSize);
}

#endif

#ifdef VK_KHR_pipeline_binary

/* --- pipeline binaries: each pipeline has two --- */

static void give_key(VkPipelineBinaryKeyKHR *key, uint32_t number)
{
   key->keySize = 8;
   memset(key->key, 0, sizeof(key->key));
   memcpy(key->key, &number, sizeof(number));
}

static VKAPI_ATTR VkResult VKAPI_CALL get_key(VkDevice device, const VkPipelineCreateInfoKHR *info,
                                              VkPipelineBinaryKeyKHR *key)
{
   const VkComputePipelineCreateInfo *compute = info ? info->pNext : NULL;
   (void)device;
   give_key(key, compute ? compute->sType ^ hash_of(compute->stage.pName, strlen(compute->stage.pName)) : 4711);
   return VK_SUCCESS;
}

/* A binary is its number, from 1. */
static VKAPI_ATTR VkResult VKAPI_CALL create_binaries(VkDevice device, const VkPipelineBinaryCreateInfoKHR *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkPipelineBinaryHandlesInfoKHR *out)
{
   const VkPipelineBinaryKeysAndDataKHR *given = info->pKeysAndDataInfo;
   const uint32_t room = out->pipelineBinaryCount, have = given ? given->binaryCount : 2;
   (void)device, (void)allocator;
   for (uint32_t i = 0; given && i < have; i++) {
      if (given->pPipelineBinaryKeys[i].key[0] != i + 1 || given->pPipelineBinaryData[i].dataSize != 1000 + i)
         return VK_ERROR_UNKNOWN;
   }
   give_count(&out->pipelineBinaryCount, have, out->pPipelineBinaries);
   for (uint32_t i = 0; out->pPipelineBinaries && i < out->pipelineBinaryCount; i++)
      out->pPipelineBinaries[i] = (VkPipelineBinaryKHR)(uintptr_t)(i + 1);
   return out->pPipelineBinaries && room < have ? VK_INCOMPLETE : VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_binary(VkDevice device, VkPipelineBinaryKHR binary,
                                                 const VkAllocationCallbacks *allocator)
{
   (void)device, (void)binary, (void)allocator;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_data(VkDevice device, const VkPipelineBinaryDataInfoKHR *info,
                                               VkPipelineBinaryKeyKHR *key, size_t *size, void *data)
{
   const uint32_t number = (uint32_t)(uintptr_t)info->pipelineBinary;
   const size_t room = *size, have = 999 + number;
   (void)device;
   give_key(key, number);
   *size = have;
   if (data && room < have)
      return VK_ERROR_NOT_ENOUGH_SPACE_KHR;
   if (data)
      memset(data, (int)number, have);
   return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL release(VkDevice device, const VkReleaseCapturedPipelineDataInfoKHR *info,
                                              const VkAllocationCallbacks *allocator)
{
   (void)device, (void)allocator;
   return info->pipeline ? VK_SUCCESS : VK_ERROR_UNKNOWN;
}

#endif

/* --- sparse binding and priorities of queues --- */

#define PRIORITIES 3

static PFN_vkGetPhysicalDeviceFeatures next_features;
static PFN_vkGetPhysicalDeviceFeatures2 next_features2;
static PFN_vkGetPhysicalDeviceImageFormatProperties next_format;
static PFN_vkGetPhysicalDeviceImageFormatProperties2 next_format2;
static PFN_vkGetPhysicalDeviceQueueFamilyProperties2 next_families;
#ifdef VK_KHR_maintenance7
static PFN_vkGetPhysicalDeviceProperties2 next_properties2;
#endif

static VKAPI_ATTR void VKAPI_CALL get_features(VkPhysicalDevice gpu, VkPhysicalDeviceFeatures *features)
{
   next_features(gpu, features);
   features->sparseBinding = VK_TRUE;
}

static VKAPI_ATTR void VKAPI_CALL get_features2(VkPhysicalDevice gpu, VkPhysicalDeviceFeatures2 *features)
{
   next_features2(gpu, features);
   features->features.sparseBinding = VK_TRUE;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_format(VkPhysicalDevice gpu, VkFormat format, VkImageType type,
                                                 VkImageTiling tiling, VkImageUsageFlags usage,
                                                 VkImageCreateFlags flags, VkImageFormatProperties *properties)
{
   return next_format(gpu, format, type, tiling, usage, flags & ~(VkImageCreateFlags)VK_IMAGE_CREATE_SPARSE_BINDING_BIT,
                      properties);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_format2(VkPhysicalDevice gpu, const VkPhysicalDeviceImageFormatInfo2 *info,
                                                  VkImageFormatProperties2 *properties)
{
   VkPhysicalDeviceImageFormatInfo2 real = *info;
   real.flags &= ~(VkImageCreateFlags)VK_IMAGE_CREATE_SPARSE_BINDING_BIT;
   return next_format2(gpu, &real, properties);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_image(VkDevice device, const VkImageCreateInfo *info,
                                                   const VkAllocationCallbacks *allocator, VkImage *image)
{
   VkImageCreateInfo real = *info;
   real.flags &= ~(VkImageCreateFlags)VK_IMAGE_CREATE_SPARSE_BINDING_BIT;
   return ((PFN_vkCreateImage)next_device(device, "vkCreateImage"))(device, &real, allocator, image);
}

#ifdef VK_KHR_maintenance7

/* No other API lies under the GPU's. */
static VKAPI_ATTR void VKAPI_CALL get_properties2(VkPhysicalDevice gpu, VkPhysicalDeviceProperties2 *properties)
{
   next_properties2(gpu, properties);
   for (VkBaseOutStructure *node = properties->pNext; node; node = node->pNext) {
      if (node->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_LAYERED_API_PROPERTIES_LIST_KHR)
         ((VkPhysicalDeviceLayeredApiPropertiesListKHR *)node)->layeredApiCount = 0;
   }
}

#endif

static VKAPI_ATTR void VKAPI_CALL get_families(VkPhysicalDevice gpu, uint32_t *count,
                                               VkQueueFamilyProperties2 *families)
{
   next_families(gpu, count, families);
   for (uint32_t i = 0; families && i < *count; i++) {
      for (VkBaseOutStructure *node = families[i].pNext; node; node = node->pNext) {
         VkQueueFamilyGlobalPriorityPropertiesKHR *priorities = (void *)node;
         if (node->sType != VK_STRUCTURE_TYPE_QUEUE_FAMILY_GLOBAL_PRIORITY_PROPERTIES_KHR)
            continue;
         priorities->priorityCount = PRIORITIES;
         for (uint32_t p = 0; p < PRIORITIES; p++)
            priorities->priorities[p] = (VkQueueGlobalPriorityKHR)(VK_QUEUE_GLOBAL_PRIORITY_LOW_KHR << p);
      }
   }
   if (families)
      played_video_families(families, *count);
}

static void find_next(VkInstance instance)
{
   next_features = (PFN_vkGetPhysicalDeviceFeatures)next_instance(instance, "vkGetPhysicalDeviceFeatures");
   next_features2 = (PFN_vkGetPhysicalDeviceFeatures2)next_instance(instance, "vkGetPhysicalDeviceFeatures2");
   next_format =
      (PFN_vkGetPhysicalDeviceImageFormatProperties)next_instance(instance, "vkGetPhysicalDeviceImageFormatProperties");
   next_format2 = (PFN_vkGetPhysicalDeviceImageFormatProperties2)next_instance(
      instance, "vkGetPhysicalDeviceImageFormatProperties2");
#ifdef VK_KHR_maintenance7
   next_properties2 = (PFN_vkGetPhysicalDeviceProperties2)next_instance(instance, "vkGetPhysicalDeviceProperties2");
#endif
   next_families = (PFN_vkGetPhysicalDeviceQueueFamilyProperties2)next_instance(
      instance, "vkGetPhysicalDeviceQueueFamilyProperties2");
}

/* --- what the GPU has --- */

static const char *const played[] = {
   VK_EXT_DEVICE_FAULT_EXTENSION_NAME,        VK_NV_DEVICE_DIAGNOSTIC_CHECKPOINTS_EXTENSION_NAME,
   VK_NVX_BINARY_IMPORT_EXTENSION_NAME,       VK_KHR_GLOBAL_PRIORITY_EXTENSION_NAME,
#ifdef VK_NV_copy_memory_indirect
   VK_NV_COPY_MEMORY_INDIRECT_EXTENSION_NAME,
#endif
#ifdef VK_NV_cooperative_vector
   VK_NV_COOPERATIVE_VECTOR_EXTENSION_NAME,
#endif
#ifdef VK_KHR_pipeline_binary
   VK_KHR_PIPELINE_BINARY_EXTENSION_NAME,
#endif
#ifdef VK_KHR_maintenance7
   VK_KHR_MAINTENANCE_7_EXTENSION_NAME,
#endif
#ifdef VK_KHR_video_decode_h264
   VK_KHR_VIDEO_QUEUE_EXTENSION_NAME,         VK_KHR_VIDEO_DECODE_QUEUE_EXTENSION_NAME,
   VK_KHR_VIDEO_DECODE_H264_EXTENSION_NAME,   VK_KHR_VIDEO_DECODE_H265_EXTENSION_NAME,
#endif
};
#define PLAYED (sizeof(played) / sizeof(*played))

static bool is_played(const char *name)
{
   for (size_t i = 0; i < PLAYED; i++) {
      if (strcmp(played[i], name) == 0)
         return true;
   }
   return false;
}

static VKAPI_ATTR VkResult VKAPI_CALL enumerate(VkPhysicalDevice gpu, const char *layer, uint32_t *count,
                                                VkExtensionProperties *properties)
{
   VkExtensionProperties all[1024];
   uint32_t real = 1024 - PLAYED;
   if (layer) {
      *count = 0;
      return VK_SUCCESS;
   }
   VkResult result = next_enumerate(gpu, NULL, &real, all);
   for (size_t i = 0; i < PLAYED; i++, real++) {
      all[real] = (VkExtensionProperties){.specVersion = 1};
      strcpy(all[real].extensionName, played[i]);
   }
   if (properties) {
      result = *count < real ? VK_INCOMPLETE : result;
      *count = *count < real ? *count : real;
      memcpy(properties, all, *count * sizeof(*all));
   } else {
      *count = real;
   }
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator, VkInstance *instance)
{
   const VkResult result = layer_create_instance(info, allocator, instance, &next_instance);
   if (result == VK_SUCCESS) { /* later the loader would give ours */
      next_enumerate =
         (PFN_vkEnumerateDeviceExtensionProperties)next_instance(*instance, "vkEnumerateDeviceExtensionProperties");
      find_next(*instance);
      played_video_instance(next_instance, *instance);
   }
   return result;
}

/* The driver below does not know what is played. Structs of these extensions it does not look at. */
static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkDevice *device)
{
   VkDeviceCreateInfo real = *info;
   VkPhysicalDeviceFeatures features = {0};
   const char *names[64];
   if (info->enabledExtensionCount > 64)
      return VK_ERROR_INITIALIZATION_FAILED;
   real.enabledExtensionCount = 0;
   real.ppEnabledExtensionNames = names;
   for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
      if (!is_played(info->ppEnabledExtensionNames[i]))
         names[real.enabledExtensionCount++] = info->ppEnabledExtensionNames[i];
   }
   if (info->pEnabledFeatures) {
      features = *info->pEnabledFeatures;
      features.sparseBinding = VK_FALSE;
      real.pEnabledFeatures = &features;
   }
   for (VkBaseOutStructure *node = (void *)(uintptr_t)info->pNext; node; node = node->pNext) {
      if (node->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2)
         ((VkPhysicalDeviceFeatures2 *)(void *)node)->features.sparseBinding = VK_FALSE;
   }
   checkpoint_count = 0;
   const VkResult result = layer_create_device(gpu, &real, allocator, device, &next_device);
   if (result == VK_SUCCESS)
      played_video_device(next_device, *device);
   return result;
}

#define ROW(NAME, OWN)                \
   {                                  \
      NAME, (PFN_vkVoidFunction)(OWN) \
   }
static const struct {
   const char *name;
   PFN_vkVoidFunction own;
} functions[] = {
   ROW("vkGetInstanceProcAddr", played_get_instance_proc_addr),
   ROW("vkGetDeviceProcAddr", played_get_device_proc_addr),
   ROW("vkCreateInstance", create_instance),
   ROW("vkCreateDevice", create_device),
   ROW("vkEnumerateDeviceExtensionProperties", enumerate),
   ROW("vkGetPhysicalDeviceFeatures", get_features),
   ROW("vkGetPhysicalDeviceFeatures2", get_features2),
   ROW("vkGetPhysicalDeviceImageFormatProperties", get_format),
   ROW("vkGetPhysicalDeviceImageFormatProperties2", get_format2),
   ROW("vkGetPhysicalDeviceQueueFamilyProperties2", get_families),
   ROW("vkGetPhysicalDeviceQueueFamilyProperties2KHR", get_families),
#ifdef VK_KHR_maintenance7
   ROW("vkGetPhysicalDeviceProperties2", get_properties2),
#endif
   ROW("vkCreateImage", create_image),
   ROW("vkGetDeviceFaultInfoEXT", get_fault),
   ROW("vkCmdSetCheckpointNV", set_checkpoint),
   ROW("vkGetQueueCheckpointDataNV", get_checkpoints),
   ROW("vkCmdCopyMemoryIndirectNV", copy_indirect),
   ROW("vkCreateCuModuleNVX", create_module),
   ROW("vkCreateCuFunctionNVX", create_function),
   ROW("vkDestroyCuModuleNVX", destroy_module),
   ROW("vkDestroyCuFunctionNVX", destroy_function),
   ROW("vkCmdCuLaunchKernelNVX", launch),
#ifdef VK_NV_cooperative_vector
   ROW("vkConvertCooperativeVectorMatrixNV", convert),
   ROW("vkCmdConvertCooperativeVectorMatrixNV", record_convert),
#endif
#ifdef VK_KHR_pipeline_binary
   ROW("vkGetPipelineKeyKHR", get_key),
   ROW("vkCreatePipelineBinariesKHR", create_binaries),
   ROW("vkDestroyPipelineBinaryKHR", destroy_binary),
   ROW("vkGetPipelineBinaryDataKHR", get_data),
   ROW("vkReleaseCapturedPipelineDataKHR", release),
#endif
};

static PFN_vkVoidFunction find(const char *name)
{
   for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
      if (strcmp(functions[i].name, name) == 0)
         return functions[i].own;
   }
   return played_video_find(name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL played_get_instance_proc_addr(VkInstance instance, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_instance ? own : next_instance(instance, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL played_get_device_proc_addr(VkDevice device, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_device ? own : next_device(device, name);
}
