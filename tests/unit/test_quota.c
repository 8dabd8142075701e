/* SPDX-License-Identifier: MIT */
/* How quotas are read, what workers count in the account of their user, and what the listener takes back. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "server/core/bandwidth.h"
#include "server/core/host_memory.h"
#include "server/core/quota.h"
#include "server/process/account.h"
#include "server/process/client.h"
#include "server/process/options.h"
#include "server/process/user_table.h"
#include "server/record/command_pool.h"
#include "tests/unit/check.h"

static void test_parsing(void)
{
   struct vps_quota_limits limits = VPS_QUOTA_UNLIMITED;

   CHECK(!vps_quota_is_set(&limits));
   CHECK(vps_quota_parse(&limits, "device-memory=8G,objects=1M"));
   CHECK(vps_quota_is_set(&limits));
   CHECK(limits.of[VPS_QUOTA_DEVICE_MEMORY] == UINT64_C(8) << 30);
   CHECK(limits.of[VPS_QUOTA_OBJECTS] == UINT64_C(1) << 20);
   CHECK(limits.of[VPS_QUOTA_THREADS] == VPS_QUOTA_NONE);
   CHECK(vps_quota_parse(&limits, "device-memory=none"));
   CHECK(limits.of[VPS_QUOTA_DEVICE_MEMORY] == VPS_QUOTA_NONE);
   CHECK(vps_quota_parse(&limits, "device-memory=0,bandwidth=1T,threads=7,swapchains=0,pictures=3K,allocations=1"));
   CHECK(limits.of[VPS_QUOTA_DEVICE_MEMORY] == 0 && limits.of[VPS_QUOTA_THREADS] == 7);

   static const char *const wrong[] = {
      "",
      "objects",
      "objects=",
      "objects=1M,",
      "objects=-1",
      "objects=1Q",
      "objects=1MB",
      "object=1M",
      ",objects=1M",
      "objects=1M objects=1M",
      "objects=1",
      "host-memory=10M",
      "bandwidth=1K",
      "objects=none1",
      "device-memory=18446744073709551616",
      "objects= 1M",
      "objects=0x100",
      "threads=0",
      "device-memory=16777216T",
      "allocations=0",
   };
   for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
      CHECK(!vps_quota_parse(&limits, wrong[i]));
}

/* The file of an account keeps its size, whoever has it. */
static void test_account(void)
{
   struct vps_account account, other;
   const int fd = vps_account_create(&account, 3);

   if (!CHECK(fd >= 0))
      return;
   CHECK(ftruncate(fd, 0) != 0);
   CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0);
   CHECK(vps_account_open(&other, fd) && other.count == 3);
   CHECK(vps_account_sum(&other, VPS_QUOTA_OBJECTS) == 0);
   vps_account_clear(&account, 2);
   atomic_store(&other.slots[0].used[VPS_QUOTA_OBJECTS], 5);
   atomic_store(&other.slots[2].used[VPS_QUOTA_OBJECTS], 7);
   CHECK(vps_account_sum(&account, VPS_QUOTA_OBJECTS) == 12);
   CHECK(vps_account_sum(&account, VPS_QUOTA_THREADS) == 0);
   atomic_store(&other.slots[1].used[VPS_QUOTA_OBJECTS], UINT64_MAX - 3); /* somebody lies */
   CHECK(vps_account_sum(&account, VPS_QUOTA_OBJECTS) == UINT64_MAX);
   atomic_store(&other.head->used[0], UINT64_MAX);
   CHECK(vps_account_sum(&account, VPS_QUOTA_OBJECTS) == UINT64_MAX);
   vps_account_clear(&account, 1);
   CHECK(vps_account_sum(&account, VPS_QUOTA_OBJECTS) == 12);

   CHECK(vps_account_count_busy(&account, 5000) == 1);
   atomic_store(&other.slots[0].used[VPS_QUOTA_BANDWIDTH], 4500);
   atomic_store(&other.slots[1].used[VPS_QUOTA_BANDWIDTH], 4900);
   atomic_store(&other.slots[2].used[VPS_QUOTA_BANDWIDTH], 100);
   CHECK(vps_account_count_busy(&account, 5000) == 2);
   vps_account_close(&other);
   vps_account_close(&account);
   close(fd);
}

