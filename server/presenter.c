/* SPDX-License-Identifier: MIT */

/* The thread of a swapchain that sends what was presented: whoever presents waits neither for the encoder nor for the
 * network. */

#include "server/swapchain.h"

#include <stdlib.h>

#include "common/net/frame.h"
#include "common/picture/lz4.h"
#include "common/picture/present_frame.h"
#include "common/util/clock.h"
#include "server/channel.h"
#include "server/device.h"

/* A part of a picture is about this large before compression. */
#define PART_SIZE ((size_t)256 << 10)

/* How long the thread waits for the GPU at once, so that it notices a request to stop. */
#define WAIT_NS UINT64_C(50000000)

struct encoder {
   struct vps_swapchain *swapchain;
   const struct vp_lz4 *lz4; /* NULL: not here, or not there */
   enum vp_present_codec codec;
   uint32_t rows; /* of tiles in a part */
   uint8_t *tiles, *packed;
   size_t packed_size;
   uint8_t *head; /* header and mask */

   /* Of the picture that is being sent. */
   struct vp_present_header header;
   int64_t start_ns, encode_ns;
   size_t tile_bytes;
};

/* --- what to send next --- */

/* The oldest frame that the client waits for: its slot, or NULL for one without picture. With the lock. */
static struct vps_slot *find_oldest(struct vps_swapchain *swapchain, uint64_t *frame, uint64_t *value)
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

/* Waits until there is a frame and the client has room for it. The value that its copy gives the timeline; 0: the
 * thread ends. */
