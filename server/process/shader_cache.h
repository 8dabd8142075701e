/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_SHADER_CACHE_H
#define VP_SERVER_PROCESS_SHADER_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/process/identity.h"

/* Where GPU drivers keep what they have compiled: it is machine code, so that who can write there decides what other
 * workers run. Each user of the server has a folder in it, which is all that the worker of a client of his gets. */
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

/* Of the name of a user's folder, NUL included. */
#define VPS_SHADER_CACHE_NAME_SIZE 256

/* That of a user of the server (`user` of server/process/client.h): of no two users the same, and nothing but lower
 * case letters, digits, "-", "_", "." inside, and "%". Those of whom nothing but an address is known have one together.
 * Empty: he has none. */
void vps_shader_cache_name(char name[VPS_SHADER_CACHE_NAME_SIZE], const char *user);

/* So many folders are made in one cache. */
#define VPS_SHADER_CACHE_FOLDERS 1000u

/* Then: it is the folder of that name in it from now on, which is made if it is not there. False likewise. */
bool vps_shader_cache_narrow(struct vps_shader_cache *cache, const char *name, char *error, size_t error_size);

/* Tells drivers of it, through the environment. False without memory. */
bool vps_shader_cache_export(const struct vps_shader_cache *cache);

#endif
