/* SPDX-License-Identifier: MIT */

/* vkCreateInstance has sessions begun with those of the servers that are to be used, and creates an instance and lists
 * the GPUs on all of them in one round trip; one that cannot be reached only brings none. */

#include "client/core/instance.h"

#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_icd.h>

#include "client/core/chain.h"
#include "client/core/entry_table.h"
#include "client/core/list_query.h"
#include "client/core/physical_device.h"
#include "client/device/choice.h"
#include "client/link/connection.h"
#include "client/link/servers.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "client/wsi/surface.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/text.h"

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

/* A session whose instance is under way: vkCreateInstance and vkEnumeratePhysicalDevices in one round trip. */
struct opening {
   struct vp_server_session *session;
   bool begun;
   VkInstance handle;
   struct vp_object *gpus[MAX_GPUS]; /* that may come; in the end, those that have */
   VkPhysicalDevice handles[MAX_GPUS];
   uint32_t count;
   struct vp_cmd_vkCreateInstance create;
   struct vp_cmd_vkEnumeratePhysicalDevices enumerate;
   struct vp_call calls[2];
};

/* False: out of memory. */
static bool create_gpus(struct vp_instance *instance, struct opening *opening)
{
   const VkAllocationCallbacks *allocator = vp_allocator(instance->allocator, NULL);
   struct vp_object_table *objects = &opening->session->conn->objects;
   while (opening->count < MAX_GPUS) {
      struct vp_object *gpu =
         vp_object_create(objects, allocator, VK_OBJECT_TYPE_PHYSICAL_DEVICE, sizeof(struct vp_physical_device));
      if (!gpu) {
         while (opening->count)
            vp_object_destroy(objects, allocator, opening->gpus[--opening->count]);
         return false;
      }
      opening->gpus[opening->count] = gpu;
      opening->handles[opening->count++] = VP_TO_HANDLE(VkPhysicalDevice, gpu);
   }
   return true;
}

/* Sends both, and waits for nothing. */
static VkResult begin_opening(struct vp_instance *instance, struct opening *opening, const VkInstanceCreateInfo *info)
{
   struct vp_connection *conn = opening->session->conn;
   if (!create_gpus(instance, opening))
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO};
   if (info->pApplicationInfo)
      application = *info->pApplicationInfo;
   application.apiVersion = instance->api_version;
   const VkInstanceCreateInfo plain = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                       .pApplicationInfo = &application};
   opening->handle = VP_TO_HANDLE(VkInstance, opening->session->instance);
   opening->create = (struct vp_cmd_vkCreateInstance){.pCreateInfo = &plain, .pInstance = &opening->handle};
   opening->enumerate = (struct vp_cmd_vkEnumeratePhysicalDevices){
      .instance = opening->handle, .pPhysicalDeviceCount = &opening->count, .pPhysicalDevices = opening->handles};
   vp_request_vkCreateInstance(vp_call_begin(conn), 1, &opening->create);
   vp_call_queue(conn, &opening->calls[0]);
   vp_request_vkEnumeratePhysicalDevices(vp_call_begin(conn), 1, &opening->enumerate);
   vp_call_queue(conn, &opening->calls[1]);
   vp_stats_add(&conn->stats.bursts, 1);
   vp_stream_flush(conn);
   opening->create.pCreateInfo = NULL; /* it was for the request */
   opening->begun = true;
   return VK_SUCCESS;
}

