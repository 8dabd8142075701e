/* SPDX-License-Identifier: MIT */
#include "client/buffer.h"

#include "client/chain.h"
#include "client/connection.h"
#include "client/device.h"
#include "client/device_memory.h"
#include "client/physical_device.h"
#include "client/resource.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#include <stdlib.h>

/* Smaller buffers are refused for their size only when the GPU says so of itself. */
#define HUGE_SIZE ((VkDeviceSize)1 << 30)

/* --- rules --- */

struct vp_buffer_rule {
   struct vp_buffer_rule *next;
   VkBufferUsageFlags usage;
   VkBufferRuleVP rule;
};

void vp_buffer_rules_init(struct vp_buffer_rules *rules)
{
   pthread_mutex_init(&rules->lock, NULL);
}

void vp_buffer_rules_finish(struct vp_buffer_rules *rules)
{
   while (rules->others) {
      struct vp_buffer_rule *next = rules->others->next;
      free(rules->others);
      rules->others = next;
   }
   pthread_mutex_destroy(&rules->lock);
}

struct vp_cmd_vkGetBufferRulesVP vp_buffer_rules_request(struct vp_buffer_rules *rules, VkDevice device,
                                                         VkBufferUsageFlags usages[VP_CORE_USAGES])
{
   for (uint32_t i = 0; i < VP_CORE_USAGES - 1; i++)
      usages[i] = i + 1; /* no usage is no buffer */
   return (struct vp_cmd_vkGetBufferRulesVP){
      .device = device, .usageCount = VP_CORE_USAGES - 1, .pUsages = usages, .pRules = rules->core + 1};
}

/* Asks once for each usage. Without an answer there is no valid rule. */
static VkBufferRuleVP find_rule(struct vp_device *device, VkBufferUsageFlags usage)
{
   struct vp_buffer_rules *rules = &device->buffer_rules;
   if (usage < VP_CORE_USAGES)
      return rules->core[usage];
   pthread_mutex_lock(&rules->lock);
   struct vp_buffer_rule *known = rules->others;
   while (known && known->usage != usage)
      known = known->next;
   VkBufferRuleVP rule = known ? known->rule : (VkBufferRuleVP){0};
   if (!known) {
      struct vp_cmd_vkGetBufferRulesVP a = {
         .device = VP_TO_HANDLE(VkDevice, device), .usageCount = 1, .pUsages = &usage, .pRules = &rule};
      known = vp_call_vkGetBufferRulesVP(device->conn, &a) == VK_SUCCESS ? malloc(sizeof(*known)) : NULL;
      if (known) {
         *known = (struct vp_buffer_rule){.next = rules->others, .usage = usage, .rule = rule};
         rules->others = known;
      }
   }
   pthread_mutex_unlock(&rules->lock);
   return rule;
}

/* --- buffers --- */

struct vp_buffer {
   struct vp_resource resource; /* without a kind when the rules are for it */
   VkBufferUsageFlags usage;
   VkDeviceSize size;
};

static bool is_plain(const VkBufferCreateInfo *info)
{
   return !info->pNext && !info->flags && info->sharingMode == VK_SHARING_MODE_EXCLUSIVE;
}

/* Buffers that were created in exactly this way are of one kind. */
static struct vp_resource_kind *find_kind(struct vp_device *device, const VkBufferCreateInfo *info)
{
   struct vp_cmd_vkCreateBuffer a = {.device = VP_TO_HANDLE(VkDevice, device), .pCreateInfo = info};
   struct vp_encoder request;
   if (!vp_encoder_init(&request))
      return NULL;
   request.peer = &device->conn->peer;
   vp_request_vkCreateBuffer(&request, 0, &a);
   struct vp_resource_kind *kind = vp_resource_kind_get(&device->kinds, &request);
   vp_encoder_finish(&request);
   return kind;
}

