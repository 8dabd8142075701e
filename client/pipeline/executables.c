/* SPDX-License-Identifier: MIT */

/* What a driver says of the parts of a pipeline and how they were compiled. A pipeline that is created so that this can
 * be asked is described by the server as soon as it has made it. */

#include <stdlib.h>

#include "client/core/device.h"
#include "client/core/list_query.h"
#include "client/link/connection.h"
#include "client/pipeline/pipeline.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

struct statistics {
   uint32_t count;
   VkPipelineExecutableStatisticKHR *list;
};

struct vp_executables {
   uint32_t count;
   VkPipelineExecutablePropertiesKHR *properties;
   struct statistics *statistics; /* of each */
};

static void destroy(struct vp_executables *executables)
{
   if (!executables)
      return;
   for (uint32_t i = 0; executables->statistics && i < executables->count; i++)
      free(executables->statistics[i].list);
   free(executables->statistics);
   free(executables->properties);
   free(executables);
}

/* --- from the server --- */

/* Memory for as many as a list says that it has; each takes more than its texts, of two times 256 bytes. */
static void *load_count(struct vp_decoder *dec, size_t size, uint32_t *count)
{
   const uint64_t said = vp_dec_u64(dec);
   *count = vp_dec_has(dec, said, 512) ? (uint32_t)said : 0;
   return calloc((size_t)*count + 1, size);
}

static void check_count(struct vp_decoder *dec, uint32_t count, uint32_t expected)
{
   if (count != expected)
      vp_dec_fail(dec, "a list is not as long as it says");
}

/* These are false without memory. */

static bool load_statistics(struct vp_decoder *dec, struct statistics *statistics)
{
   statistics->list = load_count(dec, sizeof(*statistics->list), &statistics->count);
   uint32_t count = statistics->count;
   struct vp_cmd_vkGetPipelineExecutableStatisticsKHR a = {.pStatisticCount = &count, .pStatistics = statistics->list};
   if (!statistics->list)
      return false;
   vp_reply_vkGetPipelineExecutableStatisticsKHR(dec, &a);
   check_count(dec, count, statistics->count);
   return true;
}

static bool executables_load(struct vp_decoder *dec, struct vp_executables *executables)
{
   executables->properties = load_count(dec, sizeof(*executables->properties), &executables->count);
   executables->statistics = calloc((size_t)executables->count + 1, sizeof(*executables->statistics));
   uint32_t count = executables->count;
   struct vp_cmd_vkGetPipelineExecutablePropertiesKHR a = {.pExecutableCount = &count,
                                                           .pProperties = executables->properties};
   if (!executables->properties || !executables->statistics)
      return false;
   vp_reply_vkGetPipelineExecutablePropertiesKHR(dec, &a);
   check_count(dec, count, executables->count);
   bool ok = true;
   for (uint32_t i = 0; ok && i < executables->count && !dec->error; i++)
      ok = load_statistics(dec, &executables->statistics[i]);
   if (ok && vp_dec_remaining(dec))
      vp_dec_fail(dec, "more is said of a pipeline than it has parts");
   return ok;
}

bool vp_pipeline_receive_executables(struct vp_connection *conn, struct vp_pipeline *pipeline, const uint8_t *data,
                                     size_t size)
{
   struct vp_decoder dec;
   vp_decoder_init(&dec, data, size, NULL);
   struct vp_executables *executables = size ? calloc(1, sizeof(*executables)) : NULL;
   if (executables && (!executables_load(&dec, executables) || dec.error)) { /* without memory it is asked for */
      destroy(executables);
      executables = NULL;
   }
   pthread_mutex_lock(&conn->progress_lock);
   const bool again = pipeline->has_executables;
   if (!again)
      pipeline->executables = executables;
   pipeline->has_executables = true;
   vp_news_unlock(conn);
   if (again)
      destroy(executables);
   return !dec.error && !again;
}

/* What the server says of a pipeline, for which a compilation may have to end. NULL: it has to be asked. */
static const struct vp_executables *executables_find(struct vp_connection *conn, const struct vp_pipeline *pipeline)
{
   if (!pipeline->told)
      return NULL;
   vp_news_await(conn, &pipeline->base, &pipeline->has_executables);
   pthread_mutex_lock(&conn->progress_lock);
   const struct vp_executables *executables = pipeline->executables;
   pthread_mutex_unlock(&conn->progress_lock);
   return executables;
}

/* --- for the application --- */

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPipelineExecutablePropertiesKHR(VkDevice device, const VkPipelineInfoKHR *info,
                                                                       uint32_t *pCount,
                                                                       VkPipelineExecutablePropertiesKHR *pProperties)
{
   struct vp_connection *conn = vp_device_from_handle(device)->conn;
   const struct vp_executables *executables =
      executables_find(conn, VP_FROM_HANDLE(struct vp_pipeline, info->pipeline));
   if (!executables) {
      struct vp_cmd_vkGetPipelineExecutablePropertiesKHR a = {
         .device = device, .pPipelineInfo = info, .pExecutableCount = pCount, .pProperties = pProperties};
      const VkResult result = vp_call_vkGetPipelineExecutablePropertiesKHR(conn, &a);
      return result == VK_SUCCESS ? a.ret : result;
   }
   struct vp_list_query list;
   vp_list_query_begin(&list, pCount, pProperties != NULL);
   for (uint32_t i = 0; i < executables->count; i++) {
      if (!vp_list_query_next(&list))
         continue;
      void *chain = pProperties[i].pNext;
      pProperties[i] = executables->properties[i];
      pProperties[i].pNext = chain;
   }
   return vp_list_query_end(&list);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPipelineExecutableStatisticsKHR(VkDevice device,
                                                                       const VkPipelineExecutableInfoKHR *info,
                                                                       uint32_t *pCount,
                                                                       VkPipelineExecutableStatisticKHR *pStatistics)
{
   struct vp_connection *conn = vp_device_from_handle(device)->conn;
   const struct vp_executables *executables =
      executables_find(conn, VP_FROM_HANDLE(struct vp_pipeline, info->pipeline));
   if (!executables || info->executableIndex >= executables->count) {
      struct vp_cmd_vkGetPipelineExecutableStatisticsKHR a = {
         .device = device, .pExecutableInfo = info, .pStatisticCount = pCount, .pStatistics = pStatistics};
      const VkResult result = vp_call_vkGetPipelineExecutableStatisticsKHR(conn, &a);
      return result == VK_SUCCESS ? a.ret : result;
   }
   const struct statistics *known = &executables->statistics[info->executableIndex];
   struct vp_list_query list;
   vp_list_query_begin(&list, pCount, pStatistics != NULL);
   for (uint32_t i = 0; i < known->count; i++) {
      if (!vp_list_query_next(&list))
         continue;
      void *chain = pStatistics[i].pNext;
      pStatistics[i] = known->list[i];
      pStatistics[i].pNext = chain;
   }
   return vp_list_query_end(&list);
}

/* --- the end --- */

void vp_finish_vkDestroyPipeline(struct vp_device *device, void *object)
{
   const struct vp_pipeline *pipeline = object;
   (void)device;
   destroy(pipeline->executables);
}

void vp_pipeline_free(struct vp_object_table *table, const VkAllocationCallbacks *allocator,
                      struct vp_pipeline *pipeline)
{
   if (!pipeline)
      return;
   vp_object_table_remove(table, &pipeline->base); /* the receiver writes into it no more */
   destroy(pipeline->executables);
   vp_object_free(allocator, pipeline);
}