static void test_users(void)
{
   struct vps_user_table table;
   int first, second, third;

   if (!CHECK(vps_user_table_init(&table, 3)))
      return;
   CHECK(vps_user_table_enter(&table, "uid:1", &first) == 0);
   CHECK(vps_user_table_enter(&table, "uid:1", &second) == 1);
   CHECK(first == second);
   CHECK(vps_user_table_enter(&table, "address:192.0.2.1", &third) == 0);
   CHECK(third != first && table.count == 2);
   struct vps_account account;
   CHECK(vps_account_open(&account, first));
   atomic_store(&account.slots[0].used[VPS_QUOTA_OBJECTS], 5);
   atomic_store(&account.slots[1].used[VPS_QUOTA_OBJECTS], 6);
   vps_user_table_leave(&table, "uid:1", 0); /* whatever became of it */
   CHECK(vps_account_sum(&account, VPS_QUOTA_OBJECTS) == 6);
   CHECK(vps_user_table_enter(&table, "uid:1", &first) == 0);
   vps_user_table_leave(&table, "uid:1", 0);
   vps_user_table_leave(&table, "uid:1", 1);
   vps_user_table_leave(&table, "uid:1", 1); /* nobody knows it any more */
   CHECK(table.count == 1);
   vps_account_close(&account);
   vps_user_table_finish(&table);
}

