/* SPDX-License-Identifier: MIT */

/* The program venus-server: reads the command line and becomes the listener, a worker, or what lists and checks the
 * GPUs. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util/log.h"
#include "server/process/config_file.h"
#include "server/process/gate.h"
#include "server/process/gpu_list.h"
#include "server/process/gpu_try.h"
#include "server/process/handover.h"
#include "server/process/job.h"
#include "server/process/listener.h"
#include "server/process/log_target.h"
#include "server/process/machine.h"
#include "server/process/options.h"
#include "server/process/ready.h"
#include "server/process/sandbox.h"
#include "server/process/stdio.h"
#include "server/session/worker.h"

/* A driver that has not listed its GPUs after this time hangs. */
#define CHECK_SECONDS 60

/* Started without one of them, the next file we open would be taken for it. */
static bool open_standard_fds(void)
{
   int fd;

   do {
      fd = open("/dev/null", O_RDWR);
   } while (fd >= 0 && fd <= STDERR_FILENO);
   return fd >= 0 && close(fd) == 0;
}

/* Our own driver, should it be installed here too, must not offer itself (or
 * another server's GPUs) to the server. */
static void hide_own_driver(void)
{
   unsetenv("VENUS_SERVER");
   setenv("VENUS_DISABLE", "1", 1);
}

/* Both --list and the check that the listener makes in a process of its own. */
static int run_gpu_list(const struct vps_options *options)
{
   struct vps_gpu_list list;
   char error[512];

   /* What workers see of GPUs is what counts. */
   if (!vps_sandbox_enter(options, NULL, options->mode == VPS_MODE_CHECK_GPUS))
      return 1;
   if (!vps_gpu_list_init(&list, error, sizeof(error))) {
      vp_log(VP_LOG_ERROR, "%s", error);
      if (options->sandbox)
         vp_log(VP_LOG_INFO, "that was in the sandbox of workers; venus-server --list --sandbox=off looks outside it");
      return 1;
   }
   const bool ok = vps_gpu_list_check(&list, options, error, sizeof(error));
   if (!ok)
      vp_log(VP_LOG_ERROR, "%s", error);
   else if (options->mode == VPS_MODE_LIST)
      vps_gpu_list_print(&list, options, stdout);
   vps_gpu_list_finish(&list);
   return ok ? 0 : 1;
}

/* Whether the GPUs are there after something that one was busy with for too long. */
static int run_gpu_try(const struct vps_options *options)
{
   char error[512];

   if (!vps_sandbox_enter(options, NULL, false))
      return 1;
   if (vps_gpu_try(options, error, sizeof(error)))
      return 0;
   vp_log(VP_LOG_ERROR, "%s; clients will not get far, see whether vulkaninfo works", error);
   return 1;
}

/* Adds the validation layer to the layers that the environment names already. */
static bool enable_validation(void)
{
   const char *name = "VK_INSTANCE_LAYERS", *old = getenv(name);
   char layers[4096];

   const int length =
      snprintf(layers, sizeof(layers), "%s%s%s", old ? old : "", old && *old ? ":" : "", VPS_VALIDATION_LAYER);
   return length > 0 && (size_t)length < sizeof(layers) && setenv(name, layers, 1) == 0;
}

static int run_worker(const struct vps_options *options)
{
   static char program[32];

   snprintf(program, sizeof(program), "venus-worker[%d]", (int)getpid());
   vp_log_init(program, options->log_level);
   if (options->validate && !enable_validation()) {
      vp_log(VP_LOG_ERROR, "cannot enable the validation layer: VK_INSTANCE_LAYERS is too long");
      return 1;
   }

   char cache[VPS_SHADER_CACHE_NAME_SIZE];
   if (!vps_handover_receive_cache(options->worker_fd, cache))
      return 0; /* the listener has ended */
   vps_machine_load();
   if (!vps_sandbox_enter(options, cache, false))
      return 1;
   static struct vps_client client;
   const int fd = vps_ready_wait(options, &client);
   if (fd >= 0)
      vp_log_set_client(client.peer, client.user);
   const int status = fd < 0 ? 0 : vps_worker_run(fd, &client, options);
   if (!vps_ready_is_over())
      _exit(status);
   return status;
}

static int run_mode(struct vps_options *options)
{
   switch (options->mode) {
   case VPS_MODE_HELP:
      vps_options_print_usage(stdout);
      return 0;
   case VPS_MODE_VERSION:
      puts("venus-server " VP_VERSION);
      return 0;
   case VPS_MODE_CHECK_CONFIG:
      return 0; /* it has been read */
   case VPS_MODE_PRINT_CONFIG:
      vps_config_print(options, stdout);
      return 0;
   case VPS_MODE_EXAMPLE_CONFIG:
      vps_config_print_example(stdout);
      return 0;
   case VPS_MODE_CHECK_GPUS:
      alarm(CHECK_SECONDS);
      return run_gpu_list(options);
   case VPS_MODE_TRY_GPUS:
      alarm(CHECK_SECONDS);
      return run_gpu_try(options);
   case VPS_MODE_LIST:
      return run_gpu_list(options);
   case VPS_MODE_WORKER:
      return run_worker(options);
   case VPS_MODE_GATE:
      vp_log_init("venus-gate", options->log_level);
      return vps_gate_run(options->gate_fd, options);
   case VPS_MODE_STDIO:
      return vps_stdio_run(options);
   case VPS_MODE_JOB:
      if (!vps_job_begin(options))
         return 1;
      vps_sandbox_settle_cache(options);
      return vps_listener_run(options);
   case VPS_MODE_LISTEN:
      vps_sandbox_settle_cache(options);
      return vps_listener_run(options);
   }
   return VPS_EXIT_USAGE;
}

int main(int argc, char *argv[])
{
   struct vps_options options;

   vp_log_init("venus-server", VP_LOG_INFO);
   signal(SIGPIPE, SIG_IGN);
   hide_own_driver();
   if (!open_standard_fds())
      return 1;

   int status = vps_config_read(&options, argc, argv);
   if (status == 0) {
      vps_log_begin("venus-server", &options);
      status = run_mode(&options);
   } else if (status == VPS_EXIT_CONFIG && options.mode == VPS_MODE_PRINT_CONFIG) {
      vps_config_print(&options, stdout); /* to find out what is wrong */
   }
   vps_options_finish(&options);
   return status;
}
