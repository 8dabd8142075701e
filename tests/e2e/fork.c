/* SPDX-License-Identifier: MIT */
/* Children of fork() while the parent has a device, mapped memory and, with a second argument, threads that use them:
 *
 *   own         each makes an instance of its own and uses it, and the parent goes on
 *   later       the same when the parent has destroyed everything before
 *   inherited   one calls all sorts of things with the parent's objects, and ends by exit(), whose handlers destroy
 * them descriptors one has no other descriptors than the process had before it used Vulkan orphan      one goes on for
 * a while, the parent ends; prints its process id
 *
 * Exit status 0 when all is right. */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/copy.h"

#define ROUNDS 8
#define CHILDREN 2

static struct copier parent;
static pid_t parent_pid;

/* --- threads of the parent that are somewhere in the driver at each fork --- */

static atomic_bool stop;

static void *use_memory(void *data)
{
   struct copier *c = data;
   while (!stop) {
      struct copier other = *c;
      copier_map(&other);
      memset(other.from, 1, COPY_SIZE);
      copier_unmap(&other);
   }
   return NULL;
}

static void *use_queue(void *data)
{
   struct copier *c = data;
   while (!stop)
      vkDeviceWaitIdle(c->gpu.device);
   return NULL;
}

/* --- children --- */

static bool copy_often(struct copier *c, unsigned seed)
{
   bool ok = true;
   for (unsigned round = 0; round < ROUNDS; round++) {
      copier_map(c);
      for (unsigned i = 0; i < 4; i++)
         ok = copier_copies(c, seed + 7 * round + i) && ok;
      copier_unmap(c);
   }
   return ok;
}

static int use_own(unsigned seed)
{
   struct copier own = {0};
   copier_create_device(&own);
   const bool ok = copy_often(&own, seed);
   copier_finish(&own);
   return !ok;
}

static void clean_up(void)
{
   if (getpid() == parent_pid)
      return;
   vkDeviceWaitIdle(parent.gpu.device);
   copier_finish(&parent);
}

/* What the client would ask the server about. */
static void ask_inherited(void)
{
   VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
   VkPhysicalDeviceMemoryProperties2 memory = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
                                               .pNext = &budget};
   const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
   VkFormatProperties format;
   VkImageFormatProperties image;
   VkDevice device;
   uint32_t count = 1;
   VkPhysicalDevice gpu;
   vkGetPhysicalDeviceFormatProperties(parent.gpu.physical, VK_FORMAT_R8G8B8A8_UNORM, &format);
   vkGetPhysicalDeviceMemoryProperties2(parent.gpu.physical, &memory);
   NEED(memory.memoryProperties.memoryTypeCount != 0);
   NEED(vkGetPhysicalDeviceImageFormatProperties(parent.gpu.physical, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D,
                                                 VK_IMAGE_TILING_OPTIMAL, VK_IMAGE_USAGE_TRANSFER_SRC_BIT, 0,
                                                 &image) < 0);
   NEED(vkEnumeratePhysicalDevices(parent.gpu.instance, &count, &gpu) >= 0 && gpu == parent.gpu.physical);
   NEED(vkCreateDevice(parent.gpu.physical, &info, NULL, &device) < 0);
}

static int use_inherited(unsigned seed)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO};
   VkPhysicalDeviceProperties properties;
   VkFence fence = (VkFence)(uintptr_t)1;
   void *data;
   (void)seed;
   NEED(vkCreateFence(parent.gpu.device, &info, NULL, &fence) == VK_ERROR_DEVICE_LOST && !fence);
   NEED(vkQueueSubmit(parent.gpu.queue, 1, &submit, VK_NULL_HANDLE) == VK_ERROR_DEVICE_LOST);
   NEED(vkQueueWaitIdle(parent.gpu.queue) == VK_ERROR_DEVICE_LOST);
   NEED(vkDeviceWaitIdle(parent.gpu.device) == VK_ERROR_DEVICE_LOST);
   vkUnmapMemory(parent.gpu.device, parent.buffers[0].memory);
   NEED(vkMapMemory(parent.gpu.device, parent.buffers[0].memory, 0, VK_WHOLE_SIZE, 0, &data) == VK_ERROR_DEVICE_LOST);
   vkGetPhysicalDeviceProperties(parent.gpu.physical, &properties);
   NEED(properties.apiVersion != 0);
   ask_inherited();
   NEED(parent.from && parent.to);
   memset(parent.from, 0x77, COPY_SIZE);
   memset(parent.to, 0x77, COPY_SIZE);
   exit(0);
}

