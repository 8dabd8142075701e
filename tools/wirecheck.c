/* SPDX-License-Identifier: MIT */

/* venus-wirecheck FILE.tsv...: checks both codecs against calls whose bytes are
 * known. A line is NAME TAB REQUEST-HEX TAB REPLY-HEX ("-": no reply). The
 * request is read with the server's decoder and written with the client's
 * encoder, the reply the other way round; both must give the bytes back, but
 * for filler. A 32-bit build says which had numbers that are too large for it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/check_table.h"
#include "tools/vp_check_table.h"

#define MEMORY_LIMIT ((size_t)256 << 20)

struct bytes {
   uint8_t *data;
   size_t size;
};

/* Handles need something to point to: an object made up for each id. */
static uint64_t make_object(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   (void)type;
   struct vp_object *object = vp_dec_alloc(dec, 1, sizeof(*object));
   if (object)
      object->id = id;
   return (uint64_t)(uintptr_t)object;
}

static const struct vp_check_command *find_command(uint32_t number)
{
   for (size_t i = 0; i < sizeof(vp_check_commands) / sizeof(*vp_check_commands); i++) {
      if (vp_check_commands[i].number == number)
         return &vp_check_commands[i];
   }
   return NULL;
}

static int hex_digit(char c)
{
   const char *digits = "0123456789abcdef";
   const char *found = c ? strchr(digits, c | 0x20) : NULL;
   return found ? (int)(found - digits) : -1;
}

static bool parse_hex(const char *text, struct bytes *out)
{
   const size_t length = strcspn(text, "\r\n");
   out->size = length / 2;
   out->data = malloc(out->size + 1);
   if (!out->data || length % 2)
      return false;
   for (size_t i = 0; i < out->size; i++) {
      const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
      if (high < 0 || low < 0)
         return false;
      out->data[i] = (uint8_t)(high << 4 | low);
   }
   return true;
}

/* A 32-bit build has no room for the upper half of a size_t, nor the server's
 * side, which is not for such, for that of an id: zeros come back. */
static bool is_cut(const struct vp_encoder *made, size_t at)
{
   static const uint8_t zeros[4];
   const size_t word = at & ~(size_t)3;
   return sizeof(size_t) == 4 && word + 4 <= vp_encoder_size(made) && memcmp(made->start + word, zeros, 4) == 0;
}

/* Prints where the two differ first. Filler is zero in both: the vectors say
 * so and our encoders write it so. */
static bool same(const char *name, const char *what, const struct bytes *given, const struct vp_encoder *made)
{
   const size_t size = vp_encoder_size(made);
   size_t at = 0;
   bool cut = false;
   while (at < size && at < given->size && (made->start[at] == given->data[at] || is_cut(made, at))) {
      cut |= made->start[at] != given->data[at];
      at++;
   }
   if (cut)
      printf("%s: the %s is cut to 32 bits\n", name, what);
   if (!made->failed && at == size && at == given->size)
      return true;
   printf("%s: the %s differs at byte %zu (%zu bytes given, %zu made)\n", name, what, at, given->size, size);
   return false;
}

static bool decoded(const char *name, const char *what, const struct vp_decoder *dec)
{
   if (!dec->error && dec->cur == dec->end)
      return true;
   printf("%s: the %s does not decode: %s at byte %zu of %zu\n", name, what, dec->error ? dec->error : "trailing data",
          (size_t)(dec->cur - dec->start), (size_t)(dec->end - dec->start));
   return false;
}

static bool check_call(const char *name, const struct bytes *request, const struct bytes *reply, struct vp_arena *arena,
                       struct vp_encoder *enc)
{
   struct vp_decoder dec;
   vp_decoder_init(&dec, request->data, request->size, arena);
   dec.find_handle = make_object;
   dec.new_handle = make_object;
   const uint32_t number = vp_dec_u32(&dec), flags = vp_dec_u32(&dec);
   const struct vp_check_command *command = find_command(number);
   void *call = command ? vp_dec_alloc(&dec, 1, command->size) : NULL;
   if (!call) {
      printf("%s: command %u is not known to this build\n", name, number);
      return false;
   }
   command->decode(&dec, call);
   if (!decoded(name, "request", &dec))
      return false;
   vp_encoder_reset(enc);
   command->request(enc, flags, call);
   if (!same(name, "request", request, enc))
      return false;
   if (!reply)
      return true;

   vp_decoder_init(&dec, reply->data, reply->size, arena);
   dec.keep_ids = true;
   command->reply(&dec, call);
   if (!decoded(name, "reply", &dec))
      return false;
   vp_encoder_reset(enc);
   command->answer(enc, call);
   return same(name, "reply", reply, enc);
}

static bool check_line(char *line, struct vp_arena *arena, struct vp_encoder *enc)
{
   char *request_text = strchr(line, '\t');
   char *reply_text = request_text ? strchr(request_text + 1, '\t') : NULL;
   if (!reply_text) {
      printf("%.40s: the line does not have three columns\n", line);
      return false;
   }
   *request_text++ = 0;
   *reply_text++ = 0;
   const bool has_reply = reply_text[0] != '-';
   struct bytes request = {0}, reply = {0};
   bool ok = parse_hex(request_text, &request) && (!has_reply || parse_hex(reply_text, &reply));
   if (!ok)
      printf("%s: the line is not hexadecimal\n", line);
   else
      ok = check_call(line, &request, has_reply ? &reply : NULL, arena, enc);
   free(request.data);
   free(reply.data);
   vp_arena_reset(arena);
   return ok;
}

static bool check_file(const char *path, unsigned *passed, unsigned *failed, struct vp_arena *arena,
                       struct vp_encoder *enc)
{
   FILE *file = fopen(path, "r");
   if (!file) {
      fprintf(stderr, "venus-wirecheck: cannot open %s\n", path);
      return false;
   }
   char *line = NULL;
   size_t capacity = 0;
   while (getline(&line, &capacity, file) > 0) {
      if (line[0] != '\n' && line[0] != '#')
         ++*(check_line(line, arena, enc) ? passed : failed);
   }
   free(line);
   fclose(file);
   return true;
}

int main(int argc, char **argv)
{
   unsigned passed = 0, failed = 0;
   struct vp_arena arena;
   struct vp_encoder enc;
   if (argc < 2) {
      fprintf(stderr, "usage: venus-wirecheck FILE.tsv...\n");
      return 2;
   }
   vp_arena_init(&arena, MEMORY_LIMIT);
   bool ok = vp_encoder_init(&enc);
   for (int i = 1; ok && i < argc; i++)
      ok = check_file(argv[i], &passed, &failed, &arena, &enc);
   vp_encoder_finish(&enc);
   vp_arena_finish(&arena);
   printf("%u passed, %u failed\n", passed, failed);
   return ok && !failed ? 0 : 1;
}
