/* SPDX-License-Identifier: MIT */

/* Windows of X11. The connection is the application's, so nothing may be left on it that the application would see:
 * each request is a checked one, whose error is thrown away, and events come by a queue of our own. */

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/wsi/surface.h"
#include "client/wsi/x11_library.h"
#include "client/wsi/x11_visual.h"
#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"

/* Displays have between 20 and 500 pictures in a second; what else is measured is a mistake. */
#define MIN_REFRESH_NS 2000000
#define MAX_REFRESH_NS 50000000

/* Pictures go to a distant display in pieces of about this size. */
#define PUT_SIZE ((size_t)128 << 10)

/* A display that is off may not say when it is ready. */
#define VBLANK_MS INT64_C(100)

/* Others may read the events of the connection, ours with them: look again after this time. */
#define POLL_MS 2

struct vp_window {
   const struct vp_x11_library *x;
   xcb_connection_t *connection;
   xcb_window_t id;
   xcb_gcontext_t context;
   uint8_t depth;
   struct vp_window_info info;

   uint8_t *pixels; /* the picture as the display takes it */
   size_t size;
   bool shared; /* with the display: pixels are a segment */
   xcb_shm_seg_t segment;

   xcb_special_event_t *events; /* of the Present extension; NULL: the display does not have it */
   uint32_t events_id, serial;
   uint64_t last_msc, last_ust; /* the display's count of pictures when ours was shown, and the time in microseconds */
   _Atomic uint64_t refresh_ns;
   int64_t next_ns; /* without Present: when the next one is due */
};

/* --- requests --- */

/* Nobody is interested in its error. */
static void x11_forget(const struct vp_window *window, xcb_void_cookie_t cookie)
{
   window->x->xcb_discard_reply(window->connection, cookie.sequence);
}

static bool succeeds(const struct vp_window *window, xcb_void_cookie_t cookie)
{
   xcb_generic_error_t *error = window->x->xcb_request_check(window->connection, cookie);
   free(error);
   return !error;
}

/* Asks the display, which has then done all that was requested before. False when the window is gone. */
static bool ask_geometry(xcb_connection_t *connection, xcb_window_t window, VkExtent2D *extent, uint8_t *depth)
{
   const struct vp_x11_library *x = vp_x11_library();
   xcb_generic_error_t *error = NULL;
   if (!x || !connection || x->xcb_connection_has_error(connection))
      return false;
   xcb_get_geometry_reply_t *reply =
      x->xcb_get_geometry_reply(connection, x->xcb_get_geometry(connection, window), &error);
   const bool ok = reply != NULL;
   if (ok) {
      *extent = (VkExtent2D){reply->width, reply->height};
      *depth = reply->depth;
   }
   free(reply);
   free(error);
   return ok;
}

static VkResult x11_get_extent(const struct vp_surface *surface, VkExtent2D *extent)
{
   uint8_t depth;
   return ask_geometry(surface->x11.connection, surface->x11.window, extent, &depth) ? VK_SUCCESS
                                                                                     : VK_ERROR_SURFACE_LOST_KHR;
}

/* --- shared memory --- */

/* Only a display on this machine takes file descriptors. */
static bool is_local(const struct vp_window *window)
{
   struct sockaddr_storage address = {0};
   socklen_t size = sizeof(address);
   return !getsockname(window->x->xcb_get_file_descriptor(window->connection), (struct sockaddr *)&address, &size) &&
          address.ss_family == AF_UNIX;
}

static bool has_shm(const struct vp_window *window)
{
   const struct vp_x11_library *x = window->x;
   if (!x->has_shm || !is_local(window))
      return false;
   const xcb_query_extension_reply_t *extension = x->xcb_get_extension_data(window->connection, x->xcb_shm_id);
   if (!extension || !extension->present)
      return false;
   xcb_shm_query_version_reply_t *version =
      x->xcb_shm_query_version_reply(window->connection, x->xcb_shm_query_version(window->connection), NULL);
   const bool ok = version && (version->major_version > 1 || version->minor_version >= 2);
   free(version);
   return ok;
}

