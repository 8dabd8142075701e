/* SPDX-License-Identifier: MIT */
#include "server/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/spin.h"
#include "server/channel.h"
#include "server/command_buffer.h"
#include "server/context.h"
#include "server/device.h"
#include "server/event.h"
#include "server/query_pool.h"
#include "server/readback.h"
#include "server/reserve.h"
#include "server/submit.h"
#include "server/track.h"
#include "server/writes.h"

/* How long the thread waits at once, so that it notices a request to stop; and with events to look at. */
#define WAIT_NS INT64_C(50000000)
#define EVENT_WAIT_NS INT64_C(1000000)

/* A driver that sleeps is told late that the GPU is done, so for so long the thread looks by itself; and for the next
 * batch of an application that has just been told. */
#define GPU_SPIN_NS INT64_C(200000)
#define WORK_SPIN_NS INT64_C(50000)

/* Memory that the application can look at is first looked at when a batch has been running for so long, then after so
 * many times as long as that took, and after this part of the time that the batch has been running. */
#define FIRST_LOOK_NS INT64_C(5000000)
#define LOOK_REST 10
#define LOOK_AGE 4

/* What a batch that is not complete changes. */
struct pending {
   struct pending *next;
   uint64_t serial;
   struct vps_track *track;
};

/* The state of a VkQueue. Its thread waits for the batches that the executing thread submits, and reports them. */
struct vps_queue {
   struct vps_queue *next;
   struct vps_device *device;
   uint64_t id;
   VkQueue handle;
   uint32_t family;
   VkSemaphore timeline; /* reaches the serial of each batch when that is complete */
   uint64_t serial;      /* of the last batch; of the executing thread */
   uint64_t accepted;    /* of the last batch that the driver has taken; same */
   int64_t progress_ns;  /* when a batch was complete or the first one began; of the queue's thread */
   int64_t next_look_ns; /* when memory is looked at while a batch runs; same */
   pthread_t thread;
   bool joined;

   uint64_t reported;    /* serial that the client was told, under the device's report_lock */
   bool due;             /* and is to be told now; same */
   struct pending *done; /* what goes with it; same */

   pthread_mutex_t handle_lock; /* only one thread at a time may use the VkQueue; taken after the device's report_lock
                                   and before `lock` */
   bool unsettled; /* a batch used semaphores since the driver was last seen to be done with all; under handle_lock */

   pthread_mutex_t lock; /* of what follows */
   pthread_cond_t changed;
   _Atomic uint64_t submitted; /* serials */
   uint64_t completed;
   struct pending *first, **last; /* in the order of their serials */
   bool stop;
   int64_t stop_deadline_ms;
};

struct vps_queue *vps_queue_next(const struct vps_queue *queue)
{
   return queue->next;
}

uint32_t vps_queue_family(const struct vps_queue *queue)
{
   return queue->family;
}

pthread_mutex_t *vps_queue_lock(struct vps_queue *queue)
{
   return &queue->handle_lock;
}

/* --- reports --- */

static void send_progress(const struct vps_queue *queue, uint64_t serial, VkResult result)
{
   uint8_t payload[8 + 4];

   vp_bytes_store_u64(payload, serial);
   vp_bytes_store_u32(payload + 8, (uint32_t)result);
   vps_channel_send(queue->device->channel, VP_FRAME_PROGRESS, queue->id, payload, sizeof(payload), NULL, 0);
}

static void lose_device(const struct vps_queue *queue, const char *reason, VkResult result)
{
   if (!atomic_exchange(&queue->device->lost, true))
      vp_log(VP_LOG_WARN, "the device is lost: %s (VkResult %d)", reason, result);
}

static void free_pending(struct pending *list)
{
   while (list) {
      struct pending *next = list->next;
      vps_track_unref(list->track);
      free(list);
      list = next;
   }
}

static void report_memory(const struct vps_queue *queue, const struct vps_writes *writes,
                          const struct vps_writes *running)
{
   if (!vps_readback_report(queue->device, writes, running))
      lose_device(queue, "there is no memory to send what it has changed", VK_ERROR_OUT_OF_HOST_MEMORY);
}

static void add_writes(struct vps_writes *writes, const struct pending *list)
{
   for (const struct pending *pending = list; pending; pending = pending->next)
      vps_writes_add(writes, &pending->track->writes);
}

