/* SPDX-License-Identifier: MIT */

/* Fills frames with what differs from the twin. Where there is much, threads of the pool take a part each, and one of
 * them at a time sends what all have filled. */

#include "server/memory/sending.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/memory/delta.h"
#include "common/util/pool.h"
#include "common/wire/encoder.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/memory/dirty.h"
#include "server/memory/memory.h"
#include "server/memory/stretches.h"
#include "server/memory/writes.h"

/* About so much goes into one frame: while it is on its way the next one is made, and the client takes in the one
 * before. */
#define FRAME_SIZE ((size_t)128 << 10)

/* From so many pages on several threads compare them, a part at a time: of so many parts, unless these would be very
 * small or large. */
#define SHARED_PAGES ((size_t)128)
#define PARTS 64
#define MIN_PART ((size_t)128 << 10)
#define MAX_PART ((size_t)1 << 20)

/* So many frames of several threads are being made or wait to be sent. */
#define MAX_BOXES 16u

/* A frame. */
struct box {
   struct box *next;
   struct vp_encoder enc;
};

/* What of a memory is to be compared and sent, part by part. */
struct work {
   struct vps_memory *memory;
   const struct vps_stretches *stretches; /* what lies between their ends; NULL: the marked pages */
   size_t pages;                          /* about so much it is */
   size_t part;                           /* bytes; a multiple of a page's */
   bool followed;                         /* as in the outbox */

   pthread_mutex_t lock; /* of what follows */
   size_t next;          /* stretch, or page, */
   size_t at, end;       /* after what is left of these bytes */
   unsigned frames;      /* that were sent */

   pthread_cond_t emptied; /* a box is free */
   struct box *empty, *full, **last_full;
   unsigned boxes;
   bool sending; /* somebody is */
   bool failed;
};

static bool next_pages(struct work *work)
{
   const struct vps_memory *memory = work->memory;
   const size_t count = vps_dirty_count(memory), first = vps_dirty_find(memory, work->next, count, true);

   work->next = vps_dirty_find(memory, first, count, false);
   work->at = first * VPS_PAGE;
   work->end = work->next * VPS_PAGE < memory->size ? work->next * VPS_PAGE : (size_t)memory->size;
   return first < count;
}

static bool next_stretch(struct work *work)
{
   while (work->next < work->stretches->count) {
      const struct vps_stretch *stretch = &work->stretches->list[work->next++];
      if (stretch->memory != work->memory)
         continue;
      work->at = stretch->place[0] + VPS_WORD;
      work->end = stretch->place[1];
      return true;
   }
   return false;
}

/* The next bytes that nobody looks at yet; false when that was all. Parts end where pages do, so that only the first
 * one of a stretch does not begin there. */
static bool next_part(struct work *work, size_t *position, size_t *end)
{
   bool more = true;

   pthread_mutex_lock(&work->lock);
   while (more && work->at >= work->end)
      more = work->stretches ? next_stretch(work) : next_pages(work);
   if (more) {
      const size_t page = work->at / VPS_PAGE * VPS_PAGE, most = page < work->at ? VPS_PAGE : work->part;
      *position = work->at;
      work->at = *end = work->end - page < most ? work->end : page + most;
   }
   pthread_mutex_unlock(&work->lock);
   return more;
}

/* Fills a frame with what has changed, from the position on. False when there is no more. */
static bool fill(struct work *work, struct vp_encoder *enc, size_t *position, size_t *end)
{
   const struct vps_memory *memory = work->memory;

   while (!enc->failed && vp_encoder_size(enc) < FRAME_SIZE) {
      if (*position >= *end && !next_part(work, position, end))
         return false;
      vp_delta_collect(enc, memory->real, memory->twin, *end, position, FRAME_SIZE - vp_encoder_size(enc));
   }
   return !enc->failed;
}

static void send_memory_frame(const struct vps_memory *memory, const struct vp_encoder *enc, bool is_part,
                              bool followed)
{
   vps_frame_writer_send_memory(memory->device->writer, memory->id, enc->start, vp_encoder_size(enc), is_part,
                                followed);
}

static unsigned flush_outbox(const struct vps_memory *memory, const struct vps_outbox *out, bool is_part)
{
   struct vp_encoder *enc = out->enc;
   const bool any = vp_encoder_size(enc) > 0 && !enc->failed;

   if (any)
      send_memory_frame(memory, enc, is_part, out->followed);
   enc->cur = enc->start;
   return any;
}

unsigned vps_sending_flush(const struct vps_memory *memory, const struct vps_outbox *out)
{
   return flush_outbox(memory, out, false);
}

/* Frames of different bytes need no order, but all of them come after what was said before: so the first is no part. */
static bool is_part(const struct work *work)
{
   return work->frames > 0;
}

/* --- one thread --- */

static void send_alone(struct work *work, const struct vps_outbox *out)
{
   size_t position = 0, end = 0;

   while (fill(work, out->enc, &position, &end))
      work->frames += flush_outbox(work->memory, out, is_part(work));
}

/* --- several --- */

/* Boxes that are kept, since new memory costs the kernel as much as it takes to fill it. */
static struct {
   pthread_mutex_t lock;
   struct box *first;
   unsigned count;
} spare = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct box *take_spare(void)
{
   pthread_mutex_lock(&spare.lock);
   struct box *box = spare.first;
   if (box) {
      spare.first = box->next;
      spare.count--;
   }
   pthread_mutex_unlock(&spare.lock);
   return box;
}

