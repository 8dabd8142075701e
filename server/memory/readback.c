/* SPDX-License-Identifier: MIT */

/* Marks the pages that a batch may have written to, finds where they have changed, and sends that in an order in which
 * no word says too early that data is there. What the application does not map at the moment goes only where that has
 * paid before. */

#include "server/memory/readback.h"

#include <stdlib.h>

#include "common/net/frame.h"
#include "common/wire/encoder.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/memory/dirty.h"
#include "server/memory/memory.h"
#include "server/memory/sending.h"
#include "server/memory/stretches.h"
#include "server/memory/writes.h"

/* Of memory of which more pages may have changed, changes are sent in any order. */
#define ORDERED_PAGES ((size_t)1024)

/* What is written exactly is sent to a client that cannot look at it now up to this size, doubled for each point of
 * the score of its memory type. A type that is made for reading has all points from the start; where the GPU has no
 * memory of its own that type is for everything. */
#define LIMIT_BASE ((VkDeviceSize)1 << 20)
#define MAX_SCORE 6
#define MIN_SCORE (-4)

/* Who did not look at changes so many times in a row is not sent them any more until it does. */
#define MAX_UNSEEN 4u

/* --- history --- */

static VkMemoryPropertyFlags type_flags(const struct vps_memory *memory)
{
   return memory->device->memory.memoryTypes[memory->type].propertyFlags;
}

void vps_readback_init(struct vps_device *device)
{
   const VkMemoryPropertyFlags cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT, local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;

   for (uint32_t i = 0; i < device->memory.memoryTypeCount; i++) {
      if ((device->memory.memoryTypes[i].propertyFlags & (cached | local)) == cached)
         atomic_store(&device->scores[i], MAX_SCORE);
   }
}

static void change_score(const struct vps_memory *memory, int change)
{
   atomic_int *score = &memory->device->scores[memory->type];
   int old = atomic_load(score), changed;

   do {
      changed = old + change;
      changed = changed > MAX_SCORE ? MAX_SCORE : changed < MIN_SCORE ? MIN_SCORE : changed;
   } while (!atomic_compare_exchange_weak(score, &old, changed));
}

/* 0: nothing. */
static VkDeviceSize size_limit(const struct vps_memory *memory)
{
   const int score = atomic_load(&memory->device->scores[memory->type]);
   return score < 0 ? 0 : LIMIT_BASE << score;
}

/* On GPUs whose memory is all the host's, everything lies in memory that looks made for reading; there it is so for
 * buffers that are only copied to. */
bool vps_readback_is_likely(const struct vps_memory *memory, bool copies)
{
   return memory->visible && atomic_load(&memory->device->scores[memory->type]) > 0 &&
          memory->size <= size_limit(memory) && (copies || !(type_flags(memory) & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT));
}

/* Whether it is better to send changes now, though the application cannot look at them, than when it can. */
static bool pays(const struct vps_memory *memory)
{
   const VkDeviceSize size = memory->dirty_pages * VPS_PAGE;

   if (memory->unseen >= MAX_UNSEEN)
      return false;
   if (memory->wanted)
      return size <= LIMIT_BASE << MAX_SCORE;
   return !memory->inexact && size <= size_limit(memory);
}

void vps_readback_close(struct vps_memory *memory)
{
   if (memory->unseen && !memory->opened)
      change_score(memory, -1);
}

/* --- pages --- */

void vps_readback_mark_all(struct vps_memory *memory)
{
   vps_dirty_mark(memory, 0, memory->size);
}

/* The pages of a range where something of these classes is bound. */
static void mark_bound(struct vps_memory *memory, VkDeviceSize start, VkDeviceSize end, unsigned classes)
{
   end = end < memory->size ? end : memory->size;
   for (VkDeviceSize next; start < end; start = next) {
      next = (start / VPS_PIECE + 1) * VPS_PIECE;
      if (memory->exposed[start / VPS_PIECE] & classes)
         vps_dirty_mark(memory, start, next < end ? next : end);
   }
}

