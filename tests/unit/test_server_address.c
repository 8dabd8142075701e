/* SPDX-License-Identifier: MIT */
/* Addresses of servers, alone and in VENUS_SERVER. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/process/config.h"
#include "client/process/server_address.h"
#include "common/net/socket.h"
#include "tests/unit/check.h"

#define NOBODY 65534
#define NOT_PRIVILEGED 99

static void test_forms(void)
{
   static const struct {
      const char *text;
      enum vp_way way;
      const char *place, *again;
   } good[] = {
      {"host", VP_WAY_TCP, "host", "host:5556"},
      {"host:1", VP_WAY_TCP, "host", "host:1"},
      {"unix:/run/venus", VP_WAY_UNIX, "/run/venus", "unix:/run/venus"},
      {"unix:77", VP_WAY_TCP, "unix", "unix:77"},
      {"exec:ssh -p 22 gpu, really", VP_WAY_EXEC, "ssh -p 22 gpu, really", "exec:ssh -p 22 gpu, really"},
   };
   static const char *const bad[] = {"", "unix:", "unix:venus", "exec:", "tls://host", "ssh://host:22", "host:x"};
   struct vp_server_address address;
   char again[64];

   for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
      CHECK(vp_server_address_length(good[i].text) == strlen(good[i].text));
      CHECK(vp_server_address_parse(&address, good[i].text, strlen(good[i].text)));
      CHECK(address.way == good[i].way && strcmp(address.place, good[i].place) == 0);
      vp_server_address_format(&address, again, sizeof(again));
      CHECK(strcmp(again, good[i].again) == 0);
   }
   for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      if (!CHECK(!vp_server_address_parse(&address, bad[i], strlen(bad[i]))))
         fprintf(stderr, "  for \"%s\"\n", bad[i]);
   }

   char longest[VP_PLACE_SIZE + 1] = "exec:";
   memset(longest + 5, 'x', sizeof(longest) - 6);
   longest[sizeof(longest) - 1] = '\0';
   CHECK(!vp_server_address_parse(&address, longest, strlen(longest)));
   CHECK(vp_server_address_parse(&address, longest, strlen(longest) - 1));
}

static void test_list(void)
{
   static struct vp_config config;

   setenv("VENUS_SERVER", "a, b:1,,unix:/c tls://d exec:e, f", 1);
   vp_config_read(&config);
   CHECK(config.server_count == 4);
   CHECK(config.servers[1].port == 1 && config.servers[2].way == VP_WAY_UNIX);
   CHECK(config.servers[3].way == VP_WAY_EXEC && strcmp(config.servers[3].place, "e, f") == 0);
}

/* In a program that belongs to another user and runs with the rights of that one. */
static int count_servers(void)
{
   static struct vp_config config;

   vp_config_read(&config);
   return getauxval(AT_SECURE) ? (int)config.server_count : NOT_PRIVILEGED;
}

static bool copy_program(const char *path)
{
   const int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
   const int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
   struct stat file;

   const bool ok = in >= 0 && out >= 0 && fstat(in, &file) == 0 && sendfile(out, in, NULL, (size_t)file.st_size) > 0 &&
                   fchown(out, NOBODY, NOBODY) == 0 && fchmod(out, 04755) == 0;
   close(in);
   close(out);
   return ok;
}

static void test_rights_of_another(void)
{
   const char *folder = getenv("VP_TEST_TMP");
   char path[4096];
   int status = 0;

   if (getuid() != 0 || !folder) {
      fprintf(stderr, "not tested with the rights of another user: needs root\n");
      return;
   }
   snprintf(path, sizeof(path), "%s/other", folder);
   setenv("VENUS_SERVER", "127.0.0.1:1 unix:/nonexistent exec:true", 1);
   if (!CHECK(copy_program(path)))
      return;
   const pid_t child = fork();
   if (child == 0) {
      execl(path, path, "count", (char *)NULL);
      _exit(NOT_PRIVILEGED);
   }
   CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
   if (WEXITSTATUS(status) == NOT_PRIVILEGED)
      fprintf(stderr, "not tested with the rights of another user: the system does not give them\n");
   else
      CHECK(WEXITSTATUS(status) == 1);
   unlink(path);
}

int main(int argc, char *argv[])
{
   (void)argv;
   if (argc > 1)
      return count_servers();
   test_forms();
   test_list();
   test_rights_of_another();
   return check_finish();
}
