/* SPDX-License-Identifier: MIT */

/* Lists the GPUs with a VkInstance of its own, without those of our own driver, and says which of them --gpu selects,
 * by number or by name. */

#include "server/process/gpu_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/identity.h"
#include "common/util/text.h"

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
   return true;
}

/* The list stays empty on failure. */
static VkResult list_gpus(struct vps_gpu_list *list, VkInstance instance)
{
   uint32_t count = 0;
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

bool vps_gpu_list_init(struct vps_gpu_list *list, char *error, size_t error_size)
{
   VkInstance instance;

   *list = (struct vps_gpu_list){0};
   VkResult result = vps_gpu_instance_create(&instance);
   if (result == VK_SUCCESS) {
      result = list_gpus(list, instance);
      vkDestroyInstance(instance, NULL);
   }

   if (result == VK_SUCCESS && list->count > 0)
      return true;
   vps_gpu_list_finish(list);
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

static bool is_index(const char *wanted)
{
   return wanted[0] != '\0' && strspn(wanted, "0123456789") == strlen(wanted);
}

static bool gpu_matches(const char *wanted, unsigned index, const char *name)
{
   if (!is_index(wanted))
      return strcasestr(name, wanted) != NULL;

   char text[16];
   snprintf(text, sizeof(text), "%u", index);
   while (wanted[0] == '0' && wanted[1] != '\0')
      wanted++;
   return strcmp(text, wanted) == 0;
}

bool vps_gpu_selected(const struct vps_options *options, unsigned index, const char *name)
{
   for (unsigned i = 0; i < options->gpu_count; i++) {
      if (gpu_matches(options->gpus[i], index, name))
         return true;
   }
   return options->gpu_count == 0;
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
         found = found || gpu_matches(options->gpus[i], k, list->gpus[k].name);
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
      if (vps_gpu_selected(options, i, gpu->name))
         fprintf(out, "%5u  %-*s  %-10s  %-*s  %u.%u.%u\n", i, name_width, gpu->name, type_name(gpu->type),
                 driver_width, gpu->driver, VK_API_VERSION_MAJOR(gpu->api_version),
                 VK_API_VERSION_MINOR(gpu->api_version), VK_API_VERSION_PATCH(gpu->api_version));
   }
}
