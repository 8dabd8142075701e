/* SPDX-License-Identifier: MIT */

/* The thread of a swapchain that sends what was presented: whoever presents waits neither for the encoder nor for the
 * network. */

#include <errno.h>

#include "common/util/clock.h"
#include "server/core/bandwidth.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/wsi/encoder.h"
#include "server/wsi/swapchain.h"

/* When nothing is presented for so long, the picture is made exact. */
#define REFINE_NS INT64_C(150000000)

/* How long the thread waits for the GPU at once, so that it notices a request to stop. */
#define WAIT_NS UINT64_C(50000000)

/* --- what to send next --- */

/* The oldest frame that the client waits for: its slot, or NULL for one without picture. With the lock. */
static struct vps_slot *find_oldest_slot(struct vps_swapchain *swapchain, uint64_t *frame, uint64_t *value)
{
   struct vps_slot *oldest = NULL;

   *frame = swapchain->bare_frame;
   *value = swapchain->bare_value;
   for (uint32_t i = 0; i < swapchain->slot_count; i++) {
      struct vps_slot *slot = &swapchain->slots[i];
      if (slot->state == VPS_SLOT_QUEUED && (!*frame || slot->frame < *frame)) {
         oldest = slot;
         *frame = slot->frame;
         *value = slot->value;
      }
   }
   return oldest;
}

/* True when nothing has happened for some time. With the lock. */
static bool is_calm(struct vps_swapchain *swapchain)
{
   const struct timespec deadline = vp_clock_deadline(vp_clock_ns() + REFINE_NS);

   return pthread_cond_timedwait(&swapchain->changed, &swapchain->lock, &deadline) == ETIMEDOUT;
}

/* Waits until there is a frame and the client has room for it: its number, and the value that its copy gives the
 * timeline; or until it is time to make the picture exact: frame 0. False when the thread ends. */
static bool wait_for_work(struct vps_swapchain *swapchain, bool unsharp, uint64_t *frame, uint64_t *value)
{
   struct vps_flow_control *flow = &swapchain->chooser.flow;
   bool ready = false;

   pthread_mutex_lock(&swapchain->lock);
   while (!swapchain->stop && !ready) {
      find_oldest_slot(swapchain, frame, value);
      ready = *frame && vps_flow_control_is_there(flow);
      if (!ready && !*frame && unsharp && vps_flow_control_under_way(flow) == 0)
         ready = is_calm(swapchain);
      else if (!ready)
         pthread_cond_wait(&swapchain->changed, &swapchain->lock);
   }
   const bool stop = swapchain->stop;
   pthread_mutex_unlock(&swapchain->lock);
   return !stop;
}

static bool wait_for_copy(struct vps_swapchain *swapchain, uint64_t value)
{
   const struct vps_device *device = swapchain->device;
   const VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &swapchain->timeline,
      .pValues = &value,
   };
   VkResult result;
   bool stop;

   do {
      result = device->functions.WaitSemaphores(device->handle, &info, WAIT_NS);
      pthread_mutex_lock(&swapchain->lock);
      stop = swapchain->stop;
      pthread_mutex_unlock(&swapchain->lock);
   } while (result == VK_TIMEOUT && !stop && !atomic_load(&device->lost));
   return result == VK_SUCCESS && !stop;
}

/* A newer picture that is complete and may replace those before it, or NULL. With the lock. */
static struct vps_slot *find_replacement(struct vps_swapchain *swapchain, uint64_t reached)
{
   struct vps_slot *newest = NULL;

   for (uint32_t i = 0; i < swapchain->slot_count; i++) {
      struct vps_slot *slot = &swapchain->slots[i];
      if (slot->state == VPS_SLOT_QUEUED && slot->replaces && slot->value <= reached &&
          (!newest || slot->frame > newest->frame))
         newest = slot;
   }
   return newest;
}

/* Takes the frame to be sent: the one whose copy was waited for, or a later one that replaces it. Drops those before
 * it. NULL: one without picture. */
