/* SPDX-License-Identifier: MIT */

/* Makes the driver's configuration of the environment variables VENUS_... (client/process/variables.h), warns of values
 * that make no sense, and sets the level of the log and how many threads may help or spin. */

#include "client/process/config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "client/process/trusted.h"
#include "client/process/variables.h"
#include "common/util/log.h"
#include "common/util/pool.h"
#include "common/util/spin.h"

/* So many other threads look for changes of memory together with the sender; more would be awake too late. */
#define HELPERS 3u

/* Whether values have been warned of: once is enough, however many instances there are. */
static atomic_bool has_warned;

/* At `debug` all that are set are named. */
static void warn_of_values(void)
{
   char text[512];

   if (atomic_exchange(&has_warned, true))
      return;
   for (unsigned id = 0; id < VP_VARIABLE_COUNT; id++) {
      union vp_variable_value value;
      const char *said = vp_variable_text((enum vp_variable_id)id);
      if (!said)
         continue;
      vp_log(VP_LOG_DEBUG, "%s=%s", vp_variables[id].name, said);
      if (vp_variable_parse(&vp_variables[id], said, &value))
         continue;
      vp_variable_explain(&vp_variables[id], said, text, sizeof(text));
      vp_log(VP_LOG_WARN, "%s", text);
   }
}

/* A program with the rights of another user connects in the name of that one only to what everybody reaches. */
static bool is_permitted(const struct vp_server_address *server)
{
   return server->way == VP_WAY_TCP || vp_trusted_getenv(vp_variables[VP_VARIABLE_SERVER].name);
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
   const char *text = vp_variable_text(VP_VARIABLE_SERVER);
   while (text && *text) {
      const size_t length = vp_server_address_length(text);
      if (length)
         read_server(config, text, length);
      text += length + strspn(text + length, VP_SERVER_ADDRESS_SEPARATORS);
   }
}

bool vp_config_is_there(void)
{
   return vp_variable_text(VP_VARIABLE_SERVER) && !vp_variable_flag(VP_VARIABLE_DISABLE);
}

bool vp_config_uses_several(const struct vp_config *config)
{
   bool any_service = false;

   for (unsigned i = 0; i < config->server_count; i++)
      any_service = any_service || config->servers[i].is_service;
   switch (config->policy) {
   case VP_SERVERS_ALL:
      return any_service || config->server_count > 1;
   case VP_SERVERS_EACH:
      return config->server_count > 1;
   default:
      return false;
   }
}

bool vp_config_wants_statistics(void)
{
   union vp_variable_value value;

   return vp_variable_read(VP_VARIABLE_DEBUG, &value);
}

/* As vp_trusted_getenv, and NULL where it is empty. */
static const char *trusted_text(enum vp_variable_id id)
{
   return vp_variable_text(id) ? vp_trusted_getenv(vp_variables[id].name) : NULL;
}

static void find_keys(char keys[PATH_MAX])
{
   const char *file = trusted_text(VP_VARIABLE_KEY_FILE), *folder = vp_trusted_getenv("XDG_CONFIG_HOME");
   const char *home = vp_trusted_getenv("HOME");

   keys[0] = '\0';
   if (file)
      snprintf(keys, PATH_MAX, "%s", file);
   else if (folder && *folder)
      snprintf(keys, PATH_MAX, "%s/venus-plus/keys", folder);
   else if (home && *home)
      snprintf(keys, PATH_MAX, "%s/.config/venus-plus/keys", home);
}

void vp_config_read_tls(struct vp_tls_config *config)
{
   find_keys(config->keys);
   config->ca = trusted_text(VP_VARIABLE_TLS_CA);
   config->pin = trusted_text(VP_VARIABLE_TLS_PIN);
   config->certificate = trusted_text(VP_VARIABLE_TLS_CERT);
   config->key = trusted_text(VP_VARIABLE_TLS_KEY);
}

/* At `info`, why there is nothing to connect to. */
static void say_none(void)
{
   if (vp_variable_flag(VP_VARIABLE_DISABLE))
      vp_log(VP_LOG_INFO, "VENUS_DISABLE is set: no server is connected to, and no GPU is offered");
   else if (!vp_variable_text(VP_VARIABLE_SERVER))
      vp_log(VP_LOG_INFO, "VENUS_SERVER is not set: no server is connected to, and no GPU is offered");
}

static enum vp_server_policy read_policy(void)
{
   union vp_variable_value value;

   return vp_variable_read(VP_VARIABLE_POLICY, &value) ? VP_SERVERS_FIRST + value.choice : VP_SERVERS_EACH;
}

static bool may_spin(void)
{
   union vp_variable_value value;

   return vp_variable_read(VP_VARIABLE_SPIN, &value) ? value.flag : vp_spin_is_suitable();
}

void vp_config_read(struct vp_config *config)
{
   vp_log_init("venus", (enum vp_log_level)vp_variable_choice(VP_VARIABLE_LOG));
   warn_of_values();
   const bool disabled = vp_variable_flag(VP_VARIABLE_DISABLE);
   *config = (struct vp_config){
      .require = !disabled && vp_variable_flag(VP_VARIABLE_REQUIRE),
      .policy = read_policy(),
      .timeout_ms = (int)(vp_variable_seconds(VP_VARIABLE_TIMEOUT) * 1000),
      .resume_s = (unsigned)vp_variable_seconds(VP_VARIABLE_RESUME),
      .compression = (enum vp_compression)vp_variable_choice(VP_VARIABLE_COMPRESS),
      .show_bar_memory = vp_variable_flag(VP_VARIABLE_BAR_MEMORY),
      .early_waits = vp_variable_flag(VP_VARIABLE_EARLY_WAITS),
      .present = (enum vp_present_policy)vp_variable_choice(VP_VARIABLE_PRESENT),
      .hud = vp_variable_flag(VP_VARIABLE_HUD),
   };
   vp_spin_allow(may_spin());
   vp_pool_allow(vp_pool_suitable() < HELPERS ? vp_pool_suitable() : HELPERS);
   if (!disabled)
      read_servers(config);
   say_none();
}
