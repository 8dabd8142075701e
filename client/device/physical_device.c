/* SPDX-License-Identifier: MIT */

/* Asks a GPU for features, properties, memory and queues in one burst, takes off what a network makes wrong or slow,
 * and answers applications from that; only the memory budget is asked for again. */

#include "client/core/physical_device.h"

#include <stdlib.h>
#include <string.h>

#include "client/core/list_query.h"
#include "client/device/format.h"
#include "client/device/identity.h"
#include "client/device/image_format.h"
#include "client/memory/likely_images.h"
#include "client/vp_chains.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/wire/video_profile.h"

#define MAX_EXTENSIONS 1024
#define ARENA_LIMIT ((size_t)4 << 20)

/* What other programs do to the memory budget is seen after this time. */
#define BUDGET_MS 1000

/* --- the burst --- */

/* The questions about one GPU while they are under way. */
struct questions {
   VkExtensionProperties extensions[MAX_EXTENSIONS];
   uint32_t extension_count;
   struct vp_cmd_vkEnumerateDeviceExtensionProperties enumerate;
   struct vp_cmd_vkGetPhysicalDeviceProperties2 properties;
   struct vp_cmd_vkGetPhysicalDeviceFeatures2 features;
   struct vp_cmd_vkGetPhysicalDeviceMemoryProperties2 memory;
   struct vp_cmd_vkGetPhysicalDeviceQueueFamilyProperties2 queues;
   struct vp_call calls[5];
   struct vp_cache_question images[VP_LIKELY_IMAGES];
};

static bool build_chains(struct vp_physical_device *gpu)
{
   struct vp_arena *arena = &gpu->arena;
   bool ok = vp_chain_build(&vp_chain_VkPhysicalDeviceProperties2, arena, &gpu->properties.pNext) &&
             vp_chain_build(&vp_chain_VkPhysicalDeviceFeatures2, arena, &gpu->features.pNext) &&
             vp_chain_build(&vp_chain_VkPhysicalDeviceMemoryProperties2, arena, &gpu->memory.pNext);
   gpu->properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
   gpu->features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
   gpu->memory.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
   gpu->queue_family_count = VP_MAX_QUEUE_FAMILIES;
   for (unsigned i = 0; ok && i < VP_MAX_QUEUE_FAMILIES; i++) {
      gpu->queue_families[i].sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2;
      ok = vp_chain_build(&vp_chain_VkQueueFamilyProperties2, arena, &gpu->queue_families[i].pNext);
   }
   return ok;
}

#define ASK(command, call, arguments)                          \
   do {                                                        \
      vp_request_##command(vp_call_begin(conn), 1, arguments); \
      vp_call_queue(conn, call);                               \
   } while (0)

/* Its answer is for the cache. */
static void ask_image_format(struct vp_physical_device *gpu, struct vp_cache_question *question,
                             VkImageCreateInfo image)
{
   const VkPhysicalDeviceImageFormatInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
      .format = image.format,
      .type = image.imageType,
      .tiling = image.tiling,
      .usage = image.usage,
      .flags = image.flags,
   };
   VkImageFormatProperties2 properties = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2};
   const struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 a = {
      .physicalDevice = VP_TO_HANDLE(VkPhysicalDevice, gpu),
      .pImageFormatInfo = &info,
      .pImageFormatProperties = &properties,
   };
   if (vp_cache_question_begin(question, gpu->conn)) {
      vp_request_vkGetPhysicalDeviceImageFormatProperties2(&question->request, 1, &a);
      vp_cache_question_send(question, gpu->conn);
   }
}

