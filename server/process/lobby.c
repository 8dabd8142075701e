/* SPDX-License-Identifier: MIT */

/* Looks how much of a greeting is in the socket of a new connection, and bounds how many may wait, for how long, and of
 * one address. */

#include "server/process/lobby.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/frame.h"
#include "common/net/hello.h"
#include "common/net/socket.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "common/util/log.h"

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
   GREETING_LOAD,    /* all of a question that may come before it */
   GREETING_RESUME,  /* all of what is in place of one, for a session that there may be */
   GREETING_TLS,     /* the connection begins with a handshake of that */
   GREETING_STRANGE, /* these bytes cannot be one */
   GREETING_NEVER,   /* the connection is over */
};

/* A record of TLS that has a handshake in it. No frame begins so: AUTH has a zero in second place. */
static const uint8_t tls_start[] = {0x16, 0x03};

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
   if (size >= sizeof(tls_start) && memcmp(data, tls_start, sizeof(tls_start)) == 0)
      return GREETING_TLS;
   const bool hello = header.type == VP_FRAME_HELLO;
   const size_t start = hello ? START_SIZE : VP_FRAME_HEADER_SIZE;
   const bool asks = header.type == VP_FRAME_LOAD;
   if (known >= TYPE_END && !hello && !asks && header.type != VP_FRAME_AUTH && header.type != VP_FRAME_RESUME)
      return GREETING_STRANGE;
   if (known >= LENGTH_END && (header.length > VP_FRAME_MAX_FIRST_PAYLOAD ||
                               (hello && header.length < VP_HELLO_FIXED_SIZE) || (asks && header.length > 0)))
      return GREETING_STRANGE;
   if (size < start) {
      *wanted = size < TYPE_END ? TYPE_END : size < LENGTH_END ? LENGTH_END : start;
      return GREETING_MISSING;
   }
   *wanted = VP_FRAME_HEADER_SIZE + (size_t)header.length;
   if (header.type == VP_FRAME_RESUME)
      return GREETING_RESUME;
   if (asks)
      return GREETING_LOAD;
   return hello && vp_bytes_load_u64(data + VP_FRAME_HEADER_SIZE) != VP_HELLO_MAGIC ? GREETING_STRANGE : GREETING_WHOLE;
}

static bool is_complete(enum greeting greeting)
{
   return greeting == GREETING_WHOLE || greeting == GREETING_RESUME || greeting == GREETING_LOAD;
}

/* *present: how many bytes are in the socket; *wanted: at how many it is worth another look. */
static enum greeting look_at_greeting(const struct vps_lobby *lobby, const struct vps_guest *guest, int *present,
                                      size_t *wanted)
{
   const int fd = guest->fd;
   uint8_t start[START_SIZE];
   const ssize_t size = recv(fd, start, sizeof(start), MSG_PEEK | MSG_DONTWAIT);

   *present = 0;
   *wanted = 1;
   if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
      return GREETING_MISSING;
   if (size <= 0 || ioctl(fd, FIONREAD, present) != 0)
      return GREETING_NEVER;
   const enum greeting greeting = judge_start(start, (size_t)size, wanted);
   if (greeting == GREETING_TLS && (!lobby->has_gate || guest->is_admitted))
      return GREETING_STRANGE;
   return is_complete(greeting) && (size_t)*present < *wanted ? GREETING_MISSING : greeting;
}

static bool may_be_plain(const struct vps_lobby *lobby, const struct vps_guest *guest)
{
   return !lobby->has_gate || guest->is_admitted || (!lobby->tls_only && vp_socket_peer_is_here(guest->fd));
}

/* Takes the question out of the socket. False: that is not possible. */
static bool answer_question(const struct vps_lobby *lobby, struct vps_guest *guest)
{
   uint8_t question[VP_FRAME_HEADER_SIZE];
   struct vp_load load;

   if (!lobby->tell_load || guest->has_asked ||
       recv(guest->fd, question, sizeof(question), MSG_DONTWAIT) != (ssize_t)sizeof(question))
      return false;
   guest->has_asked = true;
   lobby->tell_load(lobby->load_owner, &load);
   return vp_load_tell(guest->fd, &load);
}

/* The same, when a question that comes before the greeting has been answered. Of one who must use TLS it is not, and is
 * as good as a greeting. */
static enum greeting hear_guest(const struct vps_lobby *lobby, struct vps_guest *guest, int *present, size_t *wanted)
{
   const enum greeting greeting = look_at_greeting(lobby, guest, present, wanted);

   if (greeting != GREETING_LOAD || !may_be_plain(lobby, guest))
      return greeting;
   if (!answer_question(lobby, guest))
      return GREETING_STRANGE;
   const enum greeting next = look_at_greeting(lobby, guest, present, wanted);
   return next == GREETING_LOAD ? GREETING_STRANGE : next;
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
      count += vps_source_equal(&lobby->guests[i].client.source, source);
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
   vp_log_about(VP_LOG_DEBUG, guest->client.peer, guest->client.user, "client %s: closed without a greeting: %s",
                guest->client.peer, why);
   vps_source_table_count(&lobby->sources, &guest->client.source, vp_clock_ms());
   lobby->silent++;
   close(guest->fd);
}

