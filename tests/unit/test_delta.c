/* SPDX-License-Identifier: MIT */
/* The thread sanitizer would report what this is about, a memory that is written to while it is read.
 * test: no-tsan */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory/delta.h"
#include "tests/unit/check.h"

static uint32_t random_state = 0x2545f491;

static uint32_t random_u32(void)
{
   random_state ^= random_state << 13;
   random_state ^= random_state >> 17;
   random_state ^= random_state << 5;
   return random_state;
}

/* Below n, often near a multiple of 64 or of 4096. */
static size_t random_place(size_t n)
{
   static const size_t grid[] = {1, 8, 64, 4096};
   const size_t step = grid[random_u32() % 4], at = random_u32() % (n + 1);
   const size_t place = at / step * step + random_u32() % 3;
   return place >= 1 && place - 1 < n ? place - 1 : n - 1;
}

static void *allocate(size_t size)
{
   void *memory = calloc(1, size ? size : 1);
   if (!memory)
      abort();
   return memory;
}

/* One of the two machines. */
struct side {
   uint8_t *memory, *twin;
   struct vp_encoder enc; /* what it has said last */
};

static void side_init(struct side *side, size_t size)
{
   side->memory = allocate(size);
   side->twin = allocate(size);
   if (!vp_encoder_init(&side->enc))
      abort();
}

static void side_finish(struct side *side)
{
   free(side->memory);
   free(side->twin);
   vp_encoder_finish(&side->enc);
}

static size_t collect(struct side *side, size_t size)
{
   size_t position = 0;
   vp_encoder_reset(&side->enc);
   const size_t changed = vp_delta_collect(&side->enc, side->memory, side->twin, size, &position, SIZE_MAX);
   CHECK(position == size && !side->enc.failed && vp_encoder_size(&side->enc) % 8 == 0);
   return changed;
}

/* The payload is copied to memory of its exact size, for the address sanitizer. */
static bool apply_bytes(const uint8_t *payload, size_t length, struct side *to, size_t size)
{
   uint8_t *copy = allocate(length);
   if (length)
      memcpy(copy, payload, length);
   const bool ok = vp_delta_apply(copy, length, to->memory, to->twin, size);
   free(copy);
   return ok;
}

static bool apply(const struct side *from, struct side *to, size_t size)
{
   return apply_bytes(from->enc.start, vp_encoder_size(&from->enc), to, size);
}

/* Writes to bytes that belong to this side; the model gets them too. */
static void write_some(struct side *side, unsigned who, const uint8_t *owner, uint8_t *model, size_t size)
{
   for (unsigned n = random_u32() % 8; n > 0; n--) {
      const size_t start = random_place(size), most = random_u32() % 8 ? 100 : 10000;
      const size_t length = 1 + random_u32() % most;
      for (size_t i = start; i < size && i < start + length; i++) {
         if (owner[i] == who)
            side->memory[i] = model[i] = (uint8_t)random_u32();
      }
   }
}

/* Gives ranges of all kinds to a side: whole ones, every second byte, single bytes. */
static void deal(uint8_t *owner, size_t size)
{
   for (unsigned n = random_u32() % 10; n > 0; n--) {
      const size_t start = random_place(size), length = 1 + random_u32() % 6000, step = 1 + random_u32() % 3;
      const uint8_t who = random_u32() % 2;
      for (size_t i = start; i < size && i < start + length; i += step)
         owner[i] = who;
   }
}

/* Both sides write to bytes of their own, in the same pages and words, and exchange what they have at any time. What
 * they say crosses on the way. Afterwards both have everything. */
static void test_two_writers(size_t size, unsigned rounds)
{
   struct side side[2];
   uint8_t *owner = allocate(size), *model = allocate(size);
   bool equal = true, applied = true, twins = true;
   side_init(&side[0], size);
   side_init(&side[1], size);

   for (unsigned round = 0; round < rounds; round++) {
      deal(owner, size);
      write_some(&side[0], 0, owner, model, size);
      write_some(&side[1], 1, owner, model, size);
      collect(&side[0], size);
      write_some(&side[0], 0, owner, model, size); /* goes with the next one */
      collect(&side[1], size);
      write_some(&side[1], 1, owner, model, size);
      applied = apply(&side[0], &side[1], size) && apply(&side[1], &side[0], size) && applied;
      collect(&side[0], size);
      applied = apply(&side[0], &side[1], size) && applied;
      collect(&side[1], size);
      applied = apply(&side[1], &side[0], size) && applied;
      for (unsigned i = 0; i < 2; i++) {
         equal = equal && memcmp(side[i].memory, model, size) == 0;
         twins = twins && memcmp(side[i].twin, model, size) == 0;
      }
   }
   CHECK(applied);
   CHECK(equal);
   CHECK(twins);
   CHECK(collect(&side[0], size) == 0 && vp_encoder_size(&side[0].enc) == 0);
   side_finish(&side[0]);
   side_finish(&side[1]);
   free(owner);
   free(model);
}

