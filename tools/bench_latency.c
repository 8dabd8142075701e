/* SPDX-License-Identifier: MIT */

/* venus-bench latency: time of calls that an application waits for. */

#include <stdint.h>
#include <stdio.h>

#include "tools/bench_calls.h"

static void empty_submit(const struct calls *calls)
{
   const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO};
   VK(vkQueueSubmit(calls->on.queue, 1, &submit, calls->slot.fence));
}

static void wait_for_fence(const struct calls *calls)
{
   empty_submit(calls);
   VK(vkWaitForFences(calls->on.device, 1, &calls->slot.fence, VK_TRUE, UINT64_MAX));
   VK(vkResetFences(calls->on.device, 1, &calls->slot.fence));
}

static void wait_idle(const struct calls *calls)
{
   empty_submit(calls);
   VK(vkQueueWaitIdle(calls->on.queue));
   VK(vkResetFences(calls->on.device, 1, &calls->slot.fence));
}

static void fence_status(const struct calls *calls)
{
   if (vkGetFenceStatus(calls->on.device, calls->slot.fence) != VK_NOT_READY)
      bench_die("vkGetFenceStatus", 0);
}

static void format_properties(const struct calls *calls)
{
   VkFormatProperties properties;
   vkGetPhysicalDeviceFormatProperties(calls->on.gpu, VK_FORMAT_R8G8B8A8_UNORM, &properties);
   if (!properties.optimalTilingFeatures)
      bench_die("vkGetPhysicalDeviceFormatProperties", 0);
}

static void image_format_properties(const struct calls *calls)
{
   VkImageFormatProperties properties;
   VK(vkGetPhysicalDeviceImageFormatProperties(calls->on.gpu, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D,
                                               VK_IMAGE_TILING_OPTIMAL, VK_IMAGE_USAGE_SAMPLED_BIT, 0, &properties));
}

static void new_buffer(const struct calls *calls)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 4096, .usage = VK_BUFFER_USAGE_VERTEX_BUFFER_BIT};
   VkMemoryRequirements requirements;
   VkBuffer buffer;
   VK(vkCreateBuffer(calls->on.device, &info, NULL, &buffer));
   vkGetBufferMemoryRequirements(calls->on.device, buffer, &requirements);
   vkDestroyBuffer(calls->on.device, buffer, NULL);
}

static void new_image(const struct calls *calls)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {64, 64, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT,
   };
   VkMemoryRequirements requirements;
   VkImage image;
   VK(vkCreateImage(calls->on.device, &info, NULL, &image));
   vkGetImageMemoryRequirements(calls->on.device, image, &requirements);
   vkDestroyImage(calls->on.device, image, NULL);
}

static const struct {
   const char *name;
   void (*call)(const struct calls *calls);
} latency_cases[] = {
   {"empty submit, vkWaitForFences", wait_for_fence},
   {"empty submit, vkQueueWaitIdle", wait_idle},
   {"vkGetFenceStatus", fence_status},
   {"vkGetPhysicalDeviceFormatProperties", format_properties},
   {"vkGetPhysicalDeviceImageFormatProperties", image_format_properties},
   {"buffer: create, ask for memory requirements, destroy", new_buffer},
   {"image: the same", new_image},
};
#define LATENCY_CASES (sizeof(latency_cases) / sizeof(latency_cases[0]))
#define LATENCY_RUNS 501

static void run_latency(struct calls *calls)
{
   for (unsigned i = 0; i < LATENCY_CASES; i++) {
      double times[LATENCY_RUNS];
      const double start = bench_now(CLOCK_MONOTONIC);
      latency_cases[i].call(calls);
      const double first = bench_now(CLOCK_MONOTONIC) - start;
      for (unsigned k = 0; k < LATENCY_RUNS; k++) {
         const double begin = bench_now(CLOCK_MONOTONIC);
         latency_cases[i].call(calls);
         times[k] = bench_now(CLOCK_MONOTONIC) - begin;
      }
      printf("  {\"name\": \"%s\", \"first_ns\": %.0f, \"ns\": %.0f}%s\n", latency_cases[i].name, first,
             bench_median(times, LATENCY_RUNS), i + 1 < LATENCY_CASES ? "," : "");
   }
}

void bench_latency(void)
{
   calls_run(run_latency);
}
