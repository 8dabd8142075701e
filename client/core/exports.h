/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_EXPORTS_H
#define VP_CLIENT_CORE_EXPORTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "client/link/token.h"

struct pollfd;
struct vp_physical_device;

/* What applications have descriptors of, to tell the server when they have closed them. Starts zeroed, then init. */
struct vp_exports {
   pthread_mutex_t lock; /* of what follows */
   VkTokenVP *tokens;
   struct pollfd *ends; /* of the pairs; as many */
   uint32_t room;
   atomic_uint count;
   _Atomic int64_t due_ns; /* when they are looked at again on the way */
};

void vp_exports_init(struct vp_exports *exports);
void vp_exports_finish(struct vp_exports *exports);

/* A descriptor for a token, which is the caller's. -1 without memory or descriptors: the token is given back. */
int vp_exports_add(struct vp_physical_device *gpu, enum vp_token_kind kind, const VkTokenVP *token);

/* Gives back the tokens whose descriptors are closed everywhere. */
void vp_exports_sweep(struct vp_physical_device *gpu);

/* The same where much happens: ten times a second at most. */
void vp_exports_tend(struct vp_physical_device *gpu);

/* Why a descriptor could not be imported, in one line of the log; the server's number for it, see PROTOCOL.md. */
void vp_exports_log_refusal(const struct vp_physical_device *gpu, const char *what, uint32_t reason);

#endif
