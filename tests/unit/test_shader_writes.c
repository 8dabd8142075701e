/* SPDX-License-Identifier: MIT */
#include "server/core/device.h"
#include "server/memory/memory.h"
#include "tests/unit/null_session.h"

/* What the server takes shaders to write to, by the descriptors that are bound when they are run. */

#define PAGE VPS_PAGE
#define SIZE (64 * PAGE)
#define WHOLE VK_WHOLE_SIZE

#define COMPUTE VK_PIPELINE_BIND_POINT_COMPUTE

enum {
   MEMORY = FIRST_OBJECT, /* visible */
   LOCAL,                 /* not visible */
   FIRST,                 /* buffer at page 0 of the visible memory, 16 pages */
   SECOND,                /* at page 16 */
   ALIAS,                 /* at page 8, over both */
   LOCAL_BUFFER,
   SPARSE, /* is bound to nothing */
   TEXELS, /* a view of pages 2 and 3 of FIRST */
   SET_LAYOUT,
   OTHER_SET_LAYOUT,
   TWIN_SET_LAYOUT, /* as SET_LAYOUT */
   LATE_SET_LAYOUT,
   PUSH_SET_LAYOUT,
   SAME_PUSH_SET_LAYOUT,
   STAGED_SET_LAYOUT,
   STAGED_SET,
   LAYOUT,
   LATE_LAYOUT, /* without dynamic offsets */
   PUSH_LAYOUT,
   SAME_PUSH_LAYOUT,
   DESCRIPTORS,
   SET,
   TWIN,
   LATE_SET,
   COMMANDS_POOL,
   COMMANDS,
   SECONDARY,
   MODULE,
   READER,
   WRITES_0, /* pipelines that write to a binding of set 0 */
   WRITES_1,
   WRITES_2,
   WRITES_ADDRESSES,
   WRITES_IMAGES,
   WRITES_SET_1, /* to binding 0 of set 1 */
   WRITES_ANY,   /* through a pointer of which it is not known where it comes from */
   LOOSE_READER, /* shaders without a pipeline */
   LOOSE_0,
   LOOSE_1,
   LOOSE_CODE, /* machine code */
   LOOSE_VERTEX,
   LOOSE_FRAGMENT,
   BUFFER_SET_LAYOUT, /* for descriptor buffers */
   BUFFER_LAYOUT,
   ADDRESSED, /* a buffer with an address */
   NOT_ADDRESSED,
};

/* --- objects --- */

static void create_buffer(unsigned which, unsigned memory, VkDeviceSize first_page, VkBufferUsageFlags usage)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 16 * PAGE, .usage = usage};
   VkBuffer buffer = OBJECT(VkBuffer, which);

   DO(vkCreateBuffer, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pBuffer = &buffer);
   if (memory)
      DO(vkBindBufferMemory, .device = OBJECT(VkDevice, DEVICE), .buffer = buffer,
         .memory = OBJECT(VkDeviceMemory, memory), .memoryOffset = first_page * PAGE);
}

static void create_memory(unsigned which, uint32_t type)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = SIZE, .memoryTypeIndex = type};
   VkDeviceMemory memory = OBJECT(VkDeviceMemory, which);

   DO(vkAllocateMemory, .device = OBJECT(VkDevice, DEVICE), .pAllocateInfo = &info, .pMemory = &memory);
}

static void create_buffers(void)
{
   const VkBufferUsageFlags usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT;
   const VkBufferViewCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                                        .buffer = OBJECT(VkBuffer, FIRST),
                                        .format = VK_FORMAT_R32_UINT,
                                        .offset = 2 * PAGE,
                                        .range = 2 * PAGE};
   VkBufferView view = OBJECT(VkBufferView, TEXELS);

   create_memory(MEMORY, 1);
   create_memory(LOCAL, 0);
   create_buffer(FIRST, MEMORY, 0, usage);
   create_buffer(SECOND, MEMORY, 16, usage);
   create_buffer(ALIAS, MEMORY, 8, usage);
   create_buffer(LOCAL_BUFFER, LOCAL, 0, usage);
   create_buffer(SPARSE, 0, 0, usage);
   DO(vkCreateBufferView, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pView = &view);
}

/* Bindings 2 (dynamic), 0 (three storage buffers), 1 (storage texel buffer), in that order. */
static void create_set_layout(unsigned which, VkDescriptorSetLayoutCreateFlags flags, VkDescriptorBindingFlags late)
{
   const VkDescriptorBindingFlags each[] = {0, late, 0};
   const VkDescriptorSetLayoutBindingFlagsCreateInfo chain = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO,
      .bindingCount = 3,
      .pBindingFlags = each};
   const VkDescriptorSetLayoutBinding bindings[] = {
      {.binding = 2,
       .descriptorType = late || flags ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC,
       .descriptorCount = 1},
      {.binding = 0, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 3},
      {.binding = 1, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER, .descriptorCount = 1},
   };
   const VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                 .pNext = late ? &chain : NULL,
                                                 .flags = flags,
                                                 .bindingCount = 3,
                                                 .pBindings = bindings};
   VkDescriptorSetLayout layout = OBJECT(VkDescriptorSetLayout, which);

   DO(vkCreateDescriptorSetLayout, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pSetLayout = &layout);
}

static void create_layout(unsigned which, unsigned set_layout)
{
   VkDescriptorSetLayout sets[VPS_MAX_BOUND_SETS + 1];
   const VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                            .setLayoutCount = VPS_MAX_BOUND_SETS + 1,
                                            .pSetLayouts = sets};
   VkPipelineLayout layout = OBJECT(VkPipelineLayout, which);

   for (unsigned i = 0; i <= VPS_MAX_BOUND_SETS; i++)
      sets[i] = OBJECT(VkDescriptorSetLayout, set_layout);
   DO(vkCreatePipelineLayout, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pPipelineLayout = &layout);
}