/* What the batches that are running may write to. With the report lock. */
static void add_running(struct vps_writes *writes, const struct vps_device *device)
{
   for (struct vps_queue *queue = device->queues; queue; queue = queue->next) {
      pthread_mutex_lock(&queue->lock);
      add_writes(writes, queue->first);
      pthread_mutex_unlock(&queue->lock);
   }
}

static void sample_events(const struct vps_track *track)
{
   for (unsigned i = 0; i < track->event_count; i++)
      vps_event_sample(track->events[i]);
}

/* What the batches have changed. */
static void report_track(const struct vps_queue *queue, const struct vps_track *track)
{
   for (unsigned i = 0; i < track->event_count; i++)
      vps_event_send(track->events[i]);
   for (unsigned i = 0; i < track->range_count; i++) {
      const struct vps_query_range *range = &track->ranges[i];
      if (!vps_query_pool_send(range->pool, range->first, range->count))
         lose_device(queue, "the results of queries cannot be read", VK_ERROR_DEVICE_LOST);
   }
}

/* Takes what is complete off the list. With the lock. */
static struct pending *take_completed(struct vps_queue *queue, uint64_t serial)
{
   struct pending *taken = queue->first, **end = &taken;

   while (*end && (*end)->serial <= serial)
      end = &(*end)->next;
   queue->first = *end;
   if (!queue->first)
      queue->last = &queue->first;
   *end = NULL;
   return taken;
}

/* A batch is complete before the driver is done with it: a thread of its may still look at the semaphores that the
 * batch used, and the application may destroy them once it knows. When nothing else is submitted this waits
 * for that, as an idle wait of the application's would. */
static void settle(struct vps_queue *queue, uint64_t serial)
{
   VkResult result = VK_SUCCESS;

   pthread_mutex_lock(&queue->handle_lock);
   if (queue->unsettled && serial == queue->submitted) {
      result = queue->device->functions.QueueWaitIdle(queue->handle);
      queue->unsettled = false;
   }
   pthread_mutex_unlock(&queue->handle_lock);
   if (result < 0)
      lose_device(queue, "waiting for the GPU failed", result);
}

/* The GPU can be ahead of the executing thread, which has yet to say what the batch it just submitted changes. */
static uint64_t known_serial(struct vps_queue *queue, uint64_t reached)
{
   const uint64_t submitted = queue->submitted;

   return reached < submitted ? reached : submitted;
}

/* Notes that the batches up to a serial are to be reported, if they were not yet. With the report lock. */
static void take_report(struct vps_queue *queue, uint64_t serial)
{
   if (serial <= queue->reported)
      return;
   queue->reported = serial;
   queue->due = true;
   pthread_mutex_lock(&queue->lock);
   queue->done = take_completed(queue, serial);
   pthread_mutex_unlock(&queue->lock);
   for (const struct pending *pending = queue->done; pending; pending = pending->next)
      sample_events(pending->track);
}

static void send_report(struct vps_queue *queue)
{
   if (!queue->due)
      return;
   for (const struct pending *pending = queue->done; pending; pending = pending->next)
      report_track(queue, pending->track);
   free_pending(queue->done);
   queue->done = NULL;
   queue->due = false;
   if (!atomic_load(&queue->device->lost))
      send_progress(queue, queue->reported, VK_SUCCESS);
}

/* The serial that another queue of the device has reached. */
static uint64_t find_reached(struct vps_queue *queue)
{
   const struct vps_device *device = queue->device;
   uint64_t reached = 0;

   if (device->functions.GetSemaphoreCounterValue(device->handle, queue->timeline, &reached) < 0)
      return 0; /* its own thread will see that */
   return known_serial(queue, reached);
}

/* What another queue has reached is settled as well before it is told. With the report lock. */
static void take_other_report(struct vps_queue *queue)
{
   const uint64_t serial = find_reached(queue);

   if (serial > queue->reported)
      settle(queue, serial);
   take_report(queue, serial);
}

/* A batch can have waited for batches of other queues. What these have changed goes first, though their own threads
 * may not have seen yet that they are complete. */
static void report_completed(struct vps_queue *queue, uint64_t serial)
{
   struct vps_device *device = queue->device;
   struct vps_writes writes = {0}, running = {0};

   settle(queue, serial);
   pthread_mutex_lock(&device->report_lock);
   take_report(queue, serial);
   for (struct vps_queue *other = device->queues; other; other = other->next) {
      if (other != queue)
         take_other_report(other);
      add_writes(&writes, other->done);
   }
   add_running(&running, device);
   report_memory(queue, &writes, vps_writes_meet(&writes, &running) ? &running : NULL);
   vps_writes_finish(&writes);
   vps_writes_finish(&running);
   for (struct vps_queue *other = device->queues; other; other = other->next) {
      if (other != queue)
         send_report(other);
   }
   send_report(queue);
   pthread_mutex_unlock(&device->report_lock);
}

