/* SPDX-License-Identifier: MIT */
#include "test-app/app.h"

#include <errno.h>
#include <png.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A phase with a systematic error would otherwise print without end. */
#define APP_SHOWN_FAILURES 20

const char *app_result_name(VkResult result)
{
   switch (result) {
#define NAME(value) \
   case value:      \
      return #value
      NAME(VK_SUCCESS);
      NAME(VK_NOT_READY);
      NAME(VK_TIMEOUT);
      NAME(VK_EVENT_SET);
      NAME(VK_EVENT_RESET);
      NAME(VK_INCOMPLETE);
      NAME(VK_ERROR_OUT_OF_HOST_MEMORY);
      NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY);
      NAME(VK_ERROR_INITIALIZATION_FAILED);
      NAME(VK_ERROR_DEVICE_LOST);
      NAME(VK_ERROR_MEMORY_MAP_FAILED);
      NAME(VK_ERROR_LAYER_NOT_PRESENT);
      NAME(VK_ERROR_EXTENSION_NOT_PRESENT);
      NAME(VK_ERROR_FEATURE_NOT_PRESENT);
      NAME(VK_ERROR_INCOMPATIBLE_DRIVER);
      NAME(VK_ERROR_TOO_MANY_OBJECTS);
      NAME(VK_ERROR_FORMAT_NOT_SUPPORTED);
      NAME(VK_ERROR_FRAGMENTED_POOL);
      NAME(VK_ERROR_UNKNOWN);
      NAME(VK_ERROR_OUT_OF_POOL_MEMORY);
#undef NAME
   default:
      return "another VkResult";
   }
}

static bool app_count(struct app_test *t, bool good, bool *show)
{
   if (good) {
      atomic_fetch_add(&t->passed, 1);
      *show = false;
      return true;
   }
   unsigned before = atomic_fetch_add(&t->failed, 1);
   *show = before < APP_SHOWN_FAILURES;
   if (before == APP_SHOWN_FAILURES)
      fprintf(stderr, "%s: more checks failed; they are only counted\n", t->name);
   return false;
}

bool app_check(struct app_test *t, bool condition, const char *file, int line, const char *text)
{
   bool show;
   if (!app_count(t, condition, &show) && show)
      fprintf(stderr, "%s:%d: %s: failed: %s\n", file, line, t->name, text);
   return condition;
}

bool app_check_equal(struct app_test *t, uint64_t expected, uint64_t actual, const char *file, int line,
                     const char *text)
{
   bool show;
   if (!app_count(t, expected == actual, &show) && show)
      fprintf(stderr, "%s:%d: %s: %s is %llu (0x%llx), expected %llu (0x%llx)\n", file, line, t->name, text,
              (unsigned long long)actual, (unsigned long long)actual, (unsigned long long)expected,
              (unsigned long long)expected);
   return expected == actual;
}

bool app_check_result(struct app_test *t, VkResult expected, VkResult result, const char *file, int line,
                      const char *text)
{
   bool show;
   if (!app_count(t, expected == result, &show) && show)
      fprintf(stderr, "%s:%d: %s: %s gave %s (%d), expected %s\n", file, line, t->name, text, app_result_name(result),
              (int)result, app_result_name(expected));
   return expected == result;
}

bool app_check_bytes(struct app_test *t, const void *expected, const void *actual, size_t size, const char *file,
                     int line, const char *text)
{
   bool show;
   if (app_count(t, memcmp(expected, actual, size) == 0, &show))
      return true;
   if (!show)
      return false;
   const uint8_t *e = expected;
   const uint8_t *a = actual;
   size_t first = size;
   size_t different = 0;
   for (size_t i = 0; i < size; i++) {
      if (e[i] == a[i])
         continue;
      if (different++ == 0)
         first = i;
   }
   if (first < size)
      fprintf(stderr, "%s:%d: %s: %s: %zu of %zu bytes differ, first at %zu: 0x%02x, expected 0x%02x\n", file, line,
              t->name, text, different, size, first, a[first], e[first]);
   else
      fprintf(stderr, "%s:%d: %s: %s: differed when first compared, equal now\n", file, line, t->name, text);
   return false;
}

