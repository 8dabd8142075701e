/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_DESCRIPTOR_SET_H
#define VP_CLIENT_PIPELINE_DESCRIPTOR_SET_H

#include "client/link/object.h"

struct vp_descriptor_set_layout;
struct vp_descriptor_writer;
struct vp_device;

struct vp_descriptor_set {
   struct vp_object base;
   struct vp_descriptor_set_layout *layout; /* a reference */
   uint32_t variable_count;                 /* descriptors in the variable binding, if there is one */
   struct vp_descriptor_set *prev, *next;   /* in the pool */
};

/* Frees the client's side and gives the id back. */
void vp_descriptor_set_destroy(struct vp_device *device, struct vp_descriptor_set *set);

/* How long the variable binding of one of the sets is to be. */
uint32_t vp_descriptor_set_variable_count(const VkDescriptorSetAllocateInfo *info, uint32_t index);

/* Makes a writer say its writes to descriptor sets of the device. */
void vp_descriptor_set_writer_init(struct vp_descriptor_writer *writer, struct vp_device *device);

#endif