/* --- the thread --- */

/* The events that running batches can change, held; NULL: none (or no memory: then they are sent at the end). */
static struct vps_event **hold_events(struct vps_queue *queue, unsigned *count)
{
   unsigned total = 0;

   *count = 0;
   pthread_mutex_lock(&queue->lock);
   for (const struct pending *pending = queue->first; pending; pending = pending->next)
      total += pending->track->event_count;
   struct vps_event **events = total ? malloc(total * sizeof(struct vps_event *)) : NULL;
   for (const struct pending *pending = queue->first; events && pending; pending = pending->next) {
      for (unsigned i = 0; i < pending->track->event_count; i++)
         events[(*count)++] = vps_event_ref(pending->track->events[i]);
   }
   pthread_mutex_unlock(&queue->lock);
   return events;
}

/* What was written up to now, by whatever is running. */
static void report_running(struct vps_queue *queue, bool must)
{
   static const struct vps_writes none;
   struct vps_device *device = queue->device;
   struct vps_writes running = {0};

   pthread_mutex_lock(&device->report_lock);
   add_running(&running, device);
   if (must)
      report_memory(queue, &none, &running);
   else if (!vps_readback_look(device, &running))
      lose_device(queue, "there is no memory to send what it has changed", VK_ERROR_OUT_OF_HOST_MEMORY);
   vps_writes_finish(&running);
   pthread_mutex_unlock(&device->report_lock);
}

/* An application can look at memory that a batch is writing to, and the batch may wait for what it does then. So from
 * time to time what has changed is sent. That takes a part of the time at most, and is done less often the longer the
 * batch runs. */
static void look_at_memory(struct vps_queue *queue)
{
   const int64_t begin_ns = vp_clock_ns();
   struct vps_writes writes = {0};

   if (begin_ns < queue->next_look_ns)
      return;
   pthread_mutex_lock(&queue->lock);
   add_writes(&writes, queue->first);
   pthread_mutex_unlock(&queue->lock);
   if (vps_readback_is_visible(queue->device, &writes))
      report_running(queue, false);
   vps_writes_finish(&writes);
   const int64_t end_ns = vp_clock_ns(), rest_ns = (end_ns - begin_ns) * LOOK_REST,
                 age_ns = (end_ns - queue->progress_ns) / LOOK_AGE, longest_ns = rest_ns > age_ns ? rest_ns : age_ns;
   queue->next_look_ns = end_ns + longest_ns;
}

static void look_at_events(struct vps_queue *queue, struct vps_event *const *events, unsigned count)
{
   bool changed = false;

   for (unsigned i = 0; i < count; i++)
      changed = vps_event_sample(events[i]) || changed;
   if (!changed)
      return;
   report_running(queue, true);
   for (unsigned i = 0; i < count; i++)
      vps_event_send(events[i]);
}

static VkResult wait_for(const struct vps_queue *queue, uint64_t serial, int64_t timeout_ns)
{
   const VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &queue->timeline,
      .pValues = &serial,
   };
   return queue->device->functions.WaitSemaphores(queue->device->handle, &info, (uint64_t)timeout_ns);
}

/* Looks for a short time whether the next batch is complete: drivers that answer fast do so without a system call. */
static bool spin_for(const struct vps_queue *queue, uint64_t serial, int64_t end_ns)
{
   const struct vps_device *device = queue->device;
   uint64_t reached = 0;

   while (reached < serial && vp_spin(end_ns)) {
      if (device->functions.GetSemaphoreCounterValue(device->handle, queue->timeline, &reached) < 0)
         return false;
   }
   return reached >= serial;
}

static int64_t time_to_look(const struct vps_queue *queue)
{
   const int64_t left_ns = queue->next_look_ns - vp_clock_ns();

   return left_ns > WAIT_NS ? WAIT_NS : left_ns > 0 ? left_ns : 0;
}

