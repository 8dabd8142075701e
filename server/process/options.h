/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_OPTIONS_H
#define VP_SERVER_PROCESS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/memory/pack.h"
#include "common/util/log.h"

/* What a process of venus-server is there for. */
enum vps_mode {
   VPS_MODE_LISTEN,     /* accept clients: the normal one */
   VPS_MODE_STDIO,      /* --stdio */
   VPS_MODE_LIST,       /* --list */
   VPS_MODE_HELP,       /* --help */
   VPS_MODE_VERSION,    /* --version */
   VPS_MODE_CHECK_GPUS, /* internal: see whether there is a driver and the GPUs that are asked for */
   VPS_MODE_WORKER,     /* internal: serve one client */
};

struct vps_options {
   enum vps_mode mode;
   bool tcp; /* listen on host and port */
   const char *host;
   uint16_t port;                   /* 0: any free one */
   const char *unix_path;           /* listen on this socket; NULL: on none */
   bool insecure;                   /* host may be an address that other machines reach */
   const char **gpus;               /* index or part of a name; see vps_gpu_selected */
   unsigned gpu_count;              /* 0: offer all GPUs */
   unsigned max_clients;            /* at the same time, >= 1 */
   unsigned ready;                  /* how many workers to have for clients to come */
   bool validate;                   /* with the validation layer */
   bool sandbox;                    /* workers give up what they do not need (server/process/sandbox.h) */
   const char *user;                /* whose rights workers have; NULL: the server's */
   const char *cache;               /* where drivers keep what they compile, "none"; NULL: wherever it suits */
   enum vp_compression compression; /* of memory that goes to the client */
   enum vp_log_level log_level;

   int worker_fd; /* workers only: where the client comes through (server/process/handover.h), else -1 */
};

/* Reads the command line. The strings of argv are kept, not copied. False with
 * a sentence in `error` when it is wrong; vps_options_finish is needed in
 * both cases. */
bool vps_options_parse(struct vps_options *options, int argc, char *const argv[], char *error, size_t error_size);

void vps_options_finish(struct vps_options *options);

/* A command line, ended by NULL, that hands what matters to an internal mode
 * (VPS_MODE_WORKER, VPS_MODE_CHECK_GPUS) on to another process of the server.
 * NULL without memory. The array is for free(), its strings belong to the options. */
char **vps_options_make_argv(const struct vps_options *options, enum vps_mode mode);

/* The text of --help. */
extern const char vps_usage[];

#endif
