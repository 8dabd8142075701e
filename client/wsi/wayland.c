/* SPDX-License-Identifier: MIT */

/* Windows of Wayland: shared memory, and events in a queue of our own, so that the application's is left alone. */

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/wsi/surface.h"
#include "client/wsi/wayland_library.h"
#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"

/* One is shown, one is on its way to be shown, one is being filled; and one for compositors that hold them longer. */
#define BUFFERS 4

/* A compositor does not ask for pictures of windows that nobody sees. */
#define FRAME_MS INT64_C(250)

/* The formats that windows can have, and what the compositor calls them without and with alpha; both are needed. In the
 * order in which they are listed. */
static const struct {
   VkFormat format;
   uint32_t opaque, alpha;
} layouts[] = {
   {VK_FORMAT_B8G8R8A8_SRGB, WL_SHM_FORMAT_XRGB8888, WL_SHM_FORMAT_ARGB8888},
   {VK_FORMAT_B8G8R8A8_UNORM, WL_SHM_FORMAT_XRGB8888, WL_SHM_FORMAT_ARGB8888},
   {VK_FORMAT_R8G8B8A8_SRGB, WL_SHM_FORMAT_XBGR8888, WL_SHM_FORMAT_ABGR8888},
   {VK_FORMAT_R8G8B8A8_UNORM, WL_SHM_FORMAT_XBGR8888, WL_SHM_FORMAT_ABGR8888},
   {VK_FORMAT_A2R10G10B10_UNORM_PACK32, WL_SHM_FORMAT_XRGB2101010, WL_SHM_FORMAT_ARGB2101010},
   {VK_FORMAT_A2B10G10R10_UNORM_PACK32, WL_SHM_FORMAT_XBGR2101010, WL_SHM_FORMAT_ABGR2101010},
};

#define LAYOUTS (sizeof(layouts) / sizeof(*layouts))
_Static_assert(LAYOUTS <= VP_SURFACE_FORMATS, "a surface has more formats");

struct buffer {
   struct wl_proxy *proxy;
   uint8_t *pixels;
   bool busy; /* the compositor has it */
};

struct vp_window {
   const struct vp_wayland_library *w;
   struct wl_display *display;
   struct wl_event_queue *queue;
   struct wl_proxy *surface; /* the application's, with our queue */
   struct wl_proxy *shm;
   struct wl_proxy *frame;               /* says when the compositor wants the next picture; NULL: it does */
   bool opaque[LAYOUTS], alpha[LAYOUTS]; /* what the compositor takes */
   struct vp_window_info info;
   uint32_t shm_format;
   size_t size; /* of a buffer */
   struct buffer buffers[BUFFERS];
};

/* --- events --- */

/* A listener is a table of functions of different types. */
typedef void (*listener_function)(void);

static void listen(const struct vp_window *window, struct wl_proxy *proxy, const void *listener, void *data)
{
   window->w->wl_proxy_add_listener(proxy, (listener_function *)(uintptr_t)listener, data);
}

static void handle_format(void *data, struct wl_shm *shm, uint32_t format)
{
   struct vp_window *window = data;
   (void)shm;
   for (unsigned i = 0; i < LAYOUTS; i++) {
      window->opaque[i] = window->opaque[i] || layouts[i].opaque == format;
      window->alpha[i] = window->alpha[i] || layouts[i].alpha == format;
   }
}

static const struct wl_shm_listener shm_listener = {handle_format};

/* The formats may come in with what is being read now, so they are listened to at once. */
static void handle_global(void *data, struct wl_registry *registry, uint32_t name, const char *interface,
                          uint32_t version)
{
   struct vp_window *window = data;
   (void)version;
   if (strcmp(interface, "wl_shm") != 0 || window->shm)
      return;
   window->shm = window->w->wl_proxy_marshal_flags((struct wl_proxy *)registry, WL_REGISTRY_BIND,
                                                   window->w->wl_shm_interface, 1, 0, name, interface, 1, NULL);
   if (window->shm)
      listen(window, window->shm, &shm_listener, window);
}

