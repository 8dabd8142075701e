/* SPDX-License-Identifier: MIT */

/* Which pages are sent: the tracker watches chunks of 2 MiB from their first data on, pages that were written to are
 * compared with the twin in each look until they are quiet, and chunks that stay untouched are put to rest. */

#include "client/mapping/mapping.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "client/mapping/fork.h"
#include "client/mapping/imported.h"
#include "client/mapping/in_flight.h"
#include "client/mapping/pages.h"
#include "client/mapping/pins.h"
#include "client/mapping/tracker.h"
#include "client/mapping/watch.h"
#include "common/memory/delta.h"
#include "common/util/clock.h"
#include "common/util/pool.h"

/* Fresh memory is watched in chunks, when the first of a chunk is sent: what is written once and never again costs no
 * fault. */
#define CHUNK_SIZE VP_TABLE_SIZE
#define CHUNK_PAGES (CHUNK_SIZE / VP_PAGE_SIZE)
#define WORDS (CHUNK_PAGES / 64)

/* A page that was written to is open: it is compared in each flush, which costs less than another fault, until it
 * has not changed in so many flushes and for so long. The time is for other processes' process_vm_writev(): the kernel
 * notes that write a little before it happens. What takes longer is asked about: pins.h, in_flight.h. */
#define QUIET_FLUSHES 2
#define QUIET_NS INT64_C(5000000)

/* Memory of which up to so many chunks do not rest is asked about by who submits, which takes less than to have the
 * sender do it. */
#define QUICK_CHUNKS ((size_t)2)

/* Looking at a chunk takes a microsecond, and whoever waits for a submission waits for it. So a chunk that was not
 * written to in so many looks is put to rest: the tracker forgets its pages until they are used. That costs some
 * hundred looks, so whoever is woken is left awake twice as long. */
#define PATIENCE 512u
#define UNSURE_NS (20 * QUIET_NS)
#define MAX_WAKES 11

/* So many go to rest at once, since until they may not be compared any more a look takes as long for few as for many:
 * with more of them a look would take milliseconds. */
#define RUN_CHUNKS ((size_t)16)

/* Imported memory is copied before it is compared, so many pages at a time. */
#define WINDOW_PAGES (VP_IMPORTED_BUFFER / VP_PAGE_SIZE)

struct chunk {
   bool armed;                 /* all of it has been, once */
   bool resting;               /* the tracker knows nothing of it but whether it was used */
   unsigned quiet, wakes;      /* looks without a write; how often it was woken */
   uint64_t candidates[WORDS]; /* pages to be compared */
   uint64_t open[WORDS];       /* pages that are compared in each flush */
   uint64_t closing[WORDS];    /* open pages that are armed again, and were not written to since */
};

#define NO_CHUNK SIZE_MAX

struct vp_mapping {
   uint64_t id;
   atomic_uint refs;
   size_t size;
   struct vp_pages pages;
   struct vp_mapping_fork fork;
   struct vp_pages window; /* beside imported memory: a copy of some pages */

   pthread_mutex_t apply_lock; /* of this: what the server has changed is taken in by several threads at once */
   pthread_cond_t applied;
   unsigned applying;

   pthread_mutex_t lock; /* of what follows: pages and twin change together; see lock_quiet() */
   uint8_t *twin;
   struct chunk *chunks;
   size_t chunk_count;
   uint8_t *changed;                /* by page, for open ones: the flush in which it changed last */
   uint8_t flush;                   /* counts, and begins again */
   int64_t flush_ns[UINT8_MAX + 1]; /* when they were */
   size_t cursor;                   /* the first page that may be a candidate */
   size_t unsure, unsure_end;       /* chunks that rest since `unsure_ns` and are still compared; or NO_CHUNK */
   int64_t unsure_ns;
   size_t window_first, window_end; /* the pages that are in the window: see read_page() */
   struct vp_watch watch;
   atomic_bool writable, maybe_changed, stale, closed; /* changed with the lock */
   _Atomic uint64_t place;
   uint64_t batch; /* the stream's */
};

/* --- life --- */

/* One page more: with a distance of a power of two, bytes of memory and twin would fight for the same lines of the
 * processor's cache. */
static size_t twin_size(const struct vp_mapping *mapping)
{
   return mapping->pages.size + VP_PAGE_SIZE;
}

