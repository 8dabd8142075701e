/* SPDX-License-Identifier: MIT */
#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"

PEER_CODEC(vkCreatePipelineCache)
PEER_CODEC(vkDestroyPipelineCache)
PEER_CODEC(vkGetPipelineCacheData)
PEER_CODEC(vkMergePipelineCaches)

static const struct peer_command commands[] = {
   PEER_COMMAND(vkCreatePipelineCache),
   PEER_COMMAND(vkDestroyPipelineCache),
   PEER_COMMAND(vkGetPipelineCacheData),
   PEER_COMMAND(vkMergePipelineCaches),
};

#define HEADER 32

/* What the host's driver has, and that it says when asked. */
static uint8_t host_data[100];
static _Atomic size_t host_size = sizeof(host_data);
static _Atomic int32_t host_error;

static void host_driver(uint32_t number, void *args)
{
   struct vp_cmd_vkGetPipelineCacheData *a = args;
   if (number != VP_CMD_vkGetPipelineCacheData)
      return;
   a->ret = (VkResult)host_error;
   if (host_error) {
      *a->pDataSize = 0;
   } else if (!a->pData) {
      *a->pDataSize = host_size;
   } else {
      a->ret = *a->pDataSize < host_size ? VK_INCOMPLETE : VK_SUCCESS;
      if (*a->pDataSize > host_size)
         *a->pDataSize = host_size;
      if (*a->pDataSize < HEADER)
         *a->pDataSize = 0;
      memcpy(a->pData, host_data, *a->pDataSize);
   }
}

static struct peer peer;
static unsigned seen;

static const struct vp_cmd_vkCreatePipelineCache *create(const void *data, size_t size, VkPipelineCache *cache)
{
   const VkPipelineCacheCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
      .initialDataSize = size,
      .pInitialData = data,
   };
   CHECK(vp_vkCreatePipelineCache(peer_device(&peer), &info, NULL, cache) == VK_SUCCESS);
   const struct vp_cmd_vkCreatePipelineCache *a = peer_next(&peer, &seen, VP_CMD_vkCreatePipelineCache);
   CHECK(a && (uint64_t)(uintptr_t)*a->pPipelineCache == id_of(*cache));
   return a;
}

static void destroy(VkPipelineCache cache)
{
   vp_vkDestroyPipelineCache(peer_device(&peer), cache, NULL);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkDestroyPipelineCache));
}

/* Creates a cache with data and looks at what the host gets. */
static bool reaches_host(const uint8_t *data, size_t size, size_t host)
{
   VkPipelineCache cache;
   uint8_t *exact = malloc(size ? size : 1); /* so that a read behind it is noticed */
   if (!exact)
      return false;
   memcpy(exact, data, size);
   const struct vp_cmd_vkCreatePipelineCache *a = create(exact, size, &cache);
   free(exact);
   const bool ok =
      a && a->pCreateInfo->initialDataSize == host &&
      (host ? memcmp(a->pCreateInfo->pInitialData, data + HEADER, host) == 0 : !a->pCreateInfo->pInitialData);
   destroy(cache);
   return ok;
}

static VkResult get(VkPipelineCache cache, size_t *size, void *data)
{
   return vp_vkGetPipelineCacheData(peer_device(&peer), cache, size, data);
}

/* One read with so much room. */
static void check_read(VkPipelineCache cache, size_t room, VkResult expected, size_t expected_size)
{
   uint8_t *data = malloc(room + 1);
   size_t size = room;
   if (!data)
      return;
   memset(data, 0xcc, room + 1);
   CHECK(get(cache, &size, data) == expected);
   CHECK(size == expected_size);
   CHECK(data[room] == 0xcc);
   if (size > HEADER)
      CHECK(memcmp(data + HEADER, host_data, size - HEADER) == 0);
   if (size == 0)
      CHECK(data[0] == 0xcc);
   if (room > HEADER)
      CHECK(peer_next(&peer, &seen, VP_CMD_vkGetPipelineCacheData));
   free(data);
}

static void test_reading(VkPipelineCache cache)
{
   size_t size = 12345;
   CHECK(get(cache, &size, NULL) == VK_SUCCESS);
   CHECK(size == HEADER + sizeof(host_data));
   CHECK(peer_next(&peer, &seen, VP_CMD_vkGetPipelineCacheData));
   check_read(cache, 132, VK_SUCCESS, 132);
   check_read(cache, 1000, VK_SUCCESS, 132);
   check_read(cache, 131, VK_INCOMPLETE, 131);
   check_read(cache, 64, VK_INCOMPLETE, 64);
   check_read(cache, 63, VK_INCOMPLETE, 32); /* the host cannot give its header */
   check_read(cache, 33, VK_INCOMPLETE, 32);
   check_read(cache, 32, VK_INCOMPLETE, 32);
   check_read(cache, 31, VK_INCOMPLETE, 0);
   check_read(cache, 0, VK_INCOMPLETE, 0);
   host_size = HEADER; /* an empty cache */
   check_read(cache, 64, VK_SUCCESS, 64);
   host_size = sizeof(host_data);
   host_error = VK_ERROR_OUT_OF_DEVICE_MEMORY;
   check_read(cache, 132, VK_ERROR_OUT_OF_DEVICE_MEMORY, 0);
   CHECK(get(cache, &size, NULL) == VK_ERROR_OUT_OF_DEVICE_MEMORY && size == 0);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkGetPipelineCacheData));
   host_error = VK_SUCCESS;
}

