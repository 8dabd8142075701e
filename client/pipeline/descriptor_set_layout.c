/* SPDX-License-Identifier: MIT */

/* Keeps the bindings of a layout in order, with what each takes from a pool; vkGetDescriptorSetLayoutSupport is
 * answered here for layouts that keep to all limits. */

#include "client/pipeline/descriptor_set_layout.h"

#include <stdlib.h>
#include <string.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/link/reply_cache.h"
#include "client/pipeline/sampler.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

/* --- what a layout says --- */

bool vp_descriptor_counts_add(struct vp_descriptor_counts *counts, VkDescriptorType type, uint32_t n)
{
   if ((uint32_t)type <= VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT) {
      counts->of[type] += n;
   } else if (type == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK) {
      counts->of[VP_DESCRIPTOR_INLINE_BYTES] += n;
   } else if (type == VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR) {
      counts->of[VP_DESCRIPTOR_ACCELERATION_STRUCTURE] += n;
   } else {
      return false;
   }
   return true;
}

static bool uses_immutable_samplers(const VkDescriptorSetLayoutBinding *binding)
{
   return binding->pImmutableSamplers && (binding->descriptorType == VK_DESCRIPTOR_TYPE_SAMPLER ||
                                          binding->descriptorType == VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER);
}

static bool has_conversion(const VkDescriptorSetLayoutBinding *binding)
{
   bool found = false;
   for (uint32_t i = 0; uses_immutable_samplers(binding) && i < binding->descriptorCount; i++)
      found |= VP_FROM_HANDLE(struct vp_sampler, binding->pImmutableSamplers[i])->has_conversion;
   return found;
}

static int compare_bindings(const void *a, const void *b)
{
   const uint32_t x = ((const struct vp_descriptor_binding *)a)->number;
   const uint32_t y = ((const struct vp_descriptor_binding *)b)->number;
   return (x > y) - (x < y);
}

static bool is_variable(const VkDescriptorSetLayoutCreateInfo *info, uint32_t index)
{
   const VkDescriptorSetLayoutBindingFlagsCreateInfo *flags =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO);
   return flags && index < flags->bindingCount &&
          (flags->pBindingFlags[index] & VK_DESCRIPTOR_BINDING_VARIABLE_DESCRIPTOR_COUNT_BIT);
}

/* Notes what a binding takes from a pool. */
static void count_binding(struct vp_descriptor_set_layout *layout, const VkDescriptorSetLayoutBinding *in,
                          bool variable)
{
   if (in->descriptorType == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK)
      layout->counts.of[VP_DESCRIPTOR_INLINE_BLOCKS]++;
   if (!vp_descriptor_counts_add(&layout->counts, in->descriptorType, variable ? 0 : in->descriptorCount) ||
       has_conversion(in))
      layout->is_countable = false;
}

static void init_layout(struct vp_descriptor_set_layout *layout, const VkDescriptorSetLayoutCreateInfo *info)
{
   bool has_variable = false;
   layout->is_countable = true;
   for (uint32_t i = 0; i < info->bindingCount; i++) {
      const VkDescriptorSetLayoutBinding *in = &info->pBindings[i];
      if (!in->descriptorCount)
         continue;
      layout->bindings[layout->binding_count++] = (struct vp_descriptor_binding){
         .number = in->binding,
         .count = in->descriptorCount,
         .type = in->descriptorType,
         .has_immutable_samplers = uses_immutable_samplers(in),
      };
      layout->has_immutable_samplers |= uses_immutable_samplers(in);
      has_variable |= is_variable(info, i);
      count_binding(layout, in, is_variable(info, i));
   }
   qsort(layout->bindings, layout->binding_count, sizeof(layout->bindings[0]), compare_bindings);
   if (has_variable) /* only the last one may be */
      layout->variable = &layout->bindings[layout->binding_count - 1];
}

const struct vp_descriptor_binding *vp_descriptor_set_layout_find(const struct vp_descriptor_set_layout *layout,
                                                                  uint32_t number)
{
   if (number < layout->binding_count && layout->bindings[number].number == number)
      return &layout->bindings[number];
   const struct vp_descriptor_binding key = {.number = number};
   return bsearch(&key, layout->bindings, layout->binding_count, sizeof(key), compare_bindings);
}

/* --- lifetime --- */

struct vp_descriptor_set_layout *vp_descriptor_set_layout_ref(struct vp_descriptor_set_layout *layout)
{
   if (layout)
      atomic_fetch_add_explicit(&layout->references, 1, memory_order_relaxed);
   return layout;
}

