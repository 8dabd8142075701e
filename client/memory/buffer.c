/* SPDX-License-Identifier: MIT */

/* Buffers, mostly without waiting: rules of the GPU, one for each usage, give the memory requirements of those that
 * have only size and usage, and others have those of the first that was created in the same way. */

#include <stdlib.h>

#include "client/core/buffer_rules.h"
#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/memory/device_memory.h"
#include "client/memory/resource.h"
#include "client/memory/share_memory.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/memory/buffer_rule.h"

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

/* Those of Vulkan 1.0. */
#define CORE_USAGES (VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT * 2 - 1)

/* The others, and what a device needs for them: a version (0: none is enough) or one of these extensions. */
static const struct {
   VkBufferUsageFlags usages;
   uint32_t version;
   int16_t extensions[4];
} further_usages[] = {
   {VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
    VK_API_VERSION_1_2,
    {VP_EXT_VK_KHR_buffer_device_address, VP_EXT_VK_EXT_buffer_device_address, -1, -1}},
   {VK_BUFFER_USAGE_TRANSFORM_FEEDBACK_BUFFER_BIT_EXT | VK_BUFFER_USAGE_TRANSFORM_FEEDBACK_COUNTER_BUFFER_BIT_EXT,
    0,
    {VP_EXT_VK_EXT_transform_feedback, -1, -1, -1}},
   {VK_BUFFER_USAGE_CONDITIONAL_RENDERING_BIT_EXT, 0, {VP_EXT_VK_EXT_conditional_rendering, -1, -1, -1}},
   {VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_BUILD_INPUT_READ_ONLY_BIT_KHR |
       VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_STORAGE_BIT_KHR,
    0,
    {VP_EXT_VK_KHR_acceleration_structure, -1, -1, -1}},
   {VK_BUFFER_USAGE_SHADER_BINDING_TABLE_BIT_KHR, 0, {VP_EXT_VK_KHR_ray_tracing_pipeline, -1, -1, -1}},
};

static VkBufferUsageFlags all_usages(const struct vp_device *device)
{
   VkBufferUsageFlags usages = CORE_USAGES;
   for (unsigned i = 0; i < sizeof(further_usages) / sizeof(*further_usages); i++) {
      if (vp_extension_available(&device->extensions, device->api_version, further_usages[i].version,
                                 further_usages[i].extensions))
         usages |= further_usages[i].usages;
   }
   return usages;
}

struct vp_cmd_vkGetBufferRulesVP vp_buffer_rules_request(struct vp_device *device)
{
   struct vp_buffer_rules *rules = &device->buffer_rules;
   for (VkBufferUsageFlags rest = all_usages(device); rest; rest &= rest - 1)
      rules->usages[rules->count++] = rest & (~rest + 1);
   return (struct vp_cmd_vkGetBufferRulesVP){.device = VP_TO_HANDLE(VkDevice, device),
                                             .usageCount = rules->count,
                                             .pUsages = rules->usages,
                                             .pRules = rules->of_usage};
}

/* Not valid when it cannot be put together. */
static VkBufferRuleVP join_rules(const struct vp_buffer_rules *rules, VkBufferUsageFlags usage)
{
   VkBufferRuleVP rule = VP_BUFFER_RULE_NONE;
   VkBufferUsageFlags rest = usage;
   for (uint32_t i = 0; i < rules->count; i++) {
      if (usage & rules->usages[i])
         vp_buffer_rule_add(&rule, &rules->of_usage[i]);
      rest &= ~rules->usages[i];
   }
   rule.valid = rule.valid && usage && !rest;
   return rule;
}

/* Asks once for each usage. Without an answer there is no valid rule. */
static VkBufferRuleVP find_rule(struct vp_device *device, VkBufferUsageFlags usage)
{
   struct vp_buffer_rules *rules = &device->buffer_rules;
   const VkBufferRuleVP joined = join_rules(rules, usage);
   if (joined.valid)
      return joined;
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
   VkBufferCreateFlags flags;
   VkBufferUsageFlags usage; /* 0: it has a kind */
   VkDeviceSize size;

   /* Where it is bound to memory whose address the server says; 0: it is not. */
   uint64_t memory_id;
   VkDeviceSize offset;
   _Atomic VkDeviceAddress address; /* 0: not known yet */
};

