/* SPDX-License-Identifier: MIT */

/* Finds in a binary of CUDA what it says of a kernel's parameters: a section ".nv.info.KERNEL", which is a list of
 * attributes. */

#include "client/pipeline/cubin.h"

#include <string.h>

#include "common/util/bytes.h"

/* A 64-bit ELF file, little-endian: offsets in its header and in that of a section. */
#define ELF_HEADER_SIZE 64
#define ELF_SECTIONS 40
#define ELF_SECTION_SIZE 58
#define ELF_SECTION_COUNT 60
#define ELF_NAMES 62
#define SECTION_HEADER_SIZE 64
#define SECTION_OFFSET 24
#define SECTION_SIZE 32

/* An attribute has its form, its kind and 16 bits, which are the size of what follows where the form says so. */
#define FORM_SIZED 4
#define KIND_PARAMETER 0x17
#define PARAMETER_SIZE 12 /* index, ordinal, offset, and in the upper bits of the last word the size */

static uint16_t cubin_u16(const uint8_t *in)
{
   return (uint16_t)(in[0] | in[1] << 8);
}

struct part {
   const uint8_t *data;
   size_t size;
};

/* The bytes of a range, or none where the file does not have them. */
static struct part part_of(struct part file, uint64_t offset, uint64_t size)
{
   const bool fits = offset <= file.size && size <= file.size - offset;
   return fits ? (struct part){file.data + offset, (size_t)size} : (struct part){NULL, 0};
}

static struct part section_header(struct part file, uint32_t index)
{
   const uint64_t table = vp_bytes_load_u64(file.data + ELF_SECTIONS);
   const uint64_t place = (uint64_t)index * SECTION_HEADER_SIZE;
   return table > UINT64_MAX - place ? (struct part){NULL, 0} : part_of(file, table + place, SECTION_HEADER_SIZE);
}

static struct part section(struct part file, struct part header)
{
   if (!header.data)
      return header;
   return part_of(file, vp_bytes_load_u64(header.data + SECTION_OFFSET), vp_bytes_load_u64(header.data + SECTION_SIZE));
}

/* Whether the name at this place of all names is that of what the file says of the kernel. */
static bool is_info_of(struct part names, uint32_t place, const char *kernel)
{
   static const char prefix[] = ".nv.info.";
   const size_t start = sizeof(prefix) - 1, length = strlen(kernel) + 1;
   const struct part name = part_of(names, place, start + length);
   return name.data && memcmp(name.data, prefix, start) == 0 && memcmp(name.data + start, kernel, length) == 0;
}

static struct part find_info(struct part file, const char *kernel)
{
   const uint32_t count = cubin_u16(file.data + ELF_SECTION_COUNT);
   const struct part names = section(file, section_header(file, cubin_u16(file.data + ELF_NAMES)));
   for (uint32_t i = 0; i < count; i++) {
      const struct part header = section_header(file, i);
      if (header.data && is_info_of(names, vp_bytes_load_u32(header.data), kernel))
         return section(file, header);
   }
   return (struct part){NULL, 0};
}

static bool is_cubin(struct part file)
{
   static const uint8_t magic[] = {0x7f, 'E', 'L', 'F', 2, 1};
   return file.size >= ELF_HEADER_SIZE && memcmp(file.data, magic, sizeof(magic)) == 0 &&
          cubin_u16(file.data + ELF_SECTION_SIZE) == SECTION_HEADER_SIZE;
}

int64_t vp_cubin_find_parameters(const uint8_t *data, size_t size, const char *kernel,
                                 struct vp_cubin_parameter *parameters, uint32_t room)
{
   const struct part file = {data, size};
   const struct part info = is_cubin(file) ? find_info(file, kernel) : (struct part){NULL, 0};
   int64_t count = 0;
   if (!info.data)
      return -1;
   for (size_t at = 0; info.size - at >= 4;) {
      const uint8_t *attribute = info.data + at;
      const size_t more = attribute[0] == FORM_SIZED ? cubin_u16(attribute + 2) : 0;
      if (more > info.size - at - 4)
         return -1;
      if (attribute[0] == FORM_SIZED && attribute[1] == KIND_PARAMETER && more >= PARAMETER_SIZE) {
         const uint16_t ordinal = cubin_u16(attribute + 8);
         if (ordinal < room)
            parameters[ordinal] = (struct vp_cubin_parameter){cubin_u16(attribute + 10),
                                                              (uint16_t)(vp_bytes_load_u32(attribute + 12) >> 18)};
         count++;
      }
      at += 4 + more;
   }
   return count;
}
