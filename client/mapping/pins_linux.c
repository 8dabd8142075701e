/* SPDX-License-Identifier: MIT */

/* Looks for VmPin in /proc/self/status, once for all who ask about the same moment. */

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/mapping/pins.h"
#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static int status = -1;                                  /* /proc/self/status */
static int64_t known_ns;
static bool pinned;

void vp_pins_prepare(void)
{
   pthread_mutex_lock(&lock);
   if (status < 0)
      status = vp_descriptor_open("/proc/self/status", O_RDONLY);
   pthread_mutex_unlock(&lock);
}

/* Whoever held the lock is not there. */
void vp_pins_begin_anew(void)
{
   if (status >= 0)
      close(status);
   status = -1;
   known_ns = 0;
   pthread_mutex_init(&lock, NULL);
}

/* False where the kernel does not say. */
static bool read_pinned(void)
{
   char text[4096];
   const ssize_t length = status >= 0 ? pread(status, text, sizeof(text) - 1, 0) : -1;
   text[length > 0 ? length : 0] = 0;
   const char *line = strstr(text, "\nVmPin:");
   return line && strtoull(line + sizeof("\nVmPin:") - 1, NULL, 10) > 0;
}

bool vp_pins_exist(int64_t since)
{
   static bool told;
   pthread_mutex_lock(&lock);
   if (known_ns <= since) {
      known_ns = vp_clock_ns();
      pinned = read_pinned();
      if (pinned && !told)
         vp_log(VP_LOG_INFO, "mapped memory: pages stay compared while the process has pinned pages");
      told = told || pinned;
   }
   const bool exist = pinned;
   pthread_mutex_unlock(&lock);
   return exist;
}
