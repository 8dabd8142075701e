/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_SESSION_GPU_H
#define VP_TESTS_SESSION_GPU_H

#include "tests/unit/session.h"

#define SIZE 65536u

/* One GPU with one queue and a mapped buffer. */
struct setup {
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkDevice device;
   VkQueue queue;
   VkCommandPool pool;
   VkDeviceMemory memory;
   VkBuffer buffer;
   uint32_t family;
};

static inline bool create_instance(struct session *s, struct setup *x)
{
   const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .apiVersion = VK_API_VERSION_1_3,
   };
   const VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &application,
   };
   x->instance = session_object(s);
   struct vp_cmd_vkCreateInstance call = {.pCreateInfo = &info, .pInstance = &x->instance};
   return CHECK(CALL(s, vkCreateInstance, &call)) && CHECK(call.ret == VK_SUCCESS);
}

static inline bool find_gpu(struct session *s, struct setup *x)
{
   VkPhysicalDevice offered[4];
   uint32_t count = 4;
   for (unsigned i = 0; i < 4; i++)
      offered[i] = session_object(s);
   struct vp_cmd_vkEnumeratePhysicalDevices call = {
      .instance = x->instance,
      .pPhysicalDeviceCount = &count,
      .pPhysicalDevices = offered,
   };
   if (!CHECK(CALL(s, vkEnumeratePhysicalDevices, &call)) || !CHECK(call.ret == VK_SUCCESS) || !CHECK(count >= 1))
      return false;
   x->gpu = offered[0];
   return true;
}

static inline bool create_device(struct session *s, struct setup *x)
{
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   VkPhysicalDeviceVulkan13Features features13 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
      .synchronization2 = VK_TRUE,
   };
   VkPhysicalDeviceVulkan12Features features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
      .pNext = &features13,
      .hostQueryReset = VK_TRUE,
   };
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &features,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
   };
   const VkDeviceQueueInfo2 queue_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2};
   const VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
   };
   x->device = session_object(s);
   x->queue = session_object(s);
   x->pool = session_object(s);
   struct vp_cmd_vkCreateDevice call = {.physicalDevice = x->gpu, .pCreateInfo = &info, .pDevice = &x->device};
   if (!CHECK(CALL(s, vkCreateDevice, &call)) || !CHECK(call.ret == VK_SUCCESS))
      return false;
   SEND(s, vkGetDeviceQueue2, .device = x->device, .pQueueInfo = &queue_info, .pQueue = &x->queue);
   SEND(s, vkCreateCommandPool, .device = x->device, .pCreateInfo = &pool_info, .pCommandPool = &x->pool);
   return true;
}

static inline uint32_t visible_type(const VkPhysicalDeviceMemoryProperties *properties)
{
   for (uint32_t i = 0; i < properties->memoryTypeCount; i++) {
      if (properties->memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)
         return i;
   }
   return 0;
}

/* Makes a copy of the memory for what is sent of it. */
static inline bool listen_to_memory(struct session *s, const struct setup *x)
{
   s->memory_id = ID(x->memory);
   s->memory_size = SIZE;
   s->memory = calloc(1, SIZE);
   s->twin = calloc(1, SIZE);
   return CHECK(s->memory && s->twin);
}

/* Fresh, or after the GPU may have written to it. */
static inline bool map_memory(struct session *s, struct setup *x, bool fresh)
{
   if (!listen_to_memory(s, x))
      return false;
   if (fresh) {
      SEND(s, vkMapMemoryVP, .device = x->device, .memory = x->memory, .fresh = VK_TRUE);
      return true;
   }
   struct vp_cmd_vkMapMemoryVP call = {.device = x->device, .memory = x->memory};
   return CHECK(CALL(s, vkMapMemoryVP, &call)) && CHECK(call.ret == VK_SUCCESS);
}

