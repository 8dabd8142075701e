/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_OBJECTS_H
#define VP_SERVER_CORE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "common/net/limits.h"

struct vps_context;
struct vps_device;
struct vps_making;

/* The type of a pipeline that is being made. Who looks for it by its type waits (server/pipeline/maker.h). */
#define VPS_OBJECT_PENDING (-1)

/* What an id of the client stands for. Its address does not change. */
struct vps_object {
   uint64_t id; /* 0: nothing */
   union {
      uint64_t handle;           /* the driver's; 0 when its creation failed */
      struct vps_making *making; /* while pending: what makes it */
   };
   int32_t type;                       /* VkObjectType, or VPS_OBJECT_PENDING */
   bool counted;                       /* in the quota: it came to be */
   VkResult poison;                    /* not VK_SUCCESS: commands that use it are not executed */
   struct vps_device *device;          /* that it belongs to (a device: itself), or NULL */
   struct vps_object *parent;          /* what takes it along when it ends, or NULL */
   struct vps_object *children;        /* newest first */
   struct vps_object *next, *previous; /* siblings */
   void *state;                        /* what the server remembers of it, by type; or NULL */
   void (*release)(void *state);       /* frees the state before the driver's object is destroyed; or NULL */
};

/* All objects of a session by id. Changed by one thread, while no other looks at it. */
struct vps_object_table {
   struct vps_object **pages;
};

bool vps_object_table_init(struct vps_object_table *table);

/* Frees the table; the objects must have been removed. */
void vps_object_table_finish(struct vps_object_table *table);

/* A slot is a page and a place on it. */
#define VPS_SLOT_PAGE 512u

static inline uint32_t vps_object_slot(uint64_t id)
{
   return (uint32_t)id;
}

/* NULL for an unknown id. */
static inline struct vps_object *vps_object_find(const struct vps_object_table *table, uint64_t id)
{
   const uint32_t slot = vps_object_slot(id);
   struct vps_object *page = slot < VP_MAX_SLOTS ? table->pages[slot / VPS_SLOT_PAGE] : NULL;

   if (!page || id == 0 || page[slot % VPS_SLOT_PAGE].id != id)
      return NULL;
   return &page[slot % VPS_SLOT_PAGE];
}

/* Makes sure that the id can be given to a new object: NULL, or what is wrong. An object that never came to be makes
 * room for it, with its children, unless one of the `kept` would go too. */
const char *vps_object_reserve(struct vps_object_table *table, uint64_t id, struct vps_object *const *kept,
                               unsigned kept_count);

/* Enters an object, whose id must be reserved. It belongs to the device of its parent. */
struct vps_object *vps_object_add(struct vps_object_table *table, int32_t type, uint64_t id, uint64_t handle,
                                  struct vps_object *parent);

/* Releases and removes an object and all its children; the driver's objects stay as they are. */
void vps_object_drop(struct vps_object *object);

/* These three belong to what makes pipelines (server/pipeline/maker.c) and to command buffers. */

/* Completes the creation of a pending object. False when the id is of no such object. */
bool vps_object_complete(struct vps_context *ctx, uint64_t id);

/* The driver's object, which may be used by what is under way, is destroyed when it is not any more. False when it can
 * be destroyed now. */
bool vps_object_put_off(struct vps_device *device, int32_t type, uint64_t handle);

/* How often the recording of a command buffer was begun; 0 for anything else. */
uint32_t vps_object_recording(const struct vps_object *object);

/* Destroys the driver's objects too, the youngest child first. */
void vps_object_destroy(struct vps_object *object);

#endif
