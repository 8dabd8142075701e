/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_DEVICE_PRIVATE_DATA_H
#define VP_CLIENT_DEVICE_PRIVATE_DATA_H

struct vp_private_value;

/* Frees an object's private data. NULL is fine. */
void vp_private_values_destroy(struct vp_private_value *values);

#endif
