/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_WORK_H
#define VP_TESTS_E2E_WORK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

/* What programs share that give the GPU work in a new way (shader objects, descriptor buffers, generated commands): the
 * shaders work.comp, work.vert and work.frag, a buffer that they write to, a picture. They print what they read back,
 * which must be the same natively and remote. */

#define WORK_WORDS 1024u /* in a buffer */
#define WORK_SIDE 16u    /* of the picture */
#define WORK_STAGES (VK_SHADER_STAGE_COMPUTE_BIT | VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT)

/* The program cannot run here: the reason is its last line. */
static inline void work_skip(const char *format, ...)
{
   va_list arguments;
   va_start(arguments, format);
   vprintf(format, arguments);
   va_end(arguments);
   printf("\n");
   exit(77);
}

static inline bool work_has(const struct gpu *gpu, const char *name)
{
   uint32_t count = 0;
   bool found = false;
   OK(vkEnumerateDeviceExtensionProperties(gpu->physical, NULL, &count, NULL));
   VkExtensionProperties *extensions = calloc(count + 1, sizeof(*extensions));
   NEED(extensions);
   OK(vkEnumerateDeviceExtensionProperties(gpu->physical, NULL, &count, extensions));
   for (uint32_t i = 0; i < count && !found; i++)
      found = !strcmp(extensions[i].extensionName, name);
   free(extensions);
   return found;
}

/* Opens the first GPU with these extensions, or skips; `features` is a chain, to which those that the shaders need are
 * added. A GPU of which they are asked says which of the chain's it has, and all of these are enabled. */
static inline void work_open(struct gpu *gpu, void *features, const char *const *extensions, uint32_t count)
{
   VkPhysicalDeviceVulkan13Features v13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
                                           .pNext = features};
   VkPhysicalDeviceVulkan12Features v12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                                           .pNext = &v13};
   VkPhysicalDeviceFeatures2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &v12};
   VkPhysicalDeviceProperties properties;
   setvbuf(stdout, NULL, _IOLBF, 0); /* what is there before a crash */
   gpu_open_instance(gpu);
   vkGetPhysicalDeviceProperties(gpu->physical, &properties);
   for (uint32_t i = 0; i < count; i++) {
      if (!work_has(gpu, extensions[i]))
         work_skip("%s has no %s", properties.deviceName, extensions[i]);
   }
   vkGetPhysicalDeviceFeatures2(gpu->physical, &all);
   if (!v12.bufferDeviceAddress || !v13.dynamicRendering || !all.features.fragmentStoresAndAtomics)
      work_skip("%s lacks what the shaders need", properties.deviceName);
   all.features.robustBufferAccess = VK_FALSE; /* makes descriptors larger */
   gpu_open_device(gpu, &all, extensions, count);
}

/* The device's function. */
#define WORK_GET(gpu, name) PFN_##name name = (PFN_##name)vkGetDeviceProcAddr((gpu)->device, #name)

/* A buffer in which the driver prepares the commands that the GPU makes, in memory of the kinds that are wanted. It is
 * not mapped. `chain` is that of its create-info. */
static inline struct gpu_buffer work_create_prepared(const struct gpu *gpu, const VkMemoryRequirements *wanted,
                                                     VkBufferUsageFlags usage, const void *chain)
{
   const VkDeviceSize size = wanted->size ? wanted->size : 256;
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .pNext = chain, .size = size, .usage = usage};
   const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                            .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
   VkBufferDeviceAddressInfo address = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
   struct gpu_buffer buffer = {.size = size};
   VkMemoryRequirements needs;
   OK(vkCreateBuffer(gpu->device, &info, NULL, &buffer.handle));
   vkGetBufferMemoryRequirements(gpu->device, buffer.handle, &needs);
   const uint32_t types = wanted->memoryTypeBits ? needs.memoryTypeBits & wanted->memoryTypeBits : needs.memoryTypeBits;
   NEED(types);
   const VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                            .pNext = &flags,
                                            .allocationSize = needs.size,
                                            .memoryTypeIndex = (uint32_t)__builtin_ctz(types)};
   OK(vkAllocateMemory(gpu->device, &allocation, NULL, &buffer.memory));
   OK(vkBindBufferMemory(gpu->device, buffer.handle, buffer.memory, 0));
   address.buffer = buffer.handle;
   buffer.address = vkGetBufferDeviceAddress(gpu->device, &address);
   return buffer;
}

/* Prints what is in a buffer: how many words are not zero, some of them, and a hash. Then makes it zeros. */
static inline void work_print(const char *name, const struct gpu_buffer *buffer)
{
   uint32_t *words = buffer->data, hash = 2166136261u, count = 0;
   const uint32_t size = (uint32_t)(buffer->size / 4);
   for (uint32_t i = 0; i < size; i++) {
      hash = (hash ^ words[i]) * 16777619u;
      count += words[i] != 0;
   }
   printf("%s: %u of %u words, %u %u ... %u, hash %08x\n", name, count, size, words[0], words[1], words[size - 1],
          hash);
   memset(words, 0, buffer->size);
}

