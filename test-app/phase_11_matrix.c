/* SPDX-License-Identifier: MIT */
/* Phase 11: products of cooperative matrices, of the sizes and types that the GPU lists. All numbers are small and
 * whole, so the products are exact in each type, and the host makes them, too. */

#include "test-app/phase_11_matrix.h"

#ifndef VK_KHR_cooperative_matrix

bool modern_matrices(struct modern *m)
{
   return modern_skip(m, "this program was built with headers that do not know VK_KHR_cooperative_matrix");
}

#else

#include <stdlib.h>
#include <string.h>

#define MAX_LISTED 64
#define MAX_PRODUCTS 16

/* What the device can do with numbers. */
struct matrix_types {
   VkPhysicalDeviceFeatures core;
   bool float16, int8, storage16, storage8;
};

static const char *type_name(VkComponentTypeKHR type)
{
   static const char *const names[] = {"float16", "float32", "float64", "int8",   "int16", "int32",
                                       "int64",   "uint8",   "uint16",  "uint32", "uint64"};
   return (uint32_t)type < APP_COUNT(names) ? names[type] : "another type";
}

static bool type_is_usable(const struct matrix_types *types, VkComponentTypeKHR type)
{
   switch (matrix_bits(type)) {
   case 8:
      return types->int8 && types->storage8;
   case 16:
      return types->storage16 && (matrix_is_float(type) ? types->float16 : types->core.shaderInt16);
   case 32:
      return true;
   case 64:
      return matrix_is_float(type) ? types->core.shaderFloat64 : types->core.shaderInt64;
   default:
      return false;
   }
}

static bool product_is_usable(const struct matrix_types *types, const VkCooperativeMatrixPropertiesKHR *p)
{
   return p->scope == VK_SCOPE_SUBGROUP_KHR && !p->saturatingAccumulation && p->CType == p->ResultType &&
          type_is_usable(types, p->AType) && type_is_usable(types, p->BType) && type_is_usable(types, p->ResultType) &&
          p->MSize <= 64 && p->NSize <= 64 && p->KSize <= 64;
}

/* A whole number up to 2048 as a float of half the size. */
static uint16_t half(int32_t value)
{
   uint32_t size = (uint32_t)abs(value);
   uint32_t exponent = 25;
   if (size == 0)
      return 0;
   while (size < 1024) {
      size <<= 1;
      exponent--;
   }
   if (size == 2048) {
      size = 1024;
      exponent++;
   }
   return (uint16_t)((value < 0 ? 0x8000u : 0) | exponent << 10 | (size & 1023));
}

static void store(void *buffer, size_t index, VkComponentTypeKHR type, int32_t value)
{
   const size_t bytes = matrix_bits(type) / 8;
   const float single = (float)value;
   const double twice = value;
   const int64_t whole = value;
   const uint16_t small = half(matrix_is_float(type) ? value : 0);
   const void *from = &whole; /* its first bytes are the lowest */
   if (matrix_is_float(type))
      from = bytes == 2 ? (const void *)&small : bytes == 4 ? (const void *)&single : (const void *)&twice;
   memcpy((uint8_t *)buffer + index * bytes, from, bytes);
}

/* Numbers from -3 to 3, or from 0 to 6 where there is no sign. */
static void fill(int32_t *values, void *buffer, size_t count, VkComponentTypeKHR type, uint64_t *seed)
{
   const int32_t least = matrix_is_float(type) || matrix_is_signed(type) ? -3 : 0;
   for (size_t i = 0; i < count; i++) {
      values[i] = (int32_t)(app_random(seed) % 7) + least;
      store(buffer, i, type, values[i]);
   }
}

/* r = a * b + c, for `rows` x `inner` and `inner` x `columns`. */
static void multiply(const int32_t *a, const int32_t *b, int32_t *r, uint32_t rows, uint32_t inner, uint32_t columns)
{
   for (uint32_t y = 0; y < rows; y++) {
      for (uint32_t k = 0; k < inner; k++) {
         for (uint32_t x = 0; x < columns; x++)
            r[y * columns + x] += a[y * inner + k] * b[k * columns + x];
      }
   }
}

/* The picture, in which the products are side by side. */
struct fields {
   uint8_t *rgba;
   uint32_t columns; /* and rows of fields */
   uint32_t next;
};

