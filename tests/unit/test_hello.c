/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "common/net/fields.h"
#include "common/net/hello.h"
#include "common/util/bytes.h"
#include "tests/unit/check.h"

#define FIXED_SIZE 16

static struct vp_hello example(enum vp_side side)
{
   struct vp_hello hello = {
      .protocol_version = VP_PROTOCOL_VERSION,
      .wire_format_version = VP_WIRE_FORMAT_VERSION,
      .codec = {.vk_xml_version = 0x4030ef},
      .venus = {1, 3},
      .commands = 0xdeadbeef,
      .own_commands = 0xfeedbeef,
      .release = "1.2.3",
      .resume = 30,
      .name = "a program",
   };
   hello.codec.extension_mask[0] = 1;
   hello.codec.extension_mask[31] = 0x80000000;
   if (side == VP_SERVER) {
      hello.nonce[VP_HELLO_NONCE_SIZE - 1] = 9;
      hello.session[0] = 8;
      hello.probe = 0x100000;
   } else {
      hello.join[1] = 7;
   }
   return hello;
}

static bool says_the_same(const struct vp_hello *a, const struct vp_hello *b, enum vp_side side)
{
   uint8_t one[VP_HELLO_WIRE_MAX], other[VP_HELLO_WIRE_MAX];
   const size_t size = vp_hello_store(one, a, side);

   return vp_hello_store(other, b, side) == size && memcmp(one, other, size) == 0;
}

static void test_round_trip(enum vp_side side)
{
   const struct vp_hello hello = example(side);
   uint8_t bytes[VP_HELLO_WIRE_MAX];
   struct vp_hello loaded;
   char error[256] = "";

   const size_t size = vp_hello_store(bytes, &hello, side);
   CHECK(memcmp(bytes, "VENUSPLS\2\0\0\0\1\0\0\0\0\x8\4\0commands\xef\xbe\xad\xde\0\xa\x80\0extensions\1\0\0\0", 50) ==
         0);
   CHECK(vp_hello_load(&loaded, side, bytes, size, error, sizeof(error)));
   CHECK(says_the_same(&loaded, &hello, side) && vp_hello_joins(&loaded) == (side == VP_CLIENT));
   CHECK(vp_hello_compatible(&hello, &loaded, error, sizeof(error)));
   vp_hello_explain(&hello, &loaded, error, sizeof(error));
   CHECK(error[0] == '\0');

   /* Of the other side, some of it is nothing that is known: not an error, but what the client requires is one. */
   CHECK(vp_hello_load(&loaded, vp_side_opposite(side), bytes, size, error, sizeof(error)) == (side == VP_SERVER));
   CHECK(loaded.nonce[VP_HELLO_NONCE_SIZE - 1] == 0 && loaded.session[0] == 0 && !vp_hello_joins(&loaded));
   CHECK(side == VP_SERVER || strstr(error, "the server requires \"join\", which the client does not know"));
}

static void test_of_this_build(void)
{
   struct vp_hello hello, loaded;
   uint8_t bytes[VP_HELLO_WIRE_MAX];
   char error[256], name[VP_HELLO_NAME_SIZE + 10];

   memset(name, 'n', sizeof(name) - 1);
   name[sizeof(name) - 1] = '\0';
   vp_hello_init(&hello, name);
   memset(hello.nonce, 0xff, sizeof(hello.nonce));
   memset(hello.session, 0xff, sizeof(hello.session));
   memset(hello.release, 'r', sizeof(hello.release) - 1);
   CHECK(hello.protocol_version == 2 && hello.codec.vk_xml_version && hello.commands && hello.own_commands);
   CHECK(vp_hello_load(&loaded, VP_SERVER, bytes, vp_hello_store(bytes, &hello, VP_SERVER), error, sizeof(error)));
   CHECK(says_the_same(&loaded, &hello, VP_SERVER)); /* there was room for all of it */
   CHECK(strlen(loaded.name) == VP_HELLO_NAME_SIZE - 1 && vp_hello_compatible(&hello, &loaded, error, sizeof(error)));
}

static void test_not_ours(enum vp_side side)
{
   const struct vp_hello hello = example(side);
   uint8_t bytes[VP_HELLO_WIRE_MAX] = {0};
   struct vp_hello loaded;
   struct vp_field_reader reader;
   struct vp_field field;
   char error[256];

   const size_t whole = vp_hello_store(bytes, &hello, side);
   vp_field_reader_init(&reader, bytes + FIXED_SIZE, whole - FIXED_SIZE);
   for (size_t size = 0; size <= whole; size++) {
      error[0] = '\0';
      /* It may end behind each field. */
      const bool is_end = bytes + size == reader.at;
      if (is_end)
         vp_field_read(&reader, &field);
      CHECK(vp_hello_load(&loaded, side, bytes, size, error, sizeof(error)) == is_end);
      CHECK(is_end == (error[0] == '\0') && (is_end || strstr(error, side == VP_CLIENT ? "the client" : "the server")));
   }
   bytes[3] ^= 1;
   CHECK(!vp_hello_load(&loaded, side, bytes, whole, error, sizeof(error)));
   CHECK(strstr(error, "does not speak"));
}

/* Loads a client's greeting that has these fields. */
static bool load_fields(const void *fields, size_t size, struct vp_hello *loaded, char error[256])
{
   const struct vp_hello nothing = {.protocol_version = VP_PROTOCOL_VERSION, .wire_format_version = 1};
   uint8_t bytes[2 * VP_HELLO_WIRE_MAX];

   CHECK(vp_hello_store(bytes, &nothing, VP_CLIENT) == FIXED_SIZE && size <= sizeof(bytes) - FIXED_SIZE);
   memcpy(bytes + FIXED_SIZE, fields, size);
   return vp_hello_load(loaded, VP_CLIENT, bytes, FIXED_SIZE + size, error, 256);
}

