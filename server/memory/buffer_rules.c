/* SPDX-License-Identifier: MIT */

/* vkGetBufferRulesVP: creates many buffers to find out by which rules the driver derives memory requirements from size
 * and usage. */

#include "common/memory/buffer_rule.h"
#include "common/net/limits.h"
#include "server/core/context.h"
#include "server/core/device.h"

/* Drivers round the sizes of buffers up to some power of two and treat all sizes alike, but for memory of their own.
 * Whether this one does is tried with sizes around those where something could begin: cache lines, pages, huge pages,
 * memory of their own. */
static const VkDeviceSize tried_sizes[] = {
   16,
   17,
   255,
   257,
   4096,
   4097,
   65535,
   65537,
   (1 << 20) + 1,
   (2 << 20) + 1,
   (16 << 20) + 1,
   (256 << 20) + 1,
   (1 << 30) + 1,
};

/* A buffer that was made to see what it needs. */
struct probe {
   VkDeviceSize size;
   VkMemoryRequirements requirements;
   VkMemoryDedicatedRequirements dedicated;
};

/* False when it cannot be made. */
static bool probe(const struct vps_device *device, VkBufferUsageFlags usage, VkDeviceSize size, struct probe *out)
{
   const struct vps_device_functions *functions = &device->functions;
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = size,
      .usage = usage,
   };
   VkBufferMemoryRequirementsInfo2 question = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2};
   VkMemoryRequirements2 answer = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &out->dedicated};

   if (functions->CreateBuffer(device->handle, &info, NULL, &question.buffer) < 0)
      return false;
   out->size = size;
   out->dedicated = (VkMemoryDedicatedRequirements){.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   functions->GetBufferMemoryRequirements2(device->handle, &question, &answer);
   functions->DestroyBuffer(device->handle, question.buffer, NULL);
   out->requirements = answer.memoryRequirements;
   return true;
}

static bool follows(const struct probe *probe, const VkBufferRuleVP *rule)
{
   return probe->requirements.size == (probe->size + rule->granularity - 1) / rule->granularity * rule->granularity &&
          probe->requirements.alignment == rule->alignment &&
          probe->requirements.memoryTypeBits == rule->memoryTypeBits;
}

static bool prefers(const struct probe *probe)
{
   return probe->dedicated.prefersDedicatedAllocation;
}

static bool requires(const struct probe *probe)
{
   return probe->dedicated.requiresDedicatedAllocation;
}

/* Some drivers want memory of its own for a large buffer. The first size that they say so of lies in (below, above];
 * that of the usage before is tried first. False when an answer is missing. */
static bool find_threshold(const struct vps_device *device, VkBufferUsageFlags usage, VkDeviceSize below,
                           VkDeviceSize above, bool (*wants)(const struct probe *probe), VkDeviceSize *likely)
{
   struct probe at;

   for (unsigned step = 0; above - below > 1; step++) {
      VkDeviceSize middle = step < 2 ? *likely - step : 0;
      if (middle <= below || middle >= above)
         middle = below + (above - below) / 2;
      if (!probe(device, usage, middle, &at))
         return false;
      if (wants(&at))
         above = middle;
      else
         below = middle;
   }
   *likely = above;
   return true;
}

/* Whether a larger size than all before goes with a rule of "from this size on", which begins where a size is the first
 * to want it. */
static bool extend_threshold(const struct vps_device *device, VkBufferUsageFlags usage, VkDeviceSize below,
                             const struct probe *at, bool (*wants)(const struct probe *probe), VkDeviceSize *from,
                             VkDeviceSize *likely)
{
   if (wants(at) == (at->size >= *from))
      return true;
   if (!wants(at) || !find_threshold(device, usage, below, at->size, wants, likely))
      return false;
   *from = *likely;
   return true;
}

/* Where the last usage's thresholds were. */
struct likely {
   VkDeviceSize prefers, requires;
};