static void create_sets(void)
{
   const VkDescriptorPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
   const VkDescriptorSetLayout layouts[] = {OBJECT(VkDescriptorSetLayout, SET_LAYOUT),
                                            OBJECT(VkDescriptorSetLayout, TWIN_SET_LAYOUT),
                                            OBJECT(VkDescriptorSetLayout, LATE_SET_LAYOUT)};
   const VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .descriptorPool = OBJECT(VkDescriptorPool, DESCRIPTORS),
                                             .descriptorSetCount = 3,
                                             .pSetLayouts = layouts};
   VkDescriptorPool pool = OBJECT(VkDescriptorPool, DESCRIPTORS);
   VkDescriptorSet sets[] = {OBJECT(VkDescriptorSet, SET), OBJECT(VkDescriptorSet, TWIN),
                             OBJECT(VkDescriptorSet, LATE_SET)};

   create_set_layout(SET_LAYOUT, 0, 0);
   create_set_layout(TWIN_SET_LAYOUT, 0, 0);
   create_set_layout(LATE_SET_LAYOUT, 0, VK_DESCRIPTOR_BINDING_UPDATE_AFTER_BIND_BIT);
   create_set_layout(PUSH_SET_LAYOUT, VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR, 0);
   create_set_layout(SAME_PUSH_SET_LAYOUT, VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR, 0);
   create_layout(LAYOUT, SET_LAYOUT);
   create_layout(LATE_LAYOUT, LATE_SET_LAYOUT);
   create_layout(PUSH_LAYOUT, PUSH_SET_LAYOUT);
   create_layout(SAME_PUSH_LAYOUT, SAME_PUSH_SET_LAYOUT);
   DO(vkCreateDescriptorPool, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &pool_info, .pDescriptorPool = &pool);
   DO(vkAllocateDescriptorSets, .device = OBJECT(VkDevice, DEVICE), .pAllocateInfo = &info, .pDescriptorSets = sets);
}

#define CODE_WORDS 36

/* Stores to a variable; `opcode` makes a pointer from its own in between, 0: none. */
static void make_code(uint32_t code[CODE_WORDS], uint32_t storage_class, uint32_t set, uint32_t binding,
                      uint32_t opcode)
{
   const uint32_t words[CODE_WORDS] = {
      0x07230203,
      0x10000,
      0,
      6,
      0, /* header */
      4 << 16 | 71,
      4,
      34,
      set, /* Decorate DescriptorSet */
      4 << 16 | 71,
      4,
      33,
      binding, /* Decorate Binding */
      4 << 16 | 21,
      1,
      32,
      0, /* TypeInt */
      4 << 16 | 32,
      2,
      storage_class,
      1, /* TypePointer */
      4 << 16 | 43,
      1,
      3,
      7, /* Constant */
      4 << 16 | 59,
      2,
      4,
      storage_class, /* Variable */
      4 << 16 | (opcode ? opcode : 83 /* CopyObject */),
      2,
      5,
      4,
      3 << 16 | 62,
      5,
      3, /* Store */
   };
   memcpy(code, words, sizeof(words));
}

static void create_pipeline(unsigned which, uint32_t storage_class, uint32_t set, uint32_t binding, uint32_t opcode)
{
   uint32_t code[CODE_WORDS];
   make_code(code, storage_class, set, binding, opcode);
   const VkShaderModuleCreateInfo module_info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(code), .pCode = code};
   const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .layout = OBJECT(VkPipelineLayout, LAYOUT),
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = OBJECT(VkShaderModule, MODULE),
                .pName = "main"},
   };
   const VkDevice device = OBJECT(VkDevice, DEVICE);
   VkShaderModule module = OBJECT(VkShaderModule, MODULE);
   VkPipeline pipeline = OBJECT(VkPipeline, which);

   DO(vkCreateShaderModule, .device = device, .pCreateInfo = &module_info, .pShaderModule = &module);
   DO(vkCreateComputePipelines, .device = device, .createInfoCount = 1, .pCreateInfos = &info, .pPipelines = &pipeline);
   DO(vkDestroyShaderModule, .device = device, .shaderModule = module);
}

