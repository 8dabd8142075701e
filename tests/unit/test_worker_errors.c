/* SPDX-License-Identifier: MIT */
/* A worker whose client does something wrong. One error per session: each ends with an ERROR frame that says what, and
 * exit status 1. */

#include "common/net/limits.h"
#include "common/util/cores.h"
#include "tests/unit/session_gpu.h"

static void expect_error(struct session *s, uint32_t command, const char *text)
{
   struct vp_error error;
   if (CHECK(session_error(s, &error))) {
      if (!CHECK(strstr(error.text, text)) || !CHECK(error.command == command))
         fprintf(stderr, "  it says: %s (command %u)\n", error.text, error.command);
   }
   CHECK(session_close(s) == 1);
}

static void test_greetings(void)
{
   struct session s;
   struct vp_hello hello;

   vp_hello_init(&hello, "test");
   hello.protocol_version = 77;
   CHECK(session_open(&s, false) && session_greet(&s, &hello));
   expect_error(&s, VP_ERROR_NO_COMMAND, "the client speaks version 77");

   vp_hello_init(&hello, "test");
   hello.own_commands ^= 1;
   CHECK(session_open(&s, false) && session_greet(&s, &hello));
   expect_error(&s, VP_ERROR_NO_COMMAND, "; the server has the own commands ");

   vp_hello_init(&hello, "test");
   hello.join[0] = 1;
   CHECK(session_open(&s, false) && session_greet(&s, &hello));
   expect_error(&s, VP_ERROR_NO_COMMAND, "does not let another connection join");

   CHECK(session_open(&s, false) && session_send(&s, VP_FRAME_RESUME, 0, NULL, 0));
   expect_error(&s, VP_ERROR_NO_COMMAND, "no session here that could be resumed");

   CHECK(session_open(&s, false) && session_send(&s, VP_FRAME_COMMANDS, 0, "abcdefgh", 8));
   expect_error(&s, VP_ERROR_NO_COMMAND, "does not speak the protocol");

   CHECK(session_open(&s, false) && write(s.fd, "GET / HTTP/1.1\r\n\r\n", 18) == 18);
   expect_error(&s, VP_ERROR_NO_COMMAND, "does not speak the protocol");

   CHECK(session_open(&s, false));
   CHECK(session_close(&s) == 1);
}

/* A client that stops in the middle of a frame and stays connected. */
static void test_stops_in_a_frame(void)
{
   const struct vp_frame_header header = {.type = VP_FRAME_COMMANDS, .length = 1000};
   uint8_t bytes[VP_FRAME_HEADER_SIZE + 100] = {0};
   struct session s;

   vp_frame_header_store(bytes, &header);
   vp_frame_set_stall(200);
   for (size_t size = 5; size <= sizeof(bytes); size += 50) {
      CHECK(session_start(&s, false) && write(s.fd, bytes, size) == (ssize_t)size);
      expect_error(&s, VP_ERROR_NO_COMMAND, "the client has stopped in the middle of a message");
   }
   vp_frame_set_stall(VP_FRAME_STALL_MS);
}

/* Two builds get along; when something goes wrong, it is said how they differ. */
static void test_other_builds(void)
{
   struct session s;
   struct vp_hello hello;

   vp_hello_init(&hello, "test");
   hello.codec.vk_xml_version = VK_MAKE_API_VERSION(0, 1, 3, 77);
   CHECK(session_start_as(&s, false, &hello) && session_send(&s, VP_FRAME_REPLY, 0, NULL, 0));
   expect_error(&s, VP_ERROR_NO_COMMAND, ", the client from 1.3.77");
}

static void test_bad_frames(void)
{
   static const uint8_t run[24] = {0, 0, 1, 0, 0, 0, 0, 0, 8};
   struct session s;
   struct setup x;

   CHECK(session_start(&s, false) && session_send(&s, VP_FRAME_REPLY, 0, NULL, 0));
   expect_error(&s, VP_ERROR_NO_COMMAND, "frames of type 3");

   CHECK(session_start(&s, false) && session_send(&s, 99, 0, NULL, 0));
   expect_error(&s, VP_ERROR_NO_COMMAND, "the client sent data that is not of this protocol");

   CHECK(session_start(&s, false) && session_send(&s, VP_FRAME_SKIPPABLE | 99, 7, run, sizeof(run)));
   CHECK(session_send(&s, VP_FRAME_AUTH, 0, NULL, 0));
   expect_error(&s, VP_ERROR_NO_COMMAND, "does not ask for authentication");

   CHECK(session_start(&s, false) && session_send(&s, VP_FRAME_MEMORY, 5, run, sizeof(run)));
   expect_error(&s, VP_ERROR_NO_COMMAND, "no object with the id 0x5");

   CHECK(prepare(&s, &x, false) && session_flush(&s));
   CHECK(session_send(&s, VP_FRAME_MEMORY, ID(x.memory), run, sizeof(run)));
   expect_error(&s, VP_ERROR_NO_COMMAND, "is not mapped");

   CHECK(prepare(&s, &x, false) && map_memory(&s, &x, true) && session_flush(&s));
   CHECK(session_send(&s, VP_FRAME_MEMORY, ID(x.memory), run, sizeof(run)));
   expect_error(&s, VP_ERROR_NO_COMMAND, "do not fit");
}

