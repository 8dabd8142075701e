/* SPDX-License-Identifier: MIT */
/* Phase 3: devices, made in every way, again and again, and refused where they must be. */

#include <pthread.h>
#include <string.h>

#include "test-app/app.h"

struct gpu {
   struct app_test *test;
   VkInstance instance;
   VkPhysicalDevice physical;
   uint32_t api;
   uint32_t family_count;
   VkQueueFamilyProperties families[APP_MAX_FAMILIES];
};

static const float one = 1.0f;

/* A device with one queue of `family`; the caller's chain, features and extensions are added. */
static VkResult make(const struct gpu *gpu, uint32_t family, const void *chain,
                     const VkPhysicalDeviceFeatures *features, const char *extension, VkDevice *device)
{
   VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = family,
      .queueCount = 1,
      .pQueuePriorities = &one,
   };
   VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = chain,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
      .enabledExtensionCount = extension ? 1 : 0,
      .ppEnabledExtensionNames = &extension,
      .pEnabledFeatures = features,
   };
   *device = VK_NULL_HANDLE;
   return vkCreateDevice(gpu->physical, &info, NULL, device);
}

/* The device can be used: it makes a buffer, runs an empty submission, and comes to rest. */
static void check_alive(struct app_test *t, VkDevice device, VkQueue queue)
{
   VkFence fence = VK_NULL_HANDLE;
   VkBuffer buffer = VK_NULL_HANDLE;
   VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkBufferCreateInfo buffer_info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = 1000,
      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VK_CHECK(t, vkCreateBuffer(device, &buffer_info, NULL, &buffer));
   VK_TRY(t, vkCreateFence(device, &fence_info, NULL, &fence));
   VK_EXPECT(t, VK_NOT_READY, vkGetFenceStatus(device, fence));
   VK_TRY(t, vkQueueSubmit(queue, 0, NULL, fence));
   VK_CHECK(t, vkWaitForFences(device, 1, &fence, VK_TRUE, APP_WAIT_NS));
   VK_CHECK(t, vkGetFenceStatus(device, fence));
   VK_CHECK(t, vkQueueWaitIdle(queue));
   VK_CHECK(t, vkDeviceWaitIdle(device));
done:
   vkDestroyFence(device, fence, NULL);
   vkDestroyBuffer(device, buffer, NULL);
}

static void check_each_family(const struct gpu *gpu)
{
   struct app_test *t = gpu->test;
   for (uint32_t family = 0; family < gpu->family_count; family++) {
      VkDevice device;
      VkQueue queue = VK_NULL_HANDLE;
      VkQueue same = VK_NULL_HANDLE;
      VkQueue other = VK_NULL_HANDLE;
      VkDeviceQueueInfo2 info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2, .queueFamilyIndex = family};
      if (!VK_CHECK(t, make(gpu, family, NULL, NULL, NULL, &device)))
         continue;
      vkGetDeviceQueue(device, family, 0, &queue);
      vkGetDeviceQueue(device, family, 0, &same);
      vkGetDeviceQueue2(device, &info, &other);
      CHECK(t, queue != VK_NULL_HANDLE && queue == same && queue == other);
      if (queue)
         check_alive(t, device, queue);
      vkDestroyDevice(device, NULL);
   }
}

static void check_again_and_again(const struct gpu *gpu)
{
   struct app_test *t = gpu->test;
   for (int i = 0; i < 12; i++) {
      VkDevice device;
      VkQueue queue = VK_NULL_HANDLE;
      if (!VK_CHECK(t, make(gpu, 0, NULL, NULL, NULL, &device)))
         return;
      if (i % 3 == 0) {
         vkGetDeviceQueue(device, 0, 0, &queue);
         check_alive(t, device, queue);
      }
      vkDestroyDevice(device, NULL);
   }
   vkDestroyDevice(VK_NULL_HANDLE, NULL);
}

/* All queues of all families, at most eight of each. */
static void check_all_queues(const struct gpu *gpu)
{
   static const float priorities[8] = {1.0f, 0.0f, 0.25f, 0.5f, 0.75f, 1.0f, 0.1f, 0.9f};
   struct app_test *t = gpu->test;
   VkDeviceQueueCreateInfo queues[APP_MAX_FAMILIES];
   VkQueue seen[APP_MAX_FAMILIES * 8];
   uint32_t seen_count = 0;
   VkDevice device;
   for (uint32_t i = 0; i < gpu->family_count; i++) {
      uint32_t count = gpu->families[i].queueCount;
      queues[i] = (VkDeviceQueueCreateInfo){
         .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
         .queueFamilyIndex = i,
         .queueCount = count < APP_COUNT(priorities) ? count : (uint32_t)APP_COUNT(priorities),
         .pQueuePriorities = priorities,
      };
   }
   VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = gpu->family_count,
      .pQueueCreateInfos = queues,
   };
   if (!VK_CHECK(t, vkCreateDevice(gpu->physical, &info, NULL, &device)))
      return;
   for (uint32_t i = 0; i < gpu->family_count; i++) {
      for (uint32_t q = 0; q < queues[i].queueCount; q++) {
         VkQueue queue = VK_NULL_HANDLE;
         vkGetDeviceQueue(device, i, q, &queue);
         if (!CHECK(t, queue != VK_NULL_HANDLE))
            continue;
         for (uint32_t s = 0; s < seen_count; s++)
            CHECK(t, seen[s] != queue);
         seen[seen_count++] = queue;
         check_alive(t, device, queue);
      }
   }
   vkDestroyDevice(device, NULL);
}

