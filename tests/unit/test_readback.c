/* SPDX-License-Identifier: MIT */
/* A GPU writes while memory is looked at, so:
 * test: no-tsan */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/memory/delta.h"
#include "common/net/frame.h"
#include "common/wire/encoder.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/memory/memory.h"
#include "server/memory/readback.h"
#include "server/memory/writes.h"
#include "tests/unit/check.h"

/* What is sent of the memory of a device that has no GPU: the test writes to it. */

#define PAGE VPS_PAGE
#define PIECE VPS_PIECE
#define SIZE (4 * PIECE + 100)

enum { PLAIN, CACHED, UNIFIED };

struct setup {
   struct vps_frame_writer writer;
   struct vps_device device;
   struct vps_memory memory;
   int client;
   uint8_t *copy, *copy_twin; /* the client's */
};

static void *zeros(size_t count, size_t size)
{
   void *memory = calloc(count, size);
   if (!memory)
      abort();
   return memory;
}

/* A followed memory whose four pieces are: read only, transfers, storage, an image; and a rest like the first. */
static void open_setup(struct setup *x, uint32_t type)
{
   static const VkMemoryType types[] = {
      [PLAIN] = {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, 0},
      [CACHED] = {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
                     VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                  0},
      [UNIFIED] = {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                      VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                   0},
   };
   int fds[2];

   memset(x, 0, sizeof(*x));
   if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0 ||
       !vps_frame_writer_init(&x->writer, fds[0], VP_COMPRESS_NONE) || pthread_mutex_init(&x->memory.lock, NULL) != 0 ||
       pthread_mutex_init(&x->device.mapped_lock, NULL) != 0)
      abort();
   x->client = fds[1];
   x->device.writer = &x->writer;
   x->device.memory.memoryTypeCount = 3;
   memcpy(x->device.memory.memoryTypes, types, sizeof(types));
   vps_readback_init(&x->device);
   x->memory.device = &x->device;
   x->memory.id = 77;
   x->memory.size = SIZE;
   x->memory.type = type;
   x->memory.visible = x->memory.coherent = true;
   atomic_init(&x->memory.refs, 1);
   atomic_init(&x->memory.classes, VPS_WRITES_ALL);
   x->memory.real = zeros(SIZE, 1);
   x->memory.twin = zeros(SIZE, 1);
   x->memory.exposed = zeros(5, 1);
   x->memory.dirty = zeros(2, 8);
   x->copy = zeros(SIZE, 1);
   x->copy_twin = zeros(SIZE, 1);
   x->device.mapped = &x->memory;
   x->memory.exposed[1] = VPS_WRITES_OTHER;
   x->memory.exposed[2] = VPS_WRITES_OTHER | VPS_WRITES_STORAGE;
   x->memory.exposed[3] = VPS_WRITES_OTHER | VPS_WRITES_IMAGE;
}

static void close_setup(struct setup *x)
{
   pthread_mutex_destroy(&x->memory.lock);
   pthread_mutex_destroy(&x->device.mapped_lock);
   close(x->writer.channel.fd);
   close(x->client);
   vps_frame_writer_finish(&x->writer);
   free(x->memory.real);
   free(x->memory.twin);
   free(x->memory.exposed);
   free(x->memory.dirty);
   free(x->copy);
   free(x->copy_twin);
}

struct heard {
   unsigned memory, empty, stale;
   size_t bytes;
};

/* All that has been sent up to now, which is applied to the copy. */
static struct heard hear(struct setup *x)
{
   struct vp_frame frame = {0};
   struct heard heard = {0};

   while (vp_frame_read(&VP_CHANNEL(x->client), &frame, 0) == VP_FRAME_OK) {
      CHECK(frame.header.tag == 77);
      if (frame.header.type == VP_FRAME_STALE) {
         CHECK(frame.header.length == 0);
         heard.stale++;
      } else if (CHECK(frame.header.type == VP_FRAME_MEMORY)) {
         heard.memory++;
         heard.empty += frame.header.length == 0;
         heard.bytes += frame.header.length;
         CHECK(vp_delta_apply(frame.payload, frame.header.length, x->copy, x->copy_twin, SIZE));
      }
   }
   vp_frame_finish(&frame);
   return heard;
}

static bool is_silent(const struct heard *heard)
{
   return heard->memory == 0 && heard->stale == 0;
}

static struct heard report_class(struct setup *x, unsigned classes)
{
   const struct vps_writes writes = {.classes = classes};
   CHECK(vps_readback_report(&x->device, &writes, NULL));
   return hear(x);
}

