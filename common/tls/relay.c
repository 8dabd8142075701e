/* SPDX-License-Identifier: MIT */

/* Copies between a TLS connection and a local socket, in one thread that waits for both. */

#include "common/tls/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/net/socket.h"
#include "common/tls/outgoing.h"
#include "common/tls/tls.h"
#include "common/util/clock.h"

/* What is read and not written yet, at most, each way. */
#define ROOM ((size_t)128 * 1024)

/* Between two looks whether the other machine is still there. */
#define TICK_MS 1000

/* So long the rest of what a local side said that has ended waits for a peer that takes nothing. */
#define FLUSH_MS 10000

/* With AES-GCM, so many records are safe with one key (RFC 8446, 5.5, has 2^24.5). */
#define RECORD_SIZE 16384u
static uint64_t records_of_a_key = UINT64_C(1) << 24;

struct stretch {
   size_t begin, end;
   bool may_come;  /* poll() says that there is something to read, or an end */
   bool may_leave; /* whoever takes it has not said yet that it has enough */
   bool ended;     /* nothing more comes */
   bool said_end;  /* and whoever takes it knows that */
   uint8_t data[ROOM];
};

struct relay {
   SSL *ssl;
   BIO *outgoing; /* NULL where the kernel encrypts */
   int tcp, local, gone_ms;
   struct stretch up, down; /* to the local side, and from it */
   bool half_written;       /* OpenSSL wants to be given the same again, and nothing else */
   bool answers;            /* it has been asked for a new key, and reads nothing until its answer has left */
   bool has_goodbye;        /* OpenSSL has made it */
   bool peer_closed;        /* there is an end behind what was not read yet */
   bool local_gone;
   bool over;
   enum vp_tls_end end;
   uint64_t delivered, records;
   int64_t moved_ms, looked_ms;
};

static bool is_full(const struct stretch *stretch)
{
   return stretch->end == ROOM;
}

static bool is_empty(const struct stretch *stretch)
{
   return stretch->begin == stretch->end;
}

static void take_away(struct stretch *stretch, size_t size)
{
   stretch->begin += size;
   if (is_empty(stretch))
      stretch->begin = stretch->end = 0;
}

static void end_relay(struct relay *relay, enum vp_tls_end end)
{
   if (!relay->over)
      relay->end = end;
   relay->over = true;
}

/* The local side takes nothing more. */
static void drop_up(struct relay *relay)
{
   relay->up.begin = relay->up.end = 0;
   relay->up.ended = relay->up.said_end = true;
}

/* After a call of OpenSSL's that did not succeed. True: it goes on when the network takes something. */
static bool note_result(struct relay *relay, int result)
{
   const int saved_errno = errno;

   switch (SSL_get_error(relay->ssl, result)) {
   case SSL_ERROR_WANT_READ:
      return false;
   case SSL_ERROR_WANT_WRITE:
      relay->down.may_leave = false;
      return true;
   case SSL_ERROR_ZERO_RETURN:
      relay->up.ended = true;
      return false;
   case SSL_ERROR_SYSCALL:
      if (saved_errno == EINTR)
         return false;
      end_relay(relay, VP_TLS_BROKEN);
      return false;
   default:
      end_relay(relay, VP_TLS_FAILED);
      return false;
   }
}

/* What was encrypted waits in front of the socket until there is enough of it, or no more. True: nothing waits there.
 */
static bool send_outgoing(struct relay *relay)
{
   if (!relay->outgoing || BIO_wpending(relay->outgoing) == 0)
      return true;
   if (relay->down.said_end) {
      vp_outgoing_forget(relay->outgoing); /* an answer, behind our goodbye */
      return true;
   }
   if (!relay->down.may_leave || relay->over)
      return false;
   ERR_clear_error();
   if (vp_outgoing_send(relay->outgoing))
      return true;
   relay->down.may_leave = false;
   if (!BIO_should_retry(relay->outgoing))
      end_relay(relay, VP_TLS_BROKEN);
   return false;
}

/* Read from the network and not decrypted yet, or decrypted and not taken. */
static bool has_more(const struct relay *relay)
{
   return BIO_pending(SSL_get_rbio(relay->ssl)) > 0 || SSL_pending(relay->ssl) > 0;
}

static bool may_read_tls(const struct relay *relay)
{
   return !relay->up.ended && !is_full(&relay->up) && (!relay->answers || relay->down.may_leave);
}

