/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_FIELDS_H
#define VP_NET_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Named fields: what a side says that the other one need not know of. A field is u8 flags, u8 length of its name, u16
 * length of its value, the name, the value. They are in ascending order of their names, so that none comes twice. */
#define VP_FIELD_HEAD_SIZE ((size_t)4)
#define VP_FIELD_REQUIRED 1u /* in the flags; its other bits mean nothing */
#define VP_FIELD_MAX_NAME ((size_t)64)
#define VP_FIELD_MAX_VALUE ((size_t)UINT16_MAX)

struct vp_field {
   const char *name; /* printable ASCII without spaces, and without a NUL */
   const uint8_t *value;
   size_t name_size, size;
   bool required; /* who does not know it must not go on */
};

/* Reads the fields that follow each other from `at` to `end`. */
struct vp_field_reader {
   const uint8_t *at, *end;
   const char *last_name; /* NULL: none was read yet */
   size_t last_name_size;
   const char *error; /* what is wrong with the next one: the end of a sentence; NULL: nothing */
};

void vp_field_reader_init(struct vp_field_reader *reader, const uint8_t *data, size_t size);

/* The next field, which points into the data. False after the last one, and at one that is not right, which
 * reader->error tells. */
bool vp_field_read(struct vp_field_reader *reader, struct vp_field *field);

/* Whether the field has this name. */
bool vp_field_is(const struct vp_field *field, const char *name);

/* Writes fields from `at`, up to `end`. */
struct vp_field_writer {
   uint8_t *at, *end;
};

/* The caller writes them in their order. False, and nothing is written, where there is no room or the name or the value
 * is too long. */
bool vp_field_write(struct vp_field_writer *writer, const struct vp_field *field);

#endif
