/* SPDX-License-Identifier: MIT */

/* Encodes without delay (no B-frames, one packet at once) at the rate that the link carries, and decodes; both in
 * slices on several threads. */

#include "common/picture/h264.h"

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/planes.h"
#include "common/util/library.h"
#include "common/util/text.h"

/* The libraries whose structs the headers describe. */
#define CODEC_LIBRARY "libavcodec.so." AV_STRINGIFY(LIBAVCODEC_VERSION_MAJOR)
#define UTIL_LIBRARY "libavutil.so." AV_STRINGIFY(LIBAVUTIL_VERSION_MAJOR)

/* Pictures in a second that the rate of the link is shared by. */
#define PICTURES_PER_SECOND 60

/* Bytes in a second that make sense. */
#define MIN_RATE 30e3
#define MAX_RATE 100e6

/* The rate is followed when it differs by this factor. */
#define RATE_STEP 1.2

/* Added to the level of all that the library logs, which makes it less than what is ever printed. The level itself is
 * the application's as well, which may use the library too. */
#define QUIET 100

#define MAX_THREADS 4
#define ROWS_PER_THREAD 256

#define CODEC_FUNCTIONS(X)         \
   X(avcodec_find_encoder_by_name) \
   X(avcodec_find_decoder_by_name) \
   X(avcodec_alloc_context3)       \
   X(avcodec_free_context)         \
   X(avcodec_open2)                \
   X(avcodec_send_frame)           \
   X(avcodec_receive_packet)       \
   X(avcodec_send_packet)          \
   X(avcodec_receive_frame)        \
   X(av_packet_alloc)              \
   X(av_packet_free)               \
   X(av_packet_unref)              \
   X(av_new_packet)

#define UTIL_FUNCTIONS(X) \
   X(av_frame_alloc)      \
   X(av_frame_free)       \
   X(av_frame_unref)      \
   X(av_opt_set)

#define POINTER(name) __typeof__(name) *name;
#define SYMBOL(name) {#name, &av.name},

static struct {
   CODEC_FUNCTIONS(POINTER)
   UTIL_FUNCTIONS(POINTER)
} av;

static const AVCodec *x264, *h264;

struct vp_h264_encoder {
   AVCodecContext *context;
   AVFrame *frame;
   AVPacket *packet;
   struct vp_planes planes;
};

struct vp_h264_decoder {
   AVCodecContext *context;
   AVFrame *frame;
   AVPacket *packet;
   uint32_t width, height;
};

static void h264_load(void)
{
   const struct vp_symbol codec[] = {CODEC_FUNCTIONS(SYMBOL){NULL, NULL}};
   const struct vp_symbol util[] = {UTIL_FUNCTIONS(SYMBOL){NULL, NULL}};

   if (!vp_library_load(CODEC_LIBRARY, codec) || !vp_library_load(UTIL_LIBRARY, util))
      return;
   x264 = av.avcodec_find_encoder_by_name("libx264");
   h264 = av.avcodec_find_decoder_by_name("h264");
}

static void load_once(void)
{
   static pthread_once_t once = PTHREAD_ONCE_INIT;

   pthread_once(&once, h264_load);
}

bool vp_h264_can_encode(void)
{
   load_once();
   return x264;
}

bool vp_h264_can_decode(void)
{
   load_once();
   return h264;
}

/* Each takes a part of the picture, which makes no picture late. */
static int thread_count(uint32_t height)
{
   const long processors = sysconf(_SC_NPROCESSORS_ONLN), parts = height / ROWS_PER_THREAD + 1;
   const long most = processors < MAX_THREADS ? processors : MAX_THREADS;

   return (int)(most < 1 ? 1 : parts < most ? parts : most);
}

static AVCodecContext *create_context(const AVCodec *codec, uint32_t height)
{
   AVCodecContext *context = av.avcodec_alloc_context3(codec);
   if (!context)
      return NULL;
   context->log_level_offset = QUIET;
   context->thread_type = FF_THREAD_SLICE;
   context->thread_count = thread_count(height);
   return context;
}

