/* SPDX-License-Identifier: MIT */

/* Which system calls a worker, the gate and its relays keep, and what becomes of the others: seccomp. */

#include <errno.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include "common/util/log.h"
#include "server/process/confine.h"

/* By name, since libseccomp knows calls that the machine's headers do not, and the other way round. */

/* Files, which Landlock has chosen. Not what Landlock does not look at: chmod, chown, links, times, attributes. */
static const char *const files[] = {
   "open",       "openat",    "openat2",    "creat",    "close",     "close_range",     "read",
   "readv",      "pread64",   "preadv",     "preadv2",  "write",     "writev",          "pwrite64",
   "pwritev",    "pwritev2",  "lseek",      "stat",     "lstat",     "fstat",           "newfstatat",
   "statx",      "statfs",    "fstatfs",    "access",   "faccessat", "faccessat2",      "getdents",
   "getdents64", "readlink",  "readlinkat", "getcwd",   "fcntl",     "flock",           "dup",
   "dup2",       "dup3",      "pipe",       "pipe2",    "ftruncate", "fallocate",       "fadvise64",
   "fsync",      "fdatasync", "rename",     "renameat", "renameat2", "unlink",          "unlinkat",
   "mkdir",      "mkdirat",   "rmdir",      "umask",    "sendfile",  "copy_file_range", "ioctl",
};

static const char *const memory[] = {
   "brk",          "mmap",       "munmap",     "mremap",    "mprotect",      "madvise",          "mincore",
   "msync",        "mlock",      "mlock2",     "munlock",   "mbind",         "get_mempolicy",    "set_mempolicy",
   "memfd_create", "membarrier", "pkey_alloc", "pkey_free", "pkey_mprotect", "map_shadow_stack",
};

static const char *const threads[] = {
   "futex",
   "futex_waitv",
   "futex_wait",
   "futex_wake",
   "futex_requeue",
   "set_robust_list",
   "get_robust_list",
   "rseq",
   "set_tid_address",
   "gettid",
   "getcpu",
   "exit",
   "exit_group",
   "restart_syscall",
   "arch_prctl",
   "sched_yield",
   "sched_getaffinity",
   "sched_setaffinity",
   "sched_getscheduler",
   "sched_setscheduler",
   "sched_getparam",
   "sched_setparam",
   "sched_getattr",
   "sched_setattr",
   "sched_get_priority_max",
   "sched_get_priority_min",
   "sched_rr_get_interval",
   "getpriority",
   "setpriority",
};

static const char *const waiting[] = {
   "poll",          "ppoll",           "select",         "pselect6",         "epoll_create",
   "epoll_create1", "epoll_ctl",       "epoll_wait",     "epoll_pwait",      "epoll_pwait2",
   "eventfd",       "eventfd2",        "timerfd_create", "timerfd_settime",  "timerfd_gettime",
   "nanosleep",     "clock_nanosleep", "clock_gettime",  "clock_getres",     "gettimeofday",
   "time",          "times",           "alarm",          "getitimer",        "setitimer",
   "timer_create",  "timer_settime",   "timer_gettime",  "timer_getoverrun", "timer_delete",
};

static const char *const signals[] = {
   "rt_sigaction",  "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait",
   "rt_sigsuspend", "sigaltstack",    "signalfd",     "signalfd4",     "pause",
};

/* The client's connection and the way to the listener: there is nothing to connect or accept another one with. bind and
 * listen are for the only sockets that can be made, see add_limited(). */
static const char *const sockets[] = {
   "recvfrom", "recvmsg",  "recvmmsg",   "sendto",      "sendmsg",     "sendmmsg",
   "bind",     "shutdown", "getsockopt", "getsockname", "getpeername", "listen",
};

static const char *const questions[] = {
   "getpid",  "getppid", "getuid", "geteuid", "getgid",  "getegid",   "getresuid", "getresgid", "getgroups", "getpgrp",
   "getpgid", "getsid",  "capget", "uname",   "sysinfo", "getrusage", "getrlimit", "getrandom", "wait4",     "waitid",
};

