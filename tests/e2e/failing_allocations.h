/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_FAILING_ALLOCATIONS_H
#define VP_TESTS_FAILING_ALLOCATIONS_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* For what is linked with `--wrap` for these functions (vp_fail_allocations in tests/CMakeLists.txt): allocations,
 * mappings and threads of the code that is linked with it, and of nobody else, are counted, and fail on request. */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_memfd_create(const char *name, unsigned flags);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *data);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *data);

static atomic_uint allocations, first_failure = UINT32_MAX, end_of_failures = UINT32_MAX;

/* From the first on, which is the number 0, so many of them fail. */
static void fail_allocations(unsigned first, unsigned count)
{
   atomic_store(&end_of_failures, first + count);
   atomic_store(&first_failure, first);
}

static bool fails(void)
{
   const unsigned number = atomic_fetch_add(&allocations, 1);
   if (number < atomic_load(&first_failure) || number >= atomic_load(&end_of_failures))
      return false;
   errno = ENOMEM;
   return true;
}

void *__wrap_malloc(size_t size)
{
   return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
   return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
   return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
   return fails() ? MAP_FAILED : __real_mmap(address, size, protection, flags, fd, offset);
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
   return fails() ? -1 : __real_memfd_create(name, flags);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *data)
{
   return fails() ? EAGAIN : __real_pthread_create(thread, attributes, start, data);
}

#endif
