/* SPDX-License-Identifier: MIT */
/* How the server finds out what descriptors of buffers are made of, and what both sides make of it. */

#include "client/core/descriptor_rules.h"
#include "server/core/device.h"
#include "server/memory/descriptor_rules.h"
#include "tests/unit/null_session.h"

/* The driver's ways of making a descriptor of 16 bytes. */
static enum { PLAIN, PACKED, ROUNDED, LESS_ONE, CHANGING } way;

static VkDeviceAddress next_address = UINT64_C(0x7f1234560000);

/* Each buffer has another one. */
static VKAPI_ATTR VkDeviceAddress VKAPI_CALL get_address(VkDevice device, const VkBufferDeviceAddressInfo *info)
{
   (void)device, (void)info;
   next_address += UINT64_C(0x3a51000000);
   return next_address;
}

static VKAPI_ATTR void VKAPI_CALL get_requirements(VkDevice device, VkBuffer buffer, VkMemoryRequirements *requirements)
{
   (void)device, (void)buffer;
   *requirements = (VkMemoryRequirements){.size = NULL_LIMIT, .alignment = 64, .memoryTypeBits = 3};
}

static void put(uint8_t *bytes, uint64_t first, uint64_t second)
{
   memcpy(bytes, &first, 8);
   memcpy(bytes + 8, &second, 8);
}

static VKAPI_ATTR void VKAPI_CALL get_descriptor(VkDevice device, const VkDescriptorGetInfoEXT *info, size_t size,
                                                 void *descriptor)
{
   static uint64_t count;
   const VkDeviceAddress address = info->data.pStorageBuffer->address;
   const VkDeviceSize range = info->data.pStorageBuffer->range;
   (void)device;
   CHECK(size == 16);
   if (way == PLAIN)
      put(descriptor, address, range);
   else if (way == PACKED) /* as 48 bits of an address, a constant, and 32-bit words */
      put(descriptor, (address & UINT64_C(0xffffffffffff)) | UINT64_C(0x2a) << 50, range >> 2 << 32 | 0x8000001);
   else if (way == ROUNDED)
      put(descriptor, address >> 4, (range + 15) / 16);
   else if (way == LESS_ONE)
      put(descriptor, address, range - 1);
   else
      put(descriptor, address, range ^ count++ % 2);
}

static struct vps_device *device(void)
{
   return vps_object_find(&ctx.objects, objects[DEVICE].id)->device;
}

static void look(void)
{
   VkDescriptorRuleVP uniform, storage;
   device()->functions.GetDescriptorEXT = get_descriptor;
   device()->functions.GetBufferDeviceAddress = get_address;
   device()->functions.GetBufferMemoryRequirements = get_requirements;
   device()->storage_limit = UINT32_MAX;
   device()->limits.maxUniformBufferRange = 65536;
   device()->limits.minUniformBufferOffsetAlignment = 64;
   DO(vkGetDescriptorRulesVP, .device = OBJECT(VkDevice, DEVICE), .uniformSize = 16, .storageSize = 16,
      .pUniform = &uniform, .pStorage = &storage);
}

/* Whether the rule and the driver make the same of an address and a range. */
static bool same(const VkDescriptorRuleVP *rule, VkDeviceAddress address, VkDeviceSize range)
{
   const VkDescriptorAddressInfoEXT buffer = {.address = address, .range = range};
   const VkDescriptorGetInfoEXT info = {.data.pStorageBuffer = &buffer};
   uint8_t made[16], wanted[16];
   get_descriptor(VK_NULL_HANDLE, &info, 16, wanted);
   vp_descriptor_rule_apply(rule, address, range, made);
   return memcmp(made, wanted, 16) == 0;
}

static void test_finding(void)
{
   static const struct {
      unsigned way;
      uint32_t step; /* of ranges; 0: there is no rule */
   } cases[] = {{PLAIN, 1}, {PACKED, 4}, {ROUNDED, 16}, {LESS_ONE, 0}, {CHANGING, 0}};
   for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      way = cases[i].way;
      look();
      const VkDescriptorRuleVP *storage = &device()->storage_rule, *uniform = &device()->uniform_rule;
      CHECK(storage->valid == (cases[i].step > 0) && uniform->valid == storage->valid);
      if (!storage->valid)
         continue;
      CHECK(vp_descriptor_rule_is_sound(storage) && storage->rangeStep <= cases[i].step && storage->size == 16);
      CHECK(storage->addressStep == 16 && uniform->addressStep == 64);
      CHECK(storage->maxRange == (16 << 20) && uniform->maxRange == 65536);
      CHECK(same(storage, UINT64_C(0x123456789ab0), 0x654320) && same(uniform, UINT64_C(0x7fffffffffc0), 65536));
   }
}

