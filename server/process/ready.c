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
   const struct vps_options *options;
   VkInstance instance; /* keeps the driver loaded, and open what it has opened; stays until the process ends */
   atomic_bool under_way;
};

static struct warming warming;

static void *warm_up(void *data)
{
   struct warming *w = data;
   struct vps_gpu_list list = {0};
   uint32_t count = 0;
   uint64_t memory = 0;

   if (vps_gpu_instance_create(&w->instance) == VK_SUCCESS)
      vps_gpu_list_of(&list, w->instance);
   for (unsigned i = 0; i < list.count; i++) {
      if (vps_gpu_selected(w->options, i, list.gpus[i].name, list.gpus[i].pci)) {
         count++;
         memory += list.gpus[i].memory;
      }
   }
   vps_gpu_list_finish(&list);
   vp_log(VP_LOG_DEBUG, "ready for a client; %u GPUs", count);
   vps_handover_tell_loaded(w->options->worker_fd, count, memory);
   atomic_store(&w->under_way, false);
   return NULL;
}

static void start_to_warm_up(const struct vps_options *options)
{
   pthread_t thread;

   warming.options = options;
   atomic_store(&warming.under_way, true);
   if (vp_thread_start(&thread, warm_up, &warming))
      pthread_detach(thread);
   else
      atomic_store(&warming.under_way, false);
}

int vps_ready_wait(const struct vps_options *options, struct vps_client *client)
{
   const int worker_end = options->worker_fd;

   fcntl(worker_end, F_SETFD, FD_CLOEXEC); /* not for what a driver may start */
   if (!vps_handover_is_due(worker_end)) {
      vps_process_set_name("venus-ready");
      start_to_warm_up(options);
   }
   const int fd = vps_handover_receive(worker_end, client);
   vps_process_set_name("venus-worker");
   return fd;
}

bool vps_ready_is_over(void)
{
   return !atomic_load(&warming.under_way);
}
