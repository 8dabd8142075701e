/* SPDX-License-Identifier: MIT */

/* vkCreateDevice creates the device on the server, asks in the same round trip what will be wanted next, and makes all
 * queues; vkGetDeviceQueue and vkGetDeviceProcAddr need no server. */

#include "client/core/device.h"

#include <stdlib.h>
#include <string.h>

#include "client/core/entry_table.h"
#include "client/core/physical_device.h"
#include "client/core/resource_kind.h"
#include "client/device/choice.h"
#include "client/link/connection.h"
#include "client/mapping/mapping.h"
#include "client/memory/likely_images.h"
#include "client/pipeline/pipeline_layout.h"
#include "client/sync/queue.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

static VkResult enable_device_extensions(struct vp_device *device, const VkDeviceCreateInfo *info)
{
   for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
      const int extension = vp_extension_find(info->ppEnabledExtensionNames[i]);
      if (!vp_extension_set_has(&device->physical_device->extensions, extension))
         return VK_ERROR_EXTENSION_NOT_PRESENT;
      vp_extension_set_add(&device->extensions, extension);
   }
   return VK_SUCCESS;
}

static struct vp_queue *create_queue(struct vp_device *device, const VkDeviceQueueCreateInfo *info, uint32_t index)
{
   struct vp_queue *queue = vp_object_create(&device->conn->objects, vp_allocator(device->allocator, NULL),
                                             VK_OBJECT_TYPE_QUEUE, sizeof(*queue));
   if (!queue)
      return NULL;
   queue->device = device;
   queue->allocator = device->allocator;
   queue->flags = info->flags;
   queue->family = info->queueFamilyIndex;
   queue->index = index;
   const VkDeviceQueueInfo2 queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2,
      .flags = info->flags,
      .queueFamilyIndex = info->queueFamilyIndex,
      .queueIndex = index,
   };
   VkQueue handle = VP_TO_HANDLE(VkQueue, queue);
   const struct vp_cmd_vkGetDeviceQueue2 a = {
      .device = VP_TO_HANDLE(VkDevice, device), .pQueueInfo = &queue_info, .pQueue = &handle};
   vp_send_vkGetDeviceQueue2(device->conn, &a);
   return queue;
}

static void destroy_queue(struct vp_queue *queue, const VkAllocationCallbacks *allocator)
{
   vp_object_table_remove(&queue->device->conn->objects, &queue->base); /* the receiver adds no more errors */
   while (queue->errors) {
      struct vp_batch_error *next = queue->errors->next;
      free(queue->errors);
      queue->errors = next;
   }
   vp_object_free(allocator, queue);
}

static VkResult create_queues(struct vp_device *device, const VkDeviceCreateInfo *info)
{
   uint32_t count = 0;
   for (uint32_t i = 0; i < info->queueCreateInfoCount; i++)
      count += info->pQueueCreateInfos[i].queueCount;
   device->queues = calloc(count + 1, sizeof(struct vp_queue *));
   if (!device->queues)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   for (uint32_t i = 0; i < info->queueCreateInfoCount; i++) {
      for (uint32_t j = 0; j < info->pQueueCreateInfos[i].queueCount; j++) {
         struct vp_queue *queue = create_queue(device, &info->pQueueCreateInfos[i], j);
         if (!queue)
            return VK_ERROR_OUT_OF_HOST_MEMORY;
         device->queues[device->queue_count++] = queue;
      }
   }
   return VK_SUCCESS;
}

/* What is left when there is no device on the server (any more). */
static void release(struct vp_device *device, const VkAllocationCallbacks *allocator)
{
   const VkAllocationCallbacks callbacks = *vp_allocator(allocator, device->allocator); /* may lie in the device */
   const VkAllocationCallbacks *inner = vp_allocator(device->allocator, NULL);
   for (uint32_t i = 0; i < device->queue_count; i++)
      destroy_queue(device->queues[i], inner);
   free(device->queues);
   vp_buffer_rules_finish(&device->buffer_rules);
   vp_descriptor_rules_finish(&device->descriptor_rules);
   vp_descriptor_questions_finish(&device->descriptor_questions);
   vp_resource_kinds_finish(&device->kinds);
   vp_reply_cache_finish(&device->cache);
   free(device->mappings);
   pthread_mutex_destroy(&device->memory_lock);
   pthread_mutex_destroy(&device->fetch_lock);
   pthread_mutex_destroy(&device->late_lock);
   vp_object_destroy(&device->conn->objects, &callbacks, device);
}

/* What is asked together with the creation. */
struct questions {
   VkImageCreateInfo images[VP_LIKELY_IMAGES];
   VkImageRequirementsVP requirements[VP_LIKELY_IMAGES];
};