static void finish(struct vp_mapping *mapping)
{
   if (mapping->pages.view) {
      vp_mapping_fork_remove(&mapping->fork);
      vp_watch_stop(&mapping->watch);
      vp_private_pages_destroy(mapping->twin, twin_size(mapping));
      vp_private_pages_destroy(mapping->changed, mapping->pages.size / VP_PAGE_SIZE);
   }
   vp_pages_destroy(&mapping->window);
   free(mapping->chunks);
   vp_pages_destroy(&mapping->pages);
   pthread_mutex_destroy(&mapping->lock);
   pthread_cond_destroy(&mapping->applied);
   pthread_mutex_destroy(&mapping->apply_lock);
   free(mapping);
}

void vp_mapping_prepare(void)
{
   vp_pages_prepare();
   vp_pins_prepare();
   vp_in_flight_prepare();
   vp_tracker_get();
}

static struct vp_mapping *create_mapping(uint64_t id, size_t size, void *import)
{
   vp_mapping_prepare();
   struct vp_mapping *mapping = calloc(1, sizeof(*mapping));
   if (!mapping)
      return NULL;
   pthread_mutex_init(&mapping->lock, NULL);
   pthread_mutex_init(&mapping->apply_lock, NULL);
   pthread_cond_init(&mapping->applied, NULL);
   atomic_init(&mapping->refs, 1);
   atomic_init(&mapping->place, VP_NO_PLACE);
   mapping->id = id;
   mapping->size = size;
   mapping->unsure = NO_CHUNK;
   if (import)
      vp_pages_import(&mapping->pages, import, size);
   else if (!vp_pages_create(&mapping->pages, size))
      goto fail;
   vp_mapping_fork_add(&mapping->fork, &mapping->pages);
   mapping->chunk_count = (mapping->pages.size + CHUNK_SIZE - 1) / CHUNK_SIZE;
   mapping->chunks = calloc(mapping->chunk_count, sizeof(*mapping->chunks));
   mapping->twin = vp_private_pages_create(twin_size(mapping));
   mapping->changed = vp_private_pages_create(mapping->pages.size / VP_PAGE_SIZE);
   if (!mapping->chunks || !mapping->twin || !mapping->changed ||
       (import && !vp_pages_create(&mapping->window, VP_IMPORTED_BUFFER)))
      goto fail;
   vp_watch_start(&mapping->watch, vp_tracker_get(), &mapping->pages);
   return mapping;
fail:
   finish(mapping);
   return NULL;
}

struct vp_mapping *vp_mapping_create(uint64_t id, size_t size)
{
   return create_mapping(id, size, NULL);
}

struct vp_mapping *vp_mapping_import(uint64_t id, void *memory, size_t size)
{
   return create_mapping(id, size, memory);
}

struct vp_mapping *vp_mapping_ref(struct vp_mapping *mapping)
{
   atomic_fetch_add(&mapping->refs, 1);
   return mapping;
}

void vp_mapping_unref(struct vp_mapping *mapping)
{
   if (mapping && atomic_fetch_sub(&mapping->refs, 1) == 1)
      finish(mapping);
}

uint64_t vp_mapping_id(const struct vp_mapping *mapping)
{
   return mapping->id;
}

uint8_t *vp_mapping_pointer(const struct vp_mapping *mapping)
{
   return mapping->pages.view;
}

/* Nothing is armed at the new place, so all that was ever written is compared once. */
bool vp_mapping_move(struct vp_mapping *mapping, void *address, bool reserve)
{
   pthread_mutex_lock(&mapping->lock);
   vp_mapping_fork_remove(&mapping->fork);
   vp_watch_stop(&mapping->watch);
   const bool ok = vp_pages_move_view(&mapping->pages, address, reserve);
   vp_watch_start(&mapping->watch, vp_tracker_get(), &mapping->pages);
   mapping->unsure = NO_CHUNK;
   for (size_t i = 0; i < mapping->chunk_count; i++) {
      mapping->chunks[i].armed = mapping->chunks[i].resting = false;
      memset(mapping->chunks[i].open, 0, sizeof(mapping->chunks[i].open));
      memset(mapping->chunks[i].closing, 0, sizeof(mapping->chunks[i].closing));
   }
   vp_mapping_fork_add(&mapping->fork, &mapping->pages);
   pthread_mutex_unlock(&mapping->lock);
   return ok;
}

