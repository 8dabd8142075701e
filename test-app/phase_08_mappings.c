/* SPDX-License-Identifier: MIT */
/* Phase 8: memory that is mapped, unmapped, mapped again in part and freed, of every type and of great size. */

#include <string.h>

#include "test-app/phase_08_memory.h"

static bool memory_create(struct mapped *f, VkDeviceSize size, uint32_t type, VkBuffer *buffer, VkDeviceMemory *memory)
{
   VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = size,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VkMemoryRequirements needs;
   *buffer = VK_NULL_HANDLE;
   *memory = VK_NULL_HANDLE;
   if (!VK_CHECK(f->test, vkCreateBuffer(f->ctx.device, &info, NULL, buffer)))
      return false;
   vkGetBufferMemoryRequirements(f->ctx.device, *buffer, &needs);
   if (type == UINT32_MAX)
      type = app_memory_type(&f->ctx, needs.memoryTypeBits,
                             VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, 0);
   if (type == UINT32_MAX || !(needs.memoryTypeBits & (1u << type)))
      return false;
   VkMemoryAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = needs.size,
      .memoryTypeIndex = type,
   };
   return VK_CHECK(f->test, vkAllocateMemory(f->ctx.device, &allocate, NULL, memory)) &&
          VK_CHECK(f->test, vkBindBufferMemory(f->ctx.device, *buffer, *memory, 0));
}

static bool copy(struct mapped *f, VkBuffer from, VkBuffer to, VkDeviceSize from_offset, VkDeviceSize to_offset,
                 VkDeviceSize size)
{
   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   if (!commands)
      return false;
   app_cmd_barrier(commands);
   vkCmdCopyBuffer(commands, from, to, 1, &(VkBufferCopy){from_offset, to_offset, size});
   return mapped_run(f, commands, mapped_next_wait(f));
}

/* Contents outlive an unmapping, the device writes while nothing is mapped, and ranges may begin anywhere. */
void mapped_check_remap(struct mapped *f)
{
   enum { LENGTH = 5 * MAPPED_PAGE + 100 };
   struct app_test *t = f->test;
   VkDevice device = f->ctx.device;
   VkBuffer buffer;
   VkDeviceMemory memory;
   uint8_t *map = NULL;
   if (!memory_create(f, LENGTH, UINT32_MAX, &buffer, &memory))
      goto done;
   for (uint32_t round = 0; round < WAIT_KINDS; round++) {
      uint32_t offset = app_random(&f->seed) % (LENGTH - 700);
      VK_TRY(t, vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&map));
      app_random_bytes(&f->seed, f->model_b, LENGTH);
      memcpy(map, f->model_b, LENGTH);
      vkUnmapMemory(device, memory);

      VK_TRY(t, vkMapMemory(device, memory, offset, 700, 0, (void **)&map));
      CHECK_EQ(t, offset % 64, (uintptr_t)map % 64);
      CHECK_BYTES(t, f->model_b + offset, map, 700);
      memset(map + 1, 0x99, 699);
      memset(f->model_b + offset + 1, 0x99, 699);
      vkUnmapMemory(device, memory);

      if (!copy(f, buffer, f->b.handle, 0, 0, LENGTH))
         goto done;
      mapped_compare(f);

      /* Written by the device, first unmapped, then mapped. */
      if (!copy(f, f->a.handle, buffer, 1000, 50, 3000))
         goto done;
      VK_TRY(t, vkMapMemory(device, memory, 0, LENGTH, 0, (void **)&map));
      memcpy(f->model_b + 50, f->model_a + 1000, 3000);
      CHECK_BYTES(t, f->model_b, map, LENGTH);
      if (!copy(f, f->a.handle, buffer, 5000, 9999, 2222))
         goto done;
      memcpy(f->model_b + 9999, f->model_a + 5000, 2222);
      CHECK_BYTES(t, f->model_b, map, LENGTH);
      vkUnmapMemory(device, memory);
      memcpy(f->b.map, f->model_b, LENGTH);
   }
done:
   vkDestroyBuffer(device, buffer, NULL);
   vkFreeMemory(device, memory, NULL);
}

/* Memory freed while it is still mapped; the next one must work as if nothing had been. */
void mapped_check_freed_while_mapped(struct mapped *f)
{
   for (uint32_t round = 0; round < 20; round++) {
      VkBuffer buffer;
      VkDeviceMemory memory;
      void *map = NULL;
      uint32_t size = 1 + app_random(&f->seed) % (4 * MAPPED_PAGE);
      if (memory_create(f, size, UINT32_MAX, &buffer, &memory) &&
          VK_CHECK(f->test, vkMapMemory(f->ctx.device, memory, 0, VK_WHOLE_SIZE, 0, &map))) {
         memset(map, (int)round + 1, size);
         if (copy(f, buffer, f->b.handle, 0, 0, size)) {
            memset(f->model_b, (int)round + 1, size);
            mapped_compare(f);
         }
         memset(map, 0x77, size); /* never used by the device */
      }
      vkDestroyBuffer(f->ctx.device, buffer, NULL);
      vkFreeMemory(f->ctx.device, memory, NULL);
   }
}

