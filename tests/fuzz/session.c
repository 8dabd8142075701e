/* SPDX-License-Identifier: MIT */
/* All that one client says over a connection without TLS, from the lobby to the end of its session, to a whole worker
 * on a driver that does nothing: whatever it is, the worker ends by itself and leaves nothing behind. An input is what
 * goes into the socket, as venus-proxy --record writes it. */
#include "tests/fuzz/session.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/memory/pack_stream.h"
#include "common/net/frame.h"
#include "common/net/hello.h"
#include "common/net/resume.h"
#include "common/util/bytes.h"
#include "common/util/cores.h"
#include "common/util/log.h"
#include "server/core/tally.h"
#include "server/process/lobby.h"
#include "server/process/returning.h"
#include "server/session/worker.h"
#include "tests/fuzz/null_vulkan.h"

#define LARGEST ((size_t)64 << 10) /* the socket takes it at once */
#define MOST_MEMORY ((uint64_t)256 << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
const char *__asan_default_options(void);

void __wrap_vp_log(enum vp_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __wrap_vp_log_about(enum vp_log_level level, const char *peer, const char *user, const char *format, ...)
   __attribute__((format(printf, 4, 5)));
void __wrap__exit(int status) __attribute__((noreturn));

static void require(bool condition)
{
   if (!condition)
      abort();
}

/* A client may ask for more than there is. */
const char *__asan_default_options(void)
{
   return "allocator_may_return_null=1";
}

/* Nearly every input ends with a line in the log. */
void __wrap_vp_log(enum vp_log_level level, const char *format, ...)
{
   char line[4096];
   va_list args;

   (void)level;
   va_start(args, format);
   require(vsnprintf(line, sizeof(line), format, args) > 0);
   va_end(args);
}

void __wrap_vp_log_about(enum vp_log_level level, const char *peer, const char *user, const char *format, ...)
{
   char line[4096];
   va_list args;

   (void)level;
   require(peer && user);
   va_start(args, format);
   require(vsnprintf(line, sizeof(line), format, args) > 0);
   va_end(args);
}

/* The watchdog had to end the process: the worker has not ended by itself. */
void __wrap__exit(int status)
{
   fprintf(stderr, "the worker was ended with status %d\n", status);
   abort();
}

/* The loader's, which the worker asks for the driver. */
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(VkInstance instance, const char *name)
{
   return null_vkGetInstanceProcAddr(instance, name);
}

/* --- the client's end --- */

static int handed[2], read_out[2]; /* pipes: descriptors to read from until they end, and a byte for each that has */

static void *read_all(void *unused)
{
   uint8_t bytes[64 << 10];
   int fd;

   while (read(handed[0], &fd, sizeof(fd)) == (ssize_t)sizeof(fd)) {
      while (recv(fd, bytes, sizeof(bytes), 0) > 0)
         ;
      close(fd);
      require(write(read_out[1], "", 1) == 1);
   }
   return unused;
}

static void start_reader(void)
{
   pthread_t thread;

   require(pipe(handed) == 0 && pipe(read_out) == 0);
   require(pthread_create(&thread, NULL, read_all, NULL) == 0 && pthread_detach(thread) == 0);
}

/* All has been read. The alarm by which libFuzzer notices inputs that take too long interrupts what waits. */
static void await_reader(void)
{
   ssize_t size;
   char byte;

   do {
      size = read(read_out[0], &byte, 1);
   } while (size < 0 && errno == EINTR);
   require(size == 1);
}

/* The server may have closed the connection. */
static void say(int fd, const uint8_t *data, size_t size)
{
   const ssize_t sent = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
   require(sent == (ssize_t)size || (sent < 0 && errno == EPIPE));
}

/* --- the server's end --- */

static void tell_load(void *owner, struct vp_load *load)
{
   (void)owner;
   *load = (struct vp_load){.sessions = 1, .places = 2, .gpus = 1};
}

/* What the lobby makes of it when `first` bytes come before the others. The connection is closed, or in *guest. */
static enum vps_lobby_verdict welcome(const int fds[2], const uint8_t *data, size_t size, size_t first,
                                      struct vps_guest *guest)
{
   static const struct vps_client client = {.peer = "a client",
                                            .user = "address:127.0.0.1",
                                            .source = {.size = 4, .bytes = {127, 0, 0, 1}},
                                            .account_fd = -1,
                                            .page_fd = -1,
                                            .share_fd = -1};
   static struct vps_lobby lobby;
   struct pollfd pollfds[VPS_LOBBY_ROOM];

   memset(&lobby, 0, sizeof(lobby));
   lobby.tell_load = tell_load;
   *guest = (struct vps_guest){.fd = fds[1], .client = client};
   say(fds[0], data, first);
   enum vps_lobby_verdict verdict = vps_lobby_enter(&lobby, fds[1], &client);
   say(fds[0], data + first, size - first);
   shutdown(fds[0], SHUT_WR);
   if (verdict == VPS_LOBBY_KEPT) {
      require(lobby.count <= 1 && vps_lobby_prepare(&lobby, pollfds) == lobby.count);
      require(poll(pollfds, lobby.count, 0) >= 0);
      vps_lobby_hear(&lobby, pollfds);
      verdict = vps_lobby_take(&lobby, guest);
   }
   vps_lobby_close(&lobby);
   return verdict;
}

static void serve(int fd, const struct vps_client *client)
{
   struct vps_options options = {.mode = VPS_MODE_WORKER,
                                 .worker_fd = -1,
                                 .gate_fd = -1,
                                 .compression = VP_COMPRESS_AUTO,
                                 .clear_memory = VPS_CLEAR_MEMORY_OFF,
                                 .quota = VPS_QUOTA_UNLIMITED,
                                 .user_quota = VPS_QUOTA_UNLIMITED};

   options.quota.of[VPS_QUOTA_HOST_MEMORY] = MOST_MEMORY;
   const int status = vps_worker_run(fd, client, &options);
   require(status == 0 || status == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
   struct vps_guest guest;
   struct vp_resume resume;
   int fds[2];

   if (size > LARGEST)
      return -1;
   null_state.random = 0;
   null_state.next_id = 0;
   memset(vps_tally_page, 0, sizeof(*vps_tally_page));
   require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
   const size_t first = size % 2 ? data[size / 2] % size : size;
   const enum vps_lobby_verdict verdict = welcome(fds, data, size, first, &guest);
   require(write(handed[1], &fds[0], sizeof(fds[0])) == (ssize_t)sizeof(fds[0]));
   if (verdict == VPS_LOBBY_GREETED && !vps_returning_peek(guest.fd, &resume))
      serve(guest.fd, &guest.client);
   else if (verdict != VPS_LOBBY_KEPT)
      close(guest.fd);
   await_reader();
   return 0;
}

/* --- inputs --- */

/* How long the frame at this place is, which may be cut off. */
static size_t frame_size(const uint8_t *data, size_t size)
{
   struct vp_frame_header header;

   if (size < VP_FRAME_HEADER_SIZE)
      return size;
   vp_frame_header_load(&header, data);
   return header.length < size - VP_FRAME_HEADER_SIZE ? VP_FRAME_HEADER_SIZE + header.length : size;
}

/* One frame by chance; 0: there is none. */
static size_t pick_frame(const uint8_t *data, size_t size, unsigned random, size_t *at)
{
   size_t picked = 0;
   unsigned seen = 0;

   for (size_t place = 0, length; place < size; place += length) {
      length = frame_size(data + place, size - place);
      if ((random = random * 1103515245 + 12345) / 65536 % ++seen == 0) {
         *at = place;
         picked = length;
      }
   }
   return picked;
}

/* Changes the payload of a frame, whose header then says how long it is. */
static size_t change_payload(uint8_t *data, size_t size, size_t max_size, size_t at, size_t length)
{
   const size_t begin = at + VP_FRAME_HEADER_SIZE, behind = size - at - length;
   uint8_t *rest = malloc(behind + 1);

   require(rest);
   memcpy(rest, data + at + length, behind);
   const size_t made = LLVMFuzzerMutate(data + begin, length - VP_FRAME_HEADER_SIZE, max_size - begin - behind);
   memcpy(data + begin + made, rest, behind);
   free(rest);
   vp_bytes_store_u32(data + at + 4, (uint32_t)made);
   return begin + made + behind;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
   size_t at = 0;
   const size_t length = pick_frame(data, size, seed, &at), behind = size - at - length;

   if (seed % 4 == 0 || length < VP_FRAME_HEADER_SIZE || size == max_size) /* which may have to become shorter */
      return LLVMFuzzerMutate(data, size, max_size);
   if (seed % 16 == 1 && size + length <= max_size) { /* twice */
      memmove(data + at + 2 * length, data + at + length, behind);
      memcpy(data + at + length, data + at, length);
      return size + length;
   }
   if (seed % 16 == 2 && behind > 0) { /* not at all */
      memmove(data + at, data + at + length, behind);
      return at + behind;
   }
   if (seed % 16 == 3) { /* of another type */
      vp_bytes_store_u32(data + at, seed / 16 % (VP_FRAME_END + 1));
      return size;
   }
   return change_payload(data, size, max_size, at, length);
}

struct seed {
   const char *folder;
   struct vp_encoder enc;
};

static void seed_add(struct seed *seed, uint32_t type, uint64_t tag, const void *payload, size_t size)
{
   const struct vp_frame_header header = {.type = type, .length = (uint32_t)size, .tag = tag};
   uint8_t *room = vp_enc_room(&seed->enc, VP_FRAME_HEADER_SIZE + size);
   require(room);
   vp_frame_header_store(room, &header);
   if (size)
      memcpy(room + VP_FRAME_HEADER_SIZE, payload, size);
}

static void seed_greet(struct seed *seed)
{
   uint8_t wire[VP_HELLO_WIRE_MAX];
   struct vp_hello hello;

   vp_hello_init(&hello, "fuzz");
   vp_encoder_reset(&seed->enc);
   seed_add(seed, VP_FRAME_HELLO, 0, wire, vp_hello_store(wire, &hello, VP_CLIENT));
}

static void seed_write(struct seed *seed, const char *name)
{
   char path[4096];

   snprintf(path, sizeof(path), "%s/%s", seed->folder, name);
   FILE *file = fopen(path, "wb");
   const size_t size = vp_encoder_size(&seed->enc);
   const bool ok = file && !seed->enc.failed && fwrite(seed->enc.start, 1, size, file) == size;
   if (!file || fclose(file) != 0 || !ok) {
      fprintf(stderr, "session: cannot write %s\n", path);
      exit(1);
   }
}

/* The pieces of what the executor would be given, as frames. */
static void seed_add_pieces(struct seed *seed, const uint8_t *data, size_t size)
{
   for (size_t at = SESSION_HEAD, length; at + 4 <= size; at += length) {
      const uint32_t head = vp_bytes_load_u32(data + at);
      at += 4;
      length = head & SESSION_SIZE_MASK;
      if (head & SESSION_MEMORY)
         seed_add(seed, VP_FRAME_MEMORY, vp_bytes_load_u64(data + at), data + at + 8, length - 8);
      else
         seed_add(seed, VP_FRAME_COMMANDS, 0, data + at, length);
   }
}

static void seed_add_packed(struct seed *seed, const uint8_t *data, size_t size)
{
   struct vp_stream_packer packer = {0};
   const uint8_t *packed;
   size_t packed_size;

   require(vp_stream_pack(&packer, data, size, &packed, &packed_size));
   seed_add(seed, VP_FRAME_PACKED_COMMANDS, 5, packed, packed_size);
   vp_stream_packer_finish(&packer);
}

/* A session with a recording and changes of memory, and what else a client may say. */
static void write_seeds(const char *folder)
{
   struct golden_list golden = golden_load(VK_API_VERSION_MINOR(VP_API_VERSION));
   struct seed seed = {.folder = folder};
   struct session session;
   uint8_t resume[VP_RESUME_FRAME_SIZE] = {0}, wire[VP_HELLO_WIRE_MAX];
   struct vp_hello hello;

   vp_hello_init(&hello, "fuzz");
   require(vp_encoder_init(&seed.enc));
   session_init(&session, &golden, 1);
   session_add_start(&session);
   session_add_memory(&session);
   seed_greet(&seed);
   seed_add_pieces(&seed, session.out.start, vp_encoder_size(&session.out));
   seed_add(&seed, VP_FRAME_SKIPPABLE | 77, 0, resume, 8);
   seed_add(&seed, VP_FRAME_BYE, 0, NULL, 0);
   seed_write(&seed, "session");
   seed_greet(&seed);
   seed_add_packed(&seed, session.out.start + SESSION_HEAD + 4,
                   vp_bytes_load_u32(session.out.start + SESSION_HEAD) & SESSION_SIZE_MASK);
   seed_write(&seed, "packed");
   vp_encoder_reset(&seed.enc);
   seed_add(&seed, VP_FRAME_RESUME, 0, resume, sizeof(resume) - VP_FRAME_HEADER_SIZE);
   seed_write(&seed, "resume");
   vp_encoder_reset(&seed.enc);
   seed_add(&seed, VP_FRAME_AUTH, 0, NULL, 0);
   seed_write(&seed, "auth");
   vp_encoder_reset(&seed.enc);
   seed_add(&seed, VP_FRAME_LOAD, 0, NULL, 0);
   seed_add(&seed, VP_FRAME_HELLO, 0, wire, vp_hello_store(wire, &hello, VP_CLIENT));
   seed_add(&seed, VP_FRAME_PROBE, 3, "\100\0\0\0more", 8);
   seed_add(&seed, VP_FRAME_PROBE, 4, "\0\0\0\0", 4);
   seed_write(&seed, "load");
   session_finish(&session);
   vp_encoder_finish(&seed.enc);
   golden_free(&golden);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
   const char *folder = getenv("VP_FUZZ_SEEDS");
   (void)argc;
   (void)argv;

   vp_cores_assume(1); /* no threads that share work: what an input does is always the same */
   require(vp_encoder_init(&null_state.enc));
   null_state.unified = true;
   start_reader();
   if (!folder)
      return 0;
   write_seeds(folder);
   exit(0);
}
