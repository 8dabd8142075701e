/* SPDX-License-Identifier: MIT */

/* Lists the GPUs with a VkInstance of its own, without those of our own driver, and says which of them --gpu selects,
 * by number, name or PCI address. */

#include "server/process/gpu_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/util/gpu_choice.h"
#include "common/util/identity.h"
#include "common/util/text.h"

#define PCI_PREFIX "pci:"

static const char *type_name(VkPhysicalDeviceType type)
{
   switch (type) {
   case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated";
   case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete";
   case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual";
   case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "software";
   default:
      return "other";
   }
}

VkResult vps_gpu_instance_create(VkInstance *instance)
{
   uint32_t version = VK_API_VERSION_1_0;
   vkEnumerateInstanceVersion(&version);
   if (version > VK_API_VERSION_1_3)
      version = VK_API_VERSION_1_3;

   const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = "venus-server",
      .apiVersion = version,
   };
   const VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &application,
   };
   return vkCreateInstance(&info, NULL, instance);
}

static uint64_t memory_of(VkPhysicalDevice device)
{
   VkPhysicalDeviceMemoryProperties properties;
   uint64_t size = 0;

   vkGetPhysicalDeviceMemoryProperties(device, &properties);
   for (uint32_t i = 0; i < properties.memoryHeapCount; i++) {
      if (properties.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
         size += properties.memoryHeaps[i].size;
   }
   return size;
}

bool vps_gpu_has_extension(VkPhysicalDevice device, PFN_vkEnumerateDeviceExtensionProperties enumerate,
                           const char *name)
{
   uint32_t count = 0;
   bool found = false;

   if (!enumerate || enumerate(device, NULL, &count, NULL) != VK_SUCCESS || count == 0)
      return false;
   VkExtensionProperties *extensions = calloc(count, sizeof(*extensions));
   if (extensions && enumerate(device, NULL, &count, extensions) >= 0) {
      for (uint32_t i = 0; i < count; i++)
         found = found || strcmp(extensions[i].extensionName, name) == 0;
   }
   free(extensions);
   return found;
}

void vps_gpu_find_pci(char pci[VPS_GPU_PCI_SIZE], VkPhysicalDevice device,
                      PFN_vkEnumerateDeviceExtensionProperties enumerate, PFN_vkGetPhysicalDeviceProperties2 get)
{
   VkPhysicalDevicePCIBusInfoPropertiesEXT bus = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT,
   };
   VkPhysicalDeviceProperties2 properties = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
      .pNext = &bus,
   };

   pci[0] = '\0';
   if (!get || !vps_gpu_has_extension(device, enumerate, VK_EXT_PCI_BUS_INFO_EXTENSION_NAME))
      return;
   get(device, &properties);
   snprintf(pci, VPS_GPU_PCI_SIZE, "%04x:%02x:%02x.%x", bus.pciDomain, bus.pciBus, bus.pciDevice, bus.pciFunction);
}

/* False when it is our own driver. */
static bool describe_gpu(VkPhysicalDevice device, struct vps_gpu *gpu)
{
   VkPhysicalDeviceDriverProperties driver = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
   };
   VkPhysicalDeviceProperties2 properties = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
      .pNext = &driver,
   };

   /* A device that is older than 1.2 and its extension says nothing about its driver. */
   vkGetPhysicalDeviceProperties(device, &properties.properties);
   if (properties.properties.apiVersion >= VK_API_VERSION_1_2)
      vkGetPhysicalDeviceProperties2(device, &properties);
   if (properties.properties.apiVersion >= VK_API_VERSION_1_1)
      vps_gpu_find_pci(gpu->pci, device, vkEnumerateDeviceExtensionProperties, vkGetPhysicalDeviceProperties2);
   if ((uint32_t)driver.driverID == VP_VENUS_PLUS_DRIVER_ID)
      return false;

   vp_text_copy(gpu->name, sizeof(gpu->name), properties.properties.deviceName, sizeof(gpu->name) - 1);
   if (driver.driverName[0])
      snprintf(gpu->driver, sizeof(gpu->driver), "%s %s", driver.driverName, driver.driverInfo);
   else
      snprintf(gpu->driver, sizeof(gpu->driver), "version 0x%08x", properties.properties.driverVersion);
   vp_text_make_line(gpu->name);
   vp_text_make_line(gpu->driver);
   gpu->type = properties.properties.deviceType;
   gpu->api_version = properties.properties.apiVersion;
   gpu->memory = memory_of(device);
   return true;
}