static void destroy_box(struct box *box)
{
   vp_encoder_finish(&box->enc);
   free(box);
}

static void give_spare(struct box *box)
{
   pthread_mutex_lock(&spare.lock);
   const bool kept = spare.count < MAX_BOXES;
   if (kept) {
      box->next = spare.first;
      spare.first = box;
      spare.count++;
   }
   pthread_mutex_unlock(&spare.lock);
   if (!kept)
      destroy_box(box);
}

/* NULL without memory. */
static struct box *make_box(void)
{
   struct box *box = malloc(sizeof(*box));

   if (box && vp_encoder_init(&box->enc))
      return box;
   free(box);
   return NULL;
}

/* With the lock; NULL without memory. */
static struct box *add_box(struct work *work)
{
   struct box *box = take_spare();

   if (!box)
      box = make_box();
   work->boxes += box != NULL;
   return box;
}

/* An empty box, as soon as there is one. NULL without memory. */
static struct box *take_box(struct work *work)
{
   pthread_mutex_lock(&work->lock);
   struct box *box = !work->empty && work->boxes < MAX_BOXES ? add_box(work) : NULL;
   while (!box && !work->empty && work->boxes > 0)
      pthread_cond_wait(&work->emptied, &work->lock);
   if (!box && work->empty) {
      box = work->empty;
      work->empty = box->next;
   }
   pthread_mutex_unlock(&work->lock);
   return box;
}

/* With the lock. */
static void empty_box(struct work *work, struct box *box)
{
   vp_encoder_reset(&box->enc);
   box->next = work->empty;
   work->empty = box;
   pthread_cond_signal(&work->emptied);
}

/* With the lock, which is released meanwhile. */
static void send_work(struct work *work)
{
   struct box *box;

   work->sending = true;
   while ((box = work->full)) {
      work->full = box->next;
      if (!work->full)
         work->last_full = &work->full;
      const bool part = is_part(work);
      work->frames++;
      pthread_mutex_unlock(&work->lock);
      send_memory_frame(work->memory, &box->enc, part, work->followed);
      pthread_mutex_lock(&work->lock);
      empty_box(work, box);
   }
   work->sending = false;
}

/* Who finds nobody sending sends, and what others bring meanwhile too: waiting for the next one to wake up would take
 * as long as sending does. */
static void bring_box(struct work *work, struct box *box)
{
   pthread_mutex_lock(&work->lock);
   work->failed = work->failed || box->enc.failed;
   if (work->failed || vp_encoder_size(&box->enc) == 0) {
      empty_box(work, box);
   } else {
      box->next = NULL;
      *work->last_full = box;
      work->last_full = &box->next;
      if (!work->sending)
         send_work(work);
   }
   pthread_mutex_unlock(&work->lock);
}

/* One of the threads. Frames of different pages may go in any order. */
static void help_sending(void *argument)
{
   struct work *work = argument;
   size_t position = 0, end = 0;
   struct box *box;

   for (bool more = true; more && (box = take_box(work));) {
      more = fill(work, &box->enc, &position, &end);
      bring_box(work, box);
   }
}

static void keep_boxes(struct work *work)
{
   struct box *box;

   while ((box = work->empty)) {
      work->empty = box->next;
      give_spare(box);
   }
}

static bool send_together(struct work *work)
{
   size_t position, end;

   if (pthread_cond_init(&work->emptied, NULL) != 0)
      return false;
   work->last_full = &work->full;
   vp_pool_run(help_sending, work);
   keep_boxes(work);
   pthread_cond_destroy(&work->emptied);
   return !work->failed && !next_part(work, &position, &end);
}

static size_t part_size(size_t pages)
{
   const size_t size = pages / PARTS * VPS_PAGE;

   return size < MIN_PART ? MIN_PART : size > MAX_PART ? MAX_PART : size;
}

static unsigned run_work(struct work *work, const struct vps_outbox *out)
{
   work->part = part_size(work->pages);
   work->followed = out->followed;
   if (pthread_mutex_init(&work->lock, NULL) != 0) {
      out->enc->failed = true;
      return 0;
   }
   if (work->pages < SHARED_PAGES)
      send_alone(work, out);
   else if (!send_together(work))
      out->enc->failed = true;
   pthread_mutex_destroy(&work->lock);
   return work->frames;
}

unsigned vps_sending_pages(struct vps_memory *memory, const struct vps_outbox *out)
{
   return run_work(&(struct work){.memory = memory, .pages = memory->dirty_pages}, out);
}

static size_t count_pages(const struct vps_memory *memory, const struct vps_stretches *stretches)
{
   size_t pages = 0;

   for (unsigned i = 0; i < stretches->count; i++) {
      const struct vps_stretch *stretch = &stretches->list[i];
      if (stretch->memory == memory)
         pages += stretch->place[1] / VPS_PAGE - stretch->place[0] / VPS_PAGE + 1;
   }
   return pages;
}

unsigned vps_sending_stretches(struct vps_memory *memory, const struct vps_stretches *stretches,
                               const struct vps_outbox *out)
{
   return run_work(&(struct work){.memory = memory, .stretches = stretches, .pages = count_pages(memory, stretches)},
                   out);
}
