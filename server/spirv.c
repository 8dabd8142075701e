/* SPDX-License-Identifier: MIT */
#include "server/spirv.h"

#include <stdlib.h>
#include <string.h>

/* Numbers of the SPIR-V specification. The headers that name them are not everywhere and not everywhere new enough. */
#define MAGIC 0x07230203u
#define HEADER_WORDS 5u
#define MAX_BOUND (1u << 22) /* the limit of the specification */

enum {
   OP_EXT_INST_IMPORT = 11,
   OP_EXT_INST = 12,
   OP_TYPE_POINTER = 32,
   OP_STORE = 62,
   OP_COPY_MEMORY = 63,
   OP_COPY_MEMORY_SIZED = 64,
   OP_ATOMIC_STORE = 228,
   OP_ATOMIC_EXCHANGE = 229,
   OP_ATOMIC_XOR = 242,
   OP_ATOMIC_FLAG_TEST_AND_SET = 318,
   OP_ATOMIC_FLAG_CLEAR = 319,
   OP_TYPE_UNTYPED_POINTER = 4417,
   OP_COOPERATIVE_MATRIX_STORE = 4458,
   OP_ATOMIC_F_MIN = 5614,
   OP_ATOMIC_F_MAX = 5615,
   OP_ATOMIC_F_ADD = 6035,
};

/* Of GLSL.std.450: these store a part of their result through a pointer, their second operand. */
enum { GLSL_MODF = 35, GLSL_FREXP = 51 };

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
#define OWN_POINTER_TYPE 1u /* a type of pointers to an own storage class */
#define OWN_POINTER 2u      /* such a pointer */
#define SET_GLSL 4u         /* an instruction set */
#define SET_NON_SEMANTIC 8u

struct reader {
   uint8_t *ids;
   uint32_t bound;
   bool may_write; /* stays set */
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

static void learn(struct reader *reader, uint32_t id, uint8_t fact)
{
   if (id < reader->bound)
      reader->ids[id] |= fact;
   else
      reader->may_write = true;
}

static bool known(const struct reader *reader, uint32_t id, uint8_t fact)
{
   return id < reader->bound && (reader->ids[id] & fact);
}

/* An instruction of `count` words writes through the pointer in one of them. */
static void write_through(struct reader *reader, const uint32_t *words, size_t count, size_t index)
{
   if (index >= count || !known(reader, words[index], OWN_POINTER))
      reader->may_write = true;
}

static void import_set(struct reader *reader, const uint32_t *words, size_t count)
{
   static const char glsl[] = "GLSL.std.450", non_semantic[] = "NonSemantic.";
   const size_t size = (count - 2) * 4;

   if (size >= sizeof(glsl) && memcmp(words + 2, glsl, sizeof(glsl)) == 0)
      learn(reader, words[1], SET_GLSL);
   else if (size >= sizeof(non_semantic) && memcmp(words + 2, non_semantic, sizeof(non_semantic) - 1) == 0)
      learn(reader, words[1], SET_NON_SEMANTIC);
}

static void use_set(struct reader *reader, const uint32_t *words, size_t count)
{
   if (count < 5 || !known(reader, words[3], SET_GLSL | SET_NON_SEMANTIC))
      reader->may_write = true;
   else if (known(reader, words[3], SET_GLSL) && (words[4] == GLSL_MODF || words[4] == GLSL_FREXP))
      write_through(reader, words, count, 6);
}

static bool stores(unsigned opcode)
{
   return (opcode >= OP_STORE && opcode <= OP_COPY_MEMORY_SIZED) || opcode == OP_ATOMIC_STORE ||
          opcode == OP_ATOMIC_FLAG_CLEAR || opcode == OP_COOPERATIVE_MATRIX_STORE;
}

static bool exchanges(unsigned opcode)
{
   return (opcode >= OP_ATOMIC_EXCHANGE && opcode <= OP_ATOMIC_XOR) || opcode == OP_ATOMIC_FLAG_TEST_AND_SET ||
          opcode == OP_ATOMIC_F_MIN || opcode == OP_ATOMIC_F_MAX || opcode == OP_ATOMIC_F_ADD;
}

static void read_instruction(struct reader *reader, const uint32_t *words, size_t count)
{
   const unsigned opcode = words[0] & 0xffff;

   if (opcode == OP_TYPE_POINTER || opcode == OP_TYPE_UNTYPED_POINTER) {
      if (count >= 3 && is_own_class(words[2]))
         learn(reader, words[1], OWN_POINTER_TYPE);
   } else if (in_ranges(pointer_makers, COUNT(pointer_makers), opcode)) {
      if (count >= 3 && known(reader, words[1], OWN_POINTER_TYPE))
         learn(reader, words[2], OWN_POINTER);
   } else if (stores(opcode)) {
      write_through(reader, words, count, 1);
   } else if (exchanges(opcode)) {
      write_through(reader, words, count, 3);
   } else if (opcode == OP_EXT_INST_IMPORT && count >= 3) {
      import_set(reader, words, count);
   } else if (opcode == OP_EXT_INST) {
      use_set(reader, words, count);
   } else if (!in_ranges(harmless, COUNT(harmless), opcode)) {
      reader->may_write = true;
   }
}

bool vps_spirv_may_write(const uint32_t *words, size_t count)
{
   if (count < HEADER_WORDS || words[0] != MAGIC || words[3] > MAX_BOUND)
      return true;
   struct reader reader = {.ids = calloc((size_t)words[3] + 1, 1), .bound = words[3]};
   if (!reader.ids)
      return true;
   for (size_t at = HEADER_WORDS; at < count && !reader.may_write;) {
      const size_t length = words[at] >> 16;
      if (length == 0 || length > count - at) {
         reader.may_write = true;
         break;
      }
      read_instruction(&reader, words + at, length);
      at += length;
   }
   free(reader.ids);
   return reader.may_write;
}
