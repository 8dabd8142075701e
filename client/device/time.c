/* SPDX-License-Identifier: MIT */

/* Calibrated timestamps: the GPU's clock is the server's to read, the host's
 * clocks are the application's own. */

#include <time.h>

#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#define MAX_TIMESTAMPS 16

static bool is_host_domain(VkTimeDomainEXT domain)
{
   return domain == VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT || domain == VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_EXT;
}

static uint64_t read_clock(VkTimeDomainEXT domain)
{
   struct timespec time;
   clock_gettime(domain == VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT ? CLOCK_MONOTONIC : CLOCK_MONOTONIC_RAW, &time);
   return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* The device's timestamps, and how long before and after the answer they may lie. */
static VkResult read_device(struct vp_device *device, const VkCalibratedTimestampInfoEXT *infos, uint32_t count,
                            uint64_t *timestamps, uint64_t *deviation)
{
   struct vp_cmd_vkGetCalibratedTimestampsEXT a = {
      .device = VP_TO_HANDLE(VkDevice, device),
      .timestampCount = count,
      .pTimestampInfos = infos,
      .pTimestamps = timestamps,
      .pMaxDeviation = deviation,
   };
   const VkResult result = vp_call_vkGetCalibratedTimestampsEXT(device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

/* A host clock is read before and after the question: the middle is when the
 * device's was read, give or take half of the round trip. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetCalibratedTimestampsEXT(VkDevice handle, uint32_t timestampCount,
                                                               const VkCalibratedTimestampInfoEXT *pTimestampInfos,
                                                               uint64_t *pTimestamps, uint64_t *pMaxDeviation)
{
   struct vp_device *device = vp_device_from_handle(handle);
   VkCalibratedTimestampInfoEXT asked[MAX_TIMESTAMPS];
   uint64_t answers[MAX_TIMESTAMPS] = {0}, deviation = 0;
   uint32_t count = 0;
   if (timestampCount > MAX_TIMESTAMPS)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   const uint64_t start = read_clock(VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT);
   for (uint32_t i = 0; i < timestampCount; i++) {
      if (is_host_domain(pTimestampInfos[i].timeDomain))
         pTimestamps[i] = read_clock(pTimestampInfos[i].timeDomain);
      else
         asked[count++] = pTimestampInfos[i];
   }
   if (count) {
      const VkResult result = read_device(device, asked, count, answers, &deviation);
      if (result != VK_SUCCESS)
         return result;
   }
   const uint64_t elapsed = read_clock(VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT) - start;
   for (uint32_t i = 0, used = 0; i < timestampCount; i++) {
      if (is_host_domain(pTimestampInfos[i].timeDomain))
         pTimestamps[i] += elapsed / 2;
      else
         pTimestamps[i] = answers[used++];
   }
   *pMaxDeviation = deviation + elapsed / 2 + 1;
   return VK_SUCCESS;
}
