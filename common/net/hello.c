/* SPDX-License-Identifier: MIT */

/* One table of all fields says who sends them and where they lie in the struct, and is used both ways; then the two
 * greetings are compared, in versions and in what may differ. */

#include "common/net/hello.h"

#include <stdio.h>
#include <string.h>

#include "common/net/fields.h"
#include "common/util/bytes.h"
#include "common/util/text.h"
#include "vp_commands.h"

#define SERIALIZATION_SPEC 1
#define VENUS_SPEC 3

enum hello_kind {
   HELLO_WORDS, /* u32, exactly as many as there are */
   HELLO_MASK,  /* u32, any number; those that are missing are 0 */
   HELLO_BYTES, /* exactly as many as there are */
   HELLO_TEXT,  /* UTF-8, cut where it is too long */
};

struct hello_field {
   const char *name;
   enum hello_kind kind;
   bool client, server; /* who says it */
   bool required;
   size_t offset, size;
};

#define MEMBER(member) .offset = offsetof(struct vp_hello, member), .size = sizeof(((struct vp_hello *)0)->member)
#define BOTH .client = true, .server = true

/* In their order on the wire. */
static const struct hello_field hello_fields[] = {
   {"commands", HELLO_WORDS, BOTH, MEMBER(commands)},
   {"extensions", HELLO_MASK, BOTH, MEMBER(codec.extension_mask)},
   {"host", HELLO_TEXT, .server = true, MEMBER(host)},
   {"join", HELLO_BYTES, .client = true, .required = true, MEMBER(join)},
   {"machine", HELLO_BYTES, .server = true, MEMBER(machine)},
   {"name", HELLO_TEXT, BOTH, MEMBER(name)},
   {"nonce", HELLO_BYTES, .server = true, MEMBER(nonce)},
   {"own-commands", HELLO_WORDS, BOTH, MEMBER(own_commands)},
   {"probe", HELLO_WORDS, .server = true, MEMBER(probe)},
   {"registry", HELLO_WORDS, BOTH, MEMBER(codec.vk_xml_version)},
   {"release", HELLO_TEXT, BOTH, MEMBER(release)},
   {"resume", HELLO_WORDS, BOTH, MEMBER(resume)},
   {"session", HELLO_BYTES, .server = true, MEMBER(session)},
   {"share", HELLO_WORDS, .server = true, MEMBER(share)},
   {"venus", HELLO_WORDS, BOTH, MEMBER(venus)},
};
#define FIELD_COUNT (sizeof(hello_fields) / sizeof(hello_fields[0]))
#define MAX_MEMBER_SIZE ((size_t)VP_HELLO_NAME_SIZE)

void vp_hello_init(struct vp_hello *hello, const char *name)
{
   *hello = (struct vp_hello){
      .protocol_version = VP_PROTOCOL_VERSION,
      .wire_format_version = VP_WIRE_FORMAT_VERSION,
      .codec = {.vk_xml_version = VP_REGISTRY_VERSION, .extension_mask = VP_EXTENSION_MASK},
      .venus = {SERIALIZATION_SPEC, VENUS_SPEC},
      .commands = VP_CODEC_HASH,
      .own_commands = VP_OWN_COMMANDS_HASH,
      .release = VP_VERSION,
   };
   vp_text_copy(hello->name, sizeof(hello->name), name, strlen(name));
}

static bool hello_says(const struct hello_field *field, enum vp_side side)
{
   return side == VP_CLIENT ? field->client : field->server;
}

static bool hello_is_zero(const uint8_t *data, size_t size)
{
   uint8_t any = 0;
   for (size_t i = 0; i < size; i++)
      any |= data[i];
   return !any;
}

/* --- to bytes --- */

/* Returns the size. */
static size_t hello_store_value(const struct hello_field *field, uint8_t out[MAX_MEMBER_SIZE], const uint8_t *member)
{
   if (field->kind == HELLO_TEXT) {
      vp_text_copy((char *)out, field->size, (const char *)member, field->size);
      return strlen((const char *)out);
   }
   if (field->kind == HELLO_BYTES) {
      memcpy(out, member, field->size);
      return field->size;
   }
   for (size_t at = 0; at < field->size; at += sizeof(uint32_t)) {
      uint32_t word;
      memcpy(&word, member + at, sizeof(word));
      vp_bytes_store_u32(out + at, word);
   }
   return field->size;
}