VkResult vps_gpu_list_of(struct vps_gpu_list *list, VkInstance instance)
{
   uint32_t count = 0;

   *list = (struct vps_gpu_list){0};
   VkResult result = vkEnumeratePhysicalDevices(instance, &count, NULL);
   if (result != VK_SUCCESS || count == 0)
      return result;

   VkPhysicalDevice *devices = calloc(count, sizeof(VkPhysicalDevice));
   list->gpus = calloc(count, sizeof(*list->gpus));
   if (!devices || !list->gpus) {
      free(devices);
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }

   /* VK_INCOMPLETE: one more was plugged in just now; without it then. */
   result = vkEnumeratePhysicalDevices(instance, &count, devices);
   if (result == VK_SUCCESS || result == VK_INCOMPLETE) {
      for (uint32_t i = 0; i < count; i++) {
         if (describe_gpu(devices[i], &list->gpus[list->count]))
            list->count++;
      }
      result = VK_SUCCESS;
   }
   free(devices);
   return result;
}

/* A variable of the Vulkan loader that says which drivers it looks at, and its value; NULL: none does. */
static const char *find_driver_choice(const char **value)
{
   static const char *const names[] = {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_LOADER_DRIVERS_SELECT",
                                       "VK_LOADER_DRIVERS_DISABLE"};

   for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
      *value = getenv(names[i]);
      if (*value && **value)
         return names[i];
   }
   return NULL;
}

/* What is in the environment is likelier than that there is no driver, or no GPU. */
static bool blame_environment(char *error, size_t error_size)
{
   const char *value = NULL, *name = find_driver_choice(&value);

   if (!name || !value)
      return false;
   if (strstr(value, VP_MANIFEST_START))
      snprintf(error, error_size,
               "%s=%.200s in the server's environment names the driver of Venus Plus, which is for clients: start the "
               "server without that variable, so that it finds the driver of the GPU",
               name, value);
   else
      snprintf(error, error_size,
               "with %s=%.200s in the server's environment, no Vulkan driver with a GPU is found; start it without "
               "that variable, or name the driver of the GPU there",
               name, value);
   return true;
}

bool vps_gpu_list_init(struct vps_gpu_list *list, char *error, size_t error_size)
{
   VkInstance instance;

   *list = (struct vps_gpu_list){0};
   VkResult result = vps_gpu_instance_create(&instance);
   if (result == VK_SUCCESS) {
      result = vps_gpu_list_of(list, instance);
      vkDestroyInstance(instance, NULL);
   }

   if (result == VK_SUCCESS && list->count > 0)
      return true;
   vps_gpu_list_finish(list);
   /* The loader's own words for no driver, and for drivers without a GPU. */
   const bool none = result == VK_ERROR_INCOMPATIBLE_DRIVER || result == VK_ERROR_INITIALIZATION_FAILED;
   if ((none || result == VK_SUCCESS) && blame_environment(error, error_size))
      return false;
   if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
      snprintf(error, error_size,
               "no Vulkan driver found on this machine; install the one of your GPU, or mesa-vulkan-drivers "
               "(and see whether vulkaninfo works)");
   else if (result == VK_SUCCESS)
      snprintf(error, error_size,
               "the Vulkan drivers of this machine find no GPU; see whether vulkaninfo works here, and whether "
               "this user may use the GPU (/dev/dri)");
   else
      snprintf(error, error_size,
               "the Vulkan drivers of this machine fail with VkResult %d; see whether vulkaninfo works here", result);
   return false;
}

