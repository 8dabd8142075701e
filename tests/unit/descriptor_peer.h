/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_UNIT_DESCRIPTOR_PEER_H
#define VP_TESTS_UNIT_DESCRIPTOR_PEER_H

/* For tests of the client's descriptor code: a server that decodes what it is told and answers what the test wants, and
 * objects made on it. */

#include "client/link/object_table.h"
#include "client/pipeline/descriptor_pool.h"
#include "client/pipeline/descriptor_set.h"
#include "client/pipeline/descriptor_set_layout.h"
#include "client/pipeline/pipeline_layout.h"
#include "client/record/command_buffer.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"

#define LENGTH(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

/* Following this would crash. */
#define GARBAGE ((const void *)(uintptr_t)0x10)
#define GARBAGE_HANDLE(type) ((type)(uintptr_t)0x18)

/* --- the server --- */

PEER_CODEC(vkCreateDescriptorSetLayout)
PEER_CODEC(vkDestroyDescriptorSetLayout)
PEER_CODEC(vkGetDescriptorSetLayoutSupport)
PEER_CODEC(vkCreatePipelineLayout)
PEER_CODEC(vkDestroyPipelineLayout)
PEER_CODEC(vkCreateDescriptorPool)
PEER_CODEC(vkDestroyDescriptorPool)
PEER_CODEC(vkResetDescriptorPool)
PEER_CODEC(vkAllocateDescriptorSets)
PEER_CODEC(vkFreeDescriptorSets)
PEER_CODEC(vkUpdateDescriptorSets)
PEER_CODEC(vkCmdPushDescriptorSet)
PEER_CODEC(vkCreateSampler)
PEER_CODEC(vkDestroySampler)
PEER_CODEC(vkPrepareMemoryVP)
#ifdef VK_KHR_maintenance6
PEER_CODEC(vkCmdPushDescriptorSet2)
#endif

static const struct peer_command commands[] = {
   PEER_COMMAND(vkCreateDescriptorSetLayout),
   PEER_COMMAND(vkDestroyDescriptorSetLayout),
   PEER_COMMAND(vkGetDescriptorSetLayoutSupport),
   PEER_COMMAND(vkCreatePipelineLayout),
   PEER_COMMAND(vkDestroyPipelineLayout),
   PEER_COMMAND(vkCreateDescriptorPool),
   PEER_COMMAND(vkDestroyDescriptorPool),
   PEER_COMMAND(vkResetDescriptorPool),
   PEER_COMMAND(vkAllocateDescriptorSets),
   PEER_COMMAND(vkFreeDescriptorSets),
   PEER_COMMAND(vkUpdateDescriptorSets),
   PEER_COMMAND(vkCmdPushDescriptorSet),
   PEER_COMMAND(vkCreateSampler),
   PEER_COMMAND(vkDestroySampler),
   PEER_COMMAND(vkPrepareMemoryVP),
#ifdef VK_KHR_maintenance6
   PEER_COMMAND(vkCmdPushDescriptorSet2),
#endif
};

static struct peer peer;
static unsigned seen;                     /* commands that were looked at */
static _Atomic(VkResult) allocate_result; /* what the server answers */
static struct vp_connection *conn;
static struct vp_device *device;
static VkDevice device_handle;

static inline void respond(uint32_t number, void *args)
{
   if (number == VP_CMD_vkAllocateDescriptorSets)
      ((struct vp_cmd_vkAllocateDescriptorSets *)args)->ret = allocate_result;
   if (number == VP_CMD_vkGetDescriptorSetLayoutSupport)
      ((struct vp_cmd_vkGetDescriptorSetLayoutSupport *)args)->pSupport->supported = VK_TRUE;
}

/* The next command, which must be this one; its flags too when wanted. */
static inline void *next(uint32_t command, uint32_t *flags)
{
   void *args = peer_next(&peer, &seen, command);
   if (!args)
      exit(1); /* nothing that follows would make sense */
   if (flags)
      *flags = peer_call(&peer, seen)->flags;
   return args;
}

/* Whether nothing was said that was not looked at. */
static inline bool is_quiet(void)
{
   struct vp_cmd_vkPrepareMemoryVP a = {.device = device_handle};
   CHECK(vp_call_vkPrepareMemoryVP(conn, &a) == VK_SUCCESS);
   return peer_call(&peer, ++seen)->number == VP_CMD_vkPrepareMemoryVP;
}

/* --- objects --- */

/* Memory of the device: counted, and refused when `allocations_left` is 0. */
static uint32_t allocations, allocations_left = UINT32_MAX;

static inline VKAPI_ATTR void *VKAPI_CALL counted_alloc(void *data, size_t size, size_t alignment,
                                                        VkSystemAllocationScope scope)
{
   (void)data, (void)alignment, (void)scope;
   if (!allocations_left)
      return NULL;
   if (allocations_left != UINT32_MAX)
      allocations_left--;
   allocations++;
   return malloc(size);
}

static inline VKAPI_ATTR void VKAPI_CALL counted_free(void *data, void *memory)
{
   (void)data;
   allocations--;
   free(memory);
}

static const VkAllocationCallbacks counted = {.pfnAllocation = counted_alloc, .pfnFree = counted_free};

/* Objects that the descriptor code takes as they are. */
static struct vp_object *views[8];