void vp_mapping_set_writable(struct vp_mapping *mapping, bool writable)
{
   pthread_mutex_lock(&mapping->lock);
   mapping->writable = writable;
   if (writable)
      mapping->maybe_changed = true;
   pthread_mutex_unlock(&mapping->lock);
}

bool vp_mapping_is_writable(struct vp_mapping *mapping)
{
   return mapping->writable;
}

bool vp_mapping_set_stale(struct vp_mapping *mapping, bool stale)
{
   pthread_mutex_lock(&mapping->lock);
   mapping->stale = stale;
   const bool writable = mapping->writable;
   pthread_mutex_unlock(&mapping->lock);
   return writable;
}

bool vp_mapping_is_stale(struct vp_mapping *mapping)
{
   return mapping->stale;
}

void vp_mapping_set_place(struct vp_mapping *mapping, uint64_t place)
{
   uint64_t none = VP_NO_PLACE;
   atomic_compare_exchange_strong(&mapping->place, &none, place);
}

uint64_t vp_mapping_place(struct vp_mapping *mapping)
{
   return mapping->place;
}

void vp_mapping_set_batch(struct vp_mapping *mapping, uint64_t batch)
{
   mapping->batch = batch;
}

uint64_t vp_mapping_batch(const struct vp_mapping *mapping)
{
   return mapping->batch;
}

/* Memory of the application's may vanish right after. */
void vp_mapping_close(struct vp_mapping *mapping)
{
   pthread_mutex_lock(&mapping->lock);
   mapping->closed = true;
   vp_watch_stop(&mapping->watch);
   pthread_mutex_unlock(&mapping->lock);
}

bool vp_mapping_is_closed(const struct vp_mapping *mapping)
{
   return mapping->closed;
}

/* --- looking for written pages; all with the lock --- */

static void add_candidates(void *data, size_t position, size_t length)
{
   struct vp_mapping *mapping = data;
   for (size_t page = position / VP_PAGE_SIZE; page < (position + length) / VP_PAGE_SIZE; page++)
      mapping->chunks[page / CHUNK_PAGES].candidates[page % CHUNK_PAGES / 64] |= UINT64_C(1) << page % 64;
}

static size_t chunk_end(const struct vp_mapping *mapping, size_t chunk)
{
   const size_t end = (chunk + 1) * CHUNK_SIZE;
   return end < mapping->pages.size ? end : mapping->pages.size;
}

static bool is_quiet(const struct vp_mapping *mapping, uint8_t changed)
{
   return (uint8_t)(mapping->flush - changed) >= QUIET_FLUSHES &&
          mapping->flush_ns[mapping->flush] - mapping->flush_ns[changed] >= QUIET_NS;
}

static bool is_open(const struct vp_mapping *mapping, size_t page)
{
   return mapping->chunks[page / CHUNK_PAGES].open[page % CHUNK_PAGES / 64] >> page % 64 & 1;
}

static bool is_closing(const struct vp_mapping *mapping, size_t page)
{
   return mapping->chunks[page / CHUNK_PAGES].closing[page % CHUNK_PAGES / 64] >> page % 64 & 1;
}

static void set_state(struct vp_mapping *mapping, size_t page, bool open, bool closing)
{
   struct chunk *chunk = &mapping->chunks[page / CHUNK_PAGES];
   const size_t word = page % CHUNK_PAGES / 64;
   const uint64_t bit = UINT64_C(1) << page % 64;
   chunk->open[word] = open ? chunk->open[word] | bit : chunk->open[word] & ~bit;
   chunk->closing[word] = closing ? chunk->closing[word] | bit : chunk->closing[word] & ~bit;
}

static void add_written(void *data, size_t position, size_t length)
{
   struct vp_mapping *mapping = data;
   for (size_t page = position / VP_PAGE_SIZE; page < (position + length) / VP_PAGE_SIZE; page++) {
      if (is_open(mapping, page) && !is_closing(mapping, page))
         continue;
      set_state(mapping, page, true, false);
      mapping->changed[page] = mapping->flush;
   }
   for (size_t i = position / CHUNK_SIZE; i * CHUNK_SIZE < position + length; i++)
      mapping->chunks[i].quiet = 0;
   add_candidates(mapping, position, length);
}