static struct heard report_range(struct setup *x, VkDeviceSize start, VkDeviceSize end)
{
   struct vps_writes writes = {0};
   vps_writes_add_range(&writes, &x->memory, start, end);
   CHECK(vps_readback_report(&x->device, &writes, NULL));
   vps_writes_finish(&writes);
   return hear(x);
}

static struct heard open_memory(struct setup *x, bool asked)
{
   struct vp_encoder enc;
   if (!CHECK(vp_encoder_init(&enc)))
      abort();
   CHECK(vps_readback_open(&x->memory, asked, &enc));
   vp_encoder_finish(&enc);
   x->memory.shared = x->memory.opened = true;
   x->memory.mapped = true;
   return hear(x);
}

/* One byte in the middle of each piece changes. */
static void change_all(struct setup *x, uint8_t value)
{
   for (size_t at = 100; at < SIZE; at += PIECE)
      x->memory.real[at] = value;
}

static bool has(const struct setup *x, unsigned piece, uint8_t value)
{
   return x->copy[(size_t)piece * PIECE + 100] == value;
}

/* Only what was written to is compared, whatever else has changed. */
static void test_only_what_is_written(void)
{
   struct setup x;
   struct heard heard;
   open_setup(&x, PLAIN);
   x.memory.shared = x.memory.opened = true;
   x.memory.mapped = true;

   change_all(&x, 1);
   heard = report_class(&x, 0);
   CHECK(is_silent(&heard));
   report_range(&x, PIECE + 8 * PAGE, PIECE + 9 * PAGE); /* beside the change */
   CHECK(!has(&x, 1, 1));
   report_range(&x, PIECE + 4, PIECE + 104);
   CHECK(has(&x, 1, 1) && !has(&x, 2, 1) && !has(&x, 3, 1));
   report_class(&x, VPS_WRITES_STORAGE);
   CHECK(has(&x, 2, 1) && !has(&x, 3, 1));
   report_class(&x, VPS_WRITES_IMAGE);
   CHECK(has(&x, 3, 1));
   change_all(&x, 2);
   report_class(&x, VPS_WRITES_ALL);
   CHECK(has(&x, 1, 2) && has(&x, 2, 2) && has(&x, 3, 2));
   report_range(&x, 0, SIZE); /* nothing that the GPU can write to lies there */
   CHECK(!has(&x, 0, 2) && x.copy[4 * PIECE + 99] == 0);
   CHECK(x.memory.dirty_pages == 0);
   close_setup(&x);
}

/* Memory of others is left alone. */
static void test_another_memory(void)
{
   struct vps_writes writes = {0};
   struct vps_memory other = {.size = SIZE};
   struct setup x;
   open_setup(&x, PLAIN);
   x.memory.shared = x.memory.opened = true;
   x.memory.mapped = true;
   atomic_init(&other.refs, 1);
   change_all(&x, 1);
   vps_writes_add_range(&writes, &other, 0, SIZE);
   CHECK(vps_readback_report(&x.device, &writes, NULL));
   const struct heard heard = hear(&x);
   CHECK(is_silent(&heard));
   vps_writes_finish(&writes);
   close_setup(&x);
}

/* What has changed on pages next to each other is one frame, whose last runs are the ends. */
static void test_one_frame(void)
{
   const size_t first = 2 * PIECE + 16, last = 2 * PIECE + 5 * PAGE;
   struct setup x;
   open_setup(&x, PLAIN);
   x.memory.shared = x.memory.opened = true;
   x.memory.mapped = true;
   memset(x.memory.real + first, 0x33, last + 8 - first);
   struct heard heard = report_class(&x, VPS_WRITES_STORAGE);
   CHECK(heard.memory == 1 && memcmp(x.copy + 2 * PIECE, x.memory.real + 2 * PIECE, PIECE) == 0);
   x.memory.real[first] = 1; /* a single word */
   heard = report_class(&x, VPS_WRITES_STORAGE);
   CHECK(heard.memory == 1 && x.copy[first] == 1);
   close_setup(&x);
}

struct binder {
   pthread_t thread;
   struct vps_memory *memory;
   atomic_bool stop;
};

/* Something that shaders write to comes to a memory, and a new memory without it, again and again. */
static void *binder_main(void *argument)
{
   struct binder *binder = argument;

   while (!atomic_load(&binder->stop))
      atomic_fetch_xor(&binder->memory->classes, VPS_WRITES_STORAGE);
   return NULL;
}

