/* SPDX-License-Identifier: MIT */

/* The receiver queues parts of PRESENT frames for a swapchain's thread, which decodes them, acknowledges a frame when
 * it is whole, and shows it when its time has come. */

#include "client/wsi/presenter.h"

#include <stdlib.h>
#include <time.h>

#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/wsi/picture_decoder.h"
#include "client/wsi/present_stats.h"
#include "client/wsi/surface.h"
#include "client/wsi/swapchain.h"
#include "common/picture/h264.h"
#include "common/picture/jpeg.h"
#include "common/picture/present_frame.h"
#include "common/util/clock.h"
#include "common/util/thread.h"

/* A frame is kept back for its desired time, but not for longer than this. */
#define MAX_DELAY_NS INT64_C(1000000000)

/* A PRESENT frame that waits to be looked at. */
struct part {
   struct part *next;
   uint8_t *payload;
   size_t size;
   int64_t arrival_ns;
};

struct vp_presenter {
   struct vp_swapchain *swapchain;
   struct vp_window *window;
   struct vp_picture_decoder decoder; /* of the thread, as are: */
   VkRect2D changed;                  /* by the frame that is coming in */
   int64_t first_ns; /* when its first part would have come if the server had no work with it; 0: not known */
   struct vp_shown_frame frame;
   struct vp_present_stats stats;

   pthread_t thread;
   pthread_mutex_t lock; /* of what follows */
   pthread_cond_t arrived;
   struct part *first, **last;
   size_t queued;  /* bytes */
   unsigned whole; /* frames, of which all parts are there */
   bool stop;
};

uint32_t vp_presenter_codecs(const struct vp_surface *surface, bool lossy)
{
   uint32_t codecs = VP_PRESENT_CODEC_BIT(VP_PRESENT_RAW);
   if (!surface->class->has_pictures)
      return 0;
   codecs |= VP_PRESENT_CODEC_BIT(VP_PRESENT_LZ4) | VP_PRESENT_CODEC_BIT(VP_PRESENT_LZ4_PLAIN);
   codecs |= VP_PRESENT_CODEC_BIT(VP_PRESENT_ZSTD) | VP_PRESENT_CODEC_BIT(VP_PRESENT_ZSTD_PLAIN);
   if (lossy && vp_jpeg_is_usable())
      codecs |= VP_PRESENT_CODEC_BIT(VP_PRESENT_JPEG);
   if (lossy && vp_h264_can_decode())
      codecs |= VP_PRESENT_CODEC_BIT(VP_PRESENT_H264);
   return codecs;
}

/* --- decoding --- */

/* Parts may come in any order. */
static void add_rows(struct vp_presenter *presenter, uint32_t first, uint32_t count)
{
   const struct vp_picture *picture = &presenter->decoder.picture;
   VkRect2D *changed = &presenter->changed;
   const uint32_t height = changed->extent.height;
   const uint32_t old_top = height ? (uint32_t)changed->offset.y : UINT32_MAX,
                  old_bottom = height + (height ? old_top : 0);
   const uint32_t top = first * VP_TILE_HEIGHT, bottom = top + vp_band_height(picture, first, count);
   changed->offset.y = (int32_t)(top < old_top ? top : old_top);
   changed->extent.width = picture->width;
   changed->extent.height = (bottom > old_bottom ? bottom : old_bottom) - (uint32_t)changed->offset.y;
}

/* --- showing --- */

/* False when there is no such frame. */
static bool take_in_frame(const struct vp_presenter *presenter, uint64_t frame, int64_t arrival_ns,
                          struct vp_frame_record *record)
{
   struct vp_swapchain *swapchain = presenter->swapchain;
   pthread_mutex_t *lock = &swapchain->device->conn->progress_lock;
   pthread_mutex_lock(lock);
   const bool ok = frame > swapchain->settled && frame <= swapchain->presented;
   struct vp_frame_record *found = vp_swapchain_record(swapchain, frame);
   *record = found ? *found : (struct vp_frame_record){.frame = frame, .mode = swapchain->mode};
   if (ok && found) {
      found->ready_ns = vp_clock_ns();
      const struct vp_pacing_frame paced = {
         .arrival_ns = arrival_ns,
         .network_ns = presenter->first_ns ? presenter->first_ns - record->presented_ns : 0,
         .alone = record->alone,
      };
      vp_pacing_note(&swapchain->pacing, &paced);
   }
   pthread_mutex_unlock(lock);
   return ok;
}

static void wait_for_time(uint64_t desired_ns)
{
   const int64_t wait = (int64_t)desired_ns - vp_clock_ns();
   if (wait > 0 && wait < MAX_DELAY_NS)
      nanosleep(&(struct timespec){.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000}, NULL);
}

static uint64_t microseconds(int64_t ns)
{
   return ns > 0 ? (uint64_t)ns / 1000 : 0;
}

/* The server may send one more, and learns when the last one was complete here. Not when it is shown: that is up to the
 * display; nor does it matter how long the acknowledgement takes. */
