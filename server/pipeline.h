/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_H
#define VP_SERVER_PIPELINE_H

struct vps_object;
struct vps_stores;

/* What the shaders of a pipeline may write to. */
const struct vps_stores *vps_pipeline_stores(const struct vps_object *pipeline);

#endif
