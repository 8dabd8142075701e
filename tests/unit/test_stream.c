/* SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/mapping/mapping.h"
#include "common/memory/delta.h"
#include "common/net/frame.h"
#include "common/net/hello.h"
#include "common/net/socket.h"
#include "common/util/cores.h"
#include "tests/unit/check.h"

/* The stream with a server that reads late, and without memory: what was said arrives whole, in order and once; what
 * could not be said does not arrive. */

/* The linker sends the client's calls here (see tests/CMakeLists.txt). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static atomic_bool memory_is_short;
static _Thread_local bool has_memory; /* the server's thread */

static bool fails(void)
{
   return atomic_load(&memory_is_short) && !has_memory;
}

void *__wrap_malloc(size_t size)
{
   return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
   return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
   return fails() ? NULL : __real_realloc(memory, size);
}

/* Wakes of the sender by this thread. */
int __real_pthread_cond_signal(pthread_cond_t *cond);
int __wrap_pthread_cond_signal(pthread_cond_t *cond);

static struct vp_connection *conn;
static _Thread_local bool counts_wakes, woken_with_lock;
static _Thread_local unsigned wakes;

int __wrap_pthread_cond_signal(pthread_cond_t *cond)
{
   if (counts_wakes && cond == &conn->stream.work) {
      const struct timespec deadline = {.tv_sec = time(NULL) + (woken_with_lock ? 0 : 5)};
      const bool is_free = !pthread_mutex_timedlock(&conn->stream.lock, &deadline);
      if (is_free)
         pthread_mutex_unlock(&conn->stream.lock);
      woken_with_lock |= !is_free;
      wakes++;
   }
   return __real_pthread_cond_signal(cond);
}

/* --- the server --- */

#define SPEAKERS 4

/* A command of this test: its speaker, how many of his came before it, its size in words with these three, then words
 * that say the second again. */
#define HEAD_WORDS 3

#define MEMORY_SIZE ((size_t)4 << 20)

static struct {
   int listener;
   pthread_t thread;
   atomic_bool reads, is_over;
   atomic_uint taken;
   uint32_t next[SPEAKERS];
   uint8_t memory[MEMORY_SIZE], twin[MEMORY_SIZE];
   const char *error;
} server;

static const char *take_command(const uint32_t *words, size_t *left)
{
   if (*left < HEAD_WORDS || words[0] >= SPEAKERS || words[2] < HEAD_WORDS || words[2] > *left)
      return "that is no command";
   if (words[1] != server.next[words[0]]++)
      return "a command is missing or comes twice";
   for (uint32_t i = HEAD_WORDS; i < words[2]; i++) {
      if (words[i] != words[1])
         return "a command is not whole";
   }
   *left -= words[2];
   atomic_fetch_add(&server.taken, 1);
   return NULL;
}

static const char *take_frame(const struct vp_frame *frame)
{
   const uint32_t *words = (const void *)frame->payload;
   size_t left = frame->header.length / 4;
   if (frame->header.type == VP_FRAME_MEMORY)
      return vp_delta_apply(frame->payload, frame->header.length, server.memory, server.twin, MEMORY_SIZE)
                ? NULL
                : "changes of memory that make no sense";
   const char *error = frame->header.type == VP_FRAME_COMMANDS ? NULL : "a frame that was not sent";
   while (!error && left) {
      const uint32_t size = left >= HEAD_WORDS ? words[2] : 0;
      error = take_command(words, &left);
      words += size;
   }
   return error;
}

static bool greet(int fd, struct vp_frame *frame)
{
   struct vp_hello hello;
   uint8_t data[VP_HELLO_WIRE_MAX];
   vp_hello_init(&hello, "");
   const size_t size = vp_hello_store(data, &hello, VP_SERVER);
   return vp_frame_read(&VP_CHANNEL(fd), frame, 10000) == VP_FRAME_OK &&
          vp_frame_write(&VP_CHANNEL(fd), VP_FRAME_HELLO, 0, data, size, NULL, 0);
}

/* However long the rest takes, it is there. */
static void *say_alive(void *data)
{
   const int *fd = data;
   has_memory = true;
   for (; !atomic_load(&server.is_over); usleep(100000))
      vp_frame_write(&VP_CHANNEL(*fd), VP_FRAME_ALIVE, 0, NULL, 0, NULL, 0);
   return NULL;
}

