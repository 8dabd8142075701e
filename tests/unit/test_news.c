/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "client/memory/device_memory.h"
#include "client/pipeline/pipeline.h"
#include "client/pipeline/shader_module.h"
#include "client/vp_entry.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/memory/address.h"
#include "server/pipeline/executables.h"
#include "tests/unit/command_peer.h"

/* What the server says of pipelines and memory without being asked, from its driver to the application. */

PEER_CODEC(vkCreateComputePipelines)
PEER_CODEC(vkDestroyPipeline)
PEER_CODEC(vkGetPipelineExecutablePropertiesKHR)
PEER_CODEC(vkGetPipelineExecutableStatisticsKHR)
PEER_CODEC(vkAllocateMemory)
PEER_CODEC(vkFreeMemory)
PEER_CODEC(vkCreateBuffer)
PEER_CODEC(vkDestroyBuffer)
PEER_CODEC(vkBindBufferMemory)
PEER_CODEC(vkGetBufferDeviceAddress)
PEER_CODEC(vkCreateAccelerationStructureKHR)
PEER_CODEC(vkDestroyAccelerationStructureKHR)

static const struct peer_command commands[] = {
   PEER_COMMAND(vkCreateComputePipelines),
   PEER_COMMAND(vkDestroyPipeline),
   PEER_COMMAND(vkGetPipelineExecutablePropertiesKHR),
   PEER_COMMAND(vkGetPipelineExecutableStatisticsKHR),
   PEER_COMMAND(vkAllocateMemory),
   PEER_COMMAND(vkFreeMemory),
   PEER_COMMAND(vkCreateBuffer),
   PEER_COMMAND(vkDestroyBuffer),
   PEER_COMMAND(vkBindBufferMemory),
   PEER_COMMAND(vkGetBufferDeviceAddress),
   PEER_COMMAND(vkCreateAccelerationStructureKHR),
   PEER_COMMAND(vkDestroyAccelerationStructureKHR),
};

static struct peer peer;
static unsigned seen;

static void respond(uint32_t number, void *args)
{
   if (number == VP_CMD_vkGetPipelineExecutableStatisticsKHR) {
      struct vp_cmd_vkGetPipelineExecutableStatisticsKHR *a = args;
      *a->pStatisticCount = 77;
      a->ret = VK_SUCCESS;
   } else if (number == VP_CMD_vkGetPipelineExecutablePropertiesKHR) {
      struct vp_cmd_vkGetPipelineExecutablePropertiesKHR *a = args;
      *a->pExecutableCount = 78;
      a->ret = VK_SUCCESS;
   } else if (number == VP_CMD_vkGetBufferDeviceAddress) {
      ((struct vp_cmd_vkGetBufferDeviceAddress *)args)->ret = 0xabc000;
   }
}

/* --- the server and its driver --- */

#define PIPELINE ((VkPipeline)0x70)
#define MEMORY ((VkDeviceMemory)0x71)
#define EXECUTABLES 3u
#define BASE 0x700000000

static struct {
   bool fails;
   VkDeviceSize gap; /* between the two halves of each memory */
   unsigned buffers;
   VkDeviceSize bound;
} driver;

static VKAPI_ATTR VkResult VKAPI_CALL get_properties(VkDevice device, const VkPipelineInfoKHR *info, uint32_t *count,
                                                     VkPipelineExecutablePropertiesKHR *properties)
{
   (void)device;
   assert(info->pipeline == PIPELINE);
   for (uint32_t i = 0; properties && i < EXECUTABLES; i++) {
      assert(*count >= EXECUTABLES && properties[i].sType == VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR);
      properties[i].stages = VK_SHADER_STAGE_COMPUTE_BIT << i;
      properties[i].subgroupSize = 32 + i;
      snprintf(properties[i].name, sizeof(properties[i].name), "part %u", i);
      snprintf(properties[i].description, sizeof(properties[i].description), "the part %u of %u", i, EXECUTABLES);
   }
   *count = EXECUTABLES;
   return VK_SUCCESS;
}