/* These return whether something was moved. */

static bool read_tls(struct relay *relay)
{
   struct stretch *up = &relay->up;
   const size_t before = up->end;

   if (relay->answers && !send_outgoing(relay))
      return false; /* there is no room for the answer */
   while ((up->may_come || has_more(relay)) && may_read_tls(relay) && !relay->over) {
      size_t size = 0;
      up->may_come = relay->answers = false;
      ERR_clear_error();
      const int result = SSL_read_ex(relay->ssl, up->data + up->end, ROOM - up->end, &size);
      if (result != 1) {
         relay->answers = up->may_come = note_result(relay, result);
         break;
      }
      up->end += size;
   }
   return up->end > before;
}

static bool write_local(struct relay *relay)
{
   struct stretch *up = &relay->up;

   if (is_empty(up) || !up->may_leave)
      return false;
   const size_t all = up->end - up->begin;
   const ssize_t size = send(relay->local, up->data + up->begin, all, MSG_NOSIGNAL | MSG_DONTWAIT);
   if (size < 0 && errno != EAGAIN && errno != EINTR)
      drop_up(relay);
   up->may_leave = size == (ssize_t)all || (size < 0 && errno == EINTR);
   if (size <= 0)
      return false;
   take_away(up, (size_t)size);
   relay->delivered += (uint64_t)size;
   return true;
}

static bool read_local(struct relay *relay)
{
   struct stretch *down = &relay->down;

   if (!down->may_come || down->ended || is_full(down))
      return false;
   down->may_come = false;
   const ssize_t size = recv(relay->local, down->data + down->end, ROOM - down->end, MSG_DONTWAIT);
   if (size > 0)
      down->end += (size_t)size;
   else
      down->ended = size == 0 || (errno != EAGAIN && errno != EINTR);
   return size > 0;
}

/* For whatever OpenSSL writes next, which is then written, wherever it is. */
static bool makes_room(struct relay *relay)
{
   return !relay->outgoing || vp_outgoing_has_room(relay->outgoing) || send_outgoing(relay);
}

/* A key is not used for ever. Where the kernel encrypts, it cannot be changed. Only before something is written, with
 * which the news of it leaves. */
