/* SPDX-License-Identifier: MIT */

/* Reads the environment variables VENUS_..., warns of values that make no sense, and sets the level of the log and how
 * many threads may help or spin. */

#include "client/process/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/process/trusted.h"
#include "common/util/log.h"
#include "common/util/pool.h"
#include "common/util/spin.h"
#include "common/util/text.h"

/* So many other threads look for changes of memory together with the sender; more would be awake too late. */
#define HELPERS 3u

#define DEFAULT_TIMEOUT_MS 5000

static void read_log_level(void)
{
   enum vp_log_level level = VP_LOG_WARN;
   const char *text = getenv("VENUS_LOG");
   const bool ok = !text || vp_log_parse_level(text, &level);
   vp_log_init("venus", level);
   if (!ok)
      vp_log(VP_LOG_WARN, "VENUS_LOG=%s is not a level; use error, warn, info or debug", text);
}

/* A program with the rights of another user connects in the name of that one only to what everybody reaches. */
static bool is_permitted(const struct vp_server_address *server)
{
   return server->way == VP_WAY_TCP || vp_trusted_getenv("VENUS_SERVER");
}

static void read_server(struct vp_config *config, const char *text, size_t length)
{
   struct vp_server_address *server = &config->servers[config->server_count];
   if (config->server_count == VP_MAX_SERVERS)
      vp_log(VP_LOG_WARN, "VENUS_SERVER lists more than %d servers; the rest is ignored", VP_MAX_SERVERS);
   else if (!vp_server_address_parse(server, text, length))
      vp_log(VP_LOG_ERROR, "VENUS_SERVER: '%.*s' is ignored, since it is not " VP_SERVER_ADDRESS_FORMS, (int)length,
             text);
   else if (!is_permitted(server))
      vp_log(VP_LOG_ERROR, "VENUS_SERVER: '%.*s' is ignored, since this program runs with the rights of another user",
             (int)length, text);
   else
      config->server_count++;
}

static void read_servers(struct vp_config *config)
{
   const char *text = getenv("VENUS_SERVER");
   while (text && *text) {
      const size_t length = vp_server_address_length(text);
      if (length)
         read_server(config, text, length);
      text += length + strspn(text + length, VP_SERVER_ADDRESS_SEPARATORS);
   }
}

/* `otherwise`: when it is not set. */
static bool read_switch(const char *name, bool otherwise)
{
   const char *text = getenv(name);
   return text ? strcmp(text, "0") != 0 : otherwise;
}

bool vp_config_is_there(void)
{
   const char *servers = getenv("VENUS_SERVER");
   return servers && *servers && !read_switch("VENUS_DISABLE", false);
}

bool vp_config_wants_statistics(void)
{
   const char *debug = getenv("VENUS_DEBUG");
   return debug && strstr(debug, "stats");
}

const char *vp_config_tracker(void)
{
   const char *name = getenv("VENUS_TRACK");
   return name && *name ? name : NULL;
}

static void read_present_policy(struct vp_config *config)
{
   static const char *const names[] = {"lossless", "auto", "fast"};
   const char *text = getenv("VENUS_PRESENT");
   if (!text)
      return;
   for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
      if (!strcmp(text, names[i])) {
         config->present = (enum vp_present_policy)i;
         return;
      }
   }
   vp_log(VP_LOG_WARN, "VENUS_PRESENT=%s is neither lossless, auto nor fast; using lossless", text);
}

void vp_config_read(struct vp_config *config)
{
   *config = (struct vp_config){.timeout_ms = DEFAULT_TIMEOUT_MS};
   read_log_level();
   vp_spin_allow(read_switch("VENUS_SPIN", vp_spin_is_suitable()));
   vp_pool_allow(vp_pool_suitable() < HELPERS ? vp_pool_suitable() : HELPERS);
   if (!read_switch("VENUS_DISABLE", false))
      read_servers(config);
   const char *timeout = getenv("VENUS_TIMEOUT");
   if (timeout) {
      double seconds;
      if (vp_text_parse_decimal(timeout, &seconds) && seconds > 0 && seconds < 3600)
         config->timeout_ms = (int)(seconds * 1000);
      else
         vp_log(VP_LOG_WARN, "VENUS_TIMEOUT=%s is not a number of seconds; using %d", timeout,
                DEFAULT_TIMEOUT_MS / 1000);
   }
   const char *compression = getenv("VENUS_COMPRESS");
   if (compression && !vp_compression_parse(compression, &config->compression))
      vp_log(VP_LOG_WARN, "VENUS_COMPRESS=%s is unknown; use auto, none, lz4 or zstd", compression);
   config->show_bar_memory = read_switch("VENUS_BAR_MEMORY", false);
   config->early_waits = read_switch("VENUS_EARLY_WAITS", true);
   config->hud = read_switch("VENUS_HUD", false);
   read_present_policy(config);
}
