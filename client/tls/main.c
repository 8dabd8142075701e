/* SPDX-License-Identifier: MIT */

/* venus-tls, which the driver starts for tls://: connects to a server with TLS and copies between that and standard
 * input, which is a socket. What it cannot do it says there, in an error frame. */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/tls/handshake.h"
#include "common/net/error_frame.h"
#include "common/net/socket.h"
#include "common/tls/relay.h"
#include "common/util/clock.h"

#define LOCAL STDIN_FILENO
#define EXIT_USAGE 2

/* The value of an argument "--name=value"; NULL: it is another one. */
static const char *value_of(const char *argument, const char *name)
{
   const size_t length = strlen(name);

   return strncmp(argument, name, length) == 0 ? argument + length : NULL;
}

static bool take_argument(struct vp_handshake *handshake, const char *argument)
{
   const struct {
      const char *name, **text;
   } texts[] = {
      {"--host=", &handshake->host},
      {"--name=", &handshake->name},
      {"--identity=", &handshake->identity},
      {"--keys=", &handshake->keys},
      {"--ca=", &handshake->ca},
      {"--pin=", &handshake->pin},
      {"--cert=", &handshake->certificate_file},
      {"--key=", &handshake->key_file},
   };
   const char *value;

   for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
      if ((value = value_of(argument, texts[i].name))) {
         *texts[i].text = value;
         return true;
      }
   }
   if ((value = value_of(argument, "--port=")))
      handshake->port = (uint16_t)strtoul(value, NULL, 10);
   else if ((value = value_of(argument, "--timeout=")))
      handshake->timeout_ms = (int)strtoul(value, NULL, 10);
   return value != NULL;
}

static bool take_arguments(struct vp_handshake *handshake, int argc, char *const argv[])
{
   for (int i = 1; i < argc; i++) {
      if (!take_argument(handshake, argv[i]))
         return false;
   }
   return handshake->host && handshake->port && handshake->timeout_ms > 0;
}

/* Nobody else of this user is to look for keys in its memory. */
static void hide_keys(void)
{
#ifndef VP_INSTRUMENTED
   prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* error_number: errno, or 0. */
static int say_error(const char *text, int error_number)
{
   struct vp_error error = {.command = VP_ERROR_ON_THE_WAY, .offset = (uint64_t)error_number};

   snprintf(error.text, sizeof(error.text), "%s", text);
   vp_error_send(LOCAL, &error);
   return 1;
}

/* A server refuses a certificate after the client has done its part. */
static int copy_all(struct vp_handshake *handshake)
{
   char error[VP_ERROR_TEXT_SIZE] = "venus-tls: out of memory";
   uint64_t delivered;

   const enum vp_tls_end end = vp_tls_relay(handshake->ssl, LOCAL, 0, &delivered);
   if (end == VP_TLS_FAILED)
      vp_handshake_explain(handshake, error, sizeof(error));
   return (end == VP_TLS_FAILED && delivered == 0) || end == VP_TLS_NO_MEMORY ? say_error(error, 0) : 0;
}

static int connect_and_copy(struct vp_handshake *handshake)
{
   const int64_t deadline_ms = vp_clock_ms() + handshake->timeout_ms;
   char error[VP_ERROR_TEXT_SIZE];

   if (!vp_handshake_prepare(handshake, error, sizeof(error)))
      return say_error(error, 0);
   const int fd = vp_socket_connect(handshake->host, handshake->port, handshake->timeout_ms, error);
   if (fd < 0)
      return say_error(error, errno);
   const bool ok = vp_handshake_run(handshake, fd, deadline_ms, error, sizeof(error));
   const int why = errno;
   vp_handshake_forget_keys(handshake);
   const int status = ok ? copy_all(handshake) : say_error(error, why);
   close(fd);
   return status;
}

int main(int argc, char *argv[])
{
   struct vp_handshake handshake = {0};
   socklen_t size = sizeof(int);
   int type;

   if (!take_arguments(&handshake, argc, argv) || getsockopt(LOCAL, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
      fprintf(stderr, "venus-tls: the driver of Venus Plus starts this program for VENUS_SERVER=tls://...\n");
      return EXIT_USAGE;
   }
   signal(SIGPIPE, SIG_IGN);
   hide_keys();
   const int status = connect_and_copy(&handshake);
   vp_handshake_finish(&handshake);
   return status;
}
