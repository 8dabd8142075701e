/* SPDX-License-Identifier: MIT */

/* Puts runs of bits of an address and a length to their places among constants. */

#include "common/memory/descriptor_rule.h"

#include <string.h>

bool vp_descriptor_rule_is_sound(const VkDescriptorRuleVP *rule)
{
   const uint64_t bits = (uint64_t)rule->size * 8;

   if (!rule->valid || rule->size > VP_DESCRIPTOR_RULE_BYTES || rule->runCount > VP_DESCRIPTOR_RULE_RUNS ||
       !rule->addressStep || !rule->rangeStep)
      return false;
   for (uint32_t i = 0; i < rule->runCount; i++) {
      const VkDescriptorRunVP *run = &rule->runs[i];
      if (run->source >= 128 || !run->count || run->count > 64 - run->source % 64 || run->bit > bits ||
          run->count > bits - run->bit)
         return false;
   }
   return true;
}

void vp_descriptor_rule_apply(const VkDescriptorRuleVP *rule, VkDeviceAddress address, VkDeviceSize range, uint8_t *out)
{
   memcpy(out, rule->base, rule->size);
   for (uint32_t i = 0; i < rule->runCount; i++) {
      const VkDescriptorRunVP *run = &rule->runs[i];
      uint64_t value = (run->source < 64 ? address : range) >> run->source % 64;
      for (uint32_t done = 0; done < run->count;) { /* what goes into one byte */
         const uint32_t at = run->bit + done, room = 8 - at % 8;
         const uint32_t count = run->count - done < room ? run->count - done : room;
         out[at / 8] |= (uint8_t)((value & ((1u << count) - 1)) << at % 8);
         value >>= count;
         done += count;
      }
   }
}
