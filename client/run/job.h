/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_JOB_H
#define VP_RUN_JOB_H

struct vp_job_order {
   char *const *words; /* options of srun */
   unsigned word_count;
   const char *command; /* what starts the server */
   int program_end;     /* can be read when the program has ended */
   int answer;          /* where the struct vp_slurm_server goes to; closed without one when there is no server */
};

/* Has a job with a server for a program, tells it where that is, and ends the job with the program. What goes wrong,
 * that the job has to wait, and that it has ended before the program is said on standard error, each in a line. For a
 * process of its own, which has nothing else to do. */
void vp_job_keep(const struct vp_job_order *order);

#endif
