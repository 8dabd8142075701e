/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_QUOTA_H
#define VP_SERVER_CORE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "server/process/quota.h"

struct vps_client;
struct vps_options;

/* What this process, which has one client, uses, and what it and its user may have. Before the start, and in programs
 * that have no options, all is counted and nothing refused. All functions may be called by any thread. */

/* Once, before there is a session. Takes over the file of the user's account. False when there is one and it cannot be
 * used. */
bool vps_quota_start(const struct vps_options *options, const struct vps_client *client);

/* Takes so much more of one. False, and nothing is taken: it is more than what is left. */
bool vps_quota_take(enum vps_quota quota, uint64_t amount);
void vps_quota_give(enum vps_quota quota, uint64_t amount);

/* Logs that something was refused because of it, not often. */
void vps_quota_report(enum vps_quota quota);

/* For what is noted when it is there, and was asked for before. */
void vps_quota_note(enum vps_quota quota, uint64_t amount);
bool vps_quota_has_room(enum vps_quota quota, uint64_t amount);

/* What is used is not a sum but something that is measured. */
void vps_quota_set(enum vps_quota quota, uint64_t used);

/* VPS_QUOTA_NONE: there is no limit. */
uint64_t vps_quota_left(enum vps_quota quota);

/* The smaller limit of the two. */
uint64_t vps_quota_limit(enum vps_quota quota);

/* Of VPS_QUOTA_BANDWIDTH: the client's, or its part of the user's. */
uint64_t vps_quota_rate(int64_t now_ms);

#endif
