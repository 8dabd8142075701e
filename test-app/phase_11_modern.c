/* SPDX-License-Identifier: MIT */
/* Phase 11: what only new GPUs have. Each part is tried where the GPU has what it needs, and is otherwise left out with
 * a reason; the phase counts as skipped where nothing was tried. */

#include "test-app/phase_11_modern.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool modern_skip(struct modern *m, const char *format, ...)
{
   char text[200];
   va_list arguments;
   va_start(arguments, format);
   vsnprintf(text, sizeof(text), format, arguments);
   va_end(arguments);
   app_note(m->test, "%s: skipped, %s", m->part, text);
   return false;
}

bool modern_has_version(struct modern *m, uint32_t version)
{
   return m->ctx.api >= version ||
          modern_skip(m, "it needs Vulkan %u.%u", VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
}

bool modern_extension(const struct modern *m, const char *name)
{
   uint32_t count = 0;
   VkExtensionProperties *list = NULL;
   bool found = false;
   if (vkEnumerateDeviceExtensionProperties(m->ctx.physical, NULL, &count, NULL) == VK_SUCCESS)
      list = calloc(count + 1, sizeof(*list));
   if (list && vkEnumerateDeviceExtensionProperties(m->ctx.physical, NULL, &count, list) == VK_SUCCESS) {
      for (uint32_t i = 0; i < count; i++)
         found |= strcmp(list[i].extensionName, name) == 0;
   }
   free(list);
   return found;
}

bool modern_has_extensions(struct modern *m, const char *const *names, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      if (!modern_extension(m, names[i]))
         return modern_skip(m, "the GPU has no %s", names[i]);
   }
   return true;
}

bool modern_has_feature(struct modern *m, const char *name, VkBool32 supported)
{
   return supported || modern_skip(m, "the GPU does not have the feature %s", name);
}

PFN_vkVoidFunction modern_load(struct modern *m, const char *name)
{
   PFN_vkVoidFunction function = vkGetDeviceProcAddr(m->ctx.device, name);
   CHECK(m->test, function != NULL);
   return function;
}

bool modern_picture(struct modern *m, const char *name, const uint8_t *rgba)
{
   char path[4096];
   int length = snprintf(path, sizeof(path), "%s/phase11-%s.png", m->test->options->out, name);
   return CHECK(m->test, length > 0 && (size_t)length < sizeof(path)) &&
          app_png_write(m->test, path, MODERN_WIDTH, MODERN_HEIGHT, rgba);
}

static bool modern_set_allocate(struct modern *m, struct modern_set *set, const VkDescriptorPoolSize *sizes,
                                uint32_t count)
{
   VkDescriptorPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = 1,
      .poolSizeCount = count,
      .pPoolSizes = sizes,
   };
   if (!VK_CHECK(m->test, vkCreateDescriptorPool(m->ctx.device, &pool, NULL, &set->pool)))
      return false;
   VkDescriptorSetAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = set->pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &set->set_layout,
   };
   return VK_CHECK(m->test, vkAllocateDescriptorSets(m->ctx.device, &allocate, &set->set));
}

bool modern_set_create(struct modern *m, struct modern_set *set, const VkDescriptorType *types, uint32_t count,
                       VkShaderStageFlags stages)
{
   VkDescriptorSetLayoutBinding bindings[MODERN_MAX_BINDINGS];
   VkDescriptorPoolSize sizes[MODERN_MAX_BINDINGS];
   *set = (struct modern_set){0};
   for (uint32_t i = 0; i < count; i++) {
      bindings[i] = (VkDescriptorSetLayoutBinding){
         .binding = i,
         .descriptorType = types[i],
         .descriptorCount = 1,
         .stageFlags = stages,
      };
      sizes[i] = (VkDescriptorPoolSize){types[i], 1};
   }
   VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = count,
      .pBindings = bindings,
   };
   if (!VK_CHECK(m->test, vkCreateDescriptorSetLayout(m->ctx.device, &set_info, NULL, &set->set_layout)))
      return false;
   VkPipelineLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &set->set_layout,
   };
   return VK_CHECK(m->test, vkCreatePipelineLayout(m->ctx.device, &layout, NULL, &set->layout)) &&
          modern_set_allocate(m, set, sizes, count);
}

void modern_set_destroy(struct modern *m, struct modern_set *set)
{
   if (!m->ctx.device)
      return;
   vkDestroyDescriptorPool(m->ctx.device, set->pool, NULL);
   vkDestroyPipelineLayout(m->ctx.device, set->layout, NULL);
   vkDestroyDescriptorSetLayout(m->ctx.device, set->set_layout, NULL);
   *set = (struct modern_set){0};
}

bool modern_compute_pipeline(struct modern *m, const struct app_shader *shader, VkPipelineLayout layout,
                             VkPipeline *pipeline)
{
   VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage =
         {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = app_shader_module(&m->ctx, shader),
            .pName = "main",
         },
      .layout = layout,
   };
   bool good = info.stage.module &&
               VK_CHECK(m->test, vkCreateComputePipelines(m->ctx.device, VK_NULL_HANDLE, 1, &info, NULL, pipeline));
   vkDestroyShaderModule(m->ctx.device, info.stage.module, NULL);
   return good;
}

void phase_modern(struct app_test *t)
{
   static const struct {
      const char *name;
      bool (*run)(struct modern *m);
   } parts[] = {
      {"ray tracing", modern_ray_tracing},       {"mesh shaders", modern_mesh_shaders},
      {"cooperative matrices", modern_matrices}, {"sparse residency", modern_sparse},
      {"64-bit atomics", modern_atomics},
   };
   unsigned tried = 0;
   for (size_t i = 0; i < APP_COUNT(parts); i++) {
      struct modern m = {.test = t, .part = parts[i].name};
      if (app_context_open(t, &m.ctx) && modern_has_version(&m, VK_API_VERSION_1_2))
         tried += parts[i].run(&m);
      app_context_destroy(&m.ctx);
   }
   t->skipped = tried == 0;
}
