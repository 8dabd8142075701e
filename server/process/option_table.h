/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_OPTION_TABLE_H
#define VP_SERVER_PROCESS_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/process/options.h"

/* What an option is for, beside the command line. */
enum vps_option_use {
   VPS_OPTION_FILE = 1 << 0,     /* a configuration file may have it, without the dashes */
   VPS_OPTION_LIVE = 1 << 1,     /* SIGHUP changes it */
   VPS_OPTION_WORKERS = 1 << 2,  /* handed on to the processes that the server starts */
   VPS_OPTION_GATE = 1 << 3,     /* handed on to the gate alone */
   VPS_OPTION_ENTRANCE = 1 << 4, /* of no use to --stdio and --job, which leave it out when it is a file's */
   VPS_OPTION_MANY = 1 << 5,     /* each time that it is given counts */
};

/* One row an option. A row without `set` sets the mode. */
struct vps_option {
   const char *name;     /* with its dashes */
   const char *argument; /* in the text of --help; NULL: it is on when it is given, or takes on and off */
   const char *help;     /* lines; NULL: not for people */
   const char *fallback; /* what it is when nobody gives it; NULL: nothing */
   const char *expected; /* the value that `set` takes, for messages */
   unsigned uses;
   enum vps_mode mode;
   bool (*set)(struct vps_options *options, const struct vps_option *option, const char *value);
   size_t field;      /* where in the options `set` writes to, where several options share one */
   unsigned min, max; /* of numbers */
};

extern const struct vps_option vps_option_table[];
extern const size_t vps_option_count;

/* Of its first `length` characters; NULL: there is none. */
const struct vps_option *vps_option_find(const char *name, size_t length);

/* Longest text that vps_option_write_submit_timeout() writes. */
#define VPS_SUBMIT_TIMEOUT_SIZE ((size_t)64)

/* Both numbers of --submit-timeout as one value. */
void vps_option_write_submit_timeout(const struct vps_options *options, char text[VPS_SUBMIT_TIMEOUT_SIZE]);

#endif
