/* SPDX-License-Identifier: MIT */

/* What a queue's thread does: it waits for the batches that were submitted and reports what they have changed. */

#include "server/queue/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/spin.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/core/tally.h"
#include "server/memory/readback.h"
#include "server/memory/writes.h"
#include "server/queue/queue_state.h"
#include "server/record/track.h"
#include "server/sync/event.h"
#include "server/sync/query_pool.h"

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

/* --- reports --- */

static void send_progress(const struct vps_queue *queue, uint64_t serial, VkResult result)
{
   uint8_t payload[8 + 4];

   vp_bytes_store_u64(payload, serial);
   vp_bytes_store_u32(payload + 8, (uint32_t)result);
   vps_frame_writer_send(queue->device->writer, VP_FRAME_PROGRESS, queue->id, payload, sizeof(payload), NULL, 0);
}

void vps_queue_lose_device(const struct vps_queue *queue, const char *reason, VkResult result)
{
   if (atomic_exchange(&queue->device->lost, true))
      return;
   atomic_store(&queue->device->ctx->has_lost, true);
   vps_tally_add(VPS_COUNT_LOST, 1);
   vp_log(VP_LOG_WARN, "the device is lost: %s (VkResult %d)", reason, result);
}

void vps_pending_free(struct vps_pending *list)
{
   while (list) {
      struct vps_pending *next = list->next;
      vps_track_unref(list->track);
      free(list);
      list = next;
   }
}

static void report_memory(const struct vps_queue *queue, const struct vps_writes *writes,
                          const struct vps_writes *running)
{
   if (!vps_readback_report(queue->device, writes, running))
      vps_queue_lose_device(queue, "there is no memory to send what it has changed", VK_ERROR_OUT_OF_HOST_MEMORY);
}

static void add_writes(struct vps_writes *writes, const struct vps_pending *list)
{
   for (const struct vps_pending *pending = list; pending; pending = pending->next)
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
         vps_queue_lose_device(queue, "the results of queries cannot be read", VK_ERROR_DEVICE_LOST);
   }
}

/* Takes what is complete off the list. With the lock. */
static struct vps_pending *take_completed(struct vps_queue *queue, uint64_t serial)
{
   struct vps_pending *taken = queue->first, **end = &taken;

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
      vps_queue_lose_device(queue, "waiting for the GPU failed", result);
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
   for (const struct vps_pending *pending = queue->done; pending; pending = pending->next)
      sample_events(pending->track);
}