/* Where it does not hold, the memory's address is not told. */
static void test_memory(void)
{
   way = PLAIN;
   look();
   CHECK(vps_descriptor_rules_usage(device()) & VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   CHECK(vps_descriptor_rules_hold(device(), 0x40000, 16));
   CHECK(!vps_descriptor_rules_hold(device(), 0x40010, 16)); /* not where a uniform buffer can be */
   way = PACKED;
   CHECK(!vps_descriptor_rules_hold(device(), 0x40000, 16));
   way = LESS_ONE;
   look();
   CHECK(vps_descriptor_rules_usage(device()) == VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT);
   CHECK(vps_descriptor_rules_hold(device(), 0x40000, 16)); /* nothing is said */
}

static bool makes(struct vp_descriptor_rules *rules, VkDeviceAddress address, VkDeviceSize range)
{
   const VkDescriptorAddressInfoEXT buffer = {.address = address, .range = range};
   const VkDescriptorGetInfoEXT info = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .data.pStorageBuffer = &buffer};
   uint64_t words[2] = {0};
   const bool made = vp_descriptor_rules_make(rules, &info, 16, words);
   return made && CHECK(words[0] == address && words[1] == range);
}

static void test_client(void)
{
   struct vp_descriptor_rules rules = {.count = 0};
   vp_descriptor_rules_init(&rules);
   way = PLAIN;
   look();
   rules.storage = device()->storage_rule;
   rules.uniform.valid = VK_TRUE; /* nonsense */
   vp_descriptor_rules_settle(&rules);
   CHECK(rules.storage.valid && !rules.uniform.valid);

   CHECK(!makes(&rules, 0x10000, 16)); /* memory of which nothing is known */
   for (unsigned i = 0; i < 100; i++)
      vp_descriptor_rules_add(&rules, 0x10000 + (VkDeviceAddress)(i * 37 % 100) * 0x10000, 0x8000);
   CHECK(rules.count == 100);
   for (unsigned i = 0; i < 100; i++)
      CHECK(makes(&rules, 0x10000 + (VkDeviceAddress)i * 0x10000, 0x8000));
   CHECK(makes(&rules, 0x17ff0, 16) && !makes(&rules, 0x17ff0, 32) && !makes(&rules, 0x18000, 16));
   CHECK(!makes(&rules, 0x10008, 16) && !makes(&rules, 0x10000, 0) && !makes(&rules, 0, 16));
   vp_descriptor_rules_add(&rules, 0x14000, 0x8000); /* where another one is: cannot be */
   CHECK(rules.count == 100);
   vp_descriptor_rules_remove(&rules, 0x20000);
   vp_descriptor_rules_remove(&rules, 0x20000);
   CHECK(rules.count == 99 && !makes(&rules, 0x20000, 16) && makes(&rules, 0x30000, 16));
   vp_descriptor_rules_add(&rules, UINT64_MAX - 5, 16);
   CHECK(rules.count == 99);
   vp_descriptor_rules_finish(&rules);
}

static void test_sound(void)
{
   const VkDescriptorRuleVP good = {.valid = VK_TRUE,
                                    .size = 16,
                                    .addressStep = 16,
                                    .rangeStep = 1,
                                    .maxRange = 64,
                                    .runCount = 1,
                                    .runs = {{.bit = 64, .count = 64, .source = 64}}};
   VkDescriptorRuleVP bad[9];
   for (unsigned i = 0; i < 9; i++)
      bad[i] = good;
   bad[0].valid = VK_FALSE;
   bad[1].size = 257;
   bad[2].addressStep = 0;
   bad[3].rangeStep = 0;
   bad[4].runCount = 17;
   bad[5].runs[0].bit = 65;
   bad[6].runs[0].source = 65;
   bad[7].runs[0].source = 128;
   bad[8].runs[0].count = 0;
   CHECK(vp_descriptor_rule_is_sound(&good));
   for (unsigned i = 0; i < 9; i++)
      CHECK(!vp_descriptor_rule_is_sound(&bad[i]));
}

int main(void)
{
   session_open();
   test_finding();
   test_memory();
   test_client();
   test_sound();
   session_close();
   return check_finish();
}