/* The product fills the next field: what is positive is warm, what is negative cold. */
static void show_product(struct fields *fields, const int32_t *r, uint32_t rows, uint32_t columns)
{
   const uint32_t width = MODERN_WIDTH / fields->columns;
   const uint32_t height = MODERN_HEIGHT / fields->columns;
   const uint32_t left = fields->next % fields->columns * width;
   const uint32_t top = fields->next / fields->columns * height;
   uint32_t most = 1;
   for (uint32_t i = 0; i < rows * columns; i++)
      most = (uint32_t)abs(r[i]) > most ? (uint32_t)abs(r[i]) : most;
   for (uint32_t y = 0; y < height - 2; y++) {
      for (uint32_t x = 0; x < width - 2; x++) {
         const int32_t value = r[y * rows / (height - 2) * columns + x * columns / (width - 2)];
         const uint32_t size = (uint32_t)abs(value) * 220 / most;
         uint8_t *p = fields->rgba + ((size_t)(top + y) * MODERN_WIDTH + left + x) * 4;
         p[0] = (uint8_t)(value > 0 ? 35 + size : 35);
         p[1] = (uint8_t)(35 + size / 2);
         p[2] = (uint8_t)(value < 0 ? 35 + size : 35);
      }
   }
}

struct product {
   struct app_compute compute;
   struct app_buffer buffers[4]; /* A, B, C, R */
   int32_t *values;
};

static bool product_create(struct modern *m, struct product *product, const VkCooperativeMatrixPropertiesKHR *p,
                           const size_t counts[4], const VkComponentTypeKHR types[4], uint32_t lanes)
{
   const struct app_buffer *buffers[4];
   struct matrix_shader shader;
   for (uint32_t i = 0; i < 4; i++) {
      buffers[i] = &product->buffers[i];
      if (!app_buffer_create(&m->ctx, &product->buffers[i], counts[i] * matrix_bits(types[i]) / 8,
                             VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, i == 3 ? APP_MEMORY_READBACK : APP_MEMORY_UPLOAD))
         return false;
   }
   if (!CHECK(m->test, matrix_shader_write(&shader, p, lanes)))
      return false;
   const struct app_shader code = {shader.words, shader.count * sizeof(uint32_t)};
   if (!app_compute_create(&m->ctx, &product->compute, &code, 4, 0))
      return false;
   app_compute_buffers(&m->ctx, &product->compute, buffers, 4);
   return true;
}

static void product_run(struct modern *m, struct product *product, const size_t counts[4],
                        const VkComponentTypeKHR types[4], const uint32_t sizes[3], struct fields *fields)
{
   int32_t *values[4] = {product->values};
   uint8_t *expected = calloc(counts[3], 8);
   uint64_t seed = 1 + fields->next;
   VkCommandBuffer commands = expected ? app_commands_begin(&m->ctx) : VK_NULL_HANDLE;
   CHECK(m->test, expected != NULL);
   if (commands) {
      for (uint32_t i = 0; i < 3; i++) {
         values[i + 1] = values[i] + counts[i];
         fill(values[i], product->buffers[i].map, counts[i], types[i], &seed);
      }
      multiply(values[0], values[1], values[2], sizes[0], sizes[2], sizes[1]);
      for (size_t i = 0; i < counts[3]; i++)
         store(expected, i, types[3], values[2][i]);
      app_cmd_compute(commands, &product->compute, NULL, 0, MATRIX_TILES, MATRIX_TILES);
      app_cmd_barrier(commands);
      if (app_commands_run(&m->ctx, commands) &&
          CHECK_BYTES(m->test, expected, product->buffers[3].map, counts[3] * matrix_bits(types[3]) / 8))
         show_product(fields, values[2], sizes[0], sizes[1]);
   }
   free(expected);
}

static void check_product(struct modern *m, const VkCooperativeMatrixPropertiesKHR *p, uint32_t lanes,
                          struct fields *fields)
{
   const uint32_t sizes[3] = {p->MSize * MATRIX_TILES, p->NSize * MATRIX_TILES, p->KSize * MATRIX_TILES};
   const VkComponentTypeKHR types[4] = {p->AType, p->BType, p->ResultType, p->ResultType};
   const size_t counts[4] = {(size_t)sizes[0] * sizes[2], (size_t)sizes[2] * sizes[1], (size_t)sizes[0] * sizes[1],
                             (size_t)sizes[0] * sizes[1]};
   struct product product = {.values = calloc(counts[0] + counts[1] + counts[2], sizeof(int32_t))};
   if (CHECK(m->test, product.values != NULL) && product_create(m, &product, p, counts, types, lanes))
      product_run(m, &product, counts, types, sizes, fields);
   fields->next++;
   app_note(m->test, "%s: %u x %u x %u, %s times %s to %s", m->part, p->MSize, p->NSize, p->KSize, type_name(p->AType),
            type_name(p->BType), type_name(p->ResultType));
   app_compute_destroy(&m->ctx, &product.compute);
   for (uint32_t i = 0; i < 4; i++)
      app_buffer_destroy(&m->ctx, &product.buffers[i]);
   free(product.values);
}

