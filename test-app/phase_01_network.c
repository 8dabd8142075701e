/* SPDX-License-Identifier: MIT */
/* Phase 1: reaching the driver. Everything that comes before and around an instance, and instances made again and
 * again, several at a time, and from several threads: for a driver behind a network, one connection each. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "test-app/app.h"

#define MANY 256

static void check_version(struct app_test *t)
{
   uint32_t version = 0;
   VK_CHECK(t, vkEnumerateInstanceVersion(&version));
   CHECK(t, version >= VK_API_VERSION_1_1);
   CHECK_EQ(t, 0, VK_API_VERSION_VARIANT(version));
}

static void check_layers(struct app_test *t)
{
   static VkLayerProperties layers[MANY];
   uint32_t count = 0;
   VK_CHECK(t, vkEnumerateInstanceLayerProperties(&count, NULL));
   if (!CHECK(t, count <= MANY))
      return;
   uint32_t again = count;
   VK_CHECK(t, vkEnumerateInstanceLayerProperties(&again, layers));
   CHECK_EQ(t, count, again);
   for (uint32_t i = 0; i < again; i++) {
      CHECK(t, memchr(layers[i].layerName, '\0', VK_MAX_EXTENSION_NAME_SIZE) != NULL);
      uint32_t extensions = 0;
      VK_CHECK(t, vkEnumerateInstanceExtensionProperties(layers[i].layerName, &extensions, NULL));
   }
}

static void check_extensions(struct app_test *t)
{
   static VkExtensionProperties extensions[MANY];
   uint32_t count = 0;
   VK_CHECK(t, vkEnumerateInstanceExtensionProperties(NULL, &count, NULL));
   if (!CHECK(t, count > 0 && count <= MANY))
      return;
   uint32_t again = count;
   VK_CHECK(t, vkEnumerateInstanceExtensionProperties(NULL, &again, extensions));
   CHECK_EQ(t, count, again);
   for (uint32_t i = 0; i < again; i++) {
      CHECK(t, strncmp(extensions[i].extensionName, "VK_", 3) == 0);
      CHECK(t, memchr(extensions[i].extensionName, '\0', VK_MAX_EXTENSION_NAME_SIZE) != NULL);
      for (uint32_t j = 0; j < i; j++)
         CHECK(t, strcmp(extensions[i].extensionName, extensions[j].extensionName) != 0);
   }
   uint32_t fewer = count - 1;
   VK_EXPECT(t, VK_INCOMPLETE, vkEnumerateInstanceExtensionProperties(NULL, &fewer, extensions));
   CHECK_EQ(t, count - 1, fewer);
}

static VkResult make(const VkApplicationInfo *application, const VkAllocationCallbacks *allocator, VkInstance *instance)
{
   VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = application,
   };
   *instance = VK_NULL_HANDLE;
   return vkCreateInstance(&info, allocator, instance);
}

static uint32_t device_count(struct app_test *t, VkInstance instance)
{
   uint32_t count = 0;
   VK_CHECK(t, vkEnumeratePhysicalDevices(instance, &count, NULL));
   return count;
}

/* Every instance must see the same devices, whatever version it asks for. */
static void check_again_and_again(struct app_test *t)
{
   static const uint32_t versions[] = {VK_API_VERSION_1_0, VK_API_VERSION_1_1, VK_API_VERSION_1_2, VK_API_VERSION_1_3};
   uint32_t first = 0;
   for (uint32_t i = 0; i < 20; i++) {
      VkApplicationInfo application = {
         .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
         .pApplicationName = i % 3 == 0 ? NULL : "venus-test-app",
         .pEngineName = i % 2 == 0 ? NULL : "none",
         .apiVersion = versions[i % APP_COUNT(versions)],
      };
      VkInstance instance;
      if (!VK_CHECK(t, make(i == 0 ? NULL : &application, NULL, &instance)))
         return;
      uint32_t count = device_count(t, instance);
      if (i == 0)
         first = count;
      CHECK(t, count > 0);
      CHECK_EQ(t, first, count);
      vkDestroyInstance(instance, NULL);
   }
   vkDestroyInstance(VK_NULL_HANDLE, NULL);
}

static void check_refusals(struct app_test *t)
{
   static const char *const nonsense[] = {"VK_VENUS_TEST_APP_no_such_thing"};
   VkInstance instance = VK_NULL_HANDLE;
   VkInstanceCreateInfo layer = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .enabledLayerCount = 1,
      .ppEnabledLayerNames = nonsense,
   };
   VkInstanceCreateInfo extension = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .enabledExtensionCount = 1,
      .ppEnabledExtensionNames = nonsense,
   };
   uint32_t count = 0;
   VK_EXPECT(t, VK_ERROR_LAYER_NOT_PRESENT, vkCreateInstance(&layer, NULL, &instance));
   VK_EXPECT(t, VK_ERROR_EXTENSION_NOT_PRESENT, vkCreateInstance(&extension, NULL, &instance));
   VK_EXPECT(t, VK_ERROR_LAYER_NOT_PRESENT, vkEnumerateInstanceExtensionProperties(nonsense[0], &count, NULL));
}

