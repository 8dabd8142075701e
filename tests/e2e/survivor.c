/* SPDX-License-Identifier: MIT */
/* A device on each of two GPUs, of which each is another server's: when one server dies, its device is lost, and the
 * other goes on.
 *
 * Prints "ready" when both have done something, then waits for a line, which says that the server of the first GPU has
 * died. Exit status 0: that is all that it has taken. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "tests/e2e/gpu.h"

#define SIZE 65536
#define ROUNDS 20
#define TRIES 1000

struct side {
   struct gpu gpu;
   struct gpu_buffer buffer;
   VkCommandPool pool;
   VkCommandBuffer commands;
};

static void open_side(struct side *side, VkInstance instance, VkPhysicalDevice physical)
{
   side->gpu = (struct gpu){.instance = instance, .physical = physical};
   gpu_open_device(&side->gpu, NULL, NULL, 0);
   side->buffer = gpu_map_buffer(&side->gpu, SIZE, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   side->commands = gpu_create_commands(&side->gpu, &side->pool);
}

static void close_side(struct side *side)
{
   gpu_free_buffer(&side->gpu, &side->buffer);
   vkDestroyCommandPool(side->gpu.device, side->pool, NULL);
   vkDestroyDevice(side->gpu.device, NULL);
}

/* Fills the buffer with a number and sees it. */
static void work(const struct side *side, uint32_t number)
{
   const uint32_t *seen = side->buffer.data;
   gpu_begin(side->commands);
   vkCmdFillBuffer(side->commands, side->buffer.handle, 0, SIZE, number);
   gpu_run(&side->gpu, side->commands);
   for (uint32_t i = 0; i < SIZE / sizeof(number); i++)
      NEED(seen[i] == number);
}

static VkResult submit_nothing(const struct side *side)
{
   const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO};
   const VkResult result = vkQueueSubmit(side->gpu.queue, 1, &submit, VK_NULL_HANDLE);
   return result ? result : vkQueueWaitIdle(side->gpu.queue);
}

/* The processes of a server that is killed end one after another. */
static VkResult submit_until_lost(const struct side *side)
{
   const struct timespec pause = {.tv_nsec = 20000000};
   VkResult result = VK_SUCCESS;
   for (unsigned i = 0; i < TRIES && result == VK_SUCCESS; i++) {
      result = submit_nothing(side);
      nanosleep(&pause, NULL);
   }
   return result;
}

int main(void)
{
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_API_VERSION_1_3};
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                      .pApplicationInfo = &application};
   VkPhysicalDevice gpus[2];
   VkInstance instance;
   struct side dying, other;
   uint32_t count = 2;
   char line[16];

   OK(vkCreateInstance(&info, NULL, &instance));
   OK(vkEnumeratePhysicalDevices(instance, &count, gpus));
   NEED(count == 2);
   open_side(&dying, instance, gpus[0]);
   open_side(&other, instance, gpus[1]);
   work(&dying, 1);
   work(&other, 2);
   puts("ready");
   fflush(stdout);
   NEED(fgets(line, sizeof(line), stdin));

   NEED(submit_until_lost(&dying) == VK_ERROR_DEVICE_LOST);
   for (uint32_t i = 0; i < ROUNDS; i++)
      work(&other, 3 + i);
   close_side(&dying);
   work(&other, 100);

   /* What there is to be asked of a GPU that has gone does not end the program. */
   VkPhysicalDeviceProperties properties;
   vkGetPhysicalDeviceProperties(gpus[0], &properties);
   struct side again = {.gpu = {.instance = instance, .physical = gpus[1]}};
   open_side(&again, instance, gpus[1]);
   work(&again, 7);
   close_side(&again);
   close_side(&other);
   vkDestroyInstance(instance, NULL);
   puts("the other goes on");
   return 0;
}
