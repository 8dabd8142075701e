/* SPDX-License-Identifier: MIT */
/* test: no-tsan */
/* (Looking up names runs in a thread that the C library makes out of the thread sanitizer's sight.)
 *
 * The client's descriptor pools: which allocations wait for the server, and what becomes of one that is full. */

#include "tests/unit/descriptor_peer.h"

/* --- pools --- */

static VkDescriptorSetLayout make_buffer_layout(uint32_t uniform, uint32_t storage)
{
   const VkDescriptorSetLayoutBinding bindings[] = {
      {.binding = 0, .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, .descriptorCount = uniform},
      {.binding = 1, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = storage},
   };
   return make_layout(2, bindings, NULL);
}

static bool waits(VkDescriptorPool pool, VkDescriptorSetLayout layout)
{
   bool waited;
   make_set(pool, layout, NULL, &waited);
   return waited;
}

static void reset_pool(VkDescriptorPool pool)
{
   CHECK(vp_vkResetDescriptorPool(device_handle, pool, 0) == VK_SUCCESS);
   next(VP_CMD_vkResetDescriptorPool, NULL);
}

static void free_sets(VkDescriptorPool pool, uint32_t count, const VkDescriptorSet *sets)
{
   CHECK(vp_vkFreeDescriptorSets(device_handle, pool, count, sets) == VK_SUCCESS);
   const struct vp_cmd_vkFreeDescriptorSets *a = next(VP_CMD_vkFreeDescriptorSets, NULL);
   CHECK(a->descriptorSetCount == count);
}

static void test_pool_space(void)
{
   const VkDescriptorPoolSize sizes[] = {{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 3},
                                         {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 10},
                                         {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1}};
   const VkDescriptorPool pool = make_pool(3, LENGTH(sizes), sizes, NULL);
   const VkDescriptorSetLayout one = make_buffer_layout(1, 1), three = make_buffer_layout(3, 0);
   const uint32_t before = allocations;
   for (int round = 0; round < 2; round++) {
      CHECK(!waits(pool, three) && !waits(pool, one)); /* 4 of 4 */
      allocate_result = VK_ERROR_OUT_OF_POOL_MEMORY;
      CHECK(waits(pool, one));
      allocate_result = VK_SUCCESS; /* a driver may have more than it must */
      CHECK(waits(pool, one));
      reset_pool(pool);
      CHECK(allocations == before);
   }
   for (int i = 0; i < 3; i++)
      CHECK(!waits(pool, one));
   allocate_result = VK_ERROR_FRAGMENTED_POOL;
   CHECK(waits(pool, one)); /* 3 of 3 sets */
   allocate_result = VK_SUCCESS;
   reset_pool(pool);

   /* Several at once: together too much. */
   const VkDescriptorSetLayout layouts[] = {three, three};
   VkDescriptorSet sets[] = {GARBAGE_HANDLE(VkDescriptorSet), GARBAGE_HANDLE(VkDescriptorSet)};
   uint32_t flags = 0;
   const VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .descriptorPool = pool,
                                             .descriptorSetCount = 2,
                                             .pSetLayouts = layouts};
   allocate_result = VK_ERROR_OUT_OF_POOL_MEMORY;
   CHECK(vp_vkAllocateDescriptorSets(device_handle, &info, sets) == VK_ERROR_OUT_OF_POOL_MEMORY);
   next(VP_CMD_vkAllocateDescriptorSets, &flags);
   CHECK((flags & 1) && !sets[0] && !sets[1]);
   allocate_result = VK_SUCCESS;
   CHECK(allocations == before);

   /* No memory on this side. */
   sets[0] = sets[1] = GARBAGE_HANDLE(VkDescriptorSet);
   allocations_left = 1;
   CHECK(vp_vkAllocateDescriptorSets(device_handle, &info, sets) == VK_ERROR_OUT_OF_HOST_MEMORY);
   allocations_left = UINT32_MAX;
   CHECK(!sets[0] && !sets[1] && allocations == before && is_quiet());
   CHECK(!waits(pool, three)); /* nothing of this was counted */
   drop_pool(pool);
   drop_layout(one);
   drop_layout(three);
}

static void test_pool_fragments(void)
{
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 100};
   const VkDescriptorPool pool = make_pool(100, 1, &size, NULL);
   const VkDescriptorSetLayout one = make_buffer_layout(1, 0), two = make_buffer_layout(2, 0);
   VkDescriptorSet sets[] = {make_set(pool, one, NULL, NULL), VK_NULL_HANDLE, make_set(pool, one, NULL, NULL)};
   free_sets(pool, 3, sets);
   CHECK(VP_FROM_HANDLE(struct vp_descriptor_pool, pool)->set_count == 0);
   CHECK(!waits(pool, one)); /* all of one shape */
   CHECK(waits(pool, two));
   CHECK(waits(pool, one)); /* now there are two shapes */
   reset_pool(pool);
   CHECK(!waits(pool, two) && !waits(pool, one) && !waits(pool, two)); /* nothing was freed */
   sets[0] = make_set(pool, two, NULL, NULL);
   free_sets(pool, 1, sets);
   CHECK(waits(pool, two));
   reset_pool(pool);
   sets[0] = make_set(pool, one, NULL, NULL);
   free_sets(pool, 1, sets);
   CHECK(waits(pool, two) && waits(pool, two)); /* an empty pool remembers */
   drop_pool(pool);
   drop_layout(one);
   drop_layout(two);
}