/* Of a buffer that is described by its size and usage alone; 0: there is more to it. */
static VkBufferUsageFlags plain_usage(const VkBufferCreateInfo *info)
{
   const VkBaseInStructure *node = info->pNext;
   uint64_t usage = info->usage;
#ifdef VK_KHR_maintenance5
   if (node && node->sType == VK_STRUCTURE_TYPE_BUFFER_USAGE_FLAGS_2_CREATE_INFO_KHR) {
      usage = ((const VkBufferUsageFlags2CreateInfoKHR *)(const void *)node)->usage;
      node = node->pNext;
   }
#endif
   const bool plain = !node && !info->flags && info->sharingMode == VK_SHARING_MODE_EXCLUSIVE;
   return plain && usage <= UINT32_MAX ? (VkBufferUsageFlags)usage : 0;
}

/* Buffers that were created in exactly this way are of one kind. */
static struct vp_resource_kind *find_buffer_kind(struct vp_device *device, const VkBufferCreateInfo *info)
{
   struct vp_cmd_vkCreateBuffer a = {.device = VP_TO_HANDLE(VkDevice, device), .pCreateInfo = info};
   struct vp_encoder request;
   if (!vp_encoder_init(&request))
      return NULL;
   request.peer = &device->conn->server.codec;
   vp_request_vkCreateBuffer(&request, 0, &a);
   struct vp_resource_kind *kind = vp_resource_kind_get(&device->kinds, &request);
   vp_encoder_finish(&request);
   return kind;
}

/* Whether the driver might refuse so large a buffer. */
static bool is_huge_buffer(const struct vp_device *device, VkDeviceSize size)
{
   const VkPhysicalDeviceMaintenance4Properties *properties = vp_chain_find(
      device->physical_device->properties.pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES);
   return size >= HUGE_SIZE || (properties && properties->maxBufferSize && size > properties->maxBufferSize);
}

/* The first buffer of a kind waits for its result, and asks for the requirements in the same exchange, since they are
 * what a program wants to know next. */
static VkResult create_first_buffer(struct vp_device *device, struct vp_cmd_vkCreateBuffer *a,
                                    struct vp_resource *buffer)
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
      vp_resource_remember(&device->kinds, buffer, 0, &answer.memoryRequirements, &dedicated);
   return result;
}

void *vp_make_vkCreateBuffer(struct vp_device *device, const VkAllocationCallbacks *allocator,
                             const VkBufferCreateInfo *info)
{
   struct vp_buffer *buffer =
      vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_BUFFER, sizeof(*buffer));
   if (!buffer)
      return NULL;
   buffer->flags = info->flags;
   buffer->usage = plain_usage(info);
   buffer->size = info->size;
   buffer->resource.lent = vp_buffer_is_lent(info);
   if (!buffer->usage)
      buffer->resource.kind = find_buffer_kind(device, info);
   if (!buffer->usage && !buffer->resource.kind) {
      vp_object_destroy(&device->conn->objects, allocator, buffer);
      return NULL;
   }
   return buffer;
}

VkResult vp_say_vkCreateBuffer(struct vp_device *device, void *object, struct vp_cmd_vkCreateBuffer *a)
{
   struct vp_buffer *buffer = object;
   if (buffer->resource.kind && !vp_resource_is_made(&device->kinds, &buffer->resource))
      return create_first_buffer(device, a, &buffer->resource);
   return vp_try_vkCreateBuffer(device, is_huge_buffer(device, buffer->size), a);
}

/* --- binding --- */

