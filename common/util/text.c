/* SPDX-License-Identifier: MIT */

/* Cleans and cuts text in UTF-8, and reads and writes decimal numbers in the same way in every locale. */

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