/* The extensions that the server has to know of; the others are the client's own. */
static uint32_t select_device_extensions(const VkDeviceCreateInfo *info, const char **names)
{
   uint32_t count = 0;
   for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
      if (!vp_extensions[vp_extension_find(info->ppEnabledExtensionNames[i])].local)
         names[count++] = info->ppEnabledExtensionNames[i];
   }
   return count;
}

static void take_descriptor_rules(struct vp_device *device, struct vp_call *call,
                                  struct vp_cmd_vkGetDescriptorRulesVP *a)
{
   if (vp_call_wait(device->conn, call, UINT32_MAX) == VK_SUCCESS)
      vp_reply_vkGetDescriptorRulesVP(&call->dec, a);
   if (vp_call_end(device->conn, call) != VK_SUCCESS)
      vp_clear_vkGetDescriptorRulesVP(a);
   vp_descriptor_rules_settle(&device->descriptor_rules);
}

/* The device, the rules of its buffers and descriptors, and the requirements of likely images in one round trip. */
static VkResult ask_server(struct vp_device *device, const VkDeviceCreateInfo *info)
{
   struct vp_connection *conn = device->conn;
   VkDevice handle = VP_TO_HANDLE(VkDevice, device);
   struct questions questions;
   const unsigned image_count = vp_likely_images_of(info);
   for (unsigned i = 0; i < image_count; i++)
      questions.images[i] = vp_likely_image(i);
   struct vp_cmd_vkCreateDevice create = {.physicalDevice = VP_TO_HANDLE(VkPhysicalDevice, device->physical_device),
                                          .pCreateInfo = info,
                                          .pDevice = &handle};
   struct vp_cmd_vkGetBufferRulesVP rules = vp_buffer_rules_request(device);
   struct vp_cmd_vkGetImageRequirementsVP images = {.device = handle,
                                                    .imageCount = image_count,
                                                    .pCreateInfos = questions.images,
                                                    .pRequirements = questions.requirements};
   struct vp_cmd_vkGetDescriptorRulesVP descriptors;
   const bool has_descriptors = vp_descriptor_rules_request(device, info, &descriptors);
   struct vp_call calls[4];
   vp_request_vkCreateDevice(vp_call_begin(conn), 1, &create);
   VkResult result = vp_call_queue(conn, &calls[0]);
   if (result != VK_SUCCESS) { /* what follows names the device */
      vp_call_end(conn, &calls[0]);
      return result;
   }
   vp_request_vkGetBufferRulesVP(vp_call_begin(conn), 1, &rules);
   vp_call_queue(conn, &calls[1]);
   vp_request_vkGetImageRequirementsVP(vp_call_begin(conn), 1, &images);
   vp_call_queue(conn, &calls[2]);
   if (has_descriptors) {
      vp_request_vkGetDescriptorRulesVP(vp_call_begin(conn), 1, &descriptors);
      vp_call_queue(conn, &calls[3]);
   }
   result = vp_call_wait(conn, &calls[0], VP_CMD_vkCreateDevice);
   if (result == VK_SUCCESS)
      vp_reply_vkCreateDevice(&calls[0].dec, &create);
   vp_call_end(conn, &calls[0]);
   if (vp_call_wait(conn, &calls[1], UINT32_MAX) == VK_SUCCESS)
      vp_reply_vkGetBufferRulesVP(&calls[1].dec, &rules);
   vp_call_end(conn, &calls[1]);
   images.ret = VK_ERROR_UNKNOWN;
   if (vp_call_wait(conn, &calls[2], UINT32_MAX) == VK_SUCCESS)
      vp_reply_vkGetImageRequirementsVP(&calls[2].dec, &images);
   if (vp_call_end(conn, &calls[2]) == VK_SUCCESS && images.ret == VK_SUCCESS)
      vp_likely_images_remember(device, questions.requirements, image_count);
   if (has_descriptors)
      take_descriptor_rules(device, &calls[3], &descriptors);
   return result == VK_SUCCESS ? create.ret : result;
}

