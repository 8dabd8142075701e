/* SPDX-License-Identifier: MIT */
/* What programs ask of buffers, memory and the GPU while they start: round_trips.sh looks how often they wait for the
 * network. Prints what must be as on the native driver. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

#define MIB ((VkDeviceSize)1 << 20)
#define BUFFERS 64
#define STEP ((VkDeviceSize)64 << 10)

struct world {
   struct gpu gpu;
   VkBufferUsageFlags usages; /* that the device has */
};

static bool has_extension(VkPhysicalDevice gpu, const char *name)
{
   uint32_t count = 0;
   bool found = false;
   OK(vkEnumerateDeviceExtensionProperties(gpu, NULL, &count, NULL));
   VkExtensionProperties *extensions = calloc(count, sizeof(*extensions));
   NEED(extensions || !count);
   OK(vkEnumerateDeviceExtensionProperties(gpu, NULL, &count, extensions));
   for (uint32_t i = 0; i < count && !found; i++)
      found = !strcmp(extensions[i].extensionName, name);
   free(extensions);
   return found;
}

static void start(struct world *w)
{
   static const struct {
      const char *extension;
      VkBufferUsageFlags usages;
   } further[] = {
      {VK_EXT_TRANSFORM_FEEDBACK_EXTENSION_NAME,
       VK_BUFFER_USAGE_TRANSFORM_FEEDBACK_BUFFER_BIT_EXT | VK_BUFFER_USAGE_TRANSFORM_FEEDBACK_COUNTER_BUFFER_BIT_EXT},
      {VK_EXT_CONDITIONAL_RENDERING_EXTENSION_NAME, VK_BUFFER_USAGE_CONDITIONAL_RENDERING_BIT_EXT},
   };
   const VkPhysicalDeviceBufferDeviceAddressFeatures features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES, .bufferDeviceAddress = VK_TRUE};
   const char *extensions[2];
   uint32_t count = 0;
   gpu_open_instance(&w->gpu);
   w->usages = VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT * 2 - 1; /* those of Vulkan 1.0 */
   w->usages |= VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
   for (unsigned i = 0; i < 2; i++) {
      if (has_extension(w->gpu.physical, further[i].extension)) {
         extensions[count++] = further[i].extension;
         w->usages |= further[i].usages;
      }
   }
   gpu_open_device(&w->gpu, &features, extensions, count);
}

static VkBuffer create_buffer(const struct world *w, VkDeviceSize size, VkBufferUsageFlags usage)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size, .usage = usage};
   VkBuffer buffer;
   OK(vkCreateBuffer(w->gpu.device, &info, NULL, &buffer));
   return buffer;
}

/* --- requirements --- */

static void print_requirements(const char *what, VkBufferUsageFlags usage, VkDeviceSize size,
                               const VkMemoryRequirements2 *needs)
{
   const VkMemoryDedicatedRequirements *dedicated = needs->pNext;
   printf("%s %#x %llu: %llu %llu %#x %u %u\n", what, usage, (unsigned long long)size,
          (unsigned long long)needs->memoryRequirements.size, (unsigned long long)needs->memoryRequirements.alignment,
          needs->memoryRequirements.memoryTypeBits, dedicated->prefersDedicatedAllocation,
          dedicated->requiresDedicatedAllocation);
}

static void ask_requirements(const struct world *w, VkBufferUsageFlags usage, VkDeviceSize size)
{
   const VkBufferCreateInfo create = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size, .usage = usage};
   const VkDeviceBufferMemoryRequirements device_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_BUFFER_MEMORY_REQUIREMENTS,
                                                         .pCreateInfo = &create};
   const VkBuffer buffer = create_buffer(w, size, usage);
   const VkBufferMemoryRequirementsInfo2 info = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2,
                                                 .buffer = buffer};
   VkMemoryDedicatedRequirements dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   VkMemoryRequirements2 needs = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated};
   vkGetBufferMemoryRequirements2(w->gpu.device, &info, &needs);
   print_requirements("buffer", usage, size, &needs);
   vkDestroyBuffer(w->gpu.device, buffer, NULL);
   vkGetDeviceBufferMemoryRequirements(w->gpu.device, &device_info, &needs);
   print_requirements("device", usage, size, &needs);
}

