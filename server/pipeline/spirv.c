/* SPDX-License-Identifier: MIT */

/* Goes once through a module and follows pointers from variables to whatever writes through them. After an instruction
 * that is not known, all may be written. */

#include "server/pipeline/spirv.h"

#include <stdlib.h>
#include <string.h>

#include "common/wire/spirv.h"
#include "server/memory/writes.h"

/* Numbers of the SPIR-V specification. The headers that name them are not everywhere and not everywhere new enough. */

enum {
   OP_EXT_INST_IMPORT = 11,
   OP_EXT_INST = 12,
   OP_TYPE_POINTER = 32,
   OP_VARIABLE = 59,
   OP_STORE = 62,
   OP_COPY_MEMORY = 63,
   OP_COPY_MEMORY_SIZED = 64,
   OP_ACCESS_CHAIN = 65,
   OP_PTR_ACCESS_CHAIN = 67,
   OP_IN_BOUNDS_PTR_ACCESS_CHAIN = 70,
   OP_DECORATE = 71,
   OP_COPY_OBJECT = 83,
   OP_IMAGE_WRITE = 99,
   OP_ATOMIC_STORE = 228,
   OP_ATOMIC_EXCHANGE = 229,
   OP_ATOMIC_XOR = 242,
   OP_ATOMIC_FLAG_TEST_AND_SET = 318,
   OP_ATOMIC_FLAG_CLEAR = 319,
   OP_TYPE_UNTYPED_POINTER = 4417,
   OP_UNTYPED_VARIABLE = 4418,
   OP_UNTYPED_ACCESS_CHAIN = 4419,
   OP_UNTYPED_IN_BOUNDS_ACCESS_CHAIN = 4420,
   OP_UNTYPED_PTR_ACCESS_CHAIN = 4423,
   OP_UNTYPED_IN_BOUNDS_PTR_ACCESS_CHAIN = 4424,
   OP_COOPERATIVE_MATRIX_STORE = 4458,
   OP_ATOMIC_F_MIN = 5614,
   OP_ATOMIC_F_MAX = 5615,
   OP_ATOMIC_F_ADD = 6035,
};

/* Of GLSL.std.450: these store a part of their result through a pointer, their second operand. */
enum { GLSL_MODF = 35, GLSL_FREXP = 51 };

enum { DECORATION_BINDING = 33, DECORATION_DESCRIPTOR_SET = 34 };

/* Storage classes of what others can see. */
enum { CLASS_UNIFORM = 2, CLASS_IMAGE = 11, CLASS_STORAGE_BUFFER = 12, CLASS_PHYSICAL_STORAGE_BUFFER = 5349 };

/* Storage classes that are an invocation's or a workgroup's own, or cannot be written to. */
static const uint32_t own_classes[] = {
   0,    /* UniformConstant */
   1,    /* Input */
   3,    /* Output */
   4,    /* Workgroup */
   6,    /* Private */
   7,    /* Function */
   9,    /* PushConstant */
   5328, /* CallableData */
   5329, /* IncomingCallableData */
   5338, /* RayPayload */
   5339, /* HitAttribute */
   5342, /* IncomingRayPayload */
   5402, /* TaskPayloadWorkgroup */
};

struct range {
   uint16_t first, last;
};

/* Instructions with a type and a result, which can be a pointer. */
static const struct range pointer_makers[] = {
   {1, 1},       /* Undef */
   {46, 46},     /* ConstantNull */
   {55, 55},     /* FunctionParameter */
   {57, 57},     /* FunctionCall */
   {59, 61},     /* Variable, ImageTexelPointer, Load */
   {65, 67},     /* AccessChain, InBoundsAccessChain, PtrAccessChain */
   {70, 70},     /* InBoundsPtrAccessChain */
   {81, 81},     /* CompositeExtract */
   {83, 83},     /* CopyObject */
   {120, 120},   /* ConvertUToPtr */
   {124, 124},   /* Bitcast */
   {169, 169},   /* Select */
   {245, 245},   /* Phi */
   {4418, 4420}, /* untyped Variable, AccessChain, InBoundsAccessChain */
   {4423, 4424}, /* untyped PtrAccessChain, InBoundsPtrAccessChain */
};

