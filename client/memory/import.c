/* SPDX-License-Identifier: MIT */

/* A device's list of imported host pointers. The first import is freed with the last handle for it, whichever the
 * application frees first. */

#include "client/memory/import.h"

#include <vulkan/vk_icd.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/mapping/mapping.h"
#include "client/memory/device_memory.h"

/* Memory that was made for one buffer or image, or has a place that was chosen, is never the same. */
static bool is_plain(const VkMemoryAllocateInfo *info, VkMemoryAllocateFlagsInfo *flags)
{
   *flags = (VkMemoryAllocateFlagsInfo){0};
   for (const VkBaseInStructure *node = info->pNext; node; node = node->pNext) {
      if (node->sType == VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO)
         *flags = *(const VkMemoryAllocateFlagsInfo *)node;
      else if (node->sType != VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT)
         return false;
   }
   return true;
}

/* With the device's memory_lock. */
static struct vp_device_memory *import_find(const struct vp_device *device, const VkMemoryAllocateInfo *info)
{
   const VkImportMemoryHostPointerInfoEXT *import =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT);
   VkMemoryAllocateFlagsInfo flags;
   if (!import || !import->handleType || !is_plain(info, &flags))
      return NULL;
   struct vp_device_memory *memory = device->imports;
   while (memory && (vp_mapping_pointer(memory->mapping) != import->pHostPointer || memory->base.error ||
                     memory->size < info->allocationSize || memory->import.type != info->memoryTypeIndex ||
                     memory->import.flags.flags != flags.flags || memory->import.flags.deviceMask != flags.deviceMask))
      memory = memory->import.next;
   return memory;
}

static struct vp_device_memory *create_handle(struct vp_device_memory *original, VkDeviceSize size,
                                              const VkAllocationCallbacks *allocator)
{
   struct vp_device_memory *memory = vp_alloc(allocator, sizeof(*memory), VK_SYSTEM_ALLOCATION_SCOPE_OBJECT);
   if (!memory)
      return NULL;
   memory->base = (struct vp_object){
      .loader_data = ICD_LOADER_MAGIC, .id = original->base.id, .type = VK_OBJECT_TYPE_DEVICE_MEMORY};
   memory->device = original->device;
   memory->size = size;
   memory->heap = original->heap;
   memory->mapping = vp_mapping_ref(original->mapping);
   memory->listed = memory->imported = true;
   memory->import.original = original;
   pthread_mutex_init(&memory->lock, NULL);
   return memory;
}

struct vp_device_memory *vp_import_again(struct vp_device *device, const VkMemoryAllocateInfo *info,
                                         const VkAllocationCallbacks *allocator)
{
   pthread_mutex_lock(&device->memory_lock);
   struct vp_device_memory *original = import_find(device, info),
                           *memory = original ? create_handle(original, info->allocationSize, allocator) : NULL;
   if (memory)
      original->import.handles++;
   pthread_mutex_unlock(&device->memory_lock);
   return memory;
}

void vp_import_add(struct vp_device_memory *memory, const VkMemoryAllocateInfo *info)
{
   struct vp_device *device = memory->device;
   memory->import.type = info->memoryTypeIndex;
   if (!is_plain(info, &memory->import.flags))
      return;
   pthread_mutex_lock(&device->memory_lock);
   memory->import.next = device->imports;
   device->imports = memory;
   pthread_mutex_unlock(&device->memory_lock);
}

/* With the device's memory_lock. */
static void remove_import(struct vp_device *device, const struct vp_device_memory *memory)
{
   struct vp_device_memory **link = &device->imports;
   while (*link && *link != memory)
      link = &(*link)->import.next;
   if (*link)
      *link = memory->import.next;
}

bool vp_import_release(struct vp_device_memory **memory, const VkAllocationCallbacks **allocator)
{
   struct vp_device_memory *freed = *memory, *original = freed->import.original ? freed->import.original : freed;
   struct vp_device *device = freed->device;
   pthread_mutex_lock(&device->memory_lock);
   const bool last = --original->import.handles == 0;
   if (last)
      remove_import(device, original);
   else if (freed == original)
      original->import.allocator = **allocator;
   pthread_mutex_unlock(&device->memory_lock);
   if (freed != original) {
      vp_mapping_unref(freed->mapping);
      pthread_mutex_destroy(&freed->lock);
      vp_object_free(*allocator, freed);
      *allocator = &original->import.allocator;
   }
   *memory = original;
   return last;
}
