/* SPDX-License-Identifier: MIT */
/* Threads and the GPU change mapped memory in all ways that Vulkan allows, as fast as they can, and compare every byte
 * with a model of it.
 *
 * usage: memory_stress [OPTION...] [SECONDS [SEED]]
 *
 *   --part NAME            only that part; can be given several times
 *   --no-kernel-writes     no read(2) and its like into mapped memory
 *   --no-blocked-faults    threads that block all signals leave SIGSEGV and SIGBUS open
 *
 * Each part (a file of its own) is a kind of use, with one or more threads. All of them run at the same time on one
 * device and one queue, first without and then, for a quarter of the time, those that go with it beside a sparse heap
 * of gigabytes. Each thread does at least three rounds. The last two options are for a driver that finds changes by
 * faults: the kernel does not allow these things there.
 *
 * Exit status: 0 when all was as the models say, 1 otherwise, with seed, part, and the first byte that is wrong. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define MAX_THREADS 4 /* of a part */
#define MIN_ROUNDS 3  /* of a thread, however slow they are */

static const struct part *const all_parts[] = {
   &part_chunks,  &part_short_lived,  &part_remap,          &part_counters,          &part_storage,
   &part_address, &part_late_binding, &part_dynamic_offset, &part_copied_descriptor, &part_pushed_descriptor,
   &part_texels,  &part_commands,     &part_linear_image,   &part_host_signals,      &part_fork,
   &part_faults,  &part_sparse_heap,
};

#define PART_COUNT (sizeof(all_parts) / sizeof(all_parts[0]))

/* A part at work. */
struct running {
   const struct part *part;
   void *state;
   struct worker workers[MAX_THREADS];
};

static struct world world = {.kernel_writes = true, .blocked_faults = true, .seconds = 10};
static bool chosen[PART_COUNT];

/* --- threads --- */

/* An alternate signal stack of the usual size, with a page behind it that nobody may touch. */
struct small_stack {
   uint8_t *pages;
   size_t size;
   stack_t before;
};

