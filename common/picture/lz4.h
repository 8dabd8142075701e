/* SPDX-License-Identifier: MIT */
#ifndef VP_PICTURE_LZ4_H
#define VP_PICTURE_LZ4_H

/* liblz4, opened when it is first asked for: neither side depends on it. The functions are as in lz4.h. */
struct vp_lz4 {
   int (*bound)(int size);
   int (*compress)(const char *source, char *target, int size, int capacity);
   int (*decompress)(const char *source, char *target, int size, int capacity); /* never writes beyond the capacity */
};

/* NULL when it is not installed. Thread-safe. */
const struct vp_lz4 *vp_lz4_load(void);

#endif
