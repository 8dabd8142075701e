/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_JOB_H
#define VP_SERVER_PROCESS_JOB_H

#include <stdbool.h>

#include "server/process/options.h"

/* --job: the server is there for the program that has started it, through a batch system or something else that passes
 * standard input and output on.
 *  - The first lines of standard input are keys, as in the file of --keys, and end with an empty line. They never are
 * in a file that has a name, nor on a command line.
 *  - It listens on all addresses and a free port, unless the command line says otherwise, with TLS alone.
 *  - Then it writes one line to standard output: "venus-job: " and HOST PORT ADDRESS JOB. HOST is this machine's name
 * or what --host says, ADDRESS how the machine that has submitted the job reaches it, JOB the job's number; "-" where
 *    there is none.
 *  - It ends when standard input does.
 * Of GPUs it offers those that Slurm has given to the job, where that can be told (server/process/job_gpus.h). */

#define VPS_JOB_LINE "venus-job: "

/* The exit status where a signal has ended the server, and not the end of standard input: as of a program that SIGTERM
 * has ended. */
#define VPS_EXIT_JOB_ENDED 143

/* Before the server listens: takes standard input and output, and completes the options. False: the log says why. */
bool vps_job_begin(struct vps_options *options);

/* It listens on `address`, as vp_socket_format_address() writes it. */
void vps_job_announce(const struct vps_options *options, const char *address);

/* Standard input has something to say: whether that is its end. */
bool vps_job_is_over(const struct vps_options *options);

#endif
