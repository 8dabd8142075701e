/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_SETTINGS_H
#define VP_RUN_SETTINGS_H

#include <limits.h>
#include <stdbool.h>

#include "client/run/options.h"

/* Where a value is from; each goes before those above it. */
enum vp_origin {
   VP_ORIGIN_BUILT_IN,
   VP_ORIGIN_SYSTEM_FILE,
   VP_ORIGIN_USER_FILE,
   VP_ORIGIN_ENVIRONMENT,
   VP_ORIGIN_OPTION,
   VP_ORIGIN_COUNT,
};

struct vp_setting {
   char *value; /* NULL: none */
   enum vp_origin origin;
   unsigned line; /* of a file */
};

struct vp_settings {
   struct vp_setting of[VP_RUN_KEY_COUNT];
   char *files[VP_ORIGIN_COUNT];   /* the paths of those that are files; NULL: none */
   bool is_there[VP_ORIGIN_COUNT]; /* the file */
   unsigned faults;                /* that were said on standard error */
};

/* Reads the files, the environment and the options. What is wrong in them is said and counted. */
void vp_settings_read(struct vp_settings *settings, const struct vp_run_options *options);

/* Like a value of the command line, which no option has given. */
void vp_settings_set(struct vp_settings *settings, unsigned key, const char *value);

/* Of a key that is a flag; false where it is not set. */
bool vp_settings_flag(const struct vp_settings *settings, unsigned key);

/* As a file for client.conf would be that says the same, with where each value is from. */
void vp_settings_print(const struct vp_settings *settings);

void vp_settings_finish(struct vp_settings *settings);

#endif
