/* SPDX-License-Identifier: MIT */
/* Every entry point of the driver after the worker was killed, with objects from before: nothing crashes or hangs,
 * creations fail and leave null, what is answered without an error is defined, and everything can be destroyed, also
 * what is null.
 * test: no-tsan */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/core/device.h"
#include "client/core/entry_table.h"
#include "client/link/connection.h"
#include "client/vp_entry.h"
#include "common/net/socket.h"
#include "tests/unit/any_client.h"
#include "tests/unit/check.h"
#include "tests/unit/session.h"

static PFN_vkVoidFunction visit_entry(const char *name)
{
   const struct vp_entry *entry = vp_entry_find(name);
   if (!entry) {
      fprintf(stderr, "there is no %s\n", name);
      exit(1);
   }
   return entry->function;
}

#include "tests/vp_visit_calls.h"

#define MAX_OBJECTS_HERE 64

/* One object of each type; made up where the server's driver has none. */
static struct {
   VkObjectType type;
   uint64_t handle;
   bool made_up;
} objects[MAX_OBJECTS_HERE];
static unsigned object_count;

static VkInstance instance;
static VkPhysicalDevice gpu;
static VkDevice device;
static pid_t worker;

static void keep(VkObjectType type, const void *handle)
{
   if (CHECK(handle && object_count < MAX_OBJECTS_HERE)) {
      objects[object_count].type = type;
      objects[object_count++].handle = (uint64_t)(uintptr_t)handle;
   }
}

static uint64_t find(VkObjectType type)
{
   for (unsigned i = 0; i < object_count; i++) {
      if (objects[i].type == type)
         return objects[i].handle;
   }
   return 0;
}

/* Large enough for any object. */
#define MADE_UP_SIZE 8192

static uint64_t give_handle(struct visit *w, VkObjectType type)
{
   if (w->output)
      return UINT64_C(0xa5a5a5a5a5a5a5a5);
   const uint64_t known = find(type);
   if (known)
      return known;
   struct vp_device *owner = vp_device_from_handle(device);
   struct vp_object *object = vp_object_create(&owner->conn->objects, vp_allocator(NULL, NULL), type, MADE_UP_SIZE);
   keep(type, object);
   objects[object_count - 1].made_up = true;
   return (uint64_t)(uintptr_t)object;
}

/* --- before the loss --- */

/* A worker of one client, on a port of its own. */
static bool start_worker(void)
{
   char error[VP_SOCKET_ERROR_SIZE], address[64], text[32];
   uint16_t port;
   const int listener = vp_socket_listen("127.0.0.1", 0, &port, error);

   if (!CHECK(listener >= 0))
      return false;
   fflush(NULL);
   worker = fork();
   if (worker == 0) {
      const struct vps_options options = {.mode = VPS_MODE_WORKER, .compression = VP_COMPRESS_AUTO};
      int fd;
      session_use_driver();
      while ((fd = vp_socket_accept(listener, address, sizeof(address))) < 0)
         usleep(1000);
      close(listener);
      _exit(run_worker_for_any_client(fd, options));
   }
   close(listener);
   snprintf(text, sizeof(text), "127.0.0.1:%u", port);
   setenv("VENUS_SERVER", text, 1);
   return CHECK(worker > 0);
}

