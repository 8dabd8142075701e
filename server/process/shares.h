/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_SHARES_H
#define VP_SERVER_PROCESS_SHARES_H

#include <stdbool.h>
#include <stdint.h>

#include "server/process/client.h"

/* What sessions lend each other: descriptors of drivers, each under a secret that its client was told, for whoever has
 * that and is the same user's. */

#define VPS_SECRET_SIZE 16
#define VPS_GPU_SIZE 32 /* UUIDs of the device and of its driver */

enum vps_share_kind { VPS_SHARE_MEMORY = 1, VPS_SHARE_SEMAPHORE, VPS_SHARE_FENCE };

/* What a driver trusts who imports with: both sides must say the same. */
struct vps_share_facts {
   uint32_t kind;
   uint32_t type; /* of a memory, its number; of a semaphore, VkSemaphoreType */
   uint64_t size; /* of a memory */
   uint8_t gpu[VPS_GPU_SIZE];
};

struct vps_share_token {
   uint8_t server[VPS_SECRET_SIZE]; /* tells this store from all others */
   uint8_t secret[VPS_SECRET_SIZE];
};

/* Numbers of the protocol. */
enum vps_share_answer {
   VPS_SHARE_OK,
   VPS_SHARE_ELSEWHERE, /* the token is another store's */
   VPS_SHARE_UNKNOWN,   /* there is none, not any more, or it is another user's */
   VPS_SHARE_UNLIKE,    /* the facts differ */
   VPS_SHARE_FULL,      /* no room for another one */
   VPS_SHARE_TIRED,     /* this session has asked for too many that are not there */
   VPS_SHARE_DRIVER,    /* of the worker: the driver does not take it */
};

struct vps_share;

/* Starts zeroed, then init. */
struct vps_shares {
   uint8_t server[VPS_SECRET_SIZE];
   struct vps_share *list;
   unsigned count, room, room_for_one;
};

/* Room for so many descriptors in all, and of one session; one user has twice as many as a session. False without
 * memory or random numbers. */
bool vps_shares_init(struct vps_shares *shares, unsigned room, unsigned room_for_one);

/* Closes them all. */
void vps_shares_finish(struct vps_shares *shares);

/* Takes over the descriptor, also on failure. */
enum vps_share_answer vps_shares_add(struct vps_shares *shares, uint64_t owner, const char *user,
                                     const struct vps_share_facts *facts, int fd, struct vps_share_token *token);

/* *fd stays the store's. It takes the same time whatever the secret is. */
enum vps_share_answer vps_shares_find(const struct vps_shares *shares, const char *user,
                                      const struct vps_share_facts *facts, const struct vps_share_token *token,
                                      int *fd);

/* One of this session's, or all of them. */
void vps_shares_drop(struct vps_shares *shares, uint64_t owner, const struct vps_share_token *token);
void vps_shares_drop_all(struct vps_shares *shares, uint64_t owner);

#endif
