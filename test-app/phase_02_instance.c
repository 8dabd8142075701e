/* SPDX-License-Identifier: MIT */
/* Phase 2: everything that can be asked of an instance and its physical devices. Where two commands answer the same
 * question, the answers are compared; where Vulkan promises a least value, it is checked. */

#include <stdlib.h>
#include <string.h>

#include "test-app/app.h"

#define MANY_EXTENSIONS 512

static bool power_of_two(VkDeviceSize value)
{
   return value != 0 && (value & (value - 1)) == 0;
}

static bool chain_version(uint32_t api, const VkPhysicalDeviceProperties *properties, uint32_t wanted)
{
   return api >= wanted && properties->apiVersion >= wanted;
}

static void check_limits(struct app_test *t, const VkPhysicalDeviceLimits *limits)
{
   CHECK(t, limits->maxImageDimension1D >= 4096);
   CHECK(t, limits->maxImageDimension2D >= 4096);
   CHECK(t, limits->maxImageDimension3D >= 256);
   CHECK(t, limits->maxImageDimensionCube >= 4096);
   CHECK(t, limits->maxImageArrayLayers >= 256);
   CHECK(t, limits->maxUniformBufferRange >= 16384);
   CHECK(t, limits->maxStorageBufferRange >= 1u << 27);
   CHECK(t, limits->maxPushConstantsSize >= 128);
   CHECK(t, limits->maxMemoryAllocationCount >= 4096);
   CHECK(t, limits->maxSamplerAllocationCount >= 4000);
   CHECK(t, limits->maxBoundDescriptorSets >= 4);
   CHECK(t, limits->maxPerStageDescriptorStorageBuffers >= 4);
   CHECK(t, limits->maxVertexInputAttributes >= 16);
   CHECK(t, limits->maxComputeSharedMemorySize >= 16384);
   CHECK(t, limits->maxComputeWorkGroupInvocations >= 128);
   for (uint32_t i = 0; i < 3; i++)
      CHECK(t, limits->maxComputeWorkGroupCount[i] >= 65535);
   CHECK(t, limits->maxViewportDimensions[0] >= 4096 && limits->maxViewportDimensions[1] >= 4096);
   CHECK(t, limits->minMemoryMapAlignment >= 64 && power_of_two(limits->minMemoryMapAlignment));
   CHECK(t, power_of_two(limits->minUniformBufferOffsetAlignment) && limits->minUniformBufferOffsetAlignment <= 256);
   CHECK(t, power_of_two(limits->minStorageBufferOffsetAlignment) && limits->minStorageBufferOffsetAlignment <= 256);
   CHECK(t, power_of_two(limits->nonCoherentAtomSize) && limits->nonCoherentAtomSize <= 256);
   CHECK(t, power_of_two(limits->bufferImageGranularity));
   CHECK(t, limits->framebufferColorSampleCounts & VK_SAMPLE_COUNT_1_BIT);
   CHECK(t, limits->timestampPeriod >= 0.0f);
}

static void check_properties(struct app_test *t, VkPhysicalDevice physical, VkPhysicalDeviceProperties *properties)
{
   vkGetPhysicalDeviceProperties(physical, properties);
   CHECK(t, properties->apiVersion >= VK_API_VERSION_1_0);
   CHECK(t, memchr(properties->deviceName, '\0', VK_MAX_PHYSICAL_DEVICE_NAME_SIZE) != NULL);
   CHECK(t, properties->deviceName[0] != '\0');
   CHECK(t, properties->deviceType <= VK_PHYSICAL_DEVICE_TYPE_CPU);
   check_limits(t, &properties->limits);
}

