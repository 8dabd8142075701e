/* SPDX-License-Identifier: MIT */
/* Threads that are cancelled (pthread_cancel) while they are inside a Vulkan call; others must be able to go on with
 * the device. Prints what became of each, which is the same on each driver: waiting for the GPU can be cancelled, and
 * nothing else. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/e2e/copy.h"

#define ROUNDS 2

static struct copier c;
static VkFence never; /* one for each round: other drivers leave its lock behind */
static atomic_bool started, stop;

static void *wait_for_fence(void *data)
{
   (void)data;
   started = true;
   vkWaitForFences(c.gpu.device, 1, &never, VK_TRUE, UINT64_MAX);
   return NULL;
}

/* It does not want to be cancelled. */
static void *wait_disabled(void *data)
{
   (void)data;
   pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
   started = true;
   while (!stop)
      vkWaitForFences(c.gpu.device, 1, &never, VK_TRUE, 1000000);
   return NULL;
}

static void *submit(void *data)
{
   VkQueue queue = c.gpu.queue;
   const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO};
   (void)data;
   started = true;
   while (!stop)
      vkQueueSubmit(queue, 1, &info, VK_NULL_HANDLE);
   return NULL;
}

static void *create(void *data)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 4096, .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT};
   (void)data;
   started = true;
   while (!stop) {
      VkBuffer buffer;
      if (vkCreateBuffer(c.gpu.device, &info, NULL, &buffer) == VK_SUCCESS)
         vkDestroyBuffer(c.gpu.device, buffer, NULL);
   }
   return NULL;
}

static void *map(void *data)
{
   struct copier other = c;
   (void)data;
   started = true;
   while (!stop) {
      copier_map(&other);
      copier_unmap(&other);
   }
   return NULL;
}

/* More than a driver keeps to itself. */
static void *record(void *data)
{
   static const uint8_t bytes[COPY_SIZE];
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   VkCommandPool pool;
   VkCommandBuffer commands;
   (void)data;
   OK(vkCreateCommandPool(c.gpu.device, &pool_info, NULL, &pool));
   const VkCommandBufferAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
   OK(vkAllocateCommandBuffers(c.gpu.device, &allocation, &commands));
   started = true;
   while (!stop) {
      OK(vkBeginCommandBuffer(commands, &begin));
      for (unsigned i = 0; i < 150; i++)
         vkCmdUpdateBuffer(commands, c.buffers[1].handle, 0, COPY_SIZE, bytes);
      OK(vkResetCommandPool(c.gpu.device, pool, 0));
   }
   vkDestroyCommandPool(c.gpu.device, pool, NULL);
   return NULL;
}

/* Questions that the client cannot answer by itself. */
static void *ask(void *data)
{
   VkDeviceSize size;
   (void)data;
   started = true;
   while (!stop)
      vkGetDeviceMemoryCommitment(c.gpu.device, c.buffers[0].memory, &size);
   return NULL;
}

static bool run(void *(*function)(void *), unsigned round)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   pthread_t thread;
   void *result;
   OK(vkCreateFence(c.gpu.device, &info, NULL, &never));
   started = stop = false;
   NEED(!pthread_create(&thread, NULL, function, NULL));
   while (!started)
      usleep(100);
   usleep(20000);
   pthread_cancel(thread);
   usleep(10000);                                            /* it goes on, or has ended somewhere */
   bool ok = function == submit || copier_copies(&c, round); /* there is one queue */
   stop = true;
   NEED(!pthread_join(thread, &result));
   ok = copier_copies(&c, round + 1) && ok;
   printf("  %s, the others go on%s\n", result == PTHREAD_CANCELED ? "cancelled" : "ended by itself",
          ok ? "" : " with wrong data");
   return ok;
}

int main(void)
{
   static const struct {
      const char *name;
      void *(*function)(void *);
   } cases[] = {
      {"waiting", wait_for_fence},
      {"waiting, without cancellation", wait_disabled},
      {"creating", create},
      {"mapping", map},
      {"asking", ask},
      {"recording", record},
      {"submitting", submit},
   };
   bool ok = true;
   copier_create_device(&c);
   copier_map(&c);
   for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
      printf("%s\n", cases[i].name);
      for (unsigned round = 0; round < ROUNDS; round++)
         ok = run(cases[i].function, round) && ok;
   }
   fflush(stdout);
   _exit(!ok); /* the end of such a device is not the question */
}
