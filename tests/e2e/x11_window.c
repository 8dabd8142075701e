/* SPDX-License-Identifier: MIT */

/* Draws a known moving pattern with the number of the frame in it into an X11 window, and reads back from the display
 * what is to be seen there: which frames, in which order, how late, and whether each is the right picture to the last
 * bit. Then it changes the window's size many times, hides it, and destroys it under the swapchain.
 *
 * Usage: x11_window MODE FRAMES WIDTH HEIGHT [RESIZES [lossy]]
 * With `lossy`, pictures need only be similar while they move; the last one must become exact.
 * Prints one line of figures; the exit status is 1 when something is wrong. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vulkan/vulkan.h>
#include <xcb/xcb.h>
#include <vulkan/vulkan_xcb.h>

#define SECOND UINT64_C(1000000000)
#define IMAGES 4
#define MAX_IMAGES 16
#define BITS 16 /* of the frame's number, each a block of 8x8 pixels at the top */
#define MAX_FRAMES 60000
#define MAX_ERROR 16 /* of a byte, on average, in pictures that are only similar */

static int failures;

#define FAIL(...)                            \
   do {                                      \
      printf("x11_window.c:%d: ", __LINE__); \
      printf(__VA_ARGS__);                   \
      printf("\n");                          \
      failures++;                            \
   } while (0)