static void *server_main(void *unused)
{
   pthread_t life;
   char address[64];
   struct vp_frame frame = {0};
   int fd;
   (void)unused;
   has_memory = true;
   while ((fd = vp_socket_accept(server.listener, address, sizeof(address))) < 0)
      usleep(1000);
   if (!greet(fd, &frame))
      server.error = "no greeting";
   const bool is_alive = !pthread_create(&life, NULL, say_alive, &fd);
   if (!is_alive)
      server.error = "no thread";
   while (!server.error && !atomic_load(&server.reads))
      usleep(1000);
   while (!server.error && vp_frame_read(&VP_CHANNEL(fd), &frame, -1) == VP_FRAME_OK)
      server.error = take_frame(&frame);
   atomic_store(&server.is_over, true);
   if (is_alive)
      pthread_join(life, NULL);
   close(fd);
   vp_frame_finish(&frame);
   return NULL;
}

static struct vp_device device;

static bool start(bool reads)
{
   char error[VP_SOCKET_ERROR_SIZE];
   uint16_t port;
   memset(&server, 0, sizeof(server));
   atomic_store(&server.reads, reads);
   server.listener = vp_socket_listen("127.0.0.1", 0, &port, error);
   if (!CHECK(server.listener >= 0) || !CHECK(!pthread_create(&server.thread, NULL, server_main, NULL)))
      return false;
   const struct vp_server_address address = {.port = port, .place = "127.0.0.1"};
   const struct vp_connection_terms terms = {.application = "test", .compression = VP_COMPRESS_NONE};
   char why[VP_CONNECTION_ERROR_SIZE];
   conn = vp_connection_create(&address, -1, &terms, 10000, why);
   for (uint32_t i = 0; conn && i < VP_COST_KINDS; i++)
      conn->pace.costs[i] = 1; /* this server says nothing of its work */
   device = (struct vp_device){.conn = conn};
   pthread_mutex_init(&device.memory_lock, NULL);
   return CHECK(conn);
}

static void stop(const uint32_t said[SPEAKERS])
{
   uint32_t all = 0;
   for (uint32_t i = 0; i < SPEAKERS; i++)
      all += said[i];
   atomic_store(&server.reads, true);
   vp_stream_drain(conn, UINT64_MAX);
   CHECK(!vp_connection_lost(conn));
   /* A socket that is closed with something to read in it takes back what the other end has not read. */
   while (atomic_load(&server.taken) < all && !atomic_load(&server.is_over))
      usleep(1000);
   vp_connection_destroy(conn);
   pthread_join(server.thread, NULL);
   close(server.listener);
   pthread_mutex_destroy(&device.memory_lock);
   if (!CHECK(!server.error))
      fprintf(stderr, "%s\n", server.error);
   for (uint32_t i = 0; i < SPEAKERS; i++)
      CHECK(server.next[i] == said[i]);
}

/* --- the application --- */

static VkResult say(uint32_t speaker, uint32_t number, uint32_t words)
{
   struct vp_encoder *enc = vp_stream_begin(conn);
   vp_enc_u32(enc, speaker);
   vp_enc_u32(enc, number);
   vp_enc_u32(enc, words);
   for (uint32_t i = HEAD_WORDS; i < words; i++)
      vp_enc_u32(enc, number);
   return vp_stream_end(conn);
}

/* As a piece of a recording. */
static VkResult append(uint32_t speaker, uint32_t number, uint32_t words)
{
   struct vp_encoder commands = {.start = __real_malloc((size_t)words * 4)};
   commands.limit = commands.start + (size_t)words * 4;
   vp_encoder_reset(&commands);
   vp_enc_u32(&commands, speaker);
   vp_enc_u32(&commands, number);
   vp_enc_u32(&commands, words);
   for (uint32_t i = HEAD_WORDS; i < words; i++)
      vp_enc_u32(&commands, number);
   const VkResult result = vp_stream_append_recorded(conn, &commands, false);
   vp_encoder_finish(&commands);
   return result;
}

struct speaker {
   pthread_t thread;
   uint32_t index, said, refused;
};

static atomic_uint refusals; /* of all speakers */

static void count_refusal(struct speaker *self, bool is_one)
{
   self->refused += is_one;
   atomic_fetch_add(&refusals, is_one);
}

/* Short commands are always taken, long ones only with memory. */
static void *speak(void *data)
{
   struct speaker *self = data;
   for (unsigned i = 0; i < 2000; i++) {
      const unsigned way = (i * 7 + self->index) % 16;
      const uint32_t words = way < 12 ? HEAD_WORDS + i % 1000 : way == 12 ? VP_STREAM_ROOM / 4 : 20000 + i;
      const VkResult result = way == 13 ? append(self->index, self->said, words) : say(self->index, self->said, words);
      if (result == VK_SUCCESS)
         self->said++;
      else
         count_refusal(self, result == VK_ERROR_OUT_OF_HOST_MEMORY && words > VP_STREAM_ROOM / 4);
      if (i + 1 != self->said + self->refused)
         break;
      if (way == 14)
         vp_stream_add_memory(conn, &device, NULL);
      if (way == 15)
         vp_stream_flush(conn);
   }
   return NULL;
}