/* All that copying between two connections takes, and shaking hands. */
static const char *const connections[] = {
   "read",           "readv",         "write",        "writev",          "recvfrom",
   "recvmsg",        "sendto",        "sendmsg",      "shutdown",        "getsockopt",
   "getsockname",    "getpeername",   "poll",         "ppoll",           "close",
   "fcntl",          "brk",           "mmap",         "munmap",          "mremap",
   "mprotect",       "madvise",       "futex",        "rt_sigaction",    "rt_sigreturn",
   "rt_sigprocmask", "sigaltstack",   "exit",         "exit_group",      "getpid",
   "gettid",         "getrandom",     "sched_yield",  "nanosleep",       "clock_nanosleep",
   "time",           "clock_gettime", "gettimeofday", "restart_syscall",
};

/* What a process for a client begins with. */
static const char *const forking[] = {"fork", "set_robust_list", "rseq", "setrlimit", "seccomp"};

/* Nothing of a driver's makes them, only somebody who has got into it. */
static const char *const deadly[] = {
   "ptrace",
   "process_vm_readv",
   "process_vm_writev",
   "pidfd_getfd",
   "kexec_load",
   "kexec_file_load",
   "bpf",
   "init_module",
   "finit_module",
   "delete_module",
   "mount",
   "umount2",
   "pivot_root",
   "chroot",
   "fsopen",
   "fsmount",
   "move_mount",
   "open_tree",
   "mount_setattr",
   "setns",
   "unshare",
   "add_key",
   "request_key",
   "keyctl",
   "perf_event_open",
   "userfaultfd",
   "swapon",
   "swapoff",
   "reboot",
   "iopl",
   "ioperm",
   "open_by_handle_at",
   "acct",
   "quotactl",
   "vhangup",
   "syslog",
   "settimeofday",
   "clock_settime",
   "adjtimex",
   "sethostname",
   "setdomainname",
};

#ifdef VP_INSTRUMENTED
#define IS_INSTRUMENTED true
#else
#define IS_INSTRUMENTED false
#endif

/* A sanitizer stops its threads as a debugger does, and starts a program that knows the names of functions. */
static const char *const instruments[] = {
   "ptrace",
   "process_vm_readv",
   "process_vm_writev",
   "clone",
   "fork",
   "vfork",
   "execve",
   "prctl",
   "personality",
   "kill",
   "tgkill",
   "tkill",
   "socketpair",
   "readahead",
   "setrlimit",
   "prlimit64",
   "chmod",
   "fchmod",
   "seccomp",
};

enum { MOST_ARGUMENTS = 2 };

/* An argument that a call must have. The upper half does not count, where the kernel takes 32 bits. */
struct argument {
   unsigned index;
   uint64_t mask, value;
};

struct limited_call {
   const char *name;
   struct argument arguments[MOST_ARGUMENTS];
   unsigned count;
};

#define SAME_INT(index, value)             \
   {                                       \
      index, UINT32_MAX, (uint32_t)(value) \
   }

/* Threads, not processes, and in no new namespace. */
#define CLONE_LOOKED_AT                                                                                     \
   (CLONE_THREAD | CLONE_VM | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
    CLONE_NEWPID | CLONE_NEWNET)

static bool allow_call(scmp_filter_ctx filter, const struct limited_call *call)
{
   const int number = seccomp_syscall_resolve_name(call->name);
   struct scmp_arg_cmp arguments[MOST_ARGUMENTS];

   if (number == __NR_SCMP_ERROR)
      return true;
   for (unsigned i = 0; i < call->count; i++) {
      const struct argument *argument = &call->arguments[i];
      arguments[i] = SCMP_CMP(argument->index, SCMP_CMP_MASKED_EQ, argument->mask, argument->value);
   }
   const int result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, call->count, arguments);
   return result == 0 || result == -EDOM; /* another machine's */
}

static bool add_call_group(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
   for (size_t i = 0; i < count; i++) {
      const int number = seccomp_syscall_resolve_name(names[i]);
      if (number == __NR_SCMP_ERROR)
         continue;
      const int result = seccomp_rule_add_array(filter, action, number, 0, NULL);
      /* EACCES: it is what happens anyway. EEXIST: a group before has it. */
      if (result != 0 && result != -EDOM && result != -EACCES && result != -EEXIST)
         return false;
   }
   return true;
}