void vps_readback_mark_exposed(struct vps_memory *memory)
{
   mark_bound(memory, 0, memory->size, VPS_WRITES_ALL);
}

/* Whether the memory is written to at all. */
static bool mark_writes(struct vps_memory *memory, const struct vps_writes *writes)
{
   const unsigned classes = writes->classes & atomic_load(&memory->classes);
   unsigned count;

   if (classes) {
      mark_bound(memory, 0, memory->size, classes);
      memory->inexact = true;
   }
   const struct vps_write_range *ranges = vps_writes_find(writes, memory, &count);
   for (unsigned i = 0; i < count; i++)
      mark_bound(memory, ranges[i].start, ranges[i].end, VPS_WRITES_ALL);
   return classes || count;
}

/* Done with: takes the marks off. */
static void unmark_all(struct vps_memory *memory)
{
   vps_dirty_clear(memory);
   memory->inexact = false;
}

/* --- sending --- */

/* Sends all marked pages. */
static unsigned send_marked(struct vps_memory *memory, const struct vps_outbox *out)
{
   if (memory->dirty_pages == 0)
      return 0;
   vps_memory_invalidate(memory);
   unsigned frames = vps_sending_pages(memory, out);
   frames += vps_sending_flush(memory, out);
   unmark_all(memory);
   return frames;
}

static void send_empty(const struct vps_memory *memory, uint32_t type)
{
   vps_frame_writer_send(memory->device->writer, type, memory->id, NULL, 0, NULL, 0);
}

/* To a client whose application cannot look at it now. That it says nothing of a change is told it too when this is
 * the first that it hears of the memory. */
static void send_ahead(struct vps_memory *memory, const struct vps_outbox *out)
{
   if (send_marked(memory, out) == 0 && !memory->shared && !out->enc->failed)
      send_empty(memory, VP_FRAME_MEMORY);
   memory->shared = true;
   memory->unseen++;
}

/* A client that has no copy needs not be told: it has to ask when it maps the memory. */
static void report(struct vps_memory *memory, const struct vps_outbox *out)
{
   if (memory->mapped) {
      send_marked(memory, out);
   } else if (!memory->stale && pays(memory)) {
      send_ahead(memory, out);
   } else if (!memory->stale && memory->shared) {
      memory->stale = true;
      send_empty(memory, VP_FRAME_STALE);
   }
}

bool vps_readback_open(struct vps_memory *memory, bool asked, struct vp_encoder *enc)
{
   const struct vps_outbox out = {.enc = enc};

   if (memory->stale || asked)
      change_score(memory, 1);
   memory->wanted = memory->wanted || memory->stale || memory->unseen > 0;
   memory->unseen = 0;
   send_marked(memory, &out);
   memory->stale = false;
   return !enc->failed;
}

/* What lies between the ends, and behind it the ends, if nothing else is sent between. */
static void send_insides(struct vps_memory *memory, const struct vps_stretches *stretches, bool ends,
                         const struct vps_outbox *out)
{
   vps_sending_stretches(memory, stretches, out);
   if (ends)
      vps_stretches_collect(stretches, memory, out->enc);
   vps_sending_flush(memory, out);
   unmark_all(memory);
}

static void mark_ends(struct vps_memory *memory, const struct vps_stretches *stretches)
{
   for (unsigned i = 0; i < stretches->count; i++) {
      const struct vps_stretch *stretch = &stretches->list[i];
      if (stretch->memory != memory)
         continue;
      vps_dirty_mark(memory, stretch->place[0], stretch->place[0] + 1);
      vps_dirty_mark(memory, stretch->place[1], stretch->place[1] + 1);
   }
}