/* Everything the device says it can do can be switched on, in the old way and in the chained way. */
static void check_all_features(const struct gpu *gpu)
{
   struct app_test *t = gpu->test;
   VkDevice device;
   VkPhysicalDeviceVulkan13Features v13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
   VkPhysicalDeviceVulkan12Features v12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
   VkPhysicalDeviceVulkan11Features v11 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
      .pNext = &v12,
   };
   VkPhysicalDeviceFeatures2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
   if (gpu->api >= VK_API_VERSION_1_2)
      all.pNext = &v11;
   if (gpu->api >= VK_API_VERSION_1_3)
      v12.pNext = &v13;
   vkGetPhysicalDeviceFeatures2(gpu->physical, &all);
   if (VK_CHECK(t, make(gpu, 0, NULL, &all.features, NULL, &device)))
      vkDestroyDevice(device, NULL);
   if (VK_CHECK(t, make(gpu, 0, &all, NULL, NULL, &device))) {
      VkQueue queue = VK_NULL_HANDLE;
      vkGetDeviceQueue(device, 0, 0, &queue);
      check_alive(t, device, queue);
      vkDestroyDevice(device, NULL);
   }
}

static void check_refusals(const struct gpu *gpu)
{
   struct app_test *t = gpu->test;
   VkDevice device;
   VkPhysicalDeviceFeatures supported;
   VkBool32 features[sizeof(VkPhysicalDeviceFeatures) / sizeof(VkBool32)];
   VK_EXPECT(t, VK_ERROR_EXTENSION_NOT_PRESENT, make(gpu, 0, NULL, NULL, "VK_VENUS_TEST_APP_no_such_thing", &device));

   vkGetPhysicalDeviceFeatures(gpu->physical, &supported);
   memcpy(features, &supported, sizeof(features));
   uint32_t missing = 0;
   while (missing < APP_COUNT(features) && features[missing])
      missing++;
   if (missing == APP_COUNT(features)) {
      app_note(t, "the device has every feature; none is left to be refused");
      return;
   }
   memset(features, 0, sizeof(features));
   features[missing] = VK_TRUE;
   VkPhysicalDeviceFeatures2 chained = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
   memcpy(&chained.features, features, sizeof(features));
   for (int i = 0; i < 3; i++) {
      VK_EXPECT(t, VK_ERROR_FEATURE_NOT_PRESENT, make(gpu, 0, NULL, &chained.features, NULL, &device));
      VK_EXPECT(t, VK_ERROR_FEATURE_NOT_PRESENT, make(gpu, 0, &chained, NULL, NULL, &device));
   }
   /* A refusal must leave nothing broken behind. */
   if (VK_CHECK(t, make(gpu, 0, NULL, NULL, NULL, &device)))
      vkDestroyDevice(device, NULL);
}

/* Each extension that the device offers can be switched on; those that need another one are the driver's to know, so
 * only some that stand alone in every version are tried. */
static void check_extensions(const struct gpu *gpu)
{
   static const char *const wanted[] = {
      "VK_KHR_maintenance1",     "VK_KHR_bind_memory2",      "VK_KHR_descriptor_update_template",
      "VK_EXT_host_query_reset", "VK_KHR_image_format_list", "VK_KHR_storage_buffer_storage_class",
      "VK_EXT_private_data",
   };
   struct app_test *t = gpu->test;
   for (uint32_t w = 0; w < APP_COUNT(wanted); w++) {
      VkExtensionProperties found[512];
      uint32_t count = (uint32_t)APP_COUNT(found);
      VkDevice device;
      bool offered = false;
      VkResult result = vkEnumerateDeviceExtensionProperties(gpu->physical, NULL, &count, found);
      CHECK(t, result == VK_SUCCESS || result == VK_INCOMPLETE);
      for (uint32_t i = 0; i < count; i++)
         offered |= strcmp(found[i].extensionName, wanted[w]) == 0;
      if (VK_EXPECT(t, offered ? VK_SUCCESS : VK_ERROR_EXTENSION_NOT_PRESENT,
                    make(gpu, 0, NULL, NULL, wanted[w], &device)) &&
          offered)
         vkDestroyDevice(device, NULL);
   }
}