static void test_pool_blocks(void)
{
   const VkDescriptorPoolInlineUniformBlockCreateInfo blocks = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_INLINE_UNIFORM_BLOCK_CREATE_INFO, .maxInlineUniformBlockBindings = 2};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK, 100};
   const VkDescriptorPool pool = make_pool(100, 1, &size, &blocks);
   const VkDescriptorSetLayoutBinding small = {.descriptorType = VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK,
                                               .descriptorCount = 4};
   const VkDescriptorSetLayoutBinding large = {.descriptorType = VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK,
                                               .descriptorCount = 64};
   const VkDescriptorSetLayout small_layout = make_layout(1, &small, NULL), large_layout = make_layout(1, &large, NULL);
   CHECK(!waits(pool, small_layout) && !waits(pool, small_layout) && waits(pool, small_layout)); /* too many blocks */
   reset_pool(pool);
   CHECK(!waits(pool, large_layout) && waits(pool, large_layout)); /* too many bytes */
   drop_pool(pool);
   drop_layout(small_layout);
   drop_layout(large_layout);
}

static void test_pool_variable(void)
{
   const VkDescriptorBindingFlags flag = VK_DESCRIPTOR_BINDING_VARIABLE_DESCRIPTOR_COUNT_BIT;
   const VkDescriptorSetLayoutBindingFlagsCreateInfo flags = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO,
      .bindingCount = 1,
      .pBindingFlags = &flag};
   const VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                                 .descriptorCount = 1000};
   const VkDescriptorSetLayout layout = make_layout(1, &binding, &flags);
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 10};
   const VkDescriptorPool pool = make_pool(100, 1, &size, NULL);
   uint32_t count = 6;
   const VkDescriptorSetVariableDescriptorCountAllocateInfo counts = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_VARIABLE_DESCRIPTOR_COUNT_ALLOCATE_INFO,
      .descriptorSetCount = 1,
      .pDescriptorCounts = &count};
   bool waited;
   CHECK(!waits(pool, layout)); /* without a count: none */
   const VkDescriptorSet six = make_set(pool, layout, &counts, &waited);
   CHECK(!waited);
   count = 5;
   make_set(pool, layout, &counts, &waited);
   CHECK(waited);
   const struct vp_descriptor_pool *known = VP_FROM_HANDLE(struct vp_descriptor_pool, pool);
   CHECK(known->used.of[VK_DESCRIPTOR_TYPE_STORAGE_BUFFER] == 11 && known->set_count == 3);
   free_sets(pool, 1, &six);
   CHECK(known->used.of[VK_DESCRIPTOR_TYPE_STORAGE_BUFFER] == 5 && known->set_count == 2);
   drop_pool(pool);
   drop_layout(layout);
}

/* What nobody can count here is asked for. */
static void test_pool_uncertain(void)
{
   const VkSampler samplers[] = {make_sampler(false), make_sampler(true)};
   const VkDescriptorSetLayoutBinding plain = {.descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                               .descriptorCount = 1,
                                               .pImmutableSamplers = samplers};
   const VkDescriptorSetLayoutBinding planar = {.descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                                .descriptorCount = 2,
                                                .pImmutableSamplers = samplers};
   const VkDescriptorSetLayoutBinding any = {.descriptorType = VK_DESCRIPTOR_TYPE_MUTABLE_VALVE, .descriptorCount = 1};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 100};
   const VkDescriptorPool pool = make_pool(100, 1, &size, NULL);
   const VkDescriptorSetLayout layouts[] = {make_layout(1, &plain, NULL), make_layout(1, &planar, NULL),
                                            make_layout(1, &any, NULL)};
   CHECK(!waits(pool, layouts[0]));
   for (int i = 1; i < 3; i++) {
      CHECK(waits(pool, layouts[i]));
      CHECK(waits(pool, layouts[0])); /* the rest of the pool is uncertain too */
      reset_pool(pool);
      CHECK(!waits(pool, layouts[0]));
   }
   /* A pool that the server could not create. */
   VP_FROM_HANDLE(struct vp_descriptor_pool, pool)->base.error = VK_ERROR_OUT_OF_DEVICE_MEMORY;
   allocate_result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
   CHECK(waits(pool, layouts[0]));
   allocate_result = VK_SUCCESS;
   drop_pool(pool);
   for (int i = 0; i < 3; i++)
      drop_layout(layouts[i]);
   drop_sampler(samplers[0]);
   drop_sampler(samplers[1]);
}

/* A layout that is destroyed while something is recorded with it. */

int main(void)
{
   start();
   test_pool_space();
   test_pool_fragments();
   test_pool_blocks();
   test_pool_variable();
   test_pool_uncertain();
   finish();
   return check_finish();
}