/* One plain query and two chains, the second in another order: all must agree. */
static void check_properties2(struct app_test *t, VkPhysicalDevice physical, const VkPhysicalDeviceProperties *plain)
{
   VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
   VkPhysicalDeviceMultiviewProperties multiview = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MULTIVIEW_PROPERTIES,
      .pNext = &subgroup,
   };
   VkPhysicalDeviceMaintenance3Properties maintenance3 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
      .pNext = &multiview,
   };
   VkPhysicalDeviceIDProperties id = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES,
      .pNext = &maintenance3,
   };
   VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &id};
   vkGetPhysicalDeviceProperties2(physical, &all);
   CHECK(t, all.sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2 && all.pNext == &id);
   CHECK(t, id.pNext == &maintenance3 && maintenance3.pNext == &multiview && multiview.pNext == &subgroup);
   CHECK_EQ(t, plain->apiVersion, all.properties.apiVersion);
   CHECK_EQ(t, plain->vendorID, all.properties.vendorID);
   CHECK_EQ(t, plain->deviceID, all.properties.deviceID);
   CHECK(t, strcmp(plain->deviceName, all.properties.deviceName) == 0);
   CHECK_BYTES(t, plain->pipelineCacheUUID, all.properties.pipelineCacheUUID, VK_UUID_SIZE);
   CHECK_EQ(t, plain->limits.maxImageDimension2D, all.properties.limits.maxImageDimension2D);
   CHECK_EQ(t, plain->limits.nonCoherentAtomSize, all.properties.limits.nonCoherentAtomSize);
   CHECK(t, power_of_two(subgroup.subgroupSize));
   CHECK(t, subgroup.supportedOperations & VK_SUBGROUP_FEATURE_BASIC_BIT);
   CHECK(t, multiview.maxMultiviewViewCount >= 6);
   CHECK(t, maintenance3.maxPerSetDescriptors >= 1024);
   CHECK(t, maintenance3.maxMemoryAllocationSize >= 1u << 30);

   VkPhysicalDeviceIDProperties id_last = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
   VkPhysicalDeviceMaintenance3Properties maintenance3_first = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
      .pNext = &id_last,
   };
   all.pNext = &maintenance3_first;
   vkGetPhysicalDeviceProperties2(physical, &all);
   CHECK_BYTES(t, id.deviceUUID, id_last.deviceUUID, VK_UUID_SIZE);
   CHECK_BYTES(t, id.driverUUID, id_last.driverUUID, VK_UUID_SIZE);
   CHECK_EQ(t, maintenance3.maxMemoryAllocationSize, maintenance3_first.maxMemoryAllocationSize);
}

static void check_version_properties(struct app_test *t, uint32_t api, VkPhysicalDevice physical,
                                     const VkPhysicalDeviceProperties *plain)
{
   VkPhysicalDeviceVulkan13Properties v13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES};
   VkPhysicalDeviceVulkan12Properties v12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES};
   VkPhysicalDeviceVulkan11Properties v11 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES,
      .pNext = &v12,
   };
   VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
   VkPhysicalDeviceIDProperties id = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES, .pNext = &driver};
   VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &v11};
   if (!chain_version(api, plain, VK_API_VERSION_1_2))
      return;
   if (chain_version(api, plain, VK_API_VERSION_1_3))
      v12.pNext = &v13;
   vkGetPhysicalDeviceProperties2(physical, &all);
   all.pNext = &id;
   vkGetPhysicalDeviceProperties2(physical, &all);
   CHECK_BYTES(t, id.deviceUUID, v11.deviceUUID, VK_UUID_SIZE);
   CHECK_BYTES(t, id.driverUUID, v11.driverUUID, VK_UUID_SIZE);
   CHECK_EQ(t, id.deviceLUIDValid, v11.deviceLUIDValid);
   CHECK_EQ(t, driver.driverID, v12.driverID);
   CHECK(t, strcmp(driver.driverName, v12.driverName) == 0);
   CHECK(t, driver.driverName[0] != '\0');
   CHECK(t, v12.maxTimelineSemaphoreValueDifference >= 0x7fffffff);
   if (v12.pNext) {
      CHECK(t, v13.maxBufferSize >= 1u << 30);
      CHECK(t, v13.minSubgroupSize <= v13.maxSubgroupSize);
   }
}

