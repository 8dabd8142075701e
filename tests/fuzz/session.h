/* SPDX-License-Identifier: MIT */
#ifndef VP_FUZZ_SESSION_H
#define VP_FUZZ_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/codec_check.h"
#include "tests/unit/golden.h"

/* Sessions that make sense to a server, as an input for fuzzing: golden requests whose ids are those of objects that
 * the session has created before.
 *
 * An input is a u64 for the null driver, and then pieces: a u32 with the size in its low 24 bits, and that many bytes
 * of commands; with its highest bit set, a u64 id and the payload of a MEMORY frame for it; with the one below, of
 * commands that are recorded. */

#define SESSION_HEAD 8
#define SESSION_MEMORY (1u << 31)
#define SESSION_RECORDED (1u << 30)
#define SESSION_SIZE_MASK 0xffffffu
#define SESSION_MEMORY_SIZE 9000
#define SESSION_OBJECTS 512
#define SESSION_MAX_DEPTH 12

struct session {
   const struct golden_list *golden;
   struct vp_encoder out;
   struct vp_arena arena;
   struct {
      int32_t type;
      uint64_t id;
   } objects[SESSION_OBJECTS];
   unsigned object_count;
   uint32_t next_slot;
   uint64_t random;
   unsigned depth; /* of creations for creations */
   bool creates;   /* the request being read makes new objects */
   bool keep_ids;  /* the request being read is already of this session */
   bool failed;
};

static inline uint32_t session_random(struct session *session)
{
   session->random ^= session->random << 13;
   session->random ^= session->random >> 7;
   session->random ^= session->random << 17;
   return (uint32_t)(session->random >> 16);
}

static inline void session_init(struct session *session, const struct golden_list *golden, uint64_t seed)
{
   memset(session, 0, sizeof(*session));
   session->golden = golden;
   session->random = seed * 2 + 1;
   session->next_slot = 1;
   vp_arena_init(&session->arena, (size_t)16 << 20);
   if (!vp_encoder_init(&session->out))
      abort();
   vp_enc_u64(&session->out, 0);
}

static inline void session_finish(struct session *session)
{
   vp_encoder_finish(&session->out);
   vp_arena_finish(&session->arena);
}

static inline bool session_creates(const struct vp_check_command *command)
{
   return !strncmp(command->name, "vkCreate", 8) || !strncmp(command->name, "vkAllocate", 10) ||
          !strncmp(command->name, "vkGetDeviceQueue", 16) || !strcmp(command->name, "vkEnumeratePhysicalDevices");
}

static inline void session_add_object(struct session *session, int32_t type, uint64_t id)
{
   if (session->object_count < SESSION_OBJECTS) {
      session->objects[session->object_count].type = type;
      session->objects[session->object_count++].id = id;
   }
   if ((uint32_t)id >= session->next_slot && (uint32_t)id < UINT32_MAX)
      session->next_slot = (uint32_t)id + 1;
}

/* Any object of that type; 0 when there is none. */
static inline uint64_t session_pick(struct session *session, int32_t type)
{
   uint64_t picked = 0;
   unsigned seen = 0;
   for (unsigned i = 0; i < session->object_count; i++) {
      if (session->objects[i].type == type && session_random(session) % ++seen == 0)
         picked = session->objects[i].id;
   }
   return picked;
}

static inline bool session_add_golden(struct session *session, const struct golden_bytes *request);

/* What codec_read_request() would do with the ids, and whether one of them is new and of the wanted type. */
struct session_search {
   int32_t type;
   bool found;
};

static inline uint64_t session_search_new(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   struct session_search *search = dec->context;
   search->found = search->found || type == search->type;
   return codec_object(dec, type, id);
}

static inline bool session_request_makes(const struct golden_bytes *request, int32_t type, struct vp_arena *arena)
{
   struct session_search search = {.type = type};
   struct vp_decoder dec;

   vp_decoder_init(&dec, request->data, request->size, arena);
   dec.find_handle = codec_object;
   dec.new_handle = session_search_new;
   dec.context = &search;
   const struct vp_check_command *command = codec_find(vp_dec_u32(&dec));
   vp_dec_u32(&dec);
   if (!command || !session_creates(command))
      return false;
   void *call = vp_dec_alloc(&dec, 1, command->size);
   if (call)
      command->decode(&dec, call);
   return search.found && !dec.error;
}

