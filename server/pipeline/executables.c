/* SPDX-License-Identifier: MIT */

/* Asks the driver as VK_KHR_pipeline_executable_properties does, and sends properties and statistics in one frame; or
 * that there are none. */

#include "server/pipeline/executables.h"

#include <stdlib.h>

#include "common/net/frame.h"
#include "common/wire/encoder.h"
#include "common/wire/pipeline_flags.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/vp_server_calls.h"

static bool add_statistics(const struct vps_device *device, VkPipeline pipeline, uint32_t index, struct vp_encoder *enc)
{
   const PFN_vkGetPipelineExecutableStatisticsKHR get = device->functions.GetPipelineExecutableStatisticsKHR;
   const VkPipelineExecutableInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = pipeline, .executableIndex = index};
   uint32_t count = 0;

   if (get(device->handle, &info, &count, NULL) < 0)
      return false;
   VkPipelineExecutableStatisticKHR *statistics = calloc((size_t)count + 1, sizeof(*statistics));
   for (uint32_t i = 0; statistics && i < count; i++)
      statistics[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
   const bool ok = statistics && get(device->handle, &info, &count, statistics) == VK_SUCCESS;
   vp_enc_u64(enc, count);
   if (ok)
      vp_answer_vkGetPipelineExecutableStatisticsKHR(enc, &(struct vp_cmd_vkGetPipelineExecutableStatisticsKHR){
                                                             .pStatisticCount = &count, .pStatistics = statistics});
   free(statistics);
   return ok;
}

static bool add_all(const struct vps_device *device, VkPipeline pipeline, struct vp_encoder *enc)
{
   const PFN_vkGetPipelineExecutablePropertiesKHR get = device->functions.GetPipelineExecutablePropertiesKHR;
   const VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
   uint32_t count = 0;

   if (get(device->handle, &info, &count, NULL) < 0)
      return false;
   VkPipelineExecutablePropertiesKHR *properties = calloc((size_t)count + 1, sizeof(*properties));
   for (uint32_t i = 0; properties && i < count; i++)
      properties[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR;
   bool ok = properties && get(device->handle, &info, &count, properties) == VK_SUCCESS;
   vp_enc_u64(enc, count);
   if (ok)
      vp_answer_vkGetPipelineExecutablePropertiesKHR(enc, &(struct vp_cmd_vkGetPipelineExecutablePropertiesKHR){
                                                             .pExecutableCount = &count, .pProperties = properties});
   for (uint32_t i = 0; ok && i < count; i++)
      ok = add_statistics(device, pipeline, i, enc);
   free(properties);
   return ok;
}

void vps_executables_tell(const struct vps_device *device, uint64_t id, VkPipeline pipeline,
                          VkPipelineCreateFlags flags, const void *chain)
{
   struct vp_encoder enc;

   if (!(vp_pipeline_flags(flags, chain) & VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR))
      return;
   if (!vp_encoder_init(&enc)) {
      vps_frame_writer_send_no_executables(device->writer, id);
      return;
   }
   const bool ok = device->functions.GetPipelineExecutablePropertiesKHR &&
                   device->functions.GetPipelineExecutableStatisticsKHR && add_all(device, pipeline, &enc) &&
                   !enc.failed && vp_encoder_size(&enc) <= VP_FRAME_MAX_PAYLOAD;
   vps_frame_writer_send(device->writer, VP_FRAME_EXECUTABLES, id, enc.start, ok ? vp_encoder_size(&enc) : 0, NULL, 0);
   vp_encoder_finish(&enc);
}