void app_note(struct app_test *t, const char *format, ...)
{
   char text[256];
   va_list arguments;
   va_start(arguments, format);
   vsnprintf(text, sizeof(text), format, arguments);
   va_end(arguments);
   printf("  %s: note: %s\n", t->name, text);
}

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

static bool app_context_create_device(struct app_context *ctx)
{
   static const float priorities[APP_MAX_QUEUES] = {1.0f, 0.5f};
   VkPhysicalDeviceFeatures2 features;
   VkPhysicalDeviceVulkan12Features v12;
   VkPhysicalDeviceVulkan13Features v13;
   VkDeviceQueueCreateInfo queue_infos[APP_MAX_FAMILIES];

   app_context_choose_features(ctx, &features, &v12, &v13);
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
      .pNext = &features,
      .queueCreateInfoCount = ctx->family_count,
      .pQueueCreateInfos = queue_infos,
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
   return true;
}

bool app_context_create(struct app_test *t, struct app_context *ctx)
{
   *ctx = (struct app_context){.test = t};
   if (!app_instance_create(t, &ctx->instance, &ctx->api) || !app_gpu_pick(t, ctx->instance, &ctx->physical))
      return false;
   vkGetPhysicalDeviceProperties(ctx->physical, &ctx->properties);
   vkGetPhysicalDeviceMemoryProperties(ctx->physical, &ctx->memory);
   if (ctx->properties.apiVersion < ctx->api)
      ctx->api = ctx->properties.apiVersion;
   if (!CHECK(t, ctx->api >= VK_API_VERSION_1_1) || !app_context_choose_queues(ctx) || !app_context_create_device(ctx))
      return false;

   VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
      .queueFamilyIndex = ctx->queues[0].family,
   };
   return VK_CHECK(t, vkCreateCommandPool(ctx->device, &pool_info, NULL, &ctx->pool));
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

uint32_t app_memory_type(const struct app_context *ctx, uint32_t bits, VkMemoryPropertyFlags required,
                         VkMemoryPropertyFlags preferred)
{
   const VkMemoryPropertyFlags unwanted = VK_MEMORY_PROPERTY_PROTECTED_BIT | VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT |
                                          VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD;
   uint32_t found = UINT32_MAX;
   for (uint32_t i = 0; i < ctx->memory.memoryTypeCount; i++) {
      VkMemoryPropertyFlags flags = ctx->memory.memoryTypes[i].propertyFlags;
      if (!(bits & (1u << i)) || (flags & required) != required || (flags & unwanted))
         continue;
      if ((flags & preferred) == preferred)
         return i;
      if (found == UINT32_MAX)
         found = i;
   }
   return found;
}

static uint32_t app_memory_type_of_kind(const struct app_context *ctx, uint32_t bits, enum app_memory kind)
{
   const VkMemoryPropertyFlags mapped = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   switch (kind) {
   case APP_MEMORY_UPLOAD:
      return app_memory_type(ctx, bits, mapped, 0);
   case APP_MEMORY_READBACK:
      return app_memory_type(ctx, bits, mapped, VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   default:
      return app_memory_type(ctx, bits, 0, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
   }
}

static bool app_memory_allocate(struct app_context *ctx, const VkMemoryRequirements *needs, enum app_memory kind,
                                VkDeviceMemory *memory)
{
   VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = needs->size,
      .memoryTypeIndex = app_memory_type_of_kind(ctx, needs->memoryTypeBits, kind),
   };
   return CHECK(ctx->test, info.memoryTypeIndex != UINT32_MAX) &&
          VK_CHECK(ctx->test, vkAllocateMemory(ctx->device, &info, NULL, memory));
}

bool app_buffer_create(struct app_context *ctx, struct app_buffer *buffer, VkDeviceSize size, VkBufferUsageFlags usage,
                       enum app_memory kind)
{
   VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = size,
      .usage = usage,
      .sharingMode = ctx->family_count > 1 ? VK_SHARING_MODE_CONCURRENT : VK_SHARING_MODE_EXCLUSIVE,
      .queueFamilyIndexCount = ctx->family_count,
      .pQueueFamilyIndices = ctx->families,
   };
   VkMemoryRequirements needs;
   *buffer = (struct app_buffer){.size = size};
   if (!VK_CHECK(ctx->test, vkCreateBuffer(ctx->device, &info, NULL, &buffer->handle)))
      return false;
   vkGetBufferMemoryRequirements(ctx->device, buffer->handle, &needs);
   if (!app_memory_allocate(ctx, &needs, kind, &buffer->memory) ||
       !VK_CHECK(ctx->test, vkBindBufferMemory(ctx->device, buffer->handle, buffer->memory, 0)))
      return false;
   return kind == APP_MEMORY_DEVICE ||
          VK_CHECK(ctx->test, vkMapMemory(ctx->device, buffer->memory, 0, VK_WHOLE_SIZE, 0, &buffer->map));
}