/* Calls a creation with its own arguments: CREATE(Fence, &info) keeps a fence. */
#define CREATE(NAME, TYPE, ...)                                                                                  \
   do {                                                                                                          \
      Vk##NAME created = VK_NULL_HANDLE;                                                                         \
      if (CHECK(((PFN_vkCreate##NAME)visit_entry("vkCreate" #NAME))(__VA_ARGS__, NULL, &created) == VK_SUCCESS)) \
         keep(VK_OBJECT_TYPE_##TYPE, (void *)(uintptr_t)created);                                                \
   } while (0)

static bool create_device(void)
{
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_API_VERSION_1_3};
   const char *const extensions[] = {"VK_KHR_surface", "VK_EXT_headless_surface"};
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                      .pApplicationInfo = &application,
                                      .enabledExtensionCount = 2,
                                      .ppEnabledExtensionNames = extensions};
   uint32_t count = 1;
   if (!CHECK(vp_vkCreateInstance(&info, NULL, &instance) == VK_SUCCESS) ||
       !CHECK(vp_vkEnumeratePhysicalDevices(instance, &count, &gpu) >= 0 && count == 1))
      return false;
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const char *const device_extensions[] = {"VK_KHR_swapchain"};
   const VkDeviceCreateInfo device_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                           .queueCreateInfoCount = 1,
                                           .pQueueCreateInfos = &queue,
                                           .enabledExtensionCount = 1,
                                           .ppEnabledExtensionNames = device_extensions};
   if (!CHECK(vp_vkCreateDevice(gpu, &device_info, NULL, &device) == VK_SUCCESS))
      return false;
   VkQueue device_queue;
   vp_vkGetDeviceQueue(device, 0, 0, &device_queue);
   keep(VK_OBJECT_TYPE_INSTANCE, instance);
   keep(VK_OBJECT_TYPE_PHYSICAL_DEVICE, gpu);
   keep(VK_OBJECT_TYPE_DEVICE, device);
   keep(VK_OBJECT_TYPE_QUEUE, device_queue);
   return true;
}

static void create_memory(void)
{
   const VkBufferCreateInfo buffer = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 65536, .usage = VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT};
   const VkImageCreateInfo image = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                    .imageType = VK_IMAGE_TYPE_2D,
                                    .format = VK_FORMAT_R8G8B8A8_UNORM,
                                    .extent = {16, 16, 1},
                                    .mipLevels = 1,
                                    .arrayLayers = 1,
                                    .samples = VK_SAMPLE_COUNT_1_BIT,
                                    .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT};
   const VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = 65536};
   VkDeviceMemory memory = VK_NULL_HANDLE;
   void *mapped;

   CHECK(vp_vkAllocateMemory(device, &allocation, NULL, &memory) == VK_SUCCESS);
   keep(VK_OBJECT_TYPE_DEVICE_MEMORY, (void *)(uintptr_t)memory);
   CHECK(vp_vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, &mapped) == VK_SUCCESS);
   memset(mapped, 1, 65536);
   CREATE(Buffer, BUFFER, device, &buffer);
   CREATE(Image, IMAGE, device, &image);
}

static void create_descriptors(void)
{
   const VkDescriptorSetLayoutBinding binding = {.binding = 1,
                                                 .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                                 .descriptorCount = 4,
                                                 .stageFlags = VK_SHADER_STAGE_ALL};
   const VkDescriptorSetLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 16};
   const VkDescriptorPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 4, .poolSizeCount = 1, .pPoolSizes = &size};
   CREATE(DescriptorSetLayout, DESCRIPTOR_SET_LAYOUT, device, &layout);
   CREATE(DescriptorPool, DESCRIPTOR_POOL, device, &pool);
   const VkDescriptorSetLayout made = (VkDescriptorSetLayout)(uintptr_t)find(VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT);
   const VkPipelineLayoutCreateInfo pipeline = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &made};
   const VkDescriptorUpdateTemplateEntry entry = {
      .dstBinding = 1, .descriptorCount = 1, .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER};
   const VkDescriptorUpdateTemplateCreateInfo template = {.sType =
                                                             VK_STRUCTURE_TYPE_DESCRIPTOR_UPDATE_TEMPLATE_CREATE_INFO,
                                                          .descriptorUpdateEntryCount = 1,
                                                          .pDescriptorUpdateEntries = &entry,
                                                          .descriptorSetLayout = made};
   const VkDescriptorSetAllocateInfo sets = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .descriptorPool =
                                                (VkDescriptorPool)(uintptr_t)find(VK_OBJECT_TYPE_DESCRIPTOR_POOL),
                                             .descriptorSetCount = 1,
                                             .pSetLayouts = &made};
   VkDescriptorSet set = VK_NULL_HANDLE;
   CREATE(PipelineLayout, PIPELINE_LAYOUT, device, &pipeline);
   CREATE(DescriptorUpdateTemplate, DESCRIPTOR_UPDATE_TEMPLATE, device, &template);
   CHECK(vp_vkAllocateDescriptorSets(device, &sets, &set) == VK_SUCCESS);
   keep(VK_OBJECT_TYPE_DESCRIPTOR_SET, (void *)(uintptr_t)set);
}