/* A client whose large frame is wrong, and that says nothing else that counts, hears of it. */
static void test_bad_upload(void)
{
   static uint8_t data[100000];
   struct session s;
   struct setup x;

   vp_put_u64(vp_put_u64(data, SIZE), sizeof(data) - 16);
   vp_cores_assume(VP_MIN_CORES_TO_SHARE);
   CHECK(prepare(&s, &x, false) && map_memory(&s, &x, true) && session_flush(&s));
   vp_cores_assume(0);
   CHECK(session_send(&s, VP_FRAME_MEMORY, ID(x.memory), data, sizeof(data)));
   CHECK(session_send(&s, VP_FRAME_SKIPPABLE, 0, data, 100));
   expect_error(&s, VP_ERROR_NO_COMMAND, "do not fit");
}

static bool send_recorded(struct session *s)
{
   const bool ok = session_send(s, VP_FRAME_RECORDED, 0, s->enc.start, vp_encoder_size(&s->enc));
   vp_encoder_reset(&s->enc);
   return ok;
}

static void put_fill(struct session *s, const struct setup *x, VkCommandBuffer commands)
{
   SEND(s, vkCmdFillBuffer, .commandBuffer = commands, .dstBuffer = x->buffer, .size = VK_WHOLE_SIZE);
}

/* A client that recorded something wrong and says nothing else hears of it: from threads, or without. */
static void test_bad_recording(unsigned cores)
{
   struct session s;
   struct setup x;
   VkCommandBuffer commands[2];

   vp_cores_assume(cores);
   CHECK(prepare(&s, &x, false));
   vp_cores_assume(0);
   const VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   commands[0] = start_recording(&s, &x);
   x.pool = session_object(&s);
   SEND(&s, vkCreateCommandPool, .device = x.device, .pCreateInfo = &info, .pCommandPool = &x.pool);
   commands[1] = start_recording(&s, &x);
   CHECK(session_flush(&s));
   for (unsigned i = 0; i < 4; i++) {
      put_fill(&s, &x, commands[i % 2]);
      CHECK(send_recorded(&s));
   }
   put_fill(&s, &x, commands[0]);
   put_fill(&s, &x, commands[1]);
   CHECK(send_recorded(&s));
   expect_error(&s, VP_CMD_vkCmdFillBuffer, "recorded into another command buffer");
}

/* Encodes one bad thing after a good start. */
struct bad_command {
   uint32_t command; /* that the error names */
   const char *text; /* that it says */
   void (*encode)(struct session *s, struct setup *x);
};

static void put_header(struct session *s, uint32_t number, uint32_t flags)
{
   vp_enc_u32(&s->enc, number);
   vp_enc_u32(&s->enc, flags);
}

static void unknown_number(struct session *s, struct setup *x)
{
   (void)x;
   put_header(s, 0x3fff, 0);
}

static void refused_command(struct session *s, struct setup *x)
{
   SEND(s, vkDeviceWaitIdle, .device = x->device);
}

static void transport_command(struct session *s, struct setup *x)
{
   (void)x;
   SEND(s, vkNotifyRingMESA, .ring = 1);
}

static void unknown_flags(struct session *s, struct setup *x)
{
   vp_request_vkDestroyBuffer(&s->enc, 2, &(struct vp_cmd_vkDestroyBuffer){.device = x->device, .buffer = x->buffer});
}

static void half_a_header(struct session *s, struct setup *x)
{
   (void)x;
   vp_enc_u32(&s->enc, VP_CMD_vkDestroyBuffer);
}

static void truncated(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = x->buffer);
   s->enc.cur -= 4;
}

static void unknown_object(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = session_object(s));
}

static void wrong_type(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = (VkBuffer)(void *)x->memory);
}

static void wrong_type_first(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .device = (VkDevice)x->gpu, .buffer = x->buffer);
}

