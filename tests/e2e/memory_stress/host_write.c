/* SPDX-License-Identifier: MIT */
/* The ways in which a program can write to memory. */
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "stress.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define PIECE 4096u /* fits into a pipe or socket without a reader */

typedef void (*store)(uint8_t *to, const uint8_t *from, size_t size);

static void store_copy(uint8_t *to, const uint8_t *from, size_t size)
{
   memcpy(to, from, size);
}

static void store_bytes(uint8_t *to, const uint8_t *from, size_t size)
{
   volatile uint8_t *out = to;
   for (size_t i = 0; i < size; i++)
      out[i] = from[i];
}

/* From the end, by words that are seldom aligned. */
#define STORE_WORDS(name, type)                                             \
   static void name(uint8_t *to, const uint8_t *from, size_t size)          \
   {                                                                        \
      struct __attribute__((packed, may_alias)) unaligned {                 \
         type value;                                                        \
      };                                                                    \
      while (size >= sizeof(type)) {                                        \
         size -= sizeof(type);                                              \
         ((volatile struct unaligned *)(void *)(to + size))->value =        \
            ((const struct unaligned *)(const void *)(from + size))->value; \
      }                                                                     \
      store_bytes(to, from, size);                                          \
   }

STORE_WORDS(store_words_2, uint16_t)
STORE_WORDS(store_words_4, uint32_t)
STORE_WORDS(store_words_8, uint64_t)

#ifdef __x86_64__
static void store_string(uint8_t *to, const uint8_t *from, size_t size)
{
   __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}
#endif

#ifdef __SSE2__
static void store_unaligned_16(uint8_t *to, const uint8_t *from, size_t size)
{
   for (; size >= 16; to += 16, from += 16, size -= 16)
      _mm_storeu_si128((__m128i *)(void *)to, _mm_loadu_si128((const __m128i *)(const void *)from));
   store_bytes(to, from, size);
}

/* Past the caches. */
static void store_streaming(uint8_t *to, const uint8_t *from, size_t size)
{
   while (size && (uintptr_t)to % 16) {
      *to++ = *from++;
      size--;
   }
   for (; size >= 16; to += 16, from += 16, size -= 16)
      _mm_stream_si128((__m128i *)(void *)to, _mm_loadu_si128((const __m128i *)(const void *)from));
   for (; size >= 4; to += 4, from += 4, size -= 4) {
      int word;
      memcpy(&word, from, 4);
      _mm_stream_si32((int *)(void *)to, word);
   }
   _mm_sfence();
   store_bytes(to, from, size);
}

/* The same with a mask, which chooses all bytes here. */
static void store_masked(uint8_t *to, const uint8_t *from, size_t size)
{
   for (; size >= 16; to += 16, from += 16, size -= 16)
      _mm_maskmoveu_si128(_mm_loadu_si128((const __m128i *)(const void *)from), _mm_set1_epi8(-1), (char *)to);
   _mm_sfence();
   store_bytes(to, from, size);
}
#endif

static void store_atomically(uint8_t *to, const uint8_t *from, size_t size)
{
   for (; size && (uintptr_t)to % 4; size--)
      *to++ = *from++;
   for (; size >= 4; to += 4, from += 4, size -= 4) {
      uint32_t word;
      memcpy(&word, from, 4);
      __atomic_exchange_n((uint32_t *)(void *)to, word, __ATOMIC_SEQ_CST);
   }
   store_bytes(to, from, size);
}

static const store stores[] = {
   store_copy,         store_bytes,     store_words_2, store_words_4, store_words_8, store_atomically,
#ifdef __x86_64__
   store_string,
#endif
#ifdef __SSE2__
   store_unaligned_16, store_streaming, store_masked,
#endif
};

/* --- by the kernel: at most PIECE bytes each --- */

typedef ssize_t (*kernel_write)(const struct kernel_sources *sources, uint8_t *to, const uint8_t *from, size_t size);

static ssize_t write_pread(const struct kernel_sources *sources, uint8_t *to, const uint8_t *from, size_t size)
{
   const ssize_t n = pwrite(sources->file, from, size, 0);
   return n == (ssize_t)size ? pread(sources->file, to, size, 0) : -1;
}

static ssize_t write_readv(const struct kernel_sources *sources, uint8_t *to, const uint8_t *from, size_t size)
{
   const struct iovec parts[2] = {{to, size / 2}, {to + size / 2, size - size / 2}};
   const ssize_t n = pwrite(sources->file, from, size, 0);
   return n == (ssize_t)size ? preadv(sources->file, parts, 2, 0) : -1;
}

static ssize_t write_read(const struct kernel_sources *sources, uint8_t *to, const uint8_t *from, size_t size)
{
   const ssize_t n = write(sources->pipe[1], from, size);
   return n == (ssize_t)size ? read(sources->pipe[0], to, size) : -1;
}

static ssize_t write_recv(const struct kernel_sources *sources, uint8_t *to, const uint8_t *from, size_t size)
{
   const ssize_t n = send(sources->socket[1], from, size, 0);
   return n == (ssize_t)size ? recv(sources->socket[0], to, size, MSG_WAITALL) : -1;
}

static ssize_t write_process_vm(const struct kernel_sources *sources, uint8_t *to, const uint8_t *from, size_t size)
{
   const struct iovec local = {(void *)(uintptr_t)from, size}, remote = {to, size};
   (void)sources;
   return process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
}

static const struct {
   const char *name;
   kernel_write write;
} kernel_writes[] = {
   {"pread", write_pread},
   {"preadv", write_readv},
   {"read", write_read},
   {"recv", write_recv},
   {"process_vm_writev", write_process_vm},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void kernel_sources_init(struct world *world, struct kernel_sources *sources)
{
   sources->file = memfd_create("memory_stress", MFD_CLOEXEC);
   if (sources->file < 0 || pipe(sources->pipe) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sources->socket) != 0)
      give_up(world, "files to read from", -1);
}

void kernel_sources_finish(struct kernel_sources *sources)
{
   close(sources->file);
   for (unsigned i = 0; i < 2; i++) {
      close(sources->pipe[i]);
      close(sources->socket[i]);
   }
}

static void store_by_kernel(struct worker *w, uint8_t *to, const uint8_t *from, size_t size)
{
   const unsigned way = below(&w->random, COUNT(kernel_writes));
   for (size_t done = 0; done < size;) {
      const size_t piece = size - done < PIECE ? size - done : PIECE;
      const ssize_t n = kernel_writes[way].write(&w->sources, to + done, from + done, piece);
      if (n != (ssize_t)piece) {
         report(w, "%s into mapped memory: %zd of %zu bytes (%m)", kernel_writes[way].name, n, piece);
         give_up(w->world, "the kernel does not write to mapped memory", -1);
      }
      done += piece;
   }
}

void host_store(struct worker *w, uint8_t *to, const uint8_t *from, size_t size)
{
   if (w->world->kernel_writes && one_in(&w->random, 4))
      store_by_kernel(w, to, from, size);
   else
      stores[below(&w->random, COUNT(stores))](to, from, size);
}

void host_change(struct worker *w, uint8_t *to, uint8_t *model, size_t size)
{
   switch (below(&w->random, 4)) {
   case 0:
      memset(model, 0, size);
      break;
   case 1:
      ++*model;
      size = 1;
      break;
   default:
      random_bytes(&w->random, model, size);
      break;
   }
   host_store(w, to, model, size);
}