/* The device's allocator, because the application's may be gone by the time of the last unref. */
void vp_descriptor_set_layout_unref(struct vp_device *device, struct vp_descriptor_set_layout *layout)
{
   if (layout && atomic_fetch_sub_explicit(&layout->references, 1, memory_order_acq_rel) == 1)
      vp_object_free(vp_allocator(NULL, device->allocator), layout);
}

/* The create info without pointers that mean nothing. `copy` is to be freed,
 * NULL when the bindings are fine as they are. */
static bool sanitise(struct vp_device *device, VkDescriptorSetLayoutCreateInfo *info,
                     VkDescriptorSetLayoutBinding **copy)
{
   bool clean = true;
   *copy = NULL;
   for (uint32_t i = 0; i < info->bindingCount; i++)
      clean &= !info->pBindings[i].pImmutableSamplers || uses_immutable_samplers(&info->pBindings[i]);
   if (clean)
      return true;
   const size_t size = info->bindingCount * sizeof(**copy);
   *copy = vp_alloc(vp_allocator(NULL, device->allocator), size, VK_SYSTEM_ALLOCATION_SCOPE_COMMAND);
   if (!*copy)
      return false;
   memcpy(*copy, info->pBindings, size);
   for (uint32_t i = 0; i < info->bindingCount; i++) {
      if (!uses_immutable_samplers(&info->pBindings[i]))
         (*copy)[i].pImmutableSamplers = NULL;
   }
   info->pBindings = *copy;
   return true;
}

/* Layouts that were created in exactly this way are of one kind. */
static struct vp_resource_kind *find_layout_kind(struct vp_device *device, const VkDescriptorSetLayoutCreateInfo *info)
{
   const struct vp_cmd_vkCreateDescriptorSetLayout a = {.device = VP_TO_HANDLE(VkDevice, device), .pCreateInfo = info};
   struct vp_encoder request;
   if (!vp_encoder_init(&request))
      return NULL;
   request.peer = &device->conn->server.codec;
   vp_request_vkCreateDescriptorSetLayout(&request, 0, &a);
   struct vp_resource_kind *kind = vp_resource_kind_get(&device->kinds, &request);
   vp_encoder_finish(&request);
   return kind;
}