static void no_device(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .buffer = x->buffer);
}

static void no_pipeline(struct session *s, struct setup *x)
{
   VkCommandBuffer command_buffer = start_recording(s, x);
   SEND(s, vkCmdBindPipeline, .commandBuffer = command_buffer);
}

static void id_in_use(struct session *s, struct setup *x)
{
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   VkEvent event = (VkEvent)(void *)x->buffer;
   SEND(s, vkCreateEvent, .device = x->device, .pCreateInfo = &info, .pEvent = &event);
}

static void id_out_of_range(struct session *s, struct setup *x)
{
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   VkEvent event = session_object(s);
   ((struct vp_object *)(void *)event)->id = 4194304;
   SEND(s, vkCreateEvent, .device = x->device, .pCreateInfo = &info, .pEvent = &event);
}

static void one_id_twice(struct session *s, struct setup *x)
{
   VkCommandBuffer both[2];
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = x->pool,
      .commandBufferCount = 2,
   };
   both[0] = both[1] = session_object(s);
   SEND(s, vkAllocateCommandBuffers, .device = x->device, .pAllocateInfo = &info, .pCommandBuffers = both);
}

/* The slot of an object, for another generation of ids. */
static void *same_slot(struct session *s, const void *object)
{
   struct vp_object *other = session_object(s);
   other->id = (uint32_t)ID(object) | UINT64_C(8) << 32;
   return other;
}

static VkDevice failing_device(struct session *s, struct setup *x)
{
   const char *extension = "VK_VP_of_no_driver";
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .enabledExtensionCount = 1,
      .ppEnabledExtensionNames = &extension,
   };
   VkDevice device = session_object(s);
   SEND(s, vkCreateDevice, .physicalDevice = x->gpu, .pCreateInfo = &info, .pDevice = &device);
   return device;
}

/* A child would become its own parent. */
static void slot_of_its_parent(struct session *s, struct setup *x)
{
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   VkDevice device = failing_device(s, x);
   VkEvent event = same_slot(s, device);
   SEND(s, vkCreateEvent, .device = device, .pCreateInfo = &info, .pEvent = &event);
}

/* The pool that the command uses would end with its device. */
static void slot_of_an_ancestor(struct session *s, struct setup *x)
{
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   VkDevice device = failing_device(s, x);
   VkCommandPool pool = session_object(s);
   VkCommandBuffer command_buffer = same_slot(s, device);
   SEND(s, vkCreateCommandPool, .device = device, .pCreateInfo = &pool_info, .pCommandPool = &pool);
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = pool,
      .commandBufferCount = 1,
   };
   SEND(s, vkAllocateCommandBuffers, .device = x->device, .pAllocateInfo = &info, .pCommandBuffers = &command_buffer);
}

static void use_after_destruction(struct session *s, struct setup *x)
{
   VkCommandBuffer command_buffer = start_recording(s, x);
   SEND(s, vkDestroyCommandPool, .device = x->device, .commandPool = x->pool);
   SEND(s, vkEndCommandBuffer, .commandBuffer = command_buffer);
}

static void giant_count(struct session *s, struct setup *x)
{
   put_header(s, VP_CMD_vkQueueSubmit, 0);
   vp_enc_u64(&s->enc, ID(x->queue));
   vp_enc_u32(&s->enc, UINT32_MAX);
   vp_enc_u64(&s->enc, UINT32_MAX);
}

static void giant_output(struct session *s, struct setup *x)
{
   put_header(s, VP_CMD_vkEnumeratePhysicalDeviceGroups, 1);
   vp_enc_u64(&s->enc, ID(x->instance));
   vp_enc_u64(&s->enc, 1);
   vp_enc_u32(&s->enc, 0x7fffffff);
   vp_enc_u64(&s->enc, 0x7fffffff);
}

static void second_instance(struct session *s, struct setup *x)
{
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   VkInstance instance = session_object(s);
   (void)x;
   SEND(s, vkCreateInstance, .pCreateInfo = &info, .pInstance = &instance);
}

static void second_mapping(struct session *s, struct setup *x)
{
   SEND(s, vkMapMemoryVP, .device = x->device, .memory = x->memory, .fresh = VK_TRUE);
   SEND(s, vkMapMemoryVP, .device = x->device, .memory = x->memory, .fresh = VK_TRUE);
}

static void missing_queue(struct session *s, struct setup *x)
{
   const VkDeviceQueueInfo2 info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2, .queueIndex = 1};
   VkQueue queue = session_object(s);
   SEND(s, vkGetDeviceQueue2, .device = x->device, .pQueueInfo = &info, .pQueue = &queue);
}

