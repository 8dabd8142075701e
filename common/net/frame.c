/* SPDX-License-Identifier: MIT */

/* Reads whole frames and writes them in one system call where it can; who waits for the peer spins first, then sleeps,
 * and gives up when the peer is lost or the time is over. */

#include "common/net/frame.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common/net/limits.h"
#include "common/net/socket.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "common/util/spin.h"

/* Payload buffers start with this size and double. */
#define MIN_CAPACITY ((size_t)64 << 10)

/* It is measured how fast frames of this size arrive. */
#define MEASURED_SIZE ((size_t)16 << 10)

/* How often a waiting reader or writer looks whether the peer is lost. */
#define LOOK_NS INT64_C(2500000000)

/* In the middle of a frame a fast network goes on sooner than a thread falls asleep and wakes up; what does not is not
 * waited for like that again in this frame. */
#define SPIN_NS INT64_C(20000)

#define NS_PER_MS INT64_C(1000000)

void vp_frame_header_store(uint8_t out[VP_FRAME_HEADER_SIZE], const struct vp_frame_header *header)
{
   vp_bytes_store_u32(out, header->type);
   vp_bytes_store_u32(out + 4, header->length);
   vp_bytes_store_u64(out + 8, header->tag);
}

void vp_frame_header_load(struct vp_frame_header *header, const uint8_t in[VP_FRAME_HEADER_SIZE])
{
   header->type = vp_bytes_load_u32(in);
   header->length = vp_bytes_load_u32(in + 4);
   header->tag = vp_bytes_load_u64(in + 8);
}

void vp_frame_finish(struct vp_frame *frame)
{
   free(frame->payload);
   *frame = (struct vp_frame){0};
}

const char *vp_frame_status_text(enum vp_frame_status status, enum vp_side from)
{
   const bool is_client = from == VP_CLIENT;
   switch (status) {
   case VP_FRAME_OK:
      return "no error";
   case VP_FRAME_CLOSED:
      return is_client ? "the client closed the connection" : "the server closed the connection";
   case VP_FRAME_BROKEN:
      return "the connection broke";
   case VP_FRAME_TIMEOUT:
      return is_client ? "the client does not answer" : "the server does not answer";
   case VP_FRAME_MALFORMED:
      return is_client ? "the client sent data that is not of this protocol"
                       : "the server sent data that is not of this protocol";
   case VP_FRAME_NO_MEMORY:
      return "out of memory for a message";
   }
   return "unknown error";
}

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
static enum vp_frame_status frame_wait(int fd, short events, int timeout_ms)
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

/* How long a reader waits, and for what. */
struct patience {
   int timeout_ms;      /* for each piece; -1: for ever */
   int64_t deadline_ms; /* for all of it; NO_DEADLINE: none */
   bool first;          /* the peer's first frame */
};

#define NO_DEADLINE INT64_MAX

static atomic_int stall_ms = VP_FRAME_STALL_MS;

void vp_frame_set_stall(int ms)
{
   atomic_store(&stall_ms, ms);
}

/* What is left of it in the middle of a frame: who has begun one goes on. */
static struct patience patience_inside(const struct patience *patience)
{
   const int limit_ms = atomic_load(&stall_ms);
   struct patience inside = *patience;

   if (inside.timeout_ms < 0 || inside.timeout_ms > limit_ms)
      inside.timeout_ms = limit_ms;
   return inside;
}

static int next_timeout(const struct patience *patience)
{
   if (patience->deadline_ms == NO_DEADLINE)
      return patience->timeout_ms;
   const int64_t left = patience->deadline_ms - vp_clock_ms();
   return left < 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

/* Receives between 1 and `size` bytes. VP_FRAME_CLOSED at the end of the stream. *waited: they were not there yet.
 * *fast: they are expected at any moment. */
static enum vp_frame_status frame_receive(int fd, uint8_t *data, size_t size, const struct patience *patience,
                                          size_t *received, bool *waited, bool *fast)
{
   *waited = false;
   for (;;) {
      const ssize_t n = recv(fd, data, size, MSG_DONTWAIT);
      if (n > 0) {
         *received = (size_t)n;
         return VP_FRAME_OK;
      }
      if (n == 0)
         return VP_FRAME_CLOSED;
      if (errno == EINTR)
         continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK)
         return VP_FRAME_BROKEN;

      *waited = true;
      *fast = *fast && vp_spin_for_data(fd, vp_clock_ns() + SPIN_NS);
      if (*fast)
         continue;
      const enum vp_frame_status status = frame_wait(fd, POLLIN, next_timeout(patience));
      if (status != VP_FRAME_OK)
         return status;
   }
}

