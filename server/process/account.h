/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_ACCOUNT_H
#define VP_SERVER_PROCESS_ACCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/process/quota.h"

/* What one worker uses. It alone writes there, but for the listener when it has ended. */
struct vps_account_slot {
   _Alignas(64) _Atomic uint64_t used[VPS_QUOTAS];
};

/* What the workers of one user use, in memory that they share: what a worker had is free again when the listener has
 * seen it end, however it ended. Nothing in it is trusted by anybody but them: it can be of no use but to the user. */
struct vps_account {
   struct vps_account_slot *head;  /* of the mapping: its first number is how many slots were ever used; NULL: none */
   struct vps_account_slot *slots; /* behind it */
   unsigned count;                 /* room for so many */
};

/* Makes one, in a file without a name whose size nobody can change. Returns its descriptor, or -1 with errno. */
int vps_account_create(struct vps_account *account, unsigned slots);

/* The account in such a file of another process. False with errno. */
bool vps_account_open(struct vps_account *account, int fd);

void vps_account_close(struct vps_account *account);

/* For the listener: this slot is nobody's, or that of a worker which is about to start. */
void vps_account_clear(struct vps_account *account, unsigned slot);

/* What all of them use together. */
uint64_t vps_account_sum(const struct vps_account *account, enum vps_quota quota);

/* How many of them have done something with their connections lately, at least 1. */
unsigned vps_account_count_busy(const struct vps_account *account, int64_t now_ms);

#endif
