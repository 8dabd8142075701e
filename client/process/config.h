/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_CONFIG_H
#define VP_CLIENT_PROCESS_CONFIG_H

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

/* The client's configuration, read from the environment when an instance is
 * created. docs/ENVIRONMENT.md lists the variables. */
struct vp_config {
   struct vp_server_address servers[VP_MAX_SERVERS];
   unsigned server_count;
   int timeout_ms;                  /* for connecting to a server and its greeting */
   enum vp_compression compression; /* VENUS_COMPRESS: of mapped memory */
   bool show_bar_memory;            /* VENUS_BAR_MEMORY: device-local memory stays host-visible */
   bool early_waits;                /* VENUS_EARLY_WAITS: see early_wait.h */
   enum vp_present_policy present;  /* VENUS_PRESENT */
   bool hud;                        /* VENUS_HUD: a line about what is presented each second */
};

/* Whether the environment names a server: a driver that is not configured does nothing. */
bool vp_config_is_there(void);

/* VENUS_DEBUG: whether what a connection has done is printed at its end. */
bool vp_config_wants_statistics(void);

/* VENUS_TRACK: the mechanism that finds changes of mapped memory, or NULL. */
const char *vp_config_tracker(void);

/* Sets up the log, too. Says what it cannot understand. */
void vp_config_read(struct vp_config *config);

#endif