/* Executable i has i statistics. (Both are called on a thread of its own, where nothing is counted.) */
static VKAPI_ATTR VkResult VKAPI_CALL get_statistics(VkDevice device, const VkPipelineExecutableInfoKHR *info,
                                                     uint32_t *count, VkPipelineExecutableStatisticKHR *statistics)
{
   (void)device;
   assert(info->pipeline == PIPELINE && info->executableIndex < EXECUTABLES);
   for (uint32_t i = 0; statistics && i < info->executableIndex; i++) {
      snprintf(statistics[i].name, sizeof(statistics[i].name), "statistic %u", i);
      statistics[i].format = VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR;
      statistics[i].value.u64 = (UINT64_C(1) << 40) + i;
   }
   *count = info->executableIndex;
   return driver.fails ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_buffer(VkDevice device, const VkBufferCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkBuffer *buffer)
{
   (void)device, (void)allocator;
   CHECK(info->usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT);
   *buffer = (VkBuffer)(uintptr_t)++driver.buffers;
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_buffer(VkDevice device, VkBuffer buffer,
                                                 const VkAllocationCallbacks *allocator)
{
   (void)device, (void)buffer, (void)allocator;
   driver.buffers--;
}

static VKAPI_ATTR void VKAPI_CALL get_requirements(VkDevice device, VkBuffer buffer, VkMemoryRequirements *needs)
{
   (void)device, (void)buffer;
   *needs = (VkMemoryRequirements){.size = 256, .alignment = 256, .memoryTypeBits = 2};
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_memory(VkDevice device, VkBuffer buffer, VkDeviceMemory memory,
                                                  VkDeviceSize offset)
{
   (void)device, (void)buffer;
   CHECK(memory == MEMORY && offset % 256 == 0);
   driver.bound = offset;
   return VK_SUCCESS;
}

static VKAPI_ATTR VkDeviceAddress VKAPI_CALL get_address(VkDevice device, const VkBufferDeviceAddressInfo *info)
{
   (void)device, (void)info;
   return BASE + driver.bound + (driver.bound ? driver.gap : 0);
}

#define STRUCTURE ((VkAccelerationStructureKHR)0x72)
#define STRUCTURE_ADDRESS 0x800000000

static VKAPI_ATTR VkDeviceAddress VKAPI_CALL
get_structure_address(VkDevice device, const VkAccelerationStructureDeviceAddressInfoKHR *info)
{
   (void)device;
   CHECK(info->accelerationStructure == STRUCTURE);
   return STRUCTURE_ADDRESS;
}

static struct vps_frame_writer writer;
static struct vps_device device;

static void start_server(void)
{
   CHECK(vps_frame_writer_init(&writer, peer.fd, VP_COMPRESS_NONE));
   device.writer = &writer;
   device.functions.GetPipelineExecutablePropertiesKHR = get_properties;
   device.functions.GetPipelineExecutableStatisticsKHR = get_statistics;
   device.functions.CreateBuffer = create_buffer;
   device.functions.DestroyBuffer = destroy_buffer;
   device.functions.GetBufferMemoryRequirements = get_requirements;
   device.functions.BindBufferMemory = bind_memory;
   device.functions.GetBufferDeviceAddress = get_address;
   device.functions.GetAccelerationStructureDeviceAddressKHR = get_structure_address;
}

static void send_error(uint64_t id, uint32_t command)
{
   const uint32_t payload[3] = {command, (uint32_t)VK_ERROR_OUT_OF_DEVICE_MEMORY, 0};
   vps_frame_writer_send(&writer, VP_FRAME_OBJECT_ERROR, id, payload, sizeof(payload), NULL, 0);
}

/* --- pipelines --- */

static struct vp_shader_module shader = {
   .base = {.id = 502, .type = VK_OBJECT_TYPE_SHADER_MODULE},
   .count = 5,
   .entry_points = {5 << 16 | 15, 5, 1, 0x6e69616d, 0},
};
static struct vp_object layout = {.id = 501, .type = VK_OBJECT_TYPE_PIPELINE_LAYOUT};

/* What the server does when it has made a pipeline, on a thread of its own, some time later. */
enum made { MADE, MADE_NOT_DESCRIBED, FAILED, POISONED };

struct making {
   enum made how;
   VkPipelineCreateFlags flags;
   uint64_t id;
   pthread_t thread;
};

static void *make(void *data)
{
   const struct making *making = data;
   usleep(20000);
   driver.fails = making->how == MADE_NOT_DESCRIBED;
   if (making->how == FAILED)
      send_error(making->id, VP_CMD_vkCreateComputePipelines);
   else if (making->how == POISONED)
      vps_frame_writer_send_no_executables(&writer, making->id);
   else
      vps_executables_tell(&device, making->id, PIPELINE, making->flags, NULL);
   return NULL;
}

static VkPipeline create(VkPipelineCreateFlags flags, enum made how, struct making *making)
{
   const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .flags = flags,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = (VkShaderModule)&shader,
                .pName = "main"},
      .layout = (VkPipelineLayout)&layout,
   };
   VkPipeline pipeline;
   CHECK(vp_vkCreateComputePipelines(peer_device(&peer), VK_NULL_HANDLE, 1, &info, NULL, &pipeline) == VK_SUCCESS);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkCreateComputePipelines));
   *making = (struct making){.how = how, .flags = flags, .id = id_of(pipeline)};
   CHECK(pthread_create(&making->thread, NULL, make, making) == 0);
   return pipeline;
}

