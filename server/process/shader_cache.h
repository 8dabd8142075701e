/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_SHADER_CACHE_H
#define VP_SERVER_PROCESS_SHADER_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/process/identity.h"

/* Where GPU drivers keep what they have compiled: it is machine code, so that who can write there decides what other
 * workers run. */
struct vps_shader_cache {
   char path[PATH_MAX]; /* empty: none */
   bool by_root;        /* it is not in the user's home, so that the user may not be able to make it */
};

/* `wanted`: what --cache says, "none" for none; NULL: wherever it suits the user. */
void vps_shader_cache_choose(struct vps_shader_cache *cache, const char *wanted, const struct vps_identity *identity);

/* Before the process has the identity: what only root can do. */
void vps_shader_cache_prepare(const struct vps_shader_cache *cache, const struct vps_identity *identity);

/* Afterwards: makes the folder if it is not there. False with a sentence in `error` when it cannot be used or is not
 * the user's alone; there is none then. */
bool vps_shader_cache_open(struct vps_shader_cache *cache, char *error, size_t error_size);

/* Tells drivers of it, through the environment. False without memory. */
bool vps_shader_cache_export(const struct vps_shader_cache *cache);

#endif