static bool frame_header_valid(const struct vp_frame_header *header, bool first)
{
   const uint32_t type = header->type;
   const bool introduces = first || type == VP_FRAME_HELLO || type == VP_FRAME_AUTH || type == VP_FRAME_RESUME;
   const bool known = type >= VP_FRAME_HELLO && type < VP_FRAME_END;
   return (known || (vp_frame_is_skippable(header) && !first)) &&
          header->length <= (introduces ? VP_FRAME_MAX_FIRST_PAYLOAD : VP_FRAME_MAX_PAYLOAD);
}

static enum vp_frame_status frame_read_header(int fd, struct vp_frame_header *header, const struct patience *patience,
                                              const struct patience *inside)
{
   uint8_t bytes[VP_FRAME_HEADER_SIZE];
   bool fast = false;

   for (size_t have = 0; have < sizeof(bytes);) {
      size_t received;
      bool waited;
      const enum vp_frame_status status =
         frame_receive(fd, bytes + have, sizeof(bytes) - have, have ? inside : patience, &received, &waited, &fast);
      if (status == VP_FRAME_CLOSED && have > 0)
         return VP_FRAME_BROKEN;
      if (status != VP_FRAME_OK)
         return status;
      have += received;
   }

   vp_frame_header_load(header, bytes);
   return frame_header_valid(header, patience->first) ? VP_FRAME_OK : VP_FRAME_MALFORMED;
}

/* Doubles the payload buffer. */
static bool frame_grow(struct vp_frame *frame)
{
   const size_t capacity = frame->capacity ? frame->capacity * 2 : MIN_CAPACITY;
   uint8_t *payload = realloc(frame->payload, capacity);
   if (!payload)
      return false;

   frame->payload = payload;
   frame->capacity = capacity;
   return true;
}

/* Throws a payload away. */
static enum vp_frame_status frame_skip(int fd, size_t length, const struct patience *patience)
{
   uint8_t waste[4096];
   bool fast = false;

   while (length > 0) {
      size_t received;
      bool waited;
      const enum vp_frame_status status =
         frame_receive(fd, waste, length < sizeof(waste) ? length : sizeof(waste), patience, &received, &waited, &fast);
      if (status != VP_FRAME_OK)
         return status == VP_FRAME_CLOSED ? VP_FRAME_BROKEN : status;
      length -= received;
   }
   return VP_FRAME_OK;
}

static enum vp_frame_status frame_read(int fd, struct vp_frame *frame, const struct patience *patience)
{
   const struct patience inside = patience_inside(patience);
   enum vp_frame_status status = frame_read_header(fd, &frame->header, patience, &inside);
   if (status != VP_FRAME_OK)
      return status;

   const size_t length = frame->header.length;
   int64_t since_ns = 0; /* when something was missing for the first time */
   bool fast = true;
   frame->awaited = 0;
   frame->awaited_ns = 0;
   if (vp_frame_is_skippable(&frame->header))
      return frame_skip(fd, length, &inside);
   for (size_t have = 0; have < length;) {
      if (have == frame->capacity && !frame_grow(frame))
         return VP_FRAME_NO_MEMORY;

      const size_t room = (length < frame->capacity ? length : frame->capacity) - have;
      const int64_t start_ns = since_ns || length < MEASURED_SIZE ? since_ns : vp_clock_ns();
      size_t received;
      bool waited;
      status = frame_receive(fd, frame->payload + have, room, &inside, &received, &waited, &fast);
      if (status == VP_FRAME_CLOSED)
         return VP_FRAME_BROKEN;
      if (status != VP_FRAME_OK)
         return status;
      have += received;
      if (waited && !since_ns)
         since_ns = start_ns;
      if (since_ns)
         frame->awaited += received;
   }
   if (since_ns)
      frame->awaited_ns = (uint64_t)(vp_clock_ns() - since_ns);
   return VP_FRAME_OK;
}