/* Until something is refused, and then now and then. */
static void *run_short_of_memory(void *stop_data)
{
   atomic_bool *stop_it = stop_data;
   has_memory = true;
   for (unsigned i = 0; !atomic_load(stop_it); i++) {
      atomic_store(&memory_is_short, !atomic_load(&refusals) || i % 4 != 0);
      usleep(500);
   }
   atomic_store(&memory_is_short, false);
   return NULL;
}

/* direct_size: what speakers send themselves. */
static void test_without_memory(size_t direct_size)
{
   struct speaker speakers[SPEAKERS];
   uint32_t said[SPEAKERS];
   atomic_bool stop_it = false;
   pthread_t shortage;
   if (!start(false))
      return;
   conn->stream.direct_size = direct_size;
   atomic_store(&refusals, 0);
   atomic_store(&memory_is_short, true);
   CHECK(!pthread_create(&shortage, NULL, run_short_of_memory, &stop_it));
   for (uint32_t i = 0; i < SPEAKERS; i++) {
      speakers[i] = (struct speaker){.index = i};
      CHECK(!pthread_create(&speakers[i].thread, NULL, speak, &speakers[i]));
   }
   while (!atomic_load(&refusals))
      usleep(1000);
   atomic_store(&server.reads, true);
   for (uint32_t i = 0; i < SPEAKERS; i++) {
      pthread_join(speakers[i].thread, NULL);
      CHECK(speakers[i].said + speakers[i].refused == 2000);
      said[i] = speakers[i].said;
   }
   atomic_store(&stop_it, true);
   pthread_join(shortage, NULL);
   stop(said);
}

/* As much as the sockets take, and less than is held back: the sender waits. */
static void keep_sender_busy(void)
{
   for (uint32_t i = 0; i < 3000; i++)
      CHECK(say(0, i, 300) == VK_SUCCESS);
   vp_stream_flush(conn);
}

/* Waiting submissions, of which each looks for changes of memory: nothing but their bytes is kept. */
static void test_much_waits(void)
{
   enum { COUNT = 5000, WORDS = 100 }; /* less than makes others wait */
   if (!start(false))
      return;
   keep_sender_busy();
   const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
   for (uint32_t i = 0; i < COUNT; i++) {
      CHECK(vp_stream_add_memory(conn, &device, NULL) == VK_SUCCESS);
      CHECK(say(1, i, WORDS) == VK_SUCCESS);
      CHECK(vp_stream_flush(conn) == VK_SUCCESS);
   }
   const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
   CHECK(after < before + (size_t)COUNT * WORDS * 4 * 8); /* buffers double */
   stop((const uint32_t[SPEAKERS]){3000, COUNT, 0, 0});
}

/* Flushes of one memory while the sender has other things to do are one look, which sees what was written before the
 * last of them. */
static void test_flushes(void)
{
   enum { COUNT = 5000 };
   if (!start(false))
      return;
   keep_sender_busy();
   struct vp_mapping *mapping = vp_mapping_create(1, MEMORY_SIZE);
   CHECK(mapping);
   vp_mapping_set_writable(mapping, true);
   for (uint32_t i = 0; i < COUNT; i++) {
      vp_mapping_pointer(mapping)[i * (size_t)4096 % MEMORY_SIZE + i] = (uint8_t)(i + 1);
      CHECK(vp_stream_add_memory(conn, &device, mapping) == VK_SUCCESS);
   }
   CHECK(conn->stream.open.mark_count <= 2);
   CHECK(say(1, 0, HEAD_WORDS) == VK_SUCCESS);
   stop((const uint32_t[SPEAKERS]){3000, 1, 0, 0});
   CHECK(memcmp(server.memory, vp_mapping_pointer(mapping), MEMORY_SIZE) == 0);
   vp_mapping_close(mapping);
   vp_mapping_unref(mapping);
}

/* Pieces of a recording, while the sender has other things to do: it is woken once at most, by somebody who no longer
 * has the lock that it needs. */
static void test_wakes(void)
{
   enum { COUNT = 50, WORDS = VP_STREAM_PIECE / 4 };
   if (!start(false))
      return;
   conn->stream.direct_size = VP_STREAM_PIECE;
   keep_sender_busy();
   counts_wakes = true;
   for (uint32_t i = 0; i < COUNT; i++)
      CHECK(append(1, i, WORDS) == VK_SUCCESS);
   counts_wakes = false;
   CHECK(wakes <= 1);
   CHECK(!woken_with_lock);
   stop((const uint32_t[SPEAKERS]){3000, COUNT, 0, 0});
}