void app_buffer_destroy(struct app_context *ctx, struct app_buffer *buffer)
{
   if (!ctx->device)
      return;
   vkDestroyBuffer(ctx->device, buffer->handle, NULL);
   vkFreeMemory(ctx->device, buffer->memory, NULL);
   *buffer = (struct app_buffer){0};
}

VkImageCreateInfo app_image_info(VkFormat format, uint32_t width, uint32_t height, VkImageUsageFlags usage)
{
   return (VkImageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = format,
      .extent = {width, height, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = usage,
   };
}

bool app_image_supported(const struct app_context *ctx, const VkImageCreateInfo *info)
{
   VkImageFormatProperties found;
   VkResult result = vkGetPhysicalDeviceImageFormatProperties(ctx->physical, info->format, info->imageType,
                                                              info->tiling, info->usage, info->flags, &found);
   return result == VK_SUCCESS && found.maxExtent.width >= info->extent.width &&
          found.maxExtent.height >= info->extent.height && found.maxExtent.depth >= info->extent.depth &&
          found.maxMipLevels >= info->mipLevels && found.maxArrayLayers >= info->arrayLayers &&
          (found.sampleCounts & info->samples);
}

static VkImageViewType app_view_type(const VkImageCreateInfo *info)
{
   switch (info->imageType) {
   case VK_IMAGE_TYPE_1D:
      return info->arrayLayers > 1 ? VK_IMAGE_VIEW_TYPE_1D_ARRAY : VK_IMAGE_VIEW_TYPE_1D;
   case VK_IMAGE_TYPE_3D:
      return VK_IMAGE_VIEW_TYPE_3D;
   default:
      return info->arrayLayers > 1 ? VK_IMAGE_VIEW_TYPE_2D_ARRAY : VK_IMAGE_VIEW_TYPE_2D;
   }
}

bool app_image_create(struct app_context *ctx, struct app_image *image, const VkImageCreateInfo *info,
                      VkImageAspectFlags aspect)
{
   VkMemoryRequirements needs;
   *image = (struct app_image){0};
   if (!VK_CHECK(ctx->test, vkCreateImage(ctx->device, info, NULL, &image->handle)))
      return false;
   vkGetImageMemoryRequirements(ctx->device, image->handle, &needs);
   if (!app_memory_allocate(ctx, &needs, APP_MEMORY_DEVICE, &image->memory) ||
       !VK_CHECK(ctx->test, vkBindImageMemory(ctx->device, image->handle, image->memory, 0)))
      return false;
   if (!aspect)
      return true;
   VkImageViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image->handle,
      .viewType = app_view_type(info),
      .format = info->format,
      .subresourceRange = {aspect, 0, info->mipLevels, 0, info->arrayLayers},
   };
   return VK_CHECK(ctx->test, vkCreateImageView(ctx->device, &view_info, NULL, &image->view));
}