static VkResult send_create(struct vp_device *device, const VkDescriptorSetLayoutCreateInfo *given,
                            VkDescriptorSetLayout layout)
{
   VkDescriptorSetLayoutCreateInfo info = *given;
   VkDescriptorSetLayoutBinding *copy;
   if (!sanitise(device, &info, &copy))
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   struct vp_cmd_vkCreateDescriptorSetLayout a = {
      .device = VP_TO_HANDLE(VkDevice, device), .pCreateInfo = &info, .pSetLayout = &layout};
   if (info.flags & VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT)
      VP_FROM_HANDLE(struct vp_descriptor_set_layout, layout)->kind = find_layout_kind(device, &info);
   const VkResult result = vp_try_vkCreateDescriptorSetLayout(device, false, &a);
   vp_free(vp_allocator(NULL, device->allocator), copy);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateDescriptorSetLayout(VkDevice handle,
                                                              const VkDescriptorSetLayoutCreateInfo *pCreateInfo,
                                                              const VkAllocationCallbacks *pAllocator,
                                                              VkDescriptorSetLayout *pSetLayout)
{
   (void)pAllocator;
   struct vp_device *device = vp_device_from_handle(handle);
   const VkAllocationCallbacks *allocator = vp_allocator(NULL, device->allocator);
   struct vp_descriptor_set_layout *layout;
   const size_t size = sizeof(*layout) + pCreateInfo->bindingCount * sizeof(layout->bindings[0]);
   layout = vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, size);
   if (!layout)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   layout->references = 1;
   init_layout(layout, pCreateInfo);
   *pSetLayout = VP_TO_HANDLE(VkDescriptorSetLayout, layout);
   const VkResult result = send_create(device, pCreateInfo, *pSetLayout);
   if (result != VK_SUCCESS) {
      vp_object_destroy(&device->conn->objects, allocator, layout);
      *pSetLayout = VK_NULL_HANDLE;
   }
   return result;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyDescriptorSetLayout(VkDevice handle, VkDescriptorSetLayout layout_handle,
                                                           const VkAllocationCallbacks *pAllocator)
{
   (void)pAllocator;
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_descriptor_set_layout *layout = VP_FROM_HANDLE(struct vp_descriptor_set_layout, layout_handle);
   if (!layout)
      return;
   const struct vp_cmd_vkDestroyDescriptorSetLayout a = {.device = handle, .descriptorSetLayout = layout_handle};
   vp_send_vkDestroyDescriptorSetLayout(device->conn, &a);
   vp_object_table_remove(&device->conn->objects, &layout->base);
   vp_descriptor_set_layout_unref(device, layout);
}

#define ORDINARY_TYPES (VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT + 1)

/* How many descriptors of each ordinary type a layout has. False when there is anything else about it. */
static bool count_descriptors(const VkDescriptorSetLayoutCreateInfo *info, uint64_t counts[ORDINARY_TYPES])
{
   memset(counts, 0, ORDINARY_TYPES * sizeof(*counts));
   if (info->pNext || info->flags)
      return false;
   for (uint32_t i = 0; i < info->bindingCount; i++) {
      const VkDescriptorSetLayoutBinding *binding = &info->pBindings[i];
      if ((uint32_t)binding->descriptorType >= ORDINARY_TYPES || has_conversion(binding))
         return false;
      counts[binding->descriptorType] += binding->descriptorCount;
   }
   return true;
}

/* One limit of sets and one of stages, as if every stage used all. */
static bool fits(uint64_t count, uint32_t set_limit, uint32_t stage_limit)
{
   return count <= set_limit && count <= stage_limit;
}

/* Every driver supports a layout that keeps to all limits; beyond them drivers differ. */
static bool is_promised(const struct vp_device *device, const VkDescriptorSetLayoutCreateInfo *info)
{
   const VkPhysicalDeviceMaintenance3Properties *sets = vp_chain_find(
      device->physical_device->properties.pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
   const VkPhysicalDeviceLimits *limits = &device->physical_device->properties.properties.limits;
   uint64_t of[ORDINARY_TYPES], all = 0;
   if (!sets || !count_descriptors(info, of))
      return false;
   for (unsigned i = 0; i < ORDINARY_TYPES; i++)
      all += of[i];
   const uint64_t combined = of[VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER],
                  uniform = of[VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC],
                  storage = of[VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC];
   return fits(all, sets->maxPerSetDescriptors, limits->maxPerStageResources) &&
          fits(of[VK_DESCRIPTOR_TYPE_SAMPLER] + combined, limits->maxDescriptorSetSamplers,
               limits->maxPerStageDescriptorSamplers) &&
          fits(of[VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE] + combined + of[VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER],
               limits->maxDescriptorSetSampledImages, limits->maxPerStageDescriptorSampledImages) &&
          fits(of[VK_DESCRIPTOR_TYPE_STORAGE_IMAGE] + of[VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER],
               limits->maxDescriptorSetStorageImages, limits->maxPerStageDescriptorStorageImages) &&
          fits(of[VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER] + uniform, limits->maxDescriptorSetUniformBuffers,
               limits->maxPerStageDescriptorUniformBuffers) &&
          fits(of[VK_DESCRIPTOR_TYPE_STORAGE_BUFFER] + storage, limits->maxDescriptorSetStorageBuffers,
               limits->maxPerStageDescriptorStorageBuffers) &&
          uniform <= limits->maxDescriptorSetUniformBuffersDynamic &&
          storage <= limits->maxDescriptorSetStorageBuffersDynamic &&
          fits(of[VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT], limits->maxDescriptorSetInputAttachments,
               limits->maxPerStageDescriptorInputAttachments);
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetDescriptorSetLayoutSupport(VkDevice handle,
                                                              const VkDescriptorSetLayoutCreateInfo *pCreateInfo,
                                                              VkDescriptorSetLayoutSupport *pSupport)
{
   struct vp_device *device = vp_device_from_handle(handle);
   VkDescriptorSetLayoutCreateInfo info = *pCreateInfo;
   VkDescriptorSetLayoutBinding *copy;
   pSupport->supported = !pSupport->pNext && is_promised(device, pCreateInfo);
   if (pSupport->supported) /* else unless the server says otherwise */
      return;
   if (!sanitise(device, &info, &copy))
      return;
   struct vp_cmd_vkGetDescriptorSetLayoutSupport a = {.device = handle, .pCreateInfo = &info, .pSupport = pSupport};
   vp_ask_vkGetDescriptorSetLayoutSupport(&device->cache, device->conn, &a);
   vp_free(vp_allocator(NULL, device->allocator), copy);
}
