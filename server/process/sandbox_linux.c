/* SPDX-License-Identifier: MIT */

/* Takes from a worker what it does not need, one thing after another, before a driver is loaded. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/util/log.h"
#include "server/process/confine.h"
#include "server/process/identity.h"
#include "server/process/sandbox.h"
#include "server/process/shader_cache.h"

#define MOST_FILES 16384

/* Ends at the first that the kernel does not have. Without the right to do it there is nothing that it would keep. */
static void drop_bounding_set(void)
{
   for (unsigned long i = 0; prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0; i++)
      ;
}

static bool drop_capabilities(void)
{
   struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
   const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

   return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 && syscall(SYS_capset, &header, none) == 0 &&
          prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool limit_resources(void)
{
   const struct rlimit no_core = {0};
   struct rlimit files;

   if (setrlimit(RLIMIT_CORE, &no_core) != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0)
      return false;
   if (files.rlim_max > MOST_FILES)
      files.rlim_max = MOST_FILES;
   if (files.rlim_cur > files.rlim_max)
      files.rlim_cur = files.rlim_max;
   return setrlimit(RLIMIT_NOFILE, &files) == 0;
}

/* Standard input is the operator's, who may type a password there. */
static bool close_input(void)
{
   const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
   const bool ok = fd >= 0 && dup2(fd, STDIN_FILENO) >= 0;

   if (fd > STDIN_FILENO)
      close(fd);
   return ok;
}

/* No other process of the user, and so no other worker, may look into this one. */
static bool hide(void)
{
#ifdef VP_INSTRUMENTED
   return true; /* the leak sanitizer stops its process as a debugger does */
#else
   return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
#endif
}

/* A home is where loaders look for libraries, and drivers for settings. The only folder that a worker can write to must
 * not become that. */
static bool leave_home(void)
{
   return setenv("HOME", "/nonexistent", 1) == 0 && unsetenv("XDG_CONFIG_HOME") == 0 && unsetenv("XDG_DATA_HOME") == 0;
}

static void announce_sandbox(const struct vps_identity *identity, const struct vps_shader_cache *cache, int landlock)
{
   char files[64] = "no Landlock, which this kernel lacks";

   if (landlock > 0)
      snprintf(files, sizeof(files), "Landlock ABI %d", landlock);
   vp_log(VP_LOG_INFO, "workers: user %s, no capabilities, seccomp, %s, shader cache %.300s", identity->name, files,
          cache->path[0] ? cache->path : "none");
   if (identity->uid == 0)
      vp_log(VP_LOG_WARN, "workers keep root's files; give them a user of their own with --user NAME");
}

static bool confine(const struct vps_identity *identity, const struct vps_shader_cache *cache, bool announce)
{
   if (!limit_resources() || !close_input() || !hide() || !leave_home() || !drop_capabilities()) {
      vp_log(VP_LOG_ERROR, "cannot give up privileges: %s", strerror(errno));
      return false;
   }
   const int landlock = vps_confine_files(cache->path);
   if (landlock < 0) {
      vp_log(VP_LOG_ERROR, "cannot give up files (Landlock): %s; --sandbox=off goes without", strerror(-landlock));
      return false;
   }
   if (landlock == 0)
      vp_log(VP_LOG_DEBUG, "the kernel has no Landlock, so that workers see all files of their user");
   if (!vps_confine_calls(vp_log_enabled(VP_LOG_DEBUG))) {
      vp_log(VP_LOG_ERROR, "cannot give up system calls (seccomp): %s; --sandbox=off goes without", strerror(errno));
      return false;
   }
   if (announce)
      announce_sandbox(identity, cache, landlock);
   return true;
}

static bool take_identity(const struct vps_options *options, const struct vps_identity *identity)
{
   if (options->sandbox)
      drop_bounding_set();
   if (!vps_identity_take(identity)) {
      vp_log(VP_LOG_ERROR, "cannot become user %s: %s", identity->name, strerror(errno));
      return false;
   }
   return !identity->changes || setenv("HOME", identity->home[0] ? identity->home : "/nonexistent", 1) == 0;
}

/* One that was asked for must be there. */
static bool open_cache(const struct vps_options *options, struct vps_shader_cache *cache, bool announce)
{
   char error[512];

   if (!vps_shader_cache_open(cache, error, sizeof(error))) {
      vp_log(options->cache ? VP_LOG_ERROR : announce ? VP_LOG_WARN : VP_LOG_DEBUG, "%s", error);
      if (options->cache)
         return false;
   }
   return vps_shader_cache_export(cache);
}

bool vps_sandbox_enter(const struct vps_options *options, bool announce)
{
   struct vps_identity identity;
   struct vps_shader_cache cache;
   char error[512];

   if (!vps_identity_find(&identity, options->user, error, sizeof(error))) {
      vp_log(VP_LOG_ERROR, "%s", error);
      return false;
   }
   vps_shader_cache_choose(&cache, options->cache, &identity);
   vps_shader_cache_prepare(&cache, &identity);
   if (!take_identity(options, &identity) || !open_cache(options, &cache, announce))
      return false;
   if (options->sandbox)
      return confine(&identity, &cache, announce);
   if (announce)
      vp_log(VP_LOG_WARN, "workers: user %s, no sandbox", identity.name);
   return true;
}