/* Exactly the bytes that differ are changed, whatever lies between them, and the count is theirs. */
static void test_only_what_differs(void)
{
   enum { SIZE = 3 * 4096 + 77 };
   struct side from, to;
   side_init(&from, SIZE);
   side_init(&to, SIZE);

   for (unsigned round = 0; round < 3000; round++) {
      const size_t start = random_place(SIZE), length = 1 + random_u32() % (round % 10 ? 40 : 5000);
      size_t changed = 0;
      memset(to.memory, 0xee, SIZE); /* what the other side must not touch */
      for (size_t i = start; i < SIZE && i < start + length; i++) {
         if (random_u32() % 3 == 0)
            from.memory[i] ^= 1u << random_u32() % 8;
         changed += from.memory[i] != from.twin[i];
      }
      CHECK(collect(&from, SIZE) == changed);
      CHECK(memcmp(from.memory, from.twin, SIZE) == 0);
      CHECK(apply(&from, &to, SIZE));
      size_t touched = 0, right = 0;
      for (size_t i = 0; i < SIZE; i++) {
         touched += to.memory[i] != 0xee;
         right += to.memory[i] == from.memory[i];
      }
      CHECK(touched <= changed && right >= changed);
      CHECK(memcmp(to.twin, from.twin, SIZE) == 0 && memcmp(from.twin, from.memory, SIZE) == 0);
   }
   side_finish(&from);
   side_finish(&to);
}

/* Each bit of each byte of a word makes a difference, whatever the other bytes do, and no other byte is said. */
static void test_each_bit(void)
{
   enum { SIZE = 64 };
   for (unsigned bit = 0; bit < 64; bit++) {
      for (unsigned background = 0; background < 256; background += 51) {
         struct side from, to;
         side_init(&from, SIZE);
         side_init(&to, SIZE);
         memset(from.memory, (int)background, SIZE);
         memset(from.twin, (int)background, SIZE);
         from.memory[8 + bit / 8] ^= (uint8_t)(1u << bit % 8);
         CHECK(collect(&from, SIZE) == 1);
         CHECK(apply(&from, &to, SIZE));
         for (unsigned i = 0; i < SIZE; i++)
            CHECK(to.memory[i] == (i == 8 + bit / 8 ? from.memory[i] : 0));
         side_finish(&from);
         side_finish(&to);
      }
   }
}

/* Every choice of bytes in a word, also in a last one that is not whole. */
static void test_each_mask(void)
{
   for (size_t size = 1; size <= 16; size++) {
      for (unsigned mask = 0; mask < 256; mask++) {
         struct side from, to;
         size_t changed = 0;
         side_init(&from, size);
         side_init(&to, size);
         memset(to.memory, 0xee, size);
         for (size_t i = 0; i < size; i++) {
            from.memory[i] = mask >> i % 8 & 1 ? (uint8_t)(i + 1) : 0;
            changed += from.memory[i] != 0;
         }
         CHECK(collect(&from, size) == changed);
         CHECK(apply(&from, &to, size));
         for (size_t i = 0; i < size; i++)
            CHECK(to.memory[i] == (from.memory[i] ? from.memory[i] : 0xee) && to.twin[i] == from.memory[i]);
         side_finish(&from);
         side_finish(&to);
      }
   }
}

/* A byte that the other side has changed is said when it is set back to what was said before, and to what it was in the
 * beginning. */
static void test_set_back(void)
{
   enum { SIZE = 4096 + 100, AT = 4096 + 3 };
   static const uint8_t first[] = {0, 7};
   for (size_t i = 0; i < sizeof(first); i++) {
      struct side host, gpu;
      side_init(&host, SIZE);
      side_init(&gpu, SIZE);
      host.memory[AT] = first[i];
      CHECK(collect(&host, SIZE) == (first[i] != 0) && apply(&host, &gpu, SIZE));
      for (uint8_t count = 1; count <= 100; count++) {
         gpu.memory[AT] = (uint8_t)(gpu.memory[AT] + count);
         CHECK(collect(&gpu, SIZE) == 1 && apply(&gpu, &host, SIZE));
         CHECK(collect(&host, SIZE) == 0); /* it is not said back */
         host.memory[AT] = first[i];
         CHECK(collect(&host, SIZE) == 1 && apply(&host, &gpu, SIZE));
         CHECK(gpu.memory[AT] == first[i]);
      }
      side_finish(&host);
      side_finish(&gpu);
   }
}

