/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_SLURM_H
#define VP_RUN_SLURM_H

#include <limits.h>
#include <stdbool.h>

struct vp_slurm_server {
   char address[512]; /* as in VENUS_SERVER */
   char key_file[PATH_MAX];
};

/* Has Slurm start a server in a job, and waits until it listens. `words` are options of srun, `command` is what a shell
 * in the job runs. The job ends when this process does, whatever it has become by then: a process of its own sees to
 * that (client/run/job.h), which is no child of this one, so that no program gets to know of it. False: it has been
 * said why. */
bool vp_slurm_start(struct vp_slurm_server *server, char *const *words, unsigned count, const char *command);

#endif