/* Other instructions that are known to write nothing, or only to what is their own. */
static const struct range harmless[] = {
   {0, 8},       /* Nop, debug information */
   {10, 10},     /* Extension */
   {14, 17},     /* MemoryModel, EntryPoint, ExecutionMode, Capability */
   {19, 31},     /* types */
   {33, 33},     /* TypeFunction */
   {39, 39},     /* TypeForwardPointer */
   {41, 52},     /* constants */
   {54, 56},     /* functions */
   {68, 68},     /* ArrayLength */
   {71, 75},     /* decorations */
   {77, 84},     /* composites */
   {86, 98},     /* sampling and reading of images */
   {100, 107},   /* queries about images */
   {109, 119},   /* conversions */
   {126, 152},   /* arithmetic */
   {154, 191},   /* logic and comparisons */
   {194, 205},   /* bits */
   {207, 215},   /* derivatives */
   {218, 221},   /* vertices and primitives of geometry shaders */
   {224, 225},   /* barriers */
   {227, 227},   /* AtomicLoad */
   {246, 257},   /* control flow, lifetimes */
   {305, 317},   /* sparse images, NoLine */
   {320, 321},   /* ImageSparseRead, SizeOf */
   {330, 366},   /* debug information, decorations, groups */
   {400, 403},   /* CopyLogical, comparisons of pointers */
   {4416, 4416}, /* TerminateInvocation */
   {4421, 4422}, /* subgroups */
   {4428, 4432}, /* subgroups */
   {4445, 4457}, /* ray tracing, dot products, cooperative matrices */
   {4459, 4463}, /* cooperative matrices, replicated composites */
   {4472, 4477}, /* ray queries */
   {4479, 4479}, /* ray queries */
   {5056, 5056}, /* ReadClock */
   {5294, 5296}, /* mesh shaders, subgroups */
   {5334, 5334}, /* ReportIntersection */
   {5341, 5341}, /* TypeAccelerationStructure */
   {5364, 5365}, /* invocation interlock */
   {5380, 5381}, /* DemoteToHelperInvocation, IsHelperInvocation */
   {5630, 5633}, /* assumptions, decorations */
   {6016, 6032}, /* ray queries */
};

/* What is known of an id. */
enum fact {
   POINTER_TYPE = 1, /* a type of pointers whose target is known */
   POINTER = 2,      /* such a pointer */
   SET_GLSL = 4,     /* an instruction set */
   SET_NON_SEMANTIC = 8,
   HAS_SET = 16, /* a variable that is decorated so */
   HAS_BINDING = 32,
};

/* What a pointer points to. */
enum target { TARGET_OWN, TARGET_BUFFER, TARGET_IMAGE, TARGET_ADDRESS };

struct id {
   uint8_t facts, target;
   uint32_t root; /* of a pointer into a variable: that; 0: not known */
   struct vps_binding binding;
};