static void send_report(struct vps_queue *queue)
{
   if (!queue->due)
      return;
   for (const struct vps_pending *pending = queue->done; pending; pending = pending->next)
      report_track(queue, pending->track);
   vps_pending_free(queue->done);
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
   for (const struct vps_pending *pending = queue->first; pending; pending = pending->next)
      total += pending->track->event_count;
   struct vps_event **events = total ? malloc(total * sizeof(struct vps_event *)) : NULL;
   for (const struct vps_pending *pending = queue->first; events && pending; pending = pending->next) {
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
      vps_queue_lose_device(queue, "there is no memory to send what it has changed", VK_ERROR_OUT_OF_HOST_MEMORY);
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

/* For the queue's thread. Of two threads that wait for one semaphore NVIDIA's driver tells one up to 10 ms late. */
static VkResult wait_for_gpu(const struct vps_queue *queue, uint64_t serial, int64_t timeout_ns)
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
static bool queue_spin_for(const struct vps_queue *queue, uint64_t serial, int64_t end_ns)
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

/* One that the CPU plays works while this process has the processor, whoever else wants it. */
static int64_t gpu_clock_ns(const struct vps_device *device)
{
   return device->is_processor ? vp_clock_process_ns() : vp_clock_ns();
}

/* A batch that executes for too long: nothing takes it off the GPU but the end of this process. */
static void check_deadline(struct vps_queue *queue, uint64_t completed)
{
   pthread_mutex_lock(&queue->lock);
   struct vps_deadline *deadline = queue->deadlines.first; /* stays where it is */
   pthread_mutex_unlock(&queue->lock);
   if (!deadline || deadline->serial != completed + 1 ||
       !vps_deadline_is_over(deadline, vp_clock_ns(), gpu_clock_ns(queue->device)))
      return;
   vps_frame_writer_end(queue->device->writer, VPS_END_HUNG,
                        "a submission has been executed for %d s (batch %llu of a queue of family %u); the server "
                        "allows no longer ones, see its --submit-timeout",
                        (int)(deadline->limit_ns / 1000000000), (unsigned long long)deadline->serial, queue->family);
   if (!atomic_exchange(&queue->device->lost, true))
      vps_tally_add(VPS_COUNT_LOST, 1);
}

/* Waits for the next batch for some time. The highest complete serial, or 0 on failure. */
static uint64_t wait_for_progress(struct vps_queue *queue, uint64_t completed)
{
   const struct vps_device *device = queue->device;
   uint64_t reached = 0;
   unsigned event_count;

   struct vps_event **events = hold_events(queue, &event_count);
   VkResult result = VK_SUCCESS;
   if (!queue_spin_for(queue, completed + 1, queue->progress_ns + GPU_SPIN_NS))
      result = wait_for_gpu(queue, completed + 1, event_count ? EVENT_WAIT_NS : time_to_look(queue));
   if (result == VK_TIMEOUT) {
      check_deadline(queue, completed);
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
   vps_queue_lose_device(queue, "waiting for the GPU failed", result);
   return 0;
}

/* The next thing to wait for; false when the thread ends. */
static bool next_work(struct vps_queue *queue, uint64_t *completed)
{
   VP_SPIN_UNTIL(queue->completed != queue->submitted, WORK_SPIN_NS);
   pthread_mutex_lock(&queue->lock);
   while (!queue->stop && queue->completed == queue->submitted)
      pthread_cond_wait(&queue->changed, &queue->lock);
   *completed = queue->completed;
   const bool work = queue->completed < queue->submitted && !(queue->stop && vp_clock_ms() >= queue->stop_deadline_ms);
   pthread_mutex_unlock(&queue->lock);
   return work;
}

/* Whoever waits for the batches up to this serial need not wait for their report. */
static void complete_batches(struct vps_queue *queue, uint64_t serial)
{
   pthread_mutex_lock(&queue->lock);
   queue->completed = serial;
   struct vps_deadline *met = vps_deadlines_take(&queue->deadlines, serial);
   pthread_mutex_unlock(&queue->lock);
   pthread_cond_broadcast(&queue->changed);
   vps_deadline_free(met);
}

/* Tells the client that all is over, and is done with everything. */
static void give_up(struct vps_queue *queue)
{
   const uint64_t serial = queue->submitted;

   complete_batches(queue, serial);
   pthread_mutex_lock(&queue->lock);
   struct vps_pending *lost = take_completed(queue, UINT64_MAX);
   pthread_mutex_unlock(&queue->lock);

   vps_pending_free(lost);
   send_progress(queue, serial, VK_ERROR_DEVICE_LOST);
}

void *vps_queue_run(void *argument)
{
   struct vps_queue *queue = argument;
   uint64_t completed;

   for (uint64_t last = UINT64_MAX; next_work(queue, &completed); last = completed) {
      if (completed != last) {
         queue->progress_ns = vp_clock_ns();
         queue->next_look_ns = queue->progress_ns + FIRST_LOOK_NS;
      }
      const uint64_t reached = atomic_load(&queue->device->lost) ? 0 : wait_for_progress(queue, completed);
      if (reached > completed) {
         vps_tally_batches(reached - completed, vp_clock_ns() - queue->progress_ns);
         settle(queue, reached);
         complete_batches(queue, reached);
         report_completed(queue, reached);
      }
      if (atomic_load(&queue->device->lost))
         give_up(queue);
   }
   return NULL;
}

void vps_queue_hand_over(struct vps_queue *queue, uint64_t serial, struct vps_pending *list, struct vps_pending **last,
                         struct vps_deadlines *deadlines)
{
   pthread_mutex_lock(&queue->lock);
   vps_deadlines_append(&queue->deadlines, deadlines);
   queue->submitted = serial;
   if (list) {
      *queue->last = list;
      queue->last = last;
   }
   pthread_mutex_unlock(&queue->lock);
   pthread_cond_signal(&queue->changed); /* who wakes up finds the lock free */
}

/* --- what other threads ask --- */

/* Waits until the queue's thread has seen the batch to be complete. */
static VkResult wait_for_thread(struct vps_queue *queue, uint64_t serial, int64_t timeout_ns)
{
   const struct timespec deadline = vp_clock_deadline(vp_clock_ns() + timeout_ns);
   int error = 0;

   pthread_mutex_lock(&queue->lock);
   while (queue->completed < serial && error == 0)
      error = pthread_cond_timedwait(&queue->changed, &queue->lock, &deadline);
   const bool completed = queue->completed >= serial;
   pthread_mutex_unlock(&queue->lock);
   return completed ? VK_SUCCESS : VK_TIMEOUT;
}

/* In place of a wait of the application's: what follows in the stream comes after the batch. */
void vps_handle_vkWaitBatchVP(struct vps_context *ctx, struct vp_cmd_vkWaitBatchVP *a)
{
   struct vps_queue *queue = ctx->used[0]->state;
   VkResult result = VK_TIMEOUT;

   if (a->serial > queue->serial) {
      vps_fail(ctx, "there is no batch %llu yet", (unsigned long long)a->serial);
      return;
   }
   if (queue_spin_for(queue, a->serial, vp_clock_ns() + GPU_SPIN_NS))
      result = VK_SUCCESS;
   while (result == VK_TIMEOUT && !atomic_load(&queue->device->lost))
      result = wait_for_thread(queue, a->serial, WAIT_NS);
   if (result == VK_SUCCESS)
      settle(queue, a->serial); /* what follows may destroy what the batch used */
}

bool vps_queue_comes_to_rest(struct vps_queue *queue, int64_t timeout_ns)
{
   if (wait_for_gpu(queue, queue->accepted, timeout_ns) == VK_TIMEOUT)
      return false;
   pthread_mutex_lock(&queue->handle_lock);
   (void)queue->device->functions.QueueWaitIdle(queue->handle);
   pthread_mutex_unlock(&queue->handle_lock);
   return true;
}

bool vps_queue_finish(struct vps_queue *queue, uint64_t serial, int64_t timeout_ns)
{
   const VkResult result =
      queue->joined ? wait_for_gpu(queue, serial, timeout_ns) : wait_for_thread(queue, serial, timeout_ns);

   pthread_mutex_lock(&queue->handle_lock);
   queue->unsettled = true; /* whatever else the driver may still be busy with */
   pthread_mutex_unlock(&queue->handle_lock);
   if (result == VK_SUCCESS)
      settle(queue, serial);
   return result != VK_TIMEOUT;
}
