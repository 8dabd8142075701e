/* SPDX-License-Identifier: MIT */
/* test: no-tsan */
/* (Looking up names runs in a thread that the C library makes out of the thread sanitizer's sight.)
 *
 * The client's descriptor code: layouts, writes, templates and push descriptors, as the server hears of them. */

#include "tests/unit/descriptor_peer.h"

/* --- layouts --- */

static void test_layout(void)
{
   const VkSampler samplers[] = {make_sampler(false), make_sampler(false)};
   const VkDescriptorSetLayoutBinding bindings[] = {
      {.binding = 900,
       .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
       .descriptorCount = 3,
       .pImmutableSamplers = GARBAGE},
      {.binding = 1,
       .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
       .descriptorCount = 2,
       .pImmutableSamplers = samplers},
      {.binding = 2, .descriptorType = VK_DESCRIPTOR_TYPE_SAMPLER, .descriptorCount = 0},
      {.binding = 0, .descriptorType = VK_DESCRIPTOR_TYPE_SAMPLER, .descriptorCount = 4},
   };
   const VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                 .bindingCount = LENGTH(bindings),
                                                 .pBindings = bindings};
   VkDescriptorSetLayout handle;
   CHECK(vp_vkCreateDescriptorSetLayout(device_handle, &info, NULL, &handle) == VK_SUCCESS);
   const struct vp_cmd_vkCreateDescriptorSetLayout *a = next(VP_CMD_vkCreateDescriptorSetLayout, NULL);
   CHECK(a->pCreateInfo->bindingCount == 4);
   CHECK(!a->pCreateInfo->pBindings[0].pImmutableSamplers && a->pCreateInfo->pBindings[0].descriptorCount == 3);
   CHECK(ID(a->pCreateInfo->pBindings[1].pImmutableSamplers[1]) == vp_object_id(ID(samplers[1])));
   CHECK(bindings[0].pImmutableSamplers == GARBAGE);

   const struct vp_descriptor_set_layout *layout = VP_FROM_HANDLE(struct vp_descriptor_set_layout, handle);
   CHECK(layout->binding_count == 3 && layout->has_immutable_samplers && layout->is_countable);
   CHECK(vp_descriptor_set_layout_find(layout, 900)->count == 3);
   CHECK(vp_descriptor_set_layout_find(layout, 1)->has_immutable_samplers);
   CHECK(!vp_descriptor_set_layout_find(layout, 0)->has_immutable_samplers);
   CHECK(!vp_descriptor_set_layout_find(layout, 2) && !vp_descriptor_set_layout_find(layout, 3));

   for (int i = 0; i < 2; i++) { /* asked once */
      VkDescriptorSetLayoutSupport support = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_SUPPORT};
      vp_vkGetDescriptorSetLayoutSupport(device_handle, &info, &support);
      CHECK(support.supported == VK_TRUE);
   }
   const struct vp_cmd_vkGetDescriptorSetLayoutSupport *ask = next(VP_CMD_vkGetDescriptorSetLayoutSupport, NULL);
   CHECK(!ask->pCreateInfo->pBindings[0].pImmutableSamplers);
   CHECK(is_quiet());
   drop_layout(handle);
   drop_sampler(samplers[0]);
   drop_sampler(samplers[1]);
   vp_vkDestroyDescriptorSetLayout(device_handle, VK_NULL_HANDLE, NULL);
   vp_vkDestroyPipelineLayout(device_handle, VK_NULL_HANDLE, NULL);
   vp_vkDestroyDescriptorPool(device_handle, VK_NULL_HANDLE, NULL);
   CHECK(is_quiet());
}

