/* SPDX-License-Identifier: MIT */

/* Whether fresh memory must be cleared, by whom, and what a device is created with for that. */

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/util/log.h"
#include "common/wire/chain.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/instance.h"
#include "server/memory/clear.h"

#define COPY_QUEUE (VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT)

/* VK_EXT_zero_initialize_device_memory, which older headers do not have. */
#define ZERO_EXTENSION "VK_EXT_zero_initialize_device_memory"
#define STRUCTURE_TYPE_ZERO_FEATURES ((VkStructureType)1000620000)

struct zero_features {
   VkStructureType sType;
   void *pNext;
   VkBool32 zeroInitializeDeviceMemory;
};

/* Drivers whose part in the kernel gives no process what another one has left in memory, and since which Linux that is
 * so; SECURITY.md says how that is known. */
static const struct {
   VkDriverId driver;
   unsigned major, minor;
} clearing_kernels[] = {
   {VK_DRIVER_ID_NVIDIA_PROPRIETARY, 0, 0},      {VK_DRIVER_ID_MESA_RADV, 6, 12},
   {VK_DRIVER_ID_AMD_OPEN_SOURCE, 6, 12},        {VK_DRIVER_ID_AMD_PROPRIETARY, 6, 12},
   {VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, 5, 14}, {VK_DRIVER_ID_MESA_LLVMPIPE, 0, 0},
};

static bool kernel_is_at_least(unsigned major, unsigned minor)
{
   struct utsname name;
   unsigned has_major = 0, has_minor = 0;

   if (uname(&name) != 0 || sscanf(name.release, "%u.%u", &has_major, &has_minor) != 2)
      return false;
   return has_major > major || (has_major == major && has_minor >= minor);
}

static bool kernel_clears(const struct vps_instance_functions *functions, VkPhysicalDevice gpu)
{
   VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
   VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &driver};

   if (functions->GetPhysicalDeviceProperties2)
      functions->GetPhysicalDeviceProperties2(gpu, &properties);
   for (size_t i = 0; i < sizeof(clearing_kernels) / sizeof(clearing_kernels[0]); i++) {
      if (clearing_kernels[i].driver == driver.driverID)
         return kernel_is_at_least(clearing_kernels[i].major, clearing_kernels[i].minor);
   }
   return false;
}

/* --- the extension --- */

static bool has_feature(const struct vps_instance_functions *functions, VkPhysicalDevice gpu)
{
   struct zero_features zero = {.sType = STRUCTURE_TYPE_ZERO_FEATURES};
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &zero};

   if (functions->GetPhysicalDeviceFeatures2)
      functions->GetPhysicalDeviceFeatures2(gpu, &features);
   return zero.zeroInitializeDeviceMemory;
}

/* Whether the client has enabled it by itself or not. */
static bool enable_feature(struct vps_context *ctx, VkDeviceCreateInfo *info)
{
   struct zero_features *zero = vp_chain_find(info->pNext, STRUCTURE_TYPE_ZERO_FEATURES);

   if (!zero) {
      zero = vps_alloc(ctx, 1, sizeof(*zero));
      if (!zero)
         return false;
      zero->sType = STRUCTURE_TYPE_ZERO_FEATURES;
      zero->pNext = (void *)(uintptr_t)info->pNext;
      info->pNext = zero;
   }
   zero->zeroInitializeDeviceMemory = VK_TRUE;
   return true;
}

/* --- a queue --- */

/* Of a family, with these flags; NULL: none. */
static VkDeviceQueueCreateInfo *find_queues(VkDeviceQueueCreateInfo *queues, uint32_t count, uint32_t family)
{
   for (uint32_t i = 0; i < count; i++) {
      if (queues[i].queueFamilyIndex == family && !queues[i].flags)
         return &queues[i];
   }
   return NULL;
}

static uint32_t count_queues(const VkDeviceQueueCreateInfo *queues, uint32_t count, uint32_t family)
{
   uint32_t sum = 0;

   for (uint32_t i = 0; i < count; i++)
      sum += queues[i].queueFamilyIndex == family ? queues[i].queueCount : 0;
   return sum;
}