/* Whether the driver might refuse so large a buffer. */
static bool is_huge(const struct vp_device *device, VkDeviceSize size)
{
   const VkPhysicalDeviceMaintenance4Properties *properties = vp_chain_find(
      device->physical_device->properties.pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES);
   return size >= HUGE_SIZE || (properties && properties->maxBufferSize && size > properties->maxBufferSize);
}

/* The first buffer of a kind waits for its result, and asks for the requirements in the same exchange, since they are
 * what a program wants to know next. */
static VkResult create_first(struct vp_device *device, struct vp_cmd_vkCreateBuffer *a, struct vp_resource *buffer)
{
   struct vp_connection *conn = device->conn;
   const VkBufferMemoryRequirementsInfo2 info = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2,
                                                 .buffer = *a->pBuffer};
   VkMemoryDedicatedRequirements dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   VkMemoryRequirements2 answer = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated};
   struct vp_cmd_vkGetBufferMemoryRequirements2 question = {
      .device = a->device, .pInfo = &info, .pMemoryRequirements = &answer};
   struct vp_call calls[2];
   vp_request_vkCreateBuffer(vp_call_begin(conn), 1, a);
   const bool asked = vp_call_queue(conn, &calls[0]) == VK_SUCCESS;
   if (asked) {
      vp_request_vkGetBufferMemoryRequirements2(vp_call_begin(conn), 1, &question);
      vp_call_queue(conn, &calls[1]);
   }
   VkResult result = vp_call_wait(conn, &calls[0], VP_CMD_vkCreateBuffer);
   if (result == VK_SUCCESS) {
      vp_reply_vkCreateBuffer(&calls[0].dec, a);
      result = a->ret;
   }
   vp_call_end(conn, &calls[0]);
   if (asked && vp_call_wait(conn, &calls[1], UINT32_MAX) == VK_SUCCESS)
      vp_reply_vkGetBufferMemoryRequirements2(&calls[1].dec, &question);
   if (asked && vp_call_end(conn, &calls[1]) == VK_SUCCESS && result == VK_SUCCESS && answer.memoryRequirements.size)
      vp_resource_remember(&device->kinds, buffer, 0, &answer);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateBuffer(VkDevice handle, const VkBufferCreateInfo *pCreateInfo,
                                                 const VkAllocationCallbacks *pAllocator, VkBuffer *pBuffer)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, device->allocator);
   struct vp_buffer *buffer = vp_object_create(device->conn, allocator, VK_OBJECT_TYPE_BUFFER, sizeof(*buffer));
   if (!buffer)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   buffer->usage = pCreateInfo->usage;
   buffer->size = pCreateInfo->size;
   VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (!is_plain(pCreateInfo))
      buffer->resource.kind = find_kind(device, pCreateInfo);
   *pBuffer = VP_TO_HANDLE(VkBuffer, buffer);
   if (is_plain(pCreateInfo) || buffer->resource.kind) {
      struct vp_cmd_vkCreateBuffer a = {.device = handle, .pCreateInfo = pCreateInfo, .pBuffer = pBuffer};
      result = buffer->resource.kind && !vp_resource_is_made(&device->kinds, &buffer->resource)
                  ? create_first(device, &a, &buffer->resource)
                  : vp_try_vkCreateBuffer(device, is_huge(device, pCreateInfo->size), &a);
   }
   if (result != VK_SUCCESS) {
      vp_object_destroy(device->conn, allocator, buffer);
      *pBuffer = VK_NULL_HANDLE;
   }
   return result;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyBuffer(VkDevice handle, VkBuffer buffer, const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   if (!buffer)
      return;
   vp_send_vkDestroyBuffer(device->conn, &(struct vp_cmd_vkDestroyBuffer){.device = handle, .buffer = buffer});
   vp_object_destroy(device->conn, vp_allocator(pAllocator, device->allocator), VP_FROM_HANDLE(void, buffer));
}

/* --- binding --- */