/* A layout that is used after its end: what is known of it stays, its id goes, once. */
static void test_lifetime(void)
{
   const VkSampler sampler = make_sampler(false);
   const VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                                 .descriptorCount = 1,
                                                 .pImmutableSamplers = &sampler};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 2};
   const uint32_t before = allocations;
   const VkDescriptorSetLayout layout = make_layout(1, &binding, NULL);
   const uint64_t id = vp_object_id(ID(layout));
   const VkDescriptorSetLayout sets[] = {VK_NULL_HANDLE, layout};
   const VkPipelineLayout pipeline_layout = make_pipeline_layout(2, sets);
   const VkDescriptorPool pool = make_pool(2, 1, &size, NULL);
   const VkDescriptorSet set = make_set(pool, layout, NULL, NULL);
   make_set(pool, layout, NULL, NULL);
   CHECK(generation(id) == id >> 32);
   drop_layout(layout);
   CHECK(generation(id) == (id >> 32) + 1);

   const VkDescriptorImageInfo image = {GARBAGE_HANDLE(VkSampler), HANDLE(VkImageView, 0), VK_IMAGE_LAYOUT_GENERAL};
   const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                       .dstSet = set,
                                       .descriptorCount = 1,
                                       .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                       .pImageInfo = &image};
   vp_vkUpdateDescriptorSets(device_handle, 1, &write, 0, NULL);
   const struct vp_cmd_vkUpdateDescriptorSets *a = next(VP_CMD_vkUpdateDescriptorSets, NULL);
   CHECK(!ID(a->pDescriptorWrites[0].pImageInfo[0].sampler) && IS(a->pDescriptorWrites[0].pImageInfo[0].imageView, 0));
   drop_pool(pool);
   const struct vp_pipeline_layout *known = VP_FROM_HANDLE(struct vp_pipeline_layout, pipeline_layout);
   CHECK(!vp_pipeline_layout_set(known, 0) && vp_pipeline_layout_set(known, 1)->binding_count == 1);
   CHECK(!vp_pipeline_layout_set(known, 2));
   drop_pipeline_layout(pipeline_layout);
   CHECK(generation(id) == (id >> 32) + 1);
   CHECK(allocations == before);
   drop_sampler(sampler);
}

/* --- writes --- */

static VkDescriptorPool write_pool;
static VkDescriptorSetLayout write_layout;
static VkDescriptorSet write_set;
static VkSampler write_sampler;

/* 0: 2 combined with immutable samplers, 1: empty, 5: 3 combined, 6: 1000 of whatever is written, 7: a sampler each. */
static void start_writes(void)
{
   write_sampler = make_sampler(false);
   const VkSampler samplers[] = {write_sampler, write_sampler};
   const VkDescriptorSetLayoutBinding bindings[] = {
      {.binding = 0,
       .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
       .descriptorCount = 2,
       .pImmutableSamplers = samplers},
      {.binding = 1, .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER},
      {.binding = 5, .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, .descriptorCount = 3},
      {.binding = 6, .descriptorType = VK_DESCRIPTOR_TYPE_MUTABLE_VALVE, .descriptorCount = 1000},
      {.binding = 7,
       .descriptorType = VK_DESCRIPTOR_TYPE_SAMPLER,
       .descriptorCount = 2,
       .pImmutableSamplers = samplers},
   };
   write_layout = make_layout(LENGTH(bindings), bindings, NULL);
   write_pool = make_pool(1, 0, NULL, NULL);
   write_set = make_set(write_pool, write_layout, NULL, NULL);
}

static void finish_writes(void)
{
   drop_layout(write_layout);
   drop_pool(write_pool);
   drop_sampler(write_sampler);
}

/* A write with pointers that must not be followed, but for those that are set. */
static VkWriteDescriptorSet dirty_write(VkDescriptorType type, uint32_t binding, uint32_t element, uint32_t count)
{
   return (VkWriteDescriptorSet){
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .pNext = GARBAGE,
      .dstSet = write_set,
      .dstBinding = binding,
      .dstArrayElement = element,
      .descriptorCount = count,
      .descriptorType = type,
      .pImageInfo = GARBAGE,
      .pBufferInfo = GARBAGE,
      .pTexelBufferView = GARBAGE,
   };
}

static const VkWriteDescriptorSet *update(const VkWriteDescriptorSet *write)
{
   vp_vkUpdateDescriptorSets(device_handle, 1, write, 0, NULL);
   const struct vp_cmd_vkUpdateDescriptorSets *a = next(VP_CMD_vkUpdateDescriptorSets, NULL);
   CHECK(a->descriptorWriteCount == 1 && !a->descriptorCopyCount);
   CHECK(ID(a->pDescriptorWrites->dstSet) == vp_object_id(ID(write->dstSet)));
   CHECK(a->pDescriptorWrites->descriptorType == write->descriptorType);
   CHECK(a->pDescriptorWrites->dstBinding == write->dstBinding);
   CHECK(a->pDescriptorWrites->dstArrayElement == write->dstArrayElement);
   CHECK(a->pDescriptorWrites->descriptorCount == write->descriptorCount);
   return a->pDescriptorWrites;
}

