/* SPDX-License-Identifier: MIT */
/* Phase 11: SPIR-V for a product of cooperative matrices. It is written here, word by word, because the types in it are
 * those that the GPU lists, and because older compilers do not know the extension. */

#include "test-app/phase_11_matrix.h"

#ifdef VK_KHR_cooperative_matrix

#include <string.h>

/* Numbers of the SPIR-V specification. */
enum {
   OP_EXTENSION = 10,
   OP_MEMORY_MODEL = 14,
   OP_ENTRY_POINT = 15,
   OP_EXECUTION_MODE = 16,
   OP_CAPABILITY = 17,
   OP_TYPE_VOID = 19,
   OP_TYPE_INT = 21,
   OP_TYPE_FLOAT = 22,
   OP_TYPE_VECTOR = 23,
   OP_TYPE_RUNTIME_ARRAY = 29,
   OP_TYPE_STRUCT = 30,
   OP_TYPE_POINTER = 32,
   OP_TYPE_FUNCTION = 33,
   OP_CONSTANT = 43,
   OP_FUNCTION = 54,
   OP_FUNCTION_END = 56,
   OP_VARIABLE = 59,
   OP_LOAD = 61,
   OP_ACCESS_CHAIN = 65,
   OP_DECORATE = 71,
   OP_MEMBER_DECORATE = 72,
   OP_COMPOSITE_EXTRACT = 81,
   OP_I_ADD = 128,
   OP_I_MUL = 132,
   OP_LABEL = 248,
   OP_RETURN = 253,
   OP_TYPE_COOPERATIVE_MATRIX = 4456,
   OP_COOPERATIVE_MATRIX_LOAD = 4457,
   OP_COOPERATIVE_MATRIX_STORE = 4458,
   OP_COOPERATIVE_MATRIX_MUL_ADD = 4459,

   CAPABILITY_SHADER = 1,
   CAPABILITY_FLOAT16 = 9,
   CAPABILITY_FLOAT64 = 10,
   CAPABILITY_INT64 = 11,
   CAPABILITY_INT16 = 22,
   CAPABILITY_INT8 = 39,
   CAPABILITY_STORAGE_16_BIT = 4433,
   CAPABILITY_STORAGE_8_BIT = 4448,
   CAPABILITY_VULKAN_MEMORY_MODEL = 5345,
   CAPABILITY_COOPERATIVE_MATRIX = 6022,

   STORAGE_INPUT = 1,
   STORAGE_BUFFER = 12,
   DECORATION_BLOCK = 2,
   DECORATION_ARRAY_STRIDE = 6,
   DECORATION_BUILT_IN = 11,
   DECORATION_BINDING = 33,
   DECORATION_DESCRIPTOR_SET = 34,
   DECORATION_OFFSET = 35,
   BUILT_IN_WORKGROUP_ID = 26,
   SCOPE_SUBGROUP = 3,
};

/* Ids. A scalar's type and the pointer to it have that of the base and the Vulkan type; a value has its own. */
enum {
   ID_MAIN = 1,
   ID_VOID,
   ID_FUNCTION,
   ID_UINT3,
   ID_UINT3_POINTER,
   ID_GROUP_VARIABLE,
   ID_LABEL,
   ID_GROUP,
   ID_GROUP_X,
   ID_GROUP_Y,
   ID_SCALARS = 16,
   ID_POINTERS = 32,
   ID_ARRAYS = 48,  /* of A, B, C, R */
   ID_STRUCTS = 52, /* the same */
   ID_STRUCT_POINTERS = 56,
   ID_VARIABLES = 60,
   ID_MATRICES = 64, /* the types of A, B and R */
   ID_NEXT = 68,
   SCALARS = 16,
};

/* In the order of the bindings. */
enum { A, B, C, R, MATRICES };

struct writer {
   struct matrix_shader *shader;
   const VkCooperativeMatrixPropertiesKHR *p;
   uint32_t types[MATRICES];
   uint32_t next;
   uint32_t constants[64]; /* the values of ids from `first_constant` on */
   uint32_t first_constant;
   uint32_t constant_count;
   bool full;
};

static void op_words(struct writer *w, uint32_t opcode, const uint32_t *operands, uint32_t count)
{
   struct matrix_shader *s = w->shader;
   if (w->full || MATRIX_MAX_WORDS - s->count < count + 1) {
      w->full = true;
      return;
   }
   s->words[s->count++] = (count + 1) << 16 | opcode;
   if (count > 0)
      memcpy(s->words + s->count, operands, count * sizeof(*operands));
   s->count += count;
}

