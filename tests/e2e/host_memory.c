/* SPDX-License-Identifier: MIT */
/* Imports memory of its own (VK_EXT_external_memory_host), lets the GPU read from and write to it, and compares. The
 * memory is also imported twice, shared with others, or partly out of reach.
 * Exit status: 0 when all is right, 77 when the GPU cannot import, 1 otherwise. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

#define SIZE ((VkDeviceSize)(1 << 20))
#define ROUNDS 8
#define PAGE ((size_t)4096)

/* After so many submissions and so much time nobody expects that memory which was quiet is written to. */
#define QUIET_SUBMISSIONS 8
#define QUIET_US 4000

struct world {
   struct gpu gpu;
   VkCommandPool pool;
   VkCommandBuffer commands;
};

struct area {
   const struct world *world;
   uint8_t *host;
   size_t size;
   VkDeviceMemory memory;
   VkBuffer buffer;
};

static bool can_import(VkPhysicalDevice gpu)
{
   VkExtensionProperties extensions[512];
   uint32_t count = 512;
   vkEnumerateDeviceExtensionProperties(gpu, NULL, &count, extensions);
   for (uint32_t i = 0; i < count; i++) {
      if (!strcmp(extensions[i].extensionName, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME))
         return true;
   }
   return false;
}

static void create_device(struct world *w)
{
   const char *extension = VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME;
   gpu_open_device(&w->gpu, NULL, &extension, 1);
   w->commands = gpu_create_commands(&w->gpu, &w->pool);
}

static void create_instance(struct world *w)
{
   gpu_open_instance(&w->gpu);
   if (!can_import(w->gpu.physical)) {
      puts("the GPU cannot import host memory");
      exit(77);
   }
}

static uint32_t importable_types(const struct world *w, const void *host)
{
   const PFN_vkGetMemoryHostPointerPropertiesEXT get = (PFN_vkGetMemoryHostPointerPropertiesEXT)vkGetDeviceProcAddr(
      w->gpu.device, "vkGetMemoryHostPointerPropertiesEXT");
   VkMemoryHostPointerPropertiesEXT properties = {.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
   OK(get(w->gpu.device, VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, host, &properties));
   return properties.memoryTypeBits;
}

static struct area import(const struct world *w, uint8_t *host, size_t size)
{
   struct area area = {.world = w, .host = host, .size = size};
   const VkExternalMemoryBufferCreateInfo external = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
                                                      .handleTypes =
                                                         VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT};
   const VkBufferCreateInfo buffer_info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                           .pNext = &external,
                                           .size = size,
                                           .usage =
                                              VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkMemoryRequirements requirements;
   OK(vkCreateBuffer(w->gpu.device, &buffer_info, NULL, &area.buffer));
   vkGetBufferMemoryRequirements(w->gpu.device, area.buffer, &requirements);
   const uint32_t types = requirements.memoryTypeBits & importable_types(w, area.host);
   const VkImportMemoryHostPointerInfoEXT import = {
      .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
      .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
      .pHostPointer = area.host,
   };
   const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                      .pNext = &import,
                                      .allocationSize = size,
                                      .memoryTypeIndex = types ? (uint32_t)__builtin_ctz(types) : 0};
   OK(vkAllocateMemory(w->gpu.device, &info, NULL, &area.memory));
   OK(vkBindBufferMemory(w->gpu.device, area.buffer, area.memory, 0));
   return area;
}

static struct area create_area(const struct world *w, uint8_t first)
{
   uint8_t *host = aligned_alloc(65536, SIZE);
   if (!host)
      exit(1);
   for (size_t i = 0; i < SIZE; i++)
      host[i] = (uint8_t)(first + i * 7);
   return import(w, host, SIZE);
}

static void destroy_area(const struct area *area)
{
   vkDestroyBuffer(area->world->gpu.device, area->buffer, NULL);
   vkFreeMemory(area->world->gpu.device, area->memory, NULL);
}

static void begin(const struct world *w)
{
   const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   OK(vkBeginCommandBuffer(w->commands, &info));
}

static void submit(const struct world *w)
{
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &w->commands};
   OK(vkEndCommandBuffer(w->commands));
   OK(vkQueueSubmit(w->gpu.queue, 1, &info, VK_NULL_HANDLE));
   OK(vkQueueWaitIdle(w->gpu.queue));
}

static void copy(const struct area *from, const struct area *to, const VkBufferCopy *region)
{
   begin(from->world);
   vkCmdCopyBuffer(from->world->commands, from->buffer, to->buffer, 1, region);
   submit(from->world);
}