void vps_gpu_list_finish(struct vps_gpu_list *list)
{
   free(list->gpus);
   *list = (struct vps_gpu_list){0};
}

static bool is_pci(const char *wanted)
{
   return strncasecmp(wanted, PCI_PREFIX, strlen(PCI_PREFIX)) == 0;
}

static bool gpu_is_meant(const char *wanted, unsigned index, const char *name, const char *pci)
{
   if (is_pci(wanted))
      return *pci && strcasecmp(wanted + strlen(PCI_PREFIX), pci) == 0;
   return vp_gpu_is_meant(wanted, index, name);
}

bool vps_gpu_selected(const struct vps_options *options, unsigned index, const char *name, const char *pci)
{
   for (unsigned i = 0; i < options->gpu_count; i++) {
      if (gpu_is_meant(options->gpus[i], index, name, pci))
         return true;
   }
   return options->gpu_count == 0;
}

bool vps_gpu_selects_by_pci(const struct vps_options *options)
{
   bool any = false;

   for (unsigned i = 0; i < options->gpu_count; i++)
      any = any || is_pci(options->gpus[i]);
   return any;
}

static bool layer_exists(const char *name)
{
   uint32_t count = 0;
   if (vkEnumerateInstanceLayerProperties(&count, NULL) != VK_SUCCESS || count == 0)
      return false;

   VkLayerProperties *layers = calloc(count, sizeof(*layers));
   bool found = false;
   if (layers && vkEnumerateInstanceLayerProperties(&count, layers) >= 0) {
      for (uint32_t i = 0; i < count; i++)
         found = found || strcmp(layers[i].layerName, name) == 0;
   }
   free(layers);
   return found;
}

bool vps_gpu_list_check(const struct vps_gpu_list *list, const struct vps_options *options, char *error,
                        size_t error_size)
{
   for (unsigned i = 0; i < options->gpu_count; i++) {
      bool found = false;
      for (unsigned k = 0; k < list->count; k++)
         found = found || gpu_is_meant(options->gpus[i], k, list->gpus[k].name, list->gpus[k].pci);
      if (!found) {
         snprintf(error, error_size, "there is no GPU \"%s\" on this machine; venus-server --list shows what there is",
                  options->gpus[i]);
         return false;
      }
   }
   if (options->validate && !layer_exists(VPS_VALIDATION_LAYER)) {
      snprintf(error, error_size,
               "the layer " VPS_VALIDATION_LAYER " is not installed; install vulkan-validationlayers, or leave "
               "--validate out");
      return false;
   }
   return true;
}

static int max_width(int width, const char *text)
{
   const int length = (int)strlen(text);

   return length > width ? length : width;
}

void vps_gpu_list_print(const struct vps_gpu_list *list, const struct vps_options *options, FILE *out)
{
   int name_width = 4, driver_width = 6;

   for (unsigned i = 0; i < list->count; i++) {
      name_width = max_width(name_width, list->gpus[i].name);
      driver_width = max_width(driver_width, list->gpus[i].driver);
   }

   fprintf(out, "index  %-*s  %-10s  %-*s  Vulkan\n", name_width, "name", "type", driver_width, "driver");
   for (unsigned i = 0; i < list->count; i++) {
      const struct vps_gpu *gpu = &list->gpus[i];
      if (vps_gpu_selected(options, i, gpu->name, gpu->pci))
         fprintf(out, "%5u  %-*s  %-10s  %-*s  %u.%u.%u%s%s\n", i, name_width, gpu->name, type_name(gpu->type),
                 driver_width, gpu->driver, VK_API_VERSION_MAJOR(gpu->api_version),
                 VK_API_VERSION_MINOR(gpu->api_version), VK_API_VERSION_PATCH(gpu->api_version),
                 gpu->pci[0] ? "  " PCI_PREFIX : "", gpu->pci);
   }
}
