/* SPDX-License-Identifier: MIT */

/* vkGetDescriptorRulesVP: looks at the descriptors of many parts of some buffers, to find out whether each of their
 * bits is a constant or a bit of the address or of the length. Whether that holds in other memory, too, is looked at
 * when that is allocated. */

#include "server/memory/descriptor_rules.h"

#include <string.h>

#include "common/memory/descriptor_rule.h"
#include "server/core/context.h"
#include "server/core/device.h"

/* Buffers in so many kinds of memory are looked at; two are large, for long parts of them. */
#define PLACES 4u
#define LARGE_PLACES 2u
#define LARGE ((VkDeviceSize)16 << 20)
#define SMALL ((VkDeviceSize)1 << 20)

#define LEARNT 128u
#define CHECKED 512u

#define USAGE \
   (VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT)

#define PLAIN_MEMORY                                                                                                   \
   (VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | \
    VK_MEMORY_PROPERTY_HOST_CACHED_BIT)

/* --- buffers --- */

struct place {
   VkBuffer buffer;
   VkDeviceMemory memory;
   VkDeviceAddress address;
   VkDeviceSize size;
};

static void free_place(const struct vps_device *device, const struct place *place)
{
   device->functions.DestroyBuffer(device->handle, place->buffer, NULL);
   device->functions.FreeMemory(device->handle, place->memory, NULL);
}

/* False, and nothing is left, when there can be none in this type of memory. */
static bool make_place(const struct vps_device *device, uint32_t type, VkDeviceSize size, struct place *place)
{
   const struct vps_device_functions *functions = &device->functions;
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size, .usage = USAGE};
   const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                            .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
   VkMemoryAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &flags, .memoryTypeIndex = type};
   VkBufferDeviceAddressInfo question = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
   VkMemoryRequirements needs;

   *place = (struct place){.size = size};
   if (functions->CreateBuffer(device->handle, &info, NULL, &place->buffer) < 0)
      return false;
   functions->GetBufferMemoryRequirements(device->handle, place->buffer, &needs);
   allocation.allocationSize = needs.size;
   if (!(needs.memoryTypeBits >> type & 1) ||
       functions->AllocateMemory(device->handle, &allocation, NULL, &place->memory) < 0)
      place->memory = VK_NULL_HANDLE;
   question.buffer = place->buffer;
   if (place->memory && functions->BindBufferMemory(device->handle, place->buffer, place->memory, 0) == VK_SUCCESS)
      place->address = functions->GetBufferDeviceAddress(device->handle, &question);
   if (place->address)
      return true;
   free_place(device, place);
   return false;
}

/* Returns how many there are. */
static unsigned make_places(const struct vps_device *device, struct place places[PLACES])
{
   unsigned count = 0;

   for (uint32_t i = 0; i < device->memory.memoryTypeCount && count < PLACES; i++) {
      const VkMemoryPropertyFlags flags = device->memory.memoryTypes[i].propertyFlags;
      if (flags & ~(VkMemoryPropertyFlags)PLAIN_MEMORY)
         continue;
      if ((count < LARGE_PLACES && make_place(device, i, LARGE, &places[count])) ||
          make_place(device, i, SMALL, &places[count]))
         count++;
   }
   return count;
}

/* A rule is for no longer parts. */
static VkDeviceSize find_longest(const struct place *places, unsigned count, VkDeviceSize limit)
{
   VkDeviceSize longest = 0;

   for (unsigned i = 0; i < count; i++)
      longest = places[i].size > longest ? places[i].size : longest;
   return longest < limit ? longest : limit;
}

/* --- what descriptors look like --- */

struct look {
   const struct vps_device *device;
   VkDescriptorType type;
   const struct place *places;
   unsigned count;
   uint8_t *bytes;  /* as many as the largest descriptor has */
   uint64_t random; /* state of a generator */
};

