/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_SAMPLER_H
#define VP_CLIENT_PIPELINE_SAMPLER_H

#include <stdbool.h>

#include "client/link/object.h"

struct vp_sampler {
   struct vp_object base;
   bool has_conversion; /* of Y'CbCr: it may take several descriptors of a pool */
};

#endif
