/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_SAMPLER_H
#define VP_CLIENT_SAMPLER_H

#include "client/object.h"

#include <stdbool.h>

struct vp_sampler {
   struct vp_object base;
   bool has_conversion; /* of Y'CbCr: it may take several descriptors of a pool */
};

#endif
