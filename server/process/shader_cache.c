/* SPDX-License-Identifier: MIT */

/* The folders in which GPU drivers keep compiled shaders: one for each user, and nobody else may fill it. */

#include "server/process/shader_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARED_FOLDER "/var/cache/venus-server"

static void choose_default(struct vps_shader_cache *cache, const struct vps_identity *identity)
{
   const char *folder = identity->changes ? NULL : getenv("XDG_CACHE_HOME");
   int length;

   if (folder && folder[0] == '/') {
      length = snprintf(cache->path, sizeof(cache->path), "%s/venus-server", folder);
   } else if (identity->home[0]) {
      length = snprintf(cache->path, sizeof(cache->path), "%s/.cache/venus-server", identity->home);
   } else {
      length = snprintf(cache->path, sizeof(cache->path), SHARED_FOLDER "/%u", (unsigned)identity->uid);
      cache->by_root = true;
   }
   if (length < 0 || (size_t)length >= sizeof(cache->path))
      cache->path[0] = '\0';
}

void vps_shader_cache_choose(struct vps_shader_cache *cache, const char *wanted, const struct vps_identity *identity)
{
   *cache = (struct vps_shader_cache){0};
   if (!wanted) {
      choose_default(cache, identity);
   } else if (strcmp(wanted, "none") != 0) {
      snprintf(cache->path, sizeof(cache->path), "%s", wanted);
      cache->by_root = true;
   }
}

/* Those above the last part of the path, too. */
static bool make_folders(const char *path, mode_t mode_above)
{
   char part[PATH_MAX];

   for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
      snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
      if (mkdir(part, mode_above) != 0 && errno != EEXIST && access(part, F_OK) != 0)
         return false;
   }
   return mkdir(path, 0700) == 0;
}

void vps_shader_cache_prepare(const struct vps_shader_cache *cache, const struct vps_identity *identity)
{
   if (!cache->by_root || !identity->changes || !cache->path[0] || !make_folders(cache->path, 0755))
      return;
   const int fd = open(cache->path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
   if (fd >= 0) {
      (void)!fchown(fd, identity->uid, identity->gid);
      close(fd);
   }
}

static const char *fault_of(const char *path)
{
   struct stat status;
   const int fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

   if (fd < 0)
      return strerror(errno);
   const int result = fstat(fd, &status);
   close(fd);
   if (result != 0)
      return strerror(errno);
   if (status.st_uid != geteuid())
      return "it belongs to another user";
   if (status.st_mode & 077)
      return "other users may use it; chmod 700 changes that";
   return access(path, R_OK | W_OK | X_OK) == 0 ? NULL : strerror(errno);
}

bool vps_shader_cache_open(struct vps_shader_cache *cache, char *error, size_t error_size)
{
   if (!cache->path[0])
      return true;
   make_folders(cache->path, cache->by_root ? 0755 : 0700);
   const char *fault = fault_of(cache->path);
   if (!fault)
      return true;
   snprintf(error, error_size, "GPU drivers cannot keep what they compile in %.300s: %s", cache->path, fault);
   cache->path[0] = '\0';
   return false;
}

static bool is_for_names(char c)
{
   return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* The first ":" ends what kind of user it is, and becomes the only ".". Capitals are written like what is no letter,
 * for file systems that take them for small ones. */
void vps_shader_cache_name(char name[VPS_SHADER_CACHE_NAME_SIZE], const char *user)
{
   static const char address[] = "address:";
   const char *colon = strchr(user, ':');
   size_t n = 0;

   if (strncmp(user, address, sizeof(address) - 1) == 0) {
      snprintf(name, VPS_SHADER_CACHE_NAME_SIZE, "anonymous");
      return;
   }
   for (const char *at = user; *at; at++) {
      if (n + 4 > VPS_SHADER_CACHE_NAME_SIZE) { /* no identity is that long */
         n = 0;
         break;
      }
      if (is_for_names(*at))
         name[n++] = *at;
      else if (at == colon && n > 0)
         name[n++] = '.';
      else
         n += (size_t)snprintf(name + n, 4, "%%%02x", (unsigned)(unsigned char)*at);
   }
   name[n] = '\0';
}

/* Whether one more folder can be made; else it is said why not. */
static bool can_make_folder(const char *path, char *error, size_t error_size)
{
   DIR *folder = opendir(path);
   const struct dirent *entry;
   unsigned count = 0;

   while (folder && (entry = readdir(folder)))
      count += entry->d_name[0] != '.';
   if (folder)
      closedir(folder);
   if (folder && count < VPS_SHADER_CACHE_FOLDERS)
      return true;
   snprintf(error, error_size, "no more users can have a cache in %.300s, which has %u: remove folders there", path,
            count);
   return false;
}

bool vps_shader_cache_narrow(struct vps_shader_cache *cache, const char *name, char *error, size_t error_size)
{
   char path[PATH_MAX];
   struct stat status;

   if (!cache->path[0])
      return true;
   const int length = name[0] ? snprintf(path, sizeof(path), "%s/%s", cache->path, name) : 0;
   if (length <= 0 || (size_t)length >= sizeof(path)) {
      cache->path[0] = '\0';
      return true;
   }
   const bool ok = lstat(path, &status) == 0 || can_make_folder(cache->path, error, error_size);
   memcpy(cache->path, path, sizeof(path));
   cache->by_root = false;
   if (ok)
      return vps_shader_cache_open(cache, error, error_size);
   cache->path[0] = '\0';
   return false;
}

bool vps_shader_cache_export(const struct vps_shader_cache *cache)
{
   if (!cache->path[0])
      return setenv("MESA_SHADER_CACHE_DISABLE", "true", 1) == 0 && setenv("__GL_SHADER_DISK_CACHE", "0", 1) == 0;
   return setenv("MESA_SHADER_CACHE_DIR", cache->path, 1) == 0 &&
          setenv("__GL_SHADER_DISK_CACHE_PATH", cache->path, 1) == 0 && setenv("XDG_CACHE_HOME", cache->path, 1) == 0;
}