static void create_commands(void)
{
   const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
   CREATE(CommandPool, COMMAND_POOL, device, &pool);
   const VkCommandBufferAllocateInfo buffers = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                .commandPool =
                                                   (VkCommandPool)(uintptr_t)find(VK_OBJECT_TYPE_COMMAND_POOL),
                                                .commandBufferCount = 1};
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   VkCommandBuffer commands = NULL;
   CHECK(vp_vkAllocateCommandBuffers(device, &buffers, &commands) == VK_SUCCESS);
   CHECK(vp_vkBeginCommandBuffer(commands, &begin) == VK_SUCCESS);
   keep(VK_OBJECT_TYPE_COMMAND_BUFFER, commands);
}

static void create_rest(void)
{
   const VkSemaphoreTypeCreateInfo timeline = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                               .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
   const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &timeline};
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   const VkEventCreateInfo event = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   const VkQueryPoolCreateInfo queries = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP, .queryCount = 4};
   const VkSamplerCreateInfo sampler = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO};
   const VkPipelineCacheCreateInfo cache = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
   const VkHeadlessSurfaceCreateInfoEXT surface = {.sType = VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT};
   const VkPrivateDataSlotCreateInfo slot = {.sType = VK_STRUCTURE_TYPE_PRIVATE_DATA_SLOT_CREATE_INFO};
   const VkSubpassDescription subpasses[2] = {{0}}; /* for the number 1 of made-up arguments */
   const VkRenderPassCreateInfo pass = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO, .subpassCount = 2, .pSubpasses = subpasses};
   VkSurfaceKHR made = VK_NULL_HANDLE;

   CREATE(Semaphore, SEMAPHORE, device, &semaphore);
   CREATE(Fence, FENCE, device, &fence);
   CREATE(Event, EVENT, device, &event);
   CREATE(QueryPool, QUERY_POOL, device, &queries);
   CREATE(Sampler, SAMPLER, device, &sampler);
   CREATE(PipelineCache, PIPELINE_CACHE, device, &cache);
   CREATE(PrivateDataSlot, PRIVATE_DATA_SLOT, device, &slot);
   CREATE(RenderPass, RENDER_PASS, device, &pass);
   CREATE(DeferredOperationKHR, DEFERRED_OPERATION_KHR, device);
   CHECK(vp_vkCreateHeadlessSurfaceEXT(instance, &surface, NULL, &made) == VK_SUCCESS);
   keep(VK_OBJECT_TYPE_SURFACE_KHR, (void *)(uintptr_t)made);
   const VkSwapchainCreateInfoKHR swapchain = {.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
                                               .surface = made,
                                               .minImageCount = 3,
                                               .imageFormat = VK_FORMAT_B8G8R8A8_UNORM,
                                               .imageExtent = {64, 64},
                                               .imageArrayLayers = 1,
                                               .imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
                                               .preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
                                               .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
                                               .presentMode = VK_PRESENT_MODE_FIFO_KHR};
   CREATE(SwapchainKHR, SWAPCHAIN_KHR, device, &swapchain);
}

/* --- after it --- */

static bool begins_with(const char *name, const char *beginning)
{
   return strncmp(name, beginning, strlen(beginning)) == 0;
}

/* It is called with nothing, and with the objects themselves at the end. */
static bool ends_objects(const char *name)
{
   return begins_with(name, "vkDestroy") || begins_with(name, "vkFree");
}

