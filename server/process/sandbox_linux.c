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

static void announce_sandbox(const struct vps_identity *identity, const char *cache, int landlock)
{
   char files[64] = "no Landlock, which this kernel lacks";

   if (landlock > 0)
      snprintf(files, sizeof(files), "Landlock ABI %d", landlock);
   vp_log(VP_LOG_INFO, "workers: user %s, no capabilities, seccomp, %s, shader cache %.300s%s", identity->name, files,
          cache[0] ? cache : "none", cache[0] ? ", a folder for each user" : "");
   if (identity->uid == 0)
      vp_log(VP_LOG_WARN, "workers keep root's files; give them a user of their own with --user NAME");
}

static bool say_failed(const char *what, int error)
{
   vp_log(VP_LOG_ERROR, "cannot give up %s: %s; --sandbox=off goes without", what, strerror(error));
   return false;
}

static bool give_up_privileges(void)
{
   return (limit_resources() && close_input() && hide() && drop_capabilities()) || say_failed("privileges", errno);
}

static bool give_up_calls(enum vps_confined who)
{
   return vps_confine_calls(who, vp_log_enabled(VP_LOG_DEBUG)) || say_failed("system calls (seccomp)", errno);
}

/* Rules of Landlock add up: where libraries may be, workers read everything. */
static void warn_of_place(const char *cache)
{
   const int fd = open(cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

   if (fd < 0)
      return;
   close(fd);
#ifndef VP_INSTRUMENTED
   vp_log(VP_LOG_WARN,
          "workers of all users can read the shader cache, since libraries may be where %.300s is; choose "
          "another folder with --cache",
          cache);
#endif
}

/* What drivers are told of is in `cache`. `announced`: that of all users; NULL: nothing is to be announced. */
static bool confine(const struct vps_identity *identity, const struct vps_shader_cache *cache, const char *announced)
{
   if (!leave_home())
      return say_failed("the home", errno);
   if (!give_up_privileges())
      return false;
   const int landlock = vps_confine_files(cache->path);
   if (landlock < 0)
      return say_failed("files (Landlock)", -landlock);
   if (landlock > 0 && announced && announced[0])
      warn_of_place(announced);
   if (landlock == 0)
      vp_log(VP_LOG_DEBUG, "the kernel has no Landlock, so that workers see all files of their user");
   if (!give_up_calls(VPS_CONFINED_WORKER))
      return false;
   if (announced)
      announce_sandbox(identity, announced, landlock);
   return true;
}

static bool find_identity(const struct vps_options *options, struct vps_identity *identity)
{
   char error[512];
   const bool found = vps_identity_find(identity, options->user, error, sizeof(error));

   if (!found)
      vp_log(VP_LOG_ERROR, "%s", error);
   return found;
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
      return !options->cache;
   }
   return true;
}

/* The part of it that this process gets. */
static bool take_part_of_cache(struct vps_shader_cache *cache, const char *name)
{
   char error[512];

   if (!vps_shader_cache_narrow(cache, name ? name : "", error, sizeof(error)))
      vp_log(VP_LOG_WARN, "%s", error);
   return vps_shader_cache_export(cache);
}

static bool has_several_users(const struct vps_options *options)
{
   return vps_options_have_credentials(options) || (options->tcp && options->unix_path);
}

void vps_sandbox_settle_cache(struct vps_options *options)
{
   static const char without[] =
      "the kernel has no Landlock, so that workers of one user could read and fill the shader "
      "cache of another";
   const bool has_cache = !options->cache || strcmp(options->cache, "none") != 0;

   if (!options->sandbox || !has_cache || !has_several_users(options) || vps_confine_files_version() > 0)
      return;
   vp_log(VP_LOG_WARN, options->cache ? "%s" : "%s: there is none, unless --cache names a folder", without);
   if (!options->cache)
      options->cache = "none";
}

bool vps_sandbox_enter(const struct vps_options *options, const char *name, bool announce)
{
   struct vps_identity identity;
   struct vps_shader_cache cache;
   char whole[PATH_MAX];

   if (!find_identity(options, &identity))
      return false;
   vps_shader_cache_choose(&cache, options->cache, &identity);
   vps_shader_cache_prepare(&cache, &identity);
   if (!take_identity(options, &identity) || !open_cache(options, &cache, announce))
      return false;
   memcpy(whole, cache.path, sizeof(whole));
   if (!take_part_of_cache(&cache, name))
      return false;
   if (options->sandbox)
      return confine(&identity, &cache, announce ? whole : NULL);
   if (announce)
      vp_log(VP_LOG_WARN, "workers: user %s, no sandbox", identity.name);
   return true;
}

#ifdef VP_INSTRUMENTED
#define GATE_FILES "" /* a sanitizer looks for the names of functions */
#else
#define GATE_FILES NULL
#endif

bool vps_sandbox_enter_gate(const struct vps_options *options)
{
   struct vps_identity identity;

   if (!find_identity(options, &identity))
      return false;
   identity.group_count = 0; /* those of GPUs are not for it */
   if (!take_identity(options, &identity))
      return false;
   if (!options->sandbox)
      return hide();
   if (!give_up_privileges())
      return false;
   const int landlock = vps_confine_files(GATE_FILES);
   if (landlock < 0)
      return say_failed("files (Landlock)", -landlock);
   return give_up_calls(VPS_CONFINED_GATE);
}

bool vps_sandbox_enter_relay(const struct vps_options *options)
{
   const struct rlimit none = {0};

   if (!options->sandbox)
      return true;
   if (setrlimit(RLIMIT_NPROC, &none) != 0)
      return say_failed("processes", errno);
   return give_up_calls(VPS_CONFINED_RELAY);
}
