/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/error_frame.h"
#include "common/net/frame.h"
#include "common/net/limits.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "tests/unit/check.h"

static void make_pair(int fds[2])
{
   if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
      abort();
}

/* xorshift: the same sequence in every run, so that a failure can be repeated */
static uint32_t random_state = 0x12345678;

static uint32_t random_u32(void)
{
   random_state ^= random_state << 13;
   random_state ^= random_state >> 17;
   random_state ^= random_state << 5;
   return random_state;
}

static uint8_t pattern_at(size_t i)
{
   return (uint8_t)(i * 7 + i / 251);
}

static void fill_pattern(uint8_t *data, size_t size)
{
   for (size_t i = 0; i < size; i++)
      data[i] = pattern_at(i);
}

static bool pattern_matches(const uint8_t *data, size_t size)
{
   for (size_t i = 0; i < size; i++) {
      if (data[i] != pattern_at(i))
         return false;
   }
   return true;
}

/* A thread that hands bytes to a socket in pieces and closes it. */
struct feeder {
   pthread_t thread;
   int fd;
   const uint8_t *data;
   size_t size;
   size_t piece; /* bytes at once */
};

static void *feeder_main(void *arg)
{
   const struct feeder *feeder = arg;

   for (size_t at = 0; at < feeder->size;) {
      const size_t left = feeder->size - at;
      const ssize_t n = send(feeder->fd, feeder->data + at, left < feeder->piece ? left : feeder->piece, MSG_NOSIGNAL);
      if (n <= 0)
         break;
      at += (size_t)n;
   }
   close(feeder->fd);
   return NULL;
}

static void feeder_start(struct feeder *feeder, int fd, const void *data, size_t size, size_t piece)
{
   *feeder = (struct feeder){.fd = fd, .data = data, .size = size, .piece = piece};
   if (pthread_create(&feeder->thread, NULL, feeder_main, feeder) != 0)
      abort();
}

/* Gives `data` to a reader and returns the status of the first read. */
static enum vp_frame_status read_bytes(struct vp_frame *frame, const void *data, size_t size)
{
   struct feeder feeder;
   int fds[2];

   make_pair(fds);
   feeder_start(&feeder, fds[0], data, size, SIZE_MAX);
   const enum vp_frame_status status = vp_frame_read(&VP_CHANNEL(fds[1]), frame, 5000);
   close(fds[1]);
   pthread_join(feeder.thread, NULL);
   return status;
}

static void make_header(uint8_t out[VP_FRAME_HEADER_SIZE], uint32_t type, uint32_t length)
{
   const struct vp_frame_header header = {.type = type, .length = length, .tag = 0x1122334455667788};

   vp_frame_header_store(out, &header);
}

static void test_header(void)
{
   static const uint8_t expected[VP_FRAME_HEADER_SIZE] = {2,    0,    0,    0,    0x04, 0x03, 0x02, 0x01,
                                                          0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
   uint8_t bytes[VP_FRAME_HEADER_SIZE];
   struct vp_frame_header header;

   make_header(bytes, VP_FRAME_COMMANDS, 0x01020304);
   CHECK(memcmp(bytes, expected, sizeof(expected)) == 0);
   vp_frame_header_load(&header, bytes);
   CHECK(header.type == VP_FRAME_COMMANDS && header.length == 0x01020304 && header.tag == 0x1122334455667788);
}

static void test_round_trip(void)
{
   struct vp_frame frame = {0};
   int fds[2];
   make_pair(fds);

   CHECK(vp_frame_write(&VP_CHANNEL(fds[0]), VP_FRAME_REPLY, UINT64_MAX, "abc", 3, "defg", 4));
   CHECK(vp_frame_write(&VP_CHANNEL(fds[0]), VP_FRAME_ALIVE, 0, NULL, 0, NULL, 0));
   CHECK(vp_frame_write(&VP_CHANNEL(fds[0]), VP_FRAME_HELLO, 5, NULL, 0, "x", 1));
   close(fds[0]);

   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 1000) == VP_FRAME_OK);
   CHECK(frame.header.type == VP_FRAME_REPLY && frame.header.tag == UINT64_MAX && frame.header.length == 7);
   CHECK(memcmp(frame.payload, "abcdefg", 7) == 0);
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 1000) == VP_FRAME_OK);
   CHECK(frame.header.type == VP_FRAME_ALIVE && frame.header.length == 0);
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, -1) == VP_FRAME_OK);
   CHECK(frame.header.type == VP_FRAME_HELLO && frame.header.length == 1 && frame.payload[0] == 'x');
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, -1) == VP_FRAME_CLOSED);
   vp_frame_finish(&frame);
   close(fds[1]);
}