/* It begins where it is told to, and ends at the size. */
static void test_position(void)
{
   enum { SIZE = 5 * 4096, FIRST = 2 * 4096, END = 4 * 4096 + 10 };
   struct side side;
   size_t position = FIRST;
   side_init(&side, SIZE);
   memset(side.memory, 1, SIZE);
   CHECK(vp_delta_collect(&side.enc, side.memory, side.twin, END, &position, SIZE_MAX) == END - FIRST);
   CHECK(position == END);
   for (size_t i = 0; i < SIZE; i++)
      CHECK(side.twin[i] == (i >= FIRST && i < END));
   side_finish(&side);
}

static void test_sizes_on_the_wire(void)
{
   enum { SIZE = 1 << 20 };
   struct side side;
   side_init(&side, SIZE);

   CHECK(collect(&side, SIZE) == 0 && vp_encoder_size(&side.enc) == 0);
   side.memory[5000] = 1;
   CHECK(collect(&side, SIZE) == 1 && vp_encoder_size(&side.enc) <= 16 + 16);
   memset(side.memory + 8192, 3, 4096);
   CHECK(collect(&side, SIZE) == 4096 && vp_encoder_size(&side.enc) == 16 + 4096);
   memset(side.memory, 4, SIZE);
   CHECK(collect(&side, SIZE) == SIZE && vp_encoder_size(&side.enc) <= SIZE + SIZE / 4096 * 16);
   for (size_t i = 0; i < SIZE; i += 2)
      side.memory[i] = 5;
   CHECK(collect(&side, SIZE) == SIZE / 2 && vp_encoder_size(&side.enc) <= SIZE / 2 + SIZE / 8 + SIZE / 4096 * 16);
   for (size_t i = 0; i < 4096; i += 128)
      memset(side.memory + i, 6, 64);                                         /* what lies between is not said */
   CHECK(collect(&side, SIZE) == 2048 && vp_encoder_size(&side.enc) == 2560); /* 32 runs */

   /* New data of any kind takes hardly more than itself, though a few bytes of it happen to be the same. */
   for (size_t i = 0; i < SIZE; i++)
      side.memory[i] = (uint8_t)random_u32();
   CHECK(collect(&side, SIZE) < SIZE - SIZE / 512 && vp_encoder_size(&side.enc) <= SIZE + SIZE / 100);
   side_finish(&side);
}

/* Where nearly all has changed, what has not is left alone too. */
static void test_holes(void)
{
   enum { SIZE = 40 * 4096 };
   uint8_t *changed = allocate(SIZE);
   struct side from, to;
   side_init(&from, SIZE);
   side_init(&to, SIZE);

   for (unsigned round = 0; round < 50; round++) {
      const size_t start = random_place(SIZE), most = 1 + random_u32() % 2000;
      size_t wrong = 0;
      memset(to.memory, 0xee, SIZE);
      memset(to.twin, 0xee, SIZE);
      for (size_t i = 0; i < SIZE; i++) {
         changed[i] = i >= start && random_u32() % most != 0;
         from.memory[i] ^= changed[i] ? 0x55 : 0;
      }
      collect(&from, SIZE);
      CHECK(apply(&from, &to, SIZE));
      for (size_t i = 0; i < SIZE; i++) {
         wrong += to.memory[i] != (changed[i] ? from.memory[i] : 0xee);
      }
      CHECK(wrong == 0 && memcmp(to.memory, to.twin, SIZE) == 0);
   }
   free(changed);
   side_finish(&from);
   side_finish(&to);
}

/* Memory that is said piece by piece is the same in the end. */
static void test_limit(void)
{
   enum { SIZE = 40 * 4096 + 9 };
   struct side from, to;
   size_t position = 0, changed = 0;
   unsigned pieces = 0;
   side_init(&from, SIZE);
   side_init(&to, SIZE);

   for (size_t i = 0; i < SIZE; i++)
      from.memory[i] = (uint8_t)(random_u32() | 1);
   while (position < SIZE) {
      vp_encoder_reset(&from.enc);
      changed += vp_delta_collect(&from.enc, from.memory, from.twin, SIZE, &position, 10000);
      CHECK(vp_encoder_size(&from.enc) < 10000 + 4096 + 2 * 16);
      CHECK(apply(&from, &to, SIZE));
      pieces++;
   }
   CHECK(changed == SIZE && pieces > 10 && memcmp(from.memory, to.memory, SIZE) == 0);
   side_finish(&from);
   side_finish(&to);
}

