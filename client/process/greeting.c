/* SPDX-License-Identifier: MIT */

/* Exchanges greetings with a server, and says why that did not work. */

#include "client/process/greeting.h"

#include <errno.h>
#include <stdio.h>

#include "common/net/error_frame.h"
#include "common/net/frame.h"

#define ADDRESS_SIZE 300

/* One exchange. */
struct greeting {
   struct vp_channel *channel;
   const struct vp_hello *own;
   struct vp_hello *server;
   char address[ADDRESS_SIZE];
   bool is_command; /* what the server is reached by */
   char *error;     /* VP_GREETING_ERROR_SIZE */
};

static bool say_hello(const struct greeting *greeting)
{
   uint8_t data[VP_HELLO_WIRE_MAX];
   const size_t size = vp_hello_store(data, greeting->own, VP_CLIENT);

   return vp_frame_write(greeting->channel, VP_FRAME_HELLO, 0, data, size, NULL, 0);
}

/* Instead of a greeting. A command may have written the reason on standard error, or take its time; what accepts a
 * connection and closes it without a word is mostly the near end of a tunnel. */
static void explain_no_answer(const struct greeting *greeting, enum vp_frame_status status)
{
   const bool is_command = greeting->is_command, is_gone = status == VP_FRAME_CLOSED || status == VP_FRAME_BROKEN;

   if (is_command && is_gone)
      snprintf(greeting->error, VP_GREETING_ERROR_SIZE,
               "the command of VENUS_SERVER=%s ended before a Venus server answered; it may have said why on standard "
               "error",
               greeting->address);
   else if (status == VP_FRAME_CLOSED)
      snprintf(greeting->error, VP_GREETING_ERROR_SIZE,
               "the connection to %s was accepted, and closed without a word: if that is a tunnel or a forwarded port, "
               "no Venus server listens at its far end; is venus-server running there?",
               greeting->address);
   else
      snprintf(greeting->error, VP_GREETING_ERROR_SIZE,
               "the server at %s does not answer as a Venus server: %s; check VENUS_SERVER%s", greeting->address,
               vp_frame_status_text(status, VP_SERVER),
               is_command && status == VP_FRAME_TIMEOUT ? ", or give it more time with VENUS_TIMEOUT" : "");
   if (is_gone && !is_command)
      errno = ECONNRESET;
}

/* What has come instead. */
static void explain_error(const struct greeting *greeting, const struct vp_error *said)
{
   if (said->command == VP_ERROR_ON_THE_WAY)
      snprintf(greeting->error, VP_GREETING_ERROR_SIZE, "%s", said->text);
   else
      snprintf(greeting->error, VP_GREETING_ERROR_SIZE, "the server at %s refuses: %s", greeting->address, said->text);
   if (said->command == VP_ERROR_ON_THE_WAY && said->offset == ECONNRESET)
      errno = ECONNRESET;
}

/* The server's hello, or its reason why not. */
static bool hear_hello(const struct greeting *greeting, int64_t deadline_ms)
{
   struct vp_frame frame = {0};
   char text[VP_ERROR_TEXT_SIZE];
   struct vp_error said;
   bool ok = false;
   const enum vp_frame_status status = vp_frame_read_first(greeting->channel, &frame, deadline_ms);

   errno = EPROTO;
   if (status != VP_FRAME_OK) {
      explain_no_answer(greeting, status);
   } else if (frame.header.type == VP_FRAME_ERROR && vp_error_load(&said, frame.payload, frame.header.length)) {
      explain_error(greeting, &said);
   } else if (frame.header.type != VP_FRAME_HELLO) {
      snprintf(greeting->error, VP_GREETING_ERROR_SIZE,
               "the server at %s does not speak our protocol; check VENUS_SERVER", greeting->address);
   } else if (!vp_hello_load(greeting->server, VP_SERVER, frame.payload, frame.header.length, text, sizeof(text)) ||
              !vp_hello_compatible(greeting->own, greeting->server, text, sizeof(text))) {
      vp_hello_explain(greeting->own, greeting->server, text, sizeof(text));
      snprintf(greeting->error, VP_GREETING_ERROR_SIZE, "the server at %s does not fit: %s", greeting->address, text);
   } else {
      ok = true;
   }
   vp_frame_finish(&frame);
   return ok;
}

bool vp_greet(struct vp_channel *channel, const struct vp_server_address *address, const struct vp_hello *own,
              struct vp_hello *server, int64_t deadline_ms, char error[VP_GREETING_ERROR_SIZE])
{
   struct greeting greeting = {
      .channel = channel, .own = own, .server = server, .is_command = address->way == VP_WAY_EXEC, .error = error};

   vp_server_address_format(address, greeting.address, sizeof(greeting.address));
   /* Who does not listen may have said why. */
   const bool said = say_hello(&greeting);
   if (!hear_hello(&greeting, deadline_ms))
      return false;
   if (!said)
      explain_no_answer(&greeting, VP_FRAME_BROKEN);
   return said;
}
