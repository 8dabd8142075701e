/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_WORKERS_H
#define VP_SERVER_PROCESS_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/process/options.h"
#include "server/process/share_desk.h"
#include "server/process/worker_process.h"

/* A user for whose next clients workers may wait. */
struct vps_awaited {
   char cache[VPS_SHADER_CACHE_NAME_SIZE]; /* the folder of what his drivers have compiled */
   bool stale;                             /* in which there is more than those that wait know of */
};

/* The workers of the listener: those with a client, and --ready that wait for one and have loaded the driver. A driver
 * reads what it has compiled before when it is loaded, and each user has that for himself: so a worker is one user's
 * from its beginning, and those that wait are for the users who came last. A client of any other gets a new one. */
struct vps_workers {
   const struct vps_options *options;
   struct vps_worker_process *list;
   unsigned count, room;
   struct vps_awaited *awaited; /* who came last first; at most as many as --ready */
   unsigned awaited_count;
   int64_t ready_after_ms;   /* none without a client is started before */
   int64_t ready_penalty_ms; /* the last time that this was put off, because one had ended by itself; 0: not yet */
   int64_t renewal_ms;       /* when those that are stale are to be replaced; 0: not at all */
   int64_t last_renewal_ms;
   uint32_t gpus;   /* that clients get, as far as a worker has said; 0: none has yet */
   uint64_t memory; /* of these, in bytes */
   struct vps_share_desk desk;
};

/* False without memory. */
bool vps_workers_init(struct vps_workers *workers, const struct vps_options *options);

/* As many as the options say now. False without memory: then there is room for as many as before. */
bool vps_workers_make_room(struct vps_workers *workers);

/* Of no process. */
void vps_workers_finish(struct vps_workers *workers);

/* Those that take a place of --max-clients: not one whose end is awaited because nobody has come back to it. */
unsigned vps_workers_count_clients(const struct vps_workers *workers);

/* How many GPUs there are and what memory they have, as workers have found it, with no client yet; 0: not known. */
void vps_workers_find_gpus(struct vps_workers *workers, uint32_t *gpus, uint64_t *memory);

/* Gives the client at the other end of `fd`, which stays the caller's, to one that waits or to a new one. NULL with
 * errno. */
struct vps_worker_process *vps_workers_give(struct vps_workers *workers, int fd, const struct vps_client *client);

/* NULL: there is none. */
struct vps_worker_process *vps_workers_find(const struct vps_workers *workers, pid_t pid);

/* Its process has ended. Another one takes its place in the list. */
void vps_workers_remove(struct vps_workers *workers, struct vps_worker_process *worker, int wait_status);

void vps_workers_signal(const struct vps_workers *workers, int number);

/* Those without a client end. */
void vps_workers_dismiss_ready(struct vps_workers *workers);

/* Starts and replaces those without a client, one at a time. */
void vps_workers_tend(struct vps_workers *workers);

/* When that has something to do; INT64_MAX: never, as it is. */
int64_t vps_workers_due(const struct vps_workers *workers);

#endif
