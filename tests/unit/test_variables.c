/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "client/process/config.h"
#include "client/process/variables.h"
#include "common/memory/pack.h"
#include "common/util/log.h"
#include "common/util/sha256.h"
#include "tests/unit/check.h"

static void test_table(void)
{
   union vp_variable_value value;

   for (unsigned i = 0; i < VP_VARIABLE_COUNT; i++) {
      const struct vp_variable *variable = &vp_variables[i];
      CHECK(variable->name && !strncmp(variable->name, "VENUS_", 6) && variable->allowed && variable->meaning);
      CHECK(!variable->otherwise != !variable->unset);
      CHECK(!variable->otherwise || vp_variable_parse(variable, variable->otherwise, &value));
      unsetenv(variable->name);
   }
   /* The words are in the order of the enumerations. */
   for (unsigned i = 0; i < 4; i++) {
      enum vp_compression compression;
      enum vp_log_level level;
      setenv("VENUS_COMPRESS", vp_compression_name((enum vp_compression)i), 1);
      setenv("VENUS_LOG", vp_log_level_name((enum vp_log_level)i), 1);
      CHECK(vp_variable_choice(VP_VARIABLE_COMPRESS) == i && vp_variable_choice(VP_VARIABLE_LOG) == i);
      CHECK(vp_compression_parse(vp_variable_text(VP_VARIABLE_COMPRESS), &compression) && compression == i);
      CHECK(vp_log_parse_level(vp_variable_text(VP_VARIABLE_LOG), &level) && level == i);
   }
   unsetenv("VENUS_COMPRESS");
   unsetenv("VENUS_LOG");
}

static void test_flags(void)
{
   static const char *const yes[] = {"1", "true", "yes", "on", "TRUE"};
   static const char *const no[] = {"0", "false", "no", "off", "Off", ""};

   for (unsigned i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
      setenv("VENUS_DISABLE", yes[i], 1);
      CHECK(vp_variable_flag(VP_VARIABLE_DISABLE));
   }
   for (unsigned i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
      setenv("VENUS_DISABLE", no[i], 1);
      CHECK(!vp_variable_flag(VP_VARIABLE_DISABLE));
   }
   setenv("VENUS_EARLY_WAITS", "", 1);
   CHECK(vp_variable_flag(VP_VARIABLE_EARLY_WAITS) && !vp_variable_text(VP_VARIABLE_EARLY_WAITS));
   setenv("VENUS_EARLY_WAITS", "2", 1);
   CHECK(vp_variable_flag(VP_VARIABLE_EARLY_WAITS));
   unsetenv("VENUS_EARLY_WAITS");
}

static void test_numbers(void)
{
   static const char *const bad[] = {"0", "-1", "3600.5", "5,5", "1e3", "nan", "5 ", "0x5"};

   (void)setlocale(LC_ALL, "de_DE.UTF-8");
   setenv("VENUS_TIMEOUT", "2.5", 1);
   CHECK(vp_variable_seconds(VP_VARIABLE_TIMEOUT) == 2.5);
   setenv("VENUS_TIMEOUT", "3600", 1);
   CHECK(vp_variable_seconds(VP_VARIABLE_TIMEOUT) == 3600);
   for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      setenv("VENUS_TIMEOUT", bad[i], 1);
      CHECK(vp_variable_seconds(VP_VARIABLE_TIMEOUT) == 5);
   }
   setenv("VENUS_RESUME", "0", 1);
   CHECK(vp_variable_seconds(VP_VARIABLE_RESUME) == 0);
   unsetenv("VENUS_TIMEOUT");
   unsetenv("VENUS_RESUME");
}

static void test_choices(void)
{
   static const char *const bad[] = {"stat", "statss", "stats ", "st"};
   union vp_variable_value value;

   setenv("VENUS_DEBUG", "stats", 1);
   CHECK(vp_variable_read(VP_VARIABLE_DEBUG, &value) && vp_config_wants_statistics());
   for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      setenv("VENUS_DEBUG", bad[i], 1);
      CHECK(!vp_variable_read(VP_VARIABLE_DEBUG, &value));
   }
   setenv("VENUS_TRACK", "compare", 1);
   CHECK(vp_variable_read(VP_VARIABLE_TRACK, &value) && value.choice == 2);
   unsetenv("VENUS_DEBUG");
   unsetenv("VENUS_TRACK");
}

static bool explains(enum vp_variable_id id, const char *text, const char *sentence)
{
   char out[512];

   vp_variable_explain(&vp_variables[id], text, out, sizeof(out));
   return strcmp(out, sentence) == 0;
}

static void test_sentences(void)
{
   CHECK(explains(VP_VARIABLE_TIMEOUT, "0",
                  "VENUS_TIMEOUT=0 is not a number of seconds from 0.001 to 3600, with a point before decimals; 5 is "
                  "used"));
   CHECK(explains(VP_VARIABLE_TRACK, "foo",
                  "VENUS_TRACK=foo is not async, signal or compare; it is as if it were not set"));
   CHECK(explains(VP_VARIABLE_DEBUG, "stat", "VENUS_DEBUG=stat is not stats; it is as if it were not set"));
   CHECK(explains(VP_VARIABLE_HUD, "x", "VENUS_HUD=x is not 1, true, yes or on, nor 0, false, no or off; 0 is used"));
}

/* What tells machines apart is made with it. */
static void test_hash(void)
{
   static const char *const texts[] = {"", "abc", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"};
   static const uint8_t starts[][4] = {{0xe3, 0xb0, 0xc4, 0x42}, {0xba, 0x78, 0x16, 0xbf}, {0x24, 0x8d, 0x6a, 0x61}};
   static const uint8_t ends[] = {0x55, 0xad, 0xc1};
   static uint8_t million[1000000];
   uint8_t hash[VP_SHA256_SIZE];

   for (unsigned i = 0; i < 3; i++) {
      vp_sha256(texts[i], strlen(texts[i]), hash);
      CHECK(!memcmp(hash, starts[i], 4) && hash[31] == ends[i]);
   }
   memset(million, 'a', sizeof(million));
   vp_sha256(million, sizeof(million), hash);
   CHECK(hash[0] == 0xcd && hash[1] == 0xc7 && hash[31] == 0xd0);
}

int main(void)
{
   test_table();
   test_flags();
   test_numbers();
   test_choices();
   test_sentences();
   test_hash();
   return check_finish();
}