struct reader {
   struct id *ids;
   uint32_t bound;
   struct vps_stores stores;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool in_ranges(const struct range *ranges, size_t count, unsigned opcode)
{
   for (size_t i = 0; i < count && ranges[i].first <= opcode; i++) {
      if (opcode <= ranges[i].last)
         return true;
   }
   return false;
}

static bool is_own_class(uint32_t storage_class)
{
   for (size_t i = 0; i < COUNT(own_classes); i++) {
      if (own_classes[i] == storage_class)
         return true;
   }
   return false;
}

/* False: it is none that is known. */
static bool find_target(uint32_t storage_class, uint8_t *target)
{
   if (is_own_class(storage_class))
      *target = TARGET_OWN;
   else if (storage_class == CLASS_UNIFORM || storage_class == CLASS_STORAGE_BUFFER)
      *target = TARGET_BUFFER;
   else if (storage_class == CLASS_IMAGE)
      *target = TARGET_IMAGE;
   else if (storage_class == CLASS_PHYSICAL_STORAGE_BUFFER)
      *target = TARGET_ADDRESS;
   else
      return false;
   return true;
}

static void write_anything(struct reader *reader)
{
   reader->stores.classes = VPS_WRITES_SHADERS;
}

static void learn_instruction(struct reader *reader, uint32_t id, enum fact fact)
{
   if (id < reader->bound)
      reader->ids[id].facts |= (uint8_t)fact;
   else
      write_anything(reader);
}

static bool known(const struct reader *reader, uint32_t id, unsigned facts)
{
   return id < reader->bound && (reader->ids[id].facts & facts);
}

/* --- what is written through --- */

static void add_binding(struct vps_stores *stores, struct vps_binding binding)
{
   for (unsigned i = 0; i < stores->count; i++) {
      if (stores->bindings[i].set == binding.set && stores->bindings[i].number == binding.number)
         return;
   }
   if (stores->count == VPS_MAX_STORED)
      stores->all_bindings = true;
   else
      stores->bindings[stores->count++] = binding;
}

const struct vps_stores vps_stores_anything = {.classes = VPS_WRITES_SHADERS};

void vps_stores_add(struct vps_stores *stores, const struct vps_stores *more)
{
   stores->classes |= more->classes;
   stores->all_bindings = stores->all_bindings || more->all_bindings;
   for (unsigned i = 0; i < more->count; i++)
      add_binding(stores, more->bindings[i]);
}

/* An instruction of `count` words writes through the pointer in one of them. */
static void write_through(struct reader *reader, const uint32_t *words, size_t count, size_t index)
{
   struct vps_stores *stores = &reader->stores;

   if (index >= count || !known(reader, words[index], POINTER)) {
      write_anything(reader);
      return;
   }
   const struct id *pointer = &reader->ids[words[index]], *variable = &reader->ids[pointer->root];
   if (pointer->target == TARGET_IMAGE)
      stores->classes |= VPS_WRITES_IMAGE;
   else if (pointer->target == TARGET_ADDRESS)
      stores->classes |= VPS_WRITES_ADDRESS;
   else if (pointer->target == TARGET_BUFFER && (variable->facts & HAS_SET) && (variable->facts & HAS_BINDING))
      add_binding(stores, variable->binding);
   else if (pointer->target == TARGET_BUFFER)
      stores->all_bindings = true;
}

static void import_set(struct reader *reader, const uint32_t *words, size_t count)
{
   static const char glsl[] = "GLSL.std.450", non_semantic[] = "NonSemantic.";
   const size_t size = (count - 2) * 4;

   if (size >= sizeof(glsl) && memcmp(words + 2, glsl, sizeof(glsl)) == 0)
      learn_instruction(reader, words[1], SET_GLSL);
   else if (size >= sizeof(non_semantic) && memcmp(words + 2, non_semantic, sizeof(non_semantic) - 1) == 0)
      learn_instruction(reader, words[1], SET_NON_SEMANTIC);
}

static void use_set(struct reader *reader, const uint32_t *words, size_t count)
{
   if (count < 5 || !known(reader, words[3], SET_GLSL | SET_NON_SEMANTIC))
      write_anything(reader);
   else if (known(reader, words[3], SET_GLSL) && (words[4] == GLSL_MODF || words[4] == GLSL_FREXP))
      write_through(reader, words, count, 6);
}

static bool stores_through_first(unsigned opcode)
{
   return (opcode >= OP_STORE && opcode <= OP_COPY_MEMORY_SIZED) || opcode == OP_ATOMIC_STORE ||
          opcode == OP_ATOMIC_FLAG_CLEAR || opcode == OP_COOPERATIVE_MATRIX_STORE;
}

static bool exchanges(unsigned opcode)
{
   return (opcode >= OP_ATOMIC_EXCHANGE && opcode <= OP_ATOMIC_XOR) || opcode == OP_ATOMIC_FLAG_TEST_AND_SET ||
          opcode == OP_ATOMIC_F_MIN || opcode == OP_ATOMIC_F_MAX || opcode == OP_ATOMIC_F_ADD;
}

/* --- pointers --- */

/* The word that holds the pointer from which an instruction makes another one into the same variable; 0: none. */
static size_t base_word(unsigned opcode)
{
   if ((opcode >= OP_ACCESS_CHAIN && opcode <= OP_PTR_ACCESS_CHAIN) || opcode == OP_IN_BOUNDS_PTR_ACCESS_CHAIN ||
       opcode == OP_COPY_OBJECT)
      return 3;
   if ((opcode >= OP_UNTYPED_ACCESS_CHAIN && opcode <= OP_UNTYPED_IN_BOUNDS_ACCESS_CHAIN) ||
       (opcode >= OP_UNTYPED_PTR_ACCESS_CHAIN && opcode <= OP_UNTYPED_IN_BOUNDS_PTR_ACCESS_CHAIN))
      return 4;
   return 0;
}

static uint32_t find_root(const struct reader *reader, const uint32_t *words, size_t count)
{
   const unsigned opcode = words[0] & 0xffff;
   const size_t base = base_word(opcode);

   if (opcode == OP_VARIABLE || opcode == OP_UNTYPED_VARIABLE)
      return words[2];
   return base > 0 && base < count && known(reader, words[base], POINTER) ? reader->ids[words[base]].root : 0;
}

static void make_pointer(struct reader *reader, const uint32_t *words, size_t count)
{
   if (count < 3 || !known(reader, words[1], POINTER_TYPE))
      return;
   learn_instruction(reader, words[2], POINTER);
   if (words[2] >= reader->bound)
      return;
   reader->ids[words[2]].target = reader->ids[words[1]].target;
   reader->ids[words[2]].root = find_root(reader, words, count);
}

static void make_pointer_type(struct reader *reader, const uint32_t *words, size_t count)
{
   uint8_t target;

   if (count < 3 || !find_target(words[2], &target))
      return;
   learn_instruction(reader, words[1], POINTER_TYPE);
   if (words[1] < reader->bound)
      reader->ids[words[1]].target = target;
}

static void decorate(struct reader *reader, const uint32_t *words, size_t count)
{
   if (count < 4 || words[1] >= reader->bound)
      return;
   struct id *id = &reader->ids[words[1]];
   if (words[2] == DECORATION_DESCRIPTOR_SET) {
      id->facts |= HAS_SET;
      id->binding.set = words[3];
   } else if (words[2] == DECORATION_BINDING) {
      id->facts |= HAS_BINDING;
      id->binding.number = words[3];
   }
}

/* --- modules --- */

static void read_instruction(struct reader *reader, const uint32_t *words, size_t count)
{
   const unsigned opcode = words[0] & 0xffff;

   if (opcode == OP_TYPE_POINTER || opcode == OP_TYPE_UNTYPED_POINTER)
      make_pointer_type(reader, words, count);
   else if (in_ranges(pointer_makers, COUNT(pointer_makers), opcode))
      make_pointer(reader, words, count);
   else if (stores_through_first(opcode))
      write_through(reader, words, count, 1);
   else if (exchanges(opcode))
      write_through(reader, words, count, 3);
   else if (opcode == OP_IMAGE_WRITE)
      reader->stores.classes |= VPS_WRITES_IMAGE;
   else if (opcode == OP_DECORATE)
      decorate(reader, words, count);
   else if (opcode == OP_EXT_INST_IMPORT && count >= 3)
      import_set(reader, words, count);
   else if (opcode == OP_EXT_INST)
      use_set(reader, words, count);
   else if (!in_ranges(harmless, COUNT(harmless), opcode))
      write_anything(reader);
}

struct vps_stores vps_spirv_find_stores(const uint32_t *words, size_t count)
{
   struct reader reader = {.ids = NULL};

   write_anything(&reader);
   if (count < VP_SPIRV_HEADER_WORDS || words[0] != VP_SPIRV_MAGIC || words[VP_SPIRV_BOUND] > VP_SPIRV_MAX_BOUND)
      return reader.stores;
   reader.bound = words[VP_SPIRV_BOUND];
   reader.ids = calloc((size_t)reader.bound + 1, sizeof(*reader.ids));
   if (!reader.ids)
      return reader.stores;
   reader.stores.classes = 0;
   for (size_t at = VP_SPIRV_HEADER_WORDS; at < count && reader.stores.classes != VPS_WRITES_SHADERS;) {
      const size_t length = vp_spirv_length(words, count, at);
      if (length == 0) {
         write_anything(&reader);
         break;
      }
      read_instruction(&reader, words + at, length);
      at += length;
   }
   free(reader.ids);
   return reader.stores;
}
