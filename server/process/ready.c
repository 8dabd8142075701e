/* SPDX-License-Identifier: MIT */

/* Until its connection comes, a thread of the worker creates a VkInstance and lists its GPUs, after which the driver is
 * loaded. */

#include "server/process/ready.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/util/log.h"
#include "common/util/thread.h"
#include "server/process/gpu_list.h"
#include "server/process/handover.h"
#include "server/process/spawn.h"

struct warming {
   VkInstance instance; /* keeps the driver loaded, and open what it has opened; stays until the process ends */
   int worker_end;
   atomic_bool under_way;
};

static struct warming warming;

static void *warm_up(void *data)
{
   struct warming *w = data;
   uint32_t count = 0;

   if (vps_gpu_instance_create(&w->instance) == VK_SUCCESS)
      vkEnumeratePhysicalDevices(w->instance, &count, NULL);
   vp_log(VP_LOG_DEBUG, "ready for a client; %u GPUs", count);
   vps_handover_tell(w->worker_end, VPS_HANDOVER_LOADED);
   atomic_store(&w->under_way, false);
   return NULL;
}

static void start_to_warm_up(int worker_end)
{
   pthread_t thread;

   warming.worker_end = worker_end;
   atomic_store(&warming.under_way, true);
   if (vp_thread_start(&thread, warm_up, &warming))
      pthread_detach(thread);
   else
      atomic_store(&warming.under_way, false);
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
   return !atomic_load(&warming.under_way);
}
