/* SPDX-License-Identifier: MIT */
/* A driver that somebody has got into: the worker that loads it tries what would do harm, and says on stderr what has
 * become of each. Otherwise it is the driver in the library VP_DRILL_DRIVER. VP_DRILL is "mild", or the name of an
 * attempt that may end the worker; VP_DRILL_FOLDER has a file "secret", VP_DRILL_CACHE is the folder of another user's
 * compiled shaders with a file "compiled", VP_DRILL_PORT is the server's, if it is known. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT VkResult vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version);
EXPORT PFN_vkVoidFunction vk_icdGetInstanceProcAddr(VkInstance instance, const char *name);
EXPORT PFN_vkVoidFunction vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *name);

static const char *in_folder(const char *folder, const char *name)
{
   static char path[4096];

   snprintf(path, sizeof(path), "%s/%s", folder ? folder : "", name);
   return path;
}

static const char *test_file(const char *name)
{
   return in_folder(getenv("VP_DRILL_FOLDER"), name);
}

/* All return -1 with errno when they fail, and have no effect that lasts. */

static int try_open(const char *path, int flags)
{
   const int fd = open(path, flags | O_CLOEXEC, 0600);

   if (fd >= 0)
      close(fd);
   return fd;
}

static int open_shadow(void)
{
   return try_open("/etc/shadow", O_RDONLY);
}

static int read_file(void)
{
   return try_open(test_file("secret"), O_RDONLY);
}

static int write_file(void)
{
   return try_open(test_file("written"), O_WRONLY | O_CREAT);
}

static int chmod_file(void)
{
   return chmod(test_file("secret"), 0600);
}

static int write_cache(void)
{
   const char *path = in_folder(getenv("XDG_CACHE_HOME"), "drill");
   const int result = try_open(path, O_WRONLY | O_CREAT);

   return result < 0 ? result : unlink(path);
}

static const char *of_another(const char *name)
{
   return in_folder(getenv("VP_DRILL_CACHE"), name);
}

static int list_caches(void)
{
   return try_open(of_another(".."), O_RDONLY | O_DIRECTORY);
}

static int list_another(void)
{
   return try_open(of_another("."), O_RDONLY | O_DIRECTORY);
}

static int read_another(void)
{
   return try_open(of_another("compiled"), O_RDONLY);
}

static int write_another(void)
{
   return try_open(of_another("compiled"), O_WRONLY);
}

static int cut_another(void)
{
   return try_open(of_another("compiled"), O_RDONLY | O_TRUNC);
}

static int fill_another(void)
{
   return try_open(of_another("filled"), O_WRONLY | O_CREAT);
}

/* By way of a file of its own. */
static int move_to_another(void)
{
   char own[4096];

   snprintf(own, sizeof(own), "%s", in_folder(getenv("XDG_CACHE_HOME"), "moved"));
   if (try_open(own, O_WRONLY | O_CREAT) < 0)
      return -1;
   const int result = rename(own, of_another("moved"));
   const int saved_errno = errno;
   if (result < 0)
      unlink(own);
   errno = saved_errno;
   return result;
}

static int link_from_another(void)
{
   char own[4096];

   snprintf(own, sizeof(own), "%s", in_folder(getenv("XDG_CACHE_HOME"), "linked"));
   const int result = link(of_another("compiled"), own);
   return result < 0 ? result : unlink(own);
}

static int make_cache(void)
{
   return mkdir(of_another("../made"), 0700);
}

static int read_parent(void)
{
   char path[64];

   snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
   return try_open(path, O_RDONLY);
}

static int use_socket(int domain, int type, const struct sockaddr *address, socklen_t size)
{
   const int fd = socket(domain, type | SOCK_CLOEXEC, 0);
   const int result = fd < 0 ? -1 : address ? connect(fd, address, size) : 0;
   const int saved_errno = errno;

   if (fd >= 0)
      close(fd);
   errno = saved_errno;
   return result;
}

