/* SPDX-License-Identifier: MIT */
/* Two channels with a network between them that breaks: at each byte of a conversation, again and again while much is
 * said by several threads, and for ever. */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/channel.h"
#include "common/net/frame.h"
#include "common/util/clock.h"
#include "tests/unit/check.h"

#define LARGE_HISTORY ((size_t)1 << 20)
#define NEVER SIZE_MAX

/* Carries bytes both ways between two sockets and closes both after some. */
struct network {
   int ends[2], inner[2]; /* of the two sides, and ours */
   size_t cut_after;      /* bytes of both directions */
   bool clean;            /* what was carried arrives before the end does */
   pthread_t thread;
};

/* One side: its channel, and what it is to say and to hear. */
struct side {
   struct vp_channel channel;
   unsigned seed;    /* of what it says */
   unsigned frames;  /* that it says */
   size_t largest;   /* of them */
   unsigned writers; /* threads, each of which says so many */
   unsigned next;    /* frame to be said, under the lock */
   pthread_mutex_t lock;
   unsigned slow_frames; /* first ones which it takes its time to hear */
   struct side *peer;
   bool done, ok; /* has heard all, or something else */
};

static struct {
   struct side client, server;
   struct network *network;
   size_t (*cut)(void); /* after how many bytes the next network ends */
   unsigned networks;
   bool clean;
   pthread_mutex_t lock;
   pthread_cond_t changed;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void *carry(void *data)
{
   struct network *network = data;
   uint8_t bytes[512];
   size_t carried = 0;
   while (carried < network->cut_after) {
      struct pollfd fds[2] = {{.fd = network->inner[0], .events = POLLIN}, {.fd = network->inner[1], .events = POLLIN}};
      poll(fds, 2, -1);
      for (unsigned i = 0; i < 2; i++) {
         if (!fds[i].revents)
            continue;
         size_t most = network->cut_after - carried;
         most = most < sizeof(bytes) ? most : sizeof(bytes);
         const ssize_t n = recv(network->inner[i], bytes, most, MSG_DONTWAIT);
         if (n < 0 && errno == EAGAIN)
            continue;
         if (n <= 0 || send(network->inner[1 - i], bytes, (size_t)n, MSG_NOSIGNAL) != n)
            goto over;
         carried += (size_t)n;
      }
   }
over:
   for (unsigned i = 0; i < 2; i++)
      shutdown(network->inner[i], network->clean ? SHUT_WR : SHUT_RDWR);
   for (unsigned i = 0; i < 2; i++)
      close(network->inner[i]);
   return NULL;
}

static struct network *network_start(size_t cut_after, bool clean)
{
   struct network *network = calloc(1, sizeof(*network));
   int fds[2];
   for (unsigned i = 0; i < 2; i++) {
      if (!network || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
         abort();
      network->ends[i] = fds[0];
      network->inner[i] = fds[1];
   }
   network->cut_after = cut_after;
   network->clean = clean;
   if (pthread_create(&network->thread, NULL, carry, network) != 0)
      abort();
   return network;
}

static void network_finish(struct network *network)
{
   pthread_join(network->thread, NULL);
   free(network);
}

/* As a server does with another connection of its client's, and the client with its answer. */
static bool mend(void *context)
{
   struct vp_channel *client = &world.client.channel, *server = &world.server.channel;
   struct network *old = world.network;
   (void)context;
   world.network = network_start(world.cut(), world.clean);
   world.networks++;
   const uint64_t client_has = vp_channel_hold(client);
   vp_channel_release(client);
   const uint64_t server_has = vp_channel_hold(server);
   bool ok = vp_channel_can_go_on(server, client_has);
   if (ok)
      ok = vp_channel_adopt(server, world.network->ends[1], client_has);
   else
      vp_channel_release(server);
   vp_channel_hold(client);
   ok = ok && vp_channel_can_go_on(client, server_has);
   if (ok)
      ok = vp_channel_adopt(client, world.network->ends[0], server_has);
   else
      vp_channel_release(client);
   close(world.network->ends[0]);
   close(world.network->ends[1]);
   network_finish(old);
   return ok;
}

static size_t frame_size(const struct side *side, unsigned number)
{
   return (number * 2654435761u + side->seed) % (side->largest + 1);
}

static uint8_t frame_byte(const struct side *side, unsigned number, size_t i)
{
   return (uint8_t)(side->seed + number * 31 + i * 7 + (i >> 8));
}

static void fill_frame(const struct side *side, unsigned number, uint8_t *data)
{
   for (size_t i = 0; i < frame_size(side, number); i++)
      data[i] = frame_byte(side, number, i);
}

/* In each of the ways that there are. */
static bool say_frame(struct side *side, unsigned number, const uint8_t *data)
{
   const size_t size = frame_size(side, number), half = size / 2;
   uint64_t blocked_ns = 0;
   switch (number % 3) {
   case 0:
      return vp_frame_write(&side->channel, VP_FRAME_MEMORY, number, data, half, data + half, size - half);
   case 1:
      return vp_frame_write_before(&side->channel, VP_FRAME_MEMORY, number, data, size, &blocked_ns);
   default: {
      enum vp_frame_sent sent = VP_FRAME_NO_ROOM;
      if (size < 4096)
         sent = vp_frame_write_now(&side->channel, VP_FRAME_MEMORY, number, data, size);
      return sent == VP_FRAME_SENT ||
             (sent == VP_FRAME_NO_ROOM && vp_frame_write(&side->channel, VP_FRAME_MEMORY, number, data, size, NULL, 0));
   }
   }
}

static void *say(void *data)
{
   struct side *side = data;
   uint8_t *bytes = malloc(side->largest + 1);
   bool ok = bytes;
   while (ok) {
      pthread_mutex_lock(&side->lock);
      const bool more = side->next < side->frames;
      if (more) {
         fill_frame(side, side->next, bytes);
         ok = say_frame(side, side->next, bytes);
         side->next++;
      }
      pthread_mutex_unlock(&side->lock);
      if (!more)
         break;
   }
   free(bytes);
   return ok ? side : NULL;
}

static bool is_frame(const struct side *from, unsigned number, const struct vp_frame *frame)
{
   if (frame->header.tag != number || frame->header.length != frame_size(from, number))
      return false;
   for (size_t i = 0; i < frame->header.length; i++) {
      if (frame->payload[i] != frame_byte(from, number, i))
         return false;
   }
   return true;
}

/* What the watch thread of a worker does: nobody else may. */
static void *watch(void *data)
{
   struct side *side = data;
   while (!atomic_load(&side->channel.ended)) {
      if (vp_channel_is_behind(&side->channel))
         vp_channel_push(&side->channel);
      usleep(200);
   }
   return NULL;
}

static void note_done(struct side *side, bool ok)
{
   pthread_mutex_lock(&world.lock);
   side->ok = ok;
   side->done = true;
   pthread_cond_broadcast(&world.changed);
   pthread_mutex_unlock(&world.lock);
}

/* Until the channel ends: whoever has heard all may have to say something again, or get the other one a network. */
static void *hear(void *data)
{
   struct side *side = data;
   struct vp_frame frame = {0};
   unsigned number = 0;
   if (side->peer->frames == 0)
      note_done(side, true);
   for (;;) {
      if (number < side->slow_frames)
         usleep(2000);
      if (vp_frame_read(&side->channel, &frame, 60000) != VP_FRAME_OK || !is_frame(side->peer, number, &frame))
         break;
      if (++number == side->peer->frames)
         note_done(side, true);
   }
   if (number != side->peer->frames)
      note_done(side, false);
   vp_frame_finish(&frame);
   return NULL;
}

/* What is said before a channel becomes resumable does not count. */
static void greet(struct vp_channel *channel)
{
   struct vp_frame frame = {.header = {.type = VP_FRAME_HELLO}};
   int fds[2];
   const int fd = channel->fd;
   if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
      abort();
   channel->fd = fds[0];
   CHECK(vp_frame_write(&VP_CHANNEL(fds[1]), VP_FRAME_HELLO, 0, "hello", 5, NULL, 0));
   CHECK(vp_frame_read(channel, &frame, -1) == VP_FRAME_OK);
   CHECK(vp_frame_write(channel, VP_FRAME_HELLO, 0, "hello", 5, NULL, 0));
   vp_frame_finish(&frame);
   channel->fd = fd;
   close(fds[0]);
   close(fds[1]);
}

static void side_open(struct side *side, struct side *peer, int fd, size_t history)
{
   const bool is_client = side == &world.client;
   side->channel = VP_CHANNEL(fd);
   greet(&side->channel);
   side->peer = peer;
   side->next = 0;
   side->done = side->ok = false;
   pthread_mutex_init(&side->lock, NULL);
   uint8_t *memory = malloc(history);
   if (!memory || !vp_channel_make_resumable(&side->channel, memory, history, 20000, is_client ? mend : NULL, NULL))
      abort();
}

static void side_close(struct side *side)
{
   close(side->channel.fd);
   vp_channel_finish(&side->channel);
   pthread_mutex_destroy(&side->lock);
}

static void world_open(size_t history)
{
   world.networks = 1;
   world.network = network_start(world.cut(), world.clean);
   side_open(&world.client, &world.server, world.network->ends[0], history);
   side_open(&world.server, &world.client, world.network->ends[1], history);
}

static void world_close(void)
{
   side_close(&world.client);
   side_close(&world.server);
   network_finish(world.network);
}

#define MAX_WRITERS 4

/* Both sides say all they have to say; true when both have heard all of it. */
static bool converse(size_t history)
{
   pthread_t watcher, readers[2], writers[2 * MAX_WRITERS];
   struct side *sides[] = {&world.client, &world.server};
   unsigned count = 0;
   bool ok = true;
   world_open(history);
   pthread_create(&watcher, NULL, watch, &world.server);
   for (unsigned i = 0; i < 2; i++) {
      pthread_create(&readers[i], NULL, hear, sides[i]);
      for (unsigned k = 0; k < sides[i]->writers; k++)
         pthread_create(&writers[count++], NULL, say, sides[i]);
   }
   while (count > 0) {
      void *said;
      pthread_join(writers[--count], &said);
      ok = ok && said;
   }
   pthread_mutex_lock(&world.lock);
   while (!world.client.done || !world.server.done)
      pthread_cond_wait(&world.changed, &world.lock);
   pthread_mutex_unlock(&world.lock);
   for (unsigned i = 0; i < 2; i++)
      vp_channel_end(&sides[i]->channel);
   for (unsigned i = 0; i < 2; i++)
      shutdown(sides[i]->channel.fd, SHUT_RDWR);
   for (unsigned i = 0; i < 2; i++)
      pthread_join(readers[i], NULL);
   pthread_join(watcher, NULL);
   ok = ok && world.client.ok && world.server.ok;
   world_close();
   return ok;
}

/* --- one cut, at each byte --- */

static size_t cut_place;

static size_t cut_once(void)
{
   const size_t place = cut_place;
   cut_place = NEVER;
   return place;
}

static void test_each_byte(void)
{
   enum { FRAMES = 5, LARGEST = 60 };
   size_t total = 0;
   world.client = (struct side){.seed = 3, .frames = FRAMES, .largest = LARGEST, .writers = 1};
   world.server = (struct side){.seed = 70, .frames = FRAMES, .largest = LARGEST, .writers = 1};
   world.cut = cut_once;
   for (unsigned i = 0; i < FRAMES; i++)
      total += frame_size(&world.client, i) + frame_size(&world.server, i) + (size_t)2 * VP_FRAME_HEADER_SIZE;
   for (size_t place = 0; place <= total; place++) {
      world.clean = place % 2;
      cut_place = place;
      if (!CHECK(converse(LARGE_HISTORY))) {
         fprintf(stderr, "with a cut after %zu bytes\n", place);
         return;
      }
   }
}

/* --- many cuts while much is said --- */

static unsigned random_state;

static size_t cut_often(void)
{
   random_state = random_state * 1103515245u + 12345u;
   return world.networks > 60 ? NEVER : (random_state >> 8) % 200000;
}

static void test_many(void)
{
   for (unsigned round = 0; round < 4; round++) {
      random_state = round + 1;
      world.clean = round % 2;
      world.client = (struct side){.seed = 5, .frames = 200, .largest = 20000, .writers = 3};
      world.server = (struct side){.seed = 90, .frames = 300, .largest = 30000, .writers = 4};
      world.cut = cut_often;
      world.client.slow_frames = round == 2 ? 100 : 0;
      world.server.slow_frames = round == 3 ? 100 : 0;
      CHECK(converse(LARGE_HISTORY));
      CHECK(world.networks > 20);
   }
}

/* --- what cannot be made good --- */

static size_t cut_never(void)
{
   return NEVER;
}

/* More is on its way than the history has. */
static void test_small_history(void)
{
   uint8_t data[3000] = {0};
   struct vp_frame frame = {0};
   world.client = (struct side){.frames = 0, .largest = 0};
   world.server = (struct side){.frames = 0, .largest = 0};
   world.cut = cut_never;
   world_open(1000);
   /* Nobody reads it, and the network loses it. */
   CHECK(vp_frame_write(&world.client.channel, VP_FRAME_MEMORY, 0, data, sizeof(data), NULL, 0));
   CHECK(vp_channel_can_go_on(&world.client.channel, 3016) && vp_channel_can_go_on(&world.client.channel, 2016));
   CHECK(!vp_channel_can_go_on(&world.client.channel, 2015) && !vp_channel_can_go_on(&world.client.channel, 0));
   CHECK(!vp_channel_can_go_on(&world.client.channel, 3017)); /* which it never wrote */
   shutdown(world.client.channel.fd, SHUT_RDWR);
   CHECK(vp_frame_read(&world.client.channel, &frame, -1) == VP_FRAME_CLOSED);
   CHECK(!vp_frame_write(&world.client.channel, VP_FRAME_MEMORY, 0, data, sizeof(data), NULL, 0));
   vp_frame_finish(&frame);
   world_close();
}

/* Nobody comes back. What is written meanwhile is taken until there is too much of it. */
static void test_nobody_comes(void)
{
   struct vp_frame frame = {0};
   static uint8_t data[100000];
   int fds[2];
   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0))
      return;
   struct vp_channel channel = VP_CHANNEL(fds[0]);
   if (!CHECK(vp_channel_make_resumable(&channel, malloc(LARGE_HISTORY), LARGE_HISTORY, 100, NULL, NULL)))
      return;
   close(fds[1]);
   CHECK(vp_frame_write(&channel, VP_FRAME_ALIVE, 0, NULL, 0, NULL, 0));
   CHECK(vp_channel_is_broken(&channel) && vp_channel_is_behind(&channel));
   CHECK(vp_frame_write_now(&channel, VP_FRAME_ALIVE, 0, NULL, 0) == VP_FRAME_NO_ROOM);
   CHECK(vp_channel_write_some(&channel, data, 100) == 100);
   const int64_t start = vp_clock_ms();
   CHECK(!vp_frame_write(&channel, VP_FRAME_MEMORY, 0, data, sizeof(data), NULL, 0));
   CHECK(vp_clock_ms() - start >= 50);
   CHECK(vp_frame_read(&channel, &frame, -1) == VP_FRAME_CLOSED);
   CHECK(vp_channel_write_some(&channel, data, 100) == -1);
   close(fds[0]);
   vp_channel_finish(&channel);
}

