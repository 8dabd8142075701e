/* SPDX-License-Identifier: MIT */
/* Descriptor buffers on the client: what is asked when, and how often. */
#include "client/memory/resource.h"
#include "client/vp_entry.h"
#include "client/vp_extensions.h"
#include "tests/unit/command_peer.h"

PEER_CODEC(vkCreateDescriptorSetLayout)
PEER_CODEC(vkDestroyDescriptorSetLayout)
PEER_CODEC(vkGetDescriptorSetLayoutSizeEXT)
PEER_CODEC(vkGetDescriptorSetLayoutBindingOffsetEXT)
PEER_CODEC(vkGetDescriptorEXT)
PEER_CODEC(vkCreateSampler)
PEER_CODEC(vkDestroySampler)
PEER_CODEC(vkCreateImageView)
PEER_CODEC(vkDestroyImageView)

static const struct peer_command commands[] = {
   PEER_COMMAND(vkCreateDescriptorSetLayout),
   PEER_COMMAND(vkDestroyDescriptorSetLayout),
   PEER_COMMAND(vkGetDescriptorSetLayoutSizeEXT),
   PEER_COMMAND(vkGetDescriptorSetLayoutBindingOffsetEXT),
   PEER_COMMAND(vkGetDescriptorEXT),
   PEER_COMMAND(vkCreateSampler),
   PEER_COMMAND(vkDestroySampler),
   PEER_COMMAND(vkCreateImageView),
   PEER_COMMAND(vkDestroyImageView),
};

static struct peer peer;

static void respond(uint32_t number, void *args)
{
   if (number == VP_CMD_vkGetDescriptorSetLayoutSizeEXT) {
      *((struct vp_cmd_vkGetDescriptorSetLayoutSizeEXT *)args)->pLayoutSizeInBytes = 1000;
   } else if (number == VP_CMD_vkGetDescriptorSetLayoutBindingOffsetEXT) {
      struct vp_cmd_vkGetDescriptorSetLayoutBindingOffsetEXT *a = args;
      *a->pOffset = 100 + a->binding;
   } else if (number == VP_CMD_vkGetDescriptorEXT) {
      struct vp_cmd_vkGetDescriptorEXT *a = args;
      memset(a->pDescriptor, (int)a->pDescriptorInfo->type + 40, a->dataSize);
   }
}

/* How many of a command the peer has seen. */
static unsigned count(uint32_t number)
{
   unsigned found = 0;
   peer_last_call(&peer);
   for (unsigned i = 0; i < peer.call_count; i++)
      found += peer.calls[i].number == number;
   return found;
}

static unsigned waits(void)
{
   uint64_t all = 0;
   for (unsigned i = 0; i < VP_COST_KINDS; i++)
      all += atomic_load(&peer.conn->stats.blocking[i]);
   return (unsigned)all;
}

/* --- layouts --- */

static VkDescriptorSetLayout create_layout(uint32_t descriptors)
{
   const VkDescriptorSetLayoutBinding bindings[] = {
      {7, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, descriptors, VK_SHADER_STAGE_ALL, NULL},
      {2, VK_DESCRIPTOR_TYPE_SAMPLER, 1, VK_SHADER_STAGE_ALL, NULL},
      {4, VK_DESCRIPTOR_TYPE_SAMPLER, 0, VK_SHADER_STAGE_ALL, NULL},
   };
   const VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                 .flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT,
                                                 .bindingCount = 3,
                                                 .pBindings = bindings};
   VkDescriptorSetLayout layout;
   CHECK(vp_vkCreateDescriptorSetLayout(peer_device(&peer), &info, NULL, &layout) == VK_SUCCESS);
   return layout;
}

static bool lies(VkDescriptorSetLayout layout, uint32_t binding)
{
   VkDeviceSize offset = 0;
   vp_vkGetDescriptorSetLayoutBindingOffsetEXT(peer_device(&peer), layout, binding, &offset);
   return offset == 100 + binding;
}

static void test_layouts(void)
{
   const VkDescriptorSetLayout first = create_layout(3), same = create_layout(3), other = create_layout(4);
   VkDeviceSize size = 0;
   CHECK(lies(first, 7) && lies(first, 2));
   vp_vkGetDescriptorSetLayoutSizeEXT(peer_device(&peer), first, &size);
   CHECK(size == 1000);
   CHECK(count(VP_CMD_vkGetDescriptorSetLayoutSizeEXT) == 1);
   CHECK(count(VP_CMD_vkGetDescriptorSetLayoutBindingOffsetEXT) == 2); /* with it, in one exchange */
   vp_vkDestroyDescriptorSetLayout(peer_device(&peer), first, NULL);
   CHECK(lies(same, 7) && lies(same, 2));
   CHECK(count(VP_CMD_vkGetDescriptorSetLayoutSizeEXT) == 1);
   CHECK(lies(same, 4) && lies(same, 4)); /* one that has no descriptors is asked about by itself */
   CHECK(count(VP_CMD_vkGetDescriptorSetLayoutBindingOffsetEXT) == 3);
   CHECK(lies(other, 7));
   CHECK(count(VP_CMD_vkGetDescriptorSetLayoutSizeEXT) == 2);
   vp_vkDestroyDescriptorSetLayout(peer_device(&peer), same, NULL);
   vp_vkDestroyDescriptorSetLayout(peer_device(&peer), other, NULL);
}