/* All data within [position, end), whoever wrote it; `full`: there is nothing else. */
static void add_data(struct vp_mapping *mapping, size_t position, size_t end, bool full, bool watched)
{
   size_t run = position, run_end = end;
   for (; position < end; position = run_end) {
      if (!full)
         vp_pages_find_data(&mapping->pages, position, &run, &run_end);
      if (run >= end)
         return;
      if (run_end > end)
         run_end = end;
      if (watched)
         add_written(mapping, run, run_end - run);
      else
         add_candidates(mapping, run, run_end - run);
   }
}

/* Chunks that are not armed yet, up to one that is. They are armed when there is something in them, before that is
 * compared, so that nothing falls in between. Returns the chunk where it stopped. Looking for the end of data takes
 * time for each page of it, so this is done once for all chunks that it fills. */
static size_t look_at_unarmed(struct vp_mapping *mapping, size_t first)
{
   size_t data = 0, data_end = 0, end = first;
   while (end < mapping->chunk_count && !mapping->chunks[end].armed)
      end++;
   for (size_t i = first; i < end; i++) {
      if (data_end < chunk_end(mapping, i)) {
         vp_pages_find_data(&mapping->pages, i * CHUNK_SIZE, &data, &data_end);
         i = data / CHUNK_SIZE;
         if (i >= end)
            break;
      }
      const size_t start = i * CHUNK_SIZE, limit = chunk_end(mapping, i);
      const bool full = data <= start && data_end >= limit;
      mapping->chunks[i].armed = vp_watch_arm(&mapping->watch, start, limit - start);
      add_data(mapping, start, limit, full, mapping->chunks[i].armed);
   }
   return end;
}

/* The first page from `page` on that is not open and quiet, in this state. */
static size_t quiet_end(const struct vp_mapping *mapping, size_t page, size_t end, bool closing)
{
   while (page < end && is_open(mapping, page) && is_closing(mapping, page) == closing &&
          is_quiet(mapping, mapping->changed[page]))
      page++;
   return page;
}

static void begin_closing(struct vp_mapping *mapping, size_t page, size_t end)
{
   if (page == end || !vp_watch_arm(&mapping->watch, page * VP_PAGE_SIZE, (end - page) * VP_PAGE_SIZE))
      return;
   for (; page < end; page++) {
      set_state(mapping, page, true, true);
      mapping->changed[page] = mapping->flush;
   }
}

/* Pages that were pinned before they were armed stay open, for long or for a read of a device's; if they are pinned no
 * more since the last flush, what came until then is seen by the comparison of this one. */
static void end_closing(struct vp_mapping *mapping, size_t page, size_t end)
{
   const uint8_t previous = mapping->flush == 1 ? UINT8_MAX : mapping->flush - 1;
   const uint8_t *memory = mapping->pages.view + page * VP_PAGE_SIZE;
   const size_t size = (end - page) * VP_PAGE_SIZE;
   const int64_t since = mapping->flush_ns[previous];
   if (page == end || vp_pins_exist(since) || !vp_in_flight_is_over(memory, size, since))
      return;
   for (; page < end; page++)
      set_state(mapping, page, false, false);
}

/* Pages of a chunk that have been quiet are armed, and compared as before: a write of the kernel's may be under way.
 * When they are quiet after that, too, they are closed. */
static void close_quiet(struct vp_mapping *mapping, size_t chunk)
{
   const size_t end = chunk_end(mapping, chunk) / VP_PAGE_SIZE;
   for (size_t page = chunk * CHUNK_PAGES; page < end;) {
      const size_t closed = quiet_end(mapping, page, end, true), armed = quiet_end(mapping, closed, end, false);
      end_closing(mapping, page, closed);
      begin_closing(mapping, closed, armed);
      page = armed > page ? armed : page + 1;
   }
}

static bool has_open(const struct chunk *chunk)
{
   uint64_t any = 0;
   for (size_t i = 0; i < WORDS; i++)
      any |= chunk->open[i];
   return any != 0;
}

/* Open pages are compared in each flush. */
static void add_open(struct chunk *chunk)
{
   for (size_t i = 0; i < WORDS; i++)
      chunk->candidates[i] |= chunk->open[i];
}

/* --- chunks at rest; all with the lock --- */

static void wake(void *data, size_t position, size_t length)
{
   struct vp_mapping *mapping = data;
   for (size_t i = position / CHUNK_SIZE; i * CHUNK_SIZE < position + length; i++) {
      struct chunk *chunk = &mapping->chunks[i];
      chunk->armed = chunk->resting = false; /* it is watched and compared like a new one */
      if (chunk->wakes < MAX_WAKES)
         chunk->wakes++;
   }
}

