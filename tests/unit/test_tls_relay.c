/* SPDX-License-Identifier: MIT */
/* What copies between TLS and a local socket loses no byte while keys change: its own, those of the other side, when
 * that asks for it, and when the network takes nothing meanwhile. */

#include "tests/unit/check.h"

#if !VP_TLS

int main(void)
{
   return check_skip("this build has no TLS");
}

#else

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/tls/relay.h"
#include "tools/tls_pair.h"

#define MIB ((size_t)1 << 20)
#define MUCH (6 * MIB)
#define PIECE ((size_t)64 * 1024)
#define SMALL 64
#define TURNS 200
#define REQUESTS 300
#define TOO_MANY 4000 /* whose answers are more than the relay keeps */
#define EACH 16
#define STEPS 40
#define STEP ((size_t)16 * 1024)
#define NEVER (UINT64_C(1) << 24)

/* One end of a connection. With `outer` it has a thread that copies between TLS and the other end of that socket. */
struct end {
   bool is_server;
   int tcp, inner, outer;
   SSL_CTX *context;
   SSL *ssl;
   pthread_t thread;
   enum vp_tls_end result;
   atomic_uint said, asked, heard; /* changes of a key: of its own, those that want another one in return, the peer's */
};

static void count_updates(int is_written, int version, int type, const void *message, size_t size, SSL *ssl, void *user)
{
   const uint8_t *bytes = message;
   struct end *end = user;

   (void)version;
   (void)ssl;
   if (type != SSL3_RT_HANDSHAKE || size < 5 || bytes[0] != SSL3_MT_KEY_UPDATE)
      return;
   atomic_fetch_add(is_written ? &end->said : &end->heard, 1);
   if (is_written && bytes[4] == SSL_KEY_UPDATE_REQUESTED)
      atomic_fetch_add(&end->asked, 1);
}

static void open_end(struct end *end, bool is_server, int tcp)
{
   *end = (struct end){.is_server = is_server, .tcp = tcp, .inner = -1, .outer = -1};
   end->context = tls_pair_context(is_server);
   assert(end->context);
   SSL_CTX_set_msg_callback(end->context, count_updates);
   SSL_CTX_set_msg_callback_arg(end->context, end);
   end->ssl = vp_tls_create(end->context, tcp);
   assert(end->ssl);
}

static void close_end(struct end *end)
{
   SSL_free(end->ssl);
   SSL_CTX_free(end->context);
   close(end->tcp);
   if (end->outer >= 0)
      close(end->outer);
}

static void *copy(void *context)
{
   struct end *end = context;
   uint64_t delivered;

   end->result = VP_TLS_FAILED;
   if (tls_pair_shake_hands(end->ssl, end->is_server))
      end->result = vp_tls_relay(end->ssl, end->inner, 0, &delivered);
   close(end->inner);
   shutdown(end->tcp, SHUT_RDWR); /* else who waits for it would do so for ever, after a failure */
   return NULL;
}

static void start_relay(struct end *end)
{
   int ends[2];
   const int made = socketpair(AF_UNIX, SOCK_STREAM, 0, ends);

   assert(made == 0);
   end->inner = ends[0];
   end->outer = ends[1];
   const int started = pthread_create(&end->thread, NULL, copy, end);
   assert(started == 0);
}

/* --- bytes that are known --- */

static uint8_t byte_at(size_t at, unsigned seed)
{
   const uint64_t word = (at / 8 + 1) * UINT64_C(0x9e3779b97f4a7c15) + seed;

   return (uint8_t)((word ^ word >> 29) >> at % 8 * 8);
}

static void fill(uint8_t *data, size_t size, size_t at, unsigned seed)
{
   for (size_t i = 0; i < size; i++)
      data[i] = byte_at(at + i, seed);
}

static bool is_right(const uint8_t *data, size_t size, size_t at, unsigned seed)
{
   for (size_t i = 0; i < size; i++) {
      if (data[i] != byte_at(at + i, seed))
         return false;
   }
   return true;
}

/* What is written to a socket, or read from it, in a thread of its own. */
struct flow {
   int fd;
   unsigned seed;
   size_t size;
   atomic_size_t done;
   bool ok;
   pthread_t thread;
};

static void *write_flow(void *context)
{
   struct flow *flow = context;
   uint8_t data[PIECE];
   size_t at = 0;

   for (unsigned i = 0; at < flow->size; i++) {
      size_t piece = 1 + (size_t)i * 7919 % PIECE;
      piece = piece < flow->size - at ? piece : flow->size - at;
      fill(data, piece, at, flow->seed);
      for (size_t sent = 0; sent < piece;) {
         const ssize_t size = send(flow->fd, data + sent, piece - sent, MSG_NOSIGNAL);
         if (size <= 0)
            return NULL;
         sent += (size_t)size;
         atomic_fetch_add(&flow->done, (size_t)size);
      }
      at += piece;
   }
   flow->ok = shutdown(flow->fd, SHUT_WR) == 0;
   return NULL;
}

