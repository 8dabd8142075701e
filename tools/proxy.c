/* SPDX-License-Identifier: MIT */

/* venus-proxy: a slow and breakable network for tests and benchmarks, on a machine without one. Forwards TCP
 * connections and makes every byte late, the link narrow, or the cable pulled, or cuts them.
 *
 * A byte that arrives at the proxy waits until the link is free, takes its time on it (--rate), and arrives half a
 * round trip later (--rtt). All connections share one link for each direction, as they would share a cable. A full
 * queue in front of the link makes the sender wait; nothing is lost. Both TCP connections end here, so TCP's own
 * slow start and retransmission are not part of the picture. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/socket.h"
#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"
#include "common/util/text.h"

#define EXIT_USAGE 2
#define MAX_CONNECTIONS 256
#define CONNECT_TIMEOUT_MS 5000
#define NS_PER_S 1e9

/* Bytes that the link carries at once: about this much time, within these sizes. */
#define PIECE_NS 500000
#define MIN_PIECE 1500
#define MAX_PIECE 65536

#define DEFAULT_QUEUE_KB 1024

/* What is under way on a link without --rate may take this much memory, in each direction. */
#define UNLIMITED_UNDER_WAY ((size_t)64 << 20)

static const char usage[] =
   "usage: venus-proxy --listen PORT --connect HOST:PORT [OPTION]...\n"
   "\n"
   "Forwards TCP connections over a simulated network link.\n"
   "\n"
   "  --listen PORT       listen on this port of 127.0.0.1 (0: any free one, see the output)\n"
   "  --connect HOST:PORT forward to this server\n"
   "  --rtt MS            add this much time to a round trip (may have decimals)\n"
   "  --rate MBIT         let this many megabit per second through in each direction\n"
   "  --queue KB          hold this much in front of the link before senders must wait (default 1024)\n"
   "  --freeze-after S    freeze this many seconds after the first connection\n"
   "  --cut-every MS      cut all connections about each so many milliseconds\n"
   "  --cut-after KB      cut each connection after about so much\n"
   "  --cuts N            but not more often than this\n"
   "  --cut-with HOW      rst, fin, or either (default) by chance\n"
   "  --spare KB          cut no connection before so much has come from the server\n"
   "  --refuse MS         after a cut, refuse connections for this time\n"
   "  --seed N            of all that is left to chance\n"
   "\n"
   "SIGUSR1 freezes the link: nothing moves, nothing is closed. SIGUSR2 goes on. SIGHUP cuts all connections.\n";

enum cut_with {
   CUT_WITH_EITHER,
   CUT_WITH_RST,
   CUT_WITH_FIN,
};

/* A piece of data on its way. size 0: the sender has closed. */
struct piece {
   struct piece *next;
   int64_t due_ns; /* when it arrives */
   size_t size, sent;
   uint8_t data[];
};

/* One direction of one connection, from its socket `from` to the other one. */
struct lane {
   struct piece *first, *last;
   size_t under_way; /* bytes */
   size_t delivered; /* bytes */
   bool ended;       /* nothing more to read */
   bool blocked;     /* the receiver must take something first */
   bool done;        /* the end has arrived */
};

struct connection {
   int fds[2];           /* client, server */
   struct lane lanes[2]; /* lanes[i] goes from fds[i] to fds[1 - i] */
   size_t cut_at;        /* bytes both ways, or SIZE_MAX */
};

struct proxy {
   char server_host[256];
   uint16_t listen_port, server_port;
   int64_t delay_ns;        /* one way */
   double bytes_per_ns;     /* 0: no limit */
   size_t queue_size;       /* bytes */
   int64_t freeze_after_ns; /* from the first connection, or -1 */

   int64_t cut_every_ns;    /* 0: never */
   size_t cut_after, spare; /* bytes; cut_after 0: never */
   unsigned cuts_left;
   enum cut_with cut_with;
   int64_t refuse_ns;
   uint32_t random;

   int listen_fd; /* -1: connections are refused */
   int signal_fd;
   int64_t cut_ns, listen_ns; /* when that is to be done again, or INT64_MAX */
   bool cut_now;
   int64_t link_free_ns[2]; /* when the link of each direction has sent all it was given */
   size_t piece_size, lane_limit;
   int64_t freeze_at_ns; /* or INT64_MAX */
   bool frozen, stopped;
   struct connection connections[MAX_CONNECTIONS];
   unsigned connection_count;
};