enum vp_frame_status vp_frame_read(int fd, struct vp_frame *frame, int timeout_ms)
{
   return frame_read(fd, frame, &(struct patience){.timeout_ms = timeout_ms, .deadline_ms = NO_DEADLINE});
}

enum vp_frame_status vp_frame_read_first(int fd, struct vp_frame *frame, int64_t deadline_ms)
{
   return frame_read(fd, frame, &(struct patience){.deadline_ms = deadline_ms, .first = true});
}

/* Takes the first `size` bytes off the parts. */
static void iov_advance(struct msghdr *message, size_t size)
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

/* *fast: it is expected at any moment. */
static bool frame_wait_for_room(int fd, uint64_t *blocked_ns, bool *fast)
{
   const int64_t start = vp_clock_ns();
   *fast = *fast && vp_spin_for_room(fd, start + SPIN_NS);
   const bool ok = *fast || frame_wait(fd, POLLOUT, -1) == VP_FRAME_OK;
   *blocked_ns += (uint64_t)(vp_clock_ns() - start);
   return ok;
}

enum vp_frame_sent vp_frame_write_now(int fd, uint32_t type, uint64_t tag, const void *payload, size_t size)
{
   uint8_t bytes[VP_FRAME_HEADER_SIZE];
   const struct vp_frame_header header = {.type = type, .length = (uint32_t)size, .tag = tag};
   struct iovec parts[] = {
      {.iov_base = bytes, .iov_len = sizeof(bytes)},
      {.iov_base = (void *)(uintptr_t)payload, .iov_len = size},
   };
   const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
   struct pollfd pollfd = {.fd = fd, .events = POLLOUT};

   /* Then there is room for much more, so that it is all or nothing. */
   if (poll(&pollfd, 1, 0) <= 0 || !(pollfd.revents & (POLLOUT | POLLERR | POLLHUP)))
      return VP_FRAME_NO_ROOM;
   vp_frame_header_store(bytes, &header);
   const ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
   if (n == (ssize_t)(sizeof(bytes) + size))
      return VP_FRAME_SENT;
   return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? VP_FRAME_NO_ROOM : VP_FRAME_CUT;
}

static bool write_frame(int fd, uint32_t type, uint64_t tag, const void *a, size_t a_size, const void *b, size_t b_size,
                        bool more, uint64_t *blocked_ns)
{
   if (a_size > VP_FRAME_MAX_PAYLOAD || b_size > VP_FRAME_MAX_PAYLOAD - a_size) {
      errno = EMSGSIZE;
      return false;
   }

   uint8_t header_bytes[VP_FRAME_HEADER_SIZE];
   const struct vp_frame_header header = {.type = type, .length = (uint32_t)(a_size + b_size), .tag = tag};
   vp_frame_header_store(header_bytes, &header);

   struct iovec parts[] = {
      {.iov_base = header_bytes, .iov_len = sizeof(header_bytes)},
      {.iov_base = (void *)(uintptr_t)a, .iov_len = a_size},
      {.iov_base = (void *)(uintptr_t)b, .iov_len = b_size},
   };
   struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
   bool fast = true;

   for (size_t left = sizeof(header_bytes) + a_size + b_size; left > 0;) {
      const ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
      if (n >= 0) {
         left -= (size_t)n;
         iov_advance(&message, (size_t)n);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
         if (!frame_wait_for_room(fd, blocked_ns, &fast))
            return false;
      } else if (errno != EINTR) {
         return false;
      }
   }
   return true;
}

bool vp_frame_write(int fd, uint32_t type, uint64_t tag, const void *a, size_t a_size, const void *b, size_t b_size)
{
   uint64_t blocked_ns = 0;
   return write_frame(fd, type, tag, a, a_size, b, b_size, false, &blocked_ns);
}

bool vp_frame_write_timed(int fd, uint32_t type, uint64_t tag, const void *a, size_t a_size, const void *b,
                          size_t b_size, uint64_t *blocked_ns)
{
   return write_frame(fd, type, tag, a, a_size, b, b_size, false, blocked_ns);
}

bool vp_frame_write_before(int fd, uint32_t type, uint64_t tag, const void *payload, size_t size, uint64_t *blocked_ns)
{
   return write_frame(fd, type, tag, payload, size, NULL, 0, true, blocked_ns);
}
