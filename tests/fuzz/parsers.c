/* SPDX-License-Identifier: MIT */
/* What is read before or beside the commands: frames from a socket, the greeting, error frames, addresses, and
 * differences of memory, packed or not; packed commands; shaders; parts of pictures; the server's command line and
 * configuration; files of keys; and answers of the DNS. The first byte of an input says which. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zstd.h>

#include "client/wsi/picture_decoder.h"
#include "common/memory/delta.h"
#include "common/memory/pack.h"
#include "common/memory/pack_stream.h"
#include "common/net/error_frame.h"
#include "common/net/frame.h"
#include "common/net/hello.h"
#include "common/net/key_file.h"
#include "common/net/service.h"
#include "common/net/socket.h"
#include "common/picture/h264.h"
#include "common/picture/planes.h"
#include "common/util/bytes.h"
#include "common/util/log.h"
#include "server/pipeline/spirv.h"
#include "server/process/config_file.h"
#include "server/process/options.h"

#define MEMORY_SIZE 5000

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void __wrap_vp_log(enum vp_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void require(bool condition)
{
   if (!condition)
      abort();
}

static unsigned lines_logged;

/* What is wrong with a configuration, which it nearly always is. */
void __wrap_vp_log(enum vp_log_level level, const char *format, ...)
{
   char line[4096];
   va_list args;

   (void)level;
   lines_logged++;
   va_start(args, format);
   require(vsnprintf(line, sizeof(line), format, args) > 0);
   va_end(args);
}

static void read_hello_of(enum vp_side side, const uint8_t *data, size_t size)
{
   struct vp_hello own, hello, again;
   char error[512];

   if (!vp_hello_load(&hello, side, data, size, error, sizeof(error))) {
      require(error[0] && memchr(error, 0, sizeof(error)));
      return;
   }
   vp_hello_init(&own, "");
   require(memchr(hello.name, 0, sizeof(hello.name)) && memchr(hello.release, 0, sizeof(hello.release)));
   const bool compatible = side == VP_CLIENT ? vp_hello_compatible(&hello, &own, error, sizeof(error))
                                             : vp_hello_compatible(&own, &hello, error, sizeof(error));
   require(compatible || (error[0] && memchr(error, 0, sizeof(error))));
   snprintf(error, sizeof(error), "an error");
   vp_hello_explain(&own, &hello, error, sizeof(error));
   require(memchr(error, 0, sizeof(error)));
   if (hello.protocol_version != VP_PROTOCOL_VERSION)
      return;
   /* what was understood can be said again */
   uint8_t bytes[VP_HELLO_WIRE_MAX];
   require(vp_hello_load(&again, side, bytes, vp_hello_store(bytes, &hello, side), error, sizeof(error)));
   require(memcmp(&again, &hello, sizeof(hello)) == 0);
}

static void read_hello(const uint8_t *data, size_t size)
{
   read_hello_of(VP_CLIENT, data, size);
   read_hello_of(VP_SERVER, data, size);
}

static void read_error(const uint8_t *data, size_t size)
{
   struct vp_error error, again;
   uint8_t bytes[VP_ERROR_WIRE_MAX];

   if (!vp_error_load(&error, data, size))
      return;
   const size_t length = vp_error_store(bytes, &error);
   require(length <= sizeof(bytes) && vp_error_load(&again, bytes, length));
   require(strcmp(again.text, error.text) == 0 && again.offset == error.offset && again.command == error.command);
}

