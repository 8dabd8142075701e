/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CTL_ASK_H
#define VP_SERVER_CTL_ASK_H

#include <stdbool.h>

/* What a server says on its control socket. */
struct ctl_answer {
   char *data;  /* for free() */
   char *lines; /* in it: what comes after the first line */
};

/* Asks the server there, which has at most timeout_ms. False after a sentence on standard error: it cannot be asked, or
 * has refused; then there is nothing to be freed. */
bool ctl_ask(const char *path, const char *request, int timeout_ms, struct ctl_answer *answer);

/* The next line, without its end; NULL: there is none. */
char *ctl_next_line(char **lines);

/* The next value of a line, which are separated by tabs; an empty one when there is none. */
char *ctl_next_value(char **line);

void ctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