static void check_two_at_once(const struct gpu *gpu)
{
   struct app_test *t = gpu->test;
   VkDevice devices[2] = {VK_NULL_HANDLE};
   for (uint32_t i = 0; i < 2; i++)
      VK_CHECK(t, make(gpu, 0, NULL, NULL, NULL, &devices[i]));
   CHECK(t, devices[0] != devices[1]);
   for (uint32_t round = 0; round < 4; round++) {
      VkQueue queue = VK_NULL_HANDLE;
      VkDevice device = devices[round % 2];
      if (!device)
         continue;
      vkGetDeviceQueue(device, 0, 0, &queue);
      check_alive(t, device, queue);
   }
   vkDestroyDevice(devices[0], NULL);
   if (devices[1]) {
      VkQueue queue = VK_NULL_HANDLE;
      vkGetDeviceQueue(devices[1], 0, 0, &queue);
      check_alive(t, devices[1], queue);
   }
   vkDestroyDevice(devices[1], NULL);
}

static void check_group_of_one(const struct gpu *gpu)
{
   struct app_test *t = gpu->test;
   VkDevice device;
   VkDeviceGroupDeviceCreateInfo group = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_GROUP_DEVICE_CREATE_INFO,
      .physicalDeviceCount = 1,
      .pPhysicalDevices = &gpu->physical,
   };
   if (!VK_CHECK(t, make(gpu, 0, &group, NULL, NULL, &device)))
      return;
   VkQueue queue = VK_NULL_HANDLE;
   vkGetDeviceQueue(device, 0, 0, &queue);
   check_alive(t, device, queue);
   vkDestroyDevice(device, NULL);
}

static void check_entry_points(const struct gpu *gpu)
{
   static const char *const names[] = {"vkQueueSubmit", "vkCreateBuffer",    "vkCmdDraw",
                                       "vkMapMemory",   "vkTrimCommandPool", "vkDestroyDevice"};
   struct app_test *t = gpu->test;
   VkDevice device;
   if (!VK_CHECK(t, make(gpu, 0, NULL, NULL, NULL, &device)))
      return;
   for (uint32_t i = 0; i < APP_COUNT(names); i++)
      CHECK(t, vkGetDeviceProcAddr(device, names[i]) != NULL);
   CHECK(t, vkGetDeviceProcAddr(device, "vkNoSuchCommand") == NULL);
   CHECK(t, vkGetDeviceProcAddr(device, "vkCreateInstance") == NULL);

   PFN_vkDeviceWaitIdle wait_idle = (PFN_vkDeviceWaitIdle)vkGetDeviceProcAddr(device, "vkDeviceWaitIdle");
   if (CHECK(t, wait_idle != NULL))
      VK_CHECK(t, wait_idle(device));
   vkDestroyDevice(device, NULL);
}

static void *thread_main(void *argument)
{
   const struct gpu *gpu = argument;
   for (int i = 0; i < 4; i++) {
      VkDevice device;
      VkQueue queue = VK_NULL_HANDLE;
      if (!VK_CHECK(gpu->test, make(gpu, 0, NULL, NULL, NULL, &device)))
         break;
      vkGetDeviceQueue(device, 0, 0, &queue);
      check_alive(gpu->test, device, queue);
      vkDestroyDevice(device, NULL);
   }
   return NULL;
}

static void check_threads(struct gpu *gpu)
{
   struct app_test *t = gpu->test;
   pthread_t threads[4];
   uint32_t started = 0;
   while (started < APP_COUNT(threads) && CHECK(t, pthread_create(&threads[started], NULL, thread_main, gpu) == 0))
      started++;
   for (uint32_t i = 0; i < started; i++)
      CHECK(t, pthread_join(threads[i], NULL) == 0);
}

void phase_device(struct app_test *t)
{
   struct gpu gpu = {.test = t, .family_count = APP_MAX_FAMILIES};
   VkPhysicalDeviceProperties properties;

   if (!app_instance_create(t, &gpu.instance, &gpu.api))
      return;
   if (!app_gpu_pick(t, gpu.instance, &gpu.physical))
      goto done;
   vkGetPhysicalDeviceProperties(gpu.physical, &properties);
   if (properties.apiVersion < gpu.api)
      gpu.api = properties.apiVersion;
   vkGetPhysicalDeviceQueueFamilyProperties(gpu.physical, &gpu.family_count, gpu.families);

   check_each_family(&gpu);
   check_again_and_again(&gpu);
   check_all_queues(&gpu);
   check_all_features(&gpu);
   check_refusals(&gpu);
   check_extensions(&gpu);
   check_two_at_once(&gpu);
   check_group_of_one(&gpu);
   check_entry_points(&gpu);
   check_threads(&gpu);
done:
   vkDestroyInstance(gpu.instance, NULL);
}
