/* SPDX-License-Identifier: MIT */

/* Slots side by side in a file that processes share. */

#include <sys/mman.h>

#include "server/process/account.h"
#include "server/process/shared_file.h"

/* Who has used its connection in this time shares what the user may send. */
#define BUSY_MS 1000

static size_t account_size(unsigned slots)
{
   return (1 + (size_t)slots) * sizeof(struct vps_account_slot);
}

static void use_memory(struct vps_account *account, struct vps_account_slot *memory, unsigned slots)
{
   *account = (struct vps_account){.head = memory, .slots = memory + 1, .count = slots};
}

int vps_account_create(struct vps_account *account, unsigned slots)
{
   void *memory;
   const int fd = vps_shared_file_create("venus-account", account_size(slots), &memory);

   *account = (struct vps_account){0};
   if (fd >= 0)
      use_memory(account, memory, slots);
   return fd;
}

bool vps_account_open(struct vps_account *account, int fd)
{
   size_t size = 0;
   void *memory = vps_shared_file_open(fd, account_size(1), &size);

   *account = (struct vps_account){0};
   if (memory)
      use_memory(account, memory, (unsigned)(size / sizeof(*account->slots) - 1));
   return memory != NULL;
}

void vps_account_close(struct vps_account *account)
{
   if (account->head)
      munmap(account->head, account_size(account->count));
   *account = (struct vps_account){0};
}

/* The slots after that have never been used. */
static unsigned count_slots(const struct vps_account *account)
{
   const uint64_t used = account->head ? atomic_load_explicit(&account->head->used[0], memory_order_relaxed) : 0;

   return used < account->count ? (unsigned)used : account->count;
}

void vps_account_clear(struct vps_account *account, unsigned slot)
{
   for (unsigned i = 0; i < VPS_QUOTAS; i++)
      atomic_store(&account->slots[slot].used[i], 0);
   if (atomic_load(&account->head->used[0]) <= slot)
      atomic_store(&account->head->used[0], slot + 1);
}

uint64_t vps_account_sum(const struct vps_account *account, enum vps_quota quota)
{
   const unsigned count = count_slots(account);
   uint64_t sum = 0;

   for (unsigned i = 0; i < count; i++) {
      const uint64_t used = atomic_load_explicit(&account->slots[i].used[quota], memory_order_relaxed);
      sum = used > UINT64_MAX - sum ? UINT64_MAX : sum + used;
   }
   return sum;
}

unsigned vps_account_count_busy(const struct vps_account *account, int64_t now_ms)
{
   const unsigned slots = count_slots(account);
   unsigned count = 0;

   for (unsigned i = 0; i < slots; i++) {
      const uint64_t used = atomic_load_explicit(&account->slots[i].used[VPS_QUOTA_BANDWIDTH], memory_order_relaxed);
      count += used && now_ms - (int64_t)used < BUSY_MS;
   }
   return count ? count : 1;
}