static void check_booleans(struct app_test *t, const VkBool32 *values, size_t count)
{
   bool good = true;
   for (size_t i = 0; i < count; i++)
      good &= values[i] <= VK_TRUE;
   CHECK(t, good);
}

static void check_features(struct app_test *t, uint32_t api, VkPhysicalDevice physical,
                           const VkPhysicalDeviceProperties *properties)
{
   VkPhysicalDeviceFeatures plain;
   VkPhysicalDevice16BitStorageFeatures storage = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
   };
   VkPhysicalDeviceMultiviewFeatures multiview = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MULTIVIEW_FEATURES,
      .pNext = &storage,
   };
   VkPhysicalDeviceFeatures2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &multiview};
   vkGetPhysicalDeviceFeatures(physical, &plain);
   vkGetPhysicalDeviceFeatures2(physical, &all);
   CHECK_BYTES(t, &plain, &all.features, sizeof(plain));
   check_booleans(t, (const VkBool32 *)&plain, sizeof(plain) / sizeof(VkBool32));
   CHECK(t, plain.robustBufferAccess); /* the one feature that all must have */
   CHECK(t, multiview.multiview);

   if (!chain_version(api, properties, VK_API_VERSION_1_2))
      return;
   VkPhysicalDeviceVulkan13Features v13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
   VkPhysicalDeviceVulkan12Features v12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
   VkPhysicalDeviceVulkan11Features v11 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
      .pNext = &v12,
   };
   all.pNext = &v11;
   if (chain_version(api, properties, VK_API_VERSION_1_3))
      v12.pNext = &v13;
   vkGetPhysicalDeviceFeatures2(physical, &all);
   CHECK_BYTES(t, &plain, &all.features, sizeof(plain));
   CHECK_EQ(t, multiview.multiview, v11.multiview);
   CHECK_EQ(t, storage.storageBuffer16BitAccess, v11.storageBuffer16BitAccess);
   CHECK(t, v12.timelineSemaphore && v12.hostQueryReset);
   if (v12.pNext)
      CHECK(t, v13.synchronization2 && v13.dynamicRendering && v13.privateData);
}

static void check_families(struct app_test *t, VkPhysicalDevice physical)
{
   VkQueueFamilyProperties plain[APP_MAX_FAMILIES];
   VkQueueFamilyProperties2 all[APP_MAX_FAMILIES];
   uint32_t count = 0;
   uint32_t again = APP_MAX_FAMILIES;
   bool works = false;
   vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, NULL);
   if (!CHECK(t, count > 0 && count <= APP_MAX_FAMILIES))
      return;
   vkGetPhysicalDeviceQueueFamilyProperties(physical, &again, plain);
   CHECK_EQ(t, count, again);
   for (uint32_t i = 0; i < count; i++)
      all[i] = (VkQueueFamilyProperties2){.sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2};
   vkGetPhysicalDeviceQueueFamilyProperties2(physical, &again, all);
   CHECK_EQ(t, count, again);
   for (uint32_t i = 0; i < count; i++) {
      CHECK_BYTES(t, &plain[i], &all[i].queueFamilyProperties, sizeof(plain[i]));
      CHECK(t, plain[i].queueCount > 0);
      CHECK(t, plain[i].timestampValidBits <= 64);
      works |= (plain[i].queueFlags & (VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT)) != 0;
   }
   CHECK(t, works);
   again = 1;
   memset(plain, 0x5a, sizeof(plain));
   vkGetPhysicalDeviceQueueFamilyProperties(physical, &again, plain);
   CHECK_EQ(t, 1, again);
   CHECK_EQ(t, 0x5a5a5a5a, plain[1].queueCount);
}