#define ADD_GROUP(filter, action, names) add_call_group(filter, action, names, sizeof(names) / sizeof(names[0]))

static bool add_limited_calls(scmp_filter_ctx filter, const struct limited_call *calls, size_t count)
{
   for (size_t i = 0; i < count; i++) {
      if (!allow_call(filter, &calls[i]))
         return false;
   }
   return true;
}

/* What a process may do to itself, not to others. CUDA, with which NVIDIA's driver traces rays, finds optical flow and
 * runs kernels, does not start unless it can give itself a name among local sockets, where nobody needs to ask. */
static bool add_limited(scmp_filter_ctx filter)
{
   const pid_t self = getpid();
   const struct limited_call calls[] = {
      {"kill", {SAME_INT(0, self)}, 1},
      {"tgkill", {SAME_INT(0, self)}, 1},
      {"rt_sigqueueinfo", {SAME_INT(0, self)}, 1},
      {"rt_tgsigqueueinfo", {SAME_INT(0, self)}, 1},
      {"prlimit64", {SAME_INT(0, 0)}, 1},
      {"prlimit64", {SAME_INT(0, self)}, 1},
      {"kcmp", {SAME_INT(0, self), SAME_INT(1, self)}, 2},
      {"clone", {{0, CLONE_LOOKED_AT, CLONE_THREAD | CLONE_VM}}, 1},
      {"prctl", {SAME_INT(0, PR_SET_NAME)}, 1},
      {"prctl", {SAME_INT(0, PR_GET_NAME)}, 1},
      {"prctl", {SAME_INT(0, PR_GET_DUMPABLE)}, 1},
      {"prctl", {SAME_INT(0, PR_CAPBSET_READ)}, 1},
      {"prctl", {SAME_INT(0, PR_SET_TIMERSLACK)}, 1},
      {"prctl", {SAME_INT(0, PR_SET_VMA)}, 1},
      {"socket", {SAME_INT(0, AF_UNIX), {1, (uint32_t) ~(SOCK_CLOEXEC | SOCK_NONBLOCK), SOCK_SEQPACKET}}, 2},
   };

   return add_limited_calls(filter, calls, sizeof(calls) / sizeof(calls[0]));
}

/* Processes, not threads, and in no new namespace; which can be bounded further. */
static bool add_forking(scmp_filter_ctx filter)
{
   static const struct limited_call calls[] = {
      {"clone", {{0, CLONE_LOOKED_AT, 0}}, 1},
      {"socketpair", {SAME_INT(0, AF_UNIX)}, 1},
      {"prlimit64", {SAME_INT(0, 0)}, 1},
      {"prctl", {SAME_INT(0, PR_SET_NAME)}, 1},
      {"prctl", {SAME_INT(0, PR_SET_NO_NEW_PRIVS)}, 1},
      {"prctl", {SAME_INT(0, PR_SET_SECCOMP)}, 1},
   };

   return ADD_GROUP(filter, SCMP_ACT_ALLOW, forking) &&
          add_limited_calls(filter, calls, sizeof(calls) / sizeof(calls[0]));
}

/* clone3: its flags cannot be seen; the C library goes on with clone. */
static bool refuse_clone3(scmp_filter_ctx filter)
{
   const int number = seccomp_syscall_resolve_name("clone3");

   return number == __NR_SCMP_ERROR || seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0) == 0;
}

/* connect: CUDA takes it that the service it looks for is not there, not that it may not be asked. */
static bool refuse_connect(scmp_filter_ctx filter)
{
   return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), seccomp_syscall_resolve_name("connect"), 0) == 0;
}

/* setsockopt: whoever is the last to close a connection that is to linger waits for its client. That could be the
 * listener, to which descriptors are sent. All numbers but that one differ from it in some bit. */