static void create_all(void)
{
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   VkCommandPool pool = OBJECT(VkCommandPool, COMMANDS_POOL);

   create_buffers();
   create_sets();
   DO(vkCreateCommandPool, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &pool_info, .pCommandPool = &pool);
   create_commands(COMMANDS_POOL, COMMANDS, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   create_commands(COMMANDS_POOL, SECONDARY, VK_COMMAND_BUFFER_LEVEL_SECONDARY);
   create_pipeline(READER, 6 /* Private */, 0, 0, 0);
   create_pipeline(WRITES_0, 12 /* StorageBuffer */, 0, 0, 0);
   create_pipeline(WRITES_1, 2 /* Uniform */, 0, 1, 0);
   create_pipeline(WRITES_2, 12, 0, 2, 0);
   create_pipeline(WRITES_ADDRESSES, 5349 /* PhysicalStorageBuffer */, 0, 0, 0);
   create_pipeline(WRITES_IMAGES, 11 /* Image */, 0, 0, 0);
   create_pipeline(WRITES_SET_1, 12, 1, 0, 0);
   create_pipeline(WRITES_ANY, 12, 0, 0, 61 /* Load */);
}

/* --- commands --- */

static VkWriteDescriptorSet make_write(unsigned set, uint32_t binding, uint32_t element, VkDescriptorType type,
                                       const VkDescriptorBufferInfo *info)
{
   return (VkWriteDescriptorSet){.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                 .dstSet = set ? OBJECT(VkDescriptorSet, set) : VK_NULL_HANDLE,
                                 .dstBinding = binding,
                                 .dstArrayElement = element,
                                 .descriptorCount = 1,
                                 .descriptorType = type,
                                 .pBufferInfo = info};
}

static VkDescriptorBufferInfo make_info(unsigned buffer, VkDeviceSize first, VkDeviceSize pages)
{
   return (VkDescriptorBufferInfo){.buffer = buffer ? OBJECT(VkBuffer, buffer) : VK_NULL_HANDLE,
                                   .offset = first * PAGE,
                                   .range = pages == WHOLE ? WHOLE : pages * PAGE};
}

/* Pages of a buffer. */
static void update(unsigned set, uint32_t binding, uint32_t element, unsigned buffer, VkDeviceSize first,
                   VkDeviceSize pages)
{
   const VkDescriptorBufferInfo info = make_info(buffer, first, pages);
   const VkWriteDescriptorSet write = make_write(
      set, binding, element,
      binding == 2 && set != LATE_SET ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      &info);
   DO(vkUpdateDescriptorSets, .device = OBJECT(VkDevice, DEVICE), .descriptorWriteCount = 1,
      .pDescriptorWrites = &write);
}

static void update_texels(unsigned set)
{
   const VkBufferView view = OBJECT(VkBufferView, TEXELS);
   VkWriteDescriptorSet write = make_write(set, 1, 0, VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER, NULL);

   write.pTexelBufferView = &view;
   DO(vkUpdateDescriptorSets, .device = OBJECT(VkDevice, DEVICE), .descriptorWriteCount = 1,
      .pDescriptorWrites = &write);
}

static void bind_pipeline(unsigned commands, unsigned pipeline)
{
   DO(vkCmdBindPipeline, .commandBuffer = OBJECT(VkCommandBuffer, commands), .pipelineBindPoint = COMPUTE,
      .pipeline = OBJECT(VkPipeline, pipeline));
}

static void bind_set_at(unsigned commands, uint32_t number, unsigned set, uint32_t offset_count,
                        const uint32_t *offsets)
{
   const VkDescriptorSet sets[] = {OBJECT(VkDescriptorSet, set)};
   DO(vkCmdBindDescriptorSets, .commandBuffer = OBJECT(VkCommandBuffer, commands), .pipelineBindPoint = COMPUTE,
      .layout = OBJECT(VkPipelineLayout, set == SET || set == TWIN ? LAYOUT : LATE_LAYOUT), .firstSet = number,
      .descriptorSetCount = 1, .pDescriptorSets = sets, .dynamicOffsetCount = offset_count, .pDynamicOffsets = offsets);
}

static void bind_set(unsigned commands, unsigned set)
{
   const uint32_t zero = 0;
   bind_set_at(commands, 0, set, 1, &zero);
}

static void dispatch(unsigned commands)
{
   DO(vkCmdDispatch, .commandBuffer = OBJECT(VkCommandBuffer, commands), .groupCountX = 1);
}

/* A pipeline with a set. */
static void record(unsigned pipeline, unsigned set)
{
   begin(COMMANDS);
   bind_pipeline(COMMANDS, pipeline);
   bind_set(COMMANDS, set);
   dispatch(COMMANDS);
}

static bool is_range(const struct vps_write_range *range, VkDeviceSize first, VkDeviceSize end)
{
   return range->memory == vps_object_find(&ctx.objects, objects[MEMORY].id)->state && range->start == first * PAGE &&
          range->end == end * PAGE;
}

/* It writes to these pages of the visible memory, and nowhere else. */
static bool writes_pages(VkDeviceSize first, VkDeviceSize end)
{
   const struct vps_writes writes = writes_of(COMMANDS);
   return writes.classes == 0 && writes.count == 1 && is_range(&writes.ranges[0], first, end);
}

static bool writes_classes(unsigned classes)
{
   const struct vps_writes writes = writes_of(COMMANDS);
   return writes.classes == classes && writes.count == 0;
}

/* --- sets --- */

static void test_sets(void)
{
   record(WRITES_0, SET);
   CHECK(writes_classes(0)); /* nothing is in it */
   update(SET, 0, 0, FIRST, 1, 2);
   update(SET, 0, 2, SECOND, 5, WHOLE);
   record(READER, SET);
   CHECK(writes_classes(0));
   record(WRITES_1, SET);
   CHECK(writes_classes(0)); /* another binding */
   record(WRITES_0, SET);
   const struct vps_writes writes = writes_of(COMMANDS);
   CHECK(writes.classes == 0 && writes.count == 2 && is_range(&writes.ranges[0], 1, 3) &&
         is_range(&writes.ranges[1], 21, 32));

   /* What the host cannot look at does not count, nor what is not there any more. */
   update(SET, 0, 0, LOCAL_BUFFER, 0, WHOLE);
   record(WRITES_0, SET);
   CHECK(writes_pages(21, 32));
   update(SET, 0, 2, 0, 0, WHOLE);
   record(WRITES_0, SET);
   CHECK(writes_classes(0));

   /* Memory is what counts, whichever buffer it is. */
   update(SET, 0, 1, ALIAS, 0, WHOLE);
   record(WRITES_0, SET);
   CHECK(writes_pages(8, 24));
   update(SET, 0, 1, FIRST, 15, WHOLE);
   record(WRITES_0, SET);
   CHECK(writes_pages(15, 16));
   update(SET, 0, 1, FIRST, 16, WHOLE); /* nothing */
   record(WRITES_0, SET);
   CHECK(writes_classes(0));

   /* Of what is sparse it is not known where it is. */
   update(SET, 0, 1, SPARSE, 0, WHOLE);
   record(WRITES_0, SET);
   CHECK(writes_classes(VPS_WRITES_STORAGE));
   update(SET, 0, 1, 0, 0, WHOLE);
}

/* Several descriptors in one write, and several writes in one command. */
static void test_long_writes(void)
{
   VkDescriptorBufferInfo infos[] = {make_info(FIRST, 0, 1), make_info(LOCAL_BUFFER, 0, 1), make_info(SECOND, 0, 1)};
   VkWriteDescriptorSet writes[] = {make_write(SET, 2, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC, &infos[2]),
                                    make_write(SET, 0, 1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, infos)};

   writes[1].descriptorCount = 2;
   DO(vkUpdateDescriptorSets, .device = OBJECT(VkDevice, DEVICE), .descriptorWriteCount = 2,
      .pDescriptorWrites = writes);
   record(WRITES_0, SET);
   CHECK(writes_pages(0, 1));
   record(WRITES_1, SET);
   CHECK(writes_classes(0));
   record(WRITES_2, SET);
   CHECK(writes_pages(16, 17));
   record(WRITES_ANY, SET);
   CHECK(writes_of(COMMANDS).count == 2);
   for (unsigned i = 0; i < 3; i++)
      infos[i] = make_info(0, 0, WHOLE);
   DO(vkUpdateDescriptorSets, .device = OBJECT(VkDevice, DEVICE), .descriptorWriteCount = 2,
      .pDescriptorWrites = writes);
   record(WRITES_ANY, SET);
   CHECK(writes_classes(0));
}

/* More than can be told apart: then all storage counts. */
static void test_full(void)
{
   const VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                                 .descriptorCount = 2 * VPS_MAX_DESCRIPTORS};
   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   VkDescriptorSetLayout layout = OBJECT(VkDescriptorSetLayout, OTHER_SET_LAYOUT);
   const VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .descriptorPool = OBJECT(VkDescriptorPool, DESCRIPTORS),
                                             .descriptorSetCount = 1,
                                             .pSetLayouts = &layout};
   const unsigned which = MAX_OBJECTS - 1;
   VkDescriptorSet set = OBJECT(VkDescriptorSet, which);

   DO(vkCreateDescriptorSetLayout, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &layout_info,
      .pSetLayout = &layout);
   DO(vkAllocateDescriptorSets, .device = OBJECT(VkDevice, DEVICE), .pAllocateInfo = &info, .pDescriptorSets = &set);
   DO(vkDestroyDescriptorSetLayout, .device = OBJECT(VkDevice, DEVICE), .descriptorSetLayout = layout);
   for (uint32_t i = 2 * VPS_MAX_DESCRIPTORS; i > VPS_MAX_DESCRIPTORS; i--)
      update(which, 0, i - 1, FIRST, i % 16, 1);
   record(WRITES_0, which);
   CHECK(writes_pages(0, 16));
   update(which, 0, 0, FIRST, 0, 1);
   record(WRITES_0, which);
   CHECK(writes_classes(VPS_WRITES_STORAGE));
   DO(vkFreeDescriptorSets, .device = OBJECT(VkDevice, DEVICE), .descriptorPool = OBJECT(VkDescriptorPool, DESCRIPTORS),
      .descriptorSetCount = 1, .pDescriptorSets = &set);
   bind_pipeline(COMMANDS, WRITES_0); /* with a set that is gone: nothing bad happens */
   dispatch(COMMANDS);
}