static void find_rule(const struct vps_device *device, VkBufferUsageFlags usage, struct likely *likely,
                      VkBufferRuleVP *rule)
{
   struct probe at;
   VkDeviceSize below = 1;

   if (!probe(device, usage, 1, &at) || at.requirements.size == 0)
      return;
   *rule = (VkBufferRuleVP){
      .valid = VK_TRUE,
      .memoryTypeBits = at.requirements.memoryTypeBits,
      .alignment = at.requirements.alignment,
      .granularity = at.requirements.size,
      .prefersDedicatedFrom = prefers(&at) ? 0 : VK_WHOLE_SIZE,
      .requiresDedicatedFrom = requires(&at) ? 0 : VK_WHOLE_SIZE,
   };
   for (size_t i = 0; i < sizeof(tried_sizes) / sizeof(tried_sizes[0]) && rule->valid; i++) {
      if (!probe(device, usage, tried_sizes[i], &at))
         return; /* it is too large for the driver, and so is all that follows */
      rule->valid =
         follows(&at, rule) &&
         extend_threshold(device, usage, below, &at, prefers, &rule->prefersDedicatedFrom, &likely->prefers) &&
         extend_threshold(device, usage, below, &at, requires, &rule->requiresDedicatedFrom, &likely->requires);
      below = tried_sizes[i];
   }
}

/* --- usages together --- */

/* A buffer with several usages needs what each of them needs. Whether this driver sees it so is tried: with all that
 * can be made of the first EXHAUSTED usages, which are those that most buffers have, with all pairs, and with RANDOM
 * sets of all. */
#define EXHAUSTED 9u
#define RANDOM 512u
#define ODD_SIZE 257
#define LARGE_SIZE ((VkDeviceSize)(256 << 20) + 1)

struct usages {
   const struct vps_device *device;
   const VkBufferUsageFlags *flags;
   VkBufferRuleVP *rules;
   uint32_t count; /* at most VP_MAX_USAGES */
};

static bool in_set(uint32_t set, uint32_t i)
{
   return set >> i & 1;
}

static VkBufferRuleVP join_rules(const struct usages *u, uint32_t set)
{
   VkBufferRuleVP rule = VP_BUFFER_RULE_NONE;

   for (uint32_t i = 0; i < u->count; i++) {
      if (in_set(set, i))
         vp_buffer_rule_add(&rule, &u->rules[i]);
   }
   return rule;
}

static bool holds(const struct usages *u, const VkBufferRuleVP *rule, VkBufferUsageFlags usage, VkDeviceSize size)
{
   struct probe at;

   return !probe(u->device, usage, size, &at) ||
          (follows(&at, rule) && prefers(&at) == (size >= rule->prefersDedicatedFrom) &&
           requires(&at) == (size >= rule->requiresDedicatedFrom));
}

/* Where the driver does otherwise, the last of the usages is one of which nothing is known. */
static void check_rule(const struct usages *u, uint32_t set, VkDeviceSize size)
{
   const VkBufferRuleVP rule = join_rules(u, set);
   VkBufferUsageFlags usage = 0;
   uint32_t last = 0;

   for (uint32_t i = 0; i < u->count; i++) {
      usage |= in_set(set, i) ? u->flags[i] : 0;
      last = in_set(set, i) ? i : last;
   }
   if (rule.valid && !holds(u, &rule, usage, size))
      u->rules[last].valid = VK_FALSE;
}

static void check_all(const struct usages *u)
{
   const uint32_t exhausted = u->count < EXHAUSTED ? u->count : EXHAUSTED;
   uint64_t random = 1;

   for (uint32_t set = 1; set < UINT32_C(1) << exhausted; set++)
      check_rule(u, set, ODD_SIZE);
   for (uint32_t i = 0; i < u->count; i++) {
      for (uint32_t k = 0; k < i; k++)
         check_rule(u, UINT32_C(1) << i | UINT32_C(1) << k, LARGE_SIZE);
   }
   for (uint32_t i = 0; i < RANDOM && u->count > 1; i++) {
      random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
      const uint32_t set = (uint32_t)(random >> 32) >> (32 - u->count);
      if (set)
         check_rule(u, set, i % 2 ? ODD_SIZE : LARGE_SIZE);
   }
}

void vps_handle_vkGetBufferRulesVP(struct vps_context *ctx, struct vp_cmd_vkGetBufferRulesVP *a)
{
   const struct vps_device *device = ctx->used[0]->device;

   if (a->usageCount > VP_MAX_USAGES) {
      vps_fail(ctx, "there are no %u usages of buffers", a->usageCount);
      return;
   }
   if (!device->functions.GetBufferMemoryRequirements2) {
      a->ret = VK_ERROR_FEATURE_NOT_PRESENT;
      return;
   }
   struct likely likely = {0};
   for (uint32_t i = 0; i < a->usageCount; i++) {
      a->pRules[i] = (VkBufferRuleVP){0};
      find_rule(device, a->pUsages[i], &likely, &a->pRules[i]);
   }
   check_all(&(struct usages){device, a->pUsages, a->pRules, a->usageCount});
}
