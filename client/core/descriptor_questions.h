/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_DESCRIPTOR_QUESTIONS_H
#define VP_CLIENT_CORE_DESCRIPTOR_QUESTIONS_H

#include <pthread.h>
#include <stdbool.h>

#include "client/link/reply_cache.h"

struct vp_device;

/* More of them are not under way. */
#define VP_MAX_DESCRIPTOR_QUESTIONS 1024u

/* What the descriptors of new image views and samplers look like in a descriptor buffer, asked right behind their
 * creation, since programs want to know that next: who does then waits for many at once, or not at all. */
struct vp_descriptor_questions {
   pthread_mutex_t lock;
   struct vp_cache_question **ring; /* NULL: nothing was asked yet */
   unsigned first, count;
};

void vp_descriptor_questions_init(struct vp_descriptor_questions *questions);

/* Keeps the answers of all questions that are under way. */
void vp_descriptor_questions_settle(struct vp_device *device);

/* After that: frees the rest. */
void vp_descriptor_questions_finish(struct vp_descriptor_questions *questions);

/* Asks without waiting. */
void vp_descriptor_questions_ask(struct vp_device *device, const VkDescriptorGetInfoEXT *info, size_t size);

#endif
