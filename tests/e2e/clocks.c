/* SPDX-License-Identifier: MIT */
/* The clocks of a GPU that has the same one as the program, as a software GPU on this machine has: each of its times
 * lies between two times of the program's, as exactly as is said, and what the GPU writes lies between those.
 * Prints the domains. Exit status: 77 when the GPU has no clock of its own to be read. */
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "tests/e2e/gpu.h"

#define ROUNDS 20
#define MAX_DOMAINS 16

static struct gpu gpu;
static VkCommandPool pool;
static VkCommandBuffer commands;
static VkQueryPool query;
static PFN_vkGetCalibratedTimestampsEXT read_clocks;

static bool is_offered(void)
{
   static VkExtensionProperties properties[512];
   uint32_t count = 512;
   NEED(vkEnumerateDeviceExtensionProperties(gpu.physical, NULL, &count, properties) >= 0);
   for (uint32_t i = 0; i < count; i++) {
      if (!strcmp(properties[i].extensionName, VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME))
         return true;
   }
   return false;
}

/* Prints them; whether there is the GPU's, and the program's. */
static bool print_domains(void)
{
   const PFN_vkGetPhysicalDeviceCalibrateableTimeDomainsEXT get =
      (PFN_vkGetPhysicalDeviceCalibrateableTimeDomainsEXT)vkGetInstanceProcAddr(
         gpu.instance, "vkGetPhysicalDeviceCalibrateableTimeDomainsEXT");
   VkTimeDomainEXT domains[MAX_DOMAINS];
   uint32_t count = MAX_DOMAINS, known = 0;
   NEED(get && get(gpu.physical, &count, domains) == VK_SUCCESS);
   for (uint32_t i = 0; i < count; i++) {
      printf("time domain %d\n", (int)domains[i]);
      known += domains[i] == VK_TIME_DOMAIN_DEVICE_EXT || domains[i] == VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT;
   }
   return known == 2;
}

static uint64_t own_time(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t gpu_time(void)
{
   static const VkCalibratedTimestampInfoEXT infos[] = {
      {VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_EXT, NULL, VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT},
      {VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_EXT, NULL, VK_TIME_DOMAIN_DEVICE_EXT},
   };
   uint64_t times[2], deviation = 0;
   const uint64_t before = own_time();
   OK(read_clocks(gpu.device, 2, infos, times, &deviation));
   const uint64_t after = own_time();
   NEED(deviation > 0 && deviation <= after - before + 1000000);
   for (unsigned i = 0; i < 2; i++)
      NEED(times[i] >= before - (i ? deviation : 0) && times[i] <= after + (i ? deviation : 0));
   NEED((times[0] > times[1] ? times[0] - times[1] : times[1] - times[0]) <= deviation);
   return times[1];
}

/* When the GPU executes commands. */
static uint64_t batch_time(void)
{
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
   uint64_t ticks;
   OK(vkBeginCommandBuffer(commands, &begin));
   vkCmdResetQueryPool(commands, query, 0, 1);
   vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, query, 0);
   OK(vkEndCommandBuffer(commands));
   OK(vkQueueSubmit(gpu.queue, 1, &submit, VK_NULL_HANDLE));
   OK(vkQueueWaitIdle(gpu.queue));
   OK(vkGetQueryPoolResults(gpu.device, query, 0, 1, sizeof(ticks), &ticks, sizeof(ticks), VK_QUERY_RESULT_64_BIT));
   return ticks;
}

int main(void)
{
   static const char *const extension = VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME;
   const VkQueryPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP, .queryCount = 1};
   gpu_open_instance(&gpu);
   if (!is_offered() || !print_domains()) {
      puts("the GPU's clock cannot be compared with the program's");
      return 77;
   }
   gpu_open_device(&gpu, NULL, &extension, 1);
   read_clocks = (PFN_vkGetCalibratedTimestampsEXT)vkGetDeviceProcAddr(gpu.device, "vkGetCalibratedTimestampsEXT");
   NEED(read_clocks);
   commands = gpu_create_commands(&gpu, &pool);
   OK(vkCreateQueryPool(gpu.device, &info, NULL, &query));
   for (unsigned i = 0; i < ROUNDS; i++) {
      const uint64_t before = gpu_time(), during = batch_time(), after = gpu_time();
      NEED(before <= during && during <= after);
   }
   vkDestroyQueryPool(gpu.device, query, NULL);
   vkDestroyCommandPool(gpu.device, pool, NULL);
   gpu_close(&gpu);
   return 0;
}
