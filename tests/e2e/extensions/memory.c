/* SPDX-License-Identifier: MIT */
/* What reaches memory in other ways: copies whose places the GPU reads, handles of images, pools that give more than
 * they have; and properties of extensions that are not more than that. */
#include "tests/e2e/extensions/gdeflate.h"
#include "tests/e2e/extensions/part.h"

/* --- copies --- */

#ifdef VK_NV_copy_memory_indirect

static void run_indirect(struct gpu *gpu)
{
   GET(gpu, CmdCopyMemoryIndirectNV);
   GET(gpu, CmdCopyMemoryToImageIndirectNV);
   const VkBufferUsageFlags usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
   const struct gpu_buffer data = gpu_map_addressed(gpu, 4096, usage, NULL),
                           places = gpu_map_addressed(gpu, 256, usage, NULL);
   const struct part_image image = part_create_image(
      gpu, VK_FORMAT_R8G8B8A8_UNORM, 4,
      VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_SAMPLED_BIT, NULL);
   VkCopyMemoryIndirectCommandNV *copies = places.data;
   VkCopyMemoryToImageIndirectCommandNV *fills = (void *)((char *)places.data + 128);
   const VkImageSubresourceLayers layers = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
   VkCommandPool pool;
   VkCommandBuffer commands = gpu_create_commands(gpu, &pool);
   for (unsigned i = 0; i < 256; i++)
      ((uint8_t *)data.data)[i] = (uint8_t)(i * 3 + 1);
   copies[0] = (VkCopyMemoryIndirectCommandNV){data.address, data.address + 1024, 64};
   copies[1] = (VkCopyMemoryIndirectCommandNV){data.address + 64, data.address + 2048, 128};
   fills[0] = (VkCopyMemoryToImageIndirectCommandNV){
      .srcAddress = data.address, .imageSubresource = layers, .imageExtent = {4, 4, 1}};
   const VkImageMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                         .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                         .newLayout = VK_IMAGE_LAYOUT_GENERAL,
                                         .image = image.handle,
                                         .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
   const VkBufferImageCopy back = {.bufferOffset = 3072, .imageSubresource = layers, .imageExtent = {4, 4, 1}};
   gpu_begin(commands);
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0,
                        NULL, 1, &barrier);
   CmdCopyMemoryIndirectNV(commands, places.address, 2, sizeof(*copies));
   CmdCopyMemoryToImageIndirectNV(commands, places.address + 128, 1, sizeof(*fills), image.handle,
                                  VK_IMAGE_LAYOUT_GENERAL, &layers);
   gpu_barrier(commands);
   vkCmdCopyImageToBuffer(commands, image.handle, VK_IMAGE_LAYOUT_GENERAL, data.handle, 1, &back);
   gpu_barrier(commands);
   gpu_run(gpu, commands);
   NEED(memcmp((char *)data.data + 1024, data.data, 64) == 0);
   NEED(memcmp((char *)data.data + 2048, (char *)data.data + 64, 128) == 0);
   NEED(memcmp((char *)data.data + 3072, data.data, 64) == 0);
   printf("  hash %08x\n", part_hash(data.data, 4096));
   vkDestroyCommandPool(gpu->device, pool, NULL);
   part_destroy_image(gpu, &image);
   gpu_free_buffer(gpu, &data);
   gpu_free_buffer(gpu, &places);
}

static VkPhysicalDeviceCopyMemoryIndirectFeaturesNV indirect_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COPY_MEMORY_INDIRECT_FEATURES_NV};
static const char *const indirect_extensions[] = {VK_NV_COPY_MEMORY_INDIRECT_EXTENSION_NAME, NULL};
#define PART_INDIRECT                                                              \
   {"copy_memory_indirect", indirect_extensions, run_indirect, &indirect_features, \
    VK_QUEUE_TRANSFER_BIT | VK_QUEUE_COMPUTE_BIT},

#else
#define PART_INDIRECT
#endif

/* --- handles of images --- */

static void run_view_handle(struct gpu *gpu)
{
   GET(gpu, GetImageViewHandleNVX);
   GET(gpu, GetImageViewAddressNVX);
   const struct part_image image = part_create_image(gpu, VK_FORMAT_R8G8B8A8_UNORM, 4,
                                                     VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_STORAGE_BIT, NULL);
   VkImageViewHandleInfoNVX info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_HANDLE_INFO_NVX,
                                    .imageView = image.view,
                                    .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_IMAGE};
   VkImageViewAddressPropertiesNVX properties = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_ADDRESS_PROPERTIES_NVX};
   const uint32_t storage = GetImageViewHandleNVX(gpu->device, &info);
   NEED(storage == GetImageViewHandleNVX(gpu->device, &info));
   info.descriptorType = VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE;
   const uint32_t sampled = GetImageViewHandleNVX(gpu->device, &info);
   const VkResult result = GetImageViewAddressNVX(gpu->device, image.view, &properties);
   printf("  storage and sampled image have %s handles, address: VkResult %d, size %llu\n",
          storage == sampled ? "the same" : "different", result,
          result == VK_SUCCESS ? (unsigned long long)properties.size : 0);
   part_destroy_image(gpu, &image);
}