void app_image_destroy(struct app_context *ctx, struct app_image *image)
{
   if (!ctx->device)
      return;
   vkDestroyImageView(ctx->device, image->view, NULL);
   vkDestroyImage(ctx->device, image->handle, NULL);
   vkFreeMemory(ctx->device, image->memory, NULL);
   *image = (struct app_image){0};
}

VkCommandBuffer app_commands_begin(struct app_context *ctx)
{
   VkCommandBuffer commands = VK_NULL_HANDLE;
   VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = ctx->pool,
      .commandBufferCount = 1,
   };
   VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
   };
   if (!VK_CHECK(ctx->test, vkAllocateCommandBuffers(ctx->device, &info, &commands)))
      return VK_NULL_HANDLE;
   if (VK_CHECK(ctx->test, vkBeginCommandBuffer(commands, &begin)))
      return commands;
   vkFreeCommandBuffers(ctx->device, ctx->pool, 1, &commands);
   return VK_NULL_HANDLE;
}

bool app_commands_run(struct app_context *ctx, VkCommandBuffer commands)
{
   VkFence fence = VK_NULL_HANDLE;
   VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
   };
   if (!commands)
      return false;
   bool good = VK_CHECK(ctx->test, vkEndCommandBuffer(commands)) &&
               VK_CHECK(ctx->test, vkCreateFence(ctx->device, &fence_info, NULL, &fence)) &&
               VK_CHECK(ctx->test, vkQueueSubmit(ctx->queues[0].handle, 1, &submit, fence)) &&
               VK_CHECK(ctx->test, vkWaitForFences(ctx->device, 1, &fence, VK_TRUE, APP_WAIT_NS));
   vkDestroyFence(ctx->device, fence, NULL);
   vkFreeCommandBuffers(ctx->device, ctx->pool, 1, &commands);
   return good;
}

void app_cmd_barrier(VkCommandBuffer commands)
{
   VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                        VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0,
                        NULL);
}

void app_cmd_image_layout(VkCommandBuffer commands, VkImage image, VkImageAspectFlags aspect, VkImageLayout from,
                          VkImageLayout to)
{
   VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {aspect, 0, VK_REMAINING_MIP_LEVELS, 0, VK_REMAINING_ARRAY_LAYERS},
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0,
                        NULL, 1, &barrier);
}

VkShaderModule app_shader_module(struct app_context *ctx, const struct app_shader *shader)
{
   VkShaderModule module = VK_NULL_HANDLE;
   VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = shader->size,
      .pCode = shader->code,
   };
   VK_CHECK(ctx->test, vkCreateShaderModule(ctx->device, &info, NULL, &module));
   return module;
}

static bool app_compute_create_layout(struct app_context *ctx, struct app_compute *compute, uint32_t buffers,
                                      uint32_t push_size)
{
   VkDescriptorSetLayoutBinding bindings[APP_COMPUTE_BUFFERS];
   for (uint32_t i = 0; i < buffers; i++) {
      bindings[i] = (VkDescriptorSetLayoutBinding){
         .binding = i,
         .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         .descriptorCount = 1,
         .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
      };
   }
   VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = buffers,
      .pBindings = bindings,
   };
   if (!VK_CHECK(ctx->test, vkCreateDescriptorSetLayout(ctx->device, &set_info, NULL, &compute->set_layout)))
      return false;
   VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, push_size};
   VkPipelineLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &compute->set_layout,
      .pushConstantRangeCount = push_size ? 1 : 0,
      .pPushConstantRanges = &range,
   };
   return VK_CHECK(ctx->test, vkCreatePipelineLayout(ctx->device, &layout_info, NULL, &compute->layout));
}

static bool app_compute_create_set(struct app_context *ctx, struct app_compute *compute, uint32_t buffers)
{
   VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, buffers};
   VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = 1,
      .poolSizeCount = 1,
      .pPoolSizes = &size,
   };
   if (!VK_CHECK(ctx->test, vkCreateDescriptorPool(ctx->device, &pool_info, NULL, &compute->pool)))
      return false;
   VkDescriptorSetAllocateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = compute->pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &compute->set_layout,
   };
   return VK_CHECK(ctx->test, vkAllocateDescriptorSets(ctx->device, &set_info, &compute->set));
}

