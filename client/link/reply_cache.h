/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_REPLY_CACHE_H
#define VP_CLIENT_LINK_REPLY_CACHE_H

#include <pthread.h>
#include <stdbool.h>

#include "client/link/connection.h"

/* Pure questions and their answers: the encoded request is the key, the reply
 * is the value. Thread-safe. Forgets everything when it grows too large. */
struct vp_reply_cache {
   pthread_mutex_t lock;
   struct vp_reply_entry **buckets;
   size_t bytes;
};

bool vp_reply_cache_init(struct vp_reply_cache *cache);
void vp_reply_cache_finish(struct vp_reply_cache *cache);

/* One question. Use: if begin() { encode into request; if answer() decode from
 * reply }; end(). */
struct vp_cached_call {
   struct vp_reply_cache *cache;
   struct vp_connection *conn;
   struct vp_encoder request;
   struct vp_decoder reply;
   struct vp_call call; /* when it had to be asked */
   bool locked, asked;
   VkResult result;
};

bool vp_cached_begin(struct vp_reply_cache *cache, struct vp_connection *conn, struct vp_cached_call *call);
bool vp_cached_answer(struct vp_cached_call *call, uint32_t command);

/* Before that: whether it would have to be asked. */
bool vp_cached_is_known(const struct vp_cached_call *call);
VkResult vp_cached_end(struct vp_cached_call *call);

/* A question that is asked before anybody wants to know, with others: begin, encode into request, send; later end,
 * which keeps the answer. A failure just means that it will be asked again. */
struct vp_cache_question {
   struct vp_encoder request;
   struct vp_call call;
   bool sent;
};

bool vp_cache_question_begin(struct vp_cache_question *question, struct vp_connection *conn);

/* Whether the answer is there already, so that it need not be sent. */
bool vp_cache_question_is_known(const struct vp_cache_question *question, struct vp_reply_cache *cache);
void vp_cache_question_send(struct vp_cache_question *question, struct vp_connection *conn);
void vp_cache_question_end(struct vp_cache_question *question, struct vp_connection *conn,
                           struct vp_reply_cache *cache);

#endif