/* Waits for the next batch for some time. The highest complete serial, or 0 on failure. */
static uint64_t wait_for_progress(struct vps_queue *queue, uint64_t completed)
{
   const struct vps_device *device = queue->device;
   uint64_t reached = 0;
   unsigned event_count;

   struct vps_event **events = hold_events(queue, &event_count);
   VkResult result = VK_SUCCESS;
   if (!spin_for(queue, completed + 1, queue->progress_ns + GPU_SPIN_NS))
      result = wait_for(queue, completed + 1, event_count ? EVENT_WAIT_NS : time_to_look(queue));
   if (result == VK_TIMEOUT) {
      look_at_events(queue, events, event_count);
      look_at_memory(queue);
   }
   for (unsigned i = 0; i < event_count; i++)
      vps_event_unref(events[i]);
   free(events);

   if (result >= 0)
      result = device->functions.GetSemaphoreCounterValue(device->handle, queue->timeline, &reached);
   if (result >= 0)
      return known_serial(queue, reached);
   lose_device(queue, "waiting for the GPU failed", result);
   return 0;
}

/* The next thing to wait for; false when the thread ends. */
static bool next_work(struct vps_queue *queue, uint64_t *completed)
{
   const int64_t end_ns = vp_clock_ns() + WORK_SPIN_NS;
   while (queue->completed == queue->submitted && vp_spin(end_ns))
      ;
   pthread_mutex_lock(&queue->lock);
   while (!queue->stop && queue->completed == queue->submitted)
      pthread_cond_wait(&queue->changed, &queue->lock);
   *completed = queue->completed;
   const bool work = queue->completed < queue->submitted && !(queue->stop && vp_clock_ms() >= queue->stop_deadline_ms);
   pthread_mutex_unlock(&queue->lock);
   return work;
}

/* Tells the client that all is over, and is done with everything. */
static void give_up(struct vps_queue *queue)
{
   pthread_mutex_lock(&queue->lock);
   queue->completed = queue->submitted;
   struct pending *lost = take_completed(queue, UINT64_MAX);
   const uint64_t serial = queue->submitted;
   pthread_mutex_unlock(&queue->lock);

   free_pending(lost);
   send_progress(queue, serial, VK_ERROR_DEVICE_LOST);
}

static void *run_thread(void *argument)
{
   struct vps_queue *queue = argument;
   uint64_t completed;

   for (uint64_t last = UINT64_MAX; next_work(queue, &completed); last = completed) {
      if (completed != last) {
         queue->progress_ns = vp_clock_ns();
         queue->next_look_ns = queue->progress_ns + FIRST_LOOK_NS;
      }
      const uint64_t reached = atomic_load(&queue->device->lost) ? 0 : wait_for_progress(queue, completed);
      if (reached > completed)
         report_completed(queue, reached);
      if (atomic_load(&queue->device->lost)) {
         give_up(queue);
      } else if (reached > completed) {
         pthread_mutex_lock(&queue->lock);
         queue->completed = reached;
         pthread_mutex_unlock(&queue->lock);
      }
   }
   return NULL;
}

/* --- life --- */

uint64_t vps_queue_serial(const struct vps_queue *queue)
{
   return queue->serial;
}

bool vps_queue_finish(struct vps_queue *queue, uint64_t serial, int64_t timeout_ns)
{
   const VkResult result = wait_for(queue, serial, timeout_ns);

   pthread_mutex_lock(&queue->handle_lock);
   queue->unsettled = true; /* whatever else the driver may still be busy with */
   pthread_mutex_unlock(&queue->handle_lock);
   if (result == VK_SUCCESS)
      settle(queue, serial);
   return result != VK_TIMEOUT;
}

/* Whether all that the driver has taken is complete before the deadline, or never will be because the GPU gave up. */
static bool becomes_idle(struct vps_queue *queue, int64_t deadline_ms)
{
   const int64_t left_ms = deadline_ms - vp_clock_ms();

   return vps_queue_finish(queue, queue->accepted, left_ms > 0 ? left_ms * 1000000 : 0);
}

bool vps_queue_stop(struct vps_queue *queue, int64_t deadline_ms)
{
   if (!queue->joined) {
      pthread_mutex_lock(&queue->lock);
      queue->stop = true;
      queue->stop_deadline_ms = deadline_ms;
      pthread_cond_signal(&queue->changed);
      pthread_mutex_unlock(&queue->lock);
      pthread_join(queue->thread, NULL);
      queue->joined = true;
   }
   return becomes_idle(queue, deadline_ms);
}

