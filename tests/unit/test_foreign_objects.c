/* SPDX-License-Identifier: MIT */
/* An object of another device: whatever command names one beside an object of its own device, and wherever in it, the
 * session ends before the driver hears of it. Every command is tried with every one of its handles. No command of
 * Vulkan's that is served may be given objects of several devices. */
#include "tests/unit/every_request.h"

static bool can_be_foreign(size_t which, const struct handle *handle)
{
   return must_exist(which, handle) && !is_of_instance(handle->type);
}

/* --- the test --- */

static unsigned tried, commands_tried;

static void try_foreign(size_t which, void *call, struct handle *handle)
{
   const uint64_t ours = handle->object->id;

   handle->object->id = object_of(THEIRS, handle->type);
   const uint64_t calls = null_state.calls;
   send_request(which, call);
   if (!CHECK(ctx.failed) || !CHECK(strstr(ctx.error.text, "belongs to another device")) ||
       !CHECK(null_state.calls == calls))
      printf("%s with another device's object of type %d (the handle %u of %u): %s\n", vp_check_commands[which].name,
             handle->type, (unsigned)(handle - handles), handle_count, ctx.failed ? ctx.error.text : "accepted");
   forget_failure();
   handle->object->id = ours;
   tried++;
}

/* Then nothing says whose the others are. */
static void try_without_first(size_t which, void *call)
{
   const uint64_t ours = handles[0].object->id, calls = null_state.calls;

   handles[0].object->id = 0;
   send_request(which, call);
   if (!CHECK(ctx.failed) || !CHECK(null_state.calls == calls))
      printf("%s without its first object: %s\n", vp_check_commands[which].name,
             ctx.failed ? ctx.error.text : "accepted");
   forget_failure();
   handles[0].object->id = ours;
}

static void try_command(size_t which, uint32_t turn)
{
   void *call = make_call(which, turn);
   unsigned candidates = 0;

   for (unsigned i = 0; i < handle_count; i++)
      candidates += can_be_foreign(which, &handles[i]);
   if (candidates == 0)
      return;
   if (!CHECK(can_be_foreign(which, &handles[0])))
      printf("%s has objects of a device, and none to begin with\n", vp_check_commands[which].name);
   try_without_first(which, call);
   for (unsigned i = 0; candidates > 1 && i < handle_count; i++) {
      if (can_be_foreign(which, &handles[i]))
         try_foreign(which, call, &handles[i]);
   }
   commands_tried += turn == 0 && candidates > 1;
}

/* The one command that may name any object: of another device's nothing happens, since a wrong name harms nobody. */
static void test_name(void)
{
   struct vp_object object = {.id = object_of(THEIRS, VK_OBJECT_TYPE_BUFFER)};

   const uint64_t calls = null_state.calls;
   DO(vkSetObjectNameVP, .device = OBJECT(VkDevice, DEVICE), .object = object.id, .pObjectName = "name");
   CHECK(null_state.calls == calls);
   object.id = object_of(OURS, VK_OBJECT_TYPE_BUFFER);
   DO(vkSetObjectNameVP, .device = OBJECT(VkDevice, DEVICE), .object = object.id, .pObjectName = "name");
   CHECK(null_state.calls == calls + 1);
}

/* There is no second instance whose objects could be meant. */
static void test_one_instance(void)
{
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   struct vp_object object = {.id = NEW_SLOTS};
   VkInstance instance = (VkInstance)(uintptr_t)&object;

   vp_encoder_reset(&request);
   vp_request_vkCreateInstance(&request, 0,
                               &(struct vp_cmd_vkCreateInstance){.pCreateInfo = &info, .pInstance = &instance});
   CHECK(!vps_executor_run(&ctx, request.start, vp_encoder_size(&request)));
   CHECK(strstr(ctx.error.text, "has an instance already"));
   forget_failure();
}

int main(void)
{
   start_requests();
   test_one_instance();
   test_name();
   for (size_t i = 0; i < COMMANDS; i++) {
      const struct vps_dispatch *entry = vps_dispatch_find(vp_check_commands[i].number);
      for (uint32_t turn = 0; entry && !entry->refusal && turn < 3; turn++) { /* a union has as many kinds */
         try_command(i, turn);
         vp_arena_reset(&arena);
      }
   }
   printf("%u commands with %u objects of another device\n", commands_tried, tried);
   CHECK(commands_tried > 140);
   finish_requests();
   return check_finish();
}