/* An object of that type; if there is none it is created with the first golden request that does. */
static inline uint64_t session_require(struct session *session, int32_t type)
{
   const bool creates = session->creates;
   uint64_t id = session_pick(session, type);

   if (id || session->depth == SESSION_MAX_DEPTH)
      return id;
   session->depth++;
   for (size_t i = 0; i < session->golden->count && !id; i++) {
      const struct golden_bytes *request = &session->golden->vectors[i].request;
      if (session_request_makes(request, type, &session->arena) && session_add_golden(session, request))
         id = session_pick(session, type);
   }
   session->depth--;
   session->creates = creates;
   return id;
}

static inline uint64_t session_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   struct session *session = dec->context;
   if (!session->keep_ids)
      id = session_require(session, type);
   if (!id)
      session->failed = true;
   return id ? codec_object(dec, type, id) : 0;
}

static inline uint64_t session_new_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   struct session *session = dec->context;
   if (!session->creates)
      return session_handle(dec, type, id);
   if (!session->keep_ids)
      id = session->next_slot;
   session_add_object(session, type, id);
   return codec_object(dec, type, id);
}

/* Reads the next request of the decoder with this session's ids. NULL when it is not valid. */
static inline void *session_read(struct session *session, struct vp_decoder *dec,
                                 const struct vp_check_command **command, uint32_t *flags)
{
   dec->find_handle = session_handle;
   dec->new_handle = session_new_handle;
   dec->context = session;
   *command = codec_find(vp_dec_u32(dec));
   *flags = vp_dec_u32(dec);
   void *call = *command ? vp_dec_alloc(dec, 1, (*command)->size) : NULL;
   if (!call)
      return NULL;
   session->creates = session_creates(*command);
   (*command)->decode(dec, call);
   return dec->error ? NULL : call;
}

/* Appends one command. */
static inline void session_append(struct session *session, const struct vp_check_command *command, uint32_t flags,
                                  const void *call)
{
   struct vp_encoder *out = &session->out;
   const size_t start = vp_encoder_size(out);
   vp_enc_u32(out, 0);
   command->request(out, flags, call);
   if (!out->failed)
      vp_put_u32(out->start + start, (uint32_t)(vp_encoder_size(out) - start - 4));
}

/* Appends a golden request with ids of this session, and what creates these before it. */
static inline bool session_add_golden(struct session *session, const struct golden_bytes *request)
{
   const struct vp_check_command *command;
   struct vp_decoder dec;
   uint32_t flags;

   vp_decoder_init(&dec, request->data, request->size, &session->arena);
   const void *call = session_read(session, &dec, &command, &flags);
   if (!call || session->failed)
      return false;
   session_append(session, command, flags, call);
   return true;
}