/* --- input that is wrong --- */

static uint8_t *put_run(uint8_t *p, uint64_t offset, uint64_t length)
{
   return vp_put_u64(vp_put_u64(p, offset), length);
}

static bool try_run(uint64_t offset, uint64_t length, size_t payload, size_t size)
{
   uint8_t bytes[64 + 16] = {0};
   struct side side;
   put_run(bytes, offset, length);
   memset(bytes + 16, 0xff, payload);
   side_init(&side, size);
   const bool ok = apply_bytes(bytes, 16 + payload, &side, size);
   bool untouched = true;
   for (size_t i = 0; i < size; i++)
      untouched = untouched && side.memory[i] == 0 && side.twin[i] == 0;
   CHECK(ok || untouched);
   side_finish(&side);
   return ok;
}

static void test_bounds(void)
{
   const uint64_t masked = UINT64_C(1) << 63;

   CHECK(try_run(0, 8, 8, 8));
   CHECK(try_run(3, 5, 8, 8));
   CHECK(try_run(8, 0, 0, 8)); /* nothing, at the end */
   CHECK(!try_run(4, 5, 8, 8));
   CHECK(!try_run(9, 0, 0, 8));
   CHECK(!try_run(0, 9, 16, 8));
   CHECK(!try_run(UINT64_MAX, 1, 8, 8));
   CHECK(!try_run(UINT64_MAX - 3, 8, 8, 8)); /* the sum wraps */
   CHECK(!try_run(0, UINT64_MAX >> 1, 8, 8));
   CHECK(!try_run(0, 8, 0, 8));
   CHECK(!try_run(0, 1, 4, 8)); /* without its filler */
   CHECK(!try_run(8, 0, 4, 8)); /* something behind the last run */

   CHECK(!try_run(0, masked | 7, 0, 8));
   CHECK(!try_run(0, masked | 8, 8, 8));  /* 8 bits, 7 bytes */
   CHECK(!try_run(0, masked | 8, 12, 8)); /* without its filler */
   CHECK(try_run(0, masked | 8, 16, 8));
   CHECK(!try_run(0, masked | 7, 16, 8)); /* a bit beyond the run */
   CHECK(!try_run(1, masked | 8, 16, 8));
   CHECK(!try_run(0, masked | (UINT64_MAX >> 1), 16, 8));
   CHECK(try_run(8, masked, 0, 8));
}

/* A run of `length` bytes whose list of bytes to leave alone is given. */
static bool try_holes(uint64_t offset, uint64_t head, const uint16_t *holes, size_t count, size_t size)
{
   uint8_t bytes[16 + 8 + 8] = {0};
   struct side side;
   put_run(bytes, offset, UINT64_C(1) << 62 | head);
   memset(bytes + 16, 0xff, 8);
   memcpy(bytes + 24, holes, count * 2);
   side_init(&side, size);
   const bool ok = apply_bytes(bytes, sizeof(bytes), &side, size);
   for (size_t i = 0; i < size; i++) {
      bool left = !ok;
      for (size_t k = 0; k < count; k++)
         left = left || holes[k] == i;
      CHECK(side.memory[i] == (left ? 0 : 0xff) && side.twin[i] == side.memory[i]);
   }
   side_finish(&side);
   return ok;
}

static void test_bounds_of_holes(void)
{
   const uint64_t one = UINT64_C(1) << 32;
   const uint16_t holes[4] = {0, 3, 7, 8}, twice[2] = {3, 3}, back[2] = {3, 2};

   CHECK(try_holes(0, one | 8, holes, 1, 8));
   CHECK(try_holes(0, 3 * one | 8, holes, 3, 8));
   CHECK(!try_holes(0, 4 * one | 8, holes, 4, 8)); /* the last one is outside */
   CHECK(!try_holes(0, 2 * one | 8, twice, 2, 8));
   CHECK(!try_holes(0, 2 * one | 8, back, 2, 8));
   CHECK(!try_holes(1, 3 * one | 8, holes, 3, 8)); /* outside the memory */
   CHECK(!try_holes(UINT64_MAX, 3 * one | 8, holes, 3, 8));
   CHECK(!try_holes(0, 3 * one | 8 | UINT64_C(1) << 48, holes, 3, 8)); /* bits that mean nothing */
   CHECK(!try_holes(0, 5 * one | 8, holes, 4, 8));                     /* shorter than it should be */
   CHECK(!try_holes(0, 65535 * one | 8, holes, 4, 8));
   CHECK(!try_holes(0, 65544, holes, 0, 70000)); /* too long */
}

