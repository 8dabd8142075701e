/* SPDX-License-Identifier: MIT */

/* Copies between images and the application's memory without a command buffer.
 * The application gives addresses, the wire carries the bytes. The image may lie
 * in memory that is mapped, or will be. */

#include <stdlib.h>
#include <string.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/memory/device_memory.h"
#include "client/memory/resource.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/format_block.h"

#ifdef VK_EXT_host_image_copy

/* How one region lies in memory: rows of blocks, slices of rows. */
struct layout {
   size_t row_size;  /* bytes of a row that belong to the region */
   size_t row_pitch; /* from one row to the next */
   size_t slice_pitch;
   uint32_t rows, slices; /* slices: depth and array layers */
};

static uint32_t divide_up(uint32_t n, uint32_t by)
{
   return n / by + (n % by != 0);
}

/* How many layers that is; 0 where the image has none. */
static uint32_t count_layers(VkImage image, const VkImageSubresourceLayers *layers)
{
   const uint32_t all = VP_FROM_HANDLE(struct vp_image, image)->layers;
   if (layers->layerCount != VK_REMAINING_ARRAY_LAYERS)
      return layers->layerCount;
   return layers->baseArrayLayer < all ? all - layers->baseArrayLayer : 0;
}

/* row_length and image_height are in texels; 0: as large as the region. */
static bool find_supported_layout(VkImage image, const VkImageSubresourceLayers *layers, VkExtent3D extent,
                                  uint32_t row_length, uint32_t image_height, struct layout *layout)
{
   const struct vp_format_block *block = vp_format_block_find(VP_FROM_HANDLE(struct vp_image, image)->format);
   if (!block)
      return false;
   const size_t size = vp_format_block_size(block, layers->aspectMask);
   const uint32_t columns = divide_up(extent.width, block->extent[0]);
   layout->rows = divide_up(extent.height, block->extent[1]);
   layout->slices = divide_up(extent.depth, block->extent[2]) * count_layers(image, layers);
   layout->row_size = columns * size;
   layout->row_pitch = (row_length ? divide_up(row_length, block->extent[0]) : columns) * size;
   layout->slice_pitch = (image_height ? divide_up(image_height, block->extent[1]) : layout->rows) * layout->row_pitch;
   return layout->rows && layout->slices;
}

/* From the first byte to the last. */
static size_t span(const struct layout *layout)
{
   return (layout->slices - 1) * layout->slice_pitch + (layout->rows - 1) * layout->row_pitch + layout->row_size;
}

/* Bytes of a copy in the image's own order, which only the driver knows. */
static size_t memcpy_size(VkDevice device, VkImage image, const VkImageSubresourceLayers *layers)
{
   const VkImageSubresource2EXT subresource = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_SUBRESOURCE_2_EXT,
      .imageSubresource = {layers->aspectMask, layers->mipLevel, layers->baseArrayLayer},
   };
   VkSubresourceHostMemcpySizeEXT size = {.sType = VK_STRUCTURE_TYPE_SUBRESOURCE_HOST_MEMCPY_SIZE_EXT};
   VkSubresourceLayout2EXT layout = {.sType = VK_STRUCTURE_TYPE_SUBRESOURCE_LAYOUT_2_EXT, .pNext = &size};
   vp_vkGetImageSubresourceLayout2(device, image, &subresource, &layout);
   return (size_t)size.size * count_layers(image, layers);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCopyMemoryToImage(VkDevice handle, const VkCopyMemoryToImageInfoEXT *info)
{
   struct vp_device *device = vp_device_from_handle(handle);
   VkResult result = vp_device_flush_mapped_memory(device);
   if (result != VK_SUCCESS)
      return result;
   VkMemoryToImageCopyMESA *regions = calloc(info->regionCount, sizeof(*regions));
   if (!regions)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   for (uint32_t i = 0; i < info->regionCount; i++) {
      const VkMemoryToImageCopyEXT *region = &info->pRegions[i];
      struct layout layout;
      size_t size = 0;
      if (info->flags & VK_HOST_IMAGE_COPY_MEMCPY_EXT)
         size = memcpy_size(handle, info->dstImage, &region->imageSubresource);
      else if (find_supported_layout(info->dstImage, &region->imageSubresource, region->imageExtent,
                                     region->memoryRowLength, region->memoryImageHeight, &layout))
         size = span(&layout);
      regions[i] = (VkMemoryToImageCopyMESA){
         .sType = VK_STRUCTURE_TYPE_MEMORY_TO_IMAGE_COPY_MESA,
         .dataSize = size,
         .pData = region->pHostPointer,
         .memoryRowLength = region->memoryRowLength,
         .memoryImageHeight = region->memoryImageHeight,
         .imageSubresource = region->imageSubresource,
         .imageOffset = region->imageOffset,
         .imageExtent = region->imageExtent,
      };
   }
   const VkCopyMemoryToImageInfoMESA copy = {
      .sType = VK_STRUCTURE_TYPE_COPY_MEMORY_TO_IMAGE_INFO_MESA,
      .flags = info->flags,
      .dstImage = info->dstImage,
      .dstImageLayout = info->dstImageLayout,
      .regionCount = info->regionCount,
      .pRegions = regions,
   };
   struct vp_cmd_vkCopyMemoryToImageMESA a = {.device = handle, .pCopyMemoryToImageInfo = &copy};
   result = vp_call_vkCopyMemoryToImageMESA(device->conn, &a);
   free(regions);
   return result == VK_SUCCESS ? a.ret : result;
}