/* To the end. */
static void *read_flow(void *context)
{
   struct flow *flow = context;
   uint8_t data[PIECE];
   ssize_t size;

   flow->ok = true;
   while ((size = recv(flow->fd, data, sizeof(data), 0)) > 0) {
      flow->ok = flow->ok && is_right(data, (size_t)size, atomic_load(&flow->done), flow->seed);
      atomic_fetch_add(&flow->done, (size_t)size);
   }
   flow->ok = flow->ok && size == 0 && atomic_load(&flow->done) == flow->size;
   return NULL;
}

static void start_flow(struct flow *flow, void *(*run)(void *))
{
   const int started = pthread_create(&flow->thread, NULL, run, flow);
   assert(started == 0);
}

/* --- the tests --- */

/* Two that copy, each with so many records of a key, and much in both directions at once. */
static void test_own_changes(uint64_t records, unsigned least, unsigned most)
{
   struct end client, server;
   int tcp[2];

   vp_tls_relay_renew_after(records);
   assert(tls_pair_open(tcp));
   open_end(&client, false, tcp[0]);
   open_end(&server, true, tcp[1]);
   start_relay(&client);
   start_relay(&server);
   struct flow flows[] = {
      {.fd = client.outer, .seed = 1, .size = MUCH},
      {.fd = server.outer, .seed = 2, .size = MUCH},
      {.fd = client.outer, .seed = 2, .size = MUCH},
      {.fd = server.outer, .seed = 1, .size = MUCH},
   };
   for (unsigned i = 0; i < 4; i++)
      start_flow(&flows[i], i < 2 ? write_flow : read_flow);
   for (unsigned i = 0; i < 4; i++)
      pthread_join(flows[i].thread, NULL);
   pthread_join(client.thread, NULL);
   pthread_join(server.thread, NULL);
   for (unsigned i = 0; i < 4; i++)
      CHECK(flows[i].ok);
   CHECK(client.result == VP_TLS_ENDED && server.result == VP_TLS_ENDED);
   CHECK(client.said == server.heard && server.said == client.heard);
   CHECK(client.said >= least && server.said >= least && client.said <= most && server.said <= most);
   CHECK(client.asked == 0 && server.asked == 0);
   close_end(&client);
   close_end(&server);
}

/* One that copies, as the server, and one that says by itself when it changes its key. */
static void open_peer(struct end *peer, struct end *relay)
{
   int tcp[2];

   assert(tls_pair_open(tcp));
   open_end(peer, false, tcp[0]);
   open_end(relay, true, tcp[1]);
   start_relay(relay);
   assert(tls_pair_shake_hands(peer->ssl, false));
   BIO_set_callback_ex(SSL_get_rbio(peer->ssl), NULL); /* there is no limit any more to what is read */
}

static bool say(struct end *peer, size_t at, size_t size)
{
   uint8_t data[SMALL];
   size_t sent;

   fill(data, size, at, 3);
   return SSL_write_ex(peer->ssl, data, size, &sent) == 1 && sent == size;
}

static bool hear(int fd, size_t at, size_t size)
{
   uint8_t data[SMALL];

   return recv(fd, data, size, MSG_WAITALL) == (ssize_t)size && is_right(data, size, at, 3);
}

/* A question with a new key, of which each second wants another one for the answer. */
static void test_peer_changes(void)
{
   struct end peer, relay;
   bool ok = true;
   uint8_t data[SMALL];
   size_t size;

   open_peer(&peer, &relay);
   for (unsigned i = 0; i < TURNS && ok; i++) {
      const int kind = i % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
      ok = SSL_key_update(peer.ssl, kind) == 1 && say(&peer, (size_t)i * SMALL, SMALL) &&
           hear(relay.outer, (size_t)i * SMALL, SMALL);
      fill(data, SMALL, (size_t)i * SMALL, 4);
      ok = ok && send(relay.outer, data, SMALL, MSG_NOSIGNAL) == SMALL &&
           SSL_read_ex(peer.ssl, data, SMALL, &size) == 1 && size == SMALL &&
           is_right(data, SMALL, (size_t)i * SMALL, 4) && peer.heard == (i + 1) / 2;
   }
   CHECK(ok && peer.said == TURNS && relay.heard == TURNS && relay.said == TURNS / 2);
   shutdown(relay.outer, SHUT_WR);
   SSL_shutdown(peer.ssl);
   pthread_join(relay.thread, NULL);
   CHECK(relay.result == VP_TLS_ENDED);
   CHECK(SSL_shutdown(peer.ssl) == 1);
   close_end(&peer);
   close_end(&relay);
}

/* Until no more of it is taken for a while, or all is. */
static void wait_until_stuck(struct flow *flow, useconds_t us)
{
   size_t before;

   do {
      before = atomic_load(&flow->done);
      usleep(us);
   } while (before == 0 || (atomic_load(&flow->done) != before && before < flow->size));
}

static bool read_all(struct end *peer, size_t size, unsigned seed)
{
   uint8_t data[PIECE];
   size_t at = 0, piece;

   while (at < size && SSL_read_ex(peer->ssl, data, sizeof(data), &piece) == 1) {
      if (!is_right(data, piece, at, seed))
         return false;
      at += piece;
   }
   return at == size;
}

