/* SPDX-License-Identifier: MIT */

/* A device with two queues, on a driver that watches how it is used: a VkQueue is given to it by one thread at a time,
 * one thread at a time waits for a queue's semaphore, and the client hears that a batch is complete when the driver is
 * done with it, whichever thread finds it out. */

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "common/util/spin.h"
#include "server/core/context.h"
#include "server/core/frame_writer.h"
#include "server/core/instance.h"
#include "server/queue/queue_state.h"
#include "server/session/executor.h"
#include "tests/fuzz/null_vulkan.h"
#include "tests/unit/check.h"

#define QUEUES 2
#define ROUNDS 200
#define A_WHILE 20
#define FOR_EVER INT_MAX

static struct {
   atomic_int users;      /* of each VkQueue, in the driver */
   atomic_bool unsettled; /* the driver still looks at what was submitted */
} queues[QUEUES];
static VkQueue handles[QUEUES];
static unsigned handle_count;
static atomic_uint clashes, idle_waits;

/* While it is true the GPU does nothing. */
static bool held;
static uint64_t held_values[QUEUES];
static _Atomic(VkSemaphore) held_semaphores[QUEUES];
static atomic_int blind[QUEUES]; /* so many milliseconds do waits for the queue's timeline last longer */
static atomic_int waiting[QUEUES];

static unsigned number_of(VkQueue queue)
{
   for (unsigned i = 0; i < handle_count; i++) {
      if (handles[i] == queue)
         return i;
   }
   return 0;
}

static void enter(VkQueue queue)
{
   if (atomic_fetch_add(&queues[number_of(queue)].users, 1) != 0)
      atomic_fetch_add(&clashes, 1);
   usleep(100);
}

static void leave(VkQueue queue)
{
   atomic_fetch_sub(&queues[number_of(queue)].users, 1);
}

