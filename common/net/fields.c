/* SPDX-License-Identifier: MIT */

/* Reads and writes one field after another; a reader refuses names that are not printable or not in order, and sizes
 * that do not fit. */

#include "common/net/fields.h"

#include <string.h>

static bool field_name_is_valid(const uint8_t *name, size_t size)
{
   for (size_t i = 0; i < size; i++) {
      if (name[i] <= ' ' || name[i] > '~')
         return false;
   }
   return size > 0 && size <= VP_FIELD_MAX_NAME;
}

/* Below, at or above 0, as memcmp(). */
static int field_compare_names(const char *a, size_t a_size, const char *b, size_t b_size)
{
   const int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
   return order ? order : (a_size > b_size) - (a_size < b_size);
}

void vp_field_reader_init(struct vp_field_reader *reader, const uint8_t *data, size_t size)
{
   *reader = (struct vp_field_reader){.at = data, .end = data + size};
}

/* What is wrong with a field whose bytes are all there; NULL: nothing. */
static const char *field_check(const struct vp_field_reader *reader, const struct vp_field *field)
{
   if (!field_name_is_valid((const uint8_t *)field->name, field->name_size))
      return "has a field without a proper name";
   if (!reader->last_name)
      return NULL;
   const int order = field_compare_names(reader->last_name, reader->last_name_size, field->name, field->name_size);
   return order < 0 ? NULL : order == 0 ? "has a field twice" : "has fields that are not in order";
}

bool vp_field_read(struct vp_field_reader *reader, struct vp_field *field)
{
   const size_t left = (size_t)(reader->end - reader->at);
   if (reader->error || left == 0)
      return false;
   const size_t name_size = left < VP_FIELD_HEAD_SIZE ? 0 : reader->at[1];
   const size_t size = left < VP_FIELD_HEAD_SIZE ? 0 : reader->at[2] | (size_t)reader->at[3] << 8;
   if (left < VP_FIELD_HEAD_SIZE + name_size + size) {
      reader->error = "has a field that is cut off";
      return false;
   }
   const uint8_t *name = reader->at + VP_FIELD_HEAD_SIZE;
   *field = (struct vp_field){
      .name = (const char *)name,
      .name_size = name_size,
      .value = name + name_size,
      .size = size,
      .required = reader->at[0] & VP_FIELD_REQUIRED,
   };
   reader->error = field_check(reader, field);
   reader->last_name = field->name;
   reader->last_name_size = name_size;
   reader->at = field->value + size;
   return !reader->error;
}

bool vp_field_is(const struct vp_field *field, const char *name)
{
   return field_compare_names(field->name, field->name_size, name, strlen(name)) == 0;
}

bool vp_field_write(struct vp_field_writer *writer, const struct vp_field *field)
{
   if (field->name_size > VP_FIELD_MAX_NAME || field->size > VP_FIELD_MAX_VALUE ||
       (size_t)(writer->end - writer->at) < VP_FIELD_HEAD_SIZE + field->name_size + field->size)
      return false;
   const uint8_t head[VP_FIELD_HEAD_SIZE] = {field->required ? VP_FIELD_REQUIRED : 0, (uint8_t)field->name_size,
                                             (uint8_t)field->size, (uint8_t)(field->size >> 8)};
   memcpy(writer->at, head, sizeof(head));
   memcpy(writer->at + sizeof(head), field->name, field->name_size);
   if (field->size)
      memcpy(writer->at + sizeof(head) + field->name_size, field->value, field->size);
   writer->at += sizeof(head) + field->name_size + field->size;
   return true;
}