static void destroy(VkPipeline pipeline, struct making *making)
{
   pthread_join(making->thread, NULL);
   vp_vkDestroyPipeline(peer_device(&peer), pipeline, NULL);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkDestroyPipeline));
}

static VkResult ask_statistics(VkPipeline pipeline, uint32_t index, uint32_t *count,
                               VkPipelineExecutableStatisticKHR *statistics)
{
   const VkPipelineExecutableInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = pipeline, .executableIndex = index};
   return vp_vkGetPipelineExecutableStatisticsKHR(peer_device(&peer), &info, count, statistics);
}

static VkResult ask_properties(VkPipeline pipeline, uint32_t *count, VkPipelineExecutablePropertiesKHR *properties)
{
   const VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
   return vp_vkGetPipelineExecutablePropertiesKHR(peer_device(&peer), &info, count, properties);
}

/* All that there is to know, without one question. */
static void test_executables(void)
{
   VkPipelineExecutableStatisticKHR statistics[4] = {{.pNext = &seen}};
   VkPipelineExecutablePropertiesKHR properties[4] = {{.pNext = &seen}};
   struct making making;
   uint32_t count = 99;
   const VkPipeline pipeline = create(VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR, MADE, &making);

   CHECK(ask_statistics(pipeline, 2, &count, NULL) == VK_SUCCESS && count == 2);
   CHECK(ask_statistics(pipeline, 2, &count, statistics) == VK_SUCCESS && count == 2);
   CHECK(!strcmp(statistics[1].name, "statistic 1") && statistics[1].value.u64 == (UINT64_C(1) << 40) + 1);
   CHECK(statistics[0].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR && statistics[0].pNext == &seen);
   count = 1;
   CHECK(ask_statistics(pipeline, 2, &count, statistics) == VK_INCOMPLETE && count == 1);
   count = 4;
   CHECK(ask_statistics(pipeline, 0, &count, statistics) == VK_SUCCESS && count == 0);

   CHECK(ask_properties(pipeline, &count, NULL) == VK_SUCCESS && count == EXECUTABLES);
   count = 4;
   CHECK(ask_properties(pipeline, &count, properties) == VK_SUCCESS && count == EXECUTABLES);
   CHECK(!strcmp(properties[2].name, "part 2") && !strcmp(properties[2].description, "the part 2 of 3"));
   CHECK(properties[1].subgroupSize == 33 && properties[0].pNext == &seen && properties[1].pNext == NULL);
   count = 2;
   CHECK(ask_properties(pipeline, &count, properties) == VK_INCOMPLETE && count == 2);
   destroy(pipeline, &making); /* the peer has seen nothing else */
}

/* What the server cannot say is asked for, and so is what nobody has wanted to know. */
static void test_no_executables(void)
{
   static const struct {
      VkPipelineCreateFlags flags;
      enum made how;
   } cases[] = {
      {VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR, MADE_NOT_DESCRIBED},
      {VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR, FAILED},
      {VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR, POISONED},
      {0, MADE},
   };
   for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      struct making making;
      uint32_t count = 99;
      memset(peer.conn->failed, 0, sizeof(peer.conn->failed)); /* else the next creation waits */
      const VkPipeline pipeline = create(cases[i].flags, cases[i].how, &making);
      CHECK(ask_statistics(pipeline, 1, &count, NULL) == VK_SUCCESS && count == 77);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkGetPipelineExecutableStatisticsKHR));
      CHECK(ask_properties(pipeline, &count, NULL) == VK_SUCCESS && count == 78);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkGetPipelineExecutablePropertiesKHR));
      destroy(pipeline, &making);
   }
   memset(peer.conn->failed, 0, sizeof(peer.conn->failed));
}