static bool allow_options_but_linger(scmp_filter_ctx filter)
{
   for (unsigned i = 0; i < 32; i++) {
      const uint64_t bit = UINT64_C(1) << i;
      const struct limited_call call = {"setsockopt", {{2, bit, ~(uint64_t)SO_LINGER & bit}}, 1};
      if (!allow_call(filter, &call))
         return false;
   }
   return true;
}

static bool fill_small_filter(scmp_filter_ctx filter, enum vps_confined who)
{
   return ADD_GROUP(filter, SCMP_ACT_KILL_PROCESS, deadly) && ADD_GROUP(filter, SCMP_ACT_ALLOW, connections) &&
          allow_options_but_linger(filter) && (who != VPS_CONFINED_GATE || add_forking(filter)) &&
          refuse_clone3(filter);
}

static bool fill_filter(scmp_filter_ctx filter)
{
   bool ok = IS_INSTRUMENTED ? ADD_GROUP(filter, SCMP_ACT_ALLOW, instruments)
                             : add_limited(filter) && ADD_GROUP(filter, SCMP_ACT_KILL_PROCESS, deadly);

   ok = ok && ADD_GROUP(filter, SCMP_ACT_ALLOW, files) && ADD_GROUP(filter, SCMP_ACT_ALLOW, memory);
   ok = ok && ADD_GROUP(filter, SCMP_ACT_ALLOW, threads) && ADD_GROUP(filter, SCMP_ACT_ALLOW, waiting);
   ok = ok && ADD_GROUP(filter, SCMP_ACT_ALLOW, signals) && ADD_GROUP(filter, SCMP_ACT_ALLOW, sockets);
   ok = ok && ADD_GROUP(filter, SCMP_ACT_ALLOW, questions);
   return ok && allow_options_but_linger(filter) && refuse_clone3(filter) && refuse_connect(filter);
}

/* Numbers above are of no machine that we know. */
enum { MOST_NUMBERS = 512 };

static char *call_names[MOST_NUMBERS]; /* libseccomp's function for that is not for a signal handler */
static atomic_bool told[MOST_NUMBERS];

static void learn_names(void)
{
   for (int i = 0; i < MOST_NUMBERS; i++)
      call_names[i] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
}

/* False on machines where we do not know where the result is. */
static bool set_result(ucontext_t *context, int result)
{
#if defined(__x86_64__)
   context->uc_mcontext.gregs[REG_RAX] = result;
   return true;
#elif defined(__aarch64__)
   context->uc_mcontext.regs[0] = (unsigned long long)result;
   return true;
#else
   (void)context;
   (void)result;
   return false;
#endif
}

static void on_refused_call(int number, siginfo_t *info, void *context)
{
   const int call = info->si_syscall;

   (void)number;
   if (call >= 0 && call < MOST_NUMBERS && !atomic_exchange(&told[call], true))
      vp_log(VP_LOG_DEBUG, "the sandbox refuses the system call %s (%d)", call_names[call] ? call_names[call] : "",
             call);
   set_result(context, -EPERM);
}

/* Threads of a driver that block SIGSYS are killed by it, so this is for those who look for something. */
static bool can_tell(void)
{
   const struct sigaction action = {.sa_sigaction = on_refused_call, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
   ucontext_t none;

   if (IS_INSTRUMENTED || !set_result(&none, 0) || sigaction(SIGSYS, &action, NULL) != 0)
      return false;
   learn_names();
   return true;
}

static int load_filter(scmp_filter_ctx filter, enum vps_confined who)
{
   const bool small = who != VPS_CONFINED_WORKER && !IS_INSTRUMENTED;

   if (small ? !fill_small_filter(filter, who) : !fill_filter(filter))
      return -EINVAL;
   int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
   if (result == 0)
      result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
   if (result == 0)
      result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
   return result == 0 ? seccomp_load(filter) : result;
}

bool vps_confine_calls(enum vps_confined who, bool tell)
{
   scmp_filter_ctx filter = seccomp_init(tell && can_tell() ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(EPERM));
   if (!filter) {
      errno = ENOMEM;
      return false;
   }
   const int result = load_filter(filter, who);
   seccomp_release(filter);
   errno = -result;
   return result == 0;
}