/* What the GPU lists and is tried here, up to MAX_PRODUCTS; the number of it. */
static uint32_t list_products(struct modern *m, const struct matrix_types *types,
                              VkCooperativeMatrixPropertiesKHR *products)
{
   VkCooperativeMatrixPropertiesKHR listed[MAX_LISTED];
   uint32_t count = MAX_LISTED;
   uint32_t usable = 0;
   PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR get =
      (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)vkGetInstanceProcAddr(
         m->ctx.instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
   if (!CHECK(m->test, get != NULL))
      return 0;
   for (uint32_t i = 0; i < MAX_LISTED; i++)
      listed[i] = (VkCooperativeMatrixPropertiesKHR){.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR};
   if (!CHECK(m->test, get(m->ctx.physical, &count, listed) >= 0))
      return 0;
   for (uint32_t i = 0; i < count && usable < MAX_PRODUCTS; i++) {
      if (product_is_usable(types, &listed[i]))
         products[usable++] = listed[i];
   }
   if (usable == 0)
      modern_skip(m, "none of %u kinds of product that the GPU lists is known here", count);
   return usable;
}

static void check_products(struct modern *m, const VkCooperativeMatrixPropertiesKHR *products, uint32_t count)
{
   VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
   VkPhysicalDeviceProperties2 properties = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &subgroup, {0}};
   struct fields fields = {.rgba = malloc((size_t)MODERN_PIXELS * 4), .columns = 1};
   if (!CHECK(m->test, fields.rgba != NULL))
      return;
   vkGetPhysicalDeviceProperties2(m->ctx.physical, &properties);
   while (fields.columns * fields.columns < count)
      fields.columns++;
   for (uint32_t i = 0; i < MODERN_PIXELS; i++)
      memcpy(fields.rgba + (size_t)i * 4, (const uint8_t[4]){24, 24, 24, 255}, 4);
   for (uint32_t i = 0; i < count; i++)
      check_product(m, &products[i], subgroup.subgroupSize, &fields);
   modern_picture(m, "matrices", fields.rgba);
   free(fields.rgba);
}

bool modern_matrices(struct modern *m)
{
   static const char *const extensions[] = {VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME};
   VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
   };
   VkPhysicalDeviceVulkan12Features v12 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
      .pNext = &matrix,
   };
   VkPhysicalDeviceVulkan11Features v11 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
      .pNext = &v12,
   };
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &v11};
   VkCooperativeMatrixPropertiesKHR products[MAX_PRODUCTS];
   if (!modern_has_extensions(m, extensions, APP_COUNT(extensions)))
      return false;
   vkGetPhysicalDeviceFeatures2(m->ctx.physical, &features);
   if (!modern_has_feature(m, "cooperativeMatrix", matrix.cooperativeMatrix) ||
       !modern_has_feature(m, "vulkanMemoryModel", v12.vulkanMemoryModel))
      return false;
   const struct matrix_types types = {features.features, v12.shaderFloat16, v12.shaderInt8,
                                      v11.storageBuffer16BitAccess, v12.storageBuffer8BitAccess};
   const uint32_t count = list_products(m, &types, products);
   if (count == 0)
      return false;
   matrix = (VkPhysicalDeviceCooperativeMatrixFeaturesKHR){.sType = matrix.sType, .cooperativeMatrix = VK_TRUE};
   v12 = (VkPhysicalDeviceVulkan12Features){
      .sType = v12.sType,
      .pNext = &matrix,
      .shaderFloat16 = types.float16,
      .shaderInt8 = types.int8,
      .storageBuffer8BitAccess = types.storage8,
      .vulkanMemoryModel = VK_TRUE,
   };
   v11 = (VkPhysicalDeviceVulkan11Features){
      .sType = v11.sType,
      .pNext = &v12,
      .storageBuffer16BitAccess = types.storage16,
   };
   features.features = (VkPhysicalDeviceFeatures){
      .shaderInt16 = types.core.shaderInt16,
      .shaderInt64 = types.core.shaderInt64,
      .shaderFloat64 = types.core.shaderFloat64,
   };
   if (app_context_create_device(&m->ctx, &features, extensions, APP_COUNT(extensions)))
      check_products(m, products, count);
   return true;
}

#endif
