/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MEMORY_ACCELERATION_STRUCTURE_H
#define VP_CLIENT_MEMORY_ACCELERATION_STRUCTURE_H

#include <stdbool.h>

#include "client/link/object.h"

struct vp_connection;

struct vp_acceleration_structure {
   struct vp_object base;

   /* Under the progress lock. */
   bool has_address; /* the server has said: */
   VkDeviceAddress address;
};

/* An ADDRESS frame. */
void vp_acceleration_structure_receive_address(struct vp_connection *conn, struct vp_acceleration_structure *structure,
                                               VkDeviceAddress address);

#endif
