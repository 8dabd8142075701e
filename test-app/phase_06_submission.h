/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_PHASE_06_SUBMISSION_H
#define VP_TEST_APP_PHASE_06_SUBMISSION_H

/* What the parts of phase 6 share: a buffer of words and recorded work on it. */

#include "test-app/app.h"

#define SUBMISSION_WORDS 1024
#define SUBMISSION_BATCHES 32

struct submission {
   struct app_context ctx;
   struct app_test *test;
   struct app_buffer target; /* host visible */
   struct app_compute add;
   VkCommandBuffer plus_one;                  /* adds 1 to all words; may be submitted many times */
   VkCommandBuffer steps[SUBMISSION_BATCHES]; /* step i copies word i to word i + 1 */
   VkFence fence;                             /* not signalled, and no submission has it, between two checks */
};

VkQueue submission_queue(struct submission *f);
/* All words of the target become 0. */
void submission_clear(struct submission *f);
/* All words of the target must have this value. */
void submission_check_words(struct submission *f, uint32_t value);
/* These command buffers, without any semaphore; the array is the caller's. */
VkSubmitInfo submission_batch(const VkCommandBuffer *commands, uint32_t count);

/* phase_06_fences.c */
void submission_check_fences(struct submission *f);
void submission_check_events(struct submission *f);

/* phase_06_semaphores.c */
void submission_check_batches(struct submission *f);
void submission_check_queue_ping_pong(struct submission *f);
void submission_check_submit2(struct submission *f);
void submission_check_timelines(struct submission *f);

/* phase_06_queries.c */
void submission_check_timestamps(struct submission *f);
void submission_check_draw_queries(struct submission *f);

/* phase_06_queues.c */
void submission_check_queues(struct submission *f);
void submission_check_submitting_threads(struct submission *f);

#endif
