#!/bin/bash
# SPDX-License-Identifier: MIT
# Mesa 22.3.6, lavapipe (Debian 12): a loop of a shader ends after 65,535 rounds, whatever its condition says. No error,
# no lost device: the dispatch completes and what the shader has computed is wrong. So a test that wants the GPU to be
# busy cannot use one long loop there, and a program whose shaders loop for longer has other results than on a GPU.
#
# Seen: for n up to 65535 the shader counts to n, beyond that always to 65535. Fails when that changes.
set -euo pipefail

packages=(mesa-vulkan-drivers=22.3.6-1+deb12u2 libllvm15=1:15.0.6-4+b1 libvulkan1=1.3.239.0-1
   libvulkan-dev=1.3.239.0-1 glslang-tools=12.0.0-2)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do
   dpkg-deb -x "$package" root
done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

cat >count.comp <<'END'
#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Words { uint wanted, counted, mixed; };

void main()
{
   uint rounds = 0, value = 1;
   while (rounds < wanted) {
      value = value * 1664525u + 1013904223u; /* so that no compiler knows how the loop ends */
      rounds++;
   }
   counted = rounds;
   mixed = value;
}
END
root/usr/bin/glslangValidator -V --vn count_code -o count.h count.comp >/dev/null

cat >count.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

#include "count.h"

static void check(VkResult result, int line)
{
   if (result != VK_SUCCESS) {
      fprintf(stderr, "line %d: VkResult %d\n", line, result);
      exit(1);
   }
}

#define CHECK(call) check(call, __LINE__)

static VkDevice device;
static VkQueue queue;
static uint32_t *words;

static void open_device(VkPhysicalDevice *gpu)
{
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1,
                                               .pQueuePriorities = &priority};
   const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1,
                                    .pQueueCreateInfos = &queue_info};
   VkPhysicalDeviceProperties properties;
   VkInstance instance;
   uint32_t count = 1;

   CHECK(vkCreateInstance(&instance_info, NULL, &instance));
   CHECK(vkEnumeratePhysicalDevices(instance, &count, gpu));
   vkGetPhysicalDeviceProperties(*gpu, &properties);
   printf("%s\n", properties.deviceName);
   CHECK(vkCreateDevice(*gpu, &info, NULL, &device));
   vkGetDeviceQueue(device, 0, 0, &queue);
}

/* Lavapipe has one type of memory, which is mappable and coherent. */
static VkBuffer create_buffer(void)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 12,
                                    .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
   VkMemoryAllocateInfo memory_info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
   VkMemoryRequirements requirements;
   VkDeviceMemory memory;
   VkBuffer buffer;

   CHECK(vkCreateBuffer(device, &info, NULL, &buffer));
   vkGetBufferMemoryRequirements(device, buffer, &requirements);
   memory_info.allocationSize = requirements.size;
   CHECK(vkAllocateMemory(device, &memory_info, NULL, &memory));
   CHECK(vkBindBufferMemory(device, buffer, memory, 0));
   CHECK(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&words));
   return buffer;
}

static VkDescriptorSet create_set(VkBuffer buffer, VkPipelineLayout *layout)
{
   const VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT,
                                                 NULL};
   const VkDescriptorSetLayoutCreateInfo set_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                     .bindingCount = 1, .pBindings = &binding};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
   const VkDescriptorPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1,
                                                 .poolSizeCount = 1, .pPoolSizes = &size};
   const VkDescriptorBufferInfo buffer_info = {buffer, 0, VK_WHOLE_SIZE};
   VkDescriptorSetLayout set_layout;
   VkDescriptorPool pool;
   VkDescriptorSet set;

   CHECK(vkCreateDescriptorSetLayout(device, &set_info, NULL, &set_layout));
   const VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1,
                                            .pSetLayouts = &set_layout};
   CHECK(vkCreatePipelineLayout(device, &info, NULL, layout));
   CHECK(vkCreateDescriptorPool(device, &pool_info, NULL, &pool));
   const VkDescriptorSetAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                                   .descriptorPool = pool, .descriptorSetCount = 1,
                                                   .pSetLayouts = &set_layout};
   CHECK(vkAllocateDescriptorSets(device, &allocation, &set));
   const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = set,
                                       .descriptorCount = 1, .descriptorType = binding.descriptorType,
                                       .pBufferInfo = &buffer_info};
   vkUpdateDescriptorSets(device, 1, &write, 0, NULL);
   return set;
}

static VkPipeline create_pipeline(VkPipelineLayout layout)
{
   const VkShaderModuleCreateInfo module_info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                                 .codeSize = sizeof(count_code), .pCode = count_code};
   VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .pName = "main"},
      .layout = layout,
   };
   VkPipeline pipeline;

   CHECK(vkCreateShaderModule(device, &module_info, NULL, &info.stage.module));
   CHECK(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
   return pipeline;
}

static VkCommandBuffer record(VkPipeline pipeline, VkPipelineLayout layout, VkDescriptorSet set)
{
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                       .commandBufferCount = 1};
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   VkCommandBuffer commands;

   CHECK(vkCreateCommandPool(device, &pool_info, NULL, &info.commandPool));
   CHECK(vkAllocateCommandBuffers(device, &info, &commands));
   CHECK(vkBeginCommandBuffer(commands, &begin));
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
   vkCmdDispatch(commands, 1, 1, 1);
   CHECK(vkEndCommandBuffer(commands));
   return commands;
}

int main(void)
{
   static const uint32_t counts[] = {1000, 65535, 65536, 1000000};
   VkPhysicalDevice gpu;
   VkPipelineLayout layout;

   open_device(&gpu);
   const VkDescriptorSet set = create_set(create_buffer(), &layout);
   const VkCommandBuffer commands = record(create_pipeline(layout), layout, set);
   for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
      const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1,
                                   .pCommandBuffers = &commands};
      words[0] = counts[i];
      CHECK(vkQueueSubmit(queue, 1, &submit, VK_NULL_HANDLE));
      CHECK(vkQueueWaitIdle(queue));
      printf("wanted %u counted %u\n", counts[i], words[1]);
   }
   return 0;
}
END
gcc -O1 -Wall -I root/usr/include -o count count.c -L "$libraries" -l:libvulkan.so.1

sed "s|\"library_path\": *\"[^\"]*\"|\"library_path\": \"$libraries/libvulkan_lvp.so\"|" \
   root/usr/share/vulkan/icd.d/lvp_icd.x86_64.json >lvp.json
LD_LIBRARY_PATH=$libraries VK_DRIVER_FILES=$PWD/lvp.json ./count | tee seen
diff <(tail -n +2 seen) - <<'END'
wanted 1000 counted 1000
wanted 65535 counted 65535
wanted 65536 counted 65535
wanted 1000000 counted 65535
END
