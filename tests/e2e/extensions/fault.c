/* SPDX-License-Identifier: MIT */
/* What is known of the end of a device: checkpoints and faults. On a GPU the device is only brought to its end with
 * VP_FAULT=1, by a write to an address that there is not. */
#include <stdlib.h>

#include "tests/e2e/extensions/part.h"

/* Markers that point to nothing: they come back as they were given. */
#define FIRST ((const void *)(uintptr_t)0x1234)
#define LAST ((const void *)(uintptr_t)0xfedcba9876543210)

static bool may_fault(void)
{
   return part_is_played() || getenv("VP_FAULT");
}

static bool is_marker(const void *marker)
{
   return marker == FIRST || marker == LAST;
}

static void print_checkpoints(struct gpu *gpu)
{
   GET(gpu, GetQueueCheckpointDataNV);
   VkCheckpointDataNV data[16];
   uint32_t count = 0;
   GetQueueCheckpointDataNV(gpu->queue, &count, NULL);
   NEED(count <= 16);
   for (uint32_t i = 0; i < count; i++)
      data[i] = (VkCheckpointDataNV){.sType = VK_STRUCTURE_TYPE_CHECKPOINT_DATA_NV};
   GetQueueCheckpointDataNV(gpu->queue, &count, data);
   for (uint32_t i = 0; i < count; i++) {
      NEED(is_marker(data[i].pCheckpointMarker));
      printf("  stage %#x came to %s\n", data[i].stage, data[i].pCheckpointMarker == FIRST ? "the first" : "the last");
   }
}

#ifdef VK_NV_copy_memory_indirect

/* Copies to where there is nothing. */
static void record_fault(struct gpu *gpu, VkCommandBuffer commands, const struct gpu_buffer *buffer)
{
   GET(gpu, CmdCopyMemoryIndirectNV);
   VkCopyMemoryIndirectCommandNV *copy = buffer->data;
   *copy = (VkCopyMemoryIndirectCommandNV){buffer->address, UINT64_C(0x7f0000000000), 64};
   CmdCopyMemoryIndirectNV(commands, buffer->address, 1, sizeof(*copy));
}

#else

static void record_fault(struct gpu *gpu, VkCommandBuffer commands, const struct gpu_buffer *buffer)
{
   (void)gpu, (void)commands, (void)buffer;
}

#endif

static void run_between_checkpoints(struct gpu *gpu, bool fault)
{
   GET(gpu, CmdSetCheckpointNV);
   const struct gpu_buffer buffer = gpu_map_addressed(gpu, 4096, VK_BUFFER_USAGE_TRANSFER_DST_BIT, NULL);
   VkCommandPool pool;
   VkCommandBuffer commands = gpu_create_commands(gpu, &pool);
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
   gpu_begin(commands);
   CmdSetCheckpointNV(commands, FIRST);
   vkCmdFillBuffer(commands, buffer.handle, 2048, 64, 5);
   gpu_barrier(commands);
   if (fault)
      record_fault(gpu, commands, &buffer);
   gpu_barrier(commands);
   CmdSetCheckpointNV(commands, LAST);
   OK(vkEndCommandBuffer(commands));
   VkResult result = vkQueueSubmit(gpu->queue, 1, &submit, VK_NULL_HANDLE);
   if (result == VK_SUCCESS)
      result = vkQueueWaitIdle(gpu->queue);
   NEED(result == (fault && !part_is_played() ? VK_ERROR_DEVICE_LOST : VK_SUCCESS));
   if (fault || part_is_played()) /* only of a device that is lost may one ask that */
      print_checkpoints(gpu);
   vkDestroyCommandPool(gpu->device, pool, NULL);
   gpu_free_buffer(gpu, &buffer);
}

static void run_checkpoints(struct gpu *gpu)
{
   run_between_checkpoints(gpu, false);
   puts("  commands between checkpoints were executed");
}

static const char *const checkpoint_extensions[] = {VK_NV_DEVICE_DIAGNOSTIC_CHECKPOINTS_EXTENSION_NAME, NULL};

/* --- faults --- */

