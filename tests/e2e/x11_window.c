/* SPDX-License-Identifier: MIT */

/* Draws a known moving pattern with the number of the frame in it into an X11 window, and reads back from the display
 * what is to be seen there: which frames, in which order, how late, and whether they are right to the last bit. Then it
 * changes the window's size many times, hides it, and destroys it under the swapchain.
 *
 * Usage: x11_window [OPTION]...
 *    --mode fifo|relaxed|mailbox|immediate|latest   (fifo)
 *    --frames N, --seconds N                 how long, whichever comes first (120 frames)
 *    --size WIDTHxHEIGHT                     (320x240)
 *    --at X                                  where the window's left edge is (0)
 *    --images N                              that the swapchain must have at least (4)
 *    --rate N                                frames in a second that the program wants (0: as many as it can)
 *    --gpu                                   the GPU draws; else the CPU does, into mapped memory
 *    --lossy                                 pictures need only be similar while they move; the last one must become
 *                                           exact
 *    --late                                  pictures may follow each other too fast to be seen
 *    --resizes N                             and what follows them (0: nothing does)
 *
 * Prints one line of figures. Delays are those from the call that presents to the first sight on the display, in
 * milliseconds: median and 99th percentile of all frames that are seen, and the medians of the first and the last
 * quarter of the run. The exit status is 1 when something is wrong. */

#include <getopt.h>
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

#include "tests/e2e/need.h"

#define SECOND UINT64_C(1000000000)
#define SLOTS 4
#define MAX_IMAGES 32
#define BITS 16 /* of the frame's number, each a block of 8x8 pixels at the top */
#define BLOCK 8
#define PERIOD 256 /* of the pattern, in pixels */
#define MAX_FRAMES 60000
#define MAX_ERROR 16 /* of a byte, on average, in pictures that are only similar */

/* Of larger windows only some frames are compared, so that there is time for the rest. */
#define SMALL_WINDOW 100000
#define COMPARE_EACH 16

static int failures;

#define FAIL(...)                            \
   do {                                      \
      printf("x11_window.c:%d: ", __LINE__); \
      printf(__VA_ARGS__);                   \
      printf("\n");                          \
      failures++;                            \
   } while (0)