/* The twin is left alone where there is none. */
static void test_pieces(void)
{
   enum { SIZE = 3 * 4096 };
   static const uint8_t pieces[3] = {0, 1, 0};
   struct side from, to;
   side_init(&from, SIZE);
   side_init(&to, SIZE);

   for (unsigned round = 0; round < 3; round++) {
      for (size_t i = 100; i < SIZE - 100; i += round == 2 ? 2 : 1) /* a long run, one with holes, masks */
         from.memory[i] = round == 1 && i % 1000 == 0 ? from.twin[i] : (uint8_t)(from.twin[i] + 1);
      collect(&from, SIZE);
      CHECK(vp_delta_apply_pieces(from.enc.start, vp_encoder_size(&from.enc), to.memory, to.twin, SIZE, pieces, 4096));
      CHECK(memcmp(to.memory, from.memory, SIZE) == 0);
      CHECK(memcmp(to.twin + 4096, from.memory + 4096, 4096) == 0);
      for (size_t i = 0; i < SIZE; i++) {
         if (!pieces[i / 4096] && to.twin[i] != 0) {
            CHECK(to.twin[i] == 0);
            break;
         }
      }
   }
   side_finish(&from);
   side_finish(&to);
}

/* What comes before the fault is applied, nothing after it. */
static void test_prefix(void)
{
   uint8_t bytes[3 * 24] = {0}, *p = bytes;
   struct side side;
   side_init(&side, 24);

   p = vp_put_u64(put_run(p, 0, 8), 0x1111111111111111);
   p = vp_put_u64(put_run(p, 20, 8), 0x2222222222222222); /* beyond the end */
   vp_put_u64(put_run(p, 8, 8), 0x3333333333333333);
   CHECK(!apply_bytes(bytes, sizeof(bytes), &side, 24));
   CHECK(side.memory[7] == 0x11 && side.twin[7] == 0x11);
   for (size_t i = 8; i < 24; i++)
      CHECK(side.memory[i] == 0 && side.twin[i] == 0);
   side_finish(&side);
}

/* Of two runs for the same bytes the later one counts. */
static void test_overlap(void)
{
   uint8_t bytes[2 * 24], *p = bytes;
   struct side side;
   side_init(&side, 12);
   p = vp_put_u64(put_run(p, 0, 8), 0x1111111111111111);
   vp_put_u64(put_run(p, 4, 8), 0x2222222222222222);
   CHECK(apply_bytes(bytes, sizeof(bytes), &side, 12));
   for (size_t i = 0; i < 12; i++)
      CHECK(side.memory[i] == (i < 4 ? 0x11 : 0x22) && side.twin[i] == side.memory[i]);
   side_finish(&side);
}

/* Another sender may make longer runs than ours does. */
static void test_long_masked_run(void)
{
   enum { SIZE = 3 * 4096 + 21, MASK = (SIZE + 7) / 8, LENGTH = (16 + MASK + (SIZE + 1) / 2 + 7) / 8 * 8 };
   uint8_t *bytes = allocate(LENGTH), *p = put_run(bytes, 0, SIZE | UINT64_C(1) << 63);
   struct side side;
   side_init(&side, SIZE);
   memset(p, 0x55, MASK);
   p[MASK - 1] &= (uint8_t)((1u << SIZE % 8) - 1);
   for (size_t i = 0; i < SIZE; i += 2)
      p[MASK + i / 2] = (uint8_t)(i / 2 % 255 + 1);
   CHECK(apply_bytes(bytes, LENGTH, &side, SIZE));
   for (size_t i = 0; i < SIZE; i++)
      CHECK(side.memory[i] == (i % 2 ? 0 : (uint8_t)(i / 2 % 255 + 1)) && side.twin[i] == side.memory[i]);
   CHECK(!apply_bytes(bytes, LENGTH - 8, &side, SIZE));
   side_finish(&side);
   free(bytes);
}

