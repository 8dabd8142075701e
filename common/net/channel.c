/* SPDX-License-Identifier: MIT */

/* Asks a socket for bytes and gives it some without waiting, each way under a lock; who has to wait spins first, then
 * sleeps, and when the connection has broken waits for the next one. What the peer has not got of what was written is
 * given to that one before anything else. */

#include "common/net/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/socket.h"
#include "common/util/clock.h"
#include "common/util/spin.h"

/* How often a waiting reader or writer looks whether the peer is lost. */
#define LOOK_NS INT64_C(2500000000)

/* In the middle of a frame a fast network goes on sooner than a thread falls asleep and wakes up; what does not is not
 * waited for like that again in this frame. */
#define SPIN_NS INT64_C(20000)

#define NS_PER_MS INT64_C(1000000)

/* The part of the history that may be written while there is no connection. */
#define AHEAD_SHARE 16

static atomic_int room_ms = -1;

void vp_channel_set_room_timeout(int ms)
{
   atomic_store(&room_ms, ms);
}

/* --- waiting for a socket --- */

/* poll() for one descriptor. It refuses to work in a process that has given up its descriptors (RLIMIT_NOFILE 0), where
 * select() does not mind. */
static int wait_ms(int fd, short events, int timeout_ms)
{
   struct pollfd pollfd = {.fd = fd, .events = events};
   const int n = poll(&pollfd, 1, timeout_ms);
   if (n >= 0 || errno != EINVAL || fd >= FD_SETSIZE)
      return n;
   struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
   fd_set set;
   FD_ZERO(&set);
   FD_SET(fd, &set);
   return select(fd + 1, events & POLLIN ? &set : NULL, events & POLLOUT ? &set : NULL, NULL, &timeout);
}

/* Waits until `events` (or an error, which the next call will tell) are there.
 * VP_FRAME_OK, VP_FRAME_TIMEOUT or VP_FRAME_BROKEN with errno. */
static enum vp_frame_status wait_for_socket(int fd, short events, int timeout_ms)
{
   int64_t left_ns = (int64_t)timeout_ms * NS_PER_MS;

   for (;;) {
      const bool last = timeout_ms >= 0 && left_ns < LOOK_NS;
      const int64_t wait_ns = last ? left_ns : LOOK_NS, start_ns = vp_clock_ns();
      const int n = wait_ms(fd, events, (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS));
      if (n > 0)
         return VP_FRAME_OK;
      if (n < 0 && errno != EINTR)
         return VP_FRAME_BROKEN;
      /* No more than was to be waited: when this machine has stood still, the peer's may have, too. */
      const int64_t waited_ns = vp_clock_ns() - start_ns;
      left_ns -= waited_ns < wait_ns ? waited_ns : wait_ns;
      if (timeout_ms >= 0 && left_ns <= 0)
         return VP_FRAME_TIMEOUT;
      if (n == 0 && vp_socket_peer_lost(fd)) {
         errno = ETIMEDOUT;
         return VP_FRAME_BROKEN;
      }
   }
}

/* The same, and known as a sleeper: poll() that is woken looks at what the number means by then, but goes on waiting
 * for what it meant before. */
static enum vp_frame_status sleep_for(struct vp_channel *channel, short events, int timeout_ms)
{
   pthread_mutex_lock(&channel->lock);
   channel->sleepers++;
   pthread_mutex_unlock(&channel->lock);
   const enum vp_frame_status status = wait_for_socket(channel->fd, events, timeout_ms);
   const int error = errno;
   pthread_mutex_lock(&channel->lock);
   channel->sleepers--;
   pthread_cond_broadcast(&channel->changed);
   pthread_mutex_unlock(&channel->lock);
   errno = error;
   return status;
}

/* --- waiting for another connection --- */

/* The one with this number has failed. Whoever waits for it wakes up; what it has received can still be read. */
static void note_broken(struct vp_channel *channel, unsigned number)
{
   pthread_mutex_lock(&channel->lock);
   if (channel->number == number && !channel->broken) {
      channel->broken = true;
      channel->broken_ms = vp_clock_ms();
      shutdown(channel->fd, SHUT_RDWR);
   }
   pthread_mutex_unlock(&channel->lock);
}

/* With the lock. */
static void end_locked(struct vp_channel *channel)
{
   channel->ended = true;
   pthread_cond_broadcast(&channel->changed);
}

/* With the lock, until there is another connection than this one. */
static void wait_for_another(struct vp_channel *channel, unsigned number)
{
   const int64_t deadline_ms = channel->broken_ms + channel->keep_ms;
   const struct timespec deadline = vp_clock_deadline(deadline_ms * NS_PER_MS);

   while (channel->number == number && !channel->ended) {
      if (channel->mend)
         pthread_cond_wait(&channel->changed, &channel->lock);
      else if (pthread_cond_timedwait(&channel->changed, &channel->lock, &deadline) == ETIMEDOUT)
         end_locked(channel);
   }
}

