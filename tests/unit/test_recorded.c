/* SPDX-License-Identifier: MIT */
#include "common/net/frame.h"
#include "server/core/device.h"
#include "tests/unit/null_session.h"

/* Runs of recorded commands: that each finds its command buffer and what else it uses, and what ends or spoils a run.
 */

enum {
   BUFFER = FIRST_OBJECT,
   OTHER_DEVICE,
   POOL,
   OTHER_POOL,
   FIRST,  /* command buffers */
   SECOND, /* of the same pool */
   OTHER,  /* of the other device */
   LAYOUT,
   OTHER_LAYOUT,
   REUSED,
   NEVER_CREATED,
};

/* --- the driver's functions --- */

static struct {
   unsigned constants, fills, dispatches;
   VkCommandBuffer last;
   uint32_t first_word;
} driver, other_driver;

static VKAPI_ATTR void VKAPI_CALL push_constants(VkCommandBuffer commands, VkPipelineLayout layout,
                                                 VkShaderStageFlags stages, uint32_t offset, uint32_t size,
                                                 const void *values)
{
   (void)layout, (void)stages, (void)offset;
   driver.constants++;
   driver.last = commands;
   if (CHECK(size >= 4))
      memcpy(&driver.first_word, values, 4);
}

static VKAPI_ATTR void VKAPI_CALL fill_buffer(VkCommandBuffer commands, VkBuffer buffer, VkDeviceSize offset,
                                              VkDeviceSize size, uint32_t data)
{
   (void)buffer, (void)offset, (void)size, (void)data;
   driver.fills++;
   driver.last = commands;
}

static VKAPI_ATTR void VKAPI_CALL dispatch(VkCommandBuffer commands, uint32_t x, uint32_t y, uint32_t z)
{
   (void)x, (void)y, (void)z;
   driver.dispatches++;
   driver.last = commands;
}

static VKAPI_ATTR void VKAPI_CALL other_dispatch(VkCommandBuffer commands, uint32_t x, uint32_t y, uint32_t z)
{
   (void)x, (void)y, (void)z;
   other_driver.dispatches++;
   other_driver.last = commands;
}

static struct vps_device_functions *functions_of(unsigned device)
{
   struct vps_device *state = vps_object_find(&ctx.objects, objects[device].id)->state;
   return &state->functions;
}

/* --- the session --- */

static void create_pool(unsigned device, unsigned which)
{
   const VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   VkCommandPool pool = OBJECT(VkCommandPool, which);

   DO(vkCreateCommandPool, .device = OBJECT(VkDevice, device), .pCreateInfo = &info, .pCommandPool = &pool);
}

static void create_other_commands(void)
{
   const VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                             .commandPool = OBJECT(VkCommandPool, OTHER_POOL),
                                             .commandBufferCount = 1};
   VkCommandBuffer commands = OBJECT(VkCommandBuffer, OTHER);

   DO(vkAllocateCommandBuffers, .device = OBJECT(VkDevice, OTHER_DEVICE), .pAllocateInfo = &info,
      .pCommandBuffers = &commands);
}

static void create_layout(unsigned device, unsigned which)
{
   const VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 128};
   const VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                            .pushConstantRangeCount = 1,
                                            .pPushConstantRanges = &range};
   VkPipelineLayout layout = OBJECT(VkPipelineLayout, which);

   DO(vkCreatePipelineLayout, .device = OBJECT(VkDevice, device), .pCreateInfo = &info, .pPipelineLayout = &layout);
}

static void create_buffer(unsigned which)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 4096, .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkBuffer buffer = OBJECT(VkBuffer, which);

   DO(vkCreateBuffer, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pBuffer = &buffer);
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