static void release_queue(void *state)
{
   struct vps_queue *queue = state;
   struct vps_device *device = queue->device;

   vps_queue_stop(queue, vp_clock_ms());
   pthread_mutex_lock(&device->report_lock);
   for (struct vps_queue **link = &device->queues; *link; link = &(*link)->next) {
      if (*link == queue) {
         *link = queue->next;
         break;
      }
   }
   pthread_mutex_unlock(&device->report_lock);
   free_pending(queue->first);
   if (!device->abandoned)
      device->functions.DestroySemaphore(device->handle, queue->timeline, NULL);
   pthread_cond_destroy(&queue->changed);
   pthread_mutex_destroy(&queue->lock);
   pthread_mutex_destroy(&queue->handle_lock);
   free(queue);
}

static VkResult create_timeline(struct vps_queue *queue)
{
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   const struct vps_device *device = queue->device;

   return device->functions.CreateSemaphore(device->handle, &info, NULL, &queue->timeline);
}

static struct vps_queue *create_queue(struct vps_device *device, uint64_t id, VkQueue handle)
{
   struct vps_queue *queue = calloc(1, sizeof(*queue));
   if (!queue)
      return NULL;
   queue->device = device;
   queue->id = id;
   queue->handle = handle;
   queue->last = &queue->first;

   if (pthread_mutex_init(&queue->handle_lock, NULL) != 0)
      goto fail;
   if (pthread_mutex_init(&queue->lock, NULL) != 0)
      goto fail_handle_lock;
   if (pthread_cond_init(&queue->changed, NULL) != 0)
      goto fail_mutex;
   if (create_timeline(queue) < 0)
      goto fail_cond;
   if (pthread_create(&queue->thread, NULL, run_thread, queue) != 0)
      goto fail_timeline;
   pthread_mutex_lock(&device->report_lock);
   queue->next = device->queues;
   device->queues = queue;
   pthread_mutex_unlock(&device->report_lock);
   return queue;

fail_timeline:
   device->functions.DestroySemaphore(device->handle, queue->timeline, NULL);
fail_cond:
   pthread_cond_destroy(&queue->changed);
fail_mutex:
   pthread_mutex_destroy(&queue->lock);
fail_handle_lock:
   pthread_mutex_destroy(&queue->handle_lock);
fail:
   free(queue);
   return NULL;
}

/* One VkQueue has one lock. */
static bool is_known(const struct vps_device *device, VkQueue handle)
{
   for (const struct vps_queue *queue = device->queues; queue; queue = queue->next) {
      if (queue->handle == handle)
         return true;
   }
   return false;
}

static bool device_has_queue(const struct vps_device *device, const VkDeviceQueueInfo2 *info)
{
   for (uint32_t i = 0; i < device->range_count; i++) {
      const struct vps_queue_range *range = &device->ranges[i];
      if (range->family == info->queueFamilyIndex && range->flags == info->flags && info->queueIndex < range->count)
         return true;
   }
   return false;
}

void vp_handle_vkGetDeviceQueue2(struct vp_context *ctx, struct vp_cmd_vkGetDeviceQueue2 *a)
{
   const uint64_t id = (uint64_t)(uintptr_t)*a->pQueue;
   struct vps_device *device = ctx->used[0]->device;
   VkQueue handle = VK_NULL_HANDLE;

   if (!device_has_queue(device, a->pQueueInfo)) {
      vps_fail(ctx, "the device was created without queue %u of family %u", a->pQueueInfo->queueIndex,
               a->pQueueInfo->queueFamilyIndex);
      return;
   }
   device->functions.GetDeviceQueue2(device->handle, a->pQueueInfo, &handle);
   if (handle && is_known(device, handle)) {
      vps_fail(ctx, "the queue %u of family %u has an id already", a->pQueueInfo->queueIndex,
               a->pQueueInfo->queueFamilyIndex);
      return;
   }
   struct vps_queue *queue = handle ? create_queue(device, id, handle) : NULL;
   if (!queue) {
      vps_fail(ctx, "the queue cannot be used; the server is out of memory or threads");
      return;
   }
   queue->family = a->pQueueInfo->queueFamilyIndex;
   struct vps_object *object = vps_add(ctx, VK_OBJECT_TYPE_QUEUE, id, (uint64_t)(uintptr_t)handle);
   if (!object) {
      release_queue(queue);
      return;
   }
   object->state = queue;
   object->release = release_queue;
}

/* --- submission --- */

/* The batches of one command. */
struct batch_list {
   struct pending *first, **last; /* what they change: one entry for each command buffer that changes something */
   unsigned used;                 /* the place in ctx->used after the last command buffer */
   VkResult error;                /* why something was left out of the current batch, or VK_SUCCESS */
   bool semaphores;               /* some are used */
};