static void test_header(const uint8_t *data)
{
   VkPipelineCacheHeaderVersionOne header;
   memcpy(&header, data, sizeof(header));
   CHECK(header.headerSize == HEADER);
   CHECK(header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE);
   CHECK(header.vendorID == 0x10de && header.deviceID == 0x2330);
   CHECK(memcmp(header.pipelineCacheUUID, peer.gpu.properties.properties.pipelineCacheUUID, VK_UUID_SIZE) == 0);
}

static void test_creating(const uint8_t *data, size_t size)
{
   uint8_t other[200] = {0};
   CHECK(reaches_host(data, size, size - HEADER));
   CHECK(reaches_host(data, 33, 1));
   CHECK(reaches_host(data, 32, 0));
   CHECK(reaches_host(data, 31, 0));
   CHECK(reaches_host(data, 4, 0));
   CHECK(reaches_host(data, 0, 0));
   for (size_t i = 0; i < HEADER; i++) { /* any other header is of another driver */
      memcpy(other, data, size);
      other[i] ^= 0x40;
      CHECK(reaches_host(other, size, 0));
   }
   CHECK(reaches_host(host_data, sizeof(host_data), 0)); /* the host's own data, say of a native run */
}

static void test_merging(void)
{
   VkPipelineCache caches[3];
   for (unsigned i = 0; i < 3; i++)
      create((void *)(uintptr_t)0xdead0000, 0, &caches[i]);
   CHECK(vp_vkMergePipelineCaches(peer_device(&peer), caches[0], 2, &caches[1]) == VK_SUCCESS);
   const struct vp_cmd_vkMergePipelineCaches *a = peer_next(&peer, &seen, VP_CMD_vkMergePipelineCaches);
   CHECK(a && (uint64_t)(uintptr_t)a->dstCache == id_of(caches[0]) && a->srcCacheCount == 2);
   CHECK(a && (uint64_t)(uintptr_t)a->pSrcCaches[1] == id_of(caches[2]));
   for (unsigned i = 0; i < 3; i++)
      destroy(caches[i]);
}

/* Nothing may be written, or promised, when there is no answer. */
static void test_lost(VkPipelineCache cache)
{
   uint8_t data[64];
   size_t size = sizeof(data);
   memset(data, 0xcc, sizeof(data));
   peer.deaf = true;
   /* Neither call can say what happened, and programs read the header without asking. */
   CHECK(get(cache, &size, data) == VK_SUCCESS && size == 32);
   test_header(data);
   CHECK(get(cache, &size, NULL) == VK_SUCCESS && size == 32);
   memset(data, 0xcc, sizeof(data));
   CHECK(get(cache, &size, data) == VK_SUCCESS && size == 32);
   test_header(data);
   const VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
   VkPipelineCache none = cache;
   CHECK(vp_vkCreatePipelineCache(peer_device(&peer), &info, NULL, &none) == VK_ERROR_DEVICE_LOST && !none);
}

int main(void)
{
   uint8_t data[132];
   size_t size = sizeof(data);
   VkPipelineCache cache;

   for (size_t i = 0; i < sizeof(host_data); i++)
      host_data[i] = (uint8_t)(i * 7 + 1);
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), host_driver);
   VkPhysicalDeviceProperties *properties = &peer.gpu.properties.properties;
   properties->vendorID = 0x10de;
   properties->deviceID = 0x2330;
   for (unsigned i = 0; i < VK_UUID_SIZE; i++)
      properties->pipelineCacheUUID[i] = (uint8_t)(0xa0 + i);

   create(NULL, 0, &cache);
   test_reading(cache);
   CHECK(get(cache, &size, data) == VK_SUCCESS && size == sizeof(data));
   CHECK(peer_next(&peer, &seen, VP_CMD_vkGetPipelineCacheData));
   test_header(data);
   test_creating(data, size);
   test_merging();
   test_lost(cache);
   vp_vkDestroyPipelineCache(peer_device(&peer), cache, NULL);
   peer_stop(&peer);
   return check_finish();
}
