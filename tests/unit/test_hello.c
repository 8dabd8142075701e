/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "common/net/hello.h"
#include "common/util/bytes.h"
#include "tests/unit/check.h"

static const size_t name_offset = 8 + 24 + 4 * (size_t)VP_HELLO_EXTENSION_WORDS;

static struct vp_hello example(void)
{
   struct vp_hello hello = {
      .protocol_version = VP_PROTOCOL_VERSION,
      .wire_format_version = 1,
      .vk_xml_version = 0x4030ef,
      .serialization_spec = 1,
      .venus_spec = 3,
      .codec_hash = 0xdeadbeef,
      .name = "a program",
   };
   hello.extension_mask[0] = 1;
   hello.extension_mask[VP_HELLO_EXTENSION_WORDS - 1] = 0x80000000;
   hello.auth[63] = 9;
   return hello;
}

static void test_round_trip(void)
{
   const struct vp_hello hello = example();
   uint8_t bytes[VP_HELLO_WIRE_SIZE];
   struct vp_hello loaded;
   char error[256] = "";

   vp_hello_store(bytes, &hello);
   CHECK(memcmp(bytes, "VENUSPLS\2\0\0\0\1\0\0\0\xef\x30\x40\0", 20) == 0);
   CHECK(memcmp(bytes + name_offset, "a program\0", 10) == 0);
   CHECK(bytes[VP_HELLO_WIRE_SIZE - 1] == 9);
   CHECK(vp_hello_load(&loaded, bytes, sizeof(bytes), error, sizeof(error)));
   CHECK(memcmp(&loaded, &hello, sizeof(hello)) == 0);
   CHECK(vp_hello_compatible(&hello, &loaded, error, sizeof(error)));
   CHECK(error[0] == '\0');
}

static void test_not_ours(void)
{
   const struct vp_hello hello = example();
   uint8_t bytes[VP_HELLO_WIRE_SIZE + 1] = {0};
   struct vp_hello loaded;
   char error[256];

   vp_hello_store(bytes, &hello);
   for (size_t size = 0; size <= sizeof(bytes); size++) {
      error[0] = '\0';
      const bool ok = vp_hello_load(&loaded, bytes, size, error, sizeof(error));
      CHECK(ok == (size == VP_HELLO_WIRE_SIZE));
      CHECK(ok == (error[0] == '\0'));
   }
   bytes[3] ^= 1;
   CHECK(!vp_hello_load(&loaded, bytes, VP_HELLO_WIRE_SIZE, error, sizeof(error)));
   CHECK(strstr(error, "does not speak"));
}

static void test_name_is_tamed(void)
{
   struct vp_hello hello = example(), loaded;
   uint8_t bytes[VP_HELLO_WIRE_SIZE];
   char error[256];

   memset(hello.name, 'n', sizeof(hello.name)); /* not terminated */
   vp_hello_store(bytes, &hello);
   uint8_t *name = bytes + name_offset;
   CHECK(name[VP_HELLO_NAME_SIZE - 2] == 'n' && name[VP_HELLO_NAME_SIZE - 1] == '\0');
   name[VP_HELLO_NAME_SIZE - 1] = 'n';
   name[4] = '\n';
   CHECK(vp_hello_load(&loaded, bytes, sizeof(bytes), error, sizeof(error)));
   CHECK(strlen(loaded.name) == VP_HELLO_NAME_SIZE - 1);
   CHECK(loaded.name[4] == ' ');
}

static void test_versions(void)
{
   const struct vp_hello own = example();
   struct vp_hello peer = example(), loaded;
   uint8_t bytes[VP_HELLO_WIRE_SIZE];
   char error[256];

   peer.wire_format_version = 77;
   CHECK(!vp_hello_compatible(&own, &peer, error, sizeof(error)));
   CHECK(strstr(error, "version 1 ") && strstr(error, "version 77;") && strstr(error, "wire format"));

   /* Another protocol version may have a shorter hello and is still named. */
   peer = example();
   peer.protocol_version = 4242;
   vp_hello_store(bytes, &peer);
   CHECK(vp_hello_load(&loaded, bytes, 16, error, sizeof(error)));
   CHECK(!vp_hello_compatible(&own, &loaded, error, sizeof(error)));
   CHECK(strstr(error, "version 2 ") && strstr(error, "version 4242;") && strstr(error, "protocol"));
}

int main(void)
{
   test_round_trip();
   test_not_ours();
   test_name_is_tamed();
   test_versions();
   return check_finish();
}
