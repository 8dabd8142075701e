/* SPDX-License-Identifier: MIT */
/* Descriptors that are bytes in mapped memory: compute and draw with them, and print what was written through them. */
#include "tests/e2e/work.h"
#include "work_comp.h"
#include "work_frag.h"
#include "work_image_comp.h"
#include "work_vert.h"

#define SETS 64u   /* in the descriptor buffer, each with a part of the words */
#define ROUNDS 40u /* in which all descriptors are made anew */
#define MAX_SIZE 4096u

static struct {
   struct gpu gpu;
   VkPhysicalDeviceDescriptorBufferPropertiesEXT sizes;
   struct work_layout layout;
   struct gpu_buffer words, others, descriptors;
   VkDeviceSize set_size, set_offset; /* of a set, and of the descriptor in it */
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkPipeline pipeline;
   PFN_vkGetDescriptorEXT get;
   PFN_vkGetDescriptorSetLayoutSizeEXT get_size;
   PFN_vkGetDescriptorSetLayoutBindingOffsetEXT get_offset;
   PFN_vkCmdBindDescriptorBuffersEXT bind;
   PFN_vkCmdSetDescriptorBufferOffsetsEXT set_offsets;
   PFN_vkCmdBindDescriptorBufferEmbeddedSamplersEXT bind_samplers;
} w;

static VkDeviceSize align(VkDeviceSize size)
{
   const VkDeviceSize alignment = w.sizes.descriptorBufferOffsetAlignment;
   return (size + alignment - 1) / alignment * alignment;
}

static VkPipeline create_compute(VkPipelineLayout layout, const uint32_t *words, size_t size)
{
   const VkShaderModuleCreateInfo code = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = words};
   VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                       .flags = VK_PIPELINE_CREATE_DESCRIPTOR_BUFFER_BIT_EXT,
                                       .stage = work_stage(VK_SHADER_STAGE_COMPUTE_BIT, NULL),
                                       .layout = layout};
   VkPipeline pipeline;
   OK(vkCreateShaderModule(w.gpu.device, &code, NULL, &info.stage.module));
   OK(vkCreateComputePipelines(w.gpu.device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
   vkDestroyShaderModule(w.gpu.device, info.stage.module, NULL);
   return pipeline;
}

static void world_open(void)
{
   static const char *const extensions[] = {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME};
   VkPhysicalDeviceDescriptorBufferFeaturesEXT features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_FEATURES_EXT};
   work_open(&w.gpu, &features, extensions, 1);
   NEED(features.descriptorBuffer);
   w.sizes.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_PROPERTIES_EXT;
   VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                             .pNext = &w.sizes};
   vkGetPhysicalDeviceProperties2(w.gpu.physical, &properties);
   w.get = (PFN_vkGetDescriptorEXT)vkGetDeviceProcAddr(w.gpu.device, "vkGetDescriptorEXT");
   w.get_size =
      (PFN_vkGetDescriptorSetLayoutSizeEXT)vkGetDeviceProcAddr(w.gpu.device, "vkGetDescriptorSetLayoutSizeEXT");
   w.get_offset = (PFN_vkGetDescriptorSetLayoutBindingOffsetEXT)vkGetDeviceProcAddr(
      w.gpu.device, "vkGetDescriptorSetLayoutBindingOffsetEXT");
   w.bind = (PFN_vkCmdBindDescriptorBuffersEXT)vkGetDeviceProcAddr(w.gpu.device, "vkCmdBindDescriptorBuffersEXT");
   w.set_offsets =
      (PFN_vkCmdSetDescriptorBufferOffsetsEXT)vkGetDeviceProcAddr(w.gpu.device, "vkCmdSetDescriptorBufferOffsetsEXT");
   w.bind_samplers = (PFN_vkCmdBindDescriptorBufferEmbeddedSamplersEXT)vkGetDeviceProcAddr(
      w.gpu.device, "vkCmdBindDescriptorBufferEmbeddedSamplersEXT");
   w.layout = work_create_layout(&w.gpu, VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT);
   w.words = gpu_map_addressed(&w.gpu, (VkDeviceSize)4 * SETS * WORK_WORDS, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, NULL);
   w.others = gpu_map_addressed(&w.gpu, (VkDeviceSize)4 * WORK_WORDS, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, NULL);
   w.get_size(w.gpu.device, w.layout.set, &w.set_size);
   w.get_offset(w.gpu.device, w.layout.set, 0, &w.set_offset);
   w.set_size = align(w.set_size);
   w.descriptors = gpu_map_addressed(
      &w.gpu, SETS * w.set_size + MAX_SIZE,
      VK_BUFFER_USAGE_RESOURCE_DESCRIPTOR_BUFFER_BIT_EXT | VK_BUFFER_USAGE_SAMPLER_DESCRIPTOR_BUFFER_BIT_EXT, NULL);
   w.commands = gpu_create_commands(&w.gpu, &w.pool);
   w.pipeline = create_compute(w.layout.pipeline, work_comp, sizeof(work_comp));
}

