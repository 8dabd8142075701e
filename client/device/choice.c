/* SPDX-License-Identifier: MIT */

/* Which of the servers' GPUs the program gets to see, and the line that says which one it uses. */

#include "client/device/choice.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "client/core/instance.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/process/variables.h"
#include "common/util/gpu_choice.h"
#include "common/util/log.h"

/* Of names in one line of the log. */
#define NAMES_SIZE 1024

static void choice_say_none(const struct vp_instance *instance)
{
   char names[NAMES_SIZE];
   size_t length = 0;

   for (uint32_t i = 0; i < instance->physical_device_count && length < sizeof(names); i++)
      length += (size_t)snprintf(names + length, sizeof(names) - length, "%s %u (%s)", i ? "," : "", (unsigned)i,
                                 instance->physical_devices[i]->properties.properties.deviceName);
   vp_log(VP_LOG_ERROR, "VENUS_GPU=%s is none of the GPUs that are there:%s", vp_variable_text(VP_VARIABLE_GPU), names);
}

void vp_choice_apply(struct vp_instance *instance)
{
   struct vp_physical_device **gpus = instance->physical_devices;
   const char *wanted = vp_variable_text(VP_VARIABLE_GPU);
   uint32_t chosen = 0;

   for (uint32_t i = 0; i < instance->physical_device_count; i++) {
      struct vp_physical_device *gpu = gpus[i];
      if (wanted && !vp_gpu_is_in_list(wanted, i, gpu->properties.properties.deviceName))
         continue;
      memmove(&gpus[chosen + 1], &gpus[chosen], (i - chosen) * sizeof(struct vp_physical_device *));
      gpus[chosen++] = gpu;
   }
   instance->offered_count = chosen;
   if (chosen == 0 && instance->physical_device_count > 0)
      choice_say_none(instance);
}

void vp_choice_announce(const struct vp_physical_device *gpu)
{
   static atomic_bool said;
   const struct vp_connection *conn = gpu->conn;

   /* With the server's machine, since the address may be that of a tunnel. */
   if (vp_variable_flag(VP_VARIABLE_ANNOUNCE) && !atomic_exchange(&said, true))
      vp_log_say("using %s of %.*s at %s", gpu->properties.properties.deviceName, (int)strcspn(conn->server.name, ","),
                 conn->server.name, conn->address);
}
