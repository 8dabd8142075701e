/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_RETURNING_H
#define VP_SERVER_PROCESS_RETURNING_H

#include <stdbool.h>

#include "common/net/resume.h"
#include "server/process/worker_process.h"

/* Whether a connection, of which the first frame is in the socket and left there, wants to go on with a session. What
 * it says is none when it makes no sense. */
bool vps_returning_peek(int fd, struct vp_resume *resume);

/* The worker that has that session, if it is this client's; NULL: there is none. Whoever is known by nothing but an
 * address may come back from another one. */
struct vps_worker_process *vps_returning_find(struct vps_worker_process *workers, unsigned count,
                                              const struct vp_resume *resume, const struct vps_client *client);

/* The worker whose client has been away for the longest time and is still waited for; NULL: all are there. */
struct vps_worker_process *vps_returning_longest_away(struct vps_worker_process *workers, unsigned count);

#endif
