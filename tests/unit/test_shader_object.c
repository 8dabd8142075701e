/* SPDX-License-Identifier: MIT */
/* Shaders without pipelines: which creations wait, and what is left of those that fail in part. */
#include <vulkan/vulkan.h>

#ifdef VK_EXT_shader_object

#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"

PEER_CODEC(vkCreateShadersEXT)
PEER_CODEC(vkDestroyShaderEXT)

static const struct peer_command commands[] = {PEER_COMMAND(vkCreateShadersEXT), PEER_COMMAND(vkDestroyShaderEXT)};

static struct peer peer;
static unsigned seen;
static VkResult answer; /* what the peer says: then there is only the first */

static void respond(uint32_t number, void *args)
{
   struct vp_cmd_vkCreateShadersEXT *a = args;
   if (number != VP_CMD_vkCreateShadersEXT)
      return;
   a->ret = answer;
   for (uint32_t i = 1; i < a->createInfoCount && answer != VK_SUCCESS; i++)
      a->pShaders[i] = VK_NULL_HANDLE;
}

/* One function, which is the entry point "main" of a compute shader. */
static const uint32_t code[] = {0x07230203,   0x10000, 0, 10, 0, 5 << 16 | 15, 5, 1, 0x6e69616d, 0,
                                5 << 16 | 54, 2,       1, 0,  3, 1 << 16 | 56};

static VkShaderCreateInfoEXT make_info(void)
{
   return (VkShaderCreateInfoEXT){.sType = VK_STRUCTURE_TYPE_SHADER_CREATE_INFO_EXT,
                                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                  .codeType = VK_SHADER_CODE_TYPE_SPIRV_EXT,
                                  .codeSize = sizeof(code),
                                  .pCode = code,
                                  .pName = "main"};
}

/* Creates two; whether that was asked with a reply. */
static bool waits(const VkShaderCreateInfoEXT *second, VkResult wanted, VkShaderEXT shaders[2])
{
   const VkShaderCreateInfoEXT infos[2] = {make_info(), *second};
   CHECK(vp_vkCreateShadersEXT(peer_device(&peer), 2, infos, NULL, shaders) == wanted);
   const struct peer_call *call = peer_call(&peer, ++seen);
   const struct vp_cmd_vkCreateShadersEXT *a = call ? call->args : NULL;
   CHECK(a && call->number == VP_CMD_vkCreateShadersEXT && a->createInfoCount == 2 &&
         !memcmp(a->pCreateInfos[0].pCode, code, sizeof(code)));
   return call && call->flags & 1;
}

static void destroy_both(VkShaderEXT shaders[2])
{
   for (unsigned i = 0; i < 2; i++) {
      vp_vkDestroyShaderEXT(peer_device(&peer), shaders[i], NULL);
      if (shaders[i])
         peer_next(&peer, &seen, VP_CMD_vkDestroyShaderEXT);
   }
}

static void test_waits(void)
{
   static const uint32_t constant = 1;
   const VkSpecializationMapEntry entry = {.offset = 1, .size = sizeof(constant)};
   const VkSpecializationInfo constants = {1, &entry, sizeof(constant), &constant};
   VkShaderCreateInfoEXT infos[5];
   VkShaderEXT shaders[2];

   for (unsigned i = 0; i < 5; i++)
      infos[i] = make_info();
   CHECK(!waits(&infos[0], VK_SUCCESS, shaders));
   destroy_both(shaders);
   infos[0].codeType = VK_SHADER_CODE_TYPE_BINARY_EXT;
   infos[1].pName = "other";
   infos[2].stage = VK_SHADER_STAGE_VERTEX_BIT;
   infos[3].codeSize -= 4;
   infos[4].pSpecializationInfo = &constants;
   for (unsigned i = 0; i < 5; i++) {
      CHECK(waits(&infos[i], VK_SUCCESS, shaders));
      CHECK(shaders[0] && shaders[1]);
      destroy_both(shaders);
   }
}

static void test_failures(void)
{
   static const VkResult results[] = {VK_ERROR_INITIALIZATION_FAILED, (VkResult)1000482000 /* incompatible */};
   VkShaderCreateInfoEXT info = make_info();
   VkShaderEXT shaders[2];

   info.codeType = VK_SHADER_CODE_TYPE_BINARY_EXT;
   for (unsigned i = 0; i < 2; i++) {
      answer = results[i];
      CHECK(waits(&info, results[i], shaders));
      CHECK(shaders[0] && !shaders[1]);
      destroy_both(shaders);
   }
   answer = VK_SUCCESS;
}

int main(void)
{
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), respond);
   test_waits();
   test_failures();
   peer_stop(&peer);
   return check_finish();
}

#else

int main(void)
{
   return 0;
}

#endif
