/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_WORKER_PROCESS_H
#define VP_SERVER_PROCESS_WORKER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/process/client.h"
#include "server/process/handover.h"
#include "server/process/options.h"
#include "server/process/session_page.h"
#include "server/process/shader_cache.h"

/* A worker process as the listener sees it. */
struct vps_worker_process {
   pid_t pid;
   int handover_fd; /* takes its client, and what it says (server/process/handover.h); -1: none */
   char cache[VPS_SHADER_CACHE_NAME_SIZE]; /* the folder of its user, whose clients alone it can have */
   struct vps_client client;               /* its client; nobody: has none */
   int64_t since_ms;                       /* when it was started, or got its client */
   struct vps_handover_news news;          /* what it has said, as of the last vps_worker_process_hear() */
   unsigned clients, most;                 /* how many there were when its client had come, and may be */
   int64_t announce_ms;           /* when the log is to say that its client has come; 0: it has, or there is none */
   bool dismissed;                /* it was told to end, because its client had not come back */
   struct vps_session_page *page; /* what it tells of its session; NULL: there is none */
   int share_fd;                  /* where it asks for what sessions lend; -1: nowhere */
   uint64_t owner;                /* the number of its session there */
   unsigned wrong_tokens;         /* so many that it has asked for are not there */
   int64_t kill_ms;               /* the operator has ended its session, and the process ends by then; or 0 */
};

/* Starts a worker that has no client yet. `cache`: the name of its folder (server/process/shader_cache.h). False with
 * errno. */
bool vps_worker_process_start(struct vps_worker_process *worker, const struct vps_options *options, const char *cache);

/* Gives it the client at the other end of `fd`, which stays the caller's to close. False with errno: it can't have it,
 * and gets no other. */
bool vps_worker_process_serve(struct vps_worker_process *worker, int fd, const struct vps_client *client);

/* Gives it another connection of its client, likewise. False with errno. */
bool vps_worker_process_resume(struct vps_worker_process *worker, int fd, const struct vps_client *client);

/* Its client has come, and is one of so many: the log is to say so. Who has come through no network and gone again
 * without a word only wanted to know whether the server is there, and gets no line but one at `debug`. */
void vps_worker_process_announce_soon(struct vps_worker_process *worker, unsigned clients, unsigned most);

/* Logs what is due of that. */
void vps_worker_process_announce(struct vps_worker_process *workers, unsigned count);

/* When one of them is to be announced; INT64_MAX: never. */
int64_t vps_worker_process_announcement_due(const struct vps_worker_process *workers, unsigned count);

/* Takes in what it has said up to now. */
void vps_worker_process_hear(struct vps_worker_process *worker);

/* Whether it serves one, or did before it ended. */
bool vps_worker_process_has_client(const struct vps_worker_process *worker);

/* Tells it to end the session of its client, and why, which that hears. */
void vps_worker_process_kick(struct vps_worker_process *worker, const char *reason);

/* It has ended: of what was shared with it nothing is left. */
void vps_worker_process_finish(struct vps_worker_process *worker);

/* A worker without a client ends. */
void vps_worker_process_dismiss(struct vps_worker_process *worker);

/* Logs that the worker has ended, how, and why as far as it has said so. `asked`: because we told it to. */
void vps_worker_process_log_end(const struct vps_worker_process *worker, int wait_status, bool asked);

#endif
