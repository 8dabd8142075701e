/* SPDX-License-Identifier: MIT */

/* A Vulkan layer for tests and measurements. It stops a program for ever after it has presented a number of frames, so
 * that what is on the display can be compared with another run's: VP_FREEZE_AT is the number; VP_FREEZE_FILE is created
 * then, and names the window system that the program's last surface was for. Before frame VP_HOLD_AT, if that is set,
 * the program waits until the file VP_HOLD_FILE exists; at frame VP_RENDERDOC_AT RenderDoc is told to capture the next
 * one. Or it ends the program after VP_FREEZE_SECONDS, counted from half a second after the first frame, and writes to
 * VP_FREEZE_FILE how many frames it presented in that time, and the time in seconds. One instance and one device, which
 * is what the programs have. */

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#include "common/util/text.h"
#include "tests/e2e/layers/layer.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL freeze_get_instance_proc_addr(VkInstance instance, const char *name);
EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL freeze_get_device_proc_addr(VkDevice device, const char *name);

static PFN_vkGetInstanceProcAddr next_instance;
static PFN_vkGetDeviceProcAddr next_device;
static PFN_vkQueuePresentKHR next_present;

/* --- surfaces; what is in their structs is of no interest here --- */

enum surface {
   XCB,
   XLIB,
   WAYLAND,
   SURFACES,
};
static const char *const surface_names[] = {"xcb", "xlib", "wayland", "none"};
static const char *const surface_functions[] = {"vkCreateXcbSurfaceKHR", "vkCreateXlibSurfaceKHR",
                                                "vkCreateWaylandSurfaceKHR"};
static enum surface last_surface = SURFACES;

typedef VkResult(VKAPI_PTR *create_surface_function)(VkInstance instance, const void *info,
                                                     const VkAllocationCallbacks *allocator, VkSurfaceKHR *surface);
static create_surface_function next_create[SURFACES];

