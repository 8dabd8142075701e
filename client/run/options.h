/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_OPTIONS_H
#define VP_RUN_OPTIONS_H

#include <stdbool.h>

#include "client/run/keys.h"

enum vp_run_action {
   VP_RUN_PROGRAM,
   VP_RUN_CHECK_CONFIG,
   VP_RUN_PRINT_CONFIG,
   VP_RUN_EXAMPLE_CONFIG,
   VP_RUN_BENCH,
   VP_RUN_HELP,
   VP_RUN_VERSION,
};

/* Which server the words before the program ask for. */
enum vp_run_place {
   VP_PLACE_CONFIGURED,
   VP_PLACE_HOST,
   VP_PLACE_SSH,
   VP_PLACE_SLURM,
};

struct vp_run_options {
   enum vp_run_action action;
   enum vp_run_place place;
   char **words; /* VP_PLACE_HOST: the address; VP_PLACE_SSH: options of ssh, and the host; VP_PLACE_SLURM: options of
                    srun */
   unsigned word_count;
   char **program;     /* with its arguments and a NULL */
   const char *config; /* --config: this file in place of the usual ones */
   bool json;
   const char *values[VP_RUN_KEY_COUNT]; /* NULL: not given */
};

/* False: what is wrong with the command line is in `error`. */
bool vp_run_options_parse(struct vp_run_options *options, int argc, char **argv, char *error, size_t error_size);

void vp_run_options_print_help(void);

#endif
