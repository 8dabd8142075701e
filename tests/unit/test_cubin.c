/* SPDX-License-Identifier: MIT */
/* What binaries of CUDA say of the parameters of their kernels: found, also in files that are cut off or lie about
 * their sizes, of which nothing beyond the end is read. */
#include <stdlib.h>
#include <string.h>

#include "client/pipeline/cubin.h"
#include "common/util/bytes.h"
#include "tests/unit/check.h"

#define HEADER 64
#define NAMES "\0.shstrtab\0.nv.info.other\0.nv.info.add"
#define NAMES_AT HEADER
#define INFO_AT 128
#define INFO_SIZE 44
#define SECTIONS_AT 192
#define SECTIONS 4
#define SIZE (SECTIONS_AT + SECTIONS * 64)

static uint8_t file[SIZE];

static void set_u16(uint8_t *out, unsigned value)
{
   out[0] = (uint8_t)value;
   out[1] = (uint8_t)(value >> 8);
}

static void make_section(unsigned index, uint32_t name, uint64_t offset, uint64_t size)
{
   uint8_t *section = file + SECTIONS_AT + (size_t)index * 64;
   vp_bytes_store_u32(section, name);
   vp_bytes_store_u64(section + 24, offset);
   vp_bytes_store_u64(section + 32, size);
}

static void make_parameter(uint8_t *out, unsigned ordinal, unsigned offset, uint32_t size)
{
   out[0] = 4;
   out[1] = 0x17;
   set_u16(out + 2, 12);
   set_u16(out + 8, ordinal);
   set_u16(out + 10, offset);
   vp_bytes_store_u32(out + 12, size << 18 | 0x1f000);
}

/* A kernel "add" of a pointer and a number, in the wrong order. */
static void make_file(void)
{
   static const char names[] = NAMES;
   memset(file, 0, sizeof(file));
   memcpy(file, "\177ELF\2\1", 6);
   vp_bytes_store_u64(file + 40, SECTIONS_AT);
   set_u16(file + 58, 64);
   set_u16(file + 60, SECTIONS);
   set_u16(file + 62, 1);
   memcpy(file + NAMES_AT, names, sizeof(names));
   make_section(1, 1, NAMES_AT, sizeof(names));
   make_section(2, 11, INFO_AT, 4);
   make_section(3, 26, INFO_AT, INFO_SIZE);
   file[INFO_AT] = 3; /* an attribute without more */
   file[INFO_AT + 1] = 0x19;
   make_parameter(file + INFO_AT + 4, 1, 8, 4);
   make_parameter(file + INFO_AT + 20, 0, 0, 8);
   memcpy(file + INFO_AT + 36, "\4\x0a\4\0", 4); /* one with four bytes */
}

static int64_t find(const char *kernel, struct vp_cubin_parameter *parameters, uint32_t room)
{
   return vp_cubin_find_parameters(file, sizeof(file), kernel, parameters, room);
}

static void test_found(void)
{
   struct vp_cubin_parameter parameters[2] = {{0}};
   make_file();
   CHECK(find("add", NULL, 0) == 2);
   CHECK(find("add", parameters, 2) == 2);
   CHECK(parameters[0].offset == 0 && parameters[0].size == 8);
   CHECK(parameters[1].offset == 8 && parameters[1].size == 4);
   CHECK(find("other", parameters, 2) == 0);
   CHECK(find("ad", parameters, 2) == -1 && find("adder", parameters, 2) == -1 && find("", parameters, 2) == -1);
}

/* Each byte is replaced, and each length taken. What is found does not matter, but nothing else is read. */
static void test_damaged(void)
{
   struct vp_cubin_parameter parameters[2];
   make_file();
   for (size_t size = 0; size < sizeof(file); size++) {
      uint8_t *part = malloc(size ? size : 1);
      if (!CHECK(part))
         return;
      memcpy(part, file, size);
      CHECK(vp_cubin_find_parameters(part, size, "add", parameters, 2) == -1);
      free(part);
   }
   for (size_t at = 0; at < sizeof(file); at++) {
      static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
      for (size_t i = 0; i < sizeof(values); i++) {
         make_file();
         file[at] = values[i];
         CHECK(find("add", parameters, 2) >= -1);
      }
   }
   make_file();
   vp_bytes_store_u64(file + 40, UINT64_MAX - 32);
   CHECK(find("add", parameters, 2) == -1);
   make_file();
   make_section(3, 26, UINT64_MAX - 8, 64);
   CHECK(find("add", parameters, 2) == -1);
   CHECK(vp_cubin_find_parameters(NULL, 0, "add", parameters, 2) == -1);
}

int main(void)
{
   test_found();
   test_damaged();
   return check_finish();
}