static VKAPI_ATTR void VKAPI_CALL get_queue(VkDevice device, const VkDeviceQueueInfo2 *info, VkQueue *queue)
{
   null_vkGetDeviceQueue2(device, info, queue);
   handles[handle_count++] = *queue;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence)
{
   const unsigned number = number_of(queue);
   VkResult result = VK_SUCCESS;

   enter(queue);
   atomic_store(&queues[number].unsettled, true);
   if (held) {
      const VkTimelineSemaphoreSubmitInfo *values = infos[0].pNext;
      held_semaphores[number] = infos[0].pSignalSemaphores[infos[0].signalSemaphoreCount - 1];
      held_values[number] = values->pSignalSemaphoreValues[values->signalSemaphoreValueCount - 1];
   } else {
      result = null_vkQueueSubmit(queue, count, infos, fence);
   }
   leave(queue);
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_idle(VkQueue queue)
{
   enter(queue);
   atomic_fetch_add(&idle_waits, 1);
   atomic_store(&queues[number_of(queue)].unsettled, false);
   leave(queue);
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL begin_label(VkQueue queue, const VkDebugUtilsLabelEXT *label)
{
   (void)label;
   enter(queue);
   leave(queue);
}

static VKAPI_ATTR void VKAPI_CALL end_label(VkQueue queue)
{
   enter(queue);
   leave(queue);
}

static VKAPI_ATTR VkResult VKAPI_CALL set_name(VkDevice device, const VkDebugUtilsObjectNameInfoEXT *info)
{
   (void)device;
   enter((VkQueue)(uintptr_t)info->objectHandle);
   leave((VkQueue)(uintptr_t)info->objectHandle);
   return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL wait(VkDevice device, const VkSemaphoreWaitInfo *info, uint64_t timeout)
{
   unsigned number = 0;

   while (number < QUEUES && info->pSemaphores[0] != held_semaphores[number])
      number++;
   if (number == QUEUES)
      return null_vkWaitSemaphores(device, info, timeout);
   if (atomic_fetch_add(&waiting[number], 1) != 0)
      atomic_fetch_add(&clashes, 1);
   for (; atomic_load(&blind[number]) > 0; atomic_fetch_sub(&blind[number], 1))
      usleep(1000);
   const VkResult result = null_vkWaitSemaphores(device, info, timeout);
   atomic_fetch_sub(&waiting[number], 1);
   return result;
}

static VKAPI_ATTR void VKAPI_CALL get_requirements(VkDevice device, VkImage image, VkMemoryRequirements *requirements)
{
   (void)device;
   (void)image;
   *requirements = (VkMemoryRequirements){.size = 256, .alignment = 1, .memoryTypeBits = 1};
}

static PFN_vkVoidFunction find(const char *name);

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_device_function(VkDevice device, const char *name)
{
   (void)device;
   return find(name);
}

static PFN_vkVoidFunction find(const char *name)
{
   static const struct null_function own[] = {
      {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)get_device_function},
      {"vkGetImageMemoryRequirements", (PFN_vkVoidFunction)get_requirements},
      {"vkGetDeviceQueue2", (PFN_vkVoidFunction)get_queue},
      {"vkQueueBeginDebugUtilsLabelEXT", (PFN_vkVoidFunction)begin_label},
      {"vkQueueEndDebugUtilsLabelEXT", (PFN_vkVoidFunction)end_label},
      {"vkQueueSubmit", (PFN_vkVoidFunction)submit},
      {"vkQueueWaitIdle", (PFN_vkVoidFunction)wait_idle},
      {"vkSetDebugUtilsObjectNameEXT", (PFN_vkVoidFunction)set_name},
      {"vkWaitSemaphores", (PFN_vkVoidFunction)wait},
   };
   for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
      if (strcmp(own[i].name, name) == 0)
         return own[i].function;
   }
   return null_vkGetInstanceProcAddr(NULL, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_function(VkInstance instance, const char *name)
{
   (void)instance;
   return find(name);
}

/* --- the client --- */

struct client {
   struct vps_frame_writer writer;
   struct vps_context ctx;
   struct vp_encoder enc;
   int fd;
   struct vp_object objects[16];
   unsigned object_count;
   VkDevice device;
   VkQueue queues[QUEUES];
   VkSemaphore semaphore;
   uint64_t serials[QUEUES];
};

static void *new_object(struct client *client)
{
   struct vp_object *object = &client->objects[client->object_count++];
   object->id = client->object_count;
   return object;
}

#define SEND(client, name, ...) vp_request_##name(&(client)->enc, 0, &(struct vp_cmd_##name){__VA_ARGS__})

static void run(struct client *client)
{
   CHECK(!client->enc.failed);
   CHECK(vps_executor_run(&client->ctx, client->enc.start, vp_encoder_size(&client->enc)));
   vp_encoder_reset(&client->enc);
}

static bool start(struct client *client)
{
   static const struct vps_options options = {.worker_fd = -1, .clear_memory = VPS_CLEAR_MEMORY_OFF};
   const float priorities[QUEUES] = {1, 1};
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = QUEUES, .pQueuePriorities = priorities};
   const VkDeviceCreateInfo device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue_info};
   uint32_t one = 1;
   int fds[2];

   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0) ||
       !CHECK(vps_frame_writer_init(&client->writer, fds[0], VP_COMPRESS_NONE)) ||
       !CHECK(vps_context_init(&client->ctx, &options, &client->writer, get_function)) ||
       !CHECK(vp_encoder_init(&client->enc)))
      return false;
   client->fd = fds[1];
   VkInstance instance = new_object(client);
   VkPhysicalDevice gpu = new_object(client);
   client->device = new_object(client);
   SEND(client, vkCreateInstance, .pCreateInfo = &instance_info, .pInstance = &instance);
   SEND(client, vkEnumeratePhysicalDevices, .instance = instance, .pPhysicalDeviceCount = &one,
        .pPhysicalDevices = &gpu);
   SEND(client, vkCreateDevice, .physicalDevice = gpu, .pCreateInfo = &device_info, .pDevice = &client->device);
   for (uint32_t i = 0; i < QUEUES; i++) {
      const VkDeviceQueueInfo2 info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2, .queueIndex = i};
      client->queues[i] = new_object(client);
      SEND(client, vkGetDeviceQueue2, .device = client->device, .pQueueInfo = &info, .pQueue = &client->queues[i]);
   }
   const VkSemaphoreCreateInfo semaphore_info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
   client->semaphore = new_object(client);
   SEND(client, vkCreateSemaphore, .device = client->device, .pCreateInfo = &semaphore_info,
        .pSemaphore = &client->semaphore);
   run(client);
   return CHECK(handle_count == QUEUES);
}

