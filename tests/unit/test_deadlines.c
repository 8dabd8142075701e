/* SPDX-License-Identifier: MIT */

/* How long a batch may execute: what counts and what does not, on a driver whose GPU does nothing. */

#include <sys/socket.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/queue/deadline.h"
#include "server/queue/queue_state.h"
#include "server/session/executor.h"
#include "tests/fuzz/null_vulkan.h"
#include "tests/unit/check.h"

#define QUEUES 2
#define MS INT64_C(1000000)

/* --- time --- */

static bool is_over(struct vps_deadline *deadline, int64_t now_ns)
{
   return vps_deadline_is_over(deadline, now_ns, now_ns);
}

/* A device whose queues have nothing but a lock and serials. */
static void test_time(void)
{
   struct vps_device device = {0};
   struct vps_queue queue = {.device = &device}, other = {.device = &device, .serial = 3, .completed = 2};
   struct vps_context ctx = {0};
   struct vps_deadlines list;

   device.queues = &queue;
   queue.next = &other;
   pthread_mutex_init(&other.lock, NULL);
   vps_deadlines_init(&list);
   struct vps_deadline *first = vps_deadlines_add(&list, &queue, 1, 2, 0);
   struct vps_deadline *second = vps_deadlines_add(&list, &queue, 2, 1, 2);
   if (!CHECK(first && second))
      return;
   for (int64_t ms = 100; ms <= 2000; ms += 100)
      CHECK(!is_over(first, ms * MS));
   CHECK(is_over(first, 2100 * MS));

   /* Neither before the other queue is where it was, nor for time in which nobody has looked. */
   vps_deadline_add_wait(&ctx, second, &queue, (VkSemaphore)(uintptr_t)7, 0);
   vps_deadline_add_wait(&ctx, second, &queue, (VkSemaphore)(uintptr_t)8, 0);
   CHECK(second->wait_count == 1);
   CHECK(!is_over(second, 5000 * MS));
   CHECK(!is_over(second, 9000 * MS));
   other.completed = 3;
   CHECK(!is_over(second, 9100 * MS));
   second->limit_ns = 2500 * MS;
   CHECK(!is_over(second, 19100 * MS) && second->spent_ns == VPS_DEADLINE_STEP_NS);
   CHECK(!is_over(second, 20100 * MS));
   CHECK(!vps_deadline_is_over(second, 20600 * MS, 20500 * MS)); /* it has worked for less */
   CHECK(is_over(second, 20700 * MS));

   struct vps_deadline *taken = vps_deadlines_take(&list, 1);
   CHECK(taken == first && !first->next && list.first == second);
   vps_deadline_free(taken);
   vps_deadline_free(vps_deadlines_take(&list, UINT64_MAX));
   CHECK(!list.first && list.last == &list.first);
   pthread_mutex_destroy(&other.lock);
}

/* --- a session --- */

static struct {
   VkSemaphore semaphore;
   uint64_t value;
} timelines[QUEUES]; /* what each batch gives to its queue's */
static unsigned submitted;

/* The GPU does nothing. */
static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence)
{
   const VkTimelineSemaphoreSubmitInfo *values = infos[0].pNext;

   (void)queue;
   (void)fence;
   if (!CHECK(count == 1 && submitted < QUEUES))
      return VK_ERROR_DEVICE_LOST;
   timelines[submitted].semaphore = infos[0].pSignalSemaphores[infos[0].signalSemaphoreCount - 1];
   timelines[submitted++].value = values->pSignalSemaphoreValues[values->signalSemaphoreValueCount - 1];
   return VK_SUCCESS;
}

static PFN_vkVoidFunction find(const char *name);

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_device_function(VkDevice device, const char *name)
{
   (void)device;
   return find(name);
}