static void acknowledge(const struct vp_presenter *presenter, int64_t arrival_ns)
{
   const struct vp_swapchain *swapchain = presenter->swapchain;
   struct vp_connection *conn = swapchain->device->conn;
   const struct vp_cmd_vkAckPresentVP a = {
      .device = VP_TO_HANDLE(VkDevice, swapchain->device),
      .swapchain = VP_TO_HANDLE(VkSwapchainKHR, swapchain),
      .frames = 1,
      .decodeTime = (uint32_t)presenter->frame.times.decode,
      .arrivalTime = microseconds(arrival_ns),
   };
   vp_send_vkAckPresentVP(conn, &a);
   vp_stream_flush(conn);
}

/* For the statistics. `arrival_ns` is when the frame was complete here, `start_ns` when it began to be shown. */
static void note_frame(struct vp_presenter *presenter, const struct vp_present_header *header, int64_t presented_ns,
                       int64_t arrival_ns, int64_t start_ns)
{
   struct vp_shown_frame *frame = &presenter->frame;
   const struct vp_device *device = presenter->swapchain->device;
   const int64_t server_ns = ((int64_t)header->gpu_us + header->encode_us) * 1000;
   frame->frame = header->frame;
   frame->times.gpu = header->gpu_us;
   frame->times.encode = header->encode_us;
   frame->times.network = presented_ns ? microseconds(arrival_ns - presented_ns - server_ns) : 0;
   frame->times.show = microseconds(vp_clock_ns() - start_ns);
   vp_present_stats_add(&presenter->stats, device->conn, frame, device->physical_device->instance->config.hud);
   *frame = (struct vp_shown_frame){0};
}

/* Whether the frame is one of those that may be left out, and a later one is there already. */
static bool is_outdated(struct vp_presenter *presenter, VkPresentModeKHR mode)
{
   pthread_mutex_lock(&presenter->lock);
   const bool outdated = mode == VP_PRESENT_MODE_FIFO_LATEST_READY && presenter->whole > 0;
   pthread_mutex_unlock(&presenter->lock);
   return outdated;
}

static bool finish_frame(struct vp_presenter *presenter, const struct vp_present_header *header, int64_t arrival_ns)
{
   struct vp_swapchain *swapchain = presenter->swapchain;
   struct vp_frame_record record;
   if (!take_in_frame(presenter, header->frame, arrival_ns, &record))
      return false;
   presenter->first_ns = 0;
   acknowledge(presenter, arrival_ns);
   const int64_t start_ns = vp_clock_ns();
   if (is_outdated(presenter, record.mode)) { /* what has changed is shown with the later one, and it is settled then */
      presenter->frame = (struct vp_shown_frame){0};
      return true;
   }
   wait_for_time(record.desired_ns);
   const VkResult status =
      swapchain->surface->class->show(presenter->window, &presenter->decoder.picture, presenter->changed, record.mode);
   presenter->changed = (VkRect2D){0};
   note_frame(presenter, header, record.presented_ns, arrival_ns, start_ns);
   vp_swapchain_settle(swapchain, header->frame, status);
   return true;
}

/* The last frame again, better. */
static bool refine_frame(struct vp_presenter *presenter, int64_t arrival_ns)
{
   const struct vp_swapchain *swapchain = presenter->swapchain;
   acknowledge(presenter, arrival_ns);
   swapchain->surface->class->show(presenter->window, &presenter->decoder.picture, presenter->changed,
                                   VK_PRESENT_MODE_IMMEDIATE_KHR);
   presenter->changed = (VkRect2D){0};
   presenter->frame = (struct vp_shown_frame){0};
   presenter->first_ns = 0;
   return true;
}

static bool handle_part(struct vp_presenter *presenter, const struct part *part)
{
   struct vp_present_header header;
   const int64_t start_ns = vp_clock_ns();
   if (part->size < VP_PRESENT_HEADER_SIZE)
      return false;
   vp_present_header_load(&header, part->payload);
   if (!vp_picture_decode(&presenter->decoder, &header, part->payload + VP_PRESENT_HEADER_SIZE,
                          part->size - VP_PRESENT_HEADER_SIZE))
      return false;
   if (header.row_count)
      add_rows(presenter, header.first_row, header.row_count);
   if (!presenter->frame.bytes && header.gpu_us) /* nothing is known of the work for frames without a picture */
      presenter->first_ns = part->arrival_ns - ((int64_t)header.gpu_us + header.encode_us) * 1000;
   presenter->frame.bytes += part->size;
   if (header.codec > presenter->frame.codec)
      presenter->frame.codec = header.codec;
   presenter->frame.times.decode += microseconds(vp_clock_ns() - start_ns);
   if (!(header.flags & VP_PRESENT_LAST))
      return true;
   return header.flags & VP_PRESENT_REFINEMENT ? refine_frame(presenter, part->arrival_ns)
                                               : finish_frame(presenter, &header, part->arrival_ns);
}

/* --- the thread --- */

