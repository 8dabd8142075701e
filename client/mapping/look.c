/* SPDX-License-Identifier: MIT */

/* A look at a mapping, which finds the pages that are to be compared: the tracker watches chunks of 2 MiB from their
 * first data on, pages that were written to are compared with the twin in each look until they are quiet, and chunks
 * that stay untouched are put to rest. All static functions here are called with the lock. */

#include <pthread.h>

#include "client/mapping/in_flight.h"
#include "client/mapping/mapping.h"
#include "client/mapping/mapping_state.h"
#include "client/mapping/pins.h"
#include "common/util/clock.h"

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

/* --- written pages --- */

static void add_candidates(void *data, size_t position, size_t length)
{
   struct vp_mapping *mapping = data;
   for (size_t page = position / VP_PAGE_SIZE; page < (position + length) / VP_PAGE_SIZE; page++)
      mapping->chunks[page / VP_CHUNK_PAGES].candidates[page % VP_CHUNK_PAGES / 64] |= UINT64_C(1) << page % 64;
}

static size_t chunk_end(const struct vp_mapping *mapping, size_t chunk)
{
   const size_t end = (chunk + 1) * VP_CHUNK_SIZE;
   return end < mapping->pages.size ? end : mapping->pages.size;
}

static bool is_quiet(const struct vp_mapping *mapping, uint8_t changed)
{
   return (uint8_t)(mapping->flush - changed) >= QUIET_FLUSHES &&
          mapping->flush_ns[mapping->flush] - mapping->flush_ns[changed] >= QUIET_NS;
}

static bool is_open(const struct vp_mapping *mapping, size_t page)
{
   return mapping->chunks[page / VP_CHUNK_PAGES].open[page % VP_CHUNK_PAGES / 64] >> page % 64 & 1;
}

static bool is_closing(const struct vp_mapping *mapping, size_t page)
{
   return mapping->chunks[page / VP_CHUNK_PAGES].closing[page % VP_CHUNK_PAGES / 64] >> page % 64 & 1;
}

static void set_state(struct vp_mapping *mapping, size_t page, bool open, bool closing)
{
   struct vp_chunk *chunk = &mapping->chunks[page / VP_CHUNK_PAGES];
   const size_t word = page % VP_CHUNK_PAGES / 64;
   const uint64_t bit = UINT64_C(1) << page % 64;
   chunk->open[word] = open ? chunk->open[word] | bit : chunk->open[word] & ~bit;
   chunk->closing[word] = closing ? chunk->closing[word] | bit : chunk->closing[word] & ~bit;
}

void vp_mapping_open_page(struct vp_mapping *mapping, size_t page)
{
   set_state(mapping, page, true, false);
   mapping->changed[page] = mapping->flush;
}

static void add_written(void *data, size_t position, size_t length)
{
   struct vp_mapping *mapping = data;
   for (size_t page = position / VP_PAGE_SIZE; page < (position + length) / VP_PAGE_SIZE; page++) {
      if (is_open(mapping, page) && !is_closing(mapping, page))
         continue;
      vp_mapping_open_page(mapping, page);
   }
   for (size_t i = position / VP_CHUNK_SIZE; i * VP_CHUNK_SIZE < position + length; i++)
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
         vp_pages_find_data(&mapping->pages, i * VP_CHUNK_SIZE, &data, &data_end);
         i = data / VP_CHUNK_SIZE;
         if (i >= end)
            break;
      }
      const size_t start = i * VP_CHUNK_SIZE, limit = chunk_end(mapping, i);
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
   for (size_t page = chunk * VP_CHUNK_PAGES; page < end;) {
      const size_t closed = quiet_end(mapping, page, end, true), armed = quiet_end(mapping, closed, end, false);
      end_closing(mapping, page, closed);
      begin_closing(mapping, closed, armed);
      page = armed > page ? armed : page + 1;
   }
}

static bool has_open(const struct vp_chunk *chunk)
{
   uint64_t any = 0;
   for (size_t i = 0; i < VP_CHUNK_WORDS; i++)
      any |= chunk->open[i];
   return any != 0;
}

/* Open pages are compared in each flush. */
static void add_open(struct vp_chunk *chunk)
{
   for (size_t i = 0; i < VP_CHUNK_WORDS; i++)
      chunk->candidates[i] |= chunk->open[i];
}

/* --- chunks at rest --- */

