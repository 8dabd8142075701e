/* SPDX-License-Identifier: MIT */
/* Phase 11: buffers and images of which only parts have memory, bound while they are in use. Here is what they share,
 * and buffers. */

#include "test-app/phase_11_sparse.h"

#include <string.h>

#define PAGES 8

bool sparse_bind(struct sparse *s, const VkBindSparseInfo *what)
{
   const VkPipelineStageFlags stages = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   VkBindSparseInfo bind = *what;
   VkSubmitInfo wait = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &s->bound,
      .pWaitDstStageMask = &stages,
   };
   bind.signalSemaphoreCount = 1;
   bind.pSignalSemaphores = &s->bound;
   return VK_CHECK(s->m->test, vkQueueBindSparse(s->m->ctx.queues[0].handle, 1, &bind, VK_NULL_HANDLE)) &&
          VK_CHECK(s->m->test, vkQueueSubmit(s->m->ctx.queues[0].handle, 1, &wait, VK_NULL_HANDLE));
}

bool sparse_allocate(struct sparse *s, const VkMemoryRequirements *needs, VkDeviceSize size, VkDeviceMemory *memory)
{
   VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = size,
      .memoryTypeIndex = app_memory_type(&s->m->ctx, needs->memoryTypeBits, 0, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT),
   };
   return CHECK(s->m->test, info.memoryTypeIndex != UINT32_MAX) &&
          VK_CHECK(s->m->test, vkAllocateMemory(s->m->ctx.device, &info, NULL, memory));
}

/* Binds pages to memory that begins at an offset, or to none. */
static bool bind_pages(struct sparse *s, VkBuffer buffer, const VkSparseMemoryBind *pages, uint32_t count)
{
   const VkSparseBufferMemoryBindInfo binds = {buffer, count, pages};
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &binds,
   };
   return sparse_bind(s, &info);
}

/* Reads all of the buffer, after filling it with a word if `fill` is not 0. */
static bool read_pages(struct sparse *s, VkBuffer buffer, uint32_t fill, const struct app_buffer *readback)
{
   const VkBufferCopy copy = {0, 0, readback->size};
   VkCommandBuffer commands = app_commands_begin(&s->m->ctx);
   if (!commands)
      return false;
   if (fill)
      vkCmdFillBuffer(commands, buffer, 0, readback->size, fill);
   app_cmd_barrier(commands);
   vkCmdCopyBuffer(commands, buffer, readback->handle, 1, &copy);
   app_cmd_barrier(commands);
   return app_commands_run(&s->m->ctx, commands);
}

/* Bit i of `bound` says whether page i has memory, which then holds `word`. */
static void check_pages(struct sparse *s, const struct app_buffer *readback, uint32_t bound, uint32_t word)
{
   const uint32_t *words = readback->map;
   const size_t page = readback->size / PAGES / sizeof(*words);
   for (uint32_t i = 0; i < PAGES; i++) {
      const uint32_t expected = bound >> i & 1 ? word : 0;
      uint32_t wrong = 0;
      if (!(bound >> i & 1) && !s->strict)
         continue;
      for (size_t w = 0; w < page; w++)
         wrong += words[i * page + w] != expected;
      CHECK_EQ(s->m->test, 0, wrong);
   }
}

/* Every other page of a buffer has memory; then that of the first becomes the second's, with what is in it. */
static void check_buffer_pages(struct sparse *s, VkBuffer buffer, const VkMemoryRequirements *needs,
                               VkDeviceMemory memory)
{
   const VkDeviceSize page = needs->alignment;
   const uint32_t word = 0x11223344;
   struct app_buffer readback = {0};
   VkSparseMemoryBind even[PAGES / 2];
   const VkSparseMemoryBind moved[2] = {{.size = page}, {.resourceOffset = page, .size = page, .memory = memory}};
   for (uint32_t i = 0; i < PAGES / 2; i++)
      even[i] = (VkSparseMemoryBind){2 * i * page, page, memory, i * page, 0};
   if (app_buffer_create(&s->m->ctx, &readback, PAGES * page, VK_BUFFER_USAGE_TRANSFER_DST_BIT, APP_MEMORY_READBACK) &&
       bind_pages(s, buffer, even, PAGES / 2) && read_pages(s, buffer, word, &readback)) {
      check_pages(s, &readback, 0x55, word);
      if (bind_pages(s, buffer, moved, 2) && read_pages(s, buffer, 0, &readback))
         check_pages(s, &readback, 0x56, word);
   }
   app_buffer_destroy(&s->m->ctx, &readback);
}

static void check_buffer(struct sparse *s)
{
   VkDevice device = s->m->ctx.device;
   VkMemoryRequirements needs;
   VkBuffer buffer = VK_NULL_HANDLE;
   VkDeviceMemory memory = VK_NULL_HANDLE;
   VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT | VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
      .size = 65536,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   /* What a page is says the first buffer. */
   for (uint32_t i = 0; i < 2; i++) {
      vkDestroyBuffer(device, buffer, NULL);
      buffer = VK_NULL_HANDLE;
      VK_TRY(s->m->test, vkCreateBuffer(device, &info, NULL, &buffer));
      vkGetBufferMemoryRequirements(device, buffer, &needs);
      TRY(s->m->test, needs.alignment > 0 && needs.alignment <= 4u << 20 && needs.alignment % 4 == 0);
      info.size = PAGES * needs.alignment;
   }
   CHECK_EQ(s->m->test, info.size, needs.size);
   if (sparse_allocate(s, &needs, PAGES / 2 * needs.alignment, &memory))
      check_buffer_pages(s, buffer, &needs, memory);
done:
   vkDestroyBuffer(device, buffer, NULL);
   vkFreeMemory(device, memory, NULL);
}

bool modern_sparse(struct modern *m)
{
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
   vkGetPhysicalDeviceFeatures2(m->ctx.physical, &features);
   if (!modern_has_feature(m, "sparseBinding", features.features.sparseBinding) ||
       !modern_has_feature(m, "sparseResidencyBuffer", features.features.sparseResidencyBuffer) ||
       !modern_has_feature(m, "sparseResidencyImage2D", features.features.sparseResidencyImage2D))
      return false;
   if (!(m->ctx.queues[0].flags & VK_QUEUE_SPARSE_BINDING_BIT))
      return modern_skip(m, "the GPU's first queue does not bind memory");
   struct sparse s = {
      .m = m,
      .strict = m->ctx.properties.sparseProperties.residencyNonResidentStrict,
      .can_tell = features.features.shaderResourceResidency,
   };
   features.features = (VkPhysicalDeviceFeatures){
      .sparseBinding = VK_TRUE,
      .sparseResidencyBuffer = VK_TRUE,
      .sparseResidencyImage2D = VK_TRUE,
      .shaderResourceResidency = features.features.shaderResourceResidency,
   };
   app_note(m->test, "%s: what has no memory reads as %s", m->part,
            s.strict ? "zero" : "anything, and is not looked at");
   if (app_context_create_device(&m->ctx, &features, NULL, 0)) {
      s.bound = app_semaphore_create(&m->ctx, false, 0);
      if (s.bound) {
         check_buffer(&s);
         sparse_check_image(&s);
      }
      vkDestroySemaphore(m->ctx.device, s.bound, NULL);
   }
   return true;
}