/* A report is not misled by what is bound to other memory while it looks at the list. */
static void test_binding_meanwhile(void)
{
   struct vps_writes writes = {.classes = VPS_WRITES_STORAGE};
   struct vps_memory other = {.size = SIZE};
   struct binder binder = {.memory = &other};
   struct setup x;
   unsigned missed = 0;
   open_setup(&x, PLAIN);
   x.memory.shared = x.memory.opened = true;
   x.memory.mapped = true;
   atomic_init(&other.refs, 1);
   other.device = &x.device;
   if (pthread_mutex_init(&other.lock, NULL) != 0)
      abort();
   other.next = &x.memory;
   x.device.mapped = &other;
   if (pthread_create(&binder.thread, NULL, binder_main, &binder) != 0)
      abort();
   for (unsigned i = 0; i < 50000; i++) {
      x.memory.real[2 * PIECE] = (uint8_t)(i + 1);
      CHECK(vps_readback_report(&x.device, &writes, NULL));
      missed += x.memory.twin[2 * PIECE] != x.memory.real[2 * PIECE];
      if (i % 100 == 99)
         hear(&x);
   }
   CHECK(missed == 0);
   binder.stop = true;
   pthread_join(binder.thread, NULL);
   pthread_mutex_destroy(&other.lock);
   close_setup(&x);
}

/* Memory that the application does not look at: told once that it is stale, brought when it is mapped again. */
static void test_stale(void)
{
   struct setup x;
   struct heard heard;
   open_setup(&x, PLAIN);
   open_memory(&x, false);
   x.memory.mapped = false;

   change_all(&x, 1);
   heard = report_class(&x, VPS_WRITES_STORAGE);
   CHECK(heard.stale == 1 && heard.memory == 0);
   heard = report_class(&x, VPS_WRITES_STORAGE);
   CHECK(is_silent(&heard));
   heard = report_range(&x, PIECE, 2 * PIECE); /* would pay alone, but not what is missing already */
   CHECK(is_silent(&heard));
   heard = open_memory(&x, false);
   CHECK(heard.stale == 0 && heard.memory >= 1 && heard.empty == 0);
   CHECK(has(&x, 1, 1) && has(&x, 2, 1) && !has(&x, 3, 1));
   heard = open_memory(&x, false);
   CHECK(is_silent(&heard));

   /* It was looked at, so the next change is sent at once; four times in vain, then no more. */
   x.memory.mapped = false;
   for (unsigned i = 0; i < 4; i++) {
      change_all(&x, (uint8_t)(10 + i));
      heard = report_class(&x, VPS_WRITES_STORAGE);
      CHECK(heard.stale == 0 && heard.memory == 1 && has(&x, 2, (uint8_t)(10 + i)));
   }
   change_all(&x, 20);
   heard = report_class(&x, VPS_WRITES_STORAGE);
   CHECK(heard.stale == 1 && heard.memory == 0);
   close_setup(&x);
}

/* Exact writes are sent though the application does not look, unless that has been in vain too often. */
static void test_ahead(void)
{
   struct setup x;
   struct heard heard;
   open_setup(&x, PLAIN);
   x.memory.shared = true;
   change_all(&x, 1);
   heard = report_range(&x, PIECE, 2 * PIECE);
   CHECK(heard.stale == 0 && heard.memory == 1 && has(&x, 1, 1));
   heard = report_range(&x, PIECE, 2 * PIECE); /* nothing has changed */
   CHECK(is_silent(&heard));

   vps_readback_close(&x.memory); /* freed, and was never mapped */
   change_all(&x, 2);
   heard = report_range(&x, PIECE, 2 * PIECE);
   CHECK(heard.stale == 1 && heard.memory == 0);
   heard = open_memory(&x, false); /* a type in which it was missed is believed in again */
   CHECK(heard.memory == 1 && has(&x, 1, 2));
   x.memory.mapped = x.memory.wanted = false;
   change_all(&x, 3);
   heard = report_range(&x, PIECE, 2 * PIECE);
   CHECK(heard.stale == 0 && heard.memory == 1 && has(&x, 1, 3));
   close_setup(&x);
}

/* The first that the client hears of a memory says that it has all of it, even if that is nothing. */
static void test_first_news(void)
{
   struct setup x;
   struct heard heard;
   open_setup(&x, CACHED);
   heard = report_class(&x, VPS_WRITES_STORAGE); /* a client without a copy has to ask anyhow */
   CHECK(is_silent(&heard) && !x.memory.shared);
   close_setup(&x);

   open_setup(&x, CACHED);
   heard = report_range(&x, PIECE, 2 * PIECE);
   CHECK(heard.memory == 1 && heard.empty == 1 && x.memory.shared);
   heard = report_range(&x, PIECE, 2 * PIECE);
   CHECK(is_silent(&heard));
   close_setup(&x);

   open_setup(&x, CACHED);
   change_all(&x, 1);
   heard = report_range(&x, PIECE, 2 * PIECE);
   CHECK(heard.memory == 1 && heard.empty == 0 && x.memory.shared && has(&x, 1, 1));
   close_setup(&x);
}

