/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_USER_TABLE_H
#define VP_SERVER_PROCESS_USER_TABLE_H

#include <stdbool.h>

#include "server/process/account.h"
#include "server/process/client.h"

/* A user with clients. */
struct vps_user {
   char name[VPS_USER_SIZE];
   struct vps_account account;
   int fd;
   bool *taken; /* by slot */
   unsigned clients, room;
};

/* The listener's users, with the account of each, as long as they have clients. */
struct vps_user_table {
   struct vps_user *users;
   unsigned count, room; /* as many as there can be clients: also what users have that come */
};

/* False without memory. */
bool vps_user_table_init(struct vps_user_table *table, unsigned max_clients);

/* There may be more clients from now on; of a user who has some already, as many as before. False without memory: then
 * nothing changes. */
bool vps_user_table_grow(struct vps_user_table *table, unsigned max_clients);
void vps_user_table_finish(struct vps_user_table *table);

/* One more client of this user: *fd becomes the file of the account, which stays the table's. Returns its slot there,
 * or -1 with errno. */
int vps_user_table_enter(struct vps_user_table *table, const char *name, int *fd);

/* The client with that slot is gone, and what it had is free. */
void vps_user_table_leave(struct vps_user_table *table, const char *name, int slot);

#endif
