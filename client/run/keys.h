/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_KEYS_H
#define VP_RUN_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/process/variables.h"

/* What can be set: the driver's variables, and what venus-run itself needs to know. In client.conf and on the command
 * line a variable is called as in the environment, but without VENUS_, in small letters, and with dashes. Keys are
 * numbers, first those of enum vp_variable_id. */
enum {
   VP_RUN_KEY_SERVER_COMMAND = VP_VARIABLE_COUNT, /* what ssh starts */
   VP_RUN_KEY_JOB_COMMAND,                        /* what Slurm starts */
   VP_RUN_KEY_COUNT,
};

/* What a value may be, and what it means. */
const struct vp_variable *vp_run_key(unsigned key);

/* It is in the environment of programs. */
bool vp_run_key_is_variable(unsigned key);

/* The value that programs get from venus-run when nobody has given another one; NULL: none, so that what the driver
 * does is as the variable's row says. */
const char *vp_run_key_value(unsigned key);

#define VP_RUN_KEY_NAME_SIZE 32
const char *vp_run_key_name(unsigned key, char name[VP_RUN_KEY_NAME_SIZE]);

/* Of a name that need not be terminated. -1: there is none. */
int vp_run_key_find(const char *name, size_t length);

/* A file for client.conf, on standard output, in which all is explained and nothing set. */
void vp_run_keys_print_example(void);

#endif