static int connect_server(void)
{
   const char *port = getenv("VP_DRILL_PORT");
   struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port ? port : "9"))};

   address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
   return use_socket(AF_INET, SOCK_STREAM, (const struct sockaddr *)&address, sizeof(address));
}

static int unix_socket(void)
{
   return use_socket(AF_UNIX, SOCK_STREAM, NULL, 0);
}

/* What CUDA does: a name that somebody else has, and one of its own. */
static const struct sockaddr_un another_name = {.sun_family = AF_UNIX, .sun_path = "\0venus-drill-another"};

static int connect_another(void)
{
   static int own = -1;
   if (own < 0)
      own = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
   (void)bind(own, (const struct sockaddr *)&another_name, sizeof(another_name)); /* one worker has it */
   (void)listen(own, 5);
   return use_socket(AF_UNIX, SOCK_SEQPACKET, (const struct sockaddr *)&another_name, sizeof(another_name));
}

static int name_itself(void)
{
   const struct sockaddr_un unnamed = {.sun_family = AF_UNIX}; /* the kernel finds one */
   const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
   const int result = fd < 0 || bind(fd, (const struct sockaddr *)&unnamed, sizeof(sa_family_t)) ? -1 : listen(fd, 5);

   if (fd >= 0)
      close(fd);
   return result;
}

static int set_option(int option, const void *value, socklen_t size)
{
   const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
   const int result = fd < 0 ? -1 : setsockopt(fd, SOL_SOCKET, option, value, size), error = errno;

   if (fd >= 0)
      close(fd);
   errno = error;
   return result;
}

static int send_slowly(void)
{
   return set_option(SO_SNDBUF, &(int){65536}, sizeof(int));
}

/* Who closes such a connection last, the listener even, waits. */
static int linger(void)
{
   const struct linger minutes = {.l_onoff = 1, .l_linger = 600};

   return set_option(SO_LINGER, &minutes, sizeof(minutes));
}

static int fork_child(void)
{
   const pid_t child = (pid_t)syscall(SYS_fork);

   if (child == 0)
      _exit(0);
   return child < 0 || waitpid(child, NULL, 0) == child ? child : -1;
}

static int execute(void)
{
   char *argv[] = {(char[]){"/bin/true"}, NULL}, *none[] = {NULL};
   const pid_t child = fork();
   int status = 0;

   if (child <= 0) {
      execve(argv[0], argv, none);
      if (child == 0)
         _exit(1);
      return -1;
   }
   return waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

static pid_t find_sibling(void)
{
   char path[64];
   int pid = -1;

   snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)getppid(), (int)getppid());
   FILE *children = fopen(path, "re");
   if (!children)
      return -1;
   while (fscanf(children, "%d", &pid) == 1 && pid == getpid())
      pid = -1;
   fclose(children);
   return pid;
}

static int signal_sibling(void)
{
   const pid_t sibling = find_sibling();

   if (sibling > 0)
      return kill(sibling, 0);
   errno = ESRCH;
   return -1;
}

static int signal_parent(void)
{
   return kill(getppid(), 0);
}

static int signal_self(void)
{
   return kill(getpid(), 0) == 0 ? (int)syscall(SYS_tgkill, getpid(), gettid(), 0) : -1;
}

static int become_root(void)
{
   return setuid(0);
}

