/* SPDX-License-Identifier: MIT */
#include "common/picture/lz4.h"

#include <pthread.h>
#include <stddef.h>

#include "common/util/library.h"

static struct vp_lz4 functions;
static const struct vp_lz4 *loaded;

static void load(void)
{
   const struct vp_symbol symbols[] = {
      {"LZ4_compressBound", &functions.bound},
      {"LZ4_compress_default", &functions.compress},
      {"LZ4_decompress_safe", &functions.decompress},
      {NULL, NULL},
   };
   if (vp_library_load("liblz4.so.1", symbols))
      loaded = &functions;
}

const struct vp_lz4 *vp_lz4_load(void)
{
   static pthread_once_t once = PTHREAD_ONCE_INIT;

   pthread_once(&once, load);
   return loaded;
}