/* Tells the client that a batch goes without something, before its progress. */
static void send_batch_error(const struct vps_queue *queue, uint64_t serial, VkResult error)
{
   uint8_t payload[8 + 4];

   vp_bytes_store_u64(payload, serial);
   vp_bytes_store_u32(payload + 8, (uint32_t)error);
   vps_channel_send(queue->device->channel, VP_FRAME_BATCH_ERROR, queue->id, payload, sizeof(payload), NULL, 0);
}

/* A batch begins. Semaphores and swapchains that there are not are left out of it. What could not be kept of memory
 * that the application has written to is told with the next batch. */
static void begin_batch(const struct vp_context *ctx, struct vps_queue *queue, struct batch_list *list)
{
   list->error = queue->device->late_error;
   queue->device->late_error = VK_SUCCESS;
   for (unsigned i = 0; i < ctx->used_count; i++) {
      if (ctx->used[i]->type != VK_OBJECT_TYPE_COMMAND_BUFFER && !list->error)
         list->error = ctx->used[i]->poison;
      list->semaphores = list->semaphores || ctx->used[i]->type == VK_OBJECT_TYPE_SEMAPHORE;
   }
}

static void end_batch(const struct vps_queue *queue, const struct batch_list *list, uint64_t serial)
{
   if (list->error)
      send_batch_error(queue, serial, list->error);
}

/* The next command buffer of the command; NULL when it is one that only the server knows. */
static const struct vps_object *next_command_buffer(const struct vp_context *ctx, struct batch_list *list,
                                                    VkCommandBuffer handle)
{
   while (list->used < ctx->used_count && ctx->used[list->used]->type != VK_OBJECT_TYPE_COMMAND_BUFFER)
      list->used++;
   if (list->used == ctx->used_count || ctx->used[list->used]->handle != (uint64_t)(uintptr_t)handle)
      return NULL;
   return ctx->used[list->used++];
}

/* Notes the next command buffer of the command as part of the batch with this serial. False when it is left out. */
static bool add_command_buffer(struct vp_context *ctx, struct batch_list *list, uint64_t serial, VkCommandBuffer handle)
{
   const struct vps_object *object = next_command_buffer(ctx, list, handle);
   if (object && object->poison)
      list->error = object->poison;
   if (!handle || (object && object->poison))
      return false;
   const struct vps_command_buffer *command_buffer = object ? object->state : NULL;
   if (!command_buffer || !command_buffer->track)
      return true;
   struct pending *pending = malloc(sizeof(*pending));
   struct vps_track *track = pending ? vps_bound_resolve(command_buffer->track) : NULL;
   if (!track) {
      free(pending);
      vps_fail(ctx, "the server is out of memory");
      return false;
   }
   *pending = (struct pending){.serial = serial, .track = track};
   *list->last = pending;
   list->last = &pending->next;
   return true;
}

