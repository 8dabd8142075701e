/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory/pack.h"
#include "common/util/bytes.h"
#include "tests/unit/check.h"

static uint32_t random_state = 0x2545f491;

static uint32_t random_u32(void)
{
   random_state ^= random_state << 13;
   random_state ^= random_state >> 17;
   random_state ^= random_state << 5;
   return random_state;
}

static void *allocate(size_t size)
{
   void *memory = malloc(size ? size : 1);
   if (!memory)
      abort();
   return memory;
}

/* --- data of all kinds --- */

static void fill_zero(uint8_t *data, size_t size)
{
   memset(data, 0, size);
}

static void fill_random(uint8_t *data, size_t size)
{
   for (size_t i = 0; i < size; i++)
      data[i] = (uint8_t)(random_u32() >> 8);
}

static void fill_text(uint8_t *data, size_t size)
{
   static const char *const words[] = {"vertex ", "buffer ", "of ", "the ", "image ", "is\n", "bound ", "to "};
   for (size_t i = 0; i < size;) {
      const char *word = words[random_u32() % 8];
      for (; *word && i < size; word++)
         data[i++] = (uint8_t)*word;
   }
}

static void fill_floats(uint8_t *data, size_t size)
{
   for (size_t i = 0; i + 4 <= size; i += 4) {
      const float value = sinf((float)i / 400) * 20;
      memcpy(data + i, &value, 4);
   }
   memset(data + size / 4 * 4, 7, size % 4);
}

static void fill_indices(uint8_t *data, size_t size)
{
   for (size_t i = 0; i + 4 <= size; i += 4)
      vp_bytes_store_u32(data + i, (uint32_t)(i / 12) + random_u32() % 3);
   memset(data + size / 4 * 4, 7, size % 4);
}