static void check_memory(struct app_test *t, VkPhysicalDevice physical)
{
   const VkMemoryPropertyFlags mapped = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   VkPhysicalDeviceMemoryProperties plain;
   VkPhysicalDeviceMemoryProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
   bool has_mapped = false;
   bool has_local = false;
   vkGetPhysicalDeviceMemoryProperties(physical, &plain);
   vkGetPhysicalDeviceMemoryProperties2(physical, &all);
   if (!CHECK(t, plain.memoryTypeCount > 0 && plain.memoryTypeCount <= VK_MAX_MEMORY_TYPES) ||
       !CHECK(t, plain.memoryHeapCount > 0 && plain.memoryHeapCount <= VK_MAX_MEMORY_HEAPS))
      return;
   CHECK_EQ(t, plain.memoryTypeCount, all.memoryProperties.memoryTypeCount);
   CHECK_EQ(t, plain.memoryHeapCount, all.memoryProperties.memoryHeapCount);
   for (uint32_t i = 0; i < plain.memoryTypeCount; i++) {
      VkMemoryPropertyFlags flags = plain.memoryTypes[i].propertyFlags;
      CHECK_BYTES(t, &plain.memoryTypes[i], &all.memoryProperties.memoryTypes[i], sizeof(plain.memoryTypes[i]));
      CHECK(t, plain.memoryTypes[i].heapIndex < plain.memoryHeapCount);
      has_mapped |= (flags & mapped) == mapped;
      has_local |= (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0;
      CHECK(t, (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) || !(flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT));
   }
   for (uint32_t i = 0; i < plain.memoryHeapCount; i++) {
      CHECK(t, plain.memoryHeaps[i].size > 0);
      CHECK_EQ(t, plain.memoryHeaps[i].size, all.memoryProperties.memoryHeaps[i].size);
      CHECK_EQ(t, plain.memoryHeaps[i].flags, all.memoryProperties.memoryHeaps[i].flags);
   }
   CHECK(t, has_mapped);
   CHECK(t, has_local);
}

static void check_format(struct app_test *t, VkPhysicalDevice physical, VkFormat format, bool has_3)
{
   VkFormatProperties plain;
   VkFormatProperties3 wide = {.sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_3};
   VkFormatProperties2 all = {.sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2, .pNext = has_3 ? &wide : NULL};
   vkGetPhysicalDeviceFormatProperties(physical, format, &plain);
   vkGetPhysicalDeviceFormatProperties2(physical, format, &all);
   CHECK_BYTES(t, &plain, &all.formatProperties, sizeof(plain));
   if (!has_3)
      return;
   CHECK_EQ(t, plain.linearTilingFeatures, wide.linearTilingFeatures & plain.linearTilingFeatures);
   CHECK_EQ(t, plain.optimalTilingFeatures, wide.optimalTilingFeatures & plain.optimalTilingFeatures);
   CHECK_EQ(t, plain.bufferFeatures, wide.bufferFeatures & plain.bufferFeatures);
}

static void check_formats(struct app_test *t, VkPhysicalDevice physical, bool has_3)
{
   const VkFormatFeatureFlags wanted = VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT | VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT |
                                       VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT |
                                       VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BLEND_BIT | VK_FORMAT_FEATURE_BLIT_SRC_BIT |
                                       VK_FORMAT_FEATURE_BLIT_DST_BIT |
                                       VK_FORMAT_FEATURE_SAMPLED_IMAGE_FILTER_LINEAR_BIT;
   VkFormatProperties found;
   for (int format = VK_FORMAT_UNDEFINED; format <= VK_FORMAT_ASTC_12x12_SRGB_BLOCK; format++)
      check_format(t, physical, (VkFormat)format, has_3);
   for (int format = VK_FORMAT_G8B8G8R8_422_UNORM; format <= VK_FORMAT_G16_B16_R16_3PLANE_444_UNORM; format++)
      check_format(t, physical, (VkFormat)format, has_3);

   vkGetPhysicalDeviceFormatProperties(physical, VK_FORMAT_R8G8B8A8_UNORM, &found);
   CHECK_EQ(t, wanted, found.optimalTilingFeatures & wanted);
   CHECK(t, found.bufferFeatures & VK_FORMAT_FEATURE_VERTEX_BUFFER_BIT);
   vkGetPhysicalDeviceFormatProperties(physical, VK_FORMAT_D16_UNORM, &found);
   CHECK(t, found.optimalTilingFeatures & VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT);
   vkGetPhysicalDeviceFormatProperties(physical, VK_FORMAT_R32_UINT, &found);
   CHECK(t, found.bufferFeatures & VK_FORMAT_FEATURE_STORAGE_TEXEL_BUFFER_ATOMIC_BIT);
   vkGetPhysicalDeviceFormatProperties(physical, VK_FORMAT_UNDEFINED, &found);
   CHECK_EQ(t, 0, found.optimalTilingFeatures);
}

static void check_image_format(struct app_test *t, VkPhysicalDevice physical, VkFormat format, VkImageType type,
                               VkImageTiling tiling, VkImageUsageFlags usage)
{
   VkPhysicalDeviceImageFormatInfo2 question = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
      .format = format,
      .type = type,
      .tiling = tiling,
      .usage = usage,
   };
   VkImageFormatProperties plain;
   VkImageFormatProperties2 all = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2};
   VkResult result = vkGetPhysicalDeviceImageFormatProperties(physical, format, type, tiling, usage, 0, &plain);
   CHECK(t, result == VK_SUCCESS || result == VK_ERROR_FORMAT_NOT_SUPPORTED);
   for (int i = 0; i < 2; i++) {
      VK_EXPECT(t, result, vkGetPhysicalDeviceImageFormatProperties2(physical, &question, &all));
      if (result != VK_SUCCESS)
         continue;
      CHECK_EQ(t, plain.maxExtent.width, all.imageFormatProperties.maxExtent.width);
      CHECK_EQ(t, plain.maxExtent.height, all.imageFormatProperties.maxExtent.height);
      CHECK_EQ(t, plain.maxExtent.depth, all.imageFormatProperties.maxExtent.depth);
      CHECK_EQ(t, plain.maxMipLevels, all.imageFormatProperties.maxMipLevels);
      CHECK_EQ(t, plain.maxArrayLayers, all.imageFormatProperties.maxArrayLayers);
      CHECK_EQ(t, plain.sampleCounts, all.imageFormatProperties.sampleCounts);
      CHECK_EQ(t, plain.maxResourceSize, all.imageFormatProperties.maxResourceSize);
      CHECK(t, plain.maxExtent.width > 0 && (plain.sampleCounts & VK_SAMPLE_COUNT_1_BIT));
   }
}

