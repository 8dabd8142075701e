/* SPDX-License-Identifier: MIT */

/* Memory that is freed stays on its client's account while a token of it is there, whichever that is. */

#include <fcntl.h>
#include <unistd.h>

#include "server/core/context.h"
#include "server/core/quota.h"
#include "server/core/sharing.h"
#include "server/process/client.h"
#include "server/process/options.h"
#include "tests/unit/check.h"

enum { SIZE = 4096 };

static const struct vps_share_facts facts = {.kind = VPS_SHARE_MEMORY, .size = SIZE};
static const struct vps_memory_account account = {.size = SIZE};
static struct vps_context ctx;

static VkTokenVP lend(uint64_t memory)
{
   VkTokenVP token = {0};
   CHECK(vps_sharing_lend(&ctx, &facts, memory, open("/dev/null", O_RDONLY | O_CLOEXEC), &token) == VK_SUCCESS);
   return token;
}

static bool is_charged(void)
{
   return vps_quota_left(VPS_QUOTA_DEVICE_MEMORY) == 0 && vps_quota_left(VPS_QUOTA_ALLOCATIONS) == 0;
}

static bool is_free(void)
{
   return vps_quota_left(VPS_QUOTA_DEVICE_MEMORY) == SIZE && vps_quota_left(VPS_QUOTA_ALLOCATIONS) == 1;
}

static void take(void)
{
   CHECK(vps_quota_take(VPS_QUOTA_DEVICE_MEMORY, SIZE) && vps_quota_take(VPS_QUOTA_ALLOCATIONS, 1));
}

/* In whatever order its tokens go, the last gives it back. */
static void test_several_tokens(bool turned)
{
   take();
   VkTokenVP tokens[3];
   for (unsigned i = 0; i < 3; i++)
      tokens[i] = lend(7);
   CHECK(!vps_sharing_forgets(&ctx, 7, &account));
   for (unsigned i = 0; i < 3; i++) {
      CHECK(is_charged());
      vps_sharing_drop(&ctx, &tokens[turned ? 2 - i : i]);
   }
   CHECK(is_free());
}

/* Other memory that has got the number is other memory. */
static void test_number_again(void)
{
   take();
   VkTokenVP before = lend(7);
   CHECK(!vps_sharing_forgets(&ctx, 7, &account));
   VkTokenVP after = lend(7);
   vps_sharing_drop(&ctx, &before);
   CHECK(is_free());
   vps_sharing_drop(&ctx, &after); /* it is not freed, and not given back by this */
   CHECK(vps_sharing_forgets(&ctx, 7, &account));
}

static void test_end(void)
{
   take();
   (void)lend(7);
   (void)lend(7);
   (void)lend(0);
   CHECK(!vps_sharing_forgets(&ctx, 7, &account) && is_charged());
   vps_sharing_destroy(ctx.sharing);
   CHECK(is_free());
}

int main(void)
{
   const struct vps_client client = {.peer = "a client", .account_fd = -1};
   struct vps_options options = {.quota = VPS_QUOTA_UNLIMITED, .user_quota = VPS_QUOTA_UNLIMITED};
   options.quota.of[VPS_QUOTA_DEVICE_MEMORY] = SIZE;
   options.quota.of[VPS_QUOTA_ALLOCATIONS] = 1;
   CHECK(vps_quota_start(&options, &client));
   test_several_tokens(false);
   test_several_tokens(true);
   test_number_again();
   test_end();
   return check_finish();
}
