/* SPDX-License-Identifier: MIT */

/* A driver is asked about its GPU only what it knows, by its version or one of its extensions, and the answer has all
 * that was asked for. */

#include "server/core/instance.h"
#include "server/session/questions.h"
#include "tests/unit/null_session.h"

#define NODES 5

static bool has_extension;
static uint32_t asked_count;
static VkStructureType asked[NODES + 1];

static VKAPI_ATTR VkResult VKAPI_CALL list_extensions(VkPhysicalDevice gpu, const char *layer, uint32_t *count,
                                                      VkExtensionProperties *properties)
{
   static const char *const names[] = {VK_KHR_SWAPCHAIN_EXTENSION_NAME, VK_EXT_TRANSFORM_FEEDBACK_EXTENSION_NAME,
                                       VK_KHR_16BIT_STORAGE_EXTENSION_NAME};
   (void)gpu, (void)layer;
   *count = has_extension ? 3 : 0;
   for (uint32_t i = 0; properties && i < *count; i++)
      snprintf(properties[i].extensionName, sizeof(properties[i].extensionName), "%s", names[i]);
   return VK_SUCCESS;
}

static void note_chain(const VkBaseOutStructure *node)
{
   asked_count = 0;
   for (; node && asked_count <= NODES; node = node->pNext)
      asked[asked_count++] = node->sType;
}

static VKAPI_ATTR void VKAPI_CALL get_features(VkPhysicalDevice gpu, VkPhysicalDeviceFeatures2 *features)
{
   (void)gpu;
   note_chain(features->pNext);
}

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice gpu, VkPhysicalDeviceProperties2 *properties)
{
   (void)gpu;
   note_chain(properties->pNext);
}

/* Of a driver of Vulkan 1.3. */
static void test_features(bool extension)
{
   VkPhysicalDeviceCustomBorderColorFeaturesEXT last = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_CUSTOM_BORDER_COLOR_FEATURES_EXT};
   VkPhysicalDeviceMaintenance4Features core = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES,
                                                .pNext = &last};
   VkPhysicalDeviceTransformFeedbackFeaturesEXT feedback = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TRANSFORM_FEEDBACK_FEATURES_EXT, .pNext = &core};
   VkPhysicalDeviceVulkan11Features first = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
                                             .pNext = &feedback};
   VkPhysicalDeviceRobustness2FeaturesEXT before = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT, .pNext = &first};
   VkPhysicalDeviceFeatures2 root = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &before};

   has_extension = extension;
   VkBaseOutStructure **all = vps_questions_select(&ctx, VK_NULL_HANDLE, &root);
   CHECK(all);
   note_chain(root.pNext);
   if (extension)
      CHECK(asked_count == 3 && asked[0] == first.sType && asked[1] == feedback.sType && asked[2] == core.sType);
   else
      CHECK(asked_count == 2 && asked[0] == first.sType && asked[1] == core.sType);
   vps_questions_restore(&root, all);
   note_chain(root.pNext);
   CHECK(asked_count == NODES && asked[0] == before.sType && asked[1] == first.sType && asked[2] == feedback.sType &&
         asked[3] == core.sType && asked[4] == last.sType);
   DO(vkGetPhysicalDeviceFeatures2, .physicalDevice = OBJECT(VkPhysicalDevice, GPU), .pFeatures = &root);
   CHECK(asked_count == (extension ? 3 : 2));
}

static void test_properties(void)
{
   VkPhysicalDeviceCustomBorderColorPropertiesEXT unknown = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_CUSTOM_BORDER_COLOR_PROPERTIES_EXT};
   VkPhysicalDeviceSubgroupProperties core = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
   VkPhysicalDeviceProperties2 root = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &unknown};

   asked_count = NODES;
   DO(vkGetPhysicalDeviceProperties2, .physicalDevice = OBJECT(VkPhysicalDevice, GPU), .pProperties = &root);
   CHECK(asked_count == 0);
   root.pNext = &core;
   DO(vkGetPhysicalDeviceProperties2, .physicalDevice = OBJECT(VkPhysicalDevice, GPU), .pProperties = &root);
   CHECK(asked_count == 1 && asked[0] == core.sType);
   root.pNext = NULL;
   DO(vkGetPhysicalDeviceProperties2, .physicalDevice = OBJECT(VkPhysicalDevice, GPU), .pProperties = &root);
   CHECK(asked_count == 0);
}

int main(void)
{
   session_open();
   ctx.instance->functions.EnumerateDeviceExtensionProperties = list_extensions;
   ctx.instance->functions.GetPhysicalDeviceFeatures2 = get_features;
   ctx.instance->functions.GetPhysicalDeviceProperties2 = get_properties;
   test_features(false);
   test_features(true);
   test_properties();
   session_close();
   return check_finish();
}