static void check_image_formats(struct app_test *t, VkPhysicalDevice physical)
{
   static const VkFormat formats[] = {
      VK_FORMAT_R8_UNORM,
      VK_FORMAT_R8G8B8A8_UNORM,
      VK_FORMAT_B8G8R8A8_SRGB,
      VK_FORMAT_R16G16_SFLOAT,
      VK_FORMAT_R32G32B32A32_UINT,
      VK_FORMAT_R64G64B64A64_SFLOAT,
      VK_FORMAT_D16_UNORM,
      VK_FORMAT_D32_SFLOAT,
      VK_FORMAT_BC1_RGB_UNORM_BLOCK,
      VK_FORMAT_ASTC_4x4_UNORM_BLOCK,
   };
   static const VkImageUsageFlags usages[] = {
      VK_IMAGE_USAGE_SAMPLED_BIT,
      VK_IMAGE_USAGE_STORAGE_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
      VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
      VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT,
   };
   for (uint32_t f = 0; f < APP_COUNT(formats); f++) {
      for (uint32_t u = 0; u < APP_COUNT(usages); u++) {
         for (int type = VK_IMAGE_TYPE_1D; type <= VK_IMAGE_TYPE_3D; type++) {
            for (int tiling = VK_IMAGE_TILING_OPTIMAL; tiling <= VK_IMAGE_TILING_LINEAR; tiling++)
               check_image_format(t, physical, formats[f], (VkImageType)type, (VkImageTiling)tiling, usages[u]);
         }
      }
   }
   VkImageFormatProperties found;
   if (VK_CHECK(t, vkGetPhysicalDeviceImageFormatProperties(
                      physical, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D, VK_IMAGE_TILING_OPTIMAL,
                      VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT, 0, &found))) {
      CHECK(t, found.maxExtent.width >= 4096 && found.maxExtent.height >= 4096 && found.maxExtent.depth == 1);
      CHECK(t, found.maxMipLevels >= 13 && found.maxArrayLayers >= 256);
      CHECK(t, found.sampleCounts & VK_SAMPLE_COUNT_4_BIT);
      CHECK(t, found.maxResourceSize >= 1u << 31);
   }
   VK_EXPECT(t, VK_ERROR_FORMAT_NOT_SUPPORTED,
             vkGetPhysicalDeviceImageFormatProperties(physical, VK_FORMAT_D16_UNORM, VK_IMAGE_TYPE_2D,
                                                      VK_IMAGE_TILING_OPTIMAL, VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT, 0,
                                                      &found));
}