static void copy_descriptors(unsigned source, uint32_t binding, uint32_t element, unsigned target, uint32_t to_binding,
                             uint32_t to_element, uint32_t count)
{
   const VkCopyDescriptorSet copy = {.sType = VK_STRUCTURE_TYPE_COPY_DESCRIPTOR_SET,
                                     .srcSet = OBJECT(VkDescriptorSet, source),
                                     .srcBinding = binding,
                                     .srcArrayElement = element,
                                     .dstSet = OBJECT(VkDescriptorSet, target),
                                     .dstBinding = to_binding,
                                     .dstArrayElement = to_element,
                                     .descriptorCount = count};
   DO(vkUpdateDescriptorSets, .device = OBJECT(VkDevice, DEVICE), .descriptorCopyCount = 1, .pDescriptorCopies = &copy);
}

static void test_copies(void)
{
   update(SET, 0, 1, FIRST, 1, 1);
   update(TWIN, 0, 0, SECOND, 2, 1);
   update(TWIN, 0, 2, SECOND, 4, 1);
   record(WRITES_0, TWIN);
   CHECK(writes_of(COMMANDS).count == 2);
   copy_descriptors(SET, 0, 0, TWIN, 0, 0, 2); /* nothing and the first buffer */
   record(WRITES_0, TWIN);
   const struct vps_writes writes = writes_of(COMMANDS);
   CHECK(writes.count == 2 && is_range(&writes.ranges[0], 1, 2) && is_range(&writes.ranges[1], 20, 21));
   copy_descriptors(TWIN, 0, 1, TWIN, 0, 2, 1); /* within one set */
   record(WRITES_0, TWIN);
   CHECK(writes_pages(1, 2));
   update(SET, 0, 1, 0, 0, WHOLE);
   copy_descriptors(SET, 0, 0, TWIN, 0, 0, 3);
   record(WRITES_ANY, TWIN);
   CHECK(writes_classes(0));
}

/* --- binding --- */

