/* SPDX-License-Identifier: MIT */

/* A device whose creation cannot be said, for want of memory: nothing else that would name it is said either. */

#include <stdatomic.h>

#include "client/core/instance.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"

#define NAMES 1000

PEER_CODEC(vkDestroyDevice)

static const struct peer_command commands[] = {PEER_COMMAND(vkDestroyDevice)};

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static atomic_bool no_memory;

void *__wrap_realloc(void *memory, size_t size)
{
   return no_memory ? NULL : __real_realloc(memory, size);
}

int main(void)
{
   static struct peer peer;
   static struct vp_instance instance = {.api_version = VK_API_VERSION_1_3};
   const char *names[NAMES];
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .enabledExtensionCount = NAMES, .ppEnabledExtensionNames = names};
   VkDevice device;
   for (unsigned i = 0; i < NAMES; i++)
      names[i] = VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME;
   peer_start(&peer, commands, 1, NULL);
   peer.gpu.instance = &instance;
   vp_extension_set_add(&peer.gpu.extensions, VP_EXT_VK_KHR_timeline_semaphore);
   no_memory = true;
   CHECK(vp_vkCreateDevice(VP_TO_HANDLE(VkPhysicalDevice, &peer.gpu), &info, NULL, &device) ==
         VK_ERROR_OUT_OF_HOST_MEMORY);
   no_memory = false;
   const struct vp_cmd_vkDestroyDevice a = {.device = peer_device(&peer)};
   CHECK(vp_send_vkDestroyDevice(peer.conn, &a) == VK_SUCCESS);
   const struct peer_call *call = peer_call(&peer, 1);
   CHECK(call && call->number == VP_CMD_vkDestroyDevice);
   peer_stop(&peer);
   return check_finish();
}
