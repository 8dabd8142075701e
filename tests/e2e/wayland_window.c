/* SPDX-License-Identifier: MIT */

/* Presents to windows of Wayland that are shown, minimised, and destroyed with frames under way; then, if asked to,
 * until the compositor is gone. No call may take longer than it should, and each must say what has become of the
 * window.
 *
 * Usage: wayland_window fifo|mailbox [FILE]
 * With a file: it is created when everything else is done, and then frames are presented until a call fails. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vulkan/vulkan.h>
#include <wayland-client.h>
#include <vulkan/vulkan_wayland.h>

#include "tests/e2e/need.h"
#include "xdg-shell-client-protocol.h"

#define SECOND UINT64_C(1000000000)
#define MAX_IMAGES 32
#define WIDTH 320
#define HEIGHT 240

static double now(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- Wayland --- */

static struct wl_display *display;
static struct wl_compositor *compositor;
static struct xdg_wm_base *shell;

static void handle_global(void *data, struct wl_registry *registry, uint32_t name, const char *interface,
                          uint32_t version)
{
   (void)data, (void)version;
   if (!strcmp(interface, wl_compositor_interface.name))
      compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 1);
   if (!strcmp(interface, xdg_wm_base_interface.name))
      shell = wl_registry_bind(registry, name, &xdg_wm_base_interface, 1);
}

static void handle_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
   (void)data, (void)registry, (void)name;
}

static void handle_ping(void *data, struct xdg_wm_base *base, uint32_t serial)
{
   (void)data;
   xdg_wm_base_pong(base, serial);
}

static void handle_configure(void *data, struct xdg_surface *surface, uint32_t serial)
{
   (void)data;
   xdg_surface_ack_configure(surface, serial);
}

static const struct wl_registry_listener registry_listener = {handle_global, handle_global_remove};
static const struct xdg_wm_base_listener shell_listener = {handle_ping};
static const struct xdg_surface_listener surface_listener = {handle_configure};

static void connect_to_display(void)
{
   display = wl_display_connect(NULL);
   NEED(display);
   struct wl_registry *registry = wl_display_get_registry(display);
   wl_registry_add_listener(registry, &registry_listener, NULL);
   wl_display_roundtrip(display);
   NEED(compositor && shell);
   xdg_wm_base_add_listener(shell, &shell_listener, NULL);
   wl_registry_destroy(registry);
}

/* --- Vulkan --- */

static VkInstance instance;
static VkPhysicalDevice gpu;
static VkDevice device;
static VkQueue queue;
static VkCommandPool pool;

static void create_device(void)
{
   static const char *const instance_extensions[] = {VK_KHR_SURFACE_EXTENSION_NAME,
                                                     VK_KHR_WAYLAND_SURFACE_EXTENSION_NAME};
   static const char *const device_extensions[] = {VK_KHR_SWAPCHAIN_EXTENSION_NAME};
   const VkInstanceCreateInfo instance_info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .enabledExtensionCount = 2,
      .ppEnabledExtensionNames = instance_extensions,
   };
   const float priority = 1;
   const VkDeviceQueueCreateInfo queues = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queues,
      .enabledExtensionCount = 1,
      .ppEnabledExtensionNames = device_extensions,
   };
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   uint32_t count = 1;
   OK(vkCreateInstance(&instance_info, NULL, &instance));
   vkEnumeratePhysicalDevices(instance, &count, &gpu);
   NEED(count == 1);
   OK(vkCreateDevice(gpu, &info, NULL, &device));
   vkGetDeviceQueue(device, 0, 0, &queue);
   OK(vkCreateCommandPool(device, &pool_info, NULL, &pool));
}

/* --- a window --- */

struct window {
   struct wl_surface *surface;
   struct xdg_surface *shell_surface;
   struct xdg_toplevel *toplevel;
   VkSurfaceKHR vulkan_surface;
   VkSwapchainKHR swapchain;
   VkImage images[MAX_IMAGES];
   uint32_t image_count;
   VkFence fence;
   VkSemaphore rendered;
};

static VkPresentModeKHR mode;

static void create_swapchain(struct window *window, uint32_t width, uint32_t height)
{
   VkSurfaceCapabilitiesKHR capabilities;
   OK(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(gpu, window->vulkan_surface, &capabilities));
   const VkSwapchainCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
      .surface = window->vulkan_surface,
      .minImageCount = capabilities.minImageCount,
      .imageFormat = VK_FORMAT_B8G8R8A8_UNORM,
      .imageColorSpace = VK_COLOR_SPACE_SRGB_NONLINEAR_KHR,
      .imageExtent = {width, height},
      .imageArrayLayers = 1,
      .imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
      .preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
      .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
      .presentMode = mode,
      .oldSwapchain = window->swapchain,
   };
   const VkSwapchainKHR old = window->swapchain;
   OK(vkCreateSwapchainKHR(device, &info, NULL, &window->swapchain));
   vkDestroySwapchainKHR(device, old, NULL);
   window->image_count = MAX_IMAGES;
   OK(vkGetSwapchainImagesKHR(device, window->swapchain, &window->image_count, window->images));
}