static void ask_physical_device(struct vp_physical_device *gpu, struct questions *q)
{
   struct vp_connection *conn = gpu->conn;
   VkPhysicalDevice handle = VP_TO_HANDLE(VkPhysicalDevice, gpu);
   q->extension_count = MAX_EXTENSIONS;
   q->enumerate = (struct vp_cmd_vkEnumerateDeviceExtensionProperties){
      .physicalDevice = handle, .pPropertyCount = &q->extension_count, .pProperties = q->extensions};
   q->properties =
      (struct vp_cmd_vkGetPhysicalDeviceProperties2){.physicalDevice = handle, .pProperties = &gpu->properties};
   q->features = (struct vp_cmd_vkGetPhysicalDeviceFeatures2){.physicalDevice = handle, .pFeatures = &gpu->features};
   q->memory =
      (struct vp_cmd_vkGetPhysicalDeviceMemoryProperties2){.physicalDevice = handle, .pMemoryProperties = &gpu->memory};
   q->queues =
      (struct vp_cmd_vkGetPhysicalDeviceQueueFamilyProperties2){.physicalDevice = handle,
                                                                .pQueueFamilyPropertyCount = &gpu->queue_family_count,
                                                                .pQueueFamilyProperties = gpu->queue_families};
   ASK(vkEnumerateDeviceExtensionProperties, &q->calls[0], &q->enumerate);
   ASK(vkGetPhysicalDeviceProperties2, &q->calls[1], &q->properties);
   ASK(vkGetPhysicalDeviceFeatures2, &q->calls[2], &q->features);
   ASK(vkGetPhysicalDeviceMemoryProperties2, &q->calls[3], &q->memory);
   ASK(vkGetPhysicalDeviceQueueFamilyProperties2, &q->calls[4], &q->queues);
   for (unsigned i = 0; i < VP_LIKELY_IMAGES; i++)
      ask_image_format(gpu, &q->images[i], vp_likely_image(i));
}

#define HEAR(command, call, arguments)                        \
   do {                                                       \
      if (vp_call_wait(conn, call, UINT32_MAX) == VK_SUCCESS) \
         vp_reply_##command(&(call)->dec, arguments);         \
      ok = vp_call_end(conn, call) == VK_SUCCESS && ok;       \
   } while (0)

static bool hear(struct vp_physical_device *gpu, struct questions *q)
{
   struct vp_connection *conn = gpu->conn;
   bool ok = true;
   HEAR(vkEnumerateDeviceExtensionProperties, &q->calls[0], &q->enumerate);
   HEAR(vkGetPhysicalDeviceProperties2, &q->calls[1], &q->properties);
   HEAR(vkGetPhysicalDeviceFeatures2, &q->calls[2], &q->features);
   HEAR(vkGetPhysicalDeviceMemoryProperties2, &q->calls[3], &q->memory);
   HEAR(vkGetPhysicalDeviceQueueFamilyProperties2, &q->calls[4], &q->queues);
   for (unsigned i = 0; i < VP_LIKELY_IMAGES; i++)
      vp_cache_question_end(&q->images[i], conn, &gpu->cache);
   return ok && q->enumerate.ret >= 0;
}

/* --- what applications get to see of it --- */

/* Servers of before know these, but not what we say for them. */
static bool needs_tokens(const char *name)
{
   return strcmp(name, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME) == 0 ||
          strcmp(name, VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME) == 0 ||
          strcmp(name, VK_KHR_EXTERNAL_FENCE_FD_EXTENSION_NAME) == 0;
}

static void select_offered_extensions(struct vp_physical_device *gpu, const struct questions *q)
{
   for (uint32_t i = 0; i < q->extension_count; i++) {
      const int extension = vp_extension_find(q->extensions[i].extensionName);
      if (extension < 0 || vp_extensions[extension].instance || !vp_extensions[extension].offered)
         continue;
      if (needs_tokens(q->extensions[i].extensionName) && !gpu->conn->server.share)
         continue;
      const struct vp_encoder peer = {.peer = &gpu->conn->server.codec};
      if (!vp_enc_peer_has(&peer, vp_extensions[extension].number))
         continue;
      const uint32_t ours = vp_extensions[extension].spec_version, theirs = q->extensions[i].specVersion;
      vp_extension_set_add(&gpu->extensions, extension);
      gpu->spec_versions[extension] = ours < theirs ? ours : theirs;
   }
   for (int i = 0; i < VP_EXTENSION_COUNT; i++) {
      if (!vp_extensions[i].local || vp_extensions[i].instance)
         continue;
      vp_extension_set_add(&gpu->extensions, i);
      gpu->spec_versions[i] = vp_extensions[i].spec_version;
   }
}

