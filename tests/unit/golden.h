/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_GOLDEN_H
#define VP_UNIT_GOLDEN_H

#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The golden vectors of tests/golden, for programs that start from what is right. */

struct golden_bytes {
   uint8_t *data; /* of its exact size, for the address sanitizer; NULL: none */
   size_t size;
};

struct golden_vector {
   char name[96];
   struct golden_bytes request, reply;
};

struct golden_list {
   struct golden_vector *vectors;
   size_t count, capacity;
};

static inline struct golden_bytes golden_parse_hex(const char *text)
{
   struct golden_bytes bytes = {.size = strcspn(text, "\t\r\n") / 2};

   bytes.data = malloc(bytes.size ? bytes.size : 1);
   if (!bytes.data)
      abort();
   for (size_t i = 0; i < bytes.size; i++) {
      const char pair[] = {text[2 * i], text[2 * i + 1], 0};
      bytes.data[i] = (uint8_t)strtoul(pair, NULL, 16);
   }
   return bytes;
}

/* One more, all zeros. */
static inline struct golden_vector *golden_new(struct golden_list *list)
{
   if (list->count == list->capacity) {
      list->capacity = list->capacity ? 2 * list->capacity : 256;
      list->vectors = realloc(list->vectors, list->capacity * sizeof(*list->vectors));
      if (!list->vectors)
         abort();
   }
   struct golden_vector *vector = &list->vectors[list->count++];
   memset(vector, 0, sizeof(*vector));
   return vector;
}

static inline void golden_add_line(struct golden_list *list, const char *line)
{
   const char *request = strchr(line, '\t'), *reply = request ? strchr(request + 1, '\t') : NULL;

   if (!reply)
      return;
   struct golden_vector *vector = golden_new(list);
   vector->request = golden_parse_hex(request + 1);
   snprintf(vector->name, sizeof(vector->name), "%.*s", (int)(request - line), line);
   if (reply[1] != '-')
      vector->reply = golden_parse_hex(reply + 1);
}

static inline void golden_add_files(struct golden_list *list, const char *folder)
{
   const char *source = getenv("VP_SOURCE");
   char pattern[4096];
   glob_t found;

   snprintf(pattern, sizeof(pattern), "%s/tests/golden/%s/*.tsv", source ? source : ".", folder);
   if (glob(pattern, 0, NULL, &found) != 0)
      return;
   for (size_t i = 0; i < found.gl_pathc; i++) {
      FILE *file = fopen(found.gl_pathv[i], "r");
      char *line = NULL;
      size_t capacity = 0;
      while (file && getline(&line, &capacity, file) > 0) {
         if (line[0] != '#')
            golden_add_line(list, line);
      }
      free(line);
      if (file)
         fclose(file);
   }
   globfree(&found);
}

/* Those of Vulkan 1.3, and of 1.4 when this build knows it. The current folder or VP_SOURCE is the root of the
 * project; without it the list is empty. */
static inline struct golden_list golden_load(unsigned vulkan_minor)
{
   struct golden_list list = {0};

   golden_add_files(&list, "1.3");
   if (vulkan_minor >= 4)
      golden_add_files(&list, "1.4");
   return list;
}

static inline void golden_free(struct golden_list *list)
{
   for (size_t i = 0; i < list->count; i++) {
      free(list->vectors[i].request.data);
      free(list->vectors[i].reply.data);
   }
   free(list->vectors);
   *list = (struct golden_list){0};
}

#endif
