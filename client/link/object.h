/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_OBJECT_H
#define VP_CLIENT_LINK_OBJECT_H

#include <stdint.h>
#include <vulkan/vulkan.h>

struct vp_object_table;

/* An object's value for one slot of private data. Few objects have any, and those have few. */
struct vp_private_value {
   struct vp_private_value *next;
   uint64_t slot; /* id, which no other slot will ever have */
   uint64_t data;
};

/* What every Vulkan handle of ours points to, dispatchable or not. */
struct vp_object {
   uintptr_t loader_data; /* dispatchable objects: the loader's, which replaces the magic */
   uint64_t id;           /* the object's name on the wire */
   VkObjectType type;
   _Atomic(int32_t) error; /* VkResult: what the server said of the object after its creation had returned */
   struct vp_private_value *private_values; /* of private data slots, see private_data.c */
};

#define VP_FROM_HANDLE(struct_type, handle) ((struct_type *)(uintptr_t)(handle))
#define VP_TO_HANDLE(vk_type, object) ((vk_type)(uintptr_t)(object))

static inline uint64_t vp_object_id(uint64_t handle)
{
   return handle ? ((const struct vp_object *)(uintptr_t)handle)->id : 0;
}

/* The callbacks to use: the object's own, else its parent's, else the system's. */
const VkAllocationCallbacks *vp_allocator(const VkAllocationCallbacks *own, const VkAllocationCallbacks *parent);

/* Zeroed memory; NULL when there is none. */
void *vp_alloc(const VkAllocationCallbacks *allocator, size_t size, VkSystemAllocationScope scope);
void vp_free(const VkAllocationCallbacks *allocator, void *memory);

/* A new object of `size` bytes (a struct that begins with struct vp_object)
 * with an id of its own. NULL when memory or ids are used up. Thread-safe. */
void *vp_object_create(struct vp_object_table *table, const VkAllocationCallbacks *allocator, VkObjectType type,
                       size_t size);

/* Gives the id back; the command that destroys it must be in the stream
 * already. NULL is fine. */
void vp_object_destroy(struct vp_object_table *table, const VkAllocationCallbacks *allocator, void *object);

/* The second half of it, for an object that was already removed from the table. */
void vp_object_free(const VkAllocationCallbacks *allocator, void *object);

/* What a function that submits, waits or ends a recording may return for an error of another function's. */
VkResult vp_late_result(VkResult error);

#endif
