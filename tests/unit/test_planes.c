/* SPDX-License-Identifier: MIT */

/* Pictures as planes: the colours are those of BT.709 with full range, and the GPU makes the same of them as the CPU.
 */

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/planes.h"
#include "common/picture/tiles.h"
#include "server/core/device.h"
#include "server/wsi/converter.h"
#include "tests/unit/check.h"

static const uint32_t sizes[][2] = {{2, 2}, {1, 1}, {7, 5}, {8, 2}, {33, 32}, {130, 67}, {641, 401}};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static uint8_t *make_pixels(uint32_t width, uint32_t height, unsigned seed)
{
   const size_t count = (size_t)width * height * 4;
   uint8_t *pixels = malloc(count);

   assert(pixels);
   srand(seed);
   for (size_t i = 0; i < count; i++)
      pixels[i] = seed % 3 ? (uint8_t)rand() : rand() % 2 ? 255 : 0; /* the extremes too */
   return pixels;
}

static double bounded(double value)
{
   return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* Brightness and colours of the mean of some pixels. */
static void reference(const double mean[3], double out[3])
{
   const double blue = mean[0], green = mean[1], red = mean[2];

   out[0] = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
   out[1] = bounded((blue - out[0]) / 1.8556 + 128);
   out[2] = bounded((red - out[0]) / 1.5748 + 128);
}

static void mean_of(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t x, uint32_t y, uint32_t step,
                    double mean[3])
{
   memset(mean, 0, 3 * sizeof(*mean));
   for (uint32_t i = 0; i < step * step; i++) {
      const uint32_t px = step * x + i % step, py = step * y + i / step;
      const uint8_t *pixel =
         pixels + ((size_t)(py < height ? py : height - 1) * width + (px < width ? px : width - 1)) * 4;
      for (unsigned c = 0; c < 3; c++)
         mean[c] += pixel[c] / (double)(step * step);
   }
}

static void test_colours(uint32_t width, uint32_t height, unsigned seed)
{
   const struct vp_planes planes = vp_planes_of(width, height);
   uint8_t *pixels = make_pixels(width, height, seed), *out = malloc(planes.size);
   double mean[3], expected[3], worst = 0;

   assert(out);
   vp_planes_make(pixels, width, height, out);
   for (uint32_t y = 0; y < planes.height; y++) {
      for (uint32_t x = 0; x < planes.stride; x++) {
         mean_of(pixels, width, height, x, y, 1, mean);
         reference(mean, expected);
         worst = fmax(worst, fabs(expected[0] - out[(size_t)y * planes.stride + x]));
         if (x % 2 || y % 2)
            continue;
         const size_t index = (size_t)(y / 2) * (planes.stride / 2) + x / 2;
         mean_of(pixels, width, height, x / 2, y / 2, 2, mean);
         reference(mean, expected);
         for (unsigned c = 0; c < 2; c++)
            worst = fmax(worst, fabs(expected[1 + c] - out[planes.colour[c] + index]));
      }
   }
   CHECK(worst < 1.7);
   free(pixels);
   free(out);
}

/* Areas of one colour come back nearly as they were. */
static void test_return(void)
{
   enum { SIZE = 6 };
   const struct vp_planes planes = vp_planes_of(SIZE, SIZE);
   uint8_t pixels[SIZE * SIZE * 4], back[SIZE * SIZE * 4], out[SIZE * SIZE * 4];
   int worst = 0;

   for (unsigned colour = 0; colour < 27 * 8; colour++) {
      for (size_t i = 0; i < sizeof(pixels); i += 4) {
         pixels[i] = (uint8_t)(colour % 6 * 51);
         pixels[i + 1] = (uint8_t)(colour / 6 % 6 * 51);
         pixels[i + 2] = (uint8_t)(colour / 36 % 6 * 51);
         pixels[i + 3] = 0;
      }
      assert(planes.size <= sizeof(out));
      vp_planes_make(pixels, SIZE, SIZE, out);
      const uint8_t *const starts[3] = {out, out + planes.colour[0], out + planes.colour[1]};
      const int strides[3] = {(int)planes.stride, (int)planes.stride / 2, (int)planes.stride / 2};
      vp_planes_draw(starts, strides, SIZE, SIZE, back);
      for (size_t i = 0; i < sizeof(pixels); i++) {
         const int difference = i % 4 == 3 ? back[i] - 255 : back[i] - pixels[i];
         worst = abs(difference) > worst ? abs(difference) : worst;
      }
   }
   CHECK(worst <= 3);
}

/* --- the GPU --- */

struct gpu {
   VkInstance instance;
   VkPhysicalDevice physical;
   VkQueue queue;
   VkCommandPool pool;
   struct vps_device device;
};

static bool open_gpu(struct gpu *gpu)
{
   const VkInstanceCreateInfo instance = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue};
   const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   uint32_t count = 1;

   memset(gpu, 0, sizeof(*gpu));
   if (!CHECK(vkCreateInstance(&instance, NULL, &gpu->instance) == VK_SUCCESS) ||
       !CHECK(vkEnumeratePhysicalDevices(gpu->instance, &count, &gpu->physical) >= 0 && count) ||
       !CHECK(vkCreateDevice(gpu->physical, &info, NULL, &gpu->device.handle) == VK_SUCCESS))
      return false;
   vps_device_functions_load(&gpu->device.functions, vkGetDeviceProcAddr, gpu->device.handle);
   vkGetPhysicalDeviceMemoryProperties(gpu->physical, &gpu->device.memory);
   gpu->device.compute_families = 1;
   gpu->device.storage_limit = 128u << 20;
   vkGetDeviceQueue(gpu->device.handle, 0, 0, &gpu->queue);
   return CHECK(vkCreateCommandPool(gpu->device.handle, &pool, NULL, &gpu->pool) == VK_SUCCESS);
}

