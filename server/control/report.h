/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CONTROL_REPORT_H
#define VP_SERVER_CONTROL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "server/control/counts.h"

#define VPS_REPORT_TEXT_SIZE 512

/* Why somebody has not become a client. */
enum vps_reject {
   VPS_REJECT_FULL,     /* as many as --max-clients are there */
   VPS_REJECT_PROCESS,  /* no worker could be started */
   VPS_REJECT_USER,     /* another user on the Unix socket */
   VPS_REJECT_STRANGE,  /* it speaks something else */
   VPS_REJECT_SILENT,   /* it has said no greeting in time, or as many wait already */
   VPS_REJECT_PLAIN,    /* it does not use TLS, and has to */
   VPS_REJECT_TLS,      /* it has not the right key or certificate */
   VPS_REJECT_NO_RESUME /* the session that it wants to go on with is not there */
};
#define VPS_REJECTS 8u

struct vps_gpu_report {
   char name[VPS_COUNTED_GPU_SIZE];
   uint64_t memory; /* bytes */
};

/* Texts are printable ASCII: what others have chosen in them is escaped. The numbers are what workers say. */
struct vps_session_report {
   int number; /* of its process */
   char user[VPS_REPORT_TEXT_SIZE], peer[VPS_REPORT_TEXT_SIZE], program[VPS_REPORT_TEXT_SIZE];
   uint64_t age_s;
   bool is_away; /* its connection has broken, and it may come back */
   bool is_kicked;
   struct vps_gpu_report gpus[VPS_COUNTED_GPUS];
   unsigned gpu_count;
   struct vps_counts counts;
};

/* What there is to be seen of a server at a moment. */
struct vps_report {
   struct vps_session_report *sessions;
   unsigned count;
   unsigned places, max_clients; /* how many of the places are taken */
   bool is_accepting;
   const char *unhealthy; /* why the GPUs are not known to do something; NULL: they do */
   uint64_t age_s;
   uint64_t sessions_total;
   uint64_t rejects[VPS_REJECTS];
   struct vps_counts counts; /* of all sessions that there ever were */
   uint64_t memory_quota;    /* of a session, in bytes; UINT64_MAX: none */
   const char *keys;         /* full path of the file; NULL: none */
};

enum vps_reload {
   VPS_RELOAD_GOES_ON,
   VPS_RELOAD_DONE,
   VPS_RELOAD_FAILED, /* the keys and certificates are the old ones */
};

/* What the listener shows and does when it is asked. */
struct vps_oversight {
   void *owner;
   void *listener; /* of drain(), reload() and reloaded() */

   /* False without memory. */
   bool (*report)(void *owner, struct vps_report *report);

   /* Ends the session with that number (user NULL), or those of a user. Returns how many. */
   unsigned (*kick)(void *owner, int number, const char *user, const char *reason);

   /* Nobody comes in any more; the server ends when the last session does. */
   void (*drain)(void *listener);

   /* As SIGHUP does. False: it is about to end. */
   bool (*reload)(void *listener);

   /* What has become of the last one. */
   enum vps_reload (*reloaded)(void *listener);
};

/* Of what oversight.report has filled in. */
void vps_report_finish(struct vps_report *report);

/* As in what is shown. */
const char *vps_reject_name(enum vps_reject reject);
const char *vps_frame_kind_name(unsigned kind);

#endif
