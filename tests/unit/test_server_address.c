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
      const char *place, *again, *identity;
   } good[] = {
      {"host", VP_WAY_TCP, "host", "host:5556", ""},
      {"host:1", VP_WAY_TCP, "host", "host:1", ""},
      {"unix:/run/venus", VP_WAY_UNIX, "/run/venus", "unix:/run/venus", ""},
      {"unix:77", VP_WAY_TCP, "unix", "unix:77", ""},
      {"srv:77", VP_WAY_TCP, "srv", "srv:77", ""},
      {"srv:gpu.example.org", VP_WAY_TCP, "gpu.example.org", "srv:gpu.example.org", ""},
      {"srv:7a.", VP_WAY_TCP, "7a.", "srv:7a.", ""},
      {"tls://srv:gpu", VP_WAY_TLS, "gpu", "tls://srv:gpu", ""},
      {"tls://alice@srv:gpu", VP_WAY_TLS, "gpu", "tls://alice@srv:gpu", "alice"},
      {"tls://alice@srv:9", VP_WAY_TLS, "srv", "tls://alice@srv:9", "alice"},
      {"::1", VP_WAY_TCP, "::1", "[::1]:5556", ""},
      {"tls://host", VP_WAY_TLS, "host", "tls://host:5556", ""},
      {"tls://alice@[::1]:7", VP_WAY_TLS, "::1", "tls://alice@[::1]:7", "alice"},
      {"tls://alice@example.org@gpu", VP_WAY_TLS, "gpu", "tls://alice@example.org@gpu:5556", "alice@example.org"},
      {"exec:ssh -p 22 gpu, really", VP_WAY_EXEC, "ssh -p 22 gpu, really", "exec:ssh -p 22 gpu, really", ""},
   };
   static const char *const bad[] = {"",          "unix:",    "unix:venus",  "exec:",          "ssh://host:22",
                                     "host:x",    "tls://",   "tls://@host", "tls://a b@host", "tls://alice@",
                                     "tls://a/b", "srv:",     "srv:a/b",     "srv:a:1",        "srv:.a",
                                     "srv:a b",   "srv:99999"};
   struct vp_server_address address;
   char again[64];

   for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
      CHECK(vp_server_address_length(good[i].text) == strlen(good[i].text));
      CHECK(vp_server_address_parse(&address, good[i].text, strlen(good[i].text)));
      CHECK(address.way == good[i].way && strcmp(address.place, good[i].place) == 0);
      CHECK(strcmp(address.identity, good[i].identity) == 0);
      CHECK(address.is_service == (strstr(good[i].again, "srv:g") || strstr(good[i].again, "srv:7a")));
      vp_server_address_format(&address, again, sizeof(again));
      CHECK(strcmp(again, good[i].again) == 0);
   }
   for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      if (!CHECK(!vp_server_address_parse(&address, bad[i], strlen(bad[i]))))
         fprintf(stderr, "  for \"%s\"\n", bad[i]);
   }

   /* One of the servers of a service: certificates are for the service. */
   const struct vp_service_server server = {.port = 77, .host = "one.example.org"};
   struct vp_server_address one;
   CHECK(vp_server_address_parse(&address, "tls://alice@srv:gpu.example.org.", 32));
   vp_server_address_of(&one, &address, &server);
   CHECK(!one.is_service && one.way == VP_WAY_TLS && one.port == 77 && strcmp(one.place, "one.example.org") == 0);
   CHECK(strcmp(one.identity, "alice") == 0 && strcmp(one.service, "gpu.example.org") == 0);

   char longest[VP_PLACE_SIZE + 1] = "exec:";
   memset(longest + 5, 'x', sizeof(longest) - 6);
   longest[sizeof(longest) - 1] = '\0';
   CHECK(!vp_server_address_parse(&address, longest, strlen(longest)));
   CHECK(vp_server_address_parse(&address, longest, strlen(longest) - 1));
}

static void test_list(void)
{
   static struct vp_config config;

   setenv("VENUS_SERVER", "a, b:1,,unix:/c ssh://x tls://me@d exec:e, f", 1);
   vp_config_read(&config);
   CHECK(config.server_count == 5);
   CHECK(config.servers[1].port == 1 && config.servers[2].way == VP_WAY_UNIX);
   CHECK(config.servers[3].way == VP_WAY_TLS && strcmp(config.servers[3].identity, "me") == 0);
   CHECK(config.servers[4].way == VP_WAY_EXEC && strcmp(config.servers[4].place, "e, f") == 0);
}

/* VENUS_POLICY, and whether GPUs of several servers may be beside each other. */
static void test_policy(void)
{
   static const struct {
      const char *policy, *servers;
      enum vp_server_policy means;
      bool several;
   } cases[] = {
      {"", "a", VP_SERVERS_EACH, false},
      {"", "a,b", VP_SERVERS_EACH, true},
      {"", "srv:a.b", VP_SERVERS_EACH, false},
      {"all", "srv:a.b", VP_SERVERS_ALL, true},
      {"all", "a", VP_SERVERS_ALL, false},
      {"first", "a,srv:a.b", VP_SERVERS_FIRST, false},
      {"least-loaded", "a,b", VP_SERVERS_LEAST_LOADED, false},
      {"nonsense", "a,b", VP_SERVERS_EACH, true},
   };
   static struct vp_config config;

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      setenv("VENUS_POLICY", cases[i].policy, 1);
      setenv("VENUS_SERVER", cases[i].servers, 1);
      vp_config_read(&config);
      CHECK(config.policy == cases[i].means && vp_config_uses_several(&config) == cases[i].several);
   }
   unsetenv("VENUS_POLICY");
}

static void test_keys(void)
{
   struct vp_tls_config config;

   setenv("HOME", "/h", 1);
   unsetenv("XDG_CONFIG_HOME");
   unsetenv("VENUS_KEY_FILE");
   vp_config_read_tls(&config);
   CHECK(strcmp(config.keys, "/h/.config/venus-plus/keys") == 0 && !config.ca && !config.pin);
   setenv("XDG_CONFIG_HOME", "/c", 1);
   setenv("VENUS_TLS_PIN", "sha256:00", 1);
   vp_config_read_tls(&config);
   CHECK(strcmp(config.keys, "/c/venus-plus/keys") == 0 && strcmp(config.pin, "sha256:00") == 0);
   setenv("VENUS_KEY_FILE", "/k", 1);
   vp_config_read_tls(&config);
   CHECK(strcmp(config.keys, "/k") == 0);
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
   setenv("VENUS_SERVER", "127.0.0.1:1 unix:/nonexistent tls://me@127.0.0.1:1 exec:true", 1);
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
   test_policy();
   test_keys();
   test_rights_of_another();
   return check_finish();
}
