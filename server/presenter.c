/* SPDX-License-Identifier: MIT */

/* The thread of a swapchain that sends what was presented: whoever presents waits neither for the encoder nor for the
 * network. */

#include "server/swapchain.h"

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/net/frame.h"
#include "common/picture/jpeg.h"
#include "common/picture/present_frame.h"
#include "common/util/clock.h"
#include "server/channel.h"
#include "server/device.h"

/* A part of a picture is about this large before compression. */
#define PART_SIZE ((size_t)256 << 10)

/* When nothing is presented for so long, the picture is made exact. */
#define REFINE_NS INT64_C(150000000)

/* How long the thread waits for the GPU at once, so that it notices a request to stop. */
#define WAIT_NS UINT64_C(50000000)

struct encoder {
   struct vps_swapchain *swapchain;
   bool lz4;             /* the client takes it */
   struct vp_jpeg *jpeg; /* NULL: not here, or not there, or pictures must be exact */
   enum vps_lossy lossy;
   enum vp_present_codec codec;
   uint32_t rows;    /* of tiles in a part */
   size_t mask_size; /* of so many */
   uint8_t *tiles, *packed;
   size_t packed_size;
   uint8_t *head;    /* header and mask */
   uint8_t *inexact; /* masks of the parts: tiles of which the client has no exact copy */
   bool unsharp;     /* there are some */

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

/* True when nothing has happened for some time. With the lock. */
static bool is_calm(struct vps_swapchain *swapchain)
{
   struct timespec deadline;

   clock_gettime(CLOCK_REALTIME, &deadline);
   deadline.tv_nsec += REFINE_NS;
   deadline.tv_sec += deadline.tv_nsec / 1000000000;
   deadline.tv_nsec %= 1000000000;
   return pthread_cond_timedwait(&swapchain->changed, &swapchain->lock, &deadline) == ETIMEDOUT;
}

/* Waits until there is a frame and the client has room for it: the value that its copy gives the timeline; or until it
 * is time to make the picture exact: 0. False when the thread ends. */
static bool wait_for_work(const struct encoder *encoder, uint64_t *value)
{
   struct vps_swapchain *swapchain = encoder->swapchain;
   struct vps_link *link = &swapchain->link;
   uint64_t frame = 0;
   bool ready = false;

   pthread_mutex_lock(&swapchain->lock);
   while (!swapchain->stop && !ready) {
      find_oldest(swapchain, &frame, value);
      ready = frame && vps_link_has_room(link);
      if (!ready && !frame && encoder->unsharp && link->sent == link->acknowledged)
         ready = is_calm(swapchain); /* and *value is 0 */
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

/* The tiles in a block of LZ4, or as they are. */
static const uint8_t *pack(struct encoder *encoder, enum vp_present_codec codec, size_t *size)
{
   if (!encoder->lz4 || codec == VP_PRESENT_RAW) {
      encoder->header.codec = VP_PRESENT_RAW;
      return encoder->tiles;
   }
   encoder->header.codec = codec;
   *size = (size_t)LZ4_compress_default((const char *)encoder->tiles, (char *)encoder->packed, (int)*size,
                                        (int)encoder->packed_size);
   return encoder->packed;
}

/* The band as a JPEG picture; NULL when that is not worth while. */
static const uint8_t *draw(struct encoder *encoder, const uint8_t *pixels, size_t *size)
{
   const struct vp_picture *picture = &encoder->swapchain->picture;
   const uint32_t first = encoder->header.first_row, count = encoder->header.row_count;

   if (*size < vp_tiles_max_size(picture, count) / 4)
      return NULL;
   encoder->header.codec = VP_PRESENT_JPEG;
   return vp_jpeg_compress(encoder->jpeg, pixels + vp_band_offset(picture, first), picture->width,
                           vp_band_height(picture, first, count), encoder->swapchain->quality, size);
}

static uint8_t *inexact_mask(const struct encoder *encoder)
{
   return encoder->inexact + encoder->header.first_row / encoder->rows * encoder->mask_size;
}

/* Notes what the client has now of the tiles of the mask. */
static void note_exactness(struct encoder *encoder, const uint8_t *mask)
{
   const bool exact = encoder->header.codec != VP_PRESENT_JPEG;
   uint8_t *inexact = inexact_mask(encoder);

   for (size_t i = 0; i < vp_tiles_mask_size(&encoder->swapchain->picture, encoder->header.row_count); i++)
      inexact[i] = exact ? inexact[i] & (uint8_t)~mask[i] : inexact[i] | mask[i];
   encoder->unsharp = encoder->unsharp || !exact;
}

/* What travels of the tiles that were collected. What the client has cannot be built upon when it may not be exact. */
static const uint8_t *encode(struct encoder *encoder, const uint8_t *pixels, const uint8_t *mask, size_t *size)
{
   const uint8_t *data = NULL;

   if (!encoder->jpeg)
      return pack(encoder, encoder->codec, size);
   if (encoder->codec == VP_PRESENT_JPEG)
      data = draw(encoder, pixels, size);
   if (!data)
      data = pack(encoder, encoder->codec == VP_PRESENT_RAW ? VP_PRESENT_RAW : VP_PRESENT_LZ4_PLAIN, size);
   note_exactness(encoder, mask);
   return data;
}

/* The tiles of a band that have changed, if there are any. */
static bool send_band(struct encoder *encoder, const uint8_t *pixels, uint32_t first, uint32_t count)
{
   const struct vp_picture *picture = &encoder->swapchain->picture;
   const bool combined = !encoder->jpeg && encoder->codec == VP_PRESENT_LZ4;
   const int64_t start = vp_clock_ns();
   uint8_t *mask = encoder->head + VP_PRESENT_HEADER_SIZE;

   size_t size = vp_tiles_collect(picture, pixels, first, count, combined, mask, encoder->tiles);
   encoder->tile_bytes += size;
   encoder->header.first_row = first;
   encoder->header.row_count = count;
   const uint8_t *data = size ? encode(encoder, pixels, mask, &size) : NULL;
   encoder->encode_ns += vp_clock_ns() - start;
   return !data || send_part(encoder, vp_tiles_mask_size(picture, count), data, size);
}

static uint32_t rows_from(const struct encoder *encoder, uint32_t first)
{
   const uint32_t left = vp_picture_tile_rows(&encoder->swapchain->picture) - first;
   return left < encoder->rows ? left : encoder->rows;
}

static bool send_picture(struct encoder *encoder, const struct vps_slot *slot)
{
   const uint32_t rows = vp_picture_tile_rows(&encoder->swapchain->picture);
   bool ok = true;

   encoder->header.gpu_us = (uint32_t)((encoder->start_ns - slot->arrival_ns) / 1000);
   for (uint32_t first = 0; ok && first < rows; first += encoder->rows)
      ok = send_band(encoder, slot->pixels, first, rows_from(encoder, first));
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
   encoder->codec = vps_link_choose(&swapchain->link, encoder->lossy);
   pthread_mutex_unlock(&swapchain->lock);
   if (!encoder->lz4 && encoder->codec == VP_PRESENT_LZ4)
      encoder->codec = VP_PRESENT_RAW;
}

/* Tells the client that the frame is complete. */
static bool end_frame(struct encoder *encoder, uint32_t flags)
{
   struct vps_swapchain *swapchain = encoder->swapchain;

   pthread_mutex_lock(&swapchain->lock);
   vps_link_sent(&swapchain->link, encoder->start_ns, encoder->codec, encoder->tile_bytes);
   pthread_mutex_unlock(&swapchain->lock);
   encoder->header.flags = VP_PRESENT_LAST | flags;
   encoder->header.codec = VP_PRESENT_RAW;
   encoder->header.first_row = encoder->header.row_count = 0;
   return send_part(encoder, 0, NULL, 0);
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
   pthread_mutex_unlock(&swapchain->lock);
   return ok && end_frame(encoder, 0);
}

static bool has_frame(struct vps_swapchain *swapchain)
{
   uint64_t frame, value;

   pthread_mutex_lock(&swapchain->lock);
   find_oldest(swapchain, &frame, &value);
   pthread_mutex_unlock(&swapchain->lock);
   return frame != 0;
}

/* The tiles of a band that are not exact, if there are any. */
static bool refine_band(struct encoder *encoder, uint32_t first, uint32_t count)
{
   const struct vp_picture *picture = &encoder->swapchain->picture;
   const size_t mask_size = vp_tiles_mask_size(picture, count);
   uint8_t *mask = encoder->head + VP_PRESENT_HEADER_SIZE;

   encoder->header.first_row = first;
   encoder->header.row_count = count;
   memcpy(mask, inexact_mask(encoder), mask_size);
   size_t size = vp_tiles_gather(picture, first, count, mask, encoder->tiles);
   if (!size)
      return true;
   const uint8_t *data = pack(encoder, VP_PRESENT_LZ4_PLAIN, &size);
   note_exactness(encoder, mask);
   return send_part(encoder, mask_size, data, size);
}

/* Makes the picture exact, unless a new one comes meanwhile. False when nothing can be sent any more. */
static bool refine(struct encoder *encoder)
{
   const uint32_t rows = vp_picture_tile_rows(&encoder->swapchain->picture);
   uint32_t first = 0;
   bool ok = true;

   encoder->header = (struct vp_present_header){.frame = encoder->header.frame};
   encoder->start_ns = vp_clock_ns();
   encoder->tile_bytes = 0;
   while (ok && first < rows && !has_frame(encoder->swapchain)) {
      ok = refine_band(encoder, first, rows_from(encoder, first));
      first += encoder->rows;
   }
   encoder->unsharp = first < rows;
   return ok && end_frame(encoder, VP_PRESENT_REFINEMENT);
}

/* --- the thread --- */

static void finish_encoder(struct encoder *encoder)
{
   vp_jpeg_destroy(encoder->jpeg);
   free(encoder->tiles);
   free(encoder->packed);
   free(encoder->head);
   free(encoder->inexact);
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
   encoder->lz4 = swapchain->codecs & VP_PRESENT_CODEC_BIT(VP_PRESENT_LZ4);
   if (swapchain->codecs & VP_PRESENT_CODEC_BIT(VP_PRESENT_JPEG))
      encoder->jpeg = vp_jpeg_create();
   if (encoder->jpeg)
      encoder->lossy = swapchain->always_lossy ? VPS_LOSSY_ALWAYS : VPS_LOSSY_WHEN_SLOW;
   const size_t size = vp_tiles_max_size(picture, encoder->rows);
   encoder->packed_size = encoder->lz4 ? (size_t)LZ4_compressBound((int)size) : 0;
   encoder->mask_size = vp_tiles_mask_size(picture, encoder->rows);
   encoder->head = malloc(VP_PRESENT_HEADER_SIZE + encoder->mask_size);
   encoder->tiles = malloc(size);
   encoder->packed = malloc(encoder->packed_size + 1);
   encoder->inexact = calloc(vp_picture_tile_rows(picture) / encoder->rows + 1, encoder->mask_size);
   if (encoder->head && encoder->tiles && encoder->packed && encoder->inexact)
      return encoder;
   finish_encoder(encoder);
   return NULL;
}

static void *run_thread(void *argument)
{
   struct encoder *encoder = argument;
   uint64_t value;
   bool ok = true;

   while (ok && wait_for_work(encoder, &value)) {
      if (value)
         ok = wait_for_copy(encoder->swapchain, value) && send_frame(encoder);
      else
         ok = refine(encoder);
   }
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
