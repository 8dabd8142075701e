/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_NULL_SESSION_H
#define VP_UNIT_NULL_SESSION_H

#include "server/core/context.h"
#include "server/core/frame_writer.h"
#include "server/record/command_buffer.h"
#include "server/record/track.h"
#include "server/session/executor.h"
#include "tests/fuzz/null_vulkan.h"
#include "tests/unit/check.h"

/* A session of the server on a driver that does nothing: DO executes one command. The test's objects are numbers below
 * MAX_OBJECTS, of which INSTANCE, GPU and DEVICE are there from the start. */

enum { INSTANCE, GPU, DEVICE, FIRST_OBJECT, MAX_OBJECTS = 128 };

static const struct vps_options options = {.worker_fd = -1, .clear_memory = VPS_CLEAR_MEMORY_OFF};
static struct vps_frame_writer writer;
static struct vps_context ctx;
static struct vp_encoder enc;
static struct vp_object objects[MAX_OBJECTS];

#define OBJECT(type, which) ((type)(uintptr_t)&objects[which])
#define DO(name, ...) (vp_request_##name(&enc, 0, &(struct vp_cmd_##name){__VA_ARGS__}), CHECK(session_run()))

static bool session_run(void)
{
   const bool ok = vps_executor_run(&ctx, enc.start, vp_encoder_size(&enc));
   if (!ok)
      fprintf(stderr, "  it says: %s\n", ctx.error.text);
   vp_encoder_reset(&enc);
   return ok;
}

static void session_create_device(void)
{
   const float priority = 1;
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue_info};
   VkInstance instance = OBJECT(VkInstance, INSTANCE);
   VkPhysicalDevice gpu = OBJECT(VkPhysicalDevice, GPU);
   VkDevice device = OBJECT(VkDevice, DEVICE);
   uint32_t one = 1;

   DO(vkCreateInstance, .pCreateInfo = &instance_info, .pInstance = &instance);
   DO(vkEnumeratePhysicalDevices, .instance = instance, .pPhysicalDeviceCount = &one, .pPhysicalDevices = &gpu);
   DO(vkCreateDevice, .physicalDevice = gpu, .pCreateInfo = &device_info, .pDevice = &device);
}

static void session_open(void)
{
   for (unsigned i = 0; i < MAX_OBJECTS; i++)
      objects[i].id = (UINT64_C(1) << 32) + i + 1;
   if (!vp_encoder_init(&enc) || !vp_encoder_init(&null_state.enc) ||
       !vps_frame_writer_init(&writer, -1, VP_COMPRESS_NONE) ||
       !vps_context_init(&ctx, &options, &writer, null_vkGetInstanceProcAddr))
      abort();
   session_create_device();
}

static void session_close(void)
{
   vps_context_finish(&ctx);
   vps_frame_writer_finish(&writer);
   vp_encoder_finish(&enc);
   vp_encoder_finish(&null_state.enc);
}

/* --- recording --- */

static inline void create_commands(unsigned pool, unsigned which, VkCommandBufferLevel level)
{
   const VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                             .commandPool = OBJECT(VkCommandPool, pool),
                                             .level = level,
                                             .commandBufferCount = 1};
   VkCommandBuffer commands = OBJECT(VkCommandBuffer, which);

   DO(vkAllocateCommandBuffers, .device = OBJECT(VkDevice, DEVICE), .pAllocateInfo = &info,
      .pCommandBuffers = &commands);
}

static inline void begin(unsigned which)
{
   const VkCommandBufferInheritanceInfo inheritance = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO};
   const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                          .pInheritanceInfo = &inheritance};
   DO(vkBeginCommandBuffer, .commandBuffer = OBJECT(VkCommandBuffer, which), .pBeginInfo = &info);
}

/* What has been recorded since begin(). */
static inline struct vps_writes writes_of(unsigned which)
{
   const struct vps_command_buffer *state = vps_object_find(&ctx.objects, objects[which].id)->state;
   return state->track ? state->track->writes : (struct vps_writes){0};
}

#endif