static void make_tcp_pair(int fds[2])
{
   struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
   socklen_t size = sizeof(address);
   const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
   fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
   if (listener < 0 || fds[0] < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
       listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
       connect(fds[0], (struct sockaddr *)&address, size) != 0)
      abort();
   fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
   close(listener);
}

static void *write_groups(void *arg)
{
   static uint8_t data[200000];
   const int *fd = arg;
   uint64_t blocked_ns = 0;
   bool ok = true;

   fill_pattern(data, sizeof(data));
   for (uint64_t i = 0; i < 200 && ok; i++)
      ok = vp_frame_write_before(&VP_CHANNEL(*fd), VP_FRAME_MEMORY, i, data, i * 1000, &blocked_ns) &&
           (i % 3 || vp_frame_write(&VP_CHANNEL(*fd), VP_FRAME_PROGRESS, i, NULL, 0, NULL, 0));
   return ok && vp_frame_write(&VP_CHANNEL(*fd), VP_FRAME_ALIVE, 0, NULL, 0, NULL, 0) ? arg : NULL;
}

/* Frames that another one follows come before it, whatever they leave with. */
static void test_followed(void)
{
   struct vp_frame frame = {0};
   pthread_t thread;
   void *result = NULL;
   int fds[2];

   make_tcp_pair(fds);
   if (pthread_create(&thread, NULL, write_groups, &fds[0]) != 0)
      abort();
   for (uint64_t i = 0; i < 200; i++) {
      CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, -1) == VP_FRAME_OK && frame.header.type == VP_FRAME_MEMORY);
      CHECK(frame.header.tag == i && frame.header.length == i * 1000 && pattern_matches(frame.payload, i * 1000));
      if (i % 3 == 0)
         CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, -1) == VP_FRAME_OK && frame.header.type == VP_FRAME_PROGRESS);
   }
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, -1) == VP_FRAME_OK && frame.header.type == VP_FRAME_ALIVE);
   CHECK(pthread_join(thread, &result) == 0 && result);
   vp_frame_finish(&frame);
   close(fds[0]);
   close(fds[1]);
}

static void test_byte_by_byte(void)
{
   enum { PAYLOAD = 300 };
   uint8_t stream[2 * (VP_FRAME_HEADER_SIZE + PAYLOAD)];
   struct vp_frame frame = {0};
   struct feeder feeder;
   int fds[2];

   for (size_t i = 0; i < 2; i++) {
      uint8_t *at = stream + i * (VP_FRAME_HEADER_SIZE + PAYLOAD);
      make_header(at, VP_FRAME_MEMORY, PAYLOAD);
      fill_pattern(at + VP_FRAME_HEADER_SIZE, PAYLOAD);
   }
   make_pair(fds);
   feeder_start(&feeder, fds[0], stream, sizeof(stream), 1);
   for (unsigned i = 0; i < 2; i++) {
      CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 5000) == VP_FRAME_OK);
      CHECK(frame.header.length == PAYLOAD && pattern_matches(frame.payload, PAYLOAD));
   }
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 5000) == VP_FRAME_CLOSED);
   pthread_join(feeder.thread, NULL);
   vp_frame_finish(&frame);
   close(fds[1]);
}