/* Adds a queue to those of a family, which may have none (NULL). */
static bool add_queue(struct vps_context *ctx, VkDeviceCreateInfo *info, VkDeviceQueueCreateInfo *queues,
                      VkDeviceQueueCreateInfo *of_family, uint32_t family)
{
   if (!of_family) {
      of_family = &queues[info->queueCreateInfoCount++];
      of_family->sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
      of_family->queueFamilyIndex = family;
   }
   float *priorities = vps_alloc(ctx, (uint64_t)of_family->queueCount + 1, sizeof(*priorities));
   if (!priorities)
      return false;
   if (of_family->queueCount)
      memcpy(priorities, of_family->pQueuePriorities, of_family->queueCount * sizeof(*priorities));
   priorities[of_family->queueCount++] = 1;
   of_family->pQueuePriorities = priorities;
   return true;
}

/* A queue that the client has not asked for, so that what its own wait for keeps nobody waiting; or else its first that
 * can copy. */
static bool choose_queue(struct vps_context *ctx, VkPhysicalDevice gpu, VkDeviceCreateInfo *info,
                         struct vps_clear *clear)
{
   const struct vps_instance_functions *functions = &ctx->instance->functions;
   uint32_t family_count = 0, count = info->queueCreateInfoCount;

   functions->GetPhysicalDeviceQueueFamilyProperties(gpu, &family_count, NULL);
   VkQueueFamilyProperties *families = vps_alloc(ctx, family_count, sizeof(*families));
   VkDeviceQueueCreateInfo *queues = vps_alloc(ctx, (uint64_t)count + 1, sizeof(*queues));
   if (!families || !queues)
      return false;
   functions->GetPhysicalDeviceQueueFamilyProperties(gpu, &family_count, families);
   if (count)
      memcpy(queues, info->pQueueCreateInfos, count * sizeof(*queues));
   info->pQueueCreateInfos = queues;
   for (uint32_t i = 0; i < family_count; i++) {
      VkDeviceQueueCreateInfo *of_family = find_queues(queues, count, i);
      if (!(families[i].queueFlags & COPY_QUEUE))
         continue;
      if (count_queues(queues, count, i) < families[i].queueCount) {
         *clear = (struct vps_clear){
            .way = clear->way, .can_copy = true, .family = i, .index = of_family ? of_family->queueCount : 0};
         return add_queue(ctx, info, queues, of_family, i);
      }
      if (of_family && !clear->can_copy) {
         clear->can_copy = true;
         clear->family = i;
      }
   }
   return true;
}

/* --- the choice --- */

static const char *const way_names[] = {
   [VPS_CLEAR_KERNEL] = "as the kernel gives it",
   [VPS_CLEAR_DRIVER] = "cleared by the driver",
   [VPS_CLEAR_SERVER] = "cleared by the server",
};

bool vps_clear_choose(struct vps_context *ctx, VkPhysicalDevice gpu, VkDeviceCreateInfo *info, struct vps_clear *clear)
{
   const struct vps_instance_functions *functions = &ctx->instance->functions;
   const enum vps_clear_memory wanted = ctx->options->clear_memory;
   bool ok = true;

   *clear = (struct vps_clear){.way = VPS_CLEAR_KERNEL};
   if (wanted == VPS_CLEAR_MEMORY_ALWAYS || (wanted == VPS_CLEAR_MEMORY_AUTO && !kernel_clears(functions, gpu))) {
      const bool driver = vps_device_gpu_has(ctx, gpu, ZERO_EXTENSION) && has_feature(functions, gpu);
      clear->way = driver ? VPS_CLEAR_DRIVER : VPS_CLEAR_SERVER;
      ok = driver ? enable_feature(ctx, info) && vps_device_enable(ctx, info, ZERO_EXTENSION)
                  : choose_queue(ctx, gpu, info, clear);
   }
   vp_log(VP_LOG_DEBUG, "fresh memory of the GPU is %s", way_names[clear->way]);
   return ok && !ctx->failed;
}
