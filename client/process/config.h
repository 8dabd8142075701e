/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_CONFIG_H
#define VP_CLIENT_PROCESS_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/process/server_address.h"
#include "common/memory/pack.h"

#define VP_MAX_SERVERS 16

/* Which pictures of windows may come. */
enum vp_present_policy {
   VP_POLICY_LOSSLESS,
   VP_POLICY_AUTO, /* others where the link is too slow for these */
   VP_POLICY_FAST, /* the smallest */
};

/* Which of several servers are used. */
enum vp_server_policy {
   VP_SERVERS_EACH,  /* all of the list; of those of a service the first */
   VP_SERVERS_FIRST, /* the first that can be reached; this and those below are in the order of the variable's words */
   VP_SERVERS_LEAST_LOADED,
   VP_SERVERS_ALL,
};

/* The client's configuration, read from the environment when an instance is
 * created. docs/ENVIRONMENT.md lists the variables. */
struct vp_config {
   struct vp_server_address servers[VP_MAX_SERVERS];
   unsigned server_count;
   enum vp_server_policy policy;    /* VENUS_POLICY */
   bool require;                    /* VENUS_REQUIRE: no GPU of theirs is an error */
   int timeout_ms;                  /* for connecting to all servers and their greetings */
   unsigned resume_s;               /* VENUS_RESUME: for how long it is tried to get a lost connection back */
   enum vp_compression compression; /* VENUS_COMPRESS: of mapped memory */
   bool show_bar_memory;            /* VENUS_BAR_MEMORY: device-local memory stays host-visible */
   bool early_waits;                /* VENUS_EARLY_WAITS: see early_wait.h */
   enum vp_present_policy present;  /* VENUS_PRESENT */
   bool hud;                        /* VENUS_HUD: a line about what is presented each second */
};

/* Whether the environment names a server: a driver that is not configured does nothing. */
bool vp_config_is_there(void);

/* Whether GPUs of more than one server may appear beside each other. */
bool vp_config_uses_several(const struct vp_config *config);

/* VENUS_DEBUG: whether what a connection has done is printed at its end. */
bool vp_config_wants_statistics(void);

/* What is needed for tls://, as the environment has it: NULL, or of the keys empty, is not set. Texts that are not in
 * the struct are valid until the environment is changed. Where the process has rights that whoever started it does not
 * have, none is set. */
struct vp_tls_config {
   char keys[PATH_MAX];     /* VENUS_KEY_FILE, or where it is usually */
   const char *ca;          /* VENUS_TLS_CA */
   const char *pin;         /* VENUS_TLS_PIN */
   const char *certificate; /* VENUS_TLS_CERT */
   const char *key;         /* VENUS_TLS_KEY */
};
void vp_config_read_tls(struct vp_tls_config *config);

/* Sets up the log, too. Says, the first time, what values it cannot understand. */
void vp_config_read(struct vp_config *config);

#endif