/* From this chunk on: *end is the first that is in another state. */
static bool is_resting(const struct vp_mapping *mapping, size_t first, size_t *end)
{
   const bool resting = mapping->chunks[first].resting;
   *end = first + 1;
   while (*end < mapping->chunk_count && mapping->chunks[*end].resting == resting)
      *end += 1;
   return resting;
}

/* Whether no write of the kernel's to these chunks that began before can still be under way. */
static bool is_undisturbed(const struct vp_mapping *mapping, size_t first, size_t end, int64_t since)
{
   return !vp_pins_exist(since) &&
          vp_in_flight_is_over(mapping->pages.view + first * CHUNK_SIZE, (end - first) * CHUNK_SIZE, since);
}

/* A write of the kernel's that began before the chunks were at rest is not seen when it ends: until there can be none
 * they are compared. When that takes long they are watched instead. */
static void look_at_unsure(struct vp_mapping *mapping)
{
   const size_t first = mapping->unsure, end = mapping->unsure_end;
   const int64_t since = mapping->unsure_ns, age = mapping->flush_ns[mapping->flush] - since;
   const bool sure = age >= QUIET_NS && is_undisturbed(mapping, first, end, since);
   bool more = false;
   for (size_t i = first; i < end; i++) {
      if (!mapping->chunks[i].resting)
         continue; /* it was used since */
      add_data(mapping, i * CHUNK_SIZE, (i + 1) * CHUNK_SIZE, false, false);
      if (!sure && age >= UNSURE_NS)
         wake(mapping, i * CHUNK_SIZE, CHUNK_SIZE);
      more = !sure && age < UNSURE_NS;
   }
   if (!more)
      mapping->unsure = NO_CHUNK;
}

static void look_at_resting(struct vp_mapping *mapping)
{
   for (size_t first = 0, end; first < mapping->chunk_count; first = end) {
      if (is_resting(mapping, first, &end))
         vp_watch_scan_used(&mapping->watch, first * CHUNK_SIZE, chunk_end(mapping, end - 1) - first * CHUNK_SIZE, wake,
                            mapping);
   }
   if (mapping->unsure != NO_CHUNK)
      look_at_unsure(mapping);
}

/* What was written since this look began, the next one compares. */
static void begin_rest(struct vp_mapping *mapping, size_t first, size_t end)
{
   const size_t start = first * CHUNK_SIZE, length = (end - first) * CHUNK_SIZE;
   const bool resting = vp_watch_rest(&mapping->watch, start, length);
   for (size_t i = first; i < end; i++) {
      mapping->chunks[i].resting = resting;
      mapping->chunks[i].quiet = 0;
   }
   mapping->unsure_ns = vp_clock_ns();
   mapping->unsure_end = end;
   if (resting)
      mapping->unsure = first;
   else
      wake(mapping, start, length);
}

static bool may_rest(const struct vp_mapping *mapping, size_t index)
{
   const struct chunk *chunk = &mapping->chunks[index];
   const bool whole = (index + 1) * CHUNK_SIZE <= mapping->pages.size;
   return whole && chunk->armed && !chunk->resting && chunk->quiet >= PATIENCE << chunk->wakes;
}

/* One run of chunks at a time. */
static void find_rest(struct vp_mapping *mapping)
{
   size_t first = 0;
   if (mapping->unsure != NO_CHUNK)
      return;
   while (first < mapping->chunk_count && !may_rest(mapping, first))
      first++;
   size_t end = first;
   while (end < mapping->chunk_count && end - first < RUN_CHUNKS && may_rest(mapping, end))
      end++;
   if (first == end)
      return;
   if (is_undisturbed(mapping, first, end, mapping->flush_ns[mapping->flush])) {
      begin_rest(mapping, first, end);
      return;
   }
   for (size_t i = first; i < end; i++)
      mapping->chunks[i].quiet -= PATIENCE / 8; /* asking takes a while */
}

/* --- a look; with the lock --- */