static void renew_key(struct relay *relay)
{
   if (relay->records < records_of_a_key || relay->half_written || !relay->outgoing)
      return;
   relay->records = 0;
   if (SSL_key_update(relay->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1)
      end_relay(relay, VP_TLS_FAILED);
}

static bool write_tls(struct relay *relay)
{
   struct stretch *down = &relay->down;
   bool moved = false;

   while (!is_empty(down) && down->may_leave && !relay->over && makes_room(relay)) {
      size_t size = 0;
      ERR_clear_error();
      renew_key(relay);
      const int result = SSL_write_ex(relay->ssl, down->data + down->begin, down->end - down->begin, &size);
      relay->half_written = result != 1;
      if (result != 1) {
         note_result(relay, result);
         break;
      }
      take_away(down, size);
      relay->records += (size + RECORD_SIZE - 1) / RECORD_SIZE;
      moved = true;
   }
   const int waiting = relay->outgoing ? BIO_wpending(relay->outgoing) : 0;
   send_outgoing(relay);
   return moved || (relay->outgoing && BIO_wpending(relay->outgoing) < waiting);
}

static void say_goodbye(struct relay *relay)
{
   struct stretch *down = &relay->down;

   /* A second call would wait for the other side's, and take what still comes for a mistake. */
   if (!relay->has_goodbye && down->may_leave && makes_room(relay)) {
      ERR_clear_error();
      /* It says none in the middle of a new key. */
      int result = SSL_in_init(relay->ssl) ? SSL_do_handshake(relay->ssl) : 1;
      if (result > 0)
         result = SSL_shutdown(relay->ssl);
      if (result < 0)
         note_result(relay, result);
      relay->has_goodbye = down->may_leave;
   }
   if (!send_outgoing(relay) || !relay->has_goodbye)
      return;
   shutdown(relay->tcp, SHUT_WR);
   down->said_end = true;
}

static void say_ends(struct relay *relay)
{
   struct stretch *up = &relay->up, *down = &relay->down;

   if (up->ended && is_empty(up) && !up->said_end) {
      shutdown(relay->local, SHUT_WR);
      up->said_end = true;
   }
   if (down->ended && is_empty(down) && !down->said_end && !relay->over)
      say_goodbye(relay);
   if (down->said_end && (up->said_end || relay->local_gone))
      end_relay(relay, VP_TLS_ENDED);
}

/* What poll() has said. */
static void note_events(struct relay *relay, short tcp, short local)
{
   relay->up.may_come = relay->up.may_come || (tcp & (POLLIN | POLLRDHUP | POLLHUP));
   relay->down.may_come = relay->down.may_come || (local & (POLLIN | POLLHUP | POLLERR));
   relay->up.may_leave = relay->up.may_leave || (local & POLLOUT);
   relay->down.may_leave = relay->down.may_leave || (tcp & POLLOUT);
   if (tcp & (POLLRDHUP | POLLHUP))
      relay->peer_closed = true;
   if (tcp & (POLLERR | POLLNVAL))
      end_relay(relay, VP_TLS_BROKEN);
   if (local & (POLLHUP | POLLERR | POLLNVAL)) {
      relay->local_gone = true;
      drop_up(relay);
   }
}

/* What is gone would wake poll() again and again, so it is asked about only as long as there is something to learn. */
static void wait_for_both(struct relay *relay)
{
   const bool reads_tls = may_read_tls(relay);
   const bool reads_local = !relay->down.ended && !is_full(&relay->down);
   short tcp = reads_tls ? POLLIN : 0, local = reads_local ? POLLIN : 0;
   struct pollfd fds[2];

   if (!relay->down.may_leave)
      tcp |= POLLOUT;
   if (!reads_tls && !relay->peer_closed && !relay->up.ended)
      tcp |= POLLRDHUP;
   if (!is_empty(&relay->up))
      local |= POLLOUT;
   fds[0] = (struct pollfd){.fd = relay->peer_closed && !tcp ? -1 : relay->tcp, .events = tcp};
   fds[1] = (struct pollfd){.fd = relay->local_gone && !reads_local ? -1 : relay->local, .events = local};
   if (poll(fds, 2, TICK_MS) >= 0)
      note_events(relay, fds[0].revents, fds[1].revents);
}

static void look_for_loss(struct relay *relay)
{
   const int64_t now_ms = vp_clock_ms(), still_ms = now_ms - relay->moved_ms;
   const bool given_up = relay->gone_ms && relay->peer_closed && !is_empty(&relay->up) && still_ms >= relay->gone_ms;

   if (given_up || (relay->down.ended && still_ms >= FLUSH_MS))
      end_relay(relay, VP_TLS_BROKEN);
   if (now_ms - relay->looked_ms < TICK_MS)
      return;
   relay->looked_ms = now_ms;
   if (vp_socket_peer_lost(relay->tcp))
      end_relay(relay, VP_TLS_BROKEN);
}

static void move_all(struct relay *relay)
{
   bool moved = true;

   while (moved && !relay->over) {
      moved = read_tls(relay);
      moved = write_local(relay) || moved;
      moved = read_local(relay) || moved;
      moved = write_tls(relay) || moved;
      if (moved)
         relay->moved_ms = vp_clock_ms();
   }
   say_ends(relay);
}

void vp_tls_relay_renew_after(uint64_t records)
{
   records_of_a_key = records;
}

enum vp_tls_end vp_tls_relay(SSL *ssl, int local, int gone_ms, uint64_t *delivered)
{
   struct relay *relay = calloc(1, sizeof(*relay));

   *delivered = 0;
   if (!relay || !vp_tls_allow_all(ssl, &relay->outgoing)) {
      free(relay);
      return VP_TLS_NO_MEMORY;
   }
   /* An end without a goodbye is as good as one with it: no message of ours is understood that was cut off. To OpenSSL
    * it would be a mistake, after which it says no goodbye either. */
   SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
   relay->ssl = ssl;
   relay->tcp = SSL_get_fd(ssl);
   relay->local = local;
   relay->gone_ms = gone_ms;
   relay->moved_ms = relay->looked_ms = vp_clock_ms();
   relay->up.may_leave = relay->down.may_leave = true;
   (void)fcntl(relay->tcp, F_SETFL, fcntl(relay->tcp, F_GETFL) | O_NONBLOCK);
   for (;;) {
      move_all(relay);
      if (relay->over)
         break;
      wait_for_both(relay);
      look_for_loss(relay);
   }
   *delivered = relay->delivered;
   const enum vp_tls_end end = relay->end;
   free(relay);
   return end;
}