static void close_gpu(struct gpu *gpu)
{
   vkDestroyCommandPool(gpu->device.handle, gpu->pool, NULL);
   vkDestroyDevice(gpu->device.handle, NULL);
   vkDestroyInstance(gpu->instance, NULL);
}

static uint8_t *create_buffer(const struct gpu *gpu, VkDeviceSize size, VkBuffer *buffer, VkDeviceMemory *memory)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .size = size,
                                    .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkMemoryRequirements requirements;
   VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
   void *pixels;

   assert(vkCreateBuffer(gpu->device.handle, &info, NULL, buffer) == VK_SUCCESS);
   vkGetBufferMemoryRequirements(gpu->device.handle, *buffer, &requirements);
   allocation.allocationSize = requirements.size;
   while (!(requirements.memoryTypeBits >> allocation.memoryTypeIndex & 1) ||
          !(gpu->device.memory.memoryTypes[allocation.memoryTypeIndex].propertyFlags &
            VK_MEMORY_PROPERTY_HOST_COHERENT_BIT))
      assert(++allocation.memoryTypeIndex < gpu->device.memory.memoryTypeCount);
   assert(vkAllocateMemory(gpu->device.handle, &allocation, NULL, memory) == VK_SUCCESS);
   assert(vkBindBufferMemory(gpu->device.handle, *buffer, *memory, 0) == VK_SUCCESS);
   assert(vkMapMemory(gpu->device.handle, *memory, 0, VK_WHOLE_SIZE, 0, &pixels) == VK_SUCCESS);
   return pixels;
}

static void run_conversion(const struct gpu *gpu, const struct vps_converter *converter)
{
   const VkCommandBufferAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = gpu->pool, .commandBufferCount = 1};
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   VkCommandBuffer commands;

   assert(vkAllocateCommandBuffers(gpu->device.handle, &allocation, &commands) == VK_SUCCESS);
   assert(vkBeginCommandBuffer(commands, &begin) == VK_SUCCESS);
   vps_converter_record(converter, commands, 0);
   assert(vkEndCommandBuffer(commands) == VK_SUCCESS);
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
   assert(vkQueueSubmit(gpu->queue, 1, &submit, VK_NULL_HANDLE) == VK_SUCCESS);
   assert(vkDeviceWaitIdle(gpu->device.handle) == VK_SUCCESS);
}

static void test_gpu(const struct gpu *gpu, uint32_t width, uint32_t height, unsigned seed)
{
   const struct vp_planes planes = vp_planes_of(width, height);
   struct vps_converter *converter = vps_converter_create(&gpu->device, width, height, 1);
   uint8_t *pixels = make_pixels(width, height, seed), *expected = malloc(planes.size);
   VkBuffer buffer;
   VkDeviceMemory memory;

   assert(expected);
   assert(converter);
   CHECK(vps_converter_can(converter, 0) && !vps_converter_can(converter, 1));
   uint8_t *mapped = create_buffer(gpu, vps_converter_size(converter), &buffer, &memory);
   memcpy(mapped, pixels, (size_t)width * height * 4);
   vps_converter_use(converter, 0, buffer);
   run_conversion(gpu, converter);
   vp_planes_make(pixels, width, height, expected);
   CHECK(memcmp(mapped, pixels, (size_t)width * height * 4) == 0);
   CHECK(memcmp(mapped + vps_converter_offset(converter), expected, planes.size) == 0);
   vps_converter_destroy(converter);
   vkDestroyBuffer(gpu->device.handle, buffer, NULL);
   vkFreeMemory(gpu->device.handle, memory, NULL);
   free(pixels);
   free(expected);
}

int main(void)
{
   struct gpu gpu;
   const char *icd = getenv("VP_NATIVE_ICD");

   for (unsigned i = 0; i < SIZES; i++) {
      test_colours(sizes[i][0], sizes[i][1], i);
      test_colours(sizes[i][0], sizes[i][1], i + 1);
   }
   test_return();
   if (icd)
      setenv("VK_DRIVER_FILES", icd, 1);
   if (open_gpu(&gpu)) {
      for (unsigned i = 0; i < SIZES; i++)
         test_gpu(&gpu, sizes[i][0], sizes[i][1], i);
      gpu.device.is_processor = true;
      CHECK(!vps_converter_create(&gpu.device, 2, 2, 1));
      gpu.device.is_processor = false;
      gpu.device.storage_limit = 1000;
      CHECK(!vps_converter_create(&gpu.device, 100, 100, 1));
      gpu.device.compute_families = 0;
      CHECK(!vps_converter_create(&gpu.device, 2, 2, 1));
      close_gpu(&gpu);
   }
   return check_finish();
}