/* What takes another program's pointers is not called. */
static bool is_called(const char *name)
{
   static const char *const left_out[] = {"vkResetDescriptorPool", /* at the end */
                                          "vkCreateXcb",
                                          "vkCreateXlib",
                                          "vkCreateWayland",
                                          "vkGetPhysicalDeviceXcb",
                                          "vkGetPhysicalDeviceXlib",
                                          "vkGetPhysicalDeviceWayland",
                                          "vkCreateDebugUtilsMessenger",
                                          "vkConvertCooperativeVectorMatrix" /* host addresses in unions */};
   for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++) {
      if (begins_with(name, left_out[i]))
         return false;
   }
   return vp_entry_find(name) != NULL; /* not where the registry knows it by a name of an extension that is left out */
}

static void call_everything(uint64_t n)
{
   struct vp_arena arena;
   vp_arena_init(&arena, (size_t)64 << 20);
   for (size_t i = 0; i < sizeof(visit_calls) / sizeof(*visit_calls); i++) {
      const struct visit_call *entry = &visit_calls[i];
      struct visit w = {.fill = true, .arena = &arena, .handle = give_handle, .n = n, .period = 1};
      if (!is_called(entry->name) || ends_objects(entry->name))
         continue;
      const VkResult result = entry->call(&w);
      if (!CHECK(!w.dangling) || !CHECK(!w.undefined) || !CHECK(!entry->must_fail || result < 0 || n == 0))
         fprintf(stderr, "%s with %llu elements: result %d, %u handles of nothing, %u outputs undefined\n", entry->name,
                 (unsigned long long)n, result, w.dangling, w.undefined);
      vp_arena_reset(&arena);
   }
   vp_arena_finish(&arena);
}

static const char *ending; /* the command that is called */

/* Null, but for what it must be an object of. */
static uint64_t give_nothing(struct visit *w, VkObjectType type)
{
   static const struct {
      VkObjectType type;
      const char *ends; /* the command that ends it, or the only one that needs it */
      bool only;
   } owners[] = {{VK_OBJECT_TYPE_INSTANCE, "vkDestroyInstance", false},
                 {VK_OBJECT_TYPE_DEVICE, "vkDestroyDevice", false},
                 {VK_OBJECT_TYPE_COMMAND_POOL, "vkFreeCommandBuffers", true},
                 {VK_OBJECT_TYPE_DESCRIPTOR_POOL, "vkFreeDescriptorSets", true}};
   for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
      if (owners[i].type == type && (strcmp(ending, owners[i].ends) == 0) == owners[i].only)
         return give_handle(w, type);
   }
   return 0;
}

static void end_nothing(void)
{
   struct vp_arena arena;
   unsigned called = 0;

   vp_arena_init(&arena, (size_t)1 << 20);
   for (size_t i = 0; i < sizeof(visit_calls) / sizeof(*visit_calls); i++) {
      struct visit w = {.fill = true, .arena = &arena, .handle = give_nothing, .n = 2, .period = 1};
      ending = visit_calls[i].name;
      if (!ends_objects(ending) || !vp_entry_find(ending))
         continue;
      if (!CHECK(visit_calls[i].call(&w) == VK_SUCCESS))
         fprintf(stderr, "%s refuses null\n", ending);
      vp_arena_reset(&arena);
      called++;
   }
   CHECK(called > 30);
   vp_arena_finish(&arena);
}

static VKAPI_ATTR VkBool32 VKAPI_CALL say_nothing(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                  VkDebugUtilsMessageTypeFlagsEXT types,
                                                  const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
   (void)severity, (void)types, (void)data, (void)user;
   return VK_FALSE;
}

/* It is the client's alone, and has a function of the program's. */
static void test_messenger(void)
{
   const VkDebugUtilsMessengerCreateInfoEXT info = {.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
                                                    .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
                                                    .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT,
                                                    .pfnUserCallback = say_nothing};
   VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;

   CHECK((vp_vkCreateDebugUtilsMessengerEXT(instance, &info, NULL, &messenger) == VK_SUCCESS) == (messenger != 0));
   vp_vkDestroyDebugUtilsMessengerEXT(instance, messenger, NULL);
}

