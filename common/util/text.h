/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_TEXT_H
#define VP_UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Makes text from outside fit to be shown as one line: control characters become spaces. Bytes above 0x7f (UTF-8) stay.
 */
void vp_text_make_line(char *text);

/* Writes text as one line that changes nothing on any terminal: of bytes that are no printable ASCII the number is
 * shown, as \x1b, and a line's end as \n. Cut, but not inside of one, and terminated; size must not be 0. Returns the
 * length that all of it has. */
size_t vp_text_escape(char *out, size_t size, const char *text);

/* Writes "name": "text", as JSON has it, to standard output. The text is one line, as of the two above. */
void vp_text_print_json(const char *name, const char *text);

/* Copies at most size - 1 bytes of `length` bytes at `text` (not necessarily
 * terminated; stops at a NUL), never cuts inside a UTF-8 character, and
 * terminates. size must not be 0. */
void vp_text_copy(char *out, size_t size, const char *text, size_t length);

/* Numbers are written with a point, whatever locale a program has chosen that we are part of; strtod() and printf()
 * would follow it. */

/* Digits, and perhaps a point among or before them: nothing else. */
bool vp_text_parse_decimal(const char *text, double *value);

/* Rounded to so many decimals, at most 9; for numbers from 0 to 10^9. Returns `out`. */
#define VP_TEXT_DECIMAL_SIZE 32
const char *vp_text_format_decimal(char out[VP_TEXT_DECIMAL_SIZE], double value, unsigned decimals);

#endif
