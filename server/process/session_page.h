/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_SESSION_PAGE_H
#define VP_SERVER_PROCESS_SESSION_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/control/counts.h"

#define VPS_PAGE_PROGRAM_SIZE 128
#define VPS_PAGE_REASON_SIZE 200

/* What one worker tells the listener of its session, in memory that the two share, so that neither waits for the other.
 * To the listener all of it is numbers and texts of a stranger: a worker that somebody has got into can write anything
 * there at any time, and it is of no use but to be shown. */
struct vps_session_page {
   _Alignas(64) _Atomic uint64_t counts[VPS_COUNTS];
   _Atomic uint32_t gpu_count; /* so many have their names */
   struct {
      _Atomic uint64_t memory; /* bytes of device memory */
      char name[VPS_COUNTED_GPU_SIZE];
   } gpus[VPS_COUNTED_GPUS];
   atomic_bool has_program;
   char program[VPS_PAGE_PROGRAM_SIZE]; /* that the client has named in its greeting */

   /* The listener writes these: that the session is ended, and why; SIGTERM comes next. */
   atomic_bool is_kicked;
   char reason[VPS_PAGE_REASON_SIZE];
};

/* Returns its file, for the worker, or -1 with errno. */
int vps_session_page_create(struct vps_session_page **page);

/* For the worker. NULL with errno. */
struct vps_session_page *vps_session_page_open(int fd);

/* NULL is fine. */
void vps_session_page_close(struct vps_session_page *page);

/* A copy of a text that the other side may be writing, of one that is there. `out` gets size bytes at most. */
void vps_session_page_read(char *out, const char *text, unsigned size);

#endif
