/* SPDX-License-Identifier: MIT */
/* The client's reply decoder: a request gives the memory for the outputs, and whatever the server answers stays in it.
 * An input is a u32, the size of the request, the request, and the reply. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/made.h"

#define ARENA_LIMIT ((size_t)16 << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vp_arena arena;
static struct vp_encoder enc;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
   uint32_t request_size;

   if (size < 4)
      return 0;
   memcpy(&request_size, data, 4);
   data += 4;
   size -= 4;
   if (request_size > size)
      return 0;
   const struct codec_call call = codec_read_request(data, request_size, &arena);
   if (call.call) {
      vp_encoder_reset(&enc);
      call.command->request(&enc, call.flags, call.call); /* reads all of it */
      uint8_t *reply = malloc(size - request_size + 1);   /* its end is what the address sanitizer looks at */
      if (!reply)
         abort();
      memcpy(reply, data + request_size, size - request_size);
      if (!codec_read_reply(&call, reply, size - request_size, &arena)) {
         vp_encoder_reset(&enc);
         call.command->answer(&enc, call.call); /* the same for the outputs */
      }
      free(reply);
   }
   vp_arena_reset(&arena);
   return 0;
}

static void write_seed(const char *folder, const struct golden_vector *vector)
{
   const uint32_t size = (uint32_t)vector->request.size;
   char path[4096];

   snprintf(path, sizeof(path), "%s/%s", folder, vector->name);
   FILE *file = fopen(path, "wb");
   const bool ok = file && fwrite(&size, 4, 1, file) == 1 &&
                   fwrite(vector->request.data, 1, vector->request.size, file) == vector->request.size &&
                   fwrite(vector->reply.data, 1, vector->reply.size, file) == vector->reply.size;
   if (!file || fclose(file) != 0 || !ok) {
      fprintf(stderr, "reply: cannot write %s\n", path);
      exit(1);
   }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
   const char *folder = getenv("VP_FUZZ_SEEDS");
   unsigned written = 0;
   (void)argc;
   (void)argv;

   vp_arena_init(&arena, ARENA_LIMIT);
   if (!vp_encoder_init(&enc))
      abort();
   if (!folder)
      return 0;
   struct golden_list golden = golden_load(VK_API_VERSION_MINOR(VP_API_VERSION));
   made_add_all(&golden);
   for (size_t i = 0; i < golden.count; i++) {
      if (golden.vectors[i].reply.data) {
         write_seed(folder, &golden.vectors[i]);
         written++;
      }
   }
   golden_free(&golden);
   printf("%u requests with their replies\n", written);
   exit(0);
}