static void test_image_types(void)
{
   static const struct {
      VkDescriptorType type;
      uint32_t binding;
      bool sampler, view;
   } cases[] = {
      {VK_DESCRIPTOR_TYPE_SAMPLER, 6, true, false},
      {VK_DESCRIPTOR_TYPE_SAMPLER, 7, false, false},
      {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 5, true, true},
      {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 0, false, true},
      {VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE, 6, false, true},
      {VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, 6, false, true},
      {VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT, 6, false, true},
   };
   for (uint32_t i = 0; i < LENGTH(cases); i++) {
      const VkDescriptorImageInfo infos[] = {
         {cases[i].sampler ? HANDLE(VkSampler, 1) : GARBAGE_HANDLE(VkSampler),
          cases[i].view ? HANDLE(VkImageView, 2) : GARBAGE_HANDLE(VkImageView), VK_IMAGE_LAYOUT_GENERAL},
         {cases[i].sampler ? HANDLE(VkSampler, 3) : GARBAGE_HANDLE(VkSampler),
          cases[i].view ? HANDLE(VkImageView, 4) : GARBAGE_HANDLE(VkImageView), VK_IMAGE_LAYOUT_GENERAL},
      };
      VkWriteDescriptorSet write = dirty_write(cases[i].type, cases[i].binding, 0, 2);
      write.pImageInfo = infos;
      const VkWriteDescriptorSet *got = update(&write);
      CHECK(!got->pBufferInfo && !got->pTexelBufferView);
      for (int j = 0; j < 2; j++) {
         const VkDescriptorImageInfo *image = &got->pImageInfo[j];
         CHECK(cases[i].sampler ? IS(image->sampler, 1 + 2 * j) : !ID(image->sampler));
         CHECK(cases[i].view ? IS(image->imageView, 2 + 2 * j) : !ID(image->imageView));
         CHECK(image->imageLayout == (cases[i].view ? VK_IMAGE_LAYOUT_GENERAL : VK_IMAGE_LAYOUT_UNDEFINED));
      }
   }
}

static void test_other_types(void)
{
   static const VkDescriptorType buffers[] = {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                              VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC,
                                              VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC};
   static const VkDescriptorType texels[] = {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
                                             VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER};
   const VkDescriptorBufferInfo infos[] = {{HANDLE(VkBuffer, 0), 16, 32}, {VK_NULL_HANDLE, 0, VK_WHOLE_SIZE}};
   const VkBufferView texel_views[] = {HANDLE(VkBufferView, 5), VK_NULL_HANDLE};
   for (uint32_t i = 0; i < LENGTH(buffers); i++) {
      VkWriteDescriptorSet write = dirty_write(buffers[i], 6, 3, 2);
      write.pBufferInfo = infos;
      const VkWriteDescriptorSet *got = update(&write);
      CHECK(!got->pImageInfo && !got->pTexelBufferView);
      CHECK(IS(got->pBufferInfo[0].buffer, 0) && got->pBufferInfo[0].offset == 16 && got->pBufferInfo[0].range == 32);
      CHECK(!ID(got->pBufferInfo[1].buffer) && got->pBufferInfo[1].range == VK_WHOLE_SIZE);
   }
   for (uint32_t i = 0; i < LENGTH(texels); i++) {
      VkWriteDescriptorSet write = dirty_write(texels[i], 6, 3, 2);
      write.pTexelBufferView = texel_views;
      const VkWriteDescriptorSet *got = update(&write);
      CHECK(!got->pImageInfo && !got->pBufferInfo);
      CHECK(IS(got->pTexelBufferView[0], 5) && !ID(got->pTexelBufferView[1]));
   }
   const VkWriteDescriptorSetInlineUniformBlock block = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_INLINE_UNIFORM_BLOCK, .dataSize = 8, .pData = "abcdefg"};
   VkWriteDescriptorSet write = dirty_write(VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK, 6, 4, 8);
   write.pNext = &block;
   const VkWriteDescriptorSet *got = update(&write);
   const VkWriteDescriptorSetInlineUniformBlock *got_block = got->pNext;
   CHECK(!got->pImageInfo && !got->pBufferInfo && !got->pTexelBufferView);
   CHECK(got_block && got_block->dataSize == 8 && !memcmp(got_block->pData, "abcdefg", 8));

   const VkAccelerationStructureKHR structures[] = {HANDLE(VkAccelerationStructureKHR, 1),
                                                    HANDLE(VkAccelerationStructureKHR, 2)};
   const VkWriteDescriptorSetAccelerationStructureKHR node = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_ACCELERATION_STRUCTURE_KHR,
      .accelerationStructureCount = 2,
      .pAccelerationStructures = structures};
   write = dirty_write(VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR, 6, 0, 2);
   write.pNext = &node;
   got = update(&write);
   const VkWriteDescriptorSetAccelerationStructureKHR *got_node = got->pNext;
   CHECK(!got->pImageInfo && !got->pBufferInfo && !got->pTexelBufferView);
   CHECK(got_node && got_node->accelerationStructureCount == 2 && IS(got_node->pAccelerationStructures[1], 2));
}