static bool x11_share_pixels(struct vp_window *window)
{
   const int fd = vp_descriptor_memory_file("venus-window", window->size);
   if (fd < 0)
      return false;
   void *pixels = mmap(NULL, window->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
   if (pixels == MAP_FAILED) {
      close(fd);
      return false;
   }
   window->segment = window->x->xcb_generate_id(window->connection);
   /* The request takes the descriptor over. */
   if (!succeeds(window, window->x->xcb_shm_attach_fd_checked(window->connection, window->segment, fd, 1))) {
      munmap(pixels, window->size);
      return false;
   }
   window->pixels = pixels;
   return true;
}

/* Where the display looks at alpha, but the application's is not to be seen. */
static void hide_alpha(const struct vp_window *window, uint8_t *pixels, size_t count)
{
   if (window->depth != 32 || window->info.alpha != VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR)
      return;
   for (size_t i = 0; i < count; i++)
      pixels[4 * i + 3] = 255;
}

/* Of the picture that all frames are changes of, which may leave some of it as it is. */
static bool create_pixels(struct vp_window *window)
{
   window->shared = has_shm(window) && x11_share_pixels(window);
   if (!window->shared)
      window->pixels = calloc(1, window->size);
   if (window->pixels)
      hide_alpha(window, window->pixels, window->size / VP_PIXEL_SIZE);
   return window->pixels != NULL;
}

static void destroy_pixels(struct vp_window *window)
{
   if (window->shared) {
      x11_forget(window, window->x->xcb_shm_detach_checked(window->connection, window->segment));
      munmap(window->pixels, window->size);
   } else {
      free(window->pixels);
   }
}

/* --- pacing --- */

static void listen_to_present(struct vp_window *window)
{
   const struct vp_x11_library *x = window->x;
   if (!x->has_present)
      return;
   const xcb_query_extension_reply_t *extension = x->xcb_get_extension_data(window->connection, x->xcb_present_id);
   if (!extension || !extension->present)
      return;
   free(x->xcb_present_query_version_reply(window->connection, x->xcb_present_query_version(window->connection, 1, 0),
                                           NULL)); /* which the display wants to be told */
   window->events_id = x->xcb_generate_id(window->connection);
   window->events = x->xcb_register_for_special_xge(window->connection, x->xcb_present_id, window->events_id, NULL);
   if (window->events &&
       !succeeds(window, x->xcb_present_select_input_checked(window->connection, window->events_id, window->id,
                                                             XCB_PRESENT_EVENT_MASK_COMPLETE_NOTIFY))) {
      x->xcb_unregister_for_special_event(window->connection, window->events);
      window->events = NULL;
   }
}

static void stop_listening(struct vp_window *window)
{
   const struct vp_x11_library *x = window->x;
   if (!window->events)
      return;
   x11_forget(window, x->xcb_present_select_input_checked(window->connection, window->events_id, window->id, 0));
   x->xcb_unregister_for_special_event(window->connection, window->events);
}

/* The display has shown a picture. */
static void note_msc(struct vp_window *window, uint64_t msc, uint64_t ust)
{
   if (window->last_ust && msc > window->last_msc && ust > window->last_ust) {
      const uint64_t refresh_ns = (ust - window->last_ust) * 1000 / (msc - window->last_msc);
      if (refresh_ns >= MIN_REFRESH_NS && refresh_ns <= MAX_REFRESH_NS) /* which jitters */
         atomic_store(&window->refresh_ns, (15 * atomic_load(&window->refresh_ns) + refresh_ns) / 16);
   }
   window->last_msc = msc;
   window->last_ust = ust;
}

/* Takes in the events that are there; true when the display is ready for the picture. */
static bool is_ready(struct vp_window *window)
{
   bool ready = false;
   xcb_generic_event_t *event;
   while ((event = window->x->xcb_poll_for_special_event(window->connection, window->events))) {
      const xcb_present_complete_notify_event_t *complete = (xcb_present_complete_notify_event_t *)event;
      if (complete->event_type == XCB_PRESENT_COMPLETE_NOTIFY && complete->serial == window->serial) {
         note_msc(window, complete->msc, complete->ust);
         ready = true;
      }
      free(event);
   }
   return ready;
}

/* Until the display has shown another picture since the last one. */
static void wait_for_display(struct vp_window *window)
{
   const int64_t deadline_ms = vp_clock_ms() + VBLANK_MS;
   struct pollfd pollfd = {.fd = window->x->xcb_get_file_descriptor(window->connection), .events = POLLIN};
   x11_forget(window, window->x->xcb_present_notify_msc_checked(window->connection, window->id, ++window->serial,
                                                                window->last_msc + 1, 0, 0));
   window->x->xcb_flush(window->connection);
   while (!is_ready(window) && vp_clock_ms() < deadline_ms && !window->x->xcb_connection_has_error(window->connection))
      poll(&pollfd, 1, POLL_MS);
}

static void wait_for_clock(struct vp_window *window)
{
   const int64_t now = vp_clock_ns();
   if (window->next_ns > now)
      nanosleep(&(struct timespec){.tv_nsec = window->next_ns - now}, NULL);
   window->next_ns = (window->next_ns > now ? window->next_ns : now) + VP_USUAL_REFRESH_NS;
}

/* --- showing --- */

/* The display is done with the pixels: it was asked after it was given them. */
static void update_pixels(struct vp_window *window, const struct vp_picture *picture, VkRect2D changed)
{
   const size_t offset = (size_t)changed.offset.y * picture->width,
                count = (size_t)changed.extent.height * picture->width;
   uint8_t *pixels = window->pixels + offset * VP_PIXEL_SIZE;
   memcpy(pixels, picture->pixels + offset * VP_PIXEL_SIZE, count * VP_PIXEL_SIZE);
   hide_alpha(window, pixels, count);
}

static void put_shared(const struct vp_window *window)
{
   const uint16_t width = (uint16_t)window->info.extent.width, height = (uint16_t)window->info.extent.height;
   x11_forget(window, window->x->xcb_shm_put_image_checked(window->connection, window->id, window->context, width,
                                                           height, 0, 0, width, height, 0, 0, window->depth,
                                                           XCB_IMAGE_FORMAT_Z_PIXMAP, 0, window->segment, 0));
}

static void put_pieces(const struct vp_window *window)
{
   const uint32_t width = window->info.extent.width, height = window->info.extent.height;
   const size_t stride = width * VP_PIXEL_SIZE;
   const uint32_t rows = (uint32_t)(PUT_SIZE / stride) + 1;
   for (uint32_t y = 0; y < height; y += rows) {
      const uint32_t count = height - y < rows ? height - y : rows;
      x11_forget(window, window->x->xcb_put_image_checked(window->connection, XCB_IMAGE_FORMAT_Z_PIXMAP, window->id,
                                                          window->context, (uint16_t)width, (uint16_t)count, 0,
                                                          (int16_t)y, 0, window->depth, (uint32_t)(stride * count),
                                                          window->pixels + y * stride));
   }
}

/* All of the picture, even when little of it has changed: the window may have been covered. */
static VkResult x11_show(struct vp_window *window, const struct vp_picture *picture, VkRect2D changed,
                         VkPresentModeKHR mode)
{
   VkExtent2D extent;
   uint8_t depth;
   update_pixels(window, picture, changed);
   if (vp_present_mode_waits(mode)) {
      if (window->events)
         wait_for_display(window);
      else
         wait_for_clock(window);
   }
   if (window->shared)
      put_shared(window);
   else
      put_pieces(window);
   if (!ask_geometry(window->connection, window->id, &extent, &depth))
      return VK_ERROR_SURFACE_LOST_KHR;
   return extent.width == window->info.extent.width && extent.height == window->info.extent.height ? VK_SUCCESS
                                                                                                   : VK_SUBOPTIMAL_KHR;
}

/* --- life --- */

static void x11_close_window(struct vp_window *window)
{
   stop_listening(window);
   destroy_pixels(window);
   x11_forget(window, window->x->xcb_free_gc_checked(window->connection, window->context));
   window->x->xcb_flush(window->connection);
   free(window);
}

static uint32_t x11_get_formats(const struct vp_surface *surface, VkFormat formats[VP_SURFACE_FORMATS])
{
   return vp_x11_formats(surface->x11.connection, surface->x11.window, formats);
}

static bool is_understood(const struct vp_window *window)
{
   VkFormat formats[VP_SURFACE_FORMATS];
   const uint32_t count = vp_x11_formats(window->connection, window->id, formats);
   for (uint32_t i = 0; i < count; i++) {
      if (formats[i] == window->info.format)
         return window->x->xcb_get_setup(window->connection)->image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST;
   }
   return false;
}

static VkResult x11_open_window(const struct vp_surface *surface, const struct vp_window_info *info,
                                struct vp_window **out)
{
   VkExtent2D extent;
   struct vp_window *window = calloc(1, sizeof(*window));
   if (!window)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   window->x = vp_x11_library();
   window->connection = surface->x11.connection;
   window->id = surface->x11.window;
   window->info = *info;
   window->refresh_ns = VP_USUAL_REFRESH_NS;
   window->size = (size_t)info->extent.width * info->extent.height * VP_PIXEL_SIZE;
   VkResult result = VK_ERROR_SURFACE_LOST_KHR;
   if (!ask_geometry(window->connection, window->id, &extent, &window->depth))
      goto fail;
   result = VK_ERROR_INITIALIZATION_FAILED;
   if (!is_understood(window)) {
      vp_log(VP_LOG_ERROR, "an X11 window with a depth of %u cannot show pixels of format %d", window->depth,
             (int)info->format);
      goto fail;
   }
   result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (!create_pixels(window))
      goto fail;
   window->context = window->x->xcb_generate_id(window->connection);
   x11_forget(window, window->x->xcb_create_gc_checked(window->connection, window->context, window->id, 0, NULL));
   listen_to_present(window);
   *out = window;
   return VK_SUCCESS;
fail:
   free(window);
   return result;
}

static uint64_t x11_get_refresh(const struct vp_window *window)
{
   return atomic_load(&window->refresh_ns);
}

static const VkPresentModeKHR modes[] = {
   VK_PRESENT_MODE_IMMEDIATE_KHR,     VK_PRESENT_MODE_MAILBOX_KHR,
   VK_PRESENT_MODE_FIFO_KHR,          VK_PRESENT_MODE_FIFO_RELAXED_KHR,
#ifdef VK_EXT_present_mode_fifo_latest_ready
   VP_PRESENT_MODE_FIFO_LATEST_READY,
#endif
};

const struct vp_window_class vp_x11_class = {
   .has_pictures = true,
   .modes = modes,
   .mode_count = sizeof(modes) / sizeof(*modes),
   .alphas = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR | VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR,
   .min_images = 3,
   .get_extent = x11_get_extent,
   .get_formats = x11_get_formats,
   .open = x11_open_window,
   .show = x11_show,
   .close = x11_close_window,
   .get_refresh = x11_get_refresh,
};