static void test_malformed(void)
{
   static const struct {
      uint32_t type, length;
   } bad[] = {
      {0, 0},
      {VP_FRAME_END, 0},
      {VP_FRAME_SKIPPABLE - 1, 0},
      {VP_FRAME_SKIPPABLE | 99, VP_FRAME_MAX_PAYLOAD + 1},
      {VP_FRAME_COMMANDS, VP_FRAME_MAX_PAYLOAD + 1},
      {VP_FRAME_HELLO, VP_FRAME_MAX_FIRST_PAYLOAD + 1},
      {VP_FRAME_AUTH, VP_FRAME_MAX_FIRST_PAYLOAD + 1},
      {VP_FRAME_RESUME, VP_FRAME_MAX_FIRST_PAYLOAD + 1},
      {VP_FRAME_COMMANDS, UINT32_MAX},
   };
   uint8_t bytes[VP_FRAME_HEADER_SIZE];
   struct vp_frame frame = {0};

   for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      make_header(bytes, bad[i].type, bad[i].length);
      CHECK(read_bytes(&frame, bytes, sizeof(bytes)) == VP_FRAME_MALFORMED);
      CHECK(frame.capacity == 0);
   }
   CHECK(read_bytes(&frame, "GET / HTTP/1.1\r\n\r\n", 18) == VP_FRAME_MALFORMED);
   vp_frame_finish(&frame);
}

/* What may be skipped comes without its payload, however much that is. */
static void test_skipped(void)
{
   enum { SKIPPED = 10000, PAYLOAD = 100 };
   const uint32_t types[] = {VP_FRAME_SKIPPABLE, VP_FRAME_SKIPPABLE | VP_FRAME_COMMANDS, UINT32_MAX};
   static uint8_t stream[3 * (VP_FRAME_HEADER_SIZE + SKIPPED) + VP_FRAME_HEADER_SIZE + PAYLOAD];
   uint8_t *at = stream;
   struct vp_frame frame = {0};
   struct feeder feeder;
   int fds[2];

   for (size_t i = 0; i < 3; i++) {
      const size_t length = i == 1 ? 0 : SKIPPED;
      make_header(at, types[i], (uint32_t)length);
      memset(at + VP_FRAME_HEADER_SIZE, 0xee, length);
      at += VP_FRAME_HEADER_SIZE + length;
   }
   make_header(at, VP_FRAME_MEMORY, PAYLOAD);
   fill_pattern(at + VP_FRAME_HEADER_SIZE, PAYLOAD);

   make_pair(fds);
   feeder_start(&feeder, fds[0], stream, sizeof(stream) - SKIPPED, SIZE_MAX);
   for (size_t i = 0; i < 3; i++) {
      CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 5000) == VP_FRAME_OK && vp_frame_is_skippable(&frame.header));
      CHECK(frame.header.type == types[i] && frame.capacity == 0);
   }
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 5000) == VP_FRAME_OK && !vp_frame_is_skippable(&frame.header));
   CHECK(frame.header.length == PAYLOAD && pattern_matches(frame.payload, PAYLOAD));
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 5000) == VP_FRAME_CLOSED);
   pthread_join(feeder.thread, NULL);
   CHECK(read_bytes(&frame, stream, VP_FRAME_HEADER_SIZE + SKIPPED - 1) == VP_FRAME_BROKEN);
   vp_frame_finish(&frame);
   close(fds[1]);
}

/* Of a peer that is not known, nothing is skipped and not much taken. */
static void test_first(void)
{
   static const struct {
      uint32_t type, length;
      enum vp_frame_status status;
   } firsts[] = {
      {VP_FRAME_HELLO, 0, VP_FRAME_OK},
      {VP_FRAME_ERROR, 0, VP_FRAME_OK},
      {VP_FRAME_HELLO, VP_FRAME_MAX_FIRST_PAYLOAD, VP_FRAME_BROKEN}, /* not all there */
      {VP_FRAME_HELLO, VP_FRAME_MAX_FIRST_PAYLOAD + 1, VP_FRAME_MALFORMED},
      {VP_FRAME_COMMANDS, VP_FRAME_MAX_FIRST_PAYLOAD + 1, VP_FRAME_MALFORMED},
      {VP_FRAME_SKIPPABLE | 99, 0, VP_FRAME_MALFORMED},
   };
   struct vp_frame frame = {0};

   for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
      uint8_t bytes[VP_FRAME_HEADER_SIZE];
      int fds[2];
      make_pair(fds);
      make_header(bytes, firsts[i].type, firsts[i].length);
      CHECK(send(fds[0], bytes, sizeof(bytes), MSG_NOSIGNAL) == (ssize_t)sizeof(bytes));
      close(fds[0]);
      CHECK(vp_frame_read_first(&VP_CHANNEL(fds[1]), &frame, vp_clock_ms() + 5000) == firsts[i].status);
      close(fds[1]);
   }
   vp_frame_finish(&frame);
}