/* Over the end of a binding, and over an empty one. */
static void test_next_binding(void)
{
   const VkDescriptorImageInfo infos[] = {
      {GARBAGE_HANDLE(VkSampler), HANDLE(VkImageView, 0), VK_IMAGE_LAYOUT_GENERAL},
      {HANDLE(VkSampler, 4), HANDLE(VkImageView, 1), VK_IMAGE_LAYOUT_GENERAL},
      {HANDLE(VkSampler, 5), HANDLE(VkImageView, 2), VK_IMAGE_LAYOUT_GENERAL},
   };
   for (uint32_t element = 1; element <= 2; element++) { /* from the last one of binding 0, or just after it */
      VkWriteDescriptorSet write = dirty_write(VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 0, element, 4 - element);
      write.pImageInfo = infos + element - 1;
      vp_vkUpdateDescriptorSets(device_handle, 1, &write, 0, NULL);
      const struct vp_cmd_vkUpdateDescriptorSets *a = next(VP_CMD_vkUpdateDescriptorSets, NULL);
      const VkWriteDescriptorSet *last = &a->pDescriptorWrites[2 - element];
      CHECK(a->descriptorWriteCount == 3 - element);
      if (element == 1)
         CHECK(a->pDescriptorWrites[0].dstBinding == 0 && a->pDescriptorWrites[0].dstArrayElement == 1 &&
               a->pDescriptorWrites[0].descriptorCount == 1 && !ID(a->pDescriptorWrites[0].pImageInfo[0].sampler));
      CHECK(last->dstBinding == 5 && last->dstArrayElement == 0 && last->descriptorCount == 2);
      CHECK(IS(last->pImageInfo[0].sampler, 4) && IS(last->pImageInfo[1].sampler, 5));
      CHECK(IS(last->pImageInfo[0].imageView, 1) && IS(last->pImageInfo[1].imageView, 2));
   }
}

static void test_empty_and_copies(void)
{
   const VkWriteDescriptorSet write = dirty_write(VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 6, 0, 0);
   const VkCopyDescriptorSet copy = {.sType = VK_STRUCTURE_TYPE_COPY_DESCRIPTOR_SET,
                                     .srcSet = write_set,
                                     .srcBinding = 5,
                                     .dstSet = write_set,
                                     .dstBinding = 6,
                                     .dstArrayElement = 9,
                                     .descriptorCount = 2};
   vp_vkUpdateDescriptorSets(device_handle, 1, &write, 0, NULL);
   CHECK(is_quiet());
   vp_vkUpdateDescriptorSets(device_handle, 1, &write, 1, &copy);
   const struct vp_cmd_vkUpdateDescriptorSets *a = next(VP_CMD_vkUpdateDescriptorSets, NULL);
   CHECK(a->descriptorWriteCount == 0 && a->descriptorCopyCount == 1);
   CHECK(ID(a->pDescriptorCopies->srcSet) == vp_object_id(ID(write_set)) && a->pDescriptorCopies->dstArrayElement == 9);
   CHECK(is_quiet());
}