static struct vps_slot *take_frame(struct vps_swapchain *swapchain, uint64_t *frame)
{
   const struct vps_device *device = swapchain->device;
   uint64_t reached = 0, oldest, value;

   if (device->functions.GetSemaphoreCounterValue(device->handle, swapchain->timeline, &reached) < 0)
      reached = 0;
   pthread_mutex_lock(&swapchain->lock);
   struct vps_slot *slot = find_oldest_slot(swapchain, &oldest, &value);
   if (oldest > *frame)
      slot = NULL; /* a newer frame without picture has taken the place, or the picture was dropped */
   struct vps_slot *replacement = find_replacement(swapchain, reached);
   if (replacement && replacement->frame > *frame)
      slot = replacement;
   if (slot) {
      slot->state = VPS_SLOT_SENDING;
      *frame = slot->frame;
   }
   for (uint32_t i = 0; i < swapchain->slot_count; i++) {
      if (swapchain->slots[i].state == VPS_SLOT_QUEUED && swapchain->slots[i].frame < *frame)
         swapchain->slots[i].state = VPS_SLOT_FREE;
   }
   if (swapchain->bare_frame <= *frame)
      swapchain->bare_frame = 0;
   pthread_mutex_unlock(&swapchain->lock);
   return slot;
}

/* --- sending --- */

static void invalidate(const struct vps_device *device, const struct vps_slot *slot)
{
   const VkMappedMemoryRange range = {
      .sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE,
      .memory = slot->memory,
      .size = VK_WHOLE_SIZE,
   };

   if (!slot->coherent)
      device->functions.InvalidateMappedMemoryRanges(device->handle, 1, &range);
}

/* A frame that is complete. False when nothing can be sent any more. */
static bool send_picture(struct vps_swapchain *swapchain, struct vps_encoder *encoder, uint64_t frame)
{
   bool ok = true;

   vps_bandwidth_wait(swapchain->device->writer->channel.fd); /* before it is decided which frame is the newest */
   struct vps_slot *slot = take_frame(swapchain, &frame);
   vps_encoder_begin(encoder, frame);
   if (slot) {
      invalidate(swapchain->device, slot);
      ok = vps_encoder_send_picture(encoder, slot);
   }
   pthread_mutex_lock(&swapchain->lock);
   if (slot)
      slot->state = VPS_SLOT_FREE;
   pthread_mutex_unlock(&swapchain->lock);
   return ok && vps_encoder_end(encoder);
}

bool vps_presenter_has_frame(struct vps_swapchain *swapchain)
{
   uint64_t frame, value;

   pthread_mutex_lock(&swapchain->lock);
   find_oldest_slot(swapchain, &frame, &value);
   pthread_mutex_unlock(&swapchain->lock);
   return frame != 0;
}

/* --- the thread --- */

static void *run_thread(void *argument)
{
   struct vps_swapchain *swapchain = argument;
   struct vps_encoder *encoder = swapchain->encoder;
   uint64_t frame, value;
   bool ok = true;

   while (ok && wait_for_work(swapchain, vps_encoder_is_unsharp(encoder), &frame, &value)) {
      if (frame)
         ok = wait_for_copy(swapchain, value) && send_picture(swapchain, encoder, frame);
      else
         ok = vps_encoder_refine(encoder);
   }
   return NULL;
}

bool vps_presenter_start(struct vps_swapchain *swapchain)
{
   swapchain->encoder = vps_encoder_create(swapchain);
   if (swapchain->encoder && pthread_create(&swapchain->thread, NULL, run_thread, swapchain) == 0)
      return true;
   vps_encoder_destroy(swapchain->encoder);
   return false;
}

void vps_presenter_stop(struct vps_swapchain *swapchain)
{
   pthread_mutex_lock(&swapchain->lock);
   swapchain->stop = true;
   pthread_cond_signal(&swapchain->changed);
   pthread_mutex_unlock(&swapchain->lock);
   pthread_join(swapchain->thread, NULL);
   vps_encoder_destroy(swapchain->encoder);
}