static void small_stack_set(struct small_stack *stack)
{
   const size_t page = (size_t)sysconf(_SC_PAGESIZE);
   const long least = sysconf(_SC_MINSIGSTKSZ);
   const size_t wanted = least + 4096 > 8192 ? (size_t)least + 4096 : 8192;
   stack->size = page + (wanted + page - 1) / page * page;
   stack->pages = mmap(NULL, stack->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   if (stack->pages == MAP_FAILED || mprotect(stack->pages, page, PROT_NONE) != 0)
      give_up(&world, "a signal stack", -1);
   const stack_t info = {.ss_sp = stack->pages + page, .ss_size = stack->size - page};
   if (sigaltstack(&info, &stack->before) != 0)
      give_up(&world, "sigaltstack", -1);
}

static void small_stack_restore(struct small_stack *stack)
{
   sigaltstack(&stack->before, NULL);
   munmap(stack->pages, stack->size);
}

static void block_signals(void)
{
   sigset_t set;
   sigfillset(&set);
   if (!world.blocked_faults) {
      sigdelset(&set, SIGSEGV);
      sigdelset(&set, SIGBUS);
   }
   pthread_sigmask(SIG_SETMASK, &set, NULL);
}

/* The threads of a part differ in their signals: the second and fourth block all, the third and fourth have small
 * stacks for them. */
static void *work(void *argument)
{
   struct worker *w = argument;
   struct small_stack stack = {0};
   if (w->index & 2)
      small_stack_set(&stack);
   if (w->index & 1)
      block_signals();
   do {
      w->part->round(w);
      w->rounds++;
   } while (!atomic_load(&world.stop) || (w->rounds < MIN_ROUNDS && atomic_load(&world.failures) == 0));
   if (w->index & 2)
      small_stack_restore(&stack);
   return NULL;
}

static void start_worker(struct running *running, unsigned index)
{
   struct worker *w = &running->workers[index];
   *w = (struct worker){.world = &world, .part = running->part, .index = index, .part_state = running->state};
   w->random = world.seed * 1000003 + index * UINT64_C(7919) + 1;
   for (const char *c = running->part->name; *c; c++)
      w->random = w->random * 31 + (uint64_t)*c;
   worker_create_gpu(w);
   kernel_sources_init(&world, &w->sources);
}

/* --- parts --- */

static bool is_here(const struct part *part)
{
   const char *lacks = part->lacks ? part->lacks(&world) : NULL;
   if (lacks)
      printf("%-13s not tested: %s\n", part->name, lacks);
   return !lacks;
}

static void start(struct running *running, const struct part *part)
{
   uint64_t random = world.seed * 2654435761u + 88172645463325252u;
   running->part = part;
   running->state = part->create(&world, &random);
   for (unsigned i = 0; i < part->threads; i++)
      start_worker(running, i);
}

static void run_threads(struct running *running)
{
   for (unsigned i = 0; i < running->part->threads; i++) {
      if (pthread_create(&running->workers[i].thread, NULL, work, &running->workers[i]) != 0)
         give_up(&world, "a thread", -1);
   }
}

static void join_threads(struct running *running)
{
   unsigned long rounds = 0;
   for (unsigned i = 0; i < running->part->threads; i++) {
      pthread_join(running->workers[i].thread, NULL);
      rounds += running->workers[i].rounds;
   }
   printf("%-13s %lu rounds\n", running->part->name, rounds);
}

static void finish(struct running *running)
{
   for (unsigned i = 0; i < running->part->threads; i++) {
      kernel_sources_finish(&running->workers[i].sources);
      worker_destroy_gpu(&running->workers[i]);
   }
   running->part->destroy(&world, running->state);
}

/* All chosen parts of one half at once. */
static void run_half(bool with_heap, int64_t duration)
{
   static struct running running[PART_COUNT];
   unsigned count = 0;
   for (unsigned i = 0; i < PART_COUNT; i++) {
      if (chosen[i] && (with_heap ? all_parts[i]->with_heap : all_parts[i] != &part_sparse_heap) &&
          is_here(all_parts[i]))
         start(&running[count++], all_parts[i]);
   }
   if (count == 0)
      return;
   const int64_t end = now_ns() + duration;
   atomic_store(&world.stop, atomic_load(&world.failures) != 0);
   for (unsigned i = 0; i < count; i++)
      run_threads(&running[i]);
   while (now_ns() < end && !atomic_load(&world.stop))
      pause_ns(20000000);
   atomic_store(&world.stop, true);
   for (unsigned i = 0; i < count; i++)
      join_threads(&running[i]);
   MUST(&world, vkDeviceWaitIdle(world.device));
   for (unsigned i = 0; i < count; i++)
      finish(&running[i]);
}

/* --- options --- */

static _Noreturn void usage(void)
{
   fprintf(stderr, "usage: memory_stress [--part NAME] [--no-kernel-writes] [--no-blocked-faults] [SECONDS [SEED]]\n"
                   "parts:");
   for (unsigned i = 0; i < PART_COUNT; i++)
      fprintf(stderr, " %s", all_parts[i]->name);
   fprintf(stderr, "\n");
   exit(2);
}

static void choose(const char *name)
{
   for (unsigned i = 0; i < PART_COUNT; i++) {
      if (!strcmp(all_parts[i]->name, name)) {
         chosen[i] = true;
         return;
      }
   }
   usage();
}

static void read_options(int argc, char **argv)
{
   unsigned numbers = 0, parts = 0;
   for (int i = 1; i < argc; i++) {
      if (!strcmp(argv[i], "--no-kernel-writes")) {
         world.kernel_writes = false;
      } else if (!strcmp(argv[i], "--no-blocked-faults")) {
         world.blocked_faults = false;
      } else if (!strcmp(argv[i], "--part") && i + 1 < argc) {
         choose(argv[++i]);
         parts++;
      } else if (argv[i][0] == '-' || numbers == 2) {
         usage();
      } else if (numbers++ == 0) {
         world.seconds = (unsigned)strtoul(argv[i], NULL, 10);
      } else {
         world.seed = strtoull(argv[i], NULL, 10);
      }
   }
   if (numbers < 2)
      world.seed = (uint64_t)time(NULL);
   for (unsigned i = 0; i < PART_COUNT && parts == 0; i++)
      chosen[i] = true;
}

int main(int argc, char **argv)
{
   read_options(argc, argv);
   faults_install_first();
   setvbuf(stdout, NULL, _IOLBF, 0);
   printf("memory_stress: seed %llu\n", (unsigned long long)world.seed);
   world_create(&world);
   const int64_t quarter = (int64_t)world.seconds * 250000000;
   run_half(false, 3 * quarter);
   run_half(true, quarter);
   world_destroy(&world);
   printf("%lu MiB compared, %u failures\n", atomic_load(&world.bytes_compared) >> 20, atomic_load(&world.failures));
   return atomic_load(&world.failures) ? 1 : 0;
}
