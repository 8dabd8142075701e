/* SPDX-License-Identifier: MIT */
/* A process that gives things up, and then maps memory for the first time and lets the GPU copy:
 *
 *   nothing        none
 *   early-files    the size of files, before it uses Vulkan (RLIMIT_FSIZE)
 *   files          the same when it has a device
 *   descriptors    new descriptors, when it has a device (RLIMIT_NOFILE)
 *   calls-fail     rare system calls, when it has a device (seccomp); also all opening of files, as without /proc
 *   calls-kill     the same, and they end the process
 *   more-calls     all that the driver can do without
 *   closed         the descriptors of files that it does not know, when it has a device
 *
 * Prints what it says on both standard streams, on descriptor 9 whether the copies were right, and which descriptors up
 * to 2 are open. Exit status 0 when they were right. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/e2e/copy.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const int rare_calls[] = {
   SYS_userfaultfd, SYS_memfd_create, SYS_socket,           SYS_connect,   SYS_execve,
   SYS_openat,      SYS_ptrace,       SYS_process_vm_readv, SYS_ftruncate,
};

static const int more_calls[] = {
   SYS_userfaultfd, SYS_memfd_create, SYS_socket, SYS_openat,     SYS_ftruncate, SYS_fallocate,
   SYS_lseek,       SYS_fstat,        SYS_ioctl,  SYS_newfstatat, SYS_prlimit64,
};

static void limit(int resource, rlim_t value)
{
   const struct rlimit both = {value, value};
   NEED(setrlimit((__rlimit_resource_t)resource, &both) == 0);
}

/* All threads are held to it. */
static void forbid(const int *calls, size_t count, uint32_t action)
{
   struct sock_filter code[64];
   unsigned short n = 0;
   code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
   for (size_t i = 0; i < count; i++) {
      code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
      code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
   }
   code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
   const struct sock_fprog program = {n, code};
   NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
   NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0);
}

/* And opens files of its own in their place. */
static void close_unknown(void)
{
   for (int fd = 3; fd < 64; fd++) {
      struct stat status;
      if (fd == 9 || fstat(fd, &status) || S_ISSOCK(status.st_mode))
         continue;
      close(fd);
      const int own = open("own-file", O_RDWR | O_CREAT, 0600);
      NEED(own >= 0 && ftruncate(own, 1 << 20) == 0);
      NEED(own == fd || (dup2(own, fd) == fd && close(own) == 0));
   }
}

static void give_up(const char *what)
{
   if (!strcmp(what, "files"))
      limit(RLIMIT_FSIZE, 0);
   else if (!strcmp(what, "descriptors"))
      limit(RLIMIT_NOFILE, 0);
   else if (!strcmp(what, "calls-fail"))
      forbid(rare_calls, COUNT(rare_calls), SECCOMP_RET_ERRNO | EPERM);
   else if (!strcmp(what, "calls-kill"))
      forbid(rare_calls, COUNT(rare_calls), SECCOMP_RET_KILL_PROCESS);
   else if (!strcmp(what, "more-calls"))
      forbid(more_calls, COUNT(more_calls), SECCOMP_RET_ERRNO | EPERM);
   else if (!strcmp(what, "closed"))
      close_unknown();
}

static bool is_open(int fd)
{
   return fcntl(fd, F_GETFD) >= 0;
}

int main(int argc, char **argv)
{
   const char *what = argc > 1 ? argv[1] : "nothing";
   struct copier c = {0};
   bool ok = true;
   if (!strcmp(what, "early-files"))
      limit(RLIMIT_FSIZE, 0);
   copier_create_device(&c);
   give_up(what);
   /* Where these are closed, the text must not get anywhere else. */
   printf("text on standard output\n");
   fflush(stdout);
   fprintf(stderr, "text on standard error\n");
   for (unsigned round = 0; round < 3; round++) {
      copier_map(&c);
      for (unsigned i = 0; i < 3; i++)
         ok = copier_copies(&c, 10 * round + i) && ok;
      copier_unmap(&c);
   }
   char report[100];
   const int length = snprintf(report, sizeof(report), "copies are %s; descriptors %d %d %d\n", ok ? "right" : "wrong",
                               is_open(0), is_open(1), is_open(2));
   NEED(write(9, report, (size_t)length) == length);
   copier_finish(&c);
   return !ok;
}