/* Both are written by the host each time, and one by the GPU in the middle of what the host wrote. */
static bool test_round(struct area *from, struct area *to, unsigned round)
{
   uint8_t *model = malloc(SIZE);
   if (!model)
      return false;
   const VkBufferCopy region = {.srcOffset = round * 1000 + 3, .dstOffset = round * 5000 + 1, .size = SIZE / 2 + round};
   for (size_t i = round; i < SIZE; i += 4096 + round) {
      from->host[i]++;
      to->host[i] += 3;
   }
   memcpy(model, to->host, SIZE);
   memcpy(model + region.dstOffset, from->host + region.srcOffset, region.size);
   copy(from, to, &region);
   const bool ok = memcmp(model, to->host, SIZE) == 0;
   if (!ok)
      fprintf(stderr, "host_memory: wrong bytes in round %u\n", round);
   free(model);
   return ok;
}

static bool test_plain(const struct world *w)
{
   bool ok = true;
   struct area areas[2] = {create_area(w, 1), create_area(w, 99)};
   for (unsigned round = 0; round < ROUNDS && ok; round++)
      ok = test_round(&areas[round % 2], &areas[1 - round % 2], round);
   void *map;
   OK(vkMapMemory(w->gpu.device, areas[0].memory, 64, VK_WHOLE_SIZE, 0, &map));
   if (map != areas[0].host + 64) {
      fprintf(stderr, "host_memory: imported memory is mapped somewhere else\n");
      ok = false;
   }
   vkUnmapMemory(w->gpu.device, areas[0].memory);
   ok = ok && test_round(&areas[0], &areas[1], 1);
   for (unsigned i = 0; i < 2; i++) {
      destroy_area(&areas[i]);
      free(areas[i].host);
   }
   return ok;
}

/* --- memory that others write to, too --- */

static uint8_t *get_pages(size_t size)
{
   uint8_t *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   if (pages == MAP_FAILED)
      exit(1);
   return pages;
}

/* Whether the GPU sees this value in these bytes of the area. */
static bool sees(const struct area *area, size_t offset, size_t length, uint8_t value, const char *what)
{
   uint8_t *host = get_pages(SIZE);
   const struct area copied = import(area->world, host, SIZE);
   copy(area, &copied, &(VkBufferCopy){.srcOffset = offset, .size = length});
   bool ok = true;
   for (size_t i = 0; i < length && ok; i++)
      ok = host[i] == value;
   if (!ok)
      fprintf(stderr, "host_memory: the GPU sees %u and not %u: %s\n", host[0], value, what);
   destroy_area(&copied);
   munmap(host, SIZE);
   return ok;
}

static void be_quiet(const struct area *area)
{
   for (unsigned i = 0; i < QUIET_SUBMISSIONS; i++) {
      begin(area->world);
      submit(area->world);
      usleep(QUIET_US);
   }
}

/* One GPU writes through one import what it reads through the other. */
static bool test_one_submission(const struct area *a, const struct area *b)
{
   const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT};
   const VkCommandBuffer commands = a->world->commands;
   memset(a->host, 0, SIZE);
   begin(a->world);
   vkCmdFillBuffer(commands, a->buffer, 0, SIZE / 2, 0x11111111);
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &barrier, 0,
                        NULL, 0, NULL);
   vkCmdCopyBuffer(commands, b->buffer, a->buffer, 1, &(VkBufferCopy){.dstOffset = SIZE / 2, .size = SIZE / 2});
   submit(a->world);
   const bool ok = a->host[0] == 0x11 && a->host[SIZE - 1] == 0x11;
   if (!ok)
      fprintf(stderr, "host_memory: an import does not see in time what the GPU wrote through another one\n");
   return ok;
}

/* Both areas are the same memory. */
static bool test_same(const struct area *a, const struct area *b, const char *what)
{
   bool ok = true;
   for (uint8_t round = 1; round < 4 && ok; round++) {
      memset(a->host, round, SIZE);
      be_quiet(a);
      ok = sees(a, 0, SIZE, round, what) && sees(b, 0, SIZE, round, what);
      be_quiet(b);
   }
   begin(a->world);
   vkCmdFillBuffer(a->world->commands, a->buffer, 0, SIZE, 0x63636363);
   submit(a->world);
   return ok && a->host[SIZE - 1] == 0x63 && sees(b, 0, SIZE, 0x63, what);
}