static void test_cut_off(void)
{
   uint8_t bytes[VP_FRAME_HEADER_SIZE + 10] = {0};
   struct vp_frame frame = {0};

   make_header(bytes, VP_FRAME_COMMANDS, 11);
   CHECK(read_bytes(&frame, bytes, 0) == VP_FRAME_CLOSED);
   for (size_t size = 1; size <= sizeof(bytes); size++)
      CHECK(read_bytes(&frame, bytes, size) == VP_FRAME_BROKEN);
   vp_frame_finish(&frame);
}

static void test_memory_follows_arrival(void)
{
   const size_t sent = 100000;
   uint8_t *bytes = malloc(VP_FRAME_HEADER_SIZE + sent);
   struct vp_frame frame = {0};
   if (!bytes)
      abort();

   make_header(bytes, VP_FRAME_COMMANDS, VP_FRAME_MAX_PAYLOAD);
   fill_pattern(bytes + VP_FRAME_HEADER_SIZE, sent);
   CHECK(read_bytes(&frame, bytes, VP_FRAME_HEADER_SIZE) == VP_FRAME_BROKEN);
   CHECK(frame.capacity <= 64 << 10);
   CHECK(read_bytes(&frame, bytes, VP_FRAME_HEADER_SIZE + sent) == VP_FRAME_BROKEN);
   CHECK(frame.capacity <= 2 * sent);
   vp_frame_finish(&frame);
   free(bytes);
}

static void test_timeout(void)
{
   uint8_t bytes[VP_FRAME_HEADER_SIZE];
   struct vp_frame frame = {0};
   int fds[2];
   make_pair(fds);
   make_header(bytes, VP_FRAME_COMMANDS, 4);

   int64_t start = vp_clock_ms();
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 50) == VP_FRAME_TIMEOUT);
   int64_t took = vp_clock_ms() - start;
   CHECK(took >= 49 && took < 2000);
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 0) == VP_FRAME_TIMEOUT);

   /* in the middle of a frame too */
   CHECK(write(fds[0], bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes));
   start = vp_clock_ms();
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 50) == VP_FRAME_TIMEOUT);
   took = vp_clock_ms() - start;
   CHECK(took >= 49 && took < 2000);

   vp_frame_finish(&frame);
   close(fds[0]);
   close(fds[1]);
}

static void *speak_late(void *fd)
{
   uint8_t bytes[VP_FRAME_HEADER_SIZE];
   make_header(bytes, VP_FRAME_COMMANDS, 0);
   usleep(200000);
   return (void *)write(*(int *)fd, bytes, sizeof(bytes));
}

/* Who has begun a frame goes on soon, whatever the reader's patience; between frames nothing needs to come. */
static void test_stall(void)
{
   uint8_t bytes[VP_FRAME_HEADER_SIZE + 10] = {0};
   struct vp_frame frame = {0};
   pthread_t thread;
   int fds[2];

   vp_frame_set_stall(50);
   for (size_t size = 1; size < sizeof(bytes); size += VP_FRAME_HEADER_SIZE / 2) {
      for (unsigned skippable = 0; skippable < 2; skippable++) {
         make_pair(fds);
         make_header(bytes, skippable ? VP_FRAME_SKIPPABLE | VP_FRAME_COMMANDS : VP_FRAME_COMMANDS, 10);
         CHECK(write(fds[0], bytes, size) == (ssize_t)size);
         const int64_t start = vp_clock_ms();
         CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, skippable ? 100000 : -1) == VP_FRAME_TIMEOUT);
         const int64_t took = vp_clock_ms() - start;
         CHECK(took >= 49 && took < 2000);
         close(fds[0]);
         close(fds[1]);
      }
   }
   make_pair(fds);
   if (pthread_create(&thread, NULL, speak_late, &fds[0]))
      abort();
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, -1) == VP_FRAME_OK);
   pthread_join(thread, NULL);
   close(fds[0]);
   close(fds[1]);
   vp_frame_finish(&frame);
   vp_frame_set_stall(VP_FRAME_STALL_MS);
}

