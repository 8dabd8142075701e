/* SPDX-License-Identifier: MIT */
#ifndef VP_CONFIG_INI_FILE_H
#define VP_CONFIG_INI_FILE_H

#include <stdbool.h>

/* Files of lines KEY = VALUE in one section, written by people, who make mistakes. A line that begins with # or ; is a
 * comment, and so is what follows a ; after a blank. */

/* Who hears what is in a file. */
struct vp_ini_listener {
   const char *section; /* in which all is to be */
   void *context;
   void (*entry)(void *context, unsigned line, const char *key, const char *value);
   /* What is wrong with a line, as a sentence; line 0: with the file. */
   void (*fault)(void *context, unsigned line, const char *what);
};

/* False: there is no such file. */
bool vp_ini_read(const char *path, const struct vp_ini_listener *listener);

#endif
