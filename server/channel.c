/* SPDX-License-Identifier: MIT */
#include "server/channel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/net/error_frame.h"
#include "common/net/frame.h"
#include "common/util/clock.h"

/* The client is told that we live when it has heard nothing for this long. */
#define ALIVE_MS 2000

/* Pictures keep a slow link busy all the time. What the kernel has taken cannot be overtaken by anything more urgent,
 * so it shall not take much more than the link does. */
#define MOST_UNSENT (128 << 10)

bool vps_channel_init(struct vps_channel *channel, int fd)
{
   const int most = MOST_UNSENT;

   setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most)); /* else it is only slower */
   *channel = (struct vps_channel){.fd = fd};
   atomic_store(&channel->last_sent_ms, vp_clock_ms());
   return pthread_mutex_init(&channel->lock, NULL) == 0;
}

void vps_channel_finish(struct vps_channel *channel)
{
   pthread_mutex_destroy(&channel->lock);
}

static bool send_locked(struct vps_channel *channel, uint32_t type, uint64_t tag, const void *a, size_t a_size,
                        const void *b, size_t b_size)
{
   if (channel->fd < 0)
      return true;
   if (channel->broken)
      return false;
   if (!vp_frame_write(channel->fd, type, tag, a, a_size, b, b_size)) {
      channel->broken = errno != EMSGSIZE;
      return false;
   }
   atomic_store(&channel->last_sent_ms, vp_clock_ms());
   return true;
}

bool vps_channel_send(struct vps_channel *channel, uint32_t type, uint64_t tag, const void *a, size_t a_size,
                      const void *b, size_t b_size)
{
   pthread_mutex_lock(&channel->lock);
   const bool ok = send_locked(channel, type, tag, a, a_size, b, b_size);
   pthread_mutex_unlock(&channel->lock);
   return ok;
}

bool vps_channel_send_error(struct vps_channel *channel, const struct vp_error *error)
{
   uint8_t payload[VP_ERROR_WIRE_MAX];
   const size_t size = vp_error_store(payload, error);

   return vps_channel_send(channel, VP_FRAME_ERROR, 0, payload, size, NULL, 0);
}

void vps_channel_keep_alive(struct vps_channel *channel)
{
   if (vp_clock_ms() - atomic_load(&channel->last_sent_ms) < ALIVE_MS)
      return;
   /* Whoever holds the lock is sending something. */
   if (pthread_mutex_trylock(&channel->lock) != 0)
      return;
   send_locked(channel, VP_FRAME_ALIVE, 0, NULL, 0, NULL, 0);
   pthread_mutex_unlock(&channel->lock);
}

void vps_channel_linger(struct vps_channel *channel, int timeout_ms)
{
   const int64_t deadline = vp_clock_ms() + timeout_ms;
   uint8_t ignored[4096];

   if (channel->fd < 0)
      return;
   shutdown(channel->fd, SHUT_WR);
   for (;;) {
      struct pollfd pollfd = {.fd = channel->fd, .events = POLLIN};
      const int64_t left = deadline - vp_clock_ms();
      if (left <= 0 || poll(&pollfd, 1, (int)left) <= 0)
         return;
      const ssize_t n = recv(channel->fd, ignored, sizeof(ignored), MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
         return;
   }
}