/* Random bytes, and valid streams with a few bytes changed: any status is right,
 * but nothing may crash, hang or take much memory. */
static void test_garbage(void)
{
   uint8_t bytes[512];
   unsigned seen[VP_FRAME_NO_MEMORY + 1] = {0};

   for (unsigned round = 0; round < 3000; round++) {
      struct vp_frame frame = {0};
      const size_t size = random_u32() % (sizeof(bytes) + 1);
      for (size_t i = 0; i < size; i++)
         bytes[i] = (uint8_t)random_u32();
      if (round % 3 && size >= VP_FRAME_HEADER_SIZE) {
         make_header(bytes, 1 + random_u32() % VP_FRAME_PACKED, (uint32_t)size - VP_FRAME_HEADER_SIZE);
         if (round % 3 == 1)
            bytes[random_u32() % VP_FRAME_HEADER_SIZE] = (uint8_t)random_u32();
      }

      struct feeder feeder;
      int fds[2];
      make_pair(fds);
      feeder_start(&feeder, fds[0], bytes, size, 1 + random_u32() % 64);
      enum vp_frame_status status;
      do {
         status = vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 5000);
         seen[status]++;
      } while (status == VP_FRAME_OK);
      CHECK(status == VP_FRAME_CLOSED || status == VP_FRAME_BROKEN || status == VP_FRAME_MALFORMED);
      CHECK(frame.capacity <= 64 << 10);
      close(fds[1]);
      pthread_join(feeder.thread, NULL);
      vp_frame_finish(&frame);
   }
   CHECK(seen[VP_FRAME_OK] > 0 && seen[VP_FRAME_CLOSED] > 0);
   CHECK(seen[VP_FRAME_BROKEN] > 0 && seen[VP_FRAME_MALFORMED] > 0);
}

static void ignore_signal(int number)
{
   (void)number;
}

struct interrupter {
   pthread_t thread, target;
   atomic_bool stop;
};

static void *interrupter_main(void *arg)
{
   struct interrupter *interrupter = arg;

   while (!interrupter->stop) {
      pthread_kill(interrupter->target, SIGUSR1);
      usleep(200);
   }
   return NULL;
}

/* A writer with a tiny socket buffer, interrupted by signals all the time. */
static void test_partial_writes(bool nonblocking)
{
   enum { A = 200001, B = 300007, ROUNDS = 10 };
   uint8_t *data = malloc(A + B);
   const int small = 4096;
   int fds[2];
   if (!data)
      abort();

   make_pair(fds);
   fill_pattern(data, A + B);
   CHECK(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) == 0);
   if (nonblocking)
      CHECK(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);

   struct interrupter interrupter = {.target = pthread_self()};
   const struct sigaction action = {.sa_handler = ignore_signal};
   CHECK(sigaction(SIGUSR1, &action, NULL) == 0);

   const pid_t child = fork();
   if (child == 0) {
      struct vp_frame frame = {0};
      int good = 0;
      close(fds[0]);
      while (vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 10000) == VP_FRAME_OK)
         good += frame.header.length == A + B && pattern_matches(frame.payload, A + B);
      vp_frame_finish(&frame);
      _exit(good);
   }
   close(fds[1]);
   if (pthread_create(&interrupter.thread, NULL, interrupter_main, &interrupter) != 0)
      abort();
   for (unsigned i = 0; i < ROUNDS; i++)
      CHECK(vp_frame_write(&VP_CHANNEL(fds[0]), VP_FRAME_COMMANDS, i, data, A, data + A, B));
   interrupter.stop = true;
   pthread_join(interrupter.thread, NULL);
   close(fds[0]);

   int wait_status = 0;
   CHECK(waitpid(child, &wait_status, 0) == child);
   CHECK(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == ROUNDS);
   free(data);
}

