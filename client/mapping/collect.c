/* SPDX-License-Identifier: MIT */

/* Compares the pages that a look has found with the twin, on one thread or several, and appends what differs. All
 * static functions here are called with the lock, while nothing is taken in. */

#include <pthread.h>
#include <stdatomic.h>

#include "client/mapping/imported.h"
#include "client/mapping/mapping.h"
#include "client/mapping/mapping_state.h"
#include "common/memory/delta.h"
#include "common/util/pool.h"

/* Imported memory is copied before it is compared, so many pages at a time. */
#define WINDOW_PAGES (VP_IMPORTED_BUFFER / VP_PAGE_SIZE)

/* --- candidates --- */

static bool is_candidate(const struct vp_mapping *mapping, size_t page)
{
   return mapping->chunks[page / VP_CHUNK_PAGES].candidates[page % VP_CHUNK_PAGES / 64] >> page % 64 & 1;
}

/* The candidates from this one on are put into the window. */
static void move_window(struct vp_mapping *mapping, size_t page)
{
   size_t end = page + 1;
   while (end < page + WINDOW_PAGES && vp_mapping_next_candidate(mapping, end, vp_mapping_page_count(mapping)) == end &&
          end * VP_PAGE_SIZE < mapping->pages.size)
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
   mapping->chunks[page / VP_CHUNK_PAGES].candidates[page % VP_CHUNK_PAGES / 64] &= ~(UINT64_C(1) << page % 64);
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
   vp_mapping_open_page(mapping, page);
   return false;
}

/* Candidates before `limit` that follow each other, from the cursor on: [*first, *cursor), which are none any longer.
 * They are in the window if there is one. False when there are no more. */
static bool take_candidates(struct vp_mapping *mapping, size_t *cursor, size_t limit, size_t *first, size_t max_pages)
{
   size_t page = vp_mapping_next_candidate(mapping, *cursor, limit);
   while (page < limit && mapping->pages.imported && !put_into_window(mapping, page))
      page = vp_mapping_next_candidate(mapping, page + 1, limit);
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
   mapping->cursor = vp_mapping_next_candidate(mapping, mapping->cursor, vp_mapping_page_count(mapping));
   return !mapping->closed && mapping->cursor < vp_mapping_page_count(mapping);
}

bool vp_mapping_collect(struct vp_mapping *mapping, struct vp_encoder *enc, size_t limit, size_t *changed)
{
   const size_t before = vp_encoder_size(enc);
   size_t first;
   *changed = 0;
   vp_mapping_lock_quiet(mapping);
   mapping->window_end = mapping->window_first = 0;
   bool more = find_more(mapping);
   while (more && vp_encoder_size(enc) - before < limit && !enc->failed) {
      if (take_candidates(mapping, &mapping->cursor, vp_mapping_page_count(mapping), &first, limit / VP_PAGE_SIZE))
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
   return word * 64 < vp_mapping_page_count(mapping)
             ? (size_t)__builtin_popcountll(
                  mapping->chunks[word * 64 / VP_CHUNK_PAGES].candidates[word % VP_CHUNK_WORDS])
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
   while (word * 64 < vp_mapping_page_count(mapping) &&
          pages + count_candidates(mapping, word) <= VP_MAPPING_PART_SIZE / VP_PAGE_SIZE);
   part->end = word * 64 < vp_mapping_page_count(mapping) ? word * 64 : vp_mapping_page_count(mapping);
   mapping->cursor = part->end;
}

bool vp_mapping_collect_parts(struct vp_mapping *mapping, struct vp_mapping_part *parts, unsigned *count)
{
   struct shared_work work = {.mapping = mapping, .parts = parts};
   if (mapping->pages.imported) { /* there is one window */
      *count = 1;
      return vp_mapping_collect(mapping, parts->enc, VP_MAPPING_PART_SIZE, &parts->changed);
   }
   vp_mapping_lock_quiet(mapping);
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