static void free_part(struct part *part)
{
   free(part->payload);
   free(part);
}

/* Whether the part is the last one of a frame that is to be shown. */
static bool ends_frame(const struct part *part)
{
   struct vp_present_header header;
   if (part->size < VP_PRESENT_HEADER_SIZE)
      return false;
   vp_present_header_load(&header, part->payload);
   return (header.flags & VP_PRESENT_LAST) && !(header.flags & VP_PRESENT_REFINEMENT);
}

/* The next part, or NULL when the thread ends. */
static struct part *take_part(struct vp_presenter *presenter)
{
   struct part *part = NULL;
   pthread_mutex_lock(&presenter->lock);
   while (!presenter->stop && !presenter->first)
      pthread_cond_wait(&presenter->arrived, &presenter->lock);
   if (!presenter->stop) {
      part = presenter->first;
      presenter->first = part->next;
      if (!presenter->first)
         presenter->last = &presenter->first;
      presenter->queued -= part->size;
      presenter->whole -= ends_frame(part);
   }
   pthread_mutex_unlock(&presenter->lock);
   return part;
}

static void *presenter_main(void *data)
{
   struct vp_presenter *presenter = data;
   struct part *part;
   while ((part = take_part(presenter))) {
      const bool ok = handle_part(presenter, part);
      free_part(part);
      if (!ok)
         vp_connection_lose(presenter->swapchain->device->conn, "it sent a picture that makes no sense");
   }
   return NULL;
}

/* The server sends few frames ahead; what is more than they could take is nonsense. */
static size_t max_queued(const struct vp_presenter *presenter)
{
   return (VP_PRESENT_MAX_UNDER_WAY + 1) * vp_picture_size(&presenter->decoder.picture) + ((size_t)1 << 20);
}

bool vp_presenter_receive(struct vp_presenter *presenter, struct vp_frame *frame)
{
   if (!presenter)
      return false;
   struct part *part = malloc(sizeof(*part));
   if (!part)
      return false;
   *part = (struct part){.payload = frame->payload, .size = frame->header.length, .arrival_ns = vp_clock_ns()};
   frame->payload = NULL;
   frame->capacity = 0;
   pthread_mutex_lock(&presenter->lock);
   presenter->queued += part->size;
   presenter->whole += ends_frame(part);
   const bool ok = presenter->queued <= max_queued(presenter);
   *presenter->last = part;
   presenter->last = &part->next;
   pthread_cond_signal(&presenter->arrived);
   pthread_mutex_unlock(&presenter->lock);
   return ok;
}

/* --- life --- */

static void free_presenter(struct vp_presenter *presenter)
{
   vp_picture_decoder_finish(&presenter->decoder);
   free(presenter);
}

VkResult vp_presenter_create(struct vp_swapchain *swapchain, const struct vp_window_info *info,
                             struct vp_presenter **out)
{
   const struct vp_window_class *class = swapchain->surface->class;
   struct vp_presenter *presenter = calloc(1, sizeof(*presenter));
   if (!presenter)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   presenter->swapchain = swapchain;
   presenter->last = &presenter->first;
   presenter->decoder.picture = (struct vp_picture){.width = info->extent.width, .height = info->extent.height};
   if (class->has_pictures)
      presenter->decoder.picture.pixels = calloc(1, vp_picture_size(&presenter->decoder.picture));
   VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (class->has_pictures && !presenter->decoder.picture.pixels)
      goto fail;
   result = class->open(swapchain->surface, info, &presenter->window);
   if (result < 0)
      goto fail;
   pthread_mutex_init(&presenter->lock, NULL);
   pthread_cond_init(&presenter->arrived, NULL);
   if (vp_thread_start(&presenter->thread, presenter_main, presenter)) {
      *out = presenter;
      return VK_SUCCESS;
   }
   result = VK_ERROR_OUT_OF_HOST_MEMORY;
   pthread_cond_destroy(&presenter->arrived);
   pthread_mutex_destroy(&presenter->lock);
   class->close(presenter->window);
fail:
   free_presenter(presenter);
   return result;
}

uint64_t vp_presenter_refresh(const struct vp_presenter *presenter)
{
   return presenter->swapchain->surface->class->get_refresh(presenter->window);
}

void vp_presenter_stop(struct vp_presenter *presenter)
{
   pthread_mutex_lock(&presenter->lock);
   presenter->stop = true;
   pthread_cond_signal(&presenter->arrived);
   pthread_mutex_unlock(&presenter->lock);
   pthread_join(presenter->thread, NULL);
}

void vp_presenter_destroy(struct vp_presenter *presenter)
{
   if (!presenter)
      return;
   while (presenter->first) {
      struct part *next = presenter->first->next;
      free_part(presenter->first);
      presenter->first = next;
   }
   presenter->swapchain->surface->class->close(presenter->window);
   pthread_cond_destroy(&presenter->arrived);
   pthread_mutex_destroy(&presenter->lock);
   free_presenter(presenter);
}