/* More than fits into one command. */
static void test_long_write(void)
{
   static VkDescriptorImageInfo infos[1000];
   for (uint32_t i = 0; i < LENGTH(infos); i++)
      infos[i] = (VkDescriptorImageInfo){GARBAGE_HANDLE(VkSampler), HANDLE(VkImageView, i % 8), (VkImageLayout)i};
   VkWriteDescriptorSet write = dirty_write(VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE, 6, 0, LENGTH(infos));
   write.pImageInfo = infos;
   vp_vkUpdateDescriptorSets(device_handle, 1, &write, 0, NULL);
   uint32_t done = 0;
   while (done < LENGTH(infos)) {
      const struct vp_cmd_vkUpdateDescriptorSets *a = next(VP_CMD_vkUpdateDescriptorSets, NULL);
      const VkWriteDescriptorSet *got = a->pDescriptorWrites;
      CHECK(a->descriptorWriteCount == 1 && got->dstBinding == 6 && got->dstArrayElement == done);
      for (uint32_t i = 0; i < got->descriptorCount; i++, done++)
         CHECK(IS(got->pImageInfo[i].imageView, done % 8) && !ID(got->pImageInfo[i].sampler) &&
               got->pImageInfo[i].imageLayout == (VkImageLayout)done);
   }
   CHECK(done == LENGTH(infos) && is_quiet());
}

static void test_many_writes(void)
{
   static VkWriteDescriptorSet writes[300];
   static VkDescriptorImageInfo image;
   static VkDescriptorBufferInfo buffer;
   image = (VkDescriptorImageInfo){GARBAGE_HANDLE(VkSampler), HANDLE(VkImageView, 1), VK_IMAGE_LAYOUT_GENERAL};
   buffer = (VkDescriptorBufferInfo){HANDLE(VkBuffer, 2), 0, 4};
   for (uint32_t i = 0; i < LENGTH(writes); i++) { /* every other one is copied */
      writes[i] = dirty_write(i % 2 ? VK_DESCRIPTOR_TYPE_STORAGE_IMAGE : VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 6, i, 1);
      if (i % 2)
         writes[i].pImageInfo = &image;
      else
         writes[i].pBufferInfo = &buffer;
   }
   vp_vkUpdateDescriptorSets(device_handle, LENGTH(writes), writes, 0, NULL);
   uint32_t done = 0;
   while (done < LENGTH(writes)) {
      const struct vp_cmd_vkUpdateDescriptorSets *a = next(VP_CMD_vkUpdateDescriptorSets, NULL);
      for (uint32_t i = 0; i < a->descriptorWriteCount; i++, done++) {
         const VkWriteDescriptorSet *got = &a->pDescriptorWrites[i];
         CHECK(got->dstArrayElement == done && got->descriptorCount == 1);
         CHECK(done % 2 ? IS(got->pImageInfo->imageView, 1) : IS(got->pBufferInfo->buffer, 2));
      }
   }
   CHECK(done == LENGTH(writes) && is_quiet());
}

/* --- templates --- */

/* Data as an application may lay it out. */
struct template_data {
   struct {
      VkDescriptorImageInfo image;
      uint64_t more;
   } images[3];
   VkDescriptorBufferInfo buffers[2]; /* as the API has them */
   VkBufferView texels[4];            /* every other one is used */
   VkAccelerationStructureKHR structures[2];
   uint8_t block[12];
   uint8_t packed[2 * sizeof(VkDescriptorBufferInfo) + 1]; /* from the second byte on */
};

static const VkDescriptorUpdateTemplateEntry template_entries[] = {
   {0, 1, 3, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, offsetof(struct template_data, images),
    sizeof(VkDescriptorImageInfo) + 8},
   {6, 0, 2, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, offsetof(struct template_data, buffers),
    sizeof(VkDescriptorBufferInfo)},
   {6, 2, 2, VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, offsetof(struct template_data, texels), 2 * sizeof(VkBufferView)},
   {6, 4, 2, VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR, offsetof(struct template_data, structures), 8},
   {6, 8, 12, VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK, offsetof(struct template_data, block), 99},
   {6, 20, 2, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, offsetof(struct template_data, packed) + 1,
    sizeof(VkDescriptorBufferInfo)},
   {6, 22, 2, VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_NV, offsetof(struct template_data, structures), 8},
   {6, 24, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 0, sizeof(VkDescriptorBufferInfo)},
};

