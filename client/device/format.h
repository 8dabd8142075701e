/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_DEVICE_FORMAT_H
#define VP_CLIENT_DEVICE_FORMAT_H

struct vp_physical_device;
struct vp_format_table;

void vp_format_table_destroy(struct vp_format_table *table);

#endif
