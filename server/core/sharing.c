/* SPDX-License-Identifier: MIT */

/* The tokens that a session has given out, and where it asks for those of others: the listener, or a store of its own.
 */

#include "server/core/sharing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/wire/chain.h"
#include "server/core/context.h"

/* Of a session without a listener. */
#define ROOM_ALONE 256

/* A token that this session has given out. */
struct loan {
   struct loan *next;
   struct vps_share_token token;
   uint64_t memory; /* its id; 0: it has been freed, or is something else */
   bool charged;    /* it has been freed, and is on the account still: */
   struct vps_memory_account account;
};

struct vps_sharing {
   int end;
   struct vps_shares own; /* without a listener */
   struct loan *loans;
};

struct vps_sharing *vps_sharing_create(int end)
{
   struct vps_sharing *sharing = calloc(1, sizeof(*sharing));

   if (sharing)
      sharing->end = end;
   if (sharing && end < 0 && !vps_shares_init(&sharing->own, ROOM_ALONE, ROOM_ALONE)) {
      free(sharing);
      return NULL;
   }
   return sharing;
}

static void end_loan(struct loan *loan)
{
   if (loan->charged)
      vps_memory_account_give(&loan->account);
   free(loan);
}

void vps_sharing_destroy(struct vps_sharing *sharing)
{
   if (!sharing)
      return;
   while (sharing->loans) {
      struct loan *next = sharing->loans->next;
      end_loan(sharing->loans);
      sharing->loans = next;
   }
   if (sharing->end >= 0)
      close(sharing->end);
   vps_shares_finish(&sharing->own);
   free(sharing);
}

static struct vps_sharing *get_sharing(struct vps_context *ctx)
{
   if (!ctx->sharing)
      ctx->sharing = vps_sharing_create(-1);
   return ctx->sharing;
}

VkResult vps_sharing_lend(struct vps_context *ctx, const struct vps_share_facts *facts, uint64_t memory, int fd,
                          VkTokenVP *out)
{
   struct vps_sharing *sharing = get_sharing(ctx);
   struct loan *loan = calloc(1, sizeof(*loan));
   enum vps_share_answer answer = VPS_SHARE_FULL;

   if (sharing && loan && sharing->end >= 0)
      answer = vps_share_way_add(&sharing->end, facts, fd, &loan->token);
   else if (sharing && loan)
      answer = vps_shares_add(&sharing->own, 0, "", facts, dup(fd), &loan->token);
   close(fd);
   if (answer != VPS_SHARE_OK) {
      free(loan);
      return sharing && loan ? VK_ERROR_TOO_MANY_OBJECTS : VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   loan->memory = memory;
   loan->next = sharing->loans;
   sharing->loans = loan;
   memcpy(out->server, loan->token.server, sizeof(out->server));
   memcpy(out->secret, loan->token.secret, sizeof(out->secret));
   return VK_SUCCESS;
}

static struct vps_share_token load_token(const VkTokenVP *from)
{
   struct vps_share_token token;

   memcpy(token.server, from->server, sizeof(token.server));
   memcpy(token.secret, from->secret, sizeof(token.secret));
   return token;
}

enum vps_share_answer vps_sharing_borrow(struct vps_context *ctx, const struct vps_share_facts *facts,
                                         const VkTokenVP *given, int *fd)
{
   struct vps_sharing *sharing = get_sharing(ctx);
   const struct vps_share_token token = load_token(given);

   *fd = -1;
   if (!sharing)
      return VPS_SHARE_FULL;
   if (sharing->own.room == 0)
      return vps_share_way_find(&sharing->end, facts, &token, fd);
   const enum vps_share_answer answer = vps_shares_find(&sharing->own, "", facts, &token, fd);
   if (answer == VPS_SHARE_OK)
      *fd = dup(*fd);
   return answer == VPS_SHARE_OK && *fd < 0 ? VPS_SHARE_FULL : answer;
}

void vps_sharing_drop(struct vps_context *ctx, const VkTokenVP *given)
{
   struct vps_sharing *sharing = ctx->sharing;
   const struct vps_share_token token = load_token(given);

   for (struct loan **link = sharing ? &sharing->loans : NULL; link && *link; link = &(*link)->next) {
      struct loan *loan = *link;
      if (memcmp(&loan->token, &token, sizeof(token)) != 0)
         continue;
      *link = loan->next;
      end_loan(loan);
      if (sharing->own.room)
         vps_shares_drop(&sharing->own, 0, &token);
      else
         vps_share_way_drop(&sharing->end, &token);
      return;
   }
}

/* --- memory --- */

bool vps_sharing_lends(const VkMemoryAllocateInfo *info)
{
   const VkExportMemoryAllocateInfo *export = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO);

   return export && (export->handleTypes & VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT);
}

bool vps_sharing_forgets(struct vps_context *ctx, uint64_t memory, const struct vps_memory_account *account)
{
   bool kept = false;

   for (struct loan *loan = ctx->sharing ? ctx->sharing->loans : NULL; loan; loan = loan->next) {
      if (loan->memory != memory)
         continue;
      loan->memory = 0;
      if (kept)
         continue;
      loan->charged = kept = true;
      loan->account = *account;
   }
   return !kept;
}
