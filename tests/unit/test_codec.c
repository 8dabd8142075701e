/* SPDX-License-Identifier: MIT */
/* Both codecs against input that is damaged in every way, made from the golden vectors. What is accepted must be
 * whole: it is written again, which reads all of it, and that must be read and written to the same bytes.
 * test: timeout=300 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"
#include "tests/unit/codec_check.h"
#include "tests/unit/golden.h"

/* A damaged count must not get more than this. */
#define LIMIT ((size_t)1 << 20)
#define MUTATIONS 150

static struct vp_arena arena;
static struct vp_encoder first, second;
static unsigned accepted, refused;

static uint32_t random_state = 0x9d2c5680;

static uint32_t random_u32(void)
{
   random_state ^= random_state << 13;
   random_state ^= random_state >> 17;
   random_state ^= random_state << 5;
   return random_state;
}

static struct golden_bytes copy_bytes(const void *data, size_t size)
{
   struct golden_bytes copy = {.data = malloc(size ? size : 1), .size = size};
   if (!copy.data)
      abort();
   if (size)
      memcpy(copy.data, data, size);
   return copy;
}

static bool same(const struct vp_encoder *a, const struct vp_encoder *b)
{
   return !a->failed && !b->failed && vp_encoder_size(a) == vp_encoder_size(b) &&
          memcmp(a->start, b->start, vp_encoder_size(a)) == 0;
}

/* Gives the request to the server. When it is accepted it is written, read and written once more. */
static bool try_request(const char *name, const struct golden_bytes *request)
{
   const struct codec_call call = codec_read_request(request->data, request->size, &arena);
   bool ok = call.call != NULL;

   if (ok) {
      vp_encoder_reset(&first);
      call.command->request(&first, call.flags, call.call);
      const struct golden_bytes written = copy_bytes(first.start, vp_encoder_size(&first));
      const struct codec_call again = codec_read_request(written.data, written.size, &arena);
      if (!again.call)
         printf("%s: what was written again is refused: %s\n", name, again.error);
      if (CHECK(again.call)) {
         vp_encoder_reset(&second);
         again.command->request(&second, again.flags, again.call);
         if (!CHECK(same(&first, &second)))
            printf("%s: the request changes when it is written again\n", name);
      }
      free(written.data);
   }
   CHECK(arena.used <= LIMIT);
   vp_arena_reset(&arena);
   accepted += ok;
   refused += !ok;
   return ok;
}

/* Gives the reply to the client that has sent the request. When it is accepted the outputs are written as a reply. */
static bool try_reply(const char *name, const struct golden_bytes *request, const struct golden_bytes *reply)
{
   const struct codec_call call = codec_read_request(request->data, request->size, &arena);
   if (!CHECK(call.call))
      return false;
   const bool ok = !codec_read_reply(&call, reply->data, reply->size, &arena);

   if (ok) {
      vp_encoder_reset(&first);
      call.command->answer(&first, call.call);
      const struct golden_bytes written = copy_bytes(first.start, vp_encoder_size(&first));
      const struct codec_call again = codec_read_request(request->data, request->size, &arena);
      const char *error = codec_read_reply(&again, written.data, written.size, &arena);
      if (error)
         printf("%s: the reply that was written again is refused: %s\n", name, error);
      if (CHECK(!error)) {
         vp_encoder_reset(&second);
         again.command->answer(&second, again.call);
         if (!CHECK(same(&first, &second)))
            printf("%s: the reply changes when it is written again\n", name);
      }
      free(written.data);
   }
   CHECK(arena.used <= LIMIT);
   vp_arena_reset(&arena);
   accepted += ok;
   refused += !ok;
   return ok;
}

/* A request, or a reply to it. */
static bool try_either(const char *name, const struct golden_bytes *request, const struct golden_bytes *reply)
{
   return reply ? try_reply(name, request, reply) : try_request(name, request);
}

/* One or a few changes of the kinds that decoders get wrong. */
static void damage(struct golden_bytes *bytes)
{
   static const uint32_t values[] = {0,          1,          2,       3,          0x7fffffff, 0x80000000,
                                     0xffffffff, 0xfffffffe, 0x10000, 0x40000000, 255,        64};

   for (unsigned n = 1 + random_u32() % 3; bytes->size && n > 0; n--) {
      const size_t word = random_u32() % (bytes->size / 4) * 4;
      switch (random_u32() % 4) {
      case 0:
         bytes->data[random_u32() % bytes->size] ^= (uint8_t)(1u << random_u32() % 8);
         break;
      case 1:
         bytes->data[random_u32() % bytes->size] = (uint8_t)random_u32();
         break;
      case 2:
         memcpy(bytes->data + word, &values[random_u32() % (sizeof(values) / 4)], 4);
         break;
      default: /* a word from elsewhere */
         memcpy(bytes->data + word, bytes->data + random_u32() % (bytes->size / 4) * 4, 4);
         break;
      }
   }
}