static void read_frames(const uint8_t *data, size_t size)
{
   struct vp_frame frame = {0};
   enum vp_frame_status status;
   int fds[2];

   require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
   require(size <= 64 << 10 && send(fds[0], data, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size);
   close(fds[0]);
   do {
      status = vp_frame_read(&VP_CHANNEL(fds[1]), &frame, 1000);
      if (status == VP_FRAME_OK && frame.header.length && !vp_frame_is_skippable(&frame.header)) /* it is all there */
         require(frame.payload && frame.capacity >= frame.header.length);
   } while (status == VP_FRAME_OK);
   require(status != VP_FRAME_TIMEOUT && vp_frame_status_text(status, VP_CLIENT));
   vp_frame_finish(&frame);
   close(fds[1]);
}

static void read_address(const uint8_t *data, size_t size)
{
   char text[300], host[64];
   uint16_t port = 0;

   if (size >= sizeof(text))
      return;
   memcpy(text, data, size);
   text[size] = 0;
   if (vp_socket_parse_address(text, host, sizeof(host), &port))
      require(port != 0 && memchr(host, 0, sizeof(host)) && host[0]);
}

/* The two copies of a memory stay equal, and what is applied can be found again. */
static void read_delta(const uint8_t *data, size_t size)
{
   uint8_t *memory = calloc(1, MEMORY_SIZE), *twin = calloc(1, MEMORY_SIZE), *old = calloc(1, MEMORY_SIZE);
   struct vp_encoder enc;
   size_t position = 0;

   require(memory && twin && old && vp_encoder_init(&enc));
   vp_delta_apply(data, size, memory, twin, MEMORY_SIZE);
   require(memcmp(memory, twin, MEMORY_SIZE) == 0);
   vp_delta_collect(&enc, memory, old, MEMORY_SIZE, &position, SIZE_MAX);
   memset(twin, 0, MEMORY_SIZE);
   memset(old, 0, MEMORY_SIZE);
   require(position == MEMORY_SIZE && vp_delta_apply(enc.start, vp_encoder_size(&enc), twin, old, MEMORY_SIZE));
   require(memcmp(memory, twin, MEMORY_SIZE) == 0);
   vp_encoder_finish(&enc);
   free(memory);
   free(twin);
   free(old);
}

static void read_packed(const uint8_t *data, size_t size)
{
   struct vp_unpacker unpacker = {0};
   const uint8_t *raw;
   size_t raw_size;

   if (vp_unpack(&unpacker, data, size, &raw, &raw_size)) {
      require(raw_size > 0 && raw_size <= VP_PACK_MAX_RAW);
      uint8_t *copy = malloc(raw_size); /* all of it can be read */
      require(copy);
      memcpy(copy, raw, raw_size);
      free(copy);
   }
   vp_unpacker_finish(&unpacker);
}

/* Payloads that follow each other, each with its size (u32) before it. */
static void read_packed_commands(const uint8_t *data, size_t size)
{
   struct vp_stream_unpacker unpacker = {0};
   bool more = true;

   while (more && size >= 4) {
      const size_t rest = size - 4, said = vp_bytes_load_u32(data), length = said < rest ? said : rest;
      uint8_t *payload = malloc(length + !length); /* of its exact size, for the address sanitizer */
      const uint8_t *raw;
      size_t raw_size;
      require(payload);
      memcpy(payload, data + 4, length);
      more = vp_stream_unpack(&unpacker, payload, length, &raw, &raw_size);
      if (more) {
         require(raw_size > 0 && raw_size <= VP_PACK_STREAM_MAX_RAW);
         uint8_t *copy = malloc(raw_size); /* all of it can be read */
         require(copy);
         memcpy(copy, raw, raw_size);
         free(copy);
      }
      free(payload);
      data += 4 + length;
      size = rest - length;
   }
   vp_stream_unpacker_finish(&unpacker);
}

static void read_shader(const uint8_t *data, size_t size)
{
   uint32_t *words = malloc(size / 4 * 4 + 1); /* of its exact size, for the address sanitizer */

   require(words);
   memcpy(words, data, size / 4 * 4);
   const struct vps_stores stores = vps_spirv_find_stores(words, size / 4);
   require(stores.count <= VPS_MAX_STORED);
   free(words);
}

/* The picture's size is odd, and just large enough for a video. */
#define PICTURE_WIDTH 131
#define PICTURE_HEIGHT 33

static void read_picture(const uint8_t *data, size_t size)
{
   struct vp_picture_decoder decoder = {.picture = {.width = PICTURE_WIDTH, .height = PICTURE_HEIGHT}};
   struct vp_present_header header;

   decoder.picture.pixels = calloc(1, vp_picture_size(&decoder.picture));
   require(decoder.picture.pixels);
   if (size >= VP_PRESENT_HEADER_SIZE) {
      vp_present_header_load(&header, data);
      for (unsigned i = 0; i < 2; i++)
         vp_picture_decode(&decoder, &header, data + VP_PRESENT_HEADER_SIZE, size - VP_PRESENT_HEADER_SIZE);
   }
   vp_picture_decoder_finish(&decoder);
}

/* Words with a zero after each. What is understood can be handed on and is understood again. */
static void read_options(const uint8_t *data, size_t size)
{
   char *text = calloc(1, size + 1), *words[64] = {"venus-server"}, error[256] = "";
   struct vps_options options, again;
   int count = 1;

   require(text);
   memcpy(text, data, size);
   for (size_t at = 0; at < size && count < 63; at += strlen(text + at) + 1)
      words[count++] = text + at;
   if (vps_options_parse(&options, count, words, error, sizeof(error))) {
      char **own = vps_options_make_argv(&options, VPS_MODE_CHECK_GPUS);
      require(own);
      for (count = 0; own[count];)
         count++;
      require(vps_options_parse(&again, count, own, error, sizeof(error)));
      require(again.gpu_count == options.gpu_count && again.clear_memory == options.clear_memory);
      vps_options_finish(&again);
      free(own);
   } else {
      require(error[0] && memchr(error, 0, sizeof(error)));
   }
   vps_options_finish(&options);
   free(text);
}

/* Whatever is in the file: it is refused with a reason, or can be printed. */
static void read_config(const uint8_t *data, size_t size)
{
   static FILE *nowhere;
   struct vps_options options;
   char path[64];
   const int fd = memfd_create("config", MFD_CLOEXEC);

   nowhere = nowhere ? nowhere : fopen("/dev/null", "w");
   require(nowhere && fd >= 0 && write(fd, data, size) == (ssize_t)size);
   snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
   char *const words[] = {"venus-server", "--config", path, NULL};
   lines_logged = 0;
   const int status = vps_config_read(&options, 3, words);
   require(status == 0 || status == VPS_EXIT_CONFIG);
   require(status == 0 || lines_logged > 0);
   if (status == 0)
      vps_config_print(&options, nowhere);
   vps_options_finish(&options);
   close(fd);
}

/* What was understood is found again, and nothing else. */
static void read_key_file(const uint8_t *data, size_t size)
{
   struct vp_key_file file;
   char error[128] = "";

   if (!vp_key_file_parse(&file, data, size, error, sizeof(error))) {
      require(error[0] && memchr(error, 0, sizeof(error)) && !file.keys);
      return;
   }
   require(file.count > 0);
   for (size_t i = 0; i < file.count; i++) {
      const struct vp_key *key = &file.keys[i];
      require(memchr(key->identity, 0, sizeof(key->identity)) &&
              vp_key_is_identity(key->identity, strlen(key->identity)));
      require(key->size >= VP_KEY_MIN_BYTES && key->size <= VP_KEY_MAX_BYTES);
      require(vp_key_file_find(&file, key->identity) == key);
   }
   require(!vp_key_file_find(&file, "") && !vp_key_file_find(&file, "a:b"));
   vp_key_file_finish(&file);
}

/* Each server that was understood can be connected to by its name, and its order is one. */
static void read_service(const uint8_t *data, size_t size)
{
   struct vp_service service;
   char error[128] = "";

   if (!vp_service_parse(&service, data, size, error, sizeof(error))) {
      require(error[0] && memchr(error, 0, sizeof(error)) && !service.servers);
      return;
   }
   require(service.count > 0);
   for (unsigned i = 0; i < service.count; i++) {
      const struct vp_service_server *server = &service.servers[i];
      require(server->port && server->host[0] && memchr(server->host, 0, sizeof(server->host)));
      for (const char *c = server->host; *c; c++)
         require(*c > ' ' && *c <= 'z' && *c != '[' && *c != '@' && *c != '/' && *c != ':');
   }
   const unsigned count = service.count;
   vp_service_order(&service, count, vp_service_random);
   require(service.count == count);
   for (unsigned i = 1; i < count; i++)
      require(service.servers[i - 1].priority <= service.servers[i].priority);
   vp_service_finish(&service);
}

static void (*const readers[])(const uint8_t *data, size_t size) = {
   read_hello,           read_error,   read_frames,   read_address, read_delta,
   read_packed,          read_packed,  read_shader,   read_picture, read_picture,
   read_packed_commands, read_options, read_key_file, read_config,  read_service,
};
#define READERS (sizeof(readers) / sizeof(readers[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
   if (size < 1 || data[0] >= READERS || size > 32 << 10)
      return -1;
   uint8_t *copy = malloc(size); /* of its exact size, for the address sanitizer */
   require(copy);
   memcpy(copy, data + 1, size - 1);
   readers[data[0]](copy, size - 1);
   free(copy);
   return 0;
}