static bool test_imported_twice(const struct world *w, const struct world *other)
{
   uint8_t *host = get_pages(SIZE + SIZE / 2);
   const struct area a = import(w, host, SIZE), b = import(other, host, SIZE), part = import(w, host + SIZE / 2, SIZE);
   bool ok = test_same(&a, &b, w == other ? "imported twice" : "imported by two devices");
   ok = ok && (w != other || test_one_submission(&a, &b));
   memset(host, 9, SIZE);
   ok = ok && sees(&part, 0, SIZE / 2, 9, "imported in parts");
   destroy_area(&a);
   memset(host, 10, SIZE);
   ok = ok && sees(&b, 0, SIZE, 10, "after one import is gone");
   destroy_area(&b);
   destroy_area(&part);
   munmap(host, SIZE + SIZE / 2);
   return ok;
}

static bool test_shared(const struct world *w)
{
   const int file = memfd_create("shared", MFD_CLOEXEC);
   if (file < 0 || ftruncate(file, (off_t)SIZE) < 0)
      return false;
   uint8_t *host = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
           *elsewhere = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
   const struct area area = import(w, host, SIZE);
   memset(host, 1, SIZE);
   bool ok = sees(&area, 0, SIZE, 1, "its own mapping");
   be_quiet(&area);
   memset(elsewhere, 2, SIZE);
   ok = ok && sees(&area, 0, SIZE, 2, "another mapping");
   be_quiet(&area);
   const pid_t child = fork();
   if (child == 0) {
      memset(elsewhere, 3, SIZE);
      _exit(0);
   }
   ok = ok && waitpid(child, NULL, 0) == child && sees(&area, 0, SIZE, 3, "another process");
   be_quiet(&area);
   ok = ok && pwrite(file, "\4\4\4\4", 4, 70000) == 4 && sees(&area, 70000, 4, 4, "write()");
   destroy_area(&area);
   munmap(host, SIZE);
   munmap(elsewhere, SIZE);
   close(file);
   return ok;
}

/* The GPU keeps off the page that cannot be accessed. */
static bool test_out_of_reach(const struct world *w)
{
   const size_t hole = SIZE / 2;
   uint8_t *host = get_pages(SIZE);
   const struct area area = import(w, host, SIZE);
   memset(host, 1, SIZE);
   mprotect(host + hole, PAGE, PROT_NONE);
   bool ok = sees(&area, 0, hole, 1, "a protected page follows");
   mprotect(host + hole, PAGE, PROT_READ | PROT_WRITE);
   ok = ok && sees(&area, 0, SIZE, 1, "a page was protected");
   memset(host, 2, SIZE);
   munmap(host + hole, PAGE);
   ok = ok && sees(&area, 0, hole, 2, "a missing page follows");
   be_quiet(&area);
   host[hole + PAGE] = 3;
   ok = ok && sees(&area, hole + PAGE, 1, 3, "after a missing page");
   munmap(host, SIZE);
   be_quiet(&area);
   destroy_area(&area);
   return ok;
}

static bool watch_pages(int fd, uint8_t *pages, size_t size)
{
   struct uffdio_register range = {.range = {(uintptr_t)pages, size}, .mode = UFFDIO_REGISTER_MODE_WP};
   if (ioctl(fd, UFFDIO_REGISTER, &range) == 0)
      return true;
   perror("host_memory: the application cannot watch its own memory");
   return false;
}

/* Some memory managers watch their own pages: many before they are imported, or a few after that. */
static bool test_own_userfaultfd(const struct world *w, bool before)
{
   const size_t size = before ? SIZE : 16 * PAGE;
   const int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */);
   struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP};
   if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0)
      return true;
   uint8_t *host = get_pages(size);
   bool ok = !before || watch_pages(fd, host, size);
   const struct area area = import(w, host, size);
   memset(host, 1, size);
   ok = ok && sees(&area, 0, size, 1, "the application can watch it") && (before || watch_pages(fd, host, size));
   be_quiet(&area);
   memset(host, 2, size);
   ok = ok && sees(&area, 0, size, 2, "the application watches it");
   destroy_area(&area);
   munmap(host, size);
   close(fd);
   return ok;
}

int main(void)
{
   struct world w = {0};
   create_instance(&w);
   struct world other = w;
   create_device(&w);
   create_device(&other);
   const bool ok = test_plain(&w) && test_imported_twice(&w, &w) && test_imported_twice(&w, &other) &&
                   test_shared(&w) && test_out_of_reach(&w) && test_own_userfaultfd(&w, false) &&
                   test_own_userfaultfd(&w, true);
   vkDestroyCommandPool(w.gpu.device, w.pool, NULL);
   vkDestroyCommandPool(other.gpu.device, other.pool, NULL);
   vkDestroyDevice(other.gpu.device, NULL);
   gpu_close(&w.gpu);
   return ok ? 0 : 1;
}