/* What cannot go on. */
#define NEED(condition)                                                 \
   do {                                                                 \
      if (!(condition)) {                                               \
         printf("x11_window.c:%d: %s: not so\n", __LINE__, #condition); \
         exit(1);                                                       \
      }                                                                 \
   } while (0)

#define OK(call) NEED((call) == VK_SUCCESS)

static int64_t now_ns(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* --- the pattern --- */

static uint32_t pattern_pixel(uint32_t n, uint32_t x, uint32_t y)
{
   if (y < 8 && x < 8 * BITS)
      return n >> (x / 8) & 1 ? 0xffffffff : 0xff000000;
   return 0xff000000 | (n * 7 & 255) << 16 | ((2 * y + n) & 255) << 8 | ((x + 3 * n) & 255);
}

static void draw_pattern(uint32_t *pixels, uint32_t n, uint32_t width, uint32_t height)
{
   for (uint32_t y = 0; y < height; y++) {
      for (uint32_t x = 0; x < width; x++)
         *pixels++ = pattern_pixel(n, x, y);
   }
}

/* From the middle of the blocks, which is where coarse pictures are right. */
static uint32_t read_number(const uint32_t *pixels, uint32_t width)
{
   uint32_t n = 0;
   for (uint32_t bit = 0; bit < BITS; bit++)
      n |= (uint32_t)((pixels[(size_t)4 * width + (size_t)8 * bit + 4] >> 8 & 255) > 127) << bit;
   return n;
}

/* Windows without alpha have anything in the uppermost byte. */
static bool is_pattern(const uint32_t *pixels, uint32_t n, uint32_t width, uint32_t height)
{
   for (uint32_t y = 0; y < height; y++) {
      for (uint32_t x = 0; x < width; x++) {
         if ((*pixels++ ^ pattern_pixel(n, x, y)) & 0xffffff)
            return false;
      }
   }
   return true;
}

static uint32_t byte_difference(uint32_t a, uint32_t b, unsigned shift)
{
   const int difference = (int)(a >> shift & 255) - (int)(b >> shift & 255);
   return (uint32_t)abs(difference);
}

static bool is_similar(const uint32_t *pixels, uint32_t n, uint32_t width, uint32_t height)
{
   uint64_t sum = 0;
   for (uint32_t y = 0; y < height; y++) {
      for (uint32_t x = 0; x < width; x++, pixels++) {
         for (unsigned shift = 0; shift < 24; shift += 8)
            sum += byte_difference(*pixels, pattern_pixel(n, x, y), shift);
      }
   }

   return sum < (uint64_t)MAX_ERROR * 3 * width * height;
}

/* --- the window --- */

static xcb_connection_t *connection;
static xcb_window_t window;

static void create_window(uint32_t width, uint32_t height)
{
   connection = xcb_connect(NULL, NULL);
   NEED(!xcb_connection_has_error(connection));
   const xcb_screen_t *screen = xcb_setup_roots_iterator(xcb_get_setup(connection)).data;
   const uint32_t values[] = {screen->black_pixel, 1 /* override redirect */};
   window = xcb_generate_id(connection);
   xcb_create_window(connection, XCB_COPY_FROM_PARENT, window, screen->root, 0, 0, (uint16_t)width, (uint16_t)height, 0,
                     XCB_WINDOW_CLASS_INPUT_OUTPUT, screen->root_visual, XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT,
                     values);
   xcb_map_window(connection, window);
   xcb_flush(connection);
}

/* Nothing but our window's death may be found among the events of the connection. */
static void check_events(void)
{
   xcb_generic_event_t *event;
   while ((event = xcb_poll_for_event(connection))) {
      if (!event->response_type)
         FAIL("the connection got an error %u of request %u", ((xcb_generic_error_t *)event)->error_code,
              ((xcb_generic_error_t *)event)->major_code);
      free(event);
   }
}

/* --- reading back --- */

struct reader {
   uint32_t width, height;
   bool lossy;
   atomic_bool stop, exact;                               /* exact: the frame that was seen last is, by now */
   int64_t presented_ns[MAX_FRAMES], seen_ns[MAX_FRAMES]; /* by frame; 0: not */
   _Atomic uint32_t last;
   uint32_t looks; /* how often it looked */
};

static struct reader reader;

static void look(xcb_connection_t *own)
{
   xcb_get_image_reply_t *reply =
      xcb_get_image_reply(own,
                          xcb_get_image(own, XCB_IMAGE_FORMAT_Z_PIXMAP, window, 0, 0, (uint16_t)reader.width,
                                        (uint16_t)reader.height, UINT32_MAX),
                          NULL);
   if (!reply)
      return;
   const uint32_t *pixels = (const uint32_t *)(const void *)xcb_get_image_data(reply);
   const uint32_t n = read_number(pixels, reader.width), last = reader.last;
   const bool exact = is_pattern(pixels, n, reader.width, reader.height);
   if (n == last)
      reader.exact = exact;
   if (n != last && n < MAX_FRAMES) {
      if (n < last)
         FAIL("frame %u is seen after frame %u", n, last);
      if (!exact && (!reader.lossy || !is_similar(pixels, n, reader.width, reader.height)))
         FAIL("the picture of frame %u is wrong", n);
      reader.exact = exact;
      reader.seen_ns[n] = now_ns();
      reader.last = n;
   }
   reader.looks++;
   free(reply);
}

static void *read_window(void *data)
{
   xcb_connection_t *own = xcb_connect(NULL, NULL);
   (void)data;
   while (!reader.stop) {
      look(own);
      nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
   }
   xcb_disconnect(own);
   return NULL;
}

static int compare(const void *a, const void *b)
{
   const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
   return (x > y) - (x < y);
}

/* The delay that so many percent do not exceed. */
static double milliseconds(const int64_t *delays, uint32_t count, uint32_t percent)
{
   const uint32_t index = count ? (count - 1) * percent / 100 : 0;
   return count ? (double)delays[index] / 1e6 : 0;
}

static void report(const char *mode, uint32_t frames, double seconds, bool all)
{
   static int64_t delays[MAX_FRAMES];
   uint32_t seen = 0;
   for (uint32_t n = 1; n <= frames; n++) {
      if (reader.seen_ns[n])
         delays[seen++] = reader.seen_ns[n] - reader.presented_ns[n];
   }
   qsort(delays, seen, sizeof(*delays), compare);
   printf("mode=%s size=%ux%u presented=%u seen=%u fps=%.1f delay_ms median=%.1f p99=%.1f\n", mode, reader.width,
          reader.height, frames, seen, frames / seconds, milliseconds(delays, seen, 50),
          milliseconds(delays, seen, 99));
   if (reader.last != frames)
      FAIL("the last frame that is seen is %u", reader.last);
   else if (!reader.exact)
      FAIL("the last frame does not become exact");
   if (all && reader.looks > 3 * frames && seen < frames * 8 / 10) /* else the machine is too slow to see them */
      FAIL("of %u frames only %u are seen", frames, seen);
}

/* --- Vulkan --- */

static VkInstance instance;
static VkPhysicalDevice gpu;
static VkDevice device;
static VkQueue queue;
static VkCommandPool pool;
static VkSurfaceKHR surface;

static void create_device(void)
{
   static const char *const instance_extensions[] = {VK_KHR_SURFACE_EXTENSION_NAME, VK_KHR_XCB_SURFACE_EXTENSION_NAME};
   static const char *const device_extensions[] = {VK_KHR_SWAPCHAIN_EXTENSION_NAME};
   const VkInstanceCreateInfo instance_info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .enabledExtensionCount = 2,
      .ppEnabledExtensionNames = instance_extensions,
   };
   const float priority = 1;
   const VkDeviceQueueCreateInfo queues = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queues,
      .enabledExtensionCount = 1,
      .ppEnabledExtensionNames = device_extensions,
   };
   const VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
   };
   const VkXcbSurfaceCreateInfoKHR surface_info = {
      .sType = VK_STRUCTURE_TYPE_XCB_SURFACE_CREATE_INFO_KHR,
      .connection = connection,
      .window = window,
   };
   uint32_t count = 1;
   VkBool32 supported = VK_FALSE;
   OK(vkCreateInstance(&instance_info, NULL, &instance));
   vkEnumeratePhysicalDevices(instance, &count, &gpu);
   NEED(count == 1);
   const PFN_vkCreateXcbSurfaceKHR create =
      (PFN_vkCreateXcbSurfaceKHR)vkGetInstanceProcAddr(instance, "vkCreateXcbSurfaceKHR");
   OK(create(instance, &surface_info, NULL, &surface));
   OK(vkGetPhysicalDeviceSurfaceSupportKHR(gpu, 0, surface, &supported));
   NEED(supported);
   OK(vkCreateDevice(gpu, &info, NULL, &device));
   vkGetDeviceQueue(device, 0, 0, &queue);
   OK(vkCreateCommandPool(device, &pool_info, NULL, &pool));
}