/* --- addresses --- */

static VkDeviceMemory allocate(const void *chain)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = chain, .allocationSize = 1 << 20, .memoryTypeIndex = 1};
   VkDeviceMemory memory;
   CHECK(vp_vkAllocateMemory(peer_device(&peer), &info, NULL, &memory) == VK_SUCCESS);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkAllocateMemory));
   vps_address_tell(&device, id_of(memory), MEMORY, &info);
   CHECK(driver.buffers == 0);
   return memory;
}

static VkBuffer bind(VkDeviceMemory memory, VkDeviceSize offset)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 16, .usage = VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
   VkBuffer buffer;
   CHECK(vp_vkCreateBuffer(peer_device(&peer), &info, NULL, &buffer) == VK_SUCCESS);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkCreateBuffer));
   CHECK(vp_vkBindBufferMemory(peer_device(&peer), buffer, memory, offset) == VK_SUCCESS);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkBindBufferMemory));
   return buffer;
}

static VkDeviceAddress ask_address(VkBuffer buffer)
{
   const VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = buffer};
   return vp_vkGetBufferDeviceAddress(peer_device(&peer), &info);
}

static void free_all(VkDeviceMemory memory, VkBuffer buffer)
{
   if (memory) {
      vp_vkFreeMemory(peer_device(&peer), memory, NULL);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkFreeMemory));
   }
   vp_vkDestroyBuffer(peer_device(&peer), buffer, NULL);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkDestroyBuffer));
}

static const VkMemoryAllocateFlagsInfo with_address = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                                       .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};

#define PLACE ((VkDeviceSize)77 * 256)

static void test_addresses(void)
{
   const VkDeviceMemory memory = allocate(&with_address);
   VkBuffer buffer = bind(memory, 0);
   CHECK(ask_address(buffer) == BASE);
   free_all(VK_NULL_HANDLE, buffer);
   buffer = bind(memory, PLACE);
   CHECK(ask_address(buffer) == BASE + PLACE && ask_address(buffer) == BASE + PLACE);
   free_all(memory, buffer);
}

/* Where the server cannot say it, or says that it cannot, it is asked. */
static void test_no_addresses(void)
{
   const VkMemoryDedicatedAllocateInfo dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
                                                    .pNext = &with_address};
   const void *chains[] = {&with_address, &dedicated, NULL};
   for (unsigned i = 0; i < 3; i++) {
      driver.gap = i ? 0 : 4096;
      const VkDeviceMemory memory = allocate(chains[i]);
      const VkBuffer buffer = bind(memory, 256);
      CHECK(ask_address(buffer) == 0xabc000);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkGetBufferDeviceAddress));
      free_all(memory, buffer);
   }
   driver.gap = 0;
}

/* Memory that there is not, or that is gone, has none to wait for. */
static void test_failed_memory(void)
{
   const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                      .pNext = &with_address,
                                      .allocationSize = 1 << 20,
                                      .memoryTypeIndex = 1};
   for (unsigned i = 0; i < 2; i++) {
      VkDeviceMemory memory;
      CHECK(vp_vkAllocateMemory(peer_device(&peer), &info, NULL, &memory) == VK_SUCCESS);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkAllocateMemory));
      const VkBuffer buffer = bind(memory, 0);
      if (i == 0) {
         send_error(id_of(memory), VP_CMD_vkAllocateMemory);
      } else {
         vp_vkFreeMemory(peer_device(&peer), memory, NULL);
         CHECK(peer_next(&peer, &seen, VP_CMD_vkFreeMemory));
      }
      CHECK(ask_address(buffer) == 0xabc000);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkGetBufferDeviceAddress));
      memset(peer.conn->failed, 0, sizeof(peer.conn->failed));
      free_all(i == 0 ? memory : VK_NULL_HANDLE, buffer);
   }
}

/* --- acceleration structures --- */

