/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_OPTIONS_H
#define VP_SERVER_PROCESS_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/memory/pack.h"
#include "common/util/log.h"
#include "server/process/quota.h"

/* What a process of venus-server is there for. */
enum vps_mode {
   VPS_MODE_LISTEN,         /* accept clients: the normal one */
   VPS_MODE_STDIO,          /* --stdio */
   VPS_MODE_JOB,            /* --job: accept clients, for who has started the server */
   VPS_MODE_LIST,           /* --list */
   VPS_MODE_HELP,           /* --help */
   VPS_MODE_VERSION,        /* --version */
   VPS_MODE_CHECK_CONFIG,   /* --check-config */
   VPS_MODE_PRINT_CONFIG,   /* --print-config */
   VPS_MODE_EXAMPLE_CONFIG, /* --example-config */
   VPS_MODE_CHECK_GPUS,     /* internal: see whether there is a driver and the GPUs that are asked for */
   VPS_MODE_TRY_GPUS,       /* internal: see whether they do something */
   VPS_MODE_WORKER,         /* internal: serve one client */
   VPS_MODE_GATE,           /* internal: shake hands with those who use TLS */
};

/* --clear-memory */
enum vps_clear_memory {
   VPS_CLEAR_MEMORY_AUTO, /* where the kernel is not known to do it */
   VPS_CLEAR_MEMORY_ALWAYS,
   VPS_CLEAR_MEMORY_OFF,
};

/* The time is VPS_RESUME_S, but none for clients of this machine, between whom and the server is no network. */
#define VPS_RESUME_AUTO UINT_MAX
#define VPS_RESUME_S 30

/* --log-format */
enum vps_log_format {
   VPS_LOG_AUTO, /* what suits where it goes: the journal, a terminal, or something else */
   VPS_LOG_PLAIN,
   VPS_LOG_TEXT,
   VPS_LOG_JOURNAL,
   VPS_LOG_JSON,
};

/* Who gave an option its value: each goes before those above it. */
enum vps_layer {
   VPS_LAYER_BUILT_IN,
   VPS_LAYER_SYSTEM, /* the machine's configuration, or the one that --config names */
   VPS_LAYER_USER,   /* the user's configuration */
   VPS_LAYER_COMMAND_LINE,
};

struct vps_given {
   enum vps_layer layer;
   const char *text; /* the value; NULL: there is none */
   const char *file; /* where it is from, if that is a file, and its line */
   unsigned line;
};

struct vps_option;

struct vps_options {
   enum vps_mode mode;
   const char *config; /* --config */
   bool tcp;           /* listen on host and port */
   const char *host;
   uint16_t port;                      /* 0: any free one */
   const char *unix_path;              /* listen on this socket; NULL: on none */
   bool insecure;                      /* host may be an address that other machines reach */
   const char *keys;                   /* TLS: a file of shared keys (common/net/key_file.h); NULL: none */
   const char *tls_cert;               /* TLS: this server's certificates and its key, ... */
   const char *tls_key;                /* ... */
   const char *tls_client_ca;          /* ... and who signs those of clients: files; all or none are NULL */
   bool tls_only;                      /* no TCP without TLS, not even from this machine */
   const char **gpus;                  /* index, part of a name or PCI address; see vps_gpu_selected */
   unsigned gpu_count;                 /* 0: offer all GPUs */
   unsigned max_clients;               /* at the same time, >= 1 */
   unsigned drain_timeout_s;           /* how long clients may go on when the server is to end */
   unsigned ready;                     /* how many workers to have for clients to come */
   unsigned resume_s;                  /* how long to keep a session whose connection has broken; or VPS_RESUME_AUTO */
   const char *control;                /* the control socket, "none"; NULL: where venus-ctl looks for it */
   const char *metrics;                /* ADDRESS:PORT or unix:PATH; NULL: nowhere */
   bool validate;                      /* with the validation layer */
   bool sandbox;                       /* workers give up what they do not need (server/process/sandbox.h) */
   const char *user;                   /* whose rights workers have; NULL: the server's */
   const char *cache;                  /* where drivers keep what they compile, "none"; NULL: wherever it suits */
   enum vp_compression compression;    /* of memory that goes to the client */
   struct vps_quota_limits quota;      /* of a client */
   struct vps_quota_limits user_quota; /* of all clients of one user together */
   enum vps_clear_memory clear_memory;
   enum vp_log_level log_level;
   enum vps_log_format log_format;

   /* In seconds; 0: without end. */
   unsigned graphics_timeout_s; /* how long a batch that draws may execute, */
   unsigned compute_timeout_s;  /* and any other */
   unsigned stall_timeout_s;    /* how long a client that is sent something may take nothing of it */
   unsigned idle_timeout_s;     /* how long it may say nothing, when nothing of its is executed */

   int worker_fd; /* workers only: where the client comes through (server/process/handover.h), else -1 */
   int job_in;    /* --job: when it ends so does the server, else -1 */
   int job_out;   /* --job: where to say where the server is, else -1 */
   int gate_fd;   /* the gate only: the way to the listener (server/process/gate.h), else -1 */

   int argc; /* the command line, by which the configuration is read again */
   char *const *argv;
   struct vps_given *given;     /* of each row of the table (server/process/option_table.h) */
   struct vps_kept_text *texts; /* those that are nobody else's */
};

/* Reads the command line, and no configuration. The strings of argv are kept, not copied. False with
 * a sentence in `error` when it is wrong; vps_options_finish is needed in
 * both cases. */
bool vps_options_parse(struct vps_options *options, int argc, char *const argv[], char *error, size_t error_size);

/* The same in steps: what is built in, ... */
bool vps_options_begin(struct vps_options *options, char *error, size_t error_size);

/* ... one option with who gave it (its text and file are kept, not copied; a list begins anew with each layer), ... */
bool vps_options_give(struct vps_options *options, const struct vps_option *option, const struct vps_given *given,
                      char *error, size_t error_size);

/* ... the command line, ... */
bool vps_options_give_arguments(struct vps_options *options, int argc, char *const argv[], char *error,
                                size_t error_size);

/* ... and whether all that makes sense together. */
bool vps_options_end(struct vps_options *options, char *error, size_t error_size);

/* A copy that is there as long as the options; NULL without memory. */
const char *vps_options_keep(struct vps_options *options, const char *text);

/* Whether somebody has given this option a value. */
bool vps_options_is_given(const struct vps_options *options, const char *name);

/* Whether clients can prove who they are: there is TLS. */
bool vps_options_have_credentials(const struct vps_options *options);

void vps_options_finish(struct vps_options *options);

/* A command line, ended by NULL, that hands what matters to an internal mode
 * (VPS_MODE_WORKER, VPS_MODE_CHECK_GPUS, VPS_MODE_TRY_GPUS, VPS_MODE_GATE) on to another process of the server.
 * NULL without memory. The array is for free(), and is of no use without the options. */
char **vps_options_make_argv(const struct vps_options *options, enum vps_mode mode);

/* What --help shows. */
void vps_options_print_usage(FILE *out);

#endif
