/* SPDX-License-Identifier: MIT */
/* Uses extensions that few GPUs have, each in a part of its own, and prints what must be the same natively and through
 * our driver; see tests/e2e/extensions/. With names, only these parts. Exit status: 77 when the GPU (or the headers)
 * have none of the extensions, 1 when something is wrong. */
#include "tests/e2e/extensions/part.h"

static const struct part *const all[] = {parts_compute, parts_memory,  parts_pipeline, parts_fault,
                                         parts_rays,    parts_present, parts_kernel,   parts_video};

static bool is_wanted(const struct part *part, int argc, char **argv)
{
   bool wanted = argc < 2;
   for (int i = 1; i < argc; i++)
      wanted = wanted || strcmp(argv[i], part->name) == 0;
   return wanted;
}

/* What the GPU lacks of the part, or NULL. */
static const char *find_missing(const struct gpu *gpu, const struct part *part)
{
   static VkExtensionProperties properties[1024];
   uint32_t count = 1024;
   if (vkEnumerateDeviceExtensionProperties(gpu->physical, NULL, &count, properties) != VK_SUCCESS)
      return "a list of its extensions";
   for (const char *const *name = part->extensions; *name; name++) {
      bool found = false;
      for (uint32_t i = 0; i < count && !found; i++)
         found = strcmp(properties[i].extensionName, *name) == 0;
      if (!found)
         return *name;
   }
   return NULL;
}

static bool find_family(struct gpu *gpu, VkQueueFlags flags)
{
   VkQueueFamilyProperties families[32];
   uint32_t count = 32;
   vkGetPhysicalDeviceQueueFamilyProperties(gpu->physical, &count, families);
   for (gpu->family = 0; gpu->family < count; gpu->family++) {
      if ((families[gpu->family].queueFlags & flags) == flags)
         return true;
   }
   return false;
}

/* A device with the part's extensions and all of their features. */
static void create_device(struct gpu *gpu, const struct part *part)
{
   uint32_t count = 0;
   VkPhysicalDeviceVulkan12Features vulkan = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                                              .pNext = part->features};
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &vulkan};
   while (part->extensions[count])
      count++;
   vkGetPhysicalDeviceFeatures2(gpu->physical, &features);
   vulkan.bufferDeviceAddressCaptureReplay = VK_FALSE;
   vulkan.bufferDeviceAddressMultiDevice = VK_FALSE;
   features.features.robustBufferAccess = VK_FALSE;
   gpu_open_device(gpu, &features, part->extensions, count);
}

static bool run_part(struct gpu *gpu, const struct part *part)
{
   const char *missing = find_missing(gpu, part);
   if (missing || !find_family(gpu, part->queue)) {
      printf("%s: skipped, the GPU does not have %s\n", part->name, missing ? missing : "a queue for it");
      return false;
   }
   printf("%s:\n", part->name);
   create_device(gpu, part);
   part->run(gpu);
   vkDestroyDevice(gpu->device, NULL);
   fflush(stdout);
   return true;
}

static void open_instance(struct gpu *gpu)
{
   static const char *const extensions[] = {VK_KHR_SURFACE_EXTENSION_NAME, VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME,
                                            VK_KHR_GET_SURFACE_CAPABILITIES_2_EXTENSION_NAME};
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_API_VERSION_1_3};
   VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                .pApplicationInfo = &application,
                                .enabledExtensionCount = 3,
                                .ppEnabledExtensionNames = extensions};
   uint32_t count = 1;
   if (vkCreateInstance(&info, NULL, &gpu->instance) == VK_ERROR_EXTENSION_NOT_PRESENT) {
      info.enabledExtensionCount = 0; /* then nothing is presented */
      OK(vkCreateInstance(&info, NULL, &gpu->instance));
   }
   NEED(vkEnumeratePhysicalDevices(gpu->instance, &count, &gpu->physical) >= 0 && count == 1);
}

int main(int argc, char **argv)
{
   struct gpu gpu;
   unsigned done = 0;
   open_instance(&gpu);
   for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
      for (const struct part *part = all[i]; part->name; part++)
         done += is_wanted(part, argc, argv) && run_part(&gpu, part);
   }
   vkDestroyInstance(gpu.instance, NULL);
   return done ? 0 : 77;
}
