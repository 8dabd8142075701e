/* SPDX-License-Identifier: MIT */
#include "server/process/ready.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "common/util/log.h"
#include "common/util/thread.h"
#include "server/process/gpu_list.h"
#include "server/process/handover.h"
#include "server/process/spawn.h"

/* An instance keeps the driver loaded, and open what it has opened. It stays until the process ends. */
static VkInstance warm_instance;
static atomic_bool warming;

static void *warm_up(void *worker_end)
{
   uint32_t count = 0;

   if (vps_gpu_instance_create(&warm_instance) == VK_SUCCESS)
      vkEnumeratePhysicalDevices(warm_instance, &count, NULL);
   vp_log(VP_LOG_DEBUG, "ready for a client; %u GPUs", count);
   vps_handover_tell((int)(intptr_t)worker_end, VPS_HANDOVER_LOADED);
   atomic_store(&warming, false);
   return NULL;
}

static void start_to_warm_up(int worker_end)
{
   pthread_t thread;

   atomic_store(&warming, true);
   if (vp_thread_start(&thread, warm_up, (void *)(intptr_t)worker_end))
      pthread_detach(thread);
   else
      atomic_store(&warming, false);
}

int vps_ready_wait(int worker_end)
{
   fcntl(worker_end, F_SETFD, FD_CLOEXEC); /* not for what a driver may start */
   if (!vps_handover_is_due(worker_end)) {
      vps_process_set_name("venus-ready");
      start_to_warm_up(worker_end);
   }
   const int client = vps_handover_receive(worker_end);
   vps_process_set_name("venus-worker");
   return client;
}

bool vps_ready_is_over(void)
{
   return !atomic_load(&warming);
}
