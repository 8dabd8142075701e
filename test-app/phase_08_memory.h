/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_PHASE_08_MEMORY_H
#define VP_TEST_APP_PHASE_08_MEMORY_H

/* What the parts of phase 8 share: two mapped buffers, what they must hold, and all ways to wait for the device. */

#include "test-app/app.h"

#define MAPPED_SIZE 262144u
#define MAPPED_PAGE 4096u

/* All the ways in which a host may learn that the device is done. */
enum wait_kind {
   WAIT_FENCE,
   WAIT_FENCE_STATUS,
   WAIT_QUEUE,
   WAIT_DEVICE,
   WAIT_TIMELINE, /* this and the next need timeline semaphores */
   WAIT_COUNTER,
   WAIT_KINDS,
};

struct mapped {
   struct app_context ctx;
   struct app_test *test;
   struct app_buffer a; /* both persistently mapped and coherent, of MAPPED_SIZE bytes */
   struct app_buffer b;
   uint8_t *model_a; /* what they must hold */
   uint8_t *model_b;
   VkFence fence;
   VkSemaphore timeline;
   uint64_t timeline_value;
   uint32_t rounds; /* counts waits, to go round the kinds */
   uint64_t seed;
};

/* Submits what was recorded and ended, and prepares for a wait of this kind. */
bool mapped_submit(struct mapped *f, VkCommandBuffer commands, enum wait_kind kind);
/* Waits in this way for the last submission, which was prepared for it. */
bool mapped_wait(struct mapped *f, enum wait_kind kind);
/* The kinds that the device has, one after the other. */
enum wait_kind mapped_next_wait(struct mapped *f);
/* Ends, submits, waits in the given way, and frees. */
bool mapped_run(struct mapped *f, VkCommandBuffer commands, enum wait_kind kind);
/* Both buffers must hold what their models hold. */
void mapped_compare(struct mapped *f);

/* phase_08_patterns.c */
void mapped_check_random(struct mapped *f);
void mapped_check_single_bytes(struct mapped *f);
void mapped_check_shared_pages(struct mapped *f);
void mapped_check_two_in_flight(struct mapped *f);
void mapped_check_two_writers(struct mapped *f);
void mapped_check_restless_writer(struct mapped *f);
void mapped_check_files(struct mapped *f);
void mapped_check_ping_pong(struct mapped *f);

/* phase_08_mappings.c */
void mapped_check_remap(struct mapped *f);
void mapped_check_freed_while_mapped(struct mapped *f);
void mapped_check_types(struct mapped *f);
void mapped_check_large(struct mapped *f);

#endif
