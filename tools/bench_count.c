/* SPDX-License-Identifier: MIT */

/* Counts what a thread does while commands are recorded. Allocations and locks are counted by the functions below,
 * which the driver finds instead of the C library's because the program exports them; of the system calls of the thread
 * the first is seen, because the kernel is told to hand it back. */

#include "tools/bench_count.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>

#define EXPORT __attribute__((visibility("default")))

static _Thread_local bool counting;
static _Thread_local unsigned long allocations, locks;

EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *memory, size_t size);
EXPORT void free(void *memory);
EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex);
EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex);
EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *lock);
EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *lock);

/* glibc's own names for the functions that we replace */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

void *malloc(size_t size)
{
   allocations += counting;
   return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
   allocations += counting;
   return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
   allocations += counting;
   return __libc_realloc(memory, size);
}

void free(void *memory)
{
   allocations += counting;
   __libc_free(memory);
}

static int call_next(void **next, const char *name, void *lock)
{
   int (*function)(void *);

   locks += counting;
   if (!__atomic_load_n(next, __ATOMIC_RELAXED))
      __atomic_store_n(next, dlsym(RTLD_NEXT, name), __ATOMIC_RELAXED);
   memcpy(&function, next, sizeof(function));
   return function(lock);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
   static void *next;
   return call_next(&next, "pthread_mutex_lock", mutex);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
   static void *next;
   return call_next(&next, "pthread_mutex_trylock", mutex);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
   static void *next;
   return call_next(&next, "pthread_rwlock_rdlock", lock);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
   static void *next;
   return call_next(&next, "pthread_rwlock_wrlock", lock);
}

/* The first system call while dispatch_selector is 1 comes here instead of into the kernel, and is then made again. */
static volatile char dispatch_selector;
static volatile int first_system_call = -1;
static bool can_see_system_calls;

#ifdef __x86_64__
static void on_system_call(int number, siginfo_t *info, void *context)
{
   greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
   (void)number;
   dispatch_selector = 0;
   first_system_call = info->si_syscall;
   registers[REG_RIP] -= 2; /* the instruction's length */
   registers[REG_RAX] = info->si_syscall;
}

void bench_count_watch_system_calls(void)
{
   const struct sigaction action = {.sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO};
   const int set_syscall_user_dispatch = 59, on = 1;

   can_see_system_calls =
      sigaction(SIGSYS, &action, NULL) == 0 && prctl(set_syscall_user_dispatch, on, 0, 0, &dispatch_selector) == 0;
}
#else
void bench_count_watch_system_calls(void)
{
}
#endif

void bench_count_start(void)
{
   allocations = locks = 0;
   first_system_call = -1;
   counting = true;
   dispatch_selector = can_see_system_calls;
}

struct bench_counts bench_count_stop(void)
{
   dispatch_selector = 0;
   counting = false;
   return (struct bench_counts){
      .allocations = allocations,
      .locks = locks,
      .system_calls = !can_see_system_calls   ? "null"
                      : first_system_call < 0 ? "0"
                                              : "1",
      .first_system_call = first_system_call,
   };
}