static void stop(struct client *client)
{
   vps_context_finish(&client->ctx);
   CHECK(!client->ctx.abandoned);
   vps_frame_writer_finish(&client->writer);
   vp_encoder_finish(&client->enc);
   close(client->writer.channel.fd);
   close(client->fd);
}

/* One that uses a semaphore of the application's, so that the driver has to be done with that. */
static void send_batch(struct client *client, unsigned queue)
{
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .signalSemaphoreCount = 1, .pSignalSemaphores = &client->semaphore};
   SEND(client, vkQueueSubmit, .queue = client->queues[queue], .submitCount = 1, .pSubmits = &info);
   client->serials[queue]++;
}

/* Until both queues are reported complete. `settled`: nothing else is submitted meanwhile, so the driver must be done
 * with what is reported. */
static void receive(struct client *client, bool settled)
{
   struct vp_frame frame = {0};
   bool complete[QUEUES] = {false};

   while (!complete[0] || !complete[1]) {
      if (!CHECK(vp_frame_read(&VP_CHANNEL(client->fd), &frame, 20000) == VP_FRAME_OK))
         break;
      if (frame.header.type != VP_FRAME_PROGRESS)
         continue;
      const unsigned queue = frame.header.tag == vp_object_id((uint64_t)(uintptr_t)client->queues[1]);
      complete[queue] = vp_bytes_load_u64(frame.payload) == client->serials[queue];
      CHECK(vp_bytes_load_u32(frame.payload + 8) == VK_SUCCESS);
      if (settled)
         CHECK(!atomic_load(&queues[queue].unsettled));
   }
   vp_frame_finish(&frame);
}

static void complete(unsigned queue)
{
   null_enter();
   null_signal(held_semaphores[queue], held_values[queue]);
   null_submitted();
}

/* The thread of the first queue finds out that the second one is complete, before the other thread does. */
static void test_told_by_another(struct client *client)
{
   held = true;
   atomic_store(&blind[1], FOR_EVER);
   for (unsigned i = 0; i < QUEUES; i++)
      send_batch(client, i);
   run(client);
   held = false;
   complete(1);
   complete(0);
   receive(client, true);
   atomic_store(&blind[1], 0);
}

/* What a client sends after the wait for a batch may destroy what that used. */
static void test_waited_for(struct client *client)
{
   atomic_store(&blind[0], A_WHILE);
   send_batch(client, 0);
   SEND(client, vkWaitBatchVP, .queue = client->queues[0], .serial = client->serials[0]);
   run(client);
   CHECK(!atomic_load(&queues[0].unsettled));
   send_batch(client, 1);
   run(client);
   receive(client, false);
}

/* Who uses no semaphores does not wait for the driver to look at them. */
static void test_without_semaphores(struct client *client)
{
   const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO};
   const unsigned before = atomic_load(&idle_waits);
   for (unsigned i = 0; i < QUEUES; i++) {
      SEND(client, vkQueueSubmit, .queue = client->queues[i], .submitCount = 1, .pSubmits = &info);
      client->serials[i]++;
      SEND(client, vkWaitBatchVP, .queue = client->queues[i], .serial = client->serials[i]);
   }
   run(client);
   receive(client, false);
   CHECK(atomic_load(&idle_waits) == before);
}

