/* SPDX-License-Identifier: MIT */

/* Changes files of keys: a new file beside the old one, which nobody else can read at any moment, takes its place. */

#include "server/ctl/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/net/key_file.h"
#include "common/net/secret_file.h"
#include "server/ctl/ask.h"

#define KEY_BYTES 32
#define LINE_SIZE (VP_KEY_IDENTITY_SIZE + 2 * KEY_BYTES + 2)

struct change {
   char path[PATH_MAX], folder[PATH_MAX], draft[PATH_MAX + 8];
   int folder_fd; /* locked, so that of two changes neither is lost */
   bool exists;
   struct vp_secret old;
};

static void finish_change(struct change *change)
{
   vp_secret_finish(&change->old);
   if (change->folder_fd >= 0)
      close(change->folder_fd);
}

/* What root reads of a server's keys it reads with the rights of that server's user, whose file it is. Returns who the
 * process was. */
static uid_t become_owner(const char *path)
{
   const uid_t self = geteuid();
   struct stat file;

   /* If that fails, reading says whose file it is. */
   if (self == 0 && stat(path, &file) == 0 && file.st_uid != 0)
      (void)!seteuid(file.st_uid);
   return self;
}

static void become(uid_t user)
{
   if (geteuid() != user && seteuid(user) != 0)
      abort();
}

/* The file that there is must be one that a server reads. */
static bool read_old(struct change *change)
{
   struct vp_key_file keys;
   char error[512];

   change->exists = access(change->path, F_OK) == 0 || errno != ENOENT;
   if (!change->exists)
      return true;
   const uid_t self = become_owner(change->path);
   const bool is_read = vp_secret_read(&change->old, change->path, error, sizeof(error));
   become(self);
   if (!is_read) {
      ctl_complain("%s", error);
      return false;
   }
   if (change->old.size == 0)
      return true;
   if (!vp_key_file_parse(&keys, change->old.data, change->old.size, error, sizeof(error))) {
      ctl_complain("%s: %s", change->path, error);
      return false;
   }
   vp_key_file_finish(&keys);
   return true;
}