static void fill_template_data(struct template_data *data)
{
   memset(data, 0x18, sizeof(*data)); /* handles that must not be used */
   data->images[0].image.imageView = HANDLE(VkImageView, 0);
   for (int i = 1; i < 3; i++)
      data->images[i].image =
         (VkDescriptorImageInfo){HANDLE(VkSampler, i), HANDLE(VkImageView, i + 2), VK_IMAGE_LAYOUT_GENERAL};
   for (int i = 0; i < 2; i++) {
      data->buffers[i] = (VkDescriptorBufferInfo){HANDLE(VkBuffer, i), (VkDeviceSize)i, 100};
      data->texels[(size_t)i * 2] = HANDLE(VkBufferView, i + 3);
      data->structures[i] = HANDLE(VkAccelerationStructureKHR, i + 5);
      const VkDescriptorBufferInfo packed = {HANDLE(VkBuffer, i + 6), 7, 8};
      memcpy(data->packed + 1 + (size_t)i * sizeof(packed), &packed, sizeof(packed));
   }
   memcpy(data->block, "hello world", 12);
}

static void check_template_writes(const VkWriteDescriptorSet *got, uint64_t set)
{
   for (int i = 0; i < 8; i++)
      CHECK(ID(got[i].dstSet) == set);
   CHECK(got[0].dstBinding == 0 && got[0].dstArrayElement == 1 && got[0].descriptorCount == 1);
   CHECK(!ID(got[0].pImageInfo[0].sampler) && IS(got[0].pImageInfo[0].imageView, 0));
   CHECK(got[1].dstBinding == 5 && got[1].dstArrayElement == 0 && got[1].descriptorCount == 2);
   CHECK(IS(got[1].pImageInfo[0].sampler, 1) && IS(got[1].pImageInfo[1].imageView, 4));
   CHECK(got[2].dstArrayElement == 0 && got[2].descriptorCount == 2 && !got[2].pImageInfo);
   CHECK(IS(got[2].pBufferInfo[1].buffer, 1) && got[2].pBufferInfo[1].offset == 1);
   CHECK(got[3].dstArrayElement == 2 && IS(got[3].pTexelBufferView[0], 3) && IS(got[3].pTexelBufferView[1], 4));
   const VkWriteDescriptorSetAccelerationStructureKHR *structures = got[4].pNext;
   CHECK(got[4].dstArrayElement == 4 && structures && structures->accelerationStructureCount == 2);
   CHECK(IS(structures->pAccelerationStructures[0], 5) && IS(structures->pAccelerationStructures[1], 6));
   CHECK(!got[4].pTexelBufferView);
   const VkWriteDescriptorSetInlineUniformBlock *block = got[5].pNext;
   CHECK(got[5].dstArrayElement == 8 && got[5].descriptorCount == 12);
   CHECK(block && block->dataSize == 12 && !memcmp(block->pData, "hello world", 12));
   CHECK(got[6].dstArrayElement == 20 && IS(got[6].pBufferInfo[0].buffer, 6) && IS(got[6].pBufferInfo[1].buffer, 7));
   CHECK(got[6].pBufferInfo[1].offset == 7 && got[6].pBufferInfo[1].range == 8);
   const VkWriteDescriptorSetAccelerationStructureNV *older = got[7].pNext; /* has the same members */
   CHECK(older && older->sType == VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_ACCELERATION_STRUCTURE_NV);
   CHECK(older && older->accelerationStructureCount == 2 && IS(older->pAccelerationStructures[1], 6));
}

static VkDescriptorUpdateTemplate make_template(VkPipelineLayout push_layout)
{
   VkDescriptorUpdateTemplate update_template = VK_NULL_HANDLE;
   const VkDescriptorUpdateTemplateCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_UPDATE_TEMPLATE_CREATE_INFO,
      .descriptorUpdateEntryCount = LENGTH(template_entries),
      .pDescriptorUpdateEntries = template_entries,
      .templateType = push_layout ? VK_DESCRIPTOR_UPDATE_TEMPLATE_TYPE_PUSH_DESCRIPTORS_KHR
                                  : VK_DESCRIPTOR_UPDATE_TEMPLATE_TYPE_DESCRIPTOR_SET,
      .descriptorSetLayout = push_layout ? GARBAGE_HANDLE(VkDescriptorSetLayout) : write_layout,
      .pipelineBindPoint = push_layout ? VK_PIPELINE_BIND_POINT_COMPUTE : VK_PIPELINE_BIND_POINT_MAX_ENUM,
      .pipelineLayout = push_layout ? push_layout : GARBAGE_HANDLE(VkPipelineLayout),
      .set = 1};
   CHECK(vp_vkCreateDescriptorUpdateTemplate(device_handle, &info, NULL, &update_template) == VK_SUCCESS);
   CHECK(is_quiet());
   return update_template;
}