static inline void start(void)
{
   seen = 0;
   peer_start(&peer, commands, LENGTH(commands), respond);
   conn = peer.conn;
   device = &peer.device;
   device->allocator = &counted;
   device_handle = peer_device(&peer);
   CHECK(vp_reply_cache_init(&device->cache));
   for (uint32_t i = 0; i < LENGTH(views); i++)
      views[i] = vp_object_create(&conn->objects, &counted, VK_OBJECT_TYPE_IMAGE_VIEW, sizeof(*views[i]));
   if (!CHECK(views[LENGTH(views) - 1]))
      exit(1);
}

static inline void finish(void)
{
   for (uint32_t i = 0; i < LENGTH(views); i++)
      vp_object_destroy(&conn->objects, &counted, views[i]);
   vp_reply_cache_finish(&device->cache);
   peer_stop(&peer);
   CHECK(allocations == 0);
}

#define HANDLE(type, i) VP_TO_HANDLE(type, views[i])

/* What arrives of a handle, and what should. */
#define ID(handle) ((uint64_t)(uintptr_t)(handle))
#define IS(handle, i) (ID(handle) == views[i]->id)

static inline VkSampler make_sampler(bool conversion)
{
   VkSampler sampler = VK_NULL_HANDLE;
   const VkSamplerYcbcrConversionInfo ycbcr = {.sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO,
                                               .conversion = HANDLE(VkSamplerYcbcrConversion, 0)};
   const VkSamplerCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
                                     .pNext = conversion ? &ycbcr : NULL};
   CHECK(vp_vkCreateSampler(device_handle, &info, NULL, &sampler) == VK_SUCCESS);
   next(VP_CMD_vkCreateSampler, NULL);
   return sampler;
}

static inline void drop_sampler(VkSampler sampler)
{
   vp_vkDestroySampler(device_handle, sampler, NULL);
   next(VP_CMD_vkDestroySampler, NULL);
}

static inline VkDescriptorSetLayout make_layout(uint32_t count, const VkDescriptorSetLayoutBinding *bindings,
                                                const void *chain)
{
   VkDescriptorSetLayout layout = VK_NULL_HANDLE;
   const VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                 .pNext = chain,
                                                 .bindingCount = count,
                                                 .pBindings = bindings};
   CHECK(vp_vkCreateDescriptorSetLayout(device_handle, &info, NULL, &layout) == VK_SUCCESS);
   next(VP_CMD_vkCreateDescriptorSetLayout, NULL);
   return layout;
}

static inline void drop_layout(VkDescriptorSetLayout layout)
{
   vp_vkDestroyDescriptorSetLayout(device_handle, layout, NULL);
   next(VP_CMD_vkDestroyDescriptorSetLayout, NULL);
}

static inline VkDescriptorPool make_pool(uint32_t max_sets, uint32_t count, const VkDescriptorPoolSize *sizes,
                                         const void *chain)
{
   VkDescriptorPool pool = VK_NULL_HANDLE;
   const VkDescriptorPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                            .pNext = chain,
                                            .flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT,
                                            .maxSets = max_sets,
                                            .poolSizeCount = count,
                                            .pPoolSizes = sizes};
   CHECK(vp_vkCreateDescriptorPool(device_handle, &info, NULL, &pool) == VK_SUCCESS);
   next(VP_CMD_vkCreateDescriptorPool, NULL);
   return pool;
}

static inline void drop_pool(VkDescriptorPool pool)
{
   vp_vkDestroyDescriptorPool(device_handle, pool, NULL);
   next(VP_CMD_vkDestroyDescriptorPool, NULL);
}

/* Allocates one set and tells whether the client waited for the answer. */
static inline VkDescriptorSet make_set(VkDescriptorPool pool, VkDescriptorSetLayout layout, const void *chain,
                                       bool *waited)
{
   VkDescriptorSet set = VK_NULL_HANDLE;
   uint32_t flags = 0;
   const VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .pNext = chain,
                                             .descriptorPool = pool,
                                             .descriptorSetCount = 1,
                                             .pSetLayouts = &layout};
   const VkResult result = vp_vkAllocateDescriptorSets(device_handle, &info, &set);
   const struct vp_cmd_vkAllocateDescriptorSets *a = next(VP_CMD_vkAllocateDescriptorSets, &flags);
   if (waited)
      *waited = flags & 1;
   CHECK(result == (flags & 1 ? allocate_result : VK_SUCCESS));
   CHECK((result == VK_SUCCESS) == (set != VK_NULL_HANDLE));
   CHECK(result != VK_SUCCESS || ID(a->pDescriptorSets[0]) == vp_object_id(ID(set)));
   return set;
}

static inline VkPipelineLayout make_pipeline_layout(uint32_t count, const VkDescriptorSetLayout *sets)
{
   VkPipelineLayout layout = VK_NULL_HANDLE;
   const VkPipelineLayoutCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = count, .pSetLayouts = sets};
   CHECK(vp_vkCreatePipelineLayout(device_handle, &info, NULL, &layout) == VK_SUCCESS);
   next(VP_CMD_vkCreatePipelineLayout, NULL);
   return layout;
}

static inline void drop_pipeline_layout(VkPipelineLayout layout)
{
   vp_vkDestroyPipelineLayout(device_handle, layout, NULL);
   next(VP_CMD_vkDestroyPipelineLayout, NULL);
}

static inline uint32_t generation(uint64_t id)
{
   pthread_mutex_lock(&conn->objects.lock);
   const uint32_t found = conn->objects.slots[(uint32_t)id].generation;
   pthread_mutex_unlock(&conn->objects.lock);
   return found;
}

#endif
