/* SPDX-License-Identifier: MIT */
#include "client/image_format.h"

#include "client/physical_device.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#include <stdlib.h>

/* So many questions about one format are asked alone; who has more is likely to have many. */
#define PATIENCE 4

/* The usages that are gone through: the eight of Vulkan 1.0. */
#define USAGES 256u

static bool is_known(struct vp_physical_device *gpu, const struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 *a)
{
   struct vp_cache_question question;
   if (!vp_cache_question_begin(&question, gpu->conn))
      return false;
   vp_request_vkGetPhysicalDeviceImageFormatProperties2(&question.request, 1, a);
   const bool known = vp_cache_question_is_known(&question, &gpu->cache);
   vp_cache_question_end(&question, gpu->conn, &gpu->cache);
   return known;
}

/* Asks the same for all usages, with those of later versions as they are. */
static void ask_usages(struct vp_physical_device *gpu, const VkPhysicalDeviceImageFormatInfo2 *about)
{
   struct vp_cache_question *questions = calloc(USAGES, sizeof(*questions));
   VkImageFormatProperties2 properties = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2};
   if (!questions)
      return;
   for (uint32_t i = 0; i < USAGES; i++) {
      VkPhysicalDeviceImageFormatInfo2 info = *about;
      info.usage = (about->usage & ~(USAGES - 1)) | i;
      const struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 a = {
         .physicalDevice = VP_TO_HANDLE(VkPhysicalDevice, gpu),
         .pImageFormatInfo = &info,
         .pImageFormatProperties = &properties,
      };
      if (!vp_cache_question_begin(&questions[i], gpu->conn))
         continue;
      vp_request_vkGetPhysicalDeviceImageFormatProperties2(&questions[i].request, 1, &a);
      if (info.usage && !vp_cache_question_is_known(&questions[i], &gpu->cache))
         vp_cache_question_send(&questions[i], gpu->conn);
   }
   vp_stats_add(&gpu->conn->stats.bursts, 1);
   for (uint32_t i = 0; i < USAGES; i++)
      vp_cache_question_end(&questions[i], gpu->conn, &gpu->cache);
   free(questions);
}

/* Where threads get in each other's way here, no more is asked at once than need be. */
static bool is_one_of_many(struct vp_physical_device *gpu, VkFormat format)
{
   if (gpu->asked_format != (int32_t)format)
      gpu->format_questions = 0;
   gpu->asked_format = (int32_t)format;
   return ++gpu->format_questions > PATIENCE;
}

VkResult vp_image_format_ask(struct vp_physical_device *gpu, struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 *a)
{
   if (!a->pImageFormatInfo->pNext && !a->pImageFormatProperties->pNext && !is_known(gpu, a) &&
       is_one_of_many(gpu, a->pImageFormatInfo->format))
      ask_usages(gpu, a->pImageFormatInfo);
   const VkResult result = vp_ask_vkGetPhysicalDeviceImageFormatProperties2(&gpu->cache, gpu->conn, a);
   return result == VK_SUCCESS ? a->ret : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceImageFormatProperties(
   VkPhysicalDevice physicalDevice, VkFormat format, VkImageType type, VkImageTiling tiling, VkImageUsageFlags usage,
   VkImageCreateFlags flags, VkImageFormatProperties *pImageFormatProperties)
{
   const VkPhysicalDeviceImageFormatInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
      .format = format,
      .type = type,
      .tiling = tiling,
      .usage = usage,
      .flags = flags,
   };
   VkImageFormatProperties2 properties = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2};
   struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 a = {
      .physicalDevice = physicalDevice, .pImageFormatInfo = &info, .pImageFormatProperties = &properties};
   const VkResult result = vp_image_format_ask(VP_FROM_HANDLE(struct vp_physical_device, physicalDevice), &a);
   *pImageFormatProperties = properties.imageFormatProperties;
   return result;
}