static void print_fault(struct gpu *gpu)
{
   GET(gpu, GetDeviceFaultInfoEXT);
   VkDeviceFaultCountsEXT counts = {.sType = VK_STRUCTURE_TYPE_DEVICE_FAULT_COUNTS_EXT};
   OK(GetDeviceFaultInfoEXT(gpu->device, &counts, NULL));
   VkDeviceFaultAddressInfoEXT *addresses = calloc(counts.addressInfoCount + 1, sizeof(*addresses));
   VkDeviceFaultVendorInfoEXT *vendors = calloc(counts.vendorInfoCount + 1, sizeof(*vendors));
   void *binary = calloc(counts.vendorBinarySize + 1, 1);
   NEED(addresses && vendors && binary);
   VkDeviceFaultInfoEXT info = {.sType = VK_STRUCTURE_TYPE_DEVICE_FAULT_INFO_EXT,
                                .pAddressInfos = addresses,
                                .pVendorInfos = vendors,
                                .pVendorBinaryData = binary};
   const VkResult result = GetDeviceFaultInfoEXT(gpu->device, &counts, &info);
   NEED(result == VK_SUCCESS || result == VK_INCOMPLETE);
   NEED(info.pAddressInfos == addresses && info.pVendorInfos == vendors && info.pVendorBinaryData == binary);
   printf("  \"%s\", vendor binary %s\n", info.description, counts.vendorBinarySize ? "there" : "not there");
   for (uint32_t i = 0; i < counts.addressInfoCount; i++)
      printf("  address type %d, precision %llu\n", addresses[i].addressType,
             (unsigned long long)addresses[i].addressPrecision);
   for (uint32_t i = 0; i < counts.vendorInfoCount; i++)
      printf("  vendor: \"%s\"\n", vendors[i].description);
   free(addresses);
   free(vendors);
   free(binary);
}

static void run_fault(struct gpu *gpu)
{
   if (!may_fault()) {
      puts("  a device with it; VP_FAULT=1 brings it to its end");
      return;
   }
   run_between_checkpoints(gpu, true);
   print_fault(gpu);
}

static VkPhysicalDeviceFaultFeaturesEXT fault_features = {.sType =
                                                             VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FAULT_FEATURES_EXT};
static const char *const fault_extensions[] = {VK_EXT_DEVICE_FAULT_EXTENSION_NAME,
                                               VK_NV_DEVICE_DIAGNOSTIC_CHECKPOINTS_EXTENSION_NAME,
#ifdef VK_NV_copy_memory_indirect
                                               VK_NV_COPY_MEMORY_INDIRECT_EXTENSION_NAME,
#endif
                                               NULL};

/* --- configuration --- */

static void run_config(struct gpu *gpu)
{
   const float priority = 1;
   const VkDeviceDiagnosticsConfigCreateInfoNV config = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_DIAGNOSTICS_CONFIG_CREATE_INFO_NV,
      .flags = VK_DEVICE_DIAGNOSTICS_CONFIG_ENABLE_RESOURCE_TRACKING_BIT_NV |
               VK_DEVICE_DIAGNOSTICS_CONFIG_ENABLE_AUTOMATIC_CHECKPOINTS_BIT_NV};
   const VkPhysicalDeviceDiagnosticsConfigFeaturesNV features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DIAGNOSTICS_CONFIG_FEATURES_NV,
      .pNext = (void *)(uintptr_t)&config,
      .diagnosticsConfig = VK_TRUE};
   const char *const extension = VK_NV_DEVICE_DIAGNOSTICS_CONFIG_EXTENSION_NAME;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                    .pNext = &features,
                                    .queueCreateInfoCount = 1,
                                    .pQueueCreateInfos = &queue,
                                    .enabledExtensionCount = 1,
                                    .ppEnabledExtensionNames = &extension};
   VkDevice device;
   OK(vkCreateDevice(gpu->physical, &info, NULL, &device));
   puts("  there is a device with it");
   vkDestroyDevice(device, NULL);
}

static const char *const config_extensions[] = {VK_NV_DEVICE_DIAGNOSTICS_CONFIG_EXTENSION_NAME, NULL};

const struct part parts_fault[] = {
   {"diagnostic_checkpoints", checkpoint_extensions, run_checkpoints, NULL, VK_QUEUE_COMPUTE_BIT},
   {"device_fault", fault_extensions, run_fault, &fault_features, VK_QUEUE_COMPUTE_BIT},
   {"diagnostics_config", config_extensions, run_config, NULL, 0},
   {0}};