/* A buffer that the CPU draws into, and what goes with it. */
struct slot {
   VkBuffer buffer;
   VkDeviceMemory memory;
   uint32_t *pixels;
   VkCommandBuffer commands;
   VkFence done;
   VkSemaphore acquired, rendered;
};

struct chain {
   VkSwapchainKHR handle;
   VkExtent2D extent;
   VkImage images[MAX_IMAGES];
   struct slot slots[IMAGES];
   uint32_t frame; /* that was presented last */
};

static uint32_t mappable_type(uint32_t allowed)
{
   const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   VkPhysicalDeviceMemoryProperties memory;
   uint32_t type = 0;
   vkGetPhysicalDeviceMemoryProperties(gpu, &memory);
   while (type < memory.memoryTypeCount &&
          !((allowed >> type & 1) && (memory.memoryTypes[type].propertyFlags & wanted) == wanted))
      type++;
   NEED(type < memory.memoryTypeCount);
   return type;
}

static void create_slot(struct slot *slot, VkDeviceSize size)
{
   const VkBufferCreateInfo buffer = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size, .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT};
   const VkCommandBufferAllocateInfo commands = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO,
                                    .flags = VK_FENCE_CREATE_SIGNALED_BIT};
   const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
   VkMemoryRequirements requirements;
   OK(vkCreateBuffer(device, &buffer, NULL, &slot->buffer));
   vkGetBufferMemoryRequirements(device, slot->buffer, &requirements);
   const VkMemoryAllocateInfo memory = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = requirements.size,
      .memoryTypeIndex = mappable_type(requirements.memoryTypeBits),
   };
   OK(vkAllocateMemory(device, &memory, NULL, &slot->memory));
   OK(vkBindBufferMemory(device, slot->buffer, slot->memory, 0));
   OK(vkMapMemory(device, slot->memory, 0, VK_WHOLE_SIZE, 0, (void **)&slot->pixels));
   OK(vkAllocateCommandBuffers(device, &commands, &slot->commands));
   OK(vkCreateFence(device, &fence, NULL, &slot->done));
   OK(vkCreateSemaphore(device, &semaphore, NULL, &slot->acquired));
   OK(vkCreateSemaphore(device, &semaphore, NULL, &slot->rendered));
}

static void destroy_slot(struct slot *slot)
{
   vkDestroySemaphore(device, slot->acquired, NULL);
   vkDestroySemaphore(device, slot->rendered, NULL);
   vkDestroyFence(device, slot->done, NULL);
   vkFreeCommandBuffers(device, pool, 1, &slot->commands);
   vkDestroyBuffer(device, slot->buffer, NULL);
   vkFreeMemory(device, slot->memory, NULL);
}

