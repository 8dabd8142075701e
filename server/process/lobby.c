/* SPDX-License-Identifier: MIT */

/* Looks how much of a greeting is in the socket of a new connection, and bounds how many may wait, for how long, and of
 * one address. */

#include "server/process/lobby.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/frame.h"
#include "common/net/hello.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/text.h"

/* Where the kernel calls a socket readable before all is there that was asked for, one that has said no more is not
 * polled for this time. */
#define REST_MS 50

/* In percent, where there begin to be many. */
#define LEAST_DROPS 30u

/* Where the parts of a frame's start end: the header's first two, and the magic of a greeting. */
#define TYPE_END ((size_t)4)
#define LENGTH_END ((size_t)8)
#define START_SIZE (VP_FRAME_HEADER_SIZE + sizeof(uint64_t))

enum greeting {
   GREETING_MISSING, /* is not there, or not all of it */
   GREETING_WHOLE,
   GREETING_STRANGE, /* these bytes cannot be one */
   GREETING_NEVER,   /* the connection is over */
};

/* What a frame is that begins like this, when all of it is there. GREETING_MISSING: that cannot be said yet. *wanted:
 * the size of the frame, or that at which more can be said. The rest of a greeting, and the frames that are refused
 * with a sentence of their own, are the worker's. */
static enum greeting judge_start(const uint8_t *data, size_t size, size_t *wanted)
{
   const size_t known = size < VP_FRAME_HEADER_SIZE ? size : VP_FRAME_HEADER_SIZE;
   uint8_t padded[VP_FRAME_HEADER_SIZE] = {0};
   struct vp_frame_header header;

   memcpy(padded, data, known);
   vp_frame_header_load(&header, padded);
   const bool hello = header.type == VP_FRAME_HELLO;
   const size_t start = hello ? START_SIZE : VP_FRAME_HEADER_SIZE;
   if (known >= TYPE_END && !hello && header.type != VP_FRAME_AUTH && header.type != VP_FRAME_RESUME)
      return GREETING_STRANGE;
   if (known >= LENGTH_END &&
       (header.length > VP_FRAME_MAX_FIRST_PAYLOAD || (hello && header.length < VP_HELLO_FIXED_SIZE)))
      return GREETING_STRANGE;
   if (size < start) {
      *wanted = size < TYPE_END ? TYPE_END : size < LENGTH_END ? LENGTH_END : start;
      return GREETING_MISSING;
   }
   *wanted = VP_FRAME_HEADER_SIZE + (size_t)header.length;
   return hello && vp_bytes_load_u64(data + VP_FRAME_HEADER_SIZE) != VP_HELLO_MAGIC ? GREETING_STRANGE : GREETING_WHOLE;
}

/* *present: how many bytes are in the socket; *wanted: at how many it is worth another look. */
static enum greeting look_at_greeting(int fd, int *present, size_t *wanted)
{
   uint8_t start[START_SIZE];
   const ssize_t size = recv(fd, start, sizeof(start), MSG_PEEK | MSG_DONTWAIT);

   *present = 0;
   *wanted = 1;
   if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
      return GREETING_MISSING;
   if (size <= 0 || ioctl(fd, FIONREAD, present) != 0)
      return GREETING_NEVER;
   const enum greeting greeting = judge_start(start, (size_t)size, wanted);
   return greeting == GREETING_WHOLE && (size_t)*present < *wanted ? GREETING_MISSING : greeting;
}