static void get_descriptor(const struct vps_device *device, VkDescriptorType type, VkDeviceAddress address,
                           VkDeviceSize range, size_t size, uint8_t *bytes)
{
   const VkDescriptorAddressInfoEXT buffer = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_ADDRESS_INFO_EXT, .address = address, .range = range};
   const VkDescriptorGetInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT, .type = type, .data.pStorageBuffer = &buffer};

   memset(bytes, 0, device->limits.largest_descriptor);
   device->functions.GetDescriptorEXT(device->handle, &info, size, bytes);
}

static uint64_t next_random(struct look *look)
{
   look->random = look->random * UINT64_C(6364136223846793005) + 1442695040888963407;
   return look->random >> 16;
}

/* Some part of some buffer that a rule with these steps is to cover, with its descriptor. */
static void look_somewhere(struct look *look, const VkDescriptorRuleVP *rule, VkDeviceAddress *address,
                           VkDeviceSize *range)
{
   const struct place *place = &look->places[next_random(look) % look->count];
   const VkDeviceSize offset = next_random(look) % (place->size / rule->addressStep) * rule->addressStep;
   const VkDeviceSize left = place->size - offset, longest = left < rule->maxRange ? left : rule->maxRange;
   const VkDeviceSize steps = longest / rule->rangeStep, few = steps < 64 ? steps : 64;

   *address = place->address + offset;
   *range = (1 + next_random(look) % (next_random(look) % 2 ? steps : few)) * rule->rangeStep;
   get_descriptor(look->device, look->type, *address, *range, rule->size, look->bytes);
}

/* What one bit of all descriptors up to now can be. */
struct meaning {
   uint64_t address, range; /* these bits of them */
   bool zero, one;
};

static bool can_be(const struct meaning *meaning, uint32_t source)
{
   return (source < 64 ? meaning->address : meaning->range) >> source % 64 & 1;
}

static void learn(struct meaning *meaning, bool bit, VkDeviceAddress address, VkDeviceSize range)
{
   meaning->address &= bit ? address : ~address;
   meaning->range &= bit ? range : ~range;
   meaning->zero = meaning->zero && !bit;
   meaning->one = meaning->one && bit;
}

/* Bits that follow each other are taken for a run where they can be one. False: they are nothing that is known. */
static bool conclude(const struct meaning *meanings, VkDescriptorRuleVP *rule)
{
   VkDescriptorRunVP *run = NULL;

   for (uint32_t bit = 0; bit < rule->size * 8; bit++) {
      const struct meaning *meaning = &meanings[bit];
      const uint32_t next = run ? run->source + run->count : 0;
      if (next % 64 != 0 && can_be(meaning, next)) {
         run->count++;
         continue;
      }
      run = NULL;
      if (meaning->zero)
         continue;
      if (meaning->one) {
         rule->base[bit / 8] |= (uint8_t)(1u << bit % 8);
         continue;
      }
      if ((!meaning->address && !meaning->range) || rule->runCount == VP_DESCRIPTOR_RULE_RUNS)
         return false;
      run = &rule->runs[rule->runCount++];
      *run = (VkDescriptorRunVP){.bit = bit, .count = 1};
      run->source =
         (uint32_t)(meaning->address ? __builtin_ctzll(meaning->address) : 64 + __builtin_ctzll(meaning->range));
   }
   return true;
}

static bool follows_rule(const VkDescriptorRuleVP *rule, VkDeviceAddress address, VkDeviceSize range,
                         const uint8_t *bytes)
{
   uint8_t made[VP_DESCRIPTOR_RULE_BYTES];

   vp_descriptor_rule_apply(rule, address, range, made);
   return memcmp(made, bytes, rule->size) == 0;
}