static const char *const view_handle_extensions[] = {VK_NVX_IMAGE_VIEW_HANDLE_EXTENSION_NAME, NULL};

/* --- pools --- */

#ifdef VK_NV_descriptor_pool_overallocation

static void run_overallocation(struct gpu *gpu)
{
   const VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, VK_SHADER_STAGE_ALL, NULL};
   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1};
   const VkDescriptorPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                                 .flags = VK_DESCRIPTOR_POOL_CREATE_ALLOW_OVERALLOCATION_SETS_BIT_NV |
                                                          VK_DESCRIPTOR_POOL_CREATE_ALLOW_OVERALLOCATION_POOLS_BIT_NV,
                                                 .maxSets = 1,
                                                 .poolSizeCount = 1,
                                                 .pPoolSizes = &size};
   VkDescriptorSetLayout layout;
   VkDescriptorPool pool;
   unsigned sets = 0;
   OK(vkCreateDescriptorSetLayout(gpu->device, &layout_info, NULL, &layout));
   OK(vkCreateDescriptorPool(gpu->device, &pool_info, NULL, &pool));
   const VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .descriptorPool = pool,
                                             .descriptorSetCount = 1,
                                             .pSetLayouts = &layout};
   VkDescriptorSet set;
   while (sets < 100 && vkAllocateDescriptorSets(gpu->device, &info, &set) == VK_SUCCESS)
      sets++;
   printf("  a pool for one set gives %u%s\n", sets, sets == 100 ? " or more" : "");
   vkDestroyDescriptorPool(gpu->device, pool, NULL);
   vkDestroyDescriptorSetLayout(gpu->device, layout, NULL);
}

static VkPhysicalDeviceDescriptorPoolOverallocationFeaturesNV overallocation_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_POOL_OVERALLOCATION_FEATURES_NV};
static const char *const overallocation_extensions[] = {VK_NV_DESCRIPTOR_POOL_OVERALLOCATION_EXTENSION_NAME, NULL};
#define PART_OVERALLOCATION \
   {"descriptor_pool_overallocation", overallocation_extensions, run_overallocation, &overallocation_features, 0},

#else
#define PART_OVERALLOCATION
#endif

/* --- properties --- */

/* The properties of a struct, as words. */
static void print_properties(struct gpu *gpu, void *properties, size_t size)
{
   VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = properties};
   const uint32_t *words = (const uint32_t *)((const char *)properties + sizeof(VkBaseOutStructure));
   vkGetPhysicalDeviceProperties2(gpu->physical, &all);
   printf("  properties:");
   for (size_t i = 0; i < (size - sizeof(VkBaseOutStructure)) / sizeof(*words); i++)
      printf(" %#x", words[i]);
   puts("");
}

#ifdef VK_NV_memory_decompression

/* A tile whose bytes the CPU has packed. */
static void unpack_tile(struct gpu *gpu, PFN_vkCmdDecompressMemoryNV decompress, VkCommandBuffer commands)
{
   static struct gdeflate packer;
   uint8_t bytes[GDEFLATE_MOST];
   const struct gpu_buffer packed = gpu_map_addressed(gpu, GDEFLATE_ROOM, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, NULL),
                           unpacked = gpu_map_addressed(gpu, GDEFLATE_MOST, VK_BUFFER_USAGE_TRANSFER_DST_BIT, NULL);
   for (uint32_t i = 0; i < GDEFLATE_MOST; i++)
      bytes[i] = (uint8_t)(i > 0 && i < GDEFLATE_STREAMS ? 144 + i : i * 7 % 144);
   const VkDecompressMemoryRegionNV region = {
      .srcAddress = packed.address,
      .dstAddress = unpacked.address,
      .compressedSize = gdeflate_pack(&packer, bytes, GDEFLATE_MOST, packed.data),
      .decompressedSize = GDEFLATE_MOST,
      .decompressionMethod = VK_MEMORY_DECOMPRESSION_METHOD_GDEFLATE_1_0_BIT_NV,
   };
   gpu_begin(commands);
   decompress(commands, 1, &region);
   gpu_barrier(commands);
   gpu_run(gpu, commands);
   printf("  %u bytes of %u: %s\n", GDEFLATE_MOST, (unsigned)region.compressedSize,
          memcmp(unpacked.data, bytes, GDEFLATE_MOST) == 0 ? "what was packed" : "wrong");
   NEED(memcmp(unpacked.data, bytes, GDEFLATE_MOST) == 0);
   gpu_free_buffer(gpu, &packed);
   gpu_free_buffer(gpu, &unpacked);
}