static PFN_vkVoidFunction find(const char *name)
{
   if (strcmp(name, "vkGetDeviceProcAddr") == 0)
      return (PFN_vkVoidFunction)get_device_function;
   if (strcmp(name, "vkQueueSubmit") == 0)
      return (PFN_vkVoidFunction)submit;
   return null_vkGetInstanceProcAddr(NULL, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_function(VkInstance instance, const char *name)
{
   (void)instance;
   return find(name);
}

struct client {
   struct vps_frame_writer writer;
   struct vps_context ctx;
   struct vp_encoder enc;
   struct vp_object objects[16];
   unsigned object_count;
   VkDevice device;
   VkQueue queues[QUEUES];
   VkSemaphore binary, timeline;
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

static VkSemaphore create_semaphore(struct client *client, VkSemaphoreType kind)
{
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = kind};
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   VkSemaphore semaphore = new_object(client);
   SEND(client, vkCreateSemaphore, .device = client->device, .pCreateInfo = &info, .pSemaphore = &semaphore);
   return semaphore;
}

static bool start(struct client *client)
{
   static const struct vps_options options = {.worker_fd = -1, .compute_timeout_s = 1};
   const float priorities[QUEUES] = {1, 1};
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = QUEUES, .pQueuePriorities = priorities};
   const VkDeviceCreateInfo device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue_info};
   uint32_t one = 1;

   if (!CHECK(vps_frame_writer_init(&client->writer, -1, VP_COMPRESS_NONE)) ||
       !CHECK(vps_context_init(&client->ctx, &options, &client->writer, get_function)) ||
       !CHECK(vp_encoder_init(&client->enc)))
      return false;
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
   client->binary = create_semaphore(client, VK_SEMAPHORE_TYPE_BINARY);
   client->timeline = create_semaphore(client, VK_SEMAPHORE_TYPE_TIMELINE);
   run(client);
   return true;
}

static void send_batch(struct client *client, unsigned queue, VkSemaphore wait, uint64_t value, VkSemaphore signal)
{
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .waitSemaphoreValueCount = 1,
                                                 .pWaitSemaphoreValues = &value};
   const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .pNext = &values,
                              .waitSemaphoreCount = 1,
                              .pWaitSemaphores = &wait,
                              .pWaitDstStageMask = &stage,
                              .signalSemaphoreCount = signal != VK_NULL_HANDLE,
                              .pSignalSemaphores = &signal};
   SEND(client, vkQueueSubmit, .queue = client->queues[queue], .submitCount = 1, .pSubmits = &info);
}

/* The driver's. */
static VkSemaphore client_handle(const struct client *client, VkSemaphore semaphore)
{
   const uint64_t id = vp_object_id((uint64_t)(uintptr_t)semaphore);

   return (VkSemaphore)(uintptr_t)vps_object_find(&client->ctx.objects, id)->handle;
}

/* One queue waits for the host, the other one for that queue: neither executes anything, for as long as it takes. */
static void test_waits(void)
{
   struct client client = {0};

   if (!start(&client))
      return;
   send_batch(&client, 0, client.timeline, 5, client.binary);
   send_batch(&client, 1, client.binary, 0, VK_NULL_HANDLE);
   run(&client);
   CHECK(submitted == 2);
   usleep(1600000);
   CHECK(atomic_load(&client.writer.end) == VPS_END_NONE);

   null_enter();
   null_signal(client_handle(&client, client.timeline), 5);
   null_submitted();
   const int64_t since = vp_clock_ms();
   while (atomic_load(&client.writer.end) == VPS_END_NONE && vp_clock_ms() < since + 30000)
      usleep(10000);
   CHECK(vp_clock_ms() - since >= 1000);
   CHECK(atomic_load(&client.writer.end) == VPS_END_HUNG);
   CHECK(strstr(client.writer.last_words.text, "has been executed for 1 s (batch 1 of"));
   for (unsigned i = 0; i < submitted; i++) {
      null_enter();
      null_signal(timelines[i].semaphore, timelines[i].value);
      null_submitted();
   }
   vps_context_finish(&client.ctx);
   CHECK(!client.ctx.abandoned);
   vps_frame_writer_finish(&client.writer);
   vp_encoder_finish(&client.enc);
}

int main(void)
{
   if (!CHECK(vp_encoder_init(&null_state.enc)))
      return check_finish();
   test_time();
   test_waits();
   vp_encoder_finish(&null_state.enc);
   return check_finish();
}
