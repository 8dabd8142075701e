/* SPDX-License-Identifier: MIT */

/* Adds up the stages of frames, for the connection's statistics and, with VENUS_HUD, for a line each second. */

#include "client/wsi/present_stats.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/link/connection.h"
#include "common/picture/present_frame.h"
#include "common/util/clock.h"
#include "common/util/text.h"

#define SECOND_NS INT64_C(1000000000)

static void add_times(struct vp_present_times *sum, const struct vp_present_times *times)
{
   sum->gpu += times->gpu;
   sum->encode += times->encode;
   sum->network += times->network;
   sum->decode += times->decode;
   sum->show += times->show;
}

struct number {
   char text[VP_TEXT_DECIMAL_SIZE];
};

static struct number format(double value)
{
   struct number number;
   vp_text_format_decimal(number.text, value, 1);
   return number;
}

static void print_line(const struct vp_present_stats *stats, const struct vp_shown_frame *last, double seconds)
{
   const uint64_t presented = last->frame - stats->first + 1, shown = stats->shown;
   const double frames = (double)shown, us = 1000 * frames;
   const struct vp_present_times *times = &stats->times;
   const struct number rate = format(frames / seconds), size = format((double)stats->bytes / 1024 / frames),
                       gpu = format((double)times->gpu / us), encode = format((double)times->encode / us),
                       network = format((double)times->network / us), decode = format((double)times->decode / us),
                       show = format((double)times->show / us);
   fprintf(stderr,
           "venus: %s frames/s, %" PRIu64 " of %" PRIu64
           " not shown, %s, %s KiB each; ms: gpu %s encode %s network %s decode %s show %s\n",
           rate.text, presented - shown, presented, vp_present_codec_name(last->codec), size.text, gpu.text,
           encode.text, network.text, decode.text, show.text);
}

static void add_totals(struct vp_stats *stats, const struct vp_shown_frame *shown)
{
   vp_stats_add(&stats->frames_shown, 1);
   vp_stats_add(&stats->picture_bytes, shown->bytes);
   vp_stats_add(&stats->present_us[VP_STAGE_GPU], shown->times.gpu);
   vp_stats_add(&stats->present_us[VP_STAGE_ENCODE], shown->times.encode);
   vp_stats_add(&stats->present_us[VP_STAGE_NETWORK], shown->times.network);
   vp_stats_add(&stats->present_us[VP_STAGE_DECODE], shown->times.decode);
   vp_stats_add(&stats->present_us[VP_STAGE_SHOW], shown->times.show);
}

void vp_present_stats_add(struct vp_present_stats *stats, struct vp_connection *conn,
                          const struct vp_shown_frame *shown, bool hud)
{
   const int64_t now = vp_clock_ns();
   add_totals(&conn->stats, shown);
   if (!stats->start_ns)
      *stats = (struct vp_present_stats){.start_ns = now, .first = shown->frame};
   stats->shown++;
   stats->bytes += shown->bytes;
   add_times(&stats->times, &shown->times);
   if (now - stats->start_ns < SECOND_NS)
      return;
   if (hud)
      print_line(stats, shown, (double)(now - stats->start_ns) / SECOND_NS);
   *stats = (struct vp_present_stats){.start_ns = now, .first = shown->frame + 1};
}