/* One host visible type, with the flushes and invalidations that it needs; they are allowed on coherent ones, too. */
static void check_type(struct mapped *f, uint32_t type)
{
   struct app_test *t = f->test;
   VkDevice device = f->ctx.device;
   const uint32_t atom = (uint32_t)f->ctx.properties.limits.nonCoherentAtomSize;
   const uint32_t length = 16 * MAPPED_PAGE;
   VkBuffer buffer;
   VkDeviceMemory memory;
   uint8_t *map = NULL;
   if (!memory_create(f, length, type, &buffer, &memory))
      goto done;
   VK_TRY(t, vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&map));
   VkMappedMemoryRange ranges[2] = {
      {.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .memory = memory, .size = VK_WHOLE_SIZE},
      {.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .memory = memory, .offset = 3 * atom, .size = 5 * atom},
   };
   app_random_bytes(&f->seed, f->model_b, length);
   memcpy(map, f->model_b, length);
   VK_TRY(t, vkFlushMappedMemoryRanges(device, 1, ranges));
   for (uint32_t round = 0; round < WAIT_KINDS; round++) {
      uint32_t offset = 3 * atom + app_random(&f->seed) % (4 * atom);
      app_random_bytes(&f->seed, f->model_b + offset, atom);
      memcpy(map + offset, f->model_b + offset, atom);
      VK_TRY(t, vkFlushMappedMemoryRanges(device, 1, &ranges[1]));
      if (!copy(f, buffer, f->b.handle, 0, 0, length))
         goto done;
      mapped_compare(f);
      if (!copy(f, f->a.handle, buffer, 333, 4 * atom + 1, 2 * atom))
         goto done;
      memcpy(f->model_b + 4 * atom + 1, f->model_a + 333, 2 * atom);
      VK_TRY(t, vkInvalidateMappedMemoryRanges(device, 2, ranges));
      CHECK_BYTES(t, f->model_b, map, length);
      memcpy(f->b.map, f->model_b, length);
   }
   vkUnmapMemory(device, memory);
done:
   vkDestroyBuffer(device, buffer, NULL);
   vkFreeMemory(device, memory, NULL);
}

void mapped_check_types(struct mapped *f)
{
   const VkMemoryPropertyFlags special = VK_MEMORY_PROPERTY_PROTECTED_BIT | VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD |
                                         VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD;
   uint32_t other = 0;
   for (uint32_t type = 0; type < f->ctx.memory.memoryTypeCount; type++) {
      VkMemoryPropertyFlags flags = f->ctx.memory.memoryTypes[type].propertyFlags;
      if (!(flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) || (flags & special))
         continue;
      other += !(flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
      check_type(f, type);
   }
   if (other == 0)
      app_note(f->test, "all host visible memory is coherent");
}

/* 64 MiB mapped: one touched byte, then a few bytes written by the device all over it, then all of it. */
void mapped_check_large(struct mapped *f)
{
   enum { LARGE = 64 << 20, SPOTS = 32 };
   struct app_test *t = f->test;
   VkBuffer buffer;
   VkDeviceMemory memory;
   VkBufferCopy regions[SPOTS];
   uint8_t *map = NULL;
   bool good = true;
   if (!memory_create(f, LARGE, UINT32_MAX, &buffer, &memory))
      goto done;
   VK_TRY(t, vkMapMemory(f->ctx.device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&map));
   map[LARGE / 2 + 1] = 0x42;
   if (!copy(f, buffer, f->b.handle, LARGE / 2 + 1, 17, 1))
      goto done;
   f->model_b[17] = 0x42;
   mapped_compare(f);

   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   TRY(t, commands != VK_NULL_HANDLE);
   vkCmdFillBuffer(commands, buffer, 0, VK_WHOLE_SIZE, 0xc3c3c3c3);
   if (!mapped_run(f, commands, mapped_next_wait(f)))
      goto done;
   for (uint32_t i = 0; i < SPOTS; i++)
      regions[i] = (VkBufferCopy){100 + i, (VkDeviceSize)i * (LARGE / SPOTS) + i * 1237, 1};
   commands = app_commands_begin(&f->ctx);
   TRY(t, commands != VK_NULL_HANDLE);
   vkCmdCopyBuffer(commands, f->a.handle, buffer, SPOTS, regions);
   if (!mapped_run(f, commands, mapped_next_wait(f)))
      goto done;
   for (uint32_t i = 0; i < SPOTS; i++) {
      CHECK_EQ(t, f->model_a[100 + i], map[regions[i].dstOffset]);
      map[regions[i].dstOffset] = 0xc3;
   }
   for (uint32_t i = 0; i < LARGE; i += 8) {
      uint64_t word;
      memcpy(&word, map + i, 8);
      good &= word == UINT64_C(0xc3c3c3c3c3c3c3c3);
   }
   CHECK(t, good);
done:
   vkDestroyBuffer(f->ctx.device, buffer, NULL);
   vkFreeMemory(f->ctx.device, memory, NULL);
}
