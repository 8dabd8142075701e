/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_H
#define VP_SERVER_PIPELINE_H

#include <stdbool.h>

struct vps_object;

/* Whether a pipeline's shaders certainly do not write to buffers or images. */
bool vps_pipeline_only_reads(const struct vps_object *pipeline);

#endif