/* Destroys the slots and, unless it is to be the old one of the next, the swapchain. */
static void destroy_chain(struct chain *chain, bool all)
{
   vkDeviceWaitIdle(device);
   for (unsigned i = 0; i < IMAGES; i++)
      destroy_slot(&chain->slots[i]);
   if (all)
      vkDestroySwapchainKHR(device, chain->handle, NULL);
}

static VkResult create_chain(struct chain *chain, VkPresentModeKHR mode, VkSwapchainKHR old)
{
   VkSurfaceCapabilitiesKHR capabilities;
   VkResult result = vkGetPhysicalDeviceSurfaceCapabilitiesKHR(gpu, surface, &capabilities);
   if (result != VK_SUCCESS)
      return result;
   chain->extent = capabilities.currentExtent;
   const VkSwapchainCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
      .surface = surface,
      .minImageCount = capabilities.minImageCount < IMAGES ? IMAGES : capabilities.minImageCount,
      .imageFormat = VK_FORMAT_B8G8R8A8_UNORM,
      .imageColorSpace = VK_COLOR_SPACE_SRGB_NONLINEAR_KHR,
      .imageExtent = chain->extent,
      .imageArrayLayers = 1,
      .imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
      .preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
      .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
      .presentMode = mode,
      .clipped = VK_TRUE,
      .oldSwapchain = old,
   };
   result = vkCreateSwapchainKHR(device, &info, NULL, &chain->handle);
   if (result != VK_SUCCESS)
      return result;
   uint32_t count = MAX_IMAGES;
   OK(vkGetSwapchainImagesKHR(device, chain->handle, &count, chain->images));
   for (unsigned i = 0; i < IMAGES; i++)
      create_slot(&chain->slots[i], (VkDeviceSize)chain->extent.width * chain->extent.height * 4);
   return VK_SUCCESS;
}

static void barrier(VkCommandBuffer commands, VkImage image, VkImageLayout from, VkImageLayout to)
{
   const bool first = from == VK_IMAGE_LAYOUT_UNDEFINED;
   const VkImageMemoryBarrier info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = first ? 0 : VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = first ? VK_ACCESS_TRANSFER_WRITE_BIT : 0,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        first ? VK_PIPELINE_STAGE_TRANSFER_BIT : VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, NULL, 0,
                        NULL, 1, &info);
}

static void render(const struct chain *chain, const struct slot *slot, VkImage image)
{
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkBufferImageCopy region = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {chain->extent.width, chain->extent.height, 1},
   };
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &slot->acquired,
      .pWaitDstStageMask = &stage,
      .commandBufferCount = 1,
      .pCommandBuffers = &slot->commands,
      .signalSemaphoreCount = 1,
      .pSignalSemaphores = &slot->rendered,
   };
   OK(vkBeginCommandBuffer(slot->commands, &begin));
   barrier(slot->commands, image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
   vkCmdCopyBufferToImage(slot->commands, slot->buffer, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
   barrier(slot->commands, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR);
   OK(vkEndCommandBuffer(slot->commands));
   OK(vkQueueSubmit(queue, 1, &submit, slot->done));
}

/* Draws and presents the next frame. */
static VkResult draw_frame(struct chain *chain)
{
   const uint32_t n = chain->frame + 1;
   struct slot *slot = &chain->slots[n % IMAGES];
   uint32_t index;
   OK(vkWaitForFences(device, 1, &slot->done, VK_TRUE, 20 * SECOND));
   VkResult result = vkAcquireNextImageKHR(device, chain->handle, 20 * SECOND, slot->acquired, VK_NULL_HANDLE, &index);
   if (result != VK_SUCCESS && result != VK_SUBOPTIMAL_KHR)
      return result;
   OK(vkResetFences(device, 1, &slot->done));
   draw_pattern(slot->pixels, n, chain->extent.width, chain->extent.height);
   render(chain, slot, chain->images[index]);
   const VkPresentInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &slot->rendered,
      .swapchainCount = 1,
      .pSwapchains = &chain->handle,
      .pImageIndices = &index,
   };
   if (n < MAX_FRAMES)
      reader.presented_ns[n] = now_ns();
   result = vkQueuePresentKHR(queue, &info);
   chain->frame = n;
   return result;
}