/* It has done what is not to be done, and is closed for that. One source has a few lines in the log for it. */
static void note_offence(struct vps_lobby *lobby, const struct vps_guest *guest, enum vp_log_level level,
                         const char *what)
{
   const int64_t now = vp_clock_ms();

   vps_source_table_fail(&lobby->sources, &guest->client.source, now);
   vps_source_table_count(&lobby->sources, &guest->client.source, now);
   if (level == VP_LOG_WARN && !vps_source_table_may_explain(&lobby->sources, &guest->client.source, now))
      level = VP_LOG_DEBUG;
   vp_log_about(level, guest->client.peer, guest->client.user, "client %s: %s", guest->client.peer, what);
}

/* Notes how it went with one that leaves the lobby for the caller. */
static enum vps_lobby_verdict let_go(struct vps_lobby *lobby, const struct vps_guest *guest, enum greeting greeting)
{
   wake_at(guest->fd, 1);
   if (greeting == GREETING_STRANGE) {
      note_offence(lobby, guest, VP_LOG_DEBUG, "what it says is no greeting");
      return VPS_LOBBY_STRANGE;
   }
   if (!may_be_plain(lobby, guest)) {
      note_offence(lobby, guest, VP_LOG_WARN, "refused: it does not use TLS");
      return VPS_LOBBY_PLAIN;
   }
   if (greeting == GREETING_WHOLE) /* else it is to be seen: vps_lobby_note_resumed */
      vps_source_table_succeed(&lobby->sources, &guest->client.source);
   return VPS_LOBBY_GREETED;
}

static void begin_tls(struct vps_lobby *lobby, struct vps_guest *guest)
{
   wake_at(guest->fd, 1);
   guest->speaks_tls = true;
   guest->gate = 0;
   guest->number = ++lobby->last_number;
}

enum vps_lobby_verdict vps_lobby_enter(struct vps_lobby *lobby, int fd, const struct vps_client *client)
{
   const int64_t now = vp_clock_ms();
   struct vps_guest guest = {.fd = fd, .client = *client, .deadline_ms = now + VPS_LOBBY_MS};
   size_t wanted;
   const enum greeting greeting = hear_guest(lobby, &guest, &guest.present, &wanted);

   if (greeting == GREETING_NEVER || client->source.size == 0) {
      vp_log_about(VP_LOG_DEBUG, client->peer, client->user, "client %s: left at once", client->peer);
      close(fd);
      return VPS_LOBBY_KEPT;
   }
   if (greeting != GREETING_MISSING && greeting != GREETING_TLS)
      return let_go(lobby, &guest, greeting);
   const char *refusal = refusal_at_door(lobby, &guest.client.source, now);
   if (refusal) {
      close_guest(lobby, &guest, refusal);
      return VPS_LOBBY_KEPT;
   }
   if (greeting == GREETING_TLS)
      begin_tls(lobby, &guest);
   else
      wake_at(fd, wanted);
   lobby->guests[lobby->count++] = guest;
   return VPS_LOBBY_KEPT;
}

