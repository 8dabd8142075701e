/* SPDX-License-Identifier: MIT */

/* Mapped memory begins as zeros, whatever the driver has given, and what nobody uses takes no memory; memory that
 * cannot be mapped is said to be so. On a driver whose memory is the test's. */

#include <inttypes.h>
#include <sys/mman.h>

#include "server/core/device.h"
#include "server/memory/memory.h"
#include "server/memory/zero.h"
#include "tests/unit/null_session.h"

#define PAGE ((size_t)4096)
#define SIZE ((size_t)64 << 20)

/* --- the driver's memory --- */

/* With a page before and behind it that nobody can use, so that the kernel lists it alone. */
static uint8_t *create(int flags)
{
   uint8_t *all = mmap(NULL, SIZE + 2 * PAGE, PROT_NONE, MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
   if (all == MAP_FAILED || mprotect(all + PAGE, SIZE, PROT_READ | PROT_WRITE) != 0)
      abort();
   madvise(all + PAGE, SIZE, MADV_NOHUGEPAGE);
   return all + PAGE;
}

static void destroy(uint8_t *memory)
{
   munmap(memory - PAGE, SIZE + 2 * PAGE);
}

/* Bytes of RAM, as the kernel counts them. */
static size_t count_used(const uint8_t *memory)
{
   FILE *maps = fopen("/proc/self/smaps", "re");
   char line[512];
   uintptr_t start;
   bool is_here = false;
   size_t kib = SIZE_MAX;

   while (maps && fgets(line, sizeof(line), maps) && !(is_here && sscanf(line, "Rss: %zu", &kib) == 1)) {
      if (sscanf(line, "%" SCNxPTR "-", &start) == 1 && strchr(line, '-') < line + 17)
         is_here = start == (uintptr_t)memory;
   }
   if (maps)
      fclose(maps);
   return kib == SIZE_MAX ? kib : kib << 10;
}

/* Whether to read a page that nobody has used takes memory: some kernels have no page of zeros to show in its place. */
static bool reading_takes_memory;

static bool is_zero(const uint8_t *memory)
{
   for (size_t i = 0; i < SIZE; i += sizeof(uint64_t)) {
      if (*(const uint64_t *)(const void *)(memory + i))
         return false;
   }
   return true;
}

static void find_out_what_reading_takes(void)
{
   uint8_t *memory = create(MAP_PRIVATE);
   CHECK(is_zero(memory));
   reading_takes_memory = count_used(memory) > 0;
   if (reading_takes_memory)
      puts("this kernel has no page of zeros: what nobody uses takes memory once it is read");
   destroy(memory);
}

/* Where reading takes memory all of it has been read. */
static bool uses(const uint8_t *memory, size_t least, size_t most)
{
   const size_t used = count_used(memory);
   return reading_takes_memory ? used == SIZE : least <= used && used <= most;
}

/* --- alone --- */

static void test_private(void)
{
   uint8_t *memory = create(MAP_PRIVATE);
   vps_zero(memory, SIZE);
   CHECK(uses(memory, 0, 0));

   memory[0] = 1;
   memory[PAGE - 1] = 2;
   memset(memory + 5 * PAGE + 100, 3, 3 * PAGE);
   memory[SIZE - 1] = 4;
   CHECK(uses(memory, 6 * PAGE, 6 * PAGE));
   vps_zero(memory, SIZE);
   CHECK(is_zero(memory));
   CHECK(uses(memory, 6 * PAGE, 6 * PAGE));
   destroy(memory);
}

/* A part of it that begins and ends anywhere. */
static void test_part(void)
{
   uint8_t *memory = create(MAP_PRIVATE);
   const size_t start = 3 * PAGE + 7, size = ((size_t)2 << 20) + 100;
   memset(memory, 1, start + size + PAGE);
   vps_zero(memory + start, size);
   CHECK(memory[start - 1] == 1 && memory[start + size] == 1);
   memset(memory, 0, start);
   memset(memory + start + size, 0, PAGE);
   CHECK(is_zero(memory));
   memory[1] = memory[3] = 1;
   vps_zero(memory + 1, 1);
   CHECK(memory[1] == 0 && memory[3] == 1);
   destroy(memory);
}

static void test_shared(void)
{
   uint8_t *memory = create(MAP_SHARED);
   memset(memory + 5 * PAGE, 3, 3 * PAGE);
   vps_zero(memory, SIZE);
   CHECK(is_zero(memory));
   destroy(memory);
}

/* --- in the server --- */

enum { MEMORY = FIRST_OBJECT, BUFFER };

static uint8_t *driver_memory;

static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                               const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
   const VkMemoryAllocateInfo less = {.sType = info->sType, .allocationSize = PAGE, .memoryTypeIndex = 1};
   return null_vkAllocateMemory(device, &less, allocator, memory);
}

