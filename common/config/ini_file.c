/* SPDX-License-Identifier: MIT */

/* Reads INI files through inih, which is given the lines one by one: it cuts long ones without a word, takes one that
 * is indented for more of the value above, and does not count them for us. */

#include "common/config/ini_file.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/descriptor.h"

struct ini_source {
   const struct vp_ini_listener *listener;
   FILE *file;
   char *line; /* getline()'s */
   size_t size;
   unsigned number; /* of the line */
};

static void ini_fault(const struct ini_source *source, const char *what)
{
   source->listener->fault(source->listener->context, source->number, what);
}

/* What inih is to see of the line: nothing of what it would misunderstand. */
static const char *ini_visible(const struct ini_source *source, size_t length, size_t room)
{
   static const char mark[] = "\xEF\xBB\xBF"; /* of UTF-8, before the first line */
   const char *text = source->line;
   char what[64];

   if (strlen(text) != length) {
      ini_fault(source, "there is a zero byte in this line");
      return "";
   }
   if (source->number == 1 && strncmp(text, mark, strlen(mark)) == 0)
      text += strlen(mark);
   text += strspn(text, " \t\r\n");
   if (strchr(";#", *text)) /* also an empty line */
      return "";
   if (*text != '[' && !strpbrk(text, "=:")) {
      ini_fault(source, "this is none of: KEY = VALUE, [SECTION], and lines that begin with #");
      return "";
   }
   if (strlen(text) >= room) {
      snprintf(what, sizeof(what), "this line is longer than %zu bytes", room - 2);
      ini_fault(source, what);
      return "";
   }
   return text;
}

/* Like fgets(). */
static char *ini_next_line(char *out, int size, void *stream)
{
   struct ini_source *source = stream;
   const ssize_t length = getline(&source->line, &source->size, source->file);

   if (length < 0)
      return NULL;
   source->number++;
   const char *visible = ini_visible(source, (size_t)length, (size_t)size);
   memcpy(out, visible, strlen(visible) + 1);
   return out;
}

static int ini_entry(void *user, const char *section, const char *key, const char *value)
{
   const struct ini_source *source = user;
   const struct vp_ini_listener *listener = source->listener;
   char what[256];

   if (strcmp(section, listener->section) == 0) {
      listener->entry(listener->context, source->number, key, value);
   } else {
      snprintf(what, sizeof(what), "\"%.60s\" is in the section [%.60s]; all that there is belongs under [%s]", key,
               section, listener->section);
      ini_fault(source, what);
   }
   return 1;
}

bool vp_ini_read(const char *path, const struct vp_ini_listener *listener)
{
   struct ini_source source = {.listener = listener, .file = vp_descriptor_read_file(path)};

   if (!source.file) {
      if (errno == ENOENT || errno == ENOTDIR)
         return false;
      ini_fault(&source, strerror(errno));
      return true;
   }
   const int status = ini_parse_stream(ini_next_line, &source, ini_entry, &source);
   const int error = errno;
   if (status > 0) {
      source.number = (unsigned)status;
      ini_fault(&source, "this is no section, which is [NAME]");
   }
   source.number = 0;
   if (status < 0 || !feof(source.file))
      ini_fault(&source, status < 0 ? "out of memory" : strerror(error));
   free(source.line);
   fclose(source.file);
   return true;
}
