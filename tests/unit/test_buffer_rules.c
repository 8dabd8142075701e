/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "common/memory/buffer_rule.h"
#include "server/core/context.h"
#include "server/core/device.h"

#define USAGES 16

/* A driver that answers as it is told. A buffer's handle is its size. */
static struct {
   VkDeviceSize granularity, prefers_from, prefers_below, requires_from, odd_size, largest;
   VkBufferUsageFlags usage;        /* of the last buffer */
   VkDeviceSize later_prefers_from; /* of the second usage, also together with others; 0: the same */
   VkBufferUsageFlags aligned;      /* with all of these, buffers are aligned to 512 bytes */
   VkBufferUsageFlags fewer;        /* with any of these, there are fewer memory types */
   unsigned made, alive;
} driver;

static VKAPI_ATTR VkResult VKAPI_CALL create_buffer(VkDevice device, const VkBufferCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkBuffer *buffer)
{
   (void)device, (void)allocator;
   if (info->size > driver.largest)
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
   driver.usage = info->usage;
   driver.made++;
   driver.alive++;
   *buffer = (VkBuffer)(uintptr_t)info->size;
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_buffer(VkDevice device, VkBuffer buffer,
                                                 const VkAllocationCallbacks *allocator)
{
   (void)device, (void)buffer, (void)allocator;
   driver.alive--;
}

static VKAPI_ATTR void VKAPI_CALL get_requirements(VkDevice device, const VkBufferMemoryRequirementsInfo2 *info,
                                                   VkMemoryRequirements2 *out)
{
   (void)device;
   const VkDeviceSize size = (VkDeviceSize)(uintptr_t)info->buffer;
   const VkDeviceSize from =
      driver.usage & 2 && driver.later_prefers_from ? driver.later_prefers_from : driver.prefers_from;
   VkMemoryDedicatedRequirements *dedicated = out->pNext;
   out->memoryRequirements = (VkMemoryRequirements){
      .size = (size + driver.granularity - 1) / driver.granularity * driver.granularity,
      .alignment = size == driver.odd_size                                               ? 256
                   : driver.aligned && (driver.usage & driver.aligned) == driver.aligned ? 512
                                                                                         : 16,
      .memoryTypeBits = driver.usage & driver.fewer ? 4 : 5,
   };
   dedicated->prefersDedicatedAllocation = size >= from && size < driver.prefers_below;
   dedicated->requiresDedicatedAllocation = size >= driver.requires_from;
}

static void reset_driver(void)
{
   driver.granularity = 16;
   driver.prefers_from = driver.requires_from = driver.odd_size = VK_WHOLE_SIZE;
   driver.prefers_below = driver.largest = VK_WHOLE_SIZE;
   driver.later_prefers_from = 0;
   driver.aligned = driver.fewer = 0;
   driver.made = 0;
}

static void ask(uint32_t count, VkBufferRuleVP *rules)
{
   static struct vps_device device;
   VkBufferUsageFlags usages[USAGES];
   struct vps_object object = {.device = &device}, *used[] = {&object};
   struct vps_context ctx = {.used = used, .used_count = 1};
   struct vp_cmd_vkGetBufferRulesVP a = {.usageCount = count, .pUsages = usages, .pRules = rules};

   device.functions.CreateBuffer = create_buffer;
   device.functions.DestroyBuffer = destroy_buffer;
   device.functions.GetBufferMemoryRequirements2 = get_requirements;
   for (uint32_t i = 0; i < count; i++)
      usages[i] = 1u << i;
   vps_handle_vkGetBufferRulesVP(&ctx, &a);
   assert(a.ret == VK_SUCCESS);
   assert(driver.alive == 0);
}

static void test_even(void)
{
   VkBufferRuleVP rule;

   reset_driver();
   ask(1, &rule);
   assert(rule.valid && rule.granularity == 16 && rule.alignment == 16 && rule.memoryTypeBits == 5);
   assert(rule.prefersDedicatedFrom == VK_WHOLE_SIZE && rule.requiresDedicatedFrom == VK_WHOLE_SIZE);

   driver.prefers_from = driver.requires_from = 0;
   ask(1, &rule);
   assert(rule.valid && rule.prefersDedicatedFrom == 0 && rule.requiresDedicatedFrom == 0);
}

/* The exact size is found, wherever it is, and for the next usages with few buffers more. */
static void test_thresholds(void)
{
   static const VkDeviceSize sizes[] = {2, 16, 300, 4096, 65537, 5000000, 256 << 20, (256 << 20) + 1, 1 << 30};
   static VkBufferRuleVP rules[USAGES];

   for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
      reset_driver();
      driver.prefers_from = sizes[i];
      driver.requires_from = sizes[i] + 1;
      ask(USAGES, rules);
      for (unsigned k = 0; k < USAGES; k++) {
         assert(rules[k].valid);
         assert(rules[k].prefersDedicatedFrom == sizes[i]);
         assert(rules[k].requiresDedicatedFrom == sizes[i] + 1);
      }
      assert(driver.made < USAGES * 18 + 100 + 512 + USAGES * USAGES / 2 + 512);
   }

   reset_driver();
   driver.prefers_from = 256 << 20;
   driver.later_prefers_from = 1 << 20;
   ask(3, rules);
   assert(rules[0].valid && rules[0].prefersDedicatedFrom == 256 << 20);
   assert(rules[1].valid && rules[1].prefersDedicatedFrom == 1 << 20);
   assert(rules[2].valid && rules[2].prefersDedicatedFrom == 256 << 20);
}

