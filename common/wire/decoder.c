/* SPDX-License-Identifier: MIT */

/* What generated decoders call for arrays, strings and blobs: each count is checked against the bytes that are left
 * before memory is taken for it. */

#include "common/wire/decoder.h"

#include "common/wire/chain.h"

void vp_dec_fail(struct vp_decoder *dec, const char *error)
{
   if (!dec->error)
      dec->error = error;
}

const uint8_t *vp_dec_end(struct vp_decoder *dec)
{
   vp_dec_fail(dec, "the data ends inside a command");
   return NULL;
}

/* VK_IMAGE_LAYOUT_PRESENT_SRC_KHR */
#define LAYOUT_PRESENT 1000001002u

uint32_t vp_dec_image_layout(const struct vp_decoder *dec, uint32_t layout)
{
   return layout == LAYOUT_PRESENT && dec->present_layout ? dec->present_layout : layout;
}

void *vp_dec_node(struct vp_decoder *dec, uint32_t type, size_t size, void *rest, bool once)
{
   if (once && vp_chain_find(rest, (VkStructureType)type))
      vp_dec_fail(dec, "a chain has two structs of a type");
   VkBaseOutStructure *node = vp_dec_alloc(dec, 1, size);
   if (node) {
      node->sType = (VkStructureType)type;
      node->pNext = rest;
   }
   return node;
}

void vp_dec_count(struct vp_decoder *dec, uint64_t n)
{
   if (vp_dec_u64(dec) != n)
      vp_dec_fail(dec, "a fixed array has the wrong size");
}

const uint8_t *vp_dec_fixed(struct vp_decoder *dec, const uint8_t *p, void *out, size_t count, size_t size)
{
   if (vp_get_u64(&p) != count)
      vp_dec_fail(dec, "a fixed array has the wrong size");
   memcpy(out, p, count * size);
   return p + ((count * size + 3) & ~(size_t)3);
}

void vp_dec_bytes(struct vp_decoder *dec, void *out, uint64_t count, size_t size)
{
   size_t bytes;
   if (__builtin_mul_overflow(count, size, &bytes) || bytes > vp_dec_remaining(dec)) {
      vp_dec_fail(dec, "an array is longer than the data");
      return;
   }
   const uint8_t *p = vp_dec_take(dec, bytes);
   if (!p)
      return;
   if (bytes)
      memcpy(out, p, bytes);
   vp_dec_take(dec, -bytes & 3);
}

void *vp_dec_copy(struct vp_decoder *dec, const uint8_t *p, size_t size)
{
   void *copy = vp_dec_room(dec, 1, size);
   return copy ? memcpy(copy, p, size) : NULL;
}

void *vp_dec_blob(struct vp_decoder *dec, uint64_t count, size_t size)
{
   if (!vp_dec_has(dec, count, size))
      return NULL;
   const size_t bytes = (size_t)count * size;
   const uint8_t *p = vp_dec_take(dec, bytes + (-bytes & 3));
   return p ? vp_dec_copy(dec, p, bytes) : NULL;
}

const char *vp_dec_string(struct vp_decoder *dec, uint64_t count)
{
   char *text = vp_dec_blob(dec, count, 1);
   if (text)
      text[count - 1] = 0;
   return text;
}

const char *const *vp_dec_string_array(struct vp_decoder *dec, uint64_t count)
{
   if (!vp_dec_has(dec, count, 8 + 4))
      return NULL;
   const char **texts = vp_dec_alloc(dec, count, sizeof(*texts));
   for (uint64_t i = 0; texts && i < count && !dec->error; i++) {
      texts[i] = vp_dec_string(dec, vp_dec_u64(dec));
      if (!texts[i])
         vp_dec_fail(dec, "a string array has a missing string");
   }
   return texts;
}