static int64_t now_ns(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

struct options {
   VkPresentModeKHR mode;
   const char *mode_name;
   uint32_t frames, seconds, width, height, left, images, resizes, rate;
   bool gpu, lossy, late;
};

static struct options options = {.mode = VK_PRESENT_MODE_FIFO_KHR,
                                 .mode_name = "fifo",
                                 .frames = 120,
                                 .seconds = UINT32_MAX,
                                 .width = 320,
                                 .height = 240,
                                 .images = SLOTS};

/* --- the pattern --- */

/* It moves, so that no part of the picture stays as it is. */
static uint32_t moving_pixel(uint32_t n, uint32_t x, uint32_t y)
{
   const uint32_t u = (x + 3 * n) % PERIOD, v = (y + n) % PERIOD;
   return 0xff000000 | (u * v / PERIOD) << 16 | (2 * v & 255) << 8 | u;
}

static uint32_t number_pixel(uint32_t n, uint32_t x)
{
   return n >> (x / BLOCK) & 1 ? 0xffffffff : 0xff000000;
}

static uint32_t pattern_pixel(uint32_t n, uint32_t x, uint32_t y)
{
   return y < BLOCK && x < BLOCK * BITS ? number_pixel(n, x) : moving_pixel(n, x, y);
}

static void draw_pattern(uint32_t *pixels, uint32_t n, uint32_t width, uint32_t height)
{
   for (uint32_t y = 0; y < height; y++) {
      for (uint32_t x = 0; x < width; x++)
         *pixels++ = pattern_pixel(n, x, y);
   }
}

/* From the middle of the blocks: what is not exact may be a little off, but is still dark or bright there. */
static uint32_t read_number(const uint32_t *pixels, uint32_t width)
{
   uint32_t n = 0;
   for (uint32_t bit = 0; bit < BITS; bit++)
      n |= (pixels[(size_t)BLOCK / 2 * width + (size_t)BLOCK * bit + BLOCK / 2] >> 7 & 1) << bit;
   return n;
}

/* `mask` are the bits that the window has. */
static bool is_pattern(const uint32_t *pixels, uint32_t n, uint32_t width, uint32_t height, uint32_t mask)
{
   for (uint32_t y = 0; y < height; y++) {
      for (uint32_t x = 0; x < width; x++) {
         if ((*pixels++ ^ pattern_pixel(n, x, y)) & mask)
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
static uint8_t depth;

static void create_window(void)
{
   connection = xcb_connect(NULL, NULL);
   NEED(!xcb_connection_has_error(connection));
   const xcb_screen_t *screen = xcb_setup_roots_iterator(xcb_get_setup(connection)).data;
   const uint32_t values[] = {screen->black_pixel, 1 /* override redirect */};
   window = xcb_generate_id(connection);
   depth = screen->root_depth;
   xcb_create_window(connection, XCB_COPY_FROM_PARENT, window, screen->root, (int16_t)options.left, 0,
                     (uint16_t)options.width, (uint16_t)options.height, 0, XCB_WINDOW_CLASS_INPUT_OUTPUT,
                     screen->root_visual, XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT, values);
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
   atomic_bool stop, exact;                               /* exact: the last frame of all is, as it is seen by now */
   _Atomic uint32_t final;                                /* the last frame of all; 0: not known yet */
   int64_t presented_ns[MAX_FRAMES], seen_ns[MAX_FRAMES]; /* by frame; 0: not */
   _Atomic uint32_t last;
   uint32_t looks; /* how often it looked */
   uint32_t seen;  /* different frames */
};

static struct reader reader;

/* The upper rows of the window. */
static xcb_get_image_reply_t *get_rows(xcb_connection_t *own, uint32_t width, uint32_t height)
{
   return xcb_get_image_reply(
      own, xcb_get_image(own, XCB_IMAGE_FORMAT_Z_PIXMAP, window, 0, 0, (uint16_t)width, (uint16_t)height, UINT32_MAX),
      NULL);
}

static const uint32_t *pixels_of(const xcb_get_image_reply_t *reply)
{
   return (const uint32_t *)(const void *)xcb_get_image_data(reply);
}

/* Whether the picture is exact. It may be that of a newer frame than the last one that was seen. */
static bool compare_picture(xcb_connection_t *own)
{
   xcb_get_image_reply_t *reply = get_rows(own, reader.width, reader.height);
   if (!reply)
      return false;
   const uint32_t *pixels = pixels_of(reply);
   const uint32_t mask = depth == 30 ? 0x3fffffff : 0xffffff;
   const uint32_t n = read_number(pixels, reader.width);
   const bool exact = is_pattern(pixels, n, reader.width, reader.height, mask);
   if (!exact && !(options.lossy && is_similar(pixels, n, reader.width, reader.height)))
      FAIL("the picture of frame %u is wrong", n);
   free(reply);
   return exact;
}

static void take_in(xcb_connection_t *own, uint32_t n)
{
   const uint32_t last = reader.last;
   if (n < last)
      FAIL("frame %u is seen after frame %u", n, last);
   reader.seen_ns[n] = now_ns();
   reader.seen++;
   if (reader.width * reader.height <= SMALL_WINDOW || reader.seen % COMPARE_EACH == 0)
      compare_picture(own);
   reader.last = n;
}

static void look(xcb_connection_t *own)
{
   xcb_get_image_reply_t *reply = get_rows(own, BLOCK * BITS, BLOCK);
   const uint32_t n = reply ? read_number(pixels_of(reply), BLOCK * BITS) : 0;
   free(reply);
   reader.looks++;
   if (!n || n >= MAX_FRAMES)
      return;
   if (n != reader.last)
      take_in(own, n);
   if (n == reader.final && !reader.exact)
      reader.exact = compare_picture(own);
}

static void *read_window(void *data)
{
   xcb_connection_t *own = xcb_connect(NULL, NULL);
   (void)data;
   while (!reader.stop) {
      look(own);
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
   }
   xcb_disconnect(own);
   return NULL;
}

static int compare(const void *a, const void *b)
{
   const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
   return (x > y) - (x < y);
}

/* The delay in milliseconds that so many percent of the frames first to last do not exceed. */
static double delay_ms(uint32_t first, uint32_t last, uint32_t percent)
{
   static int64_t delays[MAX_FRAMES];
   uint32_t count = 0;
   for (uint32_t n = first; n <= last; n++) {
      if (reader.seen_ns[n])
         delays[count++] = reader.seen_ns[n] - reader.presented_ns[n];
   }
   qsort(delays, count, sizeof(*delays), compare);
   const uint32_t index = count ? (count - 1) * percent / 100 : 0;
   return count ? (double)delays[index] / 1e6 : 0;
}

static void report(uint32_t frames, double seconds)
{
   const bool all = options.mode == VK_PRESENT_MODE_FIFO_KHR && !options.late;
   printf("mode=%s size=%ux%u seconds=%.1f presented=%u seen=%u fps=%.1f seen_fps=%.1f delay_ms median=%.1f p99=%.1f "
          "first=%.1f last=%.1f\n",
          options.mode_name, reader.width, reader.height, seconds, frames, reader.seen, frames / seconds,
          reader.seen / seconds, delay_ms(1, frames, 50), delay_ms(1, frames, 99), delay_ms(1, frames / 4, 50),
          delay_ms(frames - frames / 4, frames, 50));
   if (reader.last != frames)
      FAIL("the last frame that is seen is %u", reader.last);
   else if (!reader.exact)
      FAIL("the last frame does not become exact");
   if (all && reader.looks > 3 * frames && reader.seen < frames * 8 / 10) /* else the machine is too slow to see them */
      FAIL("of %u frames only %u are seen", frames, reader.seen);
}

/* --- Vulkan --- */

static VkInstance instance;
static VkPhysicalDevice gpu;
static VkDevice device;
static VkQueue queue;
static VkCommandPool pool;
static VkSurfaceKHR surface;

/* Which the native driver of a software GPU may not have. */
static bool has_display_timing(void)
{
   VkExtensionProperties extensions[512];
   uint32_t count = 512;
   bool found = false;
   vkEnumerateDeviceExtensionProperties(gpu, NULL, &count, extensions);
   for (uint32_t i = 0; i < count; i++)
      found = found || !strcmp(extensions[i].extensionName, VK_GOOGLE_DISPLAY_TIMING_EXTENSION_NAME);
   return found;
}

static void create_device(void)
{
   static const char *const instance_extensions[] = {VK_KHR_SURFACE_EXTENSION_NAME, VK_KHR_XCB_SURFACE_EXTENSION_NAME};
   static const char *const device_extensions[] = {VK_KHR_SWAPCHAIN_EXTENSION_NAME,
                                                   VK_GOOGLE_DISPLAY_TIMING_EXTENSION_NAME};
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
   VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queues,
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
   info.enabledExtensionCount = has_display_timing() ? 2 : 1;
   OK(vkCreateDevice(gpu, &info, NULL, &device));
   vkGetDeviceQueue(device, 0, 0, &queue);
   OK(vkCreateCommandPool(device, &pool_info, NULL, &pool));
}

/* Mapped memory. */
struct buffer {
   VkBuffer handle;
   VkDeviceMemory memory;
   uint32_t *pixels;
};

/* What one of the frames under way needs. */
struct slot {
   struct buffer buffer; /* the picture, or only the number when the GPU draws */
   VkCommandBuffer commands;
   VkFence done;
   VkSemaphore acquired, rendered;
};

struct chain {
   VkSwapchainKHR handle;
   VkExtent2D extent;
   VkImage images[MAX_IMAGES];
   struct slot slots[SLOTS];
   struct buffer pattern; /* larger than the window by its period: the GPU draws what is to be seen of it */
   uint32_t frame;        /* that was presented last */
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

static void create_buffer(struct buffer *buffer, uint32_t width, uint32_t height)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = (VkDeviceSize)width * height * 4,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
   };
   VkMemoryRequirements requirements;
   OK(vkCreateBuffer(device, &info, NULL, &buffer->handle));
   vkGetBufferMemoryRequirements(device, buffer->handle, &requirements);
   const VkMemoryAllocateInfo memory = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = requirements.size,
      .memoryTypeIndex = mappable_type(requirements.memoryTypeBits),
   };
   OK(vkAllocateMemory(device, &memory, NULL, &buffer->memory));
   OK(vkBindBufferMemory(device, buffer->handle, buffer->memory, 0));
   OK(vkMapMemory(device, buffer->memory, 0, VK_WHOLE_SIZE, 0, (void **)&buffer->pixels));
}

static void destroy_buffer(struct buffer *buffer)
{
   vkDestroyBuffer(device, buffer->handle, NULL);
   vkFreeMemory(device, buffer->memory, NULL);
}

static void create_slot(struct slot *slot, VkExtent2D extent)
{
   const VkCommandBufferAllocateInfo commands = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO,
                                    .flags = VK_FENCE_CREATE_SIGNALED_BIT};
   const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
   if (options.gpu)
      create_buffer(&slot->buffer, BLOCK * BITS, BLOCK);
   else
      create_buffer(&slot->buffer, extent.width, extent.height);
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
   destroy_buffer(&slot->buffer);
}

static void create_pattern(struct buffer *pattern, VkExtent2D extent)
{
   const uint32_t width = extent.width + PERIOD, height = extent.height + PERIOD;
   create_buffer(pattern, width, height);
   for (uint32_t y = 0; y < height; y++) {
      for (uint32_t x = 0; x < width; x++)
         pattern->pixels[(size_t)y * width + x] = moving_pixel(0, x, y);
   }
}

/* Destroys the slots and, unless it is to be the old one of the next, the swapchain. */
static void destroy_chain(struct chain *chain, bool all)
{
   vkDeviceWaitIdle(device);
   for (unsigned i = 0; i < SLOTS; i++)
      destroy_slot(&chain->slots[i]);
   if (options.gpu)
      destroy_buffer(&chain->pattern);
   if (all)
      vkDestroySwapchainKHR(device, chain->handle, NULL);
}

/* One whose pixels are the window's, as they are. */
static VkFormat find_format(void)
{
   const VkFormat wanted = depth == 30 ? VK_FORMAT_A2R10G10B10_UNORM_PACK32 : VK_FORMAT_B8G8R8A8_UNORM;
   VkSurfaceFormatKHR formats[32];
   uint32_t count = 32;
   bool found = false;
   OK(vkGetPhysicalDeviceSurfaceFormatsKHR(gpu, surface, &count, formats));
   for (uint32_t i = 0; i < count; i++)
      found = found || formats[i].format == wanted;
   NEED(found);
   return wanted;
}

static VkResult create_chain(struct chain *chain, VkSwapchainKHR old)
{
   VkSurfaceCapabilitiesKHR capabilities;
   VkResult result = vkGetPhysicalDeviceSurfaceCapabilitiesKHR(gpu, surface, &capabilities);
   if (result != VK_SUCCESS)
      return result;
   chain->extent = capabilities.currentExtent;
   const VkSwapchainCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
      .surface = surface,
      .minImageCount = capabilities.minImageCount < options.images ? options.images : capabilities.minImageCount,
      .imageFormat = find_format(),
      .imageColorSpace = VK_COLOR_SPACE_SRGB_NONLINEAR_KHR,
      .imageExtent = chain->extent,
      .imageArrayLayers = 1,
      .imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
      .preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
      .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
      .presentMode = options.mode,
      .clipped = VK_TRUE,
      .oldSwapchain = old,
   };
   result = vkCreateSwapchainKHR(device, &info, NULL, &chain->handle);
   if (result != VK_SUCCESS)
      return result;
   uint32_t count = MAX_IMAGES;
   OK(vkGetSwapchainImagesKHR(device, chain->handle, &count, chain->images));
   for (unsigned i = 0; i < SLOTS; i++)
      create_slot(&chain->slots[i], chain->extent);
   if (options.gpu)
      create_pattern(&chain->pattern, chain->extent);
   return VK_SUCCESS;
}