/* --- descriptors --- */

static bool gets(const VkDescriptorGetInfoEXT *info, size_t size)
{
   uint8_t bytes[64] = {0};
   vp_vkGetDescriptorEXT(peer_device(&peer), info, size, bytes);
   return bytes[0] == info->type + 40 && bytes[size - 1] == info->type + 40 && bytes[size] == 0;
}

static VkDescriptorGetInfoEXT about(VkDescriptorType type, const void *what)
{
   return (VkDescriptorGetInfoEXT){
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT, .type = type, .data.pSampledImage = what};
}

/* What comes right behind the creation need not be asked. */
static void test_samplers(void)
{
   const VkSamplerCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO};
   VkSampler samplers[3];
   for (unsigned i = 0; i < 3; i++)
      CHECK(vp_vkCreateSampler(peer_device(&peer), &info, NULL, &samplers[i]) == VK_SUCCESS);
   CHECK(count(VP_CMD_vkGetDescriptorEXT) == 3);
   const unsigned before = waits();
   for (unsigned i = 0; i < 6; i++) {
      const VkDescriptorGetInfoEXT question = about(VK_DESCRIPTOR_TYPE_SAMPLER, &samplers[i % 3]);
      CHECK(gets(&question, 24));
   }
   CHECK(count(VP_CMD_vkGetDescriptorEXT) == 3 && waits() == before);
   for (unsigned i = 0; i < 3; i++)
      vp_vkDestroySampler(peer_device(&peer), samplers[i], NULL);
}

static unsigned create_view(struct vp_image *image, VkImageAspectFlags aspects, const void *chain, VkImageView *view)
{
   const unsigned before = count(VP_CMD_vkGetDescriptorEXT);
   const VkImageViewCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                       .pNext = chain,
                                       .image = VP_TO_HANDLE(VkImage, image),
                                       .subresourceRange = {aspects, 0, 1, 0, 1}};
   CHECK(vp_vkCreateImageView(peer_device(&peer), &info, NULL, view) == VK_SUCCESS);
   return count(VP_CMD_vkGetDescriptorEXT) - before;
}

static void test_views(void)
{
   static struct vp_image image = {.resource.base = {.id = 900, .type = VK_OBJECT_TYPE_IMAGE}};
   const VkImageViewUsageCreateInfo less = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_USAGE_CREATE_INFO,
                                            .usage = VK_IMAGE_USAGE_SAMPLED_BIT};
   VkImageView views[4];
   image.usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
   CHECK(create_view(&image, VK_IMAGE_ASPECT_COLOR_BIT, NULL, &views[0]) == 0); /* it has no descriptors */
   image.usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_STORAGE_BIT;
   CHECK(create_view(&image, VK_IMAGE_ASPECT_COLOR_BIT, NULL, &views[1]) == 2);
   CHECK(create_view(&image, VK_IMAGE_ASPECT_COLOR_BIT, &less, &views[2]) == 1);
   CHECK(create_view(&image, VK_IMAGE_ASPECT_DEPTH_BIT | VK_IMAGE_ASPECT_STENCIL_BIT, NULL, &views[3]) == 0);
   VkDescriptorImageInfo sampled = {.sampler = (VkSampler)(uintptr_t)0xdead0000,
                                    .imageView = views[1],
                                    .imageLayout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
   const VkDescriptorGetInfoEXT question = about(VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE, &sampled);
   const unsigned before = waits();
   CHECK(gets(&question, 32));
   CHECK(waits() == before);
   sampled.imageLayout = VK_IMAGE_LAYOUT_GENERAL; /* which nobody has asked for */
   CHECK(gets(&question, 32) && gets(&question, 32));
   CHECK(waits() == before + 1);
   for (unsigned i = 0; i < 4; i++)
      vp_vkDestroyImageView(peer_device(&peer), views[i], NULL);
}

int main(void)
{
   static VkPhysicalDeviceDescriptorBufferPropertiesEXT sizes = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_PROPERTIES_EXT,
      .samplerDescriptorSize = 24,
      .sampledImageDescriptorSize = 32,
      .storageImageDescriptorSize = 32};
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), respond);
   CHECK(vp_reply_cache_init(&peer.device.cache) && vp_resource_kinds_init(&peer.device.kinds));
   vp_descriptor_rules_init(&peer.device.descriptor_rules);
   vp_descriptor_questions_init(&peer.device.descriptor_questions);
   vp_extension_set_add(&peer.device.extensions, VP_EXT_VK_EXT_descriptor_buffer);
   peer.gpu.properties.pNext = &sizes;
   test_layouts();
   test_samplers();
   test_views();
   vp_descriptor_questions_settle(&peer.device);
   vp_descriptor_questions_finish(&peer.device.descriptor_questions);
   vp_descriptor_rules_finish(&peer.device.descriptor_rules);
   vp_resource_kinds_finish(&peer.device.kinds);
   vp_reply_cache_finish(&peer.device.cache);
   peer_stop(&peer);
   return check_finish();
}