/* --- what shaders find --- */

struct work_layout {
   VkDescriptorSetLayout set; /* with one storage buffer */
   VkPipelineLayout pipeline; /* with that set, and a word of push constants */
   VkPushConstantRange push;
};

static inline struct work_layout work_create_layout(const struct gpu *gpu, VkDescriptorSetLayoutCreateFlags flags)
{
   const VkDescriptorSetLayoutBinding binding = {
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 1, .stageFlags = WORK_STAGES};
   const VkDescriptorSetLayoutCreateInfo set = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                .flags = flags,
                                                .bindingCount = 1,
                                                .pBindings = &binding};
   struct work_layout layout = {.push = {.stageFlags = WORK_STAGES, .size = 4}};
   const VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                            .setLayoutCount = 1,
                                            .pSetLayouts = &layout.set,
                                            .pushConstantRangeCount = 1,
                                            .pPushConstantRanges = &layout.push};
   OK(vkCreateDescriptorSetLayout(gpu->device, &set, NULL, &layout.set));
   OK(vkCreatePipelineLayout(gpu->device, &info, NULL, &layout.pipeline));
   return layout;
}

static inline void work_free_layout(const struct gpu *gpu, const struct work_layout *layout)
{
   vkDestroyPipelineLayout(gpu->device, layout->pipeline, NULL);
   vkDestroyDescriptorSetLayout(gpu->device, layout->set, NULL);
}

static inline void work_push(VkCommandBuffer commands, const struct work_layout *layout, uint32_t factor)
{
   vkCmdPushConstants(commands, layout->pipeline, WORK_STAGES, 0, sizeof(factor), &factor);
}

/* A set with one buffer, out of a pool of its own. */
static inline VkDescriptorSet work_create_set(const struct gpu *gpu, const struct work_layout *layout,
                                              const struct gpu_buffer *buffer, VkDescriptorPool *pool)
{
   const VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 1};
   const VkDescriptorPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
   VkDescriptorSetAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorSetCount = 1, .pSetLayouts = &layout->set};
   const VkDescriptorBufferInfo range = {.buffer = buffer->handle, .range = VK_WHOLE_SIZE};
   VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                 .descriptorCount = 1,
                                 .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                 .pBufferInfo = &range};
   OK(vkCreateDescriptorPool(gpu->device, &info, NULL, pool));
   allocation.descriptorPool = *pool;
   OK(vkAllocateDescriptorSets(gpu->device, &allocation, &write.dstSet));
   vkUpdateDescriptorSets(gpu->device, 1, &write, 0, NULL);
   return write.dstSet;
}

/* --- the picture --- */

struct work_picture {
   VkImage image;
   VkDeviceMemory memory;
   VkImageView view;
   struct gpu_buffer copy;
};

static inline struct work_picture work_create_picture(const struct gpu *gpu)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .imageType = VK_IMAGE_TYPE_2D,
                                   .format = VK_FORMAT_R8G8B8A8_UNORM,
                                   .extent = {WORK_SIDE, WORK_SIDE, 1},
                                   .mipLevels = 1,
                                   .arrayLayers = 1,
                                   .samples = VK_SAMPLE_COUNT_1_BIT,
                                   .usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                                            VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_STORAGE_BIT};
   const VkImageSubresourceRange range = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, .levelCount = 1, .layerCount = 1};
   struct work_picture picture;
   VkMemoryRequirements requirements;
   OK(vkCreateImage(gpu->device, &info, NULL, &picture.image));
   vkGetImageMemoryRequirements(gpu->device, picture.image, &requirements);
   const VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                            .allocationSize = requirements.size,
                                            .memoryTypeIndex = (uint32_t)__builtin_ctz(requirements.memoryTypeBits)};
   OK(vkAllocateMemory(gpu->device, &allocation, NULL, &picture.memory));
   OK(vkBindImageMemory(gpu->device, picture.image, picture.memory, 0));
   const VkImageViewCreateInfo view = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                       .image = picture.image,
                                       .viewType = VK_IMAGE_VIEW_TYPE_2D,
                                       .format = info.format,
                                       .subresourceRange = range};
   OK(vkCreateImageView(gpu->device, &view, NULL, &picture.view));
   picture.copy =
      gpu_map_addressed(gpu, (VkDeviceSize)4 * WORK_SIDE * WORK_SIDE, VK_BUFFER_USAGE_TRANSFER_DST_BIT, NULL);
   return picture;
}

static inline void work_free_picture(const struct gpu *gpu, const struct work_picture *picture)
{
   gpu_free_buffer(gpu, &picture->copy);
   vkDestroyImageView(gpu->device, picture->view, NULL);
   vkDestroyImage(gpu->device, picture->image, NULL);
   vkFreeMemory(gpu->device, picture->memory, NULL);
}

static inline void work_turn_picture(VkCommandBuffer commands, const struct work_picture *picture, VkImageLayout from,
                                     VkImageLayout to)
{
   const VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = picture->image,
      .subresourceRange = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, .levelCount = 1, .layerCount = 1}};
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0,
                        NULL, 1, &barrier);
}

