#!/bin/bash
# SPDX-License-Identifier: MIT
# Mesa 25.0.7, lavapipe (Debian 13): vkCmdSetDescriptorBufferOffsetsEXT for GRAPHICS also replaces the set that is
# bound for COMPUTE, where the layout's bindings name the compute shader among their stages. The specification binds
# sets for the bind point that the call names, and leaves those of the others. So a program that has one layout for its
# drawings and its computations, and binds both sets before it dispatches, computes with the set of its drawings there.
#
# Seen: a dispatch uses the set for COMPUTE if nothing is bound for GRAPHICS, or a set whose binding is for the vertex
# shader alone; it uses the set for GRAPHICS if that one's binding is for both. Fails when that changes.
set -euo pipefail

packages=(mesa-vulkan-drivers=25.0.7-2+deb13u1 libvulkan1=1.4.309.0-1 libvulkan-dev=1.4.309.0-1
   glslang-tools=15.1.0+1.4.309.0-1)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# Debian 13's packages and all that they need, its libc, too: for APT nothing is installed yet.
mkdir -p apt/lists/partial apt/archives/partial
touch apt/status
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' \
   >apt/sources.list
cat >apt/conf <<END
Dir::State "$folder/apt";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt";
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "amd64";
APT::Architectures {"amd64";};
APT::Sandbox::User "root";
Acquire::Languages "none";
END
export APT_CONFIG=$folder/apt/conf
apt-get -qq update
apt-get -qq -y -d --no-install-recommends install "${packages[@]}" >/dev/null
for package in apt/archives/*.deb; do
   dpkg-deb -x "$package" root
done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

# in_13 PROGRAM ARGUMENT...: runs it with Debian 13's libraries.
in_13() {
   root/usr/lib64/ld-linux-x86-64.so.2 --library-path "$libraries" "$@"
}

cat >store.comp <<'END'
#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Words { uint word; };

void main()
{
   word = 1;
}
END
in_13 root/usr/bin/glslangValidator -V --vn store_code -o store.h store.comp >/dev/null

cat >points.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

#include "store.h"

static void check(VkResult result, int line)
{
   if (result != VK_SUCCESS) {
      fprintf(stderr, "line %d: VkResult %d\n", line, result);
      exit(1);
   }
}

#define CHECK(call) check(call, __LINE__)
#define FUNCTION(name) const PFN_##name name = (PFN_##name)vkGetDeviceProcAddr(device, #name)

/* What is in the buffer, in parts that are larger than lavapipe's sets and than what it aligns their offsets to. */
enum { COMPUTE_SET, GRAPHICS_SET, COMPUTE_WORD, GRAPHICS_WORD, PARTS, PART = 4096 };

static const VkBufferUsageFlags usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
                                        VK_BUFFER_USAGE_RESOURCE_DESCRIPTOR_BUFFER_BIT_EXT;
static const VkShaderStageFlags both = VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_COMPUTE_BIT;
static VkDevice device;
static VkQueue queue;
static size_t descriptor_size;
static VkDeviceAddress address;
static char *bytes;

static void open_device(void)
{
   static const char *const extension = VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME;
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_API_VERSION_1_3};
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                               .pApplicationInfo = &application};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1,
                                               .pQueuePriorities = &priority};
   VkPhysicalDeviceDescriptorBufferFeaturesEXT sets = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_FEATURES_EXT, .descriptorBuffer = VK_TRUE};
   const VkPhysicalDeviceBufferDeviceAddressFeatures addresses = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES, .pNext = &sets,
      .bufferDeviceAddress = VK_TRUE};
   const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .pNext = &addresses,
                                    .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue_info,
                                    .enabledExtensionCount = 1, .ppEnabledExtensionNames = &extension};
   VkPhysicalDeviceDescriptorBufferPropertiesEXT sizes = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_PROPERTIES_EXT};
   VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
                                              .pNext = &sizes};
   VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                             .pNext = &driver};
   VkPhysicalDevice gpu;
   VkInstance instance;
   uint32_t count = 1;

   CHECK(vkCreateInstance(&instance_info, NULL, &instance));
   CHECK(vkEnumeratePhysicalDevices(instance, &count, &gpu));
   vkGetPhysicalDeviceProperties2(gpu, &properties);
   printf("%s, %s\n", driver.driverName, driver.driverInfo);
   descriptor_size = sizes.storageBufferDescriptorSize;
   CHECK(vkCreateDevice(gpu, &info, NULL, &device));
   vkGetDeviceQueue(device, 0, 0, &queue);
}

/* Lavapipe has one type of memory, which is mappable and coherent. */
static void create_buffer(void)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = PARTS * PART,
                                    .usage = usage};
   const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                            .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
   VkMemoryAllocateInfo memory_info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &flags};
   VkBufferDeviceAddressInfo address_info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
   VkMemoryRequirements requirements;
   VkDeviceMemory memory;

   CHECK(vkCreateBuffer(device, &info, NULL, &address_info.buffer));
   vkGetBufferMemoryRequirements(device, address_info.buffer, &requirements);
   memory_info.allocationSize = requirements.size;
   CHECK(vkAllocateMemory(device, &memory_info, NULL, &memory));
   CHECK(vkBindBufferMemory(device, address_info.buffer, memory, 0));
   CHECK(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&bytes));
   address = vkGetBufferDeviceAddress(device, &address_info);
}

