/* SPDX-License-Identifier: MIT */
#include "common/util/text.h"

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
