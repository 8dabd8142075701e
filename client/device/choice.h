/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_DEVICE_CHOICE_H
#define VP_CLIENT_DEVICE_CHOICE_H

struct vp_instance;
struct vp_physical_device;

/* Leaves the instance those of its GPUs that VENUS_GPU means: all without it. Says so if that is none. */
void vp_choice_apply(struct vp_instance *instance);

/* VENUS_ANNOUNCE: says on standard error that the program uses this GPU, once in a process. */
void vp_choice_announce(const struct vp_physical_device *gpu);

#endif
