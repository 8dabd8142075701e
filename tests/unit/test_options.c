/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/net/socket.h"
#include "server/process/gpu_list.h"
#include "server/process/options.h"
#include "tests/unit/check.h"

enum { MAX_ARGS = 32 };

/* Parses a command line given as one text, words apart by one space each. */
static bool parse(struct vps_options *options, char *line, char error[256])
{
   char *argv[MAX_ARGS] = {"venus-server"};
   int argc = 1;

   for (char *word = strtok(line, " "); word && argc < MAX_ARGS; word = strtok(NULL, " "))
      argv[argc++] = word;
   error[0] = '\0';
   return vps_options_parse(options, argc, argv, error, 256);
}

static void test_defaults(void)
{
   struct vps_options options;
   char line[] = "", error[256];

   CHECK(parse(&options, line, error));
   CHECK(options.mode == VPS_MODE_LISTEN);
   CHECK(strcmp(options.host, "127.0.0.1") == 0 && options.port == VP_DEFAULT_PORT && !options.insecure);
   CHECK(options.gpu_count == 0 && options.max_clients == 64 && !options.validate);
   CHECK(options.compression == VP_COMPRESS_AUTO);
   CHECK(options.log_level == VP_LOG_INFO && options.worker_fd == -1 && options.ready == 2);
   CHECK(options.resume_s == VPS_RESUME_AUTO);
   CHECK(options.sandbox && !options.user && !options.cache);
   CHECK(vps_quota_is_set(&options.quota) && options.quota.of[VPS_QUOTA_DEVICE_MEMORY] == VPS_QUOTA_NONE);
   CHECK(memcmp(&options.quota, &vps_client_quota, sizeof(options.quota)) == 0); /* the table says the same */
   CHECK(!vps_quota_is_set(&options.user_quota));
   CHECK(options.graphics_timeout_s == 10 && options.compute_timeout_s == 0);
   CHECK(options.stall_timeout_s == 600 && options.idle_timeout_s == 0);
   CHECK(options.clear_memory == VPS_CLEAR_MEMORY_AUTO);
   vps_options_finish(&options);
}

static void test_all_options(void)
{
   struct vps_options options;
   char line[] =
      "--port 0 --host=:: --insecure --gpu 1 --gpu=RTX --gpu --x --validate --compress=zstd --log debug "
      "--max-clients 4096 --ready 64 --resume 3600 --user venus --sandbox=off --cache /a/b --clear-memory off";
   char error[256];

   CHECK(parse(&options, line, error));
   CHECK(options.port == 0 && strcmp(options.host, "::") == 0 && options.insecure);
   CHECK(options.gpu_count == 3 && strcmp(options.gpus[1], "RTX") == 0 && strcmp(options.gpus[2], "--x") == 0);
   CHECK(options.compression == VP_COMPRESS_ZSTD);
   CHECK(options.validate && options.log_level == VP_LOG_DEBUG && options.max_clients == 4096);
   CHECK(options.resume_s == 3600);
   CHECK(options.ready == 64 && !options.sandbox && options.clear_memory == VPS_CLEAR_MEMORY_OFF);
   CHECK(strcmp(options.user, "venus") == 0 && strcmp(options.cache, "/a/b") == 0);
   vps_options_finish(&options);
}

/* A Unix socket takes the place of the port, but for those who want both. */
static void test_places(void)
{
   static const struct {
      const char *line, *unix_path;
      bool tcp;
   } places[] = {
      {"", "", true},
      {"--host ::1", "", true},
      {"--unix /run/v", "/run/v", false},
      {"--unix=v --insecure", "v", false},
      {"--unix /run/v --port 5556", "/run/v", true},
      {"--host ::1 --unix /run/v", "/run/v", true},
   };
   struct vps_options options;
   char line[64], error[256];

   for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
      snprintf(line, sizeof(line), "%s", places[i].line);
      CHECK(parse(&options, line, error));
      CHECK(options.tcp == places[i].tcp);
      CHECK(strcmp(options.unix_path ? options.unix_path : "", places[i].unix_path) == 0);
      vps_options_finish(&options);
   }
}

static void test_timeouts(void)
{
   static const struct {
      const char *line;
      unsigned graphics_s, compute_s, stall_s, idle_s;
   } cases[] = {
      {"--submit-timeout 7", 7, 7, 600, 0},
      {"--submit-timeout=off", 0, 0, 600, 0},
      {"--submit-timeout graphics=off", 0, 0, 600, 0},
      {"--submit-timeout compute=90", 10, 90, 600, 0},
      {"--submit-timeout compute=1000000,graphics=1", 1, 1000000, 600, 0},
      {"--submit-timeout 7 --submit-timeout compute=off", 7, 0, 600, 0},
      {"--stall-timeout off --idle-timeout 5", 10, 0, 0, 5},
   };
   struct vps_options options;
   char line[80], error[256];

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      snprintf(line, sizeof(line), "%s", cases[i].line);
      CHECK(parse(&options, line, error));
      CHECK(options.graphics_timeout_s == cases[i].graphics_s && options.compute_timeout_s == cases[i].compute_s);
      CHECK(options.stall_timeout_s == cases[i].stall_s && options.idle_timeout_s == cases[i].idle_s);
      vps_options_finish(&options);
   }
}

