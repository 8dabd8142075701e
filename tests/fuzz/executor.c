/* SPDX-License-Identifier: MIT */
/* The server's request decoder and executor with a null Vulkan behind them: whatever a client sends, the server must
 * not crash, give the driver anything that is not whole, or leave anything behind. */
#include "server/session/executor.h"

#include <sys/stat.h>

#include "common/util/log.h"
#include "server/core/context.h"
#include "server/core/frame_writer.h"
#include "server/memory/memory.h"
#include "tests/fuzz/made.h"
#include "tests/fuzz/null_vulkan.h"
#include "tests/fuzz/session.h"

#define ARENA_LIMIT ((size_t)32 << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
const char *__asan_default_options(void);

static struct golden_list golden; /* and made ones */

/* A client may ask for more than there is. */
const char *__asan_default_options(void)
{
   return "allocator_may_return_null=1";
}

/* --- one session --- */

static void receive_memory(struct vps_context *ctx, uint64_t id, const uint8_t *data, size_t size)
{
   struct vps_memory *memory;
   const char *problem = vps_memory_find(ctx, id, &memory) && memory ? vps_memory_receive(memory, data, size) : NULL;
   if (problem)
      vps_fail(ctx, "%s", problem);
}

static void run(struct vps_context *ctx, const uint8_t *data, size_t size)
{
   while (size >= 4 && !ctx->failed) {
      uint32_t head;
      memcpy(&head, data, 4);
      data += 4;
      size -= 4;
      const size_t length = (head & SESSION_SIZE_MASK) < size ? head & SESSION_SIZE_MASK : size;
      uint8_t *piece = malloc(length ? length : 1); /* of its exact size, for the address sanitizer */
      uint64_t id = 0;
      if (!piece)
         abort();
      memcpy(piece, data, length);
      if (head & SESSION_RECORDED) {
         vps_executor_run_apart(ctx, piece, length);
      } else if (!(head & SESSION_MEMORY)) {
         vps_executor_run(ctx, piece, length);
      } else if (length >= 8) {
         memcpy(&id, piece, 8);
         receive_memory(ctx, id, piece + 8, length - 8);
      }
      free(piece);
      data += length;
      size -= length;
   }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
   static const struct vps_options options = {.worker_fd = -1, .clear_memory = VPS_CLEAR_MEMORY_OFF};
   struct vps_frame_writer writer;
   struct vps_context ctx;

   if (size < SESSION_HEAD)
      return 0;
   memcpy(&null_state.random, data, SESSION_HEAD);
   null_state.next_id = 0;
   if (!vps_frame_writer_init(&writer, -1, VP_COMPRESS_NONE) ||
       !vps_context_init(&ctx, &options, &writer, null_vkGetInstanceProcAddr))
      abort();
   ctx.arena.limit = ARENA_LIMIT;
   run(&ctx, data + SESSION_HEAD, size - SESSION_HEAD);
   if (ctx.failed && !ctx.error.text[0])
      abort();
   vps_context_finish(&ctx);
   vps_frame_writer_finish(&writer);
   return 0;
}

/* --- inputs --- */

/* Changes words of what was added, in every second input. */
static void damage(struct session *session, size_t start)
{
   static const uint32_t values[] = {0, 1, 2, 3, 64, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff};
   const size_t words = (vp_encoder_size(&session->out) - start) / 4;

   for (unsigned n = session_random(session) % 4; n > 1 && words > 1 && !session->out.failed; n--) {
      uint8_t *word = session->out.start + start + (1 + session_random(session) % (words - 1)) * 4;
      vp_put_u32(word, values[session_random(session) % (sizeof(values) / sizeof(values[0]))]);
   }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
   struct session session;

   if (seed % 3 == 0 || golden.count == 0)
      return LLVMFuzzerMutate(data, size, max_size);
   session_init(&session, &golden, seed);
   session_read_input(&session, data, size);
   if (size < SESSION_HEAD || session.object_count == 0) {
      session_finish(&session);
      session_init(&session, &golden, seed);
      session_add_start(&session);
   }
   const size_t before = vp_encoder_size(&session.out);
   for (unsigned n = 1 + session_random(&session) % 3; n > 0; n--) {
      if (session_random(&session) % 16 == 0)
         session_add_memory(&session);
      else
         session_add_golden(&session, &golden.vectors[session_random(&session) % golden.count].request);
      session.failed = false;
   }
   if (seed % 3 == 1 && !session.out.failed)
      session.out.start[seed / 3 % SESSION_HEAD] ^= (uint8_t)(seed >> 8); /* other results */
   damage(&session, before);
   const size_t made = vp_encoder_size(&session.out);
   if (!session.out.failed && made <= max_size) {
      memcpy(data, session.out.start, made);
      size = made;
   } else {
      size = LLVMFuzzerMutate(data, size, max_size);
   }
   session_finish(&session);
   return size;
}

static void write_seed(const char *folder, const char *name, const struct vp_encoder *enc)
{
   char path[4096];
   snprintf(path, sizeof(path), "%s/%s", folder, name);
   FILE *file = fopen(path, "wb");
   if (!file || fwrite(enc->start, 1, vp_encoder_size(enc), file) != vp_encoder_size(enc) || fclose(file) != 0) {
      fprintf(stderr, "executor: cannot write %s\n", path);
      exit(1);
   }
}

/* A session for each golden request, and for each that the tables make up. */
static void write_seeds(const char *folder)
{
   unsigned whole = 0;

   for (size_t i = 0; i < golden.count; i++) {
      struct session session;
      session_init(&session, &golden, i);
      session_add_start(&session);
      session_add_memory(&session);
      whole += session_add_golden(&session, &golden.vectors[i].request);
      write_seed(folder, golden.vectors[i].name, &session.out);
      session_finish(&session);
   }
   printf("%zu sessions, %u of them with their request\n", golden.count, whole);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
   const char *folder = getenv("VP_FUZZ_SEEDS");
   (void)argc;
   (void)argv;
   vp_log_init("executor", VP_LOG_ERROR);
   if (!vp_encoder_init(&null_state.enc))
      abort();
   golden = golden_load(VK_API_VERSION_MINOR(VP_API_VERSION));
   made_add_all(&golden);
   if (!folder)
      return 0;
   write_seeds(folder);
   exit(0);
}
