/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_SLOW_FILE_H
#define VP_UNIT_SLOW_FILE_H

/* A file whose device takes its time: the bytes of a read come when slow_file_answer() is called. Until then the kernel
 * holds the pages that they go to, as for any device that writes there by itself. It is a file system (FUSE)
 * in a mount namespace of its own. For one thread. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOW_FILE_SIZE ((size_t)1 << 20)
#define SLOW_FILE_BYTE 0xab
#define SLOW_FILE_READS 64

struct slow_file {
   int device, fd;
   pid_t server;
   struct {
      atomic_bool may_answer;
      atomic_uint asked; /* reads that have arrived */
   } * shared;
   struct {
      uint64_t unique;
      uint32_t size;
   } reads[SLOW_FILE_READS];
   unsigned waiting; /* reads that have no answer yet */
   char path[32];
};

static inline void slow_file_reply(const struct slow_file *file, uint64_t unique, int error, const void *data,
                                   size_t size)
{
   struct fuse_out_header header = {.len = (uint32_t)(sizeof(header) + size), .error = -error, .unique = unique};
   const struct iovec parts[2] = {{.iov_base = &header, .iov_len = sizeof(header)},
                                  {.iov_base = (void *)(uintptr_t)data, .iov_len = size}};
   if (writev(file->device, parts, 2) < 0)
      perror("the slow file cannot answer");
}

static inline void slow_file_answer_reads(struct slow_file *file)
{
   static uint8_t data[SLOW_FILE_SIZE];
   memset(data, SLOW_FILE_BYTE, sizeof(data));
   for (; file->waiting > 0; file->waiting--)
      slow_file_reply(file, file->reads[file->waiting - 1].unique, 0, data, file->reads[file->waiting - 1].size);
}

static inline void slow_file_serve_request(struct slow_file *file, const struct fuse_in_header *header,
                                           const void *body)
{
   const uint64_t unique = header->unique;
   const struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION,
                                      .minor = FUSE_KERNEL_MINOR_VERSION,
                                      .flags = FUSE_ASYNC_READ | FUSE_ASYNC_DIO,
                                      .max_background = 12,
                                      .congestion_threshold = 9,
                                      .max_write = 4096};
   const struct fuse_attr_out attributes = {
      .attr = {.ino = 1, .size = SLOW_FILE_SIZE, .mode = S_IFREG | 0644, .nlink = 1}};
   const struct fuse_open_out opened = {.open_flags = FOPEN_DIRECT_IO};
   switch (header->opcode) {
   case FUSE_INIT:
      slow_file_reply(file, unique, 0, &init, sizeof(init));
      break;
   case FUSE_GETATTR:
      slow_file_reply(file, unique, 0, &attributes, sizeof(attributes));
      break;
   case FUSE_OPEN:
      slow_file_reply(file, unique, 0, &opened, sizeof(opened));
      break;
   case FUSE_READ:
      if (file->waiting == SLOW_FILE_READS)
         abort();
      file->reads[file->waiting].unique = unique;
      file->reads[file->waiting++].size = ((const struct fuse_read_in *)body)->size;
      file->shared->asked++;
      break;
   case FUSE_INTERRUPT:
   case FUSE_FORGET:
      break;
   default:
      slow_file_reply(file, unique, ENOSYS, NULL, 0);
   }
}

/* A process of its own, since no process can end while it waits for itself. */
static inline void slow_file_serve(struct slow_file *file)
{
   static uint64_t request[(FUSE_MIN_READ_BUFFER + 4096) / 8];
   const struct fuse_in_header *header = (const struct fuse_in_header *)request;
   for (;;) {
      struct pollfd pollfd = {.fd = file->device, .events = POLLIN};
      if (file->shared->may_answer)
         slow_file_answer_reads(file);
      if (poll(&pollfd, 1, 1) <= 0)
         continue;
      const ssize_t size = read(file->device, request, sizeof(request));
      if (size < 0 && (errno == EINTR || errno == ENOENT))
         continue;
      if (size < (ssize_t)sizeof(*header))
         _exit(0); /* it is unmounted */
      slow_file_serve_request(file, header, header + 1);
   }
}

/* Before there are threads. False where this is not allowed. */
static inline bool slow_file_prepare(void)
{
   const unsigned user = geteuid(), group = getegid();
   char map[64];
   if (unshare(CLONE_NEWNS) == 0)
      return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
   if (unshare(CLONE_NEWNS | CLONE_NEWUSER) < 0)
      return false;
   const char *const files[] = {"/proc/self/setgroups", "/proc/self/uid_map", "/proc/self/gid_map"};
   for (unsigned i = 0; i < 3; i++) {
      const int length =
         i == 0 ? snprintf(map, sizeof(map), "deny") : snprintf(map, sizeof(map), "0 %u 1", i == 1 ? user : group);
      const int fd = open(files[i], O_WRONLY | O_CLOEXEC);
      const bool ok = fd >= 0 && write(fd, map, (size_t)length) == length;
      if (fd >= 0)
         close(fd);
      if (!ok)
         return false;
   }
   return true;
}

/* False where that is not possible. */
static inline bool slow_file_open(struct slow_file *file)
{
   char options[128];
   *file = (struct slow_file){.fd = -1, .path = "/tmp/slow_file.XXXXXX"};
   file->shared = mmap(NULL, sizeof(*file->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
   file->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
   const int place = mkstemp(file->path);
   if (file->shared == MAP_FAILED || file->device < 0 || place < 0)
      return false;
   close(place);
   snprintf(options, sizeof(options), "fd=%d,rootmode=100644,user_id=%u,group_id=%u", file->device, geteuid(),
            getegid());
   if (mount("slow_file", file->path, "fuse", MS_NOSUID | MS_NODEV, options) < 0)
      return false;
   file->server = fork();
   if (file->server == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      slow_file_serve(file);
   }
   close(file->device);
   if (file->server < 0)
      return false;
   struct stat status; /* asynchronous reads end where the kernel thinks that the file ends */
   file->fd = open(file->path, O_RDONLY | O_DIRECT | O_CLOEXEC);
   return file->fd >= 0 && fstat(file->fd, &status) == 0;
}

/* Reads wait from now on, or are answered. */
static inline void slow_file_answer(struct slow_file *file, bool answer)
{
   file->shared->may_answer = answer;
}

static inline void slow_file_wait_until_asked(struct slow_file *file, unsigned count)
{
   while (file->shared->asked < count)
      usleep(500);
}

static inline void slow_file_close(struct slow_file *file)
{
   slow_file_answer(file, true);
   close(file->fd);
   umount2(file->path, MNT_DETACH);
   kill(file->server, SIGKILL);
   waitpid(file->server, NULL, 0);
   munmap(file->shared, sizeof(*file->shared));
   unlink(file->path);
}

#endif
