/* SPDX-License-Identifier: MIT */

/* One loop that shakes hands with all who want to come in, none of whom is trusted, and forks a process for each who
 * is let in. It has the keys, and nothing else that would be of use to somebody who gets into it. */

#include "server/process/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tls/relay.h"
#include "common/tls/tls.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "server/process/gate_name.h"
#include "server/process/passing.h"
#include "server/process/sandbox.h"
#include "server/process/source_table.h"
#include "server/process/spawn.h"

#define SECRET_SIZE 32

/* Of what the pair of sockets holds; the kernel gives as much of it as its administrator allows. */
#define PAIR_BYTES (512 * 1024)

/* After a client has closed its connection: how long the worker may leave what it has said unread. */
#define GONE_MS 1000

struct gate;

/* Somebody who wants to come in. */
struct knock {
   struct gate *gate;
   SSL *ssl; /* NULL: a free place */
   int fd;
   uint32_t number;
   short events;
   char claim[VP_KEY_IDENTITY_SIZE]; /* whose key it says it has; empty: said nothing */
   bool is_known;                    /* and there is one */
};

struct gate {
   const struct vps_options *options;
   int listener;
   bool closing; /* nobody comes any more */
   SSL_CTX *context;
   struct vp_key_file keys;
   struct vp_tls_certificate certificate;
   uint8_t secret[SECRET_SIZE]; /* of which the keys of identities are made that are not known */
   struct knock knocks[VPS_GATE_ROOM];
   struct vps_source_table sources; /* of those that were let in: how many lines their relays may have in the log */
};

static struct gate the_gate;

/* --- keys --- */

/* Who does not exist has a key, too, which nobody knows: what happens then is what happens with a wrong one. */
static bool make_fake(const struct gate *gate, const uint8_t *identity, size_t length, struct vp_key *key)
{
   unsigned int size = 0;

   *key = (struct vp_key){0};
   if (!HMAC(EVP_sha256(), gate->secret, sizeof(gate->secret), identity, length, key->bytes, &size))
      return false;
   key->size = (uint8_t)size;
   return true;
}

static const struct vp_key *find_real(const struct gate *gate, const uint8_t *identity, size_t length)
{
   char name[VP_KEY_IDENTITY_SIZE] = "";

   if (length < sizeof(name))
      memcpy(name, identity, length);
   return strlen(name) == length ? vp_key_file_find(&gate->keys, name) : NULL;
}

static int find_key(SSL *ssl, const unsigned char *identity, size_t length, SSL_SESSION **session)
{
   struct knock *knock = SSL_get_app_data(ssl);
   const struct vp_key *key = find_real(knock->gate, identity, length);
   struct vp_key fake;

   const bool ok = make_fake(knock->gate, identity, length, &fake);
   vps_gate_print_claim(identity, length, knock->claim);
   knock->is_known = key != NULL;
   if (!key)
      key = &fake;
   *session = ok ? vp_tls_session_of_key(SSL_get_pending_cipher(ssl), key->bytes, key->size) : NULL;
   return *session != NULL;
}

/* --- one connection --- */

static void forget(struct knock *knock)
{
   SSL_free(knock->ssl);
   close(knock->fd);
   *knock = (struct knock){.fd = -1};
}

static void tell(struct gate *gate, const struct vps_gate_news *news, int fd)
{
   if (!vps_passing_send(gate->listener, news, sizeof(*news), &fd, fd >= 0, 0)) {
      if (errno != EPIPE)
         vp_log(VP_LOG_ERROR, "cannot tell the server who may come in: %s", strerror(errno));
      _exit(1);
   }
}

static void refuse(struct knock *knock, const char *reason)
{
   struct vps_gate_news news = {.word = VPS_GATE_REFUSED, .connection = knock->number};

   memcpy(news.user, knock->claim, sizeof(news.user));
   snprintf(news.reason, sizeof(news.reason), "%s", reason);
   tell(knock->gate, &news, -1);
   forget(knock);
}

/* The process of a client that is in has what belongs to that, and no keys. */
static void drop_others(struct gate *gate, const struct knock *own)
{
   close(gate->listener);
   for (unsigned i = 0; i < VPS_GATE_ROOM; i++) {
      if (gate->knocks[i].ssl && &gate->knocks[i] != own)
         forget(&gate->knocks[i]);
   }
   SSL_certs_clear(own->ssl);
   vp_tls_certificate_finish(&gate->certificate);
   vp_key_file_finish(&gate->keys);
   OPENSSL_cleanse(gate->secret, sizeof(gate->secret));
}

