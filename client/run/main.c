/* SPDX-License-Identifier: MIT */

/* venus-run: sets the environment so that a program uses the GPU of another machine, and becomes that program. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/process/tls_program.h"
#include "client/run/bench.h"
#include "client/run/manifest.h"
#include "client/run/options.h"
#include "client/run/own_path.h"
#include "client/run/settings.h"
#include "client/run/slurm.h"
#include "client/run/ssh.h"

/* As those of env(1) and timeout(1). */
enum { EXIT_USAGE = 2, EXIT_OWN_FAILURE = 125, EXIT_CANNOT_EXECUTE = 126, EXIT_NO_PROGRAM = 127 };

/* Logging in takes longer than connecting, and the server has its GPU's driver to load. */
#define SSH_TIMEOUT_S "30"

static int run_fail(const char *sentence)
{
   fprintf(stderr, "venus-run: %s\n", sentence);
   return EXIT_OWN_FAILURE;
}

/* The words before the program are a setting like others. False: out of memory. */
static bool run_choose_server(struct vp_settings *settings, const struct vp_run_options *options)
{
   if (options->place == VP_PLACE_HOST)
      vp_settings_set(settings, VP_VARIABLE_SERVER, options->words[0]);
   if (options->place != VP_PLACE_SSH)
      return true;

   char *address = vp_ssh_address(options->words, options->word_count, settings->of[VP_RUN_KEY_SERVER_COMMAND].value);
   if (!address)
      return false;
   vp_settings_set(settings, VP_VARIABLE_SERVER, address);
   free(address);
   if (!settings->of[VP_VARIABLE_TIMEOUT].value)
      vp_settings_set(settings, VP_VARIABLE_TIMEOUT, SSH_TIMEOUT_S);
   return true;
}

/* --- the program --- */

static bool run_export_settings(const struct vp_settings *settings)
{
   bool ok = true;

   for (unsigned key = 0; key < VP_RUN_KEY_COUNT; key++) {
      if (settings->of[key].value && vp_run_key_is_variable(key))
         ok = ok && setenv(vp_run_key(key)->name, settings->of[key].value, 1) == 0;
   }
   return ok;
}

static bool run_export(const struct vp_settings *settings, const char *manifests)
{
   const bool ok = run_export_settings(settings);

   /* The second is for loaders before 1.3.207. What else chooses among drivers would leave none. */
   return ok && setenv("VK_DRIVER_FILES", manifests, 1) == 0 && setenv("VK_ICD_FILENAMES", manifests, 1) == 0 &&
          unsetenv("VK_LOADER_DRIVERS_SELECT") == 0 && unsetenv("VK_LOADER_DRIVERS_DISABLE") == 0;
}

/* Comes back if that is not possible. */
static int run_execute(char **program)
{
   execvp(program[0], program);

   const int error = errno;
   const bool is_path = strchr(program[0], '/') != NULL;
   if (error == ENOENT && !is_path)
      fprintf(stderr, "venus-run: there is no program '%s' in PATH\n", program[0]);
   else if (error == ENOENT && access(program[0], F_OK) == 0)
      fprintf(stderr, "venus-run: %s cannot be executed: the interpreter that it names is not there\n", program[0]);
   else
      fprintf(stderr, "venus-run: %s cannot be executed: %s\n", program[0], strerror(error));
   return error == ENOENT ? EXIT_NO_PROGRAM : EXIT_CANNOT_EXECUTE;
}

/* Only now that nothing else is wrong. False: it has been said why. */
static bool run_start_job(struct vp_settings *settings, const struct vp_run_options *options)
{
   struct vp_slurm_server server;

   if (options->place != VP_PLACE_SLURM)
      return true;
   if (!vp_slurm_start(&server, options->words, options->word_count, settings->of[VP_RUN_KEY_JOB_COMMAND].value))
      return false;
   vp_settings_set(settings, VP_VARIABLE_SERVER, server.address);
   vp_settings_set(settings, VP_VARIABLE_KEY_FILE, server.key_file);
   return settings->faults == 0;
}

/* 0: there is one. */
static int run_check_server(const struct vp_settings *settings, const struct vp_run_options *options)
{
   if (!settings->of[VP_VARIABLE_SERVER].value && options->place != VP_PLACE_SLURM)
      return run_fail("no server is configured: name one (venus-run SERVER -- PROGRAM, or venus-run ssh HOST -- "
                      "PROGRAM), or set `server` in client.conf; see venus-run(1)");
   if (vp_settings_flag(settings, VP_VARIABLE_DISABLE))
      return run_fail("the driver is switched off by `disable` or VENUS_DISABLE; venus-run --print-config says where");
   return 0;
}

/* As the driver would do it. */
static int run_bench(const struct vp_settings *settings, const struct vp_run_options *options)
{
   const int status = run_check_server(settings, options);

   if (status)
      return status;
   char *folder = vp_own_path(VP_RUN_LIBRARIES);
   vp_tls_program_look_in(folder);
   const int bench_status = run_export_settings(settings) ? vp_bench_run(options->json) : run_fail(strerror(ENOMEM));
   vp_tls_program_look_in(NULL);
   free(folder);
   return bench_status;
}

static int run_program(struct vp_settings *settings, const struct vp_run_options *options)
{
   const int status = run_check_server(settings, options);
   char error[512];

   if (status)
      return status;
   char *manifests = vp_manifest_find(error, sizeof(error));
   if (!manifests)
      return run_fail(error);
   const bool has_server = run_start_job(settings, options);
   const bool ok = has_server && run_export(settings, manifests);
   free(manifests);
   if (!has_server)
      return EXIT_OWN_FAILURE;
   return ok ? run_execute(options->program) : run_fail(strerror(ENOMEM));
}

/* --- configuration --- */

static int run_with_settings(const struct vp_run_options *options)
{
   struct vp_settings settings;
   int status = EXIT_SUCCESS;

   vp_settings_read(&settings, options);
   if (!run_choose_server(&settings, options))
      status = run_fail(strerror(ENOMEM));
   else if (settings.faults > 0)
      status = EXIT_OWN_FAILURE;
   else if (options->action == VP_RUN_PROGRAM)
      status = run_program(&settings, options);
   else if (options->action == VP_RUN_BENCH)
      status = run_bench(&settings, options);
   if (options->action == VP_RUN_PRINT_CONFIG)
      vp_settings_print(&settings);
   vp_settings_finish(&settings);
   return status;
}

int main(int argc, char **argv)
{
   struct vp_run_options options;
   char error[256];

   if (!vp_run_options_parse(&options, argc, argv, error, sizeof(error))) {
      fprintf(stderr, "venus-run: %s; venus-run --help says more\n", error);
      return EXIT_USAGE;
   }
   switch (options.action) {
   case VP_RUN_HELP:
      vp_run_options_print_help();
      return EXIT_SUCCESS;
   case VP_RUN_VERSION:
      puts("venus-run " VP_VERSION);
      return EXIT_SUCCESS;
   case VP_RUN_EXAMPLE_CONFIG:
      vp_run_keys_print_example();
      return EXIT_SUCCESS;
   default:
      return run_with_settings(&options);
   }
}