static VKAPI_ATTR VkResult VKAPI_CALL create_xcb(VkInstance instance, const void *info,
                                                 const VkAllocationCallbacks *allocator, VkSurfaceKHR *surface)
{
   last_surface = XCB;
   return next_create[XCB](instance, info, allocator, surface);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_xlib(VkInstance instance, const void *info,
                                                  const VkAllocationCallbacks *allocator, VkSurfaceKHR *surface)
{
   last_surface = XLIB;
   return next_create[XLIB](instance, info, allocator, surface);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_wayland(VkInstance instance, const void *info,
                                                     const VkAllocationCallbacks *allocator, VkSurfaceKHR *surface)
{
   last_surface = WAYLAND;
   return next_create[WAYLAND](instance, info, allocator, surface);
}

/* --- GPUs --- */

static PFN_vkGetPhysicalDeviceProperties next_properties;
static PFN_vkGetPhysicalDeviceProperties2 next_properties2;

static void hide_type(VkPhysicalDeviceProperties *properties)
{
   if (getenv("VP_HIDE_CPU"))
      properties->deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
}

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice gpu, VkPhysicalDeviceProperties *properties)
{
   next_properties(gpu, properties);
   hide_type(properties);
}

static VKAPI_ATTR void VKAPI_CALL get_properties2(VkPhysicalDevice gpu, VkPhysicalDeviceProperties2 *properties)
{
   next_properties2(gpu, properties);
   hide_type(&properties->properties);
}

/* --- instance and device --- */

/* What comes next must be asked now: later the loader gives us ourselves. */
static void find_next(VkInstance instance)
{
   for (unsigned i = 0; i < SURFACES; i++)
      next_create[i] = (create_surface_function)next_instance(instance, surface_functions[i]);
   next_properties = (PFN_vkGetPhysicalDeviceProperties)next_instance(instance, "vkGetPhysicalDeviceProperties");
   next_properties2 = (PFN_vkGetPhysicalDeviceProperties2)next_instance(instance, "vkGetPhysicalDeviceProperties2");
   if (!next_properties2)
      next_properties2 =
         (PFN_vkGetPhysicalDeviceProperties2)next_instance(instance, "vkGetPhysicalDeviceProperties2KHR");
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator, VkInstance *instance)
{
   const VkResult result = layer_create_instance(info, allocator, instance, &next_instance);
   if (result == VK_SUCCESS)
      find_next(*instance);
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkDevice *device)
{
   const VkResult result = layer_create_device(gpu, info, allocator, device, &next_device);
   if (result == VK_SUCCESS)
      next_present = (PFN_vkQueuePresentKHR)next_device(*device, "vkQueuePresentKHR");
   return result;
}

/* --- RenderDoc --- */

/* Where TriggerCapture stands in the table of functions that RenderDoc gives a program: so since its version 1.0.0. */
#define RENDERDOC_VERSION 10000
#define RENDERDOC_TRIGGER 15

typedef int (*renderdoc_get_api)(int version, void *table);

/* Has RenderDoc, which is in the process if its layer is, capture the next frame. */
static void trigger_renderdoc(void)
{
   void *library = dlopen("librenderdoc.so", RTLD_NOW | RTLD_NOLOAD);
   const renderdoc_get_api get = library ? (renderdoc_get_api)dlsym(library, "RENDERDOC_GetAPI") : NULL;
   void (**table)(void) = NULL;
   if (get && get(RENDERDOC_VERSION, &table) == 1 && table)
      table[RENDERDOC_TRIGGER]();
   else
      fprintf(stderr, "freeze_layer: RenderDoc is not there\n");
}

/* --- frames --- */

/* Creates the file with a line of text. */
static void write_file(const char *text)
{
   const char *name = getenv("VP_FREEZE_FILE");
   FILE *file = name ? fopen(name, "w") : NULL;
   if (file) {
      fprintf(file, "%s\n", text);
      fclose(file);
   }
}

static void freeze(void)
{
   write_file(surface_names[last_surface]);
   for (;;)
      pause();
}

static double now(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* After each frame. */
static void count(double wanted_seconds)
{
   static long frames;
   static double start;
   char text[64], number[VP_TEXT_DECIMAL_SIZE];
   if (!start)
      start = now() + 0.5;
   const double seconds = now() - start;
   frames += seconds >= 0;
   if (seconds < wanted_seconds)
      return;
   snprintf(text, sizeof(text), "%ld %s", frames, vp_text_format_decimal(number, seconds, 3));
   write_file(text);
   exit(0);
}

static void hold(void)
{
   const char *name = getenv("VP_HOLD_FILE");
   while (name && access(name, F_OK))
      nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* Whether the frame is the one that the variable names. */
static bool is_frame(long frame, const char *variable)
{
   const char *value = getenv(variable);
   return value && frame == strtol(value, NULL, 10);
}

static VKAPI_ATTR VkResult VKAPI_CALL present(VkQueue queue, const VkPresentInfoKHR *info)
{
   static long frame;
   const char *seconds = getenv("VP_FREEZE_SECONDS");
   if (is_frame(++frame, "VP_HOLD_AT"))
      hold();
   if (is_frame(frame, "VP_RENDERDOC_AT"))
      trigger_renderdoc();
   const VkResult result = next_present(queue, info);
   double wanted;
   if (seconds && vp_text_parse_decimal(seconds, &wanted))
      count(wanted);
   if (is_frame(frame, "VP_FREEZE_AT"))
      freeze();
   return result;
}

static PFN_vkVoidFunction find(const char *name)
{
   static const struct {
      const char *name;
      PFN_vkVoidFunction function;
   } functions[] = {
      {"vkGetInstanceProcAddr", (PFN_vkVoidFunction)freeze_get_instance_proc_addr},
      {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)freeze_get_device_proc_addr},
      {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
      {"vkCreateDevice", (PFN_vkVoidFunction)create_device},
      {"vkCreateXcbSurfaceKHR", (PFN_vkVoidFunction)create_xcb},
      {"vkCreateXlibSurfaceKHR", (PFN_vkVoidFunction)create_xlib},
      {"vkCreateWaylandSurfaceKHR", (PFN_vkVoidFunction)create_wayland},
      {"vkGetPhysicalDeviceProperties", (PFN_vkVoidFunction)get_properties},
      {"vkGetPhysicalDeviceProperties2", (PFN_vkVoidFunction)get_properties2},
      {"vkGetPhysicalDeviceProperties2KHR", (PFN_vkVoidFunction)get_properties2},
      {"vkQueuePresentKHR", (PFN_vkVoidFunction)present},
   };
   for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
      if (!strcmp(functions[i].name, name))
         return functions[i].function;
   }
   return NULL;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL freeze_get_instance_proc_addr(VkInstance instance, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_instance ? own : next_instance(instance, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL freeze_get_device_proc_addr(VkDevice device, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_device ? own : next_device(device, name);
}
