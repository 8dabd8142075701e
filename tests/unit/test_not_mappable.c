/* SPDX-License-Identifier: MIT */

/* Memory that the host cannot see, which software GPUs do not have: to map it fails as it does natively, on the client,
 * and whoever asks the server for it nevertheless is told why not. */

#include <sys/socket.h>

#include "client/mapping/mapping.h"
#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"
#include "tests/unit/null_session.h"

/* --- the client --- */

PEER_CODEC(vkAllocateMemory)
PEER_CODEC(vkMapMemoryVP)
PEER_CODEC(vkUnmapMemoryVP)
PEER_CODEC(vkFreeMemory)

static const struct peer_command commands[] = {
   PEER_COMMAND(vkAllocateMemory),
   PEER_COMMAND(vkMapMemoryVP),
   PEER_COMMAND(vkUnmapMemoryVP),
   PEER_COMMAND(vkFreeMemory),
};

static struct peer peer;

static void respond(uint32_t number, void *args)
{
   if (number == VP_CMD_vkMapMemoryVP)
      ((struct vp_cmd_vkMapMemoryVP *)args)->ret = VK_SUCCESS;
}

static VkResult map(VkDeviceMemory memory, bool second)
{
   VkResult result;
   void *pointer = NULL;

#ifdef VK_KHR_map_memory2
   const VkMemoryMapInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_MAP_INFO_KHR, .memory = memory, .size = VK_WHOLE_SIZE};
   if (second)
      result = vp_vkMapMemory2(peer_device(&peer), &info, &pointer);
   else
#endif
      result = vp_vkMapMemory(peer_device(&peer), memory, 0, VK_WHOLE_SIZE, 0, &pointer);
   (void)second;
   CHECK((result == VK_SUCCESS) == (pointer != NULL));
   return result;
}

/* The peer sees nothing but what is expected. */
static void test_client(void)
{
   unsigned seen = 0;

   for (uint32_t type = 0; type < 2; type++) {
      const VkMemoryAllocateInfo info = {
         .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = 10000, .memoryTypeIndex = type};
      VkDeviceMemory memory;
      CHECK(vp_vkAllocateMemory(peer_device(&peer), &info, NULL, &memory) == VK_SUCCESS);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkAllocateMemory));
      for (unsigned i = 0; i < 2; i++) {
         CHECK(map(memory, i == 1) == (type ? VK_SUCCESS : VK_ERROR_MEMORY_MAP_FAILED));
         if (!type)
            continue;
         CHECK(peer_next(&peer, &seen, VP_CMD_vkMapMemoryVP));
         vp_vkUnmapMemory(peer_device(&peer), memory);
         CHECK(peer_next(&peer, &seen, VP_CMD_vkUnmapMemoryVP));
      }
      vp_vkFreeMemory(peer_device(&peer), memory, NULL);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkFreeMemory));
   }
   CHECK(!vp_connection_lost(peer.conn));
}

static void run_client(void)
{
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), respond);
   peer.gpu.properties.properties.limits.maxMemoryAllocationCount = 4096;
   null_vkGetPhysicalDeviceMemoryProperties(VK_NULL_HANDLE, &peer.gpu.memory.memoryProperties);
   peer.gpu.memory.memoryProperties.memoryHeaps[0].size = UINT64_C(1) << 34; /* so that nothing waits for an answer */
   pthread_mutex_init(&peer.device.memory_lock, NULL);
   test_client();
   pthread_mutex_destroy(&peer.device.memory_lock);
   peer_stop(&peer);
}

/* --- the server --- */

enum { MEMORY = FIRST_OBJECT };

static VkResult ask_to_prepare(void)
{
   struct vp_cmd_vkPrepareMemoryVP a = {.device = OBJECT(VkDevice, DEVICE), .memory = OBJECT(VkDeviceMemory, MEMORY)};
   struct vp_frame frame = {0};
   struct vp_decoder dec;
   int fds[2];

   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0))
      return VK_ERROR_UNKNOWN;
   writer.channel.fd = fds[0];
   vp_request_vkPrepareMemoryVP(&enc, 1, &a);
   CHECK(session_run());
   writer.channel.fd = -1;
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, -1) == VP_FRAME_OK && frame.header.type == VP_FRAME_REPLY);
   vp_decoder_init(&dec, frame.payload, frame.header.length, NULL);
   vp_reply_vkPrepareMemoryVP(&dec, &a);
   CHECK(!dec.error);
   vp_frame_finish(&frame);
   close(fds[0]);
   close(fds[1]);
   return a.ret;
}

/* The session goes on after a question, and ends when the answer was not listened to. */
static void test_server(void)
{
   const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = 10000};
   VkDeviceMemory memory = OBJECT(VkDeviceMemory, MEMORY);

   DO(vkAllocateMemory, .device = OBJECT(VkDevice, DEVICE), .pAllocateInfo = &info, .pMemory = &memory);
   CHECK(ask_to_prepare() == VK_ERROR_MEMORY_MAP_FAILED);
   DO(vkFreeMemory, .device = OBJECT(VkDevice, DEVICE), .memory = memory);
   DO(vkAllocateMemory, .device = OBJECT(VkDevice, DEVICE), .pAllocateInfo = &info, .pMemory = &memory);
   vp_request_vkMapMemoryVP(&enc, 0,
                            &(struct vp_cmd_vkMapMemoryVP){.device = OBJECT(VkDevice, DEVICE), .memory = memory});
   CHECK(!vps_executor_run(&ctx, enc.start, vp_encoder_size(&enc)));
   CHECK(strstr(ctx.error.text, "cannot be mapped"));
}

int main(void)
{
   run_client();
   session_open();
   test_server();
   session_close();
   return check_finish();
}