/* Chunks that are armed and awake, from this one on. Returns the chunk where it stopped. */
static size_t look_at_armed(struct vp_mapping *mapping, size_t first)
{
   size_t end = first;
   for (; end < mapping->chunk_count && mapping->chunks[end].armed && !mapping->chunks[end].resting; end++) {
      struct chunk *chunk = &mapping->chunks[end];
      chunk->quiet++;
      if (!has_open(chunk))
         continue;
      chunk->quiet = 0;
      add_open(chunk);
      close_quiet(mapping, end);
   }
   if (end > first)
      vp_watch_scan(&mapping->watch, first * CHUNK_SIZE, chunk_end(mapping, end - 1) - first * CHUNK_SIZE, add_written,
                    mapping);
   return end;
}

static void look(struct vp_mapping *mapping)
{
   size_t end;
   if (vp_watch_can_rest(&mapping->watch))
      look_at_resting(mapping);
   for (size_t chunk = 0; chunk < mapping->chunk_count; chunk = end) {
      if (mapping->chunks[chunk].resting)
         end = chunk + 1;
      else
         end = mapping->chunks[chunk].armed ? look_at_armed(mapping, chunk) : look_at_unarmed(mapping, chunk);
   }
   if (vp_watch_can_rest(&mapping->watch))
      find_rest(mapping);
}

static void note_written(void *data, size_t position, size_t length)
{
   (void)position;
   (void)length;
   *(bool *)data = true;
}

/* Whether it is known without a comparison, and in little time, that a look would find nothing. */
static bool is_untouched(struct vp_mapping *mapping)
{
   bool written = false;
   size_t awake = 0, end;
   if (mapping->closed || mapping->pages.imported || mapping->unsure != NO_CHUNK)
      return false;
   for (size_t i = 0; i < mapping->chunk_count; i++) {
      const struct chunk *chunk = &mapping->chunks[i];
      awake += !chunk->resting;
      if (!chunk->armed || has_open(chunk) || awake > QUICK_CHUNKS)
         return false;
   }
   for (size_t first = 0; first < mapping->chunk_count && !written; first = end) {
      if (is_resting(mapping, first, &end))
         vp_watch_scan_used(&mapping->watch, first * CHUNK_SIZE, chunk_end(mapping, end - 1) - first * CHUNK_SIZE,
                            note_written, &written);
      else
         vp_watch_scan(&mapping->watch, first * CHUNK_SIZE, chunk_end(mapping, end - 1) - first * CHUNK_SIZE,
                       note_written, &written);
   }
   return !written;
}

bool vp_mapping_is_due(const struct vp_mapping *mapping)
{
   return mapping->maybe_changed;
}

bool vp_mapping_maybe_changed(struct vp_mapping *mapping)
{
   bool changed = mapping->maybe_changed;
   if (changed && pthread_mutex_trylock(&mapping->lock) == 0) {
      changed = !is_untouched(mapping);
      if (!changed)
         mapping->maybe_changed = mapping->writable;
      pthread_mutex_unlock(&mapping->lock);
   }
   return changed;
}

static size_t page_count(const struct vp_mapping *mapping)
{
   return mapping->pages.size / VP_PAGE_SIZE;
}

/* The first page from `page` on, and before `end`, that is to be compared, or `end`. */
static size_t next_candidate_before(const struct vp_mapping *mapping, size_t page, size_t end)
{
   while (page < end) {
      const uint64_t word = mapping->chunks[page / CHUNK_PAGES].candidates[page % CHUNK_PAGES / 64] >> page % 64;
      if (word) {
         page += (size_t)__builtin_ctzll(word);
         break;
      }
      page = (page / 64 + 1) * 64;
   }
   return page < end ? page : end;
}

static size_t next_candidate(const struct vp_mapping *mapping, size_t page)
{
   return next_candidate_before(mapping, page, page_count(mapping));
}

static bool is_candidate(const struct vp_mapping *mapping, size_t page)
{
   return mapping->chunks[page / CHUNK_PAGES].candidates[page % CHUNK_PAGES / 64] >> page % 64 & 1;
}

bool vp_mapping_look(struct vp_mapping *mapping)
{
   bool found = false;
   pthread_mutex_lock(&mapping->lock);
   if (mapping->maybe_changed && !mapping->closed) {
      mapping->maybe_changed = mapping->writable; /* what is written from now on is seen the next time */
      mapping->flush = mapping->flush == UINT8_MAX ? 1 : mapping->flush + 1; /* 0: never */
      mapping->flush_ns[mapping->flush] = vp_clock_ns();
      look(mapping);
      mapping->cursor = next_candidate(mapping, 0);
      found = mapping->cursor * VP_PAGE_SIZE < mapping->pages.size;
   }
   pthread_mutex_unlock(&mapping->lock);
   return found;
}

