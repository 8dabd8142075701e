/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "server/spirv.h"
#include "tests/unit/check.h"

/* Of the test application, made by glslang. */
#include "add.comp.h"
#include "flat.frag.h"
#include "fullscreen.vert.h"
#include "histogram.comp.h"
#include "push.comp.h"
#include "reduce.comp.h"
#include "scene.frag.h"
#include "scene.vert.h"

/* --- modules made by hand --- */

enum {
   VOID_TYPE = 1,
   VALUE_TYPE,
   POINTER_TYPE,
   POINTER,
   VALUE,
   SET,
   RESULT,
   IMAGE_POINTER_TYPE,
   IMAGE_POINTER,
   BOUND,
};

struct module {
   uint32_t words[256];
   size_t count;
};

static void add(struct module *module, unsigned opcode, const uint32_t *operands, size_t count)
{
   module->words[module->count++] = (uint32_t)(count + 1) << 16 | opcode;
   for (size_t i = 0; i < count; i++)
      module->words[module->count++] = operands[i];
}

#define ADD(module, opcode, ...) \
   add(module, opcode, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

/* A module with one variable of a storage class. */
static struct module begin(uint32_t storage_class)
{
   struct module module = {.words = {0x07230203, 0x10000, 0, BOUND, 0}, .count = 5};
   ADD(&module, 17, 1);                                       /* Capability Shader */
   ADD(&module, 19, VOID_TYPE);                               /* TypeVoid */
   ADD(&module, 21, VALUE_TYPE, 32, 0);                       /* TypeInt */
   ADD(&module, 32, POINTER_TYPE, storage_class, VALUE_TYPE); /* TypePointer */
   ADD(&module, 43, VALUE_TYPE, VALUE, 7);                    /* Constant */
   ADD(&module, 59, POINTER_TYPE, POINTER, storage_class);    /* Variable */
   return module;
}

static bool may_write(const struct module *module)
{
   const size_t size = module->count * 4;
   uint32_t *copy = malloc(size ? size : 1); /* of its exact size, for the address sanitizer */
   if (!copy)
      abort();
   memcpy(copy, module->words, size);
   const bool result = vps_spirv_may_write(copy, module->count);
   free(copy);
   return result;
}

enum {
   UNIFORM_CONSTANT = 0,
   UNIFORM = 2,
   OUTPUT = 3,
   WORKGROUP = 4,
   PRIVATE = 6,
   FUNCTION = 7,
   IMAGE = 11,
   STORAGE_BUFFER = 12,
   PHYSICAL = 5349
};

static const uint32_t own[] = {OUTPUT, WORKGROUP, PRIVATE, FUNCTION, 5338, 5402};
static const uint32_t shared[] = {UNIFORM, STORAGE_BUFFER, PHYSICAL, IMAGE, 5, 99999};

static bool stores(uint32_t storage_class)
{
   struct module module = begin(storage_class);
   ADD(&module, 62, POINTER, VALUE); /* Store */
   return may_write(&module);
}

static bool stores_through_chain(uint32_t storage_class)
{
   struct module module = begin(storage_class);
   ADD(&module, 65, POINTER_TYPE, RESULT, POINTER, VALUE); /* AccessChain */
   ADD(&module, 62, RESULT, VALUE);
   return may_write(&module);
}

static bool copies(uint32_t storage_class)
{
   struct module module = begin(storage_class);
   ADD(&module, 63, POINTER, POINTER); /* CopyMemory */
   return may_write(&module);
}

static bool adds_atomically(uint32_t storage_class)
{
   struct module module = begin(storage_class);
   ADD(&module, 234, VALUE_TYPE, RESULT, POINTER, VALUE, VALUE, VALUE); /* AtomicIAdd */
   return may_write(&module);
}

static bool stores_atomically(uint32_t storage_class)
{
   struct module module = begin(storage_class);
   ADD(&module, 228, POINTER, VALUE, VALUE, VALUE); /* AtomicStore */
   return may_write(&module);
}

static bool stores_matrix(uint32_t storage_class)
{
   struct module module = begin(storage_class);
   ADD(&module, 4458, POINTER, VALUE, VALUE); /* CooperativeMatrixStore */
   return may_write(&module);
}

static bool takes_apart(uint32_t storage_class)
{
   struct module module = begin(storage_class);
   uint32_t set[] = {SET, 0, 0, 0, 0};
   memcpy(set + 1, "GLSL.std.450", 13);
   add(&module, 11, set, 5);                                                 /* ExtInstImport */
   ADD(&module, 12, VALUE_TYPE, RESULT, SET, 35 /* Modf */, VALUE, POINTER); /* ExtInst */
   return may_write(&module);
}

/* Each way of writing, to each kind of memory. */
static void test_writes(void)
{
   static bool (*const ways[])(uint32_t storage_class) = {
      stores, stores_through_chain, copies, adds_atomically, stores_atomically, stores_matrix, takes_apart,
   };

   for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
      for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
         CHECK(!ways[i](own[k]));
      for (size_t k = 0; k < sizeof(shared) / sizeof(shared[0]); k++)
         CHECK(ways[i](shared[k]));
   }
}