/* The same for what is destroyed with a swapchain. */
static void test_swapchain(struct client *client)
{
   const VkImageCreateInfo image_info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                         .imageType = VK_IMAGE_TYPE_2D,
                                         .format = VK_FORMAT_B8G8R8A8_UNORM,
                                         .extent = {8, 8, 1},
                                         .mipLevels = 1,
                                         .arrayLayers = 1,
                                         .samples = VK_SAMPLE_COUNT_1_BIT,
                                         .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT};
   const VkMemoryAllocateInfo memory_info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                             .allocationSize = 1u << 20};
   VkImage image = (VkImage)(uintptr_t)new_object(client);
   VkDeviceMemory memory = (VkDeviceMemory)(uintptr_t)new_object(client);
   VkSwapchainKHR swapchain = (VkSwapchainKHR)(uintptr_t)new_object(client);
   const VkSwapchainInfoVP info = {.extent = {8, 8}, .imageCount = 1, .pImages = &image};
   const VkPresentVP present = {.swapchain = swapchain, .frame = 1};

   SEND(client, vkCreateImage, .device = client->device, .pCreateInfo = &image_info, .pImage = &image);
   SEND(client, vkAllocateMemory, .device = client->device, .pAllocateInfo = &memory_info, .pMemory = &memory);
   SEND(client, vkBindImageMemory, .device = client->device, .image = image, .memory = memory);
   SEND(client, vkCreateSwapchainVP, .device = client->device, .pInfo = &info, .pSwapchain = &swapchain);
   atomic_store(&blind[0], A_WHILE);
   SEND(client, vkQueuePresentVP, .queue = client->queues[0], .presentCount = 1, .pPresents = &present);
   client->serials[0]++;
   run(client);
   SEND(client, vkDestroySwapchainVP, .device = client->device, .swapchain = swapchain);
   run(client);
   CHECK(!atomic_load(&queues[0].unsettled));
   SEND(client, vkDestroyImage, .device = client->device, .image = image);
   SEND(client, vkFreeMemory, .device = client->device, .memory = memory);
   send_batch(client, 1);
   run(client);
   receive(client, false);
}

static void test_one_at_a_time(struct client *client)
{
   const VkDebugUtilsLabelEXT label = {.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_LABEL_EXT, .pLabelName = "a"};

   for (unsigned i = 0; i < ROUNDS; i++) {
      VkQueue queue = client->queues[i % QUEUES];
      send_batch(client, i % QUEUES);
      SEND(client, vkQueueBeginDebugUtilsLabelEXT, .queue = queue, .pLabelInfo = &label);
      SEND(client, vkQueueEndDebugUtilsLabelEXT, .queue = queue);
      SEND(client, vkSetObjectNameVP, .device = client->device, .object = vp_object_id((uint64_t)(uintptr_t)queue),
           .pObjectName = "a");
      run(client);
   }
   receive(client, false);
   CHECK(atomic_load(&clashes) == 0);
}

static void *complete_later(void *unused)
{
   (void)unused;
   usleep(1000000 / 4);
   complete(0);
   return NULL;
}

/* The driver does not know that the device is lost: what the client says next, which may destroy what a batch uses,
 * waits for the batch, but not for ever. */
static void test_lost(struct client *client)
{
   const struct vps_queue *queue =
      vps_find(&client->ctx, VK_OBJECT_TYPE_QUEUE, vp_object_id((uint64_t)(uintptr_t)client->queues[0]))->state;
   pthread_t gpu;

   held = true;
   send_batch(client, 0);
   run(client);
   held = false;
   vps_queue_lose_device(queue, "that is a test", VK_ERROR_OUT_OF_HOST_MEMORY);
   CHECK(atomic_load(&client->ctx.has_lost));
   CHECK(!vps_instance_comes_to_rest(client->ctx.instance));
   CHECK(!pthread_create(&gpu, NULL, complete_later, NULL));
   CHECK(atomic_load(&queues[0].unsettled));
   CHECK(vps_instance_comes_to_rest(client->ctx.instance));
   CHECK(!atomic_load(&queues[0].unsettled));
   pthread_join(gpu, NULL);
}

int main(void)
{
   struct client client = {0};

   if (!CHECK(vp_encoder_init(&null_state.enc)) || !start(&client))
      return check_finish();
   test_told_by_another(&client);
   test_waited_for(&client);
   test_without_semaphores(&client);
   test_swapchain(&client);
   test_one_at_a_time(&client);
   vp_spin_allow(true);
   test_without_semaphores(&client);
   test_one_at_a_time(&client);
   test_lost(&client);
   stop(&client);
   vp_encoder_finish(&null_state.enc);
   return check_finish();
}
