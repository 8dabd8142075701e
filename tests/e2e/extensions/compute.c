/* SPDX-License-Identifier: MIT */
/* Cooperative matrices and vectors: what the GPU has of them, and matrices that are brought into another layout and
 * back, by the host's call and by the GPU. */
#include "tests/e2e/extensions/part.h"

#ifdef VK_NV_cooperative_matrix2

static void run_matrix2(struct gpu *gpu)
{
   GET_INSTANCE(gpu, GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV);
   static VkCooperativeMatrixFlexibleDimensionsPropertiesNV rows[256];
   uint32_t count = 0, all;
   OK(GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(gpu->physical, &count, NULL));
   all = count;
   NEED(count && count <= 256);
   for (uint32_t i = 0; i < count; i++)
      rows[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV;
   OK(GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(gpu->physical, &count, rows));
   NEED(count == all);
   for (uint32_t i = 0; i < count; i++)
      printf("  %ux%ux%u types %d %d %d %d, %s, scope %d, %u invocations\n", rows[i].MGranularity, rows[i].NGranularity,
             rows[i].KGranularity, rows[i].AType, rows[i].BType, rows[i].CType, rows[i].ResultType,
             rows[i].saturatingAccumulation ? "saturates" : "wraps", rows[i].scope, rows[i].workgroupInvocations);
   count = 1;
   NEED(GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(gpu->physical, &count, rows) ==
        (all > 1 ? VK_INCOMPLETE : VK_SUCCESS));
}

static VkPhysicalDeviceCooperativeMatrix2FeaturesNV matrix2_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV};
static const char *const matrix2_extensions[] = {VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME,
                                                 VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME, NULL};
#define PART_MATRIX2 {"cooperative_matrix2", matrix2_extensions, run_matrix2, &matrix2_features, VK_QUEUE_COMPUTE_BIT},

#else
#define PART_MATRIX2
#endif

#ifdef VK_NV_cooperative_vector

#define ROWS 32
#define COLUMNS 16
#define MATRIX_BYTES (ROWS * COLUMNS * 2)

static void list_vectors(struct gpu *gpu)
{
   GET_INSTANCE(gpu, GetPhysicalDeviceCooperativeVectorPropertiesNV);
   static VkCooperativeVectorPropertiesNV rows[256];
   uint32_t count = 256;
   if (part_is_played()) /* the loader passes what it does not know on to drivers, not to layers */
      return;
   for (uint32_t i = 0; i < count; i++)
      rows[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_VECTOR_PROPERTIES_NV;
   OK(GetPhysicalDeviceCooperativeVectorPropertiesNV(gpu->physical, &count, rows));
   for (uint32_t i = 0; i < count; i++)
      printf("  types %d %d %d %d %d%s\n", rows[i].inputType, rows[i].inputInterpretation, rows[i].matrixInterpretation,
             rows[i].biasInterpretation, rows[i].resultType, rows[i].transpose ? ", transposed" : "");
}

static VkConvertCooperativeVectorMatrixInfoNV conversion(VkCooperativeVectorMatrixLayoutNV from,
                                                         VkCooperativeVectorMatrixLayoutNV to, size_t *size)
{
   const VkConvertCooperativeVectorMatrixInfoNV info = {
      .sType = VK_STRUCTURE_TYPE_CONVERT_COOPERATIVE_VECTOR_MATRIX_INFO_NV,
      .pDstSize = size,
      .srcComponentType = VK_COMPONENT_TYPE_FLOAT16_KHR,
      .dstComponentType = VK_COMPONENT_TYPE_FLOAT16_KHR,
      .numRows = ROWS,
      .numColumns = COLUMNS,
      .srcLayout = from,
      .srcStride = from == VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV ? COLUMNS * 2 : 0,
      .dstLayout = to,
      .dstStride = to == VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV ? COLUMNS * 2 : 0,
   };
   return info;
}

static void fill_matrix(uint16_t *matrix)
{
   for (unsigned i = 0; i < ROWS * COLUMNS; i++)
      matrix[i] = (uint16_t)(0x3c00 + i); /* halves between 1 and 2 */
}

/* Row by row, to the layout that the GPU likes, and back. Returns how many bytes that layout takes. */
static size_t convert_by_host(struct gpu *gpu, uint8_t *optimal, size_t room)
{
   GET(gpu, ConvertCooperativeVectorMatrixNV);
   uint16_t given[ROWS * COLUMNS], back[ROWS * COLUMNS] = {0};
   size_t size = 0, back_size = sizeof(back);
   VkConvertCooperativeVectorMatrixInfoNV info =
      conversion(VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV,
                 VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_INFERENCING_OPTIMAL_NV, &size);
   fill_matrix(given);
   info.srcSize = sizeof(given);
   info.srcData.hostAddress = given;
   OK(ConvertCooperativeVectorMatrixNV(gpu->device, &info));
   NEED(size && size <= room);
   info.dstData.hostAddress = optimal;
   OK(ConvertCooperativeVectorMatrixNV(gpu->device, &info));
   info = conversion(VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_INFERENCING_OPTIMAL_NV,
                     VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV, &back_size);
   info.srcSize = size;
   info.srcData.hostAddress = optimal;
   info.dstData.hostAddress = back;
   OK(ConvertCooperativeVectorMatrixNV(gpu->device, &info));
   NEED(memcmp(given, back, sizeof(back)) == 0);
   printf("  a matrix of %u bytes takes %zu, hash %08x, and comes back\n", MATRIX_BYTES, size,
          part_hash(optimal, size));
   return size;
}

/* The same by the GPU must have the same bytes. */
static void convert_by_gpu(struct gpu *gpu, const uint8_t *optimal, size_t size)
{
   GET(gpu, CmdConvertCooperativeVectorMatrixNV);
   const VkBufferUsageFlags usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
   const struct gpu_buffer from = gpu_map_addressed(gpu, MATRIX_BYTES, usage, NULL);
   const struct gpu_buffer to = gpu_map_addressed(gpu, size, usage, NULL);
   VkCommandPool pool;
   VkCommandBuffer commands = gpu_create_commands(gpu, &pool);
   VkConvertCooperativeVectorMatrixInfoNV info =
      conversion(VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV,
                 VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_INFERENCING_OPTIMAL_NV, &size);
   fill_matrix(from.data);
   info.srcSize = MATRIX_BYTES;
   info.srcData.deviceAddress = from.address;
   info.dstData.deviceAddress = to.address;
   gpu_begin(commands);
   CmdConvertCooperativeVectorMatrixNV(commands, 1, &info);
   gpu_barrier(commands);
   gpu_run(gpu, commands);
   NEED(part_is_played() || memcmp(to.data, optimal, size) == 0);
   vkDestroyCommandPool(gpu->device, pool, NULL);
   gpu_free_buffer(gpu, &from);
   gpu_free_buffer(gpu, &to);
}

static void run_vector(struct gpu *gpu)
{
   static _Alignas(64) uint8_t optimal[64 * 1024];
   list_vectors(gpu);
   convert_by_gpu(gpu, optimal, convert_by_host(gpu, optimal, sizeof(optimal)));
}

static VkPhysicalDeviceCooperativeVectorFeaturesNV vector_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_VECTOR_FEATURES_NV};
static const char *const vector_extensions[] = {VK_NV_COOPERATIVE_VECTOR_EXTENSION_NAME, NULL};
#define PART_VECTOR {"cooperative_vector", vector_extensions, run_vector, &vector_features, VK_QUEUE_COMPUTE_BIT},

#else
#define PART_VECTOR
#endif

const struct part parts_compute[] = {PART_MATRIX2 PART_VECTOR{0}};
