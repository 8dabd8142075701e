/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_VARIABLES_H
#define VP_CLIENT_PROCESS_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

/* The variables VENUS_... of the environment, in one table: what they are called, what they may be, and what they mean.
 * It needs nothing of the driver, so that other programs can use it too. docs/ENVIRONMENT.md is made of it
 * (tools/environment.py). */

enum vp_variable_kind {
   VP_VARIABLE_FLAG,    /* 1 or 0, true or false, yes or no, on or off */
   VP_VARIABLE_CHOICE,  /* one of some words */
   VP_VARIABLE_SECONDS, /* a number, perhaps with decimals after a point, whatever the locale */
   VP_VARIABLE_PATH,    /* of a file */
   VP_VARIABLE_TEXT,
};

/* In the order of the table. */
enum vp_variable_id {
   VP_VARIABLE_SERVER,
   VP_VARIABLE_POLICY,
   VP_VARIABLE_REQUIRE,
   VP_VARIABLE_DISABLE,
   VP_VARIABLE_GPU,
   VP_VARIABLE_TIMEOUT,
   VP_VARIABLE_RESUME,
   VP_VARIABLE_KEY_FILE,
   VP_VARIABLE_TLS_CA,
   VP_VARIABLE_TLS_PIN,
   VP_VARIABLE_TLS_CERT,
   VP_VARIABLE_TLS_KEY,
   VP_VARIABLE_LOG,
   VP_VARIABLE_ANNOUNCE,
   VP_VARIABLE_DEBUG,
   VP_VARIABLE_HUD,
   VP_VARIABLE_PRESENT,
   VP_VARIABLE_COMPRESS,
   VP_VARIABLE_TRACK,
   VP_VARIABLE_BAR_MEMORY,
   VP_VARIABLE_EARLY_WAITS,
   VP_VARIABLE_SPIN,
   VP_VARIABLE_COUNT,
};

struct vp_variable {
   const char *name;
   enum vp_variable_kind kind;
   const char *allowed;   /* the words of a choice, or the least and the most seconds, with a space in between; or "" */
   const char *otherwise; /* the value that it has where none is set, or one that makes no sense; NULL: `unset` says */
   const char *unset;     /* what is so where it is not set, for people; NULL: see `otherwise` */
   const char *meaning;   /* for people, in Markdown; the first sentence says it all */
};

extern const struct vp_variable vp_variables[VP_VARIABLE_COUNT];

/* What a value says. Of its kind: a flag or the number of a choice, seconds; a path or a text is itself. */
union vp_variable_value {
   bool flag;
   unsigned choice;
   double seconds;
};

/* False: the text is not a value of this variable. */
bool vp_variable_parse(const struct vp_variable *variable, const char *text, union vp_variable_value *value);

/* What a value may be, as in "auto, none or zstd"; empty: any text. */
void vp_variable_describe(const struct vp_variable *variable, char *out, size_t size);

/* Where vp_variable_parse is false: a sentence that names variable, value, what is allowed, and what is used. */
void vp_variable_explain(const struct vp_variable *variable, const char *text, char *out, size_t size);

/* Of the environment. NULL: it is not set, or to nothing, which is the same. */
const char *vp_variable_text(enum vp_variable_id id);

/* Of the environment; where nothing that makes sense is set, the one of the table. False: there is none. */
bool vp_variable_read(enum vp_variable_id id, union vp_variable_value *value);

/* Of a variable that has a value in the table. */
bool vp_variable_flag(enum vp_variable_id id);
unsigned vp_variable_choice(enum vp_variable_id id);
double vp_variable_seconds(enum vp_variable_id id);

#endif
