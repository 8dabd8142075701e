/* SPDX-License-Identifier: MIT */

/* Measures the way to a server over an ordinary session: round trips of frames without content, and how long many with
 * content take. */

#include "client/run/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/process/config.h"
#include "client/process/dial.h"
#include "common/net/error_frame.h"
#include "common/net/frame.h"
#include "common/net/limits.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"

#define ROUND_TRIPS 21
#define ROUND_TRIPS_NS 3e9 /* no more are begun after that */

/* What is sent becomes more until it takes so long, in seconds. */
#define ENOUGH_S 1.0
#define LEAST_BYTES ((size_t)64 << 10)
#define MOST_BYTES ((size_t)1 << 30)

/* Of one frame, and how many are on their way. */
#define PIECE ((size_t)256 << 10)
#define WINDOW 64u

/* Before what is sent for nothing: how much is to come back. */
#define QUESTION_SIZE 4

struct bench {
   struct vp_channel channel;
   struct vp_frame frame; /* received */
   const char *address;
   char *error; /* VP_GREETING_ERROR_SIZE */
   uint8_t *bytes;
};

/* What nothing on the way can make smaller. */
static uint8_t *bench_make_bytes(void)
{
   uint8_t *bytes = malloc(PIECE);
   uint64_t random = 2;

   for (size_t i = 0; bytes && i < PIECE; i += sizeof(random)) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      vp_bytes_store_u64(bytes + i, random);
   }
   return bytes;
}

static bool bench_fail(const struct bench *bench, const char *what)
{
   snprintf(bench->error, VP_GREETING_ERROR_SIZE, "the server at %s: %s", bench->address, what);
   return false;
}

/* --- probes --- */

static bool bench_send(struct bench *bench, size_t size, size_t wanted)
{
   uint8_t question[QUESTION_SIZE];

   vp_bytes_store_u32(question, (uint32_t)wanted);
   return vp_frame_write(&bench->channel, VP_FRAME_PROBE, 0, question, sizeof(question), bench->bytes,
                         size > QUESTION_SIZE ? size - QUESTION_SIZE : 0) ||
          bench_fail(bench, "it does not take any more");
}

static bool bench_receive(struct bench *bench, size_t wanted)
{
   struct vp_error said;

   for (;;) {
      const enum vp_frame_status status = vp_frame_read(&bench->channel, &bench->frame, VP_SILENCE_MS);
      const struct vp_frame_header *header = &bench->frame.header;
      if (status != VP_FRAME_OK)
         return bench_fail(bench, vp_frame_status_text(status, VP_SERVER));
      if (header->type == VP_FRAME_ERROR && vp_error_load(&said, bench->frame.payload, header->length))
         return bench_fail(bench, said.text);
      if (header->type == VP_FRAME_PROBE)
         return header->length == wanted || bench_fail(bench, "it answers with something else than was asked for");
      if (header->type != VP_FRAME_ALIVE)
         return bench_fail(bench, "it says something that it was not asked");
   }
}

/* So many probes, with some of them on the way at a time. Negative: that went wrong. */
static double bench_exchange(struct bench *bench, size_t count, size_t out, size_t in)
{
   const int64_t start_ns = vp_clock_ns();
   size_t sent = 0;

   for (size_t received = 0; received < count; received++) {
      for (; sent < count && sent - received < WINDOW; sent++) {
         if (!bench_send(bench, out, in))
            return -1;
      }
      if (!bench_receive(bench, in))
         return -1;
   }
   return (double)(vp_clock_ns() - start_ns) / 1e9;
}

/* --- what is measured --- */

static int compare_seconds(const void *a, const void *b)
{
   const double first = *(const double *)a, second = *(const double *)b;

   return (first > second) - (first < second);
}

static bool measure_round_trip(struct bench *bench, struct vp_bench_result *result)
{
   double seconds[ROUND_TRIPS];
   unsigned count = 0;
   const int64_t start_ns = vp_clock_ns();

   while (count < ROUND_TRIPS && (count == 0 || (double)(vp_clock_ns() - start_ns) < ROUND_TRIPS_NS)) {
      seconds[count] = bench_exchange(bench, 1, 0, 0);
      if (seconds[count++] < 0)
         return false;
   }
   qsort(seconds, count, sizeof(seconds[0]), compare_seconds);
   result->round_trip_ms = seconds[count / 2] * 1e3;
   result->best_ms = seconds[0] * 1e3;
   return true;
}