static const struct {
   void (*fill)(uint8_t *data, size_t size);
   bool becomes_smaller;
} kinds[] = {
   {fill_zero, true}, {fill_random, false}, {fill_text, true}, {fill_floats, false}, {fill_indices, true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const enum vp_compression codecs[] = {VP_COMPRESS_LZ4, VP_COMPRESS_ZSTD};

/* --- packing and unpacking --- */

static void check_round_trip(struct vp_packer *packer, struct vp_unpacker *unpacker, unsigned kind, size_t size)
{
   uint8_t *data = allocate(size);
   const uint8_t *packed, *raw;
   size_t packed_size, raw_size;

   kinds[kind].fill(data, size);
   if (vp_packer_pack(packer, data, size, &packed, &packed_size)) {
      CHECK(packed_size < size);
      CHECK(vp_unpack(unpacker, packed, packed_size, &raw, &raw_size));
      CHECK(raw_size == size && memcmp(raw, data, size) == 0);
   } else {
      CHECK(!kinds[kind].becomes_smaller || size < 1000);
   }
   free(data);
}

static void test_round_trips(void)
{
   static const size_t sizes[] = {0, 1, 9, 511, 512, 1000, 4095, 65536, 1000001, VP_PACK_MAX_RAW};

   for (unsigned c = 0; c < 2; c++) {
      struct vp_packer packer;
      struct vp_unpacker unpacker = {0};
      vp_packer_init(&packer, codecs[c]);
      for (unsigned kind = 0; kind < KINDS; kind++) {
         for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            check_round_trip(&packer, &unpacker, kind, sizes[i]);
      }
      vp_packer_finish(&packer);
      vp_unpacker_finish(&unpacker);
   }
}

static void test_sent_as_it_is(void)
{
   struct vp_packer packer;
   const uint8_t *out;
   size_t out_size;
   uint8_t *data = allocate(VP_PACK_MAX_RAW + 1);

   fill_zero(data, VP_PACK_MAX_RAW + 1);
   vp_packer_init(&packer, VP_COMPRESS_ZSTD);
   CHECK(!vp_packer_pack(&packer, data, VP_PACK_MAX_RAW + 1, &out, &out_size));
   vp_packer_finish(&packer);
   vp_packer_init(&packer, VP_COMPRESS_NONE);
   CHECK(!vp_packer_pack(&packer, data, 100000, &out, &out_size));
   vp_packer_finish(&packer);
   free(data);
}

/* A packed payload on memory of its exact size, for the address sanitizer. */
static uint8_t *make_packed(enum vp_compression codec, void (*fill)(uint8_t *data, size_t size), size_t size,
                            size_t *packed_size)
{
   struct vp_packer packer;
   const uint8_t *out;
   uint8_t *data = allocate(size);

   fill(data, size);
   vp_packer_init(&packer, codec);
   if (!vp_packer_pack(&packer, data, size, &out, packed_size))
      abort();
   uint8_t *packed = allocate(*packed_size);
   memcpy(packed, out, *packed_size);
   vp_packer_finish(&packer);
   free(data);
   return packed;
}

static bool unpacks(struct vp_unpacker *unpacker, const uint8_t *data, size_t size)
{
   const uint8_t *raw;
   size_t raw_size;
   uint8_t *copy = allocate(size);

   memcpy(copy, data, size);
   const bool ok = vp_unpack(unpacker, copy, size, &raw, &raw_size);
   CHECK(!ok || (raw_size > 0 && raw_size <= VP_PACK_MAX_RAW));
   free(copy);
   return ok;
}

static void test_damaged(void)
{
   enum { RAW = 3000 };
   struct vp_unpacker unpacker = {0};
   size_t size;

   for (unsigned c = 0; c < 2; c++) {
      uint8_t *packed = make_packed(codecs[c], fill_text, RAW, &size);
      uint8_t *longer = allocate(2 * size);
      for (size_t length = 0; length < size; length++)
         CHECK(!unpacks(&unpacker, packed, length));
      for (size_t bit = 0; bit < 8 * size; bit++) {
         packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
         const bool ok = unpacks(&unpacker, packed, size);
         CHECK(!ok || bit >= 8 * (size_t)VP_PACK_HEADER_SIZE); /* the content has no check sum */
         packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
      }
      memcpy(longer, packed, size);
      memcpy(longer + size, packed + VP_PACK_HEADER_SIZE, size - VP_PACK_HEADER_SIZE);
      CHECK(!unpacks(&unpacker, longer, size + 1));
      CHECK(!unpacks(&unpacker, longer, 2 * size - VP_PACK_HEADER_SIZE));
      CHECK(unpacks(&unpacker, packed, size));
      free(longer);
      free(packed);
   }
   vp_unpacker_finish(&unpacker);
}

/* Two frames of zstd, or one and another that says nothing, are as long as they say. But they are not one. */
static void test_several_frames(void)
{
   static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
   struct vp_unpacker unpacker = {0};
   size_t size;
   uint8_t *packed = make_packed(VP_COMPRESS_ZSTD, fill_text, 3000, &size);
   uint8_t *two = allocate(2 * size);

   memcpy(two, packed, size);
   memcpy(two + size, packed + VP_PACK_HEADER_SIZE, size - VP_PACK_HEADER_SIZE);
   vp_bytes_store_u32(two + 4, 6000);
   CHECK(!unpacks(&unpacker, two, 2 * size - VP_PACK_HEADER_SIZE));
   memcpy(two, packed, size);
   memcpy(two + size, skippable, sizeof(skippable));
   CHECK(!unpacks(&unpacker, two, size + sizeof(skippable)));
   vp_unpacker_finish(&unpacker);
   free(two);
   free(packed);
}

/* What claims to be large takes no memory before it has been looked at. */
static void test_bounds(void)
{
   struct vp_unpacker unpacker = {0};
   uint8_t data[100] = {0};

   for (uint32_t codec = 0; codec < 5; codec++) {
      vp_bytes_store_u32(data, codec);
      vp_bytes_store_u32(data + 4, VP_PACK_MAX_RAW + 1);
      CHECK(!unpacks(&unpacker, data, sizeof(data)));
      vp_bytes_store_u32(data + 4, UINT32_MAX);
      CHECK(!unpacks(&unpacker, data, sizeof(data)));
      vp_bytes_store_u32(data + 4, 0);
      CHECK(!unpacks(&unpacker, data, sizeof(data)));
   }
   vp_bytes_store_u32(data + 4, 1000);
   vp_bytes_store_u32(data, 0);
   CHECK(!unpacks(&unpacker, data, sizeof(data)));
   vp_bytes_store_u32(data, 3);
   CHECK(!unpacks(&unpacker, data, sizeof(data)));
   CHECK(!unpacker.raw);
   vp_unpacker_finish(&unpacker);
}

static void test_garbage(void)
{
   struct vp_unpacker unpacker = {0};
   uint8_t data[300];

   for (unsigned round = 0; round < 20000; round++) {
      const size_t size = random_u32() % sizeof(data);
      fill_random(data, sizeof(data));
      vp_bytes_store_u32(data, 1 + round % 2);
      vp_bytes_store_u32(data + 4, random_u32() % 2000);
      unpacks(&unpacker, data, size);
   }
   vp_unpacker_finish(&unpacker);
}

static void test_names(void)
{
   static const char *const wrong[] = {NULL, "", "LZ4", "gzip", "autox"};
   enum vp_compression mode;

   for (unsigned i = VP_COMPRESS_AUTO; i <= VP_COMPRESS_ZSTD; i++)
      CHECK(vp_compression_parse(vp_compression_name(i), &mode) && mode == i);
   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
      CHECK(!vp_compression_parse(wrong[i], &mode) && mode == VP_COMPRESS_ZSTD);
}

/* --- the decision, on a simulated link --- */

/* Speeds in GB/s, and raw / packed size, as measured on one core of a server. */
struct data_kind {
   double lz4_speed, lz4_ratio, zstd_speed, zstd_ratio;
};
static const struct data_kind random_data = {6.4, 1, 2.5, 1};
static const struct data_kind index_data = {0.48, 1.6, 0.22, 2.29};
static const struct data_kind uniform_data = {1.9, 4.6, 1.0, 5.5};

#define MIB ((size_t)1 << 20)

struct simulation {
   struct vp_pack_policy policy;
   double now_ns, link;
   double buffer_size, buffered; /* bytes, as of now */
   size_t payloads[VP_CODECS];   /* how many were sent in which way */
   size_t samples;
};

static void simulation_init(struct simulation *s, double link)
{
   *s = (struct simulation){.link = link, .buffer_size = 400000};
   vp_pack_policy_init(&s->policy, 0);
}

static void simulate_time(struct simulation *s, double ns)
{
   s->now_ns += ns;
   s->buffered = fmax(0, s->buffered - ns * s->link);
}

static void simulate_send(struct simulation *s, double bytes)
{
   simulate_time(s, bytes / 6); /* copying */
   s->buffered += bytes;
   const double blocked_ns = fmax(0, s->buffered - s->buffer_size) / s->link;
   simulate_time(s, blocked_ns);
   vp_pack_policy_sent(&s->policy, (size_t)bytes, (uint64_t)blocked_ns, (int64_t)s->now_ns);
}

/* The packed size. */
static double simulate_codec(struct simulation *s, const struct data_kind *kind, enum vp_codec codec, double size)
{
   const double speed = codec == VP_CODEC_LZ4 ? kind->lz4_speed : kind->zstd_speed,
                ratio = codec == VP_CODEC_LZ4 ? kind->lz4_ratio : kind->zstd_ratio, ns = size / speed;
   simulate_time(s, ns);
   vp_pack_policy_measured(&s->policy, codec, (size_t)size, (size_t)(size / ratio), (uint64_t)ns);
   return size / ratio;
}

static void simulate_payload(struct simulation *s, const struct data_kind *kind, size_t size)
{
   double left = (double)size;

   if (vp_pack_policy_wants_sample(&s->policy, size)) {
      s->samples++;
      simulate_codec(s, kind, VP_CODEC_LZ4, 16384);
      simulate_codec(s, kind, VP_CODEC_ZSTD, 16384);
   }
   const enum vp_codec codec = vp_pack_policy_choose(&s->policy);
   s->payloads[codec]++;
   if (codec != VP_CODEC_NONE)
      left = simulate_codec(s, kind, codec, left);
   simulate_send(s, left);
}

static void simulate(struct simulation *s, const struct data_kind *kind, unsigned payloads)
{
   memset(s->payloads, 0, sizeof(s->payloads));
   s->samples = 0;
   for (unsigned i = 0; i < payloads; i++)
      simulate_payload(s, kind, MIB);
}

/* Which way most of 200 payloads went; that nearly all of them went the same way is checked. */
static enum vp_codec chosen(double link, const struct data_kind *kind)
{
   struct simulation s;
   enum vp_codec best = VP_CODEC_NONE;

   simulation_init(&s, link);
   simulate(&s, kind, 200);
   for (enum vp_codec codec = VP_CODEC_NONE; codec < VP_CODECS; codec++) {
      if (s.payloads[codec] > s.payloads[best])
         best = codec;
   }
   CHECK(s.payloads[best] >= 180);
   return best;
}

static void test_choice(void)
{
   CHECK(chosen(0.0125, &index_data) == VP_CODEC_ZSTD); /* 100 Mbit/s */
   CHECK(chosen(0.0125, &uniform_data) == VP_CODEC_ZSTD);
   CHECK(chosen(0.0125, &random_data) == VP_CODEC_NONE);
   CHECK(chosen(0.125, &uniform_data) == VP_CODEC_ZSTD);
   CHECK(chosen(0.125, &random_data) == VP_CODEC_NONE);
   CHECK(chosen(0.3, &index_data) == VP_CODEC_LZ4);
   CHECK(chosen(0.45, &index_data) == VP_CODEC_NONE); /* neither codec is faster than the link */
   CHECK(chosen(0.45, &uniform_data) == VP_CODEC_LZ4);
   CHECK(chosen(1.25, &index_data) == VP_CODEC_NONE); /* 10 Gbit/s */
   CHECK(chosen(1.25, &uniform_data) == VP_CODEC_NONE);
   CHECK(chosen(5, &uniform_data) == VP_CODEC_NONE);
}

static void test_link_speed_is_found(void)
{
   static const double links[] = {0.001, 0.0125, 0.125, 0.5, 1.25};
   struct simulation s;

   for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
      simulation_init(&s, links[i]);
      CHECK(isinf(s.policy.link));
      simulate(&s, &random_data, 20);
      CHECK(s.policy.link > 0.9 * links[i] && s.policy.link < 1.3 * links[i]);
   }
}

/* Data that does not become smaller is hardly looked at; when it changes, that is noticed all the same. */
static void test_data_changes(void)
{
   struct simulation s;

   simulation_init(&s, 0.125);
   simulate(&s, &random_data, 500);
   CHECK(s.samples < 40 && s.payloads[VP_CODEC_NONE] == 500);
   simulate(&s, &uniform_data, 100);
   CHECK(s.payloads[VP_CODEC_NONE] < 20);
   simulate(&s, &random_data, 100);
   CHECK(s.payloads[VP_CODEC_NONE] > 95);
   simulate(&s, &index_data, 100);
   CHECK(s.payloads[VP_CODEC_NONE] < 20);
}

static void test_link_changes(void)
{
   struct simulation s;

   simulation_init(&s, 5);
   simulate(&s, &uniform_data, 100);
   CHECK(s.payloads[VP_CODEC_NONE] == 100 && s.samples == 0);
   s.link = 0.0125;
   simulate(&s, &uniform_data, 100);
   CHECK(s.payloads[VP_CODEC_NONE] < 10);
   s.link = 5;
   simulate(&s, &uniform_data, 1000); /* compressed, it no longer fills the link, which is believed faster and faster */
   simulate(&s, &uniform_data, 100);
   CHECK(s.payloads[VP_CODEC_NONE] == 100);
}

/* Pauses between the payloads, in which the link is idle, do not make it look slow or fast. */
static void test_pauses(void)
{
   struct simulation s;

   simulation_init(&s, 0.125);
   for (unsigned i = 0; i < 200; i++) {
      simulate_payload(&s, &uniform_data, 2 * MIB);
      simulate_time(&s, 50e6);
   }
   CHECK(s.payloads[VP_CODEC_NONE] < 20);
   simulation_init(&s, 1.25);
   for (unsigned i = 0; i < 200; i++) {
      simulate_payload(&s, &uniform_data, 2 * MIB);
      simulate_time(&s, 50e6);
   }
   CHECK(s.payloads[VP_CODEC_NONE] == 200);
}

/* The whole packer: nothing is packed before the link has made it wait, and then what is worth it. */
static void test_automatic(void)
{
   struct vp_packer packer;
   const uint8_t *out;
   size_t out_size;
   uint8_t *data = allocate(MIB);

   vp_packer_init(&packer, VP_COMPRESS_AUTO);
   fill_text(data, MIB);
   CHECK(!vp_packer_pack(&packer, data, MIB, &out, &out_size));
   for (unsigned i = 0; i < 20; i++)
      vp_packer_sent(&packer, MIB, 1000000000); /* 1 MiB/s */
   CHECK(vp_packer_pack(&packer, data, MIB, &out, &out_size) && out_size < MIB / 2);
   fill_random(data, MIB);
   CHECK(!vp_packer_pack(&packer, data, MIB, &out, &out_size));
   vp_packer_finish(&packer);
   free(data);
}

int main(void)
{
   test_round_trips();
   test_sent_as_it_is();
   test_damaged();
   test_several_frames();
   test_bounds();
   test_garbage();
   test_names();
   test_choice();
   test_link_speed_is_found();
   test_data_changes();
   test_link_changes();
   test_pauses();
   test_automatic();
   return check_finish();
}