static void send_ends(struct vps_memory *memory, const struct vps_stretches *stretches, const struct vps_outbox *out)
{
   if (!memory->mapped) { /* it was when they were found */
      mark_ends(memory, stretches);
      report(memory, out);
      return;
   }
   vps_stretches_collect(stretches, memory, out->enc);
   vps_sending_flush(memory, out);
}

/* --- reports --- */

static bool may_touch(const struct vps_writes *writes, const struct vps_memory *memory)
{
   unsigned count;

   vps_writes_find(writes, memory, &count);
   return count > 0 || (writes->classes & atomic_load(&memory->classes));
}

/* A list of the followed memory that may be written to, held because others may free it meanwhile. False without
 * memory. */
static bool hold_touched(struct vps_device *device, const struct vps_writes *writes, struct vps_memory ***held,
                         unsigned *count)
{
   unsigned total = 0;

   *count = 0;
   pthread_mutex_lock(&device->mapped_lock);
   for (const struct vps_memory *memory = device->mapped; memory; memory = memory->next)
      total++;
   *held = malloc((total + 1) * sizeof(struct vps_memory *));
   /* Its answer is asked for once: the executing thread may bind something meanwhile. */
   for (struct vps_memory *memory = device->mapped; *held && memory; memory = memory->next) {
      if (may_touch(writes, memory))
         (*held)[(*count)++] = vps_memory_ref(memory);
   }
   pthread_mutex_unlock(&device->mapped_lock);
   return *held != NULL;
}

bool vps_readback_is_visible(struct vps_device *device, const struct vps_writes *writes)
{
   bool visible = false;

   pthread_mutex_lock(&device->mapped_lock);
   for (const struct vps_memory *memory = device->mapped; memory && !visible; memory = memory->next)
      visible = memory->mapped && may_touch(writes, memory);
   pthread_mutex_unlock(&device->mapped_lock);
   return visible;
}

/* A report on its way. */
struct task {
   const struct vps_writes *writes, *running;
   struct vps_memory **held;
   bool *whole; /* for each: it is not divided into stretches */
   unsigned count;
   struct vps_stretches stretches, again;
   struct vp_encoder enc;
   struct vps_outbox out;
};

/* How often stretches are looked for, and their ends read, until they are the same twice. */
#define MAX_LOOKS 8
#define MAX_READS 100

/* Marks what is to be looked at. */
static bool is_touched(struct vps_memory *memory, const struct task *task)
{
   const bool written = memory->real && mark_writes(memory, task->writes);

   return (memory->real && memory->mapped && task->running && mark_writes(memory, task->running)) || written;
}

/* Where very much may have changed that takes too long. */
static bool divide_task(struct vps_memory *memory, const struct task *task, struct vps_stretches *stretches)
{
   if (!memory->mapped)
      return false;
   if (!is_touched(memory, task))
      return true;
   if (memory->dirty_pages >= ORDERED_PAGES)
      return false;
   vps_memory_invalidate(memory);
   return vps_stretches_add(stretches, memory);
}

static void find_stretches(struct task *task, struct vps_stretches *stretches)
{
   stretches->count = 0;
   for (unsigned i = 0; i < task->count; i++) {
      pthread_mutex_lock(&task->held[i]->lock);
      task->whole[i] = !divide_task(task->held[i], task, stretches);
      pthread_mutex_unlock(&task->held[i]->lock);
   }
}

/* Reads the ends again. Whether they are as they were. */
static bool read_ends(struct vps_stretches *stretches)
{
   bool same = true;

   for (unsigned i = 0; i < stretches->count; i++) {
      struct vps_stretch *stretch = &stretches->list[i];
      pthread_mutex_lock(&stretch->memory->lock);
      same = vps_stretch_read(stretch) && same;
      pthread_mutex_unlock(&stretch->memory->lock);
   }
   return same;
}

/* Finds stretches of which it is certain that what was written before one of their ends lies in one of them: all ends
 * were there at one moment, and no stretch is new since then. False when that cannot be had. */
