/* SPDX-License-Identifier: MIT */

/* A ring of questions in the order in which they were asked. The oldest one makes room, whose answer has come long ago.
 */

#include "client/core/descriptor_questions.h"

#include <stdlib.h>

#include "client/core/device.h"
#include "client/vp_client_send.h"

void vp_descriptor_questions_init(struct vp_descriptor_questions *questions)
{
   pthread_mutex_init(&questions->lock, NULL);
}

void vp_descriptor_questions_finish(struct vp_descriptor_questions *questions)
{
   free(questions->ring);
   pthread_mutex_destroy(&questions->lock);
}

/* With the lock. */
static void settle_first(struct vp_device *device)
{
   struct vp_descriptor_questions *questions = &device->descriptor_questions;
   struct vp_cache_question *question = questions->ring[questions->first];
   questions->first = (questions->first + 1) % VP_MAX_DESCRIPTOR_QUESTIONS;
   questions->count--;
   vp_cache_question_end(question, device->conn, &device->cache);
   free(question);
}

void vp_descriptor_questions_settle(struct vp_device *device)
{
   struct vp_descriptor_questions *questions = &device->descriptor_questions;
   pthread_mutex_lock(&questions->lock);
   while (questions->count > 0)
      settle_first(device);
   pthread_mutex_unlock(&questions->lock);
}

/* With the lock. */
static bool make_room_for_question(struct vp_device *device)
{
   struct vp_descriptor_questions *questions = &device->descriptor_questions;
   if (!questions->ring)
      questions->ring = calloc(VP_MAX_DESCRIPTOR_QUESTIONS, sizeof(struct vp_cache_question *));
   if (questions->ring && questions->count == VP_MAX_DESCRIPTOR_QUESTIONS)
      settle_first(device);
   return questions->ring != NULL;
}

void vp_descriptor_questions_ask(struct vp_device *device, const VkDescriptorGetInfoEXT *info, size_t size)
{
   uint8_t wanted; /* the answer goes elsewhere */
   const struct vp_cmd_vkGetDescriptorEXT a = {
      .device = VP_TO_HANDLE(VkDevice, device), .pDescriptorInfo = info, .dataSize = size, .pDescriptor = &wanted};
   struct vp_descriptor_questions *questions = &device->descriptor_questions;
   struct vp_cache_question *question = malloc(sizeof(*question));
   if (!question || !vp_cache_question_begin(question, device->conn)) { /* it will be asked when it is wanted */
      free(question);
      return;
   }
   vp_request_vkGetDescriptorEXT(&question->request, 1, &a);
   pthread_mutex_lock(&questions->lock);
   if (make_room_for_question(device)) {
      vp_cache_question_send(question, device->conn);
      questions->ring[(questions->first + questions->count++) % VP_MAX_DESCRIPTOR_QUESTIONS] = question;
      question = NULL;
   }
   pthread_mutex_unlock(&questions->lock);
   if (question)
      vp_cache_question_end(question, device->conn, &device->cache);
   free(question);
}