unsigned vps_lobby_prepare(const struct vps_lobby *lobby, struct pollfd pollfds[VPS_LOBBY_ROOM])
{
   const int64_t now = vp_clock_ms();

   for (unsigned i = 0; i < lobby->count; i++) {
      const struct vps_guest *guest = &lobby->guests[i];
      const bool rests = now < guest->rest_ms;
      /* What is with a gate is the gate's, which also learns when it hangs up. */
      pollfds[i] =
         (struct pollfd){.fd = guest->speaks_tls ? -1 : guest->fd, .events = rests ? POLLRDHUP : POLLIN | POLLRDHUP};
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

static void say_too_late(struct vps_lobby *lobby, const struct vps_guest *guest)
{
   vps_source_table_fail(&lobby->sources, &guest->client.source, vp_clock_ms());
   close_guest(lobby, guest, guest->speaks_tls ? "its TLS handshake took too long" : "none came");
}

/* Whether it goes on waiting. */
static bool waits_on(struct vps_lobby *lobby, struct vps_guest *guest, int present, size_t wanted)
{
   const int64_t now = vp_clock_ms();

   if (guest->hung_up) {
      vp_log_about(VP_LOG_DEBUG, guest->client.peer, guest->client.user, "client %s: left without a greeting",
                   guest->client.peer);
      close(guest->fd);
      return false;
   }
   if (now >= guest->deadline_ms) {
      say_too_late(lobby, guest);
      return false;
   }
   if (present == guest->present)
      guest->rest_ms = now + REST_MS;
   guest->present = present;
   wake_at(guest->fd, wanted);
   return true;
}

static void remove_guest(struct vps_lobby *lobby, struct vps_guest *guest)
{
   *guest = lobby->guests[--lobby->count];
}

/* Looks at one that stirs. Whether it has left the lobby; *greeting: with what. */
static bool look_after(struct vps_lobby *lobby, struct vps_guest *guest, enum greeting *greeting)
{
   size_t wanted;
   int present;

   *greeting = GREETING_NEVER;
   if (guest->speaks_tls) { /* it is too late */
      shutdown(guest->fd, SHUT_RDWR);
      say_too_late(lobby, guest);
      return true;
   }
   *greeting = hear_guest(lobby, guest, &present, &wanted);
   guest->hung_up = guest->hung_up || *greeting == GREETING_NEVER;
   if (*greeting == GREETING_TLS) {
      begin_tls(lobby, guest);
      return false;
   }
   return is_complete(*greeting) || *greeting == GREETING_STRANGE || !waits_on(lobby, guest, present, wanted);
}

enum vps_lobby_verdict vps_lobby_take(struct vps_lobby *lobby, struct vps_guest *guest)
{
   /* From the end: the last one takes the place of one that leaves. */
   for (unsigned i = lobby->count; i-- > 0;) {
      struct vps_guest *place = &lobby->guests[i];
      enum greeting greeting;
      if (!place->stirs)
         continue;
      place->stirs = false;
      if (!look_after(lobby, place, &greeting))
         continue;
      *guest = *place;
      remove_guest(lobby, place);
      if (is_complete(greeting) || greeting == GREETING_STRANGE)
         return let_go(lobby, guest, greeting);
   }
   return VPS_LOBBY_KEPT;
}

struct vps_guest *vps_lobby_next_for_gate(struct vps_lobby *lobby)
{
   for (unsigned i = 0; i < lobby->count; i++) {
      if (lobby->guests[i].speaks_tls && !lobby->guests[i].gate)
         return &lobby->guests[i];
   }
   return NULL;
}

static struct vps_guest *find_at_gate(struct vps_lobby *lobby, pid_t gate, uint32_t number)
{
   for (unsigned i = 0; i < lobby->count; i++) {
      struct vps_guest *guest = &lobby->guests[i];
      if (guest->speaks_tls && guest->gate == gate && guest->number == number)
         return guest;
   }
   return NULL;
}

void vps_lobby_admit(struct vps_lobby *lobby, pid_t gate, uint32_t number, int fd, const char *user, const char *by)
{
   struct vps_guest *guest = find_at_gate(lobby, gate, number);
   struct vps_client *client;
   char address[VPS_PEER_SIZE];

   if (!guest) {
      close(fd);
      return;
   }
   close(guest->fd);
   guest->fd = fd;
   guest->speaks_tls = false;
   guest->is_admitted = true;
   guest->present = 0;
   client = &guest->client;
   memcpy(address, client->peer, sizeof(address));
   snprintf(client->peer, sizeof(client->peer), "%.*s at %.*s", VP_KEY_IDENTITY_SIZE - 1, user,
            VPS_PEER_SIZE - VP_KEY_IDENTITY_SIZE - 4, address);
   snprintf(client->user, sizeof(client->user), "%s:%.*s", by, VP_KEY_IDENTITY_SIZE - 1, user);
}

int vps_lobby_refuse(struct vps_lobby *lobby, pid_t gate, uint32_t number, const char *user, const char *reason)
{
   struct vps_guest *guest = find_at_gate(lobby, gate, number);
   char text[512];

   if (!guest)
      return -1;
   snprintf(text, sizeof(text), "refused by TLS%s%s: %s", user[0] ? ", as " : "", user, reason);
   note_offence(lobby, guest, VP_LOG_WARN, text);
   lobby->refused_by_tls++;
   const int fd = guest->fd;
   remove_guest(lobby, guest);
   return fd;
}

void vps_lobby_lose_gate(struct vps_lobby *lobby, pid_t gate)
{
   for (unsigned i = lobby->count; i-- > 0;) {
      struct vps_guest *guest = &lobby->guests[i];
      if (!guest->speaks_tls || guest->gate != gate)
         continue;
      close_guest(lobby, guest, "its TLS handshake was broken off");
      remove_guest(lobby, guest);
   }
}

void vps_lobby_note_resumed(struct vps_lobby *lobby, const struct vps_source *source, bool there_is)
{
   if (there_is) {
      vps_source_table_succeed(&lobby->sources, source);
      return;
   }
   vps_source_table_fail(&lobby->sources, source, vp_clock_ms());
   vps_source_table_count(&lobby->sources, source, vp_clock_ms());
}

void vps_lobby_close(struct vps_lobby *lobby)
{
   while (lobby->count > 0)
      close(lobby->guests[--lobby->count].fd);
   vps_source_table_report(&lobby->sources, INT64_MAX);
}
