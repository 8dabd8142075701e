/* SPDX-License-Identifier: MIT */

/* Which files a worker can still reach: what drivers read, the devices, and its own cache. Landlock. */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/util/log.h"
#include "server/process/confine.h"

/* What <linux/landlock.h> of Debian 12 does not have yet. */
struct ruleset {
   uint64_t files, network, scopes;
};
#define TRUNCATE (UINT64_C(1) << 14)
#define IOCTL_DEVICE (UINT64_C(1) << 15)
#define BIND_AND_CONNECT_TCP (UINT64_C(1) << 0 | UINT64_C(1) << 1)
#define ABSTRACT_SOCKETS_AND_SIGNALS (UINT64_C(1) << 0 | UINT64_C(1) << 1)

#define EVERYTHING_FIRST (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1) /* of version 1 */

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define DEVICE (READ | LANDLOCK_ACCESS_FS_WRITE_FILE | IOCTL_DEVICE)
#define KEEP                                                                                                      \
   (READ | LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | \
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER)
#define OF_A_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE | IOCTL_DEVICE)

/* Nothing here may be executed: libraries are only read. Of /etc what holds no secrets, since root, without --user,
 * may read all of it. */
static const struct place {
   const char *pattern;
   uint64_t access;
} places[] = {
   /* libraries, manifests, data of drivers and layers */
   {"/usr", READ},
   {"/lib*", READ},
   {"/opt", READ},
   {"/nix/store", READ},
   {"/gnu/store", READ},
   {"/run/opengl-driver*", READ},
   {"/etc/ld.so.cache", READ},
   {"/etc/vulkan", READ},
   {"/etc/glvnd", READ},
   {"/etc/drirc", READ},
   {"/etc/nvidia", READ},
   {"/etc/amd", READ},
   {"/etc/localtime", READ},
   /* what the machine has */
   {"/proc", READ},
   {"/sys", READ},
   /* GPUs */
   {"/dev/dri", DEVICE},
   {"/dev/nvidia*", DEVICE},
   {"/dev/kfd", DEVICE},
   {"/dev/dxg", DEVICE},
   {"/dev/mali*", DEVICE},
   {"/dev/kgsl-3d0", DEVICE},
   {"/dev/dma_heap", DEVICE},
   {"/dev/udmabuf", DEVICE},
   {"/dev/null", DEVICE},
   {"/dev/zero", DEVICE},
   {"/dev/full", DEVICE},
   {"/dev/random", READ},
   {"/dev/urandom", READ},
#ifdef VP_INSTRUMENTED
   /* sanitizers read sources and start a program that reads them; they, and counters of lines, write files */
   {"/", READ | LANDLOCK_ACCESS_FS_EXECUTE},
   {"/tmp", KEEP},
   {VP_INSTRUMENTED, KEEP},
#endif
};

/* Lists of files and folders, separated by colons, by which the operator says what is to be loaded. */
static const char *const lists[] = {
   "VK_DRIVER_FILES",   "VK_ICD_FILENAMES",       "VK_ADD_DRIVER_FILES",        "VK_LAYER_PATH",
   "VK_ADD_LAYER_PATH", "VK_IMPLICIT_LAYER_PATH", "VK_ADD_IMPLICIT_LAYER_PATH", "VK_LAYER_SETTINGS_PATH",
   "LD_LIBRARY_PATH",
};

/* Manifests in them may name libraries that are anywhere. */
static const char *const manifests[] = {
   "/etc/vulkan/icd.d/*.json",
   "/usr/share/vulkan/icd.d/*.json",
   "/usr/local/share/vulkan/icd.d/*.json",
};

struct confinement {
   int ruleset;
   uint64_t handled; /* kinds of access that this kernel knows */
};