static unsigned count_valid(const VkBufferRuleVP rules[USAGES])
{
   unsigned count = 0;

   for (unsigned i = 0; i < USAGES; i++)
      count += rules[i].valid;
   return count;
}

/* Each usage adds what it needs; a driver that does otherwise for some usages together has no rule for one of them. */
static void test_together(void)
{
   VkBufferRuleVP rules[USAGES];

   reset_driver();
   driver.aligned = 1 << 3;
   driver.fewer = 1 << 3 | 1 << 12;
   ask(USAGES, rules);
   assert(count_valid(rules) == USAGES);
   VkBufferRuleVP rule = VP_BUFFER_RULE_NONE;
   vp_buffer_rule_add(&rule, &rules[0]);
   assert(rule.valid && rule.alignment == 16 && rule.granularity == 16 && rule.memoryTypeBits == 5);
   assert(rule.prefersDedicatedFrom == VK_WHOLE_SIZE && rule.requiresDedicatedFrom == VK_WHOLE_SIZE);
   vp_buffer_rule_add(&rule, &rules[3]);
   vp_buffer_rule_add(&rule, &rules[1]);
   assert(rule.valid && rule.alignment == 512 && rule.memoryTypeBits == 4);

   static const VkBufferUsageFlags pairs[] = {1 << 0 | 1 << 1, 1 << 2 | 1 << 14, 1 << 13 | 1 << 15};
   for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
      reset_driver();
      driver.aligned = pairs[i];
      ask(USAGES, rules);
      assert(count_valid(rules) == USAGES - 1);
      assert(!rules[31 - __builtin_clz(pairs[i])].valid);
   }

   /* Many together, among which one has no rule of its own. */
   reset_driver();
   driver.aligned = 1 << 4 | 1 << 5 | 1 << 8;
   ask(USAGES, rules);
   assert(count_valid(rules) == USAGES - 1 && !rules[8].valid);
}

/* A driver without a rule is asked for each buffer. */
static void test_invalid(void)
{
   VkBufferRuleVP rule;

   reset_driver();
   driver.odd_size = 4097;
   ask(1, &rule);
   assert(!rule.valid);

   reset_driver();
   driver.prefers_from = 4096;
   driver.prefers_below = 1 << 20;
   ask(1, &rule);
   assert(!rule.valid);

   reset_driver();
   driver.largest = 0;
   ask(1, &rule);
   assert(!rule.valid);
}

/* What is too large to be made needs no rule. */
static void test_small_driver(void)
{
   VkBufferRuleVP rule;

   reset_driver();
   driver.largest = 16 << 20;
   driver.prefers_from = 4097;
   ask(1, &rule);
   assert(rule.valid && rule.prefersDedicatedFrom == 4097);
}

int main(void)
{
   test_even();
   test_thresholds();
   test_together();
   test_invalid();
   test_small_driver();
   return 0;
}