static int64_t min_i64(int64_t a, int64_t b)
{
   return a < b ? a : b;
}

/* Gives `size` bytes to the link. Returns when they arrive at its other end. */
static int64_t link_send(struct proxy *proxy, unsigned direction, size_t size)
{
   int64_t leaves_ns = vp_clock_ns();

   if (proxy->bytes_per_ns > 0) {
      int64_t *free_ns = &proxy->link_free_ns[direction];
      if (*free_ns < leaves_ns)
         *free_ns = leaves_ns;
      *free_ns += (int64_t)((double)size / proxy->bytes_per_ns);
      leaves_ns = *free_ns;
   }
   return leaves_ns + proxy->delay_ns;
}

/* Reads one piece from a sender. False without memory. */
static bool lane_read(struct proxy *proxy, struct connection *connection, unsigned direction)
{
   struct lane *lane = &connection->lanes[direction];
   struct piece *piece = malloc(sizeof(*piece) + proxy->piece_size);
   if (!piece)
      return false;

   const ssize_t n = recv(connection->fds[direction], piece->data, proxy->piece_size, MSG_DONTWAIT);
   if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      free(piece);
      return true;
   }

   const size_t size = n > 0 ? (size_t)n : 0;
   piece->next = NULL;
   piece->size = size;
   piece->sent = 0;
   piece->due_ns = link_send(proxy, direction, size);
   if (lane->last)
      lane->last->next = piece;
   else
      lane->first = piece;
   lane->last = piece;
   lane->under_way += size;
   lane->ended = size == 0;
   return true;
}

static void lane_remove_first(struct lane *lane)
{
   struct piece *piece = lane->first;

   lane->first = piece->next;
   if (!lane->first)
      lane->last = NULL;
   lane->under_way -= piece->size;
   free(piece);
}