static void test_likely(void)
{
   struct setup x;
   open_setup(&x, CACHED);
   CHECK(vps_readback_is_likely(&x.memory, false));
   x.memory.type = UNIFIED;
   CHECK(!vps_readback_is_likely(&x.memory, true)); /* made for everything */
   open_memory(&x, true);
   CHECK(vps_readback_is_likely(&x.memory, true) && !vps_readback_is_likely(&x.memory, false));
   x.memory.type = PLAIN;
   CHECK(!vps_readback_is_likely(&x.memory, true));
   open_memory(&x, true);
   CHECK(vps_readback_is_likely(&x.memory, true));
   x.memory.size = (VkDeviceSize)1 << 30;
   CHECK(!vps_readback_is_likely(&x.memory, true));
   x.memory.size = SIZE;
   close_setup(&x);
}

/* --- a GPU that goes on writing --- */

#define DATA_WORDS (3 * PAGE / 8) /* of the piece that shaders write to */

struct writer {
   pthread_t thread;
   _Atomic uint64_t *data, *flag;
   atomic_bool stop;
};

/* Data, and then a flag that says which. */
static void *writer_main(void *argument)
{
   struct writer *writer = argument;

   for (uint64_t round = 1; !atomic_load(&writer->stop); round++) {
      for (size_t i = 0; i < DATA_WORDS; i++)
         atomic_store_explicit(&writer->data[i], round, memory_order_relaxed);
      atomic_store_explicit(writer->flag, round, memory_order_release);
   }
   return NULL;
}

static uint64_t load(const struct setup *x, size_t offset)
{
   uint64_t value;
   memcpy(&value, x->copy + offset, sizeof(value));
   return value;
}

/* After each frame, data is as new as the flag. */
static unsigned count_violations(struct setup *x, size_t data, size_t flag)
{
   struct vp_frame frame = {0};
   unsigned violations = 0;

   while (vp_frame_read(&VP_CHANNEL(x->client), &frame, 0) == VP_FRAME_OK) {
      CHECK(frame.header.type == VP_FRAME_MEMORY &&
            vp_delta_apply(frame.payload, frame.header.length, x->copy, x->copy_twin, SIZE));
      bool late = false;
      for (size_t i = 0; i < DATA_WORDS; i++)
         late = late || load(x, data + 8 * i) < load(x, flag);
      violations += late;
   }
   vp_frame_finish(&frame);
   return violations;
}

static void check_order(size_t data, size_t flag)
{
   static const struct vps_writes running = {.classes = VPS_WRITES_STORAGE};
   struct writer writer = {0};
   struct setup x;
   unsigned violations = 0;
   open_setup(&x, PLAIN);
   x.memory.shared = x.memory.opened = true;
   x.memory.mapped = true;
   writer.data = (_Atomic uint64_t *)(x.memory.real + data);
   writer.flag = (_Atomic uint64_t *)(x.memory.real + flag);
   if (pthread_create(&writer.thread, NULL, writer_main, &writer) != 0)
      abort();
   for (unsigned i = 0; i < 3000 || (load(&x, flag) == 0 && i < 300000); i++) {
      CHECK(vps_readback_look(&x.device, &running));
      violations += count_violations(&x, data, flag);
   }
   if (!CHECK(violations == 0 && load(&x, flag) > 0)) /* and something has come before all was over */
      fprintf(stderr, "data at %zu, flag at %zu: %u times too early, now %llu\n", data, flag, violations,
              (unsigned long long)load(&x, flag));
   atomic_store(&writer.stop, true);
   pthread_join(writer.thread, NULL);
   CHECK(vps_readback_report(&x.device, &running, NULL));
   CHECK(count_violations(&x, data, flag) == 0);
   CHECK(memcmp(x.copy + 2 * PIECE, x.memory.real + 2 * PIECE, PIECE) == 0);
   close_setup(&x);
}

/* A flag is not sent before what was written before it, wherever it lies. */
static void test_order(void)
{
   const size_t data = 2 * PIECE + 4 * PAGE;

   check_order(data, 2 * PIECE);                     /* on a page before */
   check_order(data, data + 8 * PAGE);               /* on a page behind */
   check_order(data, data - 8);                      /* right before, where another page ends */
   check_order(data + 8, data);                      /* on the same page */
   check_order(data, data + 8 * DATA_WORDS);         /* right behind */
   check_order(data - 8, data - 8 + 8 * DATA_WORDS); /* the same on one page */
}

int main(void)
{
   test_only_what_is_written();
   test_another_memory();
   test_one_frame();
   test_binding_meanwhile();
   test_stale();
   test_ahead();
   test_first_news();
   test_likely();
   test_order();
   return check_finish();
}