#define SESSION_ADD(session, command, ...)                             \
   do {                                                                \
      const struct vp_cmd_##command call = {__VA_ARGS__};              \
      session_append(session, codec_find(VP_CMD_##command), 0, &call); \
   } while (0)

/* A new id and a handle for it. */
static inline uint64_t session_new(struct session *session, struct vp_object *object, int32_t type)
{
   object->id = session->next_slot;
   session_add_object(session, type, object->id);
   return (uint64_t)(uintptr_t)object;
}

/* An image, its view, a render pass and its framebuffer that can be, which what is golden or made up cannot. */
static inline void session_add_picture(struct session *session, VkDevice device)
{
   struct vp_object objects[4] = {0};
   VkImage image = (VkImage)(uintptr_t)session_new(session, &objects[0], VK_OBJECT_TYPE_IMAGE);
   VkImageView view = (VkImageView)(uintptr_t)session_new(session, &objects[1], VK_OBJECT_TYPE_IMAGE_VIEW);
   VkRenderPass pass = (VkRenderPass)(uintptr_t)session_new(session, &objects[2], VK_OBJECT_TYPE_RENDER_PASS);
   VkFramebuffer framebuffer = (VkFramebuffer)(uintptr_t)session_new(session, &objects[3], VK_OBJECT_TYPE_FRAMEBUFFER);
   const VkImageCreateInfo image_info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                         .imageType = VK_IMAGE_TYPE_2D,
                                         .format = VK_FORMAT_R8G8B8A8_UNORM,
                                         .extent = {16, 16, 1},
                                         .mipLevels = 1,
                                         .arrayLayers = 1,
                                         .samples = VK_SAMPLE_COUNT_1_BIT,
                                         .usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT};
   const VkImageViewCreateInfo view_info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                            .image = image,
                                            .viewType = VK_IMAGE_VIEW_TYPE_2D,
                                            .format = VK_FORMAT_R8G8B8A8_UNORM,
                                            .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
   const VkAttachmentDescription attachment = {
      .format = VK_FORMAT_R8G8B8A8_UNORM, .samples = VK_SAMPLE_COUNT_1_BIT, .finalLayout = VK_IMAGE_LAYOUT_GENERAL};
   const VkAttachmentReference color = {0, VK_IMAGE_LAYOUT_GENERAL};
   const VkSubpassDescription subpass = {.colorAttachmentCount = 1, .pColorAttachments = &color};
   const VkRenderPassCreateInfo pass_info = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                             .attachmentCount = 1,
                                             .pAttachments = &attachment,
                                             .subpassCount = 1,
                                             .pSubpasses = &subpass};
   const VkFramebufferCreateInfo framebuffer_info = {.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                                     .renderPass = pass,
                                                     .attachmentCount = 1,
                                                     .pAttachments = &view,
                                                     .width = 16,
                                                     .height = 16,
                                                     .layers = 1};

   SESSION_ADD(session, vkCreateImage, .device = device, .pCreateInfo = &image_info, .pImage = &image);
   SESSION_ADD(session, vkCreateImageView, .device = device, .pCreateInfo = &view_info, .pView = &view);
   SESSION_ADD(session, vkCreateRenderPass, .device = device, .pCreateInfo = &pass_info, .pRenderPass = &pass);
   SESSION_ADD(session, vkCreateFramebuffer, .device = device, .pCreateInfo = &framebuffer_info,
               .pFramebuffer = &framebuffer);
}