static void test_dynamic_offsets(void)
{
   const uint32_t offset = 3 * PAGE, too_far = UINT32_MAX;

   update(SET, 2, 0, FIRST, 1, 2);
   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_2);
   bind_set_at(COMMANDS, 0, SET, 1, &offset);
   dispatch(COMMANDS);
   CHECK(writes_pages(4, 6));
   bind_set(COMMANDS, SET); /* moved back */
   dispatch(COMMANDS);
   const struct vps_writes writes = writes_of(COMMANDS);
   CHECK(writes.count == 2 && is_range(&writes.ranges[0], 1, 3) && is_range(&writes.ranges[1], 4, 6));

   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_2);
   bind_set_at(COMMANDS, 0, SET, 1, &too_far);
   dispatch(COMMANDS);
   CHECK(writes_classes(0));

   /* The offsets of several sets follow each other. */
   const VkDescriptorSet sets[] = {OBJECT(VkDescriptorSet, TWIN), OBJECT(VkDescriptorSet, SET)};
   const uint32_t offsets[] = {0, 5 * PAGE};
   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_ANY);
   DO(vkCmdBindDescriptorSets, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS), .pipelineBindPoint = COMPUTE,
      .layout = OBJECT(VkPipelineLayout, LAYOUT), .descriptorSetCount = 2, .pDescriptorSets = sets,
      .dynamicOffsetCount = 2, .pDynamicOffsets = offsets);
   dispatch(COMMANDS);
   CHECK(writes_pages(6, 8));
   update(SET, 2, 0, 0, 0, WHOLE);
}

static void test_binding(void)
{
   const uint32_t zero = 0;

   update(SET, 0, 0, FIRST, 0, 1);
   update(TWIN, 0, 0, FIRST, 4, 1);

   record(WRITES_0, SET);
   bind_set(COMMANDS, TWIN); /* another set for the same pipeline, then another number */
   dispatch(COMMANDS);
   const struct vps_writes writes = writes_of(COMMANDS);
   CHECK(writes.count == 2 && is_range(&writes.ranges[0], 0, 1) && is_range(&writes.ranges[1], 4, 5));
   begin(COMMANDS);
   bind_set(COMMANDS, SET);
   bind_set_at(COMMANDS, 1, TWIN, 1, &zero);
   bind_pipeline(COMMANDS, WRITES_SET_1);
   CHECK(writes_classes(0)); /* not before something is run */
   dispatch(COMMANDS);
   CHECK(writes_pages(4, 5));

   /* Not what another bind point has. */
   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_0);
   bind_set(COMMANDS, SET);
   DO(vkCmdDraw, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS), .vertexCount = 3);
   CHECK(writes_classes(0));

   /* A set that is missing, or has a high number, can be any. */
   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_0);
   dispatch(COMMANDS);
   CHECK(writes_classes(VPS_WRITES_STORAGE));
   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_ANY);
   bind_set_at(COMMANDS, VPS_MAX_BOUND_SETS, SET, 1, &zero);
   dispatch(COMMANDS);
   CHECK(writes_classes(VPS_WRITES_STORAGE));

   /* So can it be where each stage has its own. */
   const VkDescriptorSetLayoutCreateInfo staged_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                        .flags = 0x40};
   VkDescriptorSetLayout layout = OBJECT(VkDescriptorSetLayout, STAGED_SET_LAYOUT);
   const VkDescriptorSetAllocateInfo set_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                                 .descriptorPool = OBJECT(VkDescriptorPool, DESCRIPTORS),
                                                 .descriptorSetCount = 1,
                                                 .pSetLayouts = &layout};
   VkDescriptorSet staged = OBJECT(VkDescriptorSet, STAGED_SET);
   DO(vkCreateDescriptorSetLayout, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &staged_info,
      .pSetLayout = &layout);
   DO(vkAllocateDescriptorSets, .device = OBJECT(VkDevice, DEVICE), .pAllocateInfo = &set_info,
      .pDescriptorSets = &staged);
   record(WRITES_0, STAGED_SET);
   CHECK(writes_classes(VPS_WRITES_STORAGE));

   /* Bound while the pipeline writes to nothing: it counts for the next one. */
   update(SET, 0, 0, FIRST, 3, 1);
   begin(COMMANDS);
   bind_pipeline(COMMANDS, READER);
   bind_set(COMMANDS, SET);
   dispatch(COMMANDS);
   CHECK(writes_classes(0));
   bind_pipeline(COMMANDS, WRITES_0);
   dispatch(COMMANDS);
   CHECK(writes_pages(3, 4));
   bind_pipeline(COMMANDS, READER);
   update(TWIN, 0, 0, FIRST, 4, 1);
   bind_set(COMMANDS, TWIN);
   dispatch(COMMANDS);
   CHECK(writes_pages(3, 4));
   bind_pipeline(COMMANDS, WRITES_0);
   dispatch(COMMANDS);
   CHECK(writes_pages(3, 5));
   update(SET, 0, 0, FIRST, 0, 1);
   update(TWIN, 0, 0, 0, 0, WHOLE);

   /* Recorded anew, with a set that has changed in between. */
   record(WRITES_0, SET);
   CHECK(writes_pages(0, 1));
   update(SET, 0, 0, FIRST, 9, 1);
   record(WRITES_0, SET);
   CHECK(writes_pages(9, 10));
   update(SET, 0, 0, 0, 0, WHOLE);
   update(TWIN, 0, 0, 0, 0, WHOLE);
}

static void test_other_ways(void)
{
   update(SET, 0, 0, FIRST, 0, 1);
   update_texels(SET);
   record(WRITES_ADDRESSES, SET);
   CHECK(writes_classes(VPS_WRITES_ADDRESS));
   record(WRITES_IMAGES, SET); /* texel buffers are written as images */
   const struct vps_writes writes = writes_of(COMMANDS);
   CHECK(writes.classes == VPS_WRITES_IMAGE && writes.count == 1 && is_range(&writes.ranges[0], 2, 4));
   record(WRITES_0, SET);
   CHECK(writes_pages(0, 1));
   update(SET, 0, 0, 0, 0, WHOLE);
}