/* Hands over what has arrived. False when the receiver is gone. */
static bool lane_deliver(struct connection *connection, unsigned direction, int64_t now)
{
   struct lane *lane = &connection->lanes[direction];
   const int fd = connection->fds[1 - direction];

   lane->blocked = false;
   while (lane->first && lane->first->due_ns <= now) {
      struct piece *piece = lane->first;
      if (piece->size == 0) {
         shutdown(fd, SHUT_WR);
         lane->done = true;
      } else {
         const ssize_t n = send(fd, piece->data + piece->sent, piece->size - piece->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
         if (n < 0 && errno == EINTR)
            continue;
         if (n < 0 && errno == EAGAIN) {
            lane->blocked = true;
            break;
         }
         if (n < 0)
            return false;
         piece->sent += (size_t)n;
         lane->delivered += (size_t)n;
      }
      if (piece->sent == piece->size)
         lane_remove_first(lane);
   }
   return true;
}

static void connection_finish(struct connection *connection)
{
   for (unsigned i = 0; i < 2; i++) {
      while (connection->lanes[i].first)
         lane_remove_first(&connection->lanes[i]);
      close(connection->fds[i]);
   }
}

static uint32_t draw(struct proxy *proxy)
{
   proxy->random = proxy->random * 1664525u + 1013904223u;
   return proxy->random >> 8;
}

/* From half of a number to one and a half times that. */
static int64_t about(struct proxy *proxy, int64_t number)
{
   return number / 2 + (int64_t)((double)number * (draw(proxy) % 1000) / 1000);
}

static void stop_listening(struct proxy *proxy)
{
   if (proxy->refuse_ns == 0)
      return;
   if (proxy->listen_fd >= 0)
      close(proxy->listen_fd);
   proxy->listen_fd = -1;
   proxy->listen_ns = vp_clock_ns() + proxy->refuse_ns;
}

/* What is on its way in the proxy never arrives. */
static void cut_connection(struct proxy *proxy, struct connection *connection)
{
   const struct linger at_once = {.l_onoff = 1};
   const bool reset = proxy->cut_with == CUT_WITH_RST || (proxy->cut_with == CUT_WITH_EITHER && draw(proxy) % 2 == 0);

   for (unsigned i = 0; i < 2 && reset; i++)
      (void)setsockopt(connection->fds[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
   if (proxy->cuts_left != UINT32_MAX)
      proxy->cuts_left--;
   vp_log(VP_LOG_INFO, "cut with %s after %zu and %zu bytes", reset ? "rst" : "fin", connection->lanes[0].delivered,
          connection->lanes[1].delivered);
   stop_listening(proxy);
}

/* Whether its time has come. `all`: that of all has. */
static bool is_to_be_cut(const struct proxy *proxy, const struct connection *connection, bool all)
{
   const size_t from_server = connection->lanes[1].delivered;

   return (all || connection->lanes[0].delivered + from_server >= connection->cut_at) && proxy->cuts_left > 0 &&
          from_server >= proxy->spare;
}

/* Whether now is the time of all connections. */
static bool is_time_to_cut(struct proxy *proxy)
{
   const int64_t now = vp_clock_ns();
   const bool all = proxy->cut_now || now >= proxy->cut_ns;

   proxy->cut_now = false;
   if (all && proxy->cut_every_ns)
      proxy->cut_ns = now + about(proxy, proxy->cut_every_ns);
   return all;
}

static void listen_again(struct proxy *proxy)
{
   char error[VP_SOCKET_ERROR_SIZE];

   if (vp_clock_ns() < proxy->listen_ns)
      return;
   proxy->listen_fd = vp_socket_listen("127.0.0.1", proxy->listen_port, &proxy->listen_port, error);
   if (proxy->listen_fd >= 0)
      proxy->listen_ns = INT64_MAX;
   else
      stop_listening(proxy);
}

static void accept_connection(struct proxy *proxy)
{
   char peer[64], error[VP_SOCKET_ERROR_SIZE];

   const int client = vp_socket_accept(proxy->listen_fd, peer, sizeof(peer));
   if (client < 0)
      return;
   const int server = vp_socket_connect(proxy->server_host, proxy->server_port, CONNECT_TIMEOUT_MS, error);
   if (server < 0) {
      vp_log(VP_LOG_WARN, "connection from %s dropped: %s", peer, error);
      close(client);
      return;
   }
   const size_t cut_at = proxy->cut_after ? (size_t)about(proxy, (int64_t)proxy->cut_after) : SIZE_MAX;
   proxy->connections[proxy->connection_count++] = (struct connection){.fds = {client, server}, .cut_at = cut_at};
   if (proxy->freeze_after_ns >= 0 && proxy->freeze_at_ns == INT64_MAX)
      proxy->freeze_at_ns = vp_clock_ns() + proxy->freeze_after_ns;
}

static void set_frozen(struct proxy *proxy, bool frozen)
{
   if (frozen != proxy->frozen)
      vp_log(VP_LOG_INFO, frozen ? "the link is frozen" : "the link goes on");
   proxy->frozen = frozen;
}

static void handle_signals(struct proxy *proxy)
{
   struct signalfd_siginfo info;

   while (read(proxy->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
      if (info.ssi_signo == SIGUSR1 || info.ssi_signo == SIGUSR2)
         set_frozen(proxy, info.ssi_signo == SIGUSR1);
      else if (info.ssi_signo == SIGHUP)
         proxy->cut_now = true;
      else
         proxy->stopped = true;
   }
}

/* When the proxy must act next without an event. */
static int64_t next_due_ns(const struct proxy *proxy)
{
   if (proxy->frozen)
      return INT64_MAX;

   int64_t due_ns = min_i64(proxy->freeze_at_ns, min_i64(proxy->cut_ns, proxy->listen_ns));
   for (unsigned i = 0; i < proxy->connection_count; i++) {
      for (unsigned k = 0; k < 2; k++) {
         const struct lane *lane = &proxy->connections[i].lanes[k];
         if (lane->first && !lane->blocked)
            due_ns = min_i64(due_ns, lane->first->due_ns);
      }
   }
   return due_ns;
}

static bool lane_wants_data(const struct proxy *proxy, const struct lane *lane)
{
   return !lane->ended && lane->under_way < proxy->lane_limit;
}

/* Fills the two entries of a connection. An fd that we want nothing from is
 * left out, since poll reports its end whether asked or not. */
static void add_pollfds(const struct proxy *proxy, const struct connection *connection, struct pollfd pollfds[2])
{
   for (unsigned i = 0; i < 2; i++) {
      short events = 0;
      if (lane_wants_data(proxy, &connection->lanes[i]))
         events |= POLLIN;
      if (connection->lanes[1 - i].blocked)
         events |= POLLOUT;
      pollfds[i] = (struct pollfd){.fd = events && !proxy->frozen ? connection->fds[i] : -1, .events = events};
   }
}

/* False when the connection is over. */
static bool connection_step(struct proxy *proxy, struct connection *connection, const struct pollfd pollfds[2])
{
   for (unsigned i = 0; i < 2; i++) {
      struct lane *lane = &connection->lanes[i];
      if (pollfds[i].revents && lane_wants_data(proxy, lane) && !lane_read(proxy, connection, i))
         return false;
      if (!lane_deliver(connection, i, vp_clock_ns()))
         return false;
   }
   return !connection->lanes[0].done || !connection->lanes[1].done;
}

static int wait_for_events(const struct proxy *proxy, struct pollfd *pollfds, unsigned count)
{
   const int64_t due_ns = next_due_ns(proxy);
   if (due_ns == INT64_MAX)
      return ppoll(pollfds, count, NULL, NULL);

   const int64_t now = vp_clock_ns();
   const int64_t left = due_ns > now ? due_ns - now : 0;
   const struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
   return ppoll(pollfds, count, &timeout, NULL);
}

static bool proxy_step(struct proxy *proxy)
{
   struct pollfd pollfds[2 + 2 * MAX_CONNECTIONS];
   const bool accepting = !proxy->frozen && proxy->connection_count < MAX_CONNECTIONS;

   pollfds[0] = (struct pollfd){.fd = proxy->signal_fd, .events = POLLIN};
   pollfds[1] = (struct pollfd){.fd = accepting ? proxy->listen_fd : -1, .events = POLLIN};
   for (unsigned i = 0; i < proxy->connection_count; i++)
      add_pollfds(proxy, &proxy->connections[i], &pollfds[2 + 2 * i]);

   if (wait_for_events(proxy, pollfds, 2 + 2 * proxy->connection_count) < 0)
      return errno == EINTR;
   if (pollfds[0].revents)
      handle_signals(proxy);
   if (vp_clock_ns() >= proxy->freeze_at_ns) {
      proxy->freeze_at_ns = INT64_MAX;
      proxy->freeze_after_ns = -1;
      set_frozen(proxy, true);
   }
   if (proxy->frozen)
      return true;
   listen_again(proxy);

   /* From the end, because a finished one is replaced by the last one. */
   const bool cut_all = is_time_to_cut(proxy);
   for (unsigned i = proxy->connection_count; i-- > 0;) {
      struct connection *connection = &proxy->connections[i];
      bool over = !connection_step(proxy, connection, &pollfds[2 + 2 * i]);
      if (!over && is_to_be_cut(proxy, connection, cut_all)) {
         cut_connection(proxy, connection);
         over = true;
      }
      if (over) {
         connection_finish(connection);
         proxy->connections[i] = proxy->connections[--proxy->connection_count];
      }
   }
   if (pollfds[1].revents && proxy->listen_fd >= 0)
      accept_connection(proxy);
   return true;
}

static bool parse_option(struct proxy *proxy, const char *name, const char *text)
{
   double value;

   if (strcmp(name, "--connect") == 0)
      return vp_socket_parse_address(text, proxy->server_host, sizeof(proxy->server_host), &proxy->server_port);
   if (strcmp(name, "--cut-with") == 0) {
      proxy->cut_with = strcmp(text, "rst") == 0   ? CUT_WITH_RST
                        : strcmp(text, "fin") == 0 ? CUT_WITH_FIN
                                                   : CUT_WITH_EITHER;
      return proxy->cut_with != CUT_WITH_EITHER || strcmp(text, "either") == 0;
   }
   if (!vp_text_parse_decimal(text, &value) || value > 1e6)
      return false;
   if (strcmp(name, "--rtt") == 0)
      proxy->delay_ns = (int64_t)(value * 1e6 / 2);
   else if (strcmp(name, "--rate") == 0)
      proxy->bytes_per_ns = value * 1e6 / 8 / NS_PER_S;
   else if (strcmp(name, "--queue") == 0)
      proxy->queue_size = (size_t)(value * 1024);
   else if (strcmp(name, "--freeze-after") == 0)
      proxy->freeze_after_ns = (int64_t)(value * NS_PER_S);
   else if (strcmp(name, "--cut-every") == 0)
      proxy->cut_every_ns = (int64_t)(value * 1e6);
   else if (strcmp(name, "--cut-after") == 0)
      proxy->cut_after = (size_t)(value * 1024);
   else if (strcmp(name, "--cuts") == 0)
      proxy->cuts_left = (unsigned)value;
   else if (strcmp(name, "--spare") == 0)
      proxy->spare = (size_t)(value * 1024);
   else if (strcmp(name, "--refuse") == 0)
      proxy->refuse_ns = (int64_t)(value * 1e6);
   else if (strcmp(name, "--seed") == 0)
      proxy->random = (uint32_t)value;
   else if (strcmp(name, "--listen") == 0 && value <= UINT16_MAX && value == (uint16_t)value)
      proxy->listen_port = (uint16_t)value;
   else
      return false;
   return true;
}

static bool parse_options(struct proxy *proxy, int argc, char *argv[])
{
   bool have_listen = false;

   for (int i = 1; i < argc; i += 2) {
      if (i + 1 == argc || !parse_option(proxy, argv[i], argv[i + 1])) {
         vp_log(VP_LOG_ERROR, "wrong option \"%s %s\"; see venus-proxy --help", argv[i],
                i + 1 < argc ? argv[i + 1] : "");
         return false;
      }
      have_listen = have_listen || strcmp(argv[i], "--listen") == 0;
   }
   if (!have_listen || !proxy->server_host[0]) {
      vp_log(VP_LOG_ERROR, "--listen and --connect are needed; see venus-proxy --help");
      return false;
   }
   return true;
}

static void set_limits(struct proxy *proxy)
{
   proxy->piece_size = MAX_PIECE;
   proxy->lane_limit = proxy->queue_size + (proxy->delay_ns ? UNLIMITED_UNDER_WAY : 0);
   if (proxy->bytes_per_ns > 0) {
      const double piece = proxy->bytes_per_ns * PIECE_NS;
      proxy->piece_size = piece < MIN_PIECE ? MIN_PIECE : piece > MAX_PIECE ? MAX_PIECE : (size_t)piece;
      proxy->lane_limit = proxy->queue_size + (size_t)(proxy->bytes_per_ns * (double)proxy->delay_ns);
   }
   if (proxy->lane_limit == 0)
      proxy->lane_limit = 1; /* one piece at a time */
}

static bool proxy_init(struct proxy *proxy)
{
   char error[VP_SOCKET_ERROR_SIZE];
   sigset_t signals;

   set_limits(proxy);
   if (proxy->cut_every_ns)
      proxy->cut_ns = vp_clock_ns() + about(proxy, proxy->cut_every_ns);
   prctl(PR_SET_TIMERSLACK, 1000ul); /* wake up in time: the default is 50 microseconds late */

   sigemptyset(&signals);
   sigaddset(&signals, SIGUSR1);
   sigaddset(&signals, SIGUSR2);
   sigaddset(&signals, SIGHUP);
   sigaddset(&signals, SIGTERM);
   sigaddset(&signals, SIGINT);
   sigprocmask(SIG_BLOCK, &signals, NULL);
   proxy->signal_fd = vp_descriptor_keep(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
   if (proxy->signal_fd < 0) {
      vp_log(VP_LOG_ERROR, "cannot receive signals: %s", strerror(errno));
      return false;
   }

   proxy->listen_fd = vp_socket_listen("127.0.0.1", proxy->listen_port, &proxy->listen_port, error);
   if (proxy->listen_fd < 0) {
      vp_log(VP_LOG_ERROR, "%s", error);
      close(proxy->signal_fd);
      return false;
   }
   printf("venus-proxy: listening on 127.0.0.1:%u\n", (unsigned)proxy->listen_port);
   fflush(stdout);
   return true;
}

static void proxy_finish(struct proxy *proxy)
{
   while (proxy->connection_count > 0)
      connection_finish(&proxy->connections[--proxy->connection_count]);
   if (proxy->listen_fd >= 0)
      close(proxy->listen_fd);
   close(proxy->signal_fd);
}

int main(int argc, char *argv[])
{
   static struct proxy proxy = {
      .queue_size = (size_t)DEFAULT_QUEUE_KB * 1024,
      .freeze_after_ns = -1,
      .freeze_at_ns = INT64_MAX,
      .cuts_left = UINT32_MAX,
      .cut_ns = INT64_MAX,
      .listen_ns = INT64_MAX,
   };

   vp_log_init("venus-proxy", VP_LOG_INFO);
   if (argc == 2 && strcmp(argv[1], "--help") == 0) {
      fputs(usage, stdout);
      return 0;
   }
   if (!parse_options(&proxy, argc, argv))
      return EXIT_USAGE;
   if (!proxy_init(&proxy))
      return 1;

   bool ok = true;
   while (ok && !proxy.stopped)
      ok = proxy_step(&proxy);
   if (!ok)
      vp_log(VP_LOG_ERROR, "cannot wait for events: %s", strerror(errno));
   proxy_finish(&proxy);
   return ok ? 0 : 1;
}
