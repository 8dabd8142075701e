/* SPDX-License-Identifier: MIT */
#include "common/net/hello.h"

#include <stdio.h>
#include <string.h>

#include "common/util/bytes.h"
#include "common/util/text.h"

#define VERSIONS_SIZE (8 + 2 * 4) /* magic and the two versions: the part that never changes */

void vp_hello_store(uint8_t out[VP_HELLO_WIRE_SIZE], const struct vp_hello *hello)
{
   const uint32_t words[] = {
      hello->protocol_version,   hello->wire_format_version, hello->vk_xml_version,
      hello->serialization_spec, hello->venus_spec,          hello->codec_hash,
   };

   vp_bytes_store_u64(out, VP_HELLO_MAGIC);
   out += 8;
   for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++, out += 4)
      vp_bytes_store_u32(out, words[i]);
   for (size_t i = 0; i < VP_HELLO_EXTENSION_WORDS; i++, out += 4)
      vp_bytes_store_u32(out, hello->extension_mask[i]);

   memset(out, 0, VP_HELLO_NAME_SIZE);
   vp_text_copy((char *)out, VP_HELLO_NAME_SIZE, hello->name, sizeof(hello->name));
   memcpy(out + VP_HELLO_NAME_SIZE, hello->auth, sizeof(hello->auth));
}

bool vp_hello_load(struct vp_hello *hello, const uint8_t *data, size_t size, char *error, size_t error_size)
{
   memset(hello, 0, sizeof(*hello));

   if (size < VERSIONS_SIZE || vp_bytes_load_u64(data) != VP_HELLO_MAGIC) {
      snprintf(error, error_size, "the other side does not speak the protocol of Venus Plus; is the port right?");
      return false;
   }

   hello->protocol_version = vp_bytes_load_u32(data + 8);
   hello->wire_format_version = vp_bytes_load_u32(data + 12);
   if (hello->protocol_version != VP_PROTOCOL_VERSION)
      return true;
   if (size != VP_HELLO_WIRE_SIZE) {
      snprintf(error, error_size, "the greeting of the other side has %zu bytes instead of %d", size,
               VP_HELLO_WIRE_SIZE);
      return false;
   }

   hello->vk_xml_version = vp_bytes_load_u32(data + 16);
   hello->serialization_spec = vp_bytes_load_u32(data + 20);
   hello->venus_spec = vp_bytes_load_u32(data + 24);
   hello->codec_hash = vp_bytes_load_u32(data + 28);
   data += 32;
   for (size_t i = 0; i < VP_HELLO_EXTENSION_WORDS; i++, data += 4)
      hello->extension_mask[i] = vp_bytes_load_u32(data);

   vp_text_copy(hello->name, sizeof(hello->name), (const char *)data, VP_HELLO_NAME_SIZE);
   vp_text_make_line(hello->name);
   memcpy(hello->auth, data + VP_HELLO_NAME_SIZE, sizeof(hello->auth));
   return true;
}

bool vp_hello_compatible(const struct vp_hello *own, const struct vp_hello *peer, char *error, size_t error_size)
{
   const char *what = NULL;
   uint32_t own_version = 0, peer_version = 0;

   if (own->protocol_version != peer->protocol_version) {
      what = "protocol";
      own_version = own->protocol_version;
      peer_version = peer->protocol_version;
   } else if (own->wire_format_version != peer->wire_format_version) {
      what = "Venus wire format";
      own_version = own->wire_format_version;
      peer_version = peer->wire_format_version;
   }
   if (!what)
      return true;

   snprintf(error, error_size,
            "this side has version %u of the %s, the other side has version %u; "
            "use the same release of Venus Plus on both machines",
            own_version, what, peer_version);
   return false;
}