/* The connection with this number has failed. False: the channel has ended with it. */
static bool survive(struct vp_channel *channel, unsigned number, bool may_mend)
{
   if (!channel->history)
      return false;
   note_broken(channel, number);
   pthread_mutex_lock(&channel->lock);
   const bool mends = may_mend && channel->mend && !channel->ended && channel->number == number;
   pthread_mutex_unlock(&channel->lock);
   if (mends && !channel->mend(channel->context))
      vp_channel_end(channel);
   pthread_mutex_lock(&channel->lock);
   wait_for_another(channel, number);
   const bool ok = channel->number != number;
   pthread_mutex_unlock(&channel->lock);
   return ok;
}

/* --- history; under send_lock --- */

static void keep_bytes(struct vp_channel *channel, const uint8_t *data, size_t size)
{
   const size_t place = channel->written % channel->history_size;
   const size_t end = channel->history_size - place, first = size < end ? size : end;

   memcpy(channel->history + place, data, first);
   memcpy(channel->history, data + first, size - first);
   channel->written += size;
}

/* The first bytes of these parts; of more than there is room for the last ones. */
static void keep_parts(struct vp_channel *channel, const struct iovec *parts, size_t size)
{
   for (; size > 0; parts++) {
      const size_t length = parts->iov_len < size ? parts->iov_len : size;
      const size_t kept = length < channel->history_size ? length : channel->history_size;
      channel->written += length - kept;
      keep_bytes(channel, (const uint8_t *)parts->iov_base + (length - kept), kept);
      size -= length;
   }
}

/* Gives the socket what it lacks. False with errno: there is more. */
static bool push_history(struct vp_channel *channel)
{
   while (channel->pushed < channel->written) {
      const size_t place = channel->pushed % channel->history_size, end = channel->history_size - place;
      const uint64_t left = channel->written - channel->pushed;
      const ssize_t n =
         send(channel->fd, channel->history + place, left < end ? left : end, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EINTR)
         return false;
      channel->pushed += n > 0 ? (uint64_t)n : 0;
   }
   channel->behind = false;
   return true;
}

/* Parts of a size for the next connection, as far as they may be. -1 with errno: they may not. */
static ssize_t keep_for_later(struct vp_channel *channel, const struct iovec *parts, size_t size)
{
   const uint64_t ahead = channel->history_size / AHEAD_SHARE, behind = channel->written - channel->pushed;

   if (channel->ended || behind >= ahead) {
      errno = channel->ended ? EPIPE : ENOTCONN;
      return -1;
   }
   const size_t kept = size < ahead - behind ? size : ahead - behind;
   keep_parts(channel, parts, kept);
   channel->behind = true;
   return (ssize_t)kept;
}

/* --- reading --- */

static int next_timeout(const struct vp_patience *patience)
{
   if (patience->deadline_ms == VP_NO_DEADLINE)
      return patience->timeout_ms;
   const int64_t left = patience->deadline_ms - vp_clock_ms();
   return left < 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

static ssize_t take_bytes(struct vp_channel *channel, uint8_t *data, size_t size, unsigned *number)
{
   pthread_mutex_lock(&channel->receive_lock);
   const ssize_t n = recv(channel->fd, data, size, MSG_DONTWAIT);
   const int error = errno;
   *number = channel->number;
   channel->received += n > 0 ? (uint64_t)n : 0;
   pthread_mutex_unlock(&channel->receive_lock);
   errno = error;
   return n;
}

/* Who waits for the peer sends again what that lacks: nobody else may be there to do it. */
static enum vp_frame_status wait_for_data(struct vp_channel *channel, int timeout_ms)
{
   const bool pushes = vp_channel_is_behind(channel) && !vp_channel_is_broken(channel);
   const enum vp_frame_status status = sleep_for(channel, pushes ? POLLIN | POLLOUT : POLLIN, timeout_ms);

   if (status == VP_FRAME_OK && pushes)
      vp_channel_push(channel);
   return status;
}

enum vp_frame_status vp_channel_await(struct vp_channel *channel, int timeout_ms)
{
   uint8_t byte;

   while (recv(channel->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) < 0 &&
          (errno == EAGAIN || errno == EWOULDBLOCK)) {
      const enum vp_frame_status status = wait_for_data(channel, timeout_ms);
      if (status != VP_FRAME_OK)
         return status;
   }
   return VP_FRAME_OK;
}

/* What the reader does about a connection that is not as it should be. Silence is for those who mend a reason to. */
static bool may_go_on(struct vp_channel *channel, enum vp_frame_status status, unsigned number)
{
   return (status != VP_FRAME_TIMEOUT || channel->mend) && survive(channel, number, true);
}

enum vp_frame_status vp_channel_read(struct vp_channel *channel, uint8_t *data, size_t size,
                                     const struct vp_patience *patience, size_t *received, bool *waited, bool *fast)
{
   *waited = false;
   for (;;) {
      unsigned number;
      enum vp_frame_status status = VP_FRAME_OK;
      const ssize_t n = take_bytes(channel, data, size, &number);
      if (n > 0) {
         *received = (size_t)n;
         return VP_FRAME_OK;
      }
      if (n < 0 && errno == EINTR)
         continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
         *waited = true;
         *fast = *fast && vp_spin_for_data(channel->fd, vp_clock_ns() + SPIN_NS);
         status = *fast ? VP_FRAME_OK : wait_for_data(channel, next_timeout(patience));
      } else {
         status = n == 0 ? VP_FRAME_CLOSED : VP_FRAME_BROKEN;
      }
      if (status != VP_FRAME_OK && !may_go_on(channel, status, number))
         return status;
   }
}