static void world_close(void)
{
   vkDestroyPipeline(w.gpu.device, w.pipeline, NULL);
   vkDestroyCommandPool(w.gpu.device, w.pool, NULL);
   gpu_free_buffer(&w.gpu, &w.descriptors);
   gpu_free_buffer(&w.gpu, &w.words);
   gpu_free_buffer(&w.gpu, &w.others);
   work_free_layout(&w.gpu, &w.layout);
   gpu_close(&w.gpu);
}

static void get_buffer(VkDescriptorType type, VkDeviceAddress address, VkDeviceSize range, VkFormat format, size_t size,
                       VkDeviceSize place)
{
   const VkDescriptorAddressInfoEXT buffer = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_ADDRESS_INFO_EXT, .address = address, .range = range, .format = format};
   const VkDescriptorGetInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT, .type = type, .data.pStorageBuffer = &buffer};
   w.get(w.gpu.device, &info, size, (uint8_t *)w.descriptors.data + place);
}

static void get_storage(VkDeviceAddress address, VkDeviceSize range, unsigned set)
{
   get_buffer(VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, address, range, VK_FORMAT_UNDEFINED,
              w.sizes.storageBufferDescriptorSize, set * w.set_size + w.set_offset);
}

static void bind_descriptors(void)
{
   const VkDescriptorBufferBindingInfoEXT info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT,
                                                  .address = w.descriptors.address,
                                                  .usage = VK_BUFFER_USAGE_RESOURCE_DESCRIPTOR_BUFFER_BIT_EXT |
                                                           VK_BUFFER_USAGE_SAMPLER_DESCRIPTOR_BUFFER_BIT_EXT |
                                                           VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
   w.bind(w.commands, 1, &info);
}

static void use_set(VkPipelineBindPoint point, VkPipelineLayout layout, uint32_t number, VkDeviceSize offset)
{
   const uint32_t buffer = 0;
   w.set_offsets(w.commands, point, layout, number, 1, &buffer, &offset);
}

/* Each set is a part of the words, shorter than what is left for it: the shader writes as much as the descriptor says.
 */
static void compute(void)
{
   for (uint32_t round = 0; round < ROUNDS; round++) {
      for (uint32_t i = 0; i < SETS; i++)
         get_storage(w.words.address + (VkDeviceSize)4 * WORK_WORDS * i, 16 + (VkDeviceSize)16 * ((i + round) % SETS),
                     i);
      gpu_begin(w.commands);
      vkCmdBindPipeline(w.commands, VK_PIPELINE_BIND_POINT_COMPUTE, w.pipeline);
      bind_descriptors();
      for (uint32_t i = 0; i < SETS; i++) {
         use_set(VK_PIPELINE_BIND_POINT_COMPUTE, w.layout.pipeline, 0, i * w.set_size);
         work_push(w.commands, &w.layout, i + round);
         vkCmdDispatch(w.commands, WORK_WORDS / 64, 1, 1);
      }
      gpu_run(&w.gpu, w.commands);
      if (round % 8 == 0)
         work_print("parts of words", &w.words);
      else
         memset(w.words.data, 0, w.words.size);
   }
   /* Another buffer, in memory of its own, and nothing but new bytes. */
   get_storage(w.others.address, w.others.size, 0);
   gpu_begin(w.commands);
   vkCmdBindPipeline(w.commands, VK_PIPELINE_BIND_POINT_COMPUTE, w.pipeline);
   bind_descriptors();
   use_set(VK_PIPELINE_BIND_POINT_COMPUTE, w.layout.pipeline, 0, 0);
   work_push(w.commands, &w.layout, 9);
   vkCmdDispatch(w.commands, WORK_WORDS / 64, 1, 1);
   gpu_run(&w.gpu, w.commands);
   work_print("words", &w.words);
   work_print("others", &w.others);
}

