/* SPDX-License-Identifier: MIT */

/* A pair of sockets: one way the connection travels with whose it is, the other way words of a byte, two of them with
 * more behind it. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/text.h"
#include "server/process/handover.h"
#include "server/process/passing.h"

/* Of VPS_HANDOVER_LOADED: the word, u32 GPUs, u64 memory. */
#define LOADED_SIZE (1 + 4 + 8)

bool vps_handover_open(int *listener_end, int *worker_end)
{
   int ends[2];

   if (!vps_passing_open(ends))
      return false;
   *listener_end = ends[0];
   *worker_end = ends[1];
   return true;
}

bool vps_handover_send_cache(int listener_end, const char name[VPS_SHADER_CACHE_NAME_SIZE])
{
   return vps_passing_send(listener_end, name, VPS_SHADER_CACHE_NAME_SIZE, NULL, 0, MSG_DONTWAIT);
}

bool vps_handover_receive_cache(int worker_end, char name[VPS_SHADER_CACHE_NAME_SIZE])
{
   int fds[VPS_PASSING_MOST];
   const ssize_t size = vps_passing_receive(worker_end, name, VPS_SHADER_CACHE_NAME_SIZE, fds, 0);

   name[VPS_SHADER_CACHE_NAME_SIZE - 1] = '\0';
   return size == VPS_SHADER_CACHE_NAME_SIZE;
}

bool vps_handover_send(int listener_end, int fd, const struct vps_client *client)
{
   int fds[VPS_PASSING_MOST] = {fd};
   unsigned count = 1;

   if (client->account_fd >= 0)
      fds[count++] = client->account_fd;
   if (client->page_fd >= 0)
      fds[count++] = client->page_fd;
   if (client->share_fd >= 0)
      fds[count++] = client->share_fd;
   return vps_passing_send(listener_end, client, sizeof(*client), fds, count, MSG_DONTWAIT);
}

bool vps_handover_is_due(int worker_end)
{
   struct pollfd end = {.fd = worker_end, .events = POLLIN};

   return poll(&end, 1, 0) > 0;
}

int vps_handover_receive(int worker_end, struct vps_client *client)
{
   int fds[VPS_PASSING_MOST];

   if (vps_passing_receive(worker_end, client, sizeof(*client), fds, 0) == (ssize_t)sizeof(*client)) {
      unsigned next = 1;
      client->account_fd = client->account_fd >= 0 ? fds[next++] : -1;
      client->page_fd = client->page_fd >= 0 ? fds[next++] : -1;
      client->share_fd = client->share_fd >= 0 ? fds[next] : -1;
      return fds[0];
   }
   for (unsigned i = 0; i < VPS_PASSING_MOST; i++) {
      if (fds[i] >= 0)
         close(fds[i]);
   }
   return -1;
}

void vps_handover_tell(int worker_end, enum vps_handover_word word)
{
   const char byte = (char)word;

   while (send(worker_end, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR)
      ;
}

void vps_handover_tell_loaded(int worker_end, uint32_t gpus, uint64_t memory)
{
   uint8_t message[LOADED_SIZE] = {VPS_HANDOVER_LOADED};

   vp_bytes_store_u32(message + 1, gpus);
   vp_bytes_store_u64(message + 5, memory);
   while (send(worker_end, message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR)
      ;
}

void vps_handover_tell_end(int worker_end, const char *text)
{
   char message[1 + VP_ERROR_TEXT_SIZE] = {VPS_HANDOVER_ENDED};
   ssize_t n;

   vp_text_copy(message + 1, VP_ERROR_TEXT_SIZE, text, strlen(text));
   do {
      n = send(worker_end, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT);
   } while (n < 0 && errno == EINTR);
   if (n < 0)
      vp_log(VP_LOG_WARN, "the session ends: %s", text);
}

void vps_handover_hear(int listener_end, struct vps_handover_news *news)
{
   char message[1 + VP_ERROR_TEXT_SIZE];
   ssize_t size;

   while ((size = recv(listener_end, message, sizeof(message), MSG_DONTWAIT)) > 0) {
      if (message[0] == VPS_HANDOVER_LOADED && size == LOADED_SIZE && !news->loaded) {
         news->loaded = true;
         news->gpus = vp_bytes_load_u32((const uint8_t *)message + 1);
         news->memory = vp_bytes_load_u64((const uint8_t *)message + 5);
      }
      news->compiled = news->compiled || message[0] == VPS_HANDOVER_COMPILED;
      news->hung = news->hung || message[0] == VPS_HANDOVER_HUNG;
      news->silent = news->silent || message[0] == VPS_HANDOVER_SILENT;
      if (message[0] == VPS_HANDOVER_RESUMED)
         news->lost_ms = 0;
      if (message[0] == VPS_HANDOVER_LOST && !news->lost_ms)
         news->lost_ms = vp_clock_ms();
      if (message[0] == VPS_HANDOVER_ENDED && !news->end[0])
         vp_text_copy(news->end, sizeof(news->end), message + 1, (size_t)size - 1);
   }
}
