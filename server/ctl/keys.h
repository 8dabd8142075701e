/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CTL_KEYS_H
#define VP_SERVER_CTL_KEYS_H

#include <stdbool.h>

/* A file of keys (common/net/key_file.h) is replaced as a whole: at each moment the old or the new one is there. Each
 * is false after a sentence on standard error. */

/* Adds a key that nobody can guess, and prints its line, which is shown nowhere else. Makes the file if there is none.
 */
bool ctl_keys_add(const char *path, const char *identity);

/* Prints whose keys there are. */
bool ctl_keys_list(const char *path);

bool ctl_keys_revoke(const char *path, const char *identity);

#endif
