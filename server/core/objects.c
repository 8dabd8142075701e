/* SPDX-License-Identifier: MIT */

/* Objects lie in pages of slots, by the slot in their id, and form a tree like Vulkan's: whatever ends takes its
 * children along, the driver's objects too. */

#include "server/core/objects.h"

#include <stdlib.h>

#include "server/core/device.h"
#include "server/core/quota.h"
#include "server/vp_dispatch.h"

#define PAGE_COUNT (VP_MAX_SLOTS / VPS_SLOT_PAGE)

bool vps_object_table_init(struct vps_object_table *table)
{
   table->pages = calloc(PAGE_COUNT, sizeof(*table->pages));
   return table->pages != NULL;
}

void vps_object_table_finish(struct vps_object_table *table)
{
   for (unsigned i = 0; table->pages && i < PAGE_COUNT; i++)
      free(table->pages[i]);
   free(table->pages);
   table->pages = NULL;
}

/* Whether an object is one of them or takes one of them along when it ends. */
static bool takes_along(const struct vps_object *object, struct vps_object *const *kept, unsigned kept_count)
{
   for (unsigned i = 0; i < kept_count; i++) {
      for (const struct vps_object *ancestor = kept[i]; ancestor; ancestor = ancestor->parent) {
         if (ancestor == object)
            return true;
      }
   }
   return false;
}

const char *vps_object_reserve(struct vps_object_table *table, uint64_t id, struct vps_object *const *kept,
                               unsigned kept_count)
{
   const uint32_t slot = vps_object_slot(id);
   if (slot == 0 || slot >= VP_MAX_SLOTS)
      return "an id for a new object is out of range";
   struct vps_object **page = &table->pages[slot / VPS_SLOT_PAGE];
   if (!*page)
      *page = calloc(VPS_SLOT_PAGE, sizeof(**page));
   if (!*page)
      return "the server has no memory for another object";
   struct vps_object *object = &(*page)[slot % VPS_SLOT_PAGE];
   if (!object->id)
      return NULL;
   if (!object->poison || object->handle)
      return "an id for a new object is in use";
   if (takes_along(object, kept, kept_count))
      return "an id for a new object has the slot of one that the command needs";
   vps_object_drop(object);
   return NULL;
}

struct vps_object *vps_object_add(struct vps_object_table *table, int32_t type, uint64_t id, uint64_t handle,
                                  struct vps_object *parent)
{
   struct vps_object *object = &table->pages[vps_object_slot(id) / VPS_SLOT_PAGE][vps_object_slot(id) % VPS_SLOT_PAGE];
   *object = (struct vps_object){
      .id = id, .handle = handle, .type = type, .counted = handle || type == VPS_OBJECT_PENDING, .parent = parent};
   if (object->counted)
      vps_quota_note(VPS_QUOTA_OBJECTS, 1);
   if (parent) {
      object->device = parent->device;
      object->next = parent->children;
      if (object->next)
         object->next->previous = object;
      parent->children = object;
   }
   return object;
}

/* Its place is nothing from then on, whoever may still remember it. */
static void unlink_object(struct vps_object *object)
{
   if (object->previous)
      object->previous->next = object->next;
   else if (object->parent)
      object->parent->children = object->next;
   if (object->next)
      object->next->previous = object->previous;
   if (object->counted)
      vps_quota_give(VPS_QUOTA_OBJECTS, 1);
   *object = (struct vps_object){0};
}

static void release_state(struct vps_object *object)
{
   if (object->release)
      object->release(object->state);
   object->release = NULL;
   object->state = NULL;
}

/* The tree is as deep as Vulkan's: instance, physical device, device, pool, what is in the pool. */
// NOLINTNEXTLINE(misc-no-recursion)
void vps_object_drop(struct vps_object *object)
{
   while (object->children)
      vps_object_drop(object->children);
   release_state(object);
   unlink_object(object);
}

/* What the creation of pipelines may use. */
static bool is_part_of_pipelines(int32_t type)
{
   switch (type) {
   case VK_OBJECT_TYPE_SHADER_MODULE:
   case VK_OBJECT_TYPE_PIPELINE_CACHE:
   case VK_OBJECT_TYPE_PIPELINE_LAYOUT:
   case VK_OBJECT_TYPE_PIPELINE:
   case VK_OBJECT_TYPE_RENDER_PASS:
   case VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT:
   case VK_OBJECT_TYPE_SAMPLER:
   case VK_OBJECT_TYPE_SAMPLER_YCBCR_CONVERSION:
#ifdef VK_KHR_pipeline_binary
   case VK_OBJECT_TYPE_PIPELINE_BINARY_KHR:
#endif
      return true;
   default:
      return false;
   }
}

static void destroy_handle(struct vps_device *device, int32_t type, uint64_t handle)
{
   if (!is_part_of_pipelines(type) || !vps_object_put_off(device, type, handle))
      vps_destroy_handle(device, type, handle);
}

// NOLINTNEXTLINE(misc-no-recursion)
void vps_object_destroy(struct vps_object *object)
{
   struct vps_device *device = object->device;
   const bool is_device = object->type == VK_OBJECT_TYPE_DEVICE;

   if (is_device && device)
      vps_device_stop(object->state);
   while (object->children)
      vps_object_destroy(object->children);
   release_state(object); /* a device's and an instance's state destroys the driver's object itself */
   if (object->handle && device && !is_device && !device->abandoned)
      destroy_handle(device, object->type, object->handle);
   unlink_object(object);
}
