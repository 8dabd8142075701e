/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_SHARE_DESK_H
#define VP_SERVER_PROCESS_SHARE_DESK_H

#include "server/process/shares.h"

/* How sessions reach what they lend each other. Each worker gets one end of a pair of sockets with its client and asks
 * there, one question at a time; the listener answers. */

struct vps_worker_process;

/* The listener's side. */
struct vps_share_desk {
   int epoll_fd; /* to be polled for reading; -1: there is none */
   uint64_t last_owner;
   struct vps_shares shares;
};

/* False with errno; sessions can lend each other nothing then. */
bool vps_share_desk_open(struct vps_share_desk *desk);
void vps_share_desk_close(struct vps_share_desk *desk);

/* A session begins: *worker_end is for its worker, and for close(). Without a desk, or on failure, the ends are -1. */
void vps_share_desk_enter(struct vps_share_desk *desk, struct vps_worker_process *worker, int *worker_end);

/* It has ended, or never began: what it lends is gone. */
void vps_share_desk_leave(struct vps_share_desk *desk, struct vps_worker_process *worker);

/* Answers what these workers ask, one question of each. */
void vps_share_desk_tend(struct vps_share_desk *desk, struct vps_worker_process *workers, unsigned count);

/* The worker's side. Each waits for the answer, a few seconds at most: without one it is VPS_SHARE_FULL, and *end
 * becomes -1, after which there is none. The descriptor that is added stays the caller's; the one that is found becomes
 * the caller's. */
enum vps_share_answer vps_share_way_add(int *end, const struct vps_share_facts *facts, int fd,
                                        struct vps_share_token *token);
enum vps_share_answer vps_share_way_find(int *end, const struct vps_share_facts *facts,
                                         const struct vps_share_token *token, int *fd);
void vps_share_way_drop(int *end, const struct vps_share_token *token);

#endif
