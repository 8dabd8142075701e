/* SPDX-License-Identifier: MIT */
/* Every command with 0, 1, 2 and 100 elements in each array, with all chain nodes and kinds of unions, from one side's
 * encoder to the other's decoder: all bytes are read, and what arrives is what was sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"
#include "tests/unit/codec_check.h"
#include "tests/vp_visit.h"

#define LIMIT ((size_t)256 << 20)
#define COMMANDS (sizeof(vp_check_commands) / sizeof(*vp_check_commands))
/* Numbers of a request, and others that what arrives in their place is seen by. */
#define PERIOD 251
#define OTHER_PERIOD 241

_Static_assert(COMMANDS == sizeof(visit_commands) / sizeof(*visit_commands), "the tables are of the same commands");

static struct vp_arena arena;
static struct vp_encoder first, second;

static uint64_t make_handle(struct visit *w, VkObjectType type)
{
   struct vp_object *object = visit_alloc(w, 1, sizeof(*object));
   object->type = type;
   object->id = 1 + w->numbers++;
   return (uint64_t)(uintptr_t)object;
}

static void *make_call(size_t i, uint64_t n, uint32_t period, uint32_t turn)
{
   struct visit w = {
      .fill = true, .arena = &arena, .handle = make_handle, .n = n, .period = period, .turn = turn, .chains = 2};
   void *call = visit_alloc(&w, 1, vp_check_commands[i].size);
   visit_commands[i](&w, call);
   return call;
}

static uint64_t counted(size_t i, void *call)
{
   struct visit w = {.period = 1};
   visit_commands[i](&w, call);
   return w.counted;
}

static bool same_bytes(void)
{
   return !first.failed && !second.failed && vp_encoder_size(&first) == vp_encoder_size(&second) &&
          memcmp(first.start, second.start, vp_encoder_size(&first)) == 0;
}

static void failed(size_t i, const char *what, uint64_t n, const char *error)
{
   printf("%s: the %s with %llu elements: %s\n", vp_check_commands[i].name, what, (unsigned long long)n,
          error ? error : "not what was sent");
}

static void check_request(size_t i, uint64_t n, uint32_t turn)
{
   void *call = make_call(i, n, PERIOD, turn);

   vp_encoder_reset(&first);
   vp_check_commands[i].request(&first, 1, call);
   const struct codec_call read = codec_read_request(first.start, vp_encoder_size(&first), &arena);
   bool ok = read.call && counted(i, read.call) == counted(i, call);
   if (ok) {
      vp_encoder_reset(&second);
      read.command->request(&second, read.flags, read.call);
      ok = same_bytes();
   }
   if (!CHECK(ok))
      failed(i, "request", n, read.error);
}

/* A reply with n elements for somebody who has room for as many. */
static void check_reply(size_t i, uint64_t n, uint32_t turn)
{
   void *sent = make_call(i, n, PERIOD, turn);
   const struct codec_call call = {.command = &vp_check_commands[i], .call = make_call(i, n, OTHER_PERIOD, turn)};

   vp_encoder_reset(&first);
   call.command->answer(&first, sent);
   const char *error = codec_read_reply(&call, first.start, vp_encoder_size(&first), &arena);
   bool ok = !error && counted(i, call.call) == counted(i, sent);
   if (ok) {
      vp_encoder_reset(&second);
      call.command->answer(&second, call.call);
      ok = same_bytes();
   }
   if (!CHECK(ok))
      failed(i, "reply", n, error);
}

/* A reply with fewer elements than there is room for is read to its end. */
static void check_shorter_reply(size_t i, uint64_t room, uint64_t n)
{
   void *sent = make_call(i, n, PERIOD, 0);
   const struct codec_call call = {.command = &vp_check_commands[i], .call = make_call(i, room, OTHER_PERIOD, 0)};

   vp_encoder_reset(&first);
   call.command->answer(&first, sent);
   const char *error = codec_read_reply(&call, first.start, vp_encoder_size(&first), &arena);
   if (!CHECK(!error))
      failed(i, "shorter reply", n, error);
}

int main(void)
{
   static const uint64_t sizes[] = {0, 1, 2, 100};
   size_t bytes = 0;

   vp_arena_init(&arena, LIMIT);
   if (!vp_encoder_init(&first) || !vp_encoder_init(&second))
      abort();
   for (size_t i = 0; i < COMMANDS; i++) {
      for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
         for (uint32_t turn = 0; turn < 3; turn++) { /* a union has as many kinds */
            check_request(i, sizes[s], turn);
            bytes += vp_encoder_size(&first);
            vp_arena_reset(&arena);
            check_reply(i, sizes[s], turn);
            bytes += vp_encoder_size(&first);
            vp_arena_reset(&arena);
         }
         check_shorter_reply(i, 100, sizes[s]);
         vp_arena_reset(&arena);
      }
   }
   printf("%zu commands, %zu bytes\n", COMMANDS, bytes);
   CHECK(bytes > 1000000);
   vp_encoder_finish(&first);
   vp_encoder_finish(&second);
   vp_arena_finish(&arena);
   return check_finish();
}