/* --- encoding --- */

/* So large that the first pictures of a window are not coarse, and no larger than slow links carry soon. */
#define FIRST_RATE 1.25e6

/* No picture may be larger than what the link carries in its share of a second. */
static void set_rate(AVCodecContext *context, double rate)
{
   const double bounded = rate < MIN_RATE ? MIN_RATE : rate > MAX_RATE ? MAX_RATE : rate;

   context->rc_max_rate = (int64_t)(bounded * 8);
   context->rc_buffer_size = (int)(context->rc_max_rate / PICTURES_PER_SECOND);
}

static bool open_encoder(AVCodecContext *context, const struct vp_planes *planes, unsigned quality)
{
   char crf[VP_TEXT_DECIMAL_SIZE];

   context->width = (int)planes->width;
   context->height = (int)planes->height;
   context->pix_fmt = AV_PIX_FMT_YUV420P;
   context->color_range = AVCOL_RANGE_JPEG;
   context->colorspace = AVCOL_SPC_BT709;
   context->time_base = (AVRational){1, PICTURES_PER_SECOND};
   context->framerate = (AVRational){PICTURES_PER_SECOND, 1};
   context->gop_size = 1 << 30; /* nothing is lost on the way, so one picture that stands alone is enough */
   context->max_b_frames = 0;
   set_rate(context, FIRST_RATE);
   vp_text_format_decimal(crf, 50 - quality / 3.0, 1);
   return av.av_opt_set(context->priv_data, "preset", "ultrafast", 0) >= 0 &&
          av.av_opt_set(context->priv_data, "tune", "zerolatency", 0) >= 0 &&
          av.av_opt_set(context->priv_data, "crf", crf, 0) >= 0 && av.avcodec_open2(context, x264, NULL) >= 0;
}

struct vp_h264_encoder *vp_h264_encoder_create(uint32_t width, uint32_t height, unsigned quality)
{
   struct vp_h264_encoder *encoder = vp_h264_can_encode() ? calloc(1, sizeof(*encoder)) : NULL;
   if (!encoder)
      return NULL;
   encoder->planes = vp_planes_of(width, height);
   encoder->context = create_context(x264, height);
   encoder->frame = av.av_frame_alloc();
   encoder->packet = av.av_packet_alloc();
   if (encoder->context && encoder->frame && encoder->packet &&
       open_encoder(encoder->context, &encoder->planes, quality))
      return encoder;
   vp_h264_encoder_destroy(encoder);
   return NULL;
}

void vp_h264_encoder_destroy(struct vp_h264_encoder *encoder)
{
   if (!encoder)
      return;
   av.avcodec_free_context(&encoder->context);
   av.av_frame_free(&encoder->frame);
   av.av_packet_free(&encoder->packet);
   free(encoder);
}

/* The library copies the planes, and does not write to them. */
static void fill_frame(struct vp_h264_encoder *encoder, const uint8_t *planes)
{
   uint8_t *start = (uint8_t *)(uintptr_t)planes;
   AVFrame *frame = encoder->frame;

   frame->format = AV_PIX_FMT_YUV420P;
   frame->width = (int)encoder->planes.width;
   frame->height = (int)encoder->planes.height;
   frame->data[0] = start;
   frame->data[1] = start + encoder->planes.colour[0];
   frame->data[2] = start + encoder->planes.colour[1];
   frame->linesize[0] = (int)encoder->planes.stride;
   frame->linesize[1] = frame->linesize[2] = (int)encoder->planes.stride / 2;
   frame->pts++;
}