#define LOAD(text) load_fields(text, sizeof(text) - 1, &loaded, error)

static void test_fields(void)
{
   struct vp_hello loaded;
   char error[256];

   CHECK(LOAD("") && loaded.codec.vk_xml_version == 0 && loaded.name[0] == '\0');
   CHECK(!vp_hello_compatible(&loaded, &loaded, error, sizeof(error)));
   CHECK(strstr(error, "the client does not say which Vulkan registry"));

   CHECK(LOAD("\0\5\2\0color?!\0\x8\4\0registry\1\2\3\4")); /* unknown, and may be */
   CHECK(loaded.codec.vk_xml_version == 0x04030201);
   CHECK(!LOAD("\1\5\2\0color?!\0\x8\4\0registry\1\2\3\4"));
   CHECK(strstr(error, "the client requires \"color\", which the server does not know"));
   CHECK(LOAD("\1\x8\4\0registry\1\2\3\4")); /* required, and known */
   CHECK(!LOAD("\0\x8\4\0registry\1\2\3\4\0\x8\4\0registry\1\2\3\4") &&
         strstr(error, "of the client has a field twice"));
   CHECK(!LOAD("\0\x8\3\0registry\1\2\3") && strstr(error, "3 bytes of \"registry\""));
   CHECK(!LOAD("\0\x8\5\0registry\1\2\3\4\5") && strstr(error, "5 bytes of \"registry\""));
   CHECK(!LOAD("\0\4\1\0join\1") && strstr(error, "1 bytes of \"join\""));

   /* Of extensions, any number may be said. */
   CHECK(LOAD("\0\xa\4\0extensions\5\0\0\0") && loaded.codec.extension_mask[0] == 5);
   CHECK(LOAD("\0\xa\0\0extensions") && !LOAD("\0\xa\2\0extensions\5\0"));
   uint8_t many[14 + 132] = "\0\xa\x84\0extensions";
   memset(many + 14, 0xff, 132);
   CHECK(load_fields(many, sizeof(many), &loaded, error));
   CHECK(loaded.codec.extension_mask[31] == 0xffffffff && loaded.venus[0] == 0);
}

static void test_name_is_tamed(void)
{
   struct vp_hello loaded;
   uint8_t field[8 + 300] = "\0\4\x2c\1name";
   char error[256];

   memset(field + 8, 'n', 300);
   field[8 + 4] = '\n';
   CHECK(load_fields(field, sizeof(field), &loaded, error));
   CHECK(strlen(loaded.name) == VP_HELLO_NAME_SIZE - 1 && loaded.name[4] == ' ');
}

static void test_versions(void)
{
   const struct vp_hello client = example(VP_CLIENT);
   struct vp_hello server = example(VP_SERVER), loaded;
   uint8_t bytes[VP_HELLO_WIRE_MAX];
   char error[256];

   server.wire_format_version = 77;
   CHECK(!vp_hello_compatible(&client, &server, error, sizeof(error)));
   CHECK(strstr(error, "the client speaks version 1 ") && strstr(error, "the server version 77;") &&
         strstr(error, "wire format"));

   /* Another protocol version may have something else after the two and is still named. */
   server = example(VP_SERVER);
   server.protocol_version = 4242;
   vp_hello_store(bytes, &server, VP_SERVER);
   memset(bytes + FIXED_SIZE, 0xff, 8);
   CHECK(vp_hello_load(&loaded, VP_SERVER, bytes, FIXED_SIZE + 8, error, sizeof(error)));
   CHECK(!vp_hello_compatible(&client, &loaded, error, sizeof(error)));
   CHECK(strstr(error, "the client speaks version 2 of the protocol, the server version 4242;"));
   const size_t length = strlen(error);
   vp_hello_explain(&client, &loaded, error, sizeof(error));
   CHECK(strlen(error) == length); /* nothing is known of that build */
}

static void test_builds(void)
{
   struct vp_hello client = example(VP_CLIENT), server = example(VP_SERVER);
   char text[512] = "it failed";

   server.codec.vk_xml_version = 1u << 22 | 4u << 12 | 309;
   server.commands = 0x1234;
   strcpy(client.release, "2.0.0");
   CHECK(vp_hello_compatible(&client, &server, text, sizeof(text))); /* they get along */
   vp_hello_explain(&client, &server, text, sizeof(text));
   CHECK(strcmp(text, "it failed; the server was built from Vulkan registry 1.4.309, the client from 1.3.239"
                      "; the server is of release 1.2.3, the client of 2.0.0"
                      "; the server has the table of commands 00001234, the client has deadbeef") == 0);
   char cut[20] = "it failed";
   vp_hello_explain(&client, &server, cut, sizeof(cut));
   CHECK(strcmp(cut, "it failed; the serv") == 0);

   server.own_commands = 0x99;
   CHECK(!vp_hello_compatible(&client, &server, text, sizeof(text)));
   CHECK(strstr(text, "different commands of Venus Plus's own"));
   vp_hello_explain(&client, &server, text, sizeof(text));
   CHECK(strstr(text, "the server has the own commands 00000099, the client has feedbeef"));
   server.own_commands = 0; /* says nothing of it */
   CHECK(vp_hello_compatible(&client, &server, text, sizeof(text)));
}

int main(void)
{
   test_round_trip(VP_CLIENT);
   test_round_trip(VP_SERVER);
   test_of_this_build();
   test_not_ours(VP_CLIENT);
   test_not_ours(VP_SERVER);
   test_fields();
   test_name_is_tamed();
   test_versions();
   test_builds();
   return check_finish();
}
