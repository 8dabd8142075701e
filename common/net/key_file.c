/* SPDX-License-Identifier: MIT */

/* Reads files of shared keys strictly: what could be meant otherwise is refused, with its line. */

#include "common/net/key_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/secret_file.h"

#define MAX_IDENTITY ((size_t)VP_KEY_IDENTITY_SIZE - 1)
#define MAX_LINE (MAX_IDENTITY + 1 + (size_t)2 * VP_KEY_MAX_BYTES)

bool vp_key_is_identity(const char *text, size_t length)
{
   if (length == 0 || length > MAX_IDENTITY || text[0] == '#')
      return false;
   for (size_t i = 0; i < length; i++) {
      if (text[i] <= ' ' || text[i] > '~' || text[i] == ':' || text[i] == ',')
         return false;
   }
   return true;
}

static int hex_value(char c)
{
   if (c >= '0' && c <= '9')
      return c - '0';
   if (c >= 'a' && c <= 'f')
      return c - 'a' + 10;
   return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* NULL, or what is wrong. */
static const char *parse_key(struct vp_key *key, const char *hex, size_t length)
{
   if (length % 2 != 0)
      return "the key is not of whole bytes in hexadecimal";
   if (length > (size_t)2 * VP_KEY_MAX_BYTES)
      return "the key is longer than 64 bytes";
   for (size_t i = 0; i < length; i++) {
      if (hex_value(hex[i]) < 0)
         return "the key is not hexadecimal";
   }
   if (length < (size_t)2 * VP_KEY_MIN_BYTES)
      return "the key is shorter than 16 bytes, which can be guessed";
   key->size = (uint8_t)(length / 2);
   for (size_t i = 0; i < key->size; i++)
      key->bytes[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
   return NULL;
}

/* NULL, or what is wrong. There is room for one more key. */
static const char *parse_line(struct vp_key_file *file, const char *line, size_t length)
{
   struct vp_key *key = &file->keys[file->count];
   const char *colon = memchr(line, ':', length);

   if (memchr(line, 0, length))
      return "it has a zero byte";
   if (length == 0 || line[0] == '#')
      return NULL;
   if (length > MAX_LINE)
      return "it is longer than identity:hexkey may be";
   if (!colon)
      return "it is not identity:hexkey";
   const size_t identity = (size_t)(colon - line);
   if (!vp_key_is_identity(line, identity))
      return "the identity is not 1 to 64 printable characters without ',' and space";
   memcpy(key->identity, line, identity);
   if (vp_key_file_find(file, key->identity))
      return "its identity has a key already";
   const char *fault = parse_key(key, colon + 1, length - identity - 1);
   file->count += !fault;
   return fault;
}

static size_t count_line_ends(const uint8_t *data, size_t size)
{
   size_t count = 0;

   for (size_t i = 0; i < size; i++)
      count += data[i] == '\n';
   return count;
}

bool vp_key_file_parse(struct vp_key_file *file, const uint8_t *data, size_t size, char *error, size_t error_size)
{
   const char *text = (const char *)data, *fault = NULL;
   size_t at = 0, line = 0;

   *file = (struct vp_key_file){.keys = calloc(count_line_ends(data, size) + 1, sizeof(*file->keys))};
   if (!file->keys) {
      snprintf(error, error_size, "there is no memory for its keys");
      return false;
   }
   while (at < size && !fault) {
      const char *end = memchr(text + at, '\n', size - at);
      const size_t length = end ? (size_t)(end - text) - at : size - at;
      line++;
      fault = parse_line(file, text + at, length);
      at += length + 1;
   }
   if (fault)
      snprintf(error, error_size, "line %zu: %s", line, fault);
   else if (file->count == 0)
      snprintf(error, error_size, "it has no key; lines are identity:hexkey");
   if (!fault && file->count > 0)
      return true;
   file->count += fault != NULL; /* the line that was begun is to be wiped, too */
   vp_key_file_finish(file);
   return false;
}

bool vp_key_file_load(struct vp_key_file *file, const char *path, char *error, size_t error_size)
{
   struct vp_secret secret;
   char fault[128];

   if (!vp_secret_read(&secret, path, error, error_size))
      return false;
   const bool ok = vp_key_file_parse(file, secret.data, secret.size, fault, sizeof(fault));
   if (!ok)
      snprintf(error, error_size, "%.200s: %s", path, fault);
   vp_secret_finish(&secret);
   return ok;
}

const struct vp_key *vp_key_file_find(const struct vp_key_file *file, const char *identity)
{
   const struct vp_key *found = NULL;
   char padded[VP_KEY_IDENTITY_SIZE] = "";
   const size_t length = strnlen(identity, VP_KEY_IDENTITY_SIZE);

   memcpy(padded, identity, length < VP_KEY_IDENTITY_SIZE ? length : 0);
   for (size_t i = 0; i < file->count; i++) {
      uint8_t difference = 0;
      for (size_t k = 0; k < sizeof(padded); k++)
         difference |= (uint8_t)(padded[k] ^ file->keys[i].identity[k]);
      if (difference == 0)
         found = &file->keys[i];
   }
   return found;
}

void vp_key_file_finish(struct vp_key_file *file)
{
   if (file->keys)
      explicit_bzero(file->keys, file->count * sizeof(*file->keys));
   free(file->keys);
   *file = (struct vp_key_file){0};
}