static void test_template(void)
{
   struct template_data data;
   const VkDescriptorUpdateTemplate update_template = make_template(VK_NULL_HANDLE);
   fill_template_data(&data);
   vp_vkUpdateDescriptorSetWithTemplate(device_handle, write_set, update_template, &data);
   const struct vp_cmd_vkUpdateDescriptorSets *a = next(VP_CMD_vkUpdateDescriptorSets, NULL);
   if (CHECK(a->descriptorWriteCount == 8))
      check_template_writes(a->pDescriptorWrites, vp_object_id(ID(write_set)));
   vp_vkDestroyDescriptorUpdateTemplate(device_handle, update_template, NULL);
   vp_vkDestroyDescriptorUpdateTemplate(device_handle, VK_NULL_HANDLE, NULL);
   CHECK(is_quiet());
}

/* --- push descriptors --- */

static struct vp_command_buffer *cmd;

/* Sends what was recorded. */
static void submit(uint64_t commands_recorded)
{
   CHECK(cmd->recorded == commands_recorded);
   CHECK(vp_stream_append_recorded(conn, &cmd->commands, false) == VK_SUCCESS);
   vp_encoder_reset(&cmd->commands);
   cmd->recorded = 0;
}

static VkWriteDescriptorSet dirty_push(VkDescriptorImageInfo *image)
{
   *image = (VkDescriptorImageInfo){GARBAGE_HANDLE(VkSampler), HANDLE(VkImageView, 3), VK_IMAGE_LAYOUT_GENERAL};
   VkWriteDescriptorSet write = dirty_write(VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 0, 0, 1);
   write.dstSet = GARBAGE_HANDLE(VkDescriptorSet);
   write.pImageInfo = image;
   return write;
}

static void check_push(uint32_t count, const VkWriteDescriptorSet *got)
{
   CHECK(count == 1 && !ID(got->dstSet));
   CHECK(!ID(got->pImageInfo->sampler) && IS(got->pImageInfo->imageView, 3) && !got->pBufferInfo);
}

static void test_push(VkPipelineLayout layout)
{
   VkDescriptorImageInfo image;
   struct template_data data;
   const VkWriteDescriptorSet write = dirty_push(&image);
   const VkCommandBuffer handle = VP_TO_HANDLE(VkCommandBuffer, cmd);
   vp_vkCmdPushDescriptorSet(handle, VK_PIPELINE_BIND_POINT_GRAPHICS, layout, 1, 1, &write);
   submit(1);
   const struct vp_cmd_vkCmdPushDescriptorSet *a = next(VP_CMD_vkCmdPushDescriptorSet, NULL);
   CHECK(ID(a->commandBuffer) == cmd->base.id && ID(a->layout) == vp_object_id(ID(layout)) && a->set == 1);
   CHECK(a->pipelineBindPoint == VK_PIPELINE_BIND_POINT_GRAPHICS);
   check_push(a->descriptorWriteCount, a->pDescriptorWrites);

   const VkDescriptorUpdateTemplate update_template = make_template(layout);
   fill_template_data(&data);
   vp_vkCmdPushDescriptorSetWithTemplate(handle, update_template, layout, 1, &data);
   submit(1);
   a = next(VP_CMD_vkCmdPushDescriptorSet, NULL);
   CHECK(a->pipelineBindPoint == VK_PIPELINE_BIND_POINT_COMPUTE && a->set == 1);
   if (CHECK(a->descriptorWriteCount == 8))
      check_template_writes(a->pDescriptorWrites, 0);
   vp_vkDestroyDescriptorUpdateTemplate(device_handle, update_template, NULL);
}