static void barrier(VkCommandBuffer commands, VkImage image, VkImageLayout from, VkImageLayout to)
{
   const bool first = from == VK_IMAGE_LAYOUT_UNDEFINED, last = to == VK_IMAGE_LAYOUT_PRESENT_SRC_KHR;
   const VkImageMemoryBarrier info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = first ? 0 : VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = last ? 0 : VK_ACCESS_TRANSFER_WRITE_BIT,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        last ? VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT : VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0,
                        NULL, 1, &info);
}

/* Copies a part of a buffer that is `stride` pixels wide, from pixel `first` on. */
static void copy(const struct slot *slot, VkBuffer buffer, uint32_t stride, uint32_t first, VkImage image,
                 VkExtent2D extent)
{
   const VkBufferImageCopy region = {
      .bufferOffset = (VkDeviceSize)first * 4,
      .bufferRowLength = stride,
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {extent.width, extent.height, 1},
   };
   vkCmdCopyBufferToImage(slot->commands, buffer, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
}

static void copy_pictures(const struct chain *chain, const struct slot *slot, VkImage image, uint32_t n)
{
   const VkExtent2D number = {BLOCK * BITS, BLOCK};
   const uint32_t stride = chain->extent.width + PERIOD, first = n % PERIOD * stride + 3 * n % PERIOD;
   if (!options.gpu) {
      copy(slot, slot->buffer.handle, chain->extent.width, 0, image, chain->extent);
      return;
   }
   copy(slot, chain->pattern.handle, stride, first, image, chain->extent);
   barrier(slot->commands, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
   copy(slot, slot->buffer.handle, number.width, 0, image, number);
}

static void render(const struct chain *chain, const struct slot *slot, VkImage image, uint32_t n)
{
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
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
   copy_pictures(chain, slot, image, n);
   barrier(slot->commands, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR);
   OK(vkEndCommandBuffer(slot->commands));
   OK(vkQueueSubmit(queue, 1, &submit, slot->done));
}

/* Draws and presents the next frame. */
static VkResult draw_frame(struct chain *chain)
{
   const uint32_t n = chain->frame + 1;
   struct slot *slot = &chain->slots[n % SLOTS];
   uint32_t index;
   OK(vkWaitForFences(device, 1, &slot->done, VK_TRUE, 20 * SECOND));
   VkResult result = vkAcquireNextImageKHR(device, chain->handle, 20 * SECOND, slot->acquired, VK_NULL_HANDLE, &index);
   if (result != VK_SUCCESS && result != VK_SUBOPTIMAL_KHR)
      return result;
   OK(vkResetFences(device, 1, &slot->done));
   if (options.gpu)
      draw_pattern(slot->buffer.pixels, n, BLOCK * BITS, BLOCK);
   else
      draw_pattern(slot->buffer.pixels, n, chain->extent.width, chain->extent.height);
   render(chain, slot, chain->images[index], n);
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

/* Xvfb has 60 pictures in a second. */
static void check_refresh(const struct chain *chain)
{
   const PFN_vkGetRefreshCycleDurationGOOGLE get =
      (PFN_vkGetRefreshCycleDurationGOOGLE)vkGetDeviceProcAddr(device, "vkGetRefreshCycleDurationGOOGLE");
   VkRefreshCycleDurationGOOGLE refresh;
   if (!get)
      return;
   OK(get(device, chain->handle, &refresh));
   if (refresh.refreshDuration < SECOND / 75 || refresh.refreshDuration > SECOND / 45)
      FAIL("the display takes %.1f ms for a picture", (double)refresh.refreshDuration / 1e6);
}

/* A program with a rate of its own is not hurried by frames that it could not present in time. */
static void wait_for_turn(int64_t start_ns, uint32_t frame)
{
   const int64_t wait_ns = options.rate ? start_ns + (int64_t)(frame * SECOND / options.rate) - now_ns() : 0;
   if (wait_ns > 0)
      nanosleep(&(struct timespec){.tv_sec = wait_ns / (int64_t)SECOND, .tv_nsec = wait_ns % (int64_t)SECOND}, NULL);
}

static void test_pattern(struct chain *chain)
{
   pthread_t thread;
   reader.width = chain->extent.width;
   reader.height = chain->extent.height;
   NEED(!pthread_create(&thread, NULL, read_window, NULL));
   const int64_t start = now_ns(), most = (int64_t)options.seconds * (int64_t)SECOND;
   while (chain->frame < options.frames && now_ns() - start < most) {
      wait_for_turn(start, chain->frame);
      OK(draw_frame(chain));
   }
   const double seconds = (double)(now_ns() - start) / 1e9;
   reader.final = chain->frame;
   for (unsigned i = 0; i < 10000 && !reader.exact; i++)
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
   reader.stop = true;
   pthread_join(thread, NULL);
   report(chain->frame, seconds);
   check_refresh(chain);
}

static void test_resizes(struct chain *chain)
{
   for (uint32_t i = 0; i < options.resizes; i++) {
      const uint32_t values[] = {BLOCK * BITS + i * 37 % 300, 48 + i * 53 % 200};
      xcb_configure_window(connection, window, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, values);
      xcb_flush(connection);
      for (unsigned frame = 0; frame < i % 4; frame++) {
         const VkResult result = draw_frame(chain);
         NEED(result == VK_SUCCESS || result == VK_SUBOPTIMAL_KHR || result == VK_ERROR_OUT_OF_DATE_KHR);
      }
      struct chain next = {.frame = chain->frame};
      destroy_chain(chain, false);
      OK(create_chain(&next, chain->handle));
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

/* --- options --- */

static bool parse_mode(const char *name)
{
   static const struct {
      const char *name;
      VkPresentModeKHR mode;
   } modes[] = {
      {"fifo", VK_PRESENT_MODE_FIFO_KHR},
      {"relaxed", VK_PRESENT_MODE_FIFO_RELAXED_KHR},
      {"mailbox", VK_PRESENT_MODE_MAILBOX_KHR},
      {"immediate", VK_PRESENT_MODE_IMMEDIATE_KHR},
      /* VK_EXT_present_mode_fifo_latest_ready, of newer headers. */
      {"latest", (VkPresentModeKHR)1000361000},
   };
   for (unsigned i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
      if (!strcmp(modes[i].name, name)) {
         options.mode_name = name;
         options.mode = modes[i].mode;
         return true;
      }
   }
   return false;
}

static bool parse_number(const char *text, uint32_t *number)
{
   char *end;
   *number = (uint32_t)strtoul(text, &end, 10);
   return end != text && !*end;
}

static bool parse_size(const char *text)
{
   char *end;
   options.width = (uint32_t)strtoul(text, &end, 10);
   return *end == 'x' && parse_number(end + 1, &options.height);
}

static bool parse_option(int name)
{
   switch (name) {
   case 'm':
      return parse_mode(optarg);
   case 'f':
      return parse_number(optarg, &options.frames);
   case 's':
      options.frames = MAX_FRAMES - 1;
      return parse_number(optarg, &options.seconds);
   case 'z':
      return parse_size(optarg);
   case 'a':
      return parse_number(optarg, &options.left);
   case 'i':
      return parse_number(optarg, &options.images);
   case 'r':
      return parse_number(optarg, &options.resizes);
   case 'p':
      return parse_number(optarg, &options.rate);
   case 'g':
      return options.gpu = true;
   case 'l':
      return options.lossy = true;
   case 't':
      return options.late = true;
   default:
      return false;
   }
}

static void parse_options(int argc, char **argv)
{
   static const struct option names[] = {
      {"mode", required_argument, NULL, 'm'},    {"frames", required_argument, NULL, 'f'},
      {"seconds", required_argument, NULL, 's'}, {"size", required_argument, NULL, 'z'},
      {"at", required_argument, NULL, 'a'},      {"images", required_argument, NULL, 'i'},
      {"resizes", required_argument, NULL, 'r'}, {"rate", required_argument, NULL, 'p'},
      {"gpu", no_argument, NULL, 'g'},           {"lossy", no_argument, NULL, 'l'},
      {"late", no_argument, NULL, 't'},          {NULL, 0, NULL, 0},
   };
   int name;
   while ((name = getopt_long(argc, argv, "", names, NULL)) >= 0)
      NEED(parse_option(name));
   NEED(optind == argc);
   NEED(options.frames > 0 && options.frames < MAX_FRAMES);
   NEED(options.width >= BLOCK * BITS && options.height >= BLOCK && options.width < 8192 && options.height < 8192);
}

int main(int argc, char **argv)
{
   struct chain chain = {0};
   parse_options(argc, argv);
   create_window();
   create_device();
   OK(create_chain(&chain, VK_NULL_HANDLE));
   test_pattern(&chain);
   if (options.resizes) {
      test_resizes(&chain);
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