bool app_compute_create(struct app_context *ctx, struct app_compute *compute, const struct app_shader *shader,
                        uint32_t buffers, uint32_t push_size)
{
   *compute = (struct app_compute){0};
   if (!CHECK(ctx->test, buffers <= APP_COMPUTE_BUFFERS) ||
       !app_compute_create_layout(ctx, compute, buffers, push_size) || !app_compute_create_set(ctx, compute, buffers))
      return false;
   VkShaderModule module = app_shader_module(ctx, shader);
   if (!module)
      return false;
   VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage =
         {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = module,
            .pName = "main",
         },
      .layout = compute->layout,
   };
   bool good =
      VK_CHECK(ctx->test, vkCreateComputePipelines(ctx->device, VK_NULL_HANDLE, 1, &info, NULL, &compute->pipeline));
   vkDestroyShaderModule(ctx->device, module, NULL);
   return good;
}

void app_compute_destroy(struct app_context *ctx, struct app_compute *compute)
{
   if (!ctx->device)
      return;
   vkDestroyPipeline(ctx->device, compute->pipeline, NULL);
   vkDestroyDescriptorPool(ctx->device, compute->pool, NULL);
   vkDestroyPipelineLayout(ctx->device, compute->layout, NULL);
   vkDestroyDescriptorSetLayout(ctx->device, compute->set_layout, NULL);
   *compute = (struct app_compute){0};
}

void app_compute_buffers(struct app_context *ctx, struct app_compute *compute, const struct app_buffer *const *buffers,
                         uint32_t count)
{
   VkDescriptorBufferInfo infos[APP_COMPUTE_BUFFERS];
   VkWriteDescriptorSet writes[APP_COMPUTE_BUFFERS];
   for (uint32_t i = 0; i < count; i++) {
      infos[i] = (VkDescriptorBufferInfo){buffers[i]->handle, 0, VK_WHOLE_SIZE};
      writes[i] = (VkWriteDescriptorSet){
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstSet = compute->set,
         .dstBinding = i,
         .descriptorCount = 1,
         .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         .pBufferInfo = &infos[i],
      };
   }
   vkUpdateDescriptorSets(ctx->device, count, writes, 0, NULL);
}

void app_cmd_compute(VkCommandBuffer commands, const struct app_compute *compute, const void *push, uint32_t push_size,
                     uint32_t groups_x, uint32_t groups_y)
{
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, compute->pipeline);
   vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, compute->layout, 0, 1, &compute->set, 0, NULL);
   if (push_size > 0)
      vkCmdPushConstants(commands, compute->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, push_size, push);
   vkCmdDispatch(commands, groups_x, groups_y, 1);
}

uint32_t app_random(uint64_t *state)
{
   *state ^= *state << 13;
   *state ^= *state >> 7;
   *state ^= *state << 17;
   return (uint32_t)(*state >> 32);
}

void app_random_bytes(uint64_t *state, void *bytes, size_t size)
{
   uint8_t *at = bytes;
   for (size_t i = 0; i < size; i++)
      at[i] = (uint8_t)app_random(state);
}

double app_now(void)
{
   struct timespec now;
   clock_gettime(CLOCK_MONOTONIC, &now);
   return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void app_sleep_ms(unsigned ms)
{
   struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
   while (nanosleep(&left, &left) != 0 && errno == EINTR) {
   }
}

bool app_png_write(struct app_test *t, const char *path, uint32_t width, uint32_t height, const uint8_t *rgba)
{
   png_image image = {
      .version = PNG_IMAGE_VERSION,
      .width = width,
      .height = height,
      .format = PNG_FORMAT_RGBA,
      .flags = PNG_IMAGE_FLAG_FAST,
   };
   int good = png_image_write_to_file(&image, path, 0, rgba, 0, NULL);
   if (!good)
      fprintf(stderr, "venus-test-app: cannot write %s: %s; choose another --out\n", path, image.message);
   return CHECK(t, good != 0);
}
