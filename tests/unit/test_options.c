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
   CHECK(options.sandbox && !options.user && !options.cache);
   vps_options_finish(&options);
}

static void test_all_options(void)
{
   struct vps_options options;
   char line[] = "--port 0 --host=:: --insecure --gpu 1 --gpu=RTX --gpu --x --validate --compress=zstd --log debug "
                 "--max-clients 4096 --ready 64 --user venus --sandbox=off --cache /a/b";
   char error[256];

   CHECK(parse(&options, line, error));
   CHECK(options.port == 0 && strcmp(options.host, "::") == 0 && options.insecure);
   CHECK(options.gpu_count == 3 && strcmp(options.gpus[1], "RTX") == 0 && strcmp(options.gpus[2], "--x") == 0);
   CHECK(options.compression == VP_COMPRESS_ZSTD);
   CHECK(options.validate && options.log_level == VP_LOG_DEBUG && options.max_clients == 4096);
   CHECK(options.ready == 64 && !options.sandbox);
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

static void test_modes(void)
{
   static const struct {
      const char *line;
      enum vps_mode mode;
   } modes[] = {
      {"--list --gpu 0", VPS_MODE_LIST},     {"--version", VPS_MODE_VERSION},    {"--help", VPS_MODE_HELP},
      {"--check-gpus", VPS_MODE_CHECK_GPUS}, {"--worker-fd 3", VPS_MODE_WORKER}, {"--stdio --gpu 0", VPS_MODE_STDIO},
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
      {"--validate=yes", "takes no value"},
      {"--insecure=yes", "takes no value"},
      {"--compress gzip", "auto, none, lz4 or zstd"},
      {"--sandbox maybe", "needs on or off"},
      {"--cache here", "the full path"},
      {"--user=", "not \"\""},
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
                 "--sandbox off --user venus --cache none";
   char error[256];

   CHECK(parse(&options, line, error));
   char **argv = vps_options_make_argv(&options, VPS_MODE_WORKER);
   if (CHECK(argv)) {
      CHECK(vps_options_parse(&other, count_args(argv), argv, error, sizeof(error)));
      CHECK(other.mode == VPS_MODE_WORKER && other.worker_fd == 3);
      CHECK(other.validate && other.log_level == VP_LOG_ERROR && other.compression == VP_COMPRESS_LZ4);
      CHECK(!other.sandbox && strcmp(other.user, "venus") == 0 && strcmp(other.cache, "none") == 0);
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
   char all[] = "", some[] = "--gpu 01 --gpu rtx", error[256];

   CHECK(parse(&options, all, error));
   CHECK(vps_gpu_selected(&options, 0, "x") && vps_gpu_selected(&options, 99, ""));
   vps_options_finish(&options);

   CHECK(parse(&options, some, error));
   CHECK(!vps_gpu_selected(&options, 0, "llvmpipe 01"));
   CHECK(vps_gpu_selected(&options, 1, "llvmpipe"));
   CHECK(!vps_gpu_selected(&options, 11, "llvmpipe"));
   CHECK(vps_gpu_selected(&options, 2, "NVIDIA GeForce RTX 4090"));
   CHECK(!vps_gpu_selected(&options, 3, "NVIDIA H200"));
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
   test_modes();
   test_wrong();
   test_handed_on();
   test_gpu_selection();
   test_gpu_check();
   return check_finish();
}