static uint64_t wait_for_frame(struct vps_swapchain *swapchain)
{
   uint64_t frame, value;

   pthread_mutex_lock(&swapchain->lock);
   for (;;) {
      find_oldest(swapchain, &frame, &value);
      if (swapchain->stop || (frame && vps_link_has_room(&swapchain->link)))
         break;
      pthread_cond_wait(&swapchain->changed, &swapchain->lock);
   }
   if (swapchain->stop)
      value = 0;
   pthread_mutex_unlock(&swapchain->lock);
   return value;
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

/* Takes the frame to be sent, and drops those that it replaces. NULL: one without picture. */
static struct vps_slot *take_frame(struct vps_swapchain *swapchain, uint64_t *frame)
{
   const struct vps_device *device = swapchain->device;
   uint64_t reached = 0, value;

   if (device->functions.GetSemaphoreCounterValue(device->handle, swapchain->timeline, &reached) < 0)
      reached = 0;
   pthread_mutex_lock(&swapchain->lock);
   struct vps_slot *slot = find_oldest(swapchain, frame, &value);
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

static bool send_part(struct encoder *encoder, size_t mask_size, const uint8_t *data, size_t size)
{
   const struct vps_swapchain *swapchain = encoder->swapchain;

   encoder->header.encode_us = (uint32_t)(encoder->encode_ns / 1000);
   vp_present_header_store(encoder->head, &encoder->header);
   return vps_channel_send(swapchain->device->channel, VP_FRAME_PRESENT, swapchain->id, encoder->head,
                           VP_PRESENT_HEADER_SIZE + mask_size, data, size);
}

/* What of the tiles travels: itself or a block of LZ4. */
static const uint8_t *pack(struct encoder *encoder, size_t *size)
{
   encoder->header.codec = VP_PRESENT_RAW;
   if (encoder->codec != VP_PRESENT_LZ4)
      return encoder->tiles;
   encoder->header.codec = VP_PRESENT_LZ4;
   *size = (size_t)encoder->lz4->compress((const char *)encoder->tiles, (char *)encoder->packed, (int)*size,
                                          (int)encoder->packed_size);
   return encoder->packed;
}

/* The tiles of a band that have changed, if there are any. */
static bool send_band(struct encoder *encoder, const uint8_t *pixels, uint32_t first, uint32_t count)
{
   const struct vp_picture *picture = &encoder->swapchain->picture;
   const int64_t start = vp_clock_ns();

   size_t size = vp_tiles_collect(picture, pixels, first, count, encoder->codec == VP_PRESENT_LZ4,
                                  encoder->head + VP_PRESENT_HEADER_SIZE, encoder->tiles);
   encoder->tile_bytes += size;
   encoder->header.first_row = first;
   encoder->header.row_count = count;
   const uint8_t *data = size ? pack(encoder, &size) : NULL;
   encoder->encode_ns += vp_clock_ns() - start;
   return !size || send_part(encoder, vp_tiles_mask_size(picture, count), data, size);
}

static bool send_picture(struct encoder *encoder, const struct vps_slot *slot)
{
   const uint32_t rows = vp_picture_tile_rows(&encoder->swapchain->picture);
   bool ok = true;

   encoder->header.gpu_us = (uint32_t)((encoder->start_ns - slot->arrival_ns) / 1000);
   for (uint32_t first = 0; ok && first < rows; first += encoder->rows)
      ok = send_band(encoder, slot->pixels, first, rows - first < encoder->rows ? rows - first : encoder->rows);
   return ok;
}

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

static void begin_frame(struct encoder *encoder, uint64_t frame)
{
   struct vps_swapchain *swapchain = encoder->swapchain;

   encoder->header = (struct vp_present_header){.frame = frame};
   encoder->start_ns = vp_clock_ns();
   encoder->encode_ns = 0;
   encoder->tile_bytes = 0;
   pthread_mutex_lock(&swapchain->lock);
   encoder->codec = encoder->lz4 ? vps_link_choose(&swapchain->link) : VP_PRESENT_RAW;
   pthread_mutex_unlock(&swapchain->lock);
}

/* False when nothing can be sent any more. */
static bool send_frame(struct encoder *encoder)
{
   struct vps_swapchain *swapchain = encoder->swapchain;
   uint64_t frame;

   struct vps_slot *slot = take_frame(swapchain, &frame);
   begin_frame(encoder, frame);
   bool ok = true;
   if (slot) {
      invalidate(swapchain->device, slot);
      ok = send_picture(encoder, slot);
   }
   pthread_mutex_lock(&swapchain->lock);
   if (slot)
      slot->state = VPS_SLOT_FREE;
   vps_link_sent(&swapchain->link, encoder->start_ns, encoder->codec, encoder->tile_bytes);
   pthread_mutex_unlock(&swapchain->lock);

   encoder->header.flags = VP_PRESENT_LAST;
   encoder->header.first_row = encoder->header.row_count = 0;
   return ok && send_part(encoder, 0, NULL, 0);
}

/* --- the thread --- */

static void finish_encoder(struct encoder *encoder)
{
   free(encoder->tiles);
   free(encoder->packed);
   free(encoder->head);
   free(encoder);
}

static struct encoder *create_encoder(struct vps_swapchain *swapchain)
{
   const struct vp_picture *picture = &swapchain->picture;
   struct encoder *encoder = calloc(1, sizeof(*encoder));
   if (!encoder)
      return NULL;
   encoder->swapchain = swapchain;
   encoder->rows = (uint32_t)(PART_SIZE / vp_tiles_max_size(picture, 1)) + 1;
   if (swapchain->codecs & VP_PRESENT_CODEC_BIT(VP_PRESENT_LZ4))
      encoder->lz4 = vp_lz4_load();
   const size_t size = vp_tiles_max_size(picture, encoder->rows);
   encoder->packed_size = encoder->lz4 ? (size_t)encoder->lz4->bound((int)size) : 0;
   encoder->head = malloc(VP_PRESENT_HEADER_SIZE + vp_tiles_mask_size(picture, encoder->rows));
   encoder->tiles = malloc(size);
   encoder->packed = malloc(encoder->packed_size + 1);
   if (encoder->head && encoder->tiles && encoder->packed)
      return encoder;
   finish_encoder(encoder);
   return NULL;
}

static void *run_thread(void *argument)
{
   struct encoder *encoder = argument;
   uint64_t value;

   do
      value = wait_for_frame(encoder->swapchain);
   while (value && wait_for_copy(encoder->swapchain, value) && send_frame(encoder));
   finish_encoder(encoder);
   return NULL;
}

bool vps_presenter_start(struct vps_swapchain *swapchain)
{
   struct encoder *encoder = create_encoder(swapchain);
   if (encoder && pthread_create(&swapchain->thread, NULL, run_thread, encoder) == 0)
      return true;
   if (encoder)
      finish_encoder(encoder);
   return false;
}

void vps_presenter_stop(struct vps_swapchain *swapchain)
{
   pthread_mutex_lock(&swapchain->lock);
   swapchain->stop = true;
   pthread_cond_signal(&swapchain->changed);
   pthread_mutex_unlock(&swapchain->lock);
   pthread_join(swapchain->thread, NULL);
}