/* --- writing --- */

/* Takes the first `size` bytes off the parts. */
static void advance(struct msghdr *message, size_t size)
{
   while (size > 0 && size >= message->msg_iov->iov_len) {
      size -= message->msg_iov->iov_len;
      message->msg_iov++;
      message->msg_iovlen--;
   }
   if (size > 0) {
      message->msg_iov->iov_base = (uint8_t *)message->msg_iov->iov_base + size;
      message->msg_iov->iov_len -= size;
   }
}

/* How many bytes of a message of this size the socket has taken, or the history for the next one; -1 with errno. */
static ssize_t give(struct vp_channel *channel, const struct msghdr *message, size_t size, int flags, unsigned *number)
{
   ssize_t n = -1;

   pthread_mutex_lock(&channel->send_lock);
   *number = channel->number;
   if (vp_channel_is_broken(channel)) {
      n = keep_for_later(channel, message->msg_iov, size);
   } else if (push_history(channel)) {
      n = sendmsg(channel->fd, message, MSG_NOSIGNAL | MSG_DONTWAIT | flags);
      if (n > 0 && channel->history) {
         keep_parts(channel, message->msg_iov, (size_t)n);
         channel->pushed = channel->written;
      }
   }
   const int error = errno;
   pthread_mutex_unlock(&channel->send_lock);
   errno = error;
   return n;
}

/* After an error of give(). False: the channel is over. */
static bool give_again(struct vp_channel *channel, unsigned number)
{
   const int error = errno;
   bool ok = true;

   if (error == ENOTCONN && vp_channel_is_broken(channel))
      ok = survive(channel, number, false);
   else if (channel->history && !channel->ended)
      note_broken(channel, number);
   else
      ok = false;
   errno = error;
   return ok;
}

/* False with errno, ETIME when the peer takes nothing. */
static bool wait_until_taken(struct vp_channel *channel)
{
   int left = vp_socket_unsent(channel->fd);

   for (;;) {
      const int before = left;
      const enum vp_frame_status status = sleep_for(channel, POLLOUT, atomic_load(&room_ms));
      if (status != VP_FRAME_TIMEOUT)
         return status == VP_FRAME_OK;
      left = vp_socket_unsent(channel->fd);
      if (left == before) {
         errno = ETIME;
         return false;
      }
   }
}

/* *fast: it is expected at any moment. */
static bool wait_for_room(struct vp_channel *channel, uint64_t *blocked_ns, bool *fast)
{
   const int64_t start = vp_clock_ns();
   *fast = *fast && vp_spin_for_room(channel->fd, start + SPIN_NS);
   const bool ok = *fast || wait_until_taken(channel);
   *blocked_ns += (uint64_t)(vp_clock_ns() - start);
   return ok;
}

bool vp_channel_write(struct vp_channel *channel, struct iovec *parts, size_t count, bool more, uint64_t *blocked_ns)
{
   struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
   bool fast = true;
   size_t left = 0;

   for (size_t i = 0; i < count; i++)
      left += parts[i].iov_len;
   while (left > 0) {
      unsigned number;
      const ssize_t n = give(channel, &message, left, more ? MSG_MORE : 0, &number);
      if (n >= 0) {
         left -= (size_t)n;
         advance(&message, (size_t)n);
         continue;
      }
      if (errno == EINTR || ((errno == EAGAIN || errno == EWOULDBLOCK) && wait_for_room(channel, blocked_ns, &fast)))
         continue;
      if (errno == ETIME || !give_again(channel, number))
         return false;
   }
   return true;
}

ptrdiff_t vp_channel_write_some(struct vp_channel *channel, const void *data, size_t size)
{
   struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
   const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
   unsigned number;
   const ssize_t n = give(channel, &message, size, 0, &number);

   if (n >= 0)
      return n;
   if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
      return 0;
   if (!channel->history || channel->ended)
      return -1;
   note_broken(channel, number);
   return 0;
}