/* What the peer has said before it went is read, though writing has failed by then. */
static void test_last_words(void)
{
   struct vp_frame frame = {0};
   int fds[2];
   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0))
      return;
   struct vp_channel channel = VP_CHANNEL(fds[0]);
   if (!CHECK(vp_channel_make_resumable(&channel, malloc(LARGE_HISTORY), LARGE_HISTORY, 50, NULL, NULL)))
      return;
   CHECK(vp_frame_write(&VP_CHANNEL(fds[1]), VP_FRAME_BYE, 0, NULL, 0, NULL, 0));
   close(fds[1]);
   CHECK(vp_frame_write(&channel, VP_FRAME_ALIVE, 0, NULL, 0, NULL, 0));
   CHECK(vp_channel_is_broken(&channel));
   CHECK(vp_frame_read(&channel, &frame, -1) == VP_FRAME_OK && frame.header.type == VP_FRAME_BYE);
   CHECK(vp_frame_read(&channel, &frame, -1) == VP_FRAME_CLOSED);
   vp_frame_finish(&frame);
   close(fds[0]);
   vp_channel_finish(&channel);
}

static unsigned mended;

static bool mend_in_vain(void *context)
{
   (void)context;
   mended++;
   return false;
}

/* Who mends does so when he hears nothing; who does not waits on. */
static void test_silence(void)
{
   struct vp_frame frame = {0};
   int fds[2];
   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0))
      return;
   struct vp_channel channel = VP_CHANNEL(fds[0]), patient = VP_CHANNEL(fds[1]);
   if (!CHECK(vp_channel_make_resumable(&channel, malloc(LARGE_HISTORY), LARGE_HISTORY, 0, mend_in_vain, NULL)) ||
       !CHECK(vp_channel_make_resumable(&patient, malloc(LARGE_HISTORY), LARGE_HISTORY, 1000, NULL, NULL)))
      return;
   CHECK(vp_frame_read(&patient, &frame, 10) == VP_FRAME_TIMEOUT && !vp_channel_is_broken(&patient));
   CHECK(vp_frame_read(&channel, &frame, 10) == VP_FRAME_TIMEOUT && vp_channel_is_broken(&channel));
   CHECK(mended == 1);
   CHECK(!vp_channel_pause(&channel, 10000));
   CHECK(vp_channel_pause(&patient, 1));
   for (unsigned i = 0; i < 2; i++)
      close(fds[i]);
   vp_channel_finish(&channel);
   vp_channel_finish(&patient);
}

int main(void)
{
   test_each_byte();
   test_many();
   test_small_history();
   test_nobody_comes();
   test_last_words();
   test_silence();
   return check_finish();
}