static void create_window(struct window *window)
{
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
   *window = (struct window){.surface = wl_compositor_create_surface(compositor)};
   window->shell_surface = xdg_wm_base_get_xdg_surface(shell, window->surface);
   xdg_surface_add_listener(window->shell_surface, &surface_listener, NULL);
   window->toplevel = xdg_surface_get_toplevel(window->shell_surface);
   wl_surface_commit(window->surface);
   wl_display_roundtrip(display);
   const VkWaylandSurfaceCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_WAYLAND_SURFACE_CREATE_INFO_KHR,
      .display = display,
      .surface = window->surface,
   };
   const PFN_vkCreateWaylandSurfaceKHR create =
      (PFN_vkCreateWaylandSurfaceKHR)vkGetInstanceProcAddr(instance, "vkCreateWaylandSurfaceKHR");
   OK(create(instance, &info, NULL, &window->vulkan_surface));
   OK(vkCreateFence(device, &fence, NULL, &window->fence));
   OK(vkCreateSemaphore(device, &semaphore, NULL, &window->rendered));
   create_swapchain(window, WIDTH, HEIGHT);
}

/* Frames may be under way. */
static void destroy_window(struct window *window)
{
   vkDestroySwapchainKHR(device, window->swapchain, NULL);
   vkDestroySurfaceKHR(instance, window->vulkan_surface, NULL);
   xdg_toplevel_destroy(window->toplevel);
   xdg_surface_destroy(window->shell_surface);
   wl_surface_destroy(window->surface);
   vkDeviceWaitIdle(device);
   vkDestroyFence(device, window->fence, NULL);
   vkDestroySemaphore(device, window->rendered, NULL);
}

/* --- frames --- */

static void render(struct window *window, VkImage image)
{
   const VkCommandBufferAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
   static uint32_t shade;
   const VkClearColorValue color = {.float32 = {(float)(shade++ % 64) / 64, 0, 0, 1}};
   VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
      .newLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = range,
   };
   VkCommandBuffer commands;
   OK(vkAllocateCommandBuffers(device, &allocation, &commands));
   OK(vkBeginCommandBuffer(commands, &begin));
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0, NULL,
                        1, &barrier);
   vkCmdClearColorImage(commands, image, barrier.newLayout, &color, 1, &range);
   barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
   barrier.dstAccessMask = 0;
   barrier.oldLayout = barrier.newLayout;
   barrier.newLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR;
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, NULL, 0,
                        NULL, 1, &barrier);
   OK(vkEndCommandBuffer(commands));
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
      .signalSemaphoreCount = 1,
      .pSignalSemaphores = &window->rendered,
   };
   OK(vkQueueSubmit(queue, 1, &submit, VK_NULL_HANDLE));
}

/* Reads what the compositor says and presents a frame. */
static VkResult draw_frame(struct window *window)
{
   uint32_t index;
   wl_display_roundtrip(display);
   VkResult result =
      vkAcquireNextImageKHR(device, window->swapchain, 20 * SECOND, VK_NULL_HANDLE, window->fence, &index);
   if (result != VK_SUCCESS)
      return result;
   OK(vkWaitForFences(device, 1, &window->fence, VK_TRUE, SECOND));
   OK(vkResetFences(device, 1, &window->fence));
   render(window, window->images[index]);
   const VkPresentInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &window->rendered,
      .swapchainCount = 1,
      .pSwapchains = &window->swapchain,
      .pImageIndices = &index,
   };
   return vkQueuePresentKHR(queue, &info);
}

/* The slowest of them, in seconds. */
static double draw_frames(struct window *window, unsigned count)
{
   double slowest = 0;
   for (unsigned i = 0; i < count; i++) {
      const double before = now();
      const VkResult result = draw_frame(window);
      if (result != VK_SUCCESS) {
         printf("frame %u of %u gives %d after %.2f s\n", i, count, result, now() - before);
         exit(1);
      }
      slowest = now() - before > slowest ? now() - before : slowest;
   }
   return slowest;
}

/* --- what is tried --- */

static void test_shown_and_hidden(void)
{
   struct window window;
   create_window(&window);
   const double start = now();
   draw_frames(&window, 120);
   printf("120 frames in %.2f s\n", now() - start);
   xdg_toplevel_set_minimized(window.toplevel);
   wl_display_roundtrip(display);
   const double slowest = draw_frames(&window, 8);
   printf("minimised, a frame takes up to %.2f s\n", slowest);
   NEED(slowest < 2);
   destroy_window(&window);
}

static void test_destruction(void)
{
   for (unsigned i = 0; i < 20; i++) {
      struct window window;
      create_window(&window);
      draw_frames(&window, i % 5);
      if (i % 2) {
         create_swapchain(&window, WIDTH + i, HEIGHT - i);
         draw_frames(&window, i % 4);
      }
      destroy_window(&window);
   }
}

static void test_lost_display(const char *name)
{
   struct window window;
   VkResult result = VK_SUCCESS;
   create_window(&window);
   FILE *file = fopen(name, "w");
   NEED(file);
   fclose(file);
   for (const double start = now(); result >= 0 && now() - start < 20;)
      result = draw_frame(&window);
   printf("without the compositor a call gives %d\n", result);
   NEED(result == VK_ERROR_SURFACE_LOST_KHR);
   destroy_window(&window);
}

int main(int argc, char **argv)
{
   NEED(argc >= 2);
   mode = strcmp(argv[1], "mailbox") ? VK_PRESENT_MODE_FIFO_KHR : VK_PRESENT_MODE_MAILBOX_KHR;
   connect_to_display();
   create_device();
   test_shown_and_hidden();
   test_destruction();
   if (argc > 2)
      test_lost_display(argv[2]);
   vkDestroyCommandPool(device, pool, NULL);
   vkDestroyDevice(device, NULL);
   vkDestroyInstance(instance, NULL);
   xdg_wm_base_destroy(shell);
   wl_compositor_destroy(compositor);
   wl_display_disconnect(display);
   return 0;
}
