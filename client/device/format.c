/* SPDX-License-Identifier: MIT */

/* Properties of formats: the first question about any of them fetches those of all common formats in one round trip. */

#include "client/device/format.h"

#include <stdlib.h>

#include "client/core/physical_device.h"
#include "client/vp_chains.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

/* Formats that are asked about together: those of Vulkan 1.0, and those of
 * extensions that became core. Any other format is a question of its own. */
static const struct {
   int32_t first, count;
} ranges[] = {
   {VK_FORMAT_R4G4_UNORM_PACK8, VK_FORMAT_ASTC_12x12_SRGB_BLOCK},
   {VK_FORMAT_G8B8G8R8_422_UNORM, 34},
   {VK_FORMAT_G8_B8R8_2PLANE_444_UNORM, 4},
   {VK_FORMAT_A4R4G4B4_UNORM_PACK16, 2},
   {VK_FORMAT_ASTC_4x4_SFLOAT_BLOCK, 14},
};

struct vp_format {
   VkFormatProperties2 properties;
   VkFormatProperties3 properties3;
   struct vp_cmd_vkGetPhysicalDeviceFormatProperties2 command;
   struct vp_call call;
};

struct vp_format_table {
   unsigned count;
   struct vp_format formats[];
};

void vp_format_table_destroy(struct vp_format_table *table)
{
   free(table);
}

static int find_index(VkFormat format)
{
   int index = 0;
   for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
      if ((int32_t)format >= ranges[i].first && (int32_t)format < ranges[i].first + ranges[i].count)
         return index + (int32_t)format - ranges[i].first;
      index += ranges[i].count;
   }
   return -1;
}

static void ask_format(struct vp_physical_device *gpu, struct vp_format *format, int32_t number)
{
   format->properties.sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2;
   format->properties3.sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_3;
   format->properties.pNext = &format->properties3;
   format->command = (struct vp_cmd_vkGetPhysicalDeviceFormatProperties2){
      .physicalDevice = VP_TO_HANDLE(VkPhysicalDevice, gpu),
      .format = (VkFormat)number,
      .pFormatProperties = &format->properties,
   };
   vp_request_vkGetPhysicalDeviceFormatProperties2(vp_call_begin(gpu->conn), 1, &format->command);
   vp_call_queue(gpu->conn, &format->call);
}

/* All formats in one round trip. NULL when that fails. */
static struct vp_format_table *fetch(struct vp_physical_device *gpu)
{
   unsigned count = 0, index = 0;
   for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
      count += (unsigned)ranges[i].count;
   struct vp_format_table *table = calloc(1, sizeof(*table) + count * sizeof(table->formats[0]));
   if (!table)
      return NULL;
   table->count = count;
   for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
      for (int32_t j = 0; j < ranges[i].count; j++)
         ask_format(gpu, &table->formats[index++], ranges[i].first + j);
   }
   vp_stats_add(&gpu->conn->stats.bursts, 1);
   bool ok = true;
   for (unsigned i = 0; i < count; i++) {
      struct vp_format *format = &table->formats[i];
      if (vp_call_wait(gpu->conn, &format->call, UINT32_MAX) == VK_SUCCESS)
         vp_reply_vkGetPhysicalDeviceFormatProperties2(&format->call.dec, &format->command);
      ok = vp_call_end(gpu->conn, &format->call) == VK_SUCCESS && ok;
   }
   if (ok)
      return table;
   free(table);
   return NULL;
}

/* The stored answer, or NULL for a format that is not in the table. */
static const struct vp_format *lookup(struct vp_physical_device *gpu, VkFormat format)
{
   const int index = find_index(format);
   if (index < 0)
      return NULL;
   if (vp_connection_is_inherited(gpu->conn)) /* and nobody may be there to release the lock */
      return gpu->formats ? &gpu->formats->formats[index] : NULL;
   pthread_mutex_lock(&gpu->format_lock);
   if (!gpu->formats)
      gpu->formats = fetch(gpu);
   const struct vp_format *found = gpu->formats ? &gpu->formats->formats[index] : NULL;
   pthread_mutex_unlock(&gpu->format_lock);
   return found;
}

static void ask_alone(struct vp_physical_device *gpu, VkFormat format, VkFormatProperties2 *properties)
{
   struct vp_cmd_vkGetPhysicalDeviceFormatProperties2 a = {
      .physicalDevice = VP_TO_HANDLE(VkPhysicalDevice, gpu), .format = format, .pFormatProperties = properties};
   if (vp_connection_is_inherited(gpu->conn)) {
      properties->formatProperties = (VkFormatProperties){0};
      return;
   }
   vp_ask_vkGetPhysicalDeviceFormatProperties2(&gpu->cache, gpu->conn, &a);
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceFormatProperties2(VkPhysicalDevice physicalDevice, VkFormat format,
                                                                   VkFormatProperties2 *pFormatProperties)
{
   struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, physicalDevice);
   const struct vp_format *found = lookup(gpu, format);
   if (found && vp_chain_answer(&vp_chain_VkFormatProperties2, found->properties.pNext, pFormatProperties->pNext,
                                gpu->api_version, &gpu->extensions))
      pFormatProperties->formatProperties = found->properties.formatProperties;
   else
      ask_alone(gpu, format, pFormatProperties);
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceFormatProperties(VkPhysicalDevice physicalDevice, VkFormat format,
                                                                  VkFormatProperties *pFormatProperties)
{
   VkFormatProperties2 properties = {.sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2};
   vp_vkGetPhysicalDeviceFormatProperties2(physicalDevice, format, &properties);
   *pFormatProperties = properties.formatProperties;
}
