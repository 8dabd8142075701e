/* SPDX-License-Identifier: MIT */
#ifndef VP_PICTURE_PLANES_H
#define VP_PICTURE_PLANES_H

#include <stddef.h>
#include <stdint.h>

/* Pictures as video codecs take them: a plane of brightness, then two of colour with half its width and height (4:2:0,
 * BT.709, full range), without gaps. Sizes are rounded up, the outermost pixels being repeated. server/wsi/planes.comp
 * does the same as vp_planes_make, to the last bit. */
struct vp_planes {
   uint32_t width, height; /* even */
   uint32_t stride;        /* of the first plane, a multiple of 8; of the others half of it */
   size_t colour[2];       /* where the planes of colour begin, blue first */
   size_t size;            /* of all */
};

/* For a picture of this size, at most VP_PICTURE_MAX each way. */
static inline struct vp_planes vp_planes_of(uint32_t width, uint32_t height)
{
   const uint32_t even_height = (height + 1) / 2 * 2, stride = (width + 7) / 8 * 8;
   const size_t first = (size_t)stride * even_height;

   return (struct vp_planes){
      .width = (width + 1) / 2 * 2,
      .height = even_height,
      .stride = stride,
      .colour = {first, first + first / 4},
      .size = first + first / 2,
   };
}

/* Makes planes of pixels that lie without gaps: 8 bits each of blue, green, red, and one that does not count. */
void vp_planes_make(const uint8_t *pixels, uint32_t width, uint32_t height, uint8_t *out);

/* The other way, from planes that lie anywhere with any distance between their rows; the last byte of each pixel
 * becomes 255. */
void vp_planes_draw(const uint8_t *const planes[3], const int strides[3], uint32_t width, uint32_t height,
                    uint8_t *pixels);

#endif
