/* SPDX-License-Identifier: MIT */

/* The user that a worker becomes, and which groups its devices need. */

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/text.h"
#include "server/process/identity.h"

enum { MAX_GROUPS = sizeof((struct vps_identity){0}.groups) / sizeof(gid_t) };

static const char *const gpu_nodes[] = {"/dev/dri/*", "/dev/nvidia*", "/dev/kfd"};

static void add_user_group(struct vps_identity *identity, gid_t group)
{
   for (int i = 0; i < identity->group_count; i++) {
      if (identity->groups[i] == group)
         return;
   }
   if (identity->group_count < MAX_GROUPS)
      identity->groups[identity->group_count++] = group;
}

/* Not root's, which opens more than a GPU. */
static void add_group_of(struct vps_identity *identity, const char *node)
{
   const mode_t group = S_IRGRP | S_IWGRP, others = S_IROTH | S_IWOTH;
   struct stat status;

   if (stat(node, &status) == 0 && S_ISCHR(status.st_mode) && status.st_gid != 0 && (status.st_mode & group) == group &&
       (status.st_mode & others) != others)
      add_user_group(identity, status.st_gid);
}

static void add_gpu_groups(struct vps_identity *identity)
{
   for (size_t i = 0; i < sizeof(gpu_nodes) / sizeof(gpu_nodes[0]); i++) {
      glob_t found;
      if (glob(gpu_nodes[i], GLOB_NOSORT, NULL, &found) != 0)
         continue;
      for (size_t k = 0; k < found.gl_pathc; k++)
         add_group_of(identity, found.gl_pathv[k]);
      globfree(&found);
   }
}

static void set_home(struct vps_identity *identity, const char *path)
{
   struct stat status;

   if (path && path[0] == '/' && path[1] && stat(path, &status) == 0 && S_ISDIR(status.st_mode) &&
       status.st_uid == identity->uid)
      snprintf(identity->home, sizeof(identity->home), "%s", path);
}

static void fill_identity(struct vps_identity *identity, const struct passwd *user)
{
   identity->uid = user->pw_uid;
   identity->gid = user->pw_gid;
   vp_text_copy(identity->name, sizeof(identity->name), user->pw_name, sizeof(identity->name) - 1);
   set_home(identity, user->pw_dir);
}

/* In a container the number may have no name. */
static void find_own(struct vps_identity *identity)
{
   const struct passwd *user = getpwuid(geteuid());

   identity->uid = geteuid();
   identity->gid = getegid();
   snprintf(identity->name, sizeof(identity->name), "%u", (unsigned)identity->uid);
   if (user)
      fill_identity(identity, user);
   set_home(identity, getenv("HOME"));
}

bool vps_identity_find(struct vps_identity *identity, const char *name, char *error, size_t error_size)
{
   *identity = (struct vps_identity){0};
   if (!name) {
      find_own(identity);
      return true;
   }

   const struct passwd *user = getpwnam(name);
   if (!user) {
      snprintf(error, error_size, "--user: there is no user \"%s\" on this machine", name);
      return false;
   }
   fill_identity(identity, user);
   identity->changes = identity->uid != geteuid();
   if (identity->changes && geteuid() != 0) {
      snprintf(error, error_size, "--user: only root can give workers another user than its own");
      return false;
   }
   identity->group_count = MAX_GROUPS;
   if (getgrouplist(user->pw_name, user->pw_gid, identity->groups, &identity->group_count) < 0)
      identity->group_count = MAX_GROUPS;
   add_gpu_groups(identity);
   return true;
}

bool vps_identity_take(const struct vps_identity *identity)
{
   const pid_t parent = getppid();

   if (!identity->changes)
      return true;
   if (setgroups((size_t)identity->group_count, identity->groups) != 0 ||
       setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
       setresuid(identity->uid, identity->uid, identity->uid) != 0)
      return false;
   /* The kernel has forgotten what server/process/spawn.h says of the parent's end. */
   if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
      return false;
   if (getppid() != parent)
      raise(SIGTERM);
   return true;
}
