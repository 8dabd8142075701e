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

/* What all tokens of one memory have in common. */
struct lent_memory {
   unsigned refs;
   uint64_t id;
   bool freed; /* and on the account still, until the last token has gone: */
   struct vps_memory_account account;
};

/* A token that this session has given out. */
struct loan {
   struct loan *next;
   struct vps_share_token token;
   struct lent_memory *memory; /* held; NULL: it is something else */
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
   struct lent_memory *memory = loan->memory;

   free(loan);
   if (!memory || --memory->refs > 0)
      return;
   if (memory->freed)
      vps_memory_account_give(&memory->account);
   free(memory);
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

static struct lent_memory *find_lent(const struct vps_sharing *sharing, uint64_t id)
{
   for (const struct loan *loan = sharing->loans; loan; loan = loan->next) {
      if (loan->memory && !loan->memory->freed && loan->memory->id == id)
         return loan->memory;
   }
   return NULL;
}

/* memory: an id, or 0. NULL without memory. */
static struct loan *create_loan(const struct vps_sharing *sharing, uint64_t memory)
{
   struct loan *loan = calloc(1, sizeof(*loan));

   if (!loan || !memory)
      return loan;
   loan->memory = find_lent(sharing, memory);
   if (!loan->memory)
      loan->memory = calloc(1, sizeof(*loan->memory));
   if (!loan->memory) {
      free(loan);
      return NULL;
   }
   loan->memory->id = memory;
   loan->memory->refs++;
   return loan;
}

VkResult vps_sharing_lend(struct vps_context *ctx, const struct vps_share_facts *facts, uint64_t memory, int fd,
                          VkTokenVP *out)
{
   struct vps_sharing *sharing = get_sharing(ctx);
   struct loan *loan = sharing ? create_loan(sharing, memory) : NULL;
   enum vps_share_answer answer = VPS_SHARE_FULL;

   if (loan && sharing->end >= 0)
      answer = vps_share_way_add(&sharing->end, facts, fd, &loan->token);
   else if (loan)
      answer = vps_shares_add(&sharing->own, 0, "", facts, dup(fd), &loan->token);
   close(fd);
   if (!loan)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   if (answer != VPS_SHARE_OK) {
      end_loan(loan);
      return VK_ERROR_TOO_MANY_OBJECTS;
   }
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
   struct lent_memory *lent = ctx->sharing ? find_lent(ctx->sharing, memory) : NULL;

   if (!lent)
      return true;
   lent->freed = true;
   lent->account = *account;
   return false;
}
