/* SPDX-License-Identifier: MIT */
/* Phase 7: real work of the copy and raster hardware, on buffers and on images of all shapes. Every byte that comes
 * back is compared with what it must be. Here is what the parts share, and what the phase does in which order. */

#include "test-app/phase_07_execution.h"

#include <stdlib.h>
#include <string.h>

static bool execution_create(struct app_test *t, struct execution *f)
{
   memset(f, 0, sizeof(*f));
   f->test = t;
   f->seed = 4711;
   f->expected = calloc(1, EXECUTION_STAGING);
   return CHECK(t, f->expected != NULL) && app_context_create(t, &f->ctx) &&
          app_buffer_create(&f->ctx, &f->upload, EXECUTION_STAGING, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                            APP_MEMORY_UPLOAD) &&
          app_buffer_create(&f->ctx, &f->readback, EXECUTION_STAGING, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                            APP_MEMORY_READBACK);
}

static void execution_destroy(struct execution *f)
{
   app_buffer_destroy(&f->ctx, &f->readback);
   app_buffer_destroy(&f->ctx, &f->upload);
   app_context_destroy(&f->ctx);
   free(f->expected);
}

bool execution_has_graphics(const struct execution *f)
{
   return (f->ctx.queues[0].flags & VK_QUEUE_GRAPHICS_BIT) != 0;
}

void execution_cmd_to_source(VkCommandBuffer commands, const struct app_image *image)
{
   app_cmd_image_layout(commands, image->handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                        VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
}

void execution_cmd_to_target(VkCommandBuffer commands, const struct app_image *image)
{
   app_cmd_image_layout(commands, image->handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_UNDEFINED,
                        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
}

VkBufferImageCopy execution_whole(uint32_t width, uint32_t height, VkImageAspectFlags aspect)
{
   return (VkBufferImageCopy){
      .imageSubresource = {aspect, 0, 0, 1},
      .imageExtent = {width, height, 1},
   };
}

void phase_execution(struct app_test *t)
{
   struct execution f;
   if (execution_create(t, &f)) {
      execution_check_copy_chain(&f);
      execution_check_clears(&f);
      execution_check_round_trips(&f);
      execution_check_image_copy(&f);
      execution_check_copy2(&f);
      if (execution_has_graphics(&f)) {
         execution_check_blits(&f);
         execution_check_resolve(&f);
         execution_check_pass_clears(&f);
      } else {
         app_note(t, "no graphics queue; blits, resolves and render passes are left out");
      }
   }
   execution_destroy(&f);
}