/* --- descriptors --- */

#define MAX_DESCRIPTORS 256
static bool open_before[MAX_DESCRIPTORS];

static void list_descriptors(bool open[MAX_DESCRIPTORS])
{
   DIR *folder = opendir("/proc/self/fd");
   const struct dirent *entry;
   NEED(folder);
   while ((entry = readdir(folder))) {
      const long number = strtol(entry->d_name, NULL, 10);
      if (entry->d_name[0] != '.' && number != dirfd(folder) && number < MAX_DESCRIPTORS)
         open[number] = true;
   }
   closedir(folder);
}

static int look_at_descriptors(unsigned seed)
{
   bool now[MAX_DESCRIPTORS] = {false};
   (void)seed;
   list_descriptors(now);
   return memcmp(now, open_before, sizeof(now)) != 0;
}

static int outlive(unsigned seed)
{
   (void)seed;
   pause();
   return 1;
}

/* --- the parent --- */

static void start_child(pid_t *child, int (*run)(unsigned seed), unsigned seed)
{
   fflush(NULL);
   *child = fork();
   NEED(*child >= 0);
   if (!*child) {
      const int status = run(seed);
      fflush(NULL);
      _exit(status);
   }
}

static bool wait_for(pid_t child)
{
   int status;
   NEED(waitpid(child, &status, 0) == child);
   if (status)
      printf("a child ended with wait status %#x\n", (unsigned)status);
   return !status;
}

static bool run_children(int (*run)(unsigned seed), bool parent_works)
{
   pid_t children[CHILDREN];
   bool ok = true;
   for (unsigned i = 0; i < CHILDREN; i++)
      start_child(&children[i], run, 100 * (i + 1));
   if (parent_works) {
      struct copier other = parent;
      ok = copy_often(&other, 3);
      if (!ok)
         printf("the parent's copies are wrong\n");
   }
   for (unsigned i = 0; i < CHILDREN; i++)
      ok = wait_for(children[i]) && ok;
   return ok;
}

static bool run_with_threads(int (*run)(unsigned seed))
{
   pthread_t threads[2];
   NEED(!pthread_create(&threads[0], NULL, use_memory, &parent));
   NEED(!pthread_create(&threads[1], NULL, use_queue, &parent));
   bool ok = true;
   for (unsigned i = 0; i < 2; i++)
      ok = run_children(run, false) && ok;
   stop = true;
   for (unsigned i = 0; i < 2; i++)
      pthread_join(threads[i], NULL);
   return ok;
}

static bool is_unchanged(void)
{
   for (VkDeviceSize i = 0; i < COPY_SIZE; i++) {
      if (parent.from[i] != (uint8_t)(1 + i * 13) || parent.to[i] != parent.from[i])
         return false;
   }
   return true;
}

int main(int argc, char **argv)
{
   const char *name = argc > 1 ? argv[1] : "";
   const bool later = !strcmp(name, "later"), inherited = !strcmp(name, "inherited");
   int (*run)(unsigned seed) = use_own;
   parent_pid = getpid();
   list_descriptors(open_before);
   if (inherited) {
      atexit(clean_up);
      run = use_inherited;
   } else if (!strcmp(name, "descriptors")) {
      run = look_at_descriptors;
   }
   copier_create_device(&parent);
   copier_map(&parent);
   NEED(copier_copies(&parent, 1));
   if (!strcmp(name, "orphan")) {
      pid_t child;
      start_child(&child, outlive, 0);
      printf("%d\n", (int)child);
      return 0;
   }
   if (later)
      copier_finish(&parent);
   bool ok = run_children(run, run == use_own && !later);
   if (later)
      return !ok;
   if (argc > 2)
      ok = run_with_threads(run) && ok;
   NEED(is_unchanged());
   NEED(copier_copies(&parent, 2));
   copier_finish(&parent);
   return !ok;
}