/* Each usage, pairs of them, and many together. */
static void ask_all_requirements(const struct world *w)
{
   for (uint32_t i = 0; i < 32; i++) {
      for (uint32_t k = 0; k <= i; k++) {
         const VkBufferUsageFlags pair = UINT32_C(1) << i | UINT32_C(1) << k;
         if ((pair & w->usages) == pair)
            ask_requirements(w, pair, 1001);
      }
      const VkBufferUsageFlags many = w->usages * (2 * i + 1) & w->usages;
      if (many)
         ask_requirements(w, many, 70001);
   }
   ask_requirements(w, w->usages, 64 * MIB + 1);
}

/* --- memory --- */

static VkDeviceMemory allocate(const struct world *w, VkDeviceSize size, bool visible, bool address)
{
   const VkMemoryPropertyFlags wanted =
      visible ? VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT : 0;
   const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                            .flags = address ? VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT : 0};
   VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &flags, .allocationSize = size};
   VkPhysicalDeviceMemoryProperties types;
   VkMemoryRequirements needs;
   VkDeviceMemory memory;
   const VkBuffer buffer = create_buffer(w, 16, w->usages);
   vkGetBufferMemoryRequirements(w->gpu.device, buffer, &needs);
   vkDestroyBuffer(w->gpu.device, buffer, NULL);
   vkGetPhysicalDeviceMemoryProperties(w->gpu.physical, &types);
   while (!(needs.memoryTypeBits >> info.memoryTypeIndex & 1) ||
          (types.memoryTypes[info.memoryTypeIndex].propertyFlags & wanted) != wanted)
      NEED(++info.memoryTypeIndex < types.memoryTypeCount);
   OK(vkAllocateMemory(w->gpu.device, &info, NULL, &memory));
   return memory;
}

static VkDeviceAddress ask_address(const struct world *w, VkBuffer buffer)
{
   const VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = buffer};
   return vkGetBufferDeviceAddress(w->gpu.device, &info);
}

/* Many buffers in one memory, bound in both ways: where they lie from the first one on. */
static void ask_addresses(const struct world *w)
{
   const VkDeviceMemory memory = allocate(w, BUFFERS * STEP, false, true);
   VkBuffer buffers[BUFFERS];
   VkDeviceAddress first = 0;
   for (unsigned i = 0; i < BUFFERS; i++) {
      buffers[i] =
         create_buffer(w, STEP, VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
      const VkBindBufferMemoryInfo bind = {.sType = VK_STRUCTURE_TYPE_BIND_BUFFER_MEMORY_INFO,
                                           .buffer = buffers[i],
                                           .memory = memory,
                                           .memoryOffset = i * STEP};
      OK(i % 2 ? vkBindBufferMemory2(w->gpu.device, 1, &bind)
               : vkBindBufferMemory(w->gpu.device, buffers[i], memory, bind.memoryOffset));
      const VkDeviceAddress address = ask_address(w, buffers[i]);
      NEED(address && address == ask_address(w, buffers[i]));
      first = first ? first : address;
      printf("address %u: %llu\n", i, (unsigned long long)(address - first));
   }
   for (unsigned i = 0; i < BUFFERS; i++)
      vkDestroyBuffer(w->gpu.device, buffers[i], NULL);
   vkFreeMemory(w->gpu.device, memory, NULL);
}

/* A buffer for which memory is made, as large programs have some. */
static void map_large(const struct world *w)
{
   for (unsigned i = 0; i < 3; i++) {
      const VkDeviceMemory memory = allocate(w, 48 * MIB, true, i == 2);
      uint32_t *data;
      if (i == 2) {
         const VkBuffer buffer = create_buffer(w, 48 * MIB, VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT);
         OK(vkBindBufferMemory(w->gpu.device, buffer, memory, 0));
         NEED(ask_address(w, buffer));
         vkDestroyBuffer(w->gpu.device, buffer, NULL);
      }
      OK(vkMapMemory(w->gpu.device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&data));
      data[12 * MIB - 1] = i;
      vkUnmapMemory(w->gpu.device, memory);
      OK(vkMapMemory(w->gpu.device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&data));
      printf("mapped: %u\n", data[12 * MIB - 1]);
      vkFreeMemory(w->gpu.device, memory, NULL);
   }
}

/* --- what a GPU can do --- */

static void print_format(const char *what, VkImageUsageFlags usage, VkImageCreateFlags flags, VkResult result,
                         const VkImageFormatProperties *properties)
{
   printf("%s %#x %#x: %d %u %u %u %u %#x\n", what, usage, flags, result, properties->maxExtent.width,
          properties->maxExtent.depth, properties->maxMipLevels, properties->maxArrayLayers, properties->sampleCounts);
}

/* All usages of a format, with some flags, in both ways. */
static void ask_formats(const struct world *w)
{
   static const VkImageCreateFlags flags[] = {0, VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT,
                                              VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT,
                                              VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT | VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT};
   for (unsigned i = 0; i < 4; i++) {
      for (VkImageUsageFlags usage = 1; usage < 256; usage++) {
         const VkPhysicalDeviceImageFormatInfo2 info = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
                                                        .format = VK_FORMAT_R5G6B5_UNORM_PACK16,
                                                        .type = VK_IMAGE_TYPE_2D,
                                                        .usage = usage,
                                                        .flags = flags[i]};
         VkImageFormatProperties2 both = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2};
         VkImageFormatProperties properties;
         VkResult result = vkGetPhysicalDeviceImageFormatProperties(w->gpu.physical, info.format, info.type,
                                                                    info.tiling, usage, info.flags, &properties);
         print_format("format", usage, info.flags, result, &properties);
         result = vkGetPhysicalDeviceImageFormatProperties2(w->gpu.physical, &info, &both);
         print_format("format 2", usage, info.flags, result, &both.imageFormatProperties);
      }
   }
}