static void open(void)
{
   session_open();
   create_other_device();
   create_buffer(BUFFER);
   create_pool(DEVICE, POOL);
   create_pool(OTHER_DEVICE, OTHER_POOL);
   create_commands(POOL, FIRST, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   create_commands(POOL, SECOND, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   create_other_commands();
   create_layout(DEVICE, LAYOUT);
   create_layout(OTHER_DEVICE, OTHER_LAYOUT);
   functions_of(DEVICE)->CmdPushConstants = push_constants;
   functions_of(DEVICE)->CmdFillBuffer = fill_buffer;
   functions_of(DEVICE)->CmdDispatch = dispatch;
   functions_of(OTHER_DEVICE)->CmdDispatch = other_dispatch;
   begin(FIRST);
   begin(SECOND);
   begin(OTHER);
   memset(&driver, 0, sizeof(driver));
   memset(&other_driver, 0, sizeof(other_driver));
}

static VkCommandBuffer handle_of(unsigned which)
{
   return (VkCommandBuffer)(uintptr_t)vps_object_find(&ctx.objects, objects[which].id)->handle;
}

/* --- runs --- */

static void add_dispatch(unsigned which)
{
   vp_request_vkCmdDispatch(
      &enc, 0,
      &(struct vp_cmd_vkCmdDispatch){
         .commandBuffer = OBJECT(VkCommandBuffer, which), .groupCountX = 1, .groupCountY = 1, .groupCountZ = 1});
}

static void add_constants(unsigned which, unsigned layout, uint32_t word)
{
   vp_request_vkCmdPushConstants(&enc, 0,
                                 &(struct vp_cmd_vkCmdPushConstants){.commandBuffer = OBJECT(VkCommandBuffer, which),
                                                                     .layout = OBJECT(VkPipelineLayout, layout),
                                                                     .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
                                                                     .size = sizeof(word),
                                                                     .pValues = &word});
}

static void add_fill(unsigned which, unsigned buffer)
{
   vp_request_vkCmdFillBuffer(&enc, 0,
                              &(struct vp_cmd_vkCmdFillBuffer){.commandBuffer = OBJECT(VkCommandBuffer, which),
                                                               .dstBuffer = OBJECT(VkBuffer, buffer),
                                                               .size = VK_WHOLE_SIZE});
}

/* Runs what was added, which ends the session with this sentence at the byte `offset` of it. */
static void fails(uint32_t command, const char *text, size_t offset)
{
   const uint64_t before = ctx.stream_offset;

   CHECK(!vps_executor_run(&ctx, enc.start, vp_encoder_size(&enc)));
   if (!CHECK(ctx.error.command == command && ctx.error.offset == before + offset))
      fprintf(stderr, "  command %u at %llu\n", ctx.error.command, (unsigned long long)(ctx.error.offset - before));
   if (!CHECK(strstr(ctx.error.text, text)))
      fprintf(stderr, "  it says: %s\n", ctx.error.text);
   vp_encoder_reset(&enc);
   session_close();
}

/* Several command buffers, also of several devices, in one piece. */
static void test_turns(void)
{
   open();
   for (unsigned i = 0; i < 3; i++) {
      add_dispatch(FIRST);
      add_dispatch(OTHER);
      add_constants(SECOND, LAYOUT, i);
   }
   CHECK(session_run());
   CHECK(driver.dispatches == 3 && driver.constants == 3 && other_driver.dispatches == 3);
   CHECK(driver.last == handle_of(SECOND) && other_driver.last == handle_of(OTHER) && driver.first_word == 2);
   add_dispatch(FIRST);
   CHECK(session_run());
   CHECK(driver.last == handle_of(FIRST));
   session_close();
}

static void test_wrong_objects(void)
{
   open(); /* an id of nothing in the middle */
   add_dispatch(FIRST);
   add_fill(FIRST, NEVER_CREATED);
   size_t end = vp_encoder_size(&enc);
   add_dispatch(FIRST);
   fails(VP_CMD_vkCmdFillBuffer, "vkCmdFillBuffer: there is no object with the id", end);
   CHECK(driver.dispatches == 1 && driver.fills == 0);

   open(); /* one of another type */
   add_dispatch(FIRST);
   add_fill(FIRST, LAYOUT);
   fails(VP_CMD_vkCmdFillBuffer, "is of type 17 instead of 9", vp_encoder_size(&enc));
   CHECK(driver.dispatches == 1 && driver.fills == 0);

   open(); /* one of another device */
   add_dispatch(OTHER);
   add_constants(FIRST, OTHER_LAYOUT, 1);
   fails(VP_CMD_vkCmdPushConstants, "belongs to another device", vp_encoder_size(&enc) - 4);
   CHECK(driver.constants == 0 && other_driver.dispatches == 1);

   open(); /* the command buffer itself: something else, unknown, missing */
   add_dispatch(FIRST);
   add_dispatch(BUFFER);
   fails(VP_CMD_vkCmdDispatch, "is of type 9 instead of 6", vp_encoder_size(&enc));
   CHECK(driver.dispatches == 1);

   open();
   add_dispatch(FIRST);
   add_dispatch(NEVER_CREATED);
   fails(VP_CMD_vkCmdDispatch, "there is no object with the id", vp_encoder_size(&enc));

   open();
   add_dispatch(FIRST);
   add_dispatch(FIRST);
   end = vp_encoder_size(&enc);
   memset(enc.start + end - 20, 0, 8);
   fails(VP_CMD_vkCmdDispatch, "its first object is missing", end);
   CHECK(driver.dispatches == 1);

   open(); /* an object that must be there is not */
   add_fill(FIRST, BUFFER);
   end = vp_encoder_size(&enc);
   memset(enc.start + 16, 0, 8);
   fails(VP_CMD_vkCmdFillBuffer, "dstBuffer is missing", end);

   open(); /* a function that the driver does not have */
   functions_of(DEVICE)->CmdDispatch = NULL;
   add_constants(FIRST, LAYOUT, 1);
   add_dispatch(FIRST);
   fails(VP_CMD_vkCmdDispatch, "the GPU's driver does not have this command", vp_encoder_size(&enc));
   CHECK(driver.constants == 1);
}

static void free_commands(unsigned which)
{
   const VkCommandBuffer commands = OBJECT(VkCommandBuffer, which);
   DO(vkFreeCommandBuffers, .device = OBJECT(VkDevice, DEVICE), .commandPool = OBJECT(VkCommandPool, POOL),
      .commandBufferCount = 1, .pCommandBuffers = &commands);
}

/* What a run left behind is not found again when it is gone. */
static void test_destroyed(void)
{
   open();
   add_dispatch(FIRST);
   CHECK(session_run());
   free_commands(FIRST);
   add_dispatch(FIRST);
   fails(VP_CMD_vkCmdDispatch, "there is no object with the id", vp_encoder_size(&enc));

   open(); /* another object has its place and its id */
   add_dispatch(FIRST);
   CHECK(session_run());
   free_commands(FIRST);
   objects[REUSED].id = objects[FIRST].id;
   create_buffer(REUSED);
   add_dispatch(FIRST);
   fails(VP_CMD_vkCmdDispatch, "is of type 9 instead of 6", vp_encoder_size(&enc));
   CHECK(driver.dispatches == 1);

   open(); /* in one piece; its successor is the one that is recorded */
   add_dispatch(FIRST);
   CHECK(session_run());
   free_commands(FIRST);
   objects[REUSED].id = objects[FIRST].id;
   create_commands(POOL, REUSED, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   begin(REUSED);
   add_dispatch(FIRST);
   CHECK(session_run());
   CHECK(driver.dispatches == 2 && driver.last == handle_of(REUSED));
   session_close();

   open(); /* what else a command uses */
   add_fill(FIRST, BUFFER);
   CHECK(session_run());
   DO(vkDestroyBuffer, .device = OBJECT(VkDevice, DEVICE), .buffer = OBJECT(VkBuffer, BUFFER));
   add_fill(FIRST, BUFFER);
   fails(VP_CMD_vkCmdFillBuffer, "there is no object with the id", vp_encoder_size(&enc));
   CHECK(driver.fills == 1);
}

/* The command names no command buffer. */
static void add_dispatch_into_nothing(void)
{
   add_dispatch(FIRST);
   memset(enc.cur - 20, 0, 8);
}

static void free_first(void)
{
   free_commands(FIRST);
}

static void destroy_pool(void)
{
   DO(vkDestroyCommandPool, .device = OBJECT(VkDevice, DEVICE), .commandPool = OBJECT(VkCommandPool, POOL));
}

static void destroy_device(void)
{
   DO(vkDestroyDevice, .device = OBJECT(VkDevice, DEVICE));
}

static void destroy_instance(void)
{
   DO(vkDestroyInstance, .instance = OBJECT(VkInstance, INSTANCE));
}

/* No id at all does not stand for the command buffer that was recorded last and is gone, however it went. */
static void test_nothing_left(void)
{
   static void (*const ends[])(void) = {free_first, destroy_pool, destroy_device, destroy_instance};

   for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
      for (unsigned apart = 0; apart < 2; apart++) {
         open();
         add_dispatch(FIRST);
         CHECK(session_run() && driver.dispatches == 1);
         ends[i]();
         add_dispatch_into_nothing();
         if (apart)
            CHECK(!vps_executor_run_apart(&ctx, enc.start, vp_encoder_size(&enc)));
         else
            CHECK(!vps_executor_run(&ctx, enc.start, vp_encoder_size(&enc)));
         CHECK(strstr(ctx.error.text, "vkCmdDispatch: its first object is missing") && driver.dispatches == 1);
         vp_encoder_reset(&enc);
         session_close();
      }
   }
}

static void test_truncated(void)
{
   for (size_t missing = 4; missing <= 24; missing += 4) {
      open();
      add_dispatch(FIRST);
      add_dispatch(FIRST);
      enc.cur -= missing;
      /* Of the number and flags, the body, nothing is read in part. */
      const size_t offset = missing <= 20 ? vp_encoder_size(&enc) - (20 - missing) : vp_encoder_size(&enc);
      fails(VP_CMD_vkCmdDispatch, "the data ends inside a command", offset);
      CHECK(driver.dispatches == 1);
   }
   open(); /* an array that is longer than the data */
   add_dispatch(FIRST);
   add_constants(FIRST, LAYOUT, 1);
   const size_t end = vp_encoder_size(&enc);
   vp_put_u32(enc.start + end - 4 - 8, 8);
   fails(VP_CMD_vkCmdPushConstants, "an array is longer than the data", end - 4);
   CHECK(driver.dispatches == 1 && driver.constants == 0);
}

/* Something unusable spoils the command buffer that uses it, and no other one. */
static void test_poison(void)
{
   open();
   struct vps_object *buffer = vps_object_find(&ctx.objects, objects[BUFFER].id),
                     *first = vps_object_find(&ctx.objects, objects[FIRST].id);
   buffer->poison = VK_ERROR_OUT_OF_DEVICE_MEMORY;
   add_dispatch(FIRST);
   add_fill(FIRST, BUFFER);
   add_dispatch(FIRST);
   add_dispatch(SECOND);
   add_constants(FIRST, LAYOUT, 1);
   CHECK(session_run());
   CHECK(driver.dispatches == 2 && driver.fills == 0 && driver.constants == 0 && driver.last == handle_of(SECOND));
   CHECK(first->poison == VK_ERROR_OUT_OF_DEVICE_MEMORY);
   CHECK(vps_object_find(&ctx.objects, objects[SECOND].id)->poison == VK_SUCCESS);
   buffer->poison = VK_SUCCESS;
   begin(FIRST);
   add_fill(FIRST, BUFFER);
   CHECK(session_run());
   CHECK(driver.fills == 1 && first->poison == VK_SUCCESS);
   session_close();
}

/* Whoever wants an answer gets one, also in the middle of a run. */
static void test_answer(void)
{
   open();
   const uint64_t before = ctx.reply_count;
   add_dispatch(FIRST);
   vp_request_vkCmdDispatch(
      &enc, 1, &(struct vp_cmd_vkCmdDispatch){.commandBuffer = OBJECT(VkCommandBuffer, FIRST), .groupCountX = 1});
   add_dispatch(FIRST);
   CHECK(session_run());
   CHECK(driver.dispatches == 3 && ctx.reply_count == before + 1);
   vp_request_vkCmdDispatch(
      &enc, 2, &(struct vp_cmd_vkCmdDispatch){.commandBuffer = OBJECT(VkCommandBuffer, FIRST), .groupCountX = 1});
   fails(VP_CMD_vkCmdDispatch, "unknown flags 0x2", 8);
}

/* The data may lie anywhere in memory. */
static void test_places(void)
{
   open();
   add_constants(FIRST, LAYOUT, 0x12345678);
   const size_t size = vp_encoder_size(&enc);
   for (size_t shift = 0; shift < 8; shift++) {
      uint8_t *data = malloc(size + shift);
      if (!data)
         abort();
      memcpy(data + shift, enc.start, size);
      driver.first_word = 0;
      CHECK(vps_executor_run(&ctx, data + shift, size) && driver.first_word == 0x12345678);
      free(data);
   }
   session_close();
}

/* What recorded commands cost is told by their bytes. */
static void test_meter(void)
{
   open();
   ctx.meter.runs = true;
   ctx.meter.sum_bytes = 0;
   for (unsigned i = 0; i < 4; i++)
      add_dispatch(FIRST);
   const size_t size = vp_encoder_size(&enc);
   CHECK(session_run());
   CHECK(ctx.meter.sum_bytes == size);
   session_close();
}

int main(void)
{
   test_turns();
   test_wrong_objects();
   test_destroyed();
   test_nothing_left();
   test_truncated();
   test_poison();
   test_answer();
   test_places();
   test_meter();
   return check_finish();
}