static void note_binding(const VkBindBufferMemoryInfo *info)
{
   struct vp_resource *resource = VP_FROM_HANDLE(struct vp_resource, info->buffer);
   resource->hidden = VP_FROM_HANDLE(struct vp_device_memory, info->memory)->hidden;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkBindBufferMemory2(VkDevice handle, uint32_t bindInfoCount,
                                                      const VkBindBufferMemoryInfo *pBindInfos)
{
   const struct vp_cmd_vkBindBufferMemory2 a = {
      .device = handle, .bindInfoCount = bindInfoCount, .pBindInfos = pBindInfos};
   for (uint32_t i = 0; i < bindInfoCount; i++)
      note_binding(&pBindInfos[i]);
   return vp_send_vkBindBufferMemory2(vp_device_from_handle(handle)->conn, &a);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkBindBufferMemory(VkDevice handle, VkBuffer buffer, VkDeviceMemory memory,
                                                     VkDeviceSize memoryOffset)
{
   const VkBindBufferMemoryInfo info = {.buffer = buffer, .memory = memory};
   const struct vp_cmd_vkBindBufferMemory a = {
      .device = handle, .buffer = buffer, .memory = memory, .memoryOffset = memoryOffset};
   note_binding(&info);
   return vp_send_vkBindBufferMemory(vp_device_from_handle(handle)->conn, &a);
}

/* --- requirements --- */

static bool answer_by_rule(struct vp_device *device, const struct vp_buffer *buffer, VkMemoryRequirements2 *out)
{
   if (buffer->resource.kind)
      return false;
   const VkBufferRuleVP rule = find_rule(device, buffer->usage);
   if (!rule.valid || !rule.granularity || buffer->size > UINT64_MAX - rule.granularity)
      return false;
   out->memoryRequirements = (VkMemoryRequirements){
      .size = (buffer->size + rule.granularity - 1) / rule.granularity * rule.granularity,
      .alignment = rule.alignment,
      .memoryTypeBits = rule.memoryTypeBits,
   };
   VkMemoryDedicatedRequirements *dedicated =
      vp_chain_find(out->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS);
   if (dedicated) {
      dedicated->prefersDedicatedAllocation = buffer->size >= rule.prefersDedicatedFrom;
      dedicated->requiresDedicatedAllocation = buffer->size >= rule.requiresDedicatedFrom;
   }
   return true;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetBufferMemoryRequirements2(VkDevice handle,
                                                             const VkBufferMemoryRequirementsInfo2 *pInfo,
                                                             VkMemoryRequirements2 *pMemoryRequirements)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_buffer *buffer = VP_FROM_HANDLE(struct vp_buffer, pInfo->buffer);
   if (answer_by_rule(device, buffer, pMemoryRequirements))
      return;
   if (buffer->resource.kind && vp_resource_answer(&device->kinds, &buffer->resource, 0, pMemoryRequirements))
      return;
   VkMemoryDedicatedRequirements dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   VkMemoryRequirements2 answer = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated};
   struct vp_cmd_vkGetBufferMemoryRequirements2 a = {.device = handle, .pInfo = pInfo, .pMemoryRequirements = &answer};
   if (vp_call_vkGetBufferMemoryRequirements2(device->conn, &a) != VK_SUCCESS || !answer.memoryRequirements.size)
      answer.memoryRequirements = (VkMemoryRequirements){.size = buffer->size, .alignment = 1};
   else if (buffer->resource.kind)
      vp_resource_remember(&device->kinds, &buffer->resource, 0, &answer);
   vp_memory_requirements_copy(pMemoryRequirements, &answer);
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetBufferMemoryRequirements(VkDevice device, VkBuffer buffer,
                                                            VkMemoryRequirements *pMemoryRequirements)
{
   const VkBufferMemoryRequirementsInfo2 info = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2,
                                                 .buffer = buffer};
   VkMemoryRequirements2 requirements = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
   vp_vkGetBufferMemoryRequirements2(device, &info, &requirements);
   *pMemoryRequirements = requirements.memoryRequirements;
}