/* --- drawing --- */

static VkPipeline create_graphics(void)
{
   const struct work_code vertex = {work_vert, sizeof(work_vert)}, fragment = {work_frag, sizeof(work_frag)};
   return work_create_graphics(&w.gpu, &w.layout, VK_PIPELINE_CREATE_DESCRIPTOR_BUFFER_BIT_EXT, NULL, &vertex,
                               &fragment);
}

static void draw(void)
{
   struct work_picture picture = work_create_picture(&w.gpu);
   const VkPipeline pipeline = create_graphics();
   get_storage(w.others.address, w.others.size, 1);
   gpu_begin(w.commands);
   work_begin_picture(w.commands, &picture);
   vkCmdBindPipeline(w.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
   bind_descriptors();
   use_set(VK_PIPELINE_BIND_POINT_GRAPHICS, w.layout.pipeline, 0, w.set_size);
   work_push(w.commands, &w.layout, 3);
   vkCmdDraw(w.commands, 4, 4, 0, 0);
   work_end_picture(w.commands, &picture);
   gpu_run(&w.gpu, w.commands);
   work_print("others", &w.others);
   work_print("picture", &picture.copy);
   vkDestroyPipeline(w.gpu.device, pipeline, NULL);
   work_free_picture(&w.gpu, &picture);
}

/* --- descriptors of other kinds --- */

struct kinds {
   VkDescriptorSetLayout set;
   VkPipelineLayout pipeline_layout;
   VkSampler sampler;
   struct work_picture from, to;
   struct gpu_buffer numbers;
};

static void kinds_open(struct kinds *k)
{
   const VkDescriptorSetLayoutBinding bindings[] = {
      {5, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {0, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {1, VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {2, VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {3, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 0, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
   };
   const VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                 .flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT,
                                                 .bindingCount = 5,
                                                 .pBindings = bindings};
   const VkSamplerCreateInfo sampler = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO};
   OK(vkCreateDescriptorSetLayout(w.gpu.device, &info, NULL, &k->set));
   const VkDescriptorSetLayout sets[] = {w.layout.set, k->set};
   const VkPipelineLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 2, .pSetLayouts = sets};
   OK(vkCreatePipelineLayout(w.gpu.device, &layout, NULL, &k->pipeline_layout));
   OK(vkCreateSampler(w.gpu.device, &sampler, NULL, &k->sampler));
   k->from = work_create_picture(&w.gpu);
   k->to = work_create_picture(&w.gpu);
   k->numbers = gpu_map_addressed(&w.gpu, 1024,
                                  VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT, NULL);
   for (uint32_t i = 0; i < 256; i++)
      ((uint32_t *)k->numbers.data)[i] = 1000 * i;
}

static void kinds_close(struct kinds *k)
{
   gpu_free_buffer(&w.gpu, &k->numbers);
   work_free_picture(&w.gpu, &k->from);
   work_free_picture(&w.gpu, &k->to);
   vkDestroySampler(w.gpu.device, k->sampler, NULL);
   vkDestroyPipelineLayout(w.gpu.device, k->pipeline_layout, NULL);
   vkDestroyDescriptorSetLayout(w.gpu.device, k->set, NULL);
}

static void get_image(const struct kinds *k, VkDescriptorType type, const struct work_picture *picture, size_t size,
                      VkDeviceSize place)
{
   /* A sampler that does not count may be anything. */
   const bool samples = type == VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
   const VkDescriptorImageInfo image = {.sampler = samples ? k->sampler : (VkSampler)(uintptr_t)0xdead0000,
                                        .imageView = picture->view,
                                        .imageLayout = VK_IMAGE_LAYOUT_GENERAL};
   const VkDescriptorGetInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT, .type = type, .data.pSampledImage = &image};
   w.get(w.gpu.device, &info, size, (uint8_t *)w.descriptors.data + place);
}

static void get_kinds(const struct kinds *k, VkDeviceSize place)
{
   VkDeviceSize offsets[6];
   for (uint32_t i = 0; i < 6; i++) {
      if (i != 4) /* there is none */
         w.get_offset(w.gpu.device, k->set, i, &offsets[i]);
   }
   get_image(k, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, &k->from, w.sizes.combinedImageSamplerDescriptorSize,
             place + offsets[0]);
   get_image(k, VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, &k->to, w.sizes.storageImageDescriptorSize, place + offsets[1]);
   get_buffer(VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, k->numbers.address, 512, VK_FORMAT_R32_UINT,
              w.sizes.uniformTexelBufferDescriptorSize, place + offsets[2]);
   get_buffer(VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, k->numbers.address + 512, 256, VK_FORMAT_UNDEFINED,
              w.sizes.uniformBufferDescriptorSize, place + offsets[5]);
}

static void use_kinds(void)
{
   struct kinds k;
   VkDeviceSize size;
   kinds_open(&k);
   w.get_size(w.gpu.device, k.set, &size);
   NEED(size <= MAX_SIZE - w.sizes.descriptorBufferOffsetAlignment);
   get_kinds(&k, SETS * w.set_size);
   get_storage(w.others.address, w.others.size, 0);
   const VkPipeline pipeline = create_compute(k.pipeline_layout, work_image_comp, sizeof(work_image_comp));
   const VkPipeline graphics = create_graphics();
   gpu_begin(w.commands);
   bind_descriptors();
   work_begin_picture(w.commands, &k.from);
   vkCmdBindPipeline(w.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, graphics);
   use_set(VK_PIPELINE_BIND_POINT_GRAPHICS, w.layout.pipeline, 0, 0);
   work_push(w.commands, &w.layout, 3);
   vkCmdDraw(w.commands, 4, 4, 0, 0);
   vkCmdEndRendering(w.commands);
   work_turn_picture(w.commands, &k.from, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, VK_IMAGE_LAYOUT_GENERAL);
   work_turn_picture(w.commands, &k.to, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
   gpu_barrier(w.commands);
   vkCmdBindPipeline(w.commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   use_set(VK_PIPELINE_BIND_POINT_COMPUTE, k.pipeline_layout, 0, 0);
   use_set(VK_PIPELINE_BIND_POINT_COMPUTE, k.pipeline_layout, 1, SETS * w.set_size);
   vkCmdDispatch(w.commands, 1, 1, 1);
   gpu_barrier(w.commands);
   work_copy_picture(w.commands, &k.to, VK_IMAGE_LAYOUT_GENERAL);
   gpu_run(&w.gpu, w.commands);
   work_print("others", &w.others);
   work_print("picture", &k.to.copy);
   vkDestroyPipeline(w.gpu.device, graphics, NULL);
   vkDestroyPipeline(w.gpu.device, pipeline, NULL);
   kinds_close(&k);
}

/* --- many of them --- */

#define VIEWS 200u

/* A descriptor is the same whenever it is asked for. */
static void get_view(VkImageView view, VkDescriptorType type, VkImageLayout layout, size_t size)
{
   static uint8_t bytes[2][MAX_SIZE];
   const VkDescriptorImageInfo image = {.imageView = view, .imageLayout = layout};
   const VkDescriptorGetInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT, .type = type, .data.pSampledImage = &image};
   NEED(size <= MAX_SIZE);
   for (unsigned i = 0; i < 2; i++)
      w.get(w.gpu.device, &info, size, bytes[i]);
   NEED(memcmp(bytes[0], bytes[1], size) == 0);
}

/* Views that are made first and looked at then. */
static void make_many(void)
{
   struct work_picture picture = work_create_picture(&w.gpu);
   const VkImageViewCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                       .image = picture.image,
                                       .viewType = VK_IMAGE_VIEW_TYPE_2D,
                                       .format = VK_FORMAT_R8G8B8A8_UNORM,
                                       .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
   VkImageView views[VIEWS];
   for (uint32_t i = 0; i < VIEWS; i++)
      OK(vkCreateImageView(w.gpu.device, &info, NULL, &views[i]));
   for (uint32_t i = 0; i < VIEWS; i++) {
      get_view(views[i], VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
               w.sizes.sampledImageDescriptorSize);
      get_view(views[i], VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, VK_IMAGE_LAYOUT_GENERAL, w.sizes.storageImageDescriptorSize);
   }
   for (uint32_t i = 0; i < VIEWS; i++)
      vkDestroyImageView(w.gpu.device, views[i], NULL);
   work_free_picture(&w.gpu, &picture);
}

int main(void)
{
   world_open();
   compute();
   draw();
   use_kinds();
   make_many();
   world_close();
   return 0;
}
