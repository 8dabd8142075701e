/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_MAPPING_STATE_H
#define VP_CLIENT_MAPPING_MAPPING_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/mapping/fork.h"
#include "client/mapping/pages.h"
#include "client/mapping/watch.h"

/* What a mapping consists of: for mapping.c (life), look.c (which pages are compared), collect.c (comparing them) and
 * apply.c (what the server has changed). */

/* Fresh memory is watched in chunks, when the first of a chunk is sent: what is written once and never again costs no
 * fault. */
#define VP_CHUNK_SIZE VP_TABLE_SIZE
#define VP_CHUNK_PAGES (VP_CHUNK_SIZE / VP_PAGE_SIZE)
#define VP_CHUNK_WORDS (VP_CHUNK_PAGES / 64)

struct vp_chunk {
   bool armed;                          /* all of it has been, once */
   bool resting;                        /* the tracker knows nothing of it but whether it was used */
   unsigned quiet, wakes;               /* looks without a write; how often it was woken */
   uint64_t candidates[VP_CHUNK_WORDS]; /* pages to be compared */
   uint64_t open[VP_CHUNK_WORDS];       /* pages that are compared in each flush */
   uint64_t closing[VP_CHUNK_WORDS];    /* open pages that are armed again, and were not written to since */
};

#define VP_NO_CHUNK SIZE_MAX

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

   pthread_mutex_t lock; /* of what follows: pages and twin change together; see vp_mapping_lock_quiet() */
   uint8_t *twin;
   struct vp_chunk *chunks;
   size_t chunk_count;
   uint8_t *changed;                /* by page, for open ones: the flush in which it changed last */
   uint8_t flush;                   /* counts, and begins again */
   int64_t flush_ns[UINT8_MAX + 1]; /* when they were */
   size_t cursor;                   /* the first page that may be a candidate */
   size_t unsure, unsure_end;       /* chunks that rest since `unsure_ns` and are still compared; or VP_NO_CHUNK */
   int64_t unsure_ns;
   size_t window_first, window_end; /* the pages that are copied to the window */
   struct vp_watch watch;
   atomic_bool writable, maybe_changed, stale, closed; /* changed with the lock */
   _Atomic uint64_t place;
   uint64_t batch; /* the stream's */
};

static inline size_t vp_mapping_page_count(const struct vp_mapping *mapping)
{
   return mapping->pages.size / VP_PAGE_SIZE;
}

/* The first page from `page` on, and before `end`, that is to be compared, or `end`. With the lock. */
size_t vp_mapping_next_candidate(const struct vp_mapping *mapping, size_t page, size_t end);

/* The page counts as written to just now, so that the next looks compare it. With the lock. */
void vp_mapping_open_page(struct vp_mapping *mapping, size_t page);

/* Takes the lock when nobody is taking in anything any more; with it nobody begins to. */
void vp_mapping_lock_quiet(struct vp_mapping *mapping);

#endif