static void test_secondary(void)
{
   VkCommandBuffer secondary = OBJECT(VkCommandBuffer, SECONDARY);

   update(SET, 0, 0, FIRST, 3, 2);
   begin(SECONDARY);
   bind_pipeline(SECONDARY, WRITES_0);
   bind_set(SECONDARY, SET);
   dispatch(SECONDARY);
   begin(COMMANDS);
   DO(vkCmdExecuteCommands, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS), .commandBufferCount = 1,
      .pCommandBuffers = &secondary);
   CHECK(writes_pages(3, 5));
   begin(COMMANDS); /* what it bound does not stay */
   dispatch(COMMANDS);
   CHECK(writes_classes(0));
   update(SET, 0, 0, 0, 0, WHOLE);
}

/* --- pushed --- */

static void push(unsigned layout, uint32_t binding, unsigned buffer, VkDeviceSize first, VkDeviceSize pages)
{
   const VkDescriptorBufferInfo info = make_info(buffer, first, pages);
   const VkWriteDescriptorSet write = make_write(0, binding, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, &info);

   DO(vkCmdPushDescriptorSet, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS), .pipelineBindPoint = COMPUTE,
      .layout = OBJECT(VkPipelineLayout, layout), .descriptorWriteCount = 1, .pDescriptorWrites = &write);
}

static void test_pushed(void)
{
   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_2);
   push(PUSH_LAYOUT, 0, FIRST, 0, 1);
   push(PUSH_LAYOUT, 2, SECOND, 0, 1);
   dispatch(COMMANDS);
   CHECK(writes_pages(16, 17));
   push(SAME_PUSH_LAYOUT, 0, FIRST, 2, 1); /* what was pushed before stays */
   dispatch(COMMANDS);
   CHECK(writes_pages(16, 17));
   push(SAME_PUSH_LAYOUT, 2, FIRST, 4, 1);
   dispatch(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_0);
   dispatch(COMMANDS);
   const struct vps_writes writes = writes_of(COMMANDS);
   CHECK(writes.classes == 0 && writes.count == 3 && is_range(&writes.ranges[0], 2, 3) &&
         is_range(&writes.ranges[1], 4, 5) && is_range(&writes.ranges[2], 16, 17));

   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_0);
   push(PUSH_LAYOUT, 0, LOCAL_BUFFER, 0, 1);
   dispatch(COMMANDS);
   CHECK(writes_classes(0));
}

/* --- what is updated after it was bound --- */

static bool resolves(unsigned commands, VkDeviceSize first, VkDeviceSize end)
{
   const struct vps_command_buffer *state = vps_object_find(&ctx.objects, objects[commands].id)->state;
   struct vps_track *track = vps_bound_resolve(state->track);
   const bool same = track->writes.classes == 0 && track->writes.count == (first < end) &&
                     (first == end || is_range(&track->writes.ranges[0], first, end));
   vps_track_unref(track);
   return same && state->track->writes.count == 0;
}

static void test_late(void)
{
   VkCommandBuffer secondary = OBJECT(VkCommandBuffer, SECONDARY);

   update(LATE_SET, 0, 0, FIRST, 0, 1);
   begin(SECONDARY);
   bind_pipeline(SECONDARY, WRITES_0);
   bind_set_at(SECONDARY, 0, LATE_SET, 0, NULL);
   dispatch(SECONDARY);
   begin(COMMANDS);
   DO(vkCmdExecuteCommands, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS), .commandBufferCount = 1,
      .pCommandBuffers = &secondary);
   CHECK(resolves(SECONDARY, 0, 1) && resolves(COMMANDS, 0, 1));
   update(LATE_SET, 0, 0, FIRST, 7, 3);
   CHECK(resolves(SECONDARY, 7, 10) && resolves(COMMANDS, 7, 10));
   update(LATE_SET, 0, 0, LOCAL_BUFFER, 0, 1);
   CHECK(resolves(COMMANDS, 0, 0));
}

/* --- what goes away --- */

static void test_gone(void)
{
   const VkDevice device = OBJECT(VkDevice, DEVICE);

   update(SET, 0, 0, FIRST, 0, 1);
   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_0);
   bind_set(COMMANDS, SET);
   DO(vkDestroyPipeline, .device = device, .pipeline = OBJECT(VkPipeline, WRITES_0));
   dispatch(COMMANDS);
   CHECK(writes_classes(VPS_WRITES_SHADERS));
   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_ANY);
   bind_set(COMMANDS, SET);
   DO(vkResetDescriptorPool, .device = device, .descriptorPool = OBJECT(VkDescriptorPool, DESCRIPTORS));
   dispatch(COMMANDS);
   CHECK(writes_classes(0));
}

/* A client may give the id of what is gone to something else. */
static void test_other_things(void)
{
   const VkDevice device = OBJECT(VkDevice, DEVICE);
   const VkDescriptorSet sets[] = {OBJECT(VkDescriptorSet, TWIN), OBJECT(VkDescriptorSet, LATE_SET)};

   begin(SECONDARY);
   bind_pipeline(SECONDARY, WRITES_0);
   bind_set_at(SECONDARY, 0, LATE_SET, 0, NULL);
   dispatch(SECONDARY);
   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_0);
   bind_set(COMMANDS, TWIN);
   DO(vkFreeDescriptorSets, .device = device, .descriptorPool = OBJECT(VkDescriptorPool, DESCRIPTORS),
      .descriptorSetCount = 2, .pDescriptorSets = sets);
   create_buffer(TWIN, MEMORY, 0, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   create_buffer(LATE_SET, MEMORY, 0, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   CHECK(resolves(SECONDARY, 0, 0));
   dispatch(COMMANDS);
   CHECK(writes_classes(VPS_WRITES_STORAGE));
   begin(COMMANDS);
   bind_pipeline(COMMANDS, WRITES_1);
   DO(vkDestroyPipeline, .device = device, .pipeline = OBJECT(VkPipeline, WRITES_1));
   create_buffer(WRITES_1, MEMORY, 0, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   dispatch(COMMANDS);
   CHECK(writes_classes(VPS_WRITES_SHADERS));
}

/* --- descriptor buffers --- */

static void set_buffer_offset(VkPipelineBindPoint point)
{
   const uint32_t buffer = 0;
   const VkDeviceSize offset = 64;
   DO(vkCmdSetDescriptorBufferOffsetsEXT, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS),
      .pipelineBindPoint = point, .layout = OBJECT(VkPipelineLayout, BUFFER_LAYOUT), .setCount = 1,
      .pBufferIndices = &buffer, .pOffsets = &offset);
}

static void bind_descriptor_buffer(VkBufferUsageFlags usage)
{
   const VkDescriptorBufferBindingInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT, .address = 4096, .usage = usage};
   begin(COMMANDS);
   DO(vkCmdBindDescriptorBuffersEXT, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS), .bufferCount = 1,
      .pBindingInfos = &info);
}

