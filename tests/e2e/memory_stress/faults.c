/* SPDX-License-Identifier: MIT */
/* A program that handles SIGSEGV and SIGBUS itself: with handlers that it had before it used Vulkan, with others that
 * it installs when memory is mapped already, and with some that are there for a moment only. Each handles faults at
 * addresses that it knows and gives all others to the handler that was there before it. The faults are met in the
 * middle of copying from and to mapped memory. */
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress.h"

#define HALF 30000u /* of the mapped memory; the GPU copies the first to the second */

enum level { FIRST, LATER, FOR_A_MOMENT, LEVELS };

/* A page that faults, and what is done about it. */
struct own_page {
   enum level level; /* who handles it */
   bool jumps;       /* out of the handler, instead of going on after it */
   int file;         /* too short for the page: SIGBUS. Or -1: a protected page */
   uint8_t *bytes;
   size_t size;
   sigjmp_buf back;
   volatile sig_atomic_t faults;
};

static const int signals[2] = {SIGSEGV, SIGBUS};
static struct sigaction before[LEVELS][2];
static _Thread_local struct own_page *volatile expected;
static volatile sig_atomic_t in_child;

/* --- handlers --- */

static void heal(const struct own_page *page)
{
   if (page->file < 0)
      mprotect(page->bytes, page->size, PROT_READ | PROT_WRITE);
   else if (ftruncate(page->file, (off_t)page->size) != 0)
      _exit(1);
}

static void pass_on(enum level level, int number, siginfo_t *info, void *context)
{
   static const char message[] = "memory_stress: faults: a handler got a fault that is nobody's\n";
   const struct sigaction *old = &before[level][number == SIGBUS];
   if (level == FIRST && in_child)
      _exit(CHILD_WITHOUT_MEMORY);
   if (old->sa_flags & SA_SIGINFO) {
      old->sa_sigaction(number, info, context);
   } else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
      old->sa_handler(number);
   } else {
      if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
         _exit(1);
      signal(number, SIG_DFL);
   }
}

static void handle(enum level level, int number, siginfo_t *info, void *context)
{
   struct own_page *page = expected;
   const uintptr_t address = (uintptr_t)info->si_addr;
   if (!page || page->level != level || address - (uintptr_t)page->bytes >= page->size) {
      pass_on(level, number, info, context);
      return;
   }
   page->faults++;
   if (page->jumps)
      siglongjmp(page->back, 1);
   heal(page);
}

static void handle_first(int number, siginfo_t *info, void *context)
{
   handle(FIRST, number, info, context);
}

static void handle_later(int number, siginfo_t *info, void *context)
{
   handle(LATER, number, info, context);
}

static void handle_for_a_moment(int number, siginfo_t *info, void *context)
{
   handle(FOR_A_MOMENT, number, info, context);
}

/* What was there is known before the new handler may need it. */
static void install(enum level level, void (*handler)(int, siginfo_t *, void *))
{
   struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
   sigemptyset(&action.sa_mask);
   for (unsigned i = 0; i < 2; i++) {
      sigaction(signals[i], NULL, &before[level][i]);
      sigaction(signals[i], &action, NULL);
   }
}

static void uninstall(enum level level)
{
   for (unsigned i = 0; i < 2; i++)
      sigaction(signals[i], &before[level][i], NULL);
}

void faults_install_first(void)
{
   install(FIRST, handle_first);
}

void faults_in_child(void)
{
   in_child = 1;
}

/* --- pages of our own --- */

/* A page that holds random bytes behind its protection, or zeros behind the end of its file. */
static void page_create(struct worker *w, struct own_page *page, uint8_t *model)
{
   const bool is_file = one_in(&w->random, 2);
   page->size = (size_t)sysconf(_SC_PAGESIZE);
   page->level = (enum level)below(&w->random, LEVELS);
   page->jumps = one_in(&w->random, 2);
   page->file = is_file ? memfd_create("memory_stress", MFD_CLOEXEC) : -1;
   page->bytes =
      mmap(NULL, page->size, PROT_READ | PROT_WRITE, is_file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, page->file, 0);
   if (page->bytes == MAP_FAILED)
      give_up(w->world, "a page", -1);
   memset(model, 0, page->size);
   if (is_file)
      return;
   random_bytes(&w->random, model, page->size);
   memcpy(page->bytes, model, page->size);
   if (mprotect(page->bytes, page->size, PROT_NONE) != 0)
      give_up(w->world, "mprotect", -1);
}

static void page_destroy(struct own_page *page)
{
   munmap(page->bytes, page->size);
   if (page->file >= 0)
      close(page->file);
}

/* Either side may be the page. */
static void copy_with_fault(struct own_page *page, volatile uint8_t *to, const volatile uint8_t *from, size_t size)
{
   expected = page;
   if (sigsetjmp(page->back, 1))
      heal(page);
   for (size_t i = 0; i < size; i++)
      to[i] = from[i];
   expected = NULL;
}

/* --- rounds --- */

static void exchange(struct worker *w, struct mirror *mirror, struct own_page *page, uint8_t *page_model)
{
   const uint32_t size = 1 + below(&w->random, (uint32_t)page->size), at = below(&w->random, HALF - size);
   if (one_in(&w->random, 2)) {
      copy_with_fault(page, mirror->area.map + at, page->bytes, size);
      memcpy(mirror->model + at, page_model, size);
   } else {
      copy_with_fault(page, page->bytes, mirror->area.map + at, size);
      memcpy(page_model, mirror->model + at, size);
   }
   if (page->faults != 1)
      report(w, "%d faults of a page of the program's own instead of one", (int)page->faults);
   compare(w, "a page of the program's own", page_model, page->bytes, page->size, 0);
}

static void faults_round(struct worker *w)
{
   struct mirror *mirror = w->part_state;
   struct own_page page = {0};
   uint8_t *model = must_alloc((size_t)sysconf(_SC_PAGESIZE));
   page_create(w, &page, model);
   if (page.level == FOR_A_MOMENT)
      install(FOR_A_MOMENT, handle_for_a_moment);
   exchange(w, mirror, &page, model);
   mirror_change(w, mirror, 0, HALF);
   if (page.level == FOR_A_MOMENT)
      uninstall(FOR_A_MOMENT);
   page_destroy(&page);
   free(model);
   gpu_begin(w);
   gpu_copy(w, mirror->area.buffer, 0, mirror->area.buffer, HALF, HALF);
   gpu_submit(w);
   gpu_wait(w);
   memcpy(mirror->model + HALF, mirror->model, HALF);
   mirror_compare(w, mirror, "mapped memory beside pages that fault");
   gpu_recycle(w);
}

static void *faults_create(struct world *world, uint64_t *random)
{
   struct mirror *mirror = must_alloc(sizeof(*mirror));
   mirror_create(world, mirror, 2 * HALF, COPY_USAGE, random);
   install(LATER, handle_later);
   return mirror;
}

static void faults_destroy(struct world *world, void *part_state)
{
   uninstall(LATER);
   mirror_destroy(world, part_state);
   free(part_state);
}

const struct part part_faults = {
   .name = "faults",
   .threads = 1,
   .create = faults_create,
   .round = faults_round,
   .destroy = faults_destroy,
};