/* What has such memory and only reads it. */
static void test_reads(void)
{
   for (size_t k = 0; k < sizeof(shared) / sizeof(shared[0]); k++) {
      struct module module = begin(shared[k]);
      ADD(&module, 65, POINTER_TYPE, RESULT, POINTER, VALUE);
      ADD(&module, 61, VALUE_TYPE, IMAGE_POINTER, RESULT);                 /* Load */
      ADD(&module, 227, VALUE_TYPE, IMAGE_POINTER, POINTER, VALUE, VALUE); /* AtomicLoad */
      CHECK(!may_write(&module));
   }
}

static void test_images(void)
{
   struct module module = begin(UNIFORM_CONSTANT);
   ADD(&module, 98, VALUE_TYPE, RESULT, VALUE, VALUE); /* ImageRead */
   CHECK(!may_write(&module));
   ADD(&module, 99, VALUE, VALUE, VALUE); /* ImageWrite */
   CHECK(may_write(&module));

   module = begin(UNIFORM_CONSTANT);
   ADD(&module, 32, IMAGE_POINTER_TYPE, IMAGE, VALUE_TYPE);
   ADD(&module, 60, IMAGE_POINTER_TYPE, IMAGE_POINTER, POINTER, VALUE, VALUE); /* ImageTexelPointer */
   CHECK(!may_write(&module));
   ADD(&module, 234, VALUE_TYPE, RESULT, IMAGE_POINTER, VALUE, VALUE, VALUE);
   CHECK(may_write(&module));
}

/* Nobody knows what it does. */
static void test_unknown(void)
{
   struct module module = begin(PRIVATE);
   ADD(&module, 9999, VALUE);
   CHECK(may_write(&module));

   module = begin(PRIVATE); /* a pointer from nowhere */
   ADD(&module, 62, RESULT, VALUE);
   CHECK(may_write(&module));

   module = begin(PRIVATE); /* an instruction set that is not known, then one that means nothing */
   uint32_t set[] = {SET, 0, 0, 0, 0, 0, 0};
   memcpy(set + 1, "OpenCL.std", 11);
   add(&module, 11, set, 4);
   CHECK(!may_write(&module));
   ADD(&module, 12, VALUE_TYPE, RESULT, SET, 1, VALUE);
   CHECK(may_write(&module));
   module = begin(PRIVATE);
   memcpy(set + 1, "NonSemantic.DebugPrintf", 24);
   add(&module, 11, set, 7);
   ADD(&module, 12, VALUE_TYPE, RESULT, SET, 1, VALUE);
   CHECK(!may_write(&module));
}

static void test_malformed(void)
{
   const struct module good = begin(PRIVATE);
   struct module module = good;

   CHECK(!may_write(&good));
   for (module.count = 0; module.count < 5; module.count++)
      CHECK(may_write(&module));
   module = good;
   module.words[0] = 0x03022307; /* the other byte order */
   CHECK(may_write(&module));
   module = good;
   module.words[3] = UINT32_MAX; /* bound */
   CHECK(may_write(&module));
   module.words[3] = 2; /* ids out of bounds */
   CHECK(may_write(&module));
   module = good;
   module.words[5] = 17; /* length 0 */
   CHECK(may_write(&module));
   module = good;
   module.words[module.count++] = 5u << 16; /* cut off */
   CHECK(may_write(&module));
   module = begin(STORAGE_BUFFER);
   ADD(&module, 228, POINTER); /* too short */
   CHECK(may_write(&module));
   module = begin(PRIVATE);
   module.words[module.count++] = 1u << 16 | 62;
   CHECK(may_write(&module));
   module = begin(PRIVATE);
   ADD(&module, 234, VALUE_TYPE, RESULT);
   CHECK(may_write(&module));
}

#define MAY_WRITE(module) vps_spirv_may_write(module, sizeof(module) / 4)

static void test_compiled(void)
{
   CHECK(!MAY_WRITE(scene_vert));
   CHECK(!MAY_WRITE(scene_frag));
   CHECK(!MAY_WRITE(flat_frag));
   CHECK(!MAY_WRITE(fullscreen_vert));
   CHECK(MAY_WRITE(add_comp));
   CHECK(MAY_WRITE(push_comp));
   CHECK(MAY_WRITE(reduce_comp));
   CHECK(MAY_WRITE(histogram_comp));
}

int main(void)
{
   test_writes();
   test_reads();
   test_images();
   test_unknown();
   test_malformed();
   test_compiled();
   return check_finish();
}