static void allow(const struct confinement *confinement, const char *path, uint64_t access)
{
   struct stat status;
   const int fd = open(path, O_PATH | O_CLOEXEC);

   if (fd < 0)
      return;
   access &= confinement->handled;
   if (fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode))
      access &= OF_A_FILE;
   const struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
   if (syscall(SYS_landlock_add_rule, confinement->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
      vp_log(VP_LOG_WARN, "workers cannot use %s: %s", path, strerror(errno));
   close(fd);
}

static void allow_pattern(const struct confinement *confinement, const char *pattern, uint64_t access)
{
   glob_t found;

   if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
      return;
   for (size_t i = 0; i < found.gl_pathc; i++)
      allow(confinement, found.gl_pathv[i], access);
   globfree(&found);
}

static void allow_folder_of(const struct confinement *confinement, const char *path)
{
   char folder[PATH_MAX];
   const char *slash = strrchr(path, '/');

   if (!slash || slash == path)
      return;
   snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
   allow(confinement, folder, READ);
}

/* The folder of a library, for those that it needs, too; and of what a link points to. */
static void allow_library(const struct confinement *confinement, const char *manifest, const char *name, int length)
{
   char path[2 * PATH_MAX], real[PATH_MAX];
   const char *slash = strrchr(manifest, '/');

   if (!memchr(name, '/', (size_t)length))
      return;
   if (name[0] == '/' || !slash)
      snprintf(path, sizeof(path), "%.*s", length, name);
   else
      snprintf(path, sizeof(path), "%.*s/%.*s", (int)(slash - manifest), manifest, length, name);
   allow_folder_of(confinement, path);
   if (realpath(path, real))
      allow_folder_of(confinement, real);
}

static void allow_libraries_in(const struct confinement *confinement, const char *manifest, const char *text)
{
   static const char key[] = "\"library_path\"";

   while ((text = strstr(text, key))) {
      text += sizeof(key) - 1;
      text += strspn(text, " \t\r\n:");
      if (*text != '"')
         continue;
      const size_t length = strcspn(++text, "\"");
      if (length < PATH_MAX)
         allow_library(confinement, manifest, text, (int)length);
   }
}

static void allow_libraries_of(const struct confinement *confinement, const char *manifest)
{
   char text[16384];
   const int fd = open(manifest, O_RDONLY | O_CLOEXEC);

   if (fd < 0)
      return;
   const ssize_t size = read(fd, text, sizeof(text) - 1);
   close(fd);
   text[size > 0 ? size : 0] = '\0';
   allow_libraries_in(confinement, manifest, text);
}

static void allow_libraries_of_pattern(const struct confinement *confinement, const char *pattern)
{
   glob_t found;

   if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
      return;
   for (size_t i = 0; i < found.gl_pathc; i++)
      allow_libraries_of(confinement, found.gl_pathv[i]);
   globfree(&found);
}

static bool is_manifest(const char *path)
{
   const size_t length = strlen(path);

   return length > 5 && strcmp(path + length - 5, ".json") == 0;
}

static void allow_listed(const struct confinement *confinement, const char *path)
{
   char pattern[PATH_MAX + 16];

   allow(confinement, path, READ);
   if (is_manifest(path)) {
      allow_libraries_of(confinement, path);
   } else {
      snprintf(pattern, sizeof(pattern), "%s/*.json", path);
      allow_libraries_of_pattern(confinement, pattern);
   }
}

static void allow_list(const struct confinement *confinement, const char *list)
{
   char path[PATH_MAX];

   while (list && *list) {
      const size_t length = strcspn(list, ":");
      if (length > 0 && length < sizeof(path)) {
         snprintf(path, sizeof(path), "%.*s", (int)length, list);
         allow_listed(confinement, path);
      }
      list += length + (list[length] == ':');
   }
}

static void allow_all(const struct confinement *confinement, const char *cache)
{
   for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
      allow_pattern(confinement, places[i].pattern, places[i].access);
   for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
      allow_list(confinement, getenv(lists[i]));
   for (size_t i = 0; i < sizeof(manifests) / sizeof(manifests[0]); i++)
      allow_libraries_of_pattern(confinement, manifests[i]);
   if (cache[0])
      allow(confinement, cache, KEEP);
}

/* All that this version can refuse. */
static struct ruleset refuse_all(int version)
{
   struct ruleset ruleset = {.files = EVERYTHING_FIRST};

   if (version >= 2)
      ruleset.files |= LANDLOCK_ACCESS_FS_REFER;
   if (version >= 3)
      ruleset.files |= TRUNCATE;
   if (version >= 4)
      ruleset.network = BIND_AND_CONNECT_TCP;
   if (version >= 5)
      ruleset.files |= IOCTL_DEVICE;
   if (version >= 6)
      ruleset.scopes = ABSTRACT_SOCKETS_AND_SIGNALS;
   return ruleset;
}

int vps_confine_files_version(void)
{
   const int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

   return version > 0 ? version : 0;
}

int vps_confine_files(const char *cache)
{
   const int version = vps_confine_files_version();

   if (version == 0)
      return 0;
   const struct ruleset ruleset = refuse_all(version);
   const struct confinement confinement = {
      .ruleset = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0),
      .handled = ruleset.files,
   };
   if (confinement.ruleset < 0)
      return -errno;
   if (cache)
      allow_all(&confinement, cache);
   const int result = (int)syscall(SYS_landlock_restrict_self, confinement.ruleset, 0);
   const int saved_errno = errno;
   close(confinement.ruleset);
   return result == 0 ? version : -saved_errno;
}