static void wake(void *data, size_t position, size_t length)
{
   struct vp_mapping *mapping = data;
   for (size_t i = position / VP_CHUNK_SIZE; i * VP_CHUNK_SIZE < position + length; i++) {
      struct vp_chunk *chunk = &mapping->chunks[i];
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
          vp_in_flight_is_over(mapping->pages.view + first * VP_CHUNK_SIZE, (end - first) * VP_CHUNK_SIZE, since);
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
      add_data(mapping, i * VP_CHUNK_SIZE, (i + 1) * VP_CHUNK_SIZE, false, false);
      if (!sure && age >= UNSURE_NS)
         wake(mapping, i * VP_CHUNK_SIZE, VP_CHUNK_SIZE);
      more = !sure && age < UNSURE_NS;
   }
   if (!more)
      mapping->unsure = VP_NO_CHUNK;
}

static void look_at_resting(struct vp_mapping *mapping)
{
   for (size_t first = 0, end; first < mapping->chunk_count; first = end) {
      if (is_resting(mapping, first, &end))
         vp_watch_scan_used(&mapping->watch, first * VP_CHUNK_SIZE, chunk_end(mapping, end - 1) - first * VP_CHUNK_SIZE,
                            wake, mapping);
   }
   if (mapping->unsure != VP_NO_CHUNK)
      look_at_unsure(mapping);
}

/* What was written since this look began, the next one compares. */
static void begin_rest(struct vp_mapping *mapping, size_t first, size_t end)
{
   const size_t start = first * VP_CHUNK_SIZE, length = (end - first) * VP_CHUNK_SIZE;
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
   const struct vp_chunk *chunk = &mapping->chunks[index];
   const bool whole = (index + 1) * VP_CHUNK_SIZE <= mapping->pages.size;
   return whole && chunk->armed && !chunk->resting && chunk->quiet >= PATIENCE << chunk->wakes;
}

/* One run of chunks at a time. */
static void find_rest(struct vp_mapping *mapping)
{
   size_t first = 0;
   if (mapping->unsure != VP_NO_CHUNK)
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

/* --- a look --- */

/* Chunks that are armed and awake, from this one on. Returns the chunk where it stopped. */
static size_t look_at_armed(struct vp_mapping *mapping, size_t first)
{
   size_t end = first;
   for (; end < mapping->chunk_count && mapping->chunks[end].armed && !mapping->chunks[end].resting; end++) {
      struct vp_chunk *chunk = &mapping->chunks[end];
      chunk->quiet++;
      if (!has_open(chunk))
         continue;
      chunk->quiet = 0;
      add_open(chunk);
      close_quiet(mapping, end);
   }
   if (end > first)
      vp_watch_scan(&mapping->watch, first * VP_CHUNK_SIZE, chunk_end(mapping, end - 1) - first * VP_CHUNK_SIZE,
                    add_written, mapping);
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
   if (mapping->closed || mapping->pages.imported || mapping->unsure != VP_NO_CHUNK)
      return false;
   for (size_t i = 0; i < mapping->chunk_count; i++) {
      const struct vp_chunk *chunk = &mapping->chunks[i];
      awake += !chunk->resting;
      if (!chunk->armed || has_open(chunk) || awake > QUICK_CHUNKS)
         return false;
   }
   for (size_t first = 0; first < mapping->chunk_count && !written; first = end) {
      if (is_resting(mapping, first, &end))
         vp_watch_scan_used(&mapping->watch, first * VP_CHUNK_SIZE, chunk_end(mapping, end - 1) - first * VP_CHUNK_SIZE,
                            note_written, &written);
      else
         vp_watch_scan(&mapping->watch, first * VP_CHUNK_SIZE, chunk_end(mapping, end - 1) - first * VP_CHUNK_SIZE,
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

size_t vp_mapping_next_candidate(const struct vp_mapping *mapping, size_t page, size_t end)
{
   while (page < end) {
      const uint64_t word = mapping->chunks[page / VP_CHUNK_PAGES].candidates[page % VP_CHUNK_PAGES / 64] >> page % 64;
      if (word) {
         page += (size_t)__builtin_ctzll(word);
         break;
      }
      page = (page / 64 + 1) * 64;
   }
   return page < end ? page : end;
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
      mapping->cursor = vp_mapping_next_candidate(mapping, 0, vp_mapping_page_count(mapping));
      found = mapping->cursor * VP_PAGE_SIZE < mapping->pages.size;
   }
   pthread_mutex_unlock(&mapping->lock);
   return found;
}