/* A process has one client for as long as it lives. */
static void as_worker(void (*body)(void), const char *quota, const char *user_quota, int fd, int slot)
{
   const pid_t child = fork();
   int status = 1;

   if (child == 0) {
      struct vps_options options = {.quota = VPS_QUOTA_UNLIMITED, .user_quota = VPS_QUOTA_UNLIMITED};
      struct vps_client client = {.peer = "a client", .user = "a user", .account_fd = dup(fd), .account_slot = slot};
      const bool ok = (!quota || vps_quota_parse(&options.quota, quota)) &&
                      (!user_quota || vps_quota_parse(&options.user_quota, user_quota)) &&
                      vps_quota_start(&options, &client);
      if (CHECK(ok))
         body();
      _exit(check_failures > 0);
   }
   CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void count_alone(void)
{
   CHECK(vps_quota_limit(VPS_QUOTA_OBJECTS) == 100);
   CHECK(vps_quota_limit(VPS_QUOTA_THREADS) == 5);
   CHECK(vps_quota_limit(VPS_QUOTA_PICTURES) == VPS_QUOTA_NONE);
   CHECK(vps_quota_left(VPS_QUOTA_PICTURES) == VPS_QUOTA_NONE);
   CHECK(vps_quota_take(VPS_QUOTA_PICTURES, UINT64_C(1) << 62));
   CHECK(vps_quota_take(VPS_QUOTA_OBJECTS, 60));
   CHECK(!vps_quota_take(VPS_QUOTA_OBJECTS, 41));
   CHECK(!vps_quota_take(VPS_QUOTA_OBJECTS, UINT64_MAX));
   CHECK(vps_quota_take(VPS_QUOTA_OBJECTS, 40));
   CHECK(vps_quota_left(VPS_QUOTA_OBJECTS) == 0 && !vps_quota_has_room(VPS_QUOTA_OBJECTS, 1));
   vps_quota_note(VPS_QUOTA_OBJECTS, 3); /* more than allowed, which was there already */
   CHECK(vps_quota_left(VPS_QUOTA_OBJECTS) == 0);
   vps_quota_give(VPS_QUOTA_OBJECTS, 53);
   CHECK(vps_quota_left(VPS_QUOTA_OBJECTS) == 50);
   CHECK(vps_quota_take(VPS_QUOTA_THREADS, 5) && !vps_quota_take(VPS_QUOTA_THREADS, 1));
   vps_quota_report(VPS_QUOTA_THREADS);
}

static void take_and_die(void)
{
   CHECK(vps_quota_take(VPS_QUOTA_OBJECTS, 60));
   CHECK(!vps_quota_take(VPS_QUOTA_OBJECTS, 60));
   CHECK(vps_quota_take(VPS_QUOTA_OBJECTS, 20));
}

static void find_what_is_left(void)
{
   CHECK(vps_quota_left(VPS_QUOTA_OBJECTS) == 20);
   CHECK(!vps_quota_take(VPS_QUOTA_OBJECTS, 21));
   CHECK(vps_quota_take(VPS_QUOTA_OBJECTS, 20));
   vps_quota_report(VPS_QUOTA_OBJECTS);
}

static void find_all(void)
{
   CHECK(vps_quota_left(VPS_QUOTA_OBJECTS) == 90);
}

static void test_workers(void)
{
   struct vps_user_table table;
   int fd = -1;

   as_worker(count_alone, "objects=100", "objects=200,threads=5", -1, 0);
   if (!CHECK(vps_user_table_init(&table, 4)))
      return;
   CHECK(vps_user_table_enter(&table, "u", &fd) == 0 && vps_user_table_enter(&table, "u", &fd) == 1);
   as_worker(take_and_die, "objects=90", "objects=100", fd, 0);
   as_worker(find_what_is_left, "objects=90", "objects=100", fd, 1);
   vps_user_table_leave(&table, "u", 0);
   vps_user_table_leave(&table, "u", 1);
   CHECK(vps_user_table_enter(&table, "u", &fd) == 0);
   as_worker(find_all, "objects=90", "objects=100", fd, 0);
   vps_user_table_finish(&table);
}

static void use_bandwidth(void)
{
   CHECK(vps_quota_rate(100) == 1000000);
   vps_bandwidth_use(1000000); /* what may be used at once, and a debt of most of a second */
   const int64_t start_ms = vp_clock_ms();
   vps_bandwidth_wait(-1);
   CHECK(vp_clock_ms() - start_ms >= 700);
   vps_bandwidth_wait(-1);
}

static void have_part(void)
{
   CHECK(vps_quota_rate(1200) == 500000);
   CHECK(vps_quota_rate(5200) == 900000);
}

/* What drivers keep where the kernel does not count it. */
static void use_recordings(void)
{
   struct vps_command_pool pool = {0};

   CHECK(vps_host_memory_look() == VPS_HOST_MEMORY_THERE);
   vps_command_pool_add(&pool, UINT64_C(1) << 30);
   vps_host_memory_note(1 << 20); /* so that it is measured at once */
   CHECK(vps_host_memory_look() == VPS_HOST_MEMORY_FULL);
   pool.recorded = 0; /* a pool that was reset may have the memory still */
   vps_command_pool_add(&pool, UINT64_C(1) << 29);
   CHECK(pool.kept == UINT64_C(1) << 30);
   vps_host_memory_note_recorded(-(INT64_C(1) << 30));
   vps_host_memory_note(1 << 20);
   CHECK(vps_host_memory_look() == VPS_HOST_MEMORY_THERE);
}

static void test_bandwidth(void)
{
   struct vps_account account;
   const int fd = vps_account_create(&account, 2);

   as_worker(use_bandwidth, "bandwidth=1000000", NULL, -1, 0);
   if (!CHECK(fd >= 0))
      return;
   vps_account_clear(&account, 0);
   vps_account_clear(&account, 1);
   atomic_store(&account.slots[0].used[VPS_QUOTA_BANDWIDTH], 1000);
   as_worker(have_part, "bandwidth=900000", "bandwidth=1000000", fd, 1);
   vps_account_close(&account);
   close(fd);
}

int main(void)
{
   test_parsing();
   test_account();
   test_users();
   test_workers();
   as_worker(use_recordings, "host-memory=1G", NULL, -1, 0);
   test_bandwidth();
   return check_finish();
}