static void check_sparse(struct app_test *t, VkPhysicalDevice physical)
{
   VkPhysicalDeviceSparseImageFormatInfo2 question = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SPARSE_IMAGE_FORMAT_INFO_2,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .type = VK_IMAGE_TYPE_2D,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
   };
   uint32_t plain = 0;
   uint32_t again = 0;
   vkGetPhysicalDeviceSparseImageFormatProperties(physical, question.format, question.type, question.samples,
                                                  question.usage, question.tiling, &plain, NULL);
   vkGetPhysicalDeviceSparseImageFormatProperties2(physical, &question, &again, NULL);
   CHECK_EQ(t, plain, again);
}

static void check_external(struct app_test *t, VkPhysicalDevice physical)
{
   VkPhysicalDeviceExternalBufferInfo buffer = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
      .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
   };
   VkExternalBufferProperties buffer_found = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
   vkGetPhysicalDeviceExternalBufferProperties(physical, &buffer, &buffer_found);
   CHECK_EQ(t, VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES, buffer_found.sType);

   VkPhysicalDeviceExternalFenceInfo fence = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_FENCE_INFO,
      .handleType = VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT,
   };
   VkExternalFenceProperties fence_found = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_FENCE_PROPERTIES};
   vkGetPhysicalDeviceExternalFenceProperties(physical, &fence, &fence_found);
   CHECK_EQ(t, VK_STRUCTURE_TYPE_EXTERNAL_FENCE_PROPERTIES, fence_found.sType);

   VkPhysicalDeviceExternalSemaphoreInfo semaphore = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO,
      .handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT,
   };
   VkExternalSemaphoreProperties semaphore_found = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES};
   vkGetPhysicalDeviceExternalSemaphoreProperties(physical, &semaphore, &semaphore_found);
   CHECK_EQ(t, VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES, semaphore_found.sType);
}

static void check_device_extensions(struct app_test *t, VkPhysicalDevice physical)
{
   uint32_t count = 0;
   VkExtensionProperties *extensions = calloc(MANY_EXTENSIONS, sizeof(*extensions));
   TRY(t, extensions != NULL);
   VK_TRY(t, vkEnumerateDeviceExtensionProperties(physical, NULL, &count, NULL));
   TRY(t, count <= MANY_EXTENSIONS);
   uint32_t again = MANY_EXTENSIONS;
   VK_TRY(t, vkEnumerateDeviceExtensionProperties(physical, NULL, &again, extensions));
   CHECK_EQ(t, count, again);
   for (uint32_t i = 0; i < again; i++) {
      CHECK(t, strncmp(extensions[i].extensionName, "VK_", 3) == 0);
      for (uint32_t j = 0; j < i; j++)
         CHECK(t, strcmp(extensions[i].extensionName, extensions[j].extensionName) != 0);
   }
   if (count > 0) {
      again = count - 1;
      VK_EXPECT(t, VK_INCOMPLETE, vkEnumerateDeviceExtensionProperties(physical, NULL, &again, extensions));
      CHECK_EQ(t, count - 1, again);
   }
   VK_CHECK(t, vkEnumerateDeviceLayerProperties(physical, &again, NULL));
done:
   free(extensions);
}