/* --- what is right, to start from --- */

static void write_seed(const char *folder, uint8_t reader, const void *data, size_t size)
{
   char path[4096];
   snprintf(path, sizeof(path), "%s/%u", folder, reader);
   FILE *file = fopen(path, "wb");
   const bool ok = file && fputc(reader, file) != EOF && fwrite(data, 1, size, file) == size;
   if (!file || fclose(file) != 0 || !ok) {
      fprintf(stderr, "parsers: cannot write %s\n", path);
      exit(1);
   }
}

static void write_packed_seed(const char *folder, uint8_t reader, enum vp_compression mode)
{
   struct vp_packer packer;
   uint8_t data[3000];
   const uint8_t *packed;
   size_t size;

   for (size_t i = 0; i < sizeof(data); i++)
      data[i] = (uint8_t)(i / 16);
   vp_packer_init(&packer, mode);
   require(vp_packer_pack(&packer, data, sizeof(data), &packed, &size));
   write_seed(folder, reader, packed, size);
   vp_packer_finish(&packer);
}

/* What repeats, what does not, and what repeats again. */
static void write_packed_commands_seed(const char *folder, uint8_t reader)
{
   struct vp_stream_packer packer = {0};
   uint8_t data[600], out[4000];
   size_t end = 0;

   for (unsigned i = 0; i < 3; i++) {
      const uint8_t *packed;
      size_t size;
      for (size_t at = 0; at < sizeof(data); at++)
         data[at] = (uint8_t)(i == 1 ? at * at / 7 : at / 16);
      require(vp_stream_pack(&packer, data, sizeof(data), &packed, &size) && size + 4 <= sizeof(out) - end);
      vp_bytes_store_u32(out + end, (uint32_t)size);
      memcpy(out + end + 4, packed, size);
      end += 4 + size;
   }
   write_seed(folder, reader, out, end);
   vp_stream_packer_finish(&packer);
}

