/* SPDX-License-Identifier: MIT */
/* Phase 10: one frame. A steady one only records, submits, waits for a fence and reads mapped memory: nothing in it
 * asks the driver for an answer. */

#include <string.h>

#include "test-app/phase_10_renderer.h"
#include "test-app/scene.h"

static const VkClearValue clear_values[2] = {
   {.color = {.float32 = {0.2f, 0.4f, 0.6f, 1.0f}}},
   {.depthStencil = {1.0f, 0}},
};

static void cmd_draw_scene(struct renderer *r, const struct renderer_slot *slot, VkPipeline pipeline, uint32_t frame)
{
   const VkShaderStageFlags both = VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT;
   const VkViewport viewport = {0.0f, 0.0f, (float)r->width, (float)r->height, 0.0f, 1.0f};
   const VkRect2D scissor = {{0, 0}, {r->width, r->height}};
   const VkDeviceSize zero = 0;
   struct scene_object objects[SCENE_OBJECTS];
   enum scene_mesh meshes[SCENE_OBJECTS];
   scene_objects_at(frame, objects, meshes);
   vkCmdBindPipeline(slot->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
   vkCmdSetViewport(slot->commands, 0, 1, &viewport);
   vkCmdSetScissor(slot->commands, 0, 1, &scissor);
   vkCmdBindDescriptorSets(slot->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, r->layout, 0, 1, &slot->set, 0, NULL);
   vkCmdBindVertexBuffers(slot->commands, 0, 1, &r->vertices.handle, &zero);
   vkCmdBindIndexBuffer(slot->commands, r->indices.handle, 0, VK_INDEX_TYPE_UINT16);
   for (uint32_t i = 0; i < SCENE_OBJECTS; i++) {
      vkCmdPushConstants(slot->commands, r->layout, both, 0, sizeof(objects[i]), &objects[i]);
      vkCmdDrawIndexed(slot->commands, r->geometry.meshes[meshes[i]].index_count, 1,
                       r->geometry.meshes[meshes[i]].first_index, r->geometry.meshes[meshes[i]].first_vertex, 0);
   }
}

static void cmd_render_pass(struct renderer *r, const struct renderer_slot *slot, uint32_t frame)
{
   VkRenderPassBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
      .renderPass = r->pass,
      .framebuffer = slot->framebuffer,
      .renderArea = {{0, 0}, {r->width, r->height}},
      .clearValueCount = 2,
      .pClearValues = clear_values,
   };
   vkCmdBeginRenderPass(slot->commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
   cmd_draw_scene(r, slot, r->pipelines[0], frame);
   vkCmdEndRenderPass(slot->commands);
}

static VkImageMemoryBarrier target_barrier(VkImage image, VkImageAspectFlags aspect, VkAccessFlags from_access,
                                           VkImageLayout from, VkAccessFlags to_access, VkImageLayout to)
{
   return (VkImageMemoryBarrier){
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = from_access,
      .dstAccessMask = to_access,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {aspect, 0, 1, 0, 1},
   };
}

static void cmd_dynamic(struct renderer *r, const struct renderer_slot *slot, uint32_t frame)
{
   const VkPipelineStageFlags tests =
      VK_PIPELINE_STAGE_EARLY_FRAGMENT_TESTS_BIT | VK_PIPELINE_STAGE_LATE_FRAGMENT_TESTS_BIT;
   const VkImageMemoryBarrier before[2] = {
      target_barrier(slot->color.handle, VK_IMAGE_ASPECT_COLOR_BIT, 0, VK_IMAGE_LAYOUT_UNDEFINED,
                     VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL),
      target_barrier(slot->depth.handle, VK_IMAGE_ASPECT_DEPTH_BIT, 0, VK_IMAGE_LAYOUT_UNDEFINED,
                     VK_ACCESS_DEPTH_STENCIL_ATTACHMENT_READ_BIT | VK_ACCESS_DEPTH_STENCIL_ATTACHMENT_WRITE_BIT,
                     VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL),
   };
   const VkImageMemoryBarrier after = target_barrier(
      slot->color.handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT,
      VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
   VkRenderingAttachmentInfo color = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = slot->color.view,
      .imageLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
      .clearValue = clear_values[0],
   };
   VkRenderingAttachmentInfo depth = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = slot->depth.view,
      .imageLayout = VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
      .clearValue = clear_values[1],
   };
   VkRenderingInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
      .renderArea = {{0, 0}, {r->width, r->height}},
      .layerCount = 1,
      .colorAttachmentCount = 1,
      .pColorAttachments = &color,
      .pDepthAttachment = &depth,
   };
   vkCmdPipelineBarrier(slot->commands, VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT | tests,
                        VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT | tests, 0, 0, NULL, 0, NULL, 2, before);
   vkCmdBeginRendering(slot->commands, &info);
   cmd_draw_scene(r, slot, r->pipelines[1], frame);
   vkCmdEndRendering(slot->commands);
   vkCmdPipelineBarrier(slot->commands, VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        0, 0, NULL, 0, NULL, 1, &after);
}

static void cmd_read_back(struct renderer *r, const struct renderer_slot *slot)
{
   const VkBufferImageCopy region = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {r->width, r->height, 1},
   };
   const VkBufferMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_HOST_READ_BIT,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .buffer = slot->readback.handle,
      .size = VK_WHOLE_SIZE,
   };
   vkCmdCopyImageToBuffer(slot->commands, slot->color.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                          slot->readback.handle, 1, &region);
   vkCmdPipelineBarrier(slot->commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 0, NULL, 1,
                        &barrier, 0, NULL);
}

bool renderer_start_frame(struct renderer *r, bool dynamic, uint32_t frame, uint32_t slot_index)
{
   struct renderer_slot *slot = &r->slots[slot_index];
   struct scene_frame uniforms;
   VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
   };
   VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &slot->commands,
   };
   scene_frame_at(frame, (float)r->width / (float)r->height, &uniforms);
   memcpy((uint8_t *)r->uniforms.map + slot_index * RENDERER_UNIFORM_STRIDE, &uniforms, sizeof(uniforms));
   if (!VK_CHECK(r->test, vkBeginCommandBuffer(slot->commands, &begin)))
      return false;
   if (dynamic)
      cmd_dynamic(r, slot, frame);
   else
      cmd_render_pass(r, slot, frame);
   cmd_read_back(r, slot);
   return VK_CHECK(r->test, vkEndCommandBuffer(slot->commands)) &&
          VK_CHECK(r->test, vkQueueSubmit(r->ctx.queues[0].handle, 1, &submit, slot->fence));
}

bool renderer_finish_frame(struct renderer *r, uint32_t slot_index)
{
   return app_fence_wait(&r->ctx, r->slots[slot_index].fence);
}