static void run_decompression(struct gpu *gpu)
{
   VkPhysicalDeviceMemoryDecompressionPropertiesNV properties = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_DECOMPRESSION_PROPERTIES_NV};
   GET(gpu, CmdDecompressMemoryNV);
   GET(gpu, CmdDecompressMemoryIndirectCountNV);
   NEED(CmdDecompressMemoryNV && CmdDecompressMemoryIndirectCountNV);
   print_properties(gpu, &properties, sizeof(properties));
   const struct gpu_buffer counts = gpu_map_addressed(gpu, 256, VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, NULL);
   VkCommandPool pool;
   VkCommandBuffer commands = gpu_create_commands(gpu, &pool);
   gpu_begin(commands);
   CmdDecompressMemoryIndirectCountNV(commands, counts.address + 64, counts.address,
                                      (uint32_t)sizeof(VkDecompressMemoryRegionNV)); /* of nothing */
   gpu_run(gpu, commands);
   puts("  nothing was decompressed");
   if (properties.decompressionMethods & VK_MEMORY_DECOMPRESSION_METHOD_GDEFLATE_1_0_BIT_NV)
      unpack_tile(gpu, CmdDecompressMemoryNV, commands);
   vkDestroyCommandPool(gpu->device, pool, NULL);
   gpu_free_buffer(gpu, &counts);
}

static VkPhysicalDeviceMemoryDecompressionFeaturesNV decompression_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_DECOMPRESSION_FEATURES_NV};
static const char *const decompression_extensions[] = {VK_NV_MEMORY_DECOMPRESSION_EXTENSION_NAME, NULL};
#define PART_DECOMPRESSION \
   {"memory_decompression", decompression_extensions, run_decompression, &decompression_features, VK_QUEUE_COMPUTE_BIT},

#else
#define PART_DECOMPRESSION
#endif

#ifdef VK_NV_extended_sparse_address_space

static void run_sparse(struct gpu *gpu)
{
   VkPhysicalDeviceExtendedSparseAddressSpacePropertiesNV properties = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTENDED_SPARSE_ADDRESS_SPACE_PROPERTIES_NV};
   print_properties(gpu, &properties, sizeof(properties));
}

static VkPhysicalDeviceExtendedSparseAddressSpaceFeaturesNV sparse_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTENDED_SPARSE_ADDRESS_SPACE_FEATURES_NV};
static const char *const sparse_extensions[] = {VK_NV_EXTENDED_SPARSE_ADDRESS_SPACE_EXTENSION_NAME, NULL};
#define PART_SPARSE {"extended_sparse_address_space", sparse_extensions, run_sparse, &sparse_features, 0},

#else
#define PART_SPARSE
#endif

static void run_multiview(struct gpu *gpu)
{
   VkPhysicalDeviceMultiviewPerViewAttributesPropertiesNVX properties = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MULTIVIEW_PER_VIEW_ATTRIBUTES_PROPERTIES_NVX};
   print_properties(gpu, &properties, sizeof(properties));
}

static const char *const multiview_extensions[] = {VK_NVX_MULTIVIEW_PER_VIEW_ATTRIBUTES_EXTENSION_NAME, NULL};

static void run_nothing(struct gpu *gpu)
{
   (void)gpu;
   puts("  there is a device with it");
}

static VkPhysicalDeviceDedicatedAllocationImageAliasingFeaturesNV aliasing_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEDICATED_ALLOCATION_IMAGE_ALIASING_FEATURES_NV};
static const char *const aliasing_extensions[] = {VK_NV_DEDICATED_ALLOCATION_IMAGE_ALIASING_EXTENSION_NAME, NULL};

const struct part parts_memory[] = {
   PART_INDIRECT{"image_view_handle", view_handle_extensions, run_view_handle, NULL, 0},
   PART_OVERALLOCATION PART_DECOMPRESSION PART_SPARSE{"multiview_per_view_attributes", multiview_extensions,
                                                      run_multiview, NULL, 0},
   {"dedicated_allocation_image_aliasing", aliasing_extensions, run_nothing, &aliasing_features, 0},
   {0}};