static void test_modes(void)
{
   static const struct {
      const char *line;
      enum vps_mode mode;
   } modes[] = {
      {"--list --gpu 0", VPS_MODE_LIST},     {"--version", VPS_MODE_VERSION},   {"--help", VPS_MODE_HELP},
      {"--check-gpus", VPS_MODE_CHECK_GPUS}, {"--try-gpus", VPS_MODE_TRY_GPUS}, {"--worker-fd 3", VPS_MODE_WORKER},
      {"--stdio --gpu 0", VPS_MODE_STDIO},
   };
   struct vps_options options;
   char line[64], error[256];

   for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
      snprintf(line, sizeof(line), "%s", modes[i].line);
      CHECK(parse(&options, line, error));
      CHECK(options.mode == modes[i].mode);
      vps_options_finish(&options);
   }
}

static void test_wrong(void)
{
   static const struct {
      const char *line, *said;
   } wrong[] = {
      {"--frobnicate", "unknown option \"--frobnicate\""},
      {"--por 5", "unknown option \"--por\""},
      {"5556", "unknown option \"5556\""},
      {"--port", "--port needs a value"},
      {"--port 65536", "not \"65536\""},
      {"--port -1", "not \"-1\""},
      {"--port 1x", "not \"1x\""},
      {"--port 99999999999999999999", "needs a number"},
      {"--port=", "not \"\""},
      {"--host=", "not \"\""},
      {"--unix=", "not \"\""},
      {"--gpu=", "not \"\""},
      {"--max-clients 0", "from 1 to 4096"},
      {"--max-clients 4097", "from 1 to 4096"},
      {"--ready 65", "from 0 to 64"},
      {"--log loud", "error, warn, info or debug"},
      {"--validate=yes", "needs on or off"},
      {"--insecure=yes", "needs on or off"},
      {"--compress gzip", "auto, none, lz4 or zstd"},
      {"--sandbox maybe", "needs on or off"},
      {"--cache here", "the full path"},
      {"--clear-memory on", "auto, always or off"},
      {"--user=", "not \"\""},
      {"--quota objects", "a list like device-memory=8G"},
      {"--quota memory=8G", "a list like device-memory=8G"},
      {"--user-quota allocations=5", "without allocations"},
      {"--submit-timeout 0", "graphics=10,compute=off"},
      {"--submit-timeout graphics", "needs seconds"},
      {"--submit-timeout graphics=", "needs seconds"},
      {"--submit-timeout graphics=1,", "needs seconds"},
      {"--submit-timeout compute=1,transfer=1", "needs seconds"},
      {"--submit-timeout compute=11111111111111111111", "needs seconds"},
      {"--stall-timeout 0", "or off"},
      {"--idle-timeout never", "or off"},
      {"--list=1", "takes no value"},
      {"--stdio --port 5556", "leave out --port"},
      {"--unix /run/v --stdio", "leave out"},
      {"--worker-fd 2", "not \"2\""},
   };
   struct vps_options options;
   char line[64], error[256];

   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
      snprintf(line, sizeof(line), "%s", wrong[i].line);
      if (!CHECK(!parse(&options, line, error)) || !CHECK(strstr(error, wrong[i].said)))
         fprintf(stderr, "  for \"%s\": %s\n", wrong[i].line, error);
      vps_options_finish(&options);
   }

   char longest[5000];
   memset(longest, 'x', sizeof(longest) - 1);
   longest[sizeof(longest) - 1] = '\0';
   CHECK(!parse(&options, longest, error));
   vps_options_finish(&options);
}

static int count_args(char **argv)
{
   int argc = 0;

   while (argv[argc])
      argc++;
   return argc;
}

