/* SPDX-License-Identifier: MIT */

/* Asks the X server for the window's visual and finds the formats by its mask of red bits. */

#include "client/wsi/x11_visual.h"

#include <stdlib.h>

#include "client/wsi/x11_library.h"

/* Where the red bits of a pixel are says it all: the others have as many, and green is in the middle. */
static const struct {
   uint32_t red;
   VkFormat formats[2];
} layouts[] = {
   {0xff << 16, {VK_FORMAT_B8G8R8A8_SRGB, VK_FORMAT_B8G8R8A8_UNORM}},
   {0xff, {VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_R8G8B8A8_UNORM}},
   {0x3ff << 20, {VK_FORMAT_A2R10G10B10_UNORM_PACK32, VK_FORMAT_UNDEFINED}},
   {0x3ff, {VK_FORMAT_A2B10G10R10_UNORM_PACK32, VK_FORMAT_UNDEFINED}},
};

static xcb_visualid_t get_visual(xcb_connection_t *connection, xcb_window_t window)
{
   const struct vp_x11_library *x = vp_x11_library();
   xcb_generic_error_t *error = NULL;
   xcb_get_window_attributes_reply_t *reply =
      x->xcb_get_window_attributes_reply(connection, x->xcb_get_window_attributes(connection, window), &error);
   const xcb_visualid_t visual = reply ? reply->visual : XCB_NONE;
   free(reply);
   free(error);
   return visual;
}

static const xcb_visualtype_t *find_in_screen(const xcb_screen_t *screen, xcb_visualid_t id)
{
   const struct vp_x11_library *x = vp_x11_library();
   xcb_depth_iterator_t depth = x->xcb_screen_allowed_depths_iterator(screen);
   for (; depth.rem; x->xcb_depth_next(&depth)) {
      xcb_visualtype_iterator_t visual = x->xcb_depth_visuals_iterator(depth.data);
      for (; visual.rem; x->xcb_visualtype_next(&visual)) {
         if (visual.data->visual_id == id)
            return visual.data;
      }
   }
   return NULL;
}

static const xcb_visualtype_t *find_visual(xcb_connection_t *connection, xcb_visualid_t id)
{
   const struct vp_x11_library *x = vp_x11_library();
   const xcb_visualtype_t *visual = NULL;
   xcb_screen_iterator_t screen = x->xcb_setup_roots_iterator(x->xcb_get_setup(connection));
   for (; screen.rem && !visual; x->xcb_screen_next(&screen))
      visual = find_in_screen(screen.data, id);
   return visual;
}

uint32_t vp_x11_formats(xcb_connection_t *connection, xcb_window_t window, VkFormat formats[VP_SURFACE_FORMATS])
{
   const struct vp_x11_library *x = vp_x11_library();
   if (!x || !connection || x->xcb_connection_has_error(connection))
      return 0;
   const xcb_visualid_t id = get_visual(connection, window);
   const xcb_visualtype_t *visual = id ? find_visual(connection, id) : NULL;
   uint32_t count = 0;
   for (unsigned i = 0; visual && i < sizeof(layouts) / sizeof(*layouts); i++) {
      if (layouts[i].red != visual->red_mask)
         continue;
      for (unsigned k = 0; k < 2 && layouts[i].formats[k]; k++)
         formats[count++] = layouts[i].formats[k];
   }
   return count;
}
