/* SPDX-License-Identifier: MIT */

/* Tells the service manager, over its socket, what the server is doing, and that it still does. */

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"
#include "server/process/notifier.h"

/* A number in a variable; 0: there is none. */
static long long read_variable(const char *name)
{
   const char *text = getenv(name);
   char *end = NULL;
   const long long number = text ? strtoll(text, &end, 10) : 0;

   return text && end != text && !*end && number > 0 ? number : 0;
}

/* A path, or a name in the abstract namespace, which begins with an @. */
static bool find_manager(struct vps_notifier *notifier)
{
   const char *name = getenv("NOTIFY_SOCKET");
   const size_t length = name ? strlen(name) : 0;

   if (length < 2 || length >= sizeof(notifier->address.sun_path) || (name[0] != '/' && name[0] != '@'))
      return false;
   notifier->address = (struct sockaddr_un){.sun_family = AF_UNIX};
   memcpy(notifier->address.sun_path, name, length);
   if (name[0] == '@')
      notifier->address.sun_path[0] = '\0';
   notifier->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
   return true;
}

void vps_notifier_open(struct vps_notifier *notifier)
{
   const long long usec = read_variable("WATCHDOG_USEC"), pid = read_variable("WATCHDOG_PID");

   *notifier = (struct vps_notifier){.fd = -1, .next_sign_ms = INT64_MAX};
   if (find_manager(notifier))
      notifier->fd = vp_descriptor_keep(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
   /* Twice in the time in which there must be one. */
   if (notifier->fd >= 0 && usec > 0 && (pid == 0 || pid == getpid()))
      notifier->watchdog_ms = usec / 2000 > 0 ? usec / 2000 : 1;
   unsetenv("NOTIFY_SOCKET");
   unsetenv("WATCHDOG_USEC");
   unsetenv("WATCHDOG_PID");
}

void vps_notifier_close(struct vps_notifier *notifier)
{
   if (notifier->fd >= 0)
      close(notifier->fd);
   notifier->fd = -1;
   notifier->next_sign_ms = INT64_MAX;
}

void vps_notifier_say(const struct vps_notifier *notifier, const char *format, ...)
{
   char text[512];
   va_list args;

   if (notifier->fd < 0)
      return;
   va_start(args, format);
   const int length = vsnprintf(text, sizeof(text), format, args);
   va_end(args);
   if (length > 0 && (size_t)length < sizeof(text) &&
       sendto(notifier->fd, text, (size_t)length, MSG_NOSIGNAL, (const struct sockaddr *)&notifier->address,
              notifier->address_size) < 0)
      vp_log(VP_LOG_DEBUG, "the service manager does not hear that %s", text);
}

void vps_notifier_say_ready(struct vps_notifier *notifier)
{
   vps_notifier_say(notifier, "READY=1");
   if (notifier->watchdog_ms)
      notifier->next_sign_ms = vp_clock_ms() + notifier->watchdog_ms;
}

void vps_notifier_say_reloading(const struct vps_notifier *notifier)
{
   vps_notifier_say(notifier, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(vp_clock_ns() / 1000));
}

void vps_notifier_tend(struct vps_notifier *notifier)
{
   if (vp_clock_ms() < notifier->next_sign_ms)
      return;
   vps_notifier_say(notifier, "WATCHDOG=1");
   notifier->next_sign_ms = vp_clock_ms() + notifier->watchdog_ms;
}