/* The bytes come tightly packed, so that none between the rows is touched. */
static void scatter(const struct layout *layout, const uint8_t *data, uint8_t *out)
{
   for (uint32_t slice = 0; slice < layout->slices; slice++) {
      for (uint32_t row = 0; row < layout->rows; row++, data += layout->row_size)
         memcpy(out + slice * layout->slice_pitch + row * layout->row_pitch, data, layout->row_size);
   }
}

static VkResult copy_region(struct vp_device *device, const VkCopyImageToMemoryInfoEXT *info,
                            const VkImageToMemoryCopyEXT *region)
{
   struct layout layout = {0};
   const bool own_order = info->flags & VK_HOST_IMAGE_COPY_MEMCPY_EXT;
   const bool known = own_order || find_supported_layout(info->srcImage, &region->imageSubresource, region->imageExtent,
                                                         region->memoryRowLength, region->memoryImageHeight, &layout);
   const size_t size = own_order
                          ? memcpy_size(VP_TO_HANDLE(VkDevice, device), info->srcImage, &region->imageSubresource)
                          : layout.row_size * layout.rows * layout.slices;
   uint8_t *data = known ? malloc(size ? size : 1) : NULL;
   if (!data)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   const VkCopyImageToMemoryInfoMESA copy = {
      .sType = VK_STRUCTURE_TYPE_COPY_IMAGE_TO_MEMORY_INFO_MESA,
      .flags = info->flags,
      .srcImage = info->srcImage,
      .srcImageLayout = info->srcImageLayout,
      .imageSubresource = region->imageSubresource,
      .imageOffset = region->imageOffset,
      .imageExtent = region->imageExtent,
   };
   struct vp_cmd_vkCopyImageToMemoryMESA a = {
      .device = VP_TO_HANDLE(VkDevice, device), .pCopyImageToMemoryInfo = &copy, .dataSize = size, .pData = data};
   VkResult result = vp_call_vkCopyImageToMemoryMESA(device->conn, &a);
   if (result == VK_SUCCESS)
      result = a.ret;
   if (result == VK_SUCCESS && own_order)
      memcpy(region->pHostPointer, data, size);
   else if (result == VK_SUCCESS)
      scatter(&layout, data, region->pHostPointer);
   free(data);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCopyImageToMemory(VkDevice handle, const VkCopyImageToMemoryInfoEXT *info)
{
   struct vp_device *device = vp_device_from_handle(handle);
   VkResult result = vp_device_flush_mapped_memory(device);
   for (uint32_t i = 0; i < info->regionCount && result == VK_SUCCESS; i++)
      result = copy_region(device, info, &info->pRegions[i]);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCopyImageToImage(VkDevice handle, const VkCopyImageToImageInfoEXT *info)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_cmd_vkCopyImageToImage a = {.device = handle, .pCopyImageToImageInfo = info};
   VkResult result = vp_device_flush_mapped_memory(device);
   if (result == VK_SUCCESS)
      result = vp_call_vkCopyImageToImage(device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkTransitionImageLayout(VkDevice handle, uint32_t count,
                                                          const VkHostImageLayoutTransitionInfoEXT *transitions)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_cmd_vkTransitionImageLayout a = {.device = handle, .transitionCount = count, .pTransitions = transitions};
   VkResult result = vp_device_flush_mapped_memory(device);
   if (result == VK_SUCCESS)
      result = vp_call_vkTransitionImageLayout(device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

#endif
