/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_QUOTA_H
#define VP_SERVER_PROCESS_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

/* What a client may have only so much of. */
enum vps_quota {
   VPS_QUOTA_DEVICE_MEMORY, /* bytes, of all heaps and GPUs together */
   VPS_QUOTA_ALLOCATIONS,   /* of device memory */
   VPS_QUOTA_HOST_MEMORY,   /* bytes that its worker has beside what maps files */
   VPS_QUOTA_OBJECTS,
   VPS_QUOTA_THREADS, /* of the server's own, for queues, swapchains, recordings and pipelines */
   VPS_QUOTA_SWAPCHAINS,
   VPS_QUOTA_PICTURES,  /* that can be on their way from a swapchain to the client */
   VPS_QUOTA_BANDWIDTH, /* bytes in a second, both ways together */
};
#define VPS_QUOTAS 8u

/* No limit. */
#define VPS_QUOTA_NONE UINT64_MAX

struct vps_quota_limits {
   uint64_t of[VPS_QUOTAS];
};

/* clang-format off */
#define VPS_QUOTA_UNLIMITED {{VPS_QUOTA_NONE, VPS_QUOTA_NONE, VPS_QUOTA_NONE, VPS_QUOTA_NONE, \
                              VPS_QUOTA_NONE, VPS_QUOTA_NONE, VPS_QUOTA_NONE, VPS_QUOTA_NONE}}
/* clang-format on */

/* What a client may have, and all clients of one user together, if --quota and --user-quota do not say otherwise. */
extern const struct vps_quota_limits vps_client_quota, vps_user_quota;

/* Reads "device-memory=8G,objects=none": what is not named stays as it is. False when it cannot be understood. */
bool vps_quota_parse(struct vps_quota_limits *limits, const char *text);

/* Whether there is a limit at all. */
bool vps_quota_is_set(const struct vps_quota_limits *limits);

/* As in the option. */
const char *vps_quota_name(enum vps_quota quota);

#endif