/* Waits for the replies. The ids that no GPU got are given back. */
static VkResult finish_opening(struct vp_instance *instance, struct opening *opening)
{
   struct vp_connection *conn = opening->session->conn;
   const uint32_t offered = opening->count;
   VkResult result = vp_call_wait(conn, &opening->calls[0], UINT32_MAX);
   if (result == VK_SUCCESS)
      vp_reply_vkCreateInstance(&opening->calls[0].dec, &opening->create);
   vp_call_end(conn, &opening->calls[0]);
   if (vp_call_wait(conn, &opening->calls[1], UINT32_MAX) == VK_SUCCESS)
      vp_reply_vkEnumeratePhysicalDevices(&opening->calls[1].dec, &opening->enumerate);
   if (vp_call_end(conn, &opening->calls[1]) != VK_SUCCESS)
      result = VK_ERROR_INITIALIZATION_FAILED;
   if (result == VK_SUCCESS)
      result = opening->create.ret;
   opening->session->created = result == VK_SUCCESS;
   if (result != VK_SUCCESS || opening->enumerate.ret < 0)
      opening->count = 0;
   for (uint32_t i = opening->count; i < offered; i++)
      vp_object_destroy(&conn->objects, vp_allocator(instance->allocator, NULL), opening->gpus[i]);
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

/* Those that were the last to come, of one server. */
static void say_gpus(const struct vp_instance *instance, const struct vp_server_session *session, uint32_t first,
                     int64_t start_ns)
{
   const uint32_t count = instance->physical_device_count - first;
   char ms[VP_TEXT_DECIMAL_SIZE];
   vp_text_format_decimal(ms, (double)(vp_clock_ns() - start_ns) / 1e6, 1);
   vp_log(VP_LOG_INFO, "the server at %s gives %u GPU%s, which are known after %s ms", session->conn->address, count,
          count == 1 ? "" : "s", ms);
   for (uint32_t i = first; i < instance->physical_device_count; i++) {
      const struct vp_physical_device *gpu = instance->physical_devices[i];
      const VkPhysicalDeviceDriverProperties *driver =
         vp_chain_find(gpu->properties.pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
      vp_log(VP_LOG_INFO, "GPU %u: %s, Vulkan %u.%u.%u, driver %s", i, gpu->properties.properties.deviceName,
             VK_API_VERSION_MAJOR(gpu->api_version), VK_API_VERSION_MINOR(gpu->api_version),
             VK_API_VERSION_PATCH(gpu->api_version), driver ? driver->driverInfo : "unknown");
   }
}

/* Takes the connection over. */
static VkResult begin_session(struct vp_instance *instance, struct vp_connection *conn, struct opening *opening,
                              const VkInstanceCreateInfo *info)
{
   struct vp_server_session *session = &instance->sessions[instance->session_count];
   session->conn = conn;
   session->instance = vp_object_create(&conn->objects, vp_allocator(instance->allocator, NULL),
                                        VK_OBJECT_TYPE_INSTANCE, sizeof(*session->instance));
   if (!session->instance) {
      vp_connection_destroy(conn);
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   instance->session_count++;
   opening->session = session;
   return begin_opening(instance, opening, info);
}

/* Adds the server's GPUs to the instance. A server that does not give them is no error: they are just not there. */
static VkResult add_server(struct vp_instance *instance, struct opening *opening, int64_t start_ns)
{
   const struct vp_connection *conn = opening->session->conn;
   const uint32_t first = instance->physical_device_count;
   VkResult result = finish_opening(instance, opening);
   if (result == VK_SUCCESS) {
      result = add_gpus(instance, opening->session, opening->gpus, opening->count);
      say_gpus(instance, opening->session, first, start_ns);
      return result;
   }
   if (result != VK_ERROR_OUT_OF_HOST_MEMORY && !vp_connection_lost(conn)) /* else that was said */
      vp_log(VP_LOG_ERROR, "the server at %s cannot create an instance: VkResult %d", conn->address, result);
   return result == VK_ERROR_OUT_OF_HOST_MEMORY ? result : VK_SUCCESS;
}

/* In the order of the list. What is begun is finished, also when there is no memory for all of it. */
static VkResult add_sessions(struct vp_instance *instance, const struct vp_servers *servers,
                             const VkInstanceCreateInfo *info, int64_t start_ns)
{
   struct opening *openings = calloc(servers->count, sizeof(*openings));
   VkResult result = openings ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
   for (unsigned i = 0; i < servers->count; i++) {
      if (result == VK_SUCCESS)
         result = begin_session(instance, servers->list[i], &openings[i], info);
      else
         vp_connection_destroy(servers->list[i]);
   }
   for (unsigned i = 0; openings && i < servers->count; i++) {
      const VkResult added = openings[i].begun ? add_server(instance, &openings[i], start_ns) : VK_SUCCESS;
      result = result == VK_SUCCESS ? added : result;
   }
   free(openings);
   return result;
}

static VkResult add_servers(struct vp_instance *instance, const VkInstanceCreateInfo *info)
{
   const char *application = info->pApplicationInfo ? info->pApplicationInfo->pApplicationName : NULL;
   const int64_t start_ns = vp_clock_ns();
   struct vp_servers servers;
   vp_servers_connect(&servers, &instance->config, application ? application : "");
   return servers.count ? add_sessions(instance, &servers, info, start_ns) : VK_SUCCESS;
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

/* VENUS_REQUIRE. After other errors the Vulkan loader (1.3.239) leaves this driver out and goes on with the others. */
static VkResult check_requirement(const struct vp_instance *instance)
{
   const char *reason = instance->physical_device_count ? "VENUS_GPU leaves none"
                        : instance->config.server_count ? "no server gives a GPU"
                                                        : "VENUS_SERVER names no server";
   if (!instance->config.require || instance->offered_count)
      return VK_SUCCESS;
   vp_log(
      VP_LOG_ERROR,
      "VENUS_REQUIRE is set and %s: vkCreateInstance fails, with VK_ERROR_OUT_OF_HOST_MEMORY, since after any other "
      "error the program would be given other GPUs",
      reason);
   return VK_ERROR_OUT_OF_HOST_MEMORY;
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
   result = add_servers(instance, pCreateInfo);
   vp_choice_apply(instance);
   if (result == VK_SUCCESS)
      result = check_requirement(instance);
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
   for (uint32_t i = 0; i < instance->offered_count; i++) {
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
   for (uint32_t i = 0; i < instance->offered_count; i++) {
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
