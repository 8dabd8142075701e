/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_TALLY_H
#define VP_SERVER_CORE_TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/process/session_page.h"

/* What this process, which has one client, has done for it: for the listener to show. Before the start it is counted
 * for nobody. All functions may be called by any thread unless they say otherwise. */

extern struct vps_session_page *vps_tally_page;

/* Once, before there is a session: counts in the page of that file, which is closed; -1: there is none. */
void vps_tally_start(int page_fd);

static inline void vps_tally_add(enum vps_count count, uint64_t amount)
{
   atomic_fetch_add_explicit(&vps_tally_page->counts[count], amount, memory_order_relaxed);
}

static inline uint64_t vps_tally_of(enum vps_count count)
{
   return atomic_load_explicit(&vps_tally_page->counts[count], memory_order_relaxed);
}

/* So many batches are complete, which have taken that long together. */
void vps_tally_batches(uint64_t number, int64_t ns);

/* A picture has been sent, most recently in that codec; VP_PRESENT_CODECS: nothing of it had changed. */
void vps_tally_frame(unsigned codec);

/* The place of a GPU whose memory is counted. For the executing thread. */
unsigned vps_tally_gpu(const char *name);

/* So much more device memory of it, or less. */
void vps_tally_memory(unsigned gpu, int64_t difference);

/* The program that is served. Once. */
void vps_tally_program(const char *name);

/* Whether the operator ends this session; then why. */
bool vps_tally_is_kicked(char reason[VPS_PAGE_REASON_SIZE]);

#endif
