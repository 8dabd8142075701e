/* SPDX-License-Identifier: MIT */

/* Makes text fit to be shown, cuts it in UTF-8, and reads and writes decimal numbers in the same way in every locale.
 */

#include "common/util/text.h"

#include <stdio.h>
#include <string.h>

void vp_text_make_line(char *text)
{
   for (; *text; text++) {
      if ((unsigned char)*text < 0x20 || *text == 0x7f)
         *text = ' ';
   }
}

/* Of one byte. Returns how many characters. */
static size_t escape_byte(char out[4], unsigned char byte)
{
   static const char digits[] = "0123456789abcdef";

   if (byte >= 0x20 && byte < 0x7f) {
      out[0] = (char)byte;
      return 1;
   }
   out[0] = '\\';
   out[1] = byte == '\n' ? 'n' : 'x';
   out[2] = digits[byte >> 4];
   out[3] = digits[byte & 15];
   return byte == '\n' ? 2 : 4;
}

size_t vp_text_escape(char *out, size_t size, const char *text)
{
   size_t needed = 0, length = 0;

   for (; *text; text++) {
      char escaped[4];
      const size_t more = escape_byte(escaped, (unsigned char)*text);
      if (length == needed && more < size - length) {
         memcpy(out + length, escaped, more);
         length += more;
      }
      needed += more;
   }
   out[length] = '\0';
   return needed;
}

void vp_text_print_json(const char *name, const char *text)
{
   printf("\"%s\": \"", name);
   for (; *text; text++) {
      if (*text == '"' || *text == '\\')
         putchar('\\');
      putchar(*text);
   }
   putchar('"');
}

void vp_text_copy(char *out, size_t size, const char *text, size_t length)
{
   length = strnlen(text, length);
   if (length >= size) {
      length = size - 1;
      /* text[length] is the first byte left out: step back to the start of its character. */
      while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
         length--;
   }
   memcpy(out, text, length);
   out[length] = '\0';
}

bool vp_text_parse_decimal(const char *text, double *value)
{
   double number = 0, unit = 1;
   bool any = false, point = false;
   for (; *text; text++) {
      if (*text == '.' && !point) {
         point = true;
         continue;
      }
      if (*text < '0' || *text > '9')
         return false;
      any = true;
      number = number * 10 + (*text - '0');
      unit = point ? unit * 10 : 1;
   }
   *value = number / unit;
   return any;
}

const char *vp_text_format_decimal(char out[VP_TEXT_DECIMAL_SIZE], double value, unsigned decimals)
{
   unsigned long long unit = 1;
   for (unsigned i = 0; i < decimals; i++)
      unit *= 10;
   const unsigned long long number = (unsigned long long)(value * (double)unit + 0.5);
   if (decimals)
      snprintf(out, VP_TEXT_DECIMAL_SIZE, "%llu.%0*llu", number / unit, (int)decimals, number % unit);
   else
      snprintf(out, VP_TEXT_DECIMAL_SIZE, "%llu", number);
   return out;
}