/* Until so much is there, the socket does not wake poll(), and it has room for it. */
static void wake_at(int fd, size_t size)
{
   const int value = (int)size;

   (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
}

static unsigned count_guests(const struct vps_lobby *lobby, const struct vps_source *source)
{
   unsigned count = 0;

   for (unsigned i = 0; i < lobby->count; i++)
      count += vps_source_equal(&lobby->guests[i].source, source);
   return count;
}

static bool is_dropped_by_chance(unsigned count)
{
   uint32_t random;

   if (count <= VPS_LOBBY_FEW)
      return false;
   if (count >= VPS_LOBBY_ROOM || getentropy(&random, sizeof(random)) != 0)
      return true;
   const unsigned percent =
      LEAST_DROPS + (100 - LEAST_DROPS) * (count - VPS_LOBBY_FEW) / (VPS_LOBBY_ROOM - VPS_LOBBY_FEW);
   return random % 100 < percent;
}

/* Why one more of this source has no place; NULL: it has. */
static const char *refusal_at_door(const struct vps_lobby *lobby, const struct vps_source *source, int64_t now)
{
   if (count_guests(lobby, source) >= vps_source_table_share(&lobby->sources, source, now))
      return "as many from there wait already";
   return is_dropped_by_chance(lobby->count) ? "many wait already" : NULL;
}

static void close_guest(struct vps_lobby *lobby, const struct vps_guest *guest, const char *why)
{
   vp_log(VP_LOG_DEBUG, "client %s: closed without a greeting: %s", guest->peer, why);
   vps_source_table_count(&lobby->sources, &guest->source, vp_clock_ms());
   close(guest->fd);
}

/* Notes how it went with one that leaves the lobby for the caller. */
static enum vps_lobby_verdict let_go(struct vps_lobby *lobby, const struct vps_guest *guest, enum greeting greeting)
{
   wake_at(guest->fd, 1);
   if (greeting == GREETING_WHOLE) {
      vps_source_table_succeed(&lobby->sources, &guest->source);
      return VPS_LOBBY_GREETED;
   }
   vp_log(VP_LOG_DEBUG, "client %s: what it says is no greeting", guest->peer);
   vps_source_table_fail(&lobby->sources, &guest->source, vp_clock_ms());
   vps_source_table_count(&lobby->sources, &guest->source, vp_clock_ms());
   return VPS_LOBBY_STRANGE;
}

enum vps_lobby_verdict vps_lobby_enter(struct vps_lobby *lobby, int fd, const char *peer)
{
   const int64_t now = vp_clock_ms();
   struct vps_guest guest = {.fd = fd, .deadline_ms = now + VPS_LOBBY_MS};
   size_t wanted;
   const enum greeting greeting = look_at_greeting(fd, &guest.present, &wanted);

   vp_text_copy(guest.peer, sizeof(guest.peer), peer, strlen(peer));
   if (greeting == GREETING_NEVER || !vps_source_of(&guest.source, fd)) {
      vp_log(VP_LOG_DEBUG, "client %s: left at once", peer);
      close(fd);
      return VPS_LOBBY_KEPT;
   }
   if (greeting != GREETING_MISSING)
      return let_go(lobby, &guest, greeting);
   const char *refusal = refusal_at_door(lobby, &guest.source, now);
   if (refusal) {
      close_guest(lobby, &guest, refusal);
      return VPS_LOBBY_KEPT;
   }
   wake_at(fd, wanted);
   lobby->guests[lobby->count++] = guest;
   return VPS_LOBBY_KEPT;
}

unsigned vps_lobby_prepare(const struct vps_lobby *lobby, struct pollfd pollfds[VPS_LOBBY_ROOM])
{
   const int64_t now = vp_clock_ms();

   for (unsigned i = 0; i < lobby->count; i++) {
      const bool rests = now < lobby->guests[i].rest_ms;
      pollfds[i] = (struct pollfd){.fd = lobby->guests[i].fd, .events = rests ? POLLRDHUP : POLLIN | POLLRDHUP};
   }
   return lobby->count;
}

int64_t vps_lobby_due(const struct vps_lobby *lobby)
{
   const int64_t now = vp_clock_ms();
   int64_t due = vps_source_table_due(&lobby->sources);

   for (unsigned i = 0; i < lobby->count; i++) {
      const struct vps_guest *guest = &lobby->guests[i];
      if (guest->deadline_ms < due)
         due = guest->deadline_ms;
      if (guest->rest_ms > now && guest->rest_ms < due)
         due = guest->rest_ms;
   }
   return due;
}

void vps_lobby_hear(struct vps_lobby *lobby, const struct pollfd pollfds[VPS_LOBBY_ROOM])
{
   const int64_t now = vp_clock_ms();

   for (unsigned i = 0; i < lobby->count; i++) {
      struct vps_guest *guest = &lobby->guests[i];
      guest->stirs = pollfds[i].revents != 0 || now >= guest->deadline_ms;
      guest->hung_up = (pollfds[i].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
   }
   vps_source_table_report(&lobby->sources, now);
}

/* Whether it goes on waiting. */
static bool waits_on(struct vps_lobby *lobby, struct vps_guest *guest, int present, size_t wanted)
{
   const int64_t now = vp_clock_ms();

   if (guest->hung_up) {
      vp_log(VP_LOG_DEBUG, "client %s: left without a greeting", guest->peer);
      close(guest->fd);
      return false;
   }
   if (now >= guest->deadline_ms) {
      vps_source_table_fail(&lobby->sources, &guest->source, now);
      close_guest(lobby, guest, "none came");
      return false;
   }
   if (present == guest->present)
      guest->rest_ms = now + REST_MS;
   guest->present = present;
   wake_at(guest->fd, wanted);
   return true;
}

enum vps_lobby_verdict vps_lobby_take(struct vps_lobby *lobby, struct vps_guest *guest)
{
   /* From the end: the last one takes the place of one that leaves. */
   for (unsigned i = lobby->count; i-- > 0;) {
      struct vps_guest *place = &lobby->guests[i];
      size_t wanted;
      int present;
      if (!place->stirs)
         continue;
      place->stirs = false;
      const enum greeting greeting = look_at_greeting(place->fd, &present, &wanted);
      place->hung_up = place->hung_up || greeting == GREETING_NEVER;
      const bool open = greeting == GREETING_WHOLE || greeting == GREETING_STRANGE;
      if (!open && waits_on(lobby, place, present, wanted))
         continue;
      *guest = *place;
      *place = lobby->guests[--lobby->count];
      if (open)
         return let_go(lobby, guest, greeting);
   }
   return VPS_LOBBY_KEPT;
}

void vps_lobby_close(struct vps_lobby *lobby)
{
   while (lobby->count > 0)
      close(lobby->guests[--lobby->count].fd);
   vps_source_table_report(&lobby->sources, INT64_MAX);
}
