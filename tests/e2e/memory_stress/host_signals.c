/* SPDX-License-Identifier: MIT */
/* A submission waits on the GPU's queue until the host has written what it reads, and says so by a semaphore or an
 * event. With an event also the other way round: the GPU tells the host in the middle of a submission that something
 * is there. */
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define SLOT 20000u /* bytes; two for the host to write, two for the GPU */
#define SIZE 80000u

struct host_signals {
   struct mirror mirror;
   VkSemaphore semaphore;
   uint64_t semaphore_value;
   VkEvent go, told; /* set by the host; set by the GPU */
};

/* Copies anything of a slot of the host to one of the GPU. */
static VkBufferCopy record_copy(struct worker *w, struct host_signals *state, uint32_t slot)
{
   const uint32_t size = 1 + below(&w->random, SLOT);
   const VkBufferCopy copy = {
      .srcOffset = slot * SLOT + below(&w->random, SLOT - size + 1),
      .dstOffset = (2 + slot) * SLOT + below(&w->random, SLOT - size + 1),
      .size = size,
   };
   const VkBuffer buffer = state->mirror.area.buffer;
   gpu_copy(w, buffer, copy.srcOffset, buffer, copy.dstOffset, size);
   return copy;
}

static void apply_copy(struct host_signals *state, const VkBufferCopy *copy)
{
   memcpy(state->mirror.model + copy->dstOffset, state->mirror.model + copy->srcOffset, copy->size);
}

/* The GPU, or the driver, often waits already. */
static void pause_a_moment(struct worker *w)
{
   if (one_in(&w->random, 2))
      pause_ns(below(&w->random, 2000000));
}

static void finish(struct worker *w, struct host_signals *state)
{
   gpu_wait(w);
   mirror_compare(w, &state->mirror, "what a waiting submission copied");
   gpu_recycle(w);
}

static void round_semaphore(struct worker *w, struct host_signals *state)
{
   const uint64_t value = ++state->semaphore_value;
   const VkSemaphoreSignalInfo signal = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = state->semaphore,
      .value = value,
   };
   gpu_begin(w);
   const VkBufferCopy copy = record_copy(w, state, 0);
   gpu_submit_after(w, state->semaphore, value);
   pause_a_moment(w);
   mirror_change(w, &state->mirror, 0, SLOT);
   MUST(w->world, vkSignalSemaphore(w->world->device, &signal));
   apply_copy(state, &copy);
   finish(w, state);
}

static void record_wait(struct worker *w, const struct host_signals *state)
{
   const VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_HOST_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT,
   };
   vkCmdWaitEvents(w->commands, 1, &state->go, VK_PIPELINE_STAGE_HOST_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 1, &barrier,
                   0, NULL, 0, NULL);
}

static void wait_until_told(struct worker *w, const struct host_signals *state)
{
   const int64_t deadline = now_ns() + (int64_t)WAIT_NS;
   VkResult result;
   while ((result = vkGetEventStatus(w->world->device, state->told)) == VK_EVENT_RESET) {
      if (now_ns() > deadline)
         give_up(w->world, "waiting for an event of the GPU", result);
      pause_ns(50000);
   }
   if (result != VK_EVENT_SET)
      give_up(w->world, "vkGetEventStatus", result);
}

static void round_events(struct worker *w, struct host_signals *state)
{
   const size_t third = 2 * (size_t)SLOT;
   gpu_begin(w);
   const VkBufferCopy early = record_copy(w, state, 0);
   vkCmdSetEvent(w->commands, state->told, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
   record_wait(w, state);
   const VkBufferCopy late = record_copy(w, state, 1);
   gpu_submit(w);
   apply_copy(state, &early);
   wait_until_told(w, state);
   compare(w, "what the GPU told of by an event", state->mirror.model + third, state->mirror.area.map + third, SLOT,
           third);
   pause_a_moment(w);
   mirror_change(w, &state->mirror, SLOT, SLOT);
   MUST(w->world, vkSetEvent(w->world->device, state->go));
   apply_copy(state, &late);
   finish(w, state);
   MUST(w->world, vkResetEvent(w->world->device, state->go));
   MUST(w->world, vkResetEvent(w->world->device, state->told));
}

static void host_signals_round(struct worker *w)
{
   struct host_signals *state = w->part_state;
   mirror_change(w, &state->mirror, 0, SIZE);
   if (one_in(&w->random, 2)) {
      round_semaphore(w, state);
      return;
   }
   pthread_mutex_lock(&w->world->query_lock);
   round_events(w, state);
   pthread_mutex_unlock(&w->world->query_lock);
}

static void *host_signals_create(struct world *world, uint64_t *random)
{
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   const VkEventCreateInfo event = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   struct host_signals *state = must_alloc(sizeof(*state));
   mirror_create(world, &state->mirror, SIZE, COPY_USAGE, random);
   MUST(world, vkCreateSemaphore(world->device, &semaphore, NULL, &state->semaphore));
   MUST(world, vkCreateEvent(world->device, &event, NULL, &state->go));
   MUST(world, vkCreateEvent(world->device, &event, NULL, &state->told));
   return state;
}

static void host_signals_destroy(struct world *world, void *part_state)
{
   struct host_signals *state = part_state;
   vkDestroySemaphore(world->device, state->semaphore, NULL);
   vkDestroyEvent(world->device, state->go, NULL);
   vkDestroyEvent(world->device, state->told, NULL);
   mirror_destroy(world, &state->mirror);
   free(state);
}

const struct part part_host_signals = {
   .name = "host-signals",
   .threads = 1,
   .create = host_signals_create,
   .round = host_signals_round,
   .destroy = host_signals_destroy,
};