/* What the server does when it has made one, or has not. */
static void make_structure(VkAccelerationStructureKHR structure, enum made how)
{
   struct vps_object device_object = {.device = &device, .type = VK_OBJECT_TYPE_DEVICE}, *used[] = {&device_object};
   struct vps_context ctx = {.writer = &writer, .used = used, .used_count = 1};
   VkAccelerationStructureKHR id = (VkAccelerationStructureKHR)(uintptr_t)id_of(structure);
   const struct vp_cmd_vkCreateAccelerationStructureKHR a = {.pAccelerationStructure = &id};

   CHECK(vps_object_table_init(&ctx.objects));
   if (how == MADE) {
      CHECK(vps_add_child(&ctx, VK_OBJECT_TYPE_ACCELERATION_STRUCTURE_KHR, id_of(structure),
                          (uint64_t)(uintptr_t)STRUCTURE, NULL));
      vps_observe_vkCreateAccelerationStructureKHR(&ctx, &a);
   } else if (how == POISONED) {
      ctx.poison = VK_ERROR_OUT_OF_DEVICE_MEMORY;
      vps_created(&ctx, VK_OBJECT_TYPE_ACCELERATION_STRUCTURE_KHR, id_of(structure), 0, ctx.poison);
   } else {
      send_error(id_of(structure), VP_CMD_vkCreateAccelerationStructureKHR);
   }
   vps_object_table_finish(&ctx.objects);
}

static void test_structures(void)
{
   static const enum made cases[] = {MADE, POISONED, FAILED};
   struct vp_object buffer = {.id = 503, .type = VK_OBJECT_TYPE_BUFFER};
   const VkAccelerationStructureCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_CREATE_INFO_KHR, .buffer = (VkBuffer)&buffer, .size = 256};
   for (unsigned i = 0; i < 3; i++) {
      VkAccelerationStructureKHR structure;
      CHECK(vp_vkCreateAccelerationStructureKHR(peer_device(&peer), &info, NULL, &structure) == VK_SUCCESS);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkCreateAccelerationStructureKHR));
      make_structure(structure, cases[i]);
      const VkAccelerationStructureDeviceAddressInfoKHR question = {
         .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_DEVICE_ADDRESS_INFO_KHR, .accelerationStructure = structure};
      CHECK(vp_vkGetAccelerationStructureDeviceAddressKHR(peer_device(&peer), &question) ==
            (cases[i] == MADE ? STRUCTURE_ADDRESS : 0));
      vp_vkDestroyAccelerationStructureKHR(peer_device(&peer), structure, NULL);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkDestroyAccelerationStructureKHR));
   }
   memset(peer.conn->failed, 0, sizeof(peer.conn->failed));
}

/* --- the end --- */

/* A description that makes no sense ends the session, and that ends a wait. */
static void test_nonsense(void)
{
   struct making making;
   uint32_t count = 99;
   const uint64_t nonsense[2] = {1, 2};
   const VkPipeline pipeline = create(VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR, MADE, &making);
   pthread_join(making.thread, NULL);
   CHECK(ask_properties(pipeline, &count, NULL) == VK_SUCCESS && count == EXECUTABLES);
   const VkPipeline other = create(VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR, FAILED, &making);
   vps_frame_writer_send(&writer, VP_FRAME_EXECUTABLES, id_of(other), nonsense, sizeof(nonsense), NULL, 0);
   ask_properties(other, &count, NULL);
   pthread_join(making.thread, NULL);
   vps_frame_writer_send(&writer, VP_FRAME_ADDRESS, id_of(pipeline), nonsense, 7, NULL, 0);
   for (unsigned i = 0; i < 1000 && !vp_connection_lost(peer.conn); i++)
      usleep(10000);
   CHECK(vp_connection_lost(peer.conn));
   vp_vkDestroyPipeline(peer_device(&peer), pipeline, NULL);
   vp_vkDestroyPipeline(peer_device(&peer), other, NULL);
}

int main(void)
{
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), respond);
   peer.gpu.properties.properties.limits.maxMemoryAllocationCount = 4096;
   peer.gpu.memory.memoryProperties = (VkPhysicalDeviceMemoryProperties){
      .memoryTypeCount = 2, .memoryHeapCount = 1, .memoryHeaps = {{.size = UINT64_C(1) << 34}}};
   pthread_mutex_init(&peer.device.memory_lock, NULL);
   vp_buffer_rules_init(&peer.device.buffer_rules);
   CHECK(vp_reply_cache_init(&peer.device.cache));
   start_server();
   test_executables();
   test_no_executables();
   test_addresses();
   test_no_addresses();
   test_failed_memory();
   test_structures();
   test_nonsense();
   vp_reply_cache_finish(&peer.device.cache);
   vp_buffer_rules_finish(&peer.device.buffer_rules);
   pthread_mutex_destroy(&peer.device.memory_lock);
   vps_frame_writer_finish(&writer);
   peer_stop(&peer);
   return check_finish();
}