/* `path` may be a link, whose end is what is changed. */
static bool begin_change(struct change *change, const char *path)
{
   *change = (struct change){.folder_fd = -1};
   if (!realpath(path, change->path) && (errno != ENOENT || snprintf(change->path, PATH_MAX, "%s", path) >= PATH_MAX)) {
      ctl_complain("%s cannot be found: %s", path, strerror(errno));
      return false;
   }
   char copy[PATH_MAX];
   snprintf(copy, sizeof(copy), "%s", change->path);
   snprintf(change->folder, sizeof(change->folder), "%s", dirname(copy));
   snprintf(change->draft, sizeof(change->draft), "%s.XXXXXX", change->path);
   change->folder_fd = open(change->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
   if (change->folder_fd < 0 || flock(change->folder_fd, LOCK_EX) != 0) {
      ctl_complain("%s cannot be used: %s", change->folder, strerror(errno));
      finish_change(change);
      return false;
   }
   if (read_old(change))
      return true;
   finish_change(change);
   return false;
}

static bool write_all(int fd, const void *data, size_t size)
{
   const char *p = data;

   while (size > 0) {
      const ssize_t n = write(fd, p, size);
      if (n < 0 && errno == EINTR)
         continue;
      if (n <= 0)
         return false;
      p += n;
      size -= (size_t)n;
   }
   return true;
}

/* Root changes it for the server's user. */
static bool keep_owner(const struct change *change, int fd)
{
   struct stat file;

   if (!change->exists)
      return true;
   return stat(change->path, &file) == 0 && (file.st_uid == geteuid() || fchown(fd, file.st_uid, file.st_gid) == 0);
}

/* mkstemp gives it mode 0600. */
static bool put_in_place(struct change *change, const void *data, size_t size)
{
   const int fd = mkostemp(change->draft, O_CLOEXEC);
   bool ok = fd >= 0 && write_all(fd, data, size) && keep_owner(change, fd) && fsync(fd) == 0;

   ok = ok && rename(change->draft, change->path) == 0;
   if (ok && fsync(change->folder_fd) != 0)
      ctl_complain("%s is changed, but may not stay so if the machine fails now: %s", change->path, strerror(errno));
   if (!ok)
      ctl_complain("%s cannot be changed: %s", change->path, strerror(errno));
   if (!ok && fd >= 0)
      unlink(change->draft);
   if (fd >= 0)
      close(fd);
   return ok;
}

/* The line of an identity in the file; NULL: there is none. *size: with its end. */
static const char *find_line(const struct vp_secret *file, const char *identity, size_t *size)
{
   const char *text = (const char *)file->data;
   const size_t length = strlen(identity);

   for (size_t at = 0; at < file->size; at += *size) {
      const char *end = memchr(text + at, '\n', file->size - at);
      *size = end ? (size_t)(end - text) - at + 1 : file->size - at;
      if (*size > length && memcmp(text + at, identity, length) == 0 && text[at + length] == ':')
         return text + at;
   }
   return NULL;
}

static bool is_identity(const char *identity)
{
   if (vp_key_is_identity(identity, strlen(identity)))
      return true;
   ctl_complain(
      "an identity has 1 to 64 printable characters, without ':', ',' and space, and does not begin with '#'");
   return false;
}

static bool keys_make_line(char line[LINE_SIZE], const char *identity)
{
   uint8_t key[KEY_BYTES];
   int length = snprintf(line, LINE_SIZE, "%s:", identity);

   if (getentropy(key, sizeof(key)) != 0) {
      ctl_complain("the system has no random numbers: %s", strerror(errno));
      return false;
   }
   for (size_t i = 0; i < sizeof(key); i++)
      length += snprintf(line + length, LINE_SIZE - (size_t)length, "%02x", key[i]);
   snprintf(line + length, LINE_SIZE - (size_t)length, "\n");
   explicit_bzero(key, sizeof(key));
   return true;
}

/* The old file, whose last line may have no end, and one more line. */
static bool write_with(struct change *change, const char *line)
{
   const size_t old = change->old.size, length = strlen(line);
   const bool open_end = old > 0 && change->old.data[old - 1] != '\n';
   char *data = old + length < VP_SECRET_MAX_SIZE ? malloc(old + 2 + length) : NULL;

   if (!data) {
      ctl_complain("%s would be too large", change->path);
      return false;
   }
   if (old)
      memcpy(data, change->old.data, old);
   data[old] = '\n';
   snprintf(data + old + open_end, length + 1, "%s", line);
   const bool ok = put_in_place(change, data, old + open_end + length);
   explicit_bzero(data, old + 2 + length);
   free(data);
   return ok;
}

bool ctl_keys_add(const char *path, const char *identity)
{
   struct change change;
   char line[LINE_SIZE];
   size_t size;
   bool ok = false;

   if (!is_identity(identity) || !begin_change(&change, path))
      return false;
   if (find_line(&change.old, identity, &size))
      ctl_complain("%s has a key in %s already: revoke that first", identity, change.path);
   else
      ok = keys_make_line(line, identity) && write_with(&change, line);
   if (ok)
      fputs(line, stdout);
   explicit_bzero(line, sizeof(line));
   finish_change(&change);
   return ok;
}

bool ctl_keys_revoke(const char *path, const char *identity)
{
   struct change change;
   size_t size;
   bool ok = false;

   if (!is_identity(identity) || !begin_change(&change, path))
      return false;
   const char *line = find_line(&change.old, identity, &size);
   if (line) {
      uint8_t *data = change.old.data;
      const size_t at = (size_t)(line - (const char *)data);
      memmove(data + at, data + at + size, change.old.size - at - size);
      ok = put_in_place(&change, data, change.old.size - size);
   } else {
      ctl_complain("%s has no key of %s", change.path, identity);
   }
   finish_change(&change);
   return ok;
}

bool ctl_keys_list(const char *path)
{
   struct vp_key_file keys;
   char error[512];

   const uid_t self = become_owner(path);
   const bool is_read = vp_key_file_load(&keys, path, error, sizeof(error));
   become(self);
   if (!is_read) {
      ctl_complain("%s", error);
      return false;
   }
   for (size_t i = 0; i < keys.count; i++)
      puts(keys.keys[i].identity);
   vp_key_file_finish(&keys);
   return true;
}