/* Looks for a rule with these steps; `meanings` has one for each bit. */
static void find_descriptor_rule(struct look *look, struct meaning *meanings, VkDescriptorRuleVP *rule)
{
   VkDeviceAddress address;
   VkDeviceSize range;

   for (uint32_t bit = 0; bit < rule->size * 8; bit++)
      meanings[bit] = (struct meaning){UINT64_MAX, UINT64_MAX, true, true};
   for (unsigned i = 0; i < LEARNT; i++) {
      look_somewhere(look, rule, &address, &range);
      for (uint32_t bit = 0; bit < rule->size * 8; bit++)
         learn(&meanings[bit], look->bytes[bit / 8] >> bit % 8 & 1, address, range);
   }
   rule->valid = conclude(meanings, rule);
   for (unsigned i = 0; i < CHECKED && rule->valid; i++) {
      look_somewhere(look, rule, &address, &range);
      rule->valid = follows_rule(rule, address, range, look->bytes);
   }
}

/* Of longer steps less is said, but drivers that round follow rules there. */
static VkDescriptorRuleVP find_rule_of_type(struct look *look, struct meaning *meanings, uint32_t size)
{
   static const uint32_t steps[] = {1, 4, 16};
   const bool uniform = look->type == VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
   const struct vps_limits *limits = &look->device->limits;
   const VkDeviceSize alignment =
      uniform ? limits->minUniformBufferOffsetAlignment : limits->minStorageBufferOffsetAlignment;
   const VkDeviceSize longest =
      find_longest(look->places, look->count, uniform ? limits->maxUniformBufferRange : look->device->storage_limit);
   VkDescriptorRuleVP rule = {.valid = VK_FALSE};

   if (alignment > SMALL || longest < steps[2])
      return rule;
   for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]) && !rule.valid; i++) {
      rule = (VkDescriptorRuleVP){.size = size,
                                  .addressStep = alignment > 16 ? (uint32_t)alignment : 16,
                                  .rangeStep = steps[i],
                                  .maxRange = longest};
      find_descriptor_rule(look, meanings, &rule);
   }
   return rule;
}

void vps_handle_vkGetDescriptorRulesVP(struct vps_context *ctx, struct vp_cmd_vkGetDescriptorRulesVP *a)
{
   struct vps_device *device = ctx->used[0]->device;
   const size_t largest = device->limits.largest_descriptor;
   struct meaning *meanings = vps_alloc(ctx, (uint64_t)VP_DESCRIPTOR_RULE_BYTES * 8, sizeof(*meanings));
   struct place places[PLACES];
   struct look look = {.device = device, .places = places, .random = 1, .bytes = vps_alloc(ctx, largest, 1)};

   *a->pUniform = *a->pStorage = (VkDescriptorRuleVP){.valid = VK_FALSE};
   if (!meanings || !look.bytes || largest > VP_DESCRIPTOR_RULE_BYTES || !device->functions.GetDescriptorEXT ||
       !device->functions.GetBufferDeviceAddress)
      return;
   look.count = make_places(device, places);
   if (look.count && a->uniformSize <= largest && a->storageSize <= largest) {
      look.type = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
      *a->pUniform = find_rule_of_type(&look, meanings, a->uniformSize);
      look.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
      *a->pStorage = find_rule_of_type(&look, meanings, a->storageSize);
   }
   device->uniform_rule = *a->pUniform;
   device->storage_rule = *a->pStorage;
   for (unsigned i = 0; i < look.count; i++)
      free_place(device, &places[i]);
}

/* --- other memory --- */

VkBufferUsageFlags vps_descriptor_rules_usage(const struct vps_device *device)
{
   return device->uniform_rule.valid || device->storage_rule.valid ? USAGE : VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
}

static bool holds_at(const struct vps_device *device, const VkDescriptorRuleVP *rule, VkDescriptorType type,
                     VkDeviceAddress address, VkDeviceSize size)
{
   uint8_t bytes[VP_DESCRIPTOR_RULE_BYTES];

   if (!rule->valid)
      return true;
   if (!vp_descriptor_rule_covers(rule, address, size))
      return false;
   get_descriptor(device, type, address, size, rule->size, bytes);
   return follows_rule(rule, address, size, bytes);
}

bool vps_descriptor_rules_hold(const struct vps_device *device, VkDeviceAddress address, VkDeviceSize size)
{
   return holds_at(device, &device->uniform_rule, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, address, size) &&
          holds_at(device, &device->storage_rule, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, address, size);
}