/* Mapped device-local memory invites what a network makes slow: GPUs that
 * write where the CPU reads. Where there is other memory to map, it is not offered. */
static void select_memory(struct vp_physical_device *gpu)
{
   VkPhysicalDeviceMemoryProperties *memory = &gpu->memory.memoryProperties;
   bool other = false;
   bool sane = memory->memoryTypeCount <= VK_MAX_MEMORY_TYPES && memory->memoryHeapCount <= VK_MAX_MEMORY_HEAPS;
   for (uint32_t i = 0; sane && i < memory->memoryTypeCount; i++)
      sane = memory->memoryTypes[i].heapIndex < memory->memoryHeapCount;
   if (!sane)
      *memory = (VkPhysicalDeviceMemoryProperties){0}; /* no server says that */
   for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
      const VkMemoryPropertyFlags flags = memory->memoryTypes[i].propertyFlags;
      gpu->host_memory_flags[i] = flags;
      if ((flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) && (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) &&
          !(flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT))
         other = true;
   }
   if (!other || gpu->instance->config.show_bar_memory)
      return;
   for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
      if (memory->memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT)
         memory->memoryTypes[i].propertyFlags &=
            ~(VkMemoryPropertyFlags)(VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
                                     VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   }
}

static void add_newer_local_features(VkPhysicalDeviceFeatures2 *features)
{
#ifdef VK_KHR_present_id2
   VkPhysicalDevicePresentId2FeaturesKHR *id =
      vp_chain_find(features->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_2_FEATURES_KHR);
   if (id)
      id->presentId2 = VK_TRUE;
#endif
#ifdef VK_KHR_present_wait2
   VkPhysicalDevicePresentWait2FeaturesKHR *wait =
      vp_chain_find(features->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_2_FEATURES_KHR);
   if (wait)
      wait->presentWait2 = VK_TRUE;
#endif
   (void)features;
}

/* Of video codecs those whose structs can be sent. */
static void select_codecs(struct vp_physical_device *gpu)
{
#ifdef VP_HAS_VIDEO
   for (uint32_t i = 0; i < gpu->queue_family_count; i++) {
      VkQueueFamilyVideoPropertiesKHR *video =
         vp_chain_find(gpu->queue_families[i].pNext, VK_STRUCTURE_TYPE_QUEUE_FAMILY_VIDEO_PROPERTIES_KHR);
      if (video)
         video->videoCodecOperations &= vp_video_codecs();
   }
#else
   (void)gpu;
#endif
}

/* What is up to the client, not to the GPU. */
static void add_local_features(VkPhysicalDeviceFeatures2 *features)
{
   add_newer_local_features(features);
   VkPhysicalDevicePresentIdFeaturesKHR *id =
      vp_chain_find(features->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR);
   VkPhysicalDevicePresentWaitFeaturesKHR *wait =
      vp_chain_find(features->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR);
   VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT *maintenance =
      vp_chain_find(features->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT);
#ifdef VK_EXT_present_mode_fifo_latest_ready
   VkPhysicalDevicePresentModeFifoLatestReadyFeaturesEXT *latest =
      vp_chain_find(features->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_MODE_FIFO_LATEST_READY_FEATURES_EXT);
   if (latest)
      latest->presentModeFifoLatestReady = VK_TRUE;
#endif
   if (id)
      id->presentId = VK_TRUE;
   if (wait)
      wait->presentWait = VK_TRUE;
   if (maintenance)
      maintenance->swapchainMaintenance1 = VK_TRUE;
}