/* Nobody knows what such descriptors name. */
static void test_descriptor_buffers(void)
{
   create_set_layout(BUFFER_SET_LAYOUT, VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT, 0);
   create_layout(BUFFER_LAYOUT, BUFFER_SET_LAYOUT);
   bind_descriptor_buffer(VK_BUFFER_USAGE_RESOURCE_DESCRIPTOR_BUFFER_BIT_EXT);
   set_buffer_offset(COMPUTE);
   bind_pipeline(COMMANDS, READER);
   dispatch(COMMANDS);
   CHECK(writes_classes(0));
   bind_pipeline(COMMANDS, WRITES_0);
   dispatch(COMMANDS);
   CHECK(writes_classes(VPS_WRITES_STORAGE));

   update(SET, 0, 0, FIRST, 0, 1);
   record(WRITES_0, SET);
   set_buffer_offset(VK_PIPELINE_BIND_POINT_GRAPHICS); /* not of this bind point */
   dispatch(COMMANDS);
   CHECK(writes_pages(0, 1));
   set_buffer_offset(COMPUTE); /* after the shaders were run with something else */
   dispatch(COMMANDS);
   CHECK(writes_of(COMMANDS).classes == VPS_WRITES_STORAGE);
   update(SET, 0, 0, 0, 0, WHOLE);

   bind_descriptor_buffer(VK_BUFFER_USAGE_PUSH_DESCRIPTORS_DESCRIPTOR_BUFFER_BIT_EXT); /* the driver writes to it */
   CHECK(writes_classes(VPS_WRITES_STORAGE));
}

/* --- shaders without pipelines --- */

#ifdef VK_EXT_shader_object

static void create_loose(unsigned which, VkShaderStageFlagBits stage, uint32_t storage_class, uint32_t binding)
{
   uint32_t code[CODE_WORDS];
   make_code(code, storage_class, 0, binding, 0);
   const VkShaderCreateInfoEXT info = {.sType = VK_STRUCTURE_TYPE_SHADER_CREATE_INFO_EXT,
                                       .stage = stage,
                                       .codeType = which == LOOSE_CODE ? VK_SHADER_CODE_TYPE_BINARY_EXT
                                                                       : VK_SHADER_CODE_TYPE_SPIRV_EXT,
                                       .codeSize = sizeof(code),
                                       .pCode = code,
                                       .pName = "main"};
   VkShaderEXT shader = OBJECT(VkShaderEXT, which);
   DO(vkCreateShadersEXT, .device = OBJECT(VkDevice, DEVICE), .createInfoCount = 1, .pCreateInfos = &info,
      .pShaders = &shader);
}

static void bind_loose(VkShaderStageFlagBits stage, unsigned which)
{
   const VkShaderEXT shader = which ? OBJECT(VkShaderEXT, which) : VK_NULL_HANDLE;
   DO(vkCmdBindShadersEXT, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS), .stageCount = 1, .pStages = &stage,
      .pShaders = &shader);
}

static void record_loose(unsigned which)
{
   begin(COMMANDS);
   bind_loose(VK_SHADER_STAGE_COMPUTE_BIT, which);
   bind_set(COMMANDS, SET);
   dispatch(COMMANDS);
}

static void test_loose_drawing(void)
{
   const VkShaderStageFlagBits stages[] = {VK_SHADER_STAGE_VERTEX_BIT, VK_SHADER_STAGE_FRAGMENT_BIT};
   const VkShaderEXT both[] = {OBJECT(VkShaderEXT, LOOSE_VERTEX), OBJECT(VkShaderEXT, LOOSE_FRAGMENT)};
   const VkCommandBuffer commands = OBJECT(VkCommandBuffer, COMMANDS);
   const VkDescriptorSet set = OBJECT(VkDescriptorSet, SET);
   const uint32_t zero = 0;

   /* All stages count, each until it is given up or a pipeline comes. */
   begin(COMMANDS);
   DO(vkCmdBindDescriptorSets, .commandBuffer = commands, .pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
      .layout = OBJECT(VkPipelineLayout, LAYOUT), .descriptorSetCount = 1, .pDescriptorSets = &set,
      .dynamicOffsetCount = 1, .pDynamicOffsets = &zero);
   DO(vkCmdBindShadersEXT, .commandBuffer = commands, .stageCount = 2, .pStages = stages, .pShaders = both);
   bind_loose(VK_SHADER_STAGE_FRAGMENT_BIT, 0);
   DO(vkCmdDraw, .commandBuffer = commands, .vertexCount = 3);
   CHECK(writes_pages(0, 1)); /* of the vertex shader */
   bind_loose(VK_SHADER_STAGE_FRAGMENT_BIT, LOOSE_FRAGMENT);
   DO(vkCmdBindShadersEXT, .commandBuffer = commands, .stageCount = 1, .pStages = stages); /* gives it up */
   DO(vkCmdDraw, .commandBuffer = commands, .vertexCount = 3);
   struct vps_writes writes = writes_of(COMMANDS);
   CHECK(writes.classes == 0 && writes.count == 2 && is_range(&writes.ranges[1], 5, 6));

   begin(COMMANDS);
   DO(vkCmdBindShadersEXT, .commandBuffer = commands, .stageCount = 2, .pStages = stages, .pShaders = both);
   DO(vkCmdBindPipeline, .commandBuffer = commands, .pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
      .pipeline = OBJECT(VkPipeline, READER));
   bind_loose(VK_SHADER_STAGE_FRAGMENT_BIT, LOOSE_FRAGMENT);
   DO(vkCmdBindDescriptorSets, .commandBuffer = commands, .pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
      .layout = OBJECT(VkPipelineLayout, LAYOUT), .descriptorSetCount = 1, .pDescriptorSets = &set,
      .dynamicOffsetCount = 1, .pDynamicOffsets = &zero);
   DO(vkCmdDraw, .commandBuffer = commands, .vertexCount = 3);
   writes = writes_of(COMMANDS);
   CHECK(writes.classes == 0 && writes.count == 1 && is_range(&writes.ranges[0], 5, 6));
}

