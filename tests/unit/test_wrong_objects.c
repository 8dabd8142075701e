/* SPDX-License-Identifier: MIT */
/* An id that is nothing, and an object that is something else: whatever command names one, and wherever in it, the
 * session ends before the driver hears of it. Every command is tried with every one of its handles, and each of those
 * with an id that was never given, the largest one, one of an object that is gone, and an object of every other type.
 * And what is left of objects that end, twice, or together with what they belong to. */
#include "tests/unit/every_request.h"

static uint64_t gone; /* the id of an object that was destroyed */
static unsigned tried, commands_tried;

static bool is_refused(size_t which, void *call)
{
   const uint64_t calls = null_state.calls;

   send_request(which, call);
   const bool refused = ctx.failed && null_state.calls == calls;
   forget_failure();
   return refused;
}

static void try_id(size_t which, void *call, struct handle *handle, uint64_t id)
{
   const uint64_t right = handle->object->id;

   handle->object->id = id;
   if (!CHECK(is_refused(which, call)))
      printf("%s with %#llx as its object of type %d (the handle %u of %u)\n", vp_check_commands[which].name,
             (unsigned long long)id, handle->type, (unsigned)(handle - handles), handle_count);
   handle->object->id = right;
   tried++;
}

static void try_handle(size_t which, void *call, struct handle *handle)
{
   const uint64_t right = handle->object->id;
   const uint64_t nothing[] = {gone, NEW_SLOTS - 1, right + (UINT64_C(1) << 32), UINT64_MAX, UINT32_MAX};

   for (size_t i = 0; i < sizeof(nothing) / sizeof(*nothing); i++)
      try_id(which, call, handle, nothing[i]);
   for (unsigned i = 0; i < made[OURS].count; i++) {
      if (made[OURS].objects[i]->id != right)
         try_id(which, call, handle, made[OURS].objects[i]->id);
   }
}

static void try_command(size_t which, uint32_t turn)
{
   void *call = make_call(which, turn);
   const unsigned before = tried;

   for (unsigned i = 0; i < handle_count; i++) {
      if (must_exist(which, &handles[i]))
         try_handle(which, call, &handles[i]);
   }
   commands_tried += turn == 0 && tried > before;
}

/* One object of every type that any command uses, before the first is tried. */
static void make_objects(size_t which)
{
   make_call(which, 0);
   vp_arena_reset(&arena);
}

/* --- ends --- */

enum { POOL = FIRST_OBJECT + 1, COMMANDS_A, BUFFER };

#define REFUSED(name, words, ...)                                        \
   do {                                                                  \
      const uint64_t calls = null_state.calls;                           \
      vp_encoder_reset(&enc);                                            \
      vp_request_##name(&enc, 0, &(struct vp_cmd_##name){__VA_ARGS__});  \
      CHECK(!vps_executor_run(&ctx, enc.start, vp_encoder_size(&enc)));  \
      CHECK(strstr(ctx.error.text, words) && null_state.calls == calls); \
      vp_encoder_reset(&enc);                                            \
      forget_failure();                                                  \
   } while (0)

static void create_buffer(void)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 16, .usage = 1};
   VkBuffer buffer = OBJECT(VkBuffer, BUFFER);

   DO(vkCreateBuffer, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pBuffer = &buffer);
}

static void test_twice(void)
{
   const VkDevice device = OBJECT(VkDevice, DEVICE);
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   VkMemoryRequirements needs;

   create_buffer();
   REFUSED(vkCreateBuffer, "in use", .device = device,
           .pCreateInfo = &(const VkBufferCreateInfo){.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 16},
           .pBuffer = (VkBuffer *)(uintptr_t)&buffer);
   DO(vkDestroyBuffer, .device = device, .buffer = buffer);
   gone = objects[BUFFER].id;
   REFUSED(vkDestroyBuffer, "there is no object", .device = device, .buffer = buffer);
   objects[BUFFER].id += UINT64_C(1) << 32; /* its successor in the same slot */
   create_buffer();
   DO(vkGetBufferMemoryRequirements, .device = device, .buffer = buffer, .pMemoryRequirements = &needs);
   objects[BUFFER].id = gone;
   REFUSED(vkGetBufferMemoryRequirements, "there is no object", .device = device, .buffer = buffer,
           .pMemoryRequirements = &needs);
   REFUSED(vkDestroyBuffer, "there is no object", .device = device, .buffer = buffer);
   objects[BUFFER].id += UINT64_C(1) << 32;
   DO(vkDestroyBuffer, .device = device, .buffer = buffer);
   objects[BUFFER].id += UINT64_C(1) << 32;
}

/* What belongs to a pool, or to a device, ends with it, in the driver as well, which would find out. */
static void test_together(void)
{
   const VkDevice device = OBJECT(VkDevice, DEVICE);
   const VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   VkCommandPool pool = OBJECT(VkCommandPool, POOL);
   VkCommandBuffer commands = OBJECT(VkCommandBuffer, COMMANDS_A);
   const VkCommandBufferAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};

   DO(vkCreateCommandPool, .device = device, .pCreateInfo = &info, .pCommandPool = &pool);
   DO(vkAllocateCommandBuffers, .device = device, .pAllocateInfo = &allocation, .pCommandBuffers = &commands);
   DO(vkDestroyCommandPool, .device = device, .commandPool = pool);
   REFUSED(vkEndCommandBuffer, "there is no object", .commandBuffer = commands);
   REFUSED(vkFreeCommandBuffers, "there is no object", .device = device, .commandPool = pool, .commandBufferCount = 1,
           .pCommandBuffers = &commands);
   create_buffer();
   DO(vkDestroyDevice, .device = device);
   REFUSED(vkDestroyDevice, "there is no object", .device = device);
   REFUSED(vkDestroyBuffer, "there is no object", .device = device, .buffer = OBJECT(VkBuffer, BUFFER));
}

int main(void)
{
   start_requests();
   test_twice();
   for (size_t i = 0; i < COMMANDS; i++)
      make_objects(i);
   for (size_t i = 0; i < COMMANDS; i++) {
      const struct vps_dispatch *entry = vps_dispatch_find(vp_check_commands[i].number);
      for (uint32_t turn = 0; entry && !entry->refusal && turn < 3; turn++) { /* a union has as many kinds */
         try_command(i, turn);
         vp_arena_reset(&arena);
      }
   }
   printf("%u commands with %u wrong objects of %u types\n", commands_tried, tried, made[OURS].count);
   CHECK(commands_tried > 200);
   test_together();
   finish_requests();
   return check_finish();
}