static void test_handed_on(void)
{
   struct vps_options options, other;
   char line[] = "--gpu 0 --gpu --validate --gpu a=b --validate --compress lz4 --log error "
                 "--sandbox off --user venus --cache none --quota threads=9 --quota objects=1M,device-memory=2G "
                 "--user-quota host-memory=none,bandwidth=3M --submit-timeout graphics=off,compute=1000000 "
                 "--stall-timeout 1000000 --idle-timeout 8 --resume 0";
   char error[256];

   CHECK(parse(&options, line, error));
   char **argv = vps_options_make_argv(&options, VPS_MODE_WORKER);
   if (CHECK(argv)) {
      CHECK(vps_options_parse(&other, count_args(argv), argv, error, sizeof(error)));
      CHECK(other.mode == VPS_MODE_WORKER && other.worker_fd == 3);
      CHECK(other.validate && other.log_level == VP_LOG_ERROR && other.compression == VP_COMPRESS_LZ4);
      CHECK(!other.sandbox && strcmp(other.user, "venus") == 0 && strcmp(other.cache, "none") == 0);
      CHECK(other.quota.of[VPS_QUOTA_OBJECTS] == 1048576 && other.quota.of[VPS_QUOTA_DEVICE_MEMORY] == 2147483648);
      CHECK(other.quota.of[VPS_QUOTA_THREADS] == vps_client_quota.of[VPS_QUOTA_THREADS]); /* the last list counts */
      CHECK(other.user_quota.of[VPS_QUOTA_BANDWIDTH] == 3145728);
      CHECK(other.user_quota.of[VPS_QUOTA_OBJECTS] == VPS_QUOTA_NONE);
      CHECK(other.graphics_timeout_s == 0 && other.compute_timeout_s == 1000000);
      CHECK(other.stall_timeout_s == 1000000 && other.idle_timeout_s == 8 && other.resume_s == 0);
      CHECK(other.gpu_count == options.gpu_count);
      for (unsigned i = 0; i < options.gpu_count; i++)
         CHECK(strcmp(other.gpus[i], options.gpus[i]) == 0);
      vps_options_finish(&other);
   }
   free(argv);

   argv = vps_options_make_argv(&options, VPS_MODE_CHECK_GPUS);
   if (CHECK(argv)) {
      CHECK(vps_options_parse(&other, count_args(argv), argv, error, sizeof(error)));
      CHECK(other.mode == VPS_MODE_CHECK_GPUS && other.gpu_count == 3 && other.validate && other.worker_fd == -1);
      vps_options_finish(&other);
   }
   free(argv);
   vps_options_finish(&options);
}

static void test_gpu_selection(void)
{
   struct vps_options options;
   char all[] = "", some[] = "--gpu 01 --gpu rtx", places[] = "--gpu pci:0000:C1:00.0 --gpu 7", error[256];

   CHECK(parse(&options, all, error));
   CHECK(vps_gpu_selected(&options, 0, "x", "") && vps_gpu_selected(&options, 99, "", ""));
   vps_options_finish(&options);

   CHECK(parse(&options, some, error));
   CHECK(!vps_gpu_selected(&options, 0, "llvmpipe 01", ""));
   CHECK(vps_gpu_selected(&options, 1, "llvmpipe", ""));
   CHECK(!vps_gpu_selected(&options, 11, "llvmpipe", ""));
   CHECK(vps_gpu_selected(&options, 2, "NVIDIA GeForce RTX 4090", ""));
   CHECK(!vps_gpu_selected(&options, 3, "NVIDIA H200", ""));
   CHECK(!vps_gpu_selects_by_pci(&options));
   vps_options_finish(&options);

   CHECK(parse(&options, places, error));
   CHECK(vps_gpu_selects_by_pci(&options));
   CHECK(vps_gpu_selected(&options, 0, "x", "0000:c1:00.0"));
   CHECK(!vps_gpu_selected(&options, 0, "x", "0000:c1:00.1") && !vps_gpu_selected(&options, 1, "pci:0000:C1:00.0", ""));
   CHECK(vps_gpu_selected(&options, 7, "x", "") && !vps_gpu_selected(&options, 6, "x", ""));
   vps_options_finish(&options);
}

static void test_gpu_check(void)
{
   struct vps_gpu gpus[] = {{.name = "A fast one"}, {.name = "A slow one"}};
   const struct vps_gpu_list list = {.gpus = gpus, .count = 2};
   struct vps_options options;
   char good[] = "--gpu 1 --gpu FAST", high[] = "--gpu 0 --gpu 2", other[] = "--gpu medium", error[256];

   CHECK(parse(&options, good, error));
   CHECK(vps_gpu_list_check(&list, &options, error, sizeof(error)));
   vps_options_finish(&options);
   CHECK(parse(&options, high, error));
   CHECK(!vps_gpu_list_check(&list, &options, error, sizeof(error)) && strstr(error, "no GPU \"2\""));
   vps_options_finish(&options);
   CHECK(parse(&options, other, error));
   CHECK(!vps_gpu_list_check(&list, &options, error, sizeof(error)) && strstr(error, "no GPU \"medium\""));
   vps_options_finish(&options);
}

int main(void)
{
   test_defaults();
   test_all_options();
   test_places();
   test_timeouts();
   test_modes();
   test_wrong();
   test_handed_on();
   test_gpu_selection();
   test_gpu_check();
   return check_finish();
}
