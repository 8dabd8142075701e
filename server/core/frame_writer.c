/* SPDX-License-Identifier: MIT */

/* One lock for the socket and one for packing memory, so that other frames find their way meanwhile; signs of life are
 * sent only where nobody has to be waited for. */

#include "server/core/frame_writer.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/net/error_frame.h"
#include "common/net/frame.h"
#include "common/net/limits.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "server/core/bandwidth.h"
#include "server/core/tally.h"

bool vps_frame_writer_init(struct vps_frame_writer *writer, int fd, enum vp_compression compression)
{
   *writer = (struct vps_frame_writer){.channel = VP_CHANNEL(fd)};
   atomic_store(&writer->last_sent_ms, vp_clock_ms());
   if (pthread_mutex_init(&writer->lock, NULL) != 0)
      return false;
   if (pthread_mutex_init(&writer->pack_lock, NULL) != 0) {
      pthread_mutex_destroy(&writer->lock);
      return false;
   }
   vp_packer_init(&writer->packer, compression);
   return true;
}

void vps_frame_writer_finish(struct vps_frame_writer *writer)
{
   vp_packer_finish(&writer->packer);
   pthread_mutex_destroy(&writer->pack_lock);
   pthread_mutex_destroy(&writer->lock);
   vp_channel_finish(&writer->channel);
}

bool vps_frame_writer_end(struct vps_frame_writer *writer, enum vps_end end, const char *format, ...)
{
   va_list arguments;

   if (atomic_exchange(&writer->ending, true))
      return false;
   writer->last_words = (struct vp_error){.command = VP_ERROR_NO_COMMAND};
   va_start(arguments, format);
   vsnprintf(writer->last_words.text, sizeof(writer->last_words.text), format, arguments);
   va_end(arguments);
   atomic_store(&writer->end, end);
   return true;
}

/* With the lock. `size`: of its payload. */
static bool note_sent(struct vps_frame_writer *writer, size_t size, bool sent)
{
   if (sent) {
      vps_tally_add(VPS_COUNT_BYTES_OUT, VP_FRAME_HEADER_SIZE + size);
      atomic_store(&writer->last_sent_ms, vp_clock_ms());
      return true;
   }
   writer->broken = errno != EMSGSIZE;
   if (errno == ETIME)
      vps_frame_writer_end(writer, VPS_END_STALLED,
                           "the client has taken nothing of what it was sent for a long time; see the server's "
                           "--stall-timeout");
   return false;
}

/* With the lock: whether anything but last words may be sent. */
static bool is_open(const struct vps_frame_writer *writer)
{
   return !writer->broken && !atomic_load(&writer->ending);
}

bool vps_frame_writer_send(struct vps_frame_writer *writer, uint32_t type, uint64_t tag, const void *a, size_t a_size,
                           const void *b, size_t b_size)
{
   bool ok = true;

   pthread_mutex_lock(&writer->lock);
   if (writer->channel.fd >= 0)
      ok = is_open(writer) &&
           note_sent(writer, a_size + b_size, vp_frame_write(&writer->channel, type, tag, a, a_size, b, b_size));
   pthread_mutex_unlock(&writer->lock);
   vps_bandwidth_use(VP_FRAME_HEADER_SIZE + a_size + b_size);
   return ok;
}

static bool write_memory(struct vps_frame_writer *writer, uint32_t type, uint64_t id, const uint8_t *data, size_t size,
                         bool followed, uint64_t *blocked_ns)
{
   if (followed)
      return vp_frame_write_before(&writer->channel, type, id, data, size, blocked_ns);
   return vp_frame_write_timed(&writer->channel, type, id, data, size, NULL, 0, blocked_ns);
}