/* One usage after another with all flags of Vulkan 1.1, as conformance does: by then more is known than a cache holds.
 */
static void ask_all_flags(const struct world *w)
{
   uint64_t sum = 0;
   for (VkImageUsageFlags usage = 1; usage < 256; usage++) {
      for (VkImageCreateFlags flags = 0; flags < 256; flags++) {
         VkImageFormatProperties properties;
         const VkResult result =
            vkGetPhysicalDeviceImageFormatProperties(w->gpu.physical, VK_FORMAT_G8B8G8R8_422_UNORM, VK_IMAGE_TYPE_2D,
                                                     VK_IMAGE_TILING_OPTIMAL, usage, flags, &properties);
         sum = sum * 31 + (uint32_t)result;
         if (result == VK_SUCCESS)
            sum = sum * 31 + properties.maxExtent.width + properties.sampleCounts + properties.maxResourceSize;
      }
   }
   printf("all usages and flags: %#" PRIx64 "\n", sum);
}

/* Whether the driver supports so many descriptors of one type. */
static void ask_layout(const struct world *w, uint32_t type, uint32_t count)
{
   const VkDescriptorSetLayoutBinding binding = {
      .descriptorType = (VkDescriptorType)type, .descriptorCount = count, .stageFlags = VK_SHADER_STAGE_ALL};
   const VkDescriptorSetLayoutCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   VkDescriptorSetLayoutSupport support = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_SUPPORT};
   vkGetDescriptorSetLayoutSupport(w->gpu.device, &info, &support);
   printf("layout of %u of type %u: %u\n", count, type, support.supported);
}

/* All sets of the ordinary descriptor types, and many of each type: beyond the limits of a type drivers differ. */
static void ask_layouts(const struct world *w)
{
   for (uint32_t type = 0; type <= VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT; type++) {
      for (uint32_t count = 4; count <= (1u << 24); count *= 16)
         ask_layout(w, type, count);
   }
   for (uint32_t set = 1; set < UINT32_C(1) << (VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT + 1); set++) {
      VkDescriptorSetLayoutBinding bindings[VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT + 1];
      VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                              .pBindings = bindings};
      VkDescriptorSetLayoutSupport support = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_SUPPORT};
      for (uint32_t type = 0; type <= VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT; type++) {
         if (set >> type & 1)
            bindings[info.bindingCount++] = (VkDescriptorSetLayoutBinding){.binding = type,
                                                                           .descriptorType = (VkDescriptorType)type,
                                                                           .descriptorCount = 1,
                                                                           .stageFlags = VK_SHADER_STAGE_ALL};
      }
      vkGetDescriptorSetLayoutSupport(w->gpu.device, &info, &support);
      printf("layout %#x: %u\n", set, support.supported);
   }
}

int main(void)
{
   struct world w = {0};
   start(&w);
   ask_formats(&w);
   ask_all_flags(&w);
   ask_layouts(&w);
   ask_all_requirements(&w);
   ask_addresses(&w);
   map_large(&w);
   gpu_close(&w.gpu);
   return 0;
}