/* However often it is asked for, a queue has one id, one lock and one thread. */
static void queue_again(struct session *s, struct setup *x)
{
   const VkDeviceQueueInfo2 info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2};
   VkQueue queue = session_object(s);
   SEND(s, vkGetDeviceQueue2, .device = x->device, .pQueueInfo = &info, .pQueue = &queue);
}

static void missing_queries(struct session *s, struct setup *x)
{
   const VkQueryPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
      .queryType = VK_QUERY_TYPE_TIMESTAMP,
      .queryCount = 4,
   };
   VkQueryPool pool = session_object(s);
   SEND(s, vkCreateQueryPool, .device = x->device, .pCreateInfo = &info, .pQueryPool = &pool);
   SEND(s, vkResetQueryPool, .device = x->device, .queryPool = pool, .firstQuery = 3, .queryCount = UINT32_MAX);
}

static void missing_extension(struct session *s, struct setup *x)
{
   VkCommandBuffer command_buffer = start_recording(s, x);
   SEND(s, vkCmdDrawMeshTasksEXT, .commandBuffer = command_buffer, .groupCountX = 1);
}

static void foreign_object(struct session *s, struct setup *x)
{
   const VkDevice device = x->device;
   create_device(s, x);
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = x->buffer);
   x->device = device;
}

static const struct bad_command bad_commands[] = {
   {0x3fff, "does not know the command 16383", unknown_number},
   {VP_CMD_vkDeviceWaitIdle, "must be answered by the client", refused_command},
   {VP_CMD_vkNotifyRingMESA, "does not use", transport_command},
   {VP_CMD_vkDestroyBuffer, "unknown flags 0x2", unknown_flags},
   {VP_CMD_vkDestroyBuffer, "the data ends inside a command", half_a_header},
   {VP_CMD_vkDestroyBuffer, "the data ends inside a command", truncated},
   {VP_CMD_vkDestroyBuffer, "there is no object", unknown_object},
   {VP_CMD_vkDestroyBuffer, "is of type 8 instead of 9", wrong_type},
   {VP_CMD_vkDestroyBuffer, "is of type 2 instead of 3", wrong_type_first},
   {VP_CMD_vkDestroyBuffer, "its first object is missing", no_device},
   {VP_CMD_vkCmdBindPipeline, "pipeline is missing", no_pipeline},
   {VP_CMD_vkCreateEvent, "is in use", id_in_use},
   {VP_CMD_vkCreateEvent, "out of range", id_out_of_range},
   {VP_CMD_vkAllocateCommandBuffers, "is in use", one_id_twice},
   {VP_CMD_vkCreateEvent, "the slot of one that the command needs", slot_of_its_parent},
   {VP_CMD_vkAllocateCommandBuffers, "the slot of one that the command needs", slot_of_an_ancestor},
   {VP_CMD_vkEndCommandBuffer, "there is no object", use_after_destruction},
   {VP_CMD_vkQueueSubmit, "longer than the data", giant_count},
   {VP_CMD_vkEnumeratePhysicalDeviceGroups, "longer than the data", giant_output},
   {VP_CMD_vkCreateInstance, "has an instance already", second_instance},
   {VP_CMD_vkMapMemoryVP, "is not fresh", second_mapping},
   {VP_CMD_vkGetDeviceQueue2, "without queue 1", missing_queue},
   {VP_CMD_vkGetDeviceQueue2, "has an id already", queue_again},
   {VP_CMD_vkResetQueryPool, "not all in their pool of 4", missing_queries},
   {VP_CMD_vkCmdDrawMeshTasksEXT, "does not have this command", missing_extension},
   {VP_CMD_vkDestroyBuffer, "another device", foreign_object},
};

static void test_bad_commands(void)
{
   for (size_t i = 0; i < sizeof(bad_commands) / sizeof(bad_commands[0]); i++) {
      struct session s;
      struct setup x;
      if (!prepare(&s, &x, false) || !CHECK(session_flush(&s)))
         return;
      bad_commands[i].encode(&s, &x);
      if (vp_encoder_size(&s.enc))
         CHECK(session_flush(&s));
      expect_error(&s, bad_commands[i].command, bad_commands[i].text);
   }
}

int main(void)
{
   session_use_driver();
   test_greetings();
   test_stops_in_a_frame();
   test_other_builds();
   test_bad_frames();
   test_bad_upload();
   test_bad_recording(1);
   test_bad_recording(VP_MIN_CORES_TO_SHARE);
   test_bad_commands();
   return check_finish();
}