/* Layers are the client's. */
static VkResult create_device_on_server(struct vp_device *device, const VkDeviceCreateInfo *info)
{
   const char **names = calloc((size_t)info->enabledExtensionCount + 1, sizeof(*names));
   if (!names)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   VkDeviceCreateInfo plain = *info;
   plain.enabledLayerCount = 0;
   plain.ppEnabledLayerNames = NULL;
   plain.enabledExtensionCount = select_device_extensions(info, names);
   plain.ppEnabledExtensionNames = names;
   const VkResult result = ask_server(device, &plain);
   free(names);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateDevice(VkPhysicalDevice physicalDevice, const VkDeviceCreateInfo *pCreateInfo,
                                                 const VkAllocationCallbacks *pAllocator, VkDevice *pDevice)
{
   struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, physicalDevice);
   struct vp_device *device = vp_object_create(&gpu->conn->objects, vp_allocator(pAllocator, gpu->allocator),
                                               VK_OBJECT_TYPE_DEVICE, sizeof(*device));
   if (!device)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   vp_mapping_prepare();
   device->physical_device = gpu;
   device->conn = gpu->conn;
   device->allocator = gpu->allocator;
   if (pAllocator) {
      device->callbacks = *pAllocator;
      device->allocator = &device->callbacks;
   }
   device->api_version = gpu->api_version < gpu->instance->api_version ? gpu->api_version : gpu->instance->api_version;
   pthread_mutex_init(&device->memory_lock, NULL);
   pthread_mutex_init(&device->fetch_lock, NULL);
   pthread_mutex_init(&device->late_lock, NULL);
   vp_buffer_rules_init(&device->buffer_rules);
   vp_descriptor_rules_init(&device->descriptor_rules);
   vp_descriptor_questions_init(&device->descriptor_questions);
   bool ready = vp_reply_cache_init(&device->cache);
   ready = vp_resource_kinds_init(&device->kinds) && ready;
   VkResult result = ready ? enable_device_extensions(device, pCreateInfo) : VK_ERROR_OUT_OF_HOST_MEMORY;
   if (result == VK_SUCCESS)
      result = create_device_on_server(device, pCreateInfo);
   if (result != VK_SUCCESS) {
      release(device, pAllocator);
      return result;
   }
   result = create_queues(device, pCreateInfo);
   *pDevice = VP_TO_HANDLE(VkDevice, device);
   if (result != VK_SUCCESS)
      vp_vkDestroyDevice(*pDevice, pAllocator);
   else
      vp_choice_announce(gpu);
   return result;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyDevice(VkDevice handle, const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   if (!device)
      return;
   vp_pipeline_layouts_end(device);
   vp_descriptor_questions_settle(device);
   vp_send_vkDestroyDevice(device->conn, &(struct vp_cmd_vkDestroyDevice){.device = handle});
   vp_stream_drain(device->conn, UINT64_MAX); /* the sender may be looking at its memory */
   release(device, pAllocator);
}

/* --- queues --- */

static struct vp_queue *find_queue(const struct vp_device *device, VkDeviceQueueCreateFlags flags, uint32_t family,
                                   uint32_t index)
{
   for (uint32_t i = 0; i < device->queue_count; i++) {
      struct vp_queue *queue = device->queues[i];
      if (queue->flags == flags && queue->family == family && queue->index == index)
         return queue;
   }
   return NULL;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetDeviceQueue(VkDevice device, uint32_t family, uint32_t index, VkQueue *pQueue)
{
   *pQueue = VP_TO_HANDLE(VkQueue, find_queue(vp_device_from_handle(device), 0, family, index));
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetDeviceQueue2(VkDevice device, const VkDeviceQueueInfo2 *info, VkQueue *pQueue)
{
   *pQueue = VP_TO_HANDLE(
      VkQueue, find_queue(vp_device_from_handle(device), info->flags, info->queueFamilyIndex, info->queueIndex));
}

/* --- functions --- */

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vp_vkGetDeviceProcAddr(VkDevice handle, const char *pName)
{
   const struct vp_device *device = vp_device_from_handle(handle);
   const struct vp_entry *entry = vp_entry_find(pName);
   if (!entry || entry->level != VP_ENTRY_DEVICE)
      return NULL;
   struct vp_extension_set extensions = device->extensions; /* a device function may belong to an instance extension */
   for (unsigned i = 0; i < sizeof(extensions.words) / sizeof(*extensions.words); i++)
      extensions.words[i] |= device->physical_device->instance->extensions.words[i];
   if (!vp_extension_available(&extensions, device->api_version, entry->core_version, entry->extensions))
      return NULL;
   return entry->function;
}

/* A device is a group of one: there are no peers. */
VKAPI_ATTR void VKAPI_CALL vp_vkGetDeviceGroupPeerMemoryFeatures(VkDevice device, uint32_t heapIndex,
                                                                 uint32_t localDeviceIndex, uint32_t remoteDeviceIndex,
                                                                 VkPeerMemoryFeatureFlags *pPeerMemoryFeatures)
{
   (void)device, (void)heapIndex, (void)localDeviceIndex, (void)remoteDeviceIndex;
   *pPeerMemoryFeatures = VK_PEER_MEMORY_FEATURE_COPY_SRC_BIT | VK_PEER_MEMORY_FEATURE_COPY_DST_BIT |
                          VK_PEER_MEMORY_FEATURE_GENERIC_SRC_BIT | VK_PEER_MEMORY_FEATURE_GENERIC_DST_BIT;
}