bool vps_frame_writer_send_memory(struct vps_frame_writer *writer, uint64_t id, const void *payload, size_t size,
                                  bool is_part, bool followed)
{
   const uint32_t plain = is_part ? VP_FRAME_MEMORY_PART : VP_FRAME_MEMORY;
   const uint8_t *data = payload;
   uint64_t blocked_ns = 0;
   bool ok = true;

   vps_bandwidth_wait(writer->channel.fd);
   /* Others can send meanwhile, but no memory, as there is one place to pack it in. */
   pthread_mutex_lock(&writer->pack_lock);
   const uint32_t type = vp_packer_pack(&writer->packer, data, size, &data, &size) ? VP_FRAME_PACKED : plain;
   pthread_mutex_lock(&writer->lock);
   if (writer->channel.fd >= 0)
      ok =
         is_open(writer) && note_sent(writer, size, write_memory(writer, type, id, data, size, followed, &blocked_ns));
   pthread_mutex_unlock(&writer->lock);
   vps_bandwidth_use(VP_FRAME_HEADER_SIZE + size);
   if (ok)
      vp_packer_sent(&writer->packer, VP_FRAME_HEADER_SIZE + size, blocked_ns);
   pthread_mutex_unlock(&writer->pack_lock);
   return ok;
}

/* Sends a frame if that is possible at once; nobody who is sending is waited for. */
static bool offer_frame(struct vps_frame_writer *writer, uint32_t type, const void *payload, size_t size)
{
   if (pthread_mutex_trylock(&writer->lock) != 0)
      return false;
   const enum vp_frame_sent sent =
      writer->broken ? VP_FRAME_CUT : vp_frame_write_now(&writer->channel, type, 0, payload, size);
   writer->broken = sent == VP_FRAME_CUT;
   if (sent == VP_FRAME_SENT)
      note_sent(writer, size, true);
   pthread_mutex_unlock(&writer->lock);
   return sent == VP_FRAME_SENT;
}

bool vps_frame_writer_offer_last_words(struct vps_frame_writer *writer)
{
   uint8_t payload[VP_ERROR_WIRE_MAX];

   return offer_frame(writer, VP_FRAME_ERROR, payload, vp_error_store(payload, &writer->last_words));
}

void vps_frame_writer_send_object_error(struct vps_frame_writer *writer, uint64_t id, uint32_t command, VkResult result,
                                        uint32_t recording)
{
   uint8_t payload[4 + 4 + 4];

   vp_bytes_store_u32(payload, command);
   vp_bytes_store_u32(payload + 4, (uint32_t)result);
   vp_bytes_store_u32(payload + 8, recording);
   vps_frame_writer_send(writer, VP_FRAME_OBJECT_ERROR, id, payload, sizeof(payload), NULL, 0);
}

void vps_frame_writer_send_address(struct vps_frame_writer *writer, uint64_t id, VkDeviceAddress address)
{
   uint8_t payload[8];

   vp_bytes_store_u64(payload, address);
   vps_frame_writer_send(writer, VP_FRAME_ADDRESS, id, payload, sizeof(payload), NULL, 0);
}

void vps_frame_writer_send_no_executables(struct vps_frame_writer *writer, uint64_t id)
{
   vps_frame_writer_send(writer, VP_FRAME_EXECUTABLES, id, NULL, 0, NULL, 0);
}

bool vps_frame_writer_send_error(struct vps_frame_writer *writer, const struct vp_error *error)
{
   uint8_t payload[VP_ERROR_WIRE_MAX];
   const size_t size = vp_error_store(payload, error);

   return vps_frame_writer_send(writer, VP_FRAME_ERROR, 0, payload, size, NULL, 0);
}

void vps_frame_writer_keep_alive(struct vps_frame_writer *writer)
{
   if (vp_clock_ms() - atomic_load(&writer->last_sent_ms) >= VP_ALIVE_MS && !atomic_load(&writer->ending))
      offer_frame(writer, VP_FRAME_ALIVE, NULL, 0);
}

void vps_frame_writer_linger(struct vps_frame_writer *writer, int timeout_ms)
{
   const int64_t deadline = vp_clock_ms() + timeout_ms;
   uint8_t ignored[4096];

   if (writer->channel.fd < 0)
      return;
   shutdown(writer->channel.fd, SHUT_WR);
   for (;;) {
      struct pollfd pollfd = {.fd = writer->channel.fd, .events = POLLIN};
      const int64_t left = deadline - vp_clock_ms();
      if (left <= 0 || poll(&pollfd, 1, (int)left) <= 0)
         return;
      const ssize_t n = recv(writer->channel.fd, ignored, sizeof(ignored), MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
         return;
   }
}