#ifdef VK_KHR_maintenance6
static void test_push2(VkPipelineLayout layout, const VkDescriptorSetLayout *sets)
{
   VkDescriptorImageInfo image;
   struct template_data data;
   const VkWriteDescriptorSet write = dirty_push(&image);
   const VkCommandBuffer handle = VP_TO_HANDLE(VkCommandBuffer, cmd);
   const VkPipelineLayoutCreateInfo chain = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 2, .pSetLayouts = sets};
   const VkDescriptorUpdateTemplate update_template = make_template(layout);
   fill_template_data(&data);
   for (int without_object = 0; without_object < 2; without_object++) {
      const VkPushDescriptorSetInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PUSH_DESCRIPTOR_SET_INFO_KHR,
                                               .pNext = without_object ? &chain : NULL,
                                               .stageFlags = VK_SHADER_STAGE_VERTEX_BIT,
                                               .layout = without_object ? VK_NULL_HANDLE : layout,
                                               .set = 1,
                                               .descriptorWriteCount = 1,
                                               .pDescriptorWrites = &write};
      const VkPushDescriptorSetWithTemplateInfoKHR template_info = {
         .sType = VK_STRUCTURE_TYPE_PUSH_DESCRIPTOR_SET_WITH_TEMPLATE_INFO_KHR,
         .pNext = info.pNext,
         .descriptorUpdateTemplate = update_template,
         .layout = info.layout,
         .set = 1,
         .pData = &data};
      vp_vkCmdPushDescriptorSet2(handle, &info);
      vp_vkCmdPushDescriptorSetWithTemplate2(handle, &template_info);
      submit(2);
      const struct vp_cmd_vkCmdPushDescriptorSet2 *a = next(VP_CMD_vkCmdPushDescriptorSet2, NULL);
      CHECK(a->pPushDescriptorSetInfo->stageFlags == VK_SHADER_STAGE_VERTEX_BIT);
      CHECK(ID(a->pPushDescriptorSetInfo->layout) == vp_object_id(ID(info.layout)));
      CHECK(!a->pPushDescriptorSetInfo->pNext == !without_object);
      check_push(a->pPushDescriptorSetInfo->descriptorWriteCount, a->pPushDescriptorSetInfo->pDescriptorWrites);
      a = next(VP_CMD_vkCmdPushDescriptorSet2, NULL);
      CHECK(a->pPushDescriptorSetInfo->stageFlags == VK_SHADER_STAGE_COMPUTE_BIT);
      CHECK(ID(a->pPushDescriptorSetInfo->layout) == vp_object_id(ID(info.layout)));
      CHECK(!a->pPushDescriptorSetInfo->pNext == !without_object);
      if (CHECK(a->pPushDescriptorSetInfo->descriptorWriteCount == 8))
         check_template_writes(a->pPushDescriptorSetInfo->pDescriptorWrites, 0);
   }
   vp_vkDestroyDescriptorUpdateTemplate(device_handle, update_template, NULL);
}
#endif

static void test_push_descriptors(void)
{
   const VkDescriptorSetLayout sets[] = {VK_NULL_HANDLE, write_layout};
   const VkPipelineLayout layout = make_pipeline_layout(2, sets);
   cmd = vp_object_create(&conn->objects, &counted, VK_OBJECT_TYPE_COMMAND_BUFFER, sizeof(*cmd));
   if (!CHECK(cmd) || !CHECK(vp_encoder_init(&cmd->commands)))
      return;
   test_push(layout);
#ifdef VK_KHR_maintenance6
   test_push2(layout, sets);
#endif
   vp_encoder_finish(&cmd->commands);
   vp_object_destroy(&conn->objects, &counted, cmd);
   drop_pipeline_layout(layout);
}

static void test_late_layout(void)
{
   const VkPipelineLayout layout = make_pipeline_layout(0, NULL);
   const uint64_t id = vp_object_id(ID(layout));
   peer.device.recording_count++;
   vp_vkDestroyPipelineLayout(device_handle, layout, NULL);
   CHECK(is_quiet());
   const VkPipelineLayout other = make_pipeline_layout(0, NULL);
   CHECK(vp_object_id(ID(other)) != id); /* the first one is still in use */
   peer.device.recording_count--;
   vp_pipeline_layouts_end(&peer.device);
   CHECK(
      ID(((const struct vp_cmd_vkDestroyPipelineLayout *)next(VP_CMD_vkDestroyPipelineLayout, NULL))->pipelineLayout) ==
      id);
   drop_pipeline_layout(other);
   CHECK(is_quiet());
}

int main(void)
{
   start();
   test_layout();
   test_lifetime();
   test_late_layout();
   finish();

   start();
   start_writes();
   test_image_types();
   test_other_types();
   test_next_binding();
   test_empty_and_copies();
   test_long_write();
   test_many_writes();
   test_template();
   test_push_descriptors();
   finish_writes();
   finish();
   return check_finish();
}