/* Rendering to the picture begins, with what all these draws have in common. */
static inline void work_begin_picture(VkCommandBuffer commands, const struct work_picture *picture)
{
   const VkRenderingAttachmentInfo attachment = {.sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                                 .imageView = picture->view,
                                                 .imageLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
                                                 .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
                                                 .storeOp = VK_ATTACHMENT_STORE_OP_STORE};
   const VkRect2D area = {.extent = {WORK_SIDE, WORK_SIDE}};
   const VkRenderingInfo info = {.sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
                                 .renderArea = area,
                                 .layerCount = 1,
                                 .colorAttachmentCount = 1,
                                 .pColorAttachments = &attachment};
   const VkViewport viewport = {.width = WORK_SIDE, .height = WORK_SIDE, .maxDepth = 1};
   work_turn_picture(commands, picture, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
   vkCmdBeginRendering(commands, &info);
   vkCmdSetViewportWithCount(commands, 1, &viewport);
   vkCmdSetScissorWithCount(commands, 1, &area);
}

/* To where the host can see it, out of this layout. */
static inline void work_copy_picture(VkCommandBuffer commands, const struct work_picture *picture, VkImageLayout layout)
{
   const VkBufferImageCopy region = {.imageSubresource = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, .layerCount = 1},
                                     .imageExtent = {WORK_SIDE, WORK_SIDE, 1}};
   work_turn_picture(commands, picture, layout, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
   vkCmdCopyImageToBuffer(commands, picture->image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, picture->copy.handle, 1,
                          &region);
}

/* Rendering ends, and the picture is copied. */
static inline void work_end_picture(VkCommandBuffer commands, const struct work_picture *picture)
{
   vkCmdEndRendering(commands);
   work_copy_picture(commands, picture, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
}

/* --- pipelines, for those who have them --- */

static inline VkPipelineShaderStageCreateInfo work_stage(VkShaderStageFlagBits stage,
                                                         const VkShaderModuleCreateInfo *code)
{
   return (VkPipelineShaderStageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .pNext = code, .stage = stage, .pName = "main"};
}

struct work_code {
   const uint32_t *words;
   size_t size;
};

/* Draws strips to pictures. `chain` is that of the create-info, behind what dynamic rendering needs. */
static inline VkPipeline work_create_graphics(const struct gpu *gpu, const struct work_layout *layout,
                                              VkPipelineCreateFlags flags, const void *chain,
                                              const struct work_code *vertex, const struct work_code *fragment)
{
   static const VkFormat format = VK_FORMAT_R8G8B8A8_UNORM;
   static const VkDynamicState states[] = {VK_DYNAMIC_STATE_VIEWPORT_WITH_COUNT, VK_DYNAMIC_STATE_SCISSOR_WITH_COUNT};
   const struct work_code *const codes[] = {vertex, fragment};
   const VkPipelineRenderingCreateInfo rendering = {.sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
                                                    .pNext = chain,
                                                    .colorAttachmentCount = 1,
                                                    .pColorAttachmentFormats = &format};
   const VkPipelineVertexInputStateCreateInfo input = {.sType =
                                                          VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
   const VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP};
   const VkPipelineViewportStateCreateInfo viewport = {.sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO};
   const VkPipelineRasterizationStateCreateInfo rasterization = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO, .lineWidth = 1};
   const VkPipelineMultisampleStateCreateInfo samples = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO, .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT};
   const VkPipelineColorBlendAttachmentState attachment = {.colorWriteMask = 15};
   const VkPipelineColorBlendStateCreateInfo blend = {.sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
                                                      .attachmentCount = 1,
                                                      .pAttachments = &attachment};
   const VkPipelineDynamicStateCreateInfo dynamic = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO, .dynamicStateCount = 2, .pDynamicStates = states};
   VkPipelineShaderStageCreateInfo stages[] = {work_stage(VK_SHADER_STAGE_VERTEX_BIT, NULL),
                                               work_stage(VK_SHADER_STAGE_FRAGMENT_BIT, NULL)};
   const VkGraphicsPipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                              .pNext = &rendering,
                                              .flags = flags,
                                              .stageCount = 2,
                                              .pStages = stages,
                                              .pVertexInputState = &input,
                                              .pInputAssemblyState = &assembly,
                                              .pViewportState = &viewport,
                                              .pRasterizationState = &rasterization,
                                              .pMultisampleState = &samples,
                                              .pColorBlendState = &blend,
                                              .pDynamicState = &dynamic,
                                              .layout = layout->pipeline};
   VkPipeline pipeline;
   for (unsigned i = 0; i < 2; i++) {
      const VkShaderModuleCreateInfo code = {
         .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = codes[i]->size, .pCode = codes[i]->words};
      OK(vkCreateShaderModule(gpu->device, &code, NULL, &stages[i].module));
   }
   OK(vkCreateGraphicsPipelines(gpu->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
   for (unsigned i = 0; i < 2; i++)
      vkDestroyShaderModule(gpu->device, stages[i].module, NULL);
   return pipeline;
}

#endif
