/* SPDX-License-Identifier: MIT */
/* A program that does not wait by Vulkan for what the GPU writes: it looks at mapped memory until a flag is there, then
 * at the data that was written before the flag, and sets an event that the same batch waits for. So the batch ends only
 * when the program sees in the middle of it what it has written. Exit status: 0 when all is right. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/copy.h"

#define ROUNDS 12u
#define DATA_SIZE ((VkDeviceSize)32 << 10)
#define PATIENCE 20 /* seconds */

struct place {
   const char *name;
   unsigned data_buffer, flag_buffer;
   VkDeviceSize data, flag;
};

static const struct place places[] = {
   {"the flag is before the data", 0, 0, 4096, 0},    {"the flag is behind the data", 0, 0, 0, DATA_SIZE + 4096},
   {"the flag is right before the data", 0, 0, 8, 0}, {"the flag is in another memory", 0, 1, 0, 0},
   {"the data is in another memory", 1, 0, 0, 0},
};

static void record(VkCommandBuffer commands, const struct copier *c, const struct place *place, const VkEvent *events)
{
   const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_READ_BIT};
   const VkPipelineStageFlags transfer = VK_PIPELINE_STAGE_TRANSFER_BIT, host = VK_PIPELINE_STAGE_HOST_BIT;
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   OK(vkBeginCommandBuffer(commands, &begin));
   for (unsigned round = 0; round < ROUNDS; round++) {
      vkCmdFillBuffer(commands, c->buffers[place->data_buffer].handle, place->data, DATA_SIZE, round + 1);
      vkCmdPipelineBarrier(commands, transfer, transfer | host, 0, 1, &barrier, 0, NULL, 0, NULL);
      vkCmdFillBuffer(commands, c->buffers[place->flag_buffer].handle, place->flag, 4, round + 1);
      vkCmdPipelineBarrier(commands, transfer, transfer | host, 0, 1, &barrier, 0, NULL, 0, NULL);
      vkCmdWaitEvents(commands, 1, &events[round], host, transfer, 0, NULL, 0, NULL, 0, NULL);
   }
   OK(vkEndCommandBuffer(commands));
}

static bool wait_for_flag(const _Atomic uint32_t *flag, uint32_t value)
{
   const time_t end = time(NULL) + PATIENCE;
   while (atomic_load_explicit(flag, memory_order_acquire) < value) {
      if (time(NULL) > end)
         return false;
   }
   return true;
}

static bool check(const struct copier *c, const struct place *place, const VkEvent *events)
{
   uint8_t *const memory[2] = {c->from, c->to};
   const _Atomic uint32_t *flag = (const _Atomic uint32_t *)(memory[place->flag_buffer] + place->flag);
   const volatile uint32_t *data = (const volatile uint32_t *)(memory[place->data_buffer] + place->data);
   bool ok = true;
   for (uint32_t round = 0; round < ROUNDS; round++) {
      if (!wait_for_flag(flag, round + 1)) {
         printf("%s: not seen while the batch runs: %u\n", place->name, round + 1);
         ok = false;
      }
      for (size_t i = 0; ok && i < DATA_SIZE / 4; i++) {
         if (data[i] != round + 1) {
            printf("%s: the flag says %u and the data at %zu is %u\n", place->name, round + 1, i, data[i]);
            ok = false;
         }
      }
      OK(vkSetEvent(c->gpu.device, events[round]));
      if (!ok)
         break;
   }
   return ok;
}

static bool run(struct copier *c, const struct place *place)
{
   const VkEventCreateInfo event = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   const VkCommandBufferAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = c->pool, .commandBufferCount = 1};
   VkCommandBuffer commands;
   VkEvent events[ROUNDS];
   for (unsigned i = 0; i < ROUNDS; i++)
      OK(vkCreateEvent(c->gpu.device, &event, NULL, &events[i]));
   OK(vkAllocateCommandBuffers(c->gpu.device, &allocate, &commands));
   record(commands, c, place, events);
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
   memset(c->from, 0, COPY_SIZE);
   memset(c->to, 0, COPY_SIZE);
   OK(vkQueueSubmit(c->gpu.queue, 1, &submit, VK_NULL_HANDLE));
   const bool ok = check(c, place, events);
   for (unsigned i = 0; i < ROUNDS; i++)
      OK(vkSetEvent(c->gpu.device, events[i])); /* also those that were not waited for */
   OK(vkQueueWaitIdle(c->gpu.queue));
   for (unsigned i = 0; i < ROUNDS; i++)
      vkDestroyEvent(c->gpu.device, events[i], NULL);
   return ok;
}

int main(void)
{
   struct copier c = {0};
   bool ok = true;
   copier_create_device(&c);
   copier_map(&c);
   for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
      ok = run(&c, &places[i]) && ok;
   copier_finish(&c);
   return ok ? 0 : 1;
}
