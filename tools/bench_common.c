/* SPDX-License-Identifier: MIT */
#include "tools/bench.h"

#include <dirent.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

void bench_die(const char *what, long result)
{
   fprintf(stderr, "venus-bench: %s failed: %ld\n", what, result);
   exit(1);
}

void bench_check(VkResult result, const char *what)
{
   if (result != VK_SUCCESS)
      bench_die(what, result);
}

double bench_now(clockid_t clock)
{
   struct timespec t;
   clock_gettime(clock, &t);
   return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
   const double x = *(const double *)a, y = *(const double *)b;
   return (x > y) - (x < y);
}

double bench_median(double *values, unsigned count)
{
   qsort(values, count, sizeof(*values), compare_doubles);
   return values[count / 2];
}

static void add_traffic(int fd, struct bench_traffic *traffic)
{
   struct tcp_info info;
   socklen_t size = sizeof(info);

   if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
      return; /* something else than a connection */
   if (size < offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof(info.tcpi_bytes_retrans))
      bench_die("counting bytes, which needs Linux 4.19,", (long)size);
   traffic->sent += info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
   traffic->received += info.tcpi_bytes_received;
}

struct bench_traffic bench_traffic(void)
{
   struct bench_traffic traffic = {0};
   DIR *files = opendir("/proc/self/fd");
   const struct dirent *entry;

   if (!files)
      bench_die("opening /proc/self/fd", 0);
   while ((entry = readdir(files)))
      add_traffic((int)strtol(entry->d_name, NULL, 10), &traffic);
   closedir(files);
   return traffic;
}

void bench_device_init(struct bench_device *device)
{
   const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .pApplicationName = "venus-bench", .apiVersion = VK_API_VERSION_1_3};
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                               .pApplicationInfo = &application};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   VkPhysicalDeviceVulkan13Features features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
                                                .dynamicRendering = VK_TRUE};
   const VkDeviceCreateInfo device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &features,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue_info,
   };
   uint32_t count = 1;

   VK(vkCreateInstance(&instance_info, NULL, &device->instance));
   const VkResult result = vkEnumeratePhysicalDevices(device->instance, &count, &device->gpu);
   if (result < 0 || count == 0)
      bench_die("finding a GPU", result);
   vkGetPhysicalDeviceProperties(device->gpu, &device->properties);
   VK(vkCreateDevice(device->gpu, &device_info, NULL, &device->device));
   vkGetDeviceQueue(device->device, 0, 0, &device->queue);
}

void bench_device_finish(struct bench_device *device)
{
   vkDestroyDevice(device->device, NULL);
   vkDestroyInstance(device->instance, NULL);
}
