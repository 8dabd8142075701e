/* SPDX-License-Identifier: MIT */
/* What a server says to a client: frames of every kind, to a real receiver with an object for each of them. An input is
 * what comes out of the socket. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/link/connection.h"
#include "client/link/object.h"
#include "client/link/receiver.h"
#include "client/mapping/mapping.h"
#include "client/memory/acceleration_structure.h"
#include "client/memory/device_memory.h"
#include "client/pipeline/pipeline.h"
#include "client/record/command_buffer.h"
#include "client/sync/event.h"
#include "client/sync/query_pool.h"
#include "client/sync/queue.h"
#include "client/wsi/swapchain.h"
#include "common/memory/delta.h"
#include "common/memory/pack.h"
#include "common/net/error_frame.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/wire/encoder.h"
#include "server/vp_server_calls.h"
#include "vp_commands.h"

#define MEMORY_SIZE 9000
#define QUERIES 5
#define QUERY_VALUES 2
#define QUERY_WORDS 8
#define SAID ((uint64_t)1 << 40) /* nanoseconds of work */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void __wrap_vp_log(enum vp_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void require(bool condition)
{
   if (!condition)
      abort();
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

/* --- a client --- */

static struct {
   struct vp_connection conn;
   struct vp_device *device;
   struct vp_queue *queue;
   struct vp_command_buffer *command_buffer;
   struct vp_pipeline *pipeline;
   struct vp_event *event;
   struct vp_query_pool *pool;
   struct vp_device_memory *memory;
   struct vp_acceleration_structure *structure;
   struct vp_swapchain *swapchain; /* that shows nothing */
   struct vp_call call;
} client;

static void *create(VkObjectType type, size_t size)
{
   void *object = vp_object_create(&client.conn.objects, vp_allocator(NULL, NULL), type, size);
   require(object);
   return object;
}

/* Their ids are 1, 2, ... */
static void create_objects(void)
{
   client.device = create(VK_OBJECT_TYPE_DEVICE, sizeof(*client.device));
   client.device->conn = &client.conn;
   client.queue = create(VK_OBJECT_TYPE_QUEUE, sizeof(*client.queue));
   client.queue->device = client.device;
   client.command_buffer = create(VK_OBJECT_TYPE_COMMAND_BUFFER, sizeof(*client.command_buffer));
   client.pipeline = create(VK_OBJECT_TYPE_PIPELINE, sizeof(*client.pipeline));
   client.event = create(VK_OBJECT_TYPE_EVENT, sizeof(*client.event));
   client.pool = create(VK_OBJECT_TYPE_QUERY_POOL, sizeof(*client.pool));
   client.pool->count = QUERIES;
   client.pool->values = QUERY_VALUES;
   client.pool->state = calloc((size_t)QUERIES * (3 + QUERY_VALUES), sizeof(uint64_t));
   client.memory = create(VK_OBJECT_TYPE_DEVICE_MEMORY, sizeof(*client.memory));
   client.memory->device = client.device;
   client.memory->size = MEMORY_SIZE;
   pthread_mutex_init(&client.memory->lock, NULL);
   client.structure = create(VK_OBJECT_TYPE_ACCELERATION_STRUCTURE_KHR, sizeof(*client.structure));
   client.swapchain = create(VK_OBJECT_TYPE_SWAPCHAIN_KHR, sizeof(*client.swapchain));
   require(client.pool->state);
}

static void start(int fd)
{
   struct vp_connection *conn = &client.conn;

   memset(&client, 0, sizeof(client));
   conn->channel.fd = fd;
   conn->pace.said = SAID;
   pthread_mutex_init(&conn->reply_lock, NULL);
   vp_object_table_init(&conn->objects);
   pthread_mutex_init(&conn->progress_lock, NULL);
   require(vp_clock_cond_init(&conn->progress_cond));
   pthread_cond_init(&client.call.cond, NULL);
   conn->first_call = &client.call; /* one reply is waited for */
   conn->last_call = &client.call.next;
   create_objects();
   require(vp_receiver_start(conn));
}

static void destroy_objects(void)
{
   free(client.pool->state);
   pthread_mutex_destroy(&client.memory->lock);
   vp_mapping_unref(client.memory->mapping);
   vp_queue_take_error(client.queue, UINT64_MAX);
   vp_pipeline_free(&client.conn.objects, vp_allocator(NULL, NULL), client.pipeline);
   void *others[] = {client.swapchain, client.structure,      client.memory, client.pool,
                     client.event,     client.command_buffer, client.queue,  client.device};
   for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
      vp_object_destroy(&client.conn.objects, vp_allocator(NULL, NULL), others[i]);
}

/* The receiver ends when the input does. */
static void finish(void)
{
   struct vp_connection *conn = &client.conn;

   pthread_join(conn->receiver, NULL);
   require(vp_connection_lost(conn) && client.call.done && !conn->first_call);
   require(conn->pace.executed <= conn->pace.said);
   destroy_objects();
   free(client.call.payload);
   pthread_cond_destroy(&client.call.cond);
   pthread_mutex_destroy(&conn->reply_lock);
   vp_object_table_finish(&conn->objects);
   pthread_mutex_destroy(&conn->progress_lock);
   pthread_cond_destroy(&conn->progress_cond);
   vp_unpacker_finish(&conn->unpacker);
   close(conn->channel.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
   int fds[2];

   if (size > 32 << 10)
      return -1;
   require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
   require(send(fds[0], data, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size);
   close(fds[0]);
   start(fds[1]);
   finish();
   return 0;
}

/* --- what is right, to start from --- */

struct seed {
   const char *folder, *name;
   struct vp_encoder enc;
};

static void seed_add(struct seed *seed, enum vp_frame_type type, uint64_t tag, const void *payload, size_t size)
{
   const struct vp_frame_header header = {.type = type, .length = (uint32_t)size, .tag = tag};
   uint8_t bytes[VP_FRAME_HEADER_SIZE];

   vp_frame_header_store(bytes, &header);
   vp_enc_bytes(&seed->enc, bytes, sizeof(bytes), 1);
   if (size)
      vp_enc_bytes(&seed->enc, payload, size, 1);
}

static void seed_write(struct seed *seed, const char *name)
{
   char path[4096];

   snprintf(path, sizeof(path), "%s/%s", seed->folder, name);
   FILE *file = fopen(path, "wb");
   const size_t size = vp_encoder_size(&seed->enc);
   const bool ok = file && !seed->enc.failed && fwrite(seed->enc.start, 1, size, file) == size;
   if (!file || fclose(file) != 0 || !ok) {
      fprintf(stderr, "news: cannot write %s\n", path);
      exit(1);
   }
   vp_encoder_reset(&seed->enc);
}

static void write_one(struct seed *seed, const char *name, enum vp_frame_type type, uint64_t tag, const void *payload,
                      size_t size)
{
   seed_add(seed, type, tag, payload, size);
   seed_write(seed, name);
}

static void write_memory_seeds(struct seed *seed, uint64_t id)
{
   uint8_t changed[MEMORY_SIZE] = {0}, twin[MEMORY_SIZE] = {0};
   struct vp_packer packer;
   struct vp_encoder enc;
   const uint8_t *packed;
   size_t position = 0, size;

   memset(changed + 100, 1, 2000);
   require(vp_encoder_init(&enc));
   vp_delta_collect(&enc, changed, twin, MEMORY_SIZE, &position, SIZE_MAX);
   write_one(seed, "memory", VP_FRAME_MEMORY, id, enc.start, vp_encoder_size(&enc));
   vp_packer_init(&packer, VP_COMPRESS_LZ4);
   require(vp_packer_pack(&packer, enc.start, vp_encoder_size(&enc), &packed, &size));
   write_one(seed, "packed", VP_FRAME_PACKED, id, packed, size);
   vp_packer_finish(&packer);
   vp_encoder_finish(&enc);
}

/* One executable with one statistic. */
static void write_executables_seed(struct seed *seed, uint64_t id)
{
   VkPipelineExecutablePropertiesKHR properties = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
   VkPipelineExecutableStatisticKHR statistic = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR};
   uint32_t count = 1;
   const struct vp_cmd_vkGetPipelineExecutablePropertiesKHR a = {.pExecutableCount = &count,
                                                                 .pProperties = &properties};
   const struct vp_cmd_vkGetPipelineExecutableStatisticsKHR b = {.pStatisticCount = &count, .pStatistics = &statistic};
   struct vp_encoder enc;

   require(vp_encoder_init(&enc));
   vp_enc_u64(&enc, count);
   vp_answer_vkGetPipelineExecutablePropertiesKHR(&enc, &a);
   vp_enc_u64(&enc, count);
   vp_answer_vkGetPipelineExecutableStatisticsKHR(&enc, &b);
   write_one(seed, "executables", VP_FRAME_EXECUTABLES, id, enc.start, vp_encoder_size(&enc));
   vp_encoder_finish(&enc);
}

/* A cost that is told by itself, one with a tag, and the end of all that was said. */
static void write_executed_seed(struct seed *seed)
{
   uint8_t pairs[2 * VP_COST_PAIR_SIZE];

   vp_bytes_store_u32(pairs, VP_CMD_vkAllocateMemory);
   vp_bytes_store_u32(pairs + 4, 800000);
   vp_bytes_store_u32(pairs + 8, VP_COST_ARRIVAL);
   vp_bytes_store_u32(pairs + 12, 8000);
   seed_add(seed, VP_FRAME_EXECUTED, 0, pairs, sizeof(pairs));
   seed_add(seed, VP_FRAME_EXECUTED, SAID / 2, pairs, VP_COST_PAIR_SIZE);
   write_one(seed, "executed", VP_FRAME_EXECUTED, SAID, NULL, 0);
}

static void write_seeds(const char *folder)
{
   const struct vp_error error = {.command = 1, .offset = 2, .text = "a reason"};
   const uint64_t one[2] = {1, 1}, address = 0x700000000;
   const uint32_t progress[3] = {1, 0, 0}, failed[3] = {VP_CMD_vkCreateEvent, (uint32_t)VK_ERROR_UNKNOWN, 0},
                  lost[3] = {1, 0, (uint32_t)VK_ERROR_OUT_OF_HOST_MEMORY}, recording[3] = {0, (uint32_t)-1, 1};
   uint64_t queries[2 + 2 * QUERY_WORDS] = {(uint64_t)2 << 32 | 1, QUERY_VALUES};
   uint8_t bytes[VP_ERROR_WIRE_MAX];
   struct seed seed = {.folder = folder};

   require(vp_encoder_init(&seed.enc));
   start(dup(0)); /* for the ids */
   shutdown(client.conn.channel.fd, SHUT_RDWR);
   const uint64_t queue = client.queue->base.id, memory = client.memory->base.id;
   write_executed_seed(&seed);
   write_memory_seeds(&seed, memory);
   write_executables_seed(&seed, client.pipeline->base.id);
   write_one(&seed, "reply", VP_FRAME_REPLY, 0, one, sizeof(one));
   write_one(&seed, "progress", VP_FRAME_PROGRESS, queue, progress, sizeof(progress));
   write_one(&seed, "batch_error", VP_FRAME_BATCH_ERROR, queue, lost, sizeof(lost));
   write_one(&seed, "object_error", VP_FRAME_OBJECT_ERROR, memory, failed, sizeof(failed));
   write_one(&seed, "recording", VP_FRAME_OBJECT_ERROR, client.command_buffer->base.id, recording, sizeof(recording));
   write_one(&seed, "error", VP_FRAME_ERROR, 0, bytes, vp_error_store(bytes, &error));
   write_one(&seed, "alive", VP_FRAME_ALIVE, 0, NULL, 0);
   write_one(&seed, "event", VP_FRAME_EVENT, client.event->base.id, one, sizeof(one));
   write_one(&seed, "queries", VP_FRAME_QUERIES, client.pool->base.id, queries,
             16 + (size_t)2 * 8 * (2 + QUERY_VALUES));
   write_one(&seed, "stale", VP_FRAME_STALE, memory, NULL, 0);
   write_one(&seed, "reserve", VP_FRAME_RESERVE, client.device->base.id, progress, 4);
   write_one(&seed, "address", VP_FRAME_ADDRESS, memory, &address, sizeof(address));
   write_one(&seed, "structure", VP_FRAME_ADDRESS, client.structure->base.id, &address, sizeof(address));
   write_one(&seed, "present", VP_FRAME_PRESENT, client.swapchain->base.id, one, sizeof(one));
   finish();
   vp_encoder_finish(&seed.enc);
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