static void test_loose(void)
{
   create_loose(LOOSE_READER, VK_SHADER_STAGE_COMPUTE_BIT, 6 /* Private */, 0);
   create_loose(LOOSE_0, VK_SHADER_STAGE_COMPUTE_BIT, 12 /* StorageBuffer */, 0);
   create_loose(LOOSE_1, VK_SHADER_STAGE_COMPUTE_BIT, 12, 2);
   create_loose(LOOSE_CODE, VK_SHADER_STAGE_COMPUTE_BIT, 6, 0);
   create_loose(LOOSE_VERTEX, VK_SHADER_STAGE_VERTEX_BIT, 12, 0);
   create_loose(LOOSE_FRAGMENT, VK_SHADER_STAGE_FRAGMENT_BIT, 12, 2);
   update(SET, 0, 0, FIRST, 0, 1);
   update(SET, 2, 0, FIRST, 5, 1);

   record_loose(LOOSE_READER);
   CHECK(writes_classes(0));
   record_loose(LOOSE_0);
   CHECK(writes_pages(0, 1));
   record_loose(LOOSE_1);
   CHECK(writes_pages(5, 6));
   record_loose(LOOSE_CODE);
   CHECK(writes_classes(VPS_WRITES_SHADERS));
   record_loose(LOOSE_READER); /* another one, with what is bound already */
   bind_loose(VK_SHADER_STAGE_COMPUTE_BIT, LOOSE_0);
   dispatch(COMMANDS);
   CHECK(writes_pages(0, 1));
   bind_pipeline(COMMANDS, WRITES_2);
   dispatch(COMMANDS);
   const struct vps_writes writes = writes_of(COMMANDS);
   CHECK(writes.classes == 0 && writes.count == 2 && is_range(&writes.ranges[1], 5, 6));
   test_loose_drawing();

   /* One that is gone may have been anything. */
   begin(COMMANDS);
   bind_loose(VK_SHADER_STAGE_COMPUTE_BIT, LOOSE_0);
   bind_set(COMMANDS, SET);
   DO(vkDestroyShaderEXT, .device = OBJECT(VkDevice, DEVICE), .shader = OBJECT(VkShaderEXT, LOOSE_0));
   dispatch(COMMANDS);
   CHECK(writes_classes(VPS_WRITES_SHADERS));
   update(SET, 0, 0, 0, 0, WHOLE);
   update(SET, 2, 0, 0, 0, WHOLE);
}

#else

static void test_loose(void)
{
}

#endif

static VkBuffer addressed;
static unsigned questions;

static VKAPI_ATTR VkDeviceAddress VKAPI_CALL note_question(VkDevice device, const VkBufferDeviceAddressInfo *info)
{
   (void)device;
   addressed = info->buffer;
   questions++;
   return 0x10000;
}

/* Clients work addresses out for themselves, and some drivers know only those that they were asked for. */
static void test_address_is_asked_for(void)
{
   struct vps_device *device = vps_object_find(&ctx.objects, objects[DEVICE].id)->state;
   const PFN_vkGetBufferDeviceAddress before = device->functions.GetBufferDeviceAddress;
   const VkBufferUsageFlags usage = VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;

   device->functions.GetBufferDeviceAddress = note_question;
   create_buffer(NOT_ADDRESSED, MEMORY, 0, usage);
   CHECK(questions == 0);
   create_buffer(ADDRESSED, MEMORY, 16, usage | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT);
   CHECK(questions == 1);
   CHECK((uint64_t)(uintptr_t)addressed == vps_object_find(&ctx.objects, objects[ADDRESSED].id)->handle);
   device->functions.GetBufferDeviceAddress = before;
   DO(vkDestroyBuffer, .device = OBJECT(VkDevice, DEVICE), .buffer = OBJECT(VkBuffer, NOT_ADDRESSED));
   DO(vkDestroyBuffer, .device = OBJECT(VkDevice, DEVICE), .buffer = OBJECT(VkBuffer, ADDRESSED));
}

int main(void)
{
   session_open();
   create_all();
   if (!ctx.failed) {
      test_sets();
      test_long_writes();
      test_full();
      test_copies();
      test_dynamic_offsets();
      test_binding();
      test_other_ways();
      test_secondary();
      test_pushed();
      test_late();
      test_descriptor_buffers();
      test_loose();
      test_other_things();
      test_gone();
      test_address_is_asked_for();
   }
   session_close();
   return check_finish();
}
