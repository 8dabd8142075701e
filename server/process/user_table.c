/* SPDX-License-Identifier: MIT */

/* Makes a user's account with the first client, gives each client a slot of it, and takes the slots back. */

#include "server/process/user_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/util/text.h"

bool vps_user_table_init(struct vps_user_table *table, unsigned max_clients)
{
   *table = (struct vps_user_table){.users = calloc(max_clients, sizeof(*table->users)), .room = max_clients};
   return table->users != NULL;
}

bool vps_user_table_grow(struct vps_user_table *table, unsigned max_clients)
{
   struct vps_user *users = realloc(table->users, max_clients * sizeof(*users));

   if (!users)
      return false;
   table->users = users;
   table->room = max_clients;
   return true;
}

static void drop_user(struct vps_user_table *table, struct vps_user *user)
{
   vps_account_close(&user->account);
   close(user->fd);
   free(user->taken);
   *user = table->users[--table->count];
}

void vps_user_table_finish(struct vps_user_table *table)
{
   while (table->count > 0)
      drop_user(table, &table->users[0]);
   free(table->users);
   *table = (struct vps_user_table){0};
}

static struct vps_user *find_user(const struct vps_user_table *table, const char *name)
{
   for (unsigned i = 0; i < table->count; i++) {
      if (strcmp(table->users[i].name, name) == 0)
         return &table->users[i];
   }
   return NULL;
}

/* NULL with errno. */
static struct vps_user *add_user(struct vps_user_table *table, const char *name)
{
   if (table->count == table->room) {
      errno = EAGAIN;
      return NULL;
   }
   struct vps_user user = {.taken = calloc(table->room, sizeof(*user.taken)), .room = table->room};
   if (!user.taken) {
      errno = ENOMEM;
      return NULL;
   }
   vp_text_copy(user.name, sizeof(user.name), name, strlen(name));
   user.fd = vps_account_create(&user.account, table->room);
   if (user.fd < 0) {
      free(user.taken);
      return NULL;
   }
   table->users[table->count] = user;
   return &table->users[table->count++];
}

int vps_user_table_enter(struct vps_user_table *table, const char *name, int *fd)
{
   struct vps_user *user = find_user(table, name);
   unsigned slot = 0;

   if (!user)
      user = add_user(table, name);
   if (!user)
      return -1;
   while (slot < user->room && user->taken[slot])
      slot++;
   if (slot == user->room) {
      errno = EAGAIN;
      return -1;
   }
   user->taken[slot] = true;
   user->clients++;
   vps_account_clear(&user->account, slot);
   *fd = user->fd;
   return (int)slot;
}

void vps_user_table_leave(struct vps_user_table *table, const char *name, int slot)
{
   struct vps_user *user = find_user(table, name);

   if (!user)
      return;
   vps_account_clear(&user->account, (unsigned)slot);
   user->taken[slot] = false;
   if (--user->clients == 0)
      drop_user(table, user);
}
