/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SESSION_WATCHDOG_H
#define VP_SERVER_SESSION_WATCHDOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vps_frame_writer;
struct vps_resumption;

/* A thread that looks after the worker while the executing thread is busy, maybe for ever, in the driver. */
struct vps_watchdog {
   struct vps_frame_writer *writer;
   struct vps_resumption *resumption;
   int64_t
      gone_deadline_ms; /* the thread's: the client must be there again, or the worker have ended; 0: it is there */
   pthread_t thread;
   int signal_fd, stop_fd;
   atomic_bool over; /* it has ended the session: the client was told if it reads, and nothing more is read from it */

   /* vp_clock_ms(); 0: none */
   _Atomic(int64_t) greeting_deadline_ms; /* the client must have said hello */
   _Atomic(int64_t) end_deadline_ms;      /* the worker must have ended */
};

/* Starts the thread; it
 *  - tells the client every two seconds that we are alive,
 *  - ends the connection when the client has not said hello in time,
 *  - ends it when vps_frame_writer_end says so or on SIGTERM, which no other thread may take: with an ERROR frame, or
 *    without one when the client does not read,
 *  - gives the channel another connection when the client has come back over one,
 *  - ends the process when the client is gone and not back in time, or the end was announced, and it does not end by
 * itself in time. It waits for nobody, neither to send something nor for a lock. False with a log line. */
bool vps_watchdog_start(struct vps_watchdog *watchdog, struct vps_frame_writer *writer,
                        struct vps_resumption *resumption, int greeting_ms);

/* The client has said hello. */
void vps_watchdog_greeted(struct vps_watchdog *watchdog);

/* The worker begins to end; it must be over in time. */
void vps_watchdog_announce_end(struct vps_watchdog *watchdog);

void vps_watchdog_stop(struct vps_watchdog *watchdog);

#endif
