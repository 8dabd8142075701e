/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/spirv.h"
#include "server/memory/writes.h"
#include "server/pipeline/spirv.h"
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

static struct vps_stores find_stores(const struct module *module)
{
   const size_t size = module->count * 4;
   uint32_t *copy = malloc(size ? size : 1); /* of its exact size, for the address sanitizer */
   if (!copy)
      abort();
   memcpy(copy, module->words, size);
   const struct vps_stores result = vps_spirv_find_stores(copy, module->count);
   free(copy);
   return result;
}

static bool may_write(const struct module *module)
{
   const struct vps_stores stores = find_stores(module);
   return stores.classes || stores.all_bindings || stores.count > 0;
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

/* A module with a storage buffer that is decorated so. */
static struct module begin_binding(uint32_t set, uint32_t number)
{
   struct module module = {.words = {0x07230203, 0x10000, 0, BOUND, 0}, .count = 5};
   ADD(&module, 71, POINTER, 34, set);
   ADD(&module, 71, POINTER, 33, number);
   ADD(&module, 21, VALUE_TYPE, 32, 0);
   ADD(&module, 32, POINTER_TYPE, STORAGE_BUFFER, VALUE_TYPE);
   ADD(&module, 43, VALUE_TYPE, VALUE, 7);
   ADD(&module, 59, POINTER_TYPE, POINTER, STORAGE_BUFFER);
   return module;
}

static bool is_one_binding(const struct vps_stores *stores, uint32_t set, uint32_t number)
{
   return stores->classes == 0 && !stores->all_bindings && stores->count == 1 && stores->bindings[0].set == set &&
          stores->bindings[0].number == number;
}

/* Which binding is written to is known while the pointer leads back to its variable. */
static void test_bindings(void)
{
   struct module module = begin_binding(2, 5);
   struct vps_stores stores = find_stores(&module);
   CHECK(stores.classes == 0 && !stores.all_bindings && stores.count == 0);
   ADD(&module, 62, POINTER, VALUE);
   ADD(&module, 65, POINTER_TYPE, RESULT, POINTER, VALUE);                   /* AccessChain */
   ADD(&module, 83, POINTER_TYPE, IMAGE_POINTER, RESULT);                    /* CopyObject */
   ADD(&module, 234, VALUE_TYPE, VALUE, IMAGE_POINTER, VALUE, VALUE, VALUE); /* AtomicIAdd */
   stores = find_stores(&module);
   CHECK(is_one_binding(&stores, 2, 5));

   module = begin_binding(2, 5);
   ADD(&module, 4419, POINTER_TYPE, RESULT, VALUE_TYPE, POINTER, VALUE); /* UntypedAccessChain */
   ADD(&module, 62, RESULT, VALUE);
   stores = find_stores(&module);
   CHECK(is_one_binding(&stores, 2, 5));

   static const unsigned unclear[] = {169 /* Select */, 245 /* Phi */, 55 /* FunctionParameter */, 61 /* Load */};
   for (size_t i = 0; i < sizeof(unclear) / sizeof(unclear[0]); i++) {
      module = begin_binding(2, 5);
      ADD(&module, unclear[i], POINTER_TYPE, RESULT, POINTER, POINTER, POINTER);
      ADD(&module, 62, RESULT, VALUE);
      stores = find_stores(&module);
      CHECK(stores.classes == 0 && stores.all_bindings);
   }
   module = begin(STORAGE_BUFFER); /* without decorations */
   ADD(&module, 62, POINTER, VALUE);
   stores = find_stores(&module);
   CHECK(stores.classes == 0 && stores.all_bindings);
}

/* What is not written through descriptors of buffers. */
static void test_classes(void)
{
   struct module module = begin(PHYSICAL);
   ADD(&module, 62, POINTER, VALUE);
   CHECK(find_stores(&module).classes == VPS_WRITES_ADDRESS && !find_stores(&module).all_bindings);
   module = begin(IMAGE);
   ADD(&module, 62, POINTER, VALUE);
   CHECK(find_stores(&module).classes == VPS_WRITES_IMAGE && !find_stores(&module).all_bindings);
   module = begin(UNIFORM_CONSTANT);
   ADD(&module, 99, VALUE, VALUE, VALUE);
   CHECK(find_stores(&module).classes == VPS_WRITES_IMAGE);
   module = begin(PRIVATE);
   ADD(&module, 9999, VALUE);
   CHECK(find_stores(&module).classes == VPS_WRITES_SHADERS);
}

static void test_union(void)
{
   struct vps_stores all = {0};

   for (uint32_t i = 0; i < 2 * VPS_MAX_STORED; i++) {
      const struct vps_stores one = {.count = 1, .bindings = {{.set = i / 4, .number = i % 4 / 2}}};
      vps_stores_add(&all, &one);
   }
   CHECK(all.count == VPS_MAX_STORED && !all.all_bindings);
   const struct vps_stores more = {.classes = VPS_WRITES_IMAGE, .count = 1, .bindings = {{.set = 100, .number = 0}}};
   vps_stores_add(&all, &more);
   CHECK(all.count == VPS_MAX_STORED && all.all_bindings && all.classes == VPS_WRITES_IMAGE);
}

#define FIND(module) vps_spirv_find_stores(module, sizeof(module) / 4)

static bool only_reads(struct vps_stores stores)
{
   return stores.classes == 0 && !stores.all_bindings && stores.count == 0;
}

static void test_compiled(void)
{
   CHECK(only_reads(FIND(scene_vert)));
   CHECK(only_reads(FIND(scene_frag)));
   CHECK(only_reads(FIND(flat_frag)));
   CHECK(only_reads(FIND(fullscreen_vert)));
   const struct vps_stores add = FIND(add_comp), push = FIND(push_comp), reduce = FIND(reduce_comp),
                           histogram = FIND(histogram_comp);
   CHECK(is_one_binding(&add, 0, 0));
   CHECK(is_one_binding(&push, 0, 0));
   CHECK(is_one_binding(&reduce, 0, 1));
   CHECK(is_one_binding(&histogram, 0, 1));
}

/* --- the form of modules --- */

static void test_entry_points(void)
{
   static const uint32_t names[] = {0x6e69616d, 0, 0x72657665, 0x69687479, 0x676e}; /* main, everything */
   struct module module = {.words = {VP_SPIRV_MAGIC, 0x10000, 0, BOUND, 0}, .count = VP_SPIRV_HEADER_WORDS};
   uint32_t found[64];
   ADD(&module, 15, 0, 2, names[0], names[1], 7);           /* EntryPoint */
   ADD(&module, 15, 4, 2, names[2], names[3], names[4], 7); /* another one */
   ADD(&module, 15, 5, 3, names[0], names[1]);              /* whose function is missing */
   ADD(&module, 15, 5, 2, names[0]);                        /* whose name does not end */
   ADD(&module, 54, 1, 2, 0, 4);                            /* Function */
   ADD(&module, 56, 0);                                     /* FunctionEnd, with a word too many */
   const size_t count = vp_spirv_entry_points(module.words, module.count, NULL);
   CHECK(count == 6 + 7 && vp_spirv_entry_points(module.words, module.count, found) == count);
   CHECK(vp_spirv_has_entry_point(found, count, 0, "main") && vp_spirv_has_entry_point(found, count, 4, "everything"));
   CHECK(!vp_spirv_has_entry_point(found, count, 4, "main") && !vp_spirv_has_entry_point(found, count, 0, "mai"));
   CHECK(!vp_spirv_has_entry_point(found, count, 5, "main") && !vp_spirv_has_entry_point(found, 0, 0, "main"));

   for (size_t end = 0; end < module.count; end++) /* its function does not end, or something is not whole */
      CHECK(vp_spirv_entry_points(module.words, end, found) == 0);
   for (size_t at = 0; at < module.count; at++) {
      struct module damaged = module;
      damaged.words[at] = 0;
      CHECK(vp_spirv_entry_points(damaged.words, damaged.count, found) <= module.count);
   }
   module.words[0]++;
   CHECK(vp_spirv_entry_points(module.words, module.count, found) == 0);
}

int main(void)
{
   test_entry_points();
   test_writes();
   test_reads();
   test_images();
   test_unknown();
   test_malformed();
   test_bindings();
   test_classes();
   test_union();
   test_compiled();
   return check_finish();
}