/* Makes a set of one storage buffer, the word, and returns a layout for it. */
static VkPipelineLayout create_set(int set, int word, VkShaderStageFlags stages)
{
   FUNCTION(vkGetDescriptorSetLayoutBindingOffsetEXT);
   FUNCTION(vkGetDescriptorEXT);
   const VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, stages, NULL};
   const VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT, .bindingCount = 1, .pBindings = &binding};
   const VkDescriptorAddressInfoEXT buffer = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_ADDRESS_INFO_EXT,
                                              .address = address + word * PART, .range = sizeof(uint32_t)};
   const VkDescriptorGetInfoEXT descriptor = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT,
                                              .type = binding.descriptorType, .data = {.pStorageBuffer = &buffer}};
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkDeviceSize offset;

   CHECK(vkCreateDescriptorSetLayout(device, &set_info, NULL, &set_layout));
   vkGetDescriptorSetLayoutBindingOffsetEXT(device, set_layout, 0, &offset);
   vkGetDescriptorEXT(device, &descriptor, descriptor_size, bytes + set * PART + offset);
   const VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1,
                                            .pSetLayouts = &set_layout};
   CHECK(vkCreatePipelineLayout(device, &info, NULL, &layout));
   return layout;
}

static VkPipeline create_pipeline(VkPipelineLayout layout)
{
   const VkShaderModuleCreateInfo module_info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                                 .codeSize = sizeof(store_code), .pCode = store_code};
   VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .flags = VK_PIPELINE_CREATE_DESCRIPTOR_BUFFER_BIT_EXT,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .pName = "main"},
      .layout = layout,
   };
   VkPipeline pipeline;

   CHECK(vkCreateShaderModule(device, &module_info, NULL, &info.stage.module));
   CHECK(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
   return pipeline;
}

static void bind_set(VkCommandBuffer commands, VkPipelineBindPoint point, VkPipelineLayout layout, int set)
{
   FUNCTION(vkCmdSetDescriptorBufferOffsetsEXT);
   const uint32_t buffer = 0;
   const VkDeviceSize offset = set * PART;

   vkCmdSetDescriptorBufferOffsetsEXT(commands, point, layout, 0, 1, &buffer, &offset);
}

/* Dispatches with a set for COMPUTE and, unless graphics is null, a set for GRAPHICS that is bound after it. */
static void dispatch(VkPipelineLayout compute, VkPipelineLayout graphics)
{
   FUNCTION(vkCmdBindDescriptorBuffersEXT);
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                       .commandBufferCount = 1};
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkDescriptorBufferBindingInfoEXT buffer = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT,
                                                    .address = address, .usage = usage};
   const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
   VkCommandBuffer commands;

   CHECK(vkCreateCommandPool(device, &pool_info, NULL, &info.commandPool));
   CHECK(vkAllocateCommandBuffers(device, &info, &commands));
   CHECK(vkBeginCommandBuffer(commands, &begin));
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, create_pipeline(compute));
   vkCmdBindDescriptorBuffersEXT(commands, 1, &buffer);
   bind_set(commands, VK_PIPELINE_BIND_POINT_COMPUTE, compute, COMPUTE_SET);
   if (graphics)
      bind_set(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, graphics, GRAPHICS_SET);
   vkCmdDispatch(commands, 1, 1, 1);
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0,
                        NULL, 0, NULL);
   CHECK(vkEndCommandBuffer(commands));
   const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1,
                                .pCommandBuffers = &commands};
   CHECK(vkQueueSubmit(queue, 1, &submit, VK_NULL_HANDLE));
   CHECK(vkQueueWaitIdle(queue));
}

static void try_stages(const char *name, VkShaderStageFlags graphics)
{
   uint32_t *const compute_word = (uint32_t *)(bytes + COMPUTE_WORD * PART);
   uint32_t *const graphics_word = (uint32_t *)(bytes + GRAPHICS_WORD * PART);

   *compute_word = *graphics_word = 0;
   dispatch(create_set(COMPUTE_SET, COMPUTE_WORD, both),
            graphics ? create_set(GRAPHICS_SET, GRAPHICS_WORD, graphics) : VK_NULL_HANDLE);
   printf("for graphics %s: used %s\n", name,
          *compute_word && !*graphics_word   ? "compute's set"
          : *graphics_word && !*compute_word ? "graphics' set"
                                             : "none or both");
}

int main(void)
{
   open_device();
   create_buffer();
   try_stages("no set", 0);
   try_stages("a set of vertex", VK_SHADER_STAGE_VERTEX_BIT);
   try_stages("a set of vertex and compute", both);
   return 0;
}
END
gcc -O1 -Wall -I root/usr/include -o points points.c -L "$libraries" -l:libvulkan.so.1 -Wl,--allow-shlib-undefined

sed "s|\"library_path\": *\"[^\"]*\"|\"library_path\": \"$libraries/libvulkan_lvp.so\"|" \
   root/usr/share/vulkan/icd.d/lvp_icd.json >lvp.json
VK_DRIVER_FILES=$PWD/lvp.json in_13 ./points | tee seen
diff <(tail -n +2 seen) - <<'END'
for graphics no set: used compute's set
for graphics a set of vertex: used compute's set
for graphics a set of vertex and compute: used graphics' set
END