static void check_several_at_once(struct app_test *t)
{
   enum { ALIVE = 6 };
   static const uint32_t order[ALIVE] = {3, 0, 5, 1, 4, 2};
   VkInstance instances[ALIVE] = {VK_NULL_HANDLE};
   for (uint32_t i = 0; i < ALIVE; i++)
      VK_CHECK(t, make(NULL, NULL, &instances[i]));
   for (uint32_t i = 0; i < ALIVE; i++) {
      for (uint32_t j = i; j < ALIVE; j++) {
         if (instances[order[j]])
            CHECK(t, device_count(t, instances[order[j]]) > 0);
      }
      vkDestroyInstance(instances[order[i]], NULL);
   }
}

static void *thread_main(void *argument)
{
   struct app_test *t = argument;
   for (int i = 0; i < 5; i++) {
      VkInstance instance;
      if (!VK_CHECK(t, make(NULL, NULL, &instance)))
         break;
      CHECK(t, device_count(t, instance) > 0);
      vkDestroyInstance(instance, NULL);
   }
   return NULL;
}

/* One instance stays, so that the driver is not unloaded and loaded anew between the threads: some can bear that only
 * so many times in one process. */
static void check_threads(struct app_test *t)
{
   pthread_t threads[4];
   uint32_t started = 0;
   VkInstance stays;
   if (!VK_CHECK(t, make(NULL, NULL, &stays)))
      return;
   while (started < APP_COUNT(threads) && CHECK(t, pthread_create(&threads[started], NULL, thread_main, t) == 0))
      started++;
   for (uint32_t i = 0; i < started; i++)
      CHECK(t, pthread_join(threads[i], NULL) == 0);
   vkDestroyInstance(stays, NULL);
}

static void check_entry_points(struct app_test *t)
{
   VkInstance instance;
   CHECK(t, vkGetInstanceProcAddr(NULL, "vkCreateInstance") != NULL);
   CHECK(t, vkGetInstanceProcAddr(NULL, "vkNoSuchCommand") == NULL);
   if (!VK_CHECK(t, make(NULL, NULL, &instance)))
      return;
   CHECK(t, vkGetInstanceProcAddr(instance, "vkEnumeratePhysicalDevices") != NULL);
   CHECK(t, vkGetInstanceProcAddr(instance, "vkCreateDevice") != NULL);
   CHECK(t, vkGetInstanceProcAddr(instance, "vkQueueSubmit") != NULL);
   CHECK(t, vkGetInstanceProcAddr(instance, "vkNoSuchCommand") == NULL);
   vkDestroyInstance(instance, NULL);
}

/* An allocator that keeps the balance. Memory is aligned by aligned_alloc; the size in front serves reallocation. */
struct balance {
   atomic_int live;
   atomic_int calls;
};

static VKAPI_ATTR void *VKAPI_CALL balance_allocate(void *user, size_t size, size_t alignment,
                                                    VkSystemAllocationScope scope)
{
   struct balance *balance = user;
   (void)scope;
   size_t head = alignment < 16 ? 16 : alignment;
   if (size > SIZE_MAX - 2 * head)
      return NULL;
   char *block = aligned_alloc(head, (head + size + head - 1) / head * head);
   if (!block)
      return NULL;
   memcpy(block + head - 2 * sizeof(size_t), (size_t[2]){head, size}, 2 * sizeof(size_t));
   atomic_fetch_add(&balance->live, 1);
   atomic_fetch_add(&balance->calls, 1);
   return block + head;
}

static VKAPI_ATTR void VKAPI_CALL balance_free(void *user, void *memory)
{
   struct balance *balance = user;
   size_t facts[2];
   if (!memory)
      return;
   memcpy(facts, (char *)memory - sizeof(facts), sizeof(facts));
   atomic_fetch_sub(&balance->live, 1);
   free((char *)memory - facts[0]);
}

static VKAPI_ATTR void *VKAPI_CALL balance_reallocate(void *user, void *old, size_t size, size_t alignment,
                                                      VkSystemAllocationScope scope)
{
   size_t facts[2];
   if (!old)
      return balance_allocate(user, size, alignment, scope);
   if (size == 0) {
      balance_free(user, old);
      return NULL;
   }
   memcpy(facts, (char *)old - sizeof(facts), sizeof(facts));
   void *fresh = balance_allocate(user, size, alignment, scope);
   if (!fresh)
      return NULL;
   memcpy(fresh, old, facts[1] < size ? facts[1] : size);
   balance_free(user, old);
   return fresh;
}

static void check_allocator(struct app_test *t)
{
   struct balance balance = {0};
   VkAllocationCallbacks allocator = {
      .pUserData = &balance,
      .pfnAllocation = balance_allocate,
      .pfnReallocation = balance_reallocate,
      .pfnFree = balance_free,
   };
   VkInstance instance;
   if (!VK_CHECK(t, make(NULL, &allocator, &instance)))
      return;
   CHECK(t, device_count(t, instance) > 0);
   vkDestroyInstance(instance, &allocator);
   CHECK(t, atomic_load(&balance.calls) > 0);
   CHECK_EQ(t, 0, atomic_load(&balance.live));
}

void phase_network(struct app_test *t)
{
   check_version(t);
   check_layers(t);
   check_extensions(t);
   check_again_and_again(t);
   check_refusals(t);
   check_several_at_once(t);
   check_threads(t);
   check_entry_points(t);
   check_allocator(t);
}
