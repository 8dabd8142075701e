/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/net/fields.h"
#include "tests/unit/check.h"

/* Reads all fields, of which there must be so many, from memory of the exact size. Returns what is wrong. */
static const char *read_all(const void *data, size_t size, unsigned count)
{
   struct vp_field_reader reader;
   struct vp_field field;
   unsigned read = 0;
   uint8_t *copy = malloc(size + !size);
   if (!copy)
      abort();
   memcpy(copy, data, size);
   vp_field_reader_init(&reader, copy, size);
   while (vp_field_read(&reader, &field))
      read++;
   CHECK(read == count);
   CHECK(!vp_field_read(&reader, &field)); /* nor later */
   free(copy);
   return reader.error;
}

#define READ(text, count) read_all(text, sizeof(text) - 1, count)

static bool says(const char *error, const char *what)
{
   return error && strstr(error, what);
}

static void test_reading(void)
{
   static const char data[] = "\0\1\0\0a"
                              "\1\2\3\0abxyz"
                              "\xfe\1\1\0b!";
   struct vp_field_reader reader;
   struct vp_field field;

   vp_field_reader_init(&reader, (const uint8_t *)data, sizeof(data) - 1);
   CHECK(vp_field_read(&reader, &field) && vp_field_is(&field, "a") && !field.required && field.size == 0);
   CHECK(vp_field_read(&reader, &field) && vp_field_is(&field, "ab") && field.required && field.size == 3);
   CHECK(memcmp(field.value, "xyz", 3) == 0 && !vp_field_is(&field, "a") && !vp_field_is(&field, "abc"));
   CHECK(vp_field_read(&reader, &field) && vp_field_is(&field, "b") && !field.required && field.value[0] == '!');
   CHECK(!vp_field_read(&reader, &field) && !reader.error);
   CHECK(!READ("", 0));
}

static void test_truncated(void)
{
   static const char data[] = "\0\3\5\0abc12345";

   CHECK(!read_all(data, sizeof(data) - 1, 1));
   for (size_t size = 1; size < sizeof(data) - 1; size++)
      CHECK(says(read_all(data, size, 0), "cut off"));
   CHECK(says(READ("\0\1\xff\xff"
                   "a1234",
                   0),
              "cut off"));
   CHECK(says(READ("\0\1\0\0a"
                   "\0\1\0",
                   1),
              "cut off"));
}

static void test_names(void)
{
   CHECK(says(READ("\0\1\0\0a"
                   "\0\1\0\0a",
                   1),
              "twice"));
   CHECK(says(READ("\0\1\0\0b"
                   "\0\1\0\0a",
                   1),
              "order"));
   CHECK(says(READ("\0\2\0\0ab"
                   "\0\1\0\0a",
                   1),
              "order"));
   CHECK(says(READ("\0\0\1\0x", 0), "proper name"));
   CHECK(says(READ("\0\3\0\0a b", 0), "proper name"));
   CHECK(says(READ("\0\2\0\0a\n", 0), "proper name"));
   CHECK(says(READ("\0\2\0\0a\xc3", 0), "proper name"));
}

/* The longest name and value that there may be, and longer ones. */
static void test_too_long(void)
{
   static uint8_t out[VP_FIELD_HEAD_SIZE + VP_FIELD_MAX_NAME + VP_FIELD_MAX_VALUE + 2], value[VP_FIELD_MAX_VALUE + 1];
   char name[VP_FIELD_MAX_NAME + 2];
   struct vp_field field = {.name = name, .value = value, .name_size = VP_FIELD_MAX_NAME, .size = VP_FIELD_MAX_VALUE};

   memset(name, 'n', sizeof(name));
   const size_t size = VP_FIELD_HEAD_SIZE + field.name_size + field.size;
   struct vp_field_writer writer = {.at = out, .end = out + size - 1};
   CHECK(!vp_field_write(&writer, &field) && writer.at == out);
   writer.end = out + sizeof(out);
   CHECK(vp_field_write(&writer, &field) && writer.at == out + size);
   CHECK(!read_all(out, size, 1));

   field.size++;
   CHECK(!vp_field_write(&writer, &field) && writer.at == out + size);
   field.size = 0;
   field.name_size++;
   CHECK(!vp_field_write(&writer, &field) && writer.at == out + size);
   out[1] = (uint8_t)field.name_size;
   out[2] = out[3] = 0;
   out[VP_FIELD_HEAD_SIZE + VP_FIELD_MAX_NAME] = 'n';
   CHECK(says(read_all(out, VP_FIELD_HEAD_SIZE + field.name_size, 0), "proper name"));
}

static void test_writing(void)
{
   static const char expected[] = "\0\1\0\0a"
                                  "\1\2\3\0abxyz";
   uint8_t out[sizeof(expected) - 1];
   struct vp_field_writer writer = {.at = out, .end = out + sizeof(out)};

   CHECK(vp_field_write(&writer, &(struct vp_field){.name = "a", .name_size = 1}));
   CHECK(vp_field_write(
      &writer,
      &(struct vp_field){.name = "ab", .name_size = 2, .value = (const uint8_t *)"xyz", .size = 3, .required = true}));
   CHECK(writer.at == writer.end && memcmp(out, expected, sizeof(out)) == 0);
   CHECK(!vp_field_write(&writer, &(struct vp_field){.name = "b", .name_size = 1}));
}

int main(void)
{
   test_reading();
   test_truncated();
   test_names();
   test_too_long();
   test_writing();
   return check_finish();
}