/* --- comparing; all with the lock, while nothing is taken in --- */

/* The lock, when nobody is taking in anything any more; with it nobody begins to. */
static void lock_quiet(struct vp_mapping *mapping)
{
   pthread_mutex_lock(&mapping->lock);
   pthread_mutex_lock(&mapping->apply_lock);
   while (mapping->applying)
      pthread_cond_wait(&mapping->applied, &mapping->apply_lock);
   pthread_mutex_unlock(&mapping->apply_lock);
}

/* The candidates from this one on are put into the window. */
static void move_window(struct vp_mapping *mapping, size_t page)
{
   size_t end = page + 1;
   while (end < page + WINDOW_PAGES && next_candidate(mapping, end) == end && end * VP_PAGE_SIZE < mapping->pages.size)
      end++;
   mapping->window_first = page;
   mapping->window_end = page + vp_imported_read(mapping->pages.view + page * VP_PAGE_SIZE, mapping->window.alias,
                                                 (end - page) * VP_PAGE_SIZE) /
                                   VP_PAGE_SIZE;
}

static bool is_in_window(const struct vp_mapping *mapping, size_t page)
{
   return page >= mapping->window_first && page < mapping->window_end;
}

static void clear_candidate(struct vp_mapping *mapping, size_t page)
{
   mapping->chunks[page / CHUNK_PAGES].candidates[page % CHUNK_PAGES / 64] &= ~(UINT64_C(1) << page % 64);
}

/* Puts candidates from this one on into the window, unless it is there. False when it cannot be read: it is looked at
 * the next time. */
static bool put_into_window(struct vp_mapping *mapping, size_t page)
{
   if (!is_in_window(mapping, page))
      move_window(mapping, page);
   if (is_in_window(mapping, page))
      return true;
   clear_candidate(mapping, page);
   set_state(mapping, page, true, false);
   mapping->changed[page] = mapping->flush;
   return false;
}

/* Candidates before `limit` that follow each other, from the cursor on: [*first, *cursor), which are none any longer.
 * They are in the window if there is one. False when there are no more. */
static bool take_candidates(struct vp_mapping *mapping, size_t *cursor, size_t limit, size_t *first, size_t max_pages)
{
   size_t page = next_candidate_before(mapping, *cursor, limit);
   while (page < limit && mapping->pages.imported && !put_into_window(mapping, page))
      page = next_candidate_before(mapping, page + 1, limit);
   if (mapping->pages.imported && mapping->window_end < limit)
      limit = mapping->window_end;
   *first = page;
   for (; page < limit && page - *first < max_pages && is_candidate(mapping, page); page++)
      clear_candidate(mapping, page);
   *cursor = page;
   return page > *first;
}

static const uint8_t *content(const struct vp_mapping *mapping, size_t page)
{
   return mapping->pages.imported ? mapping->window.alias + (page - mapping->window_first) * VP_PAGE_SIZE
                                  : mapping->pages.alias + page * VP_PAGE_SIZE;
}

static size_t collect_run(struct vp_mapping *mapping, struct vp_encoder *enc, size_t first, size_t end)
{
   const struct vp_delta_stamps stamps = {mapping->changed, mapping->flush};
   const size_t position = first * VP_PAGE_SIZE,
                run_end = end * VP_PAGE_SIZE < mapping->size ? end * VP_PAGE_SIZE : mapping->size;
   return vp_delta_collect_part(enc, content(mapping, first), mapping->twin + position, position, run_end - position,
                                &stamps);
}

/* Whether the cursor is at a candidate. */
static bool find_more(struct vp_mapping *mapping)
{
   mapping->cursor = next_candidate(mapping, mapping->cursor);
   return !mapping->closed && mapping->cursor < page_count(mapping);
}

bool vp_mapping_collect(struct vp_mapping *mapping, struct vp_encoder *enc, size_t limit, size_t *changed)
{
   const size_t before = vp_encoder_size(enc);
   size_t first;
   *changed = 0;
   lock_quiet(mapping);
   mapping->window_end = mapping->window_first = 0;
   bool more = find_more(mapping);
   while (more && vp_encoder_size(enc) - before < limit && !enc->failed) {
      if (take_candidates(mapping, &mapping->cursor, page_count(mapping), &first, limit / VP_PAGE_SIZE))
         *changed += collect_run(mapping, enc, first, mapping->cursor);
      more = find_more(mapping);
   }
   pthread_mutex_unlock(&mapping->lock);
   return more;
}

