/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_EVERY_REQUEST_H
#define VP_UNIT_EVERY_REQUEST_H

/* A request of every command to a session on a driver that does nothing, with objects of one device in it or of
 * another, each of which can then be replaced by something wrong. */

#include "tests/unit/codec_check.h"
#include "tests/unit/null_session.h"
#include "tests/vp_visit.h"

#define COMMANDS (sizeof(vp_check_commands) / sizeof(*vp_check_commands))
#define MAX_HANDLES 4096
#define MAX_TYPES 128
#define NEW_SLOTS 100000 /* of what would be new */
#define OTHER_DEVICE FIRST_OBJECT

_Static_assert(COMMANDS == sizeof(visit_commands) / sizeof(*visit_commands), "the tables are of the same commands");

/* Whose objects the arguments are. */
enum whose { OURS, THEIRS };

static struct {
   struct vps_object *objects[MAX_TYPES];
   unsigned count;
} made[2];
static uint64_t last_id = MAX_OBJECTS;
static struct vp_arena arena;
static struct vp_encoder request;

/* --- objects --- */

static struct vps_object *device_of(enum whose whose)
{
   return vps_object_find(&ctx.objects, objects[whose == OURS ? DEVICE : OTHER_DEVICE].id);
}

static void create_other_device(void)
{
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue_info};
   VkDevice device = OBJECT(VkDevice, OTHER_DEVICE);

   DO(vkCreateDevice, .physicalDevice = OBJECT(VkPhysicalDevice, GPU), .pCreateInfo = &info, .pDevice = &device);
}

static void forget_failure(void)
{
   ctx.failed = false;
   ctx.error = (struct vp_error){0};
}

static bool is_of_instance(VkObjectType type)
{
   switch (type) {
   case VK_OBJECT_TYPE_INSTANCE:
   case VK_OBJECT_TYPE_PHYSICAL_DEVICE:
   case VK_OBJECT_TYPE_SURFACE_KHR:
   case VK_OBJECT_TYPE_DISPLAY_KHR:
   case VK_OBJECT_TYPE_DISPLAY_MODE_KHR:
   case VK_OBJECT_TYPE_DEBUG_UTILS_MESSENGER_EXT:
   case VK_OBJECT_TYPE_DEBUG_REPORT_CALLBACK_EXT:
      return true;
   default:
      return false;
   }
}

/* The object of that type that a device has, and nothing is known of; it is entered when it is asked for first. */
static uint64_t object_of(enum whose whose, VkObjectType type)
{
   struct vps_object *parent =
      is_of_instance(type) ? vps_object_find(&ctx.objects, objects[INSTANCE].id) : device_of(whose);

   if (type == VK_OBJECT_TYPE_DEVICE || type == VK_OBJECT_TYPE_INSTANCE)
      return parent->id;
   for (unsigned i = 0; i < made[whose].count; i++) {
      if (made[whose].objects[i]->type == (int32_t)type)
         return made[whose].objects[i]->id;
   }
   const uint64_t handle = null_object_create(parent->handle, type, true, VK_SUCCESS);
   const uint64_t id = ++last_id;
   if (!CHECK(!vps_object_reserve(&ctx.objects, id, NULL, 0)) || !CHECK(made[whose].count < MAX_TYPES))
      abort();
   struct vps_object *object = vps_object_add(&ctx.objects, (int32_t)type, id, handle, parent);
   made[whose].objects[made[whose].count++] = object;
   return id;
}

/* --- requests --- */

enum role { NOT_SENT, USED, NEW };

static struct handle {
   VkObjectType type;
   struct vp_object *object;
   enum role role;
} handles[MAX_HANDLES];
static unsigned handle_count;

static uint64_t note_handle(struct visit *w, VkObjectType type)
{
   struct vp_object *object = visit_alloc(w, 1, sizeof(*object));

   if (handle_count == MAX_HANDLES)
      abort();
   handles[handle_count++] = (struct handle){.type = type, .object = object};
   object->type = type;
   object->id = handle_count;
   return (uint64_t)(uintptr_t)object;
}

static uint64_t note_used(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   handles[id - 1].role = USED;
   return codec_object(dec, type, id);
}

static uint64_t note_new(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   handles[id - 1].role = NEW;
   return codec_object(dec, type, id);
}

/* What the server does with each handle of a request. */
static void find_roles(size_t which, void *call)
{
   struct vp_decoder dec;

   vp_encoder_reset(&request);
   vp_check_commands[which].request(&request, 0, call);
   vp_decoder_init(&dec, request.start + 8, vp_encoder_size(&request) - 8, &arena);
   dec.find_handle = note_used;
   dec.new_handle = note_new;
   void *read = vp_dec_alloc(&dec, 1, vp_check_commands[which].size);
   vp_check_commands[which].decode(&dec, read);
   if (!CHECK(!dec.error))
      printf("%s: %s\n", vp_check_commands[which].name, dec.error);
}

/* Whether ids that are not looked up are those of new objects. */
static bool is_creation(size_t which)
{
   const char *name = vp_check_commands[which].name;
   return !strncmp(name, "vkCreate", 8) || !strncmp(name, "vkAllocate", 10) || !strncmp(name, "vkGetDeviceQueue", 16) ||
          !strncmp(name, "vkEnumeratePhysicalDevice", 25);
}

static void *make_call(size_t which, uint32_t turn)
{
   struct visit w = {
      .fill = true, .arena = &arena, .handle = note_handle, .n = 1, .period = 251, .turn = turn, .chains = 2};
   void *call = visit_alloc(&w, 1, vp_check_commands[which].size);

   handle_count = 0;
   visit_commands[which](&w, call);
   find_roles(which, call);
   for (unsigned i = 0; i < handle_count; i++) {
      const bool is_new = handles[i].role == NEW && is_creation(which);
      handles[i].object->id = is_new ? NEW_SLOTS + i : object_of(OURS, handles[i].type);
   }
   return call;
}

/* Sends what was made of a command. */
static void send_request(size_t which, void *call)
{
   vp_encoder_reset(&request);
   vp_check_commands[which].request(&request, 0, call);
   vps_executor_run(&ctx, request.start, vp_encoder_size(&request));
}

/* Whether an object must be there when the command comes. */
static bool must_exist(size_t which, const struct handle *handle)
{
   return handle->role != NOT_SENT && !(handle->role == NEW && is_creation(which));
}

static void start_requests(void)
{
   vp_arena_init(&arena, (size_t)64 << 20);
   if (!vp_encoder_init(&request))
      abort();
   session_open();
   create_other_device();
}

static void finish_requests(void)
{
   session_close();
   vp_encoder_finish(&request);
   vp_arena_finish(&arena);
}

#endif