/* What the GPU could do, were the application on its machine. */
static void select_features(VkPhysicalDeviceFeatures2 *features)
{
   VkPhysicalDeviceAccelerationStructureFeaturesKHR *structures =
      vp_chain_find(features->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ACCELERATION_STRUCTURE_FEATURES_KHR);
   if (structures)
      structures->accelerationStructureHostCommands = VK_FALSE;
   VkPhysicalDeviceRayTracingPipelineFeaturesKHR *rays =
      vp_chain_find(features->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_RAY_TRACING_PIPELINE_FEATURES_KHR);
   if (rays) { /* the handles that are given back are not sent */
      rays->rayTracingPipelineShaderGroupHandleCaptureReplay = VK_FALSE;
      rays->rayTracingPipelineShaderGroupHandleCaptureReplayMixed = VK_FALSE;
   }
   VkPhysicalDeviceDescriptorBufferFeaturesEXT *descriptors =
      vp_chain_find(features->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_FEATURES_EXT);
   if (descriptors)
      descriptors->descriptorBufferCaptureReplay = VK_FALSE;
#ifdef VK_EXT_map_memory_placed
   VkPhysicalDeviceMapMemoryPlacedFeaturesEXT *placed =
      vp_chain_find(features->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAP_MEMORY_PLACED_FEATURES_EXT);
   if (placed)
      placed->memoryMapRangePlaced = VK_FALSE; /* a memory is watched in one piece */
#endif
   add_local_features(features);
}

/* A patch brings no commands: within a minor version that is known, the GPU says which one it has. */
static uint32_t limit_version(uint32_t version, uint32_t known)
{
   return version - VK_API_VERSION_PATCH(version) > known ? known : version;
}

static void select_version(struct vp_physical_device *gpu)
{
   uint32_t *version = &gpu->properties.properties.apiVersion;
   *version = limit_version(limit_version(*version, VP_REGISTRY_VERSION), gpu->conn->server.codec.vk_xml_version);
   gpu->api_version = *version;
}

static bool physical_device_start(struct vp_physical_device *gpu)
{
   vp_arena_init(&gpu->arena, ARENA_LIMIT);
   pthread_mutex_init(&gpu->format_lock, NULL);
   pthread_mutex_init(&gpu->budget_lock, NULL);
   vp_exports_init(&gpu->exports);
   gpu->image_formats = vp_image_formats_create();
   return vp_reply_cache_init(&gpu->cache) && gpu->image_formats && build_chains(gpu);
}

void vp_physical_device_finish(struct vp_physical_device *gpu)
{
   vp_format_table_destroy(gpu->formats);
   vp_image_formats_destroy(gpu->image_formats);
   vp_reply_cache_finish(&gpu->cache);
   vp_arena_finish(&gpu->arena);
   pthread_mutex_destroy(&gpu->format_lock);
   pthread_mutex_destroy(&gpu->budget_lock);
   vp_exports_finish(&gpu->exports);
}

uint32_t vp_physical_devices_init(struct vp_physical_device **gpus, uint32_t count)
{
   struct questions *questions = calloc(count ? count : 1, sizeof(*questions));
   uint32_t usable = 0, started = 0;
   while (questions && started < count && physical_device_start(gpus[started]))
      started++;
   if (questions && started < count)
      vp_physical_device_finish(gpus[started]);
   for (uint32_t i = 0; i < started; i++)
      ask_physical_device(gpus[i], &questions[i]);
   if (started)
      vp_stats_add(&gpus[0]->conn->stats.bursts, 1);
   for (uint32_t i = 0; i < started; i++) {
      struct vp_physical_device *gpu = gpus[i];
      if (!hear(gpu, &questions[i])) {
         if (!vp_connection_lost(gpu->conn)) /* else that was said */
            vp_log(VP_LOG_ERROR, "the server at %s cannot describe its GPU %u", gpu->conn->address, i);
         vp_physical_device_finish(gpu);
         continue;
      }
      select_offered_extensions(gpu, &questions[i]);
      select_features(&gpu->features);
      select_memory(gpu);
      select_codecs(gpu);
      select_version(gpu);
      gpu->budget_ms = vp_clock_ms();
      vp_identity_apply(gpu, &gpu->properties);
      gpus[i] = gpus[usable];
      gpus[usable++] = gpu;
   }
   free(questions);
   return usable;
}

