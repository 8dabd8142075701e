/* SPDX-License-Identifier: MIT */

/* The instance, the GPU and the device that most phases work on. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test-app/app.h"

bool app_instance_create(struct app_test *t, VkInstance *instance, uint32_t *api)
{
   uint32_t version = 0;
   *instance = VK_NULL_HANDLE;
   if (!VK_CHECK(t, vkEnumerateInstanceVersion(&version)))
      return false;
   *api = version < VK_API_VERSION_1_3 ? version : VK_API_VERSION_1_3;

   VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = "venus-test-app",
      .applicationVersion = 1,
      .apiVersion = *api,
   };
   VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &application,
   };
   return VK_CHECK(t, vkCreateInstance(&info, NULL, instance));
}

static bool app_gpu_matches(const char *wanted, uint32_t index, VkPhysicalDevice physical)
{
   VkPhysicalDeviceProperties properties;
   char *end;
   unsigned long number = strtoul(wanted, &end, 10);
   if (end != wanted && *end == '\0')
      return number == index;
   vkGetPhysicalDeviceProperties(physical, &properties);
   return strcasestr(properties.deviceName, wanted) != NULL;
}

bool app_gpu_pick(struct app_test *t, VkInstance instance, VkPhysicalDevice *physical)
{
   VkPhysicalDevice devices[APP_MAX_GPUS];
   uint32_t count = APP_MAX_GPUS;
   VkResult result = vkEnumeratePhysicalDevices(instance, &count, devices);
   if (!CHECK(t, result == VK_SUCCESS || result == VK_INCOMPLETE))
      return false;
   if (!CHECK(t, count > 0))
      return false;
   for (uint32_t i = 0; i < count; i++) {
      if (!t->options->gpu || app_gpu_matches(t->options->gpu, i, devices[i])) {
         *physical = devices[i];
         return true;
      }
   }
   fprintf(stderr, "venus-test-app: no GPU matches --gpu %s; run with --list to see them\n", t->options->gpu);
   return CHECK(t, !"the GPU that --gpu names exists");
}

/* The first family that can do most; UINT32_MAX if none can even compute. */
static uint32_t app_main_family(const VkQueueFamilyProperties *families, uint32_t count)
{
   uint32_t best = UINT32_MAX;
   for (uint32_t i = 0; i < count; i++) {
      if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT))
         continue;
      if (families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT)
         return i;
      if (best == UINT32_MAX)
         best = i;
   }
   return best;
}

static void app_context_add_family(struct app_context *ctx, uint32_t family, const VkQueueFamilyProperties *properties)
{
   if (ctx->queue_count == APP_MAX_QUEUES)
      return;
   ctx->families[ctx->family_count++] = family;
   for (uint32_t i = 0; i < properties->queueCount && i < 2 && ctx->queue_count < APP_MAX_QUEUES; i++) {
      ctx->queues[ctx->queue_count++] = (struct app_queue){
         .family = family,
         .flags = properties->queueFlags,
         .timestamp_bits = properties->timestampValidBits,
      };
   }
}

/* Up to two queues of every family that can at least copy; the best family first. */
static bool app_context_choose_queues(struct app_context *ctx)
{
   const VkQueueFlags useful = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT;
   VkQueueFamilyProperties families[APP_MAX_FAMILIES];
   uint32_t count = APP_MAX_FAMILIES;
   vkGetPhysicalDeviceQueueFamilyProperties(ctx->physical, &count, families);
   uint32_t main_family = app_main_family(families, count);
   if (!CHECK(ctx->test, main_family != UINT32_MAX))
      return false;
   app_context_add_family(ctx, main_family, &families[main_family]);
   for (uint32_t i = 0; i < count; i++) {
      if (i != main_family && (families[i].queueFlags & useful))
         app_context_add_family(ctx, i, &families[i]);
   }
   return true;
}