static void handle_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
   (void)data, (void)registry, (void)name;
}

static void handle_release(void *data, struct wl_buffer *buffer)
{
   (void)buffer;
   ((struct buffer *)data)->busy = false;
}

static void handle_frame(void *data, struct wl_callback *callback, uint32_t time)
{
   struct vp_window *window = data;
   (void)callback, (void)time;
   window->w->wl_proxy_destroy(window->frame);
   window->frame = NULL;
}

static const struct wl_registry_listener registry_listener = {handle_global, handle_global_remove};
static const struct wl_buffer_listener buffer_listener = {handle_release};
static const struct wl_callback_listener frame_listener = {handle_frame};

static struct buffer *find_buffer(struct vp_window *window)
{
   for (unsigned i = 0; i < BUFFERS; i++) {
      if (!window->buffers[i].busy)
         return &window->buffers[i];
   }
   return NULL;
}

static bool is_wanted(struct vp_window *window)
{
   return !window->frame;
}

static bool has_buffer(struct vp_window *window)
{
   return find_buffer(window) != NULL;
}

/* Takes in events until something is so; false when it does not become so in time. */
static bool wait_until(struct vp_window *window, bool (*condition)(struct vp_window *window))
{
   const struct vp_wayland_library *w = window->w;
   const int64_t deadline_ms = vp_clock_ms() + FRAME_MS;
   for (;;) {
      w->wl_display_dispatch_queue_pending(window->display, window->queue);
      if (condition(window))
         return true;
      const int64_t left_ms = deadline_ms - vp_clock_ms();
      if (left_ms <= 0 || w->wl_display_get_error(window->display))
         return false;
      if (w->wl_display_prepare_read_queue(window->display, window->queue))
         continue; /* something has come in */
      w->wl_display_flush(window->display);
      struct pollfd pollfd = {.fd = w->wl_display_get_fd(window->display), .events = POLLIN};
      if (poll(&pollfd, 1, (int)left_ms) > 0)
         w->wl_display_read_events(window->display);
      else
         w->wl_display_cancel_read(window->display);
   }
}

/* --- buffers --- */

static bool create_proxy(struct vp_window *window, struct buffer *buffer, int fd)
{
   const struct vp_wayland_library *w = window->w;
   struct wl_proxy *pool =
      w->wl_proxy_marshal_flags(window->shm, WL_SHM_CREATE_POOL, w->wl_shm_pool_interface,
                                w->wl_proxy_get_version(window->shm), 0, NULL, fd, (int32_t)window->size);
   if (!pool)
      return false;
   buffer->proxy =
      w->wl_proxy_marshal_flags(pool, WL_SHM_POOL_CREATE_BUFFER, w->wl_buffer_interface, w->wl_proxy_get_version(pool),
                                0, NULL, 0, (int32_t)window->info.extent.width, (int32_t)window->info.extent.height,
                                (int32_t)(window->info.extent.width * VP_PIXEL_SIZE), window->shm_format);
   w->wl_proxy_marshal_flags(pool, WL_SHM_POOL_DESTROY, NULL, w->wl_proxy_get_version(pool), WL_MARSHAL_FLAG_DESTROY);
   if (buffer->proxy)
      listen(window, buffer->proxy, &buffer_listener, buffer);
   return buffer->proxy != NULL;
}