static bool settle_stretches(struct task *task)
{
   find_stretches(task, &task->stretches);
   for (unsigned look = 0; task->running && look < MAX_LOOKS; look++) {
      unsigned reads = 0;
      while (!read_ends(&task->stretches) && reads < MAX_READS)
         reads++;
      find_stretches(task, &task->again);
      if (reads < MAX_READS && vps_stretches_equal(&task->stretches, &task->again))
         return true;
      task->stretches = task->again;
   }
   return !task->running;
}

/* Memories in which nothing but single words have changed, as flags do that have a memory of their own, or the others.
 */
static void send_all_ends(struct task *task, bool singles)
{
   for (unsigned i = 0; i < task->count; i++) {
      struct vps_memory *memory = task->held[i];
      pthread_mutex_lock(&memory->lock);
      if (memory->real && vps_stretches_have(&task->stretches, memory, singles) &&
          !(singles && vps_stretches_have(&task->stretches, memory, false)))
         send_ends(memory, &task->stretches, &task->out);
      pthread_mutex_unlock(&memory->lock);
   }
}

/* With `ends`, they are sent at once. */
static void send_memory(struct task *task, unsigned i, bool ends)
{
   struct vps_memory *memory = task->held[i];

   pthread_mutex_lock(&memory->lock);
   if (is_touched(memory, task)) {
      if (task->whole[i] || !memory->mapped)
         report(memory, &task->out);
      else
         send_insides(memory, &task->stretches, ends, &task->out);
   }
   pthread_mutex_unlock(&memory->lock);
}

/* The only memory that has stretches; the number of memories when there is none. */
static unsigned find_only(const struct task *task)
{
   unsigned only = 0;

   if (task->stretches.count == 0)
      return task->count;
   for (unsigned i = 1; i < task->stretches.count; i++) {
      if (task->stretches.list[i].memory != task->stretches.list[0].memory)
         return task->count;
   }
   while (task->held[only] != task->stretches.list[0].memory)
      only++;
   return only;
}

static void send_task(struct task *task)
{
   const unsigned only = find_only(task);

   for (unsigned i = 0; i < task->count; i++) {
      if (i != only)
         send_memory(task, i, false);
   }
   if (only < task->count) {
      send_memory(task, only, true);
      return;
   }
   send_all_ends(task, false);
   send_all_ends(task, true);
}

static bool run_task(struct vps_device *device, struct task *task, const struct vps_writes *all, bool must)
{
   bool ok = hold_touched(device, all, &task->held, &task->count);

   task->whole = calloc(task->count + 1, sizeof(*task->whole));
   ok = ok && task->whole;
   if (ok && (settle_stretches(task) || must))
      send_task(task);
   for (unsigned i = 0; i < task->count; i++)
      vps_memory_unref(task->held[i]);
   free(task->whole);
   free(task->held);
   return ok && !task->enc.failed;
}

static bool report_writes(struct vps_device *device, const struct vps_writes *writes, const struct vps_writes *running,
                          bool must)
{
   struct vps_writes all = {0};
   bool ok = false;
   struct task *task = malloc(sizeof(*task));

   if (!task)
      return false;
   *task = (struct task){.writes = writes, .running = running};
   task->out = (struct vps_outbox){.enc = &task->enc, .followed = writes->classes || writes->count};
   vps_writes_add(&all, writes);
   if (running)
      vps_writes_add(&all, running);
   if (vp_encoder_init(&task->enc)) {
      ok = run_task(device, task, &all, must);
      vp_encoder_finish(&task->enc);
   }
   vps_writes_finish(&all);
   free(task);
   return ok;
}

bool vps_readback_report(struct vps_device *device, const struct vps_writes *writes, const struct vps_writes *running)
{
   return (!writes->classes && writes->count == 0 && !running) || report_writes(device, writes, running, true);
}

bool vps_readback_look(struct vps_device *device, const struct vps_writes *running)
{
   static const struct vps_writes none;

   return report_writes(device, &none, running, false);
}
