/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_CONFIG_FILE_H
#define VP_SERVER_PROCESS_CONFIG_FILE_H

#include <stdbool.h>

#include "server/process/options.h"

/* Of the program: a wrong command line, a wrong configuration. */
#define VPS_EXIT_USAGE 2
#define VPS_EXIT_CONFIG 6

/* Gives the options their values: those built in, then of the machine's configuration file, of the user's, and of the
 * command line; what has another task than people's is given the command line alone. What is wrong is logged, all of it
 * that is in files. Returns 0, or the exit status for what is wrong. vps_options_finish is needed in all cases. */
int vps_config_read(struct vps_options *options, int argc, char *const argv[]);

/* --print-config: the values of all that can be configured, and where each comes from. */
void vps_config_print(const struct vps_options *options, FILE *out);

/* --example-config: a file with all of them, and what they mean. */
void vps_config_print_example(FILE *out);

/* SIGHUP: reads all of it again, gives `options` what can be changed while the server runs, and logs what has changed
 * and what would need a restart. False if something is wrong with it: then nothing changes. */
bool vps_config_reload(struct vps_options *options);

#endif