static int become_dumpable(void)
{
   return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void *run_nothing(void *data)
{
   return data;
}

static int start_thread(void)
{
   pthread_t thread;
   const int result = pthread_create(&thread, NULL, run_nothing, NULL);

   errno = result;
   return result == 0 ? pthread_join(thread, NULL) : -1;
}

static int trace_parent(void)
{
   const pid_t parent = getppid();
   const int result = (int)ptrace(PTRACE_ATTACH, parent, NULL, NULL);

   if (result == 0) {
      waitpid(parent, NULL, __WALL);
      ptrace(PTRACE_DETACH, parent, NULL, NULL);
   }
   return result;
}

static int read_parent_memory(void)
{
   static char byte;
   struct iovec local = {&byte, 1}, remote = {&byte, 1};

   return (int)process_vm_readv(getppid(), &local, 1, &remote, 1, 0);
}

/* Of a kind that there is not. */
static int mount_nothing(void)
{
   return mount("none", "/", "venus-drill", 0, NULL);
}

static int get_namespace(void)
{
   return (int)syscall(SYS_unshare, 0);
}

static int load_bpf(void)
{
   return (int)syscall(SYS_bpf, -1, NULL, 0);
}

struct attempt {
   const char *name;
   int (*run)(void);
};

static const struct attempt mild[] = {
   {"open-shadow", open_shadow},
   {"read-file", read_file},
   {"write-file", write_file},
   {"chmod", chmod_file},
   {"write-cache", write_cache},
   {"list-caches", list_caches},
   {"list-another", list_another},
   {"read-another", read_another},
   {"write-another", write_another},
   {"cut-another", cut_another},
   {"fill-another", fill_another},
   {"move-to-another", move_to_another},
   {"link-from-another", link_from_another},
   {"make-cache", make_cache},
   {"read-parent", read_parent},
   {"connect", connect_server},
   {"unix-socket", unix_socket},
   {"connect-another", connect_another},
   {"name-itself", name_itself},
   {"send-slowly", send_slowly},
   {"linger", linger},
   {"fork", fork_child},
   {"execve", execute},
   {"signal-sibling", signal_sibling},
   {"signal-parent", signal_parent},
   {"signal-self", signal_self},
   {"setuid", become_root},
   {"dumpable", become_dumpable},
   {"thread", start_thread},
};

static const struct attempt deadly[] = {
   {"ptrace", trace_parent}, {"process-vm", read_parent_memory}, {"mount", mount_nothing}, {"unshare", get_namespace},
   {"bpf", load_bpf},
};

/* One line in one piece: workers share the log. */
static void try(const struct attempt *attempt)
{
   char line[128];

   errno = 0;
   const int result = attempt->run();
   const int length =
      snprintf(line, sizeof(line), "drill: %s %s\n", attempt->name, result >= 0 ? "done" : strerrorname_np(errno));
   (void)!write(STDERR_FILENO, line, (size_t)length);
}

static void try_all(const char *wanted)
{
   for (size_t i = 0; i < sizeof(mild) / sizeof(mild[0]) && strcmp(wanted, "mild") == 0; i++)
      try(&mild[i]);
   for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
      if (strcmp(wanted, deadly[i].name) == 0)
         try(&deadly[i]);
   }
   (void)!write(STDERR_FILENO, "drill: over\n", 12);
}

static bool is_worker(void)
{
   char line[256] = "";
   const int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

   if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
      return false;
   close(fd);
   return strncmp(line + strlen(line) + 1, "--worker-fd", 11) == 0;
}

static void *real(const char *name)
{
   static void *library;

   if (!library)
      library = dlopen(getenv("VP_DRILL_DRIVER"), RTLD_NOW | RTLD_LOCAL);
   return library ? dlsym(library, name) : NULL;
}

VkResult vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version)
{
   VkResult (*negotiate)(uint32_t * version) = (VkResult(*)(uint32_t *))real(__func__);
   const char *wanted = getenv("VP_DRILL");

   if (wanted && is_worker()) {
      unsetenv("VP_DRILL");
      try_all(wanted);
   }
   return negotiate ? negotiate(version) : VK_ERROR_INITIALIZATION_FAILED;
}

PFN_vkVoidFunction vk_icdGetInstanceProcAddr(VkInstance instance, const char *name)
{
   PFN_vkVoidFunction (*get)(VkInstance, const char *) =
      (PFN_vkVoidFunction(*)(VkInstance, const char *))real(__func__);

   return get ? get(instance, name) : NULL;
}

PFN_vkVoidFunction vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *name)
{
   PFN_vkVoidFunction (*get)(VkInstance, const char *) =
      (PFN_vkVoidFunction(*)(VkInstance, const char *))real(__func__);

   return get ? get(instance, name) : NULL;
}
