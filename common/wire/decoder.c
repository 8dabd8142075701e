/* SPDX-License-Identifier: MIT */
#include "common/wire/decoder.h"

void vp_dec_fail(struct vp_decoder *dec, const char *error)
{
   if (!dec->error)
      dec->error = error;
}

/* The next size bytes, or NULL. */
static const uint8_t *take(struct vp_decoder *dec, size_t size)
{
   if (dec->error)
      return NULL;
   if (vp_dec_remaining(dec) < size) {
      vp_dec_fail(dec, "the data ends inside a command");
      return NULL;
   }
   const uint8_t *p = dec->cur;
   dec->cur += size;
   return p;
}

static void take_value(struct vp_decoder *dec, void *value, size_t size)
{
   const uint8_t *p = take(dec, size);
   if (p)
      memcpy(value, p, size);
}

uint32_t vp_dec_u32(struct vp_decoder *dec)
{
   uint32_t value = 0;
   take_value(dec, &value, sizeof(value));
   return value;
}

uint64_t vp_dec_u64(struct vp_decoder *dec)
{
   uint64_t value = 0;
   take_value(dec, &value, sizeof(value));
   return value;
}

/* VK_IMAGE_LAYOUT_PRESENT_SRC_KHR */
#define LAYOUT_PRESENT 1000001002u

uint32_t vp_dec_image_layout(struct vp_decoder *dec)
{
   const uint32_t layout = vp_dec_u32(dec);
   return layout == LAYOUT_PRESENT && dec->present_layout ? dec->present_layout : layout;
}

float vp_dec_f32(struct vp_decoder *dec)
{
   float value = 0;
   take_value(dec, &value, sizeof(value));
   return value;
}

double vp_dec_f64(struct vp_decoder *dec)
{
   double value = 0;
   take_value(dec, &value, sizeof(value));
   return value;
}

bool vp_dec_flag(struct vp_decoder *dec)
{
   const uint64_t count = vp_dec_u64(dec);
   if (count > 1)
      vp_dec_fail(dec, "a single pointer has a count above 1");
   return count == 1 && !dec->error;
}

uint64_t vp_dec_handle(struct vp_decoder *dec, int32_t type)
{
   const uint64_t id = vp_dec_u64(dec);
   return id ? dec->find_handle(dec, type, id) : 0;
}

uint64_t vp_dec_new_handle(struct vp_decoder *dec, int32_t type)
{
   const uint64_t id = vp_dec_u64(dec);
   return id ? dec->new_handle(dec, type, id) : 0;
}

void vp_dec_reply_handle(struct vp_decoder *dec, void *handle, size_t size)
{
   const uint64_t id = vp_dec_u64(dec);
   if (dec->keep_ids && !dec->error)
      memcpy(handle, &id, size);
}

void vp_dec_count(struct vp_decoder *dec, uint64_t n)
{
   if (vp_dec_u64(dec) != n)
      vp_dec_fail(dec, "a fixed array has the wrong size");
}

uint64_t vp_dec_array_count(struct vp_decoder *dec, size_t wire_size)
{
   const uint64_t count = vp_dec_u64(dec);
   if (wire_size && count > vp_dec_remaining(dec) / wire_size) {
      vp_dec_fail(dec, "an array is longer than the data");
      return 0;
   }
   return dec->error ? 0 : count;
}

void vp_dec_check_count(struct vp_decoder *dec, uint64_t count, uint64_t expected, bool may_be_null)
{
   if (count != expected && !(count == 0 && may_be_null))
      vp_dec_fail(dec, "an array's size is not what its struct says");
}

void *vp_dec_alloc(struct vp_decoder *dec, uint64_t count, size_t size)
{
   if (dec->error)
      return NULL;
   void *memory = count <= SIZE_MAX ? vp_arena_alloc_array(dec->arena, (size_t)count, size) : NULL;
   if (!memory)
      vp_dec_fail(dec, "a command needs too much temporary memory");
   return memory;
}

void vp_dec_bytes(struct vp_decoder *dec, void *out, uint64_t count, size_t size)
{
   size_t bytes;
   if (__builtin_mul_overflow(count, size, &bytes) || bytes > vp_dec_remaining(dec)) {
      vp_dec_fail(dec, "an array is longer than the data");
      return;
   }
   const uint8_t *p = take(dec, bytes);
   if (!p)
      return;
   if (bytes)
      memcpy(out, p, bytes);
   take(dec, -bytes & 3);
}

void *vp_dec_blob(struct vp_decoder *dec, size_t size, uint64_t *count)
{
   *count = vp_dec_array_count(dec, size);
   if (!*count)
      return NULL;
   void *out = vp_dec_alloc(dec, *count, size);
   if (out)
      vp_dec_bytes(dec, out, *count, size);
   return out;
}

const char *vp_dec_string(struct vp_decoder *dec)
{
   uint64_t count;
   char *text = vp_dec_blob(dec, 1, &count);
   if (text)
      text[count - 1] = 0;
   return text;
}

const char *const *vp_dec_string_array(struct vp_decoder *dec, uint64_t *count)
{
   *count = vp_dec_array_count(dec, 8 + 4);
   if (!*count)
      return NULL;
   const char **texts = vp_dec_alloc(dec, *count, sizeof(*texts));
   for (uint64_t i = 0; texts && i < *count && !dec->error; i++) {
      texts[i] = vp_dec_string(dec);
      if (!texts[i])
         vp_dec_fail(dec, "a string array has a missing string");
   }
   return texts;
}
