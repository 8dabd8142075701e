/* SPDX-License-Identifier: MIT */

/* Names of users' folders lead nowhere else and are of no two users the same; a user has his folder or none. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/process/client.h"
#include "server/process/shader_cache.h"
#include "tests/unit/check.h"

static const char *name_of(const char *user)
{
   static char name[VPS_SHADER_CACHE_NAME_SIZE];

   vps_shader_cache_name(name, user);
   return name;
}

static void test_names(void)
{
   CHECK(strcmp(name_of("uid:1000"), "uid.1000") == 0);
   CHECK(strcmp(name_of("key:alice"), "key.alice") == 0);
   CHECK(strcmp(name_of("certificate:dave@example.org"), "certificate.dave%40example%2eorg") == 0);
   CHECK(strcmp(name_of("key:Alice"), "key.%41lice") == 0);
   CHECK(strcmp(name_of("key:%41lice"), "key.%2541lice") == 0);
   CHECK(strcmp(name_of("key:a:b"), "key.a%3ab") == 0);
   CHECK(strcmp(name_of("key:../../etc"), "key.%2e%2e%2f%2e%2e%2fetc") == 0);
   CHECK(strcmp(name_of("key:\xff\n"), "key.%ff%0a") == 0);
   CHECK(strcmp(name_of("address:192.0.2.1"), "anonymous") == 0);
   CHECK(strcmp(name_of("address:2001:db8::/64"), "anonymous") == 0);
   CHECK(strcmp(name_of(".."), "%2e%2e") == 0);
   CHECK(strcmp(name_of(":"), "%3a") == 0);
   CHECK(strcmp(name_of(""), "") == 0);
}

/* The longest that there can be; longer ones have none, instead of another's. */
static void test_lengths(void)
{
   char user[VPS_USER_SIZE];

   memset(user, '/', sizeof(user));
   user[VPS_USER_SIZE - 1] = '\0';
   CHECK(name_of(user)[0] == '\0');
   memcpy(user, "certificate:", strlen("certificate:"));
   user[strlen("certificate:") + VP_KEY_IDENTITY_SIZE - 1] = '\0';
   CHECK(strlen(name_of(user)) == strlen("certificate.") + (size_t)3 * (VP_KEY_IDENTITY_SIZE - 1));
   for (size_t i = 0; i < sizeof(user); i++) {
      memset(user, '/', sizeof(user));
      user[i] = '\0';
      CHECK(strlen(name_of(user)) == (i <= VPS_SHADER_CACHE_NAME_SIZE / 3 ? i * 3 : 0));
   }
}

static void check_narrow(const char *root, const char *name, const char *expected)
{
   struct vps_shader_cache cache = {0};
   char error[512] = "";

   snprintf(cache.path, sizeof(cache.path), "%s", root);
   const bool ok = vps_shader_cache_narrow(&cache, name, error, sizeof(error));
   CHECK(ok == (expected != NULL));
   CHECK(ok == (error[0] == '\0'));
   CHECK(strcmp(cache.path, expected ? expected : "") == 0);
}

static void test_folders(void)
{
   char root[] = "/tmp/venus-cache.XXXXXX", path[300], other[300];
   struct stat status;

   if (!CHECK(mkdtemp(root)))
      return;
   snprintf(path, sizeof(path), "%s/key.alice", root);
   snprintf(other, sizeof(other), "%s/key.bob", root);
   check_narrow(root, "key.alice", path);
   CHECK(stat(path, &status) == 0 && S_ISDIR(status.st_mode) && (status.st_mode & 0777) == 0700);
   check_narrow(root, "key.alice", path);
   check_narrow(root, "", "");
   check_narrow("", "key.alice", "");
   CHECK(chmod(path, 0750) == 0);
   check_narrow(root, "key.alice", NULL);
   CHECK(chmod(path, 0700) == 0 && symlink(path, other) == 0);
   check_narrow(root, "key.bob", NULL);
   CHECK(unlink(other) == 0 && rmdir(path) == 0 && rmdir(root) == 0);
}

int main(void)
{
   test_names();
   test_lengths();
   test_folders();
   return check_finish();
}