const uint8_t *vp_h264_encode(struct vp_h264_encoder *encoder, const uint8_t *planes, double rate, size_t *size)
{
   AVCodecContext *context = encoder->context;
   const double current = (double)context->rc_max_rate / 8;

   if (rate > current * RATE_STEP || rate < current / RATE_STEP)
      set_rate(context, rate);
   fill_frame(encoder, planes);
   av.av_packet_unref(encoder->packet);
   if (av.avcodec_send_frame(context, encoder->frame) < 0 || av.avcodec_receive_packet(context, encoder->packet) < 0 ||
       encoder->packet->size <= 0)
      return NULL;
   *size = (size_t)encoder->packet->size;
   return encoder->packet->data;
}

/* --- decoding --- */

/* Sizes are rounded up in the stream, by less than this. */
#define CODED_ROUNDING 64

/* The library asks this before it allocates anything for pictures whose size the stream says. (max_pixels would do, but
 * not silently.) */
static enum AVPixelFormat choose_pixel_format(AVCodecContext *context, const enum AVPixelFormat *formats)
{
   const struct vp_h264_decoder *decoder = context->opaque;
   const struct vp_planes planes = vp_planes_of(decoder->width, decoder->height);

   if (context->width != (int)planes.width || context->height != (int)planes.height ||
       context->coded_width > context->width + CODED_ROUNDING ||
       context->coded_height > context->height + CODED_ROUNDING)
      return AV_PIX_FMT_NONE;
   while (*formats != AV_PIX_FMT_NONE && *formats != AV_PIX_FMT_YUV420P && *formats != AV_PIX_FMT_YUVJ420P)
      formats++;
   return *formats;
}

struct vp_h264_decoder *vp_h264_decoder_create(uint32_t width, uint32_t height)
{
   struct vp_h264_decoder *decoder = vp_h264_can_decode() ? calloc(1, sizeof(*decoder)) : NULL;
   if (!decoder)
      return NULL;
   decoder->width = width;
   decoder->height = height;
   decoder->context = create_context(h264, height);
   decoder->frame = av.av_frame_alloc();
   decoder->packet = av.av_packet_alloc();
   if (decoder->context && decoder->frame && decoder->packet) {
      decoder->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
      decoder->context->err_recognition = AV_EF_EXPLODE;
      decoder->context->get_format = choose_pixel_format;
      decoder->context->opaque = decoder;
      if (av.avcodec_open2(decoder->context, h264, NULL) >= 0)
         return decoder;
   }
   vp_h264_decoder_destroy(decoder);
   return NULL;
}

void vp_h264_decoder_destroy(struct vp_h264_decoder *decoder)
{
   if (!decoder)
      return;
   av.avcodec_free_context(&decoder->context);
   av.av_frame_free(&decoder->frame);
   av.av_packet_free(&decoder->packet);
   free(decoder);
}

static bool decode_packet(struct vp_h264_decoder *decoder, const uint8_t *data, size_t size)
{
   if (!size || size > INT32_MAX / 2 || av.av_new_packet(decoder->packet, (int)size) < 0)
      return false;
   memcpy(decoder->packet->data, data, size);
   const bool sent = av.avcodec_send_packet(decoder->context, decoder->packet) >= 0;
   av.av_packet_unref(decoder->packet);
   return sent && av.avcodec_receive_frame(decoder->context, decoder->frame) >= 0;
}

bool vp_h264_decode(struct vp_h264_decoder *decoder, const uint8_t *data, size_t size, uint8_t *pixels)
{
   const struct vp_planes planes = vp_planes_of(decoder->width, decoder->height);
   const AVFrame *frame = decoder->frame;

   if (!decode_packet(decoder, data, size))
      return false;
   const bool ok = (frame->format == AV_PIX_FMT_YUV420P || frame->format == AV_PIX_FMT_YUVJ420P) &&
                   frame->width == (int)planes.width && frame->height == (int)planes.height;
   if (ok)
      vp_planes_draw((const uint8_t *const *)frame->data, frame->linesize, decoder->width, decoder->height, pixels);
   av.av_frame_unref(decoder->frame);
   return ok;
}