size_t vp_hello_store(uint8_t out[VP_HELLO_WIRE_MAX], const struct vp_hello *hello, enum vp_side from)
{
   struct vp_field_writer writer = {.at = out + VP_HELLO_FIXED_SIZE, .end = out + VP_HELLO_WIRE_MAX};
   uint8_t value[MAX_MEMBER_SIZE];

   vp_bytes_store_u64(out, VP_HELLO_MAGIC);
   vp_bytes_store_u32(out + 8, hello->protocol_version);
   vp_bytes_store_u32(out + 12, hello->wire_format_version);
   for (size_t i = 0; i < FIELD_COUNT; i++) {
      const struct hello_field *field = &hello_fields[i];
      const uint8_t *member = (const uint8_t *)hello + field->offset;
      if (!hello_says(field, from) || hello_is_zero(member, field->size))
         continue;
      vp_field_write(&writer, &(struct vp_field){
                                 .name = field->name,
                                 .name_size = strlen(field->name),
                                 .value = value,
                                 .size = hello_store_value(field, value, member),
                                 .required = field->required,
                              });
   }
   return (size_t)(writer.at - out);
}

/* --- from bytes --- */

static const struct hello_field *hello_find(const struct vp_field *said, enum vp_side from)
{
   for (size_t i = 0; i < FIELD_COUNT; i++) {
      if (hello_says(&hello_fields[i], from) && vp_field_is(said, hello_fields[i].name))
         return &hello_fields[i];
   }
   return NULL;
}

/* False: the value does not have the size that it must have. */
static bool hello_load_value(const struct hello_field *field, uint8_t *member, const uint8_t *value, size_t size)
{
   if (field->kind == HELLO_TEXT) {
      vp_text_copy((char *)member, field->size, (const char *)value, size);
      vp_text_make_line((char *)member);
      return true;
   }
   if (field->kind == HELLO_MASK ? size % sizeof(uint32_t) != 0 : size != field->size)
      return false;
   if (field->kind == HELLO_BYTES) {
      memcpy(member, value, size);
      return true;
   }
   for (size_t at = 0; at < size && at < field->size; at += sizeof(uint32_t)) {
      const uint32_t word = vp_bytes_load_u32(value + at);
      memcpy(member + at, &word, sizeof(word));
   }
   return true;
}

static bool hello_load_field(struct vp_hello *hello, enum vp_side from, const struct vp_field *said, char *error,
                             size_t error_size)
{
   const struct hello_field *field = hello_find(said, from);
   const char *from_name = vp_side_name(from), *to_name = vp_side_name(vp_side_opposite(from));
   if (!field && said->required) {
      snprintf(error, error_size, "the %s requires \"%.*s\", which the %s does not know", from_name,
               (int)said->name_size, said->name, to_name);
      return false;
   }
   if (field && !hello_load_value(field, (uint8_t *)hello + field->offset, said->value, said->size)) {
      snprintf(error, error_size, "the greeting of the %s has %zu bytes of \"%s\"", from_name, said->size, field->name);
      return false;
   }
   return true;
}

bool vp_hello_load(struct vp_hello *hello, enum vp_side from, const uint8_t *data, size_t size, char *error,
                   size_t error_size)
{
   struct vp_field_reader reader;
   struct vp_field field;

   *hello = (struct vp_hello){0};
   if (size < VP_HELLO_FIXED_SIZE || vp_bytes_load_u64(data) != VP_HELLO_MAGIC) {
      snprintf(error, error_size, "the %s does not speak the protocol of Venus Plus; is the port right?",
               vp_side_name(from));
      return false;
   }
   hello->protocol_version = vp_bytes_load_u32(data + 8);
   hello->wire_format_version = vp_bytes_load_u32(data + 12);
   if (hello->protocol_version != VP_PROTOCOL_VERSION)
      return true;

   vp_field_reader_init(&reader, data + VP_HELLO_FIXED_SIZE, size - VP_HELLO_FIXED_SIZE);
   while (vp_field_read(&reader, &field)) {
      if (!hello_load_field(hello, from, &field, error, error_size))
         return false;
   }
   if (reader.error)
      snprintf(error, error_size, "the greeting of the %s %s", vp_side_name(from), reader.error);
   return !reader.error;
}