/* Valid payloads cut off at every byte or with random bytes changed: either answer is right, but nothing outside the
 * memory is read or written, and both copies stay equal. */
static void test_damaged(void)
{
   enum { SIZE = 4096 + 300 };
   struct side from, to;
   unsigned accepted = 0, refused = 0;
   side_init(&from, SIZE);
   side_init(&to, SIZE);

   for (unsigned round = 0; round < 300; round++) {
      for (unsigned n = 0; n < 20; n++)
         from.memory[random_place(SIZE)] = (uint8_t)random_u32();
      if (round % 3 == 0)
         memset(from.memory + random_u32() % 4096, (int)random_u32(), 200);
      collect(&from, SIZE);
      const size_t length = vp_encoder_size(&from.enc);
      for (size_t cut = 1; cut < length; cut += 1 + random_u32() % 8) {
         const bool ok = apply_bytes(from.enc.start, cut, &to, SIZE);
         CHECK(!ok || cut % 8 == 0); /* between two runs */
         refused += !ok;
      }
      for (unsigned n = 0; length && n < 40; n++) {
         const size_t at = random_u32() % length;
         const uint8_t old = from.enc.start[at];
         from.enc.start[at] = n % 2 ? (uint8_t)random_u32() : old ^ (uint8_t)(1u << random_u32() % 8);
         const bool ok = apply(&from, &to, SIZE);
         accepted += ok;
         refused += !ok;
         if (n % 4)
            from.enc.start[at] = old;
      }
      CHECK(memcmp(to.memory, to.twin, SIZE) == 0);
   }
   CHECK(accepted > 100 && refused > 100);
   side_finish(&from);
   side_finish(&to);
}

static void test_garbage(void)
{
   uint8_t bytes[256];
   struct side side;
   side_init(&side, 1000);

   for (unsigned round = 0; round < 20000; round++) {
      const size_t length = random_u32() % sizeof(bytes);
      for (size_t i = 0; i < length; i++)
         bytes[i] = (uint8_t)random_u32();
      if (length >= 16 && round % 2) /* a header that may fit */
         put_run(bytes, random_u32() % 1010, random_u32() % 300 | (uint64_t)(random_u32() & 1) << 63);
      apply_bytes(bytes, length, &side, 1000);
   }
   CHECK(memcmp(side.memory, side.twin, 1000) == 0);
   side_finish(&side);
}

/* --- a memory that is written to meanwhile --- */

struct writer {
   pthread_t thread;
   uint8_t *memory;
   size_t size;
   atomic_bool stop;
};

static void *writer_main(void *arg)
{
   struct writer *writer = arg;
   volatile uint8_t *memory = writer->memory;
   uint32_t state = 88172645;

   while (!writer->stop) {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      memory[state % writer->size] = (uint8_t)(state >> 24);
   }
   return NULL;
}

/* A byte that is caught in the middle of it all is said again later; none is lost. */
static void test_concurrent_writer(void)
{
   enum { SIZE = 5 * 4096 };
   struct side from, to;
   struct writer writer = {.size = SIZE};
   size_t changed = 0;
   bool twins = true;
   side_init(&from, SIZE);
   side_init(&to, SIZE);
   writer.memory = from.memory;
   if (pthread_create(&writer.thread, NULL, writer_main, &writer) != 0)
      abort();

   for (unsigned round = 0; round < 2000 || changed < 10000; round++) {
      changed += collect(&from, SIZE);
      CHECK(apply(&from, &to, SIZE));
      twins = twins && memcmp(from.twin, to.memory, SIZE) == 0;
   }
   writer.stop = true;
   pthread_join(writer.thread, NULL);
   CHECK(twins);
   collect(&from, SIZE);
   CHECK(apply(&from, &to, SIZE));
   CHECK(memcmp(from.memory, to.memory, SIZE) == 0);
   side_finish(&from);
   side_finish(&to);
}

int main(void)
{
   static const size_t sizes[] = {1, 7, 8, 63, 64, 65, 4095, 4096, 4097, 8192, 3 * 4096 + 5};

   for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
      test_two_writers(sizes[i], 400);
   test_two_writers(70000, 60);
   test_only_what_differs();
   test_each_bit();
   test_each_mask();
   test_set_back();
   test_position();
   test_sizes_on_the_wire();
   test_limit();
   test_holes();
   test_bounds();
   test_bounds_of_holes();
   test_pieces();
   test_prefix();
   test_overlap();
   test_long_masked_run();
   test_damaged();
   test_garbage();
   test_concurrent_writer();
   return check_finish();
}