static inline bool create_unbound_buffer(struct session *s, struct setup *x)
{
   VkPhysicalDeviceMemoryProperties properties = {0};
   struct vp_cmd_vkGetPhysicalDeviceMemoryProperties ask = {
      .physicalDevice = x->gpu,
      .pMemoryProperties = &properties,
   };
   if (!CHECK(CALL(s, vkGetPhysicalDeviceMemoryProperties, &ask)) || !CHECK(properties.memoryTypeCount > 0))
      return false;
   const VkMemoryAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = SIZE,
      .memoryTypeIndex = visible_type(&properties),
   };
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = SIZE,
      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
   };
   x->memory = session_object(s);
   x->buffer = session_object(s);
   SEND(s, vkAllocateMemory, .device = x->device, .pAllocateInfo = &allocation, .pMemory = &x->memory);
   SEND(s, vkCreateBuffer, .device = x->device, .pCreateInfo = &info, .pBuffer = &x->buffer);
   return true;
}

static inline bool create_buffer(struct session *s, struct setup *x)
{
   if (!create_unbound_buffer(s, x))
      return false;
   SEND(s, vkBindBufferMemory, .device = x->device, .buffer = x->buffer, .memory = x->memory);
   return true;
}

static inline bool prepare(struct session *s, struct setup *x, bool validate)
{
   *x = (struct setup){0};
   return session_start(s, validate) && create_instance(s, x) && find_gpu(s, x) && create_device(s, x) &&
          create_buffer(s, x);
}

static inline VkCommandBuffer allocate(struct session *s, struct setup *x, VkCommandBufferLevel level)
{
   VkCommandBuffer command_buffer = session_object(s);
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = x->pool,
      .level = level,
      .commandBufferCount = 1,
   };
   SEND(s, vkAllocateCommandBuffers, .device = x->device, .pAllocateInfo = &info, .pCommandBuffers = &command_buffer);
   return command_buffer;
}

static inline void begin(struct session *s, VkCommandBuffer command_buffer)
{
   const VkCommandBufferInheritanceInfo inheritance = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO};
   const VkCommandBufferBeginInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .pInheritanceInfo = &inheritance,
   };
   SEND(s, vkBeginCommandBuffer, .commandBuffer = command_buffer, .pBeginInfo = &info);
}

static inline VkCommandBuffer start_recording(struct session *s, struct setup *x)
{
   VkCommandBuffer command_buffer = allocate(s, x, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   begin(s, command_buffer);
   return command_buffer;
}

static inline void submit(struct session *s, struct setup *x, VkCommandBuffer command_buffer)
{
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = command_buffer ? 1 : 0,
      .pCommandBuffers = &command_buffer,
   };
   SEND(s, vkQueueSubmit, .queue = x->queue, .submitCount = 1, .pSubmits = &info);
}

static inline void end_and_submit(struct session *s, struct setup *x, VkCommandBuffer command_buffer)
{
   SEND(s, vkEndCommandBuffer, .commandBuffer = command_buffer);
   submit(s, x, command_buffer);
}

/* The recorded frame of a type with this tag, the last one; NULL: none. */
static inline const struct recorded *last_frame(const struct session *s, uint32_t type, uint64_t tag)
{
   for (unsigned i = s->recorded_count; i > 0; i--) {
      if (s->recorded[i - 1].type == type && s->recorded[i - 1].tag == tag)
         return &s->recorded[i - 1];
   }
   return NULL;
}

static inline bool all_bytes(const uint8_t *data, size_t size, uint8_t value)
{
   for (size_t i = 0; i < size; i++) {
      if (data[i] != value)
         return false;
   }
   return true;
}

static inline void destroy_all(struct session *s, struct setup *x)
{
   SEND(s, vkDestroyBuffer, .device = x->device, .buffer = x->buffer);
   SEND(s, vkFreeMemory, .device = x->device, .memory = x->memory);
   SEND(s, vkDestroyCommandPool, .device = x->device, .commandPool = x->pool);
   SEND(s, vkDestroyDevice, .device = x->device);
   struct vp_cmd_vkDestroyInstance last = {.instance = x->instance};
   CHECK(CALL(s, vkDestroyInstance, &last));
}

#endif