static void check_tools(struct app_test *t, VkPhysicalDevice physical)
{
   uint32_t count = 0;
   VK_CHECK(t, vkGetPhysicalDeviceToolProperties(physical, &count, NULL));
}

/* Every device is in exactly one group. */
static void check_groups(struct app_test *t, VkInstance instance, const VkPhysicalDevice *devices, uint32_t count)
{
   VkPhysicalDeviceGroupProperties groups[APP_MAX_GPUS];
   uint32_t group_count = APP_MAX_GPUS;
   for (uint32_t i = 0; i < APP_MAX_GPUS; i++)
      groups[i] = (VkPhysicalDeviceGroupProperties){.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_GROUP_PROPERTIES};
   if (!VK_CHECK(t, vkEnumeratePhysicalDeviceGroups(instance, &group_count, groups)))
      return;
   CHECK(t, group_count > 0 && group_count <= count);
   for (uint32_t i = 0; i < count; i++) {
      uint32_t found = 0;
      for (uint32_t g = 0; g < group_count; g++) {
         CHECK(t, groups[g].physicalDeviceCount > 0 && groups[g].physicalDeviceCount <= VK_MAX_DEVICE_GROUP_SIZE);
         for (uint32_t d = 0; d < groups[g].physicalDeviceCount && d < VK_MAX_DEVICE_GROUP_SIZE; d++)
            found += groups[g].physicalDevices[d] == devices[i];
      }
      CHECK_EQ(t, 1, found);
   }
}

static void check_device(struct app_test *t, uint32_t api, VkPhysicalDevice physical)
{
   VkPhysicalDeviceProperties properties;
   check_properties(t, physical, &properties);
   check_memory(t, physical);
   check_device_extensions(t, physical);
   if (!chain_version(api, &properties, VK_API_VERSION_1_1)) {
      app_note(t, "%s has Vulkan 1.0 only; its newer queries are left out", properties.deviceName);
      return;
   }
   check_properties2(t, physical, &properties);
   check_version_properties(t, api, physical, &properties);
   check_features(t, api, physical, &properties);
   check_families(t, physical);
   check_formats(t, physical, chain_version(api, &properties, VK_API_VERSION_1_3));
   check_image_formats(t, physical);
   check_sparse(t, physical);
   check_external(t, physical);
   if (chain_version(api, &properties, VK_API_VERSION_1_3))
      check_tools(t, physical);
}

void phase_instance(struct app_test *t)
{
   VkInstance instance;
   VkPhysicalDevice devices[APP_MAX_GPUS];
   VkPhysicalDevice again[APP_MAX_GPUS];
   VkPhysicalDevice picked;
   uint32_t api;
   uint32_t count = 0;

   if (!app_instance_create(t, &instance, &api))
      return;
   VK_TRY(t, vkEnumeratePhysicalDevices(instance, &count, NULL));
   TRY(t, count > 0 && count <= APP_MAX_GPUS);
   VK_TRY(t, vkEnumeratePhysicalDevices(instance, &count, devices));
   VK_TRY(t, vkEnumeratePhysicalDevices(instance, &count, again));
   CHECK_BYTES(t, devices, again, count * sizeof(devices[0]));
   if (count > 1) {
      uint32_t fewer = count - 1;
      VK_EXPECT(t, VK_INCOMPLETE, vkEnumeratePhysicalDevices(instance, &fewer, again));
   }
   check_groups(t, instance, devices, count);
   if (app_gpu_pick(t, instance, &picked))
      check_device(t, api, picked);
done:
   vkDestroyInstance(instance, NULL);
}