/* Under send_lock, with a connection that lacks nothing. */
static enum vp_frame_sent give_now(struct vp_channel *channel, const struct msghdr *message)
{
   struct pollfd pollfd = {.fd = channel->fd, .events = POLLOUT};
   size_t size = 0;

   /* Then there is room for much more, so that it is all or nothing. */
   if (poll(&pollfd, 1, 0) <= 0 || !(pollfd.revents & (POLLOUT | POLLERR | POLLHUP)))
      return VP_FRAME_NO_ROOM;
   for (size_t i = 0; i < message->msg_iovlen; i++)
      size += message->msg_iov[i].iov_len;
   const ssize_t n = sendmsg(channel->fd, message, MSG_NOSIGNAL | MSG_DONTWAIT);
   if (n < 0)
      return channel->history || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? VP_FRAME_NO_ROOM
                                                                                           : VP_FRAME_CUT;
   if (channel->history) {
      keep_parts(channel, message->msg_iov, size);
      channel->pushed += (size_t)n;
      channel->behind = channel->pushed < channel->written;
   }
   return channel->history || (size_t)n == size ? VP_FRAME_SENT : VP_FRAME_CUT;
}

enum vp_frame_sent vp_channel_write_now(struct vp_channel *channel, const struct iovec *parts, size_t count)
{
   const struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
   enum vp_frame_sent sent = VP_FRAME_NO_ROOM;

   pthread_mutex_lock(&channel->send_lock);
   if (!vp_channel_is_broken(channel) && push_history(channel))
      sent = give_now(channel, &message);
   pthread_mutex_unlock(&channel->send_lock);
   return sent;
}

/* --- life, and another connection --- */

bool vp_channel_make_resumable(struct vp_channel *channel, uint8_t *history, size_t size, int keep_ms,
                               bool (*mend)(void *context), void *context)
{
   if (!vp_clock_cond_init(&channel->changed))
      return false;
   channel->received = 0;
   channel->history = history;
   channel->history_size = size;
   channel->keep_ms = keep_ms;
   channel->mend = mend;
   channel->context = context;
   return true;
}

void vp_channel_finish(struct vp_channel *channel)
{
   free(channel->history);
   channel->history = NULL;
   pthread_cond_destroy(&channel->changed);
   pthread_mutex_destroy(&channel->lock);
   pthread_mutex_destroy(&channel->send_lock);
   pthread_mutex_destroy(&channel->receive_lock);
}

uint64_t vp_channel_hold(struct vp_channel *channel)
{
   pthread_mutex_lock(&channel->receive_lock);
   pthread_mutex_lock(&channel->send_lock);
   return channel->received;
}

void vp_channel_release(struct vp_channel *channel)
{
   pthread_mutex_unlock(&channel->send_lock);
   pthread_mutex_unlock(&channel->receive_lock);
}

bool vp_channel_can_go_on(const struct vp_channel *channel, uint64_t peer_received)
{
   return peer_received <= channel->pushed && channel->written - peer_received <= channel->history_size;
}

bool vp_channel_adopt(struct vp_channel *channel, int fd, uint64_t peer_received)
{
   pthread_mutex_lock(&channel->lock);
   shutdown(channel->fd, SHUT_RDWR); /* for those who wait for the one before, of whom none may be left */
   while (channel->sleepers > 0)
      pthread_cond_wait(&channel->changed, &channel->lock);
   const bool ok = !channel->ended && dup3(fd, channel->fd, O_CLOEXEC) >= 0;
   if (ok) {
      channel->pushed = peer_received;
      channel->behind = channel->pushed < channel->written;
      channel->broken = false;
      channel->number++;
      pthread_cond_broadcast(&channel->changed);
   }
   pthread_mutex_unlock(&channel->lock);
   vp_channel_release(channel);
   return ok;
}

void vp_channel_push(struct vp_channel *channel)
{
   pthread_mutex_lock(&channel->send_lock);
   if (!vp_channel_is_broken(channel))
      push_history(channel); /* what is wrong with the connection, if anything, the reader finds out */
   pthread_mutex_unlock(&channel->send_lock);
}

void vp_channel_end(struct vp_channel *channel)
{
   pthread_mutex_lock(&channel->lock);
   end_locked(channel);
   pthread_mutex_unlock(&channel->lock);
}

bool vp_channel_pause(struct vp_channel *channel, int ms)
{
   const struct timespec deadline = vp_clock_deadline(vp_clock_ns() + ms * NS_PER_MS);

   pthread_mutex_lock(&channel->lock);
   while (!channel->ended && pthread_cond_timedwait(&channel->changed, &channel->lock, &deadline) != ETIMEDOUT)
      ;
   const bool goes_on = !channel->ended;
   pthread_mutex_unlock(&channel->lock);
   return goes_on;
}