static int run_relay(struct gate *gate, const struct knock *knock, int local, bool may_tell)
{
   char reason[VPS_GATE_REASON_SIZE] = "the network is gone";
   uint64_t delivered;

   drop_others(gate, knock);
   vps_process_set_name("venus-relay");
   if (!vps_sandbox_enter_relay(gate->options))
      return 1;
   const enum vp_tls_end end = vp_tls_relay(knock->ssl, local, GONE_MS, &delivered);
   if (end == VP_TLS_NO_MEMORY)
      snprintf(reason, sizeof(reason), "no memory");
   if (end == VP_TLS_FAILED)
      vp_tls_describe(knock->ssl, "it has left", reason, sizeof(reason));
   if (end != VP_TLS_ENDED)
      vp_log(end == VP_TLS_BROKEN || !may_tell ? VP_LOG_DEBUG : VP_LOG_WARN, "the TLS connection has ended: %s",
             reason);
   return 0;
}

static bool open_pair(int ends[2])
{
   const int size = PAIR_BYTES;

   if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return false;
   for (unsigned i = 0; i < 2; i++)
      (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
   return true;
}

/* How its connection ends is one line at most, and a source may have many of them. */
static bool may_tell_of(struct gate *gate, int fd)
{
   struct vps_source source;

   return vps_source_of(&source, fd) && vps_source_table_may_tell(&gate->sources, &source, vp_clock_ms());
}

static void admit(struct knock *knock, const char *user, bool by_certificate)
{
   const bool may_tell = may_tell_of(knock->gate, knock->fd);
   struct vps_gate_news news = {
      .word = VPS_GATE_ADMITTED, .connection = knock->number, .by_certificate = by_certificate};
   int ends[2];

   if (!open_pair(ends)) {
      refuse(knock, strerror(errno));
      return;
   }
   const pid_t child = fork();
   if (child == 0) {
      close(ends[1]);
      _exit(run_relay(knock->gate, knock, ends[0], may_tell));
   }
   const int error = errno;
   close(ends[0]);
   if (child > 0) {
      snprintf(news.user, sizeof(news.user), "%s", user);
      tell(knock->gate, &news, ends[1]);
      forget(knock);
   } else {
      refuse(knock, strerror(error));
   }
   close(ends[1]);
}

/* The handshake has succeeded. */
static void look_who_it_is(struct knock *knock)
{
   char user[VP_KEY_IDENTITY_SIZE] = "";
   X509 *certificate = SSL_get1_peer_certificate(knock->ssl);
   const bool has_key = SSL_session_reused(knock->ssl) && knock->is_known;
   const bool has_certificate = !has_key && certificate && SSL_get_verify_result(knock->ssl) == X509_V_OK;
   const bool has_name = has_certificate && vps_gate_name_of(certificate, user);

   X509_free(certificate);
   if (has_key)
      admit(knock, knock->claim, false);
   else if (has_name)
      admit(knock, user, true);
   else
      refuse(knock, has_certificate ? "its certificate names nobody" : "nobody knows who it is");
}

static void shake_hands(struct knock *knock)
{
   char reason[VPS_GATE_REASON_SIZE];
   bool wrong_key;

   ERR_clear_error();
   const int result = SSL_accept(knock->ssl);
   if (result == 1) {
      look_who_it_is(knock);
      return;
   }
   switch (SSL_get_error(knock->ssl, result)) {
   case SSL_ERROR_WANT_READ:
      knock->events = POLLIN;
      return;
   case SSL_ERROR_WANT_WRITE:
      knock->events = POLLOUT;
      return;
   default:
      wrong_key = vp_tls_error_is(ERR_peek_error(), SSL_R_BINDER_DOES_NOT_VERIFY);
      vp_tls_describe(knock->ssl, "it has left", reason, sizeof(reason));
      refuse(knock, wrong_key ? "unknown identity or wrong key" : reason);
   }
}

/* --- all of them --- */

static struct knock *find_place(struct gate *gate)
{
   for (unsigned i = 0; i < VPS_GATE_ROOM; i++) {
      if (!gate->knocks[i].ssl)
         return &gate->knocks[i];
   }
   return NULL;
}

static void let_knock(struct gate *gate, int fd, uint32_t number)
{
   struct knock none = {.gate = gate, .fd = fd, .number = number}, *knock = find_place(gate);

   if (knock)
      *knock = none;
   if (!knock || !(knock->ssl = vp_tls_create(gate->context, fd)) ||
       (gate->certificate.key && !vp_tls_certificate_use(&gate->certificate, knock->ssl))) {
      refuse(knock ? knock : &none, "there is no memory for one more");
      return;
   }
   SSL_set_app_data(knock->ssl, knock);
   (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
   shake_hands(knock);
}

static void hear_listener(struct gate *gate)
{
   uint32_t number;
   int fds[VPS_PASSING_MOST];
   const ssize_t size = vps_passing_receive(gate->listener, &number, sizeof(number), fds, MSG_DONTWAIT);

   if (size == (ssize_t)sizeof(number) && fds[0] >= 0)
      let_knock(gate, fds[0], number);
   if (size == 0 || (size < 0 && errno != EAGAIN))
      gate->closing = true;
}

/* False when it is over. */
static bool gate_step(struct gate *gate)
{
   struct pollfd fds[1 + VPS_GATE_ROOM];
   struct knock *whose[1 + VPS_GATE_ROOM];
   unsigned count = 1;

   /* No more than are open, or poll() would fail where the process may have few. */
   fds[0] = (struct pollfd){.fd = gate->closing ? -1 : gate->listener, .events = POLLIN};
   for (unsigned i = 0; i < VPS_GATE_ROOM; i++) {
      struct knock *knock = &gate->knocks[i];
      if (!knock->ssl)
         continue;
      fds[count] = (struct pollfd){.fd = knock->fd, .events = knock->events};
      whose[count++] = knock;
   }
   if (gate->closing && count == 1)
      return false;
   if (poll(fds, count, -1) < 0)
      return errno == EINTR;
   for (unsigned i = 1; i < count; i++) {
      if (fds[i].revents)
         shake_hands(whose[i]);
   }
   if (fds[0].revents)
      hear_listener(gate);
   return true;
}

/* --- its start --- */

static bool gate_load_certificates(struct gate *gate, char *error, size_t error_size)
{
   const struct vps_options *options = gate->options;

   if (!options->tls_cert)
      return true;
   if (!vp_tls_certificate_load(&gate->certificate, options->tls_cert, options->tls_key, error, error_size) ||
       !vp_tls_trust(gate->context, options->tls_client_ca, error, error_size))
      return false;
   SSL_CTX_set_verify(gate->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
   return true;
}

static bool load_all(struct gate *gate)
{
   /* OpenSSL asks for it where there are certificates, although no session is ever resumed. */
   static const unsigned char context_id[] = "venus";
   char error[512] = "there is no memory for it";
   const char *keys = gate->options->keys;

   gate->context = vp_tls_context_create(TLS_server_method());
   const bool ok = gate->context && SSL_CTX_set_session_id_context(gate->context, context_id, sizeof(context_id)) &&
                   getentropy(gate->secret, sizeof(gate->secret)) == 0 &&
                   gate_load_certificates(gate, error, sizeof(error)) &&
                   (!keys || vp_key_file_load(&gate->keys, keys, error, sizeof(error)));
   if (!ok)
      vp_log(VP_LOG_ERROR, "TLS: %s", error);
   if (ok && keys)
      SSL_CTX_set_psk_find_session_callback(gate->context, find_key);
   return ok;
}

static void gate_finish(struct gate *gate)
{
   vp_key_file_finish(&gate->keys);
   vp_tls_certificate_finish(&gate->certificate);
   SSL_CTX_free(gate->context);
   OPENSSL_cleanse(gate->secret, sizeof(gate->secret));
}

int vps_gate_run(int fd, const struct vps_options *options)
{
   const struct vps_gate_news ready = {.word = VPS_GATE_READY};
   struct gate *gate = &the_gate;

   *gate = (struct gate){.options = options, .listener = fd};
   vps_process_set_name("venus-gate");
   signal(SIGHUP, SIG_IGN);
   signal(SIGCHLD, SIG_IGN); /* nobody waits for those who are let in */
   (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
   const bool ok = load_all(gate) && vps_sandbox_enter_gate(options);
   if (ok) {
      tell(gate, &ready, -1);
      vp_log(VP_LOG_DEBUG, "TLS: %zu keys%s", gate->keys.count, options->tls_cert ? ", certificates" : "");
   }
   while (ok && gate_step(gate))
      ;
   gate_finish(gate);
   return ok ? 0 : 1;
}