/* --- the same on several threads --- */

struct shared_work {
   struct vp_mapping *mapping;
   struct vp_mapping_part *parts;
   unsigned count;
   atomic_uint next; /* part that nobody looks at yet */
};

static void take_parts(void *data)
{
   struct shared_work *work = data;
   unsigned i;
   while ((i = atomic_fetch_add(&work->next, 1)) < work->count) {
      struct vp_mapping_part *part = &work->parts[i];
      size_t cursor = part->first, first;
      while (take_candidates(work->mapping, &cursor, part->end, &first, VP_MAPPING_PART_SIZE / VP_PAGE_SIZE))
         part->changed += collect_run(work->mapping, part->enc, first, cursor);
   }
}

static size_t count_candidates(const struct vp_mapping *mapping, size_t word)
{
   return word * 64 < page_count(mapping)
             ? (size_t)__builtin_popcountll(mapping->chunks[word * 64 / CHUNK_PAGES].candidates[word % WORDS])
             : 0;
}

/* Parts begin and end with words of candidates, so that no two threads change one. */
static void set_part(struct vp_mapping *mapping, struct vp_mapping_part *part)
{
   size_t word = mapping->cursor / 64, pages = 0;
   part->first = mapping->cursor;
   part->changed = 0;
   do
      pages += count_candidates(mapping, word++);
   while (word * 64 < page_count(mapping) &&
          pages + count_candidates(mapping, word) <= VP_MAPPING_PART_SIZE / VP_PAGE_SIZE);
   part->end = word * 64 < page_count(mapping) ? word * 64 : page_count(mapping);
   mapping->cursor = part->end;
}

bool vp_mapping_collect_parts(struct vp_mapping *mapping, struct vp_mapping_part *parts, unsigned *count)
{
   struct shared_work work = {.mapping = mapping, .parts = parts};
   if (mapping->pages.imported) { /* there is one window */
      *count = 1;
      return vp_mapping_collect(mapping, parts->enc, VP_MAPPING_PART_SIZE, &parts->changed);
   }
   lock_quiet(mapping);
   bool more = find_more(mapping);
   for (; more && work.count < *count; more = find_more(mapping))
      set_part(mapping, &parts[work.count++]);
   if (work.count > 1)
      vp_pool_run(take_parts, &work);
   else
      take_parts(&work);
   pthread_mutex_unlock(&mapping->lock);
   *count = work.count;
   return more;
}

/* --- taking in --- */

static void store_import(void *context, size_t offset, const uint8_t *bytes, size_t length)
{
   vp_imported_put(context, offset, bytes, length);
}

static bool apply_to_import(struct vp_mapping *mapping, const uint8_t *data, size_t length)
{
   struct vp_imported_writer writer;
   writer.memory = mapping->pages.view;
   writer.twin = mapping->twin;
   writer.buffer = &mapping->window;
   writer.used = writer.count = 0;
   const bool ok = vp_delta_read(data, length, mapping->size, store_import, &writer);
   vp_imported_flush(&writer);
   return ok;
}

static void begin_applying(struct vp_mapping *mapping)
{
   pthread_mutex_lock(&mapping->apply_lock);
   mapping->applying++;
   pthread_mutex_unlock(&mapping->apply_lock);
}

static void end_applying(struct vp_mapping *mapping)
{
   pthread_mutex_lock(&mapping->apply_lock);
   mapping->applying--;
   pthread_cond_signal(&mapping->applied); /* one waits at most, with the lock */
   pthread_mutex_unlock(&mapping->apply_lock);
}

bool vp_mapping_apply(struct vp_mapping *mapping, const uint8_t *data, size_t length)
{
   bool ok = true;
   pthread_mutex_lock(&mapping->lock);
   const bool own = !mapping->closed && !mapping->pages.imported;
   if (own)
      begin_applying(mapping);
   else if (!mapping->closed)
      ok = apply_to_import(mapping, data, length);
   pthread_mutex_unlock(&mapping->lock);
   if (!own)
      return ok;
   ok = vp_delta_apply(data, length, mapping->pages.alias, mapping->twin, mapping->size);
   end_applying(mapping);
   return ok;
}
