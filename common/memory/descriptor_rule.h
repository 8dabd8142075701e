/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_DESCRIPTOR_RULE_H
#define VP_MEMORY_DESCRIPTOR_RULE_H

#include <stdbool.h>

#include "vp_commands.h"

/* Descriptors of buffers in descriptor buffers: each bit of one is a constant, or a bit of the buffer's address or of
 * its length. So they can be made without asking the driver; see server/memory/descriptor_rules.c. */

#define VP_DESCRIPTOR_RULE_RUNS 16u
#define VP_DESCRIPTOR_RULE_BYTES 256u

/* Whether a rule makes sense. */
bool vp_descriptor_rule_is_sound(const VkDescriptorRuleVP *rule);

/* Whether it says what the descriptor of this part of a buffer is. */
static inline bool vp_descriptor_rule_covers(const VkDescriptorRuleVP *rule, VkDeviceAddress address,
                                             VkDeviceSize range)
{
   return rule->valid && address % rule->addressStep == 0 && range % rule->rangeStep == 0 && range > 0 &&
          range <= rule->maxRange;
}

/* Makes it: rule->size bytes. */
void vp_descriptor_rule_apply(const VkDescriptorRuleVP *rule, VkDeviceAddress address, VkDeviceSize range,
                              uint8_t *out);

#endif
