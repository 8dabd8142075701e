/* SPDX-License-Identifier: MIT */

/* Text that grows by doubling, up to a limit. */

#include "server/control/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_ROOM ((size_t)4096)

/* Whether there is room for so many more bytes, and a NUL. */
static bool answer_make_room(struct vps_answer *answer, size_t more)
{
   size_t room = answer->room ? answer->room : FIRST_ROOM;

   if (answer->size + more < answer->room)
      return true;
   while (room <= answer->size + more && room < VPS_ANSWER_MAX_SIZE)
      room *= 2;
   char *data = room > answer->size + more ? realloc(answer->data, room) : NULL;
   if (!data)
      return false;
   answer->data = data;
   answer->room = room;
   return true;
}

void vps_answer_add(struct vps_answer *answer, const char *format, ...)
{
   va_list arguments, again;

   va_start(arguments, format);
   va_copy(again, arguments);
   const int length = vsnprintf(NULL, 0, format, arguments);
   if (!answer->failed && length >= 0 && (size_t)length < VPS_ANSWER_MAX_SIZE &&
       answer_make_room(answer, (size_t)length))
      answer->size += (size_t)vsnprintf(answer->data + answer->size, answer->room - answer->size, format, again);
   else
      answer->failed = true;
   va_end(again);
   va_end(arguments);
}

void vps_answer_finish(struct vps_answer *answer)
{
   free(answer->data);
   *answer = (struct vps_answer){0};
}
