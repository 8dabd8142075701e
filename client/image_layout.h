/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_IMAGE_LAYOUT_H
#define VP_CLIENT_IMAGE_LAYOUT_H

#include <vulkan/vulkan.h>

/* What a layout is called on the wire. Images are presented by the client, so the server's device knows no layout for
 * it and need not have VK_KHR_swapchain: there they are in a layout in which everything may be done with them. */
static inline VkImageLayout vp_wire_layout(VkImageLayout layout)
{
   return layout == VK_IMAGE_LAYOUT_PRESENT_SRC_KHR ? VK_IMAGE_LAYOUT_GENERAL : layout;
}

#endif
