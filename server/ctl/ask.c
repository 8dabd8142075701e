/* SPDX-License-Identifier: MIT */

/* One request to the control socket, and all of the answer, in a limited time. */

#include "server/ctl/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/unix_connect.h"
#include "common/util/clock.h"

#define FIRST_ROOM ((size_t)4096)
#define MAX_ROOM ((size_t)64 << 20)

void ctl_complain(const char *format, ...)
{
   va_list arguments;

   fputs("venus-ctl: ", stderr);
   va_start(arguments, format);
   vfprintf(stderr, format, arguments);
   va_end(arguments);
   fputc('\n', stderr);
}

static int connect_to(const char *path, int timeout_ms)
{
   char error[VP_SOCKET_ERROR_SIZE];
   const int fd = vp_unix_connect(path, timeout_ms, error);

   if (fd < 0 && access(path, F_OK) != 0 && errno == ENOENT)
      ctl_complain("there is no control socket %s: is the server running, or has it another one (--control)?", path);
   else if (fd < 0)
      ctl_complain("no server answers on %s: it has ended or is stopped, or it is another user's", path);
   return fd;
}

/* Room for more, and a NUL. */
static bool ask_make_room(char **data, size_t size, size_t *room)
{
   if (size + 1 < *room)
      return true;
   *room = *room ? 2 * *room : FIRST_ROOM;
   char *larger = *room <= MAX_ROOM ? realloc(*data, *room) : NULL;
   if (larger)
      *data = larger;
   return larger != NULL;
}

/* All up to the end, with a NUL behind it; NULL: it did not come in time, or is too much. */
static char *receive_all(int fd, int64_t deadline_ms)
{
   size_t size = 0, room = 0;
   char *data = NULL;
   ssize_t n = -1;

   while (ask_make_room(&data, size, &room)) {
      struct pollfd connection = {.fd = fd, .events = POLLIN};
      const int64_t left = deadline_ms - vp_clock_ms();
      if (left <= 0 || poll(&connection, 1, (int)left) <= 0)
         break;
      n = recv(fd, data + size, room - size - 1, 0);
      if (n <= 0)
         break;
      size += (size_t)n;
   }
   if (n != 0) {
      free(data);
      return NULL;
   }
   data[size] = '\0';
   return data;
}

char *ctl_next_line(char **lines)
{
   char *line = *lines, *end = strchr(line, '\n');

   if (!end)
      return NULL;
   *end = '\0';
   *lines = end + 1;
   return line;
}

char *ctl_next_value(char **line)
{
   char *value = *line, *end = value + strcspn(value, "\t");

   *line = *end ? end + 1 : end;
   *end = '\0';
   return value;
}

/* Whether its first line says that all is well. */
static bool open_answer(struct ctl_answer *answer)
{
   char *line = ctl_next_line(&answer->lines);

   if (!line)
      ctl_complain("the server has closed the connection without an answer");
   else if (strcmp(line, "ok") == 0)
      return true;
   else if (strncmp(line, "error\t", 6) == 0)
      ctl_complain("%s", line + 6);
   else
      ctl_complain("the server's answer is not understood; use the venus-ctl of its release");
   return false;
}

bool ctl_ask(const char *path, const char *request, int timeout_ms, struct ctl_answer *answer)
{
   const int64_t deadline_ms = vp_clock_ms() + timeout_ms;
   const int fd = connect_to(path, timeout_ms);

   *answer = (struct ctl_answer){0};
   if (fd < 0)
      return false;
   if (send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request))
      answer->data = receive_all(fd, deadline_ms);
   close(fd);
   answer->lines = answer->data;
   if (!answer->data)
      ctl_complain("the server does not answer on %s", path);
   else if (open_answer(answer))
      return true;
   free(answer->data);
   *answer = (struct ctl_answer){0};
   return false;
}
