/* SPDX-License-Identifier: MIT */

/* Creations of one shape, which are generated: what they leave when they fail, and what ends with their objects. The
 * entry points are called without what stands before them. */

#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"

/* NAME of those that are said to the server. */
#define FOR_EACH_SAID(DO)     \
   DO(BufferView)             \
   DO(ImageView)              \
   DO(Framebuffer)            \
   DO(SamplerYcbcrConversion) \
   DO(Sampler)                \
   DO(Semaphore)              \
   DO(Event)                  \
   DO(QueryPool)              \
   DO(CommandPool)            \
   DO(DescriptorPool)         \
   DO(DescriptorSetLayout)    \
   DO(PipelineLayout)         \
   DO(Buffer)                 \
   DO(Image)                  \
   DO(PipelineCache)          \
   DO(ShaderModule)           \
   DO(RenderPass)             \
   DO(AccelerationStructureKHR)

#define CODECS(NAME)          \
   PEER_CODEC(vkCreate##NAME) \
   PEER_CODEC(vkDestroy##NAME)
#define COMMANDS(NAME) PEER_COMMAND(vkCreate##NAME), PEER_COMMAND(vkDestroy##NAME),

FOR_EACH_SAID(CODECS)
PEER_CODEC(vkCreateRenderPass2)
PEER_CODEC(vkGetImageMemoryRequirements2)

static const struct peer_command commands[] = {FOR_EACH_SAID(COMMANDS) PEER_COMMAND(vkCreateRenderPass2),
                                               PEER_COMMAND(vkGetImageMemoryRequirements2)};

static struct peer peer;
static VkDevice device;
static VkResult answer; /* of the server */

#define RESPOND(NAME)                                       \
   case VP_CMD_vkCreate##NAME:                              \
      ((struct vp_cmd_vkCreate##NAME *)args)->ret = answer; \
      break;

static void respond(uint32_t number, void *args)
{
   switch (number) {
      FOR_EACH_SAID(RESPOND)
      RESPOND(RenderPass2)
   default:
      break;
   }
}

/* --- the application's memory --- */

static int allocated; /* and not freed */
static bool is_full;

static VKAPI_ATTR void *VKAPI_CALL allocate(void *data, size_t size, size_t alignment, VkSystemAllocationScope scope)
{
   (void)data, (void)scope;
   void *memory = is_full ? NULL : aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
   allocated += memory != NULL;
   return memory;
}

static VKAPI_ATTR void VKAPI_CALL release(void *data, void *memory)
{
   (void)data;
   allocated -= memory != NULL;
   free(memory);
}

static const VkAllocationCallbacks callbacks = {.pfnAllocation = allocate, .pfnFree = release};

/* --- creations --- */

#define GARBAGE UINT64_C(0x5a5a5a5a5a5a5a5a)

/* Creates an object that fails with `expected`, or is destroyed again. INFO: what stands between the device and the
 * callbacks, with a comma behind it, or nothing. */
#define TRY(NAME, CREATE, INFO)                                                                       \
   do {                                                                                               \
      const int before = allocated;                                                                   \
      Vk##NAME made = (Vk##NAME)(uintptr_t)GARBAGE;                                                   \
      const VkResult result = vp_vkCreate##CREATE(device, INFO & callbacks, &made);                   \
      if (!CHECK(result == expected) || !CHECK((made == VK_NULL_HANDLE) == (expected != VK_SUCCESS))) \
         fprintf(stderr, "vkCreate" #CREATE ": %d\n", result);                                        \
      if (result == VK_SUCCESS)                                                                       \
         vp_vkDestroy##NAME(device, made, &callbacks);                                                \
      CHECK(allocated == before);                                                                     \
      vp_vkDestroy##NAME(device, VK_NULL_HANDLE, &callbacks);                                         \
   } while (0)
#define SIMPLE(NAME, ...)                            \
   do {                                              \
      const Vk##NAME##CreateInfo info = __VA_ARGS__; \
      TRY(NAME, NAME, &info COMMA);                  \
   } while (0)
#define COMMA ,

static void try_local(VkResult expected)
{
   const VkDescriptorUpdateTemplateEntry entry = {.descriptorCount = 1};

   SIMPLE(Fence, {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO});
   SIMPLE(PrivateDataSlot, {.sType = VK_STRUCTURE_TYPE_PRIVATE_DATA_SLOT_CREATE_INFO});
   SIMPLE(DescriptorUpdateTemplate, {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_UPDATE_TEMPLATE_CREATE_INFO,
                                     .descriptorUpdateEntryCount = 1,
                                     .pDescriptorUpdateEntries = &entry});
   TRY(DeferredOperationKHR, DeferredOperationKHR, );
}

static void try_said(VkResult expected, VkDescriptorSetLayout layout)
{
   static struct vp_object other = {.id = 77}; /* of whatever type */
   const uint32_t code = 0x07230203;
   const VkSubpassDescription subpass = {.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS};
   const VkSubpassDescription2 subpass_2 = {.sType = VK_STRUCTURE_TYPE_SUBPASS_DESCRIPTION_2};
   const VkRenderPassCreateInfo2 pass_2 = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO_2, .subpassCount = 1, .pSubpasses = &subpass_2};
   const VkAccelerationStructureCreateInfoKHR structure = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_CREATE_INFO_KHR, .buffer = VP_TO_HANDLE(VkBuffer, &other)};

   SIMPLE(BufferView, {.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO, .buffer = VP_TO_HANDLE(VkBuffer, &other)});
   SIMPLE(ImageView, {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO, .image = VP_TO_HANDLE(VkImage, &other)});
   SIMPLE(Framebuffer,
          {.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO, .renderPass = VP_TO_HANDLE(VkRenderPass, &other)});
   SIMPLE(SamplerYcbcrConversion, {.sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_CREATE_INFO});
   SIMPLE(Sampler, {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO});
   SIMPLE(Semaphore, {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO});
   SIMPLE(Event, {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO});
   SIMPLE(QueryPool, {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryCount = 4});
   SIMPLE(CommandPool, {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO});
   SIMPLE(DescriptorPool, {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1});
   SIMPLE(PipelineLayout,
          {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &layout});
   SIMPLE(Buffer, {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 64, .usage = 1});
   SIMPLE(Image, {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO, .arrayLayers = 1});
   SIMPLE(PipelineCache, {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO});
   SIMPLE(ShaderModule,
          {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(code), .pCode = &code});
   SIMPLE(RenderPass, {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO, .subpassCount = 1, .pSubpasses = &subpass});
   TRY(RenderPass, RenderPass2, &pass_2 COMMA);
   TRY(AccelerationStructureKHR, AccelerationStructureKHR, &structure COMMA);
}

static void test_creations(VkDescriptorSetLayout layout)
{
   answer = VK_SUCCESS;
   try_said(VK_SUCCESS, layout);
   try_local(VK_SUCCESS);
   answer = VK_ERROR_OUT_OF_DEVICE_MEMORY;
   try_said(VK_ERROR_OUT_OF_DEVICE_MEMORY, layout);
   is_full = true;
   try_said(VK_ERROR_OUT_OF_HOST_MEMORY, layout);
   try_local(VK_ERROR_OUT_OF_HOST_MEMORY);
   is_full = false;
}

int main(void)
{
   const VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
   VkDescriptorSetLayout layout = VK_NULL_HANDLE;

   peer_start(&peer, commands, sizeof(commands) / sizeof(*commands), respond);
   peer.device.is_short = true; /* so that each creation waits for its result */
   peer.device.allocator = &callbacks;
   device = peer_device(&peer);
   CHECK(vp_resource_kinds_init(&peer.device.kinds));
   CHECK(vp_vkCreateDescriptorSetLayout(device, &info, NULL, &layout) == VK_SUCCESS);
   test_creations(layout);
   vp_vkDestroyDescriptorSetLayout(device, layout, NULL);
   CHECK(allocated == 0); /* nothing of what failed holds it */
   peer_last_call(&peer);
   peer_stop(&peer);
   vp_resource_kinds_finish(&peer.device.kinds);
   return check_finish();
}