/* What every session begins with: an instance, a device with a queue, mapped memory, a picture, and a recording. */
static inline void session_add_start(struct session *session)
{
   struct vp_object objects[10] = {0};
   const float priority = 1;
   VkInstance instance = (VkInstance)(uintptr_t)session_new(session, &objects[0], VK_OBJECT_TYPE_INSTANCE);
   VkPhysicalDevice gpu =
      (VkPhysicalDevice)(uintptr_t)session_new(session, &objects[1], VK_OBJECT_TYPE_PHYSICAL_DEVICE);
   VkDevice device = (VkDevice)(uintptr_t)session_new(session, &objects[2], VK_OBJECT_TYPE_DEVICE);
   VkQueue queue = (VkQueue)(uintptr_t)session_new(session, &objects[3], VK_OBJECT_TYPE_QUEUE);
   VkDeviceMemory memory = (VkDeviceMemory)(uintptr_t)session_new(session, &objects[4], VK_OBJECT_TYPE_DEVICE_MEMORY);
   VkCommandPool pool = (VkCommandPool)(uintptr_t)session_new(session, &objects[5], VK_OBJECT_TYPE_COMMAND_POOL);
   VkCommandBuffer buffer =
      (VkCommandBuffer)(uintptr_t)session_new(session, &objects[6], VK_OBJECT_TYPE_COMMAND_BUFFER);
   VkQueryPool queries = (VkQueryPool)(uintptr_t)session_new(session, &objects[7], VK_OBJECT_TYPE_QUERY_POOL);
   VkEvent event = (VkEvent)(uintptr_t)session_new(session, &objects[8], VK_OBJECT_TYPE_EVENT);
   VkBuffer target = (VkBuffer)(uintptr_t)session_new(session, &objects[9], VK_OBJECT_TYPE_BUFFER);
   uint32_t one = 1;
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue_info};
   const VkDeviceQueueInfo2 queue_info_2 = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2};
   const VkMemoryAllocateInfo memory_info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = SESSION_MEMORY_SIZE, .memoryTypeIndex = 1};
   const VkBufferCreateInfo target_info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 8000, .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   const VkCommandBufferAllocateInfo buffer_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
   const VkQueryPoolCreateInfo query_info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryCount = 64};
   const VkEventCreateInfo event_info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   const VkCommandBufferBeginInfo begin_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &buffer};

   SESSION_ADD(session, vkCreateInstance, .pCreateInfo = &instance_info, .pInstance = &instance);
   SESSION_ADD(session, vkEnumeratePhysicalDevices, .instance = instance, .pPhysicalDeviceCount = &one,
               .pPhysicalDevices = &gpu);
   SESSION_ADD(session, vkCreateDevice, .physicalDevice = gpu, .pCreateInfo = &device_info, .pDevice = &device);
   SESSION_ADD(session, vkGetDeviceQueue2, .device = device, .pQueueInfo = &queue_info_2, .pQueue = &queue);
   SESSION_ADD(session, vkAllocateMemory, .device = device, .pAllocateInfo = &memory_info, .pMemory = &memory);
   SESSION_ADD(session, vkMapMemoryVP, .device = device, .memory = memory, .fresh = true);
   SESSION_ADD(session, vkCreateBuffer, .device = device, .pCreateInfo = &target_info, .pBuffer = &target);
   SESSION_ADD(session, vkBindBufferMemory, .device = device, .buffer = target, .memory = memory);
   SESSION_ADD(session, vkUnmapMemoryVP, .device = device, .memory = memory);
   session_add_picture(session, device);
   SESSION_ADD(session, vkCreateCommandPool, .device = device, .pCreateInfo = &pool_info, .pCommandPool = &pool);
   SESSION_ADD(session, vkAllocateCommandBuffers, .device = device, .pAllocateInfo = &buffer_info,
               .pCommandBuffers = &buffer);
   SESSION_ADD(session, vkCreateQueryPool, .device = device, .pCreateInfo = &query_info, .pQueryPool = &queries);
   SESSION_ADD(session, vkCreateEvent, .device = device, .pCreateInfo = &event_info, .pEvent = &event);
   SESSION_ADD(session, vkBeginCommandBuffer, .commandBuffer = buffer, .pBeginInfo = &begin_info);
   SESSION_ADD(session, vkCmdSetEvent, .commandBuffer = buffer, .event = event, .stageMask = 1);
   SESSION_ADD(session, vkCmdBeginQuery, .commandBuffer = buffer, .queryPool = queries, .query = 5);
   SESSION_ADD(session, vkCmdEndQuery, .commandBuffer = buffer, .queryPool = queries, .query = 5);
   SESSION_ADD(session, vkCmdFillBuffer, .commandBuffer = buffer, .dstBuffer = target, .size = VK_WHOLE_SIZE);
   SESSION_ADD(session, vkEndCommandBuffer, .commandBuffer = buffer);
   SESSION_ADD(session, vkQueueSubmit, .queue = queue, .submitCount = 1, .pSubmits = &submit);
   SESSION_ADD(session, vkMapMemoryVP, .device = device, .memory = memory);
   SESSION_ADD(session, vkBeginCommandBuffer, .commandBuffer = buffer, .pBeginInfo = &begin_info);
}

/* Some bytes of the mapped memory have changed. */
static inline void session_add_memory(struct session *session)
{
   const uint64_t id = session_pick(session, VK_OBJECT_TYPE_DEVICE_MEMORY);
   vp_enc_u32(&session->out, SESSION_MEMORY | (8 + 16 + 8));
   vp_enc_u64(&session->out, id);
   vp_enc_u64(&session->out, session_random(session) % SESSION_MEMORY_SIZE);
   vp_enc_u64(&session->out, 8);
   vp_enc_u64(&session->out, session_random(session));
}

/* Takes over an input, as far as its commands can be read, so that more can be added. */
static inline void session_read_input(struct session *session, const uint8_t *data, size_t size)
{
   session->keep_ids = true;
   vp_encoder_reset(&session->out);
   vp_enc_bytes(&session->out, data, size, 1);
   if (size % 4)
      session->out.cur -= 4 - size % 4;
   for (size_t at = SESSION_HEAD; at + 4 <= size;) {
      uint32_t head;
      memcpy(&head, data + at, 4);
      at += 4;
      const size_t length = (head & SESSION_SIZE_MASK) < size - at ? head & SESSION_SIZE_MASK : size - at;
      struct vp_decoder dec;
      vp_decoder_init(&dec, data + at, head & SESSION_MEMORY ? 0 : length, &session->arena);
      while (vp_dec_remaining(&dec) > 0 && !dec.error) {
         const struct vp_check_command *command;
         uint32_t flags;
         if (!session_read(session, &dec, &command, &flags))
            break;
      }
      at += length;
   }
   session->keep_ids = false;
   session->failed = false;
}

#endif