/* One packed with zstd, and one of a video. */
static void write_picture_seeds(const char *folder, uint8_t reader)
{
   const uint8_t pixels[PICTURE_WIDTH * PICTURE_HEIGHT * 4] = {0};
   const struct vp_planes planes = vp_planes_of(PICTURE_WIDTH, PICTURE_HEIGHT);
   struct vp_present_header header = {.frame = 1, .codec = VP_PRESENT_ZSTD, .row_count = 1};
   uint8_t out[8192], converted[2 * PICTURE_WIDTH * PICTURE_HEIGHT];
   uint8_t *data = out + VP_PRESENT_HEADER_SIZE;
   size_t size;

   vp_present_header_store(out, &header);
   data[0] = 7; /* all three tiles of the row */
   size = ZSTD_compress(data + 1, 4096, pixels, (size_t)PICTURE_WIDTH * 4 * VP_TILE_HEIGHT, 1);
   require(!ZSTD_isError(size));
   write_seed(folder, reader, out, VP_PRESENT_HEADER_SIZE + 1 + size);

   struct vp_h264_encoder *encoder = vp_h264_encoder_create(PICTURE_WIDTH, PICTURE_HEIGHT, 50);
   if (!encoder)
      return;
   require(planes.size <= sizeof(converted));
   vp_planes_make(pixels, PICTURE_WIDTH, PICTURE_HEIGHT, converted);
   const uint8_t *packet = vp_h264_encode(encoder, converted, 1e6, &size);
   require(packet && size < 4096);
   header.codec = VP_PRESENT_H264;
   header.row_count = 3;
   vp_present_header_store(out, &header);
   memset(data, 0xff, 2);
   memcpy(data + 2, packet, size);
   write_seed(folder, (uint8_t)(reader + 1), out, VP_PRESENT_HEADER_SIZE + 2 + size);
   vp_h264_encoder_destroy(encoder);
}