static VKAPI_ATTR VkResult VKAPI_CALL map(VkDevice device, VkDeviceMemory memory, VkDeviceSize offset,
                                          VkDeviceSize size, VkMemoryMapFlags flags, void **data)
{
   (void)device, (void)memory, (void)offset, (void)size, (void)flags;
   *data = driver_memory;
   return VK_SUCCESS;
}

static void allocate_memory(uint32_t type)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = SIZE, .memoryTypeIndex = type};
   VkDeviceMemory memory = OBJECT(VkDeviceMemory, MEMORY);
   DO(vkAllocateMemory, .device = OBJECT(VkDevice, DEVICE), .pAllocateInfo = &info, .pMemory = &memory);
}

/* Zeros when something is bound to it, and when the client has written to it before. What the kernel says about it is
 * asked only where the CPU plays the GPU. */
static void test_mapping(bool is_processor, bool written)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 64, .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   const size_t used = 2 * PAGE;
   VkBuffer buffer = OBJECT(VkBuffer, BUFFER);

   ((struct vps_device *)vps_object_find(&ctx.objects, objects[DEVICE].id)->state)->is_processor = is_processor;
   driver_memory = create(MAP_PRIVATE);
   memset(driver_memory + 10 * PAGE, 0x77, used); /* of another program's */
   allocate_memory(1);
   DO(vkMapMemoryVP, .device = OBJECT(VkDevice, DEVICE), .memory = OBJECT(VkDeviceMemory, MEMORY), .fresh = VK_TRUE);
   CHECK(count_used(driver_memory) == used);
   DO(vkCreateBuffer, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pBuffer = &buffer);
   if (written) {
      const uint64_t change[3] = {8, 8, 0x1122334455667788};
      struct vps_memory *memory;
      CHECK(vps_memory_find(&ctx, objects[MEMORY].id, &memory));
      CHECK(!vps_memory_receive(memory, (const void *)change, sizeof(change)));
      CHECK(memcmp(driver_memory + 8, &change[2], 8) == 0);
      memset(driver_memory + 8, 0, 8);
   }
   DO(vkBindBufferMemory, .device = OBJECT(VkDevice, DEVICE), .buffer = buffer,
      .memory = OBJECT(VkDeviceMemory, MEMORY));
   CHECK(is_zero(driver_memory));
   CHECK(is_processor ? uses(driver_memory, 0, used + PAGE) : count_used(driver_memory) == SIZE);
   DO(vkDestroyBuffer, .device = OBJECT(VkDevice, DEVICE), .buffer = buffer);
   DO(vkFreeMemory, .device = OBJECT(VkDevice, DEVICE), .memory = OBJECT(VkDeviceMemory, MEMORY));
   destroy(driver_memory);
}

int main(void)
{
   find_out_what_reading_takes();
   test_private();
   test_part();
   test_shared();
   session_open();
   struct vps_device *device = vps_object_find(&ctx.objects, objects[DEVICE].id)->state;
   device->functions.AllocateMemory = allocate;
   device->functions.MapMemory = map;
   test_mapping(true, false);
   test_mapping(true, true);
   test_mapping(false, false);
   test_mapping(false, true);
   session_close();
   return check_finish();
}