static void note_buffer_binding(const VkBindBufferMemoryInfo *info)
{
   struct vp_buffer *buffer = VP_FROM_HANDLE(struct vp_buffer, info->buffer);
   const struct vp_device_memory *memory = VP_FROM_HANDLE(struct vp_device_memory, info->memory);
   buffer->resource.hidden = memory->hidden;
   buffer->memory_id = memory->told && !buffer->flags ? memory->base.id : 0;
   buffer->offset = info->memoryOffset;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkBindBufferMemory2(VkDevice handle, uint32_t bindInfoCount,
                                                      const VkBindBufferMemoryInfo *pBindInfos)
{
   const struct vp_cmd_vkBindBufferMemory2 a = {
      .device = handle, .bindInfoCount = bindInfoCount, .pBindInfos = pBindInfos};
   for (uint32_t i = 0; i < bindInfoCount; i++) {
      note_buffer_binding(&pBindInfos[i]);
      vp_resource_say_bound(pBindInfos[i].pNext, VK_SUCCESS); /* the statuses are sent, too */
   }
   const VkResult result = vp_send_vkBindBufferMemory2(vp_device_from_handle(handle)->conn, &a);
   for (uint32_t i = 0; result != VK_SUCCESS && i < bindInfoCount; i++)
      vp_resource_say_bound(pBindInfos[i].pNext, result);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkBindBufferMemory(VkDevice handle, VkBuffer buffer, VkDeviceMemory memory,
                                                     VkDeviceSize memoryOffset)
{
   const VkBindBufferMemoryInfo info = {.buffer = buffer, .memory = memory, .memoryOffset = memoryOffset};
   const struct vp_cmd_vkBindBufferMemory a = {
      .device = handle, .buffer = buffer, .memory = memory, .memoryOffset = memoryOffset};
   note_buffer_binding(&info);
   return vp_send_vkBindBufferMemory(vp_device_from_handle(handle)->conn, &a);
}

/* Buffers lie in a memory's addresses as they lie in the memory (server/memory/address.c looks whether that is so). */
VKAPI_ATTR VkDeviceAddress VKAPI_CALL vp_vkGetBufferDeviceAddress(VkDevice handle,
                                                                  const VkBufferDeviceAddressInfo *pInfo)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_buffer *buffer = VP_FROM_HANDLE(struct vp_buffer, pInfo->buffer);
   if (!buffer->address && buffer->memory_id && !buffer->resource.base.error) {
      const VkDeviceAddress start = vp_device_memory_address(device, buffer->memory_id);
      buffer->address = start ? start + buffer->offset : 0;
   }
   if (buffer->address)
      return buffer->address;
   struct vp_cmd_vkGetBufferDeviceAddress a = {.device = handle, .pInfo = pInfo};
   vp_ask_vkGetBufferDeviceAddress(&device->cache, device->conn, &a);
   return a.ret;
}

/* --- requirements --- */

/* Of a plain buffer. */
static bool answer_by_rule(struct vp_device *device, VkBufferUsageFlags usage, VkDeviceSize size,
                           VkMemoryRequirements2 *out)
{
   const VkBufferRuleVP rule = find_rule(device, usage);
   if (!rule.valid || !rule.granularity || size > UINT64_MAX - rule.granularity)
      return false;
   const VkMemoryRequirements requirements = {
      .size = (size + rule.granularity - 1) / rule.granularity * rule.granularity,
      .alignment = rule.alignment,
      .memoryTypeBits = rule.memoryTypeBits,
   };
   const VkMemoryDedicatedRequirements dedicated = {
      .prefersDedicatedAllocation = size >= rule.prefersDedicatedFrom,
      .requiresDedicatedAllocation = size >= rule.requiresDedicatedFrom,
   };
   vp_memory_requirements_fill(out, &requirements, &dedicated);
   return true;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetBufferMemoryRequirements2(VkDevice handle,
                                                             const VkBufferMemoryRequirementsInfo2 *pInfo,
                                                             VkMemoryRequirements2 *pMemoryRequirements)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_buffer *buffer = VP_FROM_HANDLE(struct vp_buffer, pInfo->buffer);
   if (!buffer->resource.kind && answer_by_rule(device, buffer->usage, buffer->size, pMemoryRequirements))
      return;
   if (buffer->resource.kind && vp_resource_answer(device, &buffer->resource, 0, pMemoryRequirements))
      return;
   VkMemoryDedicatedRequirements dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   VkMemoryRequirements2 answer = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated};
   struct vp_cmd_vkGetBufferMemoryRequirements2 a = {.device = handle, .pInfo = pInfo, .pMemoryRequirements = &answer};
   if (vp_call_vkGetBufferMemoryRequirements2(device->conn, &a) != VK_SUCCESS || !answer.memoryRequirements.size)
      answer.memoryRequirements = (VkMemoryRequirements){.size = buffer->size, .alignment = 1};
   else if (buffer->resource.kind)
      vp_resource_remember(&device->kinds, &buffer->resource, 0, &answer.memoryRequirements, &dedicated);
   if (buffer->resource.lent)
      vp_memory_requirements_lend(device, &answer.memoryRequirements);
   vp_memory_requirements_fill(pMemoryRequirements, &answer.memoryRequirements, &dedicated);
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

VKAPI_ATTR void VKAPI_CALL vp_vkGetDeviceBufferMemoryRequirements(VkDevice handle,
                                                                  const VkDeviceBufferMemoryRequirements *pInfo,
                                                                  VkMemoryRequirements2 *pMemoryRequirements)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkBufferCreateInfo *info = pInfo->pCreateInfo;
   const VkBufferUsageFlags usage = plain_usage(info);
   if (usage && answer_by_rule(device, usage, info->size, pMemoryRequirements))
      return;
   struct vp_cmd_vkGetDeviceBufferMemoryRequirements a = {
      .device = handle, .pInfo = pInfo, .pMemoryRequirements = pMemoryRequirements};
   vp_ask_vkGetDeviceBufferMemoryRequirements(&device->cache, device->conn, &a);
   if (vp_buffer_is_lent(info))
      vp_memory_requirements_lend(device, &pMemoryRequirements->memoryRequirements);
}