/* --- the answers --- */

#define SELF struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, physicalDevice)

/* In a child of fork() nobody answers; what is asked for stays as it is. */
static bool can_ask(const struct vp_physical_device *gpu)
{
   return !vp_connection_is_inherited(gpu->conn);
}

static bool answer_chain(const struct vp_physical_device *gpu, const struct vp_chain_table *table, const void *stored,
                         void *chain)
{
   return vp_chain_answer(table, stored, chain, gpu->api_version, &gpu->extensions);
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceFeatures(VkPhysicalDevice physicalDevice,
                                                          VkPhysicalDeviceFeatures *pFeatures)
{
   SELF;
   *pFeatures = gpu->features.features;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceFeatures2(VkPhysicalDevice physicalDevice,
                                                           VkPhysicalDeviceFeatures2 *pFeatures)
{
   SELF;
   pFeatures->features = gpu->features.features;
   if (!answer_chain(gpu, &vp_chain_VkPhysicalDeviceFeatures2, gpu->features.pNext, pFeatures->pNext) && can_ask(gpu)) {
      struct vp_cmd_vkGetPhysicalDeviceFeatures2 a = {.physicalDevice = physicalDevice, .pFeatures = pFeatures};
      vp_call_vkGetPhysicalDeviceFeatures2(gpu->conn, &a);
      select_features(pFeatures);
   }
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceProperties(VkPhysicalDevice physicalDevice,
                                                            VkPhysicalDeviceProperties *pProperties)
{
   SELF;
   *pProperties = gpu->properties.properties;
}

/* What lies under the server's driver is not said: the struct has no place in the protocol. */
static void answer_layered_apis(const struct vp_physical_device *gpu, void *chain)
{
#ifdef VK_KHR_maintenance7
   VkPhysicalDeviceLayeredApiPropertiesListKHR *list =
      vp_chain_find(chain, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_LAYERED_API_PROPERTIES_LIST_KHR);
   if (list && vp_extension_set_has(&gpu->extensions, VP_EXT_VK_KHR_maintenance7))
      list->layeredApiCount = 0;
#else
   (void)gpu, (void)chain;
#endif
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceProperties2(VkPhysicalDevice physicalDevice,
                                                             VkPhysicalDeviceProperties2 *pProperties)
{
   SELF;
   if (!answer_chain(gpu, &vp_chain_VkPhysicalDeviceProperties2, gpu->properties.pNext, pProperties->pNext) &&
       can_ask(gpu)) {
      struct vp_cmd_vkGetPhysicalDeviceProperties2 a = {.physicalDevice = physicalDevice, .pProperties = pProperties};
      if (vp_call_vkGetPhysicalDeviceProperties2(gpu->conn, &a) == VK_SUCCESS)
         vp_identity_apply(gpu, pProperties);
   }
   pProperties->properties = gpu->properties.properties;
   answer_layered_apis(gpu, pProperties->pNext);
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceMemoryProperties(VkPhysicalDevice physicalDevice,
                                                                  VkPhysicalDeviceMemoryProperties *pMemoryProperties)
{
   SELF;
   *pMemoryProperties = gpu->memory.memoryProperties;
}

static void ask_memory(struct vp_physical_device *gpu, VkPhysicalDeviceMemoryProperties2 *properties)
{
   vp_call_vkGetPhysicalDeviceMemoryProperties2(
      gpu->conn, &(struct vp_cmd_vkGetPhysicalDeviceMemoryProperties2){
                    .physicalDevice = VP_TO_HANDLE(VkPhysicalDevice, gpu), .pMemoryProperties = properties});
}

/* Many applications ask in each frame, and would wait for the network in each. With the lock. */
static void update_budget(struct vp_physical_device *gpu)
{
   const int64_t now = vp_clock_ms();
   const uint32_t changes = gpu->allocation_changes;
   if (gpu->budget_ms && now - gpu->budget_ms < BUDGET_MS && gpu->budget_changes == changes)
      return;
   VkPhysicalDeviceMemoryProperties2 properties = {.sType = gpu->memory.sType, .pNext = gpu->memory.pNext};
   ask_memory(gpu, &properties);
   gpu->budget_ms = now;
   gpu->budget_changes = changes;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceMemoryProperties2(VkPhysicalDevice physicalDevice,
                                                                   VkPhysicalDeviceMemoryProperties2 *pMemoryProperties)
{
   SELF;
   const bool asks = can_ask(gpu);
   const bool budget =
      asks && vp_extension_set_has(&gpu->extensions, VP_EXT_VK_EXT_memory_budget) &&
      vp_chain_find(pMemoryProperties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
   if (asks) /* else nobody may be there to release it */
      pthread_mutex_lock(&gpu->budget_lock);
   if (budget)
      update_budget(gpu);
   const bool answered =
      answer_chain(gpu, &vp_chain_VkPhysicalDeviceMemoryProperties2, gpu->memory.pNext, pMemoryProperties->pNext);
   if (asks)
      pthread_mutex_unlock(&gpu->budget_lock);
   if (!answered && asks)
      ask_memory(gpu, pMemoryProperties);
   pMemoryProperties->memoryProperties = gpu->memory.memoryProperties;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice physicalDevice,
                                                                       uint32_t *pCount,
                                                                       VkQueueFamilyProperties *pProperties)
{
   SELF;
   struct vp_list_query list;
   vp_list_query_begin(&list, pCount, pProperties != NULL);
   for (uint32_t i = 0; i < gpu->queue_family_count; i++) {
      if (vp_list_query_next(&list))
         pProperties[i] = gpu->queue_families[i].queueFamilyProperties;
   }
   vp_list_query_end(&list);
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceQueueFamilyProperties2(VkPhysicalDevice physicalDevice,
                                                                        uint32_t *pCount,
                                                                        VkQueueFamilyProperties2 *pProperties)
{
   SELF;
   struct vp_list_query list;
   vp_list_query_begin(&list, pCount, pProperties != NULL);
   for (uint32_t i = 0; i < gpu->queue_family_count; i++) {
      if (!vp_list_query_next(&list))
         continue;
      pProperties[i].queueFamilyProperties = gpu->queue_families[i].queueFamilyProperties;
      answer_chain(gpu, &vp_chain_VkQueueFamilyProperties2, gpu->queue_families[i].pNext, pProperties[i].pNext);
   }
   vp_list_query_end(&list);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkEnumerateDeviceExtensionProperties(VkPhysicalDevice physicalDevice,
                                                                       const char *pLayerName, uint32_t *pPropertyCount,
                                                                       VkExtensionProperties *pProperties)
{
   SELF;
   struct vp_list_query list;
   if (pLayerName)
      return VK_ERROR_LAYER_NOT_PRESENT;
   vp_list_query_begin(&list, pPropertyCount, pProperties != NULL);
   for (int i = 0; i < VP_EXTENSION_COUNT; i++) {
      if (!vp_extension_set_has(&gpu->extensions, i) || !vp_list_query_next(&list))
         continue;
      VkExtensionProperties *out = &pProperties[list.written - 1];
      *out = (VkExtensionProperties){.specVersion = gpu->spec_versions[i]};
      strncpy(out->extensionName, vp_extensions[i].name, sizeof(out->extensionName) - 1);
   }
   return vp_list_query_end(&list);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkEnumerateDeviceLayerProperties(VkPhysicalDevice physicalDevice,
                                                                   uint32_t *pPropertyCount,
                                                                   VkLayerProperties *pProperties)
{
   (void)physicalDevice, (void)pProperties;
   *pPropertyCount = 0;
   return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceToolProperties(VkPhysicalDevice physicalDevice,
                                                                    uint32_t *pToolCount,
                                                                    VkPhysicalDeviceToolProperties *pToolProperties)
{
   (void)physicalDevice, (void)pToolProperties;
   *pToolCount = 0;
   return VK_SUCCESS;
}
