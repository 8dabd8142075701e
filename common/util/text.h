/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_TEXT_H
#define VP_UTIL_TEXT_H

#include <stddef.h>

/* Makes text from outside fit to be one line of a log: control characters
 * become spaces. Bytes above 0x7f (UTF-8) stay. */
void vp_text_make_line(char *text);

/* Copies at most size - 1 bytes of `length` bytes at `text` (not necessarily
 * terminated; stops at a NUL), never cuts inside a UTF-8 character, and
 * terminates. size must not be 0. */
void vp_text_copy(char *out, size_t size, const char *text, size_t length);

#endif