static void test_write_errors(void)
{
   int fds[2];
   make_pair(fds);

   CHECK(!vp_frame_write(&VP_CHANNEL(fds[0]), VP_FRAME_COMMANDS, 0, "", (size_t)VP_FRAME_MAX_PAYLOAD + 1, NULL, 0));
   CHECK(errno == EMSGSIZE);
   CHECK(!vp_frame_write(&VP_CHANNEL(fds[0]), VP_FRAME_COMMANDS, 0, "", 1, "", VP_FRAME_MAX_PAYLOAD));
   CHECK(errno == EMSGSIZE);
   CHECK(!vp_frame_write(&VP_CHANNEL(fds[0]), VP_FRAME_COMMANDS, 0, "", 1, "", SIZE_MAX));
   CHECK(errno == EMSGSIZE);

   /* would end the program with SIGPIPE, were it raised */
   close(fds[1]);
   CHECK(!vp_frame_write(&VP_CHANNEL(fds[0]), VP_FRAME_COMMANDS, 0, "x", 1, NULL, 0));
   CHECK(errno == EPIPE);
   close(fds[0]);
}

static void test_large(void)
{
   const size_t size = 20u << 20;
   uint8_t *data = malloc(size);
   struct vp_frame frame = {0};
   struct feeder feeder;
   int fds[2];
   if (!data)
      abort();

   make_header(data, VP_FRAME_MEMORY, (uint32_t)size - VP_FRAME_HEADER_SIZE);
   fill_pattern(data + VP_FRAME_HEADER_SIZE, size - VP_FRAME_HEADER_SIZE);
   make_pair(fds);
   feeder_start(&feeder, fds[0], data, size, 100003);
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 5000) == VP_FRAME_OK);
   CHECK(frame.header.length == size - VP_FRAME_HEADER_SIZE);
   CHECK(pattern_matches(frame.payload, frame.header.length));
   pthread_join(feeder.thread, NULL);
   vp_frame_finish(&frame);
   close(fds[1]);
   free(data);
}

static void test_error_frame(void)
{
   static const uint8_t expected[] = {7, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 'n', 'o'};
   uint8_t bytes[VP_ERROR_WIRE_MAX], longer[2000];
   struct vp_error error = {.command = 7, .offset = 0x100000009, .text = "no"}, loaded;

   CHECK(vp_error_store(bytes, &error) == sizeof(expected));
   CHECK(memcmp(bytes, expected, sizeof(expected)) == 0);
   CHECK(vp_error_load(&loaded, bytes, sizeof(expected)));
   CHECK(loaded.command == 7 && loaded.offset == 0x100000009 && strcmp(loaded.text, "no") == 0);
   for (size_t size = 0; size < 12; size++)
      CHECK(!vp_error_load(&loaded, bytes, size));
   CHECK(vp_error_load(&loaded, bytes, 12) && loaded.text[0] == '\0');

   memset(longer, 'z', sizeof(longer));
   longer[13] = '\n';
   CHECK(vp_error_load(&loaded, longer, sizeof(longer)));
   CHECK(strlen(loaded.text) == VP_ERROR_TEXT_SIZE - 1 && loaded.text[1] == '\n');

   memset(error.text, 'y', sizeof(error.text)); /* not terminated */
   CHECK(vp_error_store(bytes, &error) == VP_ERROR_WIRE_MAX);

   struct vp_frame frame = {0};
   int fds[2];
   make_pair(fds);
   error = (struct vp_error){.command = VP_ERROR_NO_COMMAND, .text = "the server is full"};
   CHECK(vp_error_send(fds[0], &error));
   CHECK(vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 1000) == VP_FRAME_OK && frame.header.type == VP_FRAME_ERROR);
   CHECK(vp_error_load(&loaded, frame.payload, frame.header.length));
   CHECK(loaded.command == VP_ERROR_NO_COMMAND && strcmp(loaded.text, error.text) == 0);
   vp_frame_finish(&frame);
   close(fds[0]);
   close(fds[1]);
}

int main(void)
{
   test_header();
   test_round_trip();
   test_followed();
   test_byte_by_byte();
   test_malformed();
   test_skipped();
   test_first();
   test_cut_off();
   test_memory_follows_arrival();
   test_timeout();
   test_stall();
   test_garbage();
   test_partial_writes(false);
   test_partial_writes(true);
   test_write_errors();
   test_large();
   test_error_frame();
   return check_finish();
}
