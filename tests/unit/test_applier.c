/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/applier.h"
#include "client/mapping/mapping.h"
#include "common/memory/delta.h"
#include "common/util/cores.h"
#include "tests/unit/check.h"

/* Frames that another thread takes in, or the one that has read them. */

#define COUNT 20000u

struct seen {
   unsigned count, wrong;
   unsigned fails_at, sleeps_at; /* number of a frame; UINT32_MAX: none */
};

/* The tag is the frame's number, and so is its payload. */
static bool see(void *context, struct vp_mapping *mapping, const struct vp_frame *frame)
{
   struct seen *seen = context;
   uint32_t number;

   memcpy(&number, frame->payload, sizeof(number));
   seen->wrong += mapping || frame->header.tag != seen->count || number != seen->count;
   if (seen->count == seen->sleeps_at)
      usleep(20000);
   return seen->count++ != seen->fails_at;
}

static void fill(struct vp_frame *frame, uint32_t number)
{
   if (!frame->payload)
      frame->payload = malloc(4);
   if (!frame->payload)
      abort();
   frame->header.tag = number;
   memcpy(frame->payload, &number, sizeof(number));
}

static void test_order(unsigned cores)
{
   struct seen seen = {.fails_at = UINT32_MAX, .sleeps_at = 100};
   struct vp_frame frame = {0};
   struct vp_applier applier;
   unsigned early = 0;

   vp_cores_assume(cores);
   vp_applier_start(&applier, see, &seen);
   CHECK(vp_applier_wait(&applier)); /* for nothing */
   for (uint32_t i = 0; i < COUNT; i++) {
      fill(&frame, i);
      if (!CHECK(vp_applier_give(&applier, NULL, &frame, i % 5 > 1)))
         break;
      if (i % 7 && i != 100)
         continue;
      CHECK(vp_applier_wait(&applier));
      early += seen.count != i + 1;
   }
   vp_applier_stop(&applier); /* what was given is taken in before */
   CHECK(seen.count == COUNT && seen.wrong == 0 && early == 0);
   vp_frame_finish(&frame);
}

/* One that makes no sense is told, and no others are taken in after it. */
static void test_nonsense(unsigned cores)
{
   struct seen seen = {.fails_at = 5, .sleeps_at = 3};
   struct vp_frame frame = {0};
   struct vp_applier applier;
   bool ok = true;

   vp_cores_assume(cores);
   vp_applier_start(&applier, see, &seen);
   for (uint32_t i = 0; i < 100; i++) {
      fill(&frame, i);
      ok = vp_applier_give(&applier, NULL, &frame, true) && ok;
   }
   CHECK(!ok && !vp_applier_wait(&applier) && seen.count == 6);
   vp_applier_stop(&applier);
   vp_frame_finish(&frame);
}

#define SIZE ((size_t)1 << 20)

static bool apply(void *context, struct vp_mapping *mapping, const struct vp_frame *frame)
{
   (void)context;
   return vp_mapping_apply(mapping, frame->payload, frame->header.length);
}

/* A frame with all of a memory, and one more byte that differs. */
static void make_frame(struct vp_frame *frame, uint8_t *memory, uint8_t *twin, unsigned round)
{
   struct vp_encoder enc;
   size_t position = 0;

   memset(memory, (int)round, SIZE / 2);
   memory[SIZE - 1 - round] = 1;
   if (!vp_encoder_init(&enc))
      abort();
   vp_delta_collect(&enc, memory, twin, SIZE, &position, SIZE_MAX);
   vp_frame_finish(frame);
   frame->header.length = (uint32_t)vp_encoder_size(&enc);
   frame->payload = enc.start;
}

/* Memory that is freed before its frames are taken in. */
static void test_mapping(void)
{
   uint8_t *memory = calloc(1, SIZE), *twin = calloc(1, SIZE);
   struct vp_mapping *mapping = vp_mapping_create(1, SIZE);
   struct vp_frame frame = {0};
   struct vp_applier applier;

   if (!memory || !twin || !mapping)
      abort();
   vp_cores_assume(VP_MIN_CORES_TO_SHARE);
   vp_applier_start(&applier, apply, NULL);
   for (unsigned round = 1; round < 20; round++) {
      make_frame(&frame, memory, twin, round);
      CHECK(vp_applier_give(&applier, vp_mapping_ref(mapping), &frame, true));
   }
   CHECK(vp_applier_wait(&applier));
   CHECK(memcmp(vp_mapping_pointer(mapping), memory, SIZE) == 0);
   for (unsigned round = 20; round < 40; round++) {
      make_frame(&frame, memory, twin, round);
      CHECK(vp_applier_give(&applier, vp_mapping_ref(mapping), &frame, true));
   }
   vp_mapping_close(mapping);
   vp_mapping_unref(mapping);
   CHECK(vp_applier_wait(&applier));
   vp_applier_stop(&applier);
   vp_frame_finish(&frame);
   free(memory);
   free(twin);
}

int main(void)
{
   test_order(1);
   test_order(VP_MIN_CORES_TO_SHARE);
   test_nonsense(1);
   test_nonsense(VP_MIN_CORES_TO_SHARE);
   test_mapping();
   return check_finish();
}
