/* SPDX-License-Identifier: MIT */

/* Counts in the worker's slot of its user's account, or in one of its own, and looks at both limits before more is
 * taken. */

#include "server/core/quota.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/log.h"
#include "server/process/account.h"
#include "server/process/client.h"
#include "server/process/options.h"

/* One that is used up is in the log once in this time at most. */
#define REPORT_MS 60000

static struct vps_account_slot own_slot;

static struct {
   struct vps_quota_limits own, user; /* without an account, `own` is the smaller of both */
   struct vps_account account;        /* of the user; without slots: none */
   struct vps_account_slot *slot;
   char who[VPS_PEER_SIZE + VPS_USER_SIZE + 16];
   _Atomic int64_t report_ms[VPS_QUOTAS]; /* it is not reported before */
} state = {.own = VPS_QUOTA_UNLIMITED, .user = VPS_QUOTA_UNLIMITED, .slot = &own_slot};

static bool use_account(const struct vps_client *client)
{
   const bool ok = vps_account_open(&state.account, client->account_fd) && client->account_slot >= 0 &&
                   (unsigned)client->account_slot < state.account.count;

   close(client->account_fd);
   if (ok)
      state.slot = &state.account.slots[client->account_slot];
   else
      vp_log(VP_LOG_ERROR, "cannot use the account of %s", client->user);
   return ok;
}

bool vps_quota_start(const struct vps_options *options, const struct vps_client *client)
{
   state.own = options->quota;
   state.user = options->user_quota;
   snprintf(state.who, sizeof(state.who), "client %s (%s)", client->peer, client->user);
   if (client->account_fd >= 0)
      return use_account(client);
   for (unsigned i = 0; i < VPS_QUOTAS; i++) {
      if (state.user.of[i] < state.own.of[i])
         state.own.of[i] = state.user.of[i];
   }
   return true;
}

static uint64_t used_by_all(enum vps_quota quota)
{
   return state.account.slots && state.user.of[quota] != VPS_QUOTA_NONE ? vps_account_sum(&state.account, quota) : 0;
}

static uint64_t used_here(enum vps_quota quota)
{
   return atomic_load_explicit(&state.slot->used[quota], memory_order_relaxed);
}

/* What is left of a limit; 0 also when more is used. */
static uint64_t left_of(uint64_t limit, uint64_t used)
{
   return limit == VPS_QUOTA_NONE ? VPS_QUOTA_NONE : limit > used ? limit - used : 0;
}

void vps_quota_report(enum vps_quota quota)
{
   const bool own = left_of(state.own.of[quota], used_here(quota)) <= left_of(state.user.of[quota], used_by_all(quota));
   const int64_t now_ms = vp_clock_ms();
   int64_t due_ms = atomic_load(&state.report_ms[quota]);

   if (now_ms < due_ms || !atomic_compare_exchange_strong(&state.report_ms[quota], &due_ms, now_ms + REPORT_MS))
      return;
   vp_log(VP_LOG_WARN, "%s: has used up %s quota of %s: %" PRIu64, state.who, own ? "its" : "its user's",
          vps_quota_name(quota), own ? state.own.of[quota] : state.user.of[quota]);
}

bool vps_quota_has_room(enum vps_quota quota, uint64_t amount)
{
   return vps_quota_left(quota) >= amount;
}

void vps_quota_note(enum vps_quota quota, uint64_t amount)
{
   atomic_fetch_add_explicit(&state.slot->used[quota], amount, memory_order_relaxed);
}

void vps_quota_give(enum vps_quota quota, uint64_t amount)
{
   atomic_fetch_sub_explicit(&state.slot->used[quota], amount, memory_order_relaxed);
}

bool vps_quota_take(enum vps_quota quota, uint64_t amount)
{
   if (!vps_quota_has_room(quota, amount))
      return false;
   /* Of several who take the last at the same time, none may get it, but never all. */
   atomic_fetch_add(&state.slot->used[quota], amount);
   if (used_here(quota) <= state.own.of[quota] && used_by_all(quota) <= state.user.of[quota])
      return true;
   vps_quota_give(quota, amount);
   return false;
}

void vps_quota_set(enum vps_quota quota, uint64_t used)
{
   atomic_store_explicit(&state.slot->used[quota], used, memory_order_relaxed);
}

uint64_t vps_quota_left(enum vps_quota quota)
{
   const uint64_t own = left_of(state.own.of[quota], used_here(quota)),
                  user = left_of(state.user.of[quota], used_by_all(quota));

   return own < user ? own : user;
}

uint64_t vps_quota_limit(enum vps_quota quota)
{
   return state.own.of[quota] < state.user.of[quota] ? state.own.of[quota] : state.user.of[quota];
}

uint64_t vps_quota_rate(int64_t now_ms)
{
   const uint64_t own = state.own.of[VPS_QUOTA_BANDWIDTH], user = state.user.of[VPS_QUOTA_BANDWIDTH];

   if (!state.account.slots || user == VPS_QUOTA_NONE)
      return own;
   vps_quota_set(VPS_QUOTA_BANDWIDTH, (uint64_t)now_ms);
   const uint64_t part = user / vps_account_count_busy(&state.account, now_ms);
   return part < own ? part : own;
}