#define OP(w, opcode, ...) \
   op_words((w), (opcode), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

uint32_t matrix_bits(VkComponentTypeKHR type)
{
   switch (type) {
   case VK_COMPONENT_TYPE_SINT8_KHR:
   case VK_COMPONENT_TYPE_UINT8_KHR:
      return 8;
   case VK_COMPONENT_TYPE_FLOAT16_KHR:
   case VK_COMPONENT_TYPE_SINT16_KHR:
   case VK_COMPONENT_TYPE_UINT16_KHR:
      return 16;
   case VK_COMPONENT_TYPE_FLOAT32_KHR:
   case VK_COMPONENT_TYPE_SINT32_KHR:
   case VK_COMPONENT_TYPE_UINT32_KHR:
      return 32;
   case VK_COMPONENT_TYPE_FLOAT64_KHR:
   case VK_COMPONENT_TYPE_SINT64_KHR:
   case VK_COMPONENT_TYPE_UINT64_KHR:
      return 64;
   default:
      return 0;
   }
}

bool matrix_is_float(VkComponentTypeKHR type)
{
   return type == VK_COMPONENT_TYPE_FLOAT16_KHR || type == VK_COMPONENT_TYPE_FLOAT32_KHR ||
          type == VK_COMPONENT_TYPE_FLOAT64_KHR;
}

bool matrix_is_signed(VkComponentTypeKHR type)
{
   return type == VK_COMPONENT_TYPE_SINT8_KHR || type == VK_COMPONENT_TYPE_SINT16_KHR ||
          type == VK_COMPONENT_TYPE_SINT32_KHR || type == VK_COMPONENT_TYPE_SINT64_KHR;
}

/* The id of a constant, which is declared once. All have been asked for before the types are written. */
static uint32_t constant(struct writer *w, uint32_t value)
{
   for (uint32_t i = 0; i < w->constant_count; i++) {
      if (w->constants[i] == value)
         return w->first_constant + i;
   }
   w->full |= w->constant_count == APP_COUNT(w->constants);
   if (w->full)
      return 0;
   w->constants[w->constant_count] = value;
   return w->first_constant + w->constant_count++;
}

static uint32_t capability_of(VkComponentTypeKHR type)
{
   const uint32_t bits = matrix_bits(type);
   if (matrix_is_float(type))
      return bits == 16 ? CAPABILITY_FLOAT16 : bits == 64 ? CAPABILITY_FLOAT64 : 0;
   return bits == 8 ? CAPABILITY_INT8 : bits == 16 ? CAPABILITY_INT16 : bits == 64 ? CAPABILITY_INT64 : 0;
}

static void write_head(struct writer *w, uint32_t lanes)
{
   static const char name[28] = "SPV_KHR_cooperative_matrix";
   uint32_t extension[sizeof(name) / 4] = {0};
   uint32_t seen = 0;
   for (uint32_t i = 0; i < sizeof(name); i++)
      extension[i / 4] |= (uint32_t)(uint8_t)name[i] << (i % 4 * 8);
   OP(w, OP_CAPABILITY, CAPABILITY_SHADER);
   OP(w, OP_CAPABILITY, CAPABILITY_VULKAN_MEMORY_MODEL);
   OP(w, OP_CAPABILITY, CAPABILITY_COOPERATIVE_MATRIX);
   for (uint32_t i = 0; i < MATRICES; i++) {
      const VkComponentTypeKHR type = (VkComponentTypeKHR)w->types[i];
      if (!(seen >> type & 1) && capability_of(type))
         OP(w, OP_CAPABILITY, capability_of(type));
      seen |= 1u << type;
      const uint32_t bits = matrix_bits(type);
      if (bits < 32)
         OP(w, OP_CAPABILITY, bits == 8 ? CAPABILITY_STORAGE_8_BIT : CAPABILITY_STORAGE_16_BIT);
   }
   op_words(w, OP_EXTENSION, extension, APP_COUNT(extension));
   OP(w, OP_MEMORY_MODEL, 0, 3);                    /* logical, Vulkan */
   OP(w, OP_ENTRY_POINT, 5, ID_MAIN, 0x6e69616d, 0, /* a compute shader, "main" */
      ID_GROUP_VARIABLE, ID_VARIABLES + A, ID_VARIABLES + B, ID_VARIABLES + C, ID_VARIABLES + R);
   OP(w, OP_EXECUTION_MODE, ID_MAIN, 17, lanes, 1, 1); /* LocalSize */
   OP(w, OP_DECORATE, ID_GROUP_VARIABLE, DECORATION_BUILT_IN, BUILT_IN_WORKGROUP_ID);
   for (uint32_t i = 0; i < MATRICES; i++) {
      OP(w, OP_DECORATE, ID_ARRAYS + i, DECORATION_ARRAY_STRIDE, matrix_bits((VkComponentTypeKHR)w->types[i]) / 8);
      OP(w, OP_DECORATE, ID_STRUCTS + i, DECORATION_BLOCK);
      OP(w, OP_MEMBER_DECORATE, ID_STRUCTS + i, 0, DECORATION_OFFSET, 0);
      OP(w, OP_DECORATE, ID_VARIABLES + i, DECORATION_DESCRIPTOR_SET, 0);
      OP(w, OP_DECORATE, ID_VARIABLES + i, DECORATION_BINDING, i);
   }
}

static void write_scalar(struct writer *w, VkComponentTypeKHR type)
{
   if (matrix_is_float(type))
      OP(w, OP_TYPE_FLOAT, ID_SCALARS + type, matrix_bits(type));
   else
      OP(w, OP_TYPE_INT, ID_SCALARS + type, matrix_bits(type), matrix_is_signed(type));
}

static void write_types(struct writer *w)
{
   const VkCooperativeMatrixPropertiesKHR *p = w->p;
   const uint32_t sizes[3][2] = {{p->MSize, p->KSize}, {p->KSize, p->NSize}, {p->MSize, p->NSize}};
   uint32_t seen = 1u << VK_COMPONENT_TYPE_UINT32_KHR;
   OP(w, OP_TYPE_VOID, ID_VOID);
   OP(w, OP_TYPE_FUNCTION, ID_FUNCTION, ID_VOID);
   write_scalar(w, VK_COMPONENT_TYPE_UINT32_KHR);
   OP(w, OP_TYPE_VECTOR, ID_UINT3, ID_SCALARS + VK_COMPONENT_TYPE_UINT32_KHR, 3);
   OP(w, OP_TYPE_POINTER, ID_UINT3_POINTER, STORAGE_INPUT, ID_UINT3);
   OP(w, OP_VARIABLE, ID_UINT3_POINTER, ID_GROUP_VARIABLE, STORAGE_INPUT);
   for (uint32_t i = 0; i < w->constant_count; i++)
      OP(w, OP_CONSTANT, ID_SCALARS + VK_COMPONENT_TYPE_UINT32_KHR, w->first_constant + i, w->constants[i]);
   for (uint32_t i = 0; i < MATRICES; i++) {
      if (!(seen >> w->types[i] & 1))
         write_scalar(w, (VkComponentTypeKHR)w->types[i]);
      seen |= 1u << w->types[i];
   }
   seen = 0;
   for (uint32_t i = 0; i < MATRICES; i++) {
      const uint32_t scalar = ID_SCALARS + w->types[i];
      if (!(seen >> w->types[i] & 1))
         OP(w, OP_TYPE_POINTER, ID_POINTERS + w->types[i], STORAGE_BUFFER, scalar);
      seen |= 1u << w->types[i];
      OP(w, OP_TYPE_RUNTIME_ARRAY, ID_ARRAYS + i, scalar);
      OP(w, OP_TYPE_STRUCT, ID_STRUCTS + i, ID_ARRAYS + i);
      OP(w, OP_TYPE_POINTER, ID_STRUCT_POINTERS + i, STORAGE_BUFFER, ID_STRUCTS + i);
      OP(w, OP_VARIABLE, ID_STRUCT_POINTERS + i, ID_VARIABLES + i, STORAGE_BUFFER);
   }
   /* The uses are A, B, and what is added to. */
   for (uint32_t use = 0; use < 3; use++)
      OP(w, OP_TYPE_COOPERATIVE_MATRIX, ID_MATRICES + use, ID_SCALARS + w->types[use == 2 ? R : use],
         constant(w, SCOPE_SUBGROUP), constant(w, sizes[use][0]), constant(w, sizes[use][1]), constant(w, use));
}

/* The id of a pointer to where a tile begins: at row * row_step + column * column_step. */
static uint32_t tile_pointer(struct writer *w, uint32_t matrix, uint32_t row, uint32_t row_step, uint32_t column,
                             uint32_t column_step)
{
   const uint32_t number = ID_SCALARS + VK_COMPONENT_TYPE_UINT32_KHR;
   const uint32_t id = w->next;
   w->next += 4;
   OP(w, OP_I_MUL, number, id, row, constant(w, row_step));
   OP(w, OP_I_MUL, number, id + 1, column, constant(w, column_step));
   OP(w, OP_I_ADD, number, id + 2, id, id + 1);
   OP(w, OP_ACCESS_CHAIN, ID_POINTERS + w->types[matrix], id + 3, ID_VARIABLES + matrix, constant(w, 0), id + 2);
   return id + 3;
}

static uint32_t load_tile(struct writer *w, uint32_t matrix_type, uint32_t pointer, uint32_t stride)
{
   const uint32_t id = w->next++;
   OP(w, OP_COOPERATIVE_MATRIX_LOAD, ID_MATRICES + matrix_type, id, pointer, constant(w, 0), constant(w, stride));
   return id;
}

static void write_main(struct writer *w)
{
   const uint32_t number = ID_SCALARS + VK_COMPONENT_TYPE_UINT32_KHR;
   const uint32_t m = w->p->MSize;
   const uint32_t n = w->p->NSize;
   const uint32_t k = w->p->KSize;
   uint32_t operands = 0;
   for (uint32_t i = 0; i < MATRICES; i++)
      operands |= (uint32_t)matrix_is_signed((VkComponentTypeKHR)w->types[i]) << i;
   OP(w, OP_FUNCTION, ID_VOID, ID_MAIN, 0, ID_FUNCTION);
   OP(w, OP_LABEL, ID_LABEL);
   OP(w, OP_LOAD, ID_UINT3, ID_GROUP, ID_GROUP_VARIABLE);
   OP(w, OP_COMPOSITE_EXTRACT, number, ID_GROUP_X, ID_GROUP, 0);
   OP(w, OP_COMPOSITE_EXTRACT, number, ID_GROUP_Y, ID_GROUP, 1);
   uint32_t at = tile_pointer(w, C, ID_GROUP_Y, m * MATRIX_TILES * n, ID_GROUP_X, n);
   uint32_t sum = load_tile(w, 2, at, MATRIX_TILES * n);
   for (uint32_t i = 0; i < MATRIX_TILES; i++) {
      at = tile_pointer(w, A, ID_GROUP_Y, m * MATRIX_TILES * k, constant(w, i), k);
      uint32_t a = load_tile(w, 0, at, MATRIX_TILES * k);
      at = tile_pointer(w, B, constant(w, i), k * MATRIX_TILES * n, ID_GROUP_X, n);
      uint32_t b = load_tile(w, 1, at, MATRIX_TILES * n);
      uint32_t id = w->next++;
      OP(w, OP_COOPERATIVE_MATRIX_MUL_ADD, ID_MATRICES + 2, id, a, b, sum, operands);
      sum = id;
   }
   at = tile_pointer(w, R, ID_GROUP_Y, m * MATRIX_TILES * n, ID_GROUP_X, n);
   OP(w, OP_COOPERATIVE_MATRIX_STORE, at, sum, constant(w, 0), constant(w, MATRIX_TILES * n));
   op_words(w, OP_RETURN, NULL, 0);
   op_words(w, OP_FUNCTION_END, NULL, 0);
}

bool matrix_shader_write(struct matrix_shader *shader, const VkCooperativeMatrixPropertiesKHR *p, uint32_t lanes)
{
   struct writer w = {
      .shader = shader,
      .p = p,
      .types = {p->AType, p->BType, p->ResultType, p->ResultType},
   };
   for (uint32_t i = 0; i < MATRICES; i++) {
      if (w.types[i] >= SCALARS || matrix_bits((VkComponentTypeKHR)w.types[i]) == 0)
         return false;
   }
   /* The first time to learn the constants, which stand before what uses them. */
   for (uint32_t round = 0; round < 2; round++) {
      w.first_constant = ID_NEXT;
      w.next = ID_NEXT + APP_COUNT(w.constants);
      shader->count = 0;
      memcpy(shader->words, (const uint32_t[]){0x07230203, 0x00010500, 0, w.next + 64, 0}, 20);
      shader->count = 5;
      write_head(&w, lanes);
      write_types(&w);
      write_main(&w);
   }
   return !w.full;
}

#endif
