/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_PHYSICAL_DEVICE_H
#define VP_CLIENT_CORE_PHYSICAL_DEVICE_H

#include "client/core/exports.h"
#include "client/core/extensions.h"
#include "client/core/instance.h"
#include "client/link/object.h"
#include "client/link/reply_cache.h"
#include "common/util/arena.h"

#define VP_MAX_QUEUE_FAMILIES 32

/* Everything about a GPU, asked in one burst. */
struct vp_physical_device {
   struct vp_object base;
   struct vp_instance *instance;
   struct vp_connection *conn;
   struct vp_server_session *session;
   const VkAllocationCallbacks *allocator;
   struct vp_reply_cache cache;
   struct vp_arena arena;              /* the chains below */
   struct vp_extension_set extensions; /* offered to applications */
   uint32_t spec_versions[VP_EXTENSION_COUNT];
   uint32_t api_version;
   VkPhysicalDeviceProperties2 properties;
   VkPhysicalDeviceFeatures2 features;
   VkPhysicalDeviceMemoryProperties2 memory;
   VkMemoryPropertyFlags host_memory_flags[VK_MAX_MEMORY_TYPES]; /* what the server's types really are */
   VkQueueFamilyProperties2 queue_families[VP_MAX_QUEUE_FAMILIES];
   uint32_t queue_family_count;
   struct vp_format_table *formats; /* after the first question about one */
   pthread_mutex_t format_lock;
   struct vp_image_formats *image_formats;

   struct vp_exports exports;

   _Atomic uint32_t allocation_changes; /* allocations made and freed */
   pthread_mutex_t budget_lock;         /* of the chain of `memory`, and: */
   int64_t budget_ms;                   /* when it was asked last; 0: never */
   uint32_t budget_changes;             /* allocation_changes by then */
};

/* Asks about all of them at once and moves the usable ones to the front.
 * Returns how many those are. */
uint32_t vp_physical_devices_init(struct vp_physical_device **gpus, uint32_t count);
void vp_physical_device_finish(struct vp_physical_device *gpu);

#endif
