/* SPDX-License-Identifier: MIT */

/* Hashes the server's machine into the UUIDs of GPU, driver and pipeline cache, so that no two machines' GPUs and no
 * local one are taken for each other; and writes our name before the GPU's, and where it is behind the driver's. */

#include "client/device/identity.h"

#include <stdio.h>
#include <string.h>

#include "client/core/chain.h"
#include "client/core/instance.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "common/util/identity.h"

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t add_to_hash(uint64_t hash, const void *data, size_t size)
{
   for (const uint8_t *p = data; size > 0; p++, size--)
      hash = (hash ^ *p) * FNV_PRIME;
   return hash;
}

/* Two rounds of FNV-1a fill the 16 bytes. The same GPU of the same machine gives the same UUID; no other GPU and no
 * native driver does. What also depends on the server's release, as drivers and what they keep do, has that hashed in
 * with its name; so has what comes from a server that does not say which machine it is on. */
static void hash_uuid(uint8_t uuid[VK_UUID_SIZE], const char *salt, const struct vp_hello *server, bool with_name)
{
   static const uint8_t nothing[VP_MACHINE_SIZE];
   uint64_t half[2];
   if (!memcmp(server->machine, nothing, sizeof(nothing)))
      with_name = true;
   for (unsigned i = 0; i < 2; i++) {
      half[i] = add_to_hash(FNV_START + i, salt, strlen(salt));
      half[i] = add_to_hash(half[i], uuid, VK_UUID_SIZE);
      half[i] = add_to_hash(half[i], server->machine, sizeof(server->machine));
      half[i] = add_to_hash(half[i], server->name, with_name ? strlen(server->name) : 0);
   }
   memcpy(uuid, half, VK_UUID_SIZE);
}

/* The driver's name and version on the host, and which host that is. */
static void name_driver(const struct vp_hello *server, VkDriverId *id, char name[VK_MAX_DRIVER_NAME_SIZE],
                        char info[VK_MAX_DRIVER_INFO_SIZE], VkConformanceVersion *conformance)
{
   char driver[VK_MAX_DRIVER_NAME_SIZE + VK_MAX_DRIVER_INFO_SIZE + 4], host[VP_HELLO_HOST_SIZE + 8] = "";
   snprintf(driver, sizeof(driver), "%s%s%s", name, info[0] ? ", " : "", info);
   if (server->host[0])
      snprintf(host, sizeof(host), ", on %s", server->host);
   *id = (VkDriverId)VP_VENUS_PLUS_DRIVER_ID;
   memset(name, 0, VK_MAX_DRIVER_NAME_SIZE);
   memset(info, 0, VK_MAX_DRIVER_INFO_SIZE);
   snprintf(name, VK_MAX_DRIVER_NAME_SIZE, "%s", VP_DRIVER_NAME);
   snprintf(info, VK_MAX_DRIVER_INFO_SIZE, "%.*s%s", VK_MAX_DRIVER_INFO_SIZE - 1 - (int)strlen(host), driver, host);
   *conformance = (VkConformanceVersion){0}; /* until somebody submits results */
}

static void replace_ids(const struct vp_hello *server, uint8_t device[VK_UUID_SIZE], uint8_t driver[VK_UUID_SIZE],
                        uint8_t luid[VK_LUID_SIZE], uint32_t *node_mask, VkBool32 *luid_valid)
{
   hash_uuid(device, "device", server, false);
   hash_uuid(driver, "driver", server, true);
   memset(luid, 0, VK_LUID_SIZE);
   *node_mask = 0;
   *luid_valid = VK_FALSE;
}

/* Equal GPUs of several servers are told apart in the lists that programs show. */
static void name_device(const struct vp_hello *server, bool several, VkPhysicalDeviceProperties *properties)
{
   char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE], host[VP_HELLO_HOST_SIZE + 8] = "";
   memcpy(name, properties->deviceName, sizeof(name));
   if (several && server->host[0])
      snprintf(host, sizeof(host), " on %s", server->host);
   memset(properties->deviceName, 0, sizeof(properties->deviceName));
   snprintf(properties->deviceName, sizeof(properties->deviceName), "Venus Plus (%.*s)%s",
            (int)sizeof(name) - 14 - (int)strlen(host), name, host);
}

void vp_identity_apply(const struct vp_physical_device *gpu, VkPhysicalDeviceProperties2 *properties)
{
   const struct vp_hello *server = &gpu->conn->server;
   hash_uuid(properties->properties.pipelineCacheUUID, "cache", server, true);
   name_device(server, vp_config_uses_several(&gpu->instance->config), &properties->properties);

   VkPhysicalDeviceDriverProperties *driver =
      vp_chain_find(properties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
   if (driver)
      name_driver(server, &driver->driverID, driver->driverName, driver->driverInfo, &driver->conformanceVersion);
   VkPhysicalDeviceVulkan12Properties *vulkan12 =
      vp_chain_find(properties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES);
   if (vulkan12)
      name_driver(server, &vulkan12->driverID, vulkan12->driverName, vulkan12->driverInfo,
                  &vulkan12->conformanceVersion);

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