/* Bits in a second, one way. The first byte has the way before it, and the last one the way back behind it, which is
 * a round trip. */
static bool measure_rate(struct bench *bench, const struct vp_bench_result *result, bool up, double *rate)
{
   for (size_t bytes = LEAST_BYTES;; bytes *= 2) {
      const size_t piece = bytes < PIECE ? bytes : PIECE;
      const double seconds = bench_exchange(bench, bytes / piece, up ? piece : 0, up ? 0 : piece);
      const double moving = seconds - result->best_ms / 1e3;
      if (seconds < 0)
         return false;
      if (seconds < ENOUGH_S && bytes < MOST_BYTES)
         continue;
      *rate = 8 * (double)bytes / (moving > seconds / 2 ? moving : seconds / 2);
      return true;
   }
}

static bool measure(struct bench *bench, struct vp_bench_result *result)
{
   if (result->server.probe < PIECE) {
      snprintf(bench->error, VP_GREETING_ERROR_SIZE,
               "the server at %s is of release %s, which cannot be measured; use one of release " VP_VERSION " there",
               bench->address, result->server.release);
      return false;
   }
   return measure_round_trip(bench, result) && measure_rate(bench, result, true, &result->up_rate) &&
          measure_rate(bench, result, false, &result->down_rate);
}

bool vp_bench_measure(struct vp_bench_result *result, const struct vp_server_address *address, int timeout_ms,
                      char error[VP_GREETING_ERROR_SIZE])
{
   const int64_t start_ns = vp_clock_ns(), deadline_ms = vp_clock_ms() + timeout_ms;
   struct bench bench = {.address = result->address, .error = error, .bytes = bench_make_bytes()};
   struct vp_hello own;
   bool ok = false;

   *result = (struct vp_bench_result){0};
   vp_server_address_format(address, result->address, sizeof(result->address));
   vp_hello_init(&own, "venus-run --bench");
   snprintf(error, VP_GREETING_ERROR_SIZE, "%s", strerror(ENOMEM));
   const int fd = bench.bytes ? vp_dial(address, timeout_ms, error) : -1;
   if (fd >= 0) {
      bench.channel = VP_CHANNEL(fd);
      ok = vp_greet(&bench.channel, address, &own, &result->server, deadline_ms, error);
      result->connect_ms = (double)(vp_clock_ns() - start_ns) / 1e6;
      ok = ok && measure(&bench, result);
      close(fd);
   }
   vp_frame_finish(&bench.frame);
   free(bench.bytes);
   return ok;
}

/* --- all of them --- */

static bool bench_one(const struct vp_server_address *address, int timeout_ms, bool json)
{
   char error[VP_GREETING_ERROR_SIZE];
   struct vp_bench_result result;
   const bool ok = vp_bench_measure(&result, address, timeout_ms, error);

   if (!ok)
      fprintf(stderr, "venus-run: %s\n", error);
   else if (json)
      vp_bench_print_json(&result);
   else
      vp_bench_print(&result);
   fflush(stdout);
   return ok;
}

static bool bench_service(const struct vp_server_address *address, int timeout_ms, bool json)
{
   char error[VP_SOCKET_ERROR_SIZE];
   struct vp_server_address one;
   struct vp_service service;
   bool ok = true;

   if (!vp_service_find(&service, address->place, error)) {
      fprintf(stderr, "venus-run: %s\n", error);
      return false;
   }
   vp_service_order(&service, VP_MAX_SERVERS, vp_service_random);
   for (unsigned i = 0; i < service.count; i++) {
      vp_server_address_of(&one, address, &service.servers[i]);
      ok = bench_one(&one, timeout_ms, json) && ok;
   }
   vp_service_finish(&service);
   return ok;
}

int vp_bench_run(bool json)
{
   static struct vp_config config;
   bool ok = true;

   vp_config_read(&config);
   for (unsigned i = 0; i < config.server_count; i++) {
      const struct vp_server_address *address = &config.servers[i];
      ok = (address->is_service ? bench_service(address, config.timeout_ms, json)
                                : bench_one(address, config.timeout_ms, json)) &&
           ok;
   }
   return ok && config.server_count ? 0 : 1;
}