/* Fills the chain with what is supported, remembers it, and cuts it down to what the phases use. */
static void app_context_choose_features(struct app_context *ctx, VkPhysicalDeviceFeatures2 *core,
                                        VkPhysicalDeviceVulkan12Features *v12, VkPhysicalDeviceVulkan13Features *v13)
{
   *v13 = (VkPhysicalDeviceVulkan13Features){.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
   *v12 = (VkPhysicalDeviceVulkan12Features){.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
   *core = (VkPhysicalDeviceFeatures2){.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
   if (ctx->api >= VK_API_VERSION_1_2)
      core->pNext = v12;
   if (ctx->api >= VK_API_VERSION_1_3)
      v12->pNext = v13;
   vkGetPhysicalDeviceFeatures2(ctx->physical, core);

   ctx->features = core->features;
   ctx->has_timeline = v12->timelineSemaphore;
   ctx->has_host_query_reset = v12->hostQueryReset;
   ctx->has_sync2 = v13->synchronization2;
   ctx->has_dynamic_rendering = v13->dynamicRendering;
   ctx->has_private_data = v13->privateData;

   core->features = (VkPhysicalDeviceFeatures){
      .occlusionQueryPrecise = ctx->features.occlusionQueryPrecise,
      .pipelineStatisticsQuery = ctx->features.pipelineStatisticsQuery,
   };
   *v12 = (VkPhysicalDeviceVulkan12Features){
      .sType = v12->sType,
      .pNext = v12->pNext,
      .timelineSemaphore = v12->timelineSemaphore,
      .hostQueryReset = v12->hostQueryReset,
   };
   *v13 = (VkPhysicalDeviceVulkan13Features){
      .sType = v13->sType,
      .synchronization2 = v13->synchronization2,
      .dynamicRendering = v13->dynamicRendering,
      .privateData = v13->privateData,
   };
}

bool app_context_create_device(struct app_context *ctx, const VkPhysicalDeviceFeatures2 *features,
                               const char *const *extensions, uint32_t extension_count)
{
   static const float priorities[APP_MAX_QUEUES] = {1.0f, 0.5f};
   VkDeviceQueueCreateInfo queue_infos[APP_MAX_FAMILIES];
   for (uint32_t i = 0; i < ctx->family_count; i++) {
      queue_infos[i] = (VkDeviceQueueCreateInfo){
         .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
         .queueFamilyIndex = ctx->families[i],
         .pQueuePriorities = priorities,
      };
      for (uint32_t q = 0; q < ctx->queue_count; q++)
         queue_infos[i].queueCount += ctx->queues[q].family == ctx->families[i];
   }
   VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = features,
      .queueCreateInfoCount = ctx->family_count,
      .pQueueCreateInfos = queue_infos,
      .enabledExtensionCount = extension_count,
      .ppEnabledExtensionNames = extensions,
   };
   if (!VK_CHECK(ctx->test, vkCreateDevice(ctx->physical, &info, NULL, &ctx->device)))
      return false;

   uint32_t index = 0;
   for (uint32_t q = 0; q < ctx->queue_count; q++) {
      index = q > 0 && ctx->queues[q].family == ctx->queues[q - 1].family ? index + 1 : 0;
      vkGetDeviceQueue(ctx->device, ctx->queues[q].family, index, &ctx->queues[q].handle);
      if (!CHECK(ctx->test, ctx->queues[q].handle != VK_NULL_HANDLE))
         return false;
   }
   VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
      .queueFamilyIndex = ctx->queues[0].family,
   };
   return VK_CHECK(ctx->test, vkCreateCommandPool(ctx->device, &pool_info, NULL, &ctx->pool));
}

bool app_context_open(struct app_test *t, struct app_context *ctx)
{
   *ctx = (struct app_context){.test = t};
   if (!app_instance_create(t, &ctx->instance, &ctx->api) || !app_gpu_pick(t, ctx->instance, &ctx->physical))
      return false;
   vkGetPhysicalDeviceProperties(ctx->physical, &ctx->properties);
   vkGetPhysicalDeviceMemoryProperties(ctx->physical, &ctx->memory);
   if (ctx->properties.apiVersion < ctx->api)
      ctx->api = ctx->properties.apiVersion;
   return CHECK(t, ctx->api >= VK_API_VERSION_1_1) && app_context_choose_queues(ctx);
}

bool app_context_create(struct app_test *t, struct app_context *ctx)
{
   VkPhysicalDeviceFeatures2 features;
   VkPhysicalDeviceVulkan12Features v12;
   VkPhysicalDeviceVulkan13Features v13;
   if (!app_context_open(t, ctx))
      return false;
   app_context_choose_features(ctx, &features, &v12, &v13);
   return app_context_create_device(ctx, &features, NULL, 0);
}

void app_context_destroy(struct app_context *ctx)
{
   if (ctx->device) {
      VK_CHECK(ctx->test, vkDeviceWaitIdle(ctx->device));
      vkDestroyCommandPool(ctx->device, ctx->pool, NULL);
      vkDestroyDevice(ctx->device, NULL);
   }
   if (ctx->instance)
      vkDestroyInstance(ctx->instance, NULL);
   *ctx = (struct app_context){0};
}
