/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_SRUN_H
#define VP_RUN_SRUN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The commands of Slurm that are used. */

/* srun, which asks for a job, starts a command in it and ends with it. */
struct vp_srun {
   pid_t pid;
   int end;      /* can be read when it has ended (client/run/process_end.h) */
   int in;       /* to the command's standard input */
   int out, err; /* from the command's standard output; from its standard error, and what srun has to say */
};

/* `words` are options for srun, `command` is run by a shell. False with a sentence in `error`. */
bool vp_srun_start(struct vp_srun *srun, char *const *words, unsigned count, const char *command, char *error,
                   size_t error_size);

/* Has squeue say something of a job, in a format of its own: one line, without its end. False: it does not, or not
 * soon. */
bool vp_squeue_ask(const char *job, const char *format, char *out, size_t size);

#endif