/* Submissions that wait together are one look, also at a memory that was mapped between them. */
static void test_one_look(void)
{
   struct vp_mapping *mappings[2];
   if (!start(false))
      return;
   keep_sender_busy();
   device.mappings = mappings;
   for (size_t i = 0; i < 2; i++) {
      mappings[i] = vp_mapping_create(1 + i, MEMORY_SIZE);
      CHECK(mappings[i]);
      vp_mapping_set_writable(mappings[i], true);
      vp_mapping_set_place(mappings[i], vp_stream_place(conn));
      device.mapping_count = i + 1;
      vp_mapping_pointer(mappings[i])[i] = 201;
      CHECK(vp_stream_add_memory(conn, &device, NULL) == VK_SUCCESS);
   }
   vp_mapping_pointer(mappings[0])[2] = 201;
   CHECK(vp_stream_add_memory(conn, &device, NULL) == VK_SUCCESS);
   CHECK(say(1, 0, HEAD_WORDS) == VK_SUCCESS);
   stop((const uint32_t[SPEAKERS]){3000, 1, 0, 0});
   CHECK(server.memory[0] == 201 && server.memory[1] == 201 && server.memory[2] == 201);
   device.mapping_count = 0;
   device.mappings = NULL;
   for (size_t i = 0; i < 2; i++) {
      vp_mapping_close(mappings[i]);
      vp_mapping_unref(mappings[i]);
   }
}

#define LOOKED_SIZE ((size_t)1 << 20) /* more than the sockets take, less than may wait for them */

/* What has changed is seen, and may change again, long before it is sent where there is a thread for that. */
static void test_looks(void)
{
   const int small = 64 << 10;
   vp_cores_assume(VP_MIN_CORES_TO_SHARE);
   if (!start(false))
      return;
   setsockopt(conn->channel.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
   struct vp_mapping *mapping = vp_mapping_create(1, LOOKED_SIZE);
   CHECK(mapping);
   uint8_t *memory = vp_mapping_pointer(mapping);
   vp_mapping_set_writable(mapping, true);
   memset(memory, 1, LOOKED_SIZE);
   CHECK(vp_stream_add_memory(conn, &device, mapping) == VK_SUCCESS);
   CHECK(say(0, 0, HEAD_WORDS) == VK_SUCCESS);
   CHECK(vp_stream_wait_for_looks(conn, UINT64_C(10000000000)) && !vp_stream_drain(conn, 0));
   CHECK(vp_stream_add_memory(conn, &device, mapping) == VK_SUCCESS);
   CHECK(!vp_stream_wait_for_looks(conn, 1000000)); /* it waits for the network */
   memset(memory, 2, LOOKED_SIZE);
   stop((const uint32_t[SPEAKERS]){1, 0, 0, 0});
   CHECK(memcmp(server.memory, memory, LOOKED_SIZE) == 0);
   vp_mapping_close(mapping);
   vp_mapping_unref(mapping);
   vp_cores_assume(0);
}

/* Memory that somebody waited for is on its way still when the next command is said: that comes behind it. */
static void test_behind_looks(void)
{
   enum { ROUNDS = 300 };
   vp_cores_assume(VP_MIN_CORES_TO_SHARE);
   if (!start(true))
      return;
   struct vp_mapping *mapping = vp_mapping_create(1, LOOKED_SIZE);
   CHECK(mapping);
   uint8_t *memory = vp_mapping_pointer(mapping);
   vp_mapping_set_writable(mapping, true);
   for (uint32_t i = 0; i < ROUNDS; i++) {
      memset(memory, 1 + (int)i % 255, LOOKED_SIZE);
      CHECK(vp_stream_add_memory(conn, &device, mapping) == VK_SUCCESS);
      CHECK(vp_stream_wait_for_looks(conn, UINT64_MAX));
      CHECK(say(0, i, HEAD_WORDS) == VK_SUCCESS && vp_stream_flush(conn) == VK_SUCCESS);
   }
   stop((const uint32_t[SPEAKERS]){ROUNDS, 0, 0, 0});
   CHECK(memcmp(server.memory, memory, LOOKED_SIZE) == 0);
   vp_mapping_close(mapping);
   vp_mapping_unref(mapping);
   vp_cores_assume(0);
}

int main(void)
{
   test_without_memory(SIZE_MAX);
   test_without_memory(VP_STREAM_PIECE);
   test_wakes();
   test_flushes();
   test_one_look();
   test_much_waits();
   test_looks();
   test_behind_looks();
   return check_finish();
}