static bool hears_goodbye(struct end *peer)
{
   uint8_t byte;
   size_t size;

   return SSL_read_ex(peer->ssl, &byte, 1, &size) == 0 && SSL_get_error(peer->ssl, 0) == SSL_ERROR_ZERO_RETURN;
}

/* So many new keys, of which each is to be answered with one, and something said with each EACH of them. */
static bool want_keys(struct end *peer, unsigned requests)
{
   for (unsigned i = 0; i < requests; i++) {
      if (SSL_key_update(peer->ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
          !(i % EACH ? SSL_do_handshake(peer->ssl) == 1 : say(peer, (size_t)(i / EACH) * SMALL, SMALL)))
         return false;
   }
   return true;
}

static bool hear_what_was_said(struct end *relay, unsigned requests)
{
   for (unsigned i = 0; i < requests; i += EACH) {
      if (!hear(relay->outer, (size_t)(i / EACH) * SMALL, SMALL))
         return false;
   }
   return true;
}

/* Of all threads. */
static double cpu_seconds_of_waiting(void)
{
   struct timespec before, after;

   clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
   usleep(300000);
   clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
   return (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

/* What came before may take its time on a slow machine, but not for ever. */
static bool comes_to_rest(void)
{
   for (unsigned i = 0; i < 30; i++) {
      if (cpu_seconds_of_waiting() < 0.1)
         return true;
   }
   return false;
}

/* So many bytes are for a peer that reads nothing, so that the relay is in the middle of a record, and perhaps of a new
 * key of its own; meanwhile new ones come, and are wanted. Then the peer reads. Gives how much was taken of it before.
 */
static size_t test_changes_while_stuck(size_t much, uint64_t records, unsigned requests, useconds_t patience_us)
{
   struct end peer, relay;

   vp_tls_relay_renew_after(records);
   open_peer(&peer, &relay);
   struct flow flow = {.fd = relay.outer, .seed = 5, .size = much};
   start_flow(&flow, write_flow);
   wait_until_stuck(&flow, patience_us);
   const size_t taken = atomic_load(&flow.done);
   CHECK(want_keys(&peer, requests) && peer.heard == 0);
   if (requests == TOO_MANY)
      CHECK(comes_to_rest());
   CHECK(read_all(&peer, much, 5) && hears_goodbye(&peer));
   CHECK(hear_what_was_said(&relay, requests));
   pthread_join(flow.thread, NULL);
   CHECK(flow.ok);
   CHECK(SSL_shutdown(peer.ssl) >= 0);
   pthread_join(relay.thread, NULL);
   CHECK(relay.result == VP_TLS_ENDED && relay.heard == requests && relay.asked == 0);
   /* Answers behind the relay's goodbye do not leave. */
   CHECK(peer.heard <= relay.said && (taken == much || peer.heard >= (requests > 0)));
   close_end(&peer);
   close_end(&relay);
   return taken;
}

/* Wherever the relay is when it gets stuck: with much left to say, or with all of it said but for the goodbye. */
static void test_stuck_anywhere(void)
{
   const size_t taken = test_changes_while_stuck(4 * MUCH, NEVER, REQUESTS, 200000);

   CHECK(taken < 4 * MUCH);
   test_changes_while_stuck(4 * MUCH, 1, 0, 200000);
   test_changes_while_stuck(4 * MUCH, 1, REQUESTS, 200000);
   test_changes_while_stuck(4 * MUCH, NEVER, TOO_MANY, 200000);
   for (size_t less = 0; less < taken && less < STEPS * STEP; less += STEP) {
      test_changes_while_stuck(taken - less, NEVER, 2, 20000);
      test_changes_while_stuck(taken - less, 1, 2, 20000);
   }
}

/* A new key is wanted, and then nothing more is said: the goodbyes still are. */
static void test_change_before_the_end(void)
{
   struct end peer, relay;
   uint8_t byte;

   open_peer(&peer, &relay);
   CHECK(say(&peer, 0, SMALL) && hear(relay.outer, 0, SMALL));
   CHECK(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(peer.ssl) == 1);
   CHECK(SSL_shutdown(peer.ssl) == 0);
   CHECK(recv(relay.outer, &byte, 1, 0) == 0); /* the relay has heard all */
   shutdown(relay.outer, SHUT_WR);
   CHECK(hears_goodbye(&peer));
   pthread_join(relay.thread, NULL);
   CHECK(relay.result == VP_TLS_ENDED && relay.heard == 1);
   close_end(&peer);
   close_end(&relay);
}

int main(void)
{
   signal(SIGPIPE, SIG_IGN); /* as the programs do that copy */
   test_own_changes(NEVER, 0, 0);
   test_own_changes(1, 40, UINT32_MAX);
   test_own_changes(7, 10, MUCH / SMALL);
   vp_tls_relay_renew_after(NEVER);
   test_peer_changes();
   test_change_before_the_end();
   test_stuck_anywhere();
   return check_finish();
}

#endif