static bool wayland_share_pixels(struct vp_window *window, struct buffer *buffer, int fd)
{
   void *pixels = mmap(NULL, window->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
   if (pixels == MAP_FAILED)
      return false;
   buffer->pixels = pixels;
   return create_proxy(window, buffer, fd);
}

static void destroy_wl_buffer(const struct vp_window *window, struct buffer *buffer)
{
   const struct vp_wayland_library *w = window->w;
   if (buffer->proxy)
      w->wl_proxy_marshal_flags(buffer->proxy, WL_BUFFER_DESTROY, NULL, w->wl_proxy_get_version(buffer->proxy),
                                WL_MARSHAL_FLAG_DESTROY);
   if (buffer->pixels)
      munmap(buffer->pixels, window->size);
   *buffer = (struct buffer){0};
}

/* When it is needed first. */
static bool create_wl_buffer(struct vp_window *window, struct buffer *buffer)
{
   if (buffer->proxy)
      return true;
   const int fd = vp_descriptor_memory_file("venus-window", window->size);
   const bool ok = fd >= 0 && wayland_share_pixels(window, buffer, fd);
   if (fd >= 0)
      close(fd);
   if (!ok)
      destroy_wl_buffer(window, buffer);
   return ok;
}

/* --- showing --- */

static void request_frame(struct vp_window *window)
{
   const struct vp_wayland_library *w = window->w;
   window->frame = w->wl_proxy_marshal_flags(window->surface, WL_SURFACE_FRAME, w->wl_callback_interface,
                                             w->wl_proxy_get_version(window->surface), 0, NULL);
   if (window->frame)
      listen(window, window->frame, &frame_listener, window);
}

static void commit_surface(struct vp_window *window, struct buffer *buffer)
{
   const struct vp_wayland_library *w = window->w;
   const uint32_t version = w->wl_proxy_get_version(window->surface);
   buffer->busy = true;
   w->wl_proxy_marshal_flags(window->surface, WL_SURFACE_ATTACH, NULL, version, 0, buffer->proxy, 0, 0);
   w->wl_proxy_marshal_flags(window->surface, WL_SURFACE_DAMAGE, NULL, version, 0, 0, 0, INT32_MAX, INT32_MAX);
   w->wl_proxy_marshal_flags(window->surface, WL_SURFACE_COMMIT, NULL, version, 0);
   w->wl_display_flush(window->display);
}

static VkResult wayland_show(struct vp_window *window, const struct vp_picture *picture, VkRect2D changed,
                             VkPresentModeKHR mode)
{
   (void)changed; /* the buffer holds an older picture than the last one */
   if (vp_present_mode_waits(mode))
      wait_until(window, is_wanted);
   if (wait_until(window, has_buffer)) {
      struct buffer *buffer = find_buffer(window);
      if (!create_wl_buffer(window, buffer))
         return VK_ERROR_OUT_OF_HOST_MEMORY;
      memcpy(buffer->pixels, picture->pixels, window->size);
      if (vp_present_mode_waits(mode) && !window->frame)
         request_frame(window);
      commit_surface(window, buffer);
   }
   return window->w->wl_display_get_error(window->display) ? VK_ERROR_SURFACE_LOST_KHR : VK_SUCCESS;
}

/* --- life --- */

static VkResult wayland_get_extent(const struct vp_surface *surface, VkExtent2D *extent)
{
   (void)surface;
   *extent = (VkExtent2D){UINT32_MAX, UINT32_MAX};
   return VK_SUCCESS;
}

/* Finds the compositor's shared memory, and what it can be. */
static bool bind_shm(struct vp_window *window)
{
   const struct vp_wayland_library *w = window->w;
   struct wl_proxy *display = w->wl_proxy_create_wrapper(window->display);
   if (!display)
      return false;
   w->wl_proxy_set_queue(display, window->queue);
   struct wl_proxy *registry = w->wl_proxy_marshal_flags(display, WL_DISPLAY_GET_REGISTRY, w->wl_registry_interface,
                                                         w->wl_proxy_get_version(display), 0, NULL);
   w->wl_proxy_wrapper_destroy(display);
   if (!registry)
      return false;
   listen(window, registry, &registry_listener, window);
   w->wl_display_roundtrip_queue(window->display, window->queue);
   w->wl_proxy_destroy(registry);
   return window->shm && w->wl_display_roundtrip_queue(window->display, window->queue) >= 0;
}

static void wayland_close_window(struct vp_window *window)
{
   const struct vp_wayland_library *w = window->w;
   if (window->frame)
      w->wl_proxy_destroy(window->frame);
   for (unsigned i = 0; i < BUFFERS; i++)
      destroy_wl_buffer(window, &window->buffers[i]);
   if (window->shm)
      w->wl_proxy_destroy(window->shm);
   if (window->surface)
      w->wl_proxy_wrapper_destroy(window->surface);
   if (window->queue)
      w->wl_event_queue_destroy(window->queue);
   free(window);
}

static bool prepare(struct vp_window *window, const struct vp_surface *surface)
{
   window->queue = window->w->wl_display_create_queue(window->display);
   window->surface = window->w->wl_proxy_create_wrapper(surface->wayland.surface);
   if (!window->queue || !window->surface)
      return false;
   window->w->wl_proxy_set_queue(window->surface, window->queue);
   return bind_shm(window);
}

/* NULL without memory. */
static struct vp_window *new_window(const struct vp_surface *surface)
{
   struct vp_window *window = calloc(1, sizeof(*window));
   if (window) {
      window->w = vp_wayland_library();
      window->display = surface->wayland.display;
   }
   return window;
}

static uint32_t wayland_get_formats(const struct vp_surface *surface, VkFormat formats[VP_SURFACE_FORMATS])
{
   struct vp_window *window = new_window(surface);
   uint32_t count = 0;
   if (window && prepare(window, surface)) {
      for (unsigned i = 0; i < LAYOUTS; i++) {
         if (window->opaque[i] && window->alpha[i])
            formats[count++] = layouts[i].format;
      }
   }
   if (window)
      wayland_close_window(window);
   return count;
}

/* False when the compositor does not take such pictures. */
static bool choose_shm_format(struct vp_window *window)
{
   const bool opaque = window->info.alpha == VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
   for (unsigned i = 0; i < LAYOUTS; i++) {
      if (layouts[i].format == window->info.format) {
         window->shm_format = opaque ? layouts[i].opaque : layouts[i].alpha;
         return opaque ? window->opaque[i] : window->alpha[i];
      }
   }
   return false;
}

static VkResult wayland_open_window(const struct vp_surface *surface, const struct vp_window_info *info,
                                    struct vp_window **out)
{
   struct vp_window *window = new_window(surface);
   if (!window)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   window->info = *info;
   window->size = (size_t)info->extent.width * info->extent.height * VP_PIXEL_SIZE;
   if (prepare(window, surface) && choose_shm_format(window)) {
      *out = window;
      return VK_SUCCESS;
   }
   const bool gone = window->w->wl_display_get_error(window->display);
   wayland_close_window(window);
   if (gone)
      return VK_ERROR_SURFACE_LOST_KHR;
   vp_log(VP_LOG_ERROR, "the Wayland compositor does not take pictures of format %d in shared memory",
          (int)info->format);
   return VK_ERROR_INITIALIZATION_FAILED;
}

static const VkPresentModeKHR modes[] = {
   VK_PRESENT_MODE_MAILBOX_KHR,
   VK_PRESENT_MODE_FIFO_KHR,
#ifdef VK_EXT_present_mode_fifo_latest_ready
   VP_PRESENT_MODE_FIFO_LATEST_READY,
#endif
};

static uint64_t wayland_get_refresh(const struct vp_window *window)
{
   (void)window;
   return VP_USUAL_REFRESH_NS;
}

const struct vp_window_class vp_wayland_class = {
   .has_pictures = true,
   .modes = modes,
   .mode_count = sizeof(modes) / sizeof(*modes),
   .alphas = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR | VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR,
   .min_images = 4,
   .get_extent = wayland_get_extent,
   .get_formats = wayland_get_formats,
   .open = wayland_open_window,
   .show = wayland_show,
   .close = wayland_close_window,
   .get_refresh = wayland_get_refresh,
};
