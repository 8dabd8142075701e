/* SPDX-License-Identifier: MIT */

/* Hashes the server's name into the UUIDs of GPU, driver and pipeline cache, so that no two servers' GPUs and no local
 * one are taken for each other; and writes our name before the GPU's. */

#include "client/device/identity.h"

#include <stdio.h>
#include <string.h>

#include "client/core/chain.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "common/util/identity.h"

/* Two rounds of FNV-1a fill the 16 bytes. The same GPU behind the same server
 * gives the same UUID; no other GPU and no native driver does. */
static void hash_uuid(uint8_t out[VK_UUID_SIZE], const char *salt, const uint8_t host[VK_UUID_SIZE], const char *server)
{
   uint64_t half[2];
   for (unsigned i = 0; i < 2; i++) {
      uint64_t hash = UINT64_C(0xcbf29ce484222325) + i;
      for (const char *p = salt; *p; p++)
         hash = (hash ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
      for (unsigned j = 0; j < VK_UUID_SIZE; j++)
         hash = (hash ^ host[j]) * UINT64_C(0x100000001b3);
      for (const char *p = server; *p; p++)
         hash = (hash ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
      half[i] = hash;
   }
   memcpy(out, half, VK_UUID_SIZE);
}

static void name_driver(VkDriverId *id, char name[VK_MAX_DRIVER_NAME_SIZE], char info[VK_MAX_DRIVER_INFO_SIZE],
                        VkConformanceVersion *conformance)
{
   char host[VK_MAX_DRIVER_NAME_SIZE + VK_MAX_DRIVER_INFO_SIZE + 4];
   if (info[0])
      snprintf(host, sizeof(host), "%s, %s", name, info);
   else
      snprintf(host, sizeof(host), "%s", name);
   *id = (VkDriverId)VP_VENUS_PLUS_DRIVER_ID;
   memset(name, 0, VK_MAX_DRIVER_NAME_SIZE);
   memset(info, 0, VK_MAX_DRIVER_INFO_SIZE);
   snprintf(name, VK_MAX_DRIVER_NAME_SIZE, "%s", VP_DRIVER_NAME);
   snprintf(info, VK_MAX_DRIVER_INFO_SIZE, "%.*s", VK_MAX_DRIVER_INFO_SIZE - 1, host);
   *conformance = (VkConformanceVersion){0}; /* until somebody submits results */
}

static void replace_ids(const char *server, uint8_t device[VK_UUID_SIZE], uint8_t driver[VK_UUID_SIZE],
                        uint8_t luid[VK_LUID_SIZE], uint32_t *node_mask, VkBool32 *luid_valid)
{
   hash_uuid(device, "device", device, server);
   hash_uuid(driver, "driver", driver, server);
   memset(luid, 0, VK_LUID_SIZE);
   *node_mask = 0;
   *luid_valid = VK_FALSE;
}

static void name_device(VkPhysicalDeviceProperties *properties)
{
   char host[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
   memcpy(host, properties->deviceName, sizeof(host));
   memset(properties->deviceName, 0, sizeof(properties->deviceName));
   snprintf(properties->deviceName, sizeof(properties->deviceName), "Venus Plus (%.*s)", (int)sizeof(host) - 14, host);
}

void vp_identity_apply(const struct vp_physical_device *gpu, VkPhysicalDeviceProperties2 *properties)
{
   const char *server = gpu->conn->server.name;
   hash_uuid(properties->properties.pipelineCacheUUID, "cache", properties->properties.pipelineCacheUUID, server);
   name_device(&properties->properties);

   VkPhysicalDeviceDriverProperties *driver =
      vp_chain_find(properties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
   if (driver)
      name_driver(&driver->driverID, driver->driverName, driver->driverInfo, &driver->conformanceVersion);
   VkPhysicalDeviceVulkan12Properties *vulkan12 =
      vp_chain_find(properties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES);
   if (vulkan12)
      name_driver(&vulkan12->driverID, vulkan12->driverName, vulkan12->driverInfo, &vulkan12->conformanceVersion);

   VkPhysicalDeviceIDProperties *ids =
      vp_chain_find(properties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES);
   if (ids)
      replace_ids(server, ids->deviceUUID, ids->driverUUID, ids->deviceLUID, &ids->deviceNodeMask,
                  &ids->deviceLUIDValid);
   VkPhysicalDeviceVulkan11Properties *vulkan11 =
      vp_chain_find(properties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES);
   if (vulkan11)
      replace_ids(server, vulkan11->deviceUUID, vulkan11->driverUUID, vulkan11->deviceLUID, &vulkan11->deviceNodeMask,
                  &vulkan11->deviceLUIDValid);
}
