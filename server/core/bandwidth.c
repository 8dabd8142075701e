/* SPDX-License-Identifier: MIT */

/* A token bucket that may be in debt: who has used too much waits until the debt is paid, asleep, and several who wait
 * for the same are through together. */

#include "server/core/bandwidth.h"

#include <poll.h>
#include <pthread.h>

#include "common/util/clock.h"
#include "server/core/quota.h"

#define SECOND_NS 1e9

/* What may be used at once after a pause, in parts of a second. */
#define BURST_PARTS 8

/* A part of the user's may become larger meanwhile. */
#define LONGEST_MS 100

static struct {
   pthread_mutex_t lock;
   double tokens; /* bytes; negative: a debt */
   int64_t last_ns;
} bucket = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* With the lock: what has come in since the last time. */
static void fill_bucket(double rate, int64_t now_ns)
{
   const double burst = rate / BURST_PARTS;

   bucket.tokens += rate * (double)(now_ns - bucket.last_ns) / SECOND_NS;
   bucket.last_ns = now_ns;
   if (bucket.tokens > burst)
      bucket.tokens = burst;
}

/* Where there is a limit. */
static double current_rate(int64_t now_ns)
{
   const uint64_t rate = vps_quota_rate(now_ns / 1000000);

   return rate > 0 ? (double)rate : 1;
}

void vps_bandwidth_use(size_t bytes)
{
   if (vps_quota_limit(VPS_QUOTA_BANDWIDTH) == VPS_QUOTA_NONE)
      return;
   pthread_mutex_lock(&bucket.lock);
   const int64_t now_ns = vp_clock_ns();
   fill_bucket(current_rate(now_ns), now_ns);
   bucket.tokens -= (double)bytes;
   pthread_mutex_unlock(&bucket.lock);
}

/* How long it takes until there is no debt, or LONGEST_MS; 0: there is none. */
static int debt_ms(void)
{
   pthread_mutex_lock(&bucket.lock);
   const int64_t now_ns = vp_clock_ns();
   const double rate = current_rate(now_ns);
   fill_bucket(rate, now_ns);
   const double debt = -bucket.tokens;
   pthread_mutex_unlock(&bucket.lock);
   if (debt <= 0)
      return 0;
   return debt * 1000 >= rate * LONGEST_MS ? LONGEST_MS : (int)(debt * 1000 / rate) + 1;
}

void vps_bandwidth_wait(int fd)
{
   struct pollfd connection = {.fd = fd, .events = POLLRDHUP};
   int ms;

   if (vps_quota_limit(VPS_QUOTA_BANDWIDTH) == VPS_QUOTA_NONE)
      return;
   while ((ms = debt_ms()) > 0 && poll(&connection, 1, ms) <= 0)
      ;
}
