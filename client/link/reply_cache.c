/* SPDX-License-Identifier: MIT */

/* A hash table of requests. A reply is kept if it can never be another one: successes, and of the errors those that say
 * what the GPU cannot do. */

#include "client/link/reply_cache.h"

#include <stdlib.h>
#include <string.h>

#include "client/link/command_names.h"
#include "common/util/bytes.h"

#define BUCKETS 1024
#define MAX_BYTES ((size_t)8 << 20)

struct vp_reply_entry {
   struct vp_reply_entry *next;
   size_t request_size, reply_size;
   uint8_t bytes[]; /* request, then reply */
};

bool vp_reply_cache_init(struct vp_reply_cache *cache)
{
   *cache = (struct vp_reply_cache){.buckets = calloc(BUCKETS, sizeof(struct vp_reply_entry *))};
   pthread_mutex_init(&cache->lock, NULL);
   return cache->buckets != NULL;
}

static void forget_replies(struct vp_reply_cache *cache)
{
   for (size_t i = 0; cache->buckets && i < BUCKETS; i++) {
      for (struct vp_reply_entry *entry = cache->buckets[i]; entry;) {
         struct vp_reply_entry *next = entry->next;
         free(entry);
         entry = next;
      }
      cache->buckets[i] = NULL;
   }
   cache->bytes = 0;
}

void vp_reply_cache_finish(struct vp_reply_cache *cache)
{
   forget_replies(cache);
   free(cache->buckets);
   pthread_mutex_destroy(&cache->lock);
}

/* FNV-1a over 32-bit units, of which requests are made. */
static struct vp_reply_entry **bucket(struct vp_reply_cache *cache, const struct vp_encoder *request)
{
   uint32_t hash = 2166136261u;
   for (const uint8_t *p = request->start; p < request->cur; p += 4) {
      uint32_t unit;
      memcpy(&unit, p, 4);
      hash = (hash ^ unit) * 16777619u;
   }
   return &cache->buckets[(hash ^ hash >> 16) % BUCKETS];
}

/* Whether the same question would be answered in the same way again, whatever happens meanwhile: of the errors only
 * what the GPU cannot do. A reply begins with the command and, where that has one, its result. */
static bool is_lasting(const struct vp_decoder *reply)
{
   if (vp_dec_remaining(reply) < 8 || !vp_command_has_result(vp_bytes_load_u32(reply->cur)))
      return true;
   const int32_t result = (int32_t)vp_bytes_load_u32(reply->cur + 4);
   return result >= 0 || result == VK_ERROR_FORMAT_NOT_SUPPORTED;
}

static void remember(struct vp_reply_cache *cache, const struct vp_encoder *request, const struct vp_decoder *reply)
{
   if (!is_lasting(reply))
      return;
   const size_t request_size = vp_encoder_size(request), reply_size = vp_dec_remaining(reply);
   const size_t size = sizeof(struct vp_reply_entry) + request_size + reply_size;
   struct vp_reply_entry *entry = size < MAX_BYTES / 4 ? malloc(size) : NULL;
   if (!entry)
      return; /* it will be asked again */
   entry->request_size = request_size;
   entry->reply_size = reply_size;
   memcpy(entry->bytes, request->start, request_size);
   memcpy(entry->bytes + request_size, reply->cur, reply_size);
   pthread_mutex_lock(&cache->lock);
   if (cache->bytes + size > MAX_BYTES)
      forget_replies(cache);
   struct vp_reply_entry **head = bucket(cache, request);
   entry->next = *head;
   *head = entry;
   cache->bytes += size;
   pthread_mutex_unlock(&cache->lock);
}

bool vp_cached_begin(struct vp_reply_cache *cache, struct vp_connection *conn, struct vp_cached_call *call)
{
   *call = (struct vp_cached_call){.cache = cache, .conn = conn};
   if (!vp_encoder_init(&call->request)) {
      call->result = VK_ERROR_OUT_OF_HOST_MEMORY;
      return false;
   }
   call->request.peer = &conn->server.codec;
   return true;
}