/* The original, every beginning of it, longer ones, and damaged ones. `given` is the reply, or the request. */
static void try_all(const char *name, const struct golden_bytes *request, const struct golden_bytes *given,
                    bool is_reply)
{
   if (!CHECK(try_either(name, request, is_reply ? given : NULL))) {
      printf("%s: the %s is refused\n", name, is_reply ? "reply" : "request");
      return;
   }
   for (size_t size = 0; size <= given->size + 4; size += 4) {
      struct golden_bytes cut = copy_bytes(given->data, size < given->size ? size : given->size);
      if (size > given->size) {
         cut.data = realloc(cut.data, size);
         if (!cut.data)
            abort();
         memset(cut.data + given->size, 0, 4);
         cut.size = size;
      }
      if (size != given->size && !CHECK(!try_either(name, is_reply ? request : &cut, is_reply ? &cut : NULL)))
         printf("%s: %zu bytes of %zu are accepted\n", name, size, given->size);
      free(cut.data);
   }
   for (unsigned i = 0; i < MUTATIONS; i++) {
      struct golden_bytes bad = copy_bytes(given->data, given->size);
      damage(&bad);
      if (random_u32() % 8 == 0)
         bad.size -= random_u32() % (bad.size / 4 + 1) * 4;
      struct golden_bytes exact = copy_bytes(bad.data, bad.size);
      try_either(name, is_reply ? request : &exact, is_reply ? &exact : NULL);
      free(bad.data);
      free(exact.data);
   }
}

static void test_golden_vectors(void)
{
   struct golden_list golden = golden_load(VK_API_VERSION_MINOR(VP_API_VERSION));

   for (size_t i = 0; i < golden.count; i++) {
      const struct golden_vector *vector = &golden.vectors[i];
      try_all(vector->name, &vector->request, &vector->request, false);
      if (vector->reply.data)
         try_all(vector->name, &vector->request, &vector->reply, true);
   }
   CHECK(golden.count > 300);
   printf("%zu golden vectors; %u inputs were accepted, %u refused\n", golden.count, accepted, refused);
   CHECK(accepted > golden.count && refused > golden.count);
   golden_free(&golden);
}

/* --- every command --- */

/* Messages of zeros after the number, of every size: at most one is right. `request` is for a reply. */
static struct golden_bytes find_zeros(const struct vp_check_command *command, const struct golden_bytes *request)
{
   struct golden_bytes found = {0};

   for (size_t size = 4; size < 600 && !found.data; size += 4) {
      struct golden_bytes zeros = {.data = calloc(1, size), .size = size};
      if (!zeros.data)
         abort();
      memcpy(zeros.data, &command->number, 4);
      if (try_either(command->name, request ? request : &zeros, request ? &zeros : NULL))
         found = zeros;
      else
         free(zeros.data);
   }
   return found;
}

/* Every command that can be without any pointer, and its reply, with any damage. */
static void test_zeros(void)
{
   const size_t count = sizeof(vp_check_commands) / sizeof(*vp_check_commands);
   unsigned requests = 0, replies = 0;

   accepted = refused = 0;
   for (size_t i = 0; i < count; i++) {
      const struct vp_check_command *command = &vp_check_commands[i];
      const struct golden_bytes request = find_zeros(command, NULL);
      if (!request.data)
         continue;
      requests++;
      try_all(command->name, &request, &request, false);
      const struct golden_bytes reply = find_zeros(command, &request);
      if (reply.data)
         try_all(command->name, &request, &reply, true);
      replies += reply.data != NULL;
      free(reply.data);
      free(request.data);
   }
   printf("%u of %zu commands and %u replies can be zero; %u inputs were accepted, %u refused\n", requests, count,
          replies, accepted, refused);
   CHECK(requests > count / 4 && replies > count / 4);
}

/* Words that are mostly small: counts of one, flags, ids, and structures whose type comes from a vector. */
static void test_garbage(void)
{
   accepted = refused = 0;
   for (unsigned round = 0; round < 40000; round++) {
      uint32_t words[40];
      const size_t length = 2 + random_u32() % 38;
      for (size_t i = 0; i < length; i++)
         words[i] = random_u32() % 4 ? random_u32() % 3 : random_u32();
      words[0] = vp_check_commands[random_u32() % (sizeof(vp_check_commands) / sizeof(*vp_check_commands))].number;
      const struct golden_bytes request = copy_bytes(words, length * 4);
      try_request("garbage", &request);
      free(request.data);
   }
   CHECK(refused > 30000);
}

int main(void)
{
   vp_arena_init(&arena, LIMIT);
   if (!vp_encoder_init(&first) || !vp_encoder_init(&second))
      abort();
   test_golden_vectors();
   test_zeros();
   test_garbage();
   vp_encoder_finish(&first);
   vp_encoder_finish(&second);
   vp_arena_finish(&arena);
   return check_finish();
}
