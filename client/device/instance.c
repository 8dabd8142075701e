/* SPDX-License-Identifier: MIT */

/* vkCreateInstance opens a session with each server that is configured and lists its GPUs in the same round trip; one
 * that cannot be reached only brings none. */

#include "client/core/instance.h"

#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_icd.h>

#include "client/core/entry_table.h"
#include "client/core/list_query.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "client/wsi/surface.h"
#include "common/util/log.h"

/* More GPUs on one server than this are not seen. */
#define MAX_GPUS 32

/* --- before there is an instance --- */

VKAPI_ATTR VkResult VKAPI_CALL vp_vkEnumerateInstanceVersion(uint32_t *pApiVersion)
{
   *pApiVersion = VP_REGISTRY_VERSION;
   return VK_SUCCESS;
}

static bool is_offered(int extension)
{
   return extension >= 0 && vp_extensions[extension].instance && vp_extensions[extension].offered &&
          (!vp_extensions[extension].local || vp_wsi_offers(extension));
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkEnumerateInstanceExtensionProperties(const char *pLayerName,
                                                                         uint32_t *pPropertyCount,
                                                                         VkExtensionProperties *pProperties)
{
   struct vp_list_query list;
   if (pLayerName)
      return VK_ERROR_LAYER_NOT_PRESENT;
   vp_list_query_begin(&list, pPropertyCount, pProperties != NULL);
   for (int i = 0; i < VP_EXTENSION_COUNT; i++) {
      if (!is_offered(i) || !vp_list_query_next(&list))
         continue;
      VkExtensionProperties *out = &pProperties[list.written - 1];
      *out = (VkExtensionProperties){.specVersion = vp_extensions[i].spec_version};
      strncpy(out->extensionName, vp_extensions[i].name, sizeof(out->extensionName) - 1);
   }
   return vp_list_query_end(&list);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkEnumerateInstanceLayerProperties(uint32_t *pPropertyCount,
                                                                     VkLayerProperties *pProperties)
{
   (void)pProperties;
   *pPropertyCount = 0;
   return VK_SUCCESS;
}

/* --- one server --- */

/* vkCreateInstance and vkEnumeratePhysicalDevices in one round trip. The ids that no GPU got are given back. */
static VkResult open_session(struct vp_instance *instance, struct vp_server_session *session,
                             const VkInstanceCreateInfo *info, struct vp_object **gpus, uint32_t *gpu_count)
{
   const VkAllocationCallbacks *allocator = vp_allocator(instance->allocator, NULL);
   struct vp_connection *conn = session->conn;
   VkPhysicalDevice handles[MAX_GPUS];
   VkInstance handle = VP_TO_HANDLE(VkInstance, session->instance);
   uint32_t count = 0;
   while (count < MAX_GPUS) {
      gpus[count] =
         vp_object_create(&conn->objects, allocator, VK_OBJECT_TYPE_PHYSICAL_DEVICE, sizeof(struct vp_physical_device));
      if (!gpus[count]) {
         while (count)
            vp_object_destroy(&conn->objects, allocator, gpus[--count]);
         return VK_ERROR_OUT_OF_HOST_MEMORY;
      }
      handles[count] = VP_TO_HANDLE(VkPhysicalDevice, gpus[count]);
      count++;
   }
   VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO};
   if (info->pApplicationInfo)
      application = *info->pApplicationInfo;
   application.apiVersion = instance->api_version;
   const VkInstanceCreateInfo plain = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                       .pApplicationInfo = &application};
   struct vp_cmd_vkCreateInstance create = {.pCreateInfo = &plain, .pInstance = &handle};
   struct vp_cmd_vkEnumeratePhysicalDevices enumerate = {
      .instance = handle, .pPhysicalDeviceCount = &count, .pPhysicalDevices = handles};
   const uint32_t offered = count;
   struct vp_call calls[2];
   vp_request_vkCreateInstance(vp_call_begin(conn), 1, &create);
   vp_call_queue(conn, &calls[0]);
   vp_request_vkEnumeratePhysicalDevices(vp_call_begin(conn), 1, &enumerate);
   vp_call_queue(conn, &calls[1]);
   vp_stats_add(&conn->stats.bursts, 1);
   VkResult result = vp_call_wait(conn, &calls[0], UINT32_MAX);
   if (result == VK_SUCCESS)
      vp_reply_vkCreateInstance(&calls[0].dec, &create);
   vp_call_end(conn, &calls[0]);
   if (vp_call_wait(conn, &calls[1], UINT32_MAX) == VK_SUCCESS)
      vp_reply_vkEnumeratePhysicalDevices(&calls[1].dec, &enumerate);
   if (vp_call_end(conn, &calls[1]) != VK_SUCCESS)
      result = VK_ERROR_INITIALIZATION_FAILED;
   if (result == VK_SUCCESS)
      result = create.ret;
   session->created = result == VK_SUCCESS;
   if (result != VK_SUCCESS || enumerate.ret < 0)
      count = 0;
   for (uint32_t i = count; i < offered; i++)
      vp_object_destroy(&conn->objects, allocator, gpus[i]);
   *gpu_count = count;
   return result;
}

