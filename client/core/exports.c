/* SPDX-License-Identifier: MIT */

/* A list of our ends of the descriptors that applications have; a closed one hangs up. */

#include "client/core/exports.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "common/util/clock.h"
#include "common/util/log.h"

#define TEND_NS INT64_C(100000000)

void vp_exports_init(struct vp_exports *exports)
{
   pthread_mutex_init(&exports->lock, NULL);
}

void vp_exports_finish(struct vp_exports *exports)
{
   for (uint32_t i = 0; i < exports->count; i++)
      close(exports->ends[i].fd);
   free(exports->ends);
   free(exports->tokens);
   pthread_mutex_destroy(&exports->lock);
}

static void drop_token(struct vp_physical_device *gpu, const VkTokenVP *token)
{
   const struct vp_cmd_vkDropTokenVP a = {.physicalDevice = VP_TO_HANDLE(VkPhysicalDevice, gpu), .pToken = token};
   if (vp_send_vkDropTokenVP(gpu->conn, &a) == VK_SUCCESS)
      vp_stream_flush(gpu->conn);
}

/* With the lock. */
static bool make_room_for_export(struct vp_exports *exports)
{
   if (exports->count < exports->room)
      return true;
   const uint32_t room = exports->room ? 2 * exports->room : 8;
   VkTokenVP *tokens = realloc(exports->tokens, room * sizeof(*tokens));
   exports->tokens = tokens ? tokens : exports->tokens;
   struct pollfd *ends = realloc(exports->ends, room * sizeof(*ends));
   exports->ends = ends ? ends : exports->ends;
   if (tokens && ends)
      exports->room = room;
   return tokens && ends;
}

int vp_exports_add(struct vp_physical_device *gpu, enum vp_token_kind kind, const VkTokenVP *token)
{
   struct vp_exports *exports = &gpu->exports;
   int ends[2] = {-1, -1};
   pthread_mutex_lock(&exports->lock);
   const bool ok = make_room_for_export(exports) && vp_token_open(kind, token, ends);
   const int error = errno;
   if (ok) {
      exports->tokens[exports->count] = *token;
      exports->ends[exports->count] = (struct pollfd){.fd = ends[1]}; /* its hanging up is always told */
      exports->count++;
   }
   pthread_mutex_unlock(&exports->lock);
   if (ok)
      return ends[0];
   vp_log(VP_LOG_ERROR, "there is no file descriptor to share something with: %s", strerror(error));
   drop_token(gpu, token);
   return -1;
}

/* Takes one out that is closed everywhere. */
static bool take_closed(struct vp_exports *exports, VkTokenVP *token)
{
   bool found = false;
   pthread_mutex_lock(&exports->lock);
   if (exports->count && poll(exports->ends, exports->count, 0) > 0) {
      uint32_t i = 0;
      while (i < exports->count && !exports->ends[i].revents)
         i++;
      found = i < exports->count;
      if (found) {
         *token = exports->tokens[i];
         close(exports->ends[i].fd);
         exports->count--;
         exports->tokens[i] = exports->tokens[exports->count];
         exports->ends[i] = exports->ends[exports->count];
      }
   }
   pthread_mutex_unlock(&exports->lock);
   return found;
}

void vp_exports_sweep(struct vp_physical_device *gpu)
{
   VkTokenVP token;
   while (atomic_load_explicit(&gpu->exports.count, memory_order_relaxed) && take_closed(&gpu->exports, &token))
      drop_token(gpu, &token);
}

void vp_exports_tend(struct vp_physical_device *gpu)
{
   struct vp_exports *exports = &gpu->exports;
   if (!atomic_load_explicit(&exports->count, memory_order_relaxed))
      return;
   const int64_t now_ns = vp_clock_ns();
   if (now_ns < exports->due_ns)
      return;
   exports->due_ns = now_ns + TEND_NS;
   vp_exports_sweep(gpu);
}

static const char *refusal_text(uint32_t reason)
{
   static const char *const texts[] = {
      NULL,
      ("it is of another server, or of another session of a server that serves one client; both programs must use the "
       "same venus-server"),
      "there is no such thing (any more): the program that exported it has ended, or is another user's",
      "its kind, size, memory type or GPU is not that of what was exported",
      "the server has no room for it",
      "this session has asked for too many that were not there",
      "the driver does not take it",
   };
   return reason < sizeof(texts) / sizeof(*texts) && texts[reason] ? texts[reason] : "the server does not say why";
}

void vp_exports_log_refusal(const struct vp_physical_device *gpu, const char *what, uint32_t reason)
{
   if (!vp_connection_lost(gpu->conn)) /* else that was said */
      vp_log(VP_LOG_WARN, "cannot import %s from a file descriptor: %s", what, refusal_text(reason));
}