/* --- the two compared --- */

static const char release_hint[] = "use the same release of Venus Plus on both machines";

static bool hello_same_version(const char *what, uint32_t client, uint32_t server, char *error, size_t error_size)
{
   if (client == server)
      return true;
   snprintf(error, error_size,
            "the client speaks version %u of the %s, the server version %u; the %s is the older one: %s", client, what,
            server, vp_side_name(client < server ? VP_CLIENT : VP_SERVER), release_hint);
   return false;
}

bool vp_hello_compatible(const struct vp_hello *client, const struct vp_hello *server, char *error, size_t error_size)
{
   if (!hello_same_version("protocol", client->protocol_version, server->protocol_version, error, error_size) ||
       !hello_same_version("Venus wire format", client->wire_format_version, server->wire_format_version, error,
                           error_size))
      return false;
   if (!client->codec.vk_xml_version || !server->codec.vk_xml_version) {
      snprintf(error, error_size, "the %s does not say which Vulkan registry it was built from",
               vp_side_name(client->codec.vk_xml_version ? VP_SERVER : VP_CLIENT));
      return false;
   }
   if (client->own_commands && server->own_commands && client->own_commands != server->own_commands) {
      snprintf(error, error_size,
               "the client and the server were built with different commands of Venus Plus's own; %s", release_hint);
      return false;
   }
   return true;
}

/* What builds can differ in, and how one says it of the server and of the client. */
enum {
   FACT_REGISTRY,
   FACT_RELEASE,
   FACT_VENUS,
   FACT_COMMANDS,
   FACT_OWN_COMMANDS,
   FACT_COUNT,
};
static const struct {
   const char *server, *client;
} hello_fact_words[FACT_COUNT] = {
   [FACT_REGISTRY] = {"was built from Vulkan registry", "from"}, [FACT_RELEASE] = {"is of release", "of"},
   [FACT_VENUS] = {"is of the Venus specifications", "of"},      [FACT_COMMANDS] = {"has the table of commands", "has"},
   [FACT_OWN_COMMANDS] = {"has the own commands", "has"},
};
#define FACT_SIZE VP_HELLO_RELEASE_SIZE

/* Of one side, as text; empty: not said. */
static void hello_write_facts(const struct vp_hello *hello, char facts[FACT_COUNT][FACT_SIZE])
{
   const uint32_t version = hello->codec.vk_xml_version;
   memset(facts, 0, FACT_COUNT * sizeof(facts[0]));
   if (version)
      snprintf(facts[FACT_REGISTRY], FACT_SIZE, "%u.%u.%u", VK_API_VERSION_MAJOR(version),
               VK_API_VERSION_MINOR(version), VK_API_VERSION_PATCH(version));
   memcpy(facts[FACT_RELEASE], hello->release, FACT_SIZE);
   if (hello->venus[0] || hello->venus[1])
      snprintf(facts[FACT_VENUS], FACT_SIZE, "%u and %u", hello->venus[0], hello->venus[1]);
   if (hello->commands)
      snprintf(facts[FACT_COMMANDS], FACT_SIZE, "%08x", hello->commands);
   if (hello->own_commands)
      snprintf(facts[FACT_OWN_COMMANDS], FACT_SIZE, "%08x", hello->own_commands);
}

void vp_hello_explain(const struct vp_hello *client, const struct vp_hello *server, char *text, size_t size)
{
   char of_client[FACT_COUNT][FACT_SIZE], of_server[FACT_COUNT][FACT_SIZE];
   hello_write_facts(client, of_client);
   hello_write_facts(server, of_server);
   for (size_t i = 0; i < FACT_COUNT; i++) {
      const size_t length = strlen(text);
      if (of_client[i][0] && of_server[i][0] && strcmp(of_client[i], of_server[i]) != 0)
         snprintf(text + length, size - length, "; the server %s %s, the client %s %s", hello_fact_words[i].server,
                  of_server[i], hello_fact_words[i].client, of_client[i]);
   }
}

bool vp_hello_joins(const struct vp_hello *client)
{
   return !hello_is_zero(client->join, sizeof(client->join));
}