static void close_session(struct vp_instance *instance, struct vp_server_session *session)
{
   const struct vp_cmd_vkDestroyInstance a = {.instance = VP_TO_HANDLE(VkInstance, session->instance)};
   if (session->created)
      vp_send_vkDestroyInstance(session->conn, &a);
   vp_object_destroy(&session->conn->objects, vp_allocator(instance->allocator, NULL), session->instance);
   vp_connection_destroy(session->conn);
}

static VkResult add_gpus(struct vp_instance *instance, struct vp_server_session *session, struct vp_object **gpus,
                         uint32_t count)
{
   const size_t total = instance->physical_device_count + count;
   struct vp_physical_device **all =
      realloc(instance->physical_devices, (total + 1) * sizeof(struct vp_physical_device *));
   if (all)
      instance->physical_devices = all;
   for (uint32_t i = 0; i < count; i++) {
      struct vp_physical_device *gpu = (struct vp_physical_device *)gpus[i];
      gpu->instance = instance;
      gpu->conn = session->conn;
      gpu->session = session;
      gpu->allocator = instance->allocator;
   }
   const uint32_t usable = all ? vp_physical_devices_init((struct vp_physical_device **)gpus, count) : 0;
   for (uint32_t i = 0; i < count; i++) {
      if (i < usable)
         all[instance->physical_device_count++] = (struct vp_physical_device *)gpus[i];
      else
         vp_object_destroy(&session->conn->objects, vp_allocator(instance->allocator, NULL), gpus[i]);
   }
   return all ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

/* Adds the server's GPUs to the instance. A server that cannot be had is no
 * error: its GPUs are just not there. */
static VkResult add_server(struct vp_instance *instance, const struct vp_server_address *address,
                           const VkInstanceCreateInfo *info)
{
   const VkAllocationCallbacks *allocator = vp_allocator(instance->allocator, NULL);
   const char *application = info->pApplicationInfo ? info->pApplicationInfo->pApplicationName : NULL;
   struct vp_server_session *session = &instance->sessions[instance->session_count];
   struct vp_object *gpus[MAX_GPUS];
   uint32_t count = 0;
   session->conn = vp_connection_create(address, application ? application : "", instance->config.timeout_ms,
                                        instance->config.compression);
   if (!session->conn)
      return VK_SUCCESS;
   session->instance =
      vp_object_create(&session->conn->objects, allocator, VK_OBJECT_TYPE_INSTANCE, sizeof(*session->instance));
   if (!session->instance) {
      vp_connection_destroy(session->conn);
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   instance->session_count++;
   const VkResult result = open_session(instance, session, info, gpus, &count);
   if (result == VK_SUCCESS)
      return add_gpus(instance, session, gpus, count);
   if (result != VK_ERROR_OUT_OF_HOST_MEMORY && !vp_connection_lost(session->conn)) /* else that was said */
      vp_log(VP_LOG_ERROR, "the server at %s cannot create an instance: VkResult %d", session->conn->address, result);
   return result == VK_ERROR_OUT_OF_HOST_MEMORY ? result : VK_SUCCESS;
}

/* --- the instance --- */

static VkResult enable_instance_extensions(struct vp_instance *instance, const VkInstanceCreateInfo *info)
{
   for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
      const int extension = vp_extension_find(info->ppEnabledExtensionNames[i]);
      if (!is_offered(extension))
         return VK_ERROR_EXTENSION_NOT_PRESENT;
      vp_extension_set_add(&instance->extensions, extension);
   }
   return VK_SUCCESS;
}

/* What the application may use: what it asks for, at least 1.1, at most what the codec knows. */
static uint32_t effective_version(const VkInstanceCreateInfo *info)
{
   uint32_t version = info->pApplicationInfo ? info->pApplicationInfo->apiVersion : 0;
   if (version < VK_API_VERSION_1_1)
      version = VK_API_VERSION_1_1;
   return version < VP_REGISTRY_VERSION ? version : VP_REGISTRY_VERSION;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateInstance(const VkInstanceCreateInfo *pCreateInfo,
                                                   const VkAllocationCallbacks *pAllocator, VkInstance *pInstance)
{
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, NULL);
   struct vp_instance *instance = vp_alloc(allocator, sizeof(*instance), VK_SYSTEM_ALLOCATION_SCOPE_INSTANCE);
   if (!instance)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   instance->loader_data = ICD_LOADER_MAGIC;
   instance->fork_generation = vp_fork_generation();
   if (pAllocator) {
      instance->callbacks = *pAllocator;
      instance->allocator = &instance->callbacks;
   }
   VkResult result = enable_instance_extensions(instance, pCreateInfo);
   if (result != VK_SUCCESS) {
      vp_free(allocator, instance);
      return result;
   }
   instance->api_version = effective_version(pCreateInfo);
   pthread_mutex_init(&instance->messenger_lock, NULL);
   vp_config_read(&instance->config);
   *pInstance = VP_TO_HANDLE(VkInstance, instance);
   for (unsigned i = 0; i < instance->config.server_count && result == VK_SUCCESS; i++)
      result = add_server(instance, &instance->config.servers[i], pCreateInfo);
   if (result != VK_SUCCESS) {
      vp_vkDestroyInstance(*pInstance, pAllocator);
      *pInstance = NULL;
   }
   return result;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyInstance(VkInstance handle, const VkAllocationCallbacks *pAllocator)
{
   struct vp_instance *instance = VP_FROM_HANDLE(struct vp_instance, handle);
   if (!instance)
      return;
   const VkAllocationCallbacks *allocator = vp_allocator(instance->allocator, NULL);
   for (uint32_t i = 0; i < instance->physical_device_count; i++) {
      struct vp_physical_device *gpu = instance->physical_devices[i];
      vp_physical_device_finish(gpu);
      vp_object_destroy(&gpu->conn->objects, allocator, gpu);
   }
   for (unsigned i = 0; i < instance->session_count; i++)
      close_session(instance, &instance->sessions[i]);
   free(instance->physical_devices);
   pthread_mutex_destroy(&instance->messenger_lock);
   const VkAllocationCallbacks callbacks = *vp_allocator(pAllocator, allocator); /* those of the instance go with it */
   vp_free(&callbacks, instance);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkEnumeratePhysicalDevices(VkInstance handle, uint32_t *pPhysicalDeviceCount,
                                                             VkPhysicalDevice *pPhysicalDevices)
{
   const struct vp_instance *instance = VP_FROM_HANDLE(struct vp_instance, handle);
   struct vp_list_query list;
   vp_list_query_begin(&list, pPhysicalDeviceCount, pPhysicalDevices != NULL);
   for (uint32_t i = 0; i < instance->physical_device_count; i++) {
      if (vp_list_query_next(&list))
         pPhysicalDevices[list.written - 1] = VP_TO_HANDLE(VkPhysicalDevice, instance->physical_devices[i]);
   }
   return vp_list_query_end(&list);
}

/* Each GPU is a group of its own. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkEnumeratePhysicalDeviceGroups(VkInstance handle, uint32_t *pCount,
                                                                  VkPhysicalDeviceGroupProperties *pGroups)
{
   const struct vp_instance *instance = VP_FROM_HANDLE(struct vp_instance, handle);
   struct vp_list_query list;
   vp_list_query_begin(&list, pCount, pGroups != NULL);
   for (uint32_t i = 0; i < instance->physical_device_count; i++) {
      if (!vp_list_query_next(&list))
         continue;
      VkPhysicalDeviceGroupProperties *group = &pGroups[list.written - 1];
      group->physicalDeviceCount = 1;
      memset(group->physicalDevices, 0, sizeof(group->physicalDevices));
      group->physicalDevices[0] = VP_TO_HANDLE(VkPhysicalDevice, instance->physical_devices[i]);
      group->subsetAllocation = VK_FALSE;
   }
   return vp_list_query_end(&list);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vp_vkGetInstanceProcAddr(VkInstance instance, const char *pName)
{
   (void)instance;
   const struct vp_entry *entry = vp_entry_find(pName);
   return entry ? entry->function : NULL;
}