/* --- what is tried --- */

static void test_pattern(struct chain *chain, const char *mode, uint32_t frames, bool all)
{
   pthread_t thread;
   reader.width = chain->extent.width;
   reader.height = chain->extent.height;
   NEED(!pthread_create(&thread, NULL, read_window, NULL));
   const int64_t start = now_ns();
   for (uint32_t i = 0; i < frames; i++)
      OK(draw_frame(chain));
   const double seconds = (double)(now_ns() - start) / 1e9;
   for (unsigned i = 0; i < (reader.lossy ? 10000 : 2000) && (reader.last != frames || !reader.exact); i++)
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
   reader.stop = true;
   pthread_join(thread, NULL);
   report(mode, frames, seconds, all);
}

static void test_resizes(struct chain *chain, VkPresentModeKHR mode, uint32_t resizes)
{
   for (uint32_t i = 0; i < resizes; i++) {
      const uint32_t values[] = {64 + i * 37 % 300, 48 + i * 53 % 200};
      xcb_configure_window(connection, window, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, values);
      xcb_flush(connection);
      for (unsigned frame = 0; frame < i % 4; frame++) {
         const VkResult result = draw_frame(chain);
         NEED(result == VK_SUCCESS || result == VK_SUBOPTIMAL_KHR || result == VK_ERROR_OUT_OF_DATE_KHR);
      }
      struct chain next = {.frame = chain->frame};
      destroy_chain(chain, false);
      OK(create_chain(&next, mode, chain->handle));
      vkDestroySwapchainKHR(device, chain->handle, NULL);
      *chain = next;
      if (chain->extent.width != values[0] || chain->extent.height != values[1])
         FAIL("the window is %ux%u instead of %ux%u", chain->extent.width, chain->extent.height, values[0], values[1]);
   }
}

static void test_hiding(struct chain *chain)
{
   for (unsigned i = 0; i < 6; i++) {
      if (i % 2)
         xcb_map_window(connection, window);
      else
         xcb_unmap_window(connection, window);
      xcb_flush(connection);
      for (unsigned frame = 0; frame < 5; frame++)
         OK(draw_frame(chain));
   }
}

static void test_destruction(struct chain *chain)
{
   for (unsigned frame = 0; frame < 3; frame++)
      OK(draw_frame(chain));
   check_events();
   xcb_destroy_window(connection, window);
   xcb_flush(connection);
   VkResult result = VK_SUCCESS;
   for (unsigned frame = 0; frame < 100 && result >= 0; frame++)
      result = draw_frame(chain);
   if (result != VK_ERROR_SURFACE_LOST_KHR && result != VK_ERROR_OUT_OF_DATE_KHR)
      FAIL("presenting to a destroyed window gives %d", result);
   check_events();
}

static VkPresentModeKHR parse_mode(const char *name)
{
   if (!strcmp(name, "mailbox"))
      return VK_PRESENT_MODE_MAILBOX_KHR;
   return strcmp(name, "immediate") ? VK_PRESENT_MODE_FIFO_KHR : VK_PRESENT_MODE_IMMEDIATE_KHR;
}

int main(int argc, char **argv)
{
   struct chain chain = {0};
   NEED(argc >= 5);
   const VkPresentModeKHR mode = parse_mode(argv[1]);
   const uint32_t frames = (uint32_t)atoi(argv[2]), resizes = argc > 5 ? (uint32_t)atoi(argv[5]) : 0;
   NEED(frames > 0 && frames < MAX_FRAMES);
   reader.lossy = argc > 6 && !strcmp(argv[6], "lossy");
   create_window((uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4]));
   create_device();
   OK(create_chain(&chain, mode, VK_NULL_HANDLE));
   test_pattern(&chain, argv[1], frames, mode == VK_PRESENT_MODE_FIFO_KHR);
   if (resizes) {
      test_resizes(&chain, mode, resizes);
      test_hiding(&chain);
      test_destruction(&chain);
   }
   destroy_chain(&chain, true);
   vkDestroyCommandPool(device, pool, NULL);
   vkDestroyDevice(device, NULL);
   vkDestroySurfaceKHR(instance, surface, NULL);
   vkDestroyInstance(instance, NULL);
   xcb_disconnect(connection);
   return failures != 0;
}