static bool is_memory_error(VkResult result)
{
   return result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

/* Hands what was submitted to the queue's thread, or reports that it could not be. The caller holds the handle's lock
 * since before the submission, so that the thread does not take the queue for idle in between. */
static void submitted(struct vp_context *ctx, struct vps_queue *queue, uint64_t serial, struct batch_list *list,
                      VkResult result)
{
   if (result < 0)
      lose_device(queue, "a submission failed", result);
   if (serial == queue->serial || ctx->failed) {
      free_pending(list->first);
      return;
   }
   queue->serial = serial;
   queue->unsettled = queue->unsettled || list->semaphores;
   if (result >= 0)
      queue->accepted = serial;
   pthread_mutex_lock(&queue->lock);
   queue->submitted = serial;
   if (list->first) {
      *queue->last = list->first;
      queue->last = list->last;
   }
   pthread_mutex_unlock(&queue->lock);
   pthread_cond_signal(&queue->changed); /* who wakes up finds the lock free */
}

/* The queue, or NULL when it could not be created. */
static struct vps_queue *usable_queue(struct vp_context *ctx)
{
   static const uint8_t lost[12] = {
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, (uint8_t)VK_ERROR_DEVICE_LOST, 0xff, 0xff, 0xff,
   };
   if (!ctx->used[0]->state)
      vps_channel_send(ctx->channel, VP_FRAME_PROGRESS, ctx->used[0]->id, lost, sizeof(lost), NULL, 0);
   return ctx->used[0]->state;
}

static void add_batch(struct vp_context *ctx, struct batch_list *list, uint64_t serial, VkSubmitInfo *info)
{
   VkCommandBuffer *handles =
      (VkCommandBuffer *)(uintptr_t)info->pCommandBuffers; /* temporary memory, ours to change */
   VkDeviceGroupSubmitInfo *group = vps_submit_find_group(info);
   uint32_t *masks = group && group->commandBufferCount == info->commandBufferCount
                        ? (uint32_t *)(uintptr_t)group->pCommandBufferDeviceMasks
                        : NULL;
   uint32_t kept = 0;

   vps_submit_drop_semaphores(ctx, info);
   for (uint32_t i = 0; handles && i < info->commandBufferCount; i++) {
      if (!add_command_buffer(ctx, list, serial, handles[i]))
         continue;
      if (masks)
         masks[kept] = masks[i];
      handles[kept++] = handles[i];
   }
   info->commandBufferCount = kept;
   if (masks)
      group->commandBufferCount = kept;
}

/* When the driver has no memory for a submission, semaphores and fences have to go on nevertheless: without the command
 * buffers. */
static VkResult submit(struct vp_context *ctx, struct vps_queue *queue, uint32_t count, VkSubmitInfo *infos)
{
   const PFN_vkQueueSubmit function = queue->device->functions.QueueSubmit;
   VkResult result;

   do
      result = function(queue->handle, count, infos, VK_NULL_HANDLE);
   while (vps_try_again(ctx, result));
   if (!is_memory_error(result))
      return result;
   for (uint32_t i = 0; i < count; i++) {
      VkDeviceGroupSubmitInfo *group = vps_submit_find_group(&infos[i]);
      infos[i].commandBufferCount = 0;
      if (group)
         group->commandBufferCount = 0;
      send_batch_error(queue, queue->serial + i + 1, result);
   }
   return function(queue->handle, count, infos, VK_NULL_HANDLE);
}

void vp_handle_vkQueueSubmit(struct vp_context *ctx, struct vp_cmd_vkQueueSubmit *a)
{
   struct vps_queue *queue = usable_queue(ctx);
   a->ret = !queue || atomic_load(&queue->device->lost) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
   if (!queue)
      return;

   struct batch_list list = {.last = &list.first};
   uint64_t serial = queue->serial + a->submitCount;
   VkSubmitInfo *infos = (VkSubmitInfo *)(uintptr_t)a->pSubmits; /* temporary memory, ours to change */
   for (uint32_t i = 0; !a->ret && !ctx->failed && i < a->submitCount; i++) {
      begin_batch(ctx, queue, &list);
      add_batch(ctx, &list, queue->serial + i + 1, &infos[i]);
      end_batch(queue, &list, queue->serial + i + 1);
      vps_submit_add_signal(ctx, &infos[i], queue->timeline, queue->serial + i + 1);
   }
   pthread_mutex_lock(&queue->handle_lock);
   if (!a->ret && !ctx->failed)
      a->ret = submit(ctx, queue, a->submitCount, infos);
   submitted(ctx, queue, serial, &list, a->ret);
   pthread_mutex_unlock(&queue->handle_lock);
}

static void add_batch_2(struct vp_context *ctx, struct batch_list *list, uint64_t serial, VkSubmitInfo2 *info)
{
   VkCommandBufferSubmitInfo *all = (VkCommandBufferSubmitInfo *)(uintptr_t)info->pCommandBufferInfos;
   uint32_t kept = 0;

   vps_submit2_drop_semaphores(ctx, info);
   for (uint32_t i = 0; all && i < info->commandBufferInfoCount; i++) {
      if (add_command_buffer(ctx, list, serial, all[i].commandBuffer))
         all[kept++] = all[i];
   }
   info->commandBufferInfoCount = kept;
}

static VkResult submit_2(struct vp_context *ctx, struct vps_queue *queue, uint32_t count, VkSubmitInfo2 *infos)
{
   const PFN_vkQueueSubmit2 function = queue->device->functions.QueueSubmit2;
   VkResult result;

   do
      result = function(queue->handle, count, infos, VK_NULL_HANDLE);
   while (vps_try_again(ctx, result));
   if (!is_memory_error(result))
      return result;
   for (uint32_t i = 0; i < count; i++) {
      infos[i].commandBufferInfoCount = 0;
      send_batch_error(queue, queue->serial + i + 1, result);
   }
   return function(queue->handle, count, infos, VK_NULL_HANDLE);
}

void vp_handle_vkQueueSubmit2(struct vp_context *ctx, struct vp_cmd_vkQueueSubmit2 *a)
{
   struct vps_queue *queue = usable_queue(ctx);
   a->ret = !queue || atomic_load(&queue->device->lost) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
   if (!queue)
      return;
   if (!queue->device->functions.QueueSubmit2) {
      vps_missing_function(ctx);
      return;
   }

   struct batch_list list = {.last = &list.first};
   uint64_t serial = queue->serial + a->submitCount;
   VkSubmitInfo2 *infos = (VkSubmitInfo2 *)(uintptr_t)a->pSubmits; /* temporary memory, ours to change */
   for (uint32_t i = 0; !a->ret && !ctx->failed && i < a->submitCount; i++) {
      begin_batch(ctx, queue, &list);
      add_batch_2(ctx, &list, queue->serial + i + 1, &infos[i]);
      end_batch(queue, &list, queue->serial + i + 1);
      vps_submit2_add_signal(ctx, &infos[i], queue->timeline, queue->serial + i + 1);
   }
   pthread_mutex_lock(&queue->handle_lock);
   if (!a->ret && !ctx->failed)
      a->ret = submit_2(ctx, queue, a->submitCount, infos);
   submitted(ctx, queue, serial, &list, a->ret);
   pthread_mutex_unlock(&queue->handle_lock);
}

/* In place of a wait of the application's: what follows in the stream comes after the batch. */
void vp_handle_vkWaitBatchVP(struct vp_context *ctx, struct vp_cmd_vkWaitBatchVP *a)
{
   struct vps_queue *queue = ctx->used[0]->state;
   VkResult result = VK_TIMEOUT;

   if (a->serial > queue->serial) {
      vps_fail(ctx, "there is no batch %llu yet", (unsigned long long)a->serial);
      return;
   }
   if (spin_for(queue, a->serial, vp_clock_ns() + GPU_SPIN_NS))
      result = VK_SUCCESS;
   while (result == VK_TIMEOUT && !atomic_load(&queue->device->lost))
      result = wait_for(queue, a->serial, WAIT_NS);
   if (result < 0)
      lose_device(queue, "waiting for the GPU failed", result);
   else if (result == VK_SUCCESS)
      settle(queue, a->serial); /* what follows may destroy what the batch used */
}

/* Binds nothing; the rest of the batch goes on. */
static void bind_nothing(VkBindSparseInfo *info)
{
   info->bufferBindCount = info->imageOpaqueBindCount = info->imageBindCount = 0;
}

static VkResult bind_sparse(struct vp_context *ctx, struct vps_queue *queue, uint32_t count, VkBindSparseInfo *infos)
{
   const PFN_vkQueueBindSparse function = queue->device->functions.QueueBindSparse;
   VkResult result;

   do
      result = function(queue->handle, count, infos, VK_NULL_HANDLE);
   while (vps_try_again(ctx, result));
   if (!is_memory_error(result))
      return result;
   for (uint32_t i = 0; i < count; i++) {
      bind_nothing(&infos[i]);
      send_batch_error(queue, queue->serial + i + 1, result);
   }
   return function(queue->handle, count, infos, VK_NULL_HANDLE);
}

void vp_handle_vkQueueBindSparse(struct vp_context *ctx, struct vp_cmd_vkQueueBindSparse *a)
{
   struct vps_queue *queue = usable_queue(ctx);
   a->ret = !queue || atomic_load(&queue->device->lost) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
   if (!queue)
      return;

   struct batch_list list = {.last = &list.first};
   VkBindSparseInfo *infos = (VkBindSparseInfo *)(uintptr_t)a->pBindInfo; /* temporary memory, ours to change */
   for (uint32_t i = 0; !a->ret && !ctx->failed && i < a->bindInfoCount; i++) {
      begin_batch(ctx, queue, &list);
      vps_bind_sparse_drop_semaphores(ctx, &infos[i]);
      if (ctx->poison) {
         list.error = ctx->poison;
         bind_nothing(&infos[i]);
      }
      end_batch(queue, &list, queue->serial + i + 1);
      vps_bind_sparse_add_signal(ctx, &infos[i], queue->timeline, queue->serial + i + 1);
   }
   pthread_mutex_lock(&queue->handle_lock);
   if (!a->ret && !ctx->failed)
      a->ret = bind_sparse(ctx, queue, a->bindInfoCount, infos);
   submitted(ctx, queue, queue->serial + a->bindInfoCount, &list, a->ret);
   pthread_mutex_unlock(&queue->handle_lock);
}