/* With the lock. */
static const struct vp_reply_entry *find_entry(struct vp_reply_cache *cache, const struct vp_encoder *request)
{
   const size_t size = vp_encoder_size(request);
   const struct vp_reply_entry *entry = *bucket(cache, request);
   while (entry && (entry->request_size != size || memcmp(entry->bytes, request->start, size) != 0))
      entry = entry->next;
   return entry;
}

static bool is_reply_known(struct vp_reply_cache *cache, const struct vp_encoder *request)
{
   pthread_mutex_lock(&cache->lock);
   const bool known = !request->failed && find_entry(cache, request);
   pthread_mutex_unlock(&cache->lock);
   return known;
}

bool vp_cached_is_known(const struct vp_cached_call *call)
{
   return is_reply_known(call->cache, &call->request);
}

/* Finds the answer and keeps the cache locked while it is read. */
static bool find_reply(struct vp_cached_call *call)
{
   pthread_mutex_lock(&call->cache->lock);
   const struct vp_reply_entry *entry = find_entry(call->cache, &call->request);
   call->locked = entry != NULL;
   if (entry)
      vp_decoder_init(&call->reply, entry->bytes + entry->request_size, entry->reply_size, NULL);
   else
      pthread_mutex_unlock(&call->cache->lock);
   return call->locked;
}

static bool ask_for_reply(struct vp_cached_call *call, uint32_t command)
{
   call->asked = true;
   vp_enc_bytes(vp_call_begin(call->conn), call->request.start, vp_encoder_size(&call->request), 1);
   vp_call_queue(call->conn, &call->call);
   call->result = vp_call_wait(call->conn, &call->call, command);
   if (call->result != VK_SUCCESS)
      return false;
   call->reply = call->call.dec;
   remember(call->cache, &call->request, &call->reply);
   return true;
}

bool vp_cached_answer(struct vp_cached_call *call, uint32_t command)
{
   if (call->request.failed) {
      call->result = VK_ERROR_OUT_OF_HOST_MEMORY;
      return false;
   }
   if (!find_reply(call))
      return ask_for_reply(call, command);
   vp_stats_add(&call->conn->stats.cached_calls, 1);
   return true;
}

VkResult vp_cached_end(struct vp_cached_call *call)
{
   if (call->locked)
      pthread_mutex_unlock(&call->cache->lock);
   if (call->asked) {
      call->call.dec = call->reply;
      const VkResult result = vp_call_end(call->conn, &call->call);
      if (call->result == VK_SUCCESS)
         call->result = result;
   }
   vp_encoder_finish(&call->request);
   return call->result;
}

bool vp_cache_question_begin(struct vp_cache_question *question, struct vp_connection *conn)
{
   *question = (struct vp_cache_question){0};
   if (!vp_encoder_init(&question->request))
      return false;
   question->request.peer = &conn->server.codec;
   return true;
}

bool vp_cache_question_is_known(const struct vp_cache_question *question, struct vp_reply_cache *cache)
{
   return is_reply_known(cache, &question->request);
}

void vp_cache_question_send(struct vp_cache_question *question, struct vp_connection *conn)
{
   if (question->request.failed)
      return;
   vp_enc_bytes(vp_call_begin(conn), question->request.start, vp_encoder_size(&question->request), 1);
   vp_call_queue(conn, &question->call);
   question->sent = true;
}

void vp_cache_question_end(struct vp_cache_question *question, struct vp_connection *conn, struct vp_reply_cache *cache)
{
   if (question->sent) {
      if (vp_call_wait(conn, &question->call, UINT32_MAX) == VK_SUCCESS)
         remember(cache, &question->request, &question->call.dec);
      question->call.dec.cur = question->call.dec.end; /* not understood yet, but kept */
      vp_call_end(conn, &question->call);
   }
   vp_encoder_finish(&question->request);
}