/* An alias and two servers, one of which has a reference in its name. */
static void write_service_seed(const char *folder, uint8_t reader)
{
   static const char answer[] = "\1\2\x81\x80\0\1\0\3\0\0\0\0"
                                "\13_venus-plus\4_tcp\3gpu\4test\0\0\x21\0\1"
                                "\xc0\xc\0\5\0\1\0\0\0\1\0\2\xc0\xc"
                                "\xc0\xc\0\x21\0\1\0\0\0\1\0\xb\0\5\0\2\x15\xb4\3one\0"
                                "\xc0\xc\0\x21\0\1\0\0\0\1\0\xc\0\5\0\2\x15\xb4\3two\xc0\x21";
   struct vp_service service;
   char error[128];

   require(vp_service_parse(&service, (const uint8_t *)answer, sizeof(answer) - 1, error, sizeof(error)));
   vp_service_finish(&service);
   write_seed(folder, reader, answer, sizeof(answer) - 1);
}

static void write_seeds(const char *folder)
{
   struct vp_hello hello;
   const struct vp_error error = {.command = 1, .offset = 2, .text = "a reason"};
   const struct vp_frame_header header = {.type = VP_FRAME_COMMANDS, .length = 8, .tag = 1},
                                skipped = {.type = VP_FRAME_SKIPPABLE | 1, .length = 8, .tag = 1};
   uint8_t bytes[VP_HELLO_WIRE_MAX + VP_ERROR_WIRE_MAX], changed[MEMORY_SIZE] = {0}, twin[MEMORY_SIZE] = {0};
   /* a private variable that is stored to */
   static const uint32_t shader[] = {0x07230203, 0x10000,      0, 5, 0, 4 << 16 | 21, 1, 32, 0, 4 << 16 | 32, 2, 6,
                                     1,          4 << 16 | 43, 1, 3, 7, 4 << 16 | 59, 2, 4,  6, 3 << 16 | 62, 4, 3};
   static const char options[] = "--port\0005556\0--gpu=1\0--unix\0/a\0--clear-memory=always\0--log\0debug\0--ready=0";
   static const char keys[] = "# two\nalice:000102030405060708090a0b0c0d0e0f\n\nbob:FfeeddccbbaaFfeeddccbbaa00112233\n";
   static const char config[] =
      "# a comment\n[server]\nport = 5556 ; another\ngpu = 1\nlog = debug\nclear-memory = always\nquota = memory=1\n";
   struct vp_encoder enc;
   size_t position = 0;

   vp_hello_init(&hello, "name");
   hello.nonce[0] = hello.session[0] = 1;
   write_seed(folder, 0, bytes, vp_hello_store(bytes, &hello, VP_SERVER));
   write_seed(folder, 1, bytes, vp_error_store(bytes, &error));
   memset(bytes, 0, sizeof(bytes));
   vp_frame_header_store(bytes, &header);
   vp_frame_header_store(bytes + VP_FRAME_HEADER_SIZE + 8, &skipped);
   vp_frame_header_store(bytes + 2 * (VP_FRAME_HEADER_SIZE + 8), &header);
   write_seed(folder, 2, bytes, 3 * (VP_FRAME_HEADER_SIZE + 8));
   write_seed(folder, 3, "[2001:db8::1]:5556", 18);
   memset(changed + 100, 1, 200);
   memset(changed + 4090, 2, 3);
   require(vp_encoder_init(&enc));
   vp_delta_collect(&enc, changed, twin, MEMORY_SIZE, &position, SIZE_MAX);
   write_seed(folder, 4, enc.start, vp_encoder_size(&enc));
   vp_encoder_finish(&enc);
   write_packed_seed(folder, 5, VP_COMPRESS_LZ4);
   write_packed_seed(folder, 6, VP_COMPRESS_ZSTD);
   write_seed(folder, 7, shader, sizeof(shader));
   write_picture_seeds(folder, 8);
   write_packed_commands_seed(folder, 10);
   write_seed(folder, 11, options, sizeof(options));
   write_seed(folder, 12, keys, sizeof(keys) - 1);
   write_seed(folder, 13, config, sizeof(config) - 1);
   write_service_seed(folder, 14);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
   const char *folder = getenv("VP_FUZZ_SEEDS");
   (void)argc;
   (void)argv;
   if (!folder)
      return 0;
   write_seeds(folder);
   exit(0);
}
