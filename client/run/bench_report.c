/* SPDX-License-Identifier: MIT */

/* What the numbers of a link mean: how many pictures of a window go through it, in which codec, in words. */

#include <stdio.h>

#include "client/run/bench.h"
#include "common/util/text.h"

#define WIDTH 1920
#define HEIGHT 1080
#define SMOOTH 60

/* Pictures are shown this much later than what they show happens, or something more: from there on hands notice. */
#define NOTICED_MS 60

/* Bytes for each pixel of a picture: of one in which all changes, and of one in which a fifth does. They are those of
 * docs/MEASUREMENTS.md, Codecs: the pattern and the cube, 1280x720. */
struct kind {
   const char *name, *policy;
   double much, little;
};
static const struct kind kinds[] = {
   {"exact", "lossless", 462.5 * 1024 / (1280 * 720), 41.7 * 1024 / (1280 * 720)},
   {"JPEG", "auto", 168.7 * 1024 / (1280 * 720), 45.6 * 1024 / (1280 * 720)},
   {"H.264", "fast", 22.9 * 1024 / (1280 * 720), 10.4 * 1024 / (1280 * 720)},
};
enum { EXACT, JPEG, H264, KINDS };

static double pictures(const struct vp_bench_result *result, double bytes_per_pixel)
{
   return result->down_rate / 8 / (bytes_per_pixel * WIDTH * HEIGHT);
}

/* As a rate of the link: 94.1 Mbit/s. */
static void print_rate(const char *name, double rate)
{
   if (rate < 1e9)
      printf("%-12s %.*f Mbit/s\n", name, rate < 99.5e6 ? 1 : 0, rate / 1e6);
   else
      printf("%-12s %.1f Gbit/s\n", name, rate / 1e9);
}

static const char *advice(const struct vp_bench_result *result)
{
   if (pictures(result, kinds[EXACT].much) >= SMOOTH)
      return "Exact pictures (VENUS_PRESENT=lossless, the default) are smooth, whatever moves.";
   if (pictures(result, kinds[JPEG].much) >= SMOOTH)
      return "Exact pictures are smooth while little moves; VENUS_PRESENT=auto takes JPEG while much does.";
   if (pictures(result, kinds[H264].much) >= SMOOTH && pictures(result, kinds[EXACT].little) >= SMOOTH)
      return "Exact pictures are smooth while little moves; VENUS_PRESENT=auto takes H.264 while much does.";
   if (pictures(result, kinds[H264].much) >= SMOOTH)
      return "Only H.264 is smooth: VENUS_PRESENT=auto takes it when it has to, VENUS_PRESENT=fast always.";
   return "Not even H.264 is smooth: VENUS_PRESENT=fast, and smaller windows, make the best of it.";
}

void vp_bench_print(const struct vp_bench_result *result)
{
   printf("%-12s %s\n", "server", result->address);
   printf("%-12s %s\n", "", result->server.name);
   printf("%-12s after %.1f ms\n", "connected", result->connect_ms);
   printf("%-12s %.2f ms, at best %.2f\n", "round trip", result->round_trip_ms, result->best_ms);
   print_rate("to it", result->up_rate);
   print_rate("from it", result->down_rate);
   printf("\nPictures of windows of %dx%d in a second, as far as the link goes:\n", WIDTH, HEIGHT);
   for (unsigned i = 0; i < KINDS; i++)
      printf("%-12s %.1f where all of it moves, %.1f where a fifth does\n", kinds[i].name,
             pictures(result, kinds[i].much), pictures(result, kinds[i].little));
   printf("%s\n", advice(result));
   if (result->round_trip_ms > NOTICED_MS)
      printf("What you do is seen %.0f ms later or more, which is noticed.\n", result->round_trip_ms);
}

/* A line for each server. */
void vp_bench_print_json(const struct vp_bench_result *result)
{
   putchar('{');
   vp_text_print_json("server", result->address);
   fputs(", ", stdout);
   vp_text_print_json("name", result->server.name);
   fputs(", ", stdout);
   vp_text_print_json("release", result->server.release);
   printf(", \"connect_ms\": %.3f, \"round_trip_ms\": %.3f, \"best_round_trip_ms\": %.3f, ", result->connect_ms,
          result->round_trip_ms, result->best_ms);
   printf("\"up_bits_per_second\": %.0f, \"down_bits_per_second\": %.0f, \"frames_per_second\": {", result->up_rate,
          result->down_rate);
   for (unsigned i = 0; i < KINDS; i++)
      printf("%s\"%s\": {\"all_moves\": %.2f, \"a_fifth_moves\": %.2f}", i ? ", " : "", kinds[i].policy,
             pictures(result, kinds[i].much), pictures(result, kinds[i].little));
   puts("}}");
}
