/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_SRUN_WORDS_H
#define VP_RUN_SRUN_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* What srun, and the server through it, write. */

#define VP_JOB_NUMBER_SIZE 32

/* A line of standard error. */
enum vp_srun_word {
   VP_SRUN_OTHER,     /* of the server, or of something that is not known */
   VP_SRUN_QUEUED,    /* the job waits; `text` is its number */
   VP_SRUN_ALLOCATED, /* it does not wait any more; `text` is its number */
   VP_SRUN_CANCELLED, /* Slurm has ended the job; `text` says which part, and why */
   VP_SRUN_ERROR,     /* something went wrong; `text` says what */
   VP_SRUN_NOTE,      /* what srun is about to do */
};

enum vp_srun_word vp_srun_understand(const char *line, char *text, size_t size);

/* Where the server of the job is. */
struct vp_job_place {
   char host[256], route[256]; /* its name, and the address by which this machine reached it; or "-" */
   char port[16];
   char job[VP_JOB_NUMBER_SIZE]; /* its number, or "-" */
};

/* A line of standard output. False: it is none that says this. */
bool vp_job_place_parse(struct vp_job_place *place, const char *line);

#endif