/* Destroys an object by its type's command. */
#define DESTROY(NAME, TYPE)                                                                             \
   case VK_OBJECT_TYPE_##TYPE:                                                                          \
      ((PFN_vkDestroy##NAME)visit_entry("vkDestroy" #NAME))(device, (Vk##NAME)(uintptr_t)handle, NULL); \
      break

static void destroy(VkObjectType type, uint64_t handle)
{
   switch ((int32_t)type) {
      DESTROY(Buffer, BUFFER);
      DESTROY(Image, IMAGE);
      DESTROY(DescriptorSetLayout, DESCRIPTOR_SET_LAYOUT);
      DESTROY(DescriptorPool, DESCRIPTOR_POOL);
      DESTROY(PipelineLayout, PIPELINE_LAYOUT);
      DESTROY(DescriptorUpdateTemplate, DESCRIPTOR_UPDATE_TEMPLATE);
      DESTROY(CommandPool, COMMAND_POOL);
      DESTROY(Semaphore, SEMAPHORE);
      DESTROY(Fence, FENCE);
      DESTROY(Event, EVENT);
      DESTROY(QueryPool, QUERY_POOL);
      DESTROY(Sampler, SAMPLER);
      DESTROY(PipelineCache, PIPELINE_CACHE);
      DESTROY(PrivateDataSlot, PRIVATE_DATA_SLOT);
      DESTROY(RenderPass, RENDER_PASS);
      DESTROY(DeferredOperationKHR, DEFERRED_OPERATION_KHR);
      DESTROY(SwapchainKHR, SWAPCHAIN_KHR);
   case VK_OBJECT_TYPE_DEVICE_MEMORY:
      vp_vkFreeMemory(device, (VkDeviceMemory)(uintptr_t)handle, NULL);
      break;
   case VK_OBJECT_TYPE_SURFACE_KHR:
      vp_vkDestroySurfaceKHR(instance, (VkSurfaceKHR)(uintptr_t)handle, NULL);
      break;
   case VK_OBJECT_TYPE_DEVICE:
      vp_vkDestroyDevice(device, NULL);
      break;
   case VK_OBJECT_TYPE_INSTANCE:
      vp_vkDestroyInstance(instance, NULL);
      break;
   default: /* ends with another */
      break;
   }
}

static void destroy_everything(void)
{
   VkCommandBuffer commands = (VkCommandBuffer)(uintptr_t)find(VK_OBJECT_TYPE_COMMAND_BUFFER);

   CHECK(vp_vkResetDescriptorPool(device, (VkDescriptorPool)(uintptr_t)find(VK_OBJECT_TYPE_DESCRIPTOR_POOL), 0) ==
         VK_SUCCESS);
   vp_vkFreeCommandBuffers(device, (VkCommandPool)(uintptr_t)find(VK_OBJECT_TYPE_COMMAND_POOL), 1, &commands);
   for (unsigned i = object_count; i-- > 0;) {
      struct vp_device *owner = vp_device_from_handle(device);
      if (objects[i].made_up)
         vp_object_destroy(&owner->conn->objects, vp_allocator(NULL, NULL), (void *)(uintptr_t)objects[i].handle);
      else
         destroy(objects[i].type, objects[i].handle);
   }
}

int main(void)
{
   if (!start_worker() || !create_device())
      return check_finish();
   create_memory();
   create_descriptors();
   create_commands();
   create_rest();
   CHECK(vp_vkDeviceWaitIdle(device) == VK_SUCCESS);
   kill(worker, SIGKILL);
   waitpid(worker, NULL, 0);
   call_everything(1);
   call_everything(0);
   call_everything(3);
   end_nothing();
   test_messenger();
   destroy_everything();
   return check_finish();
}
