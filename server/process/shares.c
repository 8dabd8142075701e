/* SPDX-License-Identifier: MIT */

/* A list of fixed room of what sessions lend each other, found by secrets that are compared in constant time. */

#include "server/process/shares.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct vps_share {
   uint8_t secret[VPS_SECRET_SIZE];
   struct vps_share_facts facts;
   uint64_t owner; /* the session that lends it */
   char user[VPS_USER_SIZE];
   int fd;
};

bool vps_shares_init(struct vps_shares *shares, unsigned room, unsigned room_for_one)
{
   *shares = (struct vps_shares){.room = room, .room_for_one = room_for_one};
   shares->list = calloc(room ? room : 1, sizeof(*shares->list));
   if (shares->list && getentropy(shares->server, sizeof(shares->server)) == 0)
      return true;
   free(shares->list);
   *shares = (struct vps_shares){0};
   return false;
}

static void remove_share(struct vps_shares *shares, unsigned i)
{
   close(shares->list[i].fd);
   shares->list[i] = shares->list[--shares->count];
   memset(&shares->list[shares->count], 0, sizeof(*shares->list));
}

void vps_shares_finish(struct vps_shares *shares)
{
   while (shares->count)
      remove_share(shares, shares->count - 1);
   free(shares->list);
   *shares = (struct vps_shares){0};
}

static bool have_room_for(const struct vps_shares *shares, uint64_t owner, const char *user)
{
   unsigned own = 0, of_user = 0;

   for (unsigned i = 0; i < shares->count; i++) {
      own += shares->list[i].owner == owner;
      of_user += strcmp(shares->list[i].user, user) == 0;
   }
   return shares->count < shares->room && own < shares->room_for_one && of_user / 2 < shares->room_for_one;
}

enum vps_share_answer vps_shares_add(struct vps_shares *shares, uint64_t owner, const char *user,
                                     const struct vps_share_facts *facts, int fd, struct vps_share_token *token)
{
   struct vps_share share = {.facts = *facts, .owner = owner, .fd = fd};

   *token = (struct vps_share_token){0};
   if (!have_room_for(shares, owner, user) || getentropy(share.secret, sizeof(share.secret)) != 0) {
      close(fd);
      return VPS_SHARE_FULL;
   }
   snprintf(share.user, sizeof(share.user), "%s", user);
   shares->list[shares->count++] = share;
   memcpy(token->server, shares->server, sizeof(token->server));
   memcpy(token->secret, share.secret, sizeof(token->secret));
   return VPS_SHARE_OK;
}

static bool is_same_secret(const uint8_t a[VPS_SECRET_SIZE], const uint8_t b[VPS_SECRET_SIZE])
{
   volatile uint8_t differs = 0;

   for (unsigned i = 0; i < VPS_SECRET_SIZE; i++)
      differs |= a[i] ^ b[i];
   return !differs;
}

/* shares->count: there is none. */
static unsigned find_share(const struct vps_shares *shares, const uint8_t secret[VPS_SECRET_SIZE])
{
   unsigned found = shares->count;

   for (unsigned i = 0; i < shares->count; i++)
      found = is_same_secret(shares->list[i].secret, secret) ? i : found;
   return found;
}

static bool is_alike(const struct vps_share_facts *a, const struct vps_share_facts *b)
{
   return a->kind == b->kind && a->type == b->type && a->size == b->size && memcmp(a->gpu, b->gpu, VPS_GPU_SIZE) == 0;
}

enum vps_share_answer vps_shares_find(const struct vps_shares *shares, const char *user,
                                      const struct vps_share_facts *facts, const struct vps_share_token *token, int *fd)
{
   *fd = -1;
   if (memcmp(token->server, shares->server, sizeof(token->server)) != 0)
      return VPS_SHARE_ELSEWHERE;
   const unsigned i = find_share(shares, token->secret);
   if (i == shares->count || strcmp(shares->list[i].user, user) != 0)
      return VPS_SHARE_UNKNOWN;
   if (!is_alike(&shares->list[i].facts, facts))
      return VPS_SHARE_UNLIKE;
   *fd = shares->list[i].fd;
   return VPS_SHARE_OK;
}

void vps_shares_drop(struct vps_shares *shares, uint64_t owner, const struct vps_share_token *token)
{
   const unsigned i = find_share(shares, token->secret);

   if (i < shares->count && shares->list[i].owner == owner)
      remove_share(shares, i);
}

void vps_shares_drop_all(struct vps_shares *shares, uint64_t owner)
{
   for (unsigned i = shares->count; i-- > 0;) {
      if (shares->list[i].owner == owner)
         remove_share(shares, i);
   }
}
