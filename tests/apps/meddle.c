/* SPDX-License-Identifier: MIT */

/* Does to another program's window what users and window managers do. The window is the topmost one of the display that
 * is mapped, and the program waits for it.
 *
 *    meddle resize WIDTH HEIGHT [COUNT]   gives it COUNT other sizes first, about a hundred a second
 *    meddle hide | show                   unmaps it; maps the topmost one that is not mapped
 *    meddle destroy                       destroys the window
 *    meddle kill                          ends the program's connection to the display
 *    meddle close                         asks the program to close its window (WM_DELETE_WINDOW)
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xcb/xcb.h>

#define WAIT_ROUNDS 500

static xcb_connection_t *display;

static void pause_ms(long ms)
{
   nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static int stop(const char *why)
{
   fprintf(stderr, "meddle: %s\n", why);
   exit(1);
}

static bool is_candidate(xcb_window_t window, bool mapped)
{
   xcb_get_window_attributes_reply_t *attributes =
      xcb_get_window_attributes_reply(display, xcb_get_window_attributes(display, window), NULL);
   xcb_get_geometry_reply_t *geometry = xcb_get_geometry_reply(display, xcb_get_geometry(display, window), NULL);
   const bool ok = attributes && geometry && attributes->_class == XCB_WINDOW_CLASS_INPUT_OUTPUT &&
                   mapped == (attributes->map_state != XCB_MAP_STATE_UNMAPPED) && geometry->width > 10 &&
                   geometry->height > 10;
   free(attributes);
   free(geometry);
   return ok;
}

/* 0: there is none. */
static xcb_window_t find_window(bool mapped)
{
   const xcb_window_t root = xcb_setup_roots_iterator(xcb_get_setup(display)).data->root;
   xcb_query_tree_reply_t *tree = xcb_query_tree_reply(display, xcb_query_tree(display, root), NULL);
   xcb_window_t found = 0;
   if (!tree)
      stop("the display does not answer");
   for (int i = xcb_query_tree_children_length(tree); i-- > 0 && !found;) {
      const xcb_window_t window = xcb_query_tree_children(tree)[i];
      if (is_candidate(window, mapped))
         found = window;
   }
   free(tree);
   return found;
}

static xcb_window_t wait_for_window(bool mapped)
{
   for (unsigned round = 0; round < WAIT_ROUNDS; round++) {
      const xcb_window_t window = find_window(mapped);
      if (window)
         return window;
      pause_ms(20);
   }
   stop("there is no window");
   return 0;
}

/* The display has done it when this returns. */
static void resize(xcb_window_t window, uint32_t width, uint32_t height)
{
   const uint32_t size[] = {width, height};
   xcb_generic_error_t *error = xcb_request_check(
      display, xcb_configure_window_checked(display, window, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, size));
   if (error)
      stop("the window is gone");
}

static void resize_often(xcb_window_t window, uint32_t width, uint32_t height, unsigned count)
{
   for (unsigned i = 0; i < count; i++) {
      resize(window, 40 + i * 37 % 500, 30 + i * 53 % 400);
      pause_ms(10);
   }
   resize(window, width, height);
}

static xcb_atom_t atom(const char *name)
{
   xcb_intern_atom_reply_t *reply =
      xcb_intern_atom_reply(display, xcb_intern_atom(display, 0, (uint16_t)strlen(name), name), NULL);
   const xcb_atom_t value = reply ? reply->atom : XCB_ATOM_NONE;
   free(reply);
   return value;
}

static void ask_to_close(xcb_window_t window)
{
   const xcb_client_message_event_t event = {
      .response_type = XCB_CLIENT_MESSAGE,
      .format = 32,
      .window = window,
      .type = atom("WM_PROTOCOLS"),
      .data.data32 = {atom("WM_DELETE_WINDOW"), XCB_CURRENT_TIME},
   };
   xcb_send_event(display, 0, window, XCB_EVENT_MASK_NO_EVENT, (const char *)&event);
}

static void meddle(const char *what, int argc, char **argv)
{
   const xcb_window_t window = wait_for_window(strcmp(what, "show") != 0);
   if (!strcmp(what, "resize") && argc >= 2)
      resize_often(window, (uint32_t)atoi(argv[0]), (uint32_t)atoi(argv[1]), argc > 2 ? (unsigned)atoi(argv[2]) : 0);
   else if (!strcmp(what, "hide"))
      xcb_unmap_window(display, window);
   else if (!strcmp(what, "show"))
      xcb_map_window(display, window);
   else if (!strcmp(what, "destroy"))
      xcb_destroy_window(display, window);
   else if (!strcmp(what, "kill"))
      xcb_kill_client(display, window);
   else if (!strcmp(what, "close"))
      ask_to_close(window);
   else
      stop("what?");
}

int main(int argc, char **argv)
{
   display = xcb_connect(NULL, NULL);
   if (argc < 2 || xcb_connection_has_error(display))
      stop("it needs a display and something to do");
   meddle(argv[1], argc - 2, argv + 2);
   free(xcb_get_input_focus_reply(display, xcb_get_input_focus(display), NULL)); /* so it is done */
   xcb_disconnect(display);
   return 0;
}
